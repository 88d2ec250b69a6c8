//! Requirements on the directory: what it takes, what it keeps sealed, and what it does with what it cannot open.
//! Never an actor that cannot be read, and never a log-in name in clear.
//! Log-in names are compared letter by letter: what only looks alike is another name.

use super::world::*;
use crate::access::ActorId;
use crate::identity::{
    ActorRecord, ActorState, AssignmentRecord, Directory, DirectoryError, NewActor,
};
use crate::limits::{ASSIGNMENTS_COUNT_MAX, LOGIN_CHARACTERS_MAX};
use crate::store::{Change, Key, Op, Version};

fn addition(world: &World, record: ActorRecord) -> Result<Change, DirectoryError> {
    world.directory().addition(&NewActor { record })
}

fn takes_login(login: &str) -> bool {
    addition(&World::empty(), record(OTHER, login)).is_ok()
}

#[test]
fn a_log_in_name_is_taken_at_its_longest_and_not_beyond() {
    assert!(takes_login(&"a".repeat(LOGIN_CHARACTERS_MAX)));
    assert!(!takes_login(&"a".repeat(LOGIN_CHARACTERS_MAX + 1)));
    assert!(takes_login("a"));
    assert!(!takes_login(""));
}

#[test]
fn a_log_in_name_has_small_letters_digits_and_few_marks() {
    for login in ["li.si", "li_si-2@grid", "0", "grid001"] {
        assert!(takes_login(login), "{login}");
    }
    for login in [
        " li",
        "li ",
        "li si",
        "li\u{a0}si",
        "li\u{3000}si",
        "li\u{0}si",
        "li\nsi",
        "li/si",
        "li\\si",
        "li:si",
        "li'si",
        "li\"si",
        "<li>",
        "li,si",
        "li;si",
        "li%73i",
        "li\u{202e}si",
        "li\u{200b}si",
        "li\u{feff}si",
        "li\u{ad}si",
        "li\u{e000}si",
        "李四",
        ".li",
        "-li",
        "_li",
        "@li",
    ] {
        assert!(!takes_login(login), "{login:?}");
    }
}

#[test]
fn a_post_lapses_at_its_own_end_and_at_no_other_moment() {
    let mut world = World::empty();
    let ends = [(0, Some(100)), (0, Some(300)), (0, None), (400, Some(401))];
    let posts = ends.into_iter().zip(0_u8..).map(|((from, until), place)| AssignmentRecord {
        id: [place; 16],
        from,
        until,
        ..assignment("grid_worker", Some("8801020010010001"))
    });
    world.add(ActorRecord { assignments: posts.collect(), ..record(OTHER, "other") });
    let lapsed = |after, through| world.directory().lapsed(&OTHER, after, through);
    assert_eq!((lapsed(0, 99), lapsed(99, 100), lapsed(100, 299)), (None, Some(100), None));
    assert_eq!(lapsed(0, 1_000), Some(300), "the last one, but for that which never began");
    assert_eq!(world.directory().lapsed(&WORKER, 0, 1_000), None);
}

/// The key under which a name is taken.
fn login_key(login: &str) -> Key {
    let change = addition(&World::empty(), record(OTHER, login)).expect("an actor");
    change
        .ops
        .iter()
        .map(|op| op.key().clone())
        .find(|key| key.actor_id().is_none())
        .expect("a name")
}

#[test]
fn of_names_that_look_alike_only_one_can_be_taken() {
    assert_eq!(login_key("zhang"), login_key("zhang"));
    assert_ne!(login_key("zhang"), login_key("zhan"));
    // Case, script, width, a long s, a ligature, a dotless i, a mark apart, digits of another script.
    for other in [
        "Admin",
        "ADMIN",
        "аdmin",
        "ａdmin",
        "ａｄｍｉｎ",
        "ſun",
        "ﬁre",
        "ı",
        "jose\u{301}",
        "josé",
        "١",
        "１",
        "admin\u{200d}",
        "admın",
    ] {
        assert!(!takes_login(other), "{other}");
    }
}

#[test]
fn a_name_is_taken_by_a_key_that_must_not_be_there() {
    let world = World::empty();
    let change = addition(&world, record(OTHER, "worker")).expect("an actor");
    assert_eq!(change.ops.len(), 2);
    for op in &change.ops {
        let expect = change.expects.iter().find(|expect| expect.key == *op.key());
        assert_eq!(expect.map(|expect| expect.version), Some(Version::ABSENT));
    }
}

#[test]
fn no_log_in_name_stands_in_clear_in_the_store() {
    let mut world = World::empty();
    world.add(record(OTHER, "zhang.wei.2027"));
    let found = wait(world.reader.scan(&Key::from_bytes(&[]), None, usize::MAX)).expect("a store");
    assert_eq!(found.len(), 2);
    for (key, stored) in found {
        for bytes in [key.as_bytes(), &stored.payload] {
            assert!(!bytes.windows(5).any(|window| window == b"zhang"));
        }
    }
}

#[test]
fn assignments_are_taken_to_their_limit_and_not_beyond() {
    let with = |count: usize| {
        let mut actor = record(OTHER, "other");
        actor.assignments = vec![assignment("grid_worker", Some("8801020010010001")); count];
        addition(&World::empty(), actor)
    };
    assert!(with(0).is_ok());
    assert!(with(ASSIGNMENTS_COUNT_MAX).is_ok());
    assert!(matches!(with(ASSIGNMENTS_COUNT_MAX + 1), Err(DirectoryError::Assignment)));
}

