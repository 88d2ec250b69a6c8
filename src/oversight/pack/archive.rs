//! Writes a tar archive (POSIX.1-1988 ustar) of plain files in memory, with the digest of each.
//! Never a path that leads elsewhere, an owner, a mode or a time of this host: the same content gives the same bytes.
//! Names fit into the one field that every reader knows.

use ring::digest::{SHA256, digest};

const BLOCK_BYTES: usize = 512;
const NAME_BYTES_MAX: usize = 100;

/// An archive that is being written.
#[derive(Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    sums: String,
}

impl Archive {
    /// Adds a file, and its line to the list of digests.
    pub(super) fn add(&mut self, name: &str, content: &[u8]) {
        let sum = digest(&SHA256, content);
        let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        self.sums.push_str(&format!("{hex}  {name}\n"));
        self.add_unlisted(name, content);
    }

    /// Adds a file that is not listed: the list itself, and what comes after it.
    pub(super) fn add_unlisted(&mut self, name: &str, content: &[u8]) {
        debug_assert!(name.len() < NAME_BYTES_MAX, "names of a pack are short");
        let mut head = [0; BLOCK_BYTES];
        head[..name.len()].copy_from_slice(name.as_bytes());
        let mut field = |at: usize, text: &str| {
            head[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        field(100, "0000644\0");
        field(108, "0000000\0");
        field(116, "0000000\0");
        field(124, &format!("{:011o}\0", content.len()));
        field(136, "00000000000\0");
        field(148, "        ");
        field(156, "0");
        field(257, "ustar\0");
        field(263, "00");
        let sum: u64 = head.iter().map(|byte| u64::from(*byte)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK_BYTES), 0);
    }

    /// The list of digests so far, as `sha256sum --check` takes it.
    pub(super) fn sums(&self) -> String {
        self.sums.clone()
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 2 * BLOCK_BYTES, 0);
        self.bytes
    }
}
