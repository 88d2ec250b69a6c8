//! Create, read, change and remove one record.
//! Never a default set of fields: a read names what it needs.
//! Answers carry the version as entity tag, for the next change.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{
    Headers, case, case_bytes, case_of_work, expected_version, field_names, purpose, query,
};
use super::super::named::Named;
use super::super::once::{Held, hold, idempotency_key};
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::strict_json::{Members, StrictObject};
use super::super::written::{Object, Written, array, value_of_serde};
use super::super::wrong::Wrong;
use crate::access::{Ask, Code};
use crate::limits::REASON_CHARACTERS_MAX;
use crate::operations::{
    Asked, CreateRequest, Created, PatchRequest, Saying, create_record, delete_record,
    patch_record, read_record,
};
use crate::purposes::{BasisClaim, ConsentClaim, Purpose};
use crate::records::{CaptureId, ExternalRef, ID_CHARACTERS, RecordId, is_free_text};
use crate::seal::{Opened, ShownItem};
use crate::territory::GridCode;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use jiff::civil::Date;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// On what a record is held.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct BasisBody {
    /// The purpose; the same as in the header.
    #[schema(schema_with = forms::slug)]
    purpose: String,
    /// One of the purpose's legal bases.
    #[schema(schema_with = forms::slug)]
    legal_basis: String,
    /// The notice that was given.
    #[schema(schema_with = forms::slug)]
    notice: String,
    /// The consent, where the basis rests on one.
    #[schema(schema_with = forms::maybe_consent)]
    consent: Option<Members<ConsentClaim>>,
}

impl BasisBody {
    pub(in crate::http) fn into_claim(self) -> BasisClaim {
        let BasisBody { purpose, legal_basis, notice, consent } = self;
        let consent = consent.map(|consent| consent.0);
        BasisClaim { purpose, legal_basis, notice, consent }
    }
}

/// A record to be stored.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct CreateBody {
    /// The type of record.
    #[serde(rename = "type")]
    #[schema(schema_with = forms::record_type)]
    pub(in crate::http) kind: String,
    /// The grid: 16 digits, or a 15-digit outside code.
    #[schema(schema_with = forms::grid)]
    pub(in crate::http) grid: String,
    /// A subject that the caller holds: its id, or the link that a match gave.
    #[schema(schema_with = forms::maybe_subject)]
    pub(in crate::http) subject: Option<String>,
    /// Values by field name, as the schema of the type says.
    #[schema(schema_with = forms::fields)]
    pub(in crate::http) fields: StrictObject,
    /// On what it is held.
    #[schema(value_type = BasisBody)]
    pub(in crate::http) basis: Option<Members<BasisBody>>,
    /// An earlier end than the purpose gives, as `YYYY-MM-DD`.
    #[schema(schema_with = forms::maybe_day)]
    pub(in crate::http) retain_until: Option<String>,
    /// A UUID that the device made for this capture: the caller's record of it is made once, for ever.
    #[schema(schema_with = forms::maybe_capture)]
    pub(in crate::http) capture_id: Option<String>,
    /// The calling system's own id, at most 64 characters. It is never shown.
    #[schema(schema_with = forms::maybe_external)]
    pub(in crate::http) external_ref: Option<String>,
}

impl CreateBody {
    /// The request, or for what the body is turned away.
    pub(in crate::http) fn into_request(self) -> Result<CreateRequest, Wrong> {
        let record_type = self.kind.parse().map_err(|_| Wrong::at("type", "unknown_code"))?;
        let retain_until = self.retain_until.as_deref().map(str::parse::<Date>).transpose();
        let retain_until = retain_until.map_err(|_| Wrong::malformed("retain_until"))?;
        let (capture, external) = names(self.capture_id, self.external_ref)?;
        Ok(CreateRequest {
            record_type,
            grid: self.grid,
            subject: self.subject,
            fields: self.fields.0,
            basis: self.basis.ok_or_else(no_basis)?.0.into_claim(),
            retain_until,
            capture,
            external,
        })
    }
}

/// What a body without a basis is turned away for.
pub(in crate::http) fn no_basis() -> Wrong {
    Wrong { code: Code::BasisMissing, ..Wrong::at("basis", "missing") }
}

/// What a device and a calling system call what they store.
pub(in crate::http) fn names(
    capture_id: Option<String>,
    external_ref: Option<String>,
) -> Result<(Option<CaptureId>, Option<ExternalRef>), Wrong> {
    let capture = capture_id.as_deref().map(str::parse).transpose();
    let capture = capture.map_err(|_| Wrong::malformed("capture_id"))?;
    let external = external_ref.map(ExternalRef::new).transpose();
    Ok((capture, external.map_err(|_| Wrong::malformed("external_ref"))?))
}

/// A record that was stored.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct CreatedBody {
    /// The record's id.
    id: String,
    /// Whom it is about; absent for a record about nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// The record's version.
    version: u64,
}

