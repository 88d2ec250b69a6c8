//! The verifier: judges a log or a proof that someone else hands over, with nothing but a public key from outside.
//! Never uses the writer's code, never re-serialises an entry, and never reads more than one bundle into memory.
//! A log is accepted only if every byte that its checkpoint covers was read and agrees.

mod changes;
mod entry;
mod erasures;
mod expect;
mod finding;
mod json;
mod key;
mod ledger;
mod members;
mod note;
mod point;
mod policy;
mod proof;
mod pruning;
mod quick;
mod shelf;
mod tree;
mod walk;

pub use changes::{RecordChange, is_restore, record_changes};
pub use erasures::Erasures;
pub use expect::{Expectations, open_view};
pub use finding::{Class, Finding, VerifyError};
pub use key::{KeyError, VerifierKey};
pub use ledger::{DigestsHead, Ledger};
pub use note::{Cosignature, Cosigned, Head, open_checkpoint, open_note};
#[cfg(feature = "witness")]
pub(crate) use note::{
    checkpoint_origin, open_checkpoint_with_extensions, parse_decimal, parse_hash,
    with_log_lines_alone,
};
pub use policy::{LogDefinition, Policy, PolicyError, PolicyFault, WitnessDefinition, WitnessId};
pub use proof::{ProofSummary, verify_proof, verify_proof_under};
pub use shelf::{Found, Shelf, Source};
#[cfg(feature = "witness")]
pub(crate) use tree::empty_root;
pub use tree::{Hash, consistency_holds, hex_name, leaf_hash};
pub use walk::{Summary, Visitor, verify_directory, verify_log};
