//! `gridvault official ask|list|decide`: requests of organs by a document (Data Security Law 35).
//! Never the document's number as an argument: it comes from a file. Whoever decides sees it, and the log does not.
//! What was agreed to is read record by record, under the request's id as the case.

use super::approval::{Decision, decided, line};
use super::client::Connection;
use super::failure::Failure;
use super::said::{each, line_of, said, word};
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Bring a request before the protection officer: named fields of named people, until a moment.
    Ask(Box<Ask>),
    /// What waits for the caller's word, and what it brought itself.
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Say yes or no, as the protection officer.
    Decide(Decision),
}

/// What an organ asks for.
#[derive(clap::Args)]
#[command(
    after_help = "Example: gridvault official ask --organ county_public_security --document-file number --subject ID \\\n    \
    --fields name,birth_date --purpose residence_registration --until 2026-01-31T08:00:00Z"
)]
pub(super) struct Ask {
    /// The organ: a code of the list `organ`.
    #[arg(long)]
    organ: String,
    /// A file that holds the number of its document; standard input without it.
    #[arg(long)]
    document_file: Option<PathBuf>,
    /// Somebody of whom it asks: a subject's id; as often as there are people.
    #[arg(long = "subject", required = true)]
    subjects: Vec<String>,
    /// The fields, with commas between.
    #[arg(long, value_delimiter = ',', required = true)]
    fields: Vec<String>,
    /// For which purpose the fields are held.
    #[arg(long)]
    purpose: String,
    /// First moment at which it opens nothing more: 2026-01-31T08:00:00Z; 30 days ahead at most.
    #[arg(long)]
    until: String,
    #[command(flatten)]
    connection: Connection,
}

/// Their path, and what one is called.
const REQUESTS: (&str, &str) = ("/v1/admin/official-requests", "official request");

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Ask(ask) => {
            let Ask { organ, document_file, subjects, fields, purpose, until, connection } = &**ask;
            let body = json!({
                "document": line_of(document_file.as_deref())?, "organ": organ,
                "subjects": subjects, "fields": fields, "until": until,
            });
            let answer = connection.post_for(REQUESTS.0, purpose, &body)?;
            said(&answer, json, |asked| format!("{} {}", REQUESTS.1, word(asked, "id")))
        }
        Command::List { connection } => {
            each(&connection.get(REQUESTS.0)?, "approvals", json, line);
            Ok(())
        }
        Command::Decide(decision) => decided(decision, REQUESTS, json),
    }
}
