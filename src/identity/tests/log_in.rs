//! Requirements on log-ins by a key: the right key, the right vault, lately, once.
//! Never through a proof that names another algorithm, type or place of a key.
//! Each wrong proof differs from a good one in one thing.

use super::world::*;
use crate::access::ActorId;
use crate::ambient::Moment;
use crate::identity::{ActorState, IdentityError};
use crate::limits::{LOG_IN_SECONDS_MAX, TOKEN_BYTES_MAX, TOKEN_LEEWAY_SECONDS};
use gridvault_keys::LogInKey;
use serde_json::{Value, json};

/// A world in which the worker has a key.
fn keyed() -> (World, LogInKey) {
    let mut world = World::new();
    let key = LogInKey::draw().expect("a key");
    world.change(WORKER, |record| record.log_in_key = Some(key.public_key()));
    (world, key)
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "login+jwt"})
}

fn claims() -> Value {
    json!({"iss": WORKER, "sub": WORKER, "aud": ORIGIN, "iat": NOW, "exp": NOW + 30})
}

fn signed(key: &LogInKey, header: &Value, claims: &Value) -> String {
    let body = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
    format!("{body}.{}", encoded(key.sign(body.as_bytes())))
}

fn with(edit: impl FnOnce(&mut Value)) -> Value {
    let mut claims = claims();
    edit(&mut claims);
    claims
}

fn enter(world: &World, proof: &str) -> Result<ActorId, IdentityError> {
    world.identity.log_in(proof, Moment::of(at(NOW))).map(|standing| standing.actor)
}

#[test]
fn whoever_holds_the_key_logs_in_once_with_each_proof() {
    let (world, key) = keyed();
    let proof = signed(&key, &header(), &claims());
    let standing = world.identity.log_in(&proof, Moment::of(at(NOW))).expect("the worker");
    assert_eq!((standing.actor, standing.via, standing.version), (WORKER, None, 2));
    assert_eq!(enter(&world, &proof), Err(IdentityError::Invalid), "it was taken");
    let same_second = signed(&key, &header(), &with(|claims| claims["exp"] = json!(NOW + 31)));
    assert_eq!(enter(&world, &same_second), Err(IdentityError::Invalid));
    let earlier = signed(&key, &header(), &with(|claims| claims["iat"] = json!(NOW - 1)));
    assert_eq!(enter(&world, &earlier), Err(IdentityError::Invalid));
    let later = signed(&key, &header(), &with(|claims| claims["iat"] = json!(NOW + 1)));
    assert_eq!(enter(&world, &later), Ok(WORKER));
}

#[test]
fn a_wrong_proof_uses_nothing_up() {
    let (world, key) = keyed();
    let stranger = LogInKey::draw().expect("a key");
    let forged = signed(&stranger, &header(), &claims());
    assert_eq!(enter(&world, &forged), Err(IdentityError::Invalid));
    assert_eq!(enter(&world, &signed(&key, &header(), &claims())), Ok(WORKER));
}

#[test]
fn a_proof_is_of_one_actor_for_one_vault() {
    let (world, key) = keyed();
    for wrong in [
        with(|claims| claims["sub"] = json!(OTHER)),
        with(|claims| claims["iss"] = json!(OTHER)),
        with(|claims| claims["aud"] = json!("vault.example/another")),
        with(|claims| claims["aud"] = json!([])),
        with(|claims| drop(claims.as_object_mut().expect("members").remove("aud"))),
        with(|claims| drop(claims.as_object_mut().expect("members").remove("iss"))),
        with(|claims| drop(claims.as_object_mut().expect("members").remove("exp"))),
        with(|claims| claims["iat"] = json!(NOW.to_string())),
    ] {
        let proof = signed(&key, &header(), &wrong);
        assert_eq!(enter(&world, &proof), Err(IdentityError::Invalid), "{wrong}");
    }
}

