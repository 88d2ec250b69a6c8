//! A decision opens nothing before it is recorded.
use gridvault::access::Permit;
use gridvault::seal::{Opened, Seal, SealError};
use gridvault::store::Sealed;
use gridvault::trail::Receipt;

pub type Decided = Permit<Sealed>;
pub type Proof = Receipt<Sealed>;

pub fn open(seal: &Seal, proof: Decided) -> Result<Opened, SealError> {
    seal.open(proof)
}
