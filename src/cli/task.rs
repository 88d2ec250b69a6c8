//! `gridvault task give|list|accept|return|close`: tasks of a running vault.
//! Never a value of anybody as an argument: records and people are named by their ids.
//! A task's id is the case under which its holder reads.

use super::client::Connection;
use super::failure::Failure;
use super::said::{Step, each, said, taken, word, words};
use serde_json::{Value, json};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Give somebody a task: named fields of named records and people, of whoever lives at named places, or of what an event names.
    #[command(
        after_help = "Example: gridvault task give --kind visit --purpose elder_visit --holder ACTOR --place ID \\\n    \
        --fields name,current_address --until 2026-01-31T08:00:00Z"
    )]
    Give(Box<Give>),
    /// The caller's tasks that are not done, and those that it gave.
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Take a task.
    Accept(Step),
    /// Give a task back.
    Return(Step),
    /// Close a task: it opens nothing more.
    Close(Step),
}

/// A task to be given.
#[derive(clap::Args)]
pub(super) struct Give {
    /// What there is to do: visit, verification, counter_service, agent_service, event_step, evacuation or mediation.
    #[arg(long)]
    kind: String,
    /// For which purpose.
    #[arg(long)]
    purpose: String,
    /// Who is to do it: an actor's id.
    #[arg(long, allow_hyphen_values = true)]
    holder: String,
    #[command(flatten)]
    scope: Scope,
    /// The fields that it opens, with commas between.
    #[arg(long, value_delimiter = ',', required = true)]
    fields: Vec<String>,
    /// First moment at which it opens nothing more: 2026-01-31T08:00:00Z.
    #[arg(long)]
    until: String,
    /// How many distinct records it opens.
    #[arg(long)]
    budget: Option<u32>,
    /// Ask a second person to agree first, as children's fields need.
    #[arg(long)]
    ask_approval: bool,
    #[command(flatten)]
    connection: Connection,
}

/// What a task is about, in one of three ways: records and people, or places, or an event.
#[derive(clap::Args)]
struct Scope {
    /// A record that it opens; as often as there are records.
    #[arg(long = "record", required_unless_present_any = ["subjects", "places", "event"])]
    #[arg(conflicts_with_all = ["places", "event"])]
    records: Vec<String>,
    /// Somebody of whom it opens what is held as of a person, and where that one lives.
    #[arg(long = "subject", conflicts_with_all = ["places", "event"])]
    subjects: Vec<String>,
    /// A place: whoever lives there when the task is given; as often as there are places.
    #[arg(long = "place", conflicts_with = "event")]
    places: Vec<String>,
    /// An event: the dwellings that it names, and whoever lives there.
    #[arg(long)]
    event: Option<String>,
}

/// Their path, and what one is called.
const TASKS: (&str, &str) = ("/v1/tasks", "task");

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Give(give) => {
            let answer = give.connection.post_for(TASKS.0, &give.purpose, &task_of(give))?;
            said(&answer, json, |task| {
                format!("task {} budget {}", word(task, "id"), task["budget"])
            })
        }
        Command::List { connection } => {
            each(&connection.get(TASKS.0)?, "tasks", json, line);
            Ok(())
        }
        Command::Accept(step) => taken(step, TASKS, "accept", json),
        Command::Return(step) => taken(step, TASKS, "return", json),
        Command::Close(step) => taken(step, TASKS, "close", json),
    }
}

fn task_of(give: &Give) -> Value {
    let Give { kind, purpose, holder, scope, fields, until, budget, ask_approval, .. } = give;
    let Scope { records, subjects, places, event } = scope;
    let scope = match event {
        Some(event) => json!({"event": event}),
        None if !places.is_empty() => json!({"places": places}),
        None => json!({"records": records, "subjects": subjects}),
    };
    let mut body = json!({
        "kind": kind, "purpose": purpose, "holder": holder, "scope": scope, "fields": fields,
        "until": until, "approval": ask_approval,
    });
    if let Some(budget) = budget {
        body["budget"] = json!(budget);
    }
    body
}

fn line(task: &Value) -> String {
    let side = match task["holder"].as_str() {
        Some(holder) => format!("given to {holder}"),
        None => "held".to_owned(),
    };
    format!(
        "{} {side} {} {} for {} until {} fields {}",
        word(task, "id"),
        word(task, "kind"),
        word(task, "state"),
        word(task, "purpose"),
        word(task, "until"),
        words(task, "fields")
    )
}
