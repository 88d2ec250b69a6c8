//! Numbers for whoever operates the vault, in the text form of OpenMetrics, on a listener of their own.
//! Never a label by actor, grid, record or address: counts that go with a name would tell what the log keeps for auditors.
//! Loopback alone, because whoever reaches it needs no token.

use crate::jobs::{ExpiryState, RotationProgress, ScrubState};
use crate::limits::{ACCEPT_PAUSE, HEADER_TIME_MAX, METRICS_CONNECTIONS_COUNT_MAX};
use crate::oversight::{Anomalies, Index, LogReader};
use crate::seal::KeyUses;
use crate::trail::{GROUP_SIZES, GroupSizes, Space, Trail};
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is measured.
pub struct Measured {
    /// The trail.
    pub trail: Arc<Trail>,
    /// The published log.
    pub log: LogReader,
    /// Its search index.
    pub index: Index,
    /// How the scrub goes.
    pub scrub: Box<dyn Fn() -> ScrubState + Send + Sync>,
    /// How the removal of what is past its end goes.
    pub expiry: Box<dyn Fn() -> ExpiryState + Send + Sync>,
    /// How a rotation of keys goes.
    pub rotation: Box<dyn Fn() -> RotationProgress + Send + Sync>,
    /// Whether the log's old entries cannot be pruned.
    pub pruning_fails: Box<dyn Fn() -> bool + Send + Sync>,
    /// How often the keys that seal were used.
    pub key_uses: Box<dyn Fn() -> [KeyUses; 4] + Send + Sync>,
    /// For how many months there are keys of contexts.
    pub context_months: Box<dyn Fn() -> usize + Send + Sync>,
    /// What is out of the ordinary in it.
    pub anomalies: Anomalies,
    /// Entries that the receiver has confirmed, where there is one.
    pub shipped: Option<Box<dyn Fn() -> u64 + Send + Sync>>,
    /// When the process started, in seconds since 1970.
    pub started_seconds: i64,
}

/// A listener that is bound and not yet serving.
pub struct MetricsListener {
    listener: TcpListener,
}

impl MetricsListener {
    /// Binds an address of loopback.
    ///
    /// # Errors
    /// The system's, when the address is taken or not ours.
    pub async fn bind(address: SocketAddr) -> std::io::Result<MetricsListener> {
        Ok(MetricsListener { listener: TcpListener::bind(address).await? })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is aborted.
    pub async fn serve(self, measured: Measured) {
        let measured = Arc::new(measured);
        let places = Arc::new(Semaphore::new(METRICS_CONNECTIONS_COUNT_MAX));
        loop {
            let (accepted, place) =
                (self.listener.accept().await, places.clone().try_acquire_owned());
            let Ok((stream, _)) = accepted else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            // Whoever asks so often is closed without a word.
            let Ok(place) = place else { continue };
            let measured = measured.clone();
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let answer = answer(&request, &measured);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIME_MAX)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                let _ended_or_too_slow =
                    tokio::time::timeout(2 * HEADER_TIME_MAX, connection).await;
                drop(place);
            });
        }
    }
}

fn answer(request: &Request<hyper::body::Incoming>, measured: &Measured) -> Response<Body> {
    let plain = |status| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED);
    }
    let mut text = String::new();
    if encode(&mut text, &registry(measured)).is_err() {
        return plain(StatusCode::INTERNAL_SERVER_ERROR);
    }
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// Everything as it is now.
fn registry(measured: &Measured) -> Registry {
    let Measured { trail, log, started_seconds, .. } = measured;
    let readings = trail.readings();
    let published = log.size().unwrap_or(readings.published);
    let mut registry = Registry::with_prefix("gridvault");
    let entries = ConstCounter::new(readings.appended.max(published));
    registry.register("log_entries", "Entries that are durable", entries);
    let refused = ConstCounter::new(readings.refused);
    registry.register("refusals", "Refusals of this run, recorded or only counted", refused);
    let damaged = ConstCounter::new(readings.damaged);
    let help = "Requests of this run that met something stored which is not what was written";
    registry.register("damage_met", help, damaged);
    let groups = Groups(readings.groups);
    registry.register("group_entries", "Entries that were made durable together", groups);
    let number = |value: u64| value as f64;
    let room = trail.space();
    let age = readings.checkpoint_age.map(|age| age.as_secs_f64());
    let always = [
        ("start_time_seconds", "When the process started, since 1970", *started_seconds as f64),
        ("writable", "1 while entries can be recorded", f64::from(trail.is_writable())),
        ("journal_unmarked_bytes", "Journal that a start reads", number(readings.unmarked_bytes)),
        (
            "log_unintegrated_bytes",
            "Durable entries that are not in the log yet",
            number(readings.unintegrated_bytes),
        ),
        ("checkpoint_entries", "Entries that the last checkpoint covers", number(published)),
        ("disk_low", "1 while nothing new is stored", f64::from(room >= Space::Low)),
        ("disk_spent", "1 while nothing at all is recorded", f64::from(room == Space::Spent)),
    ];
    let doubt = trail.clock_doubt().map_or(0, |doubt| doubt.apart_seconds());
    let doubted = [(
        "clock_doubt_seconds",
        "How far the host's clock is from the time; else 0",
        number(doubt),
    )];
    let aged = age.map(|age| ("checkpoint_age_seconds", "Since the last checkpoint", age));
    let beside = expired(measured).into_iter().chain(rotated(measured)).chain(used(measured));
    let gauges =
        always.into_iter().chain(doubted).chain(aged).chain(scrubbed(measured)).chain(beside);
    for (name, help, value) in gauges.chain(lags(measured, published)) {
        registry.register(name, help, ConstGauge::new(value));
    }
    registry
}

