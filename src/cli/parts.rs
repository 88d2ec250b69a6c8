//! What a vault is restored from, as it lies at the places that were named: the bulk part, the ledger of erasures, and its age.
//! Never a key: a ledger's lines are taken by their form here, and judged by their tags when the vault is opened.

use super::backup::told;
use super::failure::Failure;
use super::second_place::LedgerArguments;
use crate::ceremony::Parts;
use crate::config::ConfigFile;
use crate::trail::{BulkAt, ErasureLedger, HadBefore, bulk_digest, ledger_age};
use std::path::Path;

/// What lies at these places now.
pub(super) fn parts_at(
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

/// The configuration in a bulk part. Nothing signs it.
pub(super) fn configured(bulk: &Path) -> Result<ConfigFile, Failure> {
    let fail =
        |error: &(dyn std::error::Error + 'static)| Failure::failed("the configuration", error);
    let text = std::fs::read_to_string(bulk.join("config")).map_err(|e| fail(&e))?;
    ConfigFile::parse(&text).map_err(|e| fail(&e))
}
