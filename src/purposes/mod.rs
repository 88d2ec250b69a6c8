//! Why data may be held or used: purposes with their fields, legal bases, notices and periods.
//! Never knows roles, and never decides who may; it says what a purpose needs and whether a basis carries it.
//! A field that no active purpose lists can neither be stored nor read.

mod basis;
mod error;
mod file;
mod leaving;
mod purpose;

pub use basis::{BasisClaim, BasisProblem, ConsentClaim, ConsentGiver, ConsentMethod, check_basis};
pub use error::PurposeError;
pub use leaving::{HeldFor, Leaving};
pub use purpose::{BasisKind, LegalBasis, Notice, Purpose, PurposeGroup, PurposeId, PurposeSet};
