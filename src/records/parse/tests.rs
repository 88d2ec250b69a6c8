//! Requirements on parsing: canonical forms, stable reasons, nothing repeated that came from outside.

use super::*;
use crate::limits::FIELD_LIST_ITEMS_MAX;
use crate::records::{RecordType, SchemaSet};
use proptest::prelude::*;
use serde_json::json;
use std::sync::LazyLock;

const TODAY: Date = jiff::civil::date(2026, 1, 1);

static SET: LazyLock<SchemaSet> =
    LazyLock::new(|| SchemaSet::built_in().expect("the shipped schemas load"));

fn schema(record_type: RecordType) -> Schema {
    SET.get(record_type).expect("a shipped type").clone()
}

fn parsed(record_type: RecordType, name: &str, json: Json) -> Result<Json, ProblemReason> {
    let schema = schema(record_type);
    let field = schema.field(name).expect("a known field");
    let value = Value::parse(field, json, TODAY);
    value.map(|value| value.to_json()).map_err(|problem| problem.reason)
}

fn person(name: &str, json: Json) -> Result<Json, ProblemReason> {
    parsed(RecordType::Person, name, json)
}

fn body(json: Json) -> Map<String, Json> {
    json.as_object().expect("an object").clone()
}

fn found(problems: &[FieldProblem]) -> Vec<(&str, ProblemReason)> {
    problems.iter().map(|problem| (problem.field.as_str(), problem.reason)).collect()
}

#[test]
fn values_take_their_canonical_form() {
    assert_eq!(person("name", json!(" 张三 ")), Ok(json!("张三")));
    assert_eq!(person("id_number", json!("11010519491231002x")), Ok(json!("11010519491231002X")));
    assert_eq!(person("phone", json!("+86 129-0000-1234")), Ok(json!("12900001234")));
    assert_eq!(person("bank_last_four", json!("１２３４")), Ok(json!("1234")));
    assert_eq!(
        person("assistance_tag", json!(["help_to_move", "step_free"])),
        Ok(json!(["help_to_move", "step_free"]))
    );
    assert_eq!(person("income", json!(0)), Ok(json!(0)));
    let time = parsed(RecordType::Event, "found_at", json!("2026-01-01T08:00:00+08:00"));
    assert_eq!(time, Ok(json!("2026-01-01T00:00:00Z")));
}

#[test]
fn a_wrong_value_is_refused_with_a_stable_reason() {
    let cases = [
        ("name", json!(3), "wrong_type"),
        ("name", json!("  "), "empty"),
        ("name", json!("张".repeat(61)), "too_long"),
        ("name", json!("张\u{202e}三"), "bidirectional_character"),
        ("name", json!("张\u{7}三"), "control_character"),
        ("name", json!("张\u{e123}三"), "unassigned_character"),
        ("sex", json!("3"), "unknown_code"),
        ("birth_date", json!("2026-02-30"), "impossible_date"),
        ("birth_date", json!("2026-01-02"), "future_date"),
        ("birth_date", json!("1849-12-31"), "too_early"),
        ("birth_date", json!("20260101"), "wrong_type"),
        ("birth_date", json!("2026-01-01T00:00:00"), "wrong_type"),
        ("id_number", json!("110105194912310021"), "wrong_check_digit"),
        ("id_number", json!("110105491231002"), "fifteen_digit_number"),
        ("phone", json!("110"), "short_number"),
        ("bank_last_four", json!("12345"), "wrong_length"),
        ("bank_last_four", json!("12a4"), "wrong_character"),
        ("income", json!(-1), "out_of_range"),
        ("income", json!(1.5), "wrong_type"),
        ("income", json!("1"), "wrong_type"),
        ("assistance_tag", json!("step_free"), "wrong_type"),
        ("assistance_tag", json!([]), "empty"),
        ("assistance_tag", json!(["step_free", "step_free"]), "repeated"),
        ("guardians", json!(["0192ABCD-5678-7fff-bfff-ffffffffffff"]), "wrong_reference"),
    ];
    for (field, json, reason) in cases {
        let refused = person(field, json.clone()).map_err(ProblemReason::as_str);
        assert_eq!(refused, Err(reason), "{field} {json}");
    }
    let refused = parsed(RecordType::Event, "found_at", json!("2026-01-01"));
    assert_eq!(refused, Err(ProblemReason::WrongTime));
}

