//! Posts looked at: one's own, those that end soon, and the grids in which nobody works.
//! Never a resident, and never a post outside of the caller's own area.
//! A list goes page by page, and each page is an entry.

use super::super::answer::Answer;
use super::super::caller::Caller;
use super::super::headers::{page_limit, query, said};
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use super::super::wrong::Wrong;
use super::placing::placing;
use crate::access::{ActorId, Lack, PlacingAct};
use crate::ambient::Micros;
use crate::identity::{ActorKind, ActorState};
use crate::limits::{EXPIRING_DAYS_MAX, POSTS_PAGE_COUNT_MAX};
use crate::operations::{
    EndingPlace, EndingPost, OwnPost, VacantGrid, ending_posts, own_posts, vacant_grids,
};
use crate::territory::GridCode;
use axum::extract::{RawQuery, State};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The caller as the vault knows it.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct OwnBody {
    /// Its id.
    id: String,
    /// Its log-in name.
    login: String,
    /// `person` or `system`.
    #[schema(value_type = String)]
    kind: ActorKind,
    /// Its state.
    #[schema(value_type = String)]
    state: ActorState,
    /// Its posts that are not over.
    posts: Vec<OwnPostBody>,
}

/// A post of the caller.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct OwnPostBody {
    /// Its id, as entries name it.
    id: String,
    /// The role.
    role: String,
    /// The area's digits.
    area: Option<String>,
    /// The line of business that it is bound to.
    line: Option<String>,
    /// Whether whoever holds it leads.
    lead: bool,
    /// Whether it is held as one of a pair.
    pair: bool,
    /// Whether everybody agreed to it who has to.
    confirmed: bool,
    /// Whether it carries decisions now.
    counts: bool,
    /// First moment.
    from: String,
    /// First moment no more.
    to: Option<String>,
    /// The secrecy term: `signed`, `missing` or `not_needed`.
    secrecy_term: &'static str,
    /// The training: `valid`, `ends_soon`, `lapsed`, `missing` or `not_needed`.
    training: &'static str,
    /// First moment at which the training counts no more.
    trained_until: Option<String>,
    /// Why everything about people is closed to it, where it is: `secrecy_term_missing`, `training_missing` or
    /// `training_lapsed`. Such requests end as `denied`.
    closed_by: Option<&'static str>,
}

impl From<OwnPost> for OwnPostBody {
    fn from(OwnPost { held, standing }: OwnPost) -> OwnPostBody {
        let secrecy_term = match (standing.needs.secrecy_term, standing.lack) {
            (false, _) => "not_needed",
            (true, Some(Lack::SecrecyTerm)) => "missing",
            (true, _) => "signed",
        };
        OwnPostBody {
            id: BASE64_URL_SAFE_NO_PAD.encode(held.id),
            role: held.role,
            area: held.area,
            line: held.line,
            lead: held.lead,
            pair: held.windows.is_some(),
            confirmed: held.unconfirmed_by.is_none(),
            counts: standing.counts,
            from: Micros(held.from).rfc3339(),
            to: held.until.map(|until| Micros(until).rfc3339()),
            secrecy_term,
            training: standing.training.as_str(),
            trained_until: held.readiness.trained_until.map(|until| Micros(until).rfc3339()),
            closed_by: standing.lack.map(Lack::as_str),
        }
    }
}

/// A page of what ends.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct EndingBody {
    /// What ends, the first end in front; what is missing before everything.
    posts: Vec<EndingPostBody>,
    /// Where the next page begins, if there is one.
    next: Option<String>,
}

/// Something that ends.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct EndingPostBody {
    /// What: `post`, `pair` (a post of one of a pair), `training` or `secrecy_term`.
    what: &'static str,
    /// `ends`, `over` or `missing`.
    state: &'static str,
    /// First moment no more.
    until: Option<String>,
    /// Whose: the actor's id.
    actor: String,
    /// The log-in name.
    login: String,
    /// The post's id.
    assignment: String,
    /// Its role.
    role: String,
    /// The area's digits.
    area: Option<String>,
}

impl EndingPostBody {
    fn of(post: EndingPost, now: Micros) -> EndingPostBody {
        let until = post.place.until();
        EndingPostBody {
            what: post.place.what().as_str(),
            state: match until {
                None => "missing",
                Some(until) if until <= now => "over",
                Some(_) => "ends",
            },
            until: until.map(Micros::rfc3339),
            actor: post.actor.to_string(),
            login: post.login,
            assignment: ActorId::from_bytes(post.assignment).to_string(),
            role: post.role,
            area: post.area,
        }
    }
}

/// A page of vacant grids.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct VacantBody {
    /// The grids, in the order of their codes.
    grids: Vec<VacantGridBody>,
    /// The last code, if another page follows.
    next: Option<String>,
}

/// A grid without an active worker.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct VacantGridBody {
    /// Its code.
    grid: String,
    /// Its name.
    name: String,
    /// Whether somebody holds another post in it that counts now.
    looked_after: bool,
    /// Whether a worker's post waits to be confirmed, or for its first day.
    expected: bool,
}

impl From<VacantGrid> for VacantGridBody {
    fn from(vacant: VacantGrid) -> VacantGridBody {
        VacantGridBody {
            grid: vacant.grid.to_string(),
            name: vacant.name,
            looked_after: vacant.looked_after,
            expected: vacant.expected,
        }
    }
}

