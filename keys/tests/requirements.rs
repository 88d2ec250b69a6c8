//! The requirements on this crate as a caller sees them: from an unlock file over a keyring to a section, and what is refused
//! on the way. Never reaches inside. All keys are drawn for the test.

use std::fs;
use std::path::PathBuf;

use gridvault_keys::{
    ArgonCost, DemoOnly, Envelope, KeyError, KeyFile, Keyring, KeyringHealth, KeyringSlot, Month,
    Passphrase, RootKey, SectionPlace, SlotFault, SubjectKey, SubjectKeyCache, UnlockFile,
};
use tempfile::TempDir;
use zeroize::Zeroizing;

const SUBJECT: [u8; 16] = [1; 16];
const OTHER_SUBJECT: [u8; 16] = [2; 16];
const RECORD: [u8; 16] = [3; 16];
const TEST_COST: ArgonCost = ArgonCost { memory_kib: 8 * 1024, passes: 1, lanes: 1 };

fn march() -> Month {
    Month::from_year_month(2026, 3).expect("in range")
}

fn phrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.as_bytes().to_vec())).expect("long enough")
}

fn directory() -> (TempDir, PathBuf, PathBuf) {
    let directory = tempfile::tempdir().expect("temporary directory");
    let keyring = directory.path().join("keyring");
    let unlock = directory.path().join("unlock");
    (directory, keyring, unlock)
}

fn new_keyring() -> Keyring {
    let (_directory, path, _) = directory();
    let root = RootKey::generate().expect("randomness");
    Keyring::create(&path, &root, march()).expect("a new file")
}

fn place() -> SectionPlace<'static> {
    SectionPlace {
        record: RECORD,
        record_type: "person",
        subject: SUBJECT,
        section: "c2",
        section_version: 7,
        schema_version: 1,
    }
}

fn new_subject_key(keyring: &Keyring) -> SubjectKey {
    let wrapping = keyring.wrap_new_subject_key(&SUBJECT);
    wrapping.expect("wrapping").0
}

#[test]
fn a_section_survives_closing_and_unlocking_the_vault() {
    let (_directory, ring_path, unlock_path) = directory();
    let (wrapped, sealed) = {
        let root = RootKey::generate().expect("randomness");
        let envelope =
            Envelope::seal_with_passphrase(&root, &phrase("a long enough one"), TEST_COST);
        UnlockFile::create(&unlock_path, &[envelope.expect("sealing")]).expect("a new file");
        let keyring = Keyring::create(&ring_path, &root, march()).expect("a new file");
        let (key, wrapped) = keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
        (wrapped, key.seal_section(&place(), b"value").expect("sealing"))
    };

    let envelopes = UnlockFile::load(&unlock_path).expect("own file");
    let root = envelopes[0].open_with_passphrase(&phrase("a long enough one"));
    let (keyring, health) = Keyring::open(&ring_path, &root.expect("the passphrase")).expect("own");
    assert_eq!(health, KeyringHealth::Whole);
    let key = keyring.unwrap_subject_key(&SUBJECT, &wrapped).expect("own");
    let opened = key.open_section(&place(), &sealed).expect("own section");
    assert_eq!(opened.as_slice(), b"value");
}

#[test]
fn each_envelope_of_a_file_opens_the_same_root() {
    let (directory, _, unlock_path) = directory();
    let root = RootKey::generate().expect("randomness");
    let file = KeyFile::create(&directory.path().join("demo.key")).expect("a new file");
    let envelopes = [
        Envelope::seal_with_passphrase(&root, &phrase("the first of two"), TEST_COST),
        Envelope::seal_with_passphrase(&root, &phrase("the second of two"), TEST_COST),
        Envelope::seal_with_key_file(&root, &file),
    ]
    .map(|sealed| sealed.expect("sealing"));
    UnlockFile::create(&unlock_path, &envelopes).expect("a new file");
    assert!(matches!(UnlockFile::create(&unlock_path, &envelopes), Err(KeyError::FileExists)));

    let loaded = UnlockFile::load(&unlock_path).expect("own file");
    assert_eq!(loaded, envelopes);
    let roots = [
        loaded[0].open_with_passphrase(&phrase("the first of two")),
        loaded[1].open_with_passphrase(&phrase("the second of two")),
        loaded[2].open_with_key_file(&file, DemoOnly::data_is_synthetic()),
    ];
    for opened in roots {
        assert_eq!(opened.expect("its own way").id(), root.id());
    }
    assert!(matches!(
        loaded[0].open_with_passphrase(&phrase("the second of two")),
        Err(KeyError::WrongPassphrase)
    ));
}

#[test]
fn a_section_opens_in_its_own_place_alone() {
    let keyring = new_keyring();
    let key = new_subject_key(&keyring);
    let sealed = key.seal_section(&place(), b"value").expect("sealing");
    let elsewhere = [
        SectionPlace { record: [4; 16], ..place() },
        SectionPlace { record_type: "event", ..place() },
        SectionPlace { subject: OTHER_SUBJECT, ..place() },
        SectionPlace { section: "c3", ..place() },
        SectionPlace { section_version: 6, ..place() },
        SectionPlace { section_version: 8, ..place() },
        SectionPlace { schema_version: 2, ..place() },
        SectionPlace { record_type: "personc", section: "2", ..place() },
    ];
    for wrong in elsewhere {
        assert!(
            matches!(
                key.open_section(&wrong, &sealed),
                Err(KeyError::Commitment | KeyError::Unauthentic)
            ),
            "{wrong:?}"
        );
    }
    assert!(key.open_section(&place(), &sealed).is_ok());
}

