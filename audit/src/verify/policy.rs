//! Whom an auditor trusts: logs, witnesses, and how many of them make a quorum (c2sp.org/tlog-policy).
//! Never reads a policy from a log's own files, and never takes a line that it does not understand.
//! A witness stands in one place of the quorum alone, so that it cannot count twice.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::key::{KeyError, VerifierKey};
use super::note::{Cosignature, parse_decimal};
use crate::constants::{POLICY_BYTES_MAX, POLICY_DEFINITIONS_MAX};

/// What is wrong with a policy, and in which line, counted from 1.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line} of the policy: {fault}")]
pub struct PolicyError {
    /// The line; the one after the last if something is missing.
    pub line: usize,
    /// What is wrong.
    pub fault: PolicyFault,
}

/// What a line of a policy does wrong.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PolicyFault {
    /// The file is longer than any policy.
    #[error("policy is too long")]
    TooLong,
    /// A byte stands where only tab, line feed, printable ASCII and bytes from 0x80 on may.
    #[error("control character other than tab")]
    ControlCharacter,
    /// The last line has no line feed: something may be missing.
    #[error("line does not end in a line feed")]
    Unterminated,
    /// The line begins with no known word, or has more or fewer parts than it should.
    #[error("line has not the form of a log, witness, group or quorum")]
    Form,
    /// A key cannot be used.
    #[error("{0}")]
    Key(KeyError),
    /// A URL is not UTF-8.
    #[error("URL is not UTF-8")]
    Url,
    /// A key was given before, or shares name and id with one.
    #[error("key is given twice, or has name and id of another")]
    DuplicateKey,
    /// A name was defined before, or is `none`.
    #[error("name is defined before or reserved")]
    NameTaken,
    /// A name is not defined in a line before.
    #[error("name is not defined before")]
    NameUnknown,
    /// A name is a member of a group already.
    #[error("name is a member of a group already")]
    MemberTwice,
    /// The number of a group is not from 1 to its members, or not `all` or `any`.
    #[error("threshold of a group is not all, any or a number from 1 to its members")]
    Threshold,
    /// A second quorum line.
    #[error("quorum is given twice")]
    QuorumTwice,
    /// No quorum line.
    #[error("quorum is missing")]
    QuorumMissing,
    /// More logs, witnesses or groups than are taken.
    #[error("more logs, witnesses or groups than are taken")]
    TooMany,
}

/// A log that a policy trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDefinition {
    /// Its key, whose name is its origin.
    pub key: VerifierKey,
    /// Where it can be reached.
    pub url: Option<String>,
}

/// A witness that a policy trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessDefinition {
    /// What the policy calls it.
    pub name: String,
    /// Its key.
    pub key: VerifierKey,
    /// Where it can be reached.
    pub url: Option<String>,
}

/// Place of a witness in its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WitnessId(usize);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Witness(WitnessId),
    /// So many of these.
    Group(usize, Vec<Rule>),
}

/// A policy that was read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<LogDefinition>,
    witnesses: Vec<WitnessDefinition>,
    /// `None` where no witness is asked for.
    quorum: Option<Rule>,
}

