//! The report of a period for officers: what was done and refused, what was out of the ordinary, what is looked into and put
//! right, and whether the log is whole. Never a name, a grid or a count of residents: acts of staff accounts alone.
//! Its digest is in the entry that lets it out, so a page that was changed later shows.

mod html;

pub use html::page;

use super::anomalies::{Anomalies, AnomalyState, RuleName};
use super::error::{OversightError, record};
use super::index::{Clause, Index, Kind};
use super::officer::Officer;
use super::reviews::{Item, ItemState, Outcome, ReviewState, Reviews};
use super::tally::{Period, count};
use crate::access::{Access, Code, Duty, Fact};
use crate::ambient::Micros;
use crate::limits::REPORT_ITEMS_COUNT_MAX;
use crate::oversight::entries::TheLog;
use crate::purposes::PurposeSet;
use crate::trail::{Recorded, Trail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::{Event, LogReader};
use serde::Serialize;
use std::collections::BTreeMap;

/// A count for each word.
type Counts = BTreeMap<String, u64>;

/// A report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Its beginning.
    pub since: String,
    /// Its end, exclusive.
    pub until: String,
    /// When it was made.
    pub made_at: String,
    /// Entries of the period.
    pub entries: EntryCounts,
    /// Refusals of the period, by reason.
    pub denials: Counts,
    /// Anomalies of the period, by rule and by what became of them.
    pub anomalies: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Reviews.
    pub reviews: ReviewCounts,
    /// What is to be put right.
    pub rectifications: ItemCounts,
    /// Whether the log is whole, and how far it was looked through.
    pub integrity: Integrity,
}

/// Entries, by what they say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryCounts {
    /// All.
    pub total: u64,
    /// By family and action.
    pub by_event: Counts,
    /// By outcome.
    pub by_outcome: Counts,
    /// By the role that carried the decision.
    pub by_role: Counts,
    /// By purpose.
    pub by_purpose: Counts,
}

/// Reviews of the period, and those that wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReviewCounts {
    /// Opened in the period.
    pub opened: u64,
    /// Closed in the period, by what was found.
    pub closed: BTreeMap<&'static str, u64>,
    /// Not closed when the report was made, by state.
    pub waiting: BTreeMap<&'static str, u64>,
}

/// What is to be put right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ItemCounts {
    /// Named in the period.
    pub named: u64,
    /// Found done in the period.
    pub settled: u64,
    /// When the report was made, by state.
    pub now: BTreeMap<&'static str, u64>,
    /// The overdue ones, the oldest first; no more than a page of them.
    pub overdue: Vec<OverdueItem>,
}

/// Something whose day is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OverdueItem {
    /// The item.
    pub item: String,
    /// The review that it came from.
    pub review: String,
    /// Who has to do it: an actor's id or an organ's code.
    pub owner: String,
    /// Its day.
    pub due: String,
}

/// The state of the log and of what is derived from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Integrity {
    /// Origin of the log.
    pub origin: String,
    /// Published entries.
    pub size: u64,
    /// Root hash over them, base64url (RFC 6962 section 2.1).
    pub root: String,
    /// Whether witnesses have cosigned it within the time that the vault allows.
    pub witnessed: bool,
    /// Age of the oldest entry that no quorum of witnesses has cosigned, in seconds; nothing where all are, or none has to be.
    pub unwitnessed_seconds: Option<u64>,
    /// Entries that were counted: all below this index.
    pub indexed: u64,
    /// Entries of the log that are none.
    pub unreadable: u64,
    /// Entries that were looked at for anomalies: all below this index.
    pub anomalies_through: u64,
}

/// A report that may leave.
pub struct Reported {
    /// The report.
    pub report: Report,
    /// SHA-256 over its JSON, as it is written in the answer.
    pub digest: [u8; 32],
    /// The entry.
    pub recorded: Recorded,
}

