//! What a command found, as a sentence or as one line of JSON, and the exit status that says which way it ended.
//! Never prints content of an entry.
//! Members of the JSON that do not apply are null, and no member ever goes away.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gridvault_audit::certificate::{CertificateError, CertificateSummary};
use gridvault_audit::pack::{PackError, PackSummary};
use gridvault_audit::verify::{Cosigned, Finding, Head, Policy, VerifyError};
use serde::Serialize;

/// How a command ended.
pub(super) enum Answer {
    /// It holds, or was done.
    Shown(Box<Shown>),
    /// A pack is as the log sealed it.
    Packed(Box<PackSummary>),
    /// A pack is not, or could not be read.
    PackRefused { origin: String, error: PackError },
    /// A certificate holds.
    Certified(Box<CertificateSummary>),
    /// A certificate does not hold, or could not be judged.
    CertificateRefused { origin: String, error: CertificateError },
    /// A file was written, a service ended: a sentence.
    #[cfg_attr(not(feature = "witness"), expect(dead_code, reason = "only a witness says such"))]
    Done(String),
    /// It does not hold, or could not be judged.
    Refused { origin: String, error: VerifyError },
    /// It could not be done.
    Failed(String),
    /// The storage failed.
    #[cfg_attr(not(feature = "witness"), expect(dead_code, reason = "only a witness says such"))]
    Storage(String),
    /// Called wrongly.
    Usage(String),
}

/// What a check that holds has shown.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) head: Option<Head>,
    pub(super) index: Option<u64>,
    pub(super) beyond: Option<bool>,
    /// First index that was not pruned.
    pub(super) minimum: Option<u64>,
    /// Entries that the quorum has cosigned, and who cosigned when.
    pub(super) witnessed: Option<Witnessed>,
    /// Witnesses whose own view was asked for and agrees.
    pub(super) views: Vec<String>,
    /// Records of the store that agree with the log.
    pub(super) records: Option<u64>,
    /// Records of the store whose last entry was pruned.
    pub(super) unjudged: Option<u64>,
    /// People who were erased.
    pub(super) erasures: Option<u64>,
}

pub(super) struct Witnessed {
    pub(super) size: u64,
    pub(super) cosignatures: Vec<(String, u64)>,
}

impl Witnessed {
    pub(super) fn of(policy: &Policy, cosigned: &Cosigned) -> Witnessed {
        let named = |given: &gridvault_audit::verify::Cosignature| {
            (policy.witness(given.witness).name.clone(), given.time_seconds)
        };
        Witnessed {
            size: cosigned.head.size,
            cosignatures: cosigned.cosignatures.iter().map(named).collect(),
        }
    }
}

#[derive(Serialize)]
struct Cosignature<'a> {
    witness: &'a str,
    time: u64,
}

/// What is printed for machines.
#[derive(Default, Serialize)]
struct Report<'a> {
    result: &'static str,
    origin: &'a str,
    size: Option<u64>,
    root: Option<String>,
    witnessed_size: Option<u64>,
    cosignatures: Option<Vec<Cosignature<'a>>>,
    views: Option<&'a [String]>,
    records: Option<u64>,
    records_pruned: Option<u64>,
    erasures: Option<u64>,
    minimum: Option<u64>,
    beyond_checkpoint: Option<bool>,
    index: Option<u64>,
    level: Option<u32>,
    entries: Option<u64>,
    sealed_at: Option<u64>,
    erasure: Option<&'a str>,
    subject: Option<&'a str>,
    erased_at: Option<u64>,
    destroyed_at: Option<u64>,
    class: Option<&'static str>,
    detail: String,
}

impl Answer {
    pub(super) fn usage(text: String) -> Answer {
        Answer::Usage(text)
    }

    /// The exit status.
    pub(super) fn status(&self) -> u8 {
        match self {
            Answer::Shown(_) | Answer::Packed(_) | Answer::Certified(_) | Answer::Done(_) => 0,
            Answer::PackRefused { error: PackError::Io(_), .. } => 1,
            Answer::CertificateRefused {
                error: CertificateError::Pack(PackError::Io(_)), ..
            } => 1,
            Answer::PackRefused { .. } | Answer::CertificateRefused { .. } => 3,
            Answer::Failed(_) => 1,
            Answer::Usage(_) => 2,
            Answer::Storage(_) => 4,
            Answer::Refused { error, .. } => match error {
                VerifyError::Tampered(_) => 3,
                VerifyError::PathRefused => 2,
                VerifyError::Storage(_) => 4,
                _ => 1,
            },
        }
    }
}

/// Prints an answer.
pub(super) fn print(answer: &Answer, json: bool) -> io::Result<()> {
    use std::io::Write as _;
    let report = report(answer);
    let line = if json {
        serde_json::to_string(&report).expect("a report has string keys and plain values")
    } else {
        sentence(&report)
    };
    writeln!(io::stdout(), "{line}")
}

