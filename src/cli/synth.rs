//! `gridvault synth`: an invented city as NDJSON, one request body a line, or its tree of grids.
//! Never real people: region codes, telephone ranges and credit codes are those that nobody has.
//! The same seed and size on the same day give the same bytes, and a city of any size is made line by line.

use super::failure::Failure;
use super::policy_files;
use crate::ambient::{Clock as _, HostClock};
use crate::synthetic::{self, CityPlan, Extent, Line, LineKind, Size};
use crate::territory::GridCode;
use serde::Serialize;
use serde_json::Value as Json;
use std::io::Write as _;

/// People of a city whose size nobody names.
const PERSONS_DEFAULT: u32 = 1_000;
/// Bytes that wait to be written at most.
const OUTPUT_BYTES: usize = 256 * 1024;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// How much of the city there is, and how many people unless they are named: S one grid of 1,000, M one street of
    /// 60,000, L one district of 800,000, XL the whole city of 10 million.
    #[arg(long, ignore_case = true)]
    size: Option<SizeArgument>,
    /// How many people.
    #[arg(long, value_parser = clap::value_parser!(u32).range(30..=10_000_000))]
    persons: Option<u32>,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The day on which the city is looked at; today if none is named.
    #[arg(long)]
    today: Option<jiff::civil::Date>,
    /// Only the first community.
    #[arg(long, conflicts_with = "size")]
    community: bool,
    /// Only the lines of one grid, of 16 digits; those before it are made all the same, so that they do not change.
    #[arg(long)]
    grid: Option<GridCode>,
    /// Adds lines that a vault must refuse, each with the code that it must get: consents that ran out, were withdrawn or
    /// never given.
    #[arg(long)]
    refusals: bool,
    /// The tree of grids instead, as `gridvault init --territory` takes it.
    #[arg(long, conflicts_with_all = ["grid", "refusals"])]
    territory: bool,
}

/// A size by its letter.
#[derive(Clone, Copy, clap::ValueEnum)]
enum SizeArgument {
    S,
    M,
    L,
    Xl,
}

/// A line as it is written.
#[derive(Serialize)]
struct Written<'a> {
    body: &'a Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<synthetic::ExpectedRefusal>,
    purpose: &'a str,
    route: &'static str,
    synthetic: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let plan = plan(arguments);
    let mut out = std::io::BufWriter::with_capacity(OUTPUT_BYTES, std::io::stdout().lock());
    let tree = synthetic::territory(&plan);
    if let Some(wanted) = arguments.grid
        && !tree.grids.iter().any(|grid| grid.code == wanted)
    {
        return Err(Failure::Usage(format!("a city of this size has no grid {wanted}")));
    }
    let outcome = match arguments.territory {
        true => serde_json::to_writer(&mut out, &tree)
            .map_err(std::io::Error::from)
            .and_then(|()| writeln!(out)),
        false => {
            let policies = super::runtime()?.block_on(policy_files::load(None))?;
            let lines = synthetic::lines(&plan, &policies.schemas, &policies.purposes);
            let lines = if arguments.refusals { lines.with_refusals() } else { lines };
            write_lines(&mut out, lines, arguments.grid)
        }
    };
    match outcome.and_then(|()| out.flush()) {
        // The reader has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed("standard output", &error)),
        Ok(()) => Ok(()),
    }
}

fn plan(arguments: &Arguments) -> CityPlan {
    let size = arguments.size.map(|size| match size {
        SizeArgument::S => Size::S,
        SizeArgument::M => Size::M,
        SizeArgument::L => Size::L,
        SizeArgument::Xl => Size::Xl,
    });
    let extent = if arguments.community { Extent::Community } else { Extent::City };
    CityPlan {
        persons: arguments.persons.unwrap_or(size.map_or(PERSONS_DEFAULT, Size::persons)),
        seed: arguments.seed,
        today: arguments.today.unwrap_or_else(|| HostClock::new().now().local_date()),
        extent: size.map_or(extent, Size::extent),
    }
}

/// Writes the lines, or those of one grid; lines come grid by grid, so behind it nothing more is made.
fn write_lines(
    out: &mut impl std::io::Write,
    lines: impl Iterator<Item = Line>,
    grid: Option<GridCode>,
) -> std::io::Result<()> {
    let wanted = grid.map(|grid| grid.to_string());
    let is_wanted = |line: &Line| wanted.as_ref().is_none_or(|wanted| line.grid == *wanted);
    for line in lines.skip_while(|line| !is_wanted(line)).take_while(is_wanted) {
        let written = Written {
            body: &line.body,
            expected: line.expected,
            purpose: &line.purpose,
            route: match line.kind {
                LineKind::Record => "/v1/records",
                LineKind::Household => "/v1/households",
            },
            synthetic: true,
        };
        serde_json::to_writer(&mut *out, &written)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
