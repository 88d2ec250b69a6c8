//! Decides whether a caller may do what it asks, from facts that others fetched.
//! Never reads a record's sections, a store or a clock; casbin is named in this room and nowhere else.
//! Unknown means no, deny wins, one assignment carries a decision, and only this room makes a [`Permit`].

mod account;
mod approval;
mod bearer;
mod code;
mod consent;
mod counter;
mod decide;
mod delegation;
mod enforcer;
mod feed;
mod field;
mod grants;
mod ledger;
mod list;
mod mandate;
mod narrowing;
mod permit;
mod placing;
mod policy;
mod question;
mod reveal;
mod role;
mod standing;
mod task;
mod weigh;

pub use account::{
    Account, ConsentAct, DelegationAct, Fact, MandateAct, Origin, PlacingAct, ReviewAct, Written,
};
pub use approval::{Asking, WaitsAt};
pub use code::Code;
pub use counter::{CounterHit, CounterTerms};
pub use decide::{Access, Explanation};
pub use feed::{Changed, ChangedState, FeedPlan};
pub use grants::{Action, Grants, Level};
pub use ledger::{Bound, Charge, Hour, Ledger};
pub use list::{Candidate, List, ListPlan};
pub use mandate::{Mandate, MandateKind, Scope};
pub use permit::{Authority, Denied, EachViews, FieldView, Permit, Views};
pub use placing::PostAt;
pub use policy::{Policy, PolicyError, PolicySources};
pub use question::{Ask, Duty, Item, Matter, Question};
pub use role::{ApprovedBy, Reveals, Role, RoleFamily, RoleId};
pub use standing::{ActorId, Assignment, NotAnActorId, Standing, Window};
pub use task::{Taker, TaskTerms};

#[cfg(test)]
mod tests;
