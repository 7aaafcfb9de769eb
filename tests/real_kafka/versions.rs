//! Every version that can migrate, forward, by the same way and the same table; and 3.4, which tells neither flags nor
//! state. Those that an ordinary run leaves out are run by `-- --include-ignored`.

use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::node::{BrokerMode, ControllerMode};
use crate::verdicts::V::{Huh, No, Ok};
use crate::verdicts::{Expected, V, Walk, whole};
use crate::{MIGRATION, POST_MIGRATION};

const FORWARD: &[Expected] = &[
    Expected { phase: "pure ZooKeeper", verdicts: [Huh, No, No, No], why: "no controller answers" },
    Expected { phase: "controllers up", verdicts: [Ok, No, No, No], why: "no broker has begun" },
    Expected { phase: "one broker flagged", verdicts: [Ok, No, No, No], why: "the other has not begun" },
    Expected { phase: "all in migration mode", verdicts: [Ok, Ok, No, No], why: "the metadata is copied" },
    Expected { phase: "one broker on KRaft", verdicts: [Ok, Ok, No, No], why: "the other is not" },
    Expected { phase: "all brokers on KRaft", verdicts: [Ok, Ok, Ok, No], why: "only the controllers are left" },
    Expected { phase: "one controller without the flag", verdicts: [Ok, Ok, Ok, No], why: "the others have it" },
    Expected { phase: "finalized", verdicts: [Ok, Ok, Ok, Ok], why: "to the end" },
];

const FORWARD_BLIND: &[[V; 4]] = &[
    [Huh, No, No, No],
    [Ok, No, No, No],
    [Ok, No, No, No],
    [Ok, Huh, No, No],
    [Ok, Ok, No, No],
    [Ok, Ok, Ok, No],
    [Ok, Ok, Ok, No],
    [Ok, Ok, Ok, Huh],
];

/// A few snapshots are written on the way.
const SHAPE: Shape = Shape { brokers: 2, controllers: 3, topics: true, snapshot_bytes: Some(4_000), ..SMALLEST };

fn forward(version: &'static str) {
    let mut walk =
        Walk::on(version, "forward", FORWARD, whole).blind(FORWARD_BLIND).by_one_address("one broker flagged");
    walk_forward(version, &mut walk);
    walk.end(1 + 1 + 2 + 2 + 3 + 3 + 4);
}

/// By the book; the phases are those of both tables.
fn walk_forward(version: &'static str, walk: &mut Walk) {
    let kafka = Distribution::fetch(version);
    let mut cluster = Cluster::start(&kafka, SHAPE);
    walk.judge("pure ZooKeeper", &cluster);
    cluster.provision_controllers();
    walk.judge("controllers up", &cluster);
    cluster.restart_broker(1, BrokerMode::Migration);
    walk.judge("one broker flagged", &cluster);
    cluster.restart_broker(2, BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    walk.judge("all in migration mode", &cluster);
    cluster.restart_broker(1, BrokerMode::Kraft);
    walk.judge("one broker on KRaft", &cluster);
    cluster.restart_broker(2, BrokerMode::Kraft);
    walk.judge("all brokers on KRaft", &cluster);
    // The leader first: it comes back as a follower without the flag, and the state stays what it was.
    let leader = cluster.leader();
    cluster.restart_controller(leader, ControllerMode::Finalized);
    walk.judge("one controller without the flag", &cluster);
    for id in cluster.controller_ids().filter(|id| *id != leader) {
        cluster.restart_controller(id, ControllerMode::Finalized);
    }
    cluster.await_state(POST_MIGRATION);
    walk.judge("finalized", &cluster);
    walk.hold_log(&mut cluster, &kafka);
}

#[test]
fn forward_on_3_5() {
    forward("3.5.2");
}

#[test]
#[ignore = "another minor than the one that every run takes; run with --include-ignored"]
fn forward_on_3_6() {
    forward("3.6.2");
}

#[test]
#[ignore = "another minor than the one that every run takes; run with --include-ignored"]
fn forward_on_3_7() {
    forward("3.7.2");
}

#[test]
#[ignore = "another minor than the one that every run takes; run with --include-ignored"]
fn forward_on_3_8() {
    forward("3.8.1");
}

/// What 3.4 tells: the API lists and the quorum.
const ON_3_4: &[Expected] = &[
    Expected {
        phase: "pure ZooKeeper",
        verdicts: [Huh, Huh, No, No],
        why: "no flag is told; the brokers are not on KRaft",
    },
    Expected { phase: "controllers up", verdicts: [Huh, Huh, No, No], why: "the controllers tell no flag either" },
    Expected { phase: "one broker flagged", verdicts: [Huh, Huh, No, No], why: "as before: nothing is told" },
    Expected { phase: "all in migration mode", verdicts: [Huh, Huh, No, No], why: "and neither is the state" },
    Expected { phase: "one broker on KRaft", verdicts: [Huh, Huh, No, No], why: "the other is on ZooKeeper" },
    Expected {
        phase: "all brokers on KRaft",
        verdicts: [Ok, Huh, Huh, Huh],
        why: "the API lists tell it; the flags that may be left behind, and the copy, are not told",
    },
    Expected { phase: "one controller without the flag", verdicts: [Ok, Huh, Huh, Huh], why: "as before" },
    Expected { phase: "finalized", verdicts: [Ok, Huh, Huh, Huh], why: "3.4 has no state after the copy" },
];

#[test]
#[ignore = "another minor than the one that every run takes; run with --include-ignored"]
fn forward_on_3_4() {
    let mut walk = Walk::on("3.4.1", "forward", ON_3_4, whole);
    walk_forward("3.4.1", &mut walk);
    walk.end(3);
}
