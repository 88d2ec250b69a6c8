//! The configuration of a vault: one file in its directory, overridden by environment and flags.
//! Never holds a secret, only the paths of files that do; an unknown key is an error.
//! What comes out is checked whole.

pub mod layout;
mod second_place;

use crate::limits::{
    AUDIT_RETENTION_MONTHS, AUDIT_RETENTION_MONTHS_MAX, AUDIT_RETENTION_MONTHS_MIN, EXPIRY_REST,
    EXPIRY_REST_MAX, ORIGIN_CHARACTERS_MAX, ORIGIN_MARKS, ROTATION_SHARE_PERCENT, SCRUB_REST,
    SCRUB_REST_MAX, SEGMENT_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SNAPSHOT_JOURNAL_BYTES,
    SNAPSHOT_JOURNAL_BYTES_MAX, SNAPSHOT_JOURNAL_BYTES_MIN, SNAPSHOTS_KEPT_COUNT,
    SNAPSHOTS_KEPT_COUNT_MAX, SNAPSHOTS_KEPT_COUNT_MIN, STORE_CACHE_BYTES, WITNESS_AGE,
    WITNESS_AGE_MIN,
};
use serde::{Deserialize, Serialize};
use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use second_place::{LedgerUrl, SecondPlace};

/// Where a vault listens unless it is told otherwise.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:8480";
/// Smallest cache of the engine, in bytes.
const STORE_CACHE_BYTES_MIN: u64 = 16 * 1024 * 1024;

/// The file `config` in the vault's directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// Origin of the log, issuer and audience of tokens: a schema-less URL prefix. Never changes.
    pub origin: String,
    /// Address to listen on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// Cache of the engine, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_cache_bytes: Option<u64>,
    /// Size of a journal segment, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_segment_bytes: Option<u64>,
    /// Journal behind the last snapshot that makes the next one due, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_journal_bytes: Option<u64>,
    /// Verified snapshots that are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshots_kept: Option<u32>,
    /// A file that holds the passphrase of the root key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase_file: Option<PathBuf>,
    /// The library (PKCS#11) of the token that opens the vault, by its whole path. It runs in the process with all its rights.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pkcs11_module: Option<PathBuf>,
    /// A file that holds the PIN of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin_file: Option<PathBuf>,
    /// Whether a start waits, sealed, for whoever opens the vault, whatever passphrase or PIN file is named elsewhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub start_sealed: bool,
    /// Whether what opens a sealed vault, and other ways to the root key of an open one, are taken from other hosts too, and through a proxy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unseal_from_network: bool,
    /// A directory with policies in place of those built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<PathBuf>,
    /// A policy file (c2sp.org/tlog-policy) with the witnesses of the log. Without it there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness_policy: Option<PathBuf>,
    /// How long the oldest entry may wait for the quorum of witnesses before data stops being served, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness_age_seconds_max: Option<u64>,
    /// Certificates (PEM) of the authorities that are trusted for witnesses with https addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness_ca_file: Option<PathBuf>,
    /// An address of loopback that `/metrics` is served on. Without it there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_listen: Option<String>,
    /// How long entries of the log are kept, in months.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_retention_months: Option<u32>,
    /// Entries from this index on are kept however old they are: a hold for as long as the key stands here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_keep_from: Option<u64>,
    /// The rest between two rounds of the scrub, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scrub_rest_seconds: Option<u64>,
    /// The ledger of erasures in a second place: a file on another disk, or a URL below which each line is an object. Without it
    /// there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erasure_ledger: Option<String>,
    /// A file that holds the token that is shown to that URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erasure_ledger_token_file: Option<PathBuf>,
    /// Certificates (PEM) of the authorities that are trusted for that URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erasure_ledger_ca_file: Option<PathBuf>,
    /// The rest between two walks over what is past its end, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiry_rest_seconds: Option<u64>,
    /// The share of one processor that a rotation of keys takes, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_percent: Option<u64>,
    /// Whether everything in the vault is invented.
    #[serde(default)]
    pub synthetic: bool,
    /// A receiver of the log's entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syslog: Option<Syslog>,
}

