//! How old a ledger of erasures is, by what the bulk part's log says and by what witnesses cosigned of that log since.
//! Never by a clock, and never by what the ledger says of itself but where its newest line of this log stands.
//! What cannot be known is said to be unknown: an erasure that neither the log nor the ledger has leaves no trace in either.

use super::chain::{BulkAt, Files, LogFiles};
use super::{BackupError, LOG};
use crate::records::MandateId;
use crate::trail::ToldErasure;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::constants::WITNESSED_FILE;
use gridvault_audit::verify::{
    Class, Expectations, Finding, Head, Policy, VerifierKey, VerifyError, Visitor, open_checkpoint,
    verify_log,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// What is known of the age of a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerAge {
    /// Erasures whose destruction the bulk part's log has, and that the ledger does not have.
    pub lacks: u64,
    /// What may have happened behind it.
    pub behind: LedgerBehind,
}

/// How much of the log neither the bulk part nor the ledger accounts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerBehind {
    /// So many entries, up to a checkpoint that a quorum of witnesses cosigned.
    Entries(u64),
    /// The log has witnesses, and no checkpoint was brought that they cosigned.
    Unknown,
    /// There was no ledger, or nobody who cosigns.
    Unasked,
}

impl LedgerAge {
    /// Whether nothing says that the ledger is older than the log.
    pub fn is_current(&self) -> bool {
        self.lacks == 0 && matches!(self.behind, LedgerBehind::Entries(0) | LedgerBehind::Unasked)
    }
}

/// A checkpoint from outside, and the policy by which its cosignatures count.
pub struct BroughtCheckpoint {
    /// The note with its signatures.
    pub note: Vec<u8>,
    /// The policy file (c2sp.org/tlog-policy): who brings it trusts it.
    pub policy: Vec<u8>,
}

/// What the vault had by its configuration in the bulk part, which nothing signs: so it only ever asks for more.
#[derive(Clone, Copy, Debug, Default)]
pub struct HadBefore {
    /// A ledger of erasures.
    pub ledger: bool,
    /// Witnesses of its log.
    pub witnesses: bool,
}

/// Judges the age of a ledger. Its lines are those of the ledger that comes along, or nothing without one. The bulk part's log is
/// verified on the way, under the key from outside.
///
/// # Errors
/// A bulk part that cannot be read or whose log does not verify, and a checkpoint that is not the quorum's, of this log, or of the same
/// history.
pub fn ledger_age(
    bulk: &BulkAt<'_>,
    log_key: &str,
    told: Option<&[ToldErasure]>,
    had: HadBefore,
    brought: Option<&BroughtCheckpoint>,
) -> Result<LedgerAge, BackupError> {
    let files = Files::open(bulk)?;
    let (origin, size) = (&*files.list.origin, files.list.size);
    let key = VerifierKey::parse(log_key)
        .map_err(|_| BackupError::Refused("the log key is not a verifier key"))?;
    let cosigned = brought.map(|brought| cosigned(brought, origin, &key)).transpose()?;
    // A longer one is told from another history by nobody who has the bulk part alone.
    let earlier = cosigned.iter().filter(|head| head.size <= size).cloned().collect();
    let expected = Expectations { earlier, ..Expectations::default() };
    let mut told_by_log = ByLog::default();
    let summary = verify_log(LogFiles(&files), &Policy::of_log(key), &expected, &mut told_by_log);
    let summary = summary.map_err(|error| match error {
        VerifyError::Tampered(Finding { class: Class::HistoryRewritten, .. }) => {
            BackupError::Refused(
                "the cosigned checkpoint is of another history than the bulk part's log",
            )
        }
        error => BackupError::Log(Box::new(error)),
    })?;
    // A medium might show an older log here than when the vault is made of it.
    if summary.head.size != size {
        return Err(BackupError::Refused("the log has another size than the list of files says"));
    }
    let newest = told.unwrap_or_default().iter().filter(|told| told.origin == origin);
    let newest = newest.map(|told| told.destroyed.saturating_add(1)).max();
    let accounted = size.max(newest.unwrap_or(0));
    let witnessed = format!("{LOG}/{WITNESSED_FILE}");
    let has_witnesses = had.witnesses || files.list.files.contains_key(&witnessed);
    let behind = match cosigned {
        Some(head) => LedgerBehind::Entries(head.size.saturating_sub(accounted)),
        None if has_witnesses && (told.is_some() || had.ledger) => LedgerBehind::Unknown,
        None => LedgerBehind::Unasked,
    };
    Ok(LedgerAge { lacks: told.map_or(0, |told| told_by_log.lacking(told)), behind })
}

