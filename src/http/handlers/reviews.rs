//! Reviews: what officers look into, note, escalate and close.
//! Never a word of a note to whoever's acts it is about, and never a closing by whoever had a part in it.
//! Answers name ids, codes, times and indexes; texts are in the answer to one review alone.

use super::super::answer::Answer;
use super::super::body::{self, Media, few_and_distinct, so_many};
use super::super::caller::Caller;
use super::super::forms;
use super::super::headers::{page_limit, query, said};
use super::super::named::Named;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::strict_json::Members;
use super::super::vocabulary::{role_names, vocabulary};
use super::super::wrong::Wrong;
use super::audit::SaidBody;
use super::rectifications::RectificationBody;
use crate::access::{Code, Duty};
use crate::ambient::Micros;
use crate::limits::{
    AUDIT_PAGE_COUNT_MAX, REVIEW_ENTRIES_COUNT_MAX, SAMPLE_EACH_COUNT_MAX, SAMPLE_WITHOUT_COUNT_MAX,
};
use crate::oversight::{
    Acting, Cause, Drawing, Note, Officer, Opening, Outcome, OversightError, Period, REVIEWING,
    Remark, Review, ReviewId, ReviewState, ReviewsQuestion, Sample, Step, act_on_review,
    draw_again, list_reviews, moment as utc, open_review, read_gathered, read_review,
    sample_entries,
};
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What is to be reviewed: one of the members.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct OpenBody {
    /// Entries of the log, by their indexes.
    #[schema(schema_with = forms::maybe_indexes)]
    entries: Option<Vec<u64>>,
    /// An anomaly.
    #[schema(schema_with = forms::maybe_actor_id)]
    anomaly: Option<String>,
    /// Entries that the vault draws by chance.
    #[schema(value_type = Option<SampleBody>)]
    sample: Option<Members<SampleBody>>,
}

/// What is drawn.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SampleBody {
    /// Not before this moment.
    #[schema(schema_with = forms::body_moment)]
    since: String,
    /// Before this moment.
    #[schema(schema_with = forms::body_moment)]
    until: String,
    /// Entries of each role.
    #[schema(schema_with = forms::sample_each)]
    each: u8,
    /// Officers whose entries are left out beside one's own: those who are to close the review.
    #[serde(default)]
    #[schema(schema_with = forms::left_out)]
    without: Vec<String>,
}

/// How entries were drawn.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DrawnBody {
    /// 32 random bytes, base64url. Of each role the entries come first whose SHA-256 over seed and index (eight bytes, the
    /// largest first) is smallest, by its first eight bytes.
    seed: String,
    /// Not before this moment.
    since: String,
    /// Before this moment.
    until: String,
    /// Entries at or beyond this index were not looked at.
    through: u64,
    /// Entries of each role, and of refusals.
    each: u8,
    /// The roles.
    roles: Vec<String>,
    /// Whose entries are left out.
    without: Vec<String>,
    /// Entries that were drawn from.
    population: u64,
}

/// A sample that was drawn again.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DrawnAgainBody {
    /// The entries.
    entries: Vec<u64>,
    /// Whether they are those of the review.
    same: bool,
}

/// What is written in a review.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NoteBody {
    /// The text; it is sealed. No number of a person.
    #[schema(schema_with = forms::remark)]
    text: String,
}

/// Whom a review is brought before.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct EscalateBody {
    /// The role, one of those that the policy names for it.
    #[schema(schema_with = forms::slug)]
    to: String,
    /// The text.
    #[schema(schema_with = forms::remark)]
    text: String,
}

/// How a review ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct CloseBody {
    /// `explained`, `finding` or `unresolved`.
    #[schema(schema_with = forms::review_outcome)]
    outcome: Outcome,
    /// The text.
    #[schema(schema_with = forms::remark)]
    text: String,
}

