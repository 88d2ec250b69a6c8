//! Ways in that must be shut: tokens in wrong places and wrong forms, and heads that lead to another key.
//! Never tells which part was wrong: every one of them gets the same body as no token at all.
//! Each source has its own address, so that each refusal has an entry of its own; claims signed by the vault's own key are
//! tested beside the code, because nobody outside has it.

use super::bad_input::{Untouched, vault};
use super::bodies::REGISTRATION;
use super::client::Reply;
use super::entries::happened;
use super::tokens::{encoded, log_public_key, minted, parts, with};
use super::wire::send_from;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use gridvault::limits::TOKEN_BYTES_MAX;
use ring::hmac;
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// Sends a read of the record with these lines in its head, from an address of its own.
fn read(number: usize, kept: &Untouched, query: &str, lines: &[String]) -> Reply {
    let [high, low] = u16::try_from(number).expect("a few").to_be_bytes();
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let head = format!(
        "GET /v1/records/{}?fields=name{query} HTTP/1.1\r\nhost: vault\r\npurpose: {REGISTRATION}\r\n\
         connection: close\r\n{lines}\r\n",
        kept.record
    );
    send_from(Ipv4Addr::new(127, 8, high, low), vault().url(), head.as_bytes())
}

/// Each of them is turned away like a stranger, and recorded.
fn all_turned_away(kept: Untouched, kinds: Vec<(String, &str, Vec<String>)>) {
    let nothing = read(0, &kept, "", &[]);
    assert_eq!((nothing.status, nothing.code()), (401, "token_invalid"));
    for (number, (kind, query, lines)) in (1..).zip(&kinds) {
        let reply = read(number, &kept, query, lines);
        assert_eq!((reply.status, reply.code()), (401, "token_invalid"), "{kind}");
        assert_eq!(reply.without_ids(), nothing.without_ids(), "{kind}");
        assert!(!reply.text.contains("eyJ"), "{kind} is repeated");
        let entry = vault().entry_of(&reply);
        assert_eq!(
            (happened(&entry).as_str(), &entry["why"]),
            ("auth.failed denied", &json!("token_invalid"))
        );
        assert!(entry["who"].is_null(), "{kind}: {entry}");
    }
    kept.stays_untouched();
}

#[test]
fn token_in_another_place_or_form_opens_nothing() {
    let kept = Untouched::by("grid_worker");
    let token = kept.actor.token.clone();
    let line = |value: String| vec![format!("authorization: {value}")];
    let query: &'static str = Box::leak(format!("&access_token={token}").into_boxed_str());
    let padded = format!("{token}{}", "A".repeat(TOKEN_BYTES_MAX + 1 - token.len()));
    let kinds: Vec<(&str, &str, Vec<String>)> = vec![
        ("in the query", query, vec![]),
        ("in a cookie", "", vec![format!("cookie: token={token}; access_token={token}")]),
        ("in another header", "", vec![format!("x-access-token: {token}")]),
        ("for a proxy", "", vec![format!("proxy-authorization: Bearer {token}")]),
        (
            "two tokens in two lines",
            "",
            [line(format!("Bearer {token}")), line(format!("Bearer {token}"))].concat(),
        ),
        (
            "a good and a bad one",
            "",
            [line(format!("Bearer {token}")), line("Bearer x".into())].concat(),
        ),
        ("two tokens in one line", "", line(format!("Bearer {token}, Bearer {token}"))),
        ("two tokens by a space", "", line(format!("Bearer {token} {token}"))),
        ("no space", "", line(format!("Bearer{token}"))),
        ("two spaces", "", line(format!("Bearer  {token}"))),
        ("a tab", "", line(format!("Bearer\t{token}"))),
        ("a colon", "", line(format!("Bearer: {token}"))),
        ("quotes", "", line(format!("Bearer \"{token}\""))),
        ("a parameter", "", line(format!("Bearer token={token}"))),
        ("another scheme", "", line(format!("DPoP {token}"))),
        ("basic", "", line(format!("Basic {}", BASE64_STANDARD.encode(format!("x:{token}"))))),
        ("padding", "", line(format!("Bearer {token}="))),
        ("a point at the end", "", line(format!("Bearer {token}."))),
        ("a point in front", "", line(format!("Bearer .{token}"))),
        ("too long by one", "", line(format!("Bearer {padded}"))),
        ("bytes beyond ASCII", "", line(format!("Bearer {token}ÿ"))),
        ("nothing", "", line(String::new())),
        ("the scheme alone", "", line("Bearer".into())),
    ];
    let owned = kinds.into_iter().map(|(kind, query, lines)| (kind.to_owned(), query, lines));
    all_turned_away(kept, owned.collect());
}

