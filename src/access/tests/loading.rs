//! Requirements on loading: whatever is not understood whole does not load.
//! Never skipped and never guessed: an unknown word is named with its file and line.
//! Each case changes one word of the shipped files.

use super::world::*;
use crate::access::RoleId;
use crate::limits::BUSINESS_LINES_COUNT_MAX;
use crate::purposes::PurposeSet;
use crate::records::LegalKind;
use crate::records::{RecordType, SchemaSet};
use std::path::PathBuf;

/// What loading says to these files.
fn says(files: &Files) -> String {
    files.load().err().expect("refused").to_string()
}

/// Says what loading says to one more line of a role.
fn says_to_line(role: &str, line: &str) -> String {
    let mut files = Files::shipped();
    files.add(role, line);
    says(&files)
}

#[test]
fn an_unknown_word_at_any_place_of_a_policy_line_stops_the_load() {
    let cases = [
        ("town,any,C0,any,read:raw,allow", "unknown level of this role \"town\""),
        ("city,any,C0,any,read:raw,allow", "unknown level of this role \"city\""),
        ("any,any,C0,any,read:raw,allow", "unknown level of this role \"any\""),
        ("grid,people,C0,any,read:raw,allow", "unknown topic \"people\""),
        ("grid,Person,C0,any,read:raw,allow", "unknown topic \"Person\""),
        ("grid,any,C4,any,read:raw,allow", "unknown class \"C4\""),
        ("grid,any,C0,policing,read:raw,allow", "unknown purpose group \"policing\""),
        ("grid,any,C0,any,read,allow", "unknown action \"read\""),
        ("grid,any,C0,any,any,allow", "unknown action \"any\""),
        ("grid,any,C0,any,audit.read,allow", "unknown action \"audit.read\""),
        ("grid,duty,C1,oversight,audit.read,allow", "unknown action \"audit.read\""),
        ("grid,duty,C1,oversight,read:raw,allow", "unknown action \"read:raw\""),
        ("grid,any,C0,any,read:raw,permit", "unknown effect \"permit\""),
        ("grid,any,C0,any,read:raw,", "unknown effect \"\""),
        ("grid,any,C0,any,read:raw", "needs level, topic, class, group, action, effect"),
        ("grid,any,C0,any,read:raw,allow,now", "needs level, topic, class, group, action, effect"),
        ("grid,any,any,safety,write,allow", "said twice"),
        ("grid, any , any,safety,\"write\",allow", "said twice"),
    ];
    for (line, expected) in cases {
        let said = says_to_line("grid_worker", line);
        assert!(said.starts_with("roles/grid_worker.csv, line 20: "), "{line}: {said}");
        assert!(said.ends_with(expected), "{line}: {said}");
    }
}

#[test]
fn a_role_without_records_has_no_action_on_them() {
    let line = "platform,any,any,any,read:raw,allow";
    for role in ["system_admin", "security_admin", "audit_admin", "compliance_auditor"] {
        let said = says_to_line(role, line);
        assert!(said.ends_with("unknown action \"read:raw\""), "{role}: {said}");
    }
    let said = says_to_line("system_admin", "platform,duty,C1,oversight,keys.take,allow");
    assert!(said.ends_with("unknown action \"keys.take\""), "{said}");
}

#[test]
fn twenty_lines_load_and_one_more_does_not() {
    let topics = ["person", "place", "event"];
    let mut files = Files::shipped();
    for topic in topics {
        files.add("grid_worker", &format!("grid,{topic},C0,registration,count,allow"));
    }
    assert!(files.load().is_ok());
    files.add("grid_worker", "grid,household,C0,registration,count,allow");
    assert!(says(&files).ends_with("more than 20 lines"));
}

#[test]
fn roles_and_their_files_belong_together() {
    let mut files = Files::shipped();
    files.lines.remove("grid_head");
    assert_eq!(says(&files), "role \"grid_head\": has no policy file");

    let mut files = Files::shipped();
    files.lines.insert("mayor".into(), String::new());
    assert_eq!(says(&files), "role \"mayor\": is not in roles.toml");

    let files = Files::shipped();
    let mut lines: Vec<(String, String)> = files.lines.clone().into_iter().collect();
    lines.push(("grid_worker".into(), String::new()));
    let said = files.load_with(lines).err().expect("refused").to_string();
    assert_eq!(said, "role \"grid_worker\": has two policy files");
}

