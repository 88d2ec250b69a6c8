//! Reads and writes the file of envelopes. Never overwrites one here (`former` does) and never opens an envelope.
//! All envelopes of a file hold the same root key.

use std::path::Path;

use super::{Envelope, FORMAT, take};
use crate::error::KeyError;
use crate::file::{read_bounded, write_new};
use crate::limits::{ENVELOPE_BYTES_MAX, ENVELOPES_MAX, UNLOCK_FILE_BYTES_MAX};

const MAGIC: [u8; 8] = *b"GVUNLOCK";

/// The file that lies beside the keyring and holds every way to unlock it. Nothing in it is secret,
/// but whoever has it can guess passphrases, so its mode is 0600.
pub struct UnlockFile;

impl UnlockFile {
    /// Writes a new file; durable and read back when this returns.
    ///
    /// # Errors
    /// [`KeyError::EnvelopeCount`], [`KeyError::EnvelopesDisagree`], [`KeyError::FileExists`], [`KeyError::ReadBack`],
    /// [`KeyError::Io`].
    pub fn create(path: &Path, envelopes: &[Envelope]) -> Result<(), KeyError> {
        write_new(path, &encode(envelopes)?)
    }

    /// Reads all envelopes. Their parameters are inside the limits; whether they are genuine, opening will tell.
    ///
    /// # Errors
    /// [`KeyError::UnlockFileShape`], [`KeyError::UnlockFileFormat`], [`KeyError::EnvelopeCount`],
    /// [`KeyError::EnvelopesDisagree`], [`KeyError::UnknownProvider`],
    /// [`KeyError::ArgonMemory`] and its like, [`KeyError::Io`].
    pub fn load(path: &Path) -> Result<Vec<Envelope>, KeyError> {
        let bytes = read_bounded(path, UNLOCK_FILE_BYTES_MAX)?.ok_or(KeyError::UnlockFileShape)?;
        decode(&bytes)
    }

    /// The bytes that such a file has: the same for the same envelopes, in their order.
    ///
    /// # Errors
    /// [`KeyError::EnvelopeCount`], [`KeyError::EnvelopesDisagree`].
    pub fn to_bytes(envelopes: &[Envelope]) -> Result<Vec<u8>, KeyError> {
        encode(envelopes)
    }

    /// The envelopes in such bytes, as [`UnlockFile::load`] reads them from a file.
    ///
    /// # Errors
    /// As [`UnlockFile::load`], without those of reading.
    pub fn from_bytes(bytes: &[u8]) -> Result<Vec<Envelope>, KeyError> {
        decode(bytes)
    }
}

pub(super) fn encode(envelopes: &[Envelope]) -> Result<Vec<u8>, KeyError> {
    check(envelopes)?;
    let mut bytes = MAGIC.to_vec();
    bytes.push(FORMAT);
    bytes.push(u8::try_from(envelopes.len()).expect("the count was just checked"));
    for envelope in envelopes {
        let encoded = envelope.encode();
        let length = u16::try_from(encoded.len()).expect("an envelope is below 1 KiB");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&encoded);
    }
    Ok(bytes)
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Envelope>, KeyError> {
    let mut rest = bytes;
    if take(&mut rest)? != MAGIC {
        return Err(KeyError::UnlockFileShape);
    }
    let [format, count] = take(&mut rest)?;
    if format != FORMAT {
        return Err(KeyError::UnlockFileFormat { format });
    }
    if usize::from(count) > ENVELOPES_MAX {
        return Err(KeyError::EnvelopeCount);
    }
    let mut envelopes = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let length = usize::from(u16::from_be_bytes(take(&mut rest)?));
        if length > ENVELOPE_BYTES_MAX {
            return Err(KeyError::UnlockFileShape);
        }
        let (envelope, left) = rest.split_at_checked(length).ok_or(KeyError::UnlockFileShape)?;
        envelopes.push(Envelope::decode(envelope)?);
        rest = left;
    }
    if !rest.is_empty() {
        return Err(KeyError::UnlockFileShape);
    }
    check(&envelopes)?;
    Ok(envelopes)
}

fn check(envelopes: &[Envelope]) -> Result<(), KeyError> {
    if !(1..=ENVELOPES_MAX).contains(&envelopes.len()) {
        return Err(KeyError::EnvelopeCount);
    }
    let same = |pair: &[Envelope]| pair[0].root_key_id == pair[1].root_key_id;
    if !envelopes.windows(2).all(same) {
        return Err(KeyError::EnvelopesDisagree);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::root::RootKey;
    use crate::secret::Secret;
    use crate::unlock::{DemoOnly, KeyFile};

    fn demo_envelopes(count: usize) -> Vec<Envelope> {
        let directory = tempfile::tempdir().expect("temporary directory");
        let file = KeyFile::create(&directory.path().join("demo.key")).expect("a new file");
        let root = RootKey::from_secret(Secret::copy_of(&[9; 32])).expect("derivation");
        let seal = |_| Envelope::seal_with_key_file(&root, &file).expect("sealing");
        (0..count).map(seal).collect()
    }

    #[test]
    fn a_file_holds_one_to_sixteen_envelopes() {
        assert!(matches!(encode(&[]), Err(KeyError::EnvelopeCount)));
        for count in [1, 2, ENVELOPES_MAX] {
            let envelopes = demo_envelopes(count);
            let bytes = encode(&envelopes).expect("inside the limits");
            assert!(bytes.len() <= UNLOCK_FILE_BYTES_MAX);
            assert_eq!(decode(&bytes).expect("own bytes"), envelopes);
        }
        let many = demo_envelopes(ENVELOPES_MAX + 1);
        assert!(matches!(encode(&many), Err(KeyError::EnvelopeCount)));
    }

    #[test]
    fn envelopes_of_two_roots_do_not_share_a_file() {
        let mut envelopes = demo_envelopes(1);
        let directory = tempfile::tempdir().expect("temporary directory");
        let file = KeyFile::create(&directory.path().join("demo.key")).expect("a new file");
        let foreign = RootKey::generate().expect("randomness");
        envelopes.push(Envelope::seal_with_key_file(&foreign, &file).expect("sealing"));
        assert!(matches!(encode(&envelopes), Err(KeyError::EnvelopesDisagree)));
    }

    #[test]
    fn a_cut_or_lengthened_file_is_refused() {
        let bytes = encode(&demo_envelopes(2)).expect("inside the limits");
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "cut at {length}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(matches!(decode(&longer), Err(KeyError::UnlockFileShape)));
    }

    #[test]
    fn every_flipped_bit_of_a_file_is_refused_or_opens_nothing() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let file = KeyFile::create(&directory.path().join("demo.key")).expect("a new file");
        let root = RootKey::generate().expect("randomness");
        let sealed = [Envelope::seal_with_key_file(&root, &file).expect("sealing")];
        let bytes = encode(&sealed).expect("inside the limits");
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut altered = bytes.clone();
                altered[at] ^= 1 << bit;
                let Ok(envelopes) = decode(&altered) else {
                    continue;
                };
                let witness = DemoOnly::data_is_synthetic();
                assert!(
                    envelopes[0].open_with_key_file(&file, witness).is_err(),
                    "bit {bit} of byte {at}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_refused(bytes: Vec<u8>) {
            prop_assert!(decode(&bytes).is_err());
            let labelled = [&b"GVUNLOCK\x01\x01"[..], &bytes].concat();
            prop_assert!(decode(&labelled).is_err());
        }
    }
}
