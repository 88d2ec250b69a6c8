//! The facts of entries about what opens the root key: a passphrase, shares, a token.
//! Never a share, a passphrase or a PIN, and no closer what was wrong than which of them it was.
//! The names of facts ascend, as in every entry.

use super::entry::id;
use crate::ambient::Micros;
use gridvault_audit::Scalar;

/// Facts by their names.
type Facts = Vec<(&'static str, Scalar)>;

/// Which envelope was opened and by what: that it was shares, and which, is what their holders answer for.
pub(super) fn opened(envelope: &[u8; 16], provider: &str, shares: &[u8]) -> Facts {
    let mut facts = vec![("envelope", id(envelope)), ("provider", word(provider))];
    if !shares.is_empty() {
        let numbers: Vec<String> = shares.iter().map(u8::to_string).collect();
        facts.push(("shares", Scalar::Str(numbers.join(","))));
    }
    facts
}

/// What was tried in vain, how often, from when to when.
pub(super) fn failed(provider: &str, count: u64, first: Micros, last: Micros) -> Facts {
    vec![
        ("failures", Scalar::U64(count)),
        ("first", moment(first)),
        ("last", moment(last)),
        ("provider", word(provider)),
    ]
}

/// How a key was split.
pub(super) fn split(envelope: &[u8; 16], needed: u8, count: u8) -> Facts {
    vec![
        ("count", Scalar::U64(count.into())),
        ("envelope", id(envelope)),
        ("needed", Scalar::U64(needed.into())),
    ]
}

/// A token by its number, and the envelope that it opens.
pub(super) fn token(envelope: Option<&[u8; 16]>, serial: &str) -> Facts {
    let mut facts: Facts =
        envelope.map(|envelope| ("envelope", id(envelope))).into_iter().collect();
    facts.extend([("provider", word("pkcs11")), ("serial", word(serial))]);
    facts
}

fn word(text: &str) -> Scalar {
    Scalar::Str(text.to_owned())
}

/// A time, as every entry has its own.
fn moment(at: Micros) -> Scalar {
    Scalar::U64(u64::try_from(at.0).unwrap_or(0))
}
