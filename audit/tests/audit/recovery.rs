//! What a crash leaves behind is taken up again; what someone else did to the files is refused.

use std::fs;

use gridvault_audit::{Log, LogError, NoteSigner as _};

use crate::support::{Key, ORIGIN, Vault, copy, entries, entry, key};

fn open(vault: &Vault) -> Result<Log, LogError> {
    Log::open(&vault.path, ORIGIN, &key().public_key())
}

/// Appends and publishes up to `size`, and re-verifies the whole log.
fn grow(vault: &Vault, log: &mut Log, size: u64) {
    log.append(log.size(), &entries(log.size()..size)).expect("appended");
    log.publish(&key()).expect("published");
    assert_eq!(vault.verify().expect("accepted").head.size, size);
}

#[test]
fn log_killed_before_its_first_checkpoint_opens_empty() {
    let vault = Vault::empty();
    let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
    log.append(0, &entries(0..300)).expect("appended");
    drop(log);
    let mut log = open(&vault).expect("opened");
    assert_eq!(log.size(), 0);
    assert!(!vault.file("tile/0/000").exists(), "what no checkpoint covers is gone");
    grow(&vault, &mut log, 280);
}

#[test]
fn entries_after_the_checkpoint_are_dropped_and_may_differ() {
    let vault = Vault::with(100);
    let mut log = open(&vault).expect("opened");
    let others: Vec<_> = (100..600).map(|index| entry(index + 1_000_000)).collect();
    log.append(100, &others).expect("appended");
    drop(log);
    assert!(vault.verify().expect("still accepted").beyond, "full tiles lie beyond the checkpoint");
    let mut log = open(&vault).expect("opened");
    assert_eq!(log.size(), 100);
    assert!(!vault.verify().expect("accepted").beyond);
    // Growing step by step passes every tile that the lost entries had filled.
    for size in [150, 256, 300, 512, 530, 600, 800] {
        grow(&vault, &mut log, size);
    }
}

#[test]
fn crash_between_partials_and_checkpoint_is_taken_up_again() {
    let vault = Vault::with(100);
    let newer = Vault::of(
        &(0..120)
            .map(|index| entry(if index < 100 { index } else { index + 9 }))
            .collect::<Vec<_>>(),
    );
    for file in ["tile/0/000.p/120", "tile/entries/000.p/120"] {
        fs::copy(newer.file(file), vault.file(file)).expect("copied");
    }
    vault.write("tile/0/000.p/130.tmp", b"torn");
    vault.write("checkpoint.tmp", b"torn");
    let mut log = open(&vault).expect("opened");
    assert_eq!(log.size(), 100);
    assert!(!vault.file("tile/0/000.p/120").exists());
    grow(&vault, &mut log, 120);
    grow(&vault, &mut log, 300);
    assert!(!vault.file("tile/0/000.p").exists(), "partial files go once the full tile is covered");
}

#[test]
fn lost_partial_file_is_found_at_open() {
    for file in ["tile/0/001.p/44", "tile/entries/001.p/44", "tile/1/000.p/1"] {
        let vault = Vault::with(300);
        vault.remove(file);
        assert!(
            matches!(open(&vault), Err(LogError::FileDamaged { path }) if path.to_str() == Some(file)),
            "{file}"
        );
    }
}

#[test]
fn changed_right_edge_is_found_at_open() {
    for file in ["tile/0/001.p/44", "tile/entries/001.p/44", "tile/1/000.p/1"] {
        let vault = Vault::with(300);
        vault.change(file, |bytes| bytes[20] ^= 1);
        assert!(matches!(open(&vault), Err(LogError::EdgeDiffers)), "{file}");
    }
}

#[test]
fn checkpoint_by_another_key_or_of_another_log_is_not_continued() {
    let vault = Vault::signed_by(&Key::new(ORIGIN, 2), &[&entries(0..3)]);
    assert!(matches!(open(&vault), Err(LogError::CheckpointInvalid)));
    let vault = Vault::with(3);
    let other = Log::open(&vault.path, "other.example/log", &key().public_key());
    assert!(matches!(other, Err(LogError::OriginDiffers)));
    vault.change("checkpoint", |bytes| bytes.push(b'\n'));
    assert!(matches!(open(&vault), Err(LogError::CheckpointInvalid)));
}

#[test]
fn log_is_open_in_one_place_at_a_time() {
    let vault = Vault::empty();
    let log = Log::create(&vault.path, ORIGIN).expect("a new log");
    assert!(matches!(open(&vault), Err(LogError::Locked)));
    drop(log);
    assert!(open(&vault).is_ok());
}

#[test]
fn new_log_wants_an_empty_directory_and_a_plain_name() {
    let vault = Vault::with(1);
    assert!(matches!(Log::create(&vault.path, ORIGIN), Err(LogError::NotEmpty)));
    for origin in ["", "a b", "a+b", "a\nb"] {
        assert!(matches!(Log::create(&Vault::empty().path, origin), Err(LogError::OriginInvalid)));
    }
}

