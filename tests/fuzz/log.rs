//! The metadata log: batches one after the other, as a controller gives them. Whatever they hold, nothing panics or runs away
//! with memory, and what is read is written and read again as the same. Where the CRC of a batch is wrong it is put right,
//! or nothing behind it would ever be tried.

#![no_main]

mod memory;

use std::path::PathBuf;
use std::slice::from_ref;
use std::{env, fs};

use kraft_check::wire::{
    Batch, BrokerRegistrationChange, FETCH_MAX, Malformed, Record, RecordEndpoint, RegisterBroker, RegisterController,
    batch, batch_size,
};
use libfuzzer_sys::{Corpus, fuzz_target};

/// Where the CRC is, and where the bytes begin that it is of.
const CRC_AT: usize = 17;
const CRC_FROM: usize = 21;
/// The newest level of 3.x.
const LEVEL: i16 = 21;

fuzz_target!(init: { write_seeds(); read_long_logs() }, |bytes: &[u8]| -> Corpus {
    let mut bytes = bytes.to_vec();
    let read = read_all(&mut bytes);
    if read == 0 && bytes.len() > 12 { Corpus::Reject } else { Corpus::Keep }
});

/// Reads batch after batch, and returns how many whole ones there were.
fn read_all(bytes: &mut [u8]) -> usize {
    let (mut left, mut whole) = (bytes, 0);
    while let Ok(Some(size)) = batch_size(left) {
        let Some((one, rest)) = left.split_at_mut_checked(size) else { break };
        let crc = crc32c::crc32c(&one[CRC_FROM..]);
        one[CRC_AT..CRC_FROM].copy_from_slice(&crc.to_be_bytes());
        whole += usize::from(read(one));
        left = rest;
    }
    whole
}

/// Reads one batch, and says whether it was one.
fn read(bytes: &[u8]) -> bool {
    let Ok(own) = Batch::read(bytes) else { return false };
    assert!(own.count as usize <= bytes.len() / 7);
    let mut kept = Vec::new();
    for raw in own.records() {
        let Ok(raw) = raw else { return true };
        assert!((own.base_offset..=own.last_offset).contains(&raw.offset));
        match Record::read(&own, &raw) {
            // Of these only the kind is kept, and among control records they have another number.
            Ok(Record::Other(_)) => {}
            Ok(record) => kept.push(record),
            Err(Malformed { at, .. }) => assert!(at <= bytes.len()),
        }
    }
    for record in kept {
        let written = batch(own.base_offset, own.leader_epoch, own.max_timestamp, from_ref(&record), LEVEL);
        let again = Batch::read(&written).expect("what is written can be read");
        let raw = again.records().next().expect("one record").expect("a record");
        assert_eq!(Record::read(&again, &raw), Ok(record));
    }
    true
}

fn records() -> [Vec<Record>; 4] {
    let place = RecordEndpoint { name: "PLAINTEXT".to_owned(), host: "h".to_owned(), port: 9092, security_protocol: 0 };
    let features = || vec![("metadata.version".to_owned(), 1, LEVEL)];
    let broker = RegisterBroker {
        id: 1,
        epoch: 7,
        is_migrating_zk_broker: true,
        endpoints: vec![place.clone()],
        features: features(),
        rack: Some("r".to_owned()),
        fenced: true,
        log_dirs: vec![[7; 16]],
        ..RegisterBroker::default()
    };
    let change = BrokerRegistrationChange {
        id: 1,
        epoch: 7,
        fenced: Some(false),
        in_controlled_shutdown: Some(true),
        log_dirs: vec![[7; 16]],
    };
    let controller =
        RegisterController { id: 3001, endpoints: vec![place], features: features(), ..RegisterController::default() };
    let name = "metadata.version".to_owned();
    [
        vec![Record::BeginTransaction, Record::FeatureLevel { name, level: LEVEL }, Record::ZkMigrationState(2)],
        vec![Record::RegisterBroker(broker), Record::BrokerRegistrationChange(change), Record::NoOp],
        vec![
            Record::RegisterController(controller),
            Record::UnregisterBroker { id: 1, epoch: 7 },
            Record::FenceBroker { id: 1, epoch: 7 },
            Record::UnfenceBroker { id: 1, epoch: 7 },
            Record::Other(3),
            Record::EndTransaction,
            Record::AbortTransaction,
        ],
        vec![
            Record::LeaderChange { leader: 3001 },
            Record::SnapshotHeader { last_contained: 5 },
            Record::KraftVersion(1),
            Record::Voters(vec![3001, 3002]),
            Record::SnapshotFooter,
        ],
    ]
}

/// Answers as long as the longest: of the shortest batches, and of one batch with the most records, and with large ones. No
/// input of the fuzzer is as long, and their memory is bounded as well.
fn read_long_logs() {
    let one = batch(0, 1, 1, &[Record::NoOp], LEVEL);
    let mut short = one.repeat(FETCH_MAX / one.len());
    assert_eq!(read_all(&mut short), FETCH_MAX / one.len());
    drop(short);
    for records in records() {
        let template = batch(0, 1, 1, &records[..1], LEVEL);
        let own = Batch::read(&template).expect("a batch");
        let value = own.records().next().expect("one record").expect("a record").value.expect("a value");
        let bytes = long(value, own.is_control);
        let own = Batch::read(&bytes).expect("a batch");
        let read = own.records().filter(|raw| Record::read(&own, raw.as_ref().expect("a record")).is_ok()).count();
        assert_eq!(read, if own.is_control { 0 } else { own.count as usize }, "a control record needs a key");
    }
}

/// One batch that is as long as can be, of records with this value.
fn long(value: &[u8], is_control: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FETCH_MAX);
    bytes.resize(61, 0);
    let mut count = 0_u32;
    while bytes.len() + value.len() + 20 < FETCH_MAX {
        let delta = zigzag(count.into());
        let size = 1 + 1 + delta.len() + 1 + zigzag(value.len() as u64).len() + value.len() + 1;
        bytes.extend(zigzag(size as u64));
        bytes.extend([0, 0]); // Attributes, timestamp
        bytes.extend(delta);
        bytes.push(1); // No key
        bytes.extend(zigzag(value.len() as u64));
        bytes.extend(value);
        bytes.push(0); // Headers
        count += 1;
    }
    let length = u32::try_from(bytes.len() - 12).expect("8 MiB");
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    bytes[16] = 2;
    bytes[22] = if is_control { 0x20 } else { 0 };
    bytes[23..27].copy_from_slice(&(count - 1).to_be_bytes());
    bytes[57..61].copy_from_slice(&count.to_be_bytes());
    let crc = crc32c::crc32c(&bytes[CRC_FROM..]);
    bytes[CRC_AT..CRC_FROM].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// A number that is not negative, as a batch has it.
fn zigzag(value: u64) -> Vec<u8> {
    let mut left = value << 1;
    let mut bytes = Vec::new();
    while left > 0x7f {
        bytes.push(u8::try_from(left & 0x7f | 0x80).expect("a byte"));
        left >>= 7;
    }
    bytes.push(u8::try_from(left).expect("a byte"));
    bytes
}

/// Writes batches of every kind of record into the folder that `FUZZ_SEEDS` names.
fn write_seeds() {
    let Some(folder) = env::var_os("FUZZ_SEEDS").map(PathBuf::from) else { return };
    let all: Vec<Vec<u8>> = records().iter().map(|records| batch(5, 1, 1_700_000_000_000, records, LEVEL)).collect();
    for (seed, number) in all.iter().chain([&all.concat()]).zip(0..) {
        fs::write(folder.join(format!("made-{number}")), seed).expect("a seed");
    }
}
