//! Metrics pages: what is read from which shape, and what every other page is refused for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Plan, look};
use kraft_check::signals::{MIGRATING_BROKERS, MIGRATION_STATE, StateRung, View};
use kraft_check::snapshot::{Depth, Missed, Owner, Snapshot, Subject, Why};
use tokio::time::Instant;

use crate::answers::{self, leader};
use crate::memory::Memory;

const URL: &str = "http://node.example/metrics";
const LEADER: i32 = 3001;

/// The state that is read from a page of the leader.
fn state(page: &str) -> Result<StateRung, Missed> {
    let snapshot = snapshot(page);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    MIGRATION_STATE.read(&view, Subject::Quorum).map(|seen| seen.value).map_err(|unseen| unseen.missed)
}

fn why(page: &str) -> (Why, String) {
    let missed = state(page).expect_err("nothing to read");
    (missed.why, missed.words.into_owned())
}

/// A look at a live leader whose page is this.
fn snapshot(page: &str) -> Snapshot {
    let plan = Plan {
        depth: Depth::Stage,
        broker_pages: None,
        controller_pages: None,
        brokers: Vec::new(),
        controllers: Vec::new(),
        pages: BTreeMap::from([(Owner::Id(LEADER), URL.to_owned())]),
        metric_names: Vec::new(),
        prove_cluster_id: false,
        request_timeout: Duration::from_secs(5),
        page_timeout: Duration::from_secs(5),
        concurrency: 1,
    };
    let memory = Memory { nodes: BTreeMap::new(), pages: BTreeMap::from([(URL.to_owned(), page.to_owned())]) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let network = Arc::new(Kept::nothing(memory));
    let mut look = runtime.block_on(async { look(&network, &plan, Instant::now() + plan.page_timeout).await });
    // Without its flag nothing follows from the leader alone, so the page is all there is.
    let mut leader = leader(LEADER, &[]);
    leader.api_versions.said.as_mut().expect("it answers").zk_migration_ready = Some(false);
    look.nodes.push(leader);
    answers::snapshot(&[], &[], [look])
}

#[test]
fn the_state_is_read_from_the_shapes_that_exporters_give() {
    // As seen on real controllers: 0.20.0 and 1.0.1 without rules, each also in lower case, and with the usual rule;
    // then the rules of other projects.
    for page in [
        "kafka_controller_KafkaController_Value{name=\"ZkMigrationState\",} 1.0\n",
        "kafka_controller_kafkacontroller_value{name=\"ZkMigrationState\",} 1.0\n",
        "kafka_controller_KafkaController_Value{name=\"ZkMigrationState\"} 1.0\n",
        "kafka_controller_kafkacontroller_value{name=\"ZkMigrationState\"} 1.0\n",
        "kafka_controller_kafkacontroller_zkmigrationstate 1.0\n",
        "kafka_controller_KafkaController_ZkMigrationState_Value 1.0\n",
        "kafka_controller_kafkacontroller_zkmigrationstate_value 1.0\n",
        "kafka_controller_KafkaController_ZkMigrationState 1.0\n",
        "kafka_controller_ZkMigrationState 1.0\n",
        "kafka_controller_zk_migration_state 1.0\n",
        "kafka_controller_kafkacontroller_zkmigrationstate{instance=\"c1\",job=\"kafka\"} 1.0\n",
    ] {
        assert_eq!(state(page), Ok(StateRung::Migration), "{page}");
    }
}

#[test]
fn numbers_become_the_states_of_3_5_to_3_9() {
    let page = |value: &str| format!("kafka_controller_kafkacontroller_zkmigrationstate {value}\n");
    assert_eq!(state(&page("2.0")), Ok(StateRung::PreMigration));
    assert_eq!(state(&page("1.0")), Ok(StateRung::Migration));
    assert_eq!(state(&page("3.0")), Ok(StateRung::PostMigration));
    assert_eq!(why(&page("-1.0")).0, Why::NotLoaded);
    assert_eq!(why(&page("4.0")).0, Why::WrongTarget);
    for value in ["5.0", "1.5", "-2.0", "NaN", "+Inf", "1e300"] {
        assert_eq!(why(&page(value)).0, Why::Malformed, "{value}");
    }
    // NONE alone says nothing: only the brokers tell whether it is the end of the way or a dead end.
    let (why, words) = why(&page("0.0"));
    assert_eq!(why, Why::NotAsked);
    assert!(words.contains("give -b"), "{words}");
}

#[test]
fn the_whole_grammar_is_read() {
    let page = "# HELP x kafka.controller:name=GlobalPartitionCount,type=KafkaController\n\
                # TYPE x untyped\n\
                \n\
                jvm_info{a=\"with \\\"quotes\\\", a comma, a } and a \\n\",b=\"\",} 1.0 1795196285279\n\
                kafka_controller_KafkaController_Value { name = \"ZkMigrationState\" } 2.0\n"
        .replace("Value {", "Value{");
    assert_eq!(state(&page), Ok(StateRung::PreMigration));
    let open_metrics = "# TYPE kafka_controller_kafkacontroller_zkmigrationstate gauge\n\
                        kafka_controller_kafkacontroller_zkmigrationstate 2.0 # {trace_id=\"x\"} 1.0\n\
                        # EOF\n";
    assert_eq!(state(open_metrics), Ok(StateRung::PreMigration));
}

#[test]
fn two_values_are_ambiguous_and_the_same_twice_is_not() {
    let twice = |a: &str, b: &str| {
        format!(
            "kafka_controller_kafkacontroller_zkmigrationstate {a}\n\
             kafka_controller_KafkaController_Value{{name=\"ZkMigrationState\"}} {b}\n"
        )
    };
    assert_eq!(why(&twice("1.0", "2.0")).0, Why::Ambiguous);
    assert_eq!(state(&twice("1.0", "1.0")), Ok(StateRung::Migration));
}

#[test]
fn a_page_without_the_metric_says_which_kind_it_is() {
    let (why_empty, words) = why("");
    assert_eq!(why_empty, Why::WithoutMetric);
    assert!(words.contains("starting"), "{words}");
    let (why_dropped, words) = why("kafka_controller_kafkacontroller_activecontrollercount 1.0\n");
    assert_eq!(why_dropped, Why::WithoutMetric);
    assert!(words.contains("rules drop it"), "{words}");
    // Names that only look alike are not the metric.
    for page in [
        "kafka_controller_kafkacontroller_zkmigrationstate_count 1.0\n",
        "kafka_controller_kafkacontroller_zkmigrationstate_total 1.0\n",
        "kafka_server_broker_zkmigrationstate 1.0\n",
        "kafka_controller_kafkacontroller_zkmigrationstate{quantile=\"0.5\"} 1.0\n",
        "kafka_controller_KafkaController_Value{name=\"ActiveControllerCount\",bean=\"ZkMigrationState\"} 1.0\n",
    ] {
        assert_eq!(why(page).0, Why::WithoutMetric, "{page}");
    }
}

#[test]
fn what_is_not_a_whole_page_is_refused() {
    for page in [
        "<html><body>It works</body></html>\n",
        "{\"status\":200}\n",
        "kafka_controller_kafkacontroller_zkmigrationstate 1.0",
        "kafka_controller_kafkacontroller_zkmigrationstate 1.0\nkafka_controller_kafkacontroller_zkmig",
        "kafka_controller_kafkacontroller_zkmigrationstate 1.0\nbroken{name=\"x} 1.0\n",
        "kafka_controller_kafkacontroller_zkmigrationstate\n",
        "kafka_controller_kafkacontroller_zkmigrationstate one\n",
        "kafka_controller_kafkacontroller_zkmigrationstate 1.0 2 3\n",
        "kafka_controller_KafkaController_Value{name=\"ZkMigrationState\" x=\"y\"} 1.0\n",
    ] {
        assert_eq!(why(page).0, Why::NotAPage, "{page}");
    }
    let endless = "kafka_controller_x 1.0\n".repeat(10_001);
    assert_eq!(why(&endless).0, Why::TooLarge);
}

#[test]
fn registrations_of_zookeeper_brokers_are_counted_by_the_leader() {
    let count = |page: &str| {
        let snapshot = snapshot(page);
        let view = View::new(&snapshot, &snapshot.looks[0]);
        MIGRATING_BROKERS.read(&view, Subject::Quorum).map(|seen| seen.value).map_err(|unseen| unseen.missed.why)
    };
    assert_eq!(count("kafka_controller_kafkacontroller_migratingzkbrokercount 3.0\n"), Ok(3));
    assert_eq!(count("kafka_controller_kafkacontroller_migratingzkbrokercount -1.0\n"), Err(Why::Malformed));
    assert_eq!(count("kafka_controller_kafkacontroller_zkmigrationstate 1.0\n"), Err(Why::WithoutMetric));
}
