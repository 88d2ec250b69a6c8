//! What entries say about the upkeep of store, log and keys: starts, lists, rounds of the scrub, snapshots, restores, erased keys.
//! Never a record's id and never a person's: counts, digests, and the ids of erasures.
//! The members are those of audit/FORMAT.md.

use super::backup::{LedgerAge, LedgerBehind};
use super::entry::id;
use crate::access::ActorId;
use gridvault_audit::{Event, Scalar};

/// What a vault was restored from, and by whom.
#[derive(Clone, Debug)]
pub struct Restoration {
    /// Name of the log before.
    pub origin: String,
    /// Entries of it that its last known checkpoint covers.
    pub size: u64,
    /// The root in that checkpoint.
    pub root: [u8; 32],
    /// Everything of the entries below this index was restored; what came behind it is lost.
    pub entries: u64,
    /// Rows that were restored.
    pub rows: u64,
    /// Rows that were not, because they speak of entries of the log before.
    pub left_out: u64,
    /// The two who stand by it.
    pub persons: [[u8; 16]; 2],
    /// Whether both signed it, each by its own key to log in with; if not, they were only named.
    pub signed: bool,
    /// Erasures in the ledger that was brought, where one was.
    pub told: Option<u64>,
    /// What was known of its age.
    pub age: LedgerAge,
}

/// Further facts of an entry, by their names.
type Facts = Vec<(&'static str, Scalar)>;

/// What became of a key that there is one of, of those of contexts or of the index, or of what they protect.
#[derive(Clone, Debug)]
pub enum KeyNews {
    /// Another key that there is one of serves, and the former beside it for a time.
    Followed {
        /// The rotation.
        id: [u8; 16],
        /// Which key: a code.
        what: &'static str,
        /// What the former is called in public.
        former: String,
        /// What the next one is called.
        next: String,
        /// Until when both serve, in microseconds since 1970.
        until: i64,
    },
    /// The former of two such keys is destroyed.
    FormerDestroyed {
        /// The rotation; nothing where a ring was restored that is none's.
        id: Option<[u8; 16]>,
        /// Which key: a code.
        what: &'static str,
        /// What it was called in public.
        former: String,
    },
    /// Another key seals the contexts of this month from now on, and others those of the later ones.
    ContextTurned {
        /// The rotation.
        id: [u8; 16],
        /// Which month.
        month: String,
    },
    /// The context keys of months are destroyed: those of which the log keeps no entry, and the oldest.
    ContextsDestroyed {
        /// Which months, with commas between.
        months: String,
    },
    /// Index buckets got a next key, under which every term moves.
    IndexDrawn {
        /// How many buckets.
        buckets: u64,
    },
    /// Index terms moved to the next keys of their buckets.
    TermsMoved {
        /// How many.
        terms: u64,
    },
    /// Values were sealed anew under the next header key.
    SealedAnew {
        /// How many.
        values: u64,
    },
    /// The former keys of index buckets are destroyed, and with them every copy of a term under one.
    IndexDestroyed {
        /// How many buckets.
        buckets: u64,
    },
}

impl KeyNews {
    /// The rotation that it belongs to, where one does.
    pub(super) fn rotation(&self) -> Option<[u8; 16]> {
        match self {
            KeyNews::Followed { id, .. } | KeyNews::ContextTurned { id, .. } => Some(*id),
            KeyNews::FormerDestroyed { id, .. } => *id,
            KeyNews::ContextsDestroyed { .. }
            | KeyNews::SealedAnew { .. }
            | KeyNews::IndexDrawn { .. }
            | KeyNews::TermsMoved { .. }
            | KeyNews::IndexDestroyed { .. } => None,
        }
    }
}

/// The event of such news, and its further facts.
pub(super) fn of_keys(news: &KeyNews) -> (Event, Facts) {
    match news {
        KeyNews::Followed { what, former, next, until, .. } => {
            (Event::KeyRotate, followed(what, former, next, *until))
        }
        KeyNews::FormerDestroyed { what, former, .. } => {
            (Event::KeyDestroy, former_destroyed(what, former))
        }
        KeyNews::ContextTurned { month, .. } => (Event::KeyRotate, context_turned(month)),
        KeyNews::ContextsDestroyed { months } => (Event::KeyDestroy, contexts_destroyed(months)),
        KeyNews::IndexDrawn { buckets } => (Event::KeyRotate, of_index("buckets", *buckets)),
        KeyNews::TermsMoved { terms } => (Event::KeyRewrap, of_index("terms", *terms)),
        KeyNews::SealedAnew { values } => (Event::KeyRewrap, sealed_anew(*values)),
        KeyNews::IndexDestroyed { buckets } => (Event::KeyDestroy, of_index("buckets", *buckets)),
    }
}

/// How many records a round of the scrub found how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScrubCounts {
    /// As their last entry left them.
    pub judged: u64,
    /// Changed since the round began, and left to the next one.
    pub postponed: u64,
    /// Whose last entry was pruned, or is in the log before a restore.
    pub unjudged: u64,
    /// Other than their last entry left them: an older row among them.
    pub changed: u64,
    /// Not in the store, though no entry removed them.
    pub missing: u64,
    /// In the store, though no entry made them, or though one removed them.
    pub unknown: u64,
    /// Rows that are damaged, or whose attributes are not authentic.
    pub unreadable: u64,
}

