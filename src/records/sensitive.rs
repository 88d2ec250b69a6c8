//! A wrapper for one resident's value while it is open in memory.
//! Never prints, copies or serialises what it holds.
//! Whoever looks inside says why, and the memory is wiped when the wrapper goes.

use std::fmt;
use zeroize::Zeroize;

/// Why a value is looked at. Each place that opens one names its reason, so that they can be counted in review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It goes to a caller whose permit shows it in clear.
    Answer,
    /// It is about to be sealed.
    Sealing,
    /// Its masked form is made.
    Masking,
    /// It is compared, or made into an index term.
    Matching,
    /// It is checked against its field or another field.
    Validation,
}

/// A value about a person. No `Clone`, no `Display`, no `Serialize`; `Debug` prints the name only.
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    /// Takes the value into custody.
    pub fn new(value: T) -> Sensitive<T> {
        Sensitive(value)
    }

    /// The value, for the stated reason. What is done with it stays inside that reason.
    pub fn expose_for(&self, _reason: Reason) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Sensitive<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sensitive")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    struct Watched(Rc<Cell<bool>>);

    impl Zeroize for Watched {
        fn zeroize(&mut self) {
            self.0.set(true);
        }
    }

    #[test]
    fn a_dropped_value_is_wiped() {
        let wiped = Rc::new(Cell::new(false));
        let sensitive = Sensitive::new(Watched(Rc::clone(&wiped)));
        assert!(!wiped.get());
        drop(sensitive);
        assert!(wiped.get());
    }

    #[test]
    fn debug_shows_the_name_only() {
        let sensitive = Sensitive::new("12900001234".to_owned());
        assert_eq!(format!("{sensitive:?}"), "Sensitive");
        assert_eq!(sensitive.expose_for(Reason::Answer), "12900001234");
    }
}
