//! Health, on real clusters: complete in every phase of a migration and under load, and each ailment seen for what it is.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::ask;
use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::node::{BrokerMode, ControllerMode};
use crate::record::{Recordings, Snapshot};
use crate::tools::{self, Move};
use crate::verdicts::{brokers, findings, run, whole};
use crate::{KAFKA, MIGRATION, POST_MIGRATION};

const RECORDINGS: Recordings = Recordings { version: KAFKA, series: "health" };

/// How long a cluster may take to be boring again after something was done to it.
const PATIENCE: Duration = Duration::from_secs(40);
/// How many looks are taken under load, and how many at the same time.
const LOOKS: usize = 100;
const AT_ONCE: usize = 4;

#[test]
fn every_phase_of_a_migration_is_healthy() {
    let kafka = Distribution::fetch(KAFKA);
    let mut cluster = Cluster::start(&kafka, Shape { brokers: 2, controllers: 3, topics: true, ..SMALLEST });
    // Nobody has controllers yet, and nobody is asked for them.
    let without_controllers = [brokers(&cluster), with_pages(&cluster)].concat();
    healthy("pure ZooKeeper", &without_controllers);

    // A topic whose deletion waits for a broker is in nobody's Metadata any more.
    let controller = ask::metadata(cluster.endpoint(1)).expect("metadata").controller_id.0;
    let other = cluster.broker_ids().find(|id| *id != controller).expect("two brokers");
    cluster.stop(other);
    ask::delete_topic(cluster.endpoint(controller), "payments").expect("a deletion");
    let document = ails("a deletion that waits", "not_yet", &without_controllers);
    assert_eq!(findings(&document, "no-topic-deletion"), ["cluster null not_yet"]);
    cluster.start_again(other);
    eventually("the topic is deleted", &without_controllers, |document| document["verdict"] == "complete");

    cluster.provision_controllers();
    healthy("controllers up", &everything(&cluster));
    cluster.restart_broker(1, BrokerMode::Migration);
    healthy("one broker flagged", &everything(&cluster));
    cluster.restart_broker(2, BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    let document = healthy("all in migration mode", &everything(&cluster));
    assert_eq!(document["cluster"]["kafka_versions"], serde_json::json!(["3.9"]));
    cluster.restart_broker(1, BrokerMode::Kraft);
    healthy("one broker on KRaft", &everything(&cluster));
    let both = run(&["stage", "brokers-migrated", "--health"], &everything(&cluster));
    assert_eq!((both["verdict"].as_str(), &both["health"]), (Some("not_yet"), &Value::Bool(true)));
    assert_eq!(findings(&both, "broker-runs-kraft"), ["broker 2 not_yet"]);
    cluster.restart_broker(2, BrokerMode::Kraft);
    healthy("all brokers on KRaft", &everything(&cluster));
    healthy("without metrics", &whole(&cluster)[..6]);
    let both = run(&["stage", "brokers-migrated", "--health"], &everything(&cluster));
    assert_eq!(both["verdict"], "complete");
    for id in cluster.controller_ids() {
        cluster.restart_controller(id, ControllerMode::Finalized);
    }
    cluster.await_state(POST_MIGRATION);
    healthy("finalized", &everything(&cluster));

    // A producer that writes all the while, and a hundred looks, all of them complete.
    let load = tools::load(&kafka, &cluster, "orders", 1_000_000, 1_000);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                for _ in 0..LOOKS / AT_ONCE {
                    let document = run(&["health"], &everything(&cluster));
                    assert_eq!(document["verdict"], "complete", "under load: {document:#}");
                }
            });
        }
    });
    println!("under load: {LOOKS} looks complete in {:.1} s", began.elapsed().as_secs_f64());
    drop(load);
}

#[test]
fn each_ailment_is_seen() {
    let kafka = Distribution::fetch(KAFKA);
    let mut cluster = Cluster::migrating(&kafka, Shape { brokers: 4, controllers: 3, topics: true, ..SMALLEST });
    healthy("four brokers", &everything(&cluster));

    let mut three = everything(&cluster);
    three[3] = "1-3".to_owned();
    let document = ails("an unexpected fourth broker", "not_yet", &three);
    assert_eq!(findings(&document, "no-unexpected-broker"), ["broker 4 not_yet"]);

    tools::produce(&kafka, &cluster, "orders", 20_000);
    let moved = a_move(&cluster);
    moved.begin(&kafka, &cluster, 1_000);
    let document = ails("a throttled reassignment", "not_yet", &everything(&cluster));
    assert_eq!(findings(&document, "no-reassignment"), ["cluster null not_yet"]);
    assert!(message(&document, "no-reassignment").contains("orders-0"), "{document:#}");
    let document = run(&["stage", "brokers-in-migration", "--health"], &everything(&cluster));
    assert_eq!(findings(&document, "no-reassignment"), ["cluster null not_yet"]);
    moved.cancel(&kafka, &cluster);
    healthy_again("the reassignment is cancelled", &cluster);

    cluster.stop(4);
    let document = ails("a stopped broker", "not_yet", &everything(&cluster));
    assert_eq!(findings(&document, "no-under-replicated"), ["cluster null not_yet"]);
    // Brokers on ZooKeeper go on to list one that the controllers have fenced.
    assert_eq!(findings(&document, "no-fenced-broker"), ["cluster null not_yet"]);
    assert_eq!(findings(&document, "broker-answers"), ["broker 4 unknown"]);
    cluster.start_again(4);
    healthy_again("the broker is back", &cluster);

    let leader = cluster.leader();
    let held = cluster.controller_ids().find(|id| *id != leader).expect("three controllers");
    cluster.hold(held, true);
    // Its last fetch may still be under way at the leader for half a second.
    thread::sleep(Duration::from_secs(1));
    let document = ails("a voter that does not fetch", "not_yet", &everything(&cluster));
    let expected = format!("controller {held} not_yet");
    assert_eq!(findings(&document, "voter-fetches"), [expected.as_str()]);
    cluster.hold(held, false);
    healthy_again("the voter fetches again", &cluster);

    for id in cluster.controller_ids().filter(|id| *id != held).collect::<Vec<_>>() {
        cluster.kill(id);
    }
    let seen: Vec<String> = (0..5).map(|_| ails_somehow("a lost quorum", &everything(&cluster))).collect();
    println!("a lost quorum: {seen:?}");
}

