//! Long work beside the requests, one job a folder.
//! Never in a request's way: a job rests most of the time, and stops within a step when it is told to.
//! What a job did is an entry of the log.

mod pace;
mod rotation;
mod scrub;

pub use rotation::{Rotation, RotationProgress, RotationSettings, RotationWaker};
pub use scrub::{Scrub, ScrubSettings, ScrubState};
