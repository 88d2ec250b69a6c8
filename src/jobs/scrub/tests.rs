//! What a part of the scrub says of records, given rows and entries by hand.
//! Never a store: that rounds find what was done to a real one is shown over the program (tests/product/scrub.rs).
//! Each test names one way in which a store and its log can differ.

use super::part::{Handle, Part, Stand};
use crate::limits::{SCRUB_PART_COUNT, SCRUB_REPORTED_COUNT_MAX};
use crate::trail::ScrubCounts;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// Entries below this index were applied when the round of these tests began.
const BEGUN: u64 = 100;

const RECORD: Handle = [7; 16];

fn part() -> Part {
    Part::new(0, 1, BEGUN, 0)
}

fn stand(index: u64, version: u64) -> Stand {
    Stand { index, version, digest: [version as u8; 32] }
}

/// An entry that leaves the record at this version, with the digest of [`stand`].
fn left(handle: Handle, version: u64) -> Vec<u8> {
    let rec = BASE64_URL_SAFE_NO_PAD.encode(handle);
    let dig = BASE64_URL_SAFE_NO_PAD.encode([version as u8; 32]);
    let (act, before) = if version == 1 { ("create", 0) } else { ("update", version - 1) };
    format!(
        r#"{{"ev":"data","act":"{act}","out":"success","rec":["{rec}"],"ver":[{before},{version}],"dig":"{dig}"}}"#
    )
    .into_bytes()
}

fn removed(handle: Handle, version: u64) -> Vec<u8> {
    let rec = BASE64_URL_SAFE_NO_PAD.encode(handle);
    format!(
        r#"{{"ev":"data","act":"delete","out":"success","rec":["{rec}"],"ver":[{version},{}]}}"#,
        version + 1
    )
    .into_bytes()
}

fn read(handle: Handle, version: u64) -> Vec<u8> {
    let rec = BASE64_URL_SAFE_NO_PAD.encode(handle);
    format!(
        r#"{{"ev":"data","act":"read","out":"success","rec":["{rec}"],"ver":[{version},{version}]}}"#
    )
    .into_bytes()
}

#[track_caller]
fn assert_found(part: Part, expected: ScrubCounts) {
    let verdict = part.judge();
    assert_eq!(verdict.counts, expected);
    let handles: &[Handle] = if expected.faults() > expected.unreadable { &[RECORD] } else { &[] };
    assert_eq!(verdict.handles, handles);
}

#[test]
fn record_as_its_last_entry_left_it_is_judged() {
    let mut part = part();
    part.stored(RECORD, stand(5, 2));
    part.entry(3, &left(RECORD, 1));
    part.entry(5, &left(RECORD, 2));
    part.entry(6, &read(RECORD, 2));
    assert_found(part, ScrubCounts { judged: 1, ..ScrubCounts::default() });
}

#[test]
fn row_that_was_put_back_to_an_older_state_differs() {
    let mut part = part();
    part.stored(RECORD, stand(3, 1));
    part.entry(3, &left(RECORD, 1));
    part.entry(5, &left(RECORD, 2));
    assert_found(part, ScrubCounts { changed: 1, ..ScrubCounts::default() });
}

#[test]
fn further_record_of_an_entry_is_judged_by_its_digest_whatever_version_the_first_one_has() {
    let first = BASE64_URL_SAFE_NO_PAD.encode([1; 16]);
    let further = BASE64_URL_SAFE_NO_PAD.encode(RECORD);
    let digest = BASE64_URL_SAFE_NO_PAD.encode([4; 32]);
    let entry = format!(
        r#"{{"ev":"consent","act":"withdraw","out":"success","rec":["{first}","{further}"],"ver":[1,2],"dig":"{digest}","x":{{"dig_1":"{digest}"}}}}"#
    );
    let mut part = part();
    part.stored([1; 16], Stand { digest: [4; 32], ..stand(9, 2) });
    part.stored(RECORD, stand(9, 4));
    part.entry(9, entry.as_bytes());
    assert_found(part, ScrubCounts { judged: 2, ..ScrubCounts::default() });
}

#[test]
fn log_that_was_pruned_while_rows_were_looked_at_leaves_them_unjudged() {
    let mut part = part();
    part.stored(RECORD, stand(20, 1));
    part.begins_at(50);
    assert_found(part, ScrubCounts { unjudged: 1, ..ScrubCounts::default() });
}

#[test]
fn row_of_other_bytes_than_its_entry_says_differs() {
    let mut part = part();
    part.stored(RECORD, Stand { digest: [0xee; 32], ..stand(3, 1) });
    part.entry(3, &left(RECORD, 1));
    assert_found(part, ScrubCounts { changed: 1, ..ScrubCounts::default() });
}

