//! Counts distinct things against their bounds, in the order of the log.
//! Never forgets a count that the store does not have: a ledger is in memory whole or not at all.
//! What a window has passed over is cleared away a little with every count.

use crate::access::{Bound, Charge, Hour, LEDGER_PARTS_COUNT};
use crate::limits::LEDGER_TAGS_COUNT_MAX;
use crate::store::{Applier, Key, Op, StoreError, Version};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// Whose ledgers, and which family of them.
type Place = ([u8; 16], u8);

/// Steps that one count adds at most to clear away what is over.
const CLEARED_COUNT: usize = 4;

/// What one count brings into the journal at most: a step with a key of an owner, a family and a tag and the hours of its
/// ledgers, and the steps that clear away.
pub(super) const CHARGE_BYTES: usize = 96 + LEDGER_PARTS_COUNT * PART_BYTES + CLEARED_COUNT * 64;

/// A ledger of a family and an hour, as they are stored.
const PART_BYTES: usize = 5;

/// In which ledgers of its family a thing was counted, and when last in each.
#[derive(Clone, Default)]
struct Hours(Vec<(u8, Hour)>);

#[derive(Default)]
struct Held {
    counted: HashMap<[u8; 16], Hours>,
    /// How many things each ledger has.
    sizes: BTreeMap<u8, usize>,
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
    /// count survives the process: one for each thing, in however many ledgers of a family it was counted.
    pub(super) fn charge(
        &mut self,
        charges: &[Charge],
        applier: &Applier,
    ) -> Result<Option<Vec<Op>>, StoreError> {
        for charge in charges {
            self.look(charge, applier)?;
            if !self.is_free(charge) && !self.has_room(charge, charges) {
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
        let (place, part) = place_of(charge);
        let hours = self.held.get(&place).and_then(|held| held.counted.get(&charge.tag));
        hours.and_then(|hours| hours.of(part)).is_some_and(|hour| match charge.bound {
            Bound::Total(_) => true,
            Bound::Windows { .. } => charge.hour.is_same_day(hour),
        })
    }

    /// Whether the ledger may hold everything that the operation brings to it.
    fn has_room(&self, charge: &Charge, charges: &[Charge]) -> bool {
        let (place, part) = place_of(charge);
        let held = self.held.get(&place);
        let size = held.and_then(|held| held.sizes.get(&part)).copied().unwrap_or(0);
        // Nearly everybody is far below the shorter bound: nothing has to be looked at then.
        if size + charges.len() <= charge.bound.least() as usize {
            return true;
        }
        let brought = || charges.iter().filter(|other| other.ledger == charge.ledger);
        let comes = |tag: &[u8; 16]| brought().any(|other| other.tag == *tag);
        let before = held.into_iter().flat_map(|held| &held.counted);
        let before = before.filter(|(tag, _)| !comes(tag)).filter_map(|(_, hours)| hours.of(part));
        let first = |at: usize, tag| brought().take(at).all(|other| other.tag != tag);
        let new = brought().enumerate().filter(|(at, other)| first(*at, other.tag));
        charge.bound.allows(charge.hour, before.chain(new.map(|(_, other)| other.hour)))
    }

    fn count(&mut self, charge: &Charge, ops: &mut Vec<Op>) {
        let (place, part) = place_of(charge);
        let held = self.held.entry(place).or_default();
        let hours = match held.counted.entry(charge.tag) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                self.tags_count += 1;
                vacant.insert(Hours::default())
            }
        };
        let before = hours.of(part);
        if before.is_none() {
            *held.sizes.entry(part).or_default() += 1;
        }
        if before.is_none_or(|before| charge.hour > before) {
            hours.set(part, charge.hour);
            let key = Key::charge(&place.0, place.1, &charge.tag);
            let stored = Op::Put(key.clone(), Version(1), hours.encode());
            // What is counted anew must not be cleared away for what it was before.
            held.over.retain(|over| *over != key);
            match ops.iter_mut().find(|op| matches!(op, Op::Put(of, ..) if *of == key)) {
                Some(before) => *before = stored,
                None => ops.push(stored),
            }
        }
        let cleared = held.over.len().saturating_sub(CLEARED_COUNT);
        ops.extend(held.over.drain(cleared..).map(Op::Delete));
    }

    /// Has a family of ledgers in memory as the store has it. After a restart, or whatever the clock says, nobody gets a
    /// second allowance.
    fn look(&mut self, charge: &Charge, applier: &Applier) -> Result<(), StoreError> {
        let (place, _) = place_of(charge);
        let Entry::Vacant(vacant) = self.held.entry(place) else { return Ok(()) };
        let mut held = Held::default();
        for (key, stored) in applier.scan(&Key::charge_prefix(&place.0, place.1))? {
            let corrupt = StoreError::Corrupt { what: "charge" };
            let (Some(tag), Some(mut hours)) = (key.charge_tag(), Hours::decode(&stored.payload))
            else {
                return Err(corrupt);
            };
            hours.0.retain(|(_, hour)| !hour.is_over(charge.hour));
            if hours.0.is_empty() {
                held.over.push(key);
                continue;
            }
            for (part, _) in &hours.0 {
                *held.sizes.entry(*part).or_default() += 1;
            }
            held.counted.insert(tag, hours);
        }
        self.tags_count += held.counted.len();
        vacant.insert(held);
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

fn place_of(charge: &Charge) -> (Place, u8) {
    let (owner, family, part) = charge.ledger.to_parts();
    ((owner, family), part)
}

impl Hours {
    fn of(&self, part: u8) -> Option<Hour> {
        self.0.iter().find(|(own, _)| *own == part).map(|(_, hour)| *hour)
    }

    fn set(&mut self, part: u8, hour: Hour) {
        match self.0.iter_mut().find(|(own, _)| *own == part) {
            Some((_, known)) => *known = hour,
            None => self.0.push((part, hour)),
        }
    }

    /// Each ledger of the family, one byte, with its hour, four bytes, big-endian.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * PART_BYTES);
        for (part, hour) in &self.0 {
            bytes.push(*part);
            bytes.extend_from_slice(&hour.0.to_be_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Hours> {
        // As a ledger alone in its family was stored before there were families.
        if let Ok(hour) = bytes.try_into() {
            return Some(Hours(vec![(0, Hour(u32::from_be_bytes(hour)))]));
        }
        let (parts, rest) = bytes.as_chunks::<PART_BYTES>();
        let hours = parts.iter().map(|[part, hour @ ..]| (*part, Hour(u32::from_be_bytes(*hour))));
        (rest.is_empty() && !parts.is_empty()).then(|| Hours(hours.collect()))
    }
}
