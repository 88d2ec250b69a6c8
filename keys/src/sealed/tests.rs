//! Tests of the sealed form: what it refuses, and in which order.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// A test key, which guards nothing.
const KEY: [u8; KEY_BYTES] = {
    let mut key = [0; KEY_BYTES];
    let mut at = 0;
    while at < KEY_BYTES {
        key[at] = at as u8;
        at += 1;
    }
    key
};
const ID: u64 = 0x0102_0304_0506_0708;
const FIXTURE: &[u8] = include_bytes!("../../tests/fixtures/sealed_v1.bin");
const FIXTURE_PLAIN: &[u8] = b"plain text of the tests";

fn key() -> SealingKey<'static> {
    SealingKey { kind: KeyKind::Subject, id: ID, key: &KEY, context: b"context" }
}

#[test]
fn the_fixture_of_format_one_opens() {
    let opened = key().open(b"associated", FIXTURE).expect("the fixture");
    assert_eq!(opened.as_slice(), FIXTURE_PLAIN);
}

#[test]
fn sealing_with_the_fixtures_salt_gives_the_fixture() {
    let salt = std::array::from_fn(|at| 0xa0 + u8::try_from(at).expect("16 fits a byte"));
    let sealed = key().seal_with_salt(
        &salt,
        &bind(&key().header(), b"associated").expect("short"),
        FIXTURE_PLAIN,
    );
    assert_eq!(sealed.expect("sealing"), FIXTURE);
}

#[test]
fn every_flipped_bit_is_refused() {
    for at in 0..FIXTURE.len() {
        for bit in 0..8 {
            let mut altered = FIXTURE.to_vec();
            altered[at] ^= 1 << bit;
            let error = key().open(b"associated", &altered).expect_err("altered bytes");
            let expected = match at {
                0 => matches!(error, KeyError::SealedFormat { .. }),
                1 => matches!(
                    error,
                    KeyError::UnknownSuite { .. } | KeyError::UnsupportedSuite { .. }
                ),
                2 => matches!(error, KeyError::WrongKeyKind),
                3..HEADER_BYTES => matches!(error, KeyError::WrongKeyId),
                HEADER_BYTES..COMMITMENT_END => matches!(error, KeyError::Commitment),
                _ => matches!(error, KeyError::Unauthentic),
            };
            assert!(expected, "bit {bit} of byte {at}: {error}");
        }
    }
}

#[test]
fn every_cut_and_every_added_byte_is_refused() {
    for length in 0..FIXTURE.len() {
        let error = key().open(b"associated", &FIXTURE[..length]).expect_err("cut bytes");
        let short = length < SEALED_OVERHEAD_BYTES;
        assert_eq!(matches!(error, KeyError::SealedTooShort), short, "{length}");
    }
    let longer = [FIXTURE, &[0]].concat();
    assert!(matches!(key().open(b"associated", &longer), Err(KeyError::Unauthentic)));
}

#[test]
fn another_context_key_or_associated_data_is_refused() {
    let other_key = [9; KEY_BYTES];
    let cases = [
        (SealingKey { context: b"contexts", ..key() }, KeyError::Commitment),
        (SealingKey { key: &other_key, ..key() }, KeyError::Commitment),
        (SealingKey { id: ID + 1, ..key() }, KeyError::WrongKeyId),
        (SealingKey { kind: KeyKind::Root, ..key() }, KeyError::WrongKeyKind),
    ];
    for (wrong, expected) in cases {
        let error = wrong.open(b"associated", FIXTURE).expect_err("the wrong key");
        assert_eq!(error.to_string(), expected.to_string());
    }
    for associated in [&b""[..], b"associate", b"associatedd"] {
        assert!(matches!(key().open(associated, FIXTURE), Err(KeyError::Unauthentic)));
    }
}

#[test]
fn an_unknown_suite_is_refused_before_any_key_is_derived() {
    let mut other = FIXTURE.to_vec();
    other[1] = 2;
    assert!(matches!(
        key().open(b"associated", &other),
        Err(KeyError::UnsupportedSuite { code: 2 })
    ));
    other[1] = 9;
    assert!(matches!(key().open(b"associated", &other), Err(KeyError::UnknownSuite { code: 9 })));
}

/// GCM alone would accept this: the tag is made anew under the key that the opener derives.
#[test]
fn the_commitment_is_checked_although_the_tag_is_right() {
    let salt = [5; SALT_BYTES];
    let header = key().header();
    let derived = key().derive(&header, &salt);
    let bound = bind(&header, b"associated").expect("short");
    let mut ciphertext = b"forged".to_vec();
    let tag = gcm::encrypt(derived.key(), &NONCE, &bound, &mut ciphertext).expect("short");
    let with_commitment =
        |commitment: &[u8]| [&header[..], &salt, commitment, &ciphertext, &tag].concat();
    let right = with_commitment(derived.commitment());
    assert!(key().open(b"associated", &right).is_ok());
    let wrong = with_commitment(&[0; COMMITMENT_BYTES]);
    assert!(matches!(key().open(b"associated", &wrong), Err(KeyError::Commitment)));
}

#[test]
fn salts_never_repeat() {
    let mut salts = HashSet::new();
    for _ in 0..10_000 {
        let sealed = key().seal(b"", b"").expect("sealing");
        assert!(salts.insert(sealed[HEADER_BYTES..SALT_END].to_vec()));
    }
    assert_eq!(salts.len(), 10_000);
}

#[test]
fn lengths_are_held_against_their_limits() {
    let plain = vec![0; PLAIN_BYTES_MAX + 1];
    let sealed = key().seal(b"", &plain[..PLAIN_BYTES_MAX]).expect("at the limit");
    assert_eq!(sealed.len(), PLAIN_BYTES_MAX + SEALED_OVERHEAD_BYTES);
    assert!(key().open(b"", &sealed).is_ok());
    assert!(matches!(key().seal(b"", &plain), Err(KeyError::PlainTooLong)));
    let longer = [sealed.as_slice(), &[0]].concat();
    assert!(matches!(key().open(b"", &longer), Err(KeyError::SealedTooLong)));

    let associated = vec![0; ASSOCIATED_BYTES_MAX + 1];
    let sealed = key().seal(&associated[..ASSOCIATED_BYTES_MAX], b"").expect("at the limit");
    assert!(matches!(key().seal(&associated, b""), Err(KeyError::AssociatedTooLong)));
    assert!(matches!(key().open(&associated, &sealed), Err(KeyError::AssociatedTooLong)));
}

#[test]
fn the_key_id_is_read_only_from_the_expected_kind() {
    assert_eq!(key_id(KeyKind::Subject, FIXTURE).expect("own kind"), ID);
    assert!(matches!(key_id(KeyKind::Context, FIXTURE), Err(KeyError::WrongKeyKind)));
    assert!(matches!(key_id(KeyKind::Subject, &FIXTURE[..20]), Err(KeyError::SealedTooShort)));
}

proptest! {
    #[test]
    fn what_was_sealed_opens_again(plain: Vec<u8>, associated: Vec<u8>) {
        let sealed = key().seal(&associated, &plain).expect("short");
        prop_assert_eq!(sealed.len(), plain.len() + SEALED_OVERHEAD_BYTES);
        let opened = key().open(&associated, &sealed).expect("own bytes");
        prop_assert_eq!(opened.as_slice(), plain.as_slice());
    }

    #[test]
    fn arbitrary_bytes_never_open(bytes: Vec<u8>) {
        prop_assert!(key().open(b"associated", &bytes).is_err());
    }
}
