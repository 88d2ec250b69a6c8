//! Only `access` refuses: the reason of a refusal cannot be exchanged.
use gridvault::access::{Code, Denied};

pub fn soften(denied: Denied, why: Code) -> (Code, Denied) {
    (why, Denied { why, ..denied })
}
