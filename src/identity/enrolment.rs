//! One-time codes: how the first token comes to a person without passing through an administrator's screen twice.
//! Never stored in clear: the store has the code's hash, and under it, sealed, whom it enrols and until when.
//! A code is used up by the entry of its use, which also says by which key its holder logs in from then on: none where none was
//! brought, so whoever got a new code because a key was lost has that one no more.
//! It is good for the key that its holder had when it was given: of two codes the one that is used ends the other. What ends an
//! actor's tokens ends the codes of before too.

use super::directory::{ActorRecord, ActorState, Directory};
use crate::access::ActorId;
use crate::ambient::{Micros, Random};
use crate::limits::ENROL_CODE_SECONDS;
use crate::records::{Owner, RecordRef, Target};
use crate::store::{Change, Expect, Key, Op, Reader, Version};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// A one-time code: 256 random bits in base64url.
pub struct EnrolmentCode(Zeroizing<String>);

impl EnrolmentCode {
    /// Draws a code.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn draw(random: &dyn Random) -> Result<EnrolmentCode, EnrolmentError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice()).map_err(|_| EnrolmentError::Unavailable)?;
        Ok(EnrolmentCode(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(bytes.as_slice()))))
    }

    /// The code, to be shown once.
    pub fn show(&self) -> &str {
        &self.0
    }

    fn hash(text: &str) -> [u8; 32] {
        let mut hash = [0; 32];
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        hash.copy_from_slice(digest.as_ref());
        hash
    }
}

/// Why a code cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// There is no such code, it was used, or its time is over.
    #[error("the code is not valid")]
    Invalid,
    /// Store or keys failed.
    #[error("codes cannot be checked now")]
    Unavailable,
}

/// A code that was found, about to be used up.
pub struct Redemption {
    actor: ActorId,
    expect: Expect,
    /// What replaces the record of the actor, where its key changes.
    keyed: Change,
}

impl Redemption {
    /// Whom it enrols.
    pub fn actor(&self) -> ActorId {
        self.actor
    }

    /// The steps that use it up; a second use goes stale.
    pub fn change(&self) -> Change {
        let Change { ops, expects } = &self.keyed;
        let (mut ops, mut expects) = (ops.clone(), expects.clone());
        ops.push(Op::Delete(self.expect.key.clone()));
        expects.push(self.expect.clone());
        Change { ops, expects }
    }
}

impl Target for Redemption {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, owner: Owner) -> bool {
        owner == Owner::Enrolment || owner == Owner::Actor(*self.actor.as_bytes())
    }
}

/// By what an actor logs in, so that it is known again; zeros for whoever has no key, or is only about to be added.
fn key_at(record: Option<&ActorRecord>) -> [u8; 32] {
    let mut known = [0; 32];
    if let Some(key) = record.and_then(|record| record.log_in_key) {
        let digest = ring::digest::digest(&ring::digest::SHA256, &key);
        known.copy_from_slice(digest.as_ref());
    }
    known
}

/// What a code is bound to that lies under this hash.
pub(super) fn associated(hash: &[u8; 32]) -> Vec<u8> {
    [b"gridvault/enrolment/v1".as_slice(), hash].concat()
}

impl Directory {
    /// The steps that make a code usable for an actor for a day.
    ///
    /// # Errors
    /// [`EnrolmentError::Unavailable`] when it cannot be sealed.
    pub fn enrolment(
        &self,
        actor: ActorId,
        code: &EnrolmentCode,
        now: Micros,
    ) -> Result<Change, EnrolmentError> {
        let hash = EnrolmentCode::hash(code.show());
        let record = self.record(&actor);
        // What ended everything of before in this very second did not end this one.
        let made = record.as_ref().map_or(i64::MIN, |record| record.tokens_from).max(now.seconds());
        let mut plain = actor.as_bytes().to_vec();
        plain.extend_from_slice(&(made + ENROL_CODE_SECONDS).to_be_bytes());
        plain.extend_from_slice(&key_at(record.as_ref()));
        let sealed = self
            .keyring()
            .seal_attributes(&associated(&hash), &plain)
            .map_err(|_| EnrolmentError::Unavailable)?;
        let mut change = Change::default();
        change.put_new(Key::enrolment(&hash), sealed);
        Ok(change)
    }

    /// Looks a code up, for an actor that logs in by this key from then on. Using it up takes a permit and a receipt.
    ///
    /// # Errors
    /// [`EnrolmentError::Invalid`] whatever is wrong with the code.
    pub async fn redeem(
        &self,
        reader: &Reader,
        code: &str,
        log_in_key: Option<[u8; 32]>,
        now: Micros,
    ) -> Result<Redemption, EnrolmentError> {
        let hash = EnrolmentCode::hash(code);
        let key = Key::enrolment(&hash);
        let stamp = reader.stamp();
        let stored = reader.get(&key).await.map_err(|_| EnrolmentError::Unavailable)?;
        let stored = stored.ok_or(EnrolmentError::Invalid)?;
        let plain = self
            .keyring()
            .open_attributes(&associated(&hash), &stored.payload)
            .map_err(|_| EnrolmentError::Unavailable)?;
        let (actor, rest) = plain.split_first_chunk::<16>().ok_or(EnrolmentError::Unavailable)?;
        let (ends, given_at) = rest.split_first_chunk::<8>().ok_or(EnrolmentError::Unavailable)?;
        let ends = i64::from_be_bytes(*ends);
        if now.seconds() >= ends {
            return Err(EnrolmentError::Invalid);
        }
        let made = ends - ENROL_CODE_SECONDS;
        let actor = ActorId::from_bytes(*actor);
        let (record, version) = self.record_at(&actor).ok_or(EnrolmentError::Invalid)?;
        let stops = matches!(record.state, ActorState::Suspended | ActorState::Left);
        // What an older program wrote says nothing of a key: nobody had one.
        let given_at: [u8; 32] = given_at.try_into().unwrap_or_default();
        if stops || made < record.tokens_from || given_at != key_at(Some(&record)) {
            return Err(EnrolmentError::Invalid);
        }
        let expect = Expect { key, version: stored.version, stamp };
        let keyed = self.keyed(record, version, log_in_key, now)?;
        Ok(Redemption { actor, expect, keyed })
    }

    /// The steps that give an actor this key instead of what it has. Tokens that came by another key end with it.
    fn keyed(
        &self,
        mut record: ActorRecord,
        version: u64,
        key: Option<[u8; 32]>,
        now: Micros,
    ) -> Result<Change, EnrolmentError> {
        if record.log_in_key == key {
            let expect = Expect {
                key: Key::actor(record.id.as_bytes()),
                version: Version(version),
                stamp: 0,
            };
            return Ok(Change { ops: Vec::new(), expects: vec![expect] });
        }
        if record.log_in_key.is_some() {
            record.end_tokens(now);
        }
        record.log_in_key = key;
        self.replacement_of(&record, version).map_err(|_| EnrolmentError::Unavailable)
    }
}
