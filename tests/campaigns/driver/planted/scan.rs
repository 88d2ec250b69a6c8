//! Looks for markers in bytes, in every encoding in which a program might leave them.
//! Never holds a whole file: it goes through in pieces that overlap by the longest pattern.
//! A pattern counts only whole.

use super::markers::Marker;
use crate::fault::Fault;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Bytes of a pattern by which it is looked up; none is shorter.
const KEY_BYTES: usize = 8;
/// Bits of the first three bytes, which most places of a file do not pass.
const FILTER_BITS: usize = 1 << 24;
/// Size of a piece, in bytes.
const PIECE_BYTES: usize = 4 * 1024 * 1024;

/// A piece of a file in which nothing is.
const NOTHING: [u8; 4_096] = [0; 4_096];

/// How a marker is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Encoding {
    /// As it is.
    Utf8,
    /// Two bytes a unit, the low one first.
    Utf16Little,
    /// Two bytes a unit, the high one first.
    Utf16Big,
    /// Hexadecimal digits in lower case.
    HexLower,
    /// Hexadecimal digits in upper case.
    HexUpper,
    /// Base64 (RFC 4648 section 4), the marker at this place modulo three.
    Base64(usize),
    /// Base64url (RFC 4648 section 5), the marker at this place modulo three.
    Base64Url(usize),
}

impl Encoding {
    /// All that are looked for.
    pub const ALL: [Encoding; 11] = [
        Encoding::Utf8,
        Encoding::Utf16Little,
        Encoding::Utf16Big,
        Encoding::HexLower,
        Encoding::HexUpper,
        Encoding::Base64(0),
        Encoding::Base64(1),
        Encoding::Base64(2),
        Encoding::Base64Url(0),
        Encoding::Base64Url(1),
        Encoding::Base64Url(2),
    ];

    /// A whole text in this encoding; Base64 with as many bytes in front.
    pub fn encode(self, text: &str) -> Vec<u8> {
        let units = || text.encode_utf16();
        let hex = |digits: &[u8; 16]| {
            let digit = |four: u8| digits[usize::from(four)];
            text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
        };
        match self {
            Encoding::Utf8 => text.as_bytes().to_vec(),
            Encoding::Utf16Little => units().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16Big => units().flat_map(u16::to_be_bytes).collect(),
            Encoding::HexLower => hex(b"0123456789abcdef"),
            Encoding::HexUpper => hex(b"0123456789ABCDEF"),
            Encoding::Base64(shift) => {
                BASE64_STANDARD_NO_PAD.encode([&b"??"[..shift], text.as_bytes()].concat()).into()
            }
            Encoding::Base64Url(shift) => {
                BASE64_URL_SAFE_NO_PAD.encode([&b"??"[..shift], text.as_bytes()].concat()).into()
            }
        }
    }

    /// What of a marker in this encoding does not depend on what stands beside it.
    fn pattern(self, text: &str) -> Vec<u8> {
        let mut encoded = self.encode(text);
        if let Encoding::Base64(shift) | Encoding::Base64Url(shift) = self {
            // The characters that hold bits of the bytes in front, and the last if it is not full.
            let front = (shift * 8).div_ceil(6);
            encoded.truncate((shift + text.len()) * 8 / 6);
            encoded.drain(..front);
        }
        encoded
    }
}

struct Pattern {
    bytes: Vec<u8>,
    marker: usize,
    encoding: Encoding,
}

/// A marker that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which.
    pub marker: usize,
    /// How it was written.
    pub encoding: Encoding,
    /// Where it begins.
    pub offset: u64,
}

/// Looks for a set of markers.
pub struct Scanner {
    patterns: HashMap<[u8; KEY_BYTES], Vec<Pattern>>,
    filter: Vec<u64>,
    pattern_bytes_max: usize,
}

impl Scanner {
    /// A scanner for these.
    pub fn new(markers: &[Marker]) -> Scanner {
        let mut scanner = Scanner::nothing();
        for (marker, one) in markers.iter().enumerate() {
            for encoding in Encoding::ALL {
                scanner.add(Pattern { bytes: encoding.pattern(&one.text), marker, encoding });
            }
        }
        scanner
    }

    fn nothing() -> Scanner {
        Scanner {
            patterns: HashMap::new(),
            filter: vec![0; FILTER_BITS / 64],
            pattern_bytes_max: KEY_BYTES,
        }
    }

    fn add(&mut self, pattern: Pattern) {
        let key = key_of(&pattern.bytes).expect("what is looked for is eight bytes long at least");
        let bit = bit_of(&pattern.bytes);
        self.filter[bit / 64] |= 1 << (bit % 64);
        self.pattern_bytes_max = self.pattern_bytes_max.max(pattern.bytes.len());
        self.patterns.entry(key).or_default().push(pattern);
    }

