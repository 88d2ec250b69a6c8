//! Requirements on the counts of keys: at the limit and one beyond, over the end of a process, and when another key follows.
//! Never a use that is not covered by what is on the disk.

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::keyring::Keyring;
use crate::month::Month;
use crate::root::RootKey;

const SUBJECT: [u8; 16] = [0; 16];
/// SHA-256 of sixteen zero bytes begins with 0x374.
const BUCKET: u16 = 0x374;
const ACTOR: [u8; 16] = [1; 16];

struct Bench {
    _directory: TempDir,
    path: PathBuf,
    root: RootKey,
    bounds: UseBounds,
}

impl Bench {
    fn new(uses_max: u64, block: u64) -> (Bench, Keyring) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = RootKey::generate().expect("randomness");
        let path = directory.path().join("keyring");
        let bounds = UseBounds { uses_max, block };
        let keyring = Keyring::create_within(&path, &root, month(), bounds).expect("a new ring");
        (Bench { _directory: directory, path, root, bounds }, keyring)
    }

    fn again(&self) -> Keyring {
        Keyring::open_within(&self.path, &self.root, self.bounds).expect("a ring").0
    }
}

fn month() -> Month {
    Month::from_year_month(2026, 3).expect("in range")
}

fn used(keyring: &Keyring, kind: &str) -> u64 {
    let uses = keyring.uses();
    uses.iter().find(|uses| uses.kind == kind).expect("a kind").most
}

type Seal = fn(&Keyring) -> Result<Vec<u8>, KeyError>;

/// Each kind of key that seals what a vault keeps.
const SEALS: [(&str, Seal); 3] = [
    ("header", |keyring| keyring.seal_attributes(b"row", b"attributes")),
    ("subjects", |keyring| Ok(keyring.wrap_new_subject_key(&SUBJECT)?.1)),
    ("context", |keyring| keyring.seal_context(month(), &ACTOR, b"entry", b"reason")),
];

#[test]
fn a_key_seals_as_often_as_the_limit_and_once_more_it_does_not_while_all_of_it_opens() {
    for (kind, seal) in SEALS {
        let (bench, keyring) = Bench::new(10, 100);
        let sealed: Vec<Vec<u8>> =
            (0..10).map(|_| seal(&keyring)).collect::<Result<_, _>>().expect("up to the limit");
        for _ in 0..3 {
            assert!(matches!(seal(&keyring), Err(KeyError::KeyUsedUp)), "{kind}");
        }
        assert_eq!(used(&keyring, kind), 10, "what was refused is no use");
        for (other, seal) in SEALS.iter().filter(|(other, _)| *other != kind) {
            assert!(seal(&keyring).is_ok(), "{other} beside {kind}");
        }
        let opens = |keyring: &Keyring, sealed: &[u8]| match kind {
            "header" => keyring.open_attributes(b"row", sealed).is_ok(),
            "subjects" => keyring.unwrap_subject_key(&SUBJECT, sealed).is_ok(),
            _ => keyring.open_context(&ACTOR, b"entry", sealed).is_ok(),
        };
        assert!(sealed.iter().all(|sealed| opens(&keyring, sealed)), "{kind}");
        let again = bench.again();
        assert!(matches!(seal(&again), Err(KeyError::KeyUsedUp)), "{kind}: in the next process");
        assert!(sealed.iter().all(|sealed| opens(&again, sealed)), "{kind}");
    }
}

#[test]
fn beyond_the_limit_there_are_a_few_uses_for_what_it_takes_to_have_another_key_and_no_more() {
    let (bench, keyring) = Bench::new(4, u64::MAX);
    for (_, seal) in SEALS {
        while seal(&keyring).is_ok() {}
    }
    drop(keyring);
    // A few times whatever is there has ended, and is there again.
    (0..10).for_each(|_| drop(bench.again()));
    let keyring = bench.again();
    let seals: [Seal; 2] = [
        |keyring| keyring.seal_upkeep(b"row", b"rotation"),
        |keyring| keyring.seal_context_of_upkeep(month(), &ACTOR, b"entry", b"reason"),
    ];
    for (at, seal) in [HEADER_AT, MONTHS_START].into_iter().zip(seals) {
        for _ in 0..KEY_USES_UPKEEP_BLOCK {
            assert!(seal(&keyring).is_ok());
        }
        assert!(matches!(seal(&keyring), Err(KeyError::UsesUncounted)));
        keyring.reserve_uses().expect("written");
        assert!(seal(&keyring).is_ok());
        let last = 4 + KEY_USES_UPKEEP - 1;
        keyring.uses.counts[at].used.store(last, Ordering::Relaxed);
        keyring.reserve_uses().expect("written");
        assert!(seal(&keyring).is_ok());
        keyring.reserve_uses().expect("nothing left");
        assert!(matches!(seal(&keyring), Err(KeyError::KeyUsedUp)));
    }
    keyring.draw_next_bucket_keys(&[BUCKET]).expect("the ring itself is sealed");
}

