//! Migrations that stand still: everything that can be reached is flagged, the controllers are up, and the copy does
//! not come, or the quorum is gone while every gauge stays green. Nothing of it is blocked, and nothing that rests on
//! the copy is complete.

use std::thread::sleep;
use std::time::Duration;

use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::node::{BrokerMode, ControllerMode};
use crate::verdicts::V::{Huh, No, Ok};
use crate::verdicts::{Expected, LATER, STAGES, Walk, ask, run, waits, waits_for, whole};
use crate::{KAFKA, MIGRATION, PRE_MIGRATION};

/// How long a copy that can come would take at the most, on clusters this small.
const NO_COPY_COMES: Duration = Duration::from_secs(8);

const DEAD_BROKER: &[Expected] = &[Expected {
    phase: "a dead broker owns replicas",
    verdicts: [Ok, No, No, No],
    why: "the copy waits for a broker that will not come; PRE_MIGRATION settles it although the broker is silent",
}];

#[test]
fn a_dead_broker_that_owns_replicas() {
    let mut walk = Walk::along("dead-broker", DEAD_BROKER, whole);
    let mut cluster =
        Cluster::start(&Distribution::fetch(KAFKA), Shape { brokers: 2, controllers: 1, topics: true, ..SMALLEST });
    cluster.kill(2);
    walk.watch("a broker is dead", &mut cluster, LATER, |cluster| {
        cluster.provision_controllers();
        cluster.restart_broker(1, BrokerMode::Migration);
        sleep(NO_COPY_COMES);
    });
    walk.judge("a dead broker owns replicas", &cluster);
    assert_eq!(causes(&cluster), ["shown: a broker is down that owns replicas"]);
    assert_eq!(waits(&cluster), told("assigned-brokers-registered broker/2"));
    walk.end(1);
}

const OTHER_PROTOCOL: &[Expected] = &[Expected {
    phase: "brokers of another IBP",
    verdicts: [Ok, No, No, No],
    why: "the controllers refuse to register brokers whose IBP is not their metadata.version",
}];

#[test]
fn brokers_of_another_inter_broker_protocol_version() {
    let mut walk = Walk::along("other-protocol", OTHER_PROTOCOL, whole);
    let mut cluster = Cluster::start(&Distribution::fetch(KAFKA), SMALLEST);
    cluster.provision_controllers();
    cluster.set_protocol_version("3.8");
    walk.watch("a broker of another IBP joins", &mut cluster, LATER, |cluster| {
        cluster.restart_broker(1, BrokerMode::Migration);
        sleep(NO_COPY_COMES);
    });
    walk.judge("brokers of another IBP", &cluster);
    let shown = "shown: the brokers' inter.broker.protocol.version is not the controllers' metadata.version";
    let refused = "shown: the controllers do not register a broker that is in migration mode";
    assert_eq!(causes(&cluster), [shown, refused]);
    assert_eq!(waits(&cluster), told("brokers-protocol-version broker/1"));
    walk.end(1);
}

const STALE_MIGRATION: &[Expected] = &[Expected {
    phase: "a stale migration znode",
    verdicts: [Ok, No, No, No],
    why: "the driver believes that it has copied already, and waits for ever",
}];

