//! Holds the ways to the root key: an envelope for each, and the file of all envelopes. Never holds a root key in clear.
//! The parameters of an envelope are authenticated and bounded before they cost any work.
//!
//! ```text
//! file     = "GVUNLOCK" | format u8 | count u8 | count × (length u16 | envelope)
//! envelope = format u8 | provider u8 | envelope id 16 | root key id u64 | parameters | sealed root key
//! passphrase parameters = memory KiB u32 | passes u32 | lanes u32 | Argon2id salt 16; a key file has none
//! parameters of shares  = how many open u8 | how many there are u8
//! parameters of a token = serial number 16, filled up with blanks | CKA_ID of its key 16 | IV 12 | wrapped key 48
//! ```
//! All that precedes the sealed root key is its associated data.

mod file;
mod former;
mod key_file;
mod passphrase;
mod pkcs11;
mod shares;

use zeroize::Zeroizing;

pub use file::UnlockFile;
#[cfg(test)]
pub(crate) use file::decode as decode_unlock_file;
pub use key_file::{DemoOnly, KeyFile};
pub use passphrase::{ArgonCost, Passphrase};
pub use pkcs11::{Pin, Pkcs11Key, Pkcs11Module};
pub use shares::{Share, SharePlan};

use crate::error::KeyError;
use crate::limits::ENVELOPE_BYTES_MAX;
use crate::root::RootKey;
use crate::sealed::{KeyKind, SEALED_OVERHEAD_BYTES, SealingKey};
use crate::secret::{KEY_BYTES, Secret, random_array};
use passphrase::{ARGON_SALT_BYTES, stretch};
use pkcs11::Wrapped;

const FORMAT: u8 = 1;
const ID_BYTES: usize = 16;
const SEALED_ROOT_BYTES: usize = SEALED_OVERHEAD_BYTES + KEY_BYTES;

/// What opens an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// A passphrase, stretched with Argon2id at this cost.
    Passphrase(ArgonCost),
    /// A key file in clear, for demonstrations alone.
    KeyFile,
    /// So many shares of a set.
    Shares(SharePlan),
    /// A key in a PKCS#11 token, which asks for a PIN.
    Pkcs11(Pkcs11Key),
}

/// The root key, sealed for one way to unlock it. Holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    id: [u8; ID_BYTES],
    root_key_id: u64,
    way: Way,
    sealed_root: [u8; SEALED_ROOT_BYTES],
}

/// A provider with the parameters that it needs again at opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Passphrase { cost: ArgonCost, salt: [u8; ARGON_SALT_BYTES] },
    KeyFile,
    Shares { plan: SharePlan },
    Pkcs11 { wrapped: Wrapped },
}

const PASSPHRASE_CODE: u8 = 1;
const KEY_FILE_CODE: u8 = 2;
const SHARES_CODE: u8 = 3;
const PKCS11_CODE: u8 = 4;

impl Envelope {
    /// Seals the root key under a passphrase, stretched with Argon2id (RFC 9106, version 1.3).
    ///
    /// # Errors
    /// [`KeyError::ArgonMemory`], [`KeyError::ArgonPasses`], [`KeyError::ArgonLanes`] before any work,
    /// [`KeyError::ArgonMemoryUnavailable`], [`KeyError::Randomness`].
    pub fn seal_with_passphrase(
        root: &RootKey,
        passphrase: &Passphrase,
        cost: ArgonCost,
    ) -> Result<Self, KeyError> {
        cost.check()?;
        let salt = random_array()?;
        let key = stretch(passphrase, &salt, cost)?;
        Self::seal(root, Way::Passphrase { cost, salt }, &key)
    }

