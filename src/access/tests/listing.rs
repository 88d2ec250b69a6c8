//! Requirements on lists: what one assignment shows of many records, and what is left out.
//! Never more than masked of what is about a person, and never a way from a person to matters about it.
//! The ordinary list is a worker's, of adults of its own grid, by name and telephone.

use super::world::*;
use crate::access::{
    Access, Account, Ask, Assignment, Candidate, Code, EachViews, List, Permit, Question,
};
use crate::purposes::PurposeSet;
use crate::records::{Class, Facts, Handle, RecordType, SchemaSet, View};
use crate::territory::CellId;
use std::collections::BTreeMap;

/// What became of a list: the numbers of the records that it shows, their views, and what the log says.
struct Shown {
    numbers: Vec<u8>,
    each: EachViews,
    account: Account,
}

fn numbered_facts(number: u8, purposes: &[&str]) -> Facts {
    Facts {
        record_handle: Handle::from_bytes([number; 16]),
        subject_handles: vec![([number; 16], Handle::from_bytes([number + 100; 16]))],
        ..held_on(purposes)
    }
}

const HELD: &[&str] = &["residence_registration"];

/// A copy; facts have no `Clone`.
fn again(facts: &Facts) -> Facts {
    Facts::decode(&facts.encode()).expect("its own bytes")
}

fn planned<R>(
    put: &Put<'_>,
    matched: Option<&str>,
    within: Option<CellId>,
    use_it: impl FnOnce(&Access, &Question<'_>, &List<'_>) -> R,
) -> R {
    let list = List {
        record_type: put.record_type,
        fields: &put.fields,
        matched,
        within: within.map(|cell| (cell, None)),
        in_clear: None,
    };
    put.question(|question| use_it(put.access, question, &list))
}

/// Lists candidates by the assignment at a place of the plan.
fn listed_by(
    put: &Put<'_>,
    reach: usize,
    matched: Option<&str>,
    within: Option<CellId>,
    candidates: &[(CellId, Facts)],
) -> Result<Shown, Code> {
    planned(put, matched, within, |access, question, list| {
        let plan = access.plan_list(question, list).map_err(|denied| denied.why())?;
        let candidates: Vec<Candidate<u8>> = candidates
            .iter()
            .map(|(cell, facts)| Candidate {
                cell: *cell,
                facts: again(facts).into(),
                target: facts.record_handle.as_bytes()[0],
            })
            .collect();
        for candidate in &candidates {
            let shows = plan.shows(reach, candidate.cell, &candidate.facts);
            let one = Candidate {
                cell: candidate.cell,
                facts: again(&candidate.facts).into(),
                target: candidate.target,
            };
            let alone: Permit<Vec<u8>> = plan.permit(reach, vec![one], Vec::new());
            assert_eq!(shows, !alone.target().is_empty(), "the walk and the permit agree");
        }
        let permit: Permit<Vec<u8>> = plan.permit(reach, candidates, Vec::new());
        let account = permit.account().clone();
        let (numbers, each, _) = permit.into_listed();
        assert_eq!(numbers.len(), each.of.len());
        let handles: Vec<u8> = account.records.iter().map(|h| h.as_bytes()[0]).collect();
        assert_eq!(handles, numbers, "the entry names what is shown and nothing else");
        Ok(Shown { numbers, each, account })
    })
}

fn listed(put: &Put<'_>, candidates: &[(CellId, Facts)]) -> Result<Shown, Code> {
    listed_by(put, 0, None, None, candidates)
}

fn ordinary() -> Put<'static> {
    Put::ordinary().ask(Ask::List).fields(&["name", "phone"])
}

fn numbers(put: &Put<'_>, candidates: &[(CellId, Facts)]) -> Vec<u8> {
    listed(put, candidates).map(|shown| shown.numbers).expect("a list")
}

#[test]
fn what_is_about_a_person_is_at_most_masked_in_a_list() {
    let one = [(OWN_CELL, numbered_facts(1, HELD))];
    for role in ["grid_worker", "grid_head"] {
        let put = Put::by(role, OWN).ask(Ask::List).fields(&["name", "phone", "id_number"]);
        let shown = listed(&put, &one).expect("a list");
        let views = &shown.each.kinds[usize::from(shown.each.of[0])];
        let given: Vec<(&str, View)> =
            views.given.iter().map(|given| (given.field.as_str(), given.view)).collect();
        assert_eq!(given, [("name", View::Masked), ("phone", View::Masked)], "{role}");
        assert_eq!(views.withheld, [("id_number".to_owned(), Code::Denied)]);
        let read = Put::by(role, OWN).fields(&["name", "phone"]).given();
        assert!(read.iter().all(|(_, view)| *view == View::Raw), "one record is read in clear");
    }
    // What is about nobody is shown as it is.
    let put = ordinary().under("safety_inspection").record_type(RecordType::Place);
    let put = put.fields(&["address", "owner_name"]);
    let shown = listed(&put, &one).expect("a list");
    let given: Vec<View> = shown.each.kinds[0].given.iter().map(|given| given.view).collect();
    assert_eq!(given, [View::Raw, View::Masked]);
    assert_eq!(shown.account.fields, shown.each.kinds[0].given);
}

