//! The only place where the writer makes, replaces, syncs and removes files.
//! Never writes into a file that a reader may have open: contents appear whole, by rename, and what replaces another is synced before it.
//! A file counts as written once [`Staging::sync`] has synced it and every directory above it that changed.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::constants::TEMPORARY_ENDING;

/// Mode of files: the vault's user alone.
const FILE_MODE: u32 = 0o600;

/// Mode of directories: the vault's user alone.
const DIRECTORY_MODE: u32 = 0o700;

/// Files written and not yet synced that are kept open. More are synced at once, so that descriptors do not run out.
const PENDING_FILES_MAX: usize = 64;

/// How often a write that met a full disk is tried again. Whoever fills the disk may take what was made free for it.
const FULL_RETRIES_MAX: usize = 8;

/// Makes room on a full disk, and says whether there is some now.
pub type Relief = Box<dyn FnMut() -> bool + Send + Sync>;

/// How files, and names in directories, are made durable: a door that tests break.
pub(super) trait Syncing: Send + Sync {
    /// The content of a file is on the disk when this returns.
    fn file(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    /// So are the names in a directory.
    fn names(&self, directory: &Path) -> io::Result<()> {
        sync_directory(directory)
    }
}

/// By the system.
struct System;

impl Syncing for System {}

/// Files written since the last sync, and the directories whose names changed.
pub(super) struct Staging {
    files: Vec<File>,
    directories: BTreeSet<PathBuf>,
    relief: Option<Relief>,
    syncing: Box<dyn Syncing>,
}

impl Default for Staging {
    fn default() -> Self {
        Self::synced_by(Box::new(System))
    }
}

impl Staging {
    /// One whose files are made durable in that way.
    pub(super) fn synced_by(syncing: Box<dyn Syncing>) -> Self {
        Self { files: Vec::new(), directories: BTreeSet::new(), relief: None, syncing }
    }

    /// Who is asked for room when a write meets a full disk.
    pub(super) fn on_full(&mut self, relief: Relief) {
        self.relief = Some(relief);
    }

    /// Puts `bytes` at `path`, where nothing lies that anybody was promised. Readers see nothing or the content, whole.
    ///
    /// A crash here leaves a temporary file that nobody reads, or a file, perhaps an empty one, that no checkpoint covers yet. So does
    /// a full disk, wherein it differs from one that fails in a sync: nothing is lost by beginning again.
    pub(super) fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let file = self.relieved(|staging| staging.stage(path, bytes))?;
        self.name(path)?;
        self.files.push(file);
        // A sync that fails is never tried again: what it should have kept may be gone.
        if self.files.len() >= PENDING_FILES_MAX {
            self.sync_files()?;
        }
        Ok(())
    }

    /// The same, and watches the very file that was written from now on, whatever comes to lie at `path` meanwhile.
    pub(super) fn write_watched(&mut self, path: &Path, bytes: &[u8]) -> io::Result<Watched> {
        // So that the write itself does not empty the line that the file is taken from.
        if self.files.len() + 1 >= PENDING_FILES_MAX {
            self.sync_files()?;
        }
        self.write(path, bytes)?;
        let file = self.files.last().ok_or(ErrorKind::Other)?.try_clone()?;
        Watched::held(path.to_path_buf(), file)
    }

    /// Puts `bytes` at `path`, replacing what is there and counts, or is to count at once by its name; gives the file. Readers see the
    /// old content or the new, whole, and so does whoever comes after a crash: a name may be on the disk long before what is in
    /// the file, so the content is synced before it gets the name. The name itself is durable after [`Staging::sync`].
    pub(super) fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<Watched> {
        let file = self.relieved(|staging| staging.stage(path, bytes))?;
        // Once: what a sync that failed should have kept may be gone.
        self.syncing.file(&file)?;
        self.name(path)?;
        Watched::held(path.to_path_buf(), file)
    }

