//! A vault that starts sealed, is opened by the holders of its shares or by a passphrase, and is sealed again.
//! Never a share or a passphrase among arguments: each comes by standard input.
//! A sealed vault says that it lives and that it is sealed, to everybody, whatever is asked.

use super::client::{Call, Reply};
use super::harness::{await_until, program};
use super::program::{Outcome, Served, run, run_between, run_with};
use gridvault_audit::LogReader;
use gridvault_audit::verify::{VerifierKey, verify_directory};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;
use tempfile::TempDir;

pub const ORIGIN: &str = "unsealing.example/log";
pub const PASSPHRASE: &str = "the right passphrase";

/// A vault in a room of its own, with what opens it.
pub struct Place {
    room: TempDir,
    made: Value,
}

impl Place {
    pub fn made(options: &[&str]) -> Place {
        let room = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| room.path().join(name).to_str().expect("a plain path").to_owned();
        std::fs::write(path("passphrase"), format!("{PASSPHRASE}\n")).expect("a file");
        let (directory, shares, passphrase) = (path("vault"), path("shares"), path("passphrase"));
        let options = options.iter().map(|option| match *option {
            "SHARES" => shares.as_str(),
            "PASSPHRASE" => passphrase.as_str(),
            option => option,
        });
        let fixed = ["--json", "init", "--dir", &directory, "--origin", ORIGIN];
        let people = ["--system-admin", "sys", "--security-admin", "sec", "--audit-admin", "aud"];
        let arguments: Vec<&str> = fixed.into_iter().chain(people).chain(options).collect();
        let done = run(&arguments).ended(0);
        Place { made: done.json(), room }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.room.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    /// Has the administrator of a token seal it.
    pub fn seal(&self, served: &Served, token: &str, vault: &str) -> Outcome {
        let token = self.text(token);
        run(&["seal", "--vault", vault, "--url", served.url(), "--token-file", &token])
    }

    fn share(&self, number: usize) -> String {
        std::fs::read_to_string(self.path(&format!("shares/share-{number}-of-3"))).expect("a share")
    }

    /// Serves it open, by its passphrase file.
    pub fn serve_open(&self, program: &Path) -> Served {
        let (directory, passphrase) = (self.text("vault"), self.text("passphrase"));
        let fixed = ["serve", "--dir", &directory, "--listen", "127.0.0.1:0"];
        Served::start_of(program, &[&fixed[..], &["--passphrase-file", &passphrase]].concat())
    }

    /// Serves it sealed.
    pub fn serve(&self, more: &[&str]) -> Served {
        let directory = self.text("vault");
        let fixed = ["serve", "--dir", &directory, "--listen", "127.0.0.1:0"];
        Served::start_sealed(&[&fixed, more].concat())
    }

    /// A token of the administrator who has the code at this place.
    pub fn enrol(&self, served: &Served, place: usize, file: &str) {
        let code = self.made["administrators"][place]["code"].as_str().expect("a code");
        let words = ["enrol", "--out", &self.text(file), "--url", served.url()];
        run_with(&words, code).ended(0);
    }

    /// The same with a key of its own in another file, and the token in a third.
    pub fn enrol_with_key(&self, served: &Served, place: usize, file: &str) {
        let code = self.made["administrators"][place]["code"].as_str().expect("a code");
        let (key, token) = (self.text(file), self.text(&format!("{file}.token")));
        let fixed = ["enrol", "--key", &key, "--out", &token, "--url", served.url()];
        run_with(&fixed, code).ended(0);
    }

    /// All entries of an event, of a vault that has ended.
    pub fn entries(&self, happened: &str) -> Vec<Value> {
        let log = LogReader::open(&self.path("vault/log"), ORIGIN).expect("a log");
        let size = log.size().expect("a checkpoint");
        let entry = |index| {
            let bytes = log.entry(index).expect("an entry");
            serde_json::from_slice::<Value>(&bytes).expect("JSON")
        };
        let named = |entry: &Value| {
            let word = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            format!("{}.{}", word("ev"), word("act")) == happened
        };
        (0..size).map(entry).filter(named).collect()
    }

    pub fn log_key(&self) -> &str {
        self.made["log_key"].as_str().expect("a key")
    }

    pub fn verify(&self) {
        let key = VerifierKey::parse(self.log_key()).expect("a key");
        verify_directory(&self.path("vault/log"), &key, None).expect("the log holds");
    }
}

fn now_micros() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_micros()).expect("before the year 500,000")
}

