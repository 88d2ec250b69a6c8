//! The directory of actors: who there is, in which state, placed where.
//! Never holds a right: a role that the policy does not know gives none.
//! The picture in memory follows the store before anyone is told of a change.

use super::actor_form;
use crate::access::{ActorId, Assignment, Readiness, RoleId, Window};
use crate::ambient::Micros;
use crate::limits::{ASSIGNMENTS_COUNT_MAX, LOGIN_CHARACTERS_MAX};
use crate::records::{Handle, MandateId};
use crate::store::{Change, Expect, Key, Op, Reader, StoreError, Version};
use crate::territory::Area;
use crate::trail::Applied;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::{KeyError, Keyring};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

/// What an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A natural person.
    Person,
    /// A calling system.
    System,
}

/// What an actor may do at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorState {
    /// Works.
    Active,
    /// Enrolled, without rights until activated.
    Reserve,
    /// Stopped for the time being.
    Suspended,
    /// Gone for good.
    Left,
}

/// A secrecy term that somebody signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecrecyTerm {
    /// When, in microseconds since the epoch.
    pub signed: i64,
    /// Number of the document.
    pub document: String,
}

/// What whoever holds a post brought along, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadinessRecord {
    /// The secrecy term.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrecy_term: Option<SecrecyTerm>,
    /// First moment at which the training counts no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_until: Option<i64>,
}

impl ReadinessRecord {
    /// What a decision weighs of it.
    pub fn weighed(&self) -> Readiness {
        Readiness {
            secrecy_signed: self.secrecy_term.as_ref().map(|term| Micros(term.signed)),
            trained_until: self.trained_until.map(Micros),
        }
    }
}

/// An assignment as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignmentRecord {
    /// Random id.
    pub id: [u8; 16],
    /// The role's slug.
    pub role: String,
    /// The area's digits; nothing for a role of the platform.
    pub area: Option<String>,
    /// The line of business, if it is bound to one.
    pub line: Option<String>,
    /// Whether whoever holds it leads.
    #[serde(default)]
    pub lead: bool,
    /// Whoever gave it and waits for the community's word; nothing for one that is confirmed.
    #[serde(default)]
    pub unconfirmed_by: Option<ActorId>,
    /// For one of a pair, the windows in which it counts: id, first moment, first moment no more.
    #[serde(default)]
    pub windows: Option<Vec<(MandateId, i64, i64)>>,
    /// What its holder brought along.
    #[serde(default)]
    pub readiness: ReadinessRecord,
    /// First moment, in microseconds since the epoch.
    pub from: i64,
    /// First moment no more.
    pub until: Option<i64>,
}

/// An actor as it is kept, sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorRecord {
    /// Its id.
    pub id: ActorId,
    /// The log-in name; erasable with the record.
    pub login: String,
    /// What it is.
    pub kind: ActorKind,
    /// Its state.
    pub state: ActorState,
    /// Where it is placed.
    pub assignments: Vec<AssignmentRecord>,
    /// Tokens issued before this second are refused.
    pub tokens_from: i64,
    /// What its own record is known by: a keyed tag of its subject's audit handle, which leads back to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<[u8; 16]>,
    /// The public key that it logs in by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_in_key: Option<[u8; 32]>,
}

impl ActorRecord {
    /// Ends every token that was issued up to now, this second's too, for ever. What ends them twice in a second ends also what was
    /// issued between, and a clock that went back opens nothing again.
    pub fn end_tokens(&mut self, now: Micros) {
        self.tokens_from = self.tokens_from.max(now.seconds()).saturating_add(1);
    }
}

/// An actor to be added.
pub struct NewActor {
    /// The record.
    pub record: ActorRecord,
}

/// Why the directory cannot take or give something.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A stored actor cannot be opened.
    #[error("a stored actor cannot be opened")]
    Keys(#[from] KeyError),
    /// A stored actor is malformed.
    #[error("a stored actor is malformed")]
    Malformed,
    /// The log-in name is empty, too long or has characters that names do not have.
    #[error("the log-in name is not acceptable")]
    Login,
    /// Too many assignments, or one whose times or area make no sense.
    #[error("an assignment is not acceptable")]
    Assignment,
}

/// An actor as the directory has it now.
pub(super) struct Known {
    pub(super) record: ActorRecord,
    pub(super) version: u64,
    pub(super) assignments: Arc<[Assignment]>,
}

/// The directory.
pub struct Directory {
    keyring: Arc<Keyring>,
    known: RwLock<FxHashMap<ActorId, Arc<Known>>>,
}

impl Directory {
    /// An empty picture; [`Directory::load`] fills it after recovery.
    pub fn new(keyring: Arc<Keyring>) -> Directory {
        Directory { keyring, known: RwLock::default() }
    }

