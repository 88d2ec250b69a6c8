//! A core file of a process that is just opening its vault: what opens the keyring is in memory then, and a moment later no more.
//! Never a process that serves: it is stopped where the keyring is opened, and killed there.
//! Without it nobody could tell a root key that was wiped from one that the judge is blind to.

use crate::fault::Fault;
use crate::vault::Start;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The function that opens the keyring, in the name that the linker knows it by.
const OPENS_THE_KEYRING: &str = "7keyring5slots4open";
/// Longest time until a debugger has read the program and the program comes to its keyring, in seconds.
const STOPPED_SECONDS_MAX: &str = "300";

/// Starts the program once more over the same directory, and takes its memory when it opens the keyring.
pub fn core_of(start: &Start, folder: &Path) -> Result<PathBuf, Fault> {
    let (script, core) = (folder.join("opening.gdb"), folder.join("opening"));
    // A script ends with the first command that fails, so a program without the function is not run.
    let commands = format!(
        "set pagination off\nset confirm off\nset breakpoint pending off\nset use-coredump-filter off\n\
         set dump-excluded-mappings on\nbreak {}\nrun\ngenerate-core-file {}\nkill\n",
        symbol(&start.program)?,
        core.display()
    );
    std::fs::write(&script, commands).map_err(|error| Fault::io("writing", &script, error))?;
    let outcome = Command::new("timeout")
        .args(["--kill-after=10", STOPPED_SECONDS_MAX, "gdb", "-nx", "-q", "-batch", "-x"])
        .arg(&script)
        .arg("--args")
        .arg(&start.program)
        .args(start.before)
        .args(["demo", "--listen", "127.0.0.1:0", "--dir"])
        .arg(&start.directory)
        .stdin(Stdio::null())
        .output()
        .map_err(|_| Fault::ToolMissing("gdb"))?;
    if core.is_file() {
        return Ok(core);
    }
    let said = [outcome.stdout, outcome.stderr].concat();
    Err(Fault::Refused(String::from_utf8_lossy(&said).trim().to_owned()))
}

fn symbol(program: &Path) -> Result<String, Fault> {
    let listed = Command::new("nm").arg(program).stdin(Stdio::null()).output();
    let listed = listed.map_err(|_| Fault::ToolMissing("nm (package binutils)"))?;
    let text = String::from_utf8_lossy(&listed.stdout);
    let names = text.lines().filter_map(|line| line.split_whitespace().last());
    let found = names.into_iter().find(|name| name.contains(OPENS_THE_KEYRING));
    found.map(str::to_owned).ok_or(Fault::Malformed("the program's table of symbols"))
}
