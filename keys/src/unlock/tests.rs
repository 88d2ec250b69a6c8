//! Tests of envelopes: what opens them, and what altering them does.

use super::*;

const TEST_COST: ArgonCost = ArgonCost { memory_kib: 8 * 1024, passes: 1, lanes: 1 };
const PREFIX_PASSPHRASE_BYTES: usize = 54;

fn phrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.as_bytes().to_vec())).expect("long enough")
}

fn key_file(byte: &str) -> KeyFile {
    let line = format!("gridvault-demo-key-file-v1 {}\n", byte.repeat(32));
    KeyFile::parse(line.as_bytes()).expect("a key file")
}

fn by_passphrase() -> (RootKey, Envelope) {
    let root = RootKey::generate().expect("randomness");
    let sealed = Envelope::seal_with_passphrase(&root, &phrase("right passphrase"), TEST_COST);
    (root, sealed.expect("sealing"))
}

fn by_key_file() -> (RootKey, Envelope) {
    let root = RootKey::generate().expect("randomness");
    let sealed = Envelope::seal_with_key_file(&root, &key_file("ab"));
    (root, sealed.expect("sealing"))
}

#[test]
fn a_passphrase_opens_its_envelope() {
    let (root, envelope) = by_passphrase();
    let opened =
        envelope.open_with_passphrase(&phrase("right passphrase")).expect("the passphrase");
    assert_eq!(opened.expose(), root.expose());
    assert_eq!(envelope.root_key_id(), root.id());
    assert_eq!(envelope.provider(), Provider::Passphrase(TEST_COST));
}

#[test]
fn a_wrong_passphrase_is_told() {
    let (_, envelope) = by_passphrase();
    for wrong in ["wrong passphrase", "right passphrase ", "Right passphrase"] {
        assert!(matches!(
            envelope.open_with_passphrase(&phrase(wrong)),
            Err(KeyError::WrongPassphrase)
        ));
    }
}

#[test]
fn a_wrong_passphrase_takes_as_long_as_the_right_one() {
    const ROUNDS_COUNT: usize = 60;
    let (_, envelope) = by_passphrase();
    let long = "x".repeat(1_024);
    let tried = [
        "right passphrase",
        "right passphrasf",
        "xxxxxxxxxxxx",
        "right passphrase and more",
        &long,
    ];
    let mut least = [u128::MAX; 5];
    // In turns, and the least of each: whatever else the machine does adds to a time and takes nothing from it. The rounds are
    // fixed before and judged once.
    for _ in 0..ROUNDS_COUNT {
        for (least, text) in least.iter_mut().zip(tried) {
            let phrase = phrase(text);
            let begun = std::time::Instant::now();
            assert_eq!(envelope.open_with_passphrase(&phrase).is_ok(), text == tried[0]);
            *least = begun.elapsed().as_micros().min(*least);
        }
    }
    let (shortest, longest) = (least.iter().min(), least.iter().max());
    let (shortest, longest) = shortest.zip(longest).expect("five of them");
    assert!(longest * 100 <= shortest * 105, "{least:?} us are no equal times");
}

#[test]
fn a_key_file_opens_its_envelope_alone() {
    let (root, envelope) = by_key_file();
    let open = |byte| envelope.open_with_key_file(&key_file(byte), DemoOnly::data_is_synthetic());
    assert_eq!(open("ab").expect("the key file").expose(), root.expose());
    assert!(matches!(open("ac"), Err(KeyError::WrongKeyFile)));
}

#[test]
fn an_envelope_is_opened_only_by_its_own_provider() {
    let (_, passphrase) = by_passphrase();
    let (_, file) = by_key_file();
    assert!(matches!(
        file.open_with_passphrase(&phrase("right passphrase")),
        Err(KeyError::WrongProvider)
    ));
    assert!(matches!(
        passphrase.open_with_key_file(&key_file("ab"), DemoOnly::data_is_synthetic()),
        Err(KeyError::WrongProvider)
    ));
}

