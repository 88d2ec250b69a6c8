//! Lists: what one assignment shows of many records, item by item.
//! Never adds assignments up, and never says what was left out or why.
//! What is about a person is at most masked in a list: raw values of many people need a task, which opens those of its own.

use super::account::Account;
use super::bearer::{Bearer, No, bearers, covers, knows, may_use_call, weight};
use super::code::Code;
use super::decide::{Access, account_of, authority, carry, plain};
use super::field::{any_restricted, check_fields, check_state, field_grants, rule_of, views_of};
use super::ledger::Charge;
use super::mandate::Mandate;
use super::permit::{Authority, Denied, EachViews, FieldView, Permit, Views};
use super::policy::Policy;
use super::question::{Ask, Question};
use super::reveal::{name as name_mandate, of_mandate};
use super::standing::Assignment;
use crate::records::{Class, Facts, RecordType, SubjectSlot, View};
use crate::territory::{Area, CellId};
use std::sync::Arc;

/// What a list is asked for.
pub struct List<'a> {
    /// The type of its records.
    pub record_type: RecordType,
    /// Field names, in the caller's order.
    pub fields: &'a [String],
    /// The field whose exact value the records share, if they do.
    pub matched: Option<&'a str>,
    /// Where the list begins: the cell of the grid that the caller named, or of the place whose people are asked for,
    /// with that record's line of business.
    pub within: Option<(CellId, Option<&'a str>)>,
    /// The fields that alone may be in clear of a person, by whatever right; nothing where all may.
    pub in_clear: Option<&'a [&'a str]>,
}

/// A record that may be in a list.
pub struct Candidate<T> {
    /// Where it lies.
    pub cell: CellId,
    /// Its decision attributes.
    pub facts: Arc<Facts>,
    /// The record, which the permit will own if it shows anything of it.
    pub target: T,
}

/// What one assignment shows of the records of a list. There are three kinds: adults, children, whose general fields are
/// sensitive, and those between, who are looked at in clear inside a task alone.
struct Reach {
    assignment: Assignment,
    sees_protected: bool,
    rule: Option<String>,
    /// What it shows of each kind of record, in the order of their numbers; then the same inside what the caller acts under.
    shares: Vec<Share>,
}

/// Kinds of records that lie outside of any mandate.
const KINDS_COUNT: u8 = 3;

impl Reach {
    fn grown(&self) -> &Share {
        &self.shares[0]
    }

    /// The number of a record's kind on that day.
    fn kind_of(facts: &Facts, today: i32) -> u8 {
        match (facts.is_under_14(today), facts.is_minor(today)) {
            (true, _) => 1,
            (false, true) => 2,
            (false, false) => 0,
        }
    }
}

/// What a list shows of one kind of record.
struct Share {
    views: Views,
    /// Whether it may be found by the value that is matched, or by the place that its subject lives at.
    found: bool,
    by_mandate: ByMandate,
}

/// What a mandate has to do with a share.
#[derive(Clone, Copy, Default)]
struct ByMandate {
    /// Whether something is in clear by it.
    opens: bool,
    /// Whether that is counted against its budget.
    counts: bool,
}

/// A list that was thought through: who could carry it, and what each would show. It holds no record, and it permits
/// nothing before it decided over them.
pub struct ListPlan<'a> {
    question: &'a Question<'a>,
    record_type: RecordType,
    reaches: Vec<Reach>,
    account: Account,
    authority: Authority,
}

impl Access {
    /// Thinks a list through.
    ///
    /// # Errors
    /// [`Denied`] when nothing could be shown whatever there is: `denied`, `field_unknown`, `purpose_not_for_field`,
    /// `out_of_territory` for a grid, `not_found` for a place, `case_required` and `approval_required`.
    pub fn plan_list<'a>(
        &self,
        question: &'a Question<'a>,
        list: &List<'_>,
    ) -> Result<ListPlan<'a>, Denied> {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        match reaches(&active.policy, question, list, &mut account) {
            Ok(reaches) => {
                let authority = authority(&active, Some(question.standing));
                let record_type = list.record_type;
                Ok(ListPlan { question, record_type, reaches, account, authority })
            }
            Err(no) => Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) }),
        }
    }
}

