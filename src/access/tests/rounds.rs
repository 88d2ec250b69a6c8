//! Requirements on lists inside a task, tasks over places, and the check at the counter.
//! Never in clear what the task does not name, never somebody whose address is protected, and never two people by one number.
//! What is left out is left out without a word: the permit stands, and names the others.

use super::world::*;
use crate::access::{
    ActorId, Ask, Bound, Candidate, Charge, Code, CounterTerms, Item, Ledger, List, Mandate,
    MandateKind, Matter, Permit, Scope, TaskTerms,
};
use crate::ambient::Micros;
use crate::records::{Facts, Handle, MandateId, RecordType, View};

const TASK: MandateId = MandateId::from_bytes([0x7a; 16]);
const PURPOSE: &str = "record_correction";

/// A grown-up of some number.
fn person(number: u8) -> Facts {
    Facts {
        record_handle: Handle::from_bytes([number; 16]),
        subject_handles: vec![([number; 16], Handle::from_bytes([number + 100; 16]))],
        ..held_on(&[PURPOSE, "employment_aid"])
    }
}

/// An open task over the first person, found by its subject.
fn mandate(fields: &[&str]) -> Mandate {
    Mandate {
        id: TASK,
        version: Some(2),
        kind: MandateKind::Task,
        holder: ActorId::from_bytes([0xa1; 16]),
        purpose: PURPOSE.to_owned(),
        scope: Scope { records: Vec::new(), subjects: vec![Handle::from_bytes([101; 16])] },
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        from: Micros(NOW.0 - 1),
        until: Micros(NOW.0 + 1),
        agreed: false,
        budget: 3,
        at_counter: false,
        single_use: false,
        role: "grid_worker".to_owned(),
    }
}

/// The fields that are shown of one person, each with its view.
type Given = Vec<(String, View)>;

/// What a list shows of people: fields and views of each that is shown, and the permit's charges.
fn listed(
    put: &Put<'_>,
    in_clear: Option<&[&str]>,
    people: Vec<Facts>,
) -> (Vec<Given>, Vec<Charge>, Option<MandateId>) {
    let list = List {
        record_type: RecordType::Person,
        fields: &put.fields,
        matched: None,
        within: None,
        in_clear,
    };
    put.question(|question| {
        let plan = put.access.plan_list(question, &list).map_err(|no| no.why()).expect("a plan");
        let candidates = people
            .into_iter()
            .map(|facts| Candidate { cell: OWN_CELL, facts: facts.into(), target: () })
            .collect();
        let permit: Permit<Vec<()>> = plan.permit(0, candidates, Vec::new());
        let (charges, task) = (permit.charges().to_vec(), permit.account().task);
        assert_eq!(permit.authority().mandate.is_some(), task.is_some());
        let (_, each, _) = permit.into_listed();
        let views = each.of.iter().map(|kind| {
            let given = &each.kinds[usize::from(*kind)].given;
            given.iter().map(|given| (given.field.clone(), given.view)).collect()
        });
        (views.collect(), charges, task)
    })
}

fn named(views: &[(&str, View)]) -> Given {
    views.iter().map(|(field, view)| ((*field).to_owned(), *view)).collect()
}

#[test]
fn a_list_inside_a_task_opens_the_tasks_own_and_masks_the_others() {
    let put = Put::ordinary().under(PURPOSE).ask(Ask::List).fields(&["name", "id_number"]);
    let put = put.inside(mandate(&["name", "id_number"]));
    let (views, charges, task) = listed(&put, None, vec![person(1), person(2)]);
    assert_eq!(views[0], named(&[("name", View::Raw), ("id_number", View::Raw)]));
    assert_eq!(views[1], named(&[("name", View::Masked)]));
    let [charge] = &charges[..] else { panic!("one record is opened") };
    assert_eq!((charge.ledger, charge.tag), (Ledger::Mandate(TASK), [1; 16]));
    assert_eq!(charge.bound, Bound::Total(3));
    assert_eq!(task, Some(TASK));
    // A page without anybody of the task costs nothing and names no task.
    let (_, charges, task) = listed(&put, None, vec![person(2)]);
    assert!(charges.is_empty() && task.is_none());
}

#[test]
fn a_list_that_may_show_some_fields_in_clear_masks_the_rest_of_what_a_task_opens() {
    let put = Put::ordinary().under(PURPOSE).ask(Ask::List).fields(&["current_address", "name"]);
    let put = put.inside(mandate(&["name", "current_address"]));
    let (views, ..) = listed(&put, Some(&["current_address"]), vec![person(1)]);
    assert_eq!(views[0], named(&[("current_address", View::Raw), ("name", View::Masked)]));
}

