//! Who may give a task to whom: one post of the giver knows of every record, one post of the holder covers every record,
//! and the policy lets the one role give work to the other.
//! Never opens more than the policy opens inside a task to the holder's own role, and shows its giver nothing: of what a
//! place or an event leads to, whatever does not belong there is left out without a word.
//! A step of a task is its holder's, or its giver's; for everybody else there is no such task.

use super::account::{Account, MandateAct, Origin, Written};
use super::approval::{WaitsAt, place_of};
use super::bearer::{Bearer, No, acts_under, bearers};
use super::code::Code;
use super::decide::{Access, account_of, authority, carry, plain};
use super::field::{check_state, field_grants, needs_counter};
use super::grants::{Action, Grants};
use super::permit::{Denied, FieldView, Permit};
use super::policy::Policy;
use super::protection::may_know;
use super::question::{Item, Matter, Question};
use super::role::RoleId;
use super::standing::{ActorId, Standing};
use super::weigh::name_record;
use crate::ambient::Micros;
use crate::records::{Class, Facts, MandateId, RecordType, View};
use crate::territory::CellId;

/// A task that somebody wants to give.
pub struct TaskTerms<'a> {
    /// Its id.
    pub id: MandateId,
    /// Who is to hold it; nothing for somebody who is not in the directory or does not work.
    pub holder: Option<&'a Standing>,
    /// The fields that it is to open.
    pub fields: &'a [String],
    /// Whether its records lead to others: the people of a place, the places of an event. Then a field is one that the
    /// holder's role sees of somebody, whoever lives there, so that the answer does not tell who does.
    pub leads_on: bool,
}

/// The post under which a task will be held.
pub struct Taker {
    /// Its role.
    pub role: RoleId,
    /// Where those look who agree to what that role does there, if anybody does.
    pub waits_at: Option<WaitsAt>,
    /// Which of what its records lead to is in it.
    pub kept: Vec<bool>,
}

impl Access {
    /// Decides whether the task may be given. The items are its records, with no fields; beside them stands what they lead
    /// to, of which is taken along what both posts cover and may know of, and nobody whose address is protected.
    ///
    /// # Errors
    /// [`Denied`]: `denied` for somebody who gives no tasks, for a holder that this role gives none or that has no post over
    /// all records, for fields that the holder's role never sees; `not_found` for a record that the giver may not know of;
    /// `restricted`, `purpose_not_for_field`.
    pub fn decide_task<T>(
        &self,
        question: &Question<'_>,
        terms: &TaskTerms<'_>,
        items: &[Item<'_>],
        led_to: &[Item<'_>],
        target: T,
    ) -> Result<(Permit<T>, Taker), Denied> {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        account.written = Written::Mandate(MandateAct::Give);
        account.task = Some(terms.id);
        account.about = terms.holder.map(|holder| holder.actor);
        let named = |field: &String| FieldView { field: field.clone(), view: View::None };
        account.fields = terms.fields.iter().map(named).collect();
        let mut authority = authority(&active, Some(question.standing));
        authority.other = terms.holder.map(|holder| (holder.actor, holder.version));
        match weigh_task(&active.policy, question, terms, (items, led_to), &mut account) {
            Ok(taker) => {
                let permit = plain(target, account, authority);
                Ok((permit, taker))
            }
            Err(no) => {
                // A name that nobody has may be a value: the log names the fields of what was permitted alone.
                account.fields.clear();
                Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) })
            }
        }
    }

    /// Whether any role of the caller gives tasks at all. Asked before anything of the request is looked at; the decision
    /// asks again.
    ///
    /// # Errors
    /// [`Denied`] when none does. It must be recorded too.
    pub fn check_giver(
        &self,
        standing: &Standing,
        origin: &Origin,
        now: Micros,
    ) -> Result<(), Denied> {
        let active = self.active.load();
        let may = givers(&active.policy, standing, now).next().is_some();
        self.admit(may, standing, Written::Mandate(MandateAct::Give), origin)
    }

    /// Decides about a step of a mandate that is there, by somebody who has to do with it; nothing where nobody may.
    ///
    /// # Errors
    /// [`Denied`] `not_found` where there is none that the caller has to do with.
    pub fn decide_step<T>(
        &self,
        standing: &Standing,
        act: MandateAct,
        id: MandateId,
        parties: &[ActorId],
        origin: &Origin,
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let mut permit = self.permit_known(standing, Written::Mandate(act), origin, target);
        permit.account.task = Some(id);
        if parties.contains(&standing.actor) {
            return Ok(permit);
        }
        Err(Denied { why: Code::NotFound, fields: Vec::new(), account: permit.account })
    }
}

