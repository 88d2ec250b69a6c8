//! A review as it is kept: what it is of, who did what with it, and how far it is.
//! Never what somebody wrote: that lies in rows of its own.
//! Its state follows from what was done with it, so the two cannot differ.

use super::super::ids::{AnomalyId, ItemId, ReviewId};
use crate::access::ActorId;
use serde::{Deserialize, Serialize};

/// A review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// What it is of.
    pub cause: Cause,
    /// The entries that it gathers, ascending.
    pub entries: Vec<u64>,
    /// Whose acts they are.
    pub about: Vec<ActorId>,
    /// Who opened it.
    pub opened: Step,
    /// Who wrote in it before it was closed, each once.
    pub noted_by: Vec<ActorId>,
    /// Texts in it.
    pub notes_count: u16,
    /// Whom it was brought before, and by whom.
    pub escalated: Option<Escalation>,
    /// How it was closed.
    pub closed: Option<Closure>,
}

/// Who did something, and when, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Who.
    pub by: ActorId,
    /// When.
    pub at: i64,
}

/// What a review is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Cause {
    /// Entries that somebody named.
    Entries,
    /// An anomaly.
    Anomaly(AnomalyId),
    /// Entries that were drawn.
    Sample(Sample),
}

/// How entries were drawn: whoever has the log can draw them again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Random bytes that decide which entries are drawn.
    pub seed: [u8; 32],
    /// Earliest time, in microseconds since 1970.
    pub since: u64,
    /// Latest time, exclusive.
    pub until: u64,
    /// Entries at or beyond this index were not looked at.
    pub through: u64,
    /// Entries that are drawn of each role.
    pub each: u8,
    /// Roles that were drawn from, in this order.
    pub roles: Vec<String>,
    /// Whose entries are not drawn.
    pub without: Vec<ActorId>,
    /// Entries that were drawn from.
    pub population: u64,
}

/// A review brought before somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// The role.
    pub to: String,
    /// By whom.
    pub step: Step,
}

/// The end of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closure {
    /// What was found.
    pub outcome: Outcome,
    /// By whom.
    pub step: Step,
}

/// What a review found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The acts were part of the work.
    Explained,
    /// Something is to be put right.
    Finding,
    /// It could not be told.
    Unresolved,
}

impl Outcome {
    /// All.
    pub const ALL: [Outcome; 3] = [Outcome::Explained, Outcome::Finding, Outcome::Unresolved];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Explained => "explained",
            Outcome::Finding => "finding",
            Outcome::Unresolved => "unresolved",
        }
    }
}

/// How far a review is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewState {
    /// Nobody wrote in it yet.
    Open,
    /// Somebody did.
    Noted,
    /// It was brought before somebody above.
    Escalated,
    /// A second person closed it.
    Closed,
}

impl ReviewState {
    /// All, in their order.
    pub const ALL: [ReviewState; 4] =
        [ReviewState::Open, ReviewState::Noted, ReviewState::Escalated, ReviewState::Closed];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            ReviewState::Open => "open",
            ReviewState::Noted => "noted",
            ReviewState::Escalated => "escalated",
            ReviewState::Closed => "closed",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<ReviewState> {
        ReviewState::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl Review {
    /// How far it is.
    pub fn state(&self) -> ReviewState {
        match (&self.closed, &self.escalated) {
            (Some(_), _) => ReviewState::Closed,
            (None, Some(_)) => ReviewState::Escalated,
            (None, None) if self.notes_count > 0 => ReviewState::Noted,
            (None, None) => ReviewState::Open,
        }
    }

    /// The first of its entries as long as it is not closed: from there on none may be pruned.
    pub(super) fn needs_from(&self) -> Option<u64> {
        self.entries.first().copied().filter(|_| self.closed.is_none())
    }

    /// The anomaly that it is of.
    pub fn anomaly(&self) -> Option<AnomalyId> {
        match self.cause {
            Cause::Anomaly(id) => Some(id),
            _ => None,
        }
    }

    /// Whether somebody had a part in it, so that another person must close it.
    pub fn is_work_of(&self, officer: ActorId) -> bool {
        let escalated = self.escalated.as_ref().is_some_and(|one| one.step.by == officer);
        self.opened.by == officer || escalated || self.noted_by.contains(&officer)
    }
}

/// A text in a review, as it is kept, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// By whom, and when.
    pub step: Step,
    /// On which occasion.
    pub kind: NoteKind,
    /// The text.
    pub text: String,
}

/// On which occasion something was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// A note.
    Note,
    /// Brought before somebody.
    Escalation,
    /// Closed.
    Closing,
}

