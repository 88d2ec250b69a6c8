//! Requirements on operations that meet: one after the other, as the log has them.
//! Never two winners, and never a key taken away under a record.
//! What was decided under something older is decided again, and then given up.

use super::world::*;
use crate::access::Code;
use crate::identity::{ActorState, EnrolmentCode};
use crate::operations::{Created, Enrolled, OperationError, PatchRequest, enrol};
use crate::records::{RecordId, SubjectId};
use crate::store::Key;
use serde_json::{Value as Json, json};

const PURPOSE: &str = "residence_registration";

fn code<T>(result: Result<T, OperationError>) -> Result<T, Code> {
    done(result)
}

fn patch_to(id: RecordId, version: u64, name: &str) -> PatchRequest {
    PatchRequest { id, version, fields: map(json!({"name": name})), basis: None }
}

#[test]
fn of_two_patches_with_one_version_one_wins() {
    let world = World::new();
    let (id, _) = adult(&world);
    let (one, two) = (world.actor(WORKER), world.actor(HEAD));
    let calls: Vec<Later<'_, _>> = vec![
        Box::pin(world.patch_async(&one, PURPOSE, patch_to(id, 1, "王薇"))),
        Box::pin(world.patch_async(&two, PURPOSE, patch_to(id, 1, "王威"))),
    ];
    let answers = world.in_one_group(calls);
    let answers: Vec<Result<u64, Code>> =
        answers.into_iter().map(|answer| code(answer).map(|patched| patched.version)).collect();
    assert_eq!(answers, [Ok(2), Err(Code::VersionConflict)]);
    assert_eq!(world.read(WORKER, PURPOSE, id, &["name"]), Ok(json!({"name": "王薇"})));
    assert_eq!(world.version(id), 2);
}

#[test]
fn a_read_that_was_decided_before_a_change_shows_what_is_after_it() {
    let world = World::new();
    let (id, _) = adult(&world);
    let (one, two) = (world.actor(WORKER), world.actor(HEAD));
    let calls: Vec<Later<'_, Result<Json, OperationError>>> = vec![
        Box::pin(async {
            let patched = world.patch_async(&one, PURPOSE, patch_to(id, 1, "王薇")).await;
            patched.map(|patched| json!(patched.version))
        }),
        Box::pin(world.read_async(&two, PURPOSE, id, &["name"])),
    ];
    let answers: Vec<Result<Json, Code>> =
        world.in_one_group(calls).into_iter().map(code).collect();
    assert_eq!(answers, [Ok(json!(2)), Ok(json!({"name": "王薇"}))]);
}

#[test]
fn no_read_follows_the_removal_of_its_record() {
    let world = World::new();
    let (id, _) = adult(&world);
    let (one, two) = (world.actor(HEAD), world.actor(WORKER));
    let calls: Vec<Later<'_, Result<Json, OperationError>>> = vec![
        Box::pin(async { world.delete_async(&one, id, 1).await.map(|()| json!(null)) }),
        Box::pin(world.read_async(&two, PURPOSE, id, &["name"])),
    ];
    let answers: Vec<Result<Json, Code>> =
        world.in_one_group(calls).into_iter().map(code).collect();
    assert_eq!(answers, [Ok(json!(null)), Err(Code::Erased)]);
}

/// A second record about a subject, and the removal of its first one.
fn create_and_delete(world: &World, create_first: bool) -> (SubjectId, Vec<Result<Json, Code>>) {
    let (id, subject) = adult(world);
    let (worker, head) = (world.actor(WORKER), world.actor(HEAD));
    let mut request = person(registration(), json!({"name": "王伟"}));
    request.subject = Some(subject.to_string());
    let create = async {
        let created = world.create_async(&worker, PURPOSE, request).await;
        created.map(|created| json!(created.id))
    };
    let delete = async { world.delete_async(&head, id, 1).await.map(|()| json!("deleted")) };
    let mut calls: Vec<Later<'_, Result<Json, OperationError>>> =
        vec![Box::pin(create), Box::pin(delete)];
    if !create_first {
        calls.reverse();
    }
    let answers = world.in_one_group(calls).into_iter().map(code).collect();
    (subject, answers)
}

#[test]
fn a_removal_behind_a_creation_on_the_same_subject_leaves_the_key() {
    let world = World::new();
    let (subject, answers) = create_and_delete(&world, true);
    let [Ok(created), Ok(deleted)] = &answers[..] else { panic!("{answers:?}") };
    assert_eq!(*deleted, json!("deleted"));
    assert!(world.has(&Key::subject_key(subject)));
    let id: RecordId = serde_json::from_value(created.clone()).expect("an id");
    assert_eq!(world.read(WORKER, PURPOSE, id, &["name"]), Ok(json!({"name": "王伟"})));
}

#[test]
fn a_creation_behind_the_removal_of_its_subjects_last_record_finds_nobody() {
    let world = World::new();
    let (subject, answers) = create_and_delete(&world, false);
    assert_eq!(answers, [Ok(json!("deleted")), Err(Code::NotFound)]);
    assert!(!world.has(&Key::subject_key(subject)));
}

