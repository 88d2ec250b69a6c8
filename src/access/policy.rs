//! Reads the policy files, checks every word, and answers what a role is granted at one point.
//! Never falls back: an unknown word, a duplicate or a missing file stops the start.
//! casbin is the authority; its answers are kept in a table whose index is the whole question.

use super::enforcer::{Line, RoleEnforcer};
use super::grants::{Action, Grants, Level};
use super::narrowing::Narrowing;
use super::question::Duty;
use super::raise::{ApprovalTerms, RaiseTerms};
use super::readiness::TrainingRules;
use super::role::{Role, RoleFamily, RoleId, RolesRead, read_roles};
use super::urgent::{self, Urgent};
use crate::limits::LINES_COUNT_MAX;
use crate::purposes::{PurposeGroup, PurposeSet};
use crate::records::{Class, Field, RecordType, SchemaSet};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The text of the policy files.
pub struct PolicySources<'a> {
    /// `policies/model.conf`
    pub model: &'a str,
    /// `policies/roles.toml`
    pub roles: &'a str,
    /// `policies/roles/<role>.csv`: role and text.
    pub lines: Vec<(String, String)>,
    /// `policies/narrowing.csv`
    pub narrowing: &'a str,
    /// `policies/purposes.toml`, for the digest.
    pub purposes: &'a str,
    /// `policies/anomalies.toml`, for the digest.
    pub anomalies: &'a str,
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A word that means nothing here.
    #[error("{file}, line {line}: unknown {what} \"{word}\"")]
    UnknownWord {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: u64,
        /// What the word should have named.
        what: &'static str,
        /// The word.
        word: String,
    },
    /// A line without the right number of fields, or said twice.
    #[error("{file}, line {line}: {what}")]
    Line {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A file that does not parse.
    #[error("{file}: {reason}")]
    File {
        /// The file.
        file: String,
        /// What the parser says.
        reason: String,
    },
    /// Two roles of one name, a role without a file or a file without a role.
    #[error("role \"{role}\": {what}")]
    Role {
        /// The role.
        role: String,
        /// What is wrong.
        what: &'static str,
    },
    /// casbin refused the model or a line.
    #[error("casbin refused the policy: {0}")]
    Casbin(String),
}

/// A policy that was read whole and understood whole.
pub struct Policy {
    roles: Vec<Role>,
    urgent: Option<Urgent>,
    approvals: ApprovalTerms,
    raises: Option<RaiseTerms>,
    training: TrainingRules,
    by_word: FxHashMap<Arc<str>, usize>,
    enforcers: Vec<RoleEnforcer>,
    narrowing: Narrowing,
    duties: Vec<[bool; Duty::ALL.len()]>,
    table: Box<[AtomicU64]>,
    known: Box<[AtomicU64]>,
    digest: [u8; 32],
}

/// The bit of a remembered set of lines that says that it was asked for.
const KNOWN_ASKED: u64 = 1 << 63;

const TOPICS: usize = RecordType::ALL.len();
const CLASSES: usize = 4;
const GROUPS: usize = PurposeGroup::ALL.len();
const CELLS_PER_ROLE: usize = Level::ALL.len() * TOPICS * CLASSES * GROUPS;

