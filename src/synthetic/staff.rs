//! The staff of the sample city: who collects, coordinates, counts, checks and administers, one of every role at least.
//! Never a password, a key or a natural person: a log-in name, roles of the vault and where and when they count.
//! Every basic grid has a worker and a head; exclusive units are served by the worker of their host grid.

use super::CityPlan;
use super::layout::{CITY, COUNTIES, GridPlan, Layout};
use jiff::civil::{Date, Weekday};

/// Somebody who works with the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffMember {
    /// The log-in name: the post and the code of the area.
    pub login: String,
    /// Where it is placed; the first is the post that it is known by.
    pub posts: Vec<Post>,
    /// Enrolled for an emergency, and without rights until activated.
    pub reserve: bool,
    /// What is to be known of it.
    pub note: &'static str,
}

/// A role in an area, for a line and a time where it has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// A role of `policies/roles.toml`.
    pub role: &'static str,
    /// The code of the area; none for roles of the platform.
    pub area: Option<String>,
    /// The line of business that it is bound to.
    pub line: Option<&'static str>,
    /// Whether whoever holds it leads.
    pub lead: bool,
    /// The first day on which it counts; from now if none is said.
    pub from: Option<Date>,
    /// The first day on which it counts no more.
    pub until: Option<Date>,
    /// Whether whoever holds it signed the secrecy term.
    pub signed: bool,
    /// The first day on which its training counts no more; nothing for roles that need none.
    pub trained_until: Option<Date>,
}

impl StaffMember {
    /// The post that it is known by.
    pub fn first(&self) -> &Post {
        self.posts.first().expect("everybody has a post")
    }
}

/// How long training still counts, for most.
const TRAINED_DAYS: i32 = 240;
/// Seconded cadres in reserve.
const RESERVE_COUNT: usize = 12;

/// The staff of a plan: workers and heads in the order of grids, then streets, city and platform, then one of each other
/// role in the first community and above it, and last those with whom something is the matter.
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
        staff.push(member("worker", post("grid_worker", &grid.code), time));
        staff.push(member("head", post("grid_head", &grid.code), "holder of the grid (A role)"));
    }
    for street in &layout.streets {
        let note = "coordinates the street or township";
        staff.push(member("street", post("street_operator", &street.code), note));
    }
    staff.push(member("city", post("city_platform", CITY.0), "statistics only"));
    staff.extend(platform());
    let first: Vec<&GridPlan> =
        layout.grids.iter().filter(|grid| layout.is_first_community(grid)).collect();
    let basic: Vec<&str> =
        first.iter().filter(|grid| grid.unit.is_none()).map(|grid| grid.code.as_str()).collect();
    staff.extend(around_the_grids(plan.today, &basic, &first));
    staff.extend(above_the_grids(&layout.streets[0].code));
    staff.extend(with_a_story(plan.today, &basic));
    // Everybody was trained this summer, but for those of whom something else is told.
    let posts = staff.iter_mut().flat_map(|member| &mut member.posts);
    for post in posts.filter(|post| post.signed && post.trained_until.is_none()) {
        post.trained_until = Some(days(plan.today, TRAINED_DAYS));
    }
    staff
}

/// Roles that have no area. The auditor and the three administrators come first.
fn platform() -> Vec<StaffMember> {
    let posts = [
        ("auditor", "compliance_auditor", "checks the log and the proofs"),
        ("system", "system_admin", "one of the three administrators"),
        ("security", "security_admin", "one of the three administrators"),
        ("audit", "audit_admin", "one of the three administrators"),
        ("inspector", "discipline_officer", "entries about staff, by a numbered case"),
        ("protection", "protection_officer", "answers for purposes and bases"),
        ("contractor", "contractor_ops", "runs the host; ciphertext only"),
        ("second", "compliance_auditor", "closes the reviews that the first one opens"),
    ];
    posts.map(|(login, role, note)| member(login, platform_post(role), note)).into()
}

/// One of each role that works in the first community beside worker and head.
fn around_the_grids(today: Date, basic: &[&str], first: &[&GridPlan]) -> Vec<StaffMember> {
    let community = &basic[0][..12];
    let open = (days(today, -1), days(today, 2));
    let ended = (days(today, -7), today);
    let note = "stands in for the first grid; the window is open today";
    let mut staff: Vec<StaffMember> = pair(basic, 0, open, note).into_iter().collect();
    let unit = first.iter().find(|grid| grid.unit.is_some());
    staff.extend(unit.map(|unit| {
        member("unit", post("unit_liaison", &unit.code), "of the hospital, school or market")
    }));
    staff.extend(of_the_community(today, community, basic[0]));
    staff.extend(pair(basic, 2, ended, "stood in for the third grid until yesterday"));
    staff
}

