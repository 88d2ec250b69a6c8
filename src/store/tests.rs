//! One suite over both engines, and what only an engine on disk can show.

use super::*;
use crate::records::RecordId;

fn both(test: impl Fn(Reader, Applier)) {
    let directory = tempfile::tempdir().expect("a directory");
    for kind in [EngineKind::Sled, EngineKind::Memory] {
        let path = directory.path().join(format!("{kind:?}"));
        let (reader, applier) = open(&path, kind, 16 << 20).expect("a store");
        test(reader, applier);
    }
}

/// An engine on disk, alone.
pub(super) fn opened(directory: &Path) -> Result<Engine, StoreError> {
    Engine::open(directory, EngineKind::Sled, 16 << 20)
}

pub(super) fn put(engine: &Engine) {
    engine.put(&row_key(1), Version(1), 1, b"sealed").expect("in memory");
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

fn row_key(number: u8) -> Key {
    Key::row(RecordId::from_bytes([number; 16]))
}

#[test]
fn a_put_is_read_back_with_its_version_and_entry() {
    both(|reader, mut applier| {
        let op = Op::Put(row_key(1), Version(3), b"sealed".to_vec());
        applier.apply([(7, &op)]).expect("applied");
        let stored = wait(reader.get(&row_key(1))).expect("read").expect("there");
        assert_eq!(stored, Stored { version: Version(3), index: 7, payload: b"sealed".to_vec() });
        assert_eq!(applier.version(&row_key(1)).expect("read"), Version(3));
        assert_eq!(applier.version(&row_key(2)).expect("read"), Version::ABSENT);
    });
}

#[test]
fn replaying_a_change_over_newer_state_gives_the_same_store() {
    both(|reader, mut applier| {
        let steps = [
            Op::Put(row_key(1), Version(1), b"a".to_vec()),
            Op::Put(row_key(2), Version(1), b"b".to_vec()),
            Op::Delete(row_key(1)),
        ];
        for _ in 0..2 {
            applier.apply(steps.iter().map(|op| (1, op))).expect("applied");
            assert_eq!(wait(reader.get(&row_key(1))).expect("read"), None);
            assert!(wait(reader.get(&row_key(2))).expect("read").is_some());
        }
    });
}

#[test]
fn a_scan_stays_inside_its_prefix_and_goes_on_after_a_key() {
    both(|reader, mut applier| {
        let term = [9; 18];
        let keys: Vec<Key> =
            (1..=3).map(|n| Key::term(&term, RecordId::from_bytes([n; 16]))).collect();
        let mut ops: Vec<Op> =
            keys.iter().map(|key| Op::Put(key.clone(), Version(1), vec![])).collect();
        ops.push(Op::Put(Key::term(&[10; 18], RecordId::from_bytes([1; 16])), Version(1), vec![]));
        ops.push(Op::Put(row_key(1), Version(1), vec![]));
        applier.apply(ops.iter().map(|op| (1, op))).expect("applied");
        let prefix = Key::term_prefix(&term);
        let first = wait(reader.scan(&prefix, None, 2)).expect("scanned");
        assert_eq!(first.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), keys[..2]);
        let rest = wait(reader.scan(&prefix, Some(&keys[1]), 9)).expect("scanned");
        assert_eq!(rest.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), keys[2..]);
    });
}

#[test]
fn the_stamp_grows_with_each_applied_group() {
    both(|reader, mut applier| {
        let before = reader.stamp();
        applier.apply([(1, &Op::Delete(row_key(1)))]).expect("applied");
        assert!(reader.stamp() > before);
    });
}

#[test]
fn a_value_at_the_limit_is_kept_and_one_byte_more_is_refused() {
    both(|_, mut applier| {
        let limit = crate::limits::VALUE_BYTES_MAX;
        let fits = Op::Put(row_key(1), Version(1), vec![0; limit]);
        applier.apply([(1, &fits)]).expect("applied");
        let over = Op::Put(row_key(1), Version(1), vec![0; limit + 1]);
        assert!(matches!(
            applier.apply([(1, &over)]),
            Err(StoreError::TooLarge { bytes }) if bytes == limit + 1
        ));
    });
}

#[test]
fn a_second_open_of_the_directory_fails() {
    let directory = tempfile::tempdir().expect("a directory");
    let _first = open(directory.path(), EngineKind::Sled, 16 << 20).expect("a store");
    assert!(matches!(open(directory.path(), EngineKind::Sled, 16 << 20), Err(StoreError::Locked)));
}

#[test]
fn an_engine_whose_last_thread_still_holds_its_file_is_waited_for() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(open(directory.path(), EngineKind::Sled, 16 << 20).expect("a store"));
    let (holds, held) = std::sync::mpsc::channel();
    std::thread::scope(|threads| {
        let path = directory.path().join("db");
        threads.spawn(move || {
            let file = std::fs::File::open(path).expect("the engine's file");
            file.lock().expect("locked");
            holds.send(()).expect("told");
            std::thread::sleep(std::time::Duration::from_millis(50));
            drop(file);
        });
        held.recv().expect("held");
        open(directory.path(), EngineKind::Sled, 16 << 20).expect("a store");
    });
}