#[test]
fn replay_is_skipped_if_equal_and_refused_if_not() {
    let vault = Vault::with(600);
    let mut log = open(&vault).expect("opened");
    log.append(0, &entries(0..610)).expect("a replay that goes on");
    assert_eq!(log.size(), 610);
    for index in [3, 300, 605] {
        let refused = log.append(index, &[entry(index + 1)]);
        assert!(matches!(refused, Err(LogError::ReplayDiffers { index: at }) if at == index));
    }
    assert!(matches!(log.append(612, &[entry(612)]), Err(LogError::Gap { first: 612, size: 610 })));
    grow(&vault, &mut log, 700);
}

#[test]
fn entry_at_the_limit_is_taken_and_a_longer_one_is_refused() {
    let vault = Vault::empty();
    let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
    log.append(0, &[vec![b'a'; 65_535]]).expect("at the limit");
    let refused = log.append(1, &[vec![b'a'; 65_536]]);
    assert!(matches!(refused, Err(LogError::EntryTooLarge { index: 1, bytes: 65_536 })));
    log.append(1, &[entry(1)]).expect("the log goes on");
}

#[test]
fn file_replaced_under_the_writer_stops_it() {
    type Change = fn(&Vault);
    let swap = |vault: &Vault, file: &str| {
        vault.write("copy", vault.read(file));
        fs::rename(vault.file("copy"), vault.file(file)).expect("replaced");
    };
    let changes: [(&str, Change); 7] = [
        ("checkpoint unlinked", |vault| vault.remove("checkpoint")),
        ("lock unlinked", |vault| vault.remove("lock")),
        ("checkpoint made longer", |vault| vault.change("checkpoint", |bytes| bytes.push(b'\n'))),
        ("partial bundle unlinked", |vault| vault.remove("tile/entries/001.p/44")),
        ("partial tile turned into a link", |vault| {
            fs::rename(vault.file("tile/0/001.p/44"), vault.file("elsewhere")).expect("moved");
            std::os::unix::fs::symlink(vault.file("elsewhere"), vault.file("tile/0/001.p/44"))
                .expect("linked");
        }),
        ("directory replaced by a copy", |vault| {
            let aside = vault.path.with_extension("old");
            fs::rename(&vault.path, &aside).expect("moved");
            copy(&aside, &vault.path);
        }),
        ("directory gone", |vault| fs::remove_dir_all(&vault.path).expect("removed")),
    ];
    for (what, change) in changes {
        let vault = Vault::with(300);
        let mut log = open(&vault).expect("opened");
        change(&vault);
        assert!(matches!(log.append(300, &[entry(300)]), Err(LogError::Replaced)), "{what}");
        assert!(matches!(log.publish(&key()), Err(LogError::Poisoned)), "{what}");
    }
    let vault = Vault::with(300);
    let mut log = open(&vault).expect("opened");
    swap(&vault, "checkpoint");
    assert!(matches!(log.publish(&key()), Err(LogError::Replaced)));
}

#[test]
fn checkpoint_that_appears_by_itself_stops_the_writer() {
    let vault = Vault::empty();
    let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
    vault.write("checkpoint", Vault::with(3).read("checkpoint"));
    assert!(matches!(log.append(0, &[entry(0)]), Err(LogError::Replaced)));
}

#[test]
fn directory_that_is_a_link_is_not_opened() {
    let vault = Vault::with(3);
    let link = Vault::empty();
    std::os::unix::fs::symlink(&vault.path, &link.path).expect("linked");
    assert!(matches!(open(&link), Err(LogError::NotADirectory)));
}

#[test]
fn error_of_a_write_poisons_the_log() {
    let vault = Vault::with(255);
    let mut log = open(&vault).expect("opened");
    // A directory in the place of the tile that the next entry fills.
    fs::create_dir(vault.file("tile/0/000")).expect("made");
    assert!(matches!(log.append(255, &[entry(255)]), Err(LogError::Io(_))));
    assert!(matches!(log.append(255, &[entry(255)]), Err(LogError::Poisoned)));
    assert_eq!(vault.checkpoint().lines().nth(1), Some("255"), "nothing was signed");
}

#[test]
fn signer_of_another_name_or_with_a_wrong_key_signs_nothing() {
    struct Mixed(Key, Key);
    impl gridvault_audit::NoteSigner for Mixed {
        fn key_name(&self) -> &str {
            self.0.key_name()
        }
        fn public_key(&self) -> [u8; 32] {
            self.0.public_key()
        }
        fn sign(&self, message: &[u8]) -> [u8; 64] {
            self.1.sign(message)
        }
    }
    let vault = Vault::empty();
    let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
    log.append(0, &entries(0..3)).expect("appended");
    assert!(matches!(log.publish(&Key::new("other.example/log", 1)), Err(LogError::SignerName)));
    assert!(matches!(
        log.publish(&Mixed(key(), Key::new(ORIGIN, 2))),
        Err(LogError::SignatureRejected)
    ));
    assert!(!vault.file("checkpoint").exists());
    grow(&vault, &mut log, 5);
}

#[test]
fn publishing_again_without_new_entries_changes_nothing() {
    let vault = Vault::empty();
    let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
    grow(&vault, &mut log, 300);
    let before = fs::metadata(vault.file("checkpoint")).expect("there");
    let again = log.publish(&key()).expect("published");
    let after = fs::metadata(vault.file("checkpoint")).expect("there");
    assert_eq!(again.size, 300);
    assert_eq!(
        std::os::unix::fs::MetadataExt::ino(&before),
        std::os::unix::fs::MetadataExt::ino(&after)
    );
}
