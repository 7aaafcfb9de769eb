//! What goes astray without any guard to say so: flags left behind, brokers that stay registered, controllers that nobody
//! hears or that only observe, controllers that are brokers as well.

use crate::cluster::{Cluster, SMALLEST, Shape, Voters};
use crate::distribution::Distribution;
use crate::looking::ask_without_log;
use crate::node::{BrokerMode, ControllerMode};
use crate::verdicts::V::{Huh, No, Ok};
use crate::verdicts::{Expected, LAST, LATER, STAGES, Walk, ask, findings, whole, without};
use crate::{KAFKA, MIGRATION, POST_MIGRATION};

const LEFTOVER_FLAG: &[Expected] = &[
    Expected {
        phase: "on KRaft with its flag",
        verdicts: [Ok, Ok, No, No],
        why: "the flag has no use there, and makes a disk failure fatal",
    },
    Expected { phase: "its flag is gone", verdicts: [Ok, Ok, Ok, No], why: "nothing else was wrong" },
];

#[test]
fn a_flag_left_behind_on_a_kraft_broker() {
    let mut walk = Walk::along("leftover-flag", LEFTOVER_FLAG, whole);
    let mut cluster = Cluster::migrating(&Distribution::fetch(KAFKA), SMALLEST);
    walk.watch("a broker takes its flag along", &mut cluster, LAST, |cluster| {
        cluster.restart_broker(1, BrokerMode::KraftFlagged);
    });
    walk.judge("on KRaft with its flag", &cluster);
    let document = ask("brokers-migrated", &whole(&cluster));
    assert_eq!(findings(&document, "broker-flag-off"), ["broker 1 not_yet"]);
    cluster.restart_broker(1, BrokerMode::Kraft);
    walk.judge("its flag is gone", &cluster);
    walk.end(5);
}

const DEAD_REGISTRATION: &[Expected] = &[
    Expected {
        phase: "dead, and the other on KRaft",
        verdicts: [Ok, Huh, Huh, No],
        why: "nobody can say what the dead broker is",
    },
    Expected {
        phase: "nobody declared it",
        verdicts: [Ok, Huh, Huh, No],
        why: "it is registered, so it is expected as if it had been declared",
    },
    Expected {
        phase: "it was declared as gone",
        verdicts: [Ok, No, No, No],
        why: "whoever says that there is only broker 1 knows less than the controllers",
    },
    Expected {
        phase: "finalized over it",
        verdicts: [Ok, Huh, Huh, Huh],
        why: "it may come back as a ZooKeeper broker, and then it is split off",
    },
    Expected { phase: "finalized, nobody declared it", verdicts: [Ok, Huh, Huh, Huh], why: "it is still registered" },
];

#[test]
fn a_dead_broker_that_stays_registered() {
    let mut walk = Walk::along("dead-registration", DEAD_REGISTRATION, whole);
    let mut cluster = Cluster::migrating(&Distribution::fetch(KAFKA), Shape { brokers: 2, topics: true, ..SMALLEST });
    cluster.kill(2);
    walk.watch("the other moves to KRaft", &mut cluster, LAST, |cluster| {
        cluster.restart_broker(1, BrokerMode::Kraft);
    });
    walk.judge("dead, and the other on KRaft", &cluster);
    let undeclared = without(&whole(&cluster), "--expect-brokers");
    walk.judge_with("nobody declared it", &undeclared);
    let document = ask("brokers-migrated", &undeclared);
    assert_eq!(findings(&document, "no-broker-left-out"), ["quorum null unknown"]);
    let one = [&undeclared[..], &["--expect-brokers".to_owned(), "1".to_owned()]].concat();
    walk.judge_with("it was declared as gone", &one);
    assert_eq!(findings(&ask("brokers-migrated", &one), "no-registration-left"), ["quorum null unknown"]);
    cluster.restart_controller(3001, ControllerMode::Finalized);
    cluster.await_state(POST_MIGRATION);
    walk.judge("finalized over it", &cluster);
    walk.judge_with("finalized, nobody declared it", &undeclared);
    walk.end(5);
}

const UNHEARD: &[Expected] = &[Expected {
    phase: "controllers that no broker hears",
    verdicts: [Ok, No, No, No],
    why: "every metric is green, and the brokers follow nobody",
}];

