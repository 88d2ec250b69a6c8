//! Lists anomalies, the newest first, with what became of each.
//! Never by how many somebody has: the order is that of time, and the entry of the list names the account that was asked for.
//! What it shows follows from the log and from the reviews as they are now.

use super::super::entries::TheLog;
use super::super::error::{OversightError, record};
use super::super::officer::Officer;
use super::super::reviews::{Review, ReviewState, Reviews};
use super::{Anomalies, AnomaliesState, Anomaly, RuleName};
use crate::access::{Access, ActorId, Code, Duty};
use crate::limits::AUDIT_PAGE_COUNT_MAX;
use crate::trail::{Recorded, Trail};
use gridvault_audit::LogReader;
use std::sync::Arc;

/// What became of an anomaly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnomalyState {
    /// Nobody looked at it yet.
    New,
    /// It is under review.
    InReview,
    /// Its review is closed.
    Closed,
}

impl AnomalyState {
    /// All.
    pub const ALL: [AnomalyState; 3] =
        [AnomalyState::New, AnomalyState::InReview, AnomalyState::Closed];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            AnomalyState::New => "new",
            AnomalyState::InReview => "in_review",
            AnomalyState::Closed => "closed",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<AnomalyState> {
        AnomalyState::ALL.into_iter().find(|state| state.as_str() == word)
    }

    pub(in super::super) fn of(review: Option<&Review>) -> AnomalyState {
        match review.map(Review::state) {
            None => AnomalyState::New,
            Some(ReviewState::Closed) => AnomalyState::Closed,
            Some(_) => AnomalyState::InReview,
        }
    }
}

/// Which anomalies are asked for.
#[derive(Clone, Debug, Default)]
pub struct AnomaliesQuestion {
    /// Of one rule.
    pub rule: Option<RuleName>,
    /// Of one account.
    pub actor: Option<ActorId>,
    /// In one state.
    pub state: Option<AnomalyState>,
    /// Not before, in microseconds since 1970.
    pub since: Option<u64>,
    /// Before.
    pub until: Option<u64>,
    /// How many at most; not yet compared with any limit.
    pub limit: usize,
    /// Those before this number of the list.
    pub before: Option<u64>,
}

/// An anomaly and what became of it.
pub struct Told {
    /// The anomaly.
    pub anomaly: Arc<Anomaly>,
    /// Its review, if it has one.
    pub review: Option<Arc<Review>>,
    /// What became of it.
    pub state: AnomalyState,
}

/// A page of anomalies.
pub struct AnomaliesFound {
    /// The anomalies, the newest first.
    pub anomalies: Vec<Told>,
    /// Where it goes on: before this number.
    pub next: Option<u64>,
    /// How far the search is.
    pub state: AnomaliesState,
    /// Entries that are published.
    pub size: u64,
    /// The entry.
    pub recorded: Recorded,
}

/// Lists anomalies.
///
/// # Errors
/// `denied` without the duty, `schema_invalid` for a page above the limit.
pub async fn list_anomalies(
    officer: Officer<'_>,
    question: AnomaliesQuestion,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
    anomalies: &Anomalies,
    reviews: &Reviews,
) -> Result<AnomaliesFound, OversightError> {
    let mut permit = officer.permit(Duty::AuditAnomalies, TheLog, access, trail).await?;
    if question.limit == 0 || question.limit > AUDIT_PAGE_COUNT_MAX {
        return Err(officer.turn_away(Code::SchemaInvalid, access, trail).await);
    }
    if let Some(actor) = question.actor {
        permit = permit.about(actor);
    }
    let standing = officer.actor.standing();
    let recorded = record(permit, standing, officer.origin, access, trail).await?;
    let state = anomalies.state();
    let (mut found, mut next) = (Vec::new(), None);
    anomalies.walk_back(question.before, |number, anomaly| {
        let review = reviews.of(&anomaly.id);
        let told =
            Told { anomaly: anomaly.clone(), state: AnomalyState::of(review.as_deref()), review };
        if !question.asks_for(&told) {
            return true;
        }
        if found.len() == question.limit {
            // This one is the first of the next page.
            next = Some(number + 1);
            return false;
        }
        found.push(told);
        true
    });
    let size = log.size()?;
    Ok(AnomaliesFound { anomalies: found, next, state, size, recorded })
}

impl AnomaliesQuestion {
    fn asks_for(&self, told: &Told) -> bool {
        let anomaly = &told.anomaly;
        self.rule.is_none_or(|rule| rule == anomaly.rule)
            && self.actor.is_none_or(|actor| actor == anomaly.actor)
            && self.state.is_none_or(|state| state == told.state)
            && self.since.is_none_or(|since| anomaly.at >= since)
            && self.until.is_none_or(|until| anomaly.at < until)
    }
}
