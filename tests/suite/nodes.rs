//! One node of a stage, and the place of the whole: what a roll asks before it goes on, and what `status` says.

use kraft_check::evaluate::{evaluate, evaluate_tables};
use kraft_check::exit::of_report;
use kraft_check::report::{Finding, Report, Standing, Verdict};
use kraft_check::snapshot::Subject;
use kraft_check::stages::{GUARDS, STAGES};
use serde_json::Value;

use crate::recordings::snapshots;
use crate::tool::run;

const NODES: [Subject; 6] = [
    Subject::Broker(1),
    Subject::Broker(2),
    Subject::Broker(9),
    Subject::Controller(3001),
    Subject::Controller(3002),
    Subject::Controller(9),
];

/// The findings as they can be compared.
fn said(findings: &[Finding], counts: impl Fn(&Finding) -> bool) -> Vec<(&'static str, Subject, Standing)> {
    findings.iter().filter(|finding| counts(finding)).map(|it| (it.id, it.subject, it.standing)).collect()
}

#[test]
fn a_node_is_judged_by_its_own_rows_and_by_every_guard() {
    let is_guard = |finding: &Finding| GUARDS.iter().any(|guard| guard.id == finding.id);
    let mut complete_nodes_of_unfinished_stages = 0;
    for (name, snapshot) in snapshots() {
        for stage in STAGES {
            let whole = evaluate(stage, snapshot);
            for node in NODES {
                let alone = evaluate_tables(&[stage], Some(node), snapshot);
                let of_node = |finding: &Finding| finding.subject == node || is_guard(finding);
                let expected = said(&whole.findings, of_node);
                let known = whole.findings.iter().any(|finding| finding.subject == node && !is_guard(finding));
                if known {
                    assert_eq!(said(&alone.findings, |_| true), expected, "{node} in {} of {name}", stage.id);
                } else {
                    assert_ne!(alone.verdict, Verdict::Complete, "nobody knows {node} in {} of {name}", stage.id);
                }
                let finished = alone.verdict == Verdict::Complete;
                assert!(!finished || said(&alone.findings, fails).is_empty());
                complete_nodes_of_unfinished_stages += usize::from(finished && whole.verdict == Verdict::NotYet);
            }
        }
    }
    assert!(complete_nodes_of_unfinished_stages > 0, "what a roll waits for");
}

fn fails(finding: &Finding) -> bool {
    matches!(finding.standing, Standing::Blocked | Standing::NotYet | Standing::Unknown)
}

/// What the program says of a recorded phase.
fn ask(command: &str, phase: &str) -> (i32, Value) {
    let root = env!("CARGO_MANIFEST_DIR");
    let ran = run(&format!("{command} --from {root}/protocol-fixtures/3.9.2/{phase}.json -o json"));
    (ran.code, ran.json())
}

#[test]
fn a_roll_goes_on_node_by_node() {
    let roll = |node: &str| ask(&format!("stage brokers-migrated --only {node}"), "forward/09-one-broker-on-kraft");
    let (code, done) = roll("broker/1");
    assert_eq!((code, done["verdict"].as_str(), done["only"].as_str()), (0, Some("complete"), Some("broker/1")));
    assert_eq!(roll("broker/2").0, 1);
    assert_eq!(roll("broker/7").0, 3, "nobody knows it");
    let lost = ask("stage brokers-in-migration --only broker/1", "lost-flags/02-a-standby-without-its-flag");
    assert_eq!(lost.0, 2, "a guard holds everybody");
    let controller = ask("stage finalized --only controller/3001", "forward/12-one-controller-without-the-flag");
    assert_eq!(controller.0, 0);
}

#[test]
fn an_only_that_means_nothing_is_refused() {
    for (only, words) in [
        ("broker", "is not a node"),
        ("broker/x", "is not a node"),
        ("broker/-1", "is not a node"),
        ("observer/7", "is not a node"),
        ("broker/1", "quorum-provisioned demands nothing of a broker"),
    ] {
        let ran = run(&format!("stage quorum-provisioned --only {only} -b h:1"));
        assert_eq!(ran.code, 64, "{only}");
        assert!(ran.stdout.contains(words), "{only}: {}", ran.stdout);
    }
}

#[test]
fn status_says_where_the_cluster_is_and_ends_by_what_is_known() {
    for (phase, code, place, stage) in [
        ("forward/01-pure-zookeeper", 3, None, None),
        ("forward/02-controllers-up", 0, Some("in_stage"), Some("quorum-provisioned")),
        ("forward/03-one-broker-flagged", 0, Some("in_stage"), Some("brokers-in-migration")),
        ("forward/09-one-broker-on-kraft", 0, Some("in_stage"), Some("brokers-migrated")),
        ("forward/13-finalized", 0, Some("in_stage"), Some("finalized")),
        ("born-in-kraft/01-born-in-kraft", 0, Some("beyond"), None),
        ("lost-flags/06-finalized-by-accident", 2, Some("in_stage"), Some("finalized")),
    ] {
        let (found, document) = ask("status", phase);
        assert_eq!(found, code, "{phase}");
        assert_eq!((document["kind"].as_str(), document["place"].as_str()), (Some("status"), place), "{phase}");
        assert_eq!(document["stage"].as_str(), stage, "{phase}");
        assert_eq!(document["stages"].as_array().map(Vec::len), Some(4));
    }
}

#[test]
fn what_comes_next_is_of_the_stage_that_is_to_be_completed() {
    let next = |phase| {
        let document = ask("status", phase).1;
        document["next_actions"].as_array().expect("a list").iter().map(|it| it["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(next("forward/02-controllers-up"), ["restart-in-migration-mode", "wait-for-copy"]);
    assert_eq!(next("forward/05-all-in-migration-mode"), ["restart-in-kraft-mode"]);
    assert_eq!(next("forward/10-all-brokers-on-kraft"), ["finalize", "restart-without-flag"]);
    assert_eq!(next("forward/13-finalized"), Vec::<Value>::new());
}

#[test]
fn the_report_of_one_node_ends_as_any_report() {
    let (_, snapshot) = &snapshots()[0];
    let report: Report = evaluate_tables(&[&STAGES[1]], Some(Subject::Broker(1)), snapshot);
    assert_eq!(report.only, Some(Subject::Broker(1)));
    assert!(of_report(&report).code <= 3);
}
