//! Whatever names a person, found by its listings: record by record to the end, however many there are.
//! Never opens anything: a record comes out as it was fetched.
//! One walk for everybody who looks, so that no two of them end at different places.

use super::{Fetched, Key, Reader, Sealed, StoreError, Stored};
use crate::limits::SUBJECT_PAGE_COUNT;
use crate::records::SubjectId;

/// The records that name one person, in the order of their ids.
pub struct RecordsOf<'a> {
    subject: SubjectId,
    store: &'a Reader,
    /// What is left of the page at hand.
    page: std::vec::IntoIter<(Key, Stored)>,
    /// The listing behind which the next page begins.
    after: Option<Key>,
    ended: bool,
}

impl<'a> RecordsOf<'a> {
    /// From the beginning.
    pub fn new(subject: SubjectId, store: &'a Reader) -> RecordsOf<'a> {
        RecordsOf { subject, store, page: Vec::new().into_iter(), after: None, ended: false }
    }

    /// The next record; nothing behind the last. What was removed since it was listed is passed over.
    ///
    /// # Errors
    /// As [`Reader::fetch`].
    pub async fn next_record(&mut self) -> Result<Option<Sealed>, StoreError> {
        loop {
            let Some((key, _)) = self.page.next() else {
                if self.ended {
                    return Ok(None);
                }
                self.turn().await?;
                continue;
            };
            if let Some(id) = key.record()
                && let Fetched::Found(sealed) = self.store.fetch(id).await?
            {
                return Ok(Some(sealed));
            }
        }
    }

    async fn turn(&mut self) -> Result<(), StoreError> {
        let prefix = Key::subject_listing_prefix(self.subject);
        let listed = self.store.scan(&prefix, self.after.as_ref(), SUBJECT_PAGE_COUNT).await?;
        self.ended = listed.len() < SUBJECT_PAGE_COUNT;
        if let Some((last, _)) = listed.last() {
            self.after = Some(last.clone());
        }
        self.page = listed.into_iter();
        Ok(())
    }
}
