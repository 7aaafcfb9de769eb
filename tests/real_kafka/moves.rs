//! The moves that no migration by the book makes: is the condition really there that each is meant to make?
//! Asked with the harness' own questions; what the tool says of it is judged elsewhere.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use crate::cluster::{Cluster, SMALLEST, Shape, Voters};
use crate::distribution::Distribution;
use crate::exporter::Flavour;
use crate::node::{BrokerMode, ControllerMode};
use crate::{KAFKA, MIGRATION, POST_MIGRATION, PRE_MIGRATION, ask};

/// The newest of the oldest and the newest minor of Kafka 4, and of the one before that, which lists other versions.
const FOUR: [&str; 3] = ["4.0.2", "4.3.1", "4.4.0"];

const METADATA_VERSION_OF_3_9: i16 = 21;

/// The keys of APIs that tell what a node is.
const FETCH: i16 = 1;
const LEADER_AND_ISR: i16 = 4;
const VOTE: i16 = 52;

/// Each broker asked so often names more than one controller when it names any, as it does in a real migration.
const OFTEN: usize = 20;

#[test]
fn four_over_brokers_on_zookeeper() {
    let mut cluster = migrating(Shape { brokers: 2, topics: true, ..SMALLEST });
    assert_eq!(named_controllers(cluster.endpoint(1)), [1, 2].into(), "the controller is a secret in dual write");
    assert_eq!((fetch(&cluster, 3001), ready(&cluster, 3001)), ((0, 17), true));
    cluster.set_software(3001, &Distribution::fetch(FOUR[0]));
    cluster.restart_controller(3001, ControllerMode::Flagged);

    assert_eq!((fetch(&cluster, 3001), ready(&cluster, 3001)), ((4, 17), false), "no flag in Kafka 4");
    assert_eq!(metadata_version(&cluster, 3001), (7, METADATA_VERSION_OF_3_9));
    assert_eq!(cluster.gauge(3001, "ZkMigrationState"), None);
    assert_eq!(cluster.gauge(3001, "ActiveControllerCount"), Some(1.0), "its exporter works");
    cluster.await_observers(&[1, 2]);
    for id in [1, 2] {
        assert!(ready(&cluster, id) && lists(&cluster, id, LEADER_AND_ISR), "broker {id} is in migration mode");
        assert_eq!(named_controllers(cluster.endpoint(id)), [1, 2].into(), "as if nothing had happened");
    }
}

#[test]
fn four_over_a_migration_that_is_not_finalized() {
    let mut cluster = migrating(SMALLEST);
    cluster.restart_brokers(BrokerMode::Kraft);
    let four = Distribution::fetch(FOUR[0]);
    cluster.set_software(3001, &four);
    cluster.restart_controller(3001, ControllerMode::Flagged);
    cluster.set_software(1, &four);
    cluster.restart_broker(1, BrokerMode::Kraft);
    for id in [1, 3001] {
        assert_eq!((fetch(&cluster, id), ready(&cluster, id)), ((4, 17), false));
        assert_eq!(metadata_version(&cluster, id), (7, METADATA_VERSION_OF_3_9), "nobody has raised it");
    }
}

#[test]
fn finalized_controllers_move_to_four_one_after_the_other() {
    let mut cluster = migrating(Shape { controllers: 3, ..SMALLEST });
    cluster.restart_brokers(BrokerMode::Kraft);
    for id in cluster.controller_ids() {
        cluster.restart_controller(id, ControllerMode::Finalized);
    }
    cluster.await_state(POST_MIGRATION);
    let four = Distribution::fetch(FOUR[1]);
    for moved in cluster.controller_ids() {
        cluster.set_software(moved, &four);
        cluster.restart_controller(moved, ControllerMode::Finalized);
        for id in cluster.controller_ids() {
            let (versions, state) = if id > moved { ((0, 17), Some(3.0)) } else { ((4, 18), None) };
            assert_eq!((fetch(&cluster, id), cluster.gauge(id, "ZkMigrationState")), (versions, state));
        }
    }
}