impl NoteKind {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            NoteKind::Note => "note",
            NoteKind::Escalation => "escalation",
            NoteKind::Closing => "closing",
        }
    }
}

/// Something that is to be put right, as it is kept, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its id.
    pub id: ItemId,
    /// The review that it came from.
    pub review: ReviewId,
    /// Who has to do it.
    pub owner: ItemOwner,
    /// The day by which it is to be done, in days since 1970.
    pub due: i32,
    /// Who named it.
    pub named: Step,
    /// What it is.
    pub text: String,
    /// Who found it done.
    pub settled: Option<Settlement>,
}

/// Who has to put something right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ItemOwner {
    /// An actor.
    Actor(ActorId),
    /// An organ, by its code.
    Organ(String),
}

impl std::fmt::Display for ItemOwner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ItemOwner::Actor(actor) => actor.fmt(formatter),
            ItemOwner::Organ(organ) => formatter.write_str(organ),
        }
    }
}

/// Something was put right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// Who found it so.
    pub step: Step,
    /// By what.
    pub text: String,
}

/// How far something to be put right is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// To be done.
    Open,
    /// Its day is over.
    Overdue,
    /// Done.
    Done,
}

impl ItemState {
    /// All.
    pub const ALL: [ItemState; 3] = [ItemState::Open, ItemState::Overdue, ItemState::Done];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            ItemState::Open => "open",
            ItemState::Overdue => "overdue",
            ItemState::Done => "done",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<ItemState> {
        ItemState::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl Item {
    /// How far it is on a day.
    pub fn state(&self, today: i32) -> ItemState {
        match self.settled {
            Some(_) => ItemState::Done,
            None if self.due < today => ItemState::Overdue,
            None => ItemState::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(by: u8) -> Step {
        Step { by: ActorId::from_bytes([by; 16]), at: 7 }
    }

    fn review() -> Review {
        Review {
            id: ReviewId([1; 16]),
            cause: Cause::Entries,
            entries: vec![3],
            about: vec![ActorId::from_bytes([9; 16])],
            opened: step(1),
            noted_by: Vec::new(),
            notes_count: 0,
            escalated: None,
            closed: None,
        }
    }

    #[test]
    fn a_state_follows_from_what_was_done() {
        let mut review = review();
        assert_eq!(review.state(), ReviewState::Open);
        review.notes_count = 1;
        assert_eq!(review.state(), ReviewState::Noted);
        review.escalated = Some(Escalation { to: "protection_officer".into(), step: step(2) });
        assert_eq!(review.state(), ReviewState::Escalated);
        review.closed = Some(Closure { outcome: Outcome::Finding, step: step(3) });
        assert_eq!(review.state(), ReviewState::Closed);
    }

    #[test]
    fn entries_are_needed_until_the_review_is_closed() {
        let mut review = review();
        review.entries = vec![3, 9];
        assert_eq!(review.needs_from(), Some(3));
        review.closed = Some(Closure { outcome: Outcome::Explained, step: step(3) });
        assert_eq!(review.needs_from(), None);
        (review.entries, review.closed) = (Vec::new(), None);
        assert_eq!(review.needs_from(), None);
    }

    #[test]
    fn whoever_opened_noted_or_escalated_had_a_part_in_it() {
        let mut review = review();
        review.noted_by.push(ActorId::from_bytes([2; 16]));
        review.escalated = Some(Escalation { to: "protection_officer".into(), step: step(3) });
        for (officer, part) in [(1, true), (2, true), (3, true), (4, false)] {
            assert_eq!(review.is_work_of(ActorId::from_bytes([officer; 16])), part);
        }
    }

    #[test]
    fn what_is_to_be_put_right_is_overdue_on_the_day_after_its_day() {
        let mut item = Item {
            id: ItemId([1; 16]),
            review: ReviewId([1; 16]),
            owner: ItemOwner::Organ("street".into()),
            due: 10,
            named: step(1),
            text: "train again".into(),
            settled: None,
        };
        assert_eq!(item.state(10), ItemState::Open);
        assert_eq!(item.state(11), ItemState::Overdue);
        item.settled = Some(Settlement { step: step(2), text: "trained".into() });
        assert_eq!(item.state(11), ItemState::Done);
    }

    #[test]
    fn what_is_kept_is_read_back_and_nothing_more_is_taken() {
        let kept = serde_json::to_value(review()).expect("JSON");
        assert_eq!(serde_json::from_value::<Review>(kept.clone()).ok(), Some(review()));
        let mut more = kept;
        more["score"] = serde_json::json!(1);
        assert!(serde_json::from_value::<Review>(more).is_err());
    }
}
