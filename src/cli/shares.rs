//! Shares of the root key: made with a vault, shown once or written each into a file of its own.
//! Never into the log, and never beside the vault that they open.
//! The log says that the key was split and how, never a share.

use super::failure::Failure;
use super::vault::Vault;
use crate::files::sync_directory;
use crate::trail::Announcement;
use gridvault_keys::{Envelope, KeyError, Provider, RootKey, Share, SharePlan};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};
use zeroize::Zeroizing;

/// A set of shares that was just made.
pub(super) struct Split {
    pub(super) envelope: Envelope,
    shares: Vec<Share>,
}

/// Splits a fresh key over the root key.
pub(super) fn split(root: &RootKey, plan: SharePlan) -> Result<Split, Failure> {
    let (envelope, shares) = Envelope::seal_with_shares(root, plan).map_err(|e| fail(&e))?;
    Ok(Split { envelope, shares })
}

impl Split {
    /// Each share as it is printed.
    pub(super) fn texts(&self) -> Result<Vec<Zeroizing<String>>, Failure> {
        self.shares.iter().map(Share::text).collect::<Result<_, _>>().map_err(|e| fail(&e))
    }

    /// The root key, opened with as many of the shares as are needed.
    pub(super) fn opened(&self) -> Result<RootKey, Failure> {
        let needed = match self.envelope.provider() {
            Provider::Shares(plan) => usize::from(plan.needed()),
            _ => self.shares.len(),
        };
        let shares = self.shares.get(..needed).unwrap_or(&self.shares);
        self.envelope.open_with_shares(shares).map_err(|error| fail(&error))
    }

    /// Writes each into a new file of its own, readable by its owner alone.
    pub(super) fn write(&self, to: &Path, vault: &Path) -> Result<(), Failure> {
        let fail = |error: std::io::Error| Failure::failed("the files of the shares", &error);
        let to = directory_apart(to, vault)?;
        let count = self.shares.len();
        for (share, text) in self.shares.iter().zip(self.texts()?) {
            let path = to.join(format!("share-{}-of-{count}", share.number()));
            let mut options = std::fs::OpenOptions::new();
            let opened = options.write(true).create_new(true).mode(0o600).open(path);
            let mut file = opened.map_err(fail)?;
            file.write_all(text.as_bytes()).map_err(fail)?;
            file.write_all(b"\n").map_err(fail)?;
            file.sync_all().map_err(fail)?;
        }
        sync_directory(&to).map_err(fail)
    }

    /// Says in the log that the key was split.
    pub(super) async fn announce(&self, vault: &Vault) -> Result<(), Failure> {
        let Provider::Shares(plan) = self.envelope.provider() else { return Ok(()) };
        let said = Announcement::Split {
            envelope: *self.envelope.id(),
            needed: plan.needed(),
            count: plan.count(),
        };
        let recorded = vault.rooms.trail.announce(said).await;
        recorded.map(drop).map_err(|error| Failure::storage("the split cannot be recorded", &error))
    }
}

/// A directory that does not lie in the vault, made where it is not there. Gives it as it is, whatever its name leads over.
fn directory_apart(to: &Path, vault: &Path) -> Result<PathBuf, Failure> {
    let fail = |error: std::io::Error| Failure::failed("the files of the shares", &error);
    let vault = vault.canonicalize().map_err(fail)?;
    let apart = |path: &Path| {
        if !path.starts_with(&vault) {
            return Ok(());
        }
        let text = "shares beside the vault that they open are none: name another directory";
        Err(Failure::Usage(text.into()))
    };
    // What is made below the first directory that is there lies where that one lies, unless its name leads up again.
    let there = to.ancestors().find(|path| path.exists());
    let made = there.and_then(|there| to.strip_prefix(there).ok()).unwrap_or(to);
    if made.components().any(|part| part == Component::ParentDir) {
        let text = "the directory of the shares is not there: name it without \"..\"";
        return Err(Failure::Usage(text.into()));
    }
    apart(&there.unwrap_or(Path::new(".")).canonicalize().map_err(fail)?)?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(to).map_err(fail)?;
    // Whoever puts a link in the way meanwhile gets no share written through it.
    let to = to.canonicalize().map_err(fail)?;
    apart(&to)?;
    Ok(to)
}

fn fail(error: &KeyError) -> Failure {
    Failure::failed("the shares", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_of_a_directory_leads_shares_into_the_vault() {
        let room = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| room.path().join(name);
        std::fs::create_dir(path("vault")).expect("a directory");
        std::fs::create_dir(path("there")).expect("a directory");
        std::os::unix::fs::symlink(path("vault"), path("link")).expect("a link");
        let refused = |name: &str| {
            let to = path(name);
            matches!(directory_apart(&to, &path("vault")), Err(Failure::Usage(_)))
        };
        for inside in [
            "vault",
            "vault/shares",
            "vault/a/b",
            "there/../vault",
            "there/../vault/shares",
            "nowhere/../vault",
            "nowhere/../vault/shares",
            "there/nowhere/../../vault/shares",
            "link",
            "link/shares",
            "link/../vault/shares",
        ] {
            assert!(refused(inside), "{inside}");
        }
        assert!(!path("nowhere").exists() && !path("vault/shares").exists(), "nothing was made");
        for apart in ["shares", "vault-shares", "there", "there/a/b", "there/../beside", "vault/.."]
        {
            let made = directory_apart(&path(apart), &path("vault")).expect(apart);
            assert!(made.is_dir(), "{apart}");
        }
    }
}
