//! Comma-separated values (RFC 4180) that a sheet shows and does not calculate.
//! Never a cell that begins as a formula: it gets an apostrophe in front, which sheets hide.
//! All cells are quoted; lists are joined by blanks, which no handle and no field name has.

use super::Exported;
use compact_str::CompactString;
use csv::{QuoteStyle, WriterBuilder};

const COLUMNS: [&str; 24] = [
    "index", "time", "event", "outcome", "why", "actor", "system", "role", "scope", "about",
    "grid", "type", "fields", "views", "records", "subjects", "count", "purpose", "case", "task",
    "approval", "rule", "policy", "leaf",
];

pub(super) fn header() -> String {
    row(COLUMNS.map(str::to_owned))
}

pub(super) fn line(exported: &Exported<'_>) -> String {
    let entry = &exported.entry;
    let text = |value: &Option<CompactString>| value.as_deref().unwrap_or_default().to_owned();
    let number = |value: Option<u64>| value.map(|number| number.to_string()).unwrap_or_default();
    let time = crate::ambient::Micros(i64::try_from(entry.t).unwrap_or(i64::MAX));
    row([
        entry.seq.to_string(),
        time.rfc3339(),
        entry.event().to_string(),
        entry.out.to_string(),
        text(&entry.why),
        text(&entry.who),
        text(&entry.via),
        text(&entry.role),
        text(&entry.scope),
        entry.about().unwrap_or_default().to_owned(),
        text(&entry.grid),
        text(&entry.typ),
        entry.fld.join(" "),
        entry.view.join(" "),
        entry.rec.join(" "),
        entry.sub.join(" "),
        number(entry.n),
        text(&entry.pur),
        text(&entry.case),
        text(&entry.task),
        text(&entry.apr),
        text(&entry.rule),
        number(entry.pol),
        exported.leaf(),
    ])
}

fn row(cells: [String; COLUMNS.len()]) -> String {
    let mut writer = WriterBuilder::new().quote_style(QuoteStyle::Always).from_writer(Vec::new());
    let written = writer.write_record(cells.iter().map(|cell| safe(cell)));
    written.expect("a row is written into memory");
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned()
}

/// Sheets take a cell for a formula that begins with one of these, in either width, and some after a tab or a line end.
pub(super) fn safe(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if formula { format!("'{cell}") } else { cell.to_owned() }
}
