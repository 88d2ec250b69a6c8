//! Actors and their posts: who is added, placed, let in, and ends.
//! Never touches a record.
//! A change of a person's standing is an entry like any other, and takes effect with it.

mod add_actor;
mod delegate;
mod enrol;
mod import_roster;
mod issue_token;
mod log_in;
mod new_code;
mod overseers;
mod place_actor;
mod renew_post;
mod see_posts;
mod windows;

pub use add_actor::{ActorRequest, Added, AssignmentRequest, add_actor, list_actors};
pub use delegate::{
    Delegating, DelegationRequest, ListedDelegation, ListedDelegations, list_delegations,
    propose_delegation, step_delegation,
};
pub use enrol::{Enrolled, enrol};
pub use import_roster::{
    Difference, Imported, LineOutcome, Named, RosterLine, RosterRooms, import_roster,
};
pub use issue_token::{Issued, TokenRequest, issue_token};
pub use log_in::{LoggedIn, log_in};
pub use new_code::{NewCode, new_code};
pub use overseers::FirstWords;
pub use place_actor::{Placed, Placing, change_state, confirm_post, end_post, place_actor};
pub use renew_post::renew_post;
pub use see_posts::{
    Ending, EndingPage, EndingPlace, EndingPost, OwnPost, VacantGrid, VacantPage, ending_posts,
    own_posts, vacant_grids,
};
