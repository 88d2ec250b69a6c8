//! `gridvault enrol CODE`: turns a one-time code into its holder's first token, and draws the key for those that follow.
//! Never prints the token when a file is named for it.
//! A code works once.

use super::client::Connection;
use super::failure::Failure;
use super::log_in_key::Fresh;
use super::print;
use serde_json::json;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The one-time code. One in 64 begins with a hyphen.
    #[arg(allow_hyphen_values = true)]
    code: String,
    /// A new file for a key to log in by from then on, or one whose key no vault was told of: without one, the next token needs
    /// another code.
    #[arg(long)]
    key: Option<PathBuf>,
    /// A new file for the token, readable by its owner alone; printed if none is named.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    // On the disk before the code is used up, so that what the vault knows is never lost.
    let fresh = arguments.key.as_deref().map(Fresh::create).transpose()?;
    let key = fresh.as_ref().map(Fresh::public_key);
    let body = json!({"code": arguments.code, "log_in_key": key});
    let answer = arguments.connection.post_open("/v1/enrol", &body)?;
    fresh.map(|fresh| fresh.known(&answer)).transpose()?;
    let token = answer["token"].as_str().unwrap_or_default();
    match &arguments.out {
        Some(path) => {
            let fail = |error: std::io::Error| Failure::failed("the token file", &error);
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map_err(fail)?;
            file.write_all(token.as_bytes()).map_err(fail)?;
            let actor = &answer["actor"];
            let line = format!("enrolled {}", actor.as_str().unwrap_or_default());
            print(&if json { json!({"actor": actor}).to_string() } else { line });
        }
        None if json => print(&answer.to_string()),
        None => print(token),
    }
    Ok(())
}
