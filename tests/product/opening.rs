//! A vault that shares alone open, where it does not serve: its store made again, listed, and restored at its host.
//! Never a share among arguments: each is a line of standard input.
//! With one share too few nothing is made.

use super::program::{Outcome, Served, run, run_with};
use super::unsealing::{ORIGIN, Place, unseal};
use serde_json::json;

const SHARED: [&str; 4] = ["--shares", "2/3", "--shares-dir", "SHARES"];

impl Place {
    /// A command of a host, with lines on its standard input; `$` before a word makes it a file of the place.
    fn with_lines(&self, words: &str, lines: &[String]) -> Outcome {
        let words = words.split(' ').map(|word| match word.strip_prefix('$') {
            Some(file) => self.text(file),
            None => word.to_owned(),
        });
        run_with(&words.collect::<Vec<String>>(), &lines.join("\n"))
    }
}

#[test]
fn a_store_of_a_vault_that_shares_open_is_made_again_by_as_many_as_open_it() {
    let place = Place::made(&SHARED);
    let shares = place.shares_in("shares");
    let digests = |to: &str, shares: &[String]| {
        place.with_lines(&format!("store digests --dir $vault --by-shares --out ${to}"), shares)
    };
    digests("before", &shares[..2]).ended(0);
    std::fs::remove_dir_all(place.path("vault/store")).expect("removed");
    let rebuild = |words: &str, shares: &[String]| {
        place.with_lines(&format!("--json store rebuild --dir $vault {words}"), shares)
    };
    rebuild("", &[]).ended(2);
    assert_ne!(rebuild("--by-shares", &shares[..1]).status, Some(0));
    let twice = [shares[0].clone(), shares[0].clone()];
    assert_ne!(rebuild("--by-shares", &twice).status, Some(0));
    assert!(!place.path("vault/store").exists());
    let made = rebuild("--by-shares", &shares[1..]).ended(0).json();
    assert!(made["entries"].as_u64() > Some(0), "{made}");
    digests("after", &shares[..2]).ended(0);
    let told = place.entries("sys.recover");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["x"]["entries"], made["entries"]);
    place.verify();
}

#[test]
fn a_store_that_is_lost_before_the_first_start_is_missed_by_it() {
    let place = Place::made(&SHARED);
    let shares = place.shares_in("shares");
    std::fs::remove_dir_all(place.path("vault/store")).expect("removed");
    let words = "store digests --dir $vault --by-shares --out $list";
    let refused = place.with_lines(words, &shares[..2]).ended(4);
    assert!(refused.err.contains("store rebuild"), "{}", refused.err);
    place.with_lines("store rebuild --dir $vault --by-shares", &shares[..2]).ended(0);
    place.with_lines(words, &shares[..2]).ended(0);
}

#[test]
fn a_vault_that_shares_open_is_restored_by_them_and_waits_sealed_for_them() {
    let place = Place::made(&SHARED);
    let shares = place.shares_in("shares");
    run(&["backup", "create", "--dir", &place.text("vault"), "--out", &place.text("bulk")])
        .ended(0);
    let recipient = run(&["backup", "recipient", "--out", &place.text("secret")]).ended(0).out;
    std::fs::write(place.path("recipients"), recipient).expect("written");
    let keys = "backup keys --dir $vault --recipients $recipients --out $keys";
    place.with_lines(keys, &[]).ended(0);
    let persons = place.persons();
    let restore = |to: &str, way: &str, shares: &[String]| {
        let parts = "--bulk $bulk --keys $keys --identity $secret --origin unsealing.example/log-2";
        let word = format!("--unsigned --person {} --person {}", persons[0], persons[1]);
        let (fixed, key) = ("--json backup restore", place.log_key());
        let words = format!("{fixed} {parts} --log-key {key} --dir ${to} {word} {way}");
        place.with_lines(words.trim_end(), shares)
    };
    restore("unsaid", "", &[]).ended(2);
    assert!(!place.path("unsaid").exists());
    for (to, shares) in [("one", &shares[..1]), ("none", &[])] {
        assert_ne!(restore(to, "--by-shares", shares).status, Some(0));
        assert!(!place.path(to).join("config").exists());
    }
    let made = restore("restored", "--by-shares", &shares[..2]).ended(0).json();
    assert_eq!(made["before"], json!(ORIGIN));

    // As its configuration says: nothing on the way opens it.
    let directory = place.text("restored");
    let served = Served::start_sealed(&["serve", "--dir", &directory, "--listen", "127.0.0.1:0"]);
    for share in &shares[1..] {
        unseal(&served, share).ended(0);
    }
    served.call("GET", "/readyz").send().expect(200);
    assert_eq!(served.stop(), Some(0));
}