impl From<Created> for CreatedBody {
    fn from(created: Created) -> CreatedBody {
        CreatedBody {
            id: created.id.to_string(),
            subject: created.subject.map(|subject| subject.to_string()),
            version: created.version,
        }
    }
}

/// Fields of a record, as the caller may see them.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape of `Read`, which writes itself")]
pub(in crate::http) struct ReadBody {
    /// The record's id.
    id: String,
    /// Its type.
    #[schema(rename = "type")]
    kind: &'static str,
    /// The grid that it lies in now.
    grid: Option<String>,
    /// Its version.
    version: u64,
    /// Values, in clear or masked; `null` where nothing is held.
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
    /// The fields whose value is masked.
    masked: Vec<String>,
    /// The fields that are not shown.
    withheld: Vec<String>,
    /// Why each withheld field is not shown.
    #[schema(required = false)]
    withheld_because: BTreeMap<String, &'static str>,
}

/// A record on its way out: written member by member, without a tree of values in between.
pub(in crate::http) struct Read {
    opened: Opened,
    grid: Option<GridCode>,
}

impl Written for Read {
    fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
        let shown = self.opened.view();
        let mut read = Object::new(into);
        read.plain("id", shown.id().text(&mut [0; ID_CHARACTERS]));
        read.plain("type", shown.record_type().as_str());
        read.plain_or_null("grid", self.grid.as_ref().map(GridCode::as_str));
        read.value("version", &shown.version())?;
        read.value("fields", &shown.fields())?;
        array(read.member("masked"), shown.masked(), value_of_serde)?;
        let withheld = shown.withheld().map(|(field, _)| field);
        array(read.member("withheld"), withheld, value_of_serde)?;
        if shown.withheld().len() > 0 {
            read.value("withheld_because", &Because(&shown))?;
        }
        read.end();
        Ok(())
    }
}

/// Why each withheld field is not shown.
struct Because<'a>(&'a ShownItem<'a>);

impl Serialize for Because<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.withheld().map(|(field, why)| (field, why.as_str())))
    }
}

/// A change of a record: a merge patch (RFC 7396) over its fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PatchBody {
    /// Fields with their new values; `null` takes a value away.
    #[schema(schema_with = forms::fields)]
    fields: Map<String, Value>,
    /// A further basis.
    #[schema(value_type = Option<BasisBody>)]
    basis: Option<Members<BasisBody>>,
}

/// A record that was changed.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct PatchedBody {
    /// The record's id.
    id: String,
    /// Its version now.
    version: u64,
}

/// Why a record is removed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct DeleteBody {
    /// The reason, in the caller's words; it is kept sealed.
    #[schema(schema_with = forms::reason)]
    reason: String,
}

/// A record that was removed.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DeletedBody {
    /// The record's id.
    id: String,
}

