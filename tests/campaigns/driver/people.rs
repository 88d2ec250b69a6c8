//! Invented people: names, citizen numbers with true check digits, telephones and addresses.
//! Never a real region (88 is no province) and never a mobile prefix in use (12 has no operator).
//! The same counter gives the same person, and no two counters share a number.

use super::dice::Dice;
use jiff::ToSpan as _;
use jiff::civil::date;

/// Weights and check characters of a citizen number (GB 11643-1999, MOD 11-2).
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECKS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];
/// Days of birth from 1950 on; the youngest is an adult.
const BIRTH_DAYS: u32 = 18_000;
/// Characters that names are made of.
const FAMILY: [char; 12] = ['赵', '钱', '孙', '李', '周', '吴', '郑', '王', '冯', '陈', '褚', '卫'];
const GIVEN: [char; 16] = [
    '安', '柏', '川', '岱', '恩', '帆', '谷', '禾', '景', '珂', '澜', '墨', '宁', '朴', '清', '融',
];

/// A citizen number and its day of birth.
pub fn citizen(region: &str, counter: u32) -> (String, String) {
    let born = date(1950, 1, 1).saturating_add(i64::from(counter % BIRTH_DAYS).days());
    let sequence = 500 + counter / BIRTH_DAYS % 500;
    let digits = format!("{region}{}{sequence:03}", born.strftime("%Y%m%d"));
    (format!("{digits}{}", check_character(&digits)), born.to_string())
}

fn check_character(digits: &str) -> char {
    let sum: u32 = std::iter::zip(digits.chars(), WEIGHTS)
        .map(|(digit, weight)| digit.to_digit(10).unwrap_or_default() * weight)
        .sum();
    CHECKS[(sum % 11) as usize]
}

/// A telephone: the synthetic prefix and nine digits.
pub fn phone(dice: &mut Dice) -> String {
    format!("12{:09}", dice.below(1_000_000_000))
}

/// A name of two to four characters.
pub fn name(dice: &mut Dice) -> String {
    let mut name = String::from(*dice.one_of(&FAMILY));
    for _ in 0..dice.between(1, 3) {
        name.push(*dice.one_of(&GIVEN));
    }
    name
}

/// An address that names no person.
pub fn address(dice: &mut Dice) -> String {
    format!(
        "澜川市望澜区桂花桥街道试验路{}号{}单元{}室",
        dice.between(1, 999),
        dice.between(1, 6),
        dice.between(101, 3_206)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_character_is_that_of_the_standard() {
        // The example of GB 11643-1999.
        assert_eq!(check_character("11010519491231002"), 'X');
    }

    #[test]
    fn no_two_counters_share_a_citizen_number() {
        let some = [0, 1, BIRTH_DAYS - 1, BIRTH_DAYS, BIRTH_DAYS + 1];
        let numbers: std::collections::BTreeSet<String> =
            some.iter().map(|counter| citizen("880102", *counter).0).collect();
        assert_eq!(numbers.len(), some.len());
    }
}
