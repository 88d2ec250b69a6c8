//! Names the sets of algorithms that a sealed object may use. Never guesses one from the bytes.
//! A number that this build does not know is refused before any key is derived.

use crate::error::KeyError;

/// One coherent set of algorithms, named in every sealed object by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// AES-256-GCM (NIST SP 800-38D), SHA-256 under HKDF (RFC 5869) and HMAC, Ed25519 (RFC 8032).
    Aes256GcmSha256Ed25519,
}

/// Number of the set of Chinese national algorithms (GB/T 32907, 32905, 32918); reserved by the format.
const RESERVED_SM: u8 = 2;

impl Suite {
    /// Every suite that this build can use.
    pub const ALL: [Self; 1] = [Self::Aes256GcmSha256Ed25519];

    /// The number in sealed objects.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Aes256GcmSha256Ed25519 => 1,
        }
    }

    /// The name in configuration and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aes256GcmSha256Ed25519 => "aes256gcm-sha256-ed25519",
        }
    }
}

impl TryFrom<u8> for Suite {
    type Error = KeyError;

    /// Reads a suite's number.
    ///
    /// # Errors
    /// [`KeyError::UnsupportedSuite`] for `sm4gcm-sm3-sm2`, which the format reserves;
    /// [`KeyError::UnknownSuite`] for every other number.
    fn try_from(code: u8) -> Result<Self, KeyError> {
        match code {
            1 => Ok(Self::Aes256GcmSha256Ed25519),
            RESERVED_SM => Err(KeyError::UnsupportedSuite { code }),
            _ => Err(KeyError::UnknownSuite { code }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_is_read_back_from_its_number() {
        for suite in Suite::ALL {
            assert_eq!(Suite::try_from(suite.code()).expect("own number is known"), suite);
        }
        assert_eq!(Suite::ALL[0].name(), "aes256gcm-sha256-ed25519");
    }

    #[test]
    fn reserved_and_unknown_suites_are_told_apart() {
        assert!(matches!(Suite::try_from(2), Err(KeyError::UnsupportedSuite { code: 2 })));
        for code in [0, 3, 127, 255] {
            assert!(
                matches!(Suite::try_from(code), Err(KeyError::UnknownSuite { code: found }) if found == code)
            );
        }
    }
}
