//! Hands a checkpoint to a witness (c2sp.org/tlog-witness, add-checkpoint).
//! Never judges the cosignatures that come back, and never tries again by itself.
//! Every answer of the protocol is a value; only what is none is an error.

use std::fmt::Write as _;
use std::io::{self, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Client, refused};
use crate::constants::NOTE_BYTES_MAX;
use crate::verify::Hash;

/// What a witness answered to a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It cosigned: signature lines, not judged yet.
    Cosigned(String),
    /// It last cosigned so many entries: the proof must begin there. With the size that was named as old, it knows another
    /// root for it.
    Conflict(u64),
    /// It takes the request for malformed (400).
    Malformed,
    /// It does not trust the log's key (403).
    KeyUnknown,
    /// It does not know the log (404).
    LogUnknown,
    /// The consistency proof does not hold (422).
    ProofWrong,
}

impl Client {
    /// Asks the witness at `url` to cosign `checkpoint`, which continues the log of `old_size` entries by `proof`.
    ///
    /// # Errors
    /// When no answer came, or one that the protocol does not have.
    pub fn add_checkpoint(
        &self,
        url: &str,
        old_size: u64,
        proof: &[Hash],
        checkpoint: &str,
    ) -> io::Result<Submitted> {
        let mut body = format!("old {old_size}\n");
        for hash in proof {
            let _never_fails = writeln!(body, "{}", STANDARD.encode(hash));
        }
        body.push('\n');
        body.push_str(checkpoint);
        let path = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let sent = self.agent.post(path).header("content-type", "text/plain; charset=utf-8");
        let mut response = sent.send(body.as_str()).map_err(ureq::Error::into_io)?;
        let status = response.status().as_u16();
        let mut text = String::new();
        let reader = response.body_mut().as_reader();
        reader.take(NOTE_BYTES_MAX as u64).read_to_string(&mut text)?;
        match status {
            200 => Ok(Submitted::Cosigned(text)),
            400 => Ok(Submitted::Malformed),
            403 => Ok(Submitted::KeyUnknown),
            404 => Ok(Submitted::LogUnknown),
            409 => {
                let size = text.strip_suffix('\n').unwrap_or(&text).parse();
                size.map(Submitted::Conflict).map_err(|_| {
                    io::Error::new(io::ErrorKind::InvalidData, "conflict without a size")
                })
            }
            422 => Ok(Submitted::ProofWrong),
            status => Err(refused(status)),
        }
    }
}
