//! Finds the numbers of persons in free text: citizen numbers, telephones, bank cards, credit codes.
//! Never keeps or reports what it found, only where it stands and of which kind.
//! Digits are read across the spaces, hyphens and brackets that people put into numbers, and in full-width form.

use super::numbers;
use super::text::fold_width;
use jiff::civil::Date;
use std::ops::Range;
use zeroize::Zeroizing;

/// Parts that one number may be written in: `+86 138 1234 5678` has four, a card of 19 digits five.
const NUMBER_GROUPS_MAX: usize = 6;
/// Most characters between two parts of one number.
const SEPARATOR_CHARACTERS_MAX: usize = 2;
/// Longest number looked for, in digits.
const NUMBER_DIGITS_MAX: usize = 19;

/// A citizen number of the old card, in digits, and its region.
const OLD_ID_DIGITS: usize = 15;
const REGION_DIGITS: usize = 6;
/// Earliest year of birth of its century that one is looked for by.
const OLD_ID_YEAR_MIN: i8 = 10;

/// What kind of number was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A citizen number with a true check digit and a possible birth date, or one of the old card: 15 digits with such a date.
    IdNumber,
    /// A mobile number or a landline with area code.
    Phone,
    /// A bank card number that passes the Luhn check.
    BankCard,
    /// A unified social credit code with a true check character.
    CreditCode,
}

/// A number in a text: its kind and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Its bytes in the text; always on character boundaries.
    pub bytes: Range<usize>,
}

/// Every number in the text, in order, without overlaps.
pub fn find(text: &str) -> Vec<Finding> {
    let scan = Scan::of(text);
    let mut findings = scan.codes();
    let groups = scan.groups();
    let mut next = 0;
    while next < groups.len() {
        let (taken, finding) = scan.number_from(&groups[next..]);
        match finding {
            Some(finding) => findings.push(finding),
            None => findings.extend(scan.inside(&groups[next])),
        }
        next += taken;
    }
    findings.sort_by_key(|finding| (finding.bytes.start, finding.bytes.end));
    let mut end = 0;
    findings.retain(|finding| {
        let apart = finding.bytes.start >= end;
        end = end.max(finding.bytes.end);
        apart
    });
    findings
}

/// Whether the text holds any such number.
pub fn holds_number(text: &str) -> bool {
    !find(text).is_empty()
}

/// The text with every number replaced by `***`.
pub fn replace(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for finding in find(text) {
        masked.push_str(&text[from..finding.bytes.start]);
        masked.push_str("***");
        from = finding.bytes.end;
    }
    masked.push_str(&text[from..]);
    masked
}

/// A text with one ASCII byte for each character (zero for those that have none), and where each begins.
struct Scan {
    ascii: Zeroizing<Vec<u8>>,
    starts: Vec<usize>,
}

impl Scan {
    fn of(text: &str) -> Scan {
        let count = text.chars().count();
        let mut ascii = Zeroizing::new(Vec::with_capacity(count));
        let mut starts = Vec::with_capacity(count + 1);
        for (start, character) in text.char_indices() {
            let folded = u8::try_from(u32::from(fold_dash(fold_width(character)))).unwrap_or(0);
            ascii.push(if folded.is_ascii() { folded } else { 0 });
            starts.push(start);
        }
        starts.push(text.len());
        Scan { ascii, starts }
    }

    /// What was found there. A bracket that is closed inside of it is opened before it, and belongs to it.
    fn finding(&self, kind: Kind, mut places: Range<usize>) -> Finding {
        let closed = self.ascii[places.clone()].iter().find(|byte| matches!(byte, b'(' | b')'));
        if closed == Some(&b')') && self.ascii[..places.start].last() == Some(&b'(') {
            places.start -= 1;
        }
        let bytes = self.starts[places.start]..self.starts[places.end];
        Finding { kind, bytes }
    }

    /// Runs of 18 letters and digits that are a credit code or a citizen number.
    fn codes(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for run in runs(&self.ascii, u8::is_ascii_alphanumeric) {
            let text = std::str::from_utf8(&self.ascii[run.clone()]).unwrap_or_default();
            if run.len() != 18 {
                continue;
            }
            if numbers::id_number(text, Date::MAX).is_ok() {
                findings.push(self.finding(Kind::IdNumber, run));
            } else if numbers::credit_code(text).is_ok() {
                findings.push(self.finding(Kind::CreditCode, run));
            }
        }
        findings
    }

    /// Runs of digits.
    fn groups(&self) -> Vec<Range<usize>> {
        runs(&self.ascii, u8::is_ascii_digit)
    }

