//! A reveal limit that a second person raises: for one person, one kind of information, and an hour at most.
//! Never a field more, and never for oneself: it opens nothing and counts against a higher bound for a while.
//! How many people more and how often, and how often a second person is asked at all, is data of `roles.toml`.

use super::account::{Fact, MandateAct, Origin, Written};
use super::approval::{WaitsAt, place_of};
use super::bearer::bearers;
use super::code::Code;
use super::decide::{Access, carry};
use super::ledger::{Bound, Charge, Hour, Ledger};
use super::permit::{Denied, Permit};
use super::policy::PolicyError;
use super::role::RoleId;
use super::standing::{ActorId, Standing};
use crate::ambient::Micros;
use crate::limits::{
    APPROVAL_ASKS_MONTH_MAX, RAISE_ASKS_MONTH_MAX, RAISE_MINUTES_MAX, RAISE_PERCENT_MAX,
    RAISES_MONTH_MAX,
};
use crate::records::{LegalKind, MandateId};
use serde::Deserialize;

/// How far a limit is raised.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaiseTerms {
    /// For how long at most.
    pub minutes: u32,
    /// By how much at most, of the bound of a day.
    pub percent: u32,
    /// How often for one person, in 24 hours and in 30 days.
    pub uses: [u32; 2],
    /// How often one person asks for it, granted or not, in 24 hours and in 30 days.
    pub asks: [u32; 2],
}

impl RaiseTerms {
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        let bounded = (1..=RAISE_MINUTES_MAX).contains(&self.minutes)
            && (1..=RAISE_PERCENT_MAX).contains(&self.percent)
            && is_counted(self.uses, RAISES_MONTH_MAX)
            && is_counted(self.asks, RAISE_ASKS_MONTH_MAX);
        let what = "raise nothing, or more than their limits";
        if bounded { Ok(()) } else { Err(PolicyError::Role { role: "raises".into(), what }) }
    }

    /// How many people more a bound may have.
    fn people_max(&self, bound: Bound) -> u32 {
        match bound {
            Bound::Windows { day, .. } => day.saturating_mul(self.percent) / 100,
            Bound::Total(_) => 0,
        }
    }

    /// Counts how often a limit of somebody is raised, each time once.
    pub(super) fn charge(&self, holder: ActorId, id: MandateId, now: Micros) -> Charge {
        charge(Ledger::Raises(holder), self.uses, id, now)
    }

    /// Counts how often somebody asks, each time once.
    fn charge_asking(&self, asker: ActorId, id: MandateId, now: Micros) -> Charge {
        charge(Ledger::RaiseAsks(asker), self.asks, id, now)
    }
}

/// Whether a bound of a day and of 30 days counts anything at all.
fn is_counted([day, month]: [u32; 2], month_max: u32) -> bool {
    (1..=month).contains(&day) && month <= month_max
}

/// How often somebody may ask a second person for a look, or for an organ.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApprovalTerms {
    /// Granted or not, in 24 hours and in 30 days.
    asks: [u32; 2],
}

impl ApprovalTerms {
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        let what = "ask for nothing, or more often than their limits";
        match is_counted(self.asks, APPROVAL_ASKS_MONTH_MAX) {
            true => Ok(()),
            false => Err(PolicyError::Role { role: "approvals".into(), what }),
        }
    }

    /// Counts how often somebody asks, each time once.
    pub(super) fn charge(&self, asker: ActorId, id: MandateId, now: Micros) -> Charge {
        charge(Ledger::ApprovalAsks(asker), self.asks, id, now)
    }
}

fn charge(ledger: Ledger, [day, month]: [u32; 2], id: MandateId, now: Micros) -> Charge {
    let bound = Bound::Windows { day, month };
    Charge { ledger, tag: *id.as_bytes(), hour: Hour::of(now), bound }
}

/// What somebody asks for.
pub struct RaiseAsked {
    /// Its id.
    pub id: MandateId,
    /// Of which kind of information.
    pub kind: LegalKind,
    /// How many people more.
    pub people: u32,
    /// For how long, from the second person's word on.
    pub minutes: u32,
}

impl Access {
    /// Whether the caller may ask for a raised limit at all: of some kind of information, for somebody more.
    ///
    /// # Errors
    /// [`Denied`] `denied` for everybody else. It must be recorded too.
    pub fn check_raiser(
        &self,
        standing: &Standing,
        origin: &Origin,
        now: Micros,
    ) -> Result<(), Denied> {
        let active = self.active.load();
        let policy = &active.policy;
        let may = policy.raises().is_some_and(|terms| {
            let mut ready = bearers(policy, standing, now).filter(|it| it.lack.is_none());
            ready.any(|bearer| {
                let role = &policy.roles()[bearer.role];
                let some = LegalKind::ALL
                    .iter()
                    .any(|kind| terms.people_max(role.reveals.bound(*kind)) > 0);
                some && place_of(policy, &role.id, bearer.assignment.area.as_ref()).is_some()
            })
        });
        self.admit(may, standing, Written::Mandate(MandateAct::AskRaise), origin)
    }

    /// Decides whether somebody may ask a second person to raise a limit; says under which role, for which alone it will count, and
    /// where it waits. Each asking is counted.
    ///
    /// # Errors
    /// [`Denied`] `denied` for a role that sees nothing of the kind, whose holders nobody answers for, or for more people or
    /// time than the policy says.
    pub fn decide_raise<T>(
        &self,
        standing: &Standing,
        asked: &RaiseAsked,
        origin: &Origin,
        now: Micros,
        target: T,
    ) -> Result<(Permit<T>, RoleId, WaitsAt), Denied> {
        let active = self.active.load();
        let policy = &active.policy;
        let written = Written::Mandate(MandateAct::AskRaise);
        let mut permit = self.permit_known(standing, written, origin, target);
        permit.account.approval = Some(asked.id);
        permit.account.facts.push(("kind", Fact::Code(asked.kind.as_str().to_owned())));
        permit.account.facts.push(("people", Fact::Number(asked.people.into())));
        let found = policy.raises().and_then(|terms| {
            let mut ready = bearers(policy, standing, now).filter(|it| it.lack.is_none());
            ready.find_map(|bearer| {
                let role = &policy.roles()[bearer.role];
                let fits = asked.people <= terms.people_max(role.reveals.bound(asked.kind))
                    && asked.minutes <= terms.minutes;
                let place = place_of(policy, &role.id, bearer.assignment.area.as_ref());
                Some((bearer.assignment, place?, terms)).filter(|_| fits)
            })
        });
        let Some((assignment, place, terms)) = found else {
            return Err(Denied { why: Code::Denied, fields: Vec::new(), account: permit.account });
        };
        permit.charges.push(terms.charge_asking(standing.actor, asked.id, now));
        carry(&mut permit.account, assignment, now);
        permit.account.approval = Some(asked.id);
        permit.account.rule = Some(format!("{}/raise.ask", assignment.role.as_str()));
        Ok((permit, assignment.role.clone(), place))
    }
}