fn weigh_task(
    policy: &Policy,
    question: &Question<'_>,
    terms: &TaskTerms<'_>,
    (items, led_to): (&[Item<'_>], &[Item<'_>]),
    account: &mut Account,
) -> Result<Taker, No> {
    let givers: Vec<Bearer<'_>> = givers(policy, question.standing, question.now).collect();
    if givers.is_empty() {
        return Err(No::plain(Code::Denied));
    }
    if !question.purpose.active {
        return Err(No::plain(Code::PurposeUnknown));
    }
    // One that is bound to a line gives work of that line alone.
    let givers: Vec<Bearer<'_>> =
        givers.into_iter().filter(|giver| acts_under(giver.assignment, question.purpose)).collect();
    if givers.is_empty() {
        return Err(No::plain(Code::Denied));
    }
    let knowing: Vec<Bearer<'_>> =
        givers.into_iter().filter(|bearer| reaches_all(policy, question, *bearer, items)).collect();
    if knowing.is_empty() || items.is_empty() {
        return Err(No::plain(Code::NotFound));
    }
    for item in items {
        let Matter::Present { record_type, cell, facts, versions } = &item.matter else {
            return Err(No::plain(Code::NotFound));
        };
        name_record(account, question, *record_type, *cell, facts, *versions);
        check_state(question, facts)?;
    }
    // Whoever may open nothing about a person sends nobody to one.
    let of_people = |item: &Item<'_>| matches!(&item.matter, Matter::Present { facts, .. } if !facts.subject_handles.is_empty());
    let about_people = terms.leads_on || items.iter().any(of_people);
    let mut knowing = knowing;
    knowing.retain(|giver| giver.lack.is_none() || !about_people);
    if knowing.is_empty() {
        return Err(No::plain(Code::Denied));
    }
    let refused = |fields: &[String]| No { why: Code::Denied, fields: fields.to_vec() };
    let holder = terms.holder.ok_or_else(|| refused(&["holder".to_owned()]))?;
    if holder.actor == question.standing.actor {
        return Err(refused(&["holder".to_owned()]));
    }
    let mut unopened: Option<Vec<String>> = None;
    for giver in knowing {
        let to = |role: &RoleId| policy.roles()[giver.role].gives_tasks_to.contains(role);
        let takers = bearers(policy, holder, question.now)
            .filter(|taker| to(&taker.assignment.role))
            .filter(|taker| reaches_all(policy, question, *taker, items));
        for taker in takers {
            let closed = closed_fields(policy, question, taker, terms, items);
            if closed.is_empty() {
                let kept =
                    led_to.iter().map(|item| belongs(policy, question, [giver, taker], item));
                let kept: Vec<bool> = kept.collect();
                name_all(account, question, led_to, &kept);
                carry(account, giver.assignment, question.now);
                account.rule = Some(format!("{}/task.give", giver.assignment.role.as_str()));
                let role = taker.assignment.role.clone();
                let waits_at = place_of(policy, &role, taker.assignment.area.as_ref());
                return Ok(Taker { role, waits_at, kept });
            }
            unopened.get_or_insert(closed);
        }
    }
    Err(refused(&unopened.unwrap_or_else(|| vec!["holder".to_owned()])))
}

