//! Each way of changing a log, by itself: the class and the first entry are as expected.

use std::fs;

use gridvault_audit::Log;
use gridvault_audit::NoteSigner as _;
use gridvault_audit::verify::{Class, VerifyError, open_note, verify_directory};

use crate::support::{Key, ORIGIN, Vault, copy, entries, entry, finding, key, split};

/// A log of 600 entries: bundles 0 and 1 full, bundle 2 of 88.
fn vault() -> Vault {
    Vault::with(600)
}

fn expect(vault: &Vault, class: Class, index: u64) {
    let finding = vault.finding();
    assert_eq!((finding.class, finding.index), (class, Some(index)), "{finding:?}");
}

#[test]
fn replaced_entry_is_found() {
    let vault = vault();
    vault.change_entries("tile/entries/001", |entries| entries[10] = entry(999));
    expect(&vault, Class::EntryChanged, 266);
}

#[test]
fn deleted_entry_is_found() {
    let vault = vault();
    vault.change_entries("tile/entries/001", |entries| drop(entries.remove(10)));
    expect(&vault, Class::EntryChanged, 266);
}

#[test]
fn deleted_last_entry_of_a_bundle_is_found() {
    let vault = vault();
    vault.change_entries("tile/entries/001", |entries| drop(entries.pop()));
    expect(&vault, Class::Truncated, 511);
}

#[test]
fn inserted_entry_is_found() {
    let vault = vault();
    vault.change_entries("tile/entries/001", |entries| entries.insert(10, entry(999)));
    expect(&vault, Class::EntryChanged, 266);
}

#[test]
fn swapped_entries_are_found() {
    let vault = vault();
    vault.change_entries("tile/entries/000", |entries| entries.swap(20, 200));
    expect(&vault, Class::EntryChanged, 20);
}

#[test]
fn duplicated_entry_is_found() {
    let vault = vault();
    vault.change_entries("tile/entries/000", |entries| entries[21] = entries[20].clone());
    expect(&vault, Class::EntryChanged, 21);
}

#[test]
fn entry_moved_to_another_bundle_is_found() {
    let vault = vault();
    let mut moved = Vec::new();
    vault.change_entries("tile/entries/000", |entries| moved = entries.remove(100));
    vault.change_entries("tile/entries/001", |entries| entries.insert(0, moved));
    expect(&vault, Class::EntryChanged, 100);
}

#[test]
fn length_that_leads_past_the_bundle_is_found() {
    let vault = vault();
    let last = split(&vault.read("tile/entries/001"))[255].len();
    vault.change("tile/entries/001", |bytes| {
        let at = bytes.len() - last - 2;
        bytes[at] = 0xff;
    });
    expect(&vault, Class::BundleMalformed, 511);
}

#[test]
fn length_of_zero_is_found() {
    let vault = vault();
    vault.change("tile/entries/001", |bytes| bytes[..2].fill(0));
    expect(&vault, Class::BundleMalformed, 256);
}

#[test]
fn bytes_after_the_last_entry_are_found() {
    let vault = vault();
    vault.change("tile/entries/002.p/88", |bytes| bytes.push(0));
    expect(&vault, Class::BundleMalformed, 600);
}

#[test]
fn tile_cut_short_is_found() {
    let vault = vault();
    vault.change("tile/0/001", |bytes| bytes.truncate(32 * 100));
    expect(&vault, Class::Truncated, 356);
    vault.change("tile/0/001", |bytes| bytes.push(0));
    expect(&vault, Class::Truncated, 356);
}

#[test]
fn tile_too_long_is_found() {
    let vault = vault();
    vault.change("tile/0/001", |bytes| bytes.push(0));
    expect(&vault, Class::TileChanged, 256);
}

#[test]
fn missing_tile_is_found() {
    for (path, index) in [("tile/0/001", 256), ("tile/0/002.p/88", 512), ("tile/1/000.p/2", 0)] {
        let vault = vault();
        vault.remove(path);
        expect(&vault, Class::Truncated, index);
    }
}

#[test]
fn missing_bundle_is_found() {
    for (path, index) in
        [("tile/entries/000", 0), ("tile/entries/001", 256), ("tile/entries/002.p/88", 512)]
    {
        let vault = vault();
        vault.remove(path);
        expect(&vault, Class::Truncated, index);
    }
}

