//! `gridvault backup`: the bulk part and the key part of a vault, made, judged, and brought together in an empty directory.
//! Never opens a record, and asks for keys only where something is to be judged or restored with them.
//! The two parts never lie in one file: whoever finds one of them opens nothing.

use super::failure::Failure;
use super::{print, restoring};
use crate::config::{Config, Overrides, layout};
use crate::files::write_new;
use crate::trail::{
    BackupError, Bulk, BulkAt, BulkJudged, BulkSource, bulk_size, create_bulk, gather_bulk,
    verify_bulk, wrapped_anew,
};
use gridvault_audit::verify::VerifyError;
use gridvault_keys::{BackupIdentity, BackupRecipient, KeyPart, UnlockFile};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// How often the keyring may change while it is read together with what is wrapped under it.
const KEYRING_LOOKS_MAX: u32 = 5;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Draw the secret of a recipient of key parts; what it prints goes to the vault's host, the file never does.
    Recipient {
        /// The file to write.
        #[arg(long)]
        out: PathBuf,
    },
    /// Copy the bulk part, while the vault serves or stands still.
    Create {
        /// The vault's directory.
        #[arg(long, env = "GRIDVAULT_DIR")]
        dir: PathBuf,
        /// An empty directory, or one that is not there.
        #[arg(long)]
        out: PathBuf,
        /// A bulk part of this vault, whole or incremental itself: what it has, or a part before it, is not written again.
        #[arg(long, value_name = "DIR")]
        since: Option<PathBuf>,
        /// A bulk part before that one; each of them. Without it they are looked for beside it.
        #[arg(long, value_name = "DIR", requires = "since")]
        bulk_before: Vec<PathBuf>,
    },
    /// Make a whole bulk part of an incremental one and those before it.
    Gather {
        /// The bulk part.
        #[arg(long)]
        bulk: PathBuf,
        /// A bulk part before it; each of them. Without it they are looked for beside it.
        #[arg(long, value_name = "DIR")]
        bulk_before: Vec<PathBuf>,
        /// An empty directory, or one that is not there.
        #[arg(long)]
        out: PathBuf,
    },
    /// Write the key part, sealed to recipients.
    Keys {
        /// The vault's directory.
        #[arg(long, env = "GRIDVAULT_DIR")]
        dir: PathBuf,
        /// A file with a recipient a line.
        #[arg(long)]
        recipients: PathBuf,
        /// The oldest bulk part that may still be restored: subject keys that were wrapped anew before it are left out.
        #[arg(long)]
        bulk: Option<PathBuf>,
        /// The file to write; never over one that is there.
        #[arg(long)]
        out: PathBuf,
    },
    /// Judge a bulk part offline.
    Verify {
        /// The bulk part.
        #[arg(long)]
        bulk: PathBuf,
        /// A bulk part before it, of an incremental one; each of them. Without it they are looked for beside it.
        #[arg(long, value_name = "DIR")]
        bulk_before: Vec<PathBuf>,
        /// The public key of the log, from outside.
        #[arg(long)]
        log_key: String,
    },
    /// Make a vault of a bulk part and the newest key part, under a log of another name.
    Restore(Box<restoring::Arguments>),
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Recipient { out } => recipient(out, json),
        Command::Create { dir, out, since, bulk_before } => {
            let since = since.as_deref().map(|directory| BulkAt { directory, before: bulk_before });
            is_outside(out, dir)?;
            create(dir, out, since.as_ref(), json)
        }
        Command::Gather { bulk, bulk_before, out } => {
            let at = BulkAt { directory: bulk, before: bulk_before };
            show(&gather_bulk(&at, out).map_err(|error| told(&error))?, json);
            Ok(())
        }
        Command::Keys { dir, recipients, bulk, out } => {
            keys(dir, recipients, bulk.as_deref(), out, json)
        }
        Command::Verify { bulk, bulk_before, log_key } => {
            verify(&BulkAt { directory: bulk, before: bulk_before }, log_key, json)
        }
        Command::Restore(arguments) => restoring::run(arguments, json),
    }
}