    /// Opens the envelope with the passphrase that sealed it. A wrong passphrase costs the same work as the right one.
    ///
    /// # Errors
    /// [`KeyError::WrongProvider`]; [`KeyError::WrongPassphrase`], also when parameters were altered;
    /// [`KeyError::Unauthentic`] when the passphrase is right but the sealed bytes were altered;
    /// [`KeyError::ArgonMemoryUnavailable`].
    pub fn open_with_passphrase(&self, passphrase: &Passphrase) -> Result<RootKey, KeyError> {
        let Way::Passphrase { cost, salt } = &self.way else {
            return Err(KeyError::WrongProvider);
        };
        let key = stretch(passphrase, salt, *cost)?;
        self.open(&key, KeyError::WrongPassphrase)
    }

    /// Seals the root key under a key file. Whoever reads that file has the vault.
    ///
    /// # Errors
    /// [`KeyError::Randomness`].
    pub fn seal_with_key_file(root: &RootKey, file: &KeyFile) -> Result<Self, KeyError> {
        Self::seal(root, Way::KeyFile, file.secret())
    }

    /// Opens the envelope with the key file that sealed it. The witness keeps this out of every command but the demo's.
    ///
    /// # Errors
    /// [`KeyError::WrongProvider`]; [`KeyError::WrongKeyFile`], also when the envelope's parameters were altered;
    /// [`KeyError::Unauthentic`] when the sealed bytes were altered.
    pub fn open_with_key_file(
        &self,
        file: &KeyFile,
        _witness: DemoOnly,
    ) -> Result<RootKey, KeyError> {
        if self.way != Way::KeyFile {
            return Err(KeyError::WrongProvider);
        }
        self.open(file.secret(), KeyError::WrongKeyFile)
    }

    /// Seals the root key under a fresh key and splits that key. Whoever has as many shares as the plan says has the vault,
    /// whoever has fewer has nothing. Another set has another key: shares of two never go together.
    ///
    /// # Errors
    /// [`KeyError::Randomness`].
    pub fn seal_with_shares(
        root: &RootKey,
        plan: SharePlan,
    ) -> Result<(Self, Vec<Share>), KeyError> {
        let key = Secret::random()?;
        let envelope = Self::seal(root, Way::Shares { plan }, &key)?;
        let shares = shares::split(&key, plan, envelope.root_key_id, envelope.set_id())?;
        Ok((envelope, shares))
    }

    /// Whether a share is one of this envelope's, as far as its head tells.
    ///
    /// # Errors
    /// [`KeyError::WrongProvider`], [`KeyError::ShareOfOtherRoot`], [`KeyError::ShareOfOtherSet`].
    pub fn check_share(&self, share: &Share) -> Result<(), KeyError> {
        let Way::Shares { plan } = self.way else {
            return Err(KeyError::WrongProvider);
        };
        share.check(plan, self.root_key_id, self.set_id())
    }

    /// Opens the envelope with shares of its set, as many as it asks for or more. What they say is tried only when there are
    /// enough of them, so fewer tell nothing.
    ///
    /// # Errors
    /// As [`Envelope::check_share`] for each; [`KeyError::ShareTwice`], [`KeyError::SharesMissing`];
    /// [`KeyError::WrongShares`], also when parameters were altered; [`KeyError::Unauthentic`] when the shares are right but
    /// the sealed bytes were altered.
    pub fn open_with_shares(&self, shares: &[Share]) -> Result<RootKey, KeyError> {
        let Way::Shares { plan } = self.way else {
            return Err(KeyError::WrongProvider);
        };
        for share in shares {
            self.check_share(share)?;
        }
        let key = shares::join(shares, plan)?;
        self.open(&key, KeyError::WrongShares)
    }

    /// Seals the root key under a fresh key, which the token of that label wraps under a new key of its own.
    ///
    /// # Errors
    /// [`KeyError::TokenAbsent`], [`KeyError::TokenTwice`], [`KeyError::WrongPin`], [`KeyError::TokenPinSpent`],
    /// [`KeyError::TokenLocked`], [`KeyError::TokenKeyLoose`], [`KeyError::TokenFailed`], [`KeyError::Randomness`].
    pub fn seal_with_pkcs11(
        root: &RootKey,
        module: &Pkcs11Module,
        label: &str,
        pin: &Pin,
    ) -> Result<Self, KeyError> {
        let key = Secret::random()?;
        let wrapped = module.wrap(label, pin, &key, root.id())?;
        Self::seal(root, Way::Pkcs11 { wrapped }, &key)
    }

