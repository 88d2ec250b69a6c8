//! A sender against a vault of a few lines that answers what a test says.

use super::*;
use crate::ambient::NoRandomness;
use crate::cli::import::entries::Entry;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Mutex;

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Heard {
    head: String,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        let found = self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.unwrap_or_default()
    }
}

/// Answers each request with the next answer, a connection each.
struct Fake {
    url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

/// A status and a body; a body that is to be longer than it is breaks off.
type Said = (u16, String, bool);

impl Fake {
    fn new(answers: Vec<Said>) -> Fake {
        Fake::asking_for(0, answers)
    }

    /// One that says of each answer after how many seconds to come again.
    fn asking_for(seconds: u64, answers: Vec<Said>) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        std::thread::spawn(move || {
            for ((status, body, is_whole), stream) in answers.into_iter().zip(listener.incoming()) {
                let mut stream = BufReader::new(stream.expect("a connection"));
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).expect("a line of the head");
                    if line.trim().is_empty() {
                        break;
                    }
                    let line = line.trim_end().to_owned();
                    if let Some(bytes) = line.strip_prefix("content-length: ") {
                        length = bytes.parse().expect("a length");
                    }
                    head.push_str(&line);
                    head.push('\n');
                }
                let mut bytes = vec![0; length];
                stream.read_exact(&mut bytes).expect("a body");
                let body_heard = String::from_utf8(bytes).expect("UTF-8");
                list.lock().expect("nobody panicked").push(Heard { head, body: body_heard });
                let length = if is_whole { body.len() } else { body.len() + 10 };
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\nretry-after: {seconds}\r\n\r\n{body}"
                );
                stream.get_mut().write_all(answer.as_bytes()).expect("it listens");
            }
        });
        Fake { url, heard }
    }

    fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("nobody panicked").clone()
    }
}

struct Fixed(u8);

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        bytes.fill(self.0);
        Ok(())
    }
}

fn new(url: &str, random: Fixed, run: &str) -> Sender {
    let made = Sender::new(&Connection::to(url), run, Arc::new(random));
    made.unwrap_or_else(|_| panic!("http rests on nobody"))
}

fn sender(url: &str) -> Sender {
    let mut sender = new(url, Fixed(7), "run-1");
    sender.pause_min = Duration::ZERO;
    sender
}

fn batch(numbers: &[u64]) -> Batch {
    let entry = |number: &u64| {
        let text = format!(
            r#"{{"route":"/v1/records","purpose":"p","body":{{"grid":"88","n":{number}}}}}"#
        );
        match Entry::parse(*number, text.into_bytes().into()) {
            Ok((entry, _)) => entry,
            Err(rejected) => panic!("{:?}", rejected.why),
        }
    };
    let lines = numbers.iter().map(entry).collect();
    Batch { number: None, purpose: "p".into(), holder: 0, lines }
}

fn stored(line: u32) -> String {
    format!("{{\"line\":{line},\"status\":201,\"id\":\"x\"}}\n")
}

fn refused(line: u32, status: u16, code: &str, retryable: bool) -> String {
    let problem = format!(
        r#"{{"status":{status},"code":"{code}","title":"t","retryable":{retryable},"pointers":[{{"pointer":"/x"}}]}}"#
    );
    format!("{{\"line\":{line},\"status\":{status},\"problem\":{problem}}}\n")
}

/// The lines that are stored.
fn lines(verdict: &Verdict) -> Vec<u64> {
    verdict.stored.iter().map(|(line, _)| *line).collect()
}

fn deliver(fake: &Fake, batch: &Batch) -> Verdict {
    sender(&fake.url).deliver(batch, 5, "token", &AtomicBool::new(false), &|_| ())
}

