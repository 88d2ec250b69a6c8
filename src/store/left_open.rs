//! Says under which start of the machine, and which mount of their disk, the engine's files are written.
//! Never believes files that were left open under another one: sled orders its writes by `sync_file_range`, which holds where a process dies
//! and not where the power goes. Behind that it opens with rows missing, even such as were flushed, and says nothing.
//! The word goes once all is flushed and nobody writes any more.

use crate::files::{replace, sync_directory};
use rustix::fs::{major, minor};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// It lies among the engine's own files, so that it goes where they go.
const NAME: &str = "open";
/// Another one after each start of the machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Whether the files were left open, and the machine or their disk went down since.
pub(super) fn is_doubtful(directory: &Path) -> io::Result<bool> {
    match std::fs::read(directory.join(NAME)) {
        Ok(told) => Ok(now(directory)?.is_none_or(|now| told != now.as_bytes())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Says, durably, that they are open from now on. Of files that were left open and are in no doubt it is said already, and a full disk takes
/// nothing new.
pub(super) fn open(directory: &Path) -> io::Result<()> {
    if let Ok(file) = File::open(directory.join(NAME)) {
        // Whoever wrote it may have died before it was durable.
        file.sync_all()?;
        return sync_directory(directory);
    }
    replace(&directory.join(NAME), now(directory)?.unwrap_or_default().as_bytes())
}

/// Says that all is flushed and nobody writes any more. Where it cannot be said they count as left open.
pub(super) fn close(directory: &Path) {
    let closed = std::fs::remove_file(directory.join(NAME));
    if let Err(error) = closed.and_then(|()| sync_directory(directory)) {
        tracing::warn!(%error, "the store's files stay marked as open");
    }
}

/// The start of the machine and the mount; nothing where the system does not tell the start, which is then another one each time.
fn now(directory: &Path) -> io::Result<Option<String>> {
    let Ok(boot) = std::fs::read_to_string(BOOT_ID) else { return Ok(None) };
    let mount = mount_of(std::fs::metadata(directory)?.dev());
    let mount = mount.map_or_else(|| "-".to_owned(), |number| number.to_string());
    Ok(Some(format!("boot {}\nmount {mount}\n", boot.trim())))
}

/// The number of the directory that the kernel has in sysfs of a mounted file system: another one after another mount, and the same in every
/// container that sees it. Nothing where it has none, as of what lies on no device: then the start of the machine has to do.
fn mount_of(device: u64) -> Option<u64> {
    let link = format!("/sys/dev/block/{}:{}", major(device), minor(device));
    let device = std::fs::read_link(link).ok()?;
    let kinds = std::fs::read_dir("/sys/fs").ok()?.flatten();
    kinds
        .map(|kind| kind.path().join(device.file_name()?).metadata().ok().map(|one| one.ino()))
        .find_map(|found| found)
}

#[cfg(test)]
mod tests {
    use crate::store::StoreError;
    use crate::store::tests::{opened, put};

    #[test]
    fn files_that_were_left_open_are_opened_again_under_the_same_start_and_mount_alone() {
        let room = tempfile::tempdir().expect("a directory");
        let note = room.path().join(super::NAME);
        let engine = opened(room.path()).expect("a store");
        put(&engine);
        let told = std::fs::read_to_string(&note).expect("it is said");
        assert!(told.starts_with("boot ") && told.lines().count() == 2, "{told}");
        drop(engine);
        assert!(!note.exists(), "closed: whatever comes, all is flushed");
        assert!(opened(room.path()).is_ok());
        // A process that died.
        std::fs::write(&note, &told).expect("left");
        drop(opened(room.path()).expect("the system has what it wrote"));
        let (boot, mount) = told.split_once('\n').expect("two lines");
        for other in [format!("boot another\n{mount}"), format!("{boot}\nmount 0\n"), String::new()]
        {
            std::fs::write(&note, other).expect("left");
            for _ in 0..2 {
                assert!(matches!(opened(room.path()), Err(StoreError::LeftOpen)));
            }
        }
        assert!(note.exists(), "whoever is refused takes no word away");
    }

    #[test]
    fn a_store_that_cannot_be_flushed_stays_marked_as_open() {
        let room = tempfile::tempdir().expect("a directory");
        let broken = |_: &std::fs::File| Err(std::io::Error::from_raw_os_error(5));
        let engine = opened(room.path()).expect("a store").synced_by(broken);
        put(&engine);
        drop(engine);
        assert!(room.path().join(super::NAME).exists());
    }
}
