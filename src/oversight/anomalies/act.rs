//! An entry as rules look at it: which account, what it opened or listed, when by the country's time.
//! Never an entry without an account, and never more than the entry says.
//! Handles are compared by a 64-bit fingerprint; they are random, so two never share one in practice.

use super::super::entry::LogEntry;
use crate::access::ActorId;
use crate::ambient::Micros;
use std::collections::HashSet;

/// An entry that has an account.
pub(super) struct Act<'a> {
    pub(super) entry: &'a LogEntry,
    pub(super) actor: ActorId,
    /// Days since 1970, by the country's time.
    pub(super) day: i32,
    /// Hour of the country's time.
    pub(super) hour: u8,
    /// Whether it is a list that shows something of people in clear, as that of a task does.
    shows_people: bool,
}

impl<'a> Act<'a> {
    /// With what tells of an entry whether it shows something of people in clear.
    pub(super) fn of(
        entry: &'a LogEntry,
        in_clear: impl FnOnce(&LogEntry) -> bool,
    ) -> Option<Act<'a>> {
        let actor = entry.who.as_deref()?.parse().ok()?;
        let (day, hour) = local(entry.t);
        let mut act = Act { entry, actor, day, hour, shows_people: false };
        act.shows_people = act.lists() && in_clear(entry);
        Some(act)
    }

    fn is(&self, action: &str) -> bool {
        self.entry.out == "success" && self.entry.ev == "data" && self.entry.act == action
    }

    /// Whether it opened what it names: one record, the people of one place, or a list of people in clear.
    pub(super) fn opens(&self) -> bool {
        self.is("read") || self.is("occupants") || self.shows_people
    }

    /// Whether it was a number at the counter under which nobody was found.
    pub(super) fn misses_at_counter(&self) -> bool {
        let LogEntry { ev, act, out, task, .. } = self.entry;
        (ev.as_str(), act.as_str(), out.as_str()) == ("task", "counter_check", "success")
            && task.is_none()
    }

    /// Whether it listed records.
    pub(super) fn lists(&self) -> bool {
        self.is("query")
    }

    /// Whether it opened or changed a record by itself, or showed it in clear among others.
    pub(super) fn touches(&self) -> bool {
        self.is("read") || self.is("update") || self.is("delete") || self.shows_people
    }

    /// Fingerprints of what was asked for: every record of a list; of one record or place the first, behind which its people stand.
    pub(super) fn asked_for(&self) -> impl Iterator<Item = u64> {
        let count = if self.lists() { self.entry.rec.len() } else { 1 };
        self.records().take(count)
    }

    /// Fingerprints of the records that it names.
    pub(super) fn records(&self) -> impl Iterator<Item = u64> {
        self.entry.rec.iter().map(|handle| fingerprint(handle))
    }

    /// Records that it names or counts.
    pub(super) fn records_count(&self) -> u64 {
        self.entry.n.unwrap_or(self.entry.rec.len() as u64)
    }
}

/// Day and hour of the country's time.
pub(super) fn local(time: u64) -> (i32, u8) {
    let at = Micros(i64::try_from(time).unwrap_or(i64::MAX));
    (at.local_days(), at.local_hour())
}

/// When a day of the country's time begins and ends, in microseconds since 1970.
pub(super) fn span(day: i32) -> (u64, u64) {
    let begins = |day| u64::try_from(Micros::of_local_day(day).0).unwrap_or(0);
    (begins(day), begins(day.saturating_add(1)))
}

/// FNV-1a over the text of a handle.
pub(super) fn fingerprint(handle: &str) -> u64 {
    handle.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Things that are counted once each.
#[derive(Default)]
pub(super) struct Distinct(HashSet<u64>);

impl Distinct {
    /// Counts one, if there is room for it. Says whether it is new.
    pub(super) fn add(&mut self, one: u64, room: &mut usize) -> bool {
        if self.0.contains(&one) || *room == 0 {
            return false;
        }
        *room -= 1;
        self.0.insert(one)
    }

    pub(super) fn count(&self) -> u32 {
        self.0.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_countrys() {
        // 2026-01-01T16:00:00Z is midnight there.
        let midnight = 1_767_283_200_000_000;
        let (day, hour) = local(midnight);
        assert_eq!(hour, 0);
        assert_eq!(local(midnight - 1), (day - 1, 23));
        assert_eq!(span(day).0, midnight);
        assert_eq!(span(day).1, midnight + 86_400_000_000);
    }

    #[test]
    fn what_is_counted_is_counted_once_and_no_more_than_there_is_room_for() {
        let (mut distinct, mut room) = (Distinct::default(), 2);
        assert!(distinct.add(1, &mut room) && !distinct.add(1, &mut room));
        assert!(distinct.add(2, &mut room) && !distinct.add(3, &mut room));
        assert_eq!((distinct.count(), room), (2, 0));
    }
}