    /// A scanner for some bytes as they are; each is told by its place among them.
    pub fn of_bytes<'a>(wanted: impl Iterator<Item = &'a [u8]>) -> Scanner {
        let mut scanner = Scanner::nothing();
        wanted.enumerate().for_each(|(at, bytes)| {
            scanner.add(Pattern { bytes: bytes.to_vec(), marker: at, encoding: Encoding::Utf8 });
        });
        scanner
    }

    /// Every hit in some bytes.
    pub fn find(&self, bytes: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.find_from(bytes, bytes.len(), 0, &mut hits);
        hits
    }

    /// Every hit in a file, and how long it is.
    pub fn find_in_file(&self, path: &Path) -> Result<(Vec<Hit>, u64), Fault> {
        let fail = |error| Fault::io("reading", path, error);
        let mut file = File::open(path).map_err(fail)?;
        let (mut hits, mut held, mut base) = (Vec::new(), Vec::new(), 0_u64);
        loop {
            let count =
                file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut held).map_err(fail)?;
            let is_end = count == 0;
            // A pattern that begins in the overlap is looked for once its end is there.
            let overlap = if is_end { 0 } else { self.pattern_bytes_max - 1 };
            let begin = held.len().saturating_sub(overlap);
            self.find_from(&held, begin, base, &mut hits);
            if is_end {
                return Ok((hits, base + held.len() as u64));
            }
            held.drain(..begin);
            base += begin as u64;
        }
    }

    /// Hits that begin before `end`.
    fn find_from(&self, bytes: &[u8], end: usize, base: u64, hits: &mut Vec<Hit>) {
        let mut next = 0;
        while next < end {
            let rest = &bytes[next..];
            if rest.starts_with(&NOTHING) {
                // No pattern begins with two zeros, so none begins in here but perhaps with the last one.
                next += NOTHING.len() - 1;
                continue;
            }
            let place = next;
            next += 1;
            let Some(key) = key_of(rest) else { return };
            let bit = bit_of(rest);
            if self.filter[bit / 64] >> (bit % 64) & 1 == 0 {
                continue;
            }
            for pattern in self.patterns.get(&key).into_iter().flatten() {
                if rest.starts_with(&pattern.bytes) {
                    let (marker, encoding) = (pattern.marker, pattern.encoding);
                    hits.push(Hit { marker, encoding, offset: base + place as u64 });
                }
            }
        }
    }
}

fn key_of(bytes: &[u8]) -> Option<[u8; KEY_BYTES]> {
    bytes.first_chunk().copied()
}

fn bit_of(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2])
}

#[cfg(test)]
mod tests {
    use super::super::markers::Kind;
    use super::*;

    fn scanner(text: &str) -> Scanner {
        Scanner::new(&[Marker { kind: Kind::Name, text: text.to_owned() }])
    }

    #[test]
    fn a_marker_is_found_in_every_encoding_and_not_in_part() {
        let text = "欧阳甪甪甪";
        let scanner = scanner(text);
        for encoding in Encoding::ALL {
            let whole = encoding.encode(text);
            assert!(
                scanner.find(&whole).iter().any(|hit| hit.encoding == encoding),
                "{encoding:?}"
            );
            assert_eq!(scanner.find(&whole[..whole.len() - 3]), [], "{encoding:?}");
        }
    }

    #[test]
    fn a_marker_behind_much_of_nothing_is_found_in_every_encoding() {
        let text = "12345678901";
        for encoding in Encoding::ALL {
            for before in [NOTHING.len() - 1, NOTHING.len(), 3 * NOTHING.len() + 5] {
                let bytes = [vec![0; before], encoding.encode(text), vec![0; 5_000]].concat();
                let found = scanner(text).find(&bytes);
                assert!(found.iter().any(|hit| hit.encoding == encoding), "{encoding:?} {before}");
            }
        }
    }

    #[test]
    fn a_marker_over_the_edge_of_two_pieces_is_found_once() {
        let text = "12345678901";
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        for before in [0, PIECE_BYTES - 11, PIECE_BYTES - 5, PIECE_BYTES, 2 * PIECE_BYTES - 1] {
            let bytes = [vec![0; before], text.into(), vec![0; 9]].concat();
            std::fs::write(&file, bytes).expect("written");
            let (hits, length) = scanner(text).find_in_file(&file).expect("read");
            let offset = before as u64;
            assert_eq!(hits, [Hit { marker: 0, encoding: Encoding::Utf8, offset }]);
            assert_eq!(length, offset + 20);
        }
    }
}
