//! Requirements on a token's form and header: one form, one algorithm, one key.
//! Never is a header believed about how it is to be verified.
//! All but the named forgeries carry the vault's own signature.

use super::world::*;
use crate::identity::IdentityError;
use crate::limits::TOKEN_BYTES_MAX;
use serde_json::{Value, json};

const INVALID: Result<crate::access::ActorId, IdentityError> = Err(IdentityError::Invalid);

#[test]
fn a_token_of_the_vaults_own_form_enters() {
    let world = World::new();
    assert_eq!(world.enter(&world.good()), Ok(WORKER));
    let issued = world.identity.issue(WORKER, None, 60, at(NOW)).expect("a token");
    assert_eq!(world.enter(issued.show()), Ok(WORKER));
}

#[test]
fn the_algorithm_is_ours_and_never_the_tokens() {
    let world = World::new();
    let words = ["none", "None", "NONE", "", "HS256", "HS512", "ES256", "ES384", "RS256", "PS256"];
    for word in words.into_iter().chain(["Ed25519", "eddsa", "EDDSA", "EdDSA "]) {
        assert_eq!(world.enter(&world.with_header(|h| h["alg"] = json!(word))), INVALID, "{word}");
    }
    for odd in [Value::Null, json!(["EdDSA"]), json!(1), json!({"EdDSA": 1})] {
        assert_eq!(world.enter(&world.with_header(|h| h["alg"] = odd.clone())), INVALID, "{odd}");
    }
    let missing = world.with_header(|header| {
        header.as_object_mut().expect("an object").remove("alg");
    });
    assert_eq!(world.enter(&missing), INVALID);
    // Without any signature, whatever the header says.
    for word in ["none", "EdDSA"] {
        let unsigned = world.with_header(|header| header["alg"] = json!(word));
        let body = unsigned.rsplit_once('.').expect("three parts").0;
        assert_eq!(world.enter(&format!("{body}.")), INVALID, "{word}");
        assert_eq!(world.enter(body), INVALID, "{word}");
    }
}

#[test]
fn the_public_key_is_no_secret_to_sign_with() {
    let world = World::new();
    let public = keyring().token_signer().public_key();
    for word in ["HS256", "EdDSA"] {
        let mut header = world.header();
        header["alg"] = json!(word);
        let body =
            format!("{}.{}", encoded(header.to_string()), encoded(world.claims().to_string()));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public);
        let tag = ring::hmac::sign(&key, body.as_bytes());
        assert_eq!(world.enter(&format!("{body}.{}", encoded(tag))), INVALID, "{word}");
    }
}

#[test]
fn a_key_of_another_vault_or_another_use_does_not_sign() {
    let world = World::new();
    let body = world.good();
    let body = body.rsplit_once('.').expect("three parts").0;
    for signer in [new_keyring().token_signer(), keyring().log_signer()] {
        let forged = format!("{body}.{}", encoded(signer.sign(body.as_bytes())));
        assert_eq!(world.enter(&forged), INVALID);
    }
}

#[test]
fn the_type_is_that_of_an_access_token_letter_by_letter() {
    let world = World::new();
    for word in
        ["JWT", "jwt", "at+JWT", "AT+JWT", "application/at+jwt", "at+jwt ", "", "secevent+jwt"]
    {
        assert_eq!(world.enter(&world.with_header(|h| h["typ"] = json!(word))), INVALID, "{word}");
    }
    let missing = world.with_header(|header| {
        header.as_object_mut().expect("an object").remove("typ");
    });
    assert_eq!(world.enter(&missing), INVALID);
    assert_eq!(world.enter(&world.with_header(|header| header["typ"] = Value::Null)), INVALID);
}

#[test]
fn the_key_is_named_and_is_the_vaults() {
    let world = World::new();
    let known = world.header()["kid"].as_str().expect("a key id").to_owned();
    for word in ["", "../../dev/null", "x", &known.to_ascii_uppercase(), &format!("{known}=")] {
        assert_eq!(world.enter(&world.with_header(|h| h["kid"] = json!(word))), INVALID, "{word}");
    }
    let missing = world.with_header(|header| {
        header.as_object_mut().expect("an object").remove("kid");
    });
    assert_eq!(world.enter(&missing), INVALID);
}

