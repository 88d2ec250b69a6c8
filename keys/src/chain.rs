//! Tags the frames of the journal, each of which names the one before it. Never gives its key away.
//! A tag is compared in constant time.

use subtle::ConstantTimeEq;

use crate::derive::{HmacSha256, feed_parts, finish, hmac};
use crate::keyring::{Keyring, Place};

/// The journal's key, ready for use and wiped on drop. It belongs to the thread that writes or replays the journal.
pub struct ChainKey(Box<HmacSha256>);

impl ChainKey {
    /// `HMAC-SHA256(chain key, (len(part) u64 || part)*)` (RFC 2104), so that no two lists of parts share a tag.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut machine = (*self.0).clone();
        feed_parts(&mut machine, parts);
        finish(machine)
    }

    /// Whether `tag` is the tag of `parts`, compared in constant time.
    #[must_use]
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8; 32]) -> bool {
        self.tag(parts).ct_eq(tag).into()
    }
}

impl Keyring {
    /// An own wiping copy of the journal's chain key.
    #[must_use]
    pub fn chain(&self) -> ChainKey {
        ChainKey(Box::new(hmac(self.content().at(Place::Chain).key)))
    }
}

#[cfg(test)]
mod tests {
    use crate::keyring::test_keyring;

    #[test]
    fn a_tag_covers_every_bit_of_every_part() {
        let chain = test_keyring().chain();
        let tag = chain.tag(&[b"previous", b"frame"]);
        assert!(chain.verify(&[b"previous", b"frame"], &tag));
        assert!(!chain.verify(&[b"previous", b"frames"], &tag));
        assert!(!chain.verify(&[b"previousf", b"rame"], &tag));
        assert!(!chain.verify(&[b"previous", b"frame", b""], &tag));
        for bit in 0..256 {
            let mut altered = tag;
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(!chain.verify(&[b"previous", b"frame"], &altered));
        }
    }

    #[test]
    fn copies_of_one_keyring_agree_and_others_do_not() {
        let keyring = test_keyring();
        let tag = keyring.chain().tag(&[b"frame"]);
        assert!(keyring.chain().verify(&[b"frame"], &tag));
        assert!(!test_keyring().chain().verify(&[b"frame"], &tag));
    }
}
