//! Log-ins by a key of one's own: a short-lived JWT that its holder signs (RFC 7523 section 3) becomes a token of the vault.
//! Never takes the same proof twice, never one from before the process began, and never lets it choose algorithm or key.
//! The vault knows the public half alone, so nobody who reads the store can log in as somebody else.
//!
//! ```text
//! header = {"alg":"EdDSA","typ":"login+jwt"}
//! claims = {"iss": actor, "sub": actor, "aud": origin of the vault, "iat": s, "exp": s, "act"?: {"sub": system}}
//! ```
//! `iat` of one actor's proofs rises by a second at least: that is all that has to be remembered to take each once.

use super::directory::ActorState;
use super::token::{ActingParty, Identity, IdentityError, is_plain, leeway};
use crate::access::{ActorId, Standing};
use crate::ambient::{Micros, Moment};
use crate::limits::{LOG_IN_SECONDS_MAX, TOKEN_BYTES_MAX};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::is_public_key;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// `typ` of what proves a log-in.
const TYPE: &str = "login+jwt";

#[derive(Deserialize)]
struct Claims {
    iss: ActorId,
    sub: ActorId,
    exp: i64,
    iat: i64,
    act: Option<ActingParty>,
}

/// Whose proof it says it is, before anything is believed.
#[derive(Deserialize)]
struct Named {
    sub: ActorId,
}

/// What was taken, so that nothing is taken twice.
pub(super) struct LogIns {
    validation: Validation,
    /// No proof of this second or an earlier one is taken.
    begun: i64,
    /// `iat` of the last proof of each actor. Only who has a key that verified is in it.
    latest: Mutex<HashMap<ActorId, i64>>,
}

impl LogIns {
    pub(super) fn new(origin: &str, begun: Micros) -> LogIns {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[origin]);
        validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        // Times are checked against the given clock, below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        // The process before may have taken one by a clock that was ahead.
        let begun = begun.seconds().saturating_add(leeway());
        LogIns { validation, begun, latest: Mutex::default() }
    }

    /// Whether it is the first of its second and of any later one.
    fn is_first(&self, actor: ActorId, iat: i64) -> bool {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let last = latest.entry(actor).or_insert(self.begun);
        let first = iat > *last;
        *last = (*last).max(iat);
        first
    }
}

impl Identity {
    /// Takes the proof of a log-in, once, and gives the standing of whoever it is of, through the system that it names. It is made
    /// by its holder's clock, so it is in time by what is believed or by what the host shows; what is taken once is so by its own second.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`], whatever is wrong with it.
    pub fn log_in(&self, proof: &str, now: Moment) -> Result<Standing, IdentityError> {
        let invalid = IdentityError::Invalid;
        if proof.len() > TOKEN_BYTES_MAX {
            return Err(invalid);
        }
        let header = jsonwebtoken::decode_header(proof).map_err(|_| invalid)?;
        if !is_plain(&header, TYPE) || header.kid.is_some() {
            return Err(invalid);
        }
        let person = self.directory().get(&named(proof).ok_or(invalid)?).ok_or(invalid)?;
        let key = person.record.log_in_key.ok_or(invalid)?;
        let key = DecodingKey::from_ed_der(&key);
        let claims = jsonwebtoken::decode::<Claims>(proof, &key, &self.log_ins.validation)
            .map_err(|_| invalid)?
            .claims;
        let actor = person.record.id;
        let works = person.record.state == ActorState::Active;
        if !works || claims.sub != actor || claims.iss != actor || !is_timely(&claims, now) {
            return Err(invalid);
        }
        let via = claims.act.map(|party| party.sub);
        if via.is_some_and(|via| !self.acts(&via, now.believed.seconds(), None)) {
            return Err(invalid);
        }
        if !self.log_ins.is_first(actor, claims.iat) {
            return Err(invalid);
        }
        let standing = self.standing(&actor).ok_or(invalid)?;
        Ok(Standing { via, ..standing })
    }
}

/// A public key as its holder brings it, in base64url: one that nobody else signs by. Nothing for what is none.
pub fn public_key(text: &str) -> Option<[u8; 32]> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    <[u8; 32]>::try_from(bytes).ok().filter(is_public_key)
}

fn named(proof: &str) -> Option<ActorId> {
    let claims = BASE64_URL_SAFE_NO_PAD.decode(proof.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok().map(|Named { sub }| sub)
}

/// Made lately, by a clock that differs little, and for a short while.
fn is_timely(claims: &Claims, now: Moment) -> bool {
    let life = claims.exp.saturating_sub(claims.iat);
    let by = |at: Micros| {
        let seconds = at.seconds();
        seconds.saturating_sub(claims.iat) >= -leeway() && claims.exp > seconds
    };
    (1..=LOG_IN_SECONDS_MAX).contains(&life) && (by(now.believed) || by(now.host))
}