impl Policy {
    /// The policy that trusts one log and asks for no witness.
    #[must_use]
    pub fn of_log(key: VerifierKey) -> Policy {
        let logs = vec![LogDefinition { key, url: None }];
        Policy { logs, witnesses: Vec::new(), quorum: None }
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// The first line that is wrong, see [`PolicyFault`].
    pub fn parse(file: &[u8]) -> Result<Policy, PolicyError> {
        let fail = |line, fault| PolicyError { line, fault };
        if file.len() > POLICY_BYTES_MAX {
            return Err(fail(1, PolicyFault::TooLong));
        }
        let mut reading = Reading::default();
        let mut number = 0;
        for line in file.split_inclusive(|byte| *byte == b'\n') {
            number += 1;
            let line =
                line.strip_suffix(b"\n").ok_or_else(|| fail(number, PolicyFault::Unterminated))?;
            reading.line(line).map_err(|fault| fail(number, fault))?;
        }
        let quorum = reading.quorum.ok_or_else(|| fail(number + 1, PolicyFault::QuorumMissing))?;
        Ok(Policy { logs: reading.logs, witnesses: reading.witnesses, quorum })
    }

    /// These logs, and one witness, if any, whose name does not matter. Asks for no quorum.
    #[cfg(feature = "witness")]
    pub(crate) fn of_logs(&self, witness: Option<VerifierKey>) -> Policy {
        let named = |key| WitnessDefinition { name: String::new(), key, url: None };
        let witnesses = witness.into_iter().map(named).collect();
        Policy { logs: self.logs.clone(), witnesses, quorum: None }
    }

    /// The logs, in the order of the file.
    #[must_use]
    pub fn logs(&self) -> &[LogDefinition] {
        &self.logs
    }

    /// The witnesses, in the order of the file.
    #[must_use]
    pub fn witnesses(&self) -> &[WitnessDefinition] {
        &self.witnesses
    }

    /// The places of the witnesses, in the order of the file.
    pub fn witness_ids(&self) -> impl Iterator<Item = WitnessId> + use<> {
        (0..self.witnesses.len()).map(WitnessId)
    }

    /// The witnesses' keys, each with its place.
    pub(super) fn witness_keys(&self) -> impl Iterator<Item = (WitnessId, &VerifierKey)> {
        self.witnesses.iter().enumerate().map(|(at, witness)| (WitnessId(at), &witness.key))
    }

    /// A witness of this policy.
    #[must_use]
    pub fn witness(&self, id: WitnessId) -> &WitnessDefinition {
        &self.witnesses[id.0]
    }

    /// Whether the quorum asks for any witness at all.
    #[must_use]
    pub fn asks_for_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Whether these cosignatures make the quorum.
    #[must_use]
    pub fn is_met_by(&self, cosignatures: &[Cosignature]) -> bool {
        let given: BTreeSet<_> = cosignatures.iter().map(|given| given.witness).collect();
        self.quorum.as_ref().is_none_or(|rule| rule.is_met_by(&given))
    }

    /// The fewest of these cosignatures that make the quorum, by their witnesses; of several choices those that the policy names first.
    /// `None` where all of them do not make it.
    #[must_use]
    pub fn least_quorum(&self, cosignatures: &[Cosignature]) -> Option<Vec<WitnessId>> {
        let given = cosignatures.iter().map(|given| given.witness).collect();
        self.quorum.as_ref().map_or(Some(Vec::new()), |rule| rule.least(&given))
    }

    /// The latest time such that these cosignatures without those that are older make the quorum. `None` where all of them do not, or
    /// no witness is asked for.
    pub(super) fn quorum_since(&self, cosignatures: &[Cosignature]) -> Option<u64> {
        let rule = self.quorum.as_ref()?;
        let mut times: Vec<u64> = cosignatures.iter().map(|given| given.time_seconds).collect();
        times.sort_unstable();
        times.into_iter().rev().find(|since| {
            let given = cosignatures.iter().filter(|given| given.time_seconds >= *since);
            rule.is_met_by(&given.map(|given| given.witness).collect())
        })
    }
}

impl Rule {
    /// The fewest of those given that keep this rule. A witness stands in one place alone, so the fewest of each member are the fewest
    /// of all.
    fn least(&self, given: &BTreeSet<WitnessId>) -> Option<Vec<WitnessId>> {
        match self {
            Rule::Witness(id) => given.contains(id).then(|| vec![*id]),
            Rule::Group(threshold, members) => {
                let mut met: Vec<_> =
                    members.iter().filter_map(|member| member.least(given)).collect();
                met.sort_by_key(Vec::len);
                (met.len() >= *threshold)
                    .then(|| met.into_iter().take(*threshold).flatten().collect())
            }
        }
    }

