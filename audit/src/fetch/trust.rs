//! Whom an `https` address is believed: the authorities that whoever calls names, on ring like the rest.
//! Never those of the host, and never a certificate that none of the named ones stands behind.
//! Without authorities no `https` address opens.

use std::io;
use std::sync::Arc;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// TLS for calls that rest on the certificates in `authorities_pem` and on no others.
///
/// # Errors
/// When the certificates are none.
pub fn trusting(authorities_pem: Option<&[u8]>) -> io::Result<TlsConfig> {
    let roots = authorities_pem.map(certificates).transpose()?.unwrap_or_default();
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&roots))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}

fn certificates(pem: &[u8]) -> io::Result<Vec<Certificate<'static>>> {
    let mut found = Vec::new();
    for item in parse_pem(pem) {
        if let PemItem::Certificate(certificate) = item.map_err(ureq::Error::into_io)? {
            found.push(certificate);
        }
    }
    match found.is_empty() {
        true => Err(io::Error::new(io::ErrorKind::InvalidData, "no certificate in the file")),
        false => Ok(found),
    }
}