    /// Does something that may meet a full disk, and again while there is relief.
    fn relieved<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Staging) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut relief = self.relief.take();
        let done = retry_full(relief.as_mut(), || attempt(self));
        self.relief = relief;
        done
    }

    /// Writes the content of `path` beside it.
    fn stage(&mut self, path: &Path, bytes: &[u8]) -> io::Result<File> {
        let temporary = temporary(path);
        let mut file = match create_file(&temporary) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.create_directories(parent(path))?;
                create_file(&temporary)?
            }
            other => other?,
        };
        file.write_all(bytes)?;
        Ok(file)
    }

    /// Gives what was written beside `path` its name.
    fn name(&mut self, path: &Path) -> io::Result<()> {
        let temporary = temporary(path);
        self.relieved(|_| fs::rename(&temporary, path))?;
        self.directories.insert(parent(path).to_path_buf());
        Ok(())
    }

    /// Removes a file, if it is there.
    pub(super) fn remove_file(&mut self, path: &Path) -> io::Result<()> {
        self.removed(path, fs::remove_file(path))
    }

    /// Removes a directory and what is in it, if it is there.
    pub(super) fn remove_directory(&mut self, path: &Path) -> io::Result<()> {
        self.removed(path, fs::remove_dir_all(path))
    }

    fn removed(&mut self, path: &Path, result: io::Result<()>) -> io::Result<()> {
        match result {
            Ok(()) => {
                self.directories.remove(path);
                self.directories.insert(parent(path).to_path_buf());
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes `path` and the directories above it that are missing.
    pub(super) fn create_directories(&mut self, path: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.create_directories(parent(path))?;
                DirBuilder::new().mode(DIRECTORY_MODE).create(path)?;
            }
            Err(error) => return Err(error),
        }
        self.directories.insert(parent(path).to_path_buf());
        Ok(())
    }

    /// Syncs everything written since the last call: contents first, then the names.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.sync_files()?;
        for directory in std::mem::take(&mut self.directories) {
            self.syncing.names(&directory)?;
        }
        Ok(())
    }

    fn sync_files(&mut self) -> io::Result<()> {
        let Staging { files, syncing, .. } = self;
        files.drain(..).try_for_each(|file| syncing.file(&file))
    }
}

/// Tries again what met a full disk, as often as it may be and as long as there is room again.
fn retry_full<T>(
    mut relief: Option<&mut Relief>,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut retries = 0;
    loop {
        match attempt() {
            Err(error) if is_full(&error) && retries < FULL_RETRIES_MAX => {
                retries += 1;
                if !relief.as_mut().is_some_and(|relief| relief()) {
                    return Err(error);
                }
            }
            done => return done,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Where the content of `path` is written before it gets its name.
fn temporary(path: &Path) -> PathBuf {
    let mut temporary = path.to_path_buf();
    temporary.as_mut_os_string().push(".");
    temporary.as_mut_os_string().push(TEMPORARY_ENDING);
    temporary
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes `path` anew. What a crash left under this name goes first, a link is never followed.
fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE);
    match options.open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            options.open(path)
        }
        other => other,
    }
}

/// Makes a file that is there durable, and its name in `directory` with it.
pub(super) fn sync_in_place(directory: &Path, name: &str) -> io::Result<()> {
    File::open(directory.join(name))?.sync_all()?;
    sync_directory(directory)
}

/// Makes the names in a directory durable. Opened by its own `.`, which nothing but a directory has: a pipe that somebody put
/// in its place would let whoever opens it wait for ever, and the vault would go on serving beside a log that stands still.
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory.join("."))?.sync_all()
}

/// How often a lock that another process holds is tried once more, and how long lies between.
const LOCK_RETRIES_MAX: usize = 25;
const LOCK_WAIT: Duration = Duration::from_millis(20);

