//! What a request carries that its route does not take: a query string, a key to be remembered by.
//! Never passes either over in silence: its caller would take it for heeded.
//! Asked of every request, so a route is looked up only where there is something to ask about.

use super::problem::Problem;
use super::routes::{ROUTES, Route};
use axum::http::{HeaderMap, Method, Uri};

/// The header by which a write is remembered.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Whether a request has a query string where its route takes none. Without this a member that nobody reads would be taken for
/// one that was heeded.
pub(super) fn has_stray_query(method: &Method, uri: &Uri) -> bool {
    let is_empty = uri.query().is_none_or(str::is_empty);
    // Most requests have none, and are not looked up.
    !is_empty && route_of(method, uri).is_some_and(strict_query)
}

/// The files of the log refuse a query as they refuse any other path that is none.
fn strict_query(route: &Route) -> bool {
    !route.doc.takes_query() && !route.path.starts_with("/log/")
}

/// Whether a request has a key where its route remembers none. Without this whoever sends it again would take that for safe. What
/// only reads may be said again anyway.
pub(super) fn has_stray_key(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    headers.contains_key(IDEMPOTENCY_KEY)
        && !method.is_safe()
        && route_of(method, uri).is_some_and(|route| !route.doc.is_repeatable())
}

/// The refusal of one, with a word of what it is about.
pub(super) fn without_key(problem: Problem) -> Problem {
    let pointers = vec![("Idempotency-Key".to_owned(), Some("not_taken_here"))];
    Problem { pointers, ..problem }
}

fn route_of(method: &Method, uri: &Uri) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.method == *method && route.fits(uri.path()))
}
