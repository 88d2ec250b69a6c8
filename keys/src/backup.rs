//! Seals the key part of a backup to recipients who keep their secret elsewhere, and opens it with one of these secrets.
//! Never sees a key in clear: what goes in is the keyring as it lies on the disk, sealed under the root key, its envelopes, and the
//! subject keys that were wrapped anew, because a backup from before holds them wrapped under keys that are destroyed.
//! So whoever holds a recipient's secret alone opens nothing, nor does whoever knows the passphrase alone.
//!
//! ```text
//! key part  = head | ciphertext | tag 16
//! head      = "GVKEYS02" | count u8 | stanza *
//! stanza    = recipient id 8 | encapsulated key 32 | sealed file key 48
//! sealed file key = HPKE base mode (RFC 9180), DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, over 32 random bytes;
//!                   info "gridvault key part 1", associated data the recipient's id
//! ciphertext || tag = AES-256-GCM(file key, nonce 0, head, origin run | envelopes run | keyring run | anew run);
//!                   a run has its length u32 in front
//! anew      = (subject id 16 | wrapped key run) *, subject ids ascending
//! recipient id = first 8 bytes of SHA-256("gridvault backup recipient 1" || public key)
//! ```
//! A file key is drawn for each key part and encrypts once, so its nonce is constant.

use std::collections::BTreeMap;
use std::path::Path;

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use ring::digest::{Context, SHA256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::chance::SystemChance;
use crate::derive::{join, join_onto};
use crate::error::KeyError;
use crate::file::{read_bounded, write_new};
use crate::gcm::{self, NONCE_BYTES, TAG_BYTES};
use crate::hex::{hex, unhex};
use crate::limits::{BACKUP_RECIPIENTS_MAX, KEY_PART_BYTES_MAX};
use crate::secret::{KEY_BYTES, Secret};

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

const MAGIC: &[u8; 8] = b"GVKEYS02";
const INFO: &[u8] = b"gridvault key part 1";
const ID_LABEL: &[u8] = b"gridvault backup recipient 1";
const RECIPIENT_PREFIX: &str = "gridvault-recipient-1-";
const IDENTITY_PREFIX: &str = "gridvault-identity-1-";
const ID_BYTES: usize = 8;
const ENCAPPED_BYTES: usize = 32;
const SEALED_KEY_BYTES: usize = KEY_BYTES + TAG_BYTES;
const STANZA_BYTES: usize = ID_BYTES + ENCAPPED_BYTES + SEALED_KEY_BYTES;
const NONCE: [u8; NONCE_BYTES] = [0; NONCE_BYTES];

/// What can be wrong with a key part, a recipient or an identity.
#[derive(Debug, Error)]
pub enum KeyPartError {
    /// A recipient's line is not one.
    #[error("this is no recipient of backups")]
    Recipient,
    /// A file does not hold an identity.
    #[error("the file holds no identity of backups")]
    Identity,
    /// There are none, too many, or the same one twice.
    #[error("a key part has one to {BACKUP_RECIPIENTS_MAX} recipients, each once")]
    Recipients,
    /// The files and the keys that were wrapped anew are longer than a key part takes.
    #[error(
        "what it is to hold is longer than a key part takes: make a new bulk part, and name it"
    )]
    TooLong,
    /// The key part is cut, or not one.
    #[error("the key part is cut, or is none")]
    Shape,
    /// The key part is for others.
    #[error("the key part is not for this identity")]
    NotForThis,
    /// The key part was changed.
    #[error("the key part was changed")]
    Changed,
    /// Randomness, a file, or a length.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Whom key parts are sealed to: a public key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct BackupRecipient([u8; 32]);

/// The secret of a recipient, wiped on drop.
pub struct BackupIdentity(Secret);

/// What a key part holds.
pub struct KeyPart {
    /// Name of the log of the vault that it is of.
    pub origin: String,
    /// The file of envelopes.
    pub envelopes: Vec<u8>,
    /// The keyring as it lay on the disk, sealed under the root key.
    pub keyring: Zeroizing<Vec<u8>>,
    /// Wrapped subject keys by subject id, of those that were wrapped anew since a bulk part was made.
    pub anew: BTreeMap<[u8; 16], Vec<u8>>,
}