impl<'a> ListPlan<'a> {
    /// The assignments that could carry the list, the one that gives most first: id, area and line. There is at least
    /// one, and each page is carried by one.
    pub fn reaches(&self) -> impl Iterator<Item = ([u8; 16], Area, Option<&str>)> {
        self.reaches.iter().filter_map(|reach| {
            let assignment = &reach.assignment;
            Some((assignment.id, assignment.area?, assignment.line.as_deref()))
        })
    }

    /// Whether the assignment at that place would show anything of the record.
    pub fn shows(&self, reach: usize, cell: CellId, facts: &Facts) -> bool {
        let Some(reach) = self.reaches.get(reach) else { return false };
        let line = facts.line.as_deref();
        covers(&reach.assignment, self.question.territory, cell, self.question.now, line)
            && self.share_of(reach, facts).is_some()
    }

    /// What the assignment shows of a record in its area; nothing where the record is not for this list.
    fn share_of<'b>(&self, reach: &'b Reach, facts: &Facts) -> Option<(u8, &'b Share)> {
        let inside = self.question.mandate;
        let inside = inside.is_some_and(|mandate| mandate.scope.holds(self.record_type, facts));
        let kind = Reach::kind_of(facts, self.question.now.local_days());
        let kind = if inside { kind + KINDS_COUNT } else { kind };
        let share = reach.shares.get(usize::from(kind))?;
        // A protected person is not shown to the neighbours that work in its own grid.
        let hidden = facts.protected_address && !reach.sees_protected;
        let given = &share.views.given;
        let shown = share.found && !given.is_empty() && !hidden;
        // The views are those of anybody. Where one shows of a part that is restricted, the list leaves the record out.
        let fields = given.iter().map(|given| &given.field);
        let shown = shown && !any_restricted(self.question, self.record_type, facts, fields);
        (shown && check_state(self.question, facts).is_ok()).then_some((kind, share))
    }

    /// Why nothing may be learned of the record that a list begins with, if nothing may.
    pub fn closed(&self, facts: &Facts) -> Option<Code> {
        check_state(self.question, facts).err().map(|no| no.why)
    }

    /// Whether the assignment at that place may learn that the subject of a link lives where it says.
    pub fn links(&self, reach: usize, cell: CellId, facts: &Facts) -> bool {
        let Some(reach) = self.reaches.get(reach) else { return false };
        let share =
            &reach.shares[usize::from(Reach::kind_of(facts, self.question.now.local_days()))];
        let line = facts.line.as_deref();
        let hidden = facts.protected_address && !reach.sees_protected;
        share.found
            && !hidden
            && covers(&reach.assignment, self.question.territory, cell, self.question.now, line)
            && check_state(self.question, facts).is_ok()
    }

    /// Decides over the records by the assignment at that place alone. What it shows nothing of is dropped, closed as
    /// it came.
    pub fn permit<T, P: FromIterator<T>>(
        &self,
        reach: usize,
        candidates: Vec<Candidate<T>>,
        mut charges: Vec<Charge>,
    ) -> Permit<P> {
        let mut account = self.account.clone();
        let mut each = EachViews::default();
        let mut area = None;
        let mut authority = self.authority;
        let mut shown = Vec::with_capacity(candidates.len());
        if let Some(reach) = self.reaches.get(reach) {
            carry(&mut account, &reach.assignment, self.question.now);
            account.rule = reach.rule.clone();
            area = reach.assignment.area;
            each.kinds = reach.shares.iter().map(|share| share.views.clone()).collect();
            let mut used = vec![false; reach.shares.len()];
            for Candidate { cell, facts, target } in candidates {
                let line = facts.line.as_deref();
                let (territory, now) = (self.question.territory, self.question.now);
                if !covers(&reach.assignment, territory, cell, now, line) {
                    continue;
                }
                let Some((kind, share)) = self.share_of(reach, &facts) else { continue };
                let mandate = self.question.mandate.filter(|_| share.by_mandate.opens);
                if let Some(mandate) = mandate {
                    authority.mandate = mandate.version.map(|version| (mandate.id, version));
                    name_mandate(&mut account, mandate);
                    if share.by_mandate.counts {
                        charges.push(of_mandate(mandate, &facts, self.question));
                    }
                }
                used[usize::from(kind)] = true;
                each.of.push(kind);
                account.records.push(facts.record_handle);
                account.subjects.extend(facts.subject_handles.iter().map(|(_, handle)| *handle));
                shown.push(target);
            }
            // Handles are random, so their order tells nothing and is free.
            account.subjects.sort_unstable();
            account.subjects.dedup();
            let given = reach.shares.iter().zip(used).filter(|(_, used)| *used);
            account.fields = highest(given.map(|(share, _)| &share.views));
        }
        Permit { area, charges, each, ..plain(shown.into_iter().collect(), account, authority) }
    }
}

