//! Marked values go through everything that a caller may do; none may be found outside of what is sealed.
//! Never counts an authorised reading in clear: that is what the vault is for. Everything else is scanned whole.
//! First it is shown that the scan finds every marker in every encoding.

pub mod markers;
mod requests;
pub mod scan;

use crate::fault::Fault;
use crate::tally::{Tally, say};
use crate::vault::{Programs, Start, Vault};
use markers::{MARKERS_COUNT, Marker, Source};
use requests::{Answers, Requests};
use scan::{Encoding, Hit, Scanner};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Hits that are printed one by one.
const HITS_PRINTED_MAX: usize = 12;
/// Files below the vault's directory: more are not looked for.
const FILES_COUNT_MAX: usize = 100_000;
/// By then an idle vault has flushed its engine and published its log: both happen within five seconds.
const SETTLED_AFTER: Duration = Duration::from_secs(7);

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    /// Runs with different markers, one after the other.
    #[arg(long, default_value_t = 1)]
    runs: u32,
    /// The number of the first run.
    #[arg(long, default_value_t = 1)]
    first: u32,
    #[command(flatten)]
    programs: Programs,
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let program = arguments.programs.vault()?;
    for run in arguments.first..arguments.first.saturating_add(arguments.runs) {
        let folder = tempfile::tempdir()
            .map_err(|cause| Fault::Io { what: "making a folder".into(), cause })?;
        one_run(run, folder.path(), &program, tally)?;
    }
    Ok(())
}

fn one_run(run: u32, folder: &Path, program: &Path, tally: &mut Tally) -> Result<(), Fault> {
    let source = Source::new(run);
    let scanner = Scanner::new(&source.markers);
    // Outside of the vault's directory.
    let file = folder.join("source.ndjson");
    let lines = source.lines().join("\n");
    std::fs::write(&file, &lines).map_err(|error| Fault::io("writing", &file, error))?;
    control(&scanner, &source, &file, tally)?;
    let start = Start {
        program: program.to_owned(),
        before: &[],
        directory: folder.join("vault"),
        output: folder.join("output"),
        persons: 60,
        log_level: "trace",
        policies: None,
    };
    let places = Places { scanner: &scanner, markers: &source.markers };
    let (vault, answers) = requests(&start, &source, &places, tally)?;
    std::thread::sleep(SETTLED_AFTER);
    places.directory("data directory", &start.directory, &vault.page.origin, tally)?;
    places.output(&start.output, tally)?;
    places.answers(&answers, tally);
    places.core(&vault, folder, tally)
}

/// The scan must find all markers in the source, however it is written.
fn control(
    scanner: &Scanner,
    source: &Source,
    file: &Path,
    tally: &mut Tally,
) -> Result<(), Fault> {
    let kinds: BTreeSet<_> = source.markers.iter().map(|marker| marker.kind).collect();
    let texts: BTreeSet<&str> = source.markers.iter().map(|marker| marker.text.as_str()).collect();
    let count = format!("{} different in {} kinds", texts.len(), kinds.len());
    let is_whole = texts.len() == MARKERS_COUNT && source.markers.len() == MARKERS_COUNT;
    tally.holds("markers", is_whole, count);
    let lines = std::fs::read_to_string(file).map_err(|e| Fault::io("reading", file, e))?;
    let encoded = file.with_extension("encoded");
    for wanted in Encoding::ALL {
        let mut found = BTreeSet::new();
        // A marker's place modulo three differs, so each alignment needs up to three shifts.
        for shift in shifts_of(wanted) {
            std::fs::write(&encoded, shift.encode(&lines))
                .map_err(|error| Fault::io("writing", &encoded, error))?;
            let (hits, _) = scanner.find_in_file(&encoded)?;
            found.extend(hits.iter().filter(|hit| hit.encoding == wanted).map(|hit| hit.marker));
        }
        let detail = format!("{} of {MARKERS_COUNT} found", found.len());
        tally.holds(
            &format!("control: the source as {wanted:?}"),
            found.len() == MARKERS_COUNT,
            detail,
        );
    }
    std::fs::remove_file(&encoded).map_err(|error| Fault::io("removing", &encoded, error))
}

fn shifts_of(encoding: Encoding) -> Vec<Encoding> {
    match encoding {
        Encoding::Base64(_) => (0..3).map(Encoding::Base64).collect(),
        Encoding::Base64Url(_) => (0..3).map(Encoding::Base64Url).collect(),
        other => vec![other],
    }
}

/// Everything that a caller does, with a kill and a restart in the middle.
fn requests(
    start: &Start,
    source: &Source,
    places: &Places<'_>,
    tally: &mut Tally,
) -> Result<(Vault, Answers), Fault> {
    let mut vault = start.serve()?;
    let page = vault.page.clone();
    let mut requests = Requests::new(&page);
    let mut stored = requests.store(source)?;
    requests.read(&stored)?;
    requests.matches(&stored)?;
    requests.patch(&mut stored)?;
    requests.wrong(&source.markers)?;
    let mut answers = std::mem::take(&mut requests.answers);
    let (mut readings, matches) = (requests.readings, requests.matches);
    vault.kill();
    let what = "data directory as the kill left it";
    places.directory(what, &start.directory, &page.origin, tally)?;
    let vault = start.serve()?;
    let page = vault.page.clone();
    let mut requests = Requests::new(&page);
    requests.patch(&mut stored)?;
    requests.read(&stored)?;
    requests.wrong(&source.markers)?;
    let last = stored.len() - stored.len() / 5;
    let removed = requests.delete(&stored[last..])?;
    requests.read(&stored[last..])?;
    answers.append(&mut requests.answers);
    readings += requests.readings;
    let expected = 2 * stored.len() as u64;
    let detail = format!("{readings} readings in clear showed them, {matches} matches found them");
    let is_whole = readings == expected && matches > 0 && removed == (stored.len() - last) as u64;
    let outcome = if is_whole { Ok(detail) } else { Err(format!("{detail}, of {expected}")) };
    tally.check("the markers are in the vault", outcome);
    Ok((vault, answers))
}

