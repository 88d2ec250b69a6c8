//! The change feed: which changed records one assignment may be told of.
//! Never a value and never a filter by record; a record is named only where it is held for the purpose.
//! What was removed is told by its type, cell and line, since little else is left of it; whoever was protected stays as hidden.

use super::account::Account;
use super::bearer::{Bearer, bearers, covers, may_use_call};
use super::code::Code;
use super::decide::{Access, account_of, authority, carry, plain};
use super::field::{check_state, field_grants};
use super::permit::{Authority, Denied, Permit};
use super::policy::Policy;
use super::question::Question;
use super::standing::Assignment;
use crate::records::{Facts, RecordType, View};
use crate::territory::{Area, CellId};

/// A record that changed.
pub struct Changed<T> {
    /// Its type.
    pub record_type: RecordType,
    /// Where it lies, or lay.
    pub cell: CellId,
    /// What is left of it.
    pub state: ChangedState,
    /// What the permit will own if the caller may be told.
    pub target: T,
}

/// What is left of a record that changed.
pub enum ChangedState {
    /// It is there.
    Held(Facts),
    /// It was removed.
    Removed {
        /// The line of business that held it.
        line: Option<String>,
        /// Whether its subject's address was protected.
        protected: bool,
    },
}

struct Reach {
    assignment: Assignment,
    sees_protected: bool,
    types: Vec<RecordType>,
}

/// A look at the feed that was thought through: who could carry it.
pub struct FeedPlan<'a> {
    question: &'a Question<'a>,
    reaches: Vec<Reach>,
    account: Account,
    authority: Authority,
}

impl Access {
    /// Thinks a look at the change feed through.
    ///
    /// # Errors
    /// [`Denied`] when no assignment has to do with records of a type that the purpose lists.
    pub fn plan_feed<'a>(&self, question: &'a Question<'a>) -> Result<FeedPlan<'a>, Denied> {
        let active = self.active.load();
        let account = account_of(&active, question);
        let no = |why, account| Denied { why, fields: Vec::new(), account: Box::new(account) };
        if !question.purpose.active {
            return Err(no(Code::PurposeUnknown, account));
        }
        let policy = &active.policy;
        let reaches: Vec<Reach> = bearers(policy, question.standing, question.now)
            .filter(|bearer| bearer.assignment.area.is_some())
            .filter(|bearer| may_use_call(policy, *bearer, question.ask))
            .map(|bearer| Reach {
                assignment: bearer.assignment.clone(),
                sees_protected: policy.roles()[bearer.role].sees_protected,
                types: types_of(policy, question, bearer),
            })
            .filter(|reach| !reach.types.is_empty())
            .collect();
        if reaches.is_empty() {
            return Err(no(Code::Denied, account));
        }
        let authority = authority(&active, Some(question.standing));
        Ok(FeedPlan { question, reaches, account, authority })
    }
}

/// The types of which the purpose leaves the assignment at least a match without a condition. That somebody is held for a
/// programme says something of them: whoever sees such records inside a task alone is told of none.
fn types_of(policy: &Policy, question: &Question<'_>, bearer: Bearer<'_>) -> Vec<RecordType> {
    let grown = Facts::of_nobody();
    let opens = |record_type: RecordType, field: &str| {
        let grants = field_grants(policy, question, bearer, record_type, &grown, field);
        grants.unconditional_view() >= View::Match
    };
    let listed = question.purpose.fields.iter();
    listed
        .filter(|(record_type, fields)| fields.iter().any(|field| opens(**record_type, field)))
        .map(|(record_type, _)| *record_type)
        .collect()
}

impl FeedPlan<'_> {
    /// The assignments that could carry a page: id, area and line. There is at least one.
    pub fn reaches(&self) -> impl Iterator<Item = ([u8; 16], Area, Option<&str>)> {
        self.reaches.iter().filter_map(|reach| {
            let assignment = &reach.assignment;
            Some((assignment.id, assignment.area?, assignment.line.as_deref()))
        })
    }

    /// Decides over what changed by the assignment at that place alone; drops what its caller may not be told of.
    pub fn permit<T, P: FromIterator<T>>(
        &self,
        reach: usize,
        changed: Vec<Changed<T>>,
    ) -> Permit<P> {
        let mut account = self.account.clone();
        let mut area = None;
        let mut told = Vec::with_capacity(changed.len());
        if let Some(reach) = self.reaches.get(reach) {
            carry(&mut account, &reach.assignment, self.question.now);
            account.rule = Some(format!("{}/changes", reach.assignment.role.as_str()));
            area = reach.assignment.area;
            for Changed { record_type, cell, state, target } in changed {
                if !self.is_told(reach, record_type, cell, &state) {
                    continue;
                }
                match state {
                    ChangedState::Held(facts) => account.records.push(facts.record_handle),
                    // Its handle went with it.
                    ChangedState::Removed { .. } => account.unnamed_records_count += 1,
                }
                told.push(target);
            }
        }
        Permit { area, ..plain(told.into_iter().collect(), account, self.authority) }
    }

    fn is_told(
        &self,
        reach: &Reach,
        record_type: RecordType,
        cell: CellId,
        state: &ChangedState,
    ) -> bool {
        let question = self.question;
        let (line, protected) = match state {
            ChangedState::Held(facts) => (facts.line.as_deref(), facts.protected_address),
            ChangedState::Removed { line, protected } => (line.as_deref(), *protected),
        };
        let hidden = protected && !reach.sees_protected;
        let known = reach.types.contains(&record_type)
            && !hidden
            && covers(&reach.assignment, question.territory, cell, question.now, line);
        known
            && match state {
                ChangedState::Removed { .. } => true,
                ChangedState::Held(facts) => {
                    let held = facts.live_basis_for(question.purpose.id.as_str()).is_some();
                    held && check_state(question, facts).is_ok()
                }
            }
    }
}
