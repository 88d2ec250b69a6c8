//! `gridvault serve`: opens a vault and serves it until told to stop.
//! Never keeps serving after a fault of the trail: the process ends with status 4.
//! A stop lets open requests finish, records itself and publishes the log.

use super::failure::Failure;
use super::vault::{self, Vault};
use super::{print, retention, runtime};
use crate::config::{Config, Overrides};
use crate::http::{Serving, serve};
use crate::limits::{CONNECTIONS_COUNT_MAX, FILES_COUNT_MAX, HEARTBEAT_INTERVAL};
use crate::trail::{Announcement, Trail, TrailFault};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

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
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let overrides = Overrides {
        listen: arguments.listen.clone(),
        passphrase_file: arguments.passphrase_file.clone(),
    };
    let config = Config::load(&arguments.dir, &overrides)
        .map_err(|error| Failure::failed("the configuration", &error))?;
    let keyring = vault::unlock(&config)?;
    runtime()?.block_on(async {
        let serving = bind(&config).await?;
        let vault = vault::open(&config, keyring).await?;
        let address = serving.address().map_err(|e| Failure::failed("the listener", &e))?;
        print(&format!("serving on http://{address}"));
        print(&format!("log key    {}", vault.log_key));
        until_stopped(serving, vault).await
    })
}

pub(super) async fn bind(config: &Config) -> Result<Serving, Failure> {
    let what = format!("the address {} cannot be listened on", config.listen);
    Serving::bind(config.listen).await.map_err(|error| Failure::failed(&what, &error))
}

/// Serves until a signal or a fault, then ends in order.
pub(super) async fn until_stopped(serving: Serving, vault: Vault) -> Result<(), Failure> {
    allow_descriptors();
    let trail = vault.rooms.trail.clone();
    let handler = |kind| signal(kind).map_err(|e| Failure::failed("signals", &e));
    let mut terminate = handler(SignalKind::terminate())?;
    let mut interrupt = handler(SignalKind::interrupt())?;
    let heart = tokio::spawn(beat(trail.clone()));
    let pruning = tokio::spawn(retention::tend(vault.retention, trail.clone()));
    let (fault_sender, fault) = tokio::sync::oneshot::channel::<Arc<TrailFault>>();
    let watched = trail.clone();
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            fault = watched.fault() => {
                let _nobody_waits = fault_sender.send(fault);
            }
        }
    };
    serve(serving, vault.rooms.clone(), stop).await;
    heart.abort();
    pruning.abort();
    if let Some(metrics) = vault.metrics {
        metrics.abort();
    }
    // What was not confirmed yet goes out after the next start.
    drop(vault.shipper);
    if let Ok(fault) = fault.await {
        return Err(Failure::from(&*fault));
    }
    trail.stop().await.map_err(|fault| Failure::from(&*fault))
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
