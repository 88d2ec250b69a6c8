//! A ceremony at the host, from its first look at a vault that does not run to the start that tells of it in the log.
//! Never beside another process of the vault, never without two administrators, and nothing is changed before each new way was
//! tried and opens.
//!
//! ```text
//! 1  new shares into the files of their holders, a new key into its token
//! 2  `unlock.next`: the ways that are about to be, each of which was opened with what opens it
//! 3  `ceremony`: the note for the next start
//! 4  with another root key: slot B of the ring under it
//! 5  `unlock.old`, another name of the ways in force; then `unlock.next` becomes `unlock`
//! 6  with another root key: slot A
//! 7  a start: the entries, then `unlock.old` is overwritten and goes, then `ceremony`
//! ```
//! A crash before 5 leaves the ways of before, whose root key opens slot A: what was made at 1 opens nothing, and the next start
//! takes 2 and 3 away. One behind it leaves the new ways, and the next start does 7.

use super::ceremony::{Signed, What, digest_of, stand_by};
use super::ceremony_note::{self, InForce, Note, Word};
use super::ceremony_told::Told;
use super::failure::Failure;
use super::opening::{Opening, Token, envelopes};
use super::parts::Parts;
use super::restoring::two;
use super::{runtime, vault};
use crate::access::ActorId;
use crate::ambient::{Clock as _, HostClock, HostRandom, Micros, Random};
use crate::config::{Config, Overrides};
use crate::identity::{ActorRecord, Directory};
use crate::limits::CEREMONY_REQUEST_BYTES_MAX;
use crate::store::{self, Change, EngineKind, Reader};
use crate::trail::{Announcement, Trail};
use gridvault_keys::{Envelope, KeyError, Keyring, KeyringLock, RootKey, UnlockFile};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The vault, what opens it now, and on whose word.
#[derive(clap::Args)]
pub(super) struct AtHost {
    /// The vault's directory.
    #[arg(long, env = "GRIDVAULT_DIR")]
    pub(super) dir: PathBuf,
    /// A token that is about to open it needs its PIN file too.
    #[command(flatten)]
    pub(super) opening: Opening,
    #[command(flatten)]
    word: OnWord,
}

/// On whose word something is done at the host.
#[derive(clap::Args)]
pub(super) struct OnWord {
    /// The request that two administrators signed (`keys request`, `keys agree`).
    #[arg(long, conflicts_with_all = ["persons", "unsigned"])]
    agreed: Option<PathBuf>,
    /// Without a signed request: the ids of two administrators. The entry says that nobody signed.
    #[arg(long = "person", num_args = 1, requires = "unsigned", allow_hyphen_values = true)]
    persons: Vec<String>,
    /// Take two names for two signatures, where keys to sign with are lost.
    #[arg(long, requires = "persons")]
    unsigned: bool,
}

/// The same as it was brought, before it was judged.
pub(super) enum Consent {
    Signed(Box<Signed>),
    Named([ActorId; 2]),
}

impl OnWord {
    pub(super) fn consent(&self) -> Result<Consent, Failure> {
        match &self.agreed {
            Some(file) => Ok(Consent::Signed(Box::new(read_signed(file)?))),
            None if self.unsigned => two(&self.persons).map(Consent::Named),
            None => Err(Failure::Usage(
                "this takes two administrators: a request that both signed (--agreed FILE, made by \
                 \"gridvault keys request\" and \"keys agree\"), or, where keys to sign with are \
                 lost, --unsigned --person ID --person ID"
                    .into(),
            )),
        }
    }
}

impl Consent {
    /// Whether a request, if it is one, is for this act over these keys, now; of a restore, over these parts, which two who are only
    /// named take if nothing is known against them.
    pub(super) fn is_for(
        &self,
        vault: &str,
        what: What,
        keys: &Path,
        parts: Option<&Parts>,
        now: Micros,
    ) -> Result<(), Failure> {
        match self {
            Consent::Signed(signed) => signed
                .is_for(vault, what, &digest_of(keys)?, parts, now)
                .map_err(|why| Failure::Failed(why.into())),
            Consent::Named(_) => parts.map_or(Ok(()), Parts::may_be_named),
        }
    }

