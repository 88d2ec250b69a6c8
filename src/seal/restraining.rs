//! A step in which what is held of somebody is restrained or released: its own records, and those in which it appears beside others.
//! Never a value: the mark stands in the decision attributes alone, and no section is opened.
//! All records of a step move on together or not at all, and the person's key with them: of a record that is stored meanwhile and
//! the restraint one comes first, and the other is decided again.

use super::{KeyHold, Seal, SealError};
use crate::access::Permit;
use crate::ambient::Micros;
use crate::records::{
    MandateId, Owner, RecordId, RecordRef, Restraint, RestraintKind, SubjectId, Target,
};
use crate::store::{Change, Expect, Sealed};

/// What a step does.
#[derive(Clone, Copy)]
pub struct RestraintStep {
    /// The request that two people agreed to.
    pub request: MandateId,
    /// The restraint: the id of the request that set it.
    pub restraint: MandateId,
    /// What it does.
    pub kind: RestraintKind,
    /// Whether it is lifted.
    pub releases: bool,
    /// Over whom.
    pub subject: SubjectId,
    /// When.
    pub at: Micros,
}

/// Records of one step, with what it relies on.
pub struct Restrained {
    step: RestraintStep,
    sealed: Vec<Sealed>,
    about: Vec<RecordRef>,
    key: Option<KeyHold>,
    /// The requests as they were looked at: one that was refused or released meanwhile marks nothing more.
    requests: Vec<Expect>,
}

impl Restrained {
    /// Ties the records of a step to what was seen of the person's key before they were looked for, and to the requests.
    pub fn new(
        step: RestraintStep,
        sealed: Vec<Sealed>,
        key: Option<KeyHold>,
        requests: Vec<Expect>,
    ) -> Restrained {
        let about = sealed.iter().flat_map(|one| one.records().to_vec()).collect();
        Restrained { step, sealed, about, key, requests }
    }
}

impl Target for Restrained {
    fn records(&self) -> &[RecordRef] {
        &self.about
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.sealed.iter().flat_map(Target::seen).collect()
    }

    fn owns(&self, owner: Owner) -> bool {
        match owner {
            Owner::Subject(id) => self.key.as_ref().is_some_and(|key| key.subject == id),
            Owner::Mandate(id) => [self.step.request, self.step.restraint].contains(&id),
            other => self.sealed.iter().any(|one| one.owns(other)),
        }
    }
}

impl Seal {
    /// The steps that mark the records of one step, or take the mark from them.
    ///
    /// # Errors
    /// The key hierarchy's.
    pub fn restrain(&self, permit: &Permit<Restrained>) -> Result<Change, SealError> {
        let Restrained { step, sealed, key, requests, .. } = permit.target();
        let mut change = Change::default();
        change.expects.extend(requests.iter().cloned());
        for one in sealed {
            let mut facts = self.facts(one)?;
            let id = *step.restraint.as_bytes();
            if step.releases {
                facts.release(id);
            } else {
                let part = self.part_of(one, step.subject)?;
                let subject = *step.subject.as_bytes();
                facts.restrain(Restraint { id, kind: step.kind, subject, part });
            }
            self.attribute_anew(one, &facts, step.at, &mut change)?;
        }
        if let Some(key) = key {
            key.renew(&self.keyring, &mut change)?;
        }
        Ok(change)
    }

    /// The slot in which somebody appears in a record of somebody else; nothing where the record is its own.
    fn part_of(&self, sealed: &Sealed, subject: SubjectId) -> Result<Option<String>, SealError> {
        let row = sealed.row();
        if row.header.subjects.first() == Some(&subject) {
            return Ok(None);
        }
        let schema = self.schema(row.header.record_type)?;
        let mut own = row.sections.iter().filter(|section| section.subject == subject);
        let part = own.find_map(|section| schema.section(&section.name));
        Ok(Some(part.map(|part| part.subject.as_str().to_owned()).unwrap_or_default()))
    }
}
