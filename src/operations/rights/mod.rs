//! What residents may ask for: consents, withdrawal, restriction, protection, erasure, and what is past its end.
//! Never tells of anybody else.
//! What takes several steps is carried on by whoever comes next, from what is written.

mod consent;
mod erase_subject;
mod erasure_steps;
mod expire_records;
mod give_consent;
mod list_due;
mod protect_address;
mod restrain_subject;
mod second_place;
mod subject_access;
mod withdraw_consent;

pub use consent::{ListedConsent, list_consents};
pub use erase_subject::{EraseRequest, Erased, ask_erasure, carry_out_erasure};
pub use expire_records::{Expired, ExpiryWalk, expire_records};
pub use give_consent::{ConsentRequest, GivenConsent, give_consent};
pub use list_due::{Due, DuePage, DueState, list_due};
pub use protect_address::{ProtectRequest, Protected, protect_address};
pub use restrain_subject::{
    RestrainRequest, Restraint, ask_release, ask_restraint, carry_out_restraint,
};
pub use second_place::{Replayed, replay_erasures, tell_erasure, tell_erasures};
pub use subject_access::{HeldRecord, Present, subject_access};
pub use withdraw_consent::{WithdrawRequest, WithdrawnConsent, withdraw_consent};
