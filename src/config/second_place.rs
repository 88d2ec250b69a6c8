//! Where the ledger of erasures lies: a file by its path, or a URL below which each line is an object.
//! Never a URL with a secret in it, and never one over http beyond this host.
//! What was taken is called as it stands: nothing of it is unescaped, led over a relative path or put together anew.

use super::{ConfigError, ConfigFile};
use crate::limits::ERASURE_LEDGER_URL_CHARACTERS_MAX;
use gridvault_audit::fetch::unread_on_the_way;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The second place of erasures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondPlace {
    /// A file.
    File(PathBuf),
    /// Objects below a URL.
    Url(LedgerUrl),
}

/// `https` to any host, or `http` to an address of loopback: host, port and path, and nothing else. Without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerUrl {
    text: String,
    is_encrypted: bool,
}

impl LedgerUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn parse(text: &str) -> Result<LedgerUrl, &'static str> {
        if text.len() > ERASURE_LEDGER_URL_CHARACTERS_MAX {
            return Err("is a URL longer than any");
        }
        if text.contains(['?', '#']) {
            return Err("has a query or a fragment in its URL");
        }
        let text = text.strip_suffix('/').unwrap_or(text);
        let (is_encrypted, path) = unread_on_the_way(text)?;
        let is_plain = |part: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            !part.is_empty() && part != "." && part != ".." && part.bytes().all(allowed)
        };
        match path.is_none_or(|path| path.split('/').all(is_plain)) {
            true => Ok(LedgerUrl { text: text.to_owned(), is_encrypted }),
            false => Err("has a path in its URL that is not of letters, digits, -._~ and slashes"),
        }
    }
}

impl FromStr for SecondPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<SecondPlace, &'static str> {
        match text {
            "" => Err("names no place"),
            _ if text.contains("://") => LedgerUrl::parse(text).map(SecondPlace::Url),
            _ => Ok(SecondPlace::File(text.into())),
        }
    }
}

impl fmt::Display for SecondPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecondPlace::File(path) => path.display().fmt(formatter),
            SecondPlace::Url(url) => formatter.write_str(&url.text),
        }
    }
}

impl SecondPlace {
    /// What is wrong with a file of a token or of authorities beside this place, or without one.
    ///
    /// # Errors
    /// The key that is wrong, and why.
    pub fn check_beside(
        &self,
        token: Option<&Path>,
        authorities: Option<&Path>,
    ) -> Result<(), (&'static str, &'static str)> {
        match self {
            SecondPlace::File(_) if token.is_some() => {
                Err(("erasure_ledger_token_file", "is of no use: the ledger is a file"))
            }
            SecondPlace::File(_) if authorities.is_some() => {
                Err(("erasure_ledger_ca_file", "is of no use: the ledger is a file"))
            }
            SecondPlace::Url(url) if url.is_encrypted && authorities.is_none() => {
                Err(("erasure_ledger_ca_file", "has to name the authorities that https rests on"))
            }
            _ => Ok(()),
        }
    }
}

