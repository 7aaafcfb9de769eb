//! The metadata log as it is fetched: the two requests, and their answers read off the frame without a copy of the records.
//!
//! The requests are made here and nowhere else, and nothing can set a replica id in them: a replica id of 0 or more would
//! make us an observer, or take us for a voter and move the high watermark. With −1 the quorum takes no note of who asks
//! (`LeaderState.updateReplicaState`). Not here: what the records are (`batches`, `records`).

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_snapshot_request::{self, PartitionSnapshot, TopicSnapshot};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchSnapshotRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::reader::{Reader, read_off};
use super::{Malformed, Refusal};

/// The name of the metadata log's topic (`Topic.java`). It has one partition, 0.
pub const METADATA_TOPIC: &str = "__cluster_metadata";
/// How many bytes of the log a controller gives at once, whatever is asked, unless one batch is longer
/// (`KafkaRaftClient.MAX_FETCH_SIZE_BYTES`). Since 4.3 it can be set, 1 MiB by default (KIP-1219).
pub const FETCH_MAX: usize = 8 * 1024 * 1024;
/// The same in a request.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "8 MiB")]
const MAX_BYTES: i32 = FETCH_MAX as i32;
/// The id of the metadata log's topic (`Uuid.METADATA_TOPIC_ID`).
const METADATA_TOPIC_ID: Uuid = Uuid::from_u128(1);
/// Nobody who replicates the log.
const NO_REPLICA: BrokerId = BrokerId(-1);

/// The only way in which a `Fetch` is made: of the metadata log from this offset on, at once with what is there.
/// The leader's epoch must be the quorum's exactly, and the epoch of the last record that was fetched no higher.
#[must_use]
pub fn fetch_request(fetch_offset: i64, last_fetched_epoch: i32, leader_epoch: i32) -> FetchRequest {
    let partition = FetchPartition::default()
        .with_current_leader_epoch(leader_epoch)
        .with_fetch_offset(fetch_offset)
        .with_last_fetched_epoch(last_fetched_epoch)
        .with_partition_max_bytes(MAX_BYTES);
    // From version 15 on the replica is in `ReplicaState`, which is -1 by default.
    FetchRequest::default()
        .with_replica_id(NO_REPLICA)
        .with_max_wait_ms(0)
        .with_max_bytes(MAX_BYTES)
        .with_session_id(0)
        .with_session_epoch(-1)
        .with_topics(vec![FetchTopic::default().with_topic_id(METADATA_TOPIC_ID).with_partitions(vec![partition])])
}

/// The only way in which a `FetchSnapshot` is made: of this snapshot so many bytes, from this one on.
#[must_use]
pub fn fetch_snapshot_request(
    snapshot: SnapshotId,
    leader_epoch: i32,
    position: i64,
    max_bytes: i32,
) -> FetchSnapshotRequest {
    let id =
        fetch_snapshot_request::SnapshotId::default().with_end_offset(snapshot.end_offset).with_epoch(snapshot.epoch);
    let partition = PartitionSnapshot::default()
        .with_current_leader_epoch(leader_epoch)
        .with_snapshot_id(id)
        .with_position(position);
    let topic = TopicSnapshot::default().with_name(TopicName(StrBytes::from_static_str(METADATA_TOPIC)));
    FetchSnapshotRequest::default()
        .with_replica_id(NO_REPLICA)
        .with_max_bytes(max_bytes)
        .with_topics(vec![topic.with_partitions(vec![partition])])
}

/// `CurrentLeader`: who leads, by who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leader {
    /// Its id, −1 where nobody leads.
    pub id: i32,
    /// The quorum's epoch.
    pub epoch: i32,
}

/// An offset and the epoch of the record before it: a snapshot's id, or where a log diverges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotId {
    /// The offset, exclusive.
    pub end_offset: i64,
    /// The epoch.
    pub epoch: i32,
}

/// An answer to `Fetch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The error code of the whole answer.
    pub error_code: i16,
    /// The metadata log; none where the whole answer is an error.
    pub partition: Option<FetchedPartition>,
}

/// The metadata log in an answer to `Fetch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPartition {
    /// Its error code.
    pub error_code: i16,
    /// Up to where it is committed, exclusive; −1 where that is not known.
    pub high_watermark: i64,
    /// Its first offset.
    pub log_start_offset: i64,
    /// Where the log that was asked for ends in common with this one, if it does.
    pub diverging: Option<SnapshotId>,
    /// Who leads.
    pub leader: Option<Leader>,
    /// The snapshot to be fetched instead of records, if there is one to be.
    pub snapshot: Option<SnapshotId>,
    /// The records: batches, of which the last may be cut off. They may reach beyond the high watermark.
    pub records: Bytes,
}

/// An answer to `FetchSnapshot`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotPart {
    /// The error code of the whole answer; all errors come here, as −1.
    pub error_code: i16,
    /// The snapshot; none where the whole answer is an error.
    pub partition: Option<SnapshotPartition>,
}

/// A piece of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotPartition {
    /// Its error code.
    pub error_code: i16,
    /// Of which snapshot it is.
    pub snapshot: SnapshotId,
    /// Who leads.
    pub leader: Option<Leader>,
    /// The size of the whole snapshot, in bytes.
    pub size: i64,
    /// The position of the first of these bytes in it.
    pub position: i64,
    /// The bytes: batches, that may begin and end in the middle of one.
    pub bytes: Bytes,
}

