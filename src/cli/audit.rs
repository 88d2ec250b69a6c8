//! `gridvault audit tail`: the end of a running vault's log, for whoever has the duty to read it.
//! Never reads the log's files: the reading is itself an entry.
//! One entry a line.

use super::client::Connection;
use super::failure::Failure;
use super::print;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// The last entries.
    Tail {
        /// How many; 100 at most.
        #[arg(long, default_value_t = 20)]
        count: u64,
        #[command(flatten)]
        connection: Connection,
    },
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    let Command::Tail { count, connection } = command;
    let size = connection.get("/v1/audit/entries?limit=1")?["size"].as_u64().unwrap_or_default();
    let from = size.saturating_sub(*count);
    let answer = connection.get(&format!("/v1/audit/entries?from={from}&limit={count}"))?;
    for entry in answer["entries"].as_array().into_iter().flatten() {
        if json {
            print(&entry.to_string());
            continue;
        }
        let word = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
        let time = entry["t"].as_i64().map(|micros| crate::ambient::Micros(micros).rfc3339());
        print(&format!(
            "{:>8} {} {}.{} {} who {} role {} why {}",
            entry["seq"],
            time.unwrap_or_default(),
            word("ev"),
            word("act"),
            word("out"),
            word("who"),
            word("role"),
            word("why")
        ));
    }
    Ok(())
}
