//! Mandates as they are kept: a task, an approval, an emergency, sealed like the attributes of a record.
//! Never a resident's value: a mandate names records, people and fields by their ids, and they are sealed all the same.
//! What is kept says everything that happened to it; what a decision sees of it is only what is open.

use super::nature::{Emergency, Erasing, Nature, Restraining};
use super::{Seal, SealError};
use crate::access::{ActorId, Hour, Mandate, MandateKind, Scope};
use crate::ambient::Micros;
use crate::records::{Handle, MandateId, RecordId, SubjectId};
use crate::store::{Key, Stored, Version};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$one:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$one])* $variant,)+ }

        impl $name {
            /// All.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// The word of the interface.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(word: &str) -> Result<$name, ()> {
                $name::ALL.iter().copied().find(|one| one.as_str() == word).ok_or(())
            }
        }
    };
}

words! {
    /// What there is to do. Neutral words: none of them says what is known of anybody.
    TaskKind {
        /// Somebody is visited.
        Visit => "visit",
        /// Something that is held is looked up again and put right.
        Verification => "verification",
        /// Somebody who is present at the counter is served.
        CounterService => "counter_service",
        /// Something is done for somebody who asked for it.
        AgentService => "agent_service",
        /// A step of an event.
        EventStep => "event_step",
        /// People are brought to safety.
        Evacuation => "evacuation",
        /// A dispute is mediated.
        Mediation => "mediation",
    }
}

words! {
    /// How far a mandate is.
    MandateState {
        /// A second person is asked, and has not said anything yet.
        Asked => "asked",
        /// Given, and not taken yet.
        Offered => "offered",
        /// Taken, or agreed to: what it opens is open.
        Open => "open",
        /// Given back by its holder, or refused by whoever decides.
        Returned => "returned",
        /// Done.
        Closed => "closed",
    }
}

/// A mandate as it is kept. The order of its members is the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MandateRecord {
    /// What there is to do; nothing for an approval or an emergency.
    pub task: Option<TaskKind>,
    /// Whether it is an emergency.
    pub emergency: bool,
    /// How far it is.
    pub state: MandateState,
    /// Who may use it.
    pub holder: ActorId,
    /// Who gave it; nothing where its holder asked for it.
    pub giver: Option<ActorId>,
    /// The second person who agreed, where one did.
    pub decider: Option<ActorId>,
    /// For which purpose.
    pub purpose: String,
    /// Which fields.
    pub fields: Vec<String>,
    /// Which records.
    pub records: Vec<(RecordId, [u8; 16])>,
    /// Which people.
    pub subjects: Vec<(SubjectId, [u8; 16])>,
    /// First moment, in microseconds since the epoch.
    pub from: i64,
    /// First moment no more.
    pub until: i64,
    /// How many distinct records it opens.
    pub budget: u32,
    /// Whether it serves once.
    pub single_use: bool,
    /// The role under which it is used.
    pub role: String,
    /// Where those look who may agree to it; nothing where nobody is asked.
    pub waits_at: Option<[u8; 16]>,
    /// How long it is open from the second person's word on; nothing where its end is fixed.
    pub seconds: u32,
    /// For a delegation: the post of the holder whose window it is, and the grid.
    pub window: Option<([u8; 16], String)>,
    /// Number of the document behind an official request (Data Security Law 35).
    pub document: Option<String>,
    /// What it is beyond that; nothing for a task, a look at a record and a delegation. Its bytes follow those of the others.
    #[serde(skip)]
    pub nature: Option<Nature>,
}

/// Leads the bytes of a kept mandate without a nature of its own.
const FORMAT: u8 = 1;
/// Leads the bytes of one that has one.
const FORMAT_NATURE: u8 = 2;
/// The hour under which an emergency is listed until somebody reviewed it: it is never over by itself.
pub const UNREVIEWED: u32 = u32::MAX;

impl MandateRecord {
    /// One that names nothing yet and ends as it begins: whoever makes it says the rest.
    pub fn blank(state: MandateState, holder: ActorId, from: Micros) -> MandateRecord {
        MandateRecord {
            task: None,
            emergency: false,
            state,
            holder,
            giver: None,
            decider: None,
            purpose: String::new(),
            fields: Vec::new(),
            records: Vec::new(),
            subjects: Vec::new(),
            from: from.0,
            until: from.0,
            budget: 0,
            single_use: false,
            role: String::new(),
            waits_at: None,
            seconds: 0,
            window: None,
            document: None,
            nature: None,
        }
    }

