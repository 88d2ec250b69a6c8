//! What administrators have to say about a rotation of keys: asked for by one, agreed to by another, paused, let go on, looked at.
//! Never more than one rotation at a time, and never on one person's word. One person may let it stand still, or take it back: what
//! follows needs two again.
//! Nobody sees a key or learns more of one than how often it was replaced.

use super::turn_keys::{kept_as, kept_rotation};
use crate::access::{Access, ActorId, Code, Duty, Fact, Origin, RotationAct};
use crate::ambient::{Micros, Random};
use crate::identity::Actor;
use crate::limits::{APPROVAL_WAIT_SECONDS, STALE_ATTEMPTS_MAX};
use crate::operations::describe::{Nothing, ended};
use crate::operations::{OperationError, draw, refuse};
use crate::records::{MandateId, Owner, RecordRef, Target};
use crate::seal::{KeyUses, RotationKind, RotationRecord, RotationState, Seal};
use crate::store::{Reader, Version};
use crate::trail::{Recorded, Refused, Trail};

/// A word about a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationWord {
    /// These keys are to be replaced.
    Ask(RotationKind),
    /// The second person's word.
    Decide {
        /// About which.
        id: MandateId,
        /// Yes or no.
        yes: bool,
    },
    /// It is to stand still, or to go on.
    Pause {
        /// Which.
        id: MandateId,
        /// Whether it is to stand still.
        still: bool,
    },
    /// It is taken back, whether or not somebody agreed to it.
    Cancel {
        /// Which.
        id: MandateId,
    },
}

impl RotationWord {
    fn act(self) -> RotationAct {
        match self {
            RotationWord::Ask(_) => RotationAct::Ask,
            RotationWord::Decide { yes: true, .. } => RotationAct::Grant,
            RotationWord::Decide { yes: false, .. } => RotationAct::Refuse,
            RotationWord::Pause { still: true, .. } => RotationAct::Pause,
            RotationWord::Pause { still: false, .. } => RotationAct::Resume,
            RotationWord::Cancel { .. } => RotationAct::Cancel,
        }
    }
}

/// The one row that such a word touches.
struct OfRotation;

impl Target for OfRotation {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, owner: Owner) -> bool {
        owner == Owner::Rotation
    }
}

/// Takes a word about a rotation.
///
/// # Errors
/// `denied` without the duty, and for whoever would agree to what it asked for itself; `not_found` for another rotation than the one
/// that is kept; `version_conflict` where one is open already, or where it has come too far for this word.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn rotate_keys(
    actor: &Actor,
    word: RotationWord,
    origin: &Origin,
    now: Micros,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    random: &dyn Random,
) -> Result<(RotationRecord, Recorded), OperationError> {
    let standing = actor.standing();
    let turn_away = |code| access.refuse(Some(standing), code, origin);
    let id = match word {
        RotationWord::Ask(_) => draw::mandate_id(now, random)?,
        RotationWord::Decide { id, .. }
        | RotationWord::Pause { id, .. }
        | RotationWord::Cancel { id } => id,
    };
    for _ in 0..STALE_ATTEMPTS_MAX {
        let kept = kept_rotation(store, seal).await?;
        let (before, version) = match &kept {
            Some(kept) => (Some(&kept.record), kept.version),
            None => (None, Version::ABSENT),
        };
        let decided = access.decide_rotation(standing, word.act(), id, origin, now, OfRotation);
        let permit = match decided {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let record = match after(before, word, id, standing.actor, now) {
            Ok(record) => record,
            Err(code) => return Err(refuse(trail, turn_away(code)).await),
        };
        let mut permit = permit.stating("rotation", Fact::Code(record.kind.as_str().to_owned()));
        if let Some(step) = step_of(word, before) {
            permit = permit.stating("step", Fact::Code(step.to_owned()));
        }
        if record.asker != standing.actor {
            permit = permit.about(record.asker);
        }
        match trail.commit(permit, kept_as(&record, version, seal)?).await {
            Ok(receipt) => return Ok((record, receipt.recorded())),
            Err(Refused::Stale(_)) => {}
            Err(refused) => return Err(ended(refused, actor, origin, access, trail).await),
        }
    }
    Err(refuse(trail, turn_away(Code::Stale)).await)
}

/// What an entry calls a word that is no answer to another's, and the one that has the former key destroyed.
fn step_of(word: RotationWord, before: Option<&RotationRecord>) -> Option<&'static str> {
    match word {
        RotationWord::Decide { yes: true, .. }
            if before.is_some_and(|before| before.state == RotationState::Held) =>
        {
            Some("destroy")
        }
        RotationWord::Pause { still: true, .. } => Some("pause"),
        RotationWord::Pause { still: false, .. } => Some("resume"),
        RotationWord::Cancel { .. } => Some("cancel"),
        RotationWord::Ask(_) | RotationWord::Decide { .. } => None,
    }
}

fn asked_for(kind: RotationKind, id: MandateId, asker: ActorId, now: Micros) -> RotationRecord {
    RotationRecord {
        id,
        kind,
        state: RotationState::Asked,
        asker,
        decider: None,
        asked_at: now.0,
        until: now.0.saturating_add(APPROVAL_WAIT_SECONDS * 1_000_000),
        begun_at: None,
        ended_at: None,
        done: 0,
        overlap: None,
        drawn: None,
        sealed_anew_at: None,
        unread: 0,
    }
}

