//! What stands behind index terms: which key of its bucket each is under, and what rotations made of those that a row names.
//! Never a value and never a key: terms, which are nothing without the keys, and how often a key was replaced.
//! A row names its terms as they were when it was written, and is not written again when they get another key: so neither its
//! version nor what the log says of it moves.

use super::codec::{Decoder, Encoder, Malformed};
use super::{Key, Reader, Sealed, StoreError, Version};
use crate::records::RecordId;

const FORMAT: u8 = 2;
const TAG_BYTES: usize = 32;
/// Those of before any rotation say nothing of their key.
const EPOCH_FIRST: u32 = 1;

/// The value behind an index term: the epoch of the key that it is under.
pub fn term_value(epoch: u32) -> Vec<u8> {
    if epoch == EPOCH_FIRST { Vec::new() } else { epoch.to_be_bytes().to_vec() }
}

/// The epoch in the value behind an index term.
///
/// # Errors
/// [`StoreError::Corrupt`] for a value that is none.
pub fn term_epoch(value: &[u8]) -> Result<u32, StoreError> {
    match value {
        [] => Ok(EPOCH_FIRST),
        _ => value.try_into().map(u32::from_be_bytes).map_err(|_| corrupt()),
    }
}

/// The index terms of a record that moved since its row was written: as the row names each, and as it is found now. It stands beside
/// what the row authenticates, so it has a tag of its own, which `seal` makes and judges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MovedTerms {
    pairs: Vec<([u8; 18], [u8; 18])>,
    tag: [u8; TAG_BYTES],
}

impl MovedTerms {
    /// Whether nothing moved: then it says no more than the row itself.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The tag that was stored with it.
    pub fn tag(&self) -> &[u8; TAG_BYTES] {
        &self.tag
    }

    /// What a record is found by now for a term that its row names: one term, or more where some were made anew beside it.
    pub fn now(&self, named: &[u8; 18]) -> Vec<[u8; 18]> {
        let now = self.pairs.iter().filter(|(was, _)| was == named).map(|(_, now)| *now);
        let now: Vec<[u8; 18]> = now.collect();
        if now.is_empty() { vec![*named] } else { now }
    }

    /// Takes into account that a record is found by one more term than its row names, kept beside one that it does name. False where
    /// there is no place for it.
    pub fn also(&mut self, named: [u8; 18], more: [u8; 18]) -> bool {
        let is_kept = self.pairs.iter().any(|(was, _)| *was == named);
        let count = self.pairs.len() + if is_kept { 1 } else { 2 };
        if count > usize::from(u8::MAX) {
            return false;
        }
        if !is_kept {
            self.pairs.push((named, named));
        }
        self.pairs.push((named, more));
        true
    }

    /// Takes into account that a term moved.
    pub fn moved(&mut self, from: [u8; 18], to: [u8; 18]) {
        if let Some((_, now)) = self.pairs.iter_mut().find(|(_, now)| *now == from) {
            *now = to;
        } else if self.pairs.len() < usize::from(u8::MAX) {
            // So many are far more than any row names: what somebody planted beside them is not worth a place.
            self.pairs.push((from, to));
        }
    }

    /// The value that is stored, under the tag over what [`MovedTerms::tagged`] gives. What is empty needs none.
    pub fn encode(&self, tag: [u8; TAG_BYTES]) -> Vec<u8> {
        let mut bytes = self.tagged();
        bytes.extend_from_slice(&tag);
        bytes
    }

    /// What its tag covers.
    pub fn tagged(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(2 + 36 * self.pairs.len() + TAG_BYTES);
        out.u8(FORMAT);
        out.u8(u8::try_from(self.pairs.len()).expect("no more are kept"));
        for (was, now) in &self.pairs {
            out.raw(was);
            out.raw(now);
        }
        out.finish()
    }

    fn decode(value: &[u8]) -> Result<MovedTerms, Malformed> {
        let mut from = Decoder::new(value);
        if from.u8()? != FORMAT {
            return Err(Malformed);
        }
        let count = from.u8()?;
        let pairs = (0..count).map(|_| Ok((from.array()?, from.array()?)));
        let pairs = pairs.collect::<Result<_, Malformed>>()?;
        let tag = from.array()?;
        from.end()?;
        Ok(MovedTerms { pairs, tag })
    }
}

