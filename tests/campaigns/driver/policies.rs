//! The shipped policies with bounds of reveals and of askings for more that no campaign reaches: a judge looks at everything
//! that it stored, and asks again and again, as one actor. Nothing else in them is changed.
//! Never the shipped files themselves: a copy in the campaign's own folder.
//! Fails where nothing was found to be widened, so that a changed form of the file shows here.

use super::fault::Fault;
use std::path::{Path, PathBuf};

/// A bound that is beyond every campaign; the largest that a policy may have.
const WIDE: &str = "[1000000, 1000000]";
/// The same for askings for a raised bound.
const WIDE_ASKS: &str = "[120, 120]";
/// The same for askings for a look.
const WIDE_LOOKS: &str = "[2000, 2000]";

/// Writes the policies with wide bounds below a folder and says where.
pub fn wide(folder: &Path) -> Result<PathBuf, Fault> {
    let into = folder.join("policies");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies"), &into)?;
    let file = into.join("roles.toml");
    let text = std::fs::read_to_string(&file).map_err(|e| Fault::io("reading", &file, e))?;
    let (mut section, mut reveals, mut asks, mut looks) = ("", 0, 0, 0);
    let lines = text.lines().map(|line| {
        if line.starts_with('[') {
            section = line;
        }
        match line.split_once(" = [") {
            Some((kind, _)) if section.starts_with("[reveals.") => {
                reveals += 1;
                format!("{kind} = {WIDE}\n")
            }
            Some(("asks", _)) if section == "[raises]" => {
                asks += 1;
                format!("asks = {WIDE_ASKS}\n")
            }
            Some(("asks", _)) if section == "[approvals]" => {
                looks += 1;
                format!("asks = {WIDE_LOOKS}\n")
            }
            _ => format!("{line}\n"),
        }
    });
    let text: String = lines.collect();
    if reveals == 0 || asks == 0 || looks == 0 {
        return Err(Fault::Malformed("the bounds of reveals, raises and approvals in roles.toml"));
    }
    std::fs::write(&file, text).map_err(|e| Fault::io("writing", &file, e))?;
    Ok(into)
}

fn copy(from: &Path, into: &Path) -> Result<(), Fault> {
    let fail = |error| Fault::io("copying policies to", into, error);
    std::fs::create_dir_all(into).map_err(fail)?;
    for entry in std::fs::read_dir(from).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy(&path, &into.join(name))?;
        } else {
            std::fs::copy(&path, into.join(name)).map_err(fail)?;
        }
    }
    Ok(())
}
