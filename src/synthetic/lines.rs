//! The lines of the sample city, one after the other: each a body that the vault's interface takes.
//! Never the whole city in memory: one household, unit, facility or day of events is made at a time.
//! Lines come grid by grid; what comes first in a grid does not depend on what comes later.

use super::CityPlan;
use super::addresses::Addresses;
use super::buildings;
use super::contacts::{self, RESIDENTS_PER_CONTACT};
use super::dice::Dice;
use super::events;
use super::facilities;
use super::grounds::Grounds;
use super::households::{self, Surroundings};
use super::known::{self, Scene};
use super::layout::{GridPlan, Layout};
use super::names::Names;
use super::numbers::Numbers;
use super::oddities;
use super::organisations::{self, RESIDENTS_PER_ORGANISATION};
use super::refusals::{self, ExpectedRefusal, Standing};
use crate::purposes::PurposeSet;
use crate::records::SchemaSet;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::VecDeque;

/// Households of ten thousand in towns that share a room of a dormitory.
const DORMITORY_SHARE: u32 = 300;
/// Streams of throws that a grid has; stream 0 is the layout's.
const STREAMS_PER_GRID: u64 = 8;

/// Which call of the interface takes a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// One record.
    Record,
    /// A household with its people and their dwelling.
    Household,
}

/// One call of the interface.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Which call takes it.
    pub kind: LineKind,
    /// The purpose of the call.
    pub purpose: String,
    /// The grid, of 16 digits. Lines of an exclusive unit are written by the worker of its host grid.
    pub grid: String,
    /// The body, exactly.
    pub body: Json,
    /// What the vault must answer, where it must refuse the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<ExpectedRefusal>,
}

/// The person that the demo opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamplePerson {
    /// Which line, counted from 0.
    pub line: usize,
    /// What the body of that household calls the person.
    pub reference: &'static str,
    /// The grid.
    pub grid: String,
}

/// The sample person: the head of the first household known by sight, an adult of the first grid, held for
/// `residence_registration`.
pub fn sample(plan: &CityPlan) -> SamplePerson {
    let layout = Layout::of(plan);
    SamplePerson { line: 0, reference: "p1", grid: layout.grids[0].code.clone() }
}

/// The lines of a plan, for the purposes and schemas of a vault. At least `plan.persons` people live in the households.
/// What no purpose in use allows (none at all before the first notice) is left out.
pub fn lines(plan: &CityPlan, schemas: &SchemaSet, purposes: &PurposeSet) -> Lines {
    let layout = Layout::of(plan);
    let grounds = Grounds::of(schemas, purposes, plan.today);
    let first = if grounds.is_empty() { None } else { Grid::new(plan, &layout, 0) };
    Lines {
        plan: *plan,
        grounds,
        names: Names::new(),
        numbers: Numbers::new(plan.seed),
        grid: first,
        layout,
        ready: VecDeque::new(),
        target: 0,
        people: 0,
        has_refusals: false,
    }
}

/// The lines of a city, made as they are asked for.
pub struct Lines {
    plan: CityPlan,
    layout: Layout,
    grounds: Grounds,
    names: Names,
    numbers: Numbers,
    grid: Option<Grid>,
    ready: VecDeque<Line>,
    /// People that there are to be when this grid is done.
    target: u64,
    people: u64,
    has_refusals: bool,
}

/// What is made next in a grid.
#[derive(Clone, Copy)]
enum Stage {
    Start,
    Households { place: u32, rooms: u32 },
    Contacts { left: u32 },
    Buildings { place: u32 },
    Organisations { place: u32 },
    Facilities { place: u32, count: u32 },
    Events { days_ago: u32 },
    Done,
}

/// The grid that is being made.
struct Grid {
    number: usize,
    addresses: Addresses,
    moved_share: u32,
    stage: Stage,
    people: Dice,
    units: Dice,
    facilities: Dice,
    matters: Dice,
    refusals: Dice,
}

impl Grid {
    fn new(plan: &CityPlan, layout: &Layout, number: usize) -> Option<Grid> {
        let addresses = Addresses::of(layout, layout.grids.get(number)?);
        let first = 1 + u64::try_from(number).expect("a count of grids") * STREAMS_PER_GRID;
        let dice = |concern| Dice::new(plan.seed, first + concern);
        let mut people = dice(0);
        Some(Grid {
            number,
            moved_share: households::moved_share(&addresses, &mut people),
            addresses,
            stage: Stage::Start,
            people,
            units: dice(1),
            facilities: dice(2),
            matters: dice(3),
            refusals: dice(4),
        })
    }
}

