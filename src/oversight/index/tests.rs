//! The index against the log itself: whatever a search finds is what a walk over all entries finds.
//! Never a sleep for a time: what is waited for is looked at until it is there, within a bound.
//! Logs are written here with the log's own writer; no vault and no store.

use super::keeper::Keeper;
use super::*;
use crate::limits::{INDEX_SEGMENT_ENTRIES_MAX, SEARCH_LOOKS_COUNT_MAX, SEARCHES_COUNT_MAX};
use crate::oversight::entry::LogEntry;
use crate::oversight::follower::follow;
use crate::oversight::world::{START, World, draft, signer, until};
use compact_str::CompactString;
use proptest::prelude::*;
use std::path::Path;
use std::sync::LazyLock;

fn clause(kind: Kind, value: &str) -> Clause {
    Clause { kind, value: value.to_owned() }
}

/// All pages of a question, and how many there were.
fn pages(index: &Index, clauses: &[Clause], wanted: &Wanted) -> (Vec<u64>, usize) {
    let mut wanted = wanted.clone();
    let (mut found, mut count) = (Vec::new(), 0);
    loop {
        let page = index.search(clauses, wanted.clone()).expect("a page");
        assert!(page.indexes.len() <= wanted.limit);
        found.extend(page.indexes);
        count += 1;
        let Some(next) = page.next else { return (found, count) };
        if wanted.newest_first {
            assert!(next < wanted.within.end, "it goes on");
            wanted.within.end = next + 1;
        } else {
            assert!(next > wanted.within.start || count == 1, "it goes on");
            wanted.within.start = next;
        }
    }
}

/// The same by looking at every entry.
fn walked(entries: &[LogEntry], clauses: &[Clause], wanted: &Wanted) -> Vec<u64> {
    let mut found: Vec<u64> = entries
        .iter()
        .filter(|entry| wanted.within.contains(&entry.seq))
        .filter(|entry| wanted.since.is_none_or(|since| since <= entry.t))
        .filter(|entry| wanted.until.is_none_or(|until| entry.t < until))
        .filter(|entry| clauses.iter().all(|clause| clause.holds(entry)))
        .map(|entry| entry.seq)
        .collect();
    if wanted.newest_first {
        found.reverse();
    }
    found
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory)
        .expect("the index")
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    files
}