    /// The longest number that begins with the first group, and how many groups it takes (one when there is none).
    fn number_from(&self, groups: &[Range<usize>]) -> (usize, Option<Finding>) {
        let mut joined = Zeroizing::new(String::with_capacity(2 * NUMBER_DIGITS_MAX));
        let mut longest = (1, None);
        for (place, group) in groups.iter().take(NUMBER_GROUPS_MAX).enumerate() {
            let linked = place == 0 || self.is_separator(groups[place - 1].end..group.start);
            if !linked || joined.len() + group.len() > NUMBER_DIGITS_MAX {
                break;
            }
            joined.extend(self.ascii[group.clone()].iter().map(|byte| char::from(*byte)));
            let start = groups[0].start;
            if joined.len() == 17 && self.has_final_x(group.end) {
                joined.push('X');
                if numbers::id_number(&joined, Date::MAX).is_ok() {
                    return (place + 1, Some(self.finding(Kind::IdNumber, start..group.end + 1)));
                }
                joined.pop();
            }
            if let Some(kind) = kind_of(&joined, groups[0].len(), place) {
                longest = (place + 1, Some(self.finding(kind, start..group.end)));
            }
        }
        longest
    }

    /// Whether the characters between two groups are such as people put inside one number.
    fn is_separator(&self, between: Range<usize>) -> bool {
        (1..=SEPARATOR_CHARACTERS_MAX).contains(&between.len())
            && self.ascii[between]
                .iter()
                .all(|byte| matches!(byte, b' ' | b'-' | b'.' | b'(' | b')'))
    }

    /// Whether an X stands here, and nothing that would make it the start of a word.
    fn has_final_x(&self, place: usize) -> bool {
        let alone = self.ascii.get(place + 1).is_none_or(|next| !next.is_ascii_alphanumeric());
        alone && self.ascii.get(place).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'x'))
    }

    /// Citizen numbers inside a longer run of digits, and telephones in what is left on either side.
    fn inside(&self, group: &Range<usize>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let (mut from, mut place) = (group.start, group.start);
        while group.len() > 18 && place + 18 <= group.end {
            let window = std::str::from_utf8(&self.ascii[place..place + 18]).unwrap_or_default();
            if numbers::id_number(window, Date::MAX).is_err() {
                place += 1;
                continue;
            }
            findings.extend(self.rest(from..place));
            findings.push(self.finding(Kind::IdNumber, place..place + 18));
            place += 18;
            from = place;
        }
        if !findings.is_empty() {
            findings.extend(self.rest(from..group.end));
        }
        findings
    }

    fn rest(&self, places: Range<usize>) -> Option<Finding> {
        let text = std::str::from_utf8(&self.ascii[places.clone()]).unwrap_or_default();
        let kind = kind_of(text, text.len(), 0)?;
        Some(self.finding(kind, places))
    }
}

/// What these digits are. A landline in several parts must break after its area code, or dates would be taken for one.
fn kind_of(digits: &str, first_group: usize, place: usize) -> Option<Kind> {
    if numbers::id_number(digits, Date::MAX).is_ok() {
        return Some(Kind::IdNumber);
    }
    if numbers::is_bank_card(digits) {
        return Some(Kind::BankCard);
    }
    if let Some((area, _)) = numbers::landline(digits) {
        return (place == 0 || area.len() == first_group).then_some(Kind::Phone);
    }
    if is_old_id_number(digits) {
        // Such a number has no check digit: in several parts it must break where the region ends, or much else would be taken for one.
        return (place == 0 || first_group == REGION_DIGITS).then_some(Kind::IdNumber);
    }
    // As it was dialled from another city.
    let mobile = digits.strip_prefix('0').filter(|rest| rest.starts_with('1')).unwrap_or(digits);
    numbers::phone(mobile).is_ok().then_some(Kind::Phone)
}

/// Whether 15 digits can be a citizen number of the old card (GB 11643-1989): a region, a day of the century before, three digits.
///
/// Regions are not looked up, but none of them begins as a year does: a time of a clock with figures behind it is no number. Nor
/// is the code of a community with figures behind it, which would be somebody born before 1910.
fn is_old_id_number(digits: &str) -> bool {
    let is_region = matches!(
        digits.as_bytes(),
        [b'1'..=b'8', b'1'..=b'7', ..] | [b'5', b'0', ..] | [b'8', b'8', ..]
    );
    let of = |range: Range<usize>| digits.get(range).and_then(|part| part.parse::<i8>().ok());
    let (Some(year), Some(month), Some(day)) = (of(6..8), of(8..10), of(10..12)) else {
        return false;
    };
    let all = digits.len() == OLD_ID_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    all && is_region
        && year >= OLD_ID_YEAR_MIN
        && Date::new(1900 + i16::from(year), month, day).is_ok()
}

/// The hyphen for each dash that stands in its place.
fn fold_dash(character: char) -> char {
    match character {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        other => other,
    }
}

