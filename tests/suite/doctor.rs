//! Whether everybody can be asked: is each hop told that was taken, and each that failed, and what grants what is missing?

use std::collections::BTreeSet;

use kraft_check::doctor::{RIGHTS, examine};
use kraft_check::exit;
use kraft_check::render::{Document, Format, Style, render};
use kraft_check::report::{Diagnosis, Examined, Outcome};
use kraft_check::security::Access;
use kraft_check::snapshot::{AskedAs, Depth, Missed, Node, Quorum, Snapshot, Why};
use serde_json::Value;

use crate::recordings::snapshots;
use crate::rehearsed::Held;
use crate::schema;
use crate::tool::run;

fn examined(snapshot: &Snapshot) -> Diagnosis {
    examine(snapshot, &Access::default())
}

/// The recordings of health, each with its name.
fn healthy() -> impl Iterator<Item = (String, Snapshot)> {
    snapshots().iter().filter(|(_, snapshot)| snapshot.depth == Depth::Content).cloned()
}

/// Every failed hop as `subject hop id`.
fn failed(diagnosis: &Diagnosis) -> Vec<String> {
    let of_node = |node: &Examined| {
        let whom = node.subject.map_or_else(|| "nobody".to_owned(), |subject| subject.to_string());
        let hops = node.hops.iter().filter(|hop| hop.outcome == Outcome::Failed);
        hops.map(|hop| format!("{whom}: {}: {}", hop.name, hop.why.map_or("", Why::id))).collect::<Vec<_>>()
    };
    diagnosis.nodes.iter().flat_map(of_node).collect()
}

#[test]
fn every_recording_is_examined_and_said_in_both_formats() {
    for (name, snapshot) in snapshots() {
        let diagnosis = examined(snapshot);
        let command = ["doctor".to_owned()];
        let text = render(&Document::Diagnosis(&diagnosis), Format::Json, Style::default(), &command);
        let document: Value = serde_json::from_str(&text).expect("one document");
        schema::holds(&document);
        assert_eq!(document["exit_code"], exit::of_diagnosis(&diagnosis).code, "{name}");
        let lines = render(&Document::Diagnosis(&diagnosis), Format::Human, Style::default(), &command);
        let long = lines.lines().find(|line| line.chars().count() > 80 && !line.starts_with("  grant"));
        assert_eq!(long, None, "{name}");
    }
}

#[test]
fn a_cluster_that_can_be_asked_passes_and_one_that_is_ill_does_as_well() {
    let mut passed = 0;
    for (name, snapshot) in healthy() {
        let diagnosis = examined(&snapshot);
        let all_answer = snapshot.looks.iter().flat_map(|look| &look.nodes).all(|node| {
            node.api_versions.said.is_ok() && !node.reassignments.said.as_ref().is_err_and(|it| it.why != Why::NotAsked)
        });
        if all_answer && failed(&diagnosis).is_empty() {
            assert_eq!(exit::of_diagnosis(&diagnosis).code, 0, "{name}");
            passed += 1;
        }
    }
    assert!(passed >= 5, "{passed} recordings pass");
}

/// One denied answer of a recording, and what must be granted.
fn denied(deny: impl Fn(&mut Node) -> bool) -> Diagnosis {
    let (_, mut snapshot) =
        healthy().find(|(name, _)| name.contains("all-brokers-on-kraft")).expect("a recording on KRaft");
    let look = snapshot.looks.last_mut().expect("a look");
    assert!(look.nodes.iter_mut().any(deny), "somebody is asked for it");
    examined(&snapshot)
}

fn denial<T>() -> Result<T, Missed> {
    Err(Missed::new(Why::Denied, "it is denied"))
}

#[test]
fn a_missing_right_is_named_with_the_command_that_grants_it() {
    type Deny = fn(&mut Node) -> bool;
    let cases: [(&str, Deny); 3] = [
        ("--operation Describe --cluster", |node| {
            let asked = node.quorum.said.is_ok();
            if asked {
                node.quorum.said = denial();
            }
            asked
        }),
        ("--operation Describe --topic '*'", |node| {
            let asked = node.topics.said.is_ok();
            if asked {
                node.topics.said = denial();
            }
            asked
        }),
        ("--operation Describe --cluster", |node| {
            let asked = node.reassignments.said.is_ok();
            if asked {
                node.reassignments.said = denial();
            }
            asked
        }),
    ];
    for (words, deny) in cases {
        let diagnosis = denied(deny);
        let grants = diagnosis.grants();
        assert!(grants.len() == 1 && grants[0].ends_with(words), "{grants:?}");
        assert!(grants[0].contains("--allow-principal User:NAME "), "{grants:?}");
        assert_eq!(exit::of_diagnosis(&diagnosis).code, 77);
    }
}

