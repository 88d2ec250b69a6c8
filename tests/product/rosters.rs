//! Rosters: posts as they should be, line by line; what ends soon; where nobody works.
//! Never a right that placing does not give, never one line's mistake in another, never a change by a look beforehand.
//! The same roster twice changes nothing the second time.

use super::actor::Actor;
use super::bodies::adult;
use super::client::Reply;
use super::enrolment::{add, enrolled, ready};
use super::entries::happened;
use super::harness::{Demo, shared};
use super::requests::fresh_login;
use gridvault::limits::{EXPIRING_DAYS_MAX, POSTS_PAGE_COUNT_MAX, ROSTER_LINES_COUNT_MAX};
use serde_json::{Value, json};
use std::time::Duration;

const NEXT: &str = "8801020010010002";
const LAST: &str = "8801020010010005";

fn in_days(days: u64) -> String {
    (jiff::Timestamp::now() + Duration::from_secs(days * 86_400)).to_string()
}

/// Somebody of the vault who holds no post; its id and log-in name.
fn nobody_yet(demo: &Demo) -> (Actor, String) {
    let login = fresh_login();
    let body = json!({"login": login, "kind": "person", "assignments": []});
    let added = demo.role("security_admin").post("/v1/admin/actors", &body).expect(201);
    (enrolled(demo, &added, "grid_worker", Some(NEXT)), login)
}

fn import(by: &Actor, lines: &[Value], dry_run: bool) -> Reply {
    by.post("/v1/admin/assignments/import", &json!({"lines": lines, "dry_run": dry_run}))
}

fn outcomes(reply: &Reply) -> Vec<String> {
    let lines = reply.body["lines"].as_array().expect("lines").iter();
    let word = |line: &Value| match line["code"].as_str() {
        Some(code) => code.to_owned(),
        None => line["outcome"].as_str().expect("an outcome").to_owned(),
    };
    lines.map(word).collect()
}

/// A post of the grid next door, ready, with these members too.
fn post(login: &str, members: Value) -> Value {
    let mut post = ready(json!({"login": login, "role": "grid_worker", "area": NEXT}));
    for (name, value) in members.as_object().expect("members") {
        post[name] = value.clone();
    }
    post
}

#[test]
fn a_roster_places_and_its_community_confirms_and_the_same_again_changes_nothing() {
    let demo = shared();
    let (officer, lead) = (demo.role("assignment_officer"), demo.role("community_cadre"));
    let (worker, login) = nobody_yet(demo);
    let roster = [post(&login, json!({"to": in_days(100)}))];
    let looked = import(&officer, &roster, true).expect(200);
    assert_eq!(outcomes(&looked), ["new"]);
    let entry = demo.entry_of(&looked);
    assert_eq!(happened(&entry), "assignment.import success");
    let x = &entry["x"];
    assert_eq!((&x["dry_run"], &x["new"], &x["refused"]), (&json!(1), &json!(1), &json!(0)));
    let none = worker.get("/v1/actor").expect(200);
    assert_eq!(none.body["posts"], json!([]), "a look changes nothing");

    let done = import(&officer, &roster, false).expect(200);
    let line = &done.body["lines"][0];
    assert_eq!((&line["outcome"], &line["confirmed"]), (&json!("new"), &json!(false)));
    let entry = demo.entry(line["audit_index"].as_u64().expect("an entry of its own"));
    assert_eq!(
        (happened(&entry).as_str(), &entry["x"]["actor"]),
        ("assignment.add success", &json!(worker.id))
    );
    worker.create(&adult(NEXT)).refused(403, "denied");
    let confirm = |line: &Value| {
        let path = format!("/v1/admin/actors/{}/assignments/confirm", worker.id);
        lead.post(&path, &json!({"assignment": line["assignment"]}))
    };
    confirm(line).expect(200);
    worker.create(&adult(NEXT)).expect(201);
    let again = import(&officer, &roster, false).expect(200);
    assert_eq!(outcomes(&again), ["unchanged"]);
    assert_eq!(again.body["lines"][0]["audit_index"], Value::Null);

    // A later end is a further post that waits for the community; an earlier one counts at once.
    let later = [post(&login, json!({"to": in_days(200)}))];
    let later_done = import(&officer, &later, false).expect(200);
    assert_eq!(outcomes(&later_done), ["new"]);
    assert_eq!(later_done.body["lines"][0]["confirmed"], false);
    worker.create(&adult(NEXT)).expect(201);
    assert_eq!(outcomes(&import(&officer, &later, false).expect(200)), ["unchanged"]);
    let posts = worker.get("/v1/actor").expect(200).body["posts"].clone();
    let waits: Vec<bool> =
        posts.as_array().expect("posts").iter().map(|post| post["confirmed"] == false).collect();
    assert_eq!(waits, [false, true]);
    // An earlier end counts at once, for what was to follow too.
    let sooner = [post(&login, json!({"to": in_days(50)}))];
    assert_eq!(outcomes(&import(&officer, &sooner, false).expect(200)), ["changed"]);
    let posts = worker.get("/v1/actor").expect(200).body["posts"].clone();
    assert_eq!(posts.as_array().map(Vec::len), Some(1), "{posts}");
    assert_eq!(posts[0]["confirmed"], true);
    let over = [post(&login, json!({"ends": true}))];
    assert_eq!(outcomes(&import(&officer, &over, true).expect(200)), ["ended"]);
    worker.create(&adult(NEXT)).expect(201);
    assert_eq!(outcomes(&import(&officer, &over, false).expect(200)), ["ended"]);
    worker.create(&adult(NEXT)).refused(403, "denied");
    assert_eq!(outcomes(&import(&officer, &over, false).expect(200)), ["unchanged"]);
}

