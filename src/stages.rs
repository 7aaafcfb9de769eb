//! THE TABLES: what each stage demands. The guards, which hold in every stage, are in `stages/guards.rs`.
//!
//! An operator can read this file from here down to the last stage. Each row says of whom it demands what, and
//! carries its reason, where that reason comes from, how to see it by hand, and what to do. Rows say "at least", so
//! that a stage that was passed is complete without an exception. Not here: how a fact is read (`signals`) and how
//! rows become a verdict (`evaluate`).

mod causes;
mod conditions;
mod guards;
pub(crate) mod looks;
mod row;

pub use guards::GUARDS;
pub use row::{Cause, Condition, Demand, Guard, Look, Reason, Row, Stage, Subjects, Told};

use crate::signals::{
    ADDRESSES_KNOWN, ANSWERS_AS_CONTROLLER, BROKER_RUNG, BrokerRung, CONTROLLERS_NAMED, DECLARED, FETCH_MAX, KINSHIP,
    Kinship, LISTS_BROKERS, LIVE_LEADER, MIGRATING_BROKERS, MIGRATION_STATE, NAMED_CONTROLLER, NOBODY_LEFT_OUT,
    NamedController, OF_DECLARED_CLUSTER, SEAT, Seat, StateRung, VOTER_LAG, ZK_MIGRATION_READY,
};
use Subjects::{Controllers, ExpectedBrokers, ExpectedControllers, KnownBrokers, Quorum, Voters};
use causes::{LEFT_REGISTERED, NO_VOTE, NOT_COPIED, NOT_FOLLOWED};
use conditions::{
    ANSWERS_AS_BROKER, BEFORE_THE_END_WITH_ZOOKEEPER, BROKERS_DECLARED, BROKERS_DISCOVERED, CLUSTER_DECLARED,
    CONTROLLERS_DECLARED, COPIED_AND_ON_ZOOKEEPER, NO_BROKER_ON_ZOOKEEPER, RUNS_KRAFT_AND_NOT_COMBINED,
};
use looks::{
    BROKER_APIS, BROKER_FLAG, BROKERS, CLUSTER_ID_OF_BROKERS, CLUSTER_ID_OF_CONTROLLERS, CLUSTER_ID_ON_DISK,
    CONTROLLER_FLAG, CONTROLLER_ZNODE, DRIVER_LOG, MIGRATION_ZNODE, REPLICATION, STATE, STATE_RECORDS, STATUS,
    TO_BROKERS_LOG, ZOOKEEPER_BROKERS,
};
use row::row;

/// The stages, in the order of a migration.
pub static STAGES: &[Stage] = &[QUORUM_PROVISIONED, BROKERS_IN_MIGRATION, BROKERS_MIGRATED, FINALIZED];