#[test]
fn an_unknown_word_or_key_in_the_roles_stops_the_load() {
    let cases = [
        ("level = \"street\"", "level = \"town\"", "unknown level \"town\""),
        ("family = \"oversight\"", "family = \"spectators\"", "unknown variant"),
        ("zh = \"市级平台\"", "zh = \"市级平台\"\nrank = 1", "unknown field"),
        ("level = \"city\"", "level = \"platform\"", "a business role has an area"),
        ("exclusive = [\"grid_worker\"", "exclusive = [\"mayor\"", "unknown role \"mayor\""),
        ("exclusive = [\"grid_worker\"", "exclusive = [\"property_firm\"", "excludes itself"),
        ("days_max = 31", "days_max = -1", "invalid value"),
        ("needs_line = true", "needs_line = \"civil_affairs\"", "invalid type"),
        ("id = \"grid_head\"", "id = \"grid_worker\"", "named twice"),
        ("[[role]]", "[[roles]]", "unknown field"),
        ("id = \"grid_head\"", "", "missing field"),
    ];
    for (old, new, expected) in cases {
        let mut files = Files::shipped();
        assert!(files.roles.contains(old), "{old}");
        files.roles = files.roles.replacen(old, new, 1);
        let said = says(&files);
        assert!(said.contains(expected), "{new}: {said}");
    }
}

#[test]
fn more_roles_than_the_table_has_cells_for_do_not_load() {
    let role = |number: usize| {
        format!(
            "[[role]]\nid = \"r{number}\"\nzh = \"\"\nen = \"\"\nlevel = \"grid\"\nfamily = \"business\"\n\
             reveals = \"grid\"\n"
        )
    };
    let with = |count: usize| {
        let mut files = Files::shipped();
        let bounds = LegalKind::ALL.map(|kind| format!("{} = [1, 2]\n", kind.as_str())).concat();
        let roles: String = (0..count).map(role).collect();
        let training = "[training]\ndays_max = 400\nwarning_days = 30\n";
        let approvals = "[approvals]\nasks = [1, 1]\n";
        files.roles = format!("{training}{approvals}[reveals.grid]\n{bounds}{roles}");
        files.lines = (0..count).map(|number| (format!("r{number}"), String::new())).collect();
        files.narrowing = String::new();
        files
    };
    assert!(with(64).load().is_ok());
    assert!(says(&with(65)).contains("more than 64 roles"));
}

#[test]
fn a_purpose_that_needs_a_case_opens_nothing_in_clear_without_one() {
    let mut needing = 0;
    for purpose in PURPOSES.iter() {
        let role = "area_leader";
        let with = |highest: &str| {
            let mut files = Files::shipped();
            let others = |line: &&str| !line.starts_with(&format!("{},{role},", purpose.id));
            files.narrowing = files.narrowing.lines().filter(others).collect::<Vec<_>>().join("\n");
            files.narrowing.push_str(&format!("\n{},{role},*,{highest},\n", purpose.id));
            files.load().err().map_or_else(String::new, |error| error.to_string())
        };
        let said = with("raw");
        let refused = said.ends_with("leaves more than raw/task under a purpose that needs a case");
        assert_eq!(refused, purpose.needs_case, "{}: {said}", purpose.id);
        for less in ["raw/task", "raw/approval", "masked", "match"] {
            assert!(!with(less).contains("needs a case"), "{}: {less}", purpose.id);
        }
        needing += usize::from(purpose.needs_case);
    }
    assert_eq!(needing, 12);
}

#[test]
fn an_unknown_word_at_any_place_of_the_narrowing_stops_the_load() {
    let cases = [
        ("grid_management,grid_worker,*,raw,write", "unknown purpose \"grid_management\""),
        ("residence_registration,mayor,*,raw,write", "unknown role \"mayor\""),
        (
            "safety_inspection,street_operator,colour,raw,",
            "unknown field of this purpose \"colour\"",
        ),
        // A field that exists, but not under this purpose.
        (
            "safety_inspection,street_operator,id_number,raw,",
            "unknown field of this purpose \"id_number\"",
        ),
        ("safety_inspection,street_operator,*,clear,", "unknown view \"clear\""),
        ("safety_inspection,street_operator,*,read:raw,", "unknown view \"read:raw\""),
        ("safety_inspection,street_operator,*,raw,yes", "unknown word for writing \"yes\""),
        (
            "safety_inspection,street_operator,*,raw",
            "needs purpose, role, field, highest view, write",
        ),
        ("residence_registration,grid_worker,*,masked,", "said twice"),
        ("residence_registration,grid_worker,id_number,raw,write", "said twice"),
    ];
    for (line, expected) in cases {
        let mut files = Files::shipped();
        files.narrowing.push_str(line);
        let said = says(&files);
        assert!(said.starts_with("narrowing.csv, line "), "{line}: {said}");
        assert!(said.ends_with(expected), "{line}: {said}");
    }
}

