//! Cursors of lists: what one is bound to, and the refusal of one that does not lead on.
//! Never a cursor without an actor and a question, and never a word about what was wrong with one.
//! Where a list begins is all that one says; `seal` keeps it from being read or changed on the way.

use crate::access::ActorId;
use crate::records::{FieldProblem, ProblemReason};
use crate::seal::CursorOwner;
use serde::Serialize;

/// Binds a cursor to its actor and to everything that was asked but where to begin and how much.
pub(super) fn owner(actor: ActorId, question: &impl Serialize) -> CursorOwner {
    let text = serde_json::to_vec(question).expect("names, texts and numbers are JSON");
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, &text).as_ref());
    CursorOwner { actor, question: digest }
}

/// That the member which carries a cursor carries none of the caller's for this question.
pub(super) fn not_a_cursor(member: &str) -> FieldProblem {
    FieldProblem::new(member, ProblemReason::WrongCursor)
}
