//! Matters of the last 90 days: kinds, places, times, steps and outcomes as a grid sees them.
//! Never a party of a dispute, a caller or a reporter: the purposes for those are no grid worker's, so they stay out.
//! A storm day has ten times as many, weekends fewer, and everything happened before today.

use super::addresses::Addresses;
use super::buildings::line_of;
use super::dice::Dice;
use super::families::birth_date;
use super::grounds::Ground;
use super::lines::Line;
use super::names::Names;
use super::numbers::Numbers;
use super::words;
use crate::records::RecordType;
use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Weekday};
use serde_json::json;

/// Days with events, before today.
pub(super) const DAYS: u32 = 90;
/// Which of them, counted back from today, was the storm.
const STORM_DAY: u32 = 37;
/// Events of a basic grid and day, in hundredths: 0.75 over a week, ten times as many in the storm.
const WEEKDAY_HUNDREDTHS: u32 = 81;
const WEEKEND_HUNDREDTHS: u32 = 60;
const STORM_HUNDREDTHS: u32 = 750;
/// The share of a basic grid's events that an exclusive unit has, in percent.
const UNIT_PERCENT: u32 = 30;
/// Notes of ten thousand that hold a number of a person, as free text does in life.
const NUMBER_SHARE: u32 = 300;

/// A kind of event: code, share, hours until it is to be accepted and closed.
struct Kind {
    code: &'static str,
    share: u32,
    accept_hours: i64,
    close_hours: i64,
    has_responsible: bool,
}

const fn kind(
    code: &'static str,
    share: u32,
    accept_hours: i64,
    close_hours: i64,
    has_responsible: bool,
) -> Kind {
    Kind { code, share, accept_hours, close_hours, has_responsible }
}

const KINDS: [Kind; 10] = [
    kind("clutter", 20, 2, 24, false),
    kind("waste_noise", 15, 2, 48, false),
    kind("illegal_building", 5, 24, 240, true),
    kind("facility_damage", 5, 2, 72, false),
    kind("fire_hazard", 10, 1, 24, true),
    kind("work_food_safety", 5, 4, 120, true),
    kind("neighbour_dispute", 10, 4, 168, false),
    kind("service_request", 25, 2, 120, false),
    kind("opinion", 4, 24, 120, false),
    kind("urgent_danger", 1, 1, 12, false),
];

/// Hours from finding to closing, each as likely: half are closed in two days, a few take weeks.
const CLOSE_HOURS: [i64; 16] = [2, 5, 9, 14, 20, 27, 35, 44, 52, 64, 80, 100, 130, 180, 280, 480];

/// What a village does not have; texts that name it are for towns.
const URBAN_WORDS: [&str; 5] = ["楼", "单元", "业主", "地下", "物业"];

/// How far a matter has come.
struct Progress {
    state: &'static str,
    closed_at: Option<DateTime>,
    evaluation: Option<&'static str>,
}

/// How many events happen in a grid on the day so many days before today.
pub(super) fn count(days_ago: u32, today: Date, is_unit: bool, dice: &mut Dice) -> u32 {
    let mean = match before(today, days_ago).weekday() {
        _ if days_ago == STORM_DAY => STORM_HUNDREDTHS,
        Weekday::Saturday | Weekday::Sunday => WEEKEND_HUNDREDTHS,
        _ => WEEKDAY_HUNDREDTHS,
    };
    dice.count(if is_unit { mean * UNIT_PERCENT / 100 } else { mean })
}

