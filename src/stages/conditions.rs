//! When a row is demanded at all.

use super::row::Condition;
use crate::signals::{
    ANSWERS_AS_BROKER as ANSWERS, BROKER_ON_ZOOKEEPER, BROKER_RUNG, BrokerRung, MIGRATION_STATE, StateRung, TOPIC_COUNT,
};
use crate::snapshot::Subject;

/// The flag is demanded of controllers as long as there is something to migrate.
pub(super) const BEFORE_THE_END_WITH_ZOOKEEPER: Condition = Condition {
    words: "only while a broker is on ZooKeeper and the migration is not finalized",
    holds: |view, subject| {
        let zookeeper = if view.known_brokers().is_empty() {
            Some(true)
        } else {
            let told = BROKER_ON_ZOOKEEPER.read(view, subject).ok().map(|seen| seen.value);
            told.filter(|on_zookeeper| *on_zookeeper || view.strangers().next().is_none())
        };
        let state = MIGRATION_STATE.read(view, subject).ok().map(|seen| seen.value < StateRung::PostMigration);
        both(zookeeper, state)
    },
    excuses_nobody: false,
};

/// A broker on ZooKeeper needs its flag, and a combined node reports its controller's: only of the others is a flag
/// left behind. Of a broker that was not seen at all, its mode says so already.
pub(super) const RUNS_KRAFT_AND_NOT_COMBINED: Condition = Condition {
    words: "only of a broker that is seen to run KRaft and is no controller",
    holds: |view, subject| match subject {
        Subject::Broker(id) if view.is_combined(id) => Some(false),
        _ => Some(BROKER_RUNG.read(view, subject).is_ok_and(|seen| seen.value == BrokerRung::Kraft)),
    },
    excuses_nobody: false,
};

/// As long as a broker is on ZooKeeper, its registration is no remainder.
pub(super) const NO_BROKER_ON_ZOOKEEPER: Condition = Condition {
    words: "only when no broker is on ZooKeeper any more",
    holds: |view, subject| BROKER_ON_ZOOKEEPER.read(view, subject).ok().map(|seen| !seen.value),
    excuses_nobody: false,
};

/// Of a broker that is silent, its silence is said once.
pub(super) const ANSWERS_AS_BROKER: Condition = Condition {
    words: "only of a broker that answers",
    holds: |view, subject| Some(ANSWERS.read(view, subject).is_ok()),
    excuses_nobody: false,
};

/// Only who was declared can tell the others from strangers.
pub(super) const BROKERS_DECLARED: Condition = Condition {
    words: "only where the brokers were declared",
    holds: |view, _| Some(view.declared_brokers().is_some()),
    excuses_nobody: false,
};

/// Likewise of controllers.
pub(super) const CONTROLLERS_DECLARED: Condition = Condition {
    words: "only where the controllers were declared",
    holds: |view, _| Some(view.declared_controllers().is_some()),
    excuses_nobody: false,
};

/// A cluster that has not begun has no controllers to ask.
pub(super) const CONTROLLERS_THERE: Condition = Condition {
    words: "only where controllers were given or declared, or a broker is beyond ZooKeeper",
    holds: |view, _| {
        let on_zookeeper = |id: &i32| {
            BROKER_RUNG.read(view, Subject::Broker(*id)).is_ok_and(|seen| seen.value == BrokerRung::Zookeeper)
        };
        let known = view.known_brokers();
        Some(view.controllers_given() || known.is_empty() || !known.iter().all(on_zookeeper))
    },
    excuses_nobody: true,
};

/// Only a count can tell that topics are not shown.
pub(super) const TOPICS_COUNTED: Condition = Condition {
    words: "only where the controllers' GlobalTopicCount is exported, once the metadata is copied",
    holds: |view, subject| Some(TOPIC_COUNT.read(view, subject).is_ok()),
    excuses_nobody: false,
};

/// The same before there is a quorum, when nobody votes.
pub(super) const CONTROLLERS_DECLARED_IF_ANY: Condition = Condition { excuses_nobody: true, ..CONTROLLERS_DECLARED };

/// Of declared brokers each is judged by its own row.
pub(super) const BROKERS_DISCOVERED: Condition = Condition {
    words: "only where the brokers were not declared",
    holds: |view, _| Some(view.declared_brokers().is_none()),
    excuses_nobody: false,
};

/// Without a declaration there is nothing to compare with.
pub(super) const CLUSTER_DECLARED: Condition = Condition {
    words: "only with --expect-cluster-id",
    holds: |view, _| Some(view.declared_cluster_id().is_some()),
    excuses_nobody: false,
};

/// Before the copy the ZooKeeper controller rules, and rightly.
pub(super) const COPIED_AND_ON_ZOOKEEPER: Condition = Condition {
    words: "only of a broker in migration mode once the metadata is copied",
    holds: |view, subject| {
        let broker = BROKER_RUNG.read(view, subject).ok().map(|seen| seen.value == BrokerRung::Migration);
        let copied = MIGRATION_STATE.read(view, subject).ok().map(|seen| seen.value >= StateRung::Migration);
        both(broker, copied)
    },
    excuses_nobody: false,
};

/// Whether both hold; one that does not settles it, whatever is not known of the other.
fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}
