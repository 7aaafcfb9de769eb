//! One look at listeners with TLS and a login, beside the same look at listeners without.

use std::fmt::Write as _;

use crate::Places;
use crate::spent::{Server, Spent, Summary, program, ratio, run};

/// What the listeners are, the plain ones first.
const KINDS: [(&str, &str); 4] = [
    ("plaintext", "PLAINTEXT"),
    ("tls", "TLS 1.3"),
    ("scram", "TLS 1.3 and SCRAM-SHA-512"),
    ("salted", "the same, every node with a salt of its own"),
];

pub(crate) struct Secured {
    nodes: u16,
    /// Each kind's costs, and its wall and CPU time beside the first's.
    by: Vec<(&'static str, Summary, f64, f64)>,
}

pub(crate) fn measure(places: &Places, nodes: u16, rounds: usize) -> Secured {
    let file = |kind: &str| places.scratch.join(kind);
    let servers = KINDS.map(|(kind, _)| {
        let mut nodes_of = program(&places.beside.join("secured"), &places.scratch);
        nodes_of.args([kind, &nodes.to_string()]).arg(file(kind));
        Server::start(nodes_of)
    });
    let mut runs: [Vec<Spent>; 4] = Default::default();
    // The first round only warms everything up; of the salts it makes the servers' keys.
    for round in 0..=rounds {
        for turn in 0..KINDS.len() {
            let place = (round + turn) % KINDS.len();
            let mut look = program(&places.beside.join("secured_look"), &places.scratch);
            look.arg(KINDS[place].0).arg(file(KINDS[place].0));
            let spent = run(look, 0);
            if round > 0 {
                runs[place].push(spent);
            }
        }
    }
    drop(servers);
    let plain = &runs[0];
    let line = |((_, words), own): (&(&str, &'static str), &Vec<Spent>)| {
        (*words, Summary::of(own), ratio(own, plain, |it| it.wall_ms), ratio(own, plain, |it| it.cpu_ms))
    };
    Secured { nodes, by: KINDS.iter().zip(&runs).map(line).collect() }
}

pub(crate) fn table(measured: &[Secured]) -> String {
    let mut text = "| nodes | listeners | wall ms (quartiles) | CPU ms | CPU µs per node | peak MB | wall beside PLAINTEXT | CPU beside PLAINTEXT |\n\
                    |---:|---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for Secured { nodes, by } in measured {
        for (which, Summary { wall_ms, wall_quartiles: (low, high), cpu_ms, peak_mb }, wall, cpu) in by {
            let per_node = cpu_ms * 1e3 / f64::from(*nodes);
            let _ = writeln!(
                text,
                "| {nodes} | {which} | {wall_ms:.0} ({low:.0} to {high:.0}) | {cpu_ms:.1} | {per_node:.0} | {peak_mb:.1} | {wall:.2} | {cpu:.2} |"
            );
        }
    }
    text
}
