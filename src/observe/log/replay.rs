//! Records, one after the other → what the log says in the end. A transaction counts when it is ended, and what was aborted
//! never did (KIP-868). Kept is what a migration is about: states, registrations, features; of everything else only that it
//! was there. Not here: how the bytes were got.

use std::collections::BTreeMap;

use crate::snapshot::{ControllerRegistration, Endpoint, Listener, MetadataLog, NodeId, Registration, StateRecord};
use crate::wire::{self, Batch, RawRecord, Record, RecordEndpoint, SnapshotId};

/// More registrations than any cluster has, of brokers and controllers each.
const REGISTRATIONS_MAX: usize = 10_000;
/// More features than Kafka knows.
const FEATURES_MAX: usize = 100;
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
    last_append: i64,
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
            last_append: self.image.last_append,
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
    /// What is wrong with the bytes, in words. What was read so far is of no use then.
    pub(super) fn feed_log(&mut self, bytes: &[u8], high_watermark: i64) -> Result<(), String> {
        let mut left = bytes;
        while let Some(batch) = next_batch(&mut left)? {
            for raw in batch.records() {
                let raw = raw.map_err(|error| error.to_string())?;
                if raw.offset >= high_watermark {
                    return Ok(());
                }
                // Nothing is ever compacted away in this log, and the CRC is of no offset.
                if raw.offset > self.next {
                    return Err(format!("the records from offset {} to {} are missing", self.next, raw.offset));
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
    pub(super) fn feed_snapshot(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let mut left = bytes;
        while let Some(batch) = next_batch(&mut left)? {
            for raw in batch.records() {
                self.take(&batch, &raw.map_err(|error| error.to_string())?, None)?;
            }
        }
        Ok(bytes.len() - left.len())
    }

    /// The snapshot was read to its end: the log goes on from there.
    ///
    /// # Errors
    /// That it was no whole snapshot, in words.
    pub(super) fn end_snapshot(&mut self, snapshot: SnapshotId) -> Result<(), String> {
        if !self.snapshot_footer {
            return Err("the snapshot has no footer".to_owned());
        }
        self.snapshot_end = Some(snapshot.end_offset);
        (self.next, self.last_epoch) = (snapshot.end_offset, snapshot.epoch);
        Ok(())
    }

    fn take(&mut self, batch: &Batch<'_>, raw: &RawRecord<'_>, offset: Option<i64>) -> Result<(), String> {
        let at = if offset.is_none() { self.contained.unwrap_or(raw.timestamp) } else { raw.timestamp };
        let image = &mut self.image;
        image.last_append = image.last_append.max(at);
        match Record::read(batch, raw).map_err(|error| error.to_string())? {
            Record::ZkMigrationState(state) => {
                image.states.push(StateRecord { offset, at, state });
                if image.states.len() > STATES_MAX {
                    image.states.remove(0);
                }
            }
            Record::FeatureLevel { name, level: 0 } => {
                image.features.remove(&name);
            }
            Record::FeatureLevel { name, level } => {
                image.features.insert(name, level);
            }
            Record::RegisterBroker(it) => {
                image.brokers.insert(it.id, registration(it, at));
            }
            Record::UnregisterBroker { id, .. } => {
                image.brokers.remove(&id);
            }
            Record::FenceBroker { id, .. } => image.change(id, Some(true), None),
            Record::UnfenceBroker { id, .. } => image.change(id, Some(false), None),
            Record::BrokerRegistrationChange(it) => image.change(it.id, it.fenced, it.in_controlled_shutdown),
            Record::RegisterController(it) => {
                let listeners = listeners(it.endpoints);
                let registration =
                    ControllerRegistration { id: it.id, zk_migration_ready: it.zk_migration_ready, at, listeners };
                image.controllers.insert(it.id, registration);
            }
            Record::BeginTransaction if self.open.is_some() => {
                return Err("a transaction begins within another one".to_owned());
            }
            Record::BeginTransaction => {
                self.open = Some((offset.unwrap_or_default(), Box::new(self.image.clone())));
            }
            Record::EndTransaction => self.open = None,
            Record::AbortTransaction => {
                if let Some((_, before)) = self.open.take() {
                    self.image = Image { last_append: self.image.last_append, ..*before };
                }
            }
            Record::SnapshotHeader { last_contained } => {
                self.contained = Some(last_contained);
                self.image.last_append = last_contained;
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

    fn bounded(&self) -> Result<(), String> {
        let registrations = self.brokers.len().max(self.controllers.len());
        if registrations > REGISTRATIONS_MAX || self.features.len() > FEATURES_MAX {
            return Err(format!("more than {REGISTRATIONS_MAX} registrations, or than {FEATURES_MAX} features"));
        }
        Ok(())
    }
}

/// Takes the next whole batch off the bytes; `None` where they end before it does.
fn next_batch<'a>(left: &mut &'a [u8]) -> Result<Option<Batch<'a>>, String> {
    let size = wire::batch_size(left).map_err(|error| error.to_string())?;
    let Some((batch, rest)) = size.and_then(|size| left.split_at_checked(size)) else { return Ok(None) };
    *left = rest;
    Batch::read(batch).map(Some).map_err(|error| error.to_string())
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
    endpoints.into_iter().filter(|it| it.port > 0).map(listener).collect()
}
