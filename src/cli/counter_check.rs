//! `gridvault counter-check`: the number that whoever stands at the counter shows, and a case for half an hour.
//! Never the number as an argument: it comes from a file or standard input, and is printed nowhere.
//! Whether it is held somewhere else is not said.

use super::client::Connection;
use super::failure::Failure;
use super::said::{line_of, said, word};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(
    after_help = "Example: gridvault counter-check --purpose employment_aid --fields name,id_number < number"
)]
pub(super) struct Arguments {
    /// For which purpose.
    #[arg(long)]
    purpose: String,
    /// The field of a person that is shown.
    #[arg(long, default_value = "id_number")]
    field: String,
    /// The fields that the matter needs, which the case opens, with commas between.
    #[arg(long, value_delimiter = ',', required = true)]
    fields: Vec<String>,
    /// A file that holds what is shown; standard input without it.
    #[arg(long)]
    value_file: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let Arguments { purpose, field, fields, value_file, connection } = arguments;
    let value = line_of(value_file.as_deref())?;
    let body = json!({"field": field, "value": value, "fields": fields});
    said(&connection.post_for("/v1/counter-checks", purpose, &body)?, json, line)
}

fn line(checked: &Value) -> String {
    match checked["case"].as_str() {
        None => "nobody is held under it for this purpose here".to_owned(),
        Some(case) => format!(
            "case {case} record {} subject {} until {}",
            word(checked, "record"),
            word(checked, "subject"),
            word(checked, "until")
        ),
    }
}
