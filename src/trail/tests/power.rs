//! What is left after a power failure, with segments that change every few frames.
//! Never counts on order between sectors: any of those that were not synced may be the old or the new one.
//! Each failure is tried with several outcomes of chance.

use super::book::{Book, page, pages, write};
use super::disk::{Break, Call, Chance, DiskMedia};
use super::world::keyring;
use crate::store::Version;
use crate::trail::journal::{Media, Position};
use crate::trail::recover::{Mark, read_mark, write_mark_through};

const PAGES: u64 = 14;
const OUTCOMES: u64 = 4;

/// Writes until the disk breaks. How many pages were acknowledged.
fn write_until_broken(book: &Book, number: usize, how: Break) -> u64 {
    book.disk.break_at(number, how);
    let Ok(mut writer) = book.open() else { return 0 };
    let acknowledged = (0..PAGES).take_while(|page| write(&mut writer, *page).is_ok()).count();
    drop(writer);
    book.disk.repair();
    acknowledged as u64
}

/// All that was acknowledged is there, at most the page that was being written besides, and writing goes on.
fn goes_on(book: &Book, acknowledged: u64) {
    book.disk.repair();
    let mut writer = book.open().expect("a start without hands");
    let (found, _) = book.read().expect("a book");
    let count = found.len() as u64;
    assert!(count == acknowledged || count == acknowledged + 1, "{count} of {acknowledged}");
    assert_eq!(found, pages(count));
    write(&mut writer, count).expect("written");
    write(&mut writer, count + 1).expect("written");
    drop(writer);
    assert_eq!(book.read().expect("a book").0, pages(count + 2));
}

fn every_call(mut attempt: impl FnMut(usize, u64) -> u64) {
    let mut number = 1;
    while (0..OUTCOMES).map(|outcome| attempt(number, outcome)).max() < Some(PAGES) {
        number += 1;
        assert!(number < 500, "the work is never done");
    }
    assert!(number > 40, "{number} calls are fewer than the work makes");
}

#[test]
fn an_acknowledged_frame_survives_a_power_failure_at_any_call() {
    every_call(|number, outcome| {
        let book = Book::new();
        let acknowledged = write_until_broken(&book, number, Break::PowerOff);
        book.disk.lose_power(&mut Chance(outcome << 32 | number as u64));
        goes_on(&book, acknowledged);
        acknowledged
    });
}

#[test]
fn an_acknowledged_frame_survives_an_error_and_then_a_power_failure() {
    for how in [Break::Undone, Break::Done, Break::Torn] {
        every_call(|number, outcome| {
            let book = Book::new();
            let acknowledged = write_until_broken(&book, number, how);
            book.disk.lose_power(&mut Chance(outcome << 32 | number as u64));
            goes_on(&book, acknowledged);
            acknowledged
        });
    }
}

#[test]
fn a_frame_that_a_start_took_from_the_cache_survives_a_power_failure_after_it() {
    let mut adopted = 0;
    every_call(|number, outcome| {
        let book = Book::new();
        let acknowledged = write_until_broken(&book, number, Break::Undone);
        // The process is gone, the machine is not: the start reads what the cache holds.
        let writer = book.open().expect("a start without hands");
        let before = book.read().expect("a book").0;
        adopted += before.len() as u64 - acknowledged;
        drop(writer);
        book.disk.lose_power(&mut Chance(outcome << 32 | number as u64));
        assert_eq!(book.read().expect("a book").0, before);
        goes_on(&book, before.len() as u64);
        acknowledged
    });
    assert!(adopted >= PAGES, "no frame was left between its write and its sync");
}

#[test]
fn a_power_failure_while_a_start_cuts_a_torn_frame_is_cut_again() {
    for number in 1..=3 {
        for outcome in 0..64 {
            let book = Book::of(2);
            let end = *book.frames(0).last().expect("an end");
            let mut bytes = std::fs::read(book.segment(0)).expect("a segment");
            bytes[end + 3..end + 1_500].fill(0xee);
            std::fs::write(book.segment(0), bytes).expect("written");
            book.disk.break_at(number, Break::PowerOff);
            assert!(book.open().is_err());
            book.disk.lose_power(&mut Chance(outcome));
            goes_on(&book, 2);
        }
    }
}

#[test]
fn a_sync_that_failed_is_never_tried_again() {
    let book = Book::new();
    let mut writer = book.open().expect("a new book");
    book.disk.break_at(3, Break::Undone);
    assert!(write(&mut writer, 0).is_err());
    assert_eq!(book.disk.calls(), [Call::Look, Call::Write, Call::Sync]);
    drop(writer);
    assert_eq!(book.disk.calls().len(), 3);
    assert_eq!(book.read().expect("a book").0, [page(0)]);
}

#[test]
fn a_segment_that_was_allocated_keeps_its_length_without_power_and_one_that_was_named_its_name() {
    for outcome in 0..16 {
        let book = Book::new();
        let media = DiskMedia(book.disk.clone());
        let (spare, segment) = (book.spare(), book.segment(0));
        drop(media.allocate(&spare, 4_096).expect("a disk"));
        book.disk.lose_power(&mut Chance(outcome));
        assert_eq!(std::fs::metadata(&spare).expect("a spare").len(), 4_096);
        media.rename(&spare, &segment).expect("a disk");
        book.disk.lose_power(&mut Chance(outcome));
        assert!(segment.exists() && !spare.exists(), "{outcome}");
    }
}

/// Which mark a start would find.
fn marked(book: &Book) -> u64 {
    read_mark(book.directory(), &keyring().chain()).expect("readable").position.index
}

#[test]
fn a_mark_is_the_one_before_or_the_new_one_and_the_new_one_once_it_is_written() {
    let mark = |index| Mark { position: Position { index, ..Position::START }, kept: Version(0) };
    for outcome in 0..16 {
        let mut number = 1;
        loop {
            let book = Book::new();
            let media = DiskMedia(book.disk.clone());
            let write = |index| {
                let chain = keyring().chain();
                write_mark_through(&media, book.directory(), &chain, &mark(index))
            };
            write(1).expect("a disk");
            book.disk.break_at(number, Break::PowerOff);
            let is_written = write(2).is_ok();
            book.disk.repair();
            book.disk.lose_power(&mut Chance(outcome << 32 | number as u64));
            let found = marked(&book);
            assert!(found == 2 || found == 1 && !is_written, "{found} at call {number}");
            if is_written {
                break;
            }
            number += 1;
        }
        assert_eq!(number, 6, "create, write, sync, rename and the sync of names");
    }
}
