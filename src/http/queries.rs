//! What lists and searches are asked by: the members of their query strings, with their forms.
//! Never a member that the handler does not read; its own words are named beside each table.
//! Named by the table of routes, from which the OpenAPI document takes them.

use super::forms;
use super::openapi::Query;

/// What the log is searched by, in the words of `oversight::QUESTION_WORDS`.
pub(super) const SEARCHED: &[Query] = &[
    Query::new("actor", "Who acted: an actor's id", forms::sixteen_bytes),
    Query::new("system", "Through which system: its actor id", forms::sixteen_bytes),
    Query::new(
        "about",
        "Which actor an act of administration or oversight was about",
        forms::sixteen_bytes,
    ),
    Query::new("record", "Which record: its id, or its handle in entries", forms::id_or_handle),
    Query::new("subject", "Which subject: its id, or its handle in entries", forms::id_or_handle),
    Query::new("grid", "In which grid or area, as its code was then", forms::area_code),
    Query::new("purpose", "For which purpose", forms::word),
    Query::new("outcome", "How it ended", forms::outcome),
    Query::new("why", "For which reason it was refused", forms::word),
    Query::new("rule", "By which rule", forms::rule),
    Query::new("role", "Under which role", forms::word),
    Query::new("task", "In which task", forms::sixteen_bytes),
    Query::new("case", "In which case", forms::sixteen_bytes),
    Query::new("event", "Family of events, or family and action with a dot between", forms::event),
    Query::new("type", "Which type of record", forms::kind_of_record),
    Query::new("field", "Which field was given out or changed", forms::word),
    Query::new(
        "approval",
        "By which approval, delegation or emergency access",
        forms::sixteen_bytes,
    ),
    Query::new("since", "Not before this moment (UTC)", forms::moment),
    Query::new("until", "Before this moment (UTC)", forms::moment),
    Query::new(
        "day",
        "On this day, by the country's time; not beside since and until",
        forms::date,
    ),
    Query::new("from", "First index", forms::index),
    Query::new(
        "order",
        "Which end first; the oldest where `from` is given, else the newest",
        forms::order,
    ),
    Query::new("limit", "At most 100", forms::audit_limit),
    Query::new("cursor", "The cursor of the page before", forms::cursor),
];

/// What anomalies are listed by, in the words of `anomalies::ANOMALIES_WORDS`.
pub(super) const ANOMALIES: &[Query] = &[
    Query::new("rule", "Found by this rule", forms::anomaly_rule),
    Query::new("actor", "Of this account", forms::sixteen_bytes),
    Query::new("state", "What became of it", forms::anomaly_state),
    Query::new("since", "Not before this moment (UTC)", forms::moment),
    Query::new("until", "Before this moment (UTC)", forms::moment),
    Query::new("limit", "At most 100", forms::audit_limit),
    Query::new("before", "The `next` of the page before", forms::index),
];

/// What is to be put right is listed by, in the words of `rectifications::ITEMS_WORDS`.
pub(super) const ITEMS: &[Query] = &[
    Query::new("state", "How far it is", forms::item_state),
    Query::new("limit", "At most 100", forms::audit_limit),
    Query::new("after", "The `next` of the page before", forms::sixteen_bytes),
];

/// What reviews are listed by, in the words of `reviews::REVIEWS_WORDS`.
pub(super) const REVIEWS: &[Query] = &[
    Query::new("state", "How far it is", forms::review_state),
    Query::new("limit", "At most 100", forms::audit_limit),
    Query::new("before", "The `next` of the page before", forms::sixteen_bytes),
];

/// What ends is listed by, in the words of `posts::EXPIRING_WORDS`.
pub(super) const EXPIRING: &[Query] = &[
    Query::needed("within_days", "Ends within so many days; 366 at most", forms::within_days),
    Query::new("limit", "At most 200", forms::posts_limit),
    Query::new("after", "The `next` of the page before", forms::cursor),
];

/// Vacant grids are listed by, in the words of `posts::VACANT_WORDS`.
pub(super) const VACANT: &[Query] = &[
    Query::new("limit", "At most 200", forms::posts_limit),
    Query::new("after", "The `next` of the page before", forms::grid_in_query),
];

/// What is due is listed by, in the words of `due::DUE_WORDS`.
pub(super) const DUE: &[Query] = &[
    Query::new("limit", "At most 200", forms::due_limit),
    Query::new("after", "The `next` of the page before", forms::cursor),
];

/// Who looked at what is held of somebody is listed by, in the words of `oversight::ACCESSES_WORDS`.
pub(super) const ACCESSES: &[Query] = &[
    Query::new("since", "Not before this moment (UTC)", forms::moment),
    Query::new("until", "Before this moment (UTC)", forms::moment),
    Query::new("limit", "At most 100", forms::audit_limit),
    Query::new("cursor", "The cursor of the page before", forms::cursor),
];

/// What an export is made of: a form, and what a search is made of, in longer pages.
pub(super) static EXPORTED: &[Query] = &{
    let mut queries =
        [Query::needed("format", "The form of a line", forms::export_format); SEARCHED.len() + 1];
    let mut at = 0;
    while at < SEARCHED.len() {
        queries[at + 1] = SEARCHED[at];
        at += 1;
    }
    queries[LIMIT_PLACE + 1] = Query::new("limit", "At most 1,000", forms::export_limit);
    queries
};

/// Where `limit` stands in [`SEARCHED`].
const LIMIT_PLACE: usize = 22;
