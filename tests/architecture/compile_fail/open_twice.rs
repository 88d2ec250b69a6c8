//! A receipt opens what it is about once; the second look needs a second entry.
use gridvault::seal::{Opened, Seal, SealError};
use gridvault::store::Sealed;
use gridvault::trail::Receipt;

pub fn open(
    seal: &Seal,
    receipt: Receipt<Sealed>,
    second: Receipt<Sealed>,
) -> Result<[Opened; 2], SealError> {
    let one = seal.open(receipt)?;
    let other = seal.open(receipt)?;
    Ok([one, other])
}