#[test]
fn a_child_is_closed_to_a_list_inside_a_task_that_no_second_person_agreed_to() {
    let child = || Facts { turns_14: Some(TODAY + 1), turns_18: Some(TODAY + 2_000), ..person(1) };
    let put = Put::ordinary().under(PURPOSE).ask(Ask::List).fields(&["name"]);
    let inside = put.inside(mandate(&["name"]));
    let (views, ..) = listed(&inside, None, vec![child()]);
    assert!(views.is_empty());
    let put = Put::ordinary().under(PURPOSE).ask(Ask::List).fields(&["name"]);
    let agreed = put.inside(Mandate { agreed: true, ..mandate(&["name"]) });
    let (views, ..) = listed(&agreed, None, vec![child()]);
    assert_eq!(views, [named(&[("name", View::Raw)])]);
}

/// What of two people a task over their dwelling has.
fn kept(people: &[Facts; 2], fields: &[&str]) -> Result<Vec<bool>, Code> {
    let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
    let mut holder = standing(vec![placed("grid_worker", OWN)]);
    holder.actor = ActorId::from_bytes([0xb2; 16]);
    let terms = TaskTerms { id: TASK, holder: Some(&holder), fields: &fields, leads_on: true };
    let dwelling = Facts::of_nobody();
    let at = |record_type, facts| Item {
        matter: Matter::Present { record_type, cell: OWN_CELL, facts, versions: None },
        fields: &[],
    };
    let items = [at(RecordType::Place, &dwelling)];
    let led_to = people.each_ref().map(|facts| at(RecordType::Person, facts));
    let head = Put::by("grid_head", OWN).under(PURPOSE);
    head.question(|question| head.access.decide_task(question, &terms, &items, &led_to, ()))
        .map(|(_, taker)| taker.kept)
        .map_err(|denied| denied.why())
}

#[test]
fn whoever_is_protected_restricted_or_over_is_left_out_of_a_task_over_the_dwelling() {
    let out = [
        Facts { protected_address: true, ..person(2) },
        Facts { restricted: true, ..person(2) },
        Facts { retain_until: Some(TODAY), ..person(2) },
    ];
    assert_eq!(kept(&[person(1), person(2)], &["name"]), Ok(vec![true, true]));
    for facts in out {
        assert_eq!(kept(&[person(1), facts], &["name"]), Ok(vec![true, false]));
    }
    // Whether anybody lives there does not tell in the answer, and what the role never sees is refused all the same.
    let hidden = || Facts { protected_address: true, ..person(1) };
    assert_eq!(kept(&[hidden(), hidden()], &["name"]), Ok(vec![false, false]));
    assert_eq!(kept(&[person(1), person(2)], &["bank_last_four"]), Err(Code::Denied));
}

/// Who is found at the counter among these people.
fn found(role: &str, area: &str, field: &str, people: &[Facts]) -> Result<Option<Handle>, Code> {
    let fields = ["name".to_owned()];
    let terms = CounterTerms { id: TASK, field, fields: &fields };
    let items: Vec<Item<'_>> = people
        .iter()
        .map(|facts| Item {
            matter: Matter::Present {
                record_type: RecordType::Person,
                cell: OWN_CELL,
                facts,
                versions: None,
            },
            fields: &[],
        })
        .collect();
    let put = Put::by(role, area).under("employment_aid").ask(Ask::Match);
    put.question(|question| {
        let decided = put.access.decide_counter(question, &terms, &items, Vec::new(), ());
        let (permit, hit) = decided.map_err(|denied| denied.why())?;
        let hit = hit.map(|hit| hit.subject);
        let account = permit.account();
        assert_eq!(account.task.is_some(), hit.is_some());
        assert_eq!(account.records.is_empty(), hit.is_none(), "nobody else is named");
        Ok(hit)
    })
}

#[test]
fn one_person_is_found_at_the_counter_and_otherwise_nobody() {
    let (cadre, here) = ("community_cadre", "880102001001");
    let one = Handle::from_bytes([101; 16]);
    assert_eq!(found(cadre, here, "id_number", &[person(1)]), Ok(Some(one)));
    assert_eq!(found(cadre, here, "id_number", &[]), Ok(None));
    assert_eq!(found(cadre, here, "id_number", &[person(1), person(2)]), Ok(None));
    assert_eq!(found(cadre, "880102002001", "id_number", &[person(1)]), Ok(None));
    for closed in [
        Facts { restricted: true, ..person(1) },
        Facts { bases: Vec::new(), ..person(1) },
        Facts { retain_until: Some(TODAY), ..person(1) },
    ] {
        assert_eq!(found(cadre, here, "id_number", &[closed]), Ok(None));
    }
    // Two records of one person are one person.
    let again = Facts { record_handle: Handle::from_bytes([9; 16]), ..person(1) };
    assert_eq!(found(cadre, here, "id_number", &[person(1), again]), Ok(Some(one)));
    assert_eq!(found(cadre, here, "phone", &[person(1)]), Err(Code::Denied));
    assert_eq!(found("grid_worker", OWN, "id_number", &[person(1)]), Err(Code::Denied));
}
