//! A change of one record: opens the sections that it touches, merges, and seals them anew.
//! Never lets out what it opened, and never seals a section anew that the patch does not name, but for the masked forms.
//! Closed because the old values are needed before there is a receipt: it takes a permit and gives a change.

use super::attributes::put_row_anew;
use super::demands::{Demands, Looked};
use super::draft::fields_of_section;
use super::{Control, Followers, KeyHold, Seal, SealError, Sought, covers, section};
use crate::access::Permit;
use crate::ambient::Micros;
use crate::records::{
    BasisFact, EndRule, Facts, Handle, ID_NUMBER, Owner, PlainFields, RecordId, RecordRef, Schema,
    SubjectId, SubjectSlot, Target, days_by_number, days_since_epoch,
};
use crate::store::{Bytes, Change, Header, Key, Op, Row, Sealed, SealedSection, Version};
use gridvault_keys::{Keyring, SubjectKey};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is to change.
pub struct Patch {
    /// Fields that get a value.
    pub set: PlainFields,
    /// Fields that lose theirs.
    pub remove: BTreeSet<String>,
    /// A basis that the record is held on from now on.
    pub basis: Option<BasisFact>,
    /// The latest end that a consent gives, for a record whose end a withdrawal took forward.
    pub latest_end: Option<i32>,
    /// How the end follows the moment that a field tells, for a record whose schema has one.
    pub ending: Option<Ending>,
    /// When fields go that nothing carries any more, where the change says anything of it.
    pub fields_end: FieldsEnd,
    /// What it demands of the record as it is held.
    pub demands: Demands,
    /// What becomes of the days on which the subject turns 14 and 18.
    pub birthdays: Birthdays,
    /// Whether the address is protected from now on; as before where nothing is said.
    pub protected: Option<bool>,
    /// Subjects and handles for slots that the record does not have yet.
    pub drawn: Vec<(SubjectSlot, SubjectId, Handle)>,
    /// Control records that go in with it.
    pub controls: Vec<Control>,
    /// When it is made.
    pub at: Micros,
}

/// How the end of a record follows its moment: by the purposes that it is held for, whichever one a change is made under.
#[derive(Clone, Debug)]
pub struct Ending {
    /// When it ends once the moment is told, by the purposes that carry it from now on.
    pub rule: EndRule,
    /// By which the end that it has may have been given: those of all purposes that it was held for so far.
    pub former: EndRule,
    /// When it ends, by the purpose that it was stored for, while no moment is told; nothing where that purpose is not known any more.
    pub latest: Option<i32>,
}

/// The ends that the moment may have given before a change, and the one that it gives after it.
struct Moved {
    former: Vec<i32>,
    new: Option<i32>,
    latest: Option<i32>,
}

/// What a change does to the days on which a subject turns 14 and 18.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Birthdays {
    /// They stay, known or not.
    Kept,
    /// They are these, in days since 1970-01-01, or those of the number that is held where it tells of a later birth.
    Set(i32, i32),
    /// They are these, as another record of the person tells.
    Carried(i32, i32),
    /// They are known no more.
    Forgotten,
}

/// What a change does to the day on which fields go that rested on withdrawn consents alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldsEnd {
    /// It stays.
    Kept,
    /// It is this one, in days since 1970-01-01; nothing where no field goes.
    Set(Option<i32>),
}

/// A record with the patch that was decided for it.
pub struct Revision {
    sealed: Sealed,
    patch: Patch,
    holds: Vec<KeyHold>,
    followers: Option<Followers>,
    whole: Option<Patch>,
    about: Vec<RecordRef>,
}

impl Patch {
    /// One that changes nothing yet.
    pub fn blank(at: Micros) -> Patch {
        Patch {
            set: PlainFields::new(),
            remove: BTreeSet::new(),
            basis: None,
            latest_end: None,
            ending: None,
            fields_end: FieldsEnd::Kept,
            demands: Demands::default(),
            birthdays: Birthdays::Kept,
            protected: None,
            drawn: Vec::new(),
            controls: Vec::new(),
            at,
        }
    }
}

