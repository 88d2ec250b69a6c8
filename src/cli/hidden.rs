//! A terminal that does not show what is typed, for as long as somebody types a secret.
//! Never stays so: whoever interrupts, ends or suspends the command finds the terminal as it was.
//! The signals are heard before the terminal is silenced.

use super::failure::Failure;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level::emulate_default_handler;
use std::io::Write as _;
use std::thread::JoinHandle;

/// What takes a terminal away from a command.
const TAKE_AWAY: [i32; 5] = [SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP];

/// A terminal on standard input that shows nothing, for as long as this lives.
pub(super) struct Hidden {
    before: Termios,
    signals: Handle,
    heard: Option<JoinHandle<()>>,
}

impl Hidden {
    /// Asks for a secret.
    pub(super) fn begin(prompt: &'static str) -> Result<Hidden, Failure> {
        let fail = |error: std::io::Error| Failure::failed("the terminal", &error);
        let before = tcgetattr(std::io::stdin()).map_err(|error| fail(error.into()))?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        let signals = Signals::new(TAKE_AWAY).map_err(fail)?;
        let handle = signals.handle();
        let modes = (before.clone(), silent.clone());
        let hearing = move || hear(signals, &modes.0, &modes.1, prompt);
        let heard = std::thread::Builder::new().spawn(hearing).map_err(fail)?;
        let hidden = Hidden { before, signals: handle, heard: Some(heard) };
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent)
            .map_err(|error| fail(error.into()))?;
        say(prompt);
        Ok(hidden)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.signals.close();
        let _ended = self.heard.take().map(JoinHandle::join);
        let _gone = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
        say("\n");
    }
}

/// Gives the terminal back before a signal does what it does to a command that hears none.
fn hear(mut signals: Signals, before: &Termios, silent: &Termios, prompt: &str) {
    for signal in signals.forever() {
        let _gone = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        say("\n");
        let _unknown = emulate_default_handler(signal);
        // Only whoever was suspended comes back.
        let _gone = tcsetattr(std::io::stdin(), OptionalActions::Now, silent);
        say(prompt);
    }
}

fn say(text: &str) {
    let mut error = std::io::stderr();
    let _nobody_reads = error.write_all(text.as_bytes()).and_then(|()| error.flush());
}
