//! The bytes of an actor's record as they are sealed: which form they have, and how each form is read.
//! Never writes an old form, and never takes one that it does not know.
//! What an older program wrote is read as what it said: nobody signed or learned anything then.

use super::directory::{ActorRecord, DirectoryError};
use zeroize::Zeroizing;

/// The first byte of today's form. The first form had none of its own: it was JSON, which begins with a brace.
const FORM: u8 = 0x21;
const FIRST_FORM: u8 = b'{';
/// Bytes of most records.
const BYTES_USUAL: usize = 1_024;

/// A record as it is to be sealed.
pub(super) fn written(record: &ActorRecord) -> Result<Zeroizing<Vec<u8>>, DirectoryError> {
    let mut plain = Zeroizing::new(Vec::with_capacity(BYTES_USUAL));
    plain.push(FORM);
    serde_json::to_writer(&mut *plain, record).map_err(|_| DirectoryError::Malformed)?;
    Ok(plain)
}

/// A record as it was sealed.
pub(super) fn read(plain: &[u8]) -> Result<ActorRecord, DirectoryError> {
    let json = match plain.split_first() {
        Some((&FORM, json)) => json,
        Some((&FIRST_FORM, _)) => plain,
        _ => return Err(DirectoryError::Malformed),
    };
    serde_json::from_slice(json).map_err(|_| DirectoryError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::super::directory::{ReadinessRecord, SecrecyTerm};
    use super::super::tests::world::{WORKER, record};
    use super::*;

    /// As the first form was written, before there were terms and training.
    const FIRST: &str = r#"{"id":"AQEBAQEBAQEBAQEBAQEBAQ","login":"worker","kind":"person","state":"active","assignments":[{"id":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"role":"grid_worker","area":"8801020010010001","line":null,"from":0,"until":null}],"tokens_from":0}"#;

    #[test]
    fn what_an_older_program_wrote_is_read_as_of_somebody_who_signed_and_learned_nothing() {
        let record = read(FIRST.as_bytes()).expect("the first form");
        assert_eq!(record.login, "worker");
        let post = &record.assignments[0];
        assert_eq!(post.readiness, ReadinessRecord::default());
        assert_eq!((post.lead, post.windows.is_none(), post.unconfirmed_by), (false, true, None));
        let again = read(&written(&record).expect("today's form")).expect("today's form");
        assert_eq!(again, record);
    }

    #[test]
    fn todays_form_says_so_and_no_other_is_taken() {
        let mut record = record(WORKER, "worker");
        record.assignments[0].readiness = ReadinessRecord {
            secrecy_term: Some(SecrecyTerm { signed: 7, document: "B-2026-0017".to_owned() }),
            trained_until: Some(9),
        };
        let plain = written(&record).expect("today's form");
        assert_eq!(plain[0], FORM);
        assert_eq!(read(&plain).expect("today's form"), record);
        for first in [0x00, 0x20, 0x22, b'['] {
            let mut other = plain.to_vec();
            other[0] = first;
            assert!(read(&other).is_err(), "{first:#x}");
        }
        assert!(read(&[]).is_err() && read(&[FORM]).is_err());
    }
}
