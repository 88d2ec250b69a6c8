//! Requirements on claims: each is there, has its type, and says what this vault says.
//! Never is a time taken from the host, and never stretched by a clock that is ahead.
//! Every token here carries the vault's own signature.

use super::world::*;
use crate::access::ActorId;
use crate::identity::IdentityError;
use crate::limits::{TOKEN_LEEWAY_SECONDS, TOKEN_LIFE_SECONDS_MAX};
use serde_json::{Value, json};

const INVALID: Result<ActorId, IdentityError> = Err(IdentityError::Invalid);
const EXPIRED: Result<ActorId, IdentityError> = Err(IdentityError::Expired);

fn claim(world: &World, name: &str, value: Value) -> Result<ActorId, IdentityError> {
    world.enter(&world.with_claims(|claims| claims[name] = value))
}

#[test]
fn every_claim_must_be_there() {
    let world = World::new();
    for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"] {
        let token = world.with_claims(|claims| {
            claims.as_object_mut().expect("an object").remove(name).expect("it was there");
        });
        assert_eq!(world.enter(&token), INVALID, "without {name}");
        assert_eq!(claim(&world, name, Value::Null), INVALID, "{name} null");
        assert_eq!(claim(&world, name, json!([])), INVALID, "{name} empty list");
        assert_eq!(claim(&world, name, json!({})), INVALID, "{name} object");
        assert_eq!(claim(&world, name, json!(true)), INVALID, "{name} true");
        assert_eq!(claim(&world, name, json!("")), INVALID, "{name} empty");
    }
}

#[test]
fn a_claim_is_said_once() {
    let world = World::new();
    for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"] {
        let claims = world.claims();
        let once = claims.to_string();
        let twice = format!(r#"{},"{name}":{}}}"#, &once[..once.len() - 1], claims[name]);
        let token = world.signed(&world.header().to_string(), &twice);
        assert_eq!(world.enter(&token), INVALID, "{name}");
    }
    for claims in ["", "null", "[]", "\"x\"", "{}", "{\"sub\":"] {
        let token = world.signed(&world.header().to_string(), claims);
        assert_eq!(world.enter(&token), INVALID, "{claims}");
    }
}

#[test]
fn issuer_and_audience_are_this_vault_alone() {
    let world = World::new();
    let others = [
        json!("vault.example"),
        json!(format!("{ORIGIN}/")),
        json!(ORIGIN.to_uppercase()),
        json!([ORIGIN]),
        json!([ORIGIN, "other.example"]),
        json!(["other.example"]),
        json!(7),
    ];
    for name in ["iss", "aud"] {
        for other in &others {
            assert_eq!(claim(&world, name, other.clone()), INVALID, "{name} {other}");
        }
    }
}

#[test]
fn a_time_is_a_whole_number_and_nothing_like_it() {
    let world = World::new();
    let later = NOW + 600;
    for name in ["exp", "nbf", "iat"] {
        let odd = [
            json!(later.to_string()),
            json!(format!("{later}.0")),
            json!(later as f64),
            json!(later as f64 + 0.5),
            json!(u64::MAX),
            json!([later]),
            serde_json::from_str("1e400").unwrap_or(json!(1e300)),
            json!(1e300),
            json!("2027-01-15T08:10:00Z"),
        ];
        for value in odd {
            assert_eq!(claim(&world, name, value.clone()), INVALID, "{name} {value}");
        }
    }
}

#[test]
fn a_token_ends_at_its_second() {
    let world = World::new();
    let token = world.with_claims(|claims| claims["exp"] = json!(NOW + 10));
    assert_eq!(world.enter_at(&token, NOW + 9), Ok(WORKER));
    assert_eq!(world.enter_at(&token, NOW + 10), EXPIRED);
    assert_eq!(world.enter_at(&token, NOW + 11), EXPIRED);
    assert_eq!(world.enter_at(&token, i64::MAX / 1_000_000), EXPIRED);
    assert_eq!(claim(&world, "exp", json!(0)), EXPIRED);
    assert_eq!(claim(&world, "exp", json!(-1)), INVALID);
    assert_eq!(claim(&world, "exp", json!(i64::MIN)), INVALID);
}

