//! Requirements on schema files: what loads, what is refused, and what the shipped ones promise.

use super::*;
use crate::limits::{
    DATA_FILE_BYTES_MAX, FIELD_TEXT_CHARACTERS_MAX, RECORD_BYTES_MAX, SCHEMA_SECTIONS_MAX,
    SECTION_BYTES_MAX, SLUG_CHARACTERS_MAX,
};

const LIST: (&str, &str) = (
    "colour.toml",
    "name = \"colour\"\ntitle_zh = \"颜色\"\ntitle_en = \"Colour\"\n[[code]]\ncode = \"red\"\ntitle_zh = \"红\"\ntitle_en = \"red\"\n",
);

/// A schema with one section of class C2 and one field, which the argument gives in part.
fn with(field: &str) -> Result<SchemaSet, SchemaError> {
    load(&format!("{}{}", head("self"), field_text("x", "C2", "a", field)))
}

fn load(toml: &str) -> Result<SchemaSet, SchemaError> {
    SchemaSet::load(&[("sample.toml", toml)], &[LIST])
}

fn head(subject: &str) -> String {
    format!(
        "type = \"person\"\nversion = 1\ntitle_zh = \"人\"\ntitle_en = \"Person\"\n\
         [retention]\nafter = \"residence_end\"\nmonths = 6\ncap_months = 60\n\
         [[section]]\nname = \"a\"\nsubject = \"{subject}\"\n"
    )
}

fn field_text(name: &str, class: &str, section: &str, rest: &str) -> String {
    let legal = if class >= "C2" { "legal_kind = \"other\"\n" } else { "" };
    format!(
        "[[field]]\nname = \"{name}\"\ntitle_zh = \"项\"\ntitle_en = \"Item\"\nclass = \"{class}\"\n\
         section = \"{section}\"\nmask = \"hidden\"\n{legal}{rest}\n"
    )
}

const TEXT: &str = "kind = \"text\"\nmax_characters = 10";

fn rule(result: Result<SchemaSet, SchemaError>) -> String {
    result.expect_err("a refused schema").to_string()
}

#[test]
fn the_shipped_schemas_load() {
    let set = SchemaSet::built_in().expect("the shipped schemas load");
    let types: Vec<&str> = set.iter().map(|schema| schema.record_type().as_str()).collect();
    assert_eq!(
        types,
        [
            "person",
            "household",
            "residence",
            "place",
            "event",
            "object",
            "organisation",
            "mediation_file"
        ]
    );
    assert!(set.get(RecordType::Task).is_none());
}

#[test]
fn shipped_sections_hold_one_class_and_one_subject() {
    let set = SchemaSet::built_in().expect("the shipped schemas load");
    for schema in set.iter() {
        for section in schema.sections() {
            let mut classes: Vec<Class> =
                schema.fields_of(&section.name).map(|field| field.class).collect();
            classes.dedup();
            assert_eq!(classes.len(), 1, "{} {}", schema.record_type(), section.name);
        }
    }
    let person = set.get(RecordType::Person).expect("a person schema");
    let slot = |field: &str| {
        let field = person.field(field).expect("a known field");
        person.section_of(field).expect("a known section").subject.as_str().to_owned()
    };
    assert_eq!(slot("name"), "self");
    assert_eq!(slot("emergency_contact_phone"), "emergency_contact");
    assert_eq!(slot("guardian_phone"), "guardian");
}

#[test]
fn the_citizen_number_lies_alone_and_is_matchable() {
    let set = SchemaSet::built_in().expect("the shipped schemas load");
    let person = set.get(RecordType::Person).expect("a person schema");
    let number = person.field("id_number").expect("a citizen number");
    assert_eq!(number.class, Class::C3);
    assert_eq!(number.match_group.as_deref(), Some("id_number"));
    assert_eq!(person.fields_of(&number.section).count(), 1);
    assert_eq!(person.field("phone").and_then(|field| field.match_group.as_deref()), Some("phone"));
}

#[test]
fn the_public_form_of_a_schema_tells_forms_what_they_need() {
    let set = SchemaSet::built_in().expect("the shipped schemas load");
    let json = set.get(RecordType::Person).expect("a person schema").to_public_json();
    assert_eq!(json["type"], "person");
    assert_eq!(json["fields"][0]["name"], "name");
    assert_eq!(json["fields"][0]["max_characters"], 60);
    assert_eq!(json["fields"][1]["codes"], "sex");
    assert_eq!(json["fields"][0]["retention"]["after"], "residence_end");
    assert_eq!(set.code_list("sex").and_then(CodeList::standard), Some("GB/T 2261.1-2003"));
}

