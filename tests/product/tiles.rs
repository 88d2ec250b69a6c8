//! The log's files over HTTP: what witnesses and auditors fetch, and what nobody gets.
//! Never compares a vault with itself alone: the verifier of the log's own crate fetches and judges over the socket.
//! A name that is not written as c2sp.org/tlog-tiles writes it leads to nothing.

use super::client::Reply;
use super::entries::happened;
use super::harness::{Demo, shared};
use super::wire::send_from;
use gridvault_audit::fetch::Client;
use gridvault_audit::verify::{
    Class, Expectations, Policy, Summary, VerifierKey, VerifyError, verify_log,
};
use serde_json::json;
use std::io::ErrorKind;
use std::net::Ipv4Addr;

fn verified(demo: &Demo, token: Option<String>) -> Result<Summary, VerifyError> {
    let client = Client::new(token.map(Into::into), None, None).expect("a client");
    let key = VerifierKey::parse(demo.log_key()).expect("the key of the page");
    let log = client.log(&format!("{}/log", demo.url())).expect("an address of this host");
    verify_log(log, &Policy::of_log(key), &Expectations::default(), &mut ())
}

/// Entries that the shown checkpoint covers.
fn size(demo: &Demo) -> u64 {
    let note = demo.get("/log/checkpoint").expect(200).text;
    note.lines().nth(1).and_then(|line| line.parse().ok()).expect("a size")
}

/// A request whose path goes out as it is written here.
fn fetch(demo: &Demo, path: &str, token: Option<&str>) -> Reply {
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    let token = token.unwrap_or_default();
    let head = format!("GET {path} HTTP/1.1\r\nhost: vault\r\n{token}connection: close\r\n\r\n");
    send_from(Ipv4Addr::new(127, 9, 0, 1), demo.url(), head.as_bytes())
}

#[test]
fn running_vault_is_verified_over_http_with_an_auditors_token_and_every_bundle_is_an_entry() {
    let demo = Demo::own();
    let auditor = demo.role("compliance_auditor");
    let before = size(&demo);
    assert!(before > 256, "more than one bundle: {before}");
    let summary = verified(&demo, Some(auditor.token.clone())).expect("the log holds");
    assert!(summary.head.size >= before);
    let after = demo.entries_between(before, auditor.get("/v1/purposes").expect(200).index());
    let readings = after.iter().filter(|entry| {
        happened(entry) == "audit.read success" && entry["who"] == json!(auditor.id)
    });
    assert!(readings.count() as u64 >= summary.head.size.div_ceil(256), "an entry for each bundle");
    for (who, token) in [("nobody", None), ("a worker", Some(demo.worker(1).token))] {
        match verified(&demo, token) {
            Err(VerifyError::Unreadable(error)) => {
                assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{who}: {error}");
            }
            other => panic!("{who}: {other:?}"),
        }
    }
}

#[test]
fn changed_byte_of_an_entry_is_found_over_http_with_its_index() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    let bundle = demo.log_directory().join("tile/entries/000");
    let mut bytes = std::fs::read(&bundle).expect("a full bundle");
    bytes[40] ^= 1;
    std::fs::write(&bundle, bytes).expect("written");
    demo.start_again();
    let error = verified(&demo, Some(demo.role("audit_admin").token)).expect_err("a changed entry");
    let VerifyError::Tampered(finding) = error else { panic!("not judged: {error}") };
    assert_eq!((finding.class, finding.index), (Class::EntryChanged, Some(0)));
}