/// A backup inside of the vault goes with it, and the next one would have it in it.
fn is_outside(out: &Path, vault: &Path) -> Result<(), Failure> {
    let absolute = std::path::absolute(out);
    let absolute = absolute.map_err(|error| Failure::failed("the place of the backup", &error))?;
    // What is not there yet lies in the nearest directory that is.
    let there = absolute.ancestors().find_map(|place| place.canonicalize().ok());
    let inside = vault
        .canonicalize()
        .is_ok_and(|vault| there.is_some_and(|place| place.starts_with(&vault)));
    match inside {
        true => Err(Failure::Usage("--out lies in the vault's own directory".into())),
        false => Ok(()),
    }
}

fn recipient(out: &Path, json: bool) -> Result<(), Failure> {
    let identity = BackupIdentity::create(out)
        .map_err(|error| Failure::failed("the file of the secret", &error))?;
    let recipient = identity.recipient().to_text();
    print(&if json { serde_json::json!({"recipient": recipient}).to_string() } else { recipient });
    Ok(())
}

fn create(dir: &Path, out: &Path, since: Option<&BulkAt<'_>>, json: bool) -> Result<(), Failure> {
    let config = load(dir)?;
    let bulk = with_source(&config, |source| create_bulk(source, out, since));
    show(&bulk.map_err(|error| told(&error))?, json);
    Ok(())
}

fn show(made: &Bulk, json: bool) {
    let Bulk { size, files, bytes, held, held_bytes } = made;
    print(&match json {
        true => serde_json::json!({
            "size": size, "files": files, "bytes": bytes, "held": held, "held_bytes": held_bytes,
        })
        .to_string(),
        false => {
            let written = format!("{files} files, {bytes} bytes, up to {size} entries of the log");
            match held {
                0 => written,
                _ => {
                    format!("{written}; {held} files, {held_bytes} bytes, lie in the parts before")
                }
            }
        }
    });
}

