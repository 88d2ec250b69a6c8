//! What ends with somebody's post or account: the windows of stand-ins that rest on it, and that its own record is taken.
//! Never ends a window that another post of its giver carries as long as it lasts.
//! What ends goes in the change that ends the post, so no window is open for a moment after it.

use super::place_actor::is_over;
use crate::access::{Access, ActorId};
use crate::ambient::Micros;
use crate::identity::{ActorRecord, ActorState, Directory};
use crate::operations::OperationError;
use crate::operations::mandate::{kept_mandate, moved};
use crate::records::{MandateId, Owner};
use crate::seal::{MandateRecord, MandateState, Seal};
use crate::store::{Change, Expect, Key, Op, Reader, Version};
use std::collections::BTreeSet;

/// The steps that end it, and whom they touch.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) change: Change,
    pub(super) owners: Vec<Owner>,
}

/// Whether somebody, by this record, may have a window of a role given in a grid until then: it works, and holds a post
/// over that grid for which that role stands in, as long as the window lasts.
pub(super) fn gives(
    access: &Access,
    giver: &ActorRecord,
    (role, grid, until): (&str, &str, i64),
    now: Micros,
) -> bool {
    giver.state == ActorState::Active
        && giver.assignments.iter().any(|post| {
            let stands_in = |own: &str| {
                access.with_policy(|policy| {
                    let own = policy.role(own).and_then(|own| own.delegates_to.as_ref());
                    own.is_some_and(|delegate| delegate.as_str() == role)
                })
            };
            post.area.as_deref() == Some(grid)
                && post.windows.is_none()
                && post.unconfirmed_by.is_none()
                && post.from <= now.0
                && !is_over(post, now)
                && post.until.is_none_or(|ends| until <= ends)
                && stands_in(&post.role)
        })
}

/// What ends where somebody's record becomes this one. Every stand-in of the grids is expected to be as it was seen, so
/// that of a window that is accepted meanwhile and the end of its giver's post one comes first and the other is decided again.
pub(super) async fn ended_with(
    after: &ActorRecord,
    now: Micros,
    directory: &Directory,
    access: &Access,
    store: &Reader,
    seal: &Seal,
) -> Result<Ended, OperationError> {
    let mut ended = Ended::default();
    let Some(before) = directory.record(&after.id) else { return Ok(ended) };
    // Whoever comes back does so under another account, and its own record is its own there too.
    if let Some(own) = after.own.filter(|_| after.state == ActorState::Left) {
        ended.change.ops.push(Op::Delete(Key::login(&own)));
        ended.owners.push(Owner::Login);
    }
    let grids = grids_of(&before, access);
    if grids.is_empty() {
        return Ok(ended);
    }
    for stand_in in stand_ins_of(&grids, directory) {
        let Some((mut record, version)) = directory.record_at(&stand_in) else { continue };
        let mut closed = Vec::new();
        for id in windows_of(&record, &grids, now) {
            let Some(kept) = kept_mandate(id, store, seal).await? else { continue };
            let window = kept.record.window.clone();
            let Some((_, grid)) = window.filter(|_| kept.record.giver == Some(after.id)) else {
                continue;
            };
            let given = (kept.record.role.as_str(), grid.as_str(), kept.record.until);
            if gives(access, after, given, now) {
                continue;
            }
            let next = MandateRecord { state: MandateState::Closed, ..kept.record.clone() };
            ended.change.append(moved(&kept, &next, seal)?);
            ended.owners.push(Owner::Mandate(id));
            closed.push(id);
        }
        if closed.is_empty() {
            let key = Key::actor(stand_in.as_bytes());
            let expect = Expect { key, version: Version(version), stamp: 0 };
            ended.change.expects.push(expect);
            continue;
        }
        for post in &mut record.assignments {
            if let Some(windows) = &mut post.windows {
                windows.retain(|(id, ..)| !closed.contains(id));
            }
        }
        let replaced = directory.replacement_of(&record, version);
        ended.change.append(replaced.map_err(|_| UNKEPT)?);
        ended.owners.push(Owner::Actor(*stand_in.as_bytes()));
    }
    Ok(ended)
}

const UNKEPT: OperationError = OperationError::Internal("a stand-in's record could not be kept");

/// The grids in which somebody holds, or held, a post for which anybody stands in.
fn grids_of(giver: &ActorRecord, access: &Access) -> BTreeSet<String> {
    access.with_policy(|policy| {
        let delegates =
            |role: &str| policy.role(role).is_some_and(|role| role.delegates_to.is_some());
        let posts = giver.assignments.iter().filter(|post| delegates(&post.role));
        posts.filter_map(|post| post.area.clone()).collect()
    })
}

fn is_pair_in(record: &ActorRecord, grids: &BTreeSet<String>) -> bool {
    record.assignments.iter().any(|post| {
        post.windows.is_some() && post.area.as_ref().is_some_and(|area| grids.contains(area))
    })
}

fn stand_ins_of(grids: &BTreeSet<String>, directory: &Directory) -> Vec<ActorId> {
    let mut found = Vec::new();
    directory.each(|record, _| {
        if is_pair_in(record, grids) {
            found.push(record.id);
        }
    });
    found
}

fn windows_of(record: &ActorRecord, grids: &BTreeSet<String>, now: Micros) -> Vec<MandateId> {
    let posts = record.assignments.iter();
    let posts = posts.filter(|post| post.area.as_ref().is_some_and(|area| grids.contains(area)));
    let windows = posts.filter_map(|post| post.windows.as_ref()).flatten();
    windows.filter(|(.., until)| now.0 < *until).map(|(id, ..)| *id).collect()
}
