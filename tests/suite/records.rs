//! What a record of the metadata log says: as real controllers wrote it, as the codec writes it, and in every version; what no
//! record can say is refused with words.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::leader_change_message::Voter;
use kafka_protocol::messages::{
    BrokerId, KRaftVersionRecord, LeaderChangeMessage, SnapshotFooterRecord, SnapshotHeaderRecord, VotersRecord,
    voters_record,
};
use kafka_protocol::protocol::Encodable;
use kraft_check::wire::{
    Batch, BrokerRegistrationChange, Record, RecordEndpoint, RegisterBroker, RegisterController, batch,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::log::{LEVEL, encoded, read, record};

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

pub(crate) fn data() -> impl Strategy<Value = Record> {
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

pub(crate) fn control() -> impl Strategy<Value = Record> {
    prop_oneof![
        any::<i32>().prop_map(|leader| Record::LeaderChange { leader }),
        any::<i64>().prop_map(|last_contained| Record::SnapshotHeader { last_contained }),
        Just(Record::SnapshotFooter),
        any::<i16>().prop_map(Record::KraftVersion),
        vec(any::<i32>(), 0..5).prop_map(Record::Voters),
    ]
}

proptest! {
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
