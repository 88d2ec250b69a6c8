//! Lists what the store holds, so that an auditor can hold it against the log: handle, version and digest of each record, and the
//! entry that left it so.
//! Never opens a section: the handle lies among the decision attributes, and the digest is over sealed bytes.
//! The list is in an entry of the log before the first line of it is given out.

use crate::limits::DIGESTS_PAGE_COUNT;
use crate::operations::error::OperationError;
use crate::seal::Seal;
use crate::store::{Fetched, Key, Reader};
use crate::trail::{Announcement, Recorded, Trail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::digest::{Context, SHA256, digest};

/// A list that was recorded, and whose lines can be given out.
pub struct Digests {
    /// The entry of this listing. The list covers all entries below its index.
    pub recorded: Recorded,
    /// Records in the list.
    pub records: u64,
    digest: [u8; 32],
}

/// Walks through the store and records how many records it holds, and the digest over their lines. Nothing else may write
/// meanwhile: this is for a vault that does not serve.
///
/// # Errors
/// A row that cannot be read, or a trail that takes nothing.
pub async fn record_digests(
    store: &Reader,
    seal: &Seal,
    trail: &Trail,
) -> Result<Digests, OperationError> {
    let (records, digest) = walk(store, seal, &mut |_| Ok(())).await?;
    let recorded = trail.announce(Announcement::StoreListed { records, digest }).await?;
    Ok(Digests { recorded, records, digest })
}

impl Digests {
    /// Gives each line to `write`, in the order of record ids.
    ///
    /// # Errors
    /// As [`record_digests`], and `write`'s own. The store must still be the one that was recorded.
    pub async fn write_lines(
        &self,
        store: &Reader,
        seal: &Seal,
        write: &mut (dyn FnMut(&str) -> std::io::Result<()> + Send),
    ) -> Result<(), OperationError> {
        let again = walk(store, seal, write).await?;
        match again == (self.records, self.digest) {
            true => Ok(()),
            false => {
                Err(OperationError::Output(std::io::Error::other("the store changed meanwhile")))
            }
        }
    }
}

async fn walk(
    store: &Reader,
    seal: &Seal,
    write: &mut (dyn FnMut(&str) -> std::io::Result<()> + Send),
) -> Result<(u64, [u8; 32]), OperationError> {
    let mut all = Context::new(&SHA256);
    let (mut records, mut after) = (0, None);
    loop {
        let page = store.scan(&Key::row_prefix(), after.as_ref(), DIGESTS_PAGE_COUNT).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (key, stored) in &page {
            let Some(id) = key.record() else { continue };
            // What was removed leaves a row that says so; the log says it too.
            let Fetched::Found(sealed) = store.fetch(id).await? else { continue };
            let handle = seal.facts(&sealed)?.record_handle;
            let line = format!(
                "{} {} {} {}\n",
                BASE64_URL_SAFE_NO_PAD.encode(handle.as_bytes()),
                stored.version.0,
                BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &stored.payload)),
                stored.index
            );
            all.update(line.as_bytes());
            write(&line).map_err(OperationError::Output)?;
            records += 1;
        }
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(all.finish().as_ref());
    Ok((records, hash))
}
