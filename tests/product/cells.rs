//! Every route of the table for every role of the directory: what the role may, and how the door says no to the rest.
//! Never copied from what the product answers: the table was written from what a role is for and which roles the law behind a
//! purpose names. A new route or role without its cell fails here.

use super::actor::Actor;
use super::bodies::{adult, place};
use super::client::Reply;
use super::enrolment::{add, enrolled};
use super::entries::happened;
use super::harness::{Demo, shared};
use super::requests::{Aim, guarded, plausible};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// It is done.
    Done,
    /// The call is taken, and its line is denied: the role may store something, but not this.
    Line,
    /// 403: the role has no such right, whatever it names.
    Denied,
    /// 403: only from inside a task.
    Case,
    /// 404: it may not know.
    Unknown,
    /// 412: it is so already.
    Version,
    /// 404 for all: the call is open to the role and what it names is not there.
    Absent,
}

impl Cell {
    fn of(sign: char) -> Cell {
        match sign {
            '+' => Cell::Done,
            'l' => Cell::Line,
            '-' => Cell::Denied,
            'c' => Cell::Case,
            '?' => Cell::Unknown,
            'v' => Cell::Version,
            other => panic!("no cell is written {other}"),
        }
    }

    fn refusal(self) -> Option<(u16, &'static str)> {
        match self {
            Cell::Done | Cell::Line => None,
            Cell::Denied => Some((403, "denied")),
            Cell::Case => Some((403, "case_required")),
            Cell::Version => Some((412, "version_conflict")),
            Cell::Unknown | Cell::Absent => Some((404, "not_found")),
        }
    }
}

/// Calls that every known caller may make: forms, and the proof of a receipt that it holds.
const EVERYONE: &[(&str, &str, Cell)] = &[
    ("GET", "/v1/schemas/{type}", Cell::Done),
    ("GET", "/v1/code-lists", Cell::Done),
    ("GET", "/v1/purposes", Cell::Done),
    // The caller's own tasks, of which it has none.
    ("GET", "/v1/tasks", Cell::Done),
    ("GET", "/v1/approvals", Cell::Done),
    ("GET", "/v1/delegations", Cell::Done),
    ("POST", "/v1/delegations/{id}/accept", Cell::Absent),
    ("POST", "/v1/delegations/{id}/end", Cell::Absent),
    // To somebody who is of no pair with anybody, and by most roles for nobody at all.
    ("POST", "/v1/delegations", Cell::Denied),
    ("POST", "/v1/approvals/{id}/decide", Cell::Absent),
    ("POST", "/v1/tasks/{id}/accept", Cell::Absent),
    ("POST", "/v1/tasks/{id}/return", Cell::Absent),
    ("POST", "/v1/tasks/{id}/close", Cell::Absent),
    // The request names an entry whose leaf it does not hold.
    ("GET", "/v1/receipts/{index}/proof", Cell::Absent),
    // What it opened itself, and what it is told of: nothing.
    ("GET", "/v1/break-glass", Cell::Done),
    ("POST", "/v1/break-glass/{id}/end", Cell::Absent),
    ("POST", "/v1/break-glass/{id}/review", Cell::Absent),
    // Of requests of organs, which the officer alone decides and the police alone brings.
    ("GET", "/v1/admin/official-requests", Cell::Done),
    ("POST", "/v1/admin/official-requests/{id}/decide", Cell::Absent),
    ("GET", "/v1/actor", Cell::Done),
    // Of its own posts, which may be nothing.
    ("POST", "/v1/access/preview", Cell::Done),
];

