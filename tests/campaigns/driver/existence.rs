//! Times what somebody may not know of beside what never was, call by call in turn.
//! Never measures again until it likes the figure: rounds and calls are fixed before, and the middle round is judged. Never passes a
//! verb over: one that the vault does not have is a fault.
//! Refusals lock an actor out after a while, so each actor serves for a bounded number of calls.

use crate::client::{Ask, Client};
use crate::dice::Dice;
use crate::enrolment::tokens;
use crate::fault::Fault;
use crate::page::Page;
use crate::people::{citizen, name, phone};
use crate::tally::Tally;
use crate::vault::{Programs, Start};
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use std::num::NonZero;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Calls of each kind that one actor makes: twice that stays below the 600 refusals of an hour that lock it out.
const CALLS_PER_ACTOR: usize = 250;
/// How far the two medians may lie apart.
const APART_MAX: f64 = 0.05;
/// Records of the other grid that are asked for in turn.
const RECORDS_COUNT: usize = 32;
/// Calls before each round that are not counted.
const WARM_UP: usize = 50;

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    /// Calls of each kind in a round.
    #[arg(long, default_value = "2000")]
    calls: NonZero<usize>,
    /// Rounds of each verb; an odd number has a middle.
    #[arg(long, default_value = "5")]
    rounds: NonZero<usize>,
    /// Where the vault's folder is made. In memory the wait for the disk hides nothing.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// One verb alone, by its name.
    #[arg(long, value_parser = PossibleValuesParser::new(VERBS.iter().map(|verb| verb.name)))]
    only: Option<String>,
    #[command(flatten)]
    programs: Programs,
}

/// A verb that names something, and the path that the vault must have for it.
struct Verb {
    name: &'static str,
    path: &'static str,
    /// The answer to both.
    status: u16,
    /// Who asks, in the sample grid.
    role: &'static str,
    ask: fn(&Named, &str) -> Ask,
}

/// What a call names: ids and values that exist in the other grid, or never did.
#[derive(Clone)]
struct Named {
    person: String,
    subject: String,
    place: String,
    phone: String,
    /// The grid of whoever asks.
    own: String,
}

const PURPOSE: &str = "residence_registration";

/// May use each of the calls; a worker may not remove at all, and would be told so without a look.
const HEAD: &str = "grid_head";

const VERBS: &[Verb] = &[
    Verb {
        name: "GET",
        path: "/v1/records/{id}",
        status: 404,
        role: HEAD,
        ask: |named, token| {
            let path = format!("/v1/records/{}?fields=name,phone,current_address", named.person);
            Ask::new("GET", path, token).purpose(PURPOSE)
        },
    },
    Verb {
        name: "GET-by-worker",
        path: "/v1/records/{id}",
        status: 404,
        role: "grid_worker",
        ask: |named, token| {
            let path = format!("/v1/records/{}?fields=name,phone,current_address", named.person);
            Ask::new("GET", path, token).purpose(PURPOSE)
        },
    },
    Verb {
        name: "GET-of-dwelling",
        path: "/v1/records/{id}",
        status: 404,
        role: HEAD,
        ask: |named, token| {
            let path = format!("/v1/records/{}?fields=address", named.place);
            Ask::new("GET", path, token).purpose(PURPOSE)
        },
    },
    Verb {
        name: "PATCH",
        path: "/v1/records/{id}",
        status: 404,
        role: HEAD,
        ask: |named, token| {
            let ask = Ask::new("PATCH", format!("/v1/records/{}", named.person), token);
            let body = json!({"fields": {"residence_kind": "floating"}});
            ask.purpose(PURPOSE).version(1).json(&body)
        },
    },
    Verb {
        name: "DELETE",
        path: "/v1/records/{id}",
        status: 404,
        role: HEAD,
        ask: |named, token| {
            let ask = Ask::new("DELETE", format!("/v1/records/{}", named.person), token);
            ask.purpose(PURPOSE).version(1).json(&json!({"reason": "collected in error"}))
        },
    },
    Verb {
        name: "match",
        path: "/v1/records/match",
        status: 200,
        role: HEAD,
        ask: |named, token| {
            let body = json!({"type": "person", "field": "phone", "value": named.phone});
            Ask::new("POST", "/v1/records/match", token).purpose(PURPOSE).json(&body)
        },
    },
    Verb {
        name: "occupants",
        path: "/v1/places/{id}/occupants",
        status: 404,
        role: HEAD,
        ask: |named, token| {
            let ask = Ask::new("POST", format!("/v1/places/{}/occupants", named.place), token);
            ask.purpose(PURPOSE).json(&json!({"fields": ["name"]}))
        },
    },
    Verb {
        name: "subject",
        path: "/v1/records",
        status: 404,
        role: HEAD,
        ask: |named, token| {
            let body = json!({
                "type": "person", "grid": named.own, "subject": named.subject, "basis": basis(),
                "fields": {"name": "欧阳若兰"},
            });
            Ask::new("POST", "/v1/records", token).purpose(PURPOSE).json(&body)
        },
    },
    Verb {
        name: "dwelling",
        path: "/v1/households",
        status: 404,
        role: HEAD,
        ask: |named, token| {
            let body = json!({
                "grid": named.own, "basis": basis(), "fields": {"kind": "family"},
                "dwelling": {"id": named.place},
                "people": [{"ref": "p1", "fields": {"name": "欧阳若兰"}}],
            });
            Ask::new("POST", "/v1/households", token).purpose(PURPOSE).json(&body)
        },
    },
];

