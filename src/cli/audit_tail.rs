//! `gridvault audit tail`: the last entries of a running vault, and with `--follow` each that comes, as it is published.
//! Never feeds itself: each reading is an entry too, and one that is all there is new is not fetched by itself.
//! It outlives a vault that is away, ends with an interrupt or when nobody reads any more, and says where to go on.

use super::audit::{lines, say_pruned};
use super::client::Connection;
use super::failure::Failure;
use super::runtime;
use serde_json::Value;
use std::io::{ErrorKind, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Entries of one answer.
const PAGE: u64 = 100;
/// Between two looks at the checkpoint, which leave no entry.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// How many; 100 at most.
    #[arg(long, default_value_t = 20)]
    count: u64,
    /// From this index on, in place of the last ones; where an earlier run said to go on.
    #[arg(long)]
    from: Option<u64>,
    /// Go on with each entry that comes, until interrupted.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let Arguments { count, from, follow, connection } = arguments;
    if !follow {
        let from = match from {
            Some(from) => *from,
            None => published(connection)?.saturating_sub(*count),
        };
        let answer = connection.get(&path(from, *count))?;
        say_pruned(&answer);
        return print(&answer, json).map(drop);
    }
    let runtime = runtime()?;
    let (sender, interrupted) = channel();
    runtime.spawn(async move {
        let _told_or_gone = tokio::signal::ctrl_c().await.map(|()| sender.send(()));
    });
    let next = match from {
        Some(from) => *from,
        None => published(connection)?.saturating_sub(*count),
    };
    let mut tail = Tail { connection, json, next, own: None };
    let ended = tail.follow(&interrupted);
    tracing::info!(from = tail.next, "go on with --from");
    ended
}

fn path(from: u64, limit: u64) -> String {
    format!("/v1/audit/entries?from={from}&limit={limit}")
}

/// Entries that the shown checkpoint covers. Asking leaves no entry.
fn published(connection: &Connection) -> Result<u64, Failure> {
    let note = connection.get_open_text("/log/checkpoint")?;
    let size = note.lines().nth(1).and_then(|line| line.parse().ok());
    size.ok_or_else(|| Failure::Failed("the vault shows no checkpoint".into()))
}

struct Tail<'a> {
    connection: &'a Connection,
    json: bool,
    /// The first index that was not printed.
    next: u64,
    /// The entry of our own last reading.
    own: Option<u64>,
}

impl Tail<'_> {
    fn follow(&mut self, interrupted: &Receiver<()>) -> Result<(), Failure> {
        let mut away = false;
        loop {
            match published(self.connection) {
                Ok(size) => {
                    if std::mem::replace(&mut away, false) {
                        tracing::info!("the vault is back");
                    }
                    match self.print_up_to(size) {
                        Ok(true) => {}
                        Ok(false) => return Ok(()),
                        // It went away in between, or it refuses: the next look tells which.
                        Err(_) if published(self.connection).is_err() => away = true,
                        Err(error) => return Err(error),
                    }
                }
                Err(error) if !away => {
                    away = true;
                    error.print(self.json);
                    tracing::warn!("waiting for the vault");
                }
                Err(_) => {}
            }
            match interrupted.recv_timeout(LOOK_INTERVAL) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Prints what is published; says whether anybody reads it.
    fn print_up_to(&mut self, size: u64) -> Result<bool, Failure> {
        while self.next < size {
            let only_our_own = self.own == Some(self.next) && size == self.next + 1;
            if only_our_own {
                return Ok(true);
            }
            let answer = self.connection.get(&path(self.next, PAGE.min(size - self.next)))?;
            say_pruned_beyond(&answer, self.next);
            if !print(&answer, self.json)? {
                return Ok(false);
            }
            self.own = answer["receipt"]["index"].as_u64();
            let next = answer["next"].as_u64().filter(|next| *next > self.next);
            self.next = next.ok_or_else(|| Failure::Failed("the vault gave no entry".into()))?;
        }
        Ok(true)
    }
}

/// Told where entries were asked for that are gone, and not with each page.
fn say_pruned_beyond(answer: &Value, from: u64) {
    if answer["minimum"].as_u64().is_some_and(|minimum| from < minimum) {
        say_pruned(answer);
    }
}

/// One entry a line; says whether anybody reads it.
fn print(answer: &Value, json: bool) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    let written = lines(answer, json).try_for_each(|line| writeln!(out, "{line}"));
    match written.and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::failed("the entries cannot be printed", &error)),
    }
}
