//! The parts of a request, each alone: decision, facts, sections, entry, row, mask, token, index term, and a whole read.
//! Never over a socket or a disk that is waited for; `load` measures what a caller meets.
//! `cargo bench --bench parts` runs all, `cargo bench --bench parts -- NAME` some of them.

#[path = "load/people.rs"]
mod people;
mod shared;

use criterion::{BatchSize, Criterion};
use gridvault::access::{Ask, Item, Level, Matter, Origin, Question};
use gridvault::http::{Call, Local, Method};
use gridvault::purposes::PurposeGroup;
use gridvault::records::{Class, RecordId, RecordType, Sensitive, Value, mask};
use gridvault::store::{Fetched, Sealed};
use gridvault_audit::{Draft, Event, Outcome};
use gridvault_keys::SectionPlace;
use people::{PURPOSE, READ_FIELDS};
use shared::{Fallible, SmallVault, small_vault};
use std::hint::black_box;
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Tokens that are verified for the first time.
const COLD_TOKENS: usize = 4_096;

fn main() -> Fallible<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let vault = runtime.block_on(small_vault())?;
    let id = runtime.block_on(person(&vault))?;
    let mut criterion = Criterion::default().configure_from_args();
    decisions(&mut criterion, &runtime, &vault, id);
    sealed_parts(&mut criterion, &runtime, &vault, id)?;
    entries(&mut criterion);
    masks(&mut criterion, &vault);
    tokens(&mut criterion, &vault)?;
    whole_read(&mut criterion, &runtime, &vault, id);
    criterion.final_summary();
    Ok(())
}

/// Stores a person through the door.
async fn person(vault: &SmallVault) -> Fallible<RecordId> {
    let body = serde_json::from_str(&people::body(7, &vault.grid))?;
    let call = Call {
        token: Some(&vault.token),
        purpose: Some(PURPOSE),
        body: Some(&body),
        ..Call::default()
    };
    let (status, answer) =
        Local::new(vault.rooms.clone()).call(Method::POST, "/v1/records", call).await;
    let id = answer["id"].as_str().filter(|_| status == 201);
    let id = id.ok_or_else(|| format!("the person was not stored: {status} {answer}"))?;
    Ok(id.parse().map_err(|_| "no id")?)
}

fn fetch(runtime: &Runtime, vault: &SmallVault, id: RecordId) -> Sealed {
    match runtime.block_on(vault.rooms.store.fetch(id)) {
        Ok(Fetched::Found(sealed)) => sealed,
        _ => panic!("the person was just stored"),
    }
}

fn decisions(criterion: &mut Criterion, runtime: &Runtime, vault: &SmallVault, id: RecordId) {
    let rooms = &vault.rooms;
    rooms.access.with_policy(|policy| {
        let role = policy.roles().iter().position(|role| role.id.as_str() == "grid_worker");
        let role = role.expect("a shipped role");
        let point = (Level::Grid, RecordType::Person, Class::C2, PurposeGroup::Registration);
        let (level, topic, class, group) = point;
        criterion.bench_function("decision, one point, memoised", |bencher| {
            bencher.iter(|| policy.grants(black_box(role), level, topic, class, group));
        });
        criterion.bench_function("decision, one point, cold (casbin)", |bencher| {
            bencher.iter(|| policy.enforce(black_box(role), level, topic, class, group));
        });
    });
    let now = rooms.clock.now();
    let standing = rooms.identity.standing(&vault.worker).expect("the worker is active");
    let origin = Origin::default();
    let territory = rooms.territory.load();
    let question = Question {
        standing: &standing,
        origin: &origin,
        now,
        territory: &territory,
        schemas: &rooms.schemas,
        purpose: rooms.purposes.get(PURPOSE).expect("a shipped purpose"),
        mandate: None,
        ask: Ask::Read,
    };
    let sealed = fetch(runtime, vault, id);
    let facts = rooms.seal.facts(&sealed).expect("our own facts");
    let header = &sealed.row().header;
    let fields: Vec<String> = READ_FIELDS.split(',').map(str::to_owned).collect();
    criterion.bench_function("decision, a read of eight fields", |bencher| {
        bencher.iter(|| {
            let matter = Matter::Present {
                record_type: header.record_type,
                cell: header.cell,
                facts: &facts,
                versions: Some((1, 1)),
            };
            let item = Item { matter, fields: &fields };
            let decided = rooms.access.decide(&question, &[item], Vec::new(), ());
            assert!(decided.is_ok());
        });
    });
}

