//! What the log will say about a decision: who, what, where, why and by which rule.
//! Never a value, a name or a word that a caller wrote freely.
//! It is filled by the decision and read by the trail; nothing in between changes it.

use super::permit::FieldView;
use super::question::Duty;
use super::role::RoleId;
use super::standing::ActorId;
use crate::records::{Handle, MandateId, RecordType};
use std::sync::Arc;

/// The request that something came with. Address, device and reason end up sealed. Cheap to copy: every account of a
/// decision has one.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Random id of the request.
    pub request: [u8; 16],
    /// The client's address.
    pub address: Option<Arc<str>>,
    /// What the client says it is.
    pub device: Option<Arc<str>>,
    /// The reason that the caller wrote.
    pub reason: Option<Arc<str>>,
    /// Whether it is a line of a batch.
    pub in_batch: bool,
}

/// What is being recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Fields of a record were asked for.
    Read,
    /// A record was stored.
    Create,
    /// A household was stored.
    Household,
    /// A record was changed.
    Update,
    /// A record was removed.
    Delete,
    /// A value was matched.
    Match,
    /// Somebody was checked at a counter.
    Counter,
    /// Records were listed.
    Query,
    /// The people of a place were listed.
    Occupants,
    /// Changed records were named.
    Changes,
    /// The form of a record type was asked for.
    Schema,
    /// The caller asked what it may do itself.
    Preview,
    /// The proof of a receipt was asked for.
    Proof,
    /// Somebody logged in.
    LogIn,
    /// Something that is about no record.
    Duty(Duty),
    /// Something was done with somebody's consents.
    Consent(ConsentAct),
    /// The one who is present is told about itself.
    SubjectAccess(SubjectAccessAct),
    /// Something happens on the way to somebody's erasure.
    Erasure(ErasureAct),
    /// Something happens on the way to a restraint of what is held of somebody, or to its end.
    Restraint(RestraintAct),
    /// A record goes because its time is over.
    Expiry,
    /// Fields of a record go because nothing carries them any more.
    FieldExpiry,
    /// Something happened to a task, an approval or an emergency.
    Mandate(MandateAct),
    /// An address is protected, or no more.
    Protect,
    /// Something happened to an emergency access.
    Emergency(EmergencyAct),
    /// Somebody stands in for somebody, or no more.
    Delegation(DelegationAct),
    /// Somebody was placed, or its state was changed.
    Placing(PlacingAct),
    /// Something was done with a review.
    Review(ReviewAct),
    /// Somebody has a word in a rotation of keys.
    Rotation(RotationAct),
    /// A one-time code was turned into a token.
    Enrol,
    /// A caller without an identity was turned away.
    Stranger,
    /// A known caller was turned away before or after a decision.
    Refused,
}

/// What is done with somebody's consents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentAct {
    /// They are listed.
    Read,
    /// One is given.
    Give,
    /// One is withdrawn.
    Withdraw,
}

/// What residents are told about themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectAccessAct {
    /// What is held, why, and until when.
    Report,
    /// Who looked.
    Accesses,
}

/// What happens on the way to somebody's erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureAct {
    /// The protection officer is asked.
    Ask,
    /// Its part is taken out of records of others.
    Blind,
    /// Its own records are removed.
    Remove,
    /// The certificate is given out.
    Certify,
}

/// What happens on the way to a restraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestraintAct {
    /// The protection officer is asked, for one or for its end.
    Ask,
    /// Records are restricted.
    Restrict,
    /// Records are kept for a law.
    Hold,
    /// Records are released.
    Release,
    /// What is due to residents is listed.
    SeeDue,
}

/// What happens to a delegation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelegationAct {
    /// It was proposed.
    Propose,
    /// It was accepted.
    Accept,
    /// It was declined or ended.
    End,
    /// Delegations were listed.
    List,
}

/// What happens to somebody's posts and state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlacingAct {
    /// A post was given.
    Place,
    /// A community confirmed it.
    Confirm,
    /// It was ended.
    End,
    /// The state was changed.
    Change,
    /// Somebody was suspended, or left.
    Stop,
    /// What its holder brought along was written down.
    Renew,
    /// A roster was gone through.
    Import,
    /// Posts of others, or one's own, were looked at.
    See,
}

/// What happens to an emergency access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmergencyAct {
    /// It was opened, by its holder alone.
    Open,
    /// A second person was asked for a wider one.
    Ask,
    /// It was ended before its time.
    End,
    /// Somebody else reviewed it.
    Review,
    /// Emergency accesses were listed.
    List,
}