/// A review.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ReviewBody {
    /// Its id: the case of every entry about it.
    id: String,
    /// `open`, `noted`, `escalated` or `closed`.
    state: &'static str,
    /// `entries`, `anomaly` or `sample`.
    cause: &'static str,
    /// The anomaly that it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    anomaly: Option<String>,
    /// How its entries were drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<DrawnBody>,
    /// The entries that it gathers.
    entries: Vec<u64>,
    /// Whose acts they are.
    about: Vec<String>,
    /// Who opened it, and when.
    opened: StepBody,
    /// Who wrote in it before it was closed.
    noted_by: Vec<String>,
    /// How often something was written in it.
    notes_count: u16,
    /// Whom it was brought before.
    #[serde(skip_serializing_if = "Option::is_none")]
    escalated: Option<EscalatedBody>,
    /// How it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<ClosedBody>,
}

/// Who did something, and when.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct StepBody {
    /// The actor.
    by: String,
    /// The moment.
    at: String,
}

/// A review that was brought before somebody.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct EscalatedBody {
    /// The role.
    to: String,
    /// By whom.
    by: String,
    /// When.
    at: String,
}

/// The end of a review.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ClosedBody {
    /// What was found.
    outcome: &'static str,
    /// By whom.
    by: String,
    /// When.
    at: String,
}

/// A page of reviews.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ReviewsBody {
    /// The reviews, the newest first.
    reviews: Vec<ReviewBody>,
    /// Where it goes on: the `before` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A review with everything that was written in it.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ToldBody {
    #[serde(flatten)]
    review: ReviewBody,
    /// What was written, in order.
    notes: Vec<WrittenBody>,
    /// What is to be put right, in order.
    rectifications: Vec<RectificationBody>,
}

/// What somebody wrote.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct WrittenBody {
    /// `note`, `escalation` or `closing`.
    kind: &'static str,
    /// By whom.
    by: String,
    /// When.
    at: String,
    /// The text.
    text: String,
}

fn moment(step: Step) -> String {
    Micros(step.at).rfc3339()
}

impl ReviewBody {
    fn of(review: &Review) -> ReviewBody {
        let cause = match &review.cause {
            Cause::Entries => "entries",
            Cause::Anomaly(_) => "anomaly",
            Cause::Sample(_) => "sample",
        };
        let names =
            |actors: &[crate::access::ActorId]| actors.iter().map(ToString::to_string).collect();
        ReviewBody {
            id: review.id.to_string(),
            state: review.state().as_str(),
            cause,
            anomaly: review.anomaly().map(|id| id.to_string()),
            sample: match &review.cause {
                Cause::Sample(sample) => Some(DrawnBody::of(sample)),
                _ => None,
            },
            entries: review.entries.clone(),
            about: names(&review.about),
            opened: StepBody::of(review.opened),
            noted_by: names(&review.noted_by),
            notes_count: review.notes_count,
            escalated: review.escalated.as_ref().map(|one| EscalatedBody {
                to: one.to.clone(),
                by: one.step.by.to_string(),
                at: moment(one.step),
            }),
            closed: review.closed.map(|closed| ClosedBody {
                outcome: closed.outcome.as_str(),
                by: closed.step.by.to_string(),
                at: moment(closed.step),
            }),
        }
    }
}

impl StepBody {
    pub(super) fn of(step: Step) -> StepBody {
        StepBody { by: step.by.to_string(), at: moment(step) }
    }
}

impl DrawnBody {
    fn of(sample: &Sample) -> DrawnBody {
        let time = |time: u64| Micros(i64::try_from(time).unwrap_or(i64::MAX)).rfc3339();
        DrawnBody {
            seed: BASE64_URL_SAFE_NO_PAD.encode(sample.seed),
            since: time(sample.since),
            until: time(sample.until),
            through: sample.through,
            each: sample.each,
            roles: sample.roles.clone(),
            without: sample.without.iter().map(ToString::to_string).collect(),
            population: sample.population,
        }
    }
}

/// What a review gathers.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct GatheredBody {
    /// The entries that are still there, ascending.
    entries: Vec<SaidBody>,
    /// How many were pruned since.
    pruned: usize,
}

impl WrittenBody {
    fn of(note: Note) -> WrittenBody {
        let (kind, at) = (note.kind.as_str(), moment(note.step));
        WrittenBody { kind, by: note.step.by.to_string(), at, text: note.text }
    }
}

/// The members of a list's query.
pub(in crate::http) const REVIEWS_WORDS: [&str; 3] = ["state", "limit", "before"];

