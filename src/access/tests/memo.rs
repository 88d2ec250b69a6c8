//! The memo is held equal to casbin, question by question, over the shipped policy and over random ones.
//! Never the memo against itself: each question is put to an enforcer that was asked nothing before it.
//! `GRIDVAULT_QUESTIONS=1000000 cargo test --release --lib access::tests::memo` is the long run; 100,000 are the default.

use super::world::*;
use crate::access::{Action, Level, Policy, RoleFamily};
use crate::purposes::PurposeGroup;
use crate::records::{Class, RecordType};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// Questions to one policy before the next.
const QUESTIONS_PER_POLICY: usize = 5_000;

fn questions_count() -> usize {
    match std::env::var("GRIDVAULT_QUESTIONS") {
        Ok(count) => count.parse().expect("GRIDVAULT_QUESTIONS is a number"),
        Err(_) => 100_000,
    }
}

fn one<T: 'static>(runner: &mut TestRunner, strategy: &impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).expect("a value").current()
}

/// A word of a vocabulary, or now and then `any`.
fn word(words: Vec<&'static str>) -> impl Strategy<Value = &'static str> {
    prop_oneof![2 => prop::sample::select(words), 1 => Just("any")]
}

/// The shipped policy with random files for its business roles: up to twenty lines, one in five a denial.
fn random_policy(runner: &mut TestRunner) -> Files {
    let topics = word(RecordType::ALL.map(RecordType::as_str).to_vec());
    let classes = word(Class::ALL.map(Class::as_str).to_vec());
    let groups = word(PurposeGroup::ALL.map(PurposeGroup::as_str).to_vec());
    let actions = prop::sample::select(Action::ALL.map(Action::as_str).to_vec());
    let effects = prop_oneof![4 => Just("allow"), 1 => Just("deny")];
    let lines = prop::collection::btree_set((topics, classes, groups, actions, effects), 0..=20);
    let mut files = Files::shipped();
    let roles: Vec<(String, &str)> = ACCESS.with_policy(|policy| {
        let business = policy.roles().iter().filter(|role| role.family == RoleFamily::Business);
        business.map(|role| (role.id.as_str().to_owned(), role.level.as_str())).collect()
    });
    // Whoever has a line for what is inside a task gets one from somebody.
    let takers: Vec<String> = roles.iter().map(|(role, _)| format!("\"{role}\"")).collect();
    let (one_taker, all) = ("[\"petition_desk\"]", format!("[{}]", takers.join(", ")));
    assert!(files.roles.contains(one_taker));
    files.roles = files.roles.replace(one_taker, &all);
    for (role, level) in roles {
        let text = one(runner, &lines).into_iter().map(|(topic, class, group, action, effect)| {
            format!("{level},{topic},{class},{group},{action},{effect}\n")
        });
        files.lines.insert(role, text.collect());
    }
    files
}

type Point = (usize, Level, RecordType, Class, PurposeGroup, Action);

/// A question, mostly at the role's own level: elsewhere the answer is no.
fn points(policy: &Policy) -> impl Strategy<Value = Point> + use<> {
    let levels: Vec<Level> = policy.roles().iter().map(|role| role.level).collect();
    (
        0..levels.len(),
        prop::option::weighted(0.1, prop::sample::select(Level::ALL.to_vec())),
        prop::sample::select(RecordType::ALL.to_vec()),
        prop::sample::select(Class::ALL.to_vec()),
        prop::sample::select(PurposeGroup::ALL.to_vec()),
        prop::sample::select(Action::ALL.to_vec()),
    )
        .prop_map(move |(role, level, topic, class, group, action)| {
            (role, level.unwrap_or(levels[role]), topic, class, group, action)
        })
}

#[test]
fn the_memo_says_what_casbin_says() {
    let mut runner = TestRunner::deterministic();
    let (mut asked, mut granted) = (0, 0);
    let count = questions_count();
    while asked < count {
        let files = if asked == 0 { Files::shipped() } else { random_policy(&mut runner) };
        let policy = files.load().expect("a policy of known words loads");
        let points = points(&policy);
        for _ in 0..QUESTIONS_PER_POLICY.min(count - asked) {
            let point = one(&mut runner, &points);
            let (role, level, topic, class, group, action) = point;
            let casbin = policy.allows(role, level, topic, class, group, action);
            let memo = policy.grants(role, level, topic, class, group).has(action);
            assert_eq!(memo, casbin, "{:?} {point:?}", policy.roles()[role].id);
            asked += 1;
            granted += usize::from(casbin);
        }
    }
    // Neither always yes nor always no.
    assert!(granted * 50 > asked && granted * 2 < asked, "{granted} of {asked}");
}

#[test]
fn the_comparison_notices_a_line_that_is_missing() {
    let shipped = Files::shipped().load().expect("the shipped policy loads");
    let mut files = Files::shipped();
    let text = files.lines.get_mut("grid_worker").expect("a role");
    *text = text.replace("grid,any,any,programme,write,allow\n", "");
    let changed = files.load().expect("it loads without that line");
    let mut runner = TestRunner::deterministic();
    let points = points(&shipped);
    let noticed = (0..20_000).filter(|_| {
        let (role, level, topic, class, group, action) = one(&mut runner, &points);
        let memo = changed.grants(role, level, topic, class, group).has(action);
        memo != shipped.allows(role, level, topic, class, group, action)
    });
    assert!(noticed.count() > 0);
}
