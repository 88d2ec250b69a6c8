//! What the examples share beside the client: the page of a demo vault, and saying what was shown.
//! Never part of a real client: tokens come from `gridvault token issue`, and the addresses from a configuration.
//! An example ends with status 0 only if everything that it says really happened.

use super::{Client, Failure};
use serde_json::Value;
use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

/// What an example gives when it ends early.
pub type Shown = Result<(), Box<dyn Error>>;

/// The page that a demo vault writes: where it is, and the tokens of its invented staff.
pub struct Demo {
    page: Value,
}

impl Demo {
    /// The page named by `--demo FILE`.
    fn of_arguments() -> Result<Demo, Box<dyn Error>> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [flag, file] = &arguments[..] else {
            return Err("name the page of a demo vault: --demo DIRECTORY/demo.json".into());
        };
        if flag != "--demo" {
            return Err(format!("{flag} means nothing here; there is only --demo").into());
        }
        let text = std::fs::read_to_string(file)?;
        Ok(Demo { page: serde_json::from_str(&text)? })
    }

    /// A member of the page that is text.
    pub fn text(&self, pointer: &str) -> &str {
        self.page.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The client of somebody with that role; in the sample grid, where somebody of the role works there.
    pub fn client_of(&self, role: &str) -> Result<Client, Box<dyn Error>> {
        let actors = self.page["actors"].as_array().into_iter().flatten();
        let of_role: Vec<&Value> = actors.filter(|actor| actor["role"] == role).collect();
        let here = |actor: &&&Value| actor["grid"] == self.page["samples"]["grid"];
        let found = of_role.iter().find(here).or(of_role.first());
        let token = found.and_then(|actor| actor["token"].as_str());
        let token = token.ok_or_else(|| format!("the demo has nobody with the role {role}"))?;
        Ok(Client::new(self.text("/url"), token))
    }
}

/// Runs an example over the demo that the arguments name.
pub fn show(example: fn(&Demo) -> Shown) -> ExitCode {
    match Demo::of_arguments().and_then(|demo| example(&demo)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _nobody_listens = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

/// Says what has just been shown; a closed pipe is the reader's choice.
pub fn say(line: &str) {
    let _nobody_listens = writeln!(std::io::stdout(), "{line}");
}

/// What was to be shown must be so.
pub fn must(so: bool, what: &str) -> Shown {
    if so { Ok(()) } else { Err(format!("not as it should be: {what}").into()) }
}

/// The refusal that a call was to meet.
pub fn refused(outcome: Result<Value, Failure>, code: &str) -> Shown {
    match outcome {
        Err(failure) if failure.code() == Some(code) => {
            say(&format!("  {failure}"));
            Ok(())
        }
        Err(failure) => Err(format!("expected {code}, got {failure}").into()),
        Ok(_) => Err(format!("expected {code}, got an answer").into()),
    }
}
