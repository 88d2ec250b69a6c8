//! Watches the system calls of one command that gives a vault another root key: every file of keys that there is, is written by it.
//! Never believes that a sync works; that each is asked for, and in which order, is what is judged here and nowhere else.
//! What is written is synced before anything else is written that relies on it, and the log tells of it last.

use crate::fault::Fault;
use crate::syscalls::{Call, calls_of};
use crate::tally::{Tally, say};
use crate::vault::{Programs, tail};
use gridvault_audit::LogReader;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const ORIGIN: &str = "syncs.gridvault.invalid/log";
/// What is traced: everything that writes, syncs, names or takes a name away.
const CALLS: &str = "trace=write,writev,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2,\
link,linkat,unlink,unlinkat";
/// Where slot B of a ring begins; slot A begins at 0.
const SLOT_B: &str = "307200";
/// Files that are written over in place.
const IN_PLACE: [&str; 2] = ["keyring", "keyring.uses"];
/// Files that are written whole.
const WHOLE: [&str; 3] = ["unlock", "unlock.next", "unlock.old"];

/// Has a vault made, gives it another root key, and judges both.
pub fn run(folder: &Path, programs: &Programs, tally: &mut Tally) -> Result<(), Fault> {
    let bench = Bench { folder: folder.to_owned(), program: programs.vault()? };
    bench.write("passphrase", "the passphrase of before\n")?;
    bench.write("next", "the passphrase of afterwards\n")?;
    let made = bench.traced("init", &bench.init())?;
    tally.check("a new vault's files of keys", judge_new(&made));
    let turned = bench.traced("rotate-root", &bench.rotation()?)?;
    for done in &turned {
        say(&format!("  {done}"));
    }
    tally.check("the ring is written slot by slot, each synced", judge_ring(&turned));
    tally.check("no write to a file of keys stays behind unsynced", judge_syncs(&turned));
    tally.check("each step of another root key is durable before the next", judge_order(&turned));
    Ok(())
}

struct Bench {
    folder: PathBuf,
    program: PathBuf,
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Fault> {
        let path = self.path(name);
        std::fs::write(&path, text).map_err(|error| Fault::io("writing", &path, error))
    }

    fn init(&self) -> Vec<String> {
        let fixed = ["init", "--origin", ORIGIN, "--system-admin", "sys", "--security-admin"];
        let people = ["sec", "--audit-admin", "aud", "--dir"];
        let mut words: Vec<String> = fixed.iter().chain(&people).map(|it| (*it).into()).collect();
        words.extend([self.text("keys"), "--passphrase-file".into(), self.text("passphrase")]);
        words
    }

    fn rotation(&self) -> Result<Vec<String>, Fault> {
        let mut words: Vec<String> =
            ["keys", "rotate-root", "--unsigned", "--dir"].map(String::from).into();
        words.extend([self.text("keys"), "--passphrase-file".into(), self.text("passphrase")]);
        words.extend(["--new-passphrase-file".into(), self.text("next")]);
        let reader = LogReader::open(&self.path("keys/log"), ORIGIN)?;
        for index in 0..reader.size()? {
            let entry: Value = serde_json::from_slice(&reader.entry(index)?).unwrap_or_default();
            let person = entry["x"]["actor"].as_str();
            if let (Some("enrol"), Some(person)) = (entry["act"].as_str(), person) {
                words.extend(["--person".into(), person.to_owned()]);
            }
        }
        // Two of the three administrators.
        words.truncate(words.len() - 2);
        Ok(words)
    }

    /// What a command did to the vault's files, by the trace of it.
    fn traced(&self, name: &str, words: &[String]) -> Result<Vec<String>, Fault> {
        let (trace, output) = (self.path(&format!("{name}.trace")), self.path(name));
        let errors = std::fs::File::create(&output);
        let errors = errors.map_err(|error| Fault::io("creating", &output, error))?;
        let status = Command::new("strace")
            .args(["-f", "-tt", "-y", "-s", "8", "-e", CALLS, "-o"])
            .arg(&trace)
            .arg(&self.program)
            .args(words)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(errors)
            .status()
            .map_err(|_| Fault::ToolMissing("strace"))?;
        if !status.success() {
            let output = tail(&output);
            return Err(Fault::Ended { program: self.program.clone(), status, output });
        }
        let text = std::fs::read(&trace).map_err(|error| Fault::io("reading", &trace, error))?;
        let calls = calls_of(&String::from_utf8_lossy(&text));
        let directory = std::fs::canonicalize(self.path("keys"));
        let directory = directory.map_err(|error| Fault::io("finding", &trace, error))?;
        Ok(calls.iter().filter_map(|call| done(call, &directory)).collect())
    }
}

