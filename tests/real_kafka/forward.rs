//! The way forward, by the book: every phase of a migration, mixed ones and outages included, judged in every
//! stage. The tables say what a migration means, not what the tool happened to answer.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::looking::ask_without_log;
use crate::node::{BrokerMode, ControllerMode};
use crate::verdicts::V::{Huh, No, Ok};
use crate::verdicts::{Expected, STAGES, V, Walk, ask, findings, whole, without};
use crate::{KAFKA, MIGRATION, POST_MIGRATION};

const WHOLE_WAY: &[Expected] = &[
    Expected {
        phase: "pure ZooKeeper",
        verdicts: [Huh, No, No, No],
        why: "nobody answers at the controllers' addresses; the brokers are plainly on ZooKeeper",
    },
    Expected { phase: "controllers up", verdicts: [Ok, No, No, No], why: "the quorum stands and no broker has begun" },
    Expected { phase: "one broker flagged", verdicts: [Ok, No, No, No], why: "two brokers have not begun" },
    Expected { phase: "one broker held back", verdicts: [Ok, No, No, No], why: "the copy waits for the last broker" },
    Expected { phase: "all in migration mode", verdicts: [Ok, Ok, No, No], why: "the last broker started the copy" },
    Expected {
        phase: "a voter just stopped",
        verdicts: [Huh, Ok, No, No],
        why: "a controller is silent, and its last fetch is still fresh; the other two are a quorum",
    },
    Expected {
        phase: "a voter stopped for 12 s",
        verdicts: [No, Ok, No, No],
        why: "a voter is seen not to fetch any more",
    },
    Expected {
        phase: "a broker stopped",
        verdicts: [Ok, Huh, No, No],
        why: "nobody can say what the silent broker is; the others are not on KRaft, which settles the later stages",
    },
    Expected {
        phase: "one broker on KRaft",
        verdicts: [Ok, Ok, No, No],
        why: "two brokers are still in migration mode",
    },
    Expected { phase: "all brokers on KRaft", verdicts: [Ok, Ok, Ok, No], why: "only the controllers are left" },
    Expected {
        phase: "a KRaft broker stopped",
        verdicts: [Ok, Huh, Huh, No],
        why: "the silent broker may be anything; that the state is not POST_MIGRATION settles the last stage",
    },
    Expected {
        phase: "one controller without the flag",
        verdicts: [Ok, Ok, Ok, No],
        why: "no broker is on ZooKeeper, so a controller may lose its flag; two still have it",
    },
    Expected { phase: "finalized", verdicts: [Ok, Ok, Ok, Ok], why: "every stage that was passed stays complete" },
    Expected { phase: "nobody answers", verdicts: [Huh, Huh, Huh, Huh], why: "silence says nothing" },
];

/// The same phases where neither a page nor the log is seen: what rests on flags and registered brokers alone.
const WHOLE_WAY_BLIND: &[[V; 4]] = &[
    [Huh, No, No, No],
    // A live leader with its flag on is in no dead end.
    [Ok, No, No, No],
    [Ok, No, No, No],
    [Ok, No, No, No],
    // Everything is flagged, and nobody says whether the copy is done.
    [Ok, Huh, No, No],
    [Huh, Huh, No, No],
    [No, Huh, No, No],
    [Ok, Huh, No, No],
    // A KRaft broker that the quorum has registered says it.
    [Ok, Ok, No, No],
    [Ok, Ok, Ok, No],
    [Ok, Huh, Huh, No],
    [Ok, Ok, Ok, No],
    // The end is told by log and gauge alone.
    [Ok, Ok, Ok, Huh],
    [Huh, Huh, Huh, Huh],
];