#[test]
fn controllers_that_cannot_reach_the_brokers() {
    let mut walk = Walk::along("unheard-controllers", UNHEARD, whole);
    let kafka = Distribution::fetch(KAFKA);
    let mut cluster = Cluster::start(&kafka, Shape { brokers: 2, topics: true, ..SMALLEST });
    cluster.provision_controllers_as(ControllerMode::Unheard);
    walk.watch("brokers join controllers that they do not hear", &mut cluster, LATER, |cluster| {
        for id in cluster.broker_ids() {
            cluster.restart_broker_astray(id, BrokerMode::Migration);
        }
        cluster.await_state(MIGRATION);
    });
    let green = ["MigratingZkBrokerCount", "ActiveControllerCount", "FencedBrokerCount", "OfflinePartitionsCount"];
    assert_eq!(green.map(|name| cluster.gauge(3001, name)), [Some(2.0), Some(1.0), Some(0.0), Some(0.0)]);
    walk.judge("controllers that no broker hears", &cluster);
    let document = ask("brokers-in-migration", &whole(&cluster));
    assert_eq!(findings(&document, "broker-follows-quorum"), ["broker 1 not_yet", "broker 2 not_yet"]);
    walk.end(1);
}

const COMBINED: &[Expected] = &[
    Expected { phase: "combined controller up", verdicts: [Ok, No, No, No], why: "the broker has not begun" },
    Expected {
        phase: "broker in migration mode",
        verdicts: [Ok, Ok, No, No],
        why: "the controller's own broker listener is on KRaft, and that says nothing of the other",
    },
    Expected {
        phase: "broker on KRaft",
        verdicts: [Ok, Ok, Ok, No],
        why: "the flag of the combined node is its controller's, and still has its use",
    },
];

#[test]
fn a_controller_that_is_a_broker_as_well() {
    let mut walk = Walk::along("combined-controller", COMBINED, whole);
    let mut cluster = Cluster::start(&Distribution::fetch(KAFKA), SMALLEST);
    cluster.provision_controllers_as(ControllerMode::Combined);
    walk.judge("combined controller up", &cluster);
    walk.watch("a combined controller takes over", &mut cluster, LAST, |cluster| {
        cluster.restart_broker(1, BrokerMode::Migration);
        cluster.await_state(MIGRATION);
        cluster.await_combined(3001);
    });
    walk.judge("broker in migration mode", &cluster);
    // With its listener alone, a KRaft broker answers under a flagged leader: it proves no copy.
    let blind = without(&whole(&cluster), "--metrics");
    assert_eq!(
        ask_without_log(&blind)("brokers-in-migration")["verdict"],
        "unknown",
        "a combined node registers before the copy"
    );
    cluster.restart_broker(1, BrokerMode::Kraft);
    walk.judge("broker on KRaft", &cluster);
    walk.end(1 + 2 + 3);
}

const OBSERVERS: &[Expected] = &[
    Expected { phase: "two only observe", verdicts: [No, No, No, No], why: "two of three controllers have no vote" },
    Expected {
        phase: "broker in migration mode",
        verdicts: [No, Ok, No, No],
        why: "Kafka goes on all the same, with a quorum of one",
    },
    Expected { phase: "all of them vote", verdicts: [Ok, Ok, No, No], why: "they were added" },
];

#[test]
fn controllers_that_only_observe_a_dynamic_quorum() {
    let mut walk = Walk::along("observers", OBSERVERS, whole);
    let shape = Shape { controllers: 3, voters: Voters::Dynamic, ..SMALLEST };
    let mut cluster = Cluster::start(&Distribution::fetch(KAFKA), shape);
    walk.watch("a quorum of one is formed", &mut cluster, &STAGES, Cluster::provision_controllers);
    walk.judge("two only observe", &cluster);
    cluster.restart_broker(1, BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    walk.judge("broker in migration mode", &cluster);
    let votes = findings(&ask("quorum-provisioned", &whole(&cluster)), "controller-votes");
    assert_eq!(votes, ["controller 3002 not_yet", "controller 3003 not_yet"]);
    cluster.add_voter(3002);
    cluster.add_voter(3003);
    walk.judge("all of them vote", &cluster);
    walk.end(1 + 2);
}
