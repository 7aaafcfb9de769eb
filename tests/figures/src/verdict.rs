//! A stage's verdict over simulated nodes: the whole program, from its start to the report; beside a program that asks every
//! broker the same two questions and looks at nothing.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::Places;
use crate::spent::{Server, Spent, Summary, program, ratio, run};

pub(crate) struct Verdict {
    pub(crate) nodes: u16,
    floor: Summary,
    /// By which program, the static one last, and its CPU time beside the floor's.
    by: Vec<(&'static str, Summary, f64)>,
}

impl Verdict {
    /// What it cost the program of this kind, if that was measured.
    pub(crate) fn of(&self, kind: &str) -> Option<&Summary> {
        self.by.iter().find(|(which, ..)| *which == kind).map(|(_, summary, _)| summary)
    }

    /// The static program's CPU time beside the floor's.
    pub(crate) fn beside_floor(&self) -> Option<f64> {
        self.by.last().map(|(.., ratio)| *ratio)
    }
}

/// A simulated cluster of so many brokers, and the config file that leads to it.
pub(crate) fn cluster(places: &Places, brokers: u16) -> (Server, String) {
    let config = places.scratch.join("kraft-check.toml").display().to_string();
    let mut nodes = program(&places.beside.join("nodes"), &places.scratch);
    nodes.arg(brokers.to_string()).arg(&config).arg(places.scratch.join(PORTS));
    (Server::start(nodes), config)
}

/// The file of the brokers' ports.
const PORTS: &str = "ports";

/// The question.
pub(crate) fn question(path: &Path, places: &Places, config: &str) -> Command {
    let mut command = program(path, &places.scratch);
    command.args(["stage", "brokers-migrated", "--config", config]);
    command
}

pub(crate) fn measure(places: &Places, nodes: u16, rounds: usize) -> Verdict {
    let (_server, config) = cluster(places, nodes);
    let programs = [("glibc", &places.program), ("static", &places.alone)];
    let mut runs: Vec<Vec<Spent>> = programs.iter().map(|_| Vec::new()).collect();
    let mut floor = Vec::new();
    for _round in 0..rounds {
        let mut listed = program(&places.beside.join("floor"), &places.scratch);
        listed.arg("listed").arg(places.scratch.join(PORTS));
        floor.push(run(listed, 0));
        for ((_, path), runs) in programs.iter().zip(&mut runs) {
            runs.push(run(question(path, places, &config), 0));
        }
    }
    let beside = |runs: &[Spent]| ratio(runs, &floor, |spent| spent.cpu_ms);
    let by = programs.iter().zip(&runs).map(|((which, _), runs)| (*which, Summary::of(runs), beside(runs)));
    Verdict { nodes, floor: Summary::of(&floor), by: by.collect() }
}

pub(crate) fn table(measured: &[Verdict]) -> String {
    let mut text = "| nodes | | wall ms (quartiles) | CPU ms | CPU µs per node | peak MB | CPU beside floor |\n\
                    |---:|---|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for Verdict { nodes, floor, by } in measured {
        let mut line = |who: &str, summary: &Summary, ratio: &str| {
            let Summary { wall_ms, wall_quartiles: (low, high), cpu_ms, peak_mb } = summary;
            let per_node = cpu_ms * 1e3 / f64::from(*nodes);
            let _ = writeln!(
                text,
                "| {nodes} | {who} | {wall_ms:.0} ({low:.0} to {high:.0}) | {cpu_ms:.1} | {per_node:.0} | {peak_mb:.1} | {ratio} |"
            );
        };
        line("floor", floor, "");
        for (who, summary, ratio) in by {
            line(who, summary, &format!("{ratio:.2}"));
        }
    }
    text
}
