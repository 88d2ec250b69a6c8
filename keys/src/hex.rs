//! Secrets of 32 bytes as hexadecimal digits and back. Never in more than one form: 64 digits in lower case.
//! What is written and what is read is wiped.

use zeroize::Zeroizing;

use crate::secret::KEY_BYTES;

pub(crate) fn hex(bytes: &[u8; KEY_BYTES]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(64));
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).expect("half a byte is a digit"));
        }
    }
    text
}

pub(crate) fn unhex(text: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != 64 || !text.bytes().all(lower) {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let half =
            |digit: u8| char::from(digit).to_digit(16).and_then(|half| u8::try_from(half).ok());
        *byte = half(digits[0])? << 4 | half(digits[1])?;
    }
    Some(bytes)
}
