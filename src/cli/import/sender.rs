//! Sends batches and hears what became of each line, as often as it takes and no oftener.
//! Never sends other lines under a key that was used before: the key is made of the run, the batch and its lines.
//! What may succeed later is tried again with growing pauses; what cannot is refused; what concerns all stops the import.

use super::appended::Refusal;
use super::batches::Batch;
use crate::ambient::Random;
use crate::cli::client::Connection;
use crate::cli::failure::Failure;
use crate::limits::{
    ACTOR_REFUSALS_HOUR_MAX, IMPORT_ANSWER_BYTES_MAX, IMPORT_ANSWER_TIME_MAX, IMPORT_ATTEMPTS_MAX,
    IMPORT_PAUSE_MAX, IMPORT_PAUSE_MIN,
};
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use zeroize::Zeroizing;

/// The route that takes batches.
const ROUTE: &str = "/v1/records/batch";

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Lines that are stored, with what the vault said of each.
    pub(super) stored: Vec<(u64, Json)>,
    /// Lines that are refused, by their place in the batch.
    pub(super) refused: Vec<(usize, Refusal)>,
    /// Why nothing more can be sent, if so. The other lines are neither stored nor refused.
    pub(super) stop: Option<String>,
}

/// Sends batches to one vault.
pub(super) struct Sender {
    agent: ureq::Agent,
    url: String,
    run: String,
    random: Arc<dyn Random>,
    pause_min: Duration,
}

/// An item of an answer.
struct Item {
    status: u16,
    whole: Json,
}

/// What the vault says of a refusal (RFC 9457).
#[derive(Clone, Deserialize)]
struct Problem {
    #[serde(default)]
    status: u16,
    #[serde(default)]
    code: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    retryable: bool,
    #[serde(default)]
    pointers: Json,
}

/// What came back for a batch.
enum Answer {
    Items(Vec<Item>),
    /// The batch as a whole was refused; after how long it may be sent again, if the vault said.
    Refused(Problem, Option<Duration>),
    /// Nothing came, or not all of it.
    None(String),
}

impl Sender {
    /// A sender of one run to one vault.
    pub(super) fn new(
        connection: &Connection,
        run: &str,
        random: Arc<dyn Random>,
    ) -> Result<Sender, Failure> {
        let calls = connection.calls()?.timeout_global(Some(IMPORT_ANSWER_TIME_MAX));
        Ok(Sender {
            agent: calls.build().into(),
            url: format!("{}{ROUTE}", connection.url),
            run: run.to_owned(),
            random,
            pause_min: IMPORT_PAUSE_MIN,
        })
    }

    /// Sends a batch until each of its lines is stored or refused, or until it is of no use any more. Tells why before each
    /// further attempt.
    pub(super) fn deliver(
        &self,
        batch: &Batch,
        number: u64,
        token: &str,
        halted: &AtomicBool,
        tell: &dyn Fn(&str),
    ) -> Verdict {
        let mut verdict = Verdict::default();
        let mut waiting: Vec<usize> = (0..batch.lines.len()).collect();
        let mut attempts = 0;
        while !waiting.is_empty() && !halted.load(Ordering::Relaxed) {
            let mut asked_for = None;
            let why = match self.post(batch, &waiting, number, token) {
                Answer::Items(items) => {
                    let before = waiting.len();
                    waiting = verdict.take(batch, &waiting, items);
                    if waiting.len() < before {
                        attempts = 0;
                    }
                    "lines are refused for now".to_owned()
                }
                Answer::Refused(problem, _) if problem.stops() => {
                    verdict.stop = Some(problem.in_words());
                    return verdict;
                }
                Answer::Refused(problem, Some(after)) if problem.locks_out_for(after) => {
                    verdict.stop = Some(locked_out(after));
                    return verdict;
                }
                Answer::Refused(problem, after) if problem.may_pass() => {
                    asked_for = after;
                    problem.in_words()
                }
                Answer::Refused(problem, _) => {
                    verdict.refuse_all(batch, &waiting, &problem);
                    return verdict;
                }
                Answer::None(why) => why,
            };
            if verdict.stop.is_some() || waiting.is_empty() {
                break;
            }
            attempts += 1;
            if attempts > IMPORT_ATTEMPTS_MAX {
                verdict.stop =
                    Some(format!("given up after {IMPORT_ATTEMPTS_MAX} attempts: {why}"));
                break;
            }
            tell(&why);
            std::thread::sleep(self.pause(attempts, asked_for));
        }
        verdict
    }

    fn post(&self, batch: &Batch, waiting: &[usize], number: u64, token: &str) -> Answer {
        let mut body = Zeroizing::new(Vec::new());
        let mut key = ring::digest::Context::new(&ring::digest::SHA256);
        key.update(self.run.as_bytes());
        key.update(&number.to_be_bytes());
        for place in waiting {
            let line = &batch.lines[*place];
            key.update(&line.number.to_be_bytes());
            line.write_item(&capture_id(&self.run, line.number), &mut body);
        }
        let bearer = Zeroizing::new(format!("Bearer {token}"));
        let sent = self
            .agent
            .post(&self.url)
            .header("authorization", &*bearer)
            .header("purpose", &batch.purpose)
            .header(
                "idempotency-key",
                format!("import-{}", hexadecimal(&key.finish().as_ref()[..16])),
            )
            .header("content-type", "application/x-ndjson")
            .send(&body[..]);
        match sent {
            Ok(response) => read(response, waiting.len()),
            Err(error) => {
                Answer::None(format!("the vault at {} cannot be reached: {error}", self.url))
            }
        }
    }

