//! Puts other ways to the root key in force while the vault is open, and another root key with them where one was handed over.
//! Never on one person's word: two administrators signed it, and whoever hands it over could open the vault without this process.
//! The entry of who brought it is durable before anything is changed; what was done is told behind it, on the word of the two.

use crate::access::{Access, Code, Duty, Fact, Origin};
use crate::ambient::{Clock, Random};
use crate::ceremony::{Handed, NotAgreed, OpenWays, Tellers};
use crate::identity::{Actor, Directory};
use crate::limits::STALE_ATTEMPTS_MAX;
use crate::operations::describe::{Nothing, ended};
use crate::operations::{OperationError, refuse};
use crate::store::Reader;
use crate::trail::{Recorded, Refused, Trail};

/// Ways that are in force.
pub struct WaysChanged {
    /// How many there are.
    pub count: usize,
    /// The entry of who brought them.
    pub recorded: Recorded,
}

/// Puts them in force, for whoever has the duty: that is asked before what it brought is looked at, and again before it is done.
///
/// # Errors
/// `denied` without the duty, without two who signed it, and for what was not sealed by who can open the vault; `version_conflict` where
/// the request is over or was made over other ways; `schema_invalid` where the act leads to no such ways. Behind its entry
/// [`OperationError::Internal`]: then a start tells which ways are in force.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn change_ways(
    actor: &Actor,
    handed: Handed,
    origin: &Origin,
    ways: &OpenWays,
    actors: &Directory,
    reader: &Reader,
    access: &Access,
    trail: &Trail,
    (clock, random): (&dyn Clock, &dyn Random),
) -> Result<WaysChanged, OperationError> {
    let standing = actor.standing();
    let duty = Duty::KeysRotate;
    let tellers = Tellers { trail, reader, actors, clock };
    let judged = match ways.judge(handed, tellers, random).await {
        Ok(judged) => judged,
        Err(why) => {
            let Some(code) = code_of(&why) else { return Err(unchanged()) };
            return Err(refuse(trail, access.refuse(Some(standing), code, origin)).await);
        }
    };
    let (count, [first, second]) = (judged.ways_count(), judged.persons());
    for _ in 0..STALE_ATTEMPTS_MAX {
        let permit = match access.decide_duty(standing, duty, origin, clock.now(), Nothing) {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let permit = permit
            .stating("ceremony", Fact::Code(judged.what().code().to_owned()))
            .stating("person_1", Fact::Code(first.to_string()))
            .stating("person_2", Fact::Code(second.to_string()))
            .stating("proof", Fact::Code("signed".to_owned()))
            .stating("step", Fact::Code("begin".to_owned()));
        match trail.append(permit).await {
            Ok(receipt) => {
                let recorded = receipt.recorded();
                let done = ways.put_in_force(judged, tellers).await;
                return match done {
                    Ok(()) => Ok(WaysChanged { count, recorded }),
                    Err(error) => {
                        tracing::error!(%error, "the ways to the root key");
                        Err(OperationError::Internal("a start tells which ways are in force"))
                    }
                };
            }
            Err(Refused::Stale(_)) => {}
            Err(refused) => return Err(ended(refused, actor, origin, access, trail).await),
        }
    }
    Err(refuse(trail, access.refuse(Some(standing), Code::Stale, origin)).await)
}

fn code_of(why: &NotAgreed) -> Option<Code> {
    match why {
        NotAgreed::Outdated => Some(Code::VersionConflict),
        NotAgreed::Unproven => Some(Code::Denied),
        NotAgreed::NoSuchWays => Some(Code::SchemaInvalid),
        NotAgreed::Failed => None,
    }
}

fn unchanged() -> OperationError {
    OperationError::Internal("the ways to the root key cannot be read; nothing was changed")
}
