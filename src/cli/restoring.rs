//! `gridvault backup restore`: an empty directory becomes a vault, of any bulk part and the newest key part.
//! Never continues the log before: the first entry of the new one names it, its last checkpoint, and the two who did this.
//! The configuration is written last: until then there is no vault, and what was made can be thrown away.

use super::backup::told;
use super::ceremony::{Consent, OnWord};
use super::failure::Failure;
use super::init::make_directory;
use super::opening::Opening;
use super::parts::{configured, parts_at};
use super::second_place::LedgerArguments;
use super::{found_anew, print, runtime, second_place, snapshots, vault};
use crate::access::ActorId;
use crate::ambient::{Clock as _, HostClock, HostRandom, Micros};
use crate::ceremony::{Told, What, Word};
use crate::config::{Config, ConfigFile, SecondPlace, layout};
use crate::files::{sync_directory, write_new};
use crate::limits::FIRST_CHECKPOINT_WAIT_MAX;
use crate::operations::ring_lacks;
use crate::records::SchemaSet;
use crate::seal::Seal;
use crate::store::{self, EngineKind, Reader};
use crate::trail::{
    Announcement, BulkAt, FileMedia, LedgerAge, LedgerBehind, Media, Rebuilding, Restoration,
    Restored, Restoring, Settings, Surroundings, Trail, rebuild, restore,
};
use gridvault_keys::{BackupIdentity, KeyPart, Keyring, SingleKey};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The bulk part.
    #[arg(long)]
    bulk: PathBuf,
    /// A bulk part before it, of an incremental one; each of them. Without it they are looked for beside it.
    #[arg(long, value_name = "DIR")]
    bulk_before: Vec<PathBuf>,
    /// The newest key part.
    #[arg(long)]
    keys: PathBuf,
    /// The file with the secret of one of its recipients.
    #[arg(long)]
    identity: PathBuf,
    #[command(flatten)]
    opening: Opening,
    /// The library (PKCS#11) of the token that opens the vault, by its whole path.
    #[arg(long, requires = "pin_file")]
    pkcs11_module: Option<PathBuf>,
    /// The public key of the log before, from outside.
    #[arg(long)]
    log_key: String,
    /// The directory of the new vault: empty, or not there.
    #[arg(long)]
    dir: PathBuf,
    /// Origin of the new log, which no log has had.
    #[arg(long)]
    origin: String,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Restore without the ledger, although the vault had one.
    #[arg(long, conflicts_with = "erasure_ledger")]
    without_erasure_ledger: bool,
    #[command(flatten)]
    word: OnWord,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let (consent, now) = (arguments.word.consent()?, HostClock::new().now());
    if !arguments.opening.is_named() {
        return Err(Opening::unsaid());
    }
    let ledger = arguments.ledger.place()?;
    let bulk = BulkAt { directory: &arguments.bulk, before: &arguments.bulk_before };
    let parts = parts_at(&bulk, &arguments.log_key, &arguments.ledger)?;
    consent.is_for(&arguments.origin, What::Restore, &arguments.keys, Some(&parts), now)?;
    let directory = &arguments.dir;
    prepare(directory)?;
    let (file, config) = configuration(arguments)?;
    let part = key_part(arguments)?;
    let mut laid = Laid::of(&part, directory)?;
    let held = vault::hold(&config)?;
    let keyring = Arc::new(arguments.opening.keyring(&config, &held)?);
    laid.open = true;
    let judged =
        ledger.as_ref().map(|place| second_place::existing(place, &keyring)).transpose()?;
    // Its age was judged by its lines alone: the same ones are judged by their tags here, whatever the place shows meanwhile.
    if judged.as_ref().map(|ledger| ledger.opened().digest) != parts.ledger {
        return Err(Failure::Failed("the ledger changed while the vault was restored".into()));
    }
    let in_ledger = judged.as_ref().map(|ledger| ledger.told().len() as u64);
    let settings = vault::settings_of(&config);
    let snapshots = snapshots::directory(directory);
    let log_before = directory.join(layout::LOG_BEFORE);
    let restoring = Restoring {
        bulk,
        log_key: &arguments.log_key,
        keyring: &keyring,
        anew: &part.anew,
        settings: &settings,
        snapshots: &snapshots,
        log_before: &log_before,
        media: Arc::new(FileMedia),
    };
    let restored = restore(&restoring).map_err(|error| told(&error))?;
    if part.origin != restored.origin {
        return Err(Failure::Failed("the key part is of another vault".into()));
    }
    if restored.digest != parts.bulk {
        return Err(Failure::Failed("the bulk part changed while it was read".into()));
    }
    end_what_is_followed(&keyring)?;
    let restorers = Restorers { consent, now, told: in_ledger, age: parts.age };
    let log_key = runtime()?.block_on(begin(&config, settings, keyring, &restored, restorers))?;
    if let Some(ledger) = &judged {
        second_place::is_due(directory, &ledger.opened())
            .map_err(|error| Failure::storage("the directory", &error))?;
    }
    if restored.terms_dead > 0 {
        found_anew::is_due(directory).map_err(|error| Failure::storage("the directory", &error))?;
    }
    file.create(directory).map_err(|error| Failure::failed("the configuration", &error))?;
    sync_directory(directory).map_err(|error| Failure::storage("the directory", &error))?;
    show(&restored, (in_ledger, parts.age), &log_key, json);
    Ok(())
}

