//! Changes of the tree: a new grid, a merge, another number.
//! Never moves a row and never re-uses a code: what changes is which grid a cell lies in from a moment on.
//! A change gives another territory; the one before stays as it was, so that "as of" answers keep.

use super::data::{CellData, GridData, MappingData, TerritoryData};
use super::{CellId, GridCode, Territory, TerritoryError};

/// The code, name and outside codes of a grid that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGrid {
    /// A code that no grid has or had.
    pub code: GridCode,
    /// The public name.
    pub name: String,
    /// Codes of 15 digits that other systems know it by.
    pub aliases: Vec<String>,
}

/// A change of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GridChange {
    /// A grid that was not there, or a part split off from one: the rows of that part get the new cell later, in their headers.
    Create {
        /// The grid.
        grid: NewGrid,
        /// A cell that no grid has ([`Territory::next_cell`]).
        cell: CellId,
        /// For an exclusive grid, the local grid that manages it.
        host_grid: Option<GridCode>,
        /// The grids that it is split off from.
        predecessors: Vec<GridCode>,
    },
    /// Another code for the same ground: after a re-division, or a move to another community.
    Renumber {
        /// The code in force.
        from: GridCode,
        /// The code from now on.
        to: NewGrid,
    },
    /// Several grids become part of one.
    Merge {
        /// The grids that end.
        from: Vec<GridCode>,
        /// The grid that goes on.
        into: GridCode,
    },
}

impl Territory {
    /// The territory after a change that takes effect at that time. Time before it is not touched.
    ///
    /// # Errors
    /// When a grid is not in force at that time, a code was used before, or the result does not hold together.
    pub fn changed(&self, change: &GridChange, at: i64) -> Result<Territory, TerritoryError> {
        let mut data = self.to_data();
        match change {
            GridChange::Create { grid, cell, host_grid, predecessors } => {
                data.grids.push(made(grid, *host_grid, predecessors.clone(), at));
                let mapping = vec![MappingData { grid: grid.code, from: at, to: None }];
                data.cells.push(CellData { cell: *cell, mapping });
            }
            GridChange::Renumber { from, to } => {
                // The host of today: the one it was made with may itself have another number by now.
                let host = self.host_of(from, at);
                end(&mut data, from, at)?;
                data.grids.push(made(to, host, vec![*from], at));
                remap(&mut data, from, to.code, at);
            }
            GridChange::Merge { from, into } => {
                if !self.grid(into).ok_or(TerritoryError::UnknownGrid(*into))?.is_valid(at) {
                    return Err(TerritoryError::Ended(*into));
                }
                for grid in from {
                    end(&mut data, grid, at)?;
                    remap(&mut data, grid, *into, at);
                }
                let known = data.grids.iter_mut().find(|grid| grid.code == *into);
                known.ok_or(TerritoryError::UnknownGrid(*into))?.predecessors.extend(from);
            }
        }
        Territory::from_data(data)
    }
}

fn made(
    grid: &NewGrid,
    host_grid: Option<GridCode>,
    predecessors: Vec<GridCode>,
    at: i64,
) -> GridData {
    GridData {
        code: grid.code,
        name: grid.name.clone(),
        host_grid,
        valid_from: at,
        valid_to: None,
        predecessors,
        aliases: grid.aliases.clone(),
    }
}

fn end(data: &mut TerritoryData, code: &GridCode, at: i64) -> Result<(), TerritoryError> {
    let grid = data.grids.iter_mut().find(|grid| grid.code == *code);
    let grid = grid.ok_or(TerritoryError::UnknownGrid(*code))?;
    if grid.valid_to.is_some() {
        return Err(TerritoryError::Ended(*code));
    }
    if at <= grid.valid_from {
        return Err(TerritoryError::NotYetValid(*code));
    }
    grid.valid_to = Some(at);
    Ok(())
}

/// Lets every cell of a grid lie in another from that time on: one entry each, no row.
fn remap(data: &mut TerritoryData, from: &GridCode, to: GridCode, at: i64) {
    let last = data.cells.iter_mut().filter_map(|cell| {
        let here = cell.mapping.last().is_some_and(|entry| entry.grid == *from);
        here.then_some(&mut cell.mapping)
    });
    for mapping in last {
        if let Some(entry) = mapping.last_mut() {
            entry.to = Some(at);
        }
        mapping.push(MappingData { grid: to, from: at, to: None });
    }
}