#[test]
fn no_field_of_any_schema_is_raw_in_a_list_but_what_is_about_nobody() {
    for role in ["grid_worker", "grid_head"] {
        for purpose in PURPOSES.iter() {
            for (record_type, fields) in &purpose.fields {
                let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
                let put = Put::by(role, OWN).under(purpose.id.as_str()).ask(Ask::List);
                let put = put.record_type(*record_type).fields(&fields);
                let held = [purpose.id.as_str()];
                let all = [
                    (OWN_CELL, numbered_facts(1, &held)),
                    (OWN_CELL, Facts { turns_14: Some(TODAY + 1), ..numbered_facts(2, &held) }),
                ];
                let Ok(shown) = listed(&put, &all) else { continue };
                let schema = SCHEMAS.get(*record_type).expect("a schema");
                for given in shown.each.kinds.iter().flat_map(|views| &views.given) {
                    let class = schema.field(&given.field).expect("a field").class;
                    let personal = class > Class::C1;
                    assert!(given.view <= View::Masked || !personal, "{record_type} {given:?}");
                }
            }
        }
    }
}

#[test]
fn what_may_not_be_seen_is_left_out_and_the_rest_is_shown() {
    let candidates = [
        (OWN_CELL, numbered_facts(1, HELD)),
        (OWN_CELL, Facts { restricted: true, ..numbered_facts(2, HELD) }),
        (OWN_CELL, Facts { retain_until: Some(TODAY), ..numbered_facts(3, HELD) }),
        (
            OWN_CELL,
            Facts { retain_until: Some(TODAY), legal_hold: true, ..numbered_facts(4, HELD) },
        ),
        (OWN_CELL, Facts { turns_14: Some(TODAY + 1), ..numbered_facts(5, HELD) }),
        (OWN_CELL, Facts { turns_14: Some(TODAY), ..numbered_facts(6, HELD) }),
        (OWN_CELL, Facts { protected_address: true, ..numbered_facts(7, HELD) }),
        (NEXT_CELL, numbered_facts(8, HELD)),
        (SCHOOL_CELL, numbered_facts(9, HELD)),
        (FAR_CELL, numbered_facts(10, HELD)),
        (CellId::NOWHERE, numbered_facts(11, HELD)),
    ];
    assert_eq!(numbers(&ordinary(), &candidates), [1, 4, 6, 9]);
    // The street coordinates over more grids, and who is hidden from neighbours is not hidden from it.
    let street = Put::by("street_operator", "880102001").ask(Ask::List).fields(&["name"]);
    assert_eq!(numbers(&street, &candidates), [1, 4, 6, 7, 8, 9]);
    // Nothing to show is a list too.
    let none = listed(&ordinary(), &candidates[7..8]).expect("an empty list");
    assert!(none.numbers.is_empty() && none.account.fields.is_empty());
    assert_eq!(none.account.assignment, Some([1; 16]));
}

#[test]
fn by_consent_only_what_was_given_for_it_is_listed() {
    let candidates = [
        (OWN_CELL, numbered_facts(1, HELD)),
        (OWN_CELL, numbered_facts(2, &["household_contact"])),
    ];
    assert_eq!(numbers(&ordinary().under("household_contact"), &candidates), [2]);
    assert_eq!(numbers(&ordinary(), &candidates), [1, 2]);
}

#[test]
fn one_assignment_carries_a_page_and_rights_never_add_up() {
    let two = numbered(vec![placed("grid_worker", OWN), placed("grid_worker", NEXT)]);
    let put = ordinary().from(two.to_vec());
    let both = [(OWN_CELL, numbered_facts(1, HELD)), (NEXT_CELL, numbered_facts(2, HELD))];
    let first = listed_by(&put, 0, None, None, &both).expect("a list");
    assert_eq!((first.numbers, first.account.assignment), (vec![1], Some([1; 16])));
    let second = listed_by(&put, 1, None, None, &both).expect("a list");
    assert_eq!((second.numbers, second.account.assignment), (vec![2], Some([2; 16])));
    assert_eq!(second.account.scope.as_deref(), Some(NEXT));
    let third = listed_by(&put, 2, None, None, &both).expect("a list");
    assert!(third.numbers.is_empty(), "there is no third");
}

