//! Tests of what precedes a token: PINs, paths, and the form of an envelope. What a token does, `tests/campaigns/pkcs11` tries.

use super::*;
use crate::root::RootKey;
use crate::unlock::{ENVELOPE_BYTES_MAX, Envelope, Provider, Way};

fn pin(bytes: &[u8]) -> Result<Pin, KeyError> {
    Pin::new(&Zeroizing::new(bytes.to_vec()))
}

#[test]
fn pins_are_text_within_their_bounds() {
    for good in [PIN_BYTES_MIN, PIN_BYTES_MAX] {
        assert!(pin(&vec![b'1'; good]).is_ok());
    }
    for bad in [PIN_BYTES_MIN - 1, PIN_BYTES_MAX + 1] {
        assert!(matches!(pin(&vec![b'1'; bad]), Err(KeyError::PinShape)));
    }
    assert!(matches!(pin(b"12\xff34"), Err(KeyError::PinShape)));
}

#[test]
fn a_library_is_named_by_its_whole_path_and_must_be_one() {
    let load = |path: &str| Pkcs11Module::load(Path::new(path));
    for relative in ["libsofthsm2.so", "./libsofthsm2.so", ""] {
        assert!(matches!(load(relative), Err(KeyError::TokenModulePath)));
    }
    assert!(matches!(load("/nowhere/lib.so"), Err(KeyError::TokenModule { .. })));
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("a plain path");
    assert!(matches!(load(path), Err(KeyError::TokenModule { .. })));
}

fn sealed() -> (RootKey, Secret, Envelope) {
    let root = RootKey::generate().expect("randomness");
    let over = Secret::random().expect("randomness");
    let key = Pkcs11Key { serial: *b"8d6f14c97c1a6c55", id: [7; KEY_ID_BYTES] };
    let wrapped = Wrapped { key, nonce: [1; NONCE_BYTES], bytes: [2; WRAPPED_BYTES] };
    let envelope = Envelope::seal(&root, Way::Pkcs11 { wrapped }, &over).expect("sealing");
    (root, over, envelope)
}

#[test]
fn an_envelope_of_a_token_is_read_back_and_fits() {
    let (root, over, envelope) = sealed();
    let bytes = envelope.encode();
    assert_eq!(bytes.len(), 209);
    assert!(bytes.len() <= ENVELOPE_BYTES_MAX);
    let read = Envelope::decode(&bytes).expect("own bytes");
    assert_eq!(read, envelope);
    let Provider::Pkcs11(key) = read.provider() else { panic!("a token's") };
    assert_eq!(key.serial_text(), "8d6f14c97c1a6c55");
    let opened = read.open(&over, KeyError::WrongToken).expect("its key");
    assert_eq!(opened.expose(), root.expose());
    for length in 0..bytes.len() {
        assert!(Envelope::decode(&bytes[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn an_altered_envelope_of_a_token_opens_nothing_whatever_the_token_says() {
    let (_, over, envelope) = sealed();
    let bytes = envelope.encode();
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        let Ok(decoded) = Envelope::decode(&altered) else { continue };
        assert!(decoded.open(&over, KeyError::WrongToken).is_err(), "byte {at}");
    }
}

#[test]
fn what_a_token_authenticates_names_the_token_the_key_and_the_root() {
    let key = Pkcs11Key { serial: *b"serial          ", id: [1; KEY_ID_BYTES] };
    assert_eq!(key.serial_text(), "serial");
    let other = Pkcs11Key { id: [2; KEY_ID_BYTES], ..key };
    let foreign = Pkcs11Key { serial: *b"serial2         ", ..key };
    let all = [key.associated(1), key.associated(2), other.associated(1), foreign.associated(1)];
    for (at, one) in all.iter().enumerate() {
        assert!(all[..at].iter().all(|before| before != one));
    }
}
