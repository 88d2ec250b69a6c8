//! Tokens of the vault: EdDSA JWTs in the profile of RFC 9068, with the acting system as in RFC 8693.
//! Never lets a token choose its algorithm, its key or where a key is found: `token_keys` has the keys.
//! A verified signature is remembered by the whole token; time, state and assignments are checked every time. A token says from which
//! second tokens of its actor, and of the system that acts, counted when it was issued: whatever ends them moves that second, so a
//! token that was issued beside it ends with the others, in whichever second.

use super::actor::Actor;
use super::directory::{ActorKind, ActorRecord, ActorState, Directory};
use super::log_in::LogIns;
use super::token_keys::{PROVIDER, TokenKeys};
use crate::access::{ActorId, Standing};
use crate::ambient::{Micros, Random};
use crate::limits::{TOKEN_BYTES_MAX, TOKEN_LEEWAY_SECONDS, TOKEN_LIFE_SECONDS_MAX};
use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::Keyring;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use zeroize::Zeroizing;

/// `typ` of an access token (RFC 9068 section 2.1).
pub(super) const TYPE: &str = "at+jwt";
/// Possession of one secret: NIST SP 800-63B level 1.
const STRENGTH_TOKEN: u8 = 1;

/// Why a caller is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The token is not one that this vault takes, for whatever reason.
    #[error("the token is not valid")]
    Invalid,
    /// It was valid once.
    #[error("the token has expired")]
    Expired,
}

/// A token as it goes to its holder. Wiped; never logged.
pub struct IssuedToken(Zeroizing<String>);

impl IssuedToken {
    /// The text, to be handed over once.
    pub fn show(&self) -> &str {
        &self.0
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    sub: ActorId,
    aud: String,
    exp: i64,
    nbf: i64,
    pub(super) iat: i64,
    jti: ActorId,
    /// What the directory had as [`ActorRecord::tokens_from`]. Tokens of an older program do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens_from: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<ActingParty>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActingParty {
    pub(super) sub: ActorId,
    /// The same of the system; nothing in the proof of a log-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens_from: Option<i64>,
}

/// Whether what was issued in that second, and says from when its actor's tokens counted, is good under this record: whatever ended
/// tokens after it was issued moved that second on, even where it is in the past of the one of the issue.
fn counts(record: &ActorRecord, issued: i64, told: Option<i64>) -> bool {
    issued >= record.tokens_from && told.is_none_or(|told| told == record.tokens_from)
}

/// The room's door: checks tokens and issues them.
pub struct Identity {
    directory: Arc<Directory>,
    keyring: Arc<Keyring>,
    keys: ArcSwap<TokenKeys>,
    issuer: String,
    validation: Validation,
    random: Arc<dyn Random>,
    pub(super) log_ins: LogIns,
}

/// What the keys of tokens are called: each by the `kid` of what it signs. Public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKeyNames {
    /// The one that signs.
    pub current: String,
    /// The one that signed before, while it verifies.
    pub former: Option<String>,
}

