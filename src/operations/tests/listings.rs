//! Requirements on what is listed in a place: tasks, approvals, delegations.
//! Never is a list cut without a sign.
//! What ends first is listed first, so what is cut is what has most time.

use super::world::*;
use crate::access::{MandateAct, Written};
use crate::ambient::Micros;
use crate::operations::mandate::{Listing, begun, listed};
use crate::operations::scope::Named;
use crate::records::MandateId;
use crate::seal::{MandateRecord, MandateState};

#[test]
fn a_list_that_is_cut_says_so_and_one_that_is_just_full_does_not() {
    let world = World::new();
    let standing = world.identity.standing(&WORKER).expect("a worker");
    for hours in 1..=3_u8 {
        let until = NOW.0 + i64::from(hours) * 3_600_000_000;
        let record =
            MandateRecord { until, ..MandateRecord::blank(MandateState::Open, WORKER, NOW) };
        let id = MandateId::from_bytes([hours; 16]);
        let written = Written::Mandate(MandateAct::AskRaise);
        let target = Named::over(id, &[]);
        let permit = world.access.permit_known(&standing, written, &world.origin, target);
        let change = begun(id, &record, &world.seal).expect("sealed");
        assert!(wait(world.trail.commit(permit, change)).is_ok());
    }
    let place = WORKER.as_bytes();
    let list = |count_max: usize, now: Micros| {
        let found = wait(listed(place, count_max, now, &world.reader, &world.seal));
        let Listing { kept, more } = found.expect("listed");
        (kept.into_iter().map(|kept| kept.id.as_bytes()[0]).collect::<Vec<_>>(), more)
    };
    assert_eq!(list(2, NOW), (vec![1, 2], true));
    assert_eq!(list(3, NOW), (vec![1, 2, 3], false));
    assert_eq!(list(4, NOW), (vec![1, 2, 3], false));
    // What is over is in no list.
    assert_eq!(list(2, Micros(NOW.0 + 3 * 3_600_000_000 - 1)), (vec![3], false));
}