/// The fields that were given of any record, each with the highest view that was given of it.
fn highest<'a>(views: impl Iterator<Item = &'a Views>) -> Vec<FieldView> {
    let mut fields: Vec<FieldView> = Vec::new();
    for given in views.flat_map(|views| &views.given) {
        match fields.iter_mut().find(|field| field.field == given.field) {
            Some(field) => field.view = field.view.max(given.view),
            None => fields.push(given.clone()),
        }
    }
    fields
}

fn reaches(
    policy: &Policy,
    question: &Question<'_>,
    list: &List<'_>,
    account: &mut Account,
) -> Result<Vec<Reach>, No> {
    if !question.purpose.active {
        return Err(No::plain(Code::PurposeUnknown));
    }
    account.record_type = Some(list.record_type);
    let able: Vec<Bearer<'_>> = bearers(policy, question.standing, question.now)
        .filter(|bearer| bearer.assignment.area.is_some())
        .filter(|bearer| may_use_call(policy, *bearer, question.ask))
        .collect();
    if able.is_empty() {
        return Err(No::plain(Code::Denied));
    }
    let covering = within(policy, question, list, able, account)?;
    check_fields(question, list.record_type, list.fields)?;
    check_found(question, list)?;
    let all: Vec<Reach> =
        covering.into_iter().map(|bearer| reach_of(policy, question, list, bearer)).collect();
    let shows = |share: &Share| share.found && !share.views.given.is_empty();
    // A condition that can be met is said before a plain no.
    let why = all
        .iter()
        .flat_map(|reach| &reach.grown().views.withheld)
        .map(|(_, why)| *why)
        .find(|why| *why != Code::Denied)
        .unwrap_or(Code::Denied);
    let mut reaches: Vec<Reach> =
        all.into_iter().filter(|reach| reach.shares.iter().any(shows)).collect();
    if reaches.is_empty() {
        return Err(No { why, fields: list.fields.to_vec() });
    }
    let most = |reach: &Reach| reach.shares.iter().map(|share| weight(&share.views)).max();
    reaches.sort_by_key(|reach| std::cmp::Reverse((weight(&reach.grown().views), most(reach))));
    Ok(reaches)
}

/// The assignments that have to do with where the list begins and with the type of its records.
fn within<'a>(
    policy: &Policy,
    question: &Question<'_>,
    list: &List<'_>,
    able: Vec<Bearer<'a>>,
    account: &mut Account,
) -> Result<Vec<Bearer<'a>>, No> {
    let covering: Vec<Bearer<'a>> = match list.within {
        None => able,
        Some((cell, line)) => {
            let covers = |bearer: &Bearer<'_>| {
                let here =
                    |line| covers(bearer.assignment, question.territory, cell, question.now, line);
                match question.ask {
                    // A grid has no line; a place may have one, and must be known of.
                    Ask::Occupants => here(line) && knows(policy, *bearer, RecordType::Place),
                    _ => here(bearer.assignment.line.as_deref()),
                }
            };
            able.into_iter().filter(covers).collect()
        }
    };
    if covering.is_empty() {
        let place = question.ask == Ask::Occupants;
        return Err(No::plain(if place { Code::NotFound } else { Code::OutOfTerritory }));
    }
    if let Some((cell, _)) = list.within {
        let grid = question.territory.grid_of(cell, question.now.0);
        account.grid = grid.map(|grid| grid.to_string());
    }
    let knowing: Vec<Bearer<'a>> =
        covering.into_iter().filter(|bearer| knows(policy, *bearer, list.record_type)).collect();
    if knowing.is_empty() { Err(No::plain(Code::Denied)) } else { Ok(knowing) }
}

