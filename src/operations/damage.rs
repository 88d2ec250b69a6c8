//! What a request met on its way that is not what the vault wrote: noted as it goes, and recorded once it is over.
//! Never a value, and never an id that callers know: kinds of things, and the audit handles of records whose attributes are authentic.
//! What is found by a value and cannot be vouched for is not held, because unknown means no; whatever else is damaged ends the request.

use super::OperationError;
use crate::access::Found;
use crate::limits::DAMAGED_RECORDS_COUNT_MAX;
use crate::records::Handle;
use crate::seal::{Part, SealError, damage_of};
use crate::store::Sealed;
use crate::trail::Recorded;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What one request met. Whoever answers it records that first.
#[derive(Debug, Default)]
pub struct Met(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    parts: BTreeSet<Part>,
    found: Found,
}

impl Met {
    /// Notes something that was met.
    pub fn note(&self, part: Part, record: Option<Handle>) {
        let mut noted = self.lock();
        noted.parts.insert(part);
        let Some(record) = record.filter(|record| !noted.found.records.contains(record)) else {
            return;
        };
        if noted.found.records.len() < DAMAGED_RECORDS_COUNT_MAX {
            noted.found.records.push(record);
        } else {
            noted.found.further_count += 1;
        }
    }

    /// Everything that was noted since the last call; nothing where nothing was.
    pub fn take(&self) -> Option<Found> {
        let Noted { parts, found } = std::mem::take(&mut *self.lock());
        let parts: Vec<&str> = parts.into_iter().map(Part::as_str).collect();
        (!parts.is_empty()).then(|| Found { parts: parts.join(","), ..found })
    }

    /// What is found by a value: nothing where what was met cannot be vouched for, which is noted.
    pub(super) fn or_nothing<T>(
        &self,
        found: Result<Option<T>, OperationError>,
    ) -> Result<Option<T>, OperationError> {
        match found {
            Err(error) => match error.damage() {
                Some((part, record)) => {
                    self.note(part, record);
                    Ok(None)
                }
                None => Err(error),
            },
            found => found,
        }
    }

    /// A fault behind an entry that let something be opened: the entry of the fault names that one.
    pub(super) fn behind(&self, entry: Recorded, error: SealError) -> OperationError {
        if error.damage().is_some() {
            self.lock().found.after = Some(entry.index());
        }
        error.into()
    }

    /// A fault of a row whose record nobody vouches for: the entry of the fault says which one the row names as its own.
    pub(super) fn unread(&self, sealed: &Sealed, error: SealError) -> OperationError {
        if error.damage().is_some() {
            self.lock().found.written_by = Some(sealed.index());
        }
        error.into()
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OperationError {
    /// What is not as the vault wrote it, with the record where that is known; nothing for any other end.
    pub fn damage(&self) -> Option<(Part, Option<Handle>)> {
        match self {
            OperationError::Seal(error) => Some((error.damage()?, error.record())),
            OperationError::Store(error) => Some((damage_of(error)?, None)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    fn handle(number: usize) -> Handle {
        Handle::from_bytes([u8::try_from(number).expect("few"); 16])
    }

    #[test]
    fn what_was_met_is_named_once_and_beyond_the_bound_counted() {
        let met = Met::default();
        assert_eq!(met.take(), None);
        for number in 0..DAMAGED_RECORDS_COUNT_MAX {
            met.note(Part::Term, Some(handle(number)));
            met.note(Part::Section, Some(handle(number)));
        }
        met.note(Part::Row, None);
        let found = met.take().expect("something");
        assert_eq!((&*found.parts, found.further_count), ("row,section,term", 0));
        assert_eq!(found.records.len(), DAMAGED_RECORDS_COUNT_MAX);
        assert_eq!(met.take(), None, "each is told once");
        for number in 0..=DAMAGED_RECORDS_COUNT_MAX {
            met.note(Part::Term, Some(handle(number)));
        }
        let found = met.take().expect("something");
        assert_eq!((found.records.len(), found.further_count), (DAMAGED_RECORDS_COUNT_MAX, 1));
    }

    #[test]
    fn fault_of_the_machine_is_no_damage_and_ends_a_match_too() {
        let met = Met::default();
        let broken = |error: StoreError| Err::<Option<()>, _>(OperationError::from(error));
        let corrupt = met.or_nothing(broken(StoreError::Corrupt { what: "row" }));
        assert!(matches!(corrupt, Ok(None)));
        assert_eq!(met.take().map(|found| found.parts), Some("row".to_owned()));
        let io = StoreError::Io(std::io::ErrorKind::PermissionDenied.into());
        assert!(met.or_nothing(broken(io)).is_err());
        assert_eq!(met.take(), None);
    }
}
