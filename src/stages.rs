//! THE TABLES: what each stage demands. The guards, which hold in every stage, are in `stages/guards.rs`; what is demanded
//! before every step is in `stages/health.rs`; rows that stand in several tables are in `stages/rows.rs`.
//!
//! An operator can read this file from here down to the last stage. Each row says of whom it demands what, and
//! carries its reason, where that reason comes from, how to see it by hand, and what to do. Rows say "at least", so
//! that a stage that was passed is complete without an exception. Not here: how a fact is read (`signals`) and how
//! rows become a verdict (`evaluate`).

mod causes;
mod conditions;
mod defects;
mod driver;
mod guards;
mod health;
pub(crate) mod looks;
mod row;
mod rows;

pub use defects::{of_driver, of_release};
pub use driver::DRIVER_STANDS;
pub use guards::GUARDS;
pub use health::HEALTH;
pub use row::{Cause, Clause, Condition, Demand, Guard, Look, Reason, Row, Stage, Subjects, Told};

use crate::signals::{
    BROKER_RUNG, BrokerRung, MIGRATION_STATE, NAMED_CONTROLLER, NamedController, StateRung, ZK_MIGRATION_READY,
};
use Subjects::{Controllers, ExpectedBrokers, Quorum};
use causes::NOT_FOLLOWED;
use conditions::{BEFORE_THE_END_WITH_ZOOKEEPER, COPIED_AND_ON_ZOOKEEPER};
use looks::{BROKER_FLAG, CONTROLLER_FLAG, CONTROLLER_ZNODE, REPLICATION, STATE, STATE_RECORDS, TO_BROKERS_LOG};
use row::row;
use rows::{
    BROKER_FLAG_OFF, BROKER_LISTS_OTHERS, BROKER_RUNS_KRAFT, BROKERS_KNOWN, CONTROLLER_ANSWERS, CONTROLLER_VOTES,
    CONTROLLERS_KNOWN, METADATA_COPIED, NO_BROKER_LEFT_OUT, NO_REGISTRATION_LEFT, NO_UNEXPECTED_BROKER,
    NO_UNEXPECTED_VOTER, OF_CLUSTER, QUORUM_HAS_LEADER, SAME_CLUSTER, VOTER_CAUGHT_UP,
};

/// The stages, in the order of a migration.
pub static STAGES: &[Stage] = &[QUORUM_PROVISIONED, BROKERS_IN_MIGRATION, BROKERS_MIGRATED, FINALIZED];

/// Every table: the stages, and health.
pub fn all() -> impl Iterator<Item = &'static Stage> {
    STAGES.iter().chain([&HEALTH])
}

