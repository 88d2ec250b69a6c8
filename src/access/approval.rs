//! Who agrees to what somebody else asks for: one post of the role that the policy names for the asker's, over every record
//! in question, held by another person.
//! Never shows an approver a value, and never lets anybody agree to what it asked for, gave or is to hold.
//! Whoever may not agree learns nothing of what was asked for.

use super::account::{Account, MandateAct, Origin, Written};
use super::bearer::{Bearer, No, bearers, covers};
use super::code::Code;
use super::decide::{Access, account_of, authority, carry, plain};
use super::field::{check_fields, check_state};
use super::grants::{Action, Grants, Level};
use super::permit::{Denied, FieldView, Permit};
use super::policy::Policy;
use super::protection::may_know;
use super::question::{Item, Matter, Question};
use super::role::{Role, RoleId};
use super::standing::{ActorId, Standing};
use super::task::unopened_fields;
use super::weigh::name_record;
use crate::ambient::Micros;
use crate::records::{Class, MandateId, View};
use crate::territory::{Area, Territory};

/// Where those who may agree look for what waits for them: an area's digits, or nothing for those of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitsAt([u8; 16]);

impl WaitsAt {
    /// Where the holder of a post looks.
    pub(super) fn of(bearer: Bearer<'_>) -> Option<WaitsAt> {
        WaitsAt::above(bearer.assignment.area.as_ref(), bearer.level)
    }

    /// The place of a level above an area, or of the area itself; the platform is above all.
    pub(super) fn above(area: Option<&Area>, level: Level) -> Option<WaitsAt> {
        match level.of_territory() {
            None => Some(WaitsAt([0; 16])),
            Some(level) => WaitsAt::area(area?, level),
        }
    }

    fn area(area: &Area, level: crate::territory::Level) -> Option<WaitsAt> {
        let digits = area.to_string();
        let digits = digits.get(..level.digits())?;
        let mut place = [0; 16];
        place[..digits.len()].copy_from_slice(digits.as_bytes());
        Some(WaitsAt(place))
    }

    /// The bytes under which it is listed.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// What somebody else asked for, or is to be given.
pub struct Asking<'a> {
    /// Its id.
    pub id: MandateId,
    /// Whoever has a part in it, and so does not agree to it.
    pub parties: &'a [ActorId],
    /// The role under which it would be used.
    pub role: &'a str,
    /// Where it waits for its word.
    pub waits_at: Option<[u8; 16]>,
    /// Whose limit is to be raised, where it is about that and so about no record.
    pub raises: Option<ActorId>,
    /// Whether it is the end of a restraint over whom nothing is held of any more, so it is about no record either.
    pub is_over_nothing: bool,
}

impl Access {
    /// Decides whether somebody may ask a second person for a look at a record: what it asks for could be shown to it by
    /// an approval. The item has no fields. Each asking is counted.
    ///
    /// # Errors
    /// [`Denied`]: `not_found` for a record that it may not know of; `denied` for fields that no approval opens, or where
    /// nobody agrees to what its role asks for.
    pub fn decide_asking<T>(
        &self,
        question: &Question<'_>,
        id: MandateId,
        fields: &[String],
        items: &[Item<'_>],
        target: T,
    ) -> Result<(Permit<T>, WaitsAt), Denied> {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        account.written = Written::Mandate(MandateAct::Ask);
        let named = |field: &String| FieldView { field: field.clone(), view: View::None };
        account.fields = fields.iter().map(named).collect();
        match weigh_asking(&active.policy, question, fields, items, &mut account) {
            Ok(place) => {
                account.approval = Some(id);
                let mut permit =
                    plain(target, account, authority(&active, Some(question.standing)));
                let asker = question.standing.actor;
                permit.charges.push(active.policy.approvals().charge(asker, id, question.now));
                Ok((permit, place))
            }
            Err(no) => {
                // A name that nobody has may be a value: the log names the fields of what was permitted alone.
                account.fields.clear();
                Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) })
            }
        }
    }

    /// Decides about a second person's word, yes or no, over what somebody asked for. The items are what is left of it. A yes is of
    /// whoever is over all of it; a no is also of whoever looks where it waits, whatever became of the records.
    ///
    /// # Errors
    /// [`Denied`] `not_found` for whoever may not agree to it; `denied` for whoever has a part in it.
    #[expect(clippy::too_many_arguments, reason = "who, what, when and where")]
    pub fn decide_word<T>(
        &self,
        standing: &Standing,
        act: MandateAct,
        asking: &Asking<'_>,
        items: &[Item<'_>],
        territory: &Territory,
        origin: &Origin,
        now: Micros,
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let active = self.active.load();
        let mut permit = self.permit_known(standing, Written::Mandate(act), origin, target);
        permit.account.approval = Some(asking.id);
        let by_place =
            asking.raises.is_some() || asking.is_over_nothing || act == MandateAct::Refuse;
        let looks_there = |bearer: Bearer<'_>| {
            let own = WaitsAt::of(bearer).map(|own| *own.as_bytes());
            own.is_some() && own == asking.waits_at
        };
        let found = approvers(&active.policy, standing, asking.role, now).find(|bearer| {
            (by_place && looks_there(*bearer)) || over_all(*bearer, items, territory, now)
        });
        let why = match found {
            Some(bearer) if !asking.parties.contains(&standing.actor) => {
                carry(&mut permit.account, bearer.assignment, now);
                permit.account.approval = Some(asking.id);
                let role = bearer.assignment.role.as_str();
                permit.account.rule = Some(format!("{role}/approve"));
                let raised = asking.raises.filter(|_| act == MandateAct::Grant);
                if let (Some(holder), Some(terms)) = (raised, active.policy.raises()) {
                    permit.charges.push(terms.charge(holder, asking.id, now));
                }
                return Ok(permit);
            }
            Some(_) => Code::Denied,
            None => Code::NotFound,
        };
        Err(Denied { why, fields: Vec::new(), account: permit.account })
    }

    /// Whether somebody has a post that agrees to what a role does.
    pub fn agrees(&self, standing: &Standing, role: &str, now: Micros) -> bool {
        approvers(&self.active.load().policy, standing, role, now).next().is_some()
    }

    /// Where whoever is asked looks for what waits for its word.
    pub fn waiting_places(&self, standing: &Standing, now: Micros) -> Vec<WaitsAt> {
        let active = self.active.load();
        let policy = &active.policy;
        let mut places = Vec::new();
        for bearer in bearers(policy, standing, now).filter(|bearer| bearer.lack.is_none()) {
            let role = &bearer.assignment.role;
            let asked = policy.roles().iter().filter_map(|other| other.approved_by.as_ref());
            let agrees =
                asked.filter(|by| by.role == *role).any(|by| !by.lead || bearer.assignment.lead);
            if let (true, Some(place)) = (agrees, WaitsAt::of(bearer))
                && !places.contains(&place)
            {
                places.push(place);
            }
        }
        places
    }
}

