//! Sends every entry of the log to a receiver of syslog over TLS, in order, from a thread of its own.
//! Never in a request's way, and never past what the receiver has confirmed: a slow or dead receiver makes it wait, and the
//! log waits for it on the disk. Its position is kept durably; after a restart it goes on there.

mod position;
mod session;

use super::export::Format;
use crate::limits::{
    SHIP_PAUSE, SHIP_RETRY_PAUSE_MAX, SHIP_RETRY_PAUSE_MIN, SHIP_SESSION_COUNT_MAX,
};
use gridvault_audit::LogReader;
use position::Position;
use session::Session;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use session::{Receiver, ReceiverFiles};

/// Why nothing is sent.
#[derive(Debug, thiserror::Error)]
pub enum ShipError {
    /// The position cannot be read or written, or the receiver not be reached.
    #[error("the position cannot be kept, or the receiver cannot be reached")]
    Io(#[from] std::io::Error),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] gridvault_audit::LogError),
    /// The receiver's certificate, or what is said over the connection, is not right.
    #[error("the receiver is not trusted, or does not speak TLS as it should")]
    Tls(#[from] rustls::Error),
    /// The name or the files of the receiver make no sense.
    #[error("{0}")]
    Receiver(&'static str),
    /// What was kept is no position.
    #[error("the kept position is damaged, or of another log or receiver")]
    Position,
    /// An entry is none.
    #[error("an entry of the log is malformed")]
    Malformed,
    /// The receiver closed before it confirmed.
    #[error("the receiver did not confirm")]
    Unconfirmed,
}

/// What is sent where.
pub struct ShipSettings {
    /// A directory of its own, for the position.
    pub directory: PathBuf,
    /// The log.
    pub log: LogReader,
    /// Its name.
    pub origin: String,
    /// The form of a line.
    pub format: Format,
    /// The receiver.
    pub receiver: Receiver,
}

/// The thread that sends. It ends soon after this is dropped.
pub struct Shipper {
    shared: Arc<Shared>,
    handle: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    confirmed: AtomicU64,
    failing: AtomicBool,
}

impl Shipper {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the position is damaged, or of another log or receiver: whoever runs the vault decides what then holds.
    pub fn start(settings: ShipSettings) -> Result<Shipper, ShipError> {
        let shared = Arc::new(Shared::default());
        let position = Position::open(&settings.directory, &settings.origin, &settings.receiver)?;
        shared.confirmed.store(position.next(), Ordering::Release);
        let worker = Worker { settings, shared: shared.clone(), position: Mutex::new(position) };
        let handle = std::thread::Builder::new().name("ship".into()).spawn(move || worker.run())?;
        Ok(Shipper { shared, handle })
    }

    /// Entries that the receiver has confirmed: all below this index.
    pub fn confirmed(&self) -> u64 {
        self.shared.confirmed.load(Ordering::Acquire)
    }

    /// The same, to be asked for as long as anybody wants to know.
    pub fn watch(&self) -> impl Fn() -> u64 + Send + Sync + use<> {
        let shared = self.shared.clone();
        move || shared.confirmed.load(Ordering::Acquire)
    }

    /// Whether the last session failed. It is tried again.
    pub fn is_failing(&self) -> bool {
        self.shared.failing.load(Ordering::Acquire)
    }
}

impl Drop for Shipper {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        // It is not waited for: it may be waiting for a receiver, and whatever it leaves unconfirmed is sent again.
        self.handle.thread().unpark();
    }
}

struct Worker {
    settings: ShipSettings,
    shared: Arc<Shared>,
    position: Mutex<Position>,
}

impl Worker {
    fn run(self) {
        let mut pause = SHIP_RETRY_PAUSE_MIN;
        while !self.stops() {
            let sent = self.send();
            self.tell(&sent);
            let wait = match sent {
                Ok(true) => Duration::ZERO,
                Ok(false) => SHIP_PAUSE,
                Err(_) => pause,
            };
            pause = if sent.is_err() {
                (pause * 2).min(SHIP_RETRY_PAUSE_MAX)
            } else {
                SHIP_RETRY_PAUSE_MIN
            };
            if !wait.is_zero() && !self.stops() {
                std::thread::park_timeout(wait);
            }
        }
    }

    fn stops(&self) -> bool {
        self.shared.stop.load(Ordering::Acquire)
    }

    /// Says when it begins to fail and when it goes on, not each time between.
    fn tell(&self, sent: &Result<bool, ShipError>) {
        let failing = sent.is_err();
        if self.shared.failing.swap(failing, Ordering::AcqRel) != failing {
            let confirmed = self.shared.confirmed.load(Ordering::Acquire);
            match sent {
                Err(error) => tracing::warn!(%error, confirmed, "entries wait for their receiver"),
                Ok(_) => tracing::info!(confirmed, "entries go to their receiver again"),
            }
        }
    }

    /// Sends what was published since, one session's worth; says whether there is more.
    fn send(&self) -> Result<bool, ShipError> {
        let ShipSettings { log, receiver, format, origin, .. } = &self.settings;
        let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        // What was pruned before a receiver was named cannot be sent to it any more.
        let (from, size) = (position.next().max(log.minimum()?.index), log.size()?);
        if from >= size {
            return Ok(false);
        }
        let to = size.min(from + SHIP_SESSION_COUNT_MAX);
        let mut session = Session::open(receiver)?;
        let mut at = from;
        while at < to {
            let entries = log.entries(at, usize::try_from((to - at).min(256)).unwrap_or(256))?;
            if entries.is_empty() {
                return Err(ShipError::Malformed);
            }
            for entry in &entries {
                let message = super::export::framed(*format, entry, origin);
                session.write(&message.ok_or(ShipError::Malformed)?)?;
            }
            at += entries.len() as u64;
            if self.stops() {
                break;
            }
        }
        // Nothing is confirmed before the receiver has closed its side, which it does after it read everything.
        session.confirm()?;
        position.advance(at)?;
        self.shared.confirmed.store(at, Ordering::Release);
        Ok(at < size)
    }
}

#[cfg(test)]
mod tests;
