//! Records on their way in: one, or the items of one all-or-nothing write.
//! Never stored before there is a permit; a draft is plain text and is wiped when dropped.
//! The fields that were decided are the fields that are sealed: the permit owns the draft.

use super::{Followers, KeyHold, Seal, SealError, Sought, covers, section};
use crate::access::Permit;
use crate::ambient::Micros;
use crate::records::{
    Facts, Owner, PlainFields, RecordId, RecordRef, RecordType, Schema, SubjectId, SubjectSlot,
    Target, Value,
};
use crate::store::{
    Bytes, Change, ControlKind, Expect, Header, Key, Op, SealedSection, Version, listing,
};
use crate::territory::CellId;
use gridvault_keys::{KeyError, SubjectKey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One record to be stored.
pub struct NewRecord {
    /// Its id.
    pub id: RecordId,
    /// Its type.
    pub record_type: RecordType,
    /// Where it belongs.
    pub cell: CellId,
    /// Its values.
    pub fields: PlainFields,
    /// Its decision attributes.
    pub facts: Arc<Facts>,
    /// Who stands in each slot; the record's own slot is first.
    pub subjects: Vec<(SubjectSlot, SubjectId)>,
}

/// Where a subject's key comes from.
pub enum KeySource {
    /// It is drawn with this write.
    New,
    /// The subject is known; this is its wrapped key and what was seen of it.
    Held {
        /// The wrapped key.
        wrapped: Vec<u8>,
        /// Version and stamp of the look.
        expect: Expect,
    },
}

/// A control record that goes in with the write. Holds no resident's value.
pub struct Control {
    /// Its kind.
    pub kind: ControlKind,
    /// Its id.
    pub id: [u8; 16],
    /// Its content.
    pub payload: Vec<u8>,
}

/// Everything that one creation stores.
pub struct Draft {
    items: Vec<NewRecord>,
    keys: BTreeMap<SubjectId, KeySource>,
    controls: Vec<Control>,
    about: Vec<RecordRef>,
    found_by: Option<(RecordId, Sought)>,
    followers: Option<Followers>,
    at: Micros,
}

impl Draft {
    /// Puts a write together, made at a moment.
    pub fn new(
        items: Vec<NewRecord>,
        keys: BTreeMap<SubjectId, KeySource>,
        controls: Vec<Control>,
        at: Micros,
    ) -> Draft {
        let about = items
            .iter()
            .map(|item| RecordRef { id: item.id, record_type: item.record_type })
            .collect();
        Draft { items, keys, controls, about, found_by: None, followers: None, at }
    }

    /// Lets one of the items be found by something further than its fields. Its term goes with the record.
    pub fn found_by(self, item: RecordId, sought: Sought) -> Draft {
        Draft { found_by: Some((item, sought)), ..self }
    }

    /// The same, with what is held already of the person and takes its days from the first item.
    pub fn followed_by(mut self, followers: Followers) -> Draft {
        let records = followers.records.iter();
        self.about.extend(records.flat_map(|one| one.records().iter().copied()));
        Draft { followers: Some(followers), ..self }
    }

    /// The values of a draft of one item, for another attempt.
    pub fn into_fields(self) -> PlainFields {
        self.items.into_iter().next().map(|item| item.fields).unwrap_or_default()
    }

    /// The items.
    pub fn items(&self) -> &[NewRecord] {
        &self.items
    }
}

impl Target for Draft {
    fn records(&self) -> &[RecordRef] {
        &self.about
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.followers.as_ref().map_or_else(Vec::new, Followers::seen)
    }

    fn owns(&self, owner: Owner) -> bool {
        if self.followers.as_ref().is_some_and(|followers| followers.owns(owner)) {
            return true;
        }
        match owner {
            Owner::Record(id) => self.items.iter().any(|item| item.id == id),
            Owner::Subject(id) => self.keys.contains_key(&id),
            Owner::Control(id) => self.controls.iter().any(|control| control.id == id),
            _ => false,
        }
    }
}

impl Seal {
    /// Seals everything that the permit allows to be stored.
    ///
    /// # Errors
    /// [`SealError::KeyMissing`] when the draft names a subject without a key, [`SealError::Rewrapped`] where one was wrapped
    /// anew since it was looked at; else the key hierarchy's.
    pub fn seal_new(&self, permit: &Permit<Draft>) -> Result<Change, SealError> {
        let draft = permit.target();
        let mut change = Change::default();
        let mut opened: BTreeMap<SubjectId, Arc<SubjectKey>> = BTreeMap::new();
        for (subject, source) in &draft.keys {
            opened.insert(*subject, self.subject_key(*subject, source, &mut change)?);
        }
        for item in &draft.items {
            let further = draft.found_by.filter(|(id, _)| *id == item.id).map(|(_, it)| it);
            self.seal_item(item, further, &opened, draft.at, &mut change)?;
        }
        if let Some((followers, item)) = draft.followers.as_ref().zip(draft.items.first()) {
            let days = item.facts.turns_14.zip(item.facts.turns_18);
            self.carry(followers, days, draft.at, &mut change)?;
        }
        for control in &draft.controls {
            change.put_new(Key::control(control.kind, &control.id), control.payload.clone());
        }
        Ok(change)
    }

    fn subject_key(
        &self,
        subject: SubjectId,
        source: &KeySource,
        change: &mut Change,
    ) -> Result<Arc<SubjectKey>, SealError> {
        match source {
            KeySource::New => {
                let (key, wrapped) = self.keyring.wrap_new_subject_key(subject.as_bytes())?;
                change.put_new(Key::subject_key(subject), wrapped);
                Ok(Arc::new(key))
            }
            KeySource::Held { wrapped, expect } => {
                let key = self.keys.get_or_unwrap(&self.keyring, subject.as_bytes(), wrapped);
                let key = key.map_err(|error| match error {
                    KeyError::WrongKeyId => SealError::Rewrapped,
                    error => error.into(),
                })?;
                // Written again one version later, so that a removal which saw the subject without this
                // record goes stale instead of taking the key away under it.
                let hold = KeyHold {
                    subject,
                    wrapped: wrapped.clone(),
                    expect: expect.clone(),
                    is_last: false,
                };
                hold.renew(&self.keyring, change)?;
                Ok(key)
            }
        }
    }

    fn seal_item(
        &self,
        item: &NewRecord,
        further: Option<Sought>,
        keys: &BTreeMap<SubjectId, Arc<SubjectKey>>,
        at: Micros,
        change: &mut Change,
    ) -> Result<(), SealError> {
        let schema = self.schema(item.record_type)?;
        let mut header = Header {
            id: item.id,
            record_type: item.record_type,
            cell: item.cell,
            version: 1,
            schema: schema.version(),
            subjects: item.subjects.iter().map(|(_, subject)| *subject).collect(),
            terms: Vec::new(),
        };
        let sought = self.terms(schema, &item.fields, at.local_days())?;
        for one in sought.iter().chain(&further) {
            header.terms.push(self.put_term(one, item.id, change));
        }
        // Each field is looked up once, and its value is encoded where it lies.
        let placed = item
            .fields
            .iter()
            .filter_map(|(name, value)| Some((schema.field(name)?.section.as_str(), name, value)));
        let placed: Vec<(&str, &str, &Value)> = placed.collect();
        let mut sections = Vec::new();
        for part in schema.sections() {
            let fields = placed.iter().filter(|(section, ..)| *section == part.name);
            let fields = fields.map(|(_, name, value)| (*name, *value));
            if fields.clone().next().is_none() {
                continue;
            }
            let owner = item.subjects.iter().find(|(slot, _)| *slot == part.subject);
            let (_, subject) = *owner.ok_or(SealError::KeyMissing)?;
            let key = keys.get(&subject).ok_or(SealError::KeyMissing)?;
            let name = part.name.as_str().into();
            let mut sealed = SealedSection { name, subject, version: 1, bytes: Bytes::default() };
            let encoded = PlainFields::encode_these(fields);
            section::seal_encoded(key, &header, &mut sealed, &encoded)?;
            sections.push(sealed);
        }
        if let Some(forms) =
            covers::of(schema, placed.iter().map(|(_, name, value)| (*name, *value)))
            && let Some((SubjectSlot::Own, subject)) = item.subjects.first()
        {
            let key = keys.get(subject).ok_or(SealError::KeyMissing)?;
            sections.push(covers::seal(key, *subject, 1, &header, &forms)?);
        }
        let row = self.seal_row(header, sections, &item.facts)?;
        put_listings(&row.header, &item.facts, at, change);
        change.put_new(Key::row(item.id), row.encode());
        Ok(())
    }
}

/// The fields of a set that lie in one section.
pub(super) fn fields_of_section(
    schema: &Schema,
    section: &str,
    fields: &PlainFields,
) -> PlainFields {
    schema
        .fields_of(section)
        .filter_map(|field| Some((field.name.clone(), fields.get(&field.name)?.duplicate())))
        .collect()
}

fn put_listings(header: &Header, facts: &Facts, at: Micros, change: &mut Change) {
    let key = Key::cell_listing(header.cell, header.record_type, header.id);
    change.ops.push(Op::Put(key, Version(1), listing(at)));
    for subject in &header.subjects {
        let listing = Key::subject_listing(*subject, header.id);
        change.ops.push(Op::Put(listing, Version(1), Vec::new()));
    }
    if let Some(day) = facts.retain_until {
        change.ops.push(Op::Put(Key::retention(day, header.id), Version(1), Vec::new()));
    }
}
