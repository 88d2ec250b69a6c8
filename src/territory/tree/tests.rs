//! Requirements on the territory: lookups at a time, hosts, changes, and what is refused.

use super::*;
use crate::limits::{
    AREA_NAME_CHARACTERS_MAX, CELL_MAPPINGS_MAX, GRID_ALIASES_MAX, GRID_PREDECESSORS_MAX,
    TERRITORY_AREAS_MAX, TERRITORY_CELLS_MAX, TERRITORY_GRIDS_MAX,
};
use crate::territory::{GridChange, NewGrid};
use proptest::prelude::*;

const FIRST: &str = "8801020010010001";
const SECOND: &str = "8801020010010002";
const THIRD: &str = "8801020010010003";
const SCHOOL: &str = "8801020010011002";
const ELSEWHERE: &str = "8801020020010001";

fn code(text: &str) -> GridCode {
    text.parse().expect("a grid code")
}

fn area(text: &str) -> Area {
    text.parse().expect("an area")
}

fn grid(text: &str) -> GridData {
    GridData {
        code: code(text),
        name: format!("网格{text}"),
        host_grid: None,
        valid_from: 0,
        valid_to: None,
        predecessors: Vec::new(),
        aliases: Vec::new(),
    }
}

fn cell(number: u64, text: &str) -> CellData {
    let mapping = vec![MappingData { grid: code(text), from: 0, to: None }];
    CellData { cell: CellId::new(number), mapping }
}

/// Two basic grids, a school hosted by the first, and a grid of another community; from time 0 on.
fn sample() -> TerritoryData {
    let mut school = grid(SCHOOL);
    school.host_grid = Some(code(FIRST));
    let mut first = grid(FIRST);
    first.aliases.push("880102001001001".to_owned());
    TerritoryData {
        areas: vec![AreaData { area: area("880102001001"), name: "工农社区".to_owned() }],
        grids: vec![first, grid(SECOND), school, grid(ELSEWHERE)],
        cells: vec![cell(1, FIRST), cell(2, SECOND), cell(3, SCHOOL), cell(4, ELSEWHERE)],
    }
}

fn territory() -> Territory {
    Territory::from_data(sample()).expect("a whole territory")
}

fn new_grid(text: &str) -> NewGrid {
    NewGrid { code: code(text), name: "新网格".to_owned(), aliases: Vec::new() }
}

fn numbers(cells: Vec<CellId>) -> Vec<u64> {
    cells.into_iter().map(CellId::number).collect()
}

fn refused(change: impl FnOnce(&mut TerritoryData)) -> TerritoryError {
    let mut data = sample();
    change(&mut data);
    Territory::from_data(data).expect_err("a territory that does not hold together")
}

#[test]
fn a_territory_comes_back_from_its_written_form() {
    let data = territory().to_data();
    let json = serde_json::to_string(&data).expect("plain data");
    let toml = toml::to_string(&data).expect("plain data");
    assert_eq!(serde_json::from_str::<TerritoryData>(&json).ok(), Some(data.clone()));
    assert_eq!(toml::from_str::<TerritoryData>(&toml).ok(), Some(data.clone()));
    assert_eq!(Territory::from_data(data).ok(), Some(territory()));
}

#[test]
fn an_unknown_key_in_the_written_form_is_refused() {
    let toml = "grids = []\ncells = []\nmicro_grids = []\n";
    assert!(toml::from_str::<TerritoryData>(toml).is_err());
}

#[test]
fn a_new_record_gets_the_cell_of_its_grid() {
    let territory = territory();
    assert_eq!(territory.cell_for_new_record(&code(FIRST), 5), Some(CellId::new(1)));
    assert_eq!(territory.cell_for_new_record(&code(FIRST), -1), None);
    assert_eq!(territory.cell_for_new_record(&code(THIRD), 5), None);
    assert_eq!(territory.next_cell(), CellId::new(5));
}

