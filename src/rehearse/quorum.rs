//! The simulated quorum: who leads, and how far each controller has come in the log.
//!
//! A leader has a majority behind it, or is cut off and does not know yet that another was elected. Not here: what it
//! writes (`written`), and the log itself (`log`).

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::STEP_MS;
use super::fault::{Fault, Faults};
use super::log::Log;
use super::written::Registration;
use crate::snapshot::{Endpoint, NodeId};
use crate::wire::{FETCH_MAX, RegisterBroker, SnapshotId};

/// How long a quorum is without a leader before one is elected, in milliseconds.
const ELECTION_MS: u64 = 1_500;
/// How long a controller that was started has its log not loaded, in milliseconds.
pub(super) const LOADING_MS: u64 = 1_000;
/// After how many records a controller takes a snapshot: a real one does after 20 MiB of them, or after an hour.
const SNAPSHOT_EVERY: i64 = 50;

/// `ZkMigrationState` as it stands in the log, in Kafka's numbers (3.5 to 3.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationState {
    /// First started without the flag.
    None = 0,
    /// The metadata is copied.
    Migration = 1,
    /// Waiting for every broker to register.
    PreMigration = 2,
    /// Finalized.
    PostMigration = 3,
}

impl MigrationState {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::None, Self::Migration, Self::PreMigration, Self::PostMigration];
}

/// A controller.
#[derive(Debug, Clone)]
pub struct Controller {
    /// Its `zookeeper.metadata.migration.enable`.
    pub flag: bool,
    /// Whether its process runs.
    pub up: bool,
    /// Whether the other controllers, and the brokers, cannot reach it nor it them.
    pub cut_off: bool,
    /// Its listener.
    pub endpoint: Endpoint,
    /// The end of its log.
    pub log_end: i64,
    /// Up to where it shows what stands in the log; `None` while it is loading.
    pub published: Option<i64>,
    /// Until when it shows nothing new, by the cluster's clock, although it fetches.
    pub stale_until: u64,
    /// The epoch in which it leads, or believes so.
    pub leads: Option<i32>,
    /// Who fetched from it since it was elected.
    pub followers: BTreeMap<NodeId, Follower>,
    /// Its newest snapshot.
    pub snapshot: Option<SnapshotId>,
    /// The newest epoch that it has heard of.
    pub(super) epoch: i32,
    pub(super) started: u64,
    /// How often it was started again.
    pub(super) restarts: u32,
    /// The same when it last registered.
    pub(super) registered: u32,
}

/// What a leader knows of somebody who fetches.
#[derive(Debug, Clone, Copy)]
pub struct Follower {
    /// The offset that it asked for.
    pub log_end: i64,
    /// When it last fetched.
    pub fetched: u64,
    /// When it last was caught up.
    pub caught_up: u64,
}

/// The controllers and their log.
#[derive(Debug)]
pub struct Quorum {
    /// All of them; each has a vote.
    pub controllers: BTreeMap<NodeId, Controller>,
    /// The highest epoch there was.
    pub epoch: i32,
    /// Whether the log is one of an attempt that was taken back.
    pub left_over: bool,
    /// After how many records a controller takes a snapshot; each takes up to three quarters more, by its id.
    pub snapshot_every: i64,
    /// How many bytes of the log are given at once, unless one batch is longer.
    pub fetch_max: usize,
    pub(super) log: Log,
    /// What it says in all.
    pub(super) state: Option<MigrationState>,
    pub(super) registrations: BTreeMap<NodeId, Registration>,
    /// The time of the step, and the level of `metadata.version` that a new log begins with.
    pub(super) now: u64,
    pub(super) level: i16,
    leaderless_since: Option<u64>,
    /// Whether the brokers have found the leader.
    found: bool,
}

impl Quorum {
    pub(super) fn new(controllers: impl IntoIterator<Item = (NodeId, Endpoint)>) -> Self {
        let controller = |endpoint| Controller {
            flag: false,
            up: false,
            cut_off: false,
            endpoint,
            log_end: 0,
            published: None,
            stale_until: 0,
            leads: None,
            followers: BTreeMap::new(),
            snapshot: None,
            epoch: 0,
            started: 0,
            restarts: 0,
            registered: 0,
        };
        Self {
            controllers: controllers.into_iter().map(|(id, endpoint)| (id, controller(endpoint))).collect(),
            epoch: 0,
            left_over: false,
            snapshot_every: SNAPSHOT_EVERY,
            fetch_max: FETCH_MAX,
            log: Log::default(),
            state: None,
            registrations: BTreeMap::new(),
            now: 0,
            level: 0,
            leaderless_since: None,
            found: false,
        }
    }

