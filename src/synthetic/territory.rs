//! The territory of the sample city in the written form that a vault loads.
//! Never holds anything about a person, and never a grid without its cell.
//! Cells are numbered in the order of the tree, so the same plan gives the same cells.

use super::layout::{CITY, COUNTIES, GridPlan, Layout};
use super::{CityPlan, Extent};
use crate::territory::{Area, AreaData, CellData, CellId, GridCode, GridData};
use crate::territory::{MappingData, TerritoryData};

/// From when every grid exists: 2020-01-01T00:00:00Z, in microseconds.
const VALID_FROM: i64 = 1_577_836_800_000_000;

/// The areas, grids and cells of a plan: valid against [`crate::territory::Territory::from_data`]. Exclusive units name
/// the local grid that hosts them; basic grids also have the code of 15 digits (12 and 3) that other systems use.
pub fn territory(plan: &CityPlan) -> TerritoryData {
    let layout = Layout::of(plan);
    let mut data = TerritoryData { areas: areas(&layout, plan.extent), ..TerritoryData::default() };
    for (place, grid) in layout.grids.iter().enumerate() {
        let number = u64::try_from(place + 1).expect("a count of grids");
        let code = grid_code(&grid.code);
        data.grids.push(GridData {
            code,
            name: grid.name.clone(),
            host_grid: grid.unit.as_ref().map(|(_, host)| grid_code(host)),
            valid_from: VALID_FROM,
            valid_to: None,
            predecessors: Vec::new(),
            aliases: alias(grid).into_iter().collect(),
        });
        let mapping = vec![MappingData { grid: code, from: VALID_FROM, to: None }];
        data.cells.push(CellData { cell: CellId::new(number), mapping });
    }
    data
}

fn areas(layout: &Layout, extent: Extent) -> Vec<AreaData> {
    let used = COUNTIES.iter().enumerate().filter(|(place, _)| {
        // A vault for a part of the city knows the way up from it and nothing beside it.
        extent == Extent::City || *place == 0
    });
    let counties = used.map(|(_, (code, name))| ((*code).to_owned(), (*name).to_owned()));
    let streets = layout.streets.iter().map(|street| (street.code.clone(), street.name.clone()));
    let communities = layout.communities.iter().map(|one| (one.code.clone(), one.name.clone()));
    let city = (CITY.0.to_owned(), CITY.1.to_owned());
    std::iter::once(city)
        .chain(counties)
        .chain(streets)
        .chain(communities)
        .map(|(code, name)| AreaData { area: area(&code), name })
        .collect()
}

/// 12 digits of the community and 3 of the grid. An exclusive unit has none: its number would be a basic grid's.
fn alias(grid: &GridPlan) -> Option<String> {
    grid.unit.is_none().then(|| format!("{}{}", &grid.code[..12], &grid.code[13..]))
}

fn area(code: &str) -> Area {
    code.parse().expect("the layout gives codes of the five levels")
}

fn grid_code(code: &str) -> GridCode {
    code.parse().expect("the layout gives codes of 16 digits")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Size;
    use crate::territory::{GridKind, Territory};
    use jiff::civil::date;

    const NOW: i64 = 1_790_000_000_000_000;

    fn built(persons: u32, extent: Extent) -> Territory {
        let plan = CityPlan { persons, seed: 1, today: date(2026, 11, 21), extent };
        Territory::from_data(territory(&plan)).expect("a territory that holds together")
    }

    #[test]
    fn a_vault_loads_the_territory_of_any_size() {
        assert_eq!(built(1_000, Extent::Community).grids().count(), 8);
        assert!(built(5_000, Extent::City).grids().count() > 32);
        assert!(built(10_000_000, Extent::City).grids().count() > 11_000);
        for size in [Size::S, Size::M, Size::L] {
            assert!(built(size.persons(), size.extent()).grids().count() > 0);
        }
    }

    #[test]
    fn exclusive_units_are_seen_from_their_host_grid() {
        let territory = built(1_000, Extent::Community);
        let unit = grid_code("8801020010011003");
        assert_eq!(territory.host_of(&unit, NOW), Some(grid_code("8801020010010001")));
        let cell = territory.cell_for_new_record(&unit, NOW).expect("a cell");
        assert!(territory.covers(&area("8801020010010001"), cell, NOW));
        assert!(!territory.covers(&area("8801020010010002"), cell, NOW));
        for grid in territory.grids() {
            assert_eq!(grid.kind() == GridKind::Exclusive, grid.host_grid().is_some());
        }
    }

    #[test]
    fn outside_codes_of_fifteen_digits_lead_to_their_grid() {
        let territory = built(1_000, Extent::Community);
        let found = territory.resolve("880102001001004", NOW).ok();
        assert_eq!(found, Some(grid_code("8801020010010004")));
    }

    #[test]
    fn every_level_above_a_grid_has_a_name() {
        let territory = built(60_000, Extent::City);
        for grid in territory.grids() {
            for area in territory.ancestors(&grid.code()) {
                assert!(territory.name_of(&area).is_some(), "{area}");
            }
        }
        assert_eq!(territory.name_of(&area("8801020010010001")), Some("工农社区第一网格"));
    }
}
