//! `gridvault serve`: opens a vault, or waits sealed for whoever opens it, and serves it until told to stop or to seal.
//! Never keeps serving after a fault of the trail: the process ends with status 4.
//! A stop lets open requests finish, records itself and publishes the log; sealing then executes the process anew.

use super::failure::Failure;
use super::signals::Signals;
use super::vault::{self, Vault};
use super::{await_unseal, clock, handover, print, retention, runtime, snapshots};
use crate::ambient::{Clock as _, HostClock};
use crate::ceremony::OpenWays;
use crate::config::{Config, Overrides};
use crate::http::{Serving, Stop, serve};
use crate::limits::{
    CONNECTIONS_COUNT_MAX, FILES_COUNT_MAX, HANDOVER_WAIT_MAX, HEARTBEAT_INTERVAL,
};
use crate::seal::{KeyUses, Seal};
use crate::trail::{Announcement, Trail, TrailFault};
use crate::unlock::WatchedToken;
use gridvault_keys::KeyringLock;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The vault's directory.
    #[arg(long, env = "GRIDVAULT_DIR")]
    dir: PathBuf,
    /// Address to listen on.
    #[arg(long, env = "GRIDVAULT_LISTEN")]
    listen: Option<String>,
    /// The file that holds the passphrase of the root key.
    #[arg(long, env = "GRIDVAULT_PASSPHRASE_FILE")]
    passphrase_file: Option<PathBuf>,
    /// The file that holds the PIN of the token.
    #[arg(long, env = "GRIDVAULT_PIN_FILE", conflicts_with = "passphrase_file")]
    pin_file: Option<PathBuf>,
    /// The host's clock is right, though the log's last entry is of a later time: it was written by a clock that was ahead. For one start.
    #[arg(long)]
    believe_clock: bool,
    /// Start sealed, whatever is at hand, and wait for `gridvault unseal`.
    #[arg(long)]
    sealed: bool,
    /// Take the listening socket from standard input: what a process that seals itself hands to the one that follows it.
    #[arg(long, requires = "listen")]
    listener_on_stdin: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let overrides = Overrides {
        listen: arguments.listen.clone(),
        passphrase_file: arguments.passphrase_file.clone(),
        pin_file: arguments.pin_file.clone(),
        believe_clock: arguments.believe_clock,
    };
    let config = Config::load(&arguments.dir, &overrides)
        .map_err(|error| Failure::failed("the configuration", &error))?;
    if !config.listen.ip().is_loopback() {
        tracing::warn!(
            listen = %config.listen,
            "the vault speaks HTTP without TLS to other hosts: listen on loopback behind a proxy with TLS (docs/operating.md)"
        );
    }
    let waits = starts_sealed(arguments, &config);
    if waits && !config.unseal_from_network && config.listen.ip() == Ipv6Addr::LOCALHOST {
        refuse_to_wait(arguments)?;
    }
    let held = hold(arguments, &config)?;
    let opened = if waits { None } else { Some(vault::unlock(&config, &held)?) };
    let runtime = runtime()?;
    let ending = runtime.block_on(async {
        let serving =
            if arguments.listener_on_stdin { taken(&config)? } else { bind(&config).await? };
        let address = serving.address().map_err(|e| Failure::failed("the listener", &e))?;
        let (vault, token, told) = match opened {
            Some((keyring, token)) => {
                (vault::open(&config, keyring).await?, token, Signals::listen()?)
            }
            None => {
                let mut told = Signals::listen()?;
                print(&format!("sealed on  http://{address}"));
                match await_unseal::wait(&serving, &config, &held, &mut told).await? {
                    Some((vault, token)) => (vault, token, told),
                    None => return Ok(Ending::Stopped),
                }
            }
        };
        print(&format!("serving on http://{address}"));
        print(&format!("log key    {}", vault.log_key));
        until_stopped(serving, vault, token, told).await
    })?;
    // A token that does not answer must not keep the process: what is left of it ends with it.
    runtime.shutdown_background();
    ending.then(&config.directory)
}

