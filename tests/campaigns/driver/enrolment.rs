//! More actors with the rights of one that the demo has, enrolled through the API as anybody else.
//! Never an administrator: nobody makes those alone.
//! A campaign that is refused on purpose needs them, since an actor that is refused too often is locked out.

use crate::client::{Ask, Client};
use crate::fault::Fault;
use crate::page::Page;
use serde_json::json;

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
            "assignments": [{"role": role, "area": area}],
        });
        let added = Ask::new("POST", "/v1/admin/actors", administrator).json(&body);
        let code = json!({"code": client.must(&added, 201)?["code"]});
        let issued = client.must(&Ask::open("POST", "/v1/enrol").json(&code), 201)?;
        issued["token"].as_str().map(str::to_owned).ok_or(Fault::Malformed("a token"))
    };
    (0..count).map(enrol).collect()
}
