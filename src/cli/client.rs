//! The command line's calls to a running vault.
//! Never takes a token as an argument, where every process of the host could read it, and never calls where others read it on the way.
//! A refusal is printed with its code, its title, the fields that it is about and when to come again.

use super::failure::Failure;
use super::from_here::GoingOutFrom;
use crate::http::HOST_ADDRESS;
use gridvault_audit::fetch::{may_carry_secrets, trusting};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use ureq::config::ConfigBuilder;
use ureq::tls::TlsConfig;
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::DefaultResolver;
use zeroize::Zeroizing;

/// Where a vault is unless it is told otherwise.
pub(super) const URL_USUAL: &str = "http://127.0.0.1:8480";

/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Longest wait for a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest wait until an answer begins: a pack of two thousand entries is made before.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);

/// The command by which somebody with a one-time code enrols, so that it has a key and not a token of some hours alone. The code
/// is asked for, and never an argument.
pub(super) fn enrolling(login: &str, url: &str) -> String {
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || b"._-".contains(&letter);
    // What a shell could take for something else is left to whoever types it.
    let is_plain = !login.is_empty() && !login.starts_with('-') && login.bytes().all(plain);
    let name = if is_plain { login } else { "LOGIN" };
    // Where and by which authorities the holder reaches a vault that others reach too, whoever made the account need not know.
    let at = match may_carry_secrets(url) {
        Ok(()) if url == URL_USUAL => String::new(),
        Ok(()) if url.starts_with("http://") => format!(" --url {url}"),
        Ok(()) => format!(" --url {url} --ca-file FILE"),
        Err(_) => " --url https://HOST --ca-file FILE".to_owned(),
    };
    format!("gridvault enrol --key {name}.key --out {name}.token{at}")
}

/// The address by which a vault is called from its own host that listens there.
pub(super) fn url_of(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        one => one,
    };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}

/// Why there is no success.
pub(super) enum NotDone {
    /// The vault refused, and nothing was done.
    Refused(Failure),
    /// Nobody knows whether it was done.
    Unknown(Failure),
}

/// Where the vault is and who calls.
#[derive(clap::Args)]
pub(super) struct Connection {
    /// The vault's address: https, or http to an address of this host.
    #[arg(long, env = "GRIDVAULT_URL", default_value = URL_USUAL, value_parser = address)]
    pub(super) url: String,
    /// A file with the certificates (PEM) of the authorities that an https address rests on.
    #[arg(long, env = "GRIDVAULT_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// A file that holds the caller's token.
    #[arg(long, env = "GRIDVAULT_TOKEN_FILE")]
    pub(super) token_file: Option<PathBuf>,
}

impl Connection {
    /// `GET`.
    pub(super) fn get(&self, path: &str) -> Result<Value, Failure> {
        let request = self.agent()?.get(format!("{}{path}", self.url));
        answer(&self.url, request.header("authorization", &*self.bearer()?).call())
    }

    /// `GET` for a purpose.
    pub(super) fn get_for(&self, path: &str, purpose: &str) -> Result<Value, Failure> {
        let request = self.agent()?.get(format!("{}{path}", self.url)).header("purpose", purpose);
        answer(&self.url, request.header("authorization", &*self.bearer()?).call())
    }

    /// The same inside a case.
    pub(super) fn get_within(
        &self,
        path: &str,
        purpose: &str,
        case: &str,
    ) -> Result<Value, Failure> {
        let request = self.agent()?.get(format!("{}{path}", self.url));
        let request = request.header("purpose", purpose).header("case", case);
        answer(&self.url, request.header("authorization", &*self.bearer()?).call())
    }

    /// `GET` without a token, of what is open to everybody and is text.
    pub(super) fn get_open_text(&self, path: &str) -> Result<String, Failure> {
        let outcome = self.agent()?.get(format!("{}{path}", self.url)).call();
        let mut response = match outcome {
            Ok(response) if response.status().is_success() => response,
            refused => {
                return Err(answer(&self.url, refused).err().unwrap_or_else(|| {
                    Failure::Failed("the answer is not what was asked for".into())
                }));
            }
        };
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        body.read_to_string().map_err(|error| Failure::failed("the answer cannot be read", &error))
    }

