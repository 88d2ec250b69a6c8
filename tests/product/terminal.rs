//! `gridvault unseal` at a terminal: what is typed is not shown, and whatever takes the command away leaves the terminal as it was.
//! Never a terminal of the host: each test makes one.
//! A signal ends the command as it ends any other.

use super::harness::{await_until, end_of};
use super::program::start_at;
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};

/// A terminal: where somebody types, and where a command reads.
pub struct Terminal {
    pub keyboard: File,
    pub line: OwnedFd,
}

impl Terminal {
    pub fn new() -> Terminal {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keyboard).expect("ours");
        unlockpt(&keyboard).expect("ours");
        let name = ptsname(&keyboard, Vec::new()).expect("a name");
        let line = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
        Terminal { keyboard: keyboard.into(), line: line.expect("its other end") }
    }

    fn shows(&self) -> bool {
        tcgetattr(&self.line).expect("a terminal").local_modes.contains(LocalModes::ECHO)
    }

    /// The command, once the terminal shows nothing.
    fn asked(&self) -> Child {
        assert!(self.shows());
        let input = Stdio::from(self.line.try_clone().expect("the same"));
        let child = start_at(&["unseal", "--url", "http://127.0.0.1:1"], input);
        await_until("the terminal is silent", || !self.shows());
        child
    }
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("it runs");
}

/// Whether a process was stopped (proc(5)): the letter behind its name.
fn stands_still(child: &Child) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{}/stat", child.id()));
    let state = state.expect("a process of this host");
    state.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
}

#[test]
fn terminal_shows_again_after_a_line_was_typed() {
    let mut terminal = Terminal::new();
    let mut child = terminal.asked();
    terminal.keyboard.write_all(b"a passphrase\n").expect("typed");
    assert_eq!(end_of(&mut child), Some(1), "there is no vault");
    assert!(terminal.shows());
}

#[test]
fn whoever_takes_the_command_away_leaves_the_terminal_as_it_was() {
    for taken in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let terminal = Terminal::new();
        let mut child = terminal.asked();
        signal(&child, taken);
        let status = child.wait().expect("it ends");
        assert_eq!(status.signal(), Some(taken.as_raw()), "as it ends any command");
        assert!(terminal.shows(), "after {taken:?}");
    }
}

#[test]
fn whoever_suspends_the_command_has_a_terminal_that_shows_and_then_again_one_that_does_not() {
    let mut terminal = Terminal::new();
    let mut child = terminal.asked();
    signal(&child, Signal::TSTP);
    await_until("the command stands still", || stands_still(&child));
    assert!(terminal.shows());
    signal(&child, Signal::CONT);
    await_until("the terminal is silent again", || !terminal.shows());
    terminal.keyboard.write_all(b"a passphrase\n").expect("typed");
    assert_eq!(end_of(&mut child), Some(1), "there is no vault");
    assert!(terminal.shows());
}
