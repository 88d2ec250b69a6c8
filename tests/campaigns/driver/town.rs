//! A vault made by `gridvault init` with the tree of the city, served as a process of its own.
//! Never a demo: it is unlocked by a passphrase, and its administrators enrol by their one-time codes.
//! Dropped, it is killed; stopped, it ends by itself with status 0.

use crate::client::{Ask, Client};
use crate::desk::Desk;
use crate::fault::Fault;
use crate::policies;
use crate::tally::Tally;
use crate::vault::end;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
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
    /// Token of the audit administrator, whose word officers wait for.
    pub audit_admin: String,
    /// Ids of the three administrators.
    pub administrators: Vec<String>,
}

/// What is left of a vault that was stopped.
pub struct Stopped {
    /// Verifier key of its log.
    pub log_key: String,
    /// Its directory.
    pub directory: PathBuf,
    security_admin: String,
    audit_admin: String,
    /// Ids of its three administrators.
    pub administrators: Vec<String>,
}

impl Town {
    /// Makes the vault, serves it and enrols the security administrator.
    pub fn make(desk: &Desk) -> Result<Town, Fault> {
        let directory = desk.vault.clone();
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
        if !output.status.success() {
            let output = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Fault::Refused(output));
        }
        let log_key = made["log_key"].as_str().unwrap_or_default().to_owned();
        let (child, url) = start(desk, &directory)?;
        let administrators = made["administrators"].as_array().cloned().unwrap_or_default();
        let mut town = Town {
            child,
            url,
            directory,
            log_key,
            security_admin: String::new(),
            audit_admin: String::new(),
            administrators: Vec::new(),
        };
        let client = Client::new(&town.url);
        for one in administrators {
            let code = one["code"].as_str().unwrap_or_default();
            let (actor, token) = town.enrol_known(&client, code)?;
            match one["role"].as_str() {
                Some("security_admin") => town.security_admin = token,
                Some("audit_admin") => town.audit_admin = token,
                _ => {}
            }
            town.administrators.push(actor);
        }
        Ok(town)
    }

    /// The same vault, served again; who had a token has it still.
    pub fn again(desk: &Desk, before: Stopped) -> Result<Town, Fault> {
        let Stopped { log_key, directory, security_admin, audit_admin, administrators } = before;
        let (child, url) = start(desk, &directory)?;
        Ok(Town { child, url, directory, log_key, security_admin, audit_admin, administrators })
    }

    /// A vault that was made of a backup, served; its security administrator enrols by a code that was given at the host.
    pub fn restored(desk: &Desk, directory: &Path, code: &str) -> Result<Town, Fault> {
        let (child, url) = start(desk, directory)?;
        let mut town = Town {
            child,
            url,
            directory: directory.to_owned(),
            log_key: String::new(),
            security_admin: String::new(),
            audit_admin: String::new(),
            administrators: Vec::new(),
        };
        town.security_admin = town.enrol(&Client::new(&town.url), code)?;
        Ok(town)
    }

    /// Where it serves.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Turns a one-time code into a token.
    pub fn enrol(&self, client: &Client, code: &str) -> Result<String, Fault> {
        self.enrol_known(client, code).map(|(_, token)| token)
    }

    fn enrol_known(&self, client: &Client, code: &str) -> Result<(String, String), Fault> {
        let enrolled =
            client.must(&Ask::open("POST", "/v1/enrol").json(&json!({"code": code})), 201)?;
        let word = |name: &str| enrolled[name].as_str().map(str::to_owned);
        word("actor").zip(word("token")).ok_or(Fault::Malformed("an enrolment"))
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(mut self, tally: &mut Tally) -> Result<Stopped, Fault> {
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
        tally.holds("the vault stops", status.success(), said);
        Ok(Stopped {
            log_key: self.log_key.clone(),
            directory: self.directory.clone(),
            security_admin: self.security_admin.clone(),
            audit_admin: self.audit_admin.clone(),
            administrators: self.administrators.clone(),
        })
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn start(desk: &Desk, directory: &Path) -> Result<(Child, String), Fault> {
    let mut command = desk.command();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--dir"])
        .arg(directory)
        .arg("--passphrase-file")
        .arg(desk.path("passphrase"))
        .env("GRIDVAULT_LOG", "warn");
    serve(&mut command, desk)
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
