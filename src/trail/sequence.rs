//! Gives every operation its place: checks, against everything sequenced before it, what it relies on.
//! Never writes; it only remembers versions, recent changes and counted values.
//! A permit decided under older versions is refused here, so no read follows its own revocation.

use crate::access::{ActorId, Authority, Charge};
use crate::limits::KNOWN_VERSIONS_COUNT_MAX;
use crate::store::{Applier, Expect, Key, Op, StoreError, SystemKey, Version};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// The state of sequencing. Owned by the committer's thread.
pub(super) struct Sequencer {
    /// Sequenced in the group at hand and not yet applied.
    overlay: HashMap<Key, Version>,
    /// Version of the policy, as sequenced.
    policy: Option<Version>,
    /// Versions of the actors that were asked about, as sequenced.
    actors: HashMap<ActorId, Version>,
    recent: Recent,
    /// What was counted on the days that were asked about lately. A day is here whole or not at all.
    charges: BTreeMap<i32, HashMap<ActorId, HashSet<[u8; 16]>>>,
}

/// Days whose counts stay in memory: today, and yesterday for what was decided before midnight.
const CHARGE_DAYS_COUNT: usize = 2;

/// What a counted value brings into the journal at most: a step with a key of an actor, a day and a tag, and no payload.
pub(super) const CHARGE_BYTES: usize = 80;

/// Rows and subject keys that changed lately, with the stamp of the group that changed them.
struct Recent {
    keys_count_max: usize,
    /// Changes at or below this stamp may have been forgotten.
    floor: u64,
    changed: HashMap<Key, u64>,
    order: VecDeque<(Key, u64)>,
}

impl Sequencer {
    /// Begins after recovery; what was counted on these days is read back from the store at once.
    pub(super) fn new(
        applier: &Applier,
        days: &[i32],
        recent_keys_count_max: usize,
    ) -> Result<Sequencer, StoreError> {
        let charges = days.iter().map(|day| Ok((*day, charges_of(*day, applier)?)));
        let charges = charges.collect::<Result<_, StoreError>>()?;
        Ok(Sequencer {
            overlay: HashMap::new(),
            policy: None,
            actors: HashMap::new(),
            recent: Recent {
                keys_count_max: recent_keys_count_max,
                floor: applier.stamp(),
                changed: HashMap::new(),
                order: VecDeque::new(),
            },
            charges,
        })
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

    /// Counts distinct values; says no at the limit. Values that were counted before are free.
    /// The steps to store come back, so that the count survives the process.
    pub(super) fn charge(
        &mut self,
        charges: &[(ActorId, Charge)],
        applier: &Applier,
    ) -> Result<Option<Vec<Op>>, StoreError> {
        let mut fresh: Vec<(ActorId, &Charge)> = Vec::new();
        for (actor, charge) in charges {
            let again = |(other, seen): &(ActorId, &Charge)| {
                other == actor && seen.day == charge.day && seen.tag == charge.tag
            };
            let counted = self.counted(*actor, charge.day, applier)?;
            if !counted.contains(&charge.tag) && !fresh.iter().any(again) {
                fresh.push((*actor, charge));
            }
        }
        for (actor, charge) in &fresh {
            let new = fresh.iter().filter(|(other, c)| other == actor && c.day == charge.day);
            let new = new.count();
            if self.counted(*actor, charge.day, applier)?.len() + new > charge.limit as usize {
                return Ok(None);
            }
        }
        let mut ops = Vec::with_capacity(fresh.len());
        for (actor, charge) in fresh {
            self.counted(actor, charge.day, applier)?.insert(charge.tag);
            let key = Key::charge(actor.as_bytes(), charge.day, &charge.tag);
            ops.push(Op::Put(key, Version(1), Vec::new()));
        }
        Ok(Some(ops))
    }

    /// What an actor was charged on a day. The store is asked once for each day, whatever day the clock says it
    /// is: a clock that is set, or a restart, must not give anybody a second allowance.
    fn counted(
        &mut self,
        actor: ActorId,
        day: i32,
        applier: &Applier,
    ) -> Result<&mut HashSet<[u8; 16]>, StoreError> {
        let actors = match self.charges.entry(day) {
            Entry::Occupied(held) => held.into_mut(),
            Entry::Vacant(place) => place.insert(charges_of(day, applier)?),
        };
        Ok(actors.entry(actor).or_default())
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
        // Only now: everything sequenced is in the store, so an actor or a day that is forgotten can be read again.
        if self.actors.len() > KNOWN_VERSIONS_COUNT_MAX {
            self.actors.clear();
        }
        while self.charges.len() > CHARGE_DAYS_COUNT {
            self.charges.pop_first();
        }
    }
}

/// Keys that callers look at together with others, and remember with a stamp.
fn is_looked_at(key: &Key) -> bool {
    key.is_row() || key.subject_of_key().is_some()
}

fn charges_of(
    day: i32,
    applier: &Applier,
) -> Result<HashMap<ActorId, HashSet<[u8; 16]>>, StoreError> {
    let mut actors: HashMap<ActorId, HashSet<[u8; 16]>> = HashMap::new();
    for (key, _) in applier.scan(&Key::charge_day_prefix(day))? {
        let (actor, tag) = key.charge_parts().ok_or(StoreError::Corrupt { what: "charge" })?;
        actors.entry(ActorId::from_bytes(actor)).or_default().insert(tag);
    }
    Ok(actors)
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
