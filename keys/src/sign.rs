//! Signs checkpoints of the log and tokens with Ed25519 (RFC 8032). Never gives a private key away.
//! Log and tokens have keys of their own, so that no signature of one serves for the other.

use ed25519_dalek::{Signer as _, SigningKey};

use crate::keyring::{Keyring, Place};
use crate::secret::KEY_BYTES;

/// A private Ed25519 key, wiped on drop.
pub struct Signer(Box<SigningKey>);

impl Signer {
    /// The Ed25519 signature of a message (RFC 8032 section 5.1.6); deterministic.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// The public key (RFC 8032 section 5.1.5).
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    pub(crate) fn from_seed(seed: &[u8; KEY_BYTES]) -> Self {
        Self(Box::new(SigningKey::from_bytes(seed)))
    }
}

impl Keyring {
    /// An own wiping copy of the key that signs the log's checkpoints: the former one, while another one signs beside it.
    #[must_use]
    pub fn log_signer(&self) -> Signer {
        self.log_signers().0
    }

    /// The same, and that of the next one, where one was drawn: then both sign.
    #[must_use]
    pub fn log_signers(&self) -> (Signer, Option<Signer>) {
        let content = self.content();
        let next = content.next_of(Place::LogSeed).map(|next| Signer::from_seed(next.key));
        (Signer::from_seed(content.at(Place::LogSeed).key), next)
    }

    /// An own wiping copy of the key that signs tokens: the next one, where one was drawn.
    #[must_use]
    pub fn token_signer(&self) -> Signer {
        Signer::from_seed(self.content().newest(Place::TokenSeed).key)
    }

    /// The public key of the one that signed tokens before, where it is not destroyed yet.
    #[must_use]
    pub fn former_token_key(&self) -> Option<[u8; 32]> {
        let content = self.content();
        let former = content.next_of(Place::TokenSeed).map(|_| content.at(Place::TokenSeed).key);
        former.map(|seed| Signer::from_seed(seed).public_key())
    }
}

#[cfg(test)]
mod tests {
    use crate::error::KeyError;
    use crate::keyring::test_keyring;
    use crate::verify::verify_signature;

    #[test]
    fn a_signature_verifies_under_its_own_key_alone() {
        let keyring = test_keyring();
        let (log, token) = (keyring.log_signer(), keyring.token_signer());
        let signature = log.sign(b"checkpoint");
        assert_ne!(log.public_key(), token.public_key());
        verify_signature(&log.public_key(), b"checkpoint", &signature).expect("own signature");
        for (key, message) in
            [(log.public_key(), &b"checkpoints"[..]), (token.public_key(), b"checkpoint")]
        {
            assert!(matches!(
                verify_signature(&key, message, &signature),
                Err(KeyError::Signature)
            ));
        }
    }

    #[test]
    fn signers_of_one_keyring_are_the_same_key() {
        let keyring = test_keyring();
        assert_eq!(keyring.log_signer().public_key(), keyring.log_signer().public_key());
    }
}
