//! The covered form of a value: what a masked view shows.
//! Never counts bytes or code units; it cuts between characters, so rare characters are no way around it.
//! There is one mask for each field, whatever the path, since two different masks of one value add up to it.

use super::field::MaskRule;
use super::text::fold_width;
use super::{Field, Reason, Sensitive, Value, View, detector, numbers};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;
use zeroize::Zeroizing;

/// What stands for a value of which nothing is shown.
const HIDDEN: &str = "***";
/// Surnames of two characters; any other name has a surname of one.
const COMPOUND_SURNAMES: [&str; 44] = [
    "欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "令狐", "宇文", "长孙", "慕容",
    "司徒", "司空", "夏侯", "轩辕", "端木", "百里", "呼延", "东郭", "南宫", "西门", "独孤", "南门",
    "申屠", "公羊", "公冶", "太史", "澹台", "濮阳", "淳于", "单于", "宗政", "钟离", "闻人", "鲜于",
    "闾丘", "赫连", "拓跋", "完颜", "耶律", "纳兰", "亓官", "第五",
];
/// Levels of an address, from the top, by the words that end their names. Nothing below the last is shown.
const ADDRESS_LEVELS: [&[&str]; 5] = [
    &["省", "自治区"],
    &["市", "自治州", "地区", "盟"],
    &["区", "县", "市", "旗"],
    &["街道", "镇", "乡"],
    &["社区", "村", "居委会", "嘎查"],
];
/// Words that end in 区 and are no district.
const NO_DISTRICT: [&str; 7] = ["小区", "社区", "园区", "片区", "库区", "景区", "校区"];
/// What stands before the word of a building, a storey or a door: numerals, and the letters of gates and wings beside them.
const NUMERALS: &str = "零〇一二两三四五六七八九十百千甲乙丙丁戊己庚辛壬癸";
/// Longest name of a level, in characters; a longer stretch before such a word is something else.
const LEVEL_CHARACTERS_MAX: usize = 12;

/// The version of all masks together. Whoever changes what any of them gives raises it: forms that were kept under another
/// version are not shown.
pub const MASKS_VERSION: u32 = 2;

/// The masked form of a value for an answer whose permit says `masked`.
pub fn mask(field: &Field, value: &Value) -> Json {
    covered(field, value).to_json()
}

/// The same as a value, to be kept in place of the value for whoever may see no more.
pub fn covered(field: &Field, value: &Value) -> Value {
    let cover = |text: &Sensitive<String>| {
        Sensitive::new(cover(field.mask, text.expose_for(Reason::Masking)))
    };
    match value {
        Value::Text(text) => Value::Text(cover(text)),
        Value::List(items) => Value::List(items.iter().map(cover).collect()),
        Value::Integer(number) if field.mask == MaskRule::Shown => {
            Value::Integer(Sensitive::new(*number.expose_for(Reason::Masking)))
        }
        Value::Integer(_) => Value::Text(Sensitive::new(HIDDEN.to_owned())),
    }
}

/// A value on its way into an answer. It is written without another copy of the whole.
pub enum Displayed<'a> {
    /// As it is: in clear, or a masked form that was kept.
    AsItIs(&'a Value),
    /// Masked while it is written.
    Masked(&'a Field, &'a Value),
}

impl<'a> Displayed<'a> {
    /// A value under a view of its field. No answer shows one under a lower view than masked; if one came here, nothing of it
    /// leaves.
    pub fn under(view: View, field: &'a Field, value: &'a Value) -> Option<Displayed<'a>> {
        match view {
            View::Raw => Some(Displayed::AsItIs(value)),
            View::Masked => Some(Displayed::Masked(field, value)),
            View::None | View::Count | View::Match => None,
        }
    }
}

impl Serialize for Displayed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Displayed::AsItIs(Value::Text(text)) => {
                serializer.serialize_str(text.expose_for(Reason::Answer))
            }
            Displayed::AsItIs(Value::Integer(number)) => {
                serializer.serialize_i64(*number.expose_for(Reason::Answer))
            }
            Displayed::AsItIs(Value::List(items)) => serializer
                .collect_seq(items.iter().map(|item| item.expose_for(Reason::Answer).as_str())),
            Displayed::Masked(field, value) => mask(field, value).serialize(serializer),
        }
    }
}

