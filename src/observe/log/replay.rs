//! Records, one after the other → what the log says in the end. A transaction counts when it is ended, and what was aborted
//! never did (KIP-868). Kept is what a migration is about: states, registrations, features; of everything else only that it
//! was there. Not here: how the bytes were got.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::snapshot::{
    ControllerRegistration, Endpoint, Listener, MetadataLog, Missed, NodeId, Registration, StateRecord, Why,
};
use crate::wire::{self, Batch, RawRecord, Record, RecordEndpoint, SnapshotId};

/// More registrations than any cluster has, of brokers and controllers each.
const REGISTRATIONS_MAX: usize = 10_000;
/// What registrations and features may take in memory, in bytes: those of 10,000 brokers with three listeners each do. An
/// open transaction and a report hold as much again.
const KEPT_MAX: usize = 8 * 1024 * 1024;
/// How many states are kept, the newest: a migration has three.
const STATES_MAX: usize = 16;

/// What was read of a log so far.
#[derive(Debug, Default)]
pub(super) struct Replay {
    image: Image,
    /// The transaction that is open: its first offset, and what the log said before it.
    open: Option<(i64, Box<Image>)>,
    snapshot_end: Option<i64>,
    snapshot_footer: bool,
    /// When the last record was written that is in the snapshot: its own records have the time at which it was made.
    contained: Option<i64>,
    /// When the last record was written, and the last one that changes anything: an aborted transaction's as well.
    last_append: i64,
    last_change: Option<i64>,
    next: i64,
    last_epoch: i32,
}

/// What the log says up to some offset.
#[derive(Debug, Clone, Default)]
struct Image {
    states: Vec<StateRecord>,
    features: BTreeMap<String, i16>,
    brokers: BTreeMap<NodeId, Registration>,
    controllers: BTreeMap<NodeId, ControllerRegistration>,
    /// What the last three take, in bytes.
    kept: usize,
}

impl Replay {
    /// The offset from which to read on.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    /// The leader epoch of what was read last.
    pub(super) fn last_epoch(&self) -> i32 {
        self.last_epoch
    }

    /// What the log says. What a transaction that is still open holds is no part of it.
    pub(super) fn told(&self) -> MetadataLog {
        let image = self.open.as_ref().map_or(&self.image, |(_, before)| before);
        MetadataLog {
            high_watermark: self.next,
            snapshot_end: self.snapshot_end,
            last_append: self.last_append,
            last_change: self.last_change,
            transaction: self.open.as_ref().map(|(offset, _)| *offset),
            states: image.states.clone(),
            features: image.features.clone().into_iter().collect(),
            brokers: image.brokers.values().cloned().collect(),
            controllers: image.controllers.values().cloned().collect(),
            ..MetadataLog::default()
        }
    }

    /// Takes the whole batches of a part of the log that begins at or before the next offset, as far as they are committed.
    ///
    /// # Errors
    /// What is wrong with the bytes, or that they hold more than is kept. What was read so far is of no use then.
    pub(super) fn feed_log(&mut self, bytes: &[u8], high_watermark: i64) -> Result<(), Missed> {
        let mut left = bytes;
        while let Some(batch) = next_batch(&mut left)? {
            for raw in batch.records() {
                let raw = raw.map_err(malformed)?;
                if raw.offset >= high_watermark {
                    return Ok(());
                }
                // Nothing is ever compacted away in this log, and the CRC is of no offset.
                if raw.offset > self.next {
                    let missing = format!("the records from offset {} to {} are missing", self.next, raw.offset);
                    return Err(malformed(missing));
                }
                if raw.offset == self.next {
                    self.take(&batch, &raw, Some(raw.offset))?;
                    (self.next, self.last_epoch) = (raw.offset.saturating_add(1), batch.leader_epoch);
                }
            }
        }
        Ok(())
    }

