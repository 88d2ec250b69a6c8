//! Who looked: what the log says was done with what is held of one person, for that person.
//! Never an area, a record's id or another person: who did it is a role and an account, which officers can name. Nor that something is
//! left out: what roles of organs did, and what was done for a quiet purpose.
//! Comes after the entry of the look itself, whose proof it takes, and every line is compared with the log.

use super::entry::LogEntry;
use super::error::OversightError;
use super::index::{Clause, Index, Kind};
use super::question::{Question, moment};
use super::search::{Page, look_up};
use crate::access::{Access, ActorId};
use crate::ambient::Micros;
use crate::limits::{
    ACCESSES_ROUNDS_COUNT_MAX, AUDIT_PAGE_COUNT_MAX, CURSOR_BYTES_MAX, CURSOR_SECONDS,
};
use crate::purposes::PurposeSet;
use crate::records::{Handle, SubjectId};
use crate::seal::{CursorOwner, Seal};
use crate::trail::Recorded;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::LogReader;
use std::sync::Arc;

/// The members of a question, in the order in which [`AccessesQuestion::parse`] takes them.
pub const ACCESSES_WORDS: [&str; 4] = ["since", "until", "limit", "cursor"];

/// Which looks are asked for.
pub struct AccessesQuestion {
    since: Option<u64>,
    until: Option<u64>,
    limit: usize,
    cursor: Option<String>,
}

impl AccessesQuestion {
    /// From the members of a query, in the order of [`ACCESSES_WORDS`]; nothing where one has not its form.
    pub fn parse(members: [Option<String>; ACCESSES_WORDS.len()]) -> Option<AccessesQuestion> {
        let [since, until, limit, cursor] = members;
        let time = |text: Option<String>| match text {
            Some(text) => moment(&text).map(Some),
            None => Some(None),
        };
        let limit = limit.map_or(Ok(AUDIT_PAGE_COUNT_MAX), |text| text.parse()).ok()?;
        let fits = (1..=AUDIT_PAGE_COUNT_MAX).contains(&limit);
        let fits = fits && cursor.as_ref().is_none_or(|text| text.len() <= CURSOR_BYTES_MAX);
        fits.then_some(AccessesQuestion { since: time(since)?, until: time(until)?, limit, cursor })
    }

    /// Where the page begins; nothing for a cursor that does not lead on for this caller, this person and these times.
    pub fn begin(
        self,
        actor: ActorId,
        subject: SubjectId,
        now: Micros,
        seal: &Seal,
    ) -> Option<AccessesPlace> {
        let asked = format!("accesses\n{subject}\n{:?}\n{:?}", self.since, self.until);
        let digest = ring::digest::digest(&ring::digest::SHA256, asked.as_bytes());
        let mut question = [0; 32];
        question.copy_from_slice(digest.as_ref());
        let owner = CursorOwner { actor, question };
        let begin = match &self.cursor {
            None => None,
            Some(cursor) => {
                let position = seal.position(&owner, cursor, now)?;
                Some(u64::from_be_bytes(position.try_into().ok()?))
            }
        };
        Some(AccessesPlace { asked: self, owner, begin })
    }
}

/// A question that leads on.
pub struct AccessesPlace {
    asked: AccessesQuestion,
    owner: CursorOwner,
    begin: Option<u64>,
}

/// One look, or another act on what is held of the person.
#[derive(Debug, PartialEq, Eq)]
pub struct Look {
    /// The index of its entry.
    pub index: u64,
    /// When.
    pub at: Micros,
    /// Family and action.
    pub event: String,
    /// How it ended.
    pub outcome: String,
    /// As what somebody acted.
    pub role: Option<String>,
    /// Whose account it was.
    pub account: Option<String>,
    /// For which purpose.
    pub purpose: Option<String>,
    /// The type of the record.
    pub record_type: Option<String>,
    /// The fields, each with how it was seen, where it was seen.
    pub fields: Vec<(String, Option<String>)>,
    /// Of how many people it was a look, where it was a list or a household.
    pub people_count: u64,
}

