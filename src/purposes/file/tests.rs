//! Requirements on the file of purposes: what loads, what is refused, and what the shipped one promises.

use super::*;
use crate::limits::{
    PURPOSE_BASES_MAX, PURPOSE_LINES_MAX, PURPOSE_TEXT_CHARACTERS_MAX, PURPOSES_BYTES_MAX,
    PURPOSES_MAX,
};

fn schemas() -> SchemaSet {
    SchemaSet::built_in().expect("the shipped schemas load")
}

fn shipped() -> PurposeSet {
    PurposeSet::built_in(&schemas()).expect("the shipped purposes load")
}

const SAMPLE: &str = r#"
[[purpose]]
id = "visit"
title_zh = "走访"
title_en = "Visit"
group = "contact"
organ = "community_committee"
lines = ["community"]
active = true
needs_case = false
retention = { after = "consent_end", days = 30, cap_months = 36 }
fields = { person = ["name", "phone"] }

[[purpose.legal_basis]]
id = "visit_consent"
kind = "consent"

[[purpose.notice]]
id = "visit_notice_1"
version = 1
title_zh = "告知书"
valid_from = "2025-01-01"
"#;

fn load_with(from: &str, to: &str) -> Result<PurposeSet, PurposeError> {
    assert!(SAMPLE.contains(from), "{from}");
    load(&SAMPLE.replace(from, to), &schemas())
}

fn refused(from: &str, to: &str) -> String {
    load_with(from, to).expect_err("a refused purpose").to_string()
}

#[test]
fn the_shipped_purposes_are_those_of_the_catalogue() {
    let ids: Vec<String> = shipped().iter().map(|purpose| purpose.id.to_string()).collect();
    assert_eq!(
        ids,
        [
            "access_oversight",
            "agent_service",
            "child_protection",
            "disability_transport",
            "dispute_mediation",
            "elder_benefit",
            "elder_visit",
            "emergency_evacuation",
            "employment_aid",
            "event_feedback",
            "household_contact",
            "infectious_disease_control",
            "minimum_allowance",
            "record_correction",
            "residence_registration",
            "rights_request",
            "safety_inspection",
        ]
    );
}

#[test]
fn every_group_has_a_shipped_purpose() {
    let set = shipped();
    for group in PurposeGroup::ALL {
        assert!(set.iter().any(|purpose| purpose.group == group), "{group}");
    }
}

#[test]
fn every_shipped_field_can_be_collected_for_some_purpose() {
    let (schemas, set) = (schemas(), shipped());
    for schema in schemas.iter() {
        for field in schema.fields() {
            assert!(
                set.is_collectable(schema.record_type(), &field.name),
                "{} {}",
                schema.record_type(),
                field.name
            );
        }
    }
}

#[test]
fn a_required_field_is_listed_wherever_its_type_is_written() {
    let (schemas, set) = (schemas(), shipped());
    for purpose in set.iter() {
        for (record_type, listed) in &purpose.fields {
            let schema = schemas.get(*record_type).expect("a listed type has a schema");
            for field in schema.fields().iter().filter(|field| field.required) {
                assert!(
                    listed.contains(&field.name),
                    "{} {record_type}.{}",
                    purpose.id,
                    field.name
                );
            }
        }
    }
}

#[test]
fn a_field_outside_the_purpose_is_not_listed() {
    let set = shipped();
    let contact = set.get("household_contact").expect("a shipped purpose");
    assert!(contact.lists(RecordType::Person, "phone"));
    assert!(!contact.lists(RecordType::Person, "id_number"));
    assert!(!contact.lists(RecordType::Event, "caller_phone"));
    assert!(!contact.lists(RecordType::Person, "no_such_field"));
}

#[test]
fn health_and_emergency_fields_stay_out_of_reach_of_other_purposes() {
    let set = shipped();
    let listing = |field: &str| -> Vec<String> {
        let purposes = set.iter().filter(|purpose| purpose.lists(RecordType::Person, field));
        purposes.map(|purpose| purpose.id.to_string()).collect()
    };
    assert_eq!(
        listing("mobility_need"),
        ["disability_transport", "record_correction", "rights_request"]
    );
    assert_eq!(listing("income"), ["minimum_allowance", "record_correction", "rights_request"]);
    assert_eq!(
        listing("assistance_tag"),
        ["elder_visit", "emergency_evacuation", "record_correction", "rights_request"]
    );
}

#[test]
fn what_is_held_for_an_emergency_ends_with_it() {
    let set = shipped();
    for id in ["emergency_evacuation", "infectious_disease_control"] {
        let day = jiff::civil::date(2026, 1, 10);
        assert_eq!(set.get(id).expect("a shipped purpose").retention.ends_on(day), day);
    }
}

#[test]
fn the_public_form_tells_fields_bases_and_notices() {
    let json = shipped().get("household_contact").expect("a shipped purpose").to_public_json();
    assert_eq!(json["group"], "contact");
    assert_eq!(json["legal_bases"][0]["kind"], "consent");
    assert_eq!(json["notices"][0]["version"], 1);
    assert!(
        json["fields"]["person"].as_array().is_some_and(|fields| fields.contains(&"phone".into()))
    );
}