#[test]
fn the_whole_way_with_three_brokers_and_three_controllers() {
    let kafka = Distribution::fetch(KAFKA);
    let mut walk = Walk::along("forward", WHOLE_WAY, whole).blind(WHOLE_WAY_BLIND).by_one_address("one broker flagged");
    let mut cluster = Cluster::start(&kafka, Shape { brokers: 3, controllers: 3, topics: true, ..SMALLEST });
    walk.judge("pure ZooKeeper", &cluster);

    cluster.provision_controllers();
    walk.judge("controllers up", &cluster);
    cluster.restart_broker(1, BrokerMode::Migration);
    walk.judge("one broker flagged", &cluster);
    cluster.restart_broker(2, BrokerMode::Migration);
    walk.judge("one broker held back", &cluster);
    cluster.restart_broker(3, BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    walk.judge("all in migration mode", &cluster);

    let leader = cluster.leader();
    let standby = cluster.controller_ids().find(|id| *id != leader).expect("three controllers");
    cluster.kill(standby);
    walk.judge("a voter just stopped", &cluster);
    sleep(Duration::from_secs(12));
    walk.judge("a voter stopped for 12 s", &cluster);
    cluster.start_again(standby);
    cluster.stop(2);
    walk.judge("a broker stopped", &cluster);
    cluster.start_again(2);

    cluster.restart_broker(1, BrokerMode::Kraft);
    walk.judge("one broker on KRaft", &cluster);
    assert_a_roll_goes_on_node_by_node(&cluster);
    cluster.restart_broker(2, BrokerMode::Kraft);
    cluster.restart_broker(3, BrokerMode::Kraft);
    walk.judge("all brokers on KRaft", &cluster);
    assert_rests_on_what_was_given(&cluster);
    cluster.stop(3);
    walk.judge("a KRaft broker stopped", &cluster);
    cluster.start_again(3);

    let [first, others @ ..] = &cluster.controller_ids().collect::<Vec<_>>()[..] else { panic!("no controllers") };
    cluster.restart_controller(*first, ControllerMode::Finalized);
    walk.judge("one controller without the flag", &cluster);
    for id in others {
        cluster.restart_controller(*id, ControllerMode::Finalized);
    }
    cluster.await_state(POST_MIGRATION);
    walk.judge("finalized", &cluster);
    walk.hold_log(&mut cluster, &kafka);
    assert_eq!(ask("finalized", &whole(&cluster))["stage"]["reversible"], false);
    assert_eq!(ask("brokers-migrated", &whole(&cluster))["stage"]["position"], "past");

    for id in cluster.broker_ids().chain(cluster.controller_ids()) {
        cluster.kill(id);
    }
    walk.judge("nobody answers", &cluster);
    walk.end(21);
}

/// With the first broker on KRaft: the roll may go on to the second, and `status` says where it is.
fn assert_a_roll_goes_on_node_by_node(cluster: &Cluster) {
    let only = |node: &str| {
        let flags = [whole(cluster), vec!["--only".to_owned(), node.to_owned()]].concat();
        V::of(&ask("brokers-migrated", &flags))
    };
    assert_eq!((only("broker/1"), only("broker/2"), only("broker/9")), (Ok, No, Huh));
    let mut status = Command::new(env!("CARGO_BIN_EXE_kraft-check"));
    let output = status.args(["status", "-o", "json"]).args(whole(cluster)).output().expect("the binary starts");
    let document: Value = serde_json::from_slice(&output.stdout).expect("one document");
    assert_eq!((output.status.code(), document["stage"].as_str()), (Some(0), Some("brokers-migrated")), "{document:#}");
}

/// With all brokers on KRaft: what is left unsaid makes "cannot tell" of what rests on it, and of nothing else.
fn assert_rests_on_what_was_given(cluster: &Cluster) {
    let verdicts =
        |flags: &[String]| STAGES.map(|stage| ask(stage, flags)["verdict"].as_str().unwrap_or("?").to_owned());
    let all = whole(cluster);
    let undeclared = without(&all, "--expect-brokers");
    assert_eq!(verdicts(&undeclared), ["complete", "complete", "complete", "not_yet"], "nobody is left to register");
    let discovered = ask("brokers-migrated", &undeclared);
    assert_eq!(discovered["expected"]["brokers"]["source"], "discovered", "{discovered:#}");
    let fewer = without(&undeclared, "--metrics");
    assert_eq!(verdicts(&fewer), ["complete", "complete", "complete", "not_yet"], "the log says it as well");
    let replayed = STAGES.map(ask_without_log(&fewer));
    let said = replayed.each_ref().map(V::of);
    assert_eq!(said, [Ok, Ok, Huh, No], "who says that nobody is missing?");
    assert!(replayed[2].to_string().contains("give --expect-brokers"), "{:#}", replayed[2]);

    // The other way: a controller leads to the brokers.
    let controller = cluster.endpoint(*cluster.controller_ids().start());
    let one_controller = ["-C".to_owned(), controller.to_string()];
    assert_eq!(verdicts(&one_controller), ["complete", "complete", "complete", "not_yet"], "one controller is enough");
}

const SMALLEST_WAY: &[Expected] = &[
    Expected { phase: "pure ZooKeeper", verdicts: [Huh, No, No, No], why: "no controller answers" },
    Expected { phase: "controller up", verdicts: [Ok, No, No, No], why: "the broker has not begun" },
    Expected { phase: "broker in migration mode", verdicts: [Ok, Ok, No, No], why: "the metadata is copied" },
    Expected { phase: "broker on KRaft", verdicts: [Ok, Ok, Ok, No], why: "only the controller is left" },
    Expected { phase: "finalized", verdicts: [Ok, Ok, Ok, Ok], why: "everything was passed" },
];

#[test]
fn smallest_migration() {
    let kafka = Distribution::fetch(KAFKA);
    let mut walk = Walk::along("smallest", SMALLEST_WAY, whole);
    let mut cluster = Cluster::start(&kafka, SMALLEST);
    walk.judge("pure ZooKeeper", &cluster);
    cluster.provision_controllers();
    walk.judge("controller up", &cluster);
    cluster.restart_broker(1, BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    walk.judge("broker in migration mode", &cluster);
    cluster.restart_broker(1, BrokerMode::Kraft);
    walk.judge("broker on KRaft", &cluster);
    let leftover = ask("brokers-migrated", &whole(&cluster));
    assert_eq!(findings(&leftover, "broker-flag-off"), Vec::<String>::new());
    cluster.restart_controller(3001, ControllerMode::Finalized);
    cluster.await_state(POST_MIGRATION);
    walk.judge("finalized", &cluster);
    walk.end(10);
}
