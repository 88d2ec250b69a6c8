//! `gridvault break-glass open|list|end|review`: emergency access over the dwellings that an urgent event names.
//! Never a word about anybody: event, dwellings and people are named by their ids, and a finding is a code.
//! Its id is the case under which its holder reads, until its end; then somebody else reviews it.

use super::client::Connection;
use super::failure::Failure;
use super::said::{Step, each, plain, said, taken, word, words};
use serde_json::{Value, json};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Open one alone, for minutes, or ask a second person for a wider one.
    #[command(
        after_help = "Example: gridvault break-glass open --event ID --purpose emergency_evacuation"
    )]
    Open {
        /// The urgent event: a record's id.
        #[arg(long)]
        event: String,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        /// Ask a second person for a wider one.
        #[arg(long)]
        wide: bool,
        /// A dwelling beside those that the event names, for a wider one; as often as there are dwellings.
        #[arg(long = "place", requires = "wide")]
        places: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Those that were not reviewed yet: the caller's, and those that it is told of.
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// End one before its time.
    End(Step),
    /// Say what was found of one, as somebody who had no part in it.
    #[command(
        after_help = "Example: gridvault break-glass review ID --finding justified --note event_confirmed"
    )]
    Review {
        /// Its id.
        id: String,
        /// What was found.
        #[arg(long, value_parser = ["justified", "not_justified"])]
        finding: String,
        /// Why: a code of the list `emergency_note`.
        #[arg(long)]
        note: String,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Their path, and what one is called.
const ACCESSES: (&str, &str) = ("/v1/break-glass", "emergency access");

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Open { event, purpose, wide, places, connection } => {
            let tier = if *wide { "wide" } else { "alone" };
            let body = json!({"tier": tier, "event": event, "places": places});
            said(&connection.post_for(ACCESSES.0, purpose, &body)?, json, opened_lines)
        }
        Command::List { connection } => {
            each(&connection.get(ACCESSES.0)?, "accesses", json, line);
            Ok(())
        }
        Command::End(step) => taken(step, ACCESSES, "end", json),
        Command::Review { id, finding, note, connection } => {
            let path = format!("{}/{}/review", ACCESSES.0, plain(id)?);
            let answer = connection.post(&path, &json!({"finding": finding, "note": note}))?;
            said(&answer, json, |one| format!("{} {} {finding}", ACCESSES.1, word(one, "id")))
        }
    }
}

/// What was opened, then each dwelling and everybody who lives there, by their ids.
fn opened_lines(access: &Value) -> String {
    let first = format!(
        "{} {} {} until {} review by {} fields {}",
        ACCESSES.1,
        word(access, "id"),
        word(access, "state"),
        word(access, "until"),
        word(access, "review_by"),
        words(access, "fields")
    );
    let places = access["places"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let places = places.map(|id| format!("place {id}"));
    let people = access["people"].as_array().into_iter().flatten();
    let people = people
        .map(|one| format!("person {} subject {}", word(one, "record"), word(one, "subject")));
    std::iter::once(first).chain(places).chain(people).collect::<Vec<_>>().join("\n")
}

fn line(access: &Value) -> String {
    let reviews = access["reviews"].as_bool().unwrap_or_default();
    format!(
        "{} {} {} by {} as {} for {} event {} places {} people {} until {} review by {}{}",
        word(access, "id"),
        word(access, "state"),
        word(access, "tier"),
        word(access, "holder"),
        word(access, "role"),
        word(access, "purpose"),
        word(access, "event"),
        access["places_count"],
        access["people_count"],
        word(access, "until"),
        word(access, "review_by"),
        if reviews { " by the caller" } else { "" }
    )
}
