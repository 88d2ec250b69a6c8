//! The policy files: those that are built in, or those of a directory.
//! Never a mixture: a directory that is named must be whole.
//! What is loaded is loaded with every check; the first wrong word stops the command.

use super::failure::Failure;
use crate::access::{Duty, Policy, PolicySources};
use crate::oversight::Thresholds;
use crate::purposes::PurposeSet;
use crate::records::SchemaSet;
use std::path::Path;

macro_rules! role_files {
    ($($role:literal),+) => {
        &[$(($role, include_str!(concat!("../../policies/roles/", $role, ".csv")))),+]
    };
}

const ROLES: &[(&str, &str)] = role_files!(
    "grid_worker",
    "grid_head",
    "grid_stand_in",
    "volunteer",
    "building_head",
    "sunk_cadre",
    "property_firm",
    "unit_liaison",
    "community_cadre",
    "child_officer",
    "mediator",
    "legal_helper",
    "community_police",
    "street_operator",
    "street_area_cadre",
    "enforcement_team",
    "street_office",
    "county_command",
    "department",
    "city_platform",
    "area_leader",
    "service_org",
    "supervisor",
    "discipline_officer",
    "petition_desk",
    "statistician",
    "resident_desk",
    "compliance_auditor",
    "protection_officer",
    "assignment_officer",
    "system_admin",
    "security_admin",
    "audit_admin",
    "contractor_ops"
);

/// Everything that policies consist of, loaded and checked.
pub(super) struct Policies {
    pub(super) policy: Policy,
    pub(super) purposes: PurposeSet,
    pub(super) schemas: SchemaSet,
    pub(super) thresholds: Thresholds,
}

/// Loads the policies of a directory, or those built in.
pub(super) async fn load(directory: Option<&Path>) -> Result<Policies, Failure> {
    match directory {
        None => built_in().await,
        Some(directory) => from_directory(directory).await,
    }
}

async fn built_in() -> Result<Policies, Failure> {
    let schemas = SchemaSet::built_in().map_err(|e| Failure::failed("schemas", &e))?;
    let purposes = PurposeSet::built_in(&schemas).map_err(|e| Failure::failed("purposes", &e))?;
    let sources = PolicySources {
        model: include_str!("../../policies/model.conf"),
        roles: include_str!("../../policies/roles.toml"),
        lines: ROLES.iter().map(|(role, text)| ((*role).into(), (*text).into())).collect(),
        narrowing: include_str!("../../policies/narrowing.csv"),
        purposes: PurposeSet::built_in_text(),
        anomalies: Thresholds::built_in_text(),
    };
    whole(&sources, purposes, schemas).await
}

/// What the sources say, checked against each other.
async fn whole(
    sources: &PolicySources<'_>,
    purposes: PurposeSet,
    schemas: SchemaSet,
) -> Result<Policies, Failure> {
    let policy = Policy::load(sources, &purposes, &schemas)
        .await
        .map_err(|error| Failure::failed("the policy", &error))?;
    let is_role = |word: &str| policy.role(word).is_some();
    let hears = |word: &str| {
        let role = policy.role(word);
        role.is_some_and(|role| policy.has_duty(&role.id, Duty::AuditEscalated))
    };
    let is_purpose = |word: &str| purposes.get(word).is_some();
    let thresholds = Thresholds::read(sources.anomalies, is_role, hears, is_purpose)
        .map_err(|error| Failure::failed("the rules for anomalies", &error))?;
    Ok(Policies { policy, purposes, schemas, thresholds })
}

async fn from_directory(directory: &Path) -> Result<Policies, Failure> {
    let read = |name: &str| {
        std::fs::read_to_string(directory.join(name)).map_err(|e| Failure::failed(name, &e))
    };
    let schema_files = files(&directory.join("schemas"), "toml")?;
    let code_lists = files(&directory.join("code_lists"), "toml")?;
    let schemas = SchemaSet::load(&borrowed(&schema_files), &borrowed(&code_lists))
        .map_err(|error| Failure::failed("schemas", &error))?;
    let purposes_text = read("purposes.toml")?;
    let purposes = PurposeSet::load(&purposes_text, &schemas)
        .map_err(|error| Failure::failed("purposes", &error))?;
    let (model, roles, narrowing) =
        (read("model.conf")?, read("roles.toml")?, read("narrowing.csv")?);
    let anomalies = read("anomalies.toml")?;
    let lines = files(&directory.join("roles"), "csv")?
        .into_iter()
        .map(|(name, text)| (name.trim_end_matches(".csv").to_owned(), text))
        .collect();
    let sources = PolicySources {
        model: &model,
        roles: &roles,
        lines,
        narrowing: &narrowing,
        purposes: &purposes_text,
        anomalies: &anomalies,
    };
    whole(&sources, purposes, schemas).await
}

/// The files of one kind in a directory, by name; anything else in it is refused.
fn files(directory: &Path, extension: &str) -> Result<Vec<(String, String)>, Failure> {
    let what = directory.display().to_string();
    let fail = |error: std::io::Error| Failure::failed(&what, &error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.extension().and_then(|one| one.to_str()) != Some(extension) {
            return Err(Failure::Failed(format!("{what}: \"{name}\" is no .{extension} file")));
        }
        found.push((name, std::fs::read_to_string(&path).map_err(fail)?));
    }
    found.sort();
    Ok(found)
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}
