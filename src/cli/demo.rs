//! `gridvault demo`: a fresh vault with an invented community and sample actors, serving on loopback.
//! Never opens a vault that holds anything but invented data: its key lies in a plain file beside it.
//! The data comes in through the same door as any other, stored by the grids' own heads.

use super::failure::Failure;
use super::init::{enrol_first, lay_out, make_directory, platform_place, whole_path};
use super::signals::Signals;
use super::vault::{self, Vault};
use super::{print, runtime, serve};
use crate::access::ActorId;
use crate::ambient::Micros;
use crate::config::{Config, ConfigFile, Overrides, layout};
use crate::files::replace;
use crate::http::{Call, Local, Method};
use crate::identity::{ActorState, AssignmentRecord, ReadinessRecord, SecrecyTerm};
use crate::limits::{FIRST_CHECKPOINT_WAIT_MAX, RETRY_SECONDS, TOKEN_LIFE_SECONDS_MAX};
use crate::records::{MandateId, days_since_epoch};
use crate::synthetic::{self, CityPlan, Extent, Line, LineKind, Post};
use crate::trail::Announcement;
use gridvault_keys::{DemoOnly, Envelope, KeyFile, Keyring, KeyringLock, RootKey, UnlockFile};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The vault's directory; a temporary one if none is named. A demo vault that is there is opened again.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, default_value = crate::config::LISTEN_DEFAULT)]
    listen: SocketAddr,
    /// How many people live in the community.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(30..=400_000))]
    persons: u32,
    /// The same seed gives the same people.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A directory of policies for a fresh vault, instead of those built in.
    #[arg(long)]
    policies: Option<PathBuf>,
}

/// Requests at once while the first data comes in.
const LOADERS_COUNT: usize = 32;
/// How often one line of the first data is tried while the disk is slow.
const TRIES_COUNT_MAX: u32 = 30;
/// The engine's cache of a demo, in bytes.
const CACHE_BYTES: u64 = 256 * 1024 * 1024;
/// The journal's segments of a demo, in bytes.
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

/// An actor of the demo.
struct Sample {
    id: ActorId,
    role: String,
    area: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !arguments.listen.ip().is_loopback() {
        return Err(Failure::Usage("a demo listens on loopback alone".into()));
    }
    let directory = match &arguments.dir {
        Some(directory) => directory.clone(),
        None => std::env::temp_dir().join(format!("gridvault-demo-{}", random_word()?)),
    };
    let ending = runtime()?.block_on(async {
        let overrides = overrides(arguments);
        let fresh = !directory.join(layout::CONFIG).exists();
        // Before anything is made: a port that somebody else has leaves no half of a vault.
        let serving = serve::bind_to(arguments.listen).await?;
        if fresh {
            make(&directory, arguments.policies.as_deref())?;
        }
        let config = load(&directory, &overrides)?;
        let held = vault::hold(&config)?;
        let keyring = unlock(&config, &held)?;
        let vault = vault::open(&config, keyring).await?;
        let address = serving.address().map_err(|e| Failure::failed("the listener", &e))?;
        let (actors, samples) =
            if fresh { fill(&vault, arguments).await? } else { recall(&directory)? };
        let page = describe(&vault, &config, address, &actors, samples)?;
        write_page(&directory, &page)?;
        greet(&directory, &page);
        serve::until_stopped(serving, vault, None, Signals::listen()?).await
    })?;
    ending.then(&directory)
}

/// What a demo does otherwise than its `config` says.
fn overrides(arguments: &Arguments) -> Overrides {
    Overrides {
        listen: Some(arguments.listen.to_string()),
        // Nothing of a demo's is worth a wait: one that was kept while a clock was ahead goes on by the right one, with the entry.
        believe_clock: true,
        ..Overrides::default()
    }
}

