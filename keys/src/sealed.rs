//! Seals bytes under a long-lived key and opens them again: the one form of every sealed object. Never gives a long-lived
//! key to the cipher and never tries keys in turn. Every seal draws a fresh salt, so every derived key encrypts once.
//!
//! ```text
//! sealed = format u8 | suite u8 | kind u8 | key id u64 | salt 16 | commitment 16 | ciphertext | tag 16
//! key 32 || commitment 16 = HKDF-SHA256(long-lived key, salt, label || len(header) || header || len(context) || context)
//! ciphertext || tag = AES-256-GCM(key, nonce 0, len(header) || header || len(associated) || associated, plain text)
//! header = format || suite || kind || key id; numbers are big-endian, lengths have 32 bits
//! ```

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::derive::{hkdf, join, length_prefix};
use crate::error::KeyError;
use crate::gcm::{self, NONCE_BYTES, TAG_BYTES};
use crate::kept::KeptKeys;
use crate::limits::{ASSOCIATED_BYTES_MAX, PLAIN_BYTES_MAX};
use crate::secret::{KEY_BYTES, random_array};
use crate::suite::Suite;

/// The only format of sealed objects so far.
const FORMAT: u8 = 1;
pub(crate) const HEADER_BYTES: usize = 11;
pub(crate) const SALT_BYTES: usize = 16;
const COMMITMENT_BYTES: usize = 16;
/// What is derived for one object: its key, then the value that commits to it.
pub(crate) const DERIVED_BYTES: usize = KEY_BYTES + COMMITMENT_BYTES;
const SALT_END: usize = HEADER_BYTES + SALT_BYTES;
const COMMITMENT_END: usize = SALT_END + COMMITMENT_BYTES;
const LABEL: &[u8] = b"gridvault/sealed/v1";

/// The nonce never changes, because the key does: each is derived from a fresh salt and encrypts once.
const NONCE: [u8; NONCE_BYTES] = [0; NONCE_BYTES];

/// What sealing adds to the length of the plain text, in bytes.
pub const SEALED_OVERHEAD_BYTES: usize = COMMITMENT_END + TAG_BYTES;

/// What kind of long-lived key seals an object. Two kinds never share a derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// The stretched passphrase over the root key.
    Passphrase,
    /// The key file over the root key.
    KeyFile,
    /// The root key over a keyring slot.
    Root,
    /// A subject bucket's key over a subject key.
    SubjectBucket,
    /// A subject key over a section.
    Subject,
    /// The header key over decision attributes.
    Header,
    /// The key of one actor and month over context.
    Context,
    /// The key that is split into shares over the root key.
    Shares,
    /// The key that a token wraps, over the root key.
    Pkcs11,
    /// The root key over the one that is to follow it, on its way to the process.
    RootHandover,
}

impl KeyKind {
    const fn code(self) -> u8 {
        match self {
            Self::Passphrase => 1,
            Self::KeyFile => 2,
            Self::Root => 3,
            Self::SubjectBucket => 4,
            Self::Subject => 5,
            Self::Header => 6,
            Self::Context => 7,
            Self::Shares => 8,
            Self::Pkcs11 => 9,
            Self::RootHandover => 10,
        }
    }
}

/// A long-lived key with the name it has in sealed objects and the context that its derivation binds.
pub(crate) struct SealingKey<'a> {
    pub(crate) kind: KeyKind,
    pub(crate) id: u64,
    pub(crate) key: &'a [u8; KEY_BYTES],
    pub(crate) context: &'a [u8],
}