#[test]
fn a_line_is_stored_refused_or_tried_again_alone() {
    let first =
        [stored(1), refused(2, 400, "schema_invalid", false), refused(3, 503, "stale", true)]
            .concat();
    let fake = Fake::new(vec![(200, first, true), (200, stored(1), true)]);
    let verdict = deliver(&fake, &batch(&[10, 11, 12]));
    assert_eq!((lines(&verdict), &verdict.stop), (vec![10, 12], &None));
    assert_eq!(verdict.stored[1].1, serde_json::json!({"line": 12, "status": 201, "id": "x"}));
    let (place, refusal) = &verdict.refused[0];
    assert_eq!((*place, refusal.line, refusal.status), (1, 11, Some(400)));
    assert_eq!(
        (refusal.code.as_str(), &refusal.pointers[0]["pointer"]),
        ("schema_invalid", &Json::from("/x"))
    );
    let heard = fake.heard();
    assert_eq!(heard[0].body.lines().count(), 3);
    assert_eq!(
        heard[1].body.lines().collect::<Vec<_>>(),
        [heard[0].body.lines().nth(2).expect("a third")]
    );
    assert_ne!(heard[0].header("idempotency-key"), heard[1].header("idempotency-key"));
    assert_eq!(
        (heard[0].header("purpose"), heard[0].header("authorization")),
        ("p", "Bearer token")
    );
    assert_eq!(heard[0].header("content-type"), "application/x-ndjson");
    assert!(heard[0].header("idempotency-key").len() <= 64);
}