fn cosigned(
    BroughtCheckpoint { note, policy }: &BroughtCheckpoint,
    origin: &str,
    log_key: &VerifierKey,
) -> Result<Head, BackupError> {
    let refused = BackupError::Refused;
    let policy = Policy::parse(policy).map_err(|_| refused("the policy of witnesses is none"))?;
    if !policy.logs().iter().any(|log| log.key == *log_key) {
        return Err(refused("the policy of witnesses does not have the log's key"));
    }
    let opened = open_checkpoint(note, &policy, None)
        .map_err(|_| refused("the cosigned checkpoint is none, or of no log of the policy"))?;
    if opened.head.origin != origin {
        return Err(refused("the cosigned checkpoint is of another log"));
    }
    match policy.asks_for_witnesses() && policy.is_met_by(&opened.cosignatures) {
        true => Ok(opened.head),
        false => Err(refused("the checkpoint is not cosigned by the quorum of the policy")),
    }
}

/// What the log says of erasures. What went at its end has keys destroyed under an id too, and is in no ledger: an erasure has steps of
/// its own.
#[derive(Default)]
struct ByLog {
    begun: BTreeSet<MandateId>,
    destroyed: BTreeSet<MandateId>,
}

impl ByLog {
    /// How many erasures are complete that are not told.
    fn lacking(&self, told: &[ToldErasure]) -> u64 {
        let told: BTreeSet<MandateId> = told.iter().map(|told| told.id).collect();
        let complete = self.begun.intersection(&self.destroyed);
        complete.filter(|id| !told.contains(id)).count() as u64
    }
}

impl Visitor for ByLog {
    fn entry(&mut self, _index: u64, entry: &[u8]) {
        if !holds(entry, b"\"erasures\"") && !holds(entry, b"\"erase\"") {
            return;
        }
        // What is no entry ends the verification.
        let Ok(entry) = serde_json::from_slice::<Value>(entry) else { return };
        match (entry["ev"].as_str(), entry["act"].as_str()) {
            (Some("data" | "subject"), Some("erase")) => {
                self.begun.extend(entry["apr"].as_str().and_then(id))
            }
            (Some("key"), Some("destroy")) => {
                let named = entry["x"]["erasures"].as_str().unwrap_or_default();
                self.destroyed.extend(named.split(',').filter_map(id));
            }
            _ => {}
        }
    }
}

fn id(text: &str) -> Option<MandateId> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    Some(MandateId::from_bytes(bytes.try_into().ok()?))
}

