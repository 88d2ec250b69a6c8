//! More actors with the rights of one that the demo has, enrolled through the API as anybody else.
//! Never an administrator: nobody makes those alone.
//! A campaign that is refused on purpose needs them, since an actor that is refused too often is locked out.

use crate::client::{Ask, Client};
use crate::fault::Fault;
use crate::page::Page;
use serde_json::{Value, json};

/// A post of somebody who signed the secrecy term and was trained.
pub fn ready(role: &str, area: Option<&str>) -> Value {
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
        let added = client.must(&added, 201)?;
        if area.is_none() {
            confirm(client, page.token("audit_admin", None)?, &added["id"])?;
        }
        let code = json!({"code": added["code"]});
        let issued = client.must(&Ask::open("POST", "/v1/enrol").json(&code), 201)?;
        issued["token"].as_str().map(str::to_owned).ok_or(Fault::Malformed("a token"))
    };
    (0..count).map(enrol).collect()
}

/// The audit administrator's word on whatever posts of a new actor wait for a second administrator.
pub fn confirm(client: &Client, auditor: &str, id: &Value) -> Result<(), Fault> {
    let listed = client.must(&Ask::new("GET", "/v1/admin/actors", auditor), 200)?;
    let mut actors = listed["actors"].as_array().into_iter().flatten();
    let posts = actors.find(|one| one["id"] == *id).map(|one| &one["assignments"]);
    let posts = posts.and_then(Value::as_array).into_iter().flatten();
    let actor = id.as_str().ok_or(Fault::Malformed("an actor"))?;
    for post in posts.filter(|post| post["confirmed"] == json!(false)) {
        let path = format!("/v1/admin/actors/{actor}/assignments/confirm");
        let ask = Ask::new("POST", path, auditor).json(&json!({"assignment": post["id"]}));
        client.must(&ask, 200)?;
    }
    Ok(())
}
