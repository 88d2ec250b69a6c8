//! Who may have what is held of somebody restrained or released: the desk that serves residents asks, its second person of oversight
//! agrees, and a desk of the same area carries it out.
//! Never by one person, and never with a word that somebody wrote freely: kinds, steps and reasons are codes.
//! A desk that has to do with one of a person's records restrains all of it, wherever it lies.

use super::account::{Fact, Origin, RestraintAct, Written};
use super::approval::agreeing;
use super::bearer::{Bearer, No};
use super::code::Code;
use super::consent::desks;
use super::decide::{Access, account_of, authority, carry, plain};
use super::erasure::{ErasureDesk, acting, desk_of, is_of, weigh_desk};
use super::permit::{Denied, Permit};
use super::policy::Policy;
use super::question::{Item, Matter, Question};
use super::standing::Standing;
use super::weigh::name_record;
use crate::ambient::Micros;
use crate::records::{Handle, MandateId, RestraintKind};

/// What is asked for.
pub struct RestraintAsked<'a> {
    /// Its id.
    pub id: MandateId,
    /// The handle of the person, where anything is held of it.
    pub subject: Option<Handle>,
    /// The area of the desk that asked; nothing while it asks for something new.
    pub area: Option<&'a str>,
    /// What the restraint does.
    pub kind: RestraintKind,
    /// The restraint that is to end; nothing for one that begins.
    pub releases: Option<MandateId>,
    /// Why: a code.
    pub reason: &'a str,
}

impl Access {
    /// Decides about a step of a restraint. `own` are all records that are about the person, `others` those in which it
    /// appears beside somebody else, `changed` those of this step, which the entry names.
    ///
    /// # Errors
    /// [`Denied`]: `denied` for somebody who serves no residents and for another purpose than that of rights; `not_found`
    /// where there is nothing, nothing that the caller may know of, or what a desk of another area asked for.
    pub fn decide_restraint<T>(
        &self,
        question: &Question<'_>,
        act: RestraintAct,
        asked: &RestraintAsked<'_>,
        (own, others, changed): (&[Item<'_>], &[Item<'_>], &[Item<'_>]),
        target: T,
    ) -> Result<(Permit<T>, ErasureDesk), Denied> {
        let active = self.active.load();
        let policy = &active.policy;
        let mut account = account_of(&active, question);
        account.written = Written::Restraint(act);
        account.approval = Some(asked.id);
        let is_gone = own.is_empty() && others.is_empty();
        let weighed = match asked.area {
            // Nothing is left of the person, and the restraint over nothing may end all the same.
            Some(area) if is_gone => acting(policy, question).and_then(|desks| {
                let desk = desks.into_iter().find(|desk| is_of(*desk, area));
                desk_of(policy, desk.ok_or(No::plain(Code::NotFound))?)
            }),
            area => weigh_desk(policy, question, area, own, others),
        };
        match weighed {
            Ok((bearer, desk)) => {
                for item in changed {
                    if let Matter::Present { record_type, cell, facts, versions } = &item.matter {
                        name_record(&mut account, question, *record_type, *cell, facts, *versions);
                    }
                }
                // Others who appear in the same records have no part in it.
                account.subjects = asked.subject.into_iter().collect();
                account.basis = None;
                if act == RestraintAct::Ask {
                    account.versions = None;
                }
                let step = if asked.releases.is_some() { "release" } else { "set" };
                let released = asked.releases.map(|id| ("releases", Fact::Code(id.to_string())));
                account.facts.extend(released);
                account.facts.extend([
                    ("restraint", Fact::Code(asked.kind.as_str().to_owned())),
                    ("step", Fact::Code(step.to_owned())),
                    ("reason", Fact::Code(asked.reason.to_owned())),
                ]);
                carry(&mut account, bearer.assignment, question.now);
                account.approval = Some(asked.id);
                account.rule = Some(format!("{}/restrain", desk.role));
                let permit = plain(target, account, authority(&active, Some(question.standing)));
                Ok((permit, desk))
            }
            Err(no) => Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) }),
        }
    }

    /// Whether the caller sees what is due to residents. Asked before anything of the request is looked at; the decision asks
    /// again.
    ///
    /// # Errors
    /// [`Denied`] when it does not. It must be recorded too.
    pub fn check_due(
        &self,
        standing: &Standing,
        origin: &Origin,
        now: Micros,
    ) -> Result<(), Denied> {
        let active = self.active.load();
        let may = seeing(&active.policy, standing, now).next().is_some();
        self.admit(may, standing, Written::Restraint(RestraintAct::SeeDue), origin)
    }

    /// Decides whether the caller sees what is due to residents, and where: in the areas of its desks, and in those over which it
    /// agrees to what desks ask for; everywhere, where it does so on the platform.
    ///
    /// # Errors
    /// [`Denied`] `denied` for everybody else. It must be recorded too.
    pub fn decide_due<T>(
        &self,
        standing: &Standing,
        origin: &Origin,
        now: Micros,
        target: T,
    ) -> Result<(Permit<T>, Vec<String>), Denied> {
        let active = self.active.load();
        let policy = &active.policy;
        let seeing: Vec<_> = seeing(policy, standing, now).collect();
        let written = Written::Restraint(RestraintAct::SeeDue);
        let mut permit = self.permit_known(standing, written, origin, target);
        let Some(first) = seeing.first() else {
            let account = permit.account;
            return Err(Denied { why: Code::Denied, fields: Vec::new(), account });
        };
        carry(&mut permit.account, first.assignment, now);
        permit.account.rule = Some(format!("{}/due", first.assignment.role.as_str()));
        let area = |area: &Option<_>| area.as_ref().map_or_else(String::new, ToString::to_string);
        let mut areas: Vec<String> = seeing.iter().map(|it| area(&it.assignment.area)).collect();
        areas.sort_unstable();
        // An area begins with the digits of what it lies in, so what lies in another is behind it.
        areas.dedup_by(|inner, outer| inner.starts_with(&**outer));
        Ok((permit, areas))
    }
}

/// The posts of somebody that serve residents, and those that agree to what such posts ask for.
fn seeing<'a>(
    policy: &'a Policy,
    standing: &'a Standing,
    now: Micros,
) -> impl Iterator<Item = Bearer<'a>> {
    let served = desks(policy, standing, now);
    served.chain(agreeing(policy, standing, now, |role| role.serves_residents))
}