    /// Twice as long after each attempt, and never the same for two senders.
    fn pause(&self, attempts: u32, asked_for: Option<Duration>) -> Duration {
        let longest = self.pause_min.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        let longest = longest.min(IMPORT_PAUSE_MAX);
        let mut throw = [0; 2];
        let part = match self.random.fill(&mut throw) {
            Ok(()) => u32::from(u16::from_be_bytes(throw)),
            Err(_) => 0,
        };
        let half = longest / 2;
        let pause = half + half.saturating_mul(part) / u32::from(u16::MAX);
        pause.max(asked_for.unwrap_or_default().min(IMPORT_PAUSE_MAX))
    }
}

/// What a line is called for ever, so that it is stored once even when its batch's key is forgotten (a UUID of version 8).
fn capture_id(run: &str, line: u64) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(b"gridvault import line");
    context.update(run.as_bytes());
    context.update(&line.to_be_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&context.finish().as_ref()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// Bytes as hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(mut response: ureq::http::Response<ureq::Body>, count: usize) -> Answer {
    let status = response.status();
    let after = response.headers().get("retry-after");
    let after = after.and_then(|value| value.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    let body = response.body_mut().with_config().limit(IMPORT_ANSWER_BYTES_MAX).read_to_vec();
    let body = match body {
        Ok(body) => body,
        Err(error) => return Answer::None(format!("the answer broke off: {error}")),
    };
    if !status.is_success() {
        let mut problem: Problem =
            serde_json::from_slice(&body).unwrap_or_else(|_| Problem::nameless());
        problem.status = status.as_u16();
        return Answer::Refused(problem, after);
    }
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let items: Option<Vec<Item>> = lines.map(Item::parse).collect();
    match items {
        Some(items) if is_whole(&items, count) => Answer::Items(items),
        _ => Answer::None("the answer is not whole".into()),
    }
}

/// Whether an answer is one that the vault ended itself: each line has an item, or the last item says why there are no more.
fn is_whole(items: &[Item], count: usize) -> bool {
    items.len() == count || items.len() < count && items.last().is_some_and(Item::ends_a_batch)
}

/// What to say of a lock-out: a pause of that length is for whoever started the import, not for a loop.
fn locked_out(after: Duration) -> String {
    format!(
        "again in {} s; locked out after {ACTOR_REFUSALS_HOUR_MAX} refusals, see the quarantine",
        after.as_secs()
    )
}

impl Item {
    fn parse(line: &[u8]) -> Option<Item> {
        let whole: Json = serde_json::from_slice(line).ok()?;
        let status = u16::try_from(whole["status"].as_u64()?).ok()?;
        Some(Item { status, whole })
    }

    /// Whether the vault ends a batch with it: it may pass, or the token counts no more.
    fn ends_a_batch(&self) -> bool {
        let problem = self.problem();
        problem.status == 401 || problem.may_pass()
    }

    fn problem(&self) -> Problem {
        let problem = Problem::deserialize(&self.whole["problem"]);
        Problem { status: self.status, ..problem.unwrap_or_else(|_| Problem::nameless()) }
    }
}

impl Problem {
    fn nameless() -> Problem {
        let word = String::new;
        Problem { status: 0, code: word(), title: word(), retryable: false, pointers: Json::Null }
    }

    /// Whether the same may succeed later.
    fn may_pass(&self) -> bool {
        self.retryable || matches!(self.status, 429 | 500..=599)
    }

    /// Whether it is about the caller or the vault, not about what is in the batch.
    fn stops(&self) -> bool {
        matches!(self.status, 401 | 403 | 404 | 405 | 413 | 415 | 422)
    }

    /// Whether nothing of this caller is taken for longer than an import waits.
    fn locks_out_for(&self, after: Duration) -> bool {
        self.status == 429 && after > IMPORT_PAUSE_MAX
    }

    fn in_words(&self) -> String {
        format!("{} ({}): {}", self.code, self.status, self.title)
    }

    fn refusal(&self, line: u64) -> Refusal {
        let (code, reason) = (self.code.clone(), self.title.clone());
        let (pointers, status) = (self.pointers.clone(), Some(self.status));
        Refusal { code, line, pointers, reason, status }
    }
}

impl Verdict {
    /// Takes what was said of the lines; gives those that may succeed later, and those of which nothing was said.
    fn take(&mut self, batch: &Batch, waiting: &[usize], items: Vec<Item>) -> Vec<usize> {
        let mut later = Vec::new();
        let unsaid = waiting.get(items.len()..).unwrap_or_default();
        for (place, mut item) in waiting.iter().zip(items) {
            let line = batch.lines[*place].number;
            if (200..300).contains(&item.status) {
                item.whole["line"] = line.into();
                self.stored.push((line, item.whole));
                continue;
            }
            let problem = item.problem();
            if problem.status == 401 {
                self.stop = Some(problem.in_words());
                later.push(*place);
            } else if problem.may_pass() {
                later.push(*place);
            } else {
                self.refused.push((*place, problem.refusal(line)));
            }
        }
        later.extend_from_slice(unsaid);
        later
    }

    /// How many bytes of input the lines have that are stored or refused.
    pub(super) fn settled_bytes(&self, batch: &Batch) -> u64 {
        let stored: BTreeSet<u64> = self.stored.iter().map(|(line, _)| *line).collect();
        let refused = self.refused.iter().map(|(place, _)| &batch.lines[*place]);
        let stored = batch.lines.iter().filter(|line| stored.contains(&line.number));
        refused.chain(stored).map(|line| line.line_bytes()).sum()
    }

    fn refuse_all(&mut self, batch: &Batch, waiting: &[usize], problem: &Problem) {
        let refused =
            waiting.iter().map(|place| (*place, problem.refusal(batch.lines[*place].number)));
        self.refused.extend(refused);
    }
}

#[cfg(test)]
mod tests;