#[test]
fn a_ring_that_was_put_back_has_its_keys_of_before_counted_as_used_a_good_deal() {
    let (bench, keyring) = Bench::new(6_400, 10);
    let before = std::fs::read(&bench.path).expect("a ring");
    keyring.draw_next_bucket_keys(&[BUCKET]).expect("drawn");
    drop(keyring);
    std::fs::write(&bench.path, before).expect("put back");
    let again = bench.again();
    assert!(again.uses_were_lost());
    assert_eq!(used(&again, "subjects"), 6_400 / UNKNOWN_SHARE);
    assert_eq!(used(&again, "header"), 10, "that of before and of now");
}

#[test]
fn counts_that_cannot_be_written_keep_another_key_from_sealing_and_not_from_being_there() {
    let (bench, keyring) = Bench::new(1_000, 10);
    std::fs::remove_file(path_beside(&bench.path)).expect("removed");
    std::fs::create_dir(path_beside(&bench.path)).expect("in its way");
    assert!(keyring.draw_next_bucket_keys(&[BUCKET]).is_err());
    let wrapped = keyring.wrap_new_subject_key(&SUBJECT);
    assert!(matches!(wrapped, Err(KeyError::UsesUncounted)), "what the disk has is in force");
    std::fs::remove_dir(path_beside(&bench.path)).expect("out of its way");
    keyring.reserve_uses().expect("written");
    let (_, wrapped) = keyring.wrap_new_subject_key(&SUBJECT).expect("counted now");
    assert!(bench.again().unwrap_subject_key(&SUBJECT, &wrapped).is_ok());
}

#[test]
fn whatever_a_process_used_when_it_ended_is_counted_by_the_next_one() {
    for (kind, seal) in SEALS {
        let (bench, mut keyring) = Bench::new(1_000, 10);
        let mut happened = 0;
        for uses in [7, 0, 1, 10, 3] {
            for _ in 0..uses {
                seal(&keyring).expect("durable ahead");
            }
            happened += uses;
            // No word at its end: as if it had been killed.
            drop(keyring);
            keyring = bench.again();
            assert!(used(&keyring, kind) >= happened, "{kind}");
        }
        assert_eq!(used(&keyring, kind), 5 * 10, "{kind}: a block of each process");
    }
}

#[test]
fn no_use_goes_beyond_what_is_durable_and_more_is_made_so_ahead() {
    let (bench, keyring) = Bench::new(1_000, 10);
    let seal = || keyring.seal_attributes(b"row", b"attributes");
    let on_disk = || std::fs::read(path_beside(&bench.path)).expect("a file");
    let before = on_disk();
    for _ in 0..5 {
        seal().expect("durable");
    }
    keyring.reserve_uses().expect("nothing to do");
    assert_eq!(on_disk(), before, "half of the block is left");
    for _ in 5..10 {
        seal().expect("durable");
    }
    assert!(matches!(seal(), Err(KeyError::UsesUncounted)));
    keyring.reserve_uses().expect("written");
    assert_ne!(on_disk(), before);
    for _ in 10..20 {
        seal().expect("durable");
    }
    assert!(matches!(seal(), Err(KeyError::UsesUncounted)));
    // A disk that takes nothing lets nobody seal uncounted.
    std::fs::remove_file(path_beside(&bench.path)).expect("removed");
    std::fs::create_dir(path_beside(&bench.path)).expect("in its way");
    assert!(keyring.reserve_uses().is_err());
    assert!(matches!(seal(), Err(KeyError::UsesUncounted)));
}

