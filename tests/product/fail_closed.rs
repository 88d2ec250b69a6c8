//! What is taken from under a running vault: journal and log, removed, moved, replaced by a link or a pipe.
//! Never judged by what the vault says of itself: bytes are counted at the socket, and a planted value is looked for in them.
//! Whatever happens, the vault stops serving, says why, and ends with status 4; nothing leaves without its entry.

use super::bodies::{REGISTRATION, adult};
use super::harness::{Demo, WAIT_TIME_MAX, await_until, copied};
use super::wire::connect;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What happens to a file or directory.
#[derive(Clone, Copy, Debug)]
enum Harm {
    Removed,
    Moved,
    /// A link to the very same content in its place.
    Linked,
    /// A pipe, whose reader would wait for ever.
    Piped,
    /// A copy with the same content.
    Copied,
    /// One byte shorter.
    Cut,
}

fn moved(path: &Path) -> PathBuf {
    path.with_extension("moved")
}

fn do_harm(harm: Harm, path: &Path) {
    match harm {
        Harm::Removed if path.is_dir() => fs::remove_dir_all(path).expect("removed"),
        Harm::Removed => fs::remove_file(path).expect("removed"),
        Harm::Cut => {
            let file = fs::OpenOptions::new().write(true).open(path).expect("opened");
            let length = file.metadata().expect("known").len();
            file.set_len(length - 1).expect("cut");
        }
        _ => fs::rename(path, moved(path)).expect("moved"),
    }
    match harm {
        Harm::Removed | Harm::Moved | Harm::Cut => {}
        Harm::Linked => std::os::unix::fs::symlink(moved(path), path).expect("linked"),
        Harm::Copied => copied(&moved(path), path),
        Harm::Piped => {
            let made = Command::new("mkfifo").arg(path).status();
            assert!(made.expect("mkfifo runs").success());
        }
    }
}

fn segment(demo: &Demo) -> PathBuf {
    let journal = fs::read_dir(demo.directory().join("journal")).expect("listed").flatten();
    let mut segments: Vec<PathBuf> = journal
        .map(|item| item.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "segment"))
        .collect();
    segments.sort();
    segments.pop().expect("a segment")
}

/// A request that a worker has in hand while harm is done, on a connection from before it.
struct Underway {
    request: String,
    stream: TcpStream,
}

impl Underway {
    fn begin(demo: &Demo, record: &str) -> Self {
        let token = demo.worker(1).token;
        let request = format!(
            "GET /v1/records/{record}?fields=name,phone HTTP/1.1\r\nhost: vault\r\n\
             authorization: Bearer {token}\r\npurpose: {REGISTRATION}\r\nconnection: close\r\n\r\n"
        );
        Self { request, stream: connect(Ipv4Addr::LOCALHOST, demo.url()) }
    }

    /// Asks now, and then again until nobody listens any more; gives everything that came.
    /// Its own connection is asked first: a vault may find the harm, and close its door, before the harm is done whole.
    fn bytes_until_it_ends(self, what: &str, demo: &Demo) -> String {
        let mut all = bytes_on(self.stream, &self.request);
        await_until(what, || match TcpStream::connect(demo.url().trim_start_matches("http://")) {
            Ok(stream) => {
                all.push_str(&bytes_on(stream, &self.request));
                false
            }
            Err(_nobody_listens) => true,
        });
        all
    }
}

/// Everything that comes for a request until the vault closes.
fn bytes_on(mut stream: TcpStream, request: &str) -> String {
    stream.set_read_timeout(Some(WAIT_TIME_MAX)).expect("a bound");
    // A vault that ends in between answers by a reset, and by nothing else but its time being over.
    let _ended_already = stream.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        assert!(
            !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            "it neither answers nor ends"
        );
    }
    String::from_utf8(bytes).expect("an answer in UTF-8")
}

