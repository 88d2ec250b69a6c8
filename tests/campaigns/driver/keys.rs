//! Every key of a demo vault, opened from its files by a second implementation of their formats.
//! Never through the crate of the keys, which gives no key's bytes away: HKDF and AES-GCM of ring, and the formats as written.
//! Keys of invented people alone.

use crate::fault::Fault;
use argon2::{Algorithm, Argon2, Params, Version};
use gridvault::store::{self, EngineKind, Fetched, Key, Reader, Sealed};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use std::path::Path;

/// Cache of the engine, in bytes.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Rows that are looked at.
const ROWS_COUNT: usize = 4_096;
/// The kind of key that a row lies under.
const ROW: u8 = 0x01;
/// What precedes the digits of the demo's key file.
const KEY_FILE_LABEL: &str = "gridvault-demo-key-file-v1 ";
/// Bytes of a sealed object before its salt, with the salt, and with the commitment.
const HEADER_BYTES: usize = 11;
const SALT_END: usize = 27;
const COMMITMENT_END: usize = 43;
/// A slot of the keyring, and what precedes its sealed content.
const SLOT_BYTES: usize = 75 * 4_096;
const SLOT_HEADER_BYTES: usize = 26;
/// Keys of a keyring: buckets of subjects and of terms, months, and seven more.
const ENTRIES_COUNT: usize = 2 * 4_096 + 60 + 7;
const ENTRY_BYTES: usize = 36;
/// Kinds of long-lived keys, as sealed objects name them.
const PASSPHRASE: u8 = 1;
const KEY_FILE: u8 = 2;
const ROOT: u8 = 3;
const SUBJECT_BUCKET: u8 = 4;
const SUBJECT: u8 = 5;

/// What kind of key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What opens the root key's envelope.
    Wrapping,
    /// The root key.
    Root,
    /// A key of the keyring.
    Ring,
    /// A subject's key.
    Subject,
    /// The key of one sealed section.
    Section,
}

impl Kind {
    /// All.
    pub const ALL: [Kind; 5] =
        [Kind::Wrapping, Kind::Root, Kind::Ring, Kind::Subject, Kind::Section];

    /// Its name, in the plural.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Wrapping => "wrapping keys",
            Kind::Root => "root keys",
            Kind::Ring => "keys of the ring",
            Kind::Subject => "subject keys",
            Kind::Section => "section keys",
        }
    }
}

/// A key that must not be found.
pub struct Secret {
    /// Its kind.
    pub kind: Kind,
    /// Its bytes.
    pub bytes: [u8; 32],
}

/// All keys of a vault.
pub struct Known {
    /// The keys.
    pub keys: Vec<Secret>,
}

impl Known {
    /// Opens all of them.
    pub fn of(directory: &Path) -> Result<Known, Fault> {
        let mut keys = Vec::new();
        let (wrapping, root) = demo_root(directory)?;
        keys.push(Secret { kind: Kind::Wrapping, bytes: wrapping });
        keys.push(Secret { kind: Kind::Root, bytes: root });
        let ring = ring_keys(&root, &read(directory, "keyring")?)?;
        keys.extend(ring.iter().map(|bytes| Secret { kind: Kind::Ring, bytes: *bytes }));
        let (reader, _applier) =
            store::open(&directory.join("store"), EngineKind::Sled, CACHE_BYTES)
                .map_err(|_| Fault::Malformed("the store"))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| Fault::io("starting", directory, error))?;
        let rows = runtime.block_on(rows(&reader));
        for row in rows.map_err(|_| Fault::Malformed("a scan of the rows"))? {
            of_row(&row, &ring, &mut keys)?;
        }
        Ok(Known { keys })
    }
}

fn read(directory: &Path, name: &str) -> Result<Vec<u8>, Fault> {
    let path = directory.join(name);
    std::fs::read(&path).map_err(|error| Fault::io("reading", &path, error))
}

/// Every key of a ring that a passphrase opens: buckets, months and the rest, and the next ones of buckets where there are any.
pub fn ring_of(directory: &Path, passphrase: &str) -> Result<Vec<[u8; 32]>, Fault> {
    let wrong = || Fault::Malformed("the unlock file");
    let file = read(directory, "unlock")?;
    let (prefix, sealed) =
        file.get(12..).and_then(|rest| rest.split_at_checked(54)).ok_or_else(wrong)?;
    let number = |at: usize| Some(u32::from_be_bytes(*prefix.get(at..)?.first_chunk()?));
    let cost = Params::new(
        number(26).ok_or_else(wrong)?,
        number(30).ok_or_else(wrong)?,
        number(34).ok_or_else(wrong)?,
        None,
    );
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.map_err(|_| wrong())?);
    let mut wrapping = [0; 32];
    let stretched = argon.hash_password_into(passphrase.as_bytes(), &prefix[38..], &mut wrapping);
    stretched.map_err(|_| wrong())?;
    let root = open(&wrapping, PASSPHRASE, prefix, prefix, sealed).ok_or_else(wrong)?;
    let root = root.try_into().map_err(|_| wrong())?;
    ring_keys(&root, &read(directory, "keyring")?)
}

/// Whether this very key opens a wrapped subject key, whatever bucket and epoch that names.
pub fn unwraps(key: &[u8; 32], subject: &[u8; 16], wrapped: &[u8]) -> bool {
    open(key, SUBJECT_BUCKET, subject, subject, wrapped).is_some()
}