#[test]
fn a_key_that_follows_another_begins_a_count_of_its_own() {
    let (bench, keyring) = Bench::new(5, 100);
    let wrap = |keyring: &Keyring| keyring.wrap_new_subject_key(&SUBJECT).map(|(_, it)| it);
    let old = wrap(&keyring).expect("wrapped");
    while wrap(&keyring).is_ok() {}
    keyring.draw_next_bucket_keys(&[BUCKET]).expect("drawn");
    assert!(keyring.rewrapped(&SUBJECT, &old).is_ok());
    assert_eq!(used(&keyring, "subjects"), 1);
    let context = || keyring.seal_context(month(), &ACTOR, b"", b"");
    while context().is_ok() {}
    keyring.turn_contexts(month()).expect("turned");
    assert!(context().is_ok());
    // The ring itself was written twice for them; another root key begins anew too.
    assert_eq!(used(&keyring, "root"), 2 + 2 + 2);
    let other = RootKey::generate().expect("randomness");
    keyring.under_another_root(&other, || Ok(())).expect("turned");
    assert_eq!(used(&keyring, "root"), 2);
    assert_eq!(used(&keyring, "subjects"), 1);
    drop(keyring);
    let (again, _) = Keyring::open_within(&bench.path, &other, bench.bounds).expect("a ring");
    assert!(!again.uses_were_lost());
    assert_eq!(used(&again, "subjects"), 5 + KEY_USES_UPKEEP_BLOCK, "what was durable counts");
}

#[test]
fn counts_that_are_gone_or_were_changed_are_taken_for_many() {
    let (bench, keyring) = Bench::new(6_400, 70);
    assert!(!keyring.uses_were_lost());
    drop(keyring);
    let file = path_beside(&bench.path);
    let whole = std::fs::read(&file).expect("a file");
    assert_eq!(whole.len(), FILE_BYTES);
    let lost = || {
        let keyring = bench.again();
        assert_eq!(keyring.uses_were_lost(), used(&keyring, "header") == 6_400 / UNKNOWN_SHARE);
        keyring.uses_were_lost()
    };
    for at in [0, 8, 15, 16, COPY_BYTES - 17, COPY_BYTES - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        changed[COPY_BYTES + at] ^= 1;
        std::fs::write(&file, changed).expect("written");
        assert!(lost(), "byte {at}");
    }
    for cut in [0, 7, 8, COPY_BYTES - 1] {
        std::fs::write(&file, &whole[..cut]).expect("written");
        assert!(lost(), "cut at {cut}");
    }
    std::fs::remove_file(&file).expect("removed");
    assert!(lost());
    std::fs::write(&file, [&whole[..], &[0]].concat()).expect("written");
    assert!(lost());
    std::fs::write(&file, &whole).expect("written");
    assert_eq!(used(&bench.again(), "header"), 70);
}

#[test]
fn at_whichever_byte_the_writing_of_the_counts_ends_the_next_process_counts_none_too_few() {
    let (bench, keyring) = Bench::new(6_400, 10);
    let file = path_beside(&bench.path);
    let before = std::fs::read(&file).expect("a file");
    (0..10).for_each(|_| drop(keyring.seal_attributes(b"row", b"attributes").expect("durable")));
    keyring.reserve_uses().expect("written");
    drop(keyring);
    let after = std::fs::read(&file).expect("a file");
    for torn in [0, 1, 8, COPY_BYTES - 1, COPY_BYTES, COPY_BYTES + 1, 2 * COPY_BYTES - 1] {
        let found = [&after[..torn], &before[torn..]].concat();
        std::fs::write(&file, found).expect("written");
        let again = bench.again();
        assert!(!again.uses_were_lost(), "{torn}");
        // Nothing beyond the first ten was used before the writing came to its end.
        assert!([10, 20].contains(&used(&again, "header")), "{torn}");
    }
}

#[test]
fn four_fifths_of_the_limit_are_near_its_end_and_one_less_is_not() {
    let near = |most, max| KeyUses { kind: "header", most, max }.is_near_its_end();
    assert!(near(80, 100) && !near(79, 100));
    assert!(near(KEY_USES_MAX / 5 * 4 + 1, KEY_USES_MAX));
}

#[test]
fn nobody_counts_further_than_the_limit_of_all_keys() {
    let (_bench, keyring) = Bench::new(u64::MAX, 1);
    assert_eq!(keyring.uses()[0].max, KEY_USES_MAX);
}

#[test]
fn a_month_that_takes_the_place_of_another_counts_from_its_own_beginning() {
    let (bench, keyring) = Bench::new(100, 10);
    let seal = |keyring: &Keyring, month| keyring.seal_context(month, &ACTOR, b"entry", b"reason");
    for _ in 0..100 {
        keyring.reserve_uses().expect("written");
        seal(&keyring, month()).expect("up to the limit");
    }
    assert!(seal(&keyring, month()).is_err());
    let next = month().later(1).expect("in range");
    keyring.destroy_months_before(next).expect("destroyed");
    keyring.months_are_told(&[month()]).expect("kept");
    let last = month().later(CONTEXT_MONTHS).expect("in range");
    for keyring in [&keyring, &bench.again()] {
        assert!(seal(keyring, last).is_ok(), "where the first was used up");
        assert!(!keyring.uses_were_lost());
    }
}
