//! A body for each call that takes one, as the OpenAPI document shows it: right in the sample city of a demo.
//! Never a real person: numbers lie in ranges that nobody has (`synthetic`), names are invented.
//! The schemathesis campaign sends each of them, and a role that may make the call must get its success.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The first grid of the sample city.
const GRID: &str = "8801020010010001";
const ADDRESS: &str = "澜川市望澜区桂花桥街道工农社区机床厂家属院3号楼2单元501室";

fn basis() -> Value {
    json!({
        "purpose": "residence_registration",
        "legal_basis": "residence_permit_duty",
        "notice": "residence_registration_notice_1",
    })
}

/// Somebody who moved in.
pub(super) fn person() -> Value {
    json!({
        "type": "person",
        "grid": GRID,
        "fields": {
            "name": "沈望舒", "sex": "2", "birth_date": "1990-01-01", "phone": "12900009001",
            "current_address": ADDRESS, "residence_kind": "floating", "move_in_date": "2025-09-01",
        },
        "basis": basis(),
    })
}

/// A visit to somebody who asked for help, for a worker of the grid.
pub(super) fn task() -> Value {
    json!({
        "kind": "visit",
        "purpose": "minimum_allowance",
        "holder": "AAAAAAAAAAAAAAAAAAAAAA",
        "scope": {"records": ["01920000-0000-7000-8000-000000000000"]},
        "fields": ["name", "current_address"],
        "until": "2027-01-15T08:00:00Z",
    })
}

/// A look at one record.
pub(super) fn approval() -> Value {
    json!({
        "record": "01920000-0000-7000-8000-000000000000", "fields": ["name", "phone"], "minutes": 30,
    })
}

/// Twenty people more for an hour.
pub(super) fn raise() -> Value {
    json!({"kind": "other", "people": 20, "minutes": 60})
}

/// What an organ asks for.
pub(super) fn official() -> Value {
    json!({
        "document": "澜公（望）调证字〔2026〕17号", "organ": "county_public_security",
        "subjects": ["01920000-0000-7000-8000-000000000000"], "fields": ["name", "birth_date"],
        "until": "2027-01-15T08:00:00Z",
    })
}

/// An address that is protected from now on.
pub(super) fn protection() -> Value {
    json!({"protected": true})
}

/// An emergency access over the dwellings of an urgent event.
pub(super) fn emergency() -> Value {
    json!({"tier": "alone", "event": "01920000-0000-7000-8000-000000000000"})
}

/// What was found of it.
pub(super) fn emergency_finding() -> Value {
    json!({"finding": "justified", "note": "event_confirmed"})
}

/// Every subject bucket's key.
pub(super) fn rotation() -> Value {
    json!({"what": "subjects"})
}

/// Another root key for another vault, in the shapes that `ceremony::Handed` takes, with zeros for what is signed and sealed.
pub(super) fn ways() -> Value {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let agreed = |last: u8| {
        let id = [[0; 15].as_slice(), &[last]].concat();
        format!("agreed {} {}\n", encode(&id), encode(&[0; 64]))
    };
    let head = "gridvault ceremony 1\nvault other.example/log\nwhat rotate-root\n";
    let (ways, until) = (encode(&[0; 32]), "2027-01-15T08:00:00Z");
    let request = format!("{head}ways {ways}\nuntil {until}\n{}{}", agreed(1), agreed(2));
    let sealed = |kind: u8, plain: usize| [vec![1, 1, kind], vec![0; 56 + plain]].concat();
    // One envelope of a passphrase, of 145 bytes: 256 MiB, three passes, four lanes.
    let cost = [[0, 4, 0, 0], [0, 0, 0, 3], [0, 0, 0, 4]].concat();
    let envelope = [vec![1, 1], vec![0; 24], cost, vec![0; 16], sealed(1, 32)].concat();
    let ways = [b"GVUNLOCK".as_slice(), &[1, 1, 0, 145], &envelope].concat();
    json!({"request": request, "ways": encode(&ways), "root": encode(&sealed(10, 32))})
}

/// A second person's yes.
pub(super) fn decision() -> Value {
    json!({"decision": "grant"})
}

/// A post in the next grid.
pub(super) fn post() -> Value {
    json!({"role": "grid_worker", "area": "8801020010010002"})
}

/// A post by its id.
pub(super) fn post_id() -> Value {
    json!({"assignment": "AAAAAAAAAAAAAAAAAAAAAA"})
}

/// Somebody works again.
pub(super) fn state() -> Value {
    json!({"state": "active"})
}

/// A morning in which the neighbour stands in.
pub(super) fn delegation() -> Value {
    json!({"to": "AAAAAAAAAAAAAAAAAAAAAA", "grid": GRID, "until": "2027-01-15T08:00:00Z"})
}

/// A number that changed.
pub(super) fn patch() -> Value {
    json!({"fields": {"phone": "12900009002"}})
}

/// Why a record goes.
pub(super) fn removal() -> Value {
    json!({"reason": "collected in error"})
}

/// Whether a citizen number is held.
pub(super) fn look_up() -> Value {
    json!({"type": "person", "field": "id_number", "value": "880101199001010013"})
}