/// A receiver of syslog over TLS (RFC 5425). Holds paths of keys, never a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Syslog {
    /// Host and port.
    pub address: String,
    /// The name in its certificate; the host of the address without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A PEM file with the authorities that may have signed it.
    pub authorities: PathBuf,
    /// A PEM file with our own certificate, where the receiver wants one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// A PEM file with its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// `cef` or `ocsf`.
    #[serde(default)]
    pub format: SyslogFormat,
    /// What a receiver's end of a session must be like to confirm it.
    #[serde(default)]
    pub confirmation: Confirmation,
}

/// The form of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyslogFormat {
    /// Common Event Format.
    #[default]
    Cef,
    /// Open Cybersecurity Schema Framework.
    Ocsf,
}

/// What confirms a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// The goodbye of TLS, as RFC 5425 section 4.4 asks: nobody on the way can forge it.
    #[default]
    Tls,
    /// The orderly end of the connection alone, for receivers that say no goodbye. Whoever is on the way can forge it.
    Tcp,
}

impl Syslog {
    /// The name in the receiver's certificate.
    pub fn name(&self) -> &str {
        let host = || self.address.rsplit_once(':').map_or(&*self.address, |(host, _)| host);
        self.name.as_deref().unwrap_or_else(host)
    }
}

/// What environment and flags put in place of the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Address to listen on.
    pub listen: Option<String>,
    /// A file that holds the passphrase of the root key.
    pub passphrase_file: Option<PathBuf>,
    /// A file that holds the PIN of the token.
    pub pin_file: Option<PathBuf>,
    /// Whether the host's clock is believed, though the log's last entry is of a later time.
    pub believe_clock: bool,
}

