//! What officers do with a review: note, escalate, close.
//! Never by whose acts it is of; closed by somebody who had no part in it, after somebody wrote in it, and then for good.
//! Whatever is refused is an entry that names the review.

use super::super::error::OversightError;
use super::super::ids::ReviewId;
use super::super::officer::Officer;
use super::case::{Closure, Escalation, Note, NoteKind, Outcome, Review, Step};
use super::change::{Rows, Touched};
use super::register::Reviews;
use super::remark::Remark;
use crate::access::{Access, Code, Fact, ReviewAct};
use crate::limits::{REVIEW_NOTES_COUNT_MAX, STALE_ATTEMPTS_MAX};
use crate::trail::{Recorded, Refused, Trail};
use std::sync::Arc;

/// What is to be done.
pub enum Acting {
    /// Write in it.
    Note,
    /// Bring it before a role.
    Escalate {
        /// The role.
        to: String,
    },
    /// Close it.
    Close {
        /// What was found.
        outcome: Outcome,
    },
}

/// A review after an act.
pub struct Acted {
    /// The review.
    pub review: Arc<Review>,
    /// The entry.
    pub recorded: Recorded,
}

/// Does something with a review, with what the officer has to say of it.
///
/// # Errors
/// `denied` without a duty or where an act is the officer's own; `not_found` for no review that the officer may know of; `approval_required` where whoever
/// had a part in it would close it; `version_conflict` for one that is closed, or that nobody wrote in before it is closed;
/// `too_large` for more notes than a review may have.
pub async fn act_on_review(
    officer: Officer<'_>,
    id: ReviewId,
    acting: Acting,
    remark: Remark,
    access: &Access,
    trail: &Trail,
    reviews: &Reviews,
) -> Result<Acted, OversightError> {
    for _ in 0..STALE_ATTEMPTS_MAX {
        let target = Touched(vec![*id.as_bytes()]);
        let (permit, reach) = officer.permit_reviewing(target, access, trail).await?;
        let known = reviews.known(&id).filter(|known| reach.holds(&known.review));
        let Some(known) = known else {
            return Err(officer.turn_away(Code::NotFound, access, trail).await);
        };
        let before = &known.review;
        if let Err(code) = may(before, &acting, officer) {
            return Err(officer.turn_away_from(*id.as_bytes(), code, access, trail).await);
        }
        let (review, kind) = after(before, &acting, officer);
        let note = Note { step: step(officer), kind, text: remark.text().to_owned() };
        let mut rows = Rows::new(reviews.seal());
        rows.review(&review, known.version)?;
        rows.note(id, review.notes_count, &note)?;
        let (act, fact) = match &acting {
            Acting::Note => (ReviewAct::Note, None),
            Acting::Escalate { to } => (ReviewAct::Escalate, Some(("to", to.clone()))),
            Acting::Close { outcome } => {
                (ReviewAct::Close, Some(("outcome", outcome.as_str().to_owned())))
            }
        };
        let mut permit = permit.reviewing(act, Some(*id.as_bytes()));
        if let Some((name, code)) = fact {
            permit = permit.stating(name, Fact::Code(code));
        }
        match trail.commit(permit, rows.finish()).await {
            Ok(receipt) => {
                return Ok(Acted { review: Arc::new(review), recorded: receipt.recorded() });
            }
            Err(Refused::Trail(error)) => return Err(error.into()),
            // Somebody else did something with it: it is looked at again.
            Err(Refused::Stale(_) | Refused::Limit(_)) => {}
        }
    }
    Err(officer.turn_away_from(*id.as_bytes(), Code::Stale, access, trail).await)
}

fn may(review: &Review, acting: &Acting, officer: Officer<'_>) -> Result<(), Code> {
    if review.about.contains(&officer.id()) {
        return Err(Code::Denied);
    }
    if review.closed.is_some() {
        return Err(Code::VersionConflict);
    }
    // The last place is kept for the closing.
    let closes = matches!(acting, Acting::Close { .. });
    if !closes && review.notes_count + 1 >= REVIEW_NOTES_COUNT_MAX {
        return Err(Code::TooLarge);
    }
    match acting {
        Acting::Note => Ok(()),
        Acting::Escalate { .. } if review.escalated.is_some() => Err(Code::VersionConflict),
        Acting::Escalate { .. } => Ok(()),
        Acting::Close { .. } if review.is_work_of(officer.id()) => Err(Code::ApprovalRequired),
        Acting::Close { .. } if review.notes_count == 0 => Err(Code::VersionConflict),
        Acting::Close { .. } => Ok(()),
    }
}

fn step(officer: Officer<'_>) -> Step {
    Step { by: officer.id(), at: officer.now.0 }
}

fn after(before: &Review, acting: &Acting, officer: Officer<'_>) -> (Review, NoteKind) {
    let mut review = before.clone();
    review.notes_count += 1;
    let step = step(officer);
    let kind = match acting {
        Acting::Note => NoteKind::Note,
        Acting::Escalate { to } => {
            review.escalated = Some(Escalation { to: to.clone(), step });
            NoteKind::Escalation
        }
        Acting::Close { outcome } => {
            review.closed = Some(Closure { outcome: *outcome, step });
            return (review, NoteKind::Closing);
        }
    };
    if !review.noted_by.contains(&step.by) {
        review.noted_by.push(step.by);
    }
    (review, kind)
}
