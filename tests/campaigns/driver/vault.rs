//! A demo vault as a process of its own: started, waited for, killed.
//! Never lets it outlive the campaign, and never ends any other process.
//! What it prints goes to files beside the campaign's own, outside of the vault's directory.

use super::client::{Ask, Client};
use super::fault::Fault;
use super::page::Page;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longest wait until a vault serves.
const READY_TIME_MAX: Duration = Duration::from_secs(60);
/// People that the slowest machine stores in a second before a fresh vault serves.
const STORED_PER_SECOND: u32 = 100;
/// The signal of `kill -9`.
const SIGKILL: i32 = 9;
/// How often is looked whether it does.
const READY_POLL: Duration = Duration::from_millis(2);
/// Longest end of a program's output in a message, in characters.
const OUTPUT_CHARACTERS_MAX: usize = 600;

/// The programs under test.
#[derive(clap::Args, Clone)]
pub struct Programs {
    /// The vault's program; the one built beside this driver unless named.
    #[arg(long, env = "CAMPAIGN_PROGRAM")]
    program: Option<PathBuf>,
    /// The verifier's program; the one beside the vault's unless named.
    #[arg(long)]
    verifier: Option<PathBuf>,
}

impl Programs {
    /// The vault's program.
    pub fn vault(&self) -> Result<PathBuf, Fault> {
        existing(self.program.clone(), "gridvault")
    }

    /// The verifier's program.
    pub fn verifier(&self) -> Result<PathBuf, Fault> {
        let beside = self.program.as_ref().and_then(|program| program.parent());
        let beside = beside.map(|folder| folder.join("gridvault-audit"));
        existing(self.verifier.clone().or(beside), "gridvault-audit")
    }
}

/// Examples are built into a folder below that of the programs.
fn existing(named: Option<PathBuf>, name: &'static str) -> Result<PathBuf, Fault> {
    let beside = || {
        let driver = std::env::current_exe().ok()?;
        Some(driver.parent()?.parent()?.join(name))
    };
    let path = named.or_else(beside).filter(|path| path.is_file());
    path.ok_or(Fault::ToolMissing(name))
}

/// How a vault is to be started.
#[derive(Clone)]
pub struct Start {
    /// The program.
    pub program: PathBuf,
    /// Its arguments before those of the vault.
    pub before: &'static [&'static str],
    /// The vault's directory.
    pub directory: PathBuf,
    /// Where its output goes: the name without `.out` and `.err`.
    pub output: PathBuf,
    /// How many people a fresh one has.
    pub persons: u32,
    /// What its own log tells.
    pub log_level: &'static str,
    /// Policies of a fresh one; those built in unless some are named.
    pub policies: Option<PathBuf>,
}

/// A running vault. Dropped, it is killed.
pub struct Vault {
    child: Child,
    /// What it says of itself.
    pub page: Page,
    /// From its start until it was ready.
    pub ready_in: Duration,
}

/// Settings of a vault's configuration, before those that are there.
pub fn prepend(directory: &Path, settings: &str) -> Result<(), Fault> {
    let path = directory.join("config");
    let text = std::fs::read_to_string(&path).map_err(|e| Fault::io("reading", &path, e))?;
    std::fs::write(&path, format!("{settings}{text}")).map_err(|e| Fault::io("writing", &path, e))
}

/// A folder for one campaign; it goes with the campaign.
pub fn new_folder() -> Result<tempfile::TempDir, Fault> {
    tempfile::tempdir().map_err(|cause| Fault::Io { what: "making a folder".into(), cause })
}

impl Start {
    /// A small vault below a folder, with the policies that are built in.
    pub fn below(folder: &Path, programs: &Programs) -> Result<Start, Fault> {
        Ok(Start {
            program: programs.vault()?,
            before: &[],
            directory: folder.join("vault"),
            output: folder.join("output"),
            persons: 60,
            log_level: "info",
            policies: None,
        })
    }

    /// Starts the program and waits for nothing.
    pub fn spawn(&self) -> Result<Child, Fault> {
        let mut command = Command::new(&self.program);
        command
            .args(self.before)
            .args(["demo", "--listen", "127.0.0.1:0", "--persons"])
            .arg(self.persons.to_string())
            .arg("--dir")
            .arg(&self.directory)
            .args(self.policies.iter().flat_map(|path| ["--policies".as_ref(), path.as_os_str()]))
            .env("GRIDVAULT_LOG", self.log_level)
            .stdin(Stdio::null())
            .stdout(append(&self.output, "out")?)
            .stderr(append(&self.output, "err")?);
        command.spawn().map_err(|error| Fault::io("starting", &self.program, error))
    }

