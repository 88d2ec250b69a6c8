//! Tells how far an import is: a bar on a terminal, a line now and then elsewhere.
//! Never tells anything of a line but that there was one.
//! All of it goes to standard error, so that standard output is the result alone.

use crate::ambient::{Clock, HostClock};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal as _, Write as _};

/// Between two lines where there is no terminal, in microseconds.
const LINE_INTERVAL_MICROS: u64 = 5_000_000;

/// How far an import is.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    clock: HostClock,
    told_at: Option<u64>,
    total_bytes: u64,
    read_bytes: u64,
    /// Of lines that were read and are neither stored nor refused.
    waiting_bytes: u64,
}

impl Progress {
    /// Nothing yet; the size of the input, where it is known.
    pub(super) fn new(total_bytes: Option<u64>) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| match total_bytes {
            Some(bytes) => ProgressBar::new(bytes).with_style(style(
                "{bar:30} {percent:>3} %  {bytes}/{total_bytes}  {msg}  {eta} left",
            )),
            None => ProgressBar::no_length().with_style(style("{spinner} {bytes}  {msg}")),
        });
        let total_bytes = total_bytes.unwrap_or(0);
        let clock = HostClock::new();
        Progress { bar, clock, told_at: None, total_bytes, read_bytes: 0, waiting_bytes: 0 }
    }

    /// So many bytes more of the input were read.
    pub(super) fn read(&mut self, bytes: u64) {
        self.read_bytes += bytes;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done_bytes());
        }
    }

    /// So many of the bytes that were read are to be sent.
    pub(super) fn wait(&mut self, bytes: u64) {
        self.waiting_bytes += bytes;
    }

    /// So many of the bytes that waited are settled, and so many lines stored and refused by now.
    pub(super) fn settled(&mut self, bytes: u64, stored: u64, refused: u64) {
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
        let text = format!("{stored} lines stored, {refused} refused");
        if let Some(bar) = &self.bar {
            bar.set_position(self.done_bytes());
            bar.set_message(text);
            return;
        }
        if !self.is_time() {
            return;
        }
        let part = self.percent().map_or_else(String::new, |part| format!(", {part} % done"));
        let _nobody_reads = writeln!(std::io::stderr(), "import: {text}{part}");
    }

    /// What of the input is done with, in bytes: what was only read is not.
    fn done_bytes(&self) -> u64 {
        self.read_bytes.saturating_sub(self.waiting_bytes)
    }

    /// The same of a hundred, where the size of the input is known.
    fn percent(&self) -> Option<u64> {
        self.done_bytes().saturating_mul(100).checked_div(self.total_bytes)
    }

    /// A batch waits to be sent again, and why.
    pub(super) fn tell_wait(&mut self, why: &str) {
        if !self.is_time() {
            return;
        }
        let text = format!("import: {why}; trying again");
        match &self.bar {
            Some(bar) => bar.println(text),
            None => {
                let _nobody_reads = writeln!(std::io::stderr(), "{text}");
            }
        }
    }

    /// Whether the last line was told long enough ago.
    fn is_time(&mut self) -> bool {
        let now = self.clock.monotonic();
        let is_time = self.told_at.is_none_or(|at| now.saturating_sub(at) >= LINE_INTERVAL_MICROS);
        if is_time {
            self.told_at = Some(now);
        }
        is_time
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_and_is_not_settled_is_not_done() {
        let mut progress = Progress::new(Some(200));
        progress.read(200);
        progress.wait(150);
        assert_eq!(progress.percent(), Some(25));
        progress.settled(149, 7, 1);
        assert_eq!(progress.percent(), Some(99));
        progress.settled(1, 7, 2);
        assert_eq!(progress.percent(), Some(100));
        assert_eq!(Progress::new(None).percent(), None);
    }
}
