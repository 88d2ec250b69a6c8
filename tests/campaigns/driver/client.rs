//! Requests to a vault and what comes back, whole.
//! Never repeats a request by itself, and never takes a refusal for a fault.
//! One client has connections of its own; they end with it.

use super::fault::Fault;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use std::time::Duration;
use ureq::http::{HeaderName, HeaderValue, Request};

/// Longest wait for an answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A caller of one vault.
pub struct Client {
    agent: ureq::Agent,
    url: String,
}

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its head as text, a line for each header.
    pub head: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// Where the entry of an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Index of the entry.
    pub index: u64,
    /// Leaf hash of the entry.
    pub leaf: [u8; 32],
}

impl Ask {
    /// A request with a token.
    pub fn new(method: &'static str, path: impl Into<String>, token: &str) -> Ask {
        let ask = Ask { method, path: path.into(), ..Ask::default() };
        ask.header("authorization", format!("Bearer {token}"))
    }

    /// A request by a stranger.
    pub fn open(method: &'static str, path: impl Into<String>) -> Ask {
        Ask { method, path: path.into(), ..Ask::default() }
    }

    /// With a header.
    pub fn header(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Ask {
        self.headers.push((name, value.into()));
        self
    }

    /// For a purpose.
    pub fn purpose(self, purpose: &str) -> Ask {
        self.header("purpose", purpose)
    }

    /// Under the version that the caller saw.
    pub fn version(self, version: u64) -> Ask {
        self.header("if-match", format!("\"{version}\""))
    }

    /// With a JSON body.
    pub fn json(self, body: &Value) -> Ask {
        self.bytes(body.to_string())
    }

    /// With any bytes that claim to be JSON.
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Ask {
        self.body = Some(body.into());
        self.header("content-type", "application/json")
    }
}

impl Client {
    /// A caller with connections of its own.
    pub fn new(url: &str) -> Client {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(ANSWER_TIME_MAX))
            .build();
        Client { agent: config.into(), url: url.to_owned() }
    }

    /// Sends a request, once.
    pub fn send(&self, ask: &Ask) -> Result<Reply, Fault> {
        let mut request =
            Request::builder().method(ask.method).uri(format!("{}{}", self.url, ask.path));
        for (name, value) in &ask.headers {
            let value = HeaderValue::from_bytes(value)
                .map_err(|_| Fault::Malformed("a header of the campaign"))?;
            request = request.header(*name, value);
        }
        let built = |_| Fault::Malformed("a request of the campaign");
        let mut response = match &ask.body {
            Some(body) => self.agent.run(request.body(body.as_slice()).map_err(built)?)?,
            None => self.agent.run(request.body(()).map_err(built)?)?,
        };
        let status = response.status().as_u16();
        let head: Vec<String> = response.headers().iter().map(in_words).collect();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        Ok(Reply { status, head: head.join("\n"), body })
    }

    /// Sends a request that must get this status, and gives its JSON.
    pub fn must(&self, ask: &Ask, status: u16) -> Result<Value, Fault> {
        let reply = self.send(ask)?;
        let json = reply.json();
        if reply.status == status {
            return Ok(json);
        }
        let (code, pointers) = (&json["code"], &json["pointers"]);
        Err(Fault::Refused(format!(
            "{} {} gave {} {code} {pointers}",
            ask.method, ask.path, reply.status
        )))
    }
}

impl Reply {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

fn in_words((name, value): (&HeaderName, &HeaderValue)) -> String {
    format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
}

/// The receipt of an answer.
pub fn receipt(answer: &Value) -> Option<Receipt> {
    let receipt = &answer["receipt"];
    let leaf = BASE64_URL_SAFE_NO_PAD.decode(receipt["leaf"].as_str()?).ok()?;
    Some(Receipt { index: receipt["index"].as_u64()?, leaf: leaf.try_into().ok()? })
}