fn sealed_parts(
    criterion: &mut Criterion,
    runtime: &Runtime,
    vault: &SmallVault,
    id: RecordId,
) -> Fallible<()> {
    let rooms = &vault.rooms;
    criterion.bench_function("row: looked up in memory and taken apart", |bencher| {
        bencher.iter(|| fetch(runtime, vault, id));
    });
    let sealed = fetch(runtime, vault, id);
    criterion.bench_function("facts: opened", |bencher| {
        bencher.iter(|| rooms.seal.facts(&sealed).expect("our own facts"));
    });
    let subject = [9; 16];
    let (key, wrapped) = vault.keyring.wrap_new_subject_key(&subject)?;
    criterion.bench_function("subject key: unwrapped", |bencher| {
        bencher.iter(|| vault.keyring.unwrap_subject_key(&subject, &wrapped).expect("our own key"));
    });
    let place = SectionPlace {
        record: *id.as_bytes(),
        record_type: "person",
        subject,
        section: "identity",
        section_version: 1,
        schema_version: 1,
    };
    let plain = [7; 120];
    let section = key.seal_section(&place, &plain)?;
    criterion.bench_function("section of 120 bytes: sealed", |bencher| {
        bencher.iter(|| key.seal_section(&place, &plain).expect("short"));
    });
    criterion.bench_function("section of 120 bytes: opened", |bencher| {
        bencher.iter(|| key.open_section(&place, &section).expect("our own section"));
    });
    criterion.bench_function("index term", |bencher| {
        bencher.iter(|| vault.keyring.index_term("id_number", black_box(b"880199197102035003")));
    });
    Ok(())
}

fn entries(criterion: &mut Criterion) {
    let mut draft = Draft::new(Event::DataRead, Outcome::Success, [1; 16]);
    draft.who = Some([2; 16]);
    draft.aal = Some(1);
    draft.sess = Some([4; 16]);
    draft.role = Some("grid_worker".into());
    draft.scope = Some("8801020010011001".into());
    draft.rec = vec![[5; 16]];
    draft.sub = vec![[7; 16]];
    draft.grid = Some("8801020010011001".into());
    draft.asg = Some([8; 16]);
    draft.typ = Some("person".into());
    draft.fld = READ_FIELDS.split(',').map(Into::into).collect();
    draft.view = draft.fld.iter().map(|_| "raw".into()).collect();
    draft.ver = Some((3, 3));
    draft.pur = Some(PURPOSE.into());
    draft.basis = Some("residence_permit_duty".into());
    draft.pol = Some(3);
    draft.rule = Some("grid_worker/4".into());
    draft.ctx = Some(vec![13; 120]);
    criterion.bench_function("entry: written by whoever asks", |bencher| {
        bencher.iter(|| draft.prepare().expect("our own draft"));
    });
    let prepared = draft.prepare().expect("our own draft");
    criterion.bench_function("entry: place and times filled in by the committer", |bencher| {
        bencher.iter(|| {
            prepared.finish(black_box(1_234_567), 1_790_000_000_000_000, 99).expect("short")
        });
    });
    let entry = prepared.finish(1_234_567, 1_790_000_000_000_000, 99).expect("short");
    criterion.bench_function("entry: leaf hash", |bencher| {
        bencher.iter(|| gridvault_audit::leaf_hash(black_box(&entry)));
    });
}

fn masks(criterion: &mut Criterion, vault: &SmallVault) {
    let schema = vault.rooms.schemas.get(RecordType::Person).expect("a shipped schema");
    let field = schema.field("phone").expect("a shipped field");
    let value = Value::Text(Sensitive::new("12900001234".to_owned()));
    criterion.bench_function("mask: a telephone", |bencher| {
        bencher.iter(|| mask(field, black_box(&value)));
    });
}

fn tokens(criterion: &mut Criterion, vault: &SmallVault) -> Fallible<()> {
    let rooms = &vault.rooms;
    let now = rooms.clock.now();
    criterion.bench_function("token: known", |bencher| {
        bencher.iter(|| rooms.identity.authenticate(black_box(&vault.token), now).expect("ours"));
    });
    let fresh = (0..COLD_TOKENS)
        .map(|_| Ok(rooms.identity.issue(vault.worker, None, 3_600, now)?.show().to_owned()))
        .collect::<Fallible<Vec<String>>>()?;
    // More than are remembered at a time would be needed to meet none twice, so a changed one is refused instead: its
    // signature is checked, and it is never remembered.
    let mut next = 0;
    criterion.bench_function("token: not known (signature checked and wrong)", |bencher| {
        bencher.iter_batched(
            || {
                next = (next + 1) % fresh.len();
                let (one, other) = (&fresh[next], &fresh[(next + 1) % fresh.len()]);
                let body = one.rsplit_once('.').map_or("", |(body, _)| body);
                let signature = other.rsplit_once('.').map_or("", |(_, signature)| signature);
                format!("{body}.{signature}")
            },
            |token| assert!(rooms.identity.authenticate(&token, now).is_err()),
            BatchSize::SmallInput,
        );
    });
    Ok(())
}

/// Everything but socket and disk: head parsed, token, purpose, decision, entry, sections, JSON. The sync is that of a
/// temporary directory, so only the difference between two builds says something.
fn whole_read(criterion: &mut Criterion, runtime: &Runtime, vault: &SmallVault, id: RecordId) {
    let local = Local::new(vault.rooms.clone());
    let path = format!("/v1/records/{id}?fields={READ_FIELDS}");
    criterion.bench_function("a whole read, in process, sync included", |bencher| {
        bencher.iter(|| {
            let call =
                Call { token: Some(&vault.token), purpose: Some(PURPOSE), ..Call::default() };
            let (status, _) = runtime.block_on(local.call(Method::GET, &path, call));
            assert_eq!(status, 200);
        });
    });
}
