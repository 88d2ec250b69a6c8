//! What an officer writes: a text of bounded length about acts of staff.
//! Never the number of a person: what looks like one is refused, as in free text of records.
//! It is sealed in the store and never in the log.

use crate::limits::REMARK_CHARACTERS_MAX;
use crate::records::{detector, is_free_text};

/// A text that was checked.
#[derive(Clone)]
pub struct Remark(String);

impl Remark {
    /// From what was written; nothing where it is empty, too long, has characters that hide, or holds a number of a person.
    pub fn parse(text: String) -> Option<Remark> {
        let fits = is_free_text(&text, REMARK_CHARACTERS_MAX) && !detector::holds_number(&text);
        fits.then_some(Remark(text))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_has_its_longest_length_and_no_more() {
        let of = |count: usize| Remark::parse("查".repeat(count)).is_some();
        assert!(of(1) && of(REMARK_CHARACTERS_MAX));
        assert!(!of(0) && !of(REMARK_CHARACTERS_MAX + 1));
    }

    #[test]
    fn a_remark_holds_no_number_of_a_person_and_nothing_that_hides() {
        for wrong in [
            " \n ",
            "see 880101199001010013",
            "call 12900009001 or 13812345678",
            "a\u{202e}b",
            "a\u{0}b",
        ] {
            assert!(Remark::parse(wrong.to_owned()).is_none(), "{wrong}");
        }
        assert!(Remark::parse("两次夜间查看，\n已与本人核对".to_owned()).is_some());
    }
}