#[test]
fn names_are_known_at_every_level() {
    let territory = territory();
    assert_eq!(territory.name_of(&area("880102001001")), Some("工农社区"));
    assert_eq!(territory.name_of(&area(SECOND)), Some("网格8801020010010002"));
    assert_eq!(territory.name_of(&area("8801")), None);
    assert_eq!(territory.ancestors(&code(FIRST))[3], area("880102001001"));
}

#[test]
fn an_area_covers_its_cells_and_no_others() {
    let territory = territory();
    for scope in ["8801", "880102", "880102001", "880102001001", FIRST] {
        assert!(territory.covers(&area(scope), CellId::new(1), 5), "{scope}");
    }
    for scope in ["8802", "880102002", "880102001002", SECOND] {
        assert!(!territory.covers(&area(scope), CellId::new(1), 5), "{scope}");
    }
    assert!(!territory.covers(&area("8801"), CellId::new(9), 5));
    assert!(!territory.covers(&area("8801"), CellId::new(1), -1));
    assert_eq!(numbers(territory.cells_in(&area("880102001001"), 5)), [1, 2, 3]);
    assert_eq!(numbers(territory.cells_in(&area("8801"), 5)), [1, 2, 3, 4]);
    assert_eq!(numbers(territory.cells_in(&area("880103"), 5)), [] as [u64; 0]);
}

#[test]
fn the_head_of_the_host_grid_sees_the_exclusive_grid() {
    let territory = territory();
    assert_eq!(territory.host_of(&code(SCHOOL), 5), Some(code(FIRST)));
    assert_eq!(territory.host_of(&code(FIRST), 5), None);
    assert!(territory.covers(&area(FIRST), CellId::new(3), 5));
    assert!(!territory.covers(&area(SECOND), CellId::new(3), 5));
    assert_eq!(numbers(territory.cells_in(&area(FIRST), 5)), [1, 3]);
    // The other way round the school sees nothing of its host.
    assert_eq!(numbers(territory.cells_in(&area(SCHOOL), 5)), [3]);
}

#[test]
fn an_outside_code_leads_to_its_grid() {
    let territory = territory();
    assert_eq!(territory.resolve("880102001001001", 5), Ok(code(FIRST)));
    assert_eq!(territory.resolve(FIRST, 5), Ok(code(FIRST)));
    assert_eq!(territory.resolve("880102001001999", 5), Err(TerritoryError::UnknownAlias));
    assert_eq!(territory.resolve(THIRD, 5), Err(TerritoryError::UnknownGrid(code(THIRD))));
    assert_eq!(territory.resolve(FIRST, -1), Err(TerritoryError::NotYetValid(code(FIRST))));
    let wrong = territory.resolve("张三", 5).expect_err("no code").to_string();
    assert_eq!(wrong, "`?` is no code: code has a wrong length");
}

#[test]
fn a_merge_is_one_mapping_entry_and_moves_no_cell() {
    let merge = GridChange::Merge { from: vec![code(SECOND)], into: code(FIRST) };
    let merged = territory().changed(&merge, 100).expect("a merge");
    assert_eq!(merged.grid_of(CellId::new(2), 99), Some(code(SECOND)));
    assert_eq!(merged.grid_of(CellId::new(2), 100), Some(code(FIRST)));
    assert_eq!(numbers(merged.cells_in(&area(FIRST), 99)), [1, 3]);
    assert_eq!(numbers(merged.cells_in(&area(FIRST), 100)), [1, 2, 3]);
    assert_eq!(numbers(merged.cells_in(&area(SECOND), 100)), [] as [u64; 0]);
    assert_eq!(merged.cell_for_new_record(&code(FIRST), 100), Some(CellId::new(1)));
    assert_eq!(merged.cell_for_new_record(&code(SECOND), 100), None);
    assert_eq!(merged.resolve(SECOND, 100), Ok(code(FIRST)));
    assert_eq!(merged.resolve(SECOND, 99), Ok(code(SECOND)));
    assert_eq!(merged.grid(&code(FIRST)).map(Grid::predecessors), Some(&[code(SECOND)][..]));
}

