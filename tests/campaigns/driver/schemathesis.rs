//! Lets schemathesis try every call of the OpenAPI document with well-formed and with broken data, as several callers.
//! Never believes a green run alone: the calls that a caller may make must have succeeded, the examples that it may send must have
//! been taken, every other call stands in a list with its reason, and none may be throttled.
//! A vault of its own for each caller; where its actor cannot be multiplied, for each part of the calls.

use crate::client::{Ask, Client};
use crate::enrolment::tokens;
use crate::fault::Fault;
use crate::page::Page;
use crate::policies;
use crate::tally::{Tally, say};
use crate::vault::{Programs, Start, end, new_folder, tail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Requests that one token serves for: below the 600 refusals in an hour that lock an actor out.
const REQUESTS_PER_TOKEN: u32 = 500;
/// Longest time for one run of the tool.
const RUN_TIME_MAX: Duration = Duration::from_secs(1_800);
/// What one account says in one vault, by parameters and members of bodies: some three hundred requests where few cases are
/// tried of each call.
const WEIGHT_TOGETHER: usize = 22;
/// What a call weighs by itself.
const CALL_WEIGHT: usize = 2;
/// Cases for each call and phase up to which calls share a vault.
const EXAMPLES_TOGETHER_MAX: u32 = 5;
/// Members of members that are still counted.
const MEMBERS_DEPTH: usize = 3;
/// Parameters of a call that is not spread.
const PARAMETERS_COUNT_LIGHT: usize = 8;
/// How often is looked whether it has ended.
const RUN_POLL: Duration = Duration::from_millis(50);
/// Methods that the document may have.
const METHODS: [&str; 5] = ["get", "post", "patch", "delete", "put"];

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    /// The schemathesis program.
    #[arg(long)]
    tool: PathBuf,
    /// The folder with its configuration and hooks.
    #[arg(long, default_value = "tests/campaigns/schemathesis")]
    folder: PathBuf,
    /// Cases for each call and phase, beside those that follow from the document.
    #[arg(long, default_value_t = 100)]
    examples: u32,
    /// Seed of the cases.
    #[arg(long, default_value_t = 20_261_124)]
    seed: u64,
    /// Tokens for each caller whose actors can be multiplied.
    #[arg(long, default_value_t = 20)]
    tokens: usize,
    #[command(flatten)]
    programs: Programs,
}

/// Somebody who calls, the calls that must succeed for it at least once, and those whose example in the document must be taken.
struct Caller {
    role: Option<&'static str>,
    succeeds: &'static [&'static str],
    takes: &'static [&'static str],
}

impl Caller {
    fn name(&self) -> &'static str {
        self.role.unwrap_or("stranger")
    }
}

/// Those that have different rights over the surface, and a stranger.
const CALLERS: &[Caller] = &[
    Caller {
        role: Some("grid_worker"),
        succeeds: &[
            "create_record",
            "create_household",
            "read_record",
            "patch_record",
            "match_record",
            "create_batch",
            "query_records",
            "changes",
            "schema",
            "code_lists",
            "purposes",
        ],
        takes: OF_GRIDS,
    },
    Caller {
        role: Some("grid_head"),
        succeeds: &["create_record", "create_household", "read_record", "delete_record"],
        takes: OF_HEADS,
    },
    Caller {
        role: Some("security_admin"),
        succeeds: &["add_actor", "list_actors", "issue_token", "explain_policy", "policy_matrix"],
        takes: &["add_actor", "issue_token", "import_roster", "explain_policy", "preview_access"],
    },
    Caller {
        role: Some("compliance_auditor"),
        succeeds: &[
            "audit_entries",
            "export_audit",
            "make_pack",
            "anomalies",
            "reviews",
            "open_review",
            "rectifications",
            "list_actors",
            "explain_policy",
            "policy_matrix",
        ],
        takes: &["open_review", "make_pack", "explain_policy", "preview_access"],
    },
    Caller { role: None, succeeds: &["health", "ready", "unseal"], takes: &["unseal"] },
];

