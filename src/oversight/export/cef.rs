//! The Common Event Format, version 0, as one line.
//! Never a line break, an unescaped bar or sign of equality: they would end a field early.
//! A list of many records names the first and counts all; index and leaf lead to the whole entry.

use super::Exported;
use crate::limits::CEF_HANDLES_COUNT_MAX;
use compact_str::CompactString;

pub(super) fn line(exported: &Exported<'_>) -> String {
    let entry = &exported.entry;
    let event = entry.event();
    let severity = match &*entry.out {
        "success" => 3,
        "denied" => 6,
        _ => 8,
    };
    let mut line = format!(
        "CEF:0|Gridvault|Gridvault|{}|{}|{}|{severity}|",
        env!("CARGO_PKG_VERSION"),
        header(&event),
        header(&format!("{event} {}", entry.out)),
    );
    let mut pair = |name: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            if !line.ends_with('|') {
                line.push(' ');
            }
            line.push_str(&format!("{name}={}", extension(value)));
        }
    };
    pair("rt", Some(&(entry.t / 1_000).to_string()));
    pair("externalId", Some(&entry.seq.to_string()));
    pair("deviceExternalId", Some(exported.origin));
    pair("outcome", Some(&entry.out));
    pair("reason", entry.why.as_deref());
    pair("suid", entry.who.as_deref());
    pair("spriv", entry.role.as_deref());
    pair("duid", entry.about());
    pair("sourceServiceName", entry.via.as_deref());
    pair("fileType", entry.typ.as_deref());
    let count = entry.n.unwrap_or(entry.rec.len() as u64);
    pair("cnt", Some(&*count.to_string()).filter(|_| count > 0));
    for (number, label, value) in [
        (1, "purpose", entry.pur.as_deref()),
        (2, "grid", entry.grid.as_deref()),
        (3, "rule", entry.rule.as_deref()),
        (4, "records", Some(&*first(&entry.rec))),
        (5, "subjects", Some(&*first(&entry.sub))),
        (6, "fields", Some(&*entry.fld.join(" "))),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            pair(&format!("cs{number}Label"), Some(label));
            pair(&format!("cs{number}"), Some(value));
        }
    }
    pair("fileHash", Some(&exported.leaf()));
    line
}

fn first(handles: &[CompactString]) -> String {
    let shown = handles.iter().take(CEF_HANDLES_COUNT_MAX).map(CompactString::as_str);
    shown.collect::<Vec<_>>().join(" ")
}

fn header(text: &str) -> String {
    plain(text).replace('\\', "\\\\").replace('|', "\\|")
}

fn extension(text: &str) -> String {
    plain(text).replace('\\', "\\\\").replace('=', "\\=")
}

/// Codes and ids have none of these; whatever has, loses them rather than begin another line.
fn plain(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}