    /// What a decision sees of it: nothing unless it is open.
    pub fn mandate(&self, id: MandateId, version: Version) -> Option<Mandate> {
        // A delegation opens a window of a post; an erasure and a restraint nothing: none opens a field by itself.
        let closed = matches!(self.nature, Some(Nature::Erasing(_) | Nature::Restraining(_)));
        let opens = self.window.is_none() && !closed;
        if self.state != MandateState::Open || !opens {
            return None;
        }
        let sorted = |handles: Vec<[u8; 16]>| {
            let mut handles: Vec<Handle> = handles.into_iter().map(Handle::from_bytes).collect();
            handles.sort_unstable();
            handles
        };
        let kind = match (&self.nature, self.task, self.emergency) {
            (Some(Nature::Official(_)), ..) => MandateKind::Official,
            (Some(Nature::Raise(raise)), ..) => {
                MandateKind::Raise { kind: raise.kind, people: raise.people }
            }
            (_, Some(_), _) => MandateKind::Task,
            (_, None, true) => MandateKind::Emergency,
            (_, None, false) => MandateKind::Approval,
        };
        Some(Mandate {
            id,
            version: Some(version.0),
            kind,
            holder: self.holder,
            purpose: self.purpose.clone(),
            scope: Scope {
                records: sorted(self.records.iter().map(|(_, handle)| *handle).collect()),
                subjects: sorted(self.subjects.iter().map(|(_, handle)| *handle).collect()),
            },
            fields: self.fields.clone(),
            from: Micros(self.from),
            until: Micros(self.until),
            agreed: self.decider.is_some(),
            budget: self.budget,
            // A task of this kind that somebody gave began without anybody present.
            at_counter: self.task == Some(TaskKind::CounterService) && self.giver.is_none(),
            single_use: self.single_use,
            role: self.role.clone(),
        })
    }

    /// Where it is listed: under whoever has a part in it, and as long as it waits where those look who may agree to it.
    /// Nowhere once it is given back or done; but an emergency until it was reviewed, under its holder and where those look
    /// who are told.
    /// What is due to a resident is listed by the area of the desk too, until it is done.
    pub fn listings(&self, id: MandateId) -> Vec<Key> {
        let due = self.due_in().map(|area| Key::duty(&area, id));
        self.places(id).into_iter().chain(due).collect()
    }

    fn places(&self, id: MandateId) -> Vec<Key> {
        if let Some(emergency) = self.opened_emergency() {
            let places = emergency.places.iter().copied().filter(|_| emergency.review.is_none());
            let holder = Some(*self.holder.as_bytes()).filter(|_| emergency.review.is_none());
            let listing = |place: [u8; 16]| Key::mandate_listing(&place, UNREVIEWED, id);
            return holder.into_iter().chain(places).map(listing).collect();
        }
        if matches!(self.state, MandateState::Returned | MandateState::Closed) {
            return Vec::new();
        }
        let waits = self.waits_at.filter(|_| self.state == MandateState::Asked);
        let parties = self.parties();
        let places = parties.iter().map(|party| *party.as_bytes()).chain(waits);
        let ends = Hour::of(Micros(self.until)).0;
        places.map(|place| Key::mandate_listing(&place, ends, id)).collect()
    }

    /// The emergency access that it is, if it is one.
    pub fn emergency(&self) -> Option<&Emergency> {
        match &self.nature {
            Some(Nature::Emergency(emergency)) => Some(emergency),
            _ => None,
        }
    }

    /// The emergency access that it is, if it is one that was ever open.
    pub fn opened_emergency(&self) -> Option<&Emergency> {
        let opened = matches!(self.state, MandateState::Open | MandateState::Closed);
        self.emergency().filter(|_| opened)
    }

    /// The erasure that it asks for, if it asks for one.
    pub fn erasing(&self) -> Option<&Erasing> {
        match &self.nature {
            Some(Nature::Erasing(erasing)) => Some(erasing),
            _ => None,
        }
    }

    /// The restraint that it asks for, is, or releases, if it is about one.
    pub fn restraining(&self) -> Option<&Restraining> {
        match &self.nature {
            Some(Nature::Restraining(restraining)) => Some(restraining),
            _ => None,
        }
    }

    /// Whether it is due to a resident and its time went by, before somebody agreed to it or before it was carried out.
    pub fn has_lapsed(&self, now: Micros) -> bool {
        let open = matches!(self.state, MandateState::Asked | MandateState::Open);
        open && self.due_in().is_some() && now.0 >= self.until
    }

    /// The area, in digits, in which it is due to a resident: what was asked for and is neither refused nor done, and a
    /// restraint as long as it lasts.
    pub fn due_in(&self) -> Option<[u8; 16]> {
        let in_force = self.restraining().is_some_and(Restraining::is_in_force);
        let open = matches!(self.state, MandateState::Asked | MandateState::Open);
        let area = match &self.nature {
            Some(Nature::Erasing(erasing)) => &erasing.area,
            Some(Nature::Restraining(restraining)) => &restraining.area,
            _ => return None,
        };
        let mut digits = [0; 16];
        let known = area.len().min(digits.len());
        digits[..known].copy_from_slice(&area.as_bytes()[..known]);
        (open || in_force).then_some(digits)
    }

