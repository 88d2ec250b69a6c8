//! Requirements on tasks, approvals, emergencies and echoes: each opens exactly what it names, to its holder, in its time.
//! Never more than the policy opens under that condition, and never outside of the caller's area and purpose.
//! What is opened is counted: against the mandate where one opened it, else against the caller.

use super::world::*;
use crate::access::{
    ActorId, Ask, Assignment, Bound, Code, Item, Ledger, Mandate, MandateKind, Scope, TaskTerms,
};
use crate::ambient::Micros;
use crate::records::{Facts, Handle, LegalKind, MandateId, RecordType, View};

const TASK: MandateId = MandateId::from_bytes([0x7a; 16]);

/// An open task of the ordinary caller over the ordinary record.
fn mandate(kind: MandateKind, purpose: &str, fields: &[&str]) -> Mandate {
    Mandate {
        id: TASK,
        version: Some(2),
        kind,
        holder: ActorId::from_bytes([0xa1; 16]),
        purpose: purpose.to_owned(),
        scope: Scope { records: vec![Handle::from_bytes([5; 16])], subjects: Vec::new() },
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

fn task(fields: &[&str]) -> Mandate {
    mandate(MandateKind::Task, "minimum_allowance", fields)
}

/// The worker asks for the name of an applicant: inside a task alone.
fn asked() -> Put<'static> {
    Put::ordinary().under("minimum_allowance").of(held_on(&["minimum_allowance"]))
}

#[test]
fn an_open_task_opens_its_fields_of_its_records_to_its_holder() {
    assert_eq!(asked().refused(), Some(Code::CaseRequired));
    let put = asked().inside(task(&["name"])).fields(&["name", "current_address"]);
    assert_eq!(put.given(), [("name".to_owned(), View::Raw)]);
    let permit = put.answer().expect("a permit");
    let withheld = [("current_address".to_owned(), Code::CaseRequired)];
    assert_eq!(permit.views().withheld, withheld);
    assert_eq!(permit.account().task, Some(TASK));
    assert_eq!(permit.authority().mandate, Some((TASK, 2)));
    assert!(!permit.authority().spends);
}

#[test]
fn a_task_opens_nothing_to_another_nor_outside_its_time_records_and_purpose() {
    let named = || task(&["name"]);
    let closed = [
        Mandate { holder: ActorId::from_bytes([0xa2; 16]), ..named() },
        Mandate { from: Micros(NOW.0 + 1), ..named() },
        Mandate { until: NOW, ..named() },
        Mandate { purpose: "elder_visit".to_owned(), ..named() },
        Mandate { scope: Scope::default(), ..named() },
        Mandate { fields: vec!["current_address".to_owned()], ..named() },
    ];
    for mandate in closed {
        assert_eq!(
            asked().inside(mandate.clone()).refused(),
            Some(Code::CaseRequired),
            "{mandate:?}"
        );
    }
    // Its first and its last moment.
    assert_eq!(asked().inside(Mandate { from: NOW, ..named() }).refused(), None);
    assert_eq!(asked().inside(Mandate { until: Micros(NOW.0 + 1), ..named() }).refused(), None);
}

#[test]
fn a_task_opens_nothing_that_the_policy_does_not_open_inside_one() {
    // The account is for the street office alone, and the next grid is the neighbour's.
    let put = asked().inside(task(&["bank_last_four"])).fields(&["bank_last_four"]);
    assert_eq!(put.refused(), Some(Code::Denied));
    assert_eq!(asked().inside(task(&["name"])).at(NEXT_CELL).refused(), Some(Code::NotFound));
    let restricted = Facts { restricted: true, ..held_on(&["minimum_allowance"]) };
    let put = asked().inside(task(&["name"])).of(restricted);
    assert_eq!(put.refused(), Some(Code::Restricted));
}

#[test]
fn a_person_leads_to_its_own_record_and_its_dwelling_and_to_nothing_else() {
    let by_person = Scope { records: Vec::new(), subjects: vec![Handle::from_bytes([7; 16])] };
    let named = Mandate { scope: by_person.clone(), ..task(&["name"]) };
    assert_eq!(asked().inside(named).refused(), None);
    let facts = held_on(&[]);
    for record_type in RecordType::ALL {
        let own = matches!(record_type, RecordType::Person | RecordType::Residence);
        assert_eq!(by_person.holds(record_type, &facts), own, "{record_type:?}");
    }
    // Who appears in somebody else's record does not open it.
    let second = ([8; 16], Handle::from_bytes([9; 16]));
    let other =
        Facts { subject_handles: vec![second, ([6; 16], Handle::from_bytes([7; 16]))], ..facts };
    assert!(!by_person.holds(RecordType::Person, &other));
}

#[test]
fn a_childs_fields_need_a_second_person_beside_the_task() {
    let child = || Facts { turns_14: Some(TODAY + 1), ..held_on(&["minimum_allowance"]) };
    let put = |agreed| asked().of(child()).inside(Mandate { agreed, ..task(&["name"]) });
    assert_eq!(put(false).refused(), Some(Code::ApprovalRequired));
    assert_eq!(put(true).given(), [("name".to_owned(), View::Raw)]);
    // From 14 on the task is enough.
    let minor = Facts {
        turns_14: Some(TODAY),
        turns_18: Some(TODAY + 1),
        ..held_on(&["minimum_allowance"])
    };
    assert_eq!(asked().of(minor).inside(task(&["name"])).refused(), None);
    // A family is brought to safety whole.
    let facts = Facts { turns_14: Some(TODAY + 1), ..held_on(&["emergency_evacuation"]) };
    let emergency = mandate(MandateKind::Emergency, "emergency_evacuation", &["name"]);
    let put = Put::ordinary().under("emergency_evacuation").of(facts).inside(emergency);
    assert_eq!(put.refused(), None);
    assert_eq!(put.answer().expect("a permit").account().approval, Some(TASK));
}

#[test]
fn an_approval_opens_what_needs_one_and_no_task() {
    let officer = || {
        Put::by("child_officer", "880102001001")
            .under("child_protection")
            .of(held_on(&["child_protection"]))
            .fields(&["child_need"])
    };
    let refused = officer().refused();
    assert_eq!(refused, Some(Code::ApprovalRequired));
    let approval = || Mandate {
        single_use: true,
        ..mandate(MandateKind::Approval, "child_protection", &["child_need", "name"])
    };
    let permit = officer().inside(approval()).answer().expect("a permit");
    assert!(permit.authority().spends, "it serves once");
    let put = officer().fields(&["name"]).inside(approval());
    assert_eq!(put.refused(), Some(Code::CaseRequired), "an adult's name is for the task");
}

#[test]
fn an_echo_shows_what_its_writer_may_write() {
    let echo = || mandate(MandateKind::Echo, "residence_registration", &["id_number"]);
    let put = || Put::ordinary().fields(&["id_number"]);
    assert_eq!(put().refused(), Some(Code::Denied));
    let echo = Mandate { version: None, ..echo() };
    let permit = put().inside(echo).answer().expect("a permit");
    assert_eq!(permit.authority().mandate, None, "nothing is stored that could move on");
    let visit =
        Mandate { version: None, ..mandate(MandateKind::Echo, "elder_visit", &["assistance_tag"]) };
    let put = Put::ordinary().under("elder_visit").of(held_on(&["elder_visit"]));
    let refused = put.fields(&["assistance_tag"]).inside(visit).refused();
    assert_eq!(refused, Some(Code::CaseRequired), "the worker writes nothing under this purpose");
}

#[test]
fn a_person_seen_in_clear_counts_once_for_each_kind_and_a_task_counts_for_itself() {
    let permit =
        Put::ordinary().fields(&["name", "phone", "birth_date"]).answer().expect("a permit");
    let [charge] = permit.charges() else { panic!("one person, one kind") };
    let caller = ActorId::from_bytes([0xa1; 16]);
    assert_eq!(charge.ledger, Ledger::Reveals(caller, LegalKind::Other));
    assert_eq!(charge.tag, [7; 16]);
    assert_eq!(charge.bound, Bound::Windows { day: 80, month: 1_200 });
    let permit = asked().inside(task(&["name"])).answer().expect("a permit");
    let [charge] = permit.charges() else { panic!("one record") };
    assert_eq!((charge.ledger, charge.tag), (Ledger::Mandate(TASK), [5; 16]));
    assert_eq!(charge.bound, Bound::Total(3));
    // A masked view costs nothing, and nor does what is about nobody.
    let masked = Put::by("street_operator", "880102001").answer().expect("a permit");
    assert!(masked.charges().is_empty());
}

/// A seconded cadre writes for an evacuation: inside a task alone.
fn written(ask: Ask, fields: &[&str]) -> Put<'static> {
    // An assignment of this role ends.
    let post = Assignment {
        from: Micros(NOW.0 - 1),
        until: Some(Micros(NOW.0 + 1)),
        ..placed("sunk_cadre", "880102001001")
    };
    let put = Put::ordinary().from(vec![post]).under("emergency_evacuation").ask(ask);
    put.of(held_on(&["emergency_evacuation"])).fields(fields)
}

