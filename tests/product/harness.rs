//! A demo vault in a process of its own: started, waited for, and ended with the test that has it.
//! Never waits without a bound, and never ends a process that it did not start.
//! The shared vault lives as long as this program: it ends when the pipe to it is closed, however this program ends.

use super::actor::Actor;
use super::client::{Call, Reply};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest time for a vault to serve, or for a process to end.
pub const WAIT_TIME_MAX: Duration = Duration::from_secs(60);
/// Between two looks at whether something has happened.
const POLL_TIME: Duration = Duration::from_millis(10);
/// Where a vault listens that nobody has to find again.
const ANY_PORT: &str = "127.0.0.1:0";
/// How many people live in a demo of the tests.
const PERSONS: &str = "60";
/// Keeps a vault until standard input ends, then stops it and takes its directory away.
const KEEP_UNTIL_INPUT_ENDS: &str = r#"
directory=$1
shift
"$@" </dev/null &
vault=$!
cat >/dev/null
kill -TERM "$vault"
wait "$vault"
rm -rf -- "$directory"
"#;

/// A demo vault that serves.
pub struct Demo {
    child: Child,
    directory: PathBuf,
    page: Value,
    _room: Option<TempDir>,
}

/// The vault of all tests that do not disturb each other.
pub fn shared() -> &'static Demo {
    static SHARED: LazyLock<Demo> = LazyLock::new(Demo::kept);
    &SHARED
}

/// The program under test.
pub fn program() -> &'static str {
    env!("CARGO_BIN_EXE_gridvault")
}

impl Demo {
    /// A vault that lives as long as this program, for a static place.
    pub fn kept() -> Demo {
        let room = tempfile::tempdir().expect("a temporary directory").keep();
        let mut command = Command::new("sh");
        command.args(["-c", KEEP_UNTIL_INPUT_ENDS, "sh"]).arg(&room).arg(program());
        Demo::start(command, &room, Stdio::piped())
    }

    /// A vault for one test.
    pub fn own() -> Demo {
        let room = tempfile::tempdir().expect("a temporary directory");
        let mut demo = Demo::start(Command::new(program()), room.path(), Stdio::null());
        demo._room = Some(room);
        demo
    }

    fn start(mut command: Command, room: &Path, input: Stdio) -> Demo {
        let directory = room.join("vault");
        let child = spawn(&mut command, &directory, input, ANY_PORT);
        let mut demo = Demo { child, directory, page: Value::Null, _room: None };
        demo.await_page();
        demo
    }

    /// Starts a vault again that has ended.
    pub fn start_again(&mut self) {
        assert!(self.child.try_wait().expect("a child").is_some(), "it still runs");
        self.child = spawn(&mut Command::new(program()), &self.directory, Stdio::null(), ANY_PORT);
        self.await_page();
    }

    /// The same at the address that it had, so that clients find it again.
    pub fn start_again_there(&mut self) {
        assert!(self.child.try_wait().expect("a child").is_some(), "it still runs");
        let address = self.url().trim_start_matches("http://").to_owned();
        self.child = spawn(&mut Command::new(program()), &self.directory, Stdio::null(), &address);
        self.await_page();
    }

    /// Every run writes a page with fresh tokens, so another page is that of this run.
    fn await_page(&mut self) {
        let before = self.page.take();
        await_until("the demo serves", || {
            self.must_run();
            self.page = read_page(&self.directory).unwrap_or(Value::Null);
            !self.page.is_null() && self.page != before
        });
        // The page is there a moment before the vault listens to signals; an answer comes only after.
        self.get("/healthz").expect(200);
    }

    fn must_run(&mut self) {
        if let Some(status) = self.child.try_wait().expect("a child of this process") {
            let errors = std::fs::read_to_string(errors_of(&self.directory)).unwrap_or_default();
            panic!("the vault ended with {status}: {errors}");
        }
    }

    /// Asks the vault to stop, and gives the exit status that it ends with.
    pub fn stop(&mut self) -> Option<i32> {
        terminate(&self.child);
        end_of(&mut self.child)
    }

    /// The exit status of a vault that is about to end by itself.
    pub fn ended(&mut self) -> Option<i32> {
        end_of(&mut self.child)
    }

    /// What it said of itself since its last start.
    pub fn complaints(&self) -> String {
        std::fs::read_to_string(errors_of(&self.directory)).unwrap_or_default()
    }

    /// Puts settings before those that its configuration has.
    pub fn configure(&self, settings: &str) {
        let config = self.directory.join("config");
        let text = std::fs::read_to_string(&config).expect("a configuration");
        std::fs::write(&config, format!("{settings}{text}")).expect("written");
    }

