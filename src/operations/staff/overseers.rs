//! What an administrator wants done with an officer of oversight waits for a second one who wants the same: whoever is watched sends
//! nobody away who watches.
//! Never done on the first word, which ends the officer's tokens alone: a stolen account does not wait, and who has the key logs in
//! again.
//! First words are in memory, with the version of the directory that they were said at: a restart or another change forgets one, and it
//! is said again. Both are entries.

use super::place_actor::{Moved, Placing, area_of, is_over};
use crate::access::{ActorId, Code, Fact, Permit, PlacingAct, PostAt};
use crate::ambient::Micros;
use crate::identity::{ActorRecord, ActorState, AssignmentRecord};
use crate::limits::{APPROVAL_WAIT_SECONDS, FIRST_WORDS_COUNT_MAX};
use crate::operations::OperationError;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is to become of an officer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// One of its posts ends.
    End([u8; 16]),
    /// It has another state.
    State(ActorState),
}

impl Wanted {
    fn as_str(self) -> &'static str {
        match self {
            Wanted::End(_) => "end_post",
            Wanted::State(ActorState::Active) => "active",
            Wanted::State(ActorState::Reserve) => "reserve",
            Wanted::State(ActorState::Suspended) => "suspended",
            Wanted::State(ActorState::Left) => "left",
        }
    }
}

struct FirstWord {
    by: ActorId,
    wanted: Wanted,
    /// The version of the officer's record behind the entry of the word.
    version: u64,
    until: Micros,
}

/// The first words that wait for a second, one for each officer.
#[derive(Default)]
pub struct FirstWords {
    held: Mutex<HashMap<ActorId, FirstWord>>,
}

impl FirstWords {
    fn lock(&self) -> MutexGuard<'_, HashMap<ActorId, FirstWord>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a word, in the place of one before about the same officer. Where there are too many the one that ends first goes.
    fn note(&self, about: ActorId, word: FirstWord, now: Micros) {
        let mut held = self.lock();
        held.retain(|_, word| now < word.until);
        if held.len() >= FIRST_WORDS_COUNT_MAX && !held.contains_key(&about) {
            let oldest = held.iter().min_by_key(|(_, word)| word.until.0).map(|(id, _)| *id);
            oldest.and_then(|oldest| held.remove(&oldest));
        }
        held.insert(about, word);
    }

    /// Who wanted the same, with the record as it is now.
    fn said_by(
        &self,
        about: ActorId,
        wanted: Wanted,
        version: u64,
        now: Micros,
    ) -> Option<ActorId> {
        let held = self.lock();
        let word = held.get(&about)?;
        let is_same = word.wanted == wanted && word.version == version && now < word.until;
        is_same.then_some(word.by)
    }
}

