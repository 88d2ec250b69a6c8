//! The receipt of a write does not open a record.
use gridvault::seal::{Draft, Opened, Seal, SealError};
use gridvault::store::Sealed;
use gridvault::trail::Receipt;

pub type Written = Receipt<Draft>;
pub type Proof = Receipt<Sealed>;

pub fn open(seal: &Seal, proof: Written) -> Result<Opened, SealError> {
    seal.open(proof)
}
