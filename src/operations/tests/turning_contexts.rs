//! Requirements on a rotation of context keys: another one seals, what was sealed before opens on, and no month loses a context.
//! Never near the turn of a month, and never twice for one month.
//! Steps are taken by hand and time is given.

use super::erasing::world_under;
use super::ring::Ring;
use super::setting::actor_record;
use super::world::*;
use crate::access::ActorId;
use crate::ambient::Micros;
use crate::identity::NewActor;
use crate::operations::{RotationWord, Turned, Turning, rotate_keys};
use crate::seal::{RotationKind, RotationRecord, RotationState};
use gridvault_keys::{KeyError, Keyring, Month};
use std::sync::Arc;

const ADMIN: ActorId = ActorId::from_bytes([0x21; 16]);
const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

fn month_at(at: Micros) -> Month {
    let (year, month) = at.year_month();
    Month::from_year_month(year, month).expect("a month")
}

/// The first moment of the month after this one's.
fn turn_of_the_month() -> Micros {
    let hours = (1..24 * 32).map(|hours| Micros((NOW.0 / DAY) * DAY + hours * HOUR));
    let mut next = hours.filter(|at| at.year_month() != NOW.year_month());
    next.next().expect("a month has an end")
}

struct Turns {
    ring: Ring,
    world: World,
    keyring: Arc<Keyring>,
    turning: Turning,
    /// Sealed in this month and in the next one before anything began.
    old: [Vec<u8>; 2],
}

impl Turns {
    fn begun() -> Turns {
        let (ring, keyring) = Ring::new();
        let world = world_under(keyring.clone());
        let record = actor_record(ADMIN, "system_admin", None);
        world.announce(world.identity.directory().addition(&NewActor { record }).expect("one"));
        let old = [NOW, turn_of_the_month()].map(|at| sealed(&keyring, at));
        let turns = Turns { ring, world, keyring, turning: Turning::default(), old };
        turns.ask();
        turns
    }

    fn ask(&self) {
        let id = self.say(ADMIN, RotationWord::Ask(RotationKind::Context)).id;
        self.say(SECURITY, RotationWord::Decide { id, yes: true });
    }

    fn say(&self, who: ActorId, word: RotationWord) -> RotationRecord {
        let World { origin, reader, seal, access, trail, random, .. } = &self.world;
        let actor = self.world.actor(who);
        let said = rotate_keys(&actor, word, origin, NOW, reader, seal, access, trail, &**random);
        done(wait(said)).expect("a word that counts").0
    }

    fn step_at(&mut self, now: Micros) -> Turned {
        let World { reader, seal, identity, trail, .. } = &self.world;
        wait(self.turning.step(now, reader, seal, identity, trail)).expect("a step")
    }

    fn until_nothing_is_left_at(&mut self, now: Micros) -> (RotationRecord, bool) {
        for _ in 0..10 {
            let Turned { record, worked, waits } = self.step_at(now);
            if !worked {
                return (record.expect("one is kept"), waits);
            }
        }
        panic!("it comes to no end");
    }

    fn crash(mut self) -> Turns {
        self.keyring = self.ring.opened();
        self.world = self.world.after_crash(self.keyring.clone());
        self.turning = Turning::default();
        self
    }

    fn epochs_at(&self, at: Micros) -> (u32, u32) {
        let epochs = self.keyring.context_epochs(month_at(at)).expect("held");
        assert_eq!(self.ring.opened().context_epochs(month_at(at)).expect("held"), epochs);
        epochs
    }
}

fn sealed(keyring: &Keyring, at: Micros) -> Vec<u8> {
    keyring.seal_context(month_at(at), &[1; 16], b"entry", b"reason").expect("sealed")
}

fn opens(keyring: &Keyring, sealed: &[u8]) -> bool {
    keyring.open_context(&[1; 16], b"entry", sealed).is_ok()
}

