//! What a reader gives out as files: exactly the tiles and bundles that the shown checkpoint covers.
//! Every form is the beginning of the file on disk, whatever width that has by now.
//! A log whose tail no witness has cosigned yet is shown without that tail.

use gridvault_audit::{Log, LogReader, TileName, keep_witnessed};

use crate::support::{ORIGIN, Vault, entries, join, key, witness};

fn reader(vault: &Vault) -> LogReader {
    LogReader::open(&vault.path, ORIGIN).expect("a log")
}

fn tile(vault: &Vault, path: &str, covered: u64) -> Option<Vec<u8>> {
    let name = TileName::parse(path).expect("a name");
    let bytes = reader(vault).tile(&name, covered).expect("readable");
    assert_eq!(
        bytes.is_some(),
        name.is_covered(covered.min(reader(vault).size().expect("a size")))
    );
    bytes
}

#[test]
fn nothing_beyond_the_covered_entries_is_given() {
    let vault = Vault::with(700);
    let leaves = [vault.read("tile/0/000"), vault.read("tile/0/001")].concat();
    for covered in [1, 255, 256, 257, 300, 511, 512, 513, 700] {
        for number in 0..4u64 {
            let has = usize::try_from(covered.min((number + 1) * 256).saturating_sub(number * 256));
            let has = has.expect("small");
            let full = format!("{number:03}");
            assert_eq!(tile(&vault, &format!("tile/0/{full}"), covered).is_some(), has == 256);
            for width in [1, has.saturating_sub(1), has, has + 1]
                .into_iter()
                .filter(|w| (1..256).contains(w))
            {
                let given = tile(&vault, &format!("tile/0/{full}.p/{width}"), covered);
                assert_eq!(given.is_some(), width <= has, "{width} of tile {number} at {covered}");
                let first = usize::try_from(number * 256).expect("small");
                if let (Some(given), 0..2) = (given, number) {
                    assert_eq!(given, leaves[first * 32..(first + width) * 32]);
                }
                let given = tile(&vault, &format!("tile/entries/{full}.p/{width}"), covered);
                let from = number * 256;
                let expected = (width <= has).then(|| join(&entries(from..from + width as u64)));
                assert_eq!(given, expected, "{width} of bundle {number} at {covered}");
            }
        }
        let above = usize::try_from(covered / 256).expect("small");
        for width in 1..4 {
            let given = tile(&vault, &format!("tile/1/000.p/{width}"), covered);
            assert_eq!(given.map(|bytes| bytes.len()), (width <= above).then_some(width * 32));
        }
    }
    assert_eq!(tile(&vault, "tile/0/002.p/200", 9_999), None, "nor beyond the published ones");
}

#[test]
fn partial_form_that_gave_way_to_the_full_one_is_still_given() {
    let vault = Vault::with(300);
    assert!(!vault.file("tile/0/000.p").exists());
    assert_eq!(
        tile(&vault, "tile/0/000.p/44", 300),
        Some(vault.read("tile/0/000")[..44 * 32].to_vec())
    );
    assert_eq!(tile(&vault, "tile/entries/000.p/44", 300), Some(join(&entries(0..44))));
}

#[test]
fn shown_checkpoint_is_the_cosigned_one_where_that_is_asked_for_and_the_logs_own_else() {
    let vault = Vault::empty();
    let mut log = Log::create(&vault.path, ORIGIN).expect("a new log");
    let shown =
        |cosigned| reader(&vault).shown(cosigned).expect("readable").map(|shown| shown.size);
    assert_eq!((shown(true), shown(false)), (None, None));
    log.append(0, &entries(0..5)).expect("appended");
    log.publish(&key()).expect("published");
    assert_eq!((shown(true), shown(false)), (Some(5), Some(5)));
    let note = vault.checkpoint();
    let text = note.split_inclusive('\n').take(3).collect::<String>();
    let cosigned = format!("{note}{}", witness(1).line(&text, 7));
    keep_witnessed(&vault.path, ORIGIN, &cosigned).expect("kept");
    log.append(5, &entries(5..9)).expect("appended");
    log.publish(&key()).expect("published");
    assert_eq!((shown(true), shown(false)), (Some(5), Some(9)));
    assert_eq!(reader(&vault).shown(true).expect("readable").expect("one").note, cosigned);
}