#[test]
fn a_task_lets_write_its_fields_of_its_records_and_new_ones_against_its_budget() {
    let open = |fields: &[&str]| mandate(MandateKind::Task, "emergency_evacuation", fields);
    for ask in [Ask::Create, Ask::Update] {
        assert_eq!(written(ask, &["name"]).refused(), Some(Code::CaseRequired), "{ask:?}");
        let put = written(ask, &["name", "phone"]).inside(open(&["name", "phone"]));
        let permit = put.answer().expect("a permit");
        assert_eq!(permit.account().task, Some(TASK));
        assert_eq!(permit.authority().mandate, Some((TASK, 2)));
        let [charge] = permit.charges() else { panic!("one record") };
        assert_eq!((charge.ledger, charge.bound), (Ledger::Mandate(TASK), Bound::Total(3)));
        let put = written(ask, &["name", "phone"]).inside(open(&["name"]));
        assert_eq!(put.refused(), Some(Code::CaseRequired), "{ask:?}: it names one of two");
        // What the role does not write inside a task either is a plain no.
        let put = written(ask, &["assistance_tag"]).inside(open(&["assistance_tag"]));
        assert_eq!(put.refused(), Some(Code::Denied), "{ask:?}");
    }
    let elsewhere = Mandate { scope: Scope::default(), ..open(&["name"]) };
    let put = written(Ask::Update, &["name"]).inside(elsewhere.clone());
    assert_eq!(put.refused(), Some(Code::CaseRequired));
    let put = written(Ask::Create, &["name"]).inside(elsewhere);
    assert!(put.answer().is_ok(), "what is about to be is in no scope");
}

