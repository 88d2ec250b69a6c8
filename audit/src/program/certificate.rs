//! `certificate`: checks the certificate of an erasure with the log's key alone.
//! Never takes a key from the certificate, which has a copy for the reader's eyes.
//! What cannot be read at all is not judged; any other fault of it is a finding.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Args;
use gridvault_audit::certificate::{CertificateError, verify_certificate};
use gridvault_audit::pack::PackError;
use gridvault_audit::verify::VerifierKey;

use super::report::Answer;

#[derive(Args)]
pub(super) struct Arguments {
    /// The certificate
    file: PathBuf,
    /// Verifier key of the log, obtained from somewhere else than the certificate
    #[arg(long, value_name = "VKEY", value_parser = VerifierKey::parse)]
    vkey: VerifierKey,
}

pub(super) fn run(arguments: &Arguments) -> Answer {
    let judged = File::open(&arguments.file)
        .map_err(|error| CertificateError::from(PackError::from(error)))
        .and_then(|file| verify_certificate(BufReader::new(file), &arguments.vkey));
    match judged {
        Ok(summary) => Answer::Certified(Box::new(summary)),
        Err(error) => {
            Answer::CertificateRefused { origin: arguments.vkey.name().to_owned(), error }
        }
    }
}
