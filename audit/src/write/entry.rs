//! Turns what the vault did into the bytes of one entry: canonical JSON.
//! Never holds a personal value, a name or a query: members are codes, ids, digests and sealed context.
//! The same draft, index and times always give the same bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use thiserror::Error;

use super::json::{GAPS, NUMBER_BYTES_MAX, Object, push_number};
use crate::constants::{ENTRY_BYTES_MAX, FORMAT_VERSION};
use crate::events::Event;

/// How the action ended: the member `out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was refused.
    Denied,
    /// It failed.
    Error,
    /// It was begun and given up.
    Aborted,
}

impl Outcome {
    /// The code as it stands in the entry.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Denied => "denied",
            Outcome::Error => "error",
            Outcome::Aborted => "aborted",
        }
    }
}

/// A value of the member `x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A string: a code, a version, an origin.
    Str(String),
    /// A count or an index.
    U64(u64),
    /// A digest, written in base64url without padding.
    Bytes32([u8; 32]),
}

/// Why a draft cannot become an entry.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EntryError {
    /// The entry is longer than a bundle can hold; a bulk read must be split.
    #[error("entry is {bytes} bytes long, more than a bundle can hold")]
    TooLarge {
        /// Length of the encoded entry.
        bytes: usize,
    },
    /// `view` is neither empty nor as long as `fld`.
    #[error("entry names {fields} fields and {views} views")]
    ViewsNotParallel {
        /// Items of `fld`.
        fields: usize,
        /// Items of `view`.
        views: usize,
    },
    /// A name in `detail` is empty or has a character other than `a` to `z`, `0` to `9` and `_`.
    #[error("name of a detail is not made of a-z, 0-9 and _")]
    DetailName,
}

/// One entry without its place and times, which the committer gives when it encodes.
///
/// Members that are `None` or empty are left out. Text may be borrowed until the draft is prepared.
/// It is a code made by the vault, never what a client wrote.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// What happened: members `ev` and `act`.
    pub event: Event,
    /// How it ended: member `out`.
    pub outcome: Outcome,
    /// Random id of the request: member `req`.
    pub req: [u8; 16],
    /// Reason code.
    pub why: Option<Cow<'a, str>>,
    /// Id of the actor.
    pub who: Option<[u8; 16]>,
    /// Id of the calling system.
    pub via: Option<[u8; 16]>,
    /// Strength of authentication, 1 to 3 (NIST SP 800-63B).
    pub aal: Option<u8>,
    /// Id of the session.
    pub sess: Option<[u8; 16]>,
    /// Role that carried the decision.
    pub role: Option<Cow<'a, str>>,
    /// Grid scope that carried the decision.
    pub scope: Option<Cow<'a, str>>,
    /// Audit handles of the records.
    pub rec: Vec<[u8; 16]>,
    /// Audit handles of the subjects.
    pub sub: Vec<[u8; 16]>,
    /// Count, where the entry stands for many.
    pub n: Option<u64>,
    /// Grid of the record at that time.
    pub grid: Option<Cow<'a, str>>,
    /// Assignment that carried the decision.
    pub asg: Option<[u8; 16]>,
    /// Approval, delegation or emergency access that was used.
    pub apr: Option<[u8; 16]>,
    /// Task that was used.
    pub task: Option<[u8; 16]>,
    /// Type of the record.
    pub typ: Option<Cow<'a, str>>,
    /// Names of the fields given out or changed.
    pub fld: Vec<Cow<'a, str>>,
    /// View of each field, in the order of `fld`; empty where a view has no meaning.
    pub view: Vec<Cow<'a, str>>,
    /// Version of the record before and after.
    pub ver: Option<(u64, u64)>,
    /// Digest of the sealed record after the change.
    pub dig: Option<[u8; 32]>,
    /// Purpose.
    pub pur: Option<Cow<'a, str>>,
    /// Legal basis.
    pub basis: Option<Cow<'a, str>>,
    /// Id of the event or case.
    pub case: Option<[u8; 16]>,
    /// Index of the `policy.activated` entry in force.
    pub pol: Option<u64>,
    /// Rule that decided.
    pub rule: Option<Cow<'a, str>>,
    /// Sealed context: address, device, free-text reason.
    pub ctx: Option<Vec<u8>>,
    /// Further facts under the member `x`: digests of a start, counts of a summary, the old origin of a restore.
    pub detail: BTreeMap<&'static str, Scalar>,
}

