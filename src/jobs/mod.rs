//! Long work beside the requests, one job a folder.
//! Never in a request's way: a job rests most of the time, and stops within a step when it is told to.
//! What a job did is an entry of the log.

mod expiry;
mod pace;
mod rotation;
mod scrub;
mod stop;

pub use expiry::{Expiry, ExpirySettings, ExpiryState};
pub use rotation::{Rotation, RotationProgress, RotationSettings, RotationWaker};
pub use scrub::{Scrub, ScrubSettings, ScrubState};