/// Whose example a worker of the grid in the examples may send.
const OF_GRIDS: &[&str] = &[
    "create_record",
    "create_household",
    "create_batch",
    "read_record",
    "patch_record",
    "match_record",
    "query_records",
    "changes",
    "day",
    "ask_raised_limit",
    "preview_access",
];

/// The head may send the same, and one that removes.
const OF_HEADS: &[&str] = &[
    "create_record",
    "create_household",
    "create_batch",
    "read_record",
    "patch_record",
    "delete_record",
    "match_record",
    "query_records",
    "changes",
    "day",
    "ask_raised_limit",
    "preview_access",
];

/// Calls that nobody of the campaign is answered at, by why. tests/product has a test of each in which somebody is.
const UNANSWERED: &[(&str, &[&str])] = &[
    (
        "names what other calls make for somebody else: a task, an approval, a post, a rotation",
        &[
            "accept_task",
            "return_task",
            "close_task",
            "decide_approval",
            "accept_delegation",
            "end_delegation",
            "end_break_glass",
            "review_break_glass",
            "place_actor",
            "confirm_post",
            "renew_post",
            "end_post",
            "draw_review",
            "settle",
            "decide_official",
            "decide_rotation",
            "pause_rotation",
            "resume_rotation",
            "cancel_rotation",
        ],
    ),
    (
        "is of the residents' desk, the counter or the police, who are not among the callers",
        &[
            "ask_erasure",
            "carry_out_erasure",
            "erasure_certificate",
            "ask_restriction",
            "ask_hold",
            "ask_release",
            "carry_out_restraint",
            "give_consent",
            "list_consents",
            "report_subject",
            "list_accesses",
            "withdraw_consent",
            "protect_address",
            "list_due",
            "counter_check",
            "ask_official",
        ],
    ),
    (
        "is of administrators who are not among the callers",
        &["rotate_keys", "seal", "change_ways", "rebuild_index"],
    ),
    (
        "names in its body or path a thing of this vault, which no document can",
        &[
            "ask_approval",
            "break_glass",
            "give_task",
            "propose_delegation",
            "occupants",
            "receipt_proof",
        ],
    ),
    ("needs a code or a proof that was given to nobody here", &["enrol", "log_in"]),
    ("has a path of a form that the tool does not hit upon", &["log_tile", "log_entries"]),
];

/// Calls that are answered where chance has it: the tool comes upon an id that another call just made, or upon a period.
const BY_CHANCE: &[&str] = &[
    "review",
    "review_entries",
    "note_review",
    "escalate_review",
    "rectify",
    "close_review",
    "audit_report",
    "new_code",
    "change_state",
];

