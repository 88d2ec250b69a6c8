//! What keeps somebody's data as it is: a restriction of processing (PIPL Art. 47), or a law that holds it.
//! Never why in words, and never whose document: an id leads to the request that two people agreed to.
//! Several may keep one record, and each is lifted by itself.

use serde::{Deserialize, Serialize};

/// What a restraint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestraintKind {
    /// Stored and protected, and nothing else: neither read nor written nor listed, and not erased.
    Restriction,
    /// Read as before, and kept: neither its end nor an erasure removes it.
    LegalHold,
}

impl RestraintKind {
    /// The word on the wire and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            RestraintKind::Restriction => "restriction",
            RestraintKind::LegalHold => "legal_hold",
        }
    }
}

/// One restraint over a record, or over the part of somebody in it. Its member order is the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restraint {
    /// The id of the request that set it.
    pub id: [u8; 16],
    /// What it does.
    pub kind: RestraintKind,
    /// Over whom.
    pub subject: [u8; 16],
    /// The slot in which the person appears in a record of somebody else; nothing where the record is its own.
    pub part: Option<String>,
}

impl Restraint {
    /// Whether it closes what it is over.
    pub fn restricts(&self) -> bool {
        self.kind == RestraintKind::Restriction
    }
}
