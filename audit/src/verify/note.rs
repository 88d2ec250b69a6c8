//! Reads verifier keys and signed checkpoints, as strictly as their specifications allow.
//! Never repairs, trims or normalises: a note that could be written otherwise is refused.
//! A checkpoint's text is used only after a signature by the given key was checked over exactly that text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, UnparsedPublicKey};
use thiserror::Error;

use super::finding::{Class, Finding};
use super::tree::Hash;
use crate::constants::{
    NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, NOTE_TYPE_ED25519, ORIGIN_BYTES_MAX, TREE_SIZE_MAX,
};

/// Why a verifier key cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// It is not `name+id+key` with a usable name, eight hexadecimal digits and base64.
    #[error("verifier key is not of the form name+id+key")]
    Malformed,
    /// The key is of a type that this program does not check.
    #[error("verifier key is not an Ed25519 note key")]
    TypeUnknown,
    /// The id is not the one of this name and key.
    #[error("verifier key does not bear its own id")]
    IdDiffers,
}

/// A log's public key under its name (c2sp.org/signed-note), which an auditor has from outside the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    public_key: [u8; 32],
}

impl VerifierKey {
    /// Reads `name+<key id in hex>+<base64 of type and public key>`.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse(text: &str) -> Result<VerifierKey, KeyError> {
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
        let Some((&NOTE_TYPE_ED25519, key)) = bytes.split_first() else {
            return Err(KeyError::TypeUnknown);
        };
        let public_key: [u8; 32] = key.try_into().map_err(|_| KeyError::Malformed)?;
        let hash = digest(&SHA256, &[name.as_bytes(), b"\n", &bytes].concat());
        let own: [u8; 4] = hash.as_ref()[..4].try_into().expect("a hash has four bytes");
        if u32::from_str_radix(id, 16) != Ok(u32::from_be_bytes(own)) {
            return Err(KeyError::IdDiffers);
        }
        Ok(VerifierKey { name: name.to_owned(), id: own, public_key })
    }

    /// Name of the key, which is the origin of its log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// What a verified checkpoint states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Name of the log.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

/// Checks a signed checkpoint under `key` (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).
///
/// Signatures by other keys are ignored; one in this key's name and id that does not verify refuses the note.
///
/// # Errors
/// A [`Finding`] of class `NoteMalformed`, `SignatureInvalid`, `KeyUnknown` or `OriginDiffers`.
pub fn open_note(note: &[u8], key: &VerifierKey) -> Result<Head, Finding> {
    let malformed = |detail| Finding::new(Class::NoteMalformed, detail);
    if note.len() > NOTE_BYTES_MAX {
        return Err(malformed("note is too long"));
    }
    let note = std::str::from_utf8(note).map_err(|_| malformed("note is not UTF-8"))?;
    if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(malformed("note has a control character"));
    }
    let blank = note.rfind("\n\n").ok_or_else(|| malformed("note has no blank line"))?;
    let (text, signatures) = (&note[..=blank], &note[blank + 2..]);
    let head = parse_text(text).map_err(malformed)?;
    let Some(signatures) = signatures.strip_suffix('\n') else {
        return Err(malformed("note does not end in a line feed"));
    };
    let lines: Vec<_> = signatures.split('\n').collect();
    if lines.len() > NOTE_SIGNATURES_MAX {
        return Err(malformed("note has too many signatures"));
    }
    let mut signed = false;
    for line in lines {
        let (name, payload) = parse_signature(line).map_err(malformed)?;
        let (id, signature) =
            payload.split_first_chunk().ok_or_else(|| malformed("signature is too short"))?;
        if name != key.name || *id != key.id {
            continue;
        }
        let public_key = UnparsedPublicKey::new(&ED25519, &key.public_key);
        if public_key.verify(text.as_bytes(), signature).is_err() {
            return Err(Finding::new(
                Class::SignatureInvalid,
                "signature by the known key does not verify",
            ));
        }
        signed = true;
    }
    if !signed {
        return Err(Finding::new(Class::KeyUnknown, "no signature is by the known key"));
    }
    if head.origin != key.name {
        return Err(Finding::new(
            Class::OriginDiffers,
            "checkpoint is of another log than the key",
        ));
    }
    Ok(head)
}

fn parse_text(text: &str) -> Result<Head, &'static str> {
    let lines: Vec<_> = text.split('\n').collect();
    // The text ends in a line feed, so the last piece is empty.
    let [origin, size, root, ""] = lines[..] else {
        return Err("checkpoint has more or fewer than three lines");
    };
    if !is_name(origin) {
        return Err("origin cannot name a log");
    }
    let size = parse_decimal(size)
        .filter(|size| *size <= TREE_SIZE_MAX)
        .ok_or("size is not a canonical number")?;
    let root = parse_hash(root).ok_or("root is not the canonical base64 of a hash")?;
    Ok(Head { origin: origin.to_owned(), size, root })
}

fn parse_signature(line: &str) -> Result<(&str, Vec<u8>), &'static str> {
    let rest = line
        .strip_prefix("\u{2014} ")
        .ok_or("signature line does not begin with a dash and a space")?;
    let (name, encoded) =
        rest.split_once(' ').ok_or("signature line has no space after its name")?;
    if !is_name(name) {
        return Err("signature line has no usable name");
    }
    let payload = STANDARD.decode(encoded).map_err(|_| "signature is not canonical base64")?;
    if payload.len() <= 4 {
        return Err("signature is too short");
    }
    Ok((name, payload))
}

fn is_name(name: &str) -> bool {
    let fits = !name.is_empty() && name.len() <= ORIGIN_BYTES_MAX;
    fits && !name
        .contains(|letter: char| letter == '+' || letter.is_whitespace() || letter.is_control())
}

/// A decimal without sign and leading zeros.
pub(super) fn parse_decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

/// 32 bytes in canonical standard base64.
pub(super) fn parse_hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    #[test]
    fn key_of_the_specification_is_read() {
        let key = VerifierKey::parse(EXAMPLE).expect("a key");
        assert_eq!(key.name(), "example.com/foo");
        assert_eq!(key.id, [0x53, 0x0d, 0x90, 0x3a]);
    }

    #[test]
    fn signature_of_the_specification_verifies_under_its_key() {
        let key = VerifierKey::parse(EXAMPLE).expect("a key");
        let line = "\u{2014} example.com/foo \
            Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=";
        let (name, payload) = parse_signature(line).expect("a signature line");
        assert_eq!((name, &payload[..4]), (key.name(), &key.id[..]));
        let public_key = UnparsedPublicKey::new(&ED25519, &key.public_key);
        assert!(public_key.verify(b"This is an example message.\n", &payload[4..]).is_ok());
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
    }

    #[test]
    fn decimals_are_canonical() {
        assert_eq!(parse_decimal("0"), Some(0));
        assert_eq!(parse_decimal("18446744073709551615"), Some(u64::MAX));
        for text in
            ["", "00", "01", "+1", "-1", " 1", "1 ", "1a", "\u{0661}", "18446744073709551616"]
        {
            assert_eq!(parse_decimal(text), None, "{text:?}");
        }
    }
}
