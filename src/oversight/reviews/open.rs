//! Opens a review: over entries that an officer names, or over an anomaly.
//! Never over the officer's own acts, and never a second one over the same anomaly.
//! The entries are read from the log, so that whose acts they are is not the officer's word.

use super::super::anomalies::Anomalies;
use super::super::entry::LogEntry;
use super::super::error::OversightError;
use super::super::ids::{AnomalyId, ReviewId};
use super::super::index::Index;
use super::super::officer::Officer;
use super::super::search::fetch;
use super::case::{Cause, Review, Step};
use super::change::{Rows, Touched};
use super::register::Reviews;
use crate::access::{Access, ActorId, Code, Duty, Fact, ReviewAct};
use crate::ambient::{Micros, Random};
use crate::limits::REVIEW_ENTRIES_COUNT_MAX;
use crate::store::Version;
use crate::trail::{Recorded, Refused, Trail};
use gridvault_audit::LogReader;
use std::sync::Arc;

/// What a review is to be of.
pub enum Opening {
    /// These entries.
    Entries(Vec<u64>),
    /// This anomaly.
    Anomaly(AnomalyId),
}

/// A review that was opened.
pub struct ReviewOpened {
    /// The review.
    pub review: Arc<Review>,
    /// The entry.
    pub recorded: Recorded,
}

/// Opens a review.
///
/// # Errors
/// `denied` without the duty or where an act is the officer's own; `not_found` for an entry or anomaly that is not there;
/// `schema_invalid` for no entry, too many, or one twice; `version_conflict` for an anomaly that is under review already;
/// `too_large` where there are too many reviews.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn open_review(
    officer: Officer<'_>,
    opening: Opening,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
    index: &Index,
    anomalies: &Anomalies,
    reviews: &Reviews,
    random: &dyn Random,
) -> Result<ReviewOpened, OversightError> {
    let id = fresh_id(officer.now, random)?;
    let mut touched = vec![*id.as_bytes()];
    if let Opening::Anomaly(anomaly) = &opening {
        touched.push(*anomaly.as_bytes());
    }
    let permit = officer.permit(Duty::AuditReview, Touched(touched), access, trail).await?;
    let turned_away = async |code| officer.turn_away(code, access, trail).await;
    if !reviews.has_room_for_review() {
        return Err(turned_away(Code::TooLarge).await);
    }
    let gathered = gather(officer, opening, log, index, anomalies).await?;
    let Gathered { cause, entries, about } = match gathered {
        Ok(gathered) => gathered,
        Err(code) => return Err(turned_away(code).await),
    };
    let step = Step { by: officer.id(), at: officer.now.0 };
    let review = Review {
        id,
        cause,
        entries,
        about,
        opened: step,
        noted_by: Vec::new(),
        notes_count: 0,
        escalated: None,
        closed: None,
    };
    let mut rows = Rows::new(reviews.seal());
    rows.review(&review, Version::ABSENT)?;
    let mut permit = permit
        .reviewing(ReviewAct::Open, Some(*id.as_bytes()))
        .stating("entries", Fact::Code(listed(&review.entries)));
    if let [one] = review.about[..] {
        permit = permit.about(one);
    }
    if let Some(anomaly) = review.anomaly() {
        rows.of(anomaly, id);
        permit = permit.stating("anomaly", Fact::Code(anomaly.to_string()));
    }
    match trail.commit(permit, rows.finish()).await {
        Ok(receipt) => Ok(ReviewOpened { review: Arc::new(review), recorded: receipt.recorded() }),
        Err(Refused::Trail(error)) => Err(error.into()),
        Err(Refused::Stale(_) | Refused::Limit(_)) => {
            // Somebody opened it first, or the officer's rights have just changed.
            let under_review = review.anomaly().is_some_and(|id| reviews.of(&id).is_some());
            let code = if under_review { Code::VersionConflict } else { Code::Stale };
            Err(turned_away(code).await)
        }
    }
}

/// What a review is made of.
struct Gathered {
    cause: Cause,
    entries: Vec<u64>,
    about: Vec<ActorId>,
}

/// The entries and whose acts they are; or the reason for which there is no review of them.
async fn gather(
    officer: Officer<'_>,
    opening: Opening,
    log: &LogReader,
    index: &Index,
    anomalies: &Anomalies,
) -> Result<Result<Gathered, Code>, OversightError> {
    let (cause, mut entries, account) = match opening {
        Opening::Entries(entries) => (Cause::Entries, entries, None),
        Opening::Anomaly(id) => match anomalies.get(&id) {
            Some(found) => (Cause::Anomaly(id), found.entries.clone(), Some(found.actor)),
            None => return Ok(Err(Code::NotFound)),
        },
    };
    entries.sort_unstable();
    let twice = entries.windows(2).any(|pair| pair[0] == pair[1]);
    if entries.is_empty() || entries.len() > REVIEW_ENTRIES_COUNT_MAX || twice {
        return Ok(Err(Code::SchemaInvalid));
    }
    let size = log.size()?;
    if entries.last().is_some_and(|last| *last >= size) {
        return Ok(Err(Code::NotFound));
    }
    let mut about = whose_acts(log, index, &entries).await?;
    about.extend(account.filter(|account| !about.contains(account)));
    if about.contains(&officer.id()) {
        return Ok(Err(Code::Denied));
    }
    Ok(Ok(Gathered { cause, entries, about }))
}

/// An id that sorts by time.
pub(super) fn fresh_id(now: Micros, random: &dyn Random) -> Result<ReviewId, OversightError> {
    let mut id = [0; 16];
    id[..6].copy_from_slice(&now.unix_millis().to_be_bytes()[2..]);
    id[6..].copy_from_slice(&random.bytes10().map_err(|_| OversightError::Broken)?);
    Ok(ReviewId(id))
}

/// Whose acts entries are, each account once.
async fn whose_acts(
    log: &LogReader,
    index: &Index,
    entries: &[u64],
) -> Result<Vec<ActorId>, OversightError> {
    let _place = index.place().await;
    let (log, entries) = (log.clone(), entries.to_vec());
    let read = tokio::task::spawn_blocking(move || fetch(&log, &entries)).await;
    let read = read.map_err(|_| OversightError::Broken)??;
    let mut about = Vec::new();
    for (_, bytes) in read {
        let entry = LogEntry::parse(&bytes).ok_or(OversightError::Malformed)?;
        let actor: Option<ActorId> = entry.who.and_then(|who| who.parse().ok());
        about.extend(actor.filter(|actor| !about.contains(actor)));
    }
    Ok(about)
}

/// Indexes as an entry names them.
pub(super) fn listed(entries: &[u64]) -> String {
    let entries: Vec<String> = entries.iter().map(u64::to_string).collect();
    entries.join(",")
}
