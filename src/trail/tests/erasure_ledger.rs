//! Requirements on the ledger of erasures: what it says it has is there, and nobody else's word is taken for it.
//! Never a line that this vault did not write, in another place than it wrote it.
//! The file is changed here as whoever has the second place would change it.

use super::world::keyring;
use crate::limits::{ERASURE_LEDGER_BYTES_MAX, ERASURE_LEDGER_LINE_BYTES_MAX};
use crate::records::{Handle, MandateId};
use crate::trail::{ErasureLedger, LedgerError, LedgerMark, LedgerPlace, ToldErasure};
use gridvault_keys::{ChainKey, Keyring, Month, RootKey};
use std::path::PathBuf;

pub(super) fn chain() -> ChainKey {
    keyring().chain()
}

pub(super) fn told(number: u8) -> ToldErasure {
    ToldErasure {
        id: MandateId::from_bytes([number; 16]),
        subject: Handle::from_bytes([number + 100; 16]),
        reason: "purpose_met".to_owned(),
        area: "880102001".to_owned(),
        origin: "vault.example/log".to_owned(),
        destroyed: u64::from(number) * 1_000,
    }
}

struct Place {
    _room: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    /// A second place in which three erasures are.
    fn of_three() -> Place {
        let room = tempfile::tempdir().expect("a directory");
        let path = room.path().join("erasures");
        let ledger =
            ErasureLedger::open(&LedgerPlace::File(path.clone()), chain()).expect("a ledger");
        for number in 1..=3 {
            ledger.tell(&told(number)).expect("taken");
        }
        Place { _room: room, path }
    }

    fn at(&self) -> LedgerPlace {
        LedgerPlace::File(self.path.clone())
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.path).expect("a file");
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    fn write(&self, lines: &[String]) {
        std::fs::write(&self.path, lines.concat()).expect("written");
    }

    fn again(&self) -> Result<ErasureLedger, LedgerError> {
        ErasureLedger::open(&self.at(), chain())
    }
}

