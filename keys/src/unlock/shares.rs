//! Splits the key over the root key into shares, some of which give it back. Never splits the root key itself, and never joins
//! shares of two sets. A share's head tells where it belongs and its checksum whether it was typed right, before anything is tried.
//!
//! ```text
//! share    = format u8 | root key id u64 | set id u64 | how many open u8 | number u8 | value 32 | checksum 4
//! value    = for each byte of the key f(number), f of degree (how many open - 1) over GF(2^8) modulo x^8 + x^4 + x^3 + x + 1,
//!            f(0) the byte, every other coefficient random over the whole field (Shamir 1979)
//! checksum = first 4 bytes of HKDF-SHA256(value, no salt, label || len(head) || head), head all that precedes the value
//! text     = "GVSHARE" and the 88 digits of base 32 (Crockford's) in groups of four, a hyphen before each group
//! ```
//! Case, spaces and hyphens mean nothing; O is read as 0, I and L as 1. Who has fewer shares than open knows nothing of the key.

use subtle::ConstantTimeEq;
use vsss_rs::{Gf256, IdentifierGf256};
use zeroize::Zeroizing;

use crate::chance::SystemChance;
use crate::derive::child_key;
use crate::error::KeyError;
use crate::limits::{SHARE_TEXT_BYTES_MAX, SHARES_COUNT_MAX, SHARES_NEEDED_COUNT_MIN};
use crate::secret::{KEY_BYTES, Secret};

const FORMAT: u8 = 1;
const CHECK_LABEL: &str = "gridvault/share-check/v1";
const CHECK_BYTES: usize = 4;
const HEAD_BYTES: usize = 19;
const VALUE_END: usize = HEAD_BYTES + KEY_BYTES;
const SHARE_BYTES: usize = VALUE_END + CHECK_BYTES;

const LABEL: &[u8] = b"GVSHARE";
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const DIGIT_BITS: usize = 5;
const DIGITS_COUNT: usize = SHARE_BYTES * 8 / DIGIT_BITS;
const GROUP_DIGITS_COUNT: usize = 4;

// Every bit of a digit is one of the share's.
const _: () = assert!(SHARE_BYTES * 8 == DIGITS_COUNT * DIGIT_BITS);

/// How many shares a set has and how many of them open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharePlan {
    needed: u8,
    count: u8,
}

impl SharePlan {
    /// A set of `count` shares, any `needed` of which open: two to seven, and no more than there are.
    ///
    /// # Errors
    /// [`KeyError::SharePlan`].
    pub fn new(needed: u8, count: u8) -> Result<Self, KeyError> {
        if !(SHARES_NEEDED_COUNT_MIN..=count).contains(&needed) || count > SHARES_COUNT_MAX {
            return Err(KeyError::SharePlan);
        }
        Ok(Self { needed, count })
    }

    /// How many open.
    #[must_use]
    pub fn needed(self) -> u8 {
        self.needed
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> u8 {
        self.count
    }
}

/// One share of a set, wiped on drop.
pub struct Share {
    root_key_id: u64,
    set_id: u64,
    needed: u8,
    number: u8,
    value: Secret,
}

impl Share {
    /// Reads a share as it was typed.
    ///
    /// # Errors
    /// [`KeyError::ShareShape`], [`KeyError::ShareChecksum`], [`KeyError::ShareFormat`].
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let bytes = read_digits(text)?;
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>().ok_or(KeyError::ShareShape)?;
        let (value, check) = rest.split_first_chunk::<KEY_BYTES>().ok_or(KeyError::ShareShape)?;
        let value = Secret::copy_of(value);
        if !bool::from(checksum(head, &value)?.ct_eq(check)) {
            return Err(KeyError::ShareChecksum);
        }
        let [format, ids @ .., needed, number] = head;
        if *format != FORMAT {
            return Err(KeyError::ShareFormat { format: *format });
        }
        let (root_key_id, set_id) = ids.split_at(8);
        let id = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes);
        let (Ok(root_key_id), Ok(set_id)) = (id(root_key_id), id(set_id)) else {
            return Err(KeyError::ShareShape);
        };
        if *number == 0 {
            return Err(KeyError::ShareShape);
        }
        Ok(Self { root_key_id, set_id, needed: *needed, number: *number, value })
    }

    /// The share as it is printed: 117 letters, digits and hyphens.
    ///
    /// # Errors
    /// None that happens: only a derivation can fail.
    pub fn text(&self) -> Result<Zeroizing<String>, KeyError> {
        let head = self.head();
        let mut bytes = Zeroizing::new(Vec::with_capacity(SHARE_BYTES));
        bytes.extend_from_slice(&head);
        bytes.extend_from_slice(self.value.expose());
        bytes.extend_from_slice(&checksum(&head, &self.value)?);
        let mut text = Zeroizing::new(String::with_capacity(SHARE_TEXT_BYTES_MAX));
        text.extend(LABEL.iter().map(|letter| char::from(*letter)));
        for at in 0..DIGITS_COUNT {
            if at % GROUP_DIGITS_COUNT == 0 {
                text.push('-');
            }
            text.push(char::from(DIGITS[usize::from(digit_at(&bytes, at))]));
        }
        Ok(text)
    }

    /// Its number in the set, from 1.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The name of its set, as [`Envelope::set_id`](super::Envelope::set_id) gives it.
    #[must_use]
    pub fn set_id(&self) -> u64 {
        self.set_id
    }

    /// Whether it belongs to this set, as far as its head tells.
    pub(super) fn check(&self, plan: SharePlan, root: u64, set: u64) -> Result<(), KeyError> {
        if self.root_key_id != root {
            return Err(KeyError::ShareOfOtherRoot);
        }
        if self.set_id != set || self.needed != plan.needed || self.number > plan.count {
            return Err(KeyError::ShareOfOtherSet);
        }
        Ok(())
    }

    fn head(&self) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        head[0] = FORMAT;
        head[1..9].copy_from_slice(&self.root_key_id.to_be_bytes());
        head[9..17].copy_from_slice(&self.set_id.to_be_bytes());
        head[17] = self.needed;
        head[18] = self.number;
        head
    }
}