#[test]
fn two_removals_at_once_of_a_subjects_last_two_records_take_its_key() {
    let world = World::new();
    let (first, subject) = adult(&world);
    let (worker, head) = (world.actor(WORKER), world.actor(HEAD));
    let mut request = person(registration(), json!({"name": "王伟"}));
    request.subject = Some(subject.to_string());
    let second = code(wait(world.create_async(&worker, PURPOSE, request))).expect("created").id;
    let calls: Vec<Later<'_, Result<(), OperationError>>> = vec![
        Box::pin(world.delete_async(&head, first, 1)),
        Box::pin(world.delete_async(&head, second, 1)),
    ];
    let answers: Vec<Result<(), Code>> = world.in_one_group(calls).into_iter().map(code).collect();
    assert_eq!(answers, [Ok(()), Ok(())]);
    assert!(!world.has(&Key::subject_key(subject)));
}

#[test]
fn two_creations_on_one_subject_both_happen() {
    let world = World::new();
    let (_, subject) = adult(&world);
    let actors = [world.actor(WORKER), world.actor(HEAD)];
    let calls = actors.iter().map(|actor| {
        let mut request = person(registration(), json!({"name": "王伟"}));
        request.subject = Some(subject.to_string());
        Box::pin(world.create_async(actor, PURPOSE, request)) as Later<'_, Result<Created, _>>
    });
    for answer in world.in_one_group(calls.collect()) {
        let created = code(answer).expect("created");
        assert_eq!(created.subject, Some(subject));
        let read = world.read(WORKER, PURPOSE, created.id, &["name"]);
        assert_eq!(read, Ok(json!({"name": "王伟"})));
    }
}

#[test]
fn a_code_used_twice_at_once_gives_one_token() {
    let world = World::new();
    let one_time = EnrolmentCode::draw(&*world.random).expect("a code");
    let change = world.identity.directory().enrolment(WORKER, &one_time, NOW).expect("a change");
    world.announce(change);
    let call = || {
        let (text, origin, store) = (one_time.show(), &world.origin, &world.reader);
        let call =
            enrol(text, None, origin, NOW, store, &world.identity, &world.access, &world.trail);
        Box::pin(call) as Later<'_, Result<Enrolled, _>>
    };
    let answers = world.in_one_group(vec![call(), call()]);
    let answers: Vec<Result<bool, Code>> =
        answers.into_iter().map(|answer| code(answer).map(|found| found.actor == WORKER)).collect();
    assert_eq!(answers, [Ok(true), Err(Code::TokenInvalid)]);
    assert_eq!(code(wait(call())).err(), Some(Code::TokenInvalid));
}

#[test]
fn what_was_decided_under_an_older_policy_is_stale() {
    let world = World::new();
    let (id, _) = adult(&world);
    world.set_policy_version(1);
    assert_eq!(world.read(WORKER, PURPOSE, id, &["name"]).err(), Some(Code::Stale));
    let patched = world.patch(WORKER, PURPOSE, id, json!({"name": "王薇"}), None);
    assert_eq!(patched.err(), Some(Code::Stale));
    let created = world.create(WORKER, registration(), json!({"name": "李娜"}));
    assert_eq!(created.err(), Some(Code::Stale));
    let head = world.actor(HEAD);
    assert_eq!(code(wait(world.delete_async(&head, id, 1))).err(), Some(Code::Stale));
    let matched = world.matched(WORKER, PURPOSE, "phone", "12900001234");
    assert_eq!(matched.err(), Some(Code::Stale));
    assert_eq!(world.version(id), 1);
}

#[test]
fn a_caller_whose_placing_changed_on_the_way_gets_nothing() {
    let world = World::new();
    let (id, _) = adult(&world);
    let actor = world.actor(WORKER);
    assert!(wait(world.read_async(&actor, PURPOSE, id, &["name"])).is_ok());
    // Between the door and the trail the worker is suspended.
    world.change_actor(WORKER, |record| record.state = ActorState::Suspended);
    let read = wait(world.read_async(&actor, PURPOSE, id, &["name"]));
    assert_eq!(code(read).err(), Some(Code::Stale));
    let patched = wait(world.patch_async(&actor, PURPOSE, patch_to(id, 1, "王薇")));
    assert_eq!(code(patched).err(), Some(Code::Stale));
    // Taken back or not: the standing that was read at the door is of an older version.
    world.change_actor(WORKER, |record| record.state = ActorState::Active);
    let read = wait(world.read_async(&actor, PURPOSE, id, &["name"]));
    assert_eq!(code(read).err(), Some(Code::Stale));
    assert!(world.read(WORKER, PURPOSE, id, &["name"]).is_ok());
}

#[test]
fn a_read_behind_the_callers_own_suspension_is_stale() {
    let world = World::new();
    let (id, _) = adult(&world);
    let actor = world.actor(WORKER);
    let mut record = world.identity.directory().record(&WORKER).expect("an actor");
    record.state = ActorState::Suspended;
    let change = world.identity.directory().replacement(&record).expect("an actor");
    let said = crate::trail::Announcement::Enrolled { actor: [0; 16], role: "none".into() };
    let calls: Vec<Later<'_, Result<Json, OperationError>>> = vec![
        Box::pin(async {
            world.trail.announce_change(said, change).await?;
            Ok(json!("suspended"))
        }),
        Box::pin(world.read_async(&actor, PURPOSE, id, &["name"])),
    ];
    let answers: Vec<Result<Json, Code>> =
        world.in_one_group(calls).into_iter().map(code).collect();
    assert_eq!(answers, [Ok(json!("suspended")), Err(Code::Stale)]);
}
