//! A log whose key another one follows: both sign its checkpoints for a while, then the next one alone.
//! Never a key that has to be known for the other to verify, and never a line of either that does not hold.
//! Writer and verifier are each shown every stage.

use gridvault_audit::verify::{Class, Policy, VerifierKey, open_note, verify_directory};
use gridvault_audit::witness::{CosignerKey, Keeper};
use gridvault_audit::{Log, LogError, NoteSigner};

use super::support::*;

/// A key and the one that follows it.
struct Both(Key, Key);

impl NoteSigner for Both {
    fn key_name(&self) -> &str {
        self.0.key_name()
    }

    fn public_key(&self) -> [u8; 32] {
        self.0.public_key()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message)
    }

    fn next(&self) -> Option<&dyn NoteSigner> {
        Some(&self.1)
    }
}

fn next() -> Key {
    Key::new(ORIGIN, 2)
}

/// A log of some entries under the first key, and some more under both.
fn turning() -> Vault {
    let vault = Vault::with(5);
    let mut log = Log::open(&vault.path, ORIGIN, &key().public_key()).expect("opened");
    log.append(5, &entries(5..9)).expect("appended");
    log.publish(&Both(key(), next())).expect("published");
    vault
}

fn verified(vault: &Vault, policy: &str) -> Result<u64, Class> {
    let policy = Policy::parse(policy.as_bytes()).expect("a policy");
    let note = vault.read("checkpoint");
    gridvault_audit::verify::open_checkpoint(&note, &policy, None)
        .map(|cosigned| cosigned.head.size)
        .map_err(|finding| finding.class)
}

fn of(keys: &[&Key]) -> String {
    let lines: String = keys.iter().map(|key| format!("log {}\n", key.vkey())).collect();
    format!("{lines}quorum none\n")
}

#[test]
fn the_checkpoint_of_both_verifies_with_either_key_and_with_both() {
    let vault = turning();
    assert_eq!(vault.checkpoint().lines().filter(|line| line.starts_with('\u{2014}')).count(), 2);
    let (key, next) = (key(), next());
    for keys in [&[&key][..], &[&next], &[&key, &next]] {
        assert_eq!(verified(&vault, &of(keys)), Ok(9));
    }
    for verifier in [key.verifier(), next.verifier()] {
        let summary = verify_directory(&vault.path, &verifier, None).expect("the log holds");
        assert_eq!(summary.head.size, 9);
    }
    let other = Key::new(ORIGIN, 3);
    assert_eq!(verified(&vault, &of(&[&other])), Err(Class::KeyUnknown));
}

#[test]
fn behind_the_overlap_the_next_key_alone_verifies_and_a_kept_checkpoint_of_before_holds_under_both()
{
    let vault = turning();
    let before = vault.checkpoint();
    let mut log = Log::open(&vault.path, ORIGIN, &next().public_key()).expect("by the next alone");
    log.append(9, &entries(9..10)).expect("appended");
    log.publish(&next()).expect("published");
    assert_eq!(verified(&vault, &of(&[&next()])), Ok(10));
    assert_eq!(verified(&vault, &of(&[&key()])), Err(Class::KeyUnknown));
    for verifier in [key().verifier(), next().verifier()] {
        assert_eq!(open_note(before.as_bytes(), &verifier).expect("it holds").size, 9);
    }
}

#[test]
fn writer_goes_on_under_any_key_that_signed_and_under_no_other() {
    let opened = |vault: &Vault, keys: &[&Key]| {
        let keys: Vec<[u8; 32]> = keys.iter().map(|key| key.public_key()).collect();
        Log::open_under(&vault.path, ORIGIN, &keys).map(|log| log.size())
    };
    let (key, next, other) = (key(), next(), Key::new(ORIGIN, 3));
    let vault = turning();
    for keys in [&[&key][..], &[&next], &[&key, &next], &[&other, &next]] {
        assert_eq!(opened(&vault, keys).expect("opened"), 9);
    }
    for keys in [&[][..], &[&other]] {
        assert!(matches!(opened(&vault, keys), Err(LogError::CheckpointInvalid)));
    }
    // What the crash between the ring and the next checkpoint leaves: both in the ring, one in the note.
    let vault = Vault::with(5);
    assert_eq!(opened(&vault, &[&key, &next]).expect("opened"), 5);
    assert!(matches!(opened(&vault, &[&next]), Err(LogError::CheckpointInvalid)));
}

