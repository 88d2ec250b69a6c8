//! Writer and verifier were written apart and must agree; readers give what was written.

use std::os::unix::fs::PermissionsExt as _;

use gridvault_audit::verify::{Class, verify_proof};
use gridvault_audit::{Log, LogError, LogReader, leaf_hash};
use proptest::prelude::*;

use crate::support::{Key, ORIGIN, Vault, entries, entry, key};

#[test]
fn every_size_up_to_600_is_accepted_with_the_writers_root() {
    let vault = Vault::empty();
    let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
    for size in 0..=600 {
        let written = log.publish(&key()).expect("published");
        let summary = vault.verify().expect("accepted");
        assert_eq!((summary.head.size, summary.head.root), (size, written.root));
        assert!(!summary.beyond);
        log.append(size, &[entry(size)]).expect("appended");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn batches_publications_and_restarts_do_not_change_the_tree(
        batches in proptest::collection::vec((0u64..300, any::<bool>(), any::<bool>()), 1..6),
    ) {
        let vault = Vault::empty();
        let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
        let mut durable = 0;
        for (count, publish, restart) in batches {
            let from = log.size();
            log.append(from, &entries(from..from + count)).expect("appended");
            if publish {
                durable = log.publish(&key()).expect("published").size;
            }
            if restart {
                drop(log);
                log = Log::open(&vault.path, ORIGIN, &gridvault_audit::NoteSigner::public_key(&key())).expect("opened");
                prop_assert_eq!(log.size(), durable);
            }
        }
        let size = log.size();
        let root = log.publish(&key()).expect("published").root;
        let summary = vault.verify().expect("accepted");
        prop_assert_eq!(summary.head.root, root);
        let straight = Vault::with(size).verify().expect("accepted");
        prop_assert_eq!(summary, straight);
    }
}

#[test]
fn log_that_grows_meanwhile_is_accepted_at_every_moment() {
    let vault = Vault::empty();
    let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
    log.publish(&key()).expect("published");
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            for batch in 0..120 {
                let from = log.size();
                log.append(from, &entries(from..from + batch % 37)).expect("appended");
                log.publish(&key()).expect("published");
            }
            log.size()
        });
        let mut before = 0;
        while !writer.is_finished() {
            let size = vault.verify().expect("accepted").head.size;
            assert!(size >= before);
            before = size;
        }
        let size = writer.join().expect("the writer ends");
        assert_eq!(vault.verify().expect("accepted").head.size, size);
    });
}

#[test]
fn tree_of_three_levels_is_accepted() {
    let vault = Vault::with(65_800);
    assert_eq!(vault.verify().expect("accepted").head.size, 65_800);
    assert_eq!(vault.read("tile/2/000.p/1").len(), 32);
    assert_eq!(vault.read("tile/1/001.p/1").len(), 32);
    vault.change("tile/2/000.p/1", |bytes| bytes[0] ^= 1);
    let finding = vault.finding();
    assert_eq!(
        (finding.class, finding.index, finding.level),
        (Class::TileChanged, Some(0), Some(2))
    );
    vault.change("tile/2/000.p/1", |bytes| bytes[0] ^= 1);
    vault.change("tile/1/000", |bytes| bytes[32 * 200] ^= 1);
    let finding = vault.finding();
    assert_eq!(
        (finding.class, finding.index, finding.level),
        (Class::TileChanged, Some(200 * 256), Some(1))
    );
}

#[test]
fn reader_gives_published_entries_alone() {
    let vault = Vault::empty();
    let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
    let reader = LogReader::open(&vault.path, ORIGIN).expect("a reader");
    assert_eq!(reader.checkpoint_text().expect("readable"), None);
    log.append(0, &entries(0..300)).expect("appended");
    assert!(matches!(reader.entry(0), Err(LogError::NotCovered { index: 0, size: 0 })));
    log.publish(&key()).expect("published");
    log.append(300, &entries(300..310)).expect("appended");
    assert_eq!(reader.size().expect("readable"), 300);
    assert_eq!(reader.entry(299).expect("covered"), entry(299));
    assert!(matches!(reader.entry(300), Err(LogError::NotCovered { index: 300, size: 300 })));
    assert_eq!(reader.entries(250, 10).expect("covered"), entries(250..260));
    assert_eq!(reader.entries(290, 1000).expect("covered"), entries(290..300));
    assert!(reader.entries(300, 10).expect("past the end").is_empty());
    assert!(matches!(
        LogReader::open(&vault.path, "other.example/log"),
        Err(LogError::OriginDiffers)
    ));
}

#[test]
fn every_inclusion_proof_holds_for_its_own_entry_alone() {
    for size in [1, 2, 3, 255, 256, 257, 511, 600] {
        let vault = Vault::with(size);
        let reader = LogReader::open(&vault.path, ORIGIN).expect("a reader");
        for index in (0..size).step_by(7).chain([size - 1]) {
            let file = reader.proof_file(index).expect("covered");
            let shown = verify_proof(file.as_bytes(), &key().verifier(), &leaf_hash(&entry(index)))
                .expect("holds");
            assert_eq!((shown.index, shown.head.size), (index, size));
            let other = leaf_hash(&entry(index + 1));
            let finding = verify_proof(file.as_bytes(), &key().verifier(), &other)
                .expect_err("another entry");
            assert_eq!((finding.class, finding.index), (Class::ProofWrong, Some(index)));
        }
        assert!(matches!(reader.inclusion_proof(size), Err(LogError::NotCovered { .. })));
    }
}

#[test]
fn proof_files_are_read_strictly() {
    let vault = Vault::with(300);
    let file =
        LogReader::open(&vault.path, ORIGIN).expect("a reader").proof_file(5).expect("covered");
    let leaf = leaf_hash(&entry(5));
    let class = |text: String| {
        verify_proof(text.as_bytes(), &key().verifier(), &leaf).map_err(|finding| finding.class)
    };
    assert!(class(file.clone()).is_ok());
    assert!(class(file.replace("index 5\n", "extra aGVsbG8=\nindex 5\n")).is_ok());
    let malformed = [
        file.replace("@v1", "@v2"),
        file.replace("index 5", "index 05"),
        file.replace("index 5", "index  5"),
        file.replace("index 5\n", ""),
        file.replace("index 5\n", "extra aGVsbG8\nindex 5\n"),
        file.replacen("=\n", "\n", 1),
        file.replacen("\n\n", "\n", 2),
        String::new(),
    ];
    for text in malformed {
        assert_eq!(class(text.clone()), Err(Class::ProofMalformed), "{text}");
    }
    assert_eq!(class(file.replace("index 5", "index 6")), Err(Class::ProofWrong));
    assert_eq!(class(file.replace("index 5", "index 300")), Err(Class::ProofWrong));
    let other = verify_proof(file.as_bytes(), &Key::new(ORIGIN, 2).verifier(), &leaf);
    assert_eq!(other.expect_err("another key").class, Class::KeyUnknown);
}

#[test]
fn files_of_the_log_belong_to_the_user_alone() {
    let vault = Vault::with(300);
    let mode = |path: &str| {
        std::fs::metadata(vault.file(path)).expect("there").permissions().mode() & 0o777
    };
    for file in ["checkpoint", "lock", "tile/0/000", "tile/entries/001.p/44"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    for directory in ["", "tile", "tile/0", "tile/entries/001.p"] {
        assert_eq!(mode(directory), 0o700, "{directory}");
    }
}
