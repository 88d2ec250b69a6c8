//! Judges encodings of Ed25519 points before a signature is checked under them.
//! Never decodes a point: the encodings to refuse are few and known.
//! A key of small order signs everything, and a second encoding of one point would be a second key of one witness.

/// The field prime 2^255 - 19, little end first (RFC 8032 section 5.1).
const PRIME: [u8; 32] = {
    let mut prime = [0xff; 32];
    prime[0] = 0xed;
    prime[31] = 0x7f;
    prime
};

/// The y coordinates of the eight points whose order divides 8, little end first. Their x may have either sign.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    {
        let mut minus_one = PRIME;
        minus_one[0] = 0xec;
        minus_one
    },
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
];

/// Whether `encoded` is the one encoding of its y coordinate (RFC 8032 section 5.1.3) and of no point of small order.
pub(super) fn is_strict(encoded: &[u8; 32]) -> bool {
    let mut y = *encoded;
    y[31] &= 0x7f;
    let below_prime = y.iter().rev().lt(PRIME.iter().rev());
    below_prime && !SMALL_ORDER.contains(&y)
}

#[cfg(test)]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    #[test]
    fn small_orders_are_refused_with_either_sign() {
        for y in SMALL_ORDER {
            let mut other = y;
            other[31] |= 0x80;
            assert!(!is_strict(&y) && !is_strict(&other), "{y:02x?}");
        }
    }

    #[test]
    fn second_encodings_are_refused() {
        // y + p is a second encoding of each y below 19: all of them, and the largest number of 255 bits.
        for low in 0xed..=0xff {
            let mut encoded = PRIME;
            encoded[0] = low;
            assert!(!is_strict(&encoded), "{low:02x}");
        }
        assert!(!is_strict(&[0xff; 32]));
        let mut largest = PRIME;
        largest[0] = 0xeb;
        assert!(is_strict(&largest));
    }

    #[test]
    fn base_point_is_accepted() {
        let mut base = [0x66; 32];
        base[0] = 0x58;
        assert!(is_strict(&base));
    }

    /// Why the check is needed: under the identity as key, one signature holds for every message.
    #[test]
    fn library_alone_would_take_a_key_that_signs_everything() {
        let identity = SMALL_ORDER[1];
        let signature = [identity, [0; 32]].concat();
        for message in [&b"one log"[..], b"another log"] {
            assert!(UnparsedPublicKey::new(&ED25519, identity).verify(message, &signature).is_ok());
        }
        assert!(!is_strict(&identity));
    }
}
