//! Rows that stand in several tables, written as the tables are. A table may narrow one with a condition of its own.

use super::Subjects::{ExpectedBrokers, ExpectedControllers, KnownBrokers, Quorum, Voters};
use super::causes::{LEFT_REGISTERED, NO_VOTE};
use super::conditions::{
    ANSWERS_AS_BROKER, BROKERS_DECLARED, BROKERS_DISCOVERED, CLUSTER_DECLARED, CONTROLLERS_DECLARED,
    NO_BROKER_ON_ZOOKEEPER, RUNS_KRAFT_AND_NOT_COMBINED,
};
use super::driver::DRIVER;
use super::looks::{
    BROKER_APIS, BROKER_FLAG, BROKERS, CLUSTER_ID_OF_BROKERS, CLUSTER_ID_OF_CONTROLLERS, CLUSTER_ID_ON_DISK,
    DRIVER_LOG, MIGRATION_ZNODE, REPLICATION, STATE, STATUS, ZOOKEEPER_BROKERS,
};
use super::row::{Demand, Row, row};
use crate::signals::{
    ADDRESSES_KNOWN, ANSWERS_AS_CONTROLLER, BROKER_RUNG, BrokerRung, CONTROLLERS_NAMED, DECLARED, FETCH_MAX, KINSHIP,
    Kinship, LISTS_BROKERS, LIVE_LEADER, MIGRATING_BROKERS, MIGRATION_STATE, NOBODY_LEFT_OUT, OF_DECLARED_CLUSTER,
    SEAT, Seat, StateRung, VOTER_LAG, ZK_MIGRATION_READY,
};

pub(super) const CONTROLLER_VOTES: Row =
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
        );

pub(super) const CONTROLLER_ANSWERS: Row =
    row("controller-answers", ExpectedControllers, Demand::Truth(ANSWERS_AS_CONTROLLER.is(true)))
        .claims("answer as controllers")
        .because("what does not answer cannot be judged, and the next stage needs every controller")
        .source("ApiVersions lists Vote (52) on controller listeners only: listeners of VoteRequest.json")
        .look(&[STATUS, REPLICATION])
        .remedy("start-controller", "start the controller, or give its address with -C");

pub(super) const VOTER_CAUGHT_UP: Row = row("voter-caught-up", Voters, Demand::Lag(VOTER_LAG.at_most(FETCH_MAX)))
    .claims("keep up with the leader")
    .because("a voter that does not fetch is dead weight: one more failure and the quorum is lost")
    .source("KIP-836: LastFetchTimestamp and LastCaughtUpTimestamp, by the leader's clock")
    .look(&[REPLICATION])
    .remedy("look-at-voter", "see that the controller runs and reaches the leader")
    .never("do not restart another voter meanwhile: the majority could be lost");

pub(super) const NO_UNEXPECTED_VOTER: Row = row("no-unexpected-voter", Voters, Demand::Truth(DECLARED.is(true)))
    .only(CONTROLLERS_DECLARED)
    .claims("are declared")
    .because("a voter that nobody declared is a controller that nobody looks after, or another cluster's")
    .source("KIP-595: DescribeQuorum CurrentVoters")
    .look(&[STATUS])
    .remedy("declare-or-remove", "declare it with -C or --expect-controllers, or remove it from the quorum")
    .never("do not remove a voter before it is known whose controller it is");

pub(super) const SAME_CLUSTER: Row = row("same-cluster", Quorum, Demand::Kinship(KINSHIP.is(Kinship::Same)))
    .where_exported()
    .claims("is of the brokers' cluster")
    .because("brokers of one cluster say nothing about the controllers of another")
    .source(
        "KIP-919: DescribeCluster of controllers, 3.7+; KIP-595: brokers ask their leader \
            DescribeQuorum",
    )
    .look(&[CLUSTER_ID_OF_BROKERS, CLUSTER_ID_OF_CONTROLLERS])
    .remedy("look-at-addresses", "see that -b and -C are of one cluster; during an election, wait");

pub(super) const CONTROLLERS_KNOWN: Row = row("controllers-known", Quorum, Demand::Truth(CONTROLLERS_NAMED.is(true)))
    .claims("tells which controller each address of -C is")
    .because("what a controller answers counts for nothing until it is known which one it is")
    .source("KIP-853: DescribeQuorum Nodes, 3.9+; KIP-919: DescribeCluster of controllers, 3.7+")
    .look(&[STATUS])
    .remedy("give-id", "give the address as ID@HOST:PORT");

pub(super) const BROKER_LISTS_OTHERS: Row =
    row("broker-lists-others", ExpectedBrokers, Demand::Truth(LISTS_BROKERS.is(true)))
        .only(ANSWERS_AS_BROKER)
        .claims("list the brokers")
        .because("a broker that nobody declared stands in the lists of the others, and perhaps in one alone")
        .source("Metadata: Brokers")
        .look(&[BROKERS])
        .remedy("look-at-broker", "see why the broker does not answer Metadata");

pub(super) const BROKERS_KNOWN: Row = row("brokers-known", Quorum, Demand::Truth(ADDRESSES_KNOWN.is(true)))
    .only(BROKERS_DISCOVERED)
    .claims("leaves no address of -b in the dark that nobody lists")
    .because("an address that was given is a broker's; silent and listed by nobody, it may be the one left behind")
    .source("Metadata: Brokers; found by simulated histories: a broker on ZooKeeper that the KRaft brokers do not list")
    .look(&[BROKERS, ZOOKEEPER_BROKERS])
    .remedy("declare-or-leave-out", "give --expect-brokers, or leave out the address of a broker that is gone");

