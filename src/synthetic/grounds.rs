//! On what the sample records are held: the purposes, bases and notices of this vault, and the fields that they list.
//! Never a field that the purpose does not list, and never a basis that the purpose does not have.
//! A deploying organ's own purposes work too: what is missing there is simply not made.

use crate::purposes::{BasisKind, Purpose, PurposeSet};
use crate::records::{RecordType, SchemaSet};
use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// A purpose with the basis and the notice that sample records name.
pub(super) struct Ground {
    purpose: String,
    legal_basis: String,
    notice: String,
    notice_from: Date,
    today: Date,
    fields: BTreeMap<RecordType, BTreeSet<String>>,
}

/// The grounds of the sample city; each is missing where the vault has no such purpose in use today.
pub(super) struct Grounds {
    /// Who lives where: a duty.
    pub(super) registration: Option<Ground>,
    /// Contact by consent.
    pub(super) contact: Option<Ground>,
    /// Places, objects, units and matters: a duty.
    pub(super) safety: Option<Ground>,
}

impl Grounds {
    /// The grounds that the vault's purposes give on that day.
    pub(super) fn of(schemas: &SchemaSet, purposes: &PurposeSet, today: Date) -> Grounds {
        let ground = |id, kind| {
            let purpose = purposes.get(id).filter(|purpose| purpose.active)?;
            Ground::of(purpose, kind, schemas, today)
        };
        Grounds {
            registration: ground("residence_registration", BasisKind::Duty),
            contact: ground("household_contact", BasisKind::Consent),
            safety: ground("safety_inspection", BasisKind::Duty),
        }
    }

    /// Whether nothing may be collected at all.
    pub(super) fn is_empty(&self) -> bool {
        [&self.registration, &self.contact, &self.safety].into_iter().all(Option::is_none)
    }
}

impl Ground {
    fn of(purpose: &Purpose, kind: BasisKind, schemas: &SchemaSet, today: Date) -> Option<Ground> {
        let basis = purpose.legal_bases.iter().find(|basis| basis.kind == kind)?;
        let notice = purpose.live_notice(today)?;
        let known = |record_type: RecordType, name: &String| {
            schemas.get(record_type).is_some_and(|schema| schema.field(name).is_some())
        };
        let fields = purpose.fields.iter().map(|(record_type, names)| {
            let names = names.iter().filter(|name| known(*record_type, name));
            (*record_type, names.cloned().collect())
        });
        Some(Ground {
            purpose: purpose.id.to_string(),
            legal_basis: basis.id.clone(),
            notice: notice.id.clone(),
            notice_from: notice.valid_from,
            today,
            fields: fields.collect(),
        })
    }

    /// The purpose's name.
    pub(super) fn purpose(&self) -> &str {
        &self.purpose
    }

    /// The day in the city.
    pub(super) fn today(&self) -> Date {
        self.today
    }

    /// From when the notice was given.
    pub(super) fn notice_from(&self) -> Date {
        self.notice_from
    }

    /// The basis of a body.
    pub(super) fn basis(&self) -> Json {
        json!({
            "legal_basis": self.legal_basis, "notice": self.notice, "purpose": self.purpose,
        })
    }

    /// The basis of a body with a person's own consent, given then or when the notice was new, whichever is later.
    pub(super) fn basis_with_consent(&self, method: &str, given_on: Date) -> Json {
        let given_on = given_on.max(self.notice_from).to_string();
        let mut basis = self.basis();
        basis["consent"] = json!({"by": "self", "given_on": given_on, "method": method});
        basis
    }

    /// The fields that the purpose lists, without those that have no value.
    pub(super) fn fit<const COUNT: usize>(
        &self,
        record_type: RecordType,
        fields: [(&str, Json); COUNT],
    ) -> Map<String, Json> {
        let Some(listed) = self.fields.get(&record_type) else { return Map::new() };
        let kept =
            fields.into_iter().filter(|(name, value)| !value.is_null() && listed.contains(*name));
        kept.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The body of one record.
    pub(super) fn record<const COUNT: usize>(
        &self,
        record_type: RecordType,
        grid: &str,
        fields: [(&str, Json); COUNT],
    ) -> Json {
        json!({
            "basis": self.basis(),
            "fields": self.fit(record_type, fields),
            "grid": grid,
            "type": record_type.as_str(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn grounds(today: Date) -> Grounds {
        let schemas = SchemaSet::built_in().expect("the shipped schemas load");
        let purposes = PurposeSet::built_in(&schemas).expect("the shipped purposes load");
        Grounds::of(&schemas, &purposes, today)
    }

    #[test]
    fn a_field_that_the_purpose_does_not_list_is_left_out() {
        let contact = grounds(date(2026, 11, 21)).contact.expect("a shipped purpose");
        let fields = [
            ("name", json!("王丽")),
            ("id_number", json!("880102198309151025")),
            ("phone", Json::Null),
        ];
        let kept = contact.fit(RecordType::Person, fields);
        assert_eq!(Json::Object(kept), json!({"name": "王丽"}));
        assert!(contact.fit(RecordType::Place, [("address", json!("x"))]).is_empty());
    }

    #[test]
    fn a_consent_is_never_older_than_its_notice() {
        let contact = grounds(date(2026, 11, 21)).contact.expect("a shipped purpose");
        let basis = contact.basis_with_consent("oral", date(2001, 1, 1));
        assert_eq!(basis["consent"]["given_on"], "2025-01-01");
        let basis = contact.basis_with_consent("oral", date(2026, 3, 4));
        assert_eq!(basis["consent"]["given_on"], "2026-03-04");
    }

    #[test]
    fn before_any_notice_there_is_no_ground() {
        let none = grounds(date(2024, 12, 31));
        assert!(none.is_empty());
        assert!(!grounds(date(2025, 1, 1)).is_empty());
    }
}
