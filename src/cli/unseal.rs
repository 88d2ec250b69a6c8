//! `gridvault unseal`: brings a passphrase, one share, or the PIN of a token to a sealed vault.
//! Never takes any of them as an argument or from the environment: it comes from the terminal, unseen, or from standard input.
//! Never reads one for an address to which it would go in clear beyond this host.
//! When it was what was missing, the command ends once the vault is open.

use super::client::Connection;
use super::failure::Failure;
use super::hidden::Hidden;
use super::passphrase::is_share;
use super::print;
use crate::ambient::{Clock as _, HostClock};
use crate::limits::{UNSEAL_LINE_BYTES_MAX, UNSEAL_WAIT_MAX};
use serde_json::{Value, json};
use std::io::{ErrorKind, IsTerminal as _, Read};
use std::os::fd::AsFd as _;
use std::time::Duration;
use zeroize::{Zeroize as _, Zeroizing};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Bring nothing: say how it stands.
    #[arg(long)]
    status: bool,
    /// Bring the PIN of the token. It is given to the token once.
    #[arg(long, conflicts_with = "status")]
    pin: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Between two looks at whether the vault is open.
const LOOK_TIME: Duration = Duration::from_millis(200);

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let connection = &arguments.connection;
    connection.check()?;
    let body = match (arguments.status, arguments.pin) {
        (true, _) => json!({}),
        (false, true) => pin(&read_secret("PIN of the token (not shown): ")?)?,
        (false, false) => brought(&read_secret("Passphrase or share (not shown): ")?)?,
    };
    let body = Wiped::new(body);
    let answer = connection.post_from_here("/v1/admin/unseal", body.value());
    drop(body);
    let mut answer = answer?;
    if answer["state"] == "opening" {
        await_open(connection, UNSEAL_WAIT_MAX)?;
        answer["state"] = json!("open");
    }
    print(&if json { answer.to_string() } else { told(&answer) });
    Ok(())
}

/// A body whose words are wiped when it goes.
pub(super) struct Wiped(Value);

impl Wiped {
    pub(super) fn new(body: Value) -> Wiped {
        Wiped(body)
    }

    /// To be sent.
    pub(super) fn value(&self) -> &Value {
        &self.0
    }

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

/// A line as text.
pub(super) fn text_of(line: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(line).map_err(|_| {
        Failure::Usage("what was brought is no UTF-8 text; nothing of it was sent".into())
    })
}

fn pin(line: &[u8]) -> Result<Value, Failure> {
    Ok(json!({"pin": text_of(line)?}))
}

/// The body for a line that was typed: a share says what it is.
pub(super) fn brought(line: &[u8]) -> Result<Value, Failure> {
    let text = text_of(line)?;
    Ok(if is_share(text) { json!({"share": text}) } else { json!({"passphrase": text}) })
}

fn told(answer: &Value) -> String {
    if answer["state"] == "open" {
        return "the vault is open".to_owned();
    }
    let shares = &answer["shares"];
    let by_shares = shares.is_object().then(|| {
        format!(
            "shares {} of set {} are there, {} of {} open",
            shares["brought"],
            shares["set"].as_str().unwrap_or_default(),
            shares["needed"],
            shares["count"]
        )
    });
    let mut ways: Vec<String> = by_shares.into_iter().collect();
    for (name, what) in [("passphrase", "a passphrase"), ("pin", "the PIN of a token")] {
        if answer[name] == true {
            let too = if ways.is_empty() { "" } else { " too" };
            ways.push(format!("{what} opens it{too}"));
        }
    }
    match ways.is_empty() {
        true => "sealed: nothing that can be brought opens it".to_owned(),
        false => format!("sealed: {}", ways.join("; ")),
    }
}

fn await_open(connection: &Connection, within: Duration) -> Result<(), Failure> {
    let clock = HostClock::new();
    let begun = clock.monotonic();
    loop {
        let passed = Duration::from_micros(clock.monotonic().saturating_sub(begun));
        let left = within.saturating_sub(passed);
        if left.is_zero() {
            return Err(Failure::Failed("it was unsealed, and is not ready yet".into()));
        }
        if connection.succeeds("/readyz", left) {
            return Ok(());
        }
        std::thread::sleep(LOOK_TIME.min(left));
    }
}

/// One line from the terminal, unseen, or from standard input.
pub(super) fn read_secret(prompt: &'static str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let input = std::io::stdin();
    let _hidden = input.is_terminal().then(|| Hidden::begin(prompt)).transpose()?;
    // Not through the buffer of standard input, which is not wiped.
    let raw = input.as_fd().try_clone_to_owned();
    let raw = raw.map_err(|error| Failure::failed("standard input", &error))?;
    read_line(&mut std::fs::File::from(raw))
}

/// One line, without its end.
pub(super) fn read_line(input: &mut impl Read) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // As long as it can become, so that no shorter copy stays behind.
    let mut line = Zeroizing::new(Vec::with_capacity(UNSEAL_LINE_BYTES_MAX + 1));
    let mut byte = Zeroizing::new([0; 1]);
    loop {
        match input.read(&mut byte[..]) {
            Ok(1) if byte[0] != b'\n' => {}
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::failed("standard input", &error)),
        }
        if line.len() == UNSEAL_LINE_BYTES_MAX {
            return Err(Failure::Usage("the line is longer than any that is brought".into()));
        }
        line.push(byte[0]);
    }
    // As at the end of a passphrase file.
    while line.last() == Some(&b'\r') {
        line.pop();
    }
    if line.is_empty() {
        return Err(Failure::Usage("nothing was brought: type it, or give it as input".into()));
    }
    Ok(line)
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

    #[test]
    fn whatever_opens_a_vault_is_told() {
        let shares = json!({"set": "00ff", "needed": 2, "count": 3, "brought": [1]});
        let said = |passphrase: bool, shares: &Value| {
            told(&json!({"state": "sealed", "passphrase": passphrase, "shares": shares}))
        };
        let by_shares = "sealed: shares [1] of set 00ff are there, 2 of 3 open";
        assert_eq!(said(false, &shares), by_shares);
        assert_eq!(said(true, &shares), format!("{by_shares}; a passphrase opens it too"));
        assert_eq!(said(true, &Value::Null), "sealed: a passphrase opens it");
        assert_eq!(said(false, &Value::Null), "sealed: nothing that can be brought opens it");
        assert_eq!(
            told(&json!({"state": "sealed", "pin": true})),
            "sealed: the PIN of a token opens it"
        );
        assert_eq!(told(&json!({"state": "open"})), "the vault is open");
    }

    #[test]
    fn a_line_is_read_to_its_longest() {
        let read = |length: usize| read_line(&mut "x".repeat(length).as_bytes());
        assert_eq!(read(UNSEAL_LINE_BYTES_MAX).expect("a line").len(), UNSEAL_LINE_BYTES_MAX);
        assert!(matches!(read(UNSEAL_LINE_BYTES_MAX + 1), Err(Failure::Usage(_))));
        assert!(matches!(read(0), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_vault_that_never_answers_is_waited_for_no_longer_than_said() {
        // Connections wait here for somebody who takes them.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = silent.local_addr().expect("an address");
        let connection = Connection::to(&format!("http://{address}"));
        let clock = HostClock::new();
        let begun = clock.monotonic();
        let within = LOOK_TIME * 2;
        assert!(await_open(&connection, within).is_err());
        let passed = Duration::from_micros(clock.monotonic() - begun);
        assert!(passed >= within && passed < UNSEAL_WAIT_MAX / 4, "{passed:?}");
    }
}
