//! Requirements on the moment that a period counts from, where a field of the record tells it.
//! Never longer than the purpose allows or somebody asked, and never over at once by a slip of the year.
//! A moment that is corrected moves the end with it, in the attributes and in the queue alike.

use super::world::*;
use crate::access::Code;
use crate::operations::CreateRequest;
use crate::purposes::BasisClaim;
use crate::records::{RecordId, RecordType, days_since_epoch};
use crate::store::Key;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use serde_json::{Value as Json, json};

const PURPOSE: &str = "residence_registration";

fn inspected(world: &World, record_type: RecordType, fields: Json) -> Done<RecordId> {
    let claim = claim_on("safety_inspection", "fire_safety_duty", None);
    let request = CreateRequest { record_type, ..person(claim, fields) };
    world.create_request(WORKER, request).map(|created| created.id)
}

/// Somebody's link to a dwelling, with what is said beside of when it ends.
fn link(world: &World, moved_out: Option<Date>, retain_until: Option<Date>) -> Done<RecordId> {
    let place = json!({"address": "工农路58号", "kind": "dwelling"});
    let place = inspected(world, RecordType::Place, place).expect("a dwelling");
    let (_, subject) = adult(world);
    let mut fields = json!({"person": subject.to_string(), "place": place.to_string()});
    if let Some(day) = moved_out {
        fields["move_out_date"] = json!(day.to_string());
    }
    let request = CreateRequest {
        record_type: RecordType::Residence,
        retain_until,
        ..person(registration(), fields)
    };
    world.create_request(WORKER, request).map(|created| created.id)
}

fn moves_out(world: &World, id: RecordId, day: Option<Date>) -> Done<u64> {
    let fields = json!({"move_out_date": day.map(|day| day.to_string())});
    world.patch(WORKER, PURPOSE, id, fields, None)
}

/// The end of a record, which stands in the queue under that day and no other.
fn end(world: &World, id: RecordId, former: &[i32]) -> i32 {
    let day = world.facts(id).retain_until.expect("an end");
    assert!(world.has(&Key::retention(day, id)), "the queue has another day");
    for former in former.iter().filter(|former| **former != day) {
        assert!(!world.has(&Key::retention(*former, id)), "the queue has the day {former} still");
    }
    day
}

fn six_months_after(day: Date) -> i32 {
    days_since_epoch(day.saturating_add(6.months()))
}

#[test]
fn who_moved_out_is_kept_six_months_and_a_corrected_day_moves_the_end_with_it() {
    let world = World::new();
    let id = link(&world, None, None).expect("stored");
    let cap = end(&world, id, &[]);
    assert_eq!(cap, days_since_epoch(TODAY.saturating_add(60.months())));
    assert_eq!(moves_out(&world, id, Some(TODAY)), Ok(2));
    let first = end(&world, id, &[cap]);
    assert_eq!(first, six_months_after(TODAY));
    let earlier = TODAY.saturating_sub(3.months());
    assert_eq!(moves_out(&world, id, Some(earlier)), Ok(3));
    assert_eq!(end(&world, id, &[cap, first]), six_months_after(earlier));
    let much_later = TODAY.saturating_add(10.years());
    assert_eq!(moves_out(&world, id, Some(much_later)), Ok(4));
    assert_eq!(end(&world, id, &[first]), cap, "never beyond the purpose's end");
    assert_eq!(moves_out(&world, id, Some(TODAY)), Ok(5));
    assert_eq!(moves_out(&world, id, None), Ok(6));
    assert_eq!(end(&world, id, &[first]), cap, "nobody moved out");
}

#[test]
fn what_would_be_over_within_a_week_is_neither_stored_nor_changed_to() {
    let world = World::new();
    let last = TODAY.saturating_sub(6.months()).saturating_add(7.days());
    let over = last.yesterday().expect("a day");
    assert_eq!(link(&world, Some(over), None).err(), Some(Code::SchemaInvalid));
    let id = link(&world, Some(last), None).expect("stored");
    assert_eq!(end(&world, id, &[]), six_months_after(last));
    assert_eq!(moves_out(&world, id, Some(over)).err(), Some(Code::SchemaInvalid));
    assert_eq!(moves_out(&world, id, Some(TODAY)), Ok(2));
    assert_eq!(end(&world, id, &[six_months_after(last)]), six_months_after(TODAY));
}

#[test]
fn an_end_that_somebody_asked_for_is_not_moved_back_by_a_moment() {
    let world = World::new();
    let asked = TODAY.saturating_add(30.days());
    let id = link(&world, None, Some(asked)).expect("stored");
    for day in [Some(TODAY), Some(TODAY.saturating_add(1.month())), None] {
        moves_out(&world, id, day).expect("changed");
        assert_eq!(end(&world, id, &[]), days_since_epoch(asked), "{day:?}");
    }
}