/// Splits a key into the shares of a set.
pub(super) fn split(
    key: &Secret,
    plan: SharePlan,
    root_key_id: u64,
    set_id: u64,
) -> Result<Vec<Share>, KeyError> {
    let (needed, count) = (usize::from(plan.needed), usize::from(plan.count));
    let numbers = (1..=plan.count).map(|number| IdentifierGf256(Gf256(number)));
    let mut chance = SystemChance::default();
    let parts = Gf256::split_bytes_with_participant_ids_iter(
        needed,
        count,
        key.expose(),
        &mut chance,
        numbers,
    );
    let parts = Zeroizing::new(parts.map_err(|_| KeyError::SharePlan)?);
    if chance.has_failed() {
        return Err(KeyError::Randomness);
    }
    let share = |part: &Vec<u8>| {
        let (number, value) = part.split_first().ok_or(KeyError::ContentShape)?;
        let value = value.try_into().map_err(|_| KeyError::ContentShape)?;
        let value = Secret::copy_of(value);
        Ok(Share { root_key_id, set_id, needed: plan.needed, number: *number, value })
    };
    parts.iter().map(share).collect()
}

/// The key that shares of one set give back. Whether it is the right one, the envelope tells.
pub(super) fn join(shares: &[Share], plan: SharePlan) -> Result<Secret, KeyError> {
    let twice = |(at, share): (usize, &Share)| {
        shares[..at].iter().any(|other| other.number == share.number)
    };
    if shares.iter().enumerate().any(twice) {
        return Err(KeyError::ShareTwice);
    }
    let needed = usize::from(plan.needed);
    if shares.len() < needed {
        return Err(KeyError::SharesMissing { held: shares.len(), needed });
    }
    let part = |share: &Share| {
        let mut part = Vec::with_capacity(1 + KEY_BYTES);
        part.push(share.number);
        part.extend_from_slice(share.value.expose());
        part
    };
    let parts: Zeroizing<Vec<Vec<u8>>> = Zeroizing::new(shares.iter().map(part).collect());
    // Numbers are neither zero nor twice the same, so there is a polynomial through them.
    let key = Gf256::combine_bytes(parts.as_slice()).map_err(|_| KeyError::WrongShares)?;
    let key = Zeroizing::new(key);
    let key = key.as_slice().try_into().map_err(|_| KeyError::ContentShape)?;
    Ok(Secret::copy_of(key))
}

/// What tells a typing error. It says nothing of the other shares.
fn checksum(head: &[u8; HEAD_BYTES], value: &Secret) -> Result<[u8; CHECK_BYTES], KeyError> {
    let derived = child_key(value.expose(), CHECK_LABEL, head)?;
    Ok(*derived.expose().first_chunk().expect("a key is longer than a checksum"))
}

/// The `at`-th digit of five bits.
fn digit_at(bytes: &[u8], at: usize) -> u8 {
    let bit = |place: usize| (bytes[place / 8] >> (7 - place % 8)) & 1;
    let bits = at * DIGIT_BITS..(at + 1) * DIGIT_BITS;
    bits.fold(0, |digit, place| (digit << 1) | bit(place))
}

/// The bytes of a share as it was typed.
fn read_digits(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if text.len() > SHARE_TEXT_BYTES_MAX {
        return Err(KeyError::ShareShape);
    }
    let written = |letter: &u8| !matches!(letter, b'-' | b' ' | b'\t' | b'\r' | b'\n');
    let mut letters = Zeroizing::new(Vec::with_capacity(text.len()));
    letters.extend(text.iter().filter(|letter| written(letter)).map(u8::to_ascii_uppercase));
    let digits = letters.strip_prefix(LABEL).filter(|digits| digits.len() == DIGITS_COUNT);
    let mut bytes = Zeroizing::new(vec![0; SHARE_BYTES]);
    for (at, letter) in digits.ok_or(KeyError::ShareShape)?.iter().enumerate() {
        let digit = digit_of(*letter)?;
        for bit in 0..DIGIT_BITS {
            let place = at * DIGIT_BITS + bit;
            bytes[place / 8] |= ((digit >> (DIGIT_BITS - 1 - bit)) & 1) << (7 - place % 8);
        }
    }
    Ok(bytes)
}

fn digit_of(letter: u8) -> Result<u8, KeyError> {
    let meant = match letter {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        letter => letter,
    };
    let place = DIGITS.iter().position(|digit| *digit == meant).ok_or(KeyError::ShareShape)?;
    Ok(u8::try_from(place).expect("there are 32 digits"))
}

#[cfg(test)]
mod tests;
