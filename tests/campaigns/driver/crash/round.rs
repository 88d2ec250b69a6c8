//! One round's judgement: from the client's list, through the log, to every record that was touched.
//! Never takes the vault's word where the list or the log has one.
//! What was under way is there whole or not at all, in the records as in the log.

use super::examiners::Question;
use super::judge::{Judge, Owed, Verdict, compare, expected, follow, is_write, probe, send_all};
use super::list::{Answer, Attempt, Said, Tried};
use super::load::{read_of, write_of};
use super::model::{Chain, Record, numbers_of};
use crate::client::{Ask, Client, Receipt, receipt};
use crate::dice::Dice;
use crate::fault::Fault;
use crate::log::{Entry, entries};
use crate::page::Page;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// Records of earlier rounds that are read again in each round.
const SAMPLE_RECORDS_COUNT: usize = 60;
/// Failures of one round that are kept word for word.
const FAILURES_COUNT_MAX: usize = 20;

/// An attempt that was under way.
struct Pending {
    thread: usize,
    attempt: Attempt,
    said: Option<Said>,
    is_whole: bool,
}

/// One round's work.
pub struct Round<'a> {
    judge: &'a mut Judge,
    page: &'a Page,
    client: Client,
    verdict: Verdict,
    touched: BTreeSet<String>,
    pending: Vec<Pending>,
    questions: Vec<Question>,
    /// Creations in the log that nobody was told of, by event and grid.
    untold: HashMap<(String, String), u64>,
}