#[test]
fn an_earlier_end_and_renewed_training_change_what_is_there() {
    let demo = shared();
    let security = demo.role("security_admin");
    let (worker, login) = nobody_yet(demo);
    let placed = import(&security, &[post(&login, json!({"to": in_days(100)}))], false).expect(200);
    assert_eq!(placed.body["lines"][0]["confirmed"], true, "an administrator's word is final");
    let sooner = post(&login, json!({"to": in_days(50), "trained_until": in_days(60)}));
    let changed = import(&security, std::slice::from_ref(&sooner), false).expect(200);
    assert_eq!(outcomes(&changed), ["changed"]);
    let index = changed.body["lines"][0]["audit_index"].as_u64().expect("an entry");
    assert_eq!(happened(&demo.entry(index)), "assignment.change success");
    let own = worker.get("/v1/actor").expect(200).body["posts"].clone();
    let days = |text: &Value| text.as_str().map(|text| text[..10].to_owned());
    assert_eq!(days(&own[0]["to"]), days(&json!(in_days(50))));
    assert_eq!(days(&own[0]["trained_until"]), days(&json!(in_days(60))));
    assert_eq!(outcomes(&import(&security, &[sooner], false).expect(200)), ["unchanged"]);
    // An end that has passed, training beyond its longest, a term before the one that is known.
    for wrong in [
        json!({"to": "2026-01-01T00:00:00Z"}),
        json!({"to": in_days(50), "trained_until": in_days(401)}),
        json!({"secrecy_term": {"signed_at": "2025-01-01T00:00:00Z", "document": "B-1"}}),
    ] {
        let refused = import(&security, &[post(&login, wrong.clone())], false).expect(200);
        assert_eq!(outcomes(&refused), ["schema_invalid"], "{wrong}");
    }
}

#[test]
fn one_bad_line_fails_alone_and_none_gives_what_placing_would_not() {
    let demo = shared();
    let officer = demo.role("assignment_officer");
    let ((_, first), (_, last)) = (nobody_yet(demo), nobody_yet(demo));
    let with = |members: Value| post(&first, members);
    let own = json!({"actor": officer.id, "role": "grid_worker", "area": NEXT});
    let lines = [
        post(&first, json!({})),
        json!({"login": first, "role": "grid_worker", "area": NEXT, "wage": 1}),
        json!("grid_worker"),
        with(json!({"area": "8801030010010001"})),
        with(json!({"role": "community_cadre", "area": "880102001001"})),
        with(json!({"role": "security_admin", "area": null})),
        with(json!({"role": "nobody"})),
        post("nobody.at.all", json!({})),
        own,
        // Nobody works where there is no grid.
        with(json!({"area": "8801020010019999"})),
        post(&last, json!({})),
    ];
    let done = import(&officer, &lines, false).expect(200);
    let (bad, denied) = ("schema_invalid", "denied");
    let expected =
        ["new", bad, bad, denied, denied, denied, denied, "not_found", denied, denied, "new"];
    assert_eq!(outcomes(&done), expected);
    let entry = demo.entry_of(&done);
    assert_eq!((&entry["x"]["new"], &entry["x"]["refused"]), (&json!(2), &json!(9)));
    // What was not understood has no entry of its own: that of the roster tells how much it was.
    assert_eq!((&entry["x"]["lines"], &entry["x"]["malformed"]), (&json!(11), &json!(2)));
    let firm =
        json!({"login": first, "role": "property_firm", "area": "880102001001", "to": in_days(30)});
    let refused = import(&demo.role("security_admin"), &[firm], false).expect(200);
    assert_eq!(outcomes(&refused), [bad], "a post that excludes the one that waits");
}

