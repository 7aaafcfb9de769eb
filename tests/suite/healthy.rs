//! Is a boring cluster healthy in every phase, there and back; and does each fault show in the row that is for it, in the
//! standing that it deserves? And what is judged together with a stage?

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kraft_check::evaluate::evaluate_tables;
use kraft_check::exit::{CANNOT_TELL, COMPLETE, NOT_YET, REFUSED, of_report};
use kraft_check::observe::Plan;
use kraft_check::observe::kept::Kept;
use kraft_check::rehearse::{Affliction, Broker, Cluster, Fault, Mode, Shared, Version, phases};
use kraft_check::report::{Report, Standing, Verdict};
use kraft_check::snapshot::{Expected, NodeId, Snapshot};
use kraft_check::stages::HEALTH;
use tokio::time::Instant;

use crate::partitions::{SETTLE_MS, copied, five, leader, on_kraft};
use crate::simulated::{Fate, Simulated, cluster, content_plan, two_looks};

pub(crate) const FIVE: [NodeId; 5] = [1, 2, 3, 4, 5];
pub(crate) const QUORUM: [NodeId; 3] = [3001, 3002, 3003];

/// Who is given and declared: brokers and controllers.
fn whom(brokers: &[NodeId], controllers: &[NodeId]) -> (Plan, Expected) {
    let ids = |ids: &[NodeId]| ids.iter().copied().collect::<BTreeSet<_>>();
    let plan = content_plan(&ids(brokers), &ids(controllers), true);
    let controllers = (!controllers.is_empty()).then(|| ids(controllers));
    (plan, Expected { brokers: Some(ids(brokers)), controllers, cluster_id: None })
}

async fn seen_by(plan: &Plan, expected: &Expected, cluster: &Shared) -> Snapshot {
    let network = Arc::new(Kept::nothing(Simulated::new(cluster.clone(), Box::new(|| Fate::Calm))));
    two_looks(&network, plan, expected).await
}

/// What two looks at a cluster show of which these are given and declared.
pub(crate) async fn seen(cluster: &Shared, brokers: &[NodeId], controllers: &[NodeId]) -> Snapshot {
    let (plan, expected) = whom(brokers, controllers);
    seen_by(&plan, &expected, cluster).await
}

fn judged(snapshot: &Snapshot) -> Report {
    evaluate_tables(&[&HEALTH], None, snapshot)
}

/// Every finding that keeps the cluster from being healthy: how it stands, its id, and whom it is about.
fn failing(report: &Report) -> Vec<String> {
    let fails = |standing| matches!(standing, Standing::Blocked | Standing::NotYet | Standing::Unknown);
    let findings = report.findings.iter().filter(|finding| fails(finding.standing));
    findings.map(|it| format!("{} {} {}", it.standing.word(), it.id, it.subject)).collect()
}

/// Five brokers on ZooKeeper, and a quorum that waits for them.
pub(crate) fn on_zookeeper() -> Cluster {
    let mut cluster = five(&[]);
    cluster.start_controllers();
    cluster.advance(SETTLE_MS);
    cluster
}

