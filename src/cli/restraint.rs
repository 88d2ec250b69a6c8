//! `gridvault subject restrict|hold|release|restrain|due`: what is held of somebody is kept as it is, by two people, and released
//! again; and what is due to residents.
//! Never the number of a document as an argument: it comes from a file.
//! Why is a code.

use super::client::Connection;
use super::failure::Failure;
use super::said::{line_of, pages, plain, said, word, words};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Ask the protection officer to restrict what is held of somebody: stored and protected, and nothing else.
    #[command(
        after_help = "Example: gridvault subject restrict ID --reason accuracy_contested --by self --proof resident_card \\\n    --purpose rights_request"
    )]
    Restrict {
        /// Whose: a subject's id.
        subject: String,
        /// Why: accuracy_contested or use_refused, by the person; excess, retention_duty or erasure_infeasible (PIPL Art. 44, 46, 47).
        #[arg(long)]
        reason: String,
        /// Who asks for it, where somebody does: self, or the guardian, who alone does it for a child under 14.
        #[arg(long, value_parser = ["self", "guardian"], requires = "proof")]
        by: Option<String>,
        /// By which document the desk knew who was present: resident_card, residence_permit, passport or household_register.
        #[arg(long, requires = "by")]
        proof: Option<String>,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Ask the protection officer to keep what is held of somebody for a case: it is read as before, and not removed.
    #[command(
        after_help = "Example: gridvault subject hold ID --reason court_case --document-file number --purpose rights_request"
    )]
    Hold {
        /// Whose: a subject's id.
        subject: String,
        /// For what: court_case, criminal_case, administrative_case, arbitration or inspection.
        #[arg(long)]
        reason: String,
        /// A file that holds the number of the document behind it.
        #[arg(long)]
        document_file: PathBuf,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Ask the protection officer to end a restriction or a legal hold.
    #[command(
        after_help = "Example: gridvault subject release RESTRAINT --reason ground_over --purpose rights_request"
    )]
    Release {
        /// Which: the id that `restrict` or `hold` gave.
        restraint: String,
        /// Why: ground_over, set_in_error, corrected or asked_by_person.
        #[arg(long)]
        reason: String,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// What is due to residents: requests that nobody answered or finished, restraints in force, records that a withdrawal ends.
    Due {
        #[command(flatten)]
        connection: Connection,
    },
    /// Restrict, keep or release what is held of somebody, once the protection officer agreed. Said again it goes on where it stopped.
    #[command(after_help = "Example: gridvault subject restrain REQUEST --purpose rights_request")]
    Restrain {
        /// Which request: the id that `restrict`, `hold` or `release` gave.
        request: String,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        #[command(flatten)]
        connection: Connection,
    },
}

const SUBJECTS: &str = "/v1/subjects";
const RESTRAINTS: &str = "/v1/restraints";

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Restrict { subject, reason, by, proof, purpose, connection } => {
            let path = format!("{SUBJECTS}/{}/restrict", plain(subject)?);
            let body = json!({"reason": reason, "by": by, "proof": proof});
            said(&connection.post_for(&path, purpose, &body)?, json, restraint_line)
        }
        Command::Hold { subject, reason, document_file, purpose, connection } => {
            let path = format!("{SUBJECTS}/{}/hold", plain(subject)?);
            let body = json!({"reason": reason, "document": line_of(Some(document_file))?});
            said(&connection.post_for(&path, purpose, &body)?, json, restraint_line)
        }
        Command::Release { restraint, reason, purpose, connection } => {
            let path = format!("{RESTRAINTS}/{}/release", plain(restraint)?);
            let body = json!({"reason": reason});
            said(&connection.post_for(&path, purpose, &body)?, json, restraint_line)
        }
        Command::Due { connection } => {
            pages(connection, "/v1/due?", ("due", "after"), json, due_line)
        }
        Command::Restrain { request, purpose, connection } => {
            let path = format!("{RESTRAINTS}/{}/carry-out", plain(request)?);
            said(&connection.step_for(&path, purpose)?, json, |done| {
                format!("restraint {}: records {}", word(done, "id"), done["records"])
            })
        }
    }
}

/// What is due, in one line.
fn due_line(due: &Value) -> String {
    let said = |name: &str, member: &str| {
        due[member].as_str().map(|value| format!(" {name} {value}")).unwrap_or_default()
    };
    let days = due["days"].as_i64().map(|days| format!(" for {days} days")).unwrap_or_default();
    let records = words(due, "records");
    let records = if records.is_empty() { records } else { format!(" record {records}") };
    format!(
        "{} {}{}{records}{}{}{}{}{}{}{days}{}",
        word(due, "kind"),
        word(due, "state"),
        said("id", "id"),
        said("releases", "releases"),
        said("reason", "reason"),
        said("area", "area"),
        said("asked", "asked_at"),
        said("due", "due_at"),
        said("since", "since"),
        said("ends on", "ends_on")
    )
}

fn restraint_line(asked: &Value) -> String {
    format!("restraint {}", word(asked, "id"))
}