impl Policy {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// The first thing that is wrong, with its file and line.
    pub async fn load(
        sources: &PolicySources<'_>,
        purposes: &PurposeSet,
        schemas: &SchemaSet,
    ) -> Result<Policy, PolicyError> {
        let RolesRead { roles, urgent, approvals, raises, training } = read_roles(sources.roles)?;
        urgent::check(urgent.as_ref(), &roles, purposes, schemas)?;
        check_counters(&roles, schemas)?;
        let by_word: FxHashMap<Arc<str>, usize> =
            roles.iter().enumerate().map(|(index, role)| (role.id.0.clone(), index)).collect();
        let mut files: BTreeMap<&str, &str> = BTreeMap::new();
        for (role, text) in &sources.lines {
            if !by_word.contains_key(role.as_str()) {
                return Err(PolicyError::Role { role: role.clone(), what: "is not in roles.toml" });
            }
            if files.insert(role, text).is_some() {
                return Err(PolicyError::Role { role: role.clone(), what: "has two policy files" });
            }
        }
        let mut enforcers = Vec::with_capacity(roles.len());
        for role in &roles {
            let text = files.get(role.id.as_str()).ok_or(PolicyError::Role {
                role: role.id.as_str().into(),
                what: "has no policy file",
            })?;
            let lines = read_lines(role, text)?;
            check_cases(role, &roles, &lines)?;
            enforcers.push(RoleEnforcer::new(sources.model, lines).await?);
        }
        let narrowing = Narrowing::read(sources.narrowing, &by_word, purposes, schemas)?;
        let cells = |count: usize| (0..count).map(|_| AtomicU64::new(0)).collect();
        let table = cells(roles.len() * CELLS_PER_ROLE);
        let known = cells(roles.len() * TOPICS);
        let digest = digest(sources, schemas);
        let duties = Vec::new();
        let mut policy = Policy {
            roles,
            urgent,
            approvals,
            raises,
            training,
            by_word,
            enforcers,
            narrowing,
            duties,
            table,
            known,
            digest,
        };
        policy.duties = (0..policy.roles.len())
            .map(|role| {
                let mut granted = [false; Duty::ALL.len()];
                for duty in Duty::ALL {
                    granted[duty as usize] = policy.enforce_duty(role, duty)?;
                }
                Ok(granted)
            })
            .collect::<Result<_, PolicyError>>()?;
        Ok(policy)
    }

    /// SHA-256 over all policy, purpose and schema files, names and lengths included.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The roles, in the order of the file.
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// The terms of emergency access, where there is any.
    pub fn urgent(&self) -> Option<&Urgent> {
        self.urgent.as_ref()
    }

    /// How often a second person is asked.
    pub(super) fn approvals(&self) -> &ApprovalTerms {
        &self.approvals
    }

    /// How far a second person raises a limit, where one does.
    pub fn raises(&self) -> Option<&RaiseTerms> {
        self.raises.as_ref()
    }

    /// How long training counts, and how early its end is said.
    pub fn training(&self) -> TrainingRules {
        self.training
    }

    /// The role of this slug.
    pub fn role(&self, word: &str) -> Option<&Role> {
        self.by_word.get(word).map(|index| &self.roles[*index])
    }

    pub(super) fn index(&self, role: &RoleId) -> Option<usize> {
        self.by_word.get(&role.0).copied()
    }

    /// What a role is granted at a point, before any purpose narrows it. Remembered after the first time.
    pub fn grants(
        &self,
        role: usize,
        level: Level,
        topic: RecordType,
        class: Class,
        group: PurposeGroup,
    ) -> Grants {
        let point = (role * Level::ALL.len() + level as usize) * TOPICS + place_of(topic);
        let cell = (point * CLASSES + class as usize) * GROUPS + group as usize;
        // The index is the whole question, so an answer can never be that of another question.
        if let Some(known) = Grants::unpack(self.table[cell].load(Ordering::Relaxed)) {
            return known;
        }
        let grants = self.enforce(role, level, topic, class, group);
        self.table[cell].store(grants.pack(), Ordering::Relaxed);
        grants
    }

    /// The same asked of casbin itself. An error is a no.
    pub fn enforce(
        &self,
        role: usize,
        level: Level,
        topic: RecordType,
        class: Class,
        group: PurposeGroup,
    ) -> Grants {
        let enforcer = &self.enforcers[role];
        let point = [level.as_str(), topic.as_str(), class.as_str(), group.as_str()];
        let mut grants = Grants::NONE;
        for action in Action::ALL {
            if enforcer.allows(point, action) {
                grants.add(action, deciding_line(enforcer.lines(), point, action));
            }
        }
        grants
    }

    /// One question to casbin, over all lines of the role. An error is a no.
    pub fn allows(
        &self,
        role: usize,
        level: Level,
        topic: RecordType,
        class: Class,
        group: PurposeGroup,
        action: Action,
    ) -> bool {
        let (level, topic) = (level.as_str(), topic.as_str());
        let question = [level, topic, class.as_str(), group.as_str(), action.as_str()];
        self.enforcers[role].enforce_whole(question).unwrap_or(false)
    }