#[test]
fn an_answer_that_broke_off_is_asked_for_again_under_the_same_key() {
    let fake = Fake::new(vec![
        (200, stored(1), true),
        (200, [stored(1), stored(2)].concat(), false),
        (503, r#"{"code":"overloaded","retryable":true}"#.into(), true),
        (500, "no JSON".into(), true),
        (200, [stored(1), stored(2)].concat(), true),
    ]);
    let verdict = deliver(&fake, &batch(&[1, 2]));
    assert_eq!((lines(&verdict), verdict.stop), (vec![1, 2], None));
    let heard = fake.heard();
    assert_eq!(heard.len(), 5);
    assert!(heard.iter().all(|one| one.body == heard[0].body));
    assert!(
        heard.iter().all(|one| one.header("idempotency-key") == heard[0].header("idempotency-key"))
    );
}

#[test]
fn what_is_about_the_caller_stops_and_what_is_about_the_purpose_refuses() {
    for (status, code) in
        [(401, "token_expired"), (403, "denied"), (404, "not_found"), (422, "idempotency_mismatch")]
    {
        let fake = Fake::new(vec![(status, format!(r#"{{"code":"{code}","title":"t"}}"#), true)]);
        let verdict = deliver(&fake, &batch(&[1, 2]));
        assert!(verdict.stop.expect("it stops").contains(code));
        assert!(verdict.stored.is_empty() && verdict.refused.is_empty());
    }
    let fake = Fake::new(vec![(400, r#"{"code":"purpose_unknown","title":"t"}"#.into(), true)]);
    let verdict = deliver(&fake, &batch(&[1, 2]));
    assert!(verdict.stop.is_none() && verdict.stored.is_empty());
    assert!(
        verdict
            .refused
            .iter()
            .all(|(_, one)| one.code == "purpose_unknown" && one.status == Some(400))
    );
    assert_eq!(verdict.refused.len(), 2);
}

#[test]
fn a_token_that_ends_on_the_way_stops_with_what_was_stored() {
    let answer = [stored(1), refused(2, 401, "token_expired", false), stored(3)].concat();
    let fake = Fake::new(vec![(200, answer, true)]);
    let verdict = deliver(&fake, &batch(&[1, 2, 3]));
    assert_eq!(lines(&verdict), [1, 3]);
    assert!(verdict.refused.is_empty() && verdict.stop.is_some());
}

#[test]
fn answer_that_the_vault_ended_early_settles_what_came_and_the_rest_is_sent_under_another_key() {
    let cut = [
        stored(1),
        refused(2, 400, "schema_invalid", false),
        refused(3, 429, "rate_limited", true),
    ];
    let whole = [stored(1), stored(2), stored(3)];
    let fake = Fake::new(vec![(200, cut.concat(), true), (200, whole.concat(), true)]);
    let verdict = deliver(&fake, &batch(&[10, 11, 12, 13, 14]));
    assert_eq!((lines(&verdict), &verdict.stop), (vec![10, 12, 13, 14], &None));
    assert_eq!(verdict.refused.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [1]);
    let heard = fake.heard();
    assert!(heard[0].body.ends_with(&heard[1].body) && heard[1].body.lines().count() == 3);
    assert_ne!(heard[0].header("idempotency-key"), heard[1].header("idempotency-key"));

    let token_ended = [stored(1), refused(2, 401, "token_expired", false)].concat();
    let fake = Fake::new(vec![(200, token_ended, true)]);
    let verdict = deliver(&fake, &batch(&[1, 2, 3]));
    assert_eq!((lines(&verdict), verdict.refused.len()), (vec![1], 0));
    assert!(verdict.stop.expect("it stops").contains("token_expired"));

    // What ends with a line that is settled for good was cut off by somebody else: nothing of it is believed.
    let fake = Fake::new(vec![(200, stored(1), true), (200, whole.concat(), true)]);
    assert_eq!(lines(&deliver(&fake, &batch(&[1, 2, 3]))), [1, 2, 3]);
    assert_eq!(fake.heard()[0], fake.heard()[1]);
}

#[test]
fn lock_out_stops_at_once_with_what_was_settled_and_says_until_when() {
    let cut =
        [refused(1, 400, "schema_invalid", false), refused(2, 429, "rate_limited", true)].concat();
    let locked = r#"{"code":"rate_limited","title":"t","retryable":true}"#.to_owned();
    let fake = Fake::asking_for(1_800, vec![(200, cut, true), (429, locked.clone(), true)]);
    let verdict = deliver(&fake, &batch(&[1, 2, 3]));
    let stop = verdict.stop.expect("it stops");
    assert!(stop.contains("again in 1800 s") && stop.contains("see the quarantine"), "{stop}");
    assert_eq!((verdict.stored.len(), verdict.refused.len()), (0, 1));
    assert_eq!(fake.heard().len(), 2);

    let soon = vec![(429, locked, true), (200, stored(1), true)];
    let verdict = deliver(&Fake::asking_for(0, soon), &batch(&[1]));
    assert_eq!((lines(&verdict), verdict.stop), (vec![1], None));
}

#[test]
fn attempts_are_counted_and_those_that_get_on_begin_anew() {
    let later = || (200, refused(1, 503, "overloaded", true), true);
    let most = usize::try_from(IMPORT_ATTEMPTS_MAX).expect("few");
    let fake = Fake::new((0..most + 5).map(|_| later()).collect());
    let verdict = deliver(&fake, &batch(&[1]));
    assert!(verdict.stop.expect("it stops").contains("given up"));
    assert_eq!(fake.heard().len(), most + 1);

    let two = || {
        (
            200,
            [refused(1, 503, "overloaded", true), refused(2, 503, "overloaded", true)].concat(),
            true,
        )
    };
    let mut answers: Vec<Said> = (0..most).map(|_| two()).collect();
    answers.push((200, [stored(1), refused(2, 503, "overloaded", true)].concat(), true));
    answers.extend((0..most - 1).map(|_| later()));
    answers.push((200, stored(1), true));
    let fake = Fake::new(answers);
    let verdict = deliver(&fake, &batch(&[1, 2]));
    assert_eq!((lines(&verdict), verdict.stop), (vec![1, 2], None));
}

#[test]
fn nothing_is_sent_once_the_import_is_halted() {
    let fake = Fake::new(Vec::new());
    let verdict =
        sender(&fake.url).deliver(&batch(&[1]), 1, "token", &AtomicBool::new(true), &|_| ());
    assert!(verdict.stored.is_empty() && verdict.refused.is_empty() && verdict.stop.is_none());
}

#[test]
fn pauses_grow_to_a_limit_and_differ_between_senders() {
    let sender = |throw| new("http://127.0.0.1:1", Fixed(throw), "r");
    let (low, high) = (sender(0), sender(255));
    assert_eq!(high.pause(1, None), IMPORT_PAUSE_MIN);
    assert_eq!(high.pause(3, None), IMPORT_PAUSE_MIN * 4);
    assert_eq!(low.pause(3, None), IMPORT_PAUSE_MIN * 2);
    assert_eq!(high.pause(IMPORT_ATTEMPTS_MAX, None), IMPORT_PAUSE_MAX);
    assert_eq!(low.pause(1, Some(Duration::from_secs(3))), Duration::from_secs(3));
    assert_eq!(low.pause(1, Some(Duration::from_secs(3_600))), IMPORT_PAUSE_MAX);
}

#[test]
fn a_line_of_a_run_has_one_capture_id_for_ever() {
    let id = capture_id("run-1", 7);
    assert_eq!(id, capture_id("run-1", 7));
    assert!(id != capture_id("run-1", 8) && id != capture_id("run-2", 7));
    let parsed = uuid::Uuid::parse_str(&id).expect("a UUID");
    assert_eq!((parsed.get_version_num(), id.len()), (8, 36));
}
