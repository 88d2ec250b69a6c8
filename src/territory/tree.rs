//! The territory in memory: questions about grids and cells at a moment.
//! Never changes after it is made; a change makes another territory.
//! Every lookup is by map or binary search, so that a decision costs the same in a village and in a city.

use super::data::{AreaData, CellData, GridData, MappingData, TerritoryData};
use super::{Area, CodeError, GridCode, GridKind, Level, TerritoryError};
use crate::limits::{
    AREA_NAME_CHARACTERS_MAX, CELL_MAPPINGS_MAX, GRID_ALIASES_MAX, GRID_PREDECESSORS_MAX,
    TERRITORY_AREAS_MAX, TERRITORY_CELLS_MAX, TERRITORY_GRIDS_MAX,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Digits of an outside code (12 of the community, 3 of the grid).
const ALIAS_DIGITS: usize = 15;

/// The immutable place that a row names. It never moves; the grid around it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CellId(u64);

impl CellId {
    /// The cell that no grid ever has: where a decision looks for a record that is not there.
    pub const NOWHERE: CellId = CellId(u64::MAX);

    /// The cell with this number.
    pub const fn new(number: u64) -> CellId {
        CellId(number)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The cell with these bytes (big endian, so that keys sort by number).
    pub const fn from_bytes(bytes: [u8; 8]) -> CellId {
        CellId(u64::from_be_bytes(bytes))
    }

    /// The eight bytes, big endian.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for CellId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// A grid as it is or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    data: GridData,
    home: CellId,
}

impl Grid {
    /// The code.
    pub fn code(&self) -> GridCode {
        self.data.code
    }

    /// The public name.
    pub fn name(&self) -> &str {
        &self.data.name
    }

    /// What it is.
    pub fn kind(&self) -> GridKind {
        self.data.code.kind()
    }

    /// The host that it was made with; [`Territory::host_of`] says who hosts it at a time.
    pub fn host_grid(&self) -> Option<GridCode> {
        self.data.host_grid
    }

    /// From when it exists, in microseconds.
    pub fn valid_from(&self) -> i64 {
        self.data.valid_from
    }

    /// Until when it existed, in microseconds.
    pub fn valid_to(&self) -> Option<i64> {
        self.data.valid_to
    }

    /// The grids that it came from.
    pub fn predecessors(&self) -> &[GridCode] {
        &self.data.predecessors
    }

    /// The codes of 15 digits that other systems know it by.
    pub fn aliases(&self) -> &[String] {
        &self.data.aliases
    }

    /// Whether it exists at that time.
    pub fn is_valid(&self, at: i64) -> bool {
        self.data.valid_from <= at && self.data.valid_to.is_none_or(|end| at < end)
    }
}

/// The tree of grids and the cells under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Territory {
    areas: BTreeMap<Area, String>,
    grids: BTreeMap<GridCode, Grid>,
    cells: BTreeMap<CellId, Vec<MappingData>>,
    /// Every cell that ever lay in a grid.
    cells_of: BTreeMap<GridCode, BTreeSet<CellId>>,
    /// Exclusive grids by the home cell of their host, which follows the host through merges and renumbering.
    hosted: BTreeMap<CellId, Vec<GridCode>>,
    aliases: BTreeMap<String, Vec<GridCode>>,
}

impl Territory {
    /// Builds the territory, checking that everything holds together.
    ///
    /// # Errors
    /// The first thing that does not.
    pub fn from_data(data: TerritoryData) -> Result<Territory, TerritoryError> {
        check_count("grids", data.grids.len(), TERRITORY_GRIDS_MAX)?;
        check_count("cells", data.cells.len(), TERRITORY_CELLS_MAX)?;
        check_count("areas", data.areas.len(), TERRITORY_AREAS_MAX)?;
        let mut territory = Territory::default();
        for AreaData { area, name } in data.areas {
            let known = area.level() == Level::Grid || territory.areas.contains_key(&area);
            if known || !is_name(&name) {
                return Err(TerritoryError::WrongName(area.to_string()));
            }
            territory.areas.insert(area, name);
        }
        let codes: BTreeMap<GridCode, GridData> = collect_grids(data.grids)?;
        for cell in data.cells {
            territory.add_cell(cell, &codes)?;
        }
        territory.add_grids(codes)?;
        territory.index()?;
        Ok(territory)
    }

    /// The written form, in ascending order of codes and cells.
    pub fn to_data(&self) -> TerritoryData {
        let areas =
            self.areas.iter().map(|(area, name)| AreaData { area: *area, name: name.clone() });
        let cells = self
            .cells
            .iter()
            .map(|(cell, mapping)| CellData { cell: *cell, mapping: mapping.clone() });
        TerritoryData {
            areas: areas.collect(),
            grids: self.grids.values().map(|grid| grid.data.clone()).collect(),
            cells: cells.collect(),
        }
    }

    /// The grid with this code, past or present.
    pub fn grid(&self, code: &GridCode) -> Option<&Grid> {
        self.grids.get(code)
    }

    /// Every grid, past or present, in the order of codes.
    pub fn grids(&self) -> impl Iterator<Item = &Grid> {
        self.grids.values()
    }

    /// The name of an area: of a grid too.
    pub fn name_of(&self, area: &Area) -> Option<&str> {
        match area.as_grid() {
            Some(code) => self.grids.get(&code).map(Grid::name),
            None => self.areas.get(area).map(String::as_str),
        }
    }

    /// The grid in force behind a code of 16 digits or an outside code of 15. A code that is out of use leads to the grid
    /// that took its place.
    ///
    /// # Errors
    /// When the text is no code, the grid is not known, or it does not exist yet.
    pub fn resolve(&self, text: &str, at: i64) -> Result<GridCode, TerritoryError> {
        if text.len() == ALIAS_DIGITS {
            let codes = self.aliases.get(text).ok_or(TerritoryError::UnknownAlias)?;
            let valid = codes.iter().find(|code| self.is_valid(code, at));
            return valid.copied().ok_or(TerritoryError::UnknownAlias);
        }
        let code = text.parse().map_err(|why| code_error(text, why))?;
        let grid = self.grids.get(&code).ok_or(TerritoryError::UnknownGrid(code))?;
        if at < grid.data.valid_from {
            return Err(TerritoryError::NotYetValid(code));
        }
        // The home cell lies in the grid while that exists, and in its successor afterwards.
        self.grid_of(grid.home, at).ok_or(TerritoryError::Ended(code))
    }

    /// The cell that a new record in this grid gets; `None` when the grid does not exist at that time.
    pub fn cell_for_new_record(&self, code: &GridCode, at: i64) -> Option<CellId> {
        let grid = self.grids.get(code).filter(|grid| grid.is_valid(at))?;
        Some(grid.home)
    }

    /// The grid that a cell lies in at that time; `None` before the cell was made.
    pub fn grid_of(&self, cell: CellId, at: i64) -> Option<GridCode> {
        let mapping = self.cells.get(&cell)?;
        let after = mapping.partition_point(|entry| entry.from <= at);
        after.checked_sub(1).map(|place| mapping[place].grid)
    }

    /// The local grid whose head sees an exclusive grid at that time.
    pub fn host_of(&self, code: &GridCode, at: i64) -> Option<GridCode> {
        let grid = self.grids.get(code).filter(|grid| grid.is_valid(at))?;
        let host = self.grids.get(&grid.data.host_grid?)?;
        self.grid_of(host.home, at)
    }

    /// Whether a cell lies in an area at that time, or in an exclusive grid whose host does.
    pub fn covers(&self, scope: &Area, cell: CellId, at: i64) -> bool {
        let Some(code) = self.grid_of(cell, at) else {
            return false;
        };
        scope.contains(&code) || self.host_of(&code, at).is_some_and(|host| scope.contains(&host))
    }

    /// Every cell that an area covers at that time, in ascending order, each once.
    pub fn cells_in(&self, scope: &Area, at: i64) -> Vec<CellId> {
        let first = scope.first_code();
        let mut found = BTreeSet::new();
        let under =
            self.cells_of.range(range_from(&first)).take_while(|(code, _)| scope.contains(code));
        for (code, cells) in under {
            let here = cells.iter().filter(|cell| self.grid_of(**cell, at) == Some(*code));
            found.extend(here.copied());
        }
        let hosts = found.iter().filter_map(|cell| self.hosted.get(cell)).flatten();
        let units: Vec<GridCode> = hosts.copied().collect();
        for unit in units {
            let cells = self.cells_of.get(&unit).into_iter().flatten();
            found.extend(cells.filter(|cell| self.covers(scope, **cell, at)).copied());
        }
        found.into_iter().collect()
    }

    /// The areas that a grid lies in, from the city down to itself.
    pub fn ancestors(&self, code: &GridCode) -> [Area; 5] {
        code.ancestors()
    }

    /// The smallest number that no cell has.
    pub fn next_cell(&self) -> CellId {
        CellId(self.cells.last_key_value().map_or(1, |(cell, _)| cell.0.saturating_add(1)))
    }

    fn is_valid(&self, code: &GridCode, at: i64) -> bool {
        self.grids.get(code).is_some_and(|grid| grid.is_valid(at))
    }

    /// Adds a cell whose mapping is whole and lies within the periods of its grids.
    fn add_cell(
        &mut self,
        data: CellData,
        codes: &BTreeMap<GridCode, GridData>,
    ) -> Result<(), TerritoryError> {
        let CellData { cell, mapping } = data;
        check_count("places of a cell", mapping.len(), CELL_MAPPINGS_MAX)?;
        let joined = mapping
            .windows(2)
            .all(|pair| pair[0].to == Some(pair[1].from) && pair[0].from < pair[1].from);
        // An end without a successor would leave rows that nobody is responsible for.
        if !joined || mapping.last().is_none_or(|last| last.to.is_some()) {
            return Err(TerritoryError::BrokenMapping(cell));
        }
        for entry in &mapping {
            let grid = codes.get(&entry.grid).ok_or(TerritoryError::UnknownGrid(entry.grid))?;
            let ends = match (grid.valid_to, entry.to) {
                (None, _) => true,
                (Some(end), Some(to)) => to <= end,
                (Some(_), None) => false,
            };
            if entry.from < grid.valid_from || !ends {
                return Err(TerritoryError::OutsidePeriod { cell, grid: entry.grid });
            }
            self.cells_of.entry(entry.grid).or_default().insert(cell);
        }
        if self.cells.insert(cell, mapping).is_some() {
            Err(TerritoryError::CellTwice(cell))
        } else {
            Ok(())
        }
    }

    /// Gives every grid its home: the cell that lies in it as long as it exists. Where several do, the one made last is
    /// its own, since those that came by a merge are older.
    fn add_grids(&mut self, codes: BTreeMap<GridCode, GridData>) -> Result<(), TerritoryError> {
        for (code, data) in codes {
            let whole = |cell: &&CellId| {
                let entries = self.cells.get(*cell).into_iter().flatten();
                entries.clone().any(|entry| {
                    entry.grid == code
                        && entry.from == data.valid_from
                        && (entry.to.is_none() || entry.to == data.valid_to)
                })
            };
            let cells = self.cells_of.get(&code).into_iter().flatten();
            let home = *cells.rev().find(whole).ok_or(TerritoryError::NoCell(code))?;
            self.grids.insert(code, Grid { data, home });
        }
        Ok(())
    }

    /// Checks hosts, predecessors and outside codes, and builds the maps over them.
    fn index(&mut self) -> Result<(), TerritoryError> {
        for grid in self.grids.values() {
            let code = grid.code();
            // No order is asked for: a grid may take back the part that was once split off from it.
            let known = |other: &GridCode| *other != code && self.grids.contains_key(other);
            if !grid.predecessors().iter().all(known) {
                return Err(TerritoryError::WrongPredecessor(code));
            }
            if let Some(host) = grid.host_grid() {
                let host = self.grids.get(&host).filter(|host| host.is_valid(grid.valid_from()));
                let host = host.filter(|host| {
                    host.kind() == GridKind::Basic && grid.kind() == GridKind::Exclusive
                });
                let host = host.ok_or(TerritoryError::WrongHost(code))?;
                self.hosted.entry(host.home).or_default().push(code);
            }
            for alias in grid.aliases() {
                let others = self.aliases.entry(alias.clone()).or_default();
                let clash = others
                    .iter()
                    .filter_map(|other| self.grids.get(other))
                    .any(|other| overlap(other, grid));
                if clash {
                    return Err(TerritoryError::AliasUsedTwice(alias.clone()));
                }
                others.push(code);
            }
        }
        Ok(())
    }
}

fn collect_grids(grids: Vec<GridData>) -> Result<BTreeMap<GridCode, GridData>, TerritoryError> {
    let mut codes = BTreeMap::new();
    for grid in grids {
        let code = grid.code;
        check_count("predecessors", grid.predecessors.len(), GRID_PREDECESSORS_MAX)?;
        check_count("outside codes", grid.aliases.len(), GRID_ALIASES_MAX)?;
        if !is_name(&grid.name) {
            return Err(TerritoryError::WrongName(code.to_string()));
        }
        if grid.valid_to.is_some_and(|end| end <= grid.valid_from) {
            return Err(TerritoryError::EmptyPeriod(code));
        }
        for alias in &grid.aliases {
            check_alias(alias).map_err(|why| code_error(alias, why))?;
        }
        if codes.insert(code, grid).is_some() {
            return Err(TerritoryError::CodeUsedTwice(code));
        }
    }
    Ok(codes)
}

fn overlap(one: &Grid, other: &Grid) -> bool {
    let before = |first: &Grid, second: &Grid| {
        first.valid_to().is_some_and(|end| end <= second.valid_from())
    };
    !before(one, other) && !before(other, one)
}

fn check_alias(alias: &str) -> Result<(), CodeError> {
    if alias.len() != ALIAS_DIGITS {
        return Err(CodeError::WrongLength);
    }
    let digits = alias.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(()) } else { Err(CodeError::NotDigits) }
}

fn code_error(text: &str, why: CodeError) -> TerritoryError {
    // A long or odd text did not come from a form; what it is does not matter.
    let plain = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    TerritoryError::Code { text: if plain { text.to_owned() } else { "?".to_owned() }, why }
}

fn is_name(name: &str) -> bool {
    !name.trim().is_empty()
        && name.chars().count() <= AREA_NAME_CHARACTERS_MAX
        && !name.chars().any(char::is_control)
}

fn check_count(what: &'static str, count: usize, limit: usize) -> Result<(), TerritoryError> {
    if count > limit { Err(TerritoryError::TooMany { what, limit }) } else { Ok(()) }
}

/// Every code from these digits on.
fn range_from(first: &[u8; 16]) -> impl std::ops::RangeBounds<GridCode> {
    (std::ops::Bound::Included(GridCode::bound(*first)), std::ops::Bound::Unbounded)
}

#[cfg(test)]
mod tests;
