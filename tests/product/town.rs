//! A vault inside of this program, by a clock that a story sets: the same rooms and the same door, without a socket.
//! Never waits for time to pass: it is moved, and never back.
//! Everybody is enrolled as in the demo; every call goes through token, decision and entry.

#[expect(dead_code, unreachable_pub, reason = "benches use more of it")]
#[path = "../../benches/shared/mod.rs"]
mod shared;

use super::harness::await_until;
use gridvault::access::ActorId;
use gridvault::ambient::{Clock, Micros, SteadyClock};
use gridvault::http::{Call, Local, Method, Rooms, Serving, serve};
use gridvault::identity::{
    ActorKind, ActorRecord, ActorState, AssignmentRecord, NewActor, ReadinessRecord, SecrecyTerm,
};
use gridvault::limits::{CLOCK_APART_MAX, SEGMENT_BYTES_MIN};
use gridvault::store::EngineKind;
use gridvault::trail::{Announcement, FileMedia, Media};
use serde_json::{Value, json};
use shared::{Ground, fresh_keyring, open_at};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Grids of the community that lie beside each other.
pub const FIRST: &str = "8801020010010001";
pub const SECOND: &str = "8801020010010002";
pub const COMMUNITY: &str = "880102001001";
pub const STREET: &str = "880102001";

/// The host's clock as the story says it, and the time that passed by itself.
struct GivenClock {
    now: AtomicI64,
    passed: AtomicI64,
}

impl Clock for GivenClock {
    fn now(&self) -> Micros {
        Micros(self.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.passed.load(Ordering::SeqCst)).expect("forwards")
    }
}

/// The vault and its people.
pub struct Town {
    runtime: Runtime,
    rooms: Arc<Rooms>,
    door: Local,
    clock: Arc<GivenClock>,
    enrolled: AtomicU8,
    _directory: tempfile::TempDir,
}

/// Somebody of the town.
#[derive(Clone, Copy, Debug)]
pub struct Person(ActorId);

impl Person {
    /// The id in the directory.
    pub fn id(self) -> String {
        self.0.to_string()
    }
}

/// A call that is not waited for.
pub struct OnItsWay(JoinHandle<Told>);

impl OnItsWay {
    /// Whether it was answered.
    pub fn is_answered(&self) -> bool {
        self.0.is_finished()
    }
}

/// A post of somebody.
#[derive(Clone, Copy, Default)]
pub struct Post<'a> {
    pub role: &'a str,
    pub area: Option<&'a str>,
    pub line: Option<&'a str>,
    pub lead: bool,
    pub pair: bool,
    pub until: Option<&'a str>,
}

/// What a call brought.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub body: Value,
}

impl Told {
    /// Done.
    #[track_caller]
    pub fn done(self) -> Value {
        assert!(self.status < 300, "{} {}", self.status, self.body);
        self.body
    }

    /// Refused with this code.
    #[track_caller]
    pub fn refused(self, code: &str) -> Value {
        assert!(self.status >= 400, "it was done: {}", self.body);
        assert_eq!(self.body["code"], code, "{}", self.body);
        self.body
    }
}

/// A member of an answer, as text.
#[track_caller]
pub fn text(of: &Value, name: &str) -> String {
    of[name].as_str().unwrap_or_else(|| panic!("no {name} in {of}")).to_owned()
}

fn micros(moment: &str) -> i64 {
    let at: jiff::Timestamp = moment.parse().expect("a moment");
    at.as_microsecond()
}

impl Town {
    /// A fresh town at a moment.
    pub fn at(moment: &str) -> Town {
        Town::over(moment, Arc::new(FileMedia))
    }

    /// The same, whose journal lies on a disk of choice.
    pub fn over(moment: &str, media: Arc<dyn Media>) -> Town {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let directory = tempfile::tempdir().expect("a directory");
        let [now, passed] = [micros(moment), 0].map(AtomicI64::new);
        let clock = Arc::new(GivenClock { now, passed });
        let steady = Arc::new(SteadyClock::new(clock.clone(), CLOCK_APART_MAX));
        let rooms = runtime.block_on(async {
            let ground = Ground {
                directory: directory.path(),
                origin: "stories.gridvault.example/log",
                keyring: fresh_keyring(directory.path()).expect("keys"),
                engine: EngineKind::Memory,
                media,
                segment_bytes: SEGMENT_BYTES_MIN,
            };
            Arc::new(open_at(ground, steady).await.expect("a vault"))
        });
        let door = Local::new(rooms.clone());
        let enrolled = AtomicU8::new(0);
        Town { runtime, rooms, door, clock, enrolled, _directory: directory }
    }