#[test]
fn the_digest_input_changes_with_any_text_and_not_with_the_order() {
    let one = (LIST.0, LIST.1);
    let text = LIST.1.replace("colour", "shade");
    let two = ("shade.toml", text.as_str());
    let forward = SchemaSet::load(&[], &[one, two]).expect("two lists");
    let backward = SchemaSet::load(&[], &[two, one]).expect("two lists");
    assert_eq!(forward.digest_input(), backward.digest_input());
    let changed = text.replace("红", "朱");
    let other = SchemaSet::load(&[], &[one, ("shade.toml", changed.as_str())]).expect("two lists");
    assert_ne!(forward.digest_input(), other.digest_input());
}

#[test]
fn an_unknown_key_names_its_file_its_line_and_itself() {
    let refused = rule(with(&format!("{TEXT}\nencrypted = false")));
    assert!(refused.starts_with("sample.toml line "), "{refused}");
    assert!(refused.contains("encrypted"), "{refused}");
}

#[test]
fn an_unknown_word_names_its_file_and_itself() {
    let cases = [
        (with("kind = \"poem\""), "sample.toml: unknown kind `poem`"),
        (with("kind = \"code\"\ncodes = \"shade\""), "sample.toml: unknown code list `shade`"),
        (
            with("kind = \"record_reference\"\nrecord_type = \"pet\""),
            "sample.toml: unknown record type `pet`",
        ),
        (
            load(&format!("{}{}", head("self"), field_text("x", "C4", "a", TEXT))),
            "sample.toml: unknown class `C4`",
        ),
        (
            load(&format!("{}{}", head("self"), field_text("x", "C2", "b", TEXT))),
            "sample.toml: unknown section `b`",
        ),
        (load(&head("self").replace("person", "pet")), "sample.toml line 1: missing field `field`"),
    ];
    for (result, message) in cases {
        assert_eq!(rule(result), message);
    }
}

#[test]
fn a_section_of_two_classes_is_refused() {
    let fields = field_text("x", "C2", "a", TEXT) + field_text("y", "C3", "a", TEXT).as_str();
    let refused = load(&(head("self") + fields.as_str())).expect_err("a mixed section");
    assert!(matches!(refused, SchemaError::MixedSection { section, .. } if section == "a"));
}

#[test]
fn a_section_that_names_a_subject_is_about_a_person() {
    let refused = rule(load(&(head("owner") + field_text("x", "C1", "a", TEXT).as_str())));
    assert!(refused.contains("is about no person"), "{refused}");
    assert!(load(&(head("owner") + field_text("x", "C2", "a", TEXT).as_str())).is_ok());
}

#[test]
fn a_section_without_fields_is_refused() {
    let text = head("self")
        + "[[section]]\nname = \"b\"\nsubject = \"self\"\n"
        + field_text("x", "C2", "a", TEXT).as_str();
    assert_eq!(rule(load(&text)), "sample.toml: `b`: section has no field");
}

#[test]
fn a_repeated_name_is_refused() {
    let fields = field_text("x", "C2", "a", TEXT) + field_text("x", "C2", "a", TEXT).as_str();
    assert_eq!(rule(load(&(head("self") + fields.as_str()))), "sample.toml: `x` stands twice");
}

#[test]
fn statements_that_do_not_go_together_are_refused() {
    let group = "match_group = \"g\"";
    let cases = [
        (format!("{TEXT}\nmany = true\n{group}"), "cannot be matched"),
        (format!("kind = \"code\"\ncodes = \"colour\"\n{group}"), "cannot be matched"),
        (
            format!("kind = \"date\"\nnot_future = true\nfirst_year = 1900\n{group}"),
            "cannot be matched",
        ),
        ("kind = \"integer\"\nmin = 0\nmax = 1\nmany = true".to_owned(), "has no lists"),
        ("kind = \"integer\"\nmin = 2\nmax = 1".to_owned(), "needs min and max"),
        ("kind = \"id_number\"".to_owned(), "a citizen number is C3"),
        ("kind = \"phone\"\nmax_characters = 5".to_owned(), "setting of another kind"),
        ("kind = \"text\"".to_owned(), "needs max_characters"),
        ("kind = \"text\"\nmax_characters = 4001".to_owned(), "needs max_characters"),
        (
            format!("{TEXT}\nretention = {{ after = \"collection\", cap_months = 0 }}"),
            "retention has no end",
        ),
    ];
    for (text, expected) in cases {
        let refused = rule(with(&text));
        assert!(refused.contains(expected), "{refused}");
    }
}