/// The longest runs of bytes that fit.
fn runs(bytes: &[u8], fits: impl Fn(&u8) -> bool) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = None;
    for (place, byte) in bytes.iter().enumerate() {
        match (fits(byte), start) {
            (true, None) => start = Some(place),
            (false, Some(first)) => {
                runs.push(first..place);
                start = None;
            }
            _ => {}
        }
    }
    runs.extend(start.map(|first| first..bytes.len()));
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(text: &str) -> Vec<Kind> {
        find(text).into_iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn numbers_are_found_however_they_are_written() {
        let cases = [
            ("身份证880102195203121043，", Kind::IdNumber),
            ("11010519491231002x", Kind::IdNumber),
            ("证号110105 19491231 002X。", Kind::IdNumber),
            ("８８０１０２１９５２０３１２１０４３", Kind::IdNumber),
            ("电话12900001234请回", Kind::Phone),
            ("tel:+86 138-1234-5678", Kind::Phone),
            ("座机0530-5551234", Kind::Phone),
            ("座机 010 6555 1234", Kind::Phone),
            ("卡号4111 1111 1111 1111", Kind::BankCard),
            ("代码91350100M000100Y43", Kind::CreditCode),
        ];
        for (text, kind) in cases {
            assert_eq!(kinds(text), [kind], "{text}");
        }
    }

    #[test]
    fn numbers_are_found_in_brackets_with_a_zero_in_front_and_of_the_old_card() {
        for (text, kind, masked) in [
            ("座机(0530)5551234", Kind::Phone, "座机***"),
            ("座机（0530）5551234，急", Kind::Phone, "座机***，急"),
            ("（010） 6555-1234", Kind::Phone, "***"),
            ("座机0530(5551234)", Kind::Phone, "座机***)"),
            ("座机0530—5551234", Kind::Phone, "座机***"),
            ("(+86)13812345678", Kind::Phone, "(+***"),
            ("电话013812345678", Kind::Phone, "电话***"),
            ("电话0138 1234 5678转", Kind::Phone, "电话***转"),
            ("旧证110105491231002。", Kind::IdNumber, "旧证***。"),
            ("旧证110105 491231 002", Kind::IdNumber, "旧证***"),
            ("１１０１０５４９１２３１００２", Kind::IdNumber, "***"),
        ] {
            assert_eq!(kinds(text), [kind], "{text}");
            assert_eq!(replace(text), masked);
        }
        assert_eq!(replace("（电话13812345678）"), "（电话***）");
    }

    #[test]
    fn two_numbers_written_together_are_both_found() {
        assert_eq!(kinds("88010219520312104312900001234"), [Kind::IdNumber, Kind::Phone]);
        assert_eq!(kinds("880102195203121043 12900001234"), [Kind::IdNumber, Kind::Phone]);
        assert_eq!(kinds("2026-01-02 12900001234"), [Kind::Phone]);
    }

    #[test]
    fn ordinary_figures_are_left_alone() {
        for text in [
            "6号楼2单元401室楼道堆放旧家具",
            "2026-01-02 08:30 接报",
            "工农路58号-3，面积120.5平方米",
            "请拨12345或110",
            "网格8801020010010001",
            "880102195203121044",
            // House numbers, amounts, dates and numbers of orders, with brackets and in many digits.
            "工农路58号(3)401室（共12户）",
            "合计(1200)元，其中(350.50)元",
            "枫政发(2026)12号，(2026)01-02",
            "2026(01)02(08)30",
            "订单202601020830001",
            "订单199901020830001",
            "订单110105491331002",
            "订单110105490230002",
            "流水11010549 1231002",
            "编码110105001001001",
            "单号021812345678",
            "(0)13 12(345)",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    #[test]
    fn replacing_leaves_the_words_and_takes_the_number() {
        let masked = replace("请联系𠮷先生（12900001234），证号11010519491231002X");
        assert_eq!(masked, "请联系𠮷先生（***），证号***");
    }

    proptest! {
        #[test]
        fn findings_stand_on_character_boundaries_and_do_not_overlap(text in any::<String>()) {
            let mut end = 0;
            for finding in find(&text) {
                prop_assert!(text.get(finding.bytes.clone()).is_some());
                prop_assert!(finding.bytes.start >= end);
                end = finding.bytes.end;
            }
        }

        #[test]
        fn a_planted_number_never_survives(
            before in "[\\u{4e00}-\\u{4eff}]{0,9}", digits in "88[0-9]{4}19[5-9][0-9]0[1-9]1[0-9][0-9]{3}",
            after in "[\\u{4e00}-\\u{4eff}]{0,9}",
        ) {
            let check = numbers::id_check_character(digits.as_bytes()).expect("seventeen digits");
            let number = format!("{digits}{}", char::from(check));
            let masked = replace(&format!("{before}{number}{after}"));
            prop_assert_eq!(masked, format!("{before}***{after}"));
        }
    }
}
