//! Why a campaign cannot go on; a defect of the product is a failed check, not one of these.
//! Never holds a token or a value.
//! Every variant says what to look at next.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// Why a campaign cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A file or a process of the campaign itself.
    #[error("{what}: {cause}")]
    Io {
        /// What was tried.
        what: String,
        /// The system's answer.
        cause: std::io::Error,
    },
    /// A program ended where it should have served.
    #[error("{} ended with {status}: {output}", program.display())]
    Ended {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it printed.
        output: String,
    },
    /// A program is not there.
    #[error("{0} is missing: install it, then run the campaign again")]
    ToolMissing(&'static str),
    /// Nothing happened in time.
    #[error("{what} did not happen within {} s", limit.as_secs())]
    OutOfTime {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// No answer came.
    #[error("no answer: {0}")]
    NoAnswer(Box<ureq::Error>),
    /// Setting up was refused.
    #[error("setting up was refused: {0}")]
    Refused(String),
    /// The log cannot be read.
    #[error("the log cannot be read: {0}")]
    Log(#[from] gridvault_audit::LogError),
    /// The judge of a campaign lets pass what must fail.
    #[error("the judge does not find {0}")]
    Blind(&'static str),
    /// A file of the campaign or a page of the vault is not what it should be.
    #[error("{0} is not what it should be")]
    Malformed(&'static str),
}

impl Fault {
    /// A fault of the system about a path.
    pub fn io(what: &str, path: &Path, cause: std::io::Error) -> Fault {
        Fault::Io { what: format!("{what} {}", path.display()), cause }
    }
}

impl From<ureq::Error> for Fault {
    fn from(error: ureq::Error) -> Fault {
        Fault::NoAnswer(Box::new(error))
    }
}
