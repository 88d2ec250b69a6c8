//! Bodies of requests as a worker's client makes them, with numbers that nobody else has.
//! Never a real person: numbers have the ranges of the sample city, names are invented.
//! A body is complete and right; a test changes the one thing that it is about.

use gridvault::records::numbers::{credit_check_character, id_check_character};
use jiff::civil::Date;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where somebody lives: a duty, with number, telephone and address.
pub const REGISTRATION: &str = "residence_registration";
/// Contact by consent.
pub const CONTACT: &str = "household_contact";
/// Places, objects, units and matters: a duty.
pub const SAFETY: &str = "safety_inspection";
/// Verification and correction: a duty, over every field.
pub const CORRECTION: &str = "record_correction";

/// A street of the sample city.
pub const ADDRESS: &str = "澜川市望澜区桂花桥街道工农社区机床厂家属院9号楼1单元101室";

/// Requests of residents about what is held of them.
pub const RIGHTS: &str = "rights_request";
/// Help to find work: an application.
pub const EMPLOYMENT: &str = "employment_aid";

/// Today, as the vault counts it: by China Standard Time.
pub fn today() -> Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8))).date()
}

/// The day some years ago, a month earlier, so that the age is certain around midnight.
pub fn born_years_ago(years: i16) -> String {
    let day = today();
    Date::new(day.year() - years - 1, day.month(), 1).expect("every month has a first").to_string()
}

fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A telephone that nobody has yet.
pub fn fresh_phone() -> String {
    format!("129{:08}", 10_000 + next())
}

/// A citizen number of someone born on that day, that nobody has yet.
pub fn fresh_number(born: &str) -> String {
    let counter = next();
    // A thousand people of a district are born on one day; then the next district has some.
    let (district, number) = (8 + counter / 1_000 % 90, counter % 1_000);
    let first17 = format!("8801{district:02}{}{number:03}", born.replace('-', ""));
    let check = id_check_character(first17.as_bytes()).expect("seventeen digits");
    format!("{first17}{}", char::from(check))
}

/// A sole trader's credit code that nobody has yet, of no region.
pub fn fresh_credit_code() -> String {
    let first17 = format!("92000000MA1{:06}", next());
    let check = credit_check_character(first17.as_bytes()).expect("seventeen characters");
    format!("{first17}{}", char::from(check))
}

/// A citizen number whose last character is another than the right one.
pub fn with_wrong_check(number: &str) -> String {
    let (first17, last) = number.split_at(17);
    let wrong = if last == "7" { "8" } else { "7" };
    format!("{first17}{wrong}")
}

/// The basis of a purpose that a grid's worker collects for.
pub fn basis(purpose: &str) -> Value {
    let legal_basis = match purpose {
        REGISTRATION => "residence_permit_duty",
        CONTACT => "household_contact_consent",
        SAFETY => "fire_safety_duty",
        "emergency_evacuation" => "emergency_response",
        EMPLOYMENT => "employment_application",
        other => panic!("no basis is known for {other}"),
    };
    let mut basis = json!({
        "purpose": purpose, "legal_basis": legal_basis, "notice": format!("{purpose}_notice_1"),
    });
    if purpose == CONTACT {
        basis["consent"] = consent("self");
    }
    basis
}

/// A consent.
pub fn consent(by: &str) -> Value {
    json!({"by": by, "method": "oral", "given_on": "2025-06-01"})
}

/// A record for a purpose.
pub fn record(kind: &str, grid: &str, purpose: &str, fields: Value) -> Value {
    json!({"type": kind, "grid": grid, "fields": fields, "basis": basis(purpose)})
}

/// Everything that registration asks of a grown-up.
pub fn adult_fields() -> Value {
    let born = "1968-04-09";
    json!({
        "name": "欧阳若兰", "sex": "2", "birth_date": born, "id_number": fresh_number(born),
        "phone": fresh_phone(), "current_address": ADDRESS, "residence_kind": "registered_resident",
        "move_in_date": "2019-03-01", "household_relation": "02", "verified_at": "2026-01-15",
        "source": "stated_in_person", "told_by": "20",
    })
}

/// A grown-up of that grid.
pub fn adult(grid: &str) -> Value {
    record("person", grid, REGISTRATION, adult_fields())
}

/// A child of nine in that grid.
pub fn child(grid: &str) -> Value {
    let born = born_years_ago(9);
    let fields = json!({
        "name": "向晚晴", "sex": "2", "birth_date": born, "id_number": fresh_number(&born),
        "current_address": ADDRESS, "household_relation": "30", "told_by": "52",
        "guardian_name": "向北川", "guardian_phone": fresh_phone(),
    });
    record("person", grid, REGISTRATION, fields)
}

/// Someone who gave a name and a telephone, and agreed to be called.
pub fn contact(grid: &str, phone: &str) -> Value {
    let fields = json!({"name": "闻思远", "phone": phone, "contact_hours": ["evening"]});
    record("person", grid, CONTACT, fields)
}

/// A dwelling in that grid.
pub fn place(grid: &str) -> Value {
    let fields = json!({"address": format!("{ADDRESS}附{}", next()), "kind": "dwelling"});
    record("place", grid, SAFETY, fields)
}

/// An id of the form that the vault gives, of a record that it does not hold.
pub fn unknown_id() -> String {
    format!("01a20000-0000-7000-8000-0000000{:05}", next())
}
