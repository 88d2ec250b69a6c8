//! Holds 32 secret bytes on the heap and wipes them when they go. Never copies, prints or serialises them.
//! A move of the holder moves a pointer, so exactly one copy of the bytes exists and that one is wiped.

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::KeyError;

/// Length of every symmetric key and seed, in bytes.
pub(crate) const KEY_BYTES: usize = 32;

/// 32 secret bytes, filled in place.
pub(crate) struct Secret(Box<[u8; KEY_BYTES]>);

impl Secret {
    /// Draws a fresh secret from the system.
    pub(crate) fn random() -> Result<Self, KeyError> {
        Self::filled(|bytes| fill_random(bytes))
    }

    /// Copies a secret that lies in a larger wiped buffer.
    pub(crate) fn copy_of(bytes: &[u8; KEY_BYTES]) -> Self {
        let mut secret = Self(Box::new([0; KEY_BYTES]));
        secret.0.copy_from_slice(bytes);
        secret
    }

    /// Lets `fill` write the bytes where they will stay; they are wiped if it fails.
    pub(crate) fn filled(
        fill: impl FnOnce(&mut [u8; KEY_BYTES]) -> Result<(), KeyError>,
    ) -> Result<Self, KeyError> {
        let mut secret = Self(Box::new([0; KEY_BYTES]));
        fill(&mut secret.0)?;
        Ok(secret)
    }

    /// The bytes, for a primitive that needs them now.
    pub(crate) fn expose(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

/// Fills a buffer from the system's randomness.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), KeyError> {
    SystemRandom::new().fill(bytes).map_err(|_| KeyError::Randomness)
}

/// Draws a public random value: a salt or an id.
pub(crate) fn random_array<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    fill_random(&mut bytes)?;
    Ok(bytes)
}

/// Programs that must not compile, one for each secret type and ability, each with a twin that
/// differs in its bound alone and compiles. No secret can be serialised: the crate has no serialiser.
#[cfg(doctest)]
mod abilities {
    macro_rules! never {
        ($($module:ident: $secret:literal lacks $ability:literal;)*) => { $(
            #[doc = concat!(
                "```compile_fail,E0277\nfn need<T: ", $ability, ">() {}\nneed::<gridvault_keys::", $secret, ">();\n```\n",
                "The twin:\n",
                "```\nfn need<T: Send>() {}\nneed::<gridvault_keys::", $secret, ">();\n```",
            )]
            pub mod $module {}
        )* };
    }
    never! {
        root_key_clone: "RootKey" lacks "Clone";
        root_key_debug: "RootKey" lacks "std::fmt::Debug";
        log_in_key_clone: "LogInKey" lacks "Clone";
        log_in_key_debug: "LogInKey" lacks "std::fmt::Debug";
        passphrase_clone: "Passphrase" lacks "Clone";
        passphrase_debug: "Passphrase" lacks "std::fmt::Debug";
        key_file_clone: "KeyFile" lacks "Clone";
        key_file_debug: "KeyFile" lacks "std::fmt::Debug";
        share_clone: "Share" lacks "Clone";
        share_debug: "Share" lacks "std::fmt::Debug";
        pin_clone: "Pin" lacks "Clone";
        pin_debug: "Pin" lacks "std::fmt::Debug";
        keyring_clone: "Keyring" lacks "Clone";
        keyring_debug: "Keyring" lacks "std::fmt::Debug";
        subject_key_clone: "SubjectKey" lacks "Clone";
        subject_key_debug: "SubjectKey" lacks "std::fmt::Debug";
        permutation_key_clone: "PermutationKey" lacks "Clone";
        permutation_key_debug: "PermutationKey" lacks "std::fmt::Debug";
        chain_key_clone: "ChainKey" lacks "Clone";
        chain_key_debug: "ChainKey" lacks "std::fmt::Debug";
        signer_clone: "Signer" lacks "Clone";
        signer_debug: "Signer" lacks "std::fmt::Debug";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_secrets_differ() {
        let one = Secret::random().expect("randomness");
        let other = Secret::random().expect("randomness");
        assert_ne!(one.expose(), other.expose());
        assert_ne!(one.expose(), &[0; KEY_BYTES]);
    }

    #[test]
    fn a_failed_fill_gives_no_secret() {
        let filled = Secret::filled(|bytes| {
            bytes.fill(7);
            Err(KeyError::Randomness)
        });
        assert!(matches!(filled, Err(KeyError::Randomness)));
    }

    #[test]
    fn secrets_wipe_themselves() {
        fn wipes<T: ZeroizeOnDrop>() {}
        wipes::<Secret>();
    }
}