impl<'a> Draft<'a> {
    /// An entry about `event` that names nothing else yet.
    #[must_use]
    pub fn new(event: Event, outcome: Outcome, request: [u8; 16]) -> Draft<'a> {
        Draft {
            event,
            outcome,
            req: request,
            why: None,
            who: None,
            via: None,
            aal: None,
            sess: None,
            role: None,
            scope: None,
            rec: Vec::new(),
            sub: Vec::new(),
            n: None,
            grid: None,
            asg: None,
            apr: None,
            task: None,
            typ: None,
            fld: Vec::new(),
            view: Vec::new(),
            ver: None,
            dig: None,
            pur: None,
            basis: None,
            case: None,
            pol: None,
            rule: None,
            ctx: None,
            detail: BTreeMap::new(),
        }
    }

    /// The entry's bytes at index `seq`, at `time_micros` since 1970 (UTC) and `mono_micros` since `sys.start`.
    ///
    /// # Errors
    /// See [`EntryError`]; nothing else can go wrong.
    pub fn encode(
        &self,
        seq: u64,
        time_micros: u64,
        mono_micros: u64,
    ) -> Result<Vec<u8>, EntryError> {
        self.prepare()?.finish(seq, time_micros, mono_micros)
    }

    /// Everything but place and times, written by whoever has the draft, so that the one committer only fills them in.
    ///
    /// # Errors
    /// As [`Draft::encode`], but for the length.
    pub fn prepare(&self) -> Result<Prepared, EntryError> {
        if !self.view.is_empty() && self.view.len() != self.fld.len() {
            return Err(EntryError::ViewsNotParallel {
                fields: self.fld.len(),
                views: self.view.len(),
            });
        }
        if !self.detail.keys().all(|name| is_detail_name(name)) {
            return Err(EntryError::DetailName);
        }
        let mut object = Object::new();
        // Ascending order of names, the order of `constants::MEMBERS`.
        object.number("aal", self.aal.map(u64::from));
        object.text("act", Some(self.event.action()));
        object.id("apr", self.apr.as_ref());
        object.id("asg", self.asg.as_ref());
        object.text("basis", self.basis.as_deref());
        object.id("case", self.case.as_ref());
        object.bytes("ctx", self.ctx.as_deref());
        object.bytes("dig", self.dig.as_ref().map(|digest| &digest[..]));
        object.text("ev", Some(self.event.family()));
        object.texts("fld", &self.fld);
        object.text("grid", self.grid.as_deref());
        object.gap("mono");
        object.number("n", self.n);
        object.text("out", Some(self.outcome.code()));
        object.number("pol", self.pol);
        object.text("pur", self.pur.as_deref());
        object.ids("rec", &self.rec);
        object.id("req", Some(&self.req));
        object.text("role", self.role.as_deref());
        object.text("rule", self.rule.as_deref());
        object.text("scope", self.scope.as_deref());
        object.gap("seq");
        object.id("sess", self.sess.as_ref());
        object.ids("sub", &self.sub);
        object.gap("t");
        object.id("task", self.task.as_ref());
        object.text("typ", self.typ.as_deref());
        object.number("v", Some(FORMAT_VERSION));
        object.pair("ver", self.ver);
        object.id("via", self.via.as_ref());
        object.texts("view", &self.view);
        object.id("who", self.who.as_ref());
        object.text("why", self.why.as_deref());
        object.detail("x", &self.detail);
        let (bytes, gaps) = object.close();
        Ok(Prepared { bytes, gaps })
    }
}

