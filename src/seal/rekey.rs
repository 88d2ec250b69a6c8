//! Keys of subject buckets that are replaced: drawn, everybody who stays wrapped anew, the former destroyed.
//! Never opens a section, and never decides whose keys die: whoever is erased has no wrapped key in the store by then.
//! One at a time: whoever begins finishes first what a process before it left half done.

use super::{Seal, SealError};
use crate::store::{Change, Expect, Key, Op, Stored};
use gridvault_keys::{KeyError, WrappedUnder};
use tokio::sync::MutexGuard;

/// Next keys of buckets, by their names: those that were there when somebody looked, and no other that came after.
pub struct NextKeys(Vec<WrappedUnder>);

impl NextKeys {
    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl Seal {
    /// The turn of one who re-keys.
    pub async fn rekeying_turn(&self) -> MutexGuard<'_, ()> {
        self.rekeying.lock().await
    }

    /// The buckets among these whose key of that epoch, or of an earlier one, is not destroyed yet.
    ///
    /// # Errors
    /// [`SealError::Keys`] for a number that is no bucket's.
    pub fn undestroyed(&self, keys: &[(u16, u32)]) -> Result<Vec<u16>, SealError> {
        let mut buckets = Vec::new();
        for (bucket, epoch) in keys {
            if self.keyring.bucket_epoch(*bucket)? <= *epoch && !buckets.contains(bucket) {
                buckets.push(*bucket);
            }
        }
        Ok(buckets)
    }

    /// The next keys that buckets have beside the present ones.
    pub fn next_keys(&self) -> NextKeys {
        NextKeys(self.keyring.next_bucket_keys())
    }

    /// Draws next keys and makes them durable; from then on nothing is stored under the present ones. Waits for the disk.
    ///
    /// # Errors
    /// As [`gridvault_keys::Keyring::draw_next_bucket_keys`].
    pub fn draw_next_keys(&self, buckets: &[u16]) -> Result<(), SealError> {
        Ok(self.keyring.draw_next_bucket_keys(buckets)?)
    }

    /// Destroys the keys that were there before these. Waits for the disk.
    ///
    /// # Errors
    /// As [`gridvault_keys::Keyring::destroy_old_bucket_keys`].
    pub fn destroy_keys_before(&self, next: &NextKeys) -> Result<(), SealError> {
        Ok(self.keyring.destroy_old_bucket_keys(&next.0)?)
    }

    /// Adds the step that wraps a stored key anew, if it is wrapped under a key that is about to be destroyed.
    ///
    /// # Errors
    /// The key hierarchy's, for a stored key that does not open.
    pub fn wrap_anew(
        &self,
        (key, stored): (&Key, &Stored),
        change: &mut Change,
    ) -> Result<(), SealError> {
        let Some(subject) = key.subject_of_key() else { return Ok(()) };
        if !self.keyring.is_outdated(&stored.payload) {
            return Ok(());
        }
        let wrapped = match self.keyring.rewrapped(subject.as_bytes(), &stored.payload) {
            // Its key is gone already, as in a vault that was restored from before an erasure: it opens for nobody.
            Err(KeyError::WrongKeyId) => return Ok(()),
            wrapped => wrapped?,
        };
        change.ops.push(Op::Put(key.clone(), stored.version.next(), wrapped));
        change.expects.push(Expect { key: key.clone(), version: stored.version, stamp: 0 });
        Ok(())
    }
}
