//! What is to be put right after a review: named with its owner and its day, and found done by a second person.
//! Never a measure against anybody: it says what is to be done, by whom and until when.
//! Every step is an entry that names the review.

use super::super::error::{OversightError, record};
use super::super::ids::{ItemId, ReviewId};
use super::super::officer::Officer;
use super::case::{Item, ItemOwner, ItemState, ReviewState, Settlement, Step};
use super::change::{Rows, Touched};
use super::open::fresh_id;
use super::register::Reviews;
use super::remark::Remark;
use crate::access::{Access, Code, Duty, Fact, ReviewAct};
use crate::ambient::Random;
use crate::limits::{AUDIT_PAGE_COUNT_MAX, RECTIFICATION_DAYS_MAX, STALE_ATTEMPTS_MAX};
use crate::store::Version;
use crate::trail::{Recorded, Refused, Trail};
use std::sync::Arc;

/// Something that is to be put right.
pub struct ItemRequest {
    /// After which review.
    pub review: ReviewId,
    /// Who has to do it.
    pub owner: ItemOwner,
    /// By which day, in days since 1970.
    pub due: i32,
    /// What it is.
    pub remark: Remark,
}

/// An item after an act.
pub struct Itemised {
    /// The item.
    pub item: Arc<Item>,
    /// The entry.
    pub recorded: Recorded,
}

/// Names something that is to be put right.
///
/// # Errors
/// `denied` without the duty or where an act of the review is the officer's own; `not_found` for no review; `version_conflict`
/// for one that nobody wrote in; `schema_invalid` for a day that is over or too far away; `too_large` for too many.
pub async fn rectify(
    officer: Officer<'_>,
    request: ItemRequest,
    access: &Access,
    trail: &Trail,
    reviews: &Reviews,
    random: &dyn Random,
) -> Result<Itemised, OversightError> {
    let ItemRequest { review, owner, due, remark } = request;
    let id = ItemId(*fresh_id(officer.now, random)?.as_bytes());
    for _ in 0..STALE_ATTEMPTS_MAX {
        let target = Touched(vec![*id.as_bytes(), *review.as_bytes()]);
        let permit = officer.permit(Duty::AuditReview, target, access, trail).await?;
        let Some(known) = reviews.known(&review) else {
            return Err(officer.turn_away(Code::NotFound, access, trail).await);
        };
        let today = officer.today();
        let wrong = if known.review.about.contains(&officer.id()) {
            Some(Code::Denied)
        } else if known.review.state() == ReviewState::Open {
            Some(Code::VersionConflict)
        } else if due < today || due > today + RECTIFICATION_DAYS_MAX {
            let (review, member) = (*review.as_bytes(), "due");
            return Err(officer.turn_away_from_beyond(review, member, access, trail).await);
        } else if !reviews.has_room_for_item() {
            Some(Code::TooLarge)
        } else {
            None
        };
        if let Some(code) = wrong {
            return Err(officer.turn_away_from(*review.as_bytes(), code, access, trail).await);
        }
        let item = Item {
            id,
            review,
            owner: owner.clone(),
            due,
            named: Step { by: officer.id(), at: officer.now.0 },
            text: remark.text().to_owned(),
            settled: None,
        };
        let mut rows = Rows::new(reviews.seal());
        rows.item(&item, Version::ABSENT)?;
        let permit = permit
            .reviewing(ReviewAct::Rectify, Some(*review.as_bytes()))
            .stating("item", Fact::Code(id.to_string()))
            .stating("due", Fact::Number(u64::try_from(due).unwrap_or(0)));
        let permit = match &item.owner {
            ItemOwner::Actor(actor) => permit.about(*actor),
            ItemOwner::Organ(organ) => permit.stating("organ", Fact::Code(organ.clone())),
        };
        match trail.commit(permit, rows.finish()).await {
            Ok(receipt) => {
                return Ok(Itemised { item: Arc::new(item), recorded: receipt.recorded() });
            }
            Err(Refused::Trail(error)) => return Err(error.into()),
            Err(Refused::Stale(_) | Refused::Limit(_)) => {}
        }
    }
    Err(officer.turn_away_from(*review.as_bytes(), Code::Stale, access, trail).await)
}

