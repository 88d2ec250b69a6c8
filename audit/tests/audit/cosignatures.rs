//! What witnesses say of a checkpoint: who counts, who counts once, and what refuses the whole note.

use gridvault_audit::verify::{Class, Cosigned, Policy, open_checkpoint, verify_proof_under};
use gridvault_audit::{LogReader, NoteSigner as _, leaf_hash};

use crate::support::{Key, ORIGIN, Vault, Witness, entry, key, line, policy, witness};

const ROOT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// When the cosignatures of these tests are given.
const NOW: u64 = 1_790_000_000;

fn text() -> String {
    format!("{ORIGIN}\n7\n{ROOT}\n")
}

/// Opens the note of [`text`] with these lines under the log's own.
fn open(lines: &[String]) -> Result<Cosigned, Class> {
    let note = format!("{}{}", key().note(&text()), lines.concat());
    open_checkpoint(note.as_bytes(), &policy(), Some(NOW)).map_err(|finding| finding.class)
}

fn meets(lines: &[String]) -> bool {
    policy().is_met_by(&open(lines).expect("opens").cosignatures)
}

/// Made with the Python package aics-tlog 0.2.1, keys from the seeds 0x11 and 0x22.
#[test]
fn cosigned_checkpoint_of_another_implementation_is_accepted() {
    let note = "log.example/city\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n\
        \u{2014} log.example/city gmPzrJhYwfDO1Fk8LCVnT2XBQEyhqqOlruJFb0hVGRaLk3PMls56MH//cAkKnEEqIlEUBcoURj9ijQsqPvWcIxv+JQE=\n\
        \u{2014} witness.example/w1 4M0oZAAAAABqsTuA2KDms2cxeAiHDj0GEFEp5+2A95OrssBSbcyJgxqeEnzjfRYsLJC798/V/NlqcNQPCXQojkaPEtugCETPDvDWBg==\n";
    let policy = "log log.example/city+8263f3ac+AdBKsjJ0K7SrOhNovUYV5ObQIkq3GgFrr4UgozLJd4c3\n\
        witness w1 witness.example/w1+e0cd2864+BKCapfR6Z1mAL/lV+NwtKhSlyZ0jvpf4ZBJ/+Tg0VaTw\nquorum w1\n";
    let policy = Policy::parse(policy.as_bytes()).expect("a policy");
    let cosigned = open_checkpoint(note.as_bytes(), &policy, Some(NOW)).expect("accepted");
    assert_eq!(cosigned.head.size, 8);
    assert_eq!(cosigned.cosignatures[0].time_seconds, 1_790_000_000);
    assert!(policy.is_met_by(&cosigned.cosignatures));
    assert_eq!(Witness::new("witness.example/w1", 0x22).vkey(), policy_key());
}

fn policy_key() -> &'static str {
    "witness.example/w1+e0cd2864+BKCapfR6Z1mAL/lV+NwtKhSlyZ0jvpf4ZBJ/+Tg0VaTw"
}

#[test]
fn quorum_is_made_by_enough_witnesses() {
    let lines: Vec<_> = (1..=3).map(|number| witness(number).line(&text(), NOW)).collect();
    assert!(!meets(&[]));
    assert!(!meets(&lines[..1]));
    assert!(meets(&lines[..2]));
    assert!(meets(&lines[1..]));
    assert!(meets(&lines));
}

#[test]
fn one_witness_is_counted_once() {
    let twice = [witness(1).line(&text(), NOW - 60), witness(1).line(&text(), NOW)];
    let cosigned = open(&twice).expect("opens");
    assert_eq!(cosigned.cosignatures.len(), 1);
    assert_eq!(cosigned.cosignatures[0].time_seconds, NOW, "the newest stands");
    assert!(!meets(&twice));
}

#[test]
fn witness_that_the_policy_does_not_name_is_not_counted() {
    let other = Witness::new("witness.example/w9", 9);
    let same_name = Witness::new("witness.example/w2", 9);
    let lines = [other.line(&text(), NOW), same_name.line(&text(), NOW)];
    assert_eq!(open(&lines).expect("opens").cosignatures, []);
    assert!(!meets(&[&lines[..], &[witness(1).line(&text(), NOW)]].concat()));
}

#[test]
fn cosignature_for_another_origin_size_or_root_refuses_the_note() {
    for other in [
        text().replace(ORIGIN, "other.example/log"),
        text().replace("\n7\n", "\n8\n"),
        text().replace("AAA=", "AAE="),
    ] {
        assert_eq!(open(&[witness(1).line(&other, NOW)]), Err(Class::SignatureInvalid), "{other}");
    }
}