/// A vault in which one key followed another begins with the next one alone: under another log's name nothing needs the former.
fn end_what_is_followed(keyring: &Keyring) -> Result<(), Failure> {
    for key in [SingleKey::LogSigning, SingleKey::TokenSigning] {
        if let Some(next) = keyring.epochs_of(key).next {
            keyring
                .destroy_former(key, next)
                .map_err(|error| Failure::storage("the keyring cannot be written", &error))?;
        }
    }
    Ok(())
}

/// Two actors, who are not one.
pub(super) fn two(persons: &[String]) -> Result<[ActorId; 2], Failure> {
    let wrong = || Failure::Usage("name two actors by their ids: --person ID --person ID".into());
    let [first, second] = persons else { return Err(wrong()) };
    let parse = |text: &String| text.parse::<ActorId>().map_err(|_| wrong());
    let two = [parse(first)?, parse(second)?];
    if two[0] == two[1] { Err(wrong()) } else { Ok(two) }
}

fn prepare(directory: &Path) -> Result<(), Failure> {
    if broke_off(directory) {
        return Err(Failure::Failed(
            "the new vault's directory is not empty: it holds what a restore that broke off left; \
             throw it away"
                .into(),
        ));
    }
    make_directory(directory)
}

/// Whether a directory has keys, and no configuration, which a restore writes last. Anything else may be somebody's.
fn broke_off(directory: &Path) -> bool {
    !directory.join(layout::CONFIG).exists()
        && [layout::KEYRING, layout::UNLOCK].iter().all(|name| directory.join(name).exists())
}

/// The keys of a restore, in their places: taken away again unless they open.
struct Laid<'a> {
    directory: &'a Path,
    open: bool,
}

impl<'a> Laid<'a> {
    fn of(part: &KeyPart, directory: &'a Path) -> Result<Laid<'a>, Failure> {
        let unwritten = |error: std::io::Error| Failure::storage("the keys", &error);
        let laid = Laid { directory, open: false };
        write_new(&directory.join(layout::UNLOCK), &part.envelopes).map_err(unwritten)?;
        write_new(&directory.join(layout::KEYRING), &part.keyring).map_err(unwritten)?;
        Ok(laid)
    }
}

impl Drop for Laid<'_> {
    fn drop(&mut self) {
        if self.open {
            return;
        }
        // The directory was empty. What stays all the same is named by the next restore.
        for name in [layout::UNLOCK, layout::KEYRING, layout::KEYRING_USES] {
            let _not_there = std::fs::remove_file(self.directory.join(name));
        }
    }
}

