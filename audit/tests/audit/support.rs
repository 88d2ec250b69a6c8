//! Builds logs with known keys and entries, and changes their files. Random numbers come from a fixed seed.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gridvault_audit::constants::NOTE_TYPE_COSIGNATURE;
use gridvault_audit::verify::{
    Finding, Policy, Summary, VerifierKey, VerifyError, verify_directory,
};
use gridvault_audit::{Draft, Event, Log, NoteSigner, Outcome, verifier_key};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use tempfile::TempDir;

pub const ORIGIN: &str = "vault.example/log";

/// A signing key made from a seed.
pub struct Key {
    name: String,
    pair: Ed25519KeyPair,
}

impl Key {
    pub fn new(name: &str, seed: u8) -> Key {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed of 32 bytes");
        Key { name: name.to_owned(), pair }
    }

    pub fn vkey(&self) -> String {
        verifier_key(&self.name, &self.public_key())
    }

    pub fn verifier(&self) -> VerifierKey {
        VerifierKey::parse(&self.vkey()).expect("a verifier key")
    }

    /// Key id as it stands in the verifier key.
    pub fn id(&self) -> [u8; 4] {
        let vkey = self.vkey();
        let id = vkey.split('+').nth(1).expect("three parts");
        u32::from_str_radix(id, 16).expect("hexadecimal").to_be_bytes()
    }

    /// A signature line over `text`.
    pub fn line(&self, text: &str) -> String {
        line(&self.name, self.id(), &self.sign(text.as_bytes()))
    }

    /// A note of `text` signed by this key.
    pub fn note(&self, text: &str) -> String {
        format!("{text}\n{}", self.line(text))
    }
}

impl NoteSigner for Key {
    fn key_name(&self) -> &str {
        &self.name
    }

    fn public_key(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().expect("a key of 32 bytes")
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign(message).as_ref().try_into().expect("a signature of 64 bytes")
    }
}

/// A witness with a key made from a seed.
pub struct Witness {
    name: String,
    pair: Ed25519KeyPair,
}

impl Witness {
    pub fn new(name: &str, seed: u8) -> Witness {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed of 32 bytes");
        Witness::of(name, pair)
    }

    pub fn of(name: &str, pair: Ed25519KeyPair) -> Witness {
        Witness { name: name.to_owned(), pair }
    }

    fn encoded(&self) -> Vec<u8> {
        [&[NOTE_TYPE_COSIGNATURE][..], self.pair.public_key().as_ref()].concat()
    }

    pub fn id(&self) -> [u8; 4] {
        let bytes = [self.name.as_bytes(), b"\n", &self.encoded()].concat();
        ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref()[..4]
            .try_into()
            .expect("four bytes")
    }

    pub fn vkey(&self) -> String {
        let id = u32::from_be_bytes(self.id());
        format!("{}+{id:08x}+{}", self.name, STANDARD.encode(self.encoded()))
    }

    /// A cosignature line over `text`, given at `time`.
    pub fn line(&self, text: &str, time: u64) -> String {
        let message = format!("cosignature/v1\ntime {time}\n{text}");
        let signature = self.pair.sign(message.as_bytes());
        line(&self.name, self.id(), &[&time.to_be_bytes(), signature.as_ref()].concat())
    }
}

pub fn line(name: &str, id: [u8; 4], signature: &[u8]) -> String {
    format!("\u{2014} {name} {}\n", STANDARD.encode([&id, signature].concat()))
}

pub fn key() -> Key {
    Key::new(ORIGIN, 1)
}

/// The draft of entry `index` in the logs of these tests: a start, a policy, then reads.
pub fn draft(index: u64) -> Draft<'static> {
    let event = match index {
        0 => Event::SysStart,
        1 => Event::PolicyActivated,
        _ => Event::DataRead,
    };
    let mut request = [7; 16];
    request[..8].copy_from_slice(&index.to_be_bytes());
    let mut draft = Draft::new(event, Outcome::Success, request);
    if index > 1 {
        draft.who = Some([3; 16]);
        draft.fld = vec!["name".into(), "phone".into()];
        draft.view = vec!["raw".into(), "masked".into()];
        draft.pol = Some(1);
    }
    draft
}