    /// The controller that leads with a majority behind it.
    #[must_use]
    pub fn active(&self) -> Option<&Controller> {
        self.active_id().and_then(|id| self.controllers.get(&id))
    }

    /// Its id.
    #[must_use]
    pub fn active_id(&self) -> Option<NodeId> {
        let leads = |(_, controller): &(&NodeId, &Controller)| controller.leads == Some(self.epoch) && controller.up;
        let (id, leader) = self.controllers.iter().find(leads)?;
        (!leader.cut_off && self.has_majority()).then_some(*id)
    }

    /// What the committed log says of the migration.
    #[must_use]
    pub fn state(&self) -> Option<MigrationState> {
        self.state
    }

    /// What the log says up to this offset.
    #[must_use]
    pub fn state_at(&self, end: i64) -> Option<MigrationState> {
        if end >= self.log.end() { self.state } else { self.log.state_at(end) }
    }

    /// Whether the log holds ZooKeeper's metadata up to this offset.
    #[must_use]
    pub fn is_copied_at(&self, end: i64) -> bool {
        matches!(self.state_at(end), Some(MigrationState::Migration | MigrationState::PostMigration))
    }

    /// The brokers that are registered; dead ones stay.
    #[must_use]
    pub fn registrations(&self) -> &BTreeMap<NodeId, Registration> {
        &self.registrations
    }

    /// The registrations of brokers in the log, up to this offset.
    pub(super) fn registrations_at(&self, end: i64) -> BTreeMap<NodeId, RegisterBroker> {
        self.log.registrations_at(end)
    }

    /// The epoch that a controller knows, and who leads in it by what it knows.
    #[must_use]
    pub fn leader_known_to(&self, id: NodeId) -> (i32, Option<NodeId>) {
        match self.controllers.get(&id) {
            Some(own) if own.leads.is_some() => (own.leads.unwrap_or_default(), Some(id)),
            Some(own) if own.cut_off => (own.epoch, None),
            _ => (self.epoch, self.active_id()),
        }
    }

    /// Up to where the log is committed by what this leader knows: what a majority has. −1 until it knows.
    #[must_use]
    pub fn high_watermark(&self, leader: NodeId) -> i64 {
        let Some(own) = self.controllers.get(&leader) else { return -1 };
        let fetched = |id| own.followers.get(id).map_or(-1, |follower| follower.log_end);
        let ends = self.controllers.keys().map(|id| if *id == leader { own.log_end } else { fetched(id) });
        let mut ends: Vec<i64> = ends.collect();
        ends.sort_unstable();
        ends.get((ends.len().max(1) - 1) / 2).copied().unwrap_or(-1)
    }

