#![doc = include_str!("../README.md")]

mod attributes;
mod backup;
mod bucket;
mod cache;
mod chain;
mod chance;
mod context;
mod derive;
mod error;
mod file;
mod gcm;
mod handover;
mod hex;
mod index;
mod kept;
mod keyring;
pub mod limits;
mod lock;
mod log_in;
mod month;
mod root;
mod sealed;
mod secret;
mod sign;
mod state;
mod subject;
mod suite;
mod tags;
mod unlock;
mod uses;
mod verify;

#[cfg(test)]
mod formats;
#[cfg(test)]
mod known_answers;

pub use backup::{BackupIdentity, BackupRecipient, KeyPart, KeyPartError};
pub use cache::SubjectKeyCache;
pub use chain::ChainKey;
pub use error::KeyError;
pub use index::{BlindValue, IndexTerm, PermutationKey, PermutedUnder, TermForms};
pub use keyring::{KeyEpochs, Keyring, KeyringHealth, KeyringSlot, SingleKey, SlotFault};
pub use lock::KeyringLock;
pub use log_in::{LogInKey, is_public_key};
pub use month::Month;
pub use root::RootKey;
pub use sealed::SEALED_OVERHEAD_BYTES;
pub use sign::Signer;
pub use state::{KeyChange, KeyState};
pub use subject::{SectionPlace, SubjectKey, WrappedUnder};
pub use suite::Suite;
pub use unlock::{
    ArgonCost, DemoOnly, Envelope, KeyFile, Passphrase, Pin, Pkcs11Key, Pkcs11Module, Provider,
    Share, SharePlan, UnlockFile,
};
pub use uses::{KeyUses, UseBounds};
pub use verify::verify_signature;