fn cover(rule: MaskRule, text: &str) -> String {
    match rule {
        MaskRule::Shown => text.to_owned(),
        MaskRule::Hidden => HIDDEN.to_owned(),
        MaskRule::Name => name(text),
        MaskRule::IdNumber => ends(text, 1, 1),
        MaskRule::Phone => phone(text),
        MaskRule::Address => address(text),
        MaskRule::BankCard => bank_card(text),
        MaskRule::DateBand => date_band(text),
        MaskRule::Year => text.get(..4).unwrap_or(HIDDEN).to_owned(),
        MaskRule::Email => email(text),
        MaskRule::Plate => plate(text),
        MaskRule::CreditCode if numbers::is_sole_trader(text) => ends(text, 2, 2),
        MaskRule::CreditCode => text.to_owned(),
        MaskRule::FreeText => detector::replace(text),
    }
}

/// The surname, then a star for each character. Names with a point, and names in other scripts, show their first
/// character and two stars, so that their length tells nothing.
fn name(text: &str) -> String {
    let characters: Zeroizing<Vec<char>> = Zeroizing::new(text.chars().collect());
    let Some(first) = characters.first() else {
        return HIDDEN.to_owned();
    };
    let pointed = text.contains(['·', '•', '‧', '・', '．']);
    if pointed || !characters.iter().all(|character| is_han(*character)) {
        return format!("{first}**");
    }
    let shown = match characters.len() {
        0 | 1 => 0,
        2 => 1,
        _ if COMPOUND_SURNAMES.iter().any(|surname| text.starts_with(surname)) => 2,
        _ => 1,
    };
    let stars = characters.len() - shown;
    characters[..shown].iter().copied().chain(std::iter::repeat_n('*', stars)).collect()
}

/// Whether the character is a Chinese character, in or beyond the basic plane, or a selector of its form.
fn is_han(character: char) -> bool {
    matches!(u32::from(character), 0x3007 | 0x3400..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff | 0xe0100..=0xe01ef)
}

/// The first and the last characters, a star for each between; all stars when too short to hide anything.
fn ends(text: &str, first: usize, last: usize) -> String {
    let count = text.chars().count();
    let short = count <= first + last;
    let shown = |place: usize| !short && (place < first || place >= count - last);
    text.chars()
        .enumerate()
        .map(|(place, character)| if shown(place) { character } else { '*' })
        .collect()
}

/// `138****5678`, or area code and the last two of a landline.
fn phone(text: &str) -> String {
    match text.split_once('-') {
        Some((area, local)) => format!("{area}-{}", ends(local, 0, 2)),
        None => ends(text, 3, 4),
    }
}

/// Everything down to the community, then three stars.
fn address(text: &str) -> String {
    let mut shown = 0;
    for (level, words) in ADDRESS_LEVELS.iter().enumerate() {
        shown += level_end(&text[shown..], words, level == 2).unwrap_or(0);
    }
    format!("{}{HIDDEN}", &text[..shown])
}

/// Where the name of a level ends, in bytes. House numbers and buildings end the search, in figures or in Chinese numerals: below
/// them lies what must be hidden, also where a community stands behind them in brackets.
fn level_end(rest: &str, words: &[&str], district: bool) -> Option<usize> {
    for (characters, (start, character)) in rest.char_indices().enumerate() {
        // No character of the basic block of Chinese is a number to Unicode, and looking that up costs most here.
        let number = !('\u{4e00}'..='\u{9fff}').contains(&character) && character.is_numeric();
        let too_long = characters > LEVEL_CHARACTERS_MAX;
        if too_long || number || is_building(&rest[..start], &rest[start..], character) {
            return None;
        }
        // A name has at least one character before the word of its level.
        let found = words.iter().find(|word| characters > 0 && rest[start..].starts_with(**word));
        let Some(word) = found else { continue };
        let end = start + word.len();
        let before = rest[..start].chars().next_back();
        let no_district = district
            && (NO_DISTRICT.iter().any(|other| rest[..end].ends_with(other))
                || before.is_some_and(|letter| letter.is_ascii_alphanumeric()));
        if !no_district {
            return Some(end);
        }
    }
    None
}

/// Whether the word of a building begins here, or, behind a numeral, one that names a house, a storey or a door there and places
/// elsewhere (`三座`, but `银座`).
fn is_building(before: &str, rest: &str, character: char) -> bool {
    let numbered = || {
        let last = before.chars().next_back().map(fold_width);
        last.is_some_and(|last| last.is_ascii_alphanumeric() || NUMERALS.contains(last))
    };
    match character {
        '幢' | '栋' => true,
        '单' => rest.starts_with("单元"),
        '号' => rest.starts_with("号楼") || numbered(),
        '座' | '室' | '层' | '楼' | '组' => numbered(),
        _ => false,
    }
}

