//! The other half of the log: records and batches as a controller writes them, for simulated nodes and for tests.
//!
//! Not here: when a controller writes what (`rehearse`).

use super::records::{BrokerRegistrationChange, Record, RecordEndpoint, RegisterBroker, RegisterController};

/// `metadata.version` 3.7-IV2: from here on registrations name log directories.
const WITH_LOG_DIRS: i16 = 17;
/// `metadata.version` 3.4-IV0: from here on registrations tell of migrating brokers.
const WITH_MIGRATION: i16 = 8;
/// `metadata.version` 3.3-IV3: from here on registrations tell of controlled shutdowns.
const WITH_SHUTDOWN: i16 = 7;
/// What a batch says of producers: that there is none.
const NO_PRODUCER: [u8; 14] = [0xff; 14];
/// The version and type of a control record.
type ControlKey = [u8; 4];

/// One batch of these records, with the right CRC. They are all control records, or none of them is; and there is at least
/// one. The versions of registrations are those of this level of `metadata.version` (`MetadataVersion.java`); what has no
/// place in them is left out. Of [`Record::Other`] only the kind is written.
#[must_use]
pub fn batch(
    base_offset: i64,
    leader_epoch: i32,
    timestamp: i64,
    records: &[Record],
    metadata_version: i16,
) -> Vec<u8> {
    let mut body = Vec::new();
    let mut is_control = false;
    for (delta, record) in (0_i64..).zip(records) {
        let (key, value) = written(record, metadata_version);
        is_control |= key.is_some();
        // Attributes, and the timestamp after the batch's.
        let mut own = vec![0, 0];
        zigzag(&mut own, delta);
        match key {
            Some(key) => bytes(&mut own, &key),
            None => zigzag(&mut own, -1),
        }
        bytes(&mut own, &value);
        own.push(0); // Headers
        bytes(&mut body, &own);
    }
    let count = i32::try_from(records.len()).unwrap_or(i32::MAX);
    let mut summed = Vec::with_capacity(40 + body.len());
    summed.extend(if is_control { [0, 0x20] } else { [0, 0] });
    summed.extend((count - 1).to_be_bytes());
    summed.extend(timestamp.to_be_bytes());
    summed.extend(timestamp.to_be_bytes());
    summed.extend(NO_PRODUCER);
    summed.extend(count.to_be_bytes());
    summed.extend(body);
    let length = i32::try_from(9 + summed.len()).unwrap_or(i32::MAX);
    let mut batch = Vec::with_capacity(21 + summed.len());
    batch.extend(base_offset.to_be_bytes());
    batch.extend(length.to_be_bytes());
    batch.extend(leader_epoch.to_be_bytes());
    batch.push(2); // Magic
    batch.extend(crc32c::crc32c(&summed).to_be_bytes());
    batch.extend(summed);
    batch
}

/// The key of a control record, and the value.
fn written(record: &Record, metadata_version: i16) -> (Option<ControlKey>, Vec<u8>) {
    let control = |kind: u8, rest: &[u8]| (Some([0, 0, 0, kind]), [&[0, 0], rest, &[0]].concat());
    let data = |key: u32, version: u32, rest: &[u8]| {
        let mut value = vec![1];
        varint(&mut value, u64::from(key));
        varint(&mut value, u64::from(version));
        value.extend(rest);
        (None, value)
    };
    let of_broker =
        |key, id: i32, epoch: i64| data(key, 0, &[&id.to_be_bytes()[..], &epoch.to_be_bytes(), &[0]].concat());
    match record {
        Record::RegisterBroker(it) => {
            let version = match metadata_version {
                WITH_LOG_DIRS.. => 3,
                WITH_MIGRATION.. => 2,
                WITH_SHUTDOWN.. => 1,
                _ => 0,
            };
            data(0, version, &register_broker(it, version))
        }
        Record::UnregisterBroker { id, epoch } => of_broker(1, *id, *epoch),
        Record::FenceBroker { id, epoch } => of_broker(7, *id, *epoch),
        Record::UnfenceBroker { id, epoch } => of_broker(8, *id, *epoch),
        Record::FeatureLevel { name, level } => {
            let mut fields = Vec::new();
            text(&mut fields, name);
            fields.extend(level.to_be_bytes());
            fields.push(0);
            data(12, 0, &fields)
        }
        Record::BrokerRegistrationChange(it) => {
            // The lowest version that has a place for what changed (`ReplicationControlManager.java`).
            let version = if it.log_dirs.is_empty() { u32::from(it.in_controlled_shutdown.is_some()) } else { 2 };
            data(17, version, &registration_change(it))
        }
        Record::NoOp => data(20, 0, &[0]),
        Record::ZkMigrationState(state) => data(21, 0, &[state.cast_unsigned(), 0]),
        Record::BeginTransaction => data(23, 0, &[0]),
        Record::EndTransaction => data(24, 0, &[0]),
        Record::AbortTransaction => data(25, 0, &[0]),
        Record::RegisterController(it) => data(27, 0, &register_controller(it)),
        Record::Other(key) => data(*key, 0, &[0]),
        // Without its voters, whom nobody reads there.
        Record::LeaderChange { leader } => control(2, &[&leader.to_be_bytes()[..], &[1, 1]].concat()),
        Record::SnapshotHeader { last_contained } => control(3, &last_contained.to_be_bytes()),
        Record::SnapshotFooter => control(4, &[]),
        Record::KraftVersion(version) => control(5, &version.to_be_bytes()),
        Record::Voters(ids) => {
            let mut voters = Vec::new();
            // Each without a directory, without endpoints, and with the versions 0 and 1.
            let voter = |id: &i32| [&id.to_be_bytes()[..], &[0; 16], &[1, 0, 0, 0, 1, 0, 0]].concat();
            list(&mut voters, ids, |voters, id| voters.extend(voter(id)));
            control(6, &voters)
        }
    }
}