#[test]
fn row_that_names_another_entry_than_the_one_that_left_it_differs() {
    let mut part = part();
    part.stored(RECORD, stand(4, 1));
    part.entry(3, &left(RECORD, 1));
    assert_found(part, ScrubCounts { changed: 1, ..ScrubCounts::default() });
}

#[test]
fn record_whose_row_is_gone_is_missing() {
    let mut part = part();
    part.entry(3, &left(RECORD, 1));
    assert_found(part, ScrubCounts { missing: 1, ..ScrubCounts::default() });
}

#[test]
fn row_that_no_entry_made_is_unknown() {
    let mut part = part();
    part.stored(RECORD, stand(3, 1));
    assert_found(part, ScrubCounts { unknown: 1, ..ScrubCounts::default() });
}

#[test]
fn row_that_came_back_after_its_removal_is_unknown() {
    let mut part = part();
    part.stored(RECORD, stand(3, 1));
    part.entry(3, &left(RECORD, 1));
    part.entry(5, &removed(RECORD, 1));
    assert_found(part, ScrubCounts { unknown: 1, ..ScrubCounts::default() });
}

#[test]
fn record_that_was_removed_leaves_nothing_to_judge() {
    let mut part = part();
    part.entry(3, &left(RECORD, 1));
    part.entry(5, &removed(RECORD, 1));
    assert_found(part, ScrubCounts::default());
}

#[test]
fn record_that_changed_since_the_round_began_is_left_to_the_next_one_and_one_before_is_not() {
    for (last, expected) in [
        (BEGUN, ScrubCounts { postponed: 1, ..ScrubCounts::default() }),
        (BEGUN - 1, ScrubCounts { changed: 1, ..ScrubCounts::default() }),
    ] {
        let mut part = part();
        part.stored(RECORD, stand(3, 1));
        part.entry(3, &left(RECORD, 1));
        part.entry(last, &left(RECORD, 2));
        assert_found(part, expected);
    }
}

#[test]
fn record_that_came_since_the_round_began_is_not_missing() {
    let mut part = part();
    part.entry(BEGUN, &left(RECORD, 1));
    assert_found(part, ScrubCounts { postponed: 1, ..ScrubCounts::default() });
}

#[test]
fn row_that_claims_an_entry_since_the_round_began_must_have_it() {
    let mut part = part();
    part.stored(RECORD, stand(BEGUN + 5, 1));
    assert_found(part, ScrubCounts { unknown: 1, ..ScrubCounts::default() });
}

#[test]
fn record_whose_last_entry_was_pruned_is_not_judged_and_a_younger_one_without_entry_is_unknown() {
    for (index, expected) in [
        (49, ScrubCounts { unjudged: 1, ..ScrubCounts::default() }),
        (50, ScrubCounts { unknown: 1, ..ScrubCounts::default() }),
    ] {
        let mut part = Part::new(0, 1, BEGUN, 50);
        part.stored(RECORD, stand(index, 1));
        assert_found(part, expected);
    }
}

#[test]
fn parts_share_records_out_and_damaged_rows_are_counted_once() {
    let mut counts = ScrubCounts::default();
    for number in 0..3 {
        let mut part = Part::new(number, 3, BEGUN, 0);
        for at in 0..30 {
            let handle = [at; 16];
            part.stored(handle, stand(u64::from(at), 1));
            part.entry(at.into(), &left(handle, 1));
        }
        part.unreadable();
        let found = part.judge().counts;
        assert!(found.judged > 0 && found.judged < 30, "{found:?}");
        counts.judged += found.judged;
        counts.unreadable += found.unreadable;
    }
    assert_eq!(counts, ScrubCounts { judged: 30, unreadable: 1, ..ScrubCounts::default() });
}

#[test]
fn entry_names_no_more_records_than_its_bound() {
    for (count, named) in [
        (SCRUB_REPORTED_COUNT_MAX, SCRUB_REPORTED_COUNT_MAX),
        (SCRUB_REPORTED_COUNT_MAX + 1, SCRUB_REPORTED_COUNT_MAX),
    ] {
        let mut part = part();
        for at in 0..count {
            part.stored([u8::try_from(at).expect("few"); 16], stand(1, 1));
        }
        let verdict = part.judge();
        assert_eq!((verdict.counts.unknown, verdict.handles.len()), (count as u64, named));
    }
}

#[test]
fn part_is_overfull_above_twice_its_size_and_not_at_it() {
    let mut part = part();
    for at in 0..2 * SCRUB_PART_COUNT as u128 {
        part.stored(at.to_be_bytes(), stand(1, 1));
    }
    assert!(!part.is_overfull());
    part.stored([0xff; 16], stand(1, 1));
    assert!(part.is_overfull());
}