fn bring(served: &Served, body: &Value) -> Reply {
    served.call("POST", "/v1/admin/unseal").on_host().json(body).send()
}

pub fn unseal(served: &Served, line: &str) -> Outcome {
    run_with(&["unseal", "--url", served.url()], &format!("{line}\n"))
}

/// Waits until the process that follows a vault that seals itself answers.
pub fn await_sealed(served: &Served) {
    await_until("the vault is sealed", || {
        let reply = Call::new("GET", format!("{}/readyz", served.url())).try_send();
        reply.is_ok_and(|reply| reply.status == 503 && reply.code() == "sealed")
    });
}

fn reason(reply: &Reply) -> (&str, &str) {
    let pointer = &reply.body["pointers"][0];
    (pointer["field"].as_str().unwrap_or_default(), pointer["reason"].as_str().unwrap_or_default())
}

pub fn says_that_it_is_sealed(served: &Served) {
    assert_eq!(served.call("GET", "/healthz").send().expect(200).body, json!({"status": "alive"}));
    for (method, path) in [
        ("GET", "/readyz"),
        ("GET", "/"),
        ("GET", "/openapi.json"),
        ("GET", "/log/checkpoint"),
        ("GET", "/v1/audit/entries"),
        ("POST", "/v1/records"),
        ("POST", "/v1/enrol"),
        ("POST", "/v1/admin/seal"),
        ("GET", "/v1/admin/unseal"),
        ("POST", "/v1/admin/unseal/"),
        ("DELETE", "/nowhere"),
    ] {
        for call in [served.call(method, path), served.call(method, path).token("x.y.z")] {
            let reply = call.send().refused(503, "sealed");
            assert_eq!(reply.body["retryable"], true, "{method} {path}");
            assert!(reply.body["audit_index"].is_null(), "nothing can be recorded");
            assert_eq!(reply.header("content-type"), "application/problem+json");
            assert_eq!(reply.header("cache-control"), "no-store");
            assert!(!reply.header("request-id").is_empty());
        }
    }
    let zh = served.call("GET", "/readyz").header("accept-language", "zh-CN").send();
    assert_eq!(zh.body["title"], "保险库已封存，暂停服务");
}

#[test]
fn nothing_that_opens_a_vault_is_read_for_an_address_where_others_read_it_on_the_way() {
    for url in ["http://192.0.2.7:8480", "http://vault.example:8480", "http://localhost:8480"] {
        for what in [&["unseal"][..], &["unseal", "--pin"]] {
            // Nothing stands on its standard input, of which it would complain had it looked there.
            let refused = run(&[what, &["--url", url]].concat()).ended(2);
            assert!(refused.err.contains("loopback"), "{}", refused.err);
        }
    }
}

