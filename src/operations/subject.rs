//! Whom a new record is about: somebody new, or a subject that the caller already holds.
//! Never lets a caller hang a record on a subject that it may not know of without a link from a match.
//! A subject has one audit handle, carried from record to record.

use super::{Asked, OperationError, draw};
use crate::access::Access;
use crate::ambient::Random;
use crate::limits::{PERSON_RECORDS_COUNT_MAX, SUBJECT_LOOKS_COUNT_MIN, SUBJECT_PAGE_COUNT};
use crate::records::{Facts, Handle, RecordId, Restraint, SubjectId};
use crate::seal::{KeyHold, KeySource, Seal};
use crate::store::{Expect, Key, Reader, RecordsOf, Sealed};
use crate::territory::Territory;
use std::collections::BTreeMap;

/// A subject with its handle and where its key comes from.
pub(super) struct Subject {
    pub(super) id: SubjectId,
    pub(super) handle: Handle,
    pub(super) key: KeySource,
    /// What every record about it says alike.
    pub(super) inherited: Inherited,
}

/// What one record about somebody tells of all of them.
#[derive(Clone, Default)]
pub(super) struct Inherited {
    /// The days on which it turns 14 and 18, where a record tells: a child is one in every record about it.
    pub(super) birthdays: Option<(i32, i32)>,
    /// Whether its address is protected: it is in every record about it.
    pub(super) protected: bool,
    /// What keeps what is held of it: a record that is stored meanwhile is kept like the others.
    pub(super) restraints: Vec<Restraint>,
}

impl Inherited {
    /// What one record more tells of the person.
    fn take(&mut self, subject: SubjectId, is_own: bool, facts: &Facts) {
        // The days are those of the record's own subject; of several the later protect longer.
        if is_own {
            self.birthdays = self.birthdays.max(facts.turns_14.zip(facts.turns_18));
            self.protected |= facts.protected_address;
        }
        let own = facts.restraints.iter().filter(|kept| kept.subject == *subject.as_bytes());
        for kept in own {
            if self.restraints.iter().all(|known| known.id != kept.id) {
                self.restraints.push(Restraint { part: None, ..kept.clone() });
            }
        }
    }
}

/// Somebody of whom nothing is held yet.
pub(super) fn new_subject(
    asked: &Asked<'_>,
    random: &dyn Random,
) -> Result<Subject, OperationError> {
    let id = draw::subject_id(asked.now, random)?;
    Ok(Subject {
        id,
        handle: draw::handle(random)?,
        key: KeySource::New,
        inherited: Inherited::default(),
    })
}

/// The subject that a caller names by id or by link, if it may.
pub(super) async fn held_subject(
    asked: &Asked<'_>,
    given: &str,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    territory: &Territory,
) -> Result<Option<Subject>, OperationError> {
    let actor = asked.actor.standing().actor;
    let linked = seal.follow(actor, given, asked.now);
    let Some(id) = linked.or_else(|| given.parse().ok()) else { return Ok(None) };
    // The key is looked at first: whoever protects the person after the look at its records moves the version.
    let key = key_of(id, store).await?;
    let Some((handle, inherited)) =
        handle_if_held(asked, id, linked.is_some(), store, seal, access, territory).await?
    else {
        return Ok(None);
    };
    let Some((wrapped, expect)) = key else { return Ok(None) };
    let key = KeySource::Held { wrapped, expect };
    Ok(Some(Subject { id, handle, key, inherited }))
}

/// The wrapped key of a subject, and what a change relies on that saw the subject as it was at this look: every record that is
/// stored about it or removed moves the version, and so does a protection.
pub(super) async fn key_of(
    subject: SubjectId,
    store: &Reader,
) -> Result<Option<(Vec<u8>, Expect)>, OperationError> {
    let (key, stamp) = (Key::subject_key(subject), store.stamp());
    let stored = store.get(&key).await?;
    Ok(stored.map(|stored| (stored.payload, Expect { key, version: stored.version, stamp })))
}

/// Everything that is held of somebody as its own, to the end.
pub(super) struct OwnRecords<'a> {
    subject: SubjectId,
    records: RecordsOf<'a>,
    seal: &'a Seal,
}

