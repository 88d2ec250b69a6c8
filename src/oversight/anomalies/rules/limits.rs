//! Persons seen in clear, near the reveal limits: on a day, and on the days of thirty added up.
//! Never a fault by itself: a limit may be used up. Whoever comes near it every day is looked at.
//! By the law's kinds of information; found once a day for each kind, with the person that reaches the share.

use super::super::act::{Act, Distinct, fingerprint, span};
use super::super::anomaly::{Finding, Shown};
use super::super::thresholds::{KINDS_COUNT, Limits};
use super::RuleName;
use crate::oversight::entry::LogEntry;
use crate::records::{LegalKind, SchemaSet};
use std::collections::HashMap;

pub(super) const WORDS: (&str, &str) =
    ("查看明文的人数接近上限", "Saw nearly as many persons in clear as the limits allow");

/// Which kind of information a field is, by record type.
pub(in super::super) struct KindsOfFields(HashMap<String, HashMap<String, usize>>);

impl KindsOfFields {
    pub(in super::super) fn of(schemas: &SchemaSet) -> KindsOfFields {
        let fields = |schema: &crate::records::Schema| {
            let fields = schema.fields().iter();
            let kinds = fields.filter_map(|field| {
                let kind = field.legal_kind?;
                let place = LegalKind::ALL.iter().position(|one| *one == kind)?;
                Some((field.name.clone(), place))
            });
            (schema.record_type().as_str().to_owned(), kinds.collect())
        };
        KindsOfFields(schemas.iter().map(fields).collect())
    }

    /// SHA-256 of what it says.
    pub(in super::super) fn digest(&self) -> [u8; 32] {
        let mut lines: Vec<String> = Vec::new();
        for (record_type, fields) in &self.0 {
            lines.extend(fields.iter().map(|(field, kind)| {
                format!("{record_type} {field} {}\n", LegalKind::ALL[*kind].as_str())
            }));
        }
        lines.sort_unstable();
        let mut digest = [0; 32];
        let sum = ring::digest::digest(&ring::digest::SHA256, lines.concat().as_bytes());
        digest.copy_from_slice(sum.as_ref());
        digest
    }

    /// Whether an entry gave out something of people in clear.
    pub(in super::super) fn in_clear(&self, entry: &LogEntry) -> bool {
        self.shown(entry).contains(&true)
    }

    /// The kinds that an entry gave out in clear.
    fn shown(&self, entry: &LogEntry) -> [bool; KINDS_COUNT] {
        let mut kinds = [false; KINDS_COUNT];
        let fields = entry.typ.as_deref().and_then(|kind| self.0.get(kind));
        for (field, view) in entry.fld.iter().zip(&entry.view) {
            let kind =
                fields.and_then(|fields| fields.get(field.as_str())).filter(|_| view == "raw");
            if let Some(kind) = kind {
                kinds[*kind] = true;
            }
        }
        kinds
    }
}

/// A day of an account.
#[derive(Default)]
pub(in super::super) struct State {
    kinds: [Kind; KINDS_COUNT],
}

#[derive(Default)]
struct Kind {
    persons: Distinct,
    shown: Shown,
    found: bool,
}

impl State {
    /// Persons so far, by kind.
    pub(in super::super) fn counts(&self) -> [u16; KINDS_COUNT] {
        let count = |kind: &Kind| u16::try_from(kind.persons.count()).unwrap_or(u16::MAX);
        self.kinds.each_ref().map(count)
    }
}

pub(in super::super) fn observe(
    state: &mut State,
    act: &Act<'_>,
    fields: &KindsOfFields,
    thresholds: &Limits,
    role: &str,
    room: &mut usize,
    past: impl Fn(usize) -> u32,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !act.opens() {
        return findings;
    }
    let limits = thresholds.of(role);
    let shown = fields.shown(act.entry);
    for (place, kind) in state.kinds.iter_mut().enumerate().filter(|(place, _)| shown[*place]) {
        let mut fresh = false;
        for person in &act.entry.sub {
            fresh |= kind.persons.add(fingerprint(person), room);
        }
        if !fresh || kind.found {
            continue;
        }
        kind.shown.add(act.entry.seq);
        let (day, month) = (kind.persons.count(), kind.persons.count() + past(place));
        let near = |count: u32, limit: u32| {
            u64::from(count) * 100 >= u64::from(limit) * u64::from(thresholds.percent)
        };
        let (day_limit, month_limit) = (limits.day[place], limits.month[place]);
        let near_day = near(day, day_limit);
        if !near_day && !near(month, month_limit) {
            continue;
        }
        kind.found = true;
        let (count, limit) = if near_day { (day, day_limit) } else { (month, month_limit) };
        let names = [("persons_of_day", "limit_of_day"), ("persons_of_month", "limit_of_month")];
        let (count_name, limit_name) = names[usize::from(!near_day)];
        findings.push(Finding {
            rule: RuleName::Limits,
            window: span(act.day),
            shown: kind.shown.clone(),
            numbers: vec![(count_name, count.into()), (limit_name, limit.into())],
            kind: Some(LegalKind::ALL[place]),
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Log, found};
    use super::*;

    #[test]
    fn positive_the_person_that_reaches_four_fifths_of_the_days_limit_is_found() {
        let mut log = Log::new();
        for _ in 0..64 {
            log.shows(1, 1, 9, "id_number", "raw");
        }
        let found = found(&log, RuleName::Limits);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].numbers, [("persons_of_day", 64), ("limit_of_day", 80)]);
        assert_eq!(found[0].kind, Some(LegalKind::Other));
    }

    #[test]
    fn positive_people_of_a_page_in_clear_count_like_those_of_reads() {
        let mut log = Log::new();
        log.page(1, 1, 9, 200, "masked");
        log.page(1, 1, 9, 63, "raw");
        assert!(found(&log, RuleName::Limits).is_empty());
        log.page(1, 1, 9, 1, "raw");
        assert_eq!(found(&log, RuleName::Limits)[0].numbers[0], ("persons_of_day", 64));
    }

    #[test]
    fn positive_days_add_up_to_the_limit_of_thirty() {
        let mut log = Log::new();
        for day in 1..=20 {
            for _ in 0..50 {
                log.shows(1, day, 9, "id_number", "raw");
            }
        }
        let found = found(&log, RuleName::Limits);
        assert_eq!(found[0].numbers, [("persons_of_month", 960), ("limit_of_month", 1_200)]);
        assert_eq!(found[0].window, span(log.day(20)));
    }

    #[test]
    fn negative_one_fewer_and_what_is_masked_are_not() {
        let mut log = Log::new();
        for _ in 0..63 {
            log.shows(1, 1, 9, "id_number", "raw");
        }
        for _ in 0..200 {
            log.shows(2, 1, 9, "id_number", "masked");
        }
        assert!(found(&log, RuleName::Limits).is_empty());
    }
}