    /// Whether the controllers were taken away.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.controllers.values().all(|controller| !controller.up)
    }

    pub(super) fn stop(&mut self, id: NodeId) {
        if let Some(controller) = self.controllers.get_mut(&id) {
            controller.up = false;
            controller.leads = None;
        }
    }

    pub(super) fn restart(&mut self, id: NodeId, flag: bool, now: u64) {
        self.stop(id);
        if let Some(controller) = self.controllers.get_mut(&id) {
            controller.up = true;
            controller.flag = flag;
            controller.published = None;
            controller.followers.clear();
            controller.started = now;
            controller.restarts += 1;
        }
    }

    pub(super) fn remove(&mut self, keep_data: bool) {
        for controller in self.controllers.values_mut() {
            controller.up = false;
            controller.leads = None;
            if !keep_data {
                (controller.log_end, controller.snapshot, controller.epoch) = (0, None, 0);
            }
        }
        if keep_data {
            self.left_over = self.state() == Some(MigrationState::Migration);
        } else {
            (self.log, self.epoch, self.left_over) = (Log::default(), 0, false);
            (self.state, self.registrations) = (None, BTreeMap::new());
        }
    }

    pub(super) fn connected(&self) -> impl Iterator<Item = (NodeId, &Controller)> {
        let connected = self.controllers.iter().filter(|(_, controller)| controller.up && !controller.cut_off);
        connected.map(|(id, controller)| (*id, controller))
    }

    fn has_majority(&self) -> bool {
        self.connected().count() * 2 > self.controllers.len()
    }

    /// Elects one of those with the longest log, a while after the last leader was lost.
    pub(super) fn elect(&mut self, now: u64, off: bool, random: &mut fastrand::Rng) {
        if off {
            for controller in self.controllers.values_mut() {
                controller.leads = None;
            }
            return;
        }
        if self.active_id().is_some() || !self.has_majority() {
            self.leaderless_since = None;
            return;
        }
        // The first quorum of all elects at once: nothing was lost.
        let since = *self.leaderless_since.get_or_insert(if self.epoch == 0 { 0 } else { now });
        if since + ELECTION_MS > now {
            return;
        }
        // Whoever was started only now comes too late for it, unless there is nobody else.
        let in_time = |(_, it): &(NodeId, &Controller)| it.started + ELECTION_MS <= since;
        let some_in_time = self.connected().any(|candidate| in_time(&candidate));
        let candidates = || self.connected().filter(|candidate| !some_in_time || in_time(candidate));
        let longest = candidates().map(|(_, controller)| controller.log_end).max();
        let candidates: Vec<NodeId> =
            candidates().filter(|(_, it)| Some(it.log_end) == longest).map(|(id, _)| id).collect();
        if let Some(id) = candidates.get(random.usize(0..candidates.len().max(1))) {
            self.leaderless_since = None;
            self.lead(*id);
        }
    }

    /// Makes a controller the leader of a new epoch although nothing was lost.
    pub(super) fn elect_anew(&mut self, id: NodeId) {
        if self.active_id().is_some() && self.connected().any(|(other, _)| other == id) {
            self.lead(id);
        }
    }

    /// Makes a controller the leader of a new epoch, and writes what it writes when it becomes active.
    pub(super) fn lead(&mut self, id: NodeId) {
        self.epoch += 1;
        self.found = false;
        let (epoch, end) = (self.epoch, self.log.end());
        let Some(flag) = self.controllers.get(&id).map(|controller| controller.flag) else { return };
        // One that is cut off does not hear of it.
        for controller in self.controllers.values_mut().filter(|controller| !controller.cut_off) {
            (controller.leads, controller.epoch) = (None, epoch);
        }
        if !self.activate(id, flag) {
            self.stop(id);
            return;
        }
        if let Some(leader) = self.controllers.get_mut(&id) {
            leader.leads = Some(epoch);
            leader.followers.clear();
            leader.log_end = end;
        }
    }

    /// The log grows by a record a step, and everybody who is connected fetches it.
    pub(super) fn fetch(&mut self, now: u64, observers: &[NodeId], faults: &Faults, random: &mut fastrand::Rng) {
        let Some(leader) = self.active_id() else { return };
        let found = self.found;
        self.found = true;
        self.log.append_no_op(self.epoch, self.now);
        let end = self.log.end();
        let connected: BTreeSet<NodeId> = self.connected().map(|(id, _)| id).collect();
        let mut fetchers: Vec<NodeId> = connected.iter().copied().filter(|id| *id != leader).collect();
        fetchers.extend(observers.iter().filter(|_| found));
        // Who leads has what it writes.
        let stands_still =
            |id: &NodeId| *id != leader && (faults.has(*id, Fault::Lagging) || faults.has(*id, Fault::NotFetching));
        for id in connected.iter().filter(|id| !stands_still(id)) {
            if let Some(controller) = self.controllers.get_mut(id) {
                controller.log_end = end;
                controller.epoch = self.epoch;
                // Each one takes its own, at another offset.
                let last = controller.snapshot.map_or(0, |snapshot| snapshot.end_offset);
                let more = self.snapshot_every / 4 * i64::from(id % 4);
                if end - last >= self.snapshot_every.saturating_add(more) {
                    controller.snapshot = Some(SnapshotId { end_offset: end, epoch: self.log.epoch_at(end) });
                }
                if controller.leads.is_some_and(|epoch| epoch != self.epoch) {
                    controller.leads = None;
                }
            }
        }
        let Some(active) = self.controllers.get_mut(&leader) else { return };
        for id in fetchers {
            let fetched = now.saturating_sub(random.u64(0..STEP_MS));
            let follower = Follower { log_end: end, fetched, caught_up: fetched };
            match active.followers.get_mut(&id) {
                // It goes on asking for what it asked for before, and is not caught up any more.
                Some(known) if faults.has(id, Fault::Lagging) => known.fetched = fetched,
                Some(_) if faults.has(id, Fault::NotFetching) => {}
                _ => {
                    active.followers.insert(id, follower);
                }
            }
        }
        // Five minutes after it was last heard of, an observer is forgotten; a voter is not.
        let voters: BTreeSet<NodeId> = self.controllers.keys().copied().collect();
        if let Some(active) = self.controllers.get_mut(&leader) {
            active.followers.retain(|id, follower| voters.contains(id) || follower.fetched + 300_000 > now);
        }
    }

    /// Controllers show what they have of the committed log, once they have loaded it and know a leader.
    pub(super) fn publish(&mut self, now: u64) {
        if self.active_id().is_none() {
            return;
        }
        for controller in self.controllers.values_mut().filter(|controller| controller.up && !controller.cut_off) {
            let leads = controller.leads == Some(self.epoch);
            if leads || (controller.started + LOADING_MS <= now && controller.stale_until <= now) {
                controller.published = Some(controller.log_end);
            }
        }
    }
}