    fn enforce_duty(&self, role: usize, duty: Duty) -> Result<bool, PolicyError> {
        self.enforcers[role].enforce_whole(["platform", "duty", "C1", "oversight", duty.as_str()])
    }

    /// Whether a role has a duty that is about no record.
    pub fn has_duty(&self, role: &RoleId, duty: Duty) -> bool {
        self.index(role).is_some_and(|index| self.duties[index][duty as usize])
    }

    /// What a purpose leaves of a role's grants over a field. A role that it does not name gets nothing.
    pub(super) fn narrowed(
        &self,
        grants: Grants,
        role: usize,
        purpose: &str,
        field: &str,
    ) -> Grants {
        self.narrowing.leaves(grants, role, purpose, field)
    }

    /// Whether a role may know of records of a type: for some active purpose it has at least `match` on a field, with or
    /// without a condition. An assignment of a line has that line's purposes alone. Remembered after the first time.
    pub(super) fn knows(&self, role: usize, topic: RecordType, line: Option<&str>) -> bool {
        let cell = &self.known[role * TOPICS + place_of(topic)];
        let remembered = cell.load(Ordering::Relaxed);
        let lines = if remembered & KNOWN_ASKED == 0 {
            let level = self.roles[role].level;
            let granted = |class, group| self.grants(role, level, topic, class, group);
            let lines = self.narrowing.lines_that_know(role, topic, granted);
            cell.store(lines | KNOWN_ASKED, Ordering::Relaxed);
            lines
        } else {
            remembered & !KNOWN_ASKED
        };
        lines & line.map_or(u64::MAX, |line| self.narrowing.bit(line)) != 0
    }
}

/// A counter checks by fields of a person that are matched by their value, and is somewhere.
fn check_counters(roles: &[Role], schemas: &SchemaSet) -> Result<(), PolicyError> {
    let person = schemas.get(RecordType::Person);
    let matched = |name: &str| {
        person.and_then(|schema| schema.field(name)).is_some_and(Field::is_matched_by_value)
    };
    for role in roles {
        let wrong = |what| PolicyError::Role { role: role.id.as_str().into(), what };
        if role.checks_by.iter().any(|name| !matched(name)) {
            return Err(wrong("checks at the counter by what is no matched field of a person"));
        }
        if role.sensitive_at_counter && role.checks_by.is_empty() {
            return Err(wrong("opens something at a counter that it does not have"));
        }
        let counter = !role.checks_by.is_empty() || role.serves_residents;
        if counter && role.family != RoleFamily::Business {
            return Err(wrong("sees no record, and serves residents"));
        }
    }
    Ok(())
}

/// What opens inside a task alone opens to somebody: another role gives the task, or the role begins one by a check at the counter, by a
/// request of an organ or in an emergency. A line that nobody can ever use promises what the policy does not keep.
fn check_cases(role: &Role, roles: &[Role], lines: &[Line]) -> Result<(), PolicyError> {
    let needs = lines.iter().any(|[.., action, effect]| {
        let in_task = [Action::ReadRawInTask, Action::WriteInTask].map(Action::as_str);
        in_task.contains(&action.as_str()) && effect == "allow"
    });
    let given = roles.iter().any(|giver| giver.gives_tasks_to.contains(&role.id));
    let begins = !role.checks_by.is_empty() || role.official_requests || !role.emergency.is_empty();
    if needs && !given && !begins {
        let what = "opens something inside a task, and nobody gives it one";
        return Err(PolicyError::Role { role: role.id.as_str().into(), what });
    }
    Ok(())
}

fn place_of(topic: RecordType) -> usize {
    RecordType::ALL.iter().position(|one| *one == topic).unwrap_or(0)
}

pub(super) fn reader(text: &str) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .comment(Some(b'#'))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes())
}