#[test]
fn a_section_does_not_open_under_another_key() {
    let keyring = new_keyring();
    let sealed = new_subject_key(&keyring).seal_section(&place(), b"value").expect("sealing");
    assert!(matches!(
        new_subject_key(&keyring).open_section(&place(), &sealed),
        Err(KeyError::WrongKeyId)
    ));
    assert!(matches!(keyring.open_attributes(b"", &sealed), Err(KeyError::WrongKeyKind)));
    assert!(matches!(keyring.unwrap_subject_key(&SUBJECT, &sealed), Err(KeyError::WrongKeyKind)));
}

#[test]
fn every_flipped_bit_of_a_wrapped_key_is_refused() {
    let keyring = new_keyring();
    let (_, wrapped) = keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
    for at in 0..wrapped.len() {
        for bit in 0..8 {
            let mut altered = wrapped.clone();
            altered[at] ^= 1 << bit;
            assert!(keyring.unwrap_subject_key(&SUBJECT, &altered).is_err());
        }
    }
    for length in 0..wrapped.len() {
        assert!(keyring.unwrap_subject_key(&SUBJECT, &wrapped[..length]).is_err());
    }
}

#[test]
fn a_wrapped_key_is_its_subjects_alone() {
    let keyring = new_keyring();
    let (_, wrapped) = keyring.wrap_new_subject_key(&SUBJECT).expect("wrapping");
    assert!(matches!(
        keyring.unwrap_subject_key(&OTHER_SUBJECT, &wrapped),
        Err(KeyError::WrongKeyId)
    ));
    assert!(matches!(
        new_keyring().unwrap_subject_key(&SUBJECT, &wrapped),
        Err(KeyError::Commitment)
    ));
}

#[test]
fn two_seals_of_one_value_share_nothing() {
    let keyring = new_keyring();
    let key = new_subject_key(&keyring);
    let one = key.seal_section(&place(), b"value").expect("sealing");
    let other = key.seal_section(&place(), b"value").expect("sealing");
    assert_eq!(one[..11], other[..11], "the header names the same key");
    assert_ne!(one[11..27], other[11..27], "salt");
    assert_ne!(one[27..43], other[27..43], "commitment");
    assert_ne!(one[43..48], other[43..48], "ciphertext");
}

#[test]
fn a_damaged_keyring_opens_and_says_what_it_repaired() {
    let (_directory, path, _) = directory();
    let root = RootKey::generate().expect("randomness");
    let term = Keyring::create(&path, &root, march())
        .expect("a new file")
        .index_term("phone", b"12000000001");
    let mut bytes = fs::read(&path).expect("the file");
    bytes[5000] ^= 1;
    fs::write(&path, &bytes).expect("the file");

    let (keyring, health) = Keyring::open(&path, &root).expect("one whole slot");
    let repaired = KeyringHealth::Repaired { slot: KeyringSlot::A, fault: SlotFault::Damaged };
    assert_eq!(health, repaired);
    assert_eq!(keyring.index_term("phone", b"12000000001"), term);
    let (_, health) = Keyring::open(&path, &root).expect("two whole slots");
    assert_eq!(health, KeyringHealth::Whole);
}

#[test]
fn a_keyring_does_not_open_under_another_root() {
    let (_directory, path, _) = directory();
    let root = RootKey::generate().expect("randomness");
    Keyring::create(&path, &root, march()).expect("a new file");
    let other = RootKey::generate().expect("randomness");
    assert!(matches!(Keyring::open(&path, &other), Err(KeyError::KeyringForeignRoot)));
    assert!(matches!(Keyring::create(&path, &root, march()), Err(KeyError::FileExists)));
}

#[test]
fn no_key_of_a_closed_vault_lies_in_clear_in_its_files() {
    let (_directory, path, _) = directory();
    let root = RootKey::generate().expect("randomness");
    let keyring = Keyring::create(&path, &root, march()).expect("a new file");
    let bytes = fs::read(&path).expect("the file");
    let public = keyring.log_signer().public_key();
    assert!(bytes.windows(32).all(|window| window != public));
    // The content ends in zeros, which would show as such if it were not sealed.
    assert!(bytes.windows(64).all(|window| window != [0; 64]));
}

#[test]
fn errors_carry_no_secret_and_end_without_a_full_stop() {
    let keyring = new_keyring();
    let key = new_subject_key(&keyring);
    let sealed = key.seal_section(&place(), b"value").expect("sealing");
    let wrong = SectionPlace { section: "c3", ..place() };
    let error = key.open_section(&wrong, &sealed).expect_err("another place");
    let text = format!("{error} {error:?}");
    assert!(!text.contains("value") && !text.contains("person"), "{text}");
    assert!(!error.to_string().ends_with('.'));
    assert_eq!(error.to_string(), error.to_string().to_lowercase());
}

#[test]
fn secrets_may_cross_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Keyring>();
    shared::<SubjectKey>();
    shared::<SubjectKeyCache>();
    shared::<gridvault_keys::ChainKey>();
    shared::<gridvault_keys::Signer>();
}
