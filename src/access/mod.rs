//! Decides whether a caller may do what it asks, from facts that others fetched.
//! Never reads a record's sections, a store or a clock; casbin is named in this room and nowhere else.
//! Unknown means no, deny wins, one assignment carries a decision, and only this room makes a [`Permit`].

mod account;
mod bearer;
mod code;
mod decide;
mod enforcer;
mod feed;
mod field;
mod grants;
mod list;
mod narrowing;
mod permit;
mod policy;
mod question;
mod role;
mod standing;
mod weigh;

pub use account::{Account, Fact, Origin, ReviewAct, Written};
pub use code::Code;
pub use decide::{Access, Explanation};
pub use feed::{Changed, ChangedState, FeedPlan};
pub use grants::{Action, Grants, Level};
pub use list::{Candidate, List, ListPlan};
pub use permit::{Authority, Charge, Denied, EachViews, FieldView, Permit, Views};
pub use policy::{Policy, PolicyError, PolicySources};
pub use question::{Ask, Duty, Item, Matter, Question};
pub use role::{Role, RoleFamily, RoleId};
pub use standing::{ActorId, Assignment, NotAnActorId, Standing};

#[cfg(test)]
mod tests;
