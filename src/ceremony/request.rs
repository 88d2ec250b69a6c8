//! What two administrators sign before the ways to a vault's root key are changed at its host, a third one gets a code there, or a
//! vault is made of a backup, and how that is judged.
//! Never a key or a secret in it: which vault, what is to be done, the ways that there are now, and until when.
//! Each signs the same text with the key that it logs in by, and the vault judges both by the public keys that it has of them.
//!
//! ```text
//! request = "gridvault ceremony 1" LF "vault " origin LF "what " word LF "ways " digest LF parts? "until " time LF
//! parts   = "bulk " digest LF "ledger " (digest | "none") LF "lacks " count LF "behind " (count | "unknown" | "unasked") LF, of a restore
//!           and of nothing else (`parts`)
//! agreed  = "agreed " actor " " signature LF, once for each of the two
//! digest  = SHA-256 of the file `unlock`, so a request is good for the ways that it was made over and for no other. Of a restore: in the
//!           place of the ways of the key part; of the bulk part's list of files, which has the digest of each; of the whole lines of
//!           the ledger of erasures. The origin is the one that the new log gets.
//! signature = Ed25519 (RFC 8032) over the request, from its first byte to its last LF
//! ```
//! Digests and signatures are base64url without padding, times RFC 3339 in whole seconds of UTC. No other text is a request.

use super::error::CeremonyError;
use super::parts::Parts;
use super::what::What;
use crate::access::ActorId;
use crate::ambient::Micros;
use crate::identity::{ActorRecord, ActorState};
use crate::limits::{CEREMONY_REQUEST_BYTES_MAX, CEREMONY_WAIT_SECONDS};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::verify_signature;

/// The roles of the three administrators, as `init` enrols them. Two of them stand by what is done to the root key.
pub const ADMINISTRATORS: [&str; 3] = ["system_admin", "security_admin", "audit_admin"];

const FIRST_LINE: &str = "gridvault ceremony 1\n";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The origin of the vault's log.
    pub vault: String,
    /// What is to be done.
    pub what: What,
    /// The digest of the ways that there are.
    pub ways: [u8; 32],
    /// Of a restore, what the vault is made of.
    pub parts: Option<Parts>,
    /// The first second in which it is good no more.
    pub until: i64,
}

impl Request {
    /// The text that is signed.
    ///
    /// # Errors
    /// [`CeremonyError::Refused`] for an end that is no time.
    pub fn text(&self) -> Result<String, CeremonyError> {
        let until = jiff::Timestamp::from_second(self.until)
            .map_err(|_| CeremonyError::Refused("the request has no end".into()))?;
        let (vault, what) = (&self.vault, self.what);
        let ways = BASE64_URL_SAFE_NO_PAD.encode(self.ways);
        let parts = self.parts.as_ref().map(Parts::text).unwrap_or_default();
        Ok(format!("{FIRST_LINE}vault {vault}\nwhat {what}\nways {ways}\n{parts}until {until}\n"))
    }
}

/// A request with the signatures that it has so far.
#[derive(Debug)]
pub struct Signed {
    /// What is asked for.
    pub request: Request,
    /// Who signed it, and how: Ed25519 over its text.
    pub signatures: Vec<(ActorId, [u8; 64])>,
}

impl Signed {
    /// Reads the one form that there is.
    ///
    /// # Errors
    /// [`CeremonyError::Refused`] for anything else.
    pub fn parse(text: &str) -> Result<Signed, CeremonyError> {
        let wrong =
            || CeremonyError::Refused("the file of the request is none, or was changed".into());
        if text.len() > CEREMONY_REQUEST_BYTES_MAX {
            return Err(wrong());
        }
        let rest = text.strip_prefix(FIRST_LINE).ok_or_else(wrong)?;
        let mut lines = rest.split_inclusive('\n');
        let mut line = |word: &str| {
            let line = lines.next().and_then(|line| line.strip_prefix(word));
            line.and_then(|line| line.strip_suffix('\n')).map(str::to_owned).ok_or_else(wrong)
        };
        let (vault, what, ways) = (line("vault ")?, line("what ")?, line("ways ")?);
        let what: What = what.parse().map_err(|_| wrong())?;
        let parts = match what {
            What::Restore => {
                let lines = [line("bulk ")?, line("ledger ")?, line("lacks ")?, line("behind ")?];
                Some(Parts::parse(&lines).ok_or_else(wrong)?)
            }
            _ => None,
        };
        let until: jiff::Timestamp = line("until ")?.parse().map_err(|_| wrong())?;
        let (ways, until) = (decoded(&ways).ok_or_else(wrong)?, until.as_second());
        let request = Request { vault, what, ways, parts, until };
        let signatures = lines.map(|line| signature(line).ok_or_else(wrong));
        let signatures = signatures.collect::<Result<Vec<_>, _>>()?;
        let signed = Signed { request, signatures };
        // Nothing is read in two ways: what was read is written the same.
        match signed.to_text()? == text {
            true => Ok(signed),
            false => Err(wrong()),
        }
    }

