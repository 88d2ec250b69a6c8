//! Anomalies of staff accounts, for officers.
//! Never a rank, a score or a word about a resident: what a rule found, by time, with its entries.
//! How far the search is stands beside what it found.

use super::super::answer::Answer;
use super::super::caller::Caller;
use super::super::headers::{page_limit, query, said};
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use super::reviews::officer;
use crate::access::Duty;
use crate::ambient::Micros;
use crate::limits::AUDIT_PAGE_COUNT_MAX;
use crate::oversight::{
    AnomaliesQuestion, Anomaly, AnomalyState, Review, RuleName, list_anomalies, moment,
};
use axum::extract::{RawQuery, State};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// A page of anomalies.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct AnomaliesBody {
    /// The anomalies, the newest first.
    anomalies: Vec<AnomalyBody>,
    /// Where it goes on: the `before` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    /// Entries that were looked at: all below this index.
    through: u64,
    /// How many entries are published.
    size: u64,
    /// Entries of accounts that are not followed, because there are too many.
    unfollowed: u64,
    /// Older anomalies that are not kept, because there are too many.
    forgotten: u64,
}

/// An anomaly.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct AnomalyBody {
    /// Its id: the same however often it is found.
    id: String,
    /// The rule that found it.
    rule: &'static str,
    /// What the rule says, in Chinese.
    zh: &'static str,
    /// What the rule says, in English.
    en: &'static str,
    /// Whose account.
    actor: String,
    /// The role that it acted under.
    role: Option<String>,
    /// The area of that role.
    scope: Option<String>,
    /// When it was there.
    at: String,
    /// The beginning of the time that was looked at.
    since: String,
    /// Its end.
    until: String,
    /// Entries that show it.
    entries: Vec<u64>,
    /// Entries that it consists of.
    entries_count: u64,
    /// What was counted, and what it was compared with.
    #[schema(value_type = Object)]
    numbers: BTreeMap<&'static str, u64>,
    /// The law's kind of information that it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    legal_kind: Option<&'static str>,
    /// `new`, `in_review` or `closed`.
    state: &'static str,
    /// Its review.
    #[serde(skip_serializing_if = "Option::is_none")]
    review: Option<String>,
}

impl AnomalyBody {
    fn of(anomaly: &Anomaly, state: AnomalyState, review: Option<&Review>) -> AnomalyBody {
        let (zh, en) = anomaly.rule.words();
        let time = |time: u64| Micros(i64::try_from(time).unwrap_or(i64::MAX)).rfc3339();
        AnomalyBody {
            id: anomaly.id.to_string(),
            rule: anomaly.rule.as_str(),
            zh,
            en,
            actor: anomaly.actor.to_string(),
            role: anomaly.role.clone(),
            scope: anomaly.scope.clone(),
            at: time(anomaly.at),
            since: time(anomaly.window.0),
            until: time(anomaly.window.1),
            entries: anomaly.entries.clone(),
            entries_count: anomaly.entries_count,
            numbers: anomaly.numbers.iter().copied().collect(),
            legal_kind: anomaly.kind.map(crate::records::LegalKind::as_str),
            state: state.as_str(),
            review: review.map(|review| review.id.to_string()),
        }
    }
}

/// The members of a list's query.
pub(in crate::http) const ANOMALIES_WORDS: [&str; 7] =
    ["rule", "actor", "state", "since", "until", "limit", "before"];

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Answer<AnomaliesBody>, Problem> {
    caller.must_have(Duty::AuditAnomalies, &rooms).await?;
    let members = query(&caller, raw.as_deref(), ANOMALIES_WORDS, &rooms).await?;
    let question = caller.understood(asked(members), &rooms).await?;
    let found = list_anomalies(
        officer(&caller),
        question,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
        &rooms.anomalies,
        &rooms.reviews,
    )
    .await?;
    let told = found.anomalies.iter();
    let body = AnomaliesBody {
        anomalies: told
            .map(|told| AnomalyBody::of(&told.anomaly, told.state, told.review.as_deref()))
            .collect(),
        next: found.next,
        through: found.state.through,
        size: found.size,
        unfollowed: found.state.unfollowed,
        forgotten: found.state.forgotten,
    };
    Ok(Answer::new(body, found.recorded, rooms.trail.origin()))
}

fn asked(members: [Option<String>; ANOMALIES_WORDS.len()]) -> Result<AnomaliesQuestion, Wrong> {
    let [rule, actor, state, since, until, limit, before] = members;
    Ok(AnomaliesQuestion {
        rule: said(rule, "rule", RuleName::parse)?,
        actor: said(actor, "actor", |text| text.parse().ok())?,
        state: said(state, "state", AnomalyState::parse)?,
        since: said(since, "since", moment)?,
        until: said(until, "until", moment)?,
        limit: page_limit(limit.as_deref(), AUDIT_PAGE_COUNT_MAX, AUDIT_PAGE_COUNT_MAX)?,
        before: said(before, "before", |text| text.parse().ok())?,
    })
}