#[test]
fn an_aim_is_no_purpose() {
    for title in [
        "网格化管理",
        "社会治理",
        "维稳",
        "全覆盖采集",
        "综合研判",
        "重点人员管控",
        "备用",
        "日常网格化管理工作",
    ] {
        let message = refused("title_zh = \"走访\"", &format!("title_zh = \"{title}\""));
        assert!(message.contains("names no legal task, no organ and no fields"), "{message}");
    }
    assert!(matches!(
        load_with("\"Visit\"", "\"Grid  Management\""),
        Err(PurposeError::RefusedTitle { .. })
    ));
    assert!(matches!(
        load_with("\"visit\"", "\"grid_management\""),
        Err(PurposeError::RefusedTitle { .. })
    ));
}

#[test]
fn looks_for_the_protection_of_children_alone_are_not_told() {
    let shipped = shipped();
    let quiet: Vec<&str> =
        shipped.iter().filter(|one| one.quiet).map(|one| one.id.as_str()).collect();
    assert_eq!(quiet, ["child_protection"]);
}

#[test]
fn a_purpose_that_corrects_rests_on_a_duty_alone() {
    let shipped = shipped();
    let correcting: Vec<&str> =
        shipped.iter().filter(|one| one.corrects).map(|one| one.id.as_str()).collect();
    assert_eq!(correcting, ["record_correction"]);
    let corrects = "needs_case = false\ncorrects = true";
    let message = refused("needs_case = false", corrects);
    assert!(message.contains("rests on something else than a duty"), "{message}");
    let duty = "kind = \"duty\"\nstatute = \"Some Law 1\"\norgan = \"street_office\"";
    let on_duty = SAMPLE.replace("kind = \"consent\"", duty);
    let set = load(&on_duty.replace("needs_case = false", corrects), &schemas());
    assert!(set.expect("it loads").get("visit").expect("a purpose").corrects);
}

#[test]
fn a_sensitive_field_needs_an_assessment_and_a_basis_that_carries_it() {
    let fields = "person = [\"name\", \"phone\"";
    let message = refused(fields, &format!("{fields}, \"id_number\""));
    assert!(message.contains("sensitive `person.id_number`"), "{message}");
    let sensitive = SAMPLE.replace(fields, &format!("{fields}, \"id_number\""));
    let assessed =
        sensitive.replace("active = true", "active = true\nimpact_assessment = \"pia_1\"");
    let message = load(&assessed, &schemas()).expect_err("plain consent").to_string();
    assert!(message.contains("no basis carries"), "{message}");
    assert!(load(&assessed.replace("\"consent\"", "\"separate_consent\""), &schemas()).is_ok());
}

#[test]
fn a_duty_or_an_emergency_needs_a_statute_and_an_organ() {
    for kind in ["duty", "emergency"] {
        let none = format!("kind = \"{kind}\"");
        let statute = format!("{none}\nstatute = \"Some Law 1\"");
        let organ = format!("{none}\norgan = \"street_office\"");
        for text in [&none, &statute, &organ] {
            let result = load_with("kind = \"consent\"", text);
            assert!(matches!(result, Err(PurposeError::StatuteMissing { .. })), "{text}");
        }
        let both = format!("{statute}\norgan = \"street_office\"");
        assert!(load_with("kind = \"consent\"", &both).is_ok());
    }
}

#[test]
fn an_unknown_word_names_its_purpose_and_itself() {
    let cases = [
        (
            "group = \"contact\"",
            "group = \"patrol\"",
            "purpose `visit`: unknown purpose group `patrol`",
        ),
        (
            "organ = \"community_committee\"",
            "organ = \"grid\"",
            "purpose `visit`: unknown organ `grid`",
        ),
        (
            "lines = [\"community\"]",
            "lines = [\"stability\"]",
            "purpose `visit`: unknown line of business `stability`",
        ),
        (
            "kind = \"consent\"",
            "kind = \"habit\"",
            "purpose `visit`: unknown kind of basis `habit`",
        ),
        ("person = [", "pet = [", "purpose `visit`: unknown record type `pet`"),
        ("\"phone\"]", "\"religion\"]", "purpose `visit`: no schema has `person.religion`"),
        ("person = [\"name\"", "task = [\"name\"", "purpose `visit`: no schema has `task.name`"),
        ("2025-01-01", "2025-02-30", "purpose `visit`: unknown date `2025-02-30`"),
    ];
    for (from, to, message) in cases {
        assert_eq!(refused(from, to), format!("purposes.toml: {message}"));
    }
}

#[test]
fn a_purpose_belongs_to_eight_lines_of_business_at_most() {
    let lines = [
        "community",
        "public_security",
        "emergency_management",
        "justice",
        "civil_affairs",
        "human_resources",
        "employment",
        "disabled_persons",
        "health",
    ];
    let with = |count: usize| load_with("[\"community\"]", &format!("{:?}", &lines[..count]));
    let set = with(PURPOSE_LINES_MAX).expect("as many as there may be");
    assert!(set.has_line("justice") && !set.has_line("health"));
    let message = with(PURPOSE_LINES_MAX + 1).expect_err("one more").to_string();
    assert!(message.contains("not too many"), "{message}");
}

