//! A file that an import adds to: refused lines with their reasons, or what the vault answered.
//! Never readable by anybody but its owner, and never added to where something else is already.
//! What the state file calls certain stays after a crash; what was added behind it is cut off and made again.

use crate::cli::failure::Failure;
use serde::Serialize;
use serde_json::Value as Json;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why a line was refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Refusal {
    /// The stable code of the vault, or the import's own.
    pub(super) code: String,
    /// The line's number in the input.
    pub(super) line: u64,
    /// Which fields, where the vault said.
    #[serde(skip_serializing_if = "Json::is_null")]
    pub(super) pointers: Json,
    /// In words.
    pub(super) reason: String,
    /// The status of the answer; none where the line was not sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
}

impl Refusal {
    /// The line under a comment that says why: it can be corrected and imported as it is.
    pub(super) fn quarantined(&self, line: &[u8]) -> Zeroizing<Vec<u8>> {
        let why = serde_json::to_string(self).unwrap_or_default();
        let mut text = Zeroizing::new(Vec::with_capacity(why.len() + line.len() + 4));
        text.extend_from_slice(b"# ");
        text.extend_from_slice(why.as_bytes());
        text.push(b'\n');
        text.extend_from_slice(line);
        text.push(b'\n');
        text
    }
}

/// The file. It is made when the first thing is added.
pub(super) struct Appended {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
    is_synced: bool,
}

impl Appended {
    /// Takes its place. Of an import that goes on, what is certain stays and the rest is cut off; a new one does not begin
    /// where there is something already.
    pub(super) fn open(path: PathBuf, certain_bytes: Option<u64>) -> Result<Appended, Failure> {
        let found = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(failed(&path, &error)),
            Ok(found) => found.len(),
        };
        let shown = path.display();
        match certain_bytes {
            None if found > 0 => {
                let text = format!("{shown} is there already; name another file, or take it away");
                return Err(Failure::Usage(text));
            }
            Some(certain) if found < certain => {
                let text = format!("{shown} is shorter than the state says; it was changed");
                return Err(Failure::Failed(text));
            }
            _ => {}
        }
        let mut appended = Appended { path, file: None, bytes: 0, is_synced: true };
        if let Some(certain) = certain_bytes.filter(|_| found > 0) {
            appended.cut(certain).map_err(|error| failed(&appended.path, &error))?;
        }
        Ok(appended)
    }

    /// Adds to it.
    pub(super) fn add(&mut self, text: &[u8]) -> Result<(), Failure> {
        self.try_add(text).map_err(|error| failed(&self.path, &error))
    }

    /// Makes what was added durable; gives how long the file is.
    pub(super) fn sync(&mut self) -> Result<u64, Failure> {
        if let Some(file) = self.file.as_ref().filter(|_| !self.is_synced) {
            file.sync_data().map_err(|error| failed(&self.path, &error))?;
        }
        self.is_synced = true;
        Ok(self.bytes)
    }

    fn cut(&mut self, certain_bytes: u64) -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(certain_bytes)?;
        file.seek(SeekFrom::Start(certain_bytes))?;
        self.file = Some(file);
        (self.bytes, self.is_synced) = (certain_bytes, false);
        Ok(())
    }

    fn try_add(&mut self, text: &[u8]) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let mut options = OpenOptions::new();
                let options = options.write(true).create(true).truncate(true).mode(0o600);
                let file = options.open(&self.path)?;
                // An empty file of that name may have been there for others to read.
                file.set_permissions(Permissions::from_mode(0o600))?;
                none.insert(file)
            }
        };
        file.write_all(text)?;
        self.bytes += u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.is_synced = false;
        Ok(())
    }

    /// How long the file is.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn failed(path: &Path, cause: &std::io::Error) -> Failure {
    Failure::failed(&format!("{} cannot be written", path.display()), cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(line: u64) -> Refusal {
        let pointers = json!([{"field": "phone", "reason": "wrong_type"}]);
        let reason = "填写有误\n#".to_owned();
        Refusal { code: "schema_invalid".into(), line, pointers, reason, status: Some(400) }
    }

    #[test]
    fn lines_stay_as_they_were_under_a_comment_and_are_their_owners_alone() {
        let room = tempfile::tempdir().expect("a folder");
        let path = room.path().join("q");
        let mut quarantine = Appended::open(path.clone(), None).expect("a new one");
        assert!(!path.exists(), "nothing was refused");
        quarantine.add(&refusal(7).quarantined(b"{\"x\": \xff}")).expect("written");
        let certain = quarantine.sync().expect("synced");
        quarantine.add(&refusal(8).quarantined(b"lost")).expect("written");
        drop(quarantine);
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut quarantine = Appended::open(path.clone(), Some(certain)).expect("the same again");
        quarantine.add(&refusal(9).quarantined(b"kept")).expect("written");
        assert_eq!(quarantine.bytes(), std::fs::metadata(&path).expect("a file").len());
        let bytes = std::fs::read(&path).expect("a file");
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), 5);
        assert_eq!((lines[1], lines[3], lines[4]), (&b"{\"x\": \xff}"[..], &b"kept"[..], &b""[..]));
        let why: Json = serde_json::from_slice(&lines[0][2..]).expect("a comment in JSON");
        assert_eq!(
            (&why["line"], &why["code"], &why["status"]),
            (&json!(7), &json!("schema_invalid"), &json!(400))
        );
        assert_eq!(why["pointers"][0]["field"], "phone");
    }

    #[test]
    fn what_an_import_did_not_write_is_left_alone() {
        let room = tempfile::tempdir().expect("a folder");
        let path = room.path().join("q");
        std::fs::write(&path, "mine").expect("written");
        assert!(matches!(Appended::open(path.clone(), None), Err(Failure::Usage(_))));
        assert!(matches!(Appended::open(path.clone(), Some(5)), Err(Failure::Failed(_))));
        assert_eq!(std::fs::read(&path).expect("a file"), b"mine");
        // Of an import that was stopped before anything was certain, nothing stays.
        let quarantine = Appended::open(path.clone(), Some(0)).expect("the same again");
        assert_eq!((quarantine.bytes(), std::fs::read(&path).expect("a file")), (0, Vec::new()));
    }
}