/// At `[::1]` nothing tells the host itself from a proxy on it, so nobody opens what waits there. A vault that was sealed by its administrator
/// stays so all the same: closing comes first.
fn refuse_to_wait(arguments: &Arguments) -> Result<(), Failure> {
    let why = "nobody can open a vault that waits sealed at [::1]";
    if arguments.listener_on_stdin {
        tracing::error!("{why}: start it anew, with what opens it or at 127.0.0.1");
        return Ok(());
    }
    Err(Failure::Usage(format!("{why}: listen at 127.0.0.1, or say unseal_from_network")))
}

/// Between two looks at whether another process gave the keys back.
const LOOK_TIME: Duration = Duration::from_millis(100);

/// Takes the keys. A process that seals itself lets go of them when it executes itself anew, and whoever replaces the root key
/// may come first: then the vault waits for it, whoever calls waits too, and it begins with the envelopes that are in force.
fn hold(arguments: &Arguments, config: &Config) -> Result<KeyringLock, Failure> {
    let clock = HostClock::new();
    let begun = clock.monotonic();
    let waits = || {
        let passed = Duration::from_micros(clock.monotonic().saturating_sub(begun));
        arguments.listener_on_stdin && passed < HANDOVER_WAIT_MAX
    };
    while vault::are_held(config) && waits() {
        std::thread::sleep(LOOK_TIME);
    }
    vault::hold(config)
}

/// Whether the vault waits for whoever opens it. What the configuration says holds whatever else is at hand: a passphrase file
/// that somebody names on the way must not open what its owner wants opened by people.
fn starts_sealed(arguments: &Arguments, config: &Config) -> bool {
    let named = config.passphrase_file.is_some() || config.pin_file.is_some();
    if config.start_sealed && !arguments.sealed && named {
        tracing::warn!(
            "the configuration says start_sealed: the passphrase or PIN file is not used"
        );
    }
    arguments.sealed || config.start_sealed
}

/// Why a vault ended that had no fault.
pub(super) enum Ending {
    /// It was told to stop.
    Stopped,
    /// It was told to seal itself: the socket that it listened on, and whether it was told to stop since.
    Sealed(TcpListener, Signals),
}

impl Ending {
    /// What follows: nothing, or the same process anew, which waits sealed with the same socket.
    pub(super) fn then(self, directory: &Path) -> Result<(), Failure> {
        match self {
            Ending::Sealed(socket, told) if !told.last_asked() => {
                Err(handover::execute_sealed(socket, directory))
            }
            Ending::Sealed(..) | Ending::Stopped => Ok(()),
        }
    }
}

fn taken(config: &Config) -> Result<Serving, Failure> {
    let socket = handover::take(config.listen)?;
    Serving::over(socket).map_err(|error| Failure::failed("the listener", &error))
}

async fn bind(config: &Config) -> Result<Serving, Failure> {
    bind_to(config.listen).await
}

pub(super) async fn bind_to(address: SocketAddr) -> Result<Serving, Failure> {
    let what = format!("the address {address} cannot be listened on");
    Serving::bind(address).await.map_err(|error| Failure::failed(&what, &error))
}