#[test]
fn a_closed_matter_ends_by_the_shorter_of_its_schemas_and_its_purposes_period() {
    let world = World::new();
    // The sixteenth in the country. The schema says two years, the inspection one.
    let fields = json!({
        "kind": "urgent_danger", "matter": "楼道积水", "severity": "larger", "state": "close",
        "closed_at": "2027-01-15T16:30:00Z",
    });
    let id = inspected(&world, RecordType::Event, fields).expect("stored");
    assert_eq!(end(&world, id, &[]), days_since_epoch(date(2028, 1, 16)));
}

/// A matter that was inspected, stored as closed at that moment.
fn closed(world: &World, at: &str) -> RecordId {
    let fields = json!({
        "kind": "urgent_danger", "matter": "楼道积水", "severity": "larger", "state": "close",
        "closed_at": at,
    });
    inspected(world, RecordType::Event, fields).expect("stored")
}

/// Corrects when a matter was closed, under any purpose.
fn closes(
    world: &World,
    purpose: &str,
    id: RecordId,
    at: Option<&str>,
    basis: Option<BasisClaim>,
) -> i32 {
    world.patch(HEAD, purpose, id, json!({"closed_at": at}), basis).expect("changed");
    end(world, id, &[])
}

#[test]
fn a_moment_that_is_corrected_under_another_purpose_moves_the_end_back_by_the_purposes_it_is_held_for()
 {
    let world = World::new();
    let id = closed(&world, "2026-12-01T04:00:00Z");
    assert_eq!(end(&world, id, &[]), days_since_epoch(date(2027, 12, 1)));
    // Mediation would keep it for longer, and nothing is held for it.
    let corrected = closes(&world, "dispute_mediation", id, Some("2027-01-04T04:00:00Z"), None);
    assert_eq!(corrected, days_since_epoch(date(2028, 1, 4)), "a year, as the inspection says");
}

#[test]
fn a_moment_that_is_taken_back_gives_the_end_of_the_purpose_it_was_stored_for_and_no_other() {
    let world = World::new();
    let cap = days_since_epoch(TODAY.saturating_add(60.months()));
    // One may keep less and one more than the inspection: 3 and 84 months.
    for purpose in ["emergency_evacuation", "dispute_mediation"] {
        let id = closed(&world, "2026-12-01T04:00:00Z");
        assert_eq!(closes(&world, purpose, id, None, None), cap, "{purpose}");
    }
}

#[test]
fn a_matter_that_is_held_for_several_purposes_ends_by_the_one_that_needs_it_longest() {
    let world = World::new();
    let id = closed(&world, "2026-12-01T04:00:00Z");
    let claim = claim_on("dispute_mediation", "mediation_request", None);
    // Three years for mediation, and two at most as the schema says.
    let corrected = Some("2027-01-04T04:00:00Z");
    let ended = closes(&world, "dispute_mediation", id, corrected, Some(claim));
    assert_eq!(ended, days_since_epoch(date(2029, 1, 4)));
    // A basis that is given anew keeps its place: the record was stored for the inspection.
    let claim = claim_on("safety_inspection", "fire_safety_duty", None);
    let ended = closes(&world, "safety_inspection", id, None, Some(claim));
    assert_eq!(ended, days_since_epoch(TODAY.saturating_add(60.months())));
}

#[test]
fn what_is_held_of_a_child_for_its_need_ends_a_year_after_it_came_of_age_at_the_latest() {
    let world = World::new();
    let need = || claim_on("child_protection", "minors_protection_duty", None);
    let ends = |born: Option<&str>| {
        let mut fields = json!({"name": "王小明", "guardian_name": "王伟"});
        if let Some(born) = born {
            fields["birth_date"] = json!(born);
        }
        let id = world.create(HEAD, need(), fields).expect("stored").id;
        world.facts(id).retain_until.expect("an end")
    };
    let day = |year, month, day| days_since_epoch(jiff::civil::date(year, month, day));
    assert_eq!(ends(Some("2018-05-02")), day(2037, 5, 2));
    assert_eq!(ends(Some("2010-03-01")), day(2029, 3, 1));
    // Of a grown-up, and where nobody knows the day, the cap stands.
    let cap = day(2045, 1, 15);
    assert_eq!((ends(Some("1980-01-01")), ends(None)), (cap, cap));
    // Nor does another purpose end by it.
    let fields = json!({"name": "王小明", "birth_date": "2018-05-02", "guardian_name": "王伟"});
    let id = world.create(WORKER, registration(), fields).expect("stored").id;
    assert_eq!(world.facts(id).retain_until, Some(day(2032, 1, 15)));
}