    fn is_met_by(&self, given: &BTreeSet<WitnessId>) -> bool {
        match self {
            Rule::Witness(id) => given.contains(id),
            Rule::Group(threshold, members) => {
                members.iter().filter(|member| member.is_met_by(given)).count() >= *threshold
            }
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct Reading<'a> {
    logs: Vec<LogDefinition>,
    witnesses: Vec<WitnessDefinition>,
    groups: usize,
    /// Names are bytes, whatever they mean: two spellings of one letter are two names.
    names: BTreeMap<&'a [u8], Rule>,
    members: BTreeSet<&'a [u8]>,
    quorum: Option<Option<Rule>>,
}

impl<'a> Reading<'a> {
    fn line(&mut self, line: &'a [u8]) -> Result<(), PolicyFault> {
        let is_control = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
        if line.iter().any(is_control) {
            return Err(PolicyFault::ControlCharacter);
        }
        let parts: Vec<&[u8]> = line
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .filter(|part| !part.is_empty())
            .collect();
        match parts[..] {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key] => self.log(key, None),
            [b"log", key, url] => self.log(key, Some(url)),
            [b"witness", name, key] => self.witness(name, key, None),
            [b"witness", name, key, url] => self.witness(name, key, Some(url)),
            [b"group", name, threshold, ref members @ ..] if !members.is_empty() => {
                self.group(name, threshold, members)
            }
            [b"quorum", name] => self.quorum(name),
            _ => Err(PolicyFault::Form),
        }
    }

    fn log(&mut self, key: &[u8], url: Option<&[u8]>) -> Result<(), PolicyFault> {
        let key = VerifierKey::parse(text(key)?).map_err(PolicyFault::Key)?;
        let known = self.logs.iter().any(|log| log.key.has_key_of(&key));
        self.admit(&key, known, self.logs.len())?;
        self.logs.push(LogDefinition { key, url: url.map(address).transpose()? });
        Ok(())
    }

    fn witness(
        &mut self,
        name: &'a [u8],
        key: &[u8],
        url: Option<&[u8]>,
    ) -> Result<(), PolicyFault> {
        let key = VerifierKey::parse_cosigner(text(key)?).map_err(PolicyFault::Key)?;
        let known = self.witnesses.iter().any(|witness| witness.key.has_key_of(&key));
        self.admit(&key, known, self.witnesses.len())?;
        let rule = Rule::Witness(WitnessId(self.witnesses.len()));
        self.define(name, rule)?;
        let name = String::from_utf8_lossy(name).into_owned();
        self.witnesses.push(WitnessDefinition { name, key, url: url.map(address).transpose()? });
        Ok(())
    }

    /// A line of a note must be by one key at most.
    fn admit(&self, key: &VerifierKey, known: bool, count: usize) -> Result<(), PolicyFault> {
        let logs = self.logs.iter().map(|log| &log.key);
        let mut all = logs.chain(self.witnesses.iter().map(|witness| &witness.key));
        if known || all.any(|other| other.collides(key)) {
            return Err(PolicyFault::DuplicateKey);
        }
        if count == POLICY_DEFINITIONS_MAX {
            return Err(PolicyFault::TooMany);
        }
        Ok(())
    }

    fn group(
        &mut self,
        name: &'a [u8],
        threshold: &[u8],
        members: &[&'a [u8]],
    ) -> Result<(), PolicyFault> {
        if self.groups == POLICY_DEFINITIONS_MAX {
            return Err(PolicyFault::TooMany);
        }
        let threshold = match threshold {
            b"all" => Some(members.len()),
            b"any" => Some(1),
            number => std::str::from_utf8(number)
                .ok()
                .and_then(parse_decimal)
                .and_then(|number| usize::try_from(number).ok()),
        };
        let threshold = threshold.filter(|number| (1..=members.len()).contains(number));
        let threshold = threshold.ok_or(PolicyFault::Threshold)?;
        let mut rules = Vec::with_capacity(members.len());
        for member in members {
            let rule = self.names.get(member).ok_or(PolicyFault::NameUnknown)?;
            if !self.members.insert(member) {
                return Err(PolicyFault::MemberTwice);
            }
            rules.push(rule.clone());
        }
        self.groups += 1;
        self.define(name, Rule::Group(threshold, rules))
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), PolicyFault> {
        if self.quorum.is_some() {
            return Err(PolicyFault::QuorumTwice);
        }
        let rule = match name {
            b"none" => None,
            name => Some(self.names.get(name).ok_or(PolicyFault::NameUnknown)?.clone()),
        };
        self.quorum = Some(rule);
        Ok(())
    }

    fn define(&mut self, name: &'a [u8], rule: Rule) -> Result<(), PolicyFault> {
        if name == b"none" || self.names.contains_key(name) {
            return Err(PolicyFault::NameTaken);
        }
        self.names.insert(name, rule);
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Result<&str, PolicyFault> {
    std::str::from_utf8(bytes).map_err(|_| PolicyFault::Key(KeyError::Malformed))
}

fn address(bytes: &[u8]) -> Result<String, PolicyFault> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| PolicyFault::Url)
}