fn register_broker(it: &RegisterBroker, version: u32) -> Vec<u8> {
    let mut fields = it.id.to_be_bytes().to_vec();
    if version >= 2 {
        fields.push(u8::from(it.is_migrating_zk_broker));
    }
    fields.extend(it.incarnation);
    fields.extend(it.epoch.to_be_bytes());
    endpoints_and_features(&mut fields, &it.endpoints, &it.features);
    match &it.rack {
        Some(rack) => text(&mut fields, rack),
        None => fields.push(0),
    }
    fields.push(u8::from(it.fenced));
    if version >= 1 {
        fields.push(u8::from(it.in_controlled_shutdown));
    }
    let log_dirs = (version >= 3).then(|| uuids(&it.log_dirs)).flatten();
    tags(&mut fields, &[(0, log_dirs)]);
    fields
}

fn registration_change(it: &BrokerRegistrationChange) -> Vec<u8> {
    let mut fields = [&it.id.to_be_bytes()[..], &it.epoch.to_be_bytes()].concat();
    let change = |change: Option<bool>| change.map(|is_so| vec![if is_so { 1 } else { 0xff }]);
    let tagged = [(0, change(it.fenced)), (1, change(it.in_controlled_shutdown)), (2, uuids(&it.log_dirs))];
    tags(&mut fields, &tagged);
    fields
}

fn register_controller(it: &RegisterController) -> Vec<u8> {
    let mut fields = it.id.to_be_bytes().to_vec();
    fields.extend(it.incarnation);
    fields.push(u8::from(it.zk_migration_ready));
    endpoints_and_features(&mut fields, &it.endpoints, &it.features);
    fields.push(0);
    fields
}

fn endpoints_and_features(fields: &mut Vec<u8>, endpoints: &[RecordEndpoint], features: &[(String, i16, i16)]) {
    list(fields, endpoints, |fields, it| {
        text(fields, &it.name);
        text(fields, &it.host);
        fields.extend(it.port.to_be_bytes());
        fields.extend(it.security_protocol.to_be_bytes());
        fields.push(0);
    });
    list(fields, features, |fields, (name, lowest, highest)| {
        text(fields, name);
        fields.extend(lowest.to_be_bytes());
        fields.extend(highest.to_be_bytes());
        fields.push(0);
    });
}

/// The value of a tagged field of ids, none where there are none.
fn uuids(ids: &[[u8; 16]]) -> Option<Vec<u8>> {
    let mut value = Vec::new();
    list(&mut value, ids, |value, id| value.extend(id));
    (!ids.is_empty()).then_some(value)
}

/// The tagged fields that are there.
fn tags(fields: &mut Vec<u8>, tagged: &[(u64, Option<Vec<u8>>)]) {
    let there = || tagged.iter().filter_map(|(tag, value)| Some((*tag, value.as_ref()?)));
    varint(fields, there().count() as u64);
    for (tag, value) in there() {
        varint(fields, tag);
        varint(fields, value.len() as u64);
        fields.extend(value);
    }
}

fn list<T>(fields: &mut Vec<u8>, elements: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    varint(fields, elements.len() as u64 + 1);
    for element in elements {
        write(fields, element);
    }
}

fn text(fields: &mut Vec<u8>, text: &str) {
    varint(fields, text.len() as u64 + 1);
    fields.extend(text.as_bytes());
}

/// Bytes after their length, as in a batch.
fn bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    zigzag(into, i64::try_from(bytes.len()).unwrap_or(i64::MAX));
    into.extend(bytes);
}

fn zigzag(into: &mut Vec<u8>, value: i64) {
    varint(into, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

fn varint(into: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        into.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    into.push(u8::try_from(value).unwrap_or_default());
}
