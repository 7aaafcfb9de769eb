//! Measures everything that `docs/performance.md` has a table of, and writes the tables into it.
//!
//! Not here: how the programs and the servers are built, and which tools must be there (`run.sh`).

#![forbid(unsafe_code)]

/// One question to every node, beside the least that this can cost.
mod exchange;
/// How many instructions a verdict takes, and where.
mod instructions;
/// The same cluster asked by Kafka's own tools.
mod kafka;
/// A verdict that rests on a long metadata log.
mod log;
/// Looks in a row, over connections that are kept or made anew.
mod looks;
/// One look at listeners with TLS and a login.
mod secured;
/// What a program costs, measured from outside.
mod spent;
/// What it costs to start, and to carry.
mod startup;
/// The document and its tables.
mod tables;
/// A stage's verdict, the whole program.
mod verdict;

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tables::Tables;

/// A broker's answers, recorded from a real cluster of 3.9.2.
const RECORDING: &str = "protocol-fixtures/3.9.2/forward/10-all-brokers-on-kraft/1.frames";

/// At how many brokers looks are taken in a row.
const LOOKED_AT: [u16; 3] = [10, 100, 1_000];

/// At how many brokers listeners with TLS and a login are looked at.
const SECURED_AT: [u16; 2] = [100, 1_000];

/// Where everything is.
struct Places {
    /// The program as it is released for this machine's C library.
    program: PathBuf,
    /// The same, with no library but its own.
    alone: PathBuf,
    /// The same as the first, with the names of its functions left in it.
    named: PathBuf,
    /// The folder of the floor, of the look and of the servers.
    beside: PathBuf,
    /// A folder for files that only matter while it is measured.
    scratch: PathBuf,
}

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let [program, alone, named, scratch, sizes] = words.as_slice() else {
        panic!("kraft-check-figures PROGRAM STATIC-PROGRAM PROGRAM-WITH-NAMES SCRATCH smoke|log|NODES,NODES")
    };
    let own = env::current_exe().expect("this program's own path");
    let places = Places {
        program: absolute(program),
        alone: absolute(alone),
        named: absolute(named),
        beside: own.parent().expect("its folder").to_owned(),
        scratch: absolute(scratch),
    };
    if sizes == "smoke" {
        let exchange = exchange::measure(&places, 10, 1);
        let verdict = verdict::measure(&places, 10, 1);
        let looks = looks::measure(&places, 10, 1);
        println!("{} {} {}", exchange::table(&[exchange]), verdict::table(&[verdict]), looks::table(&[looks]));
        println!("{}", secured::table(&[secured::measure(&places, 10, 1)]));
        println!("{}", log::table(&log::smoke(&places)));
        return;
    }
    if sizes == "log" {
        println!("{}", log::table(&log::measure(&places, 11)));
        return;
    }
    let sizes: Vec<u16> = sizes.split(',').map(|size| size.parse().expect("a number of nodes")).collect();
    let mut tables = Tables::default();
    let startup = startup::measure(&places);
    tables.add("start", startup::table(&startup));
    tables.add("size", startup::sizes(&places));
    tables.add("instructions", instructions::tables(&places));
    tables.add("kafka", kafka::table(&places));
    let looks = LOOKED_AT.map(|nodes| looks::measure(&places, nodes, if nodes > 100 { 5 } else { 21 }));
    tables.add("looks", looks::table(&looks));
    let secured = SECURED_AT.map(|nodes| secured::measure(&places, nodes, if nodes > 100 { 11 } else { 21 }));
    tables.add("secured", secured::table(&secured));
    tables.add("log", log::table(&log::measure(&places, 11)));
    let (mut exchanges, mut verdicts) = (Vec::new(), Vec::new());
    for nodes in sizes {
        eprintln!("{nodes} nodes");
        exchanges.push(exchange::measure(&places, nodes, rounds(nodes)));
        verdicts.push(verdict::measure(&places, nodes, verdict_rounds(nodes)));
    }
    tables.add("exchange", exchange::table(&exchanges));
    tables.add("verdict", verdict::table(&verdicts));
    tables.add("goals", goals(&places, &exchanges, &verdicts, &startup));
    tables.write(Path::new("docs/performance.md"));
}

/// More where one is over sooner, always an odd number.
fn rounds(nodes: u16) -> usize {
    if nodes > 1_000 { 7 } else { 41 }
}

/// Of so many brokers each lists all others, so the answers of 10,000 take their server a quarter of a minute.
fn verdict_rounds(nodes: u16) -> usize {
    match nodes {
        0..=100 => 41,
        101..=1_000 => 11,
        _ => 3,
    }
}

fn absolute(path: &str) -> PathBuf {
    Path::new(path).canonicalize().unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What was to be reached, and what was.
fn goals(
    places: &Places,
    exchanges: &[exchange::Exchange],
    verdicts: &[verdict::Verdict],
    startup: &startup::Startup,
) -> String {
    let of_exchange = |nodes| exchanges.iter().find(|it| it.nodes == nodes);
    let of_verdict = |nodes| verdicts.iter().find(|it| it.nodes == nodes);
    let mut lines = "| to reach | at most | measured | reached |\n|---|---:|---:|---|\n".to_owned();
    let mut goal = |what: &str, most: f64, measured: Option<f64>, unit: &str| {
        let Some(measured) = measured else { return };
        let reached = if measured <= most { "yes" } else { "**no**" };
        let _ = writeln!(lines, "| {what} | {most}{unit} | {measured:.2}{unit} | {reached} |");
    };
    let thousand = of_exchange(1_000);
    goal("one exchange at 1,000 nodes, wall time beside the floor", 1.25, thousand.map(|it| it.wall_ratio), " x");
    goal("the same, CPU time", 1.25, thousand.map(|it| it.cpu_ratio), " x");
    let peak = |kind| of_verdict(1_000).and_then(|it| it.of(kind)).map(|it| it.peak_mb);
    goal("a stage's verdict at 1,000 nodes, resident, static", 12.0, peak("static"), " MB");
    goal("the same, glibc", 12.0, peak("glibc"), " MB");
    goal("start-up beside `/bin/true`, static", 2.0, Some(startup.ratio_of("static")), " x");
    goal("the same, glibc", 2.0, Some(startup.ratio_of("glibc")), " x");
    goal("the static program's size", 4.0, Some(startup::megabytes(&places.alone)), " MB");
    let per_node = |it: &exchange::Exchange| it.look.cpu_ms / f64::from(it.nodes);
    let flat = of_exchange(10_000).zip(of_exchange(100)).map(|(many, few)| per_node(many) / per_node(few));
    goal("one exchange, CPU time per node: 10,000 nodes beside 100", 1.25, flat, " x");
    let per_node = |nodes| of_verdict(nodes)?.of("static").map(|it| it.cpu_ms / f64::from(nodes));
    let flat = per_node(10_000).zip(per_node(100)).map(|(many, few)| many / few);
    goal("a stage's verdict, CPU time per node: 10,000 nodes beside 100", 1.25, flat, " x");
    let beside = |nodes| of_verdict(nodes)?.beside_floor();
    let flat = beside(10_000).zip(beside(100)).map(|(many, few)| many / few);
    goal("the same, beside a floor that reads the same answers", 1.25, flat, " x");
    lines
}
