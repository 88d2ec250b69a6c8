//! Keys of index buckets that are replaced: drawn, every term under a former one moved to the next, the former destroyed.
//! Never a value: a term is permuted anew as it stands, and no section is opened for it.
//! An erasure and a rotation may do it beside each other: each walks for the next keys that it names, and destroys what these follow.

use super::term::is_over;
use super::{Seal, SealError, Sought, covers, section};
use crate::limits::INDEX_BUCKETS_COUNT;
use crate::records::{RecordId, Schema};
use crate::store::{Key, Sealed, SealedSection, StoreError, Stored, Version, term_epoch};
use gridvault_keys::limits::BUCKETS;
use gridvault_keys::{IndexTerm, KeyError, PermutedUnder};

const _: () = assert!(INDEX_BUCKETS_COUNT as usize == BUCKETS);

/// Next keys of index buckets, by their names and in ascending order: those that were there when somebody looked.
pub struct NextIndexKeys(Vec<PermutedUnder>);

impl NextIndexKeys {
    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Bucket and epoch of each, as a rotation keeps them.
    pub fn named(&self) -> Vec<(u16, u32)> {
        self.0.iter().map(|next| (next.bucket, next.epoch)).collect()
    }

    /// The bucket of the one at this place.
    pub fn bucket(&self, at: usize) -> Option<u16> {
        self.0.get(at).map(|next| next.bucket)
    }
}

/// A term that is under a former key, and what it is under the next one.
pub struct MovingTerm {
    /// The record that is found by it.
    pub record: RecordId,
    /// As it stands.
    pub from: [u8; 18],
    /// The version that stands.
    pub version: Version,
    /// As it is to stand.
    pub to: [u8; 18],
    /// The epoch of the key that it is under then.
    pub epoch: u32,
}

/// What a record is found by, as far as it can be read.
pub struct SoughtOf {
    /// Each value once.
    pub values: Vec<Sought>,
    /// Whether that is everything: but for what opens for nobody, every section and each field was read and is known.
    pub is_whole: bool,
}

impl Seal {
    /// The next keys that index buckets have beside the present ones.
    pub fn next_index_keys(&self) -> NextIndexKeys {
        NextIndexKeys(self.keyring.next_index_keys())
    }

    /// The next keys that these index buckets have.
    pub fn next_index_keys_of(&self, buckets: &[u16]) -> NextIndexKeys {
        let mut next = self.keyring.next_index_keys();
        next.retain(|next| buckets.contains(&next.bucket));
        NextIndexKeys(next)
    }

    /// The next keys that other index buckets than these have.
    pub fn next_index_keys_beside(&self, buckets: &[u16]) -> NextIndexKeys {
        let mut next = self.keyring.next_index_keys();
        next.retain(|next| !buckets.contains(&next.bucket));
        NextIndexKeys(next)
    }

    /// How often the key of an index bucket was replaced, counted from one: of the one that was least often, and of the one that was
    /// most often.
    ///
    /// # Errors
    /// [`SealError::Keys`] never for the buckets that there are.
    pub fn index_epochs(&self) -> Result<(u32, u32), SealError> {
        let (mut least, mut most) = (u32::MAX, 0);
        for bucket in 0..INDEX_BUCKETS_COUNT {
            let epoch = self.keyring.index_epoch(bucket)?;
            (least, most) = (least.min(epoch), most.max(epoch));
        }
        Ok((least, most))
    }

    /// The index buckets among these whose key of that epoch, or of an earlier one, is not destroyed yet.
    ///
    /// # Errors
    /// [`SealError::Keys`] for a number that is no bucket's.
    pub fn undestroyed_terms(&self, keys: &[(u16, u32)]) -> Result<Vec<u16>, SealError> {
        let mut buckets = Vec::new();
        for (bucket, epoch) in keys {
            if self.keyring.index_epoch(*bucket)? <= *epoch && !buckets.contains(bucket) {
                buckets.push(*bucket);
            }
        }
        buckets.sort_unstable();
        Ok(buckets)
    }

    /// How many of these next keys of index buckets stand in the places of those that they followed, which are destroyed.
    ///
    /// # Errors
    /// [`SealError::Keys`] for a number that is no bucket's.
    pub fn index_took_their_places(&self, drawn: &[(u16, u32)]) -> Result<usize, SealError> {
        let mut count = 0;
        for (bucket, epoch) in drawn {
            count += usize::from(self.keyring.index_epoch(*bucket)? >= *epoch);
        }
        Ok(count)
    }

