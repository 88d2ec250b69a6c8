//! What opens more than a standing right does, for a time: a task, an approval, an emergency, what one has just written.
//! Never widens role, territory, line or purpose: it meets a condition that the policy already names, and no other.
//! A mandate names its holder, its records, its fields and its end, and opens nothing beside them.

use super::grants::{Action, Grants};
use super::question::{Ask, Question};
use super::role::RoleId;
use super::standing::ActorId;
use crate::ambient::Micros;
use crate::records::{Facts, Handle, LegalKind, MandateId, RecordType};

/// What a mandate is, and so which conditions it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MandateKind {
    /// An open task. Opens what is open or may be written inside a task; a child's fields only where a second person agreed to the round.
    Task,
    /// A second person agreed to a read. Opens what needs an approval, and a child's fields.
    Approval,
    /// An urgent event in the own grid. Opens what is open inside a task, children's fields too: they live there as well.
    Emergency,
    /// What the holder wrote in the last minutes, read back. Opens what the holder may write.
    Echo,
    /// A reveal limit that a second person raised: opens no field, and counts against a higher bound.
    Raise {
        /// Of which kind of information.
        kind: LegalKind,
        /// How many people more.
        people: u32,
    },
    /// A request of an organ that the protection officer agreed to. Opens what needs a task or an approval, one record at
    /// a time, and serves no list.
    Official,
}

/// The records that a mandate is about, by their names in the audit log, which are kept nowhere but in the records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Records, each by itself. In order.
    pub records: Vec<Handle>,
    /// People: what is held of each as a person, and where each lives. In order.
    pub subjects: Vec<Handle>,
}

impl Scope {
    /// Whether a record is in it. A person leads to what is held of it as a person and to its dwelling alone, never to
    /// matters, files, programmes or somebody else's record in which it appears.
    pub fn holds(&self, record_type: RecordType, facts: &Facts) -> bool {
        if self.records.binary_search(&facts.record_handle).is_ok() {
            return true;
        }
        let own = match record_type {
            RecordType::Person | RecordType::Residence => facts.subject_handles.first(),
            _ => None,
        };
        own.is_some_and(|(_, handle)| self.subjects.binary_search(handle).is_ok())
    }
}

/// What a caller acts under, beside its assignment.
#[derive(Clone, Debug)]
pub struct Mandate {
    /// Its id.
    pub id: MandateId,
    /// The version that was looked at; a permit is stale once it moved on. Nothing for what is not stored.
    pub version: Option<u64>,
    /// What it is.
    pub kind: MandateKind,
    /// Who may use it.
    pub holder: ActorId,
    /// For which purpose.
    pub purpose: String,
    /// About which records.
    pub scope: Scope,
    /// Which fields.
    pub fields: Vec<String>,
    /// First moment at which it opens anything.
    pub from: Micros,
    /// First moment at which it opens nothing more.
    pub until: Micros,
    /// Whether a second person agreed to it.
    pub agreed: bool,
    /// Whether it is a task that a check at the counter began, for the one who is present.
    pub at_counter: bool,
    /// How many distinct records it opens.
    pub budget: u32,
    /// Whether it is used up by being used.
    pub single_use: bool,
    /// The role under which it was given or asked for. A raised limit counts for that role alone; what opens fields is weighed with
    /// whichever post of its holder carries the decision.
    pub role: String,
}

/// The name of nothing.
const NO_HANDLE: Handle = Handle::from_bytes([0; 16]);

impl Mandate {
    /// Whether it has to do with this field of this record, asked for by this caller now. A record that is about to be is
    /// in no scope: inside a task it may be stored for the fields that the task names, as often as its budget says.
    pub(super) fn opens(
        &self,
        question: &Question<'_>,
        record_type: RecordType,
        facts: &Facts,
        field: &str,
    ) -> bool {
        let serves = self.kind != MandateKind::Official || question.ask == Ask::Read;
        serves
            && self.is_of(question)
            && self.purpose == question.purpose.id.as_str()
            && self.fields.iter().any(|named| named == field)
            && match question.ask {
                Ask::Create => self.kind == MandateKind::Task,
                _ => self.scope.holds(record_type, facts),
            }
    }

