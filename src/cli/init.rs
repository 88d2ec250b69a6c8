//! `gridvault init`: makes a vault and enrols its three administrators by one-time codes.
//! Never over a vault that is there, and never with one person in two of the three posts.
//! The codes are shown once; each is good for a day.

use super::client::{URL_USUAL, enrolling, url_of};
use super::failure::Failure;
use super::shares::{self, Split};
use super::vault::{self, Vault};
use super::{passphrase, pkcs11, runtime};
use crate::access::ActorId;
use crate::ambient::{Clock as _, HostClock};
use crate::ceremony::share_plan;
use crate::config::{Config, ConfigFile, Overrides, layout};
use crate::identity::{
    ActorKind, ActorRecord, ActorState, AssignmentRecord, EnrolmentCode, NewActor, ReadinessRecord,
};
use crate::limits::FIRST_CHECKPOINT_WAIT_MAX;
use crate::territory::TerritoryData;
use crate::trail::Announcement;
use gridvault_keys::{
    ArgonCost, Envelope, Keyring, Month, Passphrase, Provider, RootKey, SharePlan, UnlockFile,
};
use rustix::io::Errno;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize as _, Zeroizing};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The directory of the new vault; it must be empty or not there.
    #[arg(long, env = "GRIDVAULT_DIR")]
    dir: PathBuf,
    /// Origin of the log and issuer of tokens: a schema-less URL prefix. It never changes.
    #[arg(long)]
    origin: String,
    /// Address to listen on.
    #[arg(long)]
    listen: Option<String>,
    /// A file that holds a passphrase that opens the vault: 12 bytes or more.
    #[arg(long, required_unless_present_any = ["shares", "pkcs11_module"])]
    passphrase_file: Option<PathBuf>,
    /// How many shares open the vault, of how many: 3/5. Each is shown once.
    #[arg(long, value_parser = share_plan)]
    shares: Option<SharePlan>,
    /// A directory that is not the vault's, for a file for each share instead.
    #[arg(long, requires = "shares")]
    shares_dir: Option<PathBuf>,
    /// The library (PKCS#11) of a token that opens the vault, by its whole path.
    #[arg(long, requires_all = ["token_label", "pin_file"])]
    pkcs11_module: Option<PathBuf>,
    /// The label of the token. A key is made in it.
    #[arg(long, requires = "pkcs11_module")]
    token_label: Option<String>,
    /// A file that holds the PIN of the token.
    #[arg(long, requires = "pkcs11_module")]
    pin_file: Option<PathBuf>,
    /// Log-in name of the system administrator.
    #[arg(long)]
    system_admin: String,
    /// Log-in name of the security administrator.
    #[arg(long)]
    security_admin: String,
    /// Log-in name of the audit administrator.
    #[arg(long)]
    audit_admin: String,
    /// The tree of grids, as JSON.
    #[arg(long)]
    territory: Option<PathBuf>,
    /// A directory of policies in place of those built in.
    #[arg(long)]
    policies: Option<PathBuf>,
}