impl SealingKey<'_> {
    /// Seals `plain` under a key derived for this one object, and authenticates `associated` with it.
    ///
    /// # Errors
    /// [`KeyError::PlainTooLong`], [`KeyError::AssociatedTooLong`], [`KeyError::Randomness`].
    pub(crate) fn seal(&self, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.seal_with_salt(&random_array()?, &bind(&self.header(), associated)?, plain)
    }

    /// The same with what [`bind`] gives for the associated data.
    ///
    /// # Errors
    /// [`KeyError::PlainTooLong`], [`KeyError::Randomness`].
    pub(crate) fn seal_bound(&self, bound: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.seal_with_salt(&random_array()?, bound, plain)
    }

    /// Seals with a given salt: fixtures need it, and nothing else may call it twice with one salt.
    fn seal_with_salt(
        &self,
        salt: &[u8; SALT_BYTES],
        bound: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        if plain.len() > PLAIN_BYTES_MAX {
            return Err(KeyError::PlainTooLong);
        }
        let header = self.header();
        let derived = self.derive(&header, salt);

        // The buffer has its final capacity, so plain text is never left behind by a reallocation.
        let mut sealed = Zeroizing::new(Vec::with_capacity(SEALED_OVERHEAD_BYTES + plain.len()));
        sealed.extend_from_slice(&header);
        sealed.extend_from_slice(salt);
        sealed.extend_from_slice(derived.commitment());
        sealed.extend_from_slice(plain);
        let tag = gcm::encrypt(derived.key(), &NONCE, bound, &mut sealed[COMMITMENT_END..])?;
        sealed.extend_from_slice(&tag);
        Ok(std::mem::take(&mut *sealed))
    }

    /// Opens an object that this very key sealed, with the same context and associated data.
    ///
    /// # Errors
    /// In the order of the checks: [`KeyError::SealedTooShort`], [`KeyError::SealedTooLong`], [`KeyError::SealedFormat`],
    /// [`KeyError::UnknownSuite`] or [`KeyError::UnsupportedSuite`], [`KeyError::WrongKeyKind`], [`KeyError::WrongKeyId`],
    /// [`KeyError::AssociatedTooLong`], [`KeyError::Commitment`] and [`KeyError::Unauthentic`].
    pub(crate) fn open(
        &self,
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let header = self.header();
        let parts = self.parts(sealed)?;
        let bound = bind(&header, associated)?;
        open_parts(&parts, &bound, &self.derive(&header, parts.salt))
    }

    /// The same with keys at hand that this very key derived before, and with what [`bind`] gives for the associated data.
    /// What opens is kept among them, and nothing else is. `context` is called where nothing is kept for the object: it
    /// goes into the derivation alone, and stands in the place of the key's own.
    ///
    /// # Errors
    /// As [`SealingKey::open`]; another place may be [`KeyError::Unauthentic`] where it would be [`KeyError::Commitment`].
    pub(crate) fn open_with(
        &self,
        kept: &KeptKeys,
        context: impl FnOnce() -> Vec<u8>,
        bound: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let parts = self.parts(sealed)?;
        if let Some(derived) = kept.find(parts.salt) {
            return open_parts(&parts, bound, &Derived(derived));
        }
        let key = SealingKey { context: &context(), ..*self };
        let derived = key.derive(&self.header(), parts.salt);
        let plain = open_parts(&parts, bound, &derived)?;
        kept.keep(parts.salt, &derived.0);
        Ok(plain)
    }

    /// The fields of an object that names this key.
    fn parts<'a>(&self, sealed: &'a [u8]) -> Result<Parts<'a>, KeyError> {
        let parts = Parts::parse(sealed)?;
        if parts.kind != self.kind.code() {
            return Err(KeyError::WrongKeyKind);
        }
        if parts.key_id != self.id {
            return Err(KeyError::WrongKeyId);
        }
        Ok(parts)
    }

    /// Format, suite, kind and id: what every object of this key begins with.
    pub(crate) fn header(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[0] = FORMAT;
        header[1] = Suite::Aes256GcmSha256Ed25519.code();
        header[2] = self.kind.code();
        header[3..].copy_from_slice(&self.id.to_be_bytes());
        header
    }

    fn derive(&self, header: &[u8; HEADER_BYTES], salt: &[u8; SALT_BYTES]) -> Derived {
        let mut derived = Derived(Zeroizing::new([0; DERIVED_BYTES]));
        let info =
            [LABEL, &length_prefix(header), header, &length_prefix(self.context), self.context];
        hkdf(self.key, salt, &info, &mut *derived.0);
        derived
    }
}

/// The key id that a sealed object names, when the key is chosen by it. Not authenticated until the object opens.
///
/// # Errors
/// As [`SealingKey::open`] up to the key's kind.
pub(crate) fn key_id(kind: KeyKind, sealed: &[u8]) -> Result<u64, KeyError> {
    let parts = Parts::parse(sealed)?;
    if parts.kind != kind.code() {
        return Err(KeyError::WrongKeyKind);
    }
    Ok(parts.key_id)
}

/// A key that seals once, beside the value that commits to it.
struct Derived(Zeroizing<[u8; DERIVED_BYTES]>);

impl Derived {
    fn key(&self) -> &[u8; KEY_BYTES] {
        self.0.first_chunk().expect("the derived bytes begin with the key")
    }

    fn commitment(&self) -> &[u8; COMMITMENT_BYTES] {
        self.0.last_chunk().expect("the derived bytes end with the commitment")
    }
}

/// The fields of a sealed object, its format and suite already checked.
struct Parts<'a> {
    kind: u8,
    key_id: u64,
    salt: &'a [u8; SALT_BYTES],
    commitment: &'a [u8; COMMITMENT_BYTES],
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG_BYTES],
}

impl<'a> Parts<'a> {
    fn parse(sealed: &'a [u8]) -> Result<Self, KeyError> {
        if sealed.len() > SEALED_OVERHEAD_BYTES + PLAIN_BYTES_MAX {
            return Err(KeyError::SealedTooLong);
        }
        let short = KeyError::SealedTooShort;
        let Some((&[format, suite, kind], rest)) = sealed.split_first_chunk() else {
            return Err(short);
        };
        let Some((key_id, rest)) = rest.split_first_chunk() else {
            return Err(short);
        };
        let Some((salt, rest)) = rest.split_first_chunk() else {
            return Err(short);
        };
        let Some((commitment, rest)) = rest.split_first_chunk() else {
            return Err(short);
        };
        let Some((ciphertext, tag)) = rest.split_last_chunk() else {
            return Err(short);
        };
        if format != FORMAT {
            return Err(KeyError::SealedFormat { format });
        }
        Suite::try_from(suite)?;
        Ok(Self { kind, key_id: u64::from_be_bytes(*key_id), salt, commitment, ciphertext, tag })
    }
}

/// Opens what was taken apart with what was derived for it.
fn open_parts(
    parts: &Parts<'_>,
    bound: &[u8],
    derived: &Derived,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // GCM does not commit to its key: without this check one object could open under two keys.
    if !bool::from(derived.commitment().ct_eq(parts.commitment)) {
        return Err(KeyError::Commitment);
    }
    let mut plain = Zeroizing::new(parts.ciphertext.to_vec());
    gcm::decrypt(derived.key(), &NONCE, bound, &mut plain, parts.tag)?;
    Ok(plain)
}

/// What the tag covers beside the ciphertext.
fn bind(header: &[u8; HEADER_BYTES], associated: &[u8]) -> Result<Vec<u8>, KeyError> {
    if associated.len() > ASSOCIATED_BYTES_MAX {
        return Err(KeyError::AssociatedTooLong);
    }
    Ok(join(&[header, associated]))
}

#[cfg(test)]
mod tests;
