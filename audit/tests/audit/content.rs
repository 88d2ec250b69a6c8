//! Entries that the real key signed and that the format does not allow.

use gridvault_audit::constants::{Kind, MEMBERS};
use gridvault_audit::verify::Class;

use gridvault_audit::{Event, Outcome, Scalar};

use crate::support::{Vault, draft, encode, entries, entry};

/// A log whose entry 300 is `changed`, signed like any other.
fn expect(changed: Vec<u8>, class: Class) {
    let mut all = entries(0..400);
    all[300] = changed;
    let finding = Vault::of(&all).finding();
    assert_eq!((finding.class, finding.index), (class, Some(300)), "{finding:?}");
}

fn replaced(from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(entry(300)).expect("entries are UTF-8");
    assert!(text.contains(from));
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn sequence_number_other_than_the_index_is_found() {
    expect(encode(&draft(300), 301), Class::SequenceBroken);
}

#[test]
fn time_that_goes_backwards_is_found() {
    let earlier = draft(300).encode(300, 1_790_000_000_000_000, 300).expect("fits");
    expect(earlier, Class::TimeBackwards);
    let earlier = draft(300).encode(300, 1_790_000_000_000_300, 0).expect("fits");
    expect(earlier, Class::TimeBackwards);
}

#[test]
fn unknown_event_is_found() {
    expect(replaced("\"act\":\"read\"", "\"act\":\"reed\""), Class::UnknownEvent);
    expect(replaced("\"ev\":\"data\"", "\"ev\":\"sys\""), Class::UnknownEvent);
}

#[test]
fn unknown_version_is_found() {
    expect(replaced("\"v\":1", "\"v\":2"), Class::VersionUnknown);
}

#[test]
fn policy_that_was_never_put_in_force_is_found() {
    expect(replaced("\"pol\":1", "\"pol\":2"), Class::PolicyUnknown);
}

#[test]
fn success_that_says_that_it_was_denied_is_found() {
    let changed = |change: fn(&mut gridvault_audit::Draft<'static>)| {
        let mut draft = draft(300);
        draft.role = Some("grid_worker".into());
        draft.rule = Some("grid_worker/3".into());
        change(&mut draft);
        encode(&draft, 300)
    };
    let mut all = entries(0..400);
    all[300] = changed(|_| {});
    Vault::of(&all).verify().expect("an entry of its own rule is accepted");
    all[300] = changed(|draft| {
        draft.outcome = Outcome::Denied;
        (draft.why, draft.view) = (Some("denied".into()), Vec::new());
    });
    Vault::of(&all).verify().expect("a refusal that says why is accepted");
    let class = Class::OutcomeContradicted;
    // A read whose reason says that it was denied, or whose rule is another role's.
    expect(changed(|draft| draft.why = Some("denied".into())), class);
    expect(changed(|draft| draft.rule = Some("mediator/3".into())), class);
    expect(changed(|draft| draft.role = None), class);
    expect(changed(|draft| draft.event = Event::AccessDenied), class);
    expect(changed(|draft| draft.event = Event::AuthFailed), class);
    // A refusal that gave something out, stored something, or does not say why.
    expect(changed(|draft| (draft.outcome, draft.view) = (Outcome::Denied, Vec::new())), class);
    expect(
        changed(|draft| (draft.outcome, draft.why) = (Outcome::Denied, Some("denied".into()))),
        class,
    );
    expect(
        changed(|draft| {
            (draft.outcome, draft.why) = (Outcome::Denied, Some("denied".into()));
            (draft.view, draft.dig) = (Vec::new(), Some([1; 32]));
        }),
        class,
    );
}

#[test]
fn entry_that_is_not_canonical_is_found() {
    expect(replaced("\"seq\":300", "\"seq\": 300"), Class::EntryMalformed);
    expect(replaced("\"seq\":300", "\"seq\":3e2"), Class::EntryMalformed);
    expect(b"not JSON".to_vec(), Class::EntryMalformed);
    expect(Vec::from([0xff]), Class::EntryMalformed);
}

#[test]
fn everything_that_the_writer_can_write_is_accepted() {
    let outcomes = [Outcome::Success, Outcome::Denied, Outcome::Error, Outcome::Aborted];
    let mut all = entries(0..2);
    for (index, event) in (2..).zip(Event::ALL) {
        let mut full = draft(index);
        full.event = *event;
        full.outcome = outcomes[index as usize % 4];
        if matches!(event, Event::AccessDenied | Event::AuthFailed) {
            full.outcome = Outcome::Denied;
        }
        let (succeeded, denied) =
            (full.outcome == Outcome::Success, full.outcome == Outcome::Denied);
        if denied {
            full.view = Vec::new();
        }
        full.why = (!succeeded).then(|| "a \"quoted\" \\ code, \u{7f51}\u{683c}\n\u{1}".into());
        full.via = Some([0xff; 16]);
        full.aal = Some(u8::MAX);
        full.sess = Some([0xfe; 16]);
        full.role = Some("".into());
        full.scope = Some("110101".into());
        full.rec = vec![[1; 16]; 256];
        full.sub = vec![[2; 16]];
        full.n = Some(u64::MAX);
        full.grid = Some("110101001".into());
        full.asg = Some([3; 16]);
        full.apr = Some([4; 16]);
        full.task = Some([5; 16]);
        full.typ = Some("person".into());
        full.ver = Some((0, u64::MAX));
        full.dig = (!denied).then_some([0xfd; 32]);
        full.pur = Some("visit".into());
        full.basis = Some("duty".into());
        full.case = Some([6; 16]);
        full.rule = Some("r7".into());
        // Lengths of every remainder modulo 3, and none at all.
        full.ctx = Some(vec![0xfb; index as usize % 5]);
        full.detail.insert("build", Scalar::Bytes32([0xfc; 32]));
        full.detail.insert("count_2", Scalar::U64(0));
        full.detail.insert("origin", Scalar::Str("old.example/log".into()));
        all.push(encode(&full, index));
    }
    let vault = Vault::of(&all);
    assert_eq!(vault.verify().expect("accepted").head.size, all.len() as u64);
}

#[test]
fn format_document_lists_every_member_and_event() {
    let document = include_str!("../../FORMAT.md");
    let stated = |name: &str, word: &str| {
        document
            .lines()
            .any(|line| line.starts_with(&format!("| `{name}` |")) && line.contains(word))
    };
    for (member, kind) in MEMBERS {
        let word = match kind {
            Kind::Texts => "| list of text |".to_owned(),
            Kind::Ids => "| list of id |".to_owned(),
            Kind::Pair => "| list of two numbers |".to_owned(),
            Kind::Detail => "| object |".to_owned(),
            other => format!("| {} |", format!("{other:?}").to_lowercase()),
        };
        assert!(stated(member, &word), "{member}: {word}");
    }
    for event in Event::ALL {
        assert!(stated(event.family(), &format!("`{}`", event.action())), "{event:?}");
    }
}