    /// Has it serve its numbers from its next start on, at whatever port is free then.
    pub fn with_metrics(&self) {
        self.configure(&format!("metrics_listen = {ANY_PORT:?}\n"));
    }

    /// Where it serves its numbers, as it said when it started.
    pub fn metrics_url(&self) -> String {
        let said = self.complaints();
        let (_, behind) = said.split_once("served at ").expect("it says where its numbers are");
        let (url, _) = behind.split_once("/metrics").expect("the path of the numbers");
        url.to_owned()
    }

    /// Its numbers.
    pub fn metrics(&self) -> Reply {
        Call::new("GET", format!("{}/metrics", self.metrics_url())).send().expect(200)
    }

    /// Ends the vault as a power cut would end it.
    pub fn kill(&mut self) {
        self.child.kill().expect("the child is there");
        let _killed = self.child.wait().expect("a child of this process");
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The vault's directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A member of the page, as text.
    fn word(&self, path: &str) -> &str {
        self.page.pointer(path).and_then(Value::as_str).expect("a member of the page")
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        self.word("/url")
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        self.word("/log/origin")
    }

    /// The key that verifies the log.
    pub fn log_key(&self) -> &str {
        self.word("/log/vkey")
    }

    /// The log's directory.
    pub fn log_directory(&self) -> PathBuf {
        PathBuf::from(self.word("/log/dir"))
    }

    /// The sample person's record.
    pub fn sample_record(&self) -> &str {
        self.word("/samples/record_id")
    }

    /// Every actor of the page.
    pub fn actors(&self) -> Vec<Actor> {
        let actors = self.page["actors"].as_array().expect("a list of actors");
        let actor = |page: &Value| {
            let word = |name: &str| page[name].as_str().map(str::to_owned);
            Actor {
                id: word("id").expect("an id"),
                role: word("role").expect("a role"),
                area: word("grid"),
                token: word("token").expect("a token"),
                url: self.url().to_owned(),
            }
        };
        actors.iter().map(actor).collect()
    }

    /// The first actor of a role.
    pub fn role(&self, role: &str) -> Actor {
        let mut actors = self.actors().into_iter();
        actors.find(|actor| actor.role == role).expect("an actor of every role")
    }

    /// The worker of a grid, counted from 1; the sample grid is the first.
    pub fn worker(&self, grid: usize) -> Actor {
        self.of_grid("grid_worker", grid)
    }

    /// The head of a grid, counted from 1.
    pub fn head(&self, grid: usize) -> Actor {
        self.of_grid("grid_head", grid)
    }

    fn of_grid(&self, role: &str, grid: usize) -> Actor {
        let mut actors = self.actors().into_iter().filter(|actor| actor.role == role);
        actors.nth(grid - 1).expect("five grids")
    }

    /// A request without a token.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(method, format!("{}{path}", self.url()))
    }

    /// `GET` without a token.
    pub fn get(&self, path: &str) -> Reply {
        self.call("GET", path).send()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn spawn(command: &mut Command, directory: &Path, input: Stdio, address: &str) -> Child {
    let errors = File::create(errors_of(directory)).expect("a file for what it says");
    command
        .args(["demo", "--listen", address, "--persons", PERSONS, "--dir"])
        .arg(directory)
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .expect("the demo starts")
}

fn errors_of(directory: &Path) -> PathBuf {
    directory.parent().expect("a room of its own").join("errors")
}

fn read_page(directory: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(directory.join("demo.json")).ok()?;
    Some(serde_json::from_str(&text).expect("the page is written whole"))
}

/// Sends the signal that asks a process to stop; it was started by this program.
pub fn terminate(child: &Child) {
    let id = child.id().to_string();
    let status = Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &id]).status();
    let status = status.expect("the shell runs");
    assert!(status.success(), "the process is gone");
}

/// The exit status of a process that is about to end; none when a signal ended it.
pub fn end_of(child: &mut Child) -> Option<i32> {
    let mut code = None;
    await_until("the process ends", || match child.try_wait().expect("a child") {
        Some(status) => {
            code = status.code();
            true
        }
        None => false,
    });
    code
}

/// Copies a file, or a directory with everything below it, into one that may be there already.
pub fn copied(from: &Path, to: &Path) {
    if !from.is_dir() {
        std::fs::copy(from, to).expect("a copy of a file");
        return;
    }
    std::fs::create_dir_all(to).expect("a directory of the copy");
    for item in std::fs::read_dir(from).expect("a directory") {
        let item = item.expect("an item of the directory");
        copied(&item.path(), &to.join(item.file_name()));
    }
}

/// Looks again and again until something has happened, for a bounded time.
pub fn await_until(what: &str, mut happened: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happened() {
        assert!(start.elapsed() < WAIT_TIME_MAX, "waited too long until {what}");
        std::thread::sleep(POLL_TIME);
    }
}
