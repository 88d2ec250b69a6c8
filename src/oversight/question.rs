//! What an officer asks of the log: conditions that all hold, a time, a direction and a place to go on from.
//! Never a value of a resident: records and subjects come as their ids or handles, everything else is a code or an id.
//! What has not the form of its kind is no question.

use super::entry::LogEntry;
use super::index::{Clause, Kind};
use crate::access::ActorId;
use crate::ambient::Micros;
use crate::limits::{AUDIT_PAGE_COUNT_MAX, CURSOR_BYTES_MAX, SLUG_CHARACTERS_MAX};
use crate::records::{RecordId, RecordType, SubjectId, days_since_epoch, is_slug};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::Event;

/// The members of a question, in the order in which [`Question::parse`] takes them.
pub const QUESTION_WORDS: [&str; 24] = [
    "actor", "system", "about", "record", "subject", "grid", "purpose", "outcome", "why", "rule",
    "role", "task", "case", "event", "type", "field", "approval", "since", "until", "day", "from",
    "order", "limit", "cursor",
];

/// Longest text of a rule: role, slash, line or duty.
const RULE_CHARACTERS_MAX: usize = 2 * SLUG_CHARACTERS_MAX + 1;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub(super) clauses: Vec<Clause>,
    /// A record that the vault has to translate into its handle.
    pub(super) record: Option<RecordId>,
    /// The same for a subject.
    pub(super) subject: Option<SubjectId>,
    /// The actor whose acts are asked for.
    pub(super) actor: Option<ActorId>,
    pub(super) since: Option<u64>,
    pub(super) until: Option<u64>,
    /// First index.
    pub from: Option<u64>,
    pub(super) newest_first: bool,
    /// How many at most; not yet compared with any limit.
    pub limit: usize,
    pub(super) cursor: Option<String>,
    plain: bool,
}

