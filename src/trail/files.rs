//! What the trail does with files and directories besides its journal's own door: opens what is to be read from the disk itself.
//! Never holds what it opened, and never decides what a failure means.
//! What was synced before is read as the disk has it, where the system can be asked for that.

use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::io;
use std::path::Path;

/// Opens a file to be read as the disk has it, not as the system remembers it of the writing. Where the system cannot be asked for
/// that, what is read proves less; what was not synced before it remembers all the same.
pub(in crate::trail) fn open_on_disk(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    let _best_effort = fadvise(&file, 0, None, Advice::DontNeed);
    Ok(file)
}
