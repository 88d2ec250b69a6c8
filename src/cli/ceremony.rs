//! Other ways to the root key, at the host: of a vault that does not run, from its first look to the start that tells of it in the log,
//! or of one that is open, whose process is handed what it needs.
//! Never without two administrators, never beside another process that has the keys but by that process itself, and nothing is changed
//! before each new way was tried and opens. The steps are those of `crate::ceremony::put_in_force`.

use super::client::{Connection, NotDone};
use super::failure::Failure;
use super::opening::{Opening, Token, envelopes};
use super::restoring::two;
use super::{privacy, runtime, vault};
use crate::access::ActorId;
use crate::ambient::{Clock as _, HostClock, HostRandom, Micros, Random};
use crate::ceremony::{
    Agreed, Handed, Parts, Signed, What, Word, digest_of, put_in_force, stand_by,
};
use crate::config::{Config, Overrides, layout};
use crate::identity::{ActorRecord, Directory};
use crate::limits::CEREMONY_REQUEST_BYTES_MAX;
use crate::store::{self, EngineKind, Reader, StoreError};
use gridvault_keys::{Envelope, Keyring, KeyringLock, RootKey, UnlockFile};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

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
    /// The vault is open: its process puts the ways in force, and goes on to serve. With a token of whoever may rotate keys.
    #[arg(long, requires = "agreed")]
    running: bool,
    #[command(flatten)]
    connection: Connection,
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
    /// Whether a request, if it is one, has two signatures and is for this act over these keys, now; of a restore, over these parts, which two who are only
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
                .and_then(|()| signed.signed_by_two().map(drop))
                .map_err(|why| Failure::Failed(why.into())),
            Consent::Named(_) => parts.map_or(Ok(()), Parts::may_be_named).map_err(Failure::Failed),
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
        return Ok(Signed::parse(&std::fs::read_to_string(file).map_err(fail)?)?);
    }
    Err(Failure::Failed("the file of the request is longer than any".into()))
}

/// A vault that was opened for other ways to its root key.
pub(super) struct Opened<'a> {
    config: Config,
    reach: Reach<'a>,
    what: What,
    /// The ways that there are.
    pub(super) envelopes: Vec<Envelope>,
    /// The root key in force.
    pub(super) root: RootKey,
    /// The token, where one was named.
    pub(super) token: Option<Token>,
}

/// Who puts the ways in force.
enum Reach<'a> {
    /// This process, which has the keys of a vault that does not run.
    Stopped { held: KeyringLock, persons: [ActorId; 2], word: Word },
    /// The process that serves the vault, which judges by itself who agreed.
    Running { signed: Box<Signed>, connection: &'a Connection },
}

impl<'a> Opened<'a> {
    /// Opens it, once `check` has nothing against the ways that there are and two administrators agree.
    pub(super) fn open(
        at: &'a AtHost,
        what: What,
        check: impl FnOnce(&[Envelope]) -> Result<(), Failure>,
    ) -> Result<Opened<'a>, Failure> {
        let consent = at.word.consent()?;
        let config = Config::load(&at.dir, &Overrides::default())
            .map_err(|error| Failure::failed("the configuration", &error))?;
        let held = if at.running { None } else { Some(vault::hold(&config)?) };
        let unlock = config.directory.join(layout::UNLOCK);
        // Of one that is open its process finishes what an earlier act left.
        if held.is_some() && UnlockFile::has_former(&unlock) {
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
        let reach = match (held, consent) {
            (Some(held), consent) => {
                let keyring = vault::open_keyring(&config.directory, &root, &held)?;
                let (persons, word) = judge(&config, keyring, consent, now)?;
                Reach::Stopped { held, persons, word }
            }
            (None, Consent::Signed(signed)) => {
                privacy::lock_pages();
                // Before anything is made that would be of no use.
                at.connection.check()?;
                at.connection.token()?;
                if !at.connection.succeeds("/readyz", READY_TIME_MAX) {
                    let text = "no vault is open at that address; nothing was changed";
                    return Err(Failure::Failed(text.into()));
                }
                Reach::Running { signed, connection: &at.connection }
            }
            (None, Consent::Named(_)) => {
                let text = "a vault that is open takes what two signed: --agreed";
                return Err(Failure::Usage(text.into()));
            }
        };
        Ok(Opened { config, reach, what, envelopes, root, token })
    }

    /// The vault's directory.
    pub(super) fn directory(&self) -> &Path {
        &self.config.directory
    }

    /// Puts other ways in force, and another root key with them where one is given; ends when the log tells of it. Gives how many ways
    /// there are.
    pub(super) fn put_in_force(
        self,
        turned: Option<RootKey>,
        envelopes: Vec<Envelope>,
    ) -> Result<usize, Failure> {
        let count = envelopes.len();
        let Opened { config, reach, what, root, .. } = self;
        match reach {
            Reach::Stopped { held, persons, word } => {
                let random: &dyn Random = &HostRandom::new();
                let id =
                    random.bytes16().map_err(|error| Failure::failed("the ceremony", &error))?;
                let agreed = Agreed { id, what, persons, word };
                by_this_process(&config, &held, agreed, (&root, turned), &envelopes)?;
            }
            Reach::Running { signed, connection } => {
                let place = vault::place_of(&config);
                let handed = Handed::over(&place, signed, (&root, turned.as_ref()), envelopes)?;
                let [request, ways, root] = handed.texts()?;
                let body = json!({"request": request, "ways": ways, "root": root});
                connection.post_once("/v1/admin/keys/ways", &body).map_err(|why| match why {
                    NotDone::Refused(failure) => failure.behind(
                        "nothing was changed, and what was made for the new ways opens nothing",
                    ),
                    NotDone::Unknown(failure) => failure.behind(UNKNOWN),
                })?;
            }
        }
        Ok(count)
    }
}

/// Does it with the keys of a vault that does not run, and starts that once.
fn by_this_process(
    config: &Config,
    held: &KeyringLock,
    agreed: Agreed,
    (root, turned): (&RootKey, Option<RootKey>),
    envelopes: &[Envelope],
) -> Result<(), Failure> {
    let directory = &config.directory;
    let keyring = vault::open_keyring(directory, root, held)?;
    put_in_force(&vault::place_of(config), &keyring, agreed, turned.as_ref(), envelopes)?;
    drop(keyring);
    // Both slots are tried before the former envelopes go.
    let keyring = vault::open_keyring(directory, turned.as_ref().unwrap_or(root), held);
    let keyring = keyring.map_err(in_force)?;
    let started = runtime()?.block_on(async {
        let vault = vault::open(config, keyring).await?;
        vault.rooms.trail.stop().await.map_err(|fault| Failure::from(&*fault))
    });
    started.map_err(in_force)
}

/// How long a vault that is open may take to say so.
const READY_TIME_MAX: Duration = Duration::from_secs(10);

/// Whoever reads it must throw away neither what opens the vault by the former ways nor what does by the new ones.
const UNKNOWN: &str = "it is not known which ways are in force: keep what opens the former ones and the new ones \
                       until the vault was started and opened";

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
    let (reader, _applier) = store::open(
        &config.directory.join(layout::STORE),
        EngineKind::Sled,
        config.store_cache_bytes,
    )
    .map_err(|error| match error {
        StoreError::LeftOpen => Failure::storage("start the vault once before", &error),
        _ => Failure::of_the_store("the store cannot be opened", &error),
    })?;
    runtime()?.block_on(consent.judged(&reader, Arc::new(keyring), now))
}
