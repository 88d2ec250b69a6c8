//! What whoever holds a post brought along: a signed secrecy term, training; as it comes in and as it is shown.
//! Never running text in the place of a document's number, and never a number that is somebody's own.
//! Moments are RFC 3339; whether they are acceptable the operation says.

use super::super::forms;
use super::super::strict_json::Members;
use super::super::wrong::Wrong;
use crate::ambient::Micros;
use crate::identity::{ReadinessRecord, SecrecyTerm};
use crate::limits::DOCUMENT_CHARACTERS_MAX;
use crate::records::detector::holds_number;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A secrecy term that was signed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SecrecyTermBody {
    /// When, RFC 3339.
    #[schema(schema_with = forms::body_moment)]
    signed_at: String,
    /// Number of the document, as the office files it; nobody's identity number or telephone.
    #[schema(schema_with = forms::document)]
    document: String,
}

/// A secrecy term as it is shown.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SignedTermBody {
    /// When it was signed.
    signed_at: String,
    /// Number of the document.
    document: String,
}

impl SignedTermBody {
    /// Of a kept one.
    pub(super) fn of(term: &SecrecyTerm) -> SignedTermBody {
        let signed_at = Micros(term.signed).rfc3339();
        SignedTermBody { signed_at, document: term.document.clone() }
    }
}

/// A moment, if it has the form of one.
pub(super) fn moment(text: &str) -> Option<Micros> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Micros(at.as_microsecond()))
}

/// The same where nothing may be said; nothing for what has not the form of one.
pub(super) fn maybe_moment(text: Option<&str>) -> Option<Option<Micros>> {
    match text {
        None => Some(None),
        Some(text) => moment(text).map(Some),
    }
}

/// What was brought along, if its words have a form.
pub(super) fn brought(
    term: Option<Members<SecrecyTermBody>>,
    trained_until: Option<&str>,
) -> Result<ReadinessRecord, Wrong> {
    let secrecy_term = match term {
        None => None,
        Some(Members(term)) => {
            let signed = moment(&term.signed_at);
            let signed = signed.ok_or_else(|| Wrong::at("secrecy_term.signed_at", "wrong_time"))?.0;
            if !is_document(&term.document) {
                return Err(Wrong::malformed("secrecy_term.document"));
            }
            Some(SecrecyTerm { signed, document: term.document })
        }
    };
    let trained_until = maybe_moment(trained_until);
    let trained_until = trained_until.ok_or_else(|| Wrong::at("trained_until", "wrong_time"))?;
    let trained_until = trained_until.map(|until| until.0);
    Ok(ReadinessRecord { secrecy_term, trained_until })
}

/// A number as offices write them, which is not a resident's.
pub(super) fn is_document(text: &str) -> bool {
    let count = text.chars().count();
    let plain = |sign: char| sign.is_alphanumeric() || "-_/.()（）〔〕[]".contains(sign);
    (1..=DOCUMENT_CHARACTERS_MAX).contains(&count) && text.chars().all(plain) && !holds_number(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_a_number_of_an_office_up_to_its_longest() {
        for good in ["2026-017", "菏民〔2026〕17号", "a", &"7a".repeat(DOCUMENT_CHARACTERS_MAX / 2)]
        {
            assert!(is_document(good), "{good}");
        }
        let long = "7a".repeat(DOCUMENT_CHARACTERS_MAX / 2) + "7";
        for bad in ["", "signed on paper", "a\nb", &long, "880101199001010013"] {
            assert!(!is_document(bad), "{bad}");
        }
    }
}
