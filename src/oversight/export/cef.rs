//! The Common Event Format, version 0, as one line.
//! Never a line break, an unescaped bar or sign of equality: they would end a field early.
//! A list of many records names the first and counts all; index and leaf lead to the whole entry.

use super::Exported;
use crate::limits::CEF_HANDLES_COUNT_MAX;

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
    let mut pair = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            if !line.ends_with('|') {
                line.push(' ');
            }
            line.push_str(&format!("{name}={}", extension(&value)));
        }
    };
    pair("rt", Some((entry.t / 1_000).to_string()));
    pair("externalId", Some(entry.seq.to_string()));
    pair("deviceExternalId", Some(exported.origin.to_owned()));
    pair("outcome", Some(entry.out.clone()));
    pair("reason", entry.why.clone());
    pair("suid", entry.who.clone());
    pair("spriv", entry.role.clone());
    pair("duid", entry.about().map(str::to_owned));
    pair("sourceServiceName", entry.via.clone());
    pair("fileType", entry.typ.clone());
    let count = entry.n.unwrap_or(entry.rec.len() as u64);
    pair("cnt", (count > 0).then(|| count.to_string()));
    for (number, label, value) in [
        (1, "purpose", entry.pur.clone()),
        (2, "grid", entry.grid.clone()),
        (3, "rule", entry.rule.clone()),
        (4, "records", Some(first(&entry.rec))),
        (5, "subjects", Some(first(&entry.sub))),
        (6, "fields", Some(entry.fld.join(" "))),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            pair(&format!("cs{number}Label"), Some(label.to_owned()));
            pair(&format!("cs{number}"), Some(value));
        }
    }
    pair("fileHash", Some(exported.leaf()));
    line
}

fn first(handles: &[String]) -> String {
    let shown = handles.iter().take(CEF_HANDLES_COUNT_MAX).map(String::as_str);
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
