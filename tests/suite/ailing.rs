//! Every row of health: one change to a healthy cluster, and that row must tell; another, and it must say that it does not
//! see, or that it does not matter.
//!
//! Answers are put together by hand, so that each row can fail alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use kraft_check::evaluate::evaluate_tables;
use kraft_check::report::{Report, Standing, Verdict};
use kraft_check::snapshot::{
    Answer, Depth, Expected, Leadership, Look, MinIsr, Node, Owner, PageOf, Partition, Reassignment, Replica, Sample,
    Snapshot, Topics,
};
use kraft_check::stages::{HEALTH, Subjects};

use crate::answers::{
    ON_KRAFT, broker, broker_at, leader, leadership, lists, look, page, said, silent, snapshot, standby,
};

const LEADER: usize = 0;
const STANDBY: usize = 1;
const BROKER: usize = 2;
const OTHER_BROKER: usize = 3;

/// Two controllers and two brokers on KRaft, in one look of two; the second is a second later.
fn healthy_look(second: bool) -> Look {
    let listed = [(1, 1), (2, 2)];
    let mut brokers = [broker(1, ON_KRAFT, false), broker(2, ON_KRAFT, false)];
    for broker in &mut brokers {
        broker.metadata = lists(&listed);
        broker.topics = shows(Vec::new());
        broker.api_versions.said.as_mut().expect("it answers").features.epoch = Some(7);
    }
    let mut leader = leader(3001, &[(3002, Some(400))]);
    leader.reassignments = said(Ok(Vec::new()));
    let [one, two] = brokers;
    let pages = [page(3001, 1.0), page(3002, 1.0), PageOf { owner: Owner::Id(1), ..page(1, 4.0) }];
    let mut look = look([leader, standby(3002), one, two], pages);
    for (at, bean, value) in [
        (0, "GlobalTopicCount", "4.0"),
        (0, "FencedBrokerCount", "0.0"),
        (0, "MetadataErrorCount", "0.0"),
        (0, "ZkWriteBehindLag", "2.0"),
        (2, "TopicsToDeleteCount", "0.0"),
    ] {
        export(&mut look, at, bean, value);
    }
    if second {
        for voter in &mut leadership(&mut look.nodes[LEADER]).voters {
            (voter.last_fetch, voter.last_caught_up) =
                (voter.last_fetch.map(|at| at + 1_000), voter.last_caught_up.map(|at| at + 1_000));
        }
    }
    look
}

fn healthy() -> Snapshot {
    let looks = [healthy_look(false), healthy_look(true)];
    Snapshot { depth: Depth::Content, ..snapshot(&[1, 2], &[3001, 3002], looks) }
}

fn shows(not_whole: Vec<Partition>) -> Answer<Topics> {
    said(Ok(Topics { topics: 4, partitions: 12, not_whole, ..Topics::default() }))
}

/// The page of this number has this gauge with this value.
fn export(look: &mut Look, page: usize, bean: &str, value: &str) {
    let name = format!("kafka_controller_kafkacontroller_{}", bean.to_lowercase());
    let samples = &mut look.pages[page].page.said.as_mut().expect("a page").samples;
    samples.retain(|sample| sample.name != name);
    samples.push(Sample { name, labels: Vec::new(), value: value.to_owned() });
}

fn partition(leader: i32, isr: &[i32]) -> Partition {
    let (replicas, isr) = (vec![1, 2], isr.to_vec());
    Partition { topic: "orders".into(), index: 0, error_code: 0, leader, replicas, isr, offline: Vec::new() }
}

/// What is done to both looks.
fn both(snapshot: &mut Snapshot, change: impl Fn(&mut Look)) {
    snapshot.looks.iter_mut().for_each(change);
}

/// What the leader says of the quorum, in both looks.
fn quorum(snapshot: &mut Snapshot, change: impl Fn(&mut Leadership)) {
    both(snapshot, |look| change(leadership(&mut look.nodes[LEADER])));
}

fn gauge(snapshot: &mut Snapshot, page: usize, bean: &str, value: &str) {
    both(snapshot, |look| export(look, page, bean, value));
}

fn no_pages(snapshot: &mut Snapshot) {
    both(snapshot, |look| look.pages.clear());
}

fn no_quorum(snapshot: &mut Snapshot) {
    both(snapshot, |look| look.nodes.iter_mut().for_each(|node| node.quorum = silent()));
}

fn one_look(snapshot: &mut Snapshot) {
    snapshot.looks.remove(0);
}

