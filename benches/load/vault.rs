//! The programs under load, as processes of their own: started, waited for, looked at, ended.
//! Never lets one outlive the bench, and never ends a process that it did not start.
//! A vault serves with its defaults; nothing of it is switched off.

use super::Fallible;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The product, as cargo built it for this bench.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_gridvault");
/// What servers of this bench print before their address.
pub const SERVING: &str = "serving on http://";
/// Ticks of processor time in a second (`USER_HZ`, the same on every Linux).
const TICKS: f64 = 100.0;

/// How long a server that is dropped may take to end in order before it is killed.
const STOP_TIME_MAX: Duration = Duration::from_secs(20);

/// A server. Dropped, it ends.
pub struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Serves a vault.
    ///
    /// # Errors
    /// When it ends before it serves.
    pub fn vault(program: &Path, directory: &Path, passphrase: &Path) -> Fallible<Server> {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--dir"]).arg(directory);
        command.arg("--passphrase-file").arg(passphrase);
        Server::start(command)
    }

    /// This very program in another part.
    ///
    /// # Errors
    /// As [`Server::vault`].
    pub fn part(arguments: &[String]) -> Fallible<Server> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments);
        Server::start(command)
    }

    fn start(mut command: Command) -> Fallible<Server> {
        command.env("GRIDVAULT_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or("a server without output")?;
        let mut lines = BufReader::new(output).lines();
        let address = loop {
            let Some(line) = lines.next().transpose()? else {
                let status = child.wait()?;
                return Err(format!("a server ended before it served: {status}").into());
            };
            if let Some(address) = line.strip_prefix(SERVING) {
                break address.parse();
            }
        };
        // What it still prints must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Server { child, address: address? })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Processor time that it took so far, in seconds.
    pub fn processor_seconds(&self) -> f64 {
        processor_seconds(self.child.id())
    }

    /// Memory that it has in use, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB"));
        kilobytes.and_then(|digits| digits.trim().parse::<u64>().ok()).unwrap_or_default() * 1_024
    }

    /// Asks it to end in order, and waits for that.
    ///
    /// # Errors
    /// When it ends with a fault.
    pub fn stop(mut self) -> Fallible<()> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("a server failed: {status}").into()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // In order where it can: what a program writes at its end, a profile for one, is of a run that ended.
        let process = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &process]).status();
        let begun = Instant::now();
        while asked.is_ok() && begun.elapsed() < STOP_TIME_MAX {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _was_gone = self.child.kill();
        let _was_gone = self.child.wait();
    }
}

/// Processor time that a process has used, in seconds.
pub fn processor_seconds(process: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // Behind the name, which may hold spaces, come the fields from the third on.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}