    /// The two, where the directory in a store says that they are who may. Of a vault that did not stop in order it may lack what
    /// came last: start it once before.
    pub(super) async fn judged(
        self,
        reader: &Reader,
        keyring: Arc<Keyring>,
        now: Micros,
    ) -> Result<([ActorId; 2], Word), Failure> {
        let actors = Directory::new(keyring);
        actors
            .load(reader)
            .await
            .map_err(|error| Failure::storage("the directory of actors cannot be read", &error))?;
        self.judged_by(|id| actors.record(id), now)
    }

    /// The two, where whom they are known by says that they are who may.
    pub(super) fn judged_by(
        self,
        known: impl Fn(&ActorId) -> Option<ActorRecord>,
        now: Micros,
    ) -> Result<([ActorId; 2], Word), Failure> {
        let (persons, word) = match self {
            Consent::Signed(signed) => (signed.judged(known, now), Word::Signed(signed)),
            Consent::Named(persons) => (stand_by(known, persons, now), Word::Named),
        };
        persons.map(|persons| (persons, word)).map_err(Failure::Failed)
    }
}

/// Reads the file of a request.
pub(super) fn read_signed(file: &Path) -> Result<Signed, Failure> {
    let fail = |error: std::io::Error| Failure::failed("the file of the request", &error);
    let length = std::fs::metadata(file).map_err(fail)?.len();
    if usize::try_from(length).is_ok_and(|length| length <= CEREMONY_REQUEST_BYTES_MAX) {
        return Signed::parse(&std::fs::read_to_string(file).map_err(fail)?);
    }
    Err(Failure::Failed("the file of the request is longer than any".into()))
}

/// A vault that does not run, opened for a ceremony that two administrators want.
pub(super) struct Stopped {
    config: Config,
    held: KeyringLock,
    what: What,
    persons: [ActorId; 2],
    word: Word,
    /// The ways that there are.
    pub(super) envelopes: Vec<Envelope>,
    /// The root key in force.
    pub(super) root: RootKey,
    /// The token, where one was named.
    pub(super) token: Option<Token>,
}

impl Stopped {
    /// Opens it, once `check` has nothing against the ways that there are and two administrators agree.
    pub(super) fn open(
        at: &AtHost,
        what: What,
        check: impl FnOnce(&[Envelope]) -> Result<(), Failure>,
    ) -> Result<Stopped, Failure> {
        let consent = at.word.consent()?;
        let config = Config::load(&at.dir, &Overrides::default())
            .map_err(|error| Failure::failed("the configuration", &error))?;
        let held = vault::hold(&config)?;
        let unlock = config.directory.join("unlock");
        if UnlockFile::has_former(&unlock) {
            let text =
                "other ways came in force and the vault was not started since: start it once";
            return Err(Failure::Failed(text.into()));
        }
        let envelopes = envelopes(&config)?;
        check(&envelopes)?;
        let now = HostClock::new().now();
        consent.is_for(&config.origin, what, &unlock, None, now)?;
        let pin_file = at.opening.pin_file.as_deref();
        let token = pin_file.map(|file| Token::load(&config, file)).transpose()?;
        let root = at.opening.root(&envelopes, token.as_ref())?;
        let keyring = vault::open_keyring(&config.directory, &root, &held)?;
        let (persons, word) = judge(&config, keyring, consent, now)?;
        Ok(Stopped { config, held, what, persons, word, envelopes, root, token })
    }

    /// The vault's directory.
    pub(super) fn directory(&self) -> &Path {
        &self.config.directory
    }

