//! Whether a URL may be called with a secret in hand.
//! Never asks who answers for a name: over `http` an address of this host alone is unread on the way.
//! What was taken is called as it stands, so nothing of it may mean one thing here and another to whoever calls.

use std::net::IpAddr;

/// Whether what is sent to a URL can be read by nobody on the way: `https` to any host, or `http` to an address of loopback.
///
/// # Errors
/// What is wrong with it.
pub fn may_carry_secrets(url: &str) -> Result<(), &'static str> {
    unread_on_the_way(url).map(drop)
}

/// Whether such a URL is encrypted, and its path.
///
/// # Errors
/// What is wrong with it.
pub fn unread_on_the_way(text: &str) -> Result<(bool, Option<&str>), &'static str> {
    if text.contains('@') {
        return Err("has credentials in its URL: a token comes from a file");
    }
    let (is_encrypted, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Err("is a URL of neither https nor http"),
    };
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(a, p)| (a, Some(p)));
    let is_loopback = host(authority).ok_or("names no host in its URL, or a wrong port")?;
    match is_encrypted || is_loopback {
        true => Ok((is_encrypted, path)),
        false => Err("is http to a host that is no address of loopback: say https"),
    }
}

/// Whether a host, with its port if it has one, is an address of loopback; nothing where it is none.
fn host(authority: &str) -> Option<bool> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    if !port.is_none_or(is_port) {
        return None;
    }
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return inner.parse().ok().map(|address: std::net::Ipv6Addr| address.is_loopback());
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let is_name = !host.is_empty() && host.bytes().all(allowed);
    // A name is whoever answers for it: an address alone is this host for sure.
    is_name.then(|| host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_https_or_to_this_host_alone() {
        for good in ["http://127.0.0.1:8480", "http://[::1]:8480/", "https://vault.example/a"] {
            assert_eq!(may_carry_secrets(good), Ok(()), "{good}");
        }
        for bad in [
            "http://vault.example:8480",
            "http://192.0.2.7:8480",
            "http://localhost:8480",
            "http://0.0.0.0:8480",
            "http://127.0.0.1:8480@vault.example",
            "http://127.0.0.1\\.vault.example",
            "http://127.0.0.1?.vault.example",
            "HTTP://vault.example",
            "vault.example:8480",
            "",
        ] {
            assert!(may_carry_secrets(bad).is_err(), "{bad}");
        }
    }
}
