//! Stand-ins: nothing before the window, the head's rights in that grid inside it, nothing after; between the two alone.
//! Never outside of a pair that the community confirmed.
//! Every read inside the window names the delegation.

use super::actor::Actor;
use super::bodies::{REGISTRATION, adult};
use super::client::Reply;
use super::enrolment::{add, enrolled, ready};
use super::entries::happened;
use super::harness::{Demo, shared};
use super::placing::{set_state, word};
use serde_json::{Value, json};
use std::time::Duration;

const GRID: &str = "8801020010010004";

fn in_seconds(seconds: u64) -> String {
    (jiff::Timestamp::now() + Duration::from_secs(seconds)).to_string()
}

/// Two heads of neighbouring grids of whom the second stands in for the first, once the community has confirmed it.
struct Pair {
    head: Actor,
    neighbour: Actor,
    post: String,
}

fn pair(demo: &Demo) -> Pair {
    let someone = |grid: &str| {
        let posts = json!([{"role": "grid_head", "area": grid}]);
        enrolled(demo, &add(demo, posts).expect(201), "grid_head", Some(grid))
    };
    let (head, neighbour) = (someone(GRID), someone("8801020010010005"));
    let post = json!({"role": "grid_stand_in", "area": GRID, "pair": true, "to": in_seconds(300 * 86_400)});
    let path = format!("/v1/admin/actors/{}/assignments", neighbour.id);
    let placed = demo.role("assignment_officer").post(&path, &ready(post)).expect(201);
    let post = placed.text_of("assignment").to_owned();
    Pair { head, neighbour, post }
}

impl Pair {
    fn confirmed(demo: &Demo) -> Pair {
        let pair = pair(demo);
        let path = format!("/v1/admin/actors/{}/assignments/confirm", pair.neighbour.id);
        demo.role("community_cadre").post(&path, &json!({"assignment": pair.post})).expect(200);
        pair
    }

    fn proposes(&self, window: Value) -> Reply {
        let mut body = json!({"to": self.neighbour.id, "grid": GRID, "until": in_seconds(3_600)});
        for (name, value) in window.as_object().expect("members") {
            body[name] = value.clone();
        }
        self.head.post("/v1/delegations", &body)
    }
}

fn step(actor: &Actor, id: &str, step: &str) -> Reply {
    actor.call("POST", &format!("/v1/delegations/{id}/{step}")).send()
}

#[test]
fn a_stand_in_has_the_grid_inside_the_window_and_nothing_before_and_after() {
    let demo = shared();
    let pair = Pair::confirmed(demo);
    let worker = demo.worker(4);
    // By consent of the resident: the purpose for which a stand-in sees people.
    let stored = worker.create(&super::bodies::contact(GRID, &super::bodies::fresh_phone()));
    let id = stored.expect(201).text_of("id").to_owned();
    let read = || pair.neighbour.read(&id, "name", super::bodies::CONTACT);
    read().refused(404, "not_found");
    let proposed = pair.proposes(json!({})).expect(201);
    let delegation = proposed.text_of("id").to_owned();
    let entry = demo.entry_of(&proposed);
    assert_eq!(happened(&entry), "delegation.propose success");
    assert_eq!(entry["x"]["actor"], json!(pair.neighbour.id));
    read().refused(404, "not_found");

    step(&pair.head, &delegation, "accept").refused(403, "denied");
    let accepted = step(&pair.neighbour, &delegation, "accept").expect(200);
    assert_eq!(happened(&demo.entry_of(&accepted)), "delegation.accept success");
    let seen = read().expect(200);
    assert_eq!(seen.body["masked"], json!([]));
    let entry = demo.entry_of(&seen);
    assert_eq!(
        (&entry["role"], &entry["apr"]),
        (&json!("grid_stand_in"), &demo.entry_of(&accepted)["apr"])
    );
    // The window is of that grid alone.
    let far = demo.worker(1).create(&adult(demo.worker(1).grid())).expect(201);
    pair.neighbour.read(far.text_of("id"), "name", REGISTRATION).refused(404, "not_found");

    let listed = pair.neighbour.get("/v1/delegations").expect(200);
    assert_eq!(listed.body["delegations"][0]["state"], "open");
    step(&demo.head(1), &delegation, "end").refused(404, "not_found");
    step(&pair.head, &delegation, "end").expect(200);
    read().refused(404, "not_found");
    step(&pair.neighbour, &delegation, "accept").refused(412, "version_conflict");
    let listed = pair.neighbour.get("/v1/delegations").expect(200);
    assert_eq!(listed.body["delegations"], json!([]));
}

