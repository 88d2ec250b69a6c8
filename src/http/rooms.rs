//! What the handlers can reach. Held here and nowhere else: an operation gets the rooms that it uses, one by one.
//! Never holds state of a request.
//! Everything in it is shared and safe to use from any thread.

use super::batch::Batches;
use crate::access::Access;
use crate::ambient::{Clock, Random};
use crate::ceremony::OpenWays;
use crate::identity::Identity;
use crate::operations::{Echoes, FirstWords, Repeats};
use crate::oversight::{Anomalies, Index, LogReader, Reviews};
use crate::purposes::PurposeSet;
use crate::records::SchemaSet;
use crate::seal::Seal;
use crate::store::Reader;
use crate::territory::Territory;
use crate::trail::{ErasureLedger, Trail};
use arc_swap::ArcSwap;
use std::sync::Arc;
use tokio::sync::Notify;

/// The rooms behind the door.
pub struct Rooms {
    /// Who is asking.
    pub identity: Arc<Identity>,
    /// May they.
    pub access: Arc<Access>,
    /// The one door for change.
    pub trail: Arc<Trail>,
    /// Sections and bytes.
    pub seal: Arc<Seal>,
    /// Sealed bytes.
    pub store: Reader,
    /// What records can hold.
    pub schemas: Arc<SchemaSet>,
    /// Why data may be held.
    pub purposes: Arc<PurposeSet>,
    /// The tree of grids.
    pub territory: Arc<ArcSwap<Territory>>,
    /// The published log.
    pub log: LogReader,
    /// What it can be searched by.
    pub index: Index,
    /// What is out of the ordinary in it.
    pub anomalies: Anomalies,
    /// What officers look into.
    pub reviews: Arc<Reviews>,
    /// The second place of erasures, where one is configured.
    pub erasures: Option<Arc<ErasureLedger>>,
    /// The keys of writes that are being worked on.
    pub repeats: Arc<Repeats>,
    /// What was written lately, to be read back by whoever wrote it.
    pub echoes: Echoes,
    /// What one administrator wants done with an officer of oversight, until a second one wants the same.
    pub first_words: FirstWords,
    /// Places for batches.
    pub batches: Batches,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// The ways to the root key.
    pub ways: Arc<OpenWays>,
    /// Whether what changes the ways to the root key is taken from other hosts too, as what opens a sealed vault is.
    pub unseal_from_network: bool,
    /// Told when somebody sealed the vault.
    pub seal_asked: Arc<Notify>,
    /// Whether everything in this vault is invented; said in a header of every answer.
    pub synthetic: bool,
}
