//! Who sees which posts of others: whoever places or confirms them, each in its own area, and how somebody's own posts stand.
//! Never the posts of a neighbouring street, and never anything of a resident.
//! Whether a post counts is said as a decision would weigh it at that moment.

use super::account::{Origin, PlacingAct, Written};
use super::bearer::bearers;
use super::code::Code;
use super::decide::{Access, carry};
use super::permit::{Denied, Permit};
use super::policy::Policy;
use super::question::Duty;
use super::readiness::{Lack, Needs, TrainingState};
use super::role::RoleId;
use super::standing::{Assignment, Standing};
use crate::ambient::Micros;
use crate::territory::Area;

/// The posts that a caller sees.
pub struct SeenPosts {
    everywhere: bool,
    over: Vec<(Area, Vec<RoleId>)>,
}

impl SeenPosts {
    /// Whether a post of that role in that area is among them.
    pub fn sees(&self, role: &RoleId, area: Option<&Area>) -> bool {
        let within = |own: &Area| area.is_some_and(|area| own.contains_area(area));
        self.everywhere || self.over.iter().any(|(own, roles)| within(own) && roles.contains(role))
    }

    /// Whether a grid lies where it sees posts.
    pub fn sees_grid(&self, grid: &Area) -> bool {
        self.everywhere || self.over.iter().any(|(own, _)| own.contains_area(grid))
    }
}

/// How a post stands at a moment.
pub struct PostStanding {
    /// Whether it carries decisions.
    pub counts: bool,
    /// What its role asks of its holder.
    pub needs: Needs,
    /// What closes everything about people to it, if something does.
    pub lack: Option<Lack>,
    /// How far its holder's training is.
    pub training: TrainingState,
}

impl Access {
    /// Decides about seeing posts of others, and says which.
    ///
    /// # Errors
    /// [`Denied`] `denied` for whoever places and confirms nobody.
    pub fn decide_seeing_posts<T>(
        &self,
        standing: &Standing,
        origin: &Origin,
        now: Micros,
        target: T,
    ) -> Result<(Permit<T>, SeenPosts), Denied> {
        let active = self.active.load();
        let policy = &active.policy;
        let mut permit =
            self.permit_known(standing, Written::Placing(PlacingAct::See), origin, target);
        let mut seen = SeenPosts { everywhere: false, over: Vec::new() };
        for bearer in bearers(policy, standing, now) {
            let role = &policy.roles()[bearer.role].id;
            let everywhere = policy.has_duty(role, Duty::ActorAdd);
            let roles = seen_by(policy, bearer.assignment);
            if !everywhere && (roles.is_empty() || bearer.assignment.area.is_none()) {
                continue;
            }
            if permit.account.assignment.is_none() {
                carry(&mut permit.account, bearer.assignment, now);
                permit.account.rule = Some(format!("{}/posts.see", role.as_str()));
            }
            seen.everywhere |= everywhere;
            seen.over.extend(bearer.assignment.area.map(|area| (area, roles)));
        }
        if permit.account.assignment.is_some() {
            return Ok((permit, seen));
        }
        Err(Denied { why: Code::Denied, fields: Vec::new(), account: permit.account })
    }

    /// How a post stands.
    pub fn post_standing(&self, assignment: &Assignment, now: Micros) -> PostStanding {
        let active = self.active.load();
        let policy = &active.policy;
        let Some(role) = policy.role(assignment.role.as_str()) else {
            let (needs, training) = (Needs::default(), TrainingState::NotNeeded);
            return PostStanding { counts: false, needs, lack: None, training };
        };
        PostStanding {
            counts: assignment.counts_at(now) && role.accepts(assignment),
            needs: role.needs,
            lack: role.needs.lack(assignment.ready, now),
            training: policy.training().state(role.needs, assignment.ready, now),
        }
    }
}

/// The roles whose posts somebody sees in its area by one of its own: those that it places, and those that others place and
/// it confirms.
fn seen_by(policy: &Policy, own: &Assignment) -> Vec<RoleId> {
    let placed = policy.role(own.role.as_str()).map(|role| role.places.clone()).unwrap_or_default();
    if !placed.is_empty() {
        return placed;
    }
    let confirms = |role: &&super::role::Role| {
        let by = role.approved_by.as_ref();
        by.is_some_and(|by| by.role == own.role && (!by.lead || own.lead))
    };
    let given = |role: &&super::role::Role| {
        policy.roles().iter().any(|placer| placer.places.contains(&role.id))
    };
    let roles = policy.roles().iter().filter(given).filter(confirms);
    roles.map(|role| role.id.clone()).collect()
}