fn holds(entry: &[u8], word: &[u8]) -> bool {
    entry.windows(word.len()).any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::super::list::{List, Listed, hex};
    use super::super::{LIST_FILE, io_at};
    use super::*;
    use crate::records::Handle;
    use crate::trail::integrate::LogSigner;
    use gridvault_audit::witness::{CosignerKey, Keeper};
    use gridvault_audit::{Log, LogReader, verifier_key};
    use gridvault_keys::{Keyring, Month, RootKey};
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};
    use tempfile::TempDir;

    const ORIGIN: &str = "vault.example/log";
    const CURRENT: LedgerAge = LedgerAge { lacks: 0, behind: LedgerBehind::Entries(0) };

    /// A log, the bulk part of it at a size, and a witness that cosigned it at another.
    struct Site {
        room: TempDir,
        keyring: Keyring,
        log_key: String,
        policy: String,
        keeper: Keeper,
    }

    impl Site {
        fn new() -> Site {
            let room = tempfile::tempdir().expect("a directory");
            let root = RootKey::generate().expect("a root key");
            let month = Month::from_year_month(2026, 1).expect("a month");
            let keyring = Keyring::create(&room.path().join("keyring"), &root, month);
            let keyring = keyring.expect("a ring");
            let log_key = verifier_key(ORIGIN, &keyring.log_signer().public_key());
            let logs = format!("log {log_key}\nquorum none\n");
            let logs = Policy::parse(logs.as_bytes()).expect("a policy");
            let key = CosignerKey::from_seed("witness.example/office", &[7; 32]).expect("a key");
            let keeper = Keeper::open(&room.path().join("witness"), key, logs).expect("a witness");
            let vkey = keeper.verifier_key();
            let policy = format!("log {log_key}\nwitness office {vkey}\nquorum office\n");
            Site { room, keyring, log_key, policy, keeper }
        }

        /// The bulk part of a log with these entries.
        fn bulk(&self, name: &str, entries: &[String]) -> PathBuf {
            let bulk = self.room.path().join(name);
            std::fs::create_dir_all(&bulk).expect("made");
            let mut log = Log::create(&bulk.join(LOG), ORIGIN).expect("a log");
            let numbered = entries.iter().enumerate();
            let numbered: Vec<String> =
                numbered.map(|(at, entry)| entry.replace('#', &at.to_string())).collect();
            log.append(0, &numbered).expect("appended");
            log.publish(&LogSigner::of(ORIGIN, &self.keyring)).expect("published");
            self.list(&bulk, entries.len() as u64);
            bulk
        }

        /// Writes the list of what is there.
        fn list(&self, bulk: &Path, size: u64) {
            let mut files = BTreeMap::new();
            add_files(bulk, LOG, &mut files);
            let list = List { origin: ORIGIN.to_owned(), size, snapshot: None, since: None, files };
            let path = bulk.join(LIST_FILE);
            std::fs::write(&path, list.to_text()).map_err(io_at(&path)).expect("written");
        }

        fn judge(
            &self,
            bulk: &Path,
            told: Option<&[ToldErasure]>,
            had: HadBefore,
            brought: Option<&BroughtCheckpoint>,
        ) -> Result<LedgerAge, BackupError> {
            ledger_age(&BulkAt::beside(bulk), &self.log_key, told, had, brought)
        }

        /// The checkpoint of a log with these entries, as the witness cosigned it.
        fn cosigned(&self, name: &str, entries: &[String]) -> Vec<u8> {
            let log = LogReader::open(&self.bulk(name, entries).join(LOG), ORIGIN).expect("a log");
            let note = log.checkpoint_text().expect("read").expect("a checkpoint");
            let reply = self.keeper.add_checkpoint(format!("old 0\n\n{note}").as_bytes(), 1);
            assert_eq!(reply.status, 200, "{}", reply.body);
            format!("{note}{}", reply.body).into_bytes()
        }
    }

    fn add_files(bulk: &Path, beneath: &str, files: &mut BTreeMap<String, Listed>) {
        for entry in std::fs::read_dir(bulk.join(beneath)).expect("a directory") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("plain");
            let path = format!("{beneath}/{name}");
            match entry.file_type().expect("a kind").is_dir() {
                true => add_files(bulk, &path, files),
                false if name == "lock" => {}
                false => {
                    let bytes = std::fs::read(entry.path()).expect("read");
                    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
                    let digest = hex(digest.as_ref());
                    let listed = Listed { bytes: bytes.len() as u64, digest, held: false };
                    files.insert(path, listed);
                }
            }
        }
    }

    /// An entry of the vault itself without its index and times, which the log's writer fills in elsewhere.
    fn entry(act: &str, apr: &str, ev: &str, x: &str) -> String {
        format!(
            "{{\"act\":\"{act}\",{apr}\"ev\":\"{ev}\",\"mono\":#,\"out\":\"success\",\"req\":\"AAAAAAAAAAAAAAAAAAAAAA\",\
             \"seq\":#,\"t\":#,\"v\":1{x}}}"
        )
    }

    fn other(count: usize) -> Vec<String> {
        vec![entry("heartbeat", "", "sys", ""); count]
    }

    fn mandate(number: u8) -> MandateId {
        MandateId::from_bytes([number; 16])
    }

    /// A step of an erasure of somebody of whom nothing was held but a part in records of others.
    fn blinded(number: u8) -> String {
        begun(number).replace("\"data\"", "\"subject\"")
    }

    fn begun(number: u8) -> String {
        let id = BASE64_URL_SAFE_NO_PAD.encode([number; 16]);
        entry("erase", &format!("\"apr\":\"{id}\","), "data", "")
    }

    fn destroyed(numbers: &[u8]) -> String {
        let ids: Vec<String> =
            numbers.iter().map(|one| BASE64_URL_SAFE_NO_PAD.encode([*one; 16])).collect();
        let ids = ids.join(",");
        entry("destroy", "", "key", &format!(",\"x\":{{\"erasures\":\"{ids}\"}}"))
    }

    fn told(number: u8, origin: &str, destroyed: u64) -> ToldErasure {
        let (reason, area) = ("purpose_met".to_owned(), "880102001".to_owned());
        let (id, subject) = (mandate(number), Handle::from_bytes([number; 16]));
        ToldErasure { id, subject, reason, area, origin: origin.to_owned(), destroyed }
    }

    fn brought(note: &[u8], policy: &str) -> BroughtCheckpoint {
        BroughtCheckpoint { note: note.to_vec(), policy: policy.as_bytes().to_vec() }
    }

    fn age(site: &Site, bulk: &Path, told: &[ToldErasure], note: Option<&[u8]>) -> LedgerAge {
        let brought = note.map(|note| brought(note, &site.policy));
        site.judge(bulk, Some(told), HadBefore::default(), brought.as_ref()).expect("judged")
    }

    #[test]
    fn an_erasure_that_the_log_has_and_the_ledger_has_not_is_counted_and_what_went_at_its_end_is_not()
     {
        let site = Site::new();
        // The third went at its end: its keys were destroyed under an id, and no step of an erasure names it.
        let mut entries = other(300);
        entries.extend([begun(1), begun(2), begun(4), destroyed(&[1, 3]), destroyed(&[2])]);
        let bulk = site.bulk("bulk", &entries);
        let (one, two) = (told(1, ORIGIN, 303), told(2, ORIGIN, 304));
        let lacks = |told: &[ToldErasure]| age(&site, &bulk, told, None).lacks;
        assert_eq!(lacks(&[]), 2);
        assert_eq!(lacks(std::slice::from_ref(&one)), 1);
        assert_eq!(lacks(&[one, two.clone()]), 0);
        let beside = [begun(1), destroyed(&[1]), blinded(5), destroyed(&[5])];
        let beside = site.bulk("beside", &beside);
        assert_eq!(age(&site, &beside, &[told(1, ORIGIN, 1)], None).lacks, 1);
        // One that a restored vault carried out again is in the ledger under the log before.
        assert_eq!(lacks(&[told(1, "vault.example/log-0", 9), two]), 0);
        let without = site.judge(&bulk, None, HadBefore::default(), None).expect("judged");
        assert_eq!(without, LedgerAge { lacks: 0, behind: LedgerBehind::Unasked });
    }

    #[test]
    fn a_ledger_is_behind_a_cosigned_checkpoint_by_what_neither_it_nor_the_bulk_part_accounts_for()
    {
        let site = Site::new();
        let bulk = site.bulk("bulk", &other(10));
        let note = site.cosigned("later", &other(25));
        let behind = |told: &[ToldErasure]| age(&site, &bulk, told, Some(&note)).behind;
        assert_eq!(behind(&[]), LedgerBehind::Entries(15));
        assert_eq!(behind(&[told(1, ORIGIN, 5)]), LedgerBehind::Entries(15));
        assert_eq!(behind(&[told(1, ORIGIN, 20)]), LedgerBehind::Entries(4));
        assert_eq!(behind(&[told(1, ORIGIN, 24)]), LedgerBehind::Entries(0));
        assert_eq!(behind(&[told(1, ORIGIN, 99)]), LedgerBehind::Entries(0));
        assert_eq!(behind(&[told(1, "another", 24)]), LedgerBehind::Entries(15));
        let brought = brought(&note, &site.policy);
        let without = site.judge(&bulk, None, HadBefore::default(), Some(&brought));
        let without = without.expect("judged");
        assert_eq!(without.behind, LedgerBehind::Entries(15));
        // A bulk part as new as the checkpoint knows of everything.
        let newest = site.bulk("newest", &other(25));
        assert_eq!(age(&site, &newest, &[], Some(&note)), CURRENT);
        assert!(CURRENT.is_current());
        assert!(!LedgerAge { lacks: 1, ..CURRENT }.is_current());
        assert!(!LedgerAge { behind: LedgerBehind::Entries(1), ..CURRENT }.is_current());
    }

    #[test]
    fn a_log_with_witnesses_asks_for_a_checkpoint_and_one_without_them_does_not() {
        let site = Site::new();
        let bulk = site.bulk("bulk", &other(10));
        let behind = |ledger, witnesses, told: Option<&[ToldErasure]>| {
            let had = HadBefore { ledger, witnesses };
            site.judge(&bulk, told, had, None).expect("judged").behind
        };
        assert_eq!(behind(true, false, Some(&[])), LedgerBehind::Unasked);
        assert_eq!(behind(false, true, None), LedgerBehind::Unasked);
        assert_eq!(behind(false, true, Some(&[])), LedgerBehind::Unknown);
        assert_eq!(behind(true, true, None), LedgerBehind::Unknown);
        let note = String::from_utf8(site.cosigned("same", &other(10))).expect("text");
        // As `create` copies it.
        gridvault_audit::keep_witnessed(&bulk.join(LOG), ORIGIN, &note).expect("kept");
        site.list(&bulk, 10);
        assert_eq!(behind(true, false, Some(&[])), LedgerBehind::Unknown);
        let unknown = LedgerAge { lacks: 0, behind: LedgerBehind::Unknown };
        assert!(!unknown.is_current());
    }

    #[test]
    fn a_checkpoint_counts_by_its_quorum_for_its_log_and_its_history_alone() {
        let site = Site::new();
        let bulk = site.bulk("bulk", &other(10));
        let note = site.cosigned("later", &other(25));
        let refused = |bulk: &Path, note: &[u8], policy: &str| {
            let brought = brought(note, policy);
            let judged = site.judge(bulk, Some(&[]), HadBefore::default(), Some(&brought));
            judged.expect_err("refused").to_string()
        };
        let bare = note.split(|byte| *byte == b'\n').take(5).collect::<Vec<_>>().join(&b'\n');
        let bare = [&bare[..], b"\n"].concat();
        assert!(refused(&bulk, &bare, &site.policy).contains("quorum"));
        let none = site.policy.replace("quorum office", "quorum none");
        assert!(refused(&bulk, &note, &none).contains("quorum"));
        assert!(refused(&bulk, b"a note\n", &site.policy).contains("is none"));
        assert!(refused(&bulk, &note, "quorum\n").contains("policy"));
        let stranger = Site::new();
        assert!(refused(&bulk, &note, &stranger.policy).contains("the log's key"));
        let mut rewritten = other(30);
        rewritten[3] = destroyed(&[7]);
        let forked = site.bulk("forked", &rewritten);
        assert!(refused(&forked, &note, &site.policy).contains("another history"));
        assert_eq!(age(&site, &site.bulk("whole", &other(30)), &[], Some(&note)), CURRENT);
    }
}