#[test]
fn a_broken_model_does_not_load() {
    for (old, new) in [("[matchers]", "[matcher]"), ("m = r.level", "m = ) r.level")] {
        let mut files = Files::shipped();
        assert!(files.model.contains(old), "{old}");
        files.model = files.model.replace(old, new);
        assert!(says(&files).starts_with("casbin refused the policy"), "{new}");
    }
}

/// The shipped schemas with so many lines of business, and a purpose for each.
fn with_lines(count: usize) -> (SchemaSet, PurposeSet) {
    let read = |folder: &str| -> Vec<(String, String)> {
        let files = std::fs::read_dir(policies().join(folder)).expect("a folder of policies");
        let files = files.map(|file| file.expect("a file").path());
        let named = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).expect("a file that reads");
            (path.file_name().expect("a name").to_string_lossy().into_owned(), text)
        };
        files.map(named).collect()
    };
    let (schemas, mut lists) = (read("schemas"), read("code_lists"));
    let codes = (0..count).map(|number| {
        format!("[[code]]\ncode = \"line_{number}\"\ntitle_zh = \"线\"\ntitle_en = \"line\"\n")
    });
    lists.retain(|(name, _)| name != "line.toml");
    let head = "name = \"line\"\ntitle_zh = \"条线\"\ntitle_en = \"line\"\n";
    lists.push(("line.toml".into(), format!("{head}{}", codes.collect::<String>())));
    let schemas: Vec<(&str, &str)> =
        schemas.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let lists: Vec<(&str, &str)> = lists.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let schemas = SchemaSet::load(&schemas, &lists).expect("schemas that load");
    let purposes = (0..count).map(|number| {
        format!(
            "[[purpose]]\nid = \"visit_{number}\"\ntitle_zh = \"走访\"\ntitle_en = \"Visit\"\ngroup = \"contact\"\n\
             organ = \"community_committee\"\nlines = [\"line_{number}\"]\nactive = true\nneeds_case = false\n\
             retention = {{ after = \"consent_end\", days = 30, cap_months = 36 }}\n\
             fields = {{ person = [\"name\"] }}\n\
             [[purpose.legal_basis]]\nid = \"consent_{number}\"\nkind = \"consent\"\n\
             [[purpose.notice]]\nid = \"notice_{number}\"\nversion = 1\ntitle_zh = \"告知书\"\nvalid_from = \"2025-01-01\"\n"
        )
    });
    let purposes = PurposeSet::load(&purposes.collect::<String>(), &schemas);
    (schemas, purposes.expect("purposes that load"))
}

/// Roles for a set of purposes of which none is of emergencies.
fn without_emergencies(roles: &str) -> String {
    let (before, rest) = roles.split_once("[emergency]").expect("terms of emergencies");
    let (_, after) = rest.split_once("[training]").expect("how long training counts");
    let lines = after.lines().filter(|line| !line.starts_with("emergency = "));
    let after: String = lines.map(|line| format!("{line}\n")).collect();
    format!("{before}[training]{after}")
}

