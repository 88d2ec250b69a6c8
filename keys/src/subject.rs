//! Seals the sections of one subject under that subject's own key, and wraps that key under its bucket's. Never opens a
//! section in another place than the one it was sealed for. Destroying the bucket's key destroys every key wrapped under it.
//!
//! ```text
//! wrapped key = sealed under the bucket's key, id = bucket << 32 | epoch, associated = subject id; content = key id u64 | key 32.
//!               While a bucket has a next key it is the next one that wraps, and both open: the epoch says which.
//! section     = sealed under the subject key, context = record, section; associated = the whole place and the suite
//! bucket      = first 12 bits of SHA-256(subject id)
//! ```

use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

use crate::bucket::Bucket;
use crate::derive::{join, join_onto, joined_bytes, length_of};
use crate::error::KeyError;
use crate::kept::KeptKeys;
use crate::keyring::{Content, Entry, Keyring, Place};
use crate::limits::NAME_BYTES_MAX;
use crate::sealed::{HEADER_BYTES, KeyKind, SealingKey, key_id};
use crate::secret::{KEY_BYTES, Secret, random_array};
use crate::state::KeyState;
use crate::suite::Suite;
use crate::uses::Sealing;

const KEY_ID_BYTES: usize = 8;
const PLACE_LABEL: &[u8] = b"gridvault/section/v1";

/// The key of one subject, or of one record without a subject; wiped on drop, with the few section keys that it derived last.
pub struct SubjectKey {
    id: u64,
    secret: Secret,
    /// Goes with the key, so whatever lets go of the key lets go of these.
    kept: KeptKeys,
}

/// Where a section lies. All of it is authenticated with the section; the grid is not part of it, because grids move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionPlace<'a> {
    /// The record's id.
    pub record: [u8; 16],
    /// The record's type, at most 255 bytes.
    pub record_type: &'a str,
    /// The subject's id, or the record's where there is no subject.
    pub subject: [u8; 16],
    /// The section's name, at most 255 bytes.
    pub section: &'a str,
    /// The section's version, which rises with each patch.
    pub section_version: u32,
    /// The version of the schema that the content follows.
    pub schema_version: u32,
}

impl SectionPlace<'_> {
    /// What the tag of a section covers: the header of its sealed object, then the canonical encoding of the place, each
    /// with its length before it. In the encoding each field has its length before it too, so that equal encodings mean
    /// equal places. Written at once, because every section that is opened needs it.
    fn bound(&self, header: &[u8; HEADER_BYTES]) -> Result<Vec<u8>, KeyError> {
        if self.record_type.len() > NAME_BYTES_MAX || self.section.len() > NAME_BYTES_MAX {
            return Err(KeyError::NameTooLong);
        }
        let (section_version, schema_version) =
            (self.section_version.to_be_bytes(), self.schema_version.to_be_bytes());
        let suite = [Suite::Aes256GcmSha256Ed25519.code()];
        let fields: [&[u8]; 8] = [
            PLACE_LABEL,
            &self.record,
            self.record_type.as_bytes(),
            &self.subject,
            self.section.as_bytes(),
            &section_version,
            &schema_version,
            &suite,
        ];
        let place_bytes = joined_bytes(&fields);
        let mut bound = Vec::with_capacity(joined_bytes(&[header]) + 4 + place_bytes);
        join_onto(&mut bound, &[header]);
        bound.extend_from_slice(&length_of(place_bytes));
        join_onto(&mut bound, &fields);
        Ok(bound)
    }

    /// What the derivation of the section's key binds.
    fn context(&self) -> Vec<u8> {
        join(&[&self.record, self.section.as_bytes()])
    }
}

impl SubjectKey {
    /// The random name of this key; it stays when the key is wrapped anew.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Seals a section for its place.
    ///
    /// # Errors
    /// [`KeyError::NameTooLong`], [`KeyError::PlainTooLong`], [`KeyError::Randomness`].
    pub fn seal_section(&self, at: &SectionPlace<'_>, plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        let context = at.context();
        let key = self.sealing_key(&context);
        key.seal_bound(&at.bound(&key.header())?, plain)
    }

