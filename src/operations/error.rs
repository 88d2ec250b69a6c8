//! How an operation ends without its result.
//! Never carries a value; problems of a body name fields and reasons.
//! A refusal was recorded before it got here, or only counted where its budget was used up.

use crate::access::{Access, Code, Denied, Origin, Standing};
use crate::ambient::NoRandomness;
use crate::identity::Actor;
use crate::records::{FieldProblem, ProblemReason};
use crate::seal::SealError;
use crate::store::StoreError;
use crate::trail::{Recorded, Refused, Trail, TrailError, Unrecorded};

use super::Asked;

/// Why an operation has no result.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// It was refused.
    #[error("refused: {}", code.as_str())]
    Refused {
        /// Why.
        code: Code,
        /// Fields that it was about, each with the reason where there is one.
        problems: Vec<(String, Option<&'static str>)>,
        /// The entry, unless it was only counted.
        recorded: Option<Recorded>,
    },
    /// It could not be recorded, so it did not happen.
    #[error("it could not be recorded")]
    Trail(#[from] TrailError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Sealing or opening failed.
    #[error("sealing or opening failed")]
    Seal(#[from] SealError),
    /// The system gave no random bytes.
    #[error("no random bytes")]
    Randomness(#[from] NoRandomness),
    /// What was asked for could not be written where it was to go.
    #[error("the output cannot be written")]
    Output(#[source] std::io::Error),
    /// A step that cannot fail failed.
    #[error("{0}")]
    Internal(&'static str),
}

/// Records a refusal and turns it into the operation's end.
pub async fn refuse(trail: &Trail, denied: Denied) -> OperationError {
    let code = denied.why();
    let problems = denied.fields().iter().map(|field| (field.clone(), None)).collect();
    recorded(trail, denied, code, problems).await
}

async fn recorded(
    trail: &Trail,
    denied: Denied,
    code: Code,
    problems: Vec<(String, Option<&'static str>)>,
) -> OperationError {
    match trail.refuse(denied).await {
        Ok(entry) => OperationError::Refused { code, problems, recorded: Some(entry) },
        Err(Unrecorded::Counted) => OperationError::Refused { code, problems, recorded: None },
        Err(Unrecorded::Trail(error)) => OperationError::Trail(error),
    }
}

/// Refuses a request that was found wanting outside of a decision.
pub(super) async fn turn_away(
    asked: &Asked<'_>,
    access: &Access,
    trail: &Trail,
    code: Code,
) -> OperationError {
    let denied = access.refuse(Some(asked.actor.standing()), code, asked.origin);
    recorded(trail, denied, code, Vec::new()).await
}

/// The same of a member that cannot be as it is; nobody stands behind a request without a token.
pub(super) async fn turn_away_at(
    standing: Option<&Standing>,
    origin: &Origin,
    access: &Access,
    trail: &Trail,
    Misplaced { code, member, reason }: Misplaced,
) -> OperationError {
    let denied = access.refuse(standing, code, origin);
    recorded(trail, denied, code, vec![(member.to_owned(), Some(reason))]).await
}

/// A member of a request that cannot be as it is, in the vault's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Misplaced {
    pub(super) code: Code,
    pub(super) member: &'static str,
    pub(super) reason: &'static str,
}

impl Misplaced {
    /// One that the schema of the request is against.
    pub(super) const fn new(member: &'static str, reason: &'static str) -> Misplaced {
        Misplaced { code: Code::SchemaInvalid, member, reason }
    }
}

impl From<Misplaced> for Code {
    fn from(misplaced: Misplaced) -> Code {
        misplaced.code
    }
}

/// Why a request cannot be taken as it is.
pub(super) enum Unfit {
    Code(Code),
    At(Misplaced),
    Fields(Vec<FieldProblem>),
    /// Nothing that the request could mend.
    Error(OperationError),
}

impl Unfit {
    /// Turns the request away for it.
    pub(super) async fn end(
        self,
        asked: &Asked<'_>,
        access: &Access,
        trail: &Trail,
    ) -> OperationError {
        let (standing, origin) = (asked.actor.standing(), asked.origin);
        match self {
            Unfit::Code(code) => turn_away(asked, access, trail, code).await,
            Unfit::At(misplaced) => {
                turn_away_at(Some(standing), origin, access, trail, misplaced).await
            }
            Unfit::Fields(problems) => turn_away_fields(asked, access, trail, problems).await,
            Unfit::Error(error) => error,
        }
    }
}

impl From<Code> for Unfit {
    fn from(code: Code) -> Unfit {
        Unfit::Code(code)
    }
}

impl From<Misplaced> for Unfit {
    fn from(misplaced: Misplaced) -> Unfit {
        Unfit::At(misplaced)
    }
}

impl From<Vec<FieldProblem>> for Unfit {
    fn from(problems: Vec<FieldProblem>) -> Unfit {
        Unfit::Fields(problems)
    }
}

impl From<OperationError> for Unfit {
    fn from(error: OperationError) -> Unfit {
        Unfit::Error(error)
    }
}

impl From<NoRandomness> for Unfit {
    fn from(error: NoRandomness) -> Unfit {
        Unfit::Error(error.into())
    }
}

/// Refuses a body whose fields are wrong.
pub(super) async fn turn_away_fields(
    asked: &Asked<'_>,
    access: &Access,
    trail: &Trail,
    problems: Vec<FieldProblem>,
) -> OperationError {
    turn_away_members(asked.actor, asked.origin, access, trail, problems).await
}

/// Refuses a request for fields that are what they should not be, each with the same stable word.
pub(super) async fn turn_away_named(
    asked: &Asked<'_>,
    access: &Access,
    trail: &Trail,
    code: Code,
    fields: Vec<String>,
    reason: &'static str,
) -> OperationError {
    let denied = access.refuse(Some(asked.actor.standing()), code, asked.origin);
    let problems = fields.into_iter().map(|field| (field, Some(reason))).collect();
    recorded(trail, denied, code, problems).await
}

/// The same for a request that names no purpose.
pub(super) async fn turn_away_members(
    actor: &Actor,
    origin: &Origin,
    access: &Access,
    trail: &Trail,
    problems: Vec<FieldProblem>,
) -> OperationError {
    let unknown = problems.iter().all(|p| p.reason == ProblemReason::UnknownField);
    let code = if unknown { Code::FieldUnknown } else { Code::SchemaInvalid };
    let problems = problems.into_iter().map(|p| (p.field, Some(p.reason.as_str()))).collect();
    let denied = access.refuse(Some(actor.standing()), code, origin);
    recorded(trail, denied, code, problems).await
}

/// The end of a write that the trail did not take for another reason than its age.
pub(super) async fn end<T>(
    refused: Refused<T>,
    asked: &Asked<'_>,
    access: &Access,
    trail: &Trail,
) -> OperationError {
    match after(refused, asked, access, trail).await {
        Some(end) => end,
        None => turn_away(asked, access, trail, Code::Stale).await,
    }
}

/// What follows a permit that the trail did not take: another try, or the end.
pub(super) async fn after<T>(
    refused: Refused<T>,
    asked: &Asked<'_>,
    access: &Access,
    trail: &Trail,
) -> Option<OperationError> {
    match refused {
        Refused::Stale(_) => None,
        Refused::Limit(_) => Some(turn_away(asked, access, trail, Code::RevealLimit).await),
        Refused::Trail(error) => Some(OperationError::Trail(error)),
    }
}
