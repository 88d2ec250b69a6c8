//! Which characters a text may have, and how look-alike forms fold into one.
//! Never trusts what is invisible: a character that cannot be seen or that turns the writing direction is refused, but for those that
//! choose the form of a Mongolian letter before them, by which no two texts differ once they are folded.
//! Counting is by character (Unicode scalar value), never by byte or code unit.

use super::ProblemReason;
use crate::limits::SLUG_CHARACTERS_MAX;
use zeroize::Zeroizing;

/// Whether the text is a slug: lower-case letters, digits and underscores, a letter in front.
pub fn is_slug(text: &str) -> bool {
    text.len() <= SLUG_CHARACTERS_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Punctuation, symbols and marks that names, addresses and free text may hold beside letters and digits.
/// The standard library knows which letters and digits are assigned but not which symbols are, so these are listed by block.
const SYMBOL_BLOCKS: [(u32, u32); 24] = [
    (0x0020, 0x007e),   // ASCII
    (0x00a0, 0x00ff),   // Latin-1
    (0x02b0, 0x036f),   // modifier letters, combining marks
    (0x0600, 0x06ff),   // Arabic marks, as Uyghur and Kazakh write them
    (0x0f00, 0x0fda),   // Tibetan marks
    (0x1800, 0x180a),   // Mongolian punctuation
    (0x2010, 0x2027),   // dashes, quotation marks, the point in names
    (0x2030, 0x205e),   // general punctuation
    (0x2070, 0x20c0),   // superscripts, currency
    (0x2100, 0x214f),   // letter-like symbols
    (0x2190, 0x23ff),   // arrows, operators, technical
    (0x2460, 0x27bf),   // circled numbers, boxes, dingbats
    (0x2b00, 0x2bff),   // more arrows
    (0x2e80, 0x2fd5),   // radicals
    (0x2ff0, 0x303f),   // description characters, CJK punctuation
    (0x3190, 0x33ff),   // CJK symbols and squares
    (0xfe00, 0xfe19),   // variation selectors, vertical forms
    (0xfe20, 0xfe6b),   // half marks, small forms
    (0xff01, 0xffee),   // full-width and half-width forms
    (0x16fe0, 0x16ff1), // ideographic marks
    (0x1f000, 0x1faff), // pictographs
    (0xe0100, 0xe01ef), // ideographic variation selectors
    (0x2000, 0x200a),   // spaces
    (0x202f, 0x202f),   // the narrow space of Mongolian
];

/// Checks every character of a text. Line breaks are allowed in free text alone.
///
/// # Errors
/// The reason of the first character that is refused.
pub fn check_characters(text: &str, line_breaks: bool) -> Result<(), ProblemReason> {
    let mut before = None;
    for character in text.chars() {
        let allowed = (line_breaks && character == '\n') || chooses_form(before, character);
        if !allowed {
            check_character(character)?;
        }
        before = Some(character);
    }
    Ok(())
}

/// Whether the character chooses the form of the Mongolian letter that it stands right behind, as names in that script are written: a
/// variation selector, or the separator of a last vowel. Each is one alone, and nothing anywhere else.
fn chooses_form(before: Option<char>, character: char) -> bool {
    is_mongolian_form(character) && before.is_some_and(is_mongolian_letter)
}

fn is_mongolian_form(character: char) -> bool {
    matches!(character, '\u{180b}'..='\u{180f}')
}

fn is_mongolian_letter(character: char) -> bool {
    matches!(character, '\u{1820}'..='\u{1878}' | '\u{1880}'..='\u{18aa}')
}

/// Whether somebody's own words may be kept: not blank, of so many characters at most, blanks around them too, and none of them one
/// that hides or turns the writing.
pub fn is_free_text(text: &str, characters_max: usize) -> bool {
    let blank = text.chars().all(char::is_whitespace);
    let long = text.chars().nth(characters_max).is_some();
    !blank && !long && check_characters(text, true).is_ok()
}

fn check_character(character: char) -> Result<(), ProblemReason> {
    let code = u32::from(character);
    if is_bidirectional(code) {
        return Err(ProblemReason::BidirectionalCharacter);
    }
    if character.is_control() || is_invisible(code) {
        return Err(ProblemReason::ControlCharacter);
    }
    let assigned = character.is_alphanumeric()
        || SYMBOL_BLOCKS.iter().any(|(first, last)| (*first..=*last).contains(&code));
    // U+xxFFFE and U+xxFFFF of every plane, and FDD0 to FDEF, are no characters at all.
    if !assigned || code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code) {
        return Err(ProblemReason::UnassignedCharacter);
    }
    Ok(())
}

/// Marks and overrides of the bidirectional algorithm (UAX 9, table 4).
fn is_bidirectional(code: u32) -> bool {
    matches!(code, 0x061c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069)
}

/// Characters that take no room: two texts that look the same would differ by them.
fn is_invisible(code: u32) -> bool {
    matches!(code, 0x00ad | 0x034f | 0x180b..=0x180f | 0x200b..=0x200d | 0x2028 | 0x2029
        | 0x2060..=0x2065 | 0x206a..=0x206f | 0x3164 | 0x115f | 0x1160 | 0xfeff | 0xffa0
        | 0xfff9..=0xfffb | 0xe0000..=0xe00ff)
}

