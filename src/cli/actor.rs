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
        /// First moment no more, RFC 3339.
        #[arg(long)]
        to: Option<String>,
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
        Command::Add { login, kind, role, area, to, connection } => {
            let assignments: Vec<_> =
                role.iter().map(|role| json!({"role": role, "area": area, "to": to})).collect();
            let body = json!({"login": login, "kind": kind, "assignments": assignments});
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
                        match one["area"].as_str() {
                            Some(area) => format!("{role}@{area}"),
                            None => role.to_owned(),
                        }
                    })
                    .collect();
                let (id, login, state) = (word("id"), word("login"), word("state"));
                print(&format!("{id}  {login:24} {state:10} {}", places.join(" ")));
            }
        }
    }
    Ok(())
}
