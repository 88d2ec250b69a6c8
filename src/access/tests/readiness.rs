//! Requirements on terms and training: without them nothing about a person opens, and matters without one stay open.
//! Never through another way of asking: read, list, match, write, removal, task, approval and feed are closed alike.
//! The moment before an end still counts, the end itself does not.

use super::world::*;
use crate::access::{
    ActorId, Ask, Assignment, Code, EmergencyTerms, Explanation, Item, Lack, Mandate, MandateKind,
    Matter, Needs, Readiness, RoleId, Scope, TaskTerms, Tier, TrainingRules, TrainingState,
};
use crate::ambient::Micros;
use crate::records::{Facts, Handle, MandateId, RecordType};

const DAY: i64 = 86_400_000_000;

fn unsigned() -> Readiness {
    Readiness { secrecy_signed: None, ..READY }
}

fn lapsed() -> Readiness {
    Readiness { trained_until: Some(NOW), ..READY }
}

fn held_by(role: &str, ready: Readiness) -> Vec<Assignment> {
    vec![Assignment { ready, ..placed(role, OWN) }]
}

/// A post that counts today: a worker's, or a stand-in's in its window.
fn in_time(role: &str, ready: Readiness) -> Assignment {
    match role {
        "grid_stand_in" => Assignment { ready, ..standing_in(OWN, Micros(NOW.0 + DAY)) },
        _ => held_by(role, ready).remove(0),
    }
}

fn worker(ready: Readiness) -> Put<'static> {
    Put::ordinary().from(held_by("grid_worker", ready))
}

/// A matter without anybody in it.
fn matter(ready: Readiness) -> Put<'static> {
    let nobody = Facts { subject_handles: Vec::new(), ..held_on(&["safety_inspection"]) };
    let put = worker(ready).under("safety_inspection").record_type(RecordType::Event).of(nobody);
    put.fields(&["kind"])
}

#[test]
fn without_a_term_or_with_training_over_nothing_about_a_person_opens() {
    for ready in [unsigned(), lapsed(), Readiness::default()] {
        for ask in [Ask::Read, Ask::Create, Ask::Update] {
            assert_eq!(worker(READY).ask(ask).refused(), None, "{ask:?}");
            assert_eq!(worker(ready).ask(ask).refused(), Some(Code::Denied), "{ask:?} {ready:?}");
        }
        let removes = |ready| {
            let put = Put::ordinary().from(held_by("grid_head", ready)).ask(Ask::Delete);
            put.fields(&[]).refused()
        };
        assert_eq!((removes(READY), removes(ready)), (None, Some(Code::Denied)));
    }
}

#[test]
fn a_matter_without_a_person_stays_open_and_can_be_reported() {
    for ready in [unsigned(), lapsed(), Readiness::default()] {
        for ask in [Ask::Read, Ask::Create, Ask::Update] {
            assert_eq!(matter(ready).ask(ask).refused(), None, "{ask:?} {ready:?}");
        }
    }
}

#[test]
fn training_counts_until_its_end_and_a_term_from_its_signing() {
    let trained = |until: i64| Readiness { trained_until: Some(Micros(until)), ..READY };
    assert_eq!(worker(trained(NOW.0 + 1)).refused(), None);
    assert_eq!(worker(trained(NOW.0)).refused(), Some(Code::Denied));
    let signed = |at: i64| Readiness { secrecy_signed: Some(Micros(at)), ..READY };
    assert_eq!(worker(signed(NOW.0)).refused(), None);
    assert_eq!(worker(signed(NOW.0 + 1)).refused(), Some(Code::Denied));
}

#[test]
fn a_task_opens_nothing_to_whoever_is_not_ready_and_an_emergency_only_to_a_stand_in_whose_training_is_over()
 {
    let purpose = "emergency_evacuation";
    let under = |kind| Mandate {
        id: MandateId::from_bytes([0x7a; 16]),
        version: None,
        kind,
        holder: ActorId::from_bytes([0xa1; 16]),
        purpose: purpose.to_owned(),
        scope: Scope { records: vec![Handle::from_bytes([5; 16])], subjects: Vec::new() },
        fields: vec!["phone".to_owned()],
        from: Micros(NOW.0 - 1),
        until: Micros(NOW.0 + 1),
        agreed: true,
        budget: 3,
        at_counter: false,
        single_use: false,
        role: "grid_worker".to_owned(),
    };
    let reads = |role: &str, ready, kind| {
        let post = in_time(role, ready);
        let put = Put::ordinary().from(vec![post]).under(purpose).of(held_on(&[purpose]));
        put.fields(&["phone"]).inside(under(kind)).refused()
    };
    for role in ["grid_stand_in", "grid_worker"] {
        for kind in [MandateKind::Task, MandateKind::Emergency] {
            assert_eq!(reads(role, READY, kind), None, "{role} {kind:?}");
            assert_eq!(reads(role, unsigned(), kind), Some(Code::Denied), "{role} {kind:?}");
            let spared = role == "grid_stand_in" && kind == MandateKind::Emergency;
            let expected = (!spared).then_some(Code::Denied);
            assert_eq!(reads(role, lapsed(), kind), expected, "{role} {kind:?}");
        }
    }
}