#[test]
fn a_roster_is_taken_up_to_its_longest_from_whoever_places() {
    let demo = shared();
    let officer = demo.role("assignment_officer");
    let line = json!({"login": "nobody.at.all", "role": "grid_worker"});
    let lines = |count: usize| vec![line.clone(); count];
    import(&officer, &lines(ROSTER_LINES_COUNT_MAX + 1), true).refused(400, "schema_invalid");
    import(&officer, &[], true).refused(400, "schema_invalid");
    // One that names nobody a post has no place in a grid: each line is refused, and the call is not.
    let unread = vec![json!({}); ROSTER_LINES_COUNT_MAX];
    let done = import(&officer, &unread, true).expect(200);
    assert_eq!(done.body["lines"].as_array().map(Vec::len), Some(ROSTER_LINES_COUNT_MAX));
    for role in ["grid_head", "community_cadre", "system_admin", "compliance_auditor"] {
        import(&demo.role(role), &lines(1), true).refused(403, "denied");
    }
}

fn expiring(by: &Actor, query: &str) -> Reply {
    by.get(&format!("/v1/admin/assignments/expiring?{query}"))
}

/// Every line of the list, page by page.
fn all(by: &Actor, query: &str) -> Vec<Value> {
    let (mut found, mut next) = (Vec::new(), String::new());
    loop {
        let page = expiring(by, &format!("{query}{next}")).expect(200);
        found.extend(page.body["posts"].as_array().expect("posts").clone());
        match page.body["next"].as_str() {
            Some(after) => next = format!("&after={after}"),
            None => return found,
        }
    }
}

#[test]
fn what_ends_soon_is_listed_to_whoever_places_or_confirms_the_first_end_in_front() {
    let demo = Demo::own();
    let trained =
        |days: u64| json!({"role": "grid_worker", "area": NEXT, "trained_until": in_days(days)});
    let soon = add(&demo, json!([trained(20)])).expect(201).text_of("id").to_owned();
    let late = add(&demo, json!([trained(60)])).expect(201).text_of("id").to_owned();
    let post = json!({"role": "grid_head", "area": LAST, "to": in_days(10), "secrecy_term": null});
    let ends = add(&demo, json!([post])).expect(201).text_of("id").to_owned();
    let pair = json!({"role": "grid_stand_in", "area": LAST, "pair": true, "to": in_days(15)});
    let pair = add(&demo, json!([pair])).expect(201).text_of("id").to_owned();

    let officer = demo.role("assignment_officer");
    let page = expiring(&officer, "within_days=30").expect(200);
    let entry = demo.entry_of(&page);
    assert_eq!(
        (happened(&entry).as_str(), &entry["x"]["within_days"]),
        ("assignment.read success", &json!(30))
    );
    let listed = all(&officer, "within_days=30");
    let of = |id: &str| -> Vec<(String, String)> {
        let own = listed.iter().filter(|line| line["actor"] == json!(id));
        let word = |line: &Value, name: &str| line[name].as_str().expect("a word").to_owned();
        own.map(|line| (word(line, "what"), word(line, "state"))).collect()
    };
    let said = |what: &str, state: &str| (what.to_owned(), state.to_owned());
    assert_eq!(of(&soon), [said("training", "ends")]);
    assert_eq!(of(&late), []);
    assert_eq!(of(&ends), [said("secrecy_term", "missing"), said("post", "ends")]);
    assert_eq!(of(&pair), [said("pair", "ends")]);
    let ends: Vec<&str> = listed.iter().filter_map(|line| line["until"].as_str()).collect();
    assert!(ends.is_sorted(), "{ends:?}");
    // The demo has somebody whose training lapsed: still on the list, as over.
    assert!(
        listed
            .iter()
            .any(|line| (&line["what"], &line["state"]) == (&json!("training"), &json!("over")))
    );
    assert!(listed.iter().all(|line| line["role"] != "community_cadre"), "not placed by it");

    for by in [demo.role("community_cadre"), demo.role("security_admin")] {
        let pages = all(&by, "within_days=30&limit=2");
        let own = |line: &&Value| line["actor"] == json!(soon);
        assert_eq!(pages.iter().filter(own).count(), 1, "{}", by.role);
        let whole = all(&by, "within_days=30");
        assert_eq!(pages, whole, "page by page as at once");
    }
    for role in ["grid_head", "street_office", "system_admin", "compliance_auditor"] {
        expiring(&demo.role(role), "within_days=30").refused(403, "denied");
    }
    let most = format!("within_days={EXPIRING_DAYS_MAX}&limit={POSTS_PAGE_COUNT_MAX}");
    expiring(&officer, &most).expect(200);
    for wrong in [
        String::new(),
        "within_days=0".to_owned(),
        format!("within_days={}", EXPIRING_DAYS_MAX + 1),
        format!("within_days=1&limit={}", POSTS_PAGE_COUNT_MAX + 1),
        "within_days=1&after=AAAA".to_owned(),
        "within_days=1&grid=8801020010010001".to_owned(),
    ] {
        expiring(&officer, &wrong).refused(400, "schema_invalid");
    }
}