#[test]
fn nobody_stands_in_outside_of_a_confirmed_pair_or_beyond_a_window() {
    let demo = shared();
    let unconfirmed = pair(demo);
    unconfirmed.proposes(json!({})).refused(403, "denied");
    let pair = Pair::confirmed(demo);
    // To another, for another grid, by one who does not hold the grid, by a stand-in in turn.
    pair.proposes(json!({"to": demo.head(1).id})).refused(403, "denied");
    pair.proposes(json!({"to": pair.head.id})).refused(403, "denied");
    pair.proposes(json!({"grid": "8801020010010001"})).refused(403, "denied");
    let body = json!({"to": pair.neighbour.id, "grid": GRID, "until": in_seconds(3_600)});
    demo.head(1).post("/v1/delegations", &body).refused(403, "denied");
    demo.worker(4).post("/v1/delegations", &body).refused(403, "denied");
    for window in [
        json!({"until": in_seconds(32 * 86_400)}),
        json!({"until": "2020-01-01T00:00:00Z"}),
        json!({"from": in_seconds(7_200)}),
        json!({"from": in_seconds(93 * 86_400), "until": in_seconds(94 * 86_400)}),
        json!({"until": "noon"}),
        json!({"grid": "1"}),
    ] {
        assert_eq!(pair.proposes(window.clone()).status, 400, "{window}");
    }
    // A window that is still to come opens nothing yet.
    let later = json!({"from": in_seconds(1_800), "until": in_seconds(3_600)});
    let later = pair.proposes(later).expect(201).text_of("id").to_owned();
    step(&pair.neighbour, &later, "accept").expect(200);
    let stored = demo.worker(4).create(&adult(GRID)).expect(201);
    pair.neighbour.read(stored.text_of("id"), "name", REGISTRATION).refused(404, "not_found");
    step(&pair.neighbour, &later, "end").expect(200);
}

/// Takes the grid from its head: the post ends, or its holder is suspended.
fn takes_the_grid_away(demo: &Demo, head: &Actor, by_state: bool) {
    let security = demo.role("security_admin");
    if by_state {
        set_state(&security, &head.id, "suspended").expect(200);
        return;
    }
    let listed = security.get("/v1/admin/actors").expect(200);
    let actors = listed.body["actors"].as_array().expect("a list").clone();
    let known = actors.into_iter().find(|one| one["id"] == json!(head.id)).expect("the head");
    let post = known["assignments"][0]["id"].as_str().expect("a post").to_owned();
    word(&security, &head.id, "end", &post).expect(200);
}

#[test]
fn nobody_accepts_from_whoever_has_lost_the_grid() {
    let demo = shared();
    for by_state in [false, true] {
        let pair = Pair::confirmed(demo);
        let delegation = pair.proposes(json!({})).expect(201).text_of("id").to_owned();
        takes_the_grid_away(demo, &pair.head, by_state);
        step(&pair.neighbour, &delegation, "accept").refused(403, "denied");
    }
}

#[test]
fn a_window_ends_with_the_post_or_the_account_of_whoever_gave_it() {
    let demo = shared();
    let worker = demo.worker(4);
    let stored = worker.create(&super::bodies::contact(GRID, &super::bodies::fresh_phone()));
    let id = stored.expect(201).text_of("id").to_owned();
    for by_state in [false, true] {
        let pair = Pair::confirmed(demo);
        let read = || pair.neighbour.read(&id, "name", super::bodies::CONTACT);
        let delegation = pair.proposes(json!({})).expect(201).text_of("id").to_owned();
        step(&pair.neighbour, &delegation, "accept").expect(200);
        read().expect(200);
        takes_the_grid_away(demo, &pair.head, by_state);
        read().refused(404, "not_found");
        let listed = pair.neighbour.get("/v1/delegations").expect(200);
        assert_eq!(listed.body["delegations"], json!([]));
    }
}

#[test]
fn no_window_outlasts_the_post_that_it_rests_on() {
    let demo = shared();
    let Pair { neighbour, post, .. } = Pair::confirmed(demo);
    let posts = json!([{"role": "grid_head", "area": GRID, "to": in_seconds(7_200)}]);
    let added = add(demo, posts).expect(201);
    let head = enrolled(demo, &added, "grid_head", Some(GRID));
    let pair = Pair { head, neighbour, post };
    pair.proposes(json!({"until": in_seconds(10_800)})).refused(400, "schema_invalid");
    pair.proposes(json!({"until": in_seconds(3_600)})).expect(201);
}
