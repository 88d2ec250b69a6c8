//! A journal whose bytes are not those that were written: only a torn end is cut, all else stops the start.
//! Never leaves to chance where the damage is: every byte and every length is tried.
//! Padding behind a frame, up to seven bytes, means nothing and is left out.

use super::book::{Book, SEGMENT_BYTES, page, pages, write};
use super::world::keyring;
use crate::trail::TrailFault;
use crate::trail::journal::FileMedia;
use crate::trail::journal::{Position, Writer};
use std::sync::Arc;

fn corrupt_at(book: &Book, segment: u64, offset: usize) {
    match book.read() {
        Err(TrailFault::Corrupt { segment: found, offset: at, .. }) => {
            assert_eq!((found, at), (segment, offset as u64));
        }
        Err(other) => panic!("{other}"),
        Ok((pages, _)) => panic!("{} pages were believed", pages.len()),
    }
}

#[test]
fn a_last_frame_that_was_torn_at_any_length_is_cut_and_writing_goes_on() {
    let book = Book::of(3);
    let (whole, starts) = (std::fs::read(book.segment(0)).expect("a segment"), book.frames(0));
    let (start, end) = (starts[2], starts[3]);
    for length in 0..end - start - 8 {
        for front_is_missing in [false, true] {
            let mut torn = whole.clone();
            let (from, to) =
                if front_is_missing { (start, end - 8 - length) } else { (start + length, end) };
            torn[from..to].fill(0);
            std::fs::write(book.segment(0), &torn).expect("written");
            let (found, replayed) = book.read().expect("a torn end");
            assert_eq!((found.len(), replayed.end.offset), (2, start as u64));
            let mut writer = book.open().expect("a torn end");
            let left = std::fs::read(book.segment(0)).expect("a segment");
            assert!(left[start..].iter().all(|byte| *byte == 0));
            write(&mut writer, 2).expect("written");
            drop(writer);
            assert_eq!(std::fs::read(book.segment(0)).expect("a segment"), whole);
        }
    }
}

#[test]
fn a_flipped_byte_in_any_frame_but_the_last_stops_the_start() {
    let book = Book::of(3);
    let (whole, starts) = (std::fs::read(book.segment(0)).expect("a segment"), book.frames(0));
    for frame in 0..2 {
        for at in starts[frame]..starts[frame + 1] - 7 {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            std::fs::write(book.segment(0), &bytes).expect("written");
            corrupt_at(&book, 0, starts[frame]);
        }
    }
}

#[test]
fn a_flipped_byte_in_any_segment_but_the_last_stops_the_start() {
    let book = Book::of(12);
    assert!(book.segment(2).exists());
    for segment in 0..2 {
        let whole = std::fs::read(book.segment(segment)).expect("a segment");
        let starts = book.frames(segment);
        let last = starts[starts.len() - 2];
        // The whole header, and the frame that would be cut if it were the journal's last.
        for at in (0..128).chain((last..starts[starts.len() - 1] - 7).step_by(3)) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x01;
            std::fs::write(book.segment(segment), &bytes).expect("written");
            corrupt_at(&book, segment, if at < 128 { 128 } else { last });
        }
        std::fs::write(book.segment(segment), &whole).expect("written");
    }
    assert_eq!(book.read().expect("whole again").0, pages(12));
}

#[test]
fn a_missing_segment_stops_the_start() {
    let book = Book::of(16);
    let last = (0..).take_while(|number| book.segment(*number).exists()).count() as u64 - 1;
    assert!(last >= 3, "{last}");
    for missing in 0..last {
        let aside = book.spare();
        std::fs::rename(book.segment(missing), &aside).expect("moved");
        corrupt_at(&book, missing, 128);
        std::fs::rename(&aside, book.segment(missing)).expect("moved back");
    }
    for missing in 0..last {
        // Several in a row, down to a last segment that stands alone.
        std::fs::remove_file(book.segment(missing)).expect("removed");
        corrupt_at(&book, 0, 128);
    }
}

#[test]
fn a_segment_in_the_place_of_another_stops_the_start() {
    let book = Book::of(12);
    let first = std::fs::read(book.segment(0)).expect("a segment");
    std::fs::write(book.segment(1), &first).expect("written");
    corrupt_at(&book, 1, 128);
    std::fs::remove_file(book.segment(1)).expect("removed");
    std::fs::rename(book.segment(2), book.segment(1)).expect("moved");
    corrupt_at(&book, 1, 128);
}

#[test]
fn a_frame_left_out_stops_the_start() {
    let book = Book::of(3);
    let (mut bytes, starts) = (std::fs::read(book.segment(0)).expect("a segment"), book.frames(0));
    let last = bytes[starts[2]..starts[3]].to_vec();
    bytes[starts[1]..].fill(0);
    bytes[starts[1]..starts[1] + last.len()].copy_from_slice(&last);
    std::fs::write(book.segment(0), bytes).expect("written");
    corrupt_at(&book, 0, starts[1]);
}

