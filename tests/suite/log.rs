//! Batches and records of the metadata log: read as the codec writes them and as real controllers wrote them, and whatever is
//! broken is refused; and the requests for them leave no trace.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::leader_change_message::Voter;
use kafka_protocol::messages::{
    BrokerId, FetchRequest, FetchSnapshotRequest, KRaftVersionRecord, LeaderChangeMessage, SnapshotFooterRecord,
    SnapshotHeaderRecord, VotersRecord, voters_record,
};
use kafka_protocol::protocol::Encodable;
use kafka_protocol::records::{
    Compression, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record as Written, RecordBatchDecoder,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use kraft_check::wire::{
    Ask, Asked, BATCH_LIMIT, Batch, BrokerRegistrationChange, CLIENT_ID, Malformed, Record, RecordEndpoint,
    RegisterBroker, RegisterController, SnapshotId, batch, batch_size, encode, fetch_request, fetch_snapshot_request,
    uuid,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// From here on the CRC tells; before it are the base offset, the length and the leader epoch.
const MAGIC_AT: usize = 16;
/// The level of 3.9: registrations are of version 3.
const LEVEL: i16 = 21;

/// Records as the codec writes them, in one batch.
fn encoded(records: &[Written]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut bytes, records, &options).expect("a batch");
    bytes.to_vec()
}

/// A record whose sequence goes with its offset, so that all are in one batch.
fn record(offset: i64, timestamp: i64, control: bool, key: Option<Bytes>, value: Option<Bytes>) -> Written {
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
fn read(bytes: &[u8]) -> Result<Vec<Record>, Malformed> {
    let batch = Batch::read(bytes)?;
    batch.records().map(|raw| Record::read(&batch, &raw?)).collect()
}

/// What the value of a record means, or what is wrong with it.
fn meaning(value: &[u8]) -> Result<Record, String> {
    let bytes = encoded(&[record(0, 0, false, None, Some(Bytes::copy_from_slice(value)))]);
    read(&bytes).map(|mut all| all.remove(0)).map_err(|malformed| malformed.what)
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9.ö-]{0,40}"
}

fn endpoints() -> impl Strategy<Value = Vec<RecordEndpoint>> {
    let endpoint = (text(), text(), any::<u16>(), any::<i16>());
    vec(
        endpoint.prop_map(|(name, host, port, security_protocol)| RecordEndpoint {
            name,
            host,
            port,
            security_protocol,
        }),
        0..4,
    )
}

fn features() -> impl Strategy<Value = Vec<(String, i16, i16)>> {
    vec((text(), any::<i16>(), any::<i16>()), 0..4)
}

fn register_broker() -> impl Strategy<Value = RegisterBroker> {
    let ids = (any::<i32>(), any::<i64>(), any::<[u8; 16]>(), vec(any::<[u8; 16]>(), 0..3));
    (ids, any::<[bool; 3]>(), endpoints(), features(), option::of(text())).prop_map(
        |((id, epoch, incarnation, log_dirs), [migrating, fenced, shutdown], endpoints, features, rack)| {
            RegisterBroker {
                id,
                epoch,
                incarnation,
                is_migrating_zk_broker: migrating,
                endpoints,
                features,
                rack,
                fenced,
                in_controlled_shutdown: shutdown,
                log_dirs,
            }
        },
    )
}

fn change() -> impl Strategy<Value = BrokerRegistrationChange> {
    let ids = (any::<i32>(), any::<i64>(), vec(any::<[u8; 16]>(), 0..3));
    let changes = (any::<Option<bool>>(), any::<bool>().prop_map(|shuts_down| shuts_down.then_some(true)));
    (ids, changes).prop_map(|((id, epoch, log_dirs), (fenced, in_controlled_shutdown))| BrokerRegistrationChange {
        id,
        epoch,
        fenced,
        in_controlled_shutdown,
        log_dirs,
    })
}

fn register_controller() -> impl Strategy<Value = RegisterController> {
    (any::<i32>(), any::<[u8; 16]>(), any::<bool>(), endpoints(), features()).prop_map(
        |(id, incarnation, zk_migration_ready, endpoints, features)| RegisterController {
            id,
            incarnation,
            zk_migration_ready,
            endpoints,
            features,
        },
    )
}

fn data() -> impl Strategy<Value = Record> {
    prop_oneof![
        any::<i8>().prop_map(Record::ZkMigrationState),
        register_broker().prop_map(Record::RegisterBroker),
        change().prop_map(Record::BrokerRegistrationChange),
        (any::<i32>(), any::<i64>()).prop_map(|(id, epoch)| Record::UnregisterBroker { id, epoch }),
        (any::<i32>(), any::<i64>()).prop_map(|(id, epoch)| Record::FenceBroker { id, epoch }),
        (any::<i32>(), any::<i64>()).prop_map(|(id, epoch)| Record::UnfenceBroker { id, epoch }),
        (text(), any::<i16>()).prop_map(|(name, level)| Record::FeatureLevel { name, level }),
        register_controller().prop_map(Record::RegisterController),
        Just(Record::BeginTransaction),
        Just(Record::EndTransaction),
        Just(Record::AbortTransaction),
        Just(Record::NoOp),
        (28..u32::MAX).prop_map(Record::Other),
    ]
}

fn control() -> impl Strategy<Value = Record> {
    prop_oneof![
        any::<i32>().prop_map(|leader| Record::LeaderChange { leader }),
        any::<i64>().prop_map(|last_contained| Record::SnapshotHeader { last_contained }),
        Just(Record::SnapshotFooter),
        any::<i16>().prop_map(Record::KraftVersion),
        vec(any::<i32>(), 0..5).prop_map(Record::Voters),
    ]
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
    fn an_older_level_leaves_out_what_it_has_no_place_for(broker in register_broker(), level in 1..30_i16) {
        let written = batch(0, 1, 1, &[Record::RegisterBroker(broker.clone())], level);
        let kept = RegisterBroker {
            is_migrating_zk_broker: broker.is_migrating_zk_broker && level >= 8,
            in_controlled_shutdown: broker.in_controlled_shutdown && level >= 7,
            log_dirs: if level >= 17 { broker.log_dirs.clone() } else { Vec::new() },
            ..broker
        };
        prop_assert_eq!(read(&written), Ok(vec![Record::RegisterBroker(kept)]));
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
        for key in [0, 1, 7, 8, 12, 17, 20, 21, 23, 27] {
            let _ = meaning(&[&[1, key, 0], &noise[..]].concat());
        }
        let key = Bytes::copy_from_slice(&[&[0, 0][..], &kind.to_be_bytes()].concat());
        let _ = read(&encoded(&[record(0, 0, true, Some(key), Some(Bytes::from(noise)))]));
    }
}

/// As they stood in the logs of real migrations (3.5 to 3.9).
#[test]
fn the_states_of_real_migrations_are_read() {
    for state in [2, 1, 3] {
        assert_eq!(meaning(&[1, 0x15, 0, state, 0]), Ok(Record::ZkMigrationState(state.cast_signed())));
    }
}

#[test]
fn the_quorums_own_records_are_read_as_the_codec_writes_them() {
    let control = |kind: u8, version: i16, message: &dyn Fn(&mut BytesMut, i16)| {
        let mut value = BytesMut::new();
        message(&mut value, version);
        let key = Bytes::copy_from_slice(&[0, 0, 0, kind]);
        let bytes = encoded(&[record(7, 9, true, Some(key), Some(value.freeze()))]);
        read(&bytes).map(|mut all| all.remove(0))
    };
    for version in [0, 1] {
        let voters = || [1, 2].map(|id| Voter::default().with_voter_id(id)).to_vec();
        let said = LeaderChangeMessage::default().with_version(version).with_leader_id(BrokerId(3002));
        let said = said.with_voters(voters()).with_granting_voters(voters());
        let read = control(2, version, &|value, version| said.encode(value, version).expect("a message"));
        assert_eq!(read, Ok(Record::LeaderChange { leader: 3002 }));
    }
    let header = SnapshotHeaderRecord::default().with_last_contained_log_timestamp(77);
    let read = control(3, 0, &|value, version| header.encode(value, version).expect("a message"));
    assert_eq!(read, Ok(Record::SnapshotHeader { last_contained: 77 }));
    let footer = SnapshotFooterRecord::default();
    let read = control(4, 0, &|value, version| footer.encode(value, version).expect("a message"));
    assert_eq!(read, Ok(Record::SnapshotFooter));
    let version = KRaftVersionRecord::default().with_k_raft_version(1);
    let read = control(5, 0, &|value, at| version.encode(value, at).expect("a message"));
    assert_eq!(read, Ok(Record::KraftVersion(1)));
    let voter = |id| {
        let endpoint = voters_record::Endpoint::default().with_port(9093);
        voters_record::Voter::default().with_voter_id(BrokerId(id)).with_endpoints(vec![endpoint])
    };
    let voters = VotersRecord::default().with_voters(vec![voter(3001), voter(3003)]);
    let read = control(6, 0, &|value, at| voters.encode(value, at).expect("a message"));
    assert_eq!(read, Ok(Record::Voters(vec![3001, 3003])));
}

#[test]
fn a_version_that_is_not_known_is_refused_where_it_matters() {
    for (key, newest, name) in [
        (0, 4, "RegisterBrokerRecord"),
        (1, 0, "UnregisterBrokerRecord"),
        (7, 0, "FenceBrokerRecord"),
        (8, 0, "UnfenceBrokerRecord"),
        (12, 0, "FeatureLevelRecord"),
        (17, 3, "BrokerRegistrationChangeRecord"),
        (21, 0, "ZkMigrationStateRecord"),
        (27, 0, "RegisterControllerRecord"),
    ] {
        let words = format!("this kraft-check does not know version {} of {name}", newest + 1);
        assert_eq!(meaning(&[1, key, newest + 1]), Err(words));
        assert!(!meaning(&[1, key, newest]).expect_err("no fields").contains("does not know"), "{name}");
    }
    // Of these the kind says everything, and of those nothing matters.
    for (key, record) in [
        (20, Record::NoOp),
        (23, Record::BeginTransaction),
        (24, Record::EndTransaction),
        (25, Record::AbortTransaction),
        (3, Record::Other(3)),
        (99, Record::Other(99)),
    ] {
        assert_eq!(meaning(&[1, key, 9, 1, 2, 3]), Ok(record));
    }
    assert_eq!(meaning(&[0, 21, 0, 1, 0]), Err("a record of frame version 0".to_owned()));
}

/// Version 4 of a registration, and 3 of a change of it, have the cordoned directories in a tagged field (KIP-1066).
#[test]
fn tagged_fields_that_are_not_known_are_passed_over() {
    let broker = RegisterBroker { id: 5, epoch: 6, log_dirs: vec![[7; 16]], ..RegisterBroker::default() };
    let written = batch(0, 1, 1, &[Record::RegisterBroker(broker.clone())], LEVEL);
    let own = Batch::read(&written).expect("a batch");
    let raw = own.records().next().expect("one").expect("a record");
    let value = raw.value.expect("a value");
    // Its only tagged field is the last of it: a count, the tag, its size, one id.
    let (fields, tags) = value.split_at(value.len() - 20);
    assert_eq!(tags[..4], [1, 0, 17, 2]);
    let cordoned = [&[1, 17, 2][..], &[9; 16]].concat();
    let newer = [&[1, 0, 4], &fields[3..], &[2], &tags[1..], &cordoned].concat();
    assert_eq!(meaning(&newer), Ok(Record::RegisterBroker(broker)));
    let ids = [&5_i32.to_be_bytes()[..], &6_i64.to_be_bytes()].concat();
    let changed = [&[1, 17, 3], &ids[..], &[2, 0, 1, 0xff, 3, 17, 2], &[9; 16]].concat();
    let change = BrokerRegistrationChange { id: 5, epoch: 6, fenced: Some(false), ..Default::default() };
    assert_eq!(meaning(&changed), Ok(Record::BrokerRegistrationChange(change)));
}

#[test]
fn what_no_registration_has_is_refused_with_words() {
    let refused = |change: &dyn Fn(&mut RegisterBroker)| {
        let mut broker = RegisterBroker::default();
        change(&mut broker);
        let written = batch(0, 1, 1, &[Record::RegisterBroker(broker)], LEVEL);
        read(&written).expect_err("too much").what
    };
    assert_eq!(refused(&|it| it.rack = Some("x".repeat(1025))), "a text of 1025 bytes, at most 1024 are read");
    assert_eq!(refused(&|it| it.features = vec![("x".to_owned(), 0, 0); 65]), "65 features, at most 64 are read");
    let place = RecordEndpoint { name: "a".to_owned(), host: "b".to_owned(), port: 1, security_protocol: 0 };
    assert_eq!(refused(&|it| it.endpoints = vec![place.clone(); 65]), "65 endpoints, at most 64 are read");
    assert_eq!(refused(&|it| it.log_dirs = vec![[0; 16]; 1025]), "1025 log directories, at most 1024 are read");
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
    assert!(with(57, &3_i32.to_be_bytes()).contains("records announced, 20 bytes left"));
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
