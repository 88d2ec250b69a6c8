//! Makes the terms by which a value is found without being stored. Never gives a term from which a value can be guessed
//! without the keyring. Equal values of one match group have equal terms, and a bucket is re-keyed without knowing its values.
//!
//! ```text
//! prf    = HMAC-SHA256(index base key, len(match group) u32 || match group || normalised value)
//! bucket = first 12 bits of prf; block = prf[16..32]
//! term   = bucket || AES-256(the bucket's index key, block)
//! ```
//! AES (FIPS 197) serves as a permutation of one block: it can be undone with the old key and done with the new one. While a bucket
//! has a next key a value has a term under each of the two: whoever stores one takes that of the next, whoever looks looks for both.

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use hmac::Mac;
use subtle::ConstantTimeEq;

use crate::bucket::Bucket;
use crate::derive::{HASH_BYTES, feed_parts, finish, hmac, length_prefix};
use crate::error::KeyError;
use crate::keyring::{Keyring, Place};
use crate::secret::{KEY_BYTES, Secret};
use crate::state::KeyState;

const BLOCK_BYTES: usize = 16;
const TERM_BYTES: usize = 2 + BLOCK_BYTES;
/// What a tag over moved terms is about.
const MOVED_TERMS: &[u8] = b"gridvault/moved-terms/v1";

/// The blind term of one value in one match group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexTerm {
    bucket: Bucket,
    block: [u8; BLOCK_BYTES],
}

impl IndexTerm {
    /// The number of the term's bucket, below [`crate::limits::BUCKETS`].
    #[must_use]
    pub fn bucket(&self) -> u16 {
        self.bucket.number()
    }

    /// The encoding: bucket in two bytes, big-endian, then the block. Terms of one bucket lie together in order.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; TERM_BYTES] {
        let mut bytes = [0; TERM_BYTES];
        bytes[..2].copy_from_slice(&self.bucket.number().to_be_bytes());
        bytes[2..].copy_from_slice(&self.block);
        bytes
    }

    /// Reads the encoding.
    ///
    /// # Errors
    /// [`KeyError::TermBucket`].
    pub fn from_bytes(bytes: &[u8; TERM_BYTES]) -> Result<Self, KeyError> {
        let number = u16::from_be_bytes([bytes[0], bytes[1]]);
        let mut block = [0; BLOCK_BYTES];
        block.copy_from_slice(&bytes[2..]);
        Ok(Self { bucket: Bucket::from_number(number).ok_or(KeyError::TermBucket)?, block })
    }

    /// The same value's term under another key of the bucket. The value is not needed and not learnt.
    #[must_use]
    pub fn rekeyed(&self, from: &PermutationKey, to: &PermutationKey) -> Self {
        let block = permute(to.0.expose(), undo(from.0.expose(), self.block));
        Self { block, ..*self }
    }
}

/// A value in its match group, keyed and not yet permuted. It is made for one look and never stored: who had it and an index key had
/// the value's term for good.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BlindValue {
    bucket: Bucket,
    block: [u8; BLOCK_BYTES],
}

/// The terms of one value under the keys that its bucket has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermForms {
    /// That under the key which the newest is about to follow, where there are two.
    pub former: Option<IndexTerm>,
    /// That under the newest key: the one to store.
    pub newest: IndexTerm,
    /// The epoch of the newest key.
    pub epoch: u32,
}

/// Which key of an index bucket a term is under. Destroying it destroys the term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PermutedUnder {
    /// The number of the bucket, below [`crate::limits::BUCKETS`].
    pub bucket: u16,
    /// How often the bucket's key had been replaced by then, counted from one.
    pub epoch: u32,
}

/// The key of an index bucket's permutation, wiped on drop.
pub struct PermutationKey(Secret);

impl PermutationKey {
    /// Draws a new key, to which a bucket's terms can be re-keyed.
    ///
    /// # Errors
    /// [`KeyError::Randomness`].
    pub fn generate() -> Result<Self, KeyError> {
        Secret::random().map(Self)
    }
}

impl Keyring {
    /// The term of a value, already normalised, in its field's match group. Fields of few possible values must get none.
    #[must_use]
    pub fn index_term(&self, match_group: &str, normalised: &[u8]) -> IndexTerm {
        self.term_forms(&self.blind_value(match_group, normalised)).newest
    }

    /// A value, already normalised, in its field's match group: what its terms are made of under whichever key its bucket has.
    #[must_use]
    pub fn blind_value(&self, match_group: &str, normalised: &[u8]) -> BlindValue {
        let prf = prf(self.content().at(Place::IndexBase).key, match_group, normalised);
        let block = prf.last_chunk().expect("the hash is longer than a block");
        BlindValue { bucket: Bucket::of_hash(&prf), block: *block }
    }

    /// The terms of a value under the keys that its bucket has now.
    #[must_use]
    pub fn term_forms(&self, value: &BlindValue) -> TermForms {
        let content = self.content();
        let place = Place::IndexBucket(value.bucket);
        let under = |key: &[u8; KEY_BYTES]| IndexTerm {
            bucket: value.bucket,
            block: permute(key, value.block),
        };
        let (present, next) = (content.at(place), content.next_of(place));
        let former = next.is_some().then(|| under(present.key));
        let newest = next.unwrap_or(present);
        TermForms { former, newest: under(newest.key), epoch: newest.epoch }
    }