/// A page of them, the newest first.
pub struct Looks {
    /// The lines.
    pub looks: Vec<Look>,
    /// Where to go on; nothing at the end.
    pub cursor: Option<String>,
    /// Entries that can be found: all below this index.
    pub indexed: u64,
    /// The first index that is kept: what lay below it was pruned when its retention was over.
    pub minimum: u64,
    /// The entry of this look.
    pub recorded: Recorded,
}

/// Finds who looked. `recorded` is the entry by which the person was told.
///
/// # Errors
/// What keeps index or log from being read.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn find_accesses(
    place: AccessesPlace,
    subject: Handle,
    recorded: Recorded,
    now: Micros,
    access: &Arc<Access>,
    purposes: &Arc<PurposeSet>,
    log: &LogReader,
    index: &Index,
    seal: &Seal,
) -> Result<Looks, OversightError> {
    let AccessesPlace { asked, owner, begin } = place;
    let question = Question::of_subject(subject, asked.since, asked.until);
    let _place = index.place().await;
    let (access, purposes) = (access.clone(), purposes.clone());
    let (log, index) = (log.clone(), index.clone());
    let gathered = tokio::task::spawn_blocking(move || {
        let is_told = |entry: &LogEntry| is_told(entry, &access, &purposes);
        gather(&question, begin, asked.limit, is_told, &log, &index)
    });
    let gathered = gathered.await.map_err(|_| OversightError::Broken)??;
    let ends = Micros(now.0.saturating_add(CURSOR_SECONDS * 1_000_000));
    let cursor = |next: u64| seal.cursor(&owner, &next.to_be_bytes(), Some(ends));
    let cursor = gathered.next.map(cursor).transpose()?;
    Ok(Looks {
        looks: gathered.looks,
        cursor: cursor.map(|cursor| cursor.as_str().to_owned()),
        indexed: gathered.indexed,
        minimum: gathered.minimum,
        recorded,
    })
}

/// What was found for a page.
struct Gathered {
    looks: Vec<Look>,
    next: Option<u64>,
    indexed: u64,
    minimum: u64,
}

/// Reads on until a page is full of what is told, or nothing is left. What is not told takes no place of a page: a short page would say
/// that, and when, somebody looked.
fn gather(
    question: &Question,
    mut begin: Option<u64>,
    limit: usize,
    is_told: impl Fn(&LogEntry) -> bool,
    log: &LogReader,
    index: &Index,
) -> Result<Gathered, OversightError> {
    let mut looks = Vec::new();
    for round in 1.. {
        let Page { entries, next, indexed, minimum, .. } = look_up(question, begin, log, index)?;
        for bytes in &entries {
            let entry = LogEntry::parse(bytes).ok_or(OversightError::Malformed)?;
            if is_told(&entry) {
                looks.push(Look::of(&entry));
            }
            if looks.len() == limit {
                let next = entry.seq.checked_sub(1).filter(|next| *next >= minimum);
                return Ok(Gathered { looks, next, indexed, minimum });
            }
        }
        if next.is_none() || round == ACCESSES_ROUNDS_COUNT_MAX {
            return Ok(Gathered { looks, next, indexed, minimum });
        }
        begin = next;
    }
    unreachable!("the last round returns")
}

/// Whether an entry is one of those that the person is told of: what was done with its data and consents, and what it was told. Not what
/// roles did that ask for organs, whose looks of every day and of a case the log does not tell apart (PIPL 18, 35), and not what was
/// done for a purpose that is quiet. What the policy does not know any more may have been either.
fn is_told(entry: &LogEntry, access: &Access, purposes: &PurposeSet) -> bool {
    let is_known_and_told = |id: &str| purposes.get(id).is_some_and(|purpose| !purpose.quiet);
    is_of_the_persons_data(&entry.ev, &entry.act)
        && entry.role.as_deref().is_none_or(|role| access.tells_of(role))
        && entry.pur.as_deref().is_none_or(is_known_and_told)
}

/// Of what is done for a person's rights, a hold and a protection are not its own to hear of.
fn is_of_the_persons_data(family: &str, act: &str) -> bool {
    match family {
        "data" | "consent" => true,
        "task" => act == "counter_check",
        "subject" => ["report", "accesses", "restrict", "erase", "certificate"].contains(&act),
        _ => false,
    }
}

