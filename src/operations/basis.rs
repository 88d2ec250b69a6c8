//! On what a record is held: checks the claim of a write and makes its control records.
//! Never a resident's value in a control record: they outlive erasure.
//! Without a live notice, and a consent where the purpose rests on one, nothing is stored.

use super::Asked;
use super::error::{Misplaced, Unfit};
use crate::access::Code;
use crate::ambient::Random;
use crate::purposes::{BasisClaim, BasisProblem, check_basis};
use crate::records::{BasisFact, Class, Handle, PlainFields, Schema};
use crate::seal::Control;
use crate::store::ControlKind;
use serde_json::json;

/// A checked basis with the control records that go in with the write.
pub(super) struct Grounds {
    pub(super) fact: BasisFact,
    pub(super) controls: Vec<Control>,
}

/// What a write is told that needs a basis and brings none.
pub(super) const NO_BASIS: Misplaced =
    Misplaced { code: Code::BasisMissing, member: "basis", reason: "missing" };

/// Checks a claim against the purpose of the request.
pub(super) fn ground(
    asked: &Asked<'_>,
    claim: &BasisClaim,
    under_14: bool,
    collects_sensitive: bool,
    about: Handle,
    random: &dyn Random,
) -> Result<Grounds, Unfit> {
    if claim.purpose != asked.purpose.id.as_str() {
        return Err(Misplaced::new("basis.purpose", "differs_from_header").into());
    }
    let today = asked.now.local_date();
    let mut fact = check_basis(asked.purpose, claim, under_14, collects_sensitive, today)
        .map_err(misplaced)?;
    let common = json!({
        "about": base64_of(about.as_bytes()),
        "actor": asked.actor.standing().actor,
        "at": asked.now.rfc3339(),
        "notice": claim.notice,
        "purpose": claim.purpose,
    });
    let mut controls = vec![Control {
        kind: ControlKind::NoticeGiven,
        id: random.bytes16()?,
        payload: common.to_string().into_bytes(),
    }];
    if let Some(consent) = &claim.consent {
        let id = random.bytes16()?;
        let mut record = common;
        record["consent"] = serde_json::to_value(consent).unwrap_or_default();
        record["legal_basis"] = json!(claim.legal_basis);
        let payload = record.to_string().into_bytes();
        controls.push(Control { kind: ControlKind::Consent, id, payload });
        fact.consent = Some(id);
    }
    Ok(Grounds { fact, controls })
}

/// Which member of the claim is at fault, and why. Whose consent a child's record needs is not said: the refusal is that of any
/// consent that is missing.
pub(super) fn misplaced(problem: BasisProblem) -> Misplaced {
    let (member, reason) = match problem {
        BasisProblem::PurposeDiffers => ("basis.purpose", "differs_from_header"),
        BasisProblem::PurposeInactive => ("basis.purpose", "unknown"),
        BasisProblem::PurposeCorrects => ("basis.purpose", "only_corrects"),
        BasisProblem::LegalBasisUnknown => ("basis.legal_basis", "unknown"),
        BasisProblem::SeparateConsentMissing => ("basis.legal_basis", "needs_separate_consent"),
        BasisProblem::NoticeUnknown => ("basis.notice", "unknown"),
        BasisProblem::NoticeNotLive => ("basis.notice", "expired"),
        BasisProblem::BasisMissing | BasisProblem::GuardianConsentMissing => {
            ("basis.consent", "missing")
        }
        BasisProblem::ConsentInFuture => ("basis.consent.given_on", "future_date"),
        BasisProblem::ConsentBeforeNotice => ("basis.consent.given_on", "too_early"),
    };
    let code = match problem {
        BasisProblem::PurposeCorrects => Code::PurposeNotForField,
        _ => Code::BasisMissing,
    };
    Misplaced { code, ..Misplaced::new(member, reason) }
}

/// Whether a set of fields holds one that is sensitive by itself. A child's general fields do not count here: for
/// those the guardian's consent is asked.
pub(super) fn collects_sensitive(schema: &Schema, fields: &PlainFields) -> bool {
    fields.iter().any(|(name, _)| schema.field(name).is_some_and(|field| field.class >= Class::C3))
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
