//! What a ceremony leaves for whoever tells of it, mostly the next start: what was done, on whose word, and the ways that are in force after it.
//! Never believed without the tag of the vault's own keys, and never more than what is so: where the vault, the root key and the ways
//! are not those that it names, the ceremony stopped before, or it is a copy from another time. What the log has of it already, by the
//! id that was drawn for it, is not told once more (`told`).
//! It lies in the vault's directory as `ceremony`, from before the ways change until their entries are in the log.
//!
//! ```text
//! note = "gridvault ceremony done 2" LF "vault " origin LF "ceremony " id LF "what " word LF "root " name LF "ways " digest LF
//!        ("made " envelope LF)* "persons " actor " " actor LF "tag " tag LF ("signed" LF request, as both signed it)?
//! tag  = 16 bytes, keyed by the ring, over everything else
//! ```

use super::error::CeremonyError;
use super::request::{Signed, decoded};
use super::what::{Way, What};
use crate::access::ActorId;
use crate::ambient::Micros;
use crate::config::layout;
use crate::files::{sync_directory, write_new};
use crate::identity::ActorRecord;
use crate::limits::CEREMONY_NOTE_BYTES_MAX;
use crate::trail::{Ceremony, CeremonyAct};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::{Envelope, Keyring, Provider};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

const FIRST_LINE: &str = "gridvault ceremony done 2\n";
const SIGNED_LINE: &str = "signed\n";
const TAG_LABEL: &[u8] = b"gridvault/ceremony/v2";

/// On whose word.
pub enum Word {
    /// Two signed this.
    Signed(Box<Signed>),
    /// Two were named.
    Named,
}

/// What is in force in a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The origin of its log.
    pub vault: String,
    /// The name of the root key.
    pub root: u64,
    /// Digest of the file of envelopes.
    pub ways: [u8; 32],
}

/// What was done, as the next start tells it.
pub struct Note {
    /// Drawn for it: it is told once.
    pub id: [u8; 16],
    pub what: What,
    /// What is in force after it.
    pub after: InForce,
    /// The envelopes that were made.
    pub made: Vec<[u8; 16]>,
    pub persons: [ActorId; 2],
    pub word: Word,
}

impl Note {
    fn head(&self) -> String {
        let InForce { vault, root, ways } = &self.after;
        let made = self.made.iter().map(|id| format!("made {}\n", encoded(id)));
        format!(
            "{FIRST_LINE}vault {vault}\nceremony {}\nwhat {}\nroot {}\nways {}\n{}persons {} {}\n",
            encoded(&self.id),
            self.what,
            encoded(&root.to_be_bytes()),
            encoded(ways),
            made.collect::<String>(),
            self.persons[0],
            self.persons[1]
        )
    }

    fn tail(&self) -> Result<String, CeremonyError> {
        match &self.word {
            Word::Signed(signed) => Ok(format!("{SIGNED_LINE}{}", signed.to_text()?)),
            Word::Named => Ok(String::new()),
        }
    }

    fn to_text(&self, keyring: &Keyring) -> Result<String, CeremonyError> {
        let (head, tail) = (self.head(), self.tail()?);
        let tag = encoded(&keyring.charge_tag(TAG_LABEL, format!("{head}{tail}").as_bytes()));
        Ok(format!("{head}tag {tag}\n{tail}"))
    }

    fn parse(text: &str, keyring: &Keyring) -> Option<Note> {
        let mut rest = text.strip_prefix(FIRST_LINE)?;
        let vault = line(&mut rest, "vault ")?.to_owned();
        let id = decoded(line(&mut rest, "ceremony ")?)?;
        let what = line(&mut rest, "what ")?.parse().ok()?;
        let root = u64::from_be_bytes(decoded(line(&mut rest, "root ")?)?);
        let ways = decoded(line(&mut rest, "ways ")?)?;
        let after = InForce { vault, root, ways };
        let mut made = Vec::new();
        while let Some(id) = line(&mut rest, "made ") {
            made.push(decoded(id)?);
        }
        let (first, second) = line(&mut rest, "persons ")?.split_once(' ')?;
        let persons = [first.parse().ok()?, second.parse().ok()?];
        line(&mut rest, "tag ")?;
        let word = match rest.strip_prefix(SIGNED_LINE) {
            Some(request) => Word::Signed(Box::new(Signed::parse(request).ok()?)),
            None => Word::Named,
        };
        let note = Note { id, what, after, made, persons, word };
        // Whoever does not have the ring writes no note: it would name people for what they did not do.
        (note.to_text(keyring).ok()? == text).then_some(note)
    }

