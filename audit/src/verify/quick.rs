//! Scans the usual entry, fast: nothing but ASCII in it and no escapes, so that a string ends at its next quote.
//! Never says what is wrong: what it does not take is judged by the strict scan of `entry`, which explains.
//! Whatever it takes, the strict scan takes too, and finds the same members.

use super::json::{Scanner, Value, can_end};
use super::members::Members;
use crate::constants::{Kind, MEMBERS};

/// Digits that are below 2 to the 64 whatever they are.
const DIGITS_MAX: usize = 19;

/// A member's name with its quotes and its colon, as one number, first byte lowest: one comparison tells all of it.
#[derive(Clone, Copy)]
struct Label {
    text: u64,
    mask: u64,
    bytes: u8,
    /// Its place in [`MEMBERS`].
    place: u8,
    kind: Kind,
}

/// The labels of [`MEMBERS`].
static LABELS: [Label; MEMBERS.len()] = {
    let mut labels = [Label::of(0); MEMBERS.len()];
    let mut place = 1;
    while place < MEMBERS.len() {
        labels[place] = Label::of(place);
        place += 1;
    }
    labels
};

impl Label {
    const fn of(place: usize) -> Label {
        let (name, kind) = MEMBERS[place];
        let name = name.as_bytes();
        let bytes = name.len() + 3;
        assert!(bytes <= 8, "a name has five bytes at most");
        let mut text = [0; 8];
        let mut at = 0;
        while at < name.len() {
            text[at + 1] = name[at];
            at += 1;
        }
        (text[0], text[bytes - 2], text[bytes - 1]) = (b'"', b'"', b':');
        Label {
            text: u64::from_le_bytes(text),
            mask: u64::MAX >> (64 - 8 * bytes),
            bytes: bytes as u8,
            place: place as u8,
            kind,
        }
    }
}

/// Finds the members of a usual entry. `None` for any other, and then `members` may hold a part of it.
///
/// A place in an entry is an index of its bytes and not a shorter slice: what is passed on is one number, which stays in
/// a register. Half of the time that a scan took went into passing slices on through memory.
pub(super) fn scan<'a>(entry: &'a [u8], members: &mut Members<'a>) -> Option<()> {
    if !is_plain(entry) || entry.first() != Some(&b'{') {
        return None;
    }
    let mut labels = LABELS.iter();
    let mut at = 1;
    loop {
        // Going forward alone finds each name at most once and in order.
        let window = window(entry, at)?;
        let label = labels.find(|label| window & label.mask == label.text)?;
        let (value, end) = value(entry, at + usize::from(label.bytes), label.kind)?;
        members.note(usize::from(label.place), value).ok()?;
        match entry.get(end)? {
            b',' => at = end + 1,
            b'}' if end + 1 == entry.len() => break,
            _ => return None,
        }
    }
    members.are_whole().ok()
}

/// The value that begins at `at`, and where it ends. Those below say as much, each of its own kind.
#[inline]
fn value(entry: &[u8], at: usize, kind: Kind) -> Option<(Value<'_>, usize)> {
    match kind {
        Kind::Number => number(entry, at).map(|(number, end)| (Value::Number(number), end)),
        Kind::Text => without_quotes(entry, at, text(entry, at)?),
        Kind::Id => without_quotes(entry, at, bytes_16(entry, at)?),
        Kind::Digest => without_quotes(entry, at, bytes_32(entry, at)?),
        Kind::Bytes => without_quotes(entry, at, bytes(entry, at)?),
        Kind::Texts => list(entry, at, text),
        Kind::Ids => list(entry, at, bytes_16),
        Kind::Pair => list(entry, at, |entry, at| number(entry, at).map(|(_, end)| end))
            .filter(|(value, _)| matches!(value, Value::Items(2))),
        // The last member, and few entries have it.
        Kind::Detail => {
            let mut scanner = Scanner::new(entry.get(at..)?);
            let value = scanner.value(kind).ok()?;
            Some((value, entry.len() - scanner.bytes_left()))
        }
    }
}

/// What stands between the quotes of the string from `at` to `end`.
#[inline]
fn without_quotes(entry: &[u8], at: usize, end: usize) -> Option<(Value<'_>, usize)> {
    Some((Value::Text(entry.get(at + 1..end - 1)?), end))
}

/// Whether an entry is ASCII without control characters and without escapes.
fn is_plain(entry: &[u8]) -> bool {
    // All bytes of a chunk without a branch between them, so that a compiler looks at many at once.
    let plain = |bytes: &[u8]| {
        bytes.iter().fold(true, |all, byte| all & (byte.cast_signed() >= 0x20) & (*byte != b'\\'))
    };
    let (chunks, rest) = entry.as_chunks::<64>();
    chunks.iter().all(|chunk| plain(chunk)) && plain(rest)
}

