//! The decision itself, from the cheapest question to the finest.
//! Never tells a caller who may not know more than `not_found`; never adds up rights of two assignments.
//! Order: may the role use the call, may it know of the record, does the purpose list the field, what view.

use super::account::{Account, Origin, Written};
use super::code::Code;
use super::grants::{Action, Grants, Level};
use super::permit::{Authority, Charge, Denied, FieldView, Permit, Views};
use super::policy::Policy;
use super::question::{Ask, Duty, Item, Matter, Question};
use super::standing::{ActorId, Assignment, Standing};
use crate::ambient::Micros;
use crate::purposes::PurposeGroup;
use crate::records::{Class, Facts, Handle, RecordType, View};
use crate::territory::{CellId, Territory};
use arc_swap::ArcSwap;

struct Active {
    policy: Policy,
    version: u64,
    index: u64,
}

/// The room's door: the active policy and the decisions under it.
pub struct Access {
    active: ArcSwap<Active>,
}

/// A decision that was only thought through.
pub struct Explanation {
    /// Why it would be refused, if it would.
    pub refused: Option<Code>,
    /// What would be shown.
    pub views: Views,
    /// Rule, role, area and assignment that would carry it.
    pub account: Account,
}

/// Why one item is refused, and for which fields.
struct No {
    why: Code,
    fields: Vec<String>,
}

impl No {
    fn plain(why: Code) -> No {
        No { why, fields: Vec::new() }
    }
}

/// An assignment that could carry the decision, with its role's place in the policy.
#[derive(Clone, Copy)]
struct Bearer<'a> {
    assignment: &'a Assignment,
    role: usize,
    level: Level,
}

impl Access {
    /// Starts with a policy, its version and the entry that activated it.
    pub fn new(policy: Policy, version: u64, index: u64) -> Access {
        Access { active: ArcSwap::from_pointee(Active { policy, version, index }) }
    }

    /// Reads the active policy.
    pub fn with_policy<R>(&self, read: impl FnOnce(&Policy) -> R) -> R {
        read(&self.active.load().policy)
    }

