//! `gridvault actor add|list`: calls to a running vault.
//! Never writes the directory itself.
//! A new actor's one-time code is printed once.

use super::client::Connection;
use super::failure::Failure;
use super::print;
use serde_json::json;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Enrol an actor and place it.
    Add {
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
    },
    /// The directory of actors.
    List {
        #[command(flatten)]
        connection: Connection,
    },
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Add { login, kind, role, area, line, from, to, self_subject, connection } => {
            let place =
                |role| json!({"role": role, "area": area, "line": line, "from": from, "to": to});
            let assignments: Vec<_> = role.iter().map(place).collect();
            let mut body = json!({"login": login, "kind": kind, "assignments": assignments});
            if let Some(subject) = self_subject {
                body["self_subject"] = json!(subject);
            }
            let answer = connection.post("/v1/admin/actors", &body)?;
            if json {
                print(&answer.to_string());
            } else {
                let word = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
                print(&format!("actor {}", word("id")));
                print(&format!("code  {}", word("code")));
                print("next  gridvault enrol CODE");
            }
        }
        Command::List { connection } => {
            let answer = connection.get("/v1/admin/actors")?;
            if json {
                print(&answer.to_string());
                return Ok(());
            }
            for actor in answer["actors"].as_array().into_iter().flatten() {
                let word = |name: &str| actor[name].as_str().unwrap_or_default().to_owned();
                let places: Vec<String> = actor["assignments"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|one| {
                        let role = one["role"].as_str().unwrap_or_default();
                        let area = one["area"].as_str().map(|area| format!("@{area}"));
                        let line = one["line"].as_str().map(|line| format!("/{line}"));
                        let to = one["to"].as_str().and_then(|to| to.get(..10));
                        let to = to.map(|day| format!(" to {day}"));
                        let words = [area, line, to].map(Option::unwrap_or_default);
                        format!("{role}{}", words.concat())
                    })
                    .collect();
                let (id, login, state) = (word("id"), word("login"), word("state"));
                print(&format!("{id}  {login:24} {state:10} {}", places.join(", ")));
            }
        }
    }
    Ok(())
}
