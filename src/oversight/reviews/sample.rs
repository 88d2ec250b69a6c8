//! Opens a review over entries that chance draws, and draws them again for whoever doubts it.
//! Never with a seed that an officer chose, and never over the acts of the officer who draws.
//! Everything that the draw depends on is in the entry of the opening.

use super::super::error::{OversightError, record};
use super::super::ids::ReviewId;
use super::super::index::Index;
use super::super::officer::Officer;
use super::super::tally::Period;
use super::case::{Cause, Review, Sample, Step};
use super::change::{Rows, Touched};
use super::draw::{Drawn, draw};
use super::open::{ReviewOpened, fresh_id, listed};
use super::register::Reviews;
use crate::access::{Access, ActorId, Code, Duty, Fact, Permit, ReviewAct};
use crate::ambient::Random;
use crate::limits::{SAMPLE_EACH_COUNT_MAX, SAMPLE_WITHOUT_COUNT_MAX};
use crate::store::Version;
use crate::trail::{Recorded, Refused, Trail};
use gridvault_audit::LogReader;
use std::sync::Arc;

/// What is to be drawn.
pub struct Drawing {
    /// From which time.
    pub period: Period,
    /// How many of each role.
    pub each: u8,
    /// Whose entries are left out beside the officer's own: officers who are to close the review.
    pub without: Vec<ActorId>,
}

/// Draws entries and opens a review over them.
///
/// # Errors
/// `denied` without the duty; `schema_invalid` for a time that ends before it begins, or numbers beyond their limits;
/// `not_found` where there is nothing to draw; `too_large` for a time with too many entries, or too many reviews.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn sample_entries(
    officer: Officer<'_>,
    drawing: Drawing,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
    index: &Index,
    reviews: &Reviews,
    random: &dyn Random,
) -> Result<ReviewOpened, OversightError> {
    let id = fresh_id(officer.now, random)?;
    let target = Touched(vec![*id.as_bytes()]);
    let permit = officer.permit(Duty::AuditReview, target, access, trail).await?;
    let turned_away = async |code| officer.turn_away(code, access, trail).await;
    let Drawing { period, each, mut without } = drawing;
    let bounded = (1..=SAMPLE_EACH_COUNT_MAX).contains(&each)
        && without.len() <= SAMPLE_WITHOUT_COUNT_MAX
        && period.since < period.until;
    if !bounded {
        return Err(turned_away(Code::SchemaInvalid).await);
    }
    if !reviews.has_room_for_review() {
        return Err(turned_away(Code::TooLarge).await);
    }
    without.push(officer.id());
    without.sort_unstable();
    without.dedup();
    let mut seed = [0; 32];
    random.fill(&mut seed).map_err(|_| OversightError::Broken)?;
    let roles = access.with_policy(|policy| {
        policy.roles().iter().map(|role| role.id.as_str().to_owned()).collect::<Vec<_>>()
    });
    let Period { since, until } = period;
    let through = index.state().indexed;
    let asked = Sample { seed, since, until, through, each, roles, without, population: 0 };
    let Drawn { entries, population } = match drawn(&asked, log, index).await {
        Err(OversightError::TooMuch) => return Err(turned_away(Code::TooLarge).await),
        other => other?,
    };
    if entries.is_empty() {
        return Err(turned_away(Code::NotFound).await);
    }
    let sample = Sample { population, ..asked };
    let mut about: Vec<ActorId> = entries.values().flatten().copied().collect();
    about.sort_unstable();
    about.dedup();
    let review = Review {
        id,
        entries: entries.into_keys().collect(),
        about,
        opened: Step { by: officer.id(), at: officer.now.0 },
        noted_by: Vec::new(),
        notes_count: 0,
        escalated: None,
        closed: None,
        cause: Cause::Sample(sample.clone()),
    };
    let mut rows = Rows::new(reviews.seal());
    rows.review(&review, Version::ABSENT)?;
    let permit = permit.reviewing(ReviewAct::Sample, Some(*id.as_bytes()));
    let permit = stating(permit, &sample, &review.entries);
    match trail.commit(permit, rows.finish()).await {
        Ok(receipt) => Ok(ReviewOpened { review: Arc::new(review), recorded: receipt.recorded() }),
        Err(Refused::Trail(error)) => Err(error.into()),
        Err(Refused::Stale(_) | Refused::Limit(_)) => Err(turned_away(Code::Stale).await),
    }
}

/// Names everything that the draw depends on, and what it gave.
fn stating(permit: Permit<Touched>, sample: &Sample, entries: &[u64]) -> Permit<Touched> {
    let without: Vec<String> = sample.without.iter().map(ToString::to_string).collect();
    permit
        .stating("entries", Fact::Code(listed(entries)))
        .stating("seed", Fact::Bytes(sample.seed))
        .stating("since", Fact::Number(sample.since))
        .stating("until", Fact::Number(sample.until))
        .stating("through", Fact::Number(sample.through))
        .stating("each", Fact::Number(sample.each.into()))
        .stating("population", Fact::Number(sample.population))
        .stating("roles", Fact::Code(sample.roles.join(",")))
        .stating("without", Fact::Code(without.join(",")))
}

async fn drawn(sample: &Sample, log: &LogReader, index: &Index) -> Result<Drawn, OversightError> {
    let _place = index.place().await;
    let (sample, log, index) = (sample.clone(), log.clone(), index.clone());
    let drawn = tokio::task::spawn_blocking(move || draw(&sample, &log, &index)).await;
    drawn.map_err(|_| OversightError::Broken)?
}

/// A sample that was drawn again.
pub struct DrawnAgain {
    /// The entries.
    pub entries: Vec<u64>,
    /// Whether they are those of the review.
    pub same: bool,
    /// The entry.
    pub recorded: Recorded,
}

/// Draws the entries of a review's sample again.
///
/// # Errors
/// `denied` without the duty, `not_found` for no review, or one that is of no sample.
pub async fn draw_again(
    officer: Officer<'_>,
    id: ReviewId,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
    index: &Index,
    reviews: &Reviews,
) -> Result<DrawnAgain, OversightError> {
    let permit = officer.permit(Duty::AuditReview, Touched(Vec::new()), access, trail).await?;
    let known = reviews.known(&id);
    let of_sample = known.as_ref().and_then(|known| match &known.review.cause {
        Cause::Sample(sample) => Some((known.review.entries.clone(), sample.clone())),
        _ => None,
    });
    let Some((entries, sample)) = of_sample else {
        return Err(officer.turn_away(Code::NotFound, access, trail).await);
    };
    let permit = permit.reviewing(ReviewAct::Read, Some(*id.as_bytes()));
    let standing = officer.actor.standing();
    let recorded = record(permit, standing, officer.origin, access, trail).await?;
    let again: Vec<u64> = drawn(&sample, log, index).await?.entries.into_keys().collect();
    let same = again == entries;
    Ok(DrawnAgain { entries: again, same, recorded })
}
