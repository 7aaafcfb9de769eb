//! THE TABLES: what each stage demands, and the guards that hold in every stage.
//!
//! An operator can read this file from here down to the last stage. Each row says of whom it demands what, and
//! carries its reason and where that reason comes from. Rows say "at least", so that a stage that was passed is
//! complete without an exception. Not here: how a fact is read (`signals`) and how rows become a verdict
//! (`evaluate`).

mod causes;
mod conditions;
mod row;

pub use row::{Cause, Condition, Demand, Guard, Reason, Row, Stage, Subjects, Told};

use crate::signals::{
    ANSWERS_AS_CONTROLLER, BROKER_ON_ZOOKEEPER, BROKER_RUNG, BrokerRung, CONTROLLERS_NAMED, DECLARED, FETCH_MAX,
    KAFKA_4_CONTROLLER, KINSHIP, Kinship, LISTS_BROKERS, LIVE_LEADER, MIGRATING_BROKERS, MIGRATION_STATE,
    NAMED_CONTROLLER, NOBODY_LEFT_OUT, NamedController, OF_DECLARED_CLUSTER, POST_SEEN, RUNS_KAFKA_4, SEAT, Seat,
    StateRung, TWO_LEADERS, UNFINISHED_SEEN, VOTER_LAG, ZK_MIGRATION_READY,
};
use Subjects::{Controllers, ExpectedBrokers, ExpectedControllers, KnownBrokers, Quorum, Voters};
use causes::{LEFT, LEFT_REGISTERED, NO_VOTE, NOT_COPIED, NOT_FOLLOWED};
use conditions::{
    ANSWERS_AS_BROKER, BEFORE_THE_END_WITH_ZOOKEEPER, BROKERS_DECLARED, CLUSTER_DECLARED, CONTROLLERS_DECLARED,
    COPIED_AND_ON_ZOOKEEPER, NO_BROKER_ON_ZOOKEEPER, RUNS_KRAFT_AND_NOT_COMBINED,
};
use row::{guard, row};

/// The stages, in the order of a migration.
pub static STAGES: &[Stage] = &[QUORUM_PROVISIONED, BROKERS_IN_MIGRATION, BROKERS_MIGRATED, FINALIZED];

const QUORUM_PROVISIONED: Stage = Stage {
    id: "quorum-provisioned",
    title: "KRaft controller quorum provisioned",
    rows: &[
        row("controller-votes", ExpectedControllers, Demand::Seat(SEAT.is(Seat::Voter)))
            .claims("vote in the quorum")
            .because(
                "a controller without a vote adds nothing to the quorum's safety; in a dynamic quorum it \
                      stays an observer until it is added",
            )
            .source("KIP-595, KIP-853: DescribeQuorum CurrentVoters and Observers")
            .owed_to(NO_VOTE)
            .remedy(
                "add-controller",
                "let it fetch from the leader; in a dynamic quorum: kafka-metadata-quorum add-controller",
            ),
        QUORUM_HAS_LEADER,
        row("controller-answers", ExpectedControllers, Demand::Truth(ANSWERS_AS_CONTROLLER.is(true)))
            .claims("answer as controllers")
            .because("what does not answer cannot be judged, and the next stage needs every controller")
            .source("ApiVersions lists Vote (52) on controller listeners only: listeners of VoteRequest.json")
            .remedy("start-controller", "start the controller, or give its address with -C"),
        row("voter-caught-up", Voters, Demand::Lag(VOTER_LAG.at_most(FETCH_MAX)))
            .claims("keep up with the leader")
            .because("a voter that does not fetch is dead weight: one more failure and the quorum is lost")
            .source("KIP-836: LastFetchTimestamp and LastCaughtUpTimestamp, by the leader's clock")
            .remedy("look-at-voter", "see that the controller runs and reaches the leader"),
        CONTROLLERS_KNOWN,
        row("no-unexpected-voter", Voters, Demand::Truth(DECLARED.is(true)))
            .only(CONTROLLERS_DECLARED)
            .claims("are declared")
            .because("a voter that nobody declared is a controller that nobody looks after, or another cluster's")
            .source("KIP-595: DescribeQuorum CurrentVoters")
            .remedy("declare-or-remove", "declare it with -C or --expect-controllers, or remove it from the quorum"),
        row("controller-flag-on", Controllers, Demand::Truth(ZK_MIGRATION_READY.is(true)))
            .only(BEFORE_THE_END_WITH_ZOOKEEPER)
            .claims("have the migration flag")
            .because(
                "a controller without zookeeper.metadata.migration.enable drives no migration, and finalizes \
                      one that is under way as soon as it is elected",
            )
            .source("KIP-866; ActivationRecordsGenerator.java; ApiVersionsResponse tag 3, Kafka 3.5 to 3.9")
            .remedy(
                "restart-with-flag",
                "restart the controller with zookeeper.metadata.migration.enable=true and zookeeper.connect",
            ),
        row("state-not-none", Quorum, Demand::State(MIGRATION_STATE.at_least(StateRung::PreMigration)))
            .because("controllers first started without the flag write NONE, and can only be formatted anew")
            .source("KIP-866; ActivationRecordsGenerator.java: empty log, flag off")
            .remedy(
                "format-controllers",
                "stop the controllers, remove their data, format and start them with the flag",
            ),
        row("same-cluster", Quorum, Demand::Kinship(KINSHIP.is(Kinship::Same)))
            .where_exported()
            .because("brokers of one cluster say nothing about the controllers of another")
            .source("KIP-919: DescribeCluster of controllers, 3.7+; KIP-595: brokers ask their leader DescribeQuorum")
            .remedy("look-at-addresses", "see that -b and -C are of one cluster; during an election, wait"),
    ],
};

