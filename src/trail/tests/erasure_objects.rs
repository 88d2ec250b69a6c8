//! Requirements on a ledger of erasures below a URL: an acknowledgement is a line that was read back, and no line goes over another.
//! Never another server than one on loopback, which does what a bad one does.
//! What is the same as in a file (tags, forms, limits of a line) is held in `erasure_ledger`.

use super::erasure_ledger::{chain, told};
use super::object_server::{Manner, ObjectServer};
use super::world::{HeldClock, NOW};
use crate::limits::{
    ERASURE_LEDGER_BYTES_MAX, ERASURE_LEDGER_LINES_COUNT_MAX, ERASURE_LEDGER_READ_COUNT,
};
use crate::trail::{ErasureLedger, LedgerError, LedgerMark, LedgerObjects, LedgerPlace};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};
use zeroize::Zeroizing;

fn place(server: &ObjectServer, token: Option<&str>) -> LedgerPlace {
    let clock = HeldClock { now: AtomicI64::new(NOW.0), monotonic: AtomicU64::new(0) };
    let token = token.map(|token| Zeroizing::new(token.to_owned()));
    let objects = LedgerObjects::new(&server.url(), token, None, Arc::new(clock));
    LedgerPlace::Objects(objects.expect("a place"))
}

fn open(server: &ObjectServer) -> Result<ErasureLedger, LedgerError> {
    ErasureLedger::open(&place(server, None), chain())
}

/// A server with a ledger in it, in which so many erasures are.
fn of(count: u8) -> (ObjectServer, ErasureLedger) {
    let server = ObjectServer::start();
    let ledger = open(&server).expect("a ledger");
    for number in 1..=count {
        ledger.tell(&told(number)).expect("taken");
    }
    (server, ledger)
}

