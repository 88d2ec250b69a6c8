//! Restrains what is held of somebody, or releases it: the desk asks, the protection officer agrees, a desk of the same area
//! carries it out.
//! Never on one person's word, and never without an entry for each step; what is restrained stays sealed as it is.
//! The order of what is written, and what a crash leaves behind:
//!
//! ```text
//! 1 mark     one frame a step: entry `subject.restrict`, `subject.hold` or `subject.release`, rows with the mark or without it
//! 2 close    with the last of them: the request is carried out, and a restraint is in force or released
//! ```
//! From the step on that marks a record nothing that was decided before about it is taken: the row has moved on. After a crash some
//! records are marked, the request is open as before, and whoever says it again goes on. The first step that marks anything says since
//! when, so what was half set is in the list of what is due until it is carried out or released, also when its time went by or the
//! officer says no to what is left of it. A record that is stored about the person meanwhile moves its key: it inherits the mark, or
//! the step looks again.

use super::consent::is_known;
use super::erasure_steps::{At, Held, again, items};
use crate::access::{
    Access, Ask, Code, ErasureDesk, Fact, Item, Permit, RestraintAct, RestraintAsked,
};
use crate::ambient::Random;
use crate::limits::{
    APPROVAL_WAIT_SECONDS, ERASURE_SECONDS, RESTRAINT_RECORDS_COUNT_MAX,
    RESTRAINTS_OF_PERSON_COUNT_MAX, STALE_ATTEMPTS_MAX,
};
use crate::operations::error::{after, refuse, turn_away};
use crate::operations::mandate::{Kept, begun, kept_mandate, moved};
use crate::operations::scope::{Named, Weighed};
use crate::operations::steps::Steps;
use crate::operations::{Asked, OperationError, draw};
use crate::purposes::ConsentGiver;
use crate::records::{Handle, MandateId, RestraintKind, SchemaSet, SubjectId};
use crate::seal::{
    MandateRecord, MandateState, Nature, Restrained, Restraining, RestraintStep, Seal,
};
use crate::store::{Expect, Fetched, Key, Reader, Sealed};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};
use std::collections::BTreeSet;