    /// Takes the whole batches of a part of a snapshot; how many bytes those were.
    ///
    /// # Errors
    /// As of [`Replay::feed_log`].
    pub(super) fn feed_snapshot(&mut self, bytes: &[u8]) -> Result<usize, Missed> {
        let mut left = bytes;
        while let Some(batch) = next_batch(&mut left)? {
            for raw in batch.records() {
                self.take(&batch, &raw.map_err(malformed)?, None)?;
            }
        }
        Ok(bytes.len() - left.len())
    }

    /// The snapshot was read to its end: the log goes on from there.
    ///
    /// # Errors
    /// That it was no whole snapshot.
    pub(super) fn end_snapshot(&mut self, snapshot: SnapshotId) -> Result<(), Missed> {
        if !self.snapshot_footer {
            return Err(malformed("the snapshot has no footer"));
        }
        self.snapshot_end = Some(snapshot.end_offset);
        (self.next, self.last_epoch) = (snapshot.end_offset, snapshot.epoch);
        Ok(())
    }

    fn take(&mut self, batch: &Batch<'_>, raw: &RawRecord<'_>, offset: Option<i64>) -> Result<(), Missed> {
        let at = if offset.is_none() { self.contained.unwrap_or(raw.timestamp) } else { raw.timestamp };
        self.last_append = self.last_append.max(at);
        let record = Record::read(batch, raw).map_err(malformed)?;
        if !matches!(record, Record::NoOp) {
            self.last_change = Some(self.last_append);
        }
        let image = &mut self.image;
        match record {
            Record::ZkMigrationState(state) => {
                image.states.push(StateRecord { offset, at, state });
                if image.states.len() > STATES_MAX {
                    image.states.remove(0);
                }
            }
            Record::FeatureLevel { name, level } => image.finalize(name, level),
            Record::RegisterBroker(it) => image.register_broker(registration(it, at)),
            Record::UnregisterBroker { id, .. } => image.unregister_broker(id),
            Record::FenceBroker { id, .. } => image.change(id, Some(true), None),
            Record::UnfenceBroker { id, .. } => image.change(id, Some(false), None),
            Record::BrokerRegistrationChange(it) => image.change(it.id, it.fenced, it.in_controlled_shutdown),
            Record::RegisterController(it) => {
                let listeners = listeners(it.endpoints);
                image.register_controller(ControllerRegistration {
                    id: it.id,
                    zk_migration_ready: it.zk_migration_ready,
                    at,
                    listeners,
                });
            }
            Record::BeginTransaction if self.open.is_some() => {
                return Err(malformed("a transaction begins within another one"));
            }
            Record::BeginTransaction => {
                self.open = Some((offset.unwrap_or_default(), Box::new(self.image.clone())));
            }
            Record::EndTransaction => self.open = None,
            Record::AbortTransaction => {
                if let Some((_, before)) = self.open.take() {
                    self.image = *before;
                }
            }
            Record::SnapshotHeader { last_contained } => {
                self.contained = Some(last_contained);
                (self.last_append, self.last_change) = (last_contained, Some(last_contained));
            }
            Record::SnapshotFooter => self.snapshot_footer = true,
            Record::NoOp
            | Record::LeaderChange { .. }
            | Record::KraftVersion(_)
            | Record::Voters(_)
            | Record::Other(_) => {}
        }
        self.image.bounded()
    }
}

impl Image {
    fn change(&mut self, id: NodeId, fenced: Option<bool>, in_controlled_shutdown: Option<bool>) {
        if let Some(broker) = self.brokers.get_mut(&id) {
            broker.fenced = fenced.unwrap_or(broker.fenced);
            broker.in_controlled_shutdown = in_controlled_shutdown.unwrap_or(broker.in_controlled_shutdown);
        }
    }

    fn register_broker(&mut self, registration: Registration) {
        self.kept += of_broker(&registration);
        let before = self.brokers.insert(registration.id, registration);
        self.kept -= before.as_ref().map_or(0, of_broker);
    }

