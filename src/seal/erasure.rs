//! A step of somebody's erasure: its own records go, and in records of others the part that is its own.
//! Never lets out what it opens on the way, which are the parts that go, for their index terms.
//! What stays of it says when it was asked for and why, in codes, and which entries and keys it is about; no id of the person.

use super::{KeyHold, Patch, Seal, SealError};
use crate::access::Permit;
use crate::ambient::Micros;
use crate::records::{Handle, MandateId, Owner, RecordId, RecordRef, SubjectId, Target};
use crate::store::{Change, ControlKind, Expect, Key, Op, Sealed, Stored, Version};
use crate::trail::ToldErasure;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::{IndexTerm, WrappedUnder};
use serde::{Deserialize, Serialize};

/// How far an erasure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// Some records are gone, others are not.
    UnderWay,
    /// Nothing is held of the person any more; old copies still open.
    Erased,
    /// The keys are destroyed, so old copies open no more.
    Destroyed,
}

/// What is kept of an erasure: a control record, which outlives what was erased and holds no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureRecord {
    /// How far it is.
    pub state: ErasureState,
    /// The area of the desk that asked.
    pub area: String,
    /// Why: a code.
    pub reason: String,
    /// The handle that the entries name, base64url.
    pub subject: String,
    /// Index of the entry of each step, but of the one that wrote this: the store names it beside.
    pub entries: Vec<u64>,
    /// Bucket and epoch of every key that what goes was wrapped under: all copies are dead once they are destroyed.
    pub keys: Vec<(u16, u32)>,
    /// The same of every index bucket in which what goes had a term, until those keys are destroyed: beside an open ring they would tell
    /// a little of the values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<(u16, u32)>,
}

impl ErasureRecord {
    /// The bytes of the control record.
    ///
    /// # Errors
    /// [`SealError::Malformed`] never for a record of this program.
    pub fn encode(&self) -> Result<Vec<u8>, SealError> {
        serde_json::to_vec(self).map_err(|_| MALFORMED)
    }

    /// What was kept.
    ///
    /// # Errors
    /// [`SealError::Malformed`] for other bytes.
    pub fn decode(bytes: &[u8]) -> Result<ErasureRecord, SealError> {
        serde_json::from_slice(bytes).map_err(|_| MALFORMED)
    }

    /// The handle under which the log knew the person.
    pub fn handle(&self) -> Option<Handle> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&self.subject).ok()?;
        Some(Handle::from_bytes(bytes.try_into().ok()?))
    }

    /// As a second place has it, once the keys are destroyed; nothing of what names nobody, which goes again by itself.
    pub fn told(&self, id: MandateId, destroyed: u64, origin: &str) -> Option<ToldErasure> {
        let subject = self.handle().filter(|_| self.state == ErasureState::Destroyed)?;
        let (reason, area, origin) = (self.reason.clone(), self.area.clone(), origin.to_owned());
        Some(ToldErasure { id, subject, reason, area, origin, destroyed })
    }

    /// The erasure of a second place that this vault does not know of, as it stands before its first step here.
    pub fn again(told: &ToldErasure) -> ErasureRecord {
        ErasureRecord {
            state: ErasureState::UnderWay,
            area: told.area.clone(),
            reason: told.reason.clone(),
            subject: BASE64_URL_SAFE_NO_PAD.encode(told.subject.as_bytes()),
            entries: Vec::new(),
            keys: Vec::new(),
            terms: Vec::new(),
        }
    }

    /// Names the key that something of it was wrapped under. Of one bucket the latest stands for all before it.
    pub(super) fn name_key(&mut self, under: WrappedUnder) {
        match self.keys.iter_mut().find(|(bucket, _)| *bucket == under.bucket) {
            Some((_, epoch)) => *epoch = under.epoch.max(*epoch),
            None => self.keys.push((under.bucket, under.epoch)),
        }
    }

    /// The record of the step that follows on one that is kept, whose entry it names too.
    ///
    /// # Errors
    /// As [`ErasureRecord::decode`].
    pub fn after(stored: &Stored) -> Result<ErasureRecord, SealError> {
        let mut record = ErasureRecord::decode(&stored.payload)?;
        record.entries.push(stored.index);
        Ok(record)
    }
}

const MALFORMED: SealError = SealError::Malformed { what: "record of an erasure" };

/// What one step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureStep {
    /// The person's part is taken out of records of others.
    Blind,
    /// Records of its own are removed.
    Remove,
}

/// Records of one step, with what it relies on.
pub struct Erasure {
    id: [u8; 16],
    step: ErasureStep,
    sealed: Vec<Sealed>,
    about: Vec<RecordRef>,
    /// What the records hold on keys. The person's own comes first, and goes with the last step.
    holds: Vec<KeyHold>,
    record: ErasureRecord,
    /// The version of the control record before this step.
    version: Version,
    at: Micros,
}

impl Erasure {
    /// Ties the records of a step to what was seen. The record is as it stands before the step, with its state after it.
    pub fn new(
        id: [u8; 16],
        (step, sealed): (ErasureStep, Vec<Sealed>),
        holds: Vec<KeyHold>,
        (record, version): (ErasureRecord, Version),
        at: Micros,
    ) -> Erasure {
        let about = sealed.iter().flat_map(|one| one.records().to_vec()).collect();
        Erasure { id, step, sealed, about, holds, record, version, at }
    }
}

