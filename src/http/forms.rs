//! The forms that words have at the door, as the OpenAPI document tells them to clients.
//! Never checks a request: parsers do, and the schemathesis campaign sends whatever the two might see differently.
//! Lengths come from `limits` and vocabularies from the rooms that own them, so that neither is typed twice.

mod keys;
mod mandates;
mod rights;
mod unsealing;
mod urgent;

use super::handlers::consents::PROOFS;
use super::handlers::erasure::REASONS;

pub(super) use keys::{
    ceremony_request, handed_root, key_kind, rotation_kind, rotation_state, ways,
};
pub(super) use mandates::{
    approval_kind, approval_minutes, approval_state, case, case_of_work, consented_ids, decision,
    document, maybe_budget, maybe_document, place_ids, record_ids, task_kind, task_state,
};
pub(super) use rights::{
    due_kind, due_limit, due_state, hold_reason, maybe_consent_giver, maybe_identity_proof,
    release_reason, restriction_reason,
};
pub(super) use unsealing::{maybe_passphrase, maybe_pin, maybe_share, origin, seal_state};
pub(super) use urgent::{
    dwelling_ids, glass_finding, household_ids, legal_kind, official_people, raised_minutes,
    raised_people, tier,
};

use crate::limits::{
    AUDIT_PAGE_COUNT_MAX, EXPIRING_DAYS_MAX, EXPORT_PAGE_COUNT_MAX, EXTERNAL_REF_CHARACTERS_MAX,
    FIELD_LIST_ITEMS_MAX, FIELD_TEXT_CHARACTERS_MAX, IDEMPOTENCY_KEY_CHARACTERS_MAX,
    LOGIN_CHARACTERS_MAX, POSTS_PAGE_COUNT_MAX, QUERY_PAGE_COUNT_MAX, READ_FIELDS_COUNT_MAX,
    REASON_CHARACTERS_MAX, RECORD_FIELDS_MAX, REMARK_CHARACTERS_MAX, REVIEW_ENTRIES_COUNT_MAX,
    SAMPLE_EACH_COUNT_MAX, SAMPLE_WITHOUT_COUNT_MAX, SLUG_CHARACTERS_MAX, TOKEN_BYTES_MAX,
    TOKEN_LIFE_SECONDS_MAX,
};
use crate::operations::Age;
use crate::oversight::{
    AnomalyState, Format, ItemState, Outcome, ReviewState, RuleName, event_names,
};
use crate::records::RecordType;
use serde_json::{Value, json};
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, Array, ArrayBuilder, Object, ObjectBuilder, OneOfBuilder,
    Schema, SchemaType, Type,
};

/// A bearer of 16 bytes in base64url: the last of its 22 characters carries four bits.
const SIXTEEN_BYTES: &str = "^[A-Za-z0-9_-]{21}[AQgw]$";
/// 32 bytes in base64url: the last of the 43 characters carries two bits less.
const THIRTY_TWO_BYTES: &str = "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$";
/// An id as the vault writes it: one form alone (RFC 9562 section 4, lower case).
const ID: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
/// An id as another system may write it.
const ID_OF_ANY_CASE: &str =
    "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$";
/// The name of a field, purpose, basis, notice or line.
const SLUG: &str = "^[a-z][a-z0-9_]*$";
/// Bytes in base64url, which only their maker can read.
const CURSOR: &str = "^[A-Za-z0-9_-]{1,2048}$";
/// The code of an area: as many digits as its level has.
const AREA: &str = "^([0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{16})$";
/// The level of a tile of hashes.
const LEVEL: &str = "^([0-9]|[1-5][0-9]|6[0-3])$";
/// The number of a tile in groups of three digits, and the width of a partial one.
const TILE: &str = r"^(x[0-9]{3}/)*[0-9]{3}(\.p/[1-9][0-9]{0,2})?$";
/// A moment in UTC (RFC 3339).
const MOMENT: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$";
/// A strong entity tag (RFC 9110 section 8.8.3) around a version.
const VERSION_TAG: &str = r#"^"[1-9][0-9]{0,17}"$"#;

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn of(pattern: &str) -> ObjectBuilder {
    text().pattern(Some(pattern))
}

