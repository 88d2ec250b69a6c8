//! `gridvault enrol`: turns a one-time code into its holder's first token, and draws the key for those that follow.
//! Never takes the code as an argument, and never prints the token when a file is named for it.
//! A code works once: every file is there before it is sent.

use super::client::Connection;
use super::failure::Failure;
use super::log_in_key::Fresh;
use super::print;
use super::unseal::{Wiped, read_secret, text_of};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The one-time code is read from the terminal, unseen, or from standard input.
#[derive(clap::Args)]
pub(super) struct Arguments {
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
    arguments.connection.check()?;
    // Both on the disk before the code is used up, so that neither what the vault knows nor what it gives is ever lost.
    let reserved = arguments.out.as_deref().map(Reserved::create).transpose()?;
    let fresh = arguments.key.as_deref().map(Fresh::create).transpose()?;
    let key = fresh.as_ref().map(Fresh::public_key);
    let code = read_secret("One-time code (not shown): ")?;
    let body = Wiped::new(json!({"code": text_of(&code)?, "log_in_key": key}));
    let answer = arguments.connection.post_open("/v1/enrol", body.value())?;
    let token = answer["token"].as_str().unwrap_or_default();
    // The token first: with it, whoever could not write down the key can still be helped.
    match reserved {
        Some(reserved) => {
            reserved.keep(token)?;
            let actor = &answer["actor"];
            let line = format!("enrolled {}", actor.as_str().unwrap_or_default());
            print(&if json { json!({"actor": actor}).to_string() } else { line });
        }
        None if json => print(&answer.to_string()),
        None => print(token),
    }
    fresh.map(|fresh| fresh.known(&answer)).transpose()?;
    Ok(())
}

/// A new file for a token that is not there yet. Goes away again unless one comes.
struct Reserved<'a> {
    path: &'a Path,
    file: File,
    is_kept: bool,
}

impl Reserved<'_> {
    fn create(path: &Path) -> Result<Reserved<'_>, Failure> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|error| Failure::failed("the token file", &error))?;
        Ok(Reserved { path, file, is_kept: false })
    }

    fn keep(mut self, token: &str) -> Result<(), Failure> {
        // Also half of it: whoever enrolled finds that there was one.
        self.is_kept = true;
        let written = self.file.write_all(token.as_bytes()).and_then(|()| self.file.sync_all());
        written.map_err(|error| Failure::failed("the token file", &error))
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            let _nobody_needs_it = std::fs::remove_file(self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_file_is_there_before_the_token_and_goes_with_the_hope_for_one() {
        let room = tempfile::tempdir().expect("a directory");
        let path = room.path().join("token");
        let reserved = Reserved::create(&path).expect("a new file");
        assert!(path.exists() && Reserved::create(&path).is_err());
        drop(reserved);
        assert!(!path.exists());
        Reserved::create(&path).expect("a new file").keep("a token").expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "a token");
        assert!(Reserved::create(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), "a token");
    }
}
