//! Requirements on erasures: who asks, what may not go, and whose desk carries it out.
//! Never by anybody who serves no residents, and never for another purpose than that of rights.
//! One record that the desk has to do with is enough; one that a law holds is enough for a no.

use super::world::*;
use crate::access::{Code, ErasureAct, ErasureAsked, Item, Matter};
use crate::records::{Facts, Handle, MandateId, RecordType};
use crate::territory::CellId;

const STREET: &str = "880102001";
const OTHER_STREET: &str = "880102002";
const RIGHTS: &str = "rights_request";

fn asked(area: Option<&str>) -> ErasureAsked<'_> {
    let subject = Some(Handle::from_bytes([5; 16]));
    ErasureAsked { id: MandateId::from_bytes([4; 16]), subject, area, reason: "purpose_met" }
}

fn item(cell: CellId, facts: &Facts) -> Item<'_> {
    let record_type = RecordType::Person;
    Item {
        matter: Matter::Present { record_type, cell, facts, versions: Some((1, 2)) },
        fields: &[],
    }
}

fn decided(
    put: &Put<'_>,
    area: Option<&str>,
    own: &[Item<'_>],
    others: &[Item<'_>],
) -> Option<Code> {
    put.question(|question| {
        let parts = (own, others, own);
        let act = ErasureAct::Remove;
        let decided = put.access.decide_erasure(question, act, &asked(area), parts, ());
        decided.err().map(|denied| denied.why())
    })
}

fn desk() -> Put<'static> {
    Put::by("resident_desk", STREET).under(RIGHTS)
}

#[test]
fn a_desk_erases_whoever_has_a_record_in_its_area_wherever_the_others_lie() {
    let facts = held_on(&["residence_registration"]);
    let (here, there) = (item(OWN_CELL, &facts), item(FAR_CELL, &facts));
    assert_eq!(decided(&desk(), None, &[there, here], &[]), None);
    let there = item(FAR_CELL, &facts);
    assert_eq!(decided(&desk(), None, &[there], &[]), Some(Code::NotFound));
    assert_eq!(decided(&desk(), None, &[], &[]), Some(Code::NotFound));
    // A record of somebody else in which it appears counts where it has none of its own any more, and only then.
    let beside = || [item(OWN_CELL, &facts)];
    let far = item(FAR_CELL, &facts);
    assert_eq!(decided(&desk(), None, &[far], &beside()), Some(Code::NotFound));
    assert_eq!(decided(&desk(), None, &[], &beside()), None);
    assert_eq!(decided(&desk(), None, &[], &[item(FAR_CELL, &facts)]), Some(Code::NotFound));
}

#[test]
fn whoever_serves_no_residents_erases_nobody_and_a_desk_does_it_for_rights_alone() {
    let facts = held_on(&["residence_registration"]);
    for (role, area) in
        [("grid_head", OWN), ("community_cadre", "880102001001"), ("county_command", "880102")]
    {
        let put = Put::by(role, area).under(RIGHTS);
        assert_eq!(
            decided(&put, None, &[item(OWN_CELL, &facts)], &[]),
            Some(Code::Denied),
            "{role}"
        );
    }
    let put = Put::by("resident_desk", STREET).under("residence_registration");
    assert_eq!(decided(&put, None, &[item(OWN_CELL, &facts)], &[]), Some(Code::Denied));
}

#[test]
fn what_a_law_holds_and_what_is_restricted_refuse_each_with_its_own_code() {
    let free = held_on(&["residence_registration"]);
    let held = Facts { legal_hold: true, ..held_on(&["residence_registration"]) };
    let restricted = Facts { restricted: true, ..held_on(&["residence_registration"]) };
    let here = |facts| item(OWN_CELL, facts);
    let one = |facts| decided(&desk(), None, &[here(&free), here(facts)], &[]);
    assert_eq!(one(&held), Some(Code::LegalHold));
    assert_eq!(one(&restricted), Some(Code::Restricted));
    let both = decided(&desk(), None, &[here(&restricted), here(&held)], &[]);
    assert_eq!(both, Some(Code::LegalHold));
    // A record of somebody else in which the person appears is not touched either.
    let others = decided(&desk(), None, &[here(&free)], &[item(FAR_CELL, &held)]);
    assert_eq!(others, Some(Code::LegalHold));
    // What restricts the one whom such a record is about is no matter of the person's, and nothing is said of it.
    let others = decided(&desk(), None, &[here(&free)], &[item(FAR_CELL, &restricted)]);
    assert_eq!(others, None);
    assert_eq!(decided(&desk(), None, &[], &[here(&restricted)]), None);
    // Whoever may not know of it hears of no hold.
    let far = decided(&desk(), None, &[item(FAR_CELL, &held)], &[]);
    assert_eq!(far, Some(Code::NotFound));
}

#[test]
fn what_a_desk_asked_for_is_carried_out_and_certified_by_a_desk_of_its_area() {
    let facts = held_on(&["residence_registration"]);
    let certified = |put: &Put<'_>, area: &str| {
        put.question(|question| {
            let decided = put.access.decide_certificate(question, Some(&asked(Some(area))), ());
            decided.err().map(|denied| denied.why())
        })
    };
    let of = |area: &str| decided(&desk(), Some(area), &[item(OWN_CELL, &facts)], &[]);
    assert_eq!((of(STREET), certified(&desk(), STREET)), (None, None));
    let no = Some(Code::NotFound);
    assert_eq!((of(OTHER_STREET), certified(&desk(), OTHER_STREET)), (no, no));
    let none = desk().question(|question| {
        let decided = ACCESS.decide_certificate(question, None, ());
        decided.err().map(|denied| denied.why())
    });
    assert_eq!(none, no);
    let head = Put::by("grid_head", OWN).under(RIGHTS);
    assert_eq!(certified(&head, STREET), Some(Code::Denied));
}

#[test]
fn the_entry_names_the_records_and_of_people_the_erased_one_alone() {
    let handle = Handle::from_bytes([6; 16]);
    let facts = Facts { record_handle: handle, ..held_on(&["residence_registration"]) };
    let put = desk();
    let account = |act| {
        put.question(|question| {
            let own = [item(OWN_CELL, &facts)];
            let parts = (&own[..], &[][..], &own[..]);
            let decided = put.access.decide_erasure(question, act, &asked(None), parts, ());
            let (permit, desk) = decided.ok().expect("permitted");
            assert_eq!((desk.role.as_str(), desk.area.as_str()), ("resident_desk", STREET));
            permit.account().clone()
        })
    };
    let removes = account(ErasureAct::Remove);
    assert_eq!((removes.records.as_slice(), removes.versions), (&[handle][..], Some((1, 2))));
    assert_eq!(removes.subjects, [Handle::from_bytes([5; 16])]);
    assert_eq!((removes.grid, removes.record_type, removes.basis), (None, None, None));
    assert_eq!(removes.approval, Some(MandateId::from_bytes([4; 16])));
    // Asking changes nothing.
    assert_eq!(account(ErasureAct::Ask).versions, None);
}
