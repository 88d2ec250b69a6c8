//! `gridvault doctor`: what a vault's host lacks, each with what to do about it.
//! Never opens the vault, changes nothing and asks nobody; what cannot be seen is said to be unknown, never well.
//! Status 0 where nothing is lacking, 1 where something is.

use super::failure::Failure;
use super::print;
use super::privacy::may_lock_pages;
use crate::ambient::{Clock as _, HostClock, Micros};
use crate::config::{Config, Overrides, layout};
use crate::limits::{
    CONNECTIONS_COUNT_MAX, DISK_FREE_BYTES_MIN, DISK_FREE_FILES_MIN, FILES_COUNT_MAX,
};
use rustix::process::{Resource, getrlimit};
use serde::Serialize;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Bits of a mode that let others than the owner in.
const OTHERS: u32 = 0o077;
/// A clock may be so far behind what was written last, in seconds.
const BEHIND_SECONDS_MAX: i64 = 60;
/// What a time service leaves where it runs.
const TIME_SERVICES: [&str; 4] = [
    "/run/systemd/timesync/synchronized",
    "/run/chrony/chronyd.pid",
    "/run/ntpd.pid",
    "/run/ntpsec/ntpd.pid",
];

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The vault's directory.
    #[arg(long, env = "GRIDVAULT_DIR")]
    dir: PathBuf,
}

/// How it is with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Well,
    Lacks,
    Unknown,
}

#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    says: String,
}

impl Finding {
    fn new(what: &'static str, verdict: Verdict, says: impl Into<String>) -> Finding {
        Finding { what, verdict, says: says.into() }
    }
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let config = Config::load(&arguments.dir, &Overrides::default())
        .map_err(|error| Failure::failed("the configuration", &error))?;
    let findings = examine(&config);
    if json {
        print(&serde_json::json!({"findings": findings}).to_string());
    } else {
        for Finding { what, verdict, says } in &findings {
            let word = match verdict {
                Verdict::Well => "well",
                Verdict::Lacks => "LACKS",
                Verdict::Unknown => "unknown",
            };
            print(&format!("{word:8} {what}: {says}"));
        }
    }
    let lacking = findings.iter().filter(|finding| finding.verdict == Verdict::Lacks).count();
    match lacking {
        0 => Ok(()),
        count => Err(Failure::Failed(format!("the host lacks something in {count} of these"))),
    }
}

fn examine(config: &Config) -> Vec<Finding> {
    let directory = &config.directory;
    let swaps = std::fs::read_to_string("/proc/swaps").ok();
    let limit = getrlimit(Resource::Nofile).maximum;
    let served_by = TIME_SERVICES.iter().any(|mark| Path::new(mark).exists());
    vec![
        swap(swaps.as_deref()),
        locked_pages(may_lock_pages()),
        modes(directory),
        passphrase(directory, config.passphrase_file.as_deref().or(config.pin_file.as_deref())),
        file_system(rustix::fs::statfs(directory).ok().map(|found| found.f_type as u64)),
        room(directory),
        listener(config.listen),
        descriptors(limit),
        clock(HostClock::new().now(), written_last(directory), served_by),
    ]
}

/// Keys and values that were paged out lie on a disk in clear.
fn swap(swaps: Option<&str>) -> Finding {
    let say = |verdict, says: String| Finding::new("swap", verdict, says);
    let Some(swaps) = swaps else {
        return say(Verdict::Unknown, "/proc/swaps cannot be read".into());
    };
    let devices: Vec<&str> =
        swaps.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    let in_memory = |device: &&str| device.starts_with("/dev/zram");
    let mapped =
        |device: &&str| device.starts_with("/dev/dm-") || device.starts_with("/dev/mapper");
    let on_disk: Vec<&str> = devices.iter().copied().filter(|device| !in_memory(device)).collect();
    if on_disk.is_empty() {
        return say(Verdict::Well, "nothing of a process reaches a disk by paging".into());
    }
    let named = on_disk.join(", ");
    if on_disk.iter().all(mapped) {
        let says = format!("{named}: see that it is encrypted with a key that is new at each boot");
        return say(Verdict::Unknown, says);
    }
    say(
        Verdict::Lacks,
        format!("{named} may get keys in clear: encrypt it, or turn it off (swapoff)"),
    )
}

