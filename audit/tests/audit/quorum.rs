//! A log under a policy: the quorum's cosignatures, their times, and what witnesses have seen of it.

use gridvault_audit::verify::{
    Class, Expectations, Finding, Head, Policy, Shelf, Summary, VerifyError, open_view, verify_log,
};
use gridvault_audit::{Log, LogReader, NoteSigner as _, keep_witnessed};

use crate::support::{Key, ORIGIN, Vault, Witness, entries, entry, key, policy, witness};

/// The second of the last entries in these logs, which is when witnesses cosign them.
const NOW: u64 = 1_790_000_000;

fn text(note: &str) -> String {
    note.split("\n\n").next().expect("a text").to_owned() + "\n"
}

/// `note` with cosignatures of these witnesses at these times.
fn cosigned(note: &str, by: &[(u8, u64)]) -> String {
    let lines = by.iter().map(|(number, time)| witness(*number).line(&text(note), *time));
    note.to_owned() + &lines.collect::<String>()
}

/// A log of 300 entries, 200 of which these witnesses cosigned, in the file beside its checkpoint.
fn vault(by: &[(u8, u64)]) -> Vault {
    let vault = Vault::with(200);
    keep_witnessed(&vault.path, ORIGIN, &cosigned(&vault.checkpoint(), by)).expect("kept");
    let mut log = Log::open(&vault.path, ORIGIN, &key().public_key()).expect("opened");
    log.append(200, &entries(200..300)).expect("appended");
    log.publish(&key()).expect("published");
    vault
}

fn verify(vault: &Vault, expected: Expectations) -> Result<Summary, VerifyError> {
    verify_log(Shelf::open(&vault.path).expect("a log"), &policy(), &expected, &mut ())
}

fn expected() -> Expectations {
    Expectations { now_seconds: Some(NOW), ..Expectations::default() }
}

fn finding(result: Result<Summary, VerifyError>) -> Finding {
    crate::support::finding(result)
}

fn view(note: &str) -> Head {
    open_view(note.as_bytes(), &policy(), Some(NOW)).expect("a view").head
}

#[test]
fn log_whose_quorum_cosigned_is_accepted_and_says_how_far() {
    let summary = verify(&vault(&[(1, NOW), (3, NOW)]), expected()).expect("accepted");
    assert_eq!(summary.head.size, 300);
    let witnessed = summary.witnessed.expect("asked for");
    assert_eq!((witnessed.head.size, witnessed.cosignatures.len()), (200, 2));
    let whole = Vault::with(300);
    whole.write("checkpoint", cosigned(&whole.checkpoint(), &[(1, NOW), (2, NOW)]));
    let summary = verify(&whole, expected()).expect("the checkpoint itself may be cosigned");
    assert_eq!(summary.witnessed.expect("asked for").head.size, 300);
}

#[test]
fn log_below_the_quorum_is_refused() {
    for by in [&[][..], &[(1, NOW)], &[(1, NOW), (1, NOW - 9)]] {
        assert_eq!(finding(verify(&vault(by), expected())).class, Class::QuorumMissing, "{by:?}");
    }
    assert_eq!(finding(verify(&Vault::with(9), expected())).class, Class::QuorumMissing);
}

#[test]
fn frozen_log_is_found_by_the_age_of_its_cosignatures() {
    let vault = vault(&[(1, NOW), (2, NOW), (3, NOW)]);
    let at = |now, age| {
        let expected = Expectations {
            now_seconds: Some(now),
            cosignature_age_seconds_max: Some(age),
            ..Expectations::default()
        };
        verify(&vault, expected)
    };
    assert!(at(NOW + 900, 900).is_ok());
    assert_eq!(finding(at(NOW + 901, 900)).class, Class::QuorumMissing);
}

#[test]
fn cosignature_older_than_what_it_covers_is_found() {
    // The last of 200 entries is of NOW and a few microseconds.
    assert!(verify(&vault(&[(1, NOW - 300), (2, NOW)]), expected()).is_ok());
    let finding = finding(verify(&vault(&[(1, NOW - 301), (2, NOW)]), expected()));
    assert_eq!((finding.class, finding.index), (Class::CosignatureTime, Some(199)));
}

