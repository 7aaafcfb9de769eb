//! Can everything be tried without a cluster? The binary rehearses over loopback: the walk, the phase that is held for
//! another terminal, and every fault, whose reason must stand in the report of whoever asks.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::host::Host;
use crate::recordings::snapshots;
use crate::tool::run;
use kraft_check::evaluate::locate;
use kraft_check::rehearse::{Fault, Version};

/// A rehearsal that is held, in a folder of its own.
pub(crate) struct Held {
    pub(crate) host: Host,
    process: Child,
    stderr: BufReader<ChildStderr>,
}

impl Held {
    /// Holds this phase, and returns once the settings for others are there.
    pub(crate) fn at(phase: &str, flags: &str) -> Self {
        let host = Host::new();
        let mut process = Command::new(env!("CARGO_BIN_EXE_kraft-check"))
            .current_dir(host.path("work"))
            .env_clear()
            .args(["rehearse", "--hold", phase])
            .args(flags.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stderr = BufReader::new(process.stderr.take().expect("its standard error"));
        let mut held = Self { host, process, stderr };
        held.wait_for(phase);
        held
    }

    fn wait_for(&mut self, phase: &str) {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("a line");
        assert!(line.starts_with(&format!("holding {phase}: ")), "{line}");
    }

    /// Goes on to the next phase, which is this one.
    pub(crate) fn go_on_to(&mut self, phase: &str) {
        self.process.stdin.as_mut().expect("its standard input").write_all(b"\n").expect("a line");
        self.wait_for(phase);
    }

    pub(crate) fn ask(&self, args: &str) -> Value {
        self.host.run(&[], &format!("{args} -o json --findings all")).json()
    }

    fn config(&self) -> PathBuf {
        self.host.path("work/kraft-check.toml")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn verdicts(whereabouts: &Value) -> Vec<&str> {
    let stages = whereabouts["stages"].as_array().expect("stages");
    stages.iter().map(|stage| stage["verdict"].as_str().expect("a verdict")).collect()
}

#[test]
fn every_release_is_walked_forward_and_back() {
    for version in Version::ALL {
        let document = run(&format!("rehearse --kafka {version} --brokers 2 -o json")).json();
        let phases = document["phases"].as_array().expect("phases");
        let of = |id: &str| {
            let phase = phases.iter().find(|phase| phase["id"] == id).unwrap_or_else(|| panic!("no phase {id}"));
            verdicts(phase)
        };
        assert_eq!(of("nothing-begun"), ["unknown", "not_yet", "not_yet", "not_yet"]);
        assert_eq!(of("metadata-copied"), ["complete", "complete", "not_yet", "not_yet"]);
        assert_eq!(of("broker-2-on-kraft"), ["complete", "complete", "complete", "not_yet"]);
        assert_eq!(of("finalized"), ["complete"; 4]);
        assert_eq!(of("broker-2-back-on-zookeeper"), ["unknown", "not_yet", "not_yet", "not_yet"]);
    }
}

/// The walk says of each phase what is said of the recording of the same phase of a real cluster.
#[test]
fn the_walk_is_judged_as_real_clusters_were() {
    const SAME: [(&str, &str); 12] = [
        ("nothing-begun", "3.8.1/forward/01-pure-zookeeper"),
        ("quorum-up", "3.8.1/forward/02-controllers-up"),
        ("broker-1-in-migration-mode", "3.8.1/forward/03-one-broker-flagged"),
        ("metadata-copied", "3.8.1/forward/04-all-in-migration-mode"),
        ("broker-1-on-kraft", "3.8.1/forward/05-one-broker-on-kraft"),
        ("broker-2-on-kraft", "3.8.1/forward/06-all-brokers-on-kraft"),
        ("controller-3001-without-the-flag", "3.8.1/forward/07-one-controller-without-the-flag"),
        ("finalized", "3.8.1/forward/08-finalized"),
        ("broker-1-back-in-migration-mode", "3.9.2/back/02-one-broker-back"),
        ("broker-2-back-in-migration-mode", "3.9.2/back/03-all-brokers-back"),
        ("controllers-removed", "3.9.2/back/05-a-broker-is-the-controller"),
        ("broker-2-back-on-zookeeper", "3.9.2/back/07-back-on-zookeeper"),
    ];
    let document = run("rehearse --kafka 3.8 --brokers 2 -o json").json();
    for (id, recorded) in SAME {
        let phase = document["phases"].as_array().expect("phases").iter().find(|phase| phase["id"] == id);
        let (_, snapshot) = snapshots().iter().find(|(name, _)| name == recorded).expect("a recorded phase");
        let real: Vec<&str> = locate(snapshot).reports.iter().map(|report| report.verdict.word()).collect();
        assert_eq!(verdicts(phase.expect("the phase")), real, "{id} as {recorded}");
    }
}

#[test]
fn a_held_phase_is_asked_without_a_flag_and_moved_on_by_a_line() {
    let mut held = Held::at("broker-2-on-kraft", "--brokers 3");
    let first = held.ask("stage brokers-migrated");
    assert_eq!((&first["verdict"], &first["summary"]["not_yet"]), (&"not_yet".into(), &1.into()), "{first}");
    held.go_on_to("broker-3-on-kraft");
    assert_eq!(held.ask("stage brokers-migrated")["verdict"], "complete");
    assert_eq!(held.ask("status")["stage"], "brokers-migrated");

    let text = fs::read_to_string(held.config()).expect("the settings");
    assert!(text.starts_with("# Written by kraft-check rehearse"), "{text}");
    let stop = Command::new("kill").arg(held.process.id().to_string()).output().expect("kill");
    assert!(stop.status.success());
    held.process.wait().expect("it ends");
    assert!(!held.config().exists(), "the settings of a rehearsal that is over are gone");
}

#[test]
fn the_last_line_ends_a_rehearsal_with_what_was_judged() {
    let mut held = Held::at("broker-1-back-on-zookeeper", "--brokers 1 --controllers 1 -o json");
    drop(held.process.stdin.take().map(|mut stdin| stdin.write_all(b"\n")));
    let began = Instant::now();
    while held.process.try_wait().expect("a process").is_none() {
        assert!(began.elapsed() < Duration::from_secs(20), "it goes on after its last phase");
        sleep(Duration::from_millis(20));
    }
    let mut text = String::new();
    std::io::Read::read_to_string(held.process.stdout.as_mut().expect("its output"), &mut text).expect("text");
    let document: Value = serde_json::from_str(&text).expect("one document");
    crate::schema::holds(&document);
    assert_eq!(document["phases"].as_array().expect("phases").len(), 1, "the phases before were not judged");
    assert!(!held.config().exists());
}

#[test]
fn somebody_elses_settings_are_left_alone() {
    let host = Host::with("timeout = \"10s\"\n");
    let ran = host.run(&[], "rehearse --hold first");
    assert_eq!((ran.code, ran.stderr.as_str()), (74, ""));
    assert!(ran.stdout.contains("not written by this program"), "{}", ran.stdout);
    assert_eq!(fs::read_to_string(host.path("work/kraft-check.toml")).expect("the file"), "timeout = \"10s\"\n");
}

#[test]
fn what_cannot_be_rehearsed_is_refused_in_a_line() {
    for (args, words) in [
        ("--hold copied", "no phase is called 'copied'; there are first, nothing-begun, quorum-up"),
        ("--fault 2=asleep", "no fault is called 'asleep'; there are refuse, silent, slow"),
        ("--fault 2", "not of the form NODE=FAULT"),
        ("--fault 7=silent", "silent is for one of its nodes, and 7 is not: brokers 1-5, controllers 3001-3003"),
        ("--fault 3001=controller-id-stuck", "is for one of its brokers"),
        ("--fault 1=page-html", "is for one of its controllers"),
        ("--fault 1=unexpected", "an id that none of its nodes has"),
        ("--fault 1=cut:2s", "cut takes no duration"),
        ("--fault 1=slow:soon", "'soon' is no duration"),
        ("--kafka 3.4", "not one of 3.5, 3.6"),
        ("--brokers 0", "0 is not in 1..=10000"),
    ] {
        let ran = run(&format!("rehearse {args}"));
        assert_eq!((ran.code, ran.stdout.lines().count()), (64, 1), "{args}: {}", ran.stdout);
        assert!(ran.stdout.contains(words), "{args}: {}", ran.stdout);
    }
}

/// Every fault: on which nodes, what is asked, which verdict comes, and the words that must stand in the report.
const FAULTS: [(&str, &str, &str, &str); 29] = [
    ("2=refuse", "brokers-in-migration", "unknown", "broker 2 at 127.0.0.1"),
    ("2=silent", "brokers-in-migration", "unknown", "no answer to ApiVersions in time"),
    ("2=slow", "brokers-in-migration", "unknown", "no answer to ApiVersions in time"),
    ("2=slow:20ms", "brokers-in-migration", "complete", "5 of 5 brokers"),
    ("2=cut", "brokers-in-migration", "unknown", "the connection was closed after"),
    ("2=drip", "brokers-in-migration", "unknown", "no answer to ApiVersions in time"),
    ("2=garbage", "brokers-in-migration", "unknown", "error 21845 to ApiVersions"),
    ("2=other-correlation-id", "brokers-in-migration", "unknown", "an answer with correlation id"),
    ("2=huge", "brokers-in-migration", "unknown", "an answer of 2147483647 bytes announced"),
    ("2=lying-counts", "brokers-in-migration", "unknown", "2147483647 elements announced"),
    ("2=error-35", "brokers-in-migration", "unknown", "error 35 to ApiVersions of every version"),
    ("2=closes-after-first", "brokers-in-migration", "unknown", "closed before the answer was complete"),
    ("2=other-cluster", "brokers-in-migration", "blocked", "another-cluster-by-fault by broker 2"),
    ("2=flag-off", "brokers-in-migration", "blocked", "on ZooKeeper without its flag although the metadata is copied"),
    ("3001=lagging 3002=lagging", "quorum-provisioned", "not_yet", " ms, expected at most 10000 ms"),
    ("3001=two-leaders 3002=two-leaders", "quorum-provisioned", "blocked", "has two leaders in one epoch"),
    ("3001=no-leader", "quorum-provisioned", "not_yet", "live leader is false"),
    ("3001=early-finalization", "brokers-migrated", "blocked", "is on ZooKeeper although the migration is finalized"),
    ("3001=not-fetching 3002=not-fetching", "quorum-provisioned", "not_yet", " ms, expected at most 10000 ms"),
    ("3001=epoch-moves", "brokers-in-migration", "complete", "5 of 5 brokers"),
    ("9=unexpected", "brokers-in-migration", "not_yet", "broker 9: declared is false"),
    ("2=controller-id-stuck", "brokers-in-migration", "not_yet", "names is one and the same broker"),
    ("3001=page-refused", "brokers-in-migration", "complete", "/metrics: connection refused"),
    // What no page tells the log does, and then nothing has to be said of it (`peers`, `pages` have the reasons).
    ("300*=page-without-metric", "brokers-in-migration", "complete", "5 of 5 brokers"),
    ("300*=page-not-loaded", "brokers-in-migration", "complete", "5 of 5 brokers"),
    ("300*=page-two-values", "brokers-in-migration", "unknown", "the page has ZkMigrationState twice, 1 and 2"),
    ("300*=page-endless", "brokers-in-migration", "complete", "a page of more than 33554432 bytes"),
    ("300*=page-redirect", "brokers-in-migration", "complete", "HTTP 302: redirects are not followed"),
    ("300*=page-html", "brokers-in-migration", "complete", "line 1 is not a sample"),
];

/// What no stage looks at; it shows to whoever looks deeper (`afflicted`).
const DEEPER: [&str; 12] = [
    "2=fenced",
    "4=reassigning",
    "4=under-replicated",
    "4=offline",
    "3=topics-hidden",
    "5=some-topics-hidden",
    "4=topic-deletion",
    "2=other-release",
    "3001=reassignments-silent",
    "3002=reassignments-denied",
    "3003=metadata-errors",
    "300*=write-behind",
];

#[test]
fn what_no_stage_looks_at_disturbs_none() {
    shows(&DEEPER.join(" "), "brokers-in-migration", "complete", "5 of 5 brokers");
}

#[test]
fn every_fault_has_its_reason_in_the_report() {
    for fault in Fault::ALL {
        let name = format!("={}", fault.name());
        let given = FAULTS.iter().map(|(given, ..)| *given).chain(DEEPER);
        assert!(given.into_iter().any(|given| given.contains(&name)), "{name}");
    }
    // Most of the time is spent waiting for nodes that do not answer.
    std::thread::scope(|scope| {
        for some in FAULTS.chunks(5) {
            scope
                .spawn(|| some.iter().for_each(|(faults, stage, verdict, words)| shows(faults, stage, verdict, words)));
        }
    });
}

/// Whether the report on a cluster with these faults has this verdict and these words.
fn shows(faults: &str, stage: &str, verdict: &str, words: &str) {
    let all = ["3001", "3002", "3003"].map(|id| faults.replace("300*", id)).join(" ");
    let each = if faults.contains('*') { all.as_str() } else { faults };
    let flags: Vec<String> = each.split_whitespace().map(|fault| format!("--fault {fault}")).collect();
    let held = Held::at("metadata-copied", &flags.join(" "));
    let document = held.ask(&format!("stage {stage}"));
    assert_eq!(document["verdict"], verdict, "{faults}: {document:#}");
    assert!(document.to_string().contains(words), "{faults}: {document:#}");
}
