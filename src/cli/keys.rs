//! `gridvault keys status|rotate|decide|pause|resume|cancel`: keys of a running vault that others follow. What is done to the root key at
//! the host has files of its own: `provider`, `agree`.
//! Never a key: which kind, how far, and whose word it was.
//! One administrator asks, another one agrees; what follows is the vault's own doing.

use super::client::Connection;
use super::failure::Failure;
use super::said::{plain, said, word};
use super::{agree, provider};
use serde_json::{Value, json};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// How often keys were replaced, and how a rotation goes.
    Status {
        #[command(flatten)]
        connection: Connection,
    },
    /// Ask for a rotation; it begins once a second administrator agrees.
    #[command(after_help = "Example: gridvault keys rotate --what subjects")]
    Rotate {
        /// Which keys: subjects, those of all subject buckets; tokens, the one that signs tokens; log, the one that signs
        /// the log; context, those over addresses, devices and reasons of entries; index, those of all index buckets; header, the one over
        /// decision attributes.
        #[arg(long, value_parser = ["subjects", "tokens", "log", "context", "index", "header"])]
        what: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Say yes or no to what another administrator asks for, and once more to have a former header key destroyed.
    #[command(after_help = "Example: gridvault keys decide ROTATION grant")]
    Decide {
        /// Which rotation: its id.
        rotation: String,
        /// The word.
        #[arg(value_parser = ["grant", "refuse"])]
        decision: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Let a rotation stand still.
    Pause {
        /// Which rotation: its id.
        rotation: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Let a rotation go on.
    Resume {
        /// Which rotation: its id.
        rotation: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Take a rotation back, whether or not somebody agreed: what was drawn comes to its end, and nothing else is.
    Cancel {
        /// Which rotation: its id.
        rotation: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// Give a vault another root key: one that does not run, or with `--running` one that is open.
    #[command(
        after_help = "Example: gridvault keys rotate-root --dir vault --passphrase-file passphrase --agreed request"
    )]
    RotateRoot(provider::RotateArguments),
    /// The ways to the root key of a vault, open (`--running`) or not.
    #[command(subcommand)]
    Provider(provider::Command),
    /// Write what two administrators sign before the ways to the root key are changed.
    #[command(after_help = "Example: gridvault keys request rotate-root --dir vault --out request")]
    Request(agree::RequestArguments),
    /// Sign such a request with one's own key to log in with: its text is shown before, and the act has to be confirmed.
    #[command(after_help = "Example: gridvault keys agree request rotate-root --key my.key")]
    Agree(agree::AgreeArguments),
}

const KEYS: &str = "/v1/admin/keys";

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Status { connection } => {
            said(&connection.get(&format!("{KEYS}/status"))?, json, status_lines)
        }
        Command::Rotate { what, connection } => {
            let answer = connection.post(&format!("{KEYS}/rotate"), &json!({"what": what}))?;
            said(&answer, json, |answer| rotation_line(&answer["rotation"]))
        }
        Command::Decide { rotation, decision, connection } => {
            let path = format!("{KEYS}/jobs/{}/decide", plain(rotation)?);
            let answer = connection.post(&path, &json!({"decision": decision}))?;
            said(&answer, json, |answer| rotation_line(&answer["rotation"]))
        }
        Command::Pause { rotation, connection } => step(rotation, "pause", connection, json),
        Command::Resume { rotation, connection } => step(rotation, "resume", connection, json),
        Command::Cancel { rotation, connection } => step(rotation, "cancel", connection, json),
        Command::RotateRoot(arguments) => provider::rotate_root(arguments, json),
        Command::Provider(command) => provider::run(command, json),
        Command::Request(arguments) => agree::request(arguments, json),
        Command::Agree(arguments) => agree::agree(arguments, json),
    }
}

fn step(rotation: &str, step: &str, connection: &Connection, json: bool) -> Result<(), Failure> {
    let answer = connection.step(&format!("{KEYS}/jobs/{}/{step}", plain(rotation)?))?;
    said(&answer, json, |answer| rotation_line(&answer["rotation"]))
}

fn rotation_line(rotation: &Value) -> String {
    let second = rotation["decided_by"].as_str().map(|who| format!(" second person {who}"));
    let overlap = rotation["overlap_until"].as_str().filter(|_| rotation["keys_done"] == 0);
    let next = word(rotation, "next_key");
    let overlap = overlap.map(|until| format!("\nkey {next}, the former beside it until {until}"));
    let anew = rotation["sealed_anew_at"].as_str().filter(|_| rotation["keys_done"] == 0);
    let anew = anew.map(|since| {
        format!(
            "\neverything is sealed anew since {since}, but for {} values that cannot be read: make and verify a bulk part now, and let every \
             reader of the feed ask once; then the second person says `keys decide ROTATION grant` again, which destroys the former key. \
             Bulk parts from before that moment restore with no later key part",
            rotation["values_unread"]
        )
    });
    format!(
        "rotation {} of {} {}: {} of {} keys, asked by {} at {}{}{}{}",
        word(rotation, "id"),
        word(rotation, "what"),
        word(rotation, "state"),
        rotation["keys_done"],
        rotation["keys"],
        word(rotation, "asked_by"),
        word(rotation, "asked_at"),
        second.unwrap_or_default(),
        overlap.unwrap_or_default(),
        anew.unwrap_or_default()
    )
}

fn status_lines(status: &Value) -> String {
    let line = |what: &str| {
        let of = &status[what];
        format!(
            "{}: epochs {} to {}, {} with a next key",
            of["count"], of["epoch_min"], of["epoch_max"], of["next_count"]
        )
    };
    let near = |uses: &&Value| uses["near_end"] == true;
    let due = |uses: &Value| {
        format!(
            "\n{}: {} of {} uses, another key is due",
            word(uses, "kind"),
            uses["most"],
            uses["max"]
        )
    };
    let uses = status["uses"].as_array();
    let due: String = uses.into_iter().flatten().filter(near).map(due).collect();
    let (subjects, index) = (line("subjects"), line("index"));
    let header = &status["header"];
    let next = header["next_epoch"].as_u64().map(|next| format!(", {next} beside it"));
    let header = format!("header key: epoch {}{}", header["epoch"], next.unwrap_or_default());
    let keys = format!("subject buckets {subjects}\nindex buckets {index}\n{header}{due}");
    match &status["rotation"] {
        Value::Null => keys,
        rotation => format!("{keys}\n{}", rotation_line(rotation)),
    }
}