/// One of each role whose place is the community, or its first grid.
fn of_the_community(today: Date, community: &str, grid: &str) -> Vec<StaffMember> {
    vec![
        member("volunteer", post("volunteer", community), "reports matters, holds no person data"),
        member("building", post("building_head", grid), "reports matters of the building"),
        member(
            "seconded",
            between(post("sunk_cadre", community), today, days(today, 30)),
            "activated for an emergency",
        ),
        member(
            "property",
            between(post("property_firm", community), days(today, -60), month_after(today)),
            "of a firm whose agreement ends this month",
        ),
        member(
            "community",
            Post { lead: true, ..post("community_cadre", community) },
            "leads the community and its service counter",
        ),
        member(
            "children",
            post("child_officer", community),
            "the post of Minors Protection Law 43",
        ),
        member("mediator", post("mediator", community), "case-bound"),
        member("legal", post("legal_helper", community), "case-bound, by the party's request"),
        member("police", post("community_police", community), "the beat is the community"),
        member("area", post("street_area_cadre", community), "matters and deadlines"),
        member("leader", post("area_leader", grid), "linked to the grid; statistics only"),
        member(
            "visits",
            between(post("service_org", community), days(today, -60), days(today, 120)),
            "visits old people, by agreement",
        ),
    ]
}

/// The head of a grid who stands in for the one before it, where there are two.
fn pair(
    basic: &[&str],
    grid: usize,
    (from, until): (Date, Date),
    note: &'static str,
) -> Option<StaffMember> {
    let [grid, next] = basic.get(grid..grid + 2)? else { return None };
    let window = between(post("grid_stand_in", grid), from, until);
    let posts = vec![window, post("grid_head", next)];
    Some(StaffMember { login: format!("pair-{next}"), posts, reserve: false, note })
}

/// One of each role of the first street and its county that was not there yet, and of the city.
fn above_the_grids(street: &str) -> Vec<StaffMember> {
    let county = COUNTIES[0].0;
    let of_line = |post: Post, line| Post { line: Some(line), ..post };
    let office = of_line(post("street_office", street), "civil_affairs");
    let department = of_line(post("department", county), "civil_affairs");
    vec![
        member("enforcement", post("enforcement_team", street), "a ticket on a place or object"),
        member("office", office, "the street's window of civil affairs"),
        member("rights", post("resident_desk", street), "acts for residents who are present"),
        member("placing", post("assignment_officer", street), "places workers of the street"),
        member("command", post("county_command", county), "commands in an emergency"),
        member("department", department, "the county's civil affairs"),
        member("petition", post("petition_desk", county), "who asks and who reports"),
        member("supervisor", post("supervisor", county), "statistics and proofs"),
        member("statistics", post("statistician", CITY.0), "statistics only"),
    ]
}

/// Staff with whom something is the matter.
fn with_a_story(today: Date, basic: &[&str]) -> Vec<StaffMember> {
    let community = &basic[0][..12];
    let mut staff = Vec::new();
    if let Some([one, other]) = basic.get(3..5) {
        staff.push(StaffMember {
            login: format!("both-{one}"),
            posts: vec![post("grid_worker", one), post("grid_worker", other)],
            reserve: false,
            note: "part-time in two grids",
        });
    }
    staff.extend(basic.get(2).map(|grid| {
        let leaves = between(post("grid_worker", grid), days(today, -200), after_friday(today));
        member("leaver", leaves, "leaves on Friday")
    }));
    if let Some(grid) = basic.get(1) {
        let trained = |until| Post { trained_until: Some(until), ..post("grid_worker", grid) };
        let unsigned = Post { signed: false, ..trained(days(today, TRAINED_DAYS)) };
        staff.push(member("lapsed", trained(days(today, -40)), "the training lapsed"));
        staff.push(member("soon", trained(days(today, 20)), "the training ends in three weeks"));
        staff.push(member("unsigned", unsigned, "has not signed the secrecy term yet"));
    }
    staff.extend((1..=RESERVE_COUNT).map(|number| StaffMember {
        login: format!("reserve{number}-{community}"),
        posts: vec![between(post("sunk_cadre", community), today, days(today, 90))],
        reserve: true,
        note: "in reserve: no rights until activated",
    }));
    staff
}

fn post(role: &'static str, area: &str) -> Post {
    Post { area: Some(area.to_owned()), signed: true, ..platform_post(role) }
}

fn platform_post(role: &'static str) -> Post {
    let (line, lead, from, until) = (None, false, None, None);
    Post { role, area: None, line, lead, from, until, signed: false, trained_until: None }
}

fn between(post: Post, from: Date, until: Date) -> Post {
    Post { from: Some(from), until: Some(until), ..post }
}

fn member(login: &str, post: Post, note: &'static str) -> StaffMember {
    let area = post.area.as_deref();
    let login = area.map_or_else(|| login.to_owned(), |area| format!("{login}-{area}"));
    StaffMember { login, posts: vec![post], reserve: false, note }
}

/// So many days later, or earlier.
fn days(day: Date, count: i32) -> Date {
    day.saturating_add(jiff::Span::new().days(count))
}

/// The day after the coming Friday; today is one if it is Friday.
fn after_friday(today: Date) -> Date {
    let ahead = today.weekday().until(Weekday::Friday);
    days(today, i32::from(ahead) + 1)
}