/// Calls about data, in the order of the first word of a row. Each is about a grown-up, or a dwelling, of the role's own
/// area, for residence registration.
const DATA: &[(&str, &str)] = &[
    ("POST", "/v1/records"),
    ("GET", "/v1/records/{id}"),
    ("PATCH", "/v1/records/{id}"),
    ("DELETE", "/v1/records/{id}"),
    ("POST", "/v1/records/match"),
    ("POST", "/v1/households"),
    ("POST", "/v1/records/batch"),
    ("POST", "/v1/records/query"),
    ("POST", "/v1/places/{id}/occupants"),
    ("GET", "/v1/changes"),
    // The worker of the grid is to look a number up again.
    ("POST", "/v1/tasks"),
    // A look at a name, which an approval opens to nobody who has it not in clear.
    ("POST", "/v1/approvals"),
    // By the record of a person, which is no event.
    ("POST", "/v1/break-glass"),
    // One person more, of a kind that every role of business has a bound for.
    ("POST", "/v1/approvals/limit"),
    // Of somebody who is not there.
    ("POST", "/v1/admin/official-requests"),
    ("POST", "/v1/subjects/{id}/protect"),
    // The round of somebody who has no task.
    ("GET", "/v1/tasks/day"),
    // A number that nobody has, at the counter.
    ("POST", "/v1/counter-checks"),
    // Consents of nobody, at the desk.
    ("GET", "/v1/subjects/{id}/consents"),
    ("POST", "/v1/subjects/{id}/consents/{consent}/withdraw"),
    // The erasure of somebody who is not there, and one that nobody asked for.
    ("POST", "/v1/subjects/{id}/erase"),
    ("POST", "/v1/erasures/{id}/carry-out"),
    ("GET", "/v1/erasures/{id}/certificate"),
    // Over a record that is not of whoever is named.
    ("POST", "/v1/subjects/{id}/consents"),
    // Of somebody who is not there, and restraints that nobody asked for.
    ("POST", "/v1/subjects/{id}/restrict"),
    ("POST", "/v1/subjects/{id}/hold"),
    ("POST", "/v1/restraints/{id}/release"),
    ("POST", "/v1/restraints/{id}/carry-out"),
    // What is held of somebody who is not there, and who looked.
    ("GET", "/v1/subjects/{id}/report"),
    ("GET", "/v1/subjects/{id}/accesses"),
];

/// Calls of oversight and administration, in the order of the second word of a row.
const DUTIES: &[(&str, &str)] = &[
    ("GET", "/v1/audit/entries"),
    ("GET", "/v1/audit/entries/{index}"),
    ("GET", "/v1/audit/entries/{index}/proof"),
    ("GET", "/v1/audit/export"),
    ("POST", "/v1/audit/evidence-packs"),
    ("POST", "/v1/audit/index/rebuild"),
    ("POST", "/v1/admin/actors"),
    ("GET", "/v1/admin/actors"),
    ("POST", "/v1/admin/actors/{id}/tokens"),
    ("POST", "/v1/admin/policies/explain"),
    ("GET", "/v1/admin/policies/matrix"),
    ("POST", "/v1/admin/actors/{id}/assignments"),
    // Of a post that is not there.
    ("POST", "/v1/admin/actors/{id}/assignments/confirm"),
    ("POST", "/v1/admin/actors/{id}/assignments/end"),
    // Of somebody who works already.
    ("POST", "/v1/admin/actors/{id}/state"),
    ("GET", "/log/tile/entries/{tile}"),
    ("GET", "/v1/audit/anomalies"),
    ("GET", "/v1/audit/reviews"),
    ("POST", "/v1/audit/reviews"),
    // About a review that nobody opened.
    ("GET", "/v1/audit/reviews/{review}"),
    ("GET", "/v1/audit/reviews/{review}/entries"),
    ("POST", "/v1/audit/reviews/{review}/notes"),
    ("POST", "/v1/audit/reviews/{review}/escalate"),
    ("POST", "/v1/audit/reviews/{review}/close"),
    ("POST", "/v1/audit/reviews/{review}/draw"),
    ("POST", "/v1/audit/reviews/{review}/rectifications"),
    ("GET", "/v1/audit/rectifications"),
    ("POST", "/v1/audit/rectifications/{item}/settle"),
    ("GET", "/v1/audit/report"),
    // Of a post that is not there.
    ("POST", "/v1/admin/actors/{id}/assignments/renew"),
    ("POST", "/v1/admin/assignments/import"),
    ("GET", "/v1/admin/assignments/expiring"),
    ("GET", "/v1/admin/grids/vacant"),
    // Another vault, so that this one goes on.
    ("POST", "/v1/admin/seal"),
    ("POST", "/v1/admin/actors/{id}/codes"),
    ("GET", "/v1/admin/keys/status"),
    ("POST", "/v1/admin/keys/rotate"),
    // Of a rotation that nobody asked for.
    ("POST", "/v1/admin/keys/jobs/{id}/decide"),
    ("POST", "/v1/admin/keys/jobs/{id}/pause"),
    ("POST", "/v1/admin/keys/jobs/{id}/resume"),
    // What is due to residents: for the desk and for whoever agrees to what it asks.
    ("GET", "/v1/due"),
    ("POST", "/v1/admin/keys/jobs/{id}/cancel"),
    // By a request for another vault.
    ("POST", "/v1/admin/keys/ways"),
];

