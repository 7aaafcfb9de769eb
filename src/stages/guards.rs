//! The guards: conditions, in every stage, under which waiting cannot help or going on is unsafe.
//!
//! Written as the rows are. Not here: how a guard is confirmed (`evaluate`).

use super::Subjects::{Controllers, KnownBrokers, Quorum, Voters};
use super::causes::LEFT;
use super::looks::{
    BROKER_APIS, BROKER_FLAG, CLUSTER_ID_OF_BROKERS, CLUSTER_ID_OF_CONTROLLERS, CLUSTER_ID_ON_DISK, CONTROLLER_FLAG,
    CONTROLLER_ZNODE, KAFKA_VERSION, MIGRATION_ZNODE, STATE, STATE_RECORDS, STATUS,
};
use super::row::{Demand, Guard, guard};
use crate::signals::{
    BROKER_ON_ZOOKEEPER, BROKER_RUNG, BrokerRung, KAFKA_4_CONTROLLER, KINSHIP, Kinship, MIGRATION_STATE, POST_SEEN,
    RUNS_KAFKA_4, StateRung, TWO_LEADERS, UNFINISHED_SEEN, ZK_MIGRATION_READY,
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
    .because(
        "Kafka finalizes without looking at the brokers; those still on ZooKeeper silently split from the \
        rest",
    )
    .source("ActivationRecordsGenerator.java; seen on 3.9.1: topics created afterwards are served by nobody")
    .look(&[STATE, BROKER_APIS])
    .remedy(
        "stop-and-look",
        "stop every automation and change nothing: there is no way back, and what each side knows has to be \
         compared by hand before a broker is moved",
    )
    .never("do not restart brokers, create topics or put the flag back: none of it brings the two sides together"),
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
    .look(&[BROKER_FLAG, CONTROLLER_ZNODE, MIGRATION_ZNODE])
    .remedy(
        "flag-or-format",
        "find out which: if it lost its flag, restart it with it; if the controllers are left over from an \
         earlier attempt, format new ones first",
    )
    .never(
        "do not put the flag back before it is known which: with a quorum left over, every sign turns green \
    over an old copy",
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
    .look(&[CONTROLLER_FLAG, STATUS])
    .remedy("restart-with-flag", "restart the controller with the flag before it can be elected")
    .never("do not stop or restart the leader before: that is the election"),
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
    .look(&[STATE, STATE_RECORDS])
    .remedy("format-controllers", "stop the controllers, remove their data, format and start them with the flag")
    .never("do not restart the controllers with the flag on the same data: the one that is elected then dies"),
    guard("two-leaders", Quorum, &[Demand::Truth(TWO_LEADERS.is(true))])
        .says("has two leaders in one epoch, which no quorum allows: controllers of two quorums were given")
        .because("a leader is elected by a majority, so two of one epoch are of two quorums")
        .source("KIP-595")
        .look(&[STATUS, CLUSTER_ID_OF_CONTROLLERS])
        .remedy("look-at-addresses", "see that every address of -C is of one quorum"),
    guard("other-cluster", Quorum, &[Demand::Kinship(KINSHIP.is(Kinship::Other))])
        .says("is of another cluster than the brokers, or than --expect-cluster-id")
        .because("what one cluster says of itself must not decide about another")
        .source("Metadata: ClusterId; KIP-919: DescribeCluster of controllers; KIP-595: one leader in an epoch")
        .look(&[CLUSTER_ID_OF_BROKERS, CLUSTER_ID_OF_CONTROLLERS, CLUSTER_ID_ON_DISK])
        .remedy("look-at-addresses", "see that -b, -C and --expect-cluster-id are of one cluster")
        .never("do not act on any verdict about this set of addresses"),
    guard(
        "zookeeper-beside-kafka-4",
        KnownBrokers,
        &[Demand::Broker(BROKER_RUNG.at_most(BrokerRung::Migration)), Demand::Truth(KAFKA_4_CONTROLLER.is(true))],
    )
    .says("is on ZooKeeper beside a controller on Kafka 4: it gets no more metadata")
    .because("Kafka 4 has no code for ZooKeeper brokers, starts over them without a word, and shows no state")
    .source("KIP-896, Kafka 4.0 upgrade notes; seen on 4.0.2: topics created afterwards are served by nobody")
    .look(&[KAFKA_VERSION, BROKER_APIS])
    .remedy("stop-and-look", "stop every automation and put the 3.9 controllers back before anything is created")
    .never("do not create, alter or delete anything meanwhile: only one side would know of it"),
    guard(
        "kafka-4-before-the-end",
        Controllers,
        &[Demand::Truth(RUNS_KAFKA_4.is(true)), Demand::Truth(UNFINISHED_SEEN.is(true))],
    )
    .says("runs Kafka 4 while a 3.x controller's migration is not finalized")
    .because("Kafka 4 knows no migration: elected, it ends it without finalizing, whatever the brokers are")
    .source("ActivationRecordsGenerator.java of 4.0; seen on 4.0.2")
    .look(&[KAFKA_VERSION, STATE])
    .remedy("back-to-3", "put the controller back to its 3.x release, and finalize before the upgrade")
    .never("do not upgrade another controller, and do not restart the 3.x leader before"),
];
