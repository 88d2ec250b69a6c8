//! The forms against what their readers do: escapes, formulas, required members, lengths.
//! Never against the writer's own idea of them alone: CSV is read back by a reader, CEF and OCSF by their rules.
//! Hostile codes cannot get into an entry; the forms hold all the same.

use super::csv::safe;
use super::*;
use crate::limits::CEF_HANDLES_COUNT_MAX;
use serde_json::{Value, json};

const ORIGIN: &str = "vault.example/log";

fn read() -> Value {
    json!({
        "act": "read", "asg": "AS", "ev": "data", "fld": ["name", "phone"], "grid": "8801020010010001",
        "out": "success", "pol": 2, "pur": "residence_registration", "rec": ["-REC"], "req": "RQ",
        "role": "grid_worker", "rule": "grid_worker/1", "seq": 7, "sub": ["SUB"], "t": 1_767_323_045_000_001_u64,
        "typ": "person", "v": 1, "view": ["raw", "masked"], "who": "-WHO",
    })
}

fn line(format: Format, entry: &Value) -> String {
    format.line(entry.to_string().as_bytes(), ORIGIN).expect("a line")
}

fn leaf(entry: &Value) -> String {
    leaf_hash(entry.to_string().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_form_has_a_word_and_takes_no_other() {
    for format in Format::ALL {
        assert_eq!(Format::parse(format.as_str()), Some(format));
    }
    assert_eq!(Format::parse("xml"), None);
    assert_eq!(Format::Csv.line(b"no entry", ORIGIN), None);
}

#[test]
fn entries_leave_as_they_were_written() {
    let entry = read().to_string();
    assert_eq!(Format::Entries.line(entry.as_bytes(), ORIGIN), Some(entry));
}

#[test]
fn an_ocsf_event_has_what_its_class_requires_and_the_entry_itself() {
    let entry = read();
    let event: Value = serde_json::from_str(&line(Format::Ocsf, &entry)).expect("JSON");
    assert_eq!(event["class_uid"], 6005);
    assert_eq!(event["type_uid"], 600_501);
    assert_eq!((&event["category_uid"], &event["activity_id"]), (&json!(6), &json!(1)));
    assert_eq!(event["time"], 1_767_323_045_000_u64);
    assert_eq!(event["metadata"]["uid"], "vault.example/log#7");
    assert_eq!(event["actor"]["user"]["uid"], "-WHO");
    assert_eq!(event["raw_data"], entry.to_string());
    assert_eq!(event["observables"][0]["value"], leaf(&entry));
    for member in ["severity_id", "src_endpoint", "status_id", "database"] {
        assert!(!event[member].is_null(), "{member}");
    }
    for (family, action, class, activity) in [
        ("auth", "login", 3002, 1),
        ("auth", "failed", 3002, 1),
        ("auth", "logout", 3002, 2),
        ("data", "create", 6005, 6),
        ("data", "query", 6005, 4),
        ("data", "delete", 6005, 7),
        ("policy", "activated", 6003, 3),
        ("audit", "read", 6003, 2),
        ("sys", "heartbeat", 6003, 99),
    ] {
        let mut other = read();
        (other["ev"], other["act"]) = (json!(family), json!(action));
        let event: Value = serde_json::from_str(&line(Format::Ocsf, &other)).expect("JSON");
        assert_eq!((&event["class_uid"], &event["activity_id"]), (&json!(class), &json!(activity)));
        let required = match class {
            3002 => "user",
            6005 => "database",
            _ => "api",
        };
        assert!(!event[required].is_null(), "{family}.{action}");
    }
}

#[test]
fn a_refusal_is_a_failure_with_its_code() {
    let mut entry = read();
    (entry["out"], entry["why"]) = (json!("denied"), json!("out_of_territory"));
    let event: Value = serde_json::from_str(&line(Format::Ocsf, &entry)).expect("JSON");
    assert_eq!(
        (&event["status_id"], &event["status_code"]),
        (&json!(2), &json!("out_of_territory"))
    );
    let cef = line(Format::Cef, &entry);
    assert!(cef.contains("|6|") && cef.contains("outcome=denied reason=out_of_territory"), "{cef}");
}

#[test]
fn a_cef_line_has_seven_header_fields_and_named_members() {
    let entry = read();
    let text = line(Format::Cef, &entry);
    let fields: Vec<&str> = text.splitn(8, '|').collect();
    assert_eq!(fields[..3], ["CEF:0", "Gridvault", "Gridvault"]);
    assert_eq!(fields[4..7], ["data.read", "data.read success", "3"]);
    for pair in [
        "rt=1767323045000",
        "externalId=7",
        "suid=-WHO",
        "cs1Label=purpose",
        "cs1=residence_registration",
        "cs4=-REC",
        "cs6=name phone",
    ] {
        assert!(fields[7].contains(pair), "{pair} in {}", fields[7]);
    }
    assert!(text.ends_with(&format!("fileHash={}", leaf(&entry))));
}

#[test]
fn nothing_in_an_entry_ends_a_cef_field_or_a_line_early() {
    let mut entry = read();
    entry["pur"] = json!("a=b|c\\d\ne\rf\u{0}");
    entry["act"] = json!("re|ad\\\n");
    let text = line(Format::Cef, &entry);
    assert_eq!(text.lines().count(), 1);
    assert!(text.contains("cs1=a\\=b|c\\\\d e f "), "{text}");
    assert!(text.contains("|data.re\\|ad\\\\ |"), "{text}");
}

#[test]
fn a_long_list_is_named_up_to_the_limit_and_counted_whole() {
    let count = CEF_HANDLES_COUNT_MAX + 1;
    let mut entry = read();
    entry["rec"] = (0..count).map(|number| json!(format!("R{number}"))).collect();
    let text = line(Format::Cef, &entry);
    assert!(text.contains(&format!("cnt={count} ")), "{text}");
    assert!(text.contains(&format!(" R{}", CEF_HANDLES_COUNT_MAX - 1)));
    assert!(!text.contains(&format!(" R{CEF_HANDLES_COUNT_MAX}")));
    let bytes = entry.to_string();
    let whole = Format::Csv.line(bytes.as_bytes(), ORIGIN).expect("a line");
    assert!(whole.contains(&format!(" R{}", count - 1)), "a file has room for all");
}

#[test]
fn a_sheet_calculates_nothing_and_a_reader_gets_every_cell() {
    let text = format!("{}\n{}\n", Format::Csv.header().expect("one"), line(Format::Csv, &read()));
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> =
        reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let row = reader.records().next().expect("a row").expect("a well-formed row");
    let cell =
        |name: &str| &row[header.iter().position(|column| column == name).expect("a column")];
    assert_eq!((cell("index"), cell("event")), ("7", "data.read"));
    assert_eq!(cell("time"), "2026-01-02T03:04:05.000001Z");
    assert_eq!((cell("actor"), cell("records")), ("'-WHO", "'-REC"));
    assert_eq!(cell("fields"), "name phone");
    assert_eq!(cell("leaf"), leaf(&read()));
}

#[test]
fn every_beginning_of_a_formula_is_defused_and_nothing_else_is_touched() {
    for formula in ["=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠a"]
    {
        assert_eq!(safe(formula), format!("'{formula}"));
    }
    for harmless in ["", "1", "a=1", "grid_worker", "张"] {
        assert_eq!(safe(harmless), harmless);
    }
    let mut entry = read();
    entry["why"] = json!("=cmd|' /C calc'!A0");
    assert!(line(Format::Csv, &entry).contains("\"'=cmd|' /C calc'!A0\""));
}

#[test]
fn a_framed_message_says_its_length_in_bytes() {
    let mut entry = read();
    entry["typ"] = json!("人");
    let framed = framed(Format::Cef, entry.to_string().as_bytes(), ORIGIN).expect("a message");
    let text = String::from_utf8(framed).expect("UTF-8");
    let (length, message) = text.split_once(' ').expect("a frame");
    assert_eq!(length.parse::<usize>().expect("a number"), message.len());
    let head = "<110>1 2026-01-02T03:04:05.000001Z vault.example gridvault - data.read - CEF:0|";
    assert!(message.starts_with(head), "{message}");
    assert_eq!(super::framed(Format::Cef, b"{}", ORIGIN), None);
}
