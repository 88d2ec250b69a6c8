//! `verify`: a whole log, from a directory or a URL, against keys, kept checkpoints, witnesses and the store's digests.
//! Never judges by anything that the log brings along but signatures under keys from outside.
//! Memory stays flat: one bundle, one part of the list of digests.

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use gridvault_audit::verify::{
    Erasures, Expectations, Policy, Shelf, Source, Summary, VerifyError, Visitor, open_checkpoint,
    open_view, verify_log,
};

use super::digests;
use super::files::read;
use super::now_seconds;
use super::report::{Answer, Shown, Witnessed};
use super::trust::Trust;

/// Time between two lines of progress on a terminal.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Args)]
pub(super) struct Arguments {
    /// Directory of the log, which holds `checkpoint`, or its URL (`https://vault/log`)
    log: String,
    #[command(flatten)]
    trust: Trust,
    /// A checkpoint saved before, which this log must continue; may be given several times
    #[arg(long, value_name = "FILE")]
    earlier: Vec<PathBuf>,
    /// A checkpoint as a witness showed it, which this log must continue; may be given several times
    #[arg(long, value_name = "FILE")]
    view: Vec<PathBuf>,
    /// Oldest cosignature that still counts, in seconds: a log that was frozen is noticed
    #[arg(long, value_name = "SECONDS")]
    cosignature_age_max: Option<u64>,
    /// List of the store's digests, as `gridvault store digests` writes it, to hold against the log
    #[arg(long, value_name = "FILE")]
    store_digests: Option<PathBuf>,
    #[cfg(feature = "fetch")]
    #[command(flatten)]
    network: super::trust::Network,
}

pub(super) fn run(arguments: &Arguments) -> Answer {
    let policy = match arguments.trust.policy() {
        Ok(policy) => policy,
        Err(answer) => return answer,
    };
    let expected = match expectations(arguments, &policy) {
        Ok(expected) => expected,
        Err(answer) => return answer,
    };
    let origin = origin_of(&policy);
    match verify(arguments, &policy, expected) {
        Ok(shown) => Answer::Shown(Box::new(shown)),
        Err(Fault::Refused(error)) => Answer::Refused { origin, error },
        Err(Fault::Answer(answer)) => answer,
    }
}

enum Fault {
    Refused(VerifyError),
    Answer(Answer),
}

impl From<VerifyError> for Fault {
    fn from(error: VerifyError) -> Fault {
        Fault::Refused(error)
    }
}

/// What a report calls the log before its checkpoint was read.
pub(super) fn origin_of(policy: &Policy) -> String {
    // A log whose key another one follows stands there twice.
    let names: BTreeSet<&str> = policy.logs().iter().map(|log| log.key.name()).collect();
    Vec::from_iter(names).join(" or ")
}

fn expectations(arguments: &Arguments, policy: &Policy) -> Result<Expectations, Answer> {
    let refused = |error| Answer::Refused { origin: origin_of(policy), error };
    let now_seconds = Some(now_seconds());
    let mut expected = Expectations {
        now_seconds,
        cosignature_age_seconds_max: arguments.cosignature_age_max,
        ..Expectations::default()
    };
    for path in &arguments.earlier {
        let note = read(path).map_err(|error| refused(error.into()))?;
        let earlier = open_checkpoint(&note, policy, now_seconds)
            .map_err(|finding| refused(VerifyError::EarlierRefused(finding)))?;
        expected.earlier.push(earlier.head);
    }
    for path in &arguments.view {
        let note = read(path).map_err(|error| refused(error.into()))?;
        let view = open_view(&note, policy, now_seconds)
            .map_err(|finding| refused(VerifyError::ViewRefused(finding)))?;
        expected.views.push(view.head);
    }
    Ok(expected)
}

