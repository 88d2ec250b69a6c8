//! The room's door: decisions under the active policy, as permits or refusals.
//! Never fetches, and never permits anything that is not weighed.
//! What it gives says under which versions it was given.

use super::account::{Account, Origin, Written};
use super::bearer::{Bearer, bearers, covers, knows, may_use_call};
use super::code::Code;
use super::field::field_grants;
use super::ledger::Charge;
use super::permit::{Authority, Denied, EachViews, Permit, Views};
use super::policy::Policy;
use super::protection::hides_whoever;
use super::question::{Ask, Duty, Item, Matter, Question};
use super::reveal::opened;
use super::role::RoleId;
use super::standing::{ActorId, Assignment, Standing};
use super::weigh::{named_fields, weigh};
use crate::ambient::Micros;
use crate::records::RecordType;
use crate::territory::{CellId, Territory};
use arc_swap::ArcSwap;

pub(super) struct Active {
    pub(super) policy: Policy,
    pub(super) version: u64,
    pub(super) index: u64,
}

/// The room's door: the active policy and the decisions under it.
pub struct Access {
    pub(super) active: ArcSwap<Active>,
}

/// A decision that was only thought through.
pub struct Explanation {
    /// Why it would be refused, if it would.
    pub refused: Option<Code>,
    /// What would be shown.
    pub views: Views,
    /// Rule, role, area and assignment that would carry it.
    pub account: Account,
    /// The line of business that the assignment is bound to.
    pub line: Option<String>,
    /// What that assignment has of each field, with its conditions, in the words of the policy.
    pub granted: Vec<(String, Vec<&'static str>)>,
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
                let opened = opened(&active.policy, question, items, &views, bearer, &mut account);
                let mut charges = charges;
                charges.extend(opened.charges);
                account.fields = match question.ask {
                    Ask::Read => views.given.clone(),
                    _ => named_fields(items),
                };
                Ok(Permit {
                    target,
                    views,
                    account: Box::new(account),
                    area: bearer.assignment.area,
                    authority: Authority {
                        mandate: opened.mandate,
                        spends: opened.spends,
                        ..authority(&active, Some(question.standing))
                    },
                    charges,
                    each: EachViews::default(),
                })
            }
            Err(no) => Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) }),
        }
    }

    /// Whether any role of the caller may use a call about records at all, whatever it is about. Asked before anything of
    /// the request is looked at; the decision asks again.
    ///
    /// # Errors
    /// [`Denied`] when none may. It must be recorded too.
    pub fn check_call(
        &self,
        standing: &Standing,
        ask: Ask,
        origin: &Origin,
        now: Micros,
    ) -> Result<(), Denied> {
        let active = self.active.load();
        let may = bearers(&active.policy, standing, now)
            .any(|bearer| may_use_call(&active.policy, bearer, ask));
        self.admit(may, standing, written_of(ask), origin)
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
        account.purpose = duty.purpose().map(str::to_owned);
        let bearer = standing.assignments.iter().find(|assignment| {
            assignment.counts_at(now) && active.policy.has_duty(&assignment.role, duty)
        });
        let Some(assignment) = bearer else {
            return Err(Denied {
                why: Code::Denied,
                fields: Vec::new(),
                account: Box::new(account),
            });
        };
        carry(&mut account, assignment, now);
        account.rule = Some(format!("{}/{}", assignment.role.as_str(), duty.as_str()));
        let authority = authority(&active, Some(standing));
        Ok(plain(target, account, authority))
    }

    /// The first of some duties that the caller has now. It permits nothing: the decision asks again.
    pub fn first_duty(&self, standing: &Standing, duties: &[Duty], now: Micros) -> Option<Duty> {
        duties.iter().copied().find(|duty| !self.roles_with(standing, *duty, now).is_empty())
    }

    /// The roles by which the caller has a duty now.
    pub fn roles_with(&self, standing: &Standing, duty: Duty, now: Micros) -> Vec<RoleId> {
        let active = self.active.load();
        let posts = standing.assignments.iter().filter(|assignment| assignment.counts_at(now));
        posts
            .map(|assignment| &assignment.role)
            .filter(|role| active.policy.has_duty(role, duty))
            .cloned()
            .collect()
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
        plain(target, account, authority)
    }

    /// The end of a check that comes before anything of the request is looked at: `denied` unless a post of the caller may make
    /// the call. The decision asks again.
    pub(super) fn admit(
        &self,
        may: bool,
        standing: &Standing,
        written: Written,
        origin: &Origin,
    ) -> Result<(), Denied> {
        if may { Ok(()) } else { Err(self.denied(standing, written, origin)) }
    }

    /// The refusal of a known caller that may not make the call at all.
    pub(super) fn denied(&self, standing: &Standing, written: Written, origin: &Origin) -> Denied {
        let permit = self.permit_known(standing, written, origin, ());
        Denied { why: Code::Denied, fields: Vec::new(), account: permit.account }
    }

    /// The redemption of a one-time code: the code is the authority, and it is used up with the entry.
    pub fn permit_enrolment<T>(&self, origin: &Origin, actor: ActorId, target: T) -> Permit<T> {
        let active = self.active.load();
        let mut account = Account::of(Written::Enrol, origin);
        account.about = Some(actor);
        account.policy_index = active.index;
        let authority = authority(&active, None);
        plain(target, account, authority)
    }

    /// The refusal of a caller that has no identity, or of a known one whose request makes no sense.
    pub fn refuse(&self, standing: Option<&Standing>, why: Code, origin: &Origin) -> Denied {
        let active = self.active.load();
        let account = match standing {
            Some(standing) => stand(Account::of(Written::Refused, origin), standing, active.index),
            None => Account::of(Written::Stranger, origin),
        };
        Denied { why, fields: Vec::new(), account: Box::new(account) }
    }

    /// What would be decided, with the rule and the assignment that would carry it. Gives no permit.
    pub fn explain(&self, question: &Question<'_>, items: &[Item<'_>]) -> Explanation {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        let (refused, views) = match weigh(&active.policy, question, items, &mut account) {
            Ok((views, _)) => (None, views),
            Err(no) => (Some(no.why), Views::default()),
        };
        let carries = |bearer: &Bearer<'_>| Some(bearer.assignment.id) == account.assignment;
        let bearer = bearers(&active.policy, question.standing, question.now).find(carries);
        let line = bearer.and_then(|bearer| bearer.assignment.line.clone());
        let granted = bearer.map_or_else(Vec::new, |bearer| {
            items.iter().flat_map(|item| had(&active.policy, question, bearer, item)).collect()
        });
        Explanation { refused, views, account, line, granted }
    }

    /// Whether a caller may know of a record of this type in this cell: one assignment covers it now and
    /// its role has at least `match` on the type for some purpose. An assignment of a line knows by purposes of its line,
    /// and no record of another (`line`); whoever is `protected` is known of by the roles that see such people alone.
    #[expect(clippy::too_many_arguments, reason = "who, what, where and when")]
    pub fn may_know(
        &self,
        standing: &Standing,
        record_type: RecordType,
        cell: CellId,
        line: Option<&str>,
        protected: bool,
        territory: &Territory,
        now: Micros,
    ) -> bool {
        let active = self.active.load();
        bearers(&active.policy, standing, now).any(|bearer| {
            covers(bearer.assignment, territory, cell, now, line)
                && knows(&active.policy, bearer, record_type)
                && !hides_whoever(&active.policy, bearer, protected)
        })
    }
}

