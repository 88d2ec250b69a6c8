//! The ways to a root key, changed at the host: added, taken away, dealt anew, on the word of two administrators.
//! Never believes the vault: its files are looked at by the crate of the keys, and its log by entries.
//! What lacks a signature, a secret or a way is refused before anything is changed.

use super::harness::end_of;
use super::program::{Outcome, Served, run, run_with, start_at};
use super::root::root_of;
use super::terminal::Terminal;
use super::unsealing::{ORIGIN, PASSPHRASE, Place, unseal};
use gridvault_audit::LogReader;
use gridvault_keys::{Envelope, KeyringHealth, Provider, RootKey, Share, UnlockFile};
use gridvault_keys::{Keyring, KeyringLock};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write as _;

const OTHER_PASSPHRASE: &str = "quite another passphrase";

/// Names of the files of the three administrators' keys.
pub const KEYS: [&str; 3] = ["sys.key", "sec.key", "aud.key"];

impl Place {
    /// The ids of the three administrators, in the order of the posts.
    pub fn persons(&self) -> Vec<String> {
        let enrolled = self.entries("admin.enrol");
        let made = enrolled.iter().filter(|entry| entry["x"]["role"].is_string());
        made.map(|entry| entry["x"]["actor"].as_str().expect("an id").to_owned()).collect()
    }

    /// Each administrator enrols with a key of its own, while a passphrase opens the vault.
    fn with_keys(self) -> Place {
        let served = self.opened();
        for (place, file) in KEYS.iter().enumerate() {
            self.enrol_with_key(&served, place, file);
        }
        assert_eq!(served.stop(), Some(0));
        self
    }

    /// Serves it and opens it by its passphrase.
    pub fn opened(&self) -> Served {
        let served = self.serve(&["--sealed"]);
        unseal(&served, PASSPHRASE).ended(0);
        served
    }

    /// A ceremony at the host; `$` before a word makes it a file of the place.
    pub fn at_host(&self, words: &str, shares: &[String]) -> Outcome {
        let directory = self.text("vault");
        let words = words.split(' ').map(|word| match word.strip_prefix('$') {
            Some(file) => self.text(file),
            None => word.to_owned(),
        });
        let fixed = ["--json", "keys"].map(str::to_owned).into_iter();
        let arguments = fixed.chain(words).chain(["--dir".to_owned(), directory]);
        run_with(&arguments.collect::<Vec<String>>(), &shares.join("\n"))
    }

    /// The same on the word of the first two, who sign nothing.
    pub fn unsigned(&self, words: &str, shares: &[String]) -> Outcome {
        let persons = self.persons();
        let named = format!("--unsigned --person {} --person {}", persons[0], persons[1]);
        self.at_host(&format!("{words} {named}"), shares)
    }

    pub fn request(&self, what: &str, file: &str) {
        self.at_host(&format!("request {what} --out ${file}"), &[]).ended(0);
    }

    pub fn agree(&self, file: &str, key: &str) -> Outcome {
        // Nobody types here, so whoever agrees says to what: whatever the request is for.
        let text = std::fs::read_to_string(self.path(file)).expect("a request");
        let what = text.lines().find_map(|line| line.strip_prefix("what ")).expect("an act");
        self.agree_to(file, &[what], key)
    }

    pub fn agree_to(&self, file: &str, what: &[&str], key: &str) -> Outcome {
        let (file, key) = (self.text(file), self.text(key));
        run(&[&["keys", "agree", &file], what, &["--key", &key]].concat())
    }

    pub fn ways(&self) -> Vec<u8> {
        std::fs::read(self.path("vault/unlock")).expect("a file")
    }

    /// The kinds of ways that the vault says it has.
    pub fn listed(&self) -> Vec<String> {
        let listed = self.at_host("provider list", &[]).ended(0).json();
        let ways = listed["ways"].as_array().expect("ways").clone();
        ways.iter().map(|way| way["way"].as_str().expect("a kind").to_owned()).collect()
    }

    pub fn shares_in(&self, directory: &str) -> Vec<String> {
        let files = std::fs::read_dir(self.path(directory)).expect("a directory");
        let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        paths.sort();
        let read = |path| std::fs::read_to_string(path).expect("a share").trim().to_owned();
        paths.into_iter().map(read).collect()
    }

