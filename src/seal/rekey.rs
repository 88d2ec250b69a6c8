//! Keys of subject buckets that are replaced: drawn, everybody who stays wrapped anew, the former destroyed.
//! Never opens a section, and never decides whose keys die: whoever is erased has no wrapped key in the store by then.
//! An erasure and a rotation may do it beside each other: each walks for the next keys that it names, and destroys what these follow.

use super::{Seal, SealError};
use crate::limits::{ERASURE_BUCKETS_COUNT, ROTATION_BUCKETS_COUNT, SUBJECT_BUCKETS_COUNT};
use crate::store::{Change, Expect, Key, Op, Stored};
use gridvault_keys::limits::{BUCKETS, BUCKETS_REKEYED_MAX, SINGLES_REKEYED_MAX};
use gridvault_keys::{KeyError, WrappedUnder};
use tokio::sync::MutexGuard;

/// Next keys of buckets, by their names and in ascending order: those that were there when somebody looked, and no other that
/// came after.
pub struct NextKeys(Vec<WrappedUnder>);

// An erasure finds room in the ring while a rotation has its group there.
const _: () = assert!(
    ROTATION_BUCKETS_COUNT + ERASURE_BUCKETS_COUNT + SINGLES_REKEYED_MAX <= BUCKETS_REKEYED_MAX + 1
);
const _: () = assert!(SUBJECT_BUCKETS_COUNT as usize == BUCKETS);

impl NextKeys {
    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Bucket and epoch of each, as a rotation keeps them.
    pub fn named(&self) -> Vec<(u16, u32)> {
        self.0.iter().map(|next| (next.bucket, next.epoch)).collect()
    }

    /// Whether each of these buckets has one.
    pub fn are_of_all(&self, buckets: &[u16]) -> bool {
        buckets.iter().all(|bucket| self.are_of(*bucket))
    }

    fn are_of(&self, bucket: u16) -> bool {
        self.0.binary_search_by_key(&bucket, |next| next.bucket).is_ok()
    }
}

impl Seal {
    /// The turn of one who re-keys for the erased.
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

    /// How many of these next keys of buckets stand in the places of those that they followed, which are destroyed.
    ///
    /// # Errors
    /// [`SealError::Keys`] for a number that is no bucket's.
    pub fn took_their_places(&self, drawn: &[(u16, u32)]) -> Result<usize, SealError> {
        let mut count = 0;
        for (bucket, epoch) in drawn {
            count += usize::from(self.keyring.bucket_epoch(*bucket)? >= *epoch);
        }
        Ok(count)
    }

    /// The next keys that buckets have beside the present ones.
    pub fn next_keys(&self) -> NextKeys {
        NextKeys(self.keyring.next_bucket_keys())
    }

    /// The next keys that these buckets have.
    pub fn next_keys_of(&self, buckets: &[u16]) -> NextKeys {
        let mut next = self.keyring.next_bucket_keys();
        next.retain(|next| buckets.contains(&next.bucket));
        NextKeys(next)
    }

    /// The next keys that other buckets than these have.
    pub fn next_keys_beside(&self, buckets: &[u16]) -> NextKeys {
        let mut next = self.keyring.next_bucket_keys();
        next.retain(|next| !buckets.contains(&next.bucket));
        NextKeys(next)
    }

    /// How often the key of a subject bucket was replaced, counted from one: of the one that was least often, and of the one that
    /// was most often.
    ///
    /// # Errors
    /// [`SealError::Keys`] never for the buckets that there are.
    pub fn bucket_epochs(&self) -> Result<(u32, u32), SealError> {
        let (mut least, mut most) = (u32::MAX, 0);
        for bucket in 0..SUBJECT_BUCKETS_COUNT {
            let epoch = self.keyring.bucket_epoch(bucket)?;
            (least, most) = (least.min(epoch), most.max(epoch));
        }
        Ok((least, most))
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

    /// Adds the step that wraps a stored key anew, if it is wrapped under a key that one of these is about to follow.
    ///
    /// # Errors
    /// The key hierarchy's, for a stored key that does not open.
    pub fn wrap_anew(
        &self,
        (key, stored): (&Key, &Stored),
        next: &NextKeys,
        change: &mut Change,
    ) -> Result<(), SealError> {
        let Some(subject) = key.subject_of_key() else { return Ok(()) };
        let is_theirs = WrappedUnder::of(&stored.payload).is_ok_and(|it| next.are_of(it.bucket));
        if !is_theirs || !self.keyring.is_outdated(&stored.payload) {
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