#[test]
fn scheme_is_known_in_any_case_and_space_around_a_token_is_none_of_it() {
    let kept = Untouched::by("grid_worker");
    let token = &kept.actor.token;
    for value in
        [format!("bearer {token}"), format!("BEARER {token}"), format!("  Bearer {token}  ")]
    {
        let reply = read(4_000, &kept, "", &[format!("authorization:{value}")]);
        assert_eq!(reply.status, 200, "{value}: {}", reply.text);
    }
}

#[test]
fn head_of_a_token_leads_to_no_other_key_and_no_other_algorithm() {
    let kept = Untouched::by("grid_worker");
    let (head, claims) = parts(&kept.actor);
    let line = |token: String| vec![format!("authorization: Bearer {token}")];
    let mut kinds: Vec<(String, &str, Vec<String>)> = Vec::new();
    let changes: Vec<(&str, Value)> = vec![
        ("kid", json!("https://keys.example.invalid/key")),
        ("kid", json!("file:///dev/null")),
        ("kid", json!("../../../../../../dev/null")),
        ("kid", json!("' UNION SELECT 'x")),
        ("kid", json!("key\u{0}")),
        ("kid", json!("")),
        ("kid", json!(7)),
        ("kid", json!(null)),
        ("kid", json!("k".repeat(1_000))),
        ("jku", json!("https://keys.example.invalid/jwks.json")),
        ("x5u", json!("https://keys.example.invalid/chain.pem")),
        ("x5c", json!(["MIIB"])),
        ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"})),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("typ", json!("JWT")),
        ("typ", json!("AT+JWT")),
        ("typ", json!("application/at+jwt")),
        ("typ", json!(null)),
        ("alg", json!("none")),
        ("alg", json!("None")),
        ("alg", json!("nOnE")),
        ("alg", json!("")),
        ("alg", json!(null)),
        ("alg", json!(["EdDSA"])),
        ("alg", json!("eddsa")),
        ("alg", json!("Ed25519")),
        ("alg", json!("HS256")),
        ("alg", json!("HS512")),
        ("alg", json!("RS256")),
        ("alg", json!("PS256")),
        ("alg", json!("ES256")),
    ];
    for (name, value) in changes {
        let changed = with(&head, name, value.clone());
        kinds.push((format!("{name} {value}, signed"), "", line(minted(&changed, &claims))));
        let unsigned = format!("{}.{}.", encoded(&changed), encoded(&claims));
        kinds.push((format!("{name} {value}, unsigned"), "", line(unsigned)));
        // The vault's own signature, over another head.
        let signature = kept.actor.token.rsplit('.').next().expect("three parts");
        let moved = format!("{}.{}.{signature}", encoded(&changed), encoded(&claims));
        kinds.push((format!("{name} {value}, moved"), "", line(moved)));
    }
    // The public key is no secret: raw, in base64, as a DER and as a PEM.
    let key = log_public_key(vault());
    let der = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], &key]
        .concat();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        BASE64_STANDARD.encode(&der)
    );
    let secrets =
        [key.clone(), BASE64_STANDARD.encode(&key).into(), der, pem.into_bytes(), Vec::new()];
    for (number, secret) in secrets.iter().enumerate() {
        let signed =
            format!("{}.{}", encoded(&with(&head, "alg", json!("HS256"))), encoded(&claims));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
        let token = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag));
        kinds.push((format!("public key {number} as a secret"), "", line(token)));
    }
    all_turned_away(kept, kinds);
}
