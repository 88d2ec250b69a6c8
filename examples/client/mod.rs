//! A client of a vault in one page, to be copied: who calls, for which purpose, and what to do with a refusal.
//! Never repeats a request that could be done twice, and never takes a refusal for an answer.
//! Values about people stay in the answer that brought them; nothing here prints or keeps one.

#![allow(dead_code, reason = "each example uses its part of the client")]

pub mod demo;

use serde_json::Value;
use std::fmt;
use std::time::Duration;
use ureq::http::{Method, Request};

/// Longest wait for an answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// How often a request is said at most.
const ATTEMPTS_COUNT_MAX: u32 = 5;
/// The wait before the second time where the vault names none; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// Longest wait that somebody at a screen is made to wait; a vault that names a longer one is asked later, by the person.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// A caller: a vault, a token, and the purpose of what it asks for.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    url: String,
    token: String,
    purpose: Option<String>,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// The vault said no, with a reason (RFC 9457).
    Refused(Box<Problem>),
    /// It could not be reached, or said something that is no answer.
    Unreachable(String),
}

/// A refusal. Its title is for the person at the screen; what a program does depends on the code alone.
#[derive(Debug)]
pub struct Problem {
    /// The status.
    pub status: u16,
    /// The stable code.
    pub code: String,
    /// What happened, in the language that was asked for.
    pub title: String,
    /// The fields that it is about, each with what is wrong with it where that is known.
    pub fields: Vec<(String, String)>,
    /// For whoever asks the operator about it.
    pub request_id: String,
    /// After which time the vault wants to be asked again, where it names one.
    pub retry_after: Option<Duration>,
}

impl Problem {
    /// Whether the same request may be said again by itself after a short wait: nothing was done, and nobody has to do
    /// anything first. Other codes may be `retryable` too, but only after a task, an approval or a day.
    pub fn passes(&self) -> bool {
        ["overloaded", "stale", "in_flight", "trail_unavailable", "sealed"].contains(&&*self.code)
    }
}

/// One request before it is sent.
pub struct Call<'c> {
    client: &'c Client,
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    repeatable: bool,
}

impl Client {
    /// A caller that has no purpose yet, as forms and proofs need none. These examples call a vault on their own host; a client that calls
    /// one over `https` has ureq's feature `rustls`, or trusts its deployment's own authority (`tls_config`), and calls no other `http`.
    pub fn new(url: &str, token: &str) -> Client {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // The token and what is said of people go to the vault, to no proxy that the environment names and nowhere else it is led to.
            .proxy(None)
            .max_redirects(0)
            .timeout_global(Some(ANSWER_TIME_MAX))
            .build();
        Client { agent: config.into(), url: url.to_owned(), token: token.to_owned(), purpose: None }
    }

    /// The same caller for a purpose: one of `GET /v1/purposes`, and always the one that the person works for now.
    pub fn for_purpose(&self, purpose: &str) -> Client {
        Client { purpose: Some(purpose.to_owned()), ..self.clone() }
    }

    /// A question. Said again while the vault is busy.
    pub fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path, None, true)
    }

    /// A question whose body holds what may not stand in an address: a value that is looked for.
    pub fn ask(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::POST, path, Some(body.to_string()), true)
    }

    /// A write. Said once, unless [`Call::once`] makes it safe to say again.
    pub fn store(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::POST, path, Some(body.to_string()), false)
    }

    /// A change of what the caller saw at that version. Once it is done the version is another, so it is never done twice; but whoever says
    /// it again after an answer that was lost is told `version_conflict`. With [`Call::once`] the vault answers as it did the first time.
    pub fn change(&self, path: &str, version: u64, body: &Value) -> Call<'_> {
        let call = self.call(Method::PATCH, path, Some(body.to_string()), true);
        call.header("if-match", format!("\"{version}\""))
    }

    fn call(&self, method: Method, path: &str, body: Option<String>, repeatable: bool) -> Call<'_> {
        let path = path.to_owned();
        Call { client: self, method, path, headers: Vec::new(), body, repeatable }
    }
}