impl Iterator for Lines {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            let mut grid = self.grid.take()?;
            self.grid = match grid.stage {
                Stage::Done => Grid::new(&self.plan, &self.layout, grid.number + 1),
                stage => {
                    grid.stage = self.make(&mut grid, stage);
                    Some(grid)
                }
            };
        }
    }
}

impl Lines {
    /// With lines that a vault must refuse; the others stay as they are.
    #[must_use]
    pub fn with_refusals(mut self) -> Lines {
        self.has_refusals = true;
        self
    }

    /// Makes what is next and says what comes after it.
    fn make(&mut self, grid: &mut Grid, stage: Stage) -> Stage {
        match stage {
            Stage::Start => self.start(grid),
            Stage::Households { place, rooms } => self.household(grid, place, rooms),
            Stage::Contacts { left } => self.contact(grid, left),
            Stage::Buildings { place } => self.building(grid, place),
            Stage::Organisations { place } => self.organisation(grid, place),
            Stage::Facilities { place, count } => self.facility(grid, place, count),
            Stage::Events { days_ago } => self.events(grid, days_ago),
            Stage::Done => Stage::Done,
        }
    }

    fn plan_of(&self, grid: &Grid) -> &GridPlan {
        &self.layout.grids[grid.number]
    }

    fn push(&mut self, line: Line) {
        let people = line.body.get("people").and_then(Json::as_array).map_or(0, Vec::len);
        self.people += u64::try_from(people).expect("at most twenty");
        self.ready.push_back(line);
    }

    /// The people who are known by sight.
    fn start(&mut self, grid: &mut Grid) -> Stage {
        let plan = &self.layout.grids[grid.number];
        self.target += u64::from(plan.persons);
        if plan.unit.is_some() {
            return Stage::Organisations { place: 0 };
        }
        let mut known = Vec::new();
        let mut taken = 0;
        if self.layout.is_first_community(plan) {
            let (grounds, addresses) = (&self.grounds, &grid.addresses);
            let scene = Scene { grounds, addresses, grid: &plan.code, today: self.plan.today };
            if plan.number == 1 {
                known.extend(known::twelve(&scene));
                known.extend(oddities::of_the_first_grid(&scene));
            }
            known.extend(oddities::equal_names(&scene, plan.number));
            taken = oddities::dwellings_taken(plan.number);
        }
        known.into_iter().for_each(|line| self.push(line));
        Stage::Households { place: taken, rooms: 0 }
    }

    /// A household at the next address, or an empty flat.
    fn household(&mut self, grid: &mut Grid, place: u32, rooms: u32) -> Stage {
        let plan = &self.layout.grids[grid.number];
        let contacts = Stage::Contacts { left: plan.persons / RESIDENTS_PER_CONTACT };
        if self.people >= self.target {
            return contacts;
        }
        let Some(registration) = &self.grounds.registration else { return contacts };
        let (today, dice) = (self.plan.today, &mut grid.people);
        let is_village = grid.addresses.is_village();
        if dice.chance(buildings::EMPTY_SHARE) {
            let address = grid.addresses.dwelling(place);
            let (names, numbers) = (&self.names, &mut self.numbers);
            let flat = buildings::empty_flat(address, is_village, today, names, numbers, dice);
            let line = self.grounds.safety.as_ref().map(|ground| flat.line(ground, &plan.code));
            line.into_iter().for_each(|line| self.push(line));
            return Stage::Households { place: place + 1, rooms };
        }
        let is_dormitory = !is_village && dice.chance(DORMITORY_SHARE);
        let (address, next) = match is_dormitory {
            true => (grid.addresses.dormitory(rooms), (place, rooms + 1)),
            false => (grid.addresses.dwelling(place), (place + 1, rooms)),
        };
        let surroundings = Surroundings {
            today,
            county: self.layout.community_of(plan).0.county,
            moved_share: grid.moved_share,
            is_village,
            names: &self.names,
        };
        let household =
            households::household(&surroundings, address, is_dormitory, &mut self.numbers, dice);
        let line = household.line(registration, &plan.code);
        let refused = match self.has_refusals {
            true => refusals::without_basis(&line, &mut grid.refusals),
            false => None,
        };
        self.push(line);
        self.ready.extend(refused);
        Stage::Households { place: next.0, rooms: next.1 }
    }

