//! A small HTTP client: one request, one answer with its status, headers and text.
//! Says nothing again but what came back `stale`, as `docs/integrating.md` asks of a client: tests share actors, and one may
//! change what another is deciding by.
//! Never follows, and never takes a refusal for an error.
//! Each request has a connection of its own, so that a test cannot meet one that the server just closed.

#[path = "../../src/cli/from_here.rs"]
mod from_here;

use from_here::GoingOutFrom;
use gridvault::http::HOST_ADDRESS;
use serde_json::Value;
use std::time::Duration;
use ureq::http;
use ureq::unversioned::resolver::DefaultResolver;

/// Longest time for one answer: a test must end even where the product hangs.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How often a request is said again that came back `stale`.
const STALE_REPEATS_COUNT: usize = 5;

/// One request that is being put together.
#[derive(Clone)]
pub struct Call {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    on_host: bool,
}

impl Call {
    /// A request without token, purpose or body, from where any program on the host calls, a proxy too.
    pub fn new(method: &str, url: String) -> Call {
        let (method, headers) = (method.to_owned(), Vec::new());
        Call { method, url, headers, body: None, on_host: false }
    }

    /// From where whoever is on the host calls to be taken for the host itself.
    pub fn on_host(self) -> Call {
        Call { on_host: true, ..self }
    }

    /// With one more header; a name that is there already comes twice.
    pub fn header(mut self, name: &str, value: &str) -> Call {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a bearer token.
    pub fn token(self, token: &str) -> Call {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// For a purpose.
    pub fn purpose(self, purpose: &str) -> Call {
        self.header("purpose", purpose)
    }

    /// Expecting a version.
    pub fn version(self, version: u64) -> Call {
        self.header("if-match", &format!("\"{version}\""))
    }

    /// With a JSON body.
    pub fn json(self, body: &Value) -> Call {
        self.bytes("application/json", body.to_string().as_bytes())
    }

    /// With any body.
    pub fn bytes(mut self, media: &str, body: &[u8]) -> Call {
        self.body = Some(body.to_vec());
        self.header("content-type", media)
    }

    /// Sends it and reads the whole answer.
    pub fn send(self) -> Reply {
        let mut left = STALE_REPEATS_COUNT;
        loop {
            let reply = match self.clone().try_send() {
                Ok(reply) => reply,
                Err(error) => panic!("no answer: {error}"),
            };
            if left == 0 || reply.body["code"] != "stale" {
                return reply;
            }
            left -= 1;
        }
    }

    /// The same for a vault that may be gone.
    pub fn try_send(self) -> Result<Reply, ureq::Error> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_TIME_MAX))
            .max_idle_connections(0)
            .max_redirects(0)
            .proxy(None)
            .build();
        let agent = match self.on_host {
            true => {
                let from = GoingOutFrom(HOST_ADDRESS);
                ureq::Agent::with_parts(config, from, DefaultResolver::default())
            }
            false => config.into(),
        };
        let (url, headers) = (&self.url, &self.headers);
        let response = match (self.method.as_str(), self.body) {
            ("GET", None) => with(agent.get(url), headers).call(),
            ("HEAD", None) => with(agent.head(url), headers).call(),
            ("DELETE", None) => with(agent.delete(url), headers).call(),
            ("OPTIONS", None) => with(agent.options(url), headers).call(),
            ("GET", Some(body)) => with(agent.get(url), headers).force_send_body().send(&body),
            ("DELETE", Some(body)) => {
                with(agent.delete(url), headers).force_send_body().send(&body)
            }
            ("POST", body) => with(agent.post(url), headers).send(body.unwrap_or_default()),
            ("PUT", body) => with(agent.put(url), headers).send(body.unwrap_or_default()),
            ("PATCH", body) => with(agent.patch(url), headers).send(body.unwrap_or_default()),
            (method, _) => panic!("this client does not know {method}"),
        };
        Reply::of(response?)
    }
}

fn with<T>(
    request: ureq::RequestBuilder<T>,
    headers: &[(String, String)],
) -> ureq::RequestBuilder<T> {
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// One answer.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body as it came.
    pub bytes: Vec<u8>,
    /// The same as text; what is none is replaced.
    pub text: String,
    /// Its body as JSON; `null` where it is none.
    pub body: Value,
}

impl Reply {
    fn of(mut response: http::Response<ureq::Body>) -> Result<Reply, ureq::Error> {
        let bytes = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        let headers = response.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), value.to_str().expect("ASCII").to_owned())
        });
        Ok(Reply::new(response.status().as_u16(), headers.collect(), bytes))
    }

    /// An answer of these parts.
    pub fn new(status: u16, headers: Vec<(String, String)>, bytes: Vec<u8>) -> Reply {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status, headers, bytes, text, body }
    }

    /// This answer, which must have that status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// This answer, which must be the refusal of that status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Reply {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        self
    }

    /// The stable code of a refusal; empty for another answer.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// A header's only value; empty where it is not there.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.iter().filter(|(header, _)| header == name);
        let value = values.next().map_or("", |(_, value)| value);
        assert!(values.next().is_none(), "{name} came twice");
        value
    }

    /// A member of the body that is text.
    #[track_caller]
    pub fn text_of(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.text))
    }

    /// The index of the entry that records it: of the receipt, or of the refusal.
    #[track_caller]
    pub fn index(&self) -> u64 {
        let index = self.body["receipt"]["index"].as_u64().or(self.body["audit_index"].as_u64());
        // What is no JSON names its entry in the head alone.
        let index = index.or_else(|| self.header("audit-receipt").rsplit_once('#')?.1.parse().ok());
        index.unwrap_or_else(|| panic!("no entry is named in {}", self.text))
    }

    /// The fields and reasons that a refusal points to, as `field: reason`.
    pub fn pointers(&self) -> Vec<String> {
        let pointers = self.body["pointers"].as_array().into_iter().flatten();
        pointers
            .map(|pointer| {
                let word = |name: &str| pointer[name].as_str().unwrap_or("-");
                format!("{}: {}", word("field"), word("reason"))
            })
            .collect()
    }

    /// The body without the two ids that differ from request to request.
    pub fn without_ids(&self) -> Value {
        let mut body = self.body.clone();
        for id in ["request_id", "audit_index"] {
            body.as_object_mut().and_then(|members| members.remove(id));
        }
        body
    }
}