/// The members of the query for what ends.
pub(in crate::http) const EXPIRING_WORDS: [&str; 3] = ["within_days", "limit", "after"];
/// The members of the query for vacant grids.
pub(in crate::http) const VACANT_WORDS: [&str; 2] = ["limit", "after"];

pub(in crate::http) async fn own(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
) -> Result<Answer<OwnBody>, Problem> {
    let (record, posts, recorded) = own_posts(&placing(&caller, &rooms)).await?;
    let body = OwnBody {
        id: record.id.to_string(),
        login: record.login,
        kind: record.kind,
        state: record.state,
        posts: posts.into_iter().map(OwnPostBody::from).collect(),
    };
    Ok(Answer::new(body, recorded, rooms.trail.origin()))
}

pub(in crate::http) async fn expiring(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Answer<EndingBody>, Problem> {
    caller.must_place(PlacingAct::See, &rooms).await?;
    let members = query(&caller, raw.as_deref(), EXPIRING_WORDS, &rooms).await?;
    let (days, limit, after) = caller.understood(expiring_asked(&members), &rooms).await?;
    let page = ending_posts(&placing(&caller, &rooms), days, limit, after).await?;
    let posts = page.posts.into_iter().map(|post| EndingPostBody::of(post, caller.now)).collect();
    let next = page.next.map(|place| BASE64_URL_SAFE_NO_PAD.encode(place.to_bytes()));
    Ok(Answer::new(EndingBody { posts, next }, page.recorded, rooms.trail.origin()))
}

fn expiring_asked(
    [days, limit, after]: &[Option<String>; EXPIRING_WORDS.len()],
) -> Result<(u32, usize, Option<EndingPlace>), Wrong> {
    let days = days.as_deref().ok_or_else(|| Wrong::at(EXPIRING_WORDS[0], "missing"))?;
    let days = days.parse().ok().filter(|days| (1..=EXPIRING_DAYS_MAX).contains(days));
    let days = days.ok_or_else(|| Wrong::out_of_range(EXPIRING_WORDS[0]))?;
    let place = |text: &str| EndingPlace::from_bytes(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?);
    let after = said(after.clone(), "after", place)?;
    Ok((days, limit_of(limit.as_deref())?, after))
}

fn limit_of(limit: Option<&str>) -> Result<usize, Wrong> {
    page_limit(limit, POSTS_PAGE_COUNT_MAX, POSTS_PAGE_COUNT_MAX)
}

pub(in crate::http) async fn vacant(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    RawQuery(raw): RawQuery,
) -> Result<Answer<VacantBody>, Problem> {
    caller.must_place(PlacingAct::See, &rooms).await?;
    let [limit, after] = query(&caller, raw.as_deref(), VACANT_WORDS, &rooms).await?;
    let limit = caller.understood(limit_of(limit.as_deref()), &rooms).await?;
    let after = said(after, "after", |code| code.parse::<GridCode>().ok());
    let after = caller.understood(after, &rooms).await?;
    let territory = rooms.territory.load();
    let page = vacant_grids(&placing(&caller, &rooms), &territory, limit, after).await?;
    let grids = page.grids.into_iter().map(VacantGridBody::from).collect();
    let next = page.next.map(|code| code.to_string());
    Ok(Answer::new(VacantBody { grids, next }, page.recorded, rooms.trail.origin()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(days: &str, limit: Option<&str>, after: Option<&str>) -> Option<(u32, usize)> {
        let members = [Some(days), limit, after].map(|member| member.map(str::to_owned));
        expiring_asked(&members).ok().map(|(days, limit, _)| (days, limit))
    }

    #[test]
    fn days_and_lines_are_taken_to_their_most_and_refused_beyond() {
        let days = EXPIRING_DAYS_MAX.to_string();
        let lines = POSTS_PAGE_COUNT_MAX.to_string();
        assert_eq!(
            asked(&days, Some(&lines), None),
            Some((EXPIRING_DAYS_MAX, POSTS_PAGE_COUNT_MAX))
        );
        assert_eq!(asked("1", None, None), Some((1, POSTS_PAGE_COUNT_MAX)));
        let more_days = (EXPIRING_DAYS_MAX + 1).to_string();
        let more_lines = (POSTS_PAGE_COUNT_MAX + 1).to_string();
        for (days, limit) in [
            (&*more_days, None),
            ("0", None),
            ("x", None),
            ("1", Some(&*more_lines)),
            ("1", Some("0")),
        ] {
            assert_eq!(asked(days, limit, None), None, "{days} {limit:?}");
        }
    }

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is_one() {
        let bytes = [[0x80, 0, 0, 0, 0, 0, 0, 7].as_slice(), &[9; 16], &[2]].concat();
        let place = EndingPlace::from_bytes(&bytes).expect("a place");
        assert_eq!(place.to_bytes().as_slice(), bytes);
        let mut unknown = bytes.clone();
        unknown[24] = 4;
        assert!(EndingPlace::from_bytes(&unknown).is_none());
        assert!(EndingPlace::from_bytes(&bytes[1..]).is_none());
        assert!(asked("1", None, Some("AAAA")).is_none());
    }
}