/// A mother with her child, and the dwelling that they moved into.
pub(super) fn household() -> Value {
    json!({
        "grid": GRID,
        "basis": basis(),
        "fields": {"kind": "family"},
        "dwelling": {"fields": {"address": ADDRESS, "kind": "dwelling"}},
        "people": [
            {
                "ref": "mother",
                "fields": {
                    "name": "沈望舒", "sex": "2", "birth_date": "1990-01-01",
                    "phone": "12900009001", "household_relation": "02",
                },
                "residence": {"occupancy_kind": "rented", "move_in_date": "2025-09-01"},
            },
            {
                "ref": "child",
                "fields": {
                    "name": "林小满", "sex": "1", "birth_date": "2019-05-21",
                    "household_relation": "20",
                },
                "guardians": ["mother"],
            },
        ],
    })
}

/// The people of a grid.
pub(super) fn list() -> Value {
    json!({"type": "person", "grid": GRID, "fields": ["name", "phone"], "limit": 50})
}

/// Who lives somewhere.
pub(super) fn occupants() -> Value {
    json!({"fields": ["name"]})
}

/// A worker for the first grid.
pub(super) fn actor() -> Value {
    json!({
        "login": "worker.new", "kind": "person",
        "assignments": [{"role": "grid_worker", "area": GRID}],
    })
}

/// What somebody brought along to a post.
pub(super) fn renewal() -> Value {
    json!({
        "assignment": "AAAAAAAAAAAAAAAAAAAAAA",
        "secrecy_term": {"signed_at": "2026-01-05T08:00:00Z", "document": "B-2026-0017"},
        "trained_until": "2026-12-31T00:00:00Z",
    })
}

/// A line of a roster, looked at beforehand.
pub(super) fn roster() -> Value {
    json!({"dry_run": true, "lines": [{
        "login": "worker.new", "role": "grid_worker", "area": GRID, "to": "2036-12-31T00:00:00Z",
    }]})
}

/// A token for an hour.
pub(super) fn token() -> Value {
    json!({"life_seconds": 3_600})
}

/// To be told how it stands with a vault.
pub(super) fn nothing_brought() -> Value {
    json!({})
}

/// A vault that is not this one, so that whoever tries the example seals nothing.
pub(super) fn vault() -> Value {
    json!({"vault": "vault.example/log"})
}

/// Everything that was refused on a day.
pub(super) fn pack() -> Value {
    json!({"outcome": "denied", "day": "2026-01-05"})
}

/// A one-time code, as it looks.
pub(super) fn code() -> Value {
    json!({"code": "A".repeat(43)})
}

/// The proof of nobody's log-in.
pub(super) fn proof() -> Value {
    let part = "A".repeat(43);
    json!({"proof": format!("{part}.{part}.{part}")})
}

/// Why somebody may or may not read a name.
pub(super) fn question() -> Value {
    json!({
        "actor": "AAAAAAAAAAAAAAAAAAAAAA", "purpose": "residence_registration", "type": "person",
        "grid": GRID, "action": "read", "fields": ["name", "id_number"],
    })
}

/// The first entries of a log.
pub(super) fn review() -> Value {
    json!({"entries": [0, 1]})
}

/// What was found out.
pub(super) fn note() -> Value {
    json!({"text": "两次夜间查看，已与本人核对"})
}

/// Brought before whoever answers for personal information.
pub(super) fn escalation() -> Value {
    json!({"to": "protection_officer", "text": "请个保负责人复核"})
}

/// The end of a review.
pub(super) fn closing() -> Value {
    json!({"outcome": "explained", "text": "属于应急值守"})
}

/// Something to be put right.
pub(super) fn rectification() -> Value {
    json!({"organ": "street_office", "due": "2026-12-31", "text": "重新核对网格边界并培训"})
}

/// How it was put right.
pub(super) fn settlement() -> Value {
    json!({"text": "已培训并抽查"})
}

/// A citizen number that is shown at the counter.
pub(super) fn shown_number() -> Value {
    json!({"field": "id_number", "value": "880101199001010013", "fields": ["name", "phone"]})
}

/// Somebody asks to be erased, what it was registered for being over.
pub(super) fn erasure() -> Value {
    json!({"reason": "purpose_met", "by": "self", "proof": "resident_card"})
}

/// Somebody contests what is held of it.
pub(super) fn restriction() -> Value {
    json!({"reason": "accuracy_contested", "by": "self", "proof": "resident_card"})
}

/// A court keeps what is held of somebody.
pub(super) fn hold() -> Value {
    json!({"reason": "court_case", "document": "2026-民初-118"})
}

/// The case is over.
pub(super) fn release() -> Value {
    json!({"reason": "ground_over"})
}

/// What one may see of people in a grid.
pub(super) fn preview() -> Value {
    json!({"type": "person", "grid": "8801020010010001", "purpose": "residence_registration", "age": "child"})
}

/// A consent to be called at home.
pub(super) fn consent() -> Value {
    json!({
        "records": ["01a20000-0000-7000-8000-000000000000"], "purpose": "household_contact",
        "legal_basis": "household_contact_consent", "notice": "household_contact_notice_1",
        "consent": {"by": "self", "method": "written", "given_on": "2026-01-15"},
        "proof": "resident_card",
    })
}

/// A consent that is taken back by the one who gave it.
pub(super) fn withdrawal() -> Value {
    json!({"by": "self", "proof": "resident_card"})
}
