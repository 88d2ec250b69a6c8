//! Division codes, grid codes and areas: places written as digits.
//! Never accepts a length between the levels: a prefix is an ancestor at 4, 6, 9, 12 and 16 digits only.
//! Codes follow GB/T 2260 and GB/T 10114 down to the community; the four digits of the grid are the vault's own.

use super::CodeError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Digits of a division code.
const DIVISION_DIGITS: usize = 12;
/// Digits of a grid code.
const GRID_DIGITS: usize = 16;

/// A level of the tree, from the top. Ordered: a later level lies deeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// 市, 4 digits.
    City,
    /// 县（市、区）, 6 digits.
    County,
    /// 街道（乡镇）, 9 digits.
    Street,
    /// 社区（村）, 12 digits.
    Community,
    /// 网格, 16 digits.
    Grid,
}

impl Level {
    /// Every level, from the top.
    pub const ALL: [Level; 5] =
        [Level::City, Level::County, Level::Street, Level::Community, Level::Grid];

    /// The word of the level.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::City => "city",
            Level::County => "county",
            Level::Street => "street",
            Level::Community => "community",
            Level::Grid => "grid",
        }
    }

    /// Digits of a code at this level.
    pub const fn digits(self) -> usize {
        match self {
            Level::City => 4,
            Level::County => 6,
            Level::Street => 9,
            Level::Community => DIVISION_DIGITS,
            Level::Grid => GRID_DIGITS,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What a grid is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GridKind {
    /// 基础网格: a part of a community.
    Basic,
    /// 专属网格: one enterprise, school, hospital or market.
    Exclusive,
    /// A grid without ground, such as one for people who move about.
    Virtual,
}

/// A node of the tree. Its ASCII digits stand left; the rest is zero bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Area {
    digits: [u8; GRID_DIGITS],
    level: Level,
}

impl Area {
    /// The level of the node.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_digits()).unwrap_or_default()
    }

    /// Whether the grid lies in this area, or is it.
    pub fn contains(&self, grid: &GridCode) -> bool {
        grid.0.starts_with(self.as_digits())
    }

    /// Whether the other area lies in this one, or is it.
    pub fn contains_area(&self, other: &Area) -> bool {
        other.as_digits().starts_with(self.as_digits())
    }

    /// The area above at that level, or itself; `None` for a level below.
    pub fn ancestor(&self, level: Level) -> Option<Area> {
        (level <= self.level).then(|| Area::cut(&self.digits, level))
    }

    /// The grid code, when the area is a grid.
    pub fn as_grid(&self) -> Option<GridCode> {
        (self.level == Level::Grid).then_some(GridCode(self.digits))
    }

    /// The smallest code with these digits in front; with the digits themselves it bounds a range of grid codes.
    pub(super) fn first_code(&self) -> [u8; GRID_DIGITS] {
        let mut code = [b'0'; GRID_DIGITS];
        code[..self.level.digits()].copy_from_slice(self.as_digits());
        code
    }

    fn as_digits(&self) -> &[u8] {
        &self.digits[..self.level.digits()]
    }

    fn cut(digits: &[u8; GRID_DIGITS], level: Level) -> Area {
        let mut cut = [0; GRID_DIGITS];
        cut[..level.digits()].copy_from_slice(&digits[..level.digits()]);
        Area { digits: cut, level }
    }
}

impl From<GridCode> for Area {
    fn from(grid: GridCode) -> Area {
        Area { digits: grid.0, level: Level::Grid }
    }
}

impl FromStr for Area {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Area, CodeError> {
        let level = Level::ALL.into_iter().find(|level| level.digits() == text.len());
        let level = level.ok_or(CodeError::WrongLength)?;
        if level == Level::Grid {
            return text.parse::<GridCode>().map(Area::from);
        }
        let mut padded = [b'0'; DIVISION_DIGITS];
        padded[..text.len()].copy_from_slice(text.as_bytes());
        // A part of zeros names the level above, so `880100` is no county.
        let division = DivisionCode::from_digits(padded)?;
        if division.area().level != level {
            return Err(CodeError::SkippedLevel);
        }
        Ok(division.area())
    }
}

