//! Who works in the street: a worker and a head for each grid, an operator for the street, and workers who only match.
//! Never one actor for what one actor may not do: whoever asks often takes turns.
//! Everybody is enrolled through the vault's own door.

use crate::client::{Ask, Client};
use crate::desk::Desk;
use crate::enrolment::ready;
use crate::fault::Fault;
use crate::town::Town;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The staff with its tokens.
pub struct Staff {
    workers: BTreeMap<String, String>,
    streets: BTreeMap<String, String>,
    /// The grid whose worker answers for an exclusive unit.
    hosts: BTreeMap<String, String>,
    count: usize,
}

impl Staff {
    /// Enrols everybody, and writes down whose token stores the lines of which area.
    pub fn enrol(desk: &Desk, town: &Town) -> Result<Staff, Fault> {
        let tree: Value = serde_json::from_str(&desk.read("territory.json")?)
            .map_err(|_| Fault::Malformed("the tree of grids"))?;
        let client = Client::new(town.url());
        let mut staff = Staff {
            workers: BTreeMap::new(),
            streets: BTreeMap::new(),
            hosts: BTreeMap::new(),
            count: 0,
        };
        for grid in tree["grids"].as_array().into_iter().flatten() {
            let code = grid["code"].as_str().unwrap_or_default().to_owned();
            if let Some(host) = grid["host_grid"].as_str() {
                staff.hosts.insert(code, host.to_owned());
                continue;
            }
            let street = code.get(..9).ok_or(Fault::Malformed("the code of a grid"))?.to_owned();
            let worker = add(town, &client, &format!("worker-{code}"), "grid_worker", &code)?;
            staff.workers.insert(code.clone(), worker);
            add(town, &client, &format!("head-{code}"), "grid_head", &code)?;
            staff.count += 2;
            if let Entry::Vacant(vacant) = staff.streets.entry(street) {
                let login = format!("street-{}", vacant.key());
                let operator = add(town, &client, &login, "street_operator", vacant.key())?;
                vacant.insert(operator);
                staff.count += 1;
            }
        }
        let units = staff.hosts.keys();
        let areas = staff.workers.keys().chain(units).map(|area| {
            let token = staff.worker(area)?;
            Ok(json!({"area": area, "token": token}).to_string() + "\n")
        });
        let lines = areas.collect::<Result<String, Fault>>()?;
        desk.write("tokens.ndjson", lines)?;
        Ok(staff)
    }

    /// The grids with people.
    pub fn grids(&self) -> Vec<&str> {
        self.workers.keys().map(String::as_str).collect()
    }

    /// How many actors there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The token of the worker who answers for a grid or unit.
    pub fn worker(&self, area: &str) -> Result<&str, Fault> {
        let grid = self.hosts.get(area).map_or(area, String::as_str);
        self.workers.get(grid).map(String::as_str).ok_or(Fault::Malformed("the tree of grids"))
    }

    /// The token of the operator of a grid's street.
    pub fn street(&self, grid: &str) -> Result<&str, Fault> {
        let street = grid.get(..9).and_then(|street| self.streets.get(street));
        street.map(String::as_str).ok_or(Fault::Malformed("the tree of grids"))
    }
}

/// Enrols somebody and gives the token.
pub fn add(
    town: &Town,
    client: &Client,
    login: &str,
    role: &str,
    area: &str,
) -> Result<String, Fault> {
    let body = json!({
        "login": login, "kind": "person", "assignments": [ready(role, Some(area))],
    });
    let ask = Ask::new("POST", "/v1/admin/actors", &town.security_admin);
    let added = client.must(&ask.json(&body), 201)?;
    town.enrol(client, added["code"].as_str().ok_or(Fault::Malformed("an actor"))?)
}
