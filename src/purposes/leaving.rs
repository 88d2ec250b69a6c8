//! Which fields of a record go, and when, because nothing carries them any more but consents that were taken back (PIPL Art. 47).
//! Never a field that a purpose in force lists, nor one that every record of its type has; and none while a purpose is unknown that
//! might list it.
//! A field goes on the day on which a whole record would go that rested on the last of those consents, a child's guardian never before
//! it is 14.

use super::PurposeSet;
use crate::ambient::date_of;
use crate::records::{BasisFact, Facts, GUARDIAN_FIELDS, Schema, days_since_epoch};
use std::collections::{BTreeMap, BTreeSet};

/// For what a record is held, and until when it is about a child.
pub struct HeldFor {
    /// Each purpose with the day on which its consent was taken back, where it was.
    purposes: Vec<(String, Option<i32>)>,
    turns_14: Option<i32>,
}

impl HeldFor {
    /// As its attributes say.
    pub fn of(facts: &Facts) -> HeldFor {
        let held = |basis: &BasisFact| (basis.purpose.clone(), facts.withdrawn_on(basis));
        HeldFor::each(facts, held)
    }

    /// Once every consent to a purpose is taken back on that day.
    pub fn without(facts: &Facts, purpose: &str, day: i32) -> HeldFor {
        let held = |basis: &BasisFact| {
            let goes = basis.purpose == purpose && basis.consent.is_some();
            let today = Some(day).filter(|_| goes);
            (basis.purpose.clone(), facts.withdrawn_on(basis).or(today))
        };
        HeldFor::each(facts, held)
    }

    /// Once a purpose has a basis that stands.
    pub fn with(facts: &Facts, purpose: &str) -> HeldFor {
        let mut held = HeldFor::of(facts);
        held.purposes.retain(|(known, _)| known != purpose);
        held.purposes.push((purpose.to_owned(), None));
        held
    }

    fn each(facts: &Facts, held: impl Fn(&BasisFact) -> (String, Option<i32>)) -> HeldFor {
        HeldFor { purposes: facts.bases.iter().map(held).collect(), turns_14: facts.turns_14 }
    }

    fn rests_on_nothing(&self) -> bool {
        self.purposes.iter().all(|(_, withdrawn)| withdrawn.is_some())
    }

    /// The day on which a field goes that could go on this one: a child's guardian not before it is no child any more (PIPL Art. 31).
    fn put_off(&self, field: &str, day: i32) -> i32 {
        let until = self.turns_14.filter(|_| GUARDIAN_FIELDS.contains(&field));
        until.map_or(day, |turns_14| day.max(turns_14))
    }
}

/// The fields of a record that go before it does, each with its day, in days since 1970-01-01.
pub struct Leaving(BTreeMap<String, i32>);

impl Leaving {
    /// Those of a record with these sections, which ends as a whole on a day. Where nothing carries it any more, all that is over
    /// with the record goes with it.
    pub fn of(
        held: &HeldFor,
        schema: &Schema,
        has_section: impl Fn(&str) -> bool,
        end: Option<i32>,
        purposes: &PurposeSet,
    ) -> Leaving {
        let (rests_on_nothing, mut days) = (held.rests_on_nothing(), BTreeMap::new());
        for part in schema.sections().iter().filter(|part| has_section(&part.name)) {
            for field in schema.fields_of(&part.name).filter(|field| !field.required) {
                let day = day_of(held, schema, &field.name, purposes);
                let day = day.map(|day| held.put_off(&field.name, day));
                let day = day.filter(|day| !rests_on_nothing || end.is_none_or(|end| *day < end));
                days.extend(day.map(|day| (field.name.clone(), day)));
            }
        }
        Leaving(days)
    }

    /// The first of these days that is later than a day; nothing where none is.
    pub fn next_after(&self, day: i32) -> Option<i32> {
        self.0.values().copied().filter(|next| *next > day).min()
    }

    /// The first of these days; nothing where no field goes.
    pub fn first_day(&self) -> Option<i32> {
        self.0.values().copied().min()
    }

    /// The fields that are gone on a day.
    pub fn gone_on(&self, day: i32) -> BTreeSet<String> {
        let gone = self.0.iter().filter(|(_, from)| **from <= day);
        gone.map(|(name, _)| name.clone()).collect()
    }
}