/// Pages that are locked are never paged out, whatever devices there are.
fn locked_pages(may_lock: bool) -> Finding {
    let say = |verdict, says: &str| Finding::new("locked pages", verdict, says);
    if may_lock {
        say(Verdict::Well, "a vault's pages stay in memory, for whoever asks here")
    } else {
        say(
            Verdict::Lacks,
            "the vault cannot lock its pages: set LimitMEMLOCK=infinity (ulimit -l)",
        )
    }
}

/// Whoever can read the directory can copy the vault; whoever can write it can break it.
fn modes(directory: &Path) -> Finding {
    let say = |verdict, says: String| Finding::new("file modes", verdict, says);
    let mut open = Vec::new();
    for name in [
        "",
        layout::CONFIG,
        layout::UNLOCK,
        layout::KEYRING,
        layout::JOURNAL,
        layout::STORE,
        layout::LOG,
    ] {
        let path = if name.is_empty() { directory.to_owned() } else { directory.join(name) };
        let Ok(found) = std::fs::metadata(&path) else { continue };
        // What lies below a closed directory is reached by nobody else.
        if found.mode() & OTHERS != 0 && (name.is_empty() || is_open(directory)) {
            open.push(path.display().to_string());
        }
    }
    if open.is_empty() {
        say(Verdict::Well, "the vault's files are their owner's alone".into())
    } else {
        say(Verdict::Lacks, format!("{} open to others: chmod go= on each", open.join(", ")))
    }
}

fn is_open(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.mode() & OTHERS != 0)
}

/// A passphrase beside what it opens is no passphrase.
fn passphrase(directory: &Path, file: Option<&Path>) -> Finding {
    let say = |verdict, says: &str| Finding::new("passphrase", verdict, says);
    let Some(file) = file else {
        return say(Verdict::Well, "no file of it is configured");
    };
    let inside = file.canonicalize().ok().zip(directory.canonicalize().ok());
    match inside {
        None => say(Verdict::Unknown, "the configured file is not there now"),
        Some((file, directory)) if file.starts_with(&directory) => say(
            Verdict::Lacks,
            "the file lies in the vault's directory: whoever copies one has the other; move it to another medium",
        ),
        Some((file, _)) if is_open(&file) => {
            say(Verdict::Lacks, "others can read the file: chmod 0400")
        }
        Some(_) => say(Verdict::Well, "the file is its owner's alone and lies elsewhere"),
    }
}

/// Where a file system writes beside what it overwrites, what was destroyed lives on for a while.
fn file_system(magic: Option<u64>) -> Finding {
    let say = |verdict, says: String| Finding::new("file system", verdict, says);
    let Some(magic) = magic else {
        return say(Verdict::Unknown, "its kind cannot be seen".into());
    };
    // The numbers of statfs(2), of 32 bits.
    let (name, verdict) = match magic & 0xffff_ffff {
        0xef53 => ("ext4", Verdict::Well),
        0x5846_5342 => ("xfs", Verdict::Well),
        0x9123_683e => ("btrfs", Verdict::Lacks),
        0x2fc1_2fc1 => ("zfs", Verdict::Lacks),
        0xca45_1a4e => ("bcachefs", Verdict::Lacks),
        0xf2f5_2010 => ("f2fs", Verdict::Lacks),
        0x3434 => ("nilfs", Verdict::Lacks),
        0x794c_7630 => ("overlay", Verdict::Lacks),
        0x0102_1994 => ("tmpfs", Verdict::Lacks),
        0x6969 => ("nfs", Verdict::Unknown),
        0xff53_4d42 | 0xfe53_4d42 => ("smb", Verdict::Unknown),
        0x6573_5546 => ("fuse", Verdict::Unknown),
        _ => return say(Verdict::Unknown, format!("kind {magic:#x} is not known here")),
    };
    let says = match (name, verdict) {
        ("tmpfs", _) => "lives in memory: nothing of it is there after a power cut",
        (_, Verdict::Well) => "overwrites in place",
        (_, Verdict::Lacks) => {
            "copies on write: older key slots may live on in it; put the vault on ext4 or xfs, and keep no snapshots of it"
        }
        (_, Verdict::Unknown) => "another host or program decides whether a sync reached a disk",
    };
    say(verdict, format!("{name} {says}"))
}

