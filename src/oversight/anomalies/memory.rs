//! What the search remembers once a day of the log is over, and the file in which the next start finds it.
//! Never the truth: a file of another log, of other rules or with a flipped bit is passed over, and the log walked from its beginning.
//! Layout: magic, SHA-256 of what follows, and that as postcard. It is not synced; the digest tells what a power cut left.

use super::anomaly::{Anomaly, number_word};
use super::past::PeersPast;
use super::rules::{RuleName, emergency};
use super::watch::Account;
use crate::access::ActorId;
use crate::oversight::ids::AnomalyId;
use crate::records::LegalKind;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

const MAGIC: &[u8; 8] = b"gvwatch1";
const DIGEST_BYTES: usize = 32;

/// What is remembered beyond a day.
#[derive(Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) accounts: HashMap<ActorId, Account>,
    pub(super) peers: PeersPast,
    pub(super) emergencies: emergency::State,
    /// The day at hand, in days since 1970.
    pub(super) day: i32,
    /// Accounts beyond those that are followed, counted by their entries.
    pub(super) unfollowed: u64,
}

impl Memory {
    /// Before the first entry.
    pub(super) fn new() -> Memory {
        Memory {
            accounts: HashMap::new(),
            peers: PeersPast::default(),
            emergencies: emergency::State::default(),
            day: i32::MIN,
            unfollowed: 0,
        }
    }
}

/// Where a walk stood: before which entry, after which leaf, under which rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standpoint {
    pub(super) next: u64,
    pub(super) leaf: [u8; 32],
    pub(super) rules: [u8; 32],
}

/// Anomalies that were found so far, and the number of the first.
#[derive(Serialize, Deserialize)]
pub(super) struct FoundSoFar {
    pub(super) first: u64,
    anomalies: Vec<KeptAnomaly>,
}

impl FoundSoFar {
    pub(super) fn of<'a>(first: u64, anomalies: impl Iterator<Item = &'a Anomaly>) -> FoundSoFar {
        FoundSoFar { first, anomalies: anomalies.map(KeptAnomaly::of).collect() }
    }

    fn open(self) -> Option<(u64, Vec<Anomaly>)> {
        // Numbers go up from here for as long as there is a log.
        if self.first > u64::MAX / 2 {
            return None;
        }
        let anomalies = self.anomalies.into_iter().map(KeptAnomaly::open);
        Some((self.first, anomalies.collect::<Option<_>>()?))
    }
}

/// An anomaly with words instead of what they stand for here.
#[derive(Serialize, Deserialize)]
struct KeptAnomaly {
    id: [u8; 16],
    rule: String,
    actor: ActorId,
    role: Option<String>,
    scope: Option<String>,
    at: u64,
    window: (u64, u64),
    entries: Vec<u64>,
    entries_count: u64,
    numbers: Vec<(String, u64)>,
    kind: Option<String>,
}

impl KeptAnomaly {
    fn of(anomaly: &Anomaly) -> KeptAnomaly {
        let named = |(name, number): &(&'static str, u64)| ((*name).to_owned(), *number);
        KeptAnomaly {
            id: anomaly.id.0,
            rule: anomaly.rule.as_str().to_owned(),
            actor: anomaly.actor,
            role: anomaly.role.clone(),
            scope: anomaly.scope.clone(),
            at: anomaly.at,
            window: anomaly.window,
            entries: anomaly.entries.clone(),
            entries_count: anomaly.entries_count,
            numbers: anomaly.numbers.iter().map(named).collect(),
            kind: anomaly.kind.map(|kind| kind.as_str().to_owned()),
        }
    }

    /// Nothing where a word means nothing here: then another version wrote it.
    fn open(self) -> Option<Anomaly> {
        let named = |(name, number): (String, u64)| Some((number_word(&name)?, number));
        let kind = |word: String| LegalKind::ALL.into_iter().find(|kind| kind.as_str() == word);
        Some(Anomaly {
            id: AnomalyId(self.id),
            rule: RuleName::parse(&self.rule)?,
            actor: self.actor,
            role: self.role,
            scope: self.scope,
            at: self.at,
            window: self.window,
            entries: self.entries,
            entries_count: self.entries_count,
            numbers: self.numbers.into_iter().map(named).collect::<Option<_>>()?,
            kind: match self.kind {
                Some(word) => Some(kind(word)?),
                None => None,
            },
        })
    }
}

/// Everything that the file has.
pub(super) struct Recalled {
    pub(super) standpoint: Standpoint,
    pub(super) memory: Memory,
    pub(super) first: u64,
    pub(super) anomalies: Vec<Anomaly>,
}

/// Writes the file anew, as a whole.
///
/// # Errors
/// When it cannot be written; the former file stays.
pub(super) fn keep(
    path: &Path,
    standpoint: Standpoint,
    memory: &Memory,
    found: &FoundSoFar,
) -> std::io::Result<()> {
    let mut bytes = [&MAGIC[..], &[0; DIGEST_BYTES]].concat();
    bytes =
        postcard::to_extend(&(standpoint, memory, found), bytes).map_err(std::io::Error::other)?;
    let (head, body) = bytes.split_at_mut(MAGIC.len() + DIGEST_BYTES);
    head[MAGIC.len()..].copy_from_slice(digest(&SHA256, body).as_ref());
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, &bytes)?;
    std::fs::rename(&unfinished, path)
}

/// Reads the file. Nothing where there is none, or one that is not whole or of another version.
pub(super) fn recall(path: &Path) -> Option<Recalled> {
    let bytes = std::fs::read(path).ok()?;
    let rest = bytes.strip_prefix(MAGIC)?;
    let (sum, body) = rest.split_at_checked(DIGEST_BYTES)?;
    if digest(&SHA256, body).as_ref() != sum {
        return None;
    }
    let (standpoint, memory, found): (Standpoint, Memory, FoundSoFar) =
        postcard::from_bytes(body).ok()?;
    let (first, anomalies) = found.open()?;
    Some(Recalled { standpoint, memory, first, anomalies })
}