/// What an assignment has of the fields that are asked for, with its conditions.
fn had(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    item: &Item<'_>,
) -> Vec<(String, Vec<&'static str>)> {
    let Matter::Present { record_type, facts, .. } = &item.matter else { return Vec::new() };
    let of = |field: &String| {
        let grants = field_grants(policy, question, bearer, *record_type, facts, field);
        (field.clone(), grants.words())
    };
    item.fields.iter().map(of).collect()
}

/// A permit that shows no field and costs nothing. One that does says so beside it.
pub(super) fn plain<T>(target: T, account: Account, authority: Authority) -> Permit<T> {
    Permit {
        target,
        views: Views::default(),
        account: Box::new(account),
        area: None,
        authority,
        charges: Vec::new(),
        each: EachViews::default(),
    }
}

pub(super) fn authority(active: &Active, standing: Option<&Standing>) -> Authority {
    Authority {
        policy: active.version,
        actor: standing.map(|standing| (standing.actor, standing.version)),
        other: None,
        mandate: None,
        spends: false,
    }
}

pub(super) fn stand(mut account: Account, standing: &Standing, policy_index: u64) -> Account {
    account.actor = Some(standing.actor);
    account.via = standing.via;
    account.strength = Some(standing.strength);
    account.session = Some(standing.session);
    account.policy_index = policy_index;
    account
}

/// Names the assignment that carries a decision.
pub(super) fn carry(account: &mut Account, assignment: &Assignment, now: Micros) {
    account.role = Some(assignment.role.clone());
    account.scope = assignment.area.as_ref().map(ToString::to_string);
    account.assignment = Some(assignment.id);
    if let Some(window) = assignment.window_at(now) {
        account.approval = Some(window.id);
    }
}

pub(super) fn written_of(ask: Ask) -> Written {
    match ask {
        Ask::Read => Written::Read,
        Ask::Create => Written::Create,
        Ask::Update => Written::Update,
        Ask::Delete => Written::Delete,
        Ask::Match => Written::Match,
        Ask::List => Written::Query,
        Ask::Occupants => Written::Occupants,
        Ask::Changes => Written::Changes,
    }
}

pub(super) fn account_of(active: &Active, question: &Question<'_>) -> Account {
    let written = written_of(question.ask);
    let mut account = stand(Account::of(written, question.origin), question.standing, active.index);
    account.purpose = Some(question.purpose.id.as_str().to_owned());
    account
}
