//! The auditor's program: verifies a log directory or an offline proof with a public key from outside.
//! Never writes a file, never opens a connection, never asks the vault.
//! Exit status: 0 it holds, 1 it could not be judged, 2 wrong usage, 3 tampering found, 4 the storage failed.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Parser, Subcommand};
use gridvault_audit::constants::{ENTRY_BYTES_MAX, NOTE_BYTES_MAX};
use gridvault_audit::verify::{
    Finding, Hash, Head, VerifierKey, VerifyError, leaf_hash, open_note, verify_directory,
    verify_proof,
};
use serde::Serialize;

/// Longest file that is read from the command line, in bytes: a proof with its extra line.
const FILE_BYTES_MAX: usize = 2 * NOTE_BYTES_MAX;

/// Verifies the audit log of a vault, offline
#[derive(Parser)]
#[command(name = "gridvault-audit", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Verify a whole log: signature, entries, tiles, root and the content of every entry
    Verify {
        /// Directory of the log, which holds `checkpoint`
        directory: PathBuf,
        #[command(flatten)]
        common: Common,
        /// A checkpoint saved before, which this log must continue
        #[arg(long, value_name = "FILE")]
        earlier: Option<PathBuf>,
    },
    /// Check that an entry is in a log, by a `.tlog-proof` file
    Proof {
        /// The proof file
        file: PathBuf,
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        leaf: Leaf,
    },
}

#[derive(Args)]
struct Common {
    /// Verifier key of the log, obtained from somewhere else than the log
    #[arg(long, value_name = "VKEY", value_parser = VerifierKey::parse)]
    vkey: VerifierKey,
    /// Print the result as one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Leaf {
    /// File with the bytes of the entry
    #[arg(long, value_name = "FILE")]
    entry: Option<PathBuf>,
    /// Leaf hash of the entry, 64 hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = parse_leaf)]
    leaf: Option<Hash>,
}

/// What is printed for machines. Members that do not apply are null.
#[derive(Serialize)]
struct Report<'a> {
    result: &'static str,
    origin: &'a str,
    size: Option<u64>,
    root: Option<String>,
    beyond_checkpoint: Option<bool>,
    index: Option<u64>,
    level: Option<u32>,
    class: Option<&'static str>,
    detail: String,
}

/// What a check that holds has shown.
struct Shown {
    head: Head,
    index: Option<u64>,
    beyond: Option<bool>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (common, result) = match arguments.command {
        Command::Verify { directory, common, earlier } => {
            let result = verify(&directory, &common.vkey, earlier.as_deref());
            (common, result)
        }
        Command::Proof { file, common, leaf } => {
            let result = proof(&file, &common.vkey, &leaf);
            (common, result)
        }
    };
    let (status, report) = report(common.vkey.name(), &result);
    let line = if common.json {
        serde_json::to_string(&report).expect("a report has string keys and plain values")
    } else {
        sentence(&report)
    };
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => ExitCode::from(status),
        Err(_) => ExitCode::from(if status == 0 { 1 } else { status }),
    }
}

fn verify(
    directory: &Path,
    key: &VerifierKey,
    earlier: Option<&Path>,
) -> Result<Shown, VerifyError> {
    let earlier = match earlier {
        Some(path) => Some(open_note(&read(path)?, key).map_err(VerifyError::EarlierRefused)?),
        None => None,
    };
    let summary = verify_directory(directory, key, earlier.as_ref())?;
    Ok(Shown { head: summary.head, index: None, beyond: Some(summary.beyond) })
}

fn proof(file: &Path, key: &VerifierKey, leaf: &Leaf) -> Result<Shown, VerifyError> {
    let leaf = match (&leaf.entry, leaf.leaf) {
        (Some(path), _) => leaf_hash(&read(path)?),
        (None, Some(leaf)) => leaf,
        (None, None) => unreachable!("the group of arguments is required"),
    };
    let summary = verify_proof(&read(file)?, key, &leaf)?;
    Ok(Shown { head: summary.head, index: Some(summary.index), beyond: None })
}

/// Reads a file named on the command line, up to one byte past what any of them may have.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    const { assert!(ENTRY_BYTES_MAX < FILE_BYTES_MAX) };
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn report<'a>(origin: &'a str, result: &Result<Shown, VerifyError>) -> (u8, Report<'a>) {
    let mut report = Report {
        result: "ok",
        origin,
        size: None,
        root: None,
        beyond_checkpoint: None,
        index: None,
        level: None,
        class: None,
        detail: String::new(),
    };
    let status = match result {
        Ok(shown) => {
            report.size = Some(shown.head.size);
            report.root = Some(STANDARD.encode(shown.head.root));
            report.beyond_checkpoint = shown.beyond;
            report.index = shown.index;
            0
        }
        Err(VerifyError::Tampered(Finding { class, index, level, detail })) => {
            report.result = "tampered";
            report.index = *index;
            report.level = *level;
            report.class = Some(class.code());
            report.detail = (*detail).to_owned();
            3
        }
        Err(error) => {
            report.detail = explain(error);
            let (result, status) = match error {
                VerifyError::PathRefused => ("wrong_usage", 2),
                VerifyError::Storage(_) => ("storage_fault", 4),
                _ => ("not_judged", 1),
            };
            report.result = result;
            status
        }
    };
    (status, report)
}

fn explain(error: &VerifyError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn sentence(report: &Report) -> String {
    let origin = report.origin;
    match (report.result, report.size, report.class) {
        ("ok", Some(size), _) => match report.index {
            Some(index) => format!("ok: entry {index} is in {origin}, which has {size} entries"),
            None if report.beyond_checkpoint == Some(true) => {
                format!(
                    "ok: {origin} has {size} entries under its checkpoint; files lie beyond it, not judged"
                )
            }
            None => format!("ok: {origin} has {size} entries, all of them verified"),
        },
        (_, _, Some(class)) => {
            let place = report.index.map_or(String::new(), |index| format!(" at entry {index}"));
            format!("tampering: {class}{place} in {origin}: {}", report.detail)
        }
        (result, ..) => format!("{result}: {}", report.detail),
    }
}

fn parse_leaf(text: &str) -> Result<Hash, String> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect();
    let digits = digits.filter(|digits| digits.len() == 64).ok_or("not 64 hexadecimal digits")?;
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    Ok(bytes.try_into().expect("64 digits make 32 bytes"))
}