    /// Decides about records.
    ///
    /// A read, an update or a removal is about one item; a creation about one or more, all of which must
    /// be allowed; a match about the candidates behind the value, of which only those that the caller may
    /// know of are named in the account.
    ///
    /// # Errors
    /// [`Denied`] with the first reason. It must be recorded too.
    pub fn decide<T>(
        &self,
        question: &Question<'_>,
        items: &[Item<'_>],
        charges: Vec<Charge>,
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        match weigh(&active.policy, question, items, &mut account) {
            Ok((views, bearer)) => {
                account.fields = match question.ask {
                    Ask::Read => views.given.clone(),
                    _ => named_fields(items),
                };
                Ok(Permit {
                    target,
                    views,
                    account,
                    area: bearer.assignment.area,
                    authority: authority(&active, Some(question.standing)),
                    charges,
                })
            }
            Err(no) => Err(Denied { why: no.why, fields: no.fields, account }),
        }
    }

    /// Decides about something that is about no record.
    ///
    /// # Errors
    /// [`Denied`] when none of the caller's assignments has the duty now.
    pub fn decide_duty<T>(
        &self,
        standing: &Standing,
        duty: Duty,
        origin: &Origin,
        now: Micros,
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let active = self.active.load();
        let mut account = stand(Account::of(Written::Duty(duty), origin), standing, active.index);
        let bearer = standing.assignments.iter().find(|assignment| {
            assignment.counts_at(now) && active.policy.has_duty(&assignment.role, duty)
        });
        let Some(assignment) = bearer else {
            return Err(Denied { why: Code::Denied, fields: Vec::new(), account });
        };
        carry(&mut account, assignment);
        account.rule = Some(format!("{}/{}", assignment.role.as_str(), duty.as_str()));
        let authority = authority(&active, Some(standing));
        Ok(Permit {
            target,
            views: Views::default(),
            account,
            area: None,
            authority,
            charges: Vec::new(),
        })
    }

    /// What every known caller may do: see forms, fetch the proof of a receipt that it holds.
    pub fn permit_known<T>(
        &self,
        standing: &Standing,
        written: Written,
        origin: &Origin,
        target: T,
    ) -> Permit<T> {
        let active = self.active.load();
        let account = stand(Account::of(written, origin), standing, active.index);
        let authority = authority(&active, Some(standing));
        Permit {
            target,
            views: Views::default(),
            account,
            area: None,
            authority,
            charges: Vec::new(),
        }
    }

    /// The redemption of a one-time code: the code is the authority, and it is used up with the entry.
    pub fn permit_enrolment<T>(&self, origin: &Origin, actor: ActorId, target: T) -> Permit<T> {
        let active = self.active.load();
        let mut account = Account::of(Written::Enrol, origin);
        account.about = Some(actor);
        account.policy_index = active.index;
        let authority = authority(&active, None);
        Permit {
            target,
            views: Views::default(),
            account,
            area: None,
            authority,
            charges: Vec::new(),
        }
    }

    /// The refusal of a caller that has no identity, or of a known one whose request makes no sense.
    pub fn refuse(&self, standing: Option<&Standing>, why: Code, origin: &Origin) -> Denied {
        let active = self.active.load();
        let account = match standing {
            Some(standing) => {
                stand(Account::of(Written::Refused, origin), standing, active.index)
            }
            None => Account::of(Written::Stranger, origin),
        };
        Denied { why, fields: Vec::new(), account }
    }

    /// What would be decided, with the rule and the assignment that would carry it. Gives no permit.
    pub fn explain(&self, question: &Question<'_>, items: &[Item<'_>]) -> Explanation {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        match weigh(&active.policy, question, items, &mut account) {
            Ok((views, _)) => Explanation { refused: None, views, account },
            Err(no) => Explanation { refused: Some(no.why), views: Views::default(), account },
        }
    }

    /// Whether a caller may know of a record of this type in this cell: one assignment covers it now and
    /// its role has at least `match` on the type for some purpose.
    pub fn may_know(
        &self,
        standing: &Standing,
        record_type: RecordType,
        cell: CellId,
        territory: &Territory,
        now: Micros,
    ) -> bool {
        let active = self.active.load();
        bearers(&active.policy, standing, now).any(|bearer| {
            covers(bearer.assignment, territory, cell, now, None)
                && knows(&active.policy, bearer, record_type)
        })
    }
}

fn authority(active: &Active, standing: Option<&Standing>) -> Authority {
    Authority {
        policy: active.version,
        actor: standing.map(|standing| (standing.actor, standing.version)),
    }
}

fn stand(mut account: Account, standing: &Standing, policy_index: u64) -> Account {
    account.actor = Some(standing.actor);
    account.via = standing.via;
    account.strength = Some(standing.strength);
    account.session = Some(standing.session);
    account.policy_index = policy_index;
    account
}

fn carry(account: &mut Account, assignment: &Assignment) {
    account.role = Some(assignment.role.clone());
    account.scope = assignment.area.as_ref().map(ToString::to_string);
    account.assignment = Some(assignment.id);
}

fn account_of(active: &Active, question: &Question<'_>) -> Account {
    let written = match question.ask {
        Ask::Read => Written::Read,
        Ask::Create => Written::Create,
        Ask::Update => Written::Update,
        Ask::Delete => Written::Delete,
        Ask::Match => Written::Match,
    };
    let mut account =
        stand(Account::of(written, question.origin), question.standing, active.index);
    account.purpose = Some(question.purpose.id.as_str().to_owned());
    account.case = question.case;
    account
}

