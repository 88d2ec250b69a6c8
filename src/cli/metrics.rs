//! Serves the numbers of a running vault where an operator's collector fetches them.
//! Never anywhere but on loopback, and not at all unless an address is configured.
//! An address that is taken stops the start: a vault that is believed to be watched and is not is worse than none.

use super::failure::Failure;
use crate::config::Config;
use crate::http::{Measured, MetricsListener, Rooms};
use crate::jobs::{Expiry, Rotation, Scrub};
use crate::oversight::{Retention, Shipper};
use tokio::task::JoinHandle;

/// Starts it, if an address is configured.
pub(super) async fn start(
    config: &Config,
    rooms: &Rooms,
    (scrub, expiry, rotation, retention): (&Scrub, &Expiry, &Rotation, &Retention),
    shipper: Option<&Shipper>,
) -> Result<Option<JoinHandle<()>>, Failure> {
    let Some(address) = config.metrics_listen else { return Ok(None) };
    let what = format!("the address {address} of the metrics cannot be listened on");
    let listener = MetricsListener::bind(address).await;
    let listener = listener.map_err(|error| Failure::failed(&what, &error))?;
    // With port 0 in the configuration nobody else could say where.
    let bound = listener.address().map_err(|error| Failure::failed(&what, &error))?;
    tracing::info!("the numbers are served at http://{bound}/metrics");
    let seal = rooms.seal.clone();
    let (months_of, clock) = (rooms.seal.clone(), rooms.clock.clone());
    let measured = Measured {
        trail: rooms.trail.clone(),
        log: rooms.log.clone(),
        index: rooms.index.clone(),
        scrub: Box::new(scrub.watch()),
        expiry: Box::new(expiry.watch()),
        rotation: Box::new(rotation.watch()),
        pruning_fails: Box::new(retention.watch()),
        key_uses: Box::new(move || seal.key_uses()),
        context_months: Box::new(move || months_of.context_months(clock.now())),
        anomalies: rooms.anomalies.clone(),
        shipped: shipper.map(|shipper| Box::new(shipper.watch()) as _),
        started_seconds: rooms.clock.now().seconds(),
    };
    Ok(Some(tokio::spawn(listener.serve(measured))))
}
