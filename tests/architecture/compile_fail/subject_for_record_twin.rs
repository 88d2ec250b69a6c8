//! The id of a subject does not fetch a record.
use gridvault::records::{RecordId, SubjectId};
use gridvault::store::{Fetched, Reader, StoreError};

pub async fn fetch(
    reader: &Reader,
    record: RecordId,
    subject: SubjectId,
) -> Result<Fetched, StoreError> {
    let _named = (record, subject);
    reader.fetch(record).await
}
