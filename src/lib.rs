//! Gridvault: a protected store for the personal data that is collected in urban and rural grids.
//!
//! The rooms, in the order in which a request walks through them. Who may import whom is held by
//! `tests/architecture`.

pub mod access; // may they: rules -> Permit or Denied
pub mod cli; // one file per command: parse, call, print
pub mod http; // the door: routes, extractors, replies
pub mod identity; // who is asking: token -> Actor
pub mod operations; // one file per verb
pub mod oversight; // what officers do with the log
pub mod purposes; // why data may be held or used
pub mod records; // what a record is
pub mod seal; // sections <-> sealed bytes
pub mod store; // ordered key space of sealed bytes
pub mod synthetic;
pub mod territory; // the tree of grids and the cells under it
pub mod trail; // the one door for change: journal, committer, receipts // the sample city; only cli knows it

pub mod ambient; // time and chance
pub mod config; // file, environment, flags -> one checked Config
pub mod limits; // every limit, with unit and reason
