//! The sequencer against a model that forgets nothing: whatever is looked at, written and forgotten, both agree.
//! Never counts a refusal as wrong where a group overtook the look, or where the key moved and came back.
//! The real bound on remembered keys is large; here it is three, so that forgetting is the rule.

use crate::limits::RECENT_KEYS_COUNT_MAX;
use crate::records::{RecordId, SubjectId};
use crate::store::{Applier, EngineKind, Expect, Key, Op, SystemKey, Version, open};
use crate::trail::sequence::Sequencer;
use proptest::prelude::*;
use std::collections::HashMap;
use std::path::Path;

const REMEMBERED: usize = 3;
const KEYS: u8 = 11;
const LOOKERS: usize = 5;

#[derive(Clone, Debug)]
enum Step {
    /// A caller looks at a key in the store. A stamp that is some groups old is that of a look which those groups
    /// overtook.
    Look {
        looker: usize,
        key: u8,
        groups_ago: u64,
    },
    /// An operation that relies on what a caller saw gets its turn.
    Turn {
        looker: usize,
    },
    /// An operation puts or deletes.
    Put {
        key: u8,
    },
    Delete {
        key: u8,
    },
    /// The group is applied.
    Apply,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..LOOKERS, 0..KEYS, 0..3u64)
            .prop_map(|(looker, key, groups_ago)| Step::Look { looker, key, groups_ago }),
        4 => (0..LOOKERS).prop_map(|looker| Step::Turn { looker }),
        3 => (0..KEYS).prop_map(|key| Step::Put { key }),
        1 => (0..KEYS).prop_map(|key| Step::Delete { key }),
        3 => Just(Step::Apply),
    ]
}

/// Rows mostly; keys that every permit relies on; keys that are neither.
fn key(number: u8) -> Key {
    match number {
        0..=6 => Key::row(RecordId::from_bytes([number; 16])),
        7 => Key::system(SystemKey::Policy),
        8 => Key::actor(&[number; 16]),
        _ => Key::subject_key(SubjectId::from_bytes([number; 16])),
    }
}

struct Model {
    applier: Applier,
    sequencer: Sequencer,
    /// The version of each key after everything that was sequenced.
    sequenced: HashMap<Key, Version>,
    group: Vec<Op>,
    written: u64,
    /// How often each key was changed.
    changes: HashMap<Key, u64>,
    /// What each caller saw, how often the key had been changed, and whether no group came between stamp and look.
    seen: Vec<Option<(Expect, u64, bool)>>,
}

impl Model {
    fn new(remembered: usize) -> Model {
        let (_, applier) = open(Path::new(""), EngineKind::Memory, 0).expect("a store");
        let sequencer = Sequencer::new(&applier, remembered);
        Model {
            applier,
            sequencer,
            sequenced: HashMap::new(),
            group: Vec::new(),
            written: 0,
            changes: HashMap::new(),
            seen: vec![None; LOOKERS],
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Look { looker, key: number, groups_ago } => {
                let key = key(*number);
                // The stamp is taken before the look, so it may be older than what is seen, never newer.
                let stamp = self.applier.stamp().saturating_sub(*groups_ago);
                let version = self.applier.version(&key).expect("a store");
                let changes = self.changes_applied(&key);
                let undisturbed = *groups_ago == 0;
                self.seen[*looker] = Some((Expect { key, version, stamp }, changes, undisturbed));
            }
            Step::Turn { looker } => {
                let Some((expect, changes, undisturbed)) = self.seen[*looker].clone() else {
                    return;
                };
                let truth = self.sequenced.get(&expect.key).copied().unwrap_or(Version::ABSENT);
                let current = truth == expect.version;
                let untouched = self.changes.get(&expect.key).copied().unwrap_or(0) == changes;
                let said = self.sequencer.holds(std::slice::from_ref(&expect), &self.applier);
                let said = said.expect("a store");
                assert!(current || !said, "{expect:?} passed, in truth {truth:?}");
                assert!(
                    said || !untouched || !undisturbed,
                    "{expect:?} was refused and is current"
                );
            }
            Step::Put { key: number } => {
                self.written += 1;
                self.accept(Op::Put(key(*number), Version(self.written), Vec::new()));
            }
            Step::Delete { key: number } => self.accept(Op::Delete(key(*number))),
            Step::Apply => {
                let group = std::mem::take(&mut self.group);
                self.applier.apply(group.iter().map(|op| (0, op))).expect("applied");
                self.sequencer.applied(self.applier.stamp());
            }
        }
    }

    /// Changes of the key, without those of the group at hand, which nobody sees yet.
    fn changes_applied(&self, key: &Key) -> u64 {
        let waiting = self.group.iter().filter(|op| op.key() == key).count() as u64;
        self.changes.get(key).copied().unwrap_or(0) - waiting
    }

    fn accept(&mut self, op: Op) {
        self.sequencer.accept(std::slice::from_ref(&op));
        self.sequenced.insert(op.key().clone(), op.version_after());
        *self.changes.entry(op.key().clone()).or_default() += 1;
        self.group.push(op);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_stale_look_never_passes_and_a_current_one_always_does(
        steps in proptest::collection::vec(step(), 1..150)
    ) {
        let mut model = Model::new(REMEMBERED);
        steps.iter().for_each(|step| model.step(step));
    }
}

#[test]
fn a_row_whose_change_was_forgotten_at_the_real_bound_is_asked_of_the_store() {
    let mut model = Model::new(RECENT_KEYS_COUNT_MAX);
    let look = Step::Look { looker: 0, key: 1, groups_ago: 0 };
    let later_look = Step::Look { looker: 1, key: 1, groups_ago: 0 };
    for step in [look, Step::Put { key: 1 }, Step::Apply, later_look] {
        model.step(&step);
    }
    for number in 0..=RECENT_KEYS_COUNT_MAX as u128 {
        let key = Key::row(RecordId::from_bytes((1 << 100 | number).to_be_bytes()));
        model.sequencer.accept(&[Op::Delete(key)]);
    }
    model.step(&Step::Apply);
    model.step(&Step::Turn { looker: 0 });
    model.step(&Step::Turn { looker: 1 });
}