    /// The root key by shares, if these open it now.
    pub fn root_by_shares(&self, shares: &[String]) -> Option<RootKey> {
        let envelopes = UnlockFile::load(&self.path("vault/unlock")).expect("envelopes");
        let by_shares = |it: &&Envelope| matches!(it.provider(), Provider::Shares(_));
        let shares: Result<Vec<Share>, _> =
            shares.iter().map(|share| Share::parse(share.as_bytes())).collect();
        envelopes.iter().find(by_shares)?.open_with_shares(&shares.expect("shares")).ok()
    }

    /// The ring opens whole by the root key, and nothing of a ceremony is left beside it.
    pub fn is_whole_by(&self, root: &RootKey) {
        // A copy: opening it repairs, and the vault may serve.
        let room = tempfile::tempdir().expect("a temporary directory");
        for file in ["keyring", "keyring.uses"] {
            std::fs::copy(self.path("vault").join(file), room.path().join(file)).expect("copied");
        }
        let (_, health) = Keyring::open(&room.path().join("keyring"), root).expect("a keyring");
        assert_eq!(health, KeyringHealth::Whole);
        for left in ["unlock.old", "unlock.next", "ceremony"] {
            assert!(!self.path("vault").join(left).exists(), "{left}");
        }
        self.verify();
    }

    /// What the entries of a ceremony say: what happened, of which ceremony, and how it was proven.
    pub fn told(&self, events: &[&str]) -> Vec<(String, String, String)> {
        let mut told = Vec::new();
        for event in events {
            for entry in self.entries(event) {
                let word = |name: &str| entry["x"][name].as_str().unwrap_or_default().to_owned();
                if entry["x"]["ceremony"].is_string() && entry["x"]["step"] != "begin" {
                    assert!(entry["who"].is_null());
                    let persons = self.persons();
                    assert_eq!([word("person_1"), word("person_2")], persons[..2]);
                    told.push(((*event).to_owned(), word("ceremony"), word("proof")));
                }
            }
        }
        told
    }
}

pub fn of(event: &str, ceremony: &str, proof: &str) -> (String, String, String) {
    (event.to_owned(), ceremony.to_owned(), proof.to_owned())
}

pub const BOTH: [&str; 6] =
    ["--passphrase-file", "PASSPHRASE", "--shares", "2/3", "--shares-dir", "SHARES"];

/// Nothing said and nobody to ask, another act, another one typed, and a text that would show as another one.
fn nobody_signs_what_was_not_confirmed(place: &Place) {
    let text = std::fs::read_to_string(place.path("request")).expect("a request");
    let unasked = place.agree_to("request", &[], KEYS[0]).ended(2);
    assert!(unasked.err.contains("what rotate-root"), "it was shown: {}", unasked.err);
    place.agree_to("request", &["remove-shares"], KEYS[0]).ended(1);
    let typed = |word: &str, file: &str| {
        let mut terminal = Terminal::new();
        terminal.keyboard.write_all(format!("{word}\n").as_bytes()).expect("typed");
        let (file, key) = (place.text(file), place.text(KEYS[0]));
        let input = terminal.line.try_clone().expect("the same");
        end_of(&mut start_at(&["keys", "agree", &file, "--key", &key], input))
    };
    assert_eq!(typed("remove-shares", "request"), Some(1));
    assert_eq!(typed("y", "request"), Some(1));
    assert_eq!(std::fs::read_to_string(place.path("request")).expect("a request"), text);
    std::fs::write(place.path("typed"), &text).expect("written");
    assert_eq!(typed("rotate-root", "typed"), Some(0));
    let hidden = text.replace("\nwhat rotate", "\u{1b}[8m\nwhat rotate");
    std::fs::write(place.path("hidden"), &hidden).expect("written");
    place.agree_to("hidden", &["rotate-root"], KEYS[0]).ended(1);
    assert_eq!(std::fs::read_to_string(place.path("hidden")).expect("a request"), hidden);
}

