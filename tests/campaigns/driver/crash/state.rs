//! What a campaign came to so far, so that it can go on after any end of its own.
//! Never half written: it is renamed into place after every round.
//! Holds figures and failures, no value of any record.

use crate::fault::Fault;
use serde::{Deserialize, Serialize};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The figures.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The seed of all loads.
    pub seed: u64,
    /// Rounds that were judged.
    pub rounds: u64,
    /// Rounds in which everything held.
    pub passed: u64,
    /// The others.
    pub failed: u64,
    /// What failed, with the round in front.
    pub failures: Vec<String>,
    /// Vaults that were begun.
    pub vaults: u64,
    /// Vaults of which every record was read at their end.
    pub vaults_reread: u64,
    /// Answers that the clients had.
    pub acknowledged: u64,
    /// Attempts without an answer.
    pub under_way: u64,
    /// Writes among those that were there whole.
    pub whole: u64,
    /// Writes among those that had left nothing.
    pub absent: u64,
    /// Records read and numbers matched by the judge.
    pub looked_at: u64,
    /// Starts that were killed before they were ready.
    pub interrupted: u64,
    /// Time from each start to readiness, in microseconds.
    pub ready_us: Vec<u64>,
}

impl State {
    /// Goes on with the state in a folder, or begins one.
    pub fn open(folder: &Path, seed: u64) -> Result<State, Fault> {
        std::fs::create_dir_all(folder).map_err(|e| Fault::io("making", folder, e))?;
        let path = path_of(folder);
        if !path.exists() {
            return Ok(State { seed, ..State::default() });
        }
        let text = std::fs::read(&path).map_err(|e| Fault::io("reading", &path, e))?;
        serde_json::from_slice(&text).map_err(|_| Fault::Malformed("the campaign's state"))
    }

    /// Writes it into place.
    pub fn save(&self, folder: &Path) -> Result<(), Fault> {
        let (path, beside) = (path_of(folder), folder.join("state.json.new"));
        let text = serde_json::to_vec(self).map_err(|_| Fault::Malformed("the state"))?;
        let write = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&beside)?;
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&beside, &path)
        };
        write().map_err(|error| Fault::io("writing", &path, error))
    }

    /// The share of starts, in thousandths, that were ready within the time that comes back, in microseconds.
    pub fn ready_within_us(&self, thousandths: usize) -> u64 {
        let mut times = self.ready_us.clone();
        times.sort_unstable();
        let place = (times.len() * thousandths).div_ceil(1_000).saturating_sub(1);
        times.get(place).copied().unwrap_or_default()
    }
}

fn path_of(folder: &Path) -> PathBuf {
    folder.join("state.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_starts_is_taken_from_the_sorted_times() {
        let state = State { ready_us: (1..=100).rev().collect(), ..State::default() };
        assert_eq!(state.ready_within_us(500), 50);
        assert_eq!(state.ready_within_us(990), 99);
        assert_eq!(state.ready_within_us(1_000), 100);
        assert_eq!(State::default().ready_within_us(990), 0);
    }
}