impl Call<'_> {
    /// Makes a write of records safe to say again; other writes take no key. The vault does it once for a key, and answers
    /// the same from then on. A key is for one request; the handset makes it with the form and keeps both until it has an
    /// answer.
    pub fn once(mut self, key: &str) -> Self {
        self.repeatable = true;
        self.header("idempotency-key", key.to_owned())
    }

    fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sends it and gives the answer as JSON.
    pub fn json(self) -> Result<Value, Failure> {
        let text = self.text()?;
        serde_json::from_str(&text).map_err(|_| Failure::Unreachable("this is no vault".into()))
    }

    /// Sends it and gives the answer as it came.
    pub fn text(self) -> Result<String, Failure> {
        let mut wait = FIRST_WAIT;
        for attempt in 1.. {
            let failure = match self.send() {
                Ok(text) => return Ok(text),
                Err(failure) => failure,
            };
            // No answer does not mean that nothing was done.
            let again = match &failure {
                Failure::Refused(problem) => problem.passes(),
                Failure::Unreachable(_) => true,
            };
            if !again || !self.repeatable || attempt == ATTEMPTS_COUNT_MAX {
                return Err(failure);
            }
            let named = failure.retry_after();
            if named.is_some_and(|named| named > WAIT_MAX) {
                return Err(failure);
            }
            std::thread::sleep(named.unwrap_or(wait));
            wait *= 2;
        }
        unreachable!("the last attempt returns")
    }

    fn send(&self) -> Result<String, Failure> {
        let client = self.client;
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("{}{}", client.url, self.path))
            .header("authorization", format!("Bearer {}", client.token))
            .header("accept-language", "en");
        if let Some(purpose) = &client.purpose {
            request = request.header("purpose", purpose);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let response = match &self.body {
            None => request.body(()).map(|request| client.agent.run(request)),
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.as_str())
                .map(|request| client.agent.run(request)),
        };
        let response = response.map_err(|error| Failure::Unreachable(error.to_string()))?;
        let mut response = response.map_err(|error| Failure::Unreachable(error.to_string()))?;
        let retry_after =
            response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after =
            retry_after.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let text = response.body_mut().read_to_string();
        let text = text.map_err(|error| Failure::Unreachable(error.to_string()))?;
        match response.status().as_u16() {
            200..300 => Ok(text),
            status => Err(refusal(status, &text, retry_after)),
        }
    }
}

fn refusal(status: u16, text: &str, retry_after: Option<Duration>) -> Failure {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let fields = body["pointers"].as_array().into_iter().flatten();
    Failure::Refused(Box::new(Problem {
        status,
        code: word(&body["code"]),
        title: word(&body["title"]),
        fields: fields.map(|field| (word(&field["field"]), word(&field["reason"]))).collect(),
        request_id: word(&body["request_id"]),
        retry_after,
    }))
}

impl Failure {
    /// After which time the vault wants to be asked again, where it names one.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Failure::Refused(problem) => problem.retry_after,
            Failure::Unreachable(_) => None,
        }
    }

    /// The code of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Failure::Refused(problem) => Some(&problem.code),
            Failure::Unreachable(_) => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unreachable(what) => write!(formatter, "no answer: {what}"),
            Failure::Refused(problem) => {
                let Problem { status, code, title, request_id, .. } = problem.as_ref();
                write!(formatter, "{status} {code}: {title} (request {request_id})")
            }
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    /// A vault that gives these answers one after the other, and then tells how often it was asked.
    fn vault(answers: &'static [(&'static str, &'static str)]) -> (String, JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = std::thread::spawn(move || {
            for (status, code) in answers {
                let (mut stream, _) = listener.accept().expect("a client");
                let mut head = [0; 4_096];
                let _bytes = stream.read(&mut head).expect("a request");
                let body = format!("{{\"code\":\"{code}\"}}");
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                stream.write_all(answer.as_bytes()).expect("a client that reads");
            }
            answers.len()
        });
        (url, serving)
    }

    #[test]
    fn vault_that_names_a_time_is_given_it_and_a_long_one_is_told_to_the_person() {
        let (url, serving) = vault(&[
            ("503 x\r\nretry-after: 1", "sealed"),
            ("503 x\r\nretry-after: 3600", "sealed"),
        ]);
        let begun = std::time::Instant::now();
        let failure = Client::new(&url, "t").get("/v1/purposes").json().expect_err("a refusal");
        assert_eq!(failure.retry_after(), Some(Duration::from_secs(3_600)));
        assert!((1..5).contains(&begun.elapsed().as_secs()));
        assert_eq!(serving.join().expect("it ended"), 2);
    }

    #[test]
    fn busy_vault_is_asked_again_and_a_refusal_is_not() {
        let (url, serving) =
            vault(&[("503 x", "overloaded"), ("409 x", "in_flight"), ("200 x", "done")]);
        let answer = Client::new(&url, "t").get("/v1/purposes").json().expect("an answer");
        assert_eq!(answer["code"], "done");
        assert_eq!(serving.join().expect("it ended"), 3);
        let (url, serving) = vault(&[("403 x", "denied")]);
        let failure = Client::new(&url, "t").get("/v1/purposes").json().expect_err("a refusal");
        assert_eq!(failure.code(), Some("denied"));
        assert_eq!(serving.join().expect("it ended"), 1);
    }

    #[test]
    fn write_without_a_key_is_said_once_and_with_one_until_it_is_answered() {
        let (url, serving) = vault(&[("503 x", "overloaded")]);
        let client = Client::new(&url, "t");
        client.store("/v1/records", &Value::Null).json().expect_err("said once");
        assert_eq!(serving.join().expect("it ended"), 1);
        let (url, serving) = vault(&[("503 x", "overloaded"), ("201 x", "done")]);
        let client = Client::new(&url, "t");
        client.store("/v1/records", &Value::Null).once("k").json().expect("an answer");
        assert_eq!(serving.join().expect("it ended"), 2);
    }
}