impl BackupRecipient {
    /// Reads the one line that [`BackupRecipient::to_text`] writes.
    ///
    /// # Errors
    /// [`KeyPartError::Recipient`].
    pub fn parse(text: &str) -> Result<BackupRecipient, KeyPartError> {
        let bytes = text.strip_prefix(RECIPIENT_PREFIX).and_then(unhex);
        let bytes = bytes.ok_or(KeyPartError::Recipient)?;
        let recipient = BackupRecipient(*bytes);
        // Not every 32 bytes are a public key.
        recipient.key().map(|_| recipient.clone())
    }

    /// One line, to be handed around.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{RECIPIENT_PREFIX}{}", hex(&self.0).as_str())
    }

    fn key(&self) -> Result<PublicKey, KeyPartError> {
        PublicKey::from_bytes(&self.0).map_err(|_| KeyPartError::Recipient)
    }

    fn id(&self) -> [u8; ID_BYTES] {
        let mut context = Context::new(&SHA256);
        context.update(ID_LABEL);
        context.update(&self.0);
        *context.finish().as_ref().first_chunk().expect("a digest is longer than its beginning")
    }
}

impl BackupIdentity {
    /// Draws one and writes it to a new file of mode 0600.
    ///
    /// # Errors
    /// [`KeyError::FileExists`] and its like.
    pub fn create(path: &Path) -> Result<BackupIdentity, KeyPartError> {
        let identity = BackupIdentity(Secret::random()?);
        let digits = hex(identity.0.expose());
        let mut text = Zeroizing::new(String::with_capacity(IDENTITY_PREFIX.len() + 65));
        text.push_str(IDENTITY_PREFIX);
        text.push_str(&digits);
        text.push('\n');
        write_new(path, text.as_bytes())?;
        Ok(identity)
    }

    /// Reads the file that [`BackupIdentity::create`] wrote.
    ///
    /// # Errors
    /// [`KeyPartError::Identity`], or the disk's.
    pub fn load(path: &Path) -> Result<BackupIdentity, KeyPartError> {
        let bytes = read_bounded(path, 256)?.ok_or(KeyPartError::Identity)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| KeyPartError::Identity)?;
        let secret = text.trim_end_matches(['\n', '\r']).strip_prefix(IDENTITY_PREFIX);
        let secret = secret.and_then(unhex).ok_or(KeyPartError::Identity)?;
        Ok(BackupIdentity(Secret::copy_of(&secret)))
    }

    /// Whom this secret belongs to.
    #[must_use]
    pub fn recipient(&self) -> BackupRecipient {
        let (_, public) = self.pair();
        let mut bytes = [0; 32];
        public.write_exact(&mut bytes);
        BackupRecipient(bytes)
    }

    fn pair(&self) -> (PrivateKey, PublicKey) {
        X25519HkdfSha256::derive_keypair(self.0.expose())
    }
}

