//! A witness: keeps the latest checkpoint of each log that it watches, and cosigns what continues it (c2sp.org/tlog-witness).
//! Never cosigns what it has not checked and put on disk, and never goes back, whoever asks.
//! It knows of a log what the checkpoint says: a name, a size, a hash.

mod keeper;
mod key;
mod request;
mod server;
mod state;

pub use keeper::{Keeper, Reply, WitnessError};
pub use key::{CosignerKey, CosignerKeyError};
pub use server::{Listening, serve};
