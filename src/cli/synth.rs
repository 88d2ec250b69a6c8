//! `gridvault synth`: an invented city as NDJSON, one request body a line.
//! Never real people: region codes, telephone ranges and credit codes are those that nobody has.
//! The same seed and size on the same day give the same bytes.

use super::failure::Failure;
use super::policies;
use crate::ambient::{Clock as _, HostClock};
use crate::synthetic::{self, CityPlan, LineKind};
use std::io::Write as _;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// How many people.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(30..=10_000_000))]
    persons: u32,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The day on which the city is looked at; today if none is named.
    #[arg(long)]
    today: Option<jiff::civil::Date>,
    /// Only the first community.
    #[arg(long)]
    community: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let today = arguments.today.unwrap_or_else(|| HostClock::new().now().date());
    let plan = CityPlan {
        persons: arguments.persons,
        seed: arguments.seed,
        today,
        community_only: arguments.community,
    };
    let policies = super::runtime()?.block_on(policies::load(None))?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in synthetic::lines(&plan, &policies.schemas, &policies.purposes) {
        let route = match line.kind {
            LineKind::Record => "/v1/records",
            LineKind::Household => "/v1/households",
        };
        let line = serde_json::json!({
            "synthetic": true, "route": route, "purpose": line.purpose, "body": line.body,
        });
        if writeln!(out, "{line}").is_err() {
            // The reader has seen enough.
            return Ok(());
        }
    }
    out.flush().map_err(|error| Failure::failed("standard output", &error))
}
