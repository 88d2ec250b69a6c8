//! A vault made by `gridvault init` with the tree of the city, served as a process of its own.
//! Never a demo: it is unlocked by a passphrase, and its administrators enrol by their one-time codes.
//! Dropped, it is killed; stopped, it ends by itself with status 0.

use super::Desk;
use crate::client::{Ask, Client};
use crate::fault::Fault;
use crate::policies;
use crate::tally::Tally;
use crate::vault::end;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Origin of the log.
const ORIGIN: &str = "import.gridvault.invalid/log";
/// The passphrase of the root key: a test key, for invented people alone.
pub const PASSPHRASE: &str = "import campaign of invented people";
/// Longest wait until the vault has stopped.
const STOP_TIME_MAX: Duration = Duration::from_secs(60);
/// How often is looked whether it has.
const STOP_POLL: Duration = Duration::from_millis(20);

/// The running vault.
pub struct Town {
    child: Child,
    url: String,
    directory: PathBuf,
    log_key: String,
    /// Token of the security administrator, who enrols.
    pub security_admin: String,
}

impl Town {
    /// Makes the vault, serves it and enrols the security administrator.
    pub fn make(desk: &Desk) -> Result<Town, Fault> {
        let directory = desk.path("vault");
        let passphrase = desk.write("passphrase", format!("{PASSPHRASE}\n"))?;
        let mut command = desk.command();
        command
            .args([
                "--json",
                "init",
                "--origin",
                ORIGIN,
                "--system-admin",
                "sys",
                "--security-admin",
            ])
            .args(["sec", "--audit-admin", "aud", "--dir"])
            .arg(&directory)
            .arg("--passphrase-file")
            .arg(&passphrase)
            .arg("--territory")
            .arg(desk.path("territory.json"))
            .arg("--policies")
            .arg(policies::wide(&desk.path("policies-of-the-vault"))?);
        let output = desk.output(&mut command)?;
        let made: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let mut codes = made["administrators"].as_array().into_iter().flatten();
        let code = codes.find(|one| one["role"] == "security_admin").map(|one| &one["code"]);
        let Some(code) = code.and_then(Value::as_str) else {
            let output = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Fault::Refused(output));
        };
        let log_key = made["log_key"].as_str().unwrap_or_default().to_owned();
        let mut command = desk.command();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--dir"])
            .arg(&directory)
            .arg("--passphrase-file")
            .arg(&passphrase)
            .env("GRIDVAULT_LOG", "warn");
        let (child, url) = serve(&mut command, desk)?;
        let mut town = Town { child, url, directory, log_key, security_admin: String::new() };
        town.security_admin = town.enrol(&Client::new(&town.url), code)?;
        Ok(town)
    }

    /// Where it serves.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Seconds of the processor that it had.
    pub fn processor_seconds(&self) -> Result<f64, Fault> {
        super::processor_seconds(&self.child.id().to_string(), [12, 13])
    }

    /// Turns a one-time code into a token.
    pub fn enrol(&self, client: &Client, code: &str) -> Result<String, Fault> {
        let enrolled =
            client.must(&Ask::open("POST", "/v1/enrol").json(&json!({"code": code})), 201)?;
        let token = enrolled["token"].as_str();
        token.map(str::to_owned).ok_or(Fault::Malformed("an enrolment"))
    }

    /// Asks it to stop and waits until it has; gives the verifier key of its log and its directory.
    pub fn stop(mut self, tally: &mut Tally) -> Result<(String, PathBuf), Fault> {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        asked.map_err(|error| Fault::io("starting", "kill".as_ref(), error))?;
        let started = Instant::now();
        let status = loop {
            let ended =
                self.child.try_wait().map_err(|e| Fault::io("waiting for", &self.directory, e))?;
            match ended {
                Some(status) => break status,
                None if started.elapsed() > STOP_TIME_MAX => {
                    return Err(Fault::OutOfTime {
                        what: "the end of the vault",
                        limit: STOP_TIME_MAX,
                    });
                }
                None => std::thread::sleep(STOP_POLL),
            }
        };
        let said = status.to_string();
        tally.check("the vault stops", if status.success() { Ok(said) } else { Err(said) });
        Ok((self.log_key.clone(), self.directory.clone()))
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Starts the program and waits for the line that says where it serves.
fn serve(command: &mut Command, desk: &Desk) -> Result<(Child, String), Fault> {
    let errors = desk.path("vault.err");
    let file = std::fs::File::create(&errors).map_err(|e| Fault::io("making", &errors, e))?;
    let child = command.stdout(Stdio::piped()).stderr(file).spawn();
    let mut child = child.map_err(|error| Fault::io("starting", &desk.program, error))?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        let read = BufReader::new(out).read_line(&mut line);
        read.map_err(|error| Fault::io("listening to", &desk.program, error))?;
    }
    match line.trim().strip_prefix("serving on ") {
        Some(url) => Ok((child, url.to_owned())),
        None => {
            end(&mut child);
            Err(Fault::Refused(crate::vault::tail(&errors)))
        }
    }
}
