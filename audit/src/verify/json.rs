//! Scans canonical JSON (RFC 8785) without decoding it: names, numbers, strings and base64url in their one form.
//! Never allocates and never looks at a byte twice without need: this is where the verifier spends its time.
//! What it accepts could not have been written in another way.

use crate::constants::Kind;

/// Why a scan failed, in a sentence for the finding.
pub(super) type Fault = &'static str;

/// What a member's value amounts to.
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) enum Value<'a> {
    /// There is no such member.
    Absent,
    Number(u64),
    Text(&'a [u8]),
    Items(usize),
}

/// A member's name as a number, first letter lowest and length highest: names are compared for every member of every
/// entry.
pub(super) const fn pack(name: &str) -> u64 {
    let bytes = name.as_bytes();
    assert!(bytes.len() < 8);
    let mut packed = [0; 8];
    let mut at = 0;
    while at < bytes.len() {
        packed[at] = bytes[at];
        at += 1;
    }
    packed[7] = bytes.len() as u8;
    u64::from_le_bytes(packed)
}

/// Which bytes are letters of base64url.
const LETTER: [bool; 256] = {
    let mut letters = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        letters[byte] = matches!(byte as u8, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        byte += 1;
    }
    letters
};

/// Whether letters of base64url may end as they do: the bits past the last whole byte are zero.
#[inline]
pub(super) fn can_end(text: &[u8]) -> bool {
    match (text.len() % 4, text.last()) {
        (2, Some(last)) => matches!(last, b'A' | b'Q' | b'g' | b'w'),
        (3, Some(last)) => b"AEIMQUYcgkosw048".contains(last),
        _ => true,
    }
}

/// Eight bytes of 1 in one number.
const ONES: u64 = u64::from_le_bytes([1; 8]);

/// Eight bytes at a time: each byte of `word` below `limit` has its highest bit set in the answer. Bits above the
/// lowest one may be set by a borrow; the lowest never is.
fn below(word: u64, limit: u64) -> u64 {
    word.wrapping_sub(ONES * limit) & !word & (ONES << 7)
}

/// How many bytes stand before the first quote, backslash or control character; `None` if there is none of them.
fn plain_bytes(bytes: &[u8]) -> Option<usize> {
    let (words, tail) = bytes.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let hits = below(word, 0x20) | below(quote, 1) | below(backslash, 1);
        if hits != 0 {
            return Some(place * 8 + (hits.trailing_zeros() / 8) as usize);
        }
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    tail.iter().position(special).map(|place| words.len() * 8 + place)
}

