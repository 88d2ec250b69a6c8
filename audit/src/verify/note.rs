//! Reads signed checkpoints, as strictly as their specifications allow.
//! Never repairs, trims or normalises: a note that could be written otherwise is refused.
//! A checkpoint's text is used only after a signature by a known key was checked over exactly that text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::finding::{Class, Finding};
use super::key::{SignatureFault, VerifierKey, is_name};
use super::policy::{Policy, WitnessId};
use super::tree::Hash;
use crate::constants::{
    COSIGNATURE_FUTURE_SECONDS_MAX, NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, TREE_SIZE_MAX,
};

/// What a verified checkpoint states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Name of the log.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

/// A witness's word that it saw a checkpoint, and only continuations of it since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// Which of the policy's witnesses gave it.
    pub witness: WitnessId,
    /// When, by the witness's clock, in seconds since 1970.
    pub time_seconds: u64,
}

/// A checkpoint that the log signed, and what the policy's witnesses said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// What it states.
    pub head: Head,
    /// The newest cosignature of each witness that gave one that counts, in the order of the policy.
    pub cosignatures: Vec<Cosignature>,
}

/// Checks a signed checkpoint under `key` alone (c2sp.org/signed-note, c2sp.org/tlog-checkpoint).
///
/// Signatures by other keys are ignored; one in this key's name and id that does not verify refuses the note.
///
/// # Errors
/// A [`Finding`] of class `NoteMalformed`, `SignatureInvalid`, `KeyUnknown` or `OriginDiffers`.
pub fn open_note(note: &[u8], key: &VerifierKey) -> Result<Head, Finding> {
    open_checkpoint(note, &Policy::of_log(key.clone()), None).map(|cosigned| cosigned.head)
}

/// Checks a signed checkpoint under a policy: the log's signature, and every cosignature by one of its witnesses.
///
/// Whether the cosignatures make the quorum is for the caller to ask of the policy. `now_seconds` is the time by the
/// reader's clock; a cosignature from the future by it does not count, and without it is not noticed.
///
/// # Errors
/// As [`open_note`], and of class `CosignatureTime` where a cosignature is from the future and the others do not make the quorum: then
/// it is the reader's clock that may be wrong, or what they say.
pub fn open_checkpoint(
    note: &[u8],
    policy: &Policy,
    now_seconds: Option<u64>,
) -> Result<Cosigned, Finding> {
    judge(Note::parse(note, Extensions::Refused).map_err(malformed)?, policy, now_seconds)
}

/// As [`open_checkpoint`], but the checkpoint may have extension lines, as those of other logs do: a witness cosigns them
/// and says nothing of them (c2sp.org/tlog-cosignature).
#[cfg(feature = "witness")]
pub(crate) fn open_checkpoint_with_extensions(
    note: &[u8],
    policy: &Policy,
) -> Result<Cosigned, Finding> {
    judge(Note::parse(note, Extensions::Taken).map_err(malformed)?, policy, None)
}

/// The origin that a checkpoint of right form claims. Nothing of it is verified.
#[cfg(feature = "witness")]
pub(crate) fn checkpoint_origin(note: &[u8]) -> Result<String, Finding> {
    Ok(Note::parse(note, Extensions::Taken).map_err(malformed)?.head.origin)
}

/// A checkpoint with the signature lines by logs of `policy` alone. None of them is verified.
#[cfg(feature = "witness")]
pub(crate) fn with_log_lines_alone(note: &[u8], policy: &Policy) -> Result<String, Finding> {
    let note = Note::parse(note, Extensions::Taken).map_err(malformed)?;
    let by_log =
        |line: &&Signature<'_>| policy.logs().iter().any(|log| log.key.is(line.name, line.id));
    let lines: String =
        note.signatures.iter().filter(by_log).map(|line| format!("{}\n", line.line)).collect();
    Ok(format!("{}\n{lines}", note.text))
}

fn malformed(detail: &'static str) -> Finding {
    Finding::new(Class::NoteMalformed, detail)
}

fn judge(note: Note<'_>, policy: &Policy, now_seconds: Option<u64>) -> Result<Cosigned, Finding> {
    let mut signed = Vec::new();
    for log in policy.logs() {
        if note.check(&log.key)?.is_some() {
            signed.push(&log.key);
        }
    }
    if signed.is_empty() {
        return Err(Finding::new(Class::KeyUnknown, "no signature is by a known log"));
    }
    if !signed.iter().any(|key| key.name() == note.head.origin) {
        return Err(Finding::new(
            Class::OriginDiffers,
            "checkpoint is of another log than the key",
        ));
    }
    let (mut cosignatures, mut is_any_ahead) = (Vec::new(), false);
    for (witness, key) in policy.witness_keys() {
        let Some(newest) = note.check(key)? else { continue };
        let given = Cosignature { witness, time_seconds: newest };
        match given.is_from_the_future(now_seconds) {
            true => is_any_ahead = true,
            false => cosignatures.push(given),
        }
    }
    // One witness whose clock is wrong must not stand for tampering where enough others do without it.
    if is_any_ahead && !policy.is_met_by(&cosignatures) {
        return Err(Finding::new(Class::CosignatureTime, "cosignature is from the future"));
    }
    Ok(Cosigned { head: note.head, cosignatures })
}

impl Cosignature {
    /// Whether no clock that is about right can have stated its time by now; unknown without a clock.
    pub(super) fn is_from_the_future(&self, now_seconds: Option<u64>) -> bool {
        now_seconds.is_some_and(|now| {
            self.time_seconds > now.saturating_add(COSIGNATURE_FUTURE_SECONDS_MAX)
        })
    }
}

