//! What a calling system calls a record in its own books: opaque words that the vault never shows.
//! Never stored as such: an index term, scoped by the calling system, stands for it.
//! Systems write numbers of people into such references, so it is held like any value about a person.

use super::text::check_characters;
use super::{Reason, Sensitive};
use crate::limits::EXTERNAL_REF_CHARACTERS_MAX;

/// Text that is no reference: empty, too long, or with characters that cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an external reference")]
pub struct ExternalRefError;

/// A calling system's own name for a record: 1 to 64 characters, compared byte by byte.
#[derive(Debug)]
pub struct ExternalRef(Sensitive<String>);

impl ExternalRef {
    /// Takes the text into custody, if it is a reference.
    ///
    /// # Errors
    /// [`ExternalRefError`].
    pub fn new(text: String) -> Result<ExternalRef, ExternalRefError> {
        let text = Sensitive::new(text);
        let shown = text.expose_for(Reason::Validation);
        let fits = !shown.is_empty() && shown.chars().nth(EXTERNAL_REF_CHARACTERS_MAX).is_none();
        if fits && check_characters(shown, false).is_ok() {
            Ok(ExternalRef(text))
        } else {
            Err(ExternalRefError)
        }
    }

    /// The bytes that an index term is made of.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose_for(Reason::Matching).as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_taken_at_the_limit_and_refused_beyond_it() {
        let of = |count: usize| ExternalRef::new("户".repeat(count));
        assert!(of(1).is_ok());
        assert!(of(EXTERNAL_REF_CHARACTERS_MAX).is_ok());
        assert_eq!(of(EXTERNAL_REF_CHARACTERS_MAX + 1).err(), Some(ExternalRefError));
        assert_eq!(of(0).err(), Some(ExternalRefError));
    }

    #[test]
    fn a_reference_has_no_hidden_characters_and_shows_nothing() {
        for hidden in ["a\u{0}b", "a\nb", "a\u{202e}b", "a\u{200b}b"] {
            assert_eq!(ExternalRef::new(hidden.to_owned()).err(), Some(ExternalRefError));
        }
        let reference = ExternalRef::new("880102-0007/Ä".to_owned()).expect("a reference");
        assert_eq!(format!("{reference:?}"), "ExternalRef(Sensitive)");
        assert_eq!(reference.as_bytes(), "880102-0007/Ä".as_bytes());
    }
}