#[test]
fn an_emergency_is_opened_by_whoever_is_ready_and_by_a_stand_in_whose_training_is_over() {
    let opens = |role: &str, ready| {
        let post = in_time(role, ready);
        let put = Put::ordinary().from(vec![post]).under("emergency_evacuation");
        let facts = Facts { subject_handles: Vec::new(), ..held_on(&["emergency_evacuation"]) };
        let (record_type, cell) = (RecordType::Place, OWN_CELL);
        let matter = Matter::Present { record_type, cell, facts: &facts, versions: None };
        let items = [Item { matter, fields: &[] }];
        [Tier::Alone, Tier::Wide].map(|tier| {
            let terms = EmergencyTerms { id: MandateId::from_bytes([0x7b; 16]), tier };
            put.question(|question| ACCESS.decide_emergency(question, &terms, &items, ()).is_ok())
        })
    };
    for role in ["grid_stand_in", "grid_worker"] {
        assert_eq!(opens(role, READY), [true, true], "{role}");
        assert_eq!(opens(role, unsigned()), [false, false], "{role}");
        let spared = role == "grid_stand_in";
        assert_eq!(opens(role, lapsed()), [spared, spared], "{role}");
    }
}

#[test]
fn whoever_is_not_ready_sends_nobody_to_a_person_and_is_sent_to_none() {
    let gives = |giver: Readiness, taker: Readiness| {
        let put = Put::ordinary().from(held_by("grid_head", giver)).under("record_correction");
        let put = put.of(held_on(&["record_correction"])).fields(&[]);
        let mut holder = standing(held_by("grid_worker", taker));
        holder.actor = ActorId::from_bytes([0xb2; 16]);
        let fields = ["id_number".to_owned()];
        let id = MandateId::from_bytes([1; 16]);
        let terms = TaskTerms { id, holder: Some(&holder), fields: &fields, leads_on: false };
        let items = [Item { matter: put.matter(), fields: &[] }];
        put.question(|question| ACCESS.decide_task(question, &terms, &items, &[], ()))
            .err()
            .map(|denied| denied.why())
    };
    assert_eq!(gives(READY, READY), None);
    for ready in [unsigned(), lapsed()] {
        assert_eq!(gives(ready, READY), Some(Code::Denied));
        assert_eq!(gives(READY, ready), Some(Code::Denied));
    }
}

#[test]
fn whoever_is_not_ready_sends_nobody_to_whoever_lives_at_a_place() {
    let gives = |giver: Readiness| {
        let put = Put::ordinary().from(held_by("grid_head", giver)).under("record_correction");
        let mut holder = standing(held_by("grid_worker", READY));
        holder.actor = ActorId::from_bytes([0xb2; 16]);
        let fields = ["id_number".to_owned()];
        let id = MandateId::from_bytes([1; 16]);
        let terms = TaskTerms { id, holder: Some(&holder), fields: &fields, leads_on: true };
        let place = Facts { subject_handles: Vec::new(), ..held_on(&["record_correction"]) };
        let matter = Matter::Present {
            record_type: RecordType::Place,
            cell: OWN_CELL,
            facts: &place,
            versions: None,
        };
        let items = [Item { matter, fields: &[] }];
        put.question(|question| ACCESS.decide_task(question, &terms, &items, &[], ()))
            .err()
            .map(|denied| denied.why())
    };
    assert_eq!(gives(READY), None);
    for ready in [unsigned(), lapsed()] {
        assert_eq!(gives(ready), Some(Code::Denied));
    }
}

#[test]
fn whoever_is_not_ready_agrees_to_nothing() {
    let lead = |ready| {
        let lead = Assignment { lead: true, ready, ..placed("community_cadre", "880102001001") };
        ACCESS.agrees(&standing(vec![lead]), "grid_worker", NOW)
    };
    assert!(lead(READY));
    assert!(!lead(unsigned()) && !lead(lapsed()));
}

#[test]
fn an_explanation_is_refused_as_the_decision_would_be() {
    let explained = |ready| -> Explanation {
        let put = worker(ready);
        let items = [Item { matter: put.matter(), fields: &put.fields }];
        put.question(|question| ACCESS.explain(question, &items))
    };
    assert_eq!(explained(READY).refused, None);
    assert_eq!(explained(lapsed()).refused, Some(Code::Denied));
}

