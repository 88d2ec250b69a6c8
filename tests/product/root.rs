//! Another root key for a vault that does not run: what opens it from then on, what does no more, and what the log says.
//! Never believes the vault: its files are looked at by the crate of the keys.
//! What is added, taken away and signed has a file of its own: `ways`.

use super::harness::{await_until, program};
use super::program::{Outcome, run};
use super::unsealing::{ORIGIN, PASSPHRASE, Place, await_sealed, unseal};
use gridvault_keys::{
    ArgonCost, Envelope, Keyring, KeyringHealth, KeyringLock, Passphrase, Provider, RootKey,
    UnlockFile,
};
use std::path::Path;
use zeroize::Zeroizing;

/// The root key of a vault, by a passphrase.
pub fn root_of(directory: &Path, passphrase: &str) -> Option<RootKey> {
    let envelopes = UnlockFile::load(&directory.join("unlock")).expect("envelopes");
    let by_passphrase = |it: &&Envelope| matches!(it.provider(), Provider::Passphrase(_));
    let envelope = envelopes.iter().find(by_passphrase).expect("one of a passphrase");
    let passphrase = Passphrase::new(Zeroizing::new(passphrase.as_bytes().to_vec()));
    envelope.open_with_passphrase(&passphrase.expect("one")).ok()
}

fn rotated(place: &Place, more: &[&str]) -> Outcome {
    let (directory, passphrase) = (place.text("vault"), place.text("passphrase"));
    let persons = place.persons();
    let fixed = ["keys", "rotate-root", "--dir", &directory, "--passphrase-file", &passphrase];
    let word = ["--unsigned", "--person", &persons[0], "--person", &persons[1]];
    run(&[&fixed[..], &word, more].concat())
}

#[test]
fn former_root_key_opens_nothing_and_the_vault_goes_on_under_another_passphrase_and_set_of_shares()
{
    let place = Place::made(&[
        "--passphrase-file",
        "PASSPHRASE",
        "--shares",
        "2/3",
        "--shares-dir",
        "SHARES",
    ]);
    let directory = place.path("vault");
    let former = root_of(&directory, PASSPHRASE).expect("it opens");
    let before = std::fs::read(directory.join("unlock")).expect("a file");
    rotated(&place, &[]).ended(2);
    let (shares, passphrase) = (place.text("new-shares"), place.text("new-passphrase"));
    std::fs::write(&passphrase, "quite another passphrase\n").expect("a file");
    let more = ["--shares-dir", &shares, "--new-passphrase-file", &passphrase];
    let said = rotated(&place, &more).ended(0).out;
    assert_eq!(said, "the vault has another root key, and 2 ways to it\n");

    assert!(root_of(&directory, PASSPHRASE).is_none(), "the former passphrase opens");
    let root = root_of(&directory, "quite another passphrase").expect("the new one opens");
    assert_ne!(root.id(), former.id());
    let ring = directory.join("keyring");
    assert!(Keyring::open(&ring, &former).is_err(), "the former root key opens a slot");
    let (_, health) = Keyring::open(&ring, &root).expect("a keyring");
    assert_eq!(health, KeyringHealth::Whole);
    for left in ["unlock.old", "unlock.next"] {
        assert!(!directory.join(left).exists(), "{left}");
    }
    assert_ne!(std::fs::read(directory.join("unlock")).expect("a file"), before);
    assert_eq!(std::fs::read_dir(&shares).expect("a directory").count(), 3);
    let said = place.entries("key.rotate");
    assert_eq!(said.len(), 1);
    assert_eq!((&said[0]["x"]["rotation"], &said[0]["x"]["keys"]), (&"root".into(), &1.into()));
    assert!(said[0]["who"].is_null());
    assert_eq!(place.entries("key.split").len(), 2);
    place.verify();
    // And it opens.
    let served = place.serve(&[]);
    unseal(&served, "quite another passphrase").ended(0);
    await_until("the vault is open", || {
        served.call("GET", "/readyz").try_send().is_ok_and(|reply| reply.status == 200)
    });
    place.enrol(&served, 0, "token");
}

#[test]
fn what_lies_there_without_a_ceremony_goes_and_nothing_is_told_of_it() {
    let place = Place::made(&["--passphrase-file", "PASSPHRASE"]);
    let unlock = place.path("vault/unlock");
    // As somebody without the keys would have the vault tell of what nobody did.
    std::fs::copy(&unlock, place.path("vault/unlock.old")).expect("copied");
    std::fs::write(place.path("vault/unlock.next"), "half of it").expect("written");
    rotated(&place, &[]).ended(1);
    assert_eq!(place.serve_open(Path::new(program())).stop(), Some(0));
    for left in ["unlock.old", "unlock.next"] {
        assert!(!place.path("vault").join(left).exists(), "{left}");
    }
    assert!(unlock.exists());
    assert!(place.entries("key.rotate").is_empty());
    rotated(&place, &[]).ended(0);
    assert_eq!(place.entries("key.rotate").len(), 1);
    place.verify();
}