    /// Opens a section in the place that it was sealed for.
    ///
    /// # Errors
    /// [`KeyError::NameTooLong`]; [`KeyError::WrongKeyKind`] or [`KeyError::WrongKeyId`] when another key sealed it;
    /// [`KeyError::Commitment`] or [`KeyError::Unauthentic`] when the place is another or bytes were altered;
    /// [`KeyError::SealedTooShort`], [`KeyError::SealedTooLong`], [`KeyError::SealedFormat`], [`KeyError::UnknownSuite`],
    /// [`KeyError::UnsupportedSuite`].
    pub fn open_section(
        &self,
        at: &SectionPlace<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let key = self.sealing_key(&[]);
        key.open_with(&self.kept, || at.context(), &at.bound(&key.header())?, sealed)
    }

    fn sealing_key<'a>(&'a self, context: &'a [u8]) -> SealingKey<'a> {
        SealingKey { kind: KeyKind::Subject, id: self.id, key: self.secret.expose(), context }
    }
}

impl Keyring {
    /// Draws a subject key and wraps it under its subject's bucket. The wrapped form belongs in the store.
    ///
    /// # Errors
    /// [`KeyError::Randomness`]; [`KeyError::KeyUsedUp`] and [`KeyError::UsesUncounted`] where the bucket's key wraps no more.
    pub fn wrap_new_subject_key(
        &self,
        subject: &[u8; 16],
    ) -> Result<(SubjectKey, Vec<u8>), KeyError> {
        let id = u64::from_be_bytes(random_array()?);
        let key = SubjectKey { id, secret: Secret::random()?, kept: KeptKeys::default() };
        let mut content = Zeroizing::new([0; KEY_ID_BYTES + KEY_BYTES]);
        content[..KEY_ID_BYTES].copy_from_slice(&key.id.to_be_bytes());
        content[KEY_ID_BYTES..].copy_from_slice(key.secret.expose());
        let wrapped = self.wrapped(subject, content.as_slice())?;
        Ok((key, wrapped))
    }

    /// Under the key of the subject's bucket that wraps now, which counts it.
    fn wrapped(&self, subject: &[u8; 16], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        let content = self.content();
        self.uses.take(Place::SubjectBucket(bucket_of(subject)), Sealing::Ordinary)?;
        newest_of(&content, subject).seal(subject, plain)
    }

    /// Unwraps a subject key with the key of its bucket that it names: the present one, or the next where one was drawn.
    ///
    /// # Errors
    /// [`KeyError::WrongKeyId`] when it belongs to another bucket or its bucket was re-keyed since;
    /// [`KeyError::Commitment`] or [`KeyError::Unauthentic`] when it is another subject's or was altered;
    /// [`KeyError::ContentShape`], and as [`SubjectKey::open_section`] for malformed bytes.
    pub fn unwrap_subject_key(
        &self,
        subject: &[u8; 16],
        wrapped: &[u8],
    ) -> Result<SubjectKey, KeyError> {
        let content = self.unwrapped(subject, wrapped)?;
        let (id, secret) = content.split_first_chunk().ok_or(KeyError::ContentShape)?;
        let secret = secret.try_into().map_err(|_| KeyError::ContentShape)?;
        let (id, secret) = (u64::from_be_bytes(*id), Secret::copy_of(secret));
        Ok(SubjectKey { id, secret, kept: KeptKeys::default() })
    }

    fn unwrapped(
        &self,
        subject: &[u8; 16],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let content = self.content();
        let newest = newest_of(&content, subject);
        // The key is chosen by the id that the wrapped form names, so neither of the two is tried.
        match key_id(KeyKind::SubjectBucket, wrapped) {
            Ok(id) if id != newest.id => present_of(&content, subject).open(subject, wrapped),
            _ => newest.open(subject, wrapped),
        }
    }