/// A row for each role: calls about data, then duties. `+` done, `l` taken with the line denied, `-` denied,
/// `c` case_required, `?` not_found, `v` version_conflict.
const ROLES: &[(&str, &str, &str)] = &[
    // Collects and reads in the own grid; what was collected in error is removed by the head alone.
    (
        "grid_worker",
        "+++-++++++-+?+--+-------------",
        "-------------------------------------------",
    ),
    ("grid_head", "++++++++++++?+--+-------------", "-------------------------------------------"),
    // Collects like a head, but for no purpose that is asked for here: registration is left to the holders of the
    // grid. It knows of people by other purposes.
    (
        "grid_stand_in",
        "------l-----?+--+-------------",
        "-------------------------------------------",
    ),
    // Report matters, and read an address inside a task: may store and read something, but no person here. A volunteer knows
    // of people by the visits that it makes; a building head by none.
    ("volunteer", "------l-?----+--+-------------", "-------------------------------------------"),
    (
        "building_head",
        "-??---l-?--?-+--+-------------",
        "-------------------------------------------",
    ),
    // Reports matters and reads nothing at all.
    (
        "property_firm",
        "--?---l------+----------------",
        "-------------------------------------------",
    ),
    // Works inside the task of an emergency alone.
    ("sunk_cadre", "------l------+--+-------------", "-------------------------------------------"),
    // Matters and places of the own unit; no person.
    (
        "unit_liaison",
        "-??---l----?-+--+-------------",
        "-------------------------------------------",
    ),
    // The service counter: knows of people by its programmes, and registration is none of them.
    (
        "community_cadre",
        "------l---+--+--++------------",
        "------------?------------------++----------",
    ),
    // Children by task and approval; no dwelling.
    (
        "child_officer",
        "--------?----+--+-------------",
        "-------------------------------------------",
    ),
    // The own case and nothing else: no person and no dwelling.
    ("mediator", "-?------?-??-+--+-------------", "-------------------------------------------"),
    (
        "legal_helper",
        "-?------?--?-+--+-------------",
        "-------------------------------------------",
    ),
    // Registration is their duty: general fields by a request, never by a match or a list in masked form. Without a request
    // they hold nothing, so there is nothing to follow.
    (
        "community_police",
        "-c-----cc----+??+-------------",
        "-------------------------------------------",
    ),
    // Coordinates: sees general personal data masked and writes nothing.
    (
        "street_operator",
        "-+--+--++++--+--+-------------",
        "-------------------------------------------",
    ),
    // Matters, places and objects; of persons at most the responsible one of a matter.
    (
        "street_area_cadre",
        "-?---------?-+--+-------------",
        "-------------------------------------------",
    ),
    (
        "enforcement_team",
        "-?---------?-+--+-------------",
        "-------------------------------------------",
    ),
    // The programmes of a line, inside a task; a dwelling is in none of them.
    (
        "street_office",
        "--------?----+--+-------------",
        "------------?------------------------------",
    ),
    ("department", "--------?----+--+-------------", "-------------------------------------------"),
    (
        "service_org",
        "--------?----+--+-------------",
        "-------------------------------------------",
    ),
    // Commands in an emergency.
    (
        "county_command",
        "----------+--+--+-------------",
        "------------?------------------------------",
    ),
    // Statistics only; no record by design.
    (
        "city_platform",
        "------------------------------",
        "-------------------------------------------",
    ),
    (
        "area_leader",
        "------------------------------",
        "-------------------------------------------",
    ),
    (
        "statistician",
        "------------------------------",
        "-------------------------------------------",
    ),
    ("supervisor", "------------------------------", "-------------------------------------------"),
    // Entries about staff by a numbered case: a review that was brought before it.
    (
        "discipline_officer",
        "------------------------------",
        "-----------------+-???-?-------------------",
    ),
    // Matters that are brought to it, with who asks, inside the case.
    (
        "petition_desk",
        "-??---l-?-??-+--+-------------",
        "-------------------------------------------",
    ),
    // For the one who is present, by the purpose of rights alone.
    (
        "resident_desk",
        "-------------+-?+-??????????cc",
        "----------------------------------------+--",
    ),
    // Reads the log and the policy, never a record.
    (
        "compliance_auditor",
        "------------------------------",
        "+++++--+-++----++++???????+?+--------------",
    ),
    // Answers for purposes: sees what is granted and reviews that were brought before it, never a record.
    (
        "protection_officer",
        "------------------------------",
        "----------+-?----+-???-?----------------+--",
    ),
    // Places the workers of its street.
    (
        "assignment_officer",
        "------------------------------",
        "-----------+-?---------------?+++----------",
    ),
    // Enrols, and explains what was granted; does not read the trail of its own acts.
    (
        "security_admin",
        "------------------------------",
        "------++++++??v--------------?+++-++-?-----",
    ),
    // Runs the platform; grants nothing, and sees of the policy only what it grants to whom.
    (
        "system_admin",
        "------------------------------",
        "----------+----------------------?-++-??-?v",
    ),
    // Reads the trail of the other administrators, and says the second word on officers.
    (
        "audit_admin",
        "------------------------------",
        "+++--+-+--+-??-+---------------------------",
    ),
    // Ciphertext only.
    (
        "contractor_ops",
        "------------------------------",
        "-------------------------------------------",
    ),
];