impl Revision {
    /// Ties a patch to its record, with what the record holds on the keys of the people whom it names.
    pub fn new(sealed: Sealed, patch: Patch, holds: Vec<KeyHold>) -> Revision {
        let about = sealed.records().to_vec();
        Revision { sealed, patch, holds, followers: None, whole: None, about }
    }

    /// The same, with the other records of the person that take its days with it.
    pub fn followed_by(mut self, followers: Option<Followers>) -> Revision {
        let records = followers.iter().flat_map(|followers| &followers.records);
        self.about.extend(records.flat_map(|one| one.records().iter().copied()));
        Revision { followers, ..self }
    }

    /// The same, as a step in front of a patch. That one is merged too and thrown away: what it would be refused for refuses the step.
    pub fn in_front_of(self, whole: Option<Patch>) -> Revision {
        Revision { whole, ..self }
    }
}

impl Target for Revision {
    fn records(&self) -> &[RecordRef] {
        &self.about
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        let followers = self.followers.iter().flat_map(Followers::seen);
        self.sealed.seen().into_iter().chain(followers).collect()
    }

    fn owns(&self, owner: Owner) -> bool {
        if self.followers.as_ref().is_some_and(|followers| followers.owns(owner)) {
            return true;
        }
        match owner {
            Owner::Subject(id) => {
                self.patch.drawn.iter().any(|(_, drawn, _)| *drawn == id)
                    || self.holds.iter().any(|hold| hold.subject == id)
            }
            Owner::Control(id) => self.patch.controls.iter().any(|control| control.id == id),
            other => self.sealed.owns(other),
        }
    }
}

impl Seal {
    /// Merges the patch into the record.
    ///
    /// # Errors
    /// [`SealError::KeyMissing`] when a section belongs to a subject that was erased or never drawn, [`SealError::NotHeld`] and
    /// [`SealError::GuardianMissing`] where the record is not as the patch demands, else the key hierarchy's.
    pub fn merge(&self, permit: &Permit<Revision>) -> Result<Change, SealError> {
        self.merged(permit.target())
    }

    pub(super) fn merged(&self, revision: &Revision) -> Result<Change, SealError> {
        let Revision { sealed, patch, holds, followers, whole, .. } = revision;
        if let Some(whole) = whole {
            self.merged_into(sealed, whole, holds).map(drop)?;
        }
        let (mut change, days) = self.merged_with_days(sealed, patch, holds)?;
        if let Some(followers) = followers {
            self.carry(followers, days, patch.at, &mut change)?;
        }
        Ok(change)
    }

    /// The same of a record that somebody else owns.
    pub(super) fn merged_into(
        &self,
        sealed: &Sealed,
        patch: &Patch,
        holds: &[KeyHold],
    ) -> Result<Change, SealError> {
        self.merged_with_days(sealed, patch, holds).map(|(change, _)| change)
    }

    /// The same, with the days on which the subject turns 14 and 18 by then.
    fn merged_with_days(
        &self,
        sealed: &Sealed,
        patch: &Patch,
        holds: &[KeyHold],
    ) -> Result<(Change, Option<(i32, i32)>), SealError> {
        let old = sealed.row();
        let schema = self.schema(old.header.record_type)?;
        let facts = self.facts(sealed)?;
        let mut change = Change::default();
        let mut header = old.header.clone();
        header.version += 1;
        header.schema = schema.version();
        let mut keys = self.keys_of(sealed)?;
        for (_, subject, _) in &patch.drawn {
            let (key, wrapped) = self.keyring.wrap_new_subject_key(subject.as_bytes())?;
            change.put_new(Key::subject_key(*subject), wrapped);
            keys.insert(*subject, Arc::new(key));
            header.subjects.push(*subject);
            let listing = Key::subject_listing(*subject, header.id);
            change.ops.push(Op::Put(listing, Version(1), Vec::new()));
        }
        let merged = merge_sections(schema, old, patch, &keys)?;
        let looked = Looked { schema, old, merged: &merged, keys: &keys };
        looked.adds_nothing(patch)?;
        let numbered = days_of_number(schema, old, patch, &merged, &keys)?;
        let (before, after) = self.sought_by(schema, old, &merged, patch.at, &keys)?;
        header.terms = self.swap_terms(sealed, &before, &after, &mut change)?;
        let moved = moved(schema, patch, &merged);
        let was_child = facts.is_under_14(patch.at.local_days());
        let gone = let_go(&self.keyring, old, &merged, holds, &mut header, &mut change)?;
        let facts = renewed(facts, patch, numbered, moved.as_ref(), &gone);
        looked.leaves_a_guardian(patch, was_child, &facts)?;
        // A section is bound to the schema version that its header names, so all of them move with it.
        let reseal_all = old.header.schema != header.schema;
        let sections = seal_sections(schema, old, patch, &keys, merged, reseal_all, &header)?;
        let is_told = patch.fields_end != FieldsEnd::Kept;
        if patch.latest_end.is_some() || moved.is_some() || is_told {
            self.end_anew(sealed, &facts, &mut change)?;
        }
        let row = self.seal_row(header, sections, &facts)?;
        put_row_anew(sealed, &row, patch.at, &mut change);
        for control in &patch.controls {
            change.put_new(Key::control(control.kind, &control.id), control.payload.clone());
        }
        Ok((change, facts.turns_14.zip(facts.turns_18)))
    }