/// Harms a file of a vault that serves, and holds what comes then against the entries that there are.
fn harmed(harm: Harm, file: impl Fn(&Demo) -> PathBuf, at_once: bool) {
    let mut demo = Demo::own();
    let worker = demo.worker(1);
    let created = worker.create(&adult(worker.grid())).expect(201);
    let record = created.text_of("id").to_owned();
    let read = worker.read(&record, "name,phone", REGISTRATION).expect(200);
    let name = read.body["fields"]["name"].as_str().expect("a name").to_owned();
    // Nothing is under way any more: a checkpoint that is just being replaced would take the harm's place.
    await_until("all of it is published", || {
        demo.log().size().expect("a checkpoint") > read.index()
    });
    let path = file(&demo);
    let underway = Underway::begin(&demo, &record);
    do_harm(harm, &path);
    let what = format!("it stops serving after {harm:?} of {}", path.display());
    let came = underway.bytes_until_it_ends(&what, &demo);
    // Not one answer with the value where the journal is harmed; where the log is, each names its durable entry.
    let leaked = came.matches(&name).count();
    let with_receipt = came.matches("audit-receipt:").count();
    assert!(leaked == 0 || !at_once, "{harm:?} of {}: {came}", path.display());
    assert_eq!(leaked, with_receipt, "{harm:?} of {}: {came}", path.display());
    assert_eq!(demo.ended(), Some(4), "{harm:?} of {}", path.display());
    let said = demo.complaints();
    assert!(said.contains("the trail stopped"), "{harm:?} of {}: {said}", path.display());
}

#[test]
fn journal_that_is_harmed_under_a_running_vault_lets_not_one_byte_of_a_record_out() {
    for harm in [Harm::Removed, Harm::Moved, Harm::Linked, Harm::Piped, Harm::Copied, Harm::Cut] {
        harmed(harm, segment, true);
    }
    for harm in [Harm::Removed, Harm::Moved, Harm::Linked, Harm::Piped] {
        harmed(harm, |demo| demo.directory().join("journal"), true);
    }
}

#[test]
fn log_that_is_harmed_under_a_running_vault_stops_it() {
    let file = |demo: &Demo| demo.log_directory().join("checkpoint");
    for harm in [Harm::Removed, Harm::Moved, Harm::Linked, Harm::Piped, Harm::Copied, Harm::Cut] {
        harmed(harm, file, false);
    }
    for harm in [Harm::Removed, Harm::Moved, Harm::Linked, Harm::Piped, Harm::Copied] {
        harmed(harm, |demo| demo.log_directory(), false);
    }
    harmed(Harm::Removed, |demo| demo.log_directory().join("lock"), false);
}

/// The bundle of entries at the right edge of the log, as it was published last.
fn edge(demo: &Demo) -> PathBuf {
    let bundles = demo.log_directory().join("tile/entries");
    let partial = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "p");
    let listed = |path: &Path| {
        let items = fs::read_dir(path).expect("listed").flatten();
        items.map(|item| item.path()).collect::<Vec<PathBuf>>()
    };
    let last = listed(&bundles).into_iter().filter(partial).max().expect("a partial bundle");
    let width = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok())
    };
    listed(&last).into_iter().max_by_key(width).expect("a width")
}

#[test]
fn entries_that_are_harmed_under_a_running_vault_stop_it() {
    for harm in [Harm::Removed, Harm::Moved, Harm::Linked, Harm::Piped] {
        harmed(harm, edge, false);
    }
}

#[test]
fn client_that_goes_away_in_the_middle_leaves_its_entry_and_nothing_else() {
    let demo = Demo::own();
    let worker = demo.worker(1);
    let before = worker.read(demo.sample_record(), "name", REGISTRATION).expect(200).index();
    let request = format!(
        "GET /v1/records/{}?fields=name HTTP/1.1\r\nhost: vault\r\n\
         authorization: Bearer {}\r\npurpose: {REGISTRATION}\r\n\r\n",
        demo.sample_record(),
        worker.token
    );
    for _ in 0..20 {
        let mut stream = connect(Ipv4Addr::LOCALHOST, demo.url());
        stream.write_all(request.as_bytes()).expect("sent");
        // It reads not one byte.
        let _gone_already = stream.shutdown(Shutdown::Both);
    }
    let mut last = before;
    await_until("every request that arrived has its entry", || {
        last = worker.read(demo.sample_record(), "name", REGISTRATION).expect(200).index();
        last >= before + 21
    });
    let entries = demo.entries_between(before + 1, last);
    let reads =
        entries.iter().filter(|entry| super::entries::happened(entry) == "data.read success");
    assert!(reads.count() >= 21, "twenty that nobody waited for, and the last");
    let mut demo = demo;
    assert_eq!(demo.stop(), Some(0), "and it stops in order");
}

#[test]
fn vault_without_its_keys_serves_nothing() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    let directory = demo.directory().display().to_string();
    let keyring = demo.directory().join("keyring");
    fs::rename(&keyring, moved(&keyring)).expect("moved");
    let outcome = super::program::run(&["demo", "--listen", "127.0.0.1:0", "--dir", &directory]);
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    assert!(outcome.err.contains("keyring"), "{outcome:?}");
    fs::rename(moved(&keyring), &keyring).expect("put back");
    demo.start_again();
    assert_eq!(demo.stop(), Some(0));
}