#[test]
fn hashes_are_open_to_everybody_with_their_type_and_how_long_they_may_be_kept() {
    let demo = shared();
    let full = demo.get("/log/tile/0/000").expect(200);
    assert_eq!(full.header("content-type"), "application/octet-stream");
    assert_eq!(full.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(full.header("x-content-type-options"), "nosniff");
    let file = std::fs::read(demo.log_directory().join("tile/0/000")).expect("a full tile");
    assert_eq!((full.bytes.len(), &full.bytes), (8_192, &file));
    let partial = demo.get("/log/tile/1/000.p/1").expect(200);
    assert_eq!(partial.header("content-type"), "application/octet-stream");
    assert_eq!(partial.header("cache-control"), "public, max-age=60");
    assert_eq!(partial.bytes.len(), 32);
    let missing = demo.get("/log/tile/0/999").refused(404, "not_found");
    assert_eq!(missing.header("cache-control"), "no-store");
    assert!(missing.body["audit_index"].is_null(), "an open call leaves no entry");
}

#[test]
fn every_width_up_to_the_shown_size_is_there_and_no_wider_one() {
    let demo = shared();
    let auditor = demo.role("compliance_auditor");
    let whole = demo.get("/log/tile/0/000").expect(200).bytes;
    let entries = auditor.get("/log/tile/entries/000").expect(200).bytes;
    for width in [1, 2, 128, 255] {
        let tile = demo.get(&format!("/log/tile/0/000.p/{width}")).expect(200).bytes;
        assert_eq!(tile, whole[..width * 32], "the beginning of the full tile");
        let bundle = auditor.get(&format!("/log/tile/entries/000.p/{width}")).expect(200).bytes;
        assert!(bundle.len() < entries.len() && entries.starts_with(&bundle), "{width}");
    }
    let covered = size(demo);
    let (number, width) = (covered / 256, covered % 256);
    if width > 0 {
        demo.get(&format!("/log/tile/0/{number:03}.p/{width}")).expect(200);
    }
    // Others grow the log meanwhile, but not by so much.
    let beyond = number + 40;
    for path in [format!("0/{beyond:03}"), format!("0/{beyond:03}.p/1"), "2/000.p/1".to_owned()] {
        demo.get(&format!("/log/tile/{path}")).refused(404, "not_found");
    }
    auditor.get(&format!("/log/tile/entries/{beyond:03}.p/1")).refused(404, "not_found");
}

#[test]
fn bundles_are_for_auditors_alone_and_are_kept_by_nobody_on_the_way() {
    let demo = shared();
    let path = "/log/tile/entries/000";
    fetch(demo, path, None).refused(401, "token_invalid");
    for role in ["grid_worker", "system_admin", "security_admin", "statistician"] {
        demo.role(role).get(path).refused(403, "denied");
    }
    for role in ["compliance_auditor", "audit_admin"] {
        let auditor = demo.role(role);
        let reply = auditor.get(path).expect(200);
        assert_eq!(reply.header("content-type"), "application/octet-stream");
        assert_eq!(reply.header("cache-control"), "no-store");
        let entry = demo.entry_of(&reply);
        assert_eq!(
            (happened(&entry).as_str(), &entry["who"]),
            ("audit.read success", &json!(auditor.id))
        );
        assert_eq!(entry["pur"], "access_oversight");
        let missing = auditor.get("/log/tile/entries/999").refused(404, "not_found");
        let entry = demo.entry_of(&missing);
        assert_eq!(
            (happened(&entry).as_str(), &entry["who"]),
            ("access.denied denied", &json!(auditor.id))
        );
    }
}

#[test]
fn what_is_not_written_as_the_specification_writes_it_is_nothing() {
    let demo = shared();
    let auditor = demo.role("compliance_auditor");
    for level in ["00", "64", "+0", "-1", "0%30", "\u{ff10}"] {
        fetch(demo, &format!("/log/tile/{level}/000"), None).refused(404, "not_found");
    }
    for number in [
        "0",
        "0000",
        "+00",
        "x000",
        "x000/000",
        "X001/000",
        "000/000",
        "000/",
        "000?x=1",
        "000?",
        "000.p",
        "000.p/",
        "000.p/0",
        "000.p/01",
        "000.p/256",
        "000.p/1/",
        "000.tmp",
        "%30%30%30",
        "x001%2f000",
        "..%2f..%2fcheckpoint",
        "../../lock",
        "../../../config",
        "x018/x446/x744/x073/x709/x551/615",
        "x018/x446/x744/x073/x709/x551/616",
        "x999/x999/x999/x999/x999/x999/x999/999",
        "\u{ff10}00",
    ] {
        fetch(demo, &format!("/log/tile/0/{number}"), None).refused(404, "not_found");
        fetch(demo, &format!("/log/tile/63/{number}"), None).refused(404, "not_found");
        let path = format!("/log/tile/entries/{number}");
        fetch(demo, &path, Some(&auditor.token)).refused(404, "not_found");
    }
    for path in ["/log", "/log/", "/log/lock", "/log/witnessed", "/log/tile", "/log/tile/0"] {
        fetch(demo, path, Some(&auditor.token)).refused(404, "not_found");
    }
}

#[test]
fn link_in_the_place_of_a_file_is_not_followed() {
    let demo = Demo::own();
    let path = demo.log_directory().join("tile/0/000");
    std::fs::rename(&path, path.with_extension("kept")).expect("moved");
    std::os::unix::fs::symlink(demo.directory().join("config"), &path).expect("linked");
    demo.get("/log/tile/0/000").refused(500, "internal");
    std::fs::remove_file(&path).expect("removed");
    std::fs::rename(path.with_extension("kept"), &path).expect("put back");
    demo.get("/log/tile/0/000").expect(200);
}
