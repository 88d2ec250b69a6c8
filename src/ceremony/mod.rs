//! What takes two administrators at a vault's host: other ways to its root key, a code for a third one, a vault made of a backup.
//! Never a secret that opens a vault: those stay with whoever brings them. The root key passes through, from whoever has it to the ring.
//! What the two signed is judged by the vault's own directory of actors, and what was done is told in its log.

mod error;
mod handed;
mod in_force;
mod note;
mod open;
mod parts;
mod request;
mod told;
mod ways;
mod what;

pub use error::CeremonyError;
pub use gridvault_keys::limits::UNLOCK_FILE_BYTES_MAX;
pub use handed::{HANDED_ROOT_BYTES_MAX, HANDED_ROOT_BYTES_MIN, Handed};
pub use in_force::{Agreed, Place, digest_of, finish, put_in_force};
pub use note::Word;
pub use open::{Judged, NotAgreed, OpenWays, Tellers};
pub use parts::Parts;
pub use request::{ADMINISTRATORS, Request, Signed, stand_by};
pub use told::Told;
pub use ways::{kind_of, kinds_of};
pub use what::{Way, WayKind, What, share_plan};
