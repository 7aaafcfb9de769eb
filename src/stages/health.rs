//! Health: what is demanded of the cluster before every step, whatever stage it is in. A boring cluster: nobody is missing
//! or unexpected, nothing is in flight, the quorum is formed and keeps up.
//!
//! Written as the stages are, and judged as they are, at content depth and by two looks. Not here: what a stage demands.

use super::Subjects::{Cluster, ExpectedBrokers, Quorum, Voters};
use super::conditions::{CONTROLLERS_DECLARED_IF_ANY, CONTROLLERS_THERE, TOPICS_COUNTED};
use super::looks::{BROKERS, GAUGES, REASSIGNMENTS_LISTED, REPLICATION, STATUS, TOPICS, TOPICS_LISTED};
use super::row::{Demand, Stage, row};
use super::rows::{
    BROKER_LISTS_OTHERS, BROKERS_KNOWN, CONTROLLER_ANSWERS, CONTROLLER_VOTES, CONTROLLERS_KNOWN, NO_UNEXPECTED_BROKER,
    NO_UNEXPECTED_VOTER, OF_CLUSTER, QUORUM_HAS_LEADER, SAME_CLUSTER, VOTER_CAUGHT_UP,
};
use crate::signals::{
    ALL_TOPICS_SHOWN, ANSWERS_AS_BROKER, FENCED_BROKERS, LEADER_UNCHANGED, LISTED, METADATA_BEHIND, METADATA_ERRORS,
    OFFLINE_PARTITIONS, REASSIGNMENTS, TOPICS_SHOWN, TOPICS_TO_DELETE, UNDER_MIN_ISR, UNDER_REPLICATED, VOTER_FETCHES,
    ZK_WRITE_BEHIND, ZK_WRITE_BEHIND_GROWS,
};

/// How far the dual write to ZooKeeper may be behind, in records: it stays below ten on a cluster that is at rest, and
/// grows by two a second once ZooKeeper is gone.
const WRITE_BEHIND_MAX: u64 = 50;

/// How many records a broker may still have to apply of those that were committed in the first look. Brokers are one or two
/// behind at any time, and an idle quorum writes two a second; looks are a second apart, or a little more.
const APPLIED_LATE_MAX: u64 = 2;

