//! The metadata log, asked of the controller that leads, as a plain client may: with replica id −1. And what makes it
//! longer, or takes a broker out of it.

use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData as Fetched;
use kafka_protocol::messages::fetch_snapshot_request::{PartitionSnapshot, SnapshotId, TopicSnapshot};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{
    ApiVersionsResponse, BrokerId, FetchRequest, FetchSnapshotRequest, IncrementalAlterConfigsRequest, TopicName,
    UnregisterBrokerRequest,
};
use kafka_protocol::protocol::{Request, StrBytes};
use uuid::Uuid;

use super::{TOPIC, api_versions, ask, exchange, quorum};

/// The id of the metadata log's topic.
const METADATA_TOPIC_ID: Uuid = Uuid::from_u128(1);
/// The versions of Fetch in which the metadata log can be asked for by its id.
const BY_ID: RangeInclusive<i16> = 13..=17;
const AT_MOST: i32 = 8 * 1024 * 1024;
const SET: i8 = 0;
const BROKER_ID_NOT_REGISTERED: i16 = 102;

/// Where a log ends for whoever may read only what was committed.
pub(crate) fn high_watermark(leader: SocketAddr) -> io::Result<i64> {
    Ok(fetched(leader)?.high_watermark)
}

/// The end offset of the snapshot that a reader is sent to, if there is one.
pub(crate) fn snapshot(leader: SocketAddr) -> io::Result<Option<i64>> {
    let end = fetched(leader)?.snapshot_id.end_offset;
    Ok((end >= 0).then_some(end))
}

/// What the leader says to somebody who reads from the beginning.
fn fetched(leader: SocketAddr) -> io::Result<Fetched> {
    let version = newest::<FetchRequest>(&api_versions(leader)?, BY_ID).ok_or_else(|| io::Error::other("no Fetch"))?;
    let answer = ask(leader, version, &fetch(0, 0, quorum(leader)?.leader_epoch))?;
    let partition = answer.responses.into_iter().flat_map(|topic| topic.partitions).next();
    match (answer.error_code, partition) {
        (0, Some(log)) if log.error_code == 0 => Ok(log),
        (error, log) => Err(io::Error::other(format!("Fetch error {error}, {:?}", log.map(|log| log.error_code)))),
    }
}

/// What the leader answers to somebody who reads its log from the beginning, as the tool does; nothing, if this controller
/// does not lead.
pub(super) fn frames(node: SocketAddr, listed: &ApiVersionsResponse) -> Vec<(&'static str, i16, Bytes)> {
    let (Ok(quorum), Some(version)) = (quorum(node), newest::<FetchRequest>(listed, BY_ID)) else { return Vec::new() };
    let epoch = quorum.leader_epoch;
    let first = exchange(node, version, &fetch(0, 0, epoch)).expect("an answer");
    let mut frames = vec![("Fetch", version, first)];
    let snapshot = fetched(node).expect("an answer").snapshot_id;
    if snapshot.end_offset >= 0
        && let Some(version_of_snapshot) = newest::<FetchSnapshotRequest>(listed, 0..=1)
    {
        let id = SnapshotId::default().with_end_offset(snapshot.end_offset).with_epoch(snapshot.epoch);
        let partition = PartitionSnapshot::default().with_current_leader_epoch(epoch).with_snapshot_id(id);
        let name = TopicName(StrBytes::from_static_str("__cluster_metadata"));
        let topic = TopicSnapshot::default().with_name(name).with_partitions(vec![partition]);
        let question = FetchSnapshotRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_max_bytes(AT_MOST)
            .with_topics(vec![topic]);
        let whole = exchange(node, version_of_snapshot, &question).expect("an answer");
        frames.push(("FetchSnapshot", version_of_snapshot, whole));
        let rest = exchange(node, version, &fetch(snapshot.end_offset, snapshot.epoch, epoch)).expect("an answer");
        frames.push(("Fetch", version, rest));
    }
    frames
}

/// The newest of these versions that the node lists.
fn newest<Q: Request>(listed: &ApiVersionsResponse, versions: RangeInclusive<i16>) -> Option<i16> {
    let api = listed.api_keys.iter().find(|api| api.api_key == Q::KEY)?;
    let newest = api.max_version.min(*versions.end());
    (newest >= api.min_version.max(*versions.start())).then_some(newest)
}

fn fetch(offset: i64, last_epoch: i32, epoch: i32) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_current_leader_epoch(epoch)
        .with_fetch_offset(offset)
        .with_last_fetched_epoch(last_epoch)
        .with_partition_max_bytes(AT_MOST);
    let topic = FetchTopic::default().with_topic_id(METADATA_TOPIC_ID).with_partitions(vec![partition]);
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_bytes(AT_MOST)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

/// Gives each of these topics a configuration of so many bytes, which no earlier one was.
pub(crate) fn write_configurations(leader: SocketAddr, topics: &[&str], bytes: usize, number: usize) -> io::Result<()> {
    let throttled: Vec<String> = (0..bytes / 4).map(|replica| format!("{}:{}", replica % 10, number % 10)).collect();
    let alter = |topic: &&str| {
        let config = AlterableConfig::default()
            .with_name(StrBytes::from_static_str("follower.replication.throttled.replicas"))
            .with_config_operation(SET)
            .with_value(Some(StrBytes::from_string(throttled.join(","))));
        AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(StrBytes::from_string((*topic).to_owned()))
            .with_configs(vec![config])
    };
    let question = IncrementalAlterConfigsRequest::default().with_resources(topics.iter().map(alter).collect());
    let answer = ask(leader, 1, &question)?;
    match answer.responses.iter().find(|altered| altered.error_code != 0) {
        None => Ok(()),
        Some(refused) => Err(io::Error::other(format!("IncrementalAlterConfigs error {refused:?}"))),
    }
}

/// Takes a broker that does not run any more out of the log. The node must be the leading controller.
pub(crate) fn unregister(leader: SocketAddr, broker: i32) -> io::Result<()> {
    let question = UnregisterBrokerRequest::default().with_broker_id(BrokerId(broker));
    match ask(leader, 0, &question)?.error_code {
        0 | BROKER_ID_NOT_REGISTERED => Ok(()),
        error => Err(io::Error::other(format!("UnregisterBroker error {error}"))),
    }
}