/// One event of that day.
#[expect(clippy::too_many_arguments, reason = "a matter draws on everything that a grid has")]
pub(super) fn event(
    days_ago: u32,
    ground: &Ground,
    grid: &str,
    addresses: &Addresses,
    today: Date,
    names: &Names,
    numbers: &mut Numbers,
    dice: &mut Dice,
) -> Line {
    let place = dice.below(60);
    let (kind, text) = matter(days_ago == STORM_DAY, addresses.is_village(), dice);
    let matter = text
        .replace("{home}", &addresses.home(place))
        .replace("{block}", &addresses.block(place))
        .replace("{road}", &addresses.road());
    let (hour, minute) = (dice.bell(6, 22), dice.below(60));
    let found_at = before(today, days_ago).at(small(hour), small(minute), 0, 0);
    let deadline = found_at.saturating_add(kind.close_hours.hours());
    let progress = progress(kind, found_at, today, dice);
    let note = dice.chance(4_000).then(|| note(today, numbers, dice));
    let is_male = dice.chance(6_000);
    let responsible = kind.has_responsible && dice.chance(7_500);
    let (responsible_name, responsible_phone) =
        responsible.then(|| (names.anybody(is_male, dice), numbers.phone())).unzip();
    let outcome = progress.closed_at.map(|_| dice.one_of(&words::notes(kind.code)));
    let severity = match kind.code {
        "urgent_danger" => dice.weighted(&[("larger", 6), ("major", 4)]),
        _ => dice.weighted(&[("ordinary", 96), ("larger", 4)]),
    };
    let channel = dice.weighted(&[
        ("patrol", 55),
        ("resident", 25),
        ("hotline", 8),
        (if addresses.is_village() { "superior" } else { "property_firm" }, 8),
        ("superior", 4),
    ]);
    let fields = [
        ("accept_by", time(Some(found_at.saturating_add(kind.accept_hours.hours())))),
        ("address", json!(addresses.spot(place))),
        ("channel", json!(channel)),
        ("closed_at", time(progress.closed_at)),
        ("deadline", time(Some(deadline))),
        ("evaluation", json!(progress.evaluation)),
        ("found_at", time(Some(found_at))),
        ("handling_note", json!(note)),
        ("kind", json!(kind.code)),
        ("matter", json!(matter)),
        ("outcome", json!(outcome)),
        ("responsible_name", json!(responsible_name)),
        ("responsible_phone", json!(responsible_phone)),
        ("severity", json!(severity)),
        ("state", json!(progress.state)),
    ];
    line_of(ground, grid, ground.record(RecordType::Event, grid, fields))
}

fn before(today: Date, days: u32) -> Date {
    today.saturating_sub(i64::from(days).days())
}

/// A kind with a text about it.
fn matter(in_storm: bool, in_village: bool, dice: &mut Dice) -> (&'static Kind, &'static str) {
    let fits = |text: &&str| !in_village || !URBAN_WORDS.iter().any(|word| text.contains(word));
    let texts = |kind| words::events(kind).into_iter().filter(fits).collect::<Vec<&str>>();
    if in_storm && dice.chance(9_000) {
        let text = dice.one_of(&texts("storm"));
        let (code, text) = text.split_once(' ').unwrap_or(("facility_damage", text));
        let kind = KINDS.iter().find(|kind| kind.code == code);
        return (kind.unwrap_or(&KINDS[3]), text);
    }
    let shares = std::array::from_fn::<(usize, u32), 10, _>(|place| (place, KINDS[place].share));
    let kind = &KINDS[dice.weighted(&shares)];
    (kind, dice.one_of(&texts(kind.code)))
}

/// Closed when its time was up before today; else somewhere on the way, or overdue.
fn progress(kind: &Kind, found_at: DateTime, today: Date, dice: &mut Dice) -> Progress {
    let now = today.at(0, 0, 0, 0);
    let open = |state| Progress { state, closed_at: None, evaluation: None };
    if dice.chance(200) {
        return open(dice.weighted(&[("not_accepted", 1), ("merge_duplicate", 2)]));
    }
    let mut hours = dice.one_of(&CLOSE_HOURS);
    if kind.code == "urgent_danger" {
        hours = hours.min(30);
    }
    let closed_at = found_at.saturating_add(hours.hours());
    // A few never close: they were returned, reassigned, or urged without an answer.
    if closed_at < now && !dice.chance(250) {
        let evaluation = dice.weighted(&[
            (None, 30),
            (Some("satisfied"), 45),
            (Some("fairly_satisfied"), 15),
            (Some("not_satisfied"), 4),
            (Some("not_reached"), 6),
        ]);
        let state = match evaluation {
            _ if dice.chance(200) => return open("reopen"),
            None => dice.weighted(&[("close", 9), ("feed_back", 1)]),
            Some(_) => dice.weighted(&[("close", 9), ("evaluate", 1)]),
        };
        return Progress { state, closed_at: Some(closed_at), evaluation };
    }
    let is_overdue = found_at.saturating_add(kind.close_hours.hours()) < now;
    open(match is_overdue {
        true => dice.weighted(&[("supervise", 5), ("extend", 3), ("return", 1), ("escalate", 1)]),
        false => dice.weighted(&[
            ("handle", 5),
            ("dispatch", 2),
            ("accept", 2),
            ("track", 1),
            ("reassign", 1),
            ("discover", 1),
        ]),
    })
}