/// Calls that no role is answered at above, because what they name is not there, or because an answer takes two: the test in which each
/// is answered, by file and name.
const ANSWERED_ELSEWHERE: &[(&str, &str, &str, &str)] = &[
    ("POST", "/v1/break-glass", "break_glass", OPENED),
    ("POST", "/v1/break-glass/{id}/end", "break_glass", "what_is_ended_opens_nothing_more"),
    (
        "POST",
        "/v1/break-glass/{id}/review",
        "break_glass",
        "the_head_and_the_community_are_told_and_the_one_who_leads_reviews",
    ),
    ("POST", "/v1/admin/official-requests", "official", OFFICIAL),
    ("POST", "/v1/admin/official-requests/{id}/decide", "official", OFFICIAL),
    (
        "POST",
        "/v1/subjects/{id}/protect",
        "protected",
        "whoever_is_protected_is_to_its_neighbours_like_nobody",
    ),
    ("GET", "/v1/subjects/{id}/report", "counter", TOLD),
    ("GET", "/v1/subjects/{id}/accesses", "counter", TOLD),
    ("GET", "/v1/subjects/{id}/consents", "consents", WITHDRAWN),
    ("POST", "/v1/subjects/{id}/consents/{consent}/withdraw", "consents", WITHDRAWN),
    (
        "POST",
        "/v1/subjects/{id}/consents",
        "consents",
        "a_consent_that_is_given_opens_what_is_held_for_one_purpose_more_until_it_is_taken_back",
    ),
    ("POST", "/v1/subjects/{id}/erase", "erasure", ERASED),
    ("POST", "/v1/erasures/{id}/carry-out", "erasure", ERASED),
    ("GET", "/v1/erasures/{id}/certificate", "erasure", ERASED),
    ("POST", "/v1/subjects/{id}/restrict", "restraints", RESTRICTED),
    ("POST", "/v1/restraints/{id}/release", "restraints", RESTRICTED),
    ("POST", "/v1/restraints/{id}/carry-out", "restraints", RESTRICTED),
    (
        "POST",
        "/v1/subjects/{id}/hold",
        "restraints",
        "what_is_on_hold_neither_ends_nor_is_erased_and_goes_once_the_hold_is_lifted",
    ),
    ("POST", "/v1/admin/actors/{id}/assignments/confirm", "placing", PLACED),
    ("POST", "/v1/admin/actors/{id}/assignments/end", "placing", PLACED),
    ("POST", "/v1/admin/actors/{id}/state", "placing", LEFT),
    ("POST", "/v1/admin/actors/{id}/assignments/renew", "readiness", RENEWED),
    ("GET", "/v1/audit/reviews/{review}", "reviews", BROUGHT),
    ("GET", "/v1/audit/reviews/{review}/entries", "reviews", BROUGHT),
    ("POST", "/v1/audit/reviews/{review}/escalate", "reviews", BROUGHT),
    ("POST", "/v1/audit/reviews/{review}/notes", "reviews", CLOSED),
    ("POST", "/v1/audit/reviews/{review}/close", "reviews", CLOSED),
    (
        "POST",
        "/v1/audit/reviews/{review}/draw",
        "reviews",
        "a_sample_is_drawn_of_every_role_and_whoever_has_its_entry_draws_it_again",
    ),
    ("POST", "/v1/audit/reviews/{review}/rectifications", "findings", RECTIFIED),
    ("POST", "/v1/audit/rectifications/{item}/settle", "findings", RECTIFIED),
    (
        "POST",
        "/v1/admin/seal",
        "unsealing",
        "vault_is_sealed_by_who_runs_it_and_opened_again_by_a_passphrase",
    ),
    (
        "POST",
        "/v1/admin/keys/ways",
        "ways_open",
        "another_root_key_and_other_ways_come_in_force_while_the_vault_serves",
    ),
    ("POST", "/v1/admin/keys/jobs/{id}/decide", "rotation", PAUSED),
    ("POST", "/v1/admin/keys/jobs/{id}/pause", "rotation", PAUSED),
    ("POST", "/v1/admin/keys/jobs/{id}/resume", "rotation", PAUSED),
    (
        "POST",
        "/v1/admin/keys/jobs/{id}/cancel",
        "rotation",
        "what_is_taken_back_ends_with_the_keys_that_were_drawn_and_the_log_says_so",
    ),
    ("POST", "/v1/delegations", "delegations", STOOD_IN),
    ("POST", "/v1/delegations/{id}/accept", "delegations", STOOD_IN),
    ("POST", "/v1/delegations/{id}/end", "delegations", STOOD_IN),
    (
        "POST",
        "/v1/approvals/{id}/decide",
        "approvals",
        "a_second_persons_yes_is_good_for_one_look_at_a_child",
    ),
    ("POST", "/v1/tasks/{id}/accept", "tasks", WORKED),
    ("POST", "/v1/tasks/{id}/close", "tasks", WORKED),
    (
        "POST",
        "/v1/tasks/{id}/return",
        "tasks",
        "a_task_is_listed_to_its_holder_and_its_giver_and_given_back_by_its_holder_alone",
    ),
    ("GET", "/v1/receipts/{index}/proof", "log", "receipt_is_proven_to_who_holds_it"),
];