#[test]
fn an_assignment_has_an_area_that_can_be_and_a_time_that_is_not_empty() {
    let with = |area: Option<&str>, from: i64, until: Option<i64>| {
        let mut actor = record(OTHER, "other");
        actor.assignments = vec![assignment("grid_worker", area)];
        (actor.assignments[0].from, actor.assignments[0].until) = (from, until);
        addition(&World::empty(), actor).is_ok()
    };
    assert!(with(None, 0, None) && with(Some("8801"), 5, Some(6)));
    assert!(!with(Some("8801"), 5, Some(5)) && !with(Some("8801"), 5, Some(4)));
    for area in ["", "88010", "8801 ", "８８０１", "88010200100100011", "city", "-8801"] {
        assert!(!with(Some(area), 0, None), "{area:?}");
    }
}

#[test]
fn a_sealed_actor_opens_in_its_own_place_alone() {
    let mut world = World::new();
    let stored = |world: &World, id: ActorId| {
        wait(world.reader.get(&Key::actor(id.as_bytes())))
            .expect("a store")
            .expect("an actor")
            .payload
    };
    let (worker, other) = (stored(&world, WORKER), stored(&world, OTHER));
    let swapped = Change {
        ops: vec![
            Op::Put(Key::actor(WORKER.as_bytes()), Version(2), other),
            Op::Put(Key::actor(OTHER.as_bytes()), Version(2), worker),
        ],
        expects: Vec::new(),
    };
    world.apply(&swapped);
    // What cannot be opened is not known.
    assert!(world.directory().record(&WORKER).is_none());
    assert!(world.directory().record(&OTHER).is_none());
    assert!(world.enter(&world.good()).is_err());
    // And a vault with such a hole does not start.
    let fresh = Directory::new(keyring());
    assert!(matches!(wait(fresh.load(&world.reader)), Err(DirectoryError::Keys(_))));
}

#[test]
fn every_changed_byte_of_a_sealed_actor_is_found() {
    let mut world = World::new();
    let key = Key::actor(WORKER.as_bytes());
    let sealed = wait(world.reader.get(&key)).expect("a store").expect("an actor").payload;
    let token = world.good();
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        let ops = vec![Op::Put(key.clone(), Version(2), changed)];
        world.apply(&Change { ops, expects: Vec::new() });
        assert!(world.enter(&token).is_err(), "byte {place}");
    }
    world.apply(&Change { ops: vec![Op::Put(key, Version(3), sealed)], expects: Vec::new() });
    assert_eq!(world.enter(&token), Ok(WORKER));
}

#[test]
fn a_directory_of_another_vault_does_not_load() {
    let world = World::new();
    let foreign = Directory::new(new_keyring());
    assert!(matches!(wait(foreign.load(&world.reader)), Err(DirectoryError::Keys(_))));
    assert!(foreign.list().is_empty());
}

#[test]
fn an_actor_that_is_taken_out_may_nothing() {
    let mut world = World::new();
    let ops = vec![Op::Delete(Key::actor(WORKER.as_bytes()))];
    world.apply(&Change { ops, expects: Vec::new() });
    assert!(world.enter(&world.good()).is_err());
    assert!(world.identity.standing(&WORKER).is_none());
}

#[test]
fn a_whole_directory_comes_back_from_the_store_with_its_versions() {
    let mut world = World::new();
    // More than one page.
    for number in 0..1_100u32 {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        world.add(record(ActorId::from_bytes(id), &format!("w{number}")));
    }
    world.change(WORKER, |record| record.login = "worker2".to_owned());
    let fresh = Directory::new(keyring());
    wait(fresh.load(&world.reader)).expect("a directory");
    let (known, kept) = (fresh.list(), world.directory().list());
    assert_eq!((known.len(), &known), (1_103, &kept));
    assert!(known.is_sorted_by_key(|record| record.id));
    assert_eq!(fresh.get(&WORKER).map(|known| known.version), Some(2));
}

#[test]
fn a_replacement_expects_the_version_that_it_was_made_from() {
    let mut world = World::new();
    let old = world.directory().record(&WORKER).expect("an actor");
    let change = world.directory().replacement(&old).expect("a replacement");
    assert_eq!(change.expects[0].version, Version(1));
    world.apply(&change);
    let change = world.directory().replacement(&old).expect("a replacement");
    assert_eq!(change.expects[0].version, Version(2));
    assert!(matches!(
        world.directory().replacement(&record(NOBODY, "nobody")),
        Err(DirectoryError::Malformed)
    ));
    // What was read before somebody else's change goes over nothing: it expects what it was read at.
    let (read, version) = world.directory().record_at(&WORKER).expect("an actor");
    world.change(WORKER, |record| record.state = ActorState::Suspended);
    let change = world.directory().replacement_of(&read, version).expect("a replacement");
    assert_eq!((change.expects[0].version, version), (Version(2), 2));
    assert_eq!(world.directory().record_at(&WORKER).map(|(_, version)| version), Some(3));
    // A name of an older form is kept: only who is new has to take one of this form.
    assert!(world.directory().replacement(&record(WORKER, "李四")).is_ok());
}