/// What a call that succeeded did to a file of keys, to the names in the vault's directory, or to the journal.
fn done(call: &Call, directory: &Path) -> Option<String> {
    let (arguments, result) = call.text.rsplit_once(") = ").or(call.text.rsplit_once(")  = "))?;
    if result.trim_start().starts_with('-') {
        return None;
    }
    let key_file = |path: &Path| {
        let name = path.file_name()?.to_str()?;
        let is_one = IN_PLACE.contains(&name) || WHOLE.contains(&name);
        (path.parent() == Some(directory) && is_one).then(|| name.to_owned())
    };
    match call.name.as_str() {
        "write" | "writev" | "pwrite64" | "pwritev" => {
            let path = opened(arguments)?;
            if path.parent() == Some(&directory.join("journal")) && is_segment(path) {
                return Some("write journal".to_owned());
            }
            let name = key_file(path)?;
            let offset = arguments.rsplit_once(", ").filter(|_| call.name == "pwrite64");
            let offset = offset.map_or(String::new(), |(_, offset)| format!(" {offset}"));
            Some(format!("write {name}{offset}"))
        }
        "fsync" | "fdatasync" => match opened(arguments)? {
            path if path == directory => Some("sync names".to_owned()),
            path if path.parent() == Some(&directory.join("journal")) && is_segment(path) => {
                Some("sync journal".to_owned())
            }
            path => Some(format!("sync {}", key_file(path)?)),
        },
        // The last path is the new name, and of what is taken away the only one.
        kind => {
            let path = Path::new(arguments.rsplit('"').nth(1)?);
            let what = match kind {
                "unlink" | "unlinkat" => "gone",
                "link" | "linkat" => "linked",
                _ => "named",
            };
            Some(format!("{what} {}", key_file(path)?))
        }
    }
}

/// The file that a call's first argument is open on.
fn opened(arguments: &str) -> Option<&Path> {
    let (_, rest) = arguments.split_once('<')?;
    Some(Path::new(rest.split_once('>')?.0))
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "segment")
}

/// Each file of keys is written, then synced, then its name is.
fn judge_new(done: &[String]) -> Result<String, String> {
    for name in ["keyring", "keyring.uses", "unlock"] {
        let is_write = |it: &String| {
            let what = it.strip_prefix("write ").and_then(|what| what.split(' ').next());
            what == Some(name)
        };
        let written = done.iter().rposition(is_write);
        let written = written.ok_or(format!("{name} is not written"))?;
        let synced = done[written..].iter().position(|it| *it == format!("sync {name}"));
        let synced = written + synced.ok_or(format!("{name} is not synced"))?;
        if !done[synced..].iter().any(|it| it == "sync names") {
            return Err(format!("the name of {name} is not synced"));
        }
    }
    judge_syncs(done)
}

/// Slot B, its sync, slot A, its sync, and nothing else: at each opening and each change.
fn judge_ring(done: &[String]) -> Result<String, String> {
    let slots = [
        format!("write keyring {SLOT_B}"),
        "sync keyring".to_owned(),
        "write keyring 0".to_owned(),
        "sync keyring".to_owned(),
    ];
    let of_ring = |it: &&String| it.starts_with("write keyring ") || *it == "sync keyring";
    let of_ring: Vec<&String> = done.iter().filter(of_ring).collect();
    let is_right = |four: &[&String]| four.iter().copied().eq(slots.iter());
    // What a process finds may be in the system's cache alone, so it writes before it makes anything that relies on it.
    let place = |what: &str| done.iter().position(|it| it == what).unwrap_or(usize::MAX);
    let is_opened = place(&slots[0]) < place("write unlock.next");
    match is_opened && of_ring.chunks(slots.len()).all(is_right) {
        true => Ok(format!("{} times", of_ring.len() / slots.len())),
        false => Err(format!("opened {is_opened}: {of_ring:?}")),
    }
}

/// Behind a write to a file of keys comes its sync, before anything is done to another. The journal has a thread of its own.
fn judge_syncs(done: &[String]) -> Result<String, String> {
    let mut count = 0;
    let done: Vec<&String> = done.iter().filter(|it| !it.ends_with(" journal")).collect();
    for (at, written) in done.iter().enumerate() {
        let Some(what) = written.strip_prefix("write ") else { continue };
        let name = what.split(' ').next().unwrap_or(what);
        let synced = format!("sync {name}");
        // A new file may be written in pieces.
        let next = done[at + 1..].iter().find(|next| *next != written || IN_PLACE.contains(&name));
        if next.is_none_or(|next| **next != synced) {
            return Err(format!("behind \"{written}\" comes {next:?}"));
        }
        count += 1;
    }
    if count == 0 { Err("nothing was written".into()) } else { Ok(format!("{count} writes")) }
}

