//! How much memory does the heaviest metadata log take that a leading controller can give? Over real sockets, asked by the
//! built binary, which has 64 MB for its data.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kafka_protocol::messages::describe_quorum_response::{PartitionData as Quorum, ReplicaState, TopicData};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{
    ApiVersionsRequest, BrokerId, DescribeQuorumRequest, DescribeQuorumResponse, FetchRequest, FetchResponse, TopicName,
};
use kafka_protocol::protocol::{Request, StrBytes};
use kraft_check::wire::{self, Asked, Record, RecordEndpoint, RegisterBroker, RegisterController};
use serde_json::Value;

use crate::peers::{framed, peer};
use crate::tool::run_within;
use crate::weight::{KILOBYTES, listed};

/// `metadata.version` 3.9-IV0.
const LEVEL: i16 = 21;

/// A log: the batches that begin at each offset that is asked for, and where it ends.
struct Log {
    batches: fn(i64) -> Vec<u8>,
    end: i64,
    /// The highest offset that was asked for.
    asked_up_to: Arc<AtomicI64>,
}

impl Log {
    /// More than is ever read, which only the batches bring to an end.
    fn endless(batches: fn(i64) -> Vec<u8>) -> Self {
        Self { batches, end: 1_000_000_000, asked_up_to: Arc::default() }
    }

    /// What `stage` says over it, within 64 MB.
    fn verdict(self) -> Value {
        let log = Arc::new(self);
        let port = peer(move |stream| log.serve(stream));
        let args =
            ["stage", "quorum-provisioned", "-C", &format!("3001@127.0.0.1:{port}"), "-ojson", "--timeout", "60"];
        run_within(KILOBYTES, &args).json()
    }

    /// What is said of the log, of which there is too much.
    fn refused(self) -> String {
        let document = self.verdict();
        let errors = document["errors"].as_array().expect("errors");
        let of_log = errors.iter().find(|it| it["id"] == "answer-too-large");
        let of_log = of_log.and_then(|it| it["message"].as_str());
        of_log.unwrap_or_else(|| panic!("the log was read: {document}")).to_owned()
    }

    fn serve(&self, mut stream: TcpStream) {
        loop {
            let mut length = [0; 4];
            if stream.read_exact(&mut length).is_err() {
                return;
            }
            let mut frame = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut frame).expect("a frame");
            let asked = Asked::read(frame.into()).expect("a request");
            let answer = match asked.key {
                ApiVersionsRequest::KEY => {
                    let all = listed(&[(FetchRequest::KEY, 17), (52, 0), (DescribeQuorumRequest::KEY, 1)]);
                    Ok(framed(asked.correlation_id, &all).into())
                }
                DescribeQuorumRequest::KEY => asked.answer::<DescribeQuorumRequest>(&self.quorum()),
                FetchRequest::KEY => {
                    let request: FetchRequest = asked.request().expect("a request");
                    let offset = request.topics[0].partitions[0].fetch_offset;
                    self.asked_up_to.fetch_max(offset, Ordering::Relaxed);
                    asked.answer::<FetchRequest>(&self.fetched((self.batches)(offset)))
                }
                key => panic!("API {key} is asked"),
            };
            if stream.write_all(&answer.expect("an answer")).is_err() {
                return;
            }
        }
    }

    fn quorum(&self) -> DescribeQuorumResponse {
        let own = ReplicaState::default().with_replica_id(BrokerId(3001)).with_log_end_offset(self.end);
        let partition = Quorum::default()
            .with_leader_id(BrokerId(3001))
            .with_leader_epoch(1)
            .with_high_watermark(self.end)
            .with_current_voters(vec![own]);
        let topic = TopicData::default()
            .with_topic_name(TopicName(StrBytes::from_static_str(wire::METADATA_TOPIC)))
            .with_partitions(vec![partition]);
        DescribeQuorumResponse::default().with_topics(vec![topic])
    }

    fn fetched(&self, records: Vec<u8>) -> FetchResponse {
        let partition = PartitionData::default()
            .with_high_watermark(self.end)
            .with_aborted_transactions(Some(Vec::new()))
            .with_records(Some(records.into()));
        let topic = FetchableTopicResponse::default()
            .with_topic_id(wire::fetch_request(0, 0, 0).topics[0].topic_id)
            .with_partitions(vec![partition]);
        FetchResponse::default().with_responses(vec![topic])
    }
}

