//! Seals and opens the key over the root key inside a PKCS#11 token, whose own key never leaves it. Never gives a token a PIN after a
//! wrong one, nor for its last try, and stays logged in for no longer than one operation. What is in the token counts only when the
//! token itself says that nobody can take it out.
//!
//! ```text
//! token's key = AES-256, made in the token: CKA_SENSITIVE, not CKA_EXTRACTABLE, under a random CKA_ID of 16 bytes
//! wrapped     = AES-256-GCM(token's key, random IV of 12 bytes, key over the root key, label || serial || CKA_ID || root key id),
//!               tag of 16 bytes at its end (CKM_AES_GCM, PKCS #11 3.0 section 2.11.2 of the current mechanisms)
//! ```
//! The token sees the key over the root key and never the root key, so an envelope of a token is like any other from there on.

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use std::path::Path;
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::limits::{PIN_BYTES_MAX, PIN_BYTES_MIN};
use crate::secret::{KEY_BYTES, Secret, random_array};

pub(super) const SERIAL_BYTES: usize = 16;
pub(super) const KEY_ID_BYTES: usize = 16;
pub(super) const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
pub(super) const WRAPPED_BYTES: usize = KEY_BYTES + TAG_BYTES;

const ASSOCIATED_LABEL: &[u8] = b"gridvault/token/v1";
/// The name of our key in the token, for people who look at it with its own tools.
const KEY_LABEL: &[u8] = b"gridvault root";

/// The PIN of a token's user, wiped on drop.
pub struct Pin(AuthPin);

impl Pin {
    /// Takes a PIN as it was typed or read, without its line end.
    ///
    /// # Errors
    /// [`KeyError::PinShape`] for what is no text of 4 to 255 bytes.
    pub fn new(bytes: &Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let text = std::str::from_utf8(bytes).map_err(|_| KeyError::PinShape)?;
        if !(PIN_BYTES_MIN..=PIN_BYTES_MAX).contains(&text.len()) {
            return Err(KeyError::PinShape);
        }
        Ok(Self(AuthPin::new(text.into())))
    }
}

/// A key in a token: where it is, and nothing of what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pkcs11Key {
    /// The token's serial number, filled up with blanks.
    pub serial: [u8; SERIAL_BYTES],
    /// The key's `CKA_ID`.
    pub id: [u8; KEY_ID_BYTES],
}

impl Pkcs11Key {
    /// The serial number as the token's own tools print it; what is no letter, digit, dot or hyphen is an underscore.
    #[must_use]
    pub fn serial_text(&self) -> String {
        let plain = |byte: &u8| match byte {
            b'.' | b'-' => char::from(*byte),
            byte if byte.is_ascii_alphanumeric() => char::from(*byte),
            _ => '_',
        };
        self.serial.trim_ascii_end().iter().map(plain).collect()
    }

    fn associated(&self, root_key_id: u64) -> Vec<u8> {
        [ASSOCIATED_LABEL, &self.serial, &self.id, &root_key_id.to_be_bytes()].concat()
    }
}

/// What a token made of the key over a root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrapped {
    pub(super) key: Pkcs11Key,
    pub(super) nonce: [u8; NONCE_BYTES],
    pub(super) bytes: [u8; WRAPPED_BYTES],
}

/// The library that talks to tokens: native code of whoever made the token, with all rights of the process. A process has one.
pub struct Pkcs11Module(Pkcs11);

