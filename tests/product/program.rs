//! The command line as a user has it: arguments in, exit status, output and complaints out.
//! Never with settings of the host: the environment that the program reads is taken away.
//! A vault that it serves ends with the test that has it.

use super::client::Call;
use super::harness::{end_of, program, terminate};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// What the program or its client would read from the environment.
const SETTINGS: [&str; 14] = [
    "GRIDVAULT_DIR",
    "GRIDVAULT_LISTEN",
    "GRIDVAULT_PASSPHRASE_FILE",
    "GRIDVAULT_URL",
    "GRIDVAULT_CA_FILE",
    "GRIDVAULT_TOKEN_FILE",
    "GRIDVAULT_LOG",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "RUST_LOG",
];

fn command<S: AsRef<OsStr>>(arguments: &[S]) -> Command {
    command_of(Path::new(program()), arguments)
}

fn command_of<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    for setting in SETTINGS {
        command.env_remove(setting);
    }
    command
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit status.
    pub status: Option<i32>,
    /// What it printed.
    pub out: String,
    /// What it complained about.
    pub err: String,
}

/// Runs a command to its end.
pub fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Outcome {
    let output = command(arguments).output().expect("the program runs");
    Outcome {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// The same with something on its standard input.
pub fn run_with<S: AsRef<OsStr>>(arguments: &[S], input: &str) -> Outcome {
    let mut command = command(arguments);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().expect("the program runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(input.as_bytes()).expect("it reads");
    drop(pipe);
    let output = child.wait_with_output().expect("the program ends");
    Outcome {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// The same with what the test says as its standard input and output; nothing of the output is seen.
pub fn run_between<S: AsRef<OsStr>>(
    arguments: &[S],
    input: impl Into<Stdio>,
    output: impl Into<Stdio>,
) -> Outcome {
    let mut command = command(arguments);
    let piped = command.stdin(input).stdout(output).stderr(Stdio::piped());
    let output = piped.spawn().expect("the program runs").wait_with_output();
    let output = output.expect("the program ends");
    Outcome {
        status: output.status.code(),
        out: String::new(),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Starts a command with a terminal, or what else the test says, as its standard input.
pub fn start_at<S: AsRef<OsStr>>(arguments: &[S], input: impl Into<Stdio>) -> Child {
    let mut command = command(arguments);
    let silent = command.stdin(input).stdout(Stdio::null()).stderr(Stdio::null());
    silent.spawn().expect("the program starts")
}

/// Starts a command and waits for nothing; what it prints is not looked at.
pub fn start<S: AsRef<OsStr>>(arguments: &[S]) -> Child {
    let mut command = command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

impl Outcome {
    /// What it printed, after it ended with that status.
    #[track_caller]
    pub fn ended(self, status: i32) -> Outcome {
        assert_eq!(self.status, Some(status), "{} {}", self.out, self.err);
        self
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {}", self.out))
    }
}

/// A vault that `gridvault serve` serves.
pub struct Served {
    child: Child,
    url: String,
    /// What it prints later on has somewhere to go.
    _out: BufReader<ChildStdout>,
}

impl Served {
    /// Starts it and waits until it says where it serves.
    pub fn start<S: AsRef<OsStr>>(arguments: &[S]) -> Served {
        Served::saying(command(arguments), "serving on ")
    }

    /// The same of a program that lies somewhere else.
    pub fn start_of<S: AsRef<OsStr>>(program: &Path, arguments: &[S]) -> Served {
        Served::saying(command_of(program, arguments), "serving on ")
    }

    /// Starts one that waits sealed.
    pub fn start_sealed<S: AsRef<OsStr>>(arguments: &[S]) -> Served {
        Served::saying(command(arguments), "sealed on ")
    }

    fn saying(mut command: Command, first: &str) -> Served {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let out = child.stdout.take().expect("a pipe");
        let mut line = String::new();
        let mut out = BufReader::new(out);
        out.read_line(&mut line).expect("a line");
        let url = line.trim().strip_prefix(first).map(|url| url.trim().to_owned());
        let served = Served { child, url: url.unwrap_or_default(), _out: out };
        assert!(!served.url.is_empty(), "it does not serve: {line}");
        served
    }

    /// Where it serves.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of the same.
    pub fn address(&self) -> SocketAddr {
        let address = self.url.strip_prefix("http://").and_then(|address| address.parse().ok());
        address.expect("an address with a port")
    }

    /// A request to it without a token.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(method, format!("{}{path}", self.url))
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, and gives its exit status.
    pub fn stop(mut self) -> Option<i32> {
        terminate(&self.child);
        end_of(&mut self.child)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}
