//! The written form of a territory: grids, the cells under them, and the names of the areas above.
//! Never checked here; [`super::Territory::from_data`] refuses what does not hold together.
//! Times are microseconds since 1970-01-01T00:00:00Z; a period includes its first moment and not its last.

use super::{Area, CellId, GridCode};
use serde::{Deserialize, Serialize};

/// Everything that is known of the territory, past and present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerritoryData {
    /// Names of cities, counties, streets and communities.
    #[serde(default)]
    pub areas: Vec<AreaData>,
    /// Every grid that is or was.
    pub grids: Vec<GridData>,
    /// Every cell with the grids that it lay in.
    pub cells: Vec<CellData>,
}

/// The name of an area above the grids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AreaData {
    /// The area.
    pub area: Area,
    /// Its name.
    pub name: String,
}

/// One grid. Its kind stands in its code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridData {
    /// The code; never given to another grid.
    pub code: GridCode,
    /// The public name.
    pub name: String,
    /// For an exclusive grid: the local basic grid whose head sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_grid: Option<GridCode>,
    /// From when it exists.
    pub valid_from: i64,
    /// Until when it existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<i64>,
    /// The grids that it came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub predecessors: Vec<GridCode>,
    /// Codes of 15 digits that other systems know it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// One cell and its places in the tree, in order of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellData {
    /// The cell.
    pub cell: CellId,
    /// Where it lay and lies; each period begins where the one before ends, and the last has no end.
    pub mapping: Vec<MappingData>,
}

/// A cell's place during a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingData {
    /// The grid.
    pub grid: GridCode,
    /// From when.
    pub from: i64,
    /// Until when; none for the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i64>,
}
