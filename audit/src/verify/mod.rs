//! The verifier: judges a log or a proof that someone else hands over, with nothing but a public key from outside.
//! Never uses the writer's code, never re-serialises an entry, and never reads more than one bundle into memory.
//! A log is accepted only if every byte that its checkpoint covers was read and agrees.

mod entry;
mod finding;
mod json;
mod key;
mod note;
mod point;
mod policy;
mod proof;
mod shelf;
mod tree;
mod walk;

pub use finding::{Class, Finding, VerifyError};
pub use key::{KeyError, VerifierKey};
pub use note::{Cosignature, Cosigned, Head, open_checkpoint, open_note};
pub use policy::{LogDefinition, Policy, PolicyError, PolicyFault, WitnessDefinition, WitnessId};
pub use proof::{ProofSummary, verify_proof, verify_proof_under};
pub use tree::{Hash, consistency_holds, leaf_hash};
pub use walk::{Summary, verify_directory};