/// The first day of the next month.
fn month_after(today: Date) -> Date {
    today.last_of_month().tomorrow().unwrap_or(today)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{ASSIGNMENTS_COUNT_MAX, LOGIN_CHARACTERS_MAX};
    use crate::synthetic::Extent;
    use crate::territory::Area;
    use jiff::civil::date;
    use std::collections::BTreeSet;

    /// A Saturday.
    const TODAY: Date = date(2026, 11, 21);

    fn staff_of(persons: u32, extent: Extent) -> Vec<StaffMember> {
        staff(&CityPlan { persons, seed: 1, today: TODAY, extent })
    }

    fn named(login: &str) -> StaffMember {
        let found =
            staff_of(1_000, Extent::Community).into_iter().find(|one| one.login.starts_with(login));
        found.expect("somebody of that name")
    }

    #[test]
    fn the_first_community_has_a_worker_and_a_head_for_each_grid() {
        let staff = staff_of(1_000, Extent::Community);
        let logins: Vec<&str> = staff[..10].iter().map(|member| member.login.as_str()).collect();
        for (place, pair) in logins.chunks(2).enumerate() {
            let grid = format!("880102001001000{}", place + 1);
            assert_eq!(pair, [format!("worker-{grid}"), format!("head-{grid}")]);
        }
        let area = |role| {
            let member = staff.iter().find(|member| member.first().role == role);
            member.and_then(|member| member.first().area.clone())
        };
        assert_eq!(area("street_operator").as_deref(), Some("880102001"));
        assert_eq!(area("city_platform").as_deref(), Some("8801"));
        assert_eq!(area("audit_admin"), None);
    }

    #[test]
    fn every_role_of_the_policy_has_somebody() {
        let text = include_str!("../../policies/roles.toml");
        let words = text.lines().filter_map(|line| line.strip_prefix("id = \""));
        let roles: BTreeSet<&str> = words.map(|word| word.trim_end_matches('"')).collect();
        for (persons, extent) in [(1_000, Extent::Community), (60_000, Extent::City)] {
            let staff = staff_of(persons, extent);
            let known: BTreeSet<&str> = staff.iter().map(|member| member.first().role).collect();
            assert_eq!(known, roles);
        }
    }

    #[test]
    fn a_city_of_one_grid_has_whom_it_has_room_for() {
        let staff = staff_of(300, Extent::Grid);
        let has = |role| staff.iter().any(|member| member.first().role == role);
        assert!(has("grid_worker") && has("grid_head") && has("community_cadre"));
        assert!(!has("grid_stand_in") && !has("unit_liaison"), "no neighbour and no unit");
    }

    #[test]
    fn those_with_a_story_are_there() {
        let window = named("pair-8801020010010002");
        assert_eq!(window.first().area.as_deref(), Some("8801020010010001"));
        assert!(window.first().from < Some(TODAY) && window.first().until > Some(TODAY));
        let ended = named("pair-8801020010010004");
        assert_eq!(ended.first().until, Some(TODAY));
        let both = named("both-");
        let areas: Vec<_> = both.posts.iter().filter_map(|post| post.area.as_deref()).collect();
        assert_eq!(areas, ["8801020010010004", "8801020010010005"]);
        // The coming Friday is the 27th.
        assert_eq!(named("leaver-").first().until, Some(date(2026, 11, 28)));
        assert_eq!(named("property-").first().until, Some(date(2026, 12, 1)));
        let reserve =
            staff_of(1_000, Extent::Community).into_iter().filter(|member| member.reserve);
        assert_eq!(reserve.count(), RESERVE_COUNT);
        assert!(named("lapsed-").first().trained_until < Some(TODAY));
        assert!(!named("unsigned-").first().signed && named("soon-").first().signed);
        assert_eq!(named("office-").first().line, Some("civil_affairs"));
    }

    #[test]
    fn who_leaves_on_friday_works_on_friday() {
        for (today, last) in [
            (date(2026, 11, 27), date(2026, 11, 28)),
            (date(2026, 11, 26), date(2026, 11, 28)),
            (date(2026, 11, 28), date(2026, 12, 5)),
        ] {
            assert_eq!(after_friday(today), last, "{today}");
        }
        assert_eq!(month_after(date(2026, 12, 31)), date(2027, 1, 1));
    }

    #[test]
    fn log_in_names_are_short_and_nobody_shares_one() {
        let staff = staff_of(400_000, Extent::City);
        let logins: BTreeSet<&str> = staff.iter().map(|member| member.login.as_str()).collect();
        assert_eq!(logins.len(), staff.len());
        for member in &staff {
            assert!(member.login.chars().count() <= LOGIN_CHARACTERS_MAX);
            assert!(member.posts.len() <= ASSIGNMENTS_COUNT_MAX);
            for post in &member.posts {
                let area = post.area.as_deref().map(str::parse::<Area>);
                assert!(area.is_none_or(|area| area.is_ok()), "{}", member.login);
                assert!(post.until.is_none() || post.from < post.until, "{}", member.login);
            }
        }
    }
}