#[test]
fn nothing_but_a_task_lets_write_and_a_post_that_writes_anyway_pays_nothing() {
    for kind in [MandateKind::Approval, MandateKind::Emergency, MandateKind::Echo] {
        for ask in [Ask::Create, Ask::Update] {
            let other = mandate(kind, "emergency_evacuation", &["name"]);
            let put = written(ask, &["name"]).inside(other);
            assert_eq!(put.refused(), Some(Code::CaseRequired), "{kind:?} {ask:?}");
        }
    }
    let inside = mandate(MandateKind::Task, "residence_registration", &["name"]);
    let permit = Put::ordinary().ask(Ask::Update).inside(inside).answer().expect("a permit");
    assert_eq!(permit.account().task, Some(TASK), "the log says in which task it was done");
    assert!(permit.charges().is_empty());
}

#[test]
fn what_is_sensitive_opens_to_the_community_at_its_counter_and_inside_no_task_that_somebody_gives()
{
    const AID: &str = "employment_aid";
    let inside = |field: &str, at_counter| {
        let put = Put::by("community_cadre", "880102001001").under(AID).of(held_on(&[AID]));
        let task = Mandate { at_counter, ..mandate(MandateKind::Task, AID, &[field]) };
        let put = put.inside(task).fields(&[field]);
        put.refused().map_or_else(|| Ok(put.given()[0].1), Err)
    };
    assert_eq!(inside("id_number", false), Err(Code::CaseRequired));
    assert_eq!(inside("id_number", true), Ok(View::Raw));
    assert_eq!(inside("phone", false), Ok(View::Raw), "general data inside any task");
    // So nobody gives it a task that names such a field.
    let gives = |field: &str| {
        let office = placed("street_office", "880102001");
        let office = Assignment { line: Some("employment".to_owned()), ..office };
        let put = Put::ordinary().from(vec![office]).under(AID).of(held_on(&[AID])).fields(&[]);
        let mut holder = standing(vec![placed("community_cadre", "880102001001")]);
        holder.actor = ActorId::from_bytes([0xb2; 16]);
        let fields = [field.to_owned()];
        let terms = TaskTerms { id: TASK, holder: Some(&holder), fields: &fields, leads_on: false };
        let items = [Item { matter: put.matter(), fields: &[] }];
        put.question(|question| ACCESS.decide_task(question, &terms, &items, &[], ()))
            .err()
            .map(|denied| denied.why())
    };
    assert_eq!((gives("phone"), gives("id_number")), (None, Some(Code::Denied)));
}

