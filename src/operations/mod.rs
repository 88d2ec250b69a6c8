//! One file per verb: each is one straight walk through the rooms, and its signature shows its reach.
//! Never touches key bytes, an engine or HTTP; it carries proofs from room to room.
//! Whatever ends an operation, yes or no, is in the log before the caller learns it.

mod add_actor;
mod approval;
mod asked;
mod basis;
mod batch;
mod break_glass;
mod by_term;
mod capture;
mod change_ways;
mod changes;
mod consent;
mod counter_check;
mod create_household;
mod create_record;
mod damage;
mod day;
mod delegate;
mod delete_record;
mod describe;
mod destroy_keys;
mod draw;
mod dwellers;
mod echo;
mod enrol;
mod erase_subject;
mod erasure_steps;
mod error;
mod expire_records;
mod give_consent;
mod give_task;
mod import_roster;
mod issue_token;
mod list_due;
mod log_in;
mod mandate;
mod match_record;
mod move_terms;
mod new_code;
mod occupants;
mod official_request;
mod once;
mod patch_record;
mod place_actor;
mod policy;
mod preview;
mod protect_address;
mod query_records;
mod raise_limit;
mod read_record;
mod remake_terms;
mod renew_post;
mod reseal;
mod restrain_subject;
mod review_glass;
mod rewrap;
mod ring_age;
mod rotate_keys;
mod rounds;
mod scope;
mod seal_vault;
mod second_place;
mod see_posts;
mod steps;
mod store_digests;
mod subject;
mod task;
mod turn_contexts;
mod turn_header;
mod turn_index;
mod turn_keys;
mod turn_single;
mod urgent_scope;
mod walk;
mod withdraw_consent;

pub use add_actor::{ActorRequest, Added, AssignmentRequest, add_actor, list_actors};
pub use approval::{
    ApprovalRequest, ListedApproval, Waiting, ask_approval, decide_approval, list_approvals,
};
pub use asked::{Asked, Case};
pub use batch::admit_batch;
pub use break_glass::{BreakGlassRequest, BrokenGlass, Urgency, break_glass};
pub use change_ways::{WaysChanged, change_ways};
pub use changes::{Change, Changed, ChangesRequest, changes};
pub use consent::{ListedConsent, list_consents};
pub use counter_check::{Checked, CounterRequest, CounterTask, counter_check};
pub use create_household::{
    DwellingRequest, HouseholdCreated, HouseholdRequest, PersonCreated, PersonRequest,
    create_household,
};
pub use create_record::{CreateRequest, Created, create_record};
pub use damage::Met;
pub use day::{Day, DayTask, day};
pub use delegate::{
    Delegating, DelegationRequest, ListedDelegation, list_delegations, propose_delegation,
    step_delegation,
};
pub use delete_record::{Deleted, delete_record};
pub use describe::{Described, describe};
pub use destroy_keys::destroy_keys;
pub use echo::Echoes;
pub use enrol::{Enrolled, enrol};
pub use erase_subject::{EraseRequest, Erased, ask_erasure, carry_out_erasure};
pub use error::{OperationError, refuse};
pub use expire_records::{Expired, ExpiryWalk, expire_records};
pub use give_consent::{ConsentRequest, GivenConsent, give_consent};
pub use give_task::{TaskGiven, TaskRequest, TaskScope, give_task};
pub use import_roster::{
    Difference, Imported, LineOutcome, Named, RosterLine, RosterRooms, import_roster,
};
pub use issue_token::{Issued, TokenRequest, issue_token};
pub use list_due::{Due, DuePage, DuePlace, DueState, list_due};
pub use log_in::{LoggedIn, log_in};
pub use match_record::{MatchRequest, Matched, match_record};
pub use new_code::{NewCode, new_code};
pub use occupants::{Occupants, OccupantsRequest, occupants};
pub use official_request::{OfficialRequest, ask_official};
pub use once::{BatchKey, OfBatch, Once, Repeats, Saying, UnderWay};
pub use patch_record::{PatchRequest, Patched, patch_record};
pub use place_actor::{Placed, Placing, change_state, confirm_post, end_post, place_actor};
pub use policy::{ExplainRequest, Explained, explain_policy, policy_matrix};
pub use preview::{Age, PreviewRequest, PreviewedPurpose, Previewing, preview_access};
pub use protect_address::{ProtectRequest, Protected, protect_address};
pub use query_records::{Queried, QueryRequest, query_records};
pub use raise_limit::{RaiseRequest, ask_raise};
pub use read_record::read_record;
pub use remake_terms::{RemadeTerms, remake_terms};
pub use renew_post::renew_post;
pub use restrain_subject::{
    RestrainRequest, Restraint, ask_release, ask_restraint, carry_out_restraint,
};
pub use review_glass::{Finding, ListedGlass, end_glass, list_glass, review_glass};
pub use ring_age::ring_lacks;
pub use rotate_keys::{KeysStatus, RotationWord, keys_status, rotate_keys};
pub use seal_vault::seal_vault;
pub use second_place::{Replayed, replay_erasures, tell_erasure, tell_erasures};
pub use see_posts::{
    Ending, EndingPage, EndingPlace, EndingPost, OwnPost, VacantGrid, VacantPage, ending_posts,
    own_posts, vacant_grids,
};
pub use store_digests::{Digests, record_digests};
pub use task::{ListedTask, TaskStep, list_tasks, step_task};
pub use turn_keys::{Turned, Turning};
pub use withdraw_consent::{WithdrawRequest, WithdrawnConsent, withdraw_consent};

#[cfg(test)]
mod tests;
