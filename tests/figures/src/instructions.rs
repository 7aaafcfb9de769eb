//! How many instructions a verdict over 100 nodes takes, and in which functions: what noise does not touch.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use crate::Places;
use crate::spent::program;
use crate::verdict::{cluster, question};

const NODES: u16 = 100;
const RUNS: usize = 5;
const FUNCTIONS: usize = 14;

pub(crate) fn tables(places: &Places) -> String {
    eprintln!("instructions");
    let (_server, config) = cluster(places, NODES);
    let counted = places.scratch.join("callgrind");
    let mut counts: Vec<u64> =
        (0..RUNS).map(|_| count(&question(&places.named, places, &config), places, &counted)).collect();
    let functions = functions(places, &counted);
    counts.sort_unstable();
    let mut version = program(&places.named, &places.scratch);
    version.arg("--version");
    let started = count(&version, places, &counted);
    let (least, middle, most) = (counts[0], counts[RUNS / 2], counts[RUNS - 1]);
    let million = |count: u64| format!("{}.{:02}", count / 1_000_000, count % 1_000_000 / 10_000);
    let mut text = "| | million instructions | least to most of five runs |\n|---|---:|---:|\n".to_owned();
    let spread = format!("{} to {}", million(least), million(most));
    let _ = writeln!(text, "| a verdict over {NODES} nodes | {} | {spread} |", million(middle));
    let _ = writeln!(text, "| `kraft-check --version` | {} | |", million(started));
    let _ = write!(text, "\n| share | function |\n|---:|---|\n{functions}");
    text
}

/// The instructions of one run, by function in this file.
fn count(command: &Command, places: &Places, into: &Path) -> u64 {
    let mut valgrind = program(Path::new("valgrind"), &places.scratch);
    valgrind.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", into.display()));
    valgrind.arg(command.get_program()).args(command.get_args());
    let output = valgrind.stderr(std::process::Stdio::piped()).output().expect("valgrind starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split("Collected : ").nth(1));
    collected.expect("what was collected").trim().parse().expect("a number of instructions")
}

/// The functions in which most of them are, as a table's lines.
fn functions(places: &Places, counted: &Path) -> String {
    let mut annotate = program(Path::new("callgrind_annotate"), &places.scratch);
    let output = annotate.arg(counted).stdout(std::process::Stdio::piped()).output().expect("callgrind_annotate");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = |line: &str| {
        // `1,234,567 (12.34%)  file:function [object]`
        let (share, rest) = line.split_once('(')?.1.split_once("%)")?;
        let name = rest.split_once(':')?.1;
        let (name, object) = name.rsplit_once(" [").unwrap_or((name, ""));
        let object = object.trim_end_matches(']').rsplit('/').next().unwrap_or_default();
        // The compiler's hash at the end of a name is another one in every build.
        let name = name.rsplit_once("::h").map_or(name, |(name, _)| name).replace('|', "\\|");
        Some(format!("| {} % | `{name}`, {object} |\n", share.trim()))
    };
    text.lines()
        .filter(|line| line.contains("%)") && !line.contains("PROGRAM TOTALS"))
        .filter_map(line)
        .take(FUNCTIONS)
        .collect()
}