#[tokio::test(start_paused = true)]
async fn a_boring_cluster_is_healthy_in_every_phase_there_and_back() {
    for version in Version::ALL {
        let shared = Shared::new(cluster(version, 3, 3, 1));
        for phase in phases(&[1, 2, 3], &QUORUM) {
            shared.with(|cluster| phase.enter(cluster));
            let with_quorum = judged(&seen(&shared, &[1, 2, 3], &QUORUM).await);
            let without = judged(&seen(&shared, &[1, 2, 3], &[]).await);
            let (quorum_runs, beyond_zookeeper) = shared.with(|cluster| {
                let beyond = |broker: &Broker| broker.mode != Mode::Zookeeper;
                (!cluster.quorum.is_removed(), cluster.brokers.values().any(beyond))
            });
            // A quorum that is given has to be there; one that brokers know is found, and has to be there as well.
            let told = |holds| if holds { Verdict::Complete } else { Verdict::Unknown };
            let place = format!("{} of Kafka {version}", phase.id);
            assert_eq!(with_quorum.verdict, told(quorum_runs), "{place}: {:?}", failing(&with_quorum));
            assert_eq!(without.verdict, told(!beyond_zookeeper || quorum_runs), "{place}: {:?}", failing(&without));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_quorum_given_its_rows_are_not_demanded_of_a_cluster_that_has_not_begun() {
    let report = judged(&seen(&Shared::new(five(&[])), &FIVE, &[]).await);
    assert_eq!(report.verdict, Verdict::Complete);
    let of_quorum = [
        "controller-answers",
        "quorum-has-leader",
        "controller-votes",
        "voter-caught-up",
        "leader-unchanged",
        "voter-fetches",
        "no-unexpected-voter",
        "no-metadata-error",
        "no-fenced-broker",
        "zookeeper-keeps-up",
        "zookeeper-lag-steady",
        "same-cluster",
        "all-topics-shown",
    ];
    for id in of_quorum {
        let mut findings = report.findings.iter().filter(|finding| finding.id == id);
        assert!(findings.all(|finding| finding.standing == Standing::Skipped), "{id}");
    }
}

/// Whom a fault befalls.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Befalls {
    Broker1,
    Broker4,
    EveryBroker,
    Leader,
    Standby,
    Everybody,
}

impl Befalls {
    pub(crate) fn of(self, cluster: &Cluster) -> Vec<NodeId> {
        match self {
            Self::Broker1 => vec![1],
            Self::Broker4 => vec![4],
            Self::EveryBroker => FIVE.into(),
            Self::Leader => vec![leader(cluster)],
            Self::Standby => vec![standby(cluster)],
            Self::Everybody => FIVE.into_iter().chain(QUORUM).collect(),
        }
    }
}

fn standby(cluster: &Cluster) -> NodeId {
    QUORUM.into_iter().find(|id| *id != leader(cluster)).expect("a standby")
}

/// Where a migration is, and a healthy cluster there.
type Phase = (&'static str, fn() -> Cluster);

pub(crate) const PHASES: [Phase; 3] =
    [("on ZooKeeper", on_zookeeper), ("after the copy", || copied(&[])), ("on KRaft", || on_kraft(&[]))];

/// What fails on ZooKeeper beside a quorum, after the copy, and on KRaft; the standby that a fault befalls is called so.
pub(crate) type Fails = [&'static [&'static str]; 3];

const NOTHING: &[&str] = &[];
const MOVING: &[&str] = &["not_yet no-reassignment cluster", "not_yet no-under-replicated cluster"];
const BEHIND: &[&str] = &["not_yet no-under-replicated cluster"];
const OFFLINE: &[&str] = &[
    "not_yet no-offline-partition cluster",
    "not_yet no-under-replicated cluster",
    "not_yet no-under-min-isr cluster",
];
const FENCED: &[&str] =
    &["not_yet broker-listed broker 4", "not_yet no-under-replicated cluster", "not_yet no-fenced-broker cluster"];
const HIDDEN: &[&str] = &["unknown topics-shown cluster", "unknown all-topics-shown cluster"];
const UNTOLD: &[&str] = &["unknown no-reassignment cluster"];
const BEHIND_ZOOKEEPER: &[&str] = &["not_yet zookeeper-keeps-up quorum", "not_yet zookeeper-lag-steady quorum"];
const ELECTED: &[&str] = &[
    "not_yet leader-unchanged quorum",
    "unknown voter-fetches controller 3001",
    "unknown voter-fetches controller 3002",
    "unknown voter-fetches controller 3003",
];
const LEADERLESS: &[&str] = &[
    "not_yet quorum-has-leader quorum",
    "unknown no-reassignment cluster",
    "unknown controller-votes controller 3001",
    "unknown controller-votes controller 3002",
    "unknown controller-votes controller 3003",
    "unknown voter-caught-up quorum",
    "unknown no-unexpected-voter quorum",
    "unknown leader-unchanged quorum",
    "unknown voter-fetches quorum",
];

/// Every fault that health is about: whom it befalls, how many milliseconds ago, and what fails for it.
#[rustfmt::skip]
pub(crate) const CASES: [(Fault, Befalls, u64, Fails); 25] = [
    (Fault::Reassigning, Befalls::Broker4, 5_000, [MOVING; 3]),
    (Fault::UnderReplicated, Befalls::Broker4, 5_000, [BEHIND; 3]),
    (Fault::Offline, Befalls::Broker4, 5_000, [OFFLINE; 3]),
    (Fault::Fenced, Befalls::Broker4, 5_000, [NOTHING, FENCED, FENCED]),
    // The other one of the two that are asked shows them all.
    (Fault::TopicsHidden, Befalls::Broker1, 0, [NOTHING; 3]),
    (Fault::TopicsHidden, Befalls::EveryBroker, 0, [&["unknown topics-shown cluster"], HIDDEN, HIDDEN]),
    (Fault::SomeTopicsHidden, Befalls::Broker1, 0, [NOTHING; 3]),
    // Before the copy nobody counts them.
    (Fault::SomeTopicsHidden, Befalls::EveryBroker, 0, [NOTHING, &["unknown all-topics-shown cluster"], &["unknown all-topics-shown cluster"]]),
    (Fault::TopicDeletion, Befalls::Broker4, 0, [&["not_yet no-topic-deletion cluster"], NOTHING, NOTHING]),
    (Fault::MetadataErrors, Befalls::Leader, 0, [&["not_yet no-metadata-error quorum"]; 3]),
    (Fault::MetadataErrors, Befalls::Standby, 0, [NOTHING; 3]),
    (Fault::WriteBehind, Befalls::Leader, 0, [NOTHING, BEHIND_ZOOKEEPER, BEHIND_ZOOKEEPER]),
    (Fault::EpochMoves, Befalls::Leader, 5_000, [ELECTED; 3]),
    (Fault::NotFetching, Befalls::Standby, 3_000, [&["not_yet voter-fetches controller STANDBY"]; 3]),
    (Fault::NotFetching, Befalls::Standby, 15_000, [&["not_yet voter-caught-up controller STANDBY", "not_yet voter-fetches controller STANDBY"]; 3]),
    (Fault::Lagging, Befalls::Standby, 15_000, [&["not_yet voter-caught-up controller STANDBY"]; 3]),
    (Fault::NoLeader, Befalls::Standby, 5_000, [LEADERLESS; 3]),
    (Fault::Refuse, Befalls::Broker4, 0, [&["unknown broker-answers broker 4"]; 3]),
    (Fault::Refuse, Befalls::Standby, 0, [&["unknown controller-answers controller STANDBY"]; 3]),
    (Fault::Silent, Befalls::Broker4, 0, [&["unknown broker-answers broker 4"]; 3]),
    (Fault::Silent, Befalls::Standby, 0, [&["unknown controller-answers controller STANDBY"]; 3]),
    // Before the copy the ZooKeeper controller tells; after it the leader, and whoever can ask it.
    (Fault::ReassignmentsSilent, Befalls::Leader, 0, [NOTHING, NOTHING, UNTOLD]),
    (Fault::ReassignmentsSilent, Befalls::Everybody, 0, [UNTOLD; 3]),
    (Fault::ReassignmentsDenied, Befalls::Leader, 0, [NOTHING, NOTHING, UNTOLD]),
    (Fault::ReassignmentsDenied, Befalls::Everybody, 0, [UNTOLD; 3]),
];

#[tokio::test(start_paused = true)]
async fn each_fault_shows_in_its_own_rows_and_in_no_other() {
    for (fault, befalls, ago_ms, expected) in CASES {
        for ((phase, begin), expected) in PHASES.into_iter().zip(expected) {
            let mut cluster = begin();
            let standby = standby(&cluster).to_string();
            for node in befalls.of(&cluster) {
                cluster.faults.add(Affliction { node, fault });
            }
            cluster.advance(ago_ms);
            let report = judged(&seen(&Shared::new(cluster), &FIVE, &QUORUM).await);
            let expected: Vec<String> = expected.iter().map(|line| line.replace("STANDBY", &standby)).collect();
            let place = format!("{} of {befalls:?} {phase}", fault.name());
            assert_eq!(failing(&report), expected, "{place}");
            let some = |word: &str| expected.iter().any(|line| line.starts_with(word));
            let denied = fault == Fault::ReassignmentsDenied;
            let exit = match (some("not_yet"), some("unknown")) {
                (true, _) => &NOT_YET,
                (false, true) if denied => &REFUSED,
                (false, true) => &CANNOT_TELL,
                (false, false) => &COMPLETE,
            };
            assert_eq!(of_report(&report).code, exit.code, "{place}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn several_releases_are_named_and_hinder_nobody() {
    for befalls in [Befalls::Broker4, Befalls::Standby] {
        for mut cluster in [on_zookeeper(), copied(&[]), on_kraft(&[])] {
            for node in befalls.of(&cluster) {
                cluster.faults.add(Affliction { node, fault: Fault::OtherRelease });
            }
            let report = judged(&seen(&Shared::new(cluster), &FIVE, &QUORUM).await);
            assert_eq!((report.verdict, failing(&report)), (Verdict::Complete, vec![]));
            let mixed = report.warnings.iter().find(|note| note.id == "mixed-versions");
            assert!(mixed.is_some_and(|note| note.message.contains("3.8")), "{befalls:?}: {:?}", report.warnings);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_more_than_were_declared_is_not_yet() {
    for controllers in [&[][..], &QUORUM] {
        let mut cluster = five(&[]);
        if !controllers.is_empty() {
            cluster = on_kraft(&[]);
        }
        let report = judged(&seen(&Shared::new(cluster), &FIVE[..4], controllers).await);
        assert_eq!(failing(&report), ["not_yet no-unexpected-broker broker 5"]);
    }
}

#[tokio::test(start_paused = true)]
async fn silence_about_reassignments_costs_no_more_than_its_own_short_time() {
    for mut cluster in [on_zookeeper(), copied(&[]), on_kraft(&[])] {
        for node in FIVE.into_iter().chain(QUORUM) {
            cluster.faults.add(Affliction { node, fault: Fault::ReassignmentsSilent });
        }
        let (plan, expected) = whom(&FIVE, &QUORUM);
        let patient = Plan { request_timeout: Duration::from_secs(9), ..plan };
        let began = Instant::now();
        let report = judged(&seen_by(&patient, &expected, &Shared::new(cluster)).await);
        assert_eq!(failing(&report), UNTOLD);
        let took = began.elapsed();
        assert!(took < Duration::from_millis(2 * 3_000 + 1_000 + 100), "two looks, and a second between: {took:?}");
    }
}