/// Finds something put right.
///
/// # Errors
/// `denied` without the duty or for whoever had to do it; `not_found` for nothing; `approval_required` for whoever named it;
/// `version_conflict` where it is done already.
pub async fn settle(
    officer: Officer<'_>,
    id: ItemId,
    remark: Remark,
    access: &Access,
    trail: &Trail,
    reviews: &Reviews,
) -> Result<Itemised, OversightError> {
    for _ in 0..STALE_ATTEMPTS_MAX {
        let target = Touched(vec![*id.as_bytes()]);
        let permit = officer.permit(Duty::AuditReview, target, access, trail).await?;
        let Some(known) = reviews.known_item(&id) else {
            return Err(officer.turn_away(Code::NotFound, access, trail).await);
        };
        let before = &known.item;
        let of_review = *before.review.as_bytes();
        let about = reviews.known(&before.review);
        let own = before.owner == ItemOwner::Actor(officer.id())
            || about.is_some_and(|known| known.review.about.contains(&officer.id()));
        let wrong = if own {
            Some(Code::Denied)
        } else if before.settled.is_some() {
            Some(Code::VersionConflict)
        } else if before.named.by == officer.id() {
            Some(Code::ApprovalRequired)
        } else {
            None
        };
        if let Some(code) = wrong {
            return Err(officer.turn_away_from(of_review, code, access, trail).await);
        }
        let step = Step { by: officer.id(), at: officer.now.0 };
        let settled = Some(Settlement { step, text: remark.text().to_owned() });
        let item = Item { settled, ..Item::clone(before) };
        let mut rows = Rows::new(reviews.seal());
        rows.item(&item, known.version)?;
        let permit = permit
            .reviewing(ReviewAct::Settle, Some(of_review))
            .stating("item", Fact::Code(id.to_string()));
        match trail.commit(permit, rows.finish()).await {
            Ok(receipt) => {
                return Ok(Itemised { item: Arc::new(item), recorded: receipt.recorded() });
            }
            Err(Refused::Trail(error)) => return Err(error.into()),
            Err(Refused::Stale(_) | Refused::Limit(_)) => {}
        }
    }
    Err(officer.turn_away(Code::Stale, access, trail).await)
}

/// Which items are asked for.
pub struct ItemsQuestion {
    /// Those of one state.
    pub state: Option<ItemState>,
    /// How many at most; not yet compared with any limit.
    pub limit: usize,
    /// Those behind this one.
    pub after: Option<ItemId>,
}

/// A page of items.
pub struct ItemsFound {
    /// The items, the oldest first.
    pub items: Vec<Arc<Item>>,
    /// The day that their states are of, in days since 1970.
    pub today: i32,
    /// Where it goes on: behind this one.
    pub next: Option<ItemId>,
    /// The entry.
    pub recorded: Recorded,
}

/// Lists what is to be put right, but for what follows reviews of the officer's own acts.
///
/// # Errors
/// `denied` without the duty, `schema_invalid` for a page above the limit.
pub async fn list_items(
    officer: Officer<'_>,
    question: ItemsQuestion,
    access: &Access,
    trail: &Trail,
    reviews: &Reviews,
) -> Result<ItemsFound, OversightError> {
    let permit = officer.permit(Duty::AuditReview, Touched(Vec::new()), access, trail).await?;
    if question.limit == 0 || question.limit > AUDIT_PAGE_COUNT_MAX {
        return Err(officer.turn_away(Code::SchemaInvalid, access, trail).await);
    }
    let permit = permit.reviewing(ReviewAct::Read, None);
    let standing = officer.actor.standing();
    let recorded = record(permit, standing, officer.origin, access, trail).await?;
    let today = officer.today();
    let (mut items, mut next): (Vec<Arc<Item>>, _) = (Vec::new(), None);
    let own = officer.id();
    reviews.walk_items(question.after, |item, review| {
        // Whose acts a review is about reads nothing of what was written in it, here as little as there.
        if review.about.contains(&own) {
            return true;
        }
        if question.state.is_some_and(|state| item.state(today) != state) {
            return true;
        }
        if items.len() == question.limit {
            next = items.last().map(|last| last.id);
            return false;
        }
        items.push(item.clone());
        true
    });
    Ok(ItemsFound { items, today, next, recorded })
}