#[test]
fn the_right_to_read_the_log_is_missed_only_where_no_page_tells_the_state() {
    let examined_without = |pages: bool| {
        let (_, mut snapshot) =
            healthy().find(|(name, _)| name.contains("all-brokers-on-kraft")).expect("a recording on KRaft");
        for look in &mut snapshot.looks {
            if !pages {
                look.pages.clear();
            }
            let leads = |node: &&mut Node| {
                node.asked_as == AskedAs::Controller && matches!(node.quorum.said, Ok(Quorum::Leader(_)))
            };
            look.nodes.iter_mut().find(leads).expect("a leader").log.said = denial();
        }
        examined(&snapshot)
    };
    let told = examined_without(true);
    assert_eq!((exit::of_diagnosis(&told).code, told.grants()), (0, Vec::new()));
    assert_eq!(told.hops().filter(|hop| hop.outcome == Outcome::NotNeeded).count(), 1);
    let untold = examined_without(false);
    assert_eq!(exit::of_diagnosis(&untold).code, 77);
    assert!(untold.grants()[0].ends_with("--operation ClusterAction --cluster"), "{:?}", untold.grants());
}

#[test]
fn topics_that_are_left_out_without_a_word_are_a_missing_right() {
    for name in ["every-topic-hidden", "one-topic-hidden"] {
        let (_, snapshot) = healthy().find(|(recording, _)| recording.ends_with(name)).expect("a recording");
        let diagnosis = examined(&snapshot);
        assert_eq!(failed(&diagnosis).first().map(String::as_str), Some("broker 1: Describe on all topics: not-shown"));
        let grants = diagnosis.grants();
        assert!(grants.len() == 1 && grants[0].ends_with("--operation Describe --topic '*'"), "{grants:?}");
        assert_eq!(exit::of_diagnosis(&diagnosis).code, 3);
    }
}

#[test]
fn the_first_hop_that_failed_is_the_one_that_is_told() {
    let cases = [
        (Why::UnknownHost, "dns", &["tcp", "api-versions"][..]),
        (Why::Refused, "tcp", &["api-versions"]),
        (Why::ConnectTimedOut, "tcp", &["api-versions"]),
        (Why::TlsExpected, "tls", &["api-versions"]),
        (Why::TlsUnknownIssuer, "tls", &["api-versions"]),
        (Why::TimedOut, "api-versions", &[]),
    ];
    for (why, hop, behind) in cases {
        let (_, mut snapshot) = healthy().next().expect("a recording");
        let node = &mut snapshot.looks.last_mut().expect("a look").nodes[0];
        node.api_versions.said = Err(Missed::new(why, "not reached"));
        let diagnosis = examined(&snapshot);
        let node = diagnosis.nodes.iter().find(|node| node.hops.iter().any(|hop| hop.why == Some(why)));
        let node = node.expect("the node is told");
        let named: Vec<(&str, Outcome)> = node.hops.iter().map(|hop| (hop.name.as_str(), hop.outcome)).collect();
        assert!(named.contains(&(hop, Outcome::Failed)), "{named:?}");
        for behind in behind {
            assert!(named.contains(&(behind, Outcome::NotTried)), "{named:?}");
        }
    }
}

#[test]
fn every_answer_that_needs_a_right_has_it_in_the_table() {
    let apis: BTreeSet<&str> = RIGHTS.iter().flat_map(|right| right.apis).copied().collect();
    let whole = [
        "DescribeCluster",
        "DescribeConfigs",
        "DescribeQuorum",
        "Fetch",
        "FetchSnapshot",
        "ListPartitionReassignments",
        "Metadata",
    ];
    assert_eq!(apis, BTreeSet::from(whole));
}

#[test]
fn a_rehearsed_cluster_is_examined_over_sockets() {
    let held = Held::at("broker-1-on-kraft", "--fault 2=silent --fault 3001=page-without-metric");
    let document = held.ask("doctor --request-timeout 1");
    assert_eq!(document["exit_code"], 3, "{document:#}");
    assert_eq!(document["summary"]["failed"], 2, "{document:#}");
    let ids: Vec<&str> = document["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .flat_map(|node| node["hops"].as_array().expect("hops"))
        .filter_map(|hop| hop["id"].as_str())
        .collect();
    assert_eq!(ids, ["timed-out", "page-without-metric"]);
    let healthy = Held::at("metadata-copied", "");
    let document = healthy.ask("doctor");
    assert_eq!((document["exit_code"].as_i64(), document["summary"]["failed"].as_i64()), (Some(0), Some(0)));
    assert_eq!(document["grants"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_recording_cannot_be_examined() {
    let ran = run("doctor --from nothing.json");
    assert_ne!(ran.code, 0);
}
