//! What commands that call a vault have in common: ids in paths, members of queries, lists page by page, answers said.
//! Never lets a word become another path or another query than was meant, and never reads half of a text.
//! `--json` gives answers as they came, a line each.

use super::client::Connection;
use super::failure::Failure;
use super::print;
use serde_json::Value;
use std::io::{Read, Write as _};
use std::path::Path;

/// Longest text that is read from a file, in bytes: the vault takes fewer characters.
const TEXT_BYTES_MAX: u64 = 64 * 1024;

/// An id in a path: with other characters it would be another path.
pub(super) fn plain(id: &str) -> Result<&str, Failure> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !id.is_empty() && id.bytes().all(known) {
        Ok(id)
    } else {
        Err(Failure::Usage("an id has letters, digits, dashes and underscores alone".into()))
    }
}

/// Members of a query; none has characters that would make it another query.
pub(super) fn members(given: &[(&str, &Option<String>)]) -> Result<String, Failure> {
    let mut query = String::new();
    for (name, value) in given {
        let Some(value) = value else { continue };
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        if value.is_empty() || !value.bytes().all(known) {
            return Err(Failure::Usage(format!("--{name} has characters that no value has")));
        }
        query.push_str(&format!("{name}={value}&"));
    }
    Ok(query)
}

/// Every page of a list, a line for each of its members.
pub(super) fn pages(
    connection: &Connection,
    query: &str,
    (list, onward): (&str, &str),
    json: bool,
    line: impl Fn(&Value) -> String,
) -> Result<(), Failure> {
    let mut next = String::new();
    loop {
        let answer = connection.get(&format!("{query}{next}"))?;
        each(&answer, list, json, &line);
        match &answer["next"] {
            Value::String(id) => next = format!("{onward}={id}"),
            Value::Number(number) => next = format!("{onward}={number}"),
            _ => return Ok(()),
        }
    }
}

/// A line for each member of a list. Where the list was cut, standard error says so: standard output has its members alone.
pub(super) fn each(answer: &Value, list: &str, json: bool, line: impl Fn(&Value) -> String) {
    for one in answer[list].as_array().into_iter().flatten() {
        print(&if json { one.to_string() } else { line(one) });
    }
    if answer["more"] == Value::Bool(true) {
        let _nobody_reads = writeln!(std::io::stderr(), "there are more, which no list shows");
    }
}

/// An answer in one line.
pub(super) fn said(
    answer: &Value,
    json: bool,
    line: impl Fn(&Value) -> String,
) -> Result<(), Failure> {
    print(&if json { answer.to_string() } else { line(answer) });
    Ok(())
}

/// A member of an answer as a word.
pub(super) fn word<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or("-")
}

/// Words of a list with commas between.
pub(super) fn words(of: &Value, name: &str) -> String {
    let words = of[name].as_array().into_iter().flatten().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(",")
}

/// Something that is there, of which the caller takes a step.
#[derive(clap::Args)]
pub(super) struct Step {
    /// Its id.
    id: String,
    #[command(flatten)]
    connection: Connection,
}

/// Takes a step of one of a kind; the path is that of all of them.
pub(super) fn taken(
    step: &Step,
    (path, kind): (&str, &str),
    act: &str,
    json: bool,
) -> Result<(), Failure> {
    let path = format!("{path}/{}/{act}", plain(&step.id)?);
    said(&step.connection.step(&path)?, json, |one| {
        format!("{kind} {} {act}: done", word(one, "id"))
    })
}

/// A text of a file, or of standard input where no file is named: what has no place among arguments, where every process of
/// the host could read it and a shell keeps it.
pub(super) fn text_of(file: Option<&Path>) -> Result<String, Failure> {
    match file {
        Some(file) => {
            let opened = std::fs::File::open(file);
            let opened =
                opened.map_err(|error| Failure::failed("the file cannot be read", &error))?;
            whole(opened, TEXT_BYTES_MAX, "the file")
        }
        None => whole(std::io::stdin().lock(), TEXT_BYTES_MAX, "standard input"),
    }
}

/// The same where it is one line.
pub(super) fn line_of(file: Option<&Path>) -> Result<String, Failure> {
    Ok(text_of(file)?.trim().to_owned())
}

/// Everything that a source has. More than is read is refused: a text that was cut is another text.
pub(super) fn whole(source: impl Read, bytes_max: u64, what: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    source
        .take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::failed(&format!("{what} cannot be read"), &error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(Failure::Usage(format!("{what} has more than {bytes_max} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::Usage(format!("{what} is no text in UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_another_path_or_another_query() {
        assert!(plain("AZaz09_-").is_ok());
        for wrong in ["", "a/b", "a?b", "..", "a%2Fb", "a b"] {
            assert!(plain(wrong).is_err(), "{wrong}");
        }
        let some = |text: &str| Some(text.to_owned());
        let query = members(&[("state", &some("open")), ("since", &None), ("until", &some("1:2"))]);
        assert_eq!(query.expect("a query"), "state=open&until=1:2&");
        for wrong in ["", "a&b=c", "a=b", "a#b", "a b"] {
            assert!(members(&[("state", &some(wrong))]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_longer_than_is_read_is_refused_and_not_cut() {
        assert_eq!(whole(&b"abc"[..], 3, "the file").expect("a text"), "abc");
        let longer = whole(&b"abcd"[..], 3, "the file");
        assert!(
            matches!(longer, Err(Failure::Usage(text)) if text == "the file has more than 3 bytes")
        );
        // A character that lies across the limit is no other fault.
        let across = whole("ab\u{4e00}".as_bytes(), 3, "the file");
        assert!(matches!(across, Err(Failure::Usage(text)) if text.contains("more than")));
        assert!(matches!(whole(&b"\xff"[..], 3, "the file"), Err(Failure::Usage(_))));
    }
}