    /// The form in which a wrapped key is to be stored from now on: as it is, or wrapped anew where its bucket has a newer
    /// key. The subject key stays the same, and so does everything that it sealed.
    ///
    /// # Errors
    /// As [`Keyring::unwrap_subject_key`] and [`Keyring::wrap_new_subject_key`].
    pub fn rewrapped(&self, subject: &[u8; 16], wrapped: &[u8]) -> Result<Vec<u8>, KeyError> {
        if !self.is_outdated(wrapped) {
            return Ok(wrapped.to_vec());
        }
        self.wrapped(subject, &self.unwrapped(subject, wrapped)?)
    }

    /// Whether a wrapped key names an older key of its bucket than the newest: it must not be stored any more, because that
    /// key is about to be destroyed or is destroyed.
    #[must_use]
    pub fn is_outdated(&self, wrapped: &[u8]) -> bool {
        let state = WrappedUnder::of(wrapped).ok().and_then(|under| self.bucket_key_state(under));
        state.is_some_and(|state| !state.protects())
    }

    /// The state of a bucket's key of an epoch; none for a bucket that there is not or an epoch that there was not yet.
    #[must_use]
    pub fn bucket_key_state(&self, under: WrappedUnder) -> Option<KeyState> {
        let bucket = Bucket::from_number(under.bucket)?;
        self.state_in(Place::SubjectBucket(bucket), under.epoch)
    }
}

/// Which bucket key a wrapped subject key is under. Destroying it destroys the subject key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WrappedUnder {
    /// The number of the bucket, below [`crate::limits::BUCKETS`].
    pub bucket: u16,
    /// How often the bucket's key had been replaced by then, counted from one.
    pub epoch: u32,
}

impl WrappedUnder {
    /// What a wrapped key names. Nothing of it is opened.
    ///
    /// # Errors
    /// [`KeyError::WrongKeyKind`] and others for bytes that are no wrapped subject key.
    pub fn of(wrapped: &[u8]) -> Result<Self, KeyError> {
        let id = key_id(KeyKind::SubjectBucket, wrapped)?;
        let bucket = u16::try_from(id >> 32).map_err(|_| KeyError::WrongKeyId)?;
        let epoch = u32::try_from(id & u64::from(u32::MAX)).expect("half of 64 bits fits 32");
        Ok(Self { bucket, epoch })
    }
}

/// The key that wraps in a subject's bucket now.
fn newest_of<'a>(content: &'a Content, subject: &'a [u8; 16]) -> SealingKey<'a> {
    let bucket = bucket_of(subject);
    bucket_key(bucket, content.newest(Place::SubjectBucket(bucket)), subject)
}

/// The key of a subject's bucket that stands in its place: the one before, where a next one was drawn.
fn present_of<'a>(content: &'a Content, subject: &'a [u8; 16]) -> SealingKey<'a> {
    let bucket = bucket_of(subject);
    bucket_key(bucket, content.at(Place::SubjectBucket(bucket)), subject)
}

fn bucket_key<'a>(bucket: Bucket, entry: Entry<'a>, subject: &'a [u8; 16]) -> SealingKey<'a> {
    SealingKey {
        kind: KeyKind::SubjectBucket,
        id: (u64::from(bucket.number()) << 32) | u64::from(entry.epoch),
        key: entry.key,
        context: subject,
    }
}

