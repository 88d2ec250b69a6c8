//! Records what a request met that is not what the vault wrote, before its answer leaves, whichever call it was.
//! Never tells the caller what it was: a refused one learns `internal` and the index of the entry, as after any refusal.
//! One entry for each request, whatever it met. An answer whose entry cannot be made is none.

use super::problem::Problem;
use super::rooms::Rooms;
use crate::access::{Ask, Origin, Standing};
use crate::operations::Met;
use axum::response::{IntoResponse, Response};
use std::sync::OnceLock;

/// What there is to say of a request, should it meet something: filled on its way.
#[derive(Default)]
pub(super) struct Noting {
    /// What it met.
    pub(super) met: Met,
    /// Who asks.
    pub(super) who: OnceLock<Standing>,
    /// What is asked, of a call about records.
    pub(super) ask: OnceLock<Ask>,
    /// For which purpose.
    pub(super) purpose: OnceLock<String>,
}

impl Noting {
    /// The answer, once what the request met is recorded.
    pub(super) async fn answered(
        &self,
        mut response: Response,
        origin: &Origin,
        rooms: &Rooms,
    ) -> Response {
        let problem = response.extensions_mut().get_mut::<Problem>();
        match self.recorded(problem, origin, rooms).await {
            Ok(()) => response,
            Err(instead) => instead.into_response(),
        }
    }

    /// Records what was met, and says in the problem, where the request ended in one, which entry that is.
    pub(super) async fn recorded(
        &self,
        mut problem: Option<&mut Problem>,
        origin: &Origin,
        rooms: &Rooms,
    ) -> Result<(), Problem> {
        if let Some((part, record)) = problem.as_ref().and_then(|problem| problem.damage) {
            self.met.note(part, record);
        }
        let Some(found) = self.met.take() else { return Ok(()) };
        let parts = found.parts.clone();
        let purpose = self.purpose.get().map(String::as_str);
        let (who, ask) = (self.who.get(), self.ask.get().copied());
        let damage = rooms.access.damaged(who, ask, purpose, origin, found);
        let recorded = rooms.trail.tell(damage).await?;
        tracing::error!(parts, entry = recorded.index(), "what is stored is not what was written");
        if let Some(problem) = &mut problem {
            problem.audit_index.get_or_insert(recorded.index());
        }
        Ok(())
    }
}