#[test]
fn a_role_that_needs_neither_opens_without_and_the_policy_says_so() {
    let mut files = Files::shipped();
    let worker_of = "id = \"grid_worker\"\n";
    let spared = format!("{worker_of}needs_secrecy_term = false\nneeds_training = false\n");
    files.roles = files.roles.replacen(worker_of, &spared, 1);
    let access = files.access();
    assert_eq!(worker(Readiness::default()).with(&access).refused(), None);
    let officer = |key: &str| {
        let mut files = Files::shipped();
        let of = "id = \"assignment_officer\"\n";
        files.roles = files.roles.replacen(of, &format!("{of}{key} = true\n"), 1);
        files.load().err().map(|error| error.to_string())
    };
    for key in ["needs_secrecy_term", "needs_training", "fills_grid"] {
        assert!(officer(key).is_some(), "{key} of a role that sees no record");
    }
}

#[test]
fn training_that_never_ends_or_is_always_warned_of_stops_the_start() {
    let load = |days: u32, warning: u32| {
        let mut files = Files::shipped();
        files.roles = files
            .roles
            .replacen("days_max = 400", &format!("days_max = {days}"), 1)
            .replacen("warning_days = 30", &format!("warning_days = {warning}"), 1);
        files.load().map(|policy| policy.training())
    };
    let most = crate::limits::TRAINING_DAYS_MAX;
    let rules = load(most, 30).expect("the longest");
    assert_eq!(rules, TrainingRules { days_max: most, warning_days: 30 });
    for (days, warning) in [(most + 1, 30), (0, 0), (30, 30), (30, 31)] {
        assert!(load(days, warning).is_err(), "{days} {warning}");
    }
}

#[test]
fn what_is_written_down_is_a_term_that_was_signed_and_training_up_to_its_longest() {
    let rules = TrainingRules { days_max: 400, warning_days: 30 };
    let takes = |signed: Option<i64>, trained: Option<i64>| {
        let ready =
            Readiness { secrecy_signed: signed.map(Micros), trained_until: trained.map(Micros) };
        rules.takes(ready, NOW)
    };
    assert!(takes(None, None) && takes(Some(NOW.0), Some(NOW.0 + 400 * DAY)));
    // What is over may be written down too: it is how it was.
    assert!(takes(Some(0), Some(0)));
    assert!(!takes(Some(NOW.0 + 1), None) && !takes(Some(-1), None));
    assert!(!takes(None, Some(NOW.0 + 400 * DAY + 1)) && !takes(None, Some(-1)));
}

#[test]
fn an_end_is_said_thirty_days_before() {
    let rules = TrainingRules { days_max: 400, warning_days: 30 };
    let needs = Needs { secrecy_term: true, training: true };
    let state = |until: Option<i64>| {
        let ready = Readiness { trained_until: until.map(Micros), ..READY };
        rules.state(needs, ready, NOW)
    };
    assert_eq!(state(Some(NOW.0 + 30 * DAY + 1)), TrainingState::Valid);
    assert_eq!(state(Some(NOW.0 + 30 * DAY)), TrainingState::EndsSoon);
    assert_eq!(state(Some(NOW.0 + 1)), TrainingState::EndsSoon);
    assert_eq!(state(Some(NOW.0)), TrainingState::Over);
    assert_eq!(state(None), TrainingState::Missing);
    assert_eq!(needs.lack(lapsed(), NOW), Some(Lack::TrainingOver));
    assert_eq!(needs.lack(Readiness::default(), NOW), Some(Lack::SecrecyTerm));
    let none = Needs { secrecy_term: false, training: false };
    assert_eq!(rules.state(none, Readiness::default(), NOW), TrainingState::NotNeeded);
}

#[test]
fn posts_are_seen_by_whoever_places_or_confirms_them_in_its_own_area() {
    let seen = |role: &str, area: &str, lead: bool| {
        let own = Assignment { lead, ..placed(role, area) };
        let origin = crate::access::Origin::default();
        ACCESS.decide_seeing_posts(&standing(vec![own]), &origin, NOW, ()).ok().map(|(_, seen)| {
            let sees =
                |role: &str, area: &str| seen.sees(&RoleId::new(role), area.parse().ok().as_ref());
            (
                sees("grid_worker", OWN),
                sees("grid_worker", FAR),
                sees("community_cadre", "880102001001"),
                seen.sees_grid(&"8801030010010001".parse().expect("an area")),
            )
        })
    };
    assert_eq!(seen("assignment_officer", "880102001", false), Some((true, false, false, false)));
    assert_eq!(seen("community_cadre", "880102001001", true), Some((true, false, false, false)));
    assert_eq!(seen("security_admin", "", false), Some((true, true, true, true)));
    for (role, area) in [
        ("community_cadre", "880102001001"),
        ("street_office", "880102001"),
        ("grid_head", OWN),
        ("system_admin", ""),
        ("compliance_auditor", ""),
    ] {
        assert_eq!(seen(role, area, false), None, "{role}");
    }
}