/// A path that means the same from wherever the vault is served.
pub(super) fn whole_path(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| Failure::failed("the directory of policies", &error))
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let named = [
        ("system_admin", &arguments.system_admin),
        ("security_admin", &arguments.security_admin),
        ("audit_admin", &arguments.audit_admin),
    ];
    if named.iter().enumerate().any(|(at, (_, one))| named[..at].iter().any(|(_, o)| o == one)) {
        return Err(Failure::Usage("the three administrators are three people".into()));
    }
    let territory = arguments.territory.as_deref().map(read_territory).transpose()?;
    let passphrase = arguments.passphrase_file.as_deref().map(passphrase::read_new);
    let passphrase = passphrase.transpose()?;
    make_directory(&arguments.dir)?;
    let root = RootKey::generate().map_err(|error| Failure::failed("the root key", &error))?;
    let ways = Ways::make(arguments, passphrase.as_ref(), &root)?;
    let file = ConfigFile {
        origin: arguments.origin.clone(),
        listen: arguments.listen.clone(),
        store_cache_bytes: None,
        journal_segment_bytes: None,
        snapshot_journal_bytes: None,
        snapshots_kept: None,
        passphrase_file: None,
        pkcs11_module: arguments.pkcs11_module.clone(),
        pin_file: None,
        start_sealed: arguments.shares.is_some() || arguments.pkcs11_module.is_some(),
        unseal_from_network: false,
        witness_policy: None,
        witness_age_seconds_max: None,
        witness_ca_file: None,
        metrics_listen: None,
        audit_retention_months: None,
        audit_keep_from: None,
        scrub_rest_seconds: None,
        expiry_rest_seconds: None,
        erasure_ledger: None,
        erasure_ledger_token_file: None,
        erasure_ledger_ca_file: None,
        rotation_percent: None,
        policies: arguments.policies.as_deref().map(whole_path).transpose()?,
        synthetic: false,
        syslog: None,
    };
    let (config, keyring) = lay_out(&arguments.dir, file, &ways.envelopes(), &root)?;
    let _held = vault::hold(&config)?;
    let codes = runtime()?.block_on(async {
        let vault = vault::open(&config, keyring).await?;
        let codes = enrol_all(&vault, &named).await?;
        ways.announce(&vault).await?;
        if let Some(territory) = territory {
            vault::set_territory(&vault, territory).await?;
        }
        // So that the stop's entry brings a checkpoint into the store: from now on one that is lost, or put back, is missed.
        let covered = vault.rooms.trail.covered_within(0, FIRST_CHECKPOINT_WAIT_MAX).await;
        covered.map_err(|error| Failure::storage("no checkpoint covers the vault", &error))?;
        vault.rooms.trail.stop().await.map_err(|fault| Failure::from(&*fault))?;
        Ok::<_, Failure>((codes, vault.log_key))
    })?;
    show(arguments, codes, ways.split.as_ref(), json)
}

/// What opens a new vault.
struct Ways {
    by_passphrase: Option<Envelope>,
    split: Option<Split>,
    by_token: Option<Envelope>,
}

impl Ways {
    fn make(
        arguments: &Arguments,
        passphrase: Option<&Passphrase>,
        root: &RootKey,
    ) -> Result<Ways, Failure> {
        let by_passphrase = passphrase
            .map(|passphrase| Envelope::seal_with_passphrase(root, passphrase, ArgonCost::ROOT))
            .transpose()
            .map_err(|error| Failure::failed("the passphrase", &error))?;
        let split = arguments.shares.map(|plan| shares::split(root, plan)).transpose()?;
        if let (Some(split), Some(to)) = (&split, &arguments.shares_dir) {
            // Before there is a vault that nobody could open without them.
            split.write(to, &arguments.dir)?;
        }
        let by_token = seal_with_token(arguments, root)?;
        Ok(Ways { by_passphrase, split, by_token })
    }

    fn envelopes(&self) -> Vec<Envelope> {
        let by_shares = self.split.as_ref().map(|split| &split.envelope);
        let all = [self.by_passphrase.as_ref(), by_shares, self.by_token.as_ref()];
        all.into_iter().flatten().cloned().collect()
    }

    /// Says in the log that a key was split, or made in a token and in which.
    async fn announce(&self, vault: &Vault) -> Result<(), Failure> {
        if let Some(split) = &self.split {
            split.announce(vault).await?;
        }
        let Some(envelope) = &self.by_token else { return Ok(()) };
        let Provider::Pkcs11(key) = envelope.provider() else { return Ok(()) };
        let said = Announcement::TokenBound { envelope: *envelope.id(), serial: key.serial_text() };
        let recorded = vault.rooms.trail.announce(said).await;
        recorded.map(drop).map_err(|error| Failure::storage("the token cannot be recorded", &error))
    }
}

/// Makes a key in the token that was named, and an envelope that it opens.
fn seal_with_token(arguments: &Arguments, root: &RootKey) -> Result<Option<Envelope>, Failure> {
    let (Some(path), Some(label), Some(file)) =
        (&arguments.pkcs11_module, &arguments.token_label, &arguments.pin_file)
    else {
        return Ok(None);
    };
    let pin = pkcs11::read_pin(file)?;
    let module = pkcs11::load(path)?;
    Envelope::seal_with_pkcs11(root, &module, label, &pin)
        .map(Some)
        .map_err(|error| Failure::failed("the token", &error))
}