#[test]
fn cosignature_from_the_future_is_found() {
    let found = finding(verify(&vault(&[(1, NOW), (2, NOW + 301)]), expected()));
    assert_eq!(found.class, Class::CosignatureTime);
}

#[test]
fn one_witness_whose_clock_is_wrong_does_not_count_where_the_others_make_the_quorum() {
    let named = |summary: Summary| {
        let given = summary.witnessed.expect("asked for").cosignatures;
        given.iter().map(|given| policy().witness(given.witness).name.clone()).collect::<Vec<_>>()
    };
    let ahead = verify(&vault(&[(1, NOW), (2, NOW), (3, NOW + 301)]), expected());
    assert_eq!(named(ahead.expect("two of three are enough")), ["w1", "w2"]);
    let behind = [(1, NOW - 301), (2, NOW), (3, NOW)];
    assert!(verify(&vault(&behind), expected()).is_ok(), "two of three are enough");
    // Nothing is enough that was not enough before.
    for by in [
        [(1, NOW), (2, NOW - 301), (3, NOW + 301)],
        [(1, NOW), (2, NOW + 301), (3, NOW + 301)],
        [(1, NOW), (2, NOW - 301), (3, NOW - 301)],
    ] {
        let found = finding(verify(&vault(&by), expected()));
        assert_eq!(found.class, Class::CosignatureTime, "{by:?}");
    }
}

#[test]
fn view_of_a_witness_whose_clock_is_ahead_is_held_against_the_log_and_counts_for_nothing_else() {
    let vault = vault(&[(1, NOW), (2, NOW)]);
    let seen = |note: &str| {
        let note = cosigned(note, &[(3, NOW + 301)]);
        open_view(note.as_bytes(), &policy(), Some(NOW)).expect("a view")
    };
    let view = seen(&Vault::with(256).checkpoint());
    assert_eq!(view.cosignatures, []);
    let expecting = |head| Expectations { views: vec![head], ..expected() };
    assert!(verify(&vault, expecting(view.head)).is_ok());
    let mut changed = entries(0..256);
    changed[42] = entry(4242);
    let other = seen(&Vault::of(&changed).checkpoint());
    assert_eq!(finding(verify(&vault, expecting(other.head))).class, Class::ViewDiffers);
}

#[test]
fn bad_cosignature_beside_a_quorum_is_found() {
    let vault = vault(&[(1, NOW), (2, NOW)]);
    let note = String::from_utf8(vault.read("witnessed")).expect("text");
    let other = witness(3).line(&text(&note).replace("\n200\n", "\n201\n"), NOW);
    vault.write("witnessed", note + &other);
    assert_eq!(finding(verify(&vault, expected())).class, Class::SignatureInvalid);
}

#[test]
fn cosigned_history_other_than_the_logs_own_is_found() {
    let vault = vault(&[(1, NOW), (2, NOW)]);
    let mut changed = entries(0..200);
    changed[42] = entry(4242);
    let other = Vault::of(&changed).checkpoint();
    vault.write("witnessed", cosigned(&other, &[(1, NOW), (2, NOW)]));
    assert_eq!(finding(verify(&vault, expected())).class, Class::HistoryRewritten);
}

#[test]
fn cosigned_checkpoint_beyond_the_logs_own_is_found() {
    let vault = vault(&[(1, NOW), (2, NOW)]);
    let longer = Vault::with(400).checkpoint();
    vault.write("witnessed", cosigned(&longer, &[(1, NOW), (2, NOW)]));
    let finding = finding(verify(&vault, expected()));
    assert_eq!((finding.class, finding.index), (Class::CheckpointStale, Some(300)));
}

#[test]
fn view_of_a_witness_that_agrees_is_accepted() {
    let vault = vault(&[(1, NOW), (2, NOW)]);
    for size in [1, 200, 256, 300] {
        let seen = view(&cosigned(&Vault::with(size).checkpoint(), &[(3, NOW)]));
        let expected = Expectations { views: vec![seen], ..expected() };
        assert!(verify(&vault, expected).is_ok(), "{size}");
    }
}