#[test]
fn what_rested_on_a_consent_that_was_withdrawn_is_closed_to_whoever_may_know_of_it() {
    let bases = || {
        let mut facts = held_on(&["household_contact"]);
        facts.bases[0].consent = Some([8; 16]);
        facts
    };
    let withdrawn = || Facts { withdrawn: vec![([8; 16], TODAY)], ..bases() };
    let put = |facts: Facts| Put::ordinary().under("household_contact").of(facts);
    assert!(put(bases()).answer().is_ok());
    assert_eq!(put(withdrawn()).refused(), Some(Code::ConsentWithdrawn));
    assert_eq!(put(withdrawn()).at(NEXT_CELL).refused(), Some(Code::NotFound));
    // Nor does a duty open what rests on nothing any more; where the record rests on the duty too, it does. Another consent is another.
    assert_eq!(Put::ordinary().of(withdrawn()).refused(), Some(Code::ConsentWithdrawn));
    let mut on_a_duty = withdrawn();
    on_a_duty.bases.extend(held_on(&["residence_registration"]).bases);
    assert!(Put::ordinary().of(on_a_duty).answer().is_ok());
    let held = Facts { legal_hold: true, ..withdrawn() };
    assert!(Put::ordinary().of(held).answer().is_ok(), "a law keeps it");
    let other = Facts { withdrawn: vec![([9; 16], TODAY)], ..bases() };
    assert!(put(other).answer().is_ok());
}

#[test]
fn a_raised_limit_counts_against_a_higher_bound_for_its_kind_in_its_time_and_opens_no_field() {
    let raise = |kind, people| mandate(MandateKind::Raise { kind, people }, "", &[]);
    let bound = |mandate: Mandate| {
        let permit = Put::ordinary().inside(mandate).answer().expect("a permit");
        (permit.charges()[0].bound, permit.authority().mandate, permit.account().approval)
    };
    let plain = (Bound::Windows { day: 80, month: 1_200 }, None, None);
    let raised = Bound::Windows { day: 83, month: 1_203 };
    let other = || raise(LegalKind::Other, 3);
    assert_eq!(bound(other()), (raised, Some((TASK, 2)), Some(TASK)));
    assert_eq!(bound(raise(LegalKind::Health, 3)), plain);
    assert_eq!(bound(Mandate { until: NOW, ..other() }), plain);
    assert_eq!(bound(Mandate { from: Micros(NOW.0 + 1), ..other() }), plain);
    assert_eq!(bound(Mandate { holder: ActorId::from_bytes([0xa2; 16]), ..other() }), plain);
    // It was asked for under another post of the same person.
    assert_eq!(bound(Mandate { role: "community_cadre".to_owned(), ..other() }), plain);
    assert_eq!(asked().inside(other()).refused(), Some(Code::CaseRequired));
}

#[test]
fn a_request_of_an_organ_opens_what_it_names_until_its_end() {
    let police = || Put::by("community_police", "880102001001");
    let request = || mandate(MandateKind::Official, "residence_registration", &["name"]);
    assert_eq!(police().refused(), Some(Code::CaseRequired));
    assert_eq!(police().inside(request()).refused(), None);
    let child = Facts { turns_14: Some(TODAY + 1), ..held_on(&["residence_registration"]) };
    assert_eq!(police().of(child).inside(request()).refused(), None);
    for closed in [
        Mandate { until: NOW, ..request() },
        Mandate { purpose: "record_correction".to_owned(), ..request() },
        Mandate { fields: vec!["phone".to_owned()], ..request() },
        Mandate { scope: Scope::default(), ..request() },
    ] {
        assert_eq!(police().inside(closed).refused(), Some(Code::CaseRequired));
    }
}

#[test]
fn whoever_is_protected_is_to_a_role_that_does_not_see_it_like_nobody_but_in_an_emergency() {
    let hidden = || Facts { protected_address: true, ..held_on(&["residence_registration"]) };
    assert_eq!(Put::ordinary().of(hidden()).refused(), Some(Code::NotFound));
    let street = Put::by("street_operator", "880102001");
    assert_eq!(street.of(hidden()).refused(), None);
    let in_task = asked().of(hidden()).inside(task(&["name"]));
    assert_eq!(in_task.refused(), Some(Code::NotFound));
    let emergency = || mandate(MandateKind::Emergency, "emergency_evacuation", &["name"]);
    let reached =
        |mandate| Put::ordinary().under("emergency_evacuation").of(hidden()).inside(mandate);
    assert_eq!(reached(emergency()).refused(), None);
    for closed in
        [Mandate { until: NOW, ..emergency() }, Mandate { scope: Scope::default(), ..emergency() }]
    {
        assert_eq!(reached(closed).refused(), Some(Code::NotFound));
    }
}
