//! What a vault is restored from beside the key part, as two administrators sign it: the bulk part, the ledger of erasures, and how old
//! that ledger is by what is known of the log.
//! Never a key: a ledger's lines are taken by their form here, and judged by their tags when the vault is opened.
//! Nobody but two who sign takes a ledger that is older than the log.

use super::request::decoded;
use crate::trail::{LedgerAge, LedgerBehind};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// The word of a restore without a ledger of erasures.
const NO_LEDGER: &str = "none";
/// The words for what is not counted.
const UNKNOWN: &str = "unknown";
const UNASKED: &str = "unasked";

/// What a vault is restored from, beside the key part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Digest of the bulk part's list of files.
    pub bulk: [u8; 32],
    /// Digest of the ledger of erasures; nothing where the vault is restored without one.
    pub ledger: Option<[u8; 32]>,
    /// What is known of its age.
    pub age: LedgerAge,
}

impl Parts {
    /// Whether two who are only named may restore from them.
    ///
    /// # Errors
    /// Why they may not.
    pub fn may_be_named(&self) -> Result<(), String> {
        let LedgerAge { lacks, behind } = self.age;
        let why = match behind {
            _ if self.age.is_current() => return Ok(()),
            _ if lacks > 0 => format!("lacks {lacks} of the erasures that the bulk part's log has"),
            LedgerBehind::Entries(entries) => format!(
                "says nothing of {entries} entries that witnesses cosigned and the bulk part has not"
            ),
            LedgerBehind::Unknown | LedgerBehind::Unasked => {
                "is of a log with witnesses: bring the \
                 last checkpoint that they cosigned (--witnessed, --witness-policy)"
                    .to_owned()
            }
        };
        Err(format!(
            "the ledger of erasures {why}; two administrators have to sign for it (--agreed)"
        ))
    }

    pub(super) fn text(&self) -> String {
        let bulk = BASE64_URL_SAFE_NO_PAD.encode(self.bulk);
        let ledger = self.ledger.map(|digest| BASE64_URL_SAFE_NO_PAD.encode(digest));
        let ledger = ledger.as_deref().unwrap_or(NO_LEDGER);
        let behind = match self.age.behind {
            LedgerBehind::Entries(entries) => entries.to_string(),
            LedgerBehind::Unknown => UNKNOWN.to_owned(),
            LedgerBehind::Unasked => UNASKED.to_owned(),
        };
        format!("bulk {bulk}\nledger {ledger}\nlacks {}\nbehind {behind}\n", self.age.lacks)
    }

    pub(super) fn parse([bulk, ledger, lacks, behind]: &[String; 4]) -> Option<Parts> {
        let ledger = if ledger == NO_LEDGER { None } else { Some(decoded(ledger)?) };
        let behind = match &**behind {
            UNKNOWN => LedgerBehind::Unknown,
            UNASKED => LedgerBehind::Unasked,
            entries => LedgerBehind::Entries(entries.parse().ok()?),
        };
        let age = LedgerAge { lacks: lacks.parse().ok()?, behind };
        Some(Parts { bulk: decoded(bulk)?, ledger, age })
    }
}