    /// Has it serve at a socket of loopback as long as it lives, and gives its URL.
    pub fn serve(&self) -> String {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let serving = self.runtime.block_on(Serving::bind(any_port)).expect("a socket");
        let url = format!("http://{}", serving.address().expect("an address"));
        self.runtime.spawn(serve(serving, self.rooms.clone(), std::future::pending()));
        url
    }

    /// A `GET` with that token, which is on its way and not waited for.
    pub fn on_its_way(&self, token: &str, path: &'static str) -> OnItsWay {
        let (door, token) = (self.door.clone(), token.to_owned());
        OnItsWay(self.runtime.spawn(async move {
            let call = Call { token: Some(&token), ..Call::default() };
            let (status, body) = door.call(Method::GET, path, call).await;
            Told { status, body }
        }))
    }

    /// What came of it, once it has come.
    pub fn arrived(&self, call: OnItsWay) -> Told {
        self.runtime.block_on(call.0).expect("a call that ends")
    }

    /// Moves the time on.
    pub fn now_it_is(&self, moment: &str) {
        let at = micros(moment);
        assert!(at >= self.clock.now().0, "time does not go back");
        let passed = at - self.clock.now.swap(at, Ordering::SeqCst);
        self.clock.passed.fetch_add(passed, Ordering::SeqCst);
    }

    /// Somebody sets the host's clock; no time passes.
    pub fn host_clock_is(&self, moment: &str) {
        self.clock.now.store(micros(moment), Ordering::SeqCst);
    }

    /// What the vault does every second: it tells of the clock what is to be told.
    pub fn look_at_the_clock(&self) {
        self.runtime.block_on(self.rooms.trail.tell_of_clock()).expect("an entry");
    }

