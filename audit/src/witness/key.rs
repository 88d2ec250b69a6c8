//! The key with which a witness cosigns.
//! Never prints the secret part but into the file that is made for it.
//! The file has one line: `PRIVATE+KEY+<name>+<key id>+<base64 of 0x04 and the seed>`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use crate::constants::{COSIGNATURE_HEADER, NOTE_TYPE_COSIGNATURE};
use crate::verify::VerifierKey;

/// Before the name in a key file.
const PREFIX: &str = "PRIVATE+KEY+";

/// Bytes of an Ed25519 seed (RFC 8032 section 5.1.5).
const SEED_BYTES: usize = 32;

/// Why a key file cannot be used.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CosignerKeyError {
    /// It is not one line of the form that this program writes.
    #[error("key file is not PRIVATE+KEY+name+id+key")]
    Malformed,
    /// The id is not the one of this name and key.
    #[error("key in the file does not bear its own id")]
    IdDiffers,
    /// The name cannot name a key.
    #[error("name cannot name a key: it is empty, too long, or has a space or a plus")]
    NameRefused,
}

/// A witness's signing key under its name.
pub struct CosignerKey {
    name: String,
    id: [u8; 4],
    pair: Ed25519KeyPair,
}

impl CosignerKey {
    /// The key of this name from a seed.
    ///
    /// # Errors
    /// [`CosignerKeyError::NameRefused`].
    pub fn from_seed(name: &str, seed: &[u8; SEED_BYTES]) -> Result<CosignerKey, CosignerKeyError> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| CosignerKeyError::Malformed)?;
        let encoded = [&[NOTE_TYPE_COSIGNATURE], pair.public_key().as_ref()].concat();
        let hash = digest(&SHA256, &[name.as_bytes(), b"\n", &encoded].concat());
        let id = hash.as_ref()[..4].try_into().expect("a hash has four bytes");
        let key = CosignerKey { name: name.to_owned(), id, pair };
        // What auditors will read is read here first.
        VerifierKey::parse_cosigner(&key.verifier_key())
            .map(|_| key)
            .map_err(|_| CosignerKeyError::NameRefused)
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// See [`CosignerKeyError`].
    pub fn parse(file: &str) -> Result<CosignerKey, CosignerKeyError> {
        let line = file.strip_suffix('\n').unwrap_or(file);
        let rest = line.strip_prefix(PREFIX).ok_or(CosignerKeyError::Malformed)?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(CosignerKeyError::Malformed);
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| CosignerKeyError::Malformed)?;
        let bytes = Zeroizing::new(bytes);
        let seed = bytes.strip_prefix(&[NOTE_TYPE_COSIGNATURE]);
        let seed = seed.and_then(|seed| seed.try_into().ok());
        let key = CosignerKey::from_seed(name, seed.ok_or(CosignerKeyError::Malformed)?)?;
        match format!("{:08x}", u32::from_be_bytes(key.id)) == id {
            true => Ok(key),
            false => Err(CosignerKeyError::IdDiffers),
        }
    }

    /// The content of a key file for this name and seed.
    ///
    /// # Errors
    /// [`CosignerKeyError::NameRefused`].
    pub fn file(
        name: &str,
        seed: &[u8; SEED_BYTES],
    ) -> Result<Zeroizing<String>, CosignerKeyError> {
        let id = u32::from_be_bytes(CosignerKey::from_seed(name, seed)?.id);
        let mut bytes = [&[NOTE_TYPE_COSIGNATURE][..], seed].concat();
        let mut encoded = STANDARD.encode(&bytes);
        bytes.zeroize();
        let line = Zeroizing::new(format!("{PREFIX}{name}+{id:08x}+{encoded}\n"));
        encoded.zeroize();
        Ok(line)
    }

    /// The key that auditors are given: `name+<key id in hex>+<base64 of 0x04 and public key>`.
    #[must_use]
    pub fn verifier_key(&self) -> String {
        let encoded = [&[NOTE_TYPE_COSIGNATURE], self.pair.public_key().as_ref()].concat();
        format!("{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id), STANDARD.encode(encoded))
    }

    /// A signature line: Ed25519 over `cosignature/v1` LF `time <seconds>` LF and the checkpoint's text.
    pub(super) fn cosign(&self, text: &str, time_seconds: u64) -> String {
        let message = format!("{COSIGNATURE_HEADER}\ntime {time_seconds}\n{text}");
        let signature = self.pair.sign(message.as_bytes());
        let payload = [&self.id[..], &time_seconds.to_be_bytes(), signature.as_ref()].concat();
        format!("\u{2014} {} {}\n", self.name, STANDARD.encode(payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_file_is_read_as_it_was_written() {
        let file = CosignerKey::file("witness.example/w1", &[0x22; 32]).expect("a file");
        let key = CosignerKey::parse(&file).expect("a key");
        assert_eq!(
            key.verifier_key(),
            "witness.example/w1+e0cd2864+BKCapfR6Z1mAL/lV+NwtKhSlyZ0jvpf4ZBJ/+Tg0VaTw"
        );
        for (from, to) in [
            ("PRIVATE", "PUBLIC"),
            ("e0cd2864", "e0cd2865"),
            ("w1", "w2"),
            ("+BC", "+AS"),
            ("\n", "\n\n"),
            ("w1", "w 1"),
        ] {
            let changed = file.replacen(from, to, 1);
            assert!(CosignerKey::parse(&changed).is_err(), "{from} to {to}");
        }
        assert!(CosignerKey::file("a b", &[1; 32]).is_err());
    }

    /// The line that the Python package aics-tlog 0.2.1 makes with the same seed.
    #[test]
    fn cosignature_is_the_one_of_another_implementation() {
        let key = CosignerKey::from_seed("witness.example/w1", &[0x22; 32]).expect("a key");
        let text = "log.example/city\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n";
        assert_eq!(
            key.cosign(text, 1_790_000_000),
            "\u{2014} witness.example/w1 4M0oZAAAAABqsTuA2KDms2cxeAiHDj0GEFEp5+2A95OrssBSbcyJgxqeEnzjfRYsLJC798/V/NlqcNQPCXQojkaPEtugCETPDvDWBg==\n"
        );
    }
}