    fn keys_of(&self, sealed: &Sealed) -> Result<BTreeMap<SubjectId, Arc<SubjectKey>>, SealError> {
        let mut keys = BTreeMap::new();
        for subject in &sealed.row().header.subjects {
            if let Some(key) = self.key_of(sealed, *subject)? {
                keys.insert(*subject, key);
            }
        }
        Ok(keys)
    }

    /// What the touched sections are found by before, and what of it and of the others afterwards.
    fn sought_by(
        &self,
        schema: &Schema,
        old: &Row,
        merged: &[Merged],
        at: Micros,
        keys: &BTreeMap<SubjectId, Arc<SubjectKey>>,
    ) -> Result<(Vec<Sought>, Vec<Sought>), SealError> {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for section in merged {
            // What was matched once may be over by now; its term is still there to be taken away.
            before.extend(self.terms(schema, &section.before, i32::MIN)?);
            after.extend(self.terms(schema, &section.after, at.local_days())?);
        }
        if before.iter().any(|sought| !after.contains(sought)) {
            // The value may stand in a field of another section too, and is found by that one still.
            let others = old.sections.iter().filter(|section| {
                merged.iter().all(|touched| !section.name.is(&touched.name))
                    && schema.fields_of(&section.name).any(|field| field.match_group.is_some())
            });
            for section in others {
                let Some(key) = keys.get(&section.subject) else { continue };
                let fields = section::open(key, &old.header, section)?;
                after.extend(self.terms(schema, &fields, at.local_days())?);
            }
        }
        Ok((before, after))
    }
}

/// Takes the named people out of the record whose last part the patch took away, each with its listing, and with
/// its key where no other record needs it. Without this a slot that is filled and emptied again and again would
/// leave a subject behind each time.
fn let_go(
    keyring: &Keyring,
    old: &Row,
    merged: &[Merged],
    holds: &[KeyHold],
    header: &mut Header,
    change: &mut Change,
) -> Result<Vec<SubjectId>, SealError> {
    let stays = |subject: &SubjectId| {
        let touched = merged.iter().any(|part| part.subject == *subject && !part.after.is_empty());
        let untouched = old.sections.iter().any(|section| {
            section.subject == *subject && merged.iter().all(|part| !section.name.is(&part.name))
        });
        touched || untouched
    };
    let gone: Vec<SubjectId> =
        old.header.subjects.iter().skip(1).filter(|subject| !stays(subject)).copied().collect();
    header.subjects.retain(|subject| !gone.contains(subject));
    for subject in &gone {
        change.ops.push(Op::Delete(Key::subject_listing(*subject, header.id)));
        if let Some(hold) = holds.iter().find(|hold| hold.subject == *subject) {
            hold.let_go(keyring, change)?;
        }
    }
    Ok(gone)
}

/// A touched section before and after.
pub(super) struct Merged {
    pub(super) name: String,
    subject: SubjectId,
    pub(super) before: PlainFields,
    pub(super) after: PlainFields,
}

