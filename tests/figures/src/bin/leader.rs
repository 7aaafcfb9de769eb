//! `leader RECORDING PARTITIONS MEGABYTES CONFIG REQUESTS`: a controller that leads, alone, a finalized quorum whose metadata log holds
//! so many partitions; or, where MEGABYTES is not 0, a snapshot of that size. Writes the config file for the program, and
//! the frames of the requests that read all of it, one in a line; then says `ready`.

use std::collections::HashMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::describe_quorum_response::{PartitionData as Quorum, ReplicaState, TopicData};
use kafka_protocol::messages::fetch_response::{self, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::fetch_snapshot_response::{self, PartitionSnapshot, TopicSnapshot};
use kafka_protocol::messages::{
    BrokerId, DescribeQuorumRequest, DescribeQuorumResponse, FetchRequest, FetchResponse, FetchSnapshotRequest,
    FetchSnapshotResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use kraft_check::wire::{self, Asked, Batch, Record, SnapshotId};
use kraft_check_figures::{end_with_standard_input, recorded};

const EPOCH: i32 = 1;
const ID: i32 = 3001;
/// `metadata.version` 3.9-IV0.
const LEVEL: i16 = 21;
/// How much of a snapshot the program asks for, in bytes.
const SNAPSHOT_PART: usize = 1024 * 1024;
/// How many records stand in a batch.
const BATCH: usize = 10_000;
const NOW: i64 = 1_700_000_000_000;

/// What is served: batches of the log from `log_start` on, and the snapshot up to it, empty for none.
struct Served {
    log: Vec<u8>,
    /// Where each batch of the log begins: by its first offset.
    places: HashMap<i64, usize>,
    log_start: i64,
    log_end: i64,
    snapshot: Vec<u8>,
    api_versions: Vec<u8>,
}

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [recording, partitions, megabytes, config, requests] = words.as_slice() else {
        panic!("leader RECORDING PARTITIONS MEGABYTES CONFIG REQUESTS")
    };
    let (partitions, megabytes): (usize, usize) =
        (partitions.parse().expect("a number"), megabytes.parse().expect("a number"));
    end_with_standard_input();
    let served = Arc::new(Served::new(recording, partitions, megabytes * 1_000_000));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let place = listener.local_addr()?;
    fs::write(
        config,
        format!(
            "bootstrap-controller = [\"{ID}@{place}\"]\ntimeout = \"30m\"\nrequest-timeout = \"5m\"\npage-timeout = \"5m\"\n"
        ),
    )?;
    fs::write(requests, format!("{place}\n{}", served.requests()))?;
    println!("ready");
    for stream in listener.incoming() {
        let served = Arc::clone(&served);
        thread::spawn(move || {
            let stream = stream.expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            // It ends when the client leaves.
            let _ = served.answer_all(stream);
        });
    }
    Ok(())
}

impl Served {
    fn new(recording: &str, partitions: usize, snapshot_bytes: usize) -> Self {
        let api_versions = recorded(recording, "ApiVersions 3 ");
        let metadata_version = Record::FeatureLevel { name: "metadata.version".to_owned(), level: LEVEL };
        let first = |offset| batch(offset, &[metadata_version.clone(), Record::ZkMigrationState(3)]);
        let mut numbers = 0..;
        if snapshot_bytes == 0 {
            let (partitions, log_end) = written(numbers.take(partitions), 2);
            let log = [first(0), partitions].concat();
            return Self { places: places(&log), log, log_start: 0, log_end, snapshot: Vec::new(), api_versions };
        }
        let mut snapshot = batch(0, &[Record::SnapshotHeader { last_contained: NOW }]);
        snapshot.extend(first(1));
        let mut offset = 3;
        while snapshot.len() < snapshot_bytes {
            let (partitions, next) = written(numbers.by_ref().take(BATCH), offset);
            snapshot.extend(partitions);
            offset = next;
        }
        snapshot.extend(batch(offset, &[Record::SnapshotFooter]));
        let log_start = offset + 1;
        let log = batch(log_start, &[Record::NoOp]);
        Self { places: places(&log), log, log_start, log_end: log_start + 1, snapshot, api_versions }
    }

    fn snapshot_id(&self) -> SnapshotId {
        SnapshotId { end_offset: self.log_start, epoch: EPOCH }
    }

    /// The frames of the requests that read all of it, in hex.
    fn requests(&self) -> String {
        let mut lines = String::new();
        let mut line = |frame: Bytes| {
            for byte in frame {
                let _ = write!(lines, "{byte:02x}");
            }
            lines.push('\n');
        };
        let fetch = |offset| wire::encode(&wire::fetch_request(offset, 0, EPOCH), 17, 1, wire::CLIENT_ID);
        if !self.snapshot.is_empty() {
            line(fetch(0).expect("a request"));
            for position in (0..self.snapshot.len()).step_by(SNAPSHOT_PART) {
                let (position, part) = (i64::try_from(position).expect("a position"), 1024 * 1024);
                let request = wire::fetch_snapshot_request(self.snapshot_id(), EPOCH, position, part);
                line(wire::encode(&request, 1, 1, wire::CLIENT_ID).expect("a request"));
            }
        }
        let mut offset = self.log_start;
        while offset < self.log_end {
            line(fetch(offset).expect("a request"));
            offset = self.after(offset);
        }
        lines
    }

    /// The offset after the last whole batch of the part of the log that begins at this one.
    fn after(&self, offset: i64) -> i64 {
        let end = self.places[&offset] + wire::FETCH_MAX;
        let whole = self.places.iter().filter(|(_, place)| **place <= end).map(|(first, _)| *first);
        if end >= self.log.len() { self.log_end } else { whole.max().expect("a batch") }
    }

    fn answer_all(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let mut frame = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut frame)?;
            stream.write_all(&self.answer(&Asked::read(frame.into()).expect("a request")))?;
        }
    }

    fn answer(&self, asked: &Asked) -> Bytes {
        let answer = match asked.key {
            18 => {
                let mut frame = BytesMut::new();
                frame.put_u32(u32::try_from(self.api_versions.len()).expect("a length"));
                frame.put_i32(asked.correlation_id);
                frame.put_slice(&self.api_versions[4..]);
                Ok(frame.freeze())
            }
            55 => asked.answer::<DescribeQuorumRequest>(&self.quorum()),
            1 => {
                let request: FetchRequest = asked.request().expect("a request");
                asked.answer::<FetchRequest>(&self.fetched(request.topics[0].partitions[0].fetch_offset))
            }
            59 => {
                let request: FetchSnapshotRequest = asked.request().expect("a request");
                let position = request.topics[0].partitions[0].position;
                asked.answer::<FetchSnapshotRequest>(&self.fetched_snapshot(position))
            }
            key => panic!("API {key} is not asked"),
        };
        answer.expect("an answer")
    }

    fn quorum(&self) -> DescribeQuorumResponse {
        let own = ReplicaState::default()
            .with_replica_id(BrokerId(ID))
            .with_log_end_offset(self.log_end)
            .with_last_fetch_timestamp(NOW)
            .with_last_caught_up_timestamp(NOW);
        let partition = Quorum::default()
            .with_leader_id(BrokerId(ID))
            .with_leader_epoch(EPOCH)
            .with_high_watermark(self.log_end)
            .with_current_voters(vec![own]);
        let topic = TopicData::default().with_topic_name(topic_name()).with_partitions(vec![partition]);
        DescribeQuorumResponse::default().with_topics(vec![topic])
    }

    fn fetched(&self, offset: i64) -> FetchResponse {
        let partition = PartitionData::default()
            .with_high_watermark(self.log_end)
            .with_last_stable_offset(self.log_end)
            .with_log_start_offset(self.log_start)
            .with_aborted_transactions(Some(Vec::new()));
        let partition = if offset < self.log_start {
            let id = self.snapshot_id();
            let id = fetch_response::SnapshotId::default().with_end_offset(id.end_offset).with_epoch(id.epoch);
            partition.with_snapshot_id(id).with_records(Some(Bytes::new()))
        } else {
            let from = self.places.get(&offset).copied().unwrap_or(self.log.len());
            let part = &self.log[from..self.log.len().min(from + wire::FETCH_MAX)];
            partition.with_records(Some(Bytes::copy_from_slice(part)))
        };
        let topic = FetchableTopicResponse::default()
            .with_topic_id("00000000-0000-0000-0000-000000000001".parse().expect("an id"))
            .with_partitions(vec![partition]);
        FetchResponse::default().with_responses(vec![topic])
    }

    fn fetched_snapshot(&self, position: i64) -> FetchSnapshotResponse {
        let from = usize::try_from(position).expect("a position");
        let part = &self.snapshot[from..self.snapshot.len().min(from + SNAPSHOT_PART)];
        let id = self.snapshot_id();
        let id = fetch_snapshot_response::SnapshotId::default().with_end_offset(id.end_offset).with_epoch(id.epoch);
        let partition = PartitionSnapshot::default()
            .with_snapshot_id(id)
            .with_size(i64::try_from(self.snapshot.len()).expect("a size"))
            .with_position(position)
            .with_unaligned_records(Bytes::copy_from_slice(part));
        let topic = TopicSnapshot::default().with_name(topic_name()).with_partitions(vec![partition]);
        FetchSnapshotResponse::default().with_topics(vec![topic])
    }
}