impl KeyPart {
    /// Seals it to every one of the recipients.
    ///
    /// # Errors
    /// [`KeyPartError::Recipients`], [`KeyPartError::Recipient`], or randomness.
    pub fn seal(&self, recipients: &[BackupRecipient]) -> Result<Vec<u8>, KeyPartError> {
        let mut sorted = recipients.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != recipients.len() || !(1..=BACKUP_RECIPIENTS_MAX).contains(&sorted.len())
        {
            return Err(KeyPartError::Recipients);
        }
        let file_key = Secret::random()?;
        let mut sealed = MAGIC.to_vec();
        sealed.push(u8::try_from(sorted.len()).expect("the count was just checked"));
        for recipient in &sorted {
            let id = recipient.id();
            let mut chance = SystemChance::default();
            let (encapped, key) =
                hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
                    &OpModeS::Base,
                    &recipient.key()?,
                    INFO,
                    file_key.expose(),
                    &id,
                    &mut chance,
                )
                .map_err(|_| KeyPartError::Recipient)?;
            // What was drawn without randomness is thrown away with everything else.
            if chance.has_failed() {
                return Err(KeyError::Randomness.into());
            }
            sealed.extend_from_slice(&id);
            sealed.extend_from_slice(&encapped.to_bytes());
            sealed.extend_from_slice(&key);
        }
        let mut content = self.encode();
        let tag = gcm::encrypt(file_key.expose(), &NONCE, &sealed, &mut content)?;
        sealed.extend_from_slice(&content);
        sealed.extend_from_slice(&tag);
        // What nobody would open is not given out.
        if sealed.len() > KEY_PART_BYTES_MAX {
            return Err(KeyPartError::TooLong);
        }
        Ok(sealed)
    }

    /// Opens a key part that is for this identity.
    ///
    /// # Errors
    /// [`KeyPartError::Shape`], [`KeyPartError::NotForThis`], [`KeyPartError::Changed`].
    pub fn open(bytes: &[u8], identity: &BackupIdentity) -> Result<KeyPart, KeyPartError> {
        if bytes.len() > KEY_PART_BYTES_MAX {
            return Err(KeyPartError::Shape);
        }
        let count = bytes.strip_prefix(MAGIC).and_then(<[u8]>::first).copied();
        let count = usize::from(count.ok_or(KeyPartError::Shape)?);
        let head_bytes = MAGIC.len() + 1 + count * STANZA_BYTES;
        let (head, rest) = bytes.split_at_checked(head_bytes).ok_or(KeyPartError::Shape)?;
        let (ciphertext, tag) = rest.split_last_chunk().ok_or(KeyPartError::Shape)?;
        let id = identity.recipient().id();
        let mut stanzas = head[MAGIC.len() + 1..].chunks_exact(STANZA_BYTES);
        let stanza = stanzas.find(|stanza| stanza[..ID_BYTES] == id);
        let stanza = &stanza.ok_or(KeyPartError::NotForThis)?[ID_BYTES..];
        let (encapped, sealed_key) = stanza.split_at(ENCAPPED_BYTES);
        let encapped = EncappedKey::from_bytes(encapped).map_err(|_| KeyPartError::Changed)?;
        let file_key = hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &identity.pair().0,
            &encapped,
            INFO,
            sealed_key,
            &id,
        );
        let file_key = Zeroizing::new(file_key.map_err(|_| KeyPartError::Changed)?);
        let file_key: &[u8; KEY_BYTES] =
            file_key.as_slice().try_into().map_err(|_| KeyPartError::Changed)?;
        let mut content = Zeroizing::new(ciphertext.to_vec());
        gcm::decrypt(file_key, &NONCE, head, &mut content, tag)
            .map_err(|_| KeyPartError::Changed)?;
        KeyPart::decode(&content).ok_or(KeyPartError::Shape)
    }

    fn encode(&self) -> Vec<u8> {
        let mut anew = Vec::new();
        for (subject, wrapped) in &self.anew {
            anew.extend_from_slice(subject);
            join_onto(&mut anew, &[wrapped]);
        }
        join(&[self.origin.as_bytes(), &self.envelopes, &self.keyring, &anew])
    }

    fn decode(content: &[u8]) -> Option<KeyPart> {
        let mut rest = content;
        let origin = std::str::from_utf8(run(&mut rest)?).ok()?.to_owned();
        let envelopes = run(&mut rest)?.to_vec();
        let keyring = Zeroizing::new(run(&mut rest)?.to_vec());
        let mut keys = run(&mut rest)?;
        let mut anew = BTreeMap::new();
        while let Some((subject, behind)) = keys.split_first_chunk() {
            keys = behind;
            let follows = anew.last_key_value().is_none_or(|(last, _)| last < subject);
            anew.insert(*subject, run(&mut keys)?.to_vec());
            if !follows {
                return None;
            }
        }
        (rest.is_empty() && keys.is_empty()).then_some(KeyPart { origin, envelopes, keyring, anew })
    }
}

