//! What else is held of somebody follows when the days of its protection as a child are written or put right in one record.
//! Never a field of those records: they have the days among the attributes that decisions are made from, and nobody is shown one.
//! A day goes away on one person's word and comes nearer only with a correction that a second person agreed to, in all of them at once, and
//! never behind a date or a number that another record holds.

use crate::access::{Fact, Permit};
use crate::limits::BIRTHDAY_RECORDS_COUNT_MAX;
use crate::operations::OperationError;
use crate::operations::subject::{OwnRecords, key_of};
use crate::records::{Facts, Handle, RecordId, SubjectId};
use crate::seal::{Birthdays, Followers, KeyHold, Seal};
use crate::store::{Reader, Sealed};

/// The records that follow, as far as one change carries them.
pub(super) struct Following {
    followers: Followers,
    /// The names of the records in the log, in their order, and of everybody in them.
    named: (Vec<Handle>, Vec<Handle>),
    /// How many there are behind them.
    pub(super) left: usize,
}

/// What a change of a record does to the days of the person's other records.
#[derive(Clone, Copy)]
pub(super) struct Move {
    days: (i32, i32),
    nearer: bool,
}

impl Move {
    /// What follows from a patch of a record that has these attributes. Nothing where nobody is a minor by it or was: days that
    /// are over decide nothing.
    pub(super) fn of(birthdays: Birthdays, facts: &Facts, today: i32) -> Option<Move> {
        let Birthdays::Set(turns_14, turns_18) = birthdays else { return None };
        let days = (turns_14, turns_18);
        let nearer = facts.is_minor(today) && facts.turns_14.zip(facts.turns_18) > Some(days);
        (nearer || today < turns_18).then_some(Move { days, nearer })
    }

    /// What follows from a record that is stored with these attributes.
    pub(super) fn of_new(facts: &Facts, today: i32) -> Option<Move> {
        let days = facts.turns_14.zip(facts.turns_18)?;
        facts.is_minor(today).then_some(Move { days, nearer: false })
    }
}

impl Following {
    /// What is held of the person beside a record and has other days. The key is looked at first, unless the change holds it
    /// already: a record that is stored after the look moves its version.
    pub(super) async fn of(
        subject: SubjectId,
        (but, moved): (Option<RecordId>, Move),
        holds_key: bool,
        store: &Reader,
        seal: &Seal,
    ) -> Result<Following, OperationError> {
        let Move { days, nearer } = moved;
        let key = if holds_key { None } else { key_of(subject, store).await? };
        let key = key.map(|(wrapped, expect)| KeyHold { subject, wrapped, expect, is_last: false });
        let followers = Followers { records: Vec::new(), days, nearer, key };
        let mut following = Following { followers, named: (Vec::new(), Vec::new()), left: 0 };
        let mut records = OwnRecords::of(subject, store, seal);
        while let Some((sealed, facts)) = records.next_own().await? {
            let known = facts.turns_14.zip(facts.turns_18);
            let is_due = if nearer { known > Some(days) } else { known < Some(days) };
            if is_due && but != Some(sealed.row().header.id) {
                following.take(sealed, &facts);
            }
        }
        Ok(following)
    }

    /// Whether the days come nearer in more records than one change carries. No step may do that in front of another: what tells of a
    /// later day may be among those that are left.
    pub(super) fn is_too_large(&self) -> bool {
        self.followers.nearer && self.left > 0
    }

    fn take(&mut self, sealed: Sealed, facts: &Facts) {
        if self.followers.records.len() == BIRTHDAY_RECORDS_COUNT_MAX {
            self.left += 1;
            return;
        }
        let (records, people) = &mut self.named;
        records.push(facts.record_handle);
        people.extend(facts.subject_handles.iter().map(|(_, handle)| *handle));
        self.followers.records.push(sealed);
    }

    /// The records for the change, and their names for its entry.
    pub(super) fn into_parts(self) -> (Followers, Named) {
        let (records, people) = self.named;
        (self.followers, Named { records, people, left: self.left })
    }
}

/// What the entry says of the records that follow.
#[derive(Default)]
pub(super) struct Named {
    records: Vec<Handle>,
    people: Vec<Handle>,
    left: usize,
}

impl Named {
    /// Names them behind the record that they follow.
    pub(super) fn in_entry<T>(self, permit: Permit<T>) -> Permit<T> {
        let Named { records, people, left } = self;
        let mut further: Vec<Handle> = Vec::new();
        for handle in people {
            if !further.contains(&handle) && !permit.account().subjects.contains(&handle) {
                further.push(handle);
            }
        }
        let permit = permit.concerning(records, further);
        if left > 0 { permit.stating("left", Fact::Number(left as u64)) } else { permit }
    }
}
