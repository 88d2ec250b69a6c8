//! A receipt is about the permit that was recorded and about no other.
use gridvault::access::Permit;
use gridvault::trail::Receipt;

pub fn exchange<T>(receipt: Receipt<T>, permit: Permit<T>) -> (Receipt<T>, Option<Permit<T>>) {
    (Receipt { permit, ..receipt }, None)
}
