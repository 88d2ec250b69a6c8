//! Judges an evidence pack offline: a tar archive of entries with their proofs, its list of digests, and its seal in the log.
//! Never trusts the key that lies in the pack, never writes a file, and never holds more than one file of the pack in memory.
//! A pack holds only if every file in it is listed, every listed file is there unchanged, every entry is proven, and the list
//! itself is named by a proven entry of the same log.

use std::collections::BTreeMap;
use std::io::{self, Read};

use ring::digest::{SHA256, digest};
use thiserror::Error;

use crate::verify::{Finding, Head, VerifierKey, leaf_hash, verify_proof};

/// The list of digests, in the form that `sha256sum --check` takes.
pub const LIST_FILE: &str = "SHA256SUMS";
/// Where entries lie, each under its index.
pub const ENTRIES_FOLDER: &str = "entries/";
/// Where their proofs lie, each under its index.
pub const PROOFS_FOLDER: &str = "proofs/";
/// The entry that names the list's digest, and its proof. They come after the list, so it does not have them.
pub const SEAL_ENTRY: &str = "seal/entry.json";
/// The proof of that entry.
pub const SEAL_PROOF: &str = "seal/entry.tlog-proof";
/// Name of the member of the sealing entry that holds the digest, in base64url.
pub const SEAL_MEMBER: &str = "manifest";

/// Files that a pack may have.
pub const PACK_FILES_COUNT_MAX: usize = 16_384;
/// Longest file of a pack, in bytes.
pub const PACK_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Longest name of a file of a pack, in bytes: the header has room for no more.
pub const PACK_NAME_BYTES_MAX: usize = 100;
const BLOCK_BYTES: usize = 512;

