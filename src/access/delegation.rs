//! Who may have somebody else stand in: the holder of a grid, by its own post over it.
//! Never for another grid, and never to whom the community did not approve; no administrator is needed at seven in the morning.
//! Inside a window the stand-in has its own role's rights in that grid, and outside of it none.

use super::account::{DelegationAct, Origin, Written};
use super::bearer::bearers;
use super::code::Code;
use super::decide::{Access, carry};
use super::permit::{Denied, Permit};
use super::role::RoleId;
use super::standing::{ActorId, Standing};
use crate::ambient::Micros;
use crate::records::MandateId;
use crate::territory::Area;

impl Access {
    /// Decides whether somebody may be asked to stand in for the caller in a grid; says as which role, for how many days at
    /// most, and until when the caller's own post lasts.
    ///
    /// # Errors
    /// [`Denied`] `denied` for whoever holds no post over that grid for which anybody stands in.
    #[expect(clippy::too_many_arguments, reason = "who, where, to whom and when")]
    pub fn decide_delegating<T>(
        &self,
        standing: &Standing,
        id: MandateId,
        grid: &Area,
        to: ActorId,
        origin: &Origin,
        now: Micros,
        target: T,
    ) -> Result<(Permit<T>, RoleId, u32, Option<Micros>), Denied> {
        let active = self.active.load();
        let policy = &active.policy;
        let written = Written::Delegation(DelegationAct::Propose);
        let mut permit = self.permit_known(standing, written, origin, target);
        let found = bearers(policy, standing, now).find_map(|bearer| {
            let delegates = policy.roles()[bearer.role].delegates_to.as_ref()?;
            let own = bearer.assignment.area.as_ref() == Some(grid);
            (own && bearer.assignment.windows.is_none()).then_some((bearer.assignment, delegates))
        });
        let role =
            found.and_then(|(assignment, role)| Some((assignment, policy.role(role.as_str())?)));
        match role {
            Some((assignment, role)) if to != standing.actor => {
                carry(&mut permit.account, assignment, now);
                permit.account.about = Some(to);
                permit.account.approval = Some(id);
                permit.account.rule = Some(format!("{}/delegate", assignment.role.as_str()));
                let days = role.days_max.unwrap_or(0);
                Ok((permit, role.id.clone(), days, assignment.until))
            }
            _ => Err(Denied { why: Code::Denied, fields: Vec::new(), account: permit.account }),
        }
    }

    /// Decides about a word on a delegation that is there, by one of the two. Whoever accepts does so on the giver's post too:
    /// the permit rests on the version of the giver that was looked at.
    ///
    /// # Errors
    /// [`Denied`] `not_found` for everybody else.
    #[expect(clippy::too_many_arguments, reason = "who, which word, about what, and on whose post")]
    pub fn decide_window<T>(
        &self,
        standing: &Standing,
        act: DelegationAct,
        id: MandateId,
        parties: &[ActorId],
        giver: Option<(ActorId, u64)>,
        origin: &Origin,
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let mut permit = self.permit_known(standing, Written::Delegation(act), origin, target);
        permit.authority.other = giver;
        permit.account.approval = Some(id);
        if parties.contains(&standing.actor) {
            return Ok(permit);
        }
        Err(Denied { why: Code::NotFound, fields: Vec::new(), account: permit.account })
    }

    /// Whether any post of the caller has somebody stand in for it. Asked before anything of the request is looked at.
    ///
    /// # Errors
    /// [`Denied`] when none has. It must be recorded too.
    pub fn check_delegator(
        &self,
        standing: &Standing,
        origin: &Origin,
        now: Micros,
    ) -> Result<(), Denied> {
        let active = self.active.load();
        let policy = &active.policy;
        let may = bearers(policy, standing, now)
            .any(|bearer| policy.roles()[bearer.role].delegates_to.is_some());
        self.admit(may, standing, Written::Delegation(DelegationAct::Propose), origin)
    }
}