/// An entry that lacks its index and its two times and nothing else.
#[derive(Clone, Debug)]
pub struct Prepared {
    bytes: Vec<u8>,
    /// Where `mono`, `seq` and `t` go, in this order.
    gaps: [usize; GAPS],
}

impl Prepared {
    /// The entry's bytes, with its place and times filled in.
    ///
    /// # Errors
    /// [`EntryError::TooLarge`].
    pub fn finish(
        &self,
        seq: u64,
        time_micros: u64,
        mono_micros: u64,
    ) -> Result<Vec<u8>, EntryError> {
        let mut entry = Vec::with_capacity(self.bytes.len() + GAPS * NUMBER_BYTES_MAX);
        self.finish_onto(&mut entry, seq, time_micros, mono_micros)?;
        Ok(entry)
    }

    /// The same behind what a buffer holds already, which stays as it is where there is an error.
    ///
    /// # Errors
    /// [`EntryError::TooLarge`].
    pub fn finish_onto(
        &self,
        out: &mut Vec<u8>,
        seq: u64,
        time_micros: u64,
        mono_micros: u64,
    ) -> Result<(), EntryError> {
        let begin = out.len();
        let mut from = 0;
        for (gap, number) in self.gaps.into_iter().zip([mono_micros, seq, time_micros]) {
            out.extend_from_slice(&self.bytes[from..gap]);
            push_number(out, number);
            from = gap;
        }
        out.extend_from_slice(&self.bytes[from..]);
        let bytes = out.len() - begin;
        if bytes > ENTRY_BYTES_MAX {
            out.truncate(begin);
            return Err(EntryError::TooLarge { bytes });
        }
        Ok(())
    }
}