fn or_null(form: ObjectBuilder, kind: Type) -> Object {
    form.schema_type(SchemaType::from_iter([kind, Type::Null])).build()
}

/// A name that policies, purposes or schemas define.
pub(super) fn slug() -> Object {
    of(SLUG).max_length(Some(SLUG_CHARACTERS_MAX)).build()
}

/// The same, where it may be left out.
pub(super) fn maybe_slug() -> Object {
    or_null(of(SLUG).max_length(Some(SLUG_CHARACTERS_MAX)), Type::String)
}

/// A type of record.
pub(super) fn record_type() -> Object {
    text().enum_values(Some(RecordType::ALL.map(RecordType::as_str))).build()
}

/// The id of a record.
pub(super) fn record_id() -> Object {
    of(ID).build()
}

/// The same, where it may be left out.
pub(super) fn maybe_record_id() -> Object {
    or_null(of(ID), Type::String)
}

/// A subject: its id, or the link that a match gave.
pub(super) fn maybe_subject() -> Object {
    or_null(text().max_length(Some(SUBJECT_CHARACTERS)), Type::String)
}

/// A link is longer than an id and shorter than this.
const SUBJECT_CHARACTERS: usize = 256;

/// The id of an actor.
pub(super) fn actor_id() -> Object {
    of(SIXTEEN_BYTES).build()
}

/// The same, where it may be left out.
pub(super) fn maybe_actor_id() -> Object {
    or_null(of(SIXTEEN_BYTES), Type::String)
}

/// A one-time code.
pub(super) fn one_time_code() -> Object {
    text().min_length(Some(1)).max_length(Some(SLUG_CHARACTERS_MAX)).build()
}

/// A public key: 32 bytes in base64url, where it may be left out.
pub(super) fn maybe_public_key() -> Object {
    or_null(of(THIRTY_TWO_BYTES), Type::String)
}

/// A signed JWT: three parts in base64url.
pub(super) fn proof() -> Object {
    of("^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$")
        .max_length(Some(TOKEN_BYTES_MAX))
        .build()
}

/// A grid: 16 digits, or a 15-digit code of another system.
pub(super) fn grid() -> Object {
    of("^[0-9]{15,16}$").build()
}

/// The same, where it may be left out.
pub(super) fn maybe_grid() -> Object {
    or_null(of("^[0-9]{15,16}$"), Type::String)
}

/// An area: as many digits as its level has.
pub(super) fn maybe_area() -> Object {
    or_null(of(AREA), Type::String)
}

/// A day.
pub(super) fn day() -> Object {
    of("^[0-9]{4}-[0-9]{2}-[0-9]{2}$").build()
}

