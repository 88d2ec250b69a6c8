//! `gridvault serve`: opens a vault, or waits sealed for whoever opens it, and serves it until told to stop or to seal.
//! Never keeps serving after a fault of the trail: the process ends with status 4.
//! A stop lets open requests finish, records itself and publishes the log; sealing then executes the process anew.

use super::failure::Failure;
use super::vault::{self, Vault};
use super::{print, retention, runtime, snapshots, unsealing};
use crate::config::{Config, Overrides};
use crate::http::{Serving, serve};
use crate::limits::{CONNECTIONS_COUNT_MAX, FILES_COUNT_MAX, HEARTBEAT_INTERVAL};
use crate::trail::{Announcement, Trail, TrailFault};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

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
    /// Start sealed, whatever is at hand, and wait for `gridvault unseal`.
    #[arg(long)]
    sealed: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let overrides = Overrides {
        listen: arguments.listen.clone(),
        passphrase_file: arguments.passphrase_file.clone(),
    };
    let config = Config::load(&arguments.dir, &overrides)
        .map_err(|error| Failure::failed("the configuration", &error))?;
    let sealed = arguments.sealed || (config.start_sealed && config.passphrase_file.is_none());
    let keyring = if sealed { None } else { Some(vault::unlock(&config)?) };
    let ending = runtime()?.block_on(async {
        let serving = bind(&config).await?;
        let address = serving.address().map_err(|e| Failure::failed("the listener", &e))?;
        let vault = match keyring {
            Some(keyring) => vault::open(&config, keyring).await?,
            None => {
                print(&format!("sealed on  http://{address}"));
                match unsealing::wait(&serving, &config).await? {
                    Some(vault) => vault,
                    None => return Ok(Ending::Stopped),
                }
            }
        };
        print(&format!("serving on http://{address}"));
        print(&format!("log key    {}", vault.log_key));
        until_stopped(serving, vault).await
    })?;
    ending.then(&config.directory)
}

/// Why a vault ended that had no fault.
pub(super) enum Ending {
    /// It was told to stop.
    Stopped,
    /// It was told to seal itself; where it served.
    Sealed(SocketAddr),
}

impl Ending {
    /// What follows: nothing, or the same process anew, which waits sealed at the same address. Executing gives it another
    /// memory: no key and no value of before is in it.
    pub(super) fn then(self, directory: &Path) -> Result<(), Failure> {
        let Ending::Sealed(address) = self else { return Ok(()) };
        // A program that was replaced meanwhile has no path any more; the one that runs still has this.
        let program = std::env::current_exe().ok().filter(|path| path.exists());
        let program = program.unwrap_or_else(|| PathBuf::from("/proc/self/exe"));
        let failed = std::process::Command::new(program)
            .args(["serve", "--sealed", "--listen", &address.to_string(), "--dir"])
            .arg(directory)
            .exec();
        Err(Failure::failed("the vault is sealed, and its process cannot begin anew", &failed))
    }
}

pub(super) async fn bind(config: &Config) -> Result<Serving, Failure> {
    let what = format!("the address {} cannot be listened on", config.listen);
    Serving::bind(config.listen).await.map_err(|error| Failure::failed(&what, &error))
}

/// Serves until a signal, a fault or the word of an administrator, then ends in order.
pub(super) async fn until_stopped(serving: Serving, vault: Vault) -> Result<Ending, Failure> {
    allow_descriptors();
    let address = serving.address().map_err(|e| Failure::failed("the listener", &e))?;
    let trail = vault.rooms.trail.clone();
    let mut told = Signals::listen()?;
    let seal_asked = vault.rooms.seal_asked.clone();
    let heart = tokio::spawn(beat(trail.clone()));
    let pruning = tokio::spawn(retention::tend(vault.retention, trail.clone()));
    let keeping = tokio::spawn(snapshots::tend(vault.snapshots, trail.clone()));
    let (fault_sender, fault) = tokio::sync::oneshot::channel::<Arc<TrailFault>>();
    let watched = trail.clone();
    let stop = async move {
        tokio::select! {
            () = told.stop() => Ending::Stopped,
            () = seal_asked.notified() => Ending::Sealed(address),
            fault = watched.fault() => {
                let _nobody_waits = fault_sender.send(fault);
                Ending::Stopped
            }
        }
    };
    let ending = serve(serving, vault.rooms.clone(), stop).await;
    heart.abort();
    pruning.abort();
    keeping.abort();
    if let Some(metrics) = vault.metrics {
        metrics.abort();
    }
    drop(vault.scrub);
    // What was not confirmed yet goes out after the next start.
    drop(vault.shipper);
    if let Ok(fault) = fault.await {
        return Err(Failure::from(&*fault));
    }
    trail.stop().await.map_err(|fault| Failure::from(&*fault))?;
    Ok(ending)
}

/// The signals that ask a process to stop.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Signals, Failure> {
        let handler = |kind| signal(kind).map_err(|e| Failure::failed("signals", &e));
        let terminate = handler(SignalKind::terminate())?;
        Ok(Signals { terminate, interrupt: handler(SignalKind::interrupt())? })
    }

    /// Resolves with the first of them.
    pub(super) async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
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

/// Says that the vault lives, and what was refused without an entry of its own.
async fn beat(trail: Arc<Trail>) {
    let mut ticks = tokio::time::interval(HEARTBEAT_INTERVAL);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let summarised = trail.summarise_refusals().await;
        let alive = trail.announce_keeping(Announcement::Heartbeat).await;
        if summarised.is_err() || alive.is_err() {
            return;
        }
    }
}
