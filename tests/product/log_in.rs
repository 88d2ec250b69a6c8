//! How somebody comes to the next token: by a key of its own, without an administrator; and what happens when the key is lost.
//! Never a proof twice, and never an administrator's code from another administrator.
//! The vault that nobody can log into any more has its ceremony at the host.

use super::enrolment::{add, post_from};
use super::entries::happened;
use super::harness::{Demo, await_until, shared};
use super::program::{Served, run, run_with};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::LogReader;
use gridvault_keys::LogInKey;
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::path::Path;

const GRID: &str = "8801020010010003";

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// What somebody signs at a second.
fn proof(key: &LogInKey, actor: &str, origin: &str, seconds: i64) -> String {
    let claims = json!({
        "iss": actor, "sub": actor, "aud": origin, "iat": seconds, "exp": seconds + 30,
    });
    let signed = format!(
        "{}.{}",
        encoded(r#"{"alg":"EdDSA","typ":"login+jwt"}"#),
        encoded(claims.to_string())
    );
    format!("{signed}.{}", encoded(key.sign(signed.as_bytes())))
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Enrols by a code and a key, and gives the actor's id.
fn enrol(demo: &Demo, code: &str, key: &LogInKey) -> String {
    let body = json!({"code": code, "log_in_key": encoded(key.public_key())});
    let enrolled = demo.call("POST", "/v1/enrol").json(&body).send().expect(201);
    assert!(!demo.entry_of(&enrolled).to_string().contains(&encoded(key.public_key())));
    enrolled.text_of("actor").to_owned()
}

/// A stranger's try, from an address of its own.
fn refused_from(source: Ipv4Addr, demo: &Demo, path: &str, body: &Value) -> super::client::Reply {
    post_from(source, demo, path, &body.to_string())
}

#[test]
fn whoever_enrolled_with_a_key_gets_its_tokens_by_it_and_an_entry_for_each() {
    let demo = shared();
    let source = Ipv4Addr::new(127, 7, 1, 1);
    let key = LogInKey::draw().expect("a key");
    let added = add(demo, json!([{"role": "grid_worker", "area": GRID}])).expect(201);
    let actor = enrol(demo, added.text_of("code"), &key);
    let proof = proof(&key, &actor, demo.origin(), now());
    let body = json!({"proof": proof, "life_seconds": 600});
    let reply = demo.call("POST", "/v1/log-in").json(&body).send().expect(201);
    assert_eq!(reply.text_of("actor"), actor);
    let entry = demo.entry_of(&reply);
    assert_eq!((happened(&entry), &entry["who"]), ("auth.login success".into(), &json!(actor)));
    let token = reply.text_of("token");
    demo.call("GET", "/v1/purposes").token(token).send().expect(200);

    let again = refused_from(source, demo, "/v1/log-in", &body).refused(401, "token_invalid");
    let entry = demo.entry(again.index());
    assert_eq!((happened(&entry), &entry["who"]), ("auth.failed denied".into(), &Value::Null));
    let longer = json!({"proof": "A.A.A", "life_seconds": 12 * 3_600 + 1});
    refused_from(source, demo, "/v1/log-in", &longer).refused(400, "schema_invalid");
    for wrong in [json!({}), json!({"proof": 7}), json!({"proof": "A.A.A", "more": 1})] {
        refused_from(source, demo, "/v1/log-in", &wrong).refused(400, "schema_invalid");
    }
}

#[test]
fn a_key_that_is_none_uses_no_code_up() {
    let demo = shared();
    let source = Ipv4Addr::new(127, 7, 2, 1);
    let added = add(demo, json!([{"role": "grid_worker", "area": GRID}])).expect(201);
    let code = added.text_of("code");
    for wrong in [encoded([0; 32]), encoded([7; 31]), "not base64url".to_owned()] {
        let body = json!({"code": code, "log_in_key": wrong});
        refused_from(source, demo, "/v1/enrol", &body).refused(400, "schema_invalid");
    }
    enrol(demo, code, &LogInKey::draw().expect("a key"));
}

#[test]
fn a_new_code_for_a_lost_key_takes_the_key_away_and_no_administrator_gives_another_one() {
    let demo = shared();
    let source = Ipv4Addr::new(127, 7, 3, 1);
    let admin = demo.role("security_admin");
    let lost = LogInKey::draw().expect("a key");
    let added = add(demo, json!([{"role": "grid_worker", "area": GRID}])).expect(201);
    let actor = enrol(demo, added.text_of("code"), &lost);
    let path = |actor: &str| format!("/v1/admin/actors/{actor}/codes");
    let given = admin.call("POST", &path(&actor)).send().expect(201);
    let entry = demo.entry_of(&given);
    assert_eq!(happened(&entry), "admin.token_issue success");
    assert_eq!(entry["x"], json!({"actor": actor, "credential": "enrolment_code"}));
    assert!(!entry.to_string().contains(given.text_of("code")));

    let found = LogInKey::draw().expect("a key");
    assert_eq!(enrol(demo, given.text_of("code"), &found), actor);
    let by = |key| json!({"proof": proof(key, &actor, demo.origin(), now())});
    refused_from(source, demo, "/v1/log-in", &by(&lost)).refused(401, "token_invalid");
    demo.call("POST", "/v1/log-in").json(&by(&found)).send().expect(201);

    for whose in ["system_admin", "audit_admin", "security_admin"] {
        let whose = demo.role(whose).id;
        admin.call("POST", &path(&whose)).send().refused(403, "denied");
    }
    let nobody = path("AAAAAAAAAAAAAAAAAAAAAA");
    admin.call("POST", &nobody).send().refused(404, "not_found");
    demo.worker(1).call("POST", &path(&actor)).send().refused(403, "denied");
}

#[test]
fn somebody_suspended_does_not_log_in() {
    let demo = shared();
    let source = Ipv4Addr::new(127, 7, 4, 1);
    let key = LogInKey::draw().expect("a key");
    let added = add(demo, json!([{"role": "grid_worker", "area": GRID}])).expect(201);
    let actor = enrol(demo, added.text_of("code"), &key);
    let state = format!("/v1/admin/actors/{actor}/state");
    demo.role("security_admin").post(&state, &json!({"state": "suspended"})).expect(200);
    let body = json!({"proof": proof(&key, &actor, demo.origin(), now())});
    refused_from(source, demo, "/v1/log-in", &body).refused(401, "token_invalid");
}

/// Ids of the actors that a vault began with.
fn administrators(log: &Path, origin: &str) -> Vec<String> {
    let log = LogReader::open(log, origin).expect("a log");
    let all = log.entries(0, 20).expect("entries");
    let all = all.iter().map(|entry| serde_json::from_slice::<Value>(entry).expect("JSON"));
    let enrolled = all.filter(|entry| entry["ev"] == "admin" && entry["act"] == "enrol");
    enrolled.map(|entry| entry["x"]["actor"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn an_administrator_logs_in_day_after_day_and_one_whose_key_is_lost_gets_a_code_at_the_host() {
    const ORIGIN: &str = "log-in.example/log";
    let room = tempfile::tempdir().expect("a directory");
    let path = |name: &str| room.path().join(name).to_str().expect("a plain path").to_owned();
    std::fs::write(path("passphrase"), "the right passphrase\n").expect("written");
    let (directory, passphrase) = (path("vault"), path("passphrase"));
    let people = ["--system-admin", "sys", "--security-admin", "sec", "--audit-admin", "aud"];
    let fixed = ["--json", "init", "--dir", &directory, "--origin", ORIGIN];
    let unlocked = ["--passphrase-file", passphrase.as_str()];
    let made = run(&[&fixed[..], &people, &unlocked].concat()).ended(0).json();
    let code = made["administrators"][1]["code"].as_str().expect("a code").to_owned();
    let serve = || {
        let fixed = ["serve", "--dir", &directory, "--listen", "127.0.0.1:0"];
        Served::start(&[&fixed[..], &unlocked].concat())
    };

    let served = serve();
    let url = ["--url", served.url()];
    let (key, token) = (path("key"), path("token"));
    let enrol = |code: &str, url: &[&str]| {
        run_with(&[&["enrol", "--key", &key, "--out", &token][..], url].concat(), code)
    };
    // A code that is none leaves a key that the vault was not told of: it is taken the next time.
    assert_eq!(enrol("none", &url).status, Some(1));
    // Where the token has no place, nobody is asked for the code that it would use up.
    std::fs::write(&token, "another's").expect("written");
    let fixed = ["enrol", "--key", &key, "--out", &token];
    let refused = run(&[&fixed[..], &url].concat()).ended(1);
    assert!(refused.err.contains("the token file"), "{}", refused.err);
    assert_eq!(std::fs::read_to_string(&token).expect("a file"), "another's");
    std::fs::remove_file(&token).expect("removed");
    enrol(&code, &url).ended(0);
    let list = |url: &[&str]| run(&[&["actor", "list", "--token-file", &token][..], url].concat());
    let log_in =
        |url: &[&str]| run(&[&["log-in", "--key", &key, "--out", &token][..], url].concat());
    let first = std::fs::read(&token).expect("a token");
    for _ in 0..2 {
        log_in(&url).ended(0);
        assert_ne!(std::fs::read(&token).expect("a token"), first);
        list(&url).ended(0);
    }
    let text = std::fs::read_to_string(&key).expect("a key");
    assert!(text.ends_with(&format!("\norigin {ORIGIN}\n")), "{text}");
    let words = ["enrol", "--key", &key, "--url", served.url()];
    // The vault was told of the key already: it draws no other one, and asks for no code.
    assert_eq!(run(&words).status, Some(1));

    // The key is lost. While the vault serves, nothing is given at the host.
    let ids = administrators(&room.path().join("vault/log"), ORIGIN);
    let recover = |persons: [&str; 2]| {
        let fixed = ["--json", "administrator", "code", "--dir", &directory, "--login", "sec"];
        let persons = ["--unsigned", "--person", persons[0], "--person", persons[1]];
        run(&[&fixed[..], &persons, &unlocked].concat())
    };
    assert_ne!(recover([&ids[0], &ids[2]]).status, Some(0));
    assert_eq!(served.stop(), Some(0));
    for wrong in [[&*ids[0], &ids[0]], [&ids[0], &ids[1]], [&ids[0], "AAAAAAAAAAAAAAAAAAAAAA"]] {
        assert_ne!(recover(wrong).status, Some(0), "{wrong:?}");
    }
    let given = recover([&ids[0], &ids[2]]).ended(0).json();
    assert_eq!(given["actor"], json!(ids[1]));
    let log = LogReader::open(&room.path().join("vault/log"), ORIGIN).expect("a log");
    let size = usize::try_from(log.size().expect("a size")).expect("few");
    let entries = log.entries(0, size).expect("entries");
    let entries = entries.iter().map(|one| serde_json::from_slice::<Value>(one).expect("JSON"));
    let told: Vec<Value> = entries.filter(|one| one["act"] == "token_issue").collect();
    assert_eq!(told.len(), 1);
    let facts = &told[0]["x"];
    assert_eq!((&facts["actor"], &facts["credential"]), (&json!(ids[1]), &json!("enrolment_code")));
    assert_eq!((&facts["person_1"], &facts["person_2"]), (&json!(ids[0]), &json!(ids[2])));
    assert_eq!(facts["proof"], "named");

    let served = serve();
    let url = ["--url", served.url()];
    std::fs::rename(&key, path("lost-key")).expect("lost");
    std::fs::remove_file(&token).expect("removed");
    enrol(given["code"].as_str().expect("a code"), &url).ended(0);
    await_until("the new key logs in", || log_in(&url).status == Some(0));
    list(&url).ended(0);
    let lost = path("lost-key");
    let refused = run(&["log-in", "--key", &lost, "--url", served.url()]);
    assert!(refused.status == Some(1) && refused.err.contains("token_invalid"), "{refused:?}");
    assert_eq!(served.stop(), Some(0));
}
