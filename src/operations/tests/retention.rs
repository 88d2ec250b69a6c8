//! Requirements on the end of a record: the purpose's, or an earlier one that the caller names.
//! Never a later one, and never one that is over already.
//! From its end on a record is closed.

use super::world::*;
use crate::access::Code;
use crate::purposes::ConsentGiver;
use crate::records::days_since_epoch;
use crate::store::Key;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use serde_json::json;

fn ending(world: &World, end: Option<Date>) -> Done<Option<i32>> {
    let mut request = person(contact(ConsentGiver::Self_), json!({"name": "王伟"}));
    request.retain_until = end;
    let created = world.create_request(WORKER, request)?;
    let day = world.facts(created.id).retain_until;
    let listed = day.map(|day| world.has(&Key::retention(day, created.id)));
    assert_eq!(listed, Some(true));
    Ok(day)
}

#[test]
fn a_record_ends_with_its_purpose_or_earlier() {
    let world = World::new();
    // Thirty-six months from the day of collection.
    let latest = date(2030, 1, 15);
    let day = |end: Date| Ok(Some(days_since_epoch(end)));
    assert_eq!(ending(&world, None), day(latest));
    assert_eq!(ending(&world, Some(latest)), day(latest));
    assert_eq!(ending(&world, Some(TODAY.saturating_add(1.day()))), day(date(2027, 1, 16)));
    for end in [latest.saturating_add(1.day()), Date::MAX, TODAY, date(2027, 1, 14), Date::MIN] {
        assert_eq!(ending(&world, Some(end)), Err(Code::SchemaInvalid), "{end}");
    }
}

#[test]
fn a_patch_under_a_longer_purpose_does_not_lengthen_a_record() {
    let world = World::new();
    let request = person(contact(ConsentGiver::Self_), json!({"name": "王伟"}));
    let id = world.create_request(WORKER, request).expect("created").id;
    let before = world.facts(id).retain_until;
    let patched = world.patch(
        WORKER,
        "residence_registration",
        id,
        json!({"sex": "1"}),
        Some(registration()),
    );
    assert_eq!(patched, Ok(2));
    assert_eq!(world.facts(id).retain_until, before);
    assert_eq!(world.facts(id).bases.len(), 2);
}
