//! Whether what a caller claims as basis carries a collection for a purpose.
//! Never takes consent for granted, and never takes one thing's consent for another's.
//! What comes out is a fact that the record keeps; without it nothing is stored.

use super::{BasisKind, Purpose};
use crate::records::BasisFact;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The `basis` of a write, as it stands in the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasisClaim {
    /// The purpose; equal to the one that the request names.
    pub purpose: String,
    /// One of the purpose's bases.
    pub legal_basis: String,
    /// The notice that the person was given: one version of its text.
    pub notice: String,
    /// The consent, where the basis rests on one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentClaim>,
}

/// A consent, as it stands in the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentClaim {
    /// Who gave it.
    pub by: ConsentGiver,
    /// How.
    pub method: ConsentMethod,
    /// On which day.
    #[serde(serialize_with = "day_to_text", deserialize_with = "day_from_text")]
    pub given_on: Date,
}

/// Who gave a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentGiver {
    /// The person.
    #[serde(rename = "self")]
    Self_,
    /// The guardian (PIPL Art. 31).
    Guardian,
}

/// How a consent was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentMethod {
    /// Signed on paper.
    Written,
    /// Said, and written down by the worker.
    Oral,
    /// In a form on a device.
    Electronic,
}

/// Why a claim carries nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BasisProblem {
    /// The claim names another purpose than the request.
    #[error("basis names another purpose")]
    PurposeDiffers,
    /// The purpose is not in use.
    #[error("purpose is not active")]
    PurposeInactive,
    /// The purpose puts right what others hold, and is no reason to hold anything.
    #[error("purpose only corrects")]
    PurposeCorrects,
    /// The purpose has no such basis.
    #[error("purpose has no such legal basis")]
    LegalBasisUnknown,
    /// The purpose has no such notice.
    #[error("purpose has no such notice")]
    NoticeUnknown,
    /// The notice is not given on that day.
    #[error("notice is not in force")]
    NoticeNotLive,
    /// The basis rests on consent, and there is none.
    #[error("consent is missing")]
    BasisMissing,
    /// A sensitive field needs a consent of its own (PIPL Art. 29).
    #[error("sensitive fields need a separate consent or another basis")]
    SeparateConsentMissing,
    /// For a child under 14 the guardian consents (PIPL Art. 31).
    #[error("consent of the guardian is missing")]
    GuardianConsentMissing,
    /// The consent is dated after today.
    #[error("consent is dated in the future")]
    ConsentInFuture,
    /// The consent is older than the text that it is said to be given to.
    #[error("consent is older than the notice")]
    ConsentBeforeNotice,
}

/// Checks a claim against the purpose that the request names, on the day of the write.
/// `collects_c3`: a field is collected whose class in the schema is C3; a child's general fields do not count here,
/// since for them the guardian's consent is asked. The fact comes back without the id of the consent record: whoever
/// stores that record puts it in.
///
/// # Errors
/// The first thing that the claim lacks.
pub fn check_basis(
    purpose: &Purpose,
    claim: &BasisClaim,
    subject_is_under_14: bool,
    collects_c3: bool,
    today: Date,
) -> Result<BasisFact, BasisProblem> {
    if claim.purpose != purpose.id.as_str() {
        return Err(BasisProblem::PurposeDiffers);
    }
    if !purpose.active {
        return Err(BasisProblem::PurposeInactive);
    }
    if purpose.corrects {
        return Err(BasisProblem::PurposeCorrects);
    }
    let basis = purpose.legal_basis(&claim.legal_basis).ok_or(BasisProblem::LegalBasisUnknown)?;
    let notice = purpose.notice(&claim.notice).ok_or(BasisProblem::NoticeUnknown)?;
    if !notice.is_live(today) {
        return Err(BasisProblem::NoticeNotLive);
    }
    if collects_c3 && !basis.kind.carries_sensitive() {
        return Err(BasisProblem::SeparateConsentMissing);
    }
    check_consent(basis.kind, claim.consent.as_ref(), subject_is_under_14)?;
    if let Some(consent) = &claim.consent {
        if consent.given_on > today {
            return Err(BasisProblem::ConsentInFuture);
        }
        if consent.given_on < notice.valid_from {
            return Err(BasisProblem::ConsentBeforeNotice);
        }
    }
    Ok(BasisFact {
        purpose: claim.purpose.clone(),
        legal_basis: claim.legal_basis.clone(),
        notice: claim.notice.clone(),
        consent: None,
    })
}

