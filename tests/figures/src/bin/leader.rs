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

use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::describe_quorum_response::{PartitionData as Quorum, ReplicaState, TopicData};
use kafka_protocol::messages::fetch_response::{self, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::fetch_snapshot_response::{self, PartitionSnapshot, TopicSnapshot};
use kafka_protocol::messages::{
    BrokerId, DescribeQuorumResponse, FetchRequest, FetchResponse, FetchSnapshotRequest, FetchSnapshotResponse,
    RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use kafka_protocol::records::{
    Compression, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record, RecordBatchEncoder, RecordEncodeOptions,
    TimestampType,
};
use kraft_check::wire::{self, Batch, SnapshotId};
use kraft_check_figures::{end_with_standard_input, recorded};

const EPOCH: i32 = 1;
const ID: i32 = 3001;
/// How much a leader of up to 4.2 gives of its log at once, and how much of a snapshot the program asks for, in bytes.
const LOG_PART: usize = 8 * 1024 * 1024;
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
        let mut values = vec![feature(), POST_MIGRATION.to_vec()];
        values.extend((0..partitions).map(|number| partition(u32::try_from(number).expect("a number"))));
        if snapshot_bytes == 0 {
            let (log, places, log_end) = written(&values, 0);
            return Self { log, places, log_start: 0, log_end, snapshot: Vec::new(), api_versions };
        }
        let mut snapshot = control(0, 3, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let mut offset = 1;
        let mut numbers = 0..;
        while snapshot.len() < snapshot_bytes {
            let (batches, _, next) = written(&values, offset);
            snapshot.extend(batches);
            offset = next;
            values = numbers.by_ref().take(BATCH).map(partition).collect();
        }
        snapshot.extend(control(offset, 4, &[0, 0, 0]));
        let (log, places, log_end) = written(&[NO_OP.to_vec()], offset + 1);
        Self { log, places, log_start: offset + 1, log_end, snapshot, api_versions }
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
        let end = self.places[&offset] + LOG_PART;
        let whole = self.places.iter().filter(|(_, place)| **place <= end).map(|(first, _)| *first);
        if end >= self.log.len() { self.log_end } else { whole.max().expect("a batch") }
    }

    fn answer_all(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let mut frame = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut frame)?;
            let answer = self.answer(&frame);
            stream.write_all(&u32::try_from(answer.len()).expect("a length").to_be_bytes())?;
            stream.write_all(&answer)?;
        }
    }

    fn answer(&self, frame: &[u8]) -> Vec<u8> {
        let (key, version) = (i16::from_be_bytes([frame[0], frame[1]]), i16::from_be_bytes([frame[2], frame[3]]));
        let mut body = Bytes::copy_from_slice(frame);
        let header = |body: &mut Bytes| RequestHeader::decode(body, 2).expect("a header");
        match key {
            18 => [&frame[4..8], &self.api_versions[4..]].concat(),
            55 => encoded(frame, &self.quorum(), version),
            1 => {
                header(&mut body);
                let request = FetchRequest::decode(&mut body, version).expect("a request");
                encoded(frame, &self.fetched(request.topics[0].partitions[0].fetch_offset), version)
            }
            59 => {
                header(&mut body);
                let request = FetchSnapshotRequest::decode(&mut body, version).expect("a request");
                encoded(frame, &self.fetched_snapshot(request.topics[0].partitions[0].position), version)
            }
            key => panic!("API {key} is not asked"),
        }
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
            let part = &self.log[from..self.log.len().min(from + LOG_PART)];
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

fn encoded<R: Encodable + HeaderVersion>(asked: &[u8], answer: &R, version: i16) -> Vec<u8> {
    let correlation_id = i32::from_be_bytes([asked[4], asked[5], asked[6], asked[7]]);
    let mut body = BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(correlation_id);
    header.encode(&mut body, R::header_version(version)).expect("a header");
    answer.encode(&mut body, version).expect("an answer");
    body.to_vec()
}

/// Batches of these values from this offset on; where each begins; and the offset after the last.
fn written(values: &[Vec<u8>], first: i64) -> (Vec<u8>, HashMap<i64, usize>, i64) {
    let (mut bytes, mut places, mut offset) = (Vec::new(), HashMap::new(), first);
    for values in values.chunks(BATCH) {
        let records = values.iter().zip(0..).map(|(value, number)| record(offset + number, None, value, false));
        bytes.extend(batch(&records.collect::<Vec<_>>()));
        offset += i64::try_from(values.len()).expect("a count");
    }
    // The encoder makes batches as it likes.
    let mut at = 0;
    while let Ok(Some(size)) = wire::batch_size(&bytes[at..]) {
        places.insert(Batch::read(&bytes[at..at + size]).expect("a batch").base_offset, at);
        at += size;
    }
    (bytes, places, offset)
}

/// A batch with one control record of this type.
fn control(offset: i64, kind: u8, value: &[u8]) -> Vec<u8> {
    batch(&[record(offset, Some(&[0, 0, 0, kind]), value, true)])
}

fn batch(records: &[Record]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, records, &options).expect("a batch");
    bytes.to_vec()
}

fn record(offset: i64, key: Option<&[u8]>, value: &[u8], control: bool) -> Record {
    Record {
        transactional: false,
        control,
        delete_horizon: false,
        partition_leader_epoch: EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: NO_SEQUENCE,
        timestamp: NOW,
        key: key.map(Bytes::copy_from_slice),
        value: Some(Bytes::copy_from_slice(value)),
        headers: IndexMap::new(),
    }
}

/// `ZkMigrationStateRecord` with POST_MIGRATION, and `NoOpRecord`: the frame's version, the key, the record's version.
const POST_MIGRATION: [u8; 5] = [1, 21, 0, 3, 0];
const NO_OP: [u8; 4] = [1, 20, 0, 0];

/// `FeatureLevelRecord`: metadata.version 21.
fn feature() -> Vec<u8> {
    [&[1, 12, 0, 17][..], b"metadata.version", &[0, 21, 0]].concat()
}

/// `PartitionRecord`, version 0, of three replicas: as long as Kafka's own.
fn partition(number: u32) -> Vec<u8> {
    let number = number.to_be_bytes();
    let ids = [4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    let topic = [number; 4].concat();
    [&[1, 3, 0][..], &number, &topic, &ids, &ids, &[1, 1], &[0, 0, 0, 1], &[0; 4], &[0; 4], &[0]].concat()
}
