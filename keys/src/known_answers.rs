//! Holds the primitives, as this crate calls them, against the vectors of their standards and of Wycheproof.
//! Never tests a format of our own. Each set counts its vectors, so that a set that went missing fails.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use argon2::{Algorithm, AssociatedData, ParamsBuilder, Version};
use hmac::Mac;
use wycheproof::TestResult;

use crate::derive::{finish, hkdf, hmac};
use crate::gcm;
use crate::sign::Signer;
use crate::verify::verify_signature;

/// Bytes of a vector written in hexadecimal.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits");
    digits.chunks_exact(2).map(byte).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().expect("the vector's length")
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut machine = hmac(key);
    machine.update(message);
    finish(machine)
}

#[test]
fn hkdf_gives_the_answers_of_rfc_5869() {
    let long = |first: u8| (first..first + 80).collect::<Vec<u8>>();
    let cases = [
        (
            vec![0x0b; 22],
            hex("000102030405060708090a0b0c"),
            hex("f0f1f2f3f4f5f6f7f8f9"),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            long(0x00),
            long(0x60),
            long(0xb0 - 1)[1..].iter().copied().chain([0xff]).collect(),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c6\
             5e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            vec![0x0b; 22],
            Vec::new(),
            Vec::new(),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ];
    for (ikm, salt, info, expected) in cases {
        let expected = hex(expected);
        let mut out = vec![0; expected.len()];
        let (first, second) = info.split_at(info.len() / 2);
        hkdf(&ikm, &salt, &[first, second], &mut out);
        assert_eq!(out, expected);
    }
}

#[test]
fn hmac_gives_the_answers_of_rfc_4231() {
    let cases: [(Vec<u8>, &[u8], &str); 6] = [
        (
            vec![0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe".to_vec(),
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            vec![0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        ),
        (
            (1..=25).collect(),
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        ),
        (
            vec![0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            vec![0xaa; 131],
            b"This is a test using a larger than block-size key and a larger than block-size data. \
              The key needs to be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        ),
    ];
    for (key, message, expected) in cases {
        assert_eq!(mac(&key, message), array(expected));
    }
}

#[test]
fn argon2id_gives_the_answer_of_rfc_9106() {
    let argon = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).expect("short"))
        .build()
        .map(|params| {
            argon2::Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params)
                .expect("short")
        })
        .expect("inside the limits");
    let mut tag = [0; 32];
    argon.hash_password_into(&[1; 32], &[2; 16], &mut tag).expect("inside the limits");
    let expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";
    assert_eq!(tag, array(expected));
}

#[test]
fn ed25519_gives_the_answers_of_rfc_8032() {
    let cases = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
             d25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c\
             387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659\
             4a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    for (seed, public, message, signature) in cases {
        let signer = Signer::from_seed(&array(seed));
        assert_eq!(signer.public_key(), array(public));
        assert_eq!(signer.sign(&hex(message)), array(signature));
        verify_signature(&array(public), &hex(message), &hex(signature)).expect("the signature");
    }
}

#[test]
fn gcm_gives_the_answers_of_its_specification() {
    let key = array("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    let plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525\
                 b16aedf5aa0de657ba637b391aafd255";
    let cipher = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838\
                  c5f61e6393ba7a0abcc9f662898015ad";
    let associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let nonce = array("cafebabefacedbaddecaf888");
    // Test cases 13 to 16 of the specification by McGrew and Viega.
    let cases = [
        (
            [0; 32],
            [0; 12],
            Vec::new(),
            String::new(),
            String::new(),
            "530f8afbc74536b9a963b4f1c4cb738b",
        ),
        (
            [0; 32],
            [0; 12],
            Vec::new(),
            "00".repeat(16),
            "cea7403d4d606b6e074ec5d3baf39d18".to_owned(),
            "d0d1c8a799996bf0265b98b5d48ab919",
        ),
        (
            key,
            nonce,
            Vec::new(),
            plain.to_owned(),
            cipher.to_owned(),
            "b094dac5d93471bdec1a502270e3cc6c",
        ),
        (
            key,
            nonce,
            associated,
            plain.replace(' ', "")[..120].to_owned(),
            cipher.replace(' ', "")[..120].to_owned(),
            "76fc6ece0f4e1768cddf8853bb2d551b",
        ),
    ];
    for (key, nonce, associated, plain, cipher, tag) in cases {
        let mut buffer = hex(&plain);
        let found = gcm::encrypt(&key, &nonce, &associated, &mut buffer).expect("short");
        assert_eq!(buffer, hex(&cipher));
        assert_eq!(found, array(tag));
        gcm::decrypt(&key, &nonce, &associated, &mut buffer, &found).expect("own tag");
        assert_eq!(buffer, hex(&plain));
    }
}

#[test]
fn aes_gives_the_answer_of_fips_197() {
    let key: [u8; 32] = array("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    let mut block = array::<16>("00112233445566778899aabbccddeeff").into();
    aes::Aes256::new(&key.into()).encrypt_block(&mut block);
    assert_eq!(block, array::<16>("8ea2b7ca516745bfeafc49904b496089"));
}

#[test]
fn gcm_agrees_with_every_vector_of_wycheproof() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).expect("the set");
    let mut vectors = 0;
    for group in set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            vectors += 1;
            let key = test.key.as_slice().try_into().expect("256 bits");
            let nonce = test.nonce.as_slice().try_into().expect("96 bits");
            let tag = test.tag.as_slice().try_into().expect("128 bits");
            let mut buffer = test.ct.to_vec();
            let opened = gcm::decrypt(key, nonce, &test.aad, &mut buffer, tag);
            assert_eq!(opened.is_ok(), valid(test.result), "vector {}", test.tc_id);
            if opened.is_ok() {
                assert_eq!(buffer, test.pt.to_vec(), "vector {}", test.tc_id);
                let found = gcm::encrypt(key, nonce, &test.aad, &mut buffer).expect("short");
                assert_eq!((buffer, &found), (test.ct.to_vec(), tag));
            } else {
                assert_eq!(buffer, test.ct.to_vec(), "vector {} left plain text", test.tc_id);
            }
        }
    }
    assert_eq!(vectors, 66);
}