#[test]
fn a_text_is_accepted_at_its_limit_counted_in_characters() {
    assert!(person("name", json!("𠮷".repeat(60))).is_ok());
    assert_eq!(person("name", json!("𠮷".repeat(61))), Err(ProblemReason::TooLong));
}

#[test]
fn a_list_is_accepted_at_its_limit() {
    let ids = |count: u8| -> Json {
        (0..count).map(|n| SubjectId::from_bytes([n; 16]).to_string()).collect()
    };
    let limit = u8::try_from(FIELD_LIST_ITEMS_MAX).expect("a small limit");
    assert!(person("guardians", ids(limit)).is_ok());
    assert_eq!(person("guardians", ids(limit + 1)), Err(ProblemReason::TooMany));
}

#[test]
fn a_matter_about_no_person_refuses_numbers_of_persons() {
    let matter = |text: &str| parsed(RecordType::Event, "matter", json!(text));
    assert!(matter("6号楼2单元楼道堆放旧家具，影响通行").is_ok());
    assert_eq!(matter("请回电12900001234"), Err(ProblemReason::PersonalNumber));
    assert_eq!(matter("证号11010519491231002X"), Err(ProblemReason::PersonalNumber));
    assert!(parsed(RecordType::Event, "handling_note", json!("已回电12900001234")).is_ok());
}

#[test]
fn division_and_grid_codes_keep_their_shape() {
    assert_eq!(
        division_code("880102001001").map(|code| code.to_string()),
        Ok("880102001001".to_owned())
    );
    assert!(division_code("880102000000").is_ok());
    for wrong in ["880102000001", "880100001000", "000102001001"] {
        assert_eq!(division_code(wrong).err(), Some(ProblemReason::UnknownCode), "{wrong}");
    }
    assert!(grid_code("8801020010010001").is_ok() && grid_code("8801020010011999").is_ok());
    for wrong in ["8801020010019001", "8801020010010000", "8801020010000001"] {
        assert_eq!(grid_code(wrong).err(), Some(ProblemReason::UnknownCode), "{wrong}");
    }
    assert_eq!(grid_code("880102001001001").err(), Some(ProblemReason::WrongLength));
}

#[test]
fn every_problem_of_a_body_is_reported_at_once() {
    let problems = schema(RecordType::Person)
        .parse_fields(
            body(json!({"phone": "110", "religion": "x", "880102195203121043": "x"})),
            TODAY,
        )
        .expect_err("three problems and a missing name");
    assert_eq!(
        found(&problems),
        [
            ("?", ProblemReason::UnknownField),
            ("phone", ProblemReason::ShortNumber),
            ("?", ProblemReason::UnknownField),
            ("name", ProblemReason::Missing),
        ]
    );
    assert!(!format!("{problems:?}").contains("880102"));
}

#[test]
fn a_wrong_required_field_is_reported_once() {
    let problems = schema(RecordType::Person).parse_fields(body(json!({"name": ""})), TODAY);
    assert_eq!(found(&problems.expect_err("an empty name")), [("name", ProblemReason::Empty)]);
}

#[test]
fn a_patch_sets_and_removes_but_never_loses_a_required_field() {
    let schema = schema(RecordType::Person);
    let patch =
        schema.parse_patch(body(json!({"phone": null, "sex": "1"})), TODAY).expect("a good patch");
    assert!(patch.remove.contains("phone") && patch.set.get("sex").is_some());
    assert_eq!((patch.remove.len(), patch.set.len()), (1, 1));
    let refused = schema.parse_patch(body(json!({"name": null})), TODAY).expect_err("a lost name");
    assert_eq!(found(&refused), [("name", ProblemReason::Missing)]);
}

proptest! {
    #[test]
    fn no_text_panics_in_any_field_and_canonical_forms_are_stable(text in any::<String>()) {
        for schema in SET.iter() {
            for field in schema.fields().iter().filter(|field| !field.many) {
                if let Ok(value) = Value::parse(field, json!(text), TODAY) {
                    let again = Value::parse(field, value.to_json(), TODAY).expect("canonical");
                    prop_assert_eq!(again.to_json(), value.to_json());
                }
            }
        }
    }
}