#[test]
fn the_assignment_that_gives_most_comes_first() {
    let mut files = Files::shipped();
    files.narrowing = "residence_registration,grid_worker,name,raw,\n\
        residence_registration,street_operator,*,masked,\n"
        .to_owned();
    let access = files.access();
    let both = numbered(vec![
        placed("grid_worker", OWN),
        placed("street_operator", "880102001"),
        placed("grid_head", OWN),
    ]);
    let put = ordinary().with(&access).from(both.to_vec());
    planned(&put, None, None, |access, question, list| {
        let plan = access.plan_list(question, list).map_err(|denied| denied.why()).expect("a plan");
        let order: Vec<u8> = plan.reaches().map(|(id, ..)| id[0]).collect();
        // The head is given nothing by this purpose, so no page is carried by it.
        assert_eq!(order, [2, 1]);
    });
}

#[test]
fn an_assignment_of_a_line_lists_under_its_purposes_what_no_other_line_holds() {
    let bound = |line: &str| {
        let bound = Assignment { line: Some(line.into()), ..placed("grid_worker", OWN) };
        ordinary().from(vec![bound])
    };
    let of_line = |number, line: Option<&str>| {
        (OWN_CELL, Facts { line: line.map(str::to_owned), ..numbered_facts(number, HELD) })
    };
    let candidates =
        [of_line(1, None), of_line(2, Some("public_security")), of_line(3, Some("civil_affairs"))];
    assert_eq!(numbers(&bound("public_security"), &candidates), [1, 2]);
    assert_eq!(listed(&bound("civil_affairs"), &candidates).err(), Some(Code::Denied));
}

#[test]
fn a_minor_is_listed_to_whoever_sees_it_masked_and_to_nobody_who_needs_a_task() {
    let minor = || {
        let facts = Facts { turns_14: Some(TODAY), ..numbered_facts(1, HELD) };
        [(OWN_CELL, Facts { turns_18: Some(TODAY + 1_461), ..facts })]
    };
    assert!(numbers(&ordinary(), &minor()).is_empty());
    let operator = Put::by("street_operator", "880102001").ask(Ask::List);
    assert_eq!(numbers(&operator, &minor()), [1]);
}

#[test]
fn who_may_not_list_is_told_why_in_the_order_of_a_read() {
    let why = |put: Put<'_>| listed(&put, &[]).err();
    assert_eq!(why(ordinary()), None);
    assert_eq!(why(ordinary().from(Vec::new())), Some(Code::Denied));
    assert_eq!(why(Put::by("city_platform", "8801").ask(Ask::List)), Some(Code::Denied));
    for role in ["compliance_auditor", "system_admin", "security_admin", "audit_admin"] {
        assert_eq!(why(Put::by(role, "").ask(Ask::List)), Some(Code::Denied), "{role}");
    }
    assert_eq!(why(ordinary().fields(&["shoe_size"])), Some(Code::FieldUnknown));
    assert_eq!(why(ordinary().fields(&["income"])), Some(Code::PurposeNotForField));
    assert_eq!(why(ordinary().fields(&["id_number"])), Some(Code::Denied));
    assert_eq!(why(ordinary().under("elder_visit").fields(&["name"])), Some(Code::CaseRequired));
    let mut idle = ordinary();
    idle.purpose.active = false;
    assert_eq!(why(idle), Some(Code::PurposeUnknown));
    let within = |cell| listed_by(&ordinary(), 0, None, Some(cell), &[]).err();
    assert_eq!(within(OWN_CELL), None);
    assert_eq!(within(SCHOOL_CELL), None);
    for cell in [NEXT_CELL, FAR_CELL, CellId::NOWHERE] {
        assert_eq!(within(cell), Some(Code::OutOfTerritory));
    }
    // A list is not decided as one record is.
    assert_eq!(ordinary().refused(), Some(Code::Denied));
}

#[test]
fn a_childs_telephone_makes_no_list() {
    let child = [(OWN_CELL, Facts { turns_14: Some(TODAY + 1), ..numbered_facts(1, HELD) })];
    // Even under a policy that would show it.
    let mut files = Files::shipped();
    files.add("grid_worker", "grid,person,C3,registration,read:raw,allow");
    let access = files.access();
    let put = ordinary().with(&access);
    let by = |matched| listed_by(&put, 0, matched, None, &child).expect("a list").numbers;
    assert_eq!(by(None), [1]);
    assert!(by(Some("phone")).is_empty());
    assert_eq!(listed_by(&put, 0, Some("id_number"), None, &[]).err(), Some(Code::Denied));
}

