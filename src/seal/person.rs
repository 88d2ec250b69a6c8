//! The name of a person in the audit log, found in any record that names it.
//! Never goes to a caller that may not have it: it is for the vault's own use, and for officers.
//! However many records there are: the first that tells it is enough.

use super::{Seal, SealError};
use crate::records::{Handle, SubjectId};
use crate::store::{Reader, RecordsOf};

impl Seal {
    /// The handle of a subject. Nothing where nothing is held of it: a handle is destroyed with the last record.
    ///
    /// # Errors
    /// The store's, or as [`Seal::facts`].
    pub async fn handle_of(
        &self,
        subject: SubjectId,
        store: &Reader,
    ) -> Result<Option<Handle>, SealError> {
        let mut records = RecordsOf::new(subject, store);
        while let Some(sealed) = records.next_record().await? {
            let handle = self.facts(&sealed)?.subject_handle(subject.as_bytes());
            if handle.is_some() {
                return Ok(handle);
            }
        }
        Ok(None)
    }
}