fn key_file(line: &[u8]) -> Result<[u8; 32], Fault> {
    let wrong = || Fault::Malformed("the key file");
    let line = std::str::from_utf8(line).map_err(|_| wrong())?;
    let digits = line.trim_end().strip_prefix(KEY_FILE_LABEL).ok_or_else(wrong)?;
    let mut key = [0; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        let pair = digits.get(2 * at..2 * at + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(key)
}

/// The first envelope of an unlock file: format, provider, id of 16 bytes, id of the root key, sealed root key.
fn root_key(wrapping: &[u8; 32], file: &[u8]) -> Result<[u8; 32], Fault> {
    let wrong = || Fault::Malformed("the unlock file");
    let envelope = file.get(12..).ok_or_else(wrong)?;
    let (prefix, sealed) = envelope.split_at_checked(26).ok_or_else(wrong)?;
    let plain = open(wrapping, KEY_FILE, prefix, prefix, sealed).ok_or_else(wrong)?;
    plain.try_into().map_err(|_| wrong())
}

/// What opens a demo vault's envelope, and the root key in it.
fn demo_root(directory: &Path) -> Result<([u8; 32], [u8; 32]), Fault> {
    let wrapping = key_file(&read(directory, "demo.key")?)?;
    let root = root_key(&wrapping, &read(directory, "unlock")?)?;
    Ok((wrapping, root))
}

/// The keys in each slot of a demo vault's ring.
pub fn demo_rings(directory: &Path) -> Result<Vec<Vec<[u8; 32]>>, Fault> {
    let (_, root) = demo_root(directory)?;
    let file = read(directory, "keyring")?;
    file.chunks(SLOT_BYTES).map(|slot| ring_keys(&root, slot)).collect()
}

/// The keys in the first slot of a ring.
fn ring_keys(root: &[u8; 32], file: &[u8]) -> Result<Vec<[u8; 32]>, Fault> {
    let wrong = || Fault::Malformed("the keyring");
    let slot = file.get(..SLOT_BYTES).ok_or_else(wrong)?;
    let (header, sealed) = slot.split_at(SLOT_HEADER_BYTES);
    let content = open(root, ROOT, header, header, sealed).ok_or_else(wrong)?;
    let entry = |number: usize| {
        let start = 8 + number * ENTRY_BYTES + 4;
        content.get(start..start + 32)?.try_into().ok()
    };
    (0..ENTRIES_COUNT).map(entry).collect::<Option<Vec<[u8; 32]>>>().ok_or_else(wrong)
}

async fn rows(reader: &Reader) -> Result<Vec<Sealed>, store::StoreError> {
    let part = reader.scan(&Key::from_bytes(&[ROW]), None, ROWS_COUNT).await?;
    let mut rows = Vec::new();
    for id in part.iter().filter_map(|(key, _)| key.record()) {
        if let Fetched::Found(sealed) = reader.fetch(id).await? {
            rows.push(sealed);
        }
    }
    Ok(rows)
}

/// The keys of a row: those of its subjects and those of its sections.
fn of_row(sealed: &Sealed, ring: &[[u8; 32]], keys: &mut Vec<Secret>) -> Result<(), Fault> {
    let wrong = || Fault::Malformed("a row");
    let row = sealed.row();
    for section in &row.sections {
        let subject = section.subject.as_bytes();
        let wrapped = sealed.wrapped_key(section.subject).map_err(|_| wrong())?;
        let wrapped = wrapped.ok_or_else(wrong)?;
        let hash = digest(&SHA256, subject);
        let bucket = usize::from(u16::from_be_bytes([hash.as_ref()[0], hash.as_ref()[1]]) >> 4);
        let plain = open(&ring[bucket], SUBJECT_BUCKET, subject, subject, &wrapped);
        let key: [u8; 32] =
            plain.as_deref().and_then(|plain| plain.get(8..)?.try_into().ok()).ok_or_else(wrong)?;
        if !keys.iter().any(|known| known.bytes == key) {
            keys.push(Secret { kind: Kind::Subject, bytes: key });
        }
        let context = join(&[row.header.id.as_bytes(), section.name.as_bytes()]);
        let derived = derive(&key, SUBJECT, &context, &section.bytes).ok_or_else(wrong)?;
        let bytes = derived[..32].try_into().map_err(|_| wrong())?;
        keys.push(Secret { kind: Kind::Section, bytes });
    }
    Ok(())
}

/// Opens a sealed object: the derived key must be the one that the object commits to, and its tag must hold.
fn open(
    key: &[u8; 32],
    kind: u8,
    context: &[u8],
    associated: &[u8],
    sealed: &[u8],
) -> Option<Vec<u8>> {
    let derived = derive(key, kind, context, sealed)?;
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derived[..32]).ok()?);
    let bound = join(&[&sealed[..HEADER_BYTES], associated]);
    let mut bytes = sealed.get(COMMITMENT_END..)?.to_vec();
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    cipher.open_in_place(nonce, Aad::from(bound), &mut bytes).ok().map(|plain| plain.to_vec())
}

/// Key and commitment of a sealed object.
fn derive(key: &[u8; 32], kind: u8, context: &[u8], sealed: &[u8]) -> Option<[u8; 48]> {
    let header = sealed.get(..HEADER_BYTES).filter(|header| header[2] == kind)?;
    let salt = Salt::new(HKDF_SHA256, sealed.get(HEADER_BYTES..SALT_END)?);
    let info = join(&[header, context]);
    let parts = [b"gridvault/sealed/v1".as_slice(), &info];
    let derived = salt.extract(key);
    let derived = derived.expand(&parts, Derived).ok()?;
    let mut bytes = [0; 48];
    derived.fill(&mut bytes).ok()?;
    (sealed.get(SALT_END..COMMITMENT_END)? == &bytes[32..]).then_some(bytes)
}

/// How much is derived for one object.
struct Derived;

impl KeyType for Derived {
    fn len(&self) -> usize {
        48
    }
}

/// Fields, each with its length in front.
fn join(fields: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::new();
    for field in fields {
        joined.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        joined.extend_from_slice(field);
    }
    joined
}
