//! Where the files of one run lie, and the program that is run over them.
//! Never with settings of the host: what a command of the program would read from the environment is taken away.
//! The vault's directory may lie on another disk than everything else.

use crate::fault::Fault;
use crate::vault::Programs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where everything of one run lies.
pub struct Desk {
    /// What is no vault's.
    pub folder: PathBuf,
    /// The vault's directory.
    pub vault: PathBuf,
    /// The vault's program.
    pub program: PathBuf,
}

impl Desk {
    /// Files below one folder, the vault below another or the same.
    pub fn below(folder: &Path, disk: &Path, programs: &Programs) -> Result<Desk, Fault> {
        let (folder, vault) = (folder.to_owned(), disk.join("vault"));
        Ok(Desk { folder, vault, program: programs.vault()? })
    }

    /// A path below the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes a file below the folder.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf, Fault> {
        let path = self.path(name);
        std::fs::write(&path, text).map_err(|error| Fault::io("writing", &path, error))?;
        Ok(path)
    }

    /// Reads a file below the folder.
    pub fn read(&self, name: &str) -> Result<String, Fault> {
        let path = self.path(name);
        std::fs::read_to_string(&path).map_err(|error| Fault::io("reading", &path, error))
    }

    /// A command of the program.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .stdin(Stdio::null())
            .env_remove("GRIDVAULT_TOKEN_FILE")
            .env_remove("GRIDVAULT_URL")
            .env_remove("GRIDVAULT_CA_FILE");
        command
    }

    /// Runs a command of the program to its end.
    pub fn output(&self, command: &mut Command) -> Result<Output, Fault> {
        command.output().map_err(|error| Fault::io("starting", &self.program, error))
    }

    /// Runs a command that must succeed, and gives what it printed.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Fault> {
        let output = self.output(self.command().args(arguments))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(Fault::Refused(String::from_utf8_lossy(&output.stderr).into_owned())),
        }
    }

    /// Has a part of an invented city written into a file below the folder.
    pub fn synth(&self, name: &str, what: &[&str], persons: u32, seed: u64) -> Result<(), Fault> {
        let path = self.path(name);
        let file = std::fs::File::create(&path).map_err(|e| Fault::io("making", &path, e))?;
        let (persons, seed) = (persons.to_string(), seed.to_string());
        let mut command = self.command();
        command.args(["synth", "--persons", &persons, "--seed", &seed]).args(what);
        let status = command.stdout(file).status();
        let status = status.map_err(|error| Fault::io("starting", &self.program, error))?;
        match status.success() {
            true => Ok(()),
            false => {
                Err(Fault::Ended { program: self.program.clone(), status, output: "synth".into() })
            }
        }
    }
}