    /// Draws next keys and makes them durable; from then on nothing is stored under the present ones. Waits for the disk.
    ///
    /// # Errors
    /// As [`gridvault_keys::Keyring::draw_next_index_keys`].
    pub fn draw_next_index_keys(&self, buckets: &[u16]) -> Result<(), SealError> {
        Ok(self.keyring.draw_next_index_keys(buckets)?)
    }

    /// Destroys the keys that were there before these; gives how many. Waits for the disk.
    ///
    /// # Errors
    /// As [`gridvault_keys::Keyring::destroy_old_index_keys`].
    pub fn destroy_index_keys_before(&self, next: &NextIndexKeys) -> Result<usize, SealError> {
        Ok(self.keyring.destroy_old_index_keys(&next.0)?)
    }

    /// Whether a stored term is under a key that is destroyed, so that nothing is found by it.
    ///
    /// # Errors
    /// The store's, for a value that is none of a term's.
    pub fn is_dead_term(&self, term: &[u8; 18], stored: &Stored) -> Result<bool, StoreError> {
        let Ok(term) = IndexTerm::from_bytes(term) else { return Ok(false) };
        let under = PermutedUnder { bucket: term.bucket(), epoch: term_epoch(&stored.payload)? };
        Ok(self.keyring.index_key_state(under).is_none_or(|state| !state.opens()))
    }

    /// What a record is found by on a day: of its sections that open, for nobody to see. What cannot be read keeps nothing else from it.
    ///
    /// # Errors
    /// The store's, but not for a stored value that is none.
    pub fn sought_of(&self, sealed: &Sealed, today: i32) -> Result<SoughtOf, StoreError> {
        let mut found = SoughtOf { values: Vec::new(), is_whole: true };
        let row = sealed.row();
        let Ok(schema) = self.schema(row.header.record_type) else {
            return Ok(SoughtOf { is_whole: false, ..found });
        };
        for section in &row.sections {
            match self.sought_in(sealed, schema, section, today, &mut found) {
                Err(SealError::Store(StoreError::Corrupt { .. })) => found.is_whole = false,
                Err(SealError::Store(error)) => return Err(error),
                Err(_) => found.is_whole = false,
                Ok(()) => {}
            }
        }
        Ok(found)
    }

    /// The same of one section.
    fn sought_in(
        &self,
        sealed: &Sealed,
        schema: &Schema,
        section: &SealedSection,
        today: i32,
        found: &mut SoughtOf,
    ) -> Result<(), SealError> {
        if covers::holds_forms(section) {
            return Ok(());
        }
        let mut fields = schema.fields_of(&section.name).peekable();
        // Of a schema that is not the one that it was written under: whether something in it is matched is not known.
        found.is_whole &= fields.peek().is_some();
        if !fields.any(|field| field.match_group.is_some()) {
            return Ok(());
        }
        let key = match self.key_of(sealed, section.subject) {
            Err(error) if error.is_destroyed_key() => None,
            key => key?,
        };
        // Of somebody who was erased since: it opens for nobody, and is found by nothing.
        let Some(key) = key else { return Ok(()) };
        let fields = section::open(&key, &sealed.row().header, section)?;
        for (name, value) in fields.iter() {
            let Some(field) = schema.field(name) else {
                found.is_whole = false;
                continue;
            };
            if field.match_group.is_none() || is_over(field, &fields, today) {
                continue;
            }
            match self.term(field, value) {
                Ok(sought) if !found.values.contains(&sought) => found.values.push(sought),
                Ok(_) => {}
                Err(_) => found.is_whole = false,
            }
        }
        Ok(())
    }

    /// The term to store a value under, and the epoch of its key.
    pub fn newest_term(&self, sought: &Sought) -> ([u8; 18], u32) {
        let forms = self.keyring.term_forms(&sought.0);
        (forms.newest.to_bytes(), forms.epoch)
    }

    /// Where a stored term is to move; nothing for one that is under the newest key already, or under one that is destroyed, by which
    /// nothing is found.
    ///
    /// # Errors
    /// The store's, for a value that is none of a term's.
    pub fn moving_term(&self, key: &Key, stored: &Stored) -> Result<Option<MovingTerm>, SealError> {
        let Some((from, record)) = key.term_parts() else { return Ok(None) };
        let (term, epoch) = (IndexTerm::from_bytes(&from)?, term_epoch(&stored.payload)?);
        let moved = match self.keyring.rekeyed_term(&term, epoch) {
            Err(KeyError::WrongKeyId) => return Ok(None),
            moved => moved?,
        };
        let (version, moved) = (stored.version, moved.map(|(to, epoch)| (to.to_bytes(), epoch)));
        Ok(moved.map(|(to, epoch)| MovingTerm { record, from, version, to, epoch }))
    }
}
