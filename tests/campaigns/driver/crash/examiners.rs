//! Asks what one caller may not ask often, through as many examiners as their allowance needs.
//! Never opens a value: a match is all that the vault gives for it.
//! Examiners are enrolled through the vault's own door, by its security administrator.

use super::load::match_of;
use crate::client::{Ask, Client};
use crate::fault::Fault;
use crate::page::Page;
use serde_json::json;
use std::collections::HashMap;

/// Distinct values that one actor may match in a day, less a few; far below the refusals that lock one out.
const VALUES_COUNT_MAX: u32 = 75;

/// Workers who only match.
#[derive(Default)]
pub struct Examiners {
    enrolled: u32,
    /// Token and what is left of the allowance, by grid.
    current: HashMap<String, (String, u32)>,
}

/// A number to be asked for.
pub struct Question {
    /// The record that holds it, if one does.
    pub record: Option<String>,
    /// The number.
    pub value: String,
    /// Whether it must be held; `None` where either is right.
    pub held: Option<bool>,
    /// The request.
    pub ask: Ask,
    /// Whose allowance it uses.
    pub token: String,
}

impl Examiners {
    /// Puts a question in the name of an examiner of the grid.
    pub fn question(
        &mut self,
        page: &Page,
        client: &Client,
        grid: &str,
        value: &str,
        held: Option<bool>,
    ) -> Result<Question, Fault> {
        let token = self.token(page, client, grid)?;
        let ask = match_of(value, &token);
        Ok(Question { record: None, value: value.to_owned(), held, ask, token })
    }

    /// The token of an examiner of the grid, for one question more.
    pub fn token(&mut self, page: &Page, client: &Client, grid: &str) -> Result<String, Fault> {
        if let Some((token, left)) = self.current.get_mut(grid)
            && *left > 0
        {
            *left -= 1;
            return Ok(token.clone());
        }
        self.enrolled += 1;
        let body = json!({
            "login": format!("examiner-{grid}-{}", self.enrolled), "kind": "person",
            "assignments": [crate::enrolment::ready("grid_worker", Some(grid))],
        });
        let ask = Ask::new("POST", "/v1/admin/actors", page.token("security_admin", None)?);
        let added = client.must(&ask.json(&body), 201)?;
        let code = json!({"code": added["code"]});
        let enrolled = client.must(&Ask::open("POST", "/v1/enrol").json(&code), 201)?;
        let token = enrolled["token"].as_str().ok_or(Fault::Malformed("an enrolment"))?.to_owned();
        self.current.insert(grid.to_owned(), (token.clone(), VALUES_COUNT_MAX - 1));
        Ok(token)
    }
}
