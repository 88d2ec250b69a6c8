//! Index terms: what stands in the index instead of a value, and what is charged for asking.
//! Never a plain hash: an ID number is guessed from one in minutes.
//! Equal values of one match group give equal terms, so that an exact value can be found. While an index key follows another each
//! value has two: the newest is stored, both are looked for, and what is taken away is whichever stands.

use super::{Seal, SealError};
use crate::access::{ActorId, Bound, Charge, Hour, Ledger};
use crate::ambient::Micros;
use crate::limits::{MATCH_VALUES_DAY_MAX, MATCH_VALUES_MONTH_MAX};
use crate::records::{
    ExternalRef, Field, Owner, PlainFields, Reason, RecordId, RecordRef, Schema, Target, Value,
    days_since_epoch, normalise,
};
use crate::store::{Change, Expect, Key, MovedTerms, Op, Sealed, StoreError, Version, term_value};
use gridvault_keys::BlindValue;
use jiff::civil::Date;
use std::collections::BTreeSet;

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

/// A value that records are found by, whichever key of its bucket their terms are under. For one look, and never stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sought(pub(super) BlindValue);

impl Seal {
    /// What a value is found by.
    ///
    /// # Errors
    /// [`SealError::Unmatchable`] for a field without match group or a value that has no normal form.
    pub fn term(&self, field: &Field, value: &Value) -> Result<Sought, SealError> {
        let group = field.match_group.as_deref().ok_or(SealError::Unmatchable)?;
        let normal = normalise(field, value).map_err(|_| SealError::Unmatchable)?;
        Ok(Sought(self.keyring.blind_value(group, &normal)))
    }

    /// What a calling system's own name for a record is found by. No other system's reference gives the same, and no
    /// field's match group has a stroke in its name.
    pub fn external_term(&self, system: ActorId, reference: &ExternalRef) -> Sought {
        let group = format!("external_ref/{system}");
        Sought(self.keyring.blind_value(&group, reference.as_bytes()))
    }

    /// The terms of a value under the keys that there are now: that of the former in front, where there are two.
    pub fn forms(&self, sought: &Sought) -> Vec<[u8; 18]> {
        let forms = self.keyring.term_forms(&sought.0);
        forms.former.iter().chain([&forms.newest]).map(|term| term.to_bytes()).collect()
    }

    /// Lets a record be found by a value from now on; gives the term, for its row.
    pub(super) fn put_term(&self, sought: &Sought, id: RecordId, change: &mut Change) -> [u8; 18] {
        let forms = self.keyring.term_forms(&sought.0);
        let term = forms.newest.to_bytes();
        change.ops.push(Op::Put(Key::term(&term, id), Version(1), term_value(forms.epoch)));
        term
    }

    /// Takes away what a record was found by, whichever keys its terms are under by now: by its row, which says itself under which
    /// buckets it was found, and by what rotations made of that, where the vault vouches for it. What somebody put there instead names
    /// nothing, and goes: a removal must come to its end, and where keys are destroyed for it the row alone says which.
    pub(super) fn remove_terms(
        &self,
        sealed: &Sealed,
        change: &mut Change,
    ) -> Result<(), SealError> {
        let header = &sealed.row().header;
        if header.terms.is_empty() {
            return Ok(());
        }
        let (version, moved) = match self.vouched(sealed) {
            Err(SealError::Store(StoreError::Corrupt { .. })) => {
                (sealed.moved_terms_version()?, MovedTerms::default())
            }
            kept => kept?,
        };
        let now = header.terms.iter().flat_map(|named| moved.now(named));
        let terms: BTreeSet<[u8; 18]> = header.terms.iter().copied().chain(now).collect();
        change.ops.extend(terms.iter().map(|term| Op::Delete(Key::term(term, header.id))));
        let key = Key::moved_terms(header.id);
        if version != Version::ABSENT {
            change.ops.push(Op::Delete(key.clone()));
        }
        change.expects.push(Expect { key, version, stamp: 0 });
        Ok(())
    }

    /// Lets a record be found by what it holds afterwards, and no more by what it held alone before; gives the terms, for its row.
    pub(super) fn swap_terms(
        &self,
        sealed: &Sealed,
        before: &[Sought],
        after: &[Sought],
        change: &mut Change,
    ) -> Result<Vec<[u8; 18]>, SealError> {
        let header = &sealed.row().header;
        if before.is_empty() && after.is_empty() {
            return Ok(header.terms.clone());
        }
        // Looked at before the keys are: whatever moves behind this look makes the change stale, so one of the forms is what stands.
        let (version, moved) = self.vouched(sealed)?;
        let mut terms: Vec<_> = header.terms.iter().flat_map(|term| moved.now(term)).collect();
        for gone in before.iter().filter(|sought| !after.contains(sought)) {
            for form in self.forms(gone) {
                if terms.contains(&form) {
                    change.ops.push(Op::Delete(Key::term(&form, header.id)));
                    terms.retain(|term| *term != form);
                }
            }
        }
        for new in after {
            if !self.forms(new).iter().any(|form| terms.contains(form)) {
                terms.push(self.put_term(new, header.id, change));
            }
        }
        forget_moved(header.id, version, change);
        Ok(terms)
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

    /// What all matchable fields of a set that are matched on that day are found by.
    pub(super) fn terms(
        &self,
        schema: &Schema,
        fields: &PlainFields,
        today: i32,
    ) -> Result<Vec<Sought>, SealError> {
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

/// The row names everything as it is now: what moved under the row before says nothing any more. A term that moves meanwhile makes the
/// change stale. Its version goes on: whoever looked before never takes what is kept later for what it saw.
fn forget_moved(id: RecordId, version: Version, change: &mut Change) {
    let key = Key::moved_terms(id);
    if version != Version::ABSENT {
        let nothing = MovedTerms::default().encode([0; 32]);
        change.ops.push(Op::Put(key.clone(), version.next(), nothing));
    }
    change.expects.push(Expect { key, version, stamp: 0 });
}

/// Whether the date until which a field is matched has come. A link to a dwelling that somebody left is found no more.
pub(super) fn is_over(field: &Field, fields: &PlainFields, today: i32) -> bool {
    let end = field.match_until.as_deref().and_then(|end| fields.get(end));
    let end = end.and_then(|end| end.as_text());
    let end = end.and_then(|end| end.expose_for(Reason::Matching).parse::<Date>().ok());
    end.is_some_and(|end| days_since_epoch(end) <= today)
}