fn report(answer: &Answer) -> Report<'_> {
    let failed = |result, detail: String| Report { result, detail, ..Report::default() };
    match answer {
        Answer::Shown(shown) => of_shown(shown),
        Answer::Packed(summary) => of_pack(summary),
        Answer::PackRefused { origin, error } => {
            Report { origin, ..failed(result_of(error), explain(error)) }
        }
        Answer::Certified(summary) => of_certificate(summary),
        Answer::CertificateRefused { origin, error } => {
            let result = match error {
                CertificateError::Pack(error) => result_of(error),
                CertificateError::Malformed(_) => "malformed",
                CertificateError::Unshown { .. } => "tampered",
            };
            Report { origin, ..failed(result, explain(error)) }
        }
        Answer::Done(text) => failed("done", text.clone()),
        Answer::Failed(text) => failed("failed", text.clone()),
        Answer::Storage(text) => failed("storage_fault", text.clone()),
        Answer::Usage(text) => failed("wrong_usage", text.clone()),
        Answer::Refused { origin, error } => {
            let report = match error {
                VerifyError::Tampered(Finding { class, index, level, detail }) => Report {
                    result: "tampered",
                    index: *index,
                    level: *level,
                    class: Some(class.code()),
                    detail: (*detail).to_owned(),
                    ..Report::default()
                },
                VerifyError::PathRefused => failed("wrong_usage", explain(error)),
                VerifyError::Storage(_) => failed("storage_fault", explain(error)),
                _ => failed("not_judged", explain(error)),
            };
            Report { origin, ..report }
        }
    }
}

fn of_shown(shown: &Shown) -> Report<'_> {
    let head = shown.head.as_ref();
    Report {
        result: "ok",
        origin: head.map_or("", |head| &head.origin),
        size: head.map(|head| head.size),
        root: head.map(|head| STANDARD.encode(head.root)),
        witnessed_size: shown.witnessed.as_ref().map(|witnessed| witnessed.size),
        cosignatures: shown.witnessed.as_ref().map(|witnessed| {
            witnessed
                .cosignatures
                .iter()
                .map(|(witness, time)| Cosignature { witness, time: *time })
                .collect()
        }),
        views: (!shown.views.is_empty()).then_some(&shown.views),
        records: shown.records,
        records_pruned: shown.unjudged,
        erasures: shown.erasures,
        minimum: shown.minimum,
        beyond_checkpoint: shown.beyond,
        index: shown.index,
        ..Report::default()
    }
}

fn result_of(error: &PackError) -> &'static str {
    match error {
        PackError::Io(_) => "not_judged",
        PackError::Malformed(_) => "malformed",
        PackError::Changed { .. } | PackError::Unproven { .. } => "tampered",
    }
}

fn of_certificate(summary: &CertificateSummary) -> Report<'_> {
    Report {
        erasure: Some(&summary.erasure),
        subject: Some(&summary.subject),
        erased_at: summary.entries.last().copied(),
        destroyed_at: Some(summary.destroyed),
        ..of_pack(&summary.pack)
    }
}

fn of_pack(summary: &PackSummary) -> Report<'_> {
    Report {
        result: "ok",
        origin: &summary.head.origin,
        size: Some(summary.head.size),
        root: Some(STANDARD.encode(summary.head.root)),
        entries: Some(summary.entries),
        sealed_at: Some(summary.sealed_at),
        ..Report::default()
    }
}

fn explain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn sentence(report: &Report<'_>) -> String {
    let origin = report.origin;
    if let (Some(erasure), Some(erased), Some(destroyed)) =
        (report.erasure, report.erased_at, report.destroyed_at)
    {
        let subject = report.subject.unwrap_or_default();
        return format!(
            "ok: by {origin}, erasure {erasure} removed the last record of {subject} at entry {erased}, and entry {destroyed} says \
             that its keys are destroyed"
        );
    }
    if let (Some(entries), Some(seal)) = (report.entries, report.sealed_at) {
        return format!(
            "ok: {entries} entries are in {origin}, and the pack is as entry {seal} sealed it"
        );
    }
    match (report.result, report.size, report.class) {
        ("ok", Some(size), _) => {
            let mut text = match report.index {
                Some(index) => {
                    format!("ok: entry {index} is in {origin}, which has {size} entries")
                }
                None if report.beyond_checkpoint == Some(true) => {
                    format!(
                        "ok: {origin} has {size} entries under its checkpoint; files lie beyond it, not judged"
                    )
                }
                None => format!("ok: {origin} has {size} entries, all of them verified"),
            };
            if let Some(minimum @ 1..) = report.minimum {
                text += &format!(
                    "; those below {minimum} were pruned, as an entry records, and verified by their hashes"
                );
            }
            if let Some(erasures @ 1..) = report.erasures {
                text += &format!("; {erasures} people were erased, by what it says");
            }
            if let Some(witnessed) = report.witnessed_size {
                text += &format!("; a quorum cosigned {witnessed} of them");
            }
            if let Some(views) = report.views {
                text += &format!("; the same as seen by {}", views.join(", "));
            }
            if let Some(records) = report.records {
                text += &format!("; {records} records of the store are those of the log");
            }
            if let Some(unjudged) = report.records_pruned {
                text += &format!(
                    "; the last entries of {unjudged} more are not in it any more, so they were not judged"
                );
            }
            text
        }
        (_, _, Some(class)) => {
            let place = report.index.map_or(String::new(), |index| format!(" at entry {index}"));
            format!("tampering: {class}{place} in {origin}: {}", report.detail)
        }
        ("done", ..) => report.detail.clone(),
        (result, ..) => format!("{result}: {}", report.detail),
    }
}
