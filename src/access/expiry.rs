//! The removal of a record that is past its end, or of fields of one that are: on nobody's word, because their time is over.
//! Never before its day, and never what a law holds or what is restricted.
//! The account says when it ended, for which purposes it was held, and whether they had ended before; of fields it has the names.

use super::account::{Account, Fact, Origin, Written};
use super::decide::{Access, authority, plain};
use super::permit::Permit;
use super::question::{Item, Matter};
use super::weigh::named_fields;
use crate::ambient::{Micros, date_of};
use crate::records::{BasisFact, Facts};
use crate::territory::Territory;

impl Access {
    /// Decides about a record as the vault itself. Nothing where it is not there, not over, held by a law, or restricted: nobody
    /// asked, so there is nobody to refuse.
    pub fn decide_expiry<T>(
        &self,
        item: &Item<'_>,
        origin: &Origin,
        now: Micros,
        territory: &Territory,
        target: T,
    ) -> Option<Permit<T>> {
        let Matter::Present { facts, .. } = &item.matter else { return None };
        let ended = facts.retain_until.filter(|_| facts.is_to_go(now.local_days()))?;
        let told = Told { ended, purposes: purposes(facts, |_| true), reason: reason(facts) };
        self.by_itself(Written::Expiry, item, told, origin, now, territory, target)
    }

    /// Decides as the vault itself about the fields that an item names. Nothing where the record is not there, where no field of it
    /// is over, or where a law or a restriction keeps it or a part in it.
    pub fn decide_field_expiry<T>(
        &self,
        item: &Item<'_>,
        origin: &Origin,
        now: Micros,
        territory: &Territory,
        target: T,
    ) -> Option<Permit<T>> {
        let Matter::Present { facts, .. } = &item.matter else { return None };
        let ended = facts.fields_end.filter(|_| facts.is_to_lose_fields(now.local_days()))?;
        let withdrawn = purposes(facts, |basis| facts.is_withdrawn(basis));
        let told = Told { ended, purposes: withdrawn, reason: CONSENT_WITHDRAWN };
        self.by_itself(Written::FieldExpiry, item, told, origin, now, territory, target)
    }

    #[expect(clippy::too_many_arguments, reason = "what, of what, why, when and where")]
    fn by_itself<T>(
        &self,
        written: Written,
        item: &Item<'_>,
        told: Told,
        origin: &Origin,
        now: Micros,
        territory: &Territory,
        target: T,
    ) -> Option<Permit<T>> {
        let Matter::Present { record_type, cell, facts, versions } = &item.matter else {
            return None;
        };
        let active = self.active.load();
        let mut account = Account::of(written, origin);
        account.policy_index = active.index;
        account.records = vec![facts.record_handle];
        account.subjects = facts.subject_handles.iter().map(|(_, handle)| *handle).collect();
        account.record_type = Some(*record_type);
        account.grid = territory.grid_of(*cell, now.0).map(|grid| grid.to_string());
        account.versions = *versions;
        account.fields = named_fields(std::slice::from_ref(item));
        account.facts = vec![
            ("ended_on", Fact::Code(date_of(told.ended).to_string())),
            ("purposes", Fact::Code(told.purposes)),
            ("reason", Fact::Code(told.reason.to_owned())),
        ];
        Some(plain(target, account, authority(&active, None)))
    }
}

/// What the account says of an end.
struct Told {
    ended: i32,
    purposes: String,
    reason: &'static str,
}

/// The purposes of some of the bases, with commas between.
fn purposes(facts: &Facts, wanted: impl Fn(&BasisFact) -> bool) -> String {
    let wanted = facts.bases.iter().filter(|basis| wanted(basis));
    wanted.map(|basis| &*basis.purpose).collect::<Vec<&str>>().join(",")
}

const CONSENT_WITHDRAWN: &str = "consent_withdrawn";

/// Why its time is over, in the codes that a desk has for an erasure.
fn reason(facts: &Facts) -> &'static str {
    let rests = facts.bases.iter().any(|basis| !facts.is_withdrawn(basis));
    if rests || facts.bases.is_empty() { "period_over" } else { CONSENT_WITHDRAWN }
}
