//! Public keys of logs and witnesses, as auditors are given them, and the check of a signature under one.
//! Never takes a key of another type, with another id than its own, or in an encoding that is not strict.
//! A key is known by its name and id together; the id alone anybody can make collide.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, UnparsedPublicKey};
use thiserror::Error;

use super::point::is_strict;
use crate::constants::{
    COSIGNATURE_HEADER, COSIGNATURE_TIME_MAX, NOTE_TYPE_COSIGNATURE, NOTE_TYPE_ED25519,
    ORIGIN_BYTES_MAX,
};

/// Why a verifier key cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// It is not `name+id+key` with a usable name, eight hexadecimal digits and base64.
    #[error("verifier key is not of the form name+id+key")]
    Malformed,
    /// The key is of a type that this program does not check, or does not check here.
    #[error("verifier key is not of the type that belongs here")]
    TypeUnknown,
    /// The id is not the one of this name and key.
    #[error("verifier key does not bear its own id")]
    IdDiffers,
    /// The point is of small order or not canonically encoded: signatures under it prove nothing.
    #[error("verifier key is a point of small order or not canonically encoded")]
    PointRefused,
}

/// Why a signature under a known key does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureFault {
    /// It has another length, another encoding, or does not verify.
    Invalid,
    /// It states a time that no cosignature may have.
    Time,
}

/// A log's or a witness's public key under its name (c2sp.org/signed-note), which an auditor has from outside the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    cosigns: bool,
    public_key: [u8; 32],
}

impl VerifierKey {
    /// Reads the key of a log: `name+<key id in hex>+<base64 of 0x01 and public key>`.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse(text: &str) -> Result<VerifierKey, KeyError> {
        VerifierKey::read(text, NOTE_TYPE_ED25519)
    }

    /// Reads the key of a witness: `name+<key id in hex>+<base64 of 0x04 and public key>` (c2sp.org/tlog-cosignature).
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse_cosigner(text: &str) -> Result<VerifierKey, KeyError> {
        VerifierKey::read(text, NOTE_TYPE_COSIGNATURE)
    }

    fn read(text: &str, note_type: u8) -> Result<VerifierKey, KeyError> {
        // The base64 may hold a plus itself, the two parts before it cannot.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyError::Malformed);
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyError::Malformed)?;
        let is_hex =
            id.len() == 8 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_name(name) || !is_hex {
            return Err(KeyError::Malformed);
        }
        let Some((_, key)) = bytes.split_first().filter(|(first, _)| **first == note_type) else {
            return Err(KeyError::TypeUnknown);
        };
        let public_key: [u8; 32] = key.try_into().map_err(|_| KeyError::Malformed)?;
        let own = key_id(name, note_type, &public_key);
        if u32::from_str_radix(id, 16) != Ok(u32::from_be_bytes(own)) {
            return Err(KeyError::IdDiffers);
        }
        if !is_strict(&public_key) {
            return Err(KeyError::PointRefused);
        }
        let cosigns = note_type == NOTE_TYPE_COSIGNATURE;
        Ok(VerifierKey { name: name.to_owned(), id: own, cosigns, public_key })
    }

    /// Name of the key: the origin of its log, or the name of its witness.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a signature line by this name and id is by this key.
    pub(super) fn is(&self, name: &str, id: [u8; 4]) -> bool {
        self.name == name && self.id == id
    }

    /// Whether both would take the same signature line for their own.
    pub(super) fn collides(&self, other: &VerifierKey) -> bool {
        other.is(&self.name, self.id)
    }

    /// Whether both are the same point, under whatever names.
    pub(super) fn has_key_of(&self, other: &VerifierKey) -> bool {
        self.public_key == other.public_key
    }

    /// Checks a signature over `text`. Gives the time that a cosignature states, in seconds since 1970.
    pub(super) fn check(
        &self,
        text: &str,
        signature: &[u8],
    ) -> Result<Option<u64>, SignatureFault> {
        if !self.cosigns {
            return self.holds(text.as_bytes(), signature).map(|()| None);
        }
        let (time, signature) = signature.split_first_chunk().ok_or(SignatureFault::Invalid)?;
        let time = u64::from_be_bytes(*time);
        let message = format!("{COSIGNATURE_HEADER}\ntime {time}\n{text}");
        self.holds(message.as_bytes(), signature)?;
        if time > COSIGNATURE_TIME_MAX {
            return Err(SignatureFault::Time);
        }
        Ok(Some(time))
    }

    fn holds(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureFault> {
        // The library refuses a scalar that is not reduced and compares the first half bytewise with its own encoding.
        let first_half = signature.first_chunk().filter(|point| is_strict(point));
        let verified =
            UnparsedPublicKey::new(&ED25519, &self.public_key).verify(message, signature);
        match (first_half, verified) {
            (Some(_), Ok(())) => Ok(()),
            _ => Err(SignatureFault::Invalid),
        }
    }
}