#[test]
fn line_of_a_known_key_that_does_not_hold_a_third_line_and_one_in_another_form_are_refused() {
    let whole = turning().checkpoint();
    let (text, lines) = whole.split_once("\n\n").expect("a note");
    let text = format!("{text}\n");
    let wrong = line(ORIGIN, next().id(), &[7; 64]);
    let first = key().line(&text);
    assert_eq!(lines, format!("{first}{}", next().line(&text)));
    let third = Key::new(ORIGIN, 3).line(&text);
    for lines in [
        format!("{first}{wrong}"),
        format!("{first}{}{third}", next().line(&text)),
        format!("{first}{first}{first}"),
        format!("{first}\n"),
        first.replace(ORIGIN, "other.example/log"),
        first.trim_end().to_owned(),
        String::new(),
    ] {
        let vault = turning();
        vault.write("checkpoint", format!("{text}\n{lines}"));
        let keys = [key().public_key(), next().public_key()];
        let opened = Log::open_under(&vault.path, ORIGIN, &keys);
        assert!(matches!(opened, Err(LogError::CheckpointInvalid)), "{lines:?}");
    }
}

#[test]
fn next_key_that_signs_something_else_lets_nothing_be_published() {
    struct Elsewhere(Key);
    impl NoteSigner for Elsewhere {
        fn key_name(&self) -> &str {
            self.0.key_name()
        }
        fn public_key(&self) -> [u8; 32] {
            self.0.public_key()
        }
        fn sign(&self, _message: &[u8]) -> [u8; 64] {
            self.0.sign(b"something else")
        }
    }
    struct Mixed(Key, Elsewhere);
    impl NoteSigner for Mixed {
        fn key_name(&self) -> &str {
            self.0.key_name()
        }
        fn public_key(&self) -> [u8; 32] {
            self.0.public_key()
        }
        fn sign(&self, message: &[u8]) -> [u8; 64] {
            self.0.sign(message)
        }
        fn next(&self) -> Option<&dyn NoteSigner> {
            Some(&self.1)
        }
    }
    let vault = Vault::empty();
    let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
    log.append(0, &entries(0..3)).expect("appended");
    let published = log.publish(&Mixed(key(), Elsewhere(next())));
    assert!(matches!(published, Err(LogError::SignatureRejected)));
    assert!(!vault.file("checkpoint").exists());
}

#[test]
fn witness_that_knows_both_keys_goes_on_with_either_and_one_that_knows_the_former_alone_does_not() {
    let room = tempfile::tempdir().expect("a directory");
    let witness = |policy: &str| {
        let key = CosignerKey::from_seed("witness.example/w", &[9; 32]).expect("a key");
        let policy = Policy::parse(policy.as_bytes()).expect("a policy");
        Keeper::open(room.path(), key, policy)
    };
    let (key, next) = (key(), next());
    let body = |old: u64, vault: &Vault, proof: &str| {
        format!("old {old}\n{proof}\n{}", vault.checkpoint()).into_bytes()
    };
    let vault = turning();
    let keeper = witness(&of(&[&key])).expect("a witness");
    assert_eq!(keeper.add_checkpoint(&body(0, &vault, ""), 1).status, 200);
    drop(keeper);
    // It gets the next key before the former one goes, and sees a checkpoint of both.
    let keeper = witness(&of(&[&key, &next])).expect("its state is by the former");
    assert_eq!(keeper.add_checkpoint(&body(9, &vault, ""), 2).status, 200);
    drop(keeper);
    let keeper = witness(&of(&[&next])).expect("its state is by both");
    assert_eq!(keeper.add_checkpoint(&body(9, &vault, ""), 3).status, 200);
    drop(keeper);
    let mut log = Log::open(&vault.path, ORIGIN, &next.public_key()).expect("opened");
    log.publish(&next).expect("published");
    drop(log);
    let keeper = witness(&of(&[&next])).expect("a witness");
    assert_eq!(keeper.add_checkpoint(&body(9, &vault, ""), 4).status, 200);
    drop(keeper);
    assert!(witness(&of(&[&key])).is_err(), "nothing that it keeps is by the former any more");
    let verifier = VerifierKey::parse(&key.vkey()).expect("a key");
    assert!(open_note(vault.checkpoint().as_bytes(), &verifier).is_err());
}
