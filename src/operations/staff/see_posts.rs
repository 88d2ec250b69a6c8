//! What ends soon and where nobody works: for whoever places workers or confirms them; and how somebody's own posts stand.
//! Never beyond the caller's own area, and never a page without its entry.
//! A page is found in one walk through the directory and is never longer than its limit.

use super::place_actor::is_over;
use crate::access::{
    ActorId, Fact, Lack, PlacingAct, PostStanding, RoleId, TrainingState, Written,
};
use crate::ambient::Micros;
use crate::identity::{ActorRecord, ActorState, AssignmentRecord};
use crate::operations::describe::{Nothing, ended};
use crate::operations::{OperationError, Placing, refuse};
use crate::territory::{Area, GridCode, Territory};
use crate::trail::Recorded;
use std::collections::{BTreeMap, HashMap};

const DAY_MICROS: i64 = 86_400_000_000;

/// What of a post ends, is over or is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Ending {
    /// The post itself.
    Post,
    /// The post of one of a pair of stand-ins.
    Pair,
    /// The training of its holder.
    Training,
    /// The secrecy term of its holder.
    SecrecyTerm,
}

impl Ending {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Ending::Post => "post",
            Ending::Pair => "pair",
            Ending::Training => "training",
            Ending::SecrecyTerm => "secrecy_term",
        }
    }

    fn of(byte: u8) -> Option<Ending> {
        let all = [Ending::Post, Ending::Pair, Ending::Training, Ending::SecrecyTerm];
        all.into_iter().find(|one| *one as u8 == byte)
    }
}

/// Where a line of the list stands: by its end, then by post and kind. What is missing comes before everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndingPlace {
    until: i64,
    assignment: [u8; 16],
    what: Ending,
}

/// Bytes of a written place.
const PLACE_BYTES: usize = 25;

impl EndingPlace {
    /// Its bytes.
    pub fn to_bytes(self) -> [u8; PLACE_BYTES] {
        let mut bytes = [0; PLACE_BYTES];
        bytes[..8].copy_from_slice(&self.until.to_be_bytes());
        bytes[8..24].copy_from_slice(&self.assignment);
        bytes[24] = self.what as u8;
        bytes
    }

    /// From its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<EndingPlace> {
        let bytes: [u8; PLACE_BYTES] = bytes.try_into().ok()?;
        let (until, rest) = bytes.split_first_chunk::<8>()?;
        let (assignment, what) = rest.split_first_chunk::<16>()?;
        let what = Ending::of(*what.first()?)?;
        Some(EndingPlace { until: i64::from_be_bytes(*until), assignment: *assignment, what })
    }

    /// When it ends, or ended; nothing for what is missing.
    pub fn until(self) -> Option<Micros> {
        (self.until != i64::MIN).then_some(Micros(self.until))
    }

    /// What ends.
    pub fn what(self) -> Ending {
        self.what
    }
}

/// Something that ends.
pub struct EndingPost {
    /// Where it stands in the list.
    pub place: EndingPlace,
    /// Whose.
    pub actor: ActorId,
    /// The log-in name.
    pub login: String,
    /// The post.
    pub assignment: [u8; 16],
    /// Its role.
    pub role: String,
    /// Its area.
    pub area: Option<String>,
}

/// A page of what ends.
pub struct EndingPage {
    /// What ends, the first end in front.
    pub posts: Vec<EndingPost>,
    /// Where the next page begins, if there is one.
    pub next: Option<EndingPlace>,
    /// The entry.
    pub recorded: Recorded,
}

