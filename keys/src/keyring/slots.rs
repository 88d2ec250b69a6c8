//! Keeps a keyring's content in one file of two slots, so that one of them is whole at any moment. Never interprets a key.
//! Opening takes the newest slot that authenticates under the root key, makes the other one like it again, and writes both anew.
//!
//! ```text
//! file = slot A | slot B
//! slot = "GVKEYRNG" | format u8 | position u8 (0 is A) | generation u64 | root key id u64 | content sealed under the root key
//! ```
//! What precedes the sealed content is its associated data, so a slot moved or relabelled does not open. The format is 1; it is 2
//! while some subject buckets have a next key, 3 while another place has one, 4 once the key of an index bucket was followed by another,
//! 5 once the header key was, and 6 once a month made way for another: a build that knows nothing of those refuses the ring instead of
//! losing them, or what moved to other places because of them.

use std::path::Path;

use subtle::ConstantTimeEq;

use super::disk::{Disk, FileDisk};
use super::layout::{CONTENT_BYTES, Content};
use crate::error::KeyError;
use crate::file::{read_bounded, sync_directory_of, write_new};
use crate::root::RootKey;
use crate::sealed::{KeyKind, SEALED_OVERHEAD_BYTES, SealingKey};

const MAGIC: [u8; 8] = *b"GVKEYRNG";
const FORMAT: u8 = 1;
/// That of a ring in which some buckets have a next key.
const FORMAT_NEXT: u8 = 2;
/// That of a ring in which a key that there is one of has a next one.
const FORMAT_NEXT_SINGLE: u8 = 3;
/// That of a ring in which keys of index buckets were followed by others, for ever: what a row names its terms by is not all that
/// stands behind them any more.
const FORMAT_INDEX: u8 = 4;
/// That of a ring in which the header key was followed by another, for ever: the attributes that a row holds are not all that stands for
/// it any more.
const FORMAT_HEADER: u8 = 5;
/// That of a ring in which a month stands in the place of another, for ever.
const FORMAT_MONTHS: u8 = 6;
/// Those that this build reads.
const FORMATS: [u8; 6] =
    [FORMAT, FORMAT_NEXT, FORMAT_NEXT_SINGLE, FORMAT_INDEX, FORMAT_HEADER, FORMAT_MONTHS];
const HEADER_BYTES: usize = 26;
/// 75 pages of 4 KiB, so that no page of the disk belongs to both slots.
const SLOT_BYTES: usize = HEADER_BYTES + SEALED_OVERHEAD_BYTES + CONTENT_BYTES;
const FILE_BYTES: usize = 2 * SLOT_BYTES;
pub(super) const GENERATION_FIRST: u64 = 1;

const _: () = assert!(SLOT_BYTES == 75 * 4096);

/// One of the two slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyringSlot {
    /// The first half of the file.
    A,
    /// The second half.
    B,
}

/// What was wrong with a slot that opening repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotFault {
    /// It was torn, altered or missing.
    Damaged,
    /// It was whole and of an older generation, as a crash between two writes leaves it.
    Older,
}

/// How the keyring file was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyringHealth {
    /// Both slots were whole and equal, as far as the system knew.
    Whole,
    /// One slot was made again from the other: rewritten, synced and read back. An operator should know.
    Repaired {
        /// The slot that was made again.
        slot: KeyringSlot,
        /// What was wrong with it.
        fault: SlotFault,
    },
}

impl KeyringSlot {
    const fn code(self) -> u8 {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }

    const fn start(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => SLOT_BYTES,
        }
    }

    /// Where it begins in the file.
    fn offset(self) -> u64 {
        u64::try_from(self.start()).expect("a slot starts within 64 bits")
    }

    /// Its bytes in those of a file in which it opened.
    fn within(self, file: &[u8]) -> &[u8] {
        &file[self.start()..self.start() + SLOT_BYTES]
    }

    const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Writes both slots of a new file; durable and read back when this returns.
pub(super) fn create(path: &Path, root: &RootKey, content: &Content) -> Result<(), KeyError> {
    let mut bytes = seal_slot(root, KeyringSlot::A, GENERATION_FIRST, content)?;
    bytes.extend(seal_slot(root, KeyringSlot::B, GENERATION_FIRST, content)?);
    write_new(path, &bytes)
}

/// A ring that opened.
pub(super) struct Opened {
    pub(super) content: Content,
    pub(super) generation: u64,
    pub(super) health: KeyringHealth,
}

/// Opens the newest whole slot, makes the other like it, and both durable, whatever the process before left in the system's cache.
pub(super) fn open(path: &Path, root: &RootKey) -> Result<Opened, KeyError> {
    let bytes = read_bounded(path, FILE_BYTES)?.ok_or(KeyError::KeyringDamaged)?;
    // The envelopes that it was opened by lie beside it, maybe by a rename that a crash left undurable: what opens by them alone is made
    // only once they are there for good.
    sync_directory_of(path).map_err(KeyError::io("syncing the directory of the keyring"))?;
    open_from(&FileDisk::new(path), root, &bytes)
}

