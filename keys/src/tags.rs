//! Tags values so that they can be counted or compared without being kept. Never gives the same tag under two keyrings.
//! Every part of a tag's input is preceded by its length.

use crate::derive::{HASH_BYTES, feed_parts, finish, hmac};
use crate::keyring::{Content, Keyring, Place};

impl Keyring {
    /// The tag by which a ledger of limits counts distinct values: the first half of HMAC-SHA256 over both.
    #[must_use]
    pub fn charge_tag(&self, ledger: &[u8], value: &[u8]) -> [u8; 16] {
        let tag = self.tag(Place::Charge, &[ledger, value]);
        *tag.first_chunk().expect("a hash is longer than its half")
    }

    /// The tag by which a repeated request is known to be the same: HMAC-SHA256 over caller and all parts of it.
    #[must_use]
    pub fn idempotency_tag(&self, caller: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let mut machine = hmac(self.content().at(Place::Idempotency).key);
        feed_parts(&mut machine, &[caller]);
        feed_parts(&mut machine, parts);
        finish(machine)
    }

    fn tag(&self, place: Place, parts: &[&[u8]]) -> [u8; HASH_BYTES] {
        let mut machine = hmac(self.content().at(place).key);
        feed_parts(&mut machine, parts);
        finish(machine)
    }
}

/// The tag of a ledger under the keys of a content, in force or about to be.
pub(crate) fn charge_tag_under(content: &Content, ledger: &[u8], value: &[u8]) -> [u8; 16] {
    let mut machine = hmac(content.at(Place::Charge).key);
    feed_parts(&mut machine, &[ledger, value]);
    *finish(machine).first_chunk().expect("a hash is longer than its half")
}

#[cfg(test)]
mod tests {
    use crate::keyring::test_keyring;

    #[test]
    fn charges_differ_by_ledger_and_value() {
        let keyring = test_keyring();
        let tag = keyring.charge_tag(b"ledger", b"value");
        assert_eq!(tag, keyring.charge_tag(b"ledger", b"value"));
        assert_ne!(tag, keyring.charge_tag(b"ledgerv", b"alue"));
        assert_ne!(tag, keyring.charge_tag(b"ledger", b"other"));
        assert_ne!(tag, test_keyring().charge_tag(b"ledger", b"value"));
    }

    #[test]
    fn idempotency_differs_by_caller_and_body() {
        let keyring = test_keyring();
        let tag = keyring.idempotency_tag(b"caller", &[b"way", b"body"]);
        assert_eq!(tag, keyring.idempotency_tag(b"caller", &[b"way", b"body"]));
        assert_ne!(tag, keyring.idempotency_tag(b"callerway", &[b"body"]));
        assert_ne!(tag, keyring.idempotency_tag(b"caller", &[b"wayb", b"ody"]));
        assert_ne!(tag, keyring.idempotency_tag(b"caller", &[b"way", b"other"]));
        let tag = keyring.idempotency_tag(b"caller", &[b"body"]);
        let charge = keyring.charge_tag(b"caller", b"body");
        assert_ne!(tag[..16], charge, "two purposes share a key");
    }
}