/// A note of the worker; a few hold a number that does not belong there, for the detector to find.
fn note(today: Date, numbers: &mut Numbers, dice: &mut Dice) -> String {
    if !dice.chance(NUMBER_SHARE) {
        return dice.one_of(&words::notes("plain")).to_owned();
    }
    if dice.chance(6_000) {
        let text = dice.one_of(&words::notes("phone"));
        return text.replace("{phone}", &numbers.phone());
    }
    let (age, is_male) = (dice.between(20, 80), dice.chance(5_000));
    let number = numbers.citizen(0, birth_date(age, today, dice), is_male);
    let text = dice.one_of(&words::notes("number"));
    text.replace("{number}", &number.unwrap_or_else(|| numbers.phone()))
}

/// Civil time in China, which has one zone (UTC+8).
fn time(at: Option<DateTime>) -> serde_json::Value {
    json!(at.map(|at| format!("{}+08:00", at.strftime("%Y-%m-%dT%H:%M:%S"))))
}

fn small(number: u32) -> i8 {
    i8::try_from(number).expect("an hour or a minute")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 11, 21);

    #[test]
    fn a_grid_has_three_events_in_four_days_and_ten_times_as_many_in_the_storm() {
        let mut dice = Dice::new(1, 1);
        let (mut usual, mut storm) = (0, 0);
        for _ in 0..400 {
            for days_ago in 1..=DAYS {
                let count = count(days_ago, TODAY, false, &mut dice);
                *(if days_ago == STORM_DAY { &mut storm } else { &mut usual }) += count;
            }
        }
        assert!((72..=78).contains(&(usual * 100 / (400 * (DAYS - 1)))), "{usual}");
        assert!((690..=810).contains(&(storm * 100 / 400)), "{storm}");
    }

    #[test]
    fn every_kind_has_texts_and_the_shares_make_a_hundred() {
        assert_eq!(KINDS.iter().map(|kind| kind.share).sum::<u32>(), 100);
        for kind in &KINDS {
            let texts = words::events(kind.code);
            let rural = |text: &&str| !URBAN_WORDS.iter().any(|word| text.contains(word));
            assert!(texts.len() >= 3 && texts.iter().any(rural), "{}", kind.code);
            assert!(words::notes(kind.code).len() >= 2, "{}", kind.code);
        }
        for text in words::events("storm") {
            let (code, _) = text.split_once(' ').expect("a kind in front");
            assert!(KINDS.iter().any(|kind| kind.code == code), "{code}");
        }
    }

    #[test]
    fn nothing_is_closed_in_the_future_or_before_it_was_found() {
        let mut dice = Dice::new(1, 2);
        for days_ago in 1..=DAYS {
            for kind in &KINDS {
                let found_at = before(TODAY, days_ago).at(22, 59, 0, 0);
                let progress = progress(kind, found_at, TODAY, &mut dice);
                if let Some(closed_at) = progress.closed_at {
                    assert!(found_at < closed_at && closed_at < TODAY.at(0, 0, 0, 0));
                }
            }
        }
    }

    #[test]
    fn three_notes_in_a_hundred_hold_a_number() {
        let (mut numbers, mut dice) = (Numbers::new(1), Dice::new(1, 3));
        let notes = (0..10_000).map(|_| note(TODAY, &mut numbers, &mut dice));
        let found = notes.filter(|note| crate::records::detector::holds_number(note)).count();
        assert!((240..=360).contains(&found), "{found}");
    }
}