fn random_word() -> Result<String, Failure> {
    use crate::ambient::{HostRandom, Random};
    let random: &dyn Random = &HostRandom::new();
    let bytes = random.bytes10().map_err(|error| Failure::failed("a name", &error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn load(directory: &Path, overrides: &Overrides) -> Result<Config, Failure> {
    let config = Config::load(directory, overrides)
        .map_err(|error| Failure::failed("the configuration", &error))?;
    if !config.synthetic {
        return Err(Failure::Failed("this vault is no demo: serve it with \"serve\"".into()));
    }
    Ok(config)
}

fn make(directory: &Path, policies: Option<&Path>) -> Result<(), Failure> {
    make_directory(directory)?;
    let fail = |error| Failure::storage("the demo's keys", &error);
    let root = RootKey::generate().map_err(fail)?;
    let key_file = KeyFile::create(&directory.join("demo.key")).map_err(fail)?;
    let envelope = Envelope::seal_with_key_file(&root, &key_file).map_err(fail)?;
    let file = ConfigFile {
        origin: format!("demo-{}.gridvault.invalid/log", random_word()?),
        listen: None,
        store_cache_bytes: Some(CACHE_BYTES),
        journal_segment_bytes: Some(SEGMENT_BYTES),
        snapshot_journal_bytes: None,
        snapshots_kept: None,
        passphrase_file: None,
        pkcs11_module: None,
        pin_file: None,
        start_sealed: false,
        unseal_from_network: false,
        witness_policy: None,
        witness_age_seconds_max: None,
        witness_ca_file: None,
        metrics_listen: None,
        audit_retention_months: None,
        audit_keep_from: None,
        scrub_rest_seconds: None,
        expiry_rest_seconds: None,
        erasure_ledger: None,
        erasure_ledger_token_file: None,
        erasure_ledger_ca_file: None,
        rotation_percent: None,
        policies: policies.map(whole_path).transpose()?,
        synthetic: true,
        syslog: None,
    };
    lay_out(directory, file, &[envelope], &root).map(drop)
}

/// Opens the keyring with the key file that only a demo has.
pub(super) fn unlock(config: &Config, held: &KeyringLock) -> Result<Keyring, Failure> {
    let fail = |error| Failure::storage("the demo's keys", &error);
    let key_file = KeyFile::load(&config.directory.join("demo.key")).map_err(fail)?;
    let envelopes = UnlockFile::load(&config.directory.join(layout::UNLOCK)).map_err(fail)?;
    let envelope =
        envelopes.first().ok_or_else(|| Failure::Storage("the unlock file is empty".into()))?;
    let synthetic = DemoOnly::data_is_synthetic();
    let root = envelope.open_with_key_file(&key_file, synthetic).map_err(fail)?;
    vault::open_keyring(&config.directory, &root, held)
}

/// Enrols the sample actors and lets the heads of the grids store the community.
async fn fill(vault: &Vault, arguments: &Arguments) -> Result<(Vec<Sample>, Value), Failure> {
    let rooms = &vault.rooms;
    let plan = CityPlan {
        persons: arguments.persons,
        seed: arguments.seed,
        today: rooms.clock.now().local_date(),
        extent: Extent::Community,
    };
    vault::set_territory(vault, synthetic::territory(&plan)).await?;
    let mut actors = Vec::new();
    for member in synthetic::staff(&plan) {
        let state = if member.reserve { ActorState::Reserve } else { ActorState::Active };
        let posts = member.posts.iter().map(|post| place(vault, post));
        let posts = posts.collect::<Result<Vec<_>, Failure>>()?;
        let id = enrol_first(vault, &member.login, state, posts, None).await?;
        let post = member.first();
        actors.push(Sample { id, role: post.role.to_owned(), area: post.area.clone() });
    }
    let heads = head_tokens(vault, &actors)?;
    let wanted = synthetic::sample(&plan);
    let mut lines = synthetic::lines(&plan, &rooms.schemas, &rooms.purposes).enumerate();
    let local = Local::new(rooms.clone());
    let mut loading = tokio::task::JoinSet::new();
    let mut sample = None;
    loop {
        while loading.len() < LOADERS_COUNT {
            let Some((at, line)) = lines.next() else { break };
            let Some(token) = heads.get(&line.grid).cloned() else {
                return Err(Failure::Failed(format!("grid {} has no head", line.grid)));
            };
            let reference = (at == wanted.line).then_some(wanted.reference);
            loading.spawn(store(local.clone(), token, line, reference));
        }
        match loading.join_next().await {
            None => break,
            Some(Ok(outcome)) => sample = outcome?.or(sample),
            Some(Err(error)) => return Err(Failure::failed("the first data", &error)),
        }
    }
    published(vault).await?;
    let sample = sample.ok_or_else(|| Failure::Failed("the sample person is missing".into()))?;
    Ok((actors, sample))
}

/// A post as the directory keeps it: days are the country's, and one that says no first day counts from now.
fn place(vault: &Vault, post: &Post) -> Result<AssignmentRecord, Failure> {
    let start = |day: jiff::civil::Date| Micros::of_local_day(days_since_epoch(day)).0;
    let now = platform_place(vault, post.role)?;
    let (from, until) = (post.from.map_or(now.from, start), post.until.map(start));
    // Two of a pair agreed on the days of a sample post that is held in windows alone.
    let by_window = vault
        .rooms
        .access
        .with_policy(|policy| policy.role(post.role).is_some_and(|role| role.by_window));
    let window = |until| {
        let id = vault.rooms.random.bytes16().map(MandateId::from_bytes);
        let id = id.map_err(|error| Failure::failed("a window", &error))?;
        Ok::<_, Failure>(vec![(id, from, until)])
    };
    let windows = until.filter(|_| by_window).map(window).transpose()?;
    Ok(AssignmentRecord {
        area: post.area.clone(),
        line: post.line.map(str::to_owned),
        lead: post.lead,
        readiness: ReadinessRecord {
            secrecy_term: post
                .signed
                .then(|| SecrecyTerm { signed: now.from, document: "demo-term".to_owned() }),
            trained_until: post.trained_until.map(start),
        },
        windows,
        from,
        until,
        ..now
    })
}

/// Waits until the log that the page tells a stranger to verify is there to its end.
async fn published(vault: &Vault) -> Result<(), Failure> {
    let trail = &vault.rooms.trail;
    let last = trail
        .announce(Announcement::Heartbeat)
        .await
        .map_err(|error| Failure::storage("the log", &error))?;
    let covered = trail.covered_within(last.index(), FIRST_CHECKPOINT_WAIT_MAX).await;
    covered.map_err(|error| Failure::storage("no checkpoint covers the demo's log", &error))
}

/// A token of the head who answers for each grid; an exclusive unit's is that of its host grid.
fn head_tokens(vault: &Vault, actors: &[Sample]) -> Result<HashMap<String, String>, Failure> {
    let rooms = &vault.rooms;
    let now = rooms.clock.now();
    let territory = rooms.territory.load();
    let mut tokens = HashMap::new();
    for actor in actors.iter().filter(|actor| actor.role == "grid_head") {
        let Some(area) = &actor.area else { continue };
        let token = issue(vault, actor.id)?;
        for grid in territory.grids() {
            let code = grid.code();
            let host = territory.host_of(&code, now.0).map(|host| host.to_string());
            if code.to_string() == *area || host.as_deref() == Some(area) {
                tokens.insert(code.to_string(), token.clone());
            }
        }
    }
    Ok(tokens)
}

fn issue(vault: &Vault, actor: ActorId) -> Result<String, Failure> {
    let now = vault.rooms.clock.now();
    vault
        .rooms
        .identity
        .issue(actor, None, TOKEN_LIFE_SECONDS_MAX, now)
        .map(|token| token.show().to_owned())
        .map_err(|error| Failure::failed("a token", &error))
}

/// Stores one line; gives the samples of the page for the line that is to be the sample.
async fn store(
    local: Local,
    token: String,
    line: Line,
    sample: Option<&'static str>,
) -> Result<Option<Value>, Failure> {
    let path = match line.kind {
        LineKind::Record => "/v1/records",
        LineKind::Household => "/v1/households",
    };
    let call = Call {
        token: Some(&token),
        purpose: Some(&line.purpose),
        body: Some(&line.body),
        ..Call::default()
    };
    let mut tries = 1;
    let (status, answer) = loop {
        let (status, answer) = local.call(Method::POST, path, call).await;
        // A slow disk is no reason to give up: whoever was turned away by load comes again.
        if !matches!(status, 429 | 503) || tries >= TRIES_COUNT_MAX {
            break (status, answer);
        }
        tries += 1;
        tokio::time::sleep(Duration::from_secs(RETRY_SECONDS.into())).await;
    };
    if status != 201 {
        let code = answer["code"].as_str().unwrap_or_default();
        let pointers = answer["pointers"].to_string();
        return Err(Failure::Failed(format!(
            "the first data was refused at {path} for {}: {code} {pointers}",
            line.purpose
        )));
    }
    Ok(sample.map(|reference| {
        let mut people = answer["people"].as_array().into_iter().flatten();
        let person = people.find(|person| person["ref"] == reference).unwrap_or(&Value::Null);
        json!({
            "grid": line.grid,
            "record_id": person["id"],
            "subject_id": person["subject"],
            "purpose": line.purpose,
        })
    }))
}

/// The actors and samples of a demo that is opened again.
fn recall(directory: &Path) -> Result<(Vec<Sample>, Value), Failure> {
    let fail = |error: &(dyn std::error::Error + 'static)| {
        Failure::failed("demo.json of this vault cannot be read; start with a fresh --dir", error)
    };
    let text = std::fs::read_to_string(directory.join("demo.json")).map_err(|e| fail(&e))?;
    let page: Value = serde_json::from_str(&text).map_err(|error| fail(&error))?;
    let actors = page["actors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|actor| {
            let id = actor["id"].as_str().unwrap_or_default();
            Ok(Sample {
                id: id.parse().map_err(|error: crate::access::NotAnActorId| fail(&error))?,
                role: actor["role"].as_str().unwrap_or_default().to_owned(),
                area: actor["grid"].as_str().map(str::to_owned),
            })
        })
        .collect::<Result<Vec<Sample>, Failure>>()?;
    Ok((actors, page["samples"].clone()))
}

fn describe(
    vault: &Vault,
    config: &Config,
    address: SocketAddr,
    actors: &[Sample],
    samples: Value,
) -> Result<Value, Failure> {
    let actors = actors
        .iter()
        .map(|actor| {
            Ok(json!({
                "id": actor.id,
                "role": actor.role,
                "grid": actor.area,
                "token": issue(vault, actor.id)?,
                "password": null,
                "totp_secret": null,
            }))
        })
        .collect::<Result<Vec<Value>, Failure>>()?;
    let log_directory = std::path::absolute(config.directory.join(layout::LOG))
        .map_err(|error| Failure::failed("the log's directory", &error))?;
    Ok(json!({
        "synthetic": true,
        "url": format!("http://{address}"),
        "console": null,
        "log": {"origin": config.origin, "vkey": vault.log_key, "dir": log_directory},
        "actors": actors,
        "samples": samples,
    }))
}

/// Put in its place whole, so that whoever waits for the page reads a whole one, and durably: the vault opens with what it says.
fn write_page(directory: &Path, page: &Value) -> Result<(), Failure> {
    replace(&directory.join("demo.json"), format!("{page:#}\n").as_bytes())
        .map_err(|error| Failure::failed("demo.json cannot be written", &error))
}

fn greet(directory: &Path, page: &Value) {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let url = word(&page["url"]);
    let token_of = |role: &str| {
        let actors = page["actors"].as_array().into_iter().flatten();
        let grid = &page["samples"]["grid"];
        let of_role: Vec<&Value> = actors.filter(|actor| actor["role"] == role).collect();
        let here = of_role.iter().find(|actor| actor["grid"] == *grid).or(of_role.first());
        here.map(|actor| word(&actor["token"])).unwrap_or_default()
    };
    let (worker, auditor) = (token_of("grid_worker"), token_of("compliance_auditor"));
    let (record, purpose) =
        (word(&page["samples"]["record_id"]), word(&page["samples"]["purpose"]));
    let log = word(&page["log"]["dir"]);
    let vkey = word(&page["log"]["vkey"]);
    print("A demo vault is ready. Everyone in it is invented.");
    print(&format!("  directory  {}", directory.display()));
    print(&format!("  actors     {}", directory.join("demo.json").display()));
    print(&format!("  API        {url}/v1"));
    print(&format!("  OpenAPI    {url}/openapi.json"));
    print("A worker reads a resident of the own grid:");
    print(&format!(
        "  curl -s -H 'Authorization: Bearer {worker}' -H 'Purpose: {purpose}' \
         '{url}/v1/records/{record}?fields=name,phone,id_number'"
    ));
    print("An officer reads the log:");
    print(&format!(
        "  curl -s -H 'Authorization: Bearer {auditor}' '{url}/v1/audit/entries?from=0&limit=5'"
    ));
    print("Anyone sees whether the vault is ready:");
    print(&format!("  curl -s '{url}/readyz'"));
    print("A stranger verifies the log:");
    print(&format!("  cargo run --release -p gridvault-audit -- verify {log} --vkey '{vkey}'"));
    print("Stop with Ctrl-C.");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        demo: Arguments,
    }

    #[test]
    fn a_demo_that_was_kept_is_served_again_by_whatever_the_hosts_clock_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let line = ["demo", "--listen", "127.0.0.1:0"];
        let line = Line::try_parse_from(line).expect("a line of a demo");
        make(directory.path(), None).expect("a demo's vault");
        let config = load(directory.path(), &overrides(&line.demo)).expect("its configuration");
        assert!(config.believe_clock);
        let by_itself = load(directory.path(), &Overrides::default()).expect("its configuration");
        assert!(!by_itself.believe_clock, "no file says so");
    }
}
