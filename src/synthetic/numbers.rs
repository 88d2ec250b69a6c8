//! Citizen numbers, telephones and credit codes that look true and belong to nobody.
//! Never a real region (88 is no province), never a mobile prefix in use (12 has no operator), and never one number twice.
//! Check digits are the true ones, so that nothing has to be relaxed for the sample city.

use super::layout::COUNTIES;
use crate::records::{days_since_epoch, numbers};
use jiff::civil::{Date, date};
use std::collections::HashMap;

/// Counties of other cities, where people who moved here have their numbers from. Invented, as all that begins with 88.
const OTHER_CITIES: [&str; 6] = ["880203", "880304", "880406", "880522", "880623", "880724"];
/// Regions of citizen numbers: the counties of the city, then those of other cities.
pub(super) const REGIONS: usize = COUNTIES.len() + OTHER_CITIES.len();

/// First day that generated numbers are counted from.
const FIRST_BIRTH: Date = date(1900, 1, 1);
/// Generated sequence numbers begin here; those below are for people who are known by sight.
const SEQUENCE_FIRST: u32 = 500;
/// People of one sex who are born on one day in one region; further ones get no number.
const NUMBERS_PER_DAY: u8 = 250;
/// Step between sequence numbers of a day; it shares no factor with their count, so none repeats.
const SEQUENCE_STEP: u32 = 37;
/// Telephones end in nine digits. The step shares no factor with their count.
const PHONES: u64 = 1_000_000_000;
const PHONE_STEP: u64 = 618_033_989;
/// Telephones of people known by sight lie here: 1290000 and four digits.
const KNOWN_PHONES: std::ops::Range<u64> = 900_000_000..900_010_000;
/// Characters of a credit code (GB 32100-2015).
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Six of them number the unit. The step shares no factor with the count, which is a power of 31.
const CODES: u64 = 887_503_681;
const CODE_STEP: u64 = 548_507_441;
/// Weights of a unit's eight characters (GB 11714-1997).
const UNIT_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];

/// Who has which number already. It grows with days and regions, not with people.
pub(super) struct Numbers {
    offset: u64,
    phones: u64,
    codes: u64,
    /// How many of a region, day and sex have one.
    born: HashMap<(usize, i32, bool), u8>,
}

impl Numbers {
    /// Nothing given out yet.
    pub(super) fn new(seed: u64) -> Numbers {
        Numbers { offset: seed % 1_000_000, phones: 0, codes: 0, born: HashMap::new() }
    }

    /// A citizen number of a region, by its place in the list; none when a day has no more.
    pub(super) fn citizen(&mut self, region: usize, birth: Date, is_male: bool) -> Option<String> {
        let day = days_since_epoch(birth);
        let taken = self.born.entry((region, day, is_male)).or_insert(0);
        if *taken >= NUMBERS_PER_DAY || birth < FIRST_BIRTH {
            return None;
        }
        let place = (u32::from(*taken) * SEQUENCE_STEP + day.unsigned_abs() % 199)
            % u32::from(NUMBERS_PER_DAY);
        *taken += 1;
        // Odd for men, even for women (GB 11643-1999).
        Some(citizen_number(region, birth, SEQUENCE_FIRST + 2 * place + u32::from(is_male)))
    }

    /// A telephone that nobody else has.
    pub(super) fn phone(&mut self) -> String {
        loop {
            self.phones += 1;
            let number = (self.phones + self.offset) * PHONE_STEP % PHONES;
            if !KNOWN_PHONES.contains(&number) {
                return format!("12{number:09}");
            }
        }
    }

    /// A credit code that no other unit has. `kind` is the pair of characters in front.
    pub(super) fn credit_code(&mut self, kind: &str) -> String {
        self.codes += 1;
        let mut rest = (self.codes + self.offset) * CODE_STEP % CODES;
        let mut unit = *b"MA000000";
        for place in (2..8).rev() {
            unit[place] = ALPHABET[(rest % 31) as usize];
            rest /= 31;
        }
        let unit = std::str::from_utf8(&unit).expect("the alphabet is ASCII");
        let first17 = format!("{kind}000000{unit}{}", unit_check(unit));
        let check = numbers::credit_check_character(first17.as_bytes())
            .expect("seventeen characters of the alphabet");
        format!("{first17}{}", char::from(check))
    }
}

