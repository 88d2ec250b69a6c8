//! The ways to a root key of a vault that is open, changed beside its requests: what two signed, handed over by whoever can open it.
//! Never believes the answer: the files are looked at while the vault serves, by the crate of the keys, and its log by entries.
//! Who cannot open the vault, or brings what two did not sign, changes nothing.

use super::client::Reply;
use super::program::{Outcome, Served};
use super::root::root_of;
use super::unsealing::{PASSPHRASE, Place, unseal};
use super::ways::{BOTH, KEYS, of};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::{Keyring, UnlockFile};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const PATH: &str = "/v1/admin/keys/ways";
const ROTATE: &str = "rotate-root --passphrase-file $passphrase --shares-dir $new";

impl Place {
    /// A vault of a passphrase and of shares that is open, whose administrators have keys to sign with, and tokens.
    fn open_with_keys(options: &[&str]) -> (Place, Served) {
        let place = Place::made(options);
        let served = place.serve(&["--sealed"]);
        unseal(&served, PASSPHRASE).ended(0);
        for (at, file) in KEYS.iter().enumerate() {
            place.enrol_with_key(&served, at, file);
        }
        (place, served)
    }

    fn agreed(&self, what: &str, file: &str) {
        self.request(what, file);
        for key in &KEYS[..2] {
            self.agree(file, key).ended(0);
        }
    }

    /// A ceremony of a vault that is open, with the token of the administrator who has this key.
    fn running(&self, url: &str, words: &str, key: &str) -> Outcome {
        let with = format!("--running --url {url} --token-file ${key}.token");
        self.at_host(&format!("{words} {with}"), &[])
    }

    fn token(&self, key: &str) -> String {
        let token = std::fs::read_to_string(self.path(&format!("{key}.token"))).expect("a token");
        token.trim().to_owned()
    }
}

fn change(served: &Served, token: &str, body: &Value) -> Reply {
    served.call("POST", PATH).on_host().token(token).json(body).send()
}

#[test]
fn another_root_key_and_other_ways_come_in_force_while_the_vault_serves() {
    let (place, served) = Place::open_with_keys(&BOTH);
    let directory = place.path("vault");
    let former = root_of(&directory, PASSPHRASE).expect("it opens");
    let old_shares = place.shares_in("shares");
    place.agreed("rotate-root", "request");
    let token = place.token(KEYS[0]);
    let (asked, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                served.call("GET", "/v1/admin/keys/status").token(&token).send().expect(200);
                asked.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let said = place.running(served.url(), &format!("{ROTATE} --agreed $request"), KEYS[0]);
        stop.store(true, Ordering::Relaxed);
        assert_eq!(said.ended(0).json(), json!({"envelopes": 2}));
    });
    assert!(asked.load(Ordering::Relaxed) > 10, "somebody asked meanwhile");

    let root = root_of(&directory, PASSPHRASE).expect("the same passphrase, another root key");
    assert_ne!(root.id(), former.id());
    assert!(place.root_by_shares(&old_shares[..2]).is_none(), "lost shares open it");
    let dealt = place.root_by_shares(&place.shares_in("new")[1..]).expect("the new ones open it");
    assert_eq!(dealt.id(), root.id());
    assert!(Keyring::open(&directory.join("keyring"), &former).is_err(), "a slot opens");
    place.is_whole_by(&root);
    // The request is good once: the ways are others now.
    let again = "rotate-root --passphrase-file $passphrase --shares-dir $newer --agreed $request";
    assert!(place.running(served.url(), again, KEYS[0]).ended(1).err.contains("ask anew"));

    // The same process takes further acts, each from the ways that are in force by now.
    place.agreed("remove-shares", "less");
    let less = "provider remove shares --passphrase-file $passphrase --agreed $less";
    place.running(served.url(), less, KEYS[0]).ended(0);
    assert_eq!(place.listed(), ["passphrase"]);
    place.agreed("add-shares-2/4", "more");
    let more = "provider add shares --plan 2/4 --shares-dir $dealt --passphrase-file $passphrase";
    place.running(served.url(), &format!("{more} --agreed $more"), KEYS[0]).ended(0);
    assert_eq!(place.listed(), ["passphrase", "shares"]);
    let last = root_of(&directory, PASSPHRASE).expect("it opens");
    let dealt = place.root_by_shares(&place.shares_in("dealt")[2..]).expect("they open it");
    assert_eq!(dealt.id(), last.id());
    assert_eq!(served.stop(), Some(0));
    place.is_whole_by(&last);

    let told = place.told(&["key.rotate", "key.passphrase", "key.split"]);
    let expected = [
        of("key.rotate", "rotate_root", "signed"),
        of("key.rotate", "remove_shares", "signed"),
        of("key.passphrase", "rotate_root", "signed"),
        of("key.passphrase", "remove_shares", "signed"),
        of("key.split", "rotate_root", "signed"),
        of("key.split", "add_shares", "signed"),
    ];
    assert_eq!(told, expected);
    // Who brought it stands before each, and whose word it was.
    let brought: Vec<Value> = place.brought();
    let acts = brought.iter().map(|entry| entry["x"]["ceremony"].as_str().expect("a word"));
    assert_eq!(acts.collect::<Vec<_>>(), ["rotate_root", "remove_shares", "add_shares"]);
    for entry in &brought {
        assert_eq!((&entry["role"], &entry["out"]), (&json!("system_admin"), &json!("success")));
        assert_eq!(entry["x"]["person_2"], json!(place.persons()[1]));
    }
    // And the next start opens by what is in force, and has nothing more to tell.
    assert_eq!(place.opened().stop(), Some(0));
    assert_eq!(place.told(&["key.rotate", "key.passphrase", "key.split"]).len(), expected.len());
}

