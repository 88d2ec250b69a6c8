//! Other ways to the root key, from what two administrators agreed to until the log tells of it. A vault that does not run is opened for
//! it at its host, and the start that follows tells; a vault that is open does all of it beside its requests.
//! Whoever makes the ways opens each before it is handed on; nothing is changed twice over one word.
//!
//! ```text
//! 1  new shares into the files of their holders, a new key into its token: by whoever makes the ways
//! 2  `unlock.next`: the ways that are about to be
//! 3  `ceremony`: the note for whoever tells of it
//! 4  with another root key: slot B of the ring under it
//! 5  `unlock.old`, another name of the ways in force; then `unlock.next` becomes `unlock`
//! 6  with another root key: slot A
//! 7  the entries; then `unlock.old` is overwritten and goes, then `ceremony`
//! ```
//! A crash before 5 leaves the ways of before, whose root key opens slot A: what was made at 1 opens nothing, and the next start
//! takes 2 and 3 away. One behind it leaves the new ways, and the next start does 7.

use super::error::CeremonyError;
use super::note::{self, InForce, Note, Word};
use super::told::Told;
use super::ways;
use super::what::What;
use crate::access::ActorId;
use crate::ambient::Micros;
use crate::config::layout;
use crate::identity::Directory;
use crate::store::{Change, Reader};
use crate::trail::{Announcement, Trail};
use gridvault_keys::{Envelope, KeyError, Keyring, RootKey, UnlockFile};
use std::path::{Path, PathBuf};

/// Which vault, and where its ways lie.
#[derive(Clone, Debug)]
pub struct Place {
    /// The vault's directory.
    pub directory: PathBuf,
    /// The origin of its log.
    pub vault: String,
}

impl Place {
    /// The file of the ways that are in force.
    pub(super) fn unlock(&self) -> PathBuf {
        self.directory.join(layout::UNLOCK)
    }

    /// The ways that are in force.
    ///
    /// # Errors
    /// [`CeremonyError::Storage`].
    pub(super) fn envelopes(&self) -> Result<Vec<Envelope>, CeremonyError> {
        UnlockFile::load(&self.unlock())
            .map_err(|error| CeremonyError::storage("the unlock file cannot be read", error))
    }

    /// The digest that a request over the ways in force has.
    ///
    /// # Errors
    /// [`CeremonyError::Storage`].
    pub(super) fn digest(&self) -> Result<[u8; 32], CeremonyError> {
        digest_of(&self.unlock())
    }
}

/// An act that two administrators agreed to, judged.
pub struct Agreed {
    /// Drawn for it: it is told once.
    pub id: [u8; 16],
    /// What is done.
    pub what: What,
    /// The two.
    pub persons: [ActorId; 2],
    /// How they said so.
    pub word: Word,
}

/// SHA-256 of a file of envelopes, or of a key part.
///
/// # Errors
/// [`CeremonyError::Storage`].
pub fn digest_of(file: &Path) -> Result<[u8; 32], CeremonyError> {
    let bytes = std::fs::read(file)
        .map_err(|error| CeremonyError::storage("the keys cannot be read", error))?;
    Ok(digest(&bytes))
}

pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    digest
}

/// Puts other ways in force, and another root key with them where one is given: durable when this returns, and noted down for
/// [`finish`]. The ring is the one that the vault has open, or would have. Waits for the disk.
///
/// # Errors
/// [`CeremonyError::Refused`] where the act leads to no such ways, and nothing was changed; [`CeremonyError::Storage`] likewise;
/// [`CeremonyError::Unknown`]: then a start tells which ways are in force, and until then nothing of either may go.
pub fn put_in_force(
    place: &Place,
    keyring: &Keyring,
    agreed: Agreed,
    turned: Option<&RootKey>,
    envelopes: &[Envelope],
) -> Result<(), CeremonyError> {
    let unlock = place.unlock();
    let unprepared = |error| CeremonyError::storage("the new ways cannot be written", error);
    let root = match (turned, keyring.root_id()) {
        (Some(turned), _) => turned.id(),
        (None, Some(root)) => root,
        (None, None) => return Err(unprepared(KeyError::KeyringUnwritable)),
    };
    let before = place.envelopes()?;
    ways::check(agreed.what, &before, envelopes, root)?;
    UnlockFile::prepare(&unlock, envelopes).map_err(unprepared)?;
    let ways = digest_of(&unlock.with_extension("next"))?;
    let is_new = |envelope: &&Envelope| !before.contains(envelope);
    let made = envelopes.iter().filter(is_new).map(|envelope| *envelope.id()).collect();
    let after = InForce { vault: place.vault.clone(), root, ways };
    let Agreed { id, what, persons, word } = agreed;
    Note { id, what, after, made, persons, word }.write(&place.directory, keyring)?;
    let in_force = || UnlockFile::put_in_force(&unlock);
    match turned {
        Some(turned) => keyring.under_another_root(turned, in_force),
        None => in_force(),
    }
    .map_err(|error| CeremonyError::Unknown(error.into()))
}

