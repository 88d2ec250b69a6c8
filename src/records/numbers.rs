//! The numbers that identify: citizen numbers, credit codes, bank cards and telephones, with their check digits.
//! Never looks a region up: a withdrawn or unknown region code fails nobody.
//! Each check returns the canonical form, so equal numbers are equal texts.

use super::ProblemReason;
use super::text::fold_width;
use jiff::civil::Date;
use zeroize::Zeroizing;

/// Weights of the first 17 digits (GB 11643-1999, MOD 11-2).
const ID_WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// Check characters by the sum modulo 11.
const ID_CHECKS: [u8; 11] = *b"10X98765432";
/// Characters of a credit code: no I, O, S, V, Z (GB 32100-2015).
const CREDIT_ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Weights of the first 17 characters (GB 32100-2015).
const CREDIT_WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
/// Oldest year of birth that a number may show.
const BIRTH_YEAR_MIN: i16 = 1850;
/// Shortest and longest bank card number, in digits (ISO/IEC 7812-1).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 16..=19;

/// The check character of a citizen number's first 17 digits (GB 11643-1999); `None` when one is no digit.
pub fn id_check_character(first17: &[u8]) -> Option<u8> {
    if first17.len() != 17 || !first17.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let sum: u32 = std::iter::zip(first17, ID_WEIGHTS)
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    Some(ID_CHECKS[(sum % 11) as usize])
}

/// The day of birth inside an 18-character citizen number, when it is one that a living calendar has.
pub fn id_birth_date(number: &str) -> Option<Date> {
    let digits = number.get(6..14)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (&digits[0..4], &digits[4..6], &digits[6..8]);
    let born = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    (born.year() >= BIRTH_YEAR_MIN).then_some(born)
}

/// Checks a citizen number (GB 11643-1999) and gives its canonical form: ASCII digits, upper-case X.
///
/// # Errors
/// The reason; the 15-digit number of the old card has its own.
pub fn id_number(text: &str, today: Date) -> Result<Zeroizing<String>, ProblemReason> {
    let number = compact(text);
    let bytes = number.as_bytes();
    if bytes.len() == 15 && bytes.iter().all(u8::is_ascii_digit) {
        return Err(ProblemReason::FifteenDigitNumber);
    }
    if number.chars().count() != 18 {
        return Err(ProblemReason::WrongLength);
    }
    let Some((last, first17)) = bytes.split_last().filter(|_| bytes.len() == 18) else {
        return Err(ProblemReason::WrongCharacter);
    };
    let check = id_check_character(first17).ok_or(ProblemReason::WrongCharacter)?;
    if !last.is_ascii_digit() && *last != b'X' {
        return Err(ProblemReason::WrongCharacter);
    }
    let born = id_birth_date(&number).ok_or(ProblemReason::ImpossibleDate)?;
    if check != *last {
        return Err(ProblemReason::WrongCheckDigit);
    }
    if born > today {
        return Err(ProblemReason::FutureDate);
    }
    Ok(number)
}

/// The check character of a credit code's first 17 characters (GB 32100-2015, MOD 31); `None` when one is not of its alphabet.
pub fn credit_check_character(first17: &[u8]) -> Option<u8> {
    if first17.len() != 17 {
        return None;
    }
    let mut sum = 0;
    for (byte, weight) in std::iter::zip(first17, CREDIT_WEIGHTS) {
        let place = CREDIT_ALPHABET.iter().position(|letter| letter == byte)?;
        sum += u32::try_from(place).ok()? * weight;
    }
    Some(CREDIT_ALPHABET[((31 - sum % 31) % 31) as usize])
}

