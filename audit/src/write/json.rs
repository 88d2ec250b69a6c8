//! Writes canonical JSON (RFC 8785): one object of strings, whole numbers, lists and one object within.
//! Never sorts and never checks names: its caller gives members in ascending order.
//! Every value has one form, so equal members give equal bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::entry::Scalar;

/// Bytes reserved for an entry at first: most are 500 to 600 bytes long.
const ENTRY_BYTES_USUAL: usize = 768;

/// Members whose numbers are filled in later.
pub(super) const GAPS: usize = 3;

/// Digits of the largest unsigned 64-bit number.
pub(super) const NUMBER_BYTES_MAX: usize = 20;

/// A JSON object being written. Members come out in the order of the calls.
pub(super) struct Object {
    out: Vec<u8>,
    gaps: [usize; GAPS],
    gaps_seen: usize,
}

impl Object {
    pub(super) fn new() -> Object {
        let mut out = Vec::with_capacity(ENTRY_BYTES_USUAL);
        out.push(b'{');
        Object { out, gaps: [0; GAPS], gaps_seen: 0 }
    }

    /// The bytes, and where the numbers that are not known yet belong.
    pub(super) fn close(mut self) -> (Vec<u8>, [usize; GAPS]) {
        self.out.push(b'}');
        (self.out, self.gaps)
    }

    /// A member whose number is filled in later.
    pub(super) fn gap(&mut self, name: &str) {
        self.name(name);
        self.gaps[self.gaps_seen] = self.out.len();
        self.gaps_seen += 1;
    }

    fn name(&mut self, name: &str) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub(super) fn number(&mut self, name: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.name(name);
            push_number(&mut self.out, value);
        }
    }

    pub(super) fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.name(name);
            push_text(&mut self.out, value);
        }
    }

    pub(super) fn bytes(&mut self, name: &str, value: Option<&[u8]>) {
        if let Some(value) = value {
            self.name(name);
            push_base64url(&mut self.out, value);
        }
    }

    pub(super) fn id(&mut self, name: &str, value: Option<&[u8; 16]>) {
        self.bytes(name, value.map(|id| &id[..]));
    }

    pub(super) fn texts(&mut self, name: &str, values: &[Cow<'_, str>]) {
        self.list(name, values, |out, value| push_text(out, value));
    }

    pub(super) fn ids(&mut self, name: &str, values: &[[u8; 16]]) {
        self.list(name, values, |out, value| push_base64url(out, value));
    }

    fn list<T>(&mut self, name: &str, values: &[T], push: impl Fn(&mut Vec<u8>, &T)) {
        if values.is_empty() {
            return;
        }
        self.name(name);
        for (position, value) in values.iter().enumerate() {
            self.out.push(if position == 0 { b'[' } else { b',' });
            push(&mut self.out, value);
        }
        self.out.push(b']');
    }

    pub(super) fn pair(&mut self, name: &str, value: Option<(u64, u64)>) {
        if let Some((before, after)) = value {
            self.list(name, &[before, after], |out, number| push_number(out, *number));
        }
    }

    pub(super) fn detail(&mut self, name: &str, values: &BTreeMap<&'static str, Scalar>) {
        if values.is_empty() {
            return;
        }
        self.name(name);
        self.out.push(b'{');
        for (inner, value) in values {
            match value {
                Scalar::Str(text) => self.text(inner, Some(text)),
                Scalar::U64(number) => self.number(inner, Some(*number)),
                Scalar::Bytes32(digest) => self.bytes(inner, Some(digest)),
            }
        }
        self.out.push(b'}');
    }
}

pub(super) fn push_number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; NUMBER_BYTES_MAX];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Escapes what JSON must escape and nothing else (RFC 8785 section 3.2.2.2).
fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    // Codes and digits need no escape, and nearly every text is one.
    if !text.bytes().any(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\')) {
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    for &byte in text.as_bytes() {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            0x09 => b't',
            0x0a => b'n',
            0x0c => b'f',
            0x0d => b'r',
            0x00..=0x1f => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
                continue;
            }
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
    out.push(b'"');
}

fn push_base64url(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let from = out.len();
    out.resize(from + bytes.len().div_ceil(3) * 4, 0);
    let written = URL_SAFE_NO_PAD
        .encode_slice(bytes, &mut out[from..])
        .expect("four characters hold three bytes");
    out.truncate(from + written);
    out.push(b'"');
}