#[test]
fn a_frame_that_followed_another_one_stops_the_start() {
    // Both journals are genuine and part ways at their second frame, as a clone of the vault would.
    let (book, clone) = (Book::of(3), Book::new());
    let mut writer = clone.open().expect("a new book");
    for number in [0, 9, 2] {
        write(&mut writer, number).expect("written");
    }
    let (starts, of_the_clone) = (book.frames(0), clone.frames(0));
    let mut bytes = std::fs::read(book.segment(0)).expect("a segment");
    let cloned = std::fs::read(clone.segment(0)).expect("a segment");
    let last = &cloned[of_the_clone[2]..of_the_clone[3]];
    bytes[starts[2]..starts[2] + last.len()].copy_from_slice(last);
    std::fs::write(book.segment(0), bytes).expect("written");
    corrupt_at(&book, 0, starts[2]);
}

#[test]
fn a_genuine_frame_that_does_not_read_is_never_cut() {
    let book = Book::of(1);
    let mut bytes = std::fs::read(book.segment(0)).expect("a segment");
    let starts = book.frames(0);
    // The only frame once more, with a step of a kind that nobody knows and a tag that is right.
    let start = starts[0];
    let length = u32::from_be_bytes(bytes[start + 4..start + 8].try_into().expect("four bytes"));
    let tag_at = start + 60 + usize::try_from(length).expect("a short frame");
    bytes[tag_at - 1] = 1;
    let tag = keyring().chain().tag(&[&bytes[start..tag_at]]);
    bytes[tag_at..tag_at + 32].copy_from_slice(&tag);
    std::fs::write(book.segment(0), &bytes).expect("written");
    corrupt_at(&book, 0, start);
}

#[test]
fn more_than_a_frame_of_rubbish_at_the_end_stops_the_start() {
    let book = Book::of(1);
    let mut bytes = std::fs::read(book.segment(0)).expect("a segment");
    let end = *book.frames(0).last().expect("an end");
    bytes.resize(end + crate::trail::journal::FRAME_BYTES_MAX + 1, 0);
    bytes.push(1);
    std::fs::write(book.segment(0), &bytes).expect("written");
    corrupt_at(&book, 0, end);
}

#[test]
fn a_spare_that_was_left_over_does_no_harm() {
    let book = Book::of(3);
    std::fs::write(book.spare(), vec![0xff; 9_000]).expect("written");
    let mut writer = book.open().expect("a start");
    for number in 3..14 {
        write(&mut writer, number).expect("written");
    }
    drop(writer);
    assert!(book.segment(2).exists());
    assert_eq!(book.read().expect("a book").0, pages(14));
}

fn writer_on_files(directory: &std::path::Path) -> Writer {
    let media = Arc::new(FileMedia);
    Writer::open(directory, media, keyring().chain(), SEGMENT_BYTES, Position::START)
        .expect("a journal")
}

#[test]
fn a_segment_that_was_removed_renamed_replaced_or_cut_under_the_writer_stops_it() {
    let harm: [fn(&std::path::Path); 5] = [
        |path| std::fs::remove_file(path).expect("removed"),
        |path| std::fs::rename(path, path.with_extension("old")).expect("renamed"),
        |path| {
            let copy = path.with_extension("copy");
            std::fs::copy(path, &copy).expect("copied");
            std::fs::rename(copy, path).expect("replaced");
        },
        |path| {
            let aside = path.with_extension("aside");
            std::fs::rename(path, &aside).expect("renamed");
            std::os::unix::fs::symlink(aside, path).expect("linked");
        },
        |path| {
            let file = std::fs::File::options().write(true).open(path).expect("a segment");
            file.set_len(1_000).expect("cut");
        },
    ];
    for harm in harm {
        let directory = tempfile::tempdir().expect("a directory");
        let mut writer = writer_on_files(directory.path());
        write(&mut writer, 0).expect("written");
        harm(&directory.path().join("0000000000000000.segment"));
        for number in 1..3 {
            assert!(matches!(write(&mut writer, number), Err(TrailFault::Replaced)));
        }
    }
}

#[test]
fn plain_files_carry_the_journal_over_its_segments() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut writer = writer_on_files(directory.path());
    for number in 0..12 {
        write(&mut writer, number).expect("written");
    }
    drop(writer);
    let mut found = Vec::new();
    let chain = keyring().chain();
    crate::trail::journal::replay(directory.path(), &chain, Position::START, |frame| {
        found.extend(frame.entries.into_iter().map(|(page, _)| page));
        Ok(())
    })
    .expect("a journal");
    assert_eq!(found, (0..12).map(page).collect::<Vec<_>>());
}
