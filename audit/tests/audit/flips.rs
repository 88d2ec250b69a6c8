//! One changed byte anywhere in what a checkpoint covers is found, and the place is named.

use gridvault_audit::verify::Class;

use crate::support::{Dice, Vault, split};

/// Entries of the log: 39 full bundles and one of 16.
const SIZE: u64 = 10_000;

/// Full bundles, and full tiles of leaf hashes.
const FULL: usize = 39;

/// Entries of the last bundle.
const REST: usize = 16;

/// Flips tried for each kind of file.
const FLIPS: usize = 40;

/// Changes one byte of `path`, asks `expect` to look at the finding, and changes it back.
fn flip(
    vault: &Vault,
    path: &str,
    dice: &mut Dice,
    expect: impl FnOnce(usize, gridvault_audit::verify::Finding),
) {
    let before = vault.read(path);
    let at = dice.below(before.len());
    let mut after = before.clone();
    after[at] ^= 1 << dice.below(8);
    vault.write(path, &after);
    expect(at, vault.finding());
    vault.write(path, before);
}

fn name(number: usize, width: usize) -> String {
    if number < FULL { format!("{number:03}") } else { format!("{number:03}.p/{width}") }
}

#[test]
fn every_flip_in_a_bundle_is_found_at_its_entry() {
    let vault = Vault::with(SIZE);
    let mut dice = Dice(1);
    for _ in 0..FLIPS {
        let number = dice.below(FULL + 1);
        let path = format!("tile/entries/{}", name(number, REST));
        let entries = split(&vault.read(&path));
        flip(&vault, &path, &mut dice, |at, finding| {
            let ends = entries.iter().scan(0, |end, entry| {
                *end += 2 + entry.len();
                Some(*end)
            });
            let slot = ends.take_while(|end| *end <= at).count();
            assert_eq!(
                finding.index,
                Some((number * 256 + slot) as u64),
                "{path} at {at}: {finding:?}"
            );
            assert!(
                matches!(
                    finding.class,
                    Class::EntryChanged | Class::BundleMalformed | Class::Truncated
                ),
                "{path} at {at}: {finding:?}"
            );
        });
    }
    vault.verify().expect("whole again");
}

#[test]
fn every_flip_in_a_tile_is_found_at_its_hash() {
    let vault = Vault::with(SIZE);
    let mut dice = Dice(2);
    for _ in 0..FLIPS {
        let number = dice.below(FULL + 2);
        let (path, level, base) = match number {
            40 => ("tile/1/000.p/39".to_owned(), 1, 0),
            _ => (format!("tile/0/{}", name(number, REST)), 0, number * 256),
        };
        flip(&vault, &path, &mut dice, |at, finding| {
            let index = (base + at / 32) << (8 * level);
            assert_eq!(finding.class, Class::TileChanged, "{path} at {at}");
            assert_eq!(
                (finding.index, finding.level),
                (Some(index as u64), Some(level)),
                "{path} at {at}"
            );
        });
    }
    vault.verify().expect("whole again");
}

#[test]
fn every_flip_in_the_checkpoint_is_found() {
    let vault = Vault::with(SIZE);
    let before = vault.read("checkpoint");
    // Small enough to try every bit of every byte.
    for at in 0..before.len() {
        for bit in 0..8 {
            let mut after = before.clone();
            after[at] ^= 1 << bit;
            vault.write("checkpoint", &after);
            let class = vault.finding().class;
            let expected = [Class::NoteMalformed, Class::SignatureInvalid, Class::KeyUnknown];
            assert!(expected.contains(&class), "byte {at}, bit {bit}: {class:?}");
        }
    }
    vault.write("checkpoint", before);
    vault.verify().expect("whole again");
}

/// Anything at all: a file of the log by chance, a byte by chance, a bit by chance.
#[test]
fn every_flip_anywhere_is_found() {
    let vault = Vault::with(SIZE);
    let mut files = Vec::new();
    list(&vault.path, &mut files);
    assert_eq!(files.len(), 1 + 2 * (FULL + 1) + 1, "checkpoint, bundles, tiles of both levels");
    let mut dice = Dice(3);
    for _ in 0..2 * FLIPS {
        let path = files[dice.below(files.len())].clone();
        flip(&vault, &path, &mut dice, |at, finding| {
            let named = finding.index.is_some() || path == "checkpoint";
            assert!(named, "{path} at {at}: {finding:?}");
        });
    }
    vault.verify().expect("whole again");
}

/// Every file beneath a log but the lock, by its path.
fn list(root: &std::path::Path, found: &mut Vec<String>) {
    let mut left = vec![root.to_path_buf()];
    while let Some(directory) = left.pop() {
        for item in std::fs::read_dir(directory).expect("a directory").flatten() {
            let path = item.path();
            let below = path.strip_prefix(root).expect("beneath").to_str().expect("plain");
            match path.is_dir() {
                true => left.push(path),
                false if below != "lock" => found.push(below.to_owned()),
                false => {}
            }
        }
    }
    found.sort_unstable();
}
