//! The table: which room may import which, and which room may name which crate, clock, source of chance or door.
//! Holds data alone; `imports` checks the code against it, and ARCHITECTURE.md tells the same in words.
//! A new edge is its own commit, with its reason here.

/// The order of a request. A room may import every room in a set further down.
pub const ORDER: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["http", "console"],
    &["identity", "operations", "oversight", "jobs", "unlock", "ceremony"],
    &["seal", "trail", "access", "purposes", "store"],
    &["records", "territory"],
];

/// Rooms beside the order: they import what [`EDGES`] says and nothing else.
pub const ASIDE: &[&str] = &["synthetic"];

/// What every room may import.
pub const LEAVES: &[&str] = &["limits", "config", "ambient", "files"];

/// Edges that the order does not give: from, to, why.
pub const EDGES: &[(&str, &str, &str)] = &[
    ("operations", "identity", "`Actor`, which only `identity` makes"),
    ("oversight", "identity", "`Actor`, which only `identity` makes"),
    ("jobs", "identity", "`Actor`, which only `identity` makes"),
    ("ceremony", "identity", "who may stand by an act is what the directory of actors says"),
    ("operations", "ceremony", "one verb changes the ways of a vault that is open"),
    ("jobs", "operations", "long work is made of the same verbs"),
    ("trail", "access", "a receipt owns its permit, and a refusal its reason"),
    ("trail", "store", "the trail is the only holder of the applier"),
    ("seal", "access", "what is opened is what the permit's views name"),
    ("seal", "trail", "only a receipt opens"),
    ("seal", "store", "sealed records and the changes made of them"),
    ("access", "purposes", "a decision reads a purpose's group and fields as typed values"),
    ("cli", "synthetic", "the demo and the load generator are commands"),
    ("synthetic", "records", "generated records are valid ones"),
    ("synthetic", "territory", "they lie in a tree of grids"),
    ("synthetic", "purposes", "they are held for declared purposes"),
    ("config", "limits", "a setting is checked against its limit"),
];

/// Crates that only some rooms may name: the crate as code writes it, the rooms, why.
pub const CRATES: &[(&str, &[&str], &str)] = &[
    ("axum", &["http", "console"], "the rest of the house does not know HTTP"),
    ("hyper", &["http", "console"], "the rest of the house does not know HTTP"),
    ("hyper_util", &["http", "console"], "the rest of the house does not know HTTP"),
    ("http_body_util", &["http", "console"], "the rest of the house does not know HTTP"),
    ("tower", &["http", "console"], "the rest of the house does not know HTTP"),
    ("sled", &["store"], "the engine can be exchanged"),
    ("casbin", &["access"], "one room knows the policy engine"),
    (
        "gridvault_keys",
        &["seal", "trail", "identity", "unlock", "ceremony", "cli"],
        "who touches keys is counted",
    ),
    (
        "gridvault_audit",
        &["config", "trail", "oversight", "jobs", "cli"],
        "who touches the log is counted; `config` asks by its rule whether an address is read on the way",
    ),
    (
        "rustix",
        &["trail", "store", "cli", "files", "ambient"],
        "who asks more of the system than std does is counted",
    ),
    ("signal_hook", &["cli"], "what a process does when it is told to stop is its own matter"),
    ("indicatif", &["cli"], "the service draws nothing"),
    ("rustls", &["oversight"], "one thread of the service calls somebody, and it is named"),
    ("ureq", &["cli"], "the service calls nobody; its command line does"),
    ("jsonwebtoken", &["identity"], "one room reads tokens"),
    ("utoipa", &["http"], "one room describes the interface"),
    ("prometheus_client", &["http"], "one listener tells numbers"),
    ("rand_chacha", &["synthetic"], "repeatable chance is for the sample city alone"),
];

/// Why clocks and sources of chance are reserved.
const FROM_OUTSIDE: &str = "time and chance are parameters, so that tests can hold them still";

