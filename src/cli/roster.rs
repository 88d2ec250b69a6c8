//! `gridvault actor import`: a roster of posts, sent to a running vault in parts.
//! Never all or nothing: what became of each line is printed, and a line that was refused ends with status 1.
//! It can be sent again: what is so already is left alone.

use super::client::Connection;
use super::failure::Failure;
use super::print;
use super::said::{whole, word};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Lines of one request: less than the vault takes, so that long ones fit too.
const PART_LINES_COUNT: usize = 100;
/// Longest roster that is read, in bytes.
const ROSTER_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The roster: JSON lines, or a JSON list. Each has `login` or `actor`, `role`, `area`, and may have `from`, `to`,
    /// `line`, `lead`, `pair`, `secrecy_term`, `trained_until` and `ends`.
    file: PathBuf,
    /// Say what it would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let lines = lines_of(&arguments.file)?;
    let (mut at, mut refused) = (0, 0);
    for part in lines.chunks(PART_LINES_COUNT) {
        let body = json!({"dry_run": arguments.dry_run, "lines": part});
        let answer = arguments.connection.post("/v1/admin/assignments/import", &body)?;
        for one in answer["lines"].as_array().into_iter().flatten() {
            let mut one = one.clone();
            at += 1;
            one["line"] = json!(at);
            refused += usize::from(one["outcome"] == "refused");
            print(&if json { one.to_string() } else { line(&one) });
        }
    }
    match refused {
        0 => Ok(()),
        _ => Err(Failure::Failed(format!("{refused} of {at} lines were refused"))),
    }
}

fn line(one: &Value) -> String {
    let (outcome, actor) = (word(one, "outcome"), word(one, "actor"));
    let code = one["code"].as_str().map(|code| format!(" {code}"));
    let post = one["assignment"].as_str().map(|post| format!(" post {post}"));
    let waits = match (outcome, one["confirmed"].as_bool()) {
        ("new", Some(false)) => " waits for its community",
        _ => "",
    };
    let more = [code, post].map(Option::unwrap_or_default).concat();
    format!("{} {outcome} {actor}{more}{waits}", one["line"])
}

/// The members of a list, or the lines of a file; a blank line is none.
fn lines_of(file: &Path) -> Result<Vec<Value>, Failure> {
    let fail = |error: std::io::Error| Failure::failed("the roster cannot be read", &error);
    let opened = std::fs::File::open(file).map_err(fail)?;
    let text = whole(opened, ROSTER_BYTES_MAX, "the roster")?;
    let wrong = |at: usize| Failure::Usage(format!("line {at} of the roster is not JSON"));
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(&text)
            .map_err(|_| Failure::Usage("the roster is no list of JSON".into()));
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| serde_json::from_str(line).map_err(|_| wrong(at + 1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn read(text: &str) -> Result<Vec<Value>, Failure> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("a roster");
        lines_of(file.path())
    }

    #[test]
    fn a_roster_is_lines_or_a_list_of_json() {
        let two = [json!({"login": "a"}), json!({"login": "b"})];
        assert_eq!(read("{\"login\":\"a\"}\n\n{\"login\":\"b\"}\n").expect("lines"), two);
        assert_eq!(read(" [{\"login\":\"a\"},{\"login\":\"b\"}]").expect("a list"), two);
        assert!(read("").expect("nothing").is_empty());
        assert!(
            matches!(read("{}\nlogin,role"), Err(Failure::Usage(text)) if text.contains("line 2"))
        );
        assert!(matches!(read("[{}"), Err(Failure::Usage(_))));
    }

    #[test]
    fn a_roster_that_is_too_long_is_refused_and_not_cut() {
        let of_length = |bytes: u64| {
            let file = tempfile::NamedTempFile::new().expect("a file");
            file.as_file().set_len(bytes).expect("a length");
            lines_of(file.path())
        };
        // At the limit it is read, and what it holds is no JSON.
        let read = of_length(ROSTER_BYTES_MAX);
        assert!(matches!(read, Err(Failure::Usage(text)) if text.contains("line 1")));
        let longer = of_length(ROSTER_BYTES_MAX + 1);
        assert!(matches!(longer, Err(Failure::Usage(text)) if text.contains("more than")));
    }
}
