//! A permit is recorded once; the second look needs a second decision.
use gridvault::access::Permit;
use gridvault::records::Target;
use gridvault::trail::{Receipt, Refused, Trail};

pub async fn append<T: Target>(
    trail: &Trail,
    permit: Permit<T>,
    second: Permit<T>,
) -> Result<[Receipt<T>; 2], Refused<T>> {
    let one = trail.append(permit).await?;
    let other = trail.append(permit).await?;
    Ok([one, other])
}
