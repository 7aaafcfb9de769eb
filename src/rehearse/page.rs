//! The metrics page of a simulated node, in the forms that three usual exporters give it. Not here: how it is
//! served.

use super::cluster::{Cluster, Mode};
use super::fault::Fault;
use super::quorum::Controller;
use super::topics::{Partition, Topic};
use super::version::Version;
use crate::snapshot::NodeId;

/// How an exporter spells a gauge of `kafka.controller:type=KafkaController`.
#[derive(Clone, Copy)]
enum Exporter {
    /// `jmx_prometheus_javaagent` 0.20 without rules, with its trailing comma.
    WithoutRules,
    /// 1.0 in lower case.
    LowerCase,
    /// 0.20 with the rule that Kafka's examples use.
    UsualRule,
}

/// The page of this node, as its exporter writes it.
#[must_use]
pub fn text(cluster: &Cluster, id: NodeId) -> String {
    let has = |fault| cluster.faults.has(id, fault);
    // Three exporters, so that a rehearsal meets all of their forms.
    let place = cluster.quorum.controllers.keys().position(|other| *other == id);
    let place = place.or(usize::try_from(id).ok()).unwrap_or(0);
    let exporter = match place % 3 {
        0 => Exporter::WithoutRules,
        1 => Exporter::LowerCase,
        _ => Exporter::UsualRule,
    };
    let mut gauges = gauges(cluster, id);
    if has(Fault::PageWithoutMetric) {
        gauges.retain(|(bean, _)| *bean != "ZkMigrationState");
    }
    for (bean, value) in &mut gauges {
        if *bean == "ZkMigrationState" && has(Fault::PageNotLoaded) {
            *value = -1.0;
        }
    }
    let mut page = "# HELP jvm_threads_current Current thread count of a JVM\n# TYPE jvm_threads_current gauge\n\
                    jvm_threads_current 34.0\n"
        .to_owned();
    for (bean, value) in gauges {
        page.push_str(&line(exporter, bean, value));
        if bean == "ZkMigrationState" && has(Fault::PageTwoValues) {
            page.push_str(&line(exporter, bean, value + 1.0));
        }
    }
    page
}

fn line(exporter: Exporter, bean: &str, value: f64) -> String {
    match exporter {
        Exporter::WithoutRules => format!("kafka_controller_KafkaController_Value{{name=\"{bean}\",}} {value:?}\n"),
        Exporter::LowerCase => format!("kafka_controller_kafkacontroller_value{{name=\"{bean}\"}} {value:?}\n"),
        Exporter::UsualRule => format!("kafka_controller_kafkacontroller_{} {value:?}\n", bean.to_lowercase()),
    }
}

/// Every gauge of the bean, as this node has it by now. A KRaft broker has no such bean.
fn gauges(cluster: &Cluster, id: NodeId) -> Vec<(&'static str, f64)> {
    match (cluster.quorum.controllers.get(&id), cluster.brokers.get(&id)) {
        (Some(controller), _) => of_controller(cluster, id, controller),
        (None, Some(broker)) if broker.mode != Mode::Kraft => of_zookeeper_broker(cluster, id),
        _ => Vec::new(),
    }
}

/// What a ZooKeeper broker has: all of it 0 unless it is the controller.
fn of_zookeeper_broker(cluster: &Cluster, id: NodeId) -> Vec<(&'static str, f64)> {
    let is_controller = cluster.zookeeper_controller == Some(id);
    let topics: &[Topic] = if is_controller { &cluster.topics } else { &[] };
    let alive = cluster.brokers.values().filter(|broker| broker.up && is_controller).count();
    let deletes = is_controller && cluster.faults.any(Fault::TopicDeletion).is_some();
    let if_so = |is_so: bool| f64::from(u8::from(is_so));
    let mut gauges = vec![
        ("ActiveBrokerCount", count(alive)),
        ("ActiveControllerCount", if_so(is_controller)),
        ("ControllerState", 0.0),
        // Nobody is fenced by ZooKeeper.
        ("FencedBrokerCount", 0.0),
        ("ReplicasIneligibleToDeleteCount", 0.0),
        ("ReplicasToDeleteCount", if_so(deletes)),
        // Its replica is out of reach.
        ("TopicsIneligibleToDeleteCount", if_so(deletes)),
        ("TopicsToDeleteCount", if_so(deletes)),
    ];
    gauges.extend(of_topics(topics));
    if cluster.release(id) >= Version::V3_6 {
        // KAFKA-15196; a constant, whatever its flag is.
        gauges.push(("ZkMigrationState", 4.0));
    }
    gauges
}

/// What ZooKeeper's and KRaft's controllers count alike.
fn of_topics(topics: &[Topic]) -> [(&'static str, f64); 4] {
    let partitions = || topics.iter().flat_map(|topic| &topic.partitions);
    let elsewhere = |partition: &&Partition| partition.leader != partition.replicas.first().copied();
    [
        ("GlobalPartitionCount", count(partitions().count())),
        ("GlobalTopicCount", count(topics.len())),
        ("OfflinePartitionsCount", count(partitions().filter(|partition| partition.leader.is_none()).count())),
        ("PreferredReplicaImbalanceCount", count(partitions().filter(elsewhere).count())),
    ]
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

fn of_controller(cluster: &Cluster, id: NodeId, controller: &Controller) -> Vec<(&'static str, f64)> {
    let has = |fault| cluster.faults.has(id, fault);
    let end = controller.published.unwrap_or(0);
    let registered = cluster.quorum.registrations_at(end);
    let state =
        controller.published.and_then(|end| cluster.quorum.state_at(end)).map_or(-1.0, |state| f64::from(state as u8));
    let fenced = registered.values().filter(|broker| broker.fenced).count();
    let migrating = registered.values().filter(|broker| broker.is_migrating_zk_broker).count();
    let offset = f64::from(i32::try_from(end).unwrap_or(i32::MAX) - 1);
    let mut gauges = vec![
        ("ActiveBrokerCount", count(registered.len() - fenced)),
        ("ActiveControllerCount", f64::from(u8::from(controller.leads.is_some()))),
        ("FencedBrokerCount", count(fenced)),
        ("LastAppliedRecordLagMs", 0.0),
        ("LastAppliedRecordOffset", offset),
        ("LastAppliedRecordTimestamp", 0.0),
        ("LastCommittedRecordOffset", offset),
        ("MetadataErrorCount", f64::from(u8::from(has(Fault::MetadataErrors)))),
        ("ZkMigrationState", state),
    ];
    gauges.extend(of_topics(&cluster.topics_at(end)));
    if cluster.release(id) >= Version::V3_6 {
        gauges.extend([
            ("EventQueueOperationsStartedCount", offset),
            ("EventQueueOperationsTimedOutCount", 0.0),
            ("MigratingZkBrokerCount", count(migrating)),
            ("NewActiveControllersCount", f64::from(cluster.quorum.epoch)),
            ("TimedOutBrokerHeartbeatCount", 0.0),
        ]);
        // Only a controller with the flag has a migration driver.
        if controller.flag {
            let behind = has(Fault::WriteBehind) && controller.leads.is_some() && cluster.quorum.is_copied_at(end);
            gauges.push(("ZkWriteBehindLag", if behind { offset } else { 0.0 }));
        }
    }
    gauges
}