#[test]
fn whatever_is_searched_is_what_a_walk_over_the_log_finds() {
    let world = World::many();
    let index = world.index();
    let entries = world.entries();
    let last = entries.last().expect("entries").clone();
    let rare = entries[5_000].clone();
    let name = |value: &Option<CompactString>| value.clone().expect("a member");
    let questions: Vec<Vec<Clause>> = vec![
        vec![],
        vec![clause(Kind::Outcome, "denied")],
        vec![clause(Kind::Outcome, "success"), clause(Kind::Event, "data.read")],
        vec![clause(Kind::Actor, &name(&rare.who))],
        vec![clause(Kind::Record, &rare.rec[0])],
        vec![clause(Kind::Record, &rare.rec[1]), clause(Kind::Actor, &name(&last.who))],
        vec![clause(Kind::Subject, &last.sub[0])],
        vec![clause(Kind::Grid, "8801"), clause(Kind::Family, "access")],
        vec![clause(Kind::Grid, "8801020010010003"), clause(Kind::Purpose, "household_contact")],
        vec![clause(Kind::Actor, "nobody")],
        vec![clause(Kind::Grid, "8802")],
    ];
    let size = world.log.size();
    for clauses in &questions {
        for newest_first in [false, true] {
            for (since, until) in [
                (None, None),
                (Some(START + 70_000_000), None),
                (Some(START + 100), Some(START + 5_000_001)),
                (Some(START + size * 1_000), None),
            ] {
                let mut wanted = Wanted::within(0..size, newest_first, 1_000);
                (wanted.since, wanted.until) = (since, until);
                let (found, _) = pages(&index, clauses, &wanted);
                assert_eq!(found, walked(&entries, clauses, &wanted), "{clauses:?} {wanted:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pages_of_any_size_over_any_part_join_without_gap_or_repeat(
        actor in 0u64..37, from in 0u64..9_000, length in 0u64..9_000, limit in 1usize..200, back: bool,
    ) {
        static WORLD: LazyLock<(tempfile::TempDir, Index, Vec<LogEntry>)> = LazyLock::new(|| {
            let world = World::with(9_000);
            let index = world.index();
            let entries = world.entries();
            (world.directory, index, entries)
        });
        let (_, index, entries) = &*WORLD;
        let who = entries[actor as usize].who.clone().expect("an actor");
        let clauses = [clause(Kind::Actor, &who)];
        let wanted = Wanted::within(from..(from + length).min(9_000), back, limit);
        let (found, _) = pages(index, &clauses, &wanted);
        prop_assert_eq!(found, walked(entries, &clauses, &wanted));
    }
}

#[test]
fn a_page_looks_only_so_often_and_says_where_to_go_on() {
    // Two terms that take turns and never meet.
    let world = World::with(9_000);
    let index = world.index();
    let clauses = [clause(Kind::Outcome, "denied"), clause(Kind::Event, "data.read")];
    for newest_first in [false, true] {
        let mut wanted = Wanted::within(0..world.log.size(), newest_first, 100);
        assert_eq!(wanted.looks, SEARCH_LOOKS_COUNT_MAX);
        wanted.looks = 500;
        let page = index.search(&clauses, wanted.clone()).expect("a page");
        assert!(page.indexes.is_empty() && page.next.is_some(), "{page:?}");
        let (found, count) = pages(&index, &clauses, &wanted);
        assert!(found.is_empty() && (4..=6).contains(&count), "{count} pages");
    }
}

#[test]
fn an_index_goes_on_where_it_was_and_merged_segments_stay() {
    let mut world = World::many();
    let index = world.index();
    let before = index.state();
    assert_eq!(before.segments, 3, "one merged, two not");
    drop(index);
    let files = segments(&world.path());
    assert_eq!(files.len(), 3);
    world.grow(100);
    let index = world.index();
    assert_eq!((index.state().segments, index.state().bytes), (before.segments, before.bytes));
    assert_eq!(segments(&world.path()), files);
    assert_eq!(index.state().through, Some(START + (world.log.size() - 1) * 1_000));
}

#[test]
fn a_crash_between_any_two_steps_leaves_an_index_that_the_next_start_makes_whole() {
    let world = World::many();
    drop(world.index());
    let whole = segments(&world.path());
    let small = World::with(INDEX_SEGMENT_ENTRIES_MAX as u64 + 1);
    drop(small.index());
    let part = segments(&small.path()).remove(0);
    let name = part.file_name().expect("a name");
    // Beside the merged segment lies one that it was made of, as after a crash before that was removed.
    std::fs::copy(&part, world.path().join(name)).expect("a copy");
    // Half of a segment that never got its name, and half of one that did although the power went.
    std::fs::write(world.path().join("00000000000000000009-9.unfinished"), b"gvin")
        .expect("a file");
    let torn = std::fs::read(&whole[2]).expect("a segment");
    std::fs::write(&whole[2], &torn[..torn.len() / 2]).expect("a torn file");
    let index = world.index();
    assert_eq!(segments(&world.path()), whole, "the same files again");
    assert_eq!(std::fs::read(&whole[2]).expect("a segment"), torn, "written anew");
    let wanted = Wanted::within(0..world.log.size(), true, 1_000);
    let clauses = [clause(Kind::Outcome, "denied")];
    let (found, _) = pages(&index, &clauses, &wanted);
    assert_eq!(found, walked(&world.entries(), &clauses, &wanted));
}

#[test]
fn a_changed_byte_of_an_unsynced_segment_is_noticed_at_the_start() {
    let world = World::with(2 * INDEX_SEGMENT_ENTRIES_MAX as u64 + 1);
    drop(world.index());
    let files = segments(&world.path());
    for (file, place) in [(0, 200), (0, 40_000), (1, 90_000)] {
        let good = std::fs::read(&files[file]).expect("a segment");
        let mut bad = good.clone();
        bad[place] ^= 1;
        std::fs::write(&files[file], &bad).expect("the changed file");
        drop(world.index());
        assert_eq!(std::fs::read(&files[file]).expect("a segment"), good, "byte {place}");
    }
}

#[test]
fn a_segment_that_is_found_damaged_by_a_search_is_made_again() {
    let world = World::many();
    let index = world.index();
    let clauses = [clause(Kind::Outcome, "denied")];
    let wanted = Wanted::within(0..world.log.size(), false, 1_000);
    let (before, _) = pages(&index, &clauses, &wanted);
    let merged = segments(&world.path()).remove(0);
    let good = std::fs::read(&merged).expect("a segment");
    // In place, as a bad disk would do it: the index has the file open.
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::OpenOptions::new().write(true).open(&merged).expect("a segment");
    file.write_all_at(&vec![0xff; good.len() - 1_024], 1_024).expect("a damaged segment");
    assert!(matches!(index.search(&clauses, wanted.clone()), Err(IndexError::Damaged)));
    // The keeper hears of it after the search has said so: only then is there anything to catch up with.
    until(|| index.search(&clauses, wanted.clone()).is_ok());
    world.catch_up(&index);
    assert_eq!(pages(&index, &clauses, &wanted).0, before);
    assert_eq!(std::fs::read(segments(&world.path()).remove(0)).expect("a segment"), good);
}

#[test]
fn an_index_of_another_log_is_thrown_away() {
    let world = World::with(2 * INDEX_SEGMENT_ENTRIES_MAX as u64 + 1);
    drop(world.index());
    let mut other = World::new();
    let entry = |seq: u64| draft(seq + 1).encode(seq, START + seq, seq).expect("an entry");
    let count = INDEX_SEGMENT_ENTRIES_MAX as u64 + 5;
    let entries: Vec<Vec<u8>> = (0..count).map(entry).collect();
    other.log.append(0, &entries).expect("room");
    other.log.publish(&signer()).expect("a checkpoint");
    std::fs::create_dir(other.path()).expect("a directory");
    for file in segments(&world.path()) {
        std::fs::copy(&file, other.path().join(file.file_name().expect("a name"))).expect("a copy");
    }
    let index = other.index();
    assert_eq!(index.state().segments, 1);
    let who = entry(0);
    let who = LogEntry::parse(&who).and_then(|entry| entry.who).expect("an actor");
    let wanted = Wanted::within(0..count, false, 1_000);
    let clauses = [clause(Kind::Actor, &who)];
    assert_eq!(pages(&index, &clauses, &wanted).0, walked(&other.entries(), &clauses, &wanted));
}

#[test]
fn a_deleted_index_and_a_rebuilt_one_are_the_same_as_before() {
    let world = World::many();
    let index = world.index();
    let bytes = |files: &[PathBuf]| -> Vec<Vec<u8>> {
        files.iter().map(|file| std::fs::read(file).expect("a segment")).collect()
    };
    let (files, before) = (segments(&world.path()), bytes(&segments(&world.path())));
    index.rebuild();
    world.catch_up(&index);
    assert_eq!((segments(&world.path()), bytes(&files)), (files.clone(), before.clone()));
    drop(index);
    std::fs::remove_dir_all(world.path()).expect("the index goes");
    drop(world.index());
    assert_eq!((segments(&world.path()), bytes(&files)), (files.clone(), before));
}

#[test]
fn what_is_published_later_is_found_and_what_is_not_published_is_not() {
    let mut world = World::with(10);
    let index = world.index();
    let seq = world.log.size();
    let entry = draft(seq).encode(seq, START + seq, seq).expect("an entry");
    world.log.append(seq, &[entry]).expect("room");
    assert_eq!(index.state().indexed, 10);
    world.log.publish(&signer()).expect("a checkpoint");
    until(|| index.state().indexed == 11);
}

#[test]
fn a_full_disk_holds_the_index_back_and_nothing_else() {
    let world = World::with(2 * INDEX_SEGMENT_ENTRIES_MAX as u64 + 1);
    let settings = IndexSettings { has_room: Box::new(|| false), ..world.settings() };
    let index = Index::start(settings).expect("a thread");
    until(|| index.state().indexed == INDEX_SEGMENT_ENTRIES_MAX as u64);
    assert_eq!((index.state().segments, index.state().failing), (0, false));
    assert!(segments(&world.path()).is_empty());
}

#[test]
fn a_log_that_cannot_be_read_makes_the_index_wait_and_say_so() {
    let world = World::with(10);
    let settings = world.settings();
    let checkpoint = world.directory.path().join("log/checkpoint");
    std::fs::write(&checkpoint, b"no checkpoint").expect("the changed file");
    let index = Index::start(settings).expect("a thread");
    until(|| index.state().failing);
    assert_eq!(index.state().indexed, 0);
}

#[test]
fn an_entry_that_is_none_is_counted_and_the_index_goes_on() {
    let mut world = World::with(3);
    world.log.append(3, &[b"{}".to_vec()]).expect("room");
    world.log.publish(&signer()).expect("a checkpoint");
    world.grow(2);
    let index = world.index();
    assert_eq!((index.unreadable_count(), index.state().indexed), (1, 6));
}

#[tokio::test]
async fn so_many_search_at_a_time_and_one_more_waits() {
    let world = World::with(1);
    let index = Index::start(world.settings()).expect("a thread");
    let mut places = Vec::new();
    for _ in 0..SEARCHES_COUNT_MAX {
        places.push(index.place().await);
    }
    let one_more = index.clone();
    let mut one_more = tokio::spawn(async move { one_more.place().await });
    tokio::task::yield_now().await;
    assert!(!one_more.is_finished());
    places.pop();
    let place = (&mut one_more).await.expect("a place");
    drop(place);
}

#[test]
fn a_segment_that_cannot_be_finished_leaves_nothing_behind() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let writer = segment::Writer::create(directory.path(), 0, vec![1]).expect("a file");
    assert_eq!(segments(directory.path()).len(), 1);
    drop(writer);
    assert!(segments(directory.path()).is_empty());
}

#[test]
fn a_keeper_can_be_asked_to_stop_before_it_began() {
    let world = World::with(1);
    let index = Index::start(world.settings()).expect("a thread");
    index.shared.signals.stop();
    follow(Keeper::new(world.settings(), index.shared.clone()), &index.shared.signals);
}

#[test]
fn an_index_whose_thread_ended_by_a_defect_says_that_it_fails() {
    let world = World::with(INDEX_SEGMENT_ENTRIES_MAX as u64 + 1);
    // Asked once what is gathered is to be written.
    let has_room: Box<dyn Fn() -> bool + Send> = Box::new(|| panic!("a defect"));
    let settings = IndexSettings { has_room, ..world.settings() };
    let index = Index::start(settings).expect("a thread");
    until(|| index.state().failing);
    index.rebuild();
    assert!(index.state().failing && index.state().indexed > 0, "what is found is found still");
}
