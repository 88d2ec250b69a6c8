//! Emergency access where only time or chance can show it: minutes, late reviews, dwellings at the limit, two at once.
//! Never a clock: each call has its own moment.
//! The policy is the shipped one, but for the head, who reads everything and so has no part here.

use super::setting::{PURPOSES, SCHEMAS};
use super::world::*;
use crate::access::{ActorId, Code, Tier};
use crate::ambient::Micros;
use crate::identity::NewActor;
use crate::limits::{EMERGENCY_PEOPLE_COUNT_MAX, TASK_SCOPE_COUNT_MAX};
use crate::operations::{
    Asked, BreakGlassRequest, BrokenGlass, Case, CreateRequest, Echoes, Finding, OperationError,
    TaskRequest, TaskScope, Urgency, Waiting, break_glass, decide_approval, end_glass, give_task,
    list_glass, read_record, review_glass,
};
use crate::records::{MandateId, RecordId, RecordType, SubjectId};
use crate::seal::TaskKind;
use serde_json::json;

const LEAD: ActorId = ActorId::from_bytes([8; 16]);
const NEXT_HEAD: ActorId = ActorId::from_bytes([10; 16]);
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const EVACUATION: &str = "emergency_evacuation";

fn at(micros: i64) -> Micros {
    Micros(NOW.0 + micros)
}

/// A world with somebody who leads the community, and a head of the next grid.
fn world() -> World {
    let world = World::new();
    let mut lead = super::setting::actor_record(LEAD, "community_cadre", Some("880102001001"));
    lead.assignments[0].lead = true;
    for record in [lead, super::setting::actor_record(NEXT_HEAD, "grid_head", Some(NEXT))] {
        let change = world.identity.directory().addition(&NewActor { record }).expect("an actor");
        world.announce(change);
    }
    world
}

fn urgency(world: &World) -> Urgency<'_> {
    Urgency {
        store: &world.reader,
        seal: &world.seal,
        directory: world.identity.directory(),
        access: &world.access,
        trail: &world.trail,
    }
}

fn store(
    world: &World,
    record_type: RecordType,
    purpose: &str,
    basis: &str,
    fields: serde_json::Value,
) -> RecordId {
    let request = CreateRequest { record_type, ..person(claim_on(purpose, basis, None), fields) };
    world.create_request(WORKER, request).expect("stored").id
}

fn dwelling(world: &World, number: usize) -> RecordId {
    let fields = json!({"address": format!("机床厂家属院{number}号楼"), "kind": "dwelling"});
    store(world, RecordType::Place, "safety_inspection", "fire_safety_duty", fields)
}

/// What an urgent event over so many dwellings says.
fn urgent(dwellings: &[RecordId]) -> serde_json::Value {
    let named: Vec<String> = dwellings.iter().map(ToString::to_string).collect();
    json!({
        "kind": "urgent_danger", "matter": "楼道积水", "severity": "major", "state": "handle",
        "dwellings": named,
    })
}

/// An urgent event over so many dwellings.
fn event(world: &World, dwellings: &[RecordId]) -> RecordId {
    store(world, RecordType::Event, EVACUATION, "emergency_response", urgent(dwellings))
}

/// Somebody who lives there.
fn resident(world: &World, place: RecordId) -> (RecordId, SubjectId) {
    let (record, subject) = adult(world);
    let fields = json!({"person": subject.to_string(), "place": place.to_string()});
    let (purpose, basis) = ("residence_registration", "residence_permit_duty");
    store(world, RecordType::Residence, purpose, basis, fields);
    (record, subject)
}

async fn opens(
    world: &World,
    who: &crate::identity::Actor,
    tier: Tier,
    event: RecordId,
    now: Micros,
) -> Result<BrokenGlass, OperationError> {
    let asked = world.asked_at(who, EVACUATION, now, None);
    let request = BreakGlassRequest { tier, event, places: Vec::new() };
    break_glass(&asked, request, &urgency(world), &SCHEMAS, &world.territory, &*world.random).await
}

