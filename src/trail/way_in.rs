//! The facts of entries about what opens the root key: a passphrase, shares, a token.
//! Never a share, a passphrase or a PIN, and no closer what was wrong than which of them it was.
//! The names of facts ascend, as in every entry.

use super::entry::id;
use super::upkeep;
use crate::ambient::Micros;
use gridvault_audit::{Event, Scalar};

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

/// What two administrators had done, at the host, to the root key or to a way to it.
#[derive(Clone, Debug)]
pub struct Ceremony {
    /// Which ceremony: a code.
    pub what: &'static str,
    /// What of it this entry is about.
    pub act: CeremonyAct,
    /// The two who stand by it.
    pub persons: [[u8; 16]; 2],
    /// Whether both signed what was to be done, each by its own key to log in with; if not, they were only named.
    pub signed: bool,
}

/// What became of the root key, or of a way to it.
#[derive(Clone, Debug)]
pub enum CeremonyAct {
    /// Another root key is in force.
    Root,
    /// A passphrase opens the vault from now on.
    Passphrase {
        /// The id of its envelope.
        envelope: [u8; 16],
    },
    /// Shares of a new set do.
    Split {
        /// The id of their envelope.
        envelope: [u8; 16],
        /// How many open.
        needed: u8,
        /// How many there are.
        count: u8,
    },
    /// A token does, by a key that was made in it.
    Token {
        /// The id of its envelope.
        envelope: [u8; 16],
        /// Its serial number.
        serial: String,
    },
}

/// One act of a ceremony, and who stands by it.
pub(super) fn ceremony(ceremony: &Ceremony) -> (Event, Facts) {
    let Ceremony { what, act, persons, signed } = ceremony;
    let (event, mut facts) = match act {
        CeremonyAct::Root => (Event::KeyRotate, upkeep::rotated("root", "end", 1)),
        CeremonyAct::Passphrase { envelope } => {
            (Event::KeyPassphrase, vec![("envelope", id(envelope))])
        }
        CeremonyAct::Split { envelope, needed, count } => {
            (Event::KeySplit, split(envelope, *needed, *count))
        }
        CeremonyAct::Token { envelope, serial } => {
            (Event::KeyCreate, token(Some(envelope), serial))
        }
    };
    facts.extend([
        ("ceremony", word(what)),
        ("person_1", id(&persons[0])),
        ("person_2", id(&persons[1])),
        ("proof", upkeep::proof(*signed)),
    ]);
    (event, facts)
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
