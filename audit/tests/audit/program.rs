//! The auditor's program from outside: exit status and what it prints.

use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gridvault_audit::verify::hex_name;
use gridvault_audit::{Log, LogReader, NoteSigner as _, keep_witnessed, leaf_hash};
use serde_json::Value;

use crate::server::Server;
use crate::support::{Key, ORIGIN, Vault, Witness, entries, entry, key};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gridvault-audit"))
        .args(arguments)
        .output()
        .expect("the program runs")
}

fn status(arguments: &[&str]) -> Option<i32> {
    run(arguments).status.code()
}

fn verify(vault: &Vault, more: &[&str]) -> Output {
    let path = vault.path.to_str().expect("a plain path");
    run(&[&["verify", path, "--vkey", &key().vkey()], more].concat())
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one line of JSON")
}

#[test]
fn log_that_holds_exits_with_0() {
    let vault = Vault::with(300);
    let output = verify(&vault, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"ok: vault.example/log has 300 entries, all of them verified\n");
    let report = json(&verify(&vault, &["--json"]));
    assert_eq!((report["result"].as_str(), report["size"].as_u64()), (Some("ok"), Some(300)));
    assert_eq!(report["beyond_checkpoint"], false);
    assert_eq!(report["erasures"], 0);
}

#[test]
fn changed_log_exits_with_3_and_names_the_place() {
    let vault = Vault::with(300);
    vault.change_entries("tile/entries/000", |entries| entries[42] = entry(43));
    let output = verify(&vault, &[]);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        text.starts_with("tampering: entry_changed at entry 42 in vault.example/log"),
        "{text}"
    );
    let output = verify(&vault, &["--json"]);
    assert_eq!(output.status.code(), Some(3));
    let report = json(&output);
    assert_eq!(
        (report["class"].as_str(), report["index"].as_u64()),
        (Some("entry_changed"), Some(42))
    );
}

#[test]
fn wrong_usage_exits_with_2() {
    let vault = Vault::with(3);
    let path = vault.path.to_str().expect("a plain path");
    assert_eq!(status(&[]), Some(2));
    assert_eq!(status(&["verify", path]), Some(2), "no key");
    assert_eq!(status(&["verify", path, "--vkey", "nonsense"]), Some(2));
    assert_eq!(status(&["verify", "--vkey", &key().vkey()]), Some(2), "no directory");
    assert_eq!(
        status(&["proof", path, "--vkey", &key().vkey()]),
        Some(2),
        "neither entry nor leaf"
    );
    assert_eq!(status(&["proof", path, "--vkey", &key().vkey(), "--leaf", "00"]), Some(2));
    let upwards = format!("{path}/../log");
    assert_eq!(status(&["verify", &upwards, "--vkey", &key().vkey()]), Some(2));
}

#[test]
fn log_that_cannot_be_reached_exits_with_1() {
    let vault = Vault::with(3);
    vault.remove("checkpoint");
    assert_eq!(verify(&vault, &[]).status.code(), Some(1));
    let none = Vault::empty();
    let output = verify(&none, &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&output)["result"], "not_judged");
}

#[test]
fn another_key_exits_with_3() {
    let vault = Vault::with(3);
    let path = vault.path.to_str().expect("a plain path");
    assert_eq!(status(&["verify", path, "--vkey", &Key::new(ORIGIN, 2).vkey()]), Some(3));
}