impl Question {
    /// Everything that names somebody, the newest first.
    fn of_subject(subject: Handle, since: Option<u64>, until: Option<u64>) -> Question {
        let handle = BASE64_URL_SAFE_NO_PAD.encode(subject.as_bytes());
        let mut question = Question::all(AUDIT_PAGE_COUNT_MAX);
        (question.since, question.until) = (since, until);
        question.clauses.push(Clause { kind: Kind::Subject, value: handle });
        question
    }
}

impl Look {
    fn of(entry: &LogEntry) -> Look {
        let text =
            |text: &Option<compact_str::CompactString>| text.as_ref().map(ToString::to_string);
        let views = entry.view.iter().map(|view| Some(view.to_string()));
        let views = views.chain(std::iter::repeat(None));
        let named = entry.sub.len() as u64;
        Look {
            index: entry.seq,
            at: Micros(i64::try_from(entry.t).unwrap_or(i64::MAX)),
            event: entry.event().to_string(),
            outcome: entry.out.to_string(),
            role: text(&entry.role),
            account: text(&entry.who),
            purpose: text(&entry.pur),
            record_type: text(&entry.typ),
            fields: entry.fld.iter().map(ToString::to_string).zip(views).collect(),
            people_count: entry.n.unwrap_or(named).max(named),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(members: [Option<&str>; 4]) -> Option<AccessesQuestion> {
        AccessesQuestion::parse(members.map(|member| member.map(str::to_owned)))
    }

    #[test]
    fn a_question_has_moments_and_a_page_within_the_limit_and_no_other_form() {
        let time = "2026-01-05T00:00:00Z";
        assert!(parsed([None; 4]).is_some());
        assert!(parsed([Some(time), Some(time), Some("100"), Some("x")]).is_some());
        for wrong in [
            [Some("2026-01-05"), None, None, None],
            [None, Some("yesterday"), None, None],
            [None, None, Some("0"), None],
            [None, None, Some("101"), None],
        ] {
            assert!(parsed(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn neither_a_hold_nor_a_protection_nor_work_over_a_person_is_told() {
        for told in
            ["data.read", "data.match", "consent.withdraw", "subject.report", "task.counter_check"]
        {
            let (family, act) = told.split_once('.').expect("a family and an act");
            assert!(is_of_the_persons_data(family, act), "{told}");
        }
        for kept in
            ["subject.hold", "subject.protect", "subject.release", "task.create", "audit.search"]
        {
            let (family, act) = kept.split_once('.').expect("a family and an act");
            assert!(!is_of_the_persons_data(family, act), "{kept}");
        }
    }

    #[test]
    fn a_line_says_who_when_why_and_what_and_nothing_of_where_or_of_others() {
        let bytes = br#"{"act":"query","apr":"AAAAAAAAAAAAAAAAAAAAAA","ev":"data","fld":["name","phone"],"grid":"8801020010010001","n":40,"out":"success","pur":"residence_registration","rec":["BBBBBBBBBBBBBBBBBBBBBA"],"role":"grid_worker","scope":"8801020010010001","seq":7,"sub":["CCCCCCCCCCCCCCCCCCCCCA"],"t":1767571200000000,"typ":"person","view":["masked","raw"],"who":"DDDDDDDDDDDDDDDDDDDDDA"}"#;
        let look = Look::of(&LogEntry::parse(bytes).expect("an entry"));
        let told = format!("{look:?}");
        assert_eq!((look.index, &*look.event, &*look.outcome), (7, "data.query", "success"));
        assert_eq!(look.role.as_deref(), Some("grid_worker"));
        assert_eq!(look.account.as_deref(), Some("DDDDDDDDDDDDDDDDDDDDDA"));
        let seen = |field: &str, view: &str| (field.to_owned(), Some(view.to_owned()));
        assert_eq!(look.fields, [seen("name", "masked"), seen("phone", "raw")]);
        assert_eq!(look.people_count, 40);
        for hidden in ["8801", "BBBB", "CCCC", "AAAA"] {
            assert!(!told.contains(hidden), "{told}");
        }
    }
}
