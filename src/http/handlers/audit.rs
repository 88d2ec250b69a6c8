//! The log, for officers; proofs, for whoever holds a receipt.
//! Never an entry to somebody without the duty.
//! A proof is text in the form of c2sp.org/tlog-proof, as other tools read it.

use super::super::answer::{Answer, put_receipt};
use super::super::caller::Caller;
use super::super::headers::{query, said};
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::vocabulary::{role_names, vocabulary};
use super::super::wrong::Wrong;
use crate::access::Duty;
use crate::limits::{AUDIT_PAGE_COUNT_MAX, EXPORT_PAGE_COUNT_MAX};
use crate::oversight::{
    Format, OversightError, QUESTION_WORDS, Question, Said, Use, Words, explain_entry, prove_entry,
    prove_receipt, read_entries, rebuild_index, search_entries,
};
use crate::trail::Recorded;
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// A page of the log.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct EntriesBody {
    /// The entries, as they were written.
    #[schema(value_type = Vec<Object>)]
    entries: Vec<Value>,
    /// The index to go on from, in a stretch of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    /// Where a search goes on; nothing at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// Entries that a search can find: all below this index.
    indexed: u64,
    /// The first index that is kept: what lay below it was pruned when its retention was over.
    minimum: u64,
    /// How many entries are published.
    size: u64,
}

/// An entry in words, with its proof.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct EntryBody {
    /// The entry, as it was written.
    #[schema(value_type = Object)]
    entry: Value,
    /// Its leaf hash, base64url (RFC 6962 section 2.1).
    leaf: String,
    /// What it records, in words.
    words: WordsBody,
    /// Its proof in the form of c2sp.org/tlog-proof, to be checked with a key from elsewhere.
    proof: String,
    /// Whether entry, proof and checkpoint agree, as the vault itself checked it.
    proven: bool,
}

/// An entry in words.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SaidBody {
    /// The entry, as it was written.
    #[schema(value_type = Object)]
    entry: Value,
    /// Its leaf hash, base64url (RFC 6962 section 2.1).
    leaf: String,
    /// What it records, in words.
    words: WordsBody,
}

impl SaidBody {
    pub(super) fn of(said: Said) -> Result<SaidBody, OversightError> {
        let Words { zh, en } = said.words;
        let entry = parsed(&said.entry)?;
        let leaf = BASE64_URL_SAFE_NO_PAD.encode(said.leaf);
        Ok(SaidBody { entry, leaf, words: WordsBody { zh, en } })
    }
}

/// The same in two languages.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct WordsBody {
    /// In Chinese.
    zh: String,
    /// In English.
    en: String,
}

/// The search index before it is made again.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct IndexBody {
    /// Entries that could be found.
    indexed: u64,
    /// Files that it consisted of.
    segments: usize,
    /// Their length, in bytes.
    bytes: u64,
}

/// A page of an export.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ExportBody {
    /// The line above all others, in the first page of a form that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<String>,
    /// One line for each entry, without its end.
    lines: Vec<String>,
    /// Where it goes on; nothing at its end. It leads on for as long as the log is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// Entries that an export can find: all below this index.
    indexed: u64,
    /// The first index that is kept: what lay below it was pruned when its retention was over.
    minimum: u64,
    /// How many entries are published.
    size: u64,
}

/// The members of an export's query.
pub(in crate::http) const EXPORT_WORDS: [&str; QUESTION_WORDS.len() + 1] = {
    let mut words = ["format"; QUESTION_WORDS.len() + 1];
    let mut at = 0;
    while at < QUESTION_WORDS.len() {
        words[at + 1] = QUESTION_WORDS[at];
        at += 1;
    }
    words
};

