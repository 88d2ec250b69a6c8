//! The keys of tokens: the one that signs, the one that signed before it while that still verifies, and what they verified.
//! Never a key that a token brings along, and never a memory of tokens that outlives the keys which verified them.
//! Made anew whenever the keyring has other keys; whoever is at work with the former picture ends with it.

use super::token::{Claims, IdentityError, TYPE, TokenKeyNames, is_plain};
use crate::limits::TOKEN_MEMO_COUNT_MAX;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::{Keyring, Signer, verify_signature};
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rustc_hash::FxHashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Length of an Ed25519 signature in base64url without padding.
const SIGNATURE_CHARACTERS: usize = 86;

/// The keys of tokens as the keyring had them at one time.
pub(super) struct TokenKeys {
    signer: Signer,
    current: Verifying,
    former: Option<Former>,
    memo: RwLock<Memo>,
}

/// A key that verifies, by the name that tokens call it.
struct Verifying {
    id: String,
    key: DecodingKey,
}

/// A key that signs no more.
struct Former {
    verifying: Verifying,
    /// The last second in which it may have signed: whoever has its seed makes no token of later.
    issued_max: i64,
}

/// Verified tokens in two generations; the older one goes when the newer is full.
#[derive(Default)]
struct Memo {
    recent: Generation,
    older: Generation,
}

/// By the end of the token, which is its signature and tells tokens apart; the whole token is compared all the same. Only
/// signatures of the vault's own get in here.
type Generation = FxHashMap<[u8; SIGNATURE_CHARACTERS], (Box<str>, Arc<Claims>)>;

impl TokenKeys {
    pub(super) fn of(keyring: &Keyring, issued_max: i64) -> TokenKeys {
        let signer = keyring.token_signer();
        let current = Verifying::of(&signer.public_key());
        let former = keyring
            .former_token_key()
            .map(|key| Former { verifying: Verifying::of(&key), issued_max });
        TokenKeys { signer, current, former, memo: RwLock::default() }
    }

    pub(super) fn names(&self) -> TokenKeyNames {
        let former = self.former.as_ref().map(|former| former.verifying.id.clone());
        TokenKeyNames { current: self.current.id.clone(), former }
    }

    /// Whether they are the same keys, each for as long.
    pub(super) fn are_as(&self, other: &TokenKeys) -> bool {
        let bound = |keys: &TokenKeys| keys.former.as_ref().map(|former| former.issued_max);
        self.names() == other.names() && bound(self) == bound(other)
    }

    /// The name of the one that signs.
    pub(super) fn id(&self) -> &str {
        &self.current.id
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.signer.sign(bytes)
    }

    /// What a token claims, under one of these keys.
    pub(super) fn verified(
        &self,
        token: &str,
        validation: &Validation,
    ) -> Result<Arc<Claims>, IdentityError> {
        if let Some(claims) = self.remembered(token) {
            return Ok(claims);
        }
        let claims = Arc::new(self.verify(token, validation)?);
        self.remember(token, claims.clone());
        Ok(claims)
    }

    fn verify(&self, token: &str, validation: &Validation) -> Result<Claims, IdentityError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| IdentityError::Invalid)?;
        let named = header.kid.as_deref().filter(|_| is_plain(&header, TYPE));
        let (verifying, issued_max) = match (named, &self.former) {
            (Some(id), _) if id == self.current.id => (&self.current, i64::MAX),
            (Some(id), Some(former)) if id == former.verifying.id => {
                (&former.verifying, former.issued_max)
            }
            _ => return Err(IdentityError::Invalid),
        };
        jsonwebtoken::decode::<Claims>(token, &verifying.key, validation)
            .map(|data| data.claims)
            .ok()
            .filter(|claims| claims.iat <= issued_max)
            .ok_or(IdentityError::Invalid)
    }

    fn remembered(&self, token: &str) -> Option<Arc<Claims>> {
        let signature = token.as_bytes().last_chunk()?;
        let memo = self.memo.read().unwrap_or_else(PoisonError::into_inner);
        let found = memo.recent.get(signature).or_else(|| memo.older.get(signature));
        found.filter(|(known, _)| **known == *token).map(|(_, claims)| claims.clone())
    }

    fn remember(&self, token: &str, claims: Arc<Claims>) {
        let Some(signature) = token.as_bytes().last_chunk() else { return };
        let mut memo = self.memo.write().unwrap_or_else(PoisonError::into_inner);
        if memo.recent.len() >= TOKEN_MEMO_COUNT_MAX / 2 {
            memo.older = std::mem::take(&mut memo.recent);
        }
        memo.recent.insert(*signature, (token.into(), claims));
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
}

impl Verifying {
    fn of(public_key: &[u8; 32]) -> Verifying {
        // The first bytes of the public key's hash.
        let digest = ring::digest::digest(&ring::digest::SHA256, public_key);
        let id = BASE64_URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12]);
        Verifying { id, key: DecodingKey::from_ed_der(public_key) }
    }
}

/// jsonwebtoken's door to cryptography: it verifies EdDSA, and nothing else.
pub(super) static PROVIDER: CryptoProvider = CryptoProvider {
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