impl Place {
    /// The entries of those who brought other ways to a vault that was open.
    fn brought(&self) -> Vec<Value> {
        let entries = self.entries("key.rotate").into_iter();
        entries.filter(|entry| entry["x"]["step"] == "begin" && !entry["who"].is_null()).collect()
    }
}

#[test]
fn nobody_changes_the_ways_of_a_vault_that_is_open_without_two_signatures_and_what_opens_it() {
    let (place, served) = Place::open_with_keys(&BOTH);
    let before = place.ways();
    place.agreed("rotate-root", "request");
    let rotate = format!("{ROTATE} --agreed $request");
    // Nobody signed, or one alone; a passphrase that is not the vault's; a caller who may not.
    place.request("rotate-root", "alone");
    place.agree("alone", KEYS[0]).ended(0);
    let alone = "rotate-root --passphrase-file $passphrase --shares-dir $a --agreed $alone";
    let said = place.running(served.url(), alone, KEYS[0]).ended(1).err;
    assert!(said.contains("two administrators sign a request"), "{said}");
    std::fs::write(place.path("other"), "quite another passphrase\n").expect("a file");
    let wrong = "rotate-root --passphrase-file $other --shares-dir $b --agreed $request";
    place.running(served.url(), wrong, KEYS[0]).ended(1);
    let said = place.running(served.url(), &rotate.replace("$new", "$c"), KEYS[1]).ended(1).err;
    assert!(said.contains("denied (403)"), "{said}");
    let words = format!("{ROTATE} --running --url {}", served.url());
    place.unsigned(&words, &[]).ended(2);
    place.at_host(&format!("{words} --agreed $request"), &[]).ended(2);
    assert_eq!(place.ways(), before, "nothing was changed");

    // Whoever has the request and a token, and not what opens the vault; and what was sealed for other ways.
    let request = std::fs::read_to_string(place.path("request")).expect("a request");
    let (sys, sec) = (place.token(KEYS[0]), place.token(KEYS[1]));
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let body =
        |root: &[u8]| json!({"request": request, "ways": encode(&before), "root": encode(root)});
    let forged = gridvault_keys::RootKey::generate().expect("randomness");
    let by_another = forged.hand_over(Some(&forged), b"").expect("sealed");
    change(&served, &sys, &body(&by_another)).refused(403, "denied");
    let own = root_of(&place.path("vault"), PASSPHRASE).expect("it opens");
    let unbound = own.hand_over(Some(&forged), b"other ways").expect("sealed");
    change(&served, &sys, &body(&unbound)).refused(403, "denied");
    let mut by_one = body(&by_another);
    by_one["request"] = json!(std::fs::read_to_string(place.path("alone")).expect("a request"));
    change(&served, &sys, &by_one).refused(403, "denied");
    // What would be malformed of anybody else is not even looked at.
    change(&served, &sec, &body(&[])).refused(403, "denied");
    let proxied = |served: &Served| {
        let call = served.call("POST", PATH).on_host().token(&sys);
        call.header("x-forwarded-for", "192.0.2.7").json(&body(&[])).send()
    };
    proxied(&served).refused(403, "denied");
    // A proxy that says nothing of whom it speaks for.
    let silent = served.call("POST", PATH).token(&sys).json(&body(&[]));
    silent.send().refused(403, "denied");
    change(&served, &sys, &body(&[])).refused(400, "schema_invalid");
    let mut changed = body(&unbound);
    changed["ways"] = json!(encode(b"GVUNLOCK"));
    change(&served, &sys, &changed).refused(400, "schema_invalid");
    changed["ways"] = json!(encode(&before));
    changed["request"] = json!(request.replace("what rotate-root", "what remove-shares"));
    change(&served, &sys, &changed).refused(403, "denied");
    changed["request"] = json!(request.replace("unsealing.example", "another.example"));
    change(&served, &sys, &changed).refused(412, "version_conflict");
    assert_eq!(place.ways(), before, "nothing was changed");
    assert_eq!(UnlockFile::load(&place.path("vault/unlock")).expect("envelopes").len(), 2);

    // What is right is taken all the same.
    place.running(served.url(), &rotate.replace("$new", "$d"), KEYS[0]).ended(0);
    assert_ne!(place.ways(), before);
    assert_eq!(served.stop(), Some(0));
    assert_eq!(place.brought().len(), 1, "what was refused began nothing");
    place.verify();

    // From elsewhere, where its operator says so.
    let config = place.path("vault/config");
    let text = std::fs::read_to_string(&config).expect("a configuration");
    std::fs::write(&config, format!("unseal_from_network = true\n{text}")).expect("written");
    proxied(&place.opened()).refused(400, "schema_invalid");
}