/// A division of 12 digits, whose trailing zeros tell its level (GB/T 2260, GB/T 10114).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DivisionCode([u8; DIVISION_DIGITS]);

impl DivisionCode {
    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The node of the tree that the division is.
    pub fn area(&self) -> Area {
        let level = if &self.0[9..] != b"000" {
            Level::Community
        } else if &self.0[6..9] != b"000" {
            Level::Street
        } else if &self.0[4..6] != b"00" {
            Level::County
        } else {
            Level::City
        };
        let mut digits = [b'0'; GRID_DIGITS];
        digits[..DIVISION_DIGITS].copy_from_slice(&self.0);
        Area::cut(&digits, level)
    }

    fn from_digits(digits: [u8; DIVISION_DIGITS]) -> Result<DivisionCode, CodeError> {
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(CodeError::NotDigits);
        }
        if &digits[..2] == b"00" {
            return Err(CodeError::NoProvince);
        }
        let named = [
            &digits[2..4] != b"00",
            &digits[4..6] != b"00",
            &digits[6..9] != b"000",
            &digits[9..] != b"000",
        ];
        // A level may only be named under one that is; the city always is.
        if !named[0] || named.windows(2).any(|pair| !pair[0] && pair[1]) {
            return Err(CodeError::SkippedLevel);
        }
        Ok(DivisionCode(digits))
    }
}

impl FromStr for DivisionCode {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<DivisionCode, CodeError> {
        let digits = text.as_bytes().try_into().map_err(|_| CodeError::WrongLength)?;
        DivisionCode::from_digits(digits)
    }
}

/// A grid: a community, a digit for the kind (0 basic, 1 exclusive, 2 virtual; 9 is reserved), and 001 to 999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GridCode([u8; GRID_DIGITS]);

impl GridCode {
    /// The digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The digits as ASCII bytes.
    pub const fn as_bytes(&self) -> &[u8; GRID_DIGITS] {
        &self.0
    }

    /// Digits that bound a range of codes. They need not be a code themselves, and never leave this room.
    pub(super) const fn bound(digits: [u8; GRID_DIGITS]) -> GridCode {
        GridCode(digits)
    }

    /// What the grid is.
    pub fn kind(&self) -> GridKind {
        match self.0[DIVISION_DIGITS] {
            b'1' => GridKind::Exclusive,
            b'2' => GridKind::Virtual,
            _ => GridKind::Basic,
        }
    }

    /// The community that the grid belongs to.
    pub fn community(&self) -> DivisionCode {
        let mut digits = [0; DIVISION_DIGITS];
        digits.copy_from_slice(&self.0[..DIVISION_DIGITS]);
        DivisionCode(digits)
    }

    /// The areas that the grid lies in, from the city down to itself.
    pub fn ancestors(&self) -> [Area; 5] {
        Level::ALL.map(|level| Area::cut(&self.0, level))
    }
}

impl FromStr for GridCode {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<GridCode, CodeError> {
        let digits: [u8; GRID_DIGITS] =
            text.as_bytes().try_into().map_err(|_| CodeError::WrongLength)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(CodeError::NotDigits);
        }
        let mut community = [0; DIVISION_DIGITS];
        community.copy_from_slice(&digits[..DIVISION_DIGITS]);
        if DivisionCode::from_digits(community)?.area().level() != Level::Community {
            return Err(CodeError::SkippedLevel);
        }
        if !matches!(digits[DIVISION_DIGITS], b'0'..=b'2') {
            return Err(CodeError::ReservedKind);
        }
        if &digits[DIVISION_DIGITS + 1..] == b"000" {
            return Err(CodeError::NoGridNumber);
        }
        Ok(GridCode(digits))
    }
}