fn bearers<'a>(
    policy: &'a Policy,
    standing: &'a Standing,
    now: Micros,
) -> impl Iterator<Item = Bearer<'a>> {
    standing.assignments.iter().filter(move |assignment| assignment.counts_at(now)).filter_map(
        |assignment| {
            let role = policy.index(&assignment.role)?;
            let level = policy.roles()[role].level;
            Some(Bearer { assignment, role, level })
        },
    )
}

fn covers(
    assignment: &Assignment,
    territory: &Territory,
    cell: CellId,
    now: Micros,
    line: Option<&str>,
) -> bool {
    let Some(area) = &assignment.area else { return false };
    let in_line = assignment.line.as_deref().is_none_or(|own| line == Some(own));
    in_line && territory.covers(area, cell, now.0)
}

/// Any grant over the type, for any class and purpose group.
fn any_grant(
    policy: &Policy,
    bearer: Bearer<'_>,
    topics: &[RecordType],
    enough: impl Fn(Grants) -> bool,
) -> bool {
    topics.iter().any(|topic| {
        Class::ALL.iter().any(|class| {
            PurposeGroup::ALL
                .iter()
                .any(|group| enough(policy.grants(bearer.role, bearer.level, *topic, *class, *group)))
        })
    })
}

fn knows(policy: &Policy, bearer: Bearer<'_>, record_type: RecordType) -> bool {
    any_grant(policy, bearer, &[record_type], Grants::knows)
}

fn may_use_call(policy: &Policy, bearer: Bearer<'_>, ask: Ask) -> bool {
    any_grant(policy, bearer, &RecordType::ALL, |grants| match ask {
        Ask::Read => grants.reads(),
        Ask::Create | Ask::Update => grants.has(Action::Write),
        Ask::Delete => grants.has(Action::Delete),
        Ask::Match => grants.knows(),
    })
}

fn weigh<'a>(
    policy: &'a Policy,
    question: &'a Question<'_>,
    items: &[Item<'_>],
    account: &mut Account,
) -> Result<(Views, Bearer<'a>), No> {
    let able: Vec<Bearer<'a>> = bearers(policy, question.standing, question.now)
        .filter(|bearer| may_use_call(policy, *bearer, question.ask))
        .collect();
    if able.is_empty() {
        return Err(No::plain(Code::Denied));
    }
    match question.ask {
        Ask::Match => weigh_match(policy, question, items, able, account),
        Ask::Create => weigh_create(policy, question, items, able, account),
        Ask::Read | Ask::Update | Ask::Delete => {
            let item = items.first().ok_or(No::plain(Code::NotFound))?;
            weigh_one(policy, question, item, able, account)
        }
    }
}

/// A read, an update or a removal of one record.
fn weigh_one<'a>(
    policy: &'a Policy,
    question: &Question<'_>,
    item: &Item<'_>,
    able: Vec<Bearer<'a>>,
    account: &mut Account,
) -> Result<(Views, Bearer<'a>), No> {
    // A missing record is weighed against a cell that no area holds, so that it takes the same way.
    let (record_type, cell, line) = match &item.matter {
        Matter::Present { record_type, cell, facts, .. } => {
            (*record_type, *cell, facts.line.as_deref())
        }
        Matter::Erased { record_type, cell } => (*record_type, *cell, None),
        Matter::Missing => (RecordType::Person, CellId::NOWHERE, None),
    };
    let covering: Vec<Bearer<'a>> = able
        .into_iter()
        .filter(|bearer| {
            covers(bearer.assignment, question.territory, cell, question.now, line)
                && knows(policy, *bearer, record_type)
        })
        .collect();
    if covering.is_empty() {
        return Err(No::plain(Code::NotFound));
    }
    let Matter::Present { facts, versions, .. } = &item.matter else {
        return Err(No::plain(Code::Erased));
    };
    name_record(account, question, record_type, cell, facts, *versions);
    check_fields(question, record_type, item.fields)?;
    check_state(question, facts)?;
    choose(covering, |bearer| {
        let outcome = match question.ask {
            Ask::Read => views_of(policy, question, bearer, record_type, facts, item.fields),
            Ask::Update => writes(policy, question, bearer, record_type, facts, item.fields),
            _ => deletes(policy, question, bearer, record_type),
        };
        let mut carried = account.clone();
        carry(&mut carried, bearer.assignment);
        carried.rule = rule_of(policy, question, bearer, record_type, facts, item.fields);
        (outcome, carried)
    })
    .map(|(views, bearer, carried)| {
        *account = carried;
        (views, bearer)
    })
    .map_err(|(no, carried)| {
        *account = carried;
        no
    })
}