const OPENED: &str = "an_urgent_event_opens_its_dwellings_to_one_alone_for_minutes_children_too";
const OFFICIAL: &str = "the_protection_officers_word_opens_named_fields_of_named_people";
const WITHDRAWN: &str =
    "what_rested_on_a_consent_is_closed_from_its_withdrawal_on_and_what_rests_on_a_duty_is_not";
const TOLD: &str = "whoever_is_present_is_told_what_is_held_why_and_who_looked";
const ERASED: &str = "somebody_is_erased_by_desk_and_officer_and_gets_a_certificate";
const RESTRICTED: &str =
    "a_restriction_is_asked_for_agreed_to_carried_out_and_released_with_an_entry_each";
const PLACED: &str = "a_local_officer_places_a_worker_and_the_community_confirms_it";
const LEFT: &str = "whoever_leaves_or_is_suspended_has_nothing_from_that_entry_on";
const BROUGHT: &str =
    "whom_a_review_is_brought_before_sees_that_one_with_its_entries_and_may_close_it";
const CLOSED: &str = "from_an_anomaly_to_a_review_that_a_second_officer_closes";
const RENEWED: &str = "training_that_is_over_closes_and_training_that_was_renewed_opens";
const RECTIFIED: &str = "a_finding_is_put_right_by_its_owner_and_found_done_by_a_second_officer";
const PAUSED: &str = "it_takes_two_administrators_and_stands_still_on_the_word_of_one";
const STOOD_IN: &str = "a_stand_in_has_the_grid_inside_the_window_and_nothing_before_and_after";
const WORKED: &str = "a_task_opens_its_fields_of_its_records_to_its_holder_until_it_is_closed";

