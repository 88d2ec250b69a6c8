//! The removal of a record that is past its end: on nobody's word, because its time is over.
//! Never before its day, and never what a law holds or what is restricted.
//! The account says when it ended, for which purposes it was held, and whether they had ended before.

use super::account::{Account, Fact, Origin, Written};
use super::decide::{Access, authority, plain};
use super::permit::Permit;
use super::question::{Item, Matter};
use crate::ambient::{Micros, date_of};
use crate::records::Facts;
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
        let Matter::Present { record_type, cell, facts, versions } = &item.matter else {
            return None;
        };
        let ended = facts.retain_until.filter(|_| facts.is_to_go(now.local_days()))?;
        let active = self.active.load();
        let mut account = Account::of(Written::Expiry, origin);
        account.policy_index = active.index;
        account.records = vec![facts.record_handle];
        account.subjects = facts.subject_handles.iter().map(|(_, handle)| *handle).collect();
        account.record_type = Some(*record_type);
        account.grid = territory.grid_of(*cell, now.0).map(|grid| grid.to_string());
        account.versions = *versions;
        let purposes: Vec<&str> = facts.bases.iter().map(|basis| &*basis.purpose).collect();
        account.facts = vec![
            ("ended_on", Fact::Code(date_of(ended).to_string())),
            ("purposes", Fact::Code(purposes.join(","))),
            ("reason", Fact::Code(reason(facts).to_owned())),
        ];
        Some(plain(target, account, authority(&active, None)))
    }
}

/// Why its time is over, in the codes that a desk has for an erasure.
fn reason(facts: &Facts) -> &'static str {
    let rests = facts.bases.iter().any(|basis| !facts.is_withdrawn(basis));
    if rests || facts.bases.is_empty() { "period_over" } else { "consent_withdrawn" }
}