#[test]
fn no_header_leads_to_another_key_or_another_meaning() {
    let world = World::new();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA",
        "x": encoded(keyring().token_signer().public_key())});
    let headers = [
        ("jwk", jwk),
        ("jku", json!("https://keys.example/jwks")),
        ("x5u", json!("https://keys.example/cert")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
    ];
    for (name, value) in headers {
        let token = world.with_header(|header| header[name] = value.clone());
        assert_eq!(world.enter(&token), INVALID, "{name} {value}");
    }
}

#[test]
fn a_header_is_said_once() {
    let world = World::new();
    let claims = world.claims().to_string();
    let kid = world.header()["kid"].to_string();
    for header in [
        format!(r#"{{"alg":"none","alg":"EdDSA","kid":{kid},"typ":"at+jwt"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":{kid},"kid":{kid},"typ":"at+jwt"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":{kid},"typ":"at+jwt","typ":"at+jwt"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":{kid},"typ":"at+jwt"}} {{}}"#),
        format!(r#"[{{"alg":"EdDSA","kid":{kid},"typ":"at+jwt"}}]"#),
        "EdDSA".to_owned(),
        String::new(),
    ] {
        assert_eq!(world.enter(&world.signed(&header, &claims)), INVALID, "{header}");
    }
}

#[test]
fn a_token_has_three_parts_and_one_spelling() {
    let world = World::new();
    let good = world.good();
    let parts: Vec<&str> = good.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    let forms = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{good}{signature}"),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}="),
        format!("{good}=="),
        format!("{good}A"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}=.{signature}"),
        format!("{header}.{signature}"),
        format!("{claims}.{header}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{claims}.{}", &signature[..signature.len() - 1]),
        format!("Bearer {good}"),
        good.replace('.', "。"),
        format!("{good}\u{200b}"),
        "网格员.网格员.网格员".to_owned(),
        "\u{0}".repeat(100),
        format!(
            r#"{{"payload":"{claims}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#
        ),
    ];
    for form in forms {
        assert_eq!(world.enter(&form), INVALID, "{form:?}");
    }
    assert_eq!(world.enter(&good), Ok(WORKER));
}

#[test]
fn no_character_of_a_token_can_be_changed() {
    let world = World::new();
    let good = world.good();
    for place in 0..good.len() {
        for other in ["A", "-", "=", "+", "/", "."] {
            let mut changed = good.clone();
            changed.replace_range(place..=place, other);
            if changed != good {
                assert_eq!(world.enter(&changed), INVALID, "{place} {other}");
            }
        }
    }
    // The last character carries bits that no byte needs: they have one spelling too.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let entering = alphabet
        .chars()
        .filter(|last| {
            let mut changed = good.clone();
            changed.pop();
            changed.push(*last);
            world.enter(&changed).is_ok()
        })
        .count();
    assert_eq!(entering, 1);
}

#[test]
fn a_token_at_its_longest_enters_and_one_byte_more_does_not() {
    let world = World::new();
    let sized = |spaces: usize, filler: usize| {
        let header = format!("{}{}", world.header(), " ".repeat(spaces));
        let mut claims = world.claims();
        claims["note"] = json!("x".repeat(filler));
        world.signed(&header, &claims.to_string())
    };
    let of_length = |length: usize| {
        let mut shapes =
            (0..3).flat_map(|spaces| (2_500..3_200).map(move |filler| (spaces, filler)));
        let shape = shapes.find(|(spaces, filler)| {
            let (header, claims) = (world.header().to_string().len() + spaces, {
                let mut claims = world.claims();
                claims["note"] = json!("");
                claims.to_string().len() + filler
            });
            let coded = |bytes: usize| (bytes * 4).div_ceil(3);
            coded(header) + coded(claims) + coded(64) + 2 == length
        });
        let (spaces, filler) = shape.expect("a token of this length");
        let token = sized(spaces, filler);
        assert_eq!(token.len(), length);
        token
    };
    assert_eq!(world.enter(&of_length(TOKEN_BYTES_MAX)), Ok(WORKER));
    assert_eq!(world.enter(&of_length(TOKEN_BYTES_MAX + 1)), INVALID);
    assert_eq!(world.enter(&"a".repeat(10_000_000)), INVALID);
}