    fn unregister_broker(&mut self, id: NodeId) {
        self.kept -= self.brokers.remove(&id).as_ref().map_or(0, of_broker);
    }

    fn register_controller(&mut self, registration: ControllerRegistration) {
        self.kept += of_controller(&registration);
        let before = self.controllers.insert(registration.id, registration);
        self.kept -= before.as_ref().map_or(0, of_controller);
    }

    /// Level 0 takes a feature away.
    fn finalize(&mut self, name: String, level: i16) {
        if let Some((before, _)) = self.features.remove_entry(&name) {
            self.kept -= of_feature(&before);
        }
        if level != 0 {
            self.kept += of_feature(&name);
            self.features.insert(name, level);
        }
    }

    fn bounded(&self) -> Result<(), Missed> {
        let too_large = |words: String| Err(Missed::new(Why::TooLarge, words));
        if self.brokers.len().max(self.controllers.len()) > REGISTRATIONS_MAX {
            return too_large(format!("the metadata log has more than {REGISTRATIONS_MAX} registrations"));
        }
        if self.kept > KEPT_MAX {
            return too_large(format!("the metadata log's registrations and features take more than {KEPT_MAX} bytes"));
        }
        Ok(())
    }
}

/// What it takes in memory, in bytes.
fn of_broker(it: &Registration) -> usize {
    let log_dirs: usize = it.log_dirs.iter().map(|id| size_of::<String>() + id.len()).sum();
    size_of::<Registration>() + it.incarnation.len() + of_listeners(&it.listeners) + log_dirs
}

/// As of a broker.
fn of_controller(it: &ControllerRegistration) -> usize {
    size_of::<ControllerRegistration>() + of_listeners(&it.listeners)
}

fn of_listeners(listeners: &[Listener]) -> usize {
    listeners.iter().map(|it| size_of::<Listener>() + it.name.len() + it.endpoint.host.len()).sum()
}

fn of_feature(name: &str) -> usize {
    size_of::<(String, i16)>() + name.len()
}

/// Takes the next whole batch off the bytes; `None` where they end before it does.
fn next_batch<'a>(left: &mut &'a [u8]) -> Result<Option<Batch<'a>>, Missed> {
    let size = wire::batch_size(left).map_err(malformed)?;
    let Some((batch, rest)) = size.and_then(|size| left.split_at_checked(size)) else { return Ok(None) };
    *left = rest;
    Batch::read(batch).map(Some).map_err(malformed)
}

/// That the log is not what Kafka writes.
pub(super) fn malformed(words: impl Display) -> Missed {
    Missed::new(Why::Malformed, format!("the metadata log could not be read: {words}"))
}

fn registration(it: wire::RegisterBroker, at: i64) -> Registration {
    let metadata_version = it.features.iter().find(|(name, ..)| name == "metadata.version");
    Registration {
        id: it.id,
        epoch: it.epoch,
        incarnation: wire::uuid(it.incarnation),
        migrating: it.is_migrating_zk_broker,
        fenced: it.fenced,
        in_controlled_shutdown: it.in_controlled_shutdown,
        at,
        metadata_version: metadata_version.map(|(_, lowest, highest)| (*lowest, *highest)),
        listeners: listeners(it.endpoints),
        log_dirs: it.log_dirs.into_iter().map(wire::uuid).collect(),
    }
}

fn listeners(endpoints: Vec<RecordEndpoint>) -> Vec<Listener> {
    // Nobody is at port 0.
    let listener = |it: RecordEndpoint| Listener {
        name: it.name,
        endpoint: Endpoint { host: it.host.to_ascii_lowercase(), port: it.port },
        security_protocol: it.security_protocol,
    };
    let mut listeners: Vec<Listener> = endpoints.into_iter().filter(|it| it.port > 0).map(listener).collect();
    // Room for more of them would not be counted.
    listeners.shrink_to_fit();
    listeners
}