    /// A stored term as it is to be stored from now on, with the epoch of the key that it is under then; nothing where it is under
    /// the newest key of its bucket already. The value is not needed and not learnt.
    ///
    /// # Errors
    /// [`KeyError::WrongKeyId`] where the key of that epoch is destroyed, or was not there yet.
    pub fn rekeyed_term(
        &self,
        term: &IndexTerm,
        epoch: u32,
    ) -> Result<Option<(IndexTerm, u32)>, KeyError> {
        let content = self.content();
        let place = Place::IndexBucket(term.bucket);
        let (present, newest) = (content.at(place), content.newest(place));
        if epoch == newest.epoch {
            return Ok(None);
        }
        if epoch != present.epoch {
            return Err(KeyError::WrongKeyId);
        }
        let key = |key: &[u8; KEY_BYTES]| PermutationKey(Secret::copy_of(key));
        Ok(Some((term.rekeyed(&key(present.key), &key(newest.key)), newest.epoch)))
    }

    /// The tag by which what rotations made of a record's terms is known to be the vault's own: HMAC-SHA256 under the index base key, which
    /// is never replaced. Each part has its length before it in eight bytes, so the first four are zero: no match group is that short, and
    /// no value's term is ever made of the same input.
    #[must_use]
    pub fn moved_terms_tag(&self, record: &[u8; 16], moved: &[u8]) -> [u8; HASH_BYTES] {
        let mut machine = hmac(self.content().at(Place::IndexBase).key);
        feed_parts(&mut machine, &[MOVED_TERMS, record, moved]);
        finish(machine)
    }

    /// Whether `tag` is that tag, compared in constant time.
    #[must_use]
    pub fn is_moved_terms_tag(&self, record: &[u8; 16], moved: &[u8], tag: &[u8; 32]) -> bool {
        self.moved_terms_tag(record, moved).ct_eq(tag).into()
    }

    /// The state of an index bucket's key of an epoch; none for a bucket that there is not or an epoch that there was not yet.
    #[must_use]
    pub fn index_key_state(&self, under: PermutedUnder) -> Option<KeyState> {
        let bucket = Bucket::from_number(under.bucket)?;
        self.state_in(Place::IndexBucket(bucket), under.epoch)
    }

    /// How often the key in an index bucket's place has been replaced, counted from one. Keys of earlier epochs are destroyed.
    ///
    /// # Errors
    /// [`KeyError::TermBucket`] for a number out of range.
    pub fn index_epoch(&self, bucket: u16) -> Result<u32, KeyError> {
        let bucket = Bucket::from_number(bucket).ok_or(KeyError::TermBucket)?;
        Ok(self.content().at(Place::IndexBucket(bucket)).epoch)
    }

    /// The epoch of the key under which an index bucket's terms are made now.
    ///
    /// # Errors
    /// [`KeyError::TermBucket`] for a number out of range.
    pub fn newest_index_epoch(&self, bucket: u16) -> Result<u32, KeyError> {
        let bucket = Bucket::from_number(bucket).ok_or(KeyError::TermBucket)?;
        Ok(self.content().newest(Place::IndexBucket(bucket)).epoch)
    }

    /// The next keys that index buckets have beside the present ones, in ascending order.
    #[must_use]
    pub fn next_index_keys(&self) -> Vec<PermutedUnder> {
        let named = |(bucket, epoch)| PermutedUnder { bucket, epoch };
        self.content().rekeyed_index().into_iter().map(named).collect()
    }

    /// Draws a next key for each of these index buckets, as long as none was drawn, and makes them durable in both slots. From then on
    /// terms are made under the next keys; whoever stores them moves those of before ([`Keyring::rekeyed_term`]).
    ///
    /// # Errors
    /// As [`Keyring::draw_next_bucket_keys`].
    pub fn draw_next_index_keys(&self, buckets: &[u16]) -> Result<(), KeyError> {
        self.draw_next_in(buckets, Place::IndexBucket)
    }

    /// Puts these next keys in the places of the present ones, which are then in neither slot of the file and no more in memory: every
    /// term under one is destroyed, wherever copies lie. A bucket that has no next key of that epoch stays as it is. Gives how many keys
    /// were destroyed by it.
    ///
    /// # Errors
    /// As [`Keyring::destroy_old_bucket_keys`].
    pub fn destroy_old_index_keys(&self, next: &[PermutedUnder]) -> Result<usize, KeyError> {
        let held = self.next_index_keys();
        if !next.iter().any(|named| held.contains(named)) {
            return Ok(0);
        }
        let place = |number| Bucket::from_number(number).map(Place::IndexBucket);
        let named = next.iter().filter_map(|next| Some((place(next.bucket)?, next.epoch)));
        let named: Vec<(Place, u32)> = named.collect();
        let mut destroyed = 0;
        self.replace(|content| {
            // Counted where nobody else replaces any: two who name the same key do not both destroy one before it.
            let held = content.rekeyed_index();
            let is_held = |next: &&PermutedUnder| held.contains(&(next.bucket, next.epoch));
            destroyed = next.iter().filter(is_held).count();
            Ok(content.promoted(&named))
        })?;
        Ok(destroyed)
    }