pub(in crate::http) async fn list(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Answer<ReviewsBody>, Problem> {
    caller.must_have_one(&REVIEWING, &rooms).await?;
    let [state, limit, before] = query(&caller, raw.as_deref(), REVIEWS_WORDS, &rooms).await?;
    let question = caller.understood(asked(state, limit, before), &rooms).await?;
    let officer = officer(&caller);
    let found =
        list_reviews(officer, question, &rooms.access, &rooms.trail, &rooms.reviews).await?;
    let body = ReviewsBody {
        reviews: found.reviews.iter().map(|review| ReviewBody::of(review)).collect(),
        next: found.next.map(|id| id.to_string()),
    };
    Ok(Answer::new(body, found.recorded, rooms.trail.origin()))
}

fn asked(
    state: Option<String>,
    limit: Option<String>,
    before: Option<String>,
) -> Result<ReviewsQuestion, Wrong> {
    Ok(ReviewsQuestion {
        state: said(state, "state", ReviewState::parse)?,
        limit: page_limit(limit.as_deref(), AUDIT_PAGE_COUNT_MAX, AUDIT_PAGE_COUNT_MAX)?,
        before: said(before, "before", |id| id.parse().ok())?,
    })
}

pub(super) fn officer(caller: &Caller) -> Officer<'_> {
    Officer { actor: &caller.actor, origin: &caller.origin, now: caller.now }
}

