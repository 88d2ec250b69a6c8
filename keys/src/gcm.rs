//! Encrypts and decrypts a buffer in place with AES-256-GCM. Never draws a nonce and never gives out unauthenticated bytes.
//! The caller guarantees that a pair of key and nonce encrypts once.

use aes::Aes256Enc;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{AesGcm, Key, Nonce, Tag};

use crate::error::KeyError;
use crate::secret::KEY_BYTES;

/// GCM runs AES forwards alone, so the keys of the other direction are never made.
type Aes256Gcm = AesGcm<Aes256Enc, U12>;

/// Length of the nonce, in bytes (NIST SP 800-38D section 5.2.1.1, the recommended 96 bits).
pub(crate) const NONCE_BYTES: usize = 12;

/// Length of the tag, in bytes.
pub(crate) const TAG_BYTES: usize = 16;

/// Encrypts `buffer` in place and gives the tag over it and `associated`.
pub(crate) fn encrypt(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    associated: &[u8],
    buffer: &mut [u8],
) -> Result<[u8; TAG_BYTES], KeyError> {
    let tag = Aes256Gcm::new(<&Key<Aes256Gcm>>::from(key))
        .encrypt_inout_detached(<&Nonce<_>>::from(nonce), associated, buffer.into())
        .map_err(|_| KeyError::PlainTooLong)?;
    Ok(tag.into())
}

/// Checks the tag and only then decrypts `buffer` in place.
///
/// # Errors
/// [`KeyError::Unauthentic`] when the tag does not match; `buffer` still holds the ciphertext then.
pub(crate) fn decrypt(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    associated: &[u8],
    buffer: &mut [u8],
    tag: &[u8; TAG_BYTES],
) -> Result<(), KeyError> {
    Aes256Gcm::new(<&Key<Aes256Gcm>>::from(key))
        .decrypt_inout_detached(
            <&Nonce<_>>::from(nonce),
            associated,
            buffer.into(),
            <&Tag>::from(tag),
        )
        .map_err(|_| KeyError::Unauthentic)
}