const QUORUM_PROVISIONED: Stage = Stage {
    id: "quorum-provisioned",
    title: "KRaft controller quorum provisioned",
    complete_when: "every expected controller answers and votes, the quorum has a live leader, every voter \
        keeps up, and (until the end) every controller has the migration flag",
    rows: &[
        row("controller-votes", ExpectedControllers, Demand::Seat(SEAT.is(Seat::Voter)))
            .claims("vote in the quorum")
            .because(
                "a controller without a vote adds nothing to the quorum's safety; in a dynamic quorum it \
                      stays an observer until it is added",
            )
            .source("KIP-595, KIP-853: DescribeQuorum CurrentVoters and Observers")
            .owed_to(NO_VOTE)
            .look(&[REPLICATION, STATUS])
            .remedy(
                "add-controller",
                "let it fetch from the leader; in a dynamic quorum: kafka-metadata-quorum add-controller",
            )
            .never(
                "do not format it with --standalone or --initial-controllers: it would begin a quorum of \
                its own",
            ),
        QUORUM_HAS_LEADER,
        row("controller-answers", ExpectedControllers, Demand::Truth(ANSWERS_AS_CONTROLLER.is(true)))
            .claims("answer as controllers")
            .because("what does not answer cannot be judged, and the next stage needs every controller")
            .source("ApiVersions lists Vote (52) on controller listeners only: listeners of VoteRequest.json")
            .look(&[STATUS, REPLICATION])
            .remedy("start-controller", "start the controller, or give its address with -C"),
        row("voter-caught-up", Voters, Demand::Lag(VOTER_LAG.at_most(FETCH_MAX)))
            .claims("keep up with the leader")
            .because("a voter that does not fetch is dead weight: one more failure and the quorum is lost")
            .source("KIP-836: LastFetchTimestamp and LastCaughtUpTimestamp, by the leader's clock")
            .look(&[REPLICATION])
            .remedy("look-at-voter", "see that the controller runs and reaches the leader")
            .never("do not restart another voter meanwhile: the majority could be lost"),
        CONTROLLERS_KNOWN,
        row("no-unexpected-voter", Voters, Demand::Truth(DECLARED.is(true)))
            .only(CONTROLLERS_DECLARED)
            .claims("are declared")
            .because("a voter that nobody declared is a controller that nobody looks after, or another cluster's")
            .source("KIP-595: DescribeQuorum CurrentVoters")
            .look(&[STATUS])
            .remedy("declare-or-remove", "declare it with -C or --expect-controllers, or remove it from the quorum")
            .never("do not remove a voter before it is known whose controller it is"),
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
        row("same-cluster", Quorum, Demand::Kinship(KINSHIP.is(Kinship::Same)))
            .where_exported()
            .claims("is of the brokers' cluster")
            .because("brokers of one cluster say nothing about the controllers of another")
            .source(
                "KIP-919: DescribeCluster of controllers, 3.7+; KIP-595: brokers ask their leader \
                DescribeQuorum",
            )
            .look(&[CLUSTER_ID_OF_BROKERS, CLUSTER_ID_OF_CONTROLLERS])
            .remedy("look-at-addresses", "see that -b and -C are of one cluster; during an election, wait"),
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
                "KIP-866; ActivationRecordsGenerator.java; metric kafka.controller:ZkMigrationState, Kafka 3.5 \
                    to 3.9",
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

const CONTROLLERS_KNOWN: Row = row("controllers-known", Quorum, Demand::Truth(CONTROLLERS_NAMED.is(true)))
    .claims("tells which controller each address of -C is")
    .because("what a controller answers counts for nothing until it is known which one it is")
    .source("KIP-853: DescribeQuorum Nodes, 3.9+; KIP-919: DescribeCluster of controllers, 3.7+")
    .look(&[STATUS])
    .remedy("give-id", "give the address as ID@HOST:PORT");

const BROKER_LISTS_OTHERS: Row = row("broker-lists-others", ExpectedBrokers, Demand::Truth(LISTS_BROKERS.is(true)))
    .only(ANSWERS_AS_BROKER)
    .claims("list the brokers")
    .because("a broker that nobody declared stands in the lists of the others, and perhaps in one alone")
    .source("Metadata: Brokers")
    .look(&[BROKERS])
    .remedy("look-at-broker", "see why the broker does not answer Metadata");

const BROKERS_KNOWN: Row = row("brokers-known", Quorum, Demand::Truth(ADDRESSES_KNOWN.is(true)))
    .only(BROKERS_DISCOVERED)
    .claims("leaves no address of -b in the dark that nobody lists")
    .because("an address that was given is a broker's; silent and listed by nobody, it may be the one left behind")
    .source("Metadata: Brokers; found by simulated histories: a broker on ZooKeeper that the KRaft brokers do not list")
    .look(&[BROKERS, ZOOKEEPER_BROKERS])
    .remedy("declare-or-leave-out", "give --expect-brokers, or leave out the address of a broker that is gone");

const NO_BROKER_LEFT_OUT: Row = row("no-broker-left-out", Quorum, Demand::Truth(NOBODY_LEFT_OUT.is(true)))
    .only(NO_BROKER_ON_ZOOKEEPER)
    .claims("leaves no broker out that nobody declared")
    .because("a broker that is down or cut off is listed by nobody, and may be the one that is left behind")
    .source("ControllerMetadataMetrics.java: MigratingZkBrokerCount, dead ones included, Kafka 3.6 to 3.9")
    .look(&[BROKERS, ZOOKEEPER_BROKERS, STATE])
    .remedy("declare-brokers", "give --expect-brokers, and start or unregister the broker that is missing")
    .never("do not finalize while it is not known who is missing");

const OF_CLUSTER: Row = row("broker-of-cluster", ExpectedBrokers, Demand::Truth(OF_DECLARED_CLUSTER.is(true)))
    .only(CLUSTER_DECLARED)
    .claims("are of the cluster of --expect-cluster-id")
    .because("a broker of another cluster says nothing about this one")
    .source("Metadata: ClusterId")
    .look(&[CLUSTER_ID_OF_BROKERS, CLUSTER_ID_ON_DISK])
    .remedy("look-at-addresses", "see that -b and --expect-cluster-id are of one cluster");

const QUORUM_HAS_LEADER: Row = row("quorum-has-leader", Quorum, Demand::Truth(LIVE_LEADER.is(true)))
    .claims("has a live leader")
    .because("without a leader nothing is committed, and every other figure of the quorum is stale")
    .source("KIP-595; KIP-836; KafkaRaftClient.java: a standby answers error 6 and zeros")
    .look(&[STATUS, REPLICATION])
    .remedy("look-at-quorum", "see that a majority of the controllers runs and that they reach each other")
    .never("do not format a controller to cure it: a majority of the data is what the quorum lives on");

const METADATA_COPIED: Row =
    row("metadata-copied", Quorum, Demand::State(MIGRATION_STATE.at_least(StateRung::Migration)))
        .owed_to(NOT_COPIED)
        .claims("is in MIGRATION or beyond")
        .because("MIGRATION is written when the copy of ZooKeeper's metadata is committed")
        .source("KIP-866; QuorumController.java; metric kafka.controller:ZkMigrationState, Kafka 3.5 to 3.9")
        .look(&[STATE, DRIVER_LOG, REPLICATION, MIGRATION_ZNODE])
        .remedy("wait-for-copy", "wait; if it lasts, look after the causes that the finding names")
        .never(
            "do not move a broker to KRaft before the copy, nor delete /migration unless it is certain \
             that an earlier attempt left it",
        );

const BROKER_RUNS_KRAFT: Row =
    row("broker-runs-kraft", ExpectedBrokers, Demand::Broker(BROKER_RUNG.at_least(BrokerRung::Kraft)))
        .claims("run KRaft")
        .because(
            "a broker that still lists LeaderAndIsr, StopReplica and UpdateMetadata is driven through \
            ZooKeeper",
        )
        .source(
            "listeners of LeaderAndIsrRequest.json, StopReplicaRequest.json, UpdateMetadataRequest.json, 2.8 \
                to 3.9",
        )
        .look(&[BROKER_APIS])
        .remedy(
            "restart-in-kraft-mode",
            "restart the broker with process.roles=broker and node.id, without zookeeper.connect",
        )
        .never("do not format or replace its log directories: meta.properties of version 1 bars the way back");

const BROKER_FLAG_OFF: Row = row("broker-flag-off", ExpectedBrokers, Demand::Truth(ZK_MIGRATION_READY.is(false)))
    .only(RUNS_KRAFT_AND_NOT_COMBINED)
    .claims("are without the migration flag")
    .because(
        "a KRaft broker has no use for the flag: left behind, it makes a disk failure fatal and hides the \
        mode",
    )
    .source("ApiVersionsResponse tag 3 is the node's own configuration; ReplicaManager.scala, Kafka 3.5 to 3.9")
    .look(&[BROKER_FLAG])
    .remedy("remove-flag", "remove zookeeper.metadata.migration.enable and zookeeper.connect, and restart the broker");

const NO_UNEXPECTED_BROKER: Row = row("no-unexpected-broker", KnownBrokers, Demand::Truth(DECLARED.is(true)))
    .only(BROKERS_DECLARED)
    .claims("are declared")
    .because("a broker that nobody declared is judged by no row, and may be the one that is left behind")
    .source("Metadata: Brokers; an operator's rule: refuse and wait")
    .look(&[BROKERS])
    .remedy("declare-or-stop", "declare it with --expect-brokers, or stop it");

const NO_REGISTRATION_LEFT: Row = row("no-registration-left", Quorum, Demand::Count(MIGRATING_BROKERS.at_most(0)))
    .where_exported()
    .only(NO_BROKER_ON_ZOOKEEPER)
    .owed_to(LEFT_REGISTERED)
    .claims("counts no ZooKeeper broker any more")
    .because("a registration of a ZooKeeper broker remains, dead or alive, that nobody has moved")
    .source("ControllerMetadataMetrics.java: MigratingZkBrokerCount, Kafka 3.6 to 3.9")
    .look(&[STATE, ZOOKEEPER_BROKERS])
    .remedy("move-or-unregister", "start that broker as a KRaft broker, or unregister it")
    .never(
        "do not unregister a broker that still runs or owns replicas, and do not finalize before the count \
        is 0",
    );