/// Opens the lock file beneath `directory`, making it if it is missing, and locks it for this process.
/// `None` if another process holds it: for longer than one that was killed takes to be cleared away, or one that another program
/// is just being started from has what it inherited.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)?;
    for retry in 0..=LOCK_RETRIES_MAX {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(fs::TryLockError::Error(error)) => return Err(error),
            Err(fs::TryLockError::WouldBlock) if retry < LOCK_RETRIES_MAX => {
                std::thread::sleep(LOCK_WAIT);
            }
            Err(fs::TryLockError::WouldBlock) => {}
        }
    }
    Ok(None)
}

/// Reads a plain file; `None` if there is none. A link or anything else under this name is an error.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => match fs::read(path) {
            // A partial may go between the two calls, when its full form has come.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        },
        Ok(_) => Err(io::Error::new(ErrorKind::InvalidData, "not a plain file")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file or directory that must stay the one that was opened: same place, device, inode and, for a file, length.
pub(super) struct Watched {
    path: PathBuf,
    file: File,
    bytes: Option<u64>,
}

impl Watched {
    /// Watches the plain file or directory at `path` from now on.
    pub(super) fn open(path: PathBuf) -> io::Result<Watched> {
        let file = File::open(&path)?;
        Watched::held(path, file)
    }

    /// Watches `file`, which is open already and lies at `path`.
    pub(super) fn held(path: PathBuf, file: File) -> io::Result<Watched> {
        let metadata = file.metadata()?;
        let bytes = metadata.is_file().then_some(metadata.len());
        Ok(Watched { path, file, bytes })
    }

    /// Whether the name still leads to the open file, which is still linked and as long as it was.
    pub(super) fn is_in_place(&self) -> io::Result<bool> {
        let held = self.file.metadata()?;
        let named = match fs::symlink_metadata(&self.path) {
            Ok(metadata) => metadata,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let same = held.nlink() > 0 && held.dev() == named.dev() && held.ino() == named.ino();
        Ok(same && self.bytes.is_none_or(|bytes| held.len() == bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn written_files_and_directories_belong_to_the_user_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a/b/c");
        let mut staging = Staging::default();
        staging.write(&path, b"first").expect("written");
        staging.write(&path, b"second").expect("replaced");
        staging.sync().expect("synced");
        assert_eq!(fs::read(&path).expect("readable"), b"second");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&directory.path().join("a/b"))), (0o600, 0o700));
        assert_eq!(fs::read_dir(directory.path().join("a/b")).expect("listed").count(), 1);
    }

    #[test]
    fn a_pipe_in_the_place_of_a_directory_is_an_error_and_not_a_wait_for_ever() {
        let above = tempfile::tempdir().expect("a directory");
        let directory = above.path().join("log");
        let mut staging = Staging::default();
        staging.write(&directory.join("checkpoint"), b"note").expect("written");
        fs::rename(&directory, above.path().join("moved")).expect("moved");
        let made = std::process::Command::new("mkfifo").arg(&directory).status();
        assert!(made.expect("mkfifo runs").success());
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(staging.sync()));
        let synced = receiver.recv_timeout(std::time::Duration::from_secs(10));
        assert_eq!(
            synced.expect("it does not wait").expect_err("no directory").kind(),
            ErrorKind::NotADirectory
        );
    }

    /// An attempt that meets this error so many times first; gives the outcome and how often room was asked for.
    fn retried(kind: ErrorKind, failures: usize, room: bool) -> (io::Result<()>, usize) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let mut relief: Relief = Box::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            room
        });
        let mut left = failures;
        let done = retry_full(Some(&mut relief), || {
            let fails = left > 0;
            left = left.saturating_sub(1);
            if fails { Err(kind.into()) } else { Ok(()) }
        });
        (done, asked.load(Ordering::Relaxed))
    }

    #[test]
    fn write_that_meets_a_full_disk_is_tried_again_while_room_is_made() {
        let (done, asked) = retried(ErrorKind::StorageFull, FULL_RETRIES_MAX, true);
        assert!(done.is_ok());
        assert_eq!(asked, FULL_RETRIES_MAX);
        let (done, asked) = retried(ErrorKind::QuotaExceeded, FULL_RETRIES_MAX + 1, true);
        assert_eq!(done.expect_err("too often").kind(), ErrorKind::QuotaExceeded);
        assert_eq!(asked, FULL_RETRIES_MAX);
        let (done, asked) = retried(ErrorKind::StorageFull, 1, false);
        assert_eq!((done.is_err(), asked), (true, 1));
    }

    #[test]
    fn write_that_fails_otherwise_is_not_tried_again() {
        let (done, asked) = retried(ErrorKind::Other, 1, true);
        assert_eq!((done.is_err(), asked), (true, 0));
        assert!(retry_full::<()>(None, || Err(ErrorKind::StorageFull.into())).is_err());
    }

    #[test]
    fn lock_that_is_let_go_of_meanwhile_is_taken() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lock");
        let held = lock(&path).expect("lockable").expect("free");
        let letting_go = std::thread::spawn(move || {
            std::thread::sleep(3 * LOCK_WAIT);
            drop(held);
        });
        assert!(lock(&path).expect("lockable").is_some());
        letting_go.join().expect("it ended");
    }

    #[test]
    fn lock_is_held_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lock");
        let first = lock(&path).expect("possible");
        assert!(first.is_some());
        assert!(lock(&path).expect("possible").is_none());
        drop(first);
        assert!(lock(&path).expect("possible").is_some());
    }

    #[test]
    fn watched_file_notices_removal_replacement_and_growth() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        let watch = || {
            fs::write(&path, b"content").expect("written");
            Watched::open(path.clone()).expect("opened")
        };
        let watched = watch();
        assert!(watched.is_in_place().expect("known"));
        fs::remove_file(&path).expect("removed");
        assert!(!watched.is_in_place().expect("known"));

        let watched = watch();
        fs::write(directory.path().join("other"), b"content").expect("written");
        fs::rename(directory.path().join("other"), &path).expect("replaced");
        assert!(!watched.is_in_place().expect("known"));

        let watched = watch();
        fs::write(&path, b"content and more").expect("written");
        assert!(!watched.is_in_place().expect("known"));
    }

    #[test]
    fn file_that_was_written_is_watched_and_not_what_takes_its_place() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        let mut staging = Staging::default();
        for _ in 0..PENDING_FILES_MAX {
            staging.write(&directory.path().join("other"), b"content").expect("written");
            let watched = staging.write_watched(&path, b"content").expect("written");
            assert!(watched.is_in_place().expect("known"));
            fs::rename(&path, directory.path().join("aside")).expect("moved");
            fs::write(&path, b"content").expect("written");
            assert!(!watched.is_in_place().expect("known"), "the same bytes in another file");
        }
    }

    #[test]
    fn what_is_replaced_lies_there_until_the_new_content_is_synced() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("checkpoint");
        let mut staging = Staging::default();
        staging.replace(&path, b"old").expect("written");
        let mut failing = Staging::synced_by(Box::new(Failing(path.clone())));
        assert!(failing.replace(&path, b"new").is_err());
        assert_eq!(fs::read(&path).expect("readable"), b"old", "nobody knows what the disk has");
        let watched = staging.replace(&path, b"new").expect("replaced");
        assert!(watched.is_in_place().expect("known"));
        assert_eq!(fs::read(&path).expect("readable"), b"new");
        assert!(staging.files.is_empty(), "synced already");
        assert!(staging.directories.contains(directory.path()), "the name is not");
    }

    /// A disk on which no content can be synced, with the place of what is to be replaced.
    struct Failing(PathBuf);

    impl Syncing for Failing {
        fn file(&self, file: &File) -> io::Result<()> {
            assert_eq!(fs::read(&self.0).expect("readable"), b"old");
            assert_eq!(file.metadata().expect("known").len(), 3, "all of it is to be synced");
            Err(ErrorKind::Other.into())
        }
    }

    #[test]
    fn link_is_not_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).expect("linked");
        assert_eq!(read(&link).expect_err("refused").kind(), ErrorKind::InvalidData);
        assert!(read(&directory.path().join("none")).expect("possible").is_none());
    }
}
