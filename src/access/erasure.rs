//! Who may have somebody erased: the desk that serves residents asks, its second person of oversight agrees, and a desk of the
//! same area carries it out.
//! Never what a law holds, and never of whom something is restricted: both refuse with a code of their own, and nothing of the person goes.
//! A desk that has to do with one of a person's records has all of it erased, wherever it lies; of whom nothing is held but a part in
//! records of others, a desk that has to do with one of those.

use super::account::{Account, ErasureAct, Fact, Written};
use super::approval::{WaitsAt, place_of};
use super::bearer::{Bearer, No, acts_under};
use super::code::Code;
use super::consent::desks;
use super::decide::{Access, account_of, authority, carry, plain};
use super::permit::{Denied, Permit};
use super::policy::Policy;
use super::protection::may_know_present;
use super::question::{Item, Matter, Question};
use super::weigh::name_record;
use crate::purposes::PurposeGroup;
use crate::records::{Handle, MandateId};
use std::iter::repeat;

/// What is asked for.
pub struct ErasureAsked<'a> {
    /// Its id.
    pub id: MandateId,
    /// The handle of the person, where anything is held of it.
    pub subject: Option<Handle>,
    /// The area of the desk that asked; nothing while it asks.
    pub area: Option<&'a str>,
    /// Why: a code.
    pub reason: &'a str,
}

/// The post that an erasure is asked for or carried out by.
pub struct ErasureDesk {
    /// Its role.
    pub role: String,
    /// Its area: a desk of the same carries it out, and gives out the certificate.
    pub area: String,
    /// Where the second person looks.
    pub waits_at: WaitsAt,
}

impl Access {
    /// Decides about a step of an erasure. `own` are all records that are about the person, `others` those in which it
    /// appears beside somebody else, `changed` those of this step, which the entry names.
    ///
    /// # Errors
    /// [`Denied`]: `denied` for somebody who serves no residents and for another purpose than that of rights; `not_found`
    /// where there is nothing, nothing that the caller may know of, or what a desk of another area asked for; `legal_hold` where a
    /// law keeps one of the records, `restricted` where the person itself is restricted. What restricts somebody else in the same
    /// records neither refuses nor tells: what is taken out of them is the person's own part.
    pub fn decide_erasure<T>(
        &self,
        question: &Question<'_>,
        act: ErasureAct,
        asked: &ErasureAsked<'_>,
        (own, others, changed): (&[Item<'_>], &[Item<'_>], &[Item<'_>]),
        target: T,
    ) -> Result<(Permit<T>, ErasureDesk), Denied> {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        account.written = Written::Erasure(act);
        account.facts.push(("reason", Fact::Code(asked.reason.to_owned())));
        let weighed = weigh_desk(&active.policy, question, asked.area, own, others);
        // Who may not know of it learns nothing of its state, and the log no name.
        if weighed.is_ok() {
            name(&mut account, question, asked.subject, changed);
        }
        if act == ErasureAct::Ask {
            account.versions = None;
        }
        account.approval = Some(asked.id);
        let weighed = weighed.and_then(|found| check_states(own, others, asked.subject, found));
        match weighed {
            Ok((bearer, desk)) => {
                carry(&mut account, bearer.assignment, question.now);
                account.approval = Some(asked.id);
                account.rule = Some(format!("{}/erase", desk.role));
                let permit = plain(target, account, authority(&active, Some(question.standing)));
                Ok((permit, desk))
            }
            Err(no) => Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) }),
        }
    }

    /// Decides whether a certificate may be given out: by a desk of the area that asked for the erasure. Nothing where there
    /// is no such erasure.
    ///
    /// # Errors
    /// [`Denied`]: `denied` as above, `not_found` for every other desk.
    pub fn decide_certificate<T>(
        &self,
        question: &Question<'_>,
        asked: Option<&ErasureAsked<'_>>,
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        account.written = Written::Erasure(ErasureAct::Certify);
        let found = acting(&active.policy, question).and_then(|desks| {
            let area = asked.and_then(|asked| asked.area).ok_or(No::plain(Code::NotFound))?;
            let mut desks = desks.into_iter();
            desks.find(|desk| is_of(*desk, area)).ok_or(No::plain(Code::NotFound))
        });
        match found {
            Ok(bearer) => {
                carry(&mut account, bearer.assignment, question.now);
                account.approval = asked.map(|asked| asked.id);
                account.subjects = asked.and_then(|asked| asked.subject).into_iter().collect();
                account.rule = Some(format!("{}/erase", bearer.assignment.role.as_str()));
                Ok(plain(target, account, authority(&active, Some(question.standing))))
            }
            Err(no) => Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) }),
        }
    }
}