/// New records: the caller named the grid, so it may be told that it is not its own.
fn weigh_create<'a>(
    policy: &'a Policy,
    question: &Question<'_>,
    items: &[Item<'_>],
    able: Vec<Bearer<'a>>,
    account: &mut Account,
) -> Result<(Views, Bearer<'a>), No> {
    let present = |item: &Item<'_>| match &item.matter {
        Matter::Present { record_type, cell, .. } => Some((*record_type, *cell)),
        _ => None,
    };
    let covering: Vec<Bearer<'a>> = able
        .into_iter()
        .filter(|bearer| {
            items.iter().filter_map(present).all(|(_, cell)| {
                covers(bearer.assignment, question.territory, cell, question.now, None)
            })
        })
        .collect();
    if covering.is_empty() || items.is_empty() {
        return Err(No::plain(Code::OutOfTerritory));
    }
    for item in items {
        let Matter::Present { record_type, cell, facts, versions, .. } = &item.matter else {
            return Err(No::plain(Code::NotFound));
        };
        name_record(account, question, *record_type, *cell, facts, *versions);
        check_fields(question, *record_type, item.fields)?;
    }
    if items.len() > 1 {
        account.written = Written::Household;
    }
    choose(covering, |bearer| {
        let mut carried = account.clone();
        carry(&mut carried, bearer.assignment);
        let mut outcome = Ok(Views::default());
        for item in items {
            let Matter::Present { record_type, facts, .. } = &item.matter else { continue };
            outcome = writes(policy, question, bearer, *record_type, facts, item.fields);
            if carried.rule.is_none() {
                carried.rule =
                    rule_of(policy, question, bearer, *record_type, facts, item.fields);
            }
            if outcome.is_err() {
                break;
            }
        }
        (outcome, carried)
    })
    .map(|(views, bearer, carried)| {
        *account = carried;
        (views, bearer)
    })
    .map_err(|(no, carried)| {
        *account = carried;
        no
    })
}

/// A match: which of the candidates may the caller know of.
fn weigh_match<'a>(
    policy: &'a Policy,
    question: &Question<'_>,
    items: &[Item<'_>],
    able: Vec<Bearer<'a>>,
    account: &mut Account,
) -> Result<(Views, Bearer<'a>), No> {
    let (field, candidates) = items.split_first().ok_or(No::plain(Code::FieldUnknown))?;
    let Matter::Present { record_type, facts, .. } = &field.matter else {
        return Err(No::plain(Code::FieldUnknown));
    };
    account.record_type = Some(*record_type);
    check_fields(question, *record_type, field.fields)?;
    let schema = question.schemas.get(*record_type);
    for name in field.fields {
        let matchable = schema
            .and_then(|schema| schema.field(name))
            .is_some_and(|field| field.match_group.is_some());
        if !matchable {
            return Err(No { why: Code::Denied, fields: field.fields.to_vec() });
        }
    }
    let bearer = able.into_iter().find(|bearer| {
        field.fields.iter().all(|name| {
            let grants = field_grants(policy, question, *bearer, *record_type, facts, name);
            grants.unconditional_view() >= View::Match
        })
    });
    let Some(bearer) = bearer else {
        return Err(No { why: Code::Denied, fields: field.fields.to_vec() });
    };
    carry(account, bearer.assignment);
    account.rule = rule_of(policy, question, bearer, *record_type, facts, field.fields);
    for candidate in candidates {
        let Matter::Present { cell, facts, .. } = &candidate.matter else { continue };
        let line = facts.line.as_deref();
        if covers(bearer.assignment, question.territory, *cell, question.now, line)
            && !facts.restricted
        {
            account.records.push(facts.record_handle);
            account.subjects.extend(facts.subject_handles.iter().map(|(_, handle)| *handle));
        }
    }
    Ok((Views::default(), bearer))
}

