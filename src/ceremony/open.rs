//! The ways of a vault that is open: changed beside its requests, one act at a time, while nobody waits.
//! Never on the word of whoever asks alone: two signed, and whoever hands the ways over could open the vault without this process.
//! A crash leaves what a ceremony at the host leaves, and the next start goes on with it. What a full disk or a moment of load kept from
//! being told is told by the next act, or by the next start.

use super::error::CeremonyError;
use super::handed::Handed;
use super::in_force::{Agreed, Place, let_go, noted, put_in_force, tell};
use super::note::Word;
use super::ways;
use super::what::What;
use crate::access::ActorId;
use crate::ambient::{Clock, Random};
use crate::identity::Directory;
use crate::limits::{CEREMONY_TELL_PAUSE, CEREMONY_TELL_TRIES_MAX};
use crate::store::Reader;
use crate::trail::Trail;
use gridvault_keys::{Envelope, Keyring, RootKey};
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::task::spawn_blocking;

/// The ways of a vault that is open.
pub struct OpenWays {
    place: Place,
    keyring: Arc<Keyring>,
    turn: Arc<Mutex<Turn>>,
    changed: watch::Sender<Vec<Envelope>>,
}

/// One act at a time has it.
#[derive(Default)]
struct Turn {
    /// Whether an act ended without anybody knowing which ways are in force: then a start tells, and nothing of either goes before it.
    is_left_open: bool,
}

/// What telling takes beside the ways themselves.
#[derive(Clone, Copy)]
pub struct Tellers<'a> {
    /// Where it is told.
    pub trail: &'a Trail,
    /// What was told before.
    pub reader: &'a Reader,
    /// Who people are.
    pub actors: &'a Directory,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// Why what was handed over is not done. Nothing was changed.
#[derive(Debug, PartialEq, Eq)]
pub enum NotAgreed {
    /// The request is over, or for something else than there is.
    Outdated,
    /// The two do not stand by it, or it does not come from whoever can open the vault.
    Unproven,
    /// The act leads to no such ways.
    NoSuchWays,
    /// The disk, the ring or the log.
    Failed,
}

/// What was handed over, judged, with the turn that nobody else has meanwhile.
pub struct Judged {
    turned: Option<RootKey>,
    envelopes: Vec<Envelope>,
    agreed: Agreed,
    turn: OwnedMutexGuard<Turn>,
}

impl Judged {
    /// What is done.
    pub fn what(&self) -> What {
        self.agreed.what
    }

    /// The two who agreed to it.
    pub fn persons(&self) -> [ActorId; 2] {
        self.agreed.persons
    }

    /// How many ways there will be.
    pub fn ways_count(&self) -> usize {
        self.envelopes.len()
    }
}

impl OpenWays {
    /// Of a vault whose ring is open.
    pub fn new(place: Place, keyring: Arc<Keyring>) -> OpenWays {
        OpenWays { place, keyring, turn: Arc::default(), changed: watch::Sender::default() }
    }

    /// Tells of the ways that are in force from some moment on.
    pub fn changes(&self) -> watch::Receiver<Vec<Envelope>> {
        self.changed.subscribe()
    }

