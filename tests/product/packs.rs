//! Evidence packs as an auditor holds them: judged with the log's key alone, by the log crate's own code and by common tools.
//! Never believes the vault: what was changed, added, taken away or swapped must be found.
//! One pack is made and damaged in many ways.

use super::bodies::REGISTRATION;
use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, await_until, program};
use super::program::run;
use gridvault_audit::pack::{PackError, verify_pack};
use gridvault_audit::verify::VerifierKey;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const PACKS: &str = "/v1/audit/evidence-packs";
const BLOCK: usize = 512;

fn key(demo: &Demo) -> VerifierKey {
    VerifierKey::parse(demo.log_key()).expect("the key of the page")
}

/// A pack of what the first worker did, after some reads of it can be found.
pub fn made(demo: &Demo) -> (Vec<u8>, Reply, u64) {
    let worker = demo.worker(1);
    let reads = (0..5).map(|_| worker.read(demo.sample_record(), "name", REGISTRATION).expect(200));
    let last = reads.map(|reply| reply.index()).max().expect("five");
    let auditor = demo.role("compliance_auditor");
    let question = format!("/v1/audit/entries?actor={}", worker.id);
    await_until("the reads are indexed", || {
        auditor.get(&question).expect(200).body["indexed"].as_u64() > Some(last)
    });
    let reply = auditor.post(PACKS, &json!({"actor": worker.id, "event": "data.read"})).expect(200);
    (reply.text.clone().into_bytes(), reply, last)
}

/// The files of a pack: name, and where header and content begin.
fn files(pack: &[u8]) -> Vec<(String, usize, usize)> {
    let (mut files, mut at) = (Vec::new(), 0);
    while pack[at] != 0 {
        let text = |from: usize, to: usize| {
            let field = &pack[at + from..at + to];
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
            String::from_utf8(field[..end].to_vec()).expect("text")
        };
        let length = usize::from_str_radix(&text(124, 136), 8).expect("a length");
        files.push((text(0, 100), at, length));
        at += BLOCK + length.next_multiple_of(BLOCK);
    }
    files
}

fn find(pack: &[u8], ending: &str) -> (String, usize, usize) {
    files(pack).into_iter().find(|file| file.0.ends_with(ending)).expect("a file of the pack")
}

#[test]
fn a_pack_holds_with_the_key_alone_and_any_change_of_it_is_found() {
    let demo = Demo::own();
    let (pack, reply, last) = made(&demo);
    let summary = verify_pack(&pack[..], &key(&demo)).expect("it holds");
    assert_eq!(summary.sealed_at, reply.index());
    assert!(summary.entries > 5, "five reads and the policy that they cite: {summary:?}");
    let seal = demo.entry(reply.index());
    assert_eq!(happened(&seal), "audit.export success");
    assert_eq!(
        (&seal["pur"], seal["x"]["manifest"].is_string()),
        (&json!("access_oversight"), true)
    );
    let (name, ..) = find(&pack, &format!("{last:020}.json"));
    assert_eq!(name, format!("entries/{last:020}.json"));
    for file in
        ["README.html", "pack.json", "key.txt", "checkpoint", "SHA256SUMS", "seal/entry.tlog-proof"]
    {
        find(&pack, file);
    }
    let refused = |pack: &[u8]| verify_pack(pack, &key(&demo)).expect_err("a changed pack");
    // Every bit of some bytes everywhere: headers, contents, what fills blocks.
    for place in (0..pack.len() - 2 * BLOCK).step_by(97) {
        let mut bad = pack.clone();
        bad[place] ^= 1 << (place % 8);
        refused(&bad);
    }
    let without = |file: &(String, usize, usize)| {
        let end = file.1 + BLOCK + file.2.next_multiple_of(BLOCK);
        [&pack[..file.1], &pack[end..]].concat()
    };
    for ending in [
        "pack.json",
        &format!("{last:020}.json"),
        &format!("{last:020}.tlog-proof"),
        "SHA256SUMS",
        "seal/entry.json",
    ] {
        let error = refused(&without(&find(&pack, ending)));
        assert!(
            matches!(error, PackError::Changed { .. } | PackError::Malformed(_)),
            "{ending}: {error}"
        );
    }
    let readme = find(&pack, "README.html");
    let whole = &pack[readme.1..readme.1 + BLOCK + readme.2.next_multiple_of(BLOCK)];
    let twice = refused(&[whole, &pack[..]].concat());
    assert!(matches!(twice, PackError::Changed { .. }), "{twice}");
    for cut in [0, 1, BLOCK, pack.len() / 2, pack.len() - BLOCK] {
        refused(&pack[..cut]);
    }
    refused(&[&pack[..], b"more"].concat());
    let other = gridvault_audit::verifier_key(demo.origin(), &[7; 32]);
    let other = VerifierKey::parse(&other).expect("a key");
    assert!(matches!(verify_pack(&pack[..], &other), Err(PackError::Unproven { .. })));
}