/// Names that only some rooms may say, by the last segments of their path: the name, the rooms, why.
pub const RESERVED: &[(&[&str], &[&str], &str)] = &[
    (&["SystemTime", "now"], &["ambient"], FROM_OUTSIDE),
    (&["Instant", "now"], &["ambient"], FROM_OUTSIDE),
    (&["Timestamp", "now"], &["ambient"], FROM_OUTSIDE),
    (&["Zoned", "now"], &["ambient"], FROM_OUTSIDE),
    (&["Uuid", "now_v1"], &["ambient"], FROM_OUTSIDE),
    (&["Uuid", "now_v6"], &["ambient"], FROM_OUTSIDE),
    (&["Uuid", "now_v7"], &["ambient"], FROM_OUTSIDE),
    (&["Uuid", "new_v4"], &["ambient"], FROM_OUTSIDE),
    (&["rand", "random"], &["ambient"], FROM_OUTSIDE),
    (&["rand", "rng"], &["ambient"], FROM_OUTSIDE),
    (&["thread_rng"], &["ambient"], FROM_OUTSIDE),
    (&["OsRng"], &["ambient"], FROM_OUTSIDE),
    (&["SystemRandom"], &["ambient"], FROM_OUTSIDE),
    (&["SystemRandom", "new"], &["ambient"], FROM_OUTSIDE),
    (&["getrandom", "*"], &["ambient"], FROM_OUTSIDE),
    (&["getrandom", "fill"], &["ambient"], FROM_OUTSIDE),
    (&["HostClock", "new"], &["ambient", "cli"], FROM_OUTSIDE),
    (&["HostRandom", "new"], &["ambient", "cli"], FROM_OUTSIDE),
    (&["store", "open"], &["cli"], "whoever opens the store holds the only applier"),
    (&["Trail", "start"], &["cli"], "a vault has one trail, which its command line starts"),
];

/// Files that say a reserved name all the same: file, name, why.
pub const RESERVED_EXCEPTIONS: &[(&str, &[&str], &str)] = &[(
    "src/trail/integrate.rs",
    &["Instant", "now"],
    "it paces the thread that integrates; no entry and no decision carries it",
)];

/// The log crate: its verifier shares no code with its writer. Room, and what it may import.
pub const AUDIT: &[(&str, &[&str])] = &[
    ("constants", &[]),
    ("events", &["constants"]),
    ("verify", &["constants", "events"]),
    ("write", &["constants", "events"]),
    ("fetch", &["constants", "verify"]),
    ("witness", &["constants", "verify"]),
    // A pack is judged with the verifier alone, and so is what a pack means.
    ("pack", &["verify"]),
    ("certificate", &["pack", "verify"]),
    // Of the writer the program takes the reader alone: it makes proofs, and the verifier checks them.
    (
        "program",
        &["certificate", "constants", "fetch", "pack", "verify", "witness", "write::reader"],
    ),
    // The crate's root shows its users the names of both sides.
    ("lib", &["constants", "events", "pack", "verify", "write"]),
];

/// Whether `from` may import `to`, both rooms of the root crate.
pub fn may_import(from: &str, to: &str) -> bool {
    let edge = EDGES.iter().any(|(source, target, _)| (*source, *target) == (from, to));
    // The program's root stands at the top of the order, but parses and dispatches only.
    if from == "main" {
        return to == "cli";
    }
    let to_leaf = LEAVES.contains(&to) && !LEAVES.contains(&from);
    let downwards = match (layer(from), layer(to)) {
        (Some(from), Some(to)) => from < to,
        _ => false,
    };
    from == to || edge || to_leaf || downwards
}

/// Whether the root crate has a room of this name.
pub fn is_room(name: &str) -> bool {
    layer(name).is_some() || ASIDE.contains(&name) || LEAVES.contains(&name)
}

/// Every room of the root crate.
pub fn rooms() -> impl Iterator<Item = &'static str> {
    ORDER.iter().copied().flatten().chain(ASIDE).chain(LEAVES).copied()
}

fn layer(room: &str) -> Option<usize> {
    ORDER.iter().position(|set| set.contains(&room))
}

/// Whether imports from `room`, which the rooms `above` lead to, come back to one of them.
fn has_cycle(room: &'static str, above: &[&'static str]) -> bool {
    if above.contains(&room) {
        return true;
    }
    let above: Vec<&'static str> = above.iter().copied().chain([room]).collect();
    rooms()
        .filter(|next| *next != room && may_import(room, next))
        .any(|next| has_cycle(next, &above))
}

#[test]
fn the_table_has_no_cycle() {
    for room in rooms() {
        assert!(!has_cycle(room, &[]), "imports from {room} lead back to it");
    }
}

#[test]
fn every_room_of_the_table_has_one_place() {
    for room in rooms() {
        assert_eq!(rooms().filter(|other| *other == room).count(), 1, "{room} is listed twice");
    }
    let named = EDGES.iter().flat_map(|(from, to, _)| [*from, *to]);
    let admitted = CRATES.iter().flat_map(|(_, rooms, _)| rooms.iter().copied());
    for room in named.chain(admitted) {
        assert!(is_room(room), "the table names {room}, which is no room");
    }
}
