//! The tree of grids and the cells under it: which grid a record lies in now, and where it lay then.
//! Never touches a record: a row names a cell, and only the mapping of cells to grids changes.
//! A code is never used twice, and at any time a cell lies in exactly one grid.

mod changes;
mod code;
mod data;
mod error;
mod tree;

pub use changes::{GridChange, NewGrid};
pub use code::{Area, DivisionCode, GridCode, GridKind, Level};
pub use data::{AreaData, CellData, GridData, MappingData, TerritoryData};
pub use error::{CodeError, TerritoryError};
pub use tree::{CellId, Grid, Territory};
