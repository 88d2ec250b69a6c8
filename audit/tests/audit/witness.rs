//! A witness: each answer of the protocol, what it remembers, and that it never cosigns two histories.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gridvault_audit::fetch::{Client, Submitted};
use gridvault_audit::verify::{Policy, VerifierKey, hex_name, open_view};
use gridvault_audit::witness::{CosignerKey, Keeper, Reply, WitnessError};
use gridvault_audit::{Log, LogReader};
use tempfile::TempDir;

use crate::support::{Key, ORIGIN, Vault, entries, entry, key, line};

const NOW: u64 = 1_790_000_000;

fn policy() -> Policy {
    Policy::of_log(key().verifier())
}

/// Longest wait for a lock that was let go of.
const LOCK_TIME_MAX: Duration = Duration::from_secs(10);

/// A witness over a directory. What another test starts as a process has a copy of every lock of this one until it is another
/// program, so one that was let go of may be held for a moment.
fn reopened(directory: &Path) -> Result<Keeper, WitnessError> {
    let began = Instant::now();
    loop {
        let cosigner = CosignerKey::from_seed("witness.example/office", &[7; 32]).expect("a key");
        match Keeper::open(directory, cosigner, policy()) {
            Err(WitnessError::Locked) if began.elapsed() < LOCK_TIME_MAX => {
                std::thread::yield_now()
            }
            opened => return opened,
        }
    }
}

fn keeper(directory: &Path) -> Keeper {
    reopened(directory).expect("a witness")
}

/// A policy that asks for this one witness.
fn trusting(keeper: &Keeper) -> Policy {
    let file = format!("log {}\nwitness w {}\nquorum w\n", key().vkey(), keeper.verifier_key());
    Policy::parse(file.as_bytes()).expect("a policy")
}

/// A log that grows, and the request that a client would make.
struct Grown {
    vault: Vault,
    log: Log,
    checkpoints: Vec<String>,
}

impl Grown {
    /// A log with a checkpoint at each of these sizes.
    fn through(sizes: &[u64]) -> Grown {
        let vault = Vault::empty();
        let log = Log::create(&vault.path, ORIGIN).expect("a new log");
        let mut grown = Grown { vault, log, checkpoints: Vec::new() };
        for size in sizes {
            let all = entries(grown.log.size()..*size);
            grown.log.append(grown.log.size(), &all).expect("appended");
            grown.log.publish(&key()).expect("published");
            grown.checkpoints.push(grown.vault.checkpoint());
        }
        grown
    }

    fn request(&self, old: u64, new: u64, checkpoint: &str) -> Vec<u8> {
        let reader = LogReader::open(&self.vault.path, ORIGIN).expect("a reader");
        let proof = reader.consistency_proof(old, new).expect("covered");
        body(old, &proof, checkpoint)
    }
}

fn body(old: u64, proof: &[[u8; 32]], checkpoint: &str) -> Vec<u8> {
    let mut body = format!("old {old}\n");
    for hash in proof {
        body += &(STANDARD.encode(hash) + "\n");
    }
    (body + "\n" + checkpoint).into_bytes()
}

fn status(keeper: &Keeper, body: &[u8]) -> u16 {
    keeper.add_checkpoint(body, NOW).status
}

fn conflict(size: u64) -> Reply {
    Reply { status: 409, content_type: "text/x.tlog.size", body: format!("{size}\n") }
}

#[test]
fn first_checkpoint_and_its_continuations_are_cosigned() {
    let directory = TempDir::new().expect("a directory");
    let keeper = keeper(directory.path());
    let grown = Grown::through(&[0, 5, 300]);
    for (old, new, at) in [(0, 0, 0), (0, 5, 1), (5, 300, 2), (300, 300, 2)] {
        let request = grown.request(old, new, &grown.checkpoints[at]);
        let reply = keeper.add_checkpoint(&request, NOW);
        assert_eq!((reply.status, reply.body.lines().count()), (200, 1), "{old} to {new}");
        let note = grown.checkpoints[at].clone() + &reply.body;
        let view = open_view(note.as_bytes(), &trusting(&keeper), Some(NOW)).expect("cosigned");
        assert_eq!((view.head.size, view.cosignatures[0].time_seconds), (new, NOW));
        assert_eq!(keeper.view(&hex_name(ORIGIN)).body, note, "what monitors see");
    }
}

