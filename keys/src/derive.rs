//! Derives keys with HKDF and tags with HMAC, both over SHA-256, and joins fields so that they cannot run together.
//! Never chooses a key and never keeps one. Every field of a derivation or a tag is preceded by its length.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

use crate::error::KeyError;
use crate::secret::{KEY_BYTES, Secret};

/// Length of a SHA-256 value, in bytes.
pub(crate) const HASH_BYTES: usize = 32;

/// Most bytes that HKDF-SHA256 can give: 255 blocks (RFC 5869 section 2.3).
const OUTPUT_BYTES_MAX: usize = 255 * HASH_BYTES;

/// A keyed HMAC-SHA256 that wipes its state.
pub(crate) type HmacSha256 = Hmac<Sha256>;

/// `out = HKDF-SHA256(ikm, salt, info)` (RFC 5869), with `info` given in parts that are simply joined.
///
/// # Panics
/// When more than 255 blocks are asked for; every caller asks for a constant number of bytes.
pub(crate) fn hkdf(ikm: &[u8], salt: &[u8], info: &[&[u8]], out: &mut [u8]) {
    assert!(out.len() <= OUTPUT_BYTES_MAX);
    Hkdf::<Sha256>::new(Some(salt), ikm)
        .expand_multi_info(info, out)
        .expect("the length was just checked against HKDF's limit");
}

/// A key of its own for each `(label, context)` under one parent: `HKDF-SHA256(parent, no salt, label || len(context) || context)`.
pub(crate) fn child_key(
    parent: &[u8; KEY_BYTES],
    label: &str,
    context: &[u8],
) -> Result<Secret, KeyError> {
    let length = length_prefix(context);
    Secret::filled(|key| {
        hkdf(parent, &[], &[label.as_bytes(), &length, context], key);
        Ok(())
    })
}

/// The HMAC-SHA256 machine of a key (RFC 2104); any key length is accepted.
pub(crate) fn hmac(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC accepts keys of any length")
}

/// Feeds each part with its length before it, so that no two lists of parts feed the same bytes.
pub(crate) fn feed_parts(machine: &mut HmacSha256, parts: &[&[u8]]) {
    for part in parts {
        machine.update(&u64::try_from(part.len()).expect("a length fits 64 bits").to_be_bytes());
        machine.update(part);
    }
}

/// Takes the finished tag out of the machine.
pub(crate) fn finish(machine: HmacSha256) -> [u8; HASH_BYTES] {
    let mut output = machine.finalize().into_bytes();
    let mut tag = [0; HASH_BYTES];
    tag.copy_from_slice(&output);
    output.zeroize();
    tag
}

/// The length that precedes a field, in 32 bits. All fields here are far below 4 GiB, because the limits say so.
pub(crate) fn length_prefix(field: &[u8]) -> [u8; 4] {
    length_of(field.len())
}

/// The same for a field that is not written yet.
pub(crate) fn length_of(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).expect("fields are held against limits below 4 GiB").to_be_bytes()
}

/// Joins fields to one encoding, each preceded by its length: equal encodings mean equal fields.
pub(crate) fn join(fields: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(joined_bytes(fields));
    join_onto(&mut joined, fields);
    joined
}

/// The length of an encoding, in bytes.
pub(crate) fn joined_bytes(fields: &[&[u8]]) -> usize {
    fields.iter().map(|field| 4 + field.len()).sum()
}

/// Appends an encoding.
pub(crate) fn join_onto(joined: &mut Vec<u8>, fields: &[&[u8]]) {
    for field in fields {
        joined.extend_from_slice(&length_prefix(field));
        joined.extend_from_slice(field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_fields_cannot_run_together() {
        assert_ne!(join(&[b"ab", b"c"]), join(&[b"a", b"bc"]));
        assert_ne!(join(&[b"a"]), join(&[b"a", b""]));
        assert_eq!(join(&[b"a", b""]), [0, 0, 0, 1, b'a', 0, 0, 0, 0]);
    }

    #[test]
    fn tagged_parts_cannot_run_together() {
        let tag = |parts: &[&[u8]]| {
            let mut machine = hmac(b"a test key");
            feed_parts(&mut machine, parts);
            finish(machine)
        };
        assert_ne!(tag(&[b"ab", b"c"]), tag(&[b"a", b"bc"]));
        assert_ne!(tag(&[b"a"]), tag(&[b"a", b""]));
        assert_eq!(tag(&[b"a", b"b"]), tag(&[b"a", b"b"]));
    }

    #[test]
    fn child_keys_differ_by_label_and_context() {
        let parent = [1; KEY_BYTES];
        let key = |label, context: &[u8]| {
            *child_key(&parent, label, context).expect("derivation cannot fail").expose()
        };
        assert_ne!(key("one", b"c"), key("two", b"c"));
        assert_ne!(key("one", b"c"), key("one", b"d"));
        assert_eq!(key("one", b"c"), key("one", b"c"));
    }
}
