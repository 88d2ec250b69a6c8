//! An erasure that is carried out again, in a vault that was restored from before it: as the vault itself, on the word of the ledger.
//! Never weighed anew: two people decided it, and the keys are destroyed.
//! The account is that of the erasure, and names nobody who asked.

use super::account::{Account, ErasureAct, Fact, Origin, Written};
use super::decide::{Access, authority, plain};
use super::erasure::ErasureAsked;
use super::permit::Permit;
use super::question::{Item, Matter};

impl Access {
    /// Permits a step of an erasure that a ledger has; `changed` are its records, of which the entry names each.
    pub fn permit_replay<T>(
        &self,
        asked: &ErasureAsked<'_>,
        changed: &[Item<'_>],
        origin: &Origin,
        target: T,
    ) -> Permit<T> {
        let active = self.active.load();
        let mut account = Account::of(Written::Erasure(ErasureAct::Remove), origin);
        account.policy_index = active.index;
        account.approval = Some(asked.id);
        account.subjects = asked.subject.into_iter().collect();
        for item in changed {
            let Matter::Present { facts, versions, .. } = &item.matter else { continue };
            account.records.push(facts.record_handle);
            account.versions = account.versions.or(*versions);
        }
        account.facts = vec![
            ("reason", Fact::Code(asked.reason.to_owned())),
            ("replayed", Fact::Code("ledger".to_owned())),
        ];
        plain(target, account, authority(&active, None))
    }
}
