//! What a write that may be said again is known by: keyed tags of its caller's key, its content and its capture.
//! Never keeps a word of either: without the keyring nobody can tell whether a guess was right.
//! Everything that a repeat must have in common with the first goes into the tag.

use super::Seal;
use crate::access::ActorId;
use crate::records::CaptureId;

/// A write as it was said: by which key, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Stands for the caller's key.
    pub key: [u8; 16],
    /// Stands for everything that was said.
    pub content: [u8; 32],
}

impl Seal {
    /// A write of a caller under a key, with every part that a repeat must have in common with it.
    pub fn said(&self, caller: ActorId, key: &str, parts: &[&[u8]]) -> Said {
        let key = self.keyring.idempotency_tag(caller.as_bytes(), &[b"key", key.as_bytes()]);
        Said { key: half(&key), content: self.content(caller, parts) }
    }

    /// A line of a batch that came under a key.
    pub fn said_in_batch(&self, caller: ActorId, key: &str, line: u32, parts: &[&[u8]]) -> Said {
        let line = line.to_be_bytes();
        let parts_of_key: [&[u8]; 3] = [b"line", key.as_bytes(), &line];
        let key = self.keyring.idempotency_tag(caller.as_bytes(), &parts_of_key);
        Said { key: half(&key), content: self.content(caller, parts) }
    }

    /// What stands for a capture of a caller.
    pub fn capture_tag(&self, caller: ActorId, capture: CaptureId) -> [u8; 16] {
        let parts: [&[u8]; 2] = [b"capture", capture.as_bytes()];
        half(&self.keyring.idempotency_tag(caller.as_bytes(), &parts))
    }

    fn content(&self, caller: ActorId, parts: &[&[u8]]) -> [u8; 32] {
        let label: [&[u8]; 1] = [b"said"];
        self.keyring.idempotency_tag(caller.as_bytes(), &[&label, parts].concat())
    }
}

fn half(tag: &[u8; 32]) -> [u8; 16] {
    *tag.first_chunk().expect("a tag is longer than its half")
}