    /// The text that [`Signed::parse`] reads.
    ///
    /// # Errors
    /// [`CeremonyError::Refused`] for an end that is no time.
    pub fn to_text(&self) -> Result<String, CeremonyError> {
        let lines = self.signatures.iter().map(|(actor, signature)| {
            format!("agreed {actor} {}\n", BASE64_URL_SAFE_NO_PAD.encode(signature))
        });
        Ok(format!("{}{}", self.request.text()?, lines.collect::<String>()))
    }

    /// The two who agreed to it, where both are administrators of two roles and signed this very text.
    ///
    /// # Errors
    /// What is wrong with it, for its operator.
    pub fn judged(
        &self,
        known: impl Fn(&ActorId) -> Option<ActorRecord>,
        now: Micros,
    ) -> Result<[ActorId; 2], String> {
        let two = self.signed_by_two()?;
        let text = self.request.text().map_err(|error| error.to_string())?;
        for (actor, signature) in &self.signatures {
            let key = known(actor).and_then(|record| record.log_in_key);
            let key = key.ok_or_else(|| format!("{actor} has no key to sign with"))?;
            verify_signature(&key, text.as_bytes(), signature)
                .map_err(|_| format!("the signature of {actor} is not one by its key"))?;
        }
        stand_by(known, two, now)
    }

    /// The two who are said to have signed it: so much is seen without whom they are known by.
    ///
    /// # Errors
    /// That there are not two, or that the two are one.
    pub fn signed_by_two(&self) -> Result<[ActorId; 2], &'static str> {
        match self.signatures.as_slice() {
            [(first, _), (second, _)] if first == second => Err("two persons are two"),
            [(first, _), (second, _)] => Ok([*first, *second]),
            _ => Err("two administrators sign a request, no more and no fewer"),
        }
    }

    /// Whether it is good now, for this vault, this act and the ways that there are; for a restore, for these parts.
    ///
    /// # Errors
    /// Why it is not.
    pub fn is_for(
        &self,
        vault: &str,
        what: What,
        ways: &[u8; 32],
        parts: Option<&Parts>,
        now: Micros,
    ) -> Result<(), &'static str> {
        let Request { vault: named, what: asked, ways: over, parts: of, until } = &self.request;
        let left = until.saturating_sub(now.seconds());
        if named != vault {
            return Err("the request is for another vault");
        }
        if *asked != what {
            return Err("the request is for something else");
        }
        if over != ways && what == What::Restore {
            return Err("the key part is not the one of the request: ask anew");
        }
        if over != ways {
            return Err("the ways to the root key are no more those of the request: ask anew");
        }
        if of.map(|parts| parts.bulk) != parts.map(|parts| parts.bulk) {
            return Err("the bulk part is not the one of the request: ask anew");
        }
        if of.map(|parts| parts.ledger) != parts.map(|parts| parts.ledger) {
            return Err("the ledger of erasures is not that of the request: ask anew");
        }
        if of.as_ref() != parts {
            return Err("the age of the ledger of erasures is not that of the request: ask anew, \
                        and bring the same checkpoint both times");
        }
        if !(1..=CEREMONY_WAIT_SECONDS).contains(&left) {
            return Err("the time of the request is over, or further off than any");
        }
        Ok(())
    }
}

/// Two who are not one, work here, and hold two of the three posts of administrators.
///
/// # Errors
/// Why they do not.
pub fn stand_by(
    known: impl Fn(&ActorId) -> Option<ActorRecord>,
    persons: [ActorId; 2],
    now: Micros,
) -> Result<[ActorId; 2], String> {
    if persons[0] == persons[1] {
        return Err("two persons are two".into());
    }
    let roles = |person: &ActorId| {
        let record = known(person).filter(|record| record.state == ActorState::Active);
        let record = record.ok_or_else(|| format!("{person} is nobody who works here"))?;
        let held = ADMINISTRATORS.into_iter().filter(|role| holds(&record, role, now));
        Ok::<Vec<&str>, String>(held.collect())
    };
    let (first, second) = (roles(&persons[0])?, roles(&persons[1])?);
    let differ = first.iter().any(|one| second.iter().any(|other| one != other));
    match differ {
        true => Ok(persons),
        false => Err("the two are not administrators of two different posts".into()),
    }
}

fn holds(record: &ActorRecord, role: &str, now: Micros) -> bool {
    record.assignments.iter().any(|post| {
        let in_time = post.from <= now.0 && post.until.is_none_or(|until| now.0 < until);
        post.role == role && in_time && post.unconfirmed_by.is_none() && post.windows.is_none()
    })
}