/// The same, where it may be left out.
pub(super) fn maybe_day() -> Object {
    or_null(of("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), Type::String)
}

/// A moment (RFC 3339).
pub(super) fn maybe_moment() -> Object {
    or_null(of(MOMENT), Type::String)
}

/// How long a token lives, in seconds.
pub(super) fn maybe_life() -> Object {
    let form = ObjectBuilder::new().minimum(Some(1)).maximum(Some(TOKEN_LIFE_SECONDS_MAX));
    or_null(form, Type::Integer)
}

/// A log-in name.
pub(super) fn login() -> Object {
    of("^[a-z0-9][a-z0-9._@-]*$").max_length(Some(LOGIN_CHARACTERS_MAX)).build()
}

/// The same, where it may be left out.
pub(super) fn maybe_login() -> Object {
    let form = of("^[a-z0-9][a-z0-9._@-]*$").max_length(Some(LOGIN_CHARACTERS_MAX));
    or_null(form, Type::String)
}

/// A person or a system.
pub(super) fn actor_kind() -> Object {
    text().enum_values(Some(["person", "system"])).build()
}

/// What may be asked to be explained.
pub(super) fn action() -> Object {
    text().enum_values(Some(["read", "create", "update", "delete", "match"])).build()
}

/// A consent, where the basis rests on one.
pub(super) fn maybe_consent() -> Schema {
    or_nothing(consent())
}

/// A consent: who, how, when.
pub(super) fn consent() -> Object {
    let by = text().enum_values(Some(["self", "guardian"]));
    let method = text().enum_values(Some(["written", "oral", "electronic"]));
    let consent = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("by", by)
        .property("method", method)
        .property("given_on", day())
        .required("by")
        .required("method")
        .required("given_on")
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    consent.build()
}

fn or_nothing(form: Object) -> Schema {
    let nothing = ObjectBuilder::new().schema_type(Type::Null);
    Schema::OneOf(OneOfBuilder::new().item(form).item(nothing).build())
}

/// Why something is removed. Characters that hide or turn the writing are refused besides.
pub(super) fn reason() -> Object {
    // One character that is no blank must be in it.
    of(r"\S").min_length(Some(1)).max_length(Some(REASON_CHARACTERS_MAX)).build()
}

/// What the items of one request call each other.
pub(super) fn reference() -> Object {
    slug()
}

/// Values by field name, as the schema of the type says.
pub(super) fn fields() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(Some(Schema::Object(slug())))
        .additional_properties(Some(AdditionalProperties::from(value())))
        .max_properties(Some(RECORD_FIELDS_MAX))
        .build()
}

/// The same, where it may be left out.
pub(super) fn maybe_fields() -> Schema {
    or_nothing(fields())
}

/// What a device named its capture: a UUID, in any case of letters.
pub(super) fn maybe_capture() -> Object {
    or_null(of(ID_OF_ANY_CASE), Type::String)
}

/// What another system calls a record: no control characters, none that hide or turn text around.
pub(super) fn maybe_external() -> Object {
    or_null(of(r"^[^\p{C}]+$").max_length(Some(EXTERNAL_REF_CHARACTERS_MAX)), Type::String)
}

/// The key of a write.
pub(super) fn idempotency_key() -> Value {
    json!({
        "type": "string", "pattern": "^[!-~]+$", "minLength": 1,
        "maxLength": IDEMPOTENCY_KEY_CHARACTERS_MAX,
    })
}

/// The value of a field. `null` takes one away.
fn value() -> Schema {
    let text = || text().max_length(Some(FIELD_TEXT_CHARACTERS_MAX));
    let whole = ObjectBuilder::new().schema_type(Type::Integer).format(Some(
        utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Int64),
    ));
    let list =
        ArrayBuilder::new().items(text()).min_items(Some(1)).max_items(Some(FIELD_LIST_ITEMS_MAX));
    let nothing = ObjectBuilder::new().schema_type(Type::Null);
    Schema::AnyOf(AnyOfBuilder::new().item(text()).item(whole).item(list).item(nothing).build())
}

/// A value that is looked for.
pub(super) fn looked_for() -> Object {
    text().min_length(Some(1)).max_length(Some(FIELD_TEXT_CHARACTERS_MAX)).build()
}

/// Field names, each once.
pub(super) fn named_fields() -> Array {
    ArrayBuilder::new()
        .items(slug())
        .min_items(Some(1))
        .max_items(Some(READ_FIELDS_COUNT_MAX))
        .unique_items(true)
        .build()
}

/// The same, in a query string.
pub(super) fn field_names() -> Value {
    json!(named_fields())
}

/// One field and the value that its records share.
pub(super) fn maybe_matched() -> Schema {
    let one = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(Some(Schema::Object(slug())))
        .additional_properties(Some(AdditionalProperties::from(Schema::Object(looked_for()))))
        .min_properties(Some(1))
        .max_properties(Some(1));
    or_nothing(one.build())
}

/// How many records a page may have.
pub(super) fn maybe_page_limit() -> Object {
    or_null(
        ObjectBuilder::new().minimum(Some(1)).maximum(Some(QUERY_PAGE_COUNT_MAX as u64)),
        Type::Integer,
    )
}

