//! The power of a disk: a small ext4 of its own that is shut down under the vault, and mounted anew.
//! Never touches a file system that was not made for this: it must lie on a loop device, and be mounted at the very directory.
//! What was not synced is gone as behind a power failure, ext4's own journal included; what was is there (EXT4_IOC_SHUTDOWN, no flush).

use crate::fault::Fault;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Shuts the file system of a directory down. The request and its flag are those of `fs/ext4/ext4.h`: no library of ours has them, and
/// this driver may make no raw call.
/// It looks once more at what it has in hand: a directory that is mounted no more is one of another disk.
const SHUTDOWN: &str = "import fcntl, os, struct, sys\n\
    directory = os.open(sys.argv[1], os.O_RDONLY)\n\
    if os.fstat(directory).st_dev != os.stat(sys.argv[2]).st_rdev: sys.exit('not mounted there')\n\
    fcntl.ioctl(directory, 0x8004587D, struct.pack('I', 2))";

/// The system may hold a file of a process that was killed for a moment longer.
const RELEASE_LOOKS_MAX: u32 = 100;
const RELEASE_PAUSE: Duration = Duration::from_millis(20);

/// A disk whose power can be lost.
pub struct Disk {
    directory: PathBuf,
    device: String,
}

impl Disk {
    /// The one that is mounted at a directory.
    pub fn at(directory: &Path) -> Result<Disk, Fault> {
        let mounts = Path::new("/proc/self/mounts");
        let text = std::fs::read_to_string(mounts).map_err(|e| Fault::io("reading", mounts, e))?;
        match device_at(&text, directory) {
            Some(device) => Ok(Disk { directory: directory.to_owned(), device }),
            None => Err(Fault::Malformed("the disk: an ext4 on a loop device, mounted there")),
        }
    }

    /// Where it is mounted.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// From now on nothing of it is written.
    pub fn lose_power(&self) -> Result<(), Fault> {
        let mut command = Command::new("python3");
        command.args(["-c", SHUTDOWN]).arg(&self.directory).arg(&self.device);
        run(&mut command, "python3")
    }

    /// Mounts what is left. Nobody may have a file of it open.
    pub fn come_back(&self) -> Result<(), Fault> {
        let mut looks = 0;
        while let Err(fault) = run(Command::new("umount").arg(&self.directory), "umount") {
            looks += 1;
            if looks == RELEASE_LOOKS_MAX {
                return Err(fault);
            }
            std::thread::sleep(RELEASE_PAUSE);
        }
        run(Command::new("mount").arg(&self.device).arg(&self.directory), "mount")
    }
}

/// The loop device of the ext4 that is mounted at a directory.
fn device_at(mounts: &str, directory: &Path) -> Option<String> {
    let mut lines = mounts.lines().rev().map(|line| line.split(' ').collect::<Vec<&str>>());
    let found = lines.find(|parts| parts.get(1).is_some_and(|at| Path::new(at) == directory))?;
    let is_one = found[0].starts_with("/dev/loop") && found.get(2) == Some(&"ext4");
    is_one.then(|| found[0].to_owned())
}

fn run(command: &mut Command, name: &'static str) -> Result<(), Fault> {
    let output = command.output().map_err(|cause| match cause.kind() {
        std::io::ErrorKind::NotFound => Fault::ToolMissing(name),
        _ => Fault::Io { what: name.to_owned(), cause },
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Fault::Io { what: name.to_owned(), cause: std::io::Error::other(said) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_ext4_on_a_loop_device_loses_its_power() {
        let mounts = "/dev/sda1 / ext4 rw 0 0\n/dev/loop3 /mnt/small ext4 rw 0 0\n\
                      /dev/loop4 /mnt/other xfs rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n";
        let device = |at: &str| device_at(mounts, Path::new(at));
        assert_eq!(device("/mnt/small").as_deref(), Some("/dev/loop3"));
        for other in ["/", "/mnt/small/vault", "/mnt/other", "/tmp", "/mnt"] {
            assert_eq!(device(other), None, "{other}");
        }
        let over = format!("{mounts}tmpfs /mnt/small tmpfs rw 0 0\n");
        assert_eq!(device_at(&over, Path::new("/mnt/small")), None, "what was mounted last counts");
    }
}