#[test]
fn a_field_about_a_person_needs_a_mask_and_a_legal_kind() {
    let field = field_text("x", "C2", "a", TEXT);
    let shown = head("self") + field.replace("hidden", "shown").as_str();
    assert!(rule(load(&shown)).contains("needs a mask"));
    let unnamed = head("self") + field.replace("legal_kind = \"other\"\n", "").as_str();
    assert!(rule(load(&unnamed)).contains("legal kind"));
    let wrong = head("self") + field.replace("hidden", "id_number").as_str();
    assert!(rule(load(&wrong)).contains("mask does not fit"));
}

#[test]
fn one_match_group_holds_one_kind() {
    let fields = field_text("x", "C2", "a", &format!("{TEXT}\nmatch_group = \"g\""))
        + field_text("y", "C2", "a", "kind = \"phone\"\nmatch_group = \"g\"").as_str();
    assert!(rule(load(&(head("self") + fields.as_str()))).contains("another kind"));
}

#[test]
fn what_is_matched_until_a_date_names_a_date_of_its_section() {
    let date = "kind = \"date\"\nnot_future = false\nfirst_year = 1900";
    let until = |end: &str, group: &str| {
        let field = format!("{TEXT}\nmatch_until = \"{end}\"{group}");
        let fields = field_text("x", "C2", "a", &field)
            + field_text("ends", "C2", "a", date).as_str()
            + field_text("other", "C2", "a", TEXT).as_str();
        load(&(head("self") + fields.as_str()))
    };
    let group = "\nmatch_group = \"g\"";
    assert!(until("ends", group).is_ok());
    assert!(rule(until("other", group)).contains("matched until no date of its section"));
    assert!(rule(until("nothing", group)).contains("matched until no date of its section"));
    assert!(rule(until("ends", "")).contains("only what is matched"));
    let elsewhere = head("self")
        + "[[section]]\nname = \"b\"\nsubject = \"self\"\n"
        + field_text("x", "C2", "a", &format!("{TEXT}\nmatch_until = \"ends\"{group}")).as_str()
        + field_text("ends", "C2", "b", date).as_str();
    assert!(rule(load(&elsewhere)).contains("matched until no date of its section"));
}

#[test]
fn one_day_of_the_record_itself_is_the_moment_that_its_period_counts_from() {
    let moment = "kind = \"date\"\nnot_future = false\nfirst_year = 1900\nmoment = true";
    assert!(with(moment).is_ok());
    assert!(rule(with(&format!("{TEXT}\nmoment = true"))).contains("only one day is a moment"));
    assert!(rule(with(&format!("{moment}\nmany = true"))).contains("only one day is a moment"));
    let field = |name: &str, section: &str| field_text(name, "C2", section, moment);
    let two = head("self") + field("x", "a").as_str() + field("y", "a").as_str();
    assert!(rule(load(&two)).contains("is a second moment"));
    let known = head("self").replace("residence_end", "collection") + field("x", "a").as_str();
    assert!(rule(load(&known)).contains("knows by itself"));
    let others = head("self")
        + "[[section]]\nname = \"b\"\nsubject = \"owner\"\n"
        + field_text("x", "C2", "a", TEXT).as_str()
        + field("y", "b").as_str();
    assert!(rule(load(&others)).contains("section of somebody else"));
}

#[test]
fn the_moment_of_a_record_is_the_day_in_the_country_on_which_it_was() {
    let set = SchemaSet::built_in().expect("the shipped schemas load");
    let told = |record_type: RecordType, field: &str, value: &str| {
        let mut fields = PlainFields::new();
        fields.insert(field.to_owned(), Value::Text(Sensitive::new(value.to_owned())));
        let schema = set.get(record_type).expect("a schema");
        schema.moment_in(&fields).map(|day| day.to_string())
    };
    let closed = |at| told(RecordType::Event, "closed_at", at);
    assert_eq!(closed("2026-01-01T15:59:59Z").as_deref(), Some("2026-01-01"));
    assert_eq!(closed("2026-01-01T16:00:00Z").as_deref(), Some("2026-01-02"));
    let moved_out = told(RecordType::Residence, "move_out_date", "2026-01-01");
    assert_eq!(moved_out.as_deref(), Some("2026-01-01"));
    let concluded = told(RecordType::MediationFile, "closed_on", "2026-01-01");
    assert_eq!(concluded.as_deref(), Some("2026-01-01"));
    assert_eq!(told(RecordType::Person, "birth_date", "2026-01-01"), None);
}