fn read_lines(role: &Role, text: &str) -> Result<Vec<Line>, PolicyError> {
    let file = format!("roles/{}.csv", role.id.as_str());
    let mut lines: Vec<Line> = Vec::new();
    for record in reader(text).records() {
        let record = record
            .map_err(|error| PolicyError::File { file: file.clone(), reason: error.to_string() })?;
        let number = record.position().map_or(0, csv::Position::line);
        let words: Vec<String> = record.iter().map(str::to_owned).collect();
        let line: Line = words.try_into().map_err(|_| PolicyError::Line {
            file: file.clone(),
            line: number,
            what: "needs level, topic, class, group, action, effect",
        })?;
        check_line(role, &line, &file, number)?;
        if lines.contains(&line) {
            return Err(PolicyError::Line { file, line: number, what: "said twice" });
        }
        lines.push(line);
    }
    if lines.len() > LINES_COUNT_MAX {
        return Err(PolicyError::Line { file, line: 0, what: "more than 20 lines" });
    }
    Ok(lines)
}

fn check_line(role: &Role, line: &Line, file: &str, number: u64) -> Result<(), PolicyError> {
    let [level, topic, class, group, action, effect] = line.each_ref().map(String::as_str);
    let any = |word: &str| word == "any";
    let duty = topic == "duty";
    let checks = [
        ("level of this role", level, level == role.level.as_str()),
        ("topic", topic, any(topic) || duty || RecordType::ALL.iter().any(|t| t.as_str() == topic)),
        ("class", class, any(class) || Class::ALL.iter().any(|one| one.as_str() == class)),
        (
            "purpose group",
            group,
            any(group) || PurposeGroup::ALL.iter().any(|g| g.as_str() == group),
        ),
        (
            "action",
            action,
            if duty { may_have_duty(role, action) } else { may_have_action(role, action) },
        ),
        ("effect", effect, effect == "allow" || effect == "deny"),
    ];
    match checks.into_iter().find(|(.., known)| !known) {
        None => Ok(()),
        Some((what, word, _)) => Err(PolicyError::UnknownWord {
            file: file.into(),
            line: number,
            what,
            word: word.into(),
        }),
    }
}

/// A duty knows no area, so a role that has one has none either.
fn may_have_duty(role: &Role, word: &str) -> bool {
    role.level == Level::Platform && Duty::ALL.iter().any(|duty| duty.as_str() == word)
}

/// Who watches over the vault may be told how many there are, and nothing else about records.
fn may_have_action(role: &Role, word: &str) -> bool {
    let known = Action::ALL.iter().find(|action| action.as_str() == word);
    known.is_some_and(|action| match role.family {
        RoleFamily::Business => true,
        RoleFamily::Oversight => *action == Action::Count,
        RoleFamily::Administration => false,
    })
}

/// The number, from 1, of the first line that grants what casbin allowed; 0 if none can be named.
fn deciding_line(lines: &[Line], [level, topic, class, group]: [&str; 4], action: Action) -> u8 {
    let question = [level, topic, class, group, action.as_str()];
    let grants = |line: &Line| {
        let words = question.iter().zip(line).enumerate();
        line[5] == "allow"
            && words.into_iter().all(|(place, (asked, word))| {
                *asked == *word || ((1..=3).contains(&place) && word == "any")
            })
    };
    let found = lines.iter().position(grants);
    found.and_then(|index| u8::try_from(index + 1).ok()).unwrap_or(0)
}

fn digest(sources: &PolicySources<'_>, schemas: &SchemaSet) -> [u8; 32] {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let mut add = |name: &str, bytes: &[u8]| {
        context.update(&(name.len() as u64).to_be_bytes());
        context.update(name.as_bytes());
        context.update(&(bytes.len() as u64).to_be_bytes());
        context.update(bytes);
    };
    add("model.conf", sources.model.as_bytes());
    add("roles.toml", sources.roles.as_bytes());
    let files: BTreeMap<&String, &String> =
        sources.lines.iter().map(|(role, text)| (role, text)).collect();
    for (role, text) in files {
        add(role, text.as_bytes());
    }
    add("narrowing.csv", sources.narrowing.as_bytes());
    add("purposes", sources.purposes.as_bytes());
    add("anomalies", sources.anomalies.as_bytes());
    add("schemas", schemas.digest_input());
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}