/// Makes the report of a period.
///
/// # Errors
/// `denied` without the duty, `schema_invalid` for a period that ends before it begins, `too_large` for one with too many entries.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn report(
    officer: Officer<'_>,
    period: Period,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
    index: &Index,
    anomalies: &Anomalies,
    reviews: &Reviews,
    purposes: &PurposeSet,
) -> Result<Reported, OversightError> {
    let permit = officer.permit(Duty::AuditReport, TheLog, access, trail).await?;
    if period.since >= period.until {
        return Err(officer.turn_away(Code::SchemaInvalid, access, trail).await);
    }
    let words = Words {
        roles: access.with_policy(|policy| {
            policy.roles().iter().map(|role| role.id.as_str().to_owned()).collect()
        }),
        purposes: purposes.iter().map(|purpose| purpose.id.as_str().to_owned()).collect(),
    };
    let integrity = integrity(trail, log, index, anomalies)?;
    let through = integrity.indexed;
    let counted = {
        let _place = index.place().await;
        let index = index.clone();
        let counting = move || words.counts(&index, period, through);
        tokio::task::spawn_blocking(counting).await.map_err(|_| OversightError::Broken)?
    };
    let (entries, denials) = match counted {
        Err(OversightError::TooMuch) => {
            return Err(officer.turn_away(Code::TooLarge, access, trail).await);
        }
        other => other?,
    };
    let moment = |at: u64| Micros(i64::try_from(at).unwrap_or(i64::MAX)).rfc3339();
    let report = Report {
        since: moment(period.since),
        until: moment(period.until),
        made_at: officer.now.rfc3339(),
        entries,
        denials,
        anomalies: of_anomalies(period, anomalies, reviews),
        reviews: of_reviews(period, reviews),
        rectifications: of_items(period, officer.today(), reviews),
        integrity,
    };
    let bytes = serde_json::to_vec(&report).map_err(|_| OversightError::Malformed)?;
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, &bytes).as_ref());
    let permit = permit
        .stating("since", Fact::Number(period.since))
        .stating("until", Fact::Number(period.until))
        .sealing(digest);
    let standing = officer.actor.standing();
    let recorded = record(permit, standing, officer.origin, access, trail).await?;
    Ok(Reported { report, digest, recorded })
}

fn integrity(
    trail: &Trail,
    log: &LogReader,
    index: &Index,
    anomalies: &Anomalies,
) -> Result<Integrity, OversightError> {
    let size = log.size()?;
    Ok(Integrity {
        origin: trail.origin().to_owned(),
        size,
        root: BASE64_URL_SAFE_NO_PAD.encode(log.root(size)?),
        witnessed: trail.is_witnessed(),
        unwitnessed_seconds: trail.witness_lag().map(|lag| lag.as_secs()),
        indexed: index.state().indexed.min(size),
        unreadable: index.unreadable_count(),
        anomalies_through: anomalies.state().through,
    })
}

/// The words that entries are counted by.
struct Words {
    roles: Vec<String>,
    purposes: Vec<String>,
}

impl Words {
    fn counts(
        &self,
        index: &Index,
        period: Period,
        through: u64,
    ) -> Result<(EntryCounts, Counts), OversightError> {
        let of = |kind: Kind, words: &mut dyn Iterator<Item = String>| {
            let mut counts = Counts::new();
            for value in words {
                let clause = Clause { kind, value };
                let count = count(index, std::slice::from_ref(&clause), period, through)?;
                if count > 0 {
                    counts.insert(clause.value, count);
                }
            }
            Ok::<Counts, OversightError>(counts)
        };
        let mut events =
            Event::ALL.iter().map(|event| format!("{}.{}", event.family(), event.action()));
        let mut outcomes = ["success", "denied", "error", "aborted"].into_iter().map(str::to_owned);
        let mut reasons = Code::ALL.iter().map(|code| code.as_str().to_owned());
        let entries = EntryCounts {
            total: count(index, &[], period, through)?,
            by_event: of(Kind::Event, &mut events)?,
            by_outcome: of(Kind::Outcome, &mut outcomes)?,
            by_role: of(Kind::Role, &mut self.roles.iter().cloned())?,
            by_purpose: of(Kind::Purpose, &mut self.purposes.iter().cloned())?,
        };
        Ok((entries, of(Kind::Why, &mut reasons)?))
    }
}

