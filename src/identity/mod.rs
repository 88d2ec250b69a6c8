//! Who is asking: from a bearer token to an [`Actor`], or to nothing.
//! Never decides what an actor may do, and never writes a log-in name anywhere but sealed.
//! An actor's state, assignments and version are those that the directory has now, not those of the token.

mod actor;
mod actor_form;
mod bound;
mod directory;
mod enrolment;
mod log_in;
mod token;
mod token_keys;

pub use actor::Actor;
pub use bound::bound_to;
pub use directory::{
    ActorKind, ActorRecord, ActorState, AssignmentRecord, Directory, DirectoryError, NewActor,
    ReadinessRecord, SecrecyTerm,
};
pub use enrolment::{EnrolmentCode, EnrolmentError, Redemption};
pub use log_in::public_key;
pub use token::{Identity, IdentityError, IssuedToken, TokenKeyNames};

#[cfg(test)]
mod tests;