#[test]
fn branch_made_for_one_auditor_is_found_by_a_witnesses_view() {
    let vault = vault(&[(1, NOW), (2, NOW)]);
    let mut changed = entries(0..300);
    changed[250] = entry(4242);
    for size in [256usize, 300] {
        let other = Vault::of(&changed[..size]).checkpoint();
        let seen = view(&cosigned(&other, &[(3, NOW)]));
        let expected = Expectations { views: vec![seen], ..expected() };
        assert_eq!(finding(verify(&vault, expected)).class, Class::ViewDiffers, "{size}");
    }
}

#[test]
fn log_put_back_is_found_by_a_witnesses_view() {
    let vault = vault(&[(1, NOW), (2, NOW)]);
    let seen = view(&cosigned(&Vault::with(301).checkpoint(), &[(3, NOW)]));
    let expected = Expectations { views: vec![seen], ..expected() };
    let finding = finding(verify(&vault, expected));
    assert_eq!((finding.class, finding.index), (Class::CheckpointStale, Some(300)));
}

#[test]
fn origin_moved_silently_is_found_by_the_old_key() {
    let moved = "moved.example/log";
    let vault = Vault::empty();
    let mut log = Log::create(&vault.path, moved).expect("a new log");
    log.append(0, &entries(0..9)).expect("appended");
    log.publish(&Key::new(moved, 1)).expect("published");
    assert_eq!(vault.finding().class, Class::KeyUnknown, "the same key under another name");
    let seen = view(&cosigned(&Vault::with(9).checkpoint(), &[(3, NOW)]));
    let both = format!("log {}\nlog {}\nquorum none\n", key().vkey(), Key::new(moved, 2).vkey());
    let policy = Policy::parse(both.as_bytes()).expect("a policy");
    let mut log = Log::create(&vault.path.with_extension("2"), moved).expect("a new log");
    log.append(0, &entries(0..9)).expect("appended");
    log.publish(&Key::new(moved, 2)).expect("published");
    let expected = Expectations { views: vec![seen], ..Expectations::default() };
    let shelf = Shelf::open(&vault.path.with_extension("2")).expect("a log");
    let found = finding(verify_log(shelf, &policy, &expected, &mut ()));
    assert_eq!(found.class, Class::OriginDiffers);
}

#[test]
fn what_no_known_witness_cosigned_is_no_view() {
    let note = Vault::with(5).checkpoint();
    let stranger = Witness::new("witness.example/w9", 9).line(&text(&note), NOW);
    for note in [note.clone(), note + &stranger] {
        let finding = open_view(note.as_bytes(), &policy(), Some(NOW)).expect_err("refused");
        assert_eq!(finding.class, Class::QuorumMissing);
    }
}

#[test]
fn proofs_are_under_the_cosigned_checkpoint_where_it_covers_them() {
    let vault = vault(&[(1, NOW), (2, NOW)]);
    let reader = LogReader::open(&vault.path, ORIGIN).expect("a reader");
    for (index, size) in [(0, 200), (199, 200), (200, 300), (299, 300)] {
        let proof = reader.inclusion_proof(index).expect("covered");
        assert_eq!(proof.size, size, "{index}");
        let leaf = gridvault_audit::leaf_hash(&entry(index));
        let text = proof.to_text();
        let shown =
            gridvault_audit::verify::verify_proof(text.as_bytes(), &key().verifier(), &leaf);
        assert_eq!(shown.expect("holds").head.size, size);
        let quorum = gridvault_audit::verify::verify_proof_under(
            text.as_bytes(),
            &policy(),
            Some(NOW),
            &leaf,
        );
        assert_eq!(quorum.is_ok(), size == 200);
    }
}

#[test]
fn link_in_the_place_of_the_cosigned_checkpoint_is_found() {
    let vault = vault(&[(1, NOW), (2, NOW)]);
    let aside = vault.path.with_extension("aside");
    std::fs::rename(vault.file("witnessed"), &aside).expect("moved");
    std::os::unix::fs::symlink(&aside, vault.file("witnessed")).expect("linked");
    assert_eq!(finding(verify(&vault, expected())).class, Class::NotAPlainFile);
}
