//! Batches of the metadata log: read as the codec writes them, and whatever is broken is refused; and the requests for them
//! leave no trace.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchSnapshotRequest};
use kafka_protocol::records::{
    Compression, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record as Written, RecordBatchDecoder,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use kraft_check::wire::{
    Ask, Asked, BATCH_LIMIT, Batch, CLIENT_ID, Malformed, Record, SnapshotId, batch, batch_size, encode, fetch_request,
    fetch_snapshot_request, uuid,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::records::{control, data};

/// From here on the CRC tells; before it are the base offset, the length and the leader epoch.
const MAGIC_AT: usize = 16;
/// The level of 3.9: registrations are of version 3.
pub(crate) const LEVEL: i16 = 21;

/// Records as the codec writes them, in one batch.
pub(crate) fn encoded(records: &[Written]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, records, &options).expect("a batch");
    bytes.to_vec()
}

/// A record whose sequence goes with its offset, so that all are in one batch.
pub(crate) fn record(offset: i64, timestamp: i64, control: bool, key: Option<Bytes>, value: Option<Bytes>) -> Written {
    Written {
        transactional: false,
        control,
        delete_horizon: false,
        partition_leader_epoch: 4,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: NO_SEQUENCE,
        timestamp,
        key,
        value,
        headers: [].into_iter().collect(),
    }
}

/// Everything that a batch holds, read.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Record>, Malformed> {
    let batch = Batch::read(bytes)?;
    batch.records().map(|raw| Record::read(&batch, &raw?)).collect()
}

fn one_batch() -> impl Strategy<Value = Vec<u8>> {
    let records = prop_oneof![vec(data(), 1..6), vec(control(), 1..3)];
    (0..1_i64 << 40, any::<i32>(), records).prop_map(|(offset, epoch, all)| batch(offset, epoch, 5, &all, LEVEL))
}

