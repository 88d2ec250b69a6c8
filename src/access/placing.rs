//! Who may place whom: an administrator anybody who is no administrator, a local officer the workers of its own area, whom
//! their community then confirms. Whoever is to watch over the vault, to place workers or to run the host waits for a second
//! administrator; whoever watches over it is moved by two.
//! Never oneself, and never a role outside of the few that a local officer places.
//! A post that nobody confirmed carries nothing.

use super::account::Origin;
use super::account::{PlacingAct, Written};
use super::bearer::bearers;
use super::code::Code;
use super::decide::{Access, carry};
use super::permit::{Denied, Permit};
use super::policy::Policy;
use super::question::Duty;
use super::role::{Role, RoleFamily};
use super::standing::{ActorId, Assignment, Standing};
use crate::ambient::Micros;
use crate::territory::Area;

/// A post that is given, confirmed or ended, or one that somebody has whose state changes.
pub struct PostAt<'a> {
    /// Its role.
    pub role: &'a str,
    /// Its area.
    pub area: Option<Area>,
}

impl Access {
    /// Decides about the posts or the state of somebody else. Says whether the word is final; else a community's is needed, or
    /// for a post of oversight, a local officer's or a contractor's a second administrator's.
    ///
    /// # Errors
    /// [`Denied`]: `denied` for whoever places nobody, for oneself, for a role or an area that is not the caller's to fill;
    /// `approval_required` for an administrator, whom no single one moves: a role of administration with a duty.
    #[expect(clippy::too_many_arguments, reason = "who, whom, where and when")]
    pub fn decide_placing<T>(
        &self,
        standing: &Standing,
        act: PlacingAct,
        about: ActorId,
        posts: &[PostAt<'_>],
        origin: &Origin,
        now: Micros,
        target: T,
    ) -> Result<(Permit<T>, bool), Denied> {
        let active = self.active.load();
        let policy = &active.policy;
        let mut permit = self.permit_known(standing, Written::Placing(act), origin, target);
        permit.account.about = Some(about);
        let administers =
            posts.iter().any(|post| policy.role(post.role).is_none_or(|role| policy.governs(role)));
        // Whom an administrator stopped no local officer lets work again.
        let restores = act == PlacingAct::Change;
        let found = placers(policy, standing, now).find(|(assignment, is_administrator)| {
            // Somebody without a post is nobody's neighbour: that is an administrator's.
            let in_reach =
                !posts.is_empty() && posts.iter().all(|post| may_fill(policy, assignment, post));
            *is_administrator || (in_reach && !restores)
        });
        let why = match found {
            _ if about == standing.actor => Code::Denied,
            None => Code::Denied,
            Some(_) if administers => Code::ApprovalRequired,
            Some((assignment, is_administrator)) => {
                carry(&mut permit.account, assignment, now);
                permit.account.rule = Some(format!("{}/place", assignment.role.as_str()));
                let watches = posts.iter().any(|post| watches(policy, post.role));
                return Ok((permit, is_administrator && !watches));
            }
        };
        Err(Denied { why, fields: Vec::new(), account: permit.account })
    }

    /// Decides about going through a roster at all; each of its lines is decided by itself.
    ///
    /// # Errors
    /// [`Denied`] `denied` for whoever places nobody.
    pub fn decide_roster<T>(
        &self,
        standing: &Standing,
        origin: &Origin,
        now: Micros,
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let active = self.active.load();
        let written = Written::Placing(PlacingAct::Import);
        let mut permit = self.permit_known(standing, written, origin, target);
        let placer = placers(&active.policy, standing, now).next();
        if let Some((assignment, _)) = placer {
            carry(&mut permit.account, assignment, now);
            permit.account.rule = Some(format!("{}/roster", assignment.role.as_str()));
            return Ok(permit);
        }
        Err(Denied { why: Code::Denied, fields: Vec::new(), account: permit.account })
    }

    /// Decides about the second word on a post, that it counts or for one of oversight that it ends or its holder is moved: its
    /// community's, or for a post of oversight another administrator's, so that nobody alone makes the second person and the overseer
    /// of its own acts, or sends one away. The parties, who said the first word and who holds the post, say none.
    ///
    /// # Errors
    /// [`Denied`] `denied` for whoever does not lead the community over it or is no such administrator, said the first word or holds
    /// it.
    #[expect(clippy::too_many_arguments, reason = "who, whom, where and when")]
    pub fn decide_second_word<T>(
        &self,
        standing: &Standing,
        act: PlacingAct,
        about: ActorId,
        parties: &[ActorId],
        post: &PostAt<'_>,
        origin: &Origin,
        now: Micros,
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let active = self.active.load();
        let policy = &active.policy;
        let mut permit = self.permit_known(standing, Written::Placing(act), origin, target);
        permit.account.about = Some(about);
        let by = policy.role(post.role).and_then(|role| role.approved_by.as_ref());
        let watched = watches(policy, post.role);
        let found = bearers(policy, standing, now).find(|bearer| {
            if watched {
                return confirms_oversight(policy, bearer.role);
            }
            let assignment = bearer.assignment;
            let over =
                assignment.area.zip(post.area).is_some_and(|(own, at)| own.contains_area(&at));
            over && by.is_some_and(|by| by.role == assignment.role && (!by.lead || assignment.lead))
        });
        match found {
            Some(bearer) if !parties.contains(&standing.actor) => {
                carry(&mut permit.account, bearer.assignment, now);
                let role = bearer.assignment.role.as_str();
                permit.account.rule = Some(format!("{role}/confirm"));
                Ok(permit)
            }
            _ => Err(Denied { why: Code::Denied, fields: Vec::new(), account: permit.account }),
        }
    }

    /// Whether a post of this role counts only once a second administrator confirmed it.
    pub fn waits_for_second(&self, role: &str) -> bool {
        self.with_policy(|policy| watches(policy, role))
    }

    /// Whether holders of this role watch over the vault: what it has to say is not one administrator's to end.
    pub fn watches_over(&self, role: &str) -> bool {
        let is_oversight = |role: &Role| role.family == RoleFamily::Oversight;
        self.with_policy(|policy| policy.role(role).is_some_and(is_oversight))
    }

    /// Whether any post of the caller places somebody at all. Asked before anything of the request is looked at.
    ///
    /// # Errors
    /// [`Denied`] when none does. It must be recorded too.
    pub fn check_placer(
        &self,
        standing: &Standing,
        act: PlacingAct,
        origin: &Origin,
        now: Micros,
    ) -> Result<(), Denied> {
        let active = self.active.load();
        let policy = &active.policy;
        let may = match act {
            PlacingAct::Confirm => bearers(policy, standing, now).any(|bearer| {
                if confirms_oversight(policy, bearer.role) {
                    return true;
                }
                let role = &bearer.assignment.role;
                let mut asked = policy.roles().iter().filter_map(|role| role.approved_by.as_ref());
                asked.any(|by| by.role == *role && (!by.lead || bearer.assignment.lead))
            }),
            PlacingAct::See => {
                return self.decide_seeing_posts(standing, origin, now, ()).map(|_seen_again| ());
            }
            // Of an officer of oversight it takes the second administrator's word.
            PlacingAct::End | PlacingAct::Change
                if bearers(policy, standing, now)
                    .any(|bearer| confirms_oversight(policy, bearer.role)) =>
            {
                true
            }
            _ => placers(policy, standing, now).next().is_some(),
        };
        self.admit(may, standing, Written::Placing(act), origin)
    }
}

impl Policy {
    /// Whether holders of a role have the vault itself in hand: those of administration who have a duty. A local officer who places
    /// workers, and whoever runs the host, have none.
    pub fn governs(&self, role: &Role) -> bool {
        role.family == RoleFamily::Administration
            && Duty::ALL.iter().any(|duty| self.has_duty(&role.id, *duty))
    }
}

/// Whether a post of this role counts by two administrators alone: those that watch over the vault, and those of administration that one
/// administrator gives at all.
fn watches(policy: &Policy, role: &str) -> bool {
    policy.role(role).is_some_and(|role| match role.family {
        RoleFamily::Oversight => true,
        RoleFamily::Administration => !policy.governs(role),
        RoleFamily::Business => false,
    })
}

/// Whether holders of a role confirm whom another administrator gave a post of oversight: administrators who see the directory.
fn confirms_oversight(policy: &Policy, role: usize) -> bool {
    let role = &policy.roles()[role];
    role.family == RoleFamily::Administration && policy.has_duty(&role.id, Duty::ActorList)
}

/// The posts of somebody that place others: with the duty, anybody; else those that the role names.
fn placers<'a>(
    policy: &'a Policy,
    standing: &'a Standing,
    now: Micros,
) -> impl Iterator<Item = (&'a Assignment, bool)> {
    bearers(policy, standing, now).filter_map(move |bearer| {
        let role = &policy.roles()[bearer.role];
        let is_administrator = policy.has_duty(&role.id, Duty::ActorAdd);
        (is_administrator || !role.places.is_empty())
            .then_some((bearer.assignment, is_administrator))
    })
}

/// Whether a local officer may fill the post: one of the roles that it places, below its own area.
fn may_fill(policy: &Policy, assignment: &Assignment, post: &PostAt<'_>) -> bool {
    let places = policy.role(assignment.role.as_str()).map(|role| &role.places);
    let named = places.is_some_and(|places| places.iter().any(|one| one.as_str() == post.role));
    named && assignment.area.zip(post.area).is_some_and(|(own, at)| own.contains_area(&at))
}
