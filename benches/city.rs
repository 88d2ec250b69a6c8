//! A city of staff under measure: how soon its directory is ready, how long a decision takes, what it all weighs in memory.
//! Never over a socket: the rooms of a vault and its own door, with journal and engine on the disk of the directory named.
//! `cargo bench --bench city`; it prints figures beside the goals and judges none, since on a busy machine all are wrong.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

#[expect(dead_code, reason = "the small vault is that of other benches")]
mod shared;

use clap::Parser;
use gridvault::access::{
    Access, ActorId, Ask, Item, Level, Matter, Origin, Question, Readiness, Standing,
};
use gridvault::ambient::Micros;
use gridvault::http::{Call, Local, Method, Rooms};
use gridvault::identity::{
    ActorKind, ActorRecord, ActorState, AssignmentRecord, Directory, NewActor, ReadinessRecord,
    SecrecyTerm,
};
use gridvault::limits::SEGMENT_BYTES;
use gridvault::purposes::PurposeGroup;
use gridvault::records::{Class, RecordType};
use gridvault::store::EngineKind;
use gridvault::territory::{CellData, CellId, GridData, MappingData, Territory, TerritoryData};
use gridvault::trail::{Announcement, FileMedia};
use serde_json::{Value, json};
use shared::{Fallible, Ground, fresh_keyring, open, policy};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::task::JoinSet;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// For which purpose heads have numbers looked up again.
const CORRECTION: &str = "record_correction";
const REGISTRATION: &str = "residence_registration";
/// How long a pair is approved for: 300 days.
const PAIR_MICROS: i64 = 300 * 86_400_000_000;
/// What waits at once while the city is filled.
const AT_ONCE_COUNT: usize = 256;
/// Policies that are asked their first questions.
const COLD_POLICIES_COUNT: usize = 8;

#[derive(Parser)]
struct Arguments {
    /// Grids of the city: three actors and two tasks each.
    #[arg(long, default_value_t = 10_000)]
    grids: u32,
    /// Decisions that are timed.
    #[arg(long, default_value_t = 100_000)]
    decisions: usize,
    /// Where the vault lies; a temporary directory if none is said.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Cargo says it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Somebody of the city: which of the three, and its grid.
#[derive(Clone, Copy)]
struct Member {
    id: ActorId,
    grid: u32,
    kind: u8,
}

fn main() -> Fallible<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let directory = match &arguments.dir {
        Some(directory) => tempfile::tempdir_in(directory)?,
        None => tempfile::tempdir()?,
    };
    let keyring = fresh_keyring(directory.path())?;
    let ground = Ground {
        directory: directory.path(),
        origin: "bench.gridvault.example/city",
        keyring: keyring.clone(),
        engine: EngineKind::Sled,
        media: Arc::new(FileMedia),
        segment_bytes: SEGMENT_BYTES,
    };
    let rooms = Arc::new(runtime.block_on(open(ground))?);
    let start = Instant::now();
    let territory = Territory::from_data(city_of(arguments.grids)?)?;
    println!("tree of {} grids ready in {:.2?}", arguments.grids, start.elapsed());
    rooms.territory.store(Arc::new(territory));

    let before = resident_mib();
    let members = runtime.block_on(enrol(&rooms, arguments.grids))?;
    let enrolled = resident_mib();
    let start = Instant::now();
    let second = Directory::new(keyring);
    runtime.block_on(second.load(&rooms.store))?;
    let (mut actors, mut posts) = (0, 0);
    second.each(|_, assignments| {
        actors += 1;
        posts += assignments.len();
    });
    println!(
        "directory of {actors} actors with {posts} assignments ready in {:.2?} (goal < 1 s)",
        start.elapsed()
    );
    println!(
        "resident: {before} MiB before, {enrolled} MiB with the actors, {} MiB with the directory twice",
        resident_mib()
    );
    drop(second);
    let tasks = runtime.block_on(give_tasks(&rooms, &members))?;
    println!("{tasks} open tasks; resident {} MiB", resident_mib());
    runtime.block_on(calls(&rooms, &members))?;
    decisions(&rooms, &members, arguments.decisions);
    runtime.block_on(cold(&rooms))?;
    Ok(())
}