impl<'a> Round<'a> {
    /// A round of a vault that serves.
    pub fn new(judge: &'a mut Judge, page: &'a Page) -> Round<'a> {
        Round {
            judge,
            page,
            client: Client::new(&page.url),
            verdict: Verdict::default(),
            touched: BTreeSet::new(),
            pending: Vec::new(),
            questions: Vec::new(),
            untold: HashMap::new(),
        }
    }

    /// Judges what was tried. With `everything`, every record is read again.
    pub fn judge(
        mut self,
        tried: Vec<Tried>,
        dice: &mut Dice,
        everything: bool,
    ) -> Result<Verdict, Fault> {
        for one in tried {
            self.take(one);
        }
        self.walk()?;
        let settled = self.settle()?;
        self.repeat(settled)?;
        // Again, for what the repetitions wrote: nothing but what was answered as written.
        self.walk()?;
        self.find_untold();
        self.look(dice, everything)?;
        Ok(self.verdict)
    }

    fn fail(&mut self, what: String) {
        if self.verdict.failures.len() < FAILURES_COUNT_MAX {
            self.verdict.failures.push(what);
        }
    }

    /// Takes one line of the list: an acknowledged write becomes what must be there.
    fn take(&mut self, tried: Tried) {
        let Tried { thread, attempt, said, answer } = tried;
        let Some(answer) = answer else {
            self.verdict.under_way += 1;
            self.pending.push(Pending { thread, attempt, said, is_whole: false });
            return;
        };
        self.verdict.acknowledged += 1;
        let (status, event) = expected(&attempt);
        if answer.status != status {
            let (code, pointers) = (&answer.body["code"], &answer.body["pointers"]);
            let index = &answer.body["audit_index"];
            self.fail(format!(
                "{attempt:?} was answered {} {code} {pointers} (entry {index})",
                answer.status
            ));
            return;
        }
        let mut records = self.judge.model.apply(thread, &attempt, &answer);
        self.touched.extend(records.iter().cloned());
        match &attempt {
            Attempt::Denial { .. } => {
                match answer.body["audit_index"].as_u64() {
                    Some(index) => self.judge.owe(index, None, event, records),
                    None => self.fail(format!("{attempt:?} was refused without an entry")),
                }
                return;
            }
            Attempt::Match { value } if answer.body["held"] != true => {
                self.fail(format!("{value} was held and is told not to be"));
            }
            Attempt::Read { id, .. } => {
                records.push(id.clone());
                if let Some(record) = self.judge.model.records.get(id)
                    && let Err(difference) = compare(record, &answer.body)
                {
                    self.fail(format!("a read of {id} under load: {difference}"));
                }
            }
            _ => {}
        }
        match receipt(&answer.body) {
            Some(Receipt { index, leaf }) => self.judge.owe(index, Some(leaf), event, records),
            None => self.fail(format!("{attempt:?} was answered without a receipt")),
        }
    }

    /// Holds the log against what was told, and finds what was written and never told.
    fn walk(&mut self) -> Result<(), Fault> {
        let last = probe(self.page, &self.client)?;
        let first = self.judge.model.next_index;
        let walked = entries(self.page, first, last)?;
        let by_index: HashMap<u64, &Entry> =
            walked.iter().map(|entry| (entry.index, entry)).collect();
        let mut told = BTreeSet::new();
        for owed in std::mem::take(&mut self.judge.owed) {
            told.insert(owed.index);
            let found = by_index.get(&owed.index);
            if let Err(fault) = self.hold(&owed, found.copied()) {
                self.fail(fault);
            }
        }
        for entry in &walked {
            if let Err(fault) = follow(&mut self.judge.model, entry) {
                self.fail(fault);
            }
            if is_write(entry) && !told.contains(&entry.index) {
                self.claim(entry);
            }
        }
        self.judge.model.next_index = last + 1;
        Ok(())
    }

    /// An entry that was promised: its leaf, its event, its records.
    fn hold(&mut self, owed: &Owed, found: Option<&Entry>) -> Result<(), String> {
        let index = owed.index;
        let entry = found.ok_or(format!("entry {index} of a receipt is not in the log"))?;
        if owed.leaf.is_some_and(|leaf| leaf != entry.leaf) {
            return Err(format!("entry {index} has another leaf hash than its receipt"));
        }
        let outcome = if owed.leaf.is_some() { "success" } else { "denied" };
        if entry.event() != owed.event || entry.text("out") != outcome {
            return Err(format!("entry {index} is {}, not {}", entry.event(), owed.event));
        }
        let handles = entry.handles();
        if handles.len() != owed.records.len() && !owed.records.is_empty() {
            return Err(format!("entry {index} names {} records", handles.len()));
        }
        for (id, handle) in std::iter::zip(&owed.records, handles) {
            let Some(record) = self.judge.model.records.get_mut(id) else { continue };
            if *record.handle.get_or_insert(handle.clone()) != handle {
                return Err(format!("entry {index} names another record than {id}"));
            }
        }
        Ok(())
    }

    /// A write that nobody was told of must be one that was under way.
    fn claim(&mut self, entry: &Entry) {
        let event = entry.event();
        if event == "data.create" || event == "data.household" {
            *self.untold.entry((event, entry.text("grid").to_owned())).or_default() += 1;
            return;
        }
        let handle = entry.handles().into_iter().next();
        let before = entry.versions().map(|(before, _)| before);
        let records = &self.judge.model.records;
        let is_it = |pending: &&mut Pending| {
            let (id, version, name) = match &pending.attempt {
                Attempt::Patch { id, version, .. } => (id, *version, "data.update"),
                Attempt::Delete { id, version } => (id, *version, "data.delete"),
                _ => return false,
            };
            let known = records.get(id).and_then(|record| record.handle.clone());
            name == event && Some(version) == before && known.is_some() && known == handle
        };
        match self.pending.iter_mut().find(is_it) {
            Some(pending) => pending.is_whole = true,
            None => self.fail(format!("entry {} is a {event} that nobody asked for", entry.index)),
        }
    }

    /// What was under way is there whole or not at all; from here on the model says which.
    fn settle(&mut self) -> Result<Vec<Pending>, Fault> {
        let mut settled = std::mem::take(&mut self.pending);
        for pending in &mut settled {
            match &pending.attempt {
                Attempt::Patch { id, version, fields } => {
                    self.touched.insert(id.clone());
                    self.count(pending.is_whole);
                    let grid = self.judge.model.records.get(id).map(|record| record.grid.clone());
                    if pending.is_whole {
                        self.judge.model.patch(id, *version, fields);
                    } else if let (Some(number), Some(grid)) = (fields.get("id_number"), grid) {
                        let number = number.as_str().unwrap_or_default();
                        if self.is_held(&grid, number)? {
                            self.fail(format!("{number} is held, and its change is not there"));
                        }
                    }
                }
                Attempt::Delete { id, .. } => {
                    self.touched.insert(id.clone());
                    self.count(pending.is_whole);
                    if pending.is_whole {
                        self.judge.model.remove(id);
                    }
                }
                Attempt::Create { body } | Attempt::Household { body } => {
                    pending.is_whole = self.settle_creation(pending, body)?;
                }
                Attempt::Read { .. } | Attempt::Match { .. } | Attempt::Denial { .. } => {}
            }
        }
        Ok(settled)
    }

    /// Every creation of the log is one that was told, or one that was under way.
    fn find_untold(&mut self) {
        let untold: Vec<_> = self.untold.iter().filter(|(_, count)| **count > 0).collect();
        let lines: Vec<String> = untold
            .iter()
            .map(|((event, grid), count)| {
                format!("{count} entries {event} in {grid} have no record that was under way")
            })
            .collect();
        lines.into_iter().for_each(|line| self.fail(line));
    }

    /// Says every write that was under way once more, under its key. One that is there is answered as it was then, and its
    /// receipt names the entry that it has; one that is not is done now. So each is stored once.
    fn repeat(&mut self, settled: Vec<Pending>) -> Result<(), Fault> {
        for Pending { thread, attempt, said, is_whole } in settled {
            let Some(said) = said else { continue };
            let records = &self.judge.model.records;
            let Some(ask) = write_of(self.page, &attempt, &said, records)? else { continue };
            let reply = self.client.send(&ask)?;
            let is_kept = reply.head.lines().any(|line| line == "idempotent-replayed: true");
            let answer = Answer { status: reply.status, body: reply.json() };
            let (status, event) = expected(&attempt);
            let found = receipt(&answer.body).filter(|_| answer.status == status);
            let Some(Receipt { index, leaf }) = found.filter(|_| is_kept == is_whole) else {
                self.fail(format!(
                    "{attempt:?} is there: {is_whole}, and said again under {} it was answered {} {}, as before: {is_kept}",
                    said.key, answer.status, answer.body["code"]
                ));
                continue;
            };
            let records = match &attempt {
                // The model has it already.
                Attempt::Patch { id, .. } | Attempt::Delete { id, .. } if is_whole => {
                    vec![id.clone()]
                }
                _ => self.judge.model.apply(thread, &attempt, &answer),
            };
            self.touched.extend(records.iter().cloned());
            if !is_whole {
                self.judge.owe(index, Some(leaf), event, records);
                continue;
            }
            let written = entries(self.page, index, index)?;
            let owed = Owed { index, leaf: Some(leaf), event, records };
            if let Err(fault) = self.hold(&owed, written.first()) {
                self.fail(format!("said again under {}: {fault}", said.key));
            }
        }
        Ok(())
    }

    /// Whether a number is held in a grid.
    fn is_held(&mut self, grid: &str, number: &str) -> Result<bool, Fault> {
        let examiners = &mut self.judge.examiners;
        let question = examiners.question(self.page, &self.client, grid, number, None)?;
        self.verdict.looked_at += 1;
        Ok(self.client.must(&question.ask, 200)?["held"] == true)
    }

    /// Its id was never told, so its numbers say whether it is there: all of them or none.
    fn settle_creation(&mut self, pending: &Pending, body: &Value) -> Result<bool, Fault> {
        let grid = body["grid"].as_str().unwrap_or_default().to_owned();
        let mut held = Vec::new();
        for number in numbers_of(body) {
            held.push(self.is_held(&grid, &number)?);
        }
        let some = held.contains(&true);
        if held.contains(&false) && some {
            self.fail(format!("half of a household is there (thread {})", pending.thread));
        }
        self.count(some);
        let (_, event) = expected(&pending.attempt);
        let untold = self.untold.entry((event.to_owned(), grid)).or_default();
        match (some, *untold) {
            (true, 0) => {
                self.fail(format!("a write of thread {} has no entry", pending.thread));
            }
            (true, _) => *untold -= 1,
            (false, _) => {}
        }
        Ok(some)
    }

    fn count(&mut self, is_whole: bool) {
        if is_whole {
            self.verdict.whole += 1;
        } else {
            self.verdict.absent += 1;
        }
    }

    /// Reads every touched record and some of the others, and asks for their numbers.
    fn look(&mut self, dice: &mut Dice, everything: bool) -> Result<(), Fault> {
        let ids: Vec<String> = self.judge.model.records.keys().cloned().collect();
        if everything {
            self.touched.extend(ids);
        } else if !ids.is_empty() {
            let some = (0..SAMPLE_RECORDS_COUNT).map(|_| dice.one_of(&ids).clone());
            self.touched.extend(some.collect::<Vec<_>>());
        }
        for (grid, number) in std::mem::take(&mut self.judge.model.gone) {
            let examiners = &mut self.judge.examiners;
            let gone = examiners.question(self.page, &self.client, &grid, &number, Some(false))?;
            self.questions.push(gone);
        }
        let mut reads = Vec::new();
        for id in std::mem::take(&mut self.touched) {
            let Judge { model, examiners, .. } = &mut *self.judge;
            let Some(record) = model.records.get(&id) else { continue };
            let versions = check_version(&id, record, &model.chain);
            let grid = &record.grid;
            // A record that is gone is a refusal, and whoever is refused too often is locked out.
            let token = match record.is_live {
                true => self.page.token("grid_head", Some(grid))?.to_owned(),
                false => examiners.token(self.page, &self.client, grid)?,
            };
            reads.push((id.clone(), read_of(&id, record, &token)));
            if let Some(number) = &record.id_number {
                let mut held =
                    examiners.question(self.page, &self.client, grid, number, Some(true))?;
                held.record = Some(id);
                self.questions.push(held);
            }
            if let Err(difference) = versions {
                self.fail(difference);
            }
        }
        self.read_all(&reads)?;
        self.ask_all()
    }

    fn read_all(&mut self, reads: &[(String, Ask)]) -> Result<(), Fault> {
        self.verdict.looked_at += reads.len() as u64;
        let asks: Vec<&Ask> = reads.iter().map(|(_, ask)| ask).collect();
        let replies = send_all(&self.page.url, &asks)?;
        for ((id, _), reply) in std::iter::zip(reads, replies) {
            let Some(record) = self.judge.model.records.get(id) else { continue };
            let answer = reply.json();
            let outcome = match (record.is_live, reply.status) {
                (true, 200) => compare(record, &answer),
                (false, 410) => Ok(()),
                (is_live, status) => {
                    let code = &answer["code"];
                    Err(format!("is live: {is_live}, and is answered {status} {code}"))
                }
            };
            if let Err(difference) = outcome {
                let kind = record.kind;
                self.fail(format!("{kind} {id}: {difference}"));
            }
            if let Some(Receipt { index, leaf }) = receipt(&answer) {
                self.judge.owe(index, Some(leaf), "data.read", vec![id.clone()]);
            }
        }
        Ok(())
    }

    fn ask_all(&mut self) -> Result<(), Fault> {
        let questions = std::mem::take(&mut self.questions);
        self.verdict.looked_at += questions.len() as u64;
        let asks: Vec<&Ask> = questions.iter().map(|question| &question.ask).collect();
        let replies = send_all(&self.page.url, &asks)?;
        self.judge.matched.clear();
        for (question, reply) in std::iter::zip(questions, replies) {
            let answer = reply.json();
            let held = answer["held"].as_bool();
            if reply.status != 200 || (question.held.is_some() && held != question.held) {
                self.fail(format!(
                    "{} must be held: {:?}, and is answered {} {held:?} {}",
                    question.value, question.held, reply.status, answer["code"]
                ));
            }
            if let Some(Receipt { index, leaf }) = receipt(&answer) {
                self.judge.owe(index, Some(leaf), "data.match", Vec::new());
            }
            let Some(id) = question.record else { continue };
            let Some(record) = self.judge.model.records.get(&id) else { continue };
            let of_thread = self.judge.matched.entry(record.thread).or_default();
            of_thread.push((id, question.value, question.token));
        }
        Ok(())
    }
}

/// The log's last word about a record is its version.
fn check_version(id: &str, record: &Record, chain: &Chain) -> Result<(), String> {
    let handle = record.handle.as_ref().ok_or(format!("{id} was never named in the log"))?;
    let said = chain.get(handle).copied();
    if said == Some((record.version, !record.is_live)) {
        return Ok(());
    }
    Err(format!("{id} has version {}, and the log says {said:?}", record.version))
}
