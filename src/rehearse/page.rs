//! The metrics page of a simulated controller, in the forms that three usual exporters give it. Not here: how it is
//! served.

use super::cluster::Cluster;
use super::fault::Fault;
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

/// The page of this controller, as its exporter writes it.
#[must_use]
pub fn text(cluster: &Cluster, id: NodeId) -> String {
    let has = |fault| cluster.faults.has(id, fault);
    // Three exporters, so that a rehearsal meets all of their forms.
    let place = cluster.quorum.controllers.keys().position(|other| *other == id).unwrap_or(0);
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

/// Every gauge of the bean, as this controller has it by now.
fn gauges(cluster: &Cluster, id: NodeId) -> Vec<(&'static str, f64)> {
    let Some(controller) = cluster.quorum.controllers.get(&id) else { return Vec::new() };
    let end = controller.published.unwrap_or(0);
    let registered = cluster.quorum.registered_at(end);
    let count = |number: usize| u32::try_from(number).map_or(f64::MAX, f64::from);
    let state =
        controller.published.and_then(|end| cluster.quorum.state_at(end)).map_or(-1.0, |state| f64::from(state as u8));
    let alive = registered.keys().filter(|id| cluster.brokers.get(id).is_some_and(|broker| broker.up)).count();
    let offset = f64::from(i32::try_from(end).unwrap_or(i32::MAX) - 1);
    let mut gauges = vec![
        ("ActiveBrokerCount", count(alive)),
        ("ActiveControllerCount", f64::from(u8::from(controller.leads.is_some()))),
        ("FencedBrokerCount", count(registered.len() - alive)),
        ("GlobalPartitionCount", 0.0),
        ("GlobalTopicCount", 0.0),
        ("LastAppliedRecordLagMs", 0.0),
        ("LastAppliedRecordOffset", offset),
        ("LastAppliedRecordTimestamp", 0.0),
        ("LastCommittedRecordOffset", offset),
        ("MetadataErrorCount", 0.0),
        ("OfflinePartitionsCount", 0.0),
        ("PreferredReplicaImbalanceCount", 0.0),
        ("ZkMigrationState", state),
    ];
    if cluster.version >= Version::V3_6 {
        gauges.extend([
            ("EventQueueOperationsStartedCount", offset),
            ("EventQueueOperationsTimedOutCount", 0.0),
            ("MigratingZkBrokerCount", count(registered.values().filter(|on_zookeeper| **on_zookeeper).count())),
            ("NewActiveControllersCount", f64::from(cluster.quorum.epoch)),
            ("TimedOutBrokerHeartbeatCount", 0.0),
        ]);
        // Only a controller with the flag has a migration driver.
        if controller.flag {
            gauges.push(("ZkWriteBehindLag", 0.0));
        }
    }
    gauges
}