/// Text forms of a code: display, debug, and a string in serde.
macro_rules! as_text {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

as_text!(Area, DivisionCode, GridCode);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid(text: &str) -> GridCode {
        text.parse().expect("a grid code")
    }

    fn area(text: &str) -> Area {
        text.parse().expect("an area")
    }

    #[test]
    fn a_grid_code_tells_community_kind_and_ancestors() {
        let code = grid("8801020010011002");
        assert_eq!(code.to_string(), "8801020010011002");
        assert_eq!(code.kind(), GridKind::Exclusive);
        assert_eq!(grid("8801020010010001").kind(), GridKind::Basic);
        assert_eq!(grid("8801020010012001").kind(), GridKind::Virtual);
        assert_eq!(code.community().as_str(), "880102001001");
        let ancestors = code.ancestors().map(|area| area.to_string());
        assert_eq!(ancestors, ["8801", "880102", "880102001", "880102001001", "8801020010011002"]);
    }

    #[test]
    fn a_wrong_grid_code_is_refused_with_its_reason() {
        let cases = [
            ("880102001001001", CodeError::WrongLength),
            ("88010200100100011", CodeError::WrongLength),
            ("880102001001000a", CodeError::NotDigits),
            ("88010200100１01", CodeError::NotDigits),
            ("8801020010019001", CodeError::ReservedKind),
            ("8801020010013001", CodeError::ReservedKind),
            ("8801020010010000", CodeError::NoGridNumber),
            ("8801020010000001", CodeError::SkippedLevel),
            ("0001020010010001", CodeError::NoProvince),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<GridCode>(), Err(why), "{text}");
        }
    }

    #[test]
    fn an_area_has_one_of_five_lengths() {
        for (text, level) in ["8801", "880102", "880102001", "880102001001", "8801020010010001"]
            .iter()
            .zip(Level::ALL)
        {
            assert_eq!(area(text).level(), level);
            assert_eq!(area(text).to_string(), *text);
            assert_eq!(level.digits(), text.len());
        }
        for text in ["", "88", "88010", "8801020", "88010200100", "8801020010010"] {
            assert_eq!(text.parse::<Area>(), Err(CodeError::WrongLength), "{text}");
        }
        assert_eq!("880100".parse::<Area>(), Err(CodeError::SkippedLevel));
        assert_eq!("8800".parse::<Area>(), Err(CodeError::SkippedLevel));
    }

    #[test]
    fn a_division_tells_its_level_by_trailing_zeros() {
        let cases = [
            ("880100000000", "8801"),
            ("880102000000", "880102"),
            ("880102001000", "880102001"),
            ("880102001001", "880102001001"),
            ("320508019044", "320508019044"),
        ];
        for (code, node) in cases {
            let division: DivisionCode = code.parse().expect("a division");
            assert_eq!(division.area().to_string(), node);
        }
        assert_eq!("880100001000".parse::<DivisionCode>(), Err(CodeError::SkippedLevel));
        assert_eq!("880000000000".parse::<DivisionCode>(), Err(CodeError::SkippedLevel));
    }

    #[test]
    fn an_area_contains_what_lies_under_it_and_nothing_else() {
        let code = grid("8801020010010001");
        for text in ["8801", "880102", "880102001", "880102001001", "8801020010010001"] {
            assert!(area(text).contains(&code), "{text}");
        }
        for text in ["8802", "880103", "880102002", "880102001002", "8801020010010002"] {
            assert!(!area(text).contains(&code), "{text}");
        }
        assert!(area("8801").contains_area(&area("880102")));
        assert!(!area("880102").contains_area(&area("8801")));
        assert_eq!(area("880102001").ancestor(Level::City), Some(area("8801")));
        assert_eq!(area("8801").ancestor(Level::Street), None);
        assert_eq!(area("8801020010010001").as_grid(), Some(code));
        assert_eq!(area("880102").as_grid(), None);
    }

    #[test]
    fn codes_travel_as_text() {
        let json = serde_json::to_string(&grid("8801020010010001")).expect("a string");
        assert_eq!(json, "\"8801020010010001\"");
        assert!(serde_json::from_str::<GridCode>("\"8801020010019001\"").is_err());
        assert!(serde_json::from_str::<Area>("8801").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_every_code_reads_back(text in "\\PC{0,18}|[0-9]{4,18}") {
            if let Ok(code) = text.parse::<GridCode>() {
                prop_assert_eq!(code.as_str(), text.as_str());
                prop_assert!(code.ancestors().iter().all(|area| area.contains(&code)));
            }
            if let Ok(node) = text.parse::<Area>() {
                prop_assert_eq!(node.as_str(), text.as_str());
            }
            let _ = text.parse::<DivisionCode>();
        }
    }
}