    /// Somebody new, who signed the term and was trained for this year.
    pub fn somebody(&self, posts: &[Post<'_>]) -> Person {
        let number = self.enrolled.fetch_add(1, Ordering::Relaxed) + 1;
        let record = ActorRecord {
            id: ActorId::from_bytes([number; 16]),
            login: format!("person{number}"),
            kind: if posts.is_empty() { ActorKind::System } else { ActorKind::Person },
            state: ActorState::Active,
            assignments: posts.iter().enumerate().map(|post| self.kept(number, post)).collect(),
            tokens_from: 0,
            own: None,
            log_in_key: None,
        };
        let role = posts.first().map_or("system", |post| post.role).to_owned();
        let change = self.rooms.identity.directory().addition(&NewActor { record });
        let enrolled = Announcement::Enrolled { actor: [number; 16], role };
        let change = change.expect("an actor");
        let announced = self.rooms.trail.announce_change(enrolled, change);
        self.runtime.block_on(announced).expect("an entry");
        Person(ActorId::from_bytes([number; 16]))
    }

    fn kept(&self, number: u8, (place, post): (usize, &Post<'_>)) -> AssignmentRecord {
        let mut id = [number; 16];
        id[0] = u8::try_from(place).expect("few posts");
        AssignmentRecord {
            id,
            role: post.role.to_owned(),
            area: post.area.map(str::to_owned),
            line: post.line.map(str::to_owned),
            lead: post.lead,
            unconfirmed_by: None,
            windows: post.pair.then(Vec::new),
            readiness: ReadinessRecord {
                secrecy_term: Some(SecrecyTerm { signed: 0, document: "B-1".to_owned() }),
                trained_until: Some(self.days_on(300).0),
            },
            from: self.clock.now().0,
            until: post.until.map(micros),
        }
    }

    fn days_on(&self, days: i64) -> Micros {
        Micros(self.clock.now().0 + days * 86_400_000_000)
    }

    /// A worker of a grid of whom the vault itself holds something, as it was said when it was enrolled.
    pub fn worker_who_lives_there(&self, grid: &str, subject: &str) -> Person {
        let administrator = self.somebody(&[of_platform("security_admin")]);
        let post = json!({
            "role": "grid_worker", "area": grid, "trained_until": self.days_on(300).rfc3339(),
            "secrecy_term": {"signed_at": "2026-01-05T08:00:00Z", "document": "B-1"},
        });
        let body = json!({
            "login": "lives.there", "kind": "person", "self_subject": subject,
            "assignments": [post],
        });
        let added = self.post(administrator, "/v1/admin/actors", &body).done();
        Person(text(&added, "id").parse().expect("an actor"))
    }

    /// A call as the person makes it.
    pub fn call(&self, who: Person, method: Method, path: &str, call: Call<'_>) -> Told {
        self.runtime.block_on(self.calling(who, method, path, call))
    }

    async fn calling(&self, who: Person, method: Method, path: &str, call: Call<'_>) -> Told {
        let token = self.token(who, None);
        let call = Call { token: Some(&token), ..call };
        let (status, body) = self.door.call(method, path, call).await;
        Told { status, body }
    }

    /// A token of somebody, through a system or for a system itself.
    pub fn token(&self, who: Person, via: Option<Person>) -> String {
        let now = self.rooms.clock.now();
        let via = via.map(|system| system.0);
        let token = self.rooms.identity.issue(who.0, via, 3_600, now);
        token.expect("a token").show().to_owned()
    }

    /// A call with that token.
    pub fn with_token(&self, token: &str, method: Method, path: &str, call: Call<'_>) -> Told {
        let call = Call { token: Some(token), ..call };
        let (status, body) = self.runtime.block_on(self.door.call(method, path, call));
        Told { status, body }
    }

    /// `GET` that needs no purpose.
    pub fn get(&self, who: Person, path: &str) -> Told {
        self.call(who, Method::GET, path, Call::default())
    }

    /// `POST` that needs no purpose.
    pub fn post(&self, who: Person, path: &str, body: &Value) -> Told {
        self.call(who, Method::POST, path, Call { body: Some(body), ..Call::default() })
    }

    /// A step of something that is there.
    pub fn step(&self, who: Person, path: &str) -> Told {
        self.call(who, Method::POST, path, Call::default())
    }

    /// `POST` for a purpose.
    pub fn post_for(&self, who: Person, purpose: &str, path: &str, body: &Value) -> Told {
        let call = Call { purpose: Some(purpose), body: Some(body), ..Call::default() };
        self.call(who, Method::POST, path, call)
    }

    /// Reads fields of a record, under a case where there is one.
    pub fn read(
        &self,
        who: Person,
        id: &str,
        fields: &str,
        purpose: &str,
        case: Option<&str>,
    ) -> Told {
        let path = format!("/v1/records/{id}?fields={fields}");
        let call = Call { purpose: Some(purpose), case, ..Call::default() };
        self.call(who, Method::GET, &path, call)
    }

    /// Two reads at once.
    pub fn read_both(&self, who: Person, ids: [&str; 2], fields: &str, purpose: &str) -> [Told; 2] {
        let paths = ids.map(|id| format!("/v1/records/{id}?fields={fields}"));
        let call = Call { purpose: Some(purpose), ..Call::default() };
        let [one, other] = &paths;
        let (one, other) = self.runtime.block_on(async {
            tokio::join!(
                self.calling(who, Method::GET, one, call),
                self.calling(who, Method::GET, other, call)
            )
        });
        [one, other]
    }

    /// Stores what the body says, for the purpose of its basis.
    pub fn store(&self, who: Person, body: &Value) -> Value {
        let purpose = text(&body["basis"], "purpose");
        self.post_for(who, &purpose, "/v1/records", body).done()
    }

    /// Everything that an officer finds by a query, once the log is searched to its end.
    pub fn found(&self, officer: Person, query: &str) -> Vec<Value> {
        let until = self.log_size(officer);
        let mut found = Vec::new();
        await_until("the entries can be searched", || {
            let page = self.get(officer, &format!("/v1/audit/entries?{query}&limit=100")).done();
            found = page["entries"].as_array().expect("entries").clone();
            page["indexed"].as_u64().is_some_and(|indexed| indexed > until)
        });
        found
    }

    /// The size of the log as the officer's own call finds it.
    fn log_size(&self, officer: Person) -> u64 {
        let told = self.get(officer, "/v1/purposes").done();
        told["receipt"]["index"].as_u64().expect("a receipt")
    }

    /// Waits until a rule found something of somebody, and gives it.
    pub fn anomaly(&self, officer: Person, rule: &str, of: Person) -> Value {
        let mut found = Value::Null;
        await_until("the rule has seen it", || {
            let path = format!("/v1/audit/anomalies?rule={rule}&actor={}", of.id());
            let page = self.get(officer, &path).done();
            found = page["anomalies"][0].clone();
            !found.is_null()
        });
        found
    }
}

/// A post of the platform.
pub fn of_platform(role: &str) -> Post<'_> {
    Post { role, ..Post::default() }
}

/// A post in an area.
pub fn in_area<'a>(role: &'a str, area: &'a str) -> Post<'a> {
    Post { role, area: Some(area), ..Post::default() }
}