#[test]
fn flushed_values_are_there_after_reopening() {
    let directory = tempfile::tempdir().expect("a directory");
    let (reader, mut applier) = open(directory.path(), EngineKind::Sled, 16 << 20).expect("store");
    let op = Op::Put(row_key(1), Version(2), b"kept".to_vec());
    applier.apply([(5, &op)]).expect("applied");
    applier.flusher().flush().expect("flushed");
    drop((reader, applier));
    let (reader, _applier) = open(directory.path(), EngineKind::Sled, 16 << 20).expect("store");
    assert_eq!(wait(reader.get(&row_key(1))).expect("read").expect("there").payload, b"kept");
}

#[test]
fn a_truncated_or_extended_row_is_malformed_at_every_length() {
    let row = Row {
        header: Header {
            id: RecordId::from_bytes([1; 16]),
            record_type: crate::records::RecordType::Person,
            cell: crate::territory::CellId::from_bytes([2; 8]),
            version: 4,
            schema: 1,
            subjects: vec![crate::records::SubjectId::from_bytes([3; 16])],
            terms: vec![[4; 18]],
        },
        attributes: vec![5; 40].into(),
        sections: vec![SealedSection {
            name: "identity".into(),
            subject: crate::records::SubjectId::from_bytes([3; 16]),
            version: 1,
            bytes: vec![6; 50].into(),
        }],
    };
    let bytes = row.encode();
    let decode = |bytes: &[u8]| row::decode(&Bytes::from(bytes.to_vec()));
    assert!(
        matches!(decode(&bytes), Ok(row::RowOrTombstone::Row(read, header)) if read == row && *header == row.header.encode(&row.sections))
    );
    for length in 0..bytes.len() {
        assert!(decode(&bytes[..length]).is_err(), "cut at {length}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(decode(&longer).is_err());
}

#[test]
fn days_sort_in_the_retention_queue_also_before_1970() {
    let id = RecordId::from_bytes([1; 16]);
    assert!(Key::retention(-5, id) < Key::retention(-4, id));
    assert!(Key::retention(-1, id) < Key::retention(0, id));
    assert!(Key::retention(0, id) < Key::retention(20_000, id));
    for day in [i32::MIN, -1, 0, 20_000, i32::MAX] {
        assert_eq!(Key::retention(day, id).retention_parts(), Some((day, id)));
    }
    assert_eq!(Key::row(id).retention_parts(), None);
}

#[test]
fn what_callers_repeat_sorts_by_day_and_belongs_to_its_caller() {
    let (caller, tag) = ([7; 16], [9; 16]);
    let key = |day: i32| Key::repeat(day, &caller, &tag);
    for day in [i32::MIN, -1, 0, 1, 20_833, i32::MAX] {
        assert_eq!(key(day).repeat_day(), Some(day));
        assert_eq!(key(day).owner(), Some(crate::records::Owner::Caller(caller)));
        assert!(key(day).as_bytes().starts_with(Key::repeat_prefix().as_bytes()));
    }
    assert!(key(-1) < key(0) && key(0) < key(20_833));
    let capture = Key::capture(&caller, &tag);
    assert_eq!(capture.owner(), Some(crate::records::Owner::Caller(caller)));
    assert_eq!((capture.repeat_day(), key(1).record()), (None, None));
    for cut in 0..21 {
        assert_eq!(Key::from_bytes(&key(1).as_bytes()[..cut]).owner(), None, "{cut}");
    }
}

#[test]
fn the_engines_file_holds_room_ahead_after_each_flush_and_no_more() {
    use std::os::unix::fs::MetadataExt as _;
    let directory = tempfile::tempdir().expect("a directory");
    let held = || {
        let file = std::fs::metadata(directory.path().join("db")).expect("the engine's file");
        file.blocks() * 512 - file.len().min(file.blocks() * 512)
    };
    let (_reader, mut applier) =
        open(directory.path(), EngineKind::Sled, 16 << 20).expect("a store");
    for number in 0..3 {
        let op = Op::Put(row_key(number), Version(1), vec![7; 60_000]);
        applier.apply([(1, &op)]).expect("applied");
        applier.flusher().flush().expect("flushed");
        let ahead = crate::limits::ENGINE_AHEAD_BYTES;
        assert!((ahead / 2..=ahead * 2).contains(&held()), "{} bytes ahead", held());
    }
}

mod feed {
    //! Requirements on the change feed: the order of the log over all cells, nothing skipped, nothing too early.
    use super::*;
    use crate::territory::CellId;
    use proptest::prelude::*;

    fn memory() -> (Reader, Applier) {
        open(Path::new("nowhere"), EngineKind::Memory, 0).expect("a store in memory")
    }

    fn sample_header() -> Header {
        Header {
            id: id(1),
            record_type: crate::records::RecordType::Person,
            cell: CellId::new(4),
            version: 3,
            schema: 1,
            subjects: Vec::new(),
            terms: Vec::new(),
        }
    }

    fn put(applier: &mut Applier, cell: u64, index: u64, record: u8) {
        let key = Key::change(CellId::new(cell), index, id(record));
        applier.apply([(index, &Op::Put(key, Version(1), Vec::new()))]).expect("applied");
    }

    fn id(number: u8) -> RecordId {
        RecordId::from_bytes([number; 16])
    }

    fn cells(count: u64) -> Vec<CellId> {
        (1..=count).map(CellId::new).collect()
    }

    /// Every change, page by page.
    fn all(reader: &Reader, cells: &[CellId], limit: usize) -> Vec<(u64, u8)> {
        let (mut after, mut found) = (FeedPlace::START, Vec::new());
        loop {
            let Changes { places, more } =
                wait(reader.changes(cells, after, limit)).expect("a store");
            assert!(places.len() <= limit);
            found.extend(places.iter().map(|(p, _)| (p.index, p.record.as_bytes()[0])));
            match places.last() {
                Some((last, _)) => after = *last,
                None => assert!(!more, "an empty page is the last"),
            }
            if !more {
                return found;
            }
        }
    }

    #[test]
    fn a_row_and_a_tombstone_have_a_place_in_the_feed_and_nothing_else_has() {
        let header = sample_header();
        let row = Row { header: header.clone(), attributes: vec![1].into(), sections: Vec::new() };
        let tombstone = Tombstone {
            id: header.id,
            record_type: header.record_type,
            cell: header.cell,
            sealed: vec![1],
        };
        for payload in [row.encode(), tombstone.encode()] {
            let key = Key::row(header.id);
            let ops = [
                Op::Put(key.clone(), Version(3), payload),
                Op::Delete(key.clone()),
                Op::Put(Key::retention(1, header.id), Version(1), Vec::new()),
            ];
            let expected = Key::change(header.cell, 9, header.id);
            assert_eq!(super::super::feed(&ops, 9), [Op::Put(expected, Version(3), Vec::new())]);
            assert_eq!(expected_parts(&header), Some((9, header.id)));
            let broken = [Op::Put(key, Version(3), b"broken".to_vec())];
            assert!(super::super::feed(&broken, 9).is_empty());
        }
    }

    fn expected_parts(header: &Header) -> Option<(u64, RecordId)> {
        Key::change(header.cell, 9, header.id).change_parts()
    }

    #[test]
    fn what_is_not_wholly_applied_is_not_given_yet() {
        let (reader, mut applier) = memory();
        put(&mut applier, 1, 5, 1);
        // A group whose second entry is seen before its first: another cell is behind.
        let early = Key::change(CellId::new(1), 7, id(2));
        applier.shared.engine.put(&early, Version(1), 7, &[]).expect("put");
        assert_eq!(all(&reader, &cells(2), 10), [(5, 1)]);
        put(&mut applier, 2, 6, 3);
        assert_eq!(all(&reader, &cells(2), 10), [(5, 1), (6, 3)]);
        applier.applied_through(8);
        assert_eq!(all(&reader, &cells(2), 10), [(5, 1), (6, 3), (7, 2)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_change_comes_once_in_the_order_of_the_log(
            changes in proptest::collection::btree_map((1u64..60, 1u8..5), 1u64..6, 0..120),
            limit in 1usize..12, count in 1u64..6,
        ) {
            let (reader, mut applier) = memory();
            for ((index, record), cell) in &changes {
                put(&mut applier, *cell, *index, *record);
            }
            let expected: Vec<(u64, u8)> = changes
                .iter().filter(|(_, cell)| **cell <= count).map(|(place, _)| *place).collect();
            prop_assert_eq!(all(&reader, &cells(count), limit), expected);
        }
    }
}

#[test]
fn what_belongs_to_a_review_says_so_and_is_told_apart() {
    let (one, other) = ([1; 16], [2; 16]);
    let of = |id| Some(crate::records::Owner::Review(id));
    for (key, owner) in [
        (Key::review(&one), of(one)),
        (Key::review_note(&one, 7), of(one)),
        (Key::review_of(&other), of(other)),
        (Key::rectification(&other), of(other)),
    ] {
        assert_eq!(key.owner(), owner);
        assert!(!key.is_policy() && !key.is_row() && key.record().is_none());
    }
    assert_eq!(Key::review(&one).review_id(), Some(one));
    assert_eq!(Key::rectification(&other).rectification_id(), Some(other));
    for key in [Key::review_note(&one, 1), Key::review_of(&one), Key::rectification(&one)] {
        assert_eq!(key.review_id(), None);
    }
    assert!(Key::review_note(&one, 2) < Key::review_note(&one, 10), "notes lie in their order");
}

#[test]
fn store_is_at_rest_before_a_group_and_behind_it_and_not_while_it_is_applied() {
    both(|reader, mut applier| {
        let before = reader.settled().expect("at rest");
        let op = Op::Put(row_key(1), Version(1), b"a".to_vec());
        let looking = (1..3).map(|index| {
            assert_eq!(reader.settled(), None, "step {index}");
            (index, &op)
        });
        applier.apply(looking).expect("applied");
        assert_eq!(reader.settled(), Some(before + 1));
        assert_eq!(reader.settled(), Some(reader.stamp()));
    });
}
