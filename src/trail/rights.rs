//! The entries of what residents have a right to: erasure and restraint.
//! Never a decision: it says which event a step is.
//! What is asked of a second person is an approval like any other.

use crate::access::{ErasureAct, RestraintAct};
use gridvault_audit::Event;

pub(super) fn event_of_erasure(act: ErasureAct) -> Event {
    match act {
        ErasureAct::Ask => Event::ApprovalRequest,
        ErasureAct::Blind => Event::SubjectErase,
        ErasureAct::Remove => Event::DataErase,
        ErasureAct::Certify => Event::SubjectCertificate,
    }
}

pub(super) fn event_of_restraint(act: RestraintAct) -> Event {
    match act {
        RestraintAct::Ask => Event::ApprovalRequest,
        RestraintAct::Restrict => Event::SubjectRestrict,
        RestraintAct::Hold => Event::SubjectHold,
        RestraintAct::Release => Event::SubjectRelease,
        RestraintAct::SeeDue => Event::SubjectDue,
    }
}