/// The ASCII form of a full-width character; any other character as it is.
pub fn fold_width(character: char) -> char {
    match u32::from(character) {
        0x3000 => ' ',
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(character),
        _ => character,
    }
}

/// The form in which texts are compared for equality: full-width folded to ASCII, the points used in names made
/// one, letters of ASCII in upper case, runs of space made one and the ends trimmed, without what chooses forms of Mongolian letters.
pub fn fold(text: &str) -> Zeroizing<String> {
    let mut folded = Zeroizing::new(String::with_capacity(text.len()));
    let mut gap = false;
    let seen = text.chars().filter(|character| !is_mongolian_form(*character));
    for character in seen.map(fold_width).map(fold_point) {
        if character.is_whitespace() {
            gap = !folded.is_empty();
            continue;
        }
        if gap {
            folded.push(' ');
            gap = false;
        }
        folded.push(character.to_ascii_uppercase());
    }
    folded
}

/// The middle dot (U+00B7) for every point that keyboards give between the parts of a name.
pub fn fold_point(character: char) -> char {
    match character {
        '\u{2022}' | '\u{2027}' | '\u{2219}' | '\u{22c5}' | '\u{30fb}' | '\u{ff65}' => '\u{b7}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_chinese_and_minority_texts_are_accepted() {
        for text in [
            "澜川市望澜区桂花桥街道工农社区机床厂家属院6号楼2单元401室",
            "阿不都热依木·买买提",
            "བསྟན་འཛིན།",
            "ئابدۇرېھىم",
            "𠮷田𡈽",
            "O’Neill-Smith 3rd",
            "价格：￥５０，约①次（见图）…",
            "㑇㛃",
        ] {
            assert_eq!(check_characters(text, false), Ok(()), "{text}");
        }
    }

    #[test]
    fn control_bidirectional_private_and_unassigned_characters_are_refused() {
        let cases = [
            ('\u{0}', ProblemReason::ControlCharacter),
            ('\u{1b}', ProblemReason::ControlCharacter),
            ('\u{85}', ProblemReason::ControlCharacter),
            ('\u{200b}', ProblemReason::ControlCharacter),
            ('\u{feff}', ProblemReason::ControlCharacter),
            ('\u{e0041}', ProblemReason::ControlCharacter),
            ('\u{202e}', ProblemReason::BidirectionalCharacter),
            ('\u{2067}', ProblemReason::BidirectionalCharacter),
            ('\u{e000}', ProblemReason::UnassignedCharacter),
            ('\u{10fffd}', ProblemReason::UnassignedCharacter),
            ('\u{fffe}', ProblemReason::UnassignedCharacter),
            ('\u{50000}', ProblemReason::UnassignedCharacter),
            ('\u{0378}', ProblemReason::UnassignedCharacter),
        ];
        for (character, reason) in cases {
            let text = format!("张{character}三");
            assert_eq!(check_characters(&text, true), Err(reason), "{:x}", u32::from(character));
        }
    }

    #[test]
    fn names_in_mongolian_script_are_taken_with_the_forms_of_their_letters_and_compared_without() {
        // A last vowel behind its separator, and a letter with a selector of its form.
        for (text, plain) in [
            ("ᠰᠠᠷ\u{180e}ᠠ", "ᠰᠠᠷᠠ"),
            ("ᠪᠠᠶ\u{180b}ᠠᠷ", "ᠪᠠᠶᠠᠷ"),
            ("ᠴᠡᠴᠡᠭ\u{180d}", "ᠴᠡᠴᠡᠭ"),
            ("ᠠ\u{180f}", "ᠠ"),
        ] {
            assert_eq!(check_characters(text, false), Ok(()), "{text}");
            assert_eq!(fold(text), fold(plain));
        }
        for hidden in [
            "\u{180e}",
            "张\u{180e}三",
            "ᠠ \u{180b}",
            "ᠠ\u{180b}\u{180c}",
            "᠐\u{180b}",
            "ᠠ\u{200d}ᠠ",
        ] {
            let refused = check_characters(hidden, false);
            assert_eq!(refused, Err(ProblemReason::ControlCharacter), "{hidden:?}");
        }
    }

    #[test]
    fn line_breaks_belong_to_free_text_alone() {
        assert_eq!(check_characters("一\n二", true), Ok(()));
        assert_eq!(check_characters("一\n二", false), Err(ProblemReason::ControlCharacter));
        assert_eq!(check_characters("一\r二", true), Err(ProblemReason::ControlCharacter));
    }

    #[test]
    fn look_alike_forms_fold_into_one() {
        assert_eq!(fold("　阿不都•买买提 ").as_str(), "阿不都·买买提");
        assert_eq!(fold("John   smith").as_str(), "JOHN SMITH");
        assert_eq!(fold("６号楼").as_str(), "6号楼");
    }

    #[test]
    fn a_slug_is_lower_case_and_begins_with_a_letter() {
        assert!(is_slug("id_number") && is_slug("a1"));
        for other in ["", "1a", "_a", "A", "a-b", "名", &"a".repeat(SLUG_CHARACTERS_MAX + 1)] {
            assert!(!is_slug(other), "{other}");
        }
        assert!(is_slug(&"a".repeat(SLUG_CHARACTERS_MAX)));
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            let once = fold(&text);
            let twice = fold(&once);
            prop_assert_eq!(once.as_str(), twice.as_str());
        }
    }
}
