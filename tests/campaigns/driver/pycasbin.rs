//! Puts the same questions to the product and to pycasbin, another implementation of casbin, over the same policy files.
//! Never takes one answer for the other: the product's come from its memo and its enforcer, the others from a process of their own.
//! Two altered policies must be noticed, or the comparison is worth nothing.

use crate::dice::Dice;
use crate::fault::Fault;
use crate::tally::Tally;
use gridvault::access::{Action, Duty, Level, Policy, PolicySources};
use gridvault::purposes::{PurposeGroup, PurposeSet};
use gridvault::records::{Class, RecordType, SchemaSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

#[derive(clap::Args)]
pub struct Arguments {
    /// The Python that has casbin.
    #[arg(long)]
    python: PathBuf,
    /// How many questions.
    #[arg(long, default_value_t = 100_000)]
    requests: usize,
    /// The same seed asks the same.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The policy files.
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
}

/// Processes that answer side by side.
const PROCESSES_COUNT: usize = 2;
/// Questions to an altered policy.
const CONTROL_REQUESTS: usize = 4_000;
const ANSWERER: &str = "tests/campaigns/pycasbin/answer.py";

/// A question: the role's place in the file, and the words that casbin is asked with.
struct Request {
    role: usize,
    level: Level,
    asked: Asked,
}

enum Asked {
    Record(RecordType, Class, PurposeGroup, Action),
    Duty(Duty),
}

impl Request {
    /// The words of the line that is written for the other side.
    fn words(&self, policy: &Policy) -> String {
        let role = policy.roles()[self.role].id.as_str().to_owned();
        let level = self.level.as_str();
        match &self.asked {
            Asked::Record(topic, class, group, action) => {
                format!("{role},{level},{topic},{class},{group},{}", action.as_str())
            }
            Asked::Duty(duty) => format!("{role},{level},duty,C1,oversight,{}", duty.as_str()),
        }
    }

    /// The product's answer; nothing where its memo and its own casbin do not agree.
    fn answer(&self, policy: &Policy) -> Option<bool> {
        match self.asked {
            Asked::Record(topic, class, group, action) => {
                let memo = policy.grants(self.role, self.level, topic, class, group).has(action);
                let own = policy.allows(self.role, self.level, topic, class, group, action);
                (memo == own).then_some(memo)
            }
            Asked::Duty(duty) => Some(policy.has_duty(&policy.roles()[self.role].id, duty)),
        }
    }
}

pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let policy = load(&arguments.policies)?;
    let requests = draw(&policy, arguments.seed, arguments.requests);
    let room = tempfile::tempdir()
        .map_err(|error| Fault::io("a temporary directory in", &std::env::temp_dir(), error))?;
    let started = Instant::now();
    let expected: Vec<Option<bool>> = requests.iter().map(|one| one.answer(&policy)).collect();
    let here = started.elapsed();
    let agreed = expected.iter().all(Option::is_some);
    tally.check(
        "memo and own casbin say the same",
        if agreed {
            Ok(format!("{} questions in {here:.1?}", requests.len()))
        } else {
            Err("they differ".into())
        },
    );
    let started = Instant::now();
    let told = answers(arguments, &policy, &requests, room.path(), &arguments.policies)?;
    let there = started.elapsed();
    let differ = differences(&policy, &requests, &expected, &told);
    let yes = expected.iter().filter(|answer| **answer == Some(true)).count();
    tally.check(
        "pycasbin says what the product says",
        match differ.first() {
            None => Ok(format!("{} questions, {yes} of them yes, in {there:.1?}", told.len())),
            Some(first) => Err(format!("{} differ, first {first}", differ.len())),
        },
    );
    let both = yes * 50 > requests.len() && yes * 2 < requests.len();
    let share = format!("{yes} yes of {}", requests.len());
    tally.holds("neither always yes nor always no", both, share);
    for (what, change) in CONTROLS {
        control(arguments, &policy, room.path(), what, *change, tally)?;
    }
    Ok(())
}