/// The same, in a query string.
pub(super) fn page_limit() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": QUERY_PAGE_COUNT_MAX})
}

/// A cursor, as a page gave it.
pub(super) fn maybe_cursor() -> Object {
    or_null(of(CURSOR), Type::String)
}

/// The same, in a query string.
pub(super) fn cursor() -> Value {
    json!({"type": "string", "pattern": CURSOR})
}

/// A purpose, in a header.
pub(super) fn purpose() -> Value {
    json!(slug())
}

/// The version that the caller saw, in a header.
pub(super) fn version_tag() -> Value {
    json!({"type": "string", "pattern": VERSION_TAG})
}

/// The leaf hash of a receipt.
pub(super) fn leaf() -> Value {
    json!({"type": "string", "pattern": THIRTY_TWO_BYTES})
}

/// A place in the log.
pub(super) fn index() -> Value {
    json!({"type": "integer", "minimum": 0, "maximum": u64::MAX})
}

/// Within how many days something ends.
pub(super) fn within_days() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": EXPIRING_DAYS_MAX})
}

/// How many lines of a list of posts or grids.
pub(super) fn posts_limit() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": POSTS_PAGE_COUNT_MAX})
}

/// A grid, in a query string.
pub(super) fn grid_in_query() -> Value {
    json!({"type": "string", "pattern": "^[0-9]{15,16}$"})
}

/// An id of 16 bytes, in a query string.
pub(super) fn sixteen_bytes() -> Value {
    json!({"type": "string", "pattern": SIXTEEN_BYTES})
}

/// An id as the data plane has it, or a handle as entries have it.
pub(super) fn id_or_handle() -> Value {
    let id = ID.trim_end_matches('$').trim_start_matches('^');
    let handle = SIXTEEN_BYTES.trim_end_matches('$').trim_start_matches('^');
    json!({"type": "string", "pattern": format!("^({id}|{handle})$")})
}

/// The same, where it may be left out.
pub(super) fn maybe_id_or_handle() -> Object {
    let form = id_or_handle();
    or_null(of(form["pattern"].as_str().unwrap_or_default()), Type::String)
}

/// How something ended, where it may be left out.
pub(super) fn maybe_outcome() -> Schema {
    let outcomes = text().enum_values(Some(["success", "denied", "error", "aborted"]));
    or_nothing(outcomes.build())
}

/// An event or a family of events, where it may be left out.
pub(super) fn maybe_event() -> Schema {
    or_nothing(text().enum_values(Some(event_names())).build())
}

/// The code of an area, in a query string.
pub(super) fn area_code() -> Value {
    json!({"type": "string", "pattern": AREA})
}

/// A name that policies, purposes or schemas define, in a query string.
pub(super) fn word() -> Value {
    json!(slug())
}

/// How something ended.
pub(super) fn outcome() -> Value {
    json!({"type": "string", "enum": ["success", "denied", "error", "aborted"]})
}

/// A rule: role, slash, line or duty.
pub(super) fn rule() -> Value {
    json!({"type": "string", "pattern": "^[a-z0-9_.-]{1,64}/[a-z0-9_.-]{1,64}$"})
}

/// An event or a family of events.
pub(super) fn event() -> Value {
    json!({"type": "string", "enum": event_names()})
}

/// A type of record, in a query string.
pub(super) fn kind_of_record() -> Value {
    json!(record_type())
}

/// A moment in UTC, in a query string.
pub(super) fn moment() -> Value {
    json!({"type": "string", "pattern": MOMENT})
}

/// A day, in a query string.
pub(super) fn date() -> Value {
    json!(day())
}

/// Which end of the log comes first.
pub(super) fn order() -> Value {
    json!({"type": "string", "enum": ["newest", "oldest"]})
}

/// A form of exported lines.
pub(super) fn export_format() -> Value {
    json!({"type": "string", "enum": Format::ALL.map(Format::as_str)})
}

