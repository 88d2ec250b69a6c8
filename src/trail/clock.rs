//! What the trail does while the clock is in doubt: it takes no data, and an entry says so.
//! Never judges the clock itself, and never keeps oversight, withdrawals, erasures or a stop from being recorded; residents' own
//! looks, consents and emergencies wait, for they give data out or take it in.
//! Every doubt has its entry, and another one once it is over.

use super::witness::serves_data;
use super::{Announcement, Trail, TrailError};
use crate::access::Written;
use crate::ambient::{ClockDoubt, Micros};
use crate::limits::CLOCK_APART_MAX;
use gridvault_audit::Scalar;
use gridvault_audit::constants::COSIGNATURE_BACKDATED_SECONDS_MAX;
use std::sync::PoisonError;

// A leap that is followed makes no cosignature look older than the entries that it covers.
const _: () = assert!(CLOCK_APART_MAX.as_secs() < COSIGNATURE_BACKDATED_SECONDS_MAX);

/// What is told of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockNews {
    /// The host's clock is in doubt; the entry has the time that is believed.
    Doubted(ClockDoubt),
    /// It is what is believed again.
    Over,
    /// At a start, whoever operates the vault said that the host's clock is right, though the last entry is of this later time.
    Believed {
        /// The time of that entry.
        before: Micros,
    },
}

/// The further facts of such an entry.
pub(super) fn facts(news: &ClockNews) -> Vec<(&'static str, Scalar)> {
    let moment = |at: Micros| Scalar::U64(u64::try_from(at.0).unwrap_or(0));
    let step = |step: &str| ("step", Scalar::Str(step.to_owned()));
    match news {
        ClockNews::Doubted(doubt) => vec![("host", moment(doubt.host)), step(way(doubt))],
        ClockNews::Over => vec![step("over")],
        ClockNews::Believed { before } => vec![("before", moment(*before)), step("believed")],
    }
}

fn way(doubt: &ClockDoubt) -> &'static str {
    if doubt.is_ahead() { "ahead" } else { "back" }
}

impl Trail {
    /// Why the clock is in doubt, where it is: then data is not served, and nothing goes because its time is over.
    pub fn clock_doubt(&self) -> Option<ClockDoubt> {
        self.clock.doubt()
    }

    /// Whether such a decision may be recorded now.
    pub(super) fn may_record(&self, written: Written) -> Result<(), TrailError> {
        let serves = serves_data(written);
        if serves && !self.is_witnessed() {
            return Err(TrailError::Unwitnessed);
        }
        let ends = matches!(written, Written::Expiry | Written::FieldExpiry);
        if (serves || ends) && self.clock.doubt().is_some() {
            return Err(TrailError::ClockInDoubt);
        }
        Ok(())
    }

    /// Says that the clock is in doubt or is no longer, where that was not said yet. For one caller, who comes every second.
    ///
    /// # Errors
    /// As [`Trail::announce`]; it is said the next time then.
    pub async fn tell_of_clock(&self) -> Result<(), TrailError> {
        let told = *self.clock_told.lock().unwrap_or_else(PoisonError::into_inner);
        let mut doubt = self.clock.doubt();
        if told.is_some() && doubt.as_ref().map(way) == told {
            // It was told, so it may end now.
            self.clock.settle();
            doubt = self.clock.doubt();
        }
        let way = doubt.as_ref().map(way);
        if way == told {
            return Ok(());
        }
        let news = doubt.map_or(ClockNews::Over, ClockNews::Doubted);
        self.announce(Announcement::Clock(news)).await?;
        *self.clock_told.lock().unwrap_or_else(PoisonError::into_inner) = way;
        match &doubt {
            Some(doubt) => tracing::error!(
                apart_seconds = doubt.apart_seconds(),
                "the host's clock {}: no data is served until it is right (docs/operating.md)",
                if doubt.is_ahead() { "leapt ahead" } else { "is behind" }
            ),
            None => tracing::info!("the host's clock is right again: data is served"),
        }
        Ok(())
    }
}