/// Whether the store is what the log says, as far as that is known.
fn scrubbed(measured: &Measured) -> Vec<(&'static str, &'static str, f64)> {
    let ScrubState { rounds, faults, ended_seconds, failing } = (measured.scrub)();
    let mut gauges = vec![
        ("scrub_rounds", "Rounds of the scrub since the start", rounds as f64),
        ("scrub_failing", "1 while the last round came to no end", f64::from(failing)),
    ];
    if rounds > 0 {
        let faults =
            ("scrub_faults", "Records that differ from the log, in the last round", faults as f64);
        let ended =
            ("scrub_time_seconds", "When the last round ended, since 1970", ended_seconds as f64);
        gauges.extend([faults, ended]);
    }
    gauges
}

/// What went at its end, and what of it is still there.
fn expired(measured: &Measured) -> Vec<(&'static str, &'static str, f64)> {
    let ExpiryState { walks, removed, held, left, ended_seconds, failing } = (measured.expiry)();
    let mut gauges = vec![
        ("expiry_removed", "Records removed at their end since the start", removed as f64),
        ("expiry_failing", "1 while the last walk came to no end", f64::from(failing)),
    ];
    if walks > 0 {
        gauges.extend([
            (
                "expiry_held",
                "Records past their end that a law keeps, or a restriction",
                held as f64,
            ),
            ("expiry_left", "Records past their end that could not be removed", left as f64),
            ("expiry_time_seconds", "When the last walk ended, since 1970", ended_seconds as f64),
        ]);
    }
    gauges
}

/// How a rotation of keys goes.
fn rotated(measured: &Measured) -> Vec<(&'static str, &'static str, f64)> {
    let RotationProgress { running, paused, done, keys, failing } = (measured.rotation)();
    vec![
        ("rotation_running", "1 while keys are being replaced", f64::from(running)),
        ("rotation_paused", "1 while that stands still on somebody's word", f64::from(paused)),
        ("rotation_failing", "1 while its last step failed", f64::from(failing)),
        ("rotation_keys", "Keys that the last rotation replaces", f64::from(keys)),
        ("rotation_keys_done", "Keys that it has replaced", f64::from(done)),
    ]
}

/// How much of the uses that a key may have are used, of the one of each kind that was used most often.
fn used(measured: &Measured) -> Vec<(&'static str, &'static str, f64)> {
    let [subjects, context, header, root] =
        (measured.key_uses)().map(|uses| uses.most as f64 / uses.max as f64);
    let near = (measured.key_uses)().iter().any(KeyUses::is_near_its_end);
    let months = (measured.context_months)() as f64;
    vec![
        ("key_uses_subjects", "Used part of what a subject bucket's key may seal", subjects),
        ("key_uses_context", "Used part of what a month's key may seal", context),
        ("key_uses_header", "Used part of what the header key may seal", header),
        ("key_uses_root", "Used part of what the root key may seal", root),
        ("key_uses_near_end", "1 while a key has four fifths of its uses", f64::from(near)),
        ("context_months", "Months that have a key of contexts, this one included", months),
    ]
}

/// How far those are behind who follow the log.
fn lags(measured: &Measured, published: u64) -> Vec<(&'static str, &'static str, f64)> {
    let Measured { trail, index, anomalies, shipped, pruning_fails, .. } = measured;
    let behind = |reached: u64| published.saturating_sub(reached) as f64;
    let (index, anomalies) = (index.state(), anomalies.state());
    let mut lags = vec![
        (
            "index_lag_entries",
            "Published entries that a search does not find yet",
            behind(index.indexed),
        ),
        ("index_failing", "1 while the search index stands still", f64::from(index.failing)),
        (
            "anomalies_lag_entries",
            "Published entries that were not searched for anomalies yet",
            behind(anomalies.through),
        ),
        (
            "anomalies_failing",
            "1 while the search for anomalies stands still",
            f64::from(anomalies.failing),
        ),
        (
            "retention_failing",
            "1 while old entries of the log cannot be pruned",
            f64::from(pruning_fails()),
        ),
    ];
    if let Some(shipped) = shipped {
        let help = "Published entries that the receiver has not confirmed";
        lags.push(("shipper_lag_entries", help, behind(shipped())));
    }
    if trail.asks_witnesses() {
        let lag = trail.witness_lag().unwrap_or_default().as_secs_f64();
        lags.push(("witness_lag_seconds", "Age of the oldest entry without cosignatures", lag));
        let served = f64::from(trail.is_witnessed());
        lags.push(("witnessed", "1 while data is served as far as witnesses go", served));
    }
    lags
}

#[derive(Debug)]
struct Groups(GroupSizes);

impl EncodeMetric for Groups {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let bounds = GROUP_SIZES.iter().map(|bound| *bound as f64).chain([f64::MAX]);
        let buckets: Vec<(f64, u64)> = bounds.zip(self.0.counts).collect();
        let count = self.0.counts.iter().sum();
        encoder.encode_histogram::<NoLabelSet>(self.0.entries as f64, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