#[test]
fn vault_of_shares_waits_sealed_and_is_opened_by_enough_of_their_holders() {
    let place = Place::made(&["--shares", "2/3", "--shares-dir", "SHARES"]);
    assert!(place.made["shares"].is_null(), "they are in their files alone");
    for number in 1..=3 {
        let path = place.path(&format!("shares/share-{number}-of-3"));
        let mode = std::fs::metadata(&path).expect("a share").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let served = place.serve(&[]);
    says_that_it_is_sealed(&served);
    let standing = bring(&served, &json!({})).expect(200).body;
    assert_eq!((&standing["state"], &standing["passphrase"]), (&json!("sealed"), &json!(false)));
    let shares = &standing["shares"];
    assert_eq!((&shares["needed"], &shares["count"]), (&json!(2), &json!(3)));
    assert_eq!(shares["brought"], json!([]));
    refuse_what_is_no_share(&place, &served);
    let status = run(&["unseal", "--status", "--url", served.url()]).ended(0);
    assert!(status.out.contains("shares [] of set"), "{}", status.out);

    let first = unseal(&served, place.share(3).trim()).ended(0);
    assert!(first.out.contains("shares [3] of set") && first.out.contains("2 of 3 open"));
    // A share is no secret of the one who reads the answer.
    assert!(!first.out.contains("GVSHARE"));
    says_that_it_is_sealed(&served);
    let second = unseal(&served, &place.share(1).to_lowercase().replace('-', " ")).ended(0);
    assert_eq!(second.out.trim(), "the vault is open");
    served.call("GET", "/readyz").send().expect(200);
    assert_eq!(bring(&served, &json!({})).expect(200).body, json!({"state": "open"}));
    place.enrol(&served, 0, "sys.token");
    assert_eq!(served.stop(), Some(0));

    let split = place.entries("key.split");
    assert_eq!(split.len(), 1);
    assert_eq!((&split[0]["x"]["needed"], &split[0]["x"]["count"]), (&json!(2), &json!(3)));
    let opened = place.entries("sys.unseal");
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0]["x"]["shares"], "1,3");
    assert_eq!(opened[0]["x"]["provider"], "shares");
    assert_eq!(opened[0]["x"]["envelope"], split[0]["x"]["envelope"]);
    assert!(place.entries("sys.unseal_failed").is_empty(), "nobody was wrong");
    place.verify();
}

fn refuse_what_is_no_share(place: &Place, served: &Served) {
    let share = place.share(2);
    let (head, last) = share.trim().split_at(share.trim().len() - 1);
    let typed = format!("{head}{}", if last == "0" { "1" } else { "0" });
    for (body, why) in [
        (json!({"share": typed}), ("share", "checksum")),
        (json!({"share": "GVSHARE-0000"}), ("share", "form")),
        (json!({"passphrase": PASSPHRASE}), ("passphrase", "opens_nothing_here")),
    ] {
        let reply = bring(served, &body).refused(400, "schema_invalid");
        assert_eq!(reason(&reply), why);
    }
    for body in [
        json!({"share": share.trim(), "passphrase": PASSPHRASE}),
        json!({"shares": [share.trim()]}),
        json!([share.trim()]),
        json!({"share": 7}),
    ] {
        bring(served, &body).refused(400, "schema_invalid");
    }
    let call = served.call("POST", "/v1/admin/unseal").on_host();
    call.bytes("text/plain", share.as_bytes()).send().refused(415, "media_type_unsupported");
    // Whoever comes through a proxy, whether it says so or not, is told what everybody is told.
    let call = || served.call("POST", "/v1/admin/unseal").json(&json!({"share": share.trim()}));
    call().send().refused(503, "sealed");
    let named = call().on_host().header("x-forwarded-for", "192.0.2.7");
    named.send().refused(503, "sealed");
    let other = Place::made(&["--shares", "2/3", "--shares-dir", "SHARES"]);
    let foreign = bring(served, &json!({"share": other.share(1).trim()}));
    assert_eq!(reason(&foreign.refused(400, "schema_invalid")), ("share", "other_vault"));
    let brought = bring(served, &json!({})).expect(200).body["shares"]["brought"].clone();
    assert_eq!(brought, json!([]), "none of these counts");
}