#[track_caller]
fn assert_refused_at(server: &ObjectServer, number: u64) {
    match open(server) {
        Err(LedgerError::Line(line)) => assert_eq!(line, number),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn what_was_acknowledged_is_there_for_the_next_process_and_nothing_is_put_twice() {
    let count = 2 * u8::try_from(ERASURE_LEDGER_READ_COUNT).expect("few") + 1;
    for count in 0..=count {
        let (server, ledger) = of(count);
        let puts = server.puts();
        if count > 0 {
            ledger.tell(&told(count)).expect("it is there");
        }
        assert_eq!(server.puts(), puts);
        let again = open(&server).expect("a ledger");
        let all: Vec<_> = (1..=count).map(told).collect();
        assert_eq!(again.told(), all);
        again.tell(&told(100)).expect("taken");
        assert_eq!(server.lines().len(), usize::from(count) + 2);
        assert_eq!(server.lines()[0], "gridvault erasures 1\n");
    }
}

#[test]
fn the_lines_are_those_of_a_file_and_so_is_the_mark() {
    let (server, _ledger) = of(3);
    let room = tempfile::tempdir().expect("a directory");
    let path = room.path().join("erasures");
    let file = LedgerPlace::File(path.clone());
    let ledger = ErasureLedger::open(&file, chain()).expect("a ledger");
    (1..=3).for_each(|number| ledger.tell(&told(number)).expect("taken"));
    assert_eq!(std::fs::read_to_string(path).expect("a file"), server.lines().concat());
    let mark = |place: &LedgerPlace| ErasureLedger::unjudged_at(place).expect("a mark").0;
    let here: LedgerMark = mark(&place(&server, None));
    assert_eq!(here, mark(&file));
    ledger.tell(&told(4)).expect("taken");
    assert_eq!(ErasureLedger::since(&here, &file, chain()).expect("a ledger").told().len(), 4);
    server.take_away(3);
    let since = ErasureLedger::since(&here, &place(&server, None), chain());
    assert!(matches!(since, Err(LedgerError::PutBack)));
}

#[test]
fn a_line_is_put_behind_the_last_one_alone_so_a_place_that_lost_it_takes_nothing_more() {
    let (server, ledger) = of(2);
    server.take_away(2);
    assert!(matches!(ledger.tell(&told(3)), Err(LedgerError::Changed)));
    assert!(!ledger.has(told(3).id));
    assert_eq!(server.lines().len(), 2);
}

#[test]
fn an_answer_of_yes_about_a_line_that_is_not_kept_is_no_acknowledgement() {
    let (server, ledger) = of(1);
    server.set(Manner::Forgets);
    assert!(matches!(ledger.tell(&told(2)), Err(LedgerError::Io(_))));
    assert!(!ledger.has(told(2).id));
    server.set(Manner::Keeps);
    ledger.tell(&told(2)).expect("taken");
    assert_eq!(server.lines().len(), 3);
}

#[test]
fn a_line_of_somebody_else_is_never_written_over() {
    let (server, ledger) = of(1);
    server.put(2, "what somebody else wrote\n");
    assert!(matches!(ledger.tell(&told(2)), Err(LedgerError::Changed)));
    assert_eq!(server.lines()[2], "what somebody else wrote\n");
    assert!(!ledger.has(told(2).id));
    assert_refused_at(&server, 3);
}

#[test]
fn a_line_whose_answer_was_lost_is_the_one_that_is_there_and_the_next_goes_behind_it() {
    let (server, ledger) = of(1);
    server.set(Manner::LosesAnswers);
    assert!(matches!(ledger.tell(&told(2)), Err(LedgerError::Io(_))));
    assert!(!ledger.has(told(2).id));
    server.set(Manner::Keeps);
    // Somebody else's certificate is asked for first.
    ledger.tell(&told(3)).expect("taken");
    assert!(ledger.has(told(2).id), "it is there, as everybody can see");
    ledger.tell(&told(2)).expect("it is there");
    assert_eq!(open(&server).expect("a ledger").told(), [told(1), told(2), told(3)]);

    // And in the next process, which finds it.
    server.set(Manner::LosesAnswers);
    assert!(ledger.tell(&told(4)).is_err());
    server.set(Manner::Keeps);
    assert!(open(&server).expect("a ledger").has(told(4).id));
}

#[test]
fn what_may_come_late_is_sent_again_before_anything_else_takes_its_place() {
    let (server, ledger) = of(1);
    server.set(Manner::Answers(503));
    assert!(ledger.tell(&told(2)).is_err());
    server.set(Manner::Keeps);
    ledger.tell(&told(3)).expect("taken");
    assert_eq!(open(&server).expect("a ledger").told(), [told(1), told(2), told(3)]);
}

#[test]
fn a_place_that_does_not_answer_is_given_up_and_is_whole_afterwards() {
    let (server, ledger) = of(1);
    server.set(Manner::Hangs);
    assert!(matches!(ledger.tell(&told(2)), Err(LedgerError::Io(_))));
    drop(server);
    assert!(matches!(ledger.tell(&told(2)), Err(LedgerError::Io(_))), "nobody is there");
    assert!(!ledger.has(told(2).id));
}

#[test]
fn no_other_place_is_gone_to_and_no_other_answer_is_a_yes() {
    for manner in [
        Manner::Redirects,
        Manner::Answers(202),
        Manner::Answers(401),
        Manner::Answers(409),
        Manner::Answers(500),
    ] {
        let (server, ledger) = of(1);
        server.set(manner);
        assert!(matches!(ledger.tell(&told(2)), Err(LedgerError::Io(_))), "{manner:?}");
        assert!(matches!(open(&server), Err(LedgerError::Io(_))), "{manner:?}");
        let mark = ErasureLedger::unjudged_at(&place(&server, None));
        assert!(matches!(mark, Err(LedgerError::Io(_))), "{manner:?}");
        server.set(Manner::Keeps);
        assert_eq!(server.lines().len(), 2, "{manner:?}");
    }
}

#[test]
fn an_answer_longer_than_a_line_is_none() {
    let (server, ledger) = of(1);
    server.set(Manner::Babbles);
    assert!(matches!(ledger.tell(&told(2)), Err(LedgerError::Io(_))));
    assert!(matches!(open(&server), Err(LedgerError::Io(_))));
}

#[test]
fn a_place_that_overwrites_is_refused_at_the_start() {
    let server = ObjectServer::start();
    server.set(Manner::Overwrites);
    assert!(matches!(open(&server), Err(LedgerError::Overwrites)));
    server.set(Manner::Keeps);
    assert!(open(&server).is_ok());
    server.set(Manner::Overwrites);
    assert!(matches!(open(&server), Err(LedgerError::Overwrites)));
}

#[test]
fn a_line_that_was_changed_dropped_moved_or_put_together_is_found_where_it_is() {
    let count = u8::try_from(ERASURE_LEDGER_READ_COUNT).expect("few") + 3;
    let whole = of(count).0.lines();
    let changed = |change: &dyn Fn(&ObjectServer)| {
        let (server, _ledger) = of(count);
        assert_eq!(server.lines(), whole);
        change(&server);
        server
    };
    assert_refused_at(&changed(&|server| server.put(0, "gridvault erasures 2\n")), 1);
    assert_refused_at(&changed(&|server| server.put(2, &whole[2].replace("8801", "8802"))), 3);
    assert_refused_at(&changed(&|server| server.put(3, &whole[2])), 4);
    assert_refused_at(&changed(&|server| server.put(4, "foreign\n")), 5);
    assert_refused_at(&changed(&|server| server.put(4, whole[4].trim_end())), 5);
    assert_refused_at(&changed(&|server| server.put(4, "")), 5);
    // Two lines in the place of one are the same text, and not what was written there.
    assert_refused_at(&changed(&|server| server.put(4, &whole[4..6].concat())), 5);
    for dropped in 0..usize::from(count) {
        let refused = changed(&|server| server.take_away(dropped));
        assert_refused_at(&refused, dropped as u64 + 1);
    }
    assert!(open(&changed(&|server| server.take_away(usize::from(count)))).is_ok(), "the end");
}

#[test]
fn a_ledger_that_must_be_there_is_not_begun() {
    let server = ObjectServer::start();
    let place = place(&server, None);
    assert!(matches!(ErasureLedger::existing(&place, chain()), Err(LedgerError::Io(_))));
    assert!(matches!(ErasureLedger::unjudged_at(&place), Err(LedgerError::Io(_))));
    assert_eq!(server.puts(), 0);
}

#[test]
fn whoever_only_reads_puts_nothing() {
    let (server, _ledger) = of(2);
    let puts = server.puts();
    let place = place(&server, None);
    assert_eq!(ErasureLedger::existing(&place, chain()).expect("a ledger").told().len(), 2);
    ErasureLedger::unjudged_at(&place).expect("a mark");
    assert_eq!(server.puts(), puts);
}

#[test]
fn the_token_is_shown_with_every_request_and_nothing_without_one() {
    let server = ObjectServer::start();
    let ledger = ErasureLedger::open(&place(&server, Some("a-token")), chain()).expect("a ledger");
    ledger.tell(&told(1)).expect("taken");
    let shown = server.shown();
    assert!(!shown.is_empty());
    assert!(shown.iter().all(|token| token.as_deref() == Some("Bearer a-token")), "{shown:?}");
    let (without, _ledger) = of(1);
    assert!(without.shown().iter().all(Option::is_none));
}

#[test]
fn a_ledger_of_objects_has_as_many_bytes_as_the_limit_and_not_one_more() {
    let (server, _ledger) = of(3);
    let bytes = server.lines().concat().len() as u64;
    let within = |most| ErasureLedger::within(&place(&server, None), chain(), most);
    assert!(matches!(within(bytes - 1), Err(LedgerError::TooLarge)));
    assert!(within(bytes).is_ok());
    let shortest = server.lines()[1].len() as u64 - told(1).origin.len() as u64;
    assert!(ERASURE_LEDGER_LINES_COUNT_MAX * shortest > ERASURE_LEDGER_BYTES_MAX / 2);
}