/// What ends within so many days, is over while its post is not, or is missing, page by page.
///
/// # Errors
/// `denied` for whoever places and confirms nobody.
pub async fn ending_posts(
    placing: &Placing<'_>,
    days: u32,
    limit: usize,
    after: Option<EndingPlace>,
) -> Result<EndingPage, OperationError> {
    let Placing { actor, origin, now, directory, access, trail, .. } = *placing;
    let decided = access.decide_seeing_posts(actor.standing(), origin, now, Nothing);
    let (permit, seen) = match decided {
        Ok(decided) => decided,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let through = Micros(now.0.saturating_add(i64::from(days).saturating_mul(DAY_MICROS)));
    let mut found: BTreeMap<EndingPlace, EndingPost> = BTreeMap::new();
    directory.each(|record, assignments| {
        if record.state == ActorState::Left {
            return;
        }
        for (held, assignment) in record.assignments.iter().zip(assignments) {
            let visible = seen.sees(&assignment.role, assignment.area.as_ref());
            if !visible || is_over(held, now) {
                continue;
            }
            let standing = access.post_standing(assignment, now);
            for place in endings(held, &standing, through) {
                if after.is_none_or(|after| after < place) {
                    found.insert(place, line(record, held, place));
                }
                // One more than the page has, to know whether another follows.
                if found.len() > limit + 1 {
                    found.pop_last();
                }
            }
        }
    });
    let more = found.len() > limit;
    if more {
        found.pop_last();
    }
    let next = found.last_key_value().map(|(place, _)| *place).filter(|_| more);
    let permit = permit
        .stating("within_days", Fact::Number(u64::from(days)))
        .stating("count", Fact::Number(found.len() as u64));
    match trail.append(permit).await {
        Ok(receipt) => {
            let posts = found.into_values().collect();
            Ok(EndingPage { posts, next, recorded: receipt.recorded() })
        }
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

fn endings(
    held: &AssignmentRecord,
    standing: &PostStanding,
    through: Micros,
) -> impl Iterator<Item = EndingPlace> {
    let place = |what, until| EndingPlace { until, assignment: held.id, what };
    let soon = |until: &i64| *until <= through.0;
    let what = if held.windows.is_some() { Ending::Pair } else { Ending::Post };
    let post = held.until.filter(soon).map(|until| place(what, until));
    let training = match standing.training {
        TrainingState::NotNeeded => None,
        _ => {
            let until = held.readiness.trained_until;
            until.map_or(Some(i64::MIN), |until| Some(until).filter(soon))
        }
    };
    let training = training.map(|until| place(Ending::Training, until));
    let unsigned = standing.lack == Some(Lack::SecrecyTerm);
    let term = unsigned.then(|| place(Ending::SecrecyTerm, i64::MIN));
    [post, training, term].into_iter().flatten()
}

fn line(record: &ActorRecord, held: &AssignmentRecord, place: EndingPlace) -> EndingPost {
    EndingPost {
        place,
        actor: record.id,
        login: record.login.clone(),
        assignment: held.id,
        role: held.role.clone(),
        area: held.area.clone(),
    }
}

/// A grid in which nobody works.
pub struct VacantGrid {
    /// Its code.
    pub grid: GridCode,
    /// Its name.
    pub name: String,
    /// Whether somebody holds any other post in it that counts now.
    pub looked_after: bool,
    /// Whether a worker's post waits for the community's word, or begins later.
    pub expected: bool,
}

/// A page of vacant grids.
pub struct VacantPage {
    /// The grids, in the order of their codes.
    pub grids: Vec<VacantGrid>,
    /// The last code, if another page follows.
    pub next: Option<GridCode>,
    /// The entry.
    pub recorded: Recorded,
}

/// Who is in a grid.
#[derive(Clone, Copy, Default)]
struct Presence {
    filled: bool,
    looked_after: bool,
    expected: bool,
}

/// The grids of the caller's area without an active worker, page by page. An exclusive unit is served from its host grid.
///
/// # Errors
/// `denied` for whoever places and confirms nobody.
pub async fn vacant_grids(
    placing: &Placing<'_>,
    territory: &Territory,
    limit: usize,
    after: Option<GridCode>,
) -> Result<VacantPage, OperationError> {
    let Placing { actor, origin, now, access, trail, .. } = *placing;
    let decided = access.decide_seeing_posts(actor.standing(), origin, now, Nothing);
    let (permit, seen) = match decided {
        Ok(decided) => decided,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let there = presences(placing);
    let present = |code: &GridCode| there.get(code).copied().unwrap_or_default();
    let vacant = territory.grids().filter(|grid| grid.is_valid(now.0)).filter_map(|grid| {
        let code = grid.code();
        let host = territory.host_of(&code, now.0).map(|host| present(&host));
        let own = present(&code);
        let filled = own.filled || host.is_some_and(|host| host.filled);
        let visible = seen.sees_grid(&Area::from(code)) && after.is_none_or(|after| after < code);
        (visible && !filled).then(|| VacantGrid {
            grid: code,
            name: grid.name().to_owned(),
            looked_after: own.looked_after,
            expected: own.expected,
        })
    });
    let mut grids: Vec<VacantGrid> = vacant.take(limit + 1).collect();
    let more = grids.len() > limit;
    grids.truncate(limit);
    let next = grids.last().map(|grid| grid.grid).filter(|_| more);
    let permit = permit.stating("count", Fact::Number(grids.len() as u64));
    match trail.append(permit).await {
        Ok(receipt) => Ok(VacantPage { grids, next, recorded: receipt.recorded() }),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

fn presences(placing: &Placing<'_>) -> HashMap<GridCode, Presence> {
    let (access, now) = (placing.access, placing.now);
    let fills = access.with_policy(|policy| {
        let roles = policy.roles().iter().filter(|role| role.fills_grid);
        roles.map(|role| role.id.clone()).collect::<Vec<RoleId>>()
    });
    let mut there: HashMap<GridCode, Presence> = HashMap::new();
    placing.directory.each(|record, assignments| {
        let works = record.state == ActorState::Active;
        for (held, assignment) in record.assignments.iter().zip(assignments) {
            let Some(grid) = assignment.area.as_ref().and_then(Area::as_grid) else { continue };
            if is_over(held, now) {
                continue;
            }
            let one = there.entry(grid).or_default();
            let counts = works && access.post_standing(assignment, now).counts;
            let worker = fills.contains(&assignment.role);
            one.filled |= counts && worker;
            one.looked_after |= counts && !worker;
            one.expected |= !counts && worker;
        }
    });
    there
}

/// One of the caller's own posts.
pub struct OwnPost {
    /// The post.
    pub held: AssignmentRecord,
    /// How it stands.
    pub standing: PostStanding,
}

/// Who the caller is to the vault, and how each of its posts stands.
///
/// # Errors
/// When it cannot be recorded.
pub async fn own_posts(
    placing: &Placing<'_>,
) -> Result<(ActorRecord, Vec<OwnPost>, Recorded), OperationError> {
    let Placing { actor, origin, now, access, trail, .. } = *placing;
    let standing = actor.standing();
    let (record, _) = placing.record(standing.actor).await?;
    let posts = record.assignments.iter().filter(|held| !is_over(held, now)).map(|held| {
        let assignment = standing.assignments.iter().find(|one| one.id == held.id);
        assignment.map(|assignment| OwnPost {
            held: held.clone(),
            standing: access.post_standing(assignment, now),
        })
    });
    let posts = posts.flatten().collect();
    let permit = access.permit_known(standing, Written::Placing(PlacingAct::See), origin, Nothing);
    let permit = permit.about(standing.actor);
    match trail.append(permit).await {
        Ok(receipt) => Ok((record, posts, receipt.recorded())),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}