fn cells(role: &str) -> Vec<(&'static str, &'static str, Cell)> {
    let row = ROLES.iter().find(|row| row.0 == role);
    let (_, data, duties) = row.unwrap_or_else(|| panic!("{role} has no row"));
    let of = |calls: &'static [(&str, &str)], signs: &str| {
        assert_eq!(calls.len(), signs.chars().count(), "{role} has a cell for each call");
        let cells = calls.iter().zip(signs.chars().collect::<Vec<_>>());
        cells.map(|((method, path), sign)| (*method, *path, Cell::of(sign))).collect::<Vec<_>>()
    };
    [of(DATA, data), of(DUTIES, duties), EVERYONE.to_vec()].concat()
}

/// One actor of each role that has no other role beside it.
fn one_of_each(demo: &Demo) -> Vec<Actor> {
    let mut seen = BTreeSet::new();
    let mut actors = demo.actors();
    // Whoever stands in for a neighbour is the head of a grid too: this one is nothing else.
    actors.retain(|actor| actor.role != "grid_stand_in");
    actors.push(standing_in(demo));
    actors.retain(|actor| seen.insert(actor.role.clone()));
    actors
}

/// Somebody who stands in for the head of the first grid, until tomorrow.
pub fn standing_in(demo: &Demo) -> Actor {
    let (role, area) = ("grid_stand_in", demo.worker(1).area);
    let in_days = |days: u64| {
        let later = std::time::Duration::from_secs(days * 86_400);
        (jiff::Timestamp::now() + later).to_string()
    };
    let post = json!([{"role": role, "area": area, "pair": true, "to": in_days(300)}]);
    let one = enrolled(demo, &add(demo, post).expect(201), role, area.as_deref());
    let window = json!({"to": one.id, "grid": area, "until": in_days(1)});
    let proposed = demo.head(1).post("/v1/delegations", &window).expect(201);
    let path = format!("/v1/delegations/{}/accept", proposed.text_of("id"));
    one.call("POST", &path).send().expect(200);
    one
}

/// The grid that an actor's calls are about: its own, or the sample grid where its area is wider; with the worker who
/// stores there.
fn grid_of(demo: &Demo, actor: &Actor) -> (String, Actor) {
    let sample = demo.worker(1);
    let own = actor.area.clone().filter(|area| area.len() == sample.grid().len());
    let grid = own.unwrap_or_else(|| sample.grid().to_owned());
    // An exclusive unit is looked after by one of the workers around it.
    let mut workers = (1..=5).map(|number| demo.worker(number));
    let worker = workers.find(|worker| worker.create(&adult(&grid)).status == 201);
    let worker = worker.expect("every grid has a worker");
    (grid, worker)
}

#[test]
fn every_role_of_the_directory_has_a_row_and_an_actor() {
    let text = include_str!("../../policies/roles.toml");
    let named = text.lines().filter_map(|line| line.strip_prefix("id = "));
    let roles: BTreeSet<&str> = named.map(|word| word.trim_matches('"')).collect();
    assert!(roles.len() >= 34, "the roles were found: {roles:?}");
    let rows: BTreeSet<&str> = ROLES.iter().map(|row| row.0).collect();
    assert_eq!(roles, rows);
    let demo = shared();
    let acting = demo.actors();
    let acting: BTreeSet<&str> = acting.iter().map(|actor| actor.role.as_str()).collect();
    assert_eq!(roles, acting, "the demo has somebody of every role");
}

#[test]
fn every_guarded_route_has_a_column() {
    let columns: BTreeSet<(&str, &str)> = DATA
        .iter()
        .chain(DUTIES)
        .copied()
        .chain(EVERYONE.iter().map(|(method, path, _)| (*method, *path)))
        .collect();
    let routes: BTreeSet<(&str, &str)> =
        guarded().map(|route| (route.method.as_str(), route.path)).collect();
    assert_eq!(columns, routes);
    assert_eq!(columns.len(), DATA.len() + DUTIES.len() + EVERYONE.len(), "none comes twice");
}

