//! `gridvault approval ask|ask-limit|list|decide`: what a second person is asked for.
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
    /// Ask a second person for more people in clear of one kind, for an hour at most.
    #[command(
        after_help = "Example: gridvault approval ask-limit --kind other --people 20 --minutes 60"
    )]
    AskLimit {
        /// Of which kind of information, as the law counts: `lodging`, `property`, `health`, `other` and so on.
        #[arg(long)]
        kind: String,
        /// How many people more.
        #[arg(long)]
        people: u32,
        /// For how long from the yes on, in minutes.
        #[arg(long)]
        minutes: u32,
        #[command(flatten)]
        connection: Connection,
    },
    /// What waits for the caller's word, and what it asked for itself.
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Say yes or no, as the second person.
    Decide(Decision),
}

/// A second person's word.
#[derive(clap::Args)]
pub(super) struct Decision {
    /// What was asked for: its id.
    id: String,
    /// The word.
    #[arg(value_parser = ["grant", "refuse"])]
    decision: String,
    #[command(flatten)]
    connection: Connection,
}

const APPROVALS: &str = "/v1/approvals";

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Ask { record, purpose, fields, minutes, document_file, connection } => {
            let mut body = json!({"record": record, "fields": fields, "minutes": minutes});
            if let Some(file) = document_file {
                body["document"] = json!(line_of(Some(file))?);
            }
            let answer = connection.post_for(APPROVALS, purpose, &body)?;
            said(&answer, json, |asked| format!("approval {}", word(asked, "id")))
        }
        Command::AskLimit { kind, people, minutes, connection } => {
            let body = json!({"kind": kind, "people": people, "minutes": minutes});
            let answer = connection.post(&format!("{APPROVALS}/limit"), &body)?;
            said(&answer, json, |asked| format!("approval {}", word(asked, "id")))
        }
        Command::List { connection } => {
            each(&connection.get(APPROVALS)?, "approvals", json, line);
            Ok(())
        }
        Command::Decide(decision) => decided(decision, (APPROVALS, "approval"), json),
    }
}

/// Gives a word on one of a kind; the path is that of all of them.
pub(super) fn decided(
    given: &Decision,
    (path, kind): (&str, &str),
    json: bool,
) -> Result<(), Failure> {
    let Decision { id, decision, connection } = given;
    let path = format!("{path}/{}/decide", plain(id)?);
    let answer = connection.post(&path, &json!({"decision": decision}))?;
    said(&answer, json, |asked| format!("{kind} {} {decision}", word(asked, "id")))
}

/// Something that waits or that was asked for, in one line.
pub(super) fn line(asked: &Value) -> String {
    let waits = if asked["waits"].as_bool().unwrap_or_default() { "waits" } else { "asked" };
    let fields = words(asked, "fields");
    let fields = if fields.is_empty() { fields } else { format!(" fields {fields}") };
    format!(
        "{} {waits} {} {} holder {} as {} for {} until {}{fields}{}{}{}{}",
        word(asked, "id"),
        word(asked, "kind"),
        word(asked, "state"),
        word(asked, "holder"),
        word(asked, "role"),
        word(asked, "purpose"),
        word(asked, "until"),
        emergency(asked),
        limit(asked),
        official(asked),
        erasure(asked)
    )
}

/// What an emergency access would reach, for whoever decides.
fn emergency(asked: &Value) -> String {
    let reach = &asked["emergency"];
    let Some(event) = reach["event"].as_str() else { return String::new() };
    format!(" event {event} places {} people {}", reach["places_count"], reach["people_count"])
}

/// How far a limit is to be raised.
fn limit(asked: &Value) -> String {
    let limit = &asked["limit"];
    let kind = limit["kind"].as_str();
    kind.map(|kind| format!(" {} people more of {kind}", limit["people"])).unwrap_or_default()
}

/// Why somebody is to be erased, and by which record it is known.
fn erasure(asked: &Value) -> String {
    let Some(reason) = asked["reason"].as_str() else { return String::new() };
    format!(" record {} reason {reason}", words(asked, "records"))
}

/// Who asks by which document for how many.
fn official(asked: &Value) -> String {
    let Some(organ) = asked["organ"].as_str() else { return String::new() };
    let people = asked["subjects"].as_array().map_or(0, Vec::len);
    format!(" people {people} organ {organ} document {}", word(asked, "document"))
}