fn weigh_asking(
    policy: &Policy,
    question: &Question<'_>,
    fields: &[String],
    items: &[Item<'_>],
    account: &mut Account,
) -> Result<WaitsAt, No> {
    if !question.purpose.active {
        return Err(No::plain(Code::PurposeUnknown));
    }
    let item = items.first().ok_or(No::plain(Code::NotFound))?;
    let Matter::Present { record_type, cell, facts, versions } = &item.matter else {
        return Err(No::plain(Code::NotFound));
    };
    let knowing: Vec<Bearer<'_>> = bearers(policy, question.standing, question.now)
        .filter(|bearer| may_know(policy, question, *bearer, &item.matter))
        .collect();
    if knowing.is_empty() {
        return Err(No::plain(Code::NotFound));
    }
    name_record(account, question, *record_type, *cell, facts, *versions);
    check_fields(question, *record_type, fields)?;
    check_state(question, facts)?;
    let mut refused = No { why: Code::Denied, fields: fields.to_vec() };
    for bearer in knowing {
        let closed = unopened_fields(policy, question, bearer, fields, items, by_approval);
        let assignment = bearer.assignment;
        let place = place_of(policy, &assignment.role, assignment.area.as_ref());
        if let (true, Some(place)) = (closed.is_empty(), place) {
            carry(account, assignment, question.now);
            account.rule = Some(format!("{}/approval.ask", assignment.role.as_str()));
            return Ok(place);
        }
        if !closed.is_empty() {
            refused.fields = closed;
        }
    }
    Err(refused)
}

/// What an approval opens: what needs one, and of a child what needs a task.
fn by_approval(grants: Grants, child: bool, _class: Class) -> bool {
    grants.has(Action::ReadRaw)
        || grants.has(Action::ReadRawApproved)
        || (child && grants.has(Action::ReadRawInTask))
}

/// The place above an area where those look who agree to what a role does there.
pub(super) fn place_of(policy: &Policy, role: &RoleId, area: Option<&Area>) -> Option<WaitsAt> {
    let by = policy.roles()[policy.index(role)?].approved_by.as_ref()?;
    WaitsAt::above(area, policy.roles()[policy.index(&by.role)?].level)
}

/// The posts of somebody that agree to what any role of a kind does.
pub(super) fn agreeing<'a>(
    policy: &'a Policy,
    standing: &'a Standing,
    now: Micros,
    kind: impl Fn(&Role) -> bool + 'a,
) -> impl Iterator<Item = Bearer<'a>> {
    bearers(policy, standing, now).filter(|bearer| bearer.lack.is_none()).filter(move |bearer| {
        let asking = policy.roles().iter().filter(|role| kind(role));
        asking
            .filter_map(|role| role.approved_by.as_ref())
            .any(|by| by.role == bearer.assignment.role && (!by.lead || bearer.assignment.lead))
    })
}

/// The posts of somebody that agree to what a role does. Whoever may open nothing agrees to nothing.
fn approvers<'a>(
    policy: &'a Policy,
    standing: &'a Standing,
    role: &str,
    now: Micros,
) -> impl Iterator<Item = Bearer<'a>> {
    let by = policy.role(role).and_then(|role| role.approved_by.as_ref());
    bearers(policy, standing, now).filter(|bearer| bearer.lack.is_none()).filter(move |bearer| {
        by.is_some_and(|by| {
            by.role == bearer.assignment.role && (!by.lead || bearer.assignment.lead)
        })
    })
}

/// Whether a post is over every record; one of the platform is over all.
fn over_all(bearer: Bearer<'_>, items: &[Item<'_>], territory: &Territory, now: Micros) -> bool {
    !items.is_empty()
        && items.iter().all(|item| match &item.matter {
            Matter::Present { cell, facts, .. } => {
                bearer.assignment.area.is_none()
                    || covers(bearer.assignment, territory, *cell, now, facts.line.as_deref())
            }
            Matter::Erased { .. } | Matter::Missing => false,
        })
}
