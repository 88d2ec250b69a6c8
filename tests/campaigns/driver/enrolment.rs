//! More actors with the rights of one that the demo has, enrolled through the API as anybody else.
//! Never an administrator: nobody makes those alone.
//! A campaign that is refused on purpose needs them, since an actor that is refused too often is locked out.

use crate::client::{Ask, Client};
use crate::fault::Fault;
use crate::page::Page;
use serde_json::json;

/// A post of somebody who signed the secrecy term and was trained.
pub fn ready(role: &str, area: Option<&str>) -> serde_json::Value {
    let trained = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 300);
    json!({
        "role": role, "area": area, "trained_until": trained.to_string(),
        "secrecy_term": {"signed_at": "2026-01-05T08:00:00Z", "document": "B-2026-0017"},
    })
}

/// Tokens of that many new actors of a role; those of a grid work in the sample grid. `name` begins their log-in names.
pub fn tokens(
    client: &Client,
    page: &Page,
    role: &str,
    name: &str,
    count: usize,
) -> Result<Vec<String>, Fault> {
    let administrator = page.token("security_admin", None)?;
    let area = role.starts_with("grid_").then_some(page.sample.grid.as_str());
    let enrol = |number: usize| {
        let body = json!({
            "login": format!("{name}.{number}"), "kind": "person",
            "assignments": [ready(role, area)],
        });
        let added = Ask::new("POST", "/v1/admin/actors", administrator).json(&body);
        let code = json!({"code": client.must(&added, 201)?["code"]});
        let issued = client.must(&Ask::open("POST", "/v1/enrol").json(&code), 201)?;
        issued["token"].as_str().map(str::to_owned).ok_or(Fault::Malformed("a token"))
    };
    (0..count).map(enrol).collect()
}
