//! Consents of the one who is present: looked at, given and taken back at the desk that serves residents.
//! Never a reason of the vault's against taking back: a record that is restricted, or past its end, is let go of like any other.
//! Which roles serve residents is data of the policy, and they do it for the purpose of rights alone.

use super::account::{ConsentAct, Origin, Written};
use super::bearer::{Bearer, No, acts_under, bearers};
use super::code::Code;
use super::decide::{Access, account_of, authority, carry, plain};
use super::field::check_state;
use super::permit::{Denied, Permit};
use super::policy::Policy;
use super::protection::may_know_present;
use super::question::{Item, Matter, Question};
use super::standing::Standing;
use super::weigh::name_record;
use crate::ambient::Micros;
use crate::purposes::PurposeGroup;

impl Access {
    /// Decides about consents of one person. The desk has to do with every record that is `named`; the items are those of the
    /// person's records that the entry names.
    ///
    /// # Errors
    /// [`Denied`]: `denied` for somebody who serves no residents and for another purpose than that of rights; `not_found`
    /// where there is nothing, or something that the caller may not know of; `restricted` for a consent that is given over a
    /// record that nothing may be done with any more.
    pub fn decide_consent<T>(
        &self,
        question: &Question<'_>,
        act: ConsentAct,
        named: &[Item<'_>],
        items: &[Item<'_>],
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        account.written = Written::Consent(act);
        match weigh_consent(&active.policy, question, act, named) {
            Ok(bearer) => {
                carry(&mut account, bearer.assignment, question.now);
                account.rule = Some(format!("{}/consent", bearer.assignment.role.as_str()));
                for item in items {
                    if let Matter::Present { record_type, cell, facts, versions } = &item.matter {
                        name_record(&mut account, question, *record_type, *cell, facts, *versions);
                    }
                }
                if act == ConsentAct::Read {
                    // Who looks leaves the record as it was, and the entry must not say that it moved on.
                    account.versions = account.versions.map(|(version, _)| (version, version));
                }
                Ok(Permit {
                    area: bearer.assignment.area,
                    ..plain(target, account, authority(&active, Some(question.standing)))
                })
            }
            Err(no) => Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) }),
        }
    }

    /// Whether any role of the caller serves residents at all. Asked before anything of the request is looked at; the
    /// decision asks again.
    ///
    /// # Errors
    /// [`Denied`] when none does. It must be recorded too.
    pub fn check_desk(
        &self,
        standing: &Standing,
        written: Written,
        origin: &Origin,
        now: Micros,
    ) -> Result<(), Denied> {
        let active = self.active.load();
        let may = desks(&active.policy, standing, now).next().is_some();
        self.admit(may, standing, written, origin)
    }
}

/// The posts of somebody who serves residents.
pub(super) fn desks<'a>(
    policy: &'a Policy,
    standing: &'a Standing,
    now: Micros,
) -> impl Iterator<Item = Bearer<'a>> {
    bearers(policy, standing, now)
        .filter(|bearer| policy.roles()[bearer.role].serves_residents && bearer.lack.is_none())
        .filter(|bearer| bearer.assignment.area.is_some())
}

/// The post by which somebody serves whoever the records are of, all of them.
pub(super) fn weigh_consent<'a>(
    policy: &'a Policy,
    question: &'a Question<'_>,
    act: ConsentAct,
    named: &[Item<'_>],
) -> Result<Bearer<'a>, No> {
    if question.purpose.group != PurposeGroup::Rights || !question.purpose.active {
        return Err(No::plain(Code::Denied));
    }
    let mut acting = desks(policy, question.standing, question.now)
        .filter(|bearer| acts_under(bearer.assignment, question.purpose))
        .peekable();
    if acting.peek().is_none() {
        return Err(No::plain(Code::Denied));
    }
    let over_all = |bearer: &Bearer<'_>| {
        let known = |item: &Item<'_>| may_know_present(policy, question, *bearer, &item.matter);
        !named.is_empty() && named.iter().all(known)
    };
    let bearer = acting.find(over_all).ok_or(No::plain(Code::NotFound))?;
    if act == ConsentAct::Give {
        for item in named {
            if let Matter::Present { facts, .. } = &item.matter {
                check_state(question, facts)?;
            }
        }
    }
    Ok(bearer)
}