/// Both brokers show this partition, of whose topic so many replicas must be in sync.
fn shown(snapshot: &mut Snapshot, partition: &Partition, min_isr: Option<u32>) {
    both(snapshot, |look| {
        for node in &mut look.nodes[BROKER..] {
            node.topics = shows(vec![partition.clone()]);
            let told = |min_isr| said(Ok(vec![MinIsr { topic: "orders".to_owned(), min_isr }]));
            node.min_isr = min_isr.map_or_else(silent, told);
        }
    });
}

fn add(look: &mut Look, node: Node) {
    look.nodes.push(node);
}

type Change = fn(&mut Snapshot);

/// Every row: how it fails alone, if it can; and how it is not seen, and how it stands then.
#[rustfmt::skip]
const ROWS: [(&str, Option<Change>, Change, Standing); 27] = [
    ("broker-answers", None, |it| both(it, |look| look.nodes[OTHER_BROKER].api_versions = silent()), Standing::Unknown),
    ("broker-listed", Some(|it| both(it, |look| look.nodes[OTHER_BROKER].metadata = lists(&[(2, 2)]))),
        |it| both(it, |look| look.nodes[BROKER..].iter_mut().for_each(|node| node.metadata = silent())), Standing::Unknown),
    ("no-unexpected-broker", Some(|it| both(it, |look| {
        let all = [(1, 1), (2, 2), (3, 3)];
        look.nodes[BROKER..].iter_mut().for_each(|node| node.metadata = lists(&all));
        add(look, broker_at(3, &all));
    })), |it| it.expected.brokers = None, Standing::Skipped),
    ("broker-lists-others", None, |it| both(it, |look| look.nodes[OTHER_BROKER].metadata = silent()), Standing::Unknown),
    ("brokers-known", None, |it| {
        it.expected.brokers = None;
        both(it, |look| add(look, Node { given: None, metadata: silent(), ..broker(9, ON_KRAFT, false) }));
    }, Standing::Unknown),
    ("broker-of-cluster", Some(|it| {
        it.expected.cluster_id = Some("ours".to_owned());
        both(it, |look| look.nodes[OTHER_BROKER].metadata.said.as_mut().expect("a list").cluster_id = Some("theirs".to_owned()));
    }), |it| it.expected.cluster_id = Some("ours".to_owned()), Standing::Unknown),
    ("no-reassignment", Some(|it| both(it, |look| {
        let moved = Reassignment { topic: Arc::from("orders"), index: 0, replicas: vec![1, 2], adding: vec![2], removing: vec![] };
        look.nodes[LEADER].reassignments = said(Ok(vec![moved]));
    })), |it| both(it, |look| look.nodes[LEADER].reassignments = silent()), Standing::Unknown),
    ("topics-shown", None, |it| both(it, |look| look.nodes[BROKER..].iter_mut().for_each(|node| {
        node.topics = said(Ok(Topics::default()));
    })), Standing::Unknown),
    ("all-topics-shown", None, |it| gauge(it, 0, "GlobalTopicCount", "5.0"), Standing::Unknown),
    ("no-offline-partition", Some(|it| shown(it, &partition(-1, &[1, 2]), None)),
        |it| both(it, |look| look.nodes[OTHER_BROKER].topics = silent()), Standing::Unknown),
    ("no-under-replicated", Some(|it| shown(it, &partition(1, &[1]), Some(1))),
        |it| both(it, |look| look.nodes[BROKER].topics = silent()), Standing::Unknown),
    ("no-under-min-isr", Some(|it| shown(it, &partition(1, &[1]), Some(2))), |it| shown(it, &partition(1, &[1]), None), Standing::Unknown),
    ("no-topic-deletion", Some(|it| gauge(it, 2, "TopicsToDeleteCount", "1.0")), no_pages, Standing::Skipped),
    ("no-fenced-broker", Some(|it| gauge(it, 0, "FencedBrokerCount", "1.0")), no_pages, Standing::Skipped),
    ("broker-applies-metadata", Some(|it| quorum(it, |said| said.high_watermark = 11)), |it| both(it, |look| {
        look.nodes[BROKER..].iter_mut().for_each(|node| node.api_versions.said.as_mut().expect("it answers").features.epoch = None);
    }), Standing::Skipped),
    ("controller-answers", None, |it| both(it, |look| look.nodes[STANDBY].api_versions = silent()), Standing::Unknown),
    ("quorum-has-leader", Some(|it| both(it, |look| look.nodes[LEADER] = standby(3001))), no_quorum, Standing::Unknown),
    ("controller-votes", Some(|it| quorum(it, |said| said.observers = said.voters.split_off(1))), no_quorum, Standing::Unknown),
    ("voter-caught-up", Some(|it| quorum(it, |said| said.voters[1].last_caught_up = Some(0))),
        |it| quorum(it, |said| said.voters[1].last_caught_up = None), Standing::Unknown),
    ("controllers-known", None, |it| both(it, |look| add(look, Node { given: None, ..standby(3009) })), Standing::Unknown),
    ("no-unexpected-voter", Some(|it| quorum(it, |said| {
        let third = Replica { id: 3003, ..said.voters[1] };
        said.voters.push(third);
    })), |it| it.expected.controllers = None, Standing::Skipped),
    ("same-cluster", Some(|it| both(it, |look| {
        let mut other = look.nodes[LEADER].quorum.clone();
        let Ok(kraft_check::snapshot::Quorum::Leader(said)) = &mut other.said else { panic!("it leads") };
        said.leader = 3002;
        look.nodes[BROKER].quorum = other;
    })), |_| (), Standing::Skipped),
    ("leader-unchanged", Some(|it| leadership(&mut it.looks[1].nodes[LEADER]).epoch += 1), one_look, Standing::Unknown),
    ("voter-fetches", Some(|it| {
        let before = leadership(&mut it.looks[0].nodes[LEADER]).voters[1].last_fetch;
        leadership(&mut it.looks[1].nodes[LEADER]).voters[1].last_fetch = before;
    }), one_look, Standing::Unknown),
    ("no-metadata-error", Some(|it| gauge(it, 0, "MetadataErrorCount", "1.0")), no_pages, Standing::Skipped),
    ("zookeeper-keeps-up", Some(|it| gauge(it, 0, "ZkWriteBehindLag", "51.0")), no_pages, Standing::Skipped),
    ("zookeeper-lag-steady", Some(|it| {
        export(&mut it.looks[0], 0, "ZkWriteBehindLag", "11.0");
        export(&mut it.looks[1], 0, "ZkWriteBehindLag", "12.0");
    }), no_pages, Standing::Skipped),
];

