//! Only `trail` makes a receipt: the entry that it names cannot be exchanged.
use gridvault::trail::Receipt;

pub fn rename<T>(receipt: Receipt<T>) -> Receipt<T> {
    Receipt { index: 7, ..receipt }
}
