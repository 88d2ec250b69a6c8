//! Whether a request comes from the vault's host itself, and not through a proxy that stands on it.
//! Never the word of whoever asks, and never by 127.0.0.1: from there a proxy on the host calls too, whether it says for whom or not.
//! What opens a vault, or changes what opens it, is taken from there alone unless the operator says otherwise.

use super::surround::Peer;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

/// From where whoever is on the host calls to be taken for the host itself: an address of loopback that nobody else has. A proxy calls
/// from 127.0.0.1 unless somebody on the host has it call from elsewhere, and whoever is beyond it has no say in that.
pub const HOST_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 71, 86, 1);

/// What a proxy adds of whoever it speaks for. Nobody beyond it can take these away.
const OF_PROXIES: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// Whether it does.
pub(super) fn is_here(peer: IpAddr, headers: &HeaderMap) -> bool {
    peer.to_canonical() == HOST_ADDRESS
        && !OF_PROXIES.iter().any(|name| headers.contains_key(*name))
        && !headers.contains_key(header::VIA)
}

/// The same of a request on its way to a handler; no for one without a connection.
pub(super) struct FromHere(pub(super) bool);

impl<S: Sync> FromRequestParts<S> for FromHere {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<FromHere, Infallible> {
        let peer = parts.extensions.get::<Peer>();
        Ok(FromHere(peer.is_some_and(|peer| is_here(peer.ip(), &parts.headers))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn what_opens_a_vault_comes_from_the_host_itself_and_through_no_proxy() {
        let here = |address: &str, name: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(name) = name {
                headers.insert(name, HeaderValue::from_static("192.0.2.7"));
            }
            is_here(address.parse().expect("an address"), &headers)
        };
        let own = HOST_ADDRESS.to_string();
        for address in [&*own, &format!("::ffff:{own}")] {
            assert!(here(address, None), "{address}");
            for name in OF_PROXIES.into_iter().chain(["via"]) {
                assert!(!here(address, Some(name)), "{address} with {name}");
            }
        }
        for address in ["192.0.2.7", "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1"] {
            assert!(!here(address, None), "{address}");
        }
    }

    #[test]
    fn a_proxy_on_the_host_that_says_nothing_of_whom_it_speaks_for_is_not_the_host() {
        for address in ["127.0.0.1", "127.0.0.6", "127.3.2.1", "::1", "::ffff:127.0.0.1"] {
            assert!(!is_here(address.parse().expect("an address"), &HeaderMap::new()), "{address}");
        }
    }
}