#[test]
fn a_token_begins_within_the_leeway_and_not_before() {
    let world = World::new();
    let leeway = i64::try_from(TOKEN_LEEWAY_SECONDS).expect("a few seconds");
    for name in ["nbf", "iat"] {
        assert_eq!(claim(&world, name, json!(NOW + leeway)), Ok(WORKER), "{name}");
        assert_eq!(claim(&world, name, json!(NOW + leeway + 1)), INVALID, "{name}");
        assert_eq!(claim(&world, name, json!(i64::MAX)), INVALID, "{name}");
    }
    // A clock that was set back does not let a token of later in.
    assert_eq!(world.enter_at(&world.good(), NOW - leeway), Ok(WORKER));
    assert_eq!(world.enter_at(&world.good(), NOW - leeway - 1), INVALID);
    assert_eq!(world.enter_at(&world.good(), 0), INVALID);
}

#[test]
fn no_token_lives_longer_than_the_longest_life() {
    let world = World::new();
    let lives = |life: i64| claim(&world, "exp", json!(NOW + life));
    assert_eq!(lives(TOKEN_LIFE_SECONDS_MAX), Ok(WORKER));
    assert_eq!(lives(TOKEN_LIFE_SECONDS_MAX + 1), INVALID);
    assert_eq!(claim(&world, "exp", json!(i64::MAX)), INVALID);
    // Said to be issued long ago, it would live too long as well.
    assert_eq!(claim(&world, "iat", json!(i64::MIN)), INVALID);
    assert_eq!(claim(&world, "iat", json!(0)), INVALID);
    for life in [0, -1, TOKEN_LIFE_SECONDS_MAX + 1, i64::MAX] {
        assert!(world.identity.issue(WORKER, None, life, at(NOW)).is_err(), "{life}");
    }
    assert!(world.identity.issue(WORKER, None, TOKEN_LIFE_SECONDS_MAX, at(NOW)).is_ok());
}

#[test]
fn a_subject_has_one_spelling() {
    let world = World::new();
    let text = WORKER.to_string();
    for other in [
        format!("{text}=="),
        format!(" {text}"),
        text.to_lowercase(),
        text[..21].to_owned(),
        format!("{text}A"),
        // The last character carries four bits that no byte needs.
        format!("{}{}", &text[..21], "R"),
    ] {
        assert_eq!(claim(&world, "sub", json!(other)), INVALID, "{other}");
    }
    assert_eq!(claim(&world, "sub", json!(NOBODY)), INVALID);
}

#[test]
fn a_claim_that_nobody_knows_changes_nothing() {
    let world = World::new();
    for (name, value) in [("role", "security_admin"), ("scope", "admin"), ("acr", "3")] {
        let token = world.with_claims(|claims| claims[name] = json!(value));
        let actor = world.identity.authenticate(&token, at(NOW)).expect("the worker");
        assert_eq!(actor.standing().strength, 1);
        assert_eq!(actor.standing().assignments.len(), 1);
        assert_eq!(actor.standing().assignments[0].role.as_str(), "grid_worker");
    }
}

#[test]
fn a_standing_is_the_directorys_and_its_session_the_tokens() {
    let world = World::new();
    let actor = world.identity.authenticate(&world.good(), at(NOW)).expect("the worker");
    let standing = actor.standing();
    assert_eq!((standing.actor, standing.version, standing.via), (WORKER, 1, None));
    assert_eq!(standing.session, [5; 16]);
    let issued = |_| world.identity.issue(WORKER, None, 60, at(NOW)).expect("a token");
    let [one, two] = [1, 2].map(issued).map(|token| part(token.show(), 1)["jti"].clone());
    assert_ne!(one, two);
}