type Outcome = Result<Views, No>;

/// Tries each assignment and takes the one that gives most; rights of several never add up.
fn choose<'a>(
    covering: Vec<Bearer<'a>>,
    mut attempt: impl FnMut(Bearer<'a>) -> (Outcome, Account),
) -> Result<(Views, Bearer<'a>, Account), (No, Account)> {
    let mut best: Option<(Views, Bearer<'a>, Account)> = None;
    let mut refused: Option<(No, Account)> = None;
    for bearer in covering {
        match attempt(bearer) {
            (Ok(views), carried) => {
                if best.as_ref().is_none_or(|(other, ..)| weight(&views) > weight(other)) {
                    best = Some((views, bearer, carried));
                }
            }
            (Err(no), carried) => {
                refused.get_or_insert((no, carried));
            }
        }
    }
    best.ok_or_else(|| refused.expect("at least one assignment covers, so one was tried"))
}

/// More fields first, then more in clear.
fn weight(views: &Views) -> (usize, usize) {
    let raw = views.given.iter().filter(|field| field.view == View::Raw).count();
    (views.given.len(), raw)
}

fn name_record(
    account: &mut Account,
    question: &Question<'_>,
    record_type: RecordType,
    cell: CellId,
    facts: &Facts,
    versions: Option<(u64, u64)>,
) {
    account.records.push(facts.record_handle);
    let handles: Vec<Handle> = facts
        .subject_handles
        .iter()
        .map(|(_, handle)| *handle)
        .filter(|handle| !account.subjects.contains(handle))
        .collect();
    account.subjects.extend(handles);
    if account.record_type.is_none() {
        account.record_type = Some(record_type);
        account.grid =
            question.territory.grid_of(cell, question.now.0).map(|grid| grid.to_string());
        account.versions = versions;
        account.basis = facts
            .bases
            .iter()
            .find(|basis| basis.purpose == question.purpose.id.as_str())
            .map(|basis| basis.legal_basis.clone());
    }
}

fn named_fields(items: &[Item<'_>]) -> Vec<FieldView> {
    let mut named: Vec<FieldView> = Vec::new();
    for field in items.iter().flat_map(|item| item.fields) {
        if !named.iter().any(|one| one.field == *field) {
            named.push(FieldView { field: field.clone(), view: View::None });
        }
    }
    named
}

fn check_fields(
    question: &Question<'_>,
    record_type: RecordType,
    fields: &[String],
) -> Result<(), No> {
    let schema = question.schemas.get(record_type).ok_or(No::plain(Code::FieldUnknown))?;
    let pick = |wrong: &dyn Fn(&String) -> bool| -> Vec<String> {
        fields.iter().filter(|field| wrong(field)).cloned().collect()
    };
    let unknown = pick(&|field| schema.field(field).is_none());
    if !unknown.is_empty() {
        return Err(No { why: Code::FieldUnknown, fields: unknown });
    }
    let unlisted = pick(&|field| !question.purpose.lists(record_type, field));
    if !unlisted.is_empty() {
        return Err(No { why: Code::PurposeNotForField, fields: unlisted });
    }
    Ok(())
}

fn check_state(question: &Question<'_>, facts: &Facts) -> Result<(), No> {
    if facts.restricted {
        return Err(No::plain(Code::Restricted));
    }
    let ended = facts.is_expired(question.now.days()) && !facts.legal_hold;
    if ended && question.ask != Ask::Delete {
        return Err(No::plain(Code::Restricted));
    }
    let personal = !facts.subject_handles.is_empty();
    let held = facts.bases.iter().any(|basis| basis.purpose == question.purpose.id.as_str());
    // A duty or an emergency brings its own basis; what rests on the resident's will must have been given.
    if personal
        && question.ask == Ask::Read
        && question.purpose.rests_on_the_subject()
        && !held
    {
        return Err(No::plain(Code::BasisMissing));
    }
    Ok(())
}

fn field_grants(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
    facts: &Facts,
    field: &str,
) -> Grants {
    let Some(known) = question.schemas.get(record_type).and_then(|schema| schema.field(field))
    else {
        return Grants::NONE;
    };
    let class = facts.effective_class(known.class, question.now.days());
    let granted =
        policy.grants(bearer.role, bearer.level, record_type, class, question.purpose.group);
    policy.narrowed(granted, bearer.role, question.purpose.id.as_str(), field)
}

fn views_of(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
    facts: &Facts,
    fields: &[String],
) -> Outcome {
    let mut views = Views::default();
    for field in fields {
        let grants = field_grants(policy, question, bearer, record_type, facts, field);
        match grants.unconditional_view() {
            view @ (View::Raw | View::Masked) => {
                views.given.push(FieldView { field: field.clone(), view });
            }
            _ if grants.has(Action::ReadRawInTask) => {
                views.withheld.push((field.clone(), Code::CaseRequired));
            }
            _ if grants.has(Action::ReadRawApproved) => {
                views.withheld.push((field.clone(), Code::ApprovalRequired));
            }
            _ => views.withheld.push((field.clone(), Code::Denied)),
        }
    }
    if views.given.is_empty() {
        // A condition that can be met is said before a plain no.
        let why = views
            .withheld
            .iter()
            .map(|(_, why)| *why)
            .find(|why| *why != Code::Denied)
            .unwrap_or(Code::Denied);
        return Err(No { why, fields: fields.to_vec() });
    }
    Ok(views)
}

fn writes(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
    facts: &Facts,
    fields: &[String],
) -> Outcome {
    if !policy.names(bearer.role, question.purpose.id.as_str()) {
        return Err(No::plain(Code::Denied));
    }
    let refused: Vec<String> = fields
        .iter()
        .filter(|field| {
            !field_grants(policy, question, bearer, record_type, facts, field).has(Action::Write)
        })
        .cloned()
        .collect();
    if refused.is_empty() {
        Ok(Views::default())
    } else {
        Err(No { why: Code::Denied, fields: refused })
    }
}

/// A removal touches every class that the type has, so it is asked for the highest.
fn deletes(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
) -> Outcome {
    let highest = question
        .schemas
        .get(record_type)
        .and_then(|schema| schema.fields().iter().map(|field| field.class).max())
        .unwrap_or(Class::C3);
    let grants =
        policy.grants(bearer.role, bearer.level, record_type, highest, question.purpose.group);
    let named = policy.names(bearer.role, question.purpose.id.as_str());
    if named && grants.has(Action::Delete) {
        Ok(Views::default())
    } else {
        Err(No::plain(Code::Denied))
    }
}

fn rule_of(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    record_type: RecordType,
    facts: &Facts,
    fields: &[String],
) -> Option<String> {
    let grants = match fields.first() {
        Some(field) => field_grants(policy, question, bearer, record_type, facts, field),
        None => policy.grants(
            bearer.role,
            bearer.level,
            record_type,
            Class::C2,
            question.purpose.group,
        ),
    };
    let line = match question.ask {
        Ask::Read => grants.read_line(),
        Ask::Create | Ask::Update => grants.write_line(),
        Ask::Delete => grants.delete_line(),
        Ask::Match => grants.match_line(),
    };
    (line != 0).then(|| format!("{}/{line}", bearer.assignment.role.as_str()))
}