fn batch(offset: i64, record: Record) -> Vec<u8> {
    wire::batch(offset, 1, 1_700_000_000_000, &[record], LEVEL)
}

/// As many endpoints with as long texts as are read.
fn endpoints() -> Vec<RecordEndpoint> {
    let text = "x".repeat(1024);
    let endpoint = RecordEndpoint { name: text.clone(), host: text, port: 9092, security_protocol: 0 };
    vec![endpoint; 64]
}

fn broker(id: i64) -> Record {
    Record::RegisterBroker(RegisterBroker {
        id: i32::try_from(id).expect("an id"),
        endpoints: endpoints(),
        log_dirs: vec![[1; 16]; 1024],
        ..RegisterBroker::default()
    })
}

fn controller(id: i64) -> Record {
    Record::RegisterController(RegisterController {
        id: i32::try_from(id).expect("an id"),
        endpoints: endpoints(),
        ..RegisterController::default()
    })
}

/// Batches of a record each, as many as there is place for in an answer.
fn many(offset: i64, record: fn(i64) -> Record) -> Vec<u8> {
    let mut batches = Vec::new();
    for offset in offset.. {
        let next = batch(offset, record(offset));
        if batches.len() + next.len() > wire::FETCH_MAX {
            break;
        }
        batches.extend(next);
    }
    batches
}

#[test]
fn endless_registrations_take_less_than_64_mb() {
    for batches in [|offset| many(offset, broker), |offset| many(offset, controller)] {
        let said = Log::endless(batches).refused();
        assert!(said.contains("registrations and features take more than 8388608 bytes"), "{said}");
    }
}

#[test]
fn registrations_without_a_place_end_by_their_number() {
    fn nowhere(number: i64) -> Record {
        let place = RecordEndpoint { name: String::new(), host: String::new(), port: 0, security_protocol: 0 };
        let (id, endpoints) = (i32::try_from(number / 2).expect("an id"), vec![place; 64]);
        match number % 2 {
            0 => Record::RegisterBroker(RegisterBroker { id, endpoints, ..RegisterBroker::default() }),
            _ => Record::RegisterController(RegisterController { id, endpoints, ..RegisterController::default() }),
        }
    }
    // Nobody is at port 0, so next to nothing is kept of these.
    let said = Log::endless(|offset| many(offset, nowhere)).refused();
    assert!(said.contains("more than 10000 registrations"), "{said}");
}

#[test]
fn endless_features_take_less_than_64_mb() {
    let batches = |offset: i64| {
        let feature = |number| Record::FeatureLevel { name: format!("{number:01024}"), level: 1 };
        let records: Vec<Record> = (offset..offset + 7_000).map(feature).collect();
        wire::batch(offset, 1, 1_700_000_000_000, &records, LEVEL)
    };
    let said = Log::endless(batches).refused();
    assert!(said.contains("registrations and features take more than"), "{said}");
}

#[test]
fn a_transaction_over_as_much_as_is_kept_takes_less_than_64_mb() {
    // As many controllers as are kept, then the same ones again in a transaction that is never ended.
    const KEPT: i64 = 60;
    let batches = |offset: i64| match offset {
        KEPT => batch(offset, Record::BeginTransaction),
        _ => batch(offset, controller(offset % KEPT)),
    };
    let asked_up_to = Arc::new(AtomicI64::new(0));
    let document = Log { batches, end: 3 * KEPT, asked_up_to: Arc::clone(&asked_up_to) }.verdict();
    assert!(!document.to_string().contains("could not be read"), "{document}");
    assert_eq!(asked_up_to.load(Ordering::Relaxed), 3 * KEPT - 1, "it was read to its end: {document}");
}
