//! What the log knows of the ways to the root key, as the store keeps it: which root key is in force, and which ceremonies were told.
//! Never a key: the name of the root key, which is derived from it, and ids that were drawn.
//! It is written in the frame of each entry that tells, so nothing is told twice, and nothing that is not so.
//!
//! ```text
//! payload = name of the root key u64 | (id of a ceremony 16 | entries of it that are in the log u8)*
//! ```

use super::error::CeremonyError;
use crate::limits::CEREMONIES_TOLD_COUNT_MAX;
use crate::store::{Change, Expect, Key, Op, Reader, SystemKey, Version};

/// Id of a ceremony, and entries of it.
const ONE_BYTES: usize = 17;

/// What was told.
pub struct Told {
    /// The root key that the log knows of; nothing before any start said so.
    root: Option<u64>,
    ceremonies: Vec<([u8; 16], u8)>,
    version: Version,
}

impl Told {
    /// Of a vault that begins its log.
    pub fn nothing() -> Told {
        Told { root: None, ceremonies: Vec::new(), version: Version::ABSENT }
    }

    /// What the store keeps.
    ///
    /// # Errors
    /// [`CeremonyError::Damaged`], [`CeremonyError::Storage`].
    pub async fn read(reader: &Reader) -> Result<Told, CeremonyError> {
        let stored = reader
            .get(&Key::system(SystemKey::Ways))
            .await
            .map_err(|error| CeremonyError::storage("the store cannot be read", error))?;
        let Some(stored) = stored else { return Ok(Told::nothing()) };
        let malformed = || CeremonyError::Damaged("what was told of ceremonies");
        let (root, rest) = stored.payload.split_first_chunk().ok_or_else(malformed)?;
        let (ceremonies, left) = rest.as_chunks::<ONE_BYTES>();
        if !left.is_empty() {
            return Err(malformed());
        }
        let one = |bytes: &[u8; ONE_BYTES]| {
            let (id, count) = bytes.split_first_chunk().expect("an id is shorter");
            (*id, count.first().copied().unwrap_or(0))
        };
        let ceremonies = ceremonies.iter().map(one).collect();
        Ok(Told { root: Some(u64::from_be_bytes(*root)), ceremonies, version: stored.version })
    }

    /// The root key that the log knows of.
    pub fn root(&self) -> Option<u64> {
        self.root
    }

    /// How many entries of a ceremony are in the log.
    pub fn of(&self, ceremony: &[u8; 16]) -> usize {
        let told = self.ceremonies.iter().find(|(id, _)| id == ceremony);
        told.map_or(0, |(_, count)| usize::from(*count))
    }

    /// One more entry of a ceremony.
    pub fn count(&mut self, ceremony: [u8; 16]) {
        match self.ceremonies.iter_mut().find(|(id, _)| *id == ceremony) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => {
                let over = (self.ceremonies.len() + 1).saturating_sub(CEREMONIES_TOLD_COUNT_MAX);
                self.ceremonies.drain(..over);
                self.ceremonies.push((ceremony, 1));
            }
        }
    }

    /// The step that keeps it, with this root key in force. The next one follows on it.
    pub fn kept(&mut self, root: u64) -> Change {
        self.root = Some(root);
        let key = Key::system(SystemKey::Ways);
        let told = self.ceremonies.iter().flat_map(|(id, count)| id.iter().chain([count]).copied());
        let payload: Vec<u8> = root.to_be_bytes().into_iter().chain(told).collect();
        let expect = Expect { key: key.clone(), version: self.version, stamp: 0 };
        self.version = self.version.next();
        Change { ops: vec![Op::Put(key, self.version, payload)], expects: vec![expect] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> [u8; 16] {
        (number as u128).to_be_bytes()
    }

    #[test]
    fn as_many_ceremonies_as_the_limit_are_known_and_of_one_more_the_oldest_is_not() {
        let mut told = Told::nothing();
        for number in 0..CEREMONIES_TOLD_COUNT_MAX {
            told.count(id(number));
        }
        told.count(id(0));
        assert_eq!((told.of(&id(0)), told.of(&id(1))), (2, 1));
        told.count(id(CEREMONIES_TOLD_COUNT_MAX));
        let found = [0, 1, CEREMONIES_TOLD_COUNT_MAX].map(|number| told.of(&id(number)));
        assert_eq!(found, [0, 1, 1]);
    }

    #[test]
    fn each_step_follows_on_the_one_before() {
        let mut told = Told::nothing();
        let first = told.kept(7);
        told.count(id(1));
        let second = told.kept(7);
        let [Op::Put(_, version, payload)] = &second.ops[..] else { panic!("one step") };
        assert_eq!(first.expects[0].version, Version::ABSENT);
        assert_eq!((second.expects[0].version, version.0), (Version(1), 2));
        let expected = [&7_u64.to_be_bytes()[..], &id(1), &[1]].concat();
        assert_eq!((payload, told.root()), (&expected, Some(7)));
    }
}