/// What must lie between two things that are done, from the first on.
fn judge_order(done: &[String]) -> Result<String, String> {
    let slot_b = format!("write keyring {SLOT_B}");
    let between = [
        ("write unlock.next", slot_b.as_str(), "sync names"),
        ("linked unlock.old", "named unlock", "sync names"),
        ("named unlock", "write keyring 0", "sync names"),
        ("named unlock", "write journal", "sync keyring"),
        ("write journal", "write unlock.old", "sync journal"),
        ("write unlock.old", "gone unlock.old", "sync unlock.old"),
    ];
    for (from, until, needed) in between {
        let place = |what: &str, from: usize| {
            let found = done[from..].iter().position(|it| it == what);
            found.map(|at| from + at).ok_or(format!("no \"{what}\" where one belongs"))
        };
        let begin = place(from, 0)?;
        let end = place(until, begin)?;
        if !done[begin..end].iter().any(|it| it == needed) {
            return Err(format!("no \"{needed}\" between \"{from}\" and \"{until}\""));
        }
    }
    let gone = done.iter().rposition(|it| it == "gone unlock.old");
    match gone.is_some_and(|gone| done[gone..].iter().any(|it| it == "sync names")) {
        true => Ok("the entries come behind the ring, and the former ways go last".to_owned()),
        false => Err("that the former ways are gone is not synced".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a rotation does, as its trace tells it.
    const TRACE: &str = r#"
7 10:00:00.1 pwrite64(5</v/keyring>, "GVKEYRNG"..., 307200, 307200) = 307200
7 10:00:00.1 fsync(5</v/keyring>) = 0
7 10:00:00.1 pwrite64(5</v/keyring>, "GVKEYRNG"..., 307200, 0) = 307200
7 10:00:00.1 fsync(5</v/keyring>) = 0
7 10:00:00.1 write(6</v/unlock.next>, "GVUNLOCK"..., 99) = 99
7 10:00:00.1 fsync(6</v/unlock.next>) = 0
7 10:00:00.1 fsync(6</v>) = 0
7 10:00:00.1 pwrite64(5</v/keyring>, "GVKEYRNG"..., 307200, 307200) = 307200
7 10:00:00.1 fsync(5</v/keyring>) = 0
7 10:00:00.1 linkat(AT_FDCWD, "/v/unlock", AT_FDCWD, "/v/unlock.old", 0) = 0
7 10:00:00.1 fsync(6</v>) = 0
7 10:00:00.1 rename("/v/unlock.next", "/v/unlock") = 0
7 10:00:00.1 fsync(6</v>) = 0
7 10:00:00.1 pwrite64(5</v/keyring>, "GVKEYRNG"..., 307200, 0) = 307200
7 10:00:00.1 fsync(5</v/keyring>) = 0
8 10:00:00.1 pwrite64(9</v/journal/0.segment>, "GVFR"..., 99, 128) = 99
8 10:00:00.1 fdatasync(9</v/journal/0.segment>) = 0
7 10:00:00.1 write(6</v/unlock.old>, "\0\0\0\0\0\0\0\0"..., 99) = 99
7 10:00:00.1 fsync(6</v/unlock.old>) = 0
7 10:00:00.1 unlink("/v/unlock.old") = 0
7 10:00:00.1 fsync(6</v>) = 0
"#;

    fn judged(trace: &str) -> bool {
        let calls = calls_of(trace);
        let done: Vec<String> =
            calls.iter().filter_map(|call| done(call, Path::new("/v"))).collect();
        [judge_ring(&done), judge_syncs(&done), judge_order(&done)].iter().all(Result::is_ok)
    }

    #[test]
    fn a_rotation_in_its_order_is_right() {
        assert!(judged(TRACE));
    }

    #[test]
    fn a_ring_that_is_opened_without_being_written_anew_is_wrong() {
        let lines: Vec<&str> = TRACE.lines().collect();
        assert!(!judged(&lines[5..].join("\n")));
    }

    #[test]
    fn a_rotation_without_any_one_of_its_calls_or_with_one_that_failed_is_wrong() {
        let lines: Vec<&str> = TRACE.lines().collect();
        for at in 1..lines.len() {
            let mut without = lines.clone();
            let line = without.remove(at);
            assert!(!judged(&without.join("\n")), "without {line}");
            if line.contains("sync(") {
                let failed = TRACE.lines().enumerate().map(|(number, line)| match number == at {
                    true => line.replace("= 0", "= -1 EIO (Input/output error)"),
                    false => line.to_owned(),
                });
                assert!(!judged(&failed.collect::<Vec<String>>().join("\n")), "failed: {line}");
            }
        }
    }
}