#[test]
fn emergency_access_names_what_there_is_and_stays_within_its_limits() {
    let change = |old: &str, new: &str| {
        let mut files = Files::shipped();
        assert!(files.roles.contains(old), "{old}");
        files.roles = files.roles.replacen(old, new, 1);
        says(&files)
    };
    for (old, new, said) in [
        ("[\"emergency_evacuation\"]", "[\"elder_visit\"]", "unknown purpose of emergencies"),
        ("[\"emergency_evacuation\"]", "[]", "is for no purpose"),
        ("[\"major\"]", "[\"grave\"]", "unknown severity"),
        ("[\"close\",", "[\"closed\",", "unknown step of an event"),
        ("told = [\"grid_head\",", "told = [\"mayor\",", "unknown role"),
        (
            "escalates_to = [\"protection_officer\"]",
            "escalates_to = []",
            "reviewed too late or by nobody",
        ),
        ("review_hours = 72", "review_hours = 73", "reviewed too late or by nobody"),
        ("minutes = 15", "minutes = 0", "opens nothing, or more than its limits"),
        ("minutes = 240", "minutes = 721", "opens nothing, or more than its limits"),
        ("dwellings = 120", "dwellings = 121", "opens nothing, or more than its limits"),
        ("uses = [3, 12]", "uses = [13, 12]", "opens nothing, or more than its limits"),
        ("uses = [3, 12]", "uses = [3, 61]", "opens nothing, or more than its limits"),
        ("\"assistance_tag\"]", "\"id_number\"]", "unknown field of an emergency"),
        ("emergency = [\"alone\", \"wide\"]", "emergency = [\"full\"]", "unknown variant"),
        ("[emergency]\n", "[emergency]\nfor_all = true\n", "unknown field"),
    ] {
        assert!(change(old, new).contains(said), "{new}: {}", change(old, new));
    }
    for (old, new) in [
        ("review_hours = 72", "review_hours = 1"),
        ("minutes = 240", "minutes = 720"),
        ("uses = [3, 12]", "uses = [3, 60]"),
    ] {
        let mut files = Files::shipped();
        files.roles = files.roles.replacen(old, new, 1);
        assert!(files.load().is_ok(), "{new}");
    }
    let mut files = Files::shipped();
    let (before, rest) = files.roles.split_once("[emergency]").expect("terms");
    let (_, after) = rest.split_once("[training]").expect("how long training counts");
    files.roles = format!("{before}[training]{after}");
    assert!(says(&files).contains("has a tier of emergency access that has no terms"));
}

#[test]
fn raised_limits_and_requests_of_organs_stay_within_what_is_meant() {
    let change = |old: &str, new: &str| {
        let mut files = Files::shipped();
        assert!(files.roles.contains(old), "{old}");
        files.roles = files.roles.replacen(old, new, 1);
        files.load().err().map(|error| error.to_string()).unwrap_or_default()
    };
    let beyond = "raise nothing, or more than their limits";
    for (old, new) in [
        ("minutes = 60", "minutes = 61"),
        ("minutes = 60", "minutes = 0"),
        ("percent = 50", "percent = 101"),
        ("percent = 50", "percent = 0"),
        ("uses = [1, 4]", "uses = [5, 4]"),
        ("uses = [1, 4]", "uses = [1, 31]"),
        ("asks = [3, 12]", "asks = [13, 12]"),
        ("asks = [3, 12]", "asks = [0, 12]"),
        ("asks = [3, 12]", "asks = [3, 121]"),
    ] {
        assert!(change(old, new).contains(beyond), "{new}: {}", change(old, new));
    }
    for (old, new) in [
        ("percent = 50", "percent = 100"),
        ("uses = [1, 4]", "uses = [1, 30]"),
        ("asks = [3, 12]", "asks = [3, 120]"),
    ] {
        assert_eq!(change(old, new), "", "{new}");
    }
    let beyond = "ask for nothing, or more often than their limits";
    for new in ["asks = [601, 600]", "asks = [0, 600]", "asks = [60, 2001]"] {
        let said = change("asks = [60, 600]", new);
        assert!(said.contains(beyond), "{new}: {said}");
    }
    assert_eq!(change("asks = [60, 600]", "asks = [60, 2000]"), "");
    assert!(change("[approvals]\nasks = [60, 600]", "").contains("missing field"));
    let lead = "approved_by = { role = \"community_cadre\", lead = true }";
    let asks = format!("{lead}\nofficial_requests = true");
    assert!(change(lead, &asks).contains("nobody of oversight agrees"));
    let protects = format!("{lead}\nprotects_addresses = true");
    assert!(change(lead, &protects).contains("protects an address that it does not see"));
}

