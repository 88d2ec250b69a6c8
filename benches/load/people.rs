//! Invented people by number: what a grid's worker writes down at a registration, about 600 bytes of JSON.
//! Never a real region (88 is no province) and never a mobile prefix in use (12 has no operator).
//! The same number gives the same person, and no two of nine million share a citizen number.

use gridvault::records::numbers::id_check_character;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use std::fmt::Write as _;

/// The purpose of everything here.
pub const PURPOSE: &str = "residence_registration";
/// The fields of a point read: three sections, about 500 bytes of answer.
pub const READ_FIELDS: &str =
    "name,sex,birth_date,phone,current_address,residence_kind,move_in_date,household_relation";

/// Days of birth; the youngest of these people is an adult.
const BIRTH_DAYS: u64 = 18_000;
const FIRST_BIRTH: Date = date(1950, 1, 1);
/// No other synthetic people have this region.
const REGION: &str = "880199";
const FAMILY: [&str; 12] = ["赵", "钱", "孙", "李", "周", "吴", "郑", "王", "冯", "陈", "褚", "卫"];
const GIVEN: [&str; 16] = [
    "安", "柏", "川", "岱", "恩", "帆", "谷", "禾", "景", "珂", "澜", "墨", "宁", "朴", "清", "融",
];

/// Name of a person.
pub fn name(number: u64) -> String {
    let one = |list: &[&'static str], place: u64| list[(place % list.len() as u64) as usize];
    [one(&FAMILY, number), one(&GIVEN, number / 12), one(&GIVEN, number / 192)].concat()
}

fn birth(number: u64) -> Date {
    let days = i64::try_from(number % BIRTH_DAYS).unwrap_or_default();
    FIRST_BIRTH.saturating_add(days.days())
}

/// Citizen number of a person, with its check character (GB 11643-1999).
pub fn citizen_number(number: u64) -> String {
    let born = birth(number);
    let (year, month, day) = (born.year(), born.month(), born.day());
    let sequence = 500 + number / BIRTH_DAYS % 500;
    let mut digits = format!("{REGION}{year:04}{month:02}{day:02}{sequence:03}");
    digits.push(id_check_character(digits.as_bytes()).map_or('?', char::from));
    digits
}

/// The body that stores a person.
pub fn body(number: u64, grid: &str) -> String {
    let mut body = String::with_capacity(900);
    let fields = fields(number);
    let _always_fits = write!(
        body,
        concat!(
            r#"{{"type":"person","grid":"{grid}","fields":{fields},"basis":{{"purpose":"{purpose}","#,
            r#""legal_basis":"residence_permit_duty","notice":"{purpose}_notice_1"}}}}"#
        ),
        grid = grid,
        fields = fields,
        purpose = PURPOSE,
    );
    body
}

/// All fields of a person.
pub fn fields(number: u64) -> String {
    format!(
        concat!(
            r#"{{"name":"{name}","sex":"{sex}","#,
            r#""birth_date":"{born}","id_number":"{id}","phone":"12{number:09}","#,
            r#""current_address":"澜川市望澜区桂花桥街道工农社区试验路{house:03}号{unit}单元{room:04}室","#,
            r#""residence_kind":"registered_resident","move_in_date":"2019-03-01","#,
            r#""household_relation":"02","verified_at":"2026-01-15","source":"stated_in_person","#,
            r#""told_by":"20"}}"#
        ),
        name = name(number),
        sex = 1 + number % 2,
        born = birth(number),
        id = citizen_number(number),
        number = number % 1_000_000_000,
        house = 1 + number % 998,
        unit = 1 + number % 6,
        room = 101 + number % 3_000,
    )
}