    /// Whether a `GET` without a token succeeds within a time, whatever keeps it from it.
    pub(super) fn succeeds(&self, path: &str, within: Duration) -> bool {
        let Ok(agent) = self.agent() else { return false };
        let request = agent.get(format!("{}{path}", self.url));
        let outcome = request.config().timeout_global(Some(within)).build().call();
        outcome.is_ok_and(|response| response.status().is_success())
    }

    /// `POST` with a token.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.agent()?.post(format!("{}{path}", self.url));
        answer(&self.url, request.header("authorization", &*self.bearer()?).send_json(body))
    }

    /// `POST` with a token, from the host itself, of what cannot be asked for twice: told apart is what the vault refused from what may
    /// have happened.
    pub(super) fn post_once(&self, path: &str, body: &Value) -> Result<Value, NotDone> {
        let bearer = self.bearer().map_err(NotDone::Refused)?;
        let agent = self.agent_of_host().map_err(NotDone::Refused)?;
        let request = agent.post(format!("{}{path}", self.url));
        let outcome = request.header("authorization", &*bearer).send_json(body);
        let refused = outcome.as_ref().is_ok_and(|reply| reply.status().is_client_error());
        answer(&self.url, outcome).map_err(if refused {
            NotDone::Refused
        } else {
            NotDone::Unknown
        })
    }

    /// `POST` with a token and the purpose that the call is for.
    pub(super) fn post_for(
        &self,
        path: &str,
        purpose: &str,
        body: &Value,
    ) -> Result<Value, Failure> {
        let request = self.agent()?.post(format!("{}{path}", self.url)).header("purpose", purpose);
        answer(&self.url, request.header("authorization", &*self.bearer()?).send_json(body))
    }

    /// `POST` with a token and nothing else: a step of something that is there.
    pub(super) fn step(&self, path: &str) -> Result<Value, Failure> {
        let request = self.agent()?.post(format!("{}{path}", self.url));
        answer(&self.url, request.header("authorization", &*self.bearer()?).send_empty())
    }

    /// The same for a purpose.
    pub(super) fn step_for(&self, path: &str, purpose: &str) -> Result<Value, Failure> {
        let request = self.agent()?.post(format!("{}{path}", self.url)).header("purpose", purpose);
        answer(&self.url, request.header("authorization", &*self.bearer()?).send_empty())
    }

    /// `POST` with a token, for an answer that is no JSON.
    pub(super) fn post_for_bytes(&self, path: &str, body: &Value) -> Result<Vec<u8>, Failure> {
        let request = self.agent()?.post(format!("{}{path}", self.url));
        let outcome = request.header("authorization", &*self.bearer()?).send_json(body);
        bytes_of(&self.url, outcome)
    }

    /// `GET` for an answer that is taken as it comes.
    pub(super) fn get_for_bytes(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Vec<u8>, Failure> {
        let mut request = self.agent()?.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        bytes_of(&self.url, request.header("authorization", &*self.bearer()?).call())
    }

    /// Refuses what nobody could be called with. Whoever brings what is good once, or is asked for, looks here before.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.trusted().map(drop)
    }

    /// `POST` without a token.
    pub(super) fn post_open(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        answer(&self.url, self.agent()?.post(format!("{}{path}", self.url)).send_json(body))
    }

    /// `POST` without a token, from the host itself.
    pub(super) fn post_from_here(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let agent = self.agent_of_host()?;
        answer(&self.url, agent.post(format!("{}{path}", self.url)).send_json(body))
    }

    /// For what a vault takes from its own host alone. At another address it is for the vault to say whether it takes it.
    fn agent_of_host(&self) -> Result<ureq::Agent, Failure> {
        // No name, but an address of loopback, as `address` took it.
        if !self.url.starts_with("http://127.") {
            return self.agent();
        }
        let calls = self.calls()?.timeout_recv_response(Some(ANSWER_TIME_MAX));
        let (from, resolver) = (GoingOutFrom(HOST_ADDRESS), DefaultResolver::default());
        Ok(ureq::Agent::with_parts(calls.build(), from, resolver))
    }

    fn agent(&self) -> Result<ureq::Agent, Failure> {
        let calls = self.calls()?.timeout_recv_response(Some(ANSWER_TIME_MAX));
        Ok(calls.build().into())
    }

    /// How a vault is called, but for the time until it answers.
    pub(super) fn calls(&self) -> Result<ConfigBuilder<AgentScope>, Failure> {
        Ok(ureq::Agent::config_builder()
            .http_status_as_error(false)
            // Tokens and what opens a vault go to it and to nobody whom the environment names.
            .proxy(None)
            // No answer leads them elsewhere either: a vault sends nobody on.
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_TIME_MAX))
            .tls_config(self.trusted()?))
    }

    /// Whom an https address is believed. For another one the file of authorities, which the environment may name, is not looked at.
    fn trusted(&self) -> Result<TlsConfig, Failure> {
        let fail = |error: std::io::Error| Failure::failed("the authorities for https", &error);
        if !self.url.starts_with("https://") {
            return trusting(None).map_err(fail);
        }
        let Some(file) = &self.ca_file else {
            let text = "name the file of the authorities that https rests on: --ca-file";
            return Err(Failure::Usage(text.into()));
        };
        std::fs::read(file).and_then(|pem| trusting(Some(&pem))).map_err(fail)
    }

    /// The caller's token.
    pub(super) fn token(&self) -> Result<Zeroizing<String>, Failure> {
        let Some(file) = &self.token_file else {
            return Err(Failure::Usage("name the file that holds your token: --token-file".into()));
        };
        std::fs::read_to_string(file)
            .map(Zeroizing::new)
            .map_err(|error| Failure::failed("the token file cannot be read", &error))
    }

    fn bearer(&self) -> Result<Zeroizing<String>, Failure> {
        Ok(Zeroizing::new(format!("Bearer {}", self.token()?.trim())))
    }
}