impl ScrubCounts {
    /// Records that differ from the log.
    pub fn faults(&self) -> u64 {
        self.changed + self.missing + self.unknown + self.unreadable
    }
}

pub(super) fn counted(what: &'static str, count: u64) -> Facts {
    vec![(what, Scalar::U64(count))]
}

pub(super) fn started(build: [u8; 32], configuration: [u8; 32], boot: &[u8; 16]) -> Facts {
    vec![
        ("boot", id(boot)),
        ("build", Scalar::Bytes32(build)),
        ("configuration", Scalar::Bytes32(configuration)),
    ]
}

pub(super) fn digest(digest: [u8; 32]) -> Facts {
    vec![("digest", Scalar::Bytes32(digest))]
}

/// How many buckets got a next key.
pub(super) fn drawn(buckets: u64) -> Facts {
    counted("buckets", buckets)
}

pub(super) fn listed(records: u64, digest: [u8; 32]) -> Facts {
    vec![("digest", Scalar::Bytes32(digest)), ("records", Scalar::U64(records))]
}

pub(super) fn scrubbed(begun: u64, found: &ScrubCounts) -> Facts {
    let counts = [
        ("begun", begun),
        ("changed", found.changed),
        ("judged", found.judged),
        ("missing", found.missing),
        ("postponed", found.postponed),
        ("unjudged", found.unjudged),
        ("unknown", found.unknown),
        ("unreadable", found.unreadable),
    ];
    counts.map(|(name, count)| (name, Scalar::U64(count))).into()
}

pub(super) fn snapshot(index: u64, rows: u64, bytes: u64, digest: [u8; 32]) -> Facts {
    vec![
        ("bytes", Scalar::U64(bytes)),
        ("digest", Scalar::Bytes32(digest)),
        ("index", Scalar::U64(index)),
        ("rows", Scalar::U64(rows)),
    ]
}

pub(super) fn rebuilt(snapshot: u64, rows: u64, entries: u64) -> Facts {
    let counts = [("entries", entries), ("rows", rows), ("snapshot", snapshot)];
    counts.map(|(name, count)| (name, Scalar::U64(count))).into()
}

pub(super) fn restored(restoration: &Restoration) -> Facts {
    let Restoration { origin, size, root, entries, rows, left_out, persons, .. } = restoration;
    let mut facts = vec![
        ("entries", Scalar::U64(*entries)),
        ("left_out", Scalar::U64(*left_out)),
        ("origin", Scalar::Str(origin.clone())),
        ("person_1", id(&persons[0])),
        ("person_2", id(&persons[1])),
        ("proof", proof(restoration.signed)),
        ("root", Scalar::Bytes32(*root)),
        ("rows", Scalar::U64(*rows)),
        ("size", Scalar::U64(*size)),
    ];
    facts.extend(restoration.told.map(|told| ("ledger", Scalar::U64(told))));
    facts.extend(restoration.told.map(|_| ("ledger_lacks", Scalar::U64(restoration.age.lacks))));
    if let LedgerBehind::Entries(entries) = restoration.age.behind {
        facts.push(("ledger_behind", Scalar::U64(entries)));
    }
    facts
}

