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
mod refusals;
mod staff;
mod territory;
mod words;

pub use lines::{Line, LineKind, Lines, SamplePerson, lines, sample};
pub use refusals::ExpectedRefusal;
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
    /// How much of the tree there is.
    pub extent: Extent,
}

/// How much of the tree of grids a city has. Within it there are as many grids as the people need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Only the first grid.
    Grid,
    /// Only the first community: 工农社区 with grids 1 to 5 and three exclusive units.
    Community,
    /// Only the first street: 桂花桥街道 with up to 13 communities.
    Street,
    /// Only the first district: 望澜区 with up to 14 streets.
    County,
    /// All of it: 12 districts and counties.
    City,
}

/// The four sizes that tests and figures name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// One grid, 1,000 people: unit tests.
    S,
    /// One street, 60,000 people: the whole way through the interface.
    M,
    /// One district, 800,000 people: growth.
    L,
    /// The whole city, 10 million people: load alone.
    Xl,
}

impl Size {
    /// How many people.
    pub const fn persons(self) -> u32 {
        match self {
            Size::S => 1_000,
            Size::M => 60_000,
            Size::L => 800_000,
            Size::Xl => 10_000_000,
        }
    }

    /// How much of the tree.
    pub const fn extent(self) -> Extent {
        match self {
            Size::S => Extent::Grid,
            Size::M => Extent::Street,
            Size::L => Extent::County,
            Size::Xl => Extent::City,
        }
    }
}

#[cfg(test)]
mod tests;