#[test]
fn stale_partial_file_that_disagrees_is_found() {
    let vault = Vault::signed_by(&key(), &[&entries(0..20), &entries(20..50)]);
    vault.change("tile/0/000.p/20", |bytes| bytes[32 * 7] ^= 1);
    expect(&vault, Class::PartialDisagrees, 7);
    vault.change("tile/0/000.p/20", |bytes| bytes[32 * 7] ^= 1);
    vault.change_entries("tile/entries/000.p/20", |entries| entries[9] = entry(99));
    expect(&vault, Class::PartialDisagrees, 9);
    vault.change_entries("tile/entries/000.p/20", |entries| {
        entries[9] = entry(9);
        entries.push(entry(20));
    });
    expect(&vault, Class::PartialDisagrees, 19);
}

#[test]
fn file_whose_number_is_no_width_is_read_by_nobody() {
    let vault = vault();
    for directory in ["tile/entries/000.p", "tile/0/001.p", "tile/1/000.p"] {
        fs::create_dir_all(vault.file(directory)).expect("made");
        for width in ["0", "256", "300"] {
            vault.write(&format!("{directory}/{width}"), [0]);
        }
    }
    assert!(!vault.verify().expect("none of them is the log's").beyond);
}

#[test]
fn full_and_partial_form_that_disagree_are_found() {
    let vault = vault();
    fs::create_dir(vault.file("tile/0/001.p")).expect("made");
    vault.write("tile/0/001.p/3", &vault.read("tile/0/001")[..96]);
    assert!(!vault.verify().expect("a partial form that agrees is harmless").beyond);
    vault.change("tile/0/001.p/3", |bytes| bytes[64] ^= 1);
    expect(&vault, Class::PartialDisagrees, 258);
}

#[test]
fn full_form_beyond_the_checkpoint_that_disagrees_is_found() {
    let vault = vault();
    vault.write("tile/0/002", Vault::with(768).read("tile/0/002"));
    assert!(vault.verify().expect("a full form that agrees may lie beyond").beyond);
    vault.change("tile/0/002", |bytes| bytes[32 * 5] ^= 1);
    expect(&vault, Class::PartialDisagrees, 517);
}

#[test]
fn form_beyond_the_checkpoint_that_broke_off_at_a_power_failure_is_no_tampering() {
    let vault = vault();
    let longer = Vault::with(768);
    for (path, source) in [
        ("tile/0/002", "tile/0/002"),
        ("tile/entries/002", "tile/entries/002"),
        ("tile/0/002.p/200", "tile/0/002"),
        ("tile/entries/002.p/200", "tile/entries/002"),
    ] {
        let whole = longer.read(source);
        // Nothing of it, some of an item, and a little less than the checkpoint covers.
        for kept in [0, 7, 40, 88 * 32 - 1] {
            vault.write(path, &whole[..kept]);
            assert!(
                vault.verify().expect("what broke off says nothing wrong").beyond,
                "{path}, {kept}"
            );
        }
        // Sectors that were not written read as zeros, one of them, several or all.
        for zeros in [0..512, 512..1_024, 1_024..whole.len(), 0..whole.len()] {
            let mut unwritten = whole.clone();
            unwritten[zeros.clone()].fill(0);
            vault.write(path, &unwritten);
            assert!(vault.verify().expect("zeros say nothing wrong").beyond, "{path}, {zeros:?}");
        }
        // What is there is held against the log all the same.
        let mut changed = whole[..40].to_vec();
        changed[39] ^= 1;
        vault.write(path, &changed);
        let error = vault.verify().expect_err("a changed bit");
        assert!(
            matches!(error, VerifyError::Tampered(finding) if finding.class == Class::PartialDisagrees),
            "{path}"
        );
        fs::remove_file(vault.file(path)).expect("removed");
    }
    // A form that the checkpoint covers was synced before it was signed.
    vault.change("tile/0/002.p/88", |bytes| bytes.truncate(40));
    assert!(vault.verify().is_err());
}

#[test]
fn entry_changed_with_its_tile_is_found_by_the_tile_above() {
    let vault = vault();
    let mut changed = entries(0..600);
    changed[300] = entry(999);
    let other = Vault::of(&changed);
    for path in ["tile/entries/001", "tile/0/001"] {
        vault.write(path, other.read(path));
    }
    let finding = vault.finding();
    assert_eq!(
        (finding.class, finding.index, finding.level),
        (Class::EntryChanged, Some(256), Some(1))
    );
}

#[test]
fn all_tiles_rebuilt_for_a_changed_entry_are_found_by_the_root() {
    let vault = vault();
    let mut changed = entries(0..600);
    changed[300] = entry(999);
    copy(&Vault::of(&changed).file("tile"), &vault.file("tile"));
    let finding = vault.finding();
    assert_eq!((finding.class, finding.index), (Class::RootMismatch, None));
}

