//! `gridvault approval ask|list|decide`: what a second person is asked for.
//! Never the number of a document as an argument: it comes from a file.
//! Whoever decides sees who asks for what; nobody decides for itself.

use super::client::Connection;
use super::failure::Failure;
use super::said::{each, line_of, plain, said, word, words};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Ask a second person for one look at one record.
    Ask {
        /// The record.
        #[arg(long)]
        record: String,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        /// The fields, with commas between.
        #[arg(long, value_delimiter = ',', required = true)]
        fields: Vec<String>,
        /// How long it stays open from the yes on, in minutes.
        #[arg(long)]
        minutes: u32,
        /// A file that holds the number of the document behind an official request.
        #[arg(long)]
        document_file: Option<PathBuf>,
        #[command(flatten)]
        connection: Connection,
    },
    /// What waits for the caller's word, and what it asked for itself.
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Say yes or no, as the second person.
    Decide {
        /// What was asked for.
        approval: String,
        /// The word.
        #[arg(value_parser = ["grant", "refuse"])]
        decision: String,
        #[command(flatten)]
        connection: Connection,
    },
}

const APPROVALS: &str = "/v1/approvals";

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Ask { record, purpose, fields, minutes, document_file, connection } => {
            let mut body = json!({"record": record, "fields": fields, "minutes": minutes});
            if let Some(file) = document_file {
                body["document"] = json!(line_of(file)?);
            }
            let answer = connection.post_for(APPROVALS, purpose, &body)?;
            said(&answer, json, |asked| format!("approval {}", word(asked, "id")))
        }
        Command::List { connection } => {
            each(&connection.get(APPROVALS)?, "approvals", json, line);
            Ok(())
        }
        Command::Decide { approval, decision, connection } => {
            let path = format!("{APPROVALS}/{}/decide", plain(approval)?);
            let answer = connection.post(&path, &json!({"decision": decision}))?;
            said(&answer, json, |asked| format!("approval {} {decision}", word(asked, "id")))
        }
    }
}

fn line(asked: &Value) -> String {
    let waits = if asked["waits"].as_bool().unwrap_or_default() { "waits" } else { "asked" };
    format!(
        "{} {waits} {} {} holder {} as {} for {} until {} fields {}",
        word(asked, "id"),
        word(asked, "kind"),
        word(asked, "state"),
        word(asked, "holder"),
        word(asked, "role"),
        word(asked, "purpose"),
        word(asked, "until"),
        words(asked, "fields")
    )
}