#[test]
fn vault_is_sealed_by_who_runs_it_and_opened_again_by_a_passphrase() {
    let place = Place::made(&["--passphrase-file", "PASSPHRASE"]);
    let begun = now_micros();
    let served = place.serve(&["--sealed", "--passphrase-file", &place.text("passphrase")]);
    says_that_it_is_sealed(&served);
    for wrong in ["the wrong passphrase", "the right passphrase "] {
        let refused = bring(&served, &json!({"passphrase": wrong})).refused(403, "denied");
        assert!(refused.body["pointers"].is_null(), "nothing says what was wrong");
    }
    let refused = unseal(&served, "another wrong one").ended(1);
    assert!(refused.err.contains("denied (403)"), "{}", refused.err);
    let short = unseal(&served, "too short").ended(1);
    assert!(short.err.contains("schema_invalid (400)"), "{}", short.err);
    assert!(short.err.contains("passphrase: length"), "{}", short.err);
    let opened = unseal(&served, PASSPHRASE).ended(0);
    assert_eq!(opened.out.trim(), "the vault is open");
    place.enrol(&served, 0, "sys.token");
    place.enrol(&served, 1, "sec.token");

    let seal = |token: &str, vault: &str| place.seal(&served, token, vault);
    assert!(seal("sec.token", ORIGIN).ended(1).err.contains("denied (403)"));
    assert!(seal("sys.token", "another.example/log").ended(1).err.contains("not_found (404)"));
    served.call("GET", "/readyz").send().expect(200);
    let process = served.process();
    seal("sys.token", ORIGIN).ended(0);
    await_sealed(&served);
    assert_eq!(served.process(), process);
    let arguments = std::fs::read(format!("/proc/{process}/cmdline")).expect("its own process");
    let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
    assert!(arguments.contains("serve --sealed"), "it began anew: {arguments}");
    says_that_it_is_sealed(&served);
    unseal(&served, PASSPHRASE).ended(0);
    let token = std::fs::read_to_string(place.text("sys.token")).expect("a token");
    served.call("GET", "/v1/admin/policies/matrix").token(token.trim()).send().expect(200);
    assert_eq!(served.stop(), Some(0));

    let failed = place.entries("sys.unseal_failed");
    assert_eq!(failed.len(), 1);
    let told = &failed[0]["x"];
    assert_eq!((&told["provider"], &told["failures"]), (&json!("passphrase"), &json!(3)));
    assert_eq!(failed[0]["out"], "denied");
    let time = |value: &Value| value.as_u64().expect("a time");
    let (first, last, entry) = (time(&told["first"]), time(&told["last"]), time(&failed[0]["t"]));
    assert!(begun <= first && first < last && last < entry, "{begun} {first} {last} {entry}");
    let by: Vec<Value> =
        place.entries("sys.unseal").iter().map(|entry| entry["x"]["provider"].clone()).collect();
    assert_eq!(by, ["passphrase", "passphrase"]);
    let seals = place.entries("sys.seal");
    assert_eq!((seals.len(), &seals[0]["role"]), (1, &json!("system_admin")));
    place.verify();
}

#[test]
fn what_init_and_unseal_must_not_do_is_refused() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| room.path().join(name).to_str().expect("a plain path").to_owned();
    let (directory, inside) = (path("vault"), path("vault/shares"));
    let fixed = ["init", "--dir", &directory, "--origin", ORIGIN, "--system-admin", "sys"];
    let people = ["--security-admin", "sec", "--audit-admin", "aud"];
    let init = |more: &[&str]| run(&[&fixed[..], &people[..], more].concat());
    init(&[]).ended(2);
    init(&["--shares", "1/3"]).ended(2);
    init(&["--shares", "3/8"]).ended(2);
    init(&["--shares-dir", &inside]).ended(2);
    assert!(!room.path().join("vault").exists(), "nothing was made");
    let beside = init(&["--shares", "2/3", "--shares-dir", &inside]).ended(2);
    assert!(beside.err.contains("beside the vault"), "{}", beside.err);
    for winding in ["nowhere/../vault/shares", "vault/../vault/shares", "nowhere/../shares"] {
        init(&["--shares", "2/3", "--shares-dir", &path(winding)]).ended(2);
        assert!(!room.path().join("vault/shares").exists(), "{winding}");
    }
    assert!(!room.path().join("vault/config").exists(), "there is no vault");
    run_with(&["unseal", "--url", "http://127.0.0.1:1"], "").ended(2);
    run_with(&["unseal", "--url", "http://127.0.0.1:1"], &"x".repeat(1_027)).ended(2);
    run(&["unseal", "a passphrase as an argument"]).ended(2);
}