#[test]
fn nodes_handed_over_as_entries_are_found() {
    let vault = Vault::with(4);
    let leaves = vault.read("tile/0/000.p/4");
    let half = Vault::of(&[leaves[..64].to_vec(), leaves[64..].to_vec()]);
    let text = vault.checkpoint().replacen("\n4\n", "\n2\n", 1);
    let text = text.split("\n\n").next().expect("a text").to_owned() + "\n";
    half.write("checkpoint", key().note(&text));
    assert_eq!(half.finding().class, Class::RootMismatch);
}

#[test]
fn checkpoint_signed_by_another_key_of_the_same_name_is_found() {
    let vault = Vault::signed_by(&Key::new(ORIGIN, 2), &[&entries(0..600)]);
    assert_eq!(vault.finding().class, Class::KeyUnknown);
}

#[test]
fn checkpoint_of_another_log_is_found() {
    let vault = vault();
    let text = vault.checkpoint().replace(ORIGIN, "other.example/log");
    let text = text.split("\n\n").next().expect("a text").to_owned() + "\n";
    vault.write("checkpoint", key().note(&text));
    assert_eq!(vault.finding().class, Class::OriginDiffers);
}

#[test]
fn stale_checkpoint_is_found_with_a_newer_one_from_elsewhere() {
    let vault = Vault::with(300);
    let old = vault.checkpoint();
    let mut log = Log::open(&vault.path, ORIGIN, &key().public_key()).expect("opened");
    log.append(300, &entries(300..600)).expect("appended");
    log.publish(&key()).expect("published");
    drop(log);
    let seen = open_note(vault.checkpoint().as_bytes(), &key().verifier()).expect("a note");
    vault.write("checkpoint", old);
    assert!(
        vault.verify().expect("true for what it covers").beyond,
        "what lies beyond is pointed out"
    );
    let finding = finding(verify_directory(&vault.path, &key().verifier(), Some(&seen)));
    assert_eq!((finding.class, finding.index), (Class::CheckpointStale, Some(300)));
}

#[test]
fn log_cut_and_continued_with_the_real_key_is_found_with_an_earlier_checkpoint() {
    let seen = open_note(vault().checkpoint().as_bytes(), &key().verifier()).expect("a note");
    let mut changed = entries(0..700);
    changed[599] = entry(1599);
    changed[598] = entry(1598);
    let rewritten = Vault::of(&changed);
    let longer = verify_directory(&rewritten.path, &key().verifier(), Some(&seen));
    assert_eq!(finding(longer).class, Class::HistoryRewritten);
    let same = Vault::of(&changed[..600]);
    let equal = verify_directory(&same.path, &key().verifier(), Some(&seen));
    assert_eq!(finding(equal).class, Class::HistoryRewritten);
    let honest = Vault::with(700);
    assert!(verify_directory(&honest.path, &key().verifier(), Some(&seen)).is_ok());
}

#[test]
fn link_in_the_place_of_a_file_is_found() {
    for (path, index) in
        [("tile/0/001", Some(256)), ("tile/entries/001", Some(256)), ("checkpoint", None)]
    {
        let vault = vault();
        let aside = vault.path.with_extension("aside");
        fs::rename(vault.file(path), &aside).expect("moved");
        std::os::unix::fs::symlink(&aside, vault.file(path)).expect("linked");
        let finding = vault.finding();
        assert_eq!((finding.class, finding.index), (Class::NotAPlainFile, index), "{path}");
    }
}

#[test]
fn link_in_the_place_of_a_directory_is_found() {
    let vault = vault();
    let aside = vault.path.with_extension("aside");
    fs::rename(vault.file("tile/entries"), &aside).expect("moved");
    std::os::unix::fs::symlink(&aside, vault.file("tile/entries")).expect("linked");
    expect(&vault, Class::NotAPlainFile, 0);
}

#[test]
fn earliest_of_several_changes_is_named() {
    let vault = vault();
    vault.change("tile/1/000.p/2", |bytes| bytes[32] ^= 1);
    vault.change("tile/0/000", |bytes| bytes[32 * 50] ^= 1);
    vault.change("tile/entries/002.p/88", |bytes| bytes.truncate(100));
    let finding = vault.finding();
    assert_eq!((finding.index, finding.level), (Some(50), Some(0)));
}

#[test]
fn log_without_a_checkpoint_is_not_judged() {
    let vault = vault();
    vault.remove("checkpoint");
    assert!(matches!(vault.verify(), Err(VerifyError::NoCheckpoint)));
}