/// The code of a grid: five in a community, twenty communities in a street, ten streets in a county.
fn code(grid: u32) -> String {
    let (community, number) = (grid / 5, grid % 5 + 1);
    let (street, within) = (community / 20, community % 20 + 1);
    let (county, of_county) = (street / 10 + 2, street % 10 + 1);
    format!("8801{county:02}{of_county:03}{within:03}{number:04}")
}

fn city_of(grids: u32) -> Fallible<TerritoryData> {
    let mut data = TerritoryData::default();
    for grid in 0..grids {
        let code = code(grid).parse()?;
        data.grids.push(GridData {
            code,
            name: format!("grid {grid}"),
            host_grid: None,
            valid_from: 0,
            valid_to: None,
            predecessors: Vec::new(),
            aliases: Vec::new(),
        });
        let mapping = vec![MappingData { grid: code, from: 0, to: None }];
        data.cells.push(CellData { cell: CellId::new(u64::from(grid) + 1), mapping });
    }
    Ok(data)
}

/// A worker of two grids, a head who stands in next door, and a building head who reports for the community.
fn posts_of(member: Member, grids: u32, now: Micros) -> [AssignmentRecord; 2] {
    let (own, next) = (code(member.grid), code((member.grid + 1) % grids));
    let community = own[..12].to_owned();
    let [one, other] = match member.kind {
        0 => [("grid_worker", own, false), ("grid_worker", next, false)],
        1 => [("grid_head", own, false), ("grid_stand_in", next, true)],
        _ => [("building_head", own, false), ("volunteer", community, false)],
    };
    let post = |place: u8, (role, area, pair): (&str, String, bool)| {
        let mut id = *member.id.as_bytes();
        id[0] = place;
        AssignmentRecord {
            id,
            role: role.to_owned(),
            area: Some(area),
            line: None,
            lead: false,
            unconfirmed_by: None,
            windows: pair.then(Vec::new),
            readiness: ReadinessRecord {
                secrecy_term: Some(SecrecyTerm { signed: 0, document: "B-1".to_owned() }),
                trained_until: Some(i64::MAX),
            },
            from: now.0,
            until: pair.then_some(now.0 + PAIR_MICROS),
        }
    };
    [post(1, one), post(2, other)]
}

async fn enrol(rooms: &Arc<Rooms>, grids: u32) -> Fallible<Vec<Member>> {
    let mut members = Vec::new();
    for grid in 0..grids {
        for kind in 0..3 {
            let id = ActorId::from_bytes(rooms.random.bytes16()?);
            members.push(Member { id, grid, kind });
        }
    }
    let (start, now) = (Instant::now(), rooms.clock.now());
    let mut waiting = JoinSet::new();
    for (number, member) in members.iter().copied().enumerate() {
        if waiting.len() >= AT_ONCE_COUNT {
            waiting.join_next().await.ok_or("nothing waits")??;
        }
        let rooms = rooms.clone();
        waiting.spawn(async move {
            let posts = posts_of(member, grids, now);
            let role = posts[0].role.clone();
            let record = ActorRecord {
                id: member.id,
                login: format!("actor{number}"),
                kind: ActorKind::Person,
                state: ActorState::Active,
                assignments: posts.into(),
                tokens_from: 0,
                own: None,
                log_in_key: None,
            };
            let change = rooms.identity.directory().addition(&NewActor { record });
            let enrolled = Announcement::Enrolled { actor: *member.id.as_bytes(), role };
            let change = change.expect("an actor that can be");
            rooms.trail.announce_change(enrolled, change).await.expect("an entry");
        });
    }
    while let Some(done) = waiting.join_next().await {
        done?;
    }
    println!("{} actors enrolled in {:.2?}", members.len(), start.elapsed());
    Ok(members)
}

