//! Rows of reviews: each opens under its own key alone.
//! Never the bytes of a record.
//! The keyring is that of the other tests.

use super::world::*;
use crate::records::RecordId;
use crate::seal::Seal;
use crate::store::Key;

#[test]
fn a_memo_opens_in_its_own_row_alone_and_no_other_row_takes_one() {
    let seal = Seal::new(keyring(), SCHEMAS.clone()).expect("a seal");
    let (one, other) = (Key::review_note(&[1; 16], 1), Key::review_note(&[1; 16], 2));
    let sealed = seal.seal_memo(&one, b"seen").expect("sealed");
    assert_eq!(seal.open_memo(&one, &sealed).expect("its own").as_slice(), b"seen");
    assert!(seal.open_memo(&other, &sealed).is_err());
    let row = Key::row(RecordId::from_bytes([1; 16]));
    assert!(seal.seal_memo(&row, b"seen").is_err());
    assert!(seal.open_memo(&row, &sealed).is_err());
}