/// Checks a unified social credit code (GB 32100-2015) and gives its canonical form: upper case.
///
/// # Errors
/// The reason.
pub fn credit_code(text: &str) -> Result<Zeroizing<String>, ProblemReason> {
    let code = compact(text);
    if code.chars().count() != 18 {
        return Err(ProblemReason::WrongLength);
    }
    let Some((last, first17)) = code.as_bytes().split_last().filter(|_| code.len() == 18) else {
        return Err(ProblemReason::WrongCharacter);
    };
    let check = credit_check_character(first17).ok_or(ProblemReason::WrongCharacter)?;
    if !CREDIT_ALPHABET.contains(last) {
        return Err(ProblemReason::WrongCharacter);
    }
    if check == *last { Ok(code) } else { Err(ProblemReason::WrongCheckDigit) }
}

/// Whether a credit code belongs to a sole trader (first two characters 92), whose code can reveal a person.
pub fn is_sole_trader(code: &str) -> bool {
    code.starts_with("92")
}

/// Whether the digits are a bank card number: length and prefix of a card, and the Luhn check (ISO/IEC 7812-1 annex B).
pub fn is_bank_card(digits: &str) -> bool {
    let bytes = digits.as_bytes();
    let card = CARD_DIGITS.contains(&bytes.len())
        && bytes.iter().all(u8::is_ascii_digit)
        && matches!(bytes, [b'4' | b'6', ..] | [b'5', b'1'..=b'5', ..] | [b'3', b'5', ..]);
    card && luhn_sum(bytes).is_multiple_of(10)
}

fn luhn_sum(digits: &[u8]) -> u32 {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let values = digits.iter().rev().map(|byte| u32::from(byte - b'0'));
    values
        .enumerate()
        .map(|(place, digit)| if place % 2 == 1 { doubled(digit) } else { digit })
        .sum()
}

/// Checks a mainland telephone number and gives its canonical form: eleven digits for a mobile (the prefix 12,
/// which no operator has, is the synthetic one), `area-local` for a landline.
///
/// # Errors
/// The reason; service numbers and landlines without area code have their own.
pub fn phone(text: &str) -> Result<Zeroizing<String>, ProblemReason> {
    let compacted = compact(text);
    let mut digits = Zeroizing::new(String::with_capacity(compacted.len()));
    for (place, character) in compacted.chars().enumerate() {
        match character {
            '0'..='9' => digits.push(character),
            '-' | '(' | ')' => {}
            '+' if place == 0 => {}
            _ => return Err(ProblemReason::WrongCharacter),
        }
    }
    let national = without_country_code(&digits, compacted.starts_with('+'));
    if let Some(mobile) = mobile(national) {
        return Ok(Zeroizing::new(mobile.to_owned()));
    }
    if let Some((area, local)) = landline(national) {
        return Ok(Zeroizing::new(format!("{area}-{local}")));
    }
    Err(match national.len() {
        0..=6 => ProblemReason::ShortNumber,
        7 | 8 if !national.starts_with(['0', '1']) => ProblemReason::AreaCodeMissing,
        _ => ProblemReason::WrongNumber,
    })
}

/// The digits without 86 in front. Without a plus sign they are only cut where a mobile number remains.
fn without_country_code(digits: &str, plus: bool) -> &str {
    let rest = digits.strip_prefix("0086").or_else(|| digits.strip_prefix("86"));
    match rest {
        Some(rest) if plus || mobile(rest).is_some() => rest,
        _ => digits,
    }
}

/// A mobile number: 11 digits, 13 to 19 in front, or the synthetic 12.
fn mobile(digits: &str) -> Option<&str> {
    let bytes = digits.as_bytes();
    let fits = bytes.len() == 11 && bytes[0] == b'1' && (b'2'..=b'9').contains(&bytes[1]);
    (fits && bytes.iter().all(u8::is_ascii_digit)).then_some(digits)
}

