//! `gridvault audit`: the log of a running vault, for whoever has the duty to read it.
//! Never reads the log's files: each reading is itself an entry.
//! One entry a line; `--json` gives them as they were written.

use super::audit_export;
use super::audit_review;
use super::audit_tail;
use super::client::Connection;
use super::failure::Failure;
use super::print;
use serde_json::{Value, json};

/// Entries of one page.
const PAGE: u64 = 100;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// The last entries, and those that come.
    Tail(audit_tail::Arguments),
    /// Entries that have everything that is asked for, the newest first.
    Search {
        #[command(flatten)]
        filter: Box<Filter>,
        /// How many.
        #[arg(long, default_value_t = PAGE)]
        count: u64,
        /// The oldest first.
        #[arg(long)]
        oldest: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// One entry in words, with its proof.
    Show {
        /// Its index.
        index: u64,
        #[command(flatten)]
        connection: Connection,
    },
    /// Entries in a form that other systems read, into a file; it can be stopped and gone on with.
    Export(Box<audit_export::Arguments>),
    /// An evidence pack: entries of a period or case with their proofs, to be verified offline.
    Pack {
        /// The file that is written; never over one that is there.
        #[arg(long)]
        out: std::path::PathBuf,
        #[command(flatten)]
        filter: Box<Filter>,
        #[command(flatten)]
        connection: Connection,
    },
    /// The search index.
    #[command(subcommand)]
    Index(IndexCommand),
    /// What staff accounts did that is out of the ordinary, the newest first.
    Anomalies(Box<audit_review::Anomalies>),
    /// Reviews: what officers look into, note, bring up and close.
    #[command(subcommand)]
    Review(Box<audit_review::Review>),
    /// What is to be put right after reviews.
    #[command(subcommand)]
    Rectify(Box<audit_review::Rectify>),
    /// The report of a period, as a page or as JSON.
    Report(Box<audit_review::Report>),
}

#[derive(clap::Subcommand)]
pub(super) enum IndexCommand {
    /// Have it made again from the log.
    Rebuild {
        #[command(flatten)]
        connection: Connection,
    },
}

/// Conditions that all hold. Ids and handles are what entries and the API write.
#[derive(clap::Args)]
pub(super) struct Filter {
    /// Who acted: an actor's id.
    #[arg(long, allow_hyphen_values = true)]
    actor: Option<String>,
    /// Through which system: its actor id.
    #[arg(long, allow_hyphen_values = true)]
    system: Option<String>,
    /// Which actor an act of administration or oversight was about.
    #[arg(long, allow_hyphen_values = true)]
    about: Option<String>,
    /// Which record: its id or its handle. Who read it?
    #[arg(long, allow_hyphen_values = true)]
    record: Option<String>,
    /// Which subject: its id or its handle.
    #[arg(long, allow_hyphen_values = true)]
    subject: Option<String>,
    /// In which grid or area: the digits of its code.
    #[arg(long)]
    grid: Option<String>,
    /// For which purpose.
    #[arg(long)]
    purpose: Option<String>,
    /// How it ended: success, denied, error or aborted.
    #[arg(long)]
    outcome: Option<String>,
    /// For which reason it was refused.
    #[arg(long)]
    why: Option<String>,
    /// By which rule.
    #[arg(long)]
    rule: Option<String>,
    /// Under which role.
    #[arg(long)]
    role: Option<String>,
    /// In which task.
    #[arg(long, allow_hyphen_values = true)]
    task: Option<String>,
    /// In which case.
    #[arg(long, allow_hyphen_values = true)]
    case: Option<String>,
    /// Family of events, or family and action: data, data.read.
    #[arg(long)]
    event: Option<String>,
    /// Which type of record.
    #[arg(long = "type")]
    kind: Option<String>,
    /// Which field was given out or changed.
    #[arg(long)]
    field: Option<String>,
    /// By which approval, delegation or emergency access.
    #[arg(long, allow_hyphen_values = true)]
    approval: Option<String>,
    /// Not before this moment: 2026-01-31T08:00:00Z.
    #[arg(long)]
    since: Option<String>,
    /// Before this moment.
    #[arg(long)]
    until: Option<String>,
    /// On this day of the country's time: 2026-01-31. What did this actor do that day?
    #[arg(long)]
    day: Option<String>,
}

impl Filter {
    fn members(&self) -> [(&'static str, &Option<String>); 20] {
        [
            ("actor", &self.actor),
            ("system", &self.system),
            ("about", &self.about),
            ("record", &self.record),
            ("subject", &self.subject),
            ("grid", &self.grid),
            ("purpose", &self.purpose),
            ("outcome", &self.outcome),
            ("why", &self.why),
            ("rule", &self.rule),
            ("role", &self.role),
            ("task", &self.task),
            ("case", &self.case),
            ("event", &self.event),
            ("type", &self.kind),
            ("field", &self.field),
            ("approval", &self.approval),
            ("since", &self.since),
            ("until", &self.until),
            ("day", &self.day),
        ]
    }

    /// As a body.
    fn to_body(&self) -> Value {
        let given = self
            .members()
            .into_iter()
            .filter_map(|(n, v)| Some((n.to_owned(), json!(v.as_ref()?))));
        Value::Object(given.collect())
    }

    /// As the members of a query.
    pub(super) fn to_query(&self) -> Result<String, Failure> {
        let mut query = String::new();
        for (name, value) in self.members().into_iter().filter_map(|(n, v)| Some((n, v.as_ref()?)))
        {
            // No member of a question needs another character; with one it would be another query.
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-,.:/".contains(&byte);
            if value.is_empty() || !value.bytes().all(plain) {
                return Err(Failure::Usage(format!("--{name} has characters that no value has")));
            }
            query.push_str(&format!("{name}={value}&"));
        }
        Ok(query)
    }
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Tail(arguments) => audit_tail::run(arguments, json),
        Command::Search { filter, count, oldest, connection } => {
            search(filter, *count, *oldest, connection, json)
        }
        Command::Show { index, connection } => show(*index, connection, json),
        Command::Export(arguments) => audit_export::run(arguments, json),
        Command::Pack { out, filter, connection } => pack(out, filter, connection, json),
        Command::Index(IndexCommand::Rebuild { connection }) => rebuild(connection, json),
        Command::Anomalies(arguments) => audit_review::anomalies(arguments, json),
        Command::Review(command) => audit_review::review(command, json),
        Command::Rectify(command) => audit_review::rectify(command, json),
        Command::Report(arguments) => audit_review::report(arguments, json),
    }
}

