//! How a command ends badly, with the exit status that says which way.
//! Never prints a secret or a value.
//! The cause chain follows the sentence, so that an operator can act.

use crate::ceremony::CeremonyError;
use crate::trail::TrailFault;
use std::error::Error;

/// A command that did not do what was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// Refused or failed.
    Failed(String),
    /// Called wrongly.
    Usage(String),
    /// Something that was written is not what lies there now, or does not agree with the log's own proof.
    Tampered(String),
    /// The disk, the journal, the store or the log is not as it should be.
    Storage(String),
}

impl Failure {
    /// A failure with its cause.
    pub(super) fn failed(what: &str, cause: &(dyn Error + 'static)) -> Failure {
        Failure::Failed(chain(what, cause))
    }

    /// What was found to be changed, with its cause.
    pub(super) fn tampered(what: &str, cause: &(dyn Error + 'static)) -> Failure {
        Failure::Tampered(chain(what, cause))
    }

    /// A storage fault with its cause.
    pub(super) fn storage(what: &str, cause: &(dyn Error + 'static)) -> Failure {
        Failure::Storage(chain(what, cause))
    }

    /// A fault of the store, which snapshot and journal can make again.
    pub(super) fn of_the_store(what: &str, cause: &(dyn Error + 'static)) -> Failure {
        Failure::Storage(format!("{}; {REBUILD_HINT}", chain(what, cause)))
    }

    /// The same, said behind something else that whoever reads it needs to know.
    pub(super) fn behind(self, what: &str) -> Failure {
        match self {
            Failure::Failed(text) => Failure::Failed(format!("{what}: {text}")),
            Failure::Usage(text) => Failure::Usage(format!("{what}: {text}")),
            Failure::Tampered(text) => Failure::Tampered(format!("{what}: {text}")),
            Failure::Storage(text) => Failure::Storage(format!("{what}: {text}")),
        }
    }

    /// The exit status.
    pub(super) fn status(&self) -> u8 {
        match self {
            Failure::Failed(_) => 1,
            Failure::Usage(_) => 2,
            Failure::Tampered(_) => 3,
            Failure::Storage(_) => 4,
        }
    }

    pub(super) fn print(&self, json: bool) {
        use std::io::Write as _;
        let (Failure::Failed(text)
        | Failure::Usage(text)
        | Failure::Tampered(text)
        | Failure::Storage(text)) = self;
        let line = if json {
            serde_json::json!({"error": text, "status": self.status()}).to_string()
        } else {
            format!("gridvault: {text}")
        };
        let _nobody_reads = writeln!(std::io::stderr(), "{line}");
    }
}

/// Said where a start finds the store lost, damaged or put back.
const REBUILD_HINT: &str =
    "\"gridvault store rebuild\" makes it again from the newest snapshot and the journal";

impl From<CeremonyError> for Failure {
    fn from(error: CeremonyError) -> Failure {
        match &error {
            CeremonyError::Refused(why) => Failure::Failed(why.clone()),
            CeremonyError::Damaged(_) => Failure::Storage(error.to_string()),
            CeremonyError::Storage { .. } | CeremonyError::Unknown(_) => {
                let cause = error.source().map(|cause| format!(": {}", chain_of(cause)));
                Failure::Storage(format!("{error}{}", cause.unwrap_or_default()))
            }
        }
    }
}

impl From<&TrailFault> for Failure {
    fn from(fault: &TrailFault) -> Failure {
        match fault.is_of_the_store() {
            true => Failure::of_the_store("the trail stopped", fault),
            false => Failure::storage("the trail stopped", fault),
        }
    }
}

fn chain(what: &str, cause: &(dyn Error + 'static)) -> String {
    format!("{what}: {}", chain_of(cause))
}

fn chain_of(cause: &(dyn Error + 'static)) -> String {
    let mut text = cause.to_string();
    let mut next = cause.source();
    while let Some(one) = next {
        text.push_str(": ");
        text.push_str(&one.to_string());
        next = one.source();
    }
    text
}