    /// Seals the root key under a fresh key, which the token that holds this key wraps under another new key of its own. The
    /// former key stays in the token, and opens what was sealed by it.
    ///
    /// # Errors
    /// As [`Envelope::seal_with_pkcs11`].
    pub fn seal_again_with_pkcs11(
        root: &RootKey,
        module: &Pkcs11Module,
        former: &Pkcs11Key,
        pin: &Pin,
    ) -> Result<Self, KeyError> {
        let key = Secret::random()?;
        let wrapped = module.wrap_again(former, pin, &key, root.id())?;
        Self::seal(root, Way::Pkcs11 { wrapped }, &key)
    }

    /// Opens the envelope with the token that sealed it. The PIN is given to the token once, and not at all where a wrong one
    /// came before.
    ///
    /// # Errors
    /// [`KeyError::WrongProvider`]; those of the token, as [`Envelope::seal_with_pkcs11`] has them, and
    /// [`KeyError::TokenKeyAbsent`]; [`KeyError::WrongToken`] when parameters were altered that the token does not see.
    pub fn open_with_pkcs11(&self, module: &Pkcs11Module, pin: &Pin) -> Result<RootKey, KeyError> {
        let Way::Pkcs11 { wrapped } = &self.way else {
            return Err(KeyError::WrongProvider);
        };
        let key = module.open_wrapped(wrapped, pin, self.root_key_id)?;
        self.open(&key, KeyError::WrongToken)
    }

    /// The name of the set of shares, which stands in each of them: the first half of the envelope's id.
    #[must_use]
    pub fn set_id(&self) -> u64 {
        let id = self.id.first_chunk().expect("an envelope id has 16 bytes");
        u64::from_be_bytes(*id)
    }

    /// The envelope's random id, which audit entries name.
    #[must_use]
    pub fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// The id of the root key inside, as [`RootKey::id`] gives it.
    #[must_use]
    pub fn root_key_id(&self) -> u64 {
        self.root_key_id
    }

    /// What opens this envelope.
    #[must_use]
    pub fn provider(&self) -> Provider {
        match self.way {
            Way::Passphrase { cost, .. } => Provider::Passphrase(cost),
            Way::KeyFile => Provider::KeyFile,
            Way::Shares { plan } => Provider::Shares(plan),
            Way::Pkcs11 { wrapped } => Provider::Pkcs11(wrapped.key),
        }
    }

    fn seal(root: &RootKey, way: Way, key: &Secret) -> Result<Self, KeyError> {
        let mut envelope = Self {
            id: random_array()?,
            root_key_id: root.id(),
            way,
            sealed_root: [0; SEALED_ROOT_BYTES],
        };
        let prefix = envelope.prefix();
        let sealed = envelope.sealing_key(key, &prefix).seal(&prefix, root.expose())?;
        envelope.sealed_root.copy_from_slice(&sealed);
        Ok(envelope)
    }

    fn open(&self, key: &Secret, wrong: KeyError) -> Result<RootKey, KeyError> {
        let prefix = self.prefix();
        let opened = self.sealing_key(key, &prefix).open(&prefix, &self.sealed_root);
        let plain: Zeroizing<Vec<u8>> = match opened {
            Err(KeyError::Commitment) => return Err(wrong),
            other => other?,
        };
        let bytes = plain.as_slice().try_into().map_err(|_| KeyError::ContentShape)?;
        let root = RootKey::from_secret(Secret::copy_of(bytes))?;
        // Only an envelope that was sealed wrongly could disagree with its own content.
        if root.id() != self.root_key_id {
            return Err(KeyError::ContentShape);
        }
        Ok(root)
    }