/// The eight bytes from `at` on, with zeros for those past the end.
#[inline]
fn window(entry: &[u8], at: usize) -> Option<u64> {
    if let Some(window) = entry.get(at..)?.first_chunk() {
        return Some(u64::from_le_bytes(*window));
    }
    let last = u64::from_le_bytes(*entry.last_chunk()?);
    last.checked_shr(8 * (at + 8 - entry.len()) as u32)
}

/// Eight bytes of 1 in one number.
const ONES: u64 = u64::from_le_bytes([1; 8]);

/// A string of an entry that is plain.
#[inline]
fn text(entry: &[u8], at: usize) -> Option<usize> {
    if entry.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        // A quote becomes zero, and taking one from it sets its highest bit, which is not set in any byte of plain text.
        // Above the lowest one more may be set, by a borrow.
        let others = window(entry, at)? ^ (ONES * u64::from(b'"'));
        let quotes = others.wrapping_sub(ONES) & (ONES << 7);
        if quotes != 0 {
            return Some(at + (quotes.trailing_zeros() / 8) as usize + 1);
        }
        at += 8;
    }
}

/// A number of so few digits that it needs no look at its size.
#[inline]
fn number(entry: &[u8], at: usize) -> Option<(u64, usize)> {
    let (mut number, mut end) = (0_u64, at);
    while let Some(byte @ b'0'..=b'9') = entry.get(end) {
        number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        end += 1;
    }
    let digits = end - at;
    let canonical = digits == 1 || ((2..=DIGITS_MAX).contains(&digits) && entry[at] != b'0');
    canonical.then_some((number, end))
}

/// Whether a byte is a letter of base64url; without a branch, as above.
#[inline]
const fn is_letter(byte: u8) -> bool {
    let alphabetic = (byte | 0x20).wrapping_sub(b'a') < 26;
    let digit = byte.wrapping_sub(b'0') < 10;
    alphabetic | digit | (byte == b'-') | (byte == b'_')
}

/// Whether these are letters of base64url, sixteen and sixteen more.
#[inline]
fn are_letters(left: &[u8; 16], right: &[u8; 16]) -> bool {
    left.iter()
        .zip(right)
        .fold(true, |all, (left, right)| all & is_letter(*left) & is_letter(*right))
}

/// Whether all bytes are letters of base64url.
#[inline]
fn all_letters(text: &[u8]) -> bool {
    // The last sixteen, some of them once more, instead of the few that are left over.
    let Some(last) = text.last_chunk() else {
        return text.iter().all(|byte| is_letter(*byte));
    };
    text.as_chunks().0.iter().all(|chunk| are_letters(chunk, last))
}

/// Sixteen bytes in base64url.
#[inline]
fn bytes_16(entry: &[u8], at: usize) -> Option<usize> {
    bytes_between_quotes::<24>(entry, at)
}

/// Thirty-two bytes in base64url.
#[inline]
fn bytes_32(entry: &[u8], at: usize) -> Option<usize> {
    bytes_between_quotes::<45>(entry, at)
}

/// Bytes in base64url whose quotes stand `N` bytes apart.
#[inline]
fn bytes_between_quotes<const N: usize>(entry: &[u8], at: usize) -> Option<usize> {
    let quoted = entry.get(at..)?.first_chunk::<N>()?;
    let text = &quoted[1..N - 1];
    let fits = quoted[0] == b'"' && quoted[N - 1] == b'"' && all_letters(text) && can_end(text);
    fits.then_some(at + N)
}

/// Any number of bytes in base64url.
#[inline]
fn bytes(entry: &[u8], at: usize) -> Option<usize> {
    let end = text(entry, at)?;
    let text = entry.get(at + 1..end - 1)?;
    (text.len() % 4 != 1 && all_letters(text) && can_end(text)).then_some(end)
}

