//! What a reader gives is what the checkpoint covers, or an error that names what is not.
//! Files are changed as whoever has the disk and no key would change them.
//! Every other entry of the log is still read.

use gridvault_audit::constants::TILE_WIDTH;
use gridvault_audit::{LogError, LogReader, NoteSigner as _, leaf_hash};
use ring::digest::{SHA256, digest};

use crate::support::{Key, ORIGIN, Vault, entries, key};

const SIZE: u64 = 700;

fn reader(vault: &Vault) -> LogReader {
    LogReader::open(&vault.path, ORIGIN).expect("a log")
}

/// Changes a letter of an entry; its length stays.
fn turn(vault: &Vault, path: &str, slot: usize) {
    vault.change_entries(path, |entries| {
        let middle = entries[slot].len() / 2;
        entries[slot][middle] ^= 1;
    });
}

/// The hash that stands for a full tile.
fn above(hashes: &[u8]) -> Vec<u8> {
    let node = |pair: &[u8]| digest(&SHA256, &[&[1], pair].concat()).as_ref().to_vec();
    let mut level = hashes.to_vec();
    while level.len() > 32 {
        level = level.chunks(64).flat_map(node).collect();
    }
    level
}

#[test]
fn entries_of_every_width_of_a_log_are_read_as_they_were_written() {
    for size in [1, 255, 256, 257, 511, 512, 700] {
        let vault = Vault::with(size);
        assert_eq!(reader(&vault).entries(0, 1_000).expect("read"), entries(0..size), "{size}");
        assert_eq!(reader(&vault).entry(size - 1).expect("read"), entries(size - 1..size)[0]);
    }
}

#[test]
fn entry_that_was_changed_on_the_disk_is_not_given_and_is_named() {
    for (index, path) in [(0, "tile/entries/000"), (300, "tile/entries/001")] {
        let vault = Vault::with(SIZE);
        turn(&vault, path, index % TILE_WIDTH);
        let (log, index) = (reader(&vault), index as u64);
        let named = |error| matches!(error, LogError::EntryDiffers { index: at } if at == index);
        assert!(named(log.entry(index).expect_err("another entry")));
        assert!(named(log.entries(0, 1_000).expect_err("another entry")));
        assert_eq!(log.entry(index + 1).expect("read"), entries(index + 1..index + 2)[0]);
        assert_eq!(log.entries(512, 1_000).expect("read"), entries(512..SIZE));
        let lying = log.entries_as_they_lie(index, 1).expect("as it lies");
        assert_ne!(lying, entries(index..index + 1));
    }
    let vault = Vault::with(SIZE);
    turn(&vault, "tile/entries/002.p/188", 100);
    let error = reader(&vault).entry(612).expect_err("another entry");
    assert!(matches!(error, LogError::EntryDiffers { index: 612 }), "{error:?}");
    assert!(error.is_of_other_bytes());
}

#[test]
fn hashes_that_were_changed_with_the_entry_are_found_at_each_level_up_to_the_root() {
    let vault = Vault::with(SIZE);
    turn(&vault, "tile/entries/000", 7);
    let changed = crate::support::split(&vault.read("tile/entries/000")).swap_remove(7);
    vault.change("tile/0/000", |hashes| {
        hashes[7 * 32..8 * 32].copy_from_slice(&leaf_hash(&changed));
    });
    let error = reader(&vault).entry(7).expect_err("another tile");
    let expected = "tile/0/000";
    assert!(
        matches!(&error, LogError::TileDiffers { path } if path.to_str() == Some(expected)),
        "{error:?}"
    );
    assert!(reader(&vault).entry(8).is_err(), "nor is any entry under that tile");
    assert!(reader(&vault).entry(256).is_ok());
    let hash = above(&vault.read("tile/0/000"));
    vault.change("tile/1/000.p/2", |hashes| hashes[..32].copy_from_slice(&hash));
    let error = reader(&vault).entry(7).expect_err("another edge");
    assert!(matches!(error, LogError::EdgeDiffers), "{error:?}");
    assert!(error.is_of_other_bytes());
}

#[test]
fn checkpoint_that_the_key_did_not_sign_is_not_believed_by_a_reader_that_knows_the_key() {
    let vault = Vault::with(SIZE);
    let believing = |log: LogReader| log.signed_by(|| vec![key().public_key()]);
    let known = believing(reader(&vault));
    assert_eq!(known.entry(7).expect("read"), entries(7..8)[0]);
    // Another whole log, by whoever has no key of this one.
    let other = Vault::with(SIZE);
    let mut text: Vec<String> = other.checkpoint().lines().take(3).map(str::to_owned).collect();
    text[1] = "600".into();
    let text = text.iter().map(|line| format!("{line}\n")).collect::<String>();
    vault.write("checkpoint", Key::new(ORIGIN, 9).note(&text));
    assert_eq!(reader(&vault).size().expect("without a key it is taken for one"), 600);
    for refused in [known.entry(7).map(drop), known.size().map(drop), known.entries(0, 1).map(drop)]
    {
        assert!(matches!(refused, Err(LogError::CheckpointInvalid)), "{refused:?}");
    }
}
