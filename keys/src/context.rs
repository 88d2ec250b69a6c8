//! Seals the context of an audit entry (address, device, reason) under a key of its actor and month. Never reads a clock.
//! Destroying a month's key destroys the context of that month for every actor.
//!
//! `key of actor and month = HKDF-SHA256(month key, label, actor id)`; the sealed object's key id is `month << 32 | epoch`.

use zeroize::Zeroizing;

use crate::derive::{child_key, join};
use crate::error::KeyError;
use crate::keyring::{Entry, Keyring};
use crate::month::Month;
use crate::sealed::{KeyKind, SealingKey, key_id};
use crate::secret::Secret;

const ACTOR_LABEL: &str = "gridvault/context/v1";

impl Keyring {
    /// Seals the context of one entry of an actor in a month.
    ///
    /// # Errors
    /// [`KeyError::MonthNotHeld`] outside the keyring's 60 months, [`KeyError::PlainTooLong`],
    /// [`KeyError::AssociatedTooLong`], [`KeyError::Randomness`].
    pub fn seal_context(
        &self,
        month: Month,
        actor: &[u8; 16],
        associated: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let key = ActorKey::derive(month, &self.month(month)?, actor)?;
        key.sealing_key(actor).seal(&join(&[actor, associated]), plain)
    }

    /// Opens the context of one entry of an actor; the month is read from the sealed bytes.
    ///
    /// # Errors
    /// [`KeyError::MonthNotHeld`] and [`KeyError::MonthOutOfRange`] for a month without a key; else as
    /// [`crate::SubjectKey::open_section`], and [`KeyError::AssociatedTooLong`].
    pub fn open_context(
        &self,
        actor: &[u8; 16],
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let number = key_id(KeyKind::Context, sealed)? >> 32;
        let number = u32::try_from(number).expect("half of 64 bits fits 32");
        let month = Month::from_number(number)?;
        let key = ActorKey::derive(month, &self.month(month)?, actor)?;
        key.sealing_key(actor).open(&join(&[actor, associated]), sealed)
    }
}

/// The key of one actor in one month.
struct ActorKey {
    id: u64,
    secret: Secret,
}

impl ActorKey {
    fn derive(month: Month, entry: &Entry<'_>, actor: &[u8; 16]) -> Result<Self, KeyError> {
        Ok(Self {
            id: (u64::from(month.number()) << 32) | u64::from(entry.epoch),
            secret: child_key(entry.key, ACTOR_LABEL, actor)?,
        })
    }

    fn sealing_key<'a>(&'a self, actor: &'a [u8; 16]) -> SealingKey<'a> {
        SealingKey {
            kind: KeyKind::Context,
            id: self.id,
            key: self.secret.expose(),
            context: actor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::test_keyring;

    fn month(year: i32, number: u8) -> Month {
        Month::from_year_month(year, number).expect("in range")
    }

    #[test]
    fn context_opens_for_its_actor_and_entry_alone() {
        let keyring = test_keyring();
        let sealed =
            keyring.seal_context(month(2026, 4), &[1; 16], b"entry", b"reason").expect("sealing");
        let opened = keyring.open_context(&[1; 16], b"entry", &sealed);
        assert_eq!(opened.expect("own").as_slice(), b"reason");
        assert!(matches!(
            keyring.open_context(&[2; 16], b"entry", &sealed),
            Err(KeyError::Commitment)
        ));
        assert!(matches!(
            keyring.open_context(&[1; 16], b"other", &sealed),
            Err(KeyError::Unauthentic)
        ));
    }

    #[test]
    fn every_month_has_its_own_key() {
        let keyring = test_keyring();
        let mut sealed =
            keyring.seal_context(month(2026, 4), &[1; 16], b"", b"reason").expect("sealing");
        // The month's number ends in the seventh byte of the header.
        sealed[6] ^= 1;
        assert!(matches!(keyring.open_context(&[1; 16], b"", &sealed), Err(KeyError::Commitment)));
    }

    #[test]
    fn months_outside_the_keyring_are_refused() {
        let keyring = test_keyring();
        for good in [month(2026, 3), month(2031, 2)] {
            assert!(keyring.seal_context(good, &[1; 16], b"", b"").is_ok());
        }
        for bad in [month(2026, 2), month(2031, 3)] {
            assert!(matches!(
                keyring.seal_context(bad, &[1; 16], b"", b""),
                Err(KeyError::MonthNotHeld)
            ));
        }
        let mut sealed = keyring.seal_context(month(2026, 3), &[1; 16], b"", b"").expect("sealing");
        sealed[3] = 0xff;
        assert!(matches!(
            keyring.open_context(&[1; 16], b"", &sealed),
            Err(KeyError::MonthOutOfRange)
        ));
    }
}
