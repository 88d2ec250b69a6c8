//! One file per group of calls: bodies in, one operation, bodies out.
//! Never a decision and never a status but that of success; refusals are problems.
//! The bodies are the contract with clients: the OpenAPI document is made from them.

pub(super) mod admin;
pub(super) mod anomalies;
pub(super) mod approvals;
pub(super) mod audit;
pub(super) mod batch;
pub(super) mod break_glass;
mod brought;
pub(super) mod consents;
pub(super) mod counter;
pub(super) mod delegations;
pub(super) mod describe;
pub(super) mod due;
pub(super) mod erasure;
pub(super) mod health;
pub(super) mod households;
mod items;
pub(super) mod keys;
pub(super) mod lists;
pub(super) mod log;
pub(super) mod log_in;
pub(super) mod matching;
pub(super) mod official;
pub(super) mod packs;
pub(super) mod placing;
pub(super) mod posts;
pub(super) mod preview;
pub(super) mod protection;
pub(super) mod raise_limit;
pub(super) mod records;
pub(super) mod rectifications;
pub(super) mod report;
pub(super) mod restraints;
pub(super) mod reviews;
pub(super) mod roster;
pub(super) mod subject_access;
pub(super) mod tasks;
pub(super) mod unsealing;
pub(super) mod ways;
