//! The store against the log: each way in which the two can part, by class and entry.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gridvault_audit::verify::{Class, DigestsHead, Finding, Ledger, VerifyError, verify_log};
use gridvault_audit::verify::{Expectations, Policy, Shelf};
use gridvault_audit::{Draft, Event, Outcome, Scalar};

use crate::support::{ORIGIN, Vault, encode, entry, key};

type Row = ([u8; 16], u64, [u8; 32]);

fn handle(number: u8) -> [u8; 16] {
    [number; 16]
}

fn digest(number: u8) -> [u8; 32] {
    [number; 32]
}

/// An entry about records: made or changed with these digests, or removed without.
fn about(event: Event, records: &[u8], versions: (u64, u64), digests: &[u8]) -> Draft<'static> {
    let mut draft = Draft::new(event, Outcome::Success, [9; 16]);
    draft.rec = records.iter().map(|number| handle(*number)).collect();
    draft.ver = Some(versions);
    draft.dig = digests.first().map(|number| digest(*number));
    for (at, number) in digests.iter().enumerate().skip(1) {
        let name = ["", "dig_1", "dig_2"][at];
        draft.detail.insert(name, Scalar::Bytes32(digest(*number)));
    }
    draft
}

/// A log about seven records: 1 made and changed, 2 made, 3 made and removed, 4 to 6 made together, 7 made and past its end.
fn vault() -> Vault {
    let mut refused = about(Event::DataUpdate, &[1], (2, 3), &[99]);
    refused.outcome = Outcome::Denied;
    (refused.why, refused.dig) = (Some("denied".into()), None);
    let drafts = [
        about(Event::DataCreate, &[1], (0, 1), &[11]),
        about(Event::DataCreate, &[2], (0, 1), &[21]),
        about(Event::DataCreate, &[3], (0, 1), &[31]),
        about(Event::DataRead, &[2], (1, 1), &[]),
        about(Event::DataUpdate, &[1], (1, 2), &[12]),
        refused,
        about(Event::DataDelete, &[3], (1, 2), &[77]),
        about(Event::DataHousehold, &[4, 5, 6], (0, 1), &[41, 51, 61]),
        about(Event::DataCreate, &[7], (0, 1), &[71]),
        about(Event::DataRetain, &[7], (1, 2), &[78]),
    ];
    let mut all = vec![entry(0), entry(1)];
    for draft in drafts {
        all.push(encode(&draft, all.len() as u64));
    }
    Vault::of(&all)
}

/// Entries of [`vault`].
const SIZE: u64 = 12;

/// The rows as the log leaves them.
fn rows() -> Vec<Row> {
    vec![
        (handle(1), 2, digest(12)),
        (handle(2), 1, digest(21)),
        (handle(4), 1, digest(41)),
        (handle(5), 1, digest(51)),
        (handle(6), 1, digest(61)),
    ]
}

fn list(origin: &str, size: u64, rows: &[Row]) -> String {
    let mut text =
        format!("gridvault-digests v1\nlog {origin}\nsize {size}\nrecords {}\n", rows.len());
    for (handle, version, digest) in rows {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        text += &format!("{} {version} {}\n", encode(handle), encode(digest));
    }
    text
}

/// The same in the form that names the entry of each record.
fn list_naming(size: u64, rows: &[(Row, u64)]) -> String {
    let all: Vec<Row> = rows.iter().map(|(row, _)| *row).collect();
    let text = list(ORIGIN, size, &all).replace("digests v1", "digests v2");
    let all: Vec<&str> = text.lines().collect();
    let (head, lines) = all.split_at(4);
    let lines = lines.iter().zip(rows).map(|(line, (_, index))| format!("{line} {index}\n"));
    head.iter().map(|line| format!("{line}\n")).chain(lines).collect()
}

/// Judges a list in so many parts, as the program does.
fn judge_in(parts: u64, text: &str) -> Result<(), VerifyError> {
    let vault = vault();
    for part in 0..parts {
        let mut ledger = Ledger::read(&mut text.as_bytes(), part, parts)?;
        verify_log(
            Shelf::open(&vault.path).expect("a log"),
            &Policy::of_log(key().verifier()),
            &Expectations::default(),
            &mut ledger,
        )?;
        assert!(!ledger.is_overfull());
        ledger.judge()?;
    }
    Ok(())
}

fn finding(rows: &[Row]) -> Finding {
    match judge_in(1, &list(ORIGIN, SIZE, rows)) {
        Err(VerifyError::Tampered(finding)) => finding,
        other => panic!("tampering was not found: {other:?}"),
    }
}