const BROKERS_IN_MIGRATION: Stage = Stage {
    id: "brokers-in-migration",
    title: "Brokers in migration mode",
    rows: &[
        row("broker-in-migration", ExpectedBrokers, Demand::Broker(BROKER_RUNG.at_least(BrokerRung::Migration)))
            .claims("are in migration mode or beyond")
            .because("the copy begins only when every broker has registered with the KRaft controllers")
            .source("KIP-866; ApiVersionsResponse tag 3 (ZkMigrationReady), Kafka 3.5 to 3.9")
            .remedy(
                "restart-in-migration-mode",
                "restart the broker with the migration flag and the controllers' addresses",
            ),
        NO_UNEXPECTED_BROKER,
        BROKER_LISTS_OTHERS,
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
        .remedy(
            "look-at-controllers",
            "see in the leader's log whether it reaches the broker; if the quorum is left over from an earlier \
                      attempt, format new controllers",
        ),
    ],
};

const BROKERS_MIGRATED: Stage = Stage {
    id: "brokers-migrated",
    title: "Brokers migrated to KRaft",
    rows: &[
        BROKER_RUNS_KRAFT,
        NO_UNEXPECTED_BROKER,
        BROKER_LISTS_OTHERS,
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
    rows: &[
        row("migration-finalized", Quorum, Demand::State(MIGRATION_STATE.at_least(StateRung::PostMigration)))
            .because(
                "POST_MIGRATION is written by the first controller that is elected without the flag, and is \
                      never taken back",
            )
            .source(
                "KIP-866; ActivationRecordsGenerator.java; metric kafka.controller:ZkMigrationState, Kafka 3.5 to 3.9",
            )
            .remedy("finalize", "restart the controllers one by one without the flag and without zookeeper.connect"),
        QUORUM_HAS_LEADER,
        row("controller-flag-off", Controllers, Demand::Truth(ZK_MIGRATION_READY.is(false)))
            .claims("are without the migration flag")
            .because("a controller that kept the flag still holds on to ZooKeeper")
            .source("ApiVersionsResponse tag 3 is the node's own configuration, Kafka 3.5 to 3.9")
            .remedy(
                "restart-without-flag",
                "restart the controller without zookeeper.metadata.migration.enable and zookeeper.connect",
            ),
        CONTROLLERS_KNOWN,
        BROKER_RUNS_KRAFT,
        NO_UNEXPECTED_BROKER,
        BROKER_LISTS_OTHERS,
        NO_BROKER_LEFT_OUT,
        OF_CLUSTER,
        BROKER_FLAG_OFF,
        NO_REGISTRATION_LEFT,
    ],
};

/// The guards, in every stage: conditions under which waiting cannot help or going on is unsafe. Each must be
/// met on the same subject by two looks before it is said; what is unseen, they skip.
pub static GUARDS: &[Guard] = &[
    guard(
        "finalized-over-zookeeper",
        KnownBrokers,
        &[Demand::Broker(BROKER_RUNG.at_most(BrokerRung::Migration)), Demand::Truth(POST_SEEN.is(true))],
    )
    .says("is on ZooKeeper although the migration is finalized: it gets no more metadata")
    .because("Kafka finalizes without looking at the brokers; those still on ZooKeeper silently split from the rest")
    .source("ActivationRecordsGenerator.java; seen on 3.9.1: topics created afterwards are served by nobody")
    .remedy(
        "stop-and-look",
        "stop every automation and change nothing: there is no way back, and what each side knows has to be \
         compared by hand before a broker is moved",
    ),
    guard(
        "broker-left-the-migration",
        KnownBrokers,
        &[
            Demand::Broker(BROKER_RUNG.is(BrokerRung::Zookeeper)),
            Demand::State(MIGRATION_STATE.reached(StateRung::Migration)),
        ],
    )
    .says("is on ZooKeeper without its flag although the metadata is copied")
    .because("it lost its flag, or the quorum is left over from an earlier attempt and its copy is old")
    .source("KIP-866; seen on 3.9.1: such a quorum never copies again, and what was created since would be lost")
    .owed_to(LEFT)
    .remedy(
        "flag-or-format",
        "find out which: if it lost its flag, restart it with it; if the controllers are left over from an \
         earlier attempt, format new ones first",
    ),
    guard(
        "voter-without-flag",
        Voters,
        &[
            Demand::Truth(ZK_MIGRATION_READY.is(false)),
            Demand::State(MIGRATION_STATE.reached(StateRung::Migration)),
            Demand::Truth(BROKER_ON_ZOOKEEPER.is(true)),
        ],
    )
    .says("votes without the migration flag while a broker is on ZooKeeper: its election would finalize")
    .because("the first controller elected without the flag writes POST_MIGRATION, whatever the brokers are")
    .source("ActivationRecordsGenerator.java; seen on 3.9.1 within a second of the election")
    .remedy("restart-with-flag", "restart the controller with the flag before it can be elected"),
    guard(
        "quorum-without-migration",
        KnownBrokers,
        &[
            Demand::Broker(BROKER_RUNG.at_most(BrokerRung::Migration)),
            Demand::State(MIGRATION_STATE.reached(StateRung::None)),
        ],
    )
    .says("is on ZooKeeper, and the quorum was first started without the migration flag")
    .because("such a quorum refuses ZooKeeper brokers, and its controllers die when one with the flag is elected")
    .source("ActivationRecordsGenerator.java; seen on 3.9.1: BROKER_ID_NOT_REGISTERED, then a fatal fault")
    .remedy("format-controllers", "stop the controllers, remove their data, format and start them with the flag"),
    guard("two-leaders", Quorum, &[Demand::Truth(TWO_LEADERS.is(true))])
        .says("has two leaders in one epoch, which no quorum allows: controllers of two quorums were given")
        .because("a leader is elected by a majority, so two of one epoch are of two quorums")
        .source("KIP-595")
        .remedy("look-at-addresses", "see that every address of -C is of one quorum"),
    guard("other-cluster", Quorum, &[Demand::Kinship(KINSHIP.is(Kinship::Other))])
        .says("is of another cluster than the brokers, or than --expect-cluster-id")
        .because("what one cluster says of itself must not decide about another")
        .source("Metadata: ClusterId; KIP-919: DescribeCluster of controllers; KIP-595: one leader in an epoch")
        .remedy("look-at-addresses", "see that -b, -C and --expect-cluster-id are of one cluster"),
    guard(
        "zookeeper-beside-kafka-4",
        KnownBrokers,
        &[Demand::Broker(BROKER_RUNG.at_most(BrokerRung::Migration)), Demand::Truth(KAFKA_4_CONTROLLER.is(true))],
    )
    .says("is on ZooKeeper beside a controller on Kafka 4: it gets no more metadata")
    .because("Kafka 4 has no code for ZooKeeper brokers, starts over them without a word, and shows no state")
    .source("KIP-896, Kafka 4.0 upgrade notes; seen on 4.0.2: topics created afterwards are served by nobody")
    .remedy("stop-and-look", "stop every automation and put the 3.9 controllers back before anything is created"),
    guard(
        "kafka-4-before-the-end",
        Controllers,
        &[Demand::Truth(RUNS_KAFKA_4.is(true)), Demand::Truth(UNFINISHED_SEEN.is(true))],
    )
    .says("runs Kafka 4 while a 3.x controller's migration is not finalized")
    .because("Kafka 4 knows no migration: elected, it ends it without finalizing, whatever the brokers are")
    .source("ActivationRecordsGenerator.java of 4.0; seen on 4.0.2")
    .remedy("back-to-3", "put the controller back to its 3.x release, and finalize before the upgrade"),
];

const CONTROLLERS_KNOWN: Row = row("controllers-known", Quorum, Demand::Truth(CONTROLLERS_NAMED.is(true)))
    .because("what a controller answers counts for nothing until it is known which one it is")
    .source("KIP-853: DescribeQuorum Nodes, 3.9+; KIP-919: DescribeCluster of controllers, 3.7+")
    .remedy("give-id", "give the address as ID@HOST:PORT");

const BROKER_LISTS_OTHERS: Row = row("broker-lists-others", ExpectedBrokers, Demand::Truth(LISTS_BROKERS.is(true)))
    .only(ANSWERS_AS_BROKER)
    .claims("list the brokers")
    .because("a broker that nobody declared stands in the lists of the others, and perhaps in one alone")
    .source("Metadata: Brokers")
    .remedy("look-at-broker", "see why the broker does not answer Metadata");

const NO_BROKER_LEFT_OUT: Row = row("no-broker-left-out", Quorum, Demand::Truth(NOBODY_LEFT_OUT.is(true)))
    .only(NO_BROKER_ON_ZOOKEEPER)
    .because("a broker that is down or cut off is listed by nobody, and may be the one that is left behind")
    .source("ControllerMetadataMetrics.java: MigratingZkBrokerCount, dead ones included, Kafka 3.6 to 3.9")
    .remedy("declare-brokers", "give --expect-brokers, and start or unregister the broker that is missing");

const OF_CLUSTER: Row = row("broker-of-cluster", ExpectedBrokers, Demand::Truth(OF_DECLARED_CLUSTER.is(true)))
    .only(CLUSTER_DECLARED)
    .claims("are of the cluster of --expect-cluster-id")
    .because("a broker of another cluster says nothing about this one")
    .source("Metadata: ClusterId")
    .remedy("look-at-addresses", "see that -b and --expect-cluster-id are of one cluster");

const QUORUM_HAS_LEADER: Row = row("quorum-has-leader", Quorum, Demand::Truth(LIVE_LEADER.is(true)))
    .because("without a leader nothing is committed, and every other figure of the quorum is stale")
    .source("KIP-595; KIP-836; KafkaRaftClient.java: a standby answers error 6 and zeros")
    .remedy("look-at-quorum", "see that a majority of the controllers runs and that they reach each other");

const METADATA_COPIED: Row =
    row("metadata-copied", Quorum, Demand::State(MIGRATION_STATE.at_least(StateRung::Migration)))
        .owed_to(NOT_COPIED)
        .because("MIGRATION is written when the copy of ZooKeeper's metadata is committed")
        .source("KIP-866; QuorumController.java; metric kafka.controller:ZkMigrationState, Kafka 3.5 to 3.9")
        .remedy("wait-for-copy", "wait; if it lasts, look after the causes that the finding names");

const BROKER_RUNS_KRAFT: Row =
    row("broker-runs-kraft", ExpectedBrokers, Demand::Broker(BROKER_RUNG.at_least(BrokerRung::Kraft)))
        .claims("run KRaft")
        .because("a broker that still lists LeaderAndIsr, StopReplica and UpdateMetadata is driven through ZooKeeper")
        .source(
            "listeners of LeaderAndIsrRequest.json, StopReplicaRequest.json, UpdateMetadataRequest.json, 2.8 to 3.9",
        )
        .remedy(
            "restart-in-kraft-mode",
            "restart the broker with process.roles=broker and node.id, without zookeeper.connect",
        );

const BROKER_FLAG_OFF: Row = row("broker-flag-off", ExpectedBrokers, Demand::Truth(ZK_MIGRATION_READY.is(false)))
    .only(RUNS_KRAFT_AND_NOT_COMBINED)
    .claims("are without the migration flag")
    .because("a KRaft broker has no use for the flag: left behind, it makes a disk failure fatal and hides the mode")
    .source("ApiVersionsResponse tag 3 is the node's own configuration; ReplicaManager.scala, Kafka 3.5 to 3.9")
    .remedy("remove-flag", "remove zookeeper.metadata.migration.enable and zookeeper.connect, and restart the broker");

const NO_UNEXPECTED_BROKER: Row = row("no-unexpected-broker", KnownBrokers, Demand::Truth(DECLARED.is(true)))
    .only(BROKERS_DECLARED)
    .claims("are declared")
    .because("a broker that nobody declared is judged by no row, and may be the one that is left behind")
    .source("Metadata: Brokers; an operator's rule: refuse and wait")
    .remedy("declare-or-stop", "declare it with --expect-brokers, or stop it");

const NO_REGISTRATION_LEFT: Row = row("no-registration-left", Quorum, Demand::Count(MIGRATING_BROKERS.at_most(0)))
    .where_exported()
    .only(NO_BROKER_ON_ZOOKEEPER)
    .owed_to(LEFT_REGISTERED)
    .because("a registration of a ZooKeeper broker remains, dead or alive, that nobody has moved")
    .source("ControllerMetadataMetrics.java: MigratingZkBrokerCount, Kafka 3.6 to 3.9")
    .remedy("move-or-unregister", "start that broker as a KRaft broker, or unregister it");