fn alone(world: &World, who: ActorId, event: RecordId, now: Micros) -> Done<BrokenGlass> {
    let actor = world.actor(who);
    done(wait(opens(world, &actor, Tier::Alone, event, now)))
}

fn reads(world: &World, case: MandateId, record: RecordId, now: Micros) -> Done<()> {
    let actor = world.actor(WORKER);
    let purpose = PURPOSES.get(EVACUATION).expect("a purpose");
    let asked = Asked {
        case: Some(Case::Mandate(case)),
        purpose,
        ..world.asked_at(&actor, EVACUATION, now, None)
    };
    let (fields, echoes) = (["name".to_owned()], Echoes::default());
    let read = read_record(
        &asked,
        record,
        &fields,
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &SCHEMAS,
        &world.territory,
        &echoes,
    );
    done(wait(read)).map(drop)
}

fn reviews(world: &World, id: MandateId, now: Micros) -> Done<()> {
    let actor = world.actor(LEAD);
    let finding = Finding { justified: true, note: "event_confirmed".to_owned() };
    let rooms = urgency(world);
    let reviewed = review_glass(&actor, id, &finding, &world.origin, now, &rooms);
    done(wait(reviewed)).map(drop)
}

#[test]
fn what_is_opened_alone_is_open_for_fifteen_minutes_and_not_a_moment_more() {
    let world = world();
    let home = dwelling(&world, 1);
    let (record, _) = resident(&world, home);
    let glass = alone(&world, WORKER, event(&world, &[home]), at(0)).expect("opened");
    assert_eq!(glass.until, at(15 * MINUTE));
    assert_eq!(glass.review_by, at(15 * MINUTE + 72 * HOUR));
    assert_eq!(reads(&world, glass.id, record, at(15 * MINUTE - 1)), Ok(()));
    let over = reads(&world, glass.id, record, at(15 * MINUTE));
    assert_eq!(over, Err(Code::CaseRequired));
}

#[test]
fn a_late_review_locks_further_emergencies_of_that_one_alone_and_no_other_work() {
    let world = world();
    let home = dwelling(&world, 1);
    let event = event(&world, &[home]);
    let first = alone(&world, WORKER, event, at(0)).expect("opened");
    let late = 15 * MINUTE + 72 * HOUR;
    alone(&world, WORKER, event, at(late - 1)).expect("not late yet");
    let locked = alone(&world, WORKER, event, at(late)).map(|glass| glass.id);
    assert_eq!(locked, Err(Code::ReviewOverdue));
    let (listed, _) =
        wait(list_glass(&world.actor(LEAD), &world.origin, at(late), &urgency(&world)))
            .expect("listed");
    let overdue: Vec<bool> = listed.iter().map(|one| one.record.is_overdue(at(late))).collect();
    assert_eq!((overdue.len(), overdue.iter().filter(|late| **late).count()), (2, 1));
    // The head of the same grid may still, and whoever is locked goes on with its daily work.
    alone(&world, HEAD, event, at(late)).expect("another one's");
    adult(&world);
    assert_eq!(reviews(&world, first.id, at(late)), Ok(()));
    alone(&world, WORKER, event, at(late)).expect("reviewed");
}

#[test]
fn an_end_before_its_time_brings_the_review_forward() {
    let world = world();
    let home = dwelling(&world, 1);
    let event = event(&world, &[home]);
    let glass = alone(&world, WORKER, event, at(0)).expect("opened");
    let early = reviews(&world, glass.id, at(MINUTE));
    assert_eq!(early, Err(Code::VersionConflict));
    let worker = world.actor(WORKER);
    done(wait(end_glass(&worker, glass.id, &world.origin, at(MINUTE), &urgency(&world))))
        .expect("ended");
    let locked = alone(&world, WORKER, event, at(MINUTE + 72 * HOUR)).map(|glass| glass.id);
    assert_eq!(locked, Err(Code::ReviewOverdue));
}

