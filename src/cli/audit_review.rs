//! `gridvault audit review|anomalies|rectify|report`: what officers look into, through a running vault.
//! Never a text as an argument, where every process of the host could read it: it comes from a file or standard input.
//! One review or item a line; `--json` gives answers as they came.

use super::client::Connection;
use super::failure::Failure;
use super::print;
use super::said::{members, pages, plain, said, text_of};
use crate::files;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Where a text comes from.
#[derive(clap::Args)]
pub(super) struct Text {
    /// A file that holds the text; standard input without it.
    #[arg(long)]
    text_file: Option<PathBuf>,
}

impl Text {
    fn read(&self) -> Result<String, Failure> {
        Ok(text_of(self.text_file.as_deref())?.trim_end().to_owned())
    }
}

#[derive(clap::Subcommand)]
pub(super) enum Review {
    /// Reviews, the newest first.
    List {
        /// Those of one state: open, noted, escalated or closed.
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// One review with everything that was written in it.
    Show {
        /// Its id.
        #[arg(allow_hyphen_values = true)]
        review: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// The entries that a review gathers, each in words.
    Entries {
        /// Its id.
        #[arg(allow_hyphen_values = true)]
        review: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Open a review over entries or over an anomaly.
    Open {
        /// Indexes of entries, with commas between.
        #[arg(long, value_delimiter = ',', required_unless_present = "anomaly")]
        entries: Vec<u64>,
        /// An anomaly.
        #[arg(long, allow_hyphen_values = true, conflicts_with = "entries")]
        anomaly: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Open a review over entries that the vault draws by chance, of each role.
    Sample {
        /// Not before this moment: 2026-01-31T08:00:00Z.
        #[arg(long)]
        since: String,
        /// Before this moment.
        #[arg(long)]
        until: String,
        /// Entries of each role.
        #[arg(long, default_value_t = 1)]
        each: u8,
        /// An officer whose entries are left out, so that it can close the review.
        #[arg(long, allow_hyphen_values = true)]
        without: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Draw the entries of a review's sample again, and say whether they are the same.
    Draw {
        /// The review.
        #[arg(allow_hyphen_values = true)]
        review: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Write in a review.
    Note {
        /// The review.
        #[arg(allow_hyphen_values = true)]
        review: String,
        #[command(flatten)]
        text: Text,
        #[command(flatten)]
        connection: Connection,
    },
    /// Bring a review before a role above.
    Escalate {
        /// The review.
        #[arg(allow_hyphen_values = true)]
        review: String,
        /// The role.
        #[arg(long)]
        to: String,
        #[command(flatten)]
        text: Text,
        #[command(flatten)]
        connection: Connection,
    },
    /// Close a review, by somebody who had no part in it.
    Close {
        /// The review.
        #[arg(allow_hyphen_values = true)]
        review: String,
        /// What was found: explained, finding or unresolved.
        #[arg(long)]
        outcome: String,
        #[command(flatten)]
        text: Text,
        #[command(flatten)]
        connection: Connection,
    },
}

#[derive(clap::Args)]
pub(super) struct Anomalies {
    /// Found by this rule.
    #[arg(long)]
    rule: Option<String>,
    /// Of this account: its actor id.
    #[arg(long, allow_hyphen_values = true)]
    actor: Option<String>,
    /// What became of it: new, in_review or closed.
    #[arg(long)]
    state: Option<String>,
    /// Not before this moment.
    #[arg(long)]
    since: Option<String>,
    /// Before this moment.
    #[arg(long)]
    until: Option<String>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Subcommand)]
pub(super) enum Rectify {
    /// What is or was to be put right, the oldest first.
    List {
        /// Those of one state: open, overdue or done.
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Name something that is to be put right after a review.
    Add {
        /// The review.
        #[arg(allow_hyphen_values = true)]
        review: String,
        /// The actor that has to do it.
        #[arg(long, allow_hyphen_values = true, required_unless_present = "organ")]
        actor: Option<String>,
        /// The organ that has to do it.
        #[arg(long, conflicts_with = "actor")]
        organ: Option<String>,
        /// The day by which it is done: 2026-01-31.
        #[arg(long)]
        due: String,
        #[command(flatten)]
        text: Text,
        #[command(flatten)]
        connection: Connection,
    },
    /// Find something put right, by another than who named it.
    Settle {
        /// Its id.
        #[arg(allow_hyphen_values = true)]
        item: String,
        #[command(flatten)]
        text: Text,
        #[command(flatten)]
        connection: Connection,
    },
}

#[derive(clap::Args)]
pub(super) struct Report {
    /// Not before this moment: 2026-01-31T08:00:00Z.
    #[arg(long)]
    since: String,
    /// Before this moment.
    #[arg(long)]
    until: String,
    /// The file that is written, never over one that is there: a page where its name ends in .html, else JSON.
    #[arg(long)]
    out: PathBuf,
    /// The page in English.
    #[arg(long)]
    english: bool,
    #[command(flatten)]
    connection: Connection,
}

const REVIEWS: &str = "/v1/audit/reviews";

pub(super) fn review(command: &Review, json: bool) -> Result<(), Failure> {
    match command {
        Review::List { state, connection } => {
            let query = members(&[("state", state)])?;
            pages(
                connection,
                &format!("{REVIEWS}?{query}"),
                ("reviews", "before"),
                json,
                review_line,
            )
        }
        Review::Show { review, connection } => {
            let answer = connection.get(&format!("{REVIEWS}/{}", plain(review)?))?;
            show(&answer, json)
        }
        Review::Entries { review, connection } => {
            let answer = connection.get(&format!("{REVIEWS}/{}/entries", plain(review)?))?;
            said(&answer, json, entry_lines)
        }
        Review::Open { entries, anomaly, connection } => {
            let body = match anomaly {
                Some(anomaly) => json!({"anomaly": anomaly}),
                None => json!({"entries": entries}),
            };
            said(&connection.post(REVIEWS, &body)?, json, review_line)
        }
        Review::Sample { since, until, each, without, connection } => {
            let sample = json!({"since": since, "until": until, "each": each, "without": without});
            said(&connection.post(REVIEWS, &json!({"sample": sample}))?, json, review_line)
        }
        Review::Draw { review, connection } => {
            let path = format!("{REVIEWS}/{}/draw", plain(review)?);
            let answer = connection.post(&path, &json!({}))?;
            said(&answer, json, |answer| format!("entries {}", answer["entries"]))?;
            match answer["same"].as_bool() {
                Some(true) => Ok(()),
                _ => {
                    Err(Failure::Failed("the draw gives other entries than the review has".into()))
                }
            }
        }
        Review::Note { review, text, connection } => {
            act(connection, review, "notes", json!({"text": text.read()?}), json)
        }
        Review::Escalate { review, to, text, connection } => {
            act(connection, review, "escalate", json!({"to": to, "text": text.read()?}), json)
        }
        Review::Close { review, outcome, text, connection } => {
            let body = json!({"outcome": outcome, "text": text.read()?});
            act(connection, review, "close", body, json)
        }
    }
}

fn act(
    connection: &Connection,
    review: &str,
    act: &str,
    body: Value,
    json: bool,
) -> Result<(), Failure> {
    let path = format!("{REVIEWS}/{}/{act}", plain(review)?);
    said(&connection.post(&path, &body)?, json, review_line)
}

pub(super) fn anomalies(arguments: &Anomalies, json: bool) -> Result<(), Failure> {
    let Anomalies { rule, actor, state, since, until, connection } = arguments;
    let query = members(&[
        ("rule", rule),
        ("actor", actor),
        ("state", state),
        ("since", since),
        ("until", until),
    ])?;
    pages(
        connection,
        &format!("/v1/audit/anomalies?{query}"),
        ("anomalies", "before"),
        json,
        |one| {
            let word = |name: &str| one[name].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} actor {} {} entries {}",
                word("at"),
                word("id"),
                word("rule"),
                word("actor"),
                word("state"),
                one["entries"]
            )
        },
    )
}

pub(super) fn rectify(command: &Rectify, json: bool) -> Result<(), Failure> {
    const ITEMS: &str = "/v1/audit/rectifications";
    match command {
        Rectify::List { state, connection } => {
            let query = members(&[("state", state)])?;
            pages(connection, &format!("{ITEMS}?{query}"), ("items", "after"), json, item_line)
        }
        Rectify::Add { review, actor, organ, due, text, connection } => {
            let body = json!({"actor": actor, "organ": organ, "due": due, "text": text.read()?});
            let path = format!("{REVIEWS}/{}/rectifications", plain(review)?);
            said(&connection.post(&path, &body)?, json, item_line)
        }
        Rectify::Settle { item, text, connection } => {
            let path = format!("{ITEMS}/{}/settle", plain(item)?);
            said(&connection.post(&path, &json!({"text": text.read()?}))?, json, item_line)
        }
    }
}

pub(super) fn report(arguments: &Report, json: bool) -> Result<(), Failure> {
    let Report { since, until, out, english, connection } = arguments;
    let moments = members(&[("since", &Some(since.clone())), ("until", &Some(until.clone()))])?;
    let path = format!("/v1/audit/report?{moments}");
    let page = out.extension().is_some_and(|extension| extension == "html");
    let language = if *english { "en" } else { "zh-CN" };
    let bytes = if page {
        connection
            .get_for_bytes(&path, &[("accept", "text/html"), ("accept-language", language)])?
    } else {
        connection.get_for_bytes(&path, &[("accept", "application/json")])?
    };
    write_new(out, &bytes)?;
    if json {
        print(&json!({"bytes": bytes.len(), "file": out}).to_string());
    } else {
        print(&format!("{} bytes in {}", bytes.len(), out.display()));
    }
    Ok(())
}

/// Writes a file that was not there, for its owner alone.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    files::write_new(path, bytes)
        .map_err(|error| Failure::failed("the file cannot be written", &error))
}

fn show(answer: &Value, json: bool) -> Result<(), Failure> {
    said(answer, json, review_line)?;
    if json {
        return Ok(());
    }
    for note in answer["notes"].as_array().into_iter().flatten() {
        let word = |name: &str| note[name].as_str().unwrap_or("-").to_owned();
        print(&format!("{} {} by {}: {}", word("at"), word("kind"), word("by"), word("text")));
    }
    for item in answer["rectifications"].as_array().into_iter().flatten() {
        print(&item_line(item));
    }
    Ok(())
}

fn entry_lines(answer: &Value) -> String {
    let line = |entry: &Value| {
        let words = entry["words"]["en"].as_str().unwrap_or("-");
        format!("{} {words}", entry["entry"]["seq"])
    };
    let entries = answer["entries"].as_array().into_iter().flatten().map(line);
    let pruned = answer["pruned"].as_u64().filter(|pruned| *pruned > 0);
    let pruned = pruned.map(|pruned| format!("{pruned} pruned since"));
    entries.chain(pruned).collect::<Vec<_>>().join("\n")
}

fn review_line(review: &Value) -> String {
    let word = |name: &str| review[name].as_str().unwrap_or("-").to_owned();
    let opened = review["opened"]["at"].as_str().unwrap_or("-");
    format!(
        "{} {opened} {} {} about {} entries {}",
        word("id"),
        word("state"),
        word("cause"),
        review["about"],
        review["entries"]
    )
}

fn item_line(item: &Value) -> String {
    let word = |name: &str| item[name].as_str().unwrap_or("-").to_owned();
    let owner = item["organ"].as_str().or(item["actor"].as_str()).unwrap_or("-");
    format!(
        "{} {} due {} owner {owner} review {}: {}",
        word("id"),
        word("state"),
        word("due"),
        word("review"),
        word("text")
    )
}
