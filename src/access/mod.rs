//! Decides whether a caller may do what it asks, from facts that others fetched.
//! Never reads a record's sections, a store or a clock; casbin is named in this room and nowhere else.
//! Unknown means no, deny wins, one assignment carries a decision, and only this room makes a [`Permit`].

mod account;
mod approval;
mod bearer;
mod code;
mod consent;
mod counter;
mod damage;
mod decide;
mod delegation;
mod emergency;
mod enforcer;
mod erasure;
mod expiry;
mod feed;
mod field;
mod grants;
mod ledger;
mod list;
mod mandate;
mod narrowing;
mod official;
mod permit;
mod placing;
mod policy;
mod posts;
mod preview;
mod protection;
mod question;
mod raise;
mod readiness;
mod replay;
mod restraint;
mod reveal;
mod role;
mod rotation;
mod source;
mod standing;
mod subject_access;
mod task;
mod urgent;
mod weigh;

pub use account::{
    Account, ConsentAct, DelegationAct, EmergencyAct, ErasureAct, Fact, MandateAct, Origin,
    PlacingAct, RestraintAct, ReviewAct, RotationAct, SubjectAccessAct, Written,
};
pub use approval::{Asking, WaitsAt};
pub use code::Code;
pub use counter::{CounterHit, CounterTerms};
pub use damage::{Damage, Found};
pub use decide::{Access, Explanation};
pub use emergency::{EVENT_FIELDS, EmergencyGiven, EmergencyTerms, Watches};
pub use erasure::{ErasureAsked, ErasureDesk};
pub use feed::{Changed, ChangedState, FeedPlan};
pub use grants::{Action, Grants, Level};
pub use ledger::{Bound, Charge, Hour, LEDGER_PARTS_COUNT, Ledger};
pub use list::{Candidate, List, ListPlan};
pub use mandate::{Mandate, MandateKind, Scope};
pub use official::OfficialAsked;
pub use permit::{Authority, Denied, EachViews, FieldView, Permit, Views};
pub use placing::PostAt;
pub use policy::{Policy, PolicyError, PolicySources};
pub use posts::{PostStanding, SeenPosts};
pub use preview::{Previewed, PreviewedField};
pub use question::{Ask, Duty, Item, Matter, Question};
pub use raise::{RaiseAsked, RaiseTerms};
pub use readiness::{Lack, Needs, Readiness, TrainingRules, TrainingState};
pub use restraint::RestraintAsked;
pub use role::{ApprovedBy, Reveals, Role, RoleFamily, RoleId};
pub use source::source_of;
pub use standing::{ActorId, Assignment, NotAnActorId, Standing, Window};
pub use task::{Taker, TaskTerms};
pub use urgent::{Tier, TierTerms, Urgent};

#[cfg(test)]
mod tests;