fn merge_sections(
    schema: &Schema,
    old: &Row,
    patch: &Patch,
    keys: &BTreeMap<SubjectId, Arc<SubjectKey>>,
) -> Result<Vec<Merged>, SealError> {
    let mut merged = Vec::new();
    for part in schema.sections() {
        let touched = schema.fields_of(&part.name).any(|field| {
            patch.set.get(&field.name).is_some() || patch.remove.contains(&field.name)
        });
        let held = old.sections.iter().find(|section| section.name.is(&part.name));
        // Of a part that is not there nothing can be taken, and nobody stands in it.
        let fills = schema.fields_of(&part.name).any(|field| patch.set.get(&field.name).is_some());
        if !touched || (held.is_none() && !fills) {
            continue;
        }
        let subject = match held {
            Some(section) => section.subject,
            None => subject_of_slot(schema, old, patch, &part.subject)?,
        };
        let key = keys.get(&subject).ok_or(SealError::KeyMissing)?;
        let before = match held {
            Some(held) => section::open(key, &old.header, held)?,
            None => PlainFields::new(),
        };
        let mut after: PlainFields =
            before.iter().map(|(name, value)| (name.to_owned(), value.duplicate())).collect();
        for name in &patch.remove {
            after.remove(name);
        }
        for (name, value) in fields_of_section(schema, &part.name, &patch.set) {
            after.insert(name, value);
        }
        merged.push(Merged { name: part.name.clone(), subject, before, after });
    }
    Ok(merged)
}

/// Who stands in a slot: the record's own subject, whoever another section of the slot names, or the one
/// that was drawn for it.
fn subject_of_slot(
    schema: &Schema,
    old: &Row,
    patch: &Patch,
    slot: &SubjectSlot,
) -> Result<SubjectId, SealError> {
    if *slot == SubjectSlot::Own {
        return old.header.subjects.first().copied().ok_or(SealError::KeyMissing);
    }
    let of_slot = |name: &str| schema.section(name).is_some_and(|part| part.subject == *slot);
    old.sections
        .iter()
        .find(|section| of_slot(&section.name))
        .map(|section| section.subject)
        .or_else(|| {
            patch.drawn.iter().find(|(drawn, ..)| drawn == slot).map(|(_, subject, _)| *subject)
        })
        .ok_or(SealError::KeyMissing)
}

fn seal_sections(
    schema: &Schema,
    old: &Row,
    patch: &Patch,
    keys: &BTreeMap<SubjectId, Arc<SubjectKey>>,
    merged: Vec<Merged>,
    reseal_all: bool,
    header: &Header,
) -> Result<Vec<SealedSection>, SealError> {
    let masked = covers::after(schema, old, &merged, keys, reseal_all, header)?;
    let mut merged: BTreeMap<String, Merged> =
        merged.into_iter().map(|section| (section.name.clone(), section)).collect();
    let mut sections = Vec::new();
    for part in schema.sections() {
        let held = old.sections.iter().find(|section| section.name.is(&part.name));
        let fresh = match (merged.remove(&part.name), held) {
            (Some(section), _) => Some((section.subject, section.after)),
            // What was sealed for somebody who was erased stays closed, under whatever schema.
            (None, Some(held)) if reseal_all => match keys.get(&held.subject) {
                Some(key) => Some((held.subject, section::open(key, &old.header, held)?)),
                None => None,
            },
            (None, _) => None,
        };
        let sealed = match (fresh, held) {
            (Some((_, fields)), _) if fields.is_empty() => continue,
            (Some((subject, fields)), _) => {
                let version = held.map_or(1, |held| held.version + 1);
                let name = part.name.as_str().into();
                let mut sealed = SealedSection { name, subject, version, bytes: Bytes::default() };
                let key = keys.get(&subject).ok_or(SealError::KeyMissing)?;
                section::seal(key, header, &mut sealed, &fields)?;
                sealed
            }
            (None, Some(held)) => held.clone(),
            (None, None) => continue,
        };
        sections.push(sealed);
    }
    sections.extend(masked);
    if sections.iter().any(|section| !header.subjects.contains(&section.subject)) {
        return Err(SealError::KeyMissing);
    }
    debug_assert!(patch.drawn.iter().all(|(_, subject, _)| header.subjects.contains(subject)));
    Ok(sections)
}