    fn contact(&mut self, grid: &mut Grid, left: u32) -> Stage {
        if left == 0 {
            return Stage::Buildings { place: 0 };
        }
        let made =
            contacts::contact(self.plan.today, &self.names, &mut self.numbers, &mut grid.people);
        let standing = Standing::of_chance(&mut grid.people);
        let code = &self.layout.grids[grid.number].code;
        if let Some(ground) = self.grounds.contact.as_ref()
            && (standing == Standing::Present || self.has_refusals)
        {
            self.ready.extend(standing.spoil(ground, made.line(ground, code)));
        }
        Stage::Contacts { left: left - 1 }
    }

    fn building(&mut self, grid: &mut Grid, place: u32) -> Stage {
        let plan = &self.layout.grids[grid.number];
        let (persons, is_first) = (plan.persons, grid.number == 0);
        let Some(ground) = &self.grounds.safety else { return Stage::Done };
        if place == 0 && is_first {
            let made = buildings::of_the_first_grid(&grid.addresses, self.plan.today);
            self.ready.extend(made.into_iter().map(|building| building.line(ground, &plan.code)));
        }
        if place >= persons / buildings::RESIDENTS_PER_BUILDING {
            return Stage::Organisations { place: 0 };
        }
        let made = buildings::building(
            place,
            &grid.addresses,
            self.plan.today,
            &self.names,
            &mut self.numbers,
            &mut grid.units,
        );
        self.ready.push_back(made.line(ground, &plan.code));
        Stage::Buildings { place: place + 1 }
    }

    fn organisation(&mut self, grid: &mut Grid, place: u32) -> Stage {
        let plan = &self.layout.grids[grid.number];
        let Some(ground) = &self.grounds.safety else { return Stage::Done };
        let count = match plan.unit {
            Some(_) => 1,
            None => plan.persons.div_ceil(RESIDENTS_PER_ORGANISATION),
        };
        if place >= count {
            let count = facilities::count(plan.persons, plan.persons_nominal, &mut grid.facilities);
            return Stage::Facilities { place: 0, count };
        }
        let dice = &mut grid.units;
        let made = match &plan.unit {
            Some((kind, _)) => {
                organisations::exclusive_unit(&plan.name, *kind, &grid.addresses, dice)
            }
            None => {
                let county = self.layout.community_of(plan).0.county;
                organisations::organisation(place, county, &grid.addresses, dice)
            }
        };
        let line =
            made.line(ground, &plan.code, self.plan.today, &self.names, &mut self.numbers, dice);
        self.ready.push_back(line);
        Stage::Organisations { place: place + 1 }
    }

    fn facility(&mut self, grid: &mut Grid, place: u32, count: u32) -> Stage {
        let Some(ground) = self.grounds.safety.as_ref().filter(|_| place < count) else {
            return Stage::Events { days_ago: events::DAYS };
        };
        let code = &self.plan_of(grid).code;
        let (addresses, today) = (&grid.addresses, self.plan.today);
        let line =
            facilities::facility(place, ground, code, addresses, today, &mut grid.facilities);
        self.ready.push_back(line);
        Stage::Facilities { place: place + 1, count }
    }

    /// The events of one day, the oldest day first.
    fn events(&mut self, grid: &mut Grid, days_ago: u32) -> Stage {
        let plan = &self.layout.grids[grid.number];
        let Some(ground) = self.grounds.safety.as_ref().filter(|_| days_ago > 0) else {
            return Stage::Done;
        };
        let (today, dice) = (self.plan.today, &mut grid.matters);
        for _ in 0..events::count(days_ago, today, plan.unit.is_some(), dice) {
            self.ready.push_back(events::event(
                days_ago,
                ground,
                &plan.code,
                &grid.addresses,
                today,
                &self.names,
                &mut self.numbers,
                dice,
            ));
        }
        Stage::Events { days_ago: days_ago - 1 }
    }
}