/// The same of what was read from the disk just now.
///
/// What is read may be in the system's cache alone: the process before ended between write and sync, or by a sync that failed, and then
/// a sync writes nothing that is not handed over again. Whoever took it for durable would say that keys are destroyed which the disk
/// still holds. So the kept slot is handed over again byte for byte, and only then the other one is written: where the kept one is
/// durable, a crash in here leaves its bytes as they were; where it is not, the other is, because nothing touched that before the kept
/// one was synced.
pub(super) fn open_from(disk: &dyn Disk, root: &RootKey, bytes: &[u8]) -> Result<Opened, KeyError> {
    let a = read_slot(root, KeyringSlot::A, bytes);
    let b = read_slot(root, KeyringSlot::B, bytes);
    let (kept, fault) = match (a, b) {
        (Ok(a), Ok(b)) if a.generation == b.generation => {
            if !bool::from(a.content.bytes().ct_eq(b.content.bytes())) {
                return Err(KeyError::KeyringSlotsDisagree);
            }
            (b, None)
        }
        (Ok(a), Ok(b)) if a.generation > b.generation => (a, Some(SlotFault::Older)),
        (Ok(_), Ok(b)) => (b, Some(SlotFault::Older)),
        (Ok(a), Err(_)) => (a, Some(SlotFault::Damaged)),
        (Err(_), Ok(b)) => (b, Some(SlotFault::Damaged)),
        (Err(a), Err(b)) => return Err(Unreadable::of_both(&a, &b)),
    };
    let Whole { slot: kept, generation, content } = kept;
    let slot = kept.other();
    put_slot(disk, kept, kept.within(bytes))?;
    // A crash from here on leaves that slot damaged and the kept one whole.
    let health = match fault {
        None => {
            put_slot(disk, slot, slot.within(bytes))?;
            KeyringHealth::Whole
        }
        Some(fault) => {
            write_slot(disk, root, slot, generation, &content)?;
            KeyringHealth::Repaired { slot, fault }
        }
    };
    Ok(Opened { content, generation, health })
}

/// Puts another content in the place of the present one, slot B first. When this returns, what the file held before is in
/// neither slot. A crash before slot B is synced leaves slot A as it was; one after it leaves slot B as it is to be. Opening
/// makes the other slot like it, so what is found is the old content or the new one, and never a third.
pub(super) fn replace(
    disk: &dyn Disk,
    root: &RootKey,
    generation: u64,
    content: &Content,
) -> Result<(), KeyError> {
    let b = write_slot(disk, root, KeyringSlot::B, generation, content)?;
    let a = write_slot(disk, root, KeyringSlot::A, generation, content)?;
    // Both once more: another process that opened the file meanwhile may have repaired a slot from the other.
    check_slot(disk, KeyringSlot::B, &b)?;
    check_slot(disk, KeyringSlot::A, &a)
}

/// Seals the content under another root key, slot B first. Between the two the envelopes of that root key come into force: a crash
/// before leaves slot A under the former one, and a crash after leaves slot B under the new one; so with the envelopes in force
/// one slot always opens, and opening makes the other like it.
pub(super) fn turn_root(
    disk: &dyn Disk,
    root: &RootKey,
    generation: u64,
    content: &Content,
    put_in_force: impl FnOnce() -> Result<(), KeyError>,
) -> Result<(), KeyError> {
    let b = write_slot(disk, root, KeyringSlot::B, generation, content)?;
    put_in_force()?;
    let a = write_slot(disk, root, KeyringSlot::A, generation, content)?;
    check_slot(disk, KeyringSlot::B, &b)?;
    check_slot(disk, KeyringSlot::A, &a)?;
    opens(disk, root, generation, content)
}

/// Whether both slots open under a root key, with this content: asked before the envelopes of another one go.
fn opens(
    disk: &dyn Disk,
    root: &RootKey,
    generation: u64,
    content: &Content,
) -> Result<(), KeyError> {
    let mut file = vec![0; FILE_BYTES];
    disk.read_at(0, &mut file).map_err(KeyError::io("reading the keyring back"))?;
    for slot in [KeyringSlot::A, KeyringSlot::B] {
        let whole = read_slot(root, slot, &file).map_err(|_| KeyError::ReadBack)?;
        let same = bool::from(whole.content.bytes().ct_eq(content.bytes()));
        if whole.generation != generation || !same {
            return Err(KeyError::ReadBack);
        }
    }
    Ok(())
}

/// Writes one slot, syncs it and reads it back; gives what was written.
fn write_slot(
    disk: &dyn Disk,
    root: &RootKey,
    slot: KeyringSlot,
    generation: u64,
    content: &Content,
) -> Result<Vec<u8>, KeyError> {
    let sealed = seal_slot(root, slot, generation, content)?;
    put_slot(disk, slot, &sealed)?;
    Ok(sealed)
}