/// An answer to `Fetch`, from the bytes after the length prefix.
///
/// # Errors
/// [`Refusal`] when the correlation id is another, the frame is not exactly one message of this version, or it tells of
/// anything else than the metadata log.
pub fn fetched(frame: &Bytes, version: i16, correlation_id: i32) -> Result<Fetched, Refusal> {
    let mut others = 0;
    let read = |reader: &mut Reader<'_>, _| {
        reader.take(4)?; // ThrottleTimeMs
        let error_code = reader.short()?;
        reader.take(4)?; // SessionId
        let is_own = |reader: &mut Reader<'_>| Some(reader.take(16)? == METADATA_TOPIC_ID.as_bytes());
        let partition = own_partition(reader, &mut others, is_own, |reader| partition(reader, frame))?;
        reader.tags()?; // NodeEndpoints
        Some(Fetched { error_code, partition })
    };
    let fetched = read_off::<FetchRequest, _>(frame, version, correlation_id, read)?;
    only(others)?;
    Ok(fetched)
}

/// The metadata log among all topics and partitions of an answer, if it is there; the others are counted. Each topic begins
/// with what names it, by which `is_own` tells it.
#[expect(clippy::option_option, reason = "the outer one is a defect, the inner one was said")]
fn own_partition<P>(
    reader: &mut Reader<'_>,
    others: &mut u32,
    is_own: impl Fn(&mut Reader<'_>) -> Option<bool>,
    read: impl Fn(&mut Reader<'_>) -> Option<(i32, P)>,
) -> Option<Option<P>> {
    let mut own = None;
    for _ in 0..reader.count()? {
        let is_own_topic = is_own(reader)?;
        for _ in 0..reader.count()? {
            let (index, partition) = read(reader)?;
            if is_own_topic && index == 0 && own.is_none() {
                own = Some(partition);
            } else {
                *others += 1;
            }
        }
        reader.tags()?;
    }
    Some(own)
}

/// A partition and its index.
fn partition(reader: &mut Reader<'_>, frame: &Bytes) -> Option<(i32, FetchedPartition)> {
    let (index, error_code, high_watermark) = (reader.number()?, reader.short()?, reader.long()?);
    reader.take(8)?; // LastStableOffset
    let log_start_offset = reader.long()?;
    // AbortedTransactions, null for none.
    for _ in 0..reader.nullable_count()? {
        reader.take(16)?; // ProducerId, FirstOffset
        reader.tags()?;
    }
    reader.take(4)?; // PreferredReadReplica
    let records = frame.slice_ref(reader.bytes()?);
    let [diverging, leader_tag, snapshot] = reader.tagged([0, 1, 2])?;
    let partition = FetchedPartition {
        error_code,
        high_watermark,
        log_start_offset,
        // A tagged field that is not there is empty, and nothing is read of it.
        diverging: diverging_epoch(&mut reader.within(diverging)),
        leader: leader(&mut reader.within(leader_tag)),
        snapshot: snapshot_id(&mut reader.within(snapshot)),
        records,
    };
    Some((index, partition))
}

/// An answer to `FetchSnapshot`, from the bytes after the length prefix.
///
/// # Errors
/// [`Refusal`] as of [`fetched`].
pub fn fetched_snapshot(frame: &Bytes, version: i16, correlation_id: i32) -> Result<SnapshotPart, Refusal> {
    let mut others = 0;
    let read = |reader: &mut Reader<'_>, _| {
        reader.take(4)?; // ThrottleTimeMs
        let error_code = reader.short()?;
        let is_own = |reader: &mut Reader<'_>| Some(reader.text()? == METADATA_TOPIC.as_bytes());
        let partition = own_partition(reader, &mut others, is_own, |reader| snapshot_partition(reader, frame))?;
        reader.tags()?; // NodeEndpoints
        Some(SnapshotPart { error_code, partition })
    };
    let part = read_off::<FetchSnapshotRequest, _>(frame, version, correlation_id, read)?;
    only(others)?;
    Ok(part)
}

/// A piece of a snapshot and the index of its partition.
fn snapshot_partition(reader: &mut Reader<'_>, frame: &Bytes) -> Option<(i32, SnapshotPartition)> {
    let (index, error_code, snapshot) = (reader.number()?, reader.short()?, snapshot_id(reader)?);
    let (size, position) = (reader.long()?, reader.long()?);
    let bytes = frame.slice_ref(reader.bytes()?);
    let tag = reader.tag(0)?;
    let leader = leader(&mut reader.within(tag));
    Some((index, SnapshotPartition { error_code, snapshot, leader, size, position, bytes }))
}

fn leader(reader: &mut Reader<'_>) -> Option<Leader> {
    let leader = Leader { id: reader.number()?, epoch: reader.number()? };
    reader.tags()?;
    Some(leader)
}

fn diverging_epoch(reader: &mut Reader<'_>) -> Option<SnapshotId> {
    let (epoch, end_offset) = (reader.number()?, reader.long()?);
    Some(SnapshotId { end_offset, epoch })
}

fn snapshot_id(reader: &mut Reader<'_>) -> Option<SnapshotId> {
    let id = SnapshotId { end_offset: reader.long()?, epoch: reader.number()? };
    reader.tags()?;
    Some(id)
}

/// Nothing else may be told of.
fn only(others: u32) -> Result<(), Refusal> {
    if others == 0 {
        return Ok(());
    }
    let what = format!("{others} partitions that were not asked for");
    Err(Refusal::Malformed(Malformed { at: 0, what }))
}