#[test]
fn another_key_seals_what_was_sealed_before_opens_and_later_months_begin_with_others() {
    let mut turns = Turns::begun();
    let (record, waits) = turns.until_nothing_is_left_at(NOW);
    assert_eq!((record.state, record.done, waits), (RotationState::Ended, 1, false));
    let next_month = turn_of_the_month();
    assert_eq!((turns.epochs_at(NOW), turns.epochs_at(next_month)), ((1, 2), (2, 2)));
    let [this, next] = turns.old.clone();
    for keyring in [&*turns.keyring, &turns.ring.opened()] {
        assert!(opens(keyring, &this) && opens(keyring, &sealed(keyring, NOW)));
        assert!(!opens(keyring, &next), "nothing was sealed there");
        assert_ne!(sealed(keyring, NOW)[3..11], this[3..11], "the key's id says which");
    }
    // The former goes with its month.
    turns.keyring.destroy_months_before(month_at(next_month)).expect("destroyed");
    for keyring in [&*turns.keyring, &turns.ring.opened()] {
        assert!(!opens(keyring, &this));
        let refused = keyring.context_epochs(month_at(NOW));
        assert!(matches!(refused, Err(KeyError::MonthNotHeld)));
        assert!(opens(keyring, &sealed(keyring, next_month)));
    }
    let (_, number) = NOW.year_month();
    let log = turns.world.log_at_its_end();
    let said = format!("-{number:02}\",\"rotation\":\"context\",\"step\":\"overlap\"}}");
    assert_eq!(log.matches(&said).count(), 1);
}

#[test]
fn at_whichever_step_the_process_ends_the_next_one_goes_on_and_one_key_is_drawn() {
    // Agreed, begun, planned, drawn, said.
    for steps in 0..=4 {
        let mut turns = Turns::begun();
        for _ in 0..steps {
            assert!(turns.step_at(NOW).worked);
        }
        let mut turns = turns.crash();
        let (record, _) = turns.until_nothing_is_left_at(NOW);
        assert_eq!(record.state, RotationState::Ended, "{steps}");
        assert_eq!(turns.epochs_at(NOW), (1, 2), "{steps}");
        assert!(opens(&turns.keyring, &turns.old[0]), "{steps}");
    }
}

#[test]
fn nothing_is_drawn_near_the_turn_of_a_month_nor_twice_in_one() {
    let turn = turn_of_the_month();
    let mut turns = Turns::begun();
    for near in [turn.0 - HOUR, turn.0 - 1, turn.0, turn.0 + HOUR - 1] {
        let (record, waits) = turns.until_nothing_is_left_at(Micros(near));
        assert!(waits && record.overlap.is_none(), "{near}");
    }
    // Planned in one month, and the next one has come.
    turns.step_at(Micros(turn.0 - HOUR - 1));
    assert_eq!(turns.epochs_at(turn), (1, 1));
    let (record, _) = turns.until_nothing_is_left_at(Micros(turn.0 + HOUR));
    assert_eq!(record.state, RotationState::Ended);
    assert_eq!((turns.epochs_at(NOW), turns.epochs_at(turn)), ((1, 1), (1, 2)));
    assert!(turns.old.iter().all(|old| opens(&turns.keyring, old)));
    turns.ask();
    let (record, waits) = turns.until_nothing_is_left_at(Micros(turn.0 + DAY));
    assert!(waits && record.state == RotationState::Running, "the next month is awaited");
    let (record, _) = turns.until_nothing_is_left_at(Micros(turn.0 + 32 * DAY));
    assert_eq!(record.state, RotationState::Ended);
}

#[test]
fn ring_that_cannot_be_written_stops_it_and_the_next_process_goes_on() {
    let mut turns = Turns::begun();
    for _ in 0..2 {
        assert!(turns.step_at(NOW).worked);
    }
    turns.ring.break_it();
    let World { reader, seal, identity, trail, .. } = &turns.world;
    assert!(wait(turns.turning.step(NOW, reader, seal, identity, trail)).is_err());
    assert!(opens(&turns.keyring, &sealed(&turns.keyring, NOW)));
    turns.ring.mend();
    let mut turns = turns.crash();
    let (record, _) = turns.until_nothing_is_left_at(NOW);
    assert_eq!((record.state, turns.epochs_at(NOW)), (RotationState::Ended, (1, 2)));
}
