//! The ledger of erasures in a second place: opened with the vault, and replayed before anybody is served.
//! Never begun anew by a restore: a ledger that is named there must be there, whole, and this vault's.
//! One that cannot be read stops a start; one that takes nothing more keeps certificates from being given out.

use super::failure::Failure;
use crate::ambient::HostClock;
use crate::config::{Config, SecondPlace, layout};
use crate::files::sync_directory;
use crate::http::Rooms;
use crate::limits::ERASURE_LEDGER_TOKEN_BYTES_MAX;
use crate::operations::{Replayed, replay_erasures, tell_erasures};
use crate::trail::{
    BroughtCheckpoint, ErasureLedger, LedgerError, LedgerMark, LedgerObjects, LedgerPlace,
};
use gridvault_keys::Keyring;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Permission bits of the group and of others.
const OTHERS: u32 = 0o077;

/// The ledger that comes along, and what it takes to call it.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct LedgerArguments {
    /// The ledger of erasures of the vault, if it comes along: its file, or the URL below which its lines lie. What was erased since
    /// the bulk part was made is erased again at the first start. Without it nothing is.
    #[arg(long)]
    pub(super) erasure_ledger: Option<SecondPlace>,
    /// The file that holds the token that is shown to that URL.
    #[arg(long, requires = "erasure_ledger")]
    pub(super) erasure_ledger_token_file: Option<PathBuf>,
    /// Certificates (PEM) of the authorities that are trusted for that URL.
    #[arg(long, requires = "erasure_ledger")]
    pub(super) erasure_ledger_ca_file: Option<PathBuf>,
    /// For a vault with witnesses: the last checkpoint of its log that they cosigned, from outside. It tells how old the ledger may be.
    #[arg(long, requires = "witness_policy")]
    witnessed: Option<PathBuf>,
    /// The policy file (c2sp.org/tlog-policy) with the log and its witnesses, from outside.
    #[arg(long, requires = "witnessed")]
    witness_policy: Option<PathBuf>,
}

/// The longest file of a policy or a checkpoint that is read: more than either may have.
const NOTE_FILE_BYTES_MAX: u64 = 1024 * 1024;

impl LedgerArguments {
    /// Whether anything comes along.
    pub(super) fn is_named(&self) -> bool {
        self.erasure_ledger.is_some() || self.witnessed.is_some()
    }

    /// The note of a cosigned checkpoint, and the policy that it counts by.
    pub(super) fn checkpoint(&self) -> Result<Option<BroughtCheckpoint>, Failure> {
        let Some((note, policy)) = self.witnessed.as_ref().zip(self.witness_policy.as_ref()) else {
            return Ok(None);
        };
        let read = |what: &str, path: &Path| {
            let mut bytes = Vec::new();
            let file = File::open(path).map(|file| file.take(NOTE_FILE_BYTES_MAX));
            let read = file.and_then(|mut file| file.read_to_end(&mut bytes));
            read.map(|_| bytes).map_err(|error| Failure::failed(what, &error))
        };
        let note = read("the cosigned checkpoint", note)?;
        let policy = read("the policy of witnesses", policy)?;
        Ok(Some(BroughtCheckpoint { note, policy }))
    }

    /// The place, where one was named.
    pub(super) fn place(&self) -> Result<Option<LedgerPlace>, Failure> {
        let (token, authorities) =
            (self.erasure_ledger_token_file.as_deref(), self.erasure_ledger_ca_file.as_deref());
        let Some(named) = &self.erasure_ledger else { return Ok(None) };
        named
            .check_beside(token, authorities)
            .map_err(|(name, why)| Failure::Usage(format!("{name} {why}")))?;
        place(named, token, authorities).map(Some)
    }
}

fn place(
    named: &SecondPlace,
    token: Option<&Path>,
    authorities: Option<&Path>,
) -> Result<LedgerPlace, Failure> {
    let url = match named {
        SecondPlace::File(path) => return Ok(LedgerPlace::File(path.clone())),
        SecondPlace::Url(url) => url.as_str(),
    };
    let fail =
        |error: std::io::Error| Failure::failed("the authorities of the second place", &error);
    let token = token.map(read_token).transpose()?;
    let authorities = authorities.map(std::fs::read).transpose().map_err(fail)?;
    let objects =
        LedgerObjects::new(url, token, authorities.as_deref(), Arc::new(HostClock::new()));
    objects.map(LedgerPlace::Objects).map_err(fail)
}

/// The token in a file that nobody else may read. It goes into a header as it stands.
fn read_token(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let what = "the token file of the second place";
    let fail = |error: std::io::Error| Failure::failed(what, &error);
    let file = File::open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.permissions().mode() & OTHERS != 0 {
        return Err(Failure::Failed(format!(
            "{what} may be read by others: its mode is to be 0600"
        )));
    }
    // As long as any from the beginning, so that no copy is left behind where it would have grown.
    let mut text = Zeroizing::new(String::with_capacity(ERASURE_LEDGER_TOKEN_BYTES_MAX + 1));
    file.take(ERASURE_LEDGER_TOKEN_BYTES_MAX as u64 + 1).read_to_string(&mut text).map_err(fail)?;
    let token = text.trim_end_matches(['\r', '\n']);
    let is_one = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    match is_one && text.len() <= ERASURE_LEDGER_TOKEN_BYTES_MAX {
        true => Ok(Zeroizing::new(token.to_owned())),
        false => Err(Failure::Failed(format!("{what} holds no token"))),
    }
}