fn search(
    filter: &Filter,
    count: u64,
    oldest: bool,
    connection: &Connection,
    json: bool,
) -> Result<(), Failure> {
    let order = if oldest { "oldest" } else { "newest" };
    let query = format!("/v1/audit/entries?{}order={order}", filter.to_query()?);
    let (mut left, mut cursor) = (count, String::new());
    loop {
        let answer = connection.get(&format!("{query}&limit={}{cursor}", left.clamp(1, PAGE)))?;
        print_all(&answer, json);
        let shown = answer["entries"].as_array().map_or(0, Vec::len) as u64;
        left = left.saturating_sub(shown);
        match answer["cursor"].as_str() {
            Some(next) if left > 0 => cursor = format!("&cursor={next}"),
            _ => {
                say_lag(&answer);
                return Ok(());
            }
        }
    }
}

/// What is published and not yet indexed was not searched; whoever reads the result must know.
fn say_lag(answer: &Value) {
    let number = |name: &str| answer[name].as_u64().unwrap_or_default();
    let (indexed, size) = (number("indexed"), number("size"));
    if indexed < size {
        tracing::warn!(indexed, published = size, "the newest entries were not searched yet");
    }
    say_pruned(answer);
}

/// Nor was what is gone.
pub(super) fn say_pruned(answer: &Value) {
    if let Some(minimum) = answer["minimum"].as_u64().filter(|minimum| *minimum > 0) {
        tracing::warn!(minimum, "entries below were pruned at the end of their retention");
    }
}

fn print_all(answer: &Value, json: bool) {
    lines(answer, json).for_each(|line| print(&line));
}

/// The entries of an answer, one a line.
pub(super) fn lines(answer: &Value, json: bool) -> impl Iterator<Item = String> {
    let entries = answer["entries"].as_array().into_iter().flatten();
    entries.map(move |entry| {
        if json {
            return entry.to_string();
        }
        let word = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
        let time = entry["t"].as_i64().map(|micros| crate::ambient::Micros(micros).rfc3339());
        format!(
            "{:>8} {} {}.{} {} who {} role {} why {}",
            entry["seq"],
            time.unwrap_or_default(),
            word("ev"),
            word("act"),
            word("out"),
            word("who"),
            word("role"),
            word("why")
        )
    })
}

fn show(index: u64, connection: &Connection, json: bool) -> Result<(), Failure> {
    let answer = connection.get(&format!("/v1/audit/entries/{index}"))?;
    if json {
        print(&answer.to_string());
    } else {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        print(&text(&answer["words"]["zh"]));
        print(&text(&answer["words"]["en"]));
        print(&answer["entry"].to_string());
        print(&format!("leaf {}", text(&answer["leaf"])));
        print(&text(&answer["proof"]));
    }
    judged(index, &answer)
}

/// Whether the entry is proven, as the vault said.
fn judged(index: u64, answer: &Value) -> Result<(), Failure> {
    match answer["proven"].as_bool() {
        Some(true) => Ok(()),
        Some(false) => {
            Err(Failure::Tampered(format!("entry {index} does not agree with the log's own proof")))
        }
        None => Err(Failure::Failed("the vault does not say whether the entry is proven".into())),
    }
}

fn rebuild(connection: &Connection, json: bool) -> Result<(), Failure> {
    let answer = connection.post("/v1/audit/index/rebuild", &json!({}))?;
    if json {
        print(&answer.to_string());
    } else {
        print(&format!("the index of {} entries is being made again", answer["indexed"]));
    }
    Ok(())
}

fn pack(
    out: &std::path::Path,
    filter: &Filter,
    connection: &Connection,
    json: bool,
) -> Result<(), Failure> {
    let bytes = connection.post_for_bytes("/v1/audit/evidence-packs", &filter.to_body())?;
    audit_review::write_new(out, &bytes)?;
    if json {
        print(&json!({"bytes": bytes.len(), "file": out}).to_string());
    } else {
        print(&format!("{} bytes in {}", bytes.len(), out.display()));
        print("check it with: gridvault-audit pack FILE --vkey KEY, the key from elsewhere");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_its_own_proof_contradicts_ends_with_the_status_of_tampering() {
        let status = |answer: Value| judged(7, &answer).map_err(|failure| failure.status());
        assert_eq!(status(json!({"proven": true})), Ok(()));
        assert_eq!(status(json!({"proven": false})), Err(3));
        assert_eq!(status(json!({})), Err(1));
    }
}