#[test]
fn two_administrators_sign_what_is_done_to_the_root_key_and_the_entries_name_both() {
    let place = Place::made(&BOTH).with_keys();
    let (directory, before) = (place.path("vault"), place.ways());
    let former = root_of(&directory, PASSPHRASE).expect("it opens");
    let old_shares = place.shares_in("shares");
    place.request("rotate-root", "request");
    let rotate = "rotate-root --passphrase-file $passphrase --shares-dir $new --agreed";
    nobody_signs_what_was_not_confirmed(&place);
    place.agree("request", KEYS[0]).ended(0);
    place.at_host(&format!("{rotate} $request"), &[]).ended(1);
    place.agree("request", KEYS[0]).ended(1);
    let said = place.agree("request", KEYS[1]).ended(0).err;
    assert!(said.contains("what rotate-root") && said.contains(ORIGIN), "{said}");
    place.agree("request", KEYS[2]).ended(1);
    // What both signed, for something else; and what nobody signed.
    let other = "provider remove shares --passphrase-file $passphrase --agreed $request";
    place.at_host(other, &[]).ended(1);
    let text = std::fs::read_to_string(place.path("request")).expect("a request");
    let changed = text.replace("what rotate-root", "what remove-shares");
    std::fs::write(place.path("changed"), changed).expect("written");
    let other = "provider remove shares --passphrase-file $passphrase --agreed $changed";
    let said = place.at_host(other, &[]).ended(1).err;
    assert!(said.contains("not one by its key"), "{said}");
    place.at_host(rotate.trim_end_matches(" --agreed"), &[]).ended(2);
    assert_eq!(place.ways(), before, "nothing was changed");
    assert!(!place.path("new").exists());

    let done = place.at_host(&format!("{rotate} $request"), &[]).ended(0).json();
    assert_eq!(done, json!({"envelopes": 2}));
    let root = root_of(&directory, PASSPHRASE).expect("it opens");
    assert_ne!(root.id(), former.id());
    assert!(place.root_by_shares(&old_shares[..2]).is_none(), "lost shares open it");
    let dealt = place.root_by_shares(&place.shares_in("new")[1..]).expect("the new ones open it");
    assert_eq!(dealt.id(), root.id());
    place.is_whole_by(&root);
    let expected = ["key.rotate", "key.passphrase", "key.split"];
    let told = place.told(&expected);
    assert_eq!(told, expected.map(|event| of(event, "rotate_root", "signed")));
    // A request is good once: the ways are others now.
    let again = "rotate-root --passphrase-file $passphrase --shares-dir $newer --agreed $request";
    let said = place.at_host(again, &[]).ended(1).err;
    assert!(said.contains("ask anew"), "{said}");
}

#[test]
fn way_is_added_by_what_opens_the_vault_and_taken_away_with_the_root_key() {
    let place = Place::made(&["--shares", "2/3", "--shares-dir", "SHARES"]);
    let shares = place.shares_in("shares");
    let root = place.root_by_shares(&shares[..2]).expect("they open it");
    std::fs::write(place.path("other"), format!("{OTHER_PASSPHRASE}\n")).expect("a file");
    let add = "provider add passphrase --by-shares --new-passphrase-file $other";
    let before = place.ways();
    place.unsigned(add, &shares[..1]).ended(2);
    place.unsigned(add, &[shares[0].clone(), shares[0].clone()]).ended(1);
    assert_eq!(place.ways(), before, "nothing was changed");
    place.unsigned(add, &shares[1..]).ended(0);
    assert_eq!(place.listed(), ["shares", "passphrase"]);
    let by_passphrase = root_of(&place.path("vault"), OTHER_PASSPHRASE).expect("it opens");
    assert_eq!(by_passphrase.id(), root.id());
    assert!(place.root_by_shares(&shares[..2]).is_some(), "what there was opens still");
    place.is_whole_by(&root);
    let said = place.unsigned(add, &shares[1..]).ended(1).err;
    assert!(said.contains("already"), "{said}");

    let remove = "provider remove shares --passphrase-file $other";
    place.unsigned("provider remove token --passphrase-file $other", &[]).ended(1);
    place.unsigned(&format!("{remove} --shares-dir $unneeded"), &[]).ended(2);
    place.unsigned(remove, &[]).ended(0);
    assert_eq!(place.listed(), ["passphrase"]);
    let turned = root_of(&place.path("vault"), OTHER_PASSPHRASE).expect("it opens");
    assert_ne!(turned.id(), root.id());
    place.is_whole_by(&turned);
    let last = place.unsigned("provider remove passphrase --passphrase-file $other", &[]);
    assert!(last.ended(1).err.contains("last way"));
    // And shares again, of another plan, opened by them afterwards.
    let add = "provider add shares --plan 3/4 --shares-dir $dealt --passphrase-file $other";
    place.unsigned(add, &[]).ended(0);
    let dealt = place.shares_in("dealt");
    assert_eq!(place.root_by_shares(&dealt[1..]).expect("they open it").id(), turned.id());
    let rotate = "rotate-root --by-shares --new-passphrase-file $passphrase --shares-dir $newest";
    place.unsigned(rotate, &dealt[..3]).ended(0);
    assert!(root_of(&place.path("vault"), PASSPHRASE).is_some());
    assert!(place.root_by_shares(&dealt[1..]).is_none());
    let told = place.told(&["key.rotate", "key.passphrase", "key.split"]);
    assert_eq!(
        told,
        [
            of("key.rotate", "remove_shares", "named"),
            of("key.rotate", "rotate_root", "named"),
            of("key.passphrase", "add_passphrase", "named"),
            of("key.passphrase", "remove_shares", "named"),
            of("key.passphrase", "rotate_root", "named"),
            of("key.split", "add_shares", "named"),
            of("key.split", "rotate_root", "named"),
        ]
    );
}

