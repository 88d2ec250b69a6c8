//! `gridvault unseal`: brings a passphrase, or one share, to a sealed vault.
//! Never takes either as an argument or from the environment: it comes from the terminal, unseen, or from standard input.
//! When it was what was missing, the command ends once the vault is open.

use super::client::Connection;
use super::failure::Failure;
use super::print;
use crate::limits::{UNSEAL_LINE_BYTES_MAX, UNSEAL_WAIT_MAX};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use serde_json::{Value, json};
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::time::Duration;
use zeroize::{Zeroize as _, Zeroizing};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Bring nothing: say how it stands.
    #[arg(long)]
    status: bool,
    #[command(flatten)]
    connection: Connection,
}

/// What a share begins with, and no passphrase should.
const SHARE_LABEL: &str = "GVSHARE";
/// Between two looks at whether the vault is open.
const LOOK_TIME: Duration = Duration::from_millis(200);

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let connection = &arguments.connection;
    let body = if arguments.status { json!({}) } else { brought(&read_secret()?)? };
    let mut body = Wiped(body);
    let answer = connection.post_open("/v1/admin/unseal", &body.0);
    body.wipe();
    let mut answer = answer?;
    if answer["state"] == "opening" {
        await_open(connection)?;
        answer["state"] = json!("open");
    }
    print(&if json { answer.to_string() } else { told(&answer) });
    Ok(())
}

/// A body whose words are wiped.
struct Wiped(Value);

impl Wiped {
    fn wipe(&mut self) {
        for word in self.0.as_object_mut().into_iter().flat_map(|members| members.values_mut()) {
            if let Value::String(text) = word {
                text.zeroize();
            }
        }
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// The body for a line that was typed: a share says what it is.
fn brought(line: &[u8]) -> Result<Value, Failure> {
    let text = std::str::from_utf8(line)
        .map_err(|_| Failure::Usage("what was brought is no text".into()))?;
    let label = text.trim_start().get(..SHARE_LABEL.len());
    let is_share = label.is_some_and(|label| label.eq_ignore_ascii_case(SHARE_LABEL));
    Ok(if is_share { json!({"share": text}) } else { json!({"passphrase": text}) })
}

fn told(answer: &Value) -> String {
    let shares = &answer["shares"];
    match answer["state"].as_str() {
        Some("open") => "the vault is open".to_owned(),
        _ if shares.is_object() => format!(
            "sealed: shares {} of set {} are there, {} of {} open",
            shares["brought"],
            shares["set"].as_str().unwrap_or_default(),
            shares["needed"],
            shares["count"]
        ),
        _ => "sealed: a passphrase opens it".to_owned(),
    }
}

fn await_open(connection: &Connection) -> Result<(), Failure> {
    let mut left = UNSEAL_WAIT_MAX;
    while connection.get_open_text("/readyz").is_err() {
        left = left.saturating_sub(LOOK_TIME);
        if left.is_zero() {
            return Err(Failure::Failed("it was unsealed, and is not ready yet".into()));
        }
        std::thread::sleep(LOOK_TIME);
    }
    Ok(())
}

/// One line, without its end.
fn read_secret() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let input = std::io::stdin();
    let _hidden = input.is_terminal().then(Hidden::begin).transpose()?;
    // As long as it can become, so that no shorter copy stays behind.
    let mut line = Zeroizing::new(Vec::with_capacity(UNSEAL_LINE_BYTES_MAX + 1));
    let mut byte = Zeroizing::new([0; 1]);
    let fail = |error: std::io::Error| Failure::failed("standard input", &error);
    // Not through the buffer of standard input, which is not wiped.
    let mut raw = std::fs::File::from(input.as_fd().try_clone_to_owned().map_err(fail)?);
    while raw.read(&mut byte[..]).map_err(fail)? == 1 && byte[0] != b'\n' {
        if line.len() == UNSEAL_LINE_BYTES_MAX {
            return Err(Failure::Usage("the line is longer than any passphrase or share".into()));
        }
        line.push(byte[0]);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    if line.is_empty() {
        return Err(Failure::Usage("nothing was brought: type it, or give it as input".into()));
    }
    Ok(line)
}

/// A terminal that does not show what is typed, for as long as this lives.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> Result<Hidden, Failure> {
        let fail = |error: rustix::io::Errno| Failure::failed("the terminal", &error);
        let _nobody_reads = write!(std::io::stderr(), "Passphrase or share (not shown): ");
        let _nobody_reads = std::io::stderr().flush();
        let before = tcgetattr(std::io::stdin()).map_err(fail)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent).map_err(fail)?;
        Ok(Hidden(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _gone = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
        let _nobody_reads = writeln!(std::io::stderr());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_told_from_a_passphrase_by_its_label() {
        let kind = |line: &[u8]| {
            let body = brought(line).expect("text");
            let members = body.as_object().expect("an object");
            members.keys().next().expect("one").clone()
        };
        assert_eq!(kind(b"GVSHARE-0000"), "share");
        assert_eq!(kind(b"  gvshare0000"), "share");
        assert_eq!(kind(b"a passphrase"), "passphrase");
        assert_eq!(kind("密码口令很长".as_bytes()), "passphrase");
        assert!(brought(&[0xff]).is_err());
    }

    #[test]
    fn what_was_brought_is_wiped_from_the_body() {
        let mut body = Wiped(json!({"passphrase": "a passphrase"}));
        body.wipe();
        assert_eq!(body.0, json!({"passphrase": ""}));
    }
}
