//! The vault's data: schemas, purposes, a policy, two neighbouring grids and the actors placed in them.
//! Never changed by a case: what a case changes is in its own world.
//! The worker's policy is the shipped one; the head's is wide, for cases that need a right to fail later.

use super::world::wait;
use crate::access::{ActorId, Policy, PolicySources};
use crate::identity::{
    ActorKind, ActorRecord, ActorState, AssignmentRecord, ReadinessRecord, SecrecyTerm,
};
use crate::purposes::PurposeSet;
use crate::records::SchemaSet;
use crate::territory::{CellData, CellId, GridData, MappingData, Territory, TerritoryData};
use gridvault_keys::{Keyring, Month, RootKey};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

pub(super) const GRID: &str = "8801020010010001";
pub(super) const NEXT: &str = "8801020010010002";
/// A grid of another street.
pub(super) const FAR: &str = "8801020020010001";

pub(super) static SCHEMAS: LazyLock<Arc<SchemaSet>> =
    LazyLock::new(|| Arc::new(SchemaSet::built_in().expect("the shipped schemas load")));
pub(super) static PURPOSES: LazyLock<PurposeSet> =
    LazyLock::new(|| PurposeSet::built_in(&SCHEMAS).expect("the shipped purposes load"));
pub(super) static KEYRING: LazyLock<Arc<Keyring>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let root = RootKey::generate().expect("a root key");
    let month = Month::from_year_month(2026, 1).expect("a month");
    let path = directory.path().join("keyring");
    Arc::new(Keyring::create(&path, &root, month).expect("a keyring"))
});

pub(super) fn policy() -> Policy {
    let policies = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("policies");
    let read = |name: &str| std::fs::read_to_string(policies.join(name)).expect("a policy file");
    let (model, roles, mut narrowing) =
        (read("model.conf"), read("roles.toml"), read("narrowing.csv"));
    let of_others = |line: &&str| !line.contains(",grid_head,");
    narrowing = narrowing.lines().filter(of_others).map(|line| format!("{line}\n")).collect();
    for purpose in PURPOSES.iter() {
        let highest = if purpose.needs_case { "raw/task" } else { "raw" };
        narrowing.push_str(&format!("{},grid_head,*,{highest},write\n", purpose.id));
    }
    let lines = std::fs::read_dir(policies.join("roles")).expect("a directory").map(|file| {
        let path = file.expect("a file").path();
        let role = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let wide = ["read:raw", "write", "delete"].map(|a| format!("grid,any,any,any,{a},allow\n"));
        let shipped = std::fs::read_to_string(&path).expect("a policy file");
        let text = if role == "grid_head" { wide.concat() } else { shipped };
        (role, text)
    });
    let sources = PolicySources {
        model: &model,
        roles: &roles,
        lines: lines.collect(),
        narrowing: &narrowing,
        purposes: PurposeSet::built_in_text(),
        anomalies: "",
    };
    wait(Policy::load(&sources, &PURPOSES, &SCHEMAS)).expect("a policy that loads")
}

pub(super) fn territory() -> Territory {
    let places = [(1, GRID), (2, NEXT), (3, FAR)];
    let grids = places.map(|(_, text)| GridData {
        code: text.parse().expect("a grid code"),
        name: "网格".to_owned(),
        host_grid: None,
        valid_from: 0,
        valid_to: None,
        predecessors: Vec::new(),
        aliases: Vec::new(),
    });
    let cells = places.map(|(cell, text)| CellData {
        cell: CellId::new(cell),
        mapping: vec![MappingData { grid: text.parse().expect("a grid code"), from: 0, to: None }],
    });
    let data = TerritoryData { areas: Vec::new(), grids: grids.into(), cells: cells.into() };
    Territory::from_data(data).expect("a territory")
}

/// A signed term, and training that ends long after everything that is tested here.
pub(super) fn ready() -> ReadinessRecord {
    ReadinessRecord {
        secrecy_term: Some(SecrecyTerm { signed: 0, document: "B-1".to_owned() }),
        trained_until: Some(i64::MAX),
    }
}

pub(super) fn actor_record(id: ActorId, role: &str, area: Option<&str>) -> ActorRecord {
    let assignment = AssignmentRecord {
        id: *id.as_bytes(),
        role: role.to_owned(),
        area: area.map(str::to_owned),
        line: None,
        lead: false,
        unconfirmed_by: None,
        windows: None,
        readiness: ready(),
        from: 0,
        until: None,
    };
    ActorRecord {
        id,
        login: format!("actor{}", id.as_bytes()[0]),
        kind: if role.is_empty() { ActorKind::System } else { ActorKind::Person },
        state: ActorState::Active,
        assignments: if role.is_empty() { Vec::new() } else { vec![assignment] },
        tokens_from: 0,
        own: None,
        log_in_key: None,
    }
}
