//! Versions that tell less: Kafka 3.4, which has no flag and no state on the wire, and Kafka 4, which has neither because
//! it has no ZooKeeper. What real clusters of both say is in the recordings; here are the rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use kraft_check::evaluate::evaluate;
use kraft_check::report::{Finding, Report, Standing, Verdict};
use kraft_check::signals::{BROKER_RUNG, BrokerRung, MIGRATION_STATE, StateRung, View};
use kraft_check::snapshot::{Generation, Look, Node, Subject};
use kraft_check::stages::STAGES;

use crate::answers::{ON_KRAFT, ON_ZOOKEEPER, broker, leader, look, page, snapshot, standby};
use crate::recordings::{accidents, snapshots};

/// The releases that lists of APIs tell apart, in their order.
const RELEASES: [&str; 8] = ["3.4 or older", "3.5", "3.6", "3.7", "3.8", "3.9", "4.0", "4.1 or newer"];
/// Recordings in which nodes of 3.9 stand beside those of a Kafka 4.
const MIXED: [&str; 3] = ["finalized-to-4", "4-over-zookeeper", "4-before-the-end"];

/// The versions of Fetch that a node lists.
fn fetch(mut node: Node, lowest: i16, highest: i16) -> Node {
    let said = node.api_versions.said.as_mut().expect("it answers");
    *Arc::make_mut(&mut said.apis).iter_mut().find(|api| api.0 == 1).expect("Fetch") = (1, lowest, highest);
    said.zk_migration_ready = Some(said.zk_migration_ready == Some(true) && lowest == 0 && highest > 13);
    node
}

fn on_3_4(node: Node) -> Node {
    fetch(node, 0, 13)
}

fn on_4(node: Node) -> Node {
    fetch(node, 4, 17)
}

#[test]
fn fetch_tells_the_generation() {
    let generation = |lowest, highest| {
        let node = fetch(standby(3001), lowest, highest);
        node.api_versions.said.expect("it answers").generation()
    };
    assert_eq!(generation(0, 13), Generation::BeforeFlag);
    for highest in [15, 16, 17] {
        assert_eq!(generation(0, highest), Generation::Migrating);
    }
    for highest in [17, 18, 19] {
        assert_eq!(generation(4, highest), Generation::WithoutZookeeper);
    }
    let mut silent = standby(3001).api_versions.said.expect("it answers");
    silent.apis = silent.apis.iter().copied().filter(|api| api.0 != 1).collect();
    assert_eq!(silent.generation(), Generation::BeforeFlag, "of what lists no Fetch, as little as possible");
}

fn judge(look: Look, stage: usize) -> Report {
    evaluate(&STAGES[stage], &snapshot(&[1, 2], &[3001, 3002], [look.clone(), look]))
}

fn finding<'a>(report: &'a Report, id: &str) -> &'a Finding {
    report.findings.iter().find(|finding| finding.id == id).expect("a finding")
}

#[test]
fn a_3_4_broker_on_zookeeper_may_have_its_flag_or_not() {
    let all =
        [leader(3001, &[(3002, Some(400))]), standby(3002), broker(1, ON_ZOOKEEPER, false), broker(2, ON_KRAFT, false)];
    let look = look(all.map(on_3_4), []);
    let snapshot = snapshot(&[1, 2], &[3001, 3002], [look.clone()]);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    let rung = BROKER_RUNG.read(&view, Subject::Broker(1)).expect("its keys tell");
    assert_eq!((rung.value, rung.most()), (BrokerRung::Zookeeper, BrokerRung::Migration));
    let report = judge(look.clone(), 1);
    assert_eq!(report.verdict, Verdict::Unknown);
    let words = &finding(&report, "broker-in-migration").message;
    assert!(words.contains("Kafka before 3.5") && words.contains("configuration"), "{words}");
    // That it is not on KRaft is plain all the same.
    assert_eq!(finding(&judge(look, 2), "broker-runs-kraft").standing, Standing::NotYet);
}

/// All four verdicts of a cluster on Kafka 4 with these brokers.
fn verdicts(brokers: impl IntoIterator<Item = Node>) -> [Verdict; 4] {
    let mut nodes = vec![on_4(leader(3001, &[(3002, Some(400))])), on_4(standby(3002))];
    nodes.extend(brokers);
    [0, 1, 2, 3].map(|stage| judge(look(nodes.clone(), []), stage).verdict)
}

#[test]
fn kafka_4_is_beyond_every_stage_once_a_broker_says_so() {
    let kraft = |id| on_4(broker(id, ON_KRAFT, false));
    assert_eq!(verdicts([kraft(1), kraft(2)]), [Verdict::Complete; 4]);
    assert_eq!(verdicts([kraft(1), broker(2, ON_KRAFT, false)]), [Verdict::Complete; 4], "a broker of 3.9 beside it");
    assert_eq!(verdicts([]), [Verdict::Unknown; 4], "only the brokers tell");
    assert_eq!(verdicts([kraft(1), broker(2, ON_ZOOKEEPER, true)]), [Verdict::Blocked; 4], "a split cluster");
    assert_eq!(verdicts([kraft(1), broker(2, ON_KRAFT, true)])[2..], [Verdict::NotYet; 2], "a leftover flag");
}