/// An empty directory for a vault, readable by its owner alone. One that is there and is empty becomes so; of somebody else it is
/// refused by the system.
pub(super) fn make_directory(directory: &Path) -> Result<(), Failure> {
    let fail = |error: std::io::Error| Failure::failed("the vault's directory", &error);
    if directory.exists() {
        if std::fs::read_dir(directory).map_err(fail)?.next().is_some() {
            return Err(Failure::Failed("the directory is not empty".into()));
        }
        // Before anything lies in it, so that there was never a moment in which others could have opened a file.
        return std::fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(
            |error| {
                Failure::failed(
                    "the vault's directory cannot be closed to others (mode 0700)",
                    &error,
                )
            },
        );
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(fail)
}

/// Writes configuration, envelopes and keyring of a new vault.
pub(super) fn lay_out(
    directory: &Path,
    file: ConfigFile,
    envelopes: &[Envelope],
    root: &RootKey,
) -> Result<(Config, Keyring), Failure> {
    let config = Config::check(directory, file.clone(), &Overrides::default())
        .map_err(|error| Failure::failed("the configuration", &error))?;
    file.create(directory).map_err(|error| Failure::failed("the configuration", &error))?;
    UnlockFile::create(&directory.join(layout::UNLOCK), envelopes)
        .map_err(|error| Failure::storage("the unlock file", &error))?;
    let (year, month) = HostClock::new().now().year_month();
    let month = Month::from_year_month(year, month)
        .map_err(|error| Failure::failed("the clock", &error))?;
    let keyring = Keyring::create(&directory.join(layout::KEYRING), root, month)
        .map_err(|error| Failure::storage("the keyring", &error))?;
    Ok((config, keyring))
}

async fn enrol_all(
    vault: &Vault,
    named: &[(&str, &String); 3],
) -> Result<Vec<(String, String, EnrolmentCode)>, Failure> {
    let mut codes = Vec::new();
    for (role, login) in named {
        let rooms = &vault.rooms;
        let code = EnrolmentCode::draw(&*rooms.random)
            .map_err(|error| Failure::failed("a one-time code", &error))?;
        let post = platform_place(vault, role)?;
        enrol_first(vault, login, ActorState::Active, vec![post], Some(&code)).await?;
        codes.push(((*role).to_owned(), (*login).clone(), code));
    }
    Ok(codes)
}

/// Enrols an actor while the vault is made, before there is anybody who could. Gives its id.
pub(super) async fn enrol_first(
    vault: &Vault,
    login: &str,
    state: ActorState,
    posts: Vec<AssignmentRecord>,
    code: Option<&EnrolmentCode>,
) -> Result<ActorId, Failure> {
    let rooms = &vault.rooms;
    let fail = |error: &(dyn std::error::Error + 'static)| Failure::failed("an actor", error);
    let now = rooms.clock.now();
    let id = ActorId::from_bytes(rooms.random.bytes16().map_err(|error| fail(&error))?);
    let role = posts.first().map(|post| post.role.clone()).unwrap_or_default();
    let record = ActorRecord {
        id,
        login: login.to_owned(),
        kind: ActorKind::Person,
        state,
        assignments: posts,
        tokens_from: 0,
        own: None,
        log_in_key: None,
    };
    let directory = rooms.identity.directory();
    let mut change = directory.addition(&NewActor { record }).map_err(|error| fail(&error))?;
    if let Some(code) = code {
        let enrolment = directory.enrolment(id, code, now).map_err(|error| fail(&error))?;
        change.ops.extend(enrolment.ops);
        change.expects.extend(enrolment.expects);
    }
    let announcement = Announcement::Enrolled { actor: *id.as_bytes(), role };
    rooms.trail.announce_change(announcement, change).await.map_err(|error| fail(&error))?;
    Ok(id)
}

/// A place that counts from now on and has no area, as the platform's roles have it.
pub(super) fn platform_place(vault: &Vault, role: &str) -> Result<AssignmentRecord, Failure> {
    let rooms = &vault.rooms;
    let id = rooms.random.bytes16().map_err(|error| Failure::failed("an actor", &error))?;
    let from = rooms.clock.now().0;
    Ok(AssignmentRecord {
        id,
        role: role.to_owned(),
        area: None,
        line: None,
        lead: false,
        unconfirmed_by: None,
        windows: None,
        readiness: ReadinessRecord::default(),
        from,
        until: None,
    })
}

fn read_territory(file: &Path) -> Result<TerritoryData, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::failed("the tree of grids", &error))?;
    serde_json::from_str(&text).map_err(|error| Failure::failed("the tree of grids", &error))
}

