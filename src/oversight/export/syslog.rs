//! A line as a syslog message (RFC 5424), framed for a stream by its length (RFC 5425).
//! Never longer than its line and a head of bounded length.
//! The facility is that of audit logs; the severity tells done from refused and failed.

use super::Format;
use crate::ambient::Micros;
use crate::oversight::entry::LogEntry;

/// Log audit (RFC 5424 section 6.2.1).
const FACILITY: u8 = 13;
const HOST_CHARACTERS_MAX: usize = 255;
const MESSAGE_ID_CHARACTERS_MAX: usize = 32;

/// An entry as a framed message. Nothing for bytes that are no entry.
pub(in super::super) fn framed(format: Format, bytes: &[u8], origin: &str) -> Option<Vec<u8>> {
    let entry = LogEntry::parse(bytes)?;
    let line = format.line(bytes, origin)?;
    let severity = match &*entry.out {
        "success" => 6,
        "denied" => 4,
        _ => 3,
    };
    let time = Micros(i64::try_from(entry.t).unwrap_or(i64::MAX)).rfc3339();
    let host = origin.split('/').next().unwrap_or_default();
    let message = format!(
        "<{}>1 {time} {} gridvault - {} - {line}",
        FACILITY * 8 + severity,
        word(host, HOST_CHARACTERS_MAX),
        word(&entry.event(), MESSAGE_ID_CHARACTERS_MAX),
    );
    Some(format!("{} {message}", message.len()).into_bytes())
}

/// Printable characters alone, bounded; a hyphen stands for nothing.
fn word(text: &str, characters_max: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(characters_max).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}
