//! How the keys are, and the words of administrators about a rotation of them.
//! Never a key and never a letter of one: kinds, numbers, moments, and the people whose word it was.
//! What goes on by itself afterwards is the vault's own doing; the status tells how far it is.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use super::approvals::DecisionBody;
use crate::access::{ActorId, Duty};
use crate::ambient::Micros;
use crate::limits::{INDEX_BUCKETS_COUNT, SUBJECT_BUCKETS_COUNT};
use crate::operations::{RotationWord, keys_status, rotate_keys};
use crate::seal::{KeyUses, RotationKind, RotationRecord};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// Which keys are to be replaced.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RotateBody {
    /// `subjects`: the keys of all subject buckets. `tokens`: the key that signs tokens. `log`: the key that signs the log.
    /// `context`: the keys of the contexts of this month's entries and of later ones. `index`: the keys of all index buckets.
    /// `header`: the key over decision attributes of records, and over what else the vault keeps sealed about itself.
    #[schema(schema_with = forms::rotation_kind)]
    what: String,
}

/// A rotation behind somebody's word.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RotationAnswer {
    /// It.
    rotation: RotationBody,
}

/// A rotation of keys.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RotationBody {
    /// Its id.
    id: String,
    /// Which keys.
    #[schema(schema_with = forms::rotation_kind)]
    what: &'static str,
    /// How far it is.
    #[schema(schema_with = forms::rotation_state)]
    state: &'static str,
    /// Who asked for it.
    asked_by: String,
    /// When.
    asked_at: String,
    /// First moment at which nobody may agree to it any more.
    until: String,
    /// Who had the second word.
    decided_by: Option<String>,
    /// When it began.
    begun_at: Option<String>,
    /// When it came to its end.
    ended_at: Option<String>,
    /// How many keys it replaces.
    keys: u16,
    /// How many of them are replaced, the former ones destroyed.
    keys_done: u16,
    /// Until when the former key serves beside the one that follows it, of a key that there is one of.
    overlap_until: Option<String>,
    /// What that one is called in public: the `kid` of tokens, the verifier key of the log.
    next_key: Option<String>,
    /// Since when nothing is under the former header key any more, of a rotation of that. It is destroyed once a second person
    /// says `grant` again, and from then on bulk parts of a backup that are older than this moment restore no more.
    sealed_anew_at: Option<String>,
    /// How many values could not be read then, and go with the former key.
    values_unread: Option<u64>,
}

/// How the keys are.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct KeysStatusBody {
    /// The rotation that is open, or was last.
    rotation: Option<RotationBody>,
    /// The keys of subject buckets.
    subjects: BucketsBody,
    /// The keys of index buckets.
    index: BucketsBody,
    /// The key over decision attributes.
    header: SingleBody,
    /// How often the keys that seal were used, by kind.
    uses: Vec<UsesBody>,
}

/// Uses of the keys of one kind.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct UsesBody {
    /// Which keys: `subjects`, those of subject buckets; `context`, those of contexts; `header`, the one over decision attributes; `root`,
    /// the one over the keyring.
    #[schema(schema_with = forms::key_kind)]
    kind: &'static str,
    /// Uses of the one that was used most often, at most: what a process that ended may have had beyond its own counts too.
    most: u64,
    /// Uses that a key may have. At the last one it seals nothing more, and opens what it sealed.
    max: u64,
    /// Whether it has four fifths of them: another key is due.
    near_end: bool,
}

/// Keys of buckets.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct BucketsBody {
    /// How many.
    count: u16,
    /// Which key of its place the one is that was replaced least often, counted from 1.
    epoch_min: u32,
    /// The same of the one that was replaced most often: by rotations, and of subject buckets by erasures too.
    epoch_max: u32,
    /// How many have the next key beside the present one.
    next_count: usize,
}

/// A key that there is one of.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SingleBody {
    /// Which key of its place it is, counted from 1.
    epoch: u32,
    /// The same of the next one, where one stands beside it.
    next_epoch: Option<u32>,
}

impl UsesBody {
    fn of(uses: &KeyUses) -> UsesBody {
        let KeyUses { kind, most, max } = *uses;
        UsesBody { kind, most, max, near_end: uses.is_near_its_end() }
    }
}