/// A list of at least one item.
#[inline]
fn list(
    entry: &[u8],
    at: usize,
    item: impl Fn(&[u8], usize) -> Option<usize>,
) -> Option<(Value<'_>, usize)> {
    if entry.get(at) != Some(&b'[') {
        return None;
    }
    let (mut at, mut count) = (at + 1, 0);
    loop {
        let end = item(entry, at)?;
        count += 1;
        match entry.get(end)? {
            b',' => at = end + 1,
            b']' => return Some((Value::Items(count), end + 1)),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, subsequence};

    use super::*;
    use crate::verify::entry;

    /// Members that no entry lacks.
    const REQUIRED: [&str; 8] = ["act", "ev", "mono", "out", "req", "seq", "t", "v"];

    /// Bytes that mean something in an entry, and those beside the limits of what may stand in it.
    const TELLING: &[u8] = b"\"\\{}[],:09-_AQZaz \x00\x1f\x7f\x80\xc3\xff/@[`{.";

    /// A value of `kind`, of which `dice` decides what it can.
    fn value_of(name: &str, kind: Kind, dice: u64) -> String {
        let letters = |count: usize, last: &str| {
            let from = usize::try_from(dice % 32).expect("small");
            let letters = "QpBxRc-09_zZaAyYdTfGhJkLmNbVcXwEqIuOo8W7v6S5t4";
            format!("\"{}{last}\"", &letters.repeat(2)[from..from + count])
        };
        let id = || letters(21, ["A", "Q", "g", "w"][dice as usize % 4]);
        let text = || format!("\"{}\"", &"visit/by.a_guest~{[,:]}".repeat(2)[..dice as usize % 40]);
        match kind {
            Kind::Number => (dice >> (dice % 64)).min(10_u64.pow(19) - 1).to_string(),
            Kind::Text if name == "out" => "\"error\"".into(),
            Kind::Text => text(),
            Kind::Id => id(),
            Kind::Digest => letters(42, "8"),
            Kind::Bytes => {
                let count = dice as usize % 60;
                letters(count, ["", "Q", "8", "8"][count % 4])
            }
            Kind::Texts => format!("[{}]", vec![text(); 1 + dice as usize % 3].join(",")),
            Kind::Ids => format!("[{}]", vec![id(); 1 + dice as usize % 3].join(",")),
            Kind::Pair => format!("[{},{}]", dice % 1000, dice % 7),
            Kind::Detail => format!("{{\"a\":{},\"b_1\":{}}}", dice % 1000, text()),
        }
    }

    fn entry_of(members: &[(&str, Kind)], dice: u64) -> Vec<u8> {
        let member = |(at, (name, kind)): (usize, &(&str, Kind))| {
            // Fields and views are as many as each other.
            let own = if matches!(*kind, Kind::Texts) { 0 } else { at as u32 * 7 };
            format!("\"{name}\":{}", value_of(name, *kind, dice.rotate_left(own)))
        };
        let has = |name: &str| members.iter().any(|(known, _)| *known == name);
        let kept: Vec<_> =
            members.iter().filter(|(name, _)| *name != "view" || has("fld")).copied().collect();
        let members: Vec<_> = kept.iter().enumerate().map(member).collect();
        format!("{{{}}}", members.join(",")).into_bytes()
    }

    fn usual_entries() -> impl Strategy<Value = Vec<u8>> {
        let optional: Vec<_> =
            MEMBERS.iter().filter(|(name, _)| !REQUIRED.contains(name)).copied().collect();
        let optional_count = optional.len();
        (subsequence(optional, 0..=optional_count), any::<u64>()).prop_map(|(chosen, dice)| {
            let is_there =
                |name: &str| REQUIRED.contains(&name) || chosen.iter().any(|(own, _)| *own == name);
            let members: Vec<_> =
                MEMBERS.iter().filter(|(name, _)| is_there(name)).copied().collect();
            entry_of(&members, dice)
        })
    }

    /// One thing that may happen to an entry.
    #[derive(Clone, Debug)]
    enum Harm {
        Put(Index, u8),
        Insert(Index, u8),
        Cut(Index, Index),
        Repeat(Index, Index, Index),
        Swap(Index, Index),
    }

    fn harms() -> impl Strategy<Value = Harm> {
        let byte = || prop_oneof![any::<u8>(), proptest::sample::select(TELLING)];
        let index = any::<Index>;
        prop_oneof![
            (index(), byte()).prop_map(|(at, byte)| Harm::Put(at, byte)),
            (index(), byte()).prop_map(|(at, byte)| Harm::Insert(at, byte)),
            (index(), index()).prop_map(|(from, to)| Harm::Cut(from, to)),
            (index(), index(), index()).prop_map(|(from, to, at)| Harm::Repeat(from, to, at)),
            (index(), index()).prop_map(|(left, right)| Harm::Swap(left, right)),
        ]
    }

    fn do_harm(entry: &mut Vec<u8>, harm: &Harm) {
        if entry.is_empty() {
            return;
        }
        let bytes = entry.len();
        // Short ones, so that more of an entry stays what it was.
        let range = |from: &Index, length: &Index| {
            let from = from.index(bytes);
            from..bytes.min(from + 1 + length.index(40))
        };
        match harm {
            Harm::Put(at, byte) => entry[at.index(bytes)] = *byte,
            Harm::Insert(at, byte) => entry.insert(at.index(bytes + 1), *byte),
            Harm::Cut(from, length) => drop(entry.drain(range(from, length))),
            Harm::Repeat(from, length, at) => {
                let copy = entry[range(from, length)].to_vec();
                let at = at.index(bytes + 1);
                entry.splice(at..at, copy);
            }
            Harm::Swap(left, right) => entry.swap(left.index(bytes), right.index(bytes)),
        }
    }

    fn quickly(entry: &[u8]) -> Option<Members<'_>> {
        let mut members = Members::none();
        scan(entry, &mut members).map(|()| members)
    }

    /// Whether anything in an entry is for the strict scan alone: what is not plain, and numbers of twenty digits.
    fn is_unusual(entry: &[u8]) -> bool {
        let digits = entry.split(|byte| !byte.is_ascii_digit());
        let plain = |byte: &u8| (0x20..0x80).contains(byte) && *byte != b'\\';
        !entry.iter().all(plain)
            || digits.max_by_key(|run| run.len()).is_some_and(|run| run.len() > 19)
    }

    /// Holds the quick scan against the strict one: what either takes, the other takes alike.
    fn agree(entry: &[u8]) {
        let text = || String::from_utf8_lossy(entry).into_owned();
        match (quickly(entry), entry::scan(entry)) {
            (Some(quick), Ok(strict)) => assert_eq!(quick, strict, "{}", text()),
            (Some(_), Err(fault)) => panic!("taken quickly, though {fault}: {}", text()),
            (None, Ok(_)) => assert!(is_unusual(entry), "usual, and not taken quickly: {}", text()),
            (None, Err(_)) => {}
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

        #[test]
        fn usual_entries_are_taken_quickly_with_the_members_of_the_strict_scan(entry in usual_entries()) {
            prop_assert!(quickly(&entry).is_some(), "{}", String::from_utf8_lossy(&entry));
            agree(&entry);
        }

        #[test]
        fn what_was_tampered_with_is_taken_by_both_scans_or_by_none(
            entry in usual_entries(),
            harms in proptest::collection::vec(harms(), 1..4),
        ) {
            let mut entry = entry;
            for harm in &harms {
                do_harm(&mut entry, harm);
                agree(&entry);
            }
        }
    }

    /// Every member there is.
    fn fullest() -> Vec<u8> {
        entry_of(&MEMBERS, 0x0123_4567_89ab_cdef)
    }

    #[test]
    fn every_byte_may_be_any_other_and_the_scans_agree() {
        let whole = fullest();
        assert!(quickly(&whole).is_some());
        for at in 0..whole.len() {
            let mut entry = whole.clone();
            for byte in 0..=u8::MAX {
                entry[at] = byte;
                agree(&entry);
            }
        }
    }

    #[test]
    fn every_byte_may_be_missing_or_be_joined_by_another_and_the_scans_agree() {
        let whole = fullest();
        for at in 0..whole.len() {
            agree(&whole[..at]);
            agree(&whole[at..]);
            agree(&[&whole[..at], &whole[at + 1..]].concat());
            for byte in TELLING {
                agree(&[&whole[..at], &[*byte], &whole[at..]].concat());
            }
        }
        agree(b"");
    }

    /// The eight bytes that the scan looks at may reach past the end, and must not find anything there.
    #[test]
    fn entries_end_anywhere_in_a_window() {
        let shortest = entry_of(&MEMBERS, 1);
        let v =
            shortest.windows(5).position(|window| window == b",\"v\":").expect("it has a version");
        for tail in [
            "1}",
            "12}",
            "1,\"x\":{\"a\":1}}",
            "1,\"why\":\"\"}",
            "1,\"why\":\"a\"}",
            "1",
            "",
            "1,",
            "1,\"x\":",
        ] {
            agree(&[&shortest[..v + 5], tail.as_bytes()].concat());
        }
        for entry in ["{", "}", "{}", "{\"v\":1}", "{\"v\":1", "{\"v\"", "{\"who\"", "{\"why\":\""]
        {
            assert!(quickly(entry.as_bytes()).is_none(), "{entry}");
            agree(entry.as_bytes());
        }
    }

    #[test]
    fn numbers_of_twenty_digits_are_left_to_the_strict_scan() {
        let with = |number: &str| {
            let entry = String::from_utf8(entry_of(&MEMBERS, 1)).expect("text");
            let (before, rest) = entry.split_once("\"mono\":").expect("it has a time");
            let (_, after) = rest.split_once(',').expect("and more");
            format!("{before}\"mono\":{number},{after}").into_bytes()
        };
        for (number, quick, strict) in [
            ("0", true, true),
            ("9999999999999999999", true, true),
            ("10000000000000000000", false, true),
            ("18446744073709551615", false, true),
            ("18446744073709551616", false, false),
            ("99999999999999999999", false, false),
            ("100000000000000000000", false, false),
            ("01", false, false),
            ("00", false, false),
            ("", false, false),
            ("-1", false, false),
        ] {
            let entry = with(number);
            assert_eq!(quickly(&entry).is_some(), quick, "{number}");
            assert_eq!(entry::scan(&entry).is_ok(), strict, "{number}");
            agree(&entry);
        }
    }
}
