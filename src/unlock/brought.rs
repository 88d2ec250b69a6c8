//! What is brought to a sealed vault, and what it says to it.
//! Never repeats a letter of what was brought.
//! A wrong passphrase and a wrong set of shares are the same answer.

use gridvault_keys::KeyError;
use zeroize::Zeroizing;

/// What somebody brings.
pub enum Brought {
    /// A passphrase, as it was typed.
    Passphrase(Zeroizing<Vec<u8>>),
    /// One share, as it was typed.
    Share(Zeroizing<Vec<u8>>),
    /// The PIN of the token, as it was typed.
    Pin(Zeroizing<Vec<u8>>),
    /// Nothing: how does it stand?
    Nothing,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The vault is sealed.
    Sealed(Standing),
    /// That was it: the vault opens.
    Opening,
}

/// How it stands with a sealed vault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether a passphrase opens it.
    pub passphrase: bool,
    /// Whether shares do, and which are there.
    pub shares: Option<Held>,
    /// Whether the PIN of a token does.
    pub pin: bool,
}

/// Shares that wait for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The name of the set.
    pub set_id: u64,
    /// How many open.
    pub needed: u8,
    /// How many there are.
    pub count: u8,
    /// The numbers of those that are there.
    pub numbers: Vec<u8>,
}

/// Why the vault was not opened.
#[derive(Debug, PartialEq, Eq)]
pub enum NotOpened {
    /// No passphrase opens this vault.
    NoPassphrase,
    /// No passphrase is so short or so long.
    PassphraseLength,
    /// No shares open this vault.
    NoShares,
    /// It is no share of a form that is known.
    ShareShape,
    /// It was typed or copied wrongly.
    ShareChecksum,
    /// It belongs to another vault, or to an earlier root key of this.
    ShareOfOtherRoot,
    /// It belongs to another set.
    ShareOfOtherSet,
    /// No token opens this vault, or there is nothing to talk to it with.
    NoToken,
    /// No PIN is so short or so long.
    PinShape,
    /// The token is not there.
    TokenAbsent,
    /// A wrong PIN came before: the token gets no other from here.
    PinSpent,
    /// The token locked itself.
    TokenLocked,
    /// The passphrase, the PIN, or the shares together, do not open it. The shares are forgotten.
    Wrong,
    /// Too many passphrases; the next one is taken in so many seconds.
    TooOften(u32),
    /// A passphrase or a PIN is being tried.
    Busy,
    /// It is being opened already.
    Opening,
    /// The host or the unlock file failed.
    Failed,
}

impl NotOpened {
    /// What is no fault of the token's or ours.
    pub(super) fn of_token(error: &KeyError) -> Option<NotOpened> {
        match error {
            KeyError::TokenAbsent | KeyError::TokenModule { .. } => Some(NotOpened::TokenAbsent),
            KeyError::TokenPinSpent => Some(NotOpened::PinSpent),
            KeyError::TokenLocked => Some(NotOpened::TokenLocked),
            _ => None,
        }
    }

    pub(super) fn of_share(error: KeyError) -> NotOpened {
        match error {
            KeyError::ShareShape | KeyError::ShareFormat { .. } => NotOpened::ShareShape,
            KeyError::ShareChecksum => NotOpened::ShareChecksum,
            KeyError::ShareOfOtherRoot => NotOpened::ShareOfOtherRoot,
            KeyError::ShareOfOtherSet => NotOpened::ShareOfOtherSet,
            _ => NotOpened::Failed,
        }
    }
}
