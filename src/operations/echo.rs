//! What somebody wrote in the last half hour, so that it can be read back by whoever wrote it: a slip is seen while the
//! resident still stands there.
//! Never a value: record, version, purpose and field names alone, in memory; a restart forgets them, and nothing is lost.
//! Only the version that was written is read back, and from the first saying alone: what somebody else put there since is not.

use crate::access::{ActorId, Mandate, MandateKind, Scope};
use crate::ambient::Micros;
use crate::limits::{ECHO_SECONDS, ECHOES_COUNT_MAX, ECHOES_OF_ACTOR_COUNT_MAX};
use crate::operations::Saying;
use crate::records::{Handle, MandateId, RecordId};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

struct Echo {
    record: RecordId,
    version: u64,
    purpose: String,
    fields: Vec<String>,
    until: Micros,
}

#[derive(Default)]
struct Held {
    of: HashMap<ActorId, VecDeque<Echo>>,
    count: usize,
}

/// What was written lately, and by whom.
#[derive(Default)]
pub struct Echoes {
    held: Mutex<Held>,
}

impl Echoes {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a write that was done now. The oldest ones go where there are too many. Nothing is noted of what was only
    /// said again: nobody compared the fields of a repeat, and the version that a capture answers with may be somebody else's.
    #[expect(clippy::too_many_arguments, reason = "a write, whole, with whether it was one")]
    pub fn note(
        &self,
        saying: Saying,
        actor: ActorId,
        record: RecordId,
        version: u64,
        purpose: &str,
        fields: Vec<String>,
        now: Micros,
    ) {
        if saying != Saying::First {
            return;
        }
        let mut held = self.lock();
        if held.count >= ECHOES_COUNT_MAX {
            held.of.clear();
            held.count = 0;
        }
        let until = Micros(now.0.saturating_add(ECHO_SECONDS * 1_000_000));
        let echo = Echo { record, version, purpose: purpose.to_owned(), fields, until };
        let Held { of, count } = &mut *held;
        let own = of.entry(actor).or_default();
        let over = own.iter().take_while(|echo| echo.until <= now).count();
        own.drain(..over);
        *count -= over;
        if own.len() >= ECHOES_OF_ACTOR_COUNT_MAX {
            own.pop_front();
            *count -= 1;
        }
        own.push_back(echo);
        *count += 1;
    }

    /// What an actor may read back of a record at this version.
    pub(super) fn of(
        &self,
        actor: ActorId,
        record: RecordId,
        version: u64,
        handle: Handle,
        now: Micros,
    ) -> Option<Mandate> {
        let held = self.lock();
        let own = held.of.get(&actor)?;
        let echo = own
            .iter()
            .rev()
            .find(|echo| echo.record == record && echo.version == version && now < echo.until)?;
        Some(Mandate {
            id: MandateId::from_bytes([0; 16]),
            version: None,
            kind: MandateKind::Echo,
            holder: actor,
            purpose: echo.purpose.clone(),
            scope: Scope { records: vec![handle], subjects: Vec::new() },
            fields: echo.fields.clone(),
            from: Micros(i64::MIN),
            until: echo.until,
            agreed: false,
            budget: 0,
            at_counter: false,
            single_use: false,
            role: String::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTOR: ActorId = ActorId::from_bytes([1; 16]);
    const NOW: Micros = Micros(1_800_000_000_000_000);
    const HANDLE: Handle = Handle::from_bytes([3; 16]);

    fn record(number: usize) -> RecordId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        RecordId::from_bytes(bytes)
    }

    fn note(echoes: &Echoes, actor: ActorId, number: usize, now: Micros) {
        say(echoes, Saying::First, actor, number, now);
    }

    fn say(echoes: &Echoes, saying: Saying, actor: ActorId, number: usize, now: Micros) {
        echoes.note(saying, actor, record(number), 2, "p", vec!["name".to_owned()], now);
    }

    #[test]
    fn what_was_written_is_read_back_for_its_time_at_its_version_and_by_its_writer_alone() {
        let echoes = Echoes::default();
        note(&echoes, ACTOR, 1, NOW);
        let last = Micros(NOW.0 + ECHO_SECONDS * 1_000_000 - 1);
        assert!(echoes.of(ACTOR, record(1), 2, HANDLE, last).is_some());
        assert!(echoes.of(ACTOR, record(1), 2, HANDLE, Micros(last.0 + 1)).is_none());
        assert!(echoes.of(ACTOR, record(1), 3, HANDLE, NOW).is_none());
        assert!(echoes.of(ACTOR, record(2), 2, HANDLE, NOW).is_none());
        assert!(echoes.of(ActorId::from_bytes([2; 16]), record(1), 2, HANDLE, NOW).is_none());
    }

    #[test]
    fn what_is_said_again_opens_nothing_and_prolongs_nothing() {
        let echoes = Echoes::default();
        let last = Micros(NOW.0 + ECHO_SECONDS * 1_000_000 - 1);
        for saying in [Saying::Again, Saying::Captured] {
            say(&echoes, saying, ACTOR, 1, NOW);
            assert!(echoes.of(ACTOR, record(1), 2, HANDLE, NOW).is_none(), "{saying:?}");
            note(&echoes, ACTOR, 2, NOW);
            say(&echoes, saying, ACTOR, 2, last);
            let over = Micros(last.0 + 1);
            assert!(echoes.of(ACTOR, record(2), 2, HANDLE, over).is_none(), "{saying:?}");
        }
    }

    #[test]
    fn an_actor_has_so_many_and_no_more() {
        let echoes = Echoes::default();
        for number in 0..=ECHOES_OF_ACTOR_COUNT_MAX {
            note(&echoes, ACTOR, number, NOW);
        }
        assert!(echoes.of(ACTOR, record(0), 2, HANDLE, NOW).is_none());
        assert!(echoes.of(ACTOR, record(1), 2, HANDLE, NOW).is_some());
        assert_eq!(echoes.lock().count, ECHOES_OF_ACTOR_COUNT_MAX);
    }

    #[test]
    fn all_together_are_bounded() {
        let echoes = Echoes::default();
        for number in 0..=ECHOES_COUNT_MAX {
            let mut actor = [0; 16];
            actor[..8].copy_from_slice(&(number / 8).to_be_bytes());
            note(&echoes, ActorId::from_bytes(actor), number, NOW);
        }
        assert_eq!(echoes.lock().count, 1, "all but the last were let go of");
    }
}
