//! Requirements on previews: who is named to be asked could really open something.
//! Never a giver of tasks for what opens at the counter alone, and none that may not know of such a record.
//! What each view is, is a decision's own word: `tests/product/preview.rs` holds the two together.

use super::world::*;
use crate::access::{Code, Previewed};
use crate::records::{Facts, RecordType};

/// What a post of the community, which looks at what is sensitive at its counter alone, is told about somebody who turns 14 then.
fn at_the_counter(turns_14: Option<i32>) -> Previewed {
    let turns_18 = turns_14.map(|day| day + 1_461);
    let facts = Facts { turns_14, turns_18, ..Facts::of_nobody() };
    let put = Put::by("community_cadre", &OWN[..12]).under("agent_service");
    put.question(|question| {
        put.access.preview(question, RecordType::Person, OWN_CELL, &facts).expect("something")
    })
}

fn waits(previewed: &Previewed, field: &str) -> bool {
    let of = previewed.fields.iter().find(|one| one.field == field);
    of.expect("a field").clear_with == Some(Code::CaseRequired)
}

fn givers(previewed: &Previewed) -> Vec<&str> {
    previewed.task_givers.iter().map(|role| role.as_str()).collect()
}

#[test]
fn nobody_is_named_to_give_a_task_for_what_opens_at_the_counter_alone() {
    // All that is held of a child is sensitive.
    let child = at_the_counter(Some(TODAY + 1));
    assert!(waits(&child, "name") && waits(&child, "id_number"));
    assert_eq!(givers(&child), [""; 0]);
    // From the 14th birthday on its name opens inside a task that somebody gives, and its number at the counter.
    for turns_14 in [Some(TODAY), None] {
        let told = at_the_counter(turns_14);
        assert!(waits(&told, "name") && waits(&told, "id_number"));
        assert!(!givers(&told).is_empty(), "{turns_14:?}");
    }
}

#[test]
fn who_may_not_know_of_such_a_record_is_not_named_to_give_a_task_over_it() {
    let told = at_the_counter(None);
    let givers = givers(&told);
    // Both have a line, which brings the one of them no purpose over people.
    assert!(givers.contains(&"street_office"), "{givers:?}");
    assert!(!givers.contains(&"department"), "{givers:?}");
}
