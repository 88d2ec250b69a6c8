//! The system's randomness as libraries ask for it that know of no failure. Never another source of it.
//! A failure is remembered, and whoever used it throws away what was made.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

use crate::secret::fill_random;

/// One use of the system's randomness.
#[derive(Default)]
pub(crate) struct SystemChance {
    failed: bool,
}

impl SystemChance {
    /// Whether anything of it was not random.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// So many random bytes, or such as has_failed says.
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.failed |= fill_random(&mut bytes).is_err();
        bytes
    }
}

impl TryRng for SystemChance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(self.array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.array()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.failed |= fill_random(bytes).is_err();
        Ok(())
    }
}

impl TryCryptoRng for SystemChance {}
