//! Explains a decision and shows the matrix of rights.
//! Never opens or touches a record: the question is about a kind of record in a grid, not about one.
//! Whoever asks is recorded; what would be refused to the other is not recorded as refused.

use crate::access::{
    Access, ActorId, Ask, Code, Duty, Explanation, Item, Matter, Origin, Question, Standing,
};
use crate::ambient::Micros;
use crate::identity::{Actor, Identity};
use crate::operations::describe::{Nothing, ended};
use crate::operations::{OperationError, refuse};
use crate::purposes::{Purpose, PurposeGroup};
use crate::records::{Class, Facts, RecordType, SchemaSet};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};

/// What is to be explained.
pub struct ExplainRequest<'a> {
    /// Whose decision.
    pub actor: ActorId,
    /// For which purpose.
    pub purpose: &'a Purpose,
    /// Over which type of record.
    pub record_type: RecordType,
    /// In which grid.
    pub grid: String,
    /// What would be asked.
    pub ask: Ask,
    /// For which fields.
    pub fields: Vec<String>,
}

/// The explanation.
pub struct Explained {
    /// What would be decided and why.
    pub explanation: Explanation,
    /// The entry.
    pub recorded: Recorded,
}

/// Explains what would be decided for another actor now.
///
/// # Errors
/// `denied` without the duty; `not_found` for an unknown actor or grid.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn explain_policy(
    actor: &Actor,
    request: ExplainRequest<'_>,
    origin: &Origin,
    now: Micros,
    identity: &Identity,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Explained, OperationError> {
    let standing = actor.standing();
    let permit = match access.decide_duty(standing, Duty::PolicyExplain, origin, now, Nothing) {
        Ok(permit) => permit.about(request.actor),
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let other: Option<Standing> = identity.standing(&request.actor);
    let cell = territory
        .resolve(&request.grid, now.0)
        .ok()
        .and_then(|grid| territory.cell_for_new_record(&grid, now.0));
    let (Some(other), Some(cell)) = (other, cell) else {
        let denied = access.refuse(Some(standing), Code::NotFound, origin);
        return Err(refuse(trail, denied).await);
    };
    let facts = Facts::of_nobody();
    let matter =
        Matter::Present { record_type: request.record_type, cell, facts: &facts, versions: None };
    let question = Question {
        standing: &other,
        origin,
        now,
        territory,
        schemas,
        purpose: request.purpose,
        mandate: None,
        ask: request.ask,
    };
    let explanation = access.explain(&question, &[Item { matter, fields: &request.fields }]);
    match trail.append(permit).await {
        Ok(receipt) => Ok(Explained { explanation, recorded: receipt.recorded() }),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

/// One cell of the matrix that grants something.
pub struct Cell {
    /// The role's slug.
    pub role: String,
    /// The type of record.
    pub record_type: RecordType,
    /// The class.
    pub class: Class,
    /// The purpose group.
    pub group: PurposeGroup,
    /// The words of what is granted.
    pub granted: Vec<&'static str>,
}

/// Every cell of the matrix that is not empty.
///
/// # Errors
/// `denied` without the duty.
pub async fn policy_matrix(
    actor: &Actor,
    origin: &Origin,
    now: Micros,
    access: &Access,
    trail: &Trail,
) -> Result<(Vec<Cell>, Recorded), OperationError> {
    let standing = actor.standing();
    let permit = match access.decide_duty(standing, Duty::PolicyMatrix, origin, now, Nothing) {
        Ok(permit) => permit,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    match trail.append(permit).await {
        Ok(receipt) => Ok((cells(access), receipt.recorded())),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

fn cells(access: &Access) -> Vec<Cell> {
    access.with_policy(|policy| {
        let mut cells = Vec::new();
        for (index, role) in policy.roles().iter().enumerate() {
            for record_type in RecordType::ALL {
                for class in Class::ALL {
                    for group in PurposeGroup::ALL {
                        let grants = policy.grants(index, role.level, record_type, class, group);
                        if !grants.is_empty() {
                            let role = role.id.as_str().to_owned();
                            let granted = grants.words();
                            cells.push(Cell { role, record_type, class, group, granted });
                        }
                    }
                }
            }
        }
        cells
    })
}
