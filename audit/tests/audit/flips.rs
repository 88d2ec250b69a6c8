//! One changed byte anywhere in what a checkpoint covers is found, and the place is named.

use gridvault_audit::verify::Class;

use crate::support::{Dice, Vault, split};

/// Entries of the log: seven full bundles and one of 208.
const SIZE: u64 = 2_000;

/// Flips tried for each kind of file.
const FLIPS: usize = 200;

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
    if number < 7 { format!("{number:03}") } else { format!("{number:03}.p/{width}") }
}

#[test]
fn every_flip_in_a_bundle_is_found_at_its_entry() {
    let vault = Vault::with(SIZE);
    let mut dice = Dice(1);
    for _ in 0..FLIPS {
        let number = dice.below(8);
        let path = format!("tile/entries/{}", name(number, 208));
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
        let number = dice.below(9);
        let (path, level, base) = match number {
            8 => ("tile/1/000.p/7".to_owned(), 1, 0),
            _ => (format!("tile/0/{}", name(number, 208)), 0, number * 256),
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
