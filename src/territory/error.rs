//! What can be wrong with codes, areas and the mapping of cells.
//! Never carries anything about a person; codes and cells are about places.
//! Each variant says what happened and names the code or cell.

use super::{CellId, GridCode};

/// Why a text is no code or area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// Not one of the lengths that codes have.
    #[error("code has a wrong length")]
    WrongLength,
    /// Something else than ASCII digits.
    #[error("code has something else than digits")]
    NotDigits,
    /// No province has this number.
    #[error("code has no province")]
    NoProvince,
    /// A level is named under one that is not.
    #[error("code skips a level")]
    SkippedLevel,
    /// A kind of grid that is reserved or not known.
    #[error("code has a reserved kind of grid")]
    ReservedKind,
    /// The number of the grid is 000.
    #[error("code has no grid number")]
    NoGridNumber,
}

/// Why a territory cannot be, or a code leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TerritoryError {
    /// A text is no code.
    #[error("`{text}` is no code: {why}")]
    Code {
        /// The text.
        text: String,
        /// Why not.
        why: CodeError,
    },
    /// The territory has no such grid.
    #[error("grid `{0}` is not known")]
    UnknownGrid(GridCode),
    /// No grid has this outside code at that time.
    #[error("no grid has the outside code at that time")]
    UnknownAlias,
    /// The grid does not exist yet at that time.
    #[error("grid `{0}` is not yet valid at that time")]
    NotYetValid(GridCode),
    /// The grid has ended.
    #[error("grid `{0}` has ended at that time")]
    Ended(GridCode),
    /// A code is used a second time.
    #[error("grid code `{0}` is used a second time")]
    CodeUsedTwice(GridCode),
    /// An outside code leads to two grids at one time.
    #[error("outside code `{0}` leads to two grids at one time")]
    AliasUsedTwice(String),
    /// A cell is listed twice.
    #[error("cell {0} stands twice")]
    CellTwice(CellId),
    /// A period ends before it begins.
    #[error("grid `{0}` ends before it begins")]
    EmptyPeriod(GridCode),
    /// The mapping of a cell has a gap or an overlap, or ends.
    #[error("mapping of cell {0} is not whole")]
    BrokenMapping(CellId),
    /// A cell lies in a grid at a time when the grid does not exist.
    #[error("cell {cell} lies in grid `{grid}` outside its period")]
    OutsidePeriod {
        /// The cell.
        cell: CellId,
        /// The grid.
        grid: GridCode,
    },
    /// A grid has no cell of its own when it begins.
    #[error("grid `{0}` has no cell when it begins")]
    NoCell(GridCode),
    /// A host is given to a grid that has none, or is itself no basic grid of that time.
    #[error("grid `{0}` has an impossible host grid")]
    WrongHost(GridCode),
    /// A predecessor is unknown, or the grid itself.
    #[error("grid `{0}` has an impossible predecessor")]
    WrongPredecessor(GridCode),
    /// A name is empty, too long, or an area is named twice.
    #[error("name of `{0}` is empty, too long or given twice")]
    WrongName(String),
    /// More than the limit.
    #[error("more {what} than {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
}
