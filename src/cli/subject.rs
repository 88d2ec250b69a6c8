//! `gridvault subject protect|unprotect|consents|consent|withdraw`: what a desk does for the resident who is present.
//! Never a value, and never the number of a document: people, households and consents are named by their ids.
//! By which document the desk knew who was present is a code.

use super::client::Connection;
use super::failure::Failure;
use super::said::{each, plain, said, word};
use serde_json::{Value, json};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Hide somebody from its neighbours: everything that is held of it, and named households.
    #[command(
        after_help = "Example: gridvault subject protect ID --purpose rights_request --household ID"
    )]
    Protect(Protection),
    /// Hide somebody no more.
    Unprotect(Protection),
    /// The consents of somebody, withdrawn ones too.
    #[command(after_help = "Example: gridvault subject consents ID --purpose rights_request")]
    Consents {
        /// Whose: a subject's id.
        subject: String,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Write down a consent over records that are held: they may be read for one purpose more.
    #[command(
        after_help = "Example: gridvault subject consent ID --record ID --to household_contact --legal-basis household_contact_consent --notice household_contact_notice_1 --by self --method written --given-on 2026-01-15 --proof resident_card --purpose rights_request"
    )]
    Consent(ConsentGiven),
    /// Take back a consent, with every other one of that person to the same purpose.
    #[command(
        after_help = "Example: gridvault subject withdraw ID CONSENT --by self --proof resident_card --purpose rights_request"
    )]
    Withdraw {
        /// Whose: a subject's id.
        subject: String,
        /// Which consent, as `consents` names it.
        #[arg(allow_hyphen_values = true)]
        consent: String,
        /// Who takes it back: self, or the guardian, who alone does it for a child under 14.
        #[arg(long, value_parser = ["self", "guardian"])]
        by: String,
        /// By which document the desk knew who was present: resident_card, residence_permit, passport or household_register.
        #[arg(long)]
        proof: String,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        #[command(flatten)]
        connection: Connection,
    },
}

#[derive(clap::Args)]
pub(super) struct ConsentGiven {
    /// Whose: a subject's id.
    subject: String,
    /// A record of that person; as often as there are records.
    #[arg(long = "record", required = true)]
    records: Vec<String>,
    /// For which purpose the records may be read from now on.
    #[arg(long = "to")]
    to: String,
    /// On which of that purpose's bases.
    #[arg(long)]
    legal_basis: String,
    /// After which notice.
    #[arg(long)]
    notice: String,
    /// Who gave it: self, or the guardian, who alone does it for a child under 14.
    #[arg(long, value_parser = ["self", "guardian"])]
    by: String,
    /// How it was given.
    #[arg(long, value_parser = ["written", "oral", "electronic"])]
    method: String,
    /// On which day.
    #[arg(long)]
    given_on: String,
    /// By which document the desk knew who was present: resident_card, residence_permit, passport or household_register.
    #[arg(long)]
    proof: String,
    /// For which purpose the desk acts.
    #[arg(long)]
    purpose: String,
    #[command(flatten)]
    connection: Connection,
}

#[derive(clap::Args)]
pub(super) struct Protection {
    /// Whom: a subject's id.
    subject: String,
    /// For which purpose.
    #[arg(long)]
    purpose: String,
    /// A household that names that person; as often as there are households.
    #[arg(long = "household")]
    households: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

const SUBJECTS: &str = "/v1/subjects";

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Protect(protection) => protect(protection, true, json),
        Command::Unprotect(protection) => protect(protection, false, json),
        Command::Consents { subject, purpose, connection } => {
            let path = format!("{SUBJECTS}/{}/consents", plain(subject)?);
            each(&connection.get_for(&path, purpose)?, "consents", json, consent_line);
            Ok(())
        }
        Command::Consent(given) => give(given, json),
        Command::Withdraw { subject, consent, by, proof, purpose, connection } => {
            let (subject, consent) = (plain(subject)?, plain(consent)?);
            let path = format!("{SUBJECTS}/{subject}/consents/{consent}/withdraw");
            let body = json!({"by": by, "proof": proof});
            said(&connection.post_for(&path, purpose, &body)?, json, withdrawn_lines)
        }
    }
}

fn protect(protection: &Protection, protected: bool, json: bool) -> Result<(), Failure> {
    let Protection { subject, purpose, households, connection } = protection;
    let path = format!("{SUBJECTS}/{}/protect", plain(subject)?);
    let body = json!({"protected": protected, "households": households});
    let done = if protected { "protected" } else { "protected no more" };
    said(&connection.post_for(&path, purpose, &body)?, json, |marked| {
        format!("subject {} {done}: records {}", word(marked, "subject"), marked["records"])
    })
}

fn give(given: &ConsentGiven, json: bool) -> Result<(), Failure> {
    let ConsentGiven { records, to, legal_basis, notice, by, method, given_on, .. } = given;
    let path = format!("{SUBJECTS}/{}/consents", plain(&given.subject)?);
    let body = json!({
        "records": records, "purpose": to, "legal_basis": legal_basis, "notice": notice,
        "consent": {"by": by, "method": method, "given_on": given_on}, "proof": given.proof,
    });
    said(&given.connection.post_for(&path, &given.purpose, &body)?, json, |recorded| {
        format!("consent {} to {}", word(recorded, "id"), word(recorded, "purpose"))
    })
}

fn consent_line(consent: &Value) -> String {
    let withdrawn = consent["withdrawn_on"].as_str().map(|day| format!(" withdrawn on {day}"));
    let ends = consent["ends_on"].as_str().map(|day| format!(" ends on {day}"));
    format!(
        "{} to {} record {} notice {}{}{}",
        word(consent, "id"),
        word(consent, "purpose"),
        word(consent, "record"),
        word(consent, "notice"),
        withdrawn.unwrap_or_default(),
        ends.unwrap_or_default()
    )
}

/// For which purpose nothing is opened any more, then each record that rested on a consent to it.
fn withdrawn_lines(withdrawn: &Value) -> String {
    let first = format!("withdrawn for {}", word(withdrawn, "purpose"));
    let records = withdrawn["records"].as_array().into_iter().flatten();
    let records = records
        .map(|one| format!("record {} ends on {}", word(one, "record"), word(one, "ends_on")));
    std::iter::once(first).chain(records).collect::<Vec<_>>().join("\n")
}