/// A configuration that was checked whole.
#[derive(Clone, Debug)]
pub struct Config {
    /// The vault's directory.
    pub directory: PathBuf,
    /// Origin of the log, issuer and audience of tokens.
    pub origin: String,
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Cache of the engine, in bytes.
    pub store_cache_bytes: u64,
    /// Size of a journal segment, in bytes.
    pub journal_segment_bytes: u64,
    /// Journal behind the last snapshot that makes the next one due, in bytes.
    pub snapshot_journal_bytes: u64,
    /// Verified snapshots that are kept.
    pub snapshots_kept: u32,
    /// A file that holds the passphrase of the root key.
    pub passphrase_file: Option<PathBuf>,
    /// The library of the token that opens the vault.
    pub pkcs11_module: Option<PathBuf>,
    /// A file that holds the PIN of the token.
    pub pin_file: Option<PathBuf>,
    /// Whether a start waits, sealed, for whoever opens the vault.
    pub start_sealed: bool,
    /// Whether this start believes the host's clock, though the log's last entry is of a later time. An entry says so.
    pub believe_clock: bool,
    /// Whether what opens a sealed vault, and other ways to the root key of an open one, are taken from other hosts too, and through a proxy.
    pub unseal_from_network: bool,
    /// A directory with policies in place of those built in.
    pub policies: Option<PathBuf>,
    /// A policy file with the witnesses of the log.
    pub witness_policy: Option<PathBuf>,
    /// How long the oldest entry may wait for them before data stops being served.
    pub witness_age_max: Duration,
    /// Certificates of the authorities that are trusted for witnesses.
    pub witness_ca_file: Option<PathBuf>,
    /// An address of loopback that `/metrics` is served on.
    pub metrics_listen: Option<SocketAddr>,
    /// How long entries of the log are kept, in months.
    pub audit_retention_months: u32,
    /// Entries from this index on are kept however old they are.
    pub audit_keep_from: Option<u64>,
    /// The rest between two rounds of the scrub.
    pub scrub_rest: Duration,
    /// The rest between two walks over what is past its end.
    pub expiry_rest: Duration,
    /// The ledger of erasures in a second place.
    pub erasure_ledger: Option<SecondPlace>,
    /// A file that holds the token that is shown to it.
    pub erasure_ledger_token_file: Option<PathBuf>,
    /// Certificates of the authorities that are trusted for it.
    pub erasure_ledger_ca_file: Option<PathBuf>,
    /// The share of one processor that a rotation of keys takes, in percent.
    pub rotation_percent: u64,
    /// Whether everything in the vault is invented.
    pub synthetic: bool,
    /// A receiver of the log's entries.
    pub syslog: Option<Syslog>,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no vault in the directory.
    #[error("there is no vault in this directory: it has no file \"config\"")]
    NoVault,
    /// The file cannot be read or written.
    #[error("the configuration file cannot be read or written")]
    Io(#[source] std::io::Error),
    /// The file is not what it should be.
    #[error("the configuration file: {0}")]
    File(String),
    /// A value makes no sense.
    #[error("{name}: {reason}")]
    Value {
        /// The key.
        name: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
}

impl Config {
    /// Reads and checks the configuration of the vault in a directory.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn load(directory: &Path, overrides: &Overrides) -> Result<Config, ConfigError> {
        let text = match std::fs::read_to_string(directory.join(layout::CONFIG)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ConfigError::NoVault);
            }
            Err(error) => return Err(ConfigError::Io(error)),
        };
        Config::check(directory, ConfigFile::parse(&text)?, overrides)
    }

    /// Checks a file's content under the overrides.
    ///
    /// # Errors
    /// The first value that makes no sense.
    pub fn check(
        directory: &Path,
        file: ConfigFile,
        overrides: &Overrides,
    ) -> Result<Config, ConfigError> {
        let listen = listen(&file, overrides)?;
        if !is_origin(&file.origin) {
            return Err(ConfigError::Value {
                name: "origin",
                reason: "is not a schema-less URL prefix",
            });
        }
        let store_cache_bytes = file.store_cache_bytes.unwrap_or(STORE_CACHE_BYTES);
        if store_cache_bytes < STORE_CACHE_BYTES_MIN {
            return Err(ConfigError::Value {
                name: "store_cache_bytes",
                reason: "is below 16 MiB",
            });
        }
        let journal_segment_bytes = segment_bytes(&file)?;
        let (snapshot_journal_bytes, snapshots_kept) = snapshots(&file)?;
        if let Some(syslog) = &file.syslog
            && syslog.certificate.is_some() != syslog.key.is_some()
        {
            let reason = "names a certificate or a key without the other";
            return Err(ConfigError::Value { name: "syslog", reason });
        }
        check_ways_in(&file, listen)?;
        let audit_retention_months = retention_months(&file)?;
        let metrics_listen = metrics_listen(&file)?;
        let scrub_rest = scrub_rest(&file)?;
        let expiry_rest = expiry_rest(&file)?;
        let erasure_ledger = second_place::second_place(directory, &file)?;
        let rotation_percent = rotation_percent(&file)?;
        let witness_age_max = witness_age(&file)?;
        Ok(Config {
            directory: directory.to_owned(),
            origin: file.origin,
            listen,
            store_cache_bytes,
            journal_segment_bytes,
            snapshot_journal_bytes,
            snapshots_kept,
            passphrase_file: chosen(
                &overrides.passphrase_file,
                &overrides.pin_file,
                file.passphrase_file,
            ),
            pkcs11_module: file.pkcs11_module,
            pin_file: chosen(&overrides.pin_file, &overrides.passphrase_file, file.pin_file),
            start_sealed: file.start_sealed,
            believe_clock: overrides.believe_clock,
            unseal_from_network: file.unseal_from_network,
            policies: file.policies,
            witness_policy: file.witness_policy,
            witness_age_max,
            witness_ca_file: file.witness_ca_file,
            metrics_listen,
            audit_retention_months,
            audit_keep_from: file.audit_keep_from,
            scrub_rest,
            expiry_rest,
            erasure_ledger,
            erasure_ledger_token_file: file.erasure_ledger_token_file,
            erasure_ledger_ca_file: file.erasure_ledger_ca_file,
            rotation_percent,
            synthetic: file.synthetic,
            syslog: file.syslog,
        })
    }

    /// SHA-256 over what was checked, for the entry of a start. Holds no secret.
    pub fn digest(&self) -> [u8; 32] {
        let text = format!(
            "{}\n{}\n{}\n{}\n{:?}\n{:?}\n{}\n{:?}\n{}\n{:?}\n{}\n{:?}\n{:?}\n{}\n{}\n{}\n{}\n{}\n{:?}\n{}\n{:?}\n{:?}\n{:?}\n{}",
            self.origin,
            self.listen,
            self.store_cache_bytes,
            self.journal_segment_bytes,
            self.policies,
            self.witness_policy,
            self.witness_age_max.as_secs(),
            self.witness_ca_file,
            self.synthetic,
            self.syslog,
            self.audit_retention_months,
            self.audit_keep_from,
            self.metrics_listen,
            self.start_sealed,
            self.unseal_from_network,
            self.snapshot_journal_bytes,
            self.snapshots_kept,
            self.scrub_rest.as_secs(),
            self.pkcs11_module,
            self.expiry_rest.as_secs(),
            self.erasure_ledger,
            self.erasure_ledger_token_file,
            self.erasure_ledger_ca_file,
            self.rotation_percent
        );
        let mut digest = [0; 32];
        digest
            .copy_from_slice(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref());
        digest
    }
}

