//! The log of the simulated quorum: what was written, when and in which epoch, and its bytes as they are fetched, and those
//! of a snapshot.
//!
//! Everything in it is committed, and every controller has it up to the end of its own log, which never lies within a
//! transaction. Not here: who writes what (`quorum`), and who may fetch it (`fetch`).

use std::collections::BTreeMap;

use super::cluster::STEP_MS;
use super::quorum::MigrationState;
use crate::snapshot::NodeId;
use crate::wire::{self, BrokerRegistrationChange, Record, RegisterBroker, RegisterController, SnapshotId};

/// The feature whose level says how everything else is written.
pub(super) const METADATA_VERSION: &str = "metadata.version";

/// What is written twice a second while nothing else is.
const NO_OP: [Record; 1] = [Record::NoOp];

/// The log, from offset 0 on: nothing is ever removed from it.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: Vec<Entry>,
    /// The offset behind the last record.
    end: i64,
    /// The level of `metadata.version` by which it is written, 0 before it is known.
    level: i16,
}

/// One batch; or, of no-ops, as many of it as there were, half a second one after the other.
#[derive(Debug)]
struct Entry {
    offset: i64,
    epoch: i32,
    at: u64,
    records: Vec<Record>,
    times: u32,
}

/// What the log says up to some offset, as a snapshot has it.
#[derive(Debug, Default)]
struct Image {
    features: BTreeMap<String, i16>,
    state: Option<i8>,
    brokers: BTreeMap<NodeId, RegisterBroker>,
    controllers: BTreeMap<NodeId, RegisterController>,
    /// What it is not known of what it is: topics and partitions.
    others: Vec<Record>,
    last_append: u64,
}

impl Log {
    /// The offset behind its last record.
    pub(super) fn end(&self) -> i64 {
        self.end
    }

    /// The level of `metadata.version` by which it is written.
    pub(super) fn level(&self) -> i16 {
        self.level
    }

    /// Writes one batch.
    pub(super) fn append(&mut self, epoch: i32, at: u64, records: Vec<Record>) {
        for record in &records {
            if let Record::FeatureLevel { name, level } = record
                && name == METADATA_VERSION
            {
                self.level = *level;
            }
        }
        let entry = Entry { offset: self.end, epoch, at, records, times: 1 };
        self.end = entry.end();
        self.entries.push(entry);
    }

    /// Writes a no-op.
    pub(super) fn append_no_op(&mut self, epoch: i32, at: u64) {
        let last = self.entries.last_mut();
        match last.filter(|last| last.epoch == epoch && last.records == NO_OP && last.at_of(last.times) == at) {
            Some(last) => {
                last.times += 1;
                self.end += 1;
            }
            None => self.append(epoch, at, NO_OP.to_vec()),
        }
    }

    /// What it says of the migration up to this offset.
    pub(super) fn state_at(&self, end: i64) -> Option<MigrationState> {
        let newest_first = self.entries.iter().rev().filter(|entry| entry.offset < end);
        let mut records = newest_first.flat_map(|entry| entry.records.iter().rev());
        records.find_map(|record| match record {
            Record::ZkMigrationState(state) => MigrationState::ALL.into_iter().find(|it| *it as i8 == *state),
            _ => None,
        })
    }

    /// The registrations of brokers up to this offset.
    pub(super) fn registrations_at(&self, end: i64) -> BTreeMap<NodeId, RegisterBroker> {
        self.image(end).brokers
    }

    /// The epoch of the last record before this offset.
    pub(super) fn epoch_at(&self, end: i64) -> i32 {
        self.entries.iter().rev().find(|entry| entry.offset < end).map_or(0, |entry| entry.epoch)
    }

    /// The newest epoch up to this one that the log has, and where it ends, as of a log that ends here
    /// (`ReplicatedLog.endOffsetForEpoch`).
    pub(super) fn end_of_epoch(&self, epoch: i32, log_end: i64) -> SnapshotId {
        let newer = self.entries.iter().find(|entry| entry.epoch > epoch && entry.offset < log_end);
        let end_offset = newer.map_or(log_end, |entry| entry.offset);
        let known = self.entries.iter().rev().find(|entry| entry.epoch <= epoch && entry.offset < log_end);
        SnapshotId { end_offset, epoch: known.map_or(epoch, |entry| entry.epoch) }
    }