impl Pkcs11Module {
    /// Loads the library and starts it.
    ///
    /// # Errors
    /// [`KeyError::TokenModulePath`] for a path that is not absolute, [`KeyError::TokenModule`] where it cannot be loaded or started.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        // A name without a folder would be looked for wherever the environment says.
        if !path.is_absolute() {
            return Err(KeyError::TokenModulePath);
        }
        let failed = |error: Error| KeyError::TokenModule { cause: error.to_string() };
        let module = Pkcs11::new(path).map_err(failed)?;
        let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        module.initialize(arguments).map_err(failed)?;
        Ok(Self(module))
    }

    /// Whether the token of a key is there. It asks for no PIN and looks at no key.
    #[must_use]
    pub fn has(&self, key: &Pkcs11Key) -> bool {
        self.slot_of(&key.serial).is_ok()
    }

    /// Makes a key in the token of that label, and has it wrap the key over a root key.
    pub(super) fn wrap(
        &self,
        label: &str,
        pin: &Pin,
        over_root: &Secret,
        root_key_id: u64,
    ) -> Result<Wrapped, KeyError> {
        self.wrap_in(self.find(|token| token.label() == label)?, pin, over_root, root_key_id)
    }

    /// Makes another key in the token of a key, and has it wrap the key over a root key.
    pub(super) fn wrap_again(
        &self,
        former: &Pkcs11Key,
        pin: &Pin,
        over_root: &Secret,
        root_key_id: u64,
    ) -> Result<Wrapped, KeyError> {
        self.wrap_in(self.slot_of(&former.serial)?, pin, over_root, root_key_id)
    }

    fn wrap_in(
        &self,
        (slot, token): (Slot, TokenInfo),
        pin: &Pin,
        over_root: &Secret,
        root_key_id: u64,
    ) -> Result<Wrapped, KeyError> {
        let key = Pkcs11Key { serial: serial_of(&token), id: random_array()? };
        let session = self.0.open_rw_session(slot).map_err(failed)?;
        log_in(&session, &token, pin)?;
        let made = session.generate_key(&Mechanism::AesKeyGen, &template(&key));
        let made = made.map_err(failed)?;
        check_kept(&session, made)?;
        let mut nonce: [u8; NONCE_BYTES] = random_array()?;
        let associated = key.associated(root_key_id);
        let parameters = GcmParams::new(&mut nonce, &associated, 128.into()).map_err(failed)?;
        let wrapped = session.encrypt(&Mechanism::AesGcm(parameters), made, over_root.expose());
        let wrapped = wrapped.map_err(failed)?;
        // Some tokens choose the IV themselves and write it where ours was.
        let bytes = wrapped.as_slice().try_into().map_err(|_| KeyError::ContentShape)?;
        Ok(Wrapped { key, nonce, bytes })
    }

    /// Has the token unwrap the key over a root key.
    pub(super) fn open_wrapped(
        &self,
        wrapped: &Wrapped,
        pin: &Pin,
        root_key_id: u64,
    ) -> Result<Secret, KeyError> {
        let (slot, token) = self.slot_of(&wrapped.key.serial)?;
        let session = self.0.open_ro_session(slot).map_err(failed)?;
        log_in(&session, &token, pin)?;
        let key = key_in(&session, &wrapped.key)?;
        check_kept(&session, key)?;
        let (mut nonce, associated) = (wrapped.nonce, wrapped.key.associated(root_key_id));
        let parameters = GcmParams::new(&mut nonce, &associated, 128.into()).map_err(failed)?;
        let opened = session.decrypt(&Mechanism::AesGcm(parameters), key, &wrapped.bytes);
        let opened = Zeroizing::new(opened.map_err(failed)?);
        let bytes = opened.as_slice().try_into().map_err(|_| KeyError::ContentShape)?;
        Ok(Secret::copy_of(bytes))
    }

    fn slot_of(&self, serial: &[u8; SERIAL_BYTES]) -> Result<(Slot, TokenInfo), KeyError> {
        self.find(|token| serial_of(token) == *serial)
    }

    /// The one token that it is.
    fn find(&self, is_it: impl Fn(&TokenInfo) -> bool) -> Result<(Slot, TokenInfo), KeyError> {
        let slots = self.0.get_slots_with_token().map_err(failed)?;
        let told = slots.into_iter().filter_map(|slot| {
            // A token that is just being taken out tells nothing.
            let token = self.0.get_token_info(slot).ok()?;
            is_it(&token).then_some((slot, token))
        });
        let mut found: Vec<(Slot, TokenInfo)> = told.collect();
        let one = found.pop().ok_or(KeyError::TokenAbsent)?;
        if found.is_empty() { Ok(one) } else { Err(KeyError::TokenTwice) }
    }
}

impl Drop for Pkcs11Module {
    fn drop(&mut self) {
        // Only a library that was ended sees what was put in since.
        let _ended_already = self.0.clone().finalize();
    }
}

/// Logs in, unless a wrong PIN came before: the token counts those, and locks itself for good.
fn log_in(session: &Session, token: &TokenInfo, pin: &Pin) -> Result<(), KeyError> {
    if token.user_pin_locked() {
        return Err(KeyError::TokenLocked);
    }
    if token.user_pin_count_low() || token.user_pin_final_try() {
        return Err(KeyError::TokenPinSpent);
    }
    session.login(UserType::User, Some(&pin.0)).map_err(|error| match error {
        Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _) => {
            KeyError::WrongPin
        }
        Error::Pkcs11(RvError::PinLocked, _) => KeyError::TokenLocked,
        other => failed(other),
    })
}

fn template(key: &Pkcs11Key) -> [Attribute; 12] {
    [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::ValueLen((KEY_BYTES as u64).into()),
        Attribute::Label(KEY_LABEL.to_vec()),
        Attribute::Id(key.id.to_vec()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Modifiable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
    ]
}

fn key_in(session: &Session, key: &Pkcs11Key) -> Result<ObjectHandle, KeyError> {
    let like = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::Token(true),
        Attribute::Id(key.id.to_vec()),
    ];
    match session.find_objects(&like).map_err(failed)?.as_slice() {
        [one] => Ok(*one),
        _ => Err(KeyError::TokenKeyAbsent),
    }
}

/// Whether the token says of a key that it was made there and that nobody can or could take it out.
fn check_kept(session: &Session, key: ObjectHandle) -> Result<(), KeyError> {
    let needed = [
        (AttributeType::Local, Attribute::Local(true)),
        (AttributeType::Sensitive, Attribute::Sensitive(true)),
        (AttributeType::AlwaysSensitive, Attribute::AlwaysSensitive(true)),
        (AttributeType::Extractable, Attribute::Extractable(false)),
        (AttributeType::NeverExtractable, Attribute::NeverExtractable(true)),
    ];
    let asked: Vec<AttributeType> = needed.iter().map(|(kind, _)| *kind).collect();
    let said = session.get_attributes(key, &asked).map_err(failed)?;
    let kept = needed.iter().all(|(_, value)| said.contains(value));
    if kept { Ok(()) } else { Err(KeyError::TokenKeyLoose) }
}

fn serial_of(token: &TokenInfo) -> [u8; SERIAL_BYTES] {
    let mut serial = [b' '; SERIAL_BYTES];
    let told = token.serial_number().as_bytes();
    let length = told.len().min(SERIAL_BYTES);
    serial[..length].copy_from_slice(&told[..length]);
    serial
}

fn failed(error: Error) -> KeyError {
    match error {
        Error::Pkcs11(
            RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::DeviceRemoved
            | RvError::SlotIdInvalid,
            _,
        ) => KeyError::TokenAbsent,
        other => KeyError::TokenFailed { cause: other.to_string() },
    }
}

#[cfg(test)]
mod tests;
