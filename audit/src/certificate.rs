//! Judges the certificate of an erasure offline: a pack that holds the entries of one person's erasure and of the destruction of
//! its keys, and nothing else.
//! Never trusts what the certificate says of itself: every word of it must be that of a proven entry.
//! It holds only if records went until none was left, the keys were destroyed after that, and the log sealed this very file.

use std::collections::BTreeMap;
use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::pack::{PackError, PackSummary, Part, verify_pack_with};
use crate::verify::{Head, VerifierKey};

/// What a certificate says of itself.
pub const CERTIFICATE_FILE: &str = "certificate.json";
/// The form that it names.
pub const CERTIFICATE_FORM: &str = "gridvault-erasure/1";
/// Entries that a certificate may have: a person with a hundred thousand records has fewer.
pub const CERTIFICATE_ENTRIES_COUNT_MAX: usize = 4_096;

/// Why a certificate is not one.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// The pack does not hold.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// It says nothing of itself that this program knows.
    #[error("the certificate is malformed: {0}")]
    Malformed(&'static str),
    /// Its entries do not show what it says.
    #[error("the certificate is not shown by its entries: {what}{}", at(*index))]
    Unshown {
        /// What is not shown.
        what: &'static str,
        /// By which entry.
        index: Option<u64>,
    },
}

fn at(index: Option<u64>) -> String {
    index.map_or(String::new(), |index| format!(": entry {index}"))
}

/// What a certificate that holds has shown.
#[derive(Debug)]
pub struct CertificateSummary {
    /// The erasure: the id under which it was asked for.
    pub erasure: String,
    /// The handle under which the log knew the person.
    pub subject: String,
    /// The entries of its steps; nothing was held behind the last one.
    pub entries: Vec<u64>,
    /// The entry behind which no copy of the keys opened any more.
    pub destroyed: u64,
    /// The pack.
    pub pack: PackSummary,
}

impl CertificateSummary {
    /// The checkpoint that covers all of it.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.pack.head
    }
}

/// `certificate.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    form: String,
    origin: String,
    erasure: String,
    subject: String,
    entries: Vec<u64>,
    destroyed: u64,
    #[serde(rename = "made_at")]
    _made_at: String,
}

/// Verifies a certificate with a key from elsewhere.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify_certificate(
    certificate: impl Read,
    key: &VerifierKey,
) -> Result<CertificateSummary, CertificateError> {
    let (mut entries, mut seal, mut statement) = (BTreeMap::new(), None, None);
    let mut too_many = false;
    let pack = verify_pack_with(certificate, key, &mut |part| match part {
        Part::Entry { index, bytes } if entries.len() <= CERTIFICATE_ENTRIES_COUNT_MAX => {
            entries.insert(index, bytes.to_vec());
        }
        Part::Entry { .. } => too_many = true,
        Part::Seal(bytes) => seal = Some(bytes.to_vec()),
        Part::Other { name: CERTIFICATE_FILE, bytes } => statement = Some(bytes.to_vec()),
        Part::Other { .. } => {}
    })?;
    if too_many || entries.len() > CERTIFICATE_ENTRIES_COUNT_MAX {
        return Err(CertificateError::Malformed("it has too many entries"));
    }
    let statement = statement.ok_or(CertificateError::Malformed("it says nothing of itself"))?;
    let statement: Statement = serde_json::from_slice(&statement)
        .map_err(|_| CertificateError::Malformed("what it says of itself"))?;
    if statement.form != CERTIFICATE_FORM {
        return Err(CertificateError::Malformed("its form is not known"));
    }
    let seal = seal.ok_or(CertificateError::Malformed("it has no seal"))?;
    judge(&statement, &entries, &seal, &pack)?;
    let Statement { erasure, subject, entries, destroyed, .. } = statement;
    Ok(CertificateSummary { erasure, subject, entries, destroyed, pack })
}

fn judge(
    statement: &Statement,
    entries: &BTreeMap<u64, Vec<u8>>,
    seal: &[u8],
    pack: &PackSummary,
) -> Result<(), CertificateError> {
    let unshown = |what, index| Err(CertificateError::Unshown { what, index });
    let id = id_of(&statement.erasure).ok_or(CertificateError::Malformed("its id"))?;
    if statement.origin != pack.head.origin {
        return unshown("it is of another log", None);
    }
    let Some(last) = statement.entries.last().copied() else {
        return unshown("it names no entry that removed anything", None);
    };
    let mut named: Vec<u64> = statement.entries.clone();
    named.push(statement.destroyed);
    if !named.is_sorted_by(|one, next| one < next) {
        return unshown("its entries are not in the order of an erasure", None);
    }
    if !entries.keys().eq(named.iter()) {
        return unshown("it has other entries than it names", None);
    }
    let mut removes = false;
    for index in &statement.entries {
        let entry = Entry::read(*index, &entries[index])?;
        removes |= entry.is("data", "erase");
        if !entry.is("data", "erase") && !entry.is("subject", "erase") {
            return unshown("an entry is no step of an erasure", Some(*index));
        }
        if entry.0["apr"] != *id || entry.0["sub"] != serde_json::json!([statement.subject]) {
            return unshown("an entry is of another erasure", Some(*index));
        }
        // As long as something is left a step says how much; the last one says nothing.
        // It removes records of the person's own; of whom nothing is held but a part in records of others, it takes that out.
        let left = &entry.0["x"]["left"];
        let is_end = left.is_null() && (entry.is("data", "erase") || !removes);
        if (*index == last) != is_end {
            return unshown("records were left, or went on going", Some(*index));
        }
    }
    let destroyed = Entry::read(statement.destroyed, &entries[&statement.destroyed])?;
    let names = destroyed.0["x"]["erasures"].as_str().unwrap_or_default();
    if !destroyed.is("key", "destroy") || !names.split(',').any(|name| name == id) {
        return unshown("no key was destroyed for it", Some(statement.destroyed));
    }
    let issued = Entry::read(pack.sealed_at, seal)?;
    let same = issued.0["apr"] == *id && issued.0["sub"] == serde_json::json!([statement.subject]);
    if !issued.is("subject", "certificate") || !same || pack.sealed_at < statement.destroyed {
        return unshown("it was not given out as this certificate", Some(pack.sealed_at));
    }
    Ok(())
}

/// An entry that was proven.
struct Entry(Value);

impl Entry {
    fn read(index: u64, bytes: &[u8]) -> Result<Entry, CertificateError> {
        let entry = serde_json::from_slice(bytes).map(Entry);
        let index = Some(index);
        entry.map_err(|_| CertificateError::Unshown { what: "an entry does not read", index })
    }

    fn is(&self, family: &str, action: &str) -> bool {
        self.0["ev"] == family && self.0["act"] == action && self.0["out"] == "success"
    }
}

/// The form of an id in entries, of its form in the interface (RFC 9562 section 4, lower case).
fn id_of(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let digits = parts.concat();
    let plain = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if lengths != [8, 4, 4, 4, 12] || !plain {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect();
    Some(URL_SAFE_NO_PAD.encode(bytes?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_form_in_the_interface_and_one_in_entries() {
        let text = "01920000-0000-7000-8000-0000000000ff";
        assert_eq!(id_of(text).as_deref(), Some("AZIAAAAAcACAAAAAAAAA_w"));
        for wrong in ["", "01920000000070008000000000000000", &text.to_uppercase(), &text[1..]] {
            assert_eq!(id_of(wrong), None, "{wrong}");
        }
    }
}
