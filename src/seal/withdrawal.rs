//! The withdrawal of a consent: the records that rest on it are marked, and those that rest on nothing else get an end, or else the
//! fields that do.
//! Never opens a section: what changes stands in the decision attributes alone.
//! From the row's next version on nothing is opened for that purpose, so no read comes behind it in the log.

use super::{Control, Seal, SealError};
use crate::access::Permit;
use crate::ambient::Micros;
use crate::records::{Facts, Owner, RecordId, RecordRef, Target};
use crate::store::{Change, Expect, Key, Sealed};

/// Records of one person that rest on consents to one purpose, to be taken back.
pub struct Withdrawal {
    /// Each with the day on which fields of it go.
    sealed: Vec<(Sealed, Option<i32>)>,
    about: Vec<RecordRef>,
    terms: WithdrawalTerms,
    seen: Vec<(RecordId, u64, u64)>,
    key: Option<Expect>,
}

/// What is taken back, and what follows.
pub struct WithdrawalTerms {
    /// The purpose.
    pub purpose: String,
    /// First day on which what rests on nothing else may no longer be read.
    pub ends_on: i32,
    /// When.
    pub at: Micros,
    /// The record of the withdrawal.
    pub control: Control,
}

impl Withdrawal {
    /// Ties the records to what is taken back, each with the day on which fields of it go that nothing else carries.
    pub fn new(sealed: Vec<(Sealed, Option<i32>)>, terms: WithdrawalTerms) -> Withdrawal {
        let about = sealed.iter().flat_map(|(one, _)| one.records().to_vec()).collect();
        Withdrawal { sealed, about, terms, seen: Vec::new(), key: None }
    }

    /// Relies on further records that were looked at, and on the person's key as it was before all looks: no record of the person
    /// came since.
    pub fn relying_on(
        mut self,
        seen: Vec<(RecordId, u64, u64)>,
        key: Option<Expect>,
    ) -> Withdrawal {
        let is_further = |(id, ..): &(RecordId, u64, u64)| {
            self.sealed.iter().all(|(one, _)| one.row().header.id != *id)
        };
        self.seen = seen.into_iter().filter(is_further).collect();
        Withdrawal { key, ..self }
    }

    /// What is taken back.
    pub fn terms(&self) -> &WithdrawalTerms {
        &self.terms
    }
}

impl Target for Withdrawal {
    fn records(&self) -> &[RecordRef] {
        &self.about
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        let further = self.seen.iter().copied();
        self.sealed.iter().flat_map(|(one, _)| one.seen()).chain(further).collect()
    }

    fn owns(&self, owner: Owner) -> bool {
        owner == Owner::Control(self.terms.control.id)
            || self.sealed.iter().any(|(one, _)| one.owns(owner))
    }
}

impl Seal {
    /// The steps that mark the records.
    ///
    /// # Errors
    /// The key hierarchy's.
    pub fn withdraw(&self, permit: &Permit<Withdrawal>) -> Result<Change, SealError> {
        let Withdrawal { sealed, terms, key, .. } = permit.target();
        let mut change = Change::default();
        change.expects.extend(key.clone());
        for (one, fields_end) in sealed {
            self.mark(one, terms, *fields_end, &mut change)?;
        }
        let control = &terms.control;
        change.put_new(Key::control(control.kind, &control.id), control.payload.clone());
        Ok(change)
    }

    fn mark(
        &self,
        sealed: &Sealed,
        terms: &WithdrawalTerms,
        fields_end: Option<i32>,
        change: &mut Change,
    ) -> Result<(), SealError> {
        let facts = Facts { fields_end, ..marked(self.facts(sealed)?, terms) };
        self.attribute_anew(sealed, &facts, terms.at, change)
    }
}

/// With every consent to the purpose taken back. What rests on nothing else ends earlier, never later; it remembers the end that it
/// had, which a consent that is given anew brings back.
fn marked(mut facts: Facts, terms: &WithdrawalTerms) -> Facts {
    let day = terms.at.local_days();
    facts.end_early(facts.end_without(&terms.purpose, terms.ends_on));
    let consents: Vec<[u8; 16]> = facts
        .bases
        .iter()
        .filter(|basis| basis.purpose == terms.purpose && !facts.is_withdrawn(basis))
        .filter_map(|basis| basis.consent)
        .collect();
    facts.withdrawn.extend(consents.into_iter().map(|consent| (consent, day)));
    // What stands behind no basis any more is forgotten: a consent that is given and taken back again and again leaves one.
    let Facts { withdrawn, bases, .. } = &mut facts;
    withdrawn.retain(|(gone, _)| bases.iter().any(|basis| basis.consent == Some(*gone)));
    facts
}