/// What lies beside the ways in force, and is to be told.
pub(super) struct Noted {
    root: u64,
    note: Option<Note>,
    has_former: bool,
    envelopes: Vec<Envelope>,
}

/// Looks what there is to tell. Reads the disk, and waits for whoever writes the ring.
pub(super) fn noted(place: &Place, keyring: &Keyring) -> Result<Noted, CeremonyError> {
    let root = keyring.root_id().ok_or(CeremonyError::Damaged("the ring"))?;
    let in_force = InForce { vault: place.vault.clone(), root, ways: place.digest()? };
    let note = Note::of(&place.directory, &in_force, keyring)?;
    let has_former = UnlockFile::has_former(&place.unlock());
    Ok(Noted { root, note, has_former, envelopes: place.envelopes()? })
}

/// Tells it, as far as the log does not have it.
pub(super) async fn tell(
    noted: &Noted,
    place: &Place,
    (trail, reader): (&Trail, &Reader),
    actors: &Directory,
    now: Micros,
) -> Result<(), CeremonyError> {
    let Noted { root, note, has_former, envelopes } = noted;
    let root = *root;
    let mut told = Told::read(reader).await?;
    if let Some(note) = note {
        let acts = note.told(envelopes, &place.vault, |id| actors.record(id), now);
        for act in acts.into_iter().skip(told.of(&note.id)) {
            told.count(note.id);
            say(trail, Announcement::Ceremony(Box::new(act)), told.kept(root)).await?;
        }
    }
    match told.root() {
        Some(known) if known == root => Ok(()),
        // A vault that did not keep the name of its root key yet.
        None if note.is_none() && *has_former => Err(untold()),
        None => say(trail, Announcement::Heartbeat, told.kept(root)).await,
        _ => say(trail, Announcement::RootReplaced, told.kept(root)).await,
    }
}

/// Destroys the former ways, which nothing needs any more, and what was noted down. Waits for the disk.
pub(super) fn let_go(place: &Place) -> Result<(), CeremonyError> {
    UnlockFile::destroy_former(&place.unlock())
        .map_err(|error| CeremonyError::storage("former envelopes cannot be destroyed", error))?;
    note::remove(&place.directory)
}

/// Says what a ceremony did whose ways are in force, as far as the log does not have it, and destroys the former ones. The ring opened
/// with those in force. Another root key than the log knows of is told also where nothing else says that there was a ceremony, and
/// where the log knows of the root key nothing that lies there has it tell of another one.
///
/// # Errors
/// [`CeremonyError::Storage`]: the next start goes on with it.
pub async fn finish(
    place: &Place,
    trail: &Trail,
    reader: &Reader,
    keyring: &Keyring,
    actors: &Directory,
    now: Micros,
) -> Result<(), CeremonyError> {
    tell(&noted(place, keyring)?, place, (trail, reader), actors, now).await?;
    let_go(place)
}

/// Of a vault that an earlier program wrote: nobody knows what was done, and the next start would not know that anything was.
fn untold() -> CeremonyError {
    let why = "former envelopes (unlock.old) wait for a start of the program that wrote them, which tells of the ceremony: start the vault once with it";
    CeremonyError::Refused(why.into())
}

async fn say(trail: &Trail, told: Announcement, kept: Change) -> Result<(), CeremonyError> {
    let recorded = trail.announce_change(told, kept).await;
    let doing = "the ceremony cannot be recorded";
    recorded.map(drop).map_err(|error| CeremonyError::storage(doing, error))
}