impl Identity {
    /// Issuer and audience are both this vault's origin. What proved a log-in before `begun` is not taken any more, and a key that
    /// another one follows signed nothing after it.
    pub fn new(
        directory: Arc<Directory>,
        keyring: Arc<Keyring>,
        origin: &str,
        random: Arc<dyn Random>,
        begun: Micros,
    ) -> Identity {
        // Once for the process; a second vault in it finds the same provider installed.
        let _installed = PROVIDER.install_default();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[origin]);
        validation.set_issuer(&[origin]);
        validation.set_required_spec_claims(&["iss", "aud", "exp", "nbf", "sub"]);
        // Times are checked against the given clock, below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Identity {
            keys: ArcSwap::from_pointee(TokenKeys::of(&keyring, issued_max(Some(begun)))),
            directory,
            keyring,
            issuer: origin.to_owned(),
            validation,
            random,
            log_ins: LogIns::new(origin, begun),
        }
    }

    /// The directory behind it.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// Takes over the keys of tokens that the keyring has now, if they are others. Of what the former one signed, that counts which
    /// was issued up to then; everything, where nobody can say yet.
    pub fn follow_keys(&self, issued_until: Option<Micros>) -> TokenKeyNames {
        let keys = TokenKeys::of(&self.keyring, issued_max(issued_until));
        let names = keys.names();
        if !keys.are_as(&self.keys.load()) {
            self.keys.store(Arc::new(keys));
        }
        names
    }

    /// The standing of an actor that is active now, for a decision that is only thought through.
    pub fn standing(&self, id: &ActorId) -> Option<Standing> {
        let known = self.directory.get(id)?;
        (known.record.state == ActorState::Active).then(|| Standing {
            actor: *id,
            version: known.version,
            assignments: known.assignments.clone(),
            via: None,
            session: [0; 16],
            strength: STRENGTH_TOKEN,
        })
    }

    /// Turns a bearer token into the actor that holds it.
    ///
    /// # Errors
    /// [`IdentityError::Expired`] only for a token that was good in every other way.
    pub fn authenticate(&self, token: &str, now: Micros) -> Result<Actor, IdentityError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(IdentityError::Invalid);
        }
        let claims = self.keys.load().verified(token, &self.validation)?;
        self.actor_of(&claims, now)
    }

    /// The same actor as it is now, for work that goes on: its token, its state and its posts may have ended meanwhile.
    ///
    /// # Errors
    /// As [`Identity::authenticate`].
    pub fn again(&self, actor: &Actor, now: Micros) -> Result<Actor, IdentityError> {
        self.actor_of(&actor.claims, now)
    }

    fn actor_of(&self, claims: &Arc<Claims>, now: Micros) -> Result<Actor, IdentityError> {
        let seconds = now.seconds();
        let life = claims.exp.saturating_sub(claims.iat);
        // A time of issue that is still to come would slip past the second from which tokens count.
        let begins = claims.nbf.max(claims.iat);
        if begins > seconds.saturating_add(leeway()) || life > TOKEN_LIFE_SECONDS_MAX {
            return Err(IdentityError::Invalid);
        }
        let person = self.directory.get(&claims.sub).ok_or(IdentityError::Invalid)?;
        let works = person.record.state == ActorState::Active;
        if !works || !counts(&person.record, claims.iat, claims.tokens_from) {
            return Err(IdentityError::Invalid);
        }
        let via = match &claims.act {
            None => None,
            Some(party) if self.acts(&party.sub, claims.iat, party.tokens_from) => Some(party.sub),
            Some(_) => return Err(IdentityError::Invalid),
        };
        // Last, so that only a token that is good in every other way is called expired.
        if claims.exp <= seconds {
            return Err(IdentityError::Expired);
        }
        let standing = Standing {
            actor: claims.sub,
            version: person.version,
            assignments: person.assignments.clone(),
            via,
            session: *claims.jti.as_bytes(),
            strength: STRENGTH_TOKEN,
        };
        Ok(Actor::new(standing, claims.clone()))
    }

    /// Whether this is a system that may act for a person, by what was issued in that second: what was issued before it was stopped
    /// stays of no use when it works again, as its own tokens do.
    pub(super) fn acts(&self, id: &ActorId, issued: i64, told: Option<i64>) -> bool {
        self.directory.get(id).is_some_and(|system| {
            let works = system.record.state == ActorState::Active;
            let counts = counts(&system.record, issued, told);
            system.record.kind == ActorKind::System && works && counts
        })
    }

    /// Issues a token. The caller has a permit and a receipt for it.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] for a life beyond the limit, or when no random id can be drawn.
    pub fn issue(
        &self,
        actor: ActorId,
        via: Option<ActorId>,
        life_seconds: i64,
        now: Micros,
    ) -> Result<IssuedToken, IdentityError> {
        if !(1..=TOKEN_LIFE_SECONDS_MAX).contains(&life_seconds) {
            return Err(IdentityError::Invalid);
        }
        let id = self.random.bytes16().map_err(|_| IdentityError::Invalid)?;
        // Looked at once: what ends tokens after this look ends this one.
        let tokens_from = |id| self.directory.get(id).map(|known| known.record.tokens_from);
        let (of_actor, of_system) = (tokens_from(&actor), via.as_ref().and_then(tokens_from));
        let issued = begins(of_actor.max(of_system), now);
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: actor,
            aud: self.issuer.clone(),
            exp: now.seconds() + life_seconds,
            nbf: issued,
            iat: issued,
            jti: ActorId::from_bytes(id),
            tokens_from: of_actor,
            act: via.map(|sub| ActingParty { sub, tokens_from: of_system }),
        };
        let keys = self.keys.load();
        let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{TYPE}"}}"#, keys.id());
        let claims = serde_json::to_string(&claims).map_err(|_| IdentityError::Invalid)?;
        let mut token = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(header));
        token.push('.');
        token.push_str(&BASE64_URL_SAFE_NO_PAD.encode(claims));
        let signature = keys.sign(token.as_bytes());
        token.push('.');
        token.push_str(&BASE64_URL_SAFE_NO_PAD.encode(signature));
        Ok(IssuedToken(token))
    }

    #[cfg(test)]
    pub(super) fn remember_copies(&self, token: &str, copies: usize) {
        self.keys.load().remember_copies(token, copies);
    }

    #[cfg(test)]
    pub(super) fn remembered_count(&self) -> usize {
        self.keys.load().remembered_count()
    }
}

/// From when a token that is issued now counts: now, or as soon as tokens of its actor, and of the system that acts, count again,
/// where those of before were just ended. No further ahead than clocks may differ, so that it is good at once.
fn begins(from: Option<i64>, now: Micros) -> i64 {
    now.seconds().max(from.unwrap_or(0).min(now.seconds().saturating_add(leeway())))
}

/// The last second in which a former key may have signed. A request that had begun may still sign under it a moment later.
fn issued_max(until: Option<Micros>) -> i64 {
    until.map_or(i64::MAX, |until| until.seconds().saturating_add(leeway()))
}

/// How far clocks may differ, in seconds.
pub(super) fn leeway() -> i64 {
    i64::try_from(TOKEN_LEEWAY_SECONDS).unwrap_or(0)
}

/// Whether a header names this type, the one algorithm, and nothing that a token may not choose: a key, where one is found, what is
/// to be understood beside (RFC 8725).
pub(super) fn is_plain(header: &Header, kind: &str) -> bool {
    header.typ.as_deref() == Some(kind)
        && header.alg == Algorithm::EdDSA
        && header.jku.is_none()
        && header.jwk.is_none()
        && header.x5u.is_none()
        && header.x5c.is_none()
        && header.crit.is_none()
        && header.enc.is_none()
        && header.zip.is_none()
}