#[test]
fn malformed_requests_get_400() {
    let directory = TempDir::new().expect("a directory");
    let keeper = keeper(directory.path());
    let grown = Grown::through(&[5]);
    let good = grown.checkpoints[0].as_str();
    let bodies = [
        Vec::new(),
        good.as_bytes().to_vec(),
        body(0, &[], &good.replace("\n5\n", "\n05\n")),
        body(0, &[], good.trim_end()),
        body(0, &[], &good.replace('\u{2014}', "-")),
        body(0, &[[0; 32]; 64], good),
        body(6, &[], good),
        b"old 0\n\n".to_vec(),
    ];
    for body in &bodies {
        assert_eq!(status(&keeper, body), 400, "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(keeper.view(&hex_name(ORIGIN)).status, 404);
}

#[test]
fn signature_that_is_not_by_the_logs_key_gets_403() {
    let directory = TempDir::new().expect("a directory");
    let keeper = keeper(directory.path());
    let text = format!("{ORIGIN}\n5\n{}=\n", "A".repeat(43));
    for note in [
        Key::new(ORIGIN, 2).note(&text),
        format!("{text}\n{}", line(ORIGIN, key().id(), &[1; 64])),
        format!("{}{}", key().note(&text), line(ORIGIN, key().id(), &[1; 64])),
        format!("{text}\n{}", line("witness.example/office", [1; 4], &[1; 72])),
    ] {
        assert_eq!(status(&keeper, &body(0, &[], &note)), 403, "{note}");
    }
}

#[test]
fn unknown_log_gets_404() {
    let directory = TempDir::new().expect("a directory");
    let keeper = keeper(directory.path());
    let text = format!("other.example/log\n5\n{}=\n", "A".repeat(43));
    let note = Key::new("other.example/log", 1).note(&text);
    assert_eq!(status(&keeper, &body(0, &[], &note)), 404);
    assert_eq!(keeper.view(&hex_name("other.example/log")).status, 404);
    assert_eq!(keeper.view("..").status, 404);
}

#[test]
fn another_old_size_gets_409_with_the_witnesses_size() {
    let directory = TempDir::new().expect("a directory");
    let keeper = keeper(directory.path());
    let grown = Grown::through(&[5, 9]);
    let later = grown.request(5, 9, &grown.checkpoints[1]);
    assert_eq!(keeper.add_checkpoint(&later, NOW), conflict(0));
    assert_eq!(status(&keeper, &grown.request(0, 9, &grown.checkpoints[1])), 200);
    assert_eq!(keeper.add_checkpoint(&later, NOW), conflict(9));
    // A smaller tree, however well signed: the log was put back.
    let older = grown.request(0, 5, &grown.checkpoints[0]);
    assert_eq!(keeper.add_checkpoint(&older, NOW), conflict(9));
}

#[test]
fn another_root_of_the_same_size_gets_409() {
    let directory = TempDir::new().expect("a directory");
    let keeper = keeper(directory.path());
    let grown = Grown::through(&[9]);
    assert_eq!(status(&keeper, &grown.request(0, 9, &grown.checkpoints[0])), 200);
    let mut changed = entries(0..9);
    changed[4] = entry(99);
    let other = Vault::of(&changed).checkpoint();
    assert_eq!(keeper.add_checkpoint(&body(9, &[], &other), NOW), conflict(9));
    assert!(keeper.view(&hex_name(ORIGIN)).body.starts_with(&grown.checkpoints[0]));
}

#[test]
fn proof_that_does_not_hold_gets_422() {
    let directory = TempDir::new().expect("a directory");
    let keeper = keeper(directory.path());
    let grown = Grown::through(&[5, 9]);
    let first = &grown.checkpoints[0];
    assert_eq!(status(&keeper, &body(0, &[[0; 32]], first)), 422, "nothing is proven from 0");
    assert_eq!(status(&keeper, &grown.request(0, 5, first)), 200);
    assert_eq!(status(&keeper, &body(5, &[[0; 32]], first)), 422, "nor from the same");
    assert_eq!(status(&keeper, &body(5, &[], &grown.checkpoints[1])), 422);
    let mut changed = entries(0..9);
    changed[1] = entry(99);
    let rewritten = Vault::of(&changed);
    let reader = LogReader::open(&rewritten.path, ORIGIN).expect("a reader");
    let proof = reader.consistency_proof(5, 9).expect("covered");
    assert_eq!(status(&keeper, &body(5, &proof, &rewritten.checkpoint())), 422);
    assert_eq!(status(&keeper, &grown.request(5, 9, &grown.checkpoints[1])), 200);
}

#[test]
fn strangers_lines_and_extensions_do_not_disturb() {
    let directory = TempDir::new().expect("a directory");
    let grown = Grown::through(&[5]);
    let good = &grown.checkpoints[0];
    let strangers: String = (0..15).map(|n| line(ORIGIN, [n; 4], &[1; 64])).collect();
    {
        let keeper = keeper(directory.path());
        let crowded = good.clone() + &strangers;
        let reply = keeper.add_checkpoint(&body(0, &[], &crowded), NOW);
        assert_eq!(reply.status, 200);
        assert_eq!(keeper.view(&hex_name(ORIGIN)).body, good.clone() + &reply.body);
        let text = good.split("\n\n").next().expect("a text").to_owned() + "\nextension\n";
        assert_eq!(status(&keeper, &body(5, &[], &key().note(&text))), 200);
    }
    assert!(keeper(directory.path()).view(&hex_name(ORIGIN)).body.contains("\nextension\n\n"));
}

#[test]
fn what_was_cosigned_is_remembered_after_a_restart() {
    let directory = TempDir::new().expect("a directory");
    let grown = Grown::through(&[5, 9]);
    let first = keeper(directory.path());
    assert_eq!(status(&first, &grown.request(0, 9, &grown.checkpoints[1])), 200);
    let known = first.view(&hex_name(ORIGIN));
    drop(first);
    let second = keeper(directory.path());
    assert_eq!(second.view(&hex_name(ORIGIN)), known);
    assert_eq!(
        second.add_checkpoint(&grown.request(0, 5, &grown.checkpoints[0]), NOW),
        conflict(9)
    );
}

#[test]
fn memory_that_was_changed_stops_the_start() {
    let directory = TempDir::new().expect("a directory");
    let grown = Grown::through(&[5, 9]);
    let first = keeper(directory.path());
    assert_eq!(status(&first, &grown.request(0, 9, &grown.checkpoints[1])), 200);
    drop(first);
    let file = directory.path().join(hex_name(ORIGIN)).join("checkpoint");
    let open = || reopened(directory.path());
    // An older checkpoint of the log, without this witness's word on it.
    for content in [grown.checkpoints[0].as_str(), "nonsense", ""] {
        std::fs::write(&file, content).expect("written");
        assert!(matches!(open(), Err(WitnessError::StateInvalid { .. })), "{content:?}");
    }
    std::fs::remove_file(&file).expect("removed");
    std::os::unix::fs::symlink("/dev/null", &file).expect("linked");
    assert!(matches!(open(), Err(WitnessError::Io(_))));
}

#[test]
fn one_process_works_in_a_directory() {
    let directory = TempDir::new().expect("a directory");
    let first = keeper(directory.path());
    let cosigner = CosignerKey::from_seed("witness.example/office", &[7; 32]).expect("a key");
    let second = Keeper::open(directory.path(), cosigner, policy());
    assert!(matches!(second, Err(WitnessError::Locked)));
    drop(first);
    keeper(directory.path());
}

#[test]
fn disk_that_fails_is_never_answered_with_a_cosignature() {
    let directory = TempDir::new().expect("a directory");
    let keeper = keeper(directory.path());
    let grown = Grown::through(&[5]);
    let request = grown.request(0, 5, &grown.checkpoints[0]);
    let own = directory.path().join(hex_name(ORIGIN));
    std::fs::remove_dir(&own).expect("removed");
    let reply = keeper.add_checkpoint(&request, NOW);
    assert_eq!(reply.status, 500);
    assert!(!reply.body.contains('\u{2014}'));
    assert_eq!(keeper.view(&hex_name(ORIGIN)).status, 404);
    // The disk is there again, but what it has is not known any more.
    std::fs::create_dir(&own).expect("made");
    assert_eq!(status(&keeper, &request), 500);
}

#[test]
fn of_many_callers_at_once_one_moves_the_log() {
    let directory = TempDir::new().expect("a directory");
    let keeper = keeper(directory.path());
    let sizes: Vec<u64> = (1..=8).collect();
    let grown = Grown::through(&sizes);
    let requests: Vec<_> = sizes
        .iter()
        .map(|size| grown.request(0, *size, &grown.checkpoints[*size as usize - 1]))
        .collect();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            requests.iter().map(|request| scope.spawn(|| status(&keeper, request))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 409)), "{statuses:?}");
}