    /// Writes it where the next start looks for it, in the place of one that a ceremony left that stopped.
    pub fn write(&self, directory: &Path, keyring: &Keyring) -> Result<(), CeremonyError> {
        let text = self.to_text(keyring)?;
        remove(directory)?;
        let written = write_new(&path(directory), text.as_bytes());
        let kept = written.and_then(|()| sync_directory(directory));
        kept.map_err(|error| CeremonyError::storage("the ceremony cannot be noted down", error))
    }

    /// The note of the ceremony that led to what is in force, if one did and its note is the vault's own.
    pub fn of(
        directory: &Path,
        in_force: &InForce,
        keyring: &Keyring,
    ) -> Result<Option<Note>, CeremonyError> {
        let mut text = String::new();
        let read = match File::open(path(directory)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.and_then(|file| {
                let bytes_max = u64::try_from(CEREMONY_NOTE_BYTES_MAX).unwrap_or(u64::MAX);
                file.take(bytes_max).read_to_string(&mut text)
            }),
        };
        match read {
            // Somebody else's bytes are no note.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => text.clear(),
            read => drop(read.map_err(|error| {
                CeremonyError::storage("the note of a ceremony cannot be read", error)
            })?),
        }
        let note = Note::parse(&text, keyring);
        if note.is_none() {
            tracing::error!("the note of a ceremony is not one that this vault wrote");
        }
        Ok(note.filter(|note| note.after == *in_force))
    }

    /// What the entries of it say, one for each. Two count as proven where what they signed holds by the vault's own directory.
    pub fn told(
        &self,
        envelopes: &[Envelope],
        vault: &str,
        known: impl Fn(&ActorId) -> Option<ActorRecord>,
        now: Micros,
    ) -> Vec<Ceremony> {
        let signed = match &self.word {
            Word::Signed(signed) => {
                let fits = signed.request.vault == vault && signed.request.what == self.what;
                fits && signed.judged(known, now) == Ok(self.persons)
            }
            Word::Named => false,
        };
        let (what, persons) = (self.what.code(), self.persons.map(|person| *person.as_bytes()));
        let mut acts = Vec::new();
        if !matches!(self.what, What::Add(Way::Passphrase | Way::Shares(_) | Way::Token)) {
            acts.push(CeremonyAct::Root);
        }
        let made = envelopes.iter().filter(|envelope| self.made.contains(envelope.id()));
        acts.extend(made.filter_map(act_of));
        acts.into_iter().map(|act| Ceremony { what, act, persons, signed }).collect()
    }
}

/// Takes the note away: its entries are in the log, or nothing came of it.
pub fn remove(directory: &Path) -> Result<(), CeremonyError> {
    let removed = match std::fs::remove_file(path(directory)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        removed => removed.and_then(|()| sync_directory(directory)),
    };
    removed
        .map_err(|error| CeremonyError::storage("the note of a ceremony cannot be removed", error))
}

fn act_of(envelope: &Envelope) -> Option<CeremonyAct> {
    let id = *envelope.id();
    match envelope.provider() {
        Provider::Passphrase(_) => Some(CeremonyAct::Passphrase { envelope: id }),
        Provider::Shares(plan) => {
            let (needed, count) = (plan.needed(), plan.count());
            Some(CeremonyAct::Split { envelope: id, needed, count })
        }
        Provider::Pkcs11(key) => {
            Some(CeremonyAct::Token { envelope: id, serial: key.serial_text() })
        }
        Provider::KeyFile => None,
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(layout::CEREMONY)
}

fn line<'a>(rest: &mut &'a str, word: &str) -> Option<&'a str> {
    let (line, after) = rest.strip_prefix(word)?.split_once('\n')?;
    *rest = after;
    Some(line)
}

fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridvault_keys::{Month, RootKey};

    struct Bench {
        directory: tempfile::TempDir,
        keyring: Keyring,
    }

    impl Bench {
        fn new() -> Bench {
            let directory = tempfile::tempdir().expect("a temporary directory");
            Bench { keyring: keyring_in(directory.path(), "keyring"), directory }
        }

        fn found(&self, ways: [u8; 32]) -> Option<Note> {
            self.found_after(&in_force(ways))
        }

        fn found_after(&self, in_force: &InForce) -> Option<Note> {
            Note::of(self.directory.path(), in_force, &self.keyring).expect("readable")
        }
    }

    fn in_force(ways: [u8; 32]) -> InForce {
        InForce { vault: "ceremony.example/log".to_owned(), root: 7, ways }
    }

    fn keyring_in(directory: &Path, name: &str) -> Keyring {
        let root = RootKey::generate().expect("randomness");
        let month = Month::from_year_month(2026, 3).expect("in range");
        Keyring::create(&directory.join(name), &root, month).expect("a new file")
    }

    fn note() -> Note {
        let persons = [ActorId::from_bytes([1; 16]), ActorId::from_bytes([2; 16])];
        let made = vec![[3; 16], [4; 16]];
        let (id, after) = ([6; 16], in_force([5; 32]));
        Note { id, what: What::RotateRoot, after, made, persons, word: Word::Named }
    }

    #[test]
    fn a_note_counts_where_its_ways_are_in_force_and_the_vault_wrote_it() {
        let bench = Bench::new();
        assert!(bench.found([5; 32]).is_none(), "there is none");
        note().write(bench.directory.path(), &bench.keyring).expect("written");
        let found = bench.found([5; 32]).expect("its own");
        assert_eq!((found.made, found.persons), (note().made, note().persons));
        // It stopped before the ways were in force.
        assert!(bench.found([6; 32]).is_none());
        // It was done to another root key, or to a vault that has the same ring.
        for other in [
            InForce { root: 8, ..in_force([5; 32]) },
            InForce { vault: "ceremony.example/log-2".to_owned(), ..in_force([5; 32]) },
        ] {
            assert!(bench.found_after(&other).is_none(), "{other:?}");
        }
        let (other, after) = (keyring_in(bench.directory.path(), "other"), in_force([5; 32]));
        let foreign = Note::of(bench.directory.path(), &after, &other).expect("readable");
        assert!(foreign.is_none(), "another ring's");
        // Over one that was left.
        note().write(bench.directory.path(), &bench.keyring).expect("written");
        remove(bench.directory.path()).expect("removed");
        remove(bench.directory.path()).expect("there is none");
        assert!(bench.found([5; 32]).is_none());
    }

    #[test]
    fn a_note_that_somebody_changed_is_none() {
        let bench = Bench::new();
        note().write(bench.directory.path(), &bench.keyring).expect("written");
        let at = path(bench.directory.path());
        let whole = std::fs::read(&at).expect("a file");
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            std::fs::write(&at, changed).expect("written");
            assert!(bench.found([5; 32]).is_none(), "byte {place}");
            std::fs::write(&at, &whole[..place]).expect("written");
            assert!(bench.found([5; 32]).is_none(), "cut at {place}");
        }
        std::fs::write(&at, [0xff; 8]).expect("written");
        assert!(bench.found([5; 32]).is_none());
        std::fs::write(&at, vec![b'x'; 2 * CEREMONY_NOTE_BYTES_MAX]).expect("written");
        assert!(bench.found([5; 32]).is_none());
    }
}