/// The rows of these tables, once each: a row of an earlier table is not narrowed by a later one.
#[must_use]
pub fn rows_of(tables: impl IntoIterator<Item = &'static Stage>) -> Vec<&'static Row> {
    let mut rows: Vec<&'static Row> = Vec::new();
    for row in tables.into_iter().flat_map(|table| table.rows) {
        if rows.iter().all(|other| other.id != row.id) {
            rows.push(row);
        }
    }
    rows
}

const QUORUM_PROVISIONED: Stage = Stage {
    id: "quorum-provisioned",
    title: "KRaft controller quorum provisioned",
    complete_when: "every expected controller answers and votes, the quorum has a live leader, every voter \
        keeps up, and (until the end) every controller has the migration flag",
    rows: &[
        CONTROLLER_VOTES,
        QUORUM_HAS_LEADER,
        CONTROLLER_ANSWERS,
        VOTER_CAUGHT_UP,
        CONTROLLERS_KNOWN,
        NO_UNEXPECTED_VOTER,
        row("controller-flag-on", Controllers, Demand::Truth(ZK_MIGRATION_READY.is(true)))
            .only(BEFORE_THE_END_WITH_ZOOKEEPER)
            .claims("have the migration flag")
            .because(
                "a controller without zookeeper.metadata.migration.enable drives no migration, and finalizes \
                      one that is under way as soon as it is elected",
            )
            .source("KIP-866; ActivationRecordsGenerator.java; ApiVersionsResponse tag 3, Kafka 3.5 to 3.9")
            .look(&[CONTROLLER_FLAG])
            .remedy(
                "restart-with-flag",
                "restart the controller with zookeeper.metadata.migration.enable=true and zookeeper.connect",
            )
            .never("do not begin to move brokers, nor restart the leader, while a voter is without the flag"),
        row("state-not-none", Quorum, Demand::State(MIGRATION_STATE.at_least(StateRung::PreMigration)))
            .claims("is in PRE_MIGRATION or beyond")
            .because("controllers first started without the flag write NONE, and can only be formatted anew")
            .source("KIP-866; ActivationRecordsGenerator.java: empty log, flag off")
            .look(&[STATE, STATE_RECORDS])
            .remedy(
                "format-controllers",
                "stop the controllers, remove their data, format and start them with the flag",
            )
            .never(
                "do not restart them with the flag on the same data: the one that is elected then dies. Never remove \
    the data of controllers that KRaft brokers already follow: it is the cluster's metadata",
            ),
        SAME_CLUSTER,
    ],
};

const BROKERS_IN_MIGRATION: Stage = Stage {
    id: "brokers-in-migration",
    title: "Brokers in migration mode",
    complete_when: "every expected broker is in migration mode or beyond, and ZkMigrationState is MIGRATION or \
        beyond",
    rows: &[
        row("broker-in-migration", ExpectedBrokers, Demand::Broker(BROKER_RUNG.at_least(BrokerRung::Migration)))
            .claims("are in migration mode or beyond")
            .because("the copy begins only when every broker has registered with the KRaft controllers")
            .source("KIP-866; ApiVersionsResponse tag 3 (ZkMigrationReady), Kafka 3.5 to 3.9")
            .look(&[BROKER_FLAG, REPLICATION])
            .remedy(
                "restart-in-migration-mode",
                "restart the broker with the migration flag and the controllers' addresses",
            )
            .never("do not set process.roles yet: before the copy a KRaft broker is refused"),
        NO_UNEXPECTED_BROKER,
        BROKER_LISTS_OTHERS,
        BROKERS_KNOWN,
        OF_CLUSTER,
        QUORUM_HAS_LEADER,
        METADATA_COPIED,
        row(
            "broker-follows-quorum",
            ExpectedBrokers,
            Demand::Controller(NAMED_CONTROLLER.is(NamedController::AnyBroker)),
        )
        .where_exported()
        .only(COPIED_AND_ON_ZOOKEEPER)
        .claims("follow the KRaft controllers")
        .because(
            "a broker that gets no word from the controllers, or still follows a ZooKeeper controller, is green in \
                      every metric, and its topics would be lost",
        )
        .source("MetadataCache.scala: getRandomAliveBrokerId; seen on 3.9.1 with a quorum left over")
        .owed_to(NOT_FOLLOWED)
        .look(&[CONTROLLER_ZNODE, TO_BROKERS_LOG])
        .remedy(
            "look-at-controllers",
            "see in the leader's log whether it reaches the broker; if the quorum is left over from an earlier \
                      attempt, format new controllers",
        )
        .never("do not move a broker to KRaft: what was created under the other controller would be lost"),
    ],
};

const BROKERS_MIGRATED: Stage = Stage {
    id: "brokers-migrated",
    title: "Brokers migrated to KRaft",
    complete_when: "every expected broker runs KRaft, its flag is off, the metadata was copied, and no \
        ZooKeeper registration is left",
    rows: &[
        BROKER_RUNS_KRAFT,
        NO_UNEXPECTED_BROKER,
        BROKER_LISTS_OTHERS,
        BROKERS_KNOWN,
        NO_BROKER_LEFT_OUT,
        OF_CLUSTER,
        QUORUM_HAS_LEADER,
        BROKER_FLAG_OFF,
        // Guard: the rows above also hold for a cluster that never had ZooKeeper, or a quorum without a copy.
        METADATA_COPIED,
        NO_REGISTRATION_LEFT,
    ],
};

const FINALIZED: Stage = Stage {
    id: "finalized",
    title: "Migration finalized",
    complete_when: "ZkMigrationState is POST_MIGRATION, every flag is off, every broker runs KRaft",
    rows: &[
        row("migration-finalized", Quorum, Demand::State(MIGRATION_STATE.at_least(StateRung::PostMigration)))
            .claims("is in POST_MIGRATION or beyond")
            .because(
                "POST_MIGRATION is written by the first controller that is elected without the flag, and is \
                      never taken back",
            )
            .source(
                "KIP-866; ActivationRecordsGenerator.java: ZkMigrationStateRecord of the metadata log; metric \
                    kafka.controller:ZkMigrationState, Kafka 3.5 to 3.9",
            )
            .look(&[STATE, STATE_RECORDS])
            .remedy("finalize", "restart the controllers one by one without the flag and without zookeeper.connect")
            .never(
                "do not restart a controller without the flag while any broker is on ZooKeeper or down: Kafka does not \
    look, and there is no way back",
            ),
        QUORUM_HAS_LEADER,
        row("controller-flag-off", Controllers, Demand::Truth(ZK_MIGRATION_READY.is(false)))
            .claims("are without the migration flag")
            .because("a controller that kept the flag still holds on to ZooKeeper")
            .source("ApiVersionsResponse tag 3 is the node's own configuration, Kafka 3.5 to 3.9")
            .look(&[CONTROLLER_FLAG])
            .remedy(
                "restart-without-flag",
                "restart the controller without zookeeper.metadata.migration.enable and zookeeper.connect",
            ),
        CONTROLLERS_KNOWN,
        BROKER_RUNS_KRAFT,
        NO_UNEXPECTED_BROKER,
        BROKER_LISTS_OTHERS,
        BROKERS_KNOWN,
        NO_BROKER_LEFT_OUT,
        OF_CLUSTER,
        BROKER_FLAG_OFF,
        NO_REGISTRATION_LEFT,
    ],
};