/// The head of each grid stores somebody and has the worker look two numbers up again.
async fn give_tasks(rooms: &Arc<Rooms>, members: &[Member]) -> Fallible<usize> {
    let start = Instant::now();
    let door = Local::new(rooms.clone());
    let mut waiting: JoinSet<Result<usize, String>> = JoinSet::new();
    let mut given = 0;
    for grid in members.chunks(3) {
        if waiting.len() >= AT_ONCE_COUNT / 8 {
            given += waiting.join_next().await.ok_or("nothing waits")???;
        }
        let (door, worker, head) = (door.clone(), grid[0], grid[1]);
        let token = token(rooms, head.id)?;
        let until = in_an_hour(rooms);
        waiting.spawn(async move { two_tasks(&door, &token, worker, &until).await });
    }
    while let Some(done) = waiting.join_next().await {
        given += done??;
    }
    println!("{given} tasks given in {:.2?}", start.elapsed());
    Ok(given)
}

fn in_an_hour(rooms: &Rooms) -> String {
    Micros(rooms.clock.now().0 + 3_600_000_000).rfc3339()
}

async fn two_tasks(
    door: &Local,
    token: &str,
    worker: Member,
    until: &str,
) -> Result<usize, String> {
    let body = json!({
        "type": "person", "grid": code(worker.grid), "fields": {"name": "欧阳若兰"},
        "basis": {
            "purpose": REGISTRATION, "legal_basis": "residence_permit_duty",
            "notice": "residence_registration_notice_1",
        },
    });
    let stored = post(door, token, REGISTRATION, "/v1/records", &body).await?;
    for _ in 0..2 {
        let body = json!({
            "kind": "verification", "purpose": CORRECTION, "holder": worker.id,
            "scope": {"records": [stored["id"]]}, "fields": ["id_number"], "until": until,
        });
        post(door, token, CORRECTION, "/v1/tasks", &body).await?;
    }
    Ok(2)
}

async fn post(
    door: &Local,
    token: &str,
    purpose: &str,
    path: &str,
    body: &Value,
) -> Result<Value, String> {
    let call =
        Call { token: Some(token), purpose: Some(purpose), body: Some(body), ..Call::default() };
    let (status, answer) = door.call(Method::POST, path, call).await;
    if status < 300 { Ok(answer) } else { Err(format!("{path}: {status} {answer}")) }
}

fn token(rooms: &Rooms, who: ActorId) -> Fallible<String> {
    Ok(rooms.identity.issue(who, None, 3_600, rooms.clock.now())?.show().to_owned())
}

/// What officers and workers of such a city ask, through the door, entries included.
async fn calls(rooms: &Arc<Rooms>, members: &[Member]) -> Fallible<()> {
    let door = Local::new(rooms.clone());
    let officer = ActorId::from_bytes(rooms.random.bytes16()?);
    let post = AssignmentRecord {
        role: "security_admin".to_owned(),
        area: None,
        windows: None,
        ..posts_of(Member { id: officer, grid: 0, kind: 0 }, 1, rooms.clock.now())[0].clone()
    };
    let record = ActorRecord {
        id: officer,
        login: "officer".to_owned(),
        kind: ActorKind::Person,
        state: ActorState::Active,
        assignments: vec![post],
        tokens_from: 0,
        own: None,
        log_in_key: None,
    };
    let change = rooms.identity.directory().addition(&NewActor { record })?;
    let role = "security_admin".to_owned();
    let enrolled = Announcement::Enrolled { actor: *officer.as_bytes(), role };
    rooms.trail.announce_change(enrolled, change).await?;
    let (officer, worker) = (token(rooms, officer)?, token(rooms, members[0].id)?);
    for (what, token, path) in [
        ("what ends in 30 days", &officer, "/v1/admin/assignments/expiring?within_days=30"),
        ("vacant grids", &officer, "/v1/admin/grids/vacant"),
        ("a worker's tasks", &worker, "/v1/tasks"),
        ("a worker's own posts", &worker, "/v1/actor"),
    ] {
        let mut times = Vec::new();
        for _ in 0..20 {
            let start = Instant::now();
            let call = Call { token: Some(token), ..Call::default() };
            let (status, answer) = door.call(Method::GET, path, call).await;
            if status != 200 {
                return Err(format!("{path}: {status} {answer}").into());
            }
            times.push(nanos(start));
        }
        println!("call, {what}: {}", spread(&mut times));
    }
    Ok(())
}

