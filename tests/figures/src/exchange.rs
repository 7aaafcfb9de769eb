//! One connection and one exchange with every node: our observation, beside a program that looks at nothing.
//!
//! All of them ask the same process, one after the other in every round and in turn; the floor is the faster of two
//! ways to do it.

use std::fmt::Write as _;

use crate::spent::{Server, Spent, Summary, program, ratio, run};
use crate::{Places, RECORDING, absolute};

pub(crate) struct Exchange {
    pub(crate) nodes: u16,
    sequential: Summary,
    concurrent: Summary,
    pub(crate) look: Summary,
    /// Ours beside the faster of the others.
    pub(crate) wall_ratio: f64,
    pub(crate) cpu_ratio: f64,
}

pub(crate) fn measure(places: &Places, nodes: u16, rounds: usize) -> Exchange {
    let ports = places.scratch.join("ports");
    let mut replay = program(&places.beside.join("replay"), &places.scratch);
    replay.arg(nodes.to_string()).arg(absolute(RECORDING)).arg(&ports);
    let _server = Server::start(replay);
    let command = |name: &str, words: &[&str]| {
        let mut command = program(&places.beside.join(name), &places.scratch);
        command.args(words).arg(&ports);
        command
    };
    let asked = [("floor", &["sequential"][..]), ("floor", &["concurrent"]), ("look", &[])];
    let mut runs: [Vec<Spent>; 3] = Default::default();
    // The first round only warms everything up.
    for round in 0..=rounds {
        let mut order = [0, 1, 2];
        if round % 2 == 1 {
            order.reverse();
        }
        for place in order {
            let (name, words) = asked[place];
            let spent = run(command(name, words), 0);
            if round > 0 {
                runs[place].push(spent);
            }
        }
    }
    let [sequential, concurrent, look] = &runs;
    let floor = |of: fn(&Spent) -> f64| f64::max(ratio(look, sequential, of), ratio(look, concurrent, of));
    Exchange {
        nodes,
        sequential: Summary::of(sequential),
        concurrent: Summary::of(concurrent),
        look: Summary::of(look),
        wall_ratio: floor(|spent| spent.wall_ms),
        cpu_ratio: floor(|spent| spent.cpu_ms),
    }
}

pub(crate) fn table(measured: &[Exchange]) -> String {
    let mut text = "| nodes | | wall ms (quartiles) | CPU ms | CPU µs per node | peak MB | wall beside floor | CPU beside floor |\n\
                    |---:|---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for Exchange { nodes, sequential, concurrent, look, wall_ratio, cpu_ratio } in measured {
        let ratios = format!("{wall_ratio:.2} | {cpu_ratio:.2}");
        let ways = [
            ("floor, one by one", sequential, " | "),
            ("floor, 64 at a time", concurrent, " | "),
            ("ours, 64 at a time", look, &*ratios),
        ];
        for (who, Summary { wall_ms, wall_quartiles: (low, high), cpu_ms, peak_mb }, ratios) in ways {
            let per_node = cpu_ms * 1e3 / f64::from(*nodes);
            let _ = writeln!(
                text,
                "| {nodes} | {who} | {wall_ms:.1} ({low:.1} to {high:.1}) | {cpu_ms:.1} | {per_node:.0} | {peak_mb:.1} | {ratios} |"
            );
        }
    }
    text
}
