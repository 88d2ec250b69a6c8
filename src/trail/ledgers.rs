//! Counts distinct things against their bounds, in the order of the log.
//! Never forgets a count that the store does not have: a ledger is in memory whole or not at all.
//! What a window has passed over is cleared away a little with every count.

use crate::access::{Bound, Charge, Hour};
use crate::limits::LEDGER_TAGS_COUNT_MAX;
use crate::store::{Applier, Key, Op, StoreError, Version};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Whose ledger, and which.
type Place = ([u8; 16], u8);

/// Steps that one count adds at most to clear away what is over.
const CLEARED_COUNT: usize = 4;

/// What one count brings into the journal at most: a step with a key of an owner, a ledger and a tag and an hour, and
/// the steps that clear away.
pub(super) const CHARGE_BYTES: usize = 96 + CLEARED_COUNT * 64;

#[derive(Default)]
struct Held {
    counted: HashMap<[u8; 16], Hour>,
    /// Counts that are over, still in the store.
    over: Vec<Key>,
}

/// The ledgers that were asked about lately.
pub(super) struct Ledgers {
    held: HashMap<Place, Held>,
    tags_count: usize,
    tags_count_max: usize,
}

impl Default for Ledgers {
    fn default() -> Ledgers {
        Ledgers::with_room_for(LEDGER_TAGS_COUNT_MAX)
    }
}

impl Ledgers {
    pub(super) fn with_room_for(tags_count_max: usize) -> Ledgers {
        Ledgers { held: HashMap::new(), tags_count: 0, tags_count_max }
    }

    /// Counts everything or, where one of its bounds does not allow it, nothing. The steps to store come back, so that the
    /// count survives the process.
    pub(super) fn charge(
        &mut self,
        charges: &[Charge],
        applier: &Applier,
    ) -> Result<Option<Vec<Op>>, StoreError> {
        for charge in charges {
            let place = charge.ledger.to_parts();
            self.look(place, charge.hour, applier)?;
            if !self.is_free(charge) && !self.has_room(place, charge, charges) {
                return Ok(None);
            }
        }
        let mut ops = Vec::with_capacity(charges.len());
        for charge in charges {
            self.count(charge, &mut ops);
        }
        Ok(Some(ops))
    }

    /// Whether it was counted already in the shortest window that looks at it.
    fn is_free(&self, charge: &Charge) -> bool {
        let place = charge.ledger.to_parts();
        let hour = self.held.get(&place).and_then(|held| held.counted.get(&charge.tag));
        hour.is_some_and(|hour| match charge.bound {
            Bound::Total(_) => true,
            Bound::Windows { .. } => charge.hour.is_same_day(*hour),
        })
    }

    /// Whether the ledger may hold everything that the operation brings to it.
    fn has_room(&self, place: Place, charge: &Charge, charges: &[Charge]) -> bool {
        let held = self.held.get(&place).map_or(0, |held| held.counted.len());
        // Nearly everybody is far below the shorter bound: nothing has to be looked at then.
        if held + charges.len() <= charge.bound.least() as usize {
            return true;
        }
        let brought = || charges.iter().filter(|other| other.ledger.to_parts() == place);
        let comes = |tag: &[u8; 16]| brought().any(|other| other.tag == *tag);
        let before = self.held.get(&place).into_iter().flat_map(|held| &held.counted);
        let before = before.filter(|(tag, _)| !comes(tag)).map(|(_, hour)| *hour);
        let first = |at: usize, tag| brought().take(at).all(|other| other.tag != tag);
        let new = brought().enumerate().filter(|(at, other)| first(*at, other.tag));
        charge.bound.allows(charge.hour, before.chain(new.map(|(_, other)| other.hour)))
    }

    fn count(&mut self, charge: &Charge, ops: &mut Vec<Op>) {
        let (owner, ledger) = charge.ledger.to_parts();
        let held = self.held.entry((owner, ledger)).or_default();
        let later = match held.counted.entry(charge.tag) {
            Entry::Vacant(place) => {
                place.insert(charge.hour);
                self.tags_count += 1;
                true
            }
            Entry::Occupied(mut place) => {
                let later = charge.hour > *place.get();
                if later {
                    place.insert(charge.hour);
                }
                later
            }
        };
        if later {
            let key = Key::charge(&owner, ledger, &charge.tag);
            // What is counted anew must not be cleared away for what it was before.
            held.over.retain(|over| *over != key);
            ops.push(Op::Put(key, Version(1), charge.hour.0.to_be_bytes().to_vec()));
        }
        let cleared = held.over.len().saturating_sub(CLEARED_COUNT);
        ops.extend(held.over.drain(cleared..).map(Op::Delete));
    }

    /// Has a ledger in memory as the store has it. After a restart, or whatever the clock says, nobody gets a second
    /// allowance.
    fn look(&mut self, place: Place, now: Hour, applier: &Applier) -> Result<(), StoreError> {
        let Entry::Vacant(vacant) = self.held.entry(place) else { return Ok(()) };
        let held = vacant.insert(Held::default());
        for (key, stored) in applier.scan(&Key::charge_prefix(&place.0, place.1))? {
            let corrupt = StoreError::Corrupt { what: "charge" };
            let hour: Option<[u8; 4]> = stored.payload.as_slice().try_into().ok();
            let (Some(tag), Some(hour)) = (key.charge_tag(), hour) else { return Err(corrupt) };
            let hour = Hour(u32::from_be_bytes(hour));
            if hour.is_over(now) {
                held.over.push(key);
            } else {
                held.counted.insert(tag, hour);
            }
        }
        self.tags_count += held.counted.len();
        Ok(())
    }

    /// Everything counted is in the store now, so what is forgotten can be read again.
    pub(super) fn applied(&mut self) {
        if self.tags_count > self.tags_count_max {
            self.held.clear();
            self.tags_count = 0;
        }
    }
}