fn of_anomalies(
    period: Period,
    anomalies: &Anomalies,
    reviews: &Reviews,
) -> BTreeMap<&'static str, BTreeMap<&'static str, u64>> {
    let mut counts = BTreeMap::new();
    for rule in RuleName::ALL {
        let states = AnomalyState::ALL.into_iter().map(|state| (state.as_str(), 0));
        counts.insert(rule.as_str(), states.collect::<BTreeMap<_, u64>>());
    }
    anomalies.walk_back(None, |_, anomaly| {
        if (period.since..period.until).contains(&anomaly.at) {
            let state = AnomalyState::of(reviews.of(&anomaly.id).as_deref());
            *counts.entry(anomaly.rule.as_str()).or_default().entry(state.as_str()).or_default() +=
                1;
        }
        // By the log's order, so whatever is older is before the period.
        anomaly.at >= period.since
    });
    counts
}

fn is_in(period: Period, at: i64) -> bool {
    u64::try_from(at).is_ok_and(|at| (period.since..period.until).contains(&at))
}

fn of_reviews(period: Period, reviews: &Reviews) -> ReviewCounts {
    let mut counts = ReviewCounts::default();
    counts.closed.extend(Outcome::ALL.map(|outcome| (outcome.as_str(), 0)));
    let waiting = ReviewState::ALL.into_iter().filter(|state| *state != ReviewState::Closed);
    counts.waiting.extend(waiting.map(|state| (state.as_str(), 0)));
    reviews.walk_back(None, |review| {
        counts.opened += u64::from(is_in(period, review.opened.at));
        match review.closed {
            Some(closed) if is_in(period, closed.step.at) => {
                *counts.closed.entry(closed.outcome.as_str()).or_default() += 1;
            }
            Some(_) => {}
            None => *counts.waiting.entry(review.state().as_str()).or_default() += 1,
        }
        true
    });
    counts
}

fn of_items(period: Period, today: i32, reviews: &Reviews) -> ItemCounts {
    let mut counts = ItemCounts::default();
    counts.now.extend(ItemState::ALL.map(|state| (state.as_str(), 0)));
    reviews.walk_items(None, |item, _| {
        counts.add(item, period, today);
        true
    });
    counts
}

impl ItemCounts {
    /// Counts one, and names it where it is overdue and there is room.
    fn add(&mut self, item: &Item, period: Period, today: i32) {
        self.named += u64::from(is_in(period, item.named.at));
        let settled = item.settled.as_ref();
        self.settled += u64::from(settled.is_some_and(|done| is_in(period, done.step.at)));
        let state = item.state(today);
        *self.now.entry(state.as_str()).or_default() += 1;
        if state == ItemState::Overdue && self.overdue.len() < REPORT_ITEMS_COUNT_MAX {
            self.overdue.push(OverdueItem {
                item: item.id.to_string(),
                review: item.review.to_string(),
                owner: item.owner.to_string(),
                due: crate::ambient::date_of(item.due).to_string(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ids::{ItemId, ReviewId};
    use super::super::reviews::{ItemOwner, Step};
    use super::*;
    use crate::access::ActorId;

    #[test]
    fn a_report_names_a_page_of_overdue_things_and_counts_all() {
        let named = Step { by: ActorId::from_bytes([1; 16]), at: 7 };
        let item = Item {
            id: ItemId([1; 16]),
            review: ReviewId([2; 16]),
            owner: ItemOwner::Organ("street_office".to_owned()),
            due: 1,
            named,
            text: String::new(),
            settled: None,
        };
        let period = Period { since: 7, until: 8 };
        let mut counts = ItemCounts::default();
        for number in 1..=REPORT_ITEMS_COUNT_MAX as u64 + 1 {
            counts.add(&item, period, 2);
            assert_eq!(counts.now["overdue"], number);
            assert_eq!(counts.named, number);
            assert_eq!(counts.overdue.len() as u64, number.min(REPORT_ITEMS_COUNT_MAX as u64));
        }
    }
}
