//! How often a change is tried that takes several steps, each sequenced and recorded by itself.
//! Never without an end: a step is decided again three times, and one call takes so many steps.
//! Each step looks at everything anew, so a call that is said again goes on where the one before it stopped.

use crate::limits::{PERSON_STEPS_COUNT_MAX, STALE_ATTEMPTS_MAX};

/// The tries of one call.
#[derive(Default)]
pub(super) struct Steps {
    /// Of the step at hand.
    stale: u32,
    /// Steps that are done.
    done: u32,
}

impl Steps {
    /// Whether there is another try.
    pub(super) fn go_on(&self) -> bool {
        self.stale < STALE_ATTEMPTS_MAX && self.done < PERSON_STEPS_COUNT_MAX
    }

    /// The step has to be decided again.
    pub(super) fn went_stale(&mut self) {
        self.stale += 1;
    }

    /// The step is in the log, and there is more to do.
    pub(super) fn went_on(&mut self) {
        self.stale = 0;
        self.done += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_tried_to_the_limit_and_so_many_steps_are_taken_and_no_more() {
        let mut steps = Steps::default();
        for done in 0..PERSON_STEPS_COUNT_MAX {
            for _ in 1..STALE_ATTEMPTS_MAX {
                steps.went_stale();
                assert!(steps.go_on(), "step {done}");
            }
            steps.went_on();
            assert_eq!(steps.go_on(), done + 1 < PERSON_STEPS_COUNT_MAX);
        }
        let mut steps = Steps::default();
        for tries in 0..STALE_ATTEMPTS_MAX {
            assert!(steps.go_on(), "try {tries}");
            steps.went_stale();
        }
        assert!(!steps.go_on());
    }
}
