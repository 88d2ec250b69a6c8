//! What is asked of a decision, with everything that the answer may depend on.
//! Never fetches: whoever asks brings the facts.
//! A question about nothing that exists is asked in the same form, so that its answer takes the same way.

use super::account::Origin;
use super::mandate::Mandate;
use super::standing::Standing;
use crate::ambient::Micros;
use crate::purposes::Purpose;
use crate::records::{Facts, RecordType, SchemaSet};
use crate::territory::{CellId, Territory};

/// One question.
pub struct Question<'a> {
    /// Who asks.
    pub standing: &'a Standing,
    /// The request that it came with.
    pub origin: &'a Origin,
    /// When.
    pub now: Micros,
    /// The tree of grids as it is now.
    pub territory: &'a Territory,
    /// What records can hold.
    pub schemas: &'a SchemaSet,
    /// For which purpose.
    pub purpose: &'a Purpose,
    /// What the caller acts under beside its assignment, where it named something of its own that is open.
    pub mandate: Option<&'a Mandate>,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked about records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// See fields of one record.
    Read,
    /// Store new records; the caller named their grid.
    Create,
    /// Change fields of one record.
    Update,
    /// Remove one record.
    Delete,
    /// Learn whether a value is held.
    Match,
    /// See ids and masked fields of many records of one type.
    List,
    /// See who lives at a place, as a list does.
    Occupants,
    /// Learn which records changed.
    Changes,
}

/// One record that a question is about, with the fields that it asks for.
pub struct Item<'a> {
    /// The record.
    pub matter: Matter<'a>,
    /// Field names, in the caller's order.
    pub fields: &'a [String],
}

/// What is known of a record without opening it.
pub enum Matter<'a> {
    /// It is there, or is about to be.
    Present {
        /// Its type.
        record_type: RecordType,
        /// Its cell.
        cell: CellId,
        /// Its decision attributes.
        facts: &'a Facts,
        /// Its version before and after; twice the same for a read.
        versions: Option<(u64, u64)>,
    },
    /// It was removed.
    Erased {
        /// Its type.
        record_type: RecordType,
        /// Where it lay.
        cell: CellId,
        /// The line of business that held it, if one did.
        line: Option<&'a str>,
        /// Whether its subject's address was protected.
        protected: bool,
    },
    /// There is none. The decision still looks at a cell that no assignment covers.
    Missing,
}

impl<'a> Matter<'a> {
    /// Its type, where it lies and the line that holds it: of one that is missing a cell that no area holds, so that it takes the same
    /// way.
    pub(super) fn lies(&self) -> (RecordType, CellId, Option<&'a str>) {
        match self {
            Matter::Present { record_type, cell, facts, .. } => {
                (*record_type, *cell, facts.line.as_deref())
            }
            Matter::Erased { record_type, cell, line, .. } => (*record_type, *cell, *line),
            Matter::Missing => (RecordType::Person, CellId::NOWHERE, None),
        }
    }

    /// Whether its subject's address is protected, or was when it was removed.
    pub(super) fn is_protected(&self) -> bool {
        match self {
            Matter::Present { facts, .. } => facts.protected_address,
            Matter::Erased { protected, .. } => *protected,
            Matter::Missing => false,
        }
    }
}

/// What a role may do that is about no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Duty {
    /// Enrol an actor and place it.
    ActorAdd,
    /// See the directory of actors.
    ActorList,
    /// Issue a token for an actor.
    TokenIssue,
    /// Read and search the log.
    AuditRead,
    /// Have the proof of an entry.
    AuditProof,
    /// Take entries out of the vault.
    AuditExport,
    /// Have the search index made again.
    AuditIndex,
    /// See what the rules found that is out of the ordinary.
    AuditAnomalies,
    /// Open, note, escalate and close reviews, and follow what is to be put right.
    AuditReview,
    /// See, note and close the reviews that were brought before the own role, with the entries that they gather.
    AuditEscalated,
    /// Have the report of a period.
    AuditReport,
    /// Ask why a decision would be taken.
    PolicyExplain,
    /// See the matrix of rights.
    PolicyMatrix,
    /// Seal the vault.
    VaultSeal,
    /// See how the keys are, and how a rotation goes.
    KeysRead,
    /// Ask for a rotation of keys, pause it and let it go on.
    KeysRotate,
    /// Agree to a rotation that somebody else asks for, or not.
    KeysAgree,
}

impl Duty {
    /// All.
    pub const ALL: [Duty; 17] = [
        Duty::ActorAdd,
        Duty::ActorList,
        Duty::TokenIssue,
        Duty::AuditRead,
        Duty::AuditProof,
        Duty::AuditExport,
        Duty::AuditIndex,
        Duty::AuditAnomalies,
        Duty::AuditReview,
        Duty::AuditEscalated,
        Duty::AuditReport,
        Duty::PolicyExplain,
        Duty::PolicyMatrix,
        Duty::VaultSeal,
        Duty::KeysRead,
        Duty::KeysRotate,
        Duty::KeysAgree,
    ];

    /// The one purpose for which it may be done, where there is one: the log is there for security and accountability
    /// alone, never for anybody's assessment.
    pub fn purpose(self) -> Option<&'static str> {
        match self {
            Duty::AuditRead
            | Duty::AuditProof
            | Duty::AuditExport
            | Duty::AuditIndex
            | Duty::AuditAnomalies
            | Duty::AuditReview
            | Duty::AuditEscalated
            | Duty::AuditReport => Some("access_oversight"),
            _ => None,
        }
    }

    /// The word in policy lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Duty::ActorAdd => "actor.add",
            Duty::ActorList => "actor.list",
            Duty::TokenIssue => "token.issue",
            Duty::AuditRead => "audit.read",
            Duty::AuditProof => "audit.proof",
            Duty::AuditExport => "audit.export",
            Duty::AuditIndex => "audit.index",
            Duty::AuditAnomalies => "audit.anomalies",
            Duty::AuditReview => "audit.review",
            Duty::AuditEscalated => "audit.escalated",
            Duty::AuditReport => "audit.report",
            Duty::PolicyExplain => "policy.explain",
            Duty::PolicyMatrix => "policy.matrix",
            Duty::VaultSeal => "vault.seal",
            Duty::KeysRead => "keys.read",
            Duty::KeysRotate => "keys.rotate",
            Duty::KeysAgree => "keys.agree",
        }
    }
}
