//! Index terms: what stands in the index instead of a value, and what is charged for asking.
//! Never a plain hash: an ID number is guessed from one in minutes.
//! Equal values of one match group give equal terms, so that an exact value can be found.

use super::{Seal, SealError};
use crate::access::{ActorId, Bound, Charge, Hour, Ledger};
use crate::ambient::Micros;
use crate::limits::{MATCH_VALUES_DAY_MAX, MATCH_VALUES_MONTH_MAX};
use crate::records::{
    ExternalRef, Field, Owner, PlainFields, Reason, RecordId, RecordRef, Schema, Target, Value,
    days_since_epoch, normalise,
};
use crate::store::Sealed;
use jiff::civil::Date;

/// The records behind a term, as the target of a match. Whether there are any that the caller may know of
/// is in the permit's account, and leaves only with the receipt.
pub struct Candidates {
    about: Vec<RecordRef>,
    seen: Vec<(RecordId, u64, u64)>,
}

impl Candidates {
    /// From the records that were fetched.
    pub fn of(found: &[Sealed]) -> Candidates {
        Candidates {
            about: found.iter().flat_map(|sealed| sealed.records().to_vec()).collect(),
            seen: found.iter().flat_map(Target::seen).collect(),
        }
    }
}

impl Target for Candidates {
    fn records(&self) -> &[RecordRef] {
        &self.about
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.seen.clone()
    }

    fn owns(&self, _owner: Owner) -> bool {
        false
    }
}

impl Seal {
    /// The term of a value.
    ///
    /// # Errors
    /// [`SealError::Unmatchable`] for a field without match group or a value that has no normal form.
    pub fn term(&self, field: &Field, value: &Value) -> Result<[u8; 18], SealError> {
        let group = field.match_group.as_deref().ok_or(SealError::Unmatchable)?;
        let normal = normalise(field, value).map_err(|_| SealError::Unmatchable)?;
        Ok(self.keyring.index_term(group, &normal).to_bytes())
    }

    /// The term of a calling system's own name for a record. No other system's reference gives the same one, and no
    /// field's match group has a stroke in its name.
    pub fn external_term(&self, system: ActorId, reference: &ExternalRef) -> [u8; 18] {
        let group = format!("external_ref/{system}");
        self.keyring.index_term(&group, reference.as_bytes()).to_bytes()
    }

    /// What asking for a value costs its asker: one of a day's distinct values.
    ///
    /// # Errors
    /// As [`Seal::term`].
    pub fn charge(
        &self,
        actor: ActorId,
        now: Micros,
        field: &Field,
        value: &Value,
    ) -> Result<Charge, SealError> {
        let normal = normalise(field, value).map_err(|_| SealError::Unmatchable)?;
        let mut ledger = actor.as_bytes().to_vec();
        ledger.extend_from_slice(field.match_group.as_deref().unwrap_or_default().as_bytes());
        let tag = self.keyring.charge_tag(&ledger, &normal);
        let bound = Bound::Windows { day: MATCH_VALUES_DAY_MAX, month: MATCH_VALUES_MONTH_MAX };
        Ok(Charge { ledger: Ledger::Matches(actor), tag, hour: Hour::of(now), bound })
    }

    /// The terms of all matchable fields of a set that are matched on that day.
    pub(super) fn terms(
        &self,
        schema: &Schema,
        fields: &PlainFields,
        today: i32,
    ) -> Result<Vec<[u8; 18]>, SealError> {
        let mut terms = Vec::new();
        for (name, value) in fields.iter() {
            let Some(field) = schema.field(name) else { continue };
            if field.match_group.is_some() && !is_over(field, fields, today) {
                let term = self.term(field, value)?;
                if !terms.contains(&term) {
                    terms.push(term);
                }
            }
        }
        Ok(terms)
    }
}

/// Whether the date until which a field is matched has come. A link to a dwelling that somebody left is found no more.
fn is_over(field: &Field, fields: &PlainFields, today: i32) -> bool {
    let end = field.match_until.as_deref().and_then(|end| fields.get(end));
    let end = end.and_then(|end| end.as_text());
    let end = end.and_then(|end| end.expose_for(Reason::Matching).parse::<Date>().ok());
    end.is_some_and(|end| days_since_epoch(end) <= today)
}