/// What the change makes of the end, where it touches the section of the field that tells the moment.
fn moved(schema: &Schema, patch: &Patch, merged: &[Merged]) -> Option<Moved> {
    let Ending { rule, former, latest } = patch.ending.as_ref()?;
    let field = schema.moment_field()?;
    let section = merged.iter().find(|section| section.name == field.section)?;
    let before = schema.moment_in(&section.before);
    let former = before.map(|moment| former.may_end_on(moment)).unwrap_or_default();
    let new = schema.moment_in(&section.after).map(|moment| rule.ends_on(moment));
    Some(Moved {
        former: former.into_iter().map(days_since_epoch).collect(),
        new: new.map(days_since_epoch),
        latest: *latest,
    })
}

/// The protected days by the number that the record holds after the patch, looked at wherever a patch sets the days.
fn days_of_number(
    schema: &Schema,
    old: &Row,
    patch: &Patch,
    merged: &[Merged],
    keys: &BTreeMap<SubjectId, Arc<SubjectKey>>,
) -> Result<Option<(i32, i32)>, SealError> {
    if !matches!(patch.birthdays, Birthdays::Set(..)) {
        return Ok(None);
    }
    let Some(part) = schema.field(ID_NUMBER).and_then(|field| schema.section_of(field)) else {
        return Ok(None);
    };
    if let Some(touched) = merged.iter().find(|touched| touched.name == part.name) {
        return Ok(days_by_number(&touched.after));
    }
    let held = old.sections.iter().find(|section| section.name.is(&part.name));
    let Some(held) = held.filter(|_| part.subject == SubjectSlot::Own) else { return Ok(None) };
    let key = keys.get(&held.subject).ok_or(SealError::KeyMissing)?;
    Ok(days_by_number(&section::open(key, &old.header, held)?))
}

fn renewed(
    mut facts: Facts,
    patch: &Patch,
    numbered: Option<(i32, i32)>,
    moved: Option<&Moved>,
    gone: &[SubjectId],
) -> Facts {
    match patch.birthdays {
        Birthdays::Kept => {}
        Birthdays::Set(turns_14, turns_18) => {
            // A stated date alone ends no childhood of which the number still tells.
            let (turns_14, turns_18) = numbered.map_or((turns_14, turns_18), |(at_14, at_18)| {
                (turns_14.max(at_14), turns_18.max(at_18))
            });
            facts.turns_14 = Some(turns_14);
            facts.turns_18 = Some(turns_18);
        }
        Birthdays::Carried(turns_14, turns_18) => {
            facts.turns_14 = Some(turns_14);
            facts.turns_18 = Some(turns_18);
        }
        Birthdays::Forgotten => {
            facts.turns_14 = None;
            facts.turns_18 = None;
        }
    }
    facts.protected_address = patch.protected.unwrap_or(facts.protected_address);
    let is_gone = |id: &[u8; 16]| gone.iter().any(|subject| subject.as_bytes() == id);
    facts.release_of(is_gone);
    facts.subject_handles.retain(|(id, _)| !is_gone(id));
    if let Some(latest) = patch.latest_end {
        facts.end_late(latest);
    }
    if let Some(basis) = &patch.basis {
        // In the place of the one before it: the first is the one that the record was stored on, and its purpose gave the end.
        match facts.bases.iter_mut().find(|held| held.purpose == basis.purpose) {
            Some(held) => *held = basis.clone(),
            None => facts.bases.push(basis.clone()),
        }
    }
    if let FieldsEnd::Set(day) = patch.fields_end {
        facts.fields_end = day;
    }
    if let Some(Moved { former, new, latest }) = moved {
        facts.end_by_moment(former, *new, *latest);
    }
    for (_, subject, handle) in &patch.drawn {
        facts.subject_handles.push((*subject.as_bytes(), *handle));
    }
    facts
}
