//! The key by which somebody logs in: drawn by its holder, whose vault knows the public half alone.
//! Never printed but into the file that its holder keeps, and wiped when it goes.
//! A public key that would accept other people's signatures is refused before it is kept.

use ed25519_dalek::VerifyingKey;
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::secret::{KEY_BYTES, Secret};
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
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 2 * KEY_BYTES));
        text.push_str(PREFIX);
        for byte in self.seed.expose() {
            for half in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(half), 16).expect("half a byte is a digit"));
            }
        }
        text
    }

    /// Reads the one form that [`LogInKey::to_text`] writes.
    ///
    /// # Errors
    /// [`KeyError::LogInKey`].
    pub fn parse(text: &str) -> Result<LogInKey, KeyError> {
        let digits = text.strip_prefix(PREFIX).ok_or(KeyError::LogInKey)?;
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(lower) {
            return Err(KeyError::LogInKey);
        }
        let half = |digit: u8| {
            char::from(digit).to_digit(16).and_then(|half| u8::try_from(half).ok()).unwrap_or(0)
        };
        let seed = Secret::filled(|seed| {
            for (byte, pair) in seed.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
                *byte = half(pair[0]) << 4 | half(pair[1]);
            }
            Ok(())
        })?;
        Ok(LogInKey::of(seed))
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
