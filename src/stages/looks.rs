//! How a fact is seen by hand: commands of Kafka's own tools and the shell, to be pasted, and what they tell.
//!
//! Tools and options are those of 3.9; what the variables stand for says `explain`. Not here: what is demanded
//! (`stages`).

use super::row::Look;

const fn look(run: &'static str, tells: &'static str) -> Look {
    Look { run, tells }
}

pub(crate) const STATUS: &Look = &look(
    "kafka-metadata-quorum.sh --bootstrap-controller $CONTROLLER \\\n  describe --status",
    "LeaderId and LeaderEpoch, CurrentVoters and CurrentObservers; asked twice, HighWatermark must have risen (before \
     3.7 only a KRaft broker can be asked: --bootstrap-server $BROKER)",
);

pub(crate) const REPLICATION: &Look = &look(
    "kafka-metadata-quorum.sh --bootstrap-controller $CONTROLLER \\\n  describe --replication --human-readable",
    "who is Leader, Follower or Observer, and when it last fetched and last was caught up; brokers are observers, \
     those in migration mode too",
);

pub(crate) const STATE: &Look = &look(
    "curl -s $PAGE | grep -i -e zkMigrationState -e migratingZkBrokerCount",
    "on a controller of 3.5 to 3.9 ZkMigrationState is 2 PRE_MIGRATION, 1 MIGRATION, 3 POST_MIGRATION, 0 NONE, -1 not \
     loaded yet; MigratingZkBrokerCount (3.6+) counts registrations of ZooKeeper brokers, dead ones included",
);

pub(crate) const STATE_RECORDS: &Look = &look(
    "kafka-dump-log.sh --cluster-metadata-decoder --files \\\n  \
     $DATA/__cluster_metadata-0/00000000000000000000.log \\\n  | grep ZK_MIGRATION_STATE",
    "the states that the metadata log went through, the last one counts; once there is a snapshot, look into the \
     newest .checkpoint file instead",
);

pub(crate) const CONTROLLER_FLAG: &Look = &look(
    "kafka-configs.sh --bootstrap-controller $CONTROLLER --describe --all \\\n  --entity-type brokers --entity-name $ID \
     | grep migration.enable",
    "the flag that this controller was started with (before 3.7: zookeeper.metadata.migration.enable in its properties \
     file, if it was not edited since)",
);

pub(crate) const BROKER_FLAG: &Look = &look(
    "kafka-configs.sh --bootstrap-server $BROKER --describe --all \\\n  --entity-type brokers --entity-name $ID \
     | grep migration.enable",
    "the flag that this broker was started with",
);

pub(crate) const BROKER_APIS: &Look = &look(
    "kafka-broker-api-versions.sh --bootstrap-server $BROKER \\\n  | grep -e 'id:' -e LeaderAndIsr",
    "each broker, and whether it lists LeaderAndIsr: with versions it is on ZooKeeper, UNSUPPORTED it runs KRaft",
);

pub(crate) const BROKERS: &Look = &look(
    "kafka-broker-api-versions.sh --bootstrap-server $BROKER | grep 'id:'",
    "the brokers that this broker lists; ask more than one",
);

pub(crate) const ZOOKEEPER_BROKERS: &Look = &look(
    "zookeeper-shell.sh $ZOOKEEPER ls /brokers/ids",
    "the live brokers that are still registered in ZooKeeper; each leaves the list when it runs KRaft",
);

pub(crate) const CONTROLLER_ZNODE: &Look = &look(
    "zookeeper-shell.sh $ZOOKEEPER get /controller",
    "kraftControllerEpoch -1: a ZooKeeper broker is the controller; 0 or more: the KRaft controllers are",
);

pub(crate) const MIGRATION_ZNODE: &Look = &look(
    "zookeeper-shell.sh $ZOOKEEPER get /migration",
    "kraft_metadata_offset beyond the quorum's HighWatermark is left from an earlier attempt; an empty znode holds the \
     migration up for ever",
);

pub(crate) const DRIVER_LOG: &Look = &look(
    "grep -i -e 'completed migration of metadata' -e 'waiting for ZK brokers' \\\n  \
     -e 'does not support finalized' $LOG",
    "on the leading controller: that the copy is done, the brokers that it waits for, or that a broker's \
     inter.broker.protocol.version does not fit",
);

pub(crate) const TO_BROKERS_LOG: &Look = &look(
    "grep -e 'failed authentication due to' \\\n  -e 'active migration, but the ZK state does not' $LOG",
    "on the leading controller: that it cannot log in to a broker, or that it is left over from an earlier attempt",
);

pub(crate) const CLUSTER_ID_OF_BROKERS: &Look =
    &look("kafka-cluster.sh cluster-id --bootstrap-server $BROKER", "the cluster's id, as the brokers tell it");

pub(crate) const CLUSTER_ID_OF_CONTROLLERS: &Look = &look(
    "kafka-cluster.sh cluster-id --bootstrap-controller $CONTROLLER",
    "the cluster's id, as the controllers tell it (3.7 and newer; needs ALTER on the cluster)",
);

pub(crate) const CLUSTER_ID_ON_DISK: &Look =
    &look("grep cluster.id $DATA/meta.properties", "the cluster's id, as a node keeps it on its disk");

pub(crate) const KAFKA_VERSION: &Look =
    &look("grep 'Kafka version' $LOG | tail -1", "the release that the process was started with");

pub(crate) const TOPICS: &Look = &look(
    "kafka-topics.sh --bootstrap-server $BROKER --describe \\\n  --under-replicated-partitions",
    "the partitions with a replica out of sync; likewise --unavailable-partitions, those without a leader, and \
            --under-min-isr-partitions",
);

pub(crate) const TOPICS_LISTED: &Look = &look(
    "kafka-topics.sh --bootstrap-server $BROKER --list | wc -l",
    "how many topics this user may see; compare it with GlobalTopicCount of the leading controller",
);

pub(crate) const REASSIGNMENTS_LISTED: &Look = &look(
    "kafka-reassign-partitions.sh --bootstrap-server $BROKER --list",
    "the partitions that are being moved; while only some brokers have the flag it may never answer",
);

pub(crate) const GAUGES: &Look = &look(
    "curl -s $PAGE | grep -i -e fencedbroker -e metadataerror \\\n  -e zkwritebehind -e globaltopic -e topicstodelete",
    "the gauges of the page's node; only the leading controller's, and ZooKeeper's controller's, count",
);
