//! Seals the contexts of entries, and ends the keys of the months before a moment: that of the first entry that the log keeps, as
//! `oversight::retention` says it.
//! Never the key of that moment's month, and a day behind its end counts as its own.
//! The ring knows of which months no entry tells yet, so whichever step the process ends at, the next one says it.

use super::entry::Announcement;
use super::error::TrailError;
use super::upkeep::KeyNews;
use super::{Recorded, Trail};
use crate::access::{Account, Duty, Origin, Written};
use crate::ambient::{Clock, Micros};
use gridvault_keys::{KeyError, Keyring, Month};
use std::sync::Arc;

/// An entry has its time a moment after its context was sealed, and that moment may be the end of a month.
const MARGIN_MICROS: i64 = 86_400_000_000;

impl Trail {
    /// Destroys the context keys of the months that ended before this moment, and says so; behind that the ring has keys of as many
    /// later months. Nothing where there are none. Waits for the disk away from the threads that serve.
    ///
    /// # Errors
    /// [`TrailError::Keyring`], or as announcing it; it can be tried again.
    pub async fn end_contexts_before(
        &self,
        before: Micros,
    ) -> Result<Option<Recorded>, TrailError> {
        let (year, month) = Micros(before.0.saturating_sub(MARGIN_MICROS)).year_month();
        let month = Month::from_year_month(year, month).map_err(TrailError::Keyring)?;
        on_disk(&self.keyring, move |keyring| keyring.destroy_months_before(month)).await?;
        let untold = self.keyring.months_untold();
        if untold.is_empty() {
            return Ok(None);
        }
        let named = |month: &Month| {
            let (year, number) = month.year_month();
            format!("{year:04}-{number:02}")
        };
        let months: Vec<String> = untold.iter().map(named).collect();
        let told = Announcement::OfKeys(KeyNews::ContextsDestroyed { months: months.join(",") });
        let recorded = self.announce(told).await?;
        // A crash in here has it said twice.
        on_disk(&self.keyring, move |keyring| keyring.months_are_told(&untold)).await?;
        Ok(Some(recorded))
    }
}

async fn on_disk(
    keyring: &Arc<Keyring>,
    work: impl FnOnce(&Keyring) -> Result<(), KeyError> + Send + 'static,
) -> Result<(), TrailError> {
    let keyring = keyring.clone();
    let done = tokio::task::spawn_blocking(move || work(&keyring)).await;
    done.map_err(|_| TrailError::Unavailable)?.map_err(TrailError::Keyring)
}

/// What is known of a caller and not for everybody's eyes, as it is sealed: JSON with its members in ascending order.
#[derive(serde::Serialize)]
struct Context<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Sealed under the key of this actor and month, which is destroyed at the end of its retention.
pub(super) fn seal_context(
    account: &Account,
    keyring: &Keyring,
    clock: &dyn Clock,
) -> Result<Option<Vec<u8>>, TrailError> {
    let actor = account.actor.map_or([0; 16], |actor| *actor.as_bytes());
    let Origin { address, device, reason, request, .. } = &account.origin;
    if address.is_none() && device.is_none() && reason.is_none() {
        return Ok(None);
    }
    let context = Context {
        address: address.as_deref(),
        device: device.as_deref(),
        reason: reason.as_deref(),
    };
    let plain = serde_json::to_vec(&context).map_err(|_| TrailError::Context)?;
    let (year, month) = clock.now().year_month();
    let month = Month::from_year_month(year, month).map_err(|_| TrailError::Context)?;
    let sealed = match is_upkeep(account.written) {
        true => keyring.seal_context_of_upkeep(month, &actor, request, &plain),
        false => keyring.seal_context(month, &actor, request, &plain),
    };
    sealed.map(Some).map_err(|error| match error {
        KeyError::KeyUsedUp | KeyError::UsesUncounted => TrailError::KeyUsedUp,
        _ => TrailError::Context,
    })
}

/// Whether it belongs to what it takes to have another key, which a key that is used up does not keep anybody from.
fn is_upkeep(written: Written) -> bool {
    matches!(
        written,
        Written::LogIn
            | Written::Rotation(_)
            | Written::Duty(Duty::KeysRead | Duty::KeysRotate | Duty::KeysAgree)
    )
}
