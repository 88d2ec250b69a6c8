//! The word lists of the sample city, read from the files beside the code.
//! Never a list of real people, streets or firms: parts are common words, put together by chance.
//! A list is read once; the files are part of the program, so a broken one fails its tests and not a demo.

use std::sync::LazyLock;

/// Words under a key, one pair a line.
type Keyed = Vec<(&'static str, &'static str)>;

static SURNAMES: LazyLock<Vec<(&str, u32)>> = LazyLock::new(|| {
    let weighted = |(word, weight): (&'static str, &str)| Some((word, weight.parse().ok()?));
    pairs(include_str!("data/surnames.txt")).into_iter().filter_map(weighted).collect()
});
static GIVEN: LazyLock<Keyed> = LazyLock::new(|| pairs(include_str!("data/given.txt")));
static POINTED: LazyLock<Keyed> = LazyLock::new(|| pairs(include_str!("data/pointed.txt")));
static LATIN: LazyLock<Keyed> = LazyLock::new(|| pairs(include_str!("data/latin.txt")));
static TRADES: LazyLock<Keyed> = LazyLock::new(|| pairs(include_str!("data/trades.txt")));
static EVENTS: LazyLock<Keyed> = LazyLock::new(|| pairs(include_str!("data/events.txt")));
static NOTES: LazyLock<Keyed> = LazyLock::new(|| pairs(include_str!("data/notes.txt")));
static COMMUNITIES: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("data/communities.txt").split_whitespace().collect());
static ESTATES: LazyLock<Vec<&str>> =
    LazyLock::new(|| include_str!("data/estates.txt").split_whitespace().collect());

/// The commonest surnames with their weights.
pub(super) fn surnames() -> &'static [(&'static str, u32)] {
    &SURNAMES
}

/// Characters of given names by group.
pub(super) fn given(group: &str) -> Vec<char> {
    GIVEN.iter().filter(|(key, _)| *key == group).flat_map(|(_, text)| text.chars()).collect()
}

/// Parts of names that are written with a point.
pub(super) fn pointed(part: &str) -> Vec<&'static str> {
    under(&POINTED, part)
}

/// Parts of names in Latin letters.
pub(super) fn latin(part: &str) -> Vec<&'static str> {
    under(&LATIN, part)
}

/// Kinds of units with what stands at the end of their names.
pub(super) fn trades() -> &'static [(&'static str, &'static str)] {
    &TRADES
}

/// Texts of events by kind; those of a storm begin with their kind and a space.
pub(super) fn events(kind: &str) -> Vec<&'static str> {
    under(&EVENTS, kind)
}

/// Texts of notes by kind.
pub(super) fn notes(kind: &str) -> Vec<&'static str> {
    under(&NOTES, kind)
}

/// Words that generated communities are named by.
pub(super) fn communities() -> &'static [&'static str] {
    &COMMUNITIES
}

/// Estates of generated grids.
pub(super) fn estates() -> &'static [&'static str] {
    &ESTATES
}

fn under(keyed: &Keyed, wanted: &str) -> Vec<&'static str> {
    keyed.iter().filter(|(key, _)| *key == wanted).map(|(_, word)| *word).collect()
}

fn pairs(text: &'static str) -> Keyed {
    text.lines().filter_map(|line| line.split_once(' ')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_list_is_there_and_repeats_nothing() {
        assert_eq!(surnames().len(), 20);
        assert!(surnames().windows(2).all(|pair| pair[0].1 >= pair[1].1));
        for (list, least) in [(communities(), 40), (estates(), 20)] {
            assert!(list.len() >= least);
            assert_eq!(list.iter().collect::<BTreeSet<_>>().len(), list.len());
        }
        assert!(trades().len() > 10 && notes("plain").len() > 5);
    }

    #[test]
    fn rare_characters_lie_beyond_the_basic_plane() {
        let rare = given("rare");
        assert_eq!(rare.len(), 10);
        assert!(rare.iter().all(|character| u32::from(*character) > 0xffff));
    }
}
