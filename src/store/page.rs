//! Many closed records that are decided over together.
//! Never holds an opened byte, and never a record that its permit shows nothing of: the decision leaves those out.
//! A page owns its records like a single proof owns one, so it opens them and no others, once.

use super::{Sealed, Stored};
use crate::ambient::Micros;
use crate::records::{Owner, RecordId, RecordRef, Target};

/// The closed records of one page of a list, in its order. Has no `Clone`.
pub struct Page {
    sealed: Vec<Sealed>,
    about: Vec<RecordRef>,
    seen: Vec<(RecordId, u64, u64)>,
}

impl Page {
    /// Its records.
    pub fn records(&self) -> &[Sealed] {
        &self.sealed
    }
}

impl FromIterator<Sealed> for Page {
    fn from_iter<I: IntoIterator<Item = Sealed>>(records: I) -> Page {
        let sealed: Vec<Sealed> = records.into_iter().collect();
        let about = sealed.iter().map(Sealed::about).collect();
        let seen = sealed.iter().map(Sealed::as_seen).collect();
        Page { sealed, about, seen }
    }
}

/// Records, each with the link that led to it. The links are not opened and not shown, but must still be there.
impl FromIterator<(Sealed, Sealed)> for Page {
    fn from_iter<I: IntoIterator<Item = (Sealed, Sealed)>>(linked: I) -> Page {
        let (sealed, links): (Vec<Sealed>, Vec<Sealed>) = linked.into_iter().unzip();
        let mut page: Page = sealed.into_iter().collect();
        page.seen.extend(links.iter().map(Sealed::as_seen));
        page
    }
}

impl Target for Page {
    fn records(&self) -> &[RecordRef] {
        &self.about
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.seen.clone()
    }

    fn owns(&self, _owner: Owner) -> bool {
        false
    }
}

/// What a record's listing under its cell holds: when the record changed last, so that a list of what changed since
/// fetches nothing else.
pub fn listing(changed: Micros) -> Vec<u8> {
    changed.0.to_be_bytes().to_vec()
}

impl Stored {
    /// When the record of a listing changed last; nothing in a listing that does not say.
    pub fn changed(&self) -> Option<Micros> {
        let bytes = self.payload.as_slice().try_into().ok()?;
        Some(Micros(i64::from_be_bytes(bytes)))
    }
}