fn topic_name() -> TopicName {
    TopicName(StrBytes::from_static_str(wire::METADATA_TOPIC))
}

fn batch(offset: i64, records: &[Record]) -> Vec<u8> {
    wire::batch(offset, EPOCH, NOW, records, LEVEL)
}

/// Batches of partitions from this offset on, and the offset after the last.
fn written(numbers: impl Iterator<Item = u32>, first: i64) -> (Vec<u8>, i64) {
    let records: Vec<_> = numbers.zip(first..).map(|(number, offset)| record(offset, partition(number))).collect();
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    for records in records.chunks(BATCH) {
        RecordBatchEncoder::encode(&mut bytes, records, &options).expect("batches");
    }
    (bytes.to_vec(), first + i64::try_from(records.len()).expect("a count"))
}

/// Where each batch of a log begins, by its first offset.
fn places(log: &[u8]) -> HashMap<i64, usize> {
    let mut places = HashMap::new();
    let mut at = 0;
    while let Ok(Some(size)) = wire::batch_size(&log[at..]) {
        places.insert(Batch::read(&log[at..at + size]).expect("a batch").base_offset, at);
        at += size;
    }
    places
}

/// A record whose body the program passes over, for which its own writer has none.
fn record(offset: i64, value: Vec<u8>) -> kafka_protocol::records::Record {
    kafka_protocol::records::Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: NO_SEQUENCE,
        timestamp: NOW,
        key: None,
        value: Some(value.into()),
        headers: IndexMap::new(),
    }
}

/// `PartitionRecord`, version 0, of three replicas: as long as Kafka's own.
fn partition(number: u32) -> Vec<u8> {
    let number = number.to_be_bytes();
    let ids = [4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    let topic = [number; 4].concat();
    [&[1, 3, 0][..], &number, &topic, &ids, &ids, &[1, 1], &[0, 0, 0, 1], &[0; 4], &[0; 4], &[0]].concat()
}