impl Question {
    /// From the members of a query, in the order of [`QUESTION_WORDS`].
    ///
    /// # Errors
    /// The word of the first member that means nothing, or nothing beside the others.
    pub fn parse(
        members: [Option<String>; QUESTION_WORDS.len()],
    ) -> Result<Question, &'static str> {
        let plain = ["from", "limit"];
        let mut question = Question::all(AUDIT_PAGE_COUNT_MAX);
        let mut order = None;
        let given = QUESTION_WORDS.into_iter().zip(members);
        for (word, value) in given.filter_map(|(word, value)| Some((word, value?))) {
            question.plain &= plain.contains(&word);
            match word {
                "order" => order = Some(value),
                _ => question.take(word, value).ok_or(word)?,
            }
        }
        question.newest_first = match order.as_deref() {
            None => question.from.is_none(),
            Some("newest") => true,
            Some("oldest") => false,
            Some(_) => return Err("order"),
        };
        question.clauses.sort();
        Ok(question)
    }

    /// Everything, the newest first.
    pub(super) fn all(limit: usize) -> Question {
        Question {
            clauses: Vec::new(),
            record: None,
            subject: None,
            actor: None,
            since: None,
            until: None,
            from: None,
            newest_first: true,
            limit,
            cursor: None,
            plain: true,
        }
    }

    /// Whether it asks for nothing but a stretch of the log.
    pub fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether it begins at an end and not where a page before it ended.
    pub fn is_first_page(&self) -> bool {
        self.cursor.is_none()
    }

    /// Whether an entry has everything that is asked for.
    pub fn holds(&self, entry: &LogEntry) -> bool {
        self.since.is_none_or(|since| since <= entry.t)
            && self.until.is_none_or(|until| entry.t < until)
            && self.clauses.iter().all(|clause| clause.holds(entry))
    }

    /// What is asked, for whoever reads the answer later: conditions as entries write them, and times.
    pub(super) fn told(&self) -> serde_json::Value {
        let mut told = serde_json::Map::new();
        for Clause { kind, value } in &self.clauses {
            told.insert(format!("{kind:?}").to_lowercase(), serde_json::json!(value));
        }
        for (name, time) in [("since", self.since), ("until", self.until)] {
            let time = time.and_then(|time| i64::try_from(time).ok());
            if let Some(time) = time {
                told.insert(name.to_owned(), serde_json::json!(Micros(time).rfc3339()));
            }
        }
        serde_json::Value::Object(told)
    }

    /// Everything that is asked but where to begin and how much, for a cursor to be bound to.
    pub(super) fn digest(&self, call: &str) -> [u8; 32] {
        let mut asked = self.clone();
        (asked.cursor, asked.limit) = (None, 0);
        let text = format!("{call}\n{asked:?}");
        let mut digest = [0; 32];
        digest
            .copy_from_slice(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref());
        digest
    }

    fn take_day(&mut self, value: &str) -> Option<()> {
        if value.len() != 10 {
            return None;
        }
        let day: jiff::civil::Date = value.parse().ok()?;
        let day = days_since_epoch(day);
        let begin = u64::try_from(Micros::of_local_day(day).0).ok()?;
        let end = u64::try_from(Micros::of_local_day(day + 1).0).ok()?;
        // A day and a moment beside it would leave open which of them holds.
        if self.since.replace(begin).is_some() || self.until.is_some() {
            return None;
        }
        self.until = Some(end);
        Some(())
    }

    fn take(&mut self, word: &str, value: String) -> Option<()> {
        match word {
            "since" => self.since = Some(moment(&value)?),
            "until" => self.until = Some(moment(&value)?),
            "day" => self.take_day(&value)?,
            "from" => self.from = Some(value.parse().ok()?),
            "limit" => self.limit = value.parse().ok()?,
            "cursor" if value.len() <= CURSOR_BYTES_MAX => self.cursor = Some(value),
            _ => self.take_clause(word, value)?,
        }
        Some(())
    }

    fn take_clause(&mut self, word: &str, value: String) -> Option<()> {
        let kind = match word {
            "record" if value.len() == 36 => {
                self.record = Some(value.parse().ok()?);
                return Some(());
            }
            "subject" if value.len() == 36 => {
                self.subject = Some(value.parse().ok()?);
                return Some(());
            }
            "actor" => {
                self.actor = Some(value.parse().ok()?);
                id(Kind::Actor, &value)?
            }
            "system" => id(Kind::System, &value)?,
            "about" => id(Kind::About, &value)?,
            "record" => id(Kind::Record, &value)?,
            "subject" => id(Kind::Subject, &value)?,
            "task" => id(Kind::Task, &value)?,
            "case" => id(Kind::Case, &value)?,
            "approval" => id(Kind::Approval, &value)?,
            "grid" => area(&value)?,
            "purpose" => slug(Kind::Purpose, &value)?,
            "why" => slug(Kind::Why, &value)?,
            "role" => slug(Kind::Role, &value)?,
            "type" => value.parse::<RecordType>().ok().map(|_| Kind::Type)?,
            "field" => slug(Kind::Field, &value)?,
            "outcome" => ["success", "denied", "error", "aborted"]
                .contains(&&*value)
                .then_some(Kind::Outcome)?,
            "rule" => {
                (value.len() <= RULE_CHARACTERS_MAX && value.contains('/')).then_some(Kind::Rule)?
            }
            "event" => event(&value)?,
            _ => return None,
        };
        self.clauses.push(Clause { kind, value });
        Some(())
    }
}

/// 16 bytes in their one text form.
fn id(kind: Kind, value: &str) -> Option<Kind> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
    (bytes.len() == 16).then_some(kind)
}

fn slug(kind: Kind, value: &str) -> Option<Kind> {
    is_slug(value).then_some(kind)
}

fn area(value: &str) -> Option<Kind> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    (digits && [4, 6, 9, 12, 16].contains(&value.len())).then_some(Kind::Grid)
}

fn event(value: &str) -> Option<Kind> {
    if Event::ALL.iter().any(|event| event.family() == value) {
        return Some(Kind::Family);
    }
    let (family, action) = value.split_once('.')?;
    let known = |event: &Event| event.family() == family && event.action() == action;
    Event::ALL.iter().any(known).then_some(Kind::Event)
}

