//! Gives every operation its place: checks, against everything sequenced before it, what it relies on.
//! Never writes; it only remembers versions, recent changes and counted values.
//! A permit decided under older versions is refused here, so no read follows its own revocation.

use super::ledgers::Ledgers;
use crate::access::{ActorId, Authority};
use crate::limits::KNOWN_VERSIONS_COUNT_MAX;
use crate::store::{Applier, Expect, Key, Op, StoreError, SystemKey, Version};
use std::collections::{HashMap, VecDeque};

/// The state of sequencing. Owned by the committer's thread.
pub(super) struct Sequencer {
    /// Sequenced in the group at hand and not yet applied.
    overlay: HashMap<Key, Version>,
    /// Version of the policy, as sequenced.
    policy: Option<Version>,
    /// Versions of the actors that were asked about, as sequenced.
    actors: HashMap<ActorId, Version>,
    recent: Recent,
    pub(super) ledgers: Ledgers,
}

/// Rows and subject keys that changed lately, with the stamp of the group that changed them.
struct Recent {
    keys_count_max: usize,
    /// Changes at or below this stamp may have been forgotten.
    floor: u64,
    changed: HashMap<Key, u64>,
    order: VecDeque<(Key, u64)>,
}

impl Sequencer {
    /// Begins after recovery.
    pub(super) fn new(applier: &Applier, recent_keys_count_max: usize) -> Sequencer {
        Sequencer {
            overlay: HashMap::new(),
            policy: None,
            actors: HashMap::new(),
            recent: Recent {
                keys_count_max: recent_keys_count_max,
                floor: applier.stamp(),
                changed: HashMap::new(),
                order: VecDeque::new(),
            },
            ledgers: Ledgers::default(),
        }
    }

    /// Whether a permit was given under what is in force now: what every operation of a caller relies on, so it is compared
    /// without a key.
    pub(super) fn stands(
        &mut self,
        authority: Option<&Authority>,
        applier: &Applier,
    ) -> Result<bool, StoreError> {
        let Some(authority) = authority else { return Ok(true) };
        let policy = match self.policy {
            Some(policy) => policy,
            None => *self.policy.insert(applier.version(&Key::system(SystemKey::Policy))?),
        };
        if policy.0 != authority.policy {
            return Ok(false);
        }
        let Some((actor, version)) = authority.actor else { return Ok(true) };
        if let Some(known) = self.actors.get(&actor) {
            return Ok(known.0 == version);
        }
        let known = applier.version(&Key::actor(actor.as_bytes()))?;
        self.actors.insert(actor, known);
        Ok(known.0 == version)
    }

    /// Whether everything that an operation relies on is still so.
    pub(super) fn holds(
        &mut self,
        expects: &[Expect],
        applier: &Applier,
    ) -> Result<bool, StoreError> {
        for expect in expects {
            if !self.is_current(expect, applier)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_current(&mut self, expect: &Expect, applier: &Applier) -> Result<bool, StoreError> {
        if let Some(version) = self.overlay.get(&expect.key) {
            return Ok(*version == expect.version);
        }
        if is_looked_at(&expect.key)
            && let Some(unchanged) = self.recent.unchanged_since(&expect.key, expect.stamp)
        {
            return Ok(unchanged);
        }
        Ok(applier.version(&expect.key)? == expect.version)
    }

    /// Takes the steps of an accepted operation into account for those behind it in the group.
    pub(super) fn accept(&mut self, ops: &[Op]) {
        for op in ops {
            let (key, version) = (op.key(), op.version_after());
            if key.is_policy() {
                self.policy = Some(version);
            } else if let Some(id) = key.actor_id() {
                // What is not known is asked of the store, which does not have it yet: so it is known from here on.
                self.actors.insert(ActorId::from_bytes(id), version);
            }
            self.overlay.insert(key.clone(), version);
        }
    }

    /// The group is applied and this is the store's stamp now.
    pub(super) fn applied(&mut self, stamp: u64) {
        for (key, _) in self.overlay.drain() {
            if is_looked_at(&key) {
                self.recent.record(key, stamp);
            }
        }
        // Only now: everything sequenced is in the store, so an actor or a count that is forgotten can be read again.
        if self.actors.len() > KNOWN_VERSIONS_COUNT_MAX {
            self.actors.clear();
        }
        self.ledgers.applied();
    }
}

/// Keys that callers look at together with others, and remember with a stamp.
fn is_looked_at(key: &Key) -> bool {
    key.is_row() || key.subject_of_key().is_some()
}

impl Recent {
    /// Nothing when it cannot be told: the change may be forgotten, or the look had no stamp.
    fn unchanged_since(&self, key: &Key, stamp: u64) -> Option<bool> {
        match self.changed.get(key) {
            // The look began before this change was applied as a whole. What was seen together with the key may be
            // half of it, even where the version is the new one already.
            Some(changed) if *changed > stamp => (stamp > 0).then_some(false),
            Some(_) => Some(true),
            None => (stamp >= self.floor).then_some(true),
        }
    }

    fn record(&mut self, key: Key, stamp: u64) {
        self.order.push_back((key.clone(), stamp));
        self.changed.insert(key, stamp);
        while self.order.len() > self.keys_count_max {
            let Some((oldest, at)) = self.order.pop_front() else { break };
            self.floor = self.floor.max(at);
            if self.changed.get(&oldest) == Some(&at) {
                self.changed.remove(&oldest);
            }
        }
    }
}
