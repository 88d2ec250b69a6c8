//! Tokens that the vault did not make, or not so: each a way in that must be shut.
//! Never signed with the vault's key, which nobody outside has; what it signs wrongly is tested beside the code.
//! Every kind is tried at every guarded route by the tests of the routes.

use super::actor::Actor;
use super::harness::{Demo, await_until, shared};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

/// A way of calling without a token that counts, and the `Authorization` headers that it sends.
pub type Forgery = (&'static str, Vec<String>);

/// A key that no vault has.
fn other_key() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed of 32 bytes")
}

/// A part of a token.
pub fn encoded(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decoded(part: &str) -> Value {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// The same with one member changed.
pub fn with(value: &Value, name: &str, member: Value) -> Value {
    let mut changed = value.clone();
    changed[name] = member;
    changed
}

/// A token with that head and those claims, signed with another key.
pub fn minted(head: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", encoded(head), encoded(claims));
    let signature = other_key().sign(signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// Every kind of token that must not count, made around a true one. `log_key` is public.
pub fn forgeries(actor: &Actor, other: &Actor, log_key: &str) -> Vec<Forgery> {
    let mut kinds = malformed(actor);
    kinds.extend(minted_ones(actor, other, log_key));
    kinds
}

/// Headers that hold no token, or a true one that was touched.
fn malformed(actor: &Actor) -> Vec<Forgery> {
    let token = &actor.token;
    let bearer = |token: &str| vec![format!("Bearer {token}")];
    let cut = &token[..token.len() - 2];
    vec![
        ("no token", vec![]),
        ("no scheme", vec![token.clone()]),
        ("another scheme", vec!["Basic dXNlcjpwYXNz".to_owned()]),
        ("an empty token", bearer("")),
        ("no JWT", bearer("a.b.c")),
        ("two tokens", [bearer(token), bearer(token)].concat()),
        ("a cut signature", bearer(cut)),
        ("a token with an end", bearer(&format!("{token}.x"))),
        ("too long a token", bearer(&"A".repeat(4_097))),
    ]
}

/// Tokens signed by another key, or by none.
fn minted_ones(actor: &Actor, other: &Actor, log_key: &str) -> Vec<Forgery> {
    let parts: Vec<&str> = actor.token.split('.').collect();
    let (head, claims) = (decoded(parts[0]), decoded(parts[1]));
    let bearer = |token: String| vec![format!("Bearer {token}")];
    let public = BASE64_URL_SAFE_NO_PAD.encode(other_key().public_key().as_ref());
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": public});
    let claimed = |name, member| bearer(minted(&head, &with(&claims, name, member)));
    let headed = |name, member| bearer(minted(&with(&head, name, member), &claims));
    let none = format!("{}.{}.", encoded(&with(&head, "alg", json!("none"))), parts[1]);
    let another = encoded(&with(&claims, "sub", json!(other.id)));
    vec![
        ("another key", bearer(minted(&head, &claims))),
        ("another audience", claimed("aud", json!("other.example/log"))),
        ("a time that is over", claimed("exp", json!(1_700_000_000))),
        ("a time as text", claimed("exp", json!("1999999999"))),
        ("another type", headed("typ", json!("JWT"))),
        ("a key id that is a path", headed("kid", json!("../../../../dev/null"))),
        ("a key of its own", headed("jwk", jwk)),
        ("no signature", bearer(none)),
        ("a public key as secret", bearer(keyed(&head, parts[1], log_key))),
        ("another's claims", bearer(format!("{}.{another}.{}", parts[0], parts[2]))),
    ]
}

/// Head and claims of an actor's token.
pub fn parts(actor: &Actor) -> (Value, Value) {
    let parts: Vec<&str> = actor.token.split('.').collect();
    (decoded(parts[0]), decoded(parts[1]))
}

/// The key that verifies the log, which is public.
pub fn log_public_key(demo: &Demo) -> Vec<u8> {
    public_key(demo.log_key())
}

fn public_key(log_key: &str) -> Vec<u8> {
    let public = log_key.splitn(3, '+').nth(2).expect("a verifier key");
    BASE64_STANDARD.decode(public).expect("base64").split_off(1)
}

/// A token whose "secret" is a key that everybody knows.
fn keyed(head: &Value, claims: &str, log_key: &str) -> String {
    let public = public_key(log_key);
    let signed = format!("{}.{claims}", encoded(&with(head, "alg", json!("HS256"))));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &public), signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}

/// A worker whose token was good and has ended.
pub fn ended(demo: &Demo) -> Actor {
    let worker = demo.worker(4);
    let path = format!("/v1/admin/actors/{}/tokens", worker.id);
    let issued = demo.role("security_admin").post(&path, &json!({"life_seconds": 1})).expect(201);
    let short = Actor { token: issued.text_of("token").to_owned(), ..worker };
    await_until("the token has ended", || has_ended(&short));
    short
}

/// Whether that is what the actor is told: any other refusal, of a full line for instance, says nothing of its token.
pub fn has_ended(actor: &Actor) -> bool {
    let reply = actor.get("/v1/purposes");
    reply.status == 401 && reply.code() == "token_expired"
}

#[test]
fn token_that_ended_says_so_in_the_callers_language() {
    let demo = shared();
    let call = ended(demo).call("GET", "/v1/purposes").header("accept-language", "zh-CN");
    let reply = call.send().refused(401, "token_expired");
    assert_eq!(reply.text_of("title"), "登录已过期，请重新登录");
    assert_eq!(reply.body["retryable"], false);
}

#[test]
fn token_lives_no_longer_than_twelve_hours() {
    let demo = shared();
    let admin = demo.role("security_admin");
    let path = format!("/v1/admin/actors/{}/tokens", demo.worker(4).id);
    admin.post(&path, &json!({"life_seconds": 12 * 3_600})).expect(201);
    for life in [12 * 3_600 + 1, 0, -1, i64::MAX] {
        admin.post(&path, &json!({"life_seconds": life})).refused(400, "schema_invalid");
    }
}