/// The shipped schemas with a match group on every field that could have one.
fn everything_matchable() -> SchemaSet {
    let files = |directory: &str| -> BTreeMap<String, String> {
        let files = std::fs::read_dir(policies().join(directory)).expect("a directory");
        let read = |file: std::io::Result<std::fs::DirEntry>| {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("a file that reads"))
        };
        files.map(read).collect()
    };
    let schemas: BTreeMap<String, String> = files("schemas")
        .into_iter()
        .map(|(name, text)| {
            let fields = text.split("[[field]]").map(|field| {
                let kind = ["text", "phone", "id_number", "credit_code", "record_reference"];
                let fits =
                    kind.iter().any(|kind| field.contains(&format!("\nkind = \"{kind}\"\n")));
                let has = field.contains("match_group") || field.contains("many = true");
                let group = field.lines().find_map(|line| line.strip_prefix("name = "));
                match group {
                    Some(group) if fits && !has => {
                        let kind = field.lines().find_map(|line| line.strip_prefix("kind = "));
                        let kind = kind.unwrap_or_default().replace('"', "");
                        let group = format!("{}_{kind}", group.replace('"', ""));
                        field.replacen("\nclass", &format!("\nmatch_group = \"{group}\"\nclass"), 1)
                    }
                    _ => field.to_owned(),
                }
            });
            (name, fields.collect::<Vec<String>>().join("[[field]]"))
        })
        .collect();
    let lists = files("code_lists");
    let pairs = |files: &BTreeMap<String, String>| -> Vec<(String, String)> {
        files.iter().map(|(name, text)| (name.clone(), text.clone())).collect()
    };
    let (schemas, lists) = (pairs(&schemas), pairs(&lists));
    let borrowed = |pairs: &[(String, String)]| -> Vec<(&'static str, &'static str)> {
        pairs.iter().map(|(name, text)| (&*name.clone().leak(), &*text.clone().leak())).collect()
    };
    SchemaSet::load(&borrowed(&schemas), &borrowed(&lists)).expect("schemas that load")
}

/// Whatever a deploying organ makes matchable: from a person's value there is no way to matters, files, households and
/// links, no way by somebody else's part of a record, and none by a sensitive field.
#[test]
fn no_query_leads_from_a_person_to_matters_files_tags_or_others() {
    let schemas = everything_matchable();
    let mut files = Files::shipped();
    files.lines.insert("grid_head".to_owned(), "grid,any,any,any,read:raw,allow\n".to_owned());
    let others = files.narrowing.lines().filter(|line| !line.contains(",grid_head,"));
    let wide = PURPOSES.iter().map(|purpose| format!("{},grid_head,*,raw,", purpose.id));
    files.narrowing = others.map(str::to_owned).chain(wide).map(|line| line + "\n").collect();
    // Where a case is needed no policy opens so much; here none is, so that the list alone says no.
    let caseless = PurposeSet::built_in_text().replace("needs_case = true", "needs_case = false");
    let caseless = PurposeSet::load(&caseless, &SCHEMAS).expect("purposes that load");
    let policy = files.load_among(&caseless, &SCHEMAS).expect("a policy that loads");
    let access = Access::new(policy, 7, 3);
    let (mut allowed, mut fields_count) = (Vec::new(), 0);
    for schema in schemas.iter() {
        for field in schema.fields() {
            fields_count += 1;
            let record_type = schema.record_type();
            let purpose = PURPOSES.iter().find(|purpose| purpose.lists(record_type, &field.name));
            let Some(purpose) = purpose else { continue };
            let fields = [field.name.clone()];
            let list = List {
                record_type,
                fields: &fields,
                matched: Some(&field.name),
                within: None,
                in_clear: None,
            };
            let put = Put::by("grid_head", OWN).with(&access).ask(Ask::List);
            let put = put.under(purpose.id.as_str());
            let planned = put.question(|question| {
                let question = Question { schemas: &schemas, ..*question };
                access.plan_list(&question, &list).map(drop).map_err(|denied| denied.why())
            });
            match planned {
                Ok(()) => allowed.push(format!("{record_type}.{}", field.name)),
                Err(why) => assert_eq!(why, Code::Denied, "{record_type}.{}", field.name),
            }
        }
    }
    assert!(fields_count > 100, "every field of every schema was asked by");
    let expected = [
        "person.name",
        "person.phone",
        "person.current_address",
        "person.pick_up_address",
        "person.school",
        "place.address",
        "object.title",
        "object.asset_number",
        "object.address",
        "organisation.name",
        "organisation.credit_code",
        "organisation.address",
    ];
    assert_eq!(allowed, expected);
}
