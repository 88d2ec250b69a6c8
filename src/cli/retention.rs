//! Starts what ends the retention of the log's entries, and keeps it going.
//! Never in a request's way: it looks once an hour, and what it does is an entry.
//! What fails is told and tried again; until then nothing goes.

use super::failure::Failure;
use crate::ambient::Clock;
use crate::config::Config;
use crate::limits::{RETENTION_INTERVAL, RETENTION_WAIT};
use crate::oversight::{LogReader, PruningStep, Retention, RetentionSettings, Reviews, Shipper};
use crate::trail::Trail;
use std::sync::Arc;

/// Before this run has any entry: the last one of the run before is what the clock is held against.
pub(super) fn begin(
    config: &Config,
    log: &LogReader,
    clock: &Arc<dyn Clock>,
) -> Result<Retention, Failure> {
    let settings = RetentionSettings {
        log: log.clone(),
        months: config.audit_retention_months,
        floors: Vec::new(),
    };
    let retention = Retention::new(settings, clock.clone())
        .map_err(|error| Failure::storage("the log cannot be read", &error))?;
    Ok(match config.audit_keep_from {
        Some(from) => retention.keeping(Box::new(move || from)),
        None => retention,
    })
}

/// What an open review gathers stays until it is closed, and what a receiver has not confirmed until it has.
pub(super) fn for_whoever_needs_it(
    retention: Retention,
    reviews: &Arc<Reviews>,
    shipper: Option<&Shipper>,
) -> Retention {
    let reviews = reviews.clone();
    let retention = retention.keeping(Box::new(move || reviews.first_needed()));
    match shipper {
        Some(shipper) => retention.keeping(Box::new(shipper.watch())),
        None => retention,
    }
}

/// Looks at the beginning of the log for as long as it is not aborted.
pub(super) async fn tend(mut retention: Retention, trail: Arc<Trail>) {
    let mut failing = false;
    loop {
        let pause = match retention.step(&trail).await {
            Ok(PruningStep::Nothing) => RETENTION_INTERVAL,
            Ok(PruningStep::Recorded) => RETENTION_WAIT,
            Ok(PruningStep::Pruned(minimum)) => {
                tracing::info!(
                    minimum,
                    "entries of the log were pruned at the end of their retention"
                );
                RETENTION_WAIT
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::error!(%error, "old entries of the log cannot be pruned");
                }
                tokio::time::sleep(RETENTION_INTERVAL).await;
                continue;
            }
        };
        failing = false;
        tokio::time::sleep(pause).await;
    }
}
