//! `gridvault audit tail --follow`, as an officer leaves it running: nothing twice, nothing left out, and an end in order.
//! Never waits for anything but lines, with a bound.
//! The vault is stopped and started again under it.

use super::actor::Actor;
use super::bodies::REGISTRATION;
use super::harness::{Demo, await_until, end_of, program};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longest wait for a line.
const LINE_TIME_MAX: Duration = Duration::from_secs(30);

struct Following {
    child: Child,
    lines: Receiver<Value>,
    _room: tempfile::TempDir,
}

impl Following {
    fn start(url: &str, officer: &Actor, more: &[&str]) -> Following {
        let room = tempfile::tempdir().expect("a directory");
        let token = room.path().join("token");
        std::fs::write(&token, &officer.token).expect("written");
        let mut child = Command::new(program())
            .args(["--json", "audit", "tail", "--follow", "--url", url, "--token-file"])
            .arg(&token)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("an entry a line");
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Following { child, lines, _room: room }
    }

    /// Reads up to the entry at an index; each line is the one after the line before.
    fn up_to(&self, last: &mut Option<u64>, index: u64) {
        while last.is_none_or(|last| last < index) {
            let entry = self.lines.recv_timeout(LINE_TIME_MAX).expect("a line");
            let seq = entry["seq"].as_u64().expect("an index");
            assert!(last.is_none_or(|last| seq == last + 1), "{seq} after {last:?}");
            *last = Some(seq);
        }
    }

    fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -INT \"$1\"", "sh", &id]).status();
        assert!(sent.expect("the shell runs").success());
        end_of(&mut self.child)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn read(demo: &Demo) -> u64 {
    demo.worker(1).read(demo.sample_record(), "name", REGISTRATION).expect(200).index()
}

#[test]
fn every_entry_comes_once_and_an_interrupt_ends_it_in_order() {
    let demo = super::harness::shared();
    let officer = demo.role("compliance_auditor");
    let following = Following::start(demo.url(), &officer, &["--count", "3"]);
    let mut last = None;
    for _ in 0..3 {
        let index = read(demo);
        following.up_to(&mut last, index);
    }
    let next = last.expect("some").saturating_sub(1).to_string();
    assert_eq!(following.interrupt(), Some(0));
    let again = Following::start(demo.url(), &officer, &["--from", &next]);
    let mut seen = Some(next.parse::<u64>().expect("an index") - 1);
    again.up_to(&mut seen, read(demo));
    assert_eq!(again.interrupt(), Some(0));
}

#[test]
fn it_goes_on_when_the_vault_comes_back() {
    let mut demo = Demo::own();
    let officer = demo.role("compliance_auditor");
    let following = Following::start(demo.url(), &officer, &["--count", "1"]);
    let mut last = None;
    following.up_to(&mut last, read(&demo));
    assert_eq!(demo.stop(), Some(0));
    demo.start_again_there();
    following.up_to(&mut last, read(&demo));
    assert_eq!(following.interrupt(), Some(0));
}

#[test]
fn it_ends_when_nobody_reads_it_any_more_and_when_it_may_not_read() {
    let demo = super::harness::shared();
    let refused = Following::start(demo.url(), &demo.worker(1), &["--count", "1"]);
    let mut refused = refused;
    assert_eq!(end_of(&mut refused.child), Some(1));
    let room = tempfile::tempdir().expect("a directory");
    let token = room.path().join("token");
    std::fs::write(&token, &demo.role("compliance_auditor").token).expect("written");
    let mut child = Command::new(program())
        .args(["audit", "tail", "--follow", "--url", demo.url(), "--token-file"])
        .arg(&token)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    await_until("it noticed", || {
        let _one_more_line = read(demo);
        child.try_wait().expect("a child").is_some()
    });
    assert_eq!(end_of(&mut child), Some(0));
}