/// The day on which a field goes: nothing where a purpose in force lists it, or might, or where no consent carried it.
fn day_of(held: &HeldFor, schema: &Schema, field: &str, purposes: &PurposeSet) -> Option<i32> {
    let mut last = None;
    for (purpose, withdrawn) in &held.purposes {
        let known = purposes.get(purpose);
        let lists = known.is_none_or(|known| known.lists(schema.record_type(), field));
        match (withdrawn, known) {
            (None, _) if lists => return None,
            (Some(day), Some(known)) if lists => {
                let over = days_since_epoch(known.retention.ends_on(date_of(*day)));
                last = last.max(Some(over));
            }
            _ => {}
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{RecordType, SchemaSet};

    const CONTACT: &str = "household_contact";
    const VISIT: &str = "elder_visit";
    const REGISTRATION: &str = "residence_registration";

    /// Facts of a record that is held for these purposes, those with a day on a consent that was withdrawn on it.
    fn facts(held: &[(&str, Option<i32>)]) -> Facts {
        let mut facts = Facts::of_nobody();
        for (number, (purpose, withdrawn)) in (1..).zip(held) {
            let consent = Some([number; 16]).filter(|_| *purpose != REGISTRATION);
            facts.bases.push(BasisFact {
                purpose: (*purpose).to_owned(),
                legal_basis: "b".to_owned(),
                notice: "n".to_owned(),
                consent,
            });
            facts.withdrawn.extend(withdrawn.map(|day| ([number; 16], day)));
        }
        facts
    }

    fn leaving(held: &HeldFor, end: Option<i32>) -> Leaving {
        let schemas = SchemaSet::built_in().expect("the shipped schemas load");
        let purposes = PurposeSet::built_in(&schemas).expect("the shipped purposes load");
        let schema = schemas.get(RecordType::Person).expect("people have a schema");
        Leaving::of(held, schema, |_| true, end, &purposes)
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_a_withdrawn_purpose_lists_alone_goes_with_its_period_and_what_another_lists_stays() {
        let held = facts(&[(REGISTRATION, None), (CONTACT, Some(20_000))]);
        let leaving = leaving(&HeldFor::of(&held), Some(20_001));
        // The register lists everything else that a visit does. An end of the record that comes earlier may move back again.
        assert_eq!((leaving.first_day(), leaving.next_after(20_030)), (Some(20_030), None));
        assert_eq!(leaving.gone_on(20_029), names(&[]));
        assert_eq!(leaving.gone_on(20_030), names(&["contact_hours"]));
    }

    #[test]
    fn what_two_withdrawn_purposes_list_stays_as_long_as_the_later_one_needs_it() {
        // The one thirty days, the other six months; and nothing carries the record any more.
        let held = facts(&[(CONTACT, Some(20_000)), (VISIT, Some(20_010))]);
        let end = days_since_epoch(date_of(20_010).saturating_add(jiff::Span::new().months(6)));
        let leaving = leaving(&HeldFor::of(&held), Some(end));
        assert_eq!((leaving.first_day(), leaving.next_after(20_030)), (Some(20_030), None));
        let gone = leaving.gone_on(i32::MAX);
        assert!(gone.contains("contact_hours") && gone.contains("household_relation"));
        assert!(
            !gone.contains("phone") && !gone.contains("visit_result"),
            "they end with the record"
        );
        assert!(!gone.contains("name"), "no person is without one");
    }

    #[test]
    fn nothing_goes_while_all_stands_and_what_is_given_anew_stays() {
        let all = facts(&[(REGISTRATION, None), (CONTACT, None)]);
        assert_eq!(leaving(&HeldFor::of(&all), None).first_day(), None);
        let withdrawn = HeldFor::without(&all, CONTACT, 20_000);
        assert_eq!(leaving(&withdrawn, None).first_day(), Some(20_030));
        // What rests on a duty is not taken back.
        let duty = HeldFor::without(&all, REGISTRATION, 20_000);
        assert_eq!(leaving(&duty, None).first_day(), None);
        let gone = facts(&[(REGISTRATION, None), (CONTACT, Some(20_000))]);
        assert_eq!(leaving(&HeldFor::with(&gone, CONTACT), None).first_day(), None);
        assert_eq!(leaving(&HeldFor::with(&gone, VISIT), None).first_day(), Some(20_030));
    }

    #[test]
    fn a_childs_guardian_stays_until_it_is_no_child_and_a_grown_ups_goes_with_the_rest() {
        let evacuation = "emergency_evacuation";
        let mut held = facts(&[(evacuation, None), (CONTACT, Some(20_000))]);
        for (turns_14, day) in [(None, 20_030), (Some(19_000), 20_030), (Some(20_400), 20_400)] {
            held.turns_14 = turns_14;
            let leaving = leaving(&HeldFor::of(&held), None);
            assert_eq!(leaving.first_day(), Some(20_030));
            for field in GUARDIAN_FIELDS {
                assert!(!leaving.gone_on(day - 1).contains(field), "{turns_14:?} {field}");
                assert!(leaving.gone_on(day).contains(field), "{turns_14:?} {field}");
            }
        }
    }

    #[test]
    fn a_purpose_that_nobody_knows_any_more_keeps_all_while_it_stands_and_nothing_once_it_is_withdrawn()
     {
        let stands = facts(&[("unheard_of", None), (CONTACT, Some(20_000))]);
        assert_eq!(leaving(&HeldFor::of(&stands), None).first_day(), None);
        let gone = facts(&[(REGISTRATION, None), ("unheard_of", Some(1)), (CONTACT, Some(20_000))]);
        assert_eq!(leaving(&HeldFor::of(&gone), None).first_day(), Some(20_030));
    }
}