/// Runs the campaign: each part with a vault and a tool of its own, as many at once as there are processors, because the tool uses one.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let document = document(arguments)?;
    let mut runs = Vec::new();
    for (of, caller) in CALLERS.iter().enumerate() {
        let parts = parts(arguments, caller, &document);
        runs.extend(parts.into_iter().map(|part| (of, part)));
    }
    let mut seen: Vec<Seen> = CALLERS.iter().map(|_| Seen::default()).collect();
    let at_once = std::thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            let (tell, runs, next) = (tell.clone(), &runs, &next);
            scope.spawn(move || {
                while let Some((of, part)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Nobody listens any more once one of them met a fault.
                    if tell.send((*of, one(arguments, &CALLERS[*of], part))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        for (of, shown) in told {
            let shown = shown?;
            shown.judge(tally);
            seen[of].add(shown.seen);
        }
        Ok::<(), Fault>(())
    })?;
    for (caller, seen) in CALLERS.iter().zip(&seen) {
        judge_caller(caller, seen, tally);
    }
    judge_all(&document, &seen, tally);
    Ok(())
}

/// Whether a caller could do what it may, so that not everything was refused.
fn judge_caller(caller: &Caller, seen: &Seen, tally: &mut Tally) {
    let missing: Vec<&str> =
        caller.succeeds.iter().copied().filter(|call| !seen.succeeded(call)).collect();
    let figures = format!("{} requests, {} calls", seen.requests(), seen.calls.len());
    let not_taken: Vec<&str> =
        caller.takes.iter().copied().filter(|call| !seen.taken.contains(*call)).collect();
    let said = match not_taken.is_empty() {
        true => format!("{} of {}", caller.takes.len(), seen.taken.len()),
        false => format!("not those of {not_taken:?}"),
    };
    tally.holds(
        &format!("{}: the examples of what it may do are taken", caller.name()),
        not_taken.is_empty(),
        said,
    );
    tally.check(
        &format!("{}: what it may do was done, and nothing was throttled", caller.name()),
        match (missing.is_empty(), seen.count(429)) {
            (true, 0) => Ok(figures),
            (_, throttled) => {
                Err(format!("no success of {missing:?}; {throttled} of {figures} throttled"))
            }
        },
    );
}

/// Whether every call of the document was answered to somebody, or is known to have nobody here whom it answers.
fn judge_all(document: &Value, seen: &[Seen], tally: &mut Tally) {
    let unanswered: BTreeSet<&str> =
        UNANSWERED.iter().flat_map(|(_, calls)| calls.iter().copied()).collect();
    let all: Vec<&str> = operations(document).map(|(id, _)| id).collect();
    let was_answered = |id: &str| seen.iter().any(|seen| seen.succeeded(id));
    let is_listed = |id: &str| unanswered.contains(id) || BY_CHANCE.contains(&id);
    let silent: Vec<&&str> = all.iter().filter(|id| !was_answered(id) && !is_listed(id)).collect();
    let said = match silent.is_empty() {
        true => format!("{} of {}", all.iter().filter(|id| was_answered(id)).count(), all.len()),
        false => format!("nobody was answered at {silent:?}"),
    };
    tally.holds("every call is answered, but for those that are listed", silent.is_empty(), said);
    let mut untrue: Vec<&str> = unanswered.iter().copied().filter(|id| was_answered(id)).collect();
    untrue.extend(unanswered.iter().chain(BY_CHANCE).copied().filter(|id| !all.contains(id)));
    let said = match untrue.is_empty() {
        true => format!("{} calls", unanswered.len()),
        false => format!("{untrue:?} are answered, or not there"),
    };
    tally.holds("the list has no other", untrue.is_empty(), said);
}

/// The calls of a document by their ids.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let items = document["paths"].as_object().into_iter().flatten();
    let operations = items.flat_map(|(_, item)| METHODS.map(|method| &item[method]));
    operations.filter_map(|operation| Some((operation["operationId"].as_str()?, operation)))
}

/// The document of a vault as it is tried here.
fn document(arguments: &Arguments) -> Result<Value, Fault> {
    let folder = new_folder()?;
    let vault = start_of(arguments, folder.path())?.serve()?;
    Client::new(&vault.page.url).must(&Ask::open("GET", "/openapi.json"), 200)
}

/// What one vault serves: some calls or all of them, with data of one kind or of both.
#[derive(Default)]
struct Part {
    calls: Vec<String>,
    mode: Option<&'static str>,
}

/// The calls of the document, in the parts that one vault serves. A head's removals need a record that nobody changed.
/// An administrator has one account and nobody can make a second one alone, so what would be refused too often is spread
/// over several vaults. Officers can be enrolled, as many as it takes.
fn parts(arguments: &Arguments, caller: &Caller, document: &Value) -> Vec<Part> {
    let alone = |id: &str| Part { calls: vec![id.to_owned()], mode: None };
    match caller.role {
        Some("grid_head") => return vec![alone("delete_record"), Part::default()],
        Some("security_admin") => {}
        _ => return vec![Part::default()],
    }
    let weight_max = if arguments.examples > EXAMPLES_TOGETHER_MAX { 0 } else { WEIGHT_TOGETHER };
    let (mut shared, mut shared_weight) = (Part::default(), 0);
    let mut parts = Vec::new();
    for (id, operation) in operations(document) {
        let content = &operation["requestBody"]["content"];
        let parameters = operation["parameters"].as_array().map_or(0, Vec::len);
        // Each parameter is tried in many ways, and a line may be anything that another call takes.
        if parameters > PARAMETERS_COUNT_LIGHT || !content["application/x-ndjson"].is_null() {
            for mode in ["positive", "negative"] {
                parts.push(Part { mode: Some(mode), ..alone(id) });
            }
            continue;
        }
        let bodies = content.as_object().into_iter().flatten();
        let bodies = bodies.map(|(_, body)| members(document, &body["schema"], MEMBERS_DEPTH));
        let weight = CALL_WEIGHT + parameters + bodies.sum::<usize>();
        if shared_weight + weight > weight_max && !shared.calls.is_empty() {
            parts.push(std::mem::take(&mut shared));
            shared_weight = 0;
        }
        shared.calls.push(id.to_owned());
        shared_weight += weight;
    }
    parts.push(shared);
    parts
}

