//! Finds the places of entries that have all terms, page by page, in either direction.
//! Never without bound: a page looks so often and no more, and then says where to go on.
//! Terms of the fewest entries lead, and the others are asked from place to place, so that few are read.

use super::Snapshot;
use super::error::IndexError;
use super::postings::List;
use super::segment::Segment;
use std::ops::Range;

/// What opening the lists of a segment counts as, in looks.
const SEGMENT_LOOKS: usize = 16;

/// Which entries are looked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Terms that they all have.
    pub(super) terms: Vec<u64>,
    /// Earliest time, in microseconds since 1970.
    pub since: Option<u64>,
    /// Latest time, exclusive.
    pub until: Option<u64>,
    /// Between these indexes.
    pub within: Range<u64>,
    /// From the end of the log to its beginning.
    pub newest_first: bool,
    /// How many.
    pub limit: usize,
    /// How often it looks at most.
    pub looks: usize,
}

/// A page of places.
#[derive(Debug, PartialEq, Eq)]
pub struct Places {
    /// Indexes of the entries, in the order that was asked for. Each may still prove to be another's.
    pub indexes: Vec<u64>,
    /// Where to go on: the first index that was not looked at, in that order.
    pub next: Option<u64>,
}

/// Entries that lie in one place: a segment, or those that are gathered.
struct Run<'a> {
    first: u64,
    count: u32,
    lists: Vec<List>,
    times: Times<'a>,
}

enum Times<'a> {
    Stored(&'a Segment),
    Held(&'a [u64]),
}

/// What an entry's time says.
enum Judged {
    In,
    /// Nothing between here and there, inclusive, lies in the time; both ways.
    Out {
        last: u32,
        first: u32,
    },
}

impl Times<'_> {
    fn judge(&self, place: u32, wanted: &Wanted) -> Result<Judged, IndexError> {
        let (since, until) = (wanted.since.unwrap_or(0), wanted.until.unwrap_or(u64::MAX));
        let within = |time: u64| since <= time && time < until;
        let time = match self {
            Times::Held(times) => times[place as usize],
            Times::Stored(segment) => {
                let ((least, most), after, first) = segment.range(place);
                if within(least) && within(most) {
                    return Ok(Judged::In);
                }
                if most < since || least >= until {
                    return Ok(Judged::Out { last: after - 1, first });
                }
                segment.time(place)?
            }
        };
        Ok(if within(time) { Judged::In } else { Judged::Out { last: place, first: place } })
    }
}

/// Walks through what is wanted of a snapshot.
pub(super) fn search(snapshot: &Snapshot, wanted: &Wanted) -> Result<Places, IndexError> {
    let mut places = Places { indexes: Vec::new(), next: None };
    let mut looks = wanted.looks;
    let segments = snapshot.segments.iter().map(|segment| Some(&**segment)).chain([None]);
    let mut runs: Vec<Option<&Segment>> = segments.collect();
    if wanted.newest_first {
        runs.reverse();
    }
    for segment in runs {
        let (first, count) = match segment {
            Some(segment) => (segment.first(), segment.count()),
            None => (snapshot.first, snapshot.times.len() as u32),
        };
        let from = wanted.within.start.max(first);
        let to = wanted.within.end.min(first + u64::from(count));
        if from >= to {
            continue;
        }
        let begin = if wanted.newest_first { to - 1 } else { from };
        if looks < SEGMENT_LOOKS || places.indexes.len() >= wanted.limit {
            places.next = Some(begin);
            return Ok(places);
        }
        looks -= SEGMENT_LOOKS;
        let Some(mut run) = open(snapshot, segment, first, count, wanted)? else { continue };
        let window = (from - first) as u32..(to - first) as u32;
        if let Some(next) = walk(&mut run, window, wanted, &mut looks, &mut places.indexes)? {
            places.next = Some(next);
            return Ok(places);
        }
    }
    Ok(places)
}

/// The lists of a run, the shortest first; nothing where one of the terms or all times are missing.
fn open<'a>(
    snapshot: &'a Snapshot,
    segment: Option<&'a Segment>,
    first: u64,
    count: u32,
    wanted: &Wanted,
) -> Result<Option<Run<'a>>, IndexError> {
    let mut lists = Vec::with_capacity(wanted.terms.len());
    let times = match segment {
        Some(segment) => {
            let (least, most) = segment.span();
            let late = wanted.since.is_some_and(|since| most < since);
            if late || wanted.until.is_some_and(|until| least >= until) {
                return Ok(None);
            }
            for term in &wanted.terms {
                let Some(list) = segment.list(*term)? else { return Ok(None) };
                lists.push(list);
            }
            Times::Stored(segment)
        }
        None => {
            lists.extend(snapshot.lists.iter().cloned().map(List::Short));
            Times::Held(&snapshot.times)
        }
    };
    lists.sort_by_key(List::count);
    Ok(Some(Run { first, count, lists, times }))
}

/// Goes through a run; where it stops before its end, says at which index.
fn walk(
    run: &mut Run<'_>,
    window: Range<u32>,
    wanted: &Wanted,
    looks: &mut usize,
    found: &mut Vec<u64>,
) -> Result<Option<u64>, IndexError> {
    debug_assert!(window.end <= run.count, "a window lies in its run");
    let back = wanted.newest_first;
    let next = |place: u32| if back { place.checked_sub(1) } else { place.checked_add(1) };
    let mut at = Some(if back { window.end - 1 } else { window.start });
    while let Some(place) = at.filter(|place| window.contains(place)) {
        if *looks == 0 || found.len() >= wanted.limit {
            return Ok(Some(run.first + u64::from(place)));
        }
        *looks -= 1;
        let Some(place) = agree(&mut run.lists, place, back)? else { break };
        match place {
            Agreed::All(place) if window.contains(&place) => {
                match run.times.judge(place, wanted)? {
                    Judged::In => {
                        found.push(run.first + u64::from(place));
                        at = next(place);
                    }
                    Judged::Out { last, first } => at = next(if back { first } else { last }),
                }
            }
            Agreed::All(_) => break,
            Agreed::Not(further) => at = Some(further),
        }
    }
    Ok(None)
}

enum Agreed {
    All(u32),
    /// Nothing before this place, in the direction of the search.
    Not(u32),
}

/// Whether all lists have the first place that the leading one offers; nothing once a list has ended.
fn agree(lists: &mut [List], place: u32, back: bool) -> Result<Option<Agreed>, IndexError> {
    let Some((leading, others)) = lists.split_first_mut() else {
        return Ok(Some(Agreed::All(place)));
    };
    let Some(place) = leading.seek(place, back)? else { return Ok(None) };
    for list in others {
        match list.seek(place, back)? {
            None => return Ok(None),
            Some(same) if same == place => {}
            Some(further) => return Ok(Some(Agreed::Not(further))),
        }
    }
    Ok(Some(Agreed::All(place)))
}