    /// Holds what was handed over against the ways in force and the directory of actors. What an earlier act left to be told is told first.
    ///
    /// # Errors
    /// Why it is not done.
    pub async fn judge(
        &self,
        handed: Handed,
        tellers: Tellers<'_>,
        random: &dyn Random,
    ) -> Result<Judged, NotAgreed> {
        let turn = self.turn.clone().lock_owned().await;
        if turn.is_left_open {
            return Err(NotAgreed::Failed);
        }
        self.finish(tellers).await.map_err(|error| not_agreed(&error))?;
        let now = tellers.clock.now();
        let stand_by = handed.signed.judged(|id| tellers.actors.record(id), now);
        let id = random.bytes16().map_err(|_| NotAgreed::Failed)?;
        let (place, keyring) = (self.place.clone(), self.keyring.clone());
        let looking = beside_requests(move || {
            let what = handed.signed.request.what;
            let digest = place.digest()?;
            if let Err(why) = handed.signed.is_for(&place.vault, what, &digest, None, now) {
                return Ok(Err(in_vain(why, NotAgreed::Outdated)));
            }
            let persons = match stand_by {
                Ok(persons) => persons,
                Err(why) => return Ok(Err(in_vain(&why, NotAgreed::Unproven))),
            };
            let turned = match handed.taken(&place, &keyring) {
                Err(CeremonyError::Refused(why)) => {
                    return Ok(Err(in_vain(&why, NotAgreed::Unproven)));
                }
                taken => taken?,
            };
            let in_force = turned.as_ref().map(RootKey::id).or_else(|| keyring.root_id());
            let in_force = in_force.ok_or(CeremonyError::Damaged("the ring"))?;
            ways::check(what, &place.envelopes()?, &handed.envelopes, in_force)?;
            let agreed = Agreed { id, what, persons, word: Word::Signed(handed.signed) };
            Ok(Ok(Judged { turned, envelopes: handed.envelopes, agreed, turn }))
        });
        looking.await.map_err(|error| not_agreed(&error))?
    }

    /// Puts it in force, tells of it, and destroys the former ways. Durable and told when this returns.
    ///
    /// # Errors
    /// [`CeremonyError`]: which ways are in force the next start tells.
    pub async fn put_in_force(
        &self,
        judged: Judged,
        tellers: Tellers<'_>,
    ) -> Result<(), CeremonyError> {
        let Judged { turned, envelopes, agreed, mut turn } = judged;
        let (place, keyring) = (self.place.clone(), self.keyring.clone());
        let put = spawn_blocking(move || {
            put_in_force(&place, &keyring, agreed, turned.as_ref(), &envelopes)?;
            Ok(envelopes)
        });
        // Work that broke off may have got anywhere.
        let put = put.await.unwrap_or_else(|error| Err(CeremonyError::Unknown(error.into())));
        turn.is_left_open = matches!(put, Err(CeremonyError::Unknown(_)));
        self.changed.send_replace(put?);
        let mut tries = 1;
        while let Err(error) = self.finish(tellers).await {
            if tries == CEREMONY_TELL_TRIES_MAX {
                return Err(error);
            }
            tries += 1;
            tokio::time::sleep(CEREMONY_TELL_PAUSE).await;
        }
        Ok(())
    }

    /// As `in_force::finish`; the disk is waited for apart from the requests.
    async fn finish(&self, tellers: Tellers<'_>) -> Result<(), CeremonyError> {
        let Tellers { trail, reader, actors, clock } = tellers;
        let (place, keyring) = (self.place.clone(), self.keyring.clone());
        let found = beside_requests(move || noted(&place, &keyring)).await?;
        tell(&found, &self.place, (trail, reader), actors, clock.now()).await?;
        let place = self.place.clone();
        beside_requests(move || let_go(&place)).await
    }
}

/// Does what waits for the disk, or for whoever writes the ring, where it keeps no request waiting. Nothing that it does leaves
/// open which ways are in force.
async fn beside_requests<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, CeremonyError> + Send + 'static,
) -> Result<T, CeremonyError> {
    let broke_off = |error| CeremonyError::storage("work over the ways broke off", error);
    spawn_blocking(act).await.map_err(broke_off)?
}

fn not_agreed(error: &CeremonyError) -> NotAgreed {
    match error {
        CeremonyError::Refused(why) => in_vain(why, NotAgreed::NoSuchWays),
        CeremonyError::Damaged(_) | CeremonyError::Storage { .. } | CeremonyError::Unknown(_) => {
            tracing::error!(%error, "the ways to the root key cannot be changed");
            NotAgreed::Failed
        }
    }
}

/// Its operator reads why; whoever asks is told no closer than the kind.
fn in_vain(why: &str, answer: NotAgreed) -> NotAgreed {
    tracing::warn!(why, "other ways to the root key were asked for in vain");
    answer
}