/// A moment in UTC (RFC 3339), as microseconds since 1970.
pub fn moment(value: &str) -> Option<u64> {
    if !value.ends_with('Z') {
        return None;
    }
    let moment: jiff::Timestamp = value.parse().ok()?;
    u64::try_from(moment.as_microsecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(members: &[(&str, &str)]) -> Option<Question> {
        let mut values = [const { None }; QUESTION_WORDS.len()];
        for (word, value) in members {
            let place = QUESTION_WORDS.iter().position(|known| known == word).expect("a word");
            values[place] = Some((*value).to_owned());
        }
        let question = Question::parse(values);
        // Of all that is asked here the last member is the one that means nothing.
        let last =
            QUESTION_WORDS.into_iter().rfind(|word| members.iter().any(|(one, _)| one == word));
        assert!(question.is_ok() || question.as_ref().err() == last.as_ref());
        question.ok()
    }

    #[test]
    fn every_kind_of_condition_is_taken_in_its_form_and_refused_in_another() {
        let id = "AQEBAQEBAQEBAQEBAQEBAQ";
        for (word, good, bad) in [
            ("actor", id, "AQEBAQEBAQEBAQEBAQEBAR"),
            ("system", id, "AQEB"),
            ("about", id, ""),
            ("record", id, "01921234-5678-7FFF-BFFF-FFFFFFFFFFFF"),
            ("record", "01921234-5678-7fff-bfff-ffffffffffff", "record"),
            ("subject", "01921234-5678-7fff-bfff-ffffffffffff", "0"),
            ("grid", "880102", "88010"),
            ("grid", "8801020010010001", "880102001001000x"),
            ("purpose", "residence_registration", "Residence"),
            ("outcome", "denied", "refused"),
            ("why", "out_of_territory", "out of territory"),
            ("rule", "grid_worker/3", "grid_worker"),
            ("event", "data", "date"),
            ("event", "data.read", "data.reads"),
            ("type", "person", "_"),
            ("type", "event", "null"),
            ("since", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05+08:00"),
            ("until", "2026-01-02T03:04:05.5Z", "yesterday"),
            ("day", "2026-01-02", "2026-1-2"),
            ("from", "7", "-1"),
            ("order", "oldest", "random"),
            ("limit", "7", "many"),
        ] {
            assert!(asked(&[(word, good)]).is_some(), "{word}={good}");
            assert!(asked(&[(word, bad)]).is_none(), "{word}={bad}");
        }
    }

    #[test]
    fn a_day_is_a_day_of_the_country_and_no_other_time_stands_beside_it() {
        let question = asked(&[("day", "2026-01-02")]).expect("a question");
        let moment = |text: &str| moment(text).expect("a moment");
        assert_eq!(question.since, Some(moment("2026-01-01T16:00:00Z")));
        assert_eq!(question.until, Some(moment("2026-01-02T16:00:00Z")));
        for other in ["since", "until"] {
            assert!(asked(&[("day", "2026-01-02"), (other, "2026-01-02T03:04:05Z")]).is_none());
        }
    }

    #[test]
    fn only_a_stretch_of_the_log_is_plain_and_searches_begin_with_the_newest() {
        assert!(asked(&[]).is_some_and(|question| question.is_plain()));
        assert!(
            asked(&[("from", "1"), ("limit", "2")]).is_some_and(|question| question.is_plain())
        );
        let searched = asked(&[("outcome", "denied")]).expect("a question");
        assert!(!searched.is_plain() && searched.newest_first);
        let from = asked(&[("outcome", "denied"), ("from", "3")]).expect("a question");
        assert!(!from.newest_first);
    }

    #[test]
    fn the_same_question_has_one_digest_whatever_its_page() {
        let one = asked(&[("outcome", "denied"), ("role", "mediator"), ("limit", "3")]);
        let same = asked(&[("role", "mediator"), ("outcome", "denied"), ("cursor", "AAAA")]);
        let other = asked(&[("role", "mediator")]);
        let digest = |question: &Option<Question>| question.as_ref().expect("one").digest("search");
        assert_eq!(digest(&one), digest(&same));
        assert_ne!(digest(&one), digest(&other));
        assert_ne!(digest(&one), one.as_ref().expect("one").digest("export"));
    }
}