/// The table of health.
pub static HEALTH: Stage = Stage {
    id: "health",
    title: "Cluster healthy",
    complete_when: "every expected node is there and nobody else, nothing is being moved or deleted, every partition has \
        its leader and its replicas in sync, and the quorum stands still and keeps up",
    rows: &[
        row("broker-answers", ExpectedBrokers, Demand::Truth(ANSWERS_AS_BROKER.is(true)))
            .claims("answer as brokers")
            .because("a step that is begun while a broker is down ends in one that cannot be taken back")
            .source("ApiVersions; an operator's rule: every expected node before every step")
            .look(&[BROKERS])
            .remedy("start-broker", "start the broker, or see why it does not answer"),
        row("broker-listed", ExpectedBrokers, Demand::Truth(LISTED.is(true)))
            .claims("are listed by every broker")
            .because(
                "a broker that another does not list is fenced, not registered, or cut off from the side that the other \
                 hears from",
            )
            .source("Metadata: Brokers; KRaftMetadataCache.scala lists brokers that are not fenced")
            .look(&[BROKERS])
            .remedy("look-at-broker", "see in its log whether it is registered and unfenced"),
        NO_UNEXPECTED_BROKER,
        BROKER_LISTS_OTHERS,
        BROKERS_KNOWN,
        OF_CLUSTER,
        row("no-reassignment", Cluster, Demand::Count(REASSIGNMENTS.at_most(0)))
            .claims("moves no partition")
            .because("a move that crosses a step leaves stray replicas behind, and a restart makes it longer")
            .source("KIP-455: ListPartitionReassignments; KAFKA-16120")
            .look(&[REASSIGNMENTS_LISTED])
            .remedy("wait-for-reassignment", "wait for the reassignment, raise its throttle, or cancel it")
            .never("do not restart a broker that is the source or the target of a move"),
        row("topics-shown", Cluster, Demand::Truth(TOPICS_SHOWN.is(true)))
            .claims("shows its topics")
            .because("what a user has no right to see is left out without a word, and looks like a healthy cluster")
            .source("KafkaApis.scala: handleTopicMetadataRequest filters by Describe")
            .look(&[TOPICS_LISTED])
            .remedy("grant-describe", "grant Describe on all topics"),
        row("all-topics-shown", Cluster, Demand::Truth(ALL_TOPICS_SHOWN.is(true)))
            .only(TOPICS_COUNTED)
            .claims("shows all of its topics")
            .because("of a topic that is not shown nobody knows whether it is healthy")
            .source("KafkaApis.scala: handleTopicMetadataRequest; ControllerMetadataMetrics.java: GlobalTopicCount")
            .look(&[TOPICS_LISTED, GAUGES])
            .remedy("grant-describe", "grant Describe on all topics"),
        row("no-offline-partition", Cluster, Demand::Count(OFFLINE_PARTITIONS.at_most(0)))
            .claims("has a leader for every partition")
            .because("a partition without a leader takes no writes, and a restart may leave it so")
            .source("Metadata: LeaderId")
            .look(&[TOPICS])
            .remedy("bring-replicas-back", "bring the brokers back that have its replicas")
            .never("do not allow an unclean election: what only the missing replicas have would be lost"),
        row("no-under-replicated", Cluster, Demand::Count(UNDER_REPLICATED.at_most(0)))
            .claims("has every replica in sync")
            .because("the next restart takes one replica more away")
            .source("Metadata: ReplicaNodes, IsrNodes")
            .look(&[TOPICS])
            .remedy("wait-for-replicas", "wait for the replicas to catch up; see to the brokers that are down or slow")
            .never("do not restart the next broker before"),
        row("no-under-min-isr", Cluster, Demand::Count(UNDER_MIN_ISR.at_most(0)))
            .claims("has min.insync.replicas of every partition")
            .because("producers that ask for all acknowledgements are refused")
            .source("Partition.scala: isUnderMinIsr; DescribeConfigs: min.insync.replicas")
            .look(&[TOPICS])
            .remedy("wait-for-replicas", "wait for the replicas to catch up; see to the brokers that are down or slow")
            .never("do not lower min.insync.replicas to get through a step"),
        row("no-topic-deletion", Cluster, Demand::Count(TOPICS_TO_DELETE.at_most(0)))
            .where_exported()
            .claims("deletes no topic")
            .because("a topic whose deletion waits for a dead broker is in nobody's Metadata, and is not migrated")
            .source("KafkaController.scala: TopicsToDeleteCount of ZooKeeper's controller; KAFKA-15605")
            .look(&[GAUGES])
            .remedy("wait-for-deletion", "bring the brokers back that have its replicas, and wait"),
        row("no-fenced-broker", Cluster, Demand::Count(FENCED_BROKERS.at_most(0)))
            .where_exported()
            .only(CONTROLLERS_THERE)
            .claims("has no fenced broker")
            .because("a fenced broker is registered and leads nothing: it is down, or does not reach the controllers")
            .source(
                "BrokerRegistrationChangeRecord of the metadata log; ControllerMetadataMetrics.java: FencedBrokerCount, \
                 Kafka 3.3 and newer",
            )
            .look(&[GAUGES, BROKERS])
            .remedy("find-fenced-broker", "find the broker that is down, or does not reach the controllers"),
        row("broker-applies-metadata", ExpectedBrokers, Demand::Count(METADATA_BEHIND.at_most(APPLIED_LATE_MAX)))
            .where_exported()
            .claims("apply the metadata log")
            .because("a broker that has stopped to apply it answers everything, with leaders and topics of the past")
            .source(
                "ApiVersions: FinalizedFeaturesEpoch of a KRaft broker is what it serves from, KRaftMetadataCache.scala; \
                 DescribeQuorum: HighWatermark",
            )
            .look(&[REPLICATION])
            .remedy("look-at-broker", "see in its log whether it reaches the controllers, and what it could not apply")
            .never("do not restart the next broker before"),
        CONTROLLER_ANSWERS.only(CONTROLLERS_THERE),
        QUORUM_HAS_LEADER.only(CONTROLLERS_THERE),
        CONTROLLER_VOTES.only(CONTROLLERS_THERE),
        VOTER_CAUGHT_UP.only(CONTROLLERS_THERE),
        CONTROLLERS_KNOWN,
        NO_UNEXPECTED_VOTER.only(CONTROLLERS_DECLARED_IF_ANY),
        SAME_CLUSTER,
        row("leader-unchanged", Quorum, Demand::Truth(LEADER_UNCHANGED.is(true)))
            .only(CONTROLLERS_THERE)
            .claims("has the same leader in two looks")
            .because("a quorum whose leader changes without anybody's doing is not to be relied on")
            .source("KIP-595: DescribeQuorum LeaderEpoch, twice, at least a second apart")
            .look(&[STATUS])
            .remedy("look-at-quorum", "see that a majority of the controllers runs and that they reach each other"),
        row("voter-fetches", Voters, Demand::Truth(VOTER_FETCHES.is(true)))
            .only(CONTROLLERS_THERE)
            .claims("fetch from the leader")
            .because("a voter that has stopped to fetch is still caught up for ten seconds")
            .source("KIP-836: LastFetchTimestamp, twice; RaftConfig.java: a fetch waits for half a second at most")
            .look(&[REPLICATION])
            .remedy("look-at-voter", "see that the controller runs and reaches the leader")
            .never("do not restart another voter meanwhile: the majority could be lost"),
        row("no-metadata-error", Quorum, Demand::Count(METADATA_ERRORS.at_most(0)))
            .where_exported()
            .claims("has no metadata error")
            .because("the leader could not apply a record of the log, and what it shows may be wrong from there on")
            .source("ControllerMetadataMetrics.java: MetadataErrorCount, Kafka 3.3 and newer")
            .look(&[GAUGES])
            .remedy("look-at-leader", "look for the error in the leader's log, before anything is changed"),
        row("zookeeper-keeps-up", Quorum, Demand::Count(ZK_WRITE_BEHIND.at_most(WRITE_BEHIND_MAX)))
            .where_exported()
            .claims("writes to ZooKeeper in time")
            .because("what is not written to ZooKeeper is lost on the way back, and unknown to brokers on it")
            .source("QuorumControllerMetrics.java: ZkWriteBehindLag, Kafka 3.6 to 3.9, of a leader with the flag")
            .look(&[GAUGES])
            .remedy("look-at-zookeeper", "see that ZooKeeper answers the leading controller"),
        row("zookeeper-lag-steady", Quorum, Demand::Truth(ZK_WRITE_BEHIND_GROWS.is(false)))
            .where_exported()
            .claims("does not fall behind in ZooKeeper")
            .because("what is not written to ZooKeeper is lost on the way back, and unknown to brokers on it")
            .source("QuorumControllerMetrics.java: ZkWriteBehindLag, Kafka 3.6 to 3.9, of a leader with the flag")
            .look(&[GAUGES])
            .remedy("look-at-zookeeper", "see that ZooKeeper answers the leading controller"),
    ],
};