/// How many members a body may have, those of its members among them.
fn members(document: &Value, schema: &Value, depth: usize) -> usize {
    let named = schema["$ref"].as_str().and_then(|name| document.pointer(name.strip_prefix('#')?));
    let schema = named.unwrap_or(schema);
    if depth == 0 {
        return 0;
    }
    let own = schema["properties"].as_object().into_iter().flatten();
    let own = own.map(|(_, member)| 1 + members(document, member, depth - 1)).sum::<usize>();
    let forms = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|word| schema[word].as_array());
    let forms = forms.flatten().chain([&schema["items"]]);
    own + forms.map(|form| members(document, form, depth - 1)).sum::<usize>()
}

fn start_of(arguments: &Arguments, folder: &Path) -> Result<Start, Fault> {
    let policies = Some(policies::wide(folder)?);
    Ok(Start { policies, ..Start::below(folder, &arguments.programs)? })
}

/// What one run of the tool showed.
struct Shown {
    name: String,
    /// What the tool said, where it found something.
    found: Option<String>,
    /// What the vault answered when it was asked afterwards whether it serves.
    ready: u16,
    seen: Seen,
}

impl Shown {
    fn judge(&self, tally: &mut Tally) {
        let Shown { name, found, ready, seen } = self;
        let outcome = match found {
            None => Ok(format!("{} requests", seen.requests())),
            Some(said) => {
                say(said);
                Err("see above".to_owned())
            }
        };
        tally.check(&format!("schemathesis as {name}"), outcome);
        tally.check(
            &format!("the vault still serves after {name}"),
            if *ready == 200 { Ok("ready".into()) } else { Err(ready.to_string()) },
        );
    }
}

/// One run of the tool against a vault of its own.
fn one(arguments: &Arguments, caller: &Caller, part: &Part) -> Result<Shown, Fault> {
    let folder = new_folder()?;
    let vault = start_of(arguments, folder.path())?.serve()?;
    let page = &vault.page;
    let pool = folder.path().join("tokens");
    write(&pool, &tokens_of(arguments, caller.role, page)?.join("\n"))?;
    let (said, log) = (folder.path().join("tool.out"), folder.path().join("seen"));
    write(&log, "")?;
    let mut command = Command::new(absolute(&arguments.tool)?);
    let config = arguments.folder.join("schemathesis.toml");
    command
        .arg("--config-file")
        .arg(absolute(&config)?)
        .args(["run", &format!("{}/openapi.json", page.url), "--checks", "all"])
        .args(["--max-examples", &arguments.examples.to_string()])
        .args(["--seed", &arguments.seed.to_string()])
        .args(["--continue-on-failure", "--generation-database", "none", "--no-color"])
        .args(["--warnings", "off"])
        .args(part.calls.iter().flat_map(|id| ["--include-operation-id", id]))
        .args(part.mode.into_iter().flat_map(|mode| ["--mode", mode]))
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", absolute(&arguments.folder)?)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("GRIDVAULT_TOKENS", &pool)
        .env("GRIDVAULT_REQUESTS_PER_TOKEN", REQUESTS_PER_TOKEN.to_string())
        .env("GRIDVAULT_SEEN", &log)
        .env("GRIDVAULT_RECORD", &page.sample.record)
        .env("GRIDVAULT_ACTOR", page.worker_id()?);
    let found_nothing = run_tool(&mut command, &said)?;
    let name = match &part.calls[..] {
        [only] => format!("{}: {only}", caller.name()),
        _ => caller.name().to_owned(),
    };
    let mut seen = Seen::default();
    seen.read(&log)?;
    let found = (!found_nothing).then(|| std::fs::read_to_string(&said).unwrap_or_default());
    let ready = Client::new(&page.url).send(&Ask::open("GET", "/readyz"))?.status;
    Ok(Shown { name, found, ready, seen })
}

