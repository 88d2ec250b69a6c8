//! `gridvault policy check|matrix|explain`.
//! Never changes a policy.
//! `check` reads files; the others ask a running vault, which records that they were asked.

use super::client::Connection;
use super::failure::Failure;
use super::{policies, print, runtime};
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Check policy files: those of a directory, or those built in.
    Check {
        /// The directory.
        directory: Option<PathBuf>,
    },
    /// Every right that a role has in a running vault.
    Matrix {
        /// Only this role.
        #[arg(long)]
        role: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Why a running vault would decide as it would.
    Explain {
        /// Whose decision.
        #[arg(long)]
        actor: String,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        /// Over which type of record.
        #[arg(long = "type")]
        record_type: String,
        /// In which grid.
        #[arg(long)]
        grid: String,
        /// `read`, `create`, `update`, `delete` or `match`.
        #[arg(long, default_value = "read")]
        action: String,
        /// For which fields, separated by commas.
        #[arg(long, value_delimiter = ',')]
        fields: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Check { directory } => check(directory.as_deref(), json),
        Command::Matrix { role, connection } => matrix(role.as_deref(), connection, json),
        Command::Explain { actor, purpose, record_type, grid, action, fields, connection } => {
            let body = json!({
                "actor": actor, "purpose": purpose, "type": record_type, "grid": grid,
                "action": action, "fields": fields,
            });
            let answer = connection.post("/v1/admin/policies/explain", &body)?;
            if json {
                print(&answer.to_string());
                return Ok(());
            }
            let word = |name: &str| answer[name].as_str().unwrap_or("-").to_owned();
            let allowed = answer["allowed"].as_bool().unwrap_or(false);
            print(&match allowed {
                true => "allowed".to_owned(),
                false => format!("refused: {}", word("code")),
            });
            print(&format!(
                "rule {}  role {}  scope {}",
                word("rule"),
                word("role"),
                word("scope")
            ));
            for part in ["views", "withheld"] {
                for (field, how) in answer[part].as_object().into_iter().flatten() {
                    print(&format!("  {field:24} {}", how.as_str().unwrap_or_default()));
                }
            }
            Ok(())
        }
    }
}

fn check(directory: Option<&std::path::Path>, json: bool) -> Result<(), Failure> {
    let loaded = runtime()?.block_on(policies::load(directory))?;
    let (roles, purposes) = (loaded.policy.roles().len(), loaded.purposes.iter().count());
    let schemas = loaded.schemas.iter().count();
    print(&if json {
        json!({"roles": roles, "purposes": purposes, "schemas": schemas}).to_string()
    } else {
        format!("the policy is whole: {roles} roles, {purposes} purposes, {schemas} schemas")
    });
    Ok(())
}

fn matrix(role: Option<&str>, connection: &Connection, json: bool) -> Result<(), Failure> {
    let answer = connection.get("/v1/admin/policies/matrix")?;
    if json {
        print(&answer.to_string());
        return Ok(());
    }
    for cell in answer["cells"].as_array().into_iter().flatten() {
        let word = |name: &str| cell[name].as_str().unwrap_or_default().to_owned();
        if role.is_some_and(|role| role != word("role")) {
            continue;
        }
        let granted: Vec<&str> = cell["granted"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str())
            .collect();
        print(&format!(
            "{:20} {:14} {} {:14} {}",
            word("role"),
            word("type"),
            word("class"),
            word("group"),
            granted.join(" ")
        ));
    }
    Ok(())
}