/// A citizen number with a given sequence number, below 1,000.
pub(super) fn citizen_number(region: usize, birth: Date, sequence: u32) -> String {
    let region = match COUNTIES.get(region) {
        Some((code, _)) => code,
        None => OTHER_CITIES[(region - COUNTIES.len()) % OTHER_CITIES.len()],
    };
    let (year, month, day) = (birth.year(), birth.month(), birth.day());
    let first17 = format!("{region}{year:04}{month:02}{day:02}{sequence:03}");
    let check = numbers::id_check_character(first17.as_bytes()).expect("seventeen digits");
    format!("{first17}{}", char::from(check))
}

/// The first citizen number from a sequence number on, of the same sex, that ends in X.
pub(super) fn citizen_number_with_x(region: usize, birth: Date, from: u32) -> String {
    let sequences = (from..SEQUENCE_FIRST).step_by(2);
    let mut found = sequences.map(|sequence| citizen_number(region, birth, sequence));
    let with_x = found.find(|number| number.ends_with('X'));
    with_x.unwrap_or_else(|| citizen_number(region, birth, from))
}

/// A telephone of someone known by sight: 1290000 and these four digits.
pub(super) fn known_phone(last_four: u32) -> String {
    format!("1290000{:04}", last_four % 10_000)
}

/// The check character of a unit's eight (GB 11714-1997): letters count from 10.
fn unit_check(unit: &str) -> char {
    let values = unit.chars().map(|character| character.to_digit(36).unwrap_or(0));
    let sum: u32 = std::iter::zip(values, UNIT_WEIGHTS).map(|(value, weight)| value * weight).sum();
    match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        check => char::from_digit(check, 10).unwrap_or('0'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const TODAY: Date = date(2026, 11, 21);

    #[test]
    fn citizen_numbers_are_true_and_nobody_shares_one() {
        let mut numbers = Numbers::new(5);
        let birth = date(1980, 2, 29);
        let mut seen = BTreeSet::new();
        for is_male in [true, false] {
            for _ in 0..NUMBERS_PER_DAY {
                let number = numbers.citizen(0, birth, is_male).expect("still free");
                assert!(numbers::id_number(&number, TODAY).is_ok(), "{number}");
                assert_eq!(number.as_bytes()[16] % 2 == 1, is_male);
                assert!(seen.insert(number));
            }
            assert_eq!(numbers.citizen(0, birth, is_male), None);
        }
        assert!(numbers.citizen(1, birth, true).is_some());
    }

    #[test]
    fn the_sample_numbers_come_out_with_their_check_digits() {
        for (number, birth, sequence) in [
            ("880102195203121043", date(1952, 3, 12), 104),
            ("880102198106072036", date(1981, 6, 7), 203),
            ("880102198309151025", date(1983, 9, 15), 102),
            ("880102201506013013", date(2015, 6, 1), 301),
            ("880102194701200057", date(1947, 1, 20), 5),
        ] {
            assert_eq!(citizen_number(0, birth, sequence), number);
        }
        assert!(citizen_number_with_x(0, date(1970, 5, 5), 11).ends_with('X'));
    }

    #[test]
    fn telephones_are_synthetic_and_nobody_shares_one_unasked() {
        let mut numbers = Numbers::new(u64::MAX);
        let phones: BTreeSet<String> = (0..50_000).map(|_| numbers.phone()).collect();
        assert_eq!(phones.len(), 50_000);
        for phone in &phones {
            assert!(phone.starts_with("12") && phone.len() == 11);
            assert!(!phone.starts_with("1290000"));
        }
        assert_eq!(known_phone(1_234), "12900001234");
    }

    #[test]
    fn credit_codes_pass_both_checks_and_name_no_region() {
        let mut numbers = Numbers::new(9);
        let codes: BTreeSet<String> = (0..5_000).map(|_| numbers.credit_code("92")).collect();
        assert_eq!(codes.len(), 5_000);
        for code in &codes {
            assert!(numbers::credit_code(code).is_ok(), "{code}");
            assert_eq!(&code[..8], "92000000");
            assert!(numbers::is_sole_trader(code));
        }
        // A widely published example of the unit's own check.
        assert_eq!(unit_check("M000100Y"), '4');
    }
}