fn put_slot(disk: &dyn Disk, slot: KeyringSlot, sealed: &[u8]) -> Result<(), KeyError> {
    disk.write_at(slot.offset(), sealed).map_err(KeyError::io("writing a keyring slot"))?;
    disk.sync().map_err(KeyError::io("syncing a keyring slot"))?;
    check_slot(disk, slot, sealed)
}

fn check_slot(disk: &dyn Disk, slot: KeyringSlot, sealed: &[u8]) -> Result<(), KeyError> {
    let mut read = vec![0; sealed.len()];
    disk.read_at(slot.offset(), &mut read).map_err(KeyError::io("reading a keyring slot back"))?;
    if read == sealed { Ok(()) } else { Err(KeyError::ReadBack) }
}

/// A slot that opened.
struct Whole {
    slot: KeyringSlot,
    generation: u64,
    content: Content,
}

/// Why a slot did not open.
enum Unreadable {
    Damaged,
    NewerFormat(u8),
    ForeignRoot,
}

impl Unreadable {
    /// What to say when no slot opened: a newer format first, because a newer build may open it; another root key only
    /// when both slots name one, because a torn slot beside it says that this file needs its own repair first.
    fn of_both(a: &Self, b: &Self) -> KeyError {
        match (a, b) {
            (Self::NewerFormat(format), _) | (_, Self::NewerFormat(format)) => {
                KeyError::KeyringFormat { format: *format }
            }
            (Self::ForeignRoot, Self::ForeignRoot) => KeyError::KeyringForeignRoot,
            _ => KeyError::KeyringDamaged,
        }
    }
}

fn read_slot(root: &RootKey, slot: KeyringSlot, file: &[u8]) -> Result<Whole, Unreadable> {
    let bytes = file.get(slot.start()..slot.start() + SLOT_BYTES).ok_or(Unreadable::Damaged)?;
    let (header, sealed) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(Unreadable::Damaged)?;
    if header[..8] != MAGIC {
        return Err(Unreadable::Damaged);
    }
    let format = header[8];
    if !FORMATS.contains(&format) {
        return Err(Unreadable::NewerFormat(format));
    }
    let number = |start: usize| {
        let field = header[start..].first_chunk().expect("the header has 26 bytes");
        u64::from_be_bytes(*field)
    };
    if number(18) != root.id() {
        return Err(Unreadable::ForeignRoot);
    }
    let generation = number(10);
    if *header != slot_header(root, slot, generation, format) {
        return Err(Unreadable::Damaged);
    }
    let opened = sealing_key(root, header).open(header, sealed);
    let content = opened.and_then(Content::from_opened).map_err(|_| Unreadable::Damaged)?;
    if format != format_of(&content) {
        return Err(Unreadable::Damaged);
    }
    Ok(Whole { slot, generation, content })
}

fn seal_slot(
    root: &RootKey,
    slot: KeyringSlot,
    generation: u64,
    content: &Content,
) -> Result<Vec<u8>, KeyError> {
    let header = slot_header(root, slot, generation, format_of(content));
    let sealed = sealing_key(root, &header).seal(&header, content.bytes())?;
    Ok([header.as_slice(), &sealed].concat())
}

/// Each content has one format.
fn format_of(content: &Content) -> u8 {
    if content.has_passed_months() {
        return FORMAT_MONTHS;
    }
    if content.has_followed_header() {
        return FORMAT_HEADER;
    }
    if content.has_followed_index() {
        return FORMAT_INDEX;
    }
    match (content.has_next_singles(), content.rekeyed().is_empty()) {
        (true, _) => FORMAT_NEXT_SINGLE,
        (false, false) => FORMAT_NEXT,
        (false, true) => FORMAT,
    }
}

fn slot_header(
    root: &RootKey,
    slot: KeyringSlot,
    generation: u64,
    format: u8,
) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8] = format;
    header[9] = slot.code();
    header[10..18].copy_from_slice(&generation.to_be_bytes());
    header[18..].copy_from_slice(&root.id().to_be_bytes());
    header
}

fn sealing_key<'a>(root: &'a RootKey, header: &'a [u8; HEADER_BYTES]) -> SealingKey<'a> {
    SealingKey { kind: KeyKind::Root, id: root.id(), key: root.expose(), context: header }
}

/// The contents of those slots of a file that open.
#[cfg(test)]
pub(super) fn contents_of(root: &RootKey, file: &[u8]) -> Vec<Content> {
    let slots = [KeyringSlot::A, KeyringSlot::B];
    slots.into_iter().filter_map(|slot| Some(read_slot(root, slot, file).ok()?.content)).collect()
}

#[cfg(test)]
mod tests;
