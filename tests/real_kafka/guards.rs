//! The guards, met on real clusters: conditions under which going on would destroy something. Each is blocked in
//! every stage, and gone as soon as the condition is.

use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::node::{BrokerMode, ControllerMode};
use crate::verdicts::V::{Block, No, Ok};
use crate::verdicts::{Expected, LATER, STAGES, Walk, ask, by_id, findings, waits, whole};
use crate::{KAFKA, MIGRATION, POST_MIGRATION};

const LOST_FLAGS: &[Expected] = &[
    Expected { phase: "all in migration mode", verdicts: [Ok, Ok, No, No], why: "by the book" },
    Expected {
        phase: "a standby without its flag",
        verdicts: [Block; 4],
        why: "its election would finalize over the brokers",
    },
    Expected { phase: "its flag is back", verdicts: [Ok, Ok, No, No], why: "nothing was lost" },
    Expected {
        phase: "a broker without its flag",
        verdicts: [Block; 4],
        why: "it left the migration, or the quorum is an old one",
    },
    Expected { phase: "the broker's flag is back", verdicts: [Ok, Ok, No, No], why: "nothing was lost" },
    Expected {
        phase: "finalized by accident",
        verdicts: [Block; 4],
        why: "POST_MIGRATION over brokers on ZooKeeper: the cluster is split",
    },
    Expected { phase: "the flag put back too late", verdicts: [Block; 4], why: "POST_MIGRATION is never taken back" },
];

#[test]
fn flags_lost_in_the_window() {
    let kafka = Distribution::fetch(KAFKA);
    let mut walk = Walk::along("lost-flags", LOST_FLAGS, by_id);
    let mut cluster = Cluster::start(&kafka, Shape { brokers: 2, controllers: 3, topics: true, ..SMALLEST });
    cluster.provision_controllers();
    cluster.restart_brokers(BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    walk.judge("all in migration mode", &cluster);

    let leader = cluster.leader();
    let forgetful = cluster.controller_ids().find(|id| *id != leader).expect("three controllers");
    cluster.restart_controller(forgetful, ControllerMode::Finalized);
    walk.watch("a standby has no flag", &mut cluster, &STAGES, |_| ());
    walk.judge("a standby without its flag", &cluster);
    let document = ask("brokers-in-migration", &by_id(&cluster));
    assert_eq!(findings(&document, "voter-without-flag"), [format!("controller {forgetful} blocked")]);
    cluster.restart_controller(forgetful, ControllerMode::Flagged);
    walk.judge("its flag is back", &cluster);

    // The controllers keep it fenced, so its replicas never come back into sync; the others still list it.
    cluster.restart_broker_astray(2, BrokerMode::Zookeeper);
    walk.judge("a broker without its flag", &cluster);
    let document = ask("brokers-in-migration", &by_id(&cluster));
    assert_eq!(findings(&document, "broker-left-the-migration"), ["broker 2 blocked"]);
    let by_address = ask("brokers-in-migration", &whole(&cluster));
    assert_eq!(findings(&by_address, "broker-left-the-migration"), ["broker 2 blocked"], "found without its id, too");
    cluster.restart_broker(2, BrokerMode::Migration);
    walk.judge("the broker's flag is back", &cluster);

    cluster.restart_controller(forgetful, ControllerMode::Finalized);
    walk.watch("an election finalizes", &mut cluster, &STAGES, |cluster| {
        cluster.elect(forgetful);
        cluster.await_state(POST_MIGRATION);
    });
    walk.judge("finalized by accident", &cluster);
    let document = ask("finalized", &by_id(&cluster));
    assert_eq!(findings(&document, "finalized-over-zookeeper"), ["broker 1 blocked", "broker 2 blocked"]);
    assert_eq!(document["stage"]["reversible"], false);
    walk.watch("the flag is put back too late", &mut cluster, &STAGES, |cluster| {
        cluster.restart_controller(forgetful, ControllerMode::Flagged);
    });
    walk.judge("the flag put back too late", &cluster);
    walk.end(6);
}

const NEVER_FLAGGED: &[Expected] = &[Expected {
    phase: "quorum started without the flag",
    verdicts: [Block; 4],
    why: "its log says NONE: it can never migrate and must be formatted anew",
}];

#[test]
fn a_quorum_first_started_without_the_flag() {
    let kafka = Distribution::fetch(KAFKA);
    let mut walk = Walk::along("never-flagged", NEVER_FLAGGED, by_id);
    let mut cluster = Cluster::start(&kafka, SMALLEST);
    walk.watch("controllers start without the flag", &mut cluster, &STAGES, |cluster| {
        cluster.provision_controllers_as(ControllerMode::Finalized);
    });
    walk.judge("quorum started without the flag", &cluster);
    // The broker knows no controllers, so by its address alone nothing is seen of it.
    let told = "quorum-began-with-flag";
    assert_eq!(waits(&cluster), [told, told, told, "", ""]);
    let document = ask("quorum-provisioned", &by_id(&cluster));
    assert_eq!(findings(&document, "quorum-without-migration"), ["broker 1 blocked"]);
    walk.end(0);
}

const EARLIER_ATTEMPT: &[Expected] = &[
    Expected {
        phase: "left over, brokers not flagged",
        verdicts: [Block; 4],
        why: "its log says MIGRATION, and the brokers have nothing to do with it",
    },
    Expected {
        phase: "left over, all flagged",
        verdicts: [Ok, No, No, No],
        why: "every documented signal is green, and a broker still rules: one and the same is named in every answer",
    },
];

#[test]
fn a_quorum_left_over_from_an_earlier_attempt() {
    let kafka = Distribution::fetch(KAFKA);
    let mut walk = Walk::along("earlier-attempt", EARLIER_ATTEMPT, whole);
    let mut cluster = Cluster::start(&kafka, Shape { brokers: 2, topics: true, ..SMALLEST });
    cluster.provision_controllers();
    cluster.restart_brokers(BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    cluster.stop_controllers();
    cluster.return_to_zookeeper(&["/controller", "/migration"]);
    cluster.restart_brokers(BrokerMode::Zookeeper);
    cluster.start_controllers();
    walk.judge("left over, brokers not flagged", &cluster);
    walk.watch("brokers join a quorum that was left over", &mut cluster, LATER, |cluster| {
        cluster.restart_brokers(BrokerMode::Migration);
    });
    assert_eq!(cluster.gauge(3001, "ZkMigrationState"), Some(f64::from(MIGRATION)));
    assert_eq!(cluster.gauge(3001, "MigratingZkBrokerCount"), Some(2.0));
    walk.judge("left over, all flagged", &cluster);
    let document = ask("brokers-in-migration", &whole(&cluster));
    assert_eq!(findings(&document, "broker-follows-quorum"), ["broker 1 not_yet", "broker 2 not_yet"]);
    walk.end(1);
}
