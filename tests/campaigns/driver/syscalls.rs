//! Watches the system calls of a serving vault around one read and one write on one connection; those of the files of keys are `syncs`'.
//! Never judges other threads' syncs of other files: tiles, mark and engine are made good from the journal.
//! Each request must show exactly one fdatasync of the journal's segment between its arrival and its answer.

use crate::client::{Ask, Client};
use crate::fault::Fault;
use crate::page::Page;
use crate::syncs;
use crate::tally::{Tally, say};
use crate::vault::{Programs, Start, Vault, end, new_folder, tail};
use serde_json::json;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What is traced: everything that receives, answers, writes or syncs.
const CALLS: &str = "trace=read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev,\
fdatasync,fsync,sync_file_range,msync";
/// By then nothing of the start is under way any more: mark and checkpoint come within five seconds.
const CALM_AFTER: Duration = Duration::from_secs(7);
/// Between the two requests, so that nothing of the first is taken for the second's.
const APART: Duration = Duration::from_secs(2);
/// Longest wait for the tracer to attach and to write its last line.
const TRACER_TIME_MAX: Duration = Duration::from_secs(20);
/// How often is looked.
const TRACER_POLL: Duration = Duration::from_millis(50);

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    programs: Programs,
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let folder = new_folder()?;
    let start = Start::below(folder.path(), &arguments.programs)?;
    let vault = start.serve()?;
    let client = Client::new(&vault.page.url);
    let page = &vault.page;
    let token = page.token("grid_worker", Some(&page.sample.grid))?;
    let path = format!("/v1/records/{}?fields=name,phone", page.sample.record);
    let read = Ask::new("GET", path, token).purpose(&page.sample.purpose);
    let write = patch(page, token);
    // The first request opens the connection that the two others use.
    let version = client.must(&read, 200)?["version"].as_u64().unwrap_or_default();
    std::thread::sleep(CALM_AFTER);
    let trace = folder.path().join("trace");
    let mut tracer = Tracer::attach(&vault, &trace)?;
    client.must(&read, 200)?;
    std::thread::sleep(APART);
    client.must(&write.version(version), 200)?;
    std::thread::sleep(APART);
    tracer.stop();
    let text = std::fs::read(&trace).map_err(|error| Fault::io("reading", &trace, error))?;
    let calls = calls_of(&String::from_utf8_lossy(&text));
    for (what, request) in [("a read", "GET /v1/records/"), ("a write", "PATCH /v1/records/")] {
        let window = window_of(&calls, request);
        for call in window.iter().flatten() {
            say(&format!("  {}", call.text.trim_end()));
        }
        tally.check(what, window.and_then(judge));
    }
    syncs::run(folder.path(), &arguments.programs, tally)
}

fn patch(page: &Page, token: &str) -> Ask {
    let ask = Ask::new("PATCH", format!("/v1/records/{}", page.sample.record), token);
    ask.purpose(&page.sample.purpose).json(&json!({"fields": {"phone": "12900009999"}}))
}

/// `strace` on the vault's process; this campaign started it, and ends it.
struct Tracer {
    child: Child,
    file: PathBuf,
}