/// Decisions of everybody in turn, each about its own grid.
fn decisions(rooms: &Rooms, members: &[Member], count: usize) {
    let now = rooms.clock.now();
    let territory = rooms.territory.load();
    let origin = Origin::default();
    let facts = gridvault::records::Facts::of_nobody();
    let fields = ["name".to_owned(), "phone".to_owned()];
    let purpose = rooms.purposes.get(REGISTRATION).expect("a shipped purpose");
    let workers: Vec<(Standing, u32)> = members
        .iter()
        .filter(|member| member.kind < 2)
        .filter_map(|member| Some((rooms.identity.standing(&member.id)?, member.grid)))
        .collect();
    let mut times = Vec::with_capacity(count);
    for (standing, grid) in workers.iter().cycle().take(count) {
        let question = Question {
            standing,
            origin: &origin,
            now,
            territory: &territory,
            schemas: &rooms.schemas,
            purpose,
            mandate: None,
            ask: Ask::Read,
        };
        let matter = Matter::Present {
            record_type: RecordType::Person,
            cell: CellId::new(u64::from(*grid) + 1),
            facts: &facts,
            versions: Some((1, 1)),
        };
        let items = [Item { matter, fields: &fields }];
        let start = Instant::now();
        let decided = rooms.access.decide(&question, &items, Vec::new(), ());
        times.push(nanos(start));
        assert!(decided.is_ok(), "a worker reads in its own grid");
    }
    println!("decision, a read of two fields, memoised: {}", spread(&mut times));
    rooms.access.with_policy(|policy| {
        let role = policy.roles().iter().position(|role| role.id.as_str() == "grid_worker");
        let role = role.expect("a shipped role");
        let start = Instant::now();
        for _ in 0..count {
            let (level, topic) = std::hint::black_box((Level::Grid, RecordType::Person));
            let grants = policy.grants(role, level, topic, Class::C2, PurposeGroup::Registration);
            std::hint::black_box(grants);
        }
        let each = nanos(start) / count.max(1) as u64;
        println!("decision, one point, memoised: {each} ns (goal <= 100 ns)");
    });
    let needs =
        rooms.access.with_policy(|policy| policy.role("grid_worker").map(|role| role.needs));
    let needs = needs.expect("a shipped role");
    let ready = Readiness { secrecy_signed: Some(now), trained_until: None };
    let start = Instant::now();
    for _ in 0..count {
        std::hint::black_box(needs.lack(std::hint::black_box(ready), now));
    }
    println!("of that, term and training: {} ns", nanos(start) / count.max(1) as u64);
}

/// The first question at each point, of a policy that was just read.
async fn cold(rooms: &Rooms) -> Fallible<()> {
    let mut times = Vec::new();
    for _ in 0..COLD_POLICIES_COUNT {
        let access = Access::new(policy(&rooms.schemas, &rooms.purposes).await?, 1, 1);
        access.with_policy(|policy| {
            for (role, known) in policy.roles().iter().enumerate() {
                for group in PurposeGroup::ALL {
                    let start = Instant::now();
                    let (topic, class) = (RecordType::Person, Class::C2);
                    let grants = policy.grants(role, known.level, topic, class, group);
                    times.push(nanos(start));
                    std::hint::black_box(grants);
                }
            }
        });
    }
    println!("decision, one point, cold: {} (goal <= 20 us)", spread(&mut times));
    Ok(())
}

fn nanos(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn spread(times: &mut [u64]) -> String {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100] as f64 / 1_000.0;
    format!("p50 {:.2} us, p99 {:.2} us", at(50), at(99))
}

/// Memory of this process that is in the machine's own.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) / 1_024
}