#[test]
fn earlier_checkpoint_is_taken_from_a_file() {
    let vault = Vault::with(300);
    let saved = Vault::with(400);
    let file = saved.file("checkpoint");
    let file = file.to_str().expect("a plain path");
    let output = verify(&vault, &["--earlier", file, "--json"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(json(&output)["class"], "checkpoint_stale");
    assert_eq!(verify(&saved, &["--earlier", file]).status.code(), Some(0));
    saved.write("nonsense", b"nonsense");
    let nonsense = saved.file("nonsense");
    let output = verify(&saved, &["--earlier", nonsense.to_str().expect("a plain path")]);
    assert_eq!(output.status.code(), Some(1), "the auditor's own file is not the log's tampering");
}

#[test]
fn proof_is_checked_with_an_entry_or_a_leaf() {
    let vault = Vault::with(300);
    let reader = LogReader::open(&vault.path, ORIGIN).expect("a reader");
    vault.write("p.tlog-proof", reader.proof_file(77).expect("covered"));
    vault.write("entry", entry(77));
    vault.write("other", entry(78));
    let path = |name: &str| vault.file(name).to_str().expect("a plain path").to_owned();
    let check = |kind: &str, value: &str| {
        status(&["proof", &path("p.tlog-proof"), "--vkey", &key().vkey(), kind, value])
    };
    let leaf: String = leaf_hash(&entry(77)).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(check("--entry", &path("entry")), Some(0));
    assert_eq!(check("--leaf", &leaf), Some(0));
    assert_eq!(check("--entry", &path("other")), Some(3));
    assert_eq!(check("--entry", &path("none")), Some(1));
    assert_eq!(check("--leaf", &leaf.replace(&leaf[..1], "g")), Some(2));
    // As a receipt of the vault has it; 32 bytes are 43 characters, of which the last has two bits that are none of theirs.
    let receipt = URL_SAFE_NO_PAD.encode(leaf_hash(&entry(77)));
    assert_eq!((receipt.len(), check("--leaf", &receipt)), (43, Some(0)));
    assert_eq!(check("--leaf", &URL_SAFE_NO_PAD.encode(leaf_hash(&entry(78)))), Some(3));
    for wrong in [&receipt[..42], &format!("{receipt}A"), &format!("{}+", &receipt[..42])] {
        assert_eq!(check("--leaf", wrong), Some(2), "{wrong}");
    }
    // One in 64 begins like an option.
    assert_eq!(check("--leaf", &format!("-{}", &"A".repeat(42))), Some(3));
}

/// A log whose 200 first of 300 entries one witness cosigned, and the file of the policy that asks for it.
fn witnessed(url: &str) -> (Vault, String) {
    let vault = Vault::with(200);
    let witness = Witness::new("witness.example/w1", 7);
    let text = vault.checkpoint().split("\n\n").next().expect("a text").to_owned() + "\n";
    let note = vault.checkpoint() + &witness.line(&text, 1_790_000_000);
    keep_witnessed(&vault.path, ORIGIN, &note).expect("kept");
    let mut log = Log::open(&vault.path, ORIGIN, &key().public_key()).expect("opened");
    log.append(200, &entries(200..300)).expect("appended");
    log.publish(&key()).expect("published");
    let policy = format!("log {}\nwitness w1 {} {url}\nquorum w1\n", key().vkey(), witness.vkey());
    let path = vault.path.with_extension("policy");
    std::fs::write(&path, policy).expect("written");
    (vault, path.to_str().expect("a plain path").to_owned())
}

#[test]
fn policy_from_outside_asks_for_its_witnesses() {
    let (vault, policy) = witnessed("");
    let path = vault.path.to_str().expect("a plain path");
    let output = run(&["verify", path, "--policy", &policy]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.ends_with("all of them verified; a quorum cosigned 200 of them\n"), "{text}");
    let report = json(&run(&["verify", path, "--policy", &policy, "--json"]));
    assert_eq!(
        (report["size"].as_u64(), report["witnessed_size"].as_u64()),
        (Some(300), Some(200))
    );
    assert_eq!(report["cosignatures"][0]["witness"], "w1");
    let old = run(&["verify", path, "--policy", &policy, "--cosignature-age-max", "60", "--json"]);
    assert_eq!(
        (old.status.code(), json(&old)["class"].as_str()),
        (Some(3), Some("quorum_missing"))
    );
    vault.remove("witnessed");
    let output = run(&["verify", path, "--policy", &policy, "--json"]);
    assert_eq!(
        (output.status.code(), json(&output)["class"].as_str()),
        (Some(3), Some("quorum_missing"))
    );
}

#[test]
fn policy_that_cannot_be_used_is_wrong_usage() {
    let (vault, policy) = witnessed("");
    let path = vault.path.to_str().expect("a plain path");
    let status_with = |content: &str| {
        std::fs::write(&policy, content).expect("written");
        status(&["verify", path, "--policy", &policy])
    };
    assert_eq!(status_with("quorum nobody\n"), Some(2));
    assert_eq!(status_with("quorum none\n"), Some(2), "no log");
    assert_eq!(status_with(&format!("log {}\nquorum none\n", key().vkey())), Some(0));
    assert_eq!(status(&["verify", path, "--policy", "nowhere"]), Some(2));
    assert_eq!(
        status(&["verify", path, "--policy", &policy, "--vkey", &key().vkey()]),
        Some(2),
        "one or the other"
    );
}

#[test]
fn views_of_witnesses_are_taken_from_files() {
    let (vault, policy) = witnessed("");
    let path = vault.path.to_str().expect("a plain path");
    let view = vault.file("witnessed");
    let view = view.to_str().expect("a plain path");
    assert_eq!(status(&["verify", path, "--policy", &policy, "--view", view]), Some(0));
    let bare = vault.file("checkpoint");
    let bare = bare.to_str().expect("a plain path");
    let refused = run(&["verify", path, "--policy", &policy, "--view", bare, "--json"]);
    assert_eq!(refused.status.code(), Some(1), "no witness cosigned it: nothing is judged by it");
}

#[test]
fn proof_is_made_checked_and_not_written_over() {
    let (vault, policy) = witnessed("");
    let path = vault.path.to_str().expect("a plain path");
    let out = vault.path.with_extension("tlog-proof");
    let out = out.to_str().expect("a plain path");
    let make = |index: &str, out: &str| {
        run(&["proof", "make", path, "--policy", &policy, "--index", index, "--out", out])
    };
    let output = make("42", out);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    vault.write("entry", entry(42));
    let bytes = vault.file("entry");
    let bytes = bytes.to_str().expect("a plain path");
    for word in [&["proof", "check"][..], &["proof"]] {
        let rest = [out, "--policy", &policy, "--entry", bytes];
        assert_eq!(status(&[word, &rest].concat()), Some(0));
    }
    assert_eq!(make("42", out).status.code(), Some(1), "never over a file that is there");
    let other = vault.path.with_extension("2");
    let other = other.to_str().expect("a plain path");
    assert_eq!(make("300", other).status.code(), Some(1), "no such entry");
    assert_eq!(make("250", other).status.code(), Some(3), "not cosigned yet");
    assert!(!std::path::Path::new(other).exists());
}

#[test]
fn store_is_held_against_the_log_by_its_list() {
    let vault = Vault::with(300);
    let path = vault.path.to_str().expect("a plain path");
    let list = |text: &str| {
        let file = vault.path.with_extension("digests");
        std::fs::write(&file, text).expect("written");
        let file = file.to_str().expect("a plain path").to_owned();
        verify(&vault, &["--store-digests", &file, "--json"])
    };
    let head = format!("gridvault-digests v1\nlog {ORIGIN}\n");
    let empty = list(&format!("{head}size 300\nrecords 0\n"));
    assert_eq!((empty.status.code(), json(&empty)["records"].as_u64()), (Some(0), Some(0)));
    let row = format!("{} 1 {}\n", "A".repeat(22), "A".repeat(43));
    let unknown = list(&format!("{head}size 300\nrecords 1\n{row}"));
    assert_eq!(
        (unknown.status.code(), json(&unknown)["class"].as_str()),
        (Some(3), Some("record_unknown"))
    );
    assert_eq!(list(&format!("{head}size 301\nrecords 0\n")).status.code(), Some(1));
    let other = "gridvault-digests v1\nlog other.example/log\nsize 3\nrecords 0\n";
    assert_eq!(list(other).status.code(), Some(1));
    assert_eq!(
        status(&["verify", path, "--vkey", &key().vkey(), "--store-digests", "no"]),
        Some(1)
    );
}

#[test]
fn log_is_verified_over_http_with_a_token() {
    let (vault, policy) = witnessed("");
    let server = Server::start(&vault.path, Some("auditors-token"));
    let token = vault.path.with_extension("token");
    std::fs::write(&token, "auditors-token\n").expect("written");
    let token = token.to_str().expect("a plain path");
    let output = run(&["verify", &server.url, "--policy", &policy, "--token-file", token]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let without = run(&["verify", &server.url, "--policy", &policy]);
    assert_eq!(without.status.code(), Some(1), "bundles are for auditors");
    vault.change_entries("tile/entries/000", |entries| entries[42] = entry(43));
    let output =
        run(&["verify", &server.url, "--policy", &policy, "--token-file", token, "--json"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        (json(&output)["class"].as_str(), json(&output)["index"].as_u64()),
        (Some("entry_changed"), Some(42))
    );
    let nobody = run(&["verify", "http://127.0.0.1:9", "--policy", &policy]);
    assert_eq!(nobody.status.code(), Some(1));
    let tls = run(&["verify", "https://127.0.0.1:9", "--policy", &policy]);
    assert_eq!(tls.status.code(), Some(1), "no authority is trusted unless it is named");
}

#[test]
fn token_is_not_sent_where_others_read_it_on_the_way() {
    let (vault, policy) = witnessed("");
    let server = Server::start(&vault.path, Some("auditors-token"));
    let token = vault.path.with_extension("token");
    std::fs::write(&token, "auditors-token\n").expect("written");
    let token = token.to_str().expect("a plain path");
    // The very same server, by a name: whoever answers for it may be another host.
    let named = server.url.replace("127.0.0.1", "localhost");
    for url in [named.as_str(), "http://vault.example/log"] {
        let output = run(&["verify", url, "--policy", &policy, "--token-file", token]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("the token is not sent"), "{said}");
    }
}

#[test]
fn witness_is_asked_for_its_own_view() {
    let seen = tempfile::TempDir::new().expect("a directory");
    let server = Server::start(seen.path(), None);
    let (vault, policy) = witnessed(&server.url);
    let path = vault.path.to_str().expect("a plain path");
    let ask = || run(&["verify", path, "--policy", &policy, "--ask-witnesses", "--json"]);
    let silent = ask();
    assert_eq!(silent.status.code(), Some(1), "a witness that shows nothing makes no quorum");
    let place = seen.path().join(hex_name(ORIGIN));
    std::fs::create_dir(&place).expect("made");
    std::fs::write(place.join("checkpoint"), vault.read("witnessed")).expect("written");
    let agrees = ask();
    assert_eq!((agrees.status.code(), &json(&agrees)["views"][0]), (Some(0), &"w1".into()));
    let mut changed = entries(0..250);
    changed[9] = entry(99);
    let other = Vault::of(&changed).checkpoint();
    let text = other.split("\n\n").next().expect("a text").to_owned() + "\n";
    let line = Witness::new("witness.example/w1", 7).line(&text, 1_790_000_000);
    std::fs::write(place.join("checkpoint"), other + &line).expect("written");
    let differs = ask();
    assert_eq!(
        (differs.status.code(), json(&differs)["class"].as_str()),
        (Some(3), Some("view_differs"))
    );
}