fn changed(change: impl FnOnce(&mut Vec<Row>)) -> (Class, Option<u64>) {
    let mut rows = rows();
    change(&mut rows);
    let finding = finding(&rows);
    (finding.class, finding.index)
}

#[test]
fn store_that_is_as_the_log_left_it_is_accepted_in_any_number_of_parts() {
    for parts in [1, 2, 3, 7] {
        judge_in(parts, &list(ORIGIN, SIZE, &rows())).expect("accepted");
    }
    let mut backwards = rows();
    backwards.reverse();
    judge_in(1, &list(ORIGIN, SIZE, &backwards)).expect("order does not matter");
}

#[test]
fn older_version_of_a_record_is_found() {
    let older = changed(|rows| rows[0] = (handle(1), 1, digest(11)));
    assert_eq!(older, (Class::RecordChanged, Some(6)));
}

#[test]
fn other_bytes_of_the_right_version_are_found() {
    assert_eq!(changed(|rows| rows[1].2[31] ^= 1), (Class::RecordChanged, Some(3)));
    assert_eq!(changed(|rows| rows[4].2[0] ^= 1), (Class::RecordChanged, Some(9)));
}

#[test]
fn newer_version_without_its_entry_is_found() {
    assert_eq!(changed(|rows| rows[1].1 = 2), (Class::RecordChanged, Some(3)));
}

#[test]
fn records_with_each_others_content_are_found() {
    let swapped = changed(|rows| {
        let first = rows[1].2;
        rows[1].2 = rows[2].2;
        rows[2].2 = first;
    });
    assert_eq!(swapped, (Class::RecordChanged, Some(3)));
}

#[test]
fn missing_record_is_found() {
    assert_eq!(changed(|rows| rows.truncate(4)), (Class::RecordMissing, Some(9)));
}

#[test]
fn record_without_an_entry_is_found() {
    let added = changed(|rows| rows.push((handle(8), 1, digest(81))));
    assert_eq!(added, (Class::RecordUnknown, None));
}

#[test]
fn record_that_was_removed_and_is_there_again_is_found() {
    let back = changed(|rows| rows.push((handle(3), 1, digest(31))));
    assert_eq!(back, (Class::RecordUnknown, Some(8)));
    let back = changed(|rows| rows.push((handle(7), 1, digest(71))));
    assert_eq!(back, (Class::RecordUnknown, Some(11)));
}

#[test]
fn record_from_before_a_restore_is_not_judged_and_one_of_since_is() {
    let first = Draft::new(Event::SysRestore, Outcome::Success, [9; 16]);
    let made = about(Event::DataCreate, &[1], (0, 1), &[11]);
    let vault = Vault::of(&[encode(&first, 0), encode(&made, 1)]);
    let judge = |rows: &[Row]| {
        let mut ledger = Ledger::read(&mut list(ORIGIN, 2, rows).as_bytes(), 0, 1)?;
        let shelf = Shelf::open(&vault.path)?;
        verify_log(
            shelf,
            &Policy::of_log(key().verifier()),
            &Expectations::default(),
            &mut ledger,
        )?;
        ledger.judge().map(|()| ledger.unjudged())
    };
    let before = (handle(7), 3, digest(70));
    let since = (handle(1), 1, digest(11));
    assert_eq!(judge(&[since, before]).expect("accepted"), 1);
    assert!(judge(&[before]).is_err(), "one of since is missing");
    assert!(judge(&[(handle(1), 1, digest(12)), before]).is_err());
}

/// What is made of a list that names entries, of a log whose entry 0 is of a restore.
fn judged_behind_a_restore(rows: &[(Row, u64)]) -> Result<u64, VerifyError> {
    let first = Draft::new(Event::SysRestore, Outcome::Success, [9; 16]);
    let made = about(Event::DataCreate, &[1], (0, 1), &[11]);
    let read = about(Event::DataRead, &[1], (1, 1), &[]);
    let vault = Vault::of(&[encode(&first, 0), encode(&made, 1), encode(&read, 2)]);
    let mut ledger = Ledger::read(&mut list_naming(3, rows).as_bytes(), 0, 1)?;
    verify_log(
        Shelf::open(&vault.path)?,
        &Policy::of_log(key().verifier()),
        &Expectations::default(),
        &mut ledger,
    )?;
    ledger.judge().map(|()| ledger.unjudged())
}