    /// The batches from the one on that has this offset, of a log that ends here: so many bytes at most, the last one cut
    /// off, but the first one whole.
    pub(super) fn bytes(&self, from: i64, log_end: i64, most: usize) -> Vec<u8> {
        let entries = self.entries.iter().filter(|entry| entry.offset < log_end && entry.end() > from);
        let batches = entries.flat_map(|entry| (0..entry.times).map(move |number| (entry, number)));
        let mut bytes = Vec::new();
        let mut least = 0;
        for (entry, number) in batches {
            let offset = entry.offset_of(number);
            if entry.offset_of(number + 1) <= from || offset >= log_end {
                continue;
            }
            self.write(&mut bytes, offset, entry.epoch, entry.at_of(number), &entry.records);
            least = if least == 0 { bytes.len() } else { least };
            if bytes.len() >= most {
                break;
            }
        }
        bytes.truncate(most.max(least));
        bytes
    }

    /// The snapshot of what is before this offset, written some time after it (`MetadataImage.java`).
    pub(super) fn snapshot(&self, id: SnapshotId) -> Vec<u8> {
        let image = self.image(id.end_offset);
        let mut records = Vec::new();
        // What says how the others are written comes first.
        let mut features: Vec<(String, i16)> = image.features.into_iter().collect();
        features.sort_by_key(|(name, _)| name != METADATA_VERSION);
        records.extend(features.into_iter().map(|(name, level)| Record::FeatureLevel { name, level }));
        records.push(Record::ZkMigrationState(image.state.unwrap_or_default()));
        records.extend(image.brokers.into_values().map(Record::RegisterBroker));
        records.extend(image.controllers.into_values().map(Record::RegisterController));
        records.extend(image.others);
        let last_contained = i64::try_from(image.last_append).unwrap_or(i64::MAX);
        let written = image.last_append + STEP_MS;
        let mut bytes = Vec::new();
        let count = i64::try_from(records.len()).unwrap_or(i64::MAX);
        self.write(&mut bytes, 0, id.epoch, written, &[Record::SnapshotHeader { last_contained }]);
        self.write(&mut bytes, 1, id.epoch, written, &records);
        self.write(&mut bytes, 1 + count, id.epoch, written, &[Record::SnapshotFooter]);
        bytes
    }

    fn write(&self, bytes: &mut Vec<u8>, offset: i64, epoch: i32, at: u64, records: &[Record]) {
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        bytes.extend(wire::batch(offset, epoch, at, records, self.level));
    }

    fn image(&self, end: i64) -> Image {
        let mut image = Image::default();
        for entry in self.entries.iter().filter(|entry| entry.offset < end) {
            entry.records.iter().for_each(|record| image.take(record));
            let number = (0..entry.times).rev().find(|number| entry.offset_of(*number) < end);
            image.last_append = entry.at_of(number.unwrap_or_default());
        }
        image
    }
}

impl Entry {
    /// The offset of so many batches after its first.
    fn offset_of(&self, number: u32) -> i64 {
        self.offset + i64::try_from(self.records.len()).unwrap_or(i64::MAX) * i64::from(number)
    }

    /// When so many batches after its first were written.
    fn at_of(&self, number: u32) -> u64 {
        self.at + u64::from(number) * STEP_MS
    }

    /// The offset behind its last record.
    fn end(&self) -> i64 {
        self.offset_of(self.times)
    }
}

impl Image {
    fn take(&mut self, record: &Record) {
        match record {
            Record::FeatureLevel { name, level } => {
                self.features.insert(name.clone(), *level);
            }
            Record::ZkMigrationState(state) => self.state = Some(*state),
            Record::RegisterBroker(it) => {
                self.brokers.insert(it.id, it.clone());
            }
            Record::RegisterController(it) => {
                self.controllers.insert(it.id, it.clone());
            }
            Record::BrokerRegistrationChange(change) => self.change(change),
            Record::Other(_) => self.others.push(record.clone()),
            _ => {}
        }
    }

    fn change(&mut self, change: &BrokerRegistrationChange) {
        if let Some(broker) = self.brokers.get_mut(&change.id) {
            broker.fenced = change.fenced.unwrap_or(broker.fenced);
            let shutdown = change.in_controlled_shutdown;
            broker.in_controlled_shutdown = shutdown.unwrap_or(broker.in_controlled_shutdown);
        }
    }
}