    /// Reads every actor from the store.
    ///
    /// # Errors
    /// The first actor that cannot be read: a directory with a hole is no directory.
    pub async fn load(&self, reader: &Reader) -> Result<(), DirectoryError> {
        const PAGE: usize = 1_024;
        let prefix = Key::actor_prefix();
        let mut after: Option<Key> = None;
        loop {
            let page = reader.scan(&prefix, after.as_ref(), PAGE).await?;
            for (key, stored) in &page {
                let id = key.actor_id().ok_or(DirectoryError::Malformed)?;
                let known = self.open(&id, &stored.payload, stored.version)?;
                self.write().insert(ActorId::from_bytes(id), Arc::new(known));
            }
            match page.last() {
                Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                _ => return Ok(()),
            }
        }
    }

    pub(super) fn get(&self, id: &ActorId) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Every actor, ordered by id.
    pub fn list(&self) -> Vec<ActorRecord> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut records: Vec<ActorRecord> =
            known.values().map(|known| known.record.clone()).collect();
        records.sort_by_key(|record| record.id);
        records
    }

    /// Shows every actor with what its posts are to a decision, in no order, without a copy of any.
    pub fn each(&self, mut seen: impl FnMut(&ActorRecord, &[Assignment])) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().for_each(|known| seen(&known.record, &known.assignments));
    }

    /// Whether an account has this log-in name.
    pub fn has_login(&self, login: &str) -> bool {
        !self.of_logins(&HashSet::from([login])).is_empty()
    }

    /// Who has these log-in names, by name. One walk through the directory, however many are asked for.
    pub fn of_logins(&self, logins: &HashSet<&str>) -> HashMap<String, ActorId> {
        let mut found = HashMap::new();
        self.each(|record, _| {
            if logins.contains(record.login.as_str()) {
                found.insert(record.login.clone(), record.id);
            }
        });
        found
    }

    /// One actor.
    pub fn record(&self, id: &ActorId) -> Option<ActorRecord> {
        self.get(id).map(|known| known.record.clone())
    }

    /// One actor with the version that was read: what is changed by it must not go over what somebody else changed since.
    pub fn record_at(&self, id: &ActorId) -> Option<(ActorRecord, u64)> {
        self.get(id).map(|known| (known.record.clone(), known.version))
    }

    /// What the record of a subject is known by as an actor's own.
    pub fn own_tag(&self, subject: Handle) -> [u8; 16] {
        self.keyring.charge_tag(b"gridvault/own/v1", subject.as_bytes())
    }

    /// Whether a subject's handle, as entries write it, is the actor's own.
    pub fn is_own(&self, id: &ActorId, handle: &str) -> bool {
        let Some(own) = self.get(id).and_then(|known| known.record.own) else { return false };
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(handle).ok();
        let handle = bytes.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        handle.is_some_and(|handle| self.own_tag(Handle::from_bytes(handle)) == own)
    }

    /// The last moment behind one and up to another, in microseconds since 1970, at which a post of the actor ended by the end that it
    /// has. One that somebody took away has its end from then on; one that was taken away before it began ends right behind its
    /// beginning, and ends nothing.
    pub fn lapsed(&self, id: &ActorId, after: u64, through: u64) -> Option<u64> {
        let known = self.get(id)?;
        let posts = known.record.assignments.iter();
        let ends = posts.filter_map(|post| post.until.filter(|until| *until > post.from + 1));
        let ends = ends.filter_map(|until| u64::try_from(until).ok());
        ends.filter(|until| (after + 1..=through).contains(until)).max()
    }

    /// Every account of whoever has one of these: themselves, and those that have the same record as their own. What a second
    /// person is asked for is one person's, however many accounts it has.
    pub fn accounts_of(&self, ids: &[ActorId]) -> Vec<ActorId> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let own: Vec<[u8; 16]> =
            ids.iter().filter_map(|id| known.get(id).and_then(|known| known.record.own)).collect();
        let mut all = ids.to_vec();
        if !own.is_empty() {
            let alike = known.values().filter(|known| {
                known.record.own.is_some_and(|one| own.contains(&one))
                    && !ids.contains(&known.record.id)
            });
            all.extend(alike.map(|known| known.record.id));
        }
        all
    }

    /// Whether somebody who has not left has this record as its own.
    pub fn is_taken(&self, own: &[u8; 16]) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut records = known.values().map(|known| &known.record);
        records.any(|record| record.own.as_ref() == Some(own) && record.state != ActorState::Left)
    }

    /// The steps that add an actor whose log-in name is not taken, nor its own record by another account.
    ///
    /// # Errors
    /// [`DirectoryError::Login`] or [`DirectoryError::Assignment`] for a record that cannot be.
    pub fn addition(&self, actor: &NewActor) -> Result<Change, DirectoryError> {
        let record = &actor.record;
        check_login(&record.login)?;
        check(record)?;
        let mut change = Change::default();
        let payload = self.seal(record)?;
        change.put_new(Key::actor(record.id.as_bytes()), payload);
        let tag = self.keyring.charge_tag(b"gridvault/login/v1", record.login.as_bytes());
        change.put_new(Key::login(&tag), record.id.as_bytes().to_vec());
        // The tag of an own record lies beside those of names, so of two additions at once one finds it there.
        if let Some(own) = &record.own {
            change.put_new(Key::login(own), record.id.as_bytes().to_vec());
        }
        Ok(change)
    }

    /// The steps that replace an actor's record by one derived from it.
    ///
    /// # Errors
    /// As [`Directory::addition`]; [`DirectoryError::Malformed`] when there is no such actor.
    pub fn replacement(&self, record: &ActorRecord) -> Result<Change, DirectoryError> {
        let known = self.get(&record.id).ok_or(DirectoryError::Malformed)?;
        self.replacement_of(record, known.version)
    }

    /// The same by a record that was read at that version; stale once the actor moved on.
    ///
    /// # Errors
    /// As [`Directory::addition`].
    pub fn replacement_of(
        &self,
        record: &ActorRecord,
        version: u64,
    ) -> Result<Change, DirectoryError> {
        check(record)?;
        let key = Key::actor(record.id.as_bytes());
        let version = Version(version);
        let expect = Expect { key: key.clone(), version, stamp: 0 };
        let op = Op::Put(key, version.next(), self.seal(record)?);
        Ok(Change { ops: vec![op], expects: vec![expect] })
    }

    fn seal(&self, record: &ActorRecord) -> Result<Vec<u8>, DirectoryError> {
        let plain = actor_form::written(record)?;
        Ok(self.keyring.seal_attributes(&associated(record.id.as_bytes()), &plain)?)
    }

    fn open(
        &self,
        id: &[u8; 16],
        payload: &[u8],
        version: Version,
    ) -> Result<Known, DirectoryError> {
        let plain = self.keyring.open_attributes(&associated(id), payload)?;
        let record = actor_form::read(&plain)?;
        let assignments = record
            .assignments
            .iter()
            .map(assignment)
            .collect::<Result<Vec<Assignment>, DirectoryError>>()?;
        Ok(Known { record, version: version.0, assignments: assignments.into() })
    }

    pub(super) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, FxHashMap<ActorId, Arc<Known>>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Applied for Directory {
    fn applied(&self, ops: &[Op]) {
        for op in ops {
            let Some(id) = op.key().actor_id() else { continue };
            let known = match op {
                Op::Put(_, version, payload) => self.open(&id, payload, *version).ok(),
                Op::Delete(_) => None,
            };
            // What cannot be opened is not known, and so may nothing.
            match known {
                Some(known) => self.write().insert(ActorId::from_bytes(id), Arc::new(known)),
                None => self.write().remove(&ActorId::from_bytes(id)),
            };
        }
    }
}