/// The rotation behind a word of somebody who has the duty.
fn after(
    before: Option<&RotationRecord>,
    word: RotationWord,
    id: MandateId,
    actor: ActorId,
    now: Micros,
) -> Result<RotationRecord, Code> {
    if let RotationWord::Ask(kind) = word {
        if before.is_some_and(|before| before.is_open(now)) {
            return Err(Code::VersionConflict);
        }
        return Ok(asked_for(kind, id, actor, now));
    }
    let before = before.filter(|before| before.id == id).ok_or(Code::NotFound)?;
    let mut record = before.clone();
    record.state = match (word, before.state) {
        (RotationWord::Decide { .. }, _) if before.asker == actor => return Err(Code::Denied),
        (RotationWord::Decide { yes, .. }, RotationState::Asked) if now.0 < before.until => {
            record.decider = Some(actor);
            if yes { RotationState::Agreed } else { RotationState::Refused }
        }
        // Never what lets a walk go on: this word is about the former key alone, and a second person's like the first one.
        (RotationWord::Decide { yes: true, .. }, RotationState::Held) => {
            record.decider = Some(actor);
            RotationState::Running
        }
        (
            RotationWord::Pause { still: true, .. },
            RotationState::Agreed | RotationState::Running,
        ) => RotationState::Paused,
        (RotationWord::Pause { still: false, .. }, RotationState::Paused) => {
            match before.begun_at {
                Some(_) => RotationState::Running,
                None => RotationState::Agreed,
            }
        }
        // Of a key that there is one of, the next one serves already: it comes to its end, and nothing is taken back. What is planned
        // of contexts may not be drawn yet.
        (RotationWord::Cancel { .. }, _)
            if before.overlap.is_some()
                && (before.kind != RotationKind::Context || before.done > 0) =>
        {
            return Err(Code::VersionConflict);
        }
        // Keys were drawn, and some are destroyed: those come to their end first.
        (RotationWord::Cancel { .. }, RotationState::Running | RotationState::Paused)
            if before.begun_at.is_some() || before.state == RotationState::Running =>
        {
            RotationState::Cancelling
        }
        (
            RotationWord::Cancel { .. },
            RotationState::Asked | RotationState::Agreed | RotationState::Paused,
        ) if before.is_open(now) => {
            record.ended_at = Some(now.0);
            RotationState::Cancelled
        }
        _ => return Err(Code::VersionConflict),
    };
    Ok(record)
}

/// How the keys are.
pub struct KeysStatus {
    /// The rotation that is open, or was last.
    pub rotation: Option<RotationRecord>,
    /// How often the key of a subject bucket was replaced, counted from one: least and most often.
    pub bucket_epochs: (u32, u32),
    /// Subject buckets that have a next key beside the present one.
    pub next_count: usize,
    /// The same of index buckets: least often, most often, and how many have a next key.
    pub index: (u32, u32, usize),
    /// How often the header key was replaced, counted from one, and the same of the next one beside it, if one is.
    pub header: (u32, Option<u32>),
    /// How often the keys that seal were used.
    pub uses: [KeyUses; 4],
}