pub(super) const NO_BROKER_LEFT_OUT: Row = row("no-broker-left-out", Quorum, Demand::Truth(NOBODY_LEFT_OUT.is(true)))
    .only(NO_BROKER_ON_ZOOKEEPER)
    .claims("leaves no broker out that nobody declared")
    .because("a broker that is down or cut off is listed by nobody, and may be the one that is left behind")
    .source(
        "RegisterBrokerRecord of the metadata log: IsMigratingZkBroker; ControllerMetadataMetrics.java: \
            MigratingZkBrokerCount, Kafka 3.6 to 3.9; dead ones included",
    )
    .look(&[BROKERS, ZOOKEEPER_BROKERS, STATE])
    .remedy("declare-brokers", "give --expect-brokers, and start or unregister the broker that is missing")
    .never("do not finalize while it is not known who is missing");

pub(super) const OF_CLUSTER: Row =
    row("broker-of-cluster", ExpectedBrokers, Demand::Truth(OF_DECLARED_CLUSTER.is(true)))
        .only(CLUSTER_DECLARED)
        .claims("are of the cluster of --expect-cluster-id")
        .because("a broker of another cluster says nothing about this one")
        .source("Metadata: ClusterId")
        .look(&[CLUSTER_ID_OF_BROKERS, CLUSTER_ID_ON_DISK])
        .remedy("look-at-addresses", "see that -b and --expect-cluster-id are of one cluster");

pub(super) const QUORUM_HAS_LEADER: Row = row("quorum-has-leader", Quorum, Demand::Truth(LIVE_LEADER.is(true)))
    .claims("has a live leader")
    .because("without a leader nothing is committed, and every other figure of the quorum is stale")
    .source("KIP-595; KIP-836; KafkaRaftClient.java: a standby answers error 6 and zeros")
    .look(&[STATUS, REPLICATION])
    .remedy("look-at-quorum", "see that a majority of the controllers runs and that they reach each other")
    .never("do not format a controller to cure it: a majority of the data is what the quorum lives on");

pub(super) const METADATA_COPIED: Row =
    row("metadata-copied", Quorum, Demand::State(MIGRATION_STATE.at_least(StateRung::Migration)))
        .owed_to(DRIVER)
        .claims("is in MIGRATION or beyond")
        .because("MIGRATION is written when the copy of ZooKeeper's metadata is committed")
        .source(
            "KIP-866; QuorumController.java: ZkMigrationStateRecord of the metadata log; metric \
                kafka.controller:ZkMigrationState, Kafka 3.5 to 3.9",
        )
        .look(&[STATE, DRIVER_LOG, REPLICATION, MIGRATION_ZNODE])
        .remedy("wait-for-copy", "wait; if it lasts, look after the causes that the finding names")
        .never(
            "do not move a broker to KRaft before the copy, nor delete /migration unless it is certain \
             that an earlier attempt left it",
        );

pub(super) const BROKER_RUNS_KRAFT: Row =
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

pub(super) const BROKER_FLAG_OFF: Row =
    row("broker-flag-off", ExpectedBrokers, Demand::Truth(ZK_MIGRATION_READY.is(false)))
        .only(RUNS_KRAFT_AND_NOT_COMBINED)
        .claims("are without the migration flag")
        .because(
            "a KRaft broker has no use for the flag: left behind, it makes a disk failure fatal and hides the \
        mode",
        )
        .source("ApiVersionsResponse tag 3 is the node's own configuration; ReplicaManager.scala, Kafka 3.5 to 3.9")
        .look(&[BROKER_FLAG])
        .remedy(
            "remove-flag",
            "remove zookeeper.metadata.migration.enable and zookeeper.connect, and restart the broker",
        );

pub(super) const NO_UNEXPECTED_BROKER: Row =
    row("no-unexpected-broker", KnownBrokers, Demand::Truth(DECLARED.is(true)))
        .only(BROKERS_DECLARED)
        .claims("are declared")
        .because("a broker that nobody declared is judged by no row, and may be the one that is left behind")
        .source("Metadata: Brokers; an operator's rule: refuse and wait")
        .look(&[BROKERS])
        .remedy("declare-or-stop", "declare it with --expect-brokers, or stop it");

pub(super) const NO_REGISTRATION_LEFT: Row =
    row("no-registration-left", Quorum, Demand::Count(MIGRATING_BROKERS.at_most(0)))
        .where_exported()
        .only(NO_BROKER_ON_ZOOKEEPER)
        .owed_to(LEFT_REGISTERED)
        .claims("counts no ZooKeeper broker any more")
        .because("a registration of a ZooKeeper broker remains, dead or alive, that nobody has moved")
        .source(
            "RegisterBrokerRecord of the metadata log: IsMigratingZkBroker; ControllerMetadataMetrics.java: \
                MigratingZkBrokerCount, Kafka 3.6 to 3.9",
        )
        .look(&[STATE, ZOOKEEPER_BROKERS])
        .remedy("move-or-unregister", "start that broker as a KRaft broker, or unregister it")
        .never(
            "do not unregister a broker that still runs or owns replicas, and do not finalize before the count \
        is 0",
        );
