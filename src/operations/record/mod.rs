//! What is done with records: stored, read, found, changed, listed.
//! Never opens one without a ground; which ground that is, `mandate` and `grounds` know.
//! A worker's whole day with data is in this room; who may do it is not.

mod batch;
mod birthdays;
mod capture;
mod changes;
mod create_household;
mod create_record;
mod delete_record;
pub(super) mod dwellers;
pub(super) mod match_record;
pub(super) mod occupants;
mod patch_basis;
mod patch_record;
mod query_records;
pub(super) mod read_record;
mod store_digests;
mod walk;

pub use batch::admit_batch;
pub use changes::{Change, Changed, ChangesRequest, changes};
pub use create_household::{
    DwellingRequest, HouseholdCreated, HouseholdRequest, PersonCreated, PersonRequest,
    create_household,
};
pub use create_record::{CreateRequest, Created, create_record};
pub use delete_record::{Deleted, delete_record};
pub use match_record::{MatchRequest, Matched, match_record};
pub use occupants::{Occupants, OccupantsRequest, occupants};
pub use patch_record::{PatchRequest, Patched, patch_record};
pub use query_records::{Queried, QueryRequest, query_records};
pub use read_record::read_record;
pub use store_digests::{Digests, record_digests};