    /// An own wiping copy of the key that permutes a bucket's terms now.
    ///
    /// # Errors
    /// [`KeyError::TermBucket`].
    pub fn permutation_key(&self, bucket: u16) -> Result<PermutationKey, KeyError> {
        let bucket = Bucket::from_number(bucket).ok_or(KeyError::TermBucket)?;
        let content = self.content();
        Ok(PermutationKey(Secret::copy_of(content.at(Place::IndexBucket(bucket)).key)))
    }
}

fn prf(base: &[u8; KEY_BYTES], match_group: &str, normalised: &[u8]) -> [u8; HASH_BYTES] {
    let mut machine = hmac(base);
    machine.update(&length_prefix(match_group.as_bytes()));
    machine.update(match_group.as_bytes());
    machine.update(normalised);
    finish(machine)
}

fn permute(key: &[u8; KEY_BYTES], block: [u8; BLOCK_BYTES]) -> [u8; BLOCK_BYTES] {
    let mut block = block.into();
    Aes256::new(key.into()).encrypt_block(&mut block);
    block.into()
}

fn undo(key: &[u8; KEY_BYTES], block: [u8; BLOCK_BYTES]) -> [u8; BLOCK_BYTES] {
    let mut block = block.into();
    Aes256::new(key.into()).decrypt_block(&mut block);
    block.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::test_keyring;

    #[test]
    fn equal_values_of_one_group_have_equal_terms() {
        let keyring = test_keyring();
        let term = keyring.index_term("phone", b"12000000001");
        assert_eq!(term, keyring.index_term("phone", b"12000000001"));
        assert_ne!(term, keyring.index_term("phone", b"12000000002"));
        assert_ne!(term, keyring.index_term("id_number", b"12000000001"));
        assert_ne!(term, keyring.index_term("phone1", b"2000000001"));
        assert_ne!(term, test_keyring().index_term("phone", b"12000000001"));
    }

    #[test]
    fn a_term_is_rekeyed_without_its_value() {
        let keyring = test_keyring();
        let term = keyring.index_term("phone", b"12000000001");
        let old = keyring.permutation_key(term.bucket()).expect("in range");
        let new = PermutationKey::generate().expect("randomness");
        let moved = term.rekeyed(&old, &new);
        let prf = prf(keyring.content().at(Place::IndexBase).key, "phone", b"12000000001");
        let block = *prf.last_chunk().expect("longer than a block");
        assert_eq!(moved.block, permute(new.0.expose(), block));
        assert_eq!(moved.bucket(), term.bucket());
        assert_ne!(moved, term);
        assert_eq!(moved.rekeyed(&new, &old), term);
    }

    #[test]
    fn a_term_is_read_back_from_its_encoding() {
        let term = test_keyring().index_term("phone", b"12000000001");
        let bytes = term.to_bytes();
        assert_eq!(IndexTerm::from_bytes(&bytes).expect("own bytes"), term);
        assert_eq!(u16::from_be_bytes([bytes[0], bytes[1]]), term.bucket());
    }

    #[test]
    fn what_became_of_terms_is_known_for_the_one_record_alone() {
        let keyring = test_keyring();
        let tag = keyring.moved_terms_tag(&[1; 16], b"moved");
        assert!(keyring.is_moved_terms_tag(&[1; 16], b"moved", &tag));
        assert!(!keyring.is_moved_terms_tag(&[2; 16], b"moved", &tag));
        assert!(!keyring.is_moved_terms_tag(&[1; 16], b"move", &tag));
        assert!(!keyring.is_moved_terms_tag(&[1; 16], b"moved", &[0; 32]));
        assert!(!test_keyring().is_moved_terms_tag(&[1; 16], b"moved", &tag));
    }

    #[test]
    fn a_bucket_out_of_range_is_refused() {
        let mut bytes = [0; TERM_BYTES];
        bytes[..2].copy_from_slice(&4095_u16.to_be_bytes());
        assert!(IndexTerm::from_bytes(&bytes).is_ok());
        bytes[..2].copy_from_slice(&4096_u16.to_be_bytes());
        assert!(matches!(IndexTerm::from_bytes(&bytes), Err(KeyError::TermBucket)));
        let keyring = test_keyring();
        assert!(keyring.permutation_key(4095).is_ok());
        assert!(matches!(keyring.permutation_key(4096), Err(KeyError::TermBucket)));
    }

    #[test]
    fn terms_fall_into_many_buckets() {
        let keyring = test_keyring();
        let buckets: std::collections::HashSet<u16> = (0..1000_u32)
            .map(|value| keyring.index_term("phone", &value.to_be_bytes()).bucket())
            .collect();
        // A thousand values in 4,096 buckets hit about 887 of them.
        assert!(buckets.len() > 800, "{} buckets", buckets.len());
    }
}