/// The bucket of a subject: the first twelve bits of SHA-256 over its id.
fn bucket_of(subject: &[u8; 16]) -> Bucket {
    let hash = digest(&SHA256, subject);
    Bucket::of_hash(hash.as_ref().try_into().expect("SHA-256 gives 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::test_keyring;

    #[test]
    fn a_wrapped_key_names_its_bucket_and_epoch() {
        let keyring = test_keyring();
        // SHA-256 of sixteen zero bytes begins with 0x374.
        let (_, wrapped) = keyring.wrap_new_subject_key(&[0; 16]).expect("wrapping");
        assert_eq!(bucket_of(&[0; 16]).number(), 0x374);
        assert_eq!(key_id(KeyKind::SubjectBucket, &wrapped).expect("own bytes"), (0x374 << 32) | 1);
    }

    #[test]
    fn content_of_another_length_is_not_a_subject_key() {
        let keyring = test_keyring();
        for length in [0, 7, 8, 39, 41] {
            let wrapped = newest_of(&keyring.content(), &[0; 16])
                .seal(&[0; 16], &vec![0; length])
                .expect("sealing");
            assert!(matches!(
                keyring.unwrap_subject_key(&[0; 16], &wrapped),
                Err(KeyError::ContentShape)
            ));
        }
    }

    fn place(section: &str, section_version: u32) -> SectionPlace<'_> {
        SectionPlace {
            record: [1; 16],
            record_type: "person",
            subject: [2; 16],
            section,
            section_version,
            schema_version: 1,
        }
    }

    #[test]
    fn a_section_opened_before_opens_again_and_in_its_place_alone() {
        let (key, _) = test_keyring().wrap_new_subject_key(&[2; 16]).expect("wrapping");
        let sealed = key.seal_section(&place("c2", 1), b"value").expect("sealing");
        for _ in 0..3 {
            let opened = key.open_section(&place("c2", 1), &sealed).expect("its place");
            assert_eq!(opened.as_slice(), b"value");
            for other in [place("c3", 1), place("c2", 2)] {
                assert!(key.open_section(&other, &sealed).is_err());
            }
            let mut altered = sealed.clone();
            *altered.last_mut().expect("not empty") ^= 1;
            assert!(matches!(
                key.open_section(&place("c2", 1), &altered),
                Err(KeyError::Unauthentic)
            ));
        }
    }

    #[test]
    fn a_section_sealed_anew_opens_and_what_was_sealed_before_it_does_too() {
        let (key, _) = test_keyring().wrap_new_subject_key(&[2; 16]).expect("wrapping");
        let versions: Vec<Vec<u8>> = (1..=20_u32)
            .map(|version| key.seal_section(&place("c2", version), &version.to_be_bytes()))
            .collect::<Result<_, _>>()
            .expect("sealing");
        // Twice, so that each is met derived and kept, and more often than keys are kept.
        for _ in 0..2 {
            for (version, sealed) in (1..).zip(&versions) {
                let opened = key.open_section(&place("c2", version), sealed).expect("its place");
                assert_eq!(opened.as_slice(), version.to_be_bytes());
            }
        }
    }

    #[test]
    fn what_does_not_open_is_not_kept() {
        let (key, _) = test_keyring().wrap_new_subject_key(&[2; 16]).expect("wrapping");
        let sealed = key.seal_section(&place("c2", 1), b"value").expect("sealing");
        assert!(matches!(key.open_section(&place("c3", 1), &sealed), Err(KeyError::Commitment)));
        let salt = sealed[11..27].first_chunk().expect("a salt");
        assert!(key.kept.find(salt).is_none());
        assert!(key.open_section(&place("c2", 1), &sealed).is_ok());
        assert!(key.kept.find(salt).is_some());
    }

    #[test]
    fn the_encoding_of_a_place_is_fixed() {
        let place = SectionPlace {
            record: [1; 16],
            record_type: "person",
            subject: [2; 16],
            section: "c2",
            section_version: 3,
            schema_version: 4,
        };
        let expected = [
            b"\0\0\0\x14gridvault/section/v1".as_slice(),
            b"\0\0\0\x10",
            &[1; 16],
            b"\0\0\0\x06person\0\0\0\x10",
            &[2; 16],
            b"\0\0\0\x02c2\0\0\0\x04\0\0\0\x03\0\0\0\x04\0\0\0\x04\0\0\0\x01\x01",
        ]
        .concat();
        let header = [9; HEADER_BYTES];
        let bound = place.bound(&header).expect("short names");
        assert_eq!(bound, join(&[&header, &expected]));
    }

    #[test]
    fn names_are_held_against_their_limit() {
        let name = "n".repeat(256);
        let place = |record_type, section| SectionPlace {
            record: [1; 16],
            record_type,
            subject: [2; 16],
            section,
            section_version: 1,
            schema_version: 1,
        };
        let header = [9; HEADER_BYTES];
        assert!(place(&name[..255], &name[..255]).bound(&header).is_ok());
        for long in [place(&name, "c2"), place("person", &name)] {
            assert!(matches!(long.bound(&header), Err(KeyError::NameTooLong)));
        }
    }
}