/// How two who stand by something at the host were known: by their signatures, or by name alone.
pub(super) fn proof(signed: bool) -> Scalar {
    Scalar::Str(if signed { "signed" } else { "named" }.to_owned())
}

/// For whom a code was made at the host, and the two who stood by it.
pub(super) fn code_given(actor: &[u8; 16], persons: &[[u8; 16]; 2], signed: bool) -> Facts {
    vec![
        ("actor", id(actor)),
        ("credential", Scalar::Str("enrolment_code".to_owned())),
        ("person_1", id(&persons[0])),
        ("person_2", id(&persons[1])),
        ("proof", proof(signed)),
    ]
}

/// From where to where the log begins later, which moment everything that goes is from before, and the policy that kept
/// entries cite, with its place.
pub(super) fn pruned(
    (from, minimum): (u64, u64),
    before: u64,
    (policy, policy_at): ([u8; 32], u64),
) -> Facts {
    vec![
        ("before", Scalar::U64(before)),
        ("from", Scalar::U64(from)),
        ("minimum", Scalar::U64(minimum)),
        ("policy", Scalar::Bytes32(policy)),
        ("policy_at", Scalar::U64(policy_at)),
    ]
}

/// Which erasures are complete: whoever was erased knows the id of its own, and nobody else's says anything to it.
pub(super) fn destroyed(buckets: u64, erasures: &[[u8; 16]]) -> Facts {
    let erasures: Vec<String> =
        erasures.iter().map(|id| ActorId::from_bytes(*id).to_string()).collect();
    vec![("buckets", Scalar::U64(buckets)), ("erasures", Scalar::Str(erasures.join(",")))]
}

/// How many buckets or terms of the index.
fn of_index(what: &'static str, count: u64) -> Facts {
    vec![(what, Scalar::U64(count)), ("rotation", Scalar::Str("index".to_owned()))]
}

/// How many values are under the next header key from now on.
fn sealed_anew(values: u64) -> Facts {
    vec![("rotation", Scalar::Str("header".to_owned())), ("values", Scalar::U64(values))]
}

/// Which keys get others in their places, and how many.
pub(super) fn rotated(what: &str, step: &str, keys: u64) -> Facts {
    vec![
        ("keys", Scalar::U64(keys)),
        ("rotation", Scalar::Str(what.to_owned())),
        ("step", Scalar::Str(step.to_owned())),
    ]
}

/// Which two keys serve, by what they are called in public, and until when.
fn followed(what: &str, former: &str, next: &str, until: i64) -> Facts {
    vec![
        ("former", Scalar::Str(former.to_owned())),
        ("next", Scalar::Str(next.to_owned())),
        ("rotation", Scalar::Str(what.to_owned())),
        ("step", Scalar::Str("overlap".to_owned())),
        ("until", Scalar::U64(u64::try_from(until).unwrap_or(0))),
    ]
}

/// Which former key is destroyed.
fn former_destroyed(what: &str, former: &str) -> Facts {
    vec![("former", Scalar::Str(former.to_owned())), ("rotation", Scalar::Str(what.to_owned()))]
}

/// The context keys of which months are destroyed.
fn contexts_destroyed(months: &str) -> Facts {
    vec![
        ("months", Scalar::Str(months.to_owned())),
        ("rotation", Scalar::Str("context".to_owned())),
    ]
}

/// From which month on other keys seal contexts.
fn context_turned(month: &str) -> Facts {
    vec![
        ("month", Scalar::Str(month.to_owned())),
        ("rotation", Scalar::Str("context".to_owned())),
        ("step", Scalar::Str("overlap".to_owned())),
    ]
}
