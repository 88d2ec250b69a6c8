//! Verifies Ed25519 signatures with ring. Never needs a secret.
//! A signature that is not canonical is refused, so nobody can change one that is kept.

use ring::signature::{ED25519, UnparsedPublicKey};

use crate::error::KeyError;

/// Whether `signature` is one by `public_key` over `message` (RFC 8032 section 5.1.7).
///
/// # Errors
/// [`KeyError::Signature`], whatever the reason: wrong length, wrong key, wrong message, not canonical.
pub fn verify_signature(
    public_key: &[u8; 32],
    message: &[u8],
    signature: &[u8],
) -> Result<(), KeyError> {
    UnparsedPublicKey::new(&ED25519, public_key)
        .verify(message, signature)
        .map_err(|_| KeyError::Signature)
}
