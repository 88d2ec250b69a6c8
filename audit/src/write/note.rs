//! Writes signed checkpoints and reads back the writer's own.
//! Never accepts a checkpoint that it would not have written byte for byte: others' notes are the verifier's to parse.
//! A checkpoint is signed only after everything it covers is on disk.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::tree::Hash;
use crate::constants::{HASH_BYTES, LOG_SIGNATURES_MAX, NOTE_TYPE_ED25519, ORIGIN_BYTES_MAX};

/// Signs checkpoints with the log's Ed25519 key, which this crate never sees.
pub trait NoteSigner: Send {
    /// Name of the key: the log's origin.
    fn key_name(&self) -> &str;
    /// Public key, as RFC 8032 encodes it.
    fn public_key(&self) -> [u8; 32];
    /// Ed25519 signature (RFC 8032) over `message`.
    fn sign(&self, message: &[u8]) -> [u8; 64];
    /// The key that is to follow this one, for the time that both sign.
    fn next(&self) -> Option<&dyn NoteSigner> {
        None
    }
}

/// The state of a log that a checkpoint states: this many entries have this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the Merkle tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed (c2sp.org/tlog-checkpoint).
    pub(super) fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// The note: the text, a blank line and a signature line of each key that signs.
    pub(super) fn sign(&self, signer: &dyn NoteSigner) -> String {
        let text = self.text();
        let payload = |signer: &dyn NoteSigner| {
            let id = key_id(&self.origin, &signer.public_key());
            [id.as_slice(), &signer.sign(text.as_bytes())].concat()
        };
        let mut payloads = vec![payload(signer)];
        payloads.extend(signer.next().map(payload));
        self.note(&payloads)
    }

    fn note(&self, payloads: &[Vec<u8>]) -> String {
        let line = |payload| format!("\u{2014} {} {}\n", self.origin, STANDARD.encode(payload));
        let lines: String = payloads.iter().map(line).collect();
        format!("{}\n{lines}", self.text())
    }

    /// Reads the three lines of a checkpoint, without judging its signature. `None` if they are not there.
    pub(super) fn parse(note: &str) -> Option<Checkpoint> {
        let mut lines = note.split('\n');
        let origin = lines.next()?.to_owned();
        let size = lines.next()?.parse().ok()?;
        let root: [u8; HASH_BYTES] = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        let checkpoint = Checkpoint { origin, size, root };
        note.starts_with(&checkpoint.text()).then_some(checkpoint)
    }

    /// Reads a note that the holder of one of these keys wrote through this module. `None` for anything else. Beside it the key
    /// before or behind it may have signed, which need not be known any more or yet.
    pub(super) fn open(note: &str, public_keys: &[[u8; 32]]) -> Option<Checkpoint> {
        let checkpoint = Checkpoint::parse(note)?;
        let lines = note.strip_prefix(&checkpoint.text())?.strip_prefix('\n')?;
        let payloads: Option<Vec<Vec<u8>>> = lines
            .split_inclusive('\n')
            .map(|line| STANDARD.decode(line.strip_suffix('\n')?.rsplit(' ').next()?).ok())
            .collect();
        let payloads = payloads.filter(|payloads| payloads.len() <= LOG_SIGNATURES_MAX)?;
        // Written anew and compared, so that nothing but the signatures themselves is taken from the file.
        if checkpoint.note(&payloads) != note {
            return None;
        }
        let mut known = 0;
        for payload in &payloads {
            let (id, signature) = payload.split_first_chunk::<4>()?;
            let is_its = |key: &&[u8; 32]| key_id(&checkpoint.origin, key) == *id;
            if let Some(key) = public_keys.iter().find(is_its) {
                if !checkpoint.signature_holds(key, signature) {
                    return None;
                }
                known += 1;
            }
        }
        (known > 0).then_some(checkpoint)
    }

    fn signature_holds(&self, public_key: &[u8; 32], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, public_key)
            .verify(self.text().as_bytes(), signature)
            .is_ok()
    }
}

/// Reads a checkpoint that somebody kept, without judging its signatures: for who wrote it itself and holds it against the log.
#[must_use]
pub fn kept_checkpoint(note: &str) -> Option<Checkpoint> {
    Checkpoint::parse(note)
}

/// Whether `name` can name a log and its key: no space, control character or plus, not empty, not too long.
pub(super) fn is_key_name(name: &str) -> bool {
    let plain = |letter: char| !letter.is_whitespace() && !letter.is_control() && letter != '+';
    !name.is_empty() && name.len() <= ORIGIN_BYTES_MAX && name.chars().all(plain)
}

/// Key id: the first four bytes of SHA-256(name || LF || type || public key) (c2sp.org/signed-note).
fn key_id(name: &str, public_key: &[u8; 32]) -> [u8; 4] {
    let mut bytes = name.as_bytes().to_vec();
    bytes.extend_from_slice(&[b'\n', NOTE_TYPE_ED25519]);
    bytes.extend_from_slice(public_key);
    let hash = digest(&SHA256, &bytes);
    hash.as_ref()[..4].try_into().expect("a hash has four bytes")
}

/// The verifier key that auditors are given: `name+<key id in hex>+<base64 of type and public key>`.
#[must_use]
pub fn verifier_key(name: &str, public_key: &[u8; 32]) -> String {
    let id = u32::from_be_bytes(key_id(name, public_key));
    let mut encoded = vec![NOTE_TYPE_ED25519];
    encoded.extend_from_slice(public_key);
    format!("{name}+{id:08x}+{}", STANDARD.encode(encoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verifier key of the example in the specification of signed notes.
    const EXAMPLE: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

    fn example_key() -> [u8; 32] {
        let encoded = EXAMPLE.rsplit('+').next().expect("three parts");
        STANDARD.decode(encoded).expect("base64")[1..].try_into().expect("32 bytes")
    }

    #[test]
    fn verifier_key_of_the_specification_is_made_again() {
        assert_eq!(verifier_key("example.com/foo", &example_key()), EXAMPLE);
        assert_eq!(key_id("example.com/foo", &example_key()), [0x53, 0x0d, 0x90, 0x3a]);
    }

    #[test]
    fn names_with_spaces_or_plus_are_not_key_names() {
        for name in ["", "a b", "a+b", "a\u{3000}b", "a\nb", "a\0b"] {
            assert!(!is_key_name(name), "{name:?}");
        }
        assert!(is_key_name("vault.example/log"));
        assert!(is_key_name(&"a".repeat(ORIGIN_BYTES_MAX)));
        assert!(!is_key_name(&"a".repeat(ORIGIN_BYTES_MAX + 1)));
    }

    #[test]
    fn text_that_would_be_written_otherwise_is_not_read() {
        let root = STANDARD.encode([0; 32]);
        assert!(Checkpoint::parse(&format!("a\n7\n{root}\n")).is_some());
        for size in ["07", "+7", " 7", "7\r", "-1", "18446744073709551616"] {
            assert!(Checkpoint::parse(&format!("a\n{size}\n{root}\n")).is_none(), "{size:?}");
        }
    }
}
