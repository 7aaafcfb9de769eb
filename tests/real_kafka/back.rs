//! The way back: from "all brokers on KRaft" step by step to plain ZooKeeper, and a second attempt after it.

use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::node::{BrokerMode, ControllerMode};
use crate::verdicts::V::{Huh, No, Ok};
use crate::verdicts::{Expected, Walk, whole};
use crate::{KAFKA, MIGRATION, POST_MIGRATION};

const BACK_AND_AGAIN: &[Expected] = &[
    Expected { phase: "all brokers on KRaft", verdicts: [Ok, Ok, Ok, No], why: "the last point of return" },
    Expected {
        phase: "one broker back",
        verdicts: [Ok, Ok, No, No],
        why: "a mixture, whichever way it is going: nobody is below migration mode",
    },
    Expected { phase: "all brokers back", verdicts: [Ok, Ok, No, No], why: "migration mode, as on the way forward" },
    Expected {
        phase: "controllers removed",
        verdicts: [Huh, Huh, No, No],
        why: "the brokers still have their flags; nobody says what became of the copy",
    },
    Expected {
        phase: "a broker is the controller",
        verdicts: [Huh, Huh, No, No],
        why: "ZooKeeper rules again, and the controllers' silence is the same",
    },
    Expected {
        phase: "one broker without the flag",
        verdicts: [Huh, No, No, No],
        why: "a broker that has not begun settles it",
    },
    Expected { phase: "back on ZooKeeper", verdicts: [Huh, No, No, No], why: "as before the first attempt" },
    Expected {
        phase: "second attempt: controllers",
        verdicts: [Ok, No, No, No],
        why: "a quorum formatted anew knows nothing of the first",
    },
    Expected { phase: "second attempt: copied", verdicts: [Ok, Ok, No, No], why: "copied anew" },
    Expected { phase: "second attempt: finalized", verdicts: [Ok, Ok, Ok, Ok], why: "this time to the end" },
];

#[test]
fn back_to_zookeeper_and_a_second_attempt() {
    let kafka = Distribution::fetch(KAFKA);
    let mut walk = Walk::along("back", BACK_AND_AGAIN, whole);
    let mut cluster = Cluster::start(&kafka, Shape { brokers: 2, controllers: 1, topics: true, ..SMALLEST });
    cluster.provision_controllers();
    cluster.restart_brokers(BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    cluster.restart_brokers(BrokerMode::Kraft);
    walk.judge("all brokers on KRaft", &cluster);

    cluster.restart_broker(1, BrokerMode::Migration);
    walk.judge("one broker back", &cluster);
    cluster.restart_broker(2, BrokerMode::Migration);
    walk.judge("all brokers back", &cluster);
    cluster.remove_controllers();
    walk.judge("controllers removed", &cluster);
    cluster.return_to_zookeeper(&["/controller", "/migration"]);
    walk.judge("a broker is the controller", &cluster);
    cluster.restart_broker(1, BrokerMode::Zookeeper);
    walk.judge("one broker without the flag", &cluster);
    cluster.restart_broker(2, BrokerMode::Zookeeper);
    walk.judge("back on ZooKeeper", &cluster);

    cluster.provision_controllers();
    walk.judge("second attempt: controllers", &cluster);
    cluster.restart_brokers(BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    walk.judge("second attempt: copied", &cluster);
    cluster.restart_brokers(BrokerMode::Kraft);
    cluster.restart_controller(3001, ControllerMode::Finalized);
    cluster.await_state(POST_MIGRATION);
    walk.judge("second attempt: finalized", &cluster);
    walk.end(3 + 2 + 2 + 1 + 2 + 4);
}
