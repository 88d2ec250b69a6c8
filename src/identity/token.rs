//! Tokens of the vault: EdDSA JWTs in the profile of RFC 9068, with the acting system as in RFC 8693.
//! Never lets a token choose its algorithm, its key or where a key is found.
//! A verified signature is remembered by the whole token; time, state and assignments are checked every time.

use super::actor::Actor;
use super::directory::{ActorKind, ActorState, Directory};
use super::log_in::LogIns;
use crate::access::{ActorId, Standing};
use crate::ambient::{Micros, Random};
use crate::limits::{
    TOKEN_BYTES_MAX, TOKEN_LEEWAY_SECONDS, TOKEN_LIFE_SECONDS_MAX, TOKEN_MEMO_COUNT_MAX,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::{Signer, verify_signature};
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use zeroize::Zeroizing;

/// `typ` of an access token (RFC 9068 section 2.1).
const TYPE: &str = "at+jwt";
/// Length of an Ed25519 signature in base64url without padding.
const SIGNATURE_CHARACTERS: usize = 86;
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
    iat: i64,
    jti: ActorId,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<ActingParty>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ActingParty {
    pub(super) sub: ActorId,
}

/// The room's door: checks tokens and issues them.
pub struct Identity {
    directory: Arc<Directory>,
    signer: Signer,
    key_id: String,
    issuer: String,
    verifying_key: DecodingKey,
    validation: Validation,
    random: Arc<dyn Random>,
    memo: RwLock<Memo>,
    pub(super) log_ins: LogIns,
}

/// Verified tokens in two generations; the older one goes when the newer is full.
#[derive(Default)]
struct Memo {
    recent: Generation,
    older: Generation,
}

/// By the end of the token, which is its signature and tells tokens apart; the whole token is compared all the same.
type Generation = HashMap<[u8; SIGNATURE_CHARACTERS], (Box<str>, Arc<Claims>)>;

impl Identity {
    /// Issuer and audience are both this vault's origin. What proved a log-in before `begun` is not taken any more.
    pub fn new(
        directory: Arc<Directory>,
        signer: Signer,
        origin: &str,
        random: Arc<dyn Random>,
        begun: Micros,
    ) -> Identity {
        // Once for the process; a second vault in it finds the same provider installed.
        let _installed = PROVIDER.install_default();
        let public_key = signer.public_key();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[origin]);
        validation.set_issuer(&[origin]);
        validation.set_required_spec_claims(&["iss", "aud", "exp", "nbf", "sub"]);
        // Times are checked against the given clock, below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Identity {
            directory,
            signer,
            key_id: key_id(&public_key),
            issuer: origin.to_owned(),
            verifying_key: DecodingKey::from_ed_der(&public_key),
            validation,
            random,
            memo: RwLock::default(),
            log_ins: LogIns::new(origin, begun),
        }
    }

    /// The directory behind it.
    pub fn directory(&self) -> &Arc<Directory> {
        &self.directory
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
        let claims = match self.remembered(token) {
            Some(claims) => claims,
            None => {
                let claims = Arc::new(self.verify(token)?);
                self.remember(token, claims.clone());
                claims
            }
        };
        self.actor_of(&claims, now)
    }

    /// The same actor as it is now, for work that goes on: its token, its state and its posts may have ended meanwhile.
    ///
    /// # Errors
    /// As [`Identity::authenticate`].
    pub fn again(&self, actor: &Actor, now: Micros) -> Result<Actor, IdentityError> {
        self.actor_of(&actor.claims, now)
    }

    fn verify(&self, token: &str) -> Result<Claims, IdentityError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| IdentityError::Invalid)?;
        if !is_plain(&header, TYPE) || header.kid.as_deref() != Some(&*self.key_id) {
            return Err(IdentityError::Invalid);
        }
        jsonwebtoken::decode::<Claims>(token, &self.verifying_key, &self.validation)
            .map(|data| data.claims)
            .map_err(|_| IdentityError::Invalid)
    }

    fn actor_of(&self, claims: &Arc<Claims>, now: Micros) -> Result<Actor, IdentityError> {
        let seconds = now.seconds();
        let leeway = i64::try_from(TOKEN_LEEWAY_SECONDS).unwrap_or(0);
        let life = claims.exp.saturating_sub(claims.iat);
        // A time of issue that is still to come would slip past the second from which tokens count.
        let begins = claims.nbf.max(claims.iat);
        if begins > seconds.saturating_add(leeway) || life > TOKEN_LIFE_SECONDS_MAX {
            return Err(IdentityError::Invalid);
        }
        let person = self.directory.get(&claims.sub).ok_or(IdentityError::Invalid)?;
        let works =
            person.record.state == ActorState::Active && claims.iat >= person.record.tokens_from;
        if !works {
            return Err(IdentityError::Invalid);
        }
        let via = match &claims.act {
            None => None,
            Some(party) if self.acts(&party.sub) => Some(party.sub),
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

    /// Whether this is a system that may act for a person.
    pub(super) fn acts(&self, id: &ActorId) -> bool {
        self.directory.get(id).is_some_and(|system| {
            system.record.kind == ActorKind::System && system.record.state == ActorState::Active
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
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: actor,
            aud: self.issuer.clone(),
            exp: now.seconds() + life_seconds,
            nbf: now.seconds(),
            iat: now.seconds(),
            jti: ActorId::from_bytes(id),
            act: via.map(|sub| ActingParty { sub }),
        };
        let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{TYPE}"}}"#, self.key_id);
        let claims = serde_json::to_string(&claims).map_err(|_| IdentityError::Invalid)?;
        let mut token = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(header));
        token.push('.');
        token.push_str(&BASE64_URL_SAFE_NO_PAD.encode(claims));
        let signature = self.signer.sign(token.as_bytes());
        token.push('.');
        token.push_str(&BASE64_URL_SAFE_NO_PAD.encode(signature));
        Ok(IssuedToken(token))
    }

    fn remembered(&self, token: &str) -> Option<Arc<Claims>> {
        let signature = token.as_bytes().last_chunk()?;
        let memo = self.memo.read().unwrap_or_else(PoisonError::into_inner);
        let found = memo.recent.get(signature).or_else(|| memo.older.get(signature));
        found.filter(|(known, _)| **known == *token).map(|(_, claims)| claims.clone())
    }

    /// Remembers a verified token under other names too, as so many more verified tokens would be.
    #[cfg(test)]
    pub(super) fn remember_copies(&self, token: &str, copies: usize) {
        let claims = self.remembered(token).expect("a remembered token");
        for copy in 0..copies {
            self.remember(&format!("{token}#{copy:086}"), claims.clone());
        }
    }

    #[cfg(test)]
    pub(super) fn remembered_count(&self) -> usize {
        let memo = self.memo.read().unwrap_or_else(PoisonError::into_inner);
        memo.recent.len() + memo.older.len()
    }

    fn remember(&self, token: &str, claims: Arc<Claims>) {
        let Some(signature) = token.as_bytes().last_chunk() else { return };
        let mut memo = self.memo.write().unwrap_or_else(PoisonError::into_inner);
        if memo.recent.len() >= TOKEN_MEMO_COUNT_MAX / 2 {
            memo.older = std::mem::take(&mut memo.recent);
        }
        memo.recent.insert(*signature, (token.into(), claims));
    }
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

/// The first bytes of the public key's hash.
fn key_id(public_key: &[u8; 32]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, public_key);
    BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12])
}

/// jsonwebtoken's door to cryptography: it verifies EdDSA, and nothing else.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

fn verifier(
    algorithm: &Algorithm,
    key: &DecodingKey,
) -> jsonwebtoken::errors::Result<Box<dyn JwtVerifier>> {
    if *algorithm != Algorithm::EdDSA {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let key = key.try_get_as_bytes()?.try_into().map_err(|_| ErrorKind::InvalidKeyFormat)?;
    Ok(Box::new(EdDsaVerifier(key)))
}

struct EdDsaVerifier([u8; 32]);

impl jsonwebtoken::signature::Verifier<Vec<u8>> for EdDsaVerifier {
    fn verify(
        &self,
        message: &[u8],
        signature: &Vec<u8>,
    ) -> Result<(), jsonwebtoken::signature::Error> {
        verify_signature(&self.0, message, signature)
            .map_err(|_| jsonwebtoken::signature::Error::new())
    }
}

impl JwtVerifier for EdDsaVerifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}