/// What is altered, and how the worker's file becomes another.
type Control = (&'static str, fn(&str) -> String);

const CONTROLS: &[Control] = &[
    ("a line that is missing", |text| text.replace("grid,any,C3,registration,match,allow\n", "")),
    ("an allow that became a deny", |text| {
        text.replace("grid,any,C2,contact,read:raw,allow", "grid,any,C2,contact,read:raw,deny")
    }),
    ("a right more", |text| format!("{text}grid,any,C3,safety,read:raw,allow\n")),
];

/// The other side gets an altered file of the worker: the comparison must find it.
fn control(
    arguments: &Arguments,
    policy: &Policy,
    room: &Path,
    what: &str,
    change: fn(&str) -> String,
    tally: &mut Tally,
) -> Result<(), Fault> {
    let altered = room.join(what.replace(' ', "_"));
    copy(&arguments.policies, &altered)?;
    let file = altered.join("roles/grid_worker.csv");
    let text = read(&file)?;
    let changed = change(&text);
    if changed == text {
        tally.check(&format!("{what} is noticed"), Err("the file has no such line".into()));
        return Ok(());
    }
    std::fs::write(&file, changed).map_err(|error| Fault::io("an altered policy", &file, error))?;
    let place = policy.roles().iter().position(|role| role.id.as_str() == "grid_worker");
    let worker = place.ok_or(Fault::Malformed("roles.toml"))?;
    let mut requests = draw(policy, arguments.seed + 1, CONTROL_REQUESTS);
    for request in &mut requests {
        if matches!(request.asked, Asked::Record(..)) {
            (request.role, request.level) = (worker, policy.roles()[worker].level);
        }
    }
    let expected: Vec<Option<bool>> = requests.iter().map(|one| one.answer(policy)).collect();
    let told = answers(arguments, policy, &requests, room, &altered)?;
    let found = differences(policy, &requests, &expected, &told).len();
    let count = format!("{found} of {} answers differ", requests.len());
    tally.holds(&format!("{what} is noticed"), found > 0, count);
    Ok(())
}

fn differences(
    policy: &Policy,
    requests: &[Request],
    expected: &[Option<bool>],
    told: &[bool],
) -> Vec<String> {
    let pairs = requests.iter().zip(expected.iter().zip(told));
    pairs
        .filter(|(_, (own, other))| **own != Some(**other))
        .map(|(request, (_, other))| format!("{} is {other} there", request.words(policy)))
        .collect()
}

/// Questions over all roles: mostly at the role's own level, and duties where the role may have one.
fn draw(policy: &Policy, seed: u64, count: usize) -> Vec<Request> {
    let mut dice = Dice::new(seed, 0);
    let roles = policy.roles();
    let mut requests = Vec::with_capacity(count);
    while requests.len() < count {
        let role = dice.below(roles.len());
        let own = roles[role].level;
        let request = if own == Level::Platform && dice.percent(50) {
            Request { role, level: own, asked: Asked::Duty(*dice.one_of(&Duty::ALL)) }
        } else {
            let level = if dice.percent(90) { own } else { *dice.one_of(&Level::ALL) };
            let asked = Asked::Record(
                *dice.one_of(&RecordType::ALL),
                *dice.one_of(&Class::ALL),
                *dice.one_of(&PurposeGroup::ALL),
                *dice.one_of(&Action::ALL),
            );
            Request { role, level, asked }
        };
        requests.push(request);
    }
    requests
}

/// The answers of the other side, in the order of the questions.
fn answers(
    arguments: &Arguments,
    policy: &Policy,
    requests: &[Request],
    room: &Path,
    policies: &Path,
) -> Result<Vec<bool>, Fault> {
    let share = requests.len().div_ceil(PROCESSES_COUNT).max(1);
    let mut running: Vec<(Child, PathBuf, usize)> = Vec::new();
    for (number, part) in requests.chunks(share).enumerate() {
        let (asked, told) =
            (room.join(format!("asked-{number}")), room.join(format!("told-{number}")));
        let lines: String = part.iter().map(|one| one.words(policy) + "\n").collect();
        std::fs::write(&asked, lines).map_err(|error| Fault::io("the questions", &asked, error))?;
        let child = Command::new(&arguments.python)
            .arg(ANSWERER)
            .args([policies, &asked, &told])
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| Fault::io("python", &arguments.python, error))?;
        running.push((child, told, part.len()));
    }
    let mut answers = Vec::with_capacity(requests.len());
    for (mut child, told, count) in running {
        let status = child.wait().map_err(|error| Fault::io("python", &arguments.python, error))?;
        if !status.success() {
            return Err(Fault::Malformed("the answers: python failed"));
        }
        let text = read(&told)?;
        let part: Vec<bool> = text
            .lines()
            .filter_map(|line| match line {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            })
            .collect();
        if part.len() != count || text.lines().count() != count {
            return Err(Fault::Malformed("the answers: not one a question"));
        }
        answers.extend(part);
    }
    Ok(answers)
}

fn load(policies: &Path) -> Result<Policy, Fault> {
    let schemas = SchemaSet::built_in().map_err(|_| Fault::Malformed("schemas"))?;
    let purposes = PurposeSet::built_in(&schemas).map_err(|_| Fault::Malformed("purposes"))?;
    let (model, roles) = (read(&policies.join("model.conf"))?, read(&policies.join("roles.toml"))?);
    let narrowing = read(&policies.join("narrowing.csv"))?;
    let files = std::fs::read_dir(policies.join("roles"));
    let files = files.map_err(|error| Fault::io("the roles of", policies, error))?;
    let lines = files
        .map(|file| {
            let path = file.map_err(|error| Fault::io("the roles of", policies, error))?.path();
            let role = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            Ok((role.ok_or(Fault::Malformed("a role's file"))?, read(&path)?))
        })
        .collect::<Result<Vec<_>, Fault>>()?;
    let sources = PolicySources {
        model: &model,
        roles: &roles,
        lines,
        narrowing: &narrowing,
        purposes: PurposeSet::built_in_text(),
        anomalies: "",
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|cause| Fault::Io { what: "a runtime".into(), cause })?;
    let started = Instant::now();
    let policy = runtime
        .block_on(Policy::load(&sources, &purposes, &schemas))
        .map_err(|_| Fault::Malformed("the policy"))?;
    crate::tally::say(&format!(
        "{} roles loaded in {:.1?}",
        policy.roles().len(),
        started.elapsed()
    ));
    Ok(policy)
}

fn read(file: &Path) -> Result<String, Fault> {
    std::fs::read_to_string(file).map_err(|error| Fault::io("a policy file", file, error))
}

/// Model and role files, which are all that the other side reads.
fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    let fail = |error| Fault::io("a copy of the policy in", to, error);
    std::fs::create_dir_all(to.join("roles")).map_err(fail)?;
    std::fs::copy(from.join("model.conf"), to.join("model.conf")).map_err(fail)?;
    for file in std::fs::read_dir(from.join("roles")).map_err(fail)? {
        let path = file.map_err(fail)?.path();
        if let Some(name) = path.file_name() {
            std::fs::copy(&path, to.join("roles").join(name)).map_err(fail)?;
        }
    }
    Ok(())
}
