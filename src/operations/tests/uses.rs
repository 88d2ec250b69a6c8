//! Requirements on keys that sealed as often as they may: what is refused then, what goes on, and who ends it.
//! Never a value lost by it, and never administrators who cannot ask for another key.
//! The limit is a low one; how uses are counted is shown where the keys are.

use super::erasing::world_under;
use super::ring::Ring;
use super::setting::actor_record;
use super::world::*;
use crate::access::{ActorId, Origin};
use crate::identity::NewActor;
use crate::operations::{
    KeysStatus, OperationError, RotationWord, Turning, keys_status, rotate_keys,
};
use crate::seal::{KeyUses, RotationKind, RotationRecord, RotationState};
use crate::trail::TrailError;
use gridvault_keys::{KeyError, Keyring, Month, UseBounds};
use serde_json::json;
use std::sync::Arc;

const ADMIN: ActorId = ActorId::from_bytes([0x21; 16]);
const PURPOSE: &str = "residence_registration";
const USES_MAX: u64 = 2_000;

fn world_of_few_uses() -> (Ring, Arc<Keyring>, World) {
    let bounds = UseBounds { uses_max: USES_MAX, block: 1 << 20 };
    let (ring, keyring) = Ring::within(bounds);
    let world = world_under(keyring.clone());
    let record = actor_record(ADMIN, "system_admin", None);
    world.announce(world.identity.directory().addition(&NewActor { record }).expect("one"));
    (ring, keyring, world)
}

/// Uses a key until it seals no more.
fn use_up(seal: impl Fn() -> Result<Vec<u8>, KeyError>) {
    let refused = (0..=USES_MAX).find_map(|_| seal().err());
    assert!(matches!(refused, Some(KeyError::KeyUsedUp)));
}

fn status(world: &World) -> KeysStatus {
    let World { origin, reader, seal, access, trail, .. } = world;
    let admin = world.actor(ADMIN);
    done(wait(keys_status(&admin, origin, NOW, reader, seal, access, trail))).expect("told").0
}

fn uses(world: &World, kind: &str) -> KeyUses {
    let status = status(world);
    *status.uses.iter().find(|uses| uses.kind == kind).expect("a kind")
}

fn say(world: &World, who: ActorId, word: RotationWord) -> RotationRecord {
    let World { origin, reader, seal, access, trail, random, .. } = world;
    let actor = world.actor(who);
    let said = rotate_keys(&actor, word, origin, NOW, reader, seal, access, trail, &**random);
    done(wait(said)).expect("a word that counts").0
}

/// Two administrators agree to another key.
fn agree(world: &World, kind: RotationKind) {
    let id = say(world, ADMIN, RotationWord::Ask(kind)).id;
    let agreed = say(world, SECURITY, RotationWord::Decide { id, yes: true });
    assert_eq!(agreed.state, RotationState::Agreed);
}

fn create(world: &World) -> Result<(), OperationError> {
    let request = person(registration(), json!({"name": "王伟"}));
    wait(world.create_async(&world.actor(WORKER), PURPOSE, request)).map(drop)
}

#[test]
fn with_a_header_key_that_is_used_up_reads_go_on_writes_are_refused_and_a_rotation_is_agreed_to() {
    let (_ring, keyring, world) = world_of_few_uses();
    let (id, _) = adult(&world);
    assert!(!uses(&world, "header").is_near_its_end());
    use_up(|| keyring.seal_attributes(b"row", b"attributes"));
    let version = world.version(id);
    for _ in 0..2 {
        let refused = create(&world).expect_err("nothing is sealed");
        let OperationError::Seal(error) = refused else { panic!("{refused:?}") };
        assert!(error.needs_another_key(), "{error:?}");
    }
    assert_eq!(world.version(id), version);
    world.read(WORKER, PURPOSE, id, &["name"]).expect("what was sealed opens");
    let KeyUses { most, max, .. } = uses(&world, "header");
    assert_eq!((most, max), (USES_MAX, USES_MAX));
    assert!(uses(&world, "header").is_near_its_end());
    agree(&world, RotationKind::Subjects);
    assert!(!uses(&world, "subjects").is_near_its_end());
}

#[test]
fn rotation_of_a_header_key_that_is_used_up_has_writes_go_on_and_begins_a_new_count() {
    let (_ring, keyring, world) = world_of_few_uses();
    let (id, _) = adult(&world);
    use_up(|| keyring.seal_attributes(b"row", b"attributes"));
    assert!(create(&world).is_err());
    agree(&world, RotationKind::Header);
    let mut turning = Turning::default();
    let mut steps = || {
        let World { reader, seal, identity, trail, .. } = &world;
        for _ in 0..40 {
            let turned = wait(turning.step(NOW, reader, seal, identity, trail)).expect("a step");
            if !turned.worked {
                return turned.record.expect("one is kept");
            }
        }
        panic!("it comes to no end");
    };
    let held = steps();
    create(&world).expect("the next one seals, whoever waits for the end");
    assert!(!uses(&world, "header").is_near_its_end());
    assert_eq!(held.state, RotationState::Held);
    say(&world, SECURITY, RotationWord::Decide { id: held.id, yes: true });
    assert_eq!(steps().state, RotationState::Ended);
    create(&world).expect("it seals");
    world.read(WORKER, PURPOSE, id, &["name"]).expect("what was sealed before opens");
}

#[test]
fn with_a_context_key_that_is_used_up_nothing_happens_unrecorded_and_another_one_is_agreed_to() {
    let (_ring, keyring, mut world) = world_of_few_uses();
    let (id, _) = adult(&world);
    world.origin = Origin { reason: Some("visit".into()), ..Origin::default() };
    let month = Month::from_year_month(2027, 1).expect("that of the case");
    use_up(|| keyring.seal_context(month, &[1; 16], b"entry", b"reason"));
    let worker = world.actor(WORKER);
    let refused = wait(world.read_async(&worker, PURPOSE, id, &["name"])).map(drop);
    assert!(matches!(refused, Err(OperationError::Trail(TrailError::KeyUsedUp))), "{refused:?}");
    agree(&world, RotationKind::Context);
    keyring.turn_contexts(month).expect("turned");
    world.read(WORKER, PURPOSE, id, &["name"]).expect("the next one seals");
    assert_eq!(uses(&world, "context").most, 1);
}