pub(in crate::http) async fn create(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<CreatedBody>, Problem> {
    caller.must_ask(Ask::Create, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let case = case_of_work(&caller, &headers, &rooms).await?;
    let key = idempotency_key(&caller, &headers, &rooms).await?;
    let (body, bytes) =
        body::read_said::<CreateBody>(&caller, &headers, body, Media::Json, &rooms).await?;
    let purpose_id = purpose.id.as_str().as_bytes();
    let parts: [&[u8]; 4] = [b"create_record", purpose_id, case_bytes(case.as_ref()), &bytes];
    let held = hold(&caller, key.as_deref(), &parts, &rooms).await?;
    let request = caller.understood(body.into_request(), &rooms).await?;
    let names: Vec<String> = request.fields.keys().cloned().collect();
    let territory = rooms.territory.load();
    let created = create_record(
        &Asked { case, ..caller.asked_once(purpose, held.as_ref()) },
        request,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
        &*rooms.random,
    )
    .await?;
    let (recorded, saying, version) = (created.recorded, created.saying, created.version);
    caller.wrote(saying, created.id, version, purpose, names, &rooms);
    let answer = Answer::new(CreatedBody::from(created), recorded, rooms.trail.origin());
    Ok(answer.created_as(saying).versioned(version))
}

pub(in crate::http) async fn read(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    RawQuery(raw): RawQuery,
    Headers(headers): Headers,
) -> Result<Answer<Read>, Problem> {
    caller.must_ask(Ask::Read, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let case = case(&caller, &headers, &rooms).await?;
    let [fields] = query(&caller, raw.as_deref(), ["fields"], &rooms).await?;
    let fields = caller.understood(field_names(fields.as_deref()), &rooms).await?;
    let id: RecordId = caller.named(&id, &rooms).await?;
    let territory = rooms.territory.load();
    let opened = read_record(
        &Asked { case, ..caller.asked(purpose) },
        id,
        &fields,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
        &rooms.echoes,
    )
    .await?;
    let grid = territory.grid_of(opened.cell(), caller.now.0);
    let (recorded, version) = (opened.recorded(), opened.version());
    Ok(Answer::new(Read { opened, grid }, recorded, rooms.trail.origin()).versioned(version))
}

pub(in crate::http) async fn patch(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<PatchedBody>, Problem> {
    caller.must_ask(Ask::Update, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let case = case_of_work(&caller, &headers, &rooms).await?;
    let version = expected_version(&caller, &headers, &rooms).await?;
    let key = idempotency_key(&caller, &headers, &rooms).await?;
    let (body, bytes) =
        body::read_said::<PatchBody>(&caller, &headers, body, Media::MergePatch, &rooms).await?;
    let id: RecordId = caller.named(&id, &rooms).await?;
    let expected = version.to_be_bytes();
    let purpose_id = purpose.id.as_str().as_bytes();
    let under = case_bytes(case.as_ref());
    let parts: [&[u8]; 6] = [b"patch_record", purpose_id, under, id.as_bytes(), &expected, &bytes];
    let held = hold(&caller, key.as_deref(), &parts, &rooms).await?;
    let names: Vec<String> = body.fields.keys().cloned().collect();
    let request = PatchRequest {
        id,
        version,
        fields: body.fields,
        basis: body.basis.map(|basis| basis.0.into_claim()),
    };
    let territory = rooms.territory.load();
    let patched = patch_record(
        &Asked { case, ..caller.asked_once(purpose, held.as_ref()) },
        request,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &rooms.purposes,
        &territory,
        &*rooms.random,
    )
    .await?;
    caller.wrote(patched.saying, id, patched.version, purpose, names, &rooms);
    let body = PatchedBody { id: id.to_string(), version: patched.version };
    let answer = Answer::new(body, patched.recorded, rooms.trail.origin());
    Ok(answer.replayed(patched.saying).versioned(patched.version))
}

pub(in crate::http) async fn delete(
    State(rooms): State<Arc<Rooms>>,
    mut caller: Caller,
    Named(id): Named,
    Headers(headers): Headers,
    body: Body,
) -> Result<Answer<DeletedBody>, Problem> {
    caller.must_ask(Ask::Delete, &rooms).await?;
    let purpose = purpose(&caller, &headers, &rooms).await?;
    let version = expected_version(&caller, &headers, &rooms).await?;
    let key = idempotency_key(&caller, &headers, &rooms).await?;
    let (body, bytes) =
        body::read_said::<DeleteBody>(&caller, &headers, body, Media::Json, &rooms).await?;
    if !is_free_text(&body.reason, REASON_CHARACTERS_MAX) {
        let reason = match body.reason.trim().chars().count() {
            0 => "empty",
            length if length > REASON_CHARACTERS_MAX => "too_long",
            _ => "control_character",
        };
        return Err(caller.turn_away_for(&rooms, Wrong::at("reason", reason)).await);
    }
    caller.origin.reason = Some(body.reason.into());
    let id: RecordId = caller.named(&id, &rooms).await?;
    let expected = version.to_be_bytes();
    let purpose_id = purpose.id.as_str().as_bytes();
    let parts: [&[u8]; 5] = [b"delete_record", purpose_id, id.as_bytes(), &expected, &bytes];
    let held = hold(&caller, key.as_deref(), &parts, &rooms).await?;
    let territory = rooms.territory.load();
    let deleted = delete_record(
        &caller.asked_once(purpose, held.as_ref()),
        id,
        version,
        &rooms.store,
        &rooms.seal,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &territory,
    )
    .await?;
    let body = DeletedBody { id: id.to_string() };
    Ok(Answer::new(body, deleted.recorded, rooms.trail.origin()).replayed(deleted.saying))
}

impl Caller {
    /// The frame of a data request.
    pub(in crate::http) fn asked<'a>(&'a self, purpose: &'a Purpose) -> Asked<'a> {
        let (actor, origin, now) = (&self.actor, &self.origin, self.now);
        Asked { actor, purpose, case: None, origin, now, once: None, met: &self.noting.met }
    }

    /// Remembers what the caller just wrote, so that it may read it back; nothing of a write that was only said again.
    fn wrote(
        &self,
        saying: Saying,
        record: RecordId,
        version: u64,
        purpose: &Purpose,
        fields: Vec<String>,
        rooms: &Rooms,
    ) {
        let actor = self.actor.standing().actor;
        rooms.echoes.note(saying, actor, record, version, purpose.id.as_str(), fields, self.now);
    }

    /// The frame of a write that may be said again.
    pub(in crate::http) fn asked_once<'a>(
        &'a self,
        purpose: &'a Purpose,
        held: Option<&'a Held>,
    ) -> Asked<'a> {
        Asked { once: held.map(|held| &held.once), ..self.asked(purpose) }
    }
}