/// Key id: the first four bytes of SHA-256(name || LF || type || public key) (c2sp.org/signed-note).
fn key_id(name: &str, note_type: u8, public_key: &[u8; 32]) -> [u8; 4] {
    let hash = digest(&SHA256, &[name.as_bytes(), b"\n", &[note_type], public_key].concat());
    hash.as_ref()[..4].try_into().expect("a hash has four bytes")
}

/// Whether `name` can name a key.
pub(super) fn is_name(name: &str) -> bool {
    let fits = !name.is_empty() && name.len() <= ORIGIN_BYTES_MAX;
    fits && !name
        .contains(|letter: char| letter == '+' || letter.is_whitespace() || letter.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn key_of_the_specification_is_read() {
        let key = VerifierKey::parse(EXAMPLE).expect("a key");
        assert_eq!(key.name(), "example.com/foo");
        assert!(key.is("example.com/foo", [0x53, 0x0d, 0x90, 0x3a]));
    }

    #[test]
    fn signature_of_the_specification_verifies_under_its_key() {
        let key = VerifierKey::parse(EXAMPLE).expect("a key");
        let payload = STANDARD
            .decode("Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=")
            .expect("base64");
        assert_eq!(payload[..4], key.id);
        assert_eq!(key.check("This is an example message.\n", &payload[4..]), Ok(None));
        assert_eq!(
            key.check("This is another message.\n", &payload[4..]),
            Err(SignatureFault::Invalid)
        );
    }

    #[test]
    fn keys_of_other_form_type_or_id_are_refused() {
        let cases = [
            ("", KeyError::Malformed),
            ("example.com/foo+530d903a", KeyError::Malformed),
            ("+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Malformed),
            (
                "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                KeyError::Malformed,
            ),
            (
                "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                KeyError::IdDiffers,
            ),
            (
                "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                KeyError::IdDiffers,
            ),
            (
                "example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
                KeyError::TypeUnknown,
            ),
            ("example.com/foo+530d903a+AQ==", KeyError::Malformed),
        ];
        for (text, expected) in cases {
            assert_eq!(VerifierKey::parse(text), Err(expected), "{text}");
        }
        assert_eq!(VerifierKey::parse_cosigner(EXAMPLE), Err(KeyError::TypeUnknown));
    }

    #[test]
    fn keys_that_sign_everything_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        for (note_type, read) in [
            (NOTE_TYPE_ED25519, VerifierKey::parse as fn(&str) -> _),
            (NOTE_TYPE_COSIGNATURE, VerifierKey::parse_cosigner),
        ] {
            let id = u32::from_be_bytes(key_id("a", note_type, &identity));
            let encoded = STANDARD.encode([&[note_type][..], &identity].concat());
            assert_eq!(read(&format!("a+{id:08x}+{encoded}")), Err(KeyError::PointRefused));
        }
    }
}
