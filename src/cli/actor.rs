//! `gridvault actor add|list|import|code|state`: calls to a running vault.
//! Never writes the directory itself.
//! A new actor's one-time code is printed once.

use super::client::{Connection, enrolling};
use super::failure::Failure;
use super::post::Brought;
use super::said::{each, plain, said, word};
use super::{print, roster};
use serde_json::{Value, json};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Enrol an actor and place it.
    Add(Box<Add>),
    /// Go through a roster of posts: each line by itself, the same twice changes nothing the second time.
    Import(roster::Arguments),
    /// The directory of actors.
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// A one-time code for somebody whose key is lost; using it takes that key away.
    #[command(after_help = "Example: gridvault actor code ACTOR")]
    Code {
        /// Whom: an actor's id.
        #[arg(allow_hyphen_values = true)]
        actor: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Suspend somebody, let it work again, or end everything that it has.
    #[command(after_help = "Example: gridvault actor state ACTOR suspended")]
    State {
        /// Whom: an actor's id.
        #[arg(allow_hyphen_values = true)]
        actor: String,
        /// The state; from left nothing leads back.
        #[arg(value_parser = ["active", "reserve", "suspended", "left"])]
        state: String,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Somebody new.
#[derive(clap::Args)]
pub(super) struct Add {
    /// Log-in name.
    #[arg(long)]
    login: String,
    /// `person` or `system`.
    #[arg(long, default_value = "person")]
    kind: String,
    /// The role; none for a system.
    #[arg(long)]
    role: Option<String>,
    /// The area's digits; none for a role of the platform.
    #[arg(long)]
    area: Option<String>,
    /// The line of business that it is bound to, a code of the list `line`.
    #[arg(long)]
    line: Option<String>,
    #[command(flatten)]
    brought: Brought,
    /// First moment, RFC 3339; now if none is said.
    #[arg(long)]
    from: Option<String>,
    /// First moment no more, RFC 3339.
    #[arg(long)]
    to: Option<String>,
    /// The subject that this person is itself, where records of it are held.
    #[arg(long)]
    self_subject: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add(add) => {
            let Add { login, kind, role, area, line, brought, from, to, self_subject, connection } =
                &**add;
            let place = |role| {
                let post =
                    json!({"role": role, "area": area, "line": line, "from": from, "to": to});
                brought.put_into(post)
            };
            let assignments = role.iter().map(place).collect::<Result<Vec<_>, Failure>>()?;
            let mut body = json!({"login": login, "kind": kind, "assignments": assignments});
            if let Some(subject) = self_subject {
                body["self_subject"] = json!(subject);
            }
            let answer = connection.post("/v1/admin/actors", &body)?;
            if json {
                print(&answer.to_string());
            } else {
                print(&format!("actor {}", word(&answer, "id")));
                print(&format!("code  {}", word(&answer, "code")));
                print(&format!("next  {}", enrolling(login, &connection.url)));
            }
        }
        Command::Import(arguments) => return roster::run(arguments, json),
        Command::Code { actor, connection } => {
            let answer = connection.step(&format!("/v1/admin/actors/{}/codes", plain(actor)?))?;
            return said(&answer, json, |one| word(one, "code").to_owned());
        }
        Command::State { actor, state, connection } => {
            let path = format!("/v1/admin/actors/{}/state", plain(actor)?);
            let answer = connection.post(&path, &json!({"state": state}))?;
            return said(&answer, json, |one| {
                format!("actor {} {}", word(one, "id"), word(one, "state"))
            });
        }
        Command::List { connection } => {
            let answer = connection.get("/v1/admin/actors")?;
            if json {
                print(&answer.to_string());
            } else {
                each(&answer, "actors", false, line);
            }
        }
    }
    Ok(())
}

fn line(actor: &Value) -> String {
    let posts = actor["assignments"].as_array().into_iter().flatten();
    let posts: Vec<String> = posts.map(post).collect();
    let (id, login, state) = (word(actor, "id"), word(actor, "login"), word(actor, "state"));
    format!("{id}  {login:24} {state:10} {}", posts.join(", "))
}

fn post(one: &Value) -> String {
    let area = one["area"].as_str().map(|area| format!("@{area}"));
    let line = one["line"].as_str().map(|line| format!("/{line}"));
    let to = one["to"].as_str().and_then(|to| to.get(..10));
    let to = to.map(|day| format!(" to {day}"));
    let words = [area, line, to].map(Option::unwrap_or_default);
    format!("{}{}", word(one, "role"), words.concat())
}