#[test]
fn born_in_kraft() {
    for (version, oldest_fetch, state) in
        [(KAFKA, 0, Some(0.0)), (FOUR[0], 4, None), (FOUR[1], 4, None), (FOUR[2], 4, None)]
    {
        let cluster = Cluster::born_in_kraft(&Distribution::fetch(version), Shape { topics: true, ..SMALLEST });
        for id in [1, 3001] {
            assert_eq!((fetch(&cluster, id).0, ready(&cluster, id)), (oldest_fetch, false), "{version}");
            let kept = kept_frames(&cluster, id);
            for frame in [("DescribeCluster", 1), ("DescribeConfigs", 4), ("DescribeQuorum", 2)] {
                assert!(kept.contains(&frame), "{version}: {id} answers {frame:?}");
            }
        }
        assert_eq!(cluster.gauge(3001, "ZkMigrationState"), state, "{version}");
        assert_eq!(configured(cluster.endpoint(1), 1, "process.roles"), "broker", "{version}");
    }
}

#[test]
fn a_combined_controller_and_a_flag_left_behind() {
    let mut cluster = Cluster::start(&Distribution::fetch(KAFKA), SMALLEST);
    cluster.provision_controllers_as(ControllerMode::Combined);
    cluster.await_state(PRE_MIGRATION);
    let combined = cluster.combined_endpoint(3001);
    assert!(ask::api_versions(combined).is_err(), "no KRaft broker may register before the copy");
    assert_eq!(configured(cluster.endpoint(3001), 3001, "process.roles"), "broker,controller");
    let kept = kept_frames(&cluster, 1);
    assert!(kept.contains(&("DescribeConfigs", 4)) && !kept.contains(&("DescribeQuorum", 0)), "{kept:?}");

    cluster.restart_brokers(BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    cluster.await_combined(3001);
    let answer = ask::api_versions(combined).expect("an answer");
    let listed = |key| answer.api_keys.iter().any(|api| api.api_key == key);
    assert!(answer.zk_migration_ready && !listed(LEADER_AND_ISR) && !listed(VOTE), "a KRaft broker with the flag");
    assert_eq!(listed_brokers(combined), [1, 3001].into());
    assert_eq!(listed_brokers(cluster.endpoint(1)), [1, 3001].into());
    assert_eq!(cluster.gauge(3001, "MigratingZkBrokerCount"), Some(1.0));

    cluster.restart_broker(1, BrokerMode::KraftFlagged);
    assert!(ready(&cluster, 1) && !lists(&cluster, 1, LEADER_AND_ISR), "a KRaft broker that still has its flag");
    assert_eq!(configured(cluster.endpoint(1), 1, "zookeeper.metadata.migration.enable"), "true");
    assert_eq!(cluster.gauge(3001, "MigratingZkBrokerCount"), Some(0.0));
}

#[test]
fn controllers_that_only_observe() {
    let shape = Shape { controllers: 3, voters: Voters::Dynamic, ..SMALLEST };
    let mut cluster = Cluster::start(&Distribution::fetch(KAFKA), shape);
    cluster.provision_controllers();
    cluster.restart_broker(1, BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    cluster.await_observers(&[1, 3002, 3003]);
    assert_eq!(configured(cluster.endpoint(1), 1, "controller.quorum.voters"), "");
    assert_ne!(configured(cluster.endpoint(1), 1, "controller.quorum.bootstrap.servers"), "");
    for id in cluster.controller_ids() {
        assert!(ready(&cluster, id), "controller {id} has the flag");
    }
    cluster.add_voter(3002);
    cluster.await_observers(&[1, 3003]);
}

#[test]
fn controllers_that_no_broker_hears() {
    let shape = Shape { brokers: 2, topics: true, ..SMALLEST };
    let mut cluster = Cluster::start(&Distribution::fetch(KAFKA), shape);
    cluster.provision_controllers_as(ControllerMode::Unheard);
    cluster.await_state(PRE_MIGRATION);
    for id in cluster.broker_ids() {
        cluster.restart_broker_astray(id, BrokerMode::Migration);
    }
    cluster.await_state(MIGRATION);
    let gauges = ["MigratingZkBrokerCount", "ActiveControllerCount", "FencedBrokerCount", "OfflinePartitionsCount"];
    assert_eq!(gauges.map(|name| cluster.gauge(3001, name)), [Some(2.0), Some(1.0), Some(0.0), Some(0.0)]);
    cluster.await_observers(&[1, 2]);
    assert!(ready(&cluster, 1) && ready(&cluster, 2));
    // Broker 1 stays with what ZooKeeper's controller told it last, and so does broker 2 if that was quick enough.
    assert_eq!(named_and_listed(&cluster, 1), ([1].into(), [1, 2].into()));
    let silence = ([-1].into(), [].into());
    let last = named_and_listed(&cluster, 2);
    assert!(last == silence || last == ([1].into(), [1, 2].into()), "{last:?}");
    cluster.restart_broker_astray(2, BrokerMode::Migration);
    assert_eq!(named_and_listed(&cluster, 2), silence, "nobody has told it anything in this life");
    assert_eq!(named_and_listed(&cluster, 1), ([1].into(), [1, 2].into()));
}

#[test]
fn controllers_of_an_earlier_attempt() {
    let mut cluster = migrating(Shape { brokers: 2, topics: true, ..SMALLEST });
    cluster.stop_controllers();
    cluster.return_to_zookeeper(&["/controller", "/migration"]);
    cluster.restart_brokers(BrokerMode::Zookeeper);
    cluster.start_controllers();
    assert_eq!(cluster.gauge(3001, "ZkMigrationState"), Some(1.0), "over brokers without the flag");
    assert!(!ready(&cluster, 1) && !ready(&cluster, 2) && ready(&cluster, 3001));

    cluster.restart_brokers(BrokerMode::Migration);
    let gauges = ["ZkMigrationState", "MigratingZkBrokerCount", "ActiveControllerCount", "FencedBrokerCount"];
    assert_eq!(gauges.map(|name| cluster.gauge(3001, name)), [Some(1.0), Some(2.0), Some(1.0), Some(0.0)]);
    cluster.await_observers(&[1, 2]);
    let elected = named_controllers(cluster.endpoint(1));
    assert_eq!(elected.len(), 1, "one broker rules, {elected:?}");
    for id in cluster.broker_ids() {
        assert!(ready(&cluster, id));
        assert_eq!(named_controllers(cluster.endpoint(id)), elected);
        let rules = if elected.contains(&id) { 1.0 } else { 0.0 };
        assert_eq!(cluster.gauge(id, "ActiveControllerCount"), Some(rules));
    }
}

#[test]
fn a_dead_broker_stays_registered_on_zookeeper() {
    let mut cluster = migrating(Shape { brokers: 2, topics: true, ..SMALLEST });
    cluster.kill(2);
    cluster.restart_broker(1, BrokerMode::Kraft);
    cluster.restart_controller(3001, ControllerMode::Finalized);
    cluster.await_state(POST_MIGRATION);
    assert_eq!(cluster.gauge(3001, "MigratingZkBrokerCount"), Some(1.0), "broker 2, dead or not");
    assert!(ask::api_versions(cluster.endpoint(2)).is_err());
    assert!(!lists(&cluster, 1, LEADER_AND_ISR));
}

#[test]
fn every_shape_of_page_is_read() {
    use Flavour::{Renamed, Short, ShortLowercase, Snake, Untyped, ValueSuffix, WithoutState};
    let series = [
        (ValueSuffix, "kafka_controller_KafkaController_ZkMigrationState_Value 2.0"),
        (Short, "kafka_controller_ZkMigrationState 2.0"),
        (ShortLowercase, "kafka_controller_zkmigrationstate 2.0"),
        (Snake, "kafka_controller_zk_migration_state 2.0"),
        (Untyped, "kafka_controller_kafkacontroller_zkmigrationstate 2.0"),
        (Renamed, "migration_phase{what=\"state\",} 2.0"),
    ];
    let shape = Shape {
        controllers: 7,
        first_controller: 4001,
        pages: &[ValueSuffix, Short, ShortLowercase, Snake, Untyped, Renamed, WithoutState],
        ..SMALLEST
    };
    let mut cluster = Cluster::start(&Distribution::fetch(KAFKA), shape);
    cluster.provision_controllers();
    for (id, (flavour, line)) in cluster.controller_ids().zip(series) {
        let page = cluster.page_text(id).expect("a page");
        assert!(page.lines().any(|found| found == line), "{flavour:?} of {id} has no {line}");
        assert_eq!(cluster.gauge(id, "ZkMigrationState"), Some(2.0), "{flavour:?}");
        assert_eq!(cluster.gauge(id, "MigratingZkBrokerCount"), Some(0.0), "{flavour:?}");
    }
    assert_eq!(cluster.gauge(4007, "ZkMigrationState"), None);
    assert_eq!(cluster.gauge(4007, "MigratingZkBrokerCount"), Some(0.0));
}

/// A cluster in dual write, all brokers in migration mode.
fn migrating(shape: Shape) -> Cluster {
    let mut cluster = Cluster::start(&Distribution::fetch(KAFKA), shape);
    cluster.provision_controllers();
    cluster.restart_brokers(BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    cluster
}

fn ready(cluster: &Cluster, id: i32) -> bool {
    ask::api_versions(cluster.endpoint(id)).expect("an answer").zk_migration_ready
}

fn lists(cluster: &Cluster, id: i32, key: i16) -> bool {
    let answer = ask::api_versions(cluster.endpoint(id)).expect("an answer");
    answer.api_keys.iter().any(|api| api.api_key == key)
}

/// The oldest and the newest version in which a node serves `Fetch`.
fn fetch(cluster: &Cluster, id: i32) -> (i16, i16) {
    let answer = ask::api_versions(cluster.endpoint(id)).expect("an answer");
    let fetch = answer.api_keys.iter().find(|api| api.api_key == FETCH).expect("every node serves Fetch");
    (fetch.min_version, fetch.max_version)
}

/// The oldest `metadata.version` that a node could do with, and the one that is finalized.
fn metadata_version(cluster: &Cluster, id: i32) -> (i16, i16) {
    let answer = ask::api_versions(cluster.endpoint(id)).expect("an answer");
    let name = "metadata.version";
    let supported = answer.supported_features.iter().find(|feature| feature.name.as_str() == name);
    let finalized = answer.finalized_features.iter().find(|feature| feature.name.as_str() == name);
    (supported.expect("supported").min_version, finalized.expect("finalized").max_version_level)
}

fn configured(node: SocketAddr, id: i32, key: &str) -> String {
    let mut configuration = ask::configuration(node, id).expect("an answer");
    configuration.remove(key).unwrap_or_else(|| panic!("no {key} in {configuration:?}"))
}

fn listed_brokers(broker: SocketAddr) -> BTreeSet<i32> {
    ask::broker_ids(&ask::metadata(broker).expect("an answer"))
}

fn named_and_listed(cluster: &Cluster, broker: i32) -> (BTreeSet<i32>, BTreeSet<i32>) {
    (named_controllers(cluster.endpoint(broker)), listed_brokers(cluster.endpoint(broker)))
}

fn named_controllers(broker: SocketAddr) -> BTreeSet<i32> {
    let named = |_time| ask::metadata(broker).expect("an answer").controller_id.0;
    (0..OFTEN).map(named).collect()
}

/// Which frames a recording keeps of a node.
fn kept_frames(cluster: &Cluster, id: i32) -> BTreeSet<(&'static str, i16)> {
    let frames = ask::frames(cluster.endpoint(id), id).into_iter();
    frames.map(|(api, version, _frame)| (api, version)).collect()
}
