//! Whoever looks at a resident's value says why.
use gridvault::records::{Reason, Sensitive};

pub fn look(value: &Sensitive<String>, reason: Reason) -> usize {
    let _why = reason;
    value.expose_for(reason).len()
}