    /// Whether its review is late: it was open, it ended long ago, and nobody has reviewed it.
    pub fn is_overdue(&self, now: Micros) -> bool {
        self.opened_emergency().is_some_and(|emergency| {
            emergency.review.is_none() && now >= emergency.review_by(self.until)
        })
    }

    /// Whoever has a part in it.
    pub fn parties(&self) -> Vec<ActorId> {
        std::iter::once(self.holder).chain(self.giver).collect()
    }

    /// Whether somebody has to do with it.
    pub fn concerns(&self, actor: ActorId) -> bool {
        self.holder == actor || self.giver == Some(actor)
    }
}

impl Seal {
    /// The bytes under which a mandate is kept.
    ///
    /// # Errors
    /// As sealing any attributes.
    pub fn seal_mandate(
        &self,
        id: MandateId,
        record: &MandateRecord,
    ) -> Result<Vec<u8>, SealError> {
        Ok(self.keyring.seal_attributes(&associated(id), &encode(record)?)?)
    }

    /// A mandate that was kept.
    ///
    /// # Errors
    /// [`SealError::Keys`] for bytes that were not kept under this id, [`SealError::Malformed`] for another format.
    pub fn open_mandate(&self, id: MandateId, stored: &Stored) -> Result<MandateRecord, SealError> {
        decode(&self.keyring.open_attributes(&associated(id), &stored.payload)?)
    }
}

/// A format byte (1), then postcard of the record in the order of its members; with a nature the byte is 2, and postcard of
/// the nature follows.
fn encode(record: &MandateRecord) -> Result<Vec<u8>, SealError> {
    let body = postcard::to_allocvec(record).map_err(|_| MALFORMED)?;
    let Some(nature) = &record.nature else { return Ok([&[FORMAT], body.as_slice()].concat()) };
    let nature = postcard::to_allocvec(nature).map_err(|_| MALFORMED)?;
    Ok([&[FORMAT_NATURE], body.as_slice(), nature.as_slice()].concat())
}

fn decode(bytes: &[u8]) -> Result<MandateRecord, SealError> {
    let (format, body) = bytes.split_first().ok_or(MALFORMED)?;
    let (record, rest): (MandateRecord, _) =
        postcard::take_from_bytes(body).map_err(|_| MALFORMED)?;
    match (*format, rest) {
        (FORMAT, []) => Ok(record),
        (FORMAT_NATURE, rest) => match postcard::take_from_bytes(rest) {
            Ok((nature, [])) => Ok(MandateRecord { nature: Some(nature), ..record }),
            _ => Err(MALFORMED),
        },
        _ => Err(MALFORMED),
    }
}

const MALFORMED: SealError = SealError::Malformed { what: "mandate" };