#[test]
fn a_late_review_keeps_a_wider_one_from_being_agreed_to() {
    let world = world();
    let home = dwelling(&world, 1);
    let event = event(&world, &[home]);
    alone(&world, WORKER, event, at(0)).expect("opened");
    let late = 15 * MINUTE + 72 * HOUR;
    let worker = world.actor(WORKER);
    let asked = done(wait(opens(&world, &worker, Tier::Wide, event, at(late - 1)))).expect("asked");
    assert!(!asked.open);
    let lead = world.actor(LEAD);
    let word = decide_approval(
        &lead,
        asked.id,
        true,
        Waiting::Other,
        &world.origin,
        at(late),
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &world.territory,
        world.identity.directory(),
    );
    assert_eq!(done(wait(word)).map(drop), Err(Code::ReviewOverdue));
}

#[test]
fn thirty_dwellings_are_reached_and_thirty_one_are_too_many() {
    let world = world();
    let dwellings: Vec<RecordId> = (0..31).map(|number| dwelling(&world, number)).collect();
    let glass = alone(&world, WORKER, event(&world, &dwellings[..30]), at(0)).expect("opened");
    assert_eq!(glass.places.len(), 30);
    let refused = alone(&world, WORKER, event(&world, &dwellings), at(0)).map(|glass| glass.id);
    assert_eq!(refused, Err(Code::TooLarge));
}

#[test]
fn two_at_once_cannot_both_be_the_last_of_a_day() {
    let world = world();
    let home = dwelling(&world, 1);
    let event = event(&world, &[home]);
    alone(&world, WORKER, event, at(0)).expect("one");
    alone(&world, WORKER, event, at(0)).expect("two");
    let worker = world.actor(WORKER);
    // Each looks at the event first, in entries of their own; then both are decided before either is sequenced.
    let both = wait(async {
        tokio::join!(
            opens(&world, &worker, Tier::Alone, event, at(0)),
            opens(&world, &worker, Tier::Alone, event, at(0)),
        )
    });
    let outcomes = [done(both.0).map(drop), done(both.1).map(drop)];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.contains(&Err(Code::RateLimited)));
    // The day after there is room again.
    alone(&world, WORKER, event, at(24 * HOUR)).expect("another day");
}

fn over_places(world: &World, giver: ActorId, holder: ActorId, places: &[RecordId]) -> Done<()> {
    let giver = world.actor(giver);
    let request = TaskRequest {
        kind: TaskKind::Visit,
        holder,
        scope: TaskScope::Places(places.to_vec()),
        fields: vec!["id_number".to_owned()],
        until: at(HOUR),
        budget: None,
        asks_approval: false,
    };
    let asked = world.asked(&giver, "record_correction");
    let given = give_task(
        &asked,
        request,
        &world.reader,
        &world.seal,
        &world.access,
        &world.trail,
        &SCHEMAS,
        &world.territory,
        &world.identity,
        &*world.random,
    );
    done(wait(given)).map(drop)
}

#[test]
fn that_too_many_live_somewhere_is_told_to_whoever_may_open_it_and_to_nobody_else() {
    let world = world();
    let homes = [dwelling(&world, 1), dwelling(&world, 2)];
    let people = EMERGENCY_PEOPLE_COUNT_MAX + 2;
    assert!(people > TASK_SCOPE_COUNT_MAX);
    for number in 0..people {
        resident(&world, homes[number % homes.len()]);
    }
    assert_eq!(over_places(&world, HEAD, WORKER, &homes), Err(Code::TooLarge));
    assert_eq!(over_places(&world, NEXT_HEAD, NEIGHBOUR, &homes), Err(Code::NotFound));
    // The neighbour writes an event of its own grid that names dwellings of another one.
    let own = event(&world, &homes);
    let opened = |who, event| alone(&world, who, event, at(0)).map(|glass| glass.id);
    assert_eq!(opened(WORKER, own), Err(Code::TooLarge));
    let request = CreateRequest {
        record_type: RecordType::Event,
        grid: NEXT.to_owned(),
        ..person(claim_on(EVACUATION, "emergency_response", None), urgent(&homes))
    };
    let crossing = world.create_request(NEIGHBOUR, request).expect("stored").id;
    assert_eq!(opened(NEIGHBOUR, crossing), Err(Code::NotFound));
}
