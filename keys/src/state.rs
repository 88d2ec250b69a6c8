//! The states of a key after NIST SP 800-57 part 1, those that the keys of a ring have, and which leads to which.
//! Never holds a key. What the ring does with a key of each kind in each state is held against this by `keyring/state_tests.rs`.
//! Suspended and compromised are not among them: nothing here can tell that a key became known, and whoever knows it rotates.
//!
//! ```text
//!                  activated   superseded    destroyed
//! pre-activation   active      -             destroyed
//! active           -           deactivated   -
//! deactivated      -           -             destroyed
//! destroyed        -           -             -
//! ```
//! An active key is never destroyed: another one follows it first, and everybody who stays goes over to that. Where two keys of the log
//! sign, both are active, and the former is deactivated and destroyed by one writing. A month's key protects nothing new once its month
//! is over, which the calendar says and no ring: whoever destroys the keys of months names the first that is not over.

/// How a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is drawn and not durable in both slots yet: it does nothing.
    PreActivation,
    /// It wraps, seals or signs, and opens or verifies what it did.
    Active,
    /// Another one protects now; it opens or verifies what it did.
    Deactivated,
    /// It is in neither slot and not in memory: what it protected opens no more.
    Destroyed,
}

/// What happens to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// It became durable.
    Activated,
    /// Another one became active in its place.
    Superseded,
    /// It was overwritten.
    Destroyed,
}

impl KeyState {
    /// The state behind a change; none where it cannot happen.
    #[must_use]
    pub const fn after(self, change: KeyChange) -> Option<Self> {
        match (self, change) {
            (Self::PreActivation, KeyChange::Activated) => Some(Self::Active),
            (Self::Active, KeyChange::Superseded) => Some(Self::Deactivated),
            (Self::PreActivation | Self::Deactivated, KeyChange::Destroyed) => {
                Some(Self::Destroyed)
            }
            _ => None,
        }
    }

    /// That of the key of an epoch, counted from one, in a place where this one stands and that one protects; none for a key that was
    /// not there yet.
    pub(crate) const fn of(epoch: u32, present: u32, newest: u32) -> Option<Self> {
        match epoch {
            0 => None,
            _ if epoch < present => Some(Self::Destroyed),
            _ if epoch < newest => Some(Self::Deactivated),
            _ if epoch == newest => Some(Self::Active),
            _ => None,
        }
    }

    /// Whether it protects something new.
    #[must_use]
    pub const fn protects(self) -> bool {
        matches!(self, Self::Active)
    }

    /// Whether it opens or verifies what it protected.
    #[must_use]
    pub const fn opens(self) -> bool {
        matches!(self, Self::Active | Self::Deactivated)
    }
}

#[cfg(test)]
mod tests {
    use super::KeyChange::{Activated, Superseded};
    use super::KeyState::{Active, Deactivated, Destroyed, PreActivation};
    use super::*;

    #[test]
    fn every_change_in_every_state_leads_where_the_table_says() {
        let table = [
            (PreActivation, [Some(Active), None, Some(Destroyed)]),
            (Active, [None, Some(Deactivated), None]),
            (Deactivated, [None, None, Some(Destroyed)]),
            (Destroyed, [None, None, None]),
        ];
        for (state, expected) in table {
            let led = [Activated, Superseded, KeyChange::Destroyed].map(|it| state.after(it));
            assert_eq!(led, expected, "{state:?}");
        }
    }

    #[test]
    fn what_a_key_may_do_only_shrinks_once_it_is_active() {
        let may = [PreActivation, Active, Deactivated, Destroyed]
            .map(|state| (state.protects(), state.opens()));
        assert_eq!(may, [(false, false), (true, true), (false, true), (false, false)]);
    }
}
