//! The ledger of erasures below a URL, from outside: certificates wait for it, a start holds to it, a restore brings it along.
//! Never a second place beyond this host.
//! What one does that keeps, forgets or changes lines is set while the vault serves.

#[path = "../../src/trail/tests/object_server.rs"]
#[allow(dead_code, unreachable_pub, reason = "the library's own tests use more of it")]
mod object_server;

use super::backup::{AFTER, Place, entries};
use super::bodies::REGISTRATION;
use super::erasure::{Before, certificate, erased, marked, with_ledger};
use super::harness::Demo;
use super::program::run;
use object_server::{Manner, ObjectServer};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn an_erasure_is_certified_once_a_url_has_it_and_stays_where_the_vault_is_put_back() {
    let mut demo = Demo::own();
    let server = ObjectServer::start();
    with_ledger(&mut demo, &server.url());
    assert_eq!(server.lines(), ["gridvault erasures 1\n"]);
    let (gone, stays) = (marked(&demo.worker(1), 80), marked(&demo.worker(1), 81));
    let before = Before::of(&mut demo);
    for manner in [Manner::Forgets, Manner::Answers(500)] {
        server.set(manner);
        let id = match manner {
            Manner::Forgets => erased(&demo, &gone.subject),
            _ => erased(&demo, &marked(&demo.worker(1), 82).subject),
        };
        certificate(&demo.role("resident_desk"), &id).refused(409, "in_flight");
        server.set(Manner::Keeps);
        certificate(&demo.role("resident_desk"), &id).expect(200);
    }
    let told = server.lines();
    assert_eq!(told.len(), 3);
    for secret in gone.marks.iter().chain([&gone.id, &gone.subject]) {
        assert!(!told.concat().contains(secret.as_str()), "{secret}");
    }
    before.put_back(&mut demo);
    let worker = demo.worker(1);
    worker.read(&gone.id, "name", REGISTRATION).refused(410, "erased");
    worker.read(&stays.id, "name", REGISTRATION).expect(200);
    assert_eq!(server.lines(), told);

    assert_eq!(demo.stop(), Some(0));
    let directory = demo.directory().display().to_string();
    let start = || run(&["demo", "--listen", "127.0.0.1:0", "--dir", &directory]);
    server.put(1, &told[1].replace("purpose_met", "other_law"));
    let refused = start();
    assert_eq!(refused.status, Some(4), "{refused:?}");
    assert!(refused.err.contains("line 2 of the ledger of erasures"), "{refused:?}");
    server.take_away(1);
    let refused = start();
    assert_eq!(refused.status, Some(4), "{refused:?}");
    assert!(refused.err.contains("line 2 of the ledger of erasures"), "{refused:?}");
    server.put(1, &told[1]);
    server.set(Manner::Overwrites);
    let refused = start();
    assert_eq!(refused.status, Some(4), "{refused:?}");
    assert!(refused.err.contains("If-None-Match"), "{refused:?}");
}

#[test]
fn a_restore_brings_a_ledger_along_by_its_url_and_the_file_of_its_token() {
    let server = ObjectServer::start();
    let token = |room: &std::path::Path| room.join("ledger-token");
    let place = Place::with(|room| {
        std::fs::write(token(room), "a-token\n").expect("written");
        std::fs::set_permissions(token(room), std::fs::Permissions::from_mode(0o600)).expect("set");
        let (url, file) = (server.url(), token(room));
        format!("erasure_ledger = {url:?}\nerasure_ledger_token_file = {file:?}\n")
    });
    let file = place.path("ledger-token");
    let shown = server.shown();
    assert!(shown.iter().all(|shown| shown.as_deref() == Some("Bearer a-token")), "{shown:?}");
    let refused = place.restore("vault-2", |_| {}).ended(1).err;
    assert!(refused.contains(&server.url()) && refused.contains("--erasure-ledger"), "{refused}");
    let bringing = |url: &str| {
        let fixed = ["--erasure-ledger", url, "--erasure-ledger-token-file", &file];
        let further = fixed.map(str::to_owned);
        move |arguments: &mut Vec<String>| arguments.extend(further.clone())
    };
    for bad in ["http://objects.example/a", "http://who:secret@127.0.0.1/a", "https://[::1]/a?b"] {
        place.restore("vault-2", bringing(bad)).ended(2);
    }
    place.restore("vault-2", bringing(&format!("{}/nothing", server.url()))).ended(4);
    let mode = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("set");
    };
    mode(0o640);
    let refused = place.restore("vault-3", bringing(&server.url())).ended(1).err;
    assert!(refused.contains("0600") && !refused.contains("a-token"), "{refused}");
    mode(0o600);

    let restored = place.restore("vault-4", bringing(&server.url())).ended(0).json();
    assert_eq!(restored["ledger"], 0);
    let log = place.room.path().join("vault-4/log");
    assert_eq!(entries(&log, AFTER, "sys", "restore")[0]["x"]["ledger"], 0);
    let config = std::fs::read_to_string(place.path("vault-4/config")).expect("a configuration");
    assert!(config.contains(&format!("erasure_ledger = {:?}", server.url())), "{config}");
    assert!(config.contains("ledger-token") && !config.contains("a-token"), "{config}");
    let due = place.room.path().join("vault-4/ledger-due");
    assert!(std::fs::read_to_string(&due).expect("how far it goes").starts_with("21 "));
    let passphrase = place.path("passphrase");
    let directory = place.path("vault-4");
    let serve = ["serve", "--dir", &directory, "--listen", "127.0.0.1:0"];
    server.take_away(0);
    run(&[&serve[..], &["--passphrase-file", &passphrase]].concat()).ended(4);
    server.put(0, "gridvault erasures 1\n");
    assert_eq!(place.served("vault-4").stop(), Some(0));
    assert!(!due.exists(), "it was found and replayed");
}
