//! Keys, schemas, a policy and one grid, as sealing needs them.
//! Never the vault's real policy: what may be seen is another room's; here it is what is opened.
//! The worker sees and writes all that a correction lists.

use super::world::wait;
use crate::access::{Access, Policy, PolicySources};
use crate::purposes::PurposeSet;
use crate::records::SchemaSet;
use crate::territory::{CellData, CellId, GridData, MappingData, Territory, TerritoryData};
use gridvault_keys::{Keyring, Month, RootKey};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

pub(super) const GRID: &str = "8801020010010001";
pub(super) const CELL: CellId = CellId::new(1);

pub(super) fn new_keyring() -> Arc<Keyring> {
    let directory = tempfile::tempdir().expect("a directory");
    let root = RootKey::generate().expect("a root key");
    let month = Month::from_year_month(2026, 1).expect("a month");
    let path = directory.path().join("keyring");
    Arc::new(Keyring::create(&path, &root, month).expect("a keyring"))
}

static KEYRING: LazyLock<Arc<Keyring>> = LazyLock::new(new_keyring);

pub(super) fn keyring() -> Arc<Keyring> {
    KEYRING.clone()
}

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies")
}

fn texts(folder: &str) -> Vec<(String, String)> {
    let files = std::fs::read_dir(policies().join(folder)).expect("a directory");
    let mut texts: Vec<(String, String)> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("a text"))
        })
        .collect();
    texts.sort();
    texts
}

/// The shipped schemas, with one of them changed.
pub(super) fn schemas_with(file: &str, edit: impl FnOnce(String) -> String) -> Arc<SchemaSet> {
    let (mut schemas, lists) = (texts("schemas"), texts("code_lists"));
    let text = &mut schemas.iter_mut().find(|(name, _)| name == file).expect("a schema").1;
    *text = edit(std::mem::take(text));
    let borrowed = |texts: &'_ [(String, String)]| -> Vec<(String, String)> { texts.to_vec() };
    let (schemas, lists) = (borrowed(&schemas), borrowed(&lists));
    let pairs = |texts: &[(String, String)]| -> Vec<(&'static str, &'static str)> {
        // A handful of texts for the whole test run.
        texts.iter().map(|(name, text)| (&*name.clone().leak(), &*text.clone().leak())).collect()
    };
    Arc::new(SchemaSet::load(&pairs(&schemas), &pairs(&lists)).expect("schemas that load"))
}

pub(super) static SCHEMAS: LazyLock<Arc<SchemaSet>> =
    LazyLock::new(|| Arc::new(SchemaSet::built_in().expect("the shipped schemas load")));

/// A policy whose grid worker sees and writes all that a correction lists.
pub(super) fn access(schemas: &SchemaSet) -> Access {
    let read = |name: &str| std::fs::read_to_string(policies().join(name)).expect("a policy file");
    let (model, roles) = (read("model.conf"), read("roles.toml"));
    let lines = texts("roles").into_iter().map(|(name, _)| {
        let role = name.trim_end_matches(".csv").to_owned();
        let line = if role == "grid_worker" { "grid,any,any,any,read:raw,allow\n" } else { "" };
        (role, line.to_owned())
    });
    let purposes = PurposeSet::built_in(schemas).expect("the shipped purposes load");
    let sources = PolicySources {
        model: &model,
        roles: &roles,
        lines: lines.collect(),
        narrowing: "record_correction,grid_worker,*,raw,write\n",
        purposes: PurposeSet::built_in_text(),
        anomalies: "",
    };
    Access::new(wait(Policy::load(&sources, &purposes, schemas)).expect("a policy"), 1, 1)
}

pub(super) fn territory() -> Territory {
    let grid = GRID.parse().expect("a grid code");
    let data = TerritoryData {
        areas: Vec::new(),
        grids: vec![GridData {
            code: grid,
            name: "网格".to_owned(),
            host_grid: None,
            valid_from: 0,
            valid_to: None,
            predecessors: Vec::new(),
            aliases: Vec::new(),
        }],
        cells: vec![CellData {
            cell: CELL,
            mapping: vec![MappingData { grid, from: 0, to: None }],
        }],
    };
    Territory::from_data(data).expect("a territory")
}