    /// Puts other ways in force, and another root key with them where one is given; ends with the start that tells of it. Gives how
    /// many ways there are.
    pub(super) fn put_in_force(
        self,
        turned: Option<RootKey>,
        envelopes: &[Envelope],
    ) -> Result<usize, Failure> {
        let Stopped { config, held, what, persons, word, root, .. } = self;
        let directory = &config.directory;
        let unlock = directory.join("unlock");
        let unknown = |error: KeyError| {
            let text = "it is not known which ways are in force; start the vault";
            Failure::storage(text, &error)
        };
        let keyring = vault::open_keyring(directory, &root, &held)?;
        UnlockFile::prepare(&unlock, envelopes).map_err(unknown)?;
        let ways = digest_of(&unlock.with_extension("next"))?;
        let is_new = |envelope: &&Envelope| !self.envelopes.contains(envelope);
        let made = envelopes.iter().filter(is_new).map(|envelope| *envelope.id()).collect();
        let random: &dyn Random = &HostRandom::new();
        let id = random.bytes16().map_err(|error| Failure::failed("the ceremony", &error))?;
        let name = turned.as_ref().unwrap_or(&root).id();
        let after = InForce { vault: config.origin.clone(), root: name, ways };
        Note { id, what, after, made, persons, word }.write(directory, &keyring)?;
        let root = match turned {
            Some(turned) => {
                let in_force = || UnlockFile::put_in_force(&unlock);
                drop(keyring.under_another_root(&turned, in_force).map_err(unknown)?);
                turned
            }
            None => {
                UnlockFile::put_in_force(&unlock).map_err(unknown)?;
                root
            }
        };
        // Both slots are tried before the former envelopes go.
        let keyring = vault::open_keyring(directory, &root, &held).map_err(in_force)?;
        let started = runtime()?.block_on(async {
            let vault = vault::open(&config, keyring).await?;
            vault.rooms.trail.stop().await.map_err(|fault| Failure::from(&*fault))
        });
        started.map_err(in_force)?;
        Ok(envelopes.len())
    }
}

/// What failed once the new ways were in force: whoever reads it must not throw away what opens them.
fn in_force(failure: Failure) -> Failure {
    failure.behind("the new ways are in force, and the start that is to tell of it failed")
}

/// Holds who agrees against the directory in the store.
fn judge(
    config: &Config,
    keyring: Keyring,
    consent: Consent,
    now: Micros,
) -> Result<([ActorId; 2], Word), Failure> {
    let (reader, _applier) =
        store::open(&config.directory.join("store"), EngineKind::Sled, config.store_cache_bytes)
            .map_err(|error| Failure::of_the_store("the store cannot be opened", &error))?;
    runtime()?.block_on(consent.judged(&reader, Arc::new(keyring), now))
}

/// Says what a ceremony did whose ways are in force, as far as the log does not have it, and destroys the former ones. The ring opened
/// with those in force. Another root key than the log knows of is told also where nothing else says that there was a ceremony, and
/// where the log knows of the root key nothing that lies there has it tell of another one.
pub(super) async fn finish(
    trail: &Trail,
    reader: &Reader,
    config: &Config,
    (keyring, actors, now): (&Keyring, &Directory, Micros),
) -> Result<(), Failure> {
    let directory = &config.directory;
    let unlock = directory.join("unlock");
    let root = keyring.root_id().ok_or_else(|| Failure::Storage("the ring has no file".into()))?;
    let (vault, ways) = (config.origin.clone(), digest_of(&unlock)?);
    let note = Note::of(directory, &InForce { vault, root, ways }, keyring)?;
    let mut told = Told::read(reader).await?;
    if let Some(note) = &note {
        let envelopes = UnlockFile::load(&unlock)
            .map_err(|error| Failure::storage("the unlock file cannot be read", &error))?;
        let acts = note.told(&envelopes, &config.origin, |id| actors.record(id), now);
        for act in acts.into_iter().skip(told.of(&note.id)) {
            told.count(note.id);
            say(trail, Announcement::Ceremony(Box::new(act)), told.kept(root)).await?;
        }
    }
    match told.root() {
        Some(known) if known == root => {}
        // A vault that did not keep the name of its root key yet.
        None if note.is_none() && UnlockFile::has_former(&unlock) => return Err(untold()),
        None => say(trail, Announcement::Heartbeat, told.kept(root)).await?,
        _ => say(trail, Announcement::RootReplaced, told.kept(root)).await?,
    }
    UnlockFile::destroy_former(&unlock)
        .map_err(|error| Failure::storage("former envelopes cannot be destroyed", &error))?;
    ceremony_note::remove(directory)
}

/// Of a vault that an earlier program wrote: nobody knows what was done, and the next start would not know that anything was.
fn untold() -> Failure {
    let why = "former envelopes (unlock.old) wait for a start of the program that wrote them, which tells of the ceremony: start the vault once with it";
    Failure::Failed(why.into())
}

async fn say(trail: &Trail, told: Announcement, kept: Change) -> Result<(), Failure> {
    let recorded = trail.announce_change(told, kept).await;
    recorded.map(drop).map_err(|error| Failure::storage("the ceremony cannot be recorded", &error))
}