pub fn encode(draft: &Draft<'_>, index: u64) -> Vec<u8> {
    draft.encode(index, 1_790_000_000_000_000 + index, index).expect("an entry that fits")
}

pub fn entry(index: u64) -> Vec<u8> {
    encode(&draft(index), index)
}

pub fn entries(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(entry).collect()
}

/// A log in a directory that goes with it.
pub struct Vault {
    _directory: TempDir,
    pub path: PathBuf,
}

impl Vault {
    pub fn empty() -> Vault {
        let directory = TempDir::new().expect("a directory");
        let path = directory.path().join("log");
        Vault { _directory: directory, path }
    }

    /// A log of these entries, published once at the end.
    pub fn of(entries: &[Vec<u8>]) -> Vault {
        Vault::signed_by(&key(), &[entries])
    }

    /// A log of these batches, published after each.
    pub fn signed_by(key: &Key, batches: &[&[Vec<u8>]]) -> Vault {
        let vault = Vault::empty();
        let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
        for batch in batches {
            log.append(log.size(), batch).expect("appended");
            log.publish(key).expect("published");
        }
        vault
    }

    pub fn with(size: u64) -> Vault {
        Vault::of(&entries(0..size))
    }

    pub fn file(&self, path: &str) -> PathBuf {
        self.path.join(path)
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.file(path)).expect("a file of the log")
    }

    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.file(path), bytes).expect("a file of the log");
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.file(path)).expect("a file of the log");
    }

    /// Changes a file as `change` says.
    pub fn change(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.read(path);
        change(&mut bytes);
        self.write(path, bytes);
    }

    /// Changes the entries of a bundle as `change` says; the lengths follow.
    pub fn change_entries(&self, path: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
        let mut entries = split(&self.read(path));
        change(&mut entries);
        self.write(path, join(&entries));
    }

    pub fn checkpoint(&self) -> String {
        String::from_utf8(self.read("checkpoint")).expect("a note is UTF-8")
    }

    pub fn verify(&self) -> Result<Summary, VerifyError> {
        verify_directory(&self.path, &key().verifier(), None)
    }

    /// The finding that verification must end with.
    pub fn finding(&self) -> Finding {
        finding(self.verify())
    }
}

pub fn finding(result: Result<Summary, VerifyError>) -> Finding {
    match result {
        Err(VerifyError::Tampered(finding)) => finding,
        other => panic!("tampering was not found: {other:?}"),
    }
}

pub fn split(mut bundle: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
        entries.push(entry.to_vec());
        bundle = rest;
    }
    entries
}

pub fn join(entries: &[Vec<u8>]) -> Vec<u8> {
    let length =
        |entry: &Vec<u8>| u16::try_from(entry.len()).expect("an entry that fits").to_be_bytes();
    entries.iter().flat_map(|entry| [&length(entry)[..], entry].concat()).collect()
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for item in fs::read_dir(from).expect("a directory") {
        let item = item.expect("an item");
        let target = to.join(item.file_name());
        if item.file_type().expect("a type").is_dir() {
            copy(&item.path(), &target);
        } else {
            fs::copy(item.path(), target).expect("a file");
        }
    }
}

/// Numbers that look random and are the same every time (SplitMix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let bound = u64::try_from(bound).expect("small");
        usize::try_from((mixed ^ (mixed >> 31)) % bound).expect("small")
    }
}

/// The witness of this number; a policy here knows three.
pub fn witness(number: u8) -> Witness {
    Witness::new(&format!("witness.example/w{number}"), 100 + number)
}

/// Two of three witnesses.
pub fn policy() -> Policy {
    let mut file = format!("log {}\n", key().vkey());
    for number in 1..=3 {
        file += &format!("witness w{number} {}\n", witness(number).vkey());
    }
    file += "group offices 2 w1 w2 w3\nquorum offices\n";
    Policy::parse(file.as_bytes()).expect("a policy")
}
