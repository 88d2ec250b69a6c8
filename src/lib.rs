//! Gridvault: a protected store for the personal data that is collected in urban and rural grids.
//!
//! The rooms, in the order in which a request walks through them. Who may import whom is held by
//! `tests/architecture`.
//!
//! - `cli`: one file per command: parse, call, print
//! - `http`: the door: routes, extractors, replies
//! - `identity`: who is asking: token -> Actor
//! - `ceremony`: what takes two administrators at the host
//! - `operations`: one file per verb
//! - `oversight`: what officers do with the log
//! - `jobs`: long work beside the requests
//! - `access`: may they: rules -> Permit or Denied
//! - `purposes`: why data may be held or used
//! - `seal`: sections <-> sealed bytes
//! - `trail`: the one door for change: journal, committer, receipts
//! - `store`: ordered key space of sealed bytes
//! - `records`: what a record is
//! - `territory`: the tree of grids
//! - `synthetic`: the sample city; only `cli` knows it
//! - `unlock`: what a sealed process knows
//! - `ambient`: time and chance
//! - `config`: file, environment, flags -> one checked Config
//! - `files`: directories and whole files, durably
//! - `limits`: every limit, with unit and reason

pub mod access;
pub mod ambient;
pub mod ceremony;
pub mod cli;
pub mod config;
mod files;
pub mod http;
pub mod identity;
pub mod jobs;
pub mod limits;
pub mod operations;
pub mod oversight;
pub mod purposes;
pub mod records;
pub mod seal;
pub mod store;
pub mod synthetic;
pub mod territory;
pub mod trail;
pub mod unlock;