#[test]
fn nothing_is_done_for_whoever_is_no_administrator_or_brings_a_wrong_secret() {
    let place = Place::made(&BOTH);
    let (before, persons) = (place.ways(), place.persons());
    std::fs::write(place.path("other"), format!("{OTHER_PASSPHRASE}\n")).expect("a file");
    let remove = "provider remove shares --passphrase-file $passphrase";
    let stranger = "AAAAAAAAAAAAAAAAAAAAAA";
    for (who, status) in [
        (format!("--unsigned --person {} --person {}", persons[0], persons[0]), 2),
        (format!("--unsigned --person {} --person {stranger}", persons[0]), 1),
        (format!("--unsigned --person {}", persons[0]), 2),
        (format!("--person {} --person {}", persons[0], persons[1]), 2),
        ("--agreed $passphrase".to_owned(), 1),
        ("--agreed $nowhere".to_owned(), 1),
    ] {
        place.at_host(&format!("{remove} {who}"), &[]).ended(status);
    }
    for (words, status) in [
        ("provider remove shares --passphrase-file $other", 1),
        ("provider remove passphrase --passphrase-file $passphrase", 2),
        ("provider remove passphrase --passphrase-file $other --shares-dir $new", 1),
        ("rotate-root --by-shares --shares-dir $new", 2),
        ("provider add token --passphrase-file $passphrase", 2),
        ("provider add shares --passphrase-file $passphrase", 2),
        ("provider add passphrase --passphrase-file $passphrase --new-passphrase-file $other", 1),
    ] {
        place.unsigned(words, &[]).ended(status);
    }
    // By shares, with a passphrase that is to stay and is not the vault's.
    let shares = place.shares_in("shares");
    let rotate = "rotate-root --by-shares --passphrase-file $other --shares-dir $newer";
    place.unsigned(rotate, &shares[..2]).ended(1);
    assert_eq!(place.ways(), before);
    place.is_whole_by(&root_of(&place.path("vault"), PASSPHRASE).expect("it opens"));
}

#[test]
fn start_after_a_crash_tells_what_a_ceremony_did_and_on_whose_word() {
    let place = Place::made(&BOTH).with_keys();
    place.request("remove-shares", "request");
    for key in &KEYS[..2] {
        place.agree("request", key).ended(0);
    }
    // The new ways come in force, and the start that tells of it fails: somebody has the log.
    let lock = File::options().write(true).open(place.path("vault/log/lock")).expect("a lock");
    lock.try_lock().expect("nobody has it");
    let remove = "provider remove shares --passphrase-file $passphrase --agreed $request";
    let said = place.at_host(remove, &[]).ended(4).err;
    assert!(said.contains("the new ways are in force"), "{said}");
    drop(lock);
    assert_eq!(place.listed(), ["passphrase"]);
    assert!(place.path("vault/unlock.old").exists() && place.path("vault/ceremony").exists());
    let said = place.at_host(remove, &[]).ended(1).err;
    assert!(said.contains("start it once"), "{said}");
    let note = std::fs::read(place.path("vault/ceremony")).expect("a note");
    assert_eq!(place.opened().stop(), Some(0));
    let expected = ["key.rotate", "key.passphrase"];
    let expected = expected.map(|event| of(event, "remove_shares", "signed"));
    let told = || place.told(&["key.rotate", "key.passphrase", "key.split"]);
    assert_eq!(told(), expected);
    // Whoever kept a copy of the note has no start tell of it once more.
    std::fs::copy(place.path("vault/unlock"), place.path("vault/unlock.old")).expect("copied");
    std::fs::write(place.path("vault/ceremony"), note).expect("written");
    assert_eq!(place.opened().stop(), Some(0));
    assert_eq!(told(), expected);
    let root = root_of(&place.path("vault"), PASSPHRASE).expect("it opens");
    place.is_whole_by(&root);
}