/// A witness as a process of its own, which ends with the test.
struct Served {
    process: Child,
    url: String,
    vkey: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _already_gone = self.process.wait();
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_gridvault-audit"))
}

fn served(directory: &Path) -> Served {
    let mut process = program()
        .args(["witness", "serve", "--listen", "127.0.0.1:0", "--vkey", &key().vkey(), "--dir"])
        .arg(directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
    let mut next = || lines.next().expect("a line").expect("text");
    let vkey = next().trim_start_matches("witness ").to_owned();
    let url = next().trim_start_matches("serving on ").to_owned();
    Served { process, url, vkey }
}

fn init(directory: &Path) -> String {
    let output = program()
        .args(["witness", "init", "--name", "witness.example/office", "--dir"])
        .arg(directory)
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

#[test]
fn witness_over_http_cosigns_conflicts_and_shows_its_view() {
    let directory = TempDir::new().expect("a directory");
    let dir = directory.path().join("witness");
    let vkey = init(&dir);
    assert!(VerifierKey::parse_cosigner(&vkey).is_ok());
    let again = program().args(["witness", "init", "--name", "a", "--dir"]).arg(&dir).output();
    assert_eq!(again.expect("runs").status.code(), Some(1), "a key is never overwritten");
    let grown = Grown::through(&[5, 9]);
    let client = Client::new(None, None, None).expect("a client");
    let size_nine = {
        let witness = served(&dir);
        assert_eq!(witness.vkey, vkey);
        assert_eq!(client.view(&witness.url, ORIGIN).expect("an answer"), None);
        let add = |old, proof: &[_], note: &str| {
            client.add_checkpoint(&witness.url, old, proof, note).expect("an answer")
        };
        assert!(matches!(add(0, &[], &grown.checkpoints[0]), Submitted::Cosigned(_)));
        assert_eq!(add(0, &[], &grown.checkpoints[1]), Submitted::Conflict(5));
        let reader = LogReader::open(&grown.vault.path, ORIGIN).expect("a reader");
        let proof = reader.consistency_proof(5, 9).expect("covered");
        assert_eq!(add(5, &proof[1..], &grown.checkpoints[1]), Submitted::ProofWrong);
        let Submitted::Cosigned(lines) = add(5, &proof, &grown.checkpoints[1]) else {
            panic!("cosigned")
        };
        assert_eq!(add(9, &[], "nonsense"), Submitted::Malformed);
        grown.checkpoints[1].clone() + &lines
    };
    // Killed and started again, it shows what it last cosigned.
    let witness = served(&dir);
    let view = client.view(&witness.url, ORIGIN).expect("an answer").expect("known");
    assert_eq!(String::from_utf8(view).expect("text"), size_nine);
}

/// Sends raw bytes and gives what comes back until the peer closes or is silent for long.
fn raw(url: &str, bytes: &[u8]) -> String {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
    let _may_be_cut_off = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _may_be_cut_off = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn witness_takes_two_calls_and_bounded_bodies_alone() {
    let directory = TempDir::new().expect("a directory");
    let dir = directory.path().join("witness");
    init(&dir);
    let witness = served(&dir);
    let ask = |head: &str| {
        raw(&witness.url, format!("{head}\r\nhost: w\r\nconnection: close\r\n\r\n").as_bytes())
    };
    assert!(ask("GET /add-checkpoint HTTP/1.1").starts_with("HTTP/1.1 405"));
    assert!(ask("GET / HTTP/1.1").starts_with("HTTP/1.1 404"));
    assert!(ask("GET /../key HTTP/1.1").starts_with("HTTP/1.1 404"));
    assert!(ask("GET /checkpoint HTTP/1.1").starts_with("HTTP/1.1 404"));
    let hashed = hex_name(ORIGIN);
    assert!(ask(&format!("POST /{hashed}/checkpoint HTTP/1.1")).starts_with("HTTP/1.1 405"));
    assert!(ask(&format!("GET /{hashed}/checkpoint HTTP/1.1")).starts_with("HTTP/1.1 404"));
    let post = |length: usize, body: &[u8]| {
        let head = format!(
            "POST /add-checkpoint HTTP/1.1\r\nhost: w\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        raw(&witness.url, &[head.as_bytes(), body].concat())
    };
    assert!(post(3, b"old").starts_with("HTTP/1.1 400"));
    let most = 32 + 63 * 45 + 128 * 1024;
    assert!(post(most, &vec![b'a'; most]).starts_with("HTTP/1.1 400"));
    let more = post(most + 1, &vec![b'a'; most + 1]);
    assert!(more.starts_with("HTTP/1.1 413") || more.is_empty(), "{more}");
}