#[test]
fn a_follower_of_3_9_under_a_leader_of_kafka_4_still_answers_for_itself() {
    let report = |state: f64| {
        let nodes = [
            on_4(leader(3001, &[(3002, Some(400))])),
            standby(3002),
            broker(1, ON_KRAFT, false),
            broker(2, ON_KRAFT, false),
        ];
        judge(look(nodes, [page(3002, state)]), 2)
    };
    assert_eq!(report(3.0).verdict, Verdict::Complete);
    for unfinished in [1.0, 2.0] {
        let report = report(unfinished);
        assert_eq!(report.verdict, Verdict::Blocked);
        let early = finding(&report, "kafka-4-before-the-end");
        assert_eq!((early.standing, early.subject), (Standing::Blocked, Subject::Controller(3001)));
    }
}

#[test]
fn without_a_page_a_leader_with_its_flag_on_is_between_two_states() {
    let state = |brokers: &[Node]| {
        let mut nodes = vec![leader(3001, &[])];
        nodes.extend_from_slice(brokers);
        let snapshot = snapshot(&[1], &[3001], [look(nodes, [])]);
        let view = View::new(&snapshot, &snapshot.looks[0]);
        MIGRATION_STATE
            .read(&view, Subject::Quorum)
            .map(|seen| (seen.value, seen.most()))
            .map_err(|unseen| unseen.missed.why)
    };
    let flagged = broker(1, ON_ZOOKEEPER, true);
    assert_eq!(state(&[flagged]), Ok((StateRung::PreMigration, StateRung::PostMigration)));
    // A KRaft broker proves the copy only if the leader itself has registered it.
    let stranger = broker(1, ON_KRAFT, false);
    assert_eq!(state(&[stranger]), Ok((StateRung::PreMigration, StateRung::PostMigration)));
    let registered = Node { quorum: leader(3001, &[]).quorum, ..broker(1, ON_KRAFT, false) };
    assert_eq!(state(&[registered]), Ok((StateRung::Migration, StateRung::PostMigration)));
    let combined = Node { quorum: leader(3001, &[]).quorum, ..broker(3001, ON_KRAFT, true) };
    assert_eq!(state(&[combined]), Ok((StateRung::PreMigration, StateRung::PostMigration)));
    let mut of_another = Node { quorum: leader(3001, &[]).quorum, ..broker(1, ON_KRAFT, false) };
    crate::answers::leadership(&mut of_another).high_watermark = 1;
    assert_eq!(state(&[of_another]), Ok((StateRung::PreMigration, StateRung::PostMigration)), "its log is another");
}

/// The place of a folder's release among those that can be told apart.
fn release_of(folder: &str) -> usize {
    let (major, minor) = folder.split_once('.').expect("a version");
    match (major, minor.split('.').next().expect("a minor version")) {
        ("3", "4") => 0,
        ("3", minor) => minor.parse::<usize>().expect("a number") - 4,
        ("4", "0") => 6,
        _ => 7,
    }
}

#[test]
fn the_release_that_a_list_tells_is_that_of_the_node_that_was_recorded() {
    let mut met = BTreeSet::new();
    let accidents = accidents().iter().flat_map(|(name, looks)| looks.iter().map(move |snapshot| (name, snapshot)));
    for (name, snapshot) in snapshots().iter().map(|(name, snapshot)| (name, snapshot)).chain(accidents) {
        let mut parts = name.split('/');
        let (folder, series) = (parts.next().expect("a version"), parts.next().expect("a series"));
        let recorded = release_of(folder);
        for node in snapshot.looks.iter().flat_map(|look| &look.nodes) {
            let Ok(said) = &node.api_versions.said else { continue };
            let (oldest, newest) = said.releases().expect("every node lists Fetch");
            let place = |release: String| RELEASES.iter().position(|known| *known == release).expect("a known release");
            let told = place(oldest.to_string())..=place(newest.to_string());
            let is_of_kafka_4 = MIXED.contains(&series) && *told.start() > 5;
            assert!(is_of_kafka_4 || told.contains(&recorded), "{name}: {} is told {told:?}", node.endpoint);
            // Only controllers of 3.7 and 3.8 are alike.
            assert!(told.start() == told.end() || told == (3..=4), "{name}: {} is told {told:?}", node.endpoint);
            met.extend(told);
        }
    }
    assert_eq!(met.into_iter().collect::<Vec<_>>(), (0..RELEASES.len()).collect::<Vec<_>>(), "each is recorded");
}
