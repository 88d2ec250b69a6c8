//! Holds the host's clock against the log's last entry at a start, and looks from then on whether it is in doubt.
//! Never sets a clock, and never believes one that is behind the log on its own word.
//! Whoever says at a start that it is right all the same is believed once, and an entry says so.

use super::failure::Failure;
use crate::ambient::{Clock as _, HostClock, Micros, SteadyClock};
use crate::limits::{CLOCK_APART_MAX, CLOCK_LOOK_INTERVAL};
use crate::trail::{Announcement, ClockNews, Trail};
use std::sync::Arc;

/// The clock of a vault that is opened.
pub(super) fn of_host() -> SteadyClock {
    SteadyClock::new(Arc::new(HostClock::new()), CLOCK_APART_MAX)
}

/// It is no earlier than the last entry before this run, but where whoever operates the vault says that the host's clock is to be
/// believed: then that is given, to be told.
pub(super) fn hold(
    clock: &SteadyClock,
    last_before: Option<Micros>,
    is_believed: bool,
) -> Option<ClockNews> {
    let before = last_before.filter(|before| *before > clock.now())?;
    if is_believed {
        return Some(ClockNews::Believed { before });
    }
    clock.hold(before);
    None
}

/// Tells of it, behind the entry of the start.
pub(super) async fn tell(trail: &Trail, passed_over: Option<ClockNews>) -> Result<(), Failure> {
    let fail = |error: &_| Failure::storage("the state of the clock cannot be recorded", error);
    if let Some(news) = passed_over {
        trail.announce(Announcement::Clock(news)).await.map_err(|error| fail(&error))?;
        tracing::warn!("the host's clock is believed, though the log's last entry is later");
    }
    trail.tell_of_clock().await.map_err(|error| fail(&error))
}

/// Looks for as long as it is not aborted.
pub(super) async fn tend(trail: Arc<Trail>) {
    let mut looks = tokio::time::interval(CLOCK_LOOK_INTERVAL);
    let mut failing = false;
    loop {
        looks.tick().await;
        let told = trail.tell_of_clock().await;
        if let Err(error) = &told
            && !failing
        {
            tracing::warn!(%error, "the state of the clock cannot be recorded");
        }
        failing = told.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MICROS: i64 = 3_600 * 1_000_000;

    #[test]
    fn a_clock_behind_the_last_entry_is_in_doubt_unless_its_operator_says_that_it_is_right() {
        let clock = of_host();
        let before = Micros(clock.now().0 + HOUR_MICROS);
        assert_eq!(hold(&clock, Some(before), true), Some(ClockNews::Believed { before }));
        assert!(clock.now() < before && clock.doubt().is_none());
        assert_eq!(hold(&clock, Some(before), false), None);
        assert!(clock.now() >= before && clock.doubt().is_some());
    }

    #[test]
    fn a_clock_that_is_not_behind_the_last_entry_has_nothing_told_of_it() {
        let clock = of_host();
        let before = Micros(clock.now().0 - HOUR_MICROS);
        for last in [None, Some(before)] {
            assert_eq!([true, false].map(|believed| hold(&clock, last, believed)), [None, None]);
        }
        assert!(clock.doubt().is_none());
    }
}
