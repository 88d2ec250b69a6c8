//! `pack`: checks an evidence pack with the log's key alone.
//! Never takes a key from the pack, which has a copy for the reader's eyes.
//! A pack that cannot be read at all is not judged; any other fault of it is a finding.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Args;
use gridvault_audit::pack::{PackError, verify_pack};
use gridvault_audit::verify::VerifierKey;

use super::report::Answer;

#[derive(Args)]
pub(super) struct Arguments {
    /// The pack
    file: PathBuf,
    /// Verifier key of the log, obtained from somewhere else than the pack
    #[arg(long, value_name = "VKEY", value_parser = VerifierKey::parse)]
    vkey: VerifierKey,
}

pub(super) fn run(arguments: &Arguments) -> Answer {
    let judged = File::open(&arguments.file)
        .map_err(PackError::from)
        .and_then(|file| verify_pack(BufReader::new(file), &arguments.vkey));
    match judged {
        Ok(summary) => Answer::Packed(Box::new(summary)),
        Err(error) => Answer::PackRefused { origin: arguments.vkey.name().to_owned(), error },
    }
}
