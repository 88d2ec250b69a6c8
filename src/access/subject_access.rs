//! What residents are told about themselves (PIPL Art. 44, 45): what is held of them and why, and who looked.
//! Never behind their back: it takes the desk that serves residents, and the check at the counter by which it knows who is present.
//! Which roles serve residents is data of the policy, and they do it for the purpose of rights alone.

use super::account::{ConsentAct, SubjectAccessAct, Written};
use super::bearer::{Bearer, No};
use super::code::Code;
use super::consent::weigh_consent;
use super::decide::{Access, account_of, authority, carry, plain};
use super::mandate::Mandate;
use super::permit::{Denied, Permit};
use super::policy::Policy;
use super::question::{Item, Matter, Question};
use super::weigh::name_record;
use crate::purposes::PurposeGroup;

impl Access {
    /// Decides whether the one who is present is told of what is held of it, or of who looked. The items are the person's own records
    /// that the caller may know of.
    ///
    /// # Errors
    /// [`Denied`]: `denied` for somebody who serves no residents and for another purpose than that of rights; `case_required` without
    /// an open check at the counter of the caller's own, and for somebody else than the one who was checked; `not_found` where there is
    /// nothing that the caller may know of.
    pub fn decide_subject_access<T>(
        &self,
        question: &Question<'_>,
        act: SubjectAccessAct,
        items: &[Item<'_>],
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        account.written = Written::SubjectAccess(act);
        match weigh_subject_access(&active.policy, question, items) {
            Ok((bearer, mandate)) => {
                carry(&mut account, bearer.assignment, question.now);
                account.rule = Some(format!("{}/subject.access", bearer.assignment.role.as_str()));
                account.task = Some(mandate.id);
                for item in items {
                    if let Matter::Present { record_type, cell, facts, versions } = &item.matter {
                        name_record(&mut account, question, *record_type, *cell, facts, *versions);
                    }
                }
                // Who looks leaves the record as it was, and the entry must not say that it moved on.
                account.versions = account.versions.map(|(version, _)| (version, version));
                let mut authority = authority(&active, Some(question.standing));
                authority.mandate = mandate.version.map(|version| (mandate.id, version));
                let area = bearer.assignment.area;
                Ok(Permit { area, ..plain(target, account, authority) })
            }
            Err(no) => Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) }),
        }
    }
}

fn weigh_subject_access<'a>(
    policy: &'a Policy,
    question: &'a Question<'_>,
    items: &[Item<'_>],
) -> Result<(Bearer<'a>, &'a Mandate), No> {
    if question.purpose.group != PurposeGroup::Rights {
        return Err(No::plain(Code::Denied));
    }
    // Whoever checked nobody is told so before anything is looked for.
    let mandate = question.mandate.filter(|mandate| is_check(mandate, question));
    let mandate = mandate.ok_or(No::plain(Code::CaseRequired))?;
    // One of the person's records brings the desk to do with it, as it does for consents.
    let first = items.get(..1).unwrap_or_default();
    let bearer = weigh_consent(policy, question, ConsentAct::Read, first)?;
    let is_present = items.iter().any(|item| match &item.matter {
        Matter::Present { record_type, facts, .. } => mandate.scope.holds(*record_type, facts),
        Matter::Erased { .. } | Matter::Missing => false,
    });
    if is_present { Ok((bearer, mandate)) } else { Err(No::plain(Code::CaseRequired)) }
}

/// Whether it is a check at the counter of the caller's own, open, for this purpose.
fn is_check(mandate: &Mandate, question: &Question<'_>) -> bool {
    mandate.at_counter && mandate.is_of(question) && mandate.purpose == question.purpose.id.as_str()
}
