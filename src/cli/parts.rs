//! What a vault is restored from beside the key part, as two administrators sign it: the bulk part, the ledger of erasures, and how old
//! that ledger is by what is known of the log.
//! Never a key: a ledger's lines are taken by their form here, and judged by their tags when the vault is opened.
//! Nobody but two who sign takes a ledger that is older than the log.

use super::backup::told;
use super::ceremony::decoded;
use super::failure::Failure;
use super::second_place::LedgerArguments;
use crate::config::ConfigFile;
use crate::trail::{
    BulkAt, ErasureLedger, HadBefore, LedgerAge, LedgerBehind, bulk_digest, ledger_age,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::path::Path;

/// The word of a restore without a ledger of erasures.
const NO_LEDGER: &str = "none";
/// The words for what is not counted.
const UNKNOWN: &str = "unknown";
const UNASKED: &str = "unasked";

/// What a vault is restored from, beside the key part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// Digest of the bulk part's list of files.
    pub(super) bulk: [u8; 32],
    /// Digest of the ledger of erasures; nothing where the vault is restored without one.
    pub(super) ledger: Option<[u8; 32]>,
    /// What is known of its age.
    pub(super) age: LedgerAge,
}

impl Parts {
    /// What lies at these places now.
    pub(super) fn at(
        bulk: &BulkAt<'_>,
        log_key: &str,
        ledger: &LedgerArguments,
    ) -> Result<Parts, Failure> {
        let digest = bulk_digest(bulk.directory).map_err(|error| told(&error))?;
        let unread = |error| Failure::storage("the ledger of erasures", &error);
        let lies = ledger.place()?.as_ref().map(ErasureLedger::unjudged_at);
        let lies = lies.transpose().map_err(unread)?;
        let lines = lies.as_ref().map(|(_, lines)| &**lines);
        let brought = ledger.checkpoint()?;
        let before = configured(bulk.directory)?;
        let had = HadBefore {
            ledger: before.erasure_ledger.is_some(),
            witnesses: before.witness_policy.is_some(),
        };
        let age = ledger_age(bulk, log_key, lines, had, brought.as_ref());
        let age = age.map_err(|error| told(&error))?;
        Ok(Parts { bulk: digest, ledger: lies.map(|(mark, _)| mark.digest), age })
    }

    /// Whether two who are only named may restore from them.
    pub(super) fn may_be_named(&self) -> Result<(), Failure> {
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
        Err(Failure::Failed(format!(
            "the ledger of erasures {why}; two administrators have to sign for it (--agreed)"
        )))
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

/// The configuration in a bulk part. Nothing signs it.
pub(super) fn configured(bulk: &Path) -> Result<ConfigFile, Failure> {
    let fail =
        |error: &(dyn std::error::Error + 'static)| Failure::failed("the configuration", error);
    let text = std::fs::read_to_string(bulk.join("config")).map_err(|e| fail(&e))?;
    toml::from_str(&text).map_err(|e| fail(&e))
}