fn bytes_of(
    url: &str,
    outcome: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Vec<u8>, Failure> {
    let mut response = match outcome {
        Ok(response) if response.status().is_success() => response,
        refused => {
            return Err(answer(url, refused).err().unwrap_or_else(|| {
                Failure::Failed("the answer is not what was asked for".into())
            }));
        }
    };
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
    body.read_to_vec().map_err(|error| Failure::failed("the answer cannot be read", &error))
}

fn answer(
    url: &str,
    outcome: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Value, Failure> {
    let mut response = outcome.map_err(|error| unreached(url, &error))?;
    let status = response.status();
    let later = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let later = later.and_then(|seconds| seconds.parse().ok());
    let text = response
        .body_mut()
        .with_config()
        .limit(ANSWER_BYTES_MAX)
        .read_to_string()
        .map_err(|error| Failure::failed("the answer cannot be read", &error))?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::failed("the answer is not JSON", &error))?;
    if status.is_success() {
        return Ok(value);
    }
    Err(Failure::Failed(refusal(status.as_u16(), later, &value)))
}

/// That nobody answered, and where.
fn unreached(url: &str, error: &ureq::Error) -> Failure {
    Failure::failed(&format!("the vault at {url} cannot be reached"), error)
}

/// An address without the slashes at its end: paths begin with one. Every call may have a token, a code or a proof with it, so none is
/// taken where they could be read on the way.
fn address(text: &str) -> Result<String, String> {
    let address = text.trim_end_matches('/');
    match may_carry_secrets(address) {
        Ok(()) => Ok(address.to_owned()),
        Err(reason) => Err(format!("it {reason}; nothing was read or sent")),
    }
}

/// What a person reads of a refusal.
fn refusal(status: u16, later_seconds: Option<u32>, problem: &Value) -> String {
    // Whoever answers must not steer the terminal.
    let word = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        text.chars().filter(|letter| !letter.is_control()).collect::<String>()
    };
    let mut text = format!("{} ({status}): {}", word(&problem["code"]), word(&problem["title"]));
    for pointer in problem["pointers"].as_array().into_iter().flatten() {
        text.push_str(&format!("; {}", word(&pointer["field"])));
        let reason = word(&pointer["reason"]);
        if !reason.is_empty() {
            text.push_str(&format!(": {reason}"));
        }
    }
    if let Some(seconds) = later_seconds {
        text.push_str(&format!("; again in {seconds} s"));
    }
    text
}

