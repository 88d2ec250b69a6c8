//! The page of commands against the program: what it has stands there, and what stands there it has.
//! Never a list by hand: the one is read from the page, the other from the help.
//! A command that takes several things together shows an example of itself.

use super::program::run;
use std::collections::BTreeSet;
use std::path::Path;

/// The commands below a word, by the short help.
fn below(words: &[&str]) -> Vec<String> {
    let help = run(&[words, &["-h"]].concat()).ended(0).out;
    let names = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = names.map_while(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every command that does something.
pub fn of_program() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = below(&[]);
    while let Some(command) = open.pop() {
        let words: Vec<&str> = command.split(' ').collect();
        let further = below(&words);
        if further.is_empty() {
            found.insert(command);
        } else {
            open.extend(further.iter().map(|name| format!("{command} {name}")));
        }
    }
    found
}

/// The commands of a table's cell: the first is written out, those behind it by their last word.
fn of_cell(cell: &str, tops: &[String]) -> Vec<String> {
    let mut before = String::new();
    let mut commands = Vec::new();
    for code in cell.split('`').skip(1).step_by(2) {
        let is_name =
            |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let words = code.split(' ').take_while(|word| is_name(word) && !word.starts_with('-'));
        let words = words.collect::<Vec<_>>().join(" ");
        let Some(first) = words.split(' ').next().filter(|first| !first.is_empty()) else {
            continue;
        };
        let command = match tops.iter().any(|top| top == first) {
            true => words,
            false => format!("{before} {words}"),
        };
        before = command.rsplit_once(' ').map_or("", |(before, _)| before).to_owned();
        commands.push(command);
    }
    commands
}

fn of_page() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command-line.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let tops = below(&[]);
    let mut column = None;
    let mut found = BTreeSet::new();
    for row in page.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if let Some(at) = cells.iter().position(|cell| *cell == "commands") {
            column = Some(at);
        } else if let Some(cell) = column.and_then(|at| cells.get(at)) {
            found.extend(of_cell(cell, &tops));
        } else {
            column = None;
        }
    }
    found
}

#[test]
fn every_command_stands_on_the_page_of_commands_and_no_other() {
    let (program, page) = (of_program(), of_page());
    assert!(program.len() > 40, "{program:?}");
    let missing: Vec<&String> = program.difference(&page).collect();
    let unknown: Vec<&String> = page.difference(&program).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing {missing:?}, unknown {unknown:?}");
}

#[test]
fn a_command_that_takes_several_things_shows_an_example_of_itself() {
    for command in [
        "task give",
        "break-glass open",
        "break-glass review",
        "approval ask-limit",
        "official ask",
        "subject report",
        "subject accesses",
        "subject protect",
        "subject consents",
        "subject consent",
        "subject withdraw",
        "subject restrict",
        "subject hold",
        "subject release",
        "policy preview",
        "counter-check",
        "actor state",
    ] {
        let words: Vec<&str> = command.split(' ').chain(Some("--help")).collect();
        let help = run(&words).ended(0).out;
        assert!(help.contains(&format!("Example: gridvault {command} ")), "{help}");
    }
}