    /// Whether a second person agreed to work on this field of this record: what takes a protection away is not one person's
    /// to write. A task says so alone; who agreed to a look or to an emergency agreed to no change.
    pub fn agrees_to(
        &self,
        question: &Question<'_>,
        record_type: RecordType,
        facts: &Facts,
        field: &str,
    ) -> bool {
        let is_agreed_work = self.kind == MandateKind::Task && self.agreed;
        is_agreed_work && self.opens(question, record_type, facts, field)
    }

    /// A grown-up, a child and somebody between, each of nobody and inside the scope: what a list asks with, before it has
    /// a record.
    pub(super) fn kinds_within(&self) -> [Facts; 3] {
        let within = || Facts {
            record_handle: self.scope.records.first().copied().unwrap_or(NO_HANDLE),
            subject_handles: self
                .scope
                .subjects
                .iter()
                .take(1)
                .map(|one| ([0; 16], *one))
                .collect(),
            ..Facts::of_nobody()
        };
        [
            within(),
            Facts { turns_14: Some(i32::MAX), ..within() },
            Facts { turns_18: Some(i32::MAX), ..within() },
        ]
    }

    /// Whether it is the caller's, and open now.
    pub(super) fn is_of(&self, question: &Question<'_>) -> bool {
        self.holder == question.standing.actor
            && self.from <= question.now
            && question.now < self.until
    }

    /// Whether it is an emergency access of the caller over this record, open now: for a look, and no other act.
    pub(super) fn reaches(
        &self,
        question: &Question<'_>,
        record_type: RecordType,
        facts: &Facts,
    ) -> bool {
        self.kind == MandateKind::Emergency
            && question.ask == Ask::Read
            && self.is_of(question)
            && self.purpose == question.purpose.id.as_str()
            && self.scope.holds(record_type, facts)
    }

    /// How many people more may be seen of that kind under a post of that role while it is open.
    pub(super) fn raises(
        &self,
        question: &Question<'_>,
        seen: LegalKind,
        role: &RoleId,
    ) -> Option<u32> {
        let MandateKind::Raise { kind, people } = self.kind else { return None };
        let serves = kind == seen && self.role == role.as_str() && self.is_of(question);
        serves.then_some(people)
    }

    /// What is left of conditions once it is shown. `child` says that the field is sensitive because of an age: each look
    /// at it needs a second person (Regulations on the Protection of Minors in Cyberspace, Art. 36).
    pub(super) fn meets(&self, grants: Grants, child: bool) -> Grants {
        let grants = match self.kind {
            MandateKind::Task => grants.writes_met(),
            MandateKind::Approval
            | MandateKind::Emergency
            | MandateKind::Echo
            | MandateKind::Official
            | MandateKind::Raise { .. } => grants,
        };
        match self.kind {
            MandateKind::Task if child && !self.agreed => {
                grants.exchanged(Action::ReadRawInTask, Action::ReadRawApproved)
            }
            MandateKind::Task if self.agreed => {
                grants.met(Action::ReadRawInTask).met(Action::ReadRawApproved)
            }
            MandateKind::Emergency if self.agreed => {
                grants.met(Action::ReadRawInTask).met(Action::ReadRawApproved)
            }
            MandateKind::Task | MandateKind::Emergency => grants.met(Action::ReadRawInTask),
            MandateKind::Approval if child => {
                grants.met(Action::ReadRawApproved).met(Action::ReadRawInTask)
            }
            MandateKind::Official => grants.met(Action::ReadRawApproved).met(Action::ReadRawInTask),
            MandateKind::Raise { .. } => grants,
            MandateKind::Approval => grants.met(Action::ReadRawApproved),
            MandateKind::Echo => grants.met(Action::Write),
        }
    }
}