/// The vault has no TLS of its own: tokens and values would cross the network in clear.
fn listener(listen: SocketAddr) -> Finding {
    match listen.ip().is_loopback() {
        true => Finding::new("listener", Verdict::Well, "only this host reaches it"),
        false => Finding::new(
            "listener",
            Verdict::Lacks,
            format!(
                "{listen} takes other hosts without TLS: listen on loopback, behind a proxy with TLS"
            ),
        ),
    }
}

fn room(directory: &Path) -> Finding {
    let say = |verdict, says: String| Finding::new("room", verdict, says);
    let Ok(found) = rustix::fs::statvfs(directory) else {
        return say(Verdict::Unknown, "the disk cannot be asked".into());
    };
    let (bytes, files) = (found.f_bavail.saturating_mul(found.f_frsize), found.f_favail);
    let mib = bytes / (1024 * 1024);
    if bytes < DISK_FREE_BYTES_MIN || (found.f_files > 0 && files < DISK_FREE_FILES_MIN) {
        let says =
            format!("{mib} MiB and {files} files are left: nothing new is stored; make room");
        say(Verdict::Lacks, says)
    } else {
        say(Verdict::Well, format!("{mib} MiB are left"))
    }
}

fn descriptors(maximum: Option<u64>) -> Finding {
    let wanted = (CONNECTIONS_COUNT_MAX + FILES_COUNT_MAX) as u64;
    match maximum {
        Some(maximum) if maximum < wanted => Finding::new(
            "descriptors",
            Verdict::Lacks,
            format!("{maximum} of {wanted}: raise the hard limit (LimitNOFILE, ulimit -Hn)"),
        ),
        _ => Finding::new("descriptors", Verdict::Well, "as many as connections may need"),
    }
}