/// Why a pack is not what it says.
#[derive(Debug, Error)]
pub enum PackError {
    /// It cannot be read.
    #[error("the pack cannot be read")]
    Io(#[from] io::Error),
    /// It is no pack, or one that this program does not know.
    #[error("the pack is malformed: {0}")]
    Malformed(&'static str),
    /// A file was changed, added, taken away or put in another's place.
    #[error("the pack was changed: {what}: {file}")]
    Changed {
        /// What is wrong.
        what: &'static str,
        /// With which file.
        file: String,
    },
    /// A proof does not hold.
    #[error("a proof does not hold: {file}")]
    Unproven {
        /// Which file.
        file: String,
        /// Why.
        finding: Finding,
    },
}

/// What a pack that holds has shown.
#[derive(Debug)]
pub struct PackSummary {
    /// Entries that it proves.
    pub entries: u64,
    /// The index of the entry that seals it.
    pub sealed_at: u64,
    /// The checkpoint that covers the seal.
    pub head: Head,
}

/// A file of a pack as it is come upon, before the pack is judged: it counts for nothing if the pack does not hold.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// An entry.
    Entry {
        /// Its index.
        index: u64,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// The entry that names the digest of the list.
    Seal(&'a [u8]),
    /// A file of no meaning to the proofs.
    Other {
        /// Its name.
        name: &'a str,
        /// Its content.
        bytes: &'a [u8],
    },
}

/// Verifies a pack with a key from elsewhere.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_pack(pack: impl Read, key: &VerifierKey) -> Result<PackSummary, PackError> {
    verify_pack_with(pack, key, &mut |_| {})
}

/// The same for a pack that means something beyond its proofs: shows each file on the way.
///
/// # Errors
/// The first thing that is wrong; what was shown is to be forgotten then.
pub fn verify_pack_with(
    mut pack: impl Read,
    key: &VerifierKey,
    see: &mut dyn FnMut(Part<'_>),
) -> Result<PackSummary, PackError> {
    let mut digests: BTreeMap<String, [u8; 32]> = BTreeMap::new();
    let mut leaves = BTreeMap::new();
    let (mut entries, mut list, mut seal, mut sealed) = (0, None, None, None);
    while let Some((name, bytes)) = next_file(&mut pack)? {
        let changed = |what| PackError::Changed { what, file: name.clone() };
        if digests.len() >= PACK_FILES_COUNT_MAX {
            return Err(PackError::Malformed("it has too many files"));
        }
        if digests.insert(name.clone(), sha256(&bytes)).is_some() {
            return Err(changed("a name comes twice"));
        }
        match &*name {
            LIST_FILE => list = Some(bytes),
            SEAL_ENTRY => {
                see(Part::Seal(&bytes));
                seal = Some(bytes);
            }
            SEAL_PROOF => sealed = Some(bytes),
            _ => {
                if let Some(index) = index_of(&name, ENTRIES_FOLDER, ".json")? {
                    see(Part::Entry { index, bytes: &bytes });
                    leaves.insert(index, leaf_hash(&bytes));
                } else {
                    see(Part::Other { name: &name, bytes: &bytes });
                }
                // An entry stands before its proof, so that neither has to be kept.
                if let Some(index) = index_of(&name, PROOFS_FOLDER, ".tlog-proof")? {
                    let leaf = leaves.remove(&index);
                    let leaf =
                        leaf.ok_or_else(|| changed("a proof without its entry before it"))?;
                    prove(&name, &bytes, key, &leaf, Some(index))?;
                    entries += 1;
                }
            }
        }
    }
    if let Some(index) = leaves.keys().next() {
        let file = format!("{ENTRIES_FOLDER}{index}");
        return Err(PackError::Changed { what: "an entry without its proof", file });
    }
    let list = list.ok_or(PackError::Malformed("it has no list of digests"))?;
    compare(&list, &digests)?;
    let (Some(seal), Some(sealed)) = (seal, sealed) else {
        return Err(PackError::Malformed("it has no seal"));
    };
    let summary = prove(SEAL_PROOF, &sealed, key, &leaf_hash(&seal), None)?;
    if named_digest(&seal) != Some(sha256(&list)) {
        let file = SEAL_ENTRY.to_owned();
        return Err(PackError::Changed { what: "the seal names another list", file });
    }
    Ok(PackSummary { entries, sealed_at: summary.0, head: summary.1 })
}

fn prove(
    file: &str,
    proof: &[u8],
    key: &VerifierKey,
    leaf: &[u8; 32],
    index: Option<u64>,
) -> Result<(u64, Head), PackError> {
    let shown = verify_proof(proof, key, leaf)
        .map_err(|finding| PackError::Unproven { file: file.to_owned(), finding })?;
    if index.is_some_and(|index| index != shown.index) {
        let file = file.to_owned();
        return Err(PackError::Changed { what: "a proof under another index", file });
    }
    Ok((shown.index, shown.head))
}

/// Every file but list and seal is listed with its digest, and nothing else is.
fn compare(list: &[u8], digests: &BTreeMap<String, [u8; 32]>) -> Result<(), PackError> {
    let text = std::str::from_utf8(list);
    let text = text.map_err(|_| PackError::Malformed("the list of digests is no text"))?;
    let mut left = digests.clone();
    for own in [LIST_FILE, SEAL_ENTRY, SEAL_PROOF] {
        left.remove(own);
    }
    for line in text.lines() {
        let parts = line.split_once("  ");
        let (hex, name) = parts.ok_or(PackError::Malformed("a line of the list of digests"))?;
        let changed = |what| PackError::Changed { what, file: name.to_owned() };
        let held = left.remove(name).ok_or_else(|| changed("a listed file is missing"))?;
        let held: String = held.iter().map(|byte| format!("{byte:02x}")).collect();
        if held != hex {
            return Err(changed("another content than the list says"));
        }
    }
    match left.into_keys().next() {
        Some(file) => Err(PackError::Changed { what: "a file that is not listed", file }),
        None => Ok(()),
    }
}

/// The digest that the sealing entry names: of its further facts, the one of this name.
fn named_digest(seal: &[u8]) -> Option<[u8; 32]> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let entry: serde_json::Value = serde_json::from_slice(seal).ok()?;
    let text = entry.get("x")?.get(SEAL_MEMBER)?.as_str()?;
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// The index in a name of a folder, where it is one of it; in one form alone, so that no two names are one entry.
fn index_of(name: &str, folder: &str, ending: &str) -> Result<Option<u64>, PackError> {
    let Some(rest) = name.strip_prefix(folder) else { return Ok(None) };
    let digits = rest.strip_suffix(ending);
    let index = digits.and_then(|digits| digits.parse::<u64>().ok());
    match index {
        Some(index) if format!("{index:020}{ending}") == rest => Ok(Some(index)),
        _ => Err(PackError::Malformed("a name that is no index")),
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}

/// The next file of the archive (POSIX.1-1988 ustar): plain files alone. Nothing at its end.
fn next_file(pack: &mut impl Read) -> Result<Option<(String, Vec<u8>)>, PackError> {
    let mut head = [0; BLOCK_BYTES];
    if let Err(error) = pack.read_exact(&mut head) {
        let ended = error.kind() == io::ErrorKind::UnexpectedEof;
        return Err(if ended { PackError::Malformed("it is cut off") } else { error.into() });
    }
    if head.iter().all(|byte| *byte == 0) {
        return at_end(pack);
    }
    let sum: u64 = head.iter().enumerate().map(|(at, byte)| in_sum(at, *byte)).sum();
    // In the one form that packs are written in, so that not a bit of a header can be other than it was.
    if head[148..156] != *format!("{sum:06o}\0 ").as_bytes() || &head[257..263] != b"ustar\0" {
        return Err(PackError::Malformed("a header of the archive"));
    }
    // Nothing but a file, and no second part of a name.
    if !matches!(head[156], 0 | b'0') || head[345] != 0 {
        return Err(PackError::Malformed("it has something that is no plain file"));
    }
    let name = head[..PACK_NAME_BYTES_MAX].split(|byte| *byte == 0).next().unwrap_or_default();
    let name = String::from_utf8(name.to_vec()).ok().filter(|name| is_plain(name));
    let name = name.ok_or(PackError::Malformed("a name that leads elsewhere"))?;
    let length = octal(&head[124..136]).filter(|length| *length <= PACK_FILE_BYTES_MAX);
    let length = length.ok_or(PackError::Malformed("a file is too long"))? as usize;
    let mut bytes = vec![0; length.next_multiple_of(BLOCK_BYTES)];
    pack.read_exact(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => PackError::Malformed("it is cut off"),
        _ => error.into(),
    })?;
    if bytes[length..].iter().any(|byte| *byte != 0) {
        return Err(PackError::Malformed("something lies between its files"));
    }
    bytes.truncate(length);
    Ok(Some((name, bytes)))
}

/// Two empty blocks end an archive; only more of the same may follow.
fn at_end(pack: &mut impl Read) -> Result<Option<(String, Vec<u8>)>, PackError> {
    let mut rest = [0; BLOCK_BYTES];
    let mut blocks = 0;
    loop {
        let read = pack.read(&mut rest)?;
        if read == 0 {
            return if blocks > 0 { Ok(None) } else { Err(PackError::Malformed("it is cut off")) };
        }
        if rest[..read].iter().any(|byte| *byte != 0) {
            return Err(PackError::Malformed("something lies behind its end"));
        }
        blocks += 1;
    }
}

/// The sum of a header takes its own place for blanks.
fn in_sum(at: usize, byte: u8) -> u64 {
    u64::from(if (148..156).contains(&at) { b' ' } else { byte })
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    u64::from_str_radix(text, 8).ok()
}

fn is_plain(name: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    !name.is_empty()
        && name.bytes().all(sign)
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}