/// What happens to a mandate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MandateAct {
    /// A task was given.
    Give,
    /// Its holder took it.
    Accept,
    /// Its holder gave it back.
    Return,
    /// It was closed.
    Close,
    /// Tasks were listed.
    List,
    /// A second person was asked.
    Ask,
    /// A second person was asked to raise a limit.
    AskRaise,
    /// The protection officer was asked, for an organ.
    AskOfficial,
    /// It said yes.
    Grant,
    /// It said no.
    Refuse,
    /// What waits for a second person was listed.
    ListAsked,
}

/// What is done with a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewAct {
    /// Reviews are read.
    Read,
    /// One is opened over entries or an anomaly.
    Open,
    /// One is opened over entries that were drawn.
    Sample,
    /// A note is added.
    Note,
    /// It is brought before somebody above.
    Escalate,
    /// It is closed.
    Close,
    /// Something that is to be put right is named.
    Rectify,
    /// That was put right.
    Settle,
}

/// What somebody has to say about a rotation of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationAct {
    /// It is asked for.
    Ask,
    /// A second person agrees.
    Grant,
    /// A second person does not.
    Refuse,
    /// It is to stand still.
    Pause,
    /// It is to go on.
    Resume,
    /// It is taken back.
    Cancel,
}

/// A further fact of an account: a code, a number or a digest; never what a caller wrote freely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A code, an id, or several of them with commas between.
    Code(String),
    /// A count, an index or a moment.
    Number(u64),
    /// A digest or a seed.
    Bytes([u8; 32]),
}

/// The account of one decision.
#[derive(Clone, Debug)]
pub struct Account {
    /// What.
    pub written: Written,
    /// Who; nothing for a caller without an identity.
    pub actor: Option<ActorId>,
    /// The system through which it acted.
    pub via: Option<ActorId>,
    /// Strength of the log-in (NIST SP 800-63B level).
    pub strength: Option<u8>,
    /// The log-in session.
    pub session: Option<[u8; 16]>,
    /// The role that carried the decision.
    pub role: Option<RoleId>,
    /// Its area.
    pub scope: Option<String>,
    /// The assignment that carried it.
    pub assignment: Option<[u8; 16]>,
    /// Audit handles of the records.
    pub records: Vec<Handle>,
    /// Records of a list that have no handle any more.
    pub unnamed_records_count: u64,
    /// Audit handles of the subjects.
    pub subjects: Vec<Handle>,
    /// The first record's grid at that time.
    pub grid: Option<String>,
    /// The first record's type.
    pub record_type: Option<RecordType>,
    /// Fields and the view of each.
    pub fields: Vec<FieldView>,
    /// Version of the record before and after.
    pub versions: Option<(u64, u64)>,
    /// The purpose.
    pub purpose: Option<String>,
    /// The legal basis that the record holds for the purpose.
    pub basis: Option<String>,
    /// The review that it is about.
    pub case: Option<[u8; 16]>,
    /// The task that opened something.
    pub task: Option<MandateId>,
    /// The approval, delegation or emergency that did.
    pub approval: Option<MandateId>,
    /// The rule that decided: role and line.
    pub rule: Option<String>,
    /// Index of the entry that activated the policy.
    pub policy_index: u64,
    /// SHA-256 of what leaves, where one entry stands for all of it.
    pub manifest: Option<[u8; 32]>,
    /// The actor or token that an act of administration was about.
    pub about: Option<ActorId>,
    /// Further facts, by their names.
    pub facts: Vec<(&'static str, Fact)>,
    /// The request.
    pub origin: Origin,
}

impl Account {
    /// An account that names the request alone.
    pub fn of(written: Written, origin: &Origin) -> Account {
        Account {
            written,
            actor: None,
            via: None,
            strength: None,
            session: None,
            role: None,
            scope: None,
            assignment: None,
            records: Vec::new(),
            unnamed_records_count: 0,
            subjects: Vec::new(),
            grid: None,
            record_type: None,
            fields: Vec::new(),
            versions: None,
            purpose: None,
            basis: None,
            case: None,
            task: None,
            approval: None,
            rule: None,
            policy_index: 0,
            manifest: None,
            about: None,
            facts: Vec::new(),
            origin: origin.clone(),
        }
    }
}