#[test]
fn a_second_attempt_over_a_stale_migration_znode() {
    let mut walk = Walk::along("stale-migration", STALE_MIGRATION, whole);
    let mut cluster =
        Cluster::start(&Distribution::fetch(KAFKA), Shape { brokers: 1, controllers: 1, topics: true, ..SMALLEST });
    cluster.provision_controllers();
    cluster.restart_broker(1, BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    cluster.remove_controllers();
    cluster.return_to_zookeeper(&["/controller"]);
    cluster.restart_broker(1, BrokerMode::Zookeeper);
    walk.watch("a stale znode keeps the copy away", &mut cluster, LATER, |cluster| {
        cluster.provision_controllers();
        cluster.restart_broker(1, BrokerMode::Migration);
        sleep(NO_COPY_COMES);
        cluster.await_state(PRE_MIGRATION);
    });
    // Everything is met, and the last broker registered less than a minute ago: this is asked first, before that is over.
    assert_eq!(causes(&cluster), ["shown: everything is met, and the driver looks again within a minute"]);
    walk.judge("a stale migration znode", &cluster);
    // The broker shows no topic any more: nobody that is not declared can be excluded.
    let told = waits(&cluster);
    assert!(told[0].starts_with("driver-") && told[1].starts_with("driver-"), "{told:?}");
    assert_eq!(told[2..], ["", "", ""]);
    walk.end(1);
}

const LOST_RACE: &[Expected] = &[
    Expected {
        phase: "a driver that polls no more",
        verdicts: [Ok, No, No, No],
        why: "the leader's, so nobody migrates",
    },
    Expected { phase: "all controllers started anew", verdicts: [Ok, Ok, No, No], why: "as every driver has" },
];

#[test]
fn a_leader_that_lost_the_race_for_the_migration_znode() {
    let mut walk = Walk::on("3.5.2", "lost-race", LOST_RACE, whole);
    let mut cluster =
        Cluster::start(&Distribution::fetch("3.5.2"), Shape { brokers: 1, controllers: 3, topics: true, ..SMALLEST });
    cluster.provision_controllers();
    // Two of three lose, and any of the three leads: that often in a row the winner leads by no chance.
    let leader_lost = (0..10).any(|_race| {
        cluster.stop_controllers();
        cluster.race_for_migration().contains(&cluster.leader())
    });
    assert!(leader_lost, "the winner leads ten times in a row");
    cluster.restart_broker(1, BrokerMode::Migration);
    // The longest pause of a driver's that polls, and what a look takes.
    sleep(Duration::from_secs(62));
    walk.judge("a driver that polls no more", &cluster);
    // Only the log tells since when everything is met.
    assert_eq!(waits(&cluster), ["driver-stands", "driver-stands", "", "", "driver-stands"]);
    let [cause] = causes(&cluster).try_into().expect("one cause");
    assert!(cause.starts_with("shown: everything is met, and the driver stands still"), "{cause}");

    // It does not help to restart the leading controller alone: the next leader is elected while that one is down.
    let leader = cluster.leader();
    cluster.restart_controller(leader, ControllerMode::Flagged);
    sleep(NO_COPY_COMES);
    let next = cluster.leader();
    let last = cluster.last_of_driver(next);
    assert!(
        last.ends_with(&format!(
            "Missing apiVersion from nodes: [{leader}] (org.apache.kafka.metadata.migration.KRaftMigrationDriver)"
        )) || last.contains("PollEvent"),
        "controller {next}: {last}"
    );

    cluster.stop_controllers();
    cluster.start_controllers();
    cluster.await_state(MIGRATION);
    walk.judge("all controllers started anew", &cluster);
    walk.end(1 + 2);
}

const UNREADY: &[Expected] = &[
    Expected { phase: "nobody has begun", verdicts: [No; 4], why: "a controller has no flag" },
    Expected { phase: "one broker flagged", verdicts: [No; 4], why: "the same" },
    Expected { phase: "all flagged", verdicts: [No; 4], why: "the copy waits for the controller" },
    Expected {
        phase: "a broker finds no controller",
        verdicts: [Ok, No, No, No],
        why: "the copy waits for the broker",
    },
];

#[test]
fn a_controller_without_the_flag_and_a_broker_that_finds_none() {
    let mut walk = Walk::along("unready", UNREADY, whole);
    let mut cluster =
        Cluster::start(&Distribution::fetch(KAFKA), Shape { brokers: 2, controllers: 3, topics: true, ..SMALLEST });
    cluster.provision_controllers_but_the_last();
    let unready = *cluster.controller_ids().end();
    let controller = format!("controllers-ready controller/{unready}");
    walk.judge("nobody has begun", &cluster);
    // No broker knows the controllers, so one address leads to none of them.
    assert_eq!(waits(&cluster)[..4], told(&controller)[..4]);
    cluster.restart_broker(1, BrokerMode::Migration);
    walk.judge("one broker flagged", &cluster);
    assert_eq!(waits(&cluster), told(&controller));
    cluster.restart_broker_astray(2, BrokerMode::MigrationAstray);
    sleep(NO_COPY_COMES);
    walk.judge("all flagged", &cluster);
    assert_eq!(waits(&cluster)[..4], told(&controller)[..4]);

    cluster.restart_controller(unready, ControllerMode::Flagged);
    sleep(NO_COPY_COMES);
    walk.judge("a broker finds no controller", &cluster);
    let astray = "brokers-reach-controllers broker/2";
    assert_eq!(waits(&cluster)[..4], told(astray)[..4]);
    // The broker that is astray would lead to an address at which nobody listens; the other one leads to the controllers.
    let other = ["-b".to_owned(), cluster.endpoint(1).to_string()];
    assert_eq!(waits_for(&run(&["status"], &other)), astray);
    walk.end(1);
}

const LOST_QUORUM: &[Expected] = &[Expected {
    phase: "the quorum is lost",
    verdicts: [Huh, Huh, No, No],
    why: "one controller of three answers: every gauge stays green, and none is worth anything",
}];

#[test]
fn a_quorum_that_is_lost_in_the_window() {
    let mut walk = Walk::along("lost-quorum", LOST_QUORUM, whole);
    let mut cluster =
        Cluster::start(&Distribution::fetch(KAFKA), Shape { brokers: 1, controllers: 3, topics: false, ..SMALLEST });
    cluster.provision_controllers();
    cluster.restart_broker(1, BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    // The leader stays: it is the one that could still be believed.
    let leader = cluster.leader();
    for id in cluster.controller_ids().filter(|id| *id != leader) {
        cluster.kill(id);
    }
    sleep(Duration::from_secs(12));
    walk.watch("the quorum is lost", &mut cluster, &STAGES, |_| ());
    walk.judge("the quorum is lost", &cluster);
    walk.end(0);
}

/// However one looks, this is what the copy waits for; and where neither a page nor the log is seen, nobody knows that it
/// has not come.
fn told(clause: &str) -> [&str; 5] {
    [clause, clause, clause, "", clause]
}

/// What the missing copy can be owed to, as the tool tells it.
fn causes(cluster: &Cluster) -> Vec<String> {
    let document = ask("brokers-in-migration", &whole(cluster));
    let findings = document["findings"].as_array().expect("findings").iter();
    let copied = findings.filter(|finding| finding["id"] == "metadata-copied");
    let causes = copied.flat_map(|finding| finding["causes"].as_array().expect("causes"));
    let words = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    causes.map(|cause| format!("{}: {}", words(&cause["likelihood"]), words(&cause["text"]))).collect()
}