/// By what the records of a list may be found. No list is made by a sensitive field, by a part of somebody else in a
/// record, or by a reference; and nothing at all leads from a value of a person to matters, files, tasks and logs.
fn check_found(question: &Question<'_>, list: &List<'_>) -> Result<(), No> {
    if question.ask == Ask::Occupants && !question.purpose.lists(RecordType::Residence, "place") {
        let fields = vec!["place".to_owned()];
        return Err(No { why: Code::PurposeNotForField, fields });
    }
    let Some(name) = list.matched else { return Ok(()) };
    let named = [name.to_owned()];
    check_fields(question, list.record_type, &named)?;
    let schema = question.schemas.get(list.record_type);
    let searchable = schema.is_some_and(|schema| {
        schema.field(name).is_some_and(|field| {
            let own = schema.section_of(field).is_some_and(|s| s.subject == SubjectSlot::Own);
            own && field.is_matched_by_value() && field.class <= Class::C2
        })
    });
    if searchable && is_found_by_value(list.record_type) {
        Ok(())
    } else {
        Err(No { why: Code::Denied, fields: named.into() })
    }
}

/// Whether records of the type are found by a value at all.
fn is_found_by_value(record_type: RecordType) -> bool {
    match record_type {
        RecordType::Person | RecordType::Place | RecordType::Object | RecordType::Organisation => {
            true
        }
        RecordType::Household
        | RecordType::Residence
        | RecordType::Event
        | RecordType::Task
        | RecordType::WorkLog
        | RecordType::MediationFile
        | RecordType::Attachment => false,
    }
}

fn reach_of(
    policy: &Policy,
    question: &Question<'_>,
    list: &List<'_>,
    bearer: Bearer<'_>,
) -> Reach {
    let grown = Facts::of_nobody();
    let child = Facts { turns_14: Some(i32::MAX), ..Facts::of_nobody() };
    let minor = Facts { turns_18: Some(i32::MAX), ..Facts::of_nobody() };
    let mut kinds = vec![grown, child, minor];
    kinds.extend(question.mandate.into_iter().flat_map(Mandate::kinds_within));
    let share = |facts: &Facts| {
        let (views, by_mandate) = list_views(policy, question, list, bearer, facts);
        Share { views, found: is_found(policy, question, list, bearer, facts), by_mandate }
    };
    Reach {
        assignment: bearer.assignment.clone(),
        sees_protected: policy.roles()[bearer.role].sees_protected,
        rule: rule_of(policy, question, bearer, list.record_type, &kinds[0], list.fields),
        shares: kinds.iter().map(share).collect(),
    }
}

/// The views of a read, with what is about a person at most masked but for what the caller's mandate opens; and whether it
/// opens anything that is counted.
fn list_views(
    policy: &Policy,
    question: &Question<'_>,
    list: &List<'_>,
    bearer: Bearer<'_>,
    facts: &Facts,
) -> (Views, ByMandate) {
    let schema = question.schemas.get(list.record_type);
    let mut views = views_of(policy, question, bearer, list.record_type, facts, list.fields);
    let mut by_mandate = ByMandate::default();
    for given in &mut views.given {
        let field = schema.and_then(|schema| schema.field(&given.field));
        let personal = field.is_none_or(|field| field.is_personal());
        let by = |mandate: &Mandate| mandate.opens(question, list.record_type, facts, &given.field);
        let meant = list.in_clear.is_none_or(|fields| fields.contains(&given.field.as_str()));
        let opens = question.mandate.is_some_and(by);
        if personal && !(opens && meant) {
            given.view = given.view.min(View::Masked);
        }
        // What is masked of it is seen by the mandate too, where nothing would be without it.
        by_mandate.opens |= opens;
        by_mandate.counts |= opens
            && given.view == View::Raw
            && field.is_some_and(|field| field.legal_kind.is_some());
    }
    (views, by_mandate)
}

/// Whether a record may be found in the way that the list asks for.
fn is_found(
    policy: &Policy,
    question: &Question<'_>,
    list: &List<'_>,
    bearer: Bearer<'_>,
    facts: &Facts,
) -> bool {
    let matches = |record_type, field: &str| {
        let grants = field_grants(policy, question, bearer, record_type, facts, field);
        grants.unconditional_view() >= View::Match
    };
    match (question.ask, list.matched) {
        (Ask::Occupants, _) => matches(RecordType::Residence, "place"),
        (_, None) => true,
        (_, Some(name)) => {
            let schema = question.schemas.get(list.record_type);
            let class = schema.and_then(|schema| schema.field(name)).map(|field| field.class);
            let today = question.now.local_days();
            // A child's telephone is sensitive, so no list is made by it.
            class.is_some_and(|class| facts.effective_class(class, today) <= Class::C2)
                && matches(list.record_type, name)
        }
    }
}
