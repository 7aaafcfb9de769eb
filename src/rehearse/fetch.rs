//! What a simulated node answers to whoever fetches the metadata log, or a snapshot of it.
//!
//! Written after `KafkaRaftClient.java` (`handleFetchRequest`, `handleFetchSnapshotRequest`) and after what real
//! controllers answered: only the leader serves it, and only in its very epoch; every answer to `Fetch` tells who leads; and
//! no error of `FetchSnapshot` ever arrives as anything but -1. Left out is where the leader is (KIP-853), which no client of
//! ours reads.

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{
    EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, PartitionData, SnapshotId as FetchedId,
};
use kafka_protocol::messages::fetch_snapshot_response::{
    LeaderIdAndEpoch as LeaderOfSnapshot, PartitionSnapshot, SnapshotId as PartId, TopicSnapshot,
};
use kafka_protocol::messages::{
    BrokerId, FetchRequest, FetchResponse, FetchSnapshotRequest, FetchSnapshotResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::cluster::Cluster;
use super::fault::Fault;
use super::node::{NOBODY, cluster_id};
use super::version::Version;
use crate::snapshot::{NodeId, Role};
use crate::wire::{self, Asked, Refusal, SnapshotId};

/// `UNKNOWN_TOPIC_ID`: brokers do not have the metadata log among their topics.
const UNKNOWN_TOPIC_ID: i16 = 100;

/// What a controller knows of who leads.
struct Leadership {
    epoch: i32,
    leader: Option<NodeId>,
    /// Whether it leads itself, or believes so.
    is_own: bool,
}

impl Leadership {
    fn of(cluster: &Cluster, id: NodeId) -> Self {
        let (epoch, leader) = cluster.quorum.leader_known_to(id);
        let pretends = cluster.faults.has(id, Fault::TwoLeaders);
        let leader = if pretends { Some(id) } else { leader };
        Self { epoch, leader, is_own: leader == Some(id) }
    }

    /// The error for whoever asks in this epoch.
    fn refusal(&self, epoch: i32) -> Option<i16> {
        match epoch {
            _ if epoch < self.epoch => Some(wire::FENCED_LEADER_EPOCH),
            _ if epoch > self.epoch => Some(wire::UNKNOWN_LEADER_EPOCH),
            _ if !self.is_own => Some(wire::NOT_LEADER_OR_FOLLOWER),
            _ => None,
        }
    }
}

/// The answer to `Fetch`.
pub(super) fn fetched(cluster: &Cluster, id: NodeId, role: Role, asked: &Asked) -> Result<Bytes, Refusal> {
    let request: FetchRequest = asked.request()?;
    let own = wire::fetch_request(0, 0, 0);
    let all = |code: i16| asked.answer::<FetchRequest>(&FetchResponse::default().with_error_code(code));
    if request.cluster_id.is_some_and(|named| named != cluster_id(cluster, id)) {
        return all(wire::INCONSISTENT_CLUSTER_ID);
    }
    // The metadata log and nothing else is asked for here as we ask for it ourselves.
    let (Some(topic), Some(own)) = (request.topics.first(), own.topics.first()) else {
        return all(wire::INVALID_REQUEST);
    };
    let ([partition], 1, true) = (&topic.partitions[..], request.topics.len(), topic.topic_id == own.topic_id) else {
        return all(wire::INVALID_REQUEST);
    };
    let data = if role == Role::Controller {
        of_log(cluster, id, &Leadership::of(cluster, id), request.max_wait_ms, partition)
    } else {
        PartitionData::default().with_error_code(UNKNOWN_TOPIC_ID).with_high_watermark(-1)
    };
    let topic = FetchableTopicResponse::default().with_topic_id(own.topic_id).with_partitions(vec![data]);
    asked.answer::<FetchRequest>(&FetchResponse::default().with_responses(vec![topic]))
}

/// What the controller has of the log, or why it gives none.
fn of_log(
    cluster: &Cluster,
    id: NodeId,
    leadership: &Leadership,
    max_wait_ms: i32,
    asked: &FetchPartition,
) -> PartitionData {
    let quorum = &cluster.quorum;
    let leader = LeaderIdAndEpoch::default()
        .with_leader_id(leadership.leader.map_or(NOBODY, BrokerId))
        .with_leader_epoch(leadership.epoch);
    let data = PartitionData::default()
        .with_current_leader(leader)
        .with_high_watermark(-1)
        .with_log_start_offset(0)
        .with_records(Some(Bytes::new()));
    let epochs = 0..=asked.current_leader_epoch;
    if max_wait_ms < 0 || asked.fetch_offset < 0 || !epochs.contains(&asked.last_fetched_epoch) {
        return data.with_error_code(wire::INVALID_REQUEST);
    }
    if let Some(code) = leadership.refusal(asked.current_leader_epoch) {
        return data.with_error_code(code);
    }
    let Some(own) = quorum.controllers.get(&id) else { return data };
    let data = data.with_high_watermark(quorum.high_watermark(id));
    // Before 3.6 the log was given from its beginning, if it still had that.
    let snapshot = own.snapshot.filter(|_| asked.fetch_offset == 0 && cluster.release(id) >= Version::V3_6);
    if let Some(SnapshotId { end_offset, epoch }) = snapshot {
        return data.with_snapshot_id(FetchedId::default().with_end_offset(end_offset).with_epoch(epoch));
    }
    let end = quorum.log.end_of_epoch(asked.last_fetched_epoch, own.log_end);
    let is_common = end.epoch == asked.last_fetched_epoch && end.end_offset >= asked.fetch_offset;
    if asked.fetch_offset > 0 && !is_common {
        let diverging = EpochEndOffset::default().with_epoch(end.epoch).with_end_offset(end.end_offset);
        return data.with_diverging_epoch(diverging);
    }
    data.with_records(Some(quorum.log.bytes(asked.fetch_offset, own.log_end, quorum.fetch_max).into()))
}

/// The answer to `FetchSnapshot`, which controllers alone list.
pub(super) fn fetched_snapshot(cluster: &Cluster, id: NodeId, asked: &Asked) -> Result<Bytes, Refusal> {
    let request: FetchSnapshotRequest = asked.request()?;
    let all = |code: i16| asked.answer::<FetchSnapshotRequest>(&FetchSnapshotResponse::default().with_error_code(code));
    if request.cluster_id.is_some_and(|named| named != cluster_id(cluster, id)) {
        return all(wire::INCONSISTENT_CLUSTER_ID);
    }
    let leadership = Leadership::of(cluster, id);
    let own = cluster.quorum.controllers.get(&id).and_then(|own| own.snapshot);
    let asked_for = request.topics.first().filter(|topic| topic.name.0.as_str() == wire::METADATA_TOPIC);
    let asked_for = asked_for.and_then(|topic| topic.partitions.first()).filter(|it| {
        let named = SnapshotId { end_offset: it.snapshot_id.end_offset, epoch: it.snapshot_id.epoch };
        leadership.refusal(it.current_leader_epoch).is_none() && own == Some(named)
    });
    let (Some(asked_for), Some(own)) = (asked_for, own) else { return all(wire::UNKNOWN_SERVER_ERROR) };
    let bytes = cluster.quorum.log.snapshot(own);
    let from = usize::try_from(asked_for.position).unwrap_or(usize::MAX);
    let Some(part) = bytes.get(from..).filter(|part| !part.is_empty()) else {
        return all(wire::UNKNOWN_SERVER_ERROR);
    };
    let most = usize::try_from(request.max_bytes).unwrap_or(0).min(part.len());
    let leader = LeaderOfSnapshot::default().with_leader_id(BrokerId(id)).with_leader_epoch(leadership.epoch);
    let partition = PartitionSnapshot::default()
        .with_snapshot_id(PartId::default().with_end_offset(own.end_offset).with_epoch(own.epoch))
        .with_current_leader(leader)
        .with_size(i64::try_from(bytes.len()).unwrap_or(i64::MAX))
        .with_position(asked_for.position)
        .with_unaligned_records(Bytes::copy_from_slice(part.get(..most).unwrap_or_default()));
    let topic = TopicSnapshot::default().with_name(TopicName(StrBytes::from_static_str(wire::METADATA_TOPIC)));
    let said = FetchSnapshotResponse::default().with_topics(vec![topic.with_partitions(vec![partition])]);
    asked.answer::<FetchSnapshotRequest>(&said)
}
