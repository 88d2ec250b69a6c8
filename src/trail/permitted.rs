//! What a permit asks of the trail: room on the disk, what it rests on, and which keys its change may touch.
//! Never decides whether it is given; that was done.
//! A new kind of entry has to say here what it needs.

use super::space::Need;
use crate::access::{
    Authority, ConsentAct, Duty, ErasureAct, MandateAct, Permit, RestraintAct, ReviewAct, Written,
};
use crate::records::{Owner, Target};
use crate::store::{Expect, Key, Op, Version};

/// What a decision asks of the disk. A new kind has to say.
pub(super) fn need_of(written: Written) -> Need {
    match written {
        Written::Create
        | Written::Household
        | Written::Update
        | Written::Counter
        | Written::Erasure(ErasureAct::Ask)
        | Written::Restraint(RestraintAct::Ask)
        | Written::Consent(ConsentAct::Give)
        | Written::Duty(Duty::ActorAdd)
        | Written::Review(
            ReviewAct::Open
            | ReviewAct::Sample
            | ReviewAct::Note
            | ReviewAct::Escalate
            | ReviewAct::Close
            | ReviewAct::Rectify
            | ReviewAct::Settle,
        ) => Need::Growth,
        Written::Read
        | Written::Delete
        | Written::Match
        | Written::Query
        | Written::Occupants
        | Written::Changes
        | Written::Schema
        | Written::Preview
        | Written::Proof
        | Written::LogIn
        | Written::Enrol
        | Written::Stranger
        | Written::Refused
        | Written::Protect
        | Written::Erasure(ErasureAct::Blind | ErasureAct::Remove | ErasureAct::Certify)
        | Written::Restraint(
            RestraintAct::Restrict
            | RestraintAct::Hold
            | RestraintAct::Release
            | RestraintAct::SeeDue,
        )
        | Written::Expiry
        | Written::FieldExpiry
        | Written::Emergency(_)
        | Written::SubjectAccess(_)
        | Written::Consent(ConsentAct::Read | ConsentAct::Withdraw)
        | Written::Placing(_)
        | Written::Delegation(_)
        | Written::Review(ReviewAct::Read)
        | Written::Rotation(_)
        | Written::Duty(
            Duty::ActorList
            | Duty::TokenIssue
            | Duty::AuditRead
            | Duty::AuditProof
            | Duty::AuditExport
            | Duty::AuditIndex
            | Duty::AuditAnomalies
            | Duty::AuditReview
            | Duty::AuditEscalated
            | Duty::AuditReport
            | Duty::PolicyExplain
            | Duty::PolicyMatrix
            | Duty::VaultSeal
            | Duty::KeysRead
            | Duty::KeysRotate
            | Duty::KeysAgree,
        ) => Need::Entry,
        Written::Mandate(act) => need_of_mandate(act),
    }
}

fn need_of_mandate(act: MandateAct) -> Need {
    match act {
        MandateAct::Give | MandateAct::Ask | MandateAct::AskRaise | MandateAct::AskOfficial => {
            Need::Growth
        }
        MandateAct::Accept
        | MandateAct::Return
        | MandateAct::Close
        | MandateAct::List
        | MandateAct::Grant
        | MandateAct::Refuse
        | MandateAct::ListAsked => Need::Entry,
    }
}

/// What a permit rests on beside policy and caller, whose versions the sequencer compares without keys: the mandate that
/// opened something, and whoever else it is about.
pub(super) fn authority_expects(authority: &Authority) -> Vec<Expect> {
    let expect = |key, version| Expect { key, version: Version(version), stamp: 0 };
    let mandate = authority.mandate.map(|(id, version)| expect(Key::mandate(id), version));
    let other = authority.other;
    let other = other.map(|(actor, version)| expect(Key::actor(actor.as_bytes()), version));
    mandate.into_iter().chain(other).collect()
}

/// A change touches what its target owns. Beside it a caller may add to its own memory of what it wrote, and anybody may
/// clear away what a caller remembered on a day that no look-up reaches any more.
pub(super) fn owns<T: Target>(permit: &Permit<T>, op: &Op, today: i32) -> bool {
    match (op.key().owner(), op) {
        (Some(Owner::Caller(caller)), Op::Put(..)) => {
            permit.authority().actor.is_some_and(|(actor, _)| *actor.as_bytes() == caller)
        }
        (Some(Owner::Caller(_)), Op::Delete(key)) => {
            key.repeat_day().is_some_and(|day| day < today - 1)
        }
        (Some(owner), _) => permit.target().owns(owner),
        (None, _) => false,
    }
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    digest
}