/// Takes a run off the beginning.
fn run<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (run, behind) = behind.split_at_checked(length)?;
    *rest = behind;
    Some(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> (tempfile::TempDir, BackupIdentity) {
        let directory = tempfile::tempdir().expect("a directory");
        let identity = BackupIdentity::create(&directory.path().join("identity")).expect("drawn");
        (directory, identity)
    }

    fn part() -> KeyPart {
        KeyPart {
            origin: "vault.example/log".to_owned(),
            envelopes: vec![7; 200],
            keyring: Zeroizing::new(vec![9; 5_000]),
            anew: [([1; 16], vec![5; 99]), ([2; 16], vec![6; 99])].into(),
        }
    }

    #[test]
    fn every_recipient_opens_a_key_part_and_nobody_else_does() {
        let people: Vec<_> = (0..3).map(|_| identity().1).collect();
        let recipients: Vec<_> = people.iter().map(BackupIdentity::recipient).collect();
        let sealed = part().seal(&recipients).expect("sealed");
        for person in &people {
            let opened = KeyPart::open(&sealed, person).expect("for this one");
            assert_eq!((opened.origin, opened.envelopes), (part().origin, part().envelopes));
            assert_eq!((opened.keyring, opened.anew), (part().keyring, part().anew));
        }
        let refused = KeyPart::open(&sealed, &identity().1);
        assert!(matches!(refused, Err(KeyPartError::NotForThis)));
        assert_ne!(sealed, part().seal(&recipients).expect("sealed"), "drawn anew each time");
    }

    #[test]
    fn keys_wrapped_anew_are_there_once_and_in_order() {
        let encoded = part().encode();
        assert_eq!(KeyPart::decode(&encoded).expect("own bytes").anew, part().anew);
        let (one, run_bytes) = (16 + 4 + 99, encoded.len() - 2 * (16 + 4 + 99));
        let (head, keys) = encoded.split_at(run_bytes);
        let turned = [head, &keys[one..], &keys[..one]].concat();
        let twice = [head, &keys[..one], &keys[..one]].concat();
        for wrong in [turned, twice, encoded[..encoded.len() - 1].to_vec()] {
            assert!(KeyPart::decode(&wrong).is_none());
        }
    }

    #[test]
    fn a_changed_or_cut_key_part_does_not_open() {
        let (_directory, person) = identity();
        let sealed = part().seal(&[person.recipient()]).expect("sealed");
        for at in (0..120).chain((120..sealed.len()).step_by(97)).chain([sealed.len() - 1]) {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(KeyPart::open(&changed, &person).is_err(), "byte {at}");
            assert!(KeyPart::open(&sealed[..at], &person).is_err(), "cut at {at}");
        }
        assert!(KeyPart::open(&[&sealed[..], b"x"].concat(), &person).is_err());
    }

    #[test]
    fn recipients_are_one_to_the_limit_and_each_once() {
        let (_directory, person) = identity();
        let recipient = person.recipient();
        assert!(matches!(part().seal(&[]), Err(KeyPartError::Recipients)));
        let twice = [recipient.clone(), recipient];
        assert!(matches!(part().seal(&twice), Err(KeyPartError::Recipients)));
        let many: Vec<_> = (0..=BACKUP_RECIPIENTS_MAX).map(|_| identity().1.recipient()).collect();
        assert!(matches!(part().seal(&many), Err(KeyPartError::Recipients)));
        part().seal(&many[1..]).expect("at the limit");
    }

    #[test]
    fn a_key_part_is_no_longer_than_what_is_opened() {
        let (_directory, person) = identity();
        let of = |bytes| KeyPart { envelopes: vec![9; bytes], ..part() };
        let around = of(0).seal(&[person.recipient()]).expect("sealed").len();
        let longest = of(KEY_PART_BYTES_MAX - around).seal(&[person.recipient()]);
        KeyPart::open(&longest.expect("at the limit"), &person).expect("opened");
        let longer = of(KEY_PART_BYTES_MAX - around + 1).seal(&[person.recipient()]);
        assert!(matches!(longer, Err(KeyPartError::TooLong)));
    }

    #[test]
    fn texts_and_files_are_read_in_one_form() {
        let (directory, person) = identity();
        let recipient = person.recipient();
        assert_eq!(BackupRecipient::parse(&recipient.to_text()).expect("own text"), recipient);
        let again = BackupIdentity::load(&directory.path().join("identity")).expect("own file");
        assert_eq!(again.recipient(), recipient);
        for wrong in
            ["", "gridvault-recipient-1-", "gridvault-identity-1-00", &recipient.to_text()[1..]]
        {
            assert!(BackupRecipient::parse(wrong).is_err(), "{wrong}");
        }
        let upper = recipient.to_text().to_uppercase();
        assert!(BackupRecipient::parse(&upper).is_err());
        assert!(BackupIdentity::create(&directory.path().join("identity")).is_err());
    }
}