/// Ends every worker's post in some grids.
fn end_workers(demo: &Demo, of: impl Fn(&str) -> bool) {
    let officer = demo.role("assignment_officer");
    let listed = demo.role("security_admin").get("/v1/admin/actors").expect(200);
    let mut ended = 0;
    for actor in listed.body["actors"].as_array().expect("actors") {
        for post in actor["assignments"].as_array().expect("posts") {
            if post["role"] == "grid_worker" && post["area"].as_str().is_some_and(&of) {
                let id = actor["id"].as_str().expect("an id");
                let path = format!("/v1/admin/actors/{id}/assignments/end");
                officer.post(&path, &json!({"assignment": post["id"]})).expect(200);
                ended += 1;
            }
        }
    }
    assert!(ended > 0, "somebody worked there");
}

#[test]
fn a_grid_is_vacant_from_the_last_workers_end_until_the_next_ones_first_day() {
    let demo = Demo::own();
    let (officer, lead) = (demo.role("assignment_officer"), demo.role("community_cadre"));
    let vacant = |by: &Actor| {
        let page = by.get("/v1/admin/grids/vacant").expect(200);
        let grids = page.body["grids"].as_array().expect("grids").clone();
        grids.into_iter().find(|grid| grid["grid"] == json!(LAST))
    };
    assert_eq!(vacant(&officer), None);
    let security = demo.role("security_admin");
    end_workers(&demo, |grid| grid == LAST);
    for by in [&officer, &lead, &security] {
        let grid = vacant(by).expect("nobody works there");
        assert_eq!((&grid["looked_after"], &grid["expected"]), (&json!(true), &json!(false)));
    }
    // Somebody is placed, and counts once the community said so.
    let (worker, login) = nobody_yet(&demo);
    let placed = import(&officer, &[post(&login, json!({"area": LAST}))], false).expect(200);
    assert_eq!(vacant(&officer).expect("not yet confirmed")["expected"], json!(true));
    let path = format!("/v1/admin/actors/{}/assignments/confirm", worker.id);
    let body = json!({"assignment": placed.body["lines"][0]["assignment"]});
    lead.post(&path, &body).expect(200);
    assert_eq!(vacant(&officer), None);
    // Whoever is suspended works nowhere.
    let state = format!("/v1/admin/actors/{}/state", worker.id);
    officer.post(&state, &json!({"state": "suspended"})).expect(200);
    assert!(vacant(&officer).is_some());
    for role in ["grid_head", "system_admin", "compliance_auditor"] {
        demo.role(role).get("/v1/admin/grids/vacant").refused(403, "denied");
    }
    officer.get("/v1/admin/grids/vacant?limit=0").refused(400, "schema_invalid");
    officer.get("/v1/admin/grids/vacant?after=everywhere").refused(400, "schema_invalid");
}

#[test]
fn vacant_grids_come_page_by_page_as_at_once() {
    let demo = Demo::own();
    let officer = demo.role("assignment_officer");
    end_workers(&demo, |_| true);
    let page = |query: &str| officer.get(&format!("/v1/admin/grids/vacant?{query}"));
    let grids = |page: &Reply| page.body["grids"].as_array().expect("grids").clone();
    let whole = page(&format!("limit={POSTS_PAGE_COUNT_MAX}")).expect(200);
    // Five grids of the community, and three units that a grid hosts.
    assert_eq!((grids(&whole).len(), &whole.body["next"]), (8, &Value::Null));
    assert_eq!(grids(&page("").expect(200)), grids(&whole), "as many where nothing is said");
    page(&format!("limit={}", POSTS_PAGE_COUNT_MAX + 1)).refused(400, "schema_invalid");

    let (mut joined, mut sizes, mut after) = (Vec::new(), Vec::new(), String::new());
    loop {
        let part = page(&format!("limit=3{after}")).expect(200);
        assert_eq!(demo.entry_of(&part)["x"]["count"], json!(grids(&part).len()));
        sizes.push(grids(&part).len());
        joined.extend(grids(&part));
        match part.body["next"].as_str() {
            Some(code) => after = format!("&after={code}"),
            None => break,
        }
    }
    assert_eq!((joined, sizes), (grids(&whole), vec![3, 3, 2]));
    // A page that ends with the last grid is the last.
    let last = page("limit=8").expect(200);
    assert_eq!((grids(&last).len(), &last.body["next"]), (8, &Value::Null));
    assert!(page("limit=7").expect(200).body["next"].is_string());
}
