//! One file per verb: each is one straight walk through the rooms, and its signature shows its reach.
//! Never touches key bytes, an engine or HTTP; it carries proofs from room to room.
//! Whatever ends an operation, yes or no, is in the log before the caller learns it.

mod asked;
mod basis;
mod by_term;
mod cursor;
mod damage;
mod describe;
mod draw;
mod echo;
mod error;
mod grounds;
mod keys;
mod leaving;
mod mandate;
mod once;
mod record;
mod rights;
mod scope;
mod staff;
mod steps;
mod subject;

pub use asked::{Asked, Case};
pub use damage::Met;
pub use describe::{Described, describe};
pub use echo::Echoes;
pub use error::{OperationError, refuse};
pub use once::{BatchKey, OfBatch, Once, Repeats, Saying, UnderWay};

pub use grounds::{
    Age, ApprovalRequest, BreakGlassRequest, BrokenGlass, Checked, CounterRequest, CounterTask,
    Day, DayTask, ExplainRequest, Explained, Finding, ListedApproval, ListedApprovals, ListedGlass,
    ListedTask, ListedTasks, OfficialRequest, PreviewRequest, PreviewedPurpose, Previewing,
    RaiseRequest, TaskGiven, TaskRequest, TaskScope, TaskStep, Urgency, Waiting, ask_approval,
    ask_official, ask_raise, break_glass, counter_check, day, decide_approval, end_glass,
    explain_policy, give_task, list_approvals, list_glass, list_tasks, policy_matrix,
    preview_access, review_glass, step_task,
};
pub use keys::{
    KeysStatus, RemadeTerms, RotationWord, Turned, Turning, WaysChanged, change_ways, destroy_keys,
    keys_status, remake_terms, ring_lacks, rotate_keys, seal_vault,
};
pub use record::{
    Change, Changed, ChangesRequest, CreateRequest, Created, Deleted, Digests, DwellingRequest,
    HouseholdCreated, HouseholdRequest, MatchRequest, Matched, Occupants, OccupantsRequest,
    PatchRequest, Patched, PersonCreated, PersonRequest, Queried, QueryRequest, admit_batch,
    changes, create_household, create_record, delete_record, match_record, occupants, patch_record,
    query_records, read_record, record_digests,
};
pub use rights::{
    ConsentRequest, Due, DuePage, DueState, EraseRequest, Erased, Expired, ExpiryWalk,
    GivenConsent, HeldRecord, ListedConsent, Present, ProtectRequest, Protected, Replayed,
    RestrainRequest, Restraint, WithdrawRequest, WithdrawnConsent, ask_erasure, ask_release,
    ask_restraint, carry_out_erasure, carry_out_restraint, expire_records, give_consent,
    list_consents, list_due, protect_address, replay_erasures, subject_access, tell_erasure,
    tell_erasures, withdraw_consent,
};
pub use staff::{
    ActorRequest, Added, AssignmentRequest, Delegating, DelegationRequest, Difference, Ending,
    EndingPage, EndingPlace, EndingPost, Enrolled, FirstWords, Imported, Issued, LineOutcome,
    ListedDelegation, ListedDelegations, LoggedIn, Named, NewCode, OwnPost, Placed, Placing,
    RosterLine, RosterRooms, TokenRequest, VacantGrid, VacantPage, add_actor, change_state,
    confirm_post, end_post, ending_posts, enrol, import_roster, issue_token, list_actors,
    list_delegations, log_in, new_code, own_posts, place_actor, propose_delegation, renew_post,
    step_delegation, vacant_grids,
};

#[cfg(test)]
mod tests;