#[test]
fn vault_that_is_killed_while_its_root_key_turns_opens_by_the_ways_in_force_and_tells_once() {
    // What lies beside the ways at each step, in the order of the steps; and a moment behind the last one.
    let steps: [fn(&Place) -> bool; 5] = [
        |place| place.path("vault/unlock.next").exists(),
        |place| place.path("vault/ceremony").exists(),
        |place| place.path("vault/unlock.old").exists(),
        |place| UnlockFile::has_former(&place.path("vault/unlock")),
        |place| !place.path("vault/ceremony").exists() && place.path("begun").exists(),
    ];
    let (place, served) = Place::open_with_keys(&BOTH);
    let (mut served, mut shares, mut turned, mut cut) = (served, "shares".to_owned(), 0, 0);
    for (step, reached) in steps.iter().enumerate() {
        let before = root_of(&place.path("vault"), PASSPHRASE).expect("it opens");
        let (request, new) = (format!("request-{step}"), format!("new-{step}"));
        place.agreed("rotate-root", &request);
        let words = format!(
            "rotate-root --passphrase-file $passphrase --shares-dir ${new} --agreed ${request}"
        );
        let url = served.url().to_owned();
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| place.running(&url, &words, KEYS[0]));
            while !reached(&place) && !asking.is_finished() {
                if place.path("vault/ceremony").exists() {
                    std::fs::write(place.path("begun"), "").expect("a file");
                }
                std::hint::spin_loop();
            }
            drop(served);
            let asked = asking.join().expect("the command ends");
            if asked.status != Some(0) {
                assert!(
                    asked.err.contains("it is not known which ways are in force"),
                    "{}",
                    asked.err
                );
                cut += 1;
            }
        });
        let _none = std::fs::remove_file(place.path("begun"));
        served = place.serve(&["--sealed"]);
        unseal(&served, PASSPHRASE).ended(0);
        let root = root_of(&place.path("vault"), PASSPHRASE).expect("it opens");
        if root.id() != before.id() {
            (shares, turned) = (new, turned + 1);
        }
        let dealt = place.root_by_shares(&place.shares_in(&shares)[..2]).expect("they open it");
        assert_eq!(dealt.id(), root.id(), "step {step}");
        place.is_whole_by(&root);
    }
    assert_eq!(served.stop(), Some(0));
    assert!(turned > 0 && cut > 0, "{turned} came in force, and {cut} were cut");
    let told = place.told(&["key.rotate", "key.passphrase", "key.split"]);
    assert_eq!(told.len(), 3 * turned, "each is told once, and what did not come in force is not");
}
