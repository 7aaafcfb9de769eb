//! A stage's verdict over simulated nodes: the whole program, from its start to the report.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::Places;
use crate::spent::{Server, Spent, Summary, program, run};

pub(crate) struct Verdict {
    pub(crate) nodes: u16,
    /// By which program, the static one last.
    by: Vec<(&'static str, Summary)>,
}

impl Verdict {
    /// What it cost the program of this kind, if that was measured.
    pub(crate) fn of(&self, kind: &str) -> Option<&Summary> {
        self.by.iter().find(|(which, _)| *which == kind).map(|(_, summary)| summary)
    }
}

/// A simulated cluster of so many brokers, and the config file that leads to it.
pub(crate) fn cluster(places: &Places, brokers: u16) -> (Server, String) {
    let config = places.scratch.join("kraft-check.toml").display().to_string();
    let mut nodes = program(&places.beside.join("nodes"), &places.scratch);
    nodes.arg(brokers.to_string()).arg(&config);
    (Server::start(nodes), config)
}

/// The question.
pub(crate) fn question(path: &Path, places: &Places, config: &str) -> Command {
    let mut command = program(path, &places.scratch);
    command.args(["stage", "brokers-migrated", "--config", config]);
    command
}

pub(crate) fn measure(places: &Places, nodes: u16, rounds: usize) -> Verdict {
    let (_server, config) = cluster(places, nodes);
    let mut programs = vec![("glibc", &places.program), ("static", &places.alone)];
    if rounds == 1 && nodes > 1_000 {
        // One takes minutes, and the other one differs as it does with fewer nodes.
        programs.remove(0);
    }
    let mut runs: Vec<Vec<Spent>> = programs.iter().map(|_| Vec::new()).collect();
    for _round in 0..rounds {
        for ((_, path), runs) in programs.iter().zip(&mut runs) {
            runs.push(run(question(path, places, &config), 0));
        }
    }
    let by = programs.iter().zip(&runs).map(|((which, _), runs)| (*which, Summary::of(runs)));
    Verdict { nodes, by: by.collect() }
}

pub(crate) fn table(measured: &[Verdict]) -> String {
    let mut text =
        "| nodes | | wall ms (quartiles) | CPU ms | CPU µs per node | peak MB |\n|---:|---|---:|---:|---:|---:|\n"
            .to_owned();
    for Verdict { nodes, by } in measured {
        for (which, summary) in by {
            let Summary { wall_ms, wall_quartiles: (low, high), cpu_ms, peak_mb } = summary;
            let per_node = cpu_ms * 1e3 / f64::from(*nodes);
            let _ = writeln!(
                text,
                "| {nodes} | {which} | {wall_ms:.0} ({low:.0} to {high:.0}) | {cpu_ms:.1} | {per_node:.0} | {peak_mb:.1} |"
            );
        }
    }
    text
}
