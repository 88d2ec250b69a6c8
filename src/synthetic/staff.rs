//! The staff of the sample city: who collects, coordinates, counts, checks and administers.
//! Never a password, a key or a natural person: a log-in name, a role of the vault and the area that it works in.
//! Every basic grid has a worker and a head; exclusive units are served by the worker of their host grid.

use super::CityPlan;
use super::layout::{CITY, Layout};

/// Somebody who works with the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffMember {
    /// The log-in name: the role and the code of the area.
    pub login: String,
    /// A role of `policies/roles.toml`.
    pub role: &'static str,
    /// The code of the area; none for roles of the platform.
    pub area: Option<String>,
    /// What is to be known of the post.
    pub note: &'static str,
}

/// The staff of a plan, in the order of grids, streets, city and platform.
pub fn staff(plan: &CityPlan) -> Vec<StaffMember> {
    let layout = Layout::of(plan);
    let mut staff = Vec::new();
    for grid in layout.grids.iter().filter(|grid| grid.unit.is_none()) {
        let (_, community) = layout.community_of(grid);
        let time = match (layout.is_first_community(grid), grid.number, community.is_urban) {
            (true, 1, _) => "full-time; lives in the grid, and so does a relative",
            (_, _, true) => "full-time",
            _ => "part-time",
        };
        staff.push(member("worker", "grid_worker", Some(&grid.code), time));
        staff.push(member("head", "grid_head", Some(&grid.code), "holder of the grid (A role)"));
    }
    for street in &layout.streets {
        let note = "coordinates the street or township";
        staff.push(member("street", "street_operator", Some(&street.code), note));
    }
    staff.push(member("city", "city_platform", Some(CITY.0), "statistics only"));
    for (login, role, note) in [
        ("auditor", "compliance_auditor", "checks the log and the proofs"),
        ("system", "system_admin", "one of the three administrators"),
        ("security", "security_admin", "one of the three administrators"),
        ("audit", "audit_admin", "one of the three administrators"),
    ] {
        staff.push(member(login, role, None, note));
    }
    staff
}

fn member(login: &str, role: &'static str, area: Option<&str>, note: &'static str) -> StaffMember {
    let login = area.map_or_else(|| login.to_owned(), |area| format!("{login}-{area}"));
    StaffMember { login, role, area: area.map(str::to_owned), note }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::LOGIN_CHARACTERS_MAX;
    use crate::territory::Area;
    use jiff::civil::date;
    use std::collections::BTreeSet;

    fn staff_of(persons: u32, community_only: bool) -> Vec<StaffMember> {
        staff(&CityPlan { persons, seed: 1, today: date(2026, 11, 21), community_only })
    }

    #[test]
    fn the_first_community_has_a_worker_and_a_head_for_each_grid() {
        let staff = staff_of(1_000, true);
        let count = |role| staff.iter().filter(|member| member.role == role).count();
        assert_eq!((count("grid_worker"), count("grid_head"), staff.len()), (5, 5, 16));
        assert_eq!(staff[0].login, "worker-8801020010010001");
        let area = |role| {
            let member = staff.iter().find(|member| member.role == role);
            member.and_then(|member| member.area.clone())
        };
        assert_eq!(area("street_operator").as_deref(), Some("880102001"));
        assert_eq!(area("city_platform").as_deref(), Some("8801"));
        assert_eq!(area("audit_admin"), None);
    }

    #[test]
    fn log_in_names_are_short_and_nobody_shares_one() {
        let staff = staff_of(400_000, false);
        let logins: BTreeSet<&str> = staff.iter().map(|member| member.login.as_str()).collect();
        assert_eq!(logins.len(), staff.len());
        for member in &staff {
            assert!(member.login.chars().count() <= LOGIN_CHARACTERS_MAX);
            let area = member.area.as_deref().map(str::parse::<Area>);
            assert!(area.is_none_or(|area| area.is_ok()), "{}", member.login);
        }
    }
}
