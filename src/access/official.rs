//! Who may ask for named fields of named people for an organ, by a document (Data Security Law 35); the protection officer says
//! yes or no, like any second person.
//! Never by a role that the policy does not name for it, and never a list: named people, named fields, one record at a time.
//! What the asker's role could not see with a second person's word is asked for in vain.

use super::account::Origin;
use super::account::{Fact, MandateAct, Written};
use super::approval::{WaitsAt, place_of};
use super::bearer::{Bearer, No, acts_under, bearers};
use super::code::Code;
use super::decide::{Access, account_of, authority, carry, plain};
use super::field::{check_fields, check_state};
use super::grants::{Action, Grants};
use super::permit::{Denied, FieldView, Permit};
use super::policy::Policy;
use super::protection::may_know_present;
use super::question::{Item, Matter, Question};
use super::role::RoleId;
use super::standing::Standing;
use super::task::unopened_fields;
use super::weigh::name_record;
use crate::ambient::Micros;
use crate::records::{Class, MandateId, RecordType, View};

/// What an organ asks for.
pub struct OfficialAsked<'a> {
    /// Its id.
    pub id: MandateId,
    /// The organ: a code of `organ`.
    pub organ: &'a str,
    /// The fields.
    pub fields: &'a [String],
}

impl Access {
    /// Whether any role of the caller asks for organs. Asked before anything of the request is looked at; the decision asks
    /// again.
    ///
    /// # Errors
    /// [`Denied`] when none does. It must be recorded too.
    pub fn check_official(
        &self,
        standing: &Standing,
        origin: &Origin,
        now: Micros,
    ) -> Result<(), Denied> {
        let active = self.active.load();
        let may = askers(&active.policy, standing, now).next().is_some();
        self.admit(may, standing, Written::Mandate(MandateAct::AskOfficial), origin)
    }

    /// Whether residents are told what a role of this name did: one that is known, and asks for no organs.
    pub fn tells_of(&self, role: &str) -> bool {
        let active = self.active.load();
        let known = active.policy.index(&RoleId::new(role));
        known.is_some_and(|place| !active.policy.roles()[place].official_requests)
    }

    /// Decides whether the request may be brought before the protection officer. The items are the people, with no fields.
    ///
    /// # Errors
    /// [`Denied`]: `denied` for a role that does not ask for organs, or for fields that it would see nothing of; `not_found`
    /// for somebody whom it may not know of; `restricted`, `purpose_not_for_field`.
    pub fn decide_official<T>(
        &self,
        question: &Question<'_>,
        asked: &OfficialAsked<'_>,
        items: &[Item<'_>],
        target: T,
    ) -> Result<(Permit<T>, String, WaitsAt), Denied> {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        account.written = Written::Mandate(MandateAct::AskOfficial);
        account.approval = Some(asked.id);
        account.facts.push(("organ", Fact::Code(asked.organ.to_owned())));
        let named = |field: &String| FieldView { field: field.clone(), view: View::None };
        account.fields = asked.fields.iter().map(named).collect();
        let policy = &active.policy;
        let mut names = |item: &Item<'_>| {
            if let Matter::Present { record_type, cell, facts, versions } = &item.matter {
                name_record(&mut account, question, *record_type, *cell, facts, *versions);
            }
        };
        match weigh_official(policy, question, asked.fields, items, &mut names) {
            Ok((bearer, place)) => {
                carry(&mut account, bearer.assignment, question.now);
                account.approval = Some(asked.id);
                let role = bearer.assignment.role.as_str().to_owned();
                account.rule = Some(format!("{role}/official.ask"));
                let mut permit =
                    plain(target, account, authority(&active, Some(question.standing)));
                let asker = question.standing.actor;
                permit.charges.push(policy.approvals().charge(asker, asked.id, question.now));
                Ok((permit, role, place))
            }
            Err(no) => {
                // A name that nobody has may be a value: the log names the fields of what was permitted alone.
                account.fields.clear();
                Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) })
            }
        }
    }
}

/// The posts of somebody that ask for organs.
fn askers<'a>(
    policy: &'a Policy,
    standing: &'a Standing,
    now: Micros,
) -> impl Iterator<Item = Bearer<'a>> {
    bearers(policy, standing, now)
        .filter(|bearer| policy.roles()[bearer.role].official_requests)
        .filter(|bearer| bearer.assignment.area.is_some())
}

fn weigh_official<'a>(
    policy: &'a Policy,
    question: &'a Question<'_>,
    fields: &[String],
    items: &[Item<'_>],
    names: &mut impl FnMut(&Item<'_>),
) -> Result<(Bearer<'a>, WaitsAt), No> {
    if !question.purpose.active {
        return Err(No::plain(Code::PurposeUnknown));
    }
    let asking: Vec<Bearer<'_>> = askers(policy, question.standing, question.now)
        .filter(|bearer| acts_under(bearer.assignment, question.purpose))
        .collect();
    if asking.is_empty() {
        return Err(No::plain(Code::Denied));
    }
    let reaching: Vec<Bearer<'_>> = asking
        .into_iter()
        .filter(|bearer| {
            items.iter().all(|item| may_know_present(policy, question, *bearer, &item.matter))
        })
        .collect();
    if reaching.is_empty() || items.is_empty() {
        return Err(No::plain(Code::NotFound));
    }
    check_fields(question, RecordType::Person, fields)?;
    for item in items {
        names(item);
        if let Matter::Present { facts, .. } = &item.matter {
            check_state(question, facts)?;
        }
    }
    let mut refused = No { why: Code::Denied, fields: fields.to_vec() };
    for bearer in reaching {
        let closed = unopened_fields(policy, question, bearer, fields, items, by_request);
        let assignment = bearer.assignment;
        let place = place_of(policy, &assignment.role, assignment.area.as_ref());
        match place {
            Some(place) if closed.is_empty() => return Ok((bearer, place)),
            _ => refused.fields = closed,
        }
    }
    Err(refused)
}

/// What a request of an organ opens: what is in clear, needs a task, or needs a second person.
fn by_request(grants: Grants, _child: bool, _class: Class) -> bool {
    [Action::ReadRaw, Action::ReadRawInTask, Action::ReadRawApproved]
        .into_iter()
        .any(|action| grants.has(action))
}