/// What is wrong without the value that is wrong, which messages of these beginnings repeat.
fn without_value(message: &str) -> String {
    let message = message.trim().replace('\n', ", ");
    let repeats = ["invalid type: ", "invalid value: ", "unknown variant "];
    match message.rsplit_once(", expected ") {
        Some((begin, expected)) if repeats.iter().any(|word| begin.starts_with(word)) => {
            format!("another value than expected: {expected}")
        }
        _ => message,
    }
}

fn segment_bytes(file: &ConfigFile) -> Result<u64, ConfigError> {
    let name = "journal_segment_bytes";
    match file.journal_segment_bytes.unwrap_or(SEGMENT_BYTES) {
        ..SEGMENT_BYTES_MIN => {
            Err(ConfigError::Value { name, reason: "is smaller than the largest frame" })
        }
        bytes @ SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX => Ok(bytes),
        _ => Err(ConfigError::Value { name, reason: "is above 1 GiB" }),
    }
}

/// How much of the journal makes a snapshot due, and how many are kept.
fn snapshots(file: &ConfigFile) -> Result<(u64, u32), ConfigError> {
    let bytes = file.snapshot_journal_bytes.unwrap_or(SNAPSHOT_JOURNAL_BYTES);
    if !(SNAPSHOT_JOURNAL_BYTES_MIN..=SNAPSHOT_JOURNAL_BYTES_MAX).contains(&bytes) {
        let reason = "is below 8 MiB or above 1 TiB";
        return Err(ConfigError::Value { name: "snapshot_journal_bytes", reason });
    }
    let kept = file.snapshots_kept.unwrap_or(SNAPSHOTS_KEPT_COUNT);
    match (SNAPSHOTS_KEPT_COUNT_MIN..=SNAPSHOTS_KEPT_COUNT_MAX).contains(&kept) {
        true => Ok((bytes, kept)),
        false => Err(ConfigError::Value { name: "snapshots_kept", reason: "is 0 or above 32" }),
    }
}

/// Whether a text is a schema-less URL prefix.
fn is_origin(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ORIGIN_MARKS.contains(c);
    !text.is_empty()
        && text.len() <= ORIGIN_CHARACTERS_MAX
        && text.chars().all(allowed)
        && !text.contains("//")
}

/// What opens the vault: what was named beside the file, else what the file names, unless the other way in was named beside it.
fn chosen(
    own: &Option<PathBuf>,
    other: &Option<PathBuf>,
    of_file: Option<PathBuf>,
) -> Option<PathBuf> {
    match (own, other) {
        (Some(own), _) => Some(own.clone()),
        (None, Some(_)) => None,
        (None, None) => of_file,
    }
}

/// Whether what opens the vault at a start is one thing, and can come to it.
fn check_ways_in(file: &ConfigFile, listen: SocketAddr) -> Result<(), ConfigError> {
    let wrong = |name, reason| Err(ConfigError::Value { name, reason });
    if file.start_sealed && file.passphrase_file.is_some() {
        return wrong("start_sealed", "contradicts passphrase_file: say one of them");
    }
    if file.start_sealed && file.pin_file.is_some() {
        return wrong("start_sealed", "contradicts pin_file: say one of them");
    }
    // The host itself calls by another address than a proxy on it does, and IPv6 has one address of loopback alone.
    if file.start_sealed && !file.unseal_from_network && listen.ip() == Ipv6Addr::LOCALHOST {
        let reason = "waits at [::1], where nothing tells the host itself from a proxy on it: listen at 127.0.0.1";
        return wrong("start_sealed", reason);
    }
    if file.pkcs11_module.as_ref().is_some_and(|path| !path.is_absolute()) {
        return wrong("pkcs11_module", "is no whole path");
    }
    Ok(())
}