/// Tells how the keys are.
///
/// # Errors
/// `denied` without the duty.
pub async fn keys_status(
    actor: &Actor,
    origin: &Origin,
    now: Micros,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
) -> Result<(KeysStatus, Recorded), OperationError> {
    let standing = actor.standing();
    let permit = match access.decide_duty(standing, Duty::KeysRead, origin, now, Nothing) {
        Ok(permit) => permit,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let rotation = kept_rotation(store, seal).await?.map(|kept| kept.record);
    let bucket_epochs = seal.bucket_epochs()?;
    let (least, most) = seal.index_epochs()?;
    let index = (least, most, seal.next_index_keys().count());
    let header = seal.single_epochs(RotationKind::Header)?;
    let (next_count, uses) = (seal.next_keys().count(), seal.key_uses());
    let status = KeysStatus { rotation, bucket_epochs, next_count, index, header, uses };
    match trail.append(permit).await {
        Ok(receipt) => Ok((status, receipt.recorded())),
        Err(refused) => Err(ended(refused, actor, origin, access, trail).await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKER: ActorId = ActorId::from_bytes([1; 16]);
    const SECOND: ActorId = ActorId::from_bytes([2; 16]);
    const ID: MandateId = MandateId::from_bytes([3; 16]);
    const OTHER: MandateId = MandateId::from_bytes([4; 16]);
    const NOW: Micros = Micros(1_000);

    fn record(state: RotationState) -> RotationRecord {
        let asked = after(None, RotationWord::Ask(RotationKind::Subjects), ID, ASKER, NOW);
        RotationRecord { state, ..asked.expect("there is none") }
    }

    fn said(word: RotationWord, before: RotationState) -> Result<RotationState, Code> {
        let before = record(before);
        after(Some(&before), word, ID, SECOND, NOW).map(|record| record.state)
    }

    const YES: RotationWord = RotationWord::Decide { id: ID, yes: true };
    const NO: RotationWord = RotationWord::Decide { id: ID, yes: false };
    const PAUSE: RotationWord = RotationWord::Pause { id: ID, still: true };
    const RESUME: RotationWord = RotationWord::Pause { id: ID, still: false };
    const CANCEL: RotationWord = RotationWord::Cancel { id: ID };

    #[test]
    fn every_word_in_every_state_leads_where_the_table_says() {
        use RotationState::{Agreed, Asked, Cancelled, Cancelling, Held, Paused, Refused, Running};
        for before in RotationState::ALL {
            let lead = |word: RotationWord| said(word, before).ok();
            let expected = match before {
                Asked => [Some(Agreed), Some(Refused), None, None, Some(Cancelled)],
                Agreed => [None, None, Some(Paused), None, Some(Cancelled)],
                Running => [None, None, Some(Paused), None, Some(Cancelling)],
                // What was paused before it began begins first.
                Paused => [None, None, None, Some(Agreed), Some(Cancelled)],
                Held => [Some(Running), None, None, None, None],
                _ => [None; 5],
            };
            assert_eq!([YES, NO, PAUSE, RESUME, CANCEL].map(lead), expected, "{before:?}");
            for word in [YES, NO, PAUSE, RESUME, CANCEL] {
                let refused = said(word, before).err();
                assert!(matches!(refused, None | Some(Code::VersionConflict)), "{before:?}");
            }
        }
        let begun = RotationRecord { begun_at: Some(1), ..record(Paused) };
        let record = after(Some(&begun), RESUME, ID, SECOND, NOW).expect("it goes on");
        assert_eq!(record, RotationRecord { state: Running, ..begun.clone() });
        // Nothing of it is drawn: it is over at once. Else what is drawn comes to its end first.
        let record = after(Some(&begun), CANCEL, ID, ASKER, NOW).expect("taken back");
        assert_eq!((record.state, record.ended_at), (Cancelling, None));
        let asked = self::record(Asked);
        let record = after(Some(&asked), CANCEL, ID, ASKER, NOW).expect("taken back");
        assert_eq!((record.state, record.ended_at), (Cancelled, Some(NOW.0)));
    }

    #[test]
    fn the_entry_of_the_word_that_has_the_former_key_destroyed_says_so_and_no_other_agreement_does()
    {
        for state in RotationState::ALL {
            let before = record(state);
            let expected = (state == RotationState::Held).then_some("destroy");
            assert_eq!(step_of(YES, Some(&before)), expected, "{state:?}");
            assert_eq!(step_of(NO, Some(&before)), None, "{state:?}");
            let others = [PAUSE, RESUME, CANCEL].map(|word| step_of(word, Some(&before)));
            assert_eq!(others, ["pause", "resume", "cancel"].map(Some), "{state:?}");
        }
        assert_eq!(step_of(RotationWord::Ask(RotationKind::Header), None), None);
    }

    #[test]
    fn nobody_agrees_to_what_it_asked_for_and_nobody_refuses_it() {
        let before = record(RotationState::Asked);
        for word in [YES, NO] {
            assert_eq!(after(Some(&before), word, ID, ASKER, NOW).err(), Some(Code::Denied));
        }
        let agreed = after(Some(&before), YES, ID, SECOND, NOW).expect("a second person");
        assert_eq!((agreed.asker, agreed.decider), (ASKER, Some(SECOND)));
    }

    #[test]
    fn a_word_comes_before_the_end_of_the_wait_or_too_late() {
        let before = record(RotationState::Asked);
        let last = Micros(before.until - 1);
        assert!(after(Some(&before), YES, ID, SECOND, last).is_ok());
        let late = after(Some(&before), YES, ID, SECOND, Micros(before.until));
        assert_eq!(late.err(), Some(Code::VersionConflict));
        let ask = RotationWord::Ask(RotationKind::Subjects);
        assert_eq!(
            after(Some(&before), ask, OTHER, ASKER, last).err(),
            Some(Code::VersionConflict)
        );
        assert!(after(Some(&before), ask, OTHER, ASKER, Micros(before.until)).is_ok());
    }

    #[test]
    fn there_is_one_at_a_time_and_another_ones_name_is_unknown() {
        let ask = RotationWord::Ask(RotationKind::Subjects);
        for state in RotationState::ALL {
            let before = record(state);
            use RotationState::{Cancelled, Ended, Refused};
            let free = matches!(state, Refused | Ended | Cancelled);
            assert_eq!(after(Some(&before), ask, OTHER, ASKER, NOW).is_ok(), free, "{state:?}");
            for word in [
                RotationWord::Decide { id: OTHER, yes: true },
                RotationWord::Pause { id: OTHER, still: true },
                RotationWord::Cancel { id: OTHER },
            ] {
                let unknown = after(Some(&before), word, OTHER, SECOND, NOW);
                assert_eq!(unknown.err(), Some(Code::NotFound));
            }
        }
        assert_eq!(after(None, YES, ID, SECOND, NOW).err(), Some(Code::NotFound));
    }
}
