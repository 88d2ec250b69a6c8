#![doc = include_str!("../README.md")]

pub mod certificate;
pub mod constants;
pub mod events;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod pack;
pub mod verify;
#[cfg(feature = "witness")]
pub mod witness;
pub mod write;

pub use events::Event;
pub use write::entry::{Draft, EntryError, Outcome, Prepared, Scalar};
pub use write::log::{Checkpoint, Log, LogError, Relief};
pub use write::note::{NoteSigner, kept_checkpoint, verifier_key};
pub use write::prune::{Minimum, prune};
pub use write::reader::{InclusionProof, LogReader};
pub use write::served::{ShownCheckpoint, TileName};
pub use write::tree::leaf_hash;
pub use write::witnessed::keep_witnessed;