#[test]
fn the_old_age_allowance_is_of_two_lines_and_every_line_has_a_purpose() {
    let set = shipped();
    let benefit = set.get("elder_benefit").expect("a shipped purpose");
    assert!(benefit.is_of_line("civil_affairs") && benefit.is_of_line("human_resources"));
    assert!(!benefit.is_of_line("disabled_persons"));
    let schemas = schemas();
    let lines = schemas.code_list("line").expect("the list of lines").to_public_json();
    for code in lines["codes"].as_array().expect("codes") {
        assert!(set.has_line(code["code"].as_str().expect("a code")), "{code}");
    }
    assert!(!set.has_line("stability"));
}

#[test]
fn an_unknown_key_names_its_line_and_itself() {
    let message = refused("active = true", "active = true\nroles = [\"grid_worker\"]");
    assert!(message.starts_with("purposes.toml line ") && message.contains("roles"), "{message}");
}

#[test]
fn what_is_missing_or_stands_twice_is_refused() {
    let cases = [
        ("person = [\"name\", \"phone\"]", "", "it lists no fields"),
        ("\"phone\"]", "\"name\"]", "lists a field twice"),
        ("version = 1", "version = 0", "a notice needs a name"),
        ("cap_months = 36", "cap_months = 0", "its retention has no end"),
        ("title_en = \"Visit\"", "title_en = \" \"", "empty or too long"),
        ("lines = [\"community\"]", "lines = []", "needs a line of business"),
        ("[\"community\"]", "[\"community\", \"community\"]", "needs a line of business"),
    ];
    for (from, to, rule) in cases {
        assert!(refused(from, to).contains(rule), "{rule}");
    }
    let twice = format!("{SAMPLE}{}", SAMPLE.replace("visit_notice_1", "visit_notice_2"));
    assert!(matches!(
        load(&twice, &schemas()),
        Err(PurposeError::Inconsistent { rule: "stands twice", .. })
    ));
    let same_notice = format!("{SAMPLE}{}", SAMPLE.replace("\"visit\"", "\"other\""));
    let refused = load(&same_notice, &schemas()).expect_err("a repeated notice").to_string();
    assert!(refused.contains("name of another"), "{refused}");
}

#[test]
fn hostile_files_are_errors() {
    for text in ["purpose = 3", "[[purpose]]", "\0", "[[purpose", "x = 1"] {
        assert!(load(text, &schemas()).is_err(), "{text}");
    }
    let long = "#".repeat(PURPOSES_BYTES_MAX + 1);
    assert!(load(&long, &schemas()).is_err());
}

#[test]
fn the_live_notice_is_the_newest_in_force() {
    let second = "\n[[purpose.notice]]\nid = \"visit_notice_2\"\nversion = 2\ntitle_zh = \"告知书\"\nvalid_from = \"2026-01-01\"\n";
    let set = load(&format!("{SAMPLE}{second}"), &schemas()).expect("two notices");
    let live = |year, month, day| {
        let purpose = set.get("visit").expect("the sample");
        purpose.live_notice(jiff::civil::date(year, month, day)).map(|notice| notice.version)
    };
    assert_eq!(
        (live(2024, 12, 31), live(2025, 12, 31), live(2026, 1, 1)),
        (None, Some(1), Some(2))
    );
}

#[test]
fn purposes_bases_notices_and_texts_are_taken_at_their_limits_and_refused_beyond_them() {
    let purposes = |count: usize| {
        let all: String =
            (0..count).map(|n| SAMPLE.replace("visit", &format!("visit_{n}"))).collect();
        load(&all, &schemas())
    };
    assert!(purposes(PURPOSES_MAX).is_ok());
    assert!(purposes(PURPOSES_MAX + 1).is_err());
    let bases = |count: usize| {
        let more: String = (1..count)
            .map(|n| format!("[[purpose.legal_basis]]\nid = \"more_{n}\"\nkind = \"consent\"\n"))
            .collect();
        load(&format!("{SAMPLE}{more}"), &schemas())
    };
    assert!(bases(PURPOSE_BASES_MAX).is_ok());
    assert!(bases(PURPOSE_BASES_MAX + 1).is_err());
    let notices = |count: usize| {
        let more: String = (2..=count)
            .map(|n| {
                format!(
                    "[[purpose.notice]]\nid = \"visit_notice_{n}\"\nversion = {n}\n\
                     title_zh = \"告知书\"\nvalid_from = \"2025-01-01\"\n"
                )
            })
            .collect();
        load(&format!("{SAMPLE}{more}"), &schemas())
    };
    assert!(notices(PURPOSE_BASES_MAX).is_ok());
    assert!(notices(PURPOSE_BASES_MAX + 1).is_err());
    let title = |length: usize| load_with("走访", &"访".repeat(length));
    assert!(title(PURPOSE_TEXT_CHARACTERS_MAX).is_ok());
    assert!(title(PURPOSE_TEXT_CHARACTERS_MAX + 1).is_err());
}
