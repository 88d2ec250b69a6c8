//! Brings the files of a bulk part together in one directory, which is whole then.
//! Never needs a key, and judges nothing but what the list has of each file: the log is verified as that of any part.
//! The list of a whole part has another digest than that of the part that it was made of: parts since that one are none since this one.

use super::chain::{BulkAt, Files};
use super::create::{Bulk, copy, finish, make_empty, sync_all};
use super::list::{List, Listed};
use super::{BackupError, io_at};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// Copies every file of a bulk part, wherever it lies, into `out`, which is empty or not there.
///
/// # Errors
/// [`BackupError`]; what was copied until then has no list and is no backup.
pub fn gather_bulk(at: &BulkAt<'_>, out: &Path) -> Result<Bulk, BackupError> {
    make_empty(out)?;
    let from = Files::open(at)?;
    let mut files: BTreeMap<String, Listed> = BTreeMap::new();
    for (name, listed) in &from.list.files {
        let path = from.path(name);
        let found = copy(File::open(&path).map_err(io_at(&path))?, &out.join(name))?;
        if !found.is_same(listed) {
            let path = path.display().to_string();
            return Err(BackupError::Damaged { path, what: "it is not the file that was written" });
        }
        files.insert(name.clone(), found);
    }
    sync_all(out)?;
    finish(List { since: None, files, ..from.list }, out, None)
}