/// Names records by their handles, and of subjects the one whose erasure it is: a certificate shows this entry, and nobody else
/// is in it. The grid is left out for the same reason.
fn name(
    account: &mut Account,
    question: &Question<'_>,
    subject: Option<Handle>,
    changed: &[Item<'_>],
) {
    for item in changed {
        if let Matter::Present { record_type, cell, facts, versions } = &item.matter {
            name_record(account, question, *record_type, *cell, facts, *versions);
        }
    }
    account.subjects = subject.into_iter().collect();
    (account.grid, account.record_type, account.basis) = (None, None, None);
}

/// The desks of the caller that act under the purpose, if it is one of rights.
pub(super) fn acting<'a>(
    policy: &'a Policy,
    question: &'a Question<'_>,
) -> Result<Vec<Bearer<'a>>, No> {
    if question.purpose.group != PurposeGroup::Rights || !question.purpose.active {
        return Err(No::plain(Code::Denied));
    }
    let acting: Vec<Bearer<'_>> = desks(policy, question.standing, question.now)
        .filter(|desk| acts_under(desk.assignment, question.purpose))
        .collect();
    if acting.is_empty() { Err(No::plain(Code::Denied)) } else { Ok(acting) }
}

/// Whether a desk's area is, or has in it, the area of the desk that asked.
pub(super) fn is_of(desk: Bearer<'_>, area: &str) -> bool {
    desk.assignment.area.as_ref().is_some_and(|own| area.starts_with(&own.to_string()))
}

/// The desk of the caller that has to do with the person: with one of its own records, or, where it has none, with one in which it
/// appears beside somebody else.
pub(super) fn weigh_desk<'a>(
    policy: &'a Policy,
    question: &'a Question<'_>,
    area: Option<&str>,
    own: &[Item<'_>],
    others: &[Item<'_>],
) -> Result<(Bearer<'a>, ErasureDesk), No> {
    let named = if own.is_empty() { others } else { own };
    let desks = acting(policy, question)?;
    let knows_one = |desk: &Bearer<'_>| {
        named.iter().any(|item| may_know_present(policy, question, *desk, &item.matter))
    };
    let mut fitting = desks.into_iter().filter(|desk| area.is_none_or(|area| is_of(*desk, area)));
    desk_of(policy, fitting.find(knows_one).ok_or(No::plain(Code::NotFound))?)
}

/// A post as it asks the second person.
pub(super) fn desk_of<'a>(
    policy: &Policy,
    desk: Bearer<'a>,
) -> Result<(Bearer<'a>, ErasureDesk), No> {
    let role = &desk.assignment.role;
    // Where the policy names no second person nobody can agree, so nobody is asked.
    let waits_at = place_of(policy, role, desk.assignment.area.as_ref());
    let waits_at = waits_at.ok_or(No::plain(Code::Denied))?;
    let area = desk.assignment.area.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok((desk, ErasureDesk { role: role.as_str().to_owned(), area, waits_at }))
}

/// A hold keeps a record as a whole, whoever it is over. A restriction keeps what is of whom it is over: all of a record of its own,
/// and its part in a record of somebody else.
fn check_states<T>(
    own: &[Item<'_>],
    others: &[Item<'_>],
    subject: Option<Handle>,
    found: T,
) -> Result<T, No> {
    let mut restricted = false;
    for (item, is_own) in own.iter().zip(repeat(true)).chain(others.iter().zip(repeat(false))) {
        let Matter::Present { facts, .. } = &item.matter else { continue };
        if facts.legal_hold {
            return Err(No::plain(Code::LegalHold));
        }
        restricted |= is_own && facts.restricted;
        restricted |= subject.is_some_and(|it| facts.restricts(it));
    }
    if restricted { Err(No::plain(Code::Restricted)) } else { Ok(found) }
}