/// A consent is there where the kind rests on one, and from the guardian where the person is a child.
fn check_consent(
    kind: BasisKind,
    consent: Option<&ConsentClaim>,
    under_14: bool,
) -> Result<(), BasisProblem> {
    if !kind.needs_consent() {
        return Ok(());
    }
    match consent {
        None => Err(BasisProblem::BasisMissing),
        Some(consent) if under_14 && consent.by != ConsentGiver::Guardian => {
            Err(BasisProblem::GuardianConsentMissing)
        }
        Some(_) => Ok(()),
    }
}

fn day_to_text<S: Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(day)
}

fn day_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    // Ten characters: jiff would also take a time behind the date, and nobody consents by the nanosecond.
    let day = text.parse().ok().filter(|_| text.len() == 10);
    day.ok_or_else(|| serde::de::Error::custom("not a date"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purposes::PurposeSet;
    use crate::records::SchemaSet;
    use jiff::civil::date;
    use serde_json::json;

    const TODAY: Date = date(2026, 1, 10);

    fn purpose(id: &str) -> Purpose {
        let schemas = SchemaSet::built_in().expect("the shipped schemas load");
        let purposes = PurposeSet::built_in(&schemas).expect("the shipped purposes load");
        purposes.get(id).expect("a shipped purpose").clone()
    }

    fn consent(by: ConsentGiver, given_on: Date) -> Option<ConsentClaim> {
        Some(ConsentClaim { by, method: ConsentMethod::Written, given_on })
    }

    /// A claim on the first basis of that kind and the live notice.
    fn claim(purpose: &Purpose, kind: BasisKind, consent: Option<ConsentClaim>) -> BasisClaim {
        let basis =
            purpose.legal_bases.iter().find(|basis| basis.kind == kind).expect("such a basis");
        BasisClaim {
            purpose: purpose.id.to_string(),
            legal_basis: basis.id.clone(),
            notice: purpose.live_notice(TODAY).expect("a live notice").id.clone(),
            consent,
        }
    }

    fn checked(
        purpose: &Purpose,
        claim: &BasisClaim,
        under_14: bool,
        c3: bool,
    ) -> Result<(), BasisProblem> {
        check_basis(purpose, claim, under_14, c3, TODAY).map(|_| ())
    }

    #[test]
    fn a_duty_carries_its_fields_without_consent() {
        let purpose = purpose("residence_registration");
        let claim = claim(&purpose, BasisKind::Duty, None);
        let fact = check_basis(&purpose, &claim, false, true, TODAY).expect("a duty");
        assert_eq!(
            (fact.purpose, fact.legal_basis, fact.notice),
            (claim.purpose, claim.legal_basis, claim.notice)
        );
        assert_eq!(fact.consent, None);
    }

    #[test]
    fn a_purpose_on_consent_without_consent_is_refused() {
        let purpose = purpose("household_contact");
        let without = claim(&purpose, BasisKind::Consent, None);
        assert_eq!(checked(&purpose, &without, false, false), Err(BasisProblem::BasisMissing));
        let with = claim(&purpose, BasisKind::Consent, consent(ConsentGiver::Self_, TODAY));
        assert_eq!(checked(&purpose, &with, false, false), Ok(()));
    }

    #[test]
    fn an_authorisation_is_a_consent_too() {
        let purpose = purpose("agent_service");
        let without = claim(&purpose, BasisKind::Authorisation, None);
        assert_eq!(checked(&purpose, &without, false, true), Err(BasisProblem::BasisMissing));
    }

    #[test]
    fn a_sensitive_field_needs_a_consent_of_its_own() {
        let purpose = purpose("elder_visit");
        let plain = claim(&purpose, BasisKind::Consent, consent(ConsentGiver::Self_, TODAY));
        assert_eq!(
            checked(&purpose, &plain, false, true),
            Err(BasisProblem::SeparateConsentMissing)
        );
        assert_eq!(checked(&purpose, &plain, false, false), Ok(()));
        let separate =
            claim(&purpose, BasisKind::SeparateConsent, consent(ConsentGiver::Self_, TODAY));
        assert_eq!(checked(&purpose, &separate, false, true), Ok(()));
    }

    #[test]
    fn the_guardian_consents_for_a_child_under_14() {
        let purpose = purpose("household_contact");
        let own = claim(&purpose, BasisKind::Consent, consent(ConsentGiver::Self_, TODAY));
        assert_eq!(checked(&purpose, &own, true, false), Err(BasisProblem::GuardianConsentMissing));
        let guardian = claim(&purpose, BasisKind::Consent, consent(ConsentGiver::Guardian, TODAY));
        assert_eq!(checked(&purpose, &guardian, true, false), Ok(()));
    }

    #[test]
    fn a_consent_lies_between_its_notice_and_today() {
        let purpose = purpose("household_contact");
        let tomorrow =
            claim(&purpose, BasisKind::Consent, consent(ConsentGiver::Self_, date(2026, 1, 11)));
        assert_eq!(checked(&purpose, &tomorrow, false, false), Err(BasisProblem::ConsentInFuture));
        let before = purpose.notices[0].valid_from.yesterday().expect("a day before");
        let early = claim(&purpose, BasisKind::Consent, consent(ConsentGiver::Self_, before));
        assert_eq!(checked(&purpose, &early, false, false), Err(BasisProblem::ConsentBeforeNotice));
    }

    #[test]
    fn the_notice_must_be_live_on_the_day() {
        let mut purpose = purpose("household_contact");
        let given = claim(&purpose, BasisKind::Consent, consent(ConsentGiver::Self_, TODAY));
        purpose.notices[0].valid_to = Some(TODAY);
        assert_eq!(checked(&purpose, &given, false, false), Err(BasisProblem::NoticeNotLive));
        purpose.notices[0].valid_to = Some(date(2026, 1, 11));
        assert_eq!(checked(&purpose, &given, false, false), Ok(()));
        purpose.notices[0].valid_from = date(2026, 1, 11);
        assert_eq!(checked(&purpose, &given, false, false), Err(BasisProblem::NoticeNotLive));
    }

    #[test]
    fn a_purpose_that_corrects_is_no_reason_to_hold_anything() {
        let purpose = purpose("record_correction");
        let claim = claim(&purpose, BasisKind::Duty, None);
        for sensitive in [false, true] {
            let refused = checked(&purpose, &claim, false, sensitive);
            assert_eq!(refused, Err(BasisProblem::PurposeCorrects));
        }
    }

    #[test]
    fn unknown_names_and_idle_purposes_are_refused() {
        let mut purpose = purpose("residence_registration");
        let good = claim(&purpose, BasisKind::Duty, None);
        let other = BasisClaim { purpose: "household_contact".to_owned(), ..good.clone() };
        assert_eq!(checked(&purpose, &other, false, false), Err(BasisProblem::PurposeDiffers));
        let other = BasisClaim { legal_basis: "because".to_owned(), ..good.clone() };
        assert_eq!(checked(&purpose, &other, false, false), Err(BasisProblem::LegalBasisUnknown));
        let other = BasisClaim { notice: "none".to_owned(), ..good.clone() };
        assert_eq!(checked(&purpose, &other, false, false), Err(BasisProblem::NoticeUnknown));
        purpose.active = false;
        assert_eq!(checked(&purpose, &good, false, false), Err(BasisProblem::PurposeInactive));
    }

    #[test]
    fn the_body_form_is_strict() {
        let body = json!({
            "purpose": "household_contact", "legal_basis": "b", "notice": "n",
            "consent": {"by": "self", "method": "oral", "given_on": "2026-01-01"},
        });
        let claim: BasisClaim = serde_json::from_value(body.clone()).expect("a claim");
        assert_eq!(claim.consent.as_ref().map(|consent| consent.given_on), Some(date(2026, 1, 1)));
        assert_eq!(serde_json::to_value(&claim).ok(), Some(body.clone()));
        for (pointer, value) in [
            ("/consent/by", json!("neighbour")),
            ("/consent/method", json!("assumed")),
            ("/consent/given_on", json!("2026-02-30")),
            ("/consent/given_on", json!("2026-01-01T00:00")),
            ("/purpose", json!(3)),
        ] {
            let mut wrong = body.clone();
            *wrong.pointer_mut(pointer).expect("a member") = value;
            assert!(serde_json::from_value::<BasisClaim>(wrong).is_err(), "{pointer}");
        }
        let mut more = body;
        more["witness"] = json!("x");
        assert!(serde_json::from_value::<BasisClaim>(more).is_err());
    }
}
