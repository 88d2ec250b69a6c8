//! What is kept of a rotation of keys: which one, who wanted it, how far it is. One row, of the one that is open or was last.
//! Never a key, and never how far a walk is: that starts again with its group of buckets, whoever ended meanwhile.
//! Sealed for its row, because it names two people.

use super::{Seal, SealError};
use crate::access::ActorId;
use crate::ambient::Micros;
use crate::limits::{INDEX_BUCKETS_COUNT, SUBJECT_BUCKETS_COUNT};
use crate::records::MandateId;
use crate::store::{Key, SystemKey};
use serde::{Deserialize, Serialize};

const LABEL: &[u8] = b"gridvault/rotation/v1";

/// Which keys get others in their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationKind {
    /// Those of all subject buckets.
    Subjects,
    /// The one that signs tokens.
    Tokens,
    /// The one that signs the log.
    Log,
    /// Those of the contexts of this month and the later ones.
    Context,
    /// Those of all index buckets.
    Index,
    /// The one over decision attributes, and over what else is kept sealed for its own row.
    Header,
}

impl RotationKind {
    /// All.
    pub const ALL: [RotationKind; 6] = [
        RotationKind::Subjects,
        RotationKind::Tokens,
        RotationKind::Log,
        RotationKind::Context,
        RotationKind::Index,
        RotationKind::Header,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            RotationKind::Subjects => "subjects",
            RotationKind::Tokens => "tokens",
            RotationKind::Log => "log",
            RotationKind::Context => "context",
            RotationKind::Index => "index",
            RotationKind::Header => "header",
        }
    }

    /// The kind of a word.
    pub fn of(word: &str) -> Option<RotationKind> {
        RotationKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// How many keys it replaces.
    pub fn keys_count(self) -> u16 {
        match self {
            RotationKind::Subjects => SUBJECT_BUCKETS_COUNT,
            RotationKind::Index => INDEX_BUCKETS_COUNT,
            RotationKind::Tokens
            | RotationKind::Log
            | RotationKind::Context
            | RotationKind::Header => 1,
        }
    }

    /// Whether its keys are those of buckets, which are gone through in groups.
    pub fn is_of_buckets(self) -> bool {
        matches!(self, RotationKind::Subjects | RotationKind::Index)
    }
}

/// A key and the one that follows it, for the time that both serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlap {
    /// How often the key was replaced once the next one is in its place, counted from one.
    pub epoch: u32,
    /// What the former is called in public.
    pub former: String,
    /// What the next one is called.
    pub next: String,
    /// Behind this moment the former one protects nothing new.
    pub from: i64,
    /// From this moment on the former one is not needed.
    pub until: i64,
}

/// Next keys of buckets that a rotation has to bring to their end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawnKeys {
    /// The buckets below this number are done with them.
    pub end: u16,
    /// Bucket and epoch of each.
    pub keys: Vec<(u16, u32)>,
}

/// How far a rotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationState {
    /// A second person is awaited.
    Asked,
    /// The second person said no.
    Refused,
    /// The second person said yes; it has not begun yet.
    Agreed,
    /// Keys are being replaced.
    Running,
    /// It stands still until somebody lets it go on.
    Paused,
    /// What is left is to destroy the former key, and that waits for a second person to say so once more.
    Held,
    /// Every key was replaced, and the former ones are destroyed.
    Ended,
    /// It was taken back: the keys that were drawn come to their end, and no others are drawn.
    Cancelling,
    /// It was taken back, and no key stands beside another one any more.
    Cancelled,
}

impl RotationState {
    /// All.
    pub const ALL: [RotationState; 9] = [
        RotationState::Asked,
        RotationState::Refused,
        RotationState::Agreed,
        RotationState::Running,
        RotationState::Paused,
        RotationState::Held,
        RotationState::Ended,
        RotationState::Cancelling,
        RotationState::Cancelled,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            RotationState::Asked => "asked",
            RotationState::Refused => "refused",
            RotationState::Agreed => "agreed",
            RotationState::Running => "running",
            RotationState::Paused => "paused",
            RotationState::Held => "held",
            RotationState::Ended => "ended",
            RotationState::Cancelling => "cancelling",
            RotationState::Cancelled => "cancelled",
        }
    }
}

/// A rotation as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationRecord {
    /// Its id.
    pub id: MandateId,
    /// Which keys.
    pub kind: RotationKind,
    /// How far it is.
    pub state: RotationState,
    /// Who asked for it.
    pub asker: ActorId,
    /// The second person, who agreed or did not.
    pub decider: Option<ActorId>,
    /// When it was asked for, in microseconds since the epoch.
    pub asked_at: i64,
    /// First moment at which nobody may agree to it any more.
    pub until: i64,
    /// When it began.
    pub begun_at: Option<i64>,
    /// When it came to its end.
    pub ended_at: Option<i64>,
    /// The keys of the buckets below this number were replaced; of a key that there is one of, whether it was.
    pub done: u16,
    /// The two keys that serve, once the next one does, of a key that there is one of.
    #[serde(default)]
    pub overlap: Option<Overlap>,
    /// The next keys of buckets that the log knows to be drawn, until it knows that those which they follow are destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<DrawnKeys>,
    /// Since when nothing is under the former header key any more, of a rotation of that: from then on it waits for a word before it
    /// destroys it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_anew_at: Option<i64>,
    /// How many values could not be read then: they go with the former key.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub unread: u64,
}

/// Whether a row leaves it out.
fn is_none_of_them(count: &u64) -> bool {
    *count == 0
}

impl RotationRecord {
    /// Whether somebody agreed to it and it has not come to its end: the next keys that stand in the ring are its own to finish.
    pub fn is_agreed_to(&self) -> bool {
        use RotationState::{Agreed, Cancelling, Held, Paused, Running};
        matches!(self.state, Agreed | Running | Paused | Held | Cancelling)
    }

    /// The same of keys of one kind.
    pub fn is_agreed_of(&self, kind: RotationKind) -> bool {
        self.kind == kind && self.is_agreed_to()
    }

    /// Whether there is no place for another one.
    pub fn is_open(&self, now: Micros) -> bool {
        self.is_agreed_to() || (self.state == RotationState::Asked && now.0 < self.until)
    }
}

impl Seal {
    /// The row's bytes.
    ///
    /// # Errors
    /// As sealing any attributes.
    pub fn seal_rotation(&self, record: &RotationRecord) -> Result<Vec<u8>, SealError> {
        let plain = serde_json::to_vec(record).map_err(|_| MALFORMED)?;
        // A key that is used up still seals what it takes to have another one.
        Ok(self.keyring.seal_upkeep(&associated(), &plain)?)
    }

    /// What the row says.
    ///
    /// # Errors
    /// [`SealError::Keys`] for bytes that were sealed for another row, [`SealError::Malformed`] for another record.
    pub fn open_rotation(&self, sealed: &[u8]) -> Result<RotationRecord, SealError> {
        let plain = self.keyring.open_attributes(&associated(), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| MALFORMED)
    }
}

const MALFORMED: SealError = SealError::Malformed { what: "record of a rotation" };

pub(super) fn associated() -> Vec<u8> {
    [LABEL, Key::system(SystemKey::Rotation).as_bytes()].concat()
}