#[test]
fn hkdf_agrees_with_every_vector_of_wycheproof() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256);
    let (mut vectors, mut too_long) = (0, 0);
    for group in set.expect("the set").test_groups {
        for test in group.tests {
            vectors += 1;
            if test.result == TestResult::Invalid {
                // The only invalid ones ask for more than 255 blocks, which no caller of ours can.
                assert!(test.size > 255 * 32, "vector {}", test.tc_id);
                too_long += 1;
                continue;
            }
            let mut out = vec![0; test.size];
            hkdf(&test.ikm, &test.salt, &[&test.info], &mut out);
            assert_eq!(out, test.okm.to_vec(), "vector {}", test.tc_id);
        }
    }
    assert_eq!((vectors, too_long), (86, 3));
}

#[test]
fn hmac_agrees_with_every_vector_of_wycheproof() {
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256);
    let mut vectors = 0;
    for group in set.expect("the set").test_groups {
        for test in group.tests {
            vectors += 1;
            let tag = mac(&test.key, &test.msg);
            let equal = tag[..group.tag_size / 8] == *test.tag;
            assert_eq!(equal, valid(test.result), "vector {}", test.tc_id);
        }
    }
    assert_eq!(vectors, 174);
}

#[test]
fn ed25519_agrees_with_every_vector_of_wycheproof() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519);
    let mut vectors = 0;
    for group in set.expect("the set").test_groups {
        let public = group.key.pk.as_slice().try_into().expect("256 bits");
        for test in group.tests {
            vectors += 1;
            let verified = verify_signature(public, &test.msg, &test.sig);
            assert_eq!(verified.is_ok(), valid(test.result), "vector {}", test.tc_id);
        }
    }
    assert_eq!(vectors, 151);
}

fn valid(result: TestResult) -> bool {
    result == TestResult::Valid
}
