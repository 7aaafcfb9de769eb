//! What the simulated controllers write to their log, and when.
//!
//! What it says of a migration changes as `ActivationRecordsGenerator.java` has it: by who is elected, with the flag or
//! without. Brokers register with every start, are fenced when nothing is heard of them and unfenced when it is
//! (`ClusterControlManager.java`, `ReplicationControlManager.java`).

use super::log::METADATA_VERSION;
use super::quorum::{LOADING_MS, MigrationState, Quorum};
use super::topics::Topic;
use crate::snapshot::{Endpoint, NodeId};
use crate::wire::{BrokerRegistrationChange, Record, RecordEndpoint, RegisterBroker, RegisterController};

/// `metadata.version` 3.6-IV1: from here on there are transactions (KIP-868).
const WITH_TRANSACTIONS: i16 = 13;
/// `metadata.version` 3.7-IV0: from here on controllers register (KIP-919).
const WITH_CONTROLLERS: i16 = 15;
/// The API keys of `TopicRecord` and `PartitionRecord`.
const TOPIC_RECORD: u32 = 2;
const PARTITION_RECORD: u32 = 3;

/// A process of a broker that registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Process<'a> {
    pub(super) id: NodeId,
    /// How often it was started again.
    pub(super) restarts: u32,
    pub(super) on_zookeeper: bool,
    pub(super) endpoint: &'a Endpoint,
    /// The highest level of `metadata.version` that it supports.
    pub(super) level: i16,
}

/// What the leader knows of a broker's registration.
#[derive(Debug)]
pub struct Registration {
    restarts: u32,
    epoch: i64,
    /// Whether it registered as a ZooKeeper broker in migration mode.
    pub on_zookeeper: bool,
    /// Whether nothing is heard of it.
    pub is_fenced: bool,
}

impl Quorum {
    /// What a controller writes when it becomes active. False: it was not made for this log, and dies of it.
    pub(super) fn activate(&mut self, leader: NodeId, flag: bool) -> bool {
        let elected = vec![Record::LeaderChange { leader }];
        let state = match (self.state, flag) {
            (None, true) => MigrationState::PreMigration,
            (None, false) => MigrationState::None,
            (Some(MigrationState::Migration), false) => MigrationState::PostMigration,
            (Some(state), _) => {
                self.append(elected);
                return state != MigrationState::None || !flag;
            }
        };
        let bootstrap = Record::FeatureLevel { name: METADATA_VERSION.to_owned(), level: self.level };
        let said = Record::ZkMigrationState(state as i8);
        match self.state {
            Some(_) => {
                self.append(elected);
                self.append(vec![said]);
            }
            None if self.level >= WITH_TRANSACTIONS => {
                self.append(elected);
                self.append(vec![Record::BeginTransaction, bootstrap, said, Record::EndTransaction]);
            }
            // Before 3.6 it came first.
            None => {
                self.append(vec![bootstrap, said]);
                self.append(elected);
            }
        }
        self.state = Some(state);
        true
    }

    /// Copies ZooKeeper's metadata: in a transaction, where there are any.
    pub(super) fn copy(&mut self, topics: &[Topic]) {
        let mut copied = Vec::new();
        for topic in topics {
            copied.push(Record::Other(TOPIC_RECORD));
            copied.extend(topic.partitions.iter().map(|_| Record::Other(PARTITION_RECORD)));
        }
        let is_transaction = self.log.level() >= WITH_TRANSACTIONS;
        if is_transaction {
            self.append(vec![Record::BeginTransaction]);
        }
        if !copied.is_empty() {
            self.append(copied);
        }
        let mut last = vec![Record::ZkMigrationState(MigrationState::Migration as i8)];
        last.extend(is_transaction.then_some(Record::EndTransaction));
        self.append(last);
        self.state = Some(MigrationState::Migration);
    }