/// When something of the vault was written last, in seconds since 1970.
fn written_last(directory: &Path) -> Option<i64> {
    let seconds = |name: &str| {
        let modified = std::fs::metadata(directory.join(name)).ok()?.modified().ok()?;
        i64::try_from(modified.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
    };
    ["log/checkpoint", layout::KEYRING, layout::CONFIG].into_iter().filter_map(seconds).max()
}

/// Tokens, windows, tasks and retention go by the clock, and a vault serves no data before its log's last entry.
fn clock(now: Micros, written_last: Option<i64>, is_kept: bool) -> Finding {
    let say = |verdict, says: &str| Finding::new("clock", verdict, says);
    let behind = written_last.is_some_and(|written| now.seconds() + BEHIND_SECONDS_MAX < written);
    match (behind, is_kept) {
        (true, _) => {
            say(Verdict::Lacks, "is behind what the vault wrote last: set it, or no data is served")
        }
        (false, true) => say(Verdict::Well, "a time service keeps it"),
        (false, false) => say(Verdict::Unknown, "no time service is seen: run chrony or timesyncd"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const HEADER: &str = "Filename\tType\tSize\tUsed\tPriority\n";

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    }

    #[test]
    fn paging_to_a_disk_is_lacking_to_memory_well_and_to_what_may_be_encrypted_unknown() {
        let of = |lines: &str| swap(Some(&format!("{HEADER}{lines}"))).verdict;
        assert_eq!(of(""), Verdict::Well);
        assert_eq!(of("/dev/zram0 partition 8 0 100\n"), Verdict::Well);
        assert_eq!(of("/dev/dm-1 partition 8 0 -2\n"), Verdict::Unknown);
        assert_eq!(of("/dev/dm-1 partition 8 0 -2\n/swapfile file 8 0 -3\n"), Verdict::Lacks);
        assert_eq!(swap(None).verdict, Verdict::Unknown);
    }

    #[test]
    fn address_that_other_hosts_reach_is_lacking() {
        let of = |address: &str| listener(address.parse().expect("an address")).verdict;
        assert_eq!((of("127.0.0.1:1"), of("[::1]:1")), (Verdict::Well, Verdict::Well));
        for open in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1"] {
            assert_eq!(of(open), Verdict::Lacks, "{open}");
        }
    }

    #[test]
    fn a_limit_of_locked_pages_is_lacking() {
        assert_eq!(locked_pages(true).verdict, Verdict::Well);
        assert_eq!(locked_pages(false).verdict, Verdict::Lacks);
    }

    #[test]
    fn a_directory_that_others_can_enter_is_lacking_and_a_closed_one_hides_what_is_in_it() {
        let room = tempfile::tempdir().expect("a room");
        let directory = room.path();
        std::fs::write(directory.join("keyring"), "").expect("a file");
        mode(&directory.join("keyring"), 0o644);
        mode(directory, 0o700);
        assert_eq!(modes(directory).verdict, Verdict::Well);
        mode(directory, 0o755);
        let finding = modes(directory);
        assert_eq!(finding.verdict, Verdict::Lacks);
        assert!(finding.says.contains("keyring"), "{}", finding.says);
    }

    #[test]
    fn a_passphrase_beside_the_vault_or_open_to_others_is_lacking() {
        let room = tempfile::tempdir().expect("a room");
        let vault = room.path().join("vault");
        std::fs::create_dir(&vault).expect("a directory");
        let (inside, outside) = (vault.join("passphrase"), room.path().join("passphrase"));
        for path in [&inside, &outside] {
            std::fs::write(path, "").expect("a file");
            mode(path, 0o400);
        }
        let of = |file: &Path| passphrase(&vault, Some(file)).verdict;
        assert_eq!(passphrase(&vault, None).verdict, Verdict::Well);
        assert_eq!(of(&outside), Verdict::Well);
        assert_eq!(of(&inside), Verdict::Lacks);
        assert_eq!(of(&room.path().join("none")), Verdict::Unknown);
        mode(&outside, 0o440);
        assert_eq!(of(&outside), Verdict::Lacks);
    }

    #[test]
    fn a_file_system_that_copies_on_write_is_lacking_and_one_that_is_not_known_is_unknown() {
        let of = |magic: u64| file_system(Some(magic)).verdict;
        assert_eq!((of(0xef53), of(0x5846_5342)), (Verdict::Well, Verdict::Well));
        // As a signed word of 32 bits widens.
        assert_eq!(of(0xffff_ffff_9123_683e), Verdict::Lacks);
        assert_eq!((of(0x0102_1994), of(0x6969), of(1)), {
            (Verdict::Lacks, Verdict::Unknown, Verdict::Unknown)
        });
        assert_eq!(file_system(None).verdict, Verdict::Unknown);
    }

    #[test]
    fn descriptors_are_well_at_what_is_needed_and_lacking_below() {
        let wanted = (CONNECTIONS_COUNT_MAX + FILES_COUNT_MAX) as u64;
        assert_eq!(descriptors(Some(wanted)).verdict, Verdict::Well);
        assert_eq!(descriptors(None).verdict, Verdict::Well);
        assert_eq!(descriptors(Some(wanted - 1)).verdict, Verdict::Lacks);
    }

    #[test]
    fn a_clock_behind_what_was_written_last_is_lacking() {
        let now = Micros(1_000 * 1_000_000);
        let of = |written: i64, is_kept| clock(now, Some(written), is_kept).verdict;
        assert_eq!(of(1_000 + BEHIND_SECONDS_MAX, true), Verdict::Well);
        assert_eq!(of(1_001 + BEHIND_SECONDS_MAX, true), Verdict::Lacks);
        assert_eq!(clock(now, None, false).verdict, Verdict::Unknown);
    }
}
