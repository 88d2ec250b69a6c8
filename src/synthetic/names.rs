//! Names as a clerk meets them: common and compound surnames, points, Latin letters, characters beyond the basic plane.
//! Never the name of a real person on purpose: chance puts common parts together.
//! Equal names do occur, and a given name has one to three characters.

use super::dice::Dice;
use super::words;

/// Surnames of two characters.
const COMPOUND: [&str; 3] = ["欧阳", "司马", "上官"];
/// How many of ten thousand families have one.
const COMPOUND_SHARE: u32 = 30;
/// How many of ten thousand people have a character beyond the basic plane in their name.
const RARE_SHARE: u32 = 10;

/// How the names of a household are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Surname and given name in Chinese characters.
    Han,
    /// Own name and father's name, joined by a point.
    Pointed,
    /// In Latin letters.
    Latin,
}

/// The parts that names are made of, read once for a whole city.
pub(super) struct Names {
    men_old: Vec<char>,
    men_young: Vec<char>,
    women_old: Vec<char>,
    women_young: Vec<char>,
    rare: Vec<char>,
    men_pointed: Vec<&'static str>,
    women_pointed: Vec<&'static str>,
    fathers_pointed: Vec<&'static str>,
    men_latin: Vec<&'static str>,
    women_latin: Vec<&'static str>,
    families_latin: Vec<&'static str>,
}

impl Names {
    /// Reads the lists.
    pub(super) fn new() -> Names {
        Names {
            men_old: words::given("men_old"),
            men_young: words::given("men_young"),
            women_old: words::given("women_old"),
            women_young: words::given("women_young"),
            rare: words::given("rare"),
            men_pointed: words::pointed("man"),
            women_pointed: words::pointed("woman"),
            fathers_pointed: words::pointed("father"),
            men_latin: words::latin("man"),
            women_latin: words::latin("woman"),
            families_latin: words::latin("family"),
        }
    }

    /// How the names of the next household are written.
    pub(super) fn style(&self, dice: &mut Dice) -> Style {
        dice.weighted(&[(Style::Han, 9_940), (Style::Pointed, 50), (Style::Latin, 10)])
    }

    /// What a family shares: a surname, or the father's name.
    pub(super) fn family(&self, style: Style, dice: &mut Dice) -> &'static str {
        match style {
            Style::Han if dice.chance(COMPOUND_SHARE) => dice.one_of(&COMPOUND),
            Style::Han => dice.weighted(words::surnames()),
            Style::Pointed => dice.one_of(&self.fathers_pointed),
            Style::Latin => dice.one_of(&self.families_latin),
        }
    }

    /// A whole name.
    pub(super) fn full(
        &self,
        style: Style,
        family: &str,
        is_male: bool,
        is_old: bool,
        dice: &mut Dice,
    ) -> String {
        match style {
            Style::Han => format!("{family}{}", self.given(is_male, is_old, dice)),
            Style::Pointed => {
                let own = if is_male { &self.men_pointed } else { &self.women_pointed };
                format!("{}·{family}", dice.one_of(own))
            }
            Style::Latin => {
                let own = if is_male { &self.men_latin } else { &self.women_latin };
                format!("{} {family}", dice.one_of(own))
            }
        }
    }

    /// A whole name of somebody alone.
    pub(super) fn anybody(&self, is_male: bool, dice: &mut Dice) -> String {
        let family = self.family(Style::Han, dice);
        self.full(Style::Han, family, is_male, false, dice)
    }

    fn given(&self, is_male: bool, is_old: bool, dice: &mut Dice) -> String {
        let characters = match (is_male, is_old) {
            (true, true) => &self.men_old,
            (true, false) => &self.men_young,
            (false, true) => &self.women_old,
            (false, false) => &self.women_young,
        };
        let length = dice.weighted(&[(1, 14), (2, 85), (3, 1)]);
        let mut given: Vec<char> = (0..length).map(|_| dice.one_of(characters)).collect();
        if dice.chance(RARE_SHARE) {
            given[length - 1] = dice.one_of(&self.rare);
        }
        given.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointed_names_have_six_to_fourteen_characters() {
        let (names, mut dice) = (Names::new(), Dice::new(1, 1));
        for _ in 0..2_000 {
            let family = names.family(Style::Pointed, &mut dice);
            let is_male = dice.chance(5_000);
            let name = names.full(Style::Pointed, family, is_male, false, &mut dice);
            assert!((6..=14).contains(&name.chars().count()), "{name}");
            assert!(name.contains('·'));
        }
    }

    #[test]
    fn shares_of_names_are_those_of_the_plan() {
        let (names, mut dice) = (Names::new(), Dice::new(1, 2));
        let (mut compound, mut pointed, mut rare) = (0, 0, 0);
        for _ in 0..100_000 {
            let style = names.style(&mut dice);
            let family = names.family(style, &mut dice);
            let name = names.full(style, family, true, false, &mut dice);
            pointed += u32::from(style == Style::Pointed);
            compound += u32::from(COMPOUND.contains(&family));
            rare += u32::from(name.chars().any(|character| u32::from(character) > 0xffff));
        }
        assert!((400..600).contains(&pointed), "{pointed}");
        assert!((240..360).contains(&compound), "{compound}");
        assert!((60..140).contains(&rare), "{rare}");
    }

    #[test]
    fn the_commonest_surname_is_the_commonest() {
        let (names, mut dice) = (Names::new(), Dice::new(1, 3));
        let families: Vec<&str> =
            (0..20_000).map(|_| names.family(Style::Han, &mut dice)).collect();
        let count = |surname| families.iter().filter(|family| **family == surname).count();
        assert!(count("王") > count("刘") && count("刘") > count("罗"));
    }
}
