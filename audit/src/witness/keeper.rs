//! The witness itself, without a network: what it knows of each log, and what it answers to a checkpoint.
//! Never answers 200 before the new state is durable, and never cosigns two roots of one size.
//! One log is worked on by one caller at a time; logs do not wait for each other.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

use super::key::CosignerKey;
use super::request::Request;
use super::state::{StateFile, make_directory};
use crate::verify::{
    Class, Hash, Policy, checkpoint_origin, consistency_holds, empty_root, hex_name,
    open_checkpoint_with_extensions, with_log_lines_alone,
};

/// Why a witness cannot start.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// Another process works in the directory.
    #[error("directory of the witness is in use by another process")]
    Locked,
    /// What is remembered of a log is not what this witness wrote.
    #[error("what is remembered of {origin} is not what this witness wrote")]
    StateInvalid {
        /// The log.
        origin: String,
    },
    /// The system refused.
    #[error("directory of the witness cannot be read or written")]
    Io(#[from] io::Error),
}

/// An answer of the protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Its content type.
    pub content_type: &'static str,
    /// Its body.
    pub body: String,
}

/// A witness of the logs of a policy.
pub struct Keeper {
    key: CosignerKey,
    policy: Policy,
    /// By origin.
    logs: BTreeMap<String, Mutex<Kept>>,
    /// By what monitors ask for.
    origins: BTreeMap<String, String>,
    _lock: File,
}

/// What is known of one log.
struct Kept {
    file: StateFile,
    size: u64,
    root: Hash,
    /// The checkpoint with the log's signatures and the last cosignature; `None` before the first.
    note: Option<String>,
}

const PLAIN: &str = "text/plain; charset=utf-8";
const SIZE: &str = "text/x.tlog.size";

impl Reply {
    fn refusal(status: u16, why: &str) -> Reply {
        Reply { status, content_type: PLAIN, body: format!("{why}\n") }
    }

    fn conflict(size: u64) -> Reply {
        Reply { status: 409, content_type: SIZE, body: format!("{size}\n") }
    }
}

impl Keeper {
    /// A witness that remembers in `directory`, which it locks, and watches the logs of `policy`.
    ///
    /// # Errors
    /// See [`WitnessError`].
    pub fn open(
        directory: &Path,
        key: CosignerKey,
        policy: Policy,
    ) -> Result<Keeper, WitnessError> {
        // What other witnesses said is none of this one's business.
        let policy = policy.of_logs(None);
        make_directory(directory)?;
        let lock = lock(directory)?;
        let own = key.verifier_key();
        let own = crate::verify::VerifierKey::parse_cosigner(&own)
            .expect("a key that signs can be read by those who verify");
        let (mut logs, mut origins) = (BTreeMap::new(), BTreeMap::new());
        for log in policy.logs() {
            let origin = log.key.name().to_owned();
            let (file, note) = StateFile::open(directory.join(hex_name(&origin)))?;
            let kept = match note {
                None => Kept { file, size: 0, root: empty_root(), note: None },
                Some(note) => {
                    let judge = policy.of_logs(Some(own.clone()));
                    let opened = open_checkpoint_with_extensions(note.as_bytes(), &judge);
                    let head = opened
                        .ok()
                        .filter(|known| {
                            !known.cosignatures.is_empty() && known.head.origin == origin
                        })
                        .map(|known| known.head);
                    let Some(head) = head else {
                        return Err(WitnessError::StateInvalid { origin });
                    };
                    Kept { file, size: head.size, root: head.root, note: Some(note) }
                }
            };
            origins.insert(hex_name(&origin), origin.clone());
            logs.insert(origin, Mutex::new(kept));
        }
        Ok(Keeper { key, policy, logs, origins, _lock: lock })
    }

    /// The key that auditors are given.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        self.key.verifier_key()
    }

    /// Answers an add-checkpoint request at this time.
    #[must_use]
    pub fn add_checkpoint(&self, body: &[u8], now_seconds: u64) -> Reply {
        let Some(request) = Request::parse(body) else {
            return Reply::refusal(400, "request is malformed");
        };
        let Ok(origin) = checkpoint_origin(request.checkpoint.as_bytes()) else {
            return Reply::refusal(400, "checkpoint is malformed");
        };
        let Some(kept) = self.logs.get(&origin) else {
            return Reply::refusal(404, "log is unknown");
        };
        let opened = open_checkpoint_with_extensions(request.checkpoint.as_bytes(), &self.policy);
        let head = match opened {
            Ok(cosigned) => cosigned.head,
            Err(finding) if finding.class == Class::NoteMalformed => {
                return Reply::refusal(400, "checkpoint is malformed");
            }
            Err(_) => return Reply::refusal(403, "no signature is by a trusted key"),
        };
        if request.old_size > head.size {
            return Reply::refusal(400, "old size is above the size of the checkpoint");
        }
        // From here to the durable state nobody else moves this log.
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if request.old_size != kept.size {
            return Reply::conflict(kept.size);
        }
        if head.size == kept.size && head.root != kept.root {
            return Reply::conflict(kept.size);
        }
        let continues =
            consistency_holds(kept.size, head.size, &kept.root, &head.root, &request.proof);
        if !continues {
            return Reply::refusal(422, "consistency proof does not hold");
        }
        let line = self.key.cosign(note_text(request.checkpoint), now_seconds);
        // Lines by strangers are not kept: with ours they could be more than a note may have.
        let Ok(signed) = with_log_lines_alone(request.checkpoint.as_bytes(), &self.policy) else {
            return Reply::refusal(400, "checkpoint is malformed");
        };
        let note = signed + &line;
        if kept.file.replace(&note).is_err() {
            return Reply::refusal(500, "state cannot be written");
        }
        kept.size = head.size;
        kept.root = head.root;
        kept.note = Some(note);
        Reply { status: 200, content_type: PLAIN, body: line }
    }

    /// Answers a monitor's question for the latest checkpoint of the log whose hashed origin this is.
    #[must_use]
    pub fn view(&self, hashed_origin: &str) -> Reply {
        let kept = self.origins.get(hashed_origin).and_then(|origin| self.logs.get(origin));
        let note =
            kept.and_then(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner).note.clone());
        match note {
            Some(body) => Reply { status: 200, content_type: PLAIN, body },
            None => Reply::refusal(404, "nothing is known of this log"),
        }
    }
}

/// The signed text of a note that was opened: up to the blank line before its signatures.
fn note_text(note: &str) -> &str {
    let blank = note.rfind("\n\n").map_or(note.len(), |blank| blank + 1);
    &note[..blank]
}

fn lock(directory: &Path) -> Result<File, WitnessError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(directory.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(WitnessError::Locked),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}