#[test]
fn a_proof_is_young_and_short_and_of_this_run() {
    let leeway = i64::try_from(TOKEN_LEEWAY_SECONDS).expect("seconds");
    let taken = |iat: i64, exp: i64| {
        let (world, key) = keyed();
        let claims = with(|claims| {
            claims["iat"] = json!(iat);
            claims["exp"] = json!(exp);
        });
        enter(&world, &signed(&key, &header(), &claims)).is_ok()
    };
    assert!(taken(NOW, NOW + LOG_IN_SECONDS_MAX) && !taken(NOW, NOW + LOG_IN_SECONDS_MAX + 1));
    assert!(taken(NOW - LOG_IN_SECONDS_MAX + 1, NOW + 1));
    assert!(!taken(NOW - LOG_IN_SECONDS_MAX, NOW), "it has ended");
    assert!(taken(NOW + leeway, NOW + leeway + 1) && !taken(NOW + leeway + 1, NOW + leeway + 2));
    assert!(!taken(NOW, NOW) && !taken(NOW, NOW - 1) && !taken(i64::MIN, i64::MAX));

    // As if the clock stood still since the process began: what was made before it may have been taken by the one before.
    let (world, key) = keyed();
    let first = BEGUN + leeway + 1;
    for (iat, expected) in [(BEGUN, false), (first - 1, false), (first, true)] {
        let claims = with(|claims| {
            claims["iat"] = json!(iat);
            claims["exp"] = json!(iat + 30);
        });
        let proof = signed(&key, &header(), &claims);
        assert_eq!(world.identity.log_in(&proof, Moment::of(at(first))).is_ok(), expected, "{iat}");
    }
}

#[test]
fn a_proof_by_a_right_clock_is_taken_while_what_is_believed_waits_for_the_host_and_once_all_the_same()
 {
    let (world, key) = keyed();
    let made_at = |iat: i64| {
        let claims = with(|claims| {
            claims["iat"] = json!(iat);
            claims["exp"] = json!(iat + 30);
        });
        signed(&key, &header(), &claims)
    };
    let enter = |proof: &str| {
        let moment = Moment { believed: at(NOW + 110), host: at(NOW) };
        world.identity.log_in(proof, moment).map(|standing| standing.actor)
    };
    assert_eq!(enter(&made_at(NOW - 30)), Err(IdentityError::Invalid), "it has ended by both");
    let by_host = made_at(NOW);
    assert_eq!((enter(&by_host), enter(&by_host)), (Ok(WORKER), Err(IdentityError::Invalid)));
    assert_eq!(enter(&made_at(NOW + 110)), Ok(WORKER), "by what is believed");
    assert_eq!(enter(&made_at(NOW + 1)), Err(IdentityError::Invalid), "a later one was taken");
}

#[test]
fn a_header_says_what_it_is_and_nothing_more() {
    let (world, key) = keyed();
    let kid = encoded([1; 12]);
    for (member, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("typ", json!("at+jwt")),
        ("typ", json!("JWT")),
        ("kid", json!(kid)),
        ("jku", json!("https://elsewhere.example/keys")),
        ("crit", json!(["exp"])),
    ] {
        let mut header = header();
        header[member] = value;
        let proof = signed(&key, &header, &claims());
        assert_eq!(enter(&world, &proof), Err(IdentityError::Invalid), "{header}");
    }
    for wrong in ["", ".", "..", "A.A.A", "no token at all"] {
        assert_eq!(enter(&world, wrong), Err(IdentityError::Invalid), "{wrong}");
    }
    let long = format!("{}.", "A".repeat(TOKEN_BYTES_MAX));
    assert_eq!(enter(&world, &long), Err(IdentityError::Invalid));
    // A token of the vault is no proof, and a proof is no token.
    assert_eq!(enter(&world, &world.good()), Err(IdentityError::Invalid));
    let proof = signed(&key, &header(), &claims());
    assert_eq!(world.enter(&proof), Err(IdentityError::Invalid));
}

#[test]
fn nobody_without_a_key_and_nobody_who_does_not_work_logs_in() {
    let (mut world, key) = keyed();
    let other = with(|claims| {
        claims["sub"] = json!(OTHER);
        claims["iss"] = json!(OTHER);
    });
    assert_eq!(enter(&world, &signed(&key, &header(), &other)), Err(IdentityError::Invalid));
    for state in [ActorState::Suspended, ActorState::Reserve, ActorState::Left] {
        world.change(WORKER, |record| record.state = state);
        let proof = signed(&key, &header(), &claims());
        assert_eq!(enter(&world, &proof), Err(IdentityError::Invalid), "{state:?}");
    }
}

#[test]
fn a_system_acts_where_the_proof_names_it_and_it_is_one() {
    let (world, key) = keyed();
    let through = |system: ActorId, iat: i64| {
        let claims = with(|claims| {
            claims["act"] = json!({ "sub": system });
            claims["iat"] = json!(iat);
        });
        signed(&key, &header(), &claims)
    };
    assert_eq!(enter(&world, &through(OTHER, NOW)), Err(IdentityError::Invalid), "a person");
    let standing =
        world.identity.log_in(&through(SYSTEM, NOW), Moment::of(at(NOW))).expect("the worker");
    assert_eq!(standing.via, Some(SYSTEM));
}