pub(super) fn associated(id: &[u8; 16]) -> Vec<u8> {
    [b"gridvault/actor/v1".as_slice(), id].concat()
}

fn assignment(record: &AssignmentRecord) -> Result<Assignment, DirectoryError> {
    let area = match &record.area {
        Some(digits) => Some(digits.parse::<Area>().map_err(|_| DirectoryError::Assignment)?),
        None => None,
    };
    Ok(Assignment {
        id: record.id,
        role: RoleId::new(&record.role),
        area,
        line: record.line.clone(),
        lead: record.lead,
        confirmed: record.unconfirmed_by.is_none(),
        windows: record.windows.as_ref().map(|windows| windows.iter().map(window).collect()),
        ready: record.readiness.weighed(),
        from: Micros(record.from),
        until: record.until.map(Micros),
    })
}

fn window((id, from, until): &(MandateId, i64, i64)) -> Window {
    Window { id: *id, from: Micros(*from), until: Micros(*until) }
}

/// A name is a handle, not a person's name: small letters of ASCII, digits and four marks, beginning with a letter or
/// digit. So two names that look alike, by case, width, composition or script, are never two names.
fn check_login(login: &str) -> Result<(), DirectoryError> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let plain = login.bytes().all(|byte| letter(byte) || b"._-@".contains(&byte));
    let begins = login.bytes().next().is_some_and(letter);
    if begins && plain && login.len() <= LOGIN_CHARACTERS_MAX {
        Ok(())
    } else {
        Err(DirectoryError::Login)
    }
}

fn check(record: &ActorRecord) -> Result<(), DirectoryError> {
    if record.assignments.len() > ASSIGNMENTS_COUNT_MAX {
        return Err(DirectoryError::Assignment);
    }
    for kept in &record.assignments {
        assignment(kept)?;
        if kept.until.is_some_and(|until| until <= kept.from) {
            return Err(DirectoryError::Assignment);
        }
    }
    Ok(())
}
