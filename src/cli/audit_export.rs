//! `gridvault audit export`: entries of a running vault into a file, in a form that other systems read.
//! Never twice and never with a gap: what was written and where it goes on stand in a file beside it, synced page by page.
//! The same command again goes on where the last one ended, whatever ended it; entries that came since are added.

use super::audit::{self, Filter};
use super::client::Connection;
use super::failure::Failure;
use super::print;
use crate::files::replace;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// entries, ocsf, cef or csv.
    #[arg(long)]
    format: String,
    /// The file that is written; standard output without it.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    connection: Connection,
}

/// How far an export is: the file `OUT.export`.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    /// What is exported: another question into the same file is refused.
    question: String,
    /// Bytes of the file that are whole.
    bytes: u64,
    /// First index of this run of pages.
    from: u64,
    /// Where it goes on inside of the run.
    cursor: Option<String>,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let query = arguments.filter.to_query()?;
    let question = format!("format={}&{query}", plain(&arguments.format)?);
    let mut sheet = Sheet::open(arguments.out.as_deref(), &question)?;
    let mut lines = 0;
    let left = loop {
        let State { from, cursor, .. } = &sheet.state;
        let cursor = cursor.as_ref().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let path =
            format!("/v1/audit/export?{question}order=oldest&limit=1000&from={from}{cursor}");
        let answer = arguments.connection.get(&path)?;
        let page =
            answer["lines"].as_array().into_iter().flatten().filter_map(|line| line.as_str());
        let page: Vec<&str> = page.collect();
        lines += page.len();
        let header = answer["header"].as_str().filter(|_| sheet.state.bytes == 0);
        let number = |name: &str| answer[name].as_u64().unwrap_or_default();
        let (indexed, size) = (number("indexed"), number("size"));
        let next = answer["cursor"].as_str().map(str::to_owned);
        let ended = next.is_none();
        sheet.write(header.into_iter().chain(page), next, indexed)?;
        if ended {
            audit::say_pruned(&answer);
            break size.saturating_sub(indexed);
        }
    };
    if json {
        eprint_json(lines, left);
    } else if arguments.out.is_some() {
        print(&format!("{lines} lines written, {left} published entries not indexed yet"));
    }
    Ok(())
}

fn eprint_json(lines: usize, left: u64) {
    let said = serde_json::json!({"lines": lines, "not_indexed": left});
    let _nobody_reads = writeln!(std::io::stderr(), "{said}");
}

fn plain(format: &str) -> Result<&str, Failure> {
    let known = crate::oversight::Format::parse(format).is_some();
    if known { Ok(format) } else { Err(Failure::Usage(format!("there is no form {format:?}"))) }
}

/// The file that is written, or standard output.
struct Sheet {
    file: Option<(File, PathBuf)>,
    state: State,
}

impl Sheet {
    fn open(path: Option<&Path>, question: &str) -> Result<Sheet, Failure> {
        let fresh = State { question: question.to_owned(), ..State::default() };
        let Some(path) = path else { return Ok(Sheet { file: None, state: fresh }) };
        let beside = beside(path);
        let fail = |error| Failure::failed("the export cannot be written", &error);
        let state = match std::fs::read(&beside) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| Failure::failed("the state of the export is damaged", &error))?,
            Err(error) if error.kind() == ErrorKind::NotFound => fresh,
            Err(error) => return Err(fail(error)),
        };
        if state.question != question {
            let text = "another question was exported into this file; name another one";
            return Err(Failure::Usage(text.into()));
        }
        let existing = path.exists();
        if existing && state == (State { question: question.to_owned(), ..State::default() }) {
            return Err(Failure::Usage(
                "the file is there already and no export of this is under way".into(),
            ));
        }
        // Whoever may read the log may read this; nobody else of the host may.
        let options = &mut OpenOptions::new();
        let mut file = options
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(fail)?;
        if file.metadata().map_err(fail)?.len() < state.bytes {
            return Err(Failure::Failed(
                "the export is shorter than what was written into it".into(),
            ));
        }
        // What a crash left behind the last whole page is written again.
        file.set_len(state.bytes).map_err(fail)?;
        file.seek(SeekFrom::Start(state.bytes)).map_err(fail)?;
        Ok(Sheet { file: Some((file, path.to_path_buf())), state })
    }

    /// Writes a page and then how far it goes, both synced.
    fn write<'a>(
        &mut self,
        lines: impl Iterator<Item = &'a str>,
        cursor: Option<String>,
        indexed: u64,
    ) -> Result<(), Failure> {
        let text: String = lines.flat_map(|line| [line, "\n"]).collect();
        // At the end a later run begins behind everything that could be found in this one.
        self.state.from = if cursor.is_none() { indexed } else { self.state.from };
        self.state.cursor = cursor;
        let Some((file, path)) = &mut self.file else {
            return to_reader(&mut std::io::stdout(), &text)
                .map_err(|error| Failure::failed("the export cannot be written", &error));
        };
        self.state.bytes += text.len() as u64;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
        let kept = written.and_then(|()| replace(&beside(path), &serde_json::to_vec(&self.state)?));
        kept.map_err(|error| Failure::failed("the export cannot be written", &error))
    }
}

/// Writes to whoever reads. That nobody reads on is the reader's choice; anything else would leave an export that looks whole.
fn to_reader(reader: &mut impl Write, text: &str) -> std::io::Result<()> {
    match reader.write_all(text.as_bytes()).and_then(|()| reader.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".export");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_fails_an_export_and_a_closed_pipe_does_not() {
        let mut full = OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let failed = to_reader(&mut full, "a line\n").expect_err("nothing fits there");
        assert_eq!(failed.kind(), ErrorKind::StorageFull);
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        assert!(to_reader(&mut writer, "a line\n").is_ok());
        drop(reader);
        assert!(to_reader(&mut writer, "a line\n").is_ok());
    }
}
