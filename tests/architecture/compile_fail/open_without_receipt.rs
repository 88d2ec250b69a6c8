//! Nothing is opened that was not recorded first.
use gridvault::seal::{Opened, Seal, SealError};
use gridvault::store::Sealed;
use gridvault::trail::Receipt;

pub type Proof = Receipt<Sealed>;

pub fn open(seal: &Seal, proof: Sealed) -> Result<Opened, SealError> {
    seal.open(proof)
}