proptest! {
    #[test]
    fn what_the_codec_writes_is_read_alike(
        offset in 0..i64::MAX / 2,
        control in any::<bool>(),
        all in vec((0..1_000_000_i64, option::of(vec(any::<u8>(), 0..40)), option::of(vec(any::<u8>(), 0..200))), 1..20),
    ) {
        let mut written = Vec::new();
        for ((timestamp, key, value), place) in all.into_iter().zip(0..) {
            let mut one = record(offset + place, timestamp, control, key.map(Bytes::from), value.map(Bytes::from));
            one.sequence = i32::try_from(place).expect("few");
            written.push(one);
        }
        let bytes = encoded(&written);
        prop_assert_eq!(batch_size(&bytes), Ok(Some(bytes.len())));
        let batch = Batch::read(&bytes).expect("a batch");
        let last = offset + i64::try_from(written.len()).expect("few") - 1;
        prop_assert_eq!((batch.base_offset, batch.last_offset, batch.leader_epoch), (offset, last, 4));
        prop_assert_eq!(batch.is_control, control);
        let newest = written.iter().map(|it| it.timestamp).max().expect("one");
        prop_assert_eq!(batch.max_timestamp, newest);
        let read: Vec<_> = batch.records().map(|raw| raw.expect("a record")).collect();
        prop_assert_eq!(read.len(), written.len());
        for (read, written) in read.iter().zip(&written) {
            prop_assert_eq!((read.offset, read.timestamp), (written.offset, written.timestamp));
            prop_assert_eq!((read.key, read.value), (written.key.as_deref(), written.value.as_deref()));
        }
    }

    #[test]
    fn what_we_write_is_read_by_us_and_by_the_codec(
        all in prop_oneof![vec(data(), 1..8), vec(control(), 1..3)],
        offset in 0..i64::MAX / 2,
        timestamp in any::<i64>(),
    ) {
        let bytes = batch(offset, 3, timestamp, &all, LEVEL);
        prop_assert_eq!(read(&bytes), Ok(all.clone()));
        let decoded = RecordBatchDecoder::decode(&mut Bytes::from(bytes.clone())).expect("a batch");
        let own = Batch::read(&bytes).expect("a batch");
        let raw: Vec<_> = own.records().map(|raw| raw.expect("a record")).collect();
        prop_assert_eq!(decoded.records.len(), raw.len());
        for (codec, own) in decoded.records.iter().zip(&raw) {
            prop_assert_eq!((codec.offset, codec.timestamp), (own.offset, timestamp));
            prop_assert_eq!((codec.key.as_deref(), codec.value.as_deref()), (own.key, own.value));
        }
    }

    #[test]
    fn a_changed_bit_is_refused(bytes in one_batch(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut changed = bytes.clone();
        let at = at.index(bytes.len());
        changed[at] ^= 1 << bit;
        let result = read(&changed);
        // The CRC is not of the base offset, nor of the leader epoch.
        if at >= MAGIC_AT || (8..12).contains(&at) {
            prop_assert!(result.is_err(), "byte {at}: {result:?}");
        }
    }

    #[test]
    fn a_batch_that_ends_early_or_late_is_not_taken(bytes in one_batch(), extra in 1..9_usize) {
        for end in 0..bytes.len() {
            let size = batch_size(&bytes[..end]);
            prop_assert_eq!(size, Ok((end >= 12).then_some(bytes.len())), "cut at {}", end);
            prop_assert!(read(&bytes[..end]).is_err(), "cut at {}", end);
        }
        prop_assert!(read(&[&bytes[..], &vec![0; extra]].concat()).is_err());
    }

    /// With the right CRC: what only a liar sends.
    #[test]
    fn changed_bytes_behind_the_crc_never_break_us(
        bytes in one_batch(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut changed = bytes.clone();
        for (at, byte) in changes {
            let at = MAGIC_AT + 5 + at.index(bytes.len() - MAGIC_AT - 5);
            changed[at] = byte;
        }
        let crc = crc32c::crc32c(&changed[MAGIC_AT + 5..]);
        changed[MAGIC_AT + 1..MAGIC_AT + 5].copy_from_slice(&crc.to_be_bytes());
        let _ = read(&changed);
    }

    #[test]
    fn noise_never_breaks_us(noise in vec(any::<u8>(), 0..200), kind in any::<i16>()) {
        let _ = batch_size(&noise);
        prop_assert!(read(&noise).is_err());
        for key in 0..30 {
            let value = [&[1, key, 0], &noise[..]].concat();
            let _ = read(&encoded(&[record(0, 0, false, None, Some(Bytes::from(value)))]));
        }
        let key = Bytes::copy_from_slice(&[&[0, 0][..], &kind.to_be_bytes()].concat());
        let _ = read(&encoded(&[record(0, 0, true, Some(key), Some(Bytes::from(noise)))]));
    }
}

#[test]
fn what_a_batch_announces_is_proved_first() {
    let length = |length: i32| batch_size(&[&[0; 8], &length.to_be_bytes()[..]].concat()).map_err(|it| it.what);
    for wrong in [-1, 0, 48, i32::MAX] {
        assert_eq!(length(wrong), Err(format!("a batch of {wrong} bytes")));
    }
    assert_eq!(length(i32::try_from(BATCH_LIMIT).expect("16 MiB") - 12), Ok(Some(BATCH_LIMIT)));
    let whole = batch(9, 1, 5, &[Record::NoOp, Record::NoOp], LEVEL);
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        let crc = crc32c::crc32c(&changed[21..]);
        changed[17..21].copy_from_slice(&crc.to_be_bytes());
        read(&changed).expect_err("a lie").what
    };
    assert_eq!(with(16, &[1]), "a batch of magic 1");
    assert_eq!(with(22, &[2]), "a batch of compression 2");
    assert!(with(57, &i32::MAX.to_be_bytes()).starts_with("2147483647 records announced"));
    assert_eq!(with(57, &4_i32.to_be_bytes()), "4 records announced, 22 bytes left");
    assert_eq!(with(57, &3_i32.to_be_bytes()), "3 records whose last offset is 1 after the first");
    assert_eq!(with(23, &5_i32.to_be_bytes()), "2 records whose last offset is 5 after the first");
    assert_eq!(with(0, &i64::MAX.to_be_bytes()), format!("a batch at offset {}", i64::MAX));
    assert_eq!(with(0, &(-1_i64).to_be_bytes()), "a batch at offset -1");
}

/// Whoever fetches with an id is an observer, or taken for a voter.
#[test]
fn no_request_for_the_log_names_a_replica() {
    for version in FetchRequest::SPOKEN {
        let frame = encode(&fetch_request(5, 1, 7), version, 1, CLIENT_ID).expect("a request");
        let asked = Asked::read(frame.slice(4..)).expect("a request");
        let request: FetchRequest = asked.request().expect("a fetch");
        assert_eq!((request.replica_id, request.replica_state.replica_id), (BrokerId(-1), BrokerId(-1)));
        let body = &frame[4 + 8 + 2 + CLIENT_ID.len() + 1..];
        if version <= 14 {
            assert_eq!(body[..4], [0xff; 4], "version {version}");
        }
        // No tagged field: from version 15 on the replica would be one.
        assert_eq!(body.last(), Some(&0), "version {version}");
        let (topic, partition) = (&request.topics[0], &request.topics[0].partitions[0]);
        assert_eq!(topic.topic_id.as_u128(), 1);
        assert_eq!((partition.fetch_offset, partition.last_fetched_epoch, partition.current_leader_epoch), (5, 1, 7));
        assert_eq!((request.max_wait_ms, request.session_id, request.session_epoch), (0, 0, -1));
    }
    for version in FetchSnapshotRequest::SPOKEN {
        let request = fetch_snapshot_request(SnapshotId { end_offset: 5, epoch: 1 }, 7, 9, 1024);
        let frame = encode(&request, version, 1, CLIENT_ID).expect("a request");
        assert_eq!(frame[4 + 8 + 2 + CLIENT_ID.len() + 1..][..4], [0xff; 4], "version {version}");
        assert_eq!(frame.last(), Some(&0), "version {version}");
    }
}

#[test]
fn ids_are_written_as_kafka_writes_them() {
    let mut one = [0; 16];
    one[15] = 1;
    assert_eq!(uuid(one), "AAAAAAAAAAAAAAAAAAAAAQ");
    assert_eq!(uuid([0xff; 16]), "_____________________w");
}