#[test]
fn cosignature_whose_time_was_changed_refuses_the_note() {
    let good = witness(1).line(&text(), NOW);
    let mut payload = base64_of(&good);
    payload[4 + 7] ^= 1;
    let changed = line("witness.example/w1", witness(1).id(), &payload[4..]);
    assert_eq!(open(&[changed]), Err(Class::SignatureInvalid));
}

fn base64_of(line: &str) -> Vec<u8> {
    use base64::Engine as _;
    let encoded = line.trim_end().rsplit(' ').next().expect("a payload");
    base64::engine::general_purpose::STANDARD.decode(encoded).expect("base64")
}

#[test]
fn cosignature_from_the_future_refuses_the_note() {
    let at = |time| open(&[witness(1).line(&text(), time)]).map(drop);
    assert_eq!(at(NOW + 300), Ok(()));
    assert_eq!(at(NOW + 301), Err(Class::CosignatureTime));
    assert_eq!(at(i64::MAX as u64 + 1), Err(Class::CosignatureTime));
    let note = key().note(&text()) + &witness(1).line(&text(), i64::MAX as u64 + 1);
    let unclocked = open_checkpoint(note.as_bytes(), &policy(), None);
    assert_eq!(unclocked.expect_err("no such time").class, Class::CosignatureTime);
}

#[test]
fn bad_cosignature_by_a_known_witness_refuses_the_note_beside_good_ones() {
    let good = [witness(1).line(&text(), NOW), witness(2).line(&text(), NOW)];
    for signature in [vec![1; 72], vec![1; 71], vec![1; 73], vec![1; 7], vec![1; 64]] {
        let bad = line("witness.example/w3", witness(3).id(), &signature);
        assert_eq!(open(&[&good[..], &[bad]].concat()), Err(Class::SignatureInvalid));
    }
}

#[test]
fn plain_signature_by_a_witness_is_no_cosignature() {
    // The same key, name and text under the type of a plain signature: another key id, so another key.
    let plain = Key::new("witness.example/w1", 101).line(&text());
    assert_eq!(open(&[plain]).expect("opens").cosignatures, []);
    // And the plain signature's bytes behind a time, under the cosigner's id.
    let bytes = Key::new("witness.example/w1", 101).sign(text().as_bytes());
    let forged =
        line("witness.example/w1", witness(1).id(), &[&NOW.to_be_bytes()[..], &bytes].concat());
    assert_eq!(open(&[forged]), Err(Class::SignatureInvalid));
}

#[test]
fn cosignatures_do_not_stand_for_the_logs_own_signature() {
    let lines: String = (1..=3).map(|number| witness(number).line(&text(), NOW)).collect();
    let note = format!("{}\n{lines}", text());
    let finding = open_checkpoint(note.as_bytes(), &policy(), Some(NOW)).expect_err("refused");
    assert_eq!(finding.class, Class::KeyUnknown);
}

#[test]
fn log_signs_for_its_own_origin_alone() {
    let other = Key::new("other.example/log", 2);
    let file = format!("log {}\nlog {}\nquorum none\n", key().vkey(), other.vkey());
    let policy = Policy::parse(file.as_bytes()).expect("a policy");
    let finding = open_checkpoint(other.note(&text()).as_bytes(), &policy, None);
    assert_eq!(finding.expect_err("refused").class, Class::OriginDiffers);
    let both = key().note(&text()) + &other.line(&text());
    assert!(open_checkpoint(both.as_bytes(), &policy, None).is_ok());
}

#[test]
fn proof_file_needs_the_quorum() {
    let vault = Vault::with(300);
    let proof =
        LogReader::open(&vault.path, ORIGIN).expect("a reader").proof_file(5).expect("covered");
    let signed = vault.checkpoint();
    let text = signed.split("\n\n").next().expect("a text").to_owned() + "\n";
    let check = |file: &str| {
        verify_proof_under(file.as_bytes(), &policy(), Some(NOW), &leaf_hash(&entry(5)))
    };
    assert_eq!(check(&proof).expect_err("no witness").class, Class::QuorumMissing);
    let once = proof.clone() + &witness(1).line(&text, NOW);
    assert_eq!(check(&once).expect_err("one witness").class, Class::QuorumMissing);
    let shown = check(&(once + &witness(3).line(&text, NOW))).expect("two witnesses");
    let names: Vec<_> = shown
        .cosignatures
        .iter()
        .map(|given| policy().witness(given.witness).name.clone())
        .collect();
    assert_eq!(names, ["w1", "w3"]);
}