/// Whether a checkpoint may have lines after its root.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extensions {
    Refused,
    #[cfg(feature = "witness")]
    Taken,
}

/// A note of the strict form, none of whose signatures is judged yet.
struct Note<'a> {
    text: &'a str,
    head: Head,
    signatures: Vec<Signature<'a>>,
}

struct Signature<'a> {
    /// As it stands in the note, without its line feed.
    #[cfg_attr(not(feature = "witness"), expect(dead_code, reason = "only a witness keeps lines"))]
    line: &'a str,
    name: &'a str,
    id: [u8; 4],
    bytes: Vec<u8>,
}

impl Note<'_> {
    fn parse(note: &[u8], extensions: Extensions) -> Result<Note<'_>, &'static str> {
        if note.len() > NOTE_BYTES_MAX {
            return Err("note is too long");
        }
        let note = std::str::from_utf8(note).map_err(|_| "note is not UTF-8")?;
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err("note has a control character");
        }
        let blank = note.rfind("\n\n").ok_or("note has no blank line")?;
        let (text, signatures) = (&note[..=blank], &note[blank + 2..]);
        let head = parse_text(text, extensions)?;
        let signatures = parse_signatures(signatures)?;
        Ok(Note { text, head, signatures })
    }

    /// The newest time of the signatures by `key`, which are all checked; 0 for those that state none. `None` if there is
    /// no signature by it.
    fn check(&self, key: &VerifierKey) -> Result<Option<u64>, Finding> {
        let mut newest = None;
        for signature in self.signatures.iter().filter(|line| key.is(line.name, line.id)) {
            match key.check(self.text, &signature.bytes) {
                Ok(time) => newest = newest.max(Some(time.unwrap_or(0))),
                Err(SignatureFault::Invalid) => {
                    return Err(Finding::new(
                        Class::SignatureInvalid,
                        "signature by a known key does not verify",
                    ));
                }
                Err(SignatureFault::Time) => {
                    return Err(Finding::new(
                        Class::CosignatureTime,
                        "cosignature states a time that none may have",
                    ));
                }
            }
        }
        Ok(newest)
    }
}

fn parse_text(text: &str, extensions: Extensions) -> Result<Head, &'static str> {
    let lines: Vec<_> = text.split('\n').collect();
    // The text ends in a line feed, so the last piece is empty.
    let [origin, size, root, ref more @ .., ""] = lines[..] else {
        return Err("checkpoint has fewer than three lines");
    };
    if extensions == Extensions::Refused && !more.is_empty() || more.contains(&"") {
        return Err("checkpoint has more than three lines");
    }
    if !is_name(origin) {
        return Err("origin cannot name a log");
    }
    let size = parse_decimal(size)
        .filter(|size| *size <= TREE_SIZE_MAX)
        .ok_or("size is not a canonical number")?;
    let root = parse_hash(root).ok_or("root is not the canonical base64 of a hash")?;
    Ok(Head { origin: origin.to_owned(), size, root })
}

/// Signature lines, each with its line feed.
fn parse_signatures(text: &str) -> Result<Vec<Signature<'_>>, &'static str> {
    let text = text.strip_suffix('\n').ok_or("note does not end in a line feed")?;
    let lines: Vec<_> = text.split('\n').collect();
    if lines.len() > NOTE_SIGNATURES_MAX {
        return Err("note has too many signatures");
    }
    lines.into_iter().map(parse_signature).collect()
}

fn parse_signature(line: &str) -> Result<Signature<'_>, &'static str> {
    let rest = line
        .strip_prefix("\u{2014} ")
        .ok_or("signature line does not begin with a dash and a space")?;
    let (name, encoded) =
        rest.split_once(' ').ok_or("signature line has no space after its name")?;
    if !is_name(name) {
        return Err("signature line has no usable name");
    }
    let payload = STANDARD.decode(encoded).map_err(|_| "signature is not canonical base64")?;
    match payload.split_first_chunk() {
        Some((id, bytes)) if !bytes.is_empty() => {
            Ok(Signature { line, name, id: *id, bytes: bytes.to_vec() })
        }
        _ => Err("signature is too short"),
    }
}

/// A decimal without sign and leading zeros.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

/// 32 bytes in canonical standard base64.
pub(crate) fn parse_hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, whose keys it does not give: what can be checked is how it is cut.
    #[test]
    fn cosigned_checkpoint_of_the_specification_is_read() {
        let example = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
            \u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
            \u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
        let note = Note::parse(example.as_bytes(), Extensions::Refused).expect("a note");
        assert_eq!(note.head.size, 20_852_163);
        let [log, witness] = &note.signatures[..] else { panic!("two signatures") };
        assert_eq!((log.name, log.bytes.len()), ("example.com/behind-the-sofa", 64));
        assert_eq!((witness.name, witness.bytes.len()), ("witness.example.com/w1", 8 + 64));
        assert_eq!(witness.bytes[..8], 1_679_315_147u64.to_be_bytes());
    }

    #[test]
    fn decimals_are_canonical() {
        assert_eq!(parse_decimal("0"), Some(0));
        assert_eq!(parse_decimal("18446744073709551615"), Some(u64::MAX));
        for text in
            ["", "00", "01", "+1", "-1", " 1", "1 ", "1a", "\u{0661}", "18446744073709551616"]
        {
            assert_eq!(parse_decimal(text), None, "{text:?}");
        }
    }
}
