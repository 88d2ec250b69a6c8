//! Turning and destroying keys, and moving what is under them.
//! Never stores a thing under a key that has a next one, nor destroys one that something is still under.
//! Every walk begins anew after a stop, from what the store has.

mod change_ways;
pub(super) mod destroy_keys;
mod move_terms;
mod remake_terms;
mod reseal;
mod rewrap;
mod ring_age;
mod rotate_keys;
mod rounds;
mod seal_vault;
mod turn_contexts;
mod turn_header;
mod turn_index;
mod turn_keys;
mod turn_single;

pub use change_ways::{WaysChanged, change_ways};
pub use destroy_keys::destroy_keys;
pub use remake_terms::{RemadeTerms, remake_terms};
pub use ring_age::ring_lacks;
pub use rotate_keys::{KeysStatus, RotationWord, keys_status, rotate_keys};
pub use seal_vault::seal_vault;
pub use turn_keys::{Turned, Turning};