#[test]
fn a_set_of_lines_of_business_holds_as_many_as_it_has_bits_for() {
    let load = |count: usize| {
        let (schemas, purposes) = with_lines(count);
        let mut files = Files {
            narrowing: format!("visit_{},grid_worker,*,raw,\n", count - 1),
            roles: without_emergencies(&Files::shipped().roles),
            ..Files::shipped()
        };
        // What it opens it opens in emergencies alone.
        files.lines.insert("county_command".to_owned(), String::new());
        files.load_among(&purposes, &schemas)
    };
    let policy = load(BUSINESS_LINES_COUNT_MAX).expect("as many as there may be");
    let worker = policy.index(&RoleId::new("grid_worker")).expect("a role");
    for number in 0..BUSINESS_LINES_COUNT_MAX {
        let line = format!("line_{number}");
        let knows = policy.knows(worker, RecordType::Person, Some(&line));
        assert_eq!(knows, number == BUSINESS_LINES_COUNT_MAX - 1, "{line}");
    }
    assert!(policy.knows(worker, RecordType::Person, None));
    assert!(!policy.knows(worker, RecordType::Person, Some("line_63")));
    let said = load(BUSINESS_LINES_COUNT_MAX + 1).err().expect("one more").to_string();
    assert!(said.ends_with("more than 63 lines of business"), "{said}");
}

#[test]
fn bounds_of_reveals_say_every_kind_and_belong_to_the_roles_that_see_records() {
    let change = |old: &str, new: &str| {
        let mut files = Files::shipped();
        assert!(files.roles.contains(old), "{old}");
        files.roles = files.roles.replacen(old, new, 1);
        says(&files)
    };
    assert!(change("credit = [5, 12]\n", "").contains("does not bound every kind"));
    assert!(change("credit = [5, 12]", "credits = [5, 12]").contains("unknown legal kind"));
    assert!(change("credit = [5, 12]", "credit = [13, 12]").contains("bound"));
    assert!(change("other = [80, 1200]", "other = [80, 1000001]").contains("bound"));
    assert!(change("reveals = \"grid\"\n", "").contains("without bounds"));
    assert!(change("reveals = \"grid\"", "reveals = \"grids\"").contains("set of bounds"));
    let unused = "[reveals.nobody]\nother = [1, 2]\n\n[reveals.grid]";
    assert!(change("[reveals.grid]", unused).contains("does not bound every kind"));
    let administrator = "family = \"administration\"";
    let bounded = "family = \"administration\"\nreveals = \"grid\"";
    assert!(change(administrator, bounded).contains("sees no record"));
}

#[test]
fn roles_that_get_tasks_are_roles_of_the_policy() {
    let mut files = Files::shipped();
    files.roles = files.roles.replacen(
        "gives_tasks_to = [\"grid_worker\"",
        "gives_tasks_to = [\"worker\"",
        1,
    );
    assert!(says(&files).contains("unknown role"));
}

#[test]
fn a_role_that_opens_something_inside_a_task_can_get_one_from_somebody() {
    let without = |word: &str| {
        let mut files = Files::shipped();
        assert!(files.roles.contains(word), "{word}");
        files.roles = files.roles.replace(word, "");
        says(&files)
    };
    for (word, role) in [
        ("gives_tasks_to = [\"petition_desk\"]", "petition_desk"),
        ("gives_tasks_to = [\"legal_helper\"]", "legal_helper"),
        ("serves_residents = true\nchecks_by = [\"id_number\"]", "resident_desk"),
        ("official_requests = true", "community_police"),
        ("emergency = [\"wide\"]", "county_command"),
    ] {
        let said = without(word);
        assert!(said.contains(role) && said.ends_with("nobody gives it one"), "{word}: {said}");
    }
    // Each of the others, as shipped, can.
    assert!(Files::shipped().load().is_ok());
    let said = says_to_line("property_firm", "community,event,C2,safety,read:raw/task,allow");
    assert!(said.ends_with("nobody gives it one"), "{said}");
}

#[test]
fn a_counter_checks_by_matched_fields_of_a_person_and_serves_where_records_are_seen() {
    let change = |old: &str, new: &str| {
        let mut files = Files::shipped();
        assert!(files.roles.contains(old), "{old}");
        files.roles = files.roles.replacen(old, new, 1);
        says(&files)
    };
    let by = "checks_by = [\"id_number\"]";
    for wrong in ["checks_by = [\"number\"]", "checks_by = [\"current_address\"]"] {
        assert!(change(by, wrong).contains("no matched field of a person"), "{wrong}");
    }
    let nowhere = change("fills_grid = true", "fills_grid = true\nsensitive_at_counter = true");
    assert!(nowhere.contains("a counter that it does not have"), "{nowhere}");
    let administrator = "family = \"administration\"";
    for more in [by, "serves_residents = true"] {
        let wrong = format!("{administrator}\n{more}");
        assert!(change(administrator, &wrong).contains("serves residents"), "{more}");
    }
}
