//! The sample city: invented divisions, people, dwellings, units, facilities and events for demos, tests and load.
//! Never reads a clock or the host's randomness, and never uses a division code, name list or number of the real world.
//! The same plan gives the same bytes, and every line is one that the vault accepts.

mod addresses;
mod buildings;
mod contacts;
mod dice;
mod events;
mod facilities;
mod families;
mod grounds;
mod households;
mod known;
mod layout;
mod lines;
mod names;
mod numbers;
mod oddities;
mod organisations;
mod staff;
mod territory;
mod words;

pub use lines::{Line, LineKind, Lines, SamplePerson, lines, sample};
pub use staff::{Post, StaffMember, staff};
pub use territory::territory;

use jiff::civil::Date;

/// What is to be made. Two plans that are equal give the same city.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CityPlan {
    /// People in households, at least; the last household of each grid is not cut.
    pub persons: u32,
    /// Where chance begins.
    pub seed: u64,
    /// The civil date in the city; ages and the last 90 days are counted back from it.
    pub today: Date,
    /// Only the first community: 工农社区 with grids 1 to 5 and three exclusive units.
    pub community_only: bool,
}

#[cfg(test)]
mod tests;
