//! Every limit of the service, with its unit and its reason.
//! Holds numbers alone; the rooms that keep them are named beside each.
//! Raising one is a decision: its reason must still hold.

mod data;
mod door;
mod keeping;
mod operations;
mod oversight;
mod sealed;
mod trail;

pub use data::*;
pub use door::*;
pub use keeping::*;
pub use operations::*;
pub use oversight::*;
pub use sealed::*;
pub use trail::*;
