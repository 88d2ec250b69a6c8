//! Holds every format of this crate against fixtures that a second implementation made (`tests/fixtures/make.py`).
//! Never makes a fixture itself. A change of any format breaks a test here, and the old fixtures stay when a new format comes.
//!
//! All keys in here are test keys: counting bytes and repeated numbers.

use zeroize::Zeroizing;

use crate::keyring::fixed_keyring;
use crate::unlock::decode_unlock_file;
use crate::{DemoOnly, KeyError, KeyFile, Passphrase, Provider, SectionPlace};

const SUBJECT: [u8; 16] = [1; 16];
const RECORD: [u8; 16] = [2; 16];
const ACTOR: [u8; 16] = [3; 16];
const SUBJECT_KEY_ID: u64 = 0x0102_0304_0506_0708;

fn counting_key() -> [u8; 32] {
    std::array::from_fn(|at| u8::try_from(at).expect("32 fits a byte"))
}

#[test]
fn envelopes_of_format_one_open() {
    let bytes = include_bytes!("../tests/fixtures/unlock_v1.bin");
    let envelopes = decode_unlock_file(bytes).expect("an unlock file");
    let [by_passphrase, by_key_file] = envelopes.as_slice() else {
        panic!("two envelopes");
    };
    assert!(
        matches!(by_passphrase.provider(), Provider::Passphrase(cost) if cost.memory_kib == 8192)
    );
    assert_eq!(by_key_file.provider(), Provider::KeyFile);

    let phrase = |text: &[u8]| Passphrase::new(Zeroizing::new(text.to_vec())).expect("long enough");
    let root = by_passphrase
        .open_with_passphrase(&phrase(b"a passphrase of the tests"))
        .expect("the passphrase");
    assert_eq!(root.expose(), &counting_key());
    assert_eq!(root.id(), by_passphrase.root_key_id());
    assert!(matches!(
        by_passphrase.open_with_passphrase(&phrase(b"another of the tests")),
        Err(KeyError::WrongPassphrase)
    ));

    let line = format!("gridvault-demo-key-file-v1 {}\n", "77".repeat(32));
    let file = KeyFile::parse(line.as_bytes()).expect("a key file");
    let witness = DemoOnly::data_is_synthetic();
    let root = by_key_file.open_with_key_file(&file, witness).expect("the key file");
    assert_eq!(root.expose(), &counting_key());
}

#[test]
fn wrapped_subject_keys_and_sections_of_format_one_open() {
    let wrapped = include_bytes!("../tests/fixtures/wrapped_subject_key_v1.bin");
    let section = include_bytes!("../tests/fixtures/section_v1.bin");
    let key = fixed_keyring().unwrap_subject_key(&SUBJECT, wrapped).expect("a wrapped key");
    assert_eq!(key.id(), SUBJECT_KEY_ID);
    let place = SectionPlace {
        record: RECORD,
        record_type: "person",
        subject: SUBJECT,
        section: "c2",
        section_version: 3,
        schema_version: 4,
    };
    let opened = key.open_section(&place, section).expect("a section");
    assert_eq!(opened.as_slice(), b"a section of the tests");
}

#[test]
fn attributes_and_context_of_format_one_open() {
    let keyring = fixed_keyring();
    let attributes = include_bytes!("../tests/fixtures/attributes_v1.bin");
    let opened = keyring.open_attributes(b"header", attributes);
    assert_eq!(opened.expect("attributes").as_slice(), b"attributes of the tests");

    let context = include_bytes!("../tests/fixtures/context_v1.bin");
    let opened = keyring.open_context(&ACTOR, b"entry", context);
    assert_eq!(opened.expect("context").as_slice(), b"a reason of the tests");
}

#[test]
fn index_terms_and_tags_of_format_one_stay_the_same() {
    let keyring = fixed_keyring();
    assert_eq!(
        &keyring.index_term("phone", b"12000000001").to_bytes(),
        include_bytes!("../tests/fixtures/index_term_v1.bin")
    );
    assert_eq!(
        &keyring.chain().tag(&[b"previous", b"frame"]),
        include_bytes!("../tests/fixtures/chain_tag_v1.bin")
    );
    assert_eq!(
        &keyring.charge_tag(b"ledger", b"value"),
        include_bytes!("../tests/fixtures/charge_tag_v1.bin")
    );
    assert_eq!(
        &keyring.idempotency_tag(b"caller", &[b"body"]),
        include_bytes!("../tests/fixtures/idempotency_tag_v1.bin")
    );
}

#[test]
fn signing_keys_come_from_their_own_seeds() {
    let keyring = fixed_keyring();
    assert_eq!(
        &keyring.log_signer().public_key(),
        include_bytes!("../tests/fixtures/log_public_key_v1.bin")
    );
    assert_eq!(
        &keyring.token_signer().public_key(),
        include_bytes!("../tests/fixtures/token_public_key_v1.bin")
    );
}
