//! `gridvault subject report|accesses|protect|unprotect|consents|consent|withdraw|erase|carry-out|certificate`: what a desk does for the
//! resident who is present.
//! Never a value, and never the number of a document: people, households and consents are named by their ids.
//! By which document the desk knew who was present is a code.

use super::audit_review::write_new;
use super::client::Connection;
use super::failure::Failure;
use super::restraint;
use super::said::{each, plain, said, word};
use serde_json::{Value, json};
use std::path::PathBuf;

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
    /// What is held of the one who is present, why and until when.
    #[command(
        after_help = "Example: gridvault subject report ID --case CASE --purpose rights_request"
    )]
    Report(Access),
    /// Who looked at what is held of the one who is present, the newest first.
    #[command(
        after_help = "Example: gridvault subject accesses ID --case CASE --purpose rights_request"
    )]
    Accesses(Access),
    /// Ask the protection officer for somebody's erasure.
    #[command(
        after_help = "Example: gridvault subject erase ID --reason purpose_met --by self --proof resident_card \\\n    --purpose rights_request"
    )]
    Erase {
        /// Whose: a subject's id.
        subject: String,
        /// Why: purpose_met, period_over, consent_withdrawn, unlawful or other_law (PIPL Art. 47).
        #[arg(long)]
        reason: String,
        /// Who asks for it: self, or the guardian, who alone does it for a child under 14.
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
    #[command(flatten)]
    Restraint(restraint::Command),
    /// Erase somebody, once the protection officer agreed. Said again it goes on where it stopped.
    #[command(after_help = "Example: gridvault subject carry-out ERASURE --purpose rights_request")]
    CarryOut {
        /// Which erasure: the id that `erase` gave.
        erasure: String,
        /// For which purpose.
        #[arg(long)]
        purpose: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Write the certificate of an erasure into a file, for the resident; `gridvault-audit certificate` checks it.
    #[command(
        after_help = "Example: gridvault subject certificate ERASURE --out certificate.tar --purpose rights_request"
    )]
    Certificate {
        /// Which erasure: the id that `erase` gave.
        erasure: String,
        /// The file to write; never over one that is there.
        #[arg(long)]
        out: PathBuf,
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
pub(super) struct Access {
    /// Who is present: a subject's id.
    subject: String,
    /// The check at the counter by which the desk knows it: what `counter-check` printed.
    #[arg(long)]
    case: String,
    /// For which purpose.
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
const ERASURES: &str = "/v1/erasures";

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Protect(protection) => protect(protection, true, json),
        Command::Unprotect(protection) => protect(protection, false, json),
        Command::Consents { subject, purpose, connection } => {
            let path = format!("{SUBJECTS}/{}/consents", plain(subject)?);
            each(&connection.get_for(&path, purpose)?, "consents", json, consent_line);
            Ok(())
        }
        Command::Report(access) => {
            each(&access.get("report")?, "records", json, held_line);
            Ok(())
        }
        Command::Accesses(access) => access.list(json),
        Command::Restraint(command) => restraint::run(command, json),
        Command::Erase { subject, reason, by, proof, purpose, connection } => {
            let path = format!("{SUBJECTS}/{}/erase", plain(subject)?);
            let body = json!({"reason": reason, "by": by, "proof": proof});
            said(&connection.post_for(&path, purpose, &body)?, json, |asked| {
                format!("erasure {}", word(asked, "id"))
            })
        }
        Command::CarryOut { erasure, purpose, connection } => {
            let path = format!("{ERASURES}/{}/carry-out", plain(erasure)?);
            said(&connection.step_for(&path, purpose)?, json, erased_line)
        }
        Command::Certificate { erasure, out, purpose, connection } => {
            let path = format!("{ERASURES}/{}/certificate", plain(erasure)?);
            let bytes = connection.get_for_bytes(&path, &[("purpose", purpose)])?;
            write_new(out, &bytes)?;
            said(&json!({"file": out, "bytes": bytes.len()}), json, |written| {
                format!(
                    "certificate in {}\ncheck it with: gridvault-audit certificate FILE --vkey KEY, the key from elsewhere",
                    word(written, "file")
                )
            })
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

impl Access {
    fn get(&self, what: &str) -> Result<Value, Failure> {
        let path = format!("{SUBJECTS}/{}/{what}", plain(&self.subject)?);
        self.connection.get_within(&path, &self.purpose, &self.case)
    }

    /// Lists page by page, to the end.
    fn list(&self, json: bool) -> Result<(), Failure> {
        let mut page = self.get("accesses")?;
        loop {
            each(&page, "accesses", json, look_line);
            match page["cursor"].as_str() {
                Some(cursor) => page = self.get(&format!("accesses?cursor={cursor}"))?,
                None => return Ok(()),
            }
        }
    }
}

fn held_line(held: &Value) -> String {
    let for_each = held["held_for"].as_array().into_iter().flatten();
    let purposes: Vec<&str> = for_each.map(|one| word(one, "purpose")).collect();
    let ends = held["ends_on"].as_str().map(|day| format!(" until {day}"));
    let (kind, id) = (word(held, "type"), word(held, "id"));
    format!("{kind} {id} for {}{}", purposes.join(", "), ends.unwrap_or_default())
}

fn look_line(look: &Value) -> String {
    let fields = look["fields"].as_array().into_iter().flatten();
    let fields: Vec<String> = fields
        .map(|seen| match seen["view"].as_str() {
            Some(view) => format!("{} ({view})", word(seen, "field")),
            None => word(seen, "field").to_owned(),
        })
        .collect();
    format!(
        "{} {} {} by {} {} for {}: {} [entry {}]",
        word(look, "at"),
        word(look, "event"),
        word(look, "outcome"),
        look["role"].as_str().unwrap_or("nobody known"),
        look["account"].as_str().unwrap_or("-"),
        look["purpose"].as_str().unwrap_or("-"),
        fields.join(", "),
        look["index"]
    )
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

fn erased_line(erased: &Value) -> String {
    let entries = erased["entries"].as_array().map_or(0, Vec::len);
    let keys = match erased["destroyed"].as_u64() {
        Some(index) => format!("keys destroyed by entry {index}"),
        None => "keys still to be destroyed".to_owned(),
    };
    format!("erasure {}: steps {entries}, {keys}", word(erased, "id"))
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
