//! One real cluster of 3.9.2, asked by us and by Kafka's own tools. `tests/real_kafka/figures.rs` starts it and says
//! where it is.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Places;
use crate::spent::{Spent, Summary, program, run};

const ROUNDS: usize = 7;
const PATIENCE: Duration = Duration::from_mins(5);

/// What `kafka-run-class.sh` gives the tools' JVM.
const JVM: [&str; 6] = [
    "-Xmx256M",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-Djava.awt.headless=true",
];

pub(crate) fn table(places: &Places) -> String {
    eprintln!("a real cluster");
    let told = places.scratch.join("real-kafka");
    let _ = fs::remove_file(&told);
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--locked", "--test", "real_kafka", "--", "--ignored", "--exact"]);
    cargo.arg("figures::a_cluster_to_be_measured").env("KRAFT_CHECK_FIGURES", &told);
    let mut test = cargo.stdout(Stdio::null()).stdin(Stdio::null()).spawn().expect("cargo starts");
    let began = Instant::now();
    while !told.exists() {
        assert!(test.try_wait().expect("the test").is_none(), "the cluster does not start: {cargo:?}");
        assert!(began.elapsed() < PATIENCE, "the cluster does not start");
        std::thread::sleep(Duration::from_millis(100));
    }
    let lines = fs::read_to_string(&told).expect("where the cluster is");
    let cluster: HashMap<&str, &str> = lines.lines().filter_map(|line| line.split_once('=')).collect();
    let table = ask(places, &cluster);
    // It stays as long as the file does.
    fs::remove_file(&told).expect("the file goes");
    assert!(test.wait().expect("the test").success(), "the cluster ends well");
    table
}

/// What is run, which part of the question it answers, and how it is started.
type Asked<'a> = (&'a str, &'a str, Box<dyn Fn() -> Command + 'a>);

fn ask(places: &Places, cluster: &HashMap<&str, &str>) -> String {
    let said = |key: &str| cluster.get(key).copied().unwrap_or_else(|| panic!("no {key}"));
    let ours = |path: &Path| {
        let mut command = program(path, &places.scratch);
        command.args(["stage", "brokers-migrated", "-b", said("brokers"), "-C", said("controllers")]);
        command.args(["--expect-brokers", said("expected"), "--metrics", said("pages")]);
        command
    };
    let theirs = |words: &[&str]| {
        let mut command = program(Path::new("java"), &places.scratch);
        command.args(JVM).args(["-cp", said("classes")]).args(words);
        command
    };
    let (broker, controller) = (said("brokers"), said("controller"));
    let status =
        ["org.apache.kafka.tools.MetadataQuorumCommand", "--bootstrap-controller", controller, "describe", "--status"];
    let replication = [
        "org.apache.kafka.tools.MetadataQuorumCommand",
        "--bootstrap-controller",
        controller,
        "describe",
        "--replication",
    ];
    let versions = ["kafka.admin.BrokerApiVersionsCommand", "--bootstrap-server", broker];
    let asked: [Asked; 5] = [
        ("`kraft-check stage brokers-migrated`, glibc", "the stage", Box::new(|| ours(&places.program))),
        ("`kraft-check stage brokers-migrated`, static", "the stage", Box::new(|| ours(&places.alone))),
        ("`kafka-metadata-quorum describe --status`", "who leads and who votes", Box::new(|| theirs(&status))),
        ("`kafka-metadata-quorum describe --replication`", "who keeps up", Box::new(|| theirs(&replication))),
        (
            "`kafka-broker-api-versions`",
            "which APIs every broker lists, from which its mode follows; not its flag",
            Box::new(|| theirs(&versions)),
        ),
    ];
    let mut runs: [Vec<Spent>; 5] = Default::default();
    for round in 0..=ROUNDS {
        for ((_, _, command), runs) in asked.iter().zip(&mut runs) {
            let spent = run(command(), 0);
            // The first one warms the page cache.
            if round > 0 {
                runs.push(spent);
            }
        }
    }
    let mut text = "| | answers | wall ms (quartiles) | CPU ms | peak MB |\n|---|---|---:|---:|---:|\n".to_owned();
    for ((what, part, _), runs) in asked.iter().zip(&runs) {
        let Summary { wall_ms, wall_quartiles: (low, high), cpu_ms, peak_mb } = Summary::of(runs);
        let _ =
            writeln!(text, "| {what} | {part} | {wall_ms:.0} ({low:.0} to {high:.0}) | {cpu_ms:.0} | {peak_mb:.0} |");
    }
    text
}
