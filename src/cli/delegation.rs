//! `gridvault delegation propose|accept|end|list`: windows in which somebody of an approved pair stands in.
//! Never by an administrator: the two agree between themselves.
//! A window that is over is listed nowhere.

use super::client::Connection;
use super::failure::Failure;
use super::said::{Step, each, said, taken, word};
use serde_json::{Value, json};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Ask the other of an approved pair to stand in for a time.
    Propose {
        /// Who is to stand in: an actor's id.
        #[arg(long, allow_hyphen_values = true)]
        to: String,
        /// In which grid of the caller.
        #[arg(long)]
        grid: String,
        /// First moment; now if none is said.
        #[arg(long)]
        from: Option<String>,
        /// First moment no more: 2026-01-31T08:00:00Z.
        #[arg(long)]
        until: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Accept to stand in.
    Accept(Step),
    /// Decline to stand in, or end it now.
    End(Step),
    /// The caller's delegations that are not over.
    List {
        #[command(flatten)]
        connection: Connection,
    },
}

/// Their path, and what one is called.
const DELEGATIONS: (&str, &str) = ("/v1/delegations", "delegation");

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Propose { to, grid, from, until, connection } => {
            let body = json!({"to": to, "grid": grid, "from": from, "until": until});
            said(&connection.post(DELEGATIONS.0, &body)?, json, |one| {
                format!("delegation {}", word(one, "id"))
            })
        }
        Command::Accept(step) => taken(step, DELEGATIONS, "accept", json),
        Command::End(step) => taken(step, DELEGATIONS, "end", json),
        Command::List { connection } => {
            each(&connection.get(DELEGATIONS.0)?, "delegations", json, line);
            Ok(())
        }
    }
}

fn line(delegation: &Value) -> String {
    format!(
        "{} {} grid {} by {} to {} from {} until {}",
        word(delegation, "id"),
        word(delegation, "state"),
        word(delegation, "grid"),
        word(delegation, "by"),
        word(delegation, "to"),
        word(delegation, "from"),
        word(delegation, "until")
    )
}
