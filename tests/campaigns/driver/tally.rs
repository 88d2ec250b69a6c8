//! Counts what held and what did not, and says so at the end.
//! Never forgets a failure: each is printed when it is found.
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

    /// Prints the tally; anything that failed makes the status 1.
    pub fn finish(self) -> ExitCode {
        say(&format!("{} passed, {} failed", self.passed, self.failed));
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Prints a line; a closed pipe is the reader's choice.
pub fn say(line: &str) {
    let _reader_is_gone = writeln!(std::io::stdout(), "{line}");
}