    /// Kills a process of this start, which must have run until then: a vault that ended by itself was not killed.
    pub fn kill_alive(&self, child: &mut Child) -> Result<(), Fault> {
        self.check_alive(child)?;
        let _ended_meanwhile = child.kill();
        let status = child.wait().map_err(|cause| Fault::io("ending", &self.program, cause))?;
        // Between the look and the kill it may have ended too, but never by this signal.
        if status.signal() == Some(SIGKILL) { Ok(()) } else { Err(self.ended(status)) }
    }

    /// Whether a process of this start runs: one that ended by itself is a fault.
    pub fn check_alive(&self, child: &mut Child) -> Result<(), Fault> {
        let ended = child.try_wait().map_err(|cause| Fault::io("ending", &self.program, cause))?;
        ended.map_or(Ok(()), |status| Err(self.ended(status)))
    }

    fn ended(&self, status: ExitStatus) -> Fault {
        let output = tail(&self.output.with_extension("err"));
        Fault::Ended { program: self.program.clone(), status, output }
    }

    /// Starts the program and waits until it serves.
    pub fn serve(&self) -> Result<Vault, Fault> {
        let page = self.directory.join("demo.json");
        let before = mark_of(&page);
        let started = Instant::now();
        let mut child = self.spawn()?;
        let waited = self.wait(&mut child, &page, before, started);
        match waited {
            Ok(page) => Ok(Vault { child, page, ready_in: started.elapsed() }),
            Err(fault) => {
                end(&mut child);
                Err(fault)
            }
        }
    }

    fn wait(
        &self,
        child: &mut Child,
        page: &Path,
        before: Option<(u64, i64, i64)>,
        started: Instant,
    ) -> Result<Page, Fault> {
        loop {
            let ended = child.try_wait();
            if let Some(status) = ended.map_err(|e| Fault::io("waiting for", &self.program, e))? {
                return Err(self.ended(status));
            }
            // The page is renamed into place, so a new mark means a whole new page.
            if mark_of(page).is_some_and(|mark| Some(mark) != before) {
                let page = Page::read(&self.directory)?;
                let ready = Client::new(&page.url).send(&Ask::open("GET", "/readyz"));
                if ready.is_ok_and(|reply| reply.status == 200) {
                    return Ok(page);
                }
            }
            let fill = Duration::from_secs((self.persons / STORED_PER_SECOND).into());
            let limit = READY_TIME_MAX + if before.is_none() { fill } else { Duration::ZERO };
            if started.elapsed() > limit {
                return Err(Fault::OutOfTime { what: "readiness", limit });
            }
            std::thread::sleep(READY_POLL);
        }
    }
}

impl Vault {
    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The same, to be ended by whoever ends it in another way.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Ends it in order, as an operator does: everything that it wrote is in its files then.
    pub fn stop(mut self, start: &Start) -> Result<(), Fault> {
        let failed = |cause| Fault::io("ending", &start.program, cause);
        let process = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &process]).status().map_err(failed)?;
        let status = self.child.wait().map_err(failed)?;
        if status.success() { Ok(()) } else { Err(start.ended(status)) }
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        end(&mut self.child);
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a process that this campaign started.
pub fn end(child: &mut Child) {
    let _was_gone = child.kill();
    let _was_gone = child.wait();
}

/// The end of a file, for messages.
pub fn tail(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let skipped = text.chars().count().saturating_sub(OUTPUT_CHARACTERS_MAX);
    text.chars().skip(skipped).collect::<String>().trim().to_owned()
}

fn append(output: &Path, extension: &str) -> Result<File, Fault> {
    let path = output.with_extension(extension);
    let file = OpenOptions::new().create(true).append(true).open(&path);
    file.map_err(|error| Fault::io("opening", &path, error))
}

fn mark_of(path: &Path) -> Option<(u64, i64, i64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.ino(), found.mtime(), found.mtime_nsec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_of(program: &str) -> (tempfile::TempDir, Start) {
        let folder = new_folder().expect("a folder");
        let start = Start {
            program: program.into(),
            before: &[],
            directory: folder.path().join("vault"),
            output: folder.path().join("output"),
            persons: 0,
            log_level: "info",
            policies: None,
        };
        (folder, start)
    }

    #[test]
    fn a_process_that_ended_by_itself_was_not_killed() {
        let (_folder, start) = start_of("sleep");
        let mut lasting = Command::new("sleep").arg("60").spawn().expect("it runs");
        start.kill_alive(&mut lasting).expect("it was killed");
        for how in ["exit 0", "exit 4", "kill -TERM $$"] {
            let mut ended = Command::new("sh").args(["-c", how]).spawn().expect("it runs");
            // Whether or not it has ended when it is looked at, it is not this that ends it.
            ended.wait().expect("it ends");
            let fault = start.kill_alive(&mut ended).expect_err(how);
            assert!(matches!(fault, Fault::Ended { .. }), "{how}: {fault}");
        }
    }
}