#[test]
fn record_that_no_entry_made_is_found_behind_a_restore_and_one_from_before_it_is_counted() {
    let since = ((handle(1), 1, digest(11)), 1);
    let before = ((handle(7), 3, digest(70)), 0);
    assert_eq!(judged_behind_a_restore(&[since, before]).expect("accepted"), 1);
    let planted = ((handle(8), 1, digest(81)), 2);
    let Err(VerifyError::Tampered(finding)) = judged_behind_a_restore(&[since, before, planted])
    else {
        panic!("not found")
    };
    assert_eq!((finding.class, finding.index), (Class::RecordUnknown, None));
}

#[test]
fn record_that_names_another_entry_than_its_last_one_is_found() {
    let indexes = [6, 3, 9, 9, 9];
    let named: Vec<(Row, u64)> = rows().into_iter().zip(indexes).collect();
    judge_in(1, &list_naming(SIZE, &named)).expect("accepted");
    judge_in(3, &list_naming(SIZE, &named)).expect("accepted in parts");
    let mut other = named;
    other[0].1 = 2;
    let Err(VerifyError::Tampered(finding)) = judge_in(1, &list_naming(SIZE, &other)) else {
        panic!("not found")
    };
    assert_eq!((finding.class, finding.index), (Class::RecordChanged, Some(6)));
}

#[test]
fn lists_that_name_entries_are_refused_without_them() {
    let named: Vec<(Row, u64)> = rows().into_iter().zip([6, 3, 9, 9, 9]).collect();
    let good = list_naming(SIZE, &named);
    for text in [
        good.replace("v2", "v1"),
        good.replace("v2", "v3"),
        good.replace("v2", "v22"),
        good.replace(" 6\n", "\n"),
        good.replace(" 6\n", " 06\n"),
        good.replace(" 6\n", " 6 7\n"),
    ] {
        let refused = judge_in(1, &text);
        assert!(matches!(refused, Err(VerifyError::DigestsRefused(_))), "{text}: {refused:?}");
    }
    assert!(DigestsHead::read(&mut good.as_bytes()).expect("a head").names_entries);
}

#[test]
fn earliest_of_several_differences_is_named() {
    let several = changed(|rows| {
        rows[3].2[0] ^= 1;
        rows[1].2[0] ^= 1;
        rows.push((handle(8), 1, digest(81)));
    });
    assert_eq!(several, (Class::RecordChanged, Some(3)));
}

#[test]
fn list_made_before_the_last_entries_is_judged_by_those_it_covers() {
    let rows = vec![(handle(1), 1, digest(11)), (handle(2), 1, digest(21))];
    judge_in(2, &list(ORIGIN, 4, &rows)).expect("accepted");
    assert!(judge_in(1, &list(ORIGIN, 5, &rows)).is_err(), "record 3 is made by then");
}

#[test]
fn lists_of_another_form_are_refused_as_unusable() {
    let good = list(ORIGIN, SIZE, &rows());
    let twice = list(ORIGIN, SIZE, &[rows(), rows()].concat());
    let long = format!("gridvault-digests v1\nlog {}\n", "a".repeat(300));
    for text in [
        String::new(),
        good.replace("v1", "v2"),
        good.replace("records 5", "records 4"),
        good.replace("records 5", "records 05"),
        good.replace("size 12", "size twelve"),
        good.replace("log vault", "log  vault"),
        good.trim_end().to_owned(),
        good.replace(" 2 ", "  "),
        good.replace(" 2 ", " 2 3 "),
        good.replacen('A', "\u{fffd}", 1),
        good.clone() + "\n",
        twice,
        long,
    ] {
        let refused = judge_in(1, &text);
        assert!(matches!(refused, Err(VerifyError::DigestsRefused(_))), "{text}: {refused:?}");
    }
    let head = DigestsHead::read(&mut good.as_bytes()).expect("a head");
    assert_eq!((head.origin.as_str(), head.size, head.records, head.parts()), (ORIGIN, 12, 5, 1));
}

#[test]
fn entry_that_changes_records_and_hides_a_digest_is_found() {
    let mut all = vec![entry(0), entry(1)];
    all.push(encode(&about(Event::DataHousehold, &[4, 5], (0, 1), &[41]), 2));
    let vault = Vault::of(&all);
    let text = list(ORIGIN, 3, &[(handle(4), 1, digest(41)), (handle(5), 1, digest(51))]);
    let mut ledger = Ledger::read(&mut text.as_bytes(), 0, 1).expect("a list");
    verify_log(
        Shelf::open(&vault.path).expect("a log"),
        &Policy::of_log(key().verifier()),
        &Expectations::default(),
        &mut ledger,
    )
    .expect("the log alone is whole");
    let Err(VerifyError::Tampered(finding)) = ledger.judge() else { panic!("not found") };
    assert_eq!((finding.class, finding.index), (Class::EntryMalformed, Some(2)));
}