#[track_caller]
fn assert_refused_at(place: &Place, number: u64) {
    match place.again() {
        Err(LedgerError::Line(line)) => assert_eq!(line, number),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn what_was_taken_is_there_in_the_next_process_and_nothing_is_taken_twice() {
    let place = Place::of_three();
    let ledger = place.again().expect("a ledger");
    assert_eq!(ledger.told(), [told(1), told(2), told(3)]);
    assert!(ledger.has(told(3).id) && !ledger.has(told(4).id));
    ledger.tell(&told(2)).expect("it is there");
    assert_eq!(place.lines().len(), 4);
    ledger.tell(&told(4)).expect("taken");
    assert_eq!(place.again().expect("a ledger").told().len(), 4);
    assert_eq!(place.lines()[0], "gridvault erasures 1\n");
}

#[test]
fn a_line_that_was_changed_dropped_moved_or_added_is_found_where_it_is() {
    let whole = Place::of_three().lines();
    let changed = |change: &dyn Fn(&mut Vec<String>)| {
        let place = Place::of_three();
        let mut lines = whole.clone();
        change(&mut lines);
        place.write(&lines);
        place
    };
    assert_refused_at(&changed(&|lines| lines[0] = "gridvault erasures 2\n".to_owned()), 1);
    assert_refused_at(&changed(&|lines| drop(lines.remove(0))), 1);
    assert_refused_at(&changed(&|lines| drop(lines.remove(1))), 2);
    assert_refused_at(&changed(&|lines| lines.swap(2, 3)), 3);
    assert_refused_at(&changed(&|lines| lines.push(lines[3].clone())), 5);
    assert_refused_at(&changed(&|lines| lines[2] = lines[2].replace("880102001", "880102002")), 3);
    assert_refused_at(&changed(&|lines| lines[3].insert(0, ' ')), 4);
    assert_refused_at(&changed(&|lines| lines.insert(2, "\n".to_owned())), 3);
    for at in 0..whole[3].len() - 1 {
        let place = changed(&|lines| {
            let mut bytes = lines[3].clone().into_bytes();
            bytes[at] ^= 1;
            lines[3] = String::from_utf8(bytes).expect("ASCII");
        });
        assert!(place.again().is_err(), "bit {at}");
    }
}

#[test]
fn what_a_crash_left_of_a_last_line_is_cut_and_told_again() {
    let whole = Place::of_three().lines();
    for kept in 0..whole[3].len() {
        let place = Place::of_three();
        let mut lines = whole.clone();
        lines[3].truncate(kept);
        place.write(&lines);
        let ledger = place.again().expect("a ledger");
        assert_eq!(ledger.told(), [told(1), told(2)], "{kept} bytes");
        ledger.tell(&told(3)).expect("taken");
        assert_eq!(place.lines(), whole);
    }
}

#[test]
fn what_a_crash_left_of_the_first_line_is_begun_anew_and_no_ledger_to_a_restore() {
    let first = Place::of_three().lines()[0].clone();
    for kept in 0..first.len() {
        let place = Place::of_three();
        place.write(&[first[..kept].to_owned()]);
        let existing = ErasureLedger::existing(&place.at(), chain());
        assert!(matches!(existing, Err(LedgerError::Line(1))), "{kept} bytes");
        let ledger = place.again().expect("a ledger");
        ledger.tell(&told(1)).expect("taken");
        assert_eq!(place.lines().len(), 2);
    }
}

#[test]
fn a_mark_leads_a_ledger_that_grew_and_none_that_lost_a_line() {
    let place = Place::of_three();
    let mark = ErasureLedger::unjudged_at(&place.at()).expect("a ledger").0;
    assert_eq!(LedgerMark::parse(&mark.to_text()), Some(mark));
    for text in ["", "7 x\n", "7\n", mark.to_text().trim_end()] {
        assert_eq!(LedgerMark::parse(text), None, "{text:?}");
    }
    place.again().expect("a ledger").tell(&told(4)).expect("taken");
    let since = || ErasureLedger::since(&mark, &place.at(), chain());
    assert_eq!(since().expect("a ledger").told().len(), 4);
    // A whole chain all the same, with which nothing else is wrong.
    place.write(&place.lines()[..3]);
    assert_eq!(place.again().expect("a ledger").told().len(), 2);
    assert!(matches!(since(), Err(LedgerError::PutBack)));
}

#[test]
fn a_ledger_of_another_vault_is_not_this_ones() {
    let place = Place::of_three();
    let directory = tempfile::tempdir().expect("a directory");
    let root = RootKey::generate().expect("a root key");
    let month = Month::from_year_month(2026, 1).expect("a month");
    let other = Keyring::create(&directory.path().join("keyring"), &root, month).expect("a ring");
    let opened = ErasureLedger::open(&place.at(), other.chain());
    assert!(matches!(opened, Err(LedgerError::Line(2))));
}

#[test]
fn a_second_writer_a_place_that_is_gone_and_a_ledger_that_must_be_there_are_told() {
    let place = Place::of_three();
    let (one, two) = (place.again().expect("a ledger"), place.again().expect("a ledger"));
    one.tell(&told(4)).expect("taken");
    assert!(matches!(two.tell(&told(5)), Err(LedgerError::Changed)));
    std::fs::remove_file(&place.path).expect("removed");
    assert!(matches!(one.tell(&told(5)), Err(LedgerError::Io(_))));
    assert!(!one.has(told(5).id));
    let missing = ErasureLedger::existing(&place.at(), chain());
    assert!(matches!(missing, Err(LedgerError::Io(_))));
    let nowhere = LedgerPlace::File("/nowhere/at/all".into());
    assert!(matches!(ErasureLedger::open(&nowhere, chain()), Err(LedgerError::Io(_))));
}

#[test]
fn a_line_has_as_many_bytes_as_the_limit_and_not_one_more() {
    let place = Place::of_three();
    let ledger = place.again().expect("a ledger");
    let usual = place.lines()[1].len() - told(1).origin.len();
    let of = |bytes: usize| ToldErasure { origin: "o".repeat(bytes - usual), ..told(9) };
    let longer = ledger.tell(&of(ERASURE_LEDGER_LINE_BYTES_MAX + 1));
    assert!(matches!(longer, Err(LedgerError::TooLarge)));
    ledger.tell(&of(ERASURE_LEDGER_LINE_BYTES_MAX)).expect("taken");
    assert_eq!(place.lines()[4].len(), ERASURE_LEDGER_LINE_BYTES_MAX);
    assert_eq!(place.again().expect("a ledger").told().len(), 4);
}

#[test]
fn a_ledger_has_as_many_bytes_as_the_limit_and_not_one_more() {
    let place = Place::of_three();
    let bytes = std::fs::metadata(&place.path).expect("a file").len();
    let within = |most| ErasureLedger::within(&place.at(), chain(), most);
    assert!(matches!(within(bytes - 1), Err(LedgerError::TooLarge)));
    let next = place.lines()[3].len() as u64;
    let full = within(bytes + next - 1).expect("a ledger");
    assert!(matches!(full.tell(&told(4)), Err(LedgerError::TooLarge)));
    within(bytes + next).expect("a ledger").tell(&told(4)).expect("taken");
    assert!(ERASURE_LEDGER_BYTES_MAX / next > 1_000_000, "a million erasures");
}