/// Whether the tool found nothing.
fn run_tool(command: &mut Command, said: &Path) -> Result<bool, Fault> {
    let output = File::create(said).map_err(|error| Fault::io("creating", said, error))?;
    let errors = output.try_clone().map_err(|error| Fault::io("opening", said, error))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(|_| Fault::ToolMissing("schemathesis"))?;
    let started = Instant::now();
    loop {
        let ended = child.try_wait().map_err(|error| Fault::io("waiting for", said, error))?;
        if let Some(status) = ended {
            return match status.code() {
                Some(0) => Ok(true),
                Some(1) => Ok(false),
                _ => {
                    let output = tail(said);
                    Err(Fault::Ended { program: "schemathesis".into(), status, output })
                }
            };
        }
        if started.elapsed() > RUN_TIME_MAX {
            end(&mut child);
            return Err(Fault::OutOfTime { what: "the end of schemathesis", limit: RUN_TIME_MAX });
        }
        std::thread::sleep(RUN_POLL);
    }
}

/// Tokens of actors with the same rights: newly enrolled ones, or the only one of an administrator.
fn tokens_of(arguments: &Arguments, role: Option<&str>, page: &Page) -> Result<Vec<String>, Fault> {
    match role {
        None => Ok(Vec::new()),
        Some(role) if role.ends_with("_admin") => Ok(vec![page.token(role, None)?.to_owned()]),
        Some(role) => tokens(&Client::new(&page.url), page, role, role, arguments.tokens),
    }
}

/// What came back, by call.
#[derive(Default)]
struct Seen {
    calls: BTreeMap<String, BTreeMap<u16, u64>>,
    /// Calls whose example in the document was taken.
    taken: BTreeSet<String>,
}

impl Seen {
    /// Reads what the hooks wrote: call, phase, mode and status.
    fn read(&mut self, path: &Path) -> Result<(), Fault> {
        let text = std::fs::read_to_string(path).map_err(|e| Fault::io("reading", path, e))?;
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [call, phase, _, status] = words[..] else {
                return Err(Fault::Malformed("a line of the hooks"));
            };
            let status: u16 = status.parse().map_err(|_| Fault::Malformed("a status"))?;
            *self.calls.entry(call.to_owned()).or_default().entry(status).or_default() += 1;
            if phase == "examples" && (200..300).contains(&status) {
                self.taken.insert(call.to_owned());
            }
        }
        Ok(())
    }

    /// Takes in what came back in another run.
    fn add(&mut self, other: Seen) {
        for (call, statuses) in other.calls {
            let own = self.calls.entry(call).or_default();
            for (status, count) in statuses {
                *own.entry(status).or_default() += count;
            }
        }
        self.taken.extend(other.taken);
    }

    fn requests(&self) -> u64 {
        self.calls.values().flat_map(BTreeMap::values).sum()
    }

    fn count(&self, status: u16) -> u64 {
        self.calls.values().filter_map(|statuses| statuses.get(&status)).sum()
    }

    fn succeeded(&self, call: &str) -> bool {
        let statuses = self.calls.get(call);
        statuses.is_some_and(|statuses| statuses.keys().any(|status| (200..300).contains(status)))
    }
}

fn write(path: &Path, text: &str) -> Result<(), Fault> {
    std::fs::write(path, text).map_err(|error| Fault::io("writing", path, error))
}

fn absolute(path: &Path) -> Result<PathBuf, Fault> {
    std::path::absolute(path).map_err(|error| Fault::io("finding", path, error))
}
