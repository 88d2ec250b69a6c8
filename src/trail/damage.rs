//! Records what a request met that is not what the vault wrote, and counts it for whoever operates the vault.
//! Never within a budget of refusals: it is nobody's trying, and each costs one entry, as a read that goes well does.
//! Who cannot be told so is told nothing: an answer waits for its entry like any other.

use super::entry;
use super::space::Need;
use super::start::unchanged;
use super::{Recorded, Trail, TrailError};
use crate::access::Damage;
use crate::store::Change;
use std::sync::atomic::Ordering;

impl Trail {
    /// Records it. One entry, whatever a request met.
    ///
    /// # Errors
    /// When the trail takes nothing more.
    pub async fn tell(&self, damage: Damage) -> Result<Recorded, TrailError> {
        self.counted.damaged.fetch_add(1, Ordering::Relaxed);
        let entry = entry::damaged(damage.account(), &self.keyring, &*self.clock)?;
        let told = self.submit(entry, Change::default(), Vec::new(), Need::Entry);
        told.await.map_err(unchanged)
    }
}