#[test]
fn a_renumbered_host_keeps_its_exclusive_grid() {
    let renumber = GridChange::Renumber { from: code(FIRST), to: new_grid(THIRD) };
    let changed = territory().changed(&renumber, 100).expect("another number");
    assert_eq!(changed.host_of(&code(SCHOOL), 99), Some(code(FIRST)));
    assert_eq!(changed.host_of(&code(SCHOOL), 100), Some(code(THIRD)));
    assert_eq!(numbers(changed.cells_in(&area(THIRD), 100)), [1, 3]);
    assert_eq!(numbers(changed.cells_in(&area(FIRST), 100)), [] as [u64; 0]);
    assert_eq!(changed.cell_for_new_record(&code(THIRD), 100), Some(CellId::new(1)));
    // The exclusive grid itself may get another number afterwards, and keeps its host of that day.
    let school = GridChange::Renumber { from: code(SCHOOL), to: new_grid("8801020010011009") };
    let both = changed.changed(&school, 200).expect("another number");
    assert_eq!(both.host_of(&code("8801020010011009"), 200), Some(code(THIRD)));
    assert_eq!(both.resolve(SCHOOL, 200), Ok(code("8801020010011009")));
}

#[test]
fn a_grid_that_moves_to_another_community_takes_its_cells_along() {
    let to = new_grid("8801020020010009");
    let moved =
        territory().changed(&GridChange::Renumber { from: code(SECOND), to }, 100).expect("a move");
    assert!(moved.covers(&area("880102001"), CellId::new(2), 99));
    assert!(!moved.covers(&area("880102001"), CellId::new(2), 100));
    assert!(moved.covers(&area("880102002"), CellId::new(2), 100));
}

#[test]
fn a_split_makes_a_grid_with_a_cell_of_its_own() {
    let split = GridChange::Create {
        grid: new_grid(THIRD),
        cell: territory().next_cell(),
        host_grid: None,
        predecessors: vec![code(FIRST)],
    };
    let changed = territory().changed(&split, 100).expect("a split");
    assert_eq!(changed.cell_for_new_record(&code(THIRD), 100), Some(CellId::new(5)));
    assert_eq!(changed.cell_for_new_record(&code(THIRD), 99), None);
    assert_eq!(changed.grid_of(CellId::new(1), 100), Some(code(FIRST)));
    // What was split off may be taken back.
    let back = GridChange::Merge { from: vec![code(THIRD)], into: code(FIRST) };
    let whole = changed.changed(&back, 200).expect("a merge");
    assert_eq!(numbers(whole.cells_in(&area(FIRST), 200)), [1, 3, 5]);
}

#[test]
fn a_code_is_never_used_again() {
    let merge = GridChange::Merge { from: vec![code(SECOND)], into: code(FIRST) };
    let merged = territory().changed(&merge, 100).expect("a merge");
    let again = GridChange::Create {
        grid: new_grid(SECOND),
        cell: merged.next_cell(),
        host_grid: None,
        predecessors: Vec::new(),
    };
    assert_eq!(merged.changed(&again, 200), Err(TerritoryError::CodeUsedTwice(code(SECOND))));
    let renumber = GridChange::Renumber { from: code(FIRST), to: new_grid(SECOND) };
    assert_eq!(merged.changed(&renumber, 200), Err(TerritoryError::CodeUsedTwice(code(SECOND))));
}

#[test]
fn a_cell_is_never_used_for_two_grids() {
    let create = GridChange::Create {
        grid: new_grid(THIRD),
        cell: CellId::new(1),
        host_grid: None,
        predecessors: Vec::new(),
    };
    assert_eq!(territory().changed(&create, 100), Err(TerritoryError::CellTwice(CellId::new(1))));
}

