//! The answers to `Fetch` and `FetchSnapshot` and the requests for them, made by the codec, and held against it: what our
//! own reader says of the same bytes. The fuzzer is made of this file as well.

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::ReplicaState;
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
    SnapshotId as FetchedId,
};
use kafka_protocol::messages::fetch_snapshot_response::{
    LeaderIdAndEpoch as LeaderOfSnapshot, NodeEndpoint as PlaceOfLeader, PartitionSnapshot, SnapshotId as PartId,
    TopicSnapshot,
};
use kafka_protocol::messages::{
    BrokerId, FetchRequest, FetchResponse, FetchSnapshotRequest, FetchSnapshotResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use kraft_check::wire::{
    Leader, METADATA_TOPIC, Refusal, SnapshotId, decode, fetch_request, fetch_snapshot_request, fetched,
    fetched_snapshot,
};

use crate::apis::{CORRELATION_ID, asked, frame, text};

pub(crate) fn fetch(n: &[u8], version: i16) -> Bytes {
    // The metadata log's id, as every request of ours has it.
    let own = fetch_request(0, 0, 0).topics.remove(0).topic_id;
    let number = |place: usize| i32::from(n.get(place).copied().unwrap_or_default());
    let partition = |index: &u8| {
        let data = PartitionData::default().with_partition_index(i32::from(index % 2));
        let data = data.with_high_watermark(i64::from(*index) - 1).with_log_start_offset(i64::from(number(1)));
        let data = data.with_records((!index.is_multiple_of(3)).then(|| Bytes::copy_from_slice(n)));
        let aborted = AbortedTransaction::default().with_first_offset(7);
        let data = data.with_aborted_transactions((index % 4 == 1).then(|| vec![aborted; usize::from(index % 8)]));
        let leader = LeaderIdAndEpoch::default().with_leader_id(BrokerId(number(0) - 1)).with_leader_epoch(number(1));
        let data = if index.is_multiple_of(5) { data } else { data.with_current_leader(leader) };
        let id = FetchedId::default().with_end_offset(i64::from(number(2))).with_epoch(number(3));
        let data = if index % 7 == 1 { data.with_snapshot_id(id) } else { data };
        let diverging = EpochEndOffset::default().with_epoch(number(3)).with_end_offset(i64::from(number(2)));
        if index % 7 == 2 { data.with_diverging_epoch(diverging) } else { data }
    };
    // None of an error, one almost always, several of a liar.
    let asked_for = n.first().map_or(0, |first| if first % 8 == 7 { 2 } else { 1 });
    let topic = FetchableTopicResponse::default().with_topic_id(own);
    let topic = topic.with_partitions(n.iter().take(asked_for).map(partition).collect());
    let response = FetchResponse::default().with_error_code(i16::from(n.is_empty()));
    let response = response.with_responses(n.iter().take(1).map(|_| topic.clone()).collect());
    let place = |id: &u8| {
        let place = NodeEndpoint::default().with_node_id(BrokerId(i32::from(*id))).with_host(text(n)).with_port(9093);
        place.with_rack(id.is_multiple_of(2).then(|| text(n)))
    };
    let places = if version >= 16 { n.iter().skip(1).take(2).map(place).collect() } else { Vec::new() };
    frame::<FetchRequest>(&response.with_node_endpoints(places), version)
}

pub(crate) fn fetch_snapshot(n: &[u8], version: i16) -> Bytes {
    let partition = |index: &u8| {
        let id = PartId::default().with_end_offset(i64::from(*index)).with_epoch(3);
        let part = PartitionSnapshot::default().with_index(i32::from(index % 2)).with_snapshot_id(id);
        let part = part.with_size(i64::from(*index) * 2).with_position(i64::from(*index));
        let leader = LeaderOfSnapshot::default().with_leader_id(BrokerId(3001)).with_leader_epoch(4);
        let part = if index.is_multiple_of(5) { part } else { part.with_current_leader(leader) };
        part.with_unaligned_records(Bytes::copy_from_slice(n))
    };
    let topic = TopicSnapshot::default().with_name(TopicName(StrBytes::from_static_str(METADATA_TOPIC)));
    let asked_for = n.first().map_or(0, |first| if first % 8 == 7 { 2 } else { 1 });
    let topic = topic.with_partitions(n.iter().take(asked_for).map(partition).collect());
    let response = FetchSnapshotResponse::default().with_error_code(-i16::from(n.is_empty()));
    let response = response.with_topics(n.iter().take(1).map(|_| topic.clone()).collect());
    let place = |id: &u8| PlaceOfLeader::default().with_node_id(BrokerId(i32::from(*id))).with_host(text(n));
    let places = if version >= 1 { n.iter().take(2).map(place).collect() } else { Vec::new() };
    frame::<FetchSnapshotRequest>(&response.with_node_endpoints(places), version)
}

pub(crate) fn fetch_asked(n: &[u8], version: i16) -> Bytes {
    let number = i32::from(n.first().copied().unwrap_or_default());
    let mut request = fetch_request(i64::from(number), 1, number);
    // What others send.
    request = request.with_cluster_id((n.len() % 2 == 1).then(|| text(n))).with_rack_id(text(n));
    if version >= 15 && n.len() % 3 == 1 {
        request = request.with_replica_state(ReplicaState::default().with_replica_id(BrokerId(number)));
    }
    asked(&request, version)
}

pub(crate) fn fetch_snapshot_asked(n: &[u8], version: i16) -> Bytes {
    let number = i64::from(n.first().copied().unwrap_or_default());
    let request = fetch_snapshot_request(SnapshotId { end_offset: number, epoch: 3 }, 4, number, 1024);
    asked(&request.with_cluster_id((n.len() % 2 == 1).then(|| text(n))), version)
}

/// The reader of our own and the codec say the same of an answer to `Fetch`, as far as it is of the metadata log alone.
pub(crate) fn assert_fetched_as_the_codec_reads(frame: &Bytes, version: i16) {
    let own = fetched(frame, version, CORRELATION_ID);
    let said = match decode::<FetchRequest>(frame, version, CORRELATION_ID) {
        Ok(said) => said,
        Err(Refusal::Codec(_)) => return,
        Err(refusal) => return assert_eq!(own, Err(refusal)),
    };
    let topic_id = fetch_request(0, 0, 0).topics.remove(0).topic_id;
    let partitions: Vec<_> =
        said.responses.iter().flat_map(|topic| topic.partitions.iter().map(move |it| (topic.topic_id, it))).collect();
    let (own, partition) = match (own, &partitions[..]) {
        (Ok(own), []) => (own, None),
        (Ok(own), [(id, it)]) if *id == topic_id && it.partition_index == 0 => (own, Some(*it)),
        (Ok(own), others) => panic!("{own:?} of {others:?}"),
        (Err(refusal), []) => panic!("{refusal}"),
        (Err(refusal), [(id, it), others @ ..]) => {
            let is_asked_for = *id == topic_id && it.partition_index == 0 && others.is_empty();
            assert!(!is_asked_for && refusal.to_string().contains("not asked for"), "{refusal}");
            return;
        }
    };
    assert_eq!(own.error_code, said.error_code);
    let Some(partition) = partition else { return assert_eq!(own.partition, None) };
    let own = own.partition.expect("a partition");
    assert_eq!(own.error_code, partition.error_code);
    assert_eq!(
        (own.high_watermark, own.log_start_offset, own.records),
        (partition.high_watermark, partition.log_start_offset, partition.records.clone().unwrap_or_default())
    );
    // For the codec, what is not there has -1 in every field.
    let id = |id: Option<SnapshotId>| id.map_or((-1, -1), |it| (it.end_offset, it.epoch));
    let leader = own.leader.map_or((-1, -1), |it| (it.id, it.epoch));
    assert_eq!(leader, (partition.current_leader.leader_id.0, partition.current_leader.leader_epoch));
    assert_eq!(id(own.snapshot), (partition.snapshot_id.end_offset, partition.snapshot_id.epoch));
    assert_eq!(id(own.diverging), (partition.diverging_epoch.end_offset, partition.diverging_epoch.epoch));
}

/// The same of `FetchSnapshot`.
pub(crate) fn assert_snapshot_fetched_as_the_codec_reads(frame: &Bytes, version: i16) {
    let own = fetched_snapshot(frame, version, CORRELATION_ID);
    let said = match decode::<FetchSnapshotRequest>(frame, version, CORRELATION_ID) {
        Ok(said) => said,
        Err(Refusal::Codec(_)) => return,
        Err(refusal) => return assert_eq!(own, Err(refusal)),
    };
    let mut partitions =
        said.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |it| (topic.name.0.as_str(), it)));
    let (own, it) = match (own, partitions.next(), partitions.next()) {
        (Ok(own), None, None) => return assert_eq!((own.error_code, own.partition), (said.error_code, None)),
        (Ok(own), Some((METADATA_TOPIC, it)), None) if it.index == 0 => (own, it),
        (Err(refusal), Some(_), _) if refusal.to_string().contains("not asked for") => return,
        (own, ..) => panic!("{own:?} of {said:?}"),
    };
    assert_eq!(own.error_code, said.error_code);
    let own = own.partition.expect("a partition");
    assert_eq!(own.snapshot, SnapshotId { end_offset: it.snapshot_id.end_offset, epoch: it.snapshot_id.epoch });
    assert_eq!((own.error_code, own.size, own.position), (it.error_code, it.size, it.position));
    assert_eq!(own.bytes, it.unaligned_records);
    // For the codec, who is not there has 0 in both fields.
    let leader = own.leader.unwrap_or(Leader { id: 0, epoch: 0 });
    assert_eq!(leader, Leader { id: it.current_leader.leader_id.0, epoch: it.current_leader.leader_epoch });
}
