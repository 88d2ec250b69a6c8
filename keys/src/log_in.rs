//! The key by which somebody logs in: drawn by its holder, whose vault knows the public half alone.
//! Never printed but into the file that its holder keeps, and wiped when it goes.
//! A public key that would accept other people's signatures is refused before it is kept.

use ed25519_dalek::VerifyingKey;
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::hex::{hex, unhex};
use crate::secret::Secret;
use crate::sign::Signer;

const PREFIX: &str = "gridvault-log-in-1-";

/// A private Ed25519 key of one who logs in.
pub struct LogInKey {
    seed: Secret,
    signer: Signer,
}

impl LogInKey {
    /// Draws one.
    ///
    /// # Errors
    /// [`KeyError::Randomness`].
    pub fn draw() -> Result<LogInKey, KeyError> {
        Ok(LogInKey::of(Secret::random()?))
    }

    fn of(seed: Secret) -> LogInKey {
        let signer = Signer::from_seed(seed.expose());
        LogInKey { seed, signer }
    }

    /// One line for the file of its holder.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let digits = hex(self.seed.expose());
        // The buffer has its final capacity, so no part of the secret is left behind by a reallocation.
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + digits.len()));
        text.push_str(PREFIX);
        text.push_str(&digits);
        text
    }

    /// Reads the one form that [`LogInKey::to_text`] writes.
    ///
    /// # Errors
    /// [`KeyError::LogInKey`].
    pub fn parse(text: &str) -> Result<LogInKey, KeyError> {
        let seed = text.strip_prefix(PREFIX).and_then(unhex).ok_or(KeyError::LogInKey)?;
        Ok(LogInKey::of(Secret::copy_of(&seed)))
    }

    /// The public key, for the vault.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.signer.public_key()
    }

    /// The Ed25519 signature of a message (RFC 8032 section 5.1.6).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signer.sign(message)
    }
}

/// Whether 32 bytes are a public key under which only its holder's signatures hold: a point of the curve, and none of small order.
#[must_use]
pub fn is_public_key(bytes: &[u8; 32]) -> bool {
    VerifyingKey::from_bytes(bytes).is_ok_and(|key| !key.is_weak())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::verify_signature;

    #[test]
    fn a_key_reads_back_from_its_one_text_and_signs_the_same() {
        let key = LogInKey::draw().expect("randomness");
        let again = LogInKey::parse(&key.to_text()).expect("own text");
        assert_eq!(again.public_key(), key.public_key());
        let signature = again.sign(b"log me in");
        verify_signature(&key.public_key(), b"log me in", &signature).expect("its own");
        assert!(verify_signature(&key.public_key(), b"another", &signature).is_err());
        let text = key.to_text();
        for wrong in ["", PREFIX, &text[1..], &text[..text.len() - 1], &text.to_uppercase()] {
            assert!(matches!(LogInKey::parse(wrong), Err(KeyError::LogInKey)), "{wrong}");
        }
        let longer = format!("{}0", text.as_str());
        assert!(LogInKey::parse(&longer).is_err());
    }

    #[test]
    fn a_point_of_small_order_and_what_is_no_point_are_no_public_keys() {
        assert!(is_public_key(&LogInKey::draw().expect("randomness").public_key()));
        let mut identity = [0; 32];
        identity[0] = 1;
        // y = 2 is on no point of the curve.
        let mut none = [0; 32];
        none[0] = 2;
        for wrong in [[0; 32], identity, none] {
            assert!(!is_public_key(&wrong), "{wrong:?}");
        }
    }
}
