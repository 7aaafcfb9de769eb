//! Kafka 4, which has no ZooKeeper and tells of no migration: new clusters, finalized ones that move on, and what must
//! not be: over brokers on ZooKeeper, and beside controllers that have not finalized.

use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::node::{BrokerMode, ControllerMode};
use crate::verdicts::V::{Block, Ok};
use crate::verdicts::{Expected, STAGES, Walk, ask, by_id, findings, whole};
use crate::{KAFKA, POST_MIGRATION};

const OLDEST: &str = "4.0.2";
const NEWEST: &str = "4.4.0";

const BORN: &[Expected] = &[Expected { phase: "born in KRaft", verdicts: [Ok; 4], why: "there is nothing to migrate" }];

#[test]
fn a_cluster_that_was_born_in_kraft() {
    for version in [KAFKA, OLDEST, NEWEST] {
        let mut walk = Walk::on(version, "born-in-kraft", BORN, whole);
        let kafka = Distribution::fetch(version);
        let mut cluster = Cluster::born_in_kraft(&kafka, Shape { snapshot_bytes: Some(500), ..SMALLEST });
        walk.judge("born in KRaft", &cluster);
        walk.hold_log(&mut cluster, &kafka);
        walk.end(4);
    }
}

const FINALIZED: &[Expected] = &[
    Expected { phase: "finalized on 3.9", verdicts: [Ok; 4], why: "to the end" },
    Expected { phase: "one controller on Kafka 4", verdicts: [Ok; 4], why: "the others still tell the state" },
    Expected { phase: "all controllers on Kafka 4", verdicts: [Ok; 4], why: "no state is told, and none is needed" },
    Expected { phase: "the broker on Kafka 4, too", verdicts: [Ok; 4], why: "no code of ZooKeeper is left" },
];

#[test]
fn a_finalized_cluster_moves_on_to_kafka_4() {
    let mut walk = Walk::along("finalized-to-4", FINALIZED, whole);
    let mut cluster = Cluster::migrating(&Distribution::fetch(KAFKA), Shape { controllers: 3, ..SMALLEST });
    cluster.restart_brokers(BrokerMode::Kraft);
    for id in cluster.controller_ids() {
        cluster.restart_controller(id, ControllerMode::Finalized);
    }
    cluster.await_state(POST_MIGRATION);
    walk.judge("finalized on 3.9", &cluster);
    let kafka_4 = Distribution::fetch(NEWEST);
    for id in cluster.controller_ids() {
        cluster.set_software(id, &kafka_4);
        cluster.restart_controller(id, ControllerMode::Finalized);
        if id == 3001 {
            walk.judge("one controller on Kafka 4", &cluster);
        }
    }
    walk.judge("all controllers on Kafka 4", &cluster);
    cluster.set_software(1, &kafka_4);
    cluster.restart_broker(1, BrokerMode::Kraft);
    walk.judge("the broker on Kafka 4, too", &cluster);
    walk.end(16);
}

const OVER_ZOOKEEPER: &[Expected] = &[Expected {
    phase: "Kafka 4 over ZooKeeper brokers",
    verdicts: [Block; 4],
    why: "the cluster is split without a word",
}];

#[test]
fn a_controller_on_kafka_4_over_zookeeper_brokers() {
    let mut walk = Walk::along("4-over-zookeeper", OVER_ZOOKEEPER, by_id);
    let mut cluster = Cluster::migrating(&Distribution::fetch(KAFKA), Shape { brokers: 2, topics: true, ..SMALLEST });
    cluster.stop(3001);
    cluster.set_software(3001, &Distribution::fetch(OLDEST));
    walk.watch("Kafka 4 starts over ZooKeeper brokers", &mut cluster, &STAGES, |cluster| cluster.start_again(3001));
    walk.judge("Kafka 4 over ZooKeeper brokers", &cluster);
    let document = ask("finalized", &by_id(&cluster));
    assert_eq!(findings(&document, "zookeeper-beside-kafka-4"), ["broker 1 blocked", "broker 2 blocked"]);
    walk.end(0);
}

const BEFORE_THE_END: &[Expected] = &[Expected {
    phase: "one controller on Kafka 4",
    verdicts: [Block; 4],
    why: "the others have not finalized, and Kafka 4 never will",
}];

#[test]
fn a_controller_on_kafka_4_before_the_end() {
    let mut walk = Walk::along("4-before-the-end", BEFORE_THE_END, whole);
    let mut cluster = Cluster::migrating(&Distribution::fetch(KAFKA), Shape { controllers: 3, ..SMALLEST });
    cluster.restart_brokers(BrokerMode::Kraft);
    let leader = cluster.leader();
    let early = cluster.controller_ids().find(|id| *id != leader).expect("three controllers");
    cluster.set_software(early, &Distribution::fetch(OLDEST));
    cluster.restart_controller(early, ControllerMode::Finalized);
    walk.watch("a controller on Kafka 4 joins too early", &mut cluster, &STAGES, |_| ());
    walk.judge("one controller on Kafka 4", &cluster);
    let document = ask("finalized", &whole(&cluster));
    assert_eq!(findings(&document, "kafka-4-before-the-end"), [format!("controller {early} blocked")]);
    walk.end(0);
}