/// Says what was made. Codes and shares are shown this once, so a line that cannot be written is a failure.
fn show(
    arguments: &Arguments,
    made: (Vec<(String, String, EnrolmentCode)>, String),
    split: Option<&Split>,
    json: bool,
) -> Result<(), Failure> {
    let (codes, log_key) = made;
    let shown = split.filter(|_| arguments.shares_dir.is_none());
    let shares = shown.map(Split::texts).transpose()?.unwrap_or_default();
    let text = match json {
        true => for_machines(&codes, &log_key, &shares),
        false => for_people(arguments, &codes, &log_key, &shares),
    };
    write_whole(&text).map_err(|error| {
        let what =
            "the vault was made, and what opens it could not be shown: remove it, and make it anew";
        Failure::failed(what, &error)
    })
}

/// Writes to standard output, and to the disk where that is a file.
fn write_whole(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    match rustix::fs::fsync(&out) {
        // Pipes and terminals have nothing to be synced.
        Ok(()) | Err(Errno::INVAL | Errno::ROFS | Errno::NOTSUP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn for_machines(
    codes: &[(String, String, EnrolmentCode)],
    log_key: &str,
    shares: &[Zeroizing<String>],
) -> Zeroizing<String> {
    let codes: Vec<serde_json::Value> = codes
        .iter()
        .map(|(role, login, code)| {
            serde_json::json!({"role": role, "login": login, "code": code.show()})
        })
        .collect();
    let mut made = serde_json::json!({"log_key": log_key, "administrators": codes});
    if !shares.is_empty() {
        let texts: Vec<&str> = shares.iter().map(|text| text.as_str()).collect();
        made["shares"] = serde_json::json!(texts);
    }
    Zeroizing::new(format!("{made}\n"))
}

fn for_people(
    arguments: &Arguments,
    codes: &[(String, String, EnrolmentCode)],
    log_key: &str,
    shares: &[Zeroizing<String>],
) -> Zeroizing<String> {
    let mut lines = vec![
        format!("A vault was made in {}.", arguments.dir.display()),
        format!("Log key, for the auditors: {log_key}"),
        "One-time codes, good for 24 hours, one for each administrator:".to_owned(),
    ];
    lines.extend(
        codes.iter().map(|(role, login, code)| format!("  {role:15} {login:20} {}", code.show())),
    );
    if !shares.is_empty() {
        lines.push("Shares of the root key, one for each holder; they are shown this once:".into());
    }
    lines.extend(shares.iter().map(|text| format!("  {}", text.as_str())));
    lines.push("Next:".into());
    let directory = arguments.dir.display();
    match (&arguments.shares, &arguments.pkcs11_module, &arguments.passphrase_file) {
        (None, None, Some(file)) => {
            let file = file.display();
            lines.push(format!("  gridvault serve --dir {directory} --passphrase-file {file}"));
        }
        (shares, token, passphrase) => {
            lines.push(format!("  gridvault serve --dir {directory}"));
            if shares.is_some() {
                let who = "by each holder of a share until enough are there";
                lines.push(format!("  gridvault unseal, {who}"));
            }
            if token.is_some() {
                lines.push("  gridvault unseal --pin, with the token in its place".into());
            }
            if passphrase.is_some() {
                lines.push("  or gridvault unseal once, with the passphrase".into());
            }
        }
    }
    let listen = arguments.listen.as_deref().and_then(|listen| listen.parse().ok());
    let url = listen.map_or_else(|| URL_USUAL.to_owned(), url_of);
    lines.push("  by each administrator, with its code, within a day:".into());
    lines.extend(codes.iter().map(|(_, login, _)| format!("  {}", enrolling(login, &url))));
    lines.push(String::new());
    let text = Zeroizing::new(lines.join("\n"));
    lines.zeroize();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_a_vault_is_closed_to_others_whether_it_was_there_or_not() {
        let room = tempfile::tempdir().expect("a directory");
        let mode = |path: &Path| {
            std::fs::metadata(path).expect("a directory").permissions().mode() & 0o777
        };
        let (there, new) = (room.path().join("there"), room.path().join("new"));
        std::fs::create_dir(&there).expect("made");
        std::fs::set_permissions(&there, Permissions::from_mode(0o755)).expect("set");
        for path in [&there, &new] {
            make_directory(path).expect("an empty directory");
            assert_eq!(mode(path), 0o700, "{}", path.display());
        }
        // What holds something is somebody's, and stays as it is.
        std::fs::write(there.join("file"), "").expect("written");
        std::fs::set_permissions(&there, Permissions::from_mode(0o755)).expect("set");
        assert!(make_directory(&there).is_err());
        assert_eq!(mode(&there), 0o755);
    }
}