impl<'a> OwnRecords<'a> {
    /// From the beginning.
    pub(super) fn of(subject: SubjectId, store: &'a Reader, seal: &'a Seal) -> OwnRecords<'a> {
        OwnRecords { subject, records: RecordsOf::new(subject, store), seal }
    }

    /// The next record with its decision attributes; nothing behind the last.
    pub(super) async fn next_own(&mut self) -> Result<Option<(Sealed, Facts)>, OperationError> {
        while let Some(sealed) = self.records.next_record().await? {
            if sealed.row().header.subjects.first() == Some(&self.subject) {
                let facts = self.seal.facts(&sealed)?;
                return Ok(Some((sealed, facts)));
            }
        }
        Ok(None)
    }
}

/// Whether a person has as many records as one may have.
pub(super) async fn is_full(subject: SubjectId, store: &Reader) -> Result<bool, OperationError> {
    let prefix = Key::subject_listing_prefix(subject);
    let listed = store.scan(&prefix, None, PERSON_RECORDS_COUNT_MAX).await?;
    Ok(listed.len() >= PERSON_RECORDS_COUNT_MAX)
}

/// The handle of a subject that the caller may know of, and what its records tell of its age. As many as a page of listings has
/// tell all, since what is said of a person is said in each of its records; whether the caller knows of one is looked for to the end,
/// and whoever knows of none has cost as many looks as most people would.
async fn handle_if_held(
    asked: &Asked<'_>,
    subject: SubjectId,
    linked: bool,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    territory: &Territory,
) -> Result<Option<(Handle, Inherited)>, OperationError> {
    let (mut handle, mut inherited) = (None, Inherited::default());
    let (mut records, mut looks) = (RecordsOf::new(subject, store), 0);
    let wanted = |looks: usize, is_known: bool| looks < SUBJECT_PAGE_COUNT || !is_known;
    while looks < PERSON_RECORDS_COUNT_MAX && wanted(looks, handle.is_some()) {
        let Some(sealed) = records.next_record().await? else { break };
        looks += 1;
        let header = &sealed.row().header;
        let facts = seal.facts(&sealed)?;
        let known = linked
            || access.may_know(
                asked.actor.standing(),
                header.record_type,
                header.cell,
                facts.line.as_deref(),
                facts.protected_address,
                territory,
                asked.now,
            );
        if known && handle.is_none() {
            handle = facts.subject_handle(subject.as_bytes());
        }
        inherited.take(subject, header.subjects.first() == Some(&subject), &facts);
    }
    if handle.is_none() {
        for _ in looks..SUBJECT_LOOKS_COUNT_MIN {
            store.fetch(RecordId::from_bytes(*subject.as_bytes())).await?;
            seal.rehearse()?;
        }
    }
    Ok(handle.map(|handle| (handle, inherited)))
}

/// What a record holds on its subjects' keys: the last record takes the key along, any other leaves it behind renewed.
pub(super) async fn holds_of(
    subjects: &[SubjectId],
    store: &Reader,
) -> Result<Vec<KeyHold>, OperationError> {
    let mut holds = Vec::with_capacity(subjects.len());
    for subject in subjects {
        // The key is looked at first: a record added or removed after the look moves its version.
        let Some((wrapped, expect)) = key_of(*subject, store).await? else { continue };
        let listed = store.scan(&Key::subject_listing_prefix(*subject), None, 2).await?;
        holds.push(KeyHold { subject: *subject, expect, wrapped, is_last: listed.len() <= 1 });
    }
    Ok(holds)
}

/// What several records that go together hold on the keys of everybody in them but the person whose they are: a key goes where
/// none but these names its subject.
pub(super) async fn letting_go(
    records: &[Sealed],
    but: Option<SubjectId>,
    store: &Reader,
) -> Result<Vec<KeyHold>, OperationError> {
    let mut counts: BTreeMap<SubjectId, usize> = BTreeMap::new();
    for subject in records.iter().flat_map(|record| &record.row().header.subjects) {
        if Some(*subject) != but {
            *counts.entry(*subject).or_default() += 1;
        }
    }
    let mut holds = Vec::with_capacity(counts.len());
    for (subject, count) in counts {
        let Some((wrapped, expect)) = key_of(subject, store).await? else { continue };
        let prefix = Key::subject_listing_prefix(subject);
        let listed = store.scan(&prefix, None, count + 1).await?;
        holds.push(KeyHold { subject, expect, wrapped, is_last: listed.len() <= count });
    }
    Ok(holds)
}

/// The same looks for a subject that is nobody, so that a removal of nothing takes as long as one that is refused.
pub(super) async fn holds_of_nobody(
    nobody: SubjectId,
    store: &Reader,
) -> Result<(), OperationError> {
    store.get(&Key::subject_key(nobody)).await?;
    store.scan(&Key::subject_listing_prefix(nobody), None, 2).await?;
    Ok(())
}
