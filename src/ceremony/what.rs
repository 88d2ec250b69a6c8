//! The acts that take the word of two administrators, and the words for them.
//! Each act has one word in a request and one in an entry.
//! Nothing here knows how an act is done.

use crate::access::ActorId;
use gridvault_keys::SharePlan;
use std::fmt;
use std::str::FromStr;

/// What precedes the id in the word of a code for an administrator.
const CODE_PREFIX: &str = "administrator-code-";

/// What is done on the word of two administrators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Another root key, and each way made anew.
    RotateRoot,
    /// One more way.
    Add(Way),
    /// A way less, and another root key.
    Remove(WayKind),
    /// A one-time code for this administrator, whose key is lost.
    Code(ActorId),
    /// A vault made of a bulk part and a key part.
    Restore,
}

/// A way that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a passphrase.
    Passphrase,
    /// By a set of shares.
    Shares(SharePlan),
    /// By a token.
    Token,
}

/// A kind of way. A vault has one of each at most, so that whoever brings something to it means one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WayKind {
    /// A passphrase.
    Passphrase,
    /// A set of shares.
    Shares,
    /// A PKCS#11 token.
    Token,
}

impl WayKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            WayKind::Passphrase => "passphrase",
            WayKind::Shares => "shares",
            WayKind::Token => "token",
        }
    }
}

impl What {
    /// The word that an entry has.
    pub fn code(self) -> &'static str {
        match self {
            What::RotateRoot => "rotate_root",
            What::Add(Way::Passphrase) => "add_passphrase",
            What::Add(Way::Shares(_)) => "add_shares",
            What::Add(Way::Token) => "add_token",
            What::Remove(WayKind::Passphrase) => "remove_passphrase",
            What::Remove(WayKind::Shares) => "remove_shares",
            What::Remove(WayKind::Token) => "remove_token",
            What::Code(_) => "administrator_code",
            What::Restore => "restore",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::RotateRoot => formatter.write_str("rotate-root"),
            What::Add(Way::Passphrase) => formatter.write_str("add-passphrase"),
            What::Add(Way::Shares(plan)) => {
                write!(formatter, "add-shares-{}/{}", plan.needed(), plan.count())
            }
            What::Add(Way::Token) => formatter.write_str("add-token"),
            What::Remove(kind) => write!(formatter, "remove-{}", kind.as_str()),
            What::Code(actor) => write!(formatter, "{CODE_PREFIX}{actor}"),
            What::Restore => formatter.write_str("restore"),
        }
    }
}

impl FromStr for What {
    type Err = String;

    fn from_str(word: &str) -> Result<What, String> {
        let plain = [
            What::RotateRoot,
            What::Add(Way::Passphrase),
            What::Add(Way::Token),
            What::Remove(WayKind::Passphrase),
            What::Remove(WayKind::Shares),
            What::Remove(WayKind::Token),
            What::Restore,
        ];
        if let Some(plan) = word.strip_prefix("add-shares-") {
            return share_plan(plan).map(|plan| What::Add(Way::Shares(plan)));
        }
        if let Some(actor) = word.strip_prefix(CODE_PREFIX) {
            return actor.parse().map(What::Code).map_err(|_| "that is no actor's id".to_owned());
        }
        plain.into_iter().find(|what| what.to_string() == word).ok_or_else(|| {
            "say rotate-root, add-passphrase, add-shares-3/5, add-token, remove-passphrase, \
             remove-shares, remove-token, administrator-code-ID or restore"
                .to_owned()
        })
    }
}

/// `3/5`: three of five open.
///
/// # Errors
/// What is wrong with it.
pub fn share_plan(text: &str) -> Result<SharePlan, String> {
    let numbers = text.split_once('/').and_then(|(needed, count)| {
        let number = |text: &str| text.parse::<u8>().ok().filter(|n| n.to_string() == text);
        Some((number(needed)?, number(count)?))
    });
    let (needed, count) = numbers.ok_or("say how many open of how many, as in 3/5")?;
    SharePlan::new(needed, count).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_a_word_of_its_own() {
        for word in [
            "rotate-root",
            "add-passphrase",
            "add-shares-3/5",
            "add-token",
            "remove-passphrase",
            "remove-shares",
            "remove-token",
            "administrator-code-AQEBAQEBAQEBAQEBAQEBAQ",
            "restore",
        ] {
            let what: What = word.parse().expect(word);
            assert_eq!(what.to_string(), word);
        }
        for word in ["", "add-shares", "add-shares-1/5", "add-shares-03/5", "remove", "Rotate-root"]
        {
            assert!(word.parse::<What>().is_err(), "{word}");
        }
    }

    #[test]
    fn a_plan_is_two_plain_numbers_inside_the_limits() {
        let plan = share_plan("3/5").expect("a plan");
        assert_eq!((plan.needed(), plan.count()), (3, 5));
        for wrong in ["", "3", "3/", "/5", "3/5/7", "+3/5", "03/5", " 3/5", "1/5", "6/5", "2/8"] {
            assert!(share_plan(wrong).is_err(), "{wrong}");
        }
    }
}