#[test]
fn common_tools_open_a_pack_and_agree() {
    let demo = Demo::own();
    let (pack, ..) = made(&demo);
    let room = tempfile::tempdir().expect("a temporary directory");
    let file = room.path().join("pack.tar");
    std::fs::write(&file, &pack).expect("a file");
    let ran = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(room.path()).output();
        let output = output.unwrap_or_else(|error| panic!("{program} runs: {error}"));
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    };
    ran("tar", &["-xf", "pack.tar"]);
    ran("sha256sum", &["--check", "--strict", "SHA256SUMS"]);
    let told: Value =
        serde_json::from_slice(&std::fs::read(room.path().join("pack.json")).expect("a file"))
            .expect("JSON");
    assert_eq!(told["asked"]["event"], "data.read");
    assert_eq!(told["origin"], demo.origin());
    let page = std::fs::read_to_string(room.path().join("README.html")).expect("a page");
    for part in ["能证明什么", "What it does not prove", demo.origin()] {
        assert!(page.contains(part), "{part}");
    }
    let auditors = Path::new(program()).with_file_name("gridvault-audit");
    // `cargo test` builds it; whoever runs these tests alone does so first.
    assert!(auditors.exists(), "it is built by: cargo build --package gridvault-audit");
    let auditors = auditors.to_str().expect("a plain path");
    ran(auditors, &["pack", "pack.tar", "--vkey", demo.log_key()]);
}

#[test]
fn a_pack_asks_for_something_and_the_command_line_writes_it_once() {
    let demo = Demo::own();
    let auditor = demo.role("compliance_auditor");
    for wrong in [
        json!({}),
        json!({"actor": "x"}),
        json!({"name": "x"}),
        json!({"day": "2026-01-02", "since": "2026-01-02T00:00:00Z"}),
    ] {
        auditor.post(PACKS, &wrong).refused(400, "schema_invalid");
    }
    let never = "01921234-5678-7fff-bfff-ffffffffffff";
    auditor.post(PACKS, &json!({"record": never})).refused(404, "not_found");
    demo.role("audit_admin").post(PACKS, &json!({"outcome": "denied"})).refused(403, "denied");
    made(&demo);
    let (token, out) =
        (demo.directory().with_file_name("token"), demo.directory().with_file_name("pack.tar"));
    std::fs::write(&token, auditor.token).expect("a file");
    let (token, text) = (token.to_str().expect("plain"), out.to_str().expect("plain"));
    let command = [
        "audit",
        "pack",
        "--out",
        text,
        "--actor",
        &demo.worker(1).id,
        "--url",
        demo.url(),
        "--token-file",
        token,
    ];
    let first = run(&command);
    assert_eq!(first.status, Some(0), "{}", first.err);
    let pack = std::fs::read(&out).expect("the pack");
    verify_pack(&pack[..], &key(&demo)).expect("it holds");
    assert_eq!(run(&command).status, Some(1), "never over a file that is there");
    assert_eq!(std::fs::read(&out).expect("the pack"), pack);
}