    /// A broker registers, unless this process of it has: fenced, until it is heard of.
    pub(super) fn register(&mut self, process: Process<'_>) {
        let Process { id, restarts, on_zookeeper, endpoint, level } = process;
        let is_same = |known: &Registration| known.restarts == restarts && known.on_zookeeper == on_zookeeper;
        if self.registrations.get(&id).is_some_and(is_same) {
            return;
        }
        let epoch = self.log.end();
        // A broker on ZooKeeper supports what its inter.broker.protocol.version says.
        let lowest = if on_zookeeper { level } else { 1 };
        self.append(vec![Record::RegisterBroker(RegisterBroker {
            id,
            epoch,
            incarnation: uuid(id, restarts),
            is_migrating_zk_broker: on_zookeeper,
            endpoints: vec![listener("PLAINTEXT", endpoint)],
            features: vec![(METADATA_VERSION.to_owned(), lowest, level)],
            rack: None,
            fenced: true,
            in_controlled_shutdown: false,
            log_dirs: vec![uuid(id, u32::MAX)],
        })]);
        self.registrations.insert(id, Registration { restarts, epoch, on_zookeeper, is_fenced: true });
    }

    /// Whether a broker is registered, as one on ZooKeeper or as one on KRaft.
    pub(super) fn is_registered(&self, id: NodeId, on_zookeeper: bool) -> bool {
        self.registrations.get(&id).is_some_and(|known| known.on_zookeeper == on_zookeeper)
    }

    /// Whether this process of a broker is the one that is registered.
    pub(super) fn knows(&self, id: NodeId, restarts: u32) -> bool {
        self.registrations.get(&id).is_some_and(|known| known.restarts == restarts)
    }

    /// A registered broker is fenced or unfenced, unless it is so already.
    pub(super) fn fence(&mut self, id: NodeId, is_fenced: bool) {
        let Some(known) = self.registrations.get_mut(&id).filter(|known| known.is_fenced != is_fenced) else { return };
        known.is_fenced = is_fenced;
        let change = BrokerRegistrationChange { id, epoch: known.epoch, fenced: Some(is_fenced), ..Default::default() };
        self.append(vec![Record::BrokerRegistrationChange(change)]);
    }

    /// A registered broker takes its leave.
    pub(super) fn shut_down(&mut self, id: NodeId) {
        let Some(epoch) = self.registrations.get(&id).map(|known| known.epoch) else { return };
        if self.active_id().is_some() {
            let in_controlled_shutdown = Some(true);
            let change = BrokerRegistrationChange { id, epoch, in_controlled_shutdown, ..Default::default() };
            self.append(vec![Record::BrokerRegistrationChange(change)]);
        }
    }

    /// Controllers register with the leader, each process once it has loaded the log.
    pub(super) fn register_controllers(&mut self) {
        if self.log.level() < WITH_CONTROLLERS || self.active_id().is_none() {
            return;
        }
        let now = self.now;
        let is_new =
            |(_, it): &(NodeId, &super::Controller)| it.registered != it.restarts && it.started + LOADING_MS <= now;
        let new: Vec<NodeId> = self.connected().filter(is_new).map(|(id, _)| id).collect();
        for id in new {
            let Some(controller) = self.controllers.get_mut(&id) else { continue };
            controller.registered = controller.restarts;
            let registration = RegisterController {
                id,
                incarnation: uuid(id, controller.restarts),
                zk_migration_ready: controller.flag,
                endpoints: vec![listener("CONTROLLER", &controller.endpoint)],
                features: vec![(METADATA_VERSION.to_owned(), 1, self.level)],
            };
            self.append(vec![Record::RegisterController(registration)]);
        }
    }

    fn append(&mut self, records: Vec<Record>) {
        self.log.append(self.epoch, self.now, records);
    }
}

fn listener(name: &str, endpoint: &Endpoint) -> RecordEndpoint {
    let Endpoint { host, port } = endpoint.clone();
    RecordEndpoint { name: name.to_owned(), host, port, security_protocol: 0 }
}

/// An id of a node's own, another one for each number.
fn uuid(id: NodeId, number: u32) -> [u8; 16] {
    let mut uuid = [0; 16];
    let bytes = id.to_be_bytes().into_iter().chain(number.to_be_bytes());
    uuid.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
    uuid
}