fn verify(arguments: &Arguments, policy: &Policy, expected: Expectations) -> Result<Shown, Fault> {
    let mut expected = expected;
    let is_url = arguments.log.starts_with("http://") || arguments.log.starts_with("https://");
    #[cfg(feature = "fetch")]
    let (client, views) = {
        let client = arguments.network.client().map_err(Fault::Answer)?;
        let views = arguments.network.ask_witnesses(&client, policy, &mut expected)?;
        (client, views)
    };
    #[cfg(not(feature = "fetch"))]
    let views = {
        let _unchanged = &mut expected;
        Vec::new()
    };
    let mut shown = if !is_url {
        let open = || Shelf::open(arguments.log.as_ref());
        judge(arguments, policy, &expected, open)?
    } else {
        #[cfg(feature = "fetch")]
        {
            let log = client.log(&arguments.log);
            let log = log.map_err(|error| Fault::Answer(Answer::usage(error.to_string())))?;
            judge(arguments, policy, &expected, || Ok(log.clone()))?
        }
        #[cfg(not(feature = "fetch"))]
        return Err(Fault::Answer(Answer::usage(
            "this program was built without the feature fetch: it opens no URL".into(),
        )));
    };
    shown.views = views;
    Ok(shown)
}

/// Verifies the log, once or, with a list of digests that does not fit into memory, once for each part of it.
fn judge<S: Source>(
    arguments: &Arguments,
    policy: &Policy,
    expected: &Expectations,
    open: impl Fn() -> Result<S, VerifyError>,
) -> Result<Shown, Fault> {
    let (mut bar, mut erasures) = (Bar::new(), Erasures::default());
    let mut seen = Both { first: &mut erasures, second: &mut bar };
    let (summary, records, unjudged) = match &arguments.store_digests {
        None => (verify_log(open()?, policy, expected, &mut seen)?, None, None),
        Some(path) => {
            let pass = |visitor: &mut dyn Visitor| {
                let mut both = Both { first: visitor, second: &mut seen };
                verify_log(open()?, policy, expected, &mut both)
            };
            let (summary, count, unjudged) = digests::judge(path, pass)?;
            (summary, Some(count), Some(unjudged).filter(|count| *count > 0))
        }
    };
    let Summary { head, witnessed, minimum, beyond } = summary;
    Ok(Shown {
        head: Some(head),
        beyond: Some(beyond),
        minimum: Some(minimum),
        witnessed: witnessed.map(|cosigned| Witnessed::of(policy, &cosigned)),
        records,
        unjudged,
        erasures: Some(erasures.count()),
        ..Shown::default()
    })
}

/// Draws how far a pass is, on a terminal alone.
struct Bar {
    draws: bool,
    drawn: Option<Instant>,
}

impl Bar {
    fn new() -> Bar {
        Bar { draws: std::io::stderr().is_terminal(), drawn: None }
    }
}

impl Visitor for Bar {
    fn entry(&mut self, _index: u64, _entry: &[u8]) {}

    fn progress(&mut self, done: u64, size: u64) {
        use std::io::Write as _;
        let due = done == size || self.drawn.is_none_or(|at| at.elapsed() >= PROGRESS_INTERVAL);
        if !self.draws || !due {
            return;
        }
        self.drawn = Some(Instant::now());
        let percent = done.saturating_mul(100) / size.max(1);
        let end = if done == size { "\r\x1b[K" } else { "" };
        let _nobody_looks =
            write!(std::io::stderr(), "\r{done} of {size} entries, {percent} %{end}");
    }
}

/// Two who go along.
struct Both<'a> {
    first: &'a mut dyn Visitor,
    second: &'a mut dyn Visitor,
}

impl Visitor for Both<'_> {
    fn begins_at(&mut self, minimum: u64) {
        self.first.begins_at(minimum);
        self.second.begins_at(minimum);
    }

    fn entry(&mut self, index: u64, entry: &[u8]) {
        self.first.entry(index, entry);
        self.second.entry(index, entry);
    }

    fn progress(&mut self, done: u64, size: u64) {
        self.first.progress(done, size);
        self.second.progress(done, size);
    }
}