pub(in crate::http) async fn export(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Answer<ExportBody>, Problem> {
    caller.must_have(Duty::AuditExport, &rooms).await?;
    let [format, members @ ..] = query(&caller, raw.as_deref(), EXPORT_WORDS, &rooms).await?;
    let format = said(format, "format", Format::parse);
    let format = format.and_then(|format| format.ok_or_else(|| Wrong::at("format", "missing")));
    let format = caller.understood(format, &rooms).await?;
    let question = asked(members, EXPORT_PAGE_COUNT_MAX);
    let question = caller.understood(question, &rooms).await?;
    let header = format.header().filter(|_| question.is_first_page());
    let found = search_entries(
        &caller.actor,
        question,
        Use::EXPORT,
        &caller.origin,
        caller.now,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
        &rooms.index,
        &rooms.store,
        &rooms.seal,
    )
    .await?;
    let origin = rooms.trail.origin();
    let lines = found.entries.iter().map(|entry| format.line(entry, origin));
    let lines = lines.collect::<Option<Vec<String>>>().ok_or(OversightError::Malformed)?;
    let (cursor, indexed, minimum, size) = (found.cursor, found.indexed, found.minimum, found.size);
    let body = ExportBody { header, lines, cursor, indexed, minimum, size };
    Ok(Answer::new(body, found.recorded, origin))
}

/// What is asked of the log, for pages of so many entries at most.
fn asked(members: [Option<String>; QUESTION_WORDS.len()], most: usize) -> Result<Question, Wrong> {
    let question = Question::parse(members).map_err(Wrong::malformed)?;
    match (1..=most).contains(&question.limit) {
        true => Ok(question),
        false => Err(Wrong::out_of_range("limit")),
    }
}

pub(in crate::http) async fn entries(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Answer<EntriesBody>, Problem> {
    caller.must_have(Duty::AuditRead, &rooms).await?;
    let members = query(&caller, raw.as_deref(), QUESTION_WORDS, &rooms).await?;
    let question = caller.understood(asked(members, AUDIT_PAGE_COUNT_MAX), &rooms).await?;
    if question.is_plain() {
        return stretch(&caller, question.from.unwrap_or(0), question.limit, &rooms).await;
    }
    let found = search_entries(
        &caller.actor,
        question,
        Use::LOOK,
        &caller.origin,
        caller.now,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
        &rooms.index,
        &rooms.store,
        &rooms.seal,
    )
    .await?;
    let entries = found.entries.iter().map(|entry| parsed(entry)).collect::<Result<_, _>>()?;
    let body = EntriesBody {
        entries,
        next: None,
        cursor: found.cursor,
        indexed: found.indexed,
        minimum: found.minimum,
        size: found.size,
    };
    Ok(Answer::new(body, found.recorded, rooms.trail.origin()))
}

fn parsed(entry: &[u8]) -> Result<Value, OversightError> {
    serde_json::from_slice(entry).map_err(|_| OversightError::Malformed)
}

async fn stretch(
    caller: &Caller,
    from: u64,
    limit: usize,
    rooms: &Rooms,
) -> Result<Answer<EntriesBody>, Problem> {
    let page = read_entries(
        &caller.actor,
        from,
        limit,
        &caller.origin,
        caller.now,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
    )
    .await?;
    let body = EntriesBody {
        entries: page.entries,
        next: Some(page.next),
        cursor: None,
        indexed: rooms.index.state().indexed,
        minimum: page.minimum,
        size: page.size,
    };
    Ok(Answer::new(body, page.recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn entry(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(index): Named,
) -> Result<Answer<EntryBody>, Problem> {
    caller.must_have(Duty::AuditRead, &rooms).await?;
    let index: u64 = caller.named(&index, &rooms).await?;
    let role = role_names(&rooms);
    let explained = explain_entry(
        &caller.actor,
        index,
        &caller.origin,
        caller.now,
        &vocabulary(&rooms, &role),
        &rooms.access,
        &rooms.trail,
        &rooms.log,
        &rooms.trail.log_key(),
    )
    .await?;
    let SaidBody { entry, leaf, words } = SaidBody::of(explained.said)?;
    let (proof, proven) = (explained.proof, explained.proven);
    let body = EntryBody { entry, leaf, words, proof, proven };
    Ok(Answer::new(body, explained.recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn entry_proof(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(index): Named,
) -> Result<Response, Problem> {
    caller.must_have(Duty::AuditProof, &rooms).await?;
    let index: u64 = caller.named(&index, &rooms).await?;
    let (text, recorded) = prove_entry(
        &caller.actor,
        index,
        &caller.origin,
        caller.now,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
    )
    .await?;
    Ok(proof_file(text, recorded, &rooms))
}

pub(in crate::http) async fn rebuild(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<IndexBody>, Problem> {
    let (before, recorded) = rebuild_index(
        &caller.actor,
        &caller.origin,
        caller.now,
        &rooms.access,
        &rooms.trail,
        &rooms.index,
        &rooms.anomalies,
    )
    .await?;
    let body =
        IndexBody { indexed: before.indexed, segments: before.segments, bytes: before.bytes };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn proof(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(index): Named,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let [leaf] = query(&caller, raw.as_deref(), ["leaf"], &rooms).await?;
    let bytes = |leaf: &str| BASE64_URL_SAFE_NO_PAD.decode(leaf).ok()?.try_into().ok();
    let leaf = said::<[u8; 32]>(leaf, "leaf", bytes);
    let leaf = leaf.and_then(|leaf| leaf.ok_or_else(|| Wrong::at("leaf", "missing")));
    let leaf = caller.understood(leaf, &rooms).await?;
    let index: u64 = caller.named(&index, &rooms).await?;
    let proof = prove_receipt(
        &caller.actor,
        index,
        &leaf,
        &caller.origin,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
    )
    .await?;
    Ok(proof_file(proof.text, proof.recorded, &rooms))
}

fn proof_file(text: String, recorded: Recorded, rooms: &Rooms) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    put_receipt(headers, rooms.trail.origin(), recorded);
    response
}