/// Where what is copied of a vault lies.
fn with_source<T>(config: &Config, use_it: impl FnOnce(&BulkSource<'_>) -> T) -> T {
    let [journal, log, snapshots, file] =
        ["journal", "log", "snapshots", "config"].map(|name| config.directory.join(name));
    use_it(&BulkSource {
        origin: &config.origin,
        config: &file,
        log: &log,
        journal: &journal,
        snapshots: &snapshots,
    })
}

fn keys(
    dir: &Path,
    recipients: &Path,
    bulk: Option<&Path>,
    out: &Path,
    json: bool,
) -> Result<(), Failure> {
    let config = load(dir)?;
    let text = std::fs::read_to_string(recipients)
        .map_err(|error| Failure::failed("the file of recipients", &error))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let recipients = lines.map(BackupRecipient::parse).collect::<Result<Vec<_>, _>>();
    let recipients =
        recipients.map_err(|error| Failure::failed("the file of recipients", &error))?;
    let behind = bulk.map(|bulk| bulk_size(bulk, &config.origin)).transpose();
    let behind = behind.map_err(|error| told(&error))?.unwrap_or(0);
    let part = key_part(&config, behind)?;
    let anew = part.anew.len();
    let sealed = part.seal(&recipients);
    let sealed = sealed.map_err(|error| Failure::failed("the key part", &error))?;
    write_new(out, &sealed).map_err(|error| Failure::storage("the key part", &error))?;
    print(&match json {
        true => serde_json::json!({"bytes": sealed.len(), "anew": anew}).to_string(),
        false => format!("{} bytes, with {anew} subject keys that were wrapped anew", sealed.len()),
    });
    Ok(())
}

/// Keyring and wrapped keys of one moment: where the ring is the same before and after the rows were read, and no erasure waited for
/// its keys between, it opens nobody who is erased and everybody who stays.
fn key_part(config: &Config, behind: u64) -> Result<KeyPart, Failure> {
    let read = |name: &str| {
        std::fs::read(config.directory.join(name))
            .map_err(|error| Failure::storage("the vault's keys cannot be read", &error))
    };
    for _ in 0..KEYRING_LOOKS_MAX {
        let keyring = Zeroizing::new(read(layout::KEYRING)?);
        let anew = with_source(config, |source| wrapped_anew(source, behind));
        let anew = anew.map_err(|error| told(&error))?;
        let envelopes = read(layout::UNLOCK)?;
        // A file of envelopes that has just gone out of force is overwritten where it lies.
        let is_whole =
            UnlockFile::from_bytes(&envelopes).is_ok() && envelopes == read(layout::UNLOCK)?;
        if is_whole && *keyring == read(layout::KEYRING)? {
            let origin = config.origin.clone();
            return Ok(KeyPart { origin, envelopes, keyring, anew });
        }
    }
    Err(told(&BackupError::Moving))
}

fn verify(at: &BulkAt<'_>, log_key: &str, json: bool) -> Result<(), Failure> {
    let judged = verify_bulk(at, log_key).map_err(|error| told(&error))?;
    let BulkJudged { origin, size, snapshot, files, parts, is_told } = judged;
    print(&match json {
        true => serde_json::json!({
            "origin": origin, "size": size, "snapshot": snapshot, "files": files,
            "parts": parts, "snapshot_in_log": is_told,
        })
        .to_string(),
        false => {
            let of = match (snapshot, is_told) {
                (0, _) => "no snapshot, the whole journal".to_owned(),
                (index, true) => format!("a snapshot of {index} entries, which the log tells of"),
                (index, false) => {
                    format!("a snapshot of {index} entries, of which the log does not tell yet")
                }
            };
            let files = match parts {
                1 => format!("{files} files"),
                _ => format!("{files} files in {parts} bulk parts"),
            };
            format!(
                "{origin}: {files} are those that were written, {size} entries verify, {of}; \
                 the tags of journal and snapshot are judged when it is restored"
            )
        }
    });
    Ok(())
}

fn load(dir: &Path) -> Result<Config, Failure> {
    Config::load(dir, &Overrides::default())
        .map_err(|error| Failure::failed("the configuration", &error))
}

/// What is wrong with a backup is a fault of storage; a wrong use of the command is not, nor is what was changed since it was written.
pub(super) fn told(error: &BackupError) -> Failure {
    match error {
        BackupError::NotEmpty(_)
        | BackupError::NoCheckpoint
        | BackupError::Destroying
        | BackupError::TooManyAnew
        | BackupError::TooManyParts
        | BackupError::OtherVault(_)
        | BackupError::NoContinuation(_)
        | BackupError::NoAncestor(_)
        | BackupError::Refused(_) => Failure::failed("the backup", error),
        BackupError::Damaged { .. } | BackupError::PartChanged(_) | BackupError::NotHeld { .. } => {
            Failure::tampered("the backup", error)
        }
        BackupError::Log(cause)
            if matches!(cause.downcast_ref(), Some(VerifyError::Tampered(_))) =>
        {
            Failure::tampered("the backup", error)
        }
        _ => Failure::storage("the backup", error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridvault_audit::verify::{Class, Finding};

    #[test]
    fn what_was_changed_is_told_apart_from_what_cannot_be_read() {
        let path = || PathBuf::from("bulk/log");
        let status = |error: BackupError| told(&error).status();
        let changed = BackupError::Damaged { path: "log/checkpoint".into(), what: "it is missing" };
        assert_eq!(status(changed), 3);
        assert_eq!(status(BackupError::PartChanged(path())), 3);
        let finding =
            Finding { class: Class::HistoryRewritten, index: None, level: None, detail: "" };
        let log = |error: VerifyError| BackupError::Log(Box::new(error));
        assert_eq!(status(log(VerifyError::Tampered(finding))), 3);
        assert_eq!(status(log(VerifyError::NoCheckpoint)), 4);
        assert_eq!(status(BackupError::Io(path(), std::io::ErrorKind::NotFound.into())), 4);
        assert_eq!(status(BackupError::NotEmpty(path())), 1);
    }
}
