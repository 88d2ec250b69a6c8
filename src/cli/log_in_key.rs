//! The file that somebody logs in by: its key, whose it is and of which vault.
//! Never readable by anybody but its owner, never overwritten, and whole on the disk before the vault is told of the key.
//! Three lines: the key; then, once the vault has it, `actor ID` and `origin ORIGIN`.

use super::failure::Failure;
use crate::access::ActorId;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::LogInKey;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Seconds that a proof says it is good for; the vault takes one that is no older.
const PROOF_SECONDS: i64 = 30;

/// A key that the vault is about to be told of.
pub(super) struct Fresh {
    file: File,
    key: LogInKey,
}

/// A key that the vault knows.
pub(super) struct Known {
    key: LogInKey,
    actor: String,
    origin: String,
}

impl Fresh {
    /// Draws a key and writes it into a new file; or takes one that lies there because the vault was asked in vain.
    pub(super) fn create(path: &Path) -> Result<Fresh, Failure> {
        let fail = |error: std::io::Error| Failure::failed("the file of the key", &error);
        let mut options = OpenOptions::new();
        options.append(true).mode(0o600);
        match options.clone().create_new(true).open(path) {
            Ok(mut file) => {
                let key = LogInKey::draw().map_err(|error| Failure::failed("the key", &error))?;
                append(&mut file, &key.to_text())?;
                Ok(Fresh { file, key })
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(fail)?;
                let key = LogInKey::parse(text.trim_end_matches('\n')).map_err(|_| {
                    Failure::Failed("the file of the key holds something else already".into())
                })?;
                Ok(Fresh { file: options.open(path).map_err(fail)?, key })
            }
            Err(error) => Err(fail(error)),
        }
    }

    /// The public key, as a request has it.
    pub(super) fn public_key(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.key.public_key())
    }

    /// Writes down whose it is, as the vault said.
    pub(super) fn known(mut self, answer: &Value) -> Result<(), Failure> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        append(&mut self.file, &format!("actor {}", word(&answer["actor"])))?;
        append(&mut self.file, &format!("origin {}", word(&answer["receipt"]["log"])))
    }
}

fn append(file: &mut File, line: &str) -> Result<(), Failure> {
    let written = file.write_all(line.as_bytes()).and_then(|()| file.write_all(b"\n"));
    written
        .and_then(|()| file.sync_all())
        .map_err(|error| Failure::failed("the file of the key", &error))
}

impl Known {
    /// Reads the file of a key that the vault knows.
    pub(super) fn read(path: &Path) -> Result<Known, Failure> {
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|error| Failure::failed("the file of the key", &error))?;
        let mut lines = text.lines();
        let wrong = || {
            Failure::Failed(
                "the file of the key is none, or the vault was never told of it: enrol again"
                    .into(),
            )
        };
        let key = LogInKey::parse(lines.next().unwrap_or_default()).map_err(|_| wrong())?;
        let mut after = |word: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(word));
            line.filter(|rest| !rest.is_empty()).map(str::to_owned).ok_or_else(wrong)
        };
        let (actor, origin) = (after("actor ")?, after("origin ")?);
        Ok(Known { key, actor, origin })
    }

    /// Whose it is.
    pub(super) fn actor(&self) -> Result<ActorId, Failure> {
        let wrong = |_| Failure::Failed("the file of the key names nobody".into());
        self.actor.parse().map_err(wrong)
    }

    /// Its signature of a text that its holder was shown. No proof of a log-in begins as such a text does.
    pub(super) fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.key.sign(text)
    }

    /// Proves who logs in at this second, through a system where one is named, to the vault of that origin: its own unless another
    /// is named.
    pub(super) fn proof(
        &self,
        via: Option<&str>,
        origin: Option<&str>,
        now_seconds: i64,
    ) -> Zeroizing<String> {
        let mut claims = json!({
            "iss": self.actor, "sub": self.actor, "aud": origin.unwrap_or(&self.origin),
            "iat": now_seconds, "exp": now_seconds + PROOF_SECONDS,
        });
        if let Some(via) = via {
            claims["act"] = json!({ "sub": via });
        }
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","typ":"login+jwt"}"#);
        let claims = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
        let signed = format!("{header}.{claims}");
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()));
        Zeroizing::new(format!("{signed}.{signature}"))
    }
}