/// The fields of which the holder would see nothing. Where the records lead to people, somebody stands for all of them.
fn closed_fields(
    policy: &Policy,
    question: &Question<'_>,
    taker: Bearer<'_>,
    terms: &TaskTerms<'_>,
    items: &[Item<'_>],
) -> Vec<String> {
    // What opens to the holder at its counter alone opens inside no task that somebody gives.
    let opens = |grants, child, class| {
        by_task(grants, child, class) && !needs_counter(policy, taker, class)
    };
    let closed = unopened_fields(policy, question, taker, terms.fields, items, opens);
    if !terms.leads_on {
        return closed;
    }
    let (nobody, cell) = (Facts::of_nobody(), CellId::NOWHERE);
    let somebody = [RecordType::Person, RecordType::Place].map(|record_type| Item {
        matter: Matter::Present { record_type, cell, facts: &nobody, versions: None },
        fields: &[],
    });
    unopened_fields(policy, question, taker, &closed, &somebody, opens)
}

/// Whether something that a record leads to is in the task: both posts cover it and may know of it, it is not closed, and
/// nobody is sent to an address that is protected.
fn belongs(
    policy: &Policy,
    question: &Question<'_>,
    posts: [Bearer<'_>; 2],
    item: &Item<'_>,
) -> bool {
    let Matter::Present { facts, .. } = &item.matter else { return false };
    let one = std::slice::from_ref(item);
    !facts.protected_address
        && check_state(question, facts).is_ok()
        && posts.into_iter().all(|post| reaches_all(policy, question, post, one))
}

fn name_all(account: &mut Account, question: &Question<'_>, items: &[Item<'_>], kept: &[bool]) {
    for (item, _) in items.iter().zip(kept).filter(|(_, kept)| **kept) {
        if let Matter::Present { record_type, cell, facts, versions } = &item.matter {
            name_record(account, question, *record_type, *cell, facts, *versions);
        }
    }
}

/// The posts of somebody who gives tasks.
fn givers<'a>(
    policy: &'a Policy,
    standing: &'a Standing,
    now: Micros,
) -> impl Iterator<Item = Bearer<'a>> {
    bearers(policy, standing, now)
        .filter(|bearer| !policy.roles()[bearer.role].gives_tasks_to.is_empty())
        .filter(|bearer| bearer.assignment.area.is_some())
}

/// Whether one post may know of every record. What is missing lies where nobody's post does.
fn reaches_all(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    items: &[Item<'_>],
) -> bool {
    items.iter().all(|item| may_know(policy, question, bearer, &item.matter))
}

/// The fields of which nothing would be seen of any of the records, by these conditions.
pub(super) fn unopened_fields(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    fields: &[String],
    items: &[Item<'_>],
    opens: impl Fn(Grants, bool, Class) -> bool,
) -> Vec<String> {
    let today = question.now.local_days();
    let opened = |field: &String| {
        items.iter().any(|item| {
            let Matter::Present { record_type, facts, .. } = &item.matter else { return false };
            let schema = question.schemas.get(*record_type);
            let Some(known) = schema.and_then(|schema| schema.field(field)) else { return false };
            let listed = question.purpose.lists(*record_type, field);
            let grants = field_grants(policy, question, bearer, *record_type, facts, field);
            let class = facts.effective_class(known.class, today);
            listed && opens(grants, facts.is_under_14(today), class)
        })
    };
    fields.iter().filter(|field| !opened(field)).cloned().collect()
}

/// What a task may open, by itself or with a second person.
pub(super) fn by_task(grants: Grants, _child: bool, _class: Class) -> bool {
    [Action::ReadRaw, Action::ReadRawInTask, Action::ReadRawApproved]
        .into_iter()
        .any(|action| grants.has(action))
}
