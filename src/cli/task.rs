//! `gridvault task give|list|accept|return|close`: tasks of a running vault.
//! Never a value of anybody as an argument: records and people are named by their ids.
//! A task's id is the case under which its holder reads.

use super::client::Connection;
use super::failure::Failure;
use super::said::{each, plain, said, word, words};
use serde_json::{Value, json};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Give somebody a task: named fields of named records and people, until a moment.
    Give {
        /// What there is to do: visit, verification, counter_service, agent_service, event_step, evacuation or mediation.
        #[arg(long)]
        kind: String,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        /// Who is to do it: an actor's id.
        #[arg(long, allow_hyphen_values = true)]
        holder: String,
        /// A record that it opens; as often as there are records.
        #[arg(long = "record", required_unless_present = "subjects")]
        records: Vec<String>,
        /// Somebody of whom it opens what is held as of a person, and where that one lives.
        #[arg(long = "subject")]
        subjects: Vec<String>,
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
    },
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

#[derive(clap::Args)]
pub(super) struct Step {
    /// The task.
    task: String,
    #[command(flatten)]
    connection: Connection,
}

const TASKS: &str = "/v1/tasks";

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Give { purpose, connection, .. } => {
            let answer = connection.post_for(TASKS, purpose, &task_of(command))?;
            said(&answer, json, |task| {
                format!("task {} budget {}", word(task, "id"), task["budget"])
            })
        }
        Command::List { connection } => {
            each(&connection.get(TASKS)?, "tasks", json, line);
            Ok(())
        }
        Command::Accept(step) => taken(step, "accept", json),
        Command::Return(step) => taken(step, "return", json),
        Command::Close(step) => taken(step, "close", json),
    }
}

fn task_of(command: &Command) -> Value {
    let Command::Give {
        kind,
        purpose,
        holder,
        records,
        subjects,
        fields,
        until,
        budget,
        ask_approval,
        ..
    } = command
    else {
        return Value::Null;
    };
    let mut body = json!({
        "kind": kind, "purpose": purpose, "holder": holder,
        "scope": {"records": records, "subjects": subjects}, "fields": fields, "until": until,
        "approval": ask_approval,
    });
    if let Some(budget) = budget {
        body["budget"] = json!(budget);
    }
    body
}

fn taken(step: &Step, word_of_step: &str, json: bool) -> Result<(), Failure> {
    let path = format!("{TASKS}/{}/{word_of_step}", plain(&step.task)?);
    said(&step.connection.step(&path)?, json, |task| {
        format!("task {} {word_of_step}: done", word(task, "id"))
    })
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