pub(super) fn associated(id: MandateId) -> Vec<u8> {
    [b"gridvault/mandate/v1".as_slice(), id.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::super::nature::{Official, Raise, Review};
    use super::*;
    use crate::access::Tier;
    use crate::records::LegalKind;

    fn record() -> MandateRecord {
        MandateRecord {
            task: Some(TaskKind::Visit),
            emergency: false,
            state: MandateState::Open,
            holder: ActorId::from_bytes([1; 16]),
            giver: None,
            decider: None,
            purpose: "p".to_owned(),
            fields: vec!["f".to_owned()],
            records: vec![(RecordId::from_bytes([2; 16]), [3; 16])],
            subjects: Vec::new(),
            from: 1,
            until: 7_200_000_000,
            budget: 300,
            single_use: true,
            role: "r".to_owned(),
            waits_at: Some([4; 16]),
            seconds: 0,
            window: None,
            document: None,
            nature: None,
        }
    }

    #[test]
    fn a_mandate_comes_back_as_it_was_and_no_other_bytes_do() {
        let bytes = encode(&record()).expect("bytes");
        assert_eq!(decode(&bytes).ok(), Some(record()));
        for format in [0, 2, 3] {
            let other = [&[format], &bytes[1..]].concat();
            assert!(matches!(decode(&other), Err(SealError::Malformed { .. })), "{format}");
        }
        assert!(decode(&[bytes.as_slice(), b"\0"].concat()).is_err());
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }

    fn emergency(state: MandateState, review: Option<Review>) -> MandateRecord {
        let nature = Nature::Emergency(Emergency {
            tier: Tier::Alone,
            event: RecordId::from_bytes([5; 16]),
            places: vec![[6; 16], [7; 16]],
            review_seconds: 3_600,
            review,
        });
        MandateRecord {
            task: None,
            emergency: true,
            state,
            waits_at: None,
            nature: Some(nature),
            ..record()
        }
    }

    fn reviewed() -> Option<Review> {
        let by = ActorId::from_bytes([8; 16]);
        Some(Review { by, at: 9, justified: false, note: "n".to_owned() })
    }

    fn erasing() -> Erasing {
        let word = |word: &str| word.to_owned();
        Erasing {
            subject: SubjectId::from_bytes([4; 16]),
            reason: word("purpose_met"),
            by: word("self"),
            proof: word("resident_card"),
            area: word("880102001"),
        }
    }

    #[test]
    fn an_erasure_that_was_agreed_to_opens_nothing() {
        let id = MandateId::from_bytes([9; 16]);
        let task = record();
        assert!(task.mandate(id, Version(1)).is_some());
        let erasure = MandateRecord { nature: Some(Nature::Erasing(erasing())), ..task };
        assert!(erasure.mandate(id, Version(1)).is_none());
    }

    #[test]
    fn every_nature_comes_back_as_it_was_and_no_other_bytes_do() {
        let with = |nature| MandateRecord { nature: Some(nature), ..record() };
        for record in [
            emergency(MandateState::Open, None),
            emergency(MandateState::Closed, reviewed()),
            with(Nature::Raise(Raise { kind: LegalKind::Health, people: 9 })),
            with(Nature::Official(Official { organ: "county_public_security".to_owned() })),
            with(Nature::Erasing(erasing())),
        ] {
            let bytes = encode(&record).expect("bytes");
            assert_eq!(decode(&bytes).ok(), Some(record));
            assert!(decode(&[bytes.as_slice(), b"\0"].concat()).is_err());
            for cut in 0..bytes.len() {
                assert!(decode(&bytes[..cut]).is_err(), "{cut}");
            }
        }
        let raise = with(Nature::Raise(Raise { kind: LegalKind::Other, people: 3 }));
        let bytes = encode(&raise).expect("bytes");
        let plain = encode(&record()).expect("bytes");
        assert_eq!(bytes, [&[2], &plain[1..], &[1, 5], b"other".as_slice(), &[3]].concat());
    }

    #[test]
    fn an_emergency_is_listed_where_it_is_watched_until_it_was_reviewed_whenever_it_ended() {
        let id = MandateId::from_bytes([9; 16]);
        let at = |place: [u8; 16]| Key::mandate_listing(&place, UNREVIEWED, id);
        for state in [MandateState::Open, MandateState::Closed] {
            let places = [at([1; 16]), at([6; 16]), at([7; 16])];
            assert_eq!(emergency(state, None).listings(id), places);
            assert!(emergency(state, reviewed()).listings(id).is_empty());
        }
        assert!(emergency(MandateState::Returned, None).listings(id).is_empty());
    }

    #[test]
    fn a_review_is_late_from_the_first_moment_after_its_time() {
        let late = Micros(7_200_000_000 + 3_600_000_000);
        let open = emergency(MandateState::Open, None);
        assert!(!open.is_overdue(Micros(late.0 - 1)) && open.is_overdue(late));
        assert!(!emergency(MandateState::Closed, reviewed()).is_overdue(late));
        for state in [MandateState::Asked, MandateState::Returned] {
            assert!(!emergency(state, None).is_overdue(late), "it was never open");
        }
    }

    #[test]
    fn the_byte_form_never_changes() {
        let actor = ActorId::from_bytes([1; 16]).to_string();
        let id = RecordId::from_bytes([2; 16]).to_string();
        let mut expected = vec![1, 1, 0, 0, 2, 22];
        expected.extend(actor.as_bytes());
        expected.extend([0, 0, 1, b'p', 1, 1, b'f', 1, 36]);
        expected.extend(id.as_bytes());
        expected.extend([3; 16]);
        expected.extend([0, 2, 128, 160, 186, 210, 53, 172, 2, 1, 1, b'r', 1]);
        expected.extend([4; 16]);
        expected.extend([0, 0, 0]);
        assert_eq!(encode(&record()).expect("bytes"), expected);
    }

    #[test]
    fn what_is_over_is_listed_nowhere_and_what_waits_is_listed_where_it_is_decided() {
        let id = MandateId::from_bytes([9; 16]);
        let at = |place: [u8; 16]| Key::mandate_listing(&place, 2, id);
        let in_state = |state| MandateRecord { state, ..record() }.listings(id);
        assert_eq!(in_state(MandateState::Open), [at([1; 16])]);
        assert_eq!(in_state(MandateState::Asked), [at([1; 16]), at([4; 16])]);
        assert!(in_state(MandateState::Closed).is_empty());
        assert!(in_state(MandateState::Returned).is_empty());
        assert_eq!(at([1; 16]).listed_mandate(), Some(id));
    }
}
