//! An actor of a vault with the calls that its client makes.
//! Never checks an answer; that is the test's.
//! Purposes of creations are read from the body, so that the two cannot differ by mistake.

use super::client::{Call, Reply};
use serde_json::{Value, json};

/// Somebody with a token.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The id in the directory.
    pub id: String,
    /// The role.
    pub role: String,
    /// The area; none for a role of the platform.
    pub area: Option<String>,
    /// The token.
    pub token: String,
    /// The vault.
    pub url: String,
}

impl Actor {
    /// The grid that it works in.
    pub fn grid(&self) -> &str {
        self.area.as_deref().expect("an actor of a grid")
    }

    /// A request with its token.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(method, format!("{}{path}", self.url)).token(&self.token)
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Reply {
        self.call("GET", path).send()
    }

    /// `POST` of a JSON body that needs no purpose.
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.call("POST", path).json(body).send()
    }

    /// Reads fields of a record.
    pub fn read(&self, id: &str, fields: &str, purpose: &str) -> Reply {
        self.call("GET", &format!("/v1/records/{id}?fields={fields}")).purpose(purpose).send()
    }

    /// Stores a record or a household for the purpose that its basis names.
    fn store(&self, path: &str, body: &Value) -> Reply {
        let purpose = body["basis"]["purpose"].as_str().expect("a basis with its purpose");
        self.call("POST", path).purpose(purpose).json(body).send()
    }

    /// Stores a record.
    pub fn create(&self, body: &Value) -> Reply {
        self.store("/v1/records", body)
    }

    /// Stores a household.
    pub fn create_household(&self, body: &Value) -> Reply {
        self.store("/v1/households", body)
    }

    /// Changes fields of a record.
    pub fn patch(&self, id: &str, version: u64, purpose: &str, fields: Value) -> Reply {
        let call = self.call("PATCH", &format!("/v1/records/{id}")).purpose(purpose);
        call.version(version).json(&json!({"fields": fields})).send()
    }

    /// Removes a record.
    pub fn delete(&self, id: &str, version: u64, purpose: &str) -> Reply {
        let call = self.call("DELETE", &format!("/v1/records/{id}")).purpose(purpose);
        call.version(version).json(&json!({"reason": "collected in error"})).send()
    }

    /// Lists records.
    pub fn query(&self, body: &Value, purpose: &str) -> Reply {
        self.call("POST", "/v1/records/query").purpose(purpose).json(body).send()
    }

    /// Who lives at a place.
    pub fn occupants(&self, place: &str, fields: &[&str], purpose: &str) -> Reply {
        let call = self.call("POST", &format!("/v1/places/{place}/occupants")).purpose(purpose);
        call.json(&json!({"fields": fields})).send()
    }

    /// What changed since a cursor.
    pub fn changes(&self, since: Option<&str>, limit: usize, purpose: &str) -> Reply {
        let since = since.map(|cursor| format!("&since={cursor}")).unwrap_or_default();
        self.call("GET", &format!("/v1/changes?limit={limit}{since}")).purpose(purpose).send()
    }

    /// Matches a value of a person.
    pub fn matches(&self, field: &str, value: &str, purpose: &str) -> Reply {
        let body = json!({"type": "person", "field": field, "value": value});
        self.call("POST", "/v1/records/match").purpose(purpose).json(&body).send()
    }
}
