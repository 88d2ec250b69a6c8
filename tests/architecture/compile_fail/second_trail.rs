//! The trail takes the only applier, so there is one trail.
use gridvault::store::Applier;
use gridvault::trail::{Settings, Surroundings, Trail, TrailFault};

type Start = (Settings, Surroundings);

pub fn twice(applier: Applier, spare: Applier, one: Start, other: Start) -> Result<(), TrailFault> {
    Trail::start(applier, one.0, one.1, Vec::new())?;
    Trail::start(applier, other.0, other.1, Vec::new())?;
    Ok(())
}
