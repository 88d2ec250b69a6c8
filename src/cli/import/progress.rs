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
        Progress { bar, clock: HostClock::new(), told_at: None, total_bytes, read_bytes: 0 }
    }

    /// So many bytes more of the input were read.
    pub(super) fn read(&mut self, bytes: u64) {
        self.read_bytes += bytes;
        if let Some(bar) = &self.bar {
            bar.set_position(self.read_bytes);
        }
    }

    /// So many lines are stored and refused by now.
    pub(super) fn settled(&mut self, stored: u64, refused: u64) {
        let text = format!("{stored} lines stored, {refused} refused");
        if let Some(bar) = &self.bar {
            bar.set_message(text);
            return;
        }
        if !self.is_time() {
            return;
        }
        let part = match self.total_bytes {
            0 => String::new(),
            total => format!(", {} % read", self.read_bytes.saturating_mul(100) / total),
        };
        let _nobody_reads = writeln!(std::io::stderr(), "import: {text}{part}");
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