#[test]
fn a_section_that_could_grow_too_large_to_seal_is_refused() {
    let long = "kind = \"text\"\nmax_characters = 4000";
    let of = |count: usize| -> String {
        (0..count).map(|n| field_text(&format!("x{n}"), "C2", "a", long)).collect()
    };
    assert!(load(&(head("self") + of(1).as_str())).is_ok());
    assert_eq!(
        rule(load(&(head("self") + of(2).as_str()))),
        "sample.toml: more bytes in a section than 24576"
    );
}

#[test]
fn religion_ethnicity_and_politics_load_only_under_a_statute() {
    for name in ["religion", "ethnic_group", "political_status"] {
        let text = head("self") + field_text(name, "C2", "a", TEXT).as_str();
        assert!(matches!(load(&text), Err(SchemaError::StatuteMissing { .. })), "{name}");
        assert!(load(&format!("{text}statute = \"some_law_1\"\n")).is_ok(), "{name}");
        assert!(load(&format!("{text}statute = \" \"\n")).is_err(), "{name}");
    }
    let field = field_text("x", "C2", "a", TEXT).replace("项", "民族");
    let chinese = head("self") + field.as_str();
    assert!(matches!(load(&chinese), Err(SchemaError::StatuteMissing { label: "民族", .. })));
}

#[test]
fn biometrics_and_labels_of_persons_never_load() {
    for (name, title) in [
        ("fingerprint", "项"),
        ("x", "人脸照片"),
        ("x", "重点人员"),
        ("mental_disorder", "项"),
        ("score", "项"),
    ] {
        let field = field_text(name, "C2", "a", TEXT).replace("项", title);
        let text = format!("{}{field}statute = \"some_law_1\"\n", head("self"));
        assert!(matches!(load(&text), Err(SchemaError::Forbidden { .. })), "{name} {title}");
    }
}

#[test]
fn hostile_files_are_errors() {
    for text in ["", "\0", "type", "type = 3", "[[[", "type = \"person\"\ntype = \"person\""] {
        assert!(load(text).is_err(), "{text}");
    }
    let long = "#".repeat(256 * 1024 + 1);
    assert_eq!(rule(load(&long)), "sample.toml: more bytes than 262144");
}

#[test]
fn a_text_field_and_a_file_are_taken_at_their_limits_and_refused_beyond_them() {
    let text = |characters: usize| with(&format!("kind = \"text\"\nmax_characters = {characters}"));
    assert!(text(FIELD_TEXT_CHARACTERS_MAX).is_ok());
    assert!(text(FIELD_TEXT_CHARACTERS_MAX + 1).is_err());
    assert!(text(0).is_err());
    let digits = |count: usize| with(&format!("kind = \"digits\"\ncharacters = {count}"));
    assert!(digits(SLUG_CHARACTERS_MAX).is_ok());
    assert!(digits(SLUG_CHARACTERS_MAX + 1).is_err());
    let file = |bytes: usize| {
        let plain = format!("{}{}", head("self"), field_text("x", "C2", "a", TEXT));
        load(&format!("{plain}#{}", " ".repeat(bytes - plain.len() - 1)))
    };
    assert!(file(DATA_FILE_BYTES_MAX).is_ok());
    assert!(file(DATA_FILE_BYTES_MAX + 1).is_err());
}

#[test]
fn sections_are_taken_to_their_number_and_a_record_to_its_length() {
    let sections = |count: usize, field: &str| {
        let mut toml = head("self");
        for number in 1..count {
            toml.push_str(&format!("[[section]]\nname = \"s{number}\"\nsubject = \"self\"\n"));
        }
        toml.push_str(&field_text("x0", "C2", "a", field));
        for number in 1..count {
            toml.push_str(&field_text(&format!("x{number}"), "C2", &format!("s{number}"), field));
        }
        load(&toml)
    };
    assert!(sections(SCHEMA_SECTIONS_MAX, TEXT).is_ok());
    assert!(rule(sections(SCHEMA_SECTIONS_MAX + 1, TEXT)).contains("sections"));
    // Sections that each fit are too long together.
    let long = format!("kind = \"text\"\nmax_characters = {FIELD_TEXT_CHARACTERS_MAX}");
    let each = 4 * FIELD_TEXT_CHARACTERS_MAX;
    assert!(each < SECTION_BYTES_MAX);
    assert!(sections(1, &long).is_ok());
    assert!(rule(sections(RECORD_BYTES_MAX / each + 1, &long)).contains("bytes in a record"));
}