fn after(change: Change) -> Report {
    let mut changed = healthy();
    change(&mut changed);
    evaluate_tables(&[&HEALTH], None, &changed)
}

/// How a row stands, with the worst of its subjects.
fn standing(report: &Report, id: &str) -> Standing {
    report.findings.iter().filter(|finding| finding.id == id).map(|finding| finding.standing).min().expect("the row")
}

#[test]
fn the_cluster_that_is_changed_is_healthy_and_every_row_of_health_has_its_changes() {
    assert_eq!(after(|_| ()).verdict, Verdict::Complete);
    let tried: BTreeSet<&str> = ROWS.iter().map(|(id, ..)| *id).collect();
    assert_eq!(tried, HEALTH.rows.iter().map(|row| row.id).collect());
}

#[test]
fn each_row_that_can_fail_tells_when_it_alone_does() {
    for (id, fails, ..) in ROWS {
        let Some(fails) = fails else { continue };
        let report = after(fails);
        assert_eq!(standing(&report, id), Standing::NotYet, "{id}");
        assert!(report.verdict >= Verdict::NotYet, "{id}");
        let failing = report.findings.iter().filter(|finding| finding.standing == Standing::NotYet);
        let others: Vec<&str> = failing.map(|finding| finding.id).filter(|other| *other != id).collect();
        let known: &[&str] = match id {
            // What is below the minimum is out of sync; and what is of another cluster is so for both of these.
            "no-under-min-isr" => &["no-under-replicated"],
            "broker-of-cluster" => &["same-cluster"],
            _ => &[],
        };
        assert_eq!(others, known, "{id}");
    }
}

#[test]
fn each_row_that_is_not_seen_says_so_and_only_a_witness_lets_it_pass() {
    for (id, _, unseen, expected) in ROWS {
        let report = after(unseen);
        assert_eq!(standing(&report, id), expected, "{id}");
        assert_eq!(report.verdict != Verdict::Complete, expected == Standing::Unknown, "{id}: {}", report.summary);
        let row = HEALTH.rows.iter().find(|row| row.id == id).expect("the row");
        assert!(row.required || expected == Standing::Skipped, "{id} is a witness");
    }
}

#[test]
fn a_blind_look_leaves_nothing_but_the_unknown() {
    let blind = |it: &mut Snapshot| {
        both(it, |look| {
            look.pages.clear();
            for node in &mut look.nodes {
                (node.api_versions, node.metadata, node.quorum) = (silent(), silent(), silent());
                (node.topics, node.reassignments) = (silent(), silent());
            }
        });
    };
    let report = after(blind);
    assert_eq!(report.verdict, Verdict::Unknown);
    for row in HEALTH.rows {
        let expected = match row.id {
            // Whom we expect is known without any answer, and there is nobody else.
            "no-unexpected-broker" | "controllers-known" => Standing::Pass,
            // Of a silent broker its silence is said once; the brokers were declared, and no cluster was.
            "broker-lists-others" | "brokers-known" | "broker-of-cluster" | "all-topics-shown" => Standing::Skipped,
            _ if row.required => Standing::Unknown,
            _ => Standing::Skipped,
        };
        assert_eq!(standing(&report, row.id), expected, "{}", row.id);
    }
}