/// What is left of the entry.
pub(super) struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    pub(super) fn new(entry: &'a [u8]) -> Scanner<'a> {
        Scanner { rest: entry }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub(super) fn bytes_left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub(super) fn expect(&mut self, byte: u8, fault: Fault) -> Result<(), Fault> {
        if self.next() == Some(byte) { Ok(()) } else { Err(fault) }
    }

    /// A member's name and the colon after it. A name that is too long to be known is given as one that nobody bears.
    pub(super) fn name(&mut self) -> Result<u64, Fault> {
        const FAULT: Fault = "member has no name or no value";
        self.expect(b'"', FAULT)?;
        let window = match self.rest.first_chunk() {
            Some(window) => *window,
            // The last member of an entry may be shorter than the window.
            None => std::array::from_fn(|place| self.rest.get(place).copied().unwrap_or(0)),
        };
        let word = u64::from_le_bytes(window);
        let quotes = below(word ^ (ONES * u64::from(b'"')), 1);
        if quotes == 0 {
            return Ok(u64::MAX);
        }
        let end = (quotes.trailing_zeros() / 8) as usize;
        self.rest = &self.rest[end + 1..];
        self.expect(b':', FAULT)?;
        Ok((word & ((1 << (8 * end)) - 1)) | (end as u64) << 56)
    }

    pub(super) fn value(&mut self, kind: Kind) -> Result<Value<'a>, Fault> {
        match kind {
            Kind::Number => Ok(Value::Number(self.number()?)),
            Kind::Text => Ok(Value::Text(self.text()?)),
            Kind::Id => self.base64url(Some(16)),
            Kind::Digest => self.base64url(Some(32)),
            Kind::Bytes => self.base64url(None),
            Kind::Texts => self.list(|scanner| scanner.text().map(|_| ())),
            Kind::Ids => self.list(|scanner| scanner.base64url(Some(16)).map(|_| ())),
            Kind::Pair => match self.list(|scanner| scanner.number().map(|_| ()))? {
                Value::Items(2) => Ok(Value::Items(2)),
                _ => Err("pair has more or fewer than two numbers"),
            },
            Kind::Detail => self.detail(),
        }
    }

    fn number(&mut self) -> Result<u64, Fault> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (text, rest) = self.rest.split_at(digits);
        if text.is_empty() || (text.len() > 1 && text[0] == b'0') {
            return Err("number is not canonical");
        }
        self.rest = rest;
        let append =
            |number: u64, digit: &u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
        text.iter().try_fold(0, append).ok_or("number is above 64 bits")
    }

    /// A string, without its quotes and with its escapes as they stand.
    fn text(&mut self) -> Result<&'a [u8], Fault> {
        self.expect(b'"', "string is missing")?;
        let from = self.rest;
        loop {
            self.rest = &self.rest[plain_bytes(self.rest).ok_or("string has no end")?..];
            match self.next() {
                Some(b'"') => return Ok(&from[..from.len() - self.rest.len() - 1]),
                Some(b'\\') => self.escape()?,
                _ => return Err("string has a bare control character"),
            }
        }
    }

    /// What follows a backslash: the one canonical escape of each character that needs one (RFC 8785).
    fn escape(&mut self) -> Result<(), Fault> {
        const FAULT: Fault = "string has an escape that is not canonical";
        match self.next() {
            Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => {
                let (code, rest) = self.rest.split_first_chunk::<4>().ok_or(FAULT)?;
                self.rest = rest;
                match code {
                    // Backspace, tab, line feed, form feed and carriage return have short forms.
                    b"0008" | b"0009" | b"000a" | b"000c" | b"000d" => Err(FAULT),
                    [b'0', b'0', b'0' | b'1', b'0'..=b'9' | b'a'..=b'f'] => Ok(()),
                    _ => Err(FAULT),
                }
            }
            _ => Err(FAULT),
        }
    }

    /// Canonical base64url without padding, of `bytes` bytes if that is given.
    fn base64url(&mut self, bytes: Option<usize>) -> Result<Value<'a>, Fault> {
        let text = self.text()?;
        let left_over = text.len() % 4;
        let length = text.len() / 4 * 3 + left_over.saturating_sub(1);
        if left_over == 1 || bytes.is_some_and(|bytes| bytes != length) {
            return Err("bytes are of another length");
        }
        if !text.iter().fold(true, |letters, byte| letters & LETTER[usize::from(*byte)]) {
            return Err("bytes are not base64url");
        }
        if can_end(text) { Ok(Value::Text(text)) } else { Err("bytes are not canonical base64url") }
    }

    fn list(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<Value<'a>, Fault> {
        self.expect(b'[', "list is missing")?;
        let mut count = 0;
        loop {
            item(self)?;
            count += 1;
            match self.next() {
                Some(b',') => {}
                Some(b']') => return Ok(Value::Items(count)),
                _ => return Err("list has no end"),
            }
        }
    }

    /// An object of strings and numbers with plain names in ascending order.
    fn detail(&mut self) -> Result<Value<'a>, Fault> {
        self.expect(b'{', "details are not an object")?;
        let mut before: &[u8] = b"";
        let mut count = 0;
        loop {
            let name = self.text()?;
            let plain = name.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            if !plain || name <= before {
                return Err("name of a detail is not plain, repeated or out of order");
            }
            before = name;
            count += 1;
            self.expect(b':', "detail has no value")?;
            match self.rest.first() {
                Some(b'"') => self.text().map(|_| ())?,
                _ => self.number().map(|_| ())?,
            }
            match self.next() {
                Some(b',') => {}
                Some(b'}') => return Ok(Value::Items(count)),
                _ => return Err("details have no end"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_bytes_end_at_the_first_special_byte_wherever_it_is() {
        for special in (0..0x20).chain([b'"', b'\\']) {
            for place in 0..20 {
                // Bytes around the limits, so that borrows between them would show.
                let mut bytes =
                    [0x20, 0xff, 0x7f, 0x80, 0x21, 0x23, 0x5b, 0x5d, 0x9f, 0xa2].repeat(2);
                assert_eq!(plain_bytes(&bytes), None);
                bytes[place] = special;
                bytes[19] = b'"';
                assert_eq!(plain_bytes(&bytes), Some(place), "{special} at {place}");
            }
        }
    }
}