pub(in crate::http) async fn open(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<ReviewBody>, Problem> {
    caller.must_have(Duty::AuditReview, &rooms).await?;
    let body: OpenBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let opening = match body.sample {
        Some(Members(sample)) if body.entries.is_none() && body.anomaly.is_none() => {
            return draw(&caller, sample, &rooms).await;
        }
        Some(_) => Err(Wrong::at("sample", "not_with_others")),
        None => opening_of(body.entries, body.anomaly.as_deref()),
    };
    let opening = caller.understood(opening, &rooms).await?;
    let opened = open_review(
        officer(&caller),
        opening,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
        &rooms.index,
        &rooms.anomalies,
        &rooms.reviews,
        &*rooms.random,
    )
    .await?;
    let body = ReviewBody::of(&opened.review);
    Ok(Answer::new(body, opened.recorded, rooms.trail.origin()).created())
}

/// What a review is opened over that is no sample.
fn opening_of(entries: Option<Vec<u64>>, anomaly: Option<&str>) -> Result<Opening, Wrong> {
    match (entries, anomaly) {
        (Some(entries), None) => {
            few_and_distinct("entries", &entries, 1..=REVIEW_ENTRIES_COUNT_MAX)?;
            Ok(Opening::Entries(entries))
        }
        (None, Some(anomaly)) => {
            let anomaly = anomaly.parse().map_err(|_| Wrong::malformed("anomaly"))?;
            Ok(Opening::Anomaly(anomaly))
        }
        (Some(_), Some(_)) => Err(Wrong::at("anomaly", "not_with_others")),
        (None, None) => Err(Wrong::at("entries", "missing")),
    }
}

async fn draw(
    caller: &Caller,
    sample: SampleBody,
    rooms: &Rooms,
) -> Result<Answer<ReviewBody>, Problem> {
    let drawing = caller.understood(drawing(&sample), rooms).await?;
    let opened = sample_entries(
        officer(caller),
        drawing,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
        &rooms.index,
        &rooms.reviews,
        &*rooms.random,
    )
    .await?;
    let body = ReviewBody::of(&opened.review);
    Ok(Answer::new(body, opened.recorded, rooms.trail.origin()).created())
}

fn drawing(sample: &SampleBody) -> Result<Drawing, Wrong> {
    let end = |text: &str, place| utc(text).ok_or_else(|| Wrong::wrong_time(place));
    let since = end(&sample.since, "sample.since")?;
    let until = end(&sample.until, "sample.until")?;
    if since >= until {
        return Err(Wrong::out_of_range("sample.until"));
    }
    if !(1..=SAMPLE_EACH_COUNT_MAX).contains(&sample.each) {
        return Err(Wrong::out_of_range("sample.each"));
    }
    so_many("sample.without", sample.without.len(), 0..=SAMPLE_WITHOUT_COUNT_MAX)?;
    let without = sample.without.iter().map(|id| id.parse().ok()).collect::<Option<Vec<_>>>();
    let without = without.ok_or_else(|| Wrong::malformed("sample.without"))?;
    Ok(Drawing { period: Period { since, until }, each: sample.each, without })
}

pub(in crate::http) async fn draw_once_more(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Answer<DrawnAgainBody>, Problem> {
    caller.must_have(Duty::AuditReview, &rooms).await?;
    let id = named(&caller, &id, &rooms).await?;
    let drawn = draw_again(
        officer(&caller),
        id,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
        &rooms.index,
        &rooms.reviews,
    )
    .await?;
    let body = DrawnAgainBody { entries: drawn.entries, same: drawn.same };
    Ok(Answer::new(body, drawn.recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn read(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Answer<ToldBody>, Problem> {
    caller.must_have_one(&REVIEWING, &rooms).await?;
    let id = named(&caller, &id, &rooms).await?;
    let officer = officer(&caller);
    let told =
        read_review(officer, id, &rooms.access, &rooms.trail, &rooms.store, &rooms.reviews).await?;
    let notes = told.notes.into_iter().map(WrittenBody::of).collect();
    let today = officer.today();
    let rectifications = told.items.iter().map(|item| RectificationBody::of(item, today)).collect();
    let body = ToldBody { review: ReviewBody::of(&told.review), notes, rectifications };
    Ok(Answer::new(body, told.recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn entries(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
) -> Result<Answer<GatheredBody>, Problem> {
    caller.must_have_one(&REVIEWING, &rooms).await?;
    let id = named(&caller, &id, &rooms).await?;
    let role = role_names(&rooms);
    let gathered = read_gathered(
        officer(&caller),
        id,
        &rooms.access,
        &rooms.trail,
        &rooms.log,
        &rooms.reviews,
        &vocabulary(&rooms, &role),
    )
    .await?;
    let entries = gathered.entries.into_iter().map(SaidBody::of);
    let entries = entries.collect::<Result<Vec<_>, OversightError>>()?;
    let body = GatheredBody { entries, pruned: gathered.pruned };
    Ok(Answer::new(body, gathered.recorded, rooms.trail.origin()))
}

/// The review that a path names.
pub(super) async fn named(caller: &Caller, id: &str, rooms: &Rooms) -> Result<ReviewId, Problem> {
    match id.parse() {
        Ok(id) => Ok(id),
        Err(_) => Err(caller.turn_away(rooms, Code::NotFound).await),
    }
}

/// A text that an officer wrote.
pub(super) async fn remark(
    caller: &Caller,
    text: String,
    rooms: &Rooms,
) -> Result<Remark, Problem> {
    let remark = Remark::parse(text).ok_or_else(|| Wrong::malformed("text"));
    caller.understood(remark, rooms).await
}

pub(in crate::http) async fn note(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<ReviewBody>, Problem> {
    caller.must_have_one(&REVIEWING, &rooms).await?;
    let body: NoteBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    act(&caller, &id, Acting::Note, body.text, &rooms).await.map(Answer::created)
}

pub(in crate::http) async fn escalate(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<ReviewBody>, Problem> {
    caller.must_have(Duty::AuditReview, &rooms).await?;
    let body: EscalateBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let known = rooms.anomalies.may_escalate_to(&body.to).then_some(());
    caller.understood(known.ok_or_else(|| Wrong::unknown_code("to")), &rooms).await?;
    act(&caller, &id, Acting::Escalate { to: body.to }, body.text, &rooms).await
}

pub(in crate::http) async fn close(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<ReviewBody>, Problem> {
    caller.must_have_one(&REVIEWING, &rooms).await?;
    let body: CloseBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    act(&caller, &id, Acting::Close { outcome: body.outcome }, body.text, &rooms).await
}

async fn act(
    caller: &Caller,
    id: &str,
    acting: Acting,
    text: String,
    rooms: &Rooms,
) -> Result<Answer<ReviewBody>, Problem> {
    let id = named(caller, id, rooms).await?;
    let remark = remark(caller, text, rooms).await?;
    let officer = officer(caller);
    let acted =
        act_on_review(officer, id, acting, remark, &rooms.access, &rooms.trail, &rooms.reviews)
            .await?;
    let body = ReviewBody::of(&acted.review);
    Ok(Answer::new(body, acted.recorded, rooms.trail.origin()))
}