#[test]
fn what_is_a_little_behind_is_no_more_than_that() {
    let verdict = |change: Change| after(change).verdict;
    assert_eq!(verdict(|it| gauge(it, 0, "ZkWriteBehindLag", "50.0")), Verdict::Complete);
    let grows = |it: &mut Snapshot| {
        export(&mut it.looks[0], 0, "ZkWriteBehindLag", "10.0");
        export(&mut it.looks[1], 0, "ZkWriteBehindLag", "50.0");
    };
    assert_eq!(verdict(grows), Verdict::Complete, "a moment's lag");
    assert_eq!(verdict(|it| shown(it, &partition(1, &[1, 2]), None)), Verdict::Complete, "an offline log directory");
}

#[test]
fn a_broker_may_have_two_records_to_apply_that_were_committed_a_second_ago() {
    let behind = |first: i64, last: i64, applied: i64| {
        let mut changed = healthy();
        for (look, high_watermark) in changed.looks.iter_mut().zip([first, last]) {
            leadership(&mut look.nodes[LEADER]).high_watermark = high_watermark;
        }
        changed.looks[1].nodes[BROKER].api_versions.said.as_mut().expect("it answers").features.epoch = Some(applied);
        standing(&evaluate_tables(&[&HEALTH], None, &changed), "broker-applies-metadata")
    };
    assert_eq!(behind(9, 400, 8), Standing::Pass, "all of the first look");
    assert_eq!(behind(9, 400, 6), Standing::Pass, "all but two");
    assert_eq!(behind(9, 9, 5), Standing::NotYet, "all but three");
    assert_eq!(behind(9, 9, i64::MIN), Standing::NotYet);
    let mut alone = healthy();
    one_look(&mut alone);
    let report = evaluate_tables(&[&HEALTH], None, &alone);
    assert_eq!(standing(&report, "broker-applies-metadata"), Standing::Skipped, "there is no second ago");
    assert_eq!(report.behind, [(1, 1), (2, 1)], "as it is shown to people");
}

#[test]
fn of_two_that_tell_of_moves_the_worse_counts() {
    let moved = || {
        let (replicas, adding, removing) = (vec![1, 2], vec![2], Vec::new());
        vec![Reassignment { topic: Arc::from("orders"), index: 0, replicas, adding, removing }]
    };
    let mut changed = healthy();
    both(&mut changed, |look| look.nodes[BROKER].reassignments = said(Ok(moved())));
    let standing_of = |changed: &Snapshot| standing(&evaluate_tables(&[&HEALTH], None, changed), "no-reassignment");
    assert_eq!(standing_of(&changed), Standing::NotYet);
    both(&mut changed, |look| look.nodes[BROKER].reassignments = silent());
    assert_eq!(standing_of(&changed), Standing::Pass, "the leader knows, whoever else does not answer");
}

#[test]
fn so_many_that_only_the_first_are_kept_are_not_taken_for_few() {
    let many = |not_whole: Vec<Partition>| {
        let mut changed = healthy();
        both(&mut changed, |look| {
            let shows = Topics {
                topics: 4,
                partitions: 90_000,
                not_whole: not_whole.clone(),
                more_not_whole: 70_000,
                ..Topics::default()
            };
            look.nodes[BROKER].topics = said(Ok(shows));
            look.nodes[BROKER].min_isr = said(Ok(vec![MinIsr { topic: "orders".to_owned(), min_isr: 1 }]));
        });
        let report = evaluate_tables(&[&HEALTH], None, &changed);
        ["no-offline-partition", "no-under-replicated", "no-under-min-isr"].map(|id| standing(&report, id))
    };
    assert_eq!(many(vec![partition(1, &[1])]), [Standing::Unknown, Standing::NotYet, Standing::Unknown]);
    assert_eq!(many(vec![partition(-1, &[1])]), [Standing::NotYet, Standing::NotYet, Standing::Unknown]);
}

#[test]
fn who_is_expected_is_whoever_is_there_where_nobody_was_declared() {
    let undeclared = after(|it| it.expected = Expected::default());
    assert_eq!(undeclared.verdict, Verdict::Complete, "{}", undeclared.summary);
    let whole = HEALTH.rows.iter().filter(|row| row.of == Subjects::Cluster).count();
    assert_eq!(whole, 8, "rows of the cluster as a whole");
}