/// Opens the ledger that is configured. One that cannot be read stops the start: nobody would know what it has. Behind a restore it
/// must be there: an empty one in the place of a disk that is not mounted would let the erased come back.
pub(super) fn open(
    config: &Config,
    keyring: &Keyring,
) -> Result<Option<Arc<ErasureLedger>>, Failure> {
    let Some(named) = &config.erasure_ledger else { return Ok(None) };
    let (token, authorities) =
        (config.erasure_ledger_token_file.as_deref(), config.erasure_ledger_ca_file.as_deref());
    let place = place(named, token, authorities)?;
    let fail = |error| Failure::storage(&format!("the ledger of erasures at {named}"), &error);
    if let Some(mark) = due(&config.directory)? {
        let ledger = match mark {
            Some(mark) => ErasureLedger::since(&mark, &place, keyring.chain()),
            None => ErasureLedger::existing(&place, keyring.chain()),
        };
        return match ledger {
            Err(LedgerError::PutBack) => {
                let why = "has not the lines any more that it had when the vault was restored";
                Err(Failure::Failed(format!("the ledger of erasures at {named} {why}")))
            }
            ledger => ledger.map(|ledger| Some(Arc::new(ledger))).map_err(fail),
        };
    }
    ErasureLedger::open(&place, keyring.chain()).map(|ledger| Some(Arc::new(ledger))).map_err(fail)
}

/// Whether the ledger that is configured, if one is, is where a start would find or begin it, and the files beside it are what they
/// should be. A ledger at a URL is not asked for.
pub(super) fn check(config: &Config) -> Result<(), Failure> {
    let Some(named) = &config.erasure_ledger else { return Ok(()) };
    let (token, authorities) =
        (config.erasure_ledger_token_file.as_deref(), config.erasure_ledger_ca_file.as_deref());
    let place = place(named, token, authorities)?;
    let SecondPlace::File(path) = named else { return Ok(()) };
    let what = format!("the ledger of erasures at {named}");
    // Only a vault that was not restored since begins one.
    if path.exists() || due(&config.directory)?.is_some() {
        let looked = ErasureLedger::unjudged_at(&place);
        return looked.map(drop).map_err(|error| Failure::failed(&what, &error));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder.is_none_or(Path::is_dir) {
        true => Ok(()),
        false => Err(Failure::Failed(format!("{what}: its directory is not there"))),
    }
}

/// Says that the next start has to find the ledger, and how far it goes at least.
pub(super) fn is_due(directory: &Path, mark: &LedgerMark) -> std::io::Result<()> {
    let mut file = std::fs::File::create(directory.join(layout::LEDGER_DUE))?;
    file.write_all(mark.to_text().as_bytes())?;
    file.sync_all()?;
    sync_directory(directory)
}

/// Whether the ledger was not replayed since the vault was restored, and how far it went then; a program from before did not say how far.
fn due(directory: &Path) -> Result<Option<Option<LedgerMark>>, Failure> {
    let text = match std::fs::read_to_string(directory.join(layout::LEDGER_DUE)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| Failure::storage("ledger-due", &error))?,
    };
    match LedgerMark::parse(&text) {
        None if !text.is_empty() => Err(Failure::Storage("ledger-due is damaged".into())),
        mark => Ok(Some(mark)),
    }
}

/// It was found and replayed.
fn is_done(directory: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(directory.join(layout::LEDGER_DUE)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| sync_directory(directory)),
    }
}

/// Opens the ledger that a restore is given.
pub(super) fn existing(place: &LedgerPlace, keyring: &Keyring) -> Result<ErasureLedger, Failure> {
    ErasureLedger::existing(place, keyring.chain())
        .map_err(|error| Failure::storage("the ledger of erasures", &error))
}

/// Carries out again what the store does not know of, and brings what the ledger does not have into it.
pub(super) async fn agree(config: &Config, rooms: &Rooms) -> Result<(), Failure> {
    let Some(ledger) = &rooms.erasures else { return Ok(()) };
    let Rooms { store, seal, access, trail, clock, random, .. } = rooms;
    let replayed =
        replay_erasures(ledger, clock.now(), store, seal, access, trail, &**random).await;
    let Replayed { erasures, records, beside } = replayed
        .map_err(|error| Failure::storage("erasures cannot be carried out again", &error))?;
    is_done(&config.directory)
        .map_err(|error| Failure::storage("the vault's directory", &error))?;
    if erasures > 0 {
        tracing::warn!(erasures, records, beside, "erasures of the ledger were carried out again");
    }
    if let Err(error) = tell_erasures(store, trail, ledger).await {
        tracing::error!(%error, "the second place does not take erasures: certificates wait");
    }
    Ok(())
}