#[test]
fn vault_is_not_made_with_a_passphrase_that_nobody_can_type() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| room.path().join(name).to_str().expect("a plain path").to_owned();
    let (directory, file) = (path("vault"), path("passphrase"));
    let fixed = ["init", "--dir", &directory, "--origin", ORIGIN, "--passphrase-file", &file];
    let people = ["--system-admin", "sys", "--security-admin", "sec", "--audit-admin", "aud"];
    let cases: [(&[u8], &str); 4] = [
        (b"a passphrase\nof two lines\n", "more than one line"),
        (b"\xff\xfe\x00 of random bytes\n", "no UTF-8 text"),
        (b"a passphrase\x07\n", "control character"),
        (b"gvshare of my own\n", "begins as a share"),
    ];
    for (bytes, why) in cases {
        std::fs::write(&file, bytes).expect("a file");
        let refused = run(&[&fixed[..], &people[..]].concat()).ended(1);
        assert!(refused.err.contains(why), "{}", refused.err);
        assert!(!room.path().join("vault").exists(), "nothing was made");
    }
}

#[test]
fn what_opens_a_vault_and_could_not_be_shown_is_a_failure() {
    let room = tempfile::tempdir().expect("a temporary directory");
    let directory = room.path().join("vault").to_str().expect("a plain path").to_owned();
    let fixed = ["init", "--dir", &directory, "--origin", ORIGIN, "--shares", "2/3"];
    let people = ["--system-admin", "sys", "--security-admin", "sec", "--audit-admin", "aud"];
    let full = || std::fs::File::create("/dev/full").expect("a disk that is full");
    let lost = run_between(&[&fixed[..], &people[..]].concat(), Stdio::null(), full()).ended(1);
    assert!(lost.err.contains("could not be shown"), "{}", lost.err);
    assert!(!lost.err.contains("GVSHARE"));
    // Whatever a command has to say.
    let silent = run_between(&["policy", "check"], Stdio::null(), full()).ended(1);
    assert!(silent.err.contains("could not be written"), "{}", silent.err);
}

#[test]
fn vault_that_is_to_be_opened_by_people_starts_sealed_whatever_file_is_named() {
    let made = ["--shares", "2/3", "--shares-dir", "SHARES", "--passphrase-file", "PASSPHRASE"];
    let place = Place::made(&made);
    let served = place.serve(&["--passphrase-file", &place.text("passphrase")]);
    says_that_it_is_sealed(&served);
    let status = run(&["unseal", "--status", "--url", served.url()]).ended(0);
    assert!(status.out.contains("a passphrase opens it too"), "{}", status.out);
    assert_eq!(served.stop(), Some(0));
    // Its owner says otherwise in its configuration, and not both at once.
    let config = place.path("vault/config");
    let text = std::fs::read_to_string(&config).expect("a configuration");
    let both = format!("{text}passphrase_file = \"/nowhere\"\n");
    std::fs::write(&config, both).expect("a configuration");
    let refused = run(&["serve", "--dir", &place.text("vault"), "--listen", "127.0.0.1:0"]);
    assert!(refused.ended(1).err.contains("contradicts passphrase_file"));
    let open = text.replace("start_sealed = true", "start_sealed = false");
    assert_ne!(open, text);
    std::fs::write(&config, open).expect("a configuration");
    let served = place.serve_open(Path::new(program()));
    served.call("GET", "/readyz").send().expect(200);
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn shares_are_printed_once_where_no_directory_is_named() {
    let place = Place::made(&["--shares", "2/2", "--passphrase-file", "PASSPHRASE"]);
    let shares = place.made["shares"].as_array().expect("the shares").clone();
    assert_eq!(shares.len(), 2);
    let served = place.serve(&[]);
    for share in &shares {
        unseal(&served, share.as_str().expect("a text")).ended(0);
    }
    served.call("GET", "/readyz").send().expect(200);
    assert_eq!(served.stop(), Some(0));
    place.verify();
}

#[test]
fn a_vault_does_not_wait_sealed_where_nobody_can_open_it() {
    let place = Place::made(&["--passphrase-file", "PASSPHRASE"]);
    let directory = place.text("vault");
    let sealed = ["serve", "--sealed", "--listen", "[::1]:0", "--dir", &directory];
    let refused = run(&sealed).ended(2);
    assert!(refused.err.contains("listen at 127.0.0.1"), "{}", refused.err);
}