fn basis() -> Value {
    json!({
        "purpose": PURPOSE, "legal_basis": "residence_permit_duty", "notice": format!("{PURPOSE}_notice_1"),
    })
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let failed = |cause| Fault::Io { what: "making a folder".into(), cause };
    let folder = match &arguments.folder {
        Some(parent) => tempfile::tempdir_in(parent).map_err(failed)?,
        None => tempfile::tempdir().map_err(failed)?,
    };
    let start = Start { persons: 1_000, ..Start::below(folder.path(), &arguments.programs)? };
    let vault = start.serve()?;
    let client = Client::new(&vault.page.url);
    let document = client.must(&Ask::open("GET", "/openapi.json"), 200)?;
    let mut dice = Dice::new(1, 1);
    let held = held(&client, &vault.page, &mut dice)?;
    let missing = VERBS.iter().find(|verb| document["paths"][verb.path].is_null());
    if let Some(verb) = missing {
        return Err(Fault::Refused(format!("the vault has no {}", verb.path)));
    }
    let (rounds, calls) = (arguments.rounds.get(), arguments.calls.get());
    let wanted = |verb: &&Verb| arguments.only.as_ref().is_none_or(|only| only == verb.name);
    for verb in VERBS.iter().filter(wanted) {
        let mut ratios = Vec::new();
        let mut figures = Vec::new();
        for round in 0..rounds {
            let names = format!("{}.{round}", verb.name.to_lowercase());
            let (there, missing) =
                measure(calls, verb, &held, &names, &client, &vault.page, &mut dice)?;
            ratios.push(there.as_secs_f64() / missing.as_secs_f64());
            figures.push(format!("{:.0}/{:.0}", micros(there), micros(missing)));
        }
        let middle = median(&mut ratios);
        let text = format!(
            "medians {} µs in {rounds} rounds of {calls} calls each, middle ratio {middle:.4}",
            figures.join(" "),
        );
        let close = (1.0 - APART_MAX..=1.0 + APART_MAX).contains(&middle);
        tally.holds(
            &format!("{}: what is in another grid takes as long as what never was", verb.name),
            close,
            text,
        );
    }
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Stores people and dwellings in the second grid, by its own worker.
fn held(client: &Client, page: &Page, dice: &mut Dice) -> Result<Vec<Named>, Fault> {
    let grid = page.grids().into_iter().find(|grid| *grid != page.sample.grid);
    let grid = grid.ok_or(Fault::Malformed("demo.json"))?;
    let worker = page.token("grid_worker", Some(&grid))?;
    let store = |counter: usize| {
        let counter = u32::try_from(counter).expect("a few");
        let (number, born) = citizen("880108", 9_000 + counter);
        let phone = phone(dice);
        let household = json!({
            "grid": grid, "basis": basis(), "fields": {"kind": "family"},
            "dwelling": {"fields": {"kind": "dwelling", "address": format!("澜川市望澜区花园路{counter}号")}},
            "people": [{
                "ref": "p1", "residence": {"occupancy_kind": "own_home"},
                "fields": {"name": name(dice), "phone": phone, "id_number": number, "birth_date": born},
            }],
        });
        let ask = Ask::new("POST", "/v1/households", worker).purpose(PURPOSE).json(&household);
        let stored = client.must(&ask, 201)?;
        let word =
            |value: &Value| value.as_str().map(str::to_owned).ok_or(Fault::Malformed("an id"));
        Ok(Named {
            person: word(&stored["people"][0]["id"])?,
            subject: word(&stored["people"][0]["subject"])?,
            place: word(&stored["dwelling"])?,
            phone,
            own: page.sample.grid.clone(),
        })
    };
    (0..RECORDS_COUNT).map(store).collect()
}

/// Names that nobody ever had, in the form of those that somebody has.
fn never(like: &Named, dice: &mut Dice) -> Named {
    let mut id = |like: &str| {
        let (kept, _) = like.split_at(like.len() - 12);
        format!("{kept}{:06x}{:06x}", dice.below(1 << 24), dice.below(1 << 24))
    };
    let (person, subject, place) = (id(&like.person), id(&like.subject), id(&like.place));
    Named { person, subject, place, phone: phone(dice), own: like.own.clone() }
}

/// One round: the medians of both kinds, asked for in turn, now the one first and now the other.
fn measure(
    calls: usize,
    verb: &Verb,
    held: &[Named],
    names: &str,
    client: &Client,
    page: &Page,
    dice: &mut Dice,
) -> Result<(Duration, Duration), Fault> {
    let pairs = calls + WARM_UP;
    let actors = pairs.div_ceil(CALLS_PER_ACTOR);
    let tokens = tokens(client, page, verb.role, names, actors)?;
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    for (number, chunk) in tokens.iter().enumerate() {
        // An actor may match few distinct values in a day, so each has one of either kind.
        let known = &held[number % held.len()];
        let unknown = never(known, dice);
        for turn in 0..CALLS_PER_ACTOR.min(pairs - number * CALLS_PER_ACTOR) {
            let place = number * CALLS_PER_ACTOR + turn;
            let (known, unknown) = match verb.status {
                200 => (known.clone(), unknown.clone()),
                _ => (held[place % held.len()].clone(), never(known, dice)),
            };
            let timed = |named: &Named| time(client, &(verb.ask)(named, chunk), verb.status);
            let (first, second) = match place % 2 {
                0 => (timed(&known)?, timed(&unknown)?),
                _ => {
                    let second = timed(&unknown)?;
                    (timed(&known)?, second)
                }
            };
            if place >= WARM_UP {
                there.push(first);
                missing.push(second);
            }
        }
    }
    Ok((median(&mut there), median(&mut missing)))
}

/// How long the answer takes, which must have that status.
fn time(client: &Client, ask: &Ask, status: u16) -> Result<Duration, Fault> {
    let started = Instant::now();
    let reply = client.send(ask)?;
    let took = started.elapsed();
    let held = reply.json()["held"] == json!(true);
    if reply.status != status || held {
        let code = reply.json()["code"].clone();
        return Err(Fault::Refused(format!("{} instead of {status}, {code}", reply.status)));
    }
    Ok(took)
}

fn median<T: PartialOrd + Copy>(values: &mut [T]) -> T {
    values.sort_by(|one, other| one.partial_cmp(other).expect("times are numbers"));
    values[values.len() / 2]
}