/// Where is looked.
struct Places<'a> {
    scanner: &'a Scanner,
    markers: &'a [Marker],
}

impl Places<'_> {
    fn directory(
        &self,
        what: &str,
        directory: &Path,
        known: &str,
        tally: &mut Tally,
    ) -> Result<(), Fault> {
        let (mut hits, mut bytes, mut knows) = (Vec::new(), 0, false);
        let files = files_below(directory)?;
        for file in &files {
            let (found, length) = self.scanner.find_in_file(file)?;
            bytes += length;
            let place = file.strip_prefix(directory).unwrap_or(file).display().to_string();
            hits.extend(found.into_iter().map(|hit| (place.clone(), hit)));
            knows |= file.ends_with("log/checkpoint") && holds(file, known)?;
        }
        let detail = format!("{} files, {bytes} bytes", files.len());
        self.judge(what, &detail, &hits, knows, tally);
        Ok(())
    }

    fn output(&self, output: &Path, tally: &mut Tally) -> Result<(), Fault> {
        for extension in ["out", "err"] {
            let file = output.with_extension(extension);
            let (found, bytes) = self.scanner.find_in_file(&file)?;
            let hits: Vec<_> = found.into_iter().map(|hit| (extension.to_owned(), hit)).collect();
            let what = if extension == "out" { "standard output" } else { "standard error" };
            self.judge(what, &format!("{bytes} bytes"), &hits, bytes > 0, tally);
        }
        Ok(())
    }

    fn answers(&self, answers: &Answers, tally: &mut Tally) {
        let mut hits = Vec::new();
        let (mut problems, mut bytes) = (0, 0);
        for (label, answer) in answers {
            bytes += answer.len();
            problems += usize::from(holds_bytes(answer, b"urn:gridvault:problem:"));
            let found = self.scanner.find(answer);
            hits.extend(found.into_iter().map(|hit| (label.clone(), hit)));
        }
        let detail =
            format!("{} answers, {problems} of them problems, {bytes} bytes", answers.len());
        self.judge("answers but readings in clear", &detail, &hits, problems > 0, tally);
    }

    /// The memory of a process that serves holds what it works on: counted, not judged.
    fn core(&self, vault: &Vault, folder: &Path, tally: &mut Tally) -> Result<(), Fault> {
        let prefix = folder.join("core");
        let process = vault.process().to_string();
        let outcome = Command::new("gcore")
            .arg("-o")
            .arg(&prefix)
            .arg(&process)
            .stdin(Stdio::null())
            .output()
            .map_err(|_| Fault::ToolMissing("gcore (package gdb)"))?;
        let file = PathBuf::from(format!("{}.{process}", prefix.display()));
        let is_there = outcome.status.success() && file.is_file();
        let (hits, bytes) = match is_there {
            true => self.scanner.find_in_file(&file)?,
            false => {
                let said = String::from_utf8_lossy(&outcome.stderr).trim().to_owned();
                tally.check("core file", Err(format!("gcore gave none: {said}")));
                return Ok(());
            }
        };
        let mut kinds: BTreeMap<String, (usize, BTreeSet<usize>)> = BTreeMap::new();
        for hit in &hits {
            let name = format!("{:?} as {:?}", self.markers[hit.marker].kind, hit.encoding);
            let (count, markers) = kinds.entry(name).or_default();
            *count += 1;
            markers.insert(hit.marker);
        }
        for (name, (count, markers)) in &kinds {
            say(&format!("counted core file: {name}: {count} hits of {} markers", markers.len()));
        }
        tally.check("core file", Ok(format!("{bytes} bytes, {} hits counted", hits.len())));
        Ok(())
    }

    /// No hit, and a sign that the right bytes were looked at.
    fn judge(
        &self,
        what: &str,
        detail: &str,
        hits: &[(String, Hit)],
        looked: bool,
        tally: &mut Tally,
    ) {
        for (place, hit) in hits.iter().take(HITS_PRINTED_MAX) {
            let Marker { kind, text } = &self.markers[hit.marker];
            say(&format!("  {kind:?} {text} as {:?} in {place} at {}", hit.encoding, hit.offset));
        }
        let outcome = match (hits.len(), looked) {
            (0, true) => Ok(format!("no marker in {detail}")),
            (0, false) => Err(format!("{detail}, which are not what should be looked at")),
            (count, _) => Err(format!("{count} hits in {detail}")),
        };
        tally.check(what, outcome);
    }
}

fn files_below(directory: &Path) -> Result<Vec<PathBuf>, Fault> {
    let (mut files, mut folders) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(folder) = folders.pop() {
        let fail = |error| Fault::io("listing", &folder, error);
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let is_folder = entry.file_type().map_err(fail)?.is_dir();
            if is_folder { folders.push(entry.path()) } else { files.push(entry.path()) }
        }
        if files.len() > FILES_COUNT_MAX {
            return Err(Fault::Malformed("the number of files of a vault"));
        }
    }
    Ok(files)
}

fn holds(file: &Path, text: &str) -> Result<bool, Fault> {
    let bytes = std::fs::read(file).map_err(|error| Fault::io("reading", file, error))?;
    Ok(holds_bytes(&bytes, text.as_bytes()))
}

fn holds_bytes(bytes: &[u8], wanted: &[u8]) -> bool {
    memchr::memmem::find(bytes, wanted).is_some()
}