#[test]
fn a_user_who_may_not_see_the_topics() {
    let kafka = Distribution::fetch(KAFKA);
    let cluster = Cluster::born_in_kraft(&kafka, Shape { topics: true, authorizer: true, ..SMALLEST });
    healthy("all rights", &everything(&cluster));
    ask::deny_describe(cluster.endpoint(3001), "payments").expect("a rule");
    // A rule is a record like any other, and takes a moment to reach the broker.
    let document = eventually("one topic hidden", &everything(&cluster), |document| document["verdict"] == "unknown");
    assert_eq!(findings(&document, "all-topics-shown"), ["cluster null unknown"]);
    ask::deny_describe(cluster.endpoint(3001), "*").expect("a rule");
    let document = eventually("every topic hidden", &everything(&cluster), |document| {
        findings(document, "topics-shown") == ["cluster null unknown"]
    });
    assert_eq!(document["verdict"], "unknown");
    // Without a count nobody can say how many there are; that there are none is still no health.
    let document = run(&["health"], &whole(&cluster)[..6]);
    assert_eq!((document["verdict"].as_str(), findings(&document, "topics-shown").len()), (Some("unknown"), 1));
}

/// The addresses, and the pages of all nodes.
fn everything(cluster: &Cluster) -> Vec<String> {
    let mut flags = whole(cluster);
    let all = with_pages(cluster);
    let place = flags.iter().position(|flag| flag == "--metrics").expect("pages");
    flags.splice(place..place + 2, all);
    flags
}

fn with_pages(cluster: &Cluster) -> Vec<String> {
    let brokers = cluster.broker_ids().map(|id| format!("{id}={}", cluster.page(id)));
    let all: Vec<String> = brokers.chain([cluster.pages()]).collect();
    ["--metrics".to_owned(), all.join(",")].into()
}

fn healthy(phase: &str, flags: &[String]) -> Value {
    let document = kept(phase, flags);
    println!("{phase}: {}", document["verdict"]);
    assert_eq!(document["verdict"], "complete", "{phase}: {document:#}");
    document
}

fn healthy_again(phase: &str, cluster: &Cluster) {
    eventually(phase, &everything(cluster), |document| document["verdict"] == "complete");
}

fn ails(phase: &str, verdict: &str, flags: &[String]) -> Value {
    let document = kept(phase, flags);
    println!("{phase}: {}: {}", document["verdict"], document["summary"]["text"]);
    assert_eq!(document["verdict"], verdict, "{phase}: {document:#}");
    document
}

/// Not healthy, whatever else is said.
fn ails_somehow(phase: &str, flags: &[String]) -> String {
    let document = kept(phase, flags);
    let verdict = document["verdict"].as_str().expect("a verdict").to_owned();
    assert!(["unknown", "not_yet"].contains(&verdict.as_str()), "{phase}: {document:#}");
    verdict
}

fn eventually(phase: &str, flags: &[String], is_so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let document = kept(phase, flags);
        if is_so(&document) {
            println!("{phase}: {} after {:.1} s", document["verdict"], began.elapsed().as_secs_f64());
            return document;
        }
        assert!(began.elapsed() < PATIENCE, "{phase}: {document:#}");
    }
}

/// Asks for health, keeps the recording of it, and holds its replay to the same words.
fn kept(phase: &str, flags: &[String]) -> Value {
    let snapshot = Snapshot::new();
    let document = run(&["health"], &[flags, &[snapshot.flag()]].concat());
    assert_eq!(snapshot.looks(), 2, "health is judged by two looks");
    let replayed = snapshot.replay_health();
    assert_eq!(replayed, document, "the recording says what the looks said");
    RECORDINGS.keep(&snapshot, phase);
    document
}

fn message(document: &Value, id: &str) -> String {
    let findings = document["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["id"] == id).map(|it| it["message"].to_string()).unwrap_or_default()
}

/// A move of the first partition of `orders` from one of its brokers to the one that has no replica of it.
fn a_move(cluster: &Cluster) -> Move<'static> {
    let metadata = ask::metadata(cluster.endpoint(1)).expect("metadata");
    let topic =
        metadata.topics.iter().find(|topic| topic.name.as_ref().is_some_and(|name| name.0.as_str() == "orders"));
    let partitions = &topic.expect("the topic").partitions;
    let first = partitions.iter().find(|partition| partition.partition_index == 0).expect("a partition");
    let mut replicas: Vec<i32> = first.replica_nodes.iter().map(|id| id.0).collect();
    let other = cluster.broker_ids().find(|id| !replicas.contains(id)).expect("a broker without a replica");
    *replicas.last_mut().expect("replicas") = other;
    Move { topic: "orders", partition: 0, replicas }
}