fn signature(line: &str) -> Option<(ActorId, [u8; 64])> {
    let (actor, signature) = line.strip_suffix('\n')?.strip_prefix("agreed ")?.split_once(' ')?;
    Some((actor.parse().ok()?, decoded(signature)?))
}

pub(super) fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::super::what::{Way, WayKind};
    use super::*;
    use crate::identity::{ActorKind, AssignmentRecord, ReadinessRecord};
    use crate::trail::{LedgerAge, LedgerBehind};
    use gridvault_keys::LogInKey;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const NOW: Micros = Micros(1_800_000_000_000_000);
    const AGE: LedgerAge = LedgerAge { lacks: 2, behind: LedgerBehind::Entries(7) };
    const VAULT: &str = "ceremony.example/log";

    fn request() -> Request {
        let until = NOW.seconds() + CEREMONY_WAIT_SECONDS;
        Request { vault: VAULT.into(), what: What::RotateRoot, ways: [7; 32], parts: None, until }
    }

    fn restore(ledger: Option<[u8; 32]>) -> Request {
        let parts = Some(Parts { bulk: [8; 32], ledger, age: AGE });
        Request { what: What::Restore, parts, ..request() }
    }

    fn person(number: u8, role: &str) -> (ActorRecord, LogInKey) {
        let key = LogInKey::draw().expect("randomness");
        let post = AssignmentRecord {
            id: [number; 16],
            role: role.into(),
            area: None,
            line: None,
            lead: false,
            unconfirmed_by: None,
            windows: None,
            readiness: ReadinessRecord::default(),
            from: 0,
            until: None,
        };
        let record = ActorRecord {
            id: ActorId::from_bytes([number; 16]),
            login: format!("person-{number}"),
            kind: ActorKind::Person,
            state: ActorState::Active,
            assignments: vec![post],
            tokens_from: 0,
            own: None,
            log_in_key: Some(key.public_key()),
        };
        (record, key)
    }

    fn signed_by(people: &[&(ActorRecord, LogInKey)]) -> Signed {
        let text = request().text().expect("a time");
        let sign =
            |(record, key): &&(ActorRecord, LogInKey)| (record.id, key.sign(text.as_bytes()));
        Signed { request: request(), signatures: people.iter().map(sign).collect() }
    }

    fn judged(signed: &Signed, people: &[&ActorRecord]) -> Result<[ActorId; 2], String> {
        let known: HashMap<ActorId, ActorRecord> =
            people.iter().map(|record| (record.id, (*record).clone())).collect();
        signed.judged(|id| known.get(id).cloned(), NOW)
    }

    #[test]
    fn a_request_is_read_back_from_its_one_text_and_from_no_other() {
        let (one, two) = (person(1, "system_admin"), person(2, "audit_admin"));
        let text = signed_by(&[&one, &two]).to_text().expect("a text");
        let read = Signed::parse(&text).expect("own text");
        assert_eq!((read.to_text().expect("a text"), read.request), (text.clone(), request()));
        for at in 0..text.len() {
            assert!(
                text[..at].is_empty()
                    || Signed::parse(&text[..at]).map_or(true, |cut| { cut.signatures.len() < 2 })
            );
        }
        for (from, to) in [
            ("what ", "what  "),
            ("rotate-root", "rotate_root"),
            ("Z\n", "+00:00\n"),
            ("Z\n", ".000Z\n"),
            ("\nagreed", "\n\nagreed"),
            ("ceremony 1", "ceremony 2"),
        ] {
            assert!(Signed::parse(&text.replacen(from, to, 1)).is_err(), "{from}");
        }
        let long = format!("{text}{}", " ".repeat(CEREMONY_REQUEST_BYTES_MAX));
        assert!(Signed::parse(&long).is_err());
    }

    #[test]
    fn two_administrators_of_two_posts_agree_by_their_own_keys_and_nobody_else_does() {
        let one = person(1, "system_admin");
        let two = person(2, "security_admin");
        let known = [&one.0, &two.0];
        let both = signed_by(&[&one, &two]);
        assert_eq!(judged(&both, &known), Ok([one.0.id, two.0.id]));
        assert!(judged(&signed_by(&[&one]), &known).is_err(), "one alone");
        assert!(judged(&signed_by(&[&one, &one]), &known).is_err(), "one twice");
        assert!(judged(&signed_by(&[&one, &two, &two]), &known).is_err(), "three");
        assert!(judged(&both, &[&one.0]).is_err(), "a stranger");
        let mut swapped = signed_by(&[&one, &two]);
        swapped.signatures[1].1 = swapped.signatures[0].1;
        assert!(judged(&swapped, &known).is_err(), "another's signature");
        let mut other = signed_by(&[&one, &two]);
        other.request.what = What::Remove(WayKind::Passphrase);
        assert!(judged(&other, &known).is_err(), "another text");
        for change in [
            |record: &mut ActorRecord| record.log_in_key = None,
            |record: &mut ActorRecord| record.state = ActorState::Suspended,
            |record: &mut ActorRecord| record.assignments[0].role = "system_admin".into(),
            |record: &mut ActorRecord| record.assignments[0].role = "contractor_ops".into(),
            |record: &mut ActorRecord| record.assignments[0].until = Some(NOW.0),
            |record: &mut ActorRecord| record.assignments[0].from = NOW.0 + 1,
            |record: &mut ActorRecord| record.assignments.clear(),
        ] {
            let mut changed = two.0.clone();
            change(&mut changed);
            assert!(judged(&both, &[&one.0, &changed]).is_err(), "{changed:?}");
        }
    }

    #[test]
    fn a_request_is_good_for_one_vault_one_act_the_present_ways_and_three_days() {
        let signed = Signed { request: request(), signatures: Vec::new() };
        let (what, ways) = (What::RotateRoot, [7; 32]);
        let good = |now| signed.is_for(VAULT, what, &ways, None, Micros(now)).is_ok();
        assert!(good(NOW.0));
        assert!(!good(NOW.0 - 1), "further off than any");
        let end = signed.request.until * 1_000_000;
        assert!(good(end - 1) && !good(end));
        assert!(signed.is_for("another", what, &ways, None, NOW).is_err());
        assert!(signed.is_for(VAULT, What::Add(Way::Token), &ways, None, NOW).is_err());
        assert!(signed.is_for(VAULT, what, &[8; 32], None, NOW).is_err());
        let parts = Parts { bulk: [8; 32], ledger: None, age: AGE };
        assert!(signed.is_for(VAULT, what, &ways, Some(&parts), NOW).is_err());
    }

    #[test]
    fn a_restore_is_agreed_to_over_its_two_parts_and_its_ledger() {
        for ledger in [None, Some([9; 32])] {
            let signed = Signed { request: restore(ledger), signatures: Vec::new() };
            let text = signed.to_text().expect("a text");
            assert_eq!(Signed::parse(&text).expect("own text").request, restore(ledger));
            let over = |ways: [u8; 32], parts: Option<Parts>| {
                signed.is_for(VAULT, What::Restore, &ways, parts.as_ref(), NOW)
            };
            let parts = Parts { bulk: [8; 32], ledger, age: AGE };
            assert_eq!(over([7; 32], Some(parts)), Ok(()));
            let refused = |found: Result<(), &'static str>| found.expect_err("refused");
            assert!(refused(over([6; 32], Some(parts))).contains("key part"));
            let other = Parts { bulk: [6; 32], ..parts };
            assert!(refused(over([7; 32], Some(other))).contains("bulk part"));
            assert!(refused(over([7; 32], None)).contains("bulk part"));
            for other in [None, Some([9; 32]), Some([6; 32])].iter().filter(|it| **it != ledger) {
                let other = Parts { ledger: *other, ..parts };
                assert!(refused(over([7; 32], Some(other))).contains("ledger"));
            }
            for age in [
                LedgerAge { lacks: 1, ..AGE },
                LedgerAge { behind: LedgerBehind::Entries(6), ..AGE },
                LedgerAge { behind: LedgerBehind::Unknown, ..AGE },
                LedgerAge { behind: LedgerBehind::Unasked, ..AGE },
            ] {
                let other = Parts { age, ..parts };
                assert!(refused(over([7; 32], Some(other))).contains("age of the ledger"));
                let asked = Request { parts: Some(other), ..restore(ledger) };
                let signed = Signed { request: asked.clone(), signatures: Vec::new() };
                let text = signed.to_text().expect("a text");
                assert_eq!(Signed::parse(&text).expect("own text").request, asked);
            }
            for (from, to) in [
                ("lacks 2", "lacks 02"),
                ("lacks 2", "lacks +2"),
                ("behind 7", "behind 07"),
                ("lacks 2\n", ""),
            ] {
                assert!(Signed::parse(&text.replacen(from, to, 1)).is_err(), "{to}");
            }
            // Neither without its parts nor with those of something else.
            for (from, to) in [("bulk ", "bulb "), ("\nledger ", "\n"), ("restore", "rotate-root")]
            {
                assert!(Signed::parse(&text.replacen(from, to, 1)).is_err(), "{from}");
            }
        }
        let plain = Signed { request: request(), signatures: Vec::new() };
        let plain = plain.to_text().expect("a text").replacen("rotate-root", "restore", 1);
        assert!(Signed::parse(&plain).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_no_request(text: String) {
            prop_assert!(Signed::parse(&text).is_err());
            let labelled = format!("{FIRST_LINE}vault {text}\nwhat rotate-root\n{text}");
            prop_assert!(Signed::parse(&labelled).is_err());
        }
    }
}