impl RotationBody {
    fn of(record: &RotationRecord) -> RotationBody {
        let moment = |micros: i64| Micros(micros).rfc3339();
        // Of contexts the former has no name outside, and it stays with its month; nor has a header key.
        let is_named = !matches!(record.kind, RotationKind::Context | RotationKind::Header);
        let overlap = record.overlap.as_ref().filter(|_| is_named);
        RotationBody {
            id: record.id.to_string(),
            what: record.kind.as_str(),
            state: record.state.as_str(),
            asked_by: record.asker.to_string(),
            asked_at: moment(record.asked_at),
            until: moment(record.until),
            decided_by: record.decider.as_ref().map(ActorId::to_string),
            begun_at: record.begun_at.map(moment),
            ended_at: record.ended_at.map(moment),
            keys: record.kind.keys_count(),
            keys_done: record.done,
            overlap_until: overlap.map(|overlap| moment(overlap.until)),
            next_key: overlap.map(|overlap| overlap.next.clone()),
            sealed_anew_at: record.sealed_anew_at.map(moment),
            values_unread: record.sealed_anew_at.map(|_| record.unread),
        }
    }
}

pub(in crate::http) async fn status(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<KeysStatusBody>, Problem> {
    let (status, recorded) = keys_status(
        &caller.actor,
        &caller.origin,
        caller.now,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
    )
    .await?;
    let (epoch_min, epoch_max) = status.bucket_epochs;
    let count = SUBJECT_BUCKETS_COUNT;
    let subjects = BucketsBody { count, epoch_min, epoch_max, next_count: status.next_count };
    let (epoch_min, epoch_max, next_count) = status.index;
    let index = BucketsBody { count: INDEX_BUCKETS_COUNT, epoch_min, epoch_max, next_count };
    let rotation = status.rotation.as_ref().map(RotationBody::of);
    let uses = status.uses.iter().map(UsesBody::of).collect();
    let (epoch, next_epoch) = status.header;
    let header = SingleBody { epoch, next_epoch };
    let body = KeysStatusBody { rotation, subjects, index, header, uses };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn ask(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<RotationAnswer>, Problem> {
    caller.must_have(Duty::KeysRotate, &rooms).await?;
    let body: RotateBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let kind = RotationKind::of(&body.what).ok_or_else(|| Wrong::unknown_code("what"));
    let kind = caller.understood(kind, &rooms).await?;
    Ok(said(&caller, RotationWord::Ask(kind), &rooms).await?.created())
}

pub(in crate::http) async fn decide(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<RotationAnswer>, Problem> {
    caller.must_have(Duty::KeysAgree, &rooms).await?;
    let body: DecisionBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let yes = body.is_yes().ok_or_else(|| Wrong::unknown_code("decision"));
    let yes = caller.understood(yes, &rooms).await?;
    let id = caller.named(&id, &rooms).await?;
    said(&caller, RotationWord::Decide { id, yes }, &rooms).await
}

pub(in crate::http) async fn pause(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Answer<RotationAnswer>, Problem> {
    paused(&caller, &id, true, &rooms).await
}

pub(in crate::http) async fn resume(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Answer<RotationAnswer>, Problem> {
    paused(&caller, &id, false, &rooms).await
}

pub(in crate::http) async fn cancel(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Answer<RotationAnswer>, Problem> {
    caller.must_have(Duty::KeysRotate, &rooms).await?;
    let id = caller.named(&id, &rooms).await?;
    said(&caller, RotationWord::Cancel { id }, &rooms).await
}

async fn paused(
    caller: &Caller,
    id: &str,
    still: bool,
    rooms: &Rooms,
) -> Result<Answer<RotationAnswer>, Problem> {
    caller.must_have(Duty::KeysRotate, rooms).await?;
    let id = caller.named(id, rooms).await?;
    said(caller, RotationWord::Pause { id, still }, rooms).await
}

async fn said(
    caller: &Caller,
    word: RotationWord,
    rooms: &Rooms,
) -> Result<Answer<RotationAnswer>, Problem> {
    let (record, recorded) = rotate_keys(
        &caller.actor,
        word,
        &caller.origin,
        caller.now,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &*rooms.random,
    )
    .await?;
    let body = RotationAnswer { rotation: RotationBody::of(&record) };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}
