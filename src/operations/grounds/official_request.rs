//! Asks for named fields of named people for an organ, by a document: the protection officer decides.
//! Never more than the document is for: people, fields and end are fixed when it is asked for.
//! The document's number is sealed with the request; the log has the request's id and the organ.

use crate::access::{Access, Ask, Code, Item, OfficialAsked};
use crate::ambient::{Micros, Random};
use crate::limits::{
    OFFICIAL_PEOPLE_COUNT_MAX, OFFICIAL_SECONDS_MAX, RECORDS_FOR_PERSON_COUNT, STALE_ATTEMPTS_MAX,
};
use crate::operations::error::{Misplaced, after, refuse, turn_away, turn_away_at};
use crate::operations::mandate::begun;
use crate::operations::scope::{Named, Seen, handles, look};
use crate::operations::{Asked, OperationError, draw};
use crate::records::{MandateId, SchemaSet, SubjectId};
use crate::seal::{MandateRecord, MandateState, Nature, Official, Seal};
use crate::store::Reader;
use crate::territory::Territory;
use crate::trail::{Recorded, Refused, Trail};

/// What an organ asks for.
pub struct OfficialRequest {
    /// Number of the document.
    pub document: String,
    /// The organ: a code of `organ`.
    pub organ: String,
    /// The people.
    pub subjects: Vec<SubjectId>,
    /// The fields.
    pub fields: Vec<String>,
    /// First moment at which it opens nothing more.
    pub until: Micros,
}

/// Brings it before the protection officer.
///
/// # Errors
/// `schema_invalid` for an end or a number of people beyond their limits; `rate_limited` for whoever asked too often; else as
/// [`Access::decide_official`].
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn ask_official(
    asked: &Asked<'_>,
    request: &OfficialRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<(MandateId, Recorded), OperationError> {
    let lasts = request.until.0.saturating_sub(asked.now.0);
    let subjects = &request.subjects;
    let repeats = subjects.iter().enumerate().any(|(at, id)| subjects[..at].contains(id));
    let counted = (1..=OFFICIAL_PEOPLE_COUNT_MAX).contains(&subjects.len());
    for (wrong, misplaced) in [
        (!counted || repeats, Misplaced::new("subjects", "out_of_range")),
        (lasts <= 0, Misplaced::new("until", "out_of_range")),
        (lasts > OFFICIAL_SECONDS_MAX * 1_000_000, Misplaced::new("until", "out_of_range")),
    ] {
        if wrong {
            return Err(turn_away_at(
                Some(asked.actor.standing()),
                asked.origin,
                access,
                trail,
                misplaced,
            )
            .await);
        }
    }
    let id = draw::mandate_id(asked.now, random)?;
    let question = asked.question(Ask::Read, schemas, territory);
    let terms = OfficialAsked { id, organ: &request.organ, fields: &request.fields };
    for _ in 0..STALE_ATTEMPTS_MAX {
        let scope = look(&[], subjects, store, seal).await?;
        let items: Vec<Item<'_>> = scope.iter().map(Seen::item).collect();
        let target = Named::over(id, &scope);
        let (permit, role, place) = match access.decide_official(&question, &terms, &items, target)
        {
            Ok(decided) => decided,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let record = MandateRecord {
            role,
            waits_at: Some(*place.as_bytes()),
            ..record_of(asked, request, &scope)
        };
        let change = begun(id, &record, seal)?;
        match trail.commit(permit, change).await {
            Ok(receipt) => return Ok((id, receipt.recorded())),
            // How often is no number of people.
            Err(Refused::Limit(_)) => {
                return Err(turn_away(asked, access, trail, Code::RateLimited).await);
            }
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

fn record_of(asked: &Asked<'_>, request: &OfficialRequest, scope: &[Seen]) -> MandateRecord {
    let (records, subjects) = handles(scope);
    let budget = subjects.len() * RECORDS_FOR_PERSON_COUNT;
    MandateRecord {
        purpose: asked.purpose.id.as_str().to_owned(),
        fields: request.fields.clone(),
        records,
        subjects,
        until: request.until.0,
        budget: u32::try_from(budget).unwrap_or(u32::MAX),
        document: Some(request.document.clone()),
        nature: Some(Nature::Official(Official { organ: request.organ.clone() })),
        ..MandateRecord::blank(MandateState::Asked, asked.actor.standing().actor, asked.now)
    }
}
