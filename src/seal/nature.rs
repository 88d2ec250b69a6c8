//! What a kept mandate is beyond what all have in common: an emergency with its review, a raised limit, an official request,
//! somebody's erasure, what restrains what is held of somebody.
//! Never a word that somebody wrote freely: ids, codes, moments and numbers alone.
//! Behind the common part in the sealed bytes, so that a mandate without it is kept as it always was.

use crate::access::{ActorId, Tier};
use crate::ambient::Micros;
use crate::records::{LegalKind, MandateId, RecordId, RestraintKind, SubjectId};
use serde::{Deserialize, Serialize};

/// What a mandate is. The order of variants and members is the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nature {
    /// An emergency access.
    Emergency(Emergency),
    /// A reveal limit that a second person raised.
    Raise(Raise),
    /// A request of an organ under Data Security Law 35.
    Official(Official),
    /// Somebody is to be erased.
    Erasing(Erasing),
    /// What is held of somebody is to be restrained, or is, or is to be released.
    Restraining(Restraining),
}

/// What is held of somebody is kept as it is. What says who is emptied once it is released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restraining {
    /// Who.
    pub subject: SubjectId,
    /// How.
    pub kind: RestraintKind,
    /// The request that set what this one releases; nothing for one that sets.
    pub releases: Option<MandateId>,
    /// Why: a code of the interface.
    pub reason: String,
    /// Who asked for it at the desk, and by which document the desk knew them, where it was the person: codes.
    pub present: Option<(String, String)>,
    /// The area of the desk that asked.
    pub area: String,
    /// Since when it is in force, in microseconds since the epoch; nothing before, and for what releases.
    pub since: Option<i64>,
    /// When it was released, in microseconds since the epoch.
    pub released: Option<i64>,
}

impl Restraining {
    /// What it is asked for: `set` or `release`.
    pub fn step(&self) -> &'static str {
        if self.releases.is_some() { "release" } else { "set" }
    }

    /// Whether it keeps anything now.
    pub fn is_in_force(&self) -> bool {
        self.since.is_some() && self.released.is_none()
    }
}

/// Somebody is to be erased. What says who is emptied with the last step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasing {
    /// Who.
    pub subject: SubjectId,
    /// Why: a code of the interface.
    pub reason: String,
    /// Who asked for it: the person or its guardian, by a code.
    pub by: String,
    /// By which document the desk knew them: a code.
    pub proof: String,
    /// The area of the desk that asked.
    pub area: String,
}

/// An emergency access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// How far it reaches.
    pub tier: Tier,
    /// The urgent event.
    pub event: RecordId,
    /// Where those look who are told and who review: areas' digits, or nothing for those of the platform.
    pub places: Vec<[u8; 16]>,
    /// How long after its end a review may take.
    pub review_seconds: u32,
    /// What was found, once it was reviewed.
    pub review: Option<Review>,
}

/// What somebody else found of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Who.
    pub by: ActorId,
    /// When, in microseconds since the epoch.
    pub at: i64,
    /// Whether it was justified.
    pub justified: bool,
    /// Why: a code of `emergency_note`.
    pub note: String,
}

/// A limit that is raised for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raise {
    /// Of which kind of information.
    pub kind: LegalKind,
    /// How many people more.
    pub people: u32,
}

/// A request of an organ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Official {
    /// The organ that asks: a code of `organ`.
    pub organ: String,
}

impl Emergency {
    /// Until when it is to be reviewed, if it ends then.
    pub fn review_by(&self, until: i64) -> Micros {
        Micros(until.saturating_add(i64::from(self.review_seconds) * 1_000_000))
    }
}