fn metrics_listen(file: &ConfigFile) -> Result<Option<SocketAddr>, ConfigError> {
    let reason = "is not an address of loopback with a port";
    let wrong = || ConfigError::Value { name: "metrics_listen", reason };
    let Some(text) = &file.metrics_listen else { return Ok(None) };
    let address: SocketAddr = text.parse().map_err(|_| wrong())?;
    // Whoever reaches it needs no token.
    address.ip().is_loopback().then_some(Some(address)).ok_or_else(wrong)
}

fn witness_age(file: &ConfigFile) -> Result<Duration, ConfigError> {
    let age = file.witness_age_seconds_max.map_or(WITNESS_AGE, Duration::from_secs);
    let (name, reason) = ("witness_age_seconds_max", "is below 120 seconds");
    (age >= WITNESS_AGE_MIN).then_some(age).ok_or(ConfigError::Value { name, reason })
}

fn scrub_rest(file: &ConfigFile) -> Result<Duration, ConfigError> {
    let rest = file.scrub_rest_seconds.map_or(SCRUB_REST, Duration::from_secs);
    let reason = "is below 1 or above 86,400";
    let within = (1..=SCRUB_REST_MAX.as_secs()).contains(&rest.as_secs());
    within.then_some(rest).ok_or(ConfigError::Value { name: "scrub_rest_seconds", reason })
}

fn listen(file: &ConfigFile, overrides: &Overrides) -> Result<SocketAddr, ConfigError> {
    let named = overrides.listen.as_deref().or(file.listen.as_deref());
    let (name, reason) = ("listen", "is not an address with a port");
    named.unwrap_or(LISTEN_DEFAULT).parse().map_err(|_| ConfigError::Value { name, reason })
}

fn expiry_rest(file: &ConfigFile) -> Result<Duration, ConfigError> {
    let rest = file.expiry_rest_seconds.map_or(EXPIRY_REST, Duration::from_secs);
    let reason = "is below 1 or above 86,400";
    let within = (1..=EXPIRY_REST_MAX.as_secs()).contains(&rest.as_secs());
    within.then_some(rest).ok_or(ConfigError::Value { name: "expiry_rest_seconds", reason })
}

fn rotation_percent(file: &ConfigFile) -> Result<u64, ConfigError> {
    let percent = file.rotation_percent.unwrap_or(ROTATION_SHARE_PERCENT);
    let (name, reason) = ("rotation_percent", "is below 1 or above 100");
    (1..=100).contains(&percent).then_some(percent).ok_or(ConfigError::Value { name, reason })
}

fn retention_months(file: &ConfigFile) -> Result<u32, ConfigError> {
    let months = file.audit_retention_months.unwrap_or(AUDIT_RETENTION_MONTHS);
    let reason = "is below 6 or above 1,200";
    match (AUDIT_RETENTION_MONTHS_MIN..=AUDIT_RETENTION_MONTHS_MAX).contains(&months) {
        true => Ok(months),
        false => Err(ConfigError::Value { name: "audit_retention_months", reason }),
    }
}

impl ConfigFile {
    /// Reads the text of the file. What is wrong is said by its line and its key, without the line itself: a passphrase that
    /// somebody wrote there goes to no terminal and no log.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(text: &str) -> Result<ConfigFile, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(0, |text| text.matches('\n').count() + 1);
            ConfigError::File(format!("line {line}: {}", without_value(error.message())))
        })
    }

    /// Writes a new file; never over one that is there.
    ///
    /// # Errors
    /// The system's.
    pub fn create(&self, directory: &Path) -> Result<(), ConfigError> {
        use std::io::Write as _;
        let text = toml::to_string(self).map_err(|error| ConfigError::File(error.to_string()))?;
        let mut file =
            std::fs::File::create_new(directory.join(layout::CONFIG)).map_err(ConfigError::Io)?;
        file.write_all(text.as_bytes()).map_err(ConfigError::Io)?;
        file.sync_all().map_err(ConfigError::Io)
    }
}

#[cfg(test)]
mod tests;
