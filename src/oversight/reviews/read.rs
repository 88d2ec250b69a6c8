//! Shows reviews: the queue, and one with everything that was written in it.
//! Never without an entry of its own, and never in another order than that of time.
//! Notes are opened after the entry is durable.

use super::super::error::{OversightError, record};
use super::super::explain::Said;
use super::super::ids::ReviewId;
use super::super::officer::Officer;
use super::super::search::fetch;
use super::super::words::Vocabulary;
use super::case::{Item, Note, Review, ReviewState};
use super::change::Touched;
use super::register::Reviews;
use crate::access::{Access, Code, ReviewAct};
use crate::limits::{AUDIT_PAGE_COUNT_MAX, REVIEW_NOTES_COUNT_MAX};
use crate::store::{Key, Reader};
use crate::trail::{Recorded, Trail};
use gridvault_audit::LogReader;
use std::sync::Arc;

/// Which reviews are asked for.
pub struct ReviewsQuestion {
    /// Those of one state.
    pub state: Option<ReviewState>,
    /// How many at most; not yet compared with any limit.
    pub limit: usize,
    /// Those before this one.
    pub before: Option<ReviewId>,
}

/// A page of reviews.
pub struct ReviewsFound {
    /// The reviews, the newest first.
    pub reviews: Vec<Arc<Review>>,
    /// Where it goes on: before this one.
    pub next: Option<ReviewId>,
    /// The entry.
    pub recorded: Recorded,
}

/// Lists reviews.
///
/// # Errors
/// `denied` without a duty, `schema_invalid` for a page above the limit. Who has but reviews that were brought before the own
/// role sees those.
pub async fn list_reviews(
    officer: Officer<'_>,
    question: ReviewsQuestion,
    access: &Access,
    trail: &Trail,
    reviews: &Reviews,
) -> Result<ReviewsFound, OversightError> {
    let (permit, reach) = officer.permit_reviewing(Touched(Vec::new()), access, trail).await?;
    if question.limit == 0 || question.limit > AUDIT_PAGE_COUNT_MAX {
        return Err(officer.turn_away(Code::SchemaInvalid, access, trail).await);
    }
    let permit = permit.reviewing(ReviewAct::Read, None);
    let standing = officer.actor.standing();
    let recorded = record(permit, standing, officer.origin, access, trail).await?;
    let mut found: Vec<Arc<Review>> = Vec::new();
    let mut next = None;
    reviews.walk_back(question.before, |review| {
        let wanted = question.state.is_none_or(|state| review.state() == state);
        if !wanted || !reach.holds(review) {
            return true;
        }
        if found.len() == question.limit {
            next = found.last().map(|last| last.id);
            return false;
        }
        found.push(review.clone());
        true
    });
    Ok(ReviewsFound { reviews: found, next, recorded })
}

/// A review with all that belongs to it.
pub struct Told {
    /// The review.
    pub review: Arc<Review>,
    /// What was written in it, in order.
    pub notes: Vec<Note>,
    /// What is to be put right, in order.
    pub items: Vec<Arc<Item>>,
    /// The entry.
    pub recorded: Recorded,
}

/// Shows a review.
///
/// # Errors
/// `denied` without a duty or where an act is the officer's own, `not_found` for no review, or for one that was not brought
/// before the officer, who sees no others.
pub async fn read_review(
    officer: Officer<'_>,
    id: ReviewId,
    access: &Access,
    trail: &Trail,
    store: &Reader,
    reviews: &Reviews,
) -> Result<Told, OversightError> {
    let (review, recorded) = look_at(officer, id, access, trail, reviews).await?;
    let prefix = Key::review_note_prefix(id.as_bytes());
    let rows = store.scan(&prefix, None, usize::from(REVIEW_NOTES_COUNT_MAX)).await?;
    let notes = rows
        .iter()
        .map(|(key, stored)| {
            let plain = reviews.seal().open_memo(key, &stored.payload)?;
            serde_json::from_slice(&plain).map_err(|_| OversightError::Malformed)
        })
        .collect::<Result<Vec<Note>, OversightError>>()?;
    let mut items = Vec::new();
    reviews.walk_items(None, |item, _| {
        if item.review == id {
            items.push(item.clone());
        }
        true
    });
    Ok(Told { review, notes, items, recorded })
}

/// What a review gathers.
pub struct GatheredEntries {
    /// Each entry that is still there, ascending.
    pub entries: Vec<Said>,
    /// How many were pruned since.
    pub pruned: usize,
    /// The entry.
    pub recorded: Recorded,
}

/// The entries of a review, each as it was written and in words.
///
/// # Errors
/// As [`read_review`].
pub async fn read_gathered(
    officer: Officer<'_>,
    id: ReviewId,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
    reviews: &Reviews,
    vocabulary: &Vocabulary<'_>,
) -> Result<GatheredEntries, OversightError> {
    let (review, recorded) = look_at(officer, id, access, trail, reviews).await?;
    let minimum = log.minimum()?.index;
    let kept: Vec<u64> = review.entries.iter().copied().filter(|index| *index >= minimum).collect();
    let entries = fetch(log, &kept)?
        .into_iter()
        .map(|(_, entry)| Said::of(entry, vocabulary))
        .collect::<Result<Vec<_>, OversightError>>()?;
    let pruned = review.entries.len() - entries.len();
    Ok(GatheredEntries { entries, pruned, recorded })
}

/// Lets an officer look at a review, which is an entry that names it.
async fn look_at(
    officer: Officer<'_>,
    id: ReviewId,
    access: &Access,
    trail: &Trail,
    reviews: &Reviews,
) -> Result<(Arc<Review>, Recorded), OversightError> {
    let (permit, reach) = officer.permit_reviewing(Touched(Vec::new()), access, trail).await?;
    let known = reviews.known(&id).filter(|known| reach.holds(&known.review));
    let Some(known) = known else {
        return Err(officer.turn_away(Code::NotFound, access, trail).await);
    };
    // What others wrote about an officer's own acts is not for that officer.
    if known.review.about.contains(&officer.id()) {
        return Err(officer.turn_away_from(*id.as_bytes(), Code::Denied, access, trail).await);
    }
    let permit = permit.reviewing(ReviewAct::Read, Some(*id.as_bytes()));
    let standing = officer.actor.standing();
    let recorded = record(permit, standing, officer.origin, access, trail).await?;
    Ok((known.review, recorded))
}