/// Area code and local part of a landline: 010 and 02x with 7 or 8 digits, 03xx to 09xx with 7 or 8.
pub(super) fn landline(digits: &str) -> Option<(&str, &str)> {
    let bytes = digits.as_bytes();
    if !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let area_digits = match bytes {
        [b'0', b'1', b'0', ..] | [b'0', b'2', ..] => 3,
        [b'0', b'3'..=b'9', ..] => 4,
        _ => return None,
    };
    let (area, local) = digits.split_at_checked(area_digits)?;
    let local_fits = matches!(local.len(), 7 | 8) && !local.starts_with(['0', '1']);
    local_fits.then_some((area, local))
}

/// Without space and in ASCII, letters in upper case.
fn compact(text: &str) -> Zeroizing<String> {
    let mut compacted = Zeroizing::new(String::with_capacity(text.len()));
    let visible = text.chars().map(fold_width).filter(|character| !character.is_whitespace());
    visible.for_each(|character| compacted.push(character.to_ascii_uppercase()));
    compacted
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    const TODAY: Date = date(2026, 1, 1);

    fn id(text: &str) -> Result<String, ProblemReason> {
        id_number(text, TODAY).map(|number| number.to_string())
    }

    #[test]
    fn published_citizen_numbers_and_synthetic_ones_pass() {
        for number in [
            "11010519491231002X",
            "440524188001010014",
            "880101199001010013",
            "880101199001010021",
            "880102195203121043",
            "880102198106072036",
            "880102198309151025",
            "880102201506013013",
            "880102194701200057",
        ] {
            assert_eq!(id(number).as_deref(), Ok(number));
        }
    }

    #[test]
    fn lower_case_x_and_full_width_digits_become_canonical() {
        assert_eq!(id("11010519491231002x").as_deref(), Ok("11010519491231002X"));
        assert_eq!(
            id(" １１０１０５１９４９１２３１００２Ｘ").as_deref(),
            Ok("11010519491231002X")
        );
    }

    #[test]
    fn a_wrong_citizen_number_is_refused_with_its_reason() {
        let cases = [
            ("110105194912310021", ProblemReason::WrongCheckDigit),
            ("110105491231002", ProblemReason::FifteenDigitNumber),
            ("11010519491231002", ProblemReason::WrongLength),
            ("1101051949123100A2", ProblemReason::WrongCharacter),
            ("一二三四五六七八九十一二三四五六七八", ProblemReason::WrongCharacter),
            ("110105194902300021", ProblemReason::ImpossibleDate),
            ("11010519491231002A", ProblemReason::WrongCharacter),
        ];
        for (number, reason) in cases {
            assert_eq!(id(number), Err(reason), "{number}");
        }
    }

    #[test]
    fn a_citizen_number_born_tomorrow_is_refused() {
        let mut number = b"88010120260102001".to_vec();
        number.push(id_check_character(&number).expect("seventeen digits"));
        let number = String::from_utf8(number).expect("digits");
        assert_eq!(id(&number), Err(ProblemReason::FutureDate));
        assert_eq!(id_number(&number, date(2026, 1, 2)).map(|n| n.to_string()), Ok(number));
    }

    #[test]
    fn a_withdrawn_region_never_fails_a_person() {
        let mut number = b"00000019520312104".to_vec();
        number.push(id_check_character(&number).expect("seventeen digits"));
        assert!(id(&String::from_utf8(number).expect("digits")).is_ok());
    }

    #[test]
    fn credit_codes_are_checked_modulo_31() {
        let mut code = b"91000000MA0000001".to_vec();
        code.push(credit_check_character(&code).expect("alphabet"));
        let code = String::from_utf8(code).expect("ASCII");
        assert_eq!(credit_code(&code.to_lowercase()).map(|c| c.to_string()), Ok(code.clone()));
        // A widely published example.
        assert!(credit_code("91350100M000100Y43").is_ok());
        assert_eq!(credit_code("91350100M000100Y44").err(), Some(ProblemReason::WrongCheckDigit));
        assert_eq!(credit_code("9135010OM000100Y43").err(), Some(ProblemReason::WrongCharacter));
        assert_eq!(credit_code("91350100M000100Y4").err(), Some(ProblemReason::WrongLength));
        assert!(is_sole_trader("92350100MA00000000") && !is_sole_trader(&code));
    }

    #[test]
    fn telephones_have_one_canonical_form() {
        let cases = [
            ("12900001234", "12900001234"),
            ("+86 138-1234-5678", "13812345678"),
            ("008613812345678", "13812345678"),
            ("8613812345678", "13812345678"),
            ("１３８１２３４５６７８", "13812345678"),
            ("0530-5551234", "0530-5551234"),
            ("(010) 6555 1234", "010-65551234"),
            ("+86 10 6555 1234", "wrong"),
        ];
        for (text, canonical) in cases.iter().take(7) {
            assert_eq!(phone(text).as_deref().map(String::as_str), Ok(*canonical), "{text}");
        }
        // Abroad the zero of the area code is left out; nobody writes so at home, and it would be ambiguous.
        assert_eq!(phone(cases[7].0).err(), Some(ProblemReason::WrongNumber));
    }

    #[test]
    fn a_number_that_reaches_no_person_is_refused_with_its_reason() {
        let cases = [
            ("110", ProblemReason::ShortNumber),
            ("12345", ProblemReason::ShortNumber),
            ("", ProblemReason::ShortNumber),
            ("5551234", ProblemReason::AreaCodeMissing),
            ("65551234", ProblemReason::AreaCodeMissing),
            ("11812345678", ProblemReason::WrongNumber),
            ("138123456789", ProblemReason::WrongNumber),
            ("4008123123", ProblemReason::WrongNumber),
            ("0110-5551234", ProblemReason::WrongNumber),
            ("1381234567a", ProblemReason::WrongCharacter),
            ("138+12345678", ProblemReason::WrongCharacter),
        ];
        for (text, reason) in cases {
            assert_eq!(phone(text).err(), Some(reason), "{text}");
        }
    }

    #[test]
    fn bank_cards_are_told_by_the_luhn_check() {
        assert!(is_bank_card("4111111111111111"));
        assert!(is_bank_card("6200000000000005"));
        assert!(!is_bank_card("4111111111111112"));
        assert!(!is_bank_card("411111111111111"));
        assert!(!is_bank_card("1111111111111117"));
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_always_noticed(digits in "[0-9]{17}", place in 0usize..17, shift in 1u8..10) {
            let mut changed = digits.clone().into_bytes();
            changed[place] = b'0' + (changed[place] - b'0' + shift) % 10;
            prop_assert_ne!(id_check_character(digits.as_bytes()), id_check_character(&changed));
        }

        #[test]
        fn two_exchanged_neighbours_are_always_noticed(digits in "[0-9]{17}", place in 0usize..16) {
            let mut changed = digits.clone().into_bytes();
            changed.swap(place, place + 1);
            prop_assume!(changed != digits.as_bytes());
            prop_assert_ne!(id_check_character(digits.as_bytes()), id_check_character(&changed));
        }

        #[test]
        fn a_wrong_character_of_a_credit_code_is_always_noticed(
            places in proptest::collection::vec(0usize..31, 17), place in 0usize..17, shift in 1usize..31,
        ) {
            let mut changed = places.clone();
            changed[place] = (changed[place] + shift) % 31;
            let code = |places: &[usize]| places.iter().map(|p| CREDIT_ALPHABET[*p]).collect::<Vec<u8>>();
            prop_assert_ne!(credit_check_character(&code(&places)), credit_check_character(&code(&changed)));
        }

        #[test]
        fn no_text_panics_and_canonical_forms_are_stable(text in any::<String>()) {
            if let Ok(number) = phone(&text) {
                prop_assert_eq!(phone(&number).map(|n| n.to_string()), Ok(number.to_string()));
            }
            if let Ok(number) = id_number(&text, TODAY) {
                prop_assert_eq!(id(&number), Ok(number.to_string()));
            }
            let _ = credit_code(&text);
        }
    }
}