    /// The prefix goes into the derivation too, so that altered parameters look like a wrong passphrase
    /// and never like a right one with damage elsewhere.
    fn sealing_key<'a>(&self, key: &'a Secret, prefix: &'a [u8]) -> SealingKey<'a> {
        SealingKey {
            kind: match self.way {
                Way::Passphrase { .. } => KeyKind::Passphrase,
                Way::KeyFile => KeyKind::KeyFile,
                Way::Shares { .. } => KeyKind::Shares,
                Way::Pkcs11 { .. } => KeyKind::Pkcs11,
            },
            id: self.set_id(),
            key: key.expose(),
            context: prefix,
        }
    }

    /// Everything before the sealed root key.
    fn prefix(&self) -> Vec<u8> {
        let mut prefix = Vec::with_capacity(ENVELOPE_BYTES_MAX);
        prefix.push(FORMAT);
        prefix.push(match self.way {
            Way::Passphrase { .. } => PASSPHRASE_CODE,
            Way::KeyFile => KEY_FILE_CODE,
            Way::Shares { .. } => SHARES_CODE,
            Way::Pkcs11 { .. } => PKCS11_CODE,
        });
        prefix.extend_from_slice(&self.id);
        prefix.extend_from_slice(&self.root_key_id.to_be_bytes());
        match &self.way {
            Way::Passphrase { cost, salt } => {
                prefix.extend_from_slice(&cost.memory_kib.to_be_bytes());
                prefix.extend_from_slice(&cost.passes.to_be_bytes());
                prefix.extend_from_slice(&cost.lanes.to_be_bytes());
                prefix.extend_from_slice(salt);
            }
            Way::KeyFile => {}
            Way::Shares { plan } => prefix.extend([plan.needed(), plan.count()]),
            Way::Pkcs11 { wrapped: Wrapped { key, nonce, bytes } } => {
                prefix.extend_from_slice(&key.serial);
                prefix.extend_from_slice(&key.id);
                prefix.extend_from_slice(nonce);
                prefix.extend_from_slice(bytes);
            }
        }
        prefix
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.prefix();
        bytes.extend_from_slice(&self.sealed_root);
        bytes
    }

    /// Reads one envelope, which must fill `bytes`, and holds its cost against the limits.
    fn decode(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut rest = bytes;
        let [format, code] = take(&mut rest)?;
        if format != FORMAT {
            return Err(KeyError::UnlockFileFormat { format });
        }
        let id = take(&mut rest)?;
        let root_key_id = u64::from_be_bytes(take(&mut rest)?);
        let way = match code {
            PASSPHRASE_CODE => {
                let cost = ArgonCost {
                    memory_kib: u32::from_be_bytes(take(&mut rest)?),
                    passes: u32::from_be_bytes(take(&mut rest)?),
                    lanes: u32::from_be_bytes(take(&mut rest)?),
                };
                cost.check()?;
                Way::Passphrase { cost, salt: take(&mut rest)? }
            }
            KEY_FILE_CODE => Way::KeyFile,
            SHARES_CODE => {
                let [needed, count] = take(&mut rest)?;
                Way::Shares { plan: SharePlan::new(needed, count)? }
            }
            PKCS11_CODE => {
                let key = Pkcs11Key { serial: take(&mut rest)?, id: take(&mut rest)? };
                let (nonce, bytes) = (take(&mut rest)?, take(&mut rest)?);
                Way::Pkcs11 { wrapped: Wrapped { key, nonce, bytes } }
            }
            code => return Err(KeyError::UnknownProvider { code }),
        };
        let sealed_root = take(&mut rest)?;
        if !rest.is_empty() {
            return Err(KeyError::UnlockFileShape);
        }
        Ok(Self { id, root_key_id, way, sealed_root })
    }
}

/// Takes the next `N` bytes of an unlock file.
fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], KeyError> {
    let (taken, left) = rest.split_first_chunk().ok_or(KeyError::UnlockFileShape)?;
    *rest = left;
    Ok(*taken)
}

#[cfg(test)]
mod tests;