impl Reader {
    /// What rotations made of a record's index terms, and its version. Whether it is the vault's own is for `seal` to say.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a value that is none, else as [`Reader::get`].
    pub fn moved_terms(&self, id: RecordId) -> Result<(Version, MovedTerms), StoreError> {
        match self.shared.engine.get(&Key::moved_terms(id))? {
            Some(stored) => {
                let moved = MovedTerms::decode(&stored.payload).map_err(|Malformed| corrupt())?;
                Ok((stored.version, moved))
            }
            None => Ok((Version::ABSENT, MovedTerms::default())),
        }
    }
}

impl Sealed {
    /// The version of what rotations made of its index terms, as it lies in the store now, whatever that is.
    ///
    /// # Errors
    /// As [`Reader::get`].
    pub fn moved_terms_version(&self) -> Result<Version, StoreError> {
        let kept = self.reader.shared.engine.get(&Key::moved_terms(self.row().header.id))?;
        Ok(kept.map_or(Version::ABSENT, |kept| kept.version))
    }
}

fn corrupt() -> StoreError {
    StoreError::Corrupt { what: "index term" }
}

#[cfg(test)]
impl Reader {
    /// Puts bytes in a value's place beside every entry, as a fault of the disk does.
    pub fn damage(&self, key: &Key, bytes: &[u8]) {
        let stored = self.shared.engine.get(key).expect("an engine").expect("a value");
        let put = self.shared.engine.put(key, stored.version, stored.index, bytes);
        put.expect("an engine");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn term_says_which_key_it_is_under_and_one_of_before_says_nothing() {
        assert_eq!((term_value(1), term_value(2)), (vec![], vec![0, 0, 0, 2]));
        for epoch in [1, 2, u32::MAX] {
            assert_eq!(term_epoch(&term_value(epoch)).expect("own bytes"), epoch);
        }
        for wrong in [&[2][..], &[0; 3], &[0; 5]] {
            assert!(matches!(term_epoch(wrong), Err(StoreError::Corrupt { .. })));
        }
    }

    #[test]
    fn term_that_moves_again_and_again_is_known_by_what_the_row_names() {
        let term = |number| [number; 18];
        let mut moved = MovedTerms::default();
        assert_eq!(moved.now(&term(1)), [term(1)]);
        moved.moved(term(1), term(2));
        moved.moved(term(5), term(6));
        moved.moved(term(2), term(3));
        assert_eq!(
            [1, 5, 9].map(|named| moved.now(&term(named))),
            [3, 6, 9].map(|now| vec![term(now)])
        );
        let bytes = moved.encode([7; 32]);
        assert_eq!((&bytes[..3], bytes.len()), (&[2, 2, 1][..], 2 + 2 * 36 + 32));
        assert_eq!(MovedTerms::decode(&bytes).ok(), Some(MovedTerms { tag: [7; 32], ..moved }));
        // What says nothing of who wrote it is none: that is how builds of before wrote it.
        let before = [&[1][..], &bytes[1..bytes.len() - 32]].concat();
        for wrong in [&bytes[1..], &bytes[..bytes.len() - 1], &[], &[2, 0], &before] {
            assert!(MovedTerms::decode(wrong).is_err(), "{wrong:?}");
        }
        assert!(MovedTerms::decode(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn term_that_was_made_beside_another_is_known_with_it_and_moves_by_itself() {
        let term = |number| [number; 18];
        let mut moved = MovedTerms::default();
        moved.moved(term(1), term(2));
        assert!(moved.also(term(1), term(3)) && moved.also(term(5), term(6)));
        assert_eq!(moved.now(&term(1)), [2, 3].map(term));
        assert_eq!(moved.now(&term(5)), [5, 6].map(term), "what the row names stays beside it");
        moved.moved(term(5), term(7));
        moved.moved(term(3), term(4));
        assert_eq!(
            [1, 5].map(|named| moved.now(&term(named))),
            [[2, 4], [7, 6]].map(|it| it.map(term))
        );
        assert_eq!(MovedTerms::decode(&moved.encode([0; 32])).ok(), Some(moved));
    }

    #[test]
    fn no_more_are_kept_of_one_record_than_one_byte_counts() {
        let term = |number: u16, part: u8| {
            let mut term = [part; 18];
            term[..2].copy_from_slice(&number.to_be_bytes());
            term
        };
        let mut moved = MovedTerms::default();
        for number in 0..256 {
            moved.moved(term(number, 1), term(number, 2));
        }
        assert_eq!(moved.now(&term(254, 1)), [term(254, 2)]);
        assert_eq!(moved.now(&term(255, 1)), [term(255, 1)]);
        assert!(!moved.also(term(254, 1), term(256, 2)), "not one more");
        assert_eq!(MovedTerms::decode(&moved.encode([0; 32])).ok(), Some(moved));
    }
}
