//! Finds entries by what they say, for officers: who did what, to which record, where, why and how it ended.
//! Never shows an entry that was not compared with the question, and never before the search itself is recorded.
//! The entry of a search names the actor, record or subject that was searched for: who watches is seen too.

use super::entries::TheLog;
use super::entry::LogEntry;
use super::error::{OversightError, record, refuse, refuse_at, turn_away};
use super::index::{Clause, Index, Kind, Wanted};
use super::question::Question;
use crate::access::{Access, Code, Duty, Origin};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::limits::CURSOR_SECONDS;
use crate::records::{Handle, RecordId};
use crate::seal::{CursorOwner, Seal};
use crate::store::{Fetched, Reader};
use crate::trail::{Recorded, Trail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::LogReader;

/// Entries of a bundle, which the log reads at once.
const BUNDLE: u64 = 256;

/// A page of a search.
pub struct Found {
    /// The entries, as they were written, in the order that was asked for.
    pub entries: Vec<Vec<u8>>,
    /// Where to go on; nothing at the end.
    pub cursor: Option<String>,
    /// Entries that can be found: all below this index.
    pub indexed: u64,
    /// The first index that was not pruned: nothing below it can be found any more.
    pub minimum: u64,
    /// Entries that are published.
    pub size: u64,
    /// The entry of this search.
    pub recorded: Recorded,
}

/// What a search is for.
#[derive(Clone, Copy)]
pub struct Use {
    /// What the caller must be allowed.
    pub duty: Duty,
    /// Largest page.
    pub page_count_max: usize,
    /// How long a cursor leads on; for ever without it.
    pub cursor_seconds: Option<i64>,
}

impl Use {
    /// To be looked at.
    pub const LOOK: Use = Use {
        duty: Duty::AuditRead,
        page_count_max: crate::limits::AUDIT_PAGE_COUNT_MAX,
        cursor_seconds: Some(CURSOR_SECONDS),
    };

    /// To be taken out: in long pages, and to be gone on with after days.
    pub const EXPORT: Use = Use {
        duty: Duty::AuditExport,
        page_count_max: crate::limits::EXPORT_PAGE_COUNT_MAX,
        cursor_seconds: None,
    };
}

/// Searches.
///
/// # Errors
/// `denied` without the duty, `schema_invalid` for a page above the limit or a cursor that does not lead on,
/// `not_found` for a record or subject of which nothing is held.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn search_entries(
    actor: &Actor,
    mut question: Question,
    what: Use,
    origin: &Origin,
    now: Micros,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
    index: &Index,
    store: &Reader,
    seal: &Seal,
) -> Result<Found, OversightError> {
    let standing = actor.standing();
    let permit = match access.decide_duty(standing, what.duty, origin, now, TheLog) {
        Ok(permit) => permit,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let turned_away = async |code| turn_away(standing, code, origin, access, trail).await;
    let call = what.duty.as_str();
    let owner = CursorOwner { actor: standing.actor, question: question.digest(call) };
    let begin = match &question.cursor {
        None => None,
        Some(cursor) => {
            let position = seal.position(&owner, cursor, now);
            let Some(position) = position.and_then(|bytes| bytes.try_into().ok()) else {
                let denied = access.refuse(Some(standing), Code::SchemaInvalid, origin);
                return Err(refuse_at(trail, denied, "cursor", "wrong_cursor").await);
            };
            Some(u64::from_be_bytes(position))
        }
    };
    if question.limit == 0 || question.limit > what.page_count_max {
        return Err(turned_away(Code::SchemaInvalid).await);
    }
    let Some((records, subjects)) = translate(&mut question, store, seal).await? else {
        return Err(turned_away(Code::NotFound).await);
    };
    let permit = permit.concerning(records, subjects);
    let permit = match question.actor {
        Some(actor) => permit.about(actor),
        None => permit,
    };
    let recorded = record(permit, standing, origin, access, trail).await?;
    let _place = index.place().await;
    let (log, index) = (log.clone(), index.clone());
    let page = tokio::task::spawn_blocking(move || look_up(&question, begin, &log, &index)).await;
    let page = page.map_err(|_| OversightError::Broken)??;
    let ends = what.cursor_seconds.map(|seconds| Micros(now.0 + seconds * 1_000_000));
    let cursor =
        page.next.map(|next| seal.cursor(&owner, &next.to_be_bytes(), ends)).transpose()?;
    Ok(Found {
        entries: page.entries,
        cursor: cursor.map(|cursor| cursor.as_str().to_owned()),
        indexed: page.indexed,
        minimum: page.minimum,
        size: page.size,
        recorded,
    })
}

/// Puts handles in place of the ids of a record and a subject. Nothing where nothing is held of them: a handle is
/// destroyed with its record, and what the log says of it can then be found by the handle alone.
pub(super) async fn translate(
    question: &mut Question,
    store: &Reader,
    seal: &Seal,
) -> Result<Option<(Vec<Handle>, Vec<Handle>)>, OversightError> {
    let (mut records, mut subjects) = (Vec::new(), Vec::new());
    if let Some(id) = question.record {
        let Some(handle) = handle_of_record(id, store, seal).await? else { return Ok(None) };
        records.push(handle);
    }
    if let Some(id) = question.subject {
        let Some(handle) = seal.handle_of(id, store).await? else { return Ok(None) };
        subjects.push(handle);
    }
    let clause = |kind, handle: &Handle| Clause {
        kind,
        value: BASE64_URL_SAFE_NO_PAD.encode(handle.as_bytes()),
    };
    question.clauses.extend(records.iter().map(|handle| clause(Kind::Record, handle)));
    question.clauses.extend(subjects.iter().map(|handle| clause(Kind::Subject, handle)));
    // Whoever knows a handle already is named with it just as well.
    for Clause { kind, value } in &question.clauses {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(value).ok();
        let handle = bytes.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
        match (kind, handle.map(Handle::from_bytes)) {
            (Kind::Record, Some(handle)) if !records.contains(&handle) => records.push(handle),
            (Kind::Subject, Some(handle)) if !subjects.contains(&handle) => subjects.push(handle),
            _ => {}
        }
    }
    Ok(Some((records, subjects)))
}

async fn handle_of_record(
    id: RecordId,
    store: &Reader,
    seal: &Seal,
) -> Result<Option<Handle>, OversightError> {
    match store.fetch(id).await? {
        Fetched::Found(sealed) => Ok(Some(seal.facts(&sealed)?.record_handle)),
        Fetched::Erased(..) | Fetched::Missing => Ok(None),
    }
}

/// What a page is made of.
pub struct Page {
    /// The entries, as they were written.
    pub entries: Vec<Vec<u8>>,
    /// The index to go on from, in the direction of the search.
    pub next: Option<u64>,
    /// Entries that can be found: all below this index.
    pub indexed: u64,
    /// The first index that was not pruned.
    pub minimum: u64,
    /// Entries that are published.
    pub size: u64,
}

/// Looks a page up and compares each entry with the question: the work behind a search, without decision and entry. Ids of
/// records and subjects are handles by then. Blocks while it reads.
///
/// # Errors
/// What keeps index or log from being read.
pub fn look_up(
    question: &Question,
    begin: Option<u64>,
    log: &LogReader,
    index: &Index,
) -> Result<Page, OversightError> {
    let indexed = index.state().indexed;
    let minimum = log.minimum()?.index;
    let from = question.from.unwrap_or(0).max(minimum);
    let within = match (begin, question.newest_first) {
        (Some(begin), true) => from..begin.saturating_add(1).min(indexed),
        (Some(begin), false) => begin.max(from)..indexed,
        (None, _) => from..indexed,
    };
    let mut wanted = Wanted::within(within, question.newest_first, question.limit);
    (wanted.since, wanted.until) = (question.since, question.until);
    let places = index.search(&question.clauses, wanted)?;
    let size = log.size()?;
    let mut entries = Vec::with_capacity(places.indexes.len());
    for (at, bytes) in fetch(log, &places.indexes)? {
        let entry = LogEntry::parse(&bytes).ok_or(OversightError::Malformed)?;
        if entry.seq == at && question.holds(&entry) {
            entries.push(bytes);
        }
    }
    if question.newest_first {
        entries.reverse();
    }
    Ok(Page { entries, next: places.next, indexed, minimum, size })
}

/// Entries with their indexes, ascending; each bundle of the log is read once.
pub(super) fn fetch(
    log: &LogReader,
    indexes: &[u64],
) -> Result<Vec<(u64, Vec<u8>)>, OversightError> {
    let mut indexes = indexes.to_vec();
    indexes.sort_unstable();
    let mut found = Vec::with_capacity(indexes.len());
    for run in indexes.chunk_by(|one, other| one / BUNDLE == other / BUNDLE) {
        let (first, last) = (run[0], run[run.len() - 1]);
        let mut entries = log.entries(first, (last - first + 1) as usize)?;
        for at in run {
            let entry = entries.get_mut((at - first) as usize).ok_or(OversightError::Malformed)?;
            found.push((*at, std::mem::take(entry)));
        }
    }
    Ok(found)
}