#[test]
fn a_cost_out_of_bounds_is_refused_when_sealing() {
    let root = RootKey::generate().expect("randomness");
    let cost = ArgonCost { memory_kib: 8 * 1024 - 1, ..TEST_COST };
    assert!(matches!(
        Envelope::seal_with_passphrase(&root, &phrase("right passphrase"), cost),
        Err(KeyError::ArgonMemory { .. })
    ));
}

#[test]
fn a_cost_out_of_bounds_in_a_file_is_refused_before_any_work() {
    let (_, envelope) = by_passphrase();
    let with = |at: usize, value: u32| {
        let mut bytes = envelope.encode();
        bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
        Envelope::decode(&bytes)
    };
    assert!(matches!(with(26, u32::MAX), Err(KeyError::ArgonMemory { .. })));
    assert!(matches!(with(26, 1024), Err(KeyError::ArgonMemory { .. })));
    assert!(matches!(with(30, u32::MAX), Err(KeyError::ArgonPasses { .. })));
    assert!(matches!(with(30, 0), Err(KeyError::ArgonPasses { .. })));
    assert!(matches!(with(34, u32::MAX), Err(KeyError::ArgonLanes { .. })));
    assert!(with(26, 16 * 1024).is_ok());
}

#[test]
fn every_altered_byte_of_the_parameters_looks_like_a_wrong_passphrase() {
    let (_, envelope) = by_passphrase();
    let bytes = envelope.encode();
    for at in 2..PREFIX_PASSPHRASE_BYTES {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let Ok(decoded) = Envelope::decode(&altered) else {
            continue;
        };
        let opened = decoded.open_with_passphrase(&phrase("right passphrase"));
        // The first half of the envelope's id is also the id of its key, which is checked before.
        let expected = match at {
            2..10 => matches!(opened, Err(KeyError::WrongKeyId)),
            _ => matches!(opened, Err(KeyError::WrongPassphrase)),
        };
        assert!(expected, "byte {at}");
    }
}

#[test]
fn altered_sealed_bytes_are_told_from_a_wrong_passphrase() {
    let (_, envelope) = by_passphrase();
    let mut bytes = envelope.encode();
    *bytes.last_mut().expect("not empty") ^= 1;
    let decoded = Envelope::decode(&bytes).expect("whole");
    assert!(matches!(
        decoded.open_with_passphrase(&phrase("right passphrase")),
        Err(KeyError::Unauthentic)
    ));
}

#[test]
fn an_envelope_cannot_claim_another_root() {
    let (_, mut envelope) = by_key_file();
    envelope.root_key_id ^= 1;
    assert!(matches!(
        envelope.open_with_key_file(&key_file("ab"), DemoOnly::data_is_synthetic()),
        Err(KeyError::WrongKeyFile)
    ));
}

#[test]
fn unknown_providers_and_formats_are_told_apart() {
    let (_, envelope) = by_key_file();
    let with = |at: usize, value: u8| {
        let mut bytes = envelope.encode();
        bytes[at] = value;
        Envelope::decode(&bytes)
    };
    // What precedes a token's wrapped key is longer than what precedes a key file's.
    assert!(matches!(with(1, 4), Err(KeyError::UnlockFileShape)));
    for code in [0, 5, 255] {
        assert!(
            matches!(with(1, code), Err(KeyError::UnknownProvider { code: found }) if found == code)
        );
    }
    assert!(matches!(with(0, 2), Err(KeyError::UnlockFileFormat { format: 2 })));
}

#[test]
fn an_envelope_fits_its_limit() {
    let (_, envelope) = by_passphrase();
    assert_eq!(envelope.prefix().len(), PREFIX_PASSPHRASE_BYTES);
    assert!(envelope.encode().len() <= ENVELOPE_BYTES_MAX);
}
