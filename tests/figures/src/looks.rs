//! Looks in a row at a simulated cluster, over connections that are kept from one to the next, or made anew in each.

use std::fmt::Write as _;
use std::fs;

use crate::Places;
use crate::spent::{Spent, Summary, program, ratio, run};
use crate::verdict::cluster;

/// How many looks are taken in a row.
const LOOKS: u32 = 20;

pub(crate) struct Looks {
    nodes: u16,
    kept: (Summary, f64),
    anew: (Summary, f64),
    wall_ratio: f64,
    cpu_ratio: f64,
}

pub(crate) fn measure(places: &Places, nodes: u16, rounds: usize) -> Looks {
    let (_server, config) = cluster(places, nodes);
    let dialled = places.scratch.join("dialled");
    let mut runs: [Vec<Spent>; 2] = Default::default();
    let mut connections = [0.0; 2];
    // The first round only warms everything up.
    for round in 0..=rounds {
        for (place, way) in ["kept", "anew"].into_iter().enumerate() {
            let mut looks = program(&places.beside.join("looks"), &places.scratch);
            looks.args([way, &LOOKS.to_string()]).arg(&dialled).arg(&config);
            let spent = run(looks, 0);
            if round > 0 {
                runs[place].push(spent);
            }
            let count: u32 = fs::read_to_string(&dialled).expect("a count").parse().expect("a number");
            connections[place] = f64::from(count) / f64::from(LOOKS);
        }
    }
    let [kept, anew] = &runs;
    Looks {
        nodes,
        kept: (Summary::of(kept), connections[0]),
        anew: (Summary::of(anew), connections[1]),
        wall_ratio: ratio(kept, anew, |spent| spent.wall_ms),
        cpu_ratio: ratio(kept, anew, |spent| spent.cpu_ms),
    }
}

pub(crate) fn table(measured: &[Looks]) -> String {
    let mut text = "| nodes | connections | made per look | wall ms per look (quartiles) | CPU ms per look | peak MB | wall beside anew | CPU beside anew |\n\
                    |---:|---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for Looks { nodes, kept, anew, wall_ratio, cpu_ratio } in measured {
        let ratios = format!("{wall_ratio:.2} | {cpu_ratio:.2}");
        for (way, (spent, connections), ratios) in [("made anew", anew, " | "), ("kept", kept, &*ratios)] {
            let looks = f64::from(LOOKS);
            let (low, high) = spent.wall_quartiles;
            let (wall, low, high, cpu) = (spent.wall_ms / looks, low / looks, high / looks, spent.cpu_ms / looks);
            let peak_mb = spent.peak_mb;
            let _ = writeln!(
                text,
                "| {nodes} | {way} | {connections:.1} | {wall:.2} ({low:.2} to {high:.2}) | {cpu:.2} | {peak_mb:.1} | {ratios} |"
            );
        }
    }
    text
}