/// A restraint, as the desk takes the request for it.
pub struct RestrainRequest {
    /// Over whom.
    pub subject: SubjectId,
    /// What it is to do.
    pub kind: RestraintKind,
    /// Why: a code.
    pub reason: &'static str,
    /// Who asks for it at the desk, and by which document the desk knows them: a code, never a number. Nothing where nobody does.
    pub present: Option<(ConsentGiver, &'static str)>,
    /// Number of the document behind it.
    pub document: Option<String>,
}

/// Brings a restraint before the protection officer.
///
/// # Errors
/// `schema_invalid` for a child for which the guardian does not ask; `too_large` for somebody over whom as many are as one may have;
/// else as [`Access::decide_restraint`].
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn ask_restraint(
    asked: &Asked<'_>,
    request: &RestrainRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<(MandateId, Recorded), OperationError> {
    let id = draw::mandate_id(asked.now, random)?;
    let word = |giver| match giver {
        ConsentGiver::Self_ => "self",
        ConsentGiver::Guardian => "guardian",
    };
    let present = request.present.map(|(by, proof)| (word(by).to_owned(), proof.to_owned()));
    let asking = Asking {
        id,
        terms: Restraining {
            subject: request.subject,
            kind: request.kind,
            reason: request.reason.to_owned(),
            present,
            ..unknown()
        },
        document: request.document.clone(),
    };
    for _ in 0..STALE_ATTEMPTS_MAX {
        let held = Held::of(request.subject, store, seal).await?;
        let (permit, record) =
            asking.decided(asked, &held, None, access, trail, schemas, territory).await?;
        let is_childs = held.own.iter().any(|one| one.facts.is_under_14(asked.now.local_days()));
        if is_childs && matches!(request.present, Some((ConsentGiver::Self_, _))) {
            return Err(turn_away(asked, access, trail, Code::SchemaInvalid).await);
        }
        if is_full(&held, request.subject, id) {
            return Err(turn_away(asked, access, trail, Code::TooLarge).await);
        }
        let change = begun(id, &record, seal)?;
        match trail.commit(permit, change).await {
            Ok(receipt) => return Ok((id, receipt.recorded())),
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// Brings the end of a restraint before the protection officer.
///
/// # Errors
/// `version_conflict` for one that is not agreed to, or released already; else as [`ask_restraint`].
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn ask_release(
    asked: &Asked<'_>,
    restraint: MandateId,
    reason: &'static str,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
    random: &dyn Random,
) -> Result<(MandateId, Recorded), OperationError> {
    let id = draw::mandate_id(asked.now, random)?;
    for _ in 0..STALE_ATTEMPTS_MAX {
        let found = restraining_of(restraint, store, seal).await?;
        let found = found.filter(|(_, terms)| terms.releases.is_none());
        let known = found.as_ref().map(|(_, terms)| terms);
        let asking = Asking {
            id,
            terms: Restraining {
                subject: subject_of(known),
                kind: known.map_or(RestraintKind::Restriction, |terms| terms.kind),
                releases: Some(restraint),
                reason: reason.to_owned(),
                ..unknown()
            },
            document: None,
        };
        let held = Held::of(asking.terms.subject, store, seal).await?;
        // Any desk that has to do with the person may ask: the one of then may have nothing of it any more.
        let nothing = held.own.is_empty() && held.others.is_empty();
        let area = known.map(|terms| &*terms.area).filter(|_| nothing);
        let (permit, record) =
            asking.decided(asked, &held, area, access, trail, schemas, territory).await?;
        // Who may not know of it learns nothing of how far it is.
        if !found.is_some_and(|(kept, terms)| may_end(&kept, &terms)) {
            return Err(turn_away(asked, access, trail, Code::VersionConflict).await);
        }
        let change = begun(id, &record, seal)?;
        match trail.commit(permit, change).await {
            Ok(receipt) => return Ok((id, receipt.recorded())),
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// Something that is asked of the protection officer.
struct Asking {
    id: MandateId,
    terms: Restraining,
    document: Option<String>,
}

impl Asking {
    /// Decides whether it may be asked for, and says what is kept of it then.
    #[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
    async fn decided(
        &self,
        asked: &Asked<'_>,
        held: &Held,
        area: Option<&str>,
        access: &Access,
        trail: &Trail,
        schemas: &SchemaSet,
        territory: &Territory,
    ) -> Result<(Permit<Named>, MandateRecord), OperationError> {
        let question = asked.question(Ask::Update, schemas, territory);
        let known = |one: &&Weighed| is_known(one, asked, access, territory);
        let named = held.naming().iter().find(known);
        let changed: Vec<Item<'_>> = named.map(Weighed::item).into_iter().collect();
        let terms = asked_of(self.id, &self.terms, held.handle, area);
        let (own, others) = (items(&held.own), items(&held.others));
        let target = Named::over(self.id, &[]).and(&held.seen);
        let parts = (&own[..], &others[..], &changed[..]);
        let decided = access.decide_restraint(&question, RestraintAct::Ask, &terms, parts, target);
        match decided {
            Ok((permit, desk)) => Ok((permit, self.record(asked, named, desk))),
            Err(denied) => Err(refuse(trail, denied).await),
        }
    }

    fn record(
        &self,
        asked: &Asked<'_>,
        named: Option<&Weighed>,
        desk: ErasureDesk,
    ) -> MandateRecord {
        let terms = Restraining { area: desk.area, ..self.terms.clone() };
        let named = named.map(|one| (one.record, *one.facts.record_handle.as_bytes()));
        MandateRecord {
            purpose: asked.purpose.id.as_str().to_owned(),
            records: named.into_iter().collect(),
            until: asked.now.0.saturating_add(APPROVAL_WAIT_SECONDS * 1_000_000),
            single_use: true,
            role: desk.role,
            waits_at: Some(*desk.waits_at.as_bytes()),
            seconds: ERASURE_SECONDS,
            document: self.document.clone(),
            nature: Some(Nature::Restraining(terms)),
            ..MandateRecord::blank(MandateState::Asked, asked.actor.standing().actor, asked.now)
        }
    }
}

/// What became of a restraint.
pub struct Restraint {
    /// How many records were marked or released by this call.
    pub records_count: usize,
    /// The entry; of several steps that of the last one.
    pub recorded: Recorded,
}

/// Carries out what the protection officer agreed to. Whoever gets no answer says it again: it goes on where it stopped.
///
/// # Errors
/// `approval_required` before the officer agreed; `version_conflict` for what was refused, is over or was carried out; `stale`
/// where it takes more steps than one call has, to be said again; else as [`ask_restraint`].
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn carry_out_restraint(
    asked: &Asked<'_>,
    id: MandateId,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Restraint, OperationError> {
    let question = asked.question(Ask::Update, schemas, territory);
    let (mut steps, mut records_count) = (Steps::default(), 0);
    while steps.go_on() {
        let work = Work::of(id, asked, store, seal).await?;
        let held = Held::of(work.step.subject, store, seal).await?;
        let Some(due) = Due::of(&held, &work.step, store).await? else {
            steps.went_stale();
            continue;
        };
        let Due { places, sealed, left } = due;
        let terms = asked_of(id, &work.terms, held.handle, work.area());
        let (own, others) = (items(&held.own), items(&held.others));
        let changed: Vec<Item<'_>> = places.iter().map(|at| held.item(*at)).collect();
        let (act, requests) = (work.act(), work.requests());
        let unfit = work.unfit(asked, &held);
        let key = held.key.as_ref().map(|key| again(key, false));
        let target = Restrained::new(work.step, sealed, key, requests);
        let parts = (&own[..], &others[..], &changed[..]);
        let decided = access.decide_restraint(&question, act, &terms, parts, target);
        let permit = match decided {
            Ok((permit, _)) if left == 0 => permit,
            Ok((permit, _)) => permit.stating("left", Fact::Number(left as u64)),
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        // Who may not know of it learns nothing of how far it is.
        if let Some(code) = unfit {
            return Err(turn_away(asked, access, trail, code).await);
        }
        let mut change = seal.restrain(&permit)?;
        let behind = if left == 0 { work.done(asked) } else { work.half_done(asked) };
        for (kept, record) in work.kept.iter().zip(behind) {
            change.append(moved(kept, &record, seal)?);
        }
        match trail.commit(permit, change).await {
            Ok(receipt) => {
                records_count += places.len();
                if left == 0 {
                    return Ok(Restraint { records_count, recorded: receipt.recorded() });
                }
                // A crash here leaves the request as it was, so it can be said again.
                steps.went_on();
            }
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
                steps.went_stale();
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// The request with this id, where it is one for a restraint or for the end of one.
async fn restraining_of(
    id: MandateId,
    store: &Reader,
    seal: &Seal,
) -> Result<Option<(Kept, Restraining)>, OperationError> {
    let Some(kept) = kept_mandate(id, store, seal).await? else { return Ok(None) };
    let terms = kept.record.restraining().cloned();
    Ok(terms.map(|terms| (kept, terms)))
}

/// Whose records are looked for; nobody's where there is no such request, so that this takes the same way.
fn subject_of(terms: Option<&Restraining>) -> SubjectId {
    terms.map_or(SubjectId::from_bytes([0; 16]), |terms| terms.subject)
}

/// A restraint as a decision asks about it.
fn asked_of<'a>(
    id: MandateId,
    terms: &'a Restraining,
    subject: Option<Handle>,
    area: Option<&'a str>,
) -> RestraintAsked<'a> {
    let (kind, releases, reason) = (terms.kind, terms.releases, &*terms.reason);
    RestraintAsked { id, subject, area, kind, releases, reason }
}

/// Whether there is something to release: it is in force, or was decided on and may have marked some records.
fn may_end(kept: &Kept, terms: &Restraining) -> bool {
    let decided = matches!(kept.record.state, MandateState::Open | MandateState::Returned);
    let begun = terms.is_in_force() || (decided && terms.released.is_none());
    terms.releases.is_none() && begun
}

/// Whether as many restraints are over a person as one may have, but for one that is looked at.
fn is_full(held: &Held, subject: SubjectId, but: MandateId) -> bool {
    let kept = held.own.iter().chain(&held.others).flat_map(|one| &one.facts.restraints);
    let own = kept.filter(|kept| kept.subject == *subject.as_bytes() && kept.id != *but.as_bytes());
    let ids: BTreeSet<[u8; 16]> = own.map(|kept| kept.id).collect();
    ids.len() >= RESTRAINTS_OF_PERSON_COUNT_MAX
}

/// A request that is carried out.
struct Work {
    /// The request, and behind it the restraint that it releases, where it releases one; nothing where there is no such request.
    kept: Vec<Kept>,
    terms: Restraining,
    step: RestraintStep,
}

impl Work {
    async fn of(
        id: MandateId,
        asked: &Asked<'_>,
        store: &Reader,
        seal: &Seal,
    ) -> Result<Work, OperationError> {
        let found = restraining_of(id, store, seal).await?;
        let (mut kept, terms) = match found {
            Some((kept, terms)) => (vec![kept], terms),
            None => (Vec::new(), unknown()),
        };
        if let Some(restraint) = terms.releases {
            kept.extend(kept_mandate(restraint, store, seal).await?);
        }
        let restraint = terms.releases.unwrap_or(id);
        let (kind, releases, subject) = (terms.kind, terms.releases.is_some(), terms.subject);
        let step = RestraintStep { request: id, restraint, kind, releases, subject, at: asked.now };
        Ok(Work { kept, terms, step })
    }

    /// The area of the desk that asked, where anybody did.
    fn area(&self) -> Option<&str> {
        self.kept.first().map(|_| &*self.terms.area)
    }

    fn act(&self) -> RestraintAct {
        match (self.step.releases, self.step.kind) {
            (true, _) => RestraintAct::Release,
            (false, RestraintKind::Restriction) => RestraintAct::Restrict,
            (false, RestraintKind::LegalHold) => RestraintAct::Hold,
        }
    }

    /// The requests as they were looked at.
    fn requests(&self) -> Vec<Expect> {
        let expect =
            |kept: &Kept| Expect { key: Key::mandate(kept.id), version: kept.version, stamp: 0 };
        self.kept.iter().map(expect).collect()
    }

    /// Why it is not carried out now, if it is not.
    fn unfit(&self, asked: &Asked<'_>, held: &Held) -> Option<Code> {
        let Some(request) = self.kept.first() else { return Some(Code::NotFound) };
        let record = &request.record;
        let waits = asked.now.0 < record.until;
        let ends =
            |kept: &Kept| kept.record.restraining().is_some_and(|terms| may_end(kept, terms));
        match record.state {
            MandateState::Asked if waits => Some(Code::ApprovalRequired),
            MandateState::Open if waits => {
                let released = self.step.releases && !self.kept.get(1).is_some_and(ends);
                let full =
                    !self.step.releases && is_full(held, self.step.subject, self.step.restraint);
                match (released, full) {
                    (true, _) => Some(Code::VersionConflict),
                    (false, true) => Some(Code::TooLarge),
                    (false, false) => None,
                }
            }
            _ => Some(Code::VersionConflict),
        }
    }

    /// The request behind the first step of several that mark records: from now on it keeps something, whatever becomes of it.
    fn half_done(&self, asked: &Asked<'_>) -> Vec<MandateRecord> {
        let request = self.kept.first().filter(|_| !self.step.releases);
        let begins = request.filter(|_| self.terms.since.is_none());
        let begun = begins.map(|kept| {
            let terms = Restraining { since: Some(asked.now.0), ..self.terms.clone() };
            MandateRecord { nature: Some(Nature::Restraining(terms)), ..kept.record.clone() }
        });
        begun.into_iter().collect()
    }

    /// The requests behind the last step, in their order: a restraint is in force and says over whom, or is released; then who it
    /// was about is in neither any more.
    fn done(&self, asked: &Asked<'_>) -> Vec<MandateRecord> {
        let now = asked.now.0;
        let closed = |kept: &Kept| {
            let terms = kept.record.restraining().cloned().unwrap_or_else(unknown);
            let terms = match (self.step.releases, terms.releases) {
                (false, _) => Restraining { since: terms.since.or(Some(now)), ..terms },
                (true, Some(_)) => Restraining { subject: subject_of(None), ..terms },
                (true, None) => {
                    Restraining { subject: subject_of(None), released: Some(now), ..terms }
                }
            };
            let records = if self.step.releases { Vec::new() } else { kept.record.records.clone() };
            MandateRecord {
                state: MandateState::Closed,
                records,
                nature: Some(Nature::Restraining(terms)),
                ..kept.record.clone()
            }
        };
        self.kept.iter().map(closed).collect()
    }
}

/// What nobody asked for.
fn unknown() -> Restraining {
    Restraining {
        subject: subject_of(None),
        kind: RestraintKind::Restriction,
        releases: None,
        reason: String::new(),
        present: None,
        area: String::new(),
        since: None,
        released: None,
    }
}

/// The records of one step, as they are now.
struct Due {
    places: Vec<At>,
    sealed: Vec<Sealed>,
    /// How many there are behind it.
    left: usize,
}

impl Due {
    /// Those that have not the mark yet, or have it still. Nothing where somebody was faster than the look.
    async fn of(
        held: &Held,
        step: &RestraintStep,
        store: &Reader,
    ) -> Result<Option<Due>, OperationError> {
        let own = (0..held.own.len()).map(At::Own);
        let all = own.chain((0..held.others.len()).map(At::Other));
        let restraint = *step.restraint.as_bytes();
        let is_due = |at: &At| held.weighed(*at).facts.is_under(restraint) == step.releases;
        let mut places: Vec<At> = all.filter(is_due).collect();
        let left = places.split_off(places.len().min(RESTRAINT_RECORDS_COUNT_MAX)).len();
        let mut sealed = Vec::with_capacity(places.len());
        for at in &places {
            let weighed = held.weighed(*at);
            match store.fetch(weighed.record).await? {
                Fetched::Found(found) if found.row().header.version == weighed.version => {
                    sealed.push(found);
                }
                _ => return Ok(None),
            }
        }
        Ok(Some(Due { places, sealed, left }))
    }
}