#[test]
fn another_root_key_that_nothing_else_tells_of_is_told_of_by_the_next_start_and_once() {
    let place = Place::made(&["--passphrase-file", "PASSPHRASE"]);
    let (ring, unlock) = (place.path("vault/keyring"), place.path("vault/unlock"));
    let former = root_of(&place.path("vault"), PASSPHRASE).expect("it opens");
    let root = RootKey::generate().expect("randomness");
    let passphrase = Passphrase::new(Zeroizing::new(PASSPHRASE.as_bytes().to_vec()));
    let passphrase = passphrase.expect("one");
    let envelope = Envelope::seal_with_passphrase(&root, &passphrase, ArgonCost::ROOT);
    UnlockFile::prepare(&unlock, &[envelope.expect("sealed")]).expect("prepared");
    let (keyring, _) = Keyring::open(&ring, &former).expect("a keyring");
    let turned = keyring.under_another_root(&root, || UnlockFile::put_in_force(&unlock));
    turned.expect("turned");
    drop(keyring);
    // Not even what lay beside it is there any more.
    std::fs::remove_file(place.path("vault/unlock.old")).expect("removed");
    for _ in 0..2 {
        assert_eq!(place.serve_open(Path::new(program())).stop(), Some(0));
        let said = place.entries("key.rotate");
        assert_eq!(said.len(), 1);
        assert_eq!(said[0]["x"]["rotation"], "root");
        assert!(said[0]["x"]["person_1"].is_null(), "{}", said[0]);
    }
}

#[test]
fn vault_that_runs_or_that_no_passphrase_opens_keeps_its_root_key() {
    let place = Place::made(&["--shares", "2/3", "--shares-dir", "SHARES"]);
    std::fs::write(place.path("passphrase"), "a passphrase of nothing").expect("a file");
    let before = std::fs::read(place.path("vault/unlock")).expect("a file");
    let said = rotated(&place, &["--shares-dir", &place.text("new")]).ended(1).err;
    assert!(said.contains("not unlocked by a passphrase"), "{said}");
    assert_eq!(std::fs::read(place.path("vault/unlock")).expect("a file"), before);

    let place = Place::made(&["--passphrase-file", "PASSPHRASE"]);
    let before = std::fs::read(place.path("vault/unlock")).expect("a file");
    let _served = place.serve_open(Path::new(program()));
    let refused = rotated(&place, &[]);
    assert_ne!(refused.status, Some(0));
    assert_eq!(std::fs::read(place.path("vault/unlock")).expect("a file"), before);
}

#[test]
fn vault_that_waits_sealed_keeps_its_root_key_and_opens_afterwards() {
    let place = Place::made(&["--passphrase-file", "PASSPHRASE"]);
    let before = std::fs::read(place.path("vault/unlock")).expect("a file");
    let served = place.serve(&["--sealed"]);
    let refused = rotated(&place, &[]).ended(1).err;
    assert!(refused.contains("another process of this vault runs"), "{refused}");
    assert_eq!(std::fs::read(place.path("vault/unlock")).expect("a file"), before);
    let second = ["serve", "--dir", &place.text("vault"), "--listen", "127.0.0.1:0", "--sealed"];
    run(&second).ended(1);
    unseal(&served, PASSPHRASE).ended(0);
    // It seals itself and waits again: the process that follows has the keys.
    place.enrol(&served, 0, "token");
    place.seal(&served, "token", ORIGIN).ended(0);
    await_sealed(&served);
    rotated(&place, &[]).ended(1);
    unseal(&served, PASSPHRASE).ended(0);
}

#[test]
fn vault_whose_keys_somebody_has_neither_serves_nor_waits_sealed() {
    let place = Place::made(&["--passphrase-file", "PASSPHRASE"]);
    let held = KeyringLock::take(&place.path("vault/keyring")).expect("nobody has it");
    let (directory, passphrase) = (place.text("vault"), place.text("passphrase"));
    let by_passphrase = ["--passphrase-file", &passphrase];
    let serve = ["serve", "--dir", &directory, "--listen", "127.0.0.1:0"];
    run(&[&serve[..], &["--sealed"]].concat()).ended(1);
    run(&[&serve[..], &by_passphrase].concat()).ended(1);
    let out = place.text("digests");
    let digests = ["store", "digests", "--dir", &directory, "--out", &out];
    run(&[&digests[..], &by_passphrase].concat()).ended(1);
    rotated(&place, &[]).ended(1);
    drop(held);
    rotated(&place, &[]).ended(0);
}