impl Tracer {
    fn attach(vault: &Vault, file: &Path) -> Result<Tracer, Fault> {
        let said = file.with_extension("err");
        let errors = File::create(&said).map_err(|error| Fault::io("creating", &said, error))?;
        let child = Command::new("strace")
            .args(["-f", "-tt", "-y", "-s", "48", "-e", CALLS, "-o"])
            .arg(file)
            .args(["-p", &vault.process().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .map_err(|_| Fault::ToolMissing("strace"))?;
        let mut tracer = Tracer { child, file: file.to_owned() };
        let started = Instant::now();
        while !tail(&said).contains("attached") {
            let ended = tracer.child.try_wait();
            if let Some(status) = ended.map_err(|error| Fault::io("waiting for", &said, error))? {
                let output = tail(&said);
                return Err(Fault::Ended { program: "strace".into(), status, output });
            }
            if started.elapsed() > TRACER_TIME_MAX {
                return Err(Fault::OutOfTime { what: "tracing", limit: TRACER_TIME_MAX });
            }
            std::thread::sleep(TRACER_POLL);
        }
        Ok(tracer)
    }

    /// The trace is buffered by nobody but the kernel, so it is whole once it grows no more.
    fn stop(&mut self) {
        let length = |file: &Path| std::fs::metadata(file).map_or(0, |found| found.len());
        let (started, mut before) = (Instant::now(), length(&self.file));
        while started.elapsed() < TRACER_TIME_MAX {
            std::thread::sleep(TRACER_POLL * 4);
            let now = length(&self.file);
            if now == before {
                break;
            }
            before = now;
        }
        end(&mut self.child);
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// One system call, from its start to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Place of its first and of its last line in the trace.
    lines: (usize, usize),
    /// Its name.
    pub name: String,
    /// Everything that was printed of it.
    pub text: String,
}

/// Puts together what the trace tells in one line or, interrupted by other threads, in two.
pub fn calls_of(trace: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: Vec<(String, usize)> = Vec::new();
    for (line, text) in trace.lines().enumerate() {
        let Some((thread, rest)) = text.split_once(' ') else { continue };
        let Some((_, call)) = rest.trim_start().split_once(' ') else { continue };
        if call.starts_with("<... ") {
            let Some(place) = open.iter().position(|(other, _)| other == thread) else { continue };
            let (_, index) = open.remove(place);
            calls[index].lines.1 = line;
            calls[index].text.push_str(call.split_once("resumed>").map_or("", |(_, end)| end));
            continue;
        }
        let Some((name, _)) = call.split_once('(') else { continue };
        let begun = call.strip_suffix("<unfinished ...>");
        let lines = (line, if begun.is_some() { usize::MAX } else { line });
        if begun.is_some() {
            open.push((thread.to_owned(), calls.len()));
        }
        let text = begun.unwrap_or(call).to_owned();
        calls.push(Call { lines, name: name.to_owned(), text });
    }
    calls
}

impl Call {
    fn is_about_journal(&self) -> bool {
        self.text.contains("/journal/") && self.text.contains(".segment>")
    }

    fn is_sync(&self) -> bool {
        ["fdatasync", "fsync", "msync", "sync_file_range"].contains(&self.name.as_str())
    }

    fn is_done_well(&self) -> bool {
        self.lines.1 != usize::MAX && self.text.trim_end().ends_with("= 0")
    }
}

/// The calls from a request's arrival, which comes first, to its answer, which comes last.
fn window_of<'a>(calls: &'a [Call], request: &str) -> Result<Vec<&'a Call>, String> {
    let arrival = calls.iter().position(|call| call.text.contains(request));
    let arrival = arrival.ok_or(format!("no arrival of \"{request}\" in {} calls", calls.len()))?;
    let answer = calls[arrival..].iter().position(|call| call.text.contains("\"HTTP/1.1 200"));
    let answer = arrival + answer.ok_or("no answer in the trace")?;
    // The process learns of the request when the arrival's call ends.
    let (from, until) = (calls[arrival].lines.1, calls[answer].lines.0);
    let is_inside = |call: &&Call| call.lines.0 > from && call.lines.0 < until;
    let inside = calls.iter().filter(is_inside);
    Ok([&calls[arrival]].into_iter().chain(inside).chain([&calls[answer]]).collect())
}

/// Exactly one fdatasync of the segment, behind the bytes that it makes durable and ended before the answer.
fn judge(window: Vec<&Call>) -> Result<String, String> {
    let until = window.last().map_or(0, |answer| answer.lines.0);
    let journal: Vec<&Call> =
        window.iter().copied().filter(|call| call.is_about_journal()).collect();
    let syncs: Vec<&Call> = journal.iter().copied().filter(|call| call.is_sync()).collect();
    let [sync] = syncs.as_slice() else {
        return Err(format!("{} syncs of the journal before the answer", syncs.len()));
    };
    let written = journal.iter().filter(|call| call.name == "pwrite64");
    let written = written.filter(|call| call.lines.1 < sync.lines.0).count();
    if sync.name != "fdatasync" || !sync.is_done_well() || sync.lines.1 > until || written == 0 {
        return Err(format!("{} is not one fdatasync of what was written", sync.text));
    }
    let others = window.iter().filter(|call| call.is_sync() && !call.is_about_journal()).count();
    Ok(format!("one fdatasync of the journal before the answer, {others} syncs of other files"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = r#"
7 10:00:00.1 recvfrom(9<TCP:[1]>, "GET /v1/records/0 HTTP/1.1", 99, 0, NULL, NULL) = 26
8 10:00:00.2 pwrite64(5</v/journal/0.segment>, "GV", 2, 128) = 2
8 10:00:00.3 fdatasync(5</v/journal/0.segment> <unfinished ...>
9 10:00:00.4 fdatasync(6</v/log/tile/0/000>) = 0
8 10:00:00.5 <... fdatasync resumed>) = 0
7 10:00:00.6 writev(9<TCP:[1]>, [{iov_base="HTTP/1.1 200 OK", iov_len=15}], 1) = 15
"#;

    fn is_right(trace: &str) -> bool {
        let calls = calls_of(trace);
        window_of(&calls, "GET /v1/records/").and_then(judge).is_ok()
    }

    #[test]
    fn one_sync_before_the_answer_is_right() {
        assert!(is_right(TRACE));
    }

    #[test]
    fn a_sync_that_ends_after_the_answer_is_wrong() {
        let late = TRACE.replace("8 10:00:00.5 <... fdatasync resumed>) = 0\n", "");
        let late = format!("{late}8 10:00:00.7 <... fdatasync resumed>) = 0\n");
        assert!(!is_right(&late));
    }

    #[test]
    fn none_two_and_a_failed_one_are_wrong() {
        let none = TRACE.replace("/v/journal/0.segment>", "/v/store/db>");
        let two = TRACE.replace("/v/log/tile/0/000>", "/v/journal/0.segment>");
        let failed = TRACE.replace("resumed>) = 0", "resumed>) = -1 EIO");
        for wrong in [none, two, failed] {
            assert!(!is_right(&wrong), "{wrong}");
        }
    }
}