#[test]
fn every_column_has_somebody_who_is_answered_here_or_in_a_test_that_there_is() {
    let mut answered = BTreeSet::new();
    for (role, ..) in ROLES {
        let cells = cells(role).into_iter().filter(|(.., cell)| *cell == Cell::Done);
        answered.extend(cells.map(|(method, path, _)| (method, path)));
    }
    for route in guarded() {
        let call = (route.method.as_str(), route.path);
        let elsewhere = ANSWERED_ELSEWHERE.iter().filter(|one| (one.0, one.1) == call).count();
        assert_eq!(usize::from(answered.contains(&call)) + elsewhere, 1, "{call:?}");
    }
    for (method, path, file, test) in ANSWERED_ELSEWHERE {
        assert!(guarded().any(|route| (route.method.as_str(), route.path) == (*method, *path)));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/product").join(file);
        let source = std::fs::read_to_string(source.with_extension("rs")).expect("a file of tests");
        assert!(source.contains(&format!("#[test]\nfn {test}()")), "{file} has no test {test}");
        // It says the call's own word, whatever builds the path.
        let mut words = path.rsplit('/').filter(|word| !word.starts_with('{'));
        let word = words.next().expect("a path has a word");
        assert!(source.contains(word), "{file} says nothing of {path}");
    }
}

#[test]
fn every_role_gets_from_every_route_what_the_table_says_and_each_answer_has_its_entry() {
    let demo = Demo::own();
    let mut wrong = Vec::new();
    let mut answers = Vec::new();
    for actor in one_of_each(&demo) {
        let (grid, worker) = grid_of(&demo, &actor);
        for (method, path, cell) in cells(&actor.role) {
            let about = if path.starts_with("/v1/places") { place(&grid) } else { adult(&grid) };
            let record = worker.create(&about).expect(201);
            let aim = Aim { record: record.text_of("id"), grid: &grid, actor: &worker.id };
            let mut routes = guarded();
            let route = routes.find(|route| (route.method.as_str(), route.path) == (method, path));
            let request = plausible(route.expect("a route of the table"), &aim);
            let reply = request.by(&actor).send();
            let got = (reply.status >= 300).then(|| (reply.status, reply.code()));
            if got != cell.refusal() || !line_fits(cell, path, &reply) {
                wrong.push(format!(
                    "{} at {method} {path}: {cell:?}, but {}",
                    actor.role, reply.text
                ));
            }
            answers.push((actor.clone(), path, reply));
        }
    }
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n"));
    each_has_its_entry(&demo, &answers);
}

/// Whether the one line of a batch ended as the cell says.
fn line_fits(cell: Cell, path: &str, reply: &Reply) -> bool {
    let code = reply.body["problem"]["code"].as_str();
    match cell {
        Cell::Line => code == Some("denied"),
        Cell::Done if path.ends_with("/batch") => reply.body["status"] == 201,
        _ => true,
    }
}

fn each_has_its_entry(demo: &Demo, answers: &[(Actor, &str, Reply)]) {
    let index = |reply: &Reply| match &reply.body["problem"]["audit_index"] {
        Value::Null => reply.index(),
        line => line.as_u64().expect("an index"),
    };
    let indexes: Vec<u64> = answers.iter().map(|(.., reply)| index(reply)).collect();
    let first = *indexes.first().expect("some answers");
    let last = *indexes.last().expect("some answers");
    let entries = demo.entries_between(first, last);
    for ((actor, path, reply), index) in answers.iter().zip(indexes) {
        let entry = &entries[usize::try_from(index - first).expect("a few")];
        assert_eq!((&entry["seq"], &entry["who"]), (&json!(index), &json!(actor.id)));
        let code = match reply.body["problem"]["code"].as_str() {
            Some(line) => line,
            None if reply.status < 300 => "",
            None => reply.code(),
        };
        let outcome = if code.is_empty() { "success" } else { "denied" };
        assert_eq!(entry["out"], outcome, "{} at {path}: {}", actor.role, happened(entry));
        if outcome == "denied" {
            assert_eq!(entry["why"], code, "{} at {path}", actor.role);
        }
    }
}