fn is_detail_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::constants::{MEMBERS, OUTCOMES};

    fn full() -> Draft<'static> {
        let mut draft = Draft::new(Event::DataRead, Outcome::Success, [1; 16]);
        draft.why = Some("ok".into());
        draft.who = Some([2; 16]);
        draft.via = Some([3; 16]);
        draft.aal = Some(2);
        draft.sess = Some([4; 16]);
        draft.role = Some("grid_worker".into());
        draft.scope = Some("110101001001".into());
        draft.rec = vec![[5; 16], [6; 16]];
        draft.sub = vec![[7; 16]];
        draft.n = Some(2);
        draft.grid = Some("110101001001001".into());
        draft.asg = Some([8; 16]);
        draft.apr = Some([9; 16]);
        draft.task = Some([10; 16]);
        draft.typ = Some("person".into());
        draft.fld = vec!["name".into(), "phone".into()];
        draft.view = vec!["raw".into(), "masked".into()];
        draft.ver = Some((3, 4));
        draft.dig = Some([11; 32]);
        draft.pur = Some("visit".into());
        draft.basis = Some("pipl_13_3".into());
        draft.case = Some([12; 16]);
        draft.pol = Some(0);
        draft.rule = Some("r7".into());
        draft.ctx = Some(vec![13; 40]);
        draft.detail.insert("b", Scalar::U64(1));
        draft.detail.insert("a", Scalar::Str("z".into()));
        draft.detail.insert("c", Scalar::Bytes32([14; 32]));
        draft
    }

    /// serde_json keeps objects in ascending order of keys and escapes as RFC 8785 does: an oracle for canonical form.
    fn canonical(entry: &[u8]) -> Vec<u8> {
        let value: Value = serde_json::from_slice(entry).expect("entry is JSON");
        serde_json::to_vec(&value).expect("a value can be written")
    }

    #[test]
    fn full_entry_is_canonical_and_has_every_member_in_order() {
        let entry = full().encode(5, 1_700_000_000_000_000, 99).expect("fits");
        assert_eq!(entry, canonical(&entry));
        let value: Value = serde_json::from_slice(&entry).expect("entry is JSON");
        let names: Vec<_> = value.as_object().expect("an object").keys().cloned().collect();
        let known: Vec<_> = MEMBERS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names, known);
        assert_eq!(value["ver"], serde_json::json!([3, 4]));
        assert_eq!(value["x"]["a"], "z");
        assert_eq!(value["req"], "AQEBAQEBAQEBAQEBAQEBAQ");
    }

    #[test]
    fn smallest_entry_leaves_absent_members_out() {
        let entry =
            Draft::new(Event::SysStop, Outcome::Success, [0; 16]).encode(0, 1, 0).expect("fits");
        let text = String::from_utf8(entry).expect("entry is UTF-8");
        let expected = r#"{"act":"stop","ev":"sys","mono":0,"out":"success","req":"AAAAAAAAAAAAAAAAAAAAAA","seq":0,"t":1,"v":1}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn control_characters_and_other_scripts_are_written_canonically() {
        let mut draft = full();
        let every: String = (0u8..=0x7f).map(char::from).collect();
        draft.why = Some(format!("{every}\u{7f51}\u{683c}\u{1f3e0}\u{2028}").into());
        let entry = draft.encode(u64::MAX, u64::MAX, u64::MAX).expect("fits");
        assert_eq!(entry, canonical(&entry));
        let value: Value = serde_json::from_slice(&entry).expect("entry is JSON");
        assert_eq!(value["why"].as_str(), draft.why.as_deref());
        assert_eq!(value["seq"], u64::MAX);
    }

    #[test]
    fn entry_at_the_limit_is_accepted_and_one_byte_more_is_refused() {
        let mut draft = Draft::new(Event::SysStop, Outcome::Success, [0; 16]);
        draft.why = Some("".into());
        let without = draft.encode(0, 1, 0).expect("fits").len();
        draft.why = Some("a".repeat(ENTRY_BYTES_MAX - without).into());
        assert_eq!(draft.encode(0, 1, 0).expect("fits exactly").len(), ENTRY_BYTES_MAX);
        draft.why = Some("a".repeat(ENTRY_BYTES_MAX - without + 1).into());
        assert_eq!(draft.encode(0, 1, 0), Err(EntryError::TooLarge { bytes: ENTRY_BYTES_MAX + 1 }));
    }

    #[test]
    fn entry_behind_others_is_the_same_and_one_that_is_too_long_leaves_them_as_they_were() {
        let mut draft = full();
        let mut out = b"before".to_vec();
        let prepared = draft.prepare().expect("well formed");
        prepared.finish_onto(&mut out, 5, 1, 99).expect("fits");
        assert_eq!(out, [b"before", draft.encode(5, 1, 99).expect("fits").as_slice()].concat());
        draft.why = Some("a".repeat(ENTRY_BYTES_MAX).into());
        let before = out.clone();
        let prepared = draft.prepare().expect("well formed");
        assert!(prepared.finish_onto(&mut out, 6, 1, 99).is_err());
        assert_eq!(out, before);
    }

    #[test]
    fn views_that_do_not_match_the_fields_are_refused() {
        let mut draft = full();
        draft.view.pop();
        assert_eq!(
            draft.encode(0, 1, 0),
            Err(EntryError::ViewsNotParallel { fields: 2, views: 1 })
        );
        draft.view.clear();
        assert!(draft.encode(0, 1, 0).is_ok());
    }

    #[test]
    fn detail_names_are_plain() {
        for name in ["", "A", "a b", "a\"", "\u{7f51}"] {
            let mut draft = full();
            draft.detail.insert(name, Scalar::U64(1));
            assert_eq!(draft.encode(0, 1, 0), Err(EntryError::DetailName));
        }
    }

    #[test]
    fn outcomes_are_the_closed_list() {
        let all = [Outcome::Aborted, Outcome::Denied, Outcome::Error, Outcome::Success];
        assert_eq!(all.map(Outcome::code), OUTCOMES);
    }
}
