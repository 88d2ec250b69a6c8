//! What a demo vault says of itself in `demo.json`.
//! Never guesses: a page without what a campaign needs ends it.
//! Tokens stay here and in requests; nothing prints them.

use super::fault::Fault;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The page.
#[derive(Clone)]
pub struct Page {
    /// Where it listens.
    pub url: String,
    /// Origin of the log.
    pub origin: String,
    /// Verifier key of the log.
    pub key: String,
    /// Directory of the log.
    pub log: PathBuf,
    /// Who may call.
    pub actors: Vec<Actor>,
    /// A grid, a person in it and a purpose for which its worker reads the name.
    pub sample: Sample,
}

/// An actor of the demo.
#[derive(Clone)]
pub struct Actor {
    /// Its id in the directory.
    pub id: String,
    /// Its role.
    pub role: String,
    /// Its area, if it has one.
    pub grid: Option<String>,
    /// Its token.
    pub token: String,
}

/// The sample person.
#[derive(Clone)]
pub struct Sample {
    /// Its grid.
    pub grid: String,
    /// Its record.
    pub record: String,
    /// What its worker may read it for.
    pub purpose: String,
}

impl Page {
    /// Reads the page of the vault in a directory.
    pub fn read(directory: &Path) -> Result<Page, Fault> {
        let path = directory.join("demo.json");
        let text = std::fs::read_to_string(&path).map_err(|e| Fault::io("reading", &path, e))?;
        let page: Value = serde_json::from_str(&text).map_err(|_| Fault::Malformed("demo.json"))?;
        let word =
            |value: &Value| value.as_str().map(str::to_owned).ok_or(Fault::Malformed("demo.json"));
        let actors = page["actors"].as_array().into_iter().flatten();
        let actors = actors
            .map(|actor| {
                let grid = actor["grid"].as_str().map(str::to_owned);
                Ok(Actor {
                    id: word(&actor["id"])?,
                    role: word(&actor["role"])?,
                    grid,
                    token: word(&actor["token"])?,
                })
            })
            .collect::<Result<Vec<Actor>, Fault>>()?;
        let (log, samples) = (&page["log"], &page["samples"]);
        Ok(Page {
            url: word(&page["url"])?,
            origin: word(&log["origin"])?,
            key: word(&log["vkey"])?,
            log: PathBuf::from(word(&log["dir"])?),
            actors,
            sample: Sample {
                grid: word(&samples["grid"])?,
                record: word(&samples["record_id"])?,
                purpose: word(&samples["purpose"])?,
            },
        })
    }

    /// The token of the first actor with a role, in a grid where one is named.
    pub fn token(&self, role: &str, grid: Option<&str>) -> Result<&str, Fault> {
        let fits = |actor: &&Actor| {
            actor.role == role && grid.is_none_or(|grid| actor.grid.as_deref() == Some(grid))
        };
        let found = self.actors.iter().find(fits);
        found.map(|actor| actor.token.as_str()).ok_or(Fault::Malformed("demo.json"))
    }

    /// The id of the worker of the sample grid.
    pub fn worker_id(&self) -> Result<&str, Fault> {
        let fits = |actor: &&Actor| {
            actor.role == "grid_worker" && actor.grid.as_deref() == Some(&self.sample.grid)
        };
        let found = self.actors.iter().find(fits);
        found.map(|actor| actor.id.as_str()).ok_or(Fault::Malformed("demo.json"))
    }

    /// The grids that have a worker, in the order of the page.
    pub fn grids(&self) -> Vec<String> {
        let workers = self.actors.iter().filter(|actor| actor.role == "grid_worker");
        let mut grids: Vec<String> = Vec::new();
        for grid in workers.filter_map(|actor| actor.grid.as_ref()) {
            if !grids.contains(grid) {
                grids.push(grid.clone());
            }
        }
        grids
    }
}