#[test]
fn a_grid_that_has_ended_cannot_change_again() {
    let merge = GridChange::Merge { from: vec![code(SECOND)], into: code(FIRST) };
    let merged = territory().changed(&merge, 100).expect("a merge");
    assert_eq!(merged.changed(&merge, 200), Err(TerritoryError::Ended(code(SECOND))));
    let into_ended = GridChange::Merge { from: vec![code(FIRST)], into: code(SECOND) };
    assert_eq!(merged.changed(&into_ended, 200), Err(TerritoryError::Ended(code(SECOND))));
    let itself = GridChange::Merge { from: vec![code(FIRST)], into: code(FIRST) };
    assert!(territory().changed(&itself, 100).is_err());
    let early = GridChange::Merge { from: vec![code(SECOND)], into: code(FIRST) };
    assert_eq!(territory().changed(&early, 0), Err(TerritoryError::NotYetValid(code(SECOND))));
}

#[test]
fn an_outside_code_may_move_on_but_never_lead_to_two_grids_at_once() {
    let mut to = new_grid(THIRD);
    to.aliases.push("880102001001001".to_owned());
    let moved =
        territory().changed(&GridChange::Renumber { from: code(FIRST), to: to.clone() }, 100);
    let moved = moved.expect("another number");
    assert_eq!(moved.resolve("880102001001001", 99), Ok(code(FIRST)));
    assert_eq!(moved.resolve("880102001001001", 100), Ok(code(THIRD)));
    let clash = territory().changed(&GridChange::Renumber { from: code(SECOND), to }, 100);
    assert_eq!(clash, Err(TerritoryError::AliasUsedTwice("880102001001001".to_owned())));
}

#[test]
fn a_broken_mapping_is_refused() {
    let entry = |from, to| MappingData { grid: code(FIRST), from, to };
    let broken = TerritoryError::BrokenMapping(CellId::new(1));
    for mapping in [
        vec![],
        vec![entry(0, Some(5))],
        vec![entry(0, Some(5)), entry(6, None)],
        vec![entry(0, Some(6)), entry(5, None)],
        vec![entry(0, None), entry(5, None)],
        vec![entry(0, Some(0)), entry(0, None)],
    ] {
        assert_eq!(refused(|data| data.cells[0].mapping = mapping), broken);
    }
    let outside = TerritoryError::OutsidePeriod { cell: CellId::new(1), grid: code(FIRST) };
    assert_eq!(refused(|data| data.grids[0].valid_from = 5), outside);
    assert_eq!(refused(|data| data.grids[0].valid_to = Some(5)), outside);
}

#[test]
fn what_does_not_hold_together_is_refused() {
    assert_eq!(
        refused(|data| data.grids.push(grid(FIRST))),
        TerritoryError::CodeUsedTwice(code(FIRST))
    );
    assert_eq!(refused(|data| data.grids.push(grid(THIRD))), TerritoryError::NoCell(code(THIRD)));
    assert_eq!(
        refused(|data| data.cells.push(cell(9, THIRD))),
        TerritoryError::UnknownGrid(code(THIRD))
    );
    assert_eq!(
        refused(|data| data.cells.push(cell(1, FIRST))),
        TerritoryError::CellTwice(CellId::new(1))
    );
    assert_eq!(
        refused(|data| data.grids[0].valid_to = Some(0)),
        TerritoryError::EmptyPeriod(code(FIRST))
    );
    let wrong_host = TerritoryError::WrongHost(code(SCHOOL));
    assert_eq!(refused(|data| data.grids[2].host_grid = Some(code(SCHOOL))), wrong_host);
    assert_eq!(refused(|data| data.grids[2].host_grid = Some(code(THIRD))), wrong_host);
    let basic_with_host = refused(|data| data.grids[1].host_grid = Some(code(FIRST)));
    assert_eq!(basic_with_host, TerritoryError::WrongHost(code(SECOND)));
    let wrong = TerritoryError::WrongPredecessor(code(FIRST));
    assert_eq!(refused(|data| data.grids[0].predecessors.push(code(FIRST))), wrong);
    assert_eq!(refused(|data| data.grids[0].predecessors.push(code(THIRD))), wrong);
    assert!(matches!(
        refused(|data| data.grids[0].name = " ".to_owned()),
        TerritoryError::WrongName(_)
    ));
    assert!(matches!(
        refused(|data| data.areas[0].area = area(FIRST)),
        TerritoryError::WrongName(_)
    ));
    assert!(matches!(
        refused(|data| data.grids[0].aliases[0].push('1')),
        TerritoryError::Code { .. }
    ));
}

