//! A stage's verdict that rests on a long metadata log: the whole program, beside the least that reading it can cost.

use std::fmt::Write as _;
use std::fs;

use crate::Places;
use crate::spent::{Server, Spent, Summary, program, ratio, run};

/// A controller's answers, recorded from a finalized cluster of 3.9.2.
const RECORDING: &str = "protocol-fixtures/3.9.2/forward/13-finalized/3001.frames";

/// What stands in the log: how many partitions, and how large a snapshot is before it, in megabytes.
const LOGS: [(&str, u32, u32); 4] = [
    ("no partitions", 0, 0),
    ("20,000 partitions", 20_000, 0),
    ("200,000 partitions", 200_000, 0),
    ("a snapshot of 100 MB", 0, 100),
];

pub(crate) struct Log {
    what: &'static str,
    /// How many bytes were read of it, in millions.
    megabytes: f64,
    /// The floor, then the program with glibc and the static one.
    by: [Summary; 3],
    /// The program's wall time and CPU time, with glibc, beside the floor's.
    beside: (f64, f64),
}

pub(crate) fn measure(places: &Places, rounds: usize) -> Vec<Log> {
    LOGS.map(|(what, partitions, megabytes)| one(places, what, partitions, megabytes, rounds)).into()
}

/// The shortest one alone, once.
pub(crate) fn smoke(places: &Places) -> Vec<Log> {
    let (what, partitions, megabytes) = LOGS[0];
    vec![one(places, what, partitions, megabytes, 1)]
}

fn one(places: &Places, what: &'static str, partitions: u32, megabytes: u32, rounds: usize) -> Log {
    let file = |name: &str| places.scratch.join(name);
    let (config, requests, snapshot) = (file("leader.toml"), file("requests"), file("look.json"));
    let mut leader = program(&places.beside.join("leader"), &places.scratch);
    leader.arg(crate::absolute(RECORDING));
    leader.args([partitions.to_string(), megabytes.to_string()]).args([&config, &requests]);
    let _server = Server::start(leader);
    let question = |kind| {
        let mut question = program(kind, &places.scratch);
        question.args(["stage", "quorum-provisioned", "--config"]).arg(&config);
        question
    };
    // A recording says how much was read, and that it was.
    let mut kept = question(&places.program);
    kept.arg("--snapshot").arg(&snapshot);
    run(kept, 0);
    let mut runs: [Vec<Spent>; 3] = Default::default();
    for _round in 0..rounds {
        let mut floor = program(&places.beside.join("log_floor"), &places.scratch);
        floor.arg(&requests);
        runs[0].push(run(floor, 0));
        runs[1].push(run(question(&places.program), 0));
        runs[2].push(run(question(&places.alone), 0));
    }
    let [floor, ours, _] = &runs;
    Log {
        what,
        megabytes: bytes_read(&fs::read_to_string(snapshot).expect("a recording")) / 1e6,
        beside: (ratio(ours, floor, |spent| spent.wall_ms), ratio(ours, floor, |spent| spent.cpu_ms)),
        by: runs.map(|runs| Summary::of(&runs)),
    }
}

/// How many bytes of a log the recording tells of.
fn bytes_read(recording: &str) -> f64 {
    let (_, rest) = recording.split_once("\"bytes\":").expect("a log that was read");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

pub(crate) fn table(measured: &[Log]) -> String {
    let mut text =
        "| in the log | MB read | | wall ms (quartiles) | CPU ms | peak MB | wall beside floor | CPU beside floor |\n\
                    |---|---:|---|---:|---:|---:|---:|---:|\n"
            .to_owned();
    for Log { what, megabytes, by, beside } in measured {
        let ratios = format!("{:.2} | {:.2}", beside.0, beside.1);
        let names = [("floor", " | "), ("glibc", &*ratios), ("static", " | ")];
        for (summary, (name, ratios)) in by.iter().zip(names) {
            let Summary { wall_ms, wall_quartiles: (low, high), cpu_ms, peak_mb } = summary;
            let _ = writeln!(
                text,
                "| {what} | {megabytes:.1} | {name} | {wall_ms:.1} ({low:.1} to {high:.1}) | {cpu_ms:.1} | {peak_mb:.1} | {ratios} |"
            );
        }
    }
    text
}