/// A second place inside of the first is none. Whether it is on another disk, whoever operates the vault knows.
pub(super) fn second_place(
    directory: &Path,
    file: &ConfigFile,
) -> Result<Option<SecondPlace>, ConfigError> {
    let wrong = |name, reason| ConfigError::Value { name, reason };
    let (token, authorities) = (&file.erasure_ledger_token_file, &file.erasure_ledger_ca_file);
    let Some(named) = &file.erasure_ledger else {
        let reason = "is of no use without erasure_ledger";
        return match (token, authorities) {
            (None, None) => Ok(None),
            (Some(_), _) => Err(wrong("erasure_ledger_token_file", reason)),
            (None, Some(_)) => Err(wrong("erasure_ledger_ca_file", reason)),
        };
    };
    let place = SecondPlace::from_str(named).map_err(|reason| wrong("erasure_ledger", reason))?;
    if let SecondPlace::File(path) = &place {
        if !path.is_absolute() {
            return Err(wrong("erasure_ledger", "is no absolute path and no URL"));
        }
        if path.starts_with(directory) {
            return Err(wrong("erasure_ledger", "lies in the vault's own directory"));
        }
    }
    place
        .check_beside(token.as_deref(), authorities.as_deref())
        .map_err(|(name, reason)| wrong(name, reason))?;
    Ok(Some(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_path_or_a_url_of_host_and_path_and_of_nothing_else() {
        let taken = |text: &str| SecondPlace::from_str(text).map(|place| place.to_string());
        for good in [
            "/mnt/second/erasures",
            "https://objects.example/vault-1/erasures",
            "https://objects.example:8443",
            "https://192.0.2.7/a/b~c_d",
            "http://127.0.0.1:9000/erasures",
            "http://127.8.9.1",
            "http://[::1]:9000/erasures",
        ] {
            assert_eq!(taken(good).as_deref(), Ok(good));
        }
        assert_eq!(taken("https://objects.example/a/").as_deref(), Ok("https://objects.example/a"));
        for (bad, why) in [
            ("https://who:secret@objects.example/a", "credentials"),
            ("https://objects.example/a?sig=secret", "query"),
            ("https://objects.example/a#b", "fragment"),
            ("http://objects.example/a", "loopback"),
            ("http://192.0.2.7/a", "loopback"),
            ("http://localhost/a", "loopback"),
            ("http://127.0.0.1.example/a", "loopback"),
            ("http://[::2]/a", "loopback"),
            ("http://[::ffff:127.0.0.1]/a", "loopback"),
            ("ftp://objects.example/a", "neither"),
            ("HTTPS://objects.example/a", "neither"),
            ("https:///a", "host"),
            ("https://:443/a", "host"),
            ("https://objects.example:/a", "port"),
            ("https://objects.example:0/a", "port"),
            ("https://objects.example:65536/a", "port"),
            ("https://objects.example:+1/a", "port"),
            ("https://objects example/a", "host"),
            ("https://[::1/a", "host"),
            ("https://objects.example//a", "path"),
            ("https://objects.example/a//b", "path"),
            ("https://objects.example/../a", "path"),
            ("https://objects.example/./a", "path"),
            ("https://objects.example/%2e%2e/a", "path"),
            ("https://objects.example/a b", "path"),
            ("https://objects.example/a\r\nx: y", "path"),
            ("", "no place"),
        ] {
            let refused = SecondPlace::from_str(bad).expect_err(bad);
            assert!(refused.contains(why), "{bad}: {refused}");
        }
    }

    #[test]
    fn a_url_has_as_many_characters_as_the_limit_and_not_one_more() {
        let of = |bytes: usize| {
            let begin = "https://objects.example/";
            SecondPlace::from_str(&format!("{begin}{}", "a".repeat(bytes - begin.len())))
        };
        assert!(of(ERASURE_LEDGER_URL_CHARACTERS_MAX).is_ok());
        assert!(of(ERASURE_LEDGER_URL_CHARACTERS_MAX + 1).is_err());
    }

    #[test]
    fn authorities_and_a_token_are_for_a_url_and_https_has_authorities() {
        let checked = |place: Option<&str>, token: bool, authorities: bool| {
            let file = ConfigFile {
                erasure_ledger: place.map(str::to_owned),
                erasure_ledger_token_file: token.then(|| "/token".into()),
                erasure_ledger_ca_file: authorities.then(|| "/ca.pem".into()),
                ..toml::from_str("origin = \"vault.example/log\"").expect("a small file")
            };
            second_place(Path::new("/vault"), &file).is_ok()
        };
        let (https, http) = (Some("https://objects.example/a"), Some("http://127.0.0.1:1/a"));
        assert!(checked(https, true, true) && checked(https, false, true));
        assert!(!checked(https, true, false));
        assert!(checked(http, false, false) && checked(http, true, false));
        assert!(checked(Some("/mnt/erasures"), false, false));
        assert!(!checked(Some("/mnt/erasures"), true, false));
        assert!(!checked(Some("/mnt/erasures"), false, true));
        assert!(!checked(Some("/vault/erasures"), false, false));
        assert!(!checked(Some("erasures"), false, false));
        assert!(checked(None, false, false));
        assert!(!checked(None, true, false) && !checked(None, false, true));
    }
}