impl Target for Erasure {
    fn records(&self) -> &[RecordRef] {
        &self.about
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.sealed.iter().flat_map(Target::seen).collect()
    }

    fn owns(&self, owner: Owner) -> bool {
        match owner {
            Owner::Subject(id) => self.holds.iter().any(|hold| hold.subject == id),
            // The request that it carries out has the same id, and ends with it.
            Owner::Control(id) => id == self.id,
            Owner::Mandate(id) => *id.as_bytes() == self.id,
            other => self.sealed.iter().any(|one| one.owns(other)),
        }
    }
}

impl Seal {
    /// The steps that carry one step of an erasure out, and keep how far it is.
    ///
    /// # Errors
    /// The key hierarchy's.
    pub fn erase(&self, permit: &Permit<Erasure>) -> Result<Change, SealError> {
        let Erasure { id, step, sealed, holds, record, version, at, .. } = permit.target();
        let (mut change, mut record) = (Change::default(), record.clone());
        match step {
            ErasureStep::Blind => {
                let own = holds.first().ok_or(SealError::KeyMissing)?;
                if own.is_last {
                    record.name_key(WrappedUnder::of(&own.wrapped)?);
                    own.let_go(&self.keyring, &mut change)?;
                } else {
                    change.expects.push(own.expect.clone());
                }
                for one in sealed {
                    change.append(self.without_part(one, own.subject, *at)?);
                }
            }
            ErasureStep::Remove => {
                for one in sealed {
                    self.remove_row(one, &mut change)?;
                }
                for hold in holds {
                    if hold.is_last {
                        record.name_key(WrappedUnder::of(&hold.wrapped)?);
                    }
                    hold.let_go(&self.keyring, &mut change)?;
                }
            }
        }
        self.name_terms(&change, &mut record)?;
        if record.state == ErasureState::Erased {
            change.put_new(Key::erasure_waiting(id), Vec::new());
        }
        let key = Key::control(ControlKind::Erasure, id);
        change.ops.push(Op::Put(key.clone(), version.next(), record.encode()?));
        change.expects.push(Expect { key, version: *version, stamp: 0 });
        Ok(change)
    }

    /// Names the key of every index bucket in which a change takes a term away. Copies of the term are under that key, or under one that
    /// was before it.
    fn name_terms(&self, change: &Change, record: &mut ErasureRecord) -> Result<(), SealError> {
        let gone = change.ops.iter().filter_map(|op| match op {
            Op::Delete(key) => key.term_parts(),
            Op::Put(..) => None,
        });
        for (term, _) in gone {
            let bucket = IndexTerm::from_bytes(&term)?.bucket();
            let newest = self.keyring.newest_index_epoch(bucket)?;
            match record.terms.iter_mut().find(|(named, _)| *named == bucket) {
                Some((_, epoch)) => *epoch = newest.max(*epoch),
                None => record.terms.push((bucket, newest)),
            }
        }
        Ok(())
    }

    /// A record of others without the sections that are sealed under the person's key, and without what it was found by in them.
    fn without_part(
        &self,
        sealed: &Sealed,
        subject: SubjectId,
        at: Micros,
    ) -> Result<Change, SealError> {
        let schema = self.schema(sealed.row().header.record_type)?;
        let mut patch = Patch::blank(at);
        for section in &sealed.row().sections {
            if section.subject == subject {
                let fields = schema.fields_of(&section.name);
                patch.remove.extend(fields.map(|field| field.name.clone()));
            }
        }
        // The key itself goes with the last step.
        self.merged_into(sealed, &patch, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> ErasureRecord {
        ErasureRecord {
            state: ErasureState::UnderWay,
            area: "880102001".to_owned(),
            reason: "purpose_met".to_owned(),
            subject: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            entries: vec![7],
            keys: vec![(4095, 2)],
            terms: Vec::new(),
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was_and_no_other_bytes_do() {
        let bytes = record().encode().expect("bytes");
        let text = r#"{"state":"under_way","area":"880102001","reason":"purpose_met","subject":"AAAAAAAAAAAAAAAAAAAAAA","entries":[7],"keys":[[4095,2]]}"#;
        assert_eq!(String::from_utf8(bytes.clone()).expect("text"), text);
        assert_eq!(ErasureRecord::decode(&bytes).ok(), Some(record()));
        let waits = ErasureRecord { terms: vec![(7, 1)], ..record() };
        let named = waits.encode().expect("bytes");
        assert!(String::from_utf8_lossy(&named).ends_with(r#","terms":[[7,1]]}"#));
        assert_eq!(ErasureRecord::decode(&named).ok(), Some(waits));
        for wrong in [&bytes[1..], b"{}", text.replace("7", "-7").as_bytes()] {
            assert!(matches!(ErasureRecord::decode(wrong), Err(SealError::Malformed { .. })));
        }
    }

    #[test]
    fn of_one_bucket_the_latest_key_is_named() {
        let mut record = record();
        for (bucket, epoch) in [(4095, 1), (7, 1), (4095, 3), (7, 1)] {
            record.name_key(WrappedUnder { bucket, epoch });
        }
        assert_eq!(record.keys, [(4095, 3), (7, 1)]);
    }

    #[test]
    fn the_next_step_names_the_entry_of_the_one_before() {
        let payload = record().encode().expect("bytes");
        let stored = Stored { version: Version(2), index: 9, payload };
        assert_eq!(ErasureRecord::after(&stored).ok().map(|next| next.entries), Some(vec![7, 9]));
    }
}