/// Of the configuration of before the sizes alone: nothing signs it, and a path or an address in it could be somebody else's.
fn configuration(arguments: &Arguments) -> Result<(ConfigFile, Config), Failure> {
    let fail =
        |error: &(dyn std::error::Error + 'static)| Failure::failed("the configuration", error);
    let before = configured(&arguments.bulk)?;
    let opening = &arguments.opening;
    let [ledger, token, authorities] = ledger(arguments, before.erasure_ledger.as_deref())?;
    // Nothing signs the one in the bulk part: a path or an address in it is nobody's word. So each key is named here.
    let file = ConfigFile {
        origin: arguments.origin.clone(),
        listen: None,
        store_cache_bytes: before.store_cache_bytes,
        journal_segment_bytes: before.journal_segment_bytes,
        snapshot_journal_bytes: before.snapshot_journal_bytes,
        snapshots_kept: before.snapshots_kept,
        passphrase_file: None,
        pkcs11_module: arguments.pkcs11_module.clone(),
        pin_file: None,
        // As `init` has it: what people bring waits for them.
        start_sealed: opening.by_shares || opening.pin_file.is_some(),
        unseal_from_network: false,
        policies: None,
        witness_policy: None,
        witness_age_seconds_max: None,
        witness_ca_file: None,
        metrics_listen: None,
        audit_retention_months: None,
        audit_keep_from: None,
        scrub_rest_seconds: None,
        expiry_rest_seconds: None,
        erasure_ledger: ledger,
        erasure_ledger_token_file: token.map(PathBuf::from),
        erasure_ledger_ca_file: authorities.map(PathBuf::from),
        rotation_percent: None,
        synthetic: false,
        syslog: None,
    };
    let config = Config::check(&arguments.dir, file.clone(), &opening.overrides());
    let config = config.map_err(|e| fail(&e))?;
    Ok((file, config))
}

/// The ledger that the new vault has, with the files of its token and its authorities. The place in the bulk part is nobody's word, and
/// says all the same that there was one.
fn ledger(arguments: &Arguments, before: Option<&str>) -> Result<[Option<String>; 3], Failure> {
    let LedgerArguments {
        erasure_ledger, erasure_ledger_token_file, erasure_ledger_ca_file, ..
    } = &arguments.ledger;
    let whole = |path: &PathBuf| {
        let path = path.canonicalize();
        let path = path.map_err(|e| Failure::storage("the ledger of erasures", &e))?;
        let no_text = || Failure::Usage("the ledger of erasures: its path is no text".into());
        path.to_str().map(str::to_owned).ok_or_else(no_text)
    };
    match (erasure_ledger, before) {
        (Some(place), _) => {
            let place = match place {
                SecondPlace::File(path) => whole(path)?,
                SecondPlace::Url(url) => url.as_str().to_owned(),
            };
            let token = erasure_ledger_token_file.as_ref().map(whole).transpose()?;
            let authorities = erasure_ledger_ca_file.as_ref().map(whole).transpose()?;
            Ok([Some(place), token, authorities])
        }
        (None, Some(before)) if !arguments.without_erasure_ledger => {
            // Whoever wrote it must not steer the terminal.
            let before: String = before.chars().filter(|letter| !letter.is_control()).collect();
            Err(Failure::Failed(format!(
                "the vault had a ledger of erasures, at {before}: name it (--erasure-ledger), or \
                 say --without-erasure-ledger, and whoever was erased since the bulk part was made \
                 comes back as records that do not open"
            )))
        }
        (None, _) => Ok([const { None }; 3]),
    }
}

/// Who restores, and what they bring beside the parts.
struct Restorers {
    consent: Consent,
    now: Micros,
    /// How many erasures the ledger has, where there is one.
    told: Option<u64>,
    age: LedgerAge,
}

fn key_part(arguments: &Arguments) -> Result<KeyPart, Failure> {
    let identity = BackupIdentity::load(&arguments.identity)
        .map_err(|error| Failure::failed("the file of the secret", &error))?;
    let bytes = std::fs::read(&arguments.keys)
        .map_err(|error| Failure::failed("the key part cannot be read", &error))?;
    KeyPart::open(&bytes, &identity).map_err(|error| Failure::failed("the key part", &error))
}

/// Makes the store of the snapshot, and writes the first entry of the new log. Gives the key of the log.
async fn begin(
    config: &Config,
    settings: Settings,
    keyring: Arc<Keyring>,
    restored: &Restored,
    Restorers { consent, now, told, age }: Restorers,
) -> Result<String, Failure> {
    let (directory, media) = (&config.directory, Arc::new(FileMedia) as Arc<dyn Media>);
    let open = || {
        store::open(&directory.join(layout::STORE), EngineKind::Sled, config.store_cache_bytes)
            .map_err(|error| Failure::storage("the store cannot be opened", &error))
    };
    let (reader, applier) = open()?;
    let rebuilding = Rebuilding {
        settings: &settings,
        snapshots: &snapshots::directory(directory),
        from: Some(restored.snapshot),
        keyring: &keyring,
        media: media.clone(),
    };
    rebuild(applier, &rebuilding).map_err(|fault| Failure::from(&fault))?;
    has_what_the_store_knows(&reader, keyring.clone()).await?;
    // Their keys are those of the moment when the bulk part was made.
    let (persons, word) = consent.judged(&reader, keyring.clone(), now).await?;
    drop(reader);
    let (_reader, applier) = open()?;
    let log_key = gridvault_audit::verifier_key(&config.origin, &keyring.log_signer().public_key());
    let known = keyring.root_id().map(|root| Told::nothing().kept(root)).unwrap_or_default();
    let (clock, random) = (Arc::new(HostClock::new()), Arc::new(HostRandom::new()));
    let around = Surroundings { keyring, clock, random, media };
    let trail = Trail::start(applier, settings, around, Vec::new());
    let trail = trail.map_err(|fault| Failure::from(&fault))?;
    let said = Announcement::Restored(Box::new(Restoration {
        origin: restored.origin.clone(),
        size: restored.size,
        root: restored.root,
        entries: restored.entries,
        rows: restored.rows,
        left_out: restored.left_out,
        persons: persons.map(|person| *person.as_bytes()),
        signed: matches!(word, Word::Signed(_)),
        told,
        age,
    }));
    let recorded = trail.announce_change(said, known).await;
    let recorded =
        recorded.map_err(|error| Failure::storage("the restore cannot be recorded", &error))?;
    // So that the stop's entry brings the first checkpoint into the store.
    let covered = trail.covered_within(recorded.index(), FIRST_CHECKPOINT_WAIT_MAX).await;
    covered.map_err(|error| Failure::storage("no checkpoint covers the restore", &error))?;
    trail.stop().await.map_err(|fault| Failure::from(&*fault))?;
    match recorded.index() {
        0 => Ok(log_key),
        _ => Err(Failure::Storage("the restore is not the first entry of its log".into())),
    }
}

/// A key part from before a change that the store knows of would bring keys back which the log calls destroyed.
async fn has_what_the_store_knows(reader: &Reader, keyring: Arc<Keyring>) -> Result<(), Failure> {
    let schemas = SchemaSet::built_in().map_err(|error| Failure::failed("schemas", &error))?;
    let seal = Seal::new(keyring, Arc::new(schemas));
    let seal = seal.map_err(|error| Failure::failed("the seal cannot start", &error))?;
    let lacks = ring_lacks(reader, &seal).await;
    match lacks.map_err(|error| Failure::storage("what the store knows of its keys", &error))? {
        None => Ok(()),
        Some(what) => Err(Failure::Failed(format!(
            "the key part is older than the bulk part: its keyring is from before {what} that the \
             store knows of; bring a newer key part"
        ))),
    }
}

/// How far a ledger is behind, where it is known.
fn behind(age: LedgerAge) -> Option<u64> {
    match age.behind {
        LedgerBehind::Entries(entries) => Some(entries),
        LedgerBehind::Unknown | LedgerBehind::Unasked => None,
    }
}

fn show(restored: &Restored, (told, age): (Option<u64>, LedgerAge), log_key: &str, json: bool) {
    let Restored { origin, size, entries, rows, left_out, anew, dead, terms_dead, .. } = restored;
    if json {
        let shown = serde_json::json!({
            "before": origin, "size": size, "entries": entries, "rows": rows,
            "left_out": left_out, "wrapped_anew": anew, "dead": dead,
            "terms_dead": terms_dead, "ledger": told,
            "ledger_lacks": told.map(|_| age.lacks), "ledger_behind": behind(age),
            "log_key": log_key,
        });
        print(&shown.to_string());
        return;
    }
    print(&format!("{rows} rows of {origin}, as its first {entries} entries left them"));
    if *left_out > 0 {
        print(&format!(
            "{left_out} rows of reviews were left out: they speak of entries of that log"
        ));
    }
    if *anew > 0 {
        print(&format!(
            "{anew} subject keys are those of the key part, which has them wrapped anew"
        ));
    }
    if *dead > 0 {
        print(&format!(
            "{dead} subject keys are destroyed, of people who were erased since: what is stored of them opens for nobody"
        ));
    }
    if *terms_dead > 0 {
        print(&format!(
            "{terms_dead} index terms are under destroyed keys: the first start makes them anew from the values; what calling systems called those records is lost"
        ));
    }
    if let Some(told) = told {
        print(&format!(
            "{told} erasures in the ledger: those of since are carried out again at the first start"
        ));
    }
    if age.lacks > 0 {
        print(&format!("{} erasures of the log before are not in the ledger", age.lacks));
    }
    if let Some(entries) = behind(age).filter(|entries| *entries > 0) {
        print(&format!(
            "nobody accounts for erasures in {entries} entries that witnesses cosigned"
        ));
    }
    print(&format!("Log key, for the auditors: {log_key}"));
    print(
        "Next: take what else it needs into the new configuration (policies, witnesses of the new log, addresses),",
    );
    print("and compare it with the one in the bulk part, which nothing signs; then serve.");
    print("Tokens of before are void, and whoever follows the feed of changes begins it anew.");
}