/// How many lines a page of an export may have.
pub(super) fn export_limit() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": EXPORT_PAGE_COUNT_MAX})
}

/// How many entries a page of the log may have.
pub(super) fn audit_limit() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": AUDIT_PAGE_COUNT_MAX})
}

/// Indexes of entries, each once, where they may be left out.
pub(super) fn maybe_indexes() -> Schema {
    let index = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let indexes = ArrayBuilder::new()
        .items(index)
        .min_items(Some(1))
        .max_items(Some(REVIEW_ENTRIES_COUNT_MAX))
        .unique_items(true);
    let nothing = ObjectBuilder::new().schema_type(Type::Null);
    Schema::OneOf(OneOfBuilder::new().item(indexes).item(nothing).build())
}

/// How many entries of each role are drawn.
pub(super) fn sample_each() -> Object {
    let form = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    form.maximum(Some(i64::from(SAMPLE_EACH_COUNT_MAX))).build()
}

/// Officers whose entries are not drawn.
pub(super) fn left_out() -> Array {
    ArrayBuilder::new().items(actor_id()).max_items(Some(SAMPLE_WITHOUT_COUNT_MAX)).build()
}

/// How far something to be put right is.
pub(super) fn item_state() -> Value {
    json!({"type": "string", "enum": ItemState::ALL.map(ItemState::as_str)})
}

/// What an officer writes.
pub(super) fn remark() -> Object {
    of(r"\S").min_length(Some(1)).max_length(Some(REMARK_CHARACTERS_MAX)).build()
}

/// What a review found.
pub(super) fn review_outcome() -> Object {
    text().enum_values(Some(Outcome::ALL.map(Outcome::as_str))).build()
}

/// How far a review is.
pub(super) fn review_state() -> Value {
    json!({"type": "string", "enum": ReviewState::ALL.map(ReviewState::as_str)})
}

/// A rule for anomalies.
pub(super) fn anomaly_rule() -> Value {
    json!({"type": "string", "enum": RuleName::ALL.map(RuleName::as_str)})
}

/// What became of an anomaly.
pub(super) fn anomaly_state() -> Value {
    json!({"type": "string", "enum": AnomalyState::ALL.map(AnomalyState::as_str)})
}

/// The parameter of a path.
pub(super) fn of_path(path: &str, name: &str) -> Value {
    match name {
        "id" if path.starts_with("/v1/admin/actors/") => json!(actor_id()),
        "type" => json!(record_type()),
        "index" => index(),
        "level" => json!(of(LEVEL).build()),
        "tile" => json!(of(TILE).build()),
        "review" | "item" => sixteen_bytes(),
        _ => json!(record_id()),
    }
}

/// The id of a request, in a header.
pub(super) fn request_id() -> Value {
    json!({"type": "string", "format": "uuid"})
}

/// Origin and index of an entry, in a header.
pub(super) fn receipt_place() -> Value {
    json!({"type": "string", "pattern": "^[^#]+#[0-9]+$"})
}

/// A moment, in a body.
pub(super) fn body_moment() -> Object {
    of(MOMENT).build()
}

/// Who gives or takes back a consent.
pub(super) fn consent_giver() -> Object {
    text().enum_values(Some(["self", "guardian"])).build()
}

/// An age, where it may be left out.
pub(super) fn maybe_age() -> Schema {
    or_nothing(text().enum_values(Some(Age::ALL.map(Age::as_str))).build())
}

/// By which document somebody is known.
pub(super) fn identity_proof() -> Object {
    text().enum_values(Some(PROOFS)).build()
}

/// Why somebody is erased.
pub(super) fn erasure_reason() -> Object {
    text().enum_values(Some(REASONS)).build()
}

/// The state of an actor.
pub(super) fn actor_state() -> Object {
    text().enum_values(Some(["active", "reserve", "suspended", "left"])).build()
}

/// Field names of a question.
pub(super) fn asked_fields() -> Array {
    ArrayBuilder::new().items(slug()).build()
}
