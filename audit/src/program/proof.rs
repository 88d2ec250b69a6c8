//! `proof`: checks a `.tlog-proof` file, or makes one from a log's directory.
//! Never writes a proof that it has not checked itself with the verifier's own code.
//! The entry or its leaf hash comes from outside the file.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand};
use gridvault_audit::verify::{
    Cosigned, Hash, Policy, ProofSummary, VerifyError, leaf_hash, verify_proof_under,
};
use gridvault_audit::write::reader::LogReader;

use super::files::read;
use super::now_seconds;
use super::report::{Answer, Shown, Witnessed};
use super::trust::Trust;
use super::verify::origin_of;

/// Length of 32 bytes in base64url without padding.
const RECEIPT_LEAF_CHARACTERS: usize = 43;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Check that an entry is in a log, by a proof file; the same as `proof FILE`
    Check(Check),
    /// Make the proof file of an entry from a log's directory
    Make(Make),
}

#[derive(Args)]
pub(super) struct Check {
    /// The proof file
    file: PathBuf,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    leaf: Leaf,
}

#[derive(Args)]
#[group(id = "leaf", required = true, multiple = false)]
struct Leaf {
    /// File with the bytes of the entry
    #[arg(long = "entry", value_name = "FILE")]
    entry: Option<PathBuf>,
    /// Leaf hash of the entry: 64 hexadecimal digits, or 43 characters of base64url as a receipt has it
    #[arg(long = "leaf", value_name = "HASH", value_parser = parse_leaf, allow_hyphen_values = true)]
    hash: Option<Hash>,
}

#[derive(Args)]
pub(super) struct Make {
    /// Directory of the log
    directory: PathBuf,
    #[command(flatten)]
    trust: Trust,
    /// Index of the entry
    #[arg(long, value_name = "INDEX")]
    index: u64,
    /// The proof file to write, usually `*.tlog-proof`; never over one that is there
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(command: &Command) -> Answer {
    match command {
        Command::Make(make) => run_make(make),
        Command::Check(check) => run_check(check),
    }
}

/// The arguments of the program, with the word `check` where a proof file is named without it.
pub(super) fn with_word(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    let is_proof = arguments.get(1).is_some_and(|word| word == "proof");
    let words = ["check", "make", "help", "-h", "--help"];
    if is_proof && arguments.get(2).is_some_and(|next| !words.iter().any(|word| next == word)) {
        arguments.insert(2, "check".into());
    }
    arguments
}

fn run_check(check: &Check) -> Answer {
    let policy = match check.trust.policy() {
        Ok(policy) => policy,
        Err(answer) => return answer,
    };
    match check_file(check, &policy) {
        Ok(summary) => shown(&policy, summary),
        Err(error) => Answer::Refused { origin: origin_of(&policy), error },
    }
}

fn check_file(check: &Check, policy: &Policy) -> Result<ProofSummary, VerifyError> {
    let leaf = match (&check.leaf.entry, check.leaf.hash) {
        (Some(path), _) => leaf_hash(&read(path)?),
        (None, Some(leaf)) => leaf,
        (None, None) => unreachable!("the group of arguments is required"),
    };
    Ok(verify_proof_under(&read(&check.file)?, policy, Some(now_seconds()), &leaf)?)
}

fn shown(policy: &Policy, summary: ProofSummary) -> Answer {
    let ProofSummary { index, head, cosignatures } = summary;
    let cosigned = Cosigned { head: head.clone(), cosignatures };
    let witnessed = policy.asks_for_witnesses().then(|| Witnessed::of(policy, &cosigned));
    Answer::Shown(Box::new(Shown {
        head: Some(head),
        index: Some(index),
        witnessed,
        ..Shown::default()
    }))
}

fn run_make(make: &Make) -> Answer {
    let policy = match make.trust.policy() {
        Ok(policy) => policy,
        Err(answer) => return answer,
    };
    let text = match text(make, &policy) {
        Ok(text) => text,
        Err(error) => return Answer::Failed(error),
    };
    let (file, leaf) = text;
    match verify_proof_under(file.as_bytes(), &policy, Some(now_seconds()), &leaf) {
        Ok(summary) => match write_new(&make.out, &file) {
            Ok(()) => shown(&policy, summary),
            Err(error) => Answer::Failed(format!("proof file cannot be written: {error}")),
        },
        Err(finding) => Answer::Refused { origin: origin_of(&policy), error: finding.into() },
    }
}

/// The proof's text and the leaf hash of its entry, whose bytes the log still has.
fn text(make: &Make, policy: &Policy) -> Result<(String, Hash), String> {
    let mut reasons = Vec::new();
    for log in policy.logs() {
        let made = LogReader::open(&make.directory, log.key.name()).and_then(|reader| {
            Ok((reader.proof_file(make.index)?, leaf_hash(&reader.entry(make.index)?)))
        });
        match made {
            Ok(made) => return Ok(made),
            Err(error) => reasons.push(error.to_string()),
        }
    }
    Err(reasons.join("; "))
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A leaf hash as this program writes it, or as the vault's receipts do. The two differ in length, so none is taken for the other.
fn parse_leaf(text: &str) -> Result<Hash, String> {
    if text.len() == RECEIPT_LEAF_CHARACTERS {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| "not base64url")?;
        return bytes.try_into().map_err(|_| "not 32 bytes".to_owned());
    }
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect();
    let digits = digits
        .filter(|digits| digits.len() == 64)
        .ok_or("neither 64 hexadecimal digits nor 43 characters of base64url")?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    Ok(bytes.try_into().expect("64 digits make 32 bytes"))
}