#[cfg(test)]
impl Connection {
    /// To an address, with nothing that is shown there.
    pub(super) fn to(url: &str) -> Connection {
        Connection { url: url.to_owned(), ca_file: None, token_file: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_says_which_fields_and_when_to_come_again() {
        let plain = json!({"code": "denied", "title": "It is not allowed"});
        assert_eq!(refusal(403, None, &plain), "denied (403): It is not allowed");
        assert_eq!(
            refusal(429, Some(37), &plain),
            "denied (429): It is not allowed; again in 37 s"
        );
        let pointers = json!([{"field": "share", "reason": "checksum"}, {"field": "name"}]);
        let wrong = json!({"code": "schema_invalid", "title": "Wrong", "pointers": pointers});
        let said = "schema_invalid (400): Wrong; share: checksum; name";
        assert_eq!(refusal(400, None, &wrong), said);
    }

    #[test]
    fn address_is_taken_with_a_slash_at_its_end_and_named_where_nobody_answers() {
        assert_eq!(address("http://127.0.0.1:1/").as_deref(), Ok("http://127.0.0.1:1"));
        assert_eq!(address("https://host/vault/").as_deref(), Ok("https://host/vault"));
        for bad in ["host:1", "", "http://host:1", "http://localhost:1", "https://li:secret@host"] {
            assert!(address(bad).is_err(), "{bad}");
        }
        let Failure::Failed(said) = unreached("http://host:1", &ureq::Error::HostNotFound) else {
            panic!("it is no usage");
        };
        assert!(said.starts_with("the vault at http://host:1 cannot be reached"), "{said}");
    }

    #[test]
    fn next_step_of_whoever_has_a_code_keeps_a_key_and_says_where() {
        let usual = "gridvault enrol --key li.key --out li.token";
        assert_eq!(enrolling("li", URL_USUAL), usual);
        let here = "http://127.0.0.1:1";
        assert_eq!(enrolling("li", here), format!("{usual} --url {here}"));
        let far = "https://a/vault";
        assert_eq!(enrolling("li", far), format!("{usual} --url {far} --ca-file FILE"));
        // What the holder's own command would refuse is not what it is told to type.
        let clear = enrolling("li", "http://10.0.0.1:90");
        assert_eq!(clear, format!("{usual} --url https://HOST --ca-file FILE"));
        for login in ["", "-x", "a b", "a;b", "$HOME", "李"] {
            assert_eq!(enrolling(login, URL_USUAL), usual.replace("li.", "LOGIN."), "{login}");
        }
        let url = |listen: &str| url_of(listen.parse().expect("an address"));
        assert_eq!(url("0.0.0.0:90"), "http://127.0.0.1:90");
        assert_eq!(url("[::]:90"), "http://[::1]:90");
        assert_eq!(url("127.0.0.1:8480"), URL_USUAL);
        assert_eq!(url("10.0.0.1:90"), "http://10.0.0.1:90");
    }

    #[test]
    fn an_https_address_is_not_called_without_authorities() {
        let said = |connection: &Connection| match connection.check() {
            Ok(()) => String::new(),
            Err(Failure::Usage(text) | Failure::Failed(text)) => text,
            Err(_) => panic!("neither"),
        };
        let mut connection = Connection::to("https://host");
        assert!(said(&connection).contains("--ca-file"));
        let file = tempfile::NamedTempFile::new().expect("a file");
        connection.ca_file = Some(file.path().to_owned());
        assert!(said(&connection).contains("no certificate"), "{}", said(&connection));
        assert!(!connection.succeeds("/readyz", Duration::from_millis(1)));
        connection.url = "http://127.0.0.1:1".to_owned();
        assert_eq!(said(&connection), "");
    }

    #[test]
    fn whoever_answers_does_not_steer_the_terminal() {
        let hostile = json!({"code": "a\u{1b}[2J", "title": "b\n", "pointers": [{"field": "\r"}]});
        assert!(!refusal(400, None, &hostile).contains(char::is_control));
    }
}
