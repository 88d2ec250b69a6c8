//! `gridvault post place|confirm|renew|end|list|expiring|vacant`: posts of a running vault.
//! Never a right by itself: what a local officer gives waits for its community.
//! The number of a secrecy term is read from a file, and shown to nobody but who administers.

use super::client::Connection;
use super::failure::Failure;
use super::said::{each, line_of, members, pages, plain, said, word};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What whoever is placed brought along.
#[derive(clap::Args)]
pub(super) struct Brought {
    /// When the secrecy term was signed: 2026-01-31T08:00:00Z.
    #[arg(long, requires = "term_file")]
    term_signed: Option<String>,
    /// A file that holds the number of the signed term.
    #[arg(long, requires = "term_signed")]
    term_file: Option<PathBuf>,
    /// First moment at which the training counts no more.
    #[arg(long)]
    trained_until: Option<String>,
}

impl Brought {
    /// The same as members of a body.
    pub(super) fn put_into(&self, mut body: Value) -> Result<Value, Failure> {
        if let Some((signed, file)) = self.term_signed.as_ref().zip(self.term_file.as_ref()) {
            body["secrecy_term"] = json!({"signed_at": signed, "document": line_of(Some(file))?});
        }
        if let Some(until) = &self.trained_until {
            body["trained_until"] = json!(until);
        }
        Ok(body)
    }
}

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Give somebody a further post.
    Place {
        /// Whom: an actor's id.
        #[arg(allow_hyphen_values = true)]
        actor: String,
        /// The role.
        #[arg(long)]
        role: String,
        /// The area's digits.
        #[arg(long)]
        area: Option<String>,
        /// The line of business that it is bound to.
        #[arg(long)]
        line: Option<String>,
        /// Whether whoever holds it leads.
        #[arg(long)]
        lead: bool,
        /// Whether it is held as one of a pair, in windows that the two agree on.
        #[arg(long)]
        pair: bool,
        /// First moment; now if none is said.
        #[arg(long)]
        from: Option<String>,
        /// First moment no more.
        #[arg(long)]
        to: Option<String>,
        #[command(flatten)]
        brought: Brought,
        #[command(flatten)]
        connection: Connection,
    },
    /// Confirm a post that waits for a second word: its community's or an administrator's.
    Confirm(Which),
    /// End a post now.
    End(Which),
    /// Write down a signed term, or training that was renewed.
    Renew {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        brought: Brought,
    },
    /// The caller's own posts, and what closes people's data to one.
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Posts, pairs, training and terms of the caller's area that end soon, are over or missing.
    Expiring {
        /// Within so many days.
        #[arg(long, default_value_t = 30)]
        within_days: u32,
        #[command(flatten)]
        connection: Connection,
    },
    /// Grids of the caller's area without an active worker.
    Vacant {
        #[command(flatten)]
        connection: Connection,
    },
}

#[derive(clap::Args)]
pub(super) struct Which {
    /// Whose: an actor's id.
    #[arg(allow_hyphen_values = true)]
    actor: String,
    /// Which post of the actor.
    #[arg(allow_hyphen_values = true)]
    post: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Place { actor, role, area, line, lead, pair, from, to, brought, connection } => {
            let body = json!({
                "role": role, "area": area, "line": line, "lead": lead, "pair": pair,
                "from": from, "to": to,
            });
            let path = format!("/v1/admin/actors/{}/assignments", plain(actor)?);
            said(&connection.post(&path, &brought.put_into(body)?)?, json, placed_line)
        }
        Command::Confirm(which) => of_post(which, "confirm", json!({}), json),
        Command::End(which) => of_post(which, "end", json!({}), json),
        Command::Renew { which, brought } => {
            of_post(which, "renew", brought.put_into(json!({}))?, json)
        }
        Command::List { connection } => {
            each(&connection.get("/v1/actor")?, "posts", json, own_line);
            Ok(())
        }
        Command::Expiring { within_days, connection } => {
            let query = members(&[("within_days", &Some(within_days.to_string()))])?;
            let path = format!("/v1/admin/assignments/expiring?{query}");
            pages(connection, &path, ("posts", "after"), json, ending_line)
        }
        Command::Vacant { connection } => {
            let path = "/v1/admin/grids/vacant?";
            pages(connection, path, ("grids", "after"), json, vacant_line)
        }
    }
}

fn of_post(which: &Which, act: &str, mut body: Value, json: bool) -> Result<(), Failure> {
    body["assignment"] = json!(which.post);
    let path = format!("/v1/admin/actors/{}/assignments/{act}", plain(&which.actor)?);
    let answer = which.connection.post(&path, &body)?;
    said(&answer, json, |post| format!("post {} {act}: done", word(post, "assignment")))
}

fn placed_line(post: &Value) -> String {
    let waits = match post["confirmed"].as_bool() {
        Some(true) => "counts",
        _ => "waits for a second word",
    };
    format!("post {} {waits}", word(post, "assignment"))
}

fn own_line(post: &Value) -> String {
    let counts = if post["counts"].as_bool().unwrap_or_default() { "counts" } else { "waits" };
    let closed = post["closed_by"].as_str().map(|why| format!(" closed by {why}"));
    format!(
        "{} {}@{} {counts} to {} term {} training {} until {}{}",
        word(post, "id"),
        word(post, "role"),
        word(post, "area"),
        word(post, "to"),
        word(post, "secrecy_term"),
        word(post, "training"),
        word(post, "trained_until"),
        closed.unwrap_or_default()
    )
}

fn ending_line(post: &Value) -> String {
    format!(
        "{} {} {} {} {} {}@{} post {}",
        word(post, "until"),
        word(post, "what"),
        word(post, "state"),
        word(post, "actor"),
        word(post, "login"),
        word(post, "role"),
        word(post, "area"),
        word(post, "assignment")
    )
}

fn vacant_line(grid: &Value) -> String {
    let yes = |name: &str| grid[name].as_bool().unwrap_or_default();
    let after = if yes("looked_after") { " looked after" } else { "" };
    let expected = if yes("expected") { " worker expected" } else { "" };
    format!("{} {}{after}{expected}", word(grid, "grid"), word(grid, "name"))
}