/// Serves until a signal, a fault or the word of an administrator, then ends in order.
pub(super) async fn until_stopped(
    serving: Serving,
    vault: Vault,
    token: Option<WatchedToken>,
    mut told: Signals,
) -> Result<Ending, Failure> {
    allow_descriptors();
    let trail = vault.rooms.trail.clone();
    let seal_asked = vault.rooms.seal_asked.clone();
    vault.rotation.go_on();
    let heart = tokio::spawn(beat(trail.clone(), vault.rooms.seal.clone()));
    let looking = tokio::spawn(clock::tend(trail.clone()));
    let pruning = tokio::spawn(retention::tend(vault.retention, trail.clone()));
    let keeping = tokio::spawn(snapshots::tend(vault.snapshots, trail.clone()));
    let (fault_sender, fault) = tokio::sync::oneshot::channel::<Arc<TrailFault>>();
    let ways = vault.rooms.ways.clone();
    let mut lost_token = None;
    let stop = async {
        tokio::select! {
            () = told.stop() => Stop::ForGood,
            serial = gone(token, &ways) => {
                lost_token = Some(serial);
                Stop::HandOverAtOnce
            }
            () = seal_asked.notified() => Stop::HandOver,
            fault = trail.fault() => {
                let _nobody_waits = fault_sender.send(fault);
                Stop::ForGood
            }
        }
    };
    let kept = serve(serving, vault.rooms.clone(), stop).await;
    heart.abort();
    looking.abort();
    pruning.abort();
    keeping.abort();
    if let Some(metrics) = vault.metrics {
        metrics.abort();
    }
    drop(vault.scrub);
    drop(vault.expiry);
    drop(vault.rotation);
    // What was not confirmed yet goes out after the next start.
    drop(vault.shipper);
    if let Ok(fault) = fault.await {
        return Err(Failure::from(&*fault));
    }
    if let Some(serial) = lost_token {
        // Recorded or not, the vault is sealed.
        let _unrecordable = trail.announce(Announcement::TokenGone { serial }).await;
    }
    trail.stop().await.map_err(|fault| Failure::from(&*fault))?;
    let Some(serving) = kept else { return Ok(Ending::Stopped) };
    let socket = serving.into_socket().map_err(|e| Failure::failed("the listener", &e))?;
    Ok(Ending::Sealed(socket, told))
}

/// Resolves with its serial number when the token is gone that opened the vault, or the key in it that followed; never where none
/// did, or where a token is no way any more.
async fn gone(mut token: Option<WatchedToken>, ways: &OpenWays) -> String {
    let mut changes = ways.changes();
    while let Some(watched) = &token {
        tokio::select! {
            () = watched.gone() => return watched.serial(),
            Ok(()) = changes.changed() => {
                token = watched.following(&changes.borrow_and_update());
            }
        }
    }
    std::future::pending().await
}

/// Takes as many descriptors as connections and files may need, where the host's hard limit allows it. Fewer are no fault:
/// then connections beyond them wait in the kernel's backlog.
fn allow_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = (CONNECTIONS_COUNT_MAX + FILES_COUNT_MAX) as u64;
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    let allowed = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    limit.current = Some(allowed);
    if setrlimit(Resource::Nofile, limit).is_err() || allowed < wanted {
        tracing::warn!(wanted, allowed, "fewer descriptors than connections may need");
    }
}

/// Says that the vault lives, and what was refused without an entry of its own; makes uses of keys durable ahead.
async fn beat(trail: Arc<Trail>, seal: Arc<Seal>) {
    let mut ticks = tokio::time::interval(HEARTBEAT_INTERVAL);
    let mut told = Vec::new();
    ticks.tick().await;
    loop {
        reserve(&seal, &mut told).await;
        ticks.tick().await;
        // A disk that is full for a while, or a moment of overload, ends none of what comes after it.
        let summarised = trail.summarise_refusals().await.map(drop);
        let alive = trail.announce_keeping(Announcement::Heartbeat).await.map(drop);
        if let Err(error) = summarised.and(alive) {
            tracing::warn!(%error, "the vault cannot say that it lives");
        }
    }
}

/// Whoever seals never waits for this. What cannot be written is tried again, long before it is needed.
async fn reserve(seal: &Arc<Seal>, told: &mut Vec<&'static str>) {
    let reserving = seal.clone();
    let reserved = tokio::task::spawn_blocking(move || reserving.reserve_uses()).await;
    if let Ok(Err(error)) = reserved {
        tracing::error!(%error, "uses of keys cannot be counted ahead");
    }
    for uses in seal.key_uses().iter().filter(|uses| uses.is_near_its_end()) {
        let KeyUses { kind, most, max } = *uses;
        if !told.contains(&kind) {
            tracing::warn!(kind, most, max, "a key has four fifths of its uses: rotate it");
            told.push(kind);
        }
    }
}