impl Placing<'_> {
    /// A post of oversight that somebody holds and that was confirmed: what it has to say is not one administrator's to end.
    pub(super) fn overseeing<'a>(&self, record: &'a ActorRecord) -> Option<&'a AssignmentRecord> {
        record.assignments.iter().find(|held| self.oversees(held))
    }

    pub(super) fn oversees(&self, held: &AssignmentRecord) -> bool {
        held.unconfirmed_by.is_none()
            && !is_over(held, self.now)
            && self.access.watches_over(&held.role)
    }

    /// Whether a record that replaces another has less of a post of oversight that counts.
    pub(super) fn takes_oversight(&self, before: &ActorRecord, after: &ActorRecord) -> bool {
        let end = |held: &AssignmentRecord| held.until.unwrap_or(i64::MAX);
        before.assignments.iter().filter(|held| self.oversees(held)).any(|held| {
            let kept = after.assignments.iter().find(|kept| kept.id == held.id);
            kept.is_none_or(|kept| end(kept) < end(held))
        })
    }

    /// The permit for what two administrators want done with an officer. `vain` says that it is so already, or cannot be any more.
    ///
    /// # Errors
    /// `approval_required` for the first word, with its entry: the officer's tokens are ended, and nothing else is done; `denied` for
    /// whoever says neither word; `version_conflict` for what is in vain.
    pub(super) async fn agreed(
        &self,
        (wanted, act): (Wanted, PlacingAct),
        posts: &[PostAt<'_>],
        overseeing: &AssignmentRecord,
        (record, version): (&ActorRecord, u64),
        vain: bool,
    ) -> Result<Permit<Moved>, OperationError> {
        let (about, standing) = (record.id, self.actor.standing());
        let first = self.words.said_by(about, wanted, version, self.now);
        let parties = first.map(|by| self.directory.accounts_of(&[by, about]));
        let second = parties.filter(|parties| !parties.contains(&standing.actor));
        if let Some(parties) = second {
            let post = PostAt { role: &overseeing.role, area: area_of(overseeing) };
            let decided = self.access.decide_second_word(
                standing,
                act,
                about,
                &parties,
                &post,
                self.origin,
                self.now,
                Moved::of(about),
            );
            let permit = self.permitted(decided).await?;
            return if vain {
                Err(self.turn_away(Code::VersionConflict).await)
            } else {
                Ok(permit)
            };
        }
        let (permit, _) = self.decide(PlacingAct::Change, about, posts).await?;
        if vain {
            return Err(self.turn_away(Code::VersionConflict).await);
        }
        let permit = permit
            .stating("asked", Fact::Code(wanted.as_str().to_owned()))
            .stating("tokens", Fact::Code("ended".to_owned()));
        let mut record = record.clone();
        record.end_tokens(self.now);
        let recorded = self.commit(permit, &record, version).await?;
        let until = Micros(self.now.0.saturating_add(APPROVAL_WAIT_SECONDS * 1_000_000));
        let word = FirstWord { by: standing.actor, wanted, version: version + 1, until };
        self.words.note(about, word, self.now);
        let (code, recorded) = (Code::ApprovalRequired, Some(recorded));
        Err(OperationError::Refused { code, problems: Vec::new(), recorded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = Micros(1_000_000);

    fn actor(number: usize) -> ActorId {
        ActorId::from_bytes((number as u128).to_be_bytes())
    }

    fn word(until: i64) -> FirstWord {
        let wanted = Wanted::State(ActorState::Suspended);
        FirstWord { by: actor(1), wanted, version: 3, until: Micros(until) }
    }

    #[test]
    fn a_word_stands_for_the_same_thing_at_the_same_version_and_for_its_time() {
        let words = FirstWords::default();
        words.note(actor(9), word(NOW.0 + 1), NOW);
        let wanted = Wanted::State(ActorState::Suspended);
        assert_eq!(words.said_by(actor(9), wanted, 3, NOW), Some(actor(1)));
        assert_eq!(words.said_by(actor(9), wanted, 3, Micros(NOW.0 + 1)), None);
        assert_eq!(words.said_by(actor(9), wanted, 4, NOW), None);
        assert_eq!(words.said_by(actor(8), wanted, 3, NOW), None);
        for other in [Wanted::State(ActorState::Left), Wanted::End([0; 16])] {
            assert_eq!(words.said_by(actor(9), other, 3, NOW), None, "{other:?}");
        }
    }

    #[test]
    fn as_many_words_wait_as_there_is_room_for_and_one_more_takes_the_place_of_the_oldest() {
        let words = FirstWords::default();
        for number in 0..=FIRST_WORDS_COUNT_MAX {
            let until = i64::try_from(number).expect("few") + NOW.0 + 1;
            words.note(actor(number), word(until), NOW);
            let expected = (number + 1).min(FIRST_WORDS_COUNT_MAX);
            assert_eq!(words.lock().len(), expected);
        }
        let wanted = Wanted::State(ActorState::Suspended);
        assert_eq!(words.said_by(actor(0), wanted, 3, NOW), None);
        assert_eq!(words.said_by(actor(1), wanted, 3, NOW), Some(actor(1)));
    }
}
