//! Figures of a run: kept line by line as JSON, and shown as a table of medians and ratios.
//! Never an average over runs that differ in kind, and never a ratio between figures of two programs' runs.
//! Rates are answers each second; times are milliseconds; processor time is microseconds for one answer.

use super::Fallible;
use super::requests::Kind;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The product, as a process of its own.
    Vault,
    /// Another program that serves a copy of the same vault.
    Against,
    /// The product with more records than the other one of the run.
    Grown,
    /// The bare endpoint.
    Bare,
    /// The product's rooms inside the bench, with syncs.
    Inside,
    /// The same without syncs.
    Unsynced,
}

impl Side {
    fn as_str(self) -> &'static str {
        match self {
            Side::Vault => "vault",
            Side::Against => "against",
            Side::Grown => "grown",
            Side::Bare => "bare",
            Side::Inside => "inside",
            Side::Unsynced => "unsynced",
        }
    }
}

/// One window.
#[derive(Clone, Copy)]
pub struct Figure {
    /// What was asked.
    pub kind: Kind,
    /// Over how many connections.
    pub connections: usize,
    /// Who answered.
    pub side: Side,
    /// Answers each second.
    pub rate: f64,
    /// Median time.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Processor time of the server for one answer, in microseconds.
    pub processor: f64,
}

/// All figures of a run.
pub struct Report {
    file: File,
    figures: Vec<Figure>,
}

impl Report {
    /// Lines go into a new file.
    ///
    /// # Errors
    /// The system's.
    pub fn new(path: &Path) -> Fallible<Report> {
        Ok(Report { file: File::create(path)?, figures: Vec::new() })
    }

    /// Keeps a line.
    ///
    /// # Errors
    /// The system's.
    pub fn line(&mut self, value: &Value) -> Fallible<()> {
        writeln!(self.file, "{value}")?;
        Ok(())
    }

    /// Keeps a window.
    ///
    /// # Errors
    /// The system's.
    pub fn add(&mut self, run: usize, figure: Figure) -> Fallible<()> {
        let Figure { kind, connections, side, rate, p50, p99, processor } = figure;
        self.figures.push(figure);
        self.line(&json!({
            "run": run, "kind": kind.as_str(), "connections": connections, "side": side.as_str(),
            "rate": rate, "p50_ms": p50, "p99_ms": p99, "processor_us": processor,
        }))
    }

    fn of(&self, kind: Kind, connections: usize, side: Side, what: fn(&Figure) -> f64) -> Vec<f64> {
        let fits = |figure: &&Figure| {
            figure.kind == kind && figure.connections == connections && figure.side == side
        };
        self.figures.iter().filter(fits).map(what).collect()
    }

    /// The median of a figure over all runs.
    pub fn median(
        &self,
        kind: Kind,
        connections: usize,
        side: Side,
        what: fn(&Figure) -> f64,
    ) -> f64 {
        median(self.of(kind, connections, side, what))
    }

    /// Processor time beside that of the other program: the median over all runs of the ratio within each.
    pub fn compare(&self, kinds: &[Kind], connections: &[usize]) {
        println!("\n| kind | connections | CPU us | against | ratio |\n|---|---|---|---|---|");
        for kind in kinds {
            for count in connections {
                let of = |side| self.of(*kind, *count, side, |figure| figure.processor);
                let (ours, others) = (of(Side::Vault), of(Side::Against));
                let ratios = ours.iter().zip(&others).map(|(ours, other)| ours / other).collect();
                let (ratio, kind) = (median(ratios), kind.as_str());
                let (ours, others) = (median(ours), median(others));
                println!("| {kind} | {count} | {ours:.1} | {others:.1} | {ratio:.3} |");
            }
        }
    }

    /// The table of rates and times.
    pub fn show(&self, kinds: &[Kind], connections: &[usize]) {
        println!(
            "\n| kind | connections | vault/s (least to most) | bare/s | ratio | p50 ms | p99 ms | bare p99 | \
             p99 ratio | CPU us | bare CPU us |\n|---|---|---|---|---|---|---|---|---|---|---|"
        );
        for kind in kinds {
            for count in connections {
                let of = |side, what| self.median(*kind, *count, side, what);
                let rates = self.of(*kind, *count, Side::Vault, |figure| figure.rate);
                let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
                let most = rates.iter().copied().fold(0.0, f64::max);
                let (ours, bare) =
                    (of(Side::Vault, |figure| figure.rate), of(Side::Bare, |figure| figure.rate));
                let p99 = of(Side::Vault, |figure| figure.p99);
                let bare_p99 = of(Side::Bare, |figure| figure.p99);
                println!(
                    "| {} | {count} | {ours:.0} ({least:.0} to {most:.0}) | {bare:.0} | {:.2} | {:.3} | \
                     {p99:.2} | {bare_p99:.2} | {:.1} | {:.1} | {:.1} |",
                    kind.as_str(),
                    ours / bare,
                    of(Side::Vault, |figure| figure.p50),
                    p99 / bare_p99,
                    of(Side::Vault, |figure| figure.processor),
                    of(Side::Bare, |figure| figure.processor),
                );
            }
        }
    }
}

/// The middle of some figures; no number where there are none.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    match figures.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => figures[count / 2],
        count => (figures[count / 2 - 1] + figures[count / 2]) / 2.0,
    }
}
