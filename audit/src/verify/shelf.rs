//! Finds and reads the files of a log that is being judged.
//! Never follows a link and never reads more of a file than the format allows it to have.
//! A missing or foreign file is an answer; only a failing system is an error.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Component, Path, PathBuf};

use super::finding::VerifyError;
use crate::constants::{ENTRIES_DIRECTORY, TILE_DIRECTORY};

/// What lies under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A plain file, now in the buffer; cut one byte past the limit if it is longer.
    File,
    /// Nothing.
    Missing,
    /// A link, or something else than a plain file, or a link on the way to it.
    Foreign,
}

/// Where the files of a log are read from. What the system refuses is an error; what is not there is an answer.
pub trait Source {
    /// Reads the file at `path` beneath the log into `buffer`: `bytes_max` bytes of it and one more at most.
    ///
    /// # Errors
    /// When it cannot be said what is there.
    fn read(&mut self, path: &str, bytes_max: usize, buffer: &mut Vec<u8>) -> io::Result<Found>;

    /// Whether anything lies at `path` beneath the log. A source that cannot look without reading says no.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn has(&mut self, path: &str) -> io::Result<bool>;

    /// The widths of the partial files in the directory `path` beneath the log, ascending; `None` if it is foreign. A
    /// source that cannot list has none to show.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn widths(&mut self, path: &str) -> io::Result<Option<Vec<usize>>>;
}

/// Where hashes of a level, or entries, are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    /// Tiles of this level.
    Tiles(u32),
    /// Bundles of entries.
    Bundles,
}

impl Series {
    /// Path of the full form of number `number` (c2sp.org/tlog-tiles).
    pub(super) fn full(self, number: u64) -> String {
        let mut name = format!("{:03}", number % 1000);
        let mut left = number / 1000;
        while left > 0 {
            name = format!("x{:03}/{name}", left % 1000);
            left /= 1000;
        }
        match self {
            Series::Tiles(level) => format!("{TILE_DIRECTORY}/{level}/{name}"),
            Series::Bundles => format!("{TILE_DIRECTORY}/{ENTRIES_DIRECTORY}/{name}"),
        }
    }

    /// Directory of the partial forms of number `number`.
    pub(super) fn partials(self, number: u64) -> String {
        self.full(number) + ".p"
    }

    /// Path of the partial form of `width` items.
    pub(super) fn partial(self, number: u64, width: usize) -> String {
        format!("{}.p/{width}", self.full(number))
    }
}

/// The directory of a log.
pub struct Shelf {
    root: PathBuf,
    /// The last directory that was seen to be reached without a link.
    plain: PathBuf,
}

impl Shelf {
    /// The log in `root`.
    ///
    /// # Errors
    /// [`VerifyError::PathRefused`] for a link or a path that leads upwards, [`VerifyError::Unreadable`].
    pub fn open(root: &Path) -> Result<Shelf, VerifyError> {
        if root.components().any(|component| component == Component::ParentDir) {
            return Err(VerifyError::PathRefused);
        }
        let metadata = fs::symlink_metadata(root)?;
        if metadata.is_symlink() {
            return Err(VerifyError::PathRefused);
        }
        if !metadata.is_dir() {
            return Err(VerifyError::Unreadable(ErrorKind::NotADirectory.into()));
        }
        Ok(Shelf { root: root.to_path_buf(), plain: PathBuf::new() })
    }

    /// Whether every directory on the way to `path` is one, and no link.
    fn directories_are_plain(&mut self, path: &Path) -> io::Result<Found> {
        let Some(parent) = path.parent().filter(|parent| *parent != self.plain) else {
            return Ok(Found::File);
        };
        let mut walked = self.root.clone();
        for component in parent.components() {
            walked.push(component);
            match metadata(&walked)? {
                None => return Ok(Found::Missing),
                Some(metadata) if !metadata.is_dir() => return Ok(Found::Foreign),
                Some(_) => {}
            }
        }
        self.plain = parent.to_path_buf();
        Ok(Found::File)
    }
}

impl Source for Shelf {
    fn read(&mut self, path: &str, bytes_max: usize, buffer: &mut Vec<u8>) -> io::Result<Found> {
        buffer.clear();
        let path = Path::new(path);
        match self.directories_are_plain(path)? {
            Found::File => {}
            other => return Ok(other),
        }
        let whole = self.root.join(path);
        let Some(metadata) = metadata(&whole)? else {
            return Ok(Found::Missing);
        };
        if !metadata.is_file() {
            return Ok(Found::Foreign);
        }
        match File::open(&whole) {
            // A partial file may go while a running log is verified, once its full form is there.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Found::Missing),
            Err(error) => Err(error),
            Ok(file) => {
                file.take(bytes_max as u64 + 1).read_to_end(buffer)?;
                Ok(Found::File)
            }
        }
    }

    fn has(&mut self, path: &str) -> io::Result<bool> {
        Ok(metadata(&self.root.join(path))?.is_some())
    }

    fn widths(&mut self, path: &str) -> io::Result<Option<Vec<usize>>> {
        let whole = self.root.join(path);
        match metadata(&whole)? {
            None => return Ok(Some(Vec::new())),
            Some(metadata) if !metadata.is_dir() => return Ok(None),
            Some(_) => {}
        }
        let mut widths = Vec::new();
        let names = match fs::read_dir(&whole) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Some(widths)),
            names => names?,
        };
        for name in names {
            let name = name?.file_name();
            // Other names, such as those of files being written, are read by nobody.
            let width = name.to_str().and_then(|name| {
                name.parse().ok().filter(|width: &usize| width.to_string() == name)
            });
            widths.extend(width);
        }
        widths.sort_unstable();
        Ok(Some(widths))
    }
}

/// Metadata of what lies at `path` itself; `None` if nothing does.
fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_grouped_by_three_digits() {
        assert_eq!(Series::Tiles(0).full(1_234_067), "tile/0/x001/x234/067");
        assert_eq!(Series::Bundles.partial(67, 5), "tile/entries/067.p/5");
        assert_eq!(Series::Tiles(2).partials(1000), "tile/2/x001/000.p");
    }

    #[test]
    fn links_on_the_way_are_foreign() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().join("log");
        fs::create_dir_all(root.join("real/inner")).expect("made");
        fs::write(root.join("real/inner/file"), b"content").expect("written");
        std::os::unix::fs::symlink(root.join("real"), root.join("link")).expect("linked");
        let mut shelf = Shelf::open(&root).expect("a log's directory");
        let mut buffer = Vec::new();
        assert_eq!(shelf.read("link/inner/file", 10, &mut buffer).expect("read"), Found::Foreign);
        assert_eq!(shelf.read("real/inner/none", 10, &mut buffer).expect("read"), Found::Missing);
        assert_eq!(shelf.read("real/inner", 10, &mut buffer).expect("read"), Found::Foreign);
        assert_eq!(shelf.read("real/inner/file", 3, &mut buffer).expect("read"), Found::File);
        assert_eq!(buffer, b"cont");
        assert!(matches!(Shelf::open(&root.join("link")), Err(VerifyError::PathRefused)));
        assert!(matches!(Shelf::open(&root.join("../log")), Err(VerifyError::PathRefused)));
    }
}