/// The last four digits of a card, or of what is kept of one.
fn bank_card(text: &str) -> String {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let skip = digits.saturating_sub(4);
    let last: String = text.chars().filter(char::is_ascii_digit).skip(skip).collect();
    format!("**** **** **** {last}")
}

/// Five years that hold the date: `1980–1984`.
fn date_band(text: &str) -> String {
    match text.get(..4).and_then(|year| year.parse::<u16>().ok()) {
        Some(year) => format!("{:04}–{:04}", year - year % 5, year - year % 5 + 4),
        None => HIDDEN.to_owned(),
    }
}

/// First character and domain: `z***@example.org`.
fn email(text: &str) -> String {
    match (text.chars().next(), text.rsplit_once('@')) {
        (Some(first), Some((before, domain))) if !before.is_empty() => {
            format!("{first}{HIDDEN}@{domain}")
        }
        _ => HIDDEN.to_owned(),
    }
}

/// Province character, authority letter and the last two: `鲁R***12`.
fn plate(text: &str) -> String {
    let characters: Zeroizing<Vec<char>> =
        Zeroizing::new(text.chars().filter(|c| c.is_alphanumeric()).collect());
    match characters.as_slice() {
        [province, authority, middle @ .., tenth, last] if !middle.is_empty() => {
            format!("{province}{authority}{HIDDEN}{tenth}{last}")
        }
        _ => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What each rule gives for these texts, under the version that it was given for.
    const KEPT: (u32, &str) = (2, "735dbb0cd4dec289");

    #[test]
    fn a_mask_that_gives_something_else_has_another_version() {
        let texts = [
            "张小三",
            "欧阳建国",
            "阿依古丽·买买提",
            "𠮷田",
            "O'Neil",
            "880101199001010013",
            "12900009001",
            "010-62331234",
            "浙江省枫桥市钟山区枫桥镇枫源社区3幢2单元501室",
            "枫桥镇",
            "6222020200112233445",
            "1990-01-01",
            "2024-02-29T08:00:00Z",
            "li@example.org",
            "浙A12345",
            "91330100MA27X0001A",
            "92330100MA27X0001A",
            "电话12900009001，身份证880101199001010013",
            "",
            "枫桥镇阳光花园三幢二单元（枫源社区）",
            "座机(0530)5551234，手机013812345678，旧证110105491231002",
        ];
        let given: Vec<String> = MaskRule::ALL
            .into_iter()
            .flat_map(|rule| texts.map(|text| format!("{} {}", rule.as_str(), cover(rule, text))))
            .collect();
        let digest = ring::digest::digest(&ring::digest::SHA256, given.join("\n").as_bytes());
        let digest: String =
            digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((MASKS_VERSION, digest.as_str()), KEPT, "raise MASKS_VERSION");
    }

    fn all(rule: MaskRule, cases: &[(&str, &str)]) {
        for (text, masked) in cases {
            assert_eq!(cover(rule, text), *masked, "{text}");
        }
    }

    #[test]
    fn a_name_keeps_its_surname() {
        all(
            MaskRule::Name,
            &[
                ("张三", "张*"),
                ("张小三", "张**"),
                ("欧阳建国", "欧阳**"),
                ("欧阳春", "欧阳*"),
                ("司马", "司*"),
                ("上官婉儿", "上官**"),
                ("张", "*"),
            ],
        );
    }

    #[test]
    fn names_with_a_point_and_foreign_names_show_one_character_and_no_length() {
        all(
            MaskRule::Name,
            &[
                ("阿不都热依木·买买提", "阿**"),
                ("阿里·木", "阿**"),
                ("John Smith", "J**"),
                ("ئابدۇرېھىم", "ئ**"),
            ],
        );
    }

    #[test]
    fn rare_characters_are_counted_as_one() {
        all(MaskRule::Name, &[("𠮷田", "𠮷*"), ("王𡈽𠮷", "王**"), ("欧阳𠮷", "欧阳*")]);
    }

    #[test]
    fn numbers_keep_what_the_convention_shows() {
        all(
            MaskRule::IdNumber,
            &[("11010519491231002X", "1****************X"), ("1X", "**"), ("", "")],
        );
        all(
            MaskRule::Phone,
            &[
                ("13812345678", "138****5678"),
                ("0530-5551212", "0530-*****12"),
                ("010-65551234", "010-******34"),
            ],
        );
        all(
            MaskRule::BankCard,
            &[("6222020000007890", "**** **** **** 7890"), ("7890", "**** **** **** 7890")],
        );
        all(
            MaskRule::Plate,
            &[("鲁R88812", "鲁R***12"), ("鲁R·D88812", "鲁R***12"), ("鲁R12", "***")],
        );
        all(
            MaskRule::Email,
            &[("zhang@example.org", "z***@example.org"), ("@x", "***"), ("none", "***")],
        );
        all(
            MaskRule::CreditCode,
            &[
                ("91350100M000100Y43", "91350100M000100Y43"),
                ("92350100M000100Y43", "92**************43"),
            ],
        );
    }

    #[test]
    fn a_birth_date_becomes_a_band_of_five_years() {
        all(
            MaskRule::DateBand,
            &[
                ("1980-01-01", "1980–1984"),
                ("1984-12-31", "1980–1984"),
                ("2015-06-01", "2015–2019"),
            ],
        );
        all(MaskRule::Year, &[("2024-05-06", "2024"), ("x", "***")]);
    }

    #[test]
    fn an_address_ends_at_the_community() {
        all(
            MaskRule::Address,
            &[
                (
                    "澜川市望澜区桂花桥街道工农社区机床厂家属院6号楼2单元401室",
                    "澜川市望澜区桂花桥街道工农社区***",
                ),
                ("芦沣县石桥镇柳湾村三组17号", "芦沣县石桥镇柳湾村***"),
                ("澜川市望澜区桂花桥街道工农路58号-3", "澜川市望澜区桂花桥街道***"),
                ("水岸新城B区12栋1单元1803室", "***"),
                ("澜川市技工学校3号宿舍楼205室", "澜川市***"),
                ("澜川市幸福小区3号楼", "澜川市***"),
                ("某省某市某县东坪乡陈家塆村张三家隔壁", "某省某市某县东坪乡陈家塆村***"),
                ("地下室", "***"),
                ("阳光花园三幢二单元（枫源社区）", "***"),
                ("澜川市望澜区阳光花园Ａ座（枫源社区）", "澜川市望澜区***"),
                ("枫桥镇工农路五十八号（枫源社区）", "枫桥镇***"),
                ("枫桥镇甲单元十二层乙室（枫源社区）", "枫桥镇***"),
                ("枫桥镇老栋（枫源社区）", "枫桥镇***"),
                ("枫桥镇银座社区三座", "枫桥镇银座社区***"),
                ("澜川市七里河区三里屯街道十里社区八幢", "澜川市七里河区三里屯街道十里社区***"),
                ("", "***"),
            ],
        );
    }

    #[test]
    fn a_masked_number_is_hidden_in_free_text() {
        all(MaskRule::FreeText, &[("回电12900001234，谢谢", "回电***，谢谢")]);
    }

    proptest! {
        #[test]
        fn a_masked_name_shows_at_most_two_characters(text in "\\PC{0,12}") {
            let masked = cover(MaskRule::Name, &text);
            let shown = masked.chars().filter(|character| *character != '*').count();
            prop_assert!(shown <= 2, "{} of {}", shown, text.chars().count());
            prop_assert!(masked.contains('*'));
        }

        #[test]
        fn a_masked_citizen_number_shows_its_ends_alone(text in "[0-9]{17}[0-9X]") {
            let masked = cover(MaskRule::IdNumber, &text);
            prop_assert_eq!(masked.chars().count(), 18);
            prop_assert_eq!(masked.matches('*').count(), 16);
        }

        #[test]
        fn a_masked_address_never_shows_a_figure(text in "\\PC{0,20}[0-9]\\PC{0,20}") {
            prop_assert!(!cover(MaskRule::Address, &text).contains(|c: char| c.is_ascii_digit()));
        }

        #[test]
        fn a_masked_address_never_shows_a_building_in_chinese_numerals(
            before in "\\PC{0,20}", numeral in "[一二三四五六七八九十百甲乙]{1,3}",
            word in "幢|栋|座|号楼|单元|室|层", after in "\\PC{0,6}",
            community in "[一-龥]{1,5}(社区|村|镇|区)",
        ) {
            let building = format!("{numeral}{word}");
            let masked = cover(MaskRule::Address, &format!("{before}{building}{after}（{community}）"));
            prop_assert!(!masked.contains(&building), "{}", masked);
        }

        #[test]
        fn no_rule_panics_on_any_text(text in any::<String>()) {
            for rule in MaskRule::ALL {
                prop_assert!(rule == MaskRule::Shown || rule == MaskRule::FreeText
                    || rule == MaskRule::CreditCode || cover(rule, &text).len() <= 4 * text.len() + 32);
            }
        }
    }
}
