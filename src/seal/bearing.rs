//! Whether a record is rightly found by a term: its own row names the term, or what the vault itself made of one that it names.
//! Never on the word of the index: whoever writes the store can put any term before any record.
//! What a row names is authenticated with its attributes; what rotations made of it has a tag of its own, and neither can be lent to
//! another record.

use super::{Seal, SealError, Sought};
use crate::records::RecordId;
use crate::store::{MovedTerms, Reader, Sealed, StoreError, Version};

impl Seal {
    /// Whether a record is to be found by a value, `found` being the term that led to it. Says nothing before its header is
    /// authenticated too ([`Seal::facts`]).
    ///
    /// As long as no index key followed another, the row alone is asked; afterwards each record costs one more look, whatever its row
    /// names, so that how long it takes says nothing of the record.
    ///
    /// # Errors
    /// The store's, but not for a stored value that is none: that vouches for nothing.
    pub fn bears(
        &self,
        sealed: &Sealed,
        sought: &Sought,
        found: &[u8; 18],
    ) -> Result<bool, SealError> {
        let named = &sealed.row().header.terms;
        let moved = match self.may_have_moved(sought) {
            true => self.vouched(sealed),
            false => Ok((Version::ABSENT, MovedTerms::default())),
        };
        // Behind the look: a key that is drawn or destroyed meanwhile is among these, and whatever moved by it was told before.
        let forms = self.forms(sought);
        let is_sought = |term: &[u8; 18]| term == found || forms.contains(term);
        // All of them, so that it does not show which one it was.
        let bears = |terms: &[[u8; 18]]| terms.iter().filter(|term| is_sought(term)).count() > 0;
        match moved {
            Ok((_, moved)) => {
                let now: Vec<[u8; 18]> = named.iter().flat_map(|term| moved.now(term)).collect();
                Ok(bears(named) | bears(&now))
            }
            Err(SealError::Store(StoreError::Corrupt { .. })) => Ok(bears(named)),
            Err(error) => Err(error),
        }
    }

    /// Whether the index key of a value followed another: then what is found by it may have moved since its row was written.
    pub fn may_have_moved(&self, sought: &Sought) -> bool {
        self.keyring.term_forms(&sought.0).epoch > 1
    }

    /// What rotations made of a record's terms, and its version.
    ///
    /// # Errors
    /// As [`Reader::moved_terms`], and [`StoreError::Corrupt`] for what is not the vault's own.
    pub fn moved_terms(
        &self,
        id: RecordId,
        store: &Reader,
    ) -> Result<(Version, MovedTerms), SealError> {
        let (version, moved) = store.moved_terms(id)?;
        let vouched = moved.is_empty()
            || self.keyring.is_moved_terms_tag(id.as_bytes(), &moved.tagged(), moved.tag());
        match vouched {
            true => Ok((version, moved)),
            false => Err(StoreError::Corrupt { what: "index term" }.into()),
        }
    }

    /// The same of a record that was fetched, as it lies in the store now.
    pub(super) fn vouched(&self, sealed: &Sealed) -> Result<(Version, MovedTerms), SealError> {
        self.moved_terms(sealed.row().header.id, sealed.reader())
    }

    /// What rotations made of a record's terms, as it is stored.
    pub fn tagged(&self, id: RecordId, moved: &MovedTerms) -> Vec<u8> {
        moved.encode(self.keyring.moved_terms_tag(id.as_bytes(), &moved.tagged()))
    }
}
