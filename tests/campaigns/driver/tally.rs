//! Counts what held and what did not, and says so at the end.
//! Never forgets a failure: each is printed when it is found. Nothing looked at is a failure too.
//! The tally stands alone on the last line.

use std::io::Write as _;
use std::process::ExitCode;

/// What held and what did not.
#[derive(Default)]
pub struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// Goes on from numbers of an earlier run.
    pub fn of(passed: u64, failed: u64) -> Tally {
        Tally { passed, failed }
    }

    /// Takes a check into account and prints it.
    pub fn check(&mut self, what: &str, outcome: Result<String, String>) {
        match outcome {
            Ok(detail) => {
                self.passed += 1;
                say(&format!("ok      {what}: {detail}"));
            }
            Err(detail) => {
                self.failed += 1;
                say(&format!("FAILED  {what}: {detail}"));
            }
        }
    }

    /// Takes a check into account whose detail reads the same either way.
    pub fn holds(&mut self, what: &str, is_so: bool, detail: impl Into<String>) {
        let detail = detail.into();
        self.check(what, if is_so { Ok(detail) } else { Err(detail) });
    }

    /// Prints the tally; anything that failed makes the status 1, and so does a campaign that looked at nothing.
    pub fn finish(mut self) -> ExitCode {
        if self.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn is_sound(&mut self) -> bool {
        if self.passed + self.failed == 0 {
            self.holds("something is looked at", false, "no check was made");
        }
        say(&format!("{} passed, {} failed", self.passed, self.failed));
        self.failed == 0
    }
}

/// Prints a line; a closed pipe is the reader's choice.
pub fn say(line: &str) {
    let _reader_is_gone = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_that_looked_at_nothing_has_not_passed() {
        assert!(!Tally::default().is_sound());
        let mut tally = Tally::default();
        tally.holds("something", true, "so it is");
        assert!(tally.is_sound());
        tally.holds("something else", false, "it is not");
        assert!(!tally.is_sound());
    }
}
