//! Stretches a passphrase to a key with Argon2id. Never accepts a cost outside the limits, whoever asks for it.
//! The passphrase, the memory of the work and the key that comes out are wiped.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::limits::{
    ARGON_LANES_MAX, ARGON_LANES_MIN, ARGON_MEMORY_KIB_MAX, ARGON_MEMORY_KIB_MIN, ARGON_PASSES_MAX,
    ARGON_PASSES_MIN, PASSPHRASE_BYTES_MAX, PASSPHRASE_BYTES_MIN,
};
use crate::secret::{KEY_BYTES, Secret};

pub(super) const ARGON_SALT_BYTES: usize = 16;

/// A passphrase of acceptable length, wiped on drop. Its bytes are taken as they are, without normalisation.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Takes a passphrase as it was typed or read, without its line end.
    ///
    /// # Errors
    /// [`KeyError::PassphraseLength`] outside 12 to 1,024 bytes.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        if !(PASSPHRASE_BYTES_MIN..=PASSPHRASE_BYTES_MAX).contains(&bytes.len()) {
            return Err(KeyError::PassphraseLength);
        }
        Ok(Self(bytes))
    }
}

/// What one guess of a passphrase costs (RFC 9106 section 3.1: m, t and p).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgonCost {
    /// Memory in KiB, 8 MiB to 1 GiB.
    pub memory_kib: u32,
    /// Passes over the memory, 1 to 16.
    pub passes: u32,
    /// Lanes, 1 to 4.
    pub lanes: u32,
}

impl ArgonCost {
    /// The cost for a root key: 256 MiB, three passes, one lane; a little under a second on a small server.
    pub const ROOT: Self = Self { memory_kib: 256 * 1024, passes: 3, lanes: 1 };

    /// Holds the cost against the limits of [`crate::limits`].
    ///
    /// # Errors
    /// [`KeyError::ArgonMemory`], [`KeyError::ArgonPasses`], [`KeyError::ArgonLanes`].
    pub fn check(self) -> Result<(), KeyError> {
        let Self { memory_kib, passes, lanes } = self;
        if !(ARGON_MEMORY_KIB_MIN..=ARGON_MEMORY_KIB_MAX).contains(&memory_kib) {
            return Err(KeyError::ArgonMemory { memory_kib });
        }
        if !(ARGON_PASSES_MIN..=ARGON_PASSES_MAX).contains(&passes) {
            return Err(KeyError::ArgonPasses { passes });
        }
        if !(ARGON_LANES_MIN..=ARGON_LANES_MAX).contains(&lanes) {
            return Err(KeyError::ArgonLanes { lanes });
        }
        Ok(())
    }
}

/// `Argon2id(passphrase, salt, m, t, p)`, version 0x13, 32 bytes (RFC 9106).
pub(super) fn stretch(
    passphrase: &Passphrase,
    salt: &[u8; ARGON_SALT_BYTES],
    cost: ArgonCost,
) -> Result<Secret, KeyError> {
    cost.check()?;
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY_BYTES))
        .expect("the cost was just checked, and its limits lie inside Argon2's");
    let mut memory = work_memory(params.block_count())?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Secret::filled(|key| {
        argon
            .hash_password_into_with_memory(&passphrase.0, salt, key, memory.as_mut_slice())
            .expect("lengths of passphrase, salt, key and memory lie inside Argon2's limits");
        Ok(())
    })
}

/// Our own memory for the work, because the crate does not wipe the memory that it allocates itself.
fn work_memory(blocks: usize) -> Result<Zeroizing<Vec<Block>>, KeyError> {
    let mut memory = Vec::new();
    memory.try_reserve_exact(blocks).map_err(|_| KeyError::ArgonMemoryUnavailable)?;
    memory.resize(blocks, Block::new());
    Ok(Zeroizing::new(memory))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(length: usize) -> Result<Passphrase, KeyError> {
        Passphrase::new(Zeroizing::new(vec![b'x'; length]))
    }

    #[test]
    fn passphrases_are_bounded_in_length() {
        assert!(matches!(passphrase(11), Err(KeyError::PassphraseLength)));
        assert!(passphrase(12).is_ok());
        assert!(passphrase(1024).is_ok());
        assert!(matches!(passphrase(1025), Err(KeyError::PassphraseLength)));
    }

    #[test]
    fn costs_are_bounded_on_both_sides() {
        let cost = |memory_kib, passes, lanes| ArgonCost { memory_kib, passes, lanes };
        for good in [ArgonCost::ROOT, cost(8 * 1024, 1, 1), cost(1024 * 1024, 16, 4)] {
            good.check().expect("inside the limits");
        }
        for memory_kib in [0, 8 * 1024 - 1, 1024 * 1024 + 1, u32::MAX] {
            assert!(matches!(
                cost(memory_kib, 1, 1).check(),
                Err(KeyError::ArgonMemory { memory_kib: found }) if found == memory_kib
            ));
        }
        for passes in [0, 17, u32::MAX] {
            assert!(matches!(
                cost(8 * 1024, passes, 1).check(),
                Err(KeyError::ArgonPasses { passes: found }) if found == passes
            ));
        }
        for lanes in [0, 5, u32::MAX] {
            assert!(matches!(
                cost(8 * 1024, 1, lanes).check(),
                Err(KeyError::ArgonLanes { lanes: found }) if found == lanes
            ));
        }
    }

    #[test]
    fn a_cost_out_of_bounds_is_refused_before_any_memory_is_taken() {
        let greedy = ArgonCost { memory_kib: u32::MAX, passes: u32::MAX, lanes: 1 };
        let phrase = passphrase(12).expect("long enough");
        assert!(matches!(
            stretch(&phrase, &[0; ARGON_SALT_BYTES], greedy),
            Err(KeyError::ArgonMemory { .. })
        ));
    }
}