#[test]
fn note_that_the_vault_did_not_write_tells_of_nothing() {
    let place = Place::made(&["--passphrase-file", "PASSPHRASE"]);
    let persons = place.persons();
    std::fs::copy(place.path("vault/unlock"), place.path("vault/unlock.old")).expect("copied");
    let digest = {
        use base64::Engine as _;
        let digest = ring_digest(&place.ways());
        base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(digest)
    };
    let (none, root) = ("AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAA");
    let forged = format!(
        "gridvault ceremony done 2\nvault {ORIGIN}\nceremony {none}\nwhat rotate-root\nroot {root}\n\
         ways {digest}\npersons {} {}\ntag {none}\n",
        persons[0], persons[1]
    );
    std::fs::write(place.path("vault/ceremony"), forged).expect("written");
    assert_eq!(place.opened().stop(), Some(0));
    assert!(place.entries("key.rotate").is_empty(), "nobody did anything");
    assert!(!place.path("vault/ceremony").exists());
    let held = KeyringLock::take(&place.path("vault/keyring"));
    assert!(held.is_ok(), "the vault ended");
    let size = LogReader::open(&place.path("vault/log"), ORIGIN).and_then(|log| log.size());
    assert!(size.is_ok_and(|size| size > 0));
}

fn ring_digest(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec()
}

#[test]
fn list_of_ways_says_what_each_is_and_nothing_of_a_secret() {
    let place = Place::made(&BOTH);
    let listed = place.at_host("provider list", &[]).ended(0).json();
    let ways = listed["ways"].as_array().expect("ways");
    let members = |way: &Value| {
        let names: Vec<String> = way.as_object().expect("an object").keys().cloned().collect();
        names
    };
    assert_eq!(members(&ways[0]), ["envelope", "way"]);
    assert_eq!(members(&ways[1]), ["count", "envelope", "needed", "way"]);
    let plain = run(&["keys", "provider", "list", "--dir", &place.text("vault")]).ended(0).out;
    assert!(plain.lines().count() == 2 && plain.contains("shares 2 of 3"), "{plain}");
}

#[test]
fn an_administrator_gets_another_code_on_the_signed_word_of_the_two_others_alone() {
    let place = Place::made(&BOTH).with_keys();
    let (ids, directory, passphrase) =
        (place.persons(), place.text("vault"), place.text("passphrase"));
    let code = |further: &[&str]| {
        let fixed = ["--json", "administrator", "code", "--dir", &directory, "--login", "sec"];
        run(&[&fixed[..], &["--passphrase-file", &passphrase], further].concat())
    };
    code(&[]).ended(2);
    code(&["--person", &ids[0], "--person", &ids[2]]).ended(2);
    let agreed = |of: &str, by: [usize; 2]| {
        let file = format!("request-{of}-{}", by[1]);
        place.request(&format!("administrator-code-{of}"), &file);
        by.iter().for_each(|at| drop(place.agree(&file, KEYS[*at]).ended(0)));
        place.text(&file)
    };
    // For somebody else, for oneself, and by one alone.
    let said = code(&["--agreed", &agreed(&ids[2], [0, 1])]).ended(1).err;
    assert!(said.contains("something else"), "{said}");
    let said = code(&["--agreed", &agreed(&ids[1], [0, 1])]).ended(1).err;
    assert!(said.contains("of its own"), "{said}");
    place.request(&format!("administrator-code-{}", ids[1]), "alone");
    place.agree("alone", KEYS[0]).ended(0);
    code(&["--agreed", &place.text("alone")]).ended(1);
    assert!(place.entries("admin.token_issue").is_empty(), "nothing was given");

    let given = code(&["--agreed", &agreed(&ids[1], [0, 2])]).ended(0).json();
    assert_eq!(given["actor"], json!(ids[1]));
    let told = place.entries("admin.token_issue");
    let facts: Vec<&Value> = told.iter().map(|entry| &entry["x"]).collect();
    assert_eq!(facts.len(), 1);
    assert_eq!((&facts[0]["actor"], &facts[0]["proof"]), (&json!(ids[1]), &json!("signed")));
    let persons = (&facts[0]["person_1"], &facts[0]["person_2"]);
    assert_eq!(persons, (&json!(ids[0]), &json!(ids[2])));
}