#[test]
fn a_name_and_the_lists_of_a_grid_have_limits() {
    let longest = "格".repeat(AREA_NAME_CHARACTERS_MAX);
    let mut data = sample();
    data.grids[0].name = longest.clone();
    assert!(Territory::from_data(data).is_ok());
    assert!(matches!(
        refused(|data| data.grids[0].name = longest + "格"),
        TerritoryError::WrongName(_)
    ));
    let alias = |n: usize| format!("8801020010019{n:02}");
    let mut data = sample();
    data.grids[0].aliases = (0..GRID_ALIASES_MAX).map(alias).collect();
    assert!(Territory::from_data(data).is_ok());
    let more = refused(|data| data.grids[0].aliases = (0..=GRID_ALIASES_MAX).map(alias).collect());
    assert_eq!(more, TerritoryError::TooMany { what: "outside codes", limit: GRID_ALIASES_MAX });
}

#[test]
fn cell_bytes_sort_as_numbers() {
    assert_eq!(CellId::from_bytes([0, 0, 0, 0, 0, 0, 1, 2]), CellId::new(258));
    assert_eq!(CellId::new(258).to_bytes(), [0, 0, 0, 0, 0, 0, 1, 2]);
    assert!(CellId::new(255).to_bytes() < CellId::new(256).to_bytes());
}

proptest! {
    #[test]
    fn at_any_time_cells_in_agrees_with_covers(
        merge_at in 1i64..50, renumber_at in 51i64..100, at in 0i64..150, scope in 0usize..7,
    ) {
        let merge = GridChange::Merge { from: vec![code(SECOND)], into: code(FIRST) };
        let renumber = GridChange::Renumber { from: code(FIRST), to: new_grid("8801020020010003") };
        let changed = territory().changed(&merge, merge_at).expect("a merge");
        let changed = changed.changed(&renumber, renumber_at).expect("another number");
        let scopes = ["8801", "880102001", "880102002", FIRST, SECOND, SCHOOL, "8801020020010003"];
        let scope = area(scopes[scope]);
        let covered: Vec<CellId> = (1..=4).map(CellId::new).filter(|cell| changed.covers(&scope, *cell, at)).collect();
        prop_assert_eq!(changed.cells_in(&scope, at), covered);
    }
}

/// Whether a territory is refused because there is too much of something.
fn is_too_many(change: impl FnOnce(&mut TerritoryData)) -> bool {
    let mut data = sample();
    change(&mut data);
    matches!(Territory::from_data(data), Err(TerritoryError::TooMany { .. }))
}

#[test]
fn whatever_is_counted_is_taken_to_its_number_and_refused_beyond_it() {
    let grids = |count: usize| is_too_many(|data| data.grids = vec![grid(FIRST); count]);
    assert_eq!([grids(TERRITORY_GRIDS_MAX), grids(TERRITORY_GRIDS_MAX + 1)], [false, true]);
    let cells = |count: usize| is_too_many(|data| data.cells = vec![cell(1, FIRST); count]);
    assert_eq!([cells(TERRITORY_CELLS_MAX), cells(TERRITORY_CELLS_MAX + 1)], [false, true]);
    let areas = |count: usize| is_too_many(|data| data.areas = vec![data.areas[0].clone(); count]);
    assert_eq!([areas(TERRITORY_AREAS_MAX), areas(TERRITORY_AREAS_MAX + 1)], [false, true]);
    let before =
        |count: usize| is_too_many(|data| data.grids[1].predecessors = vec![code(FIRST); count]);
    assert_eq!([before(GRID_PREDECESSORS_MAX), before(GRID_PREDECESSORS_MAX + 1)], [false, true]);
    let places = |count: usize| {
        is_too_many(|data| data.cells[0].mapping = vec![data.cells[0].mapping[0]; count])
    };
    assert_eq!([places(CELL_MAPPINGS_MAX), places(CELL_MAPPINGS_MAX + 1)], [false, true]);
}
