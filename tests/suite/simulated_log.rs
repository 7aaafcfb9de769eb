//! The log of simulated controllers as it is fetched: who gives it, what stands in it phase by phase, and what becomes of it
//! when leaders change, are cut off, or take snapshots.

use kafka_protocol::messages::{FetchRequest, FetchSnapshotRequest};
use kraft_check::rehearse::{Affliction, Cluster, Fault, MigrationState, Mode, Version, answer};
use kraft_check::snapshot::NodeId;
use kraft_check::wire::{
    self, Ask, Asked, Batch, CLIENT_ID, Fetched, FetchedPartition, Record, SnapshotId, SnapshotPart, batch_size,
};

use crate::simulated::cluster;

/// The epoch in which everybody is asked who leads.
const ANY: i32 = 0;

fn asked<A: Ask>(cluster: &mut Cluster, id: NodeId, request: &A, version: i16) -> bytes::Bytes {
    let frame = wire::encode(request, version, 1, CLIENT_ID).expect("a request");
    let asked = Asked::read(frame.slice(4..)).expect("a request");
    answer(cluster, id, &asked).expect("an answer").slice(4..)
}

fn fetch_in(cluster: &mut Cluster, id: NodeId, version: i16, (offset, last, epoch): (i64, i32, i32)) -> Fetched {
    let frame = asked(cluster, id, &wire::fetch_request(offset, last, epoch), version);
    wire::fetched(&frame, version, 1).expect("an answer")
}

fn fetch(cluster: &mut Cluster, id: NodeId, from: (i64, i32, i32)) -> FetchedPartition {
    fetch_in(cluster, id, 15, from).partition.expect("the log")
}

fn fetch_snapshot(cluster: &mut Cluster, id: NodeId, of: SnapshotId, epoch: i32, from: i64, most: i32) -> SnapshotPart {
    let request: FetchSnapshotRequest = wire::fetch_snapshot_request(of, epoch, from, most);
    wire::fetched_snapshot(&asked(cluster, id, &request, 0), 0, 1).expect("an answer")
}

/// Every record of the whole batches, and the bytes that are left.
fn records(mut bytes: &[u8]) -> (Vec<(i64, Record)>, usize) {
    let mut all = Vec::new();
    while let Some(size) = batch_size(bytes).expect("a size") {
        let Some((whole, left)) = bytes.split_at_checked(size) else { break };
        let batch = Batch::read(whole).expect("a batch");
        for raw in batch.records() {
            let raw = raw.expect("a record");
            all.push((raw.offset, Record::read(&batch, &raw).expect("a record that is known")));
        }
        bytes = left;
    }
    (all, bytes.len())
}

/// The log of the leader, from its beginning.
fn log(cluster: &mut Cluster) -> Vec<(i64, Record)> {
    let (leader, epoch) = leader(cluster);
    let said = fetch(cluster, leader, (0, 0, epoch));
    let (all, left) = records(&said.records);
    assert_eq!((said.error_code, said.snapshot, left), (wire::NO_ERROR, None, 0));
    let offsets: Vec<i64> = all.iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, (0..said.high_watermark).collect::<Vec<_>>(), "without a gap, and all of it committed");
    all
}

fn leader(cluster: &Cluster) -> (NodeId, i32) {
    (cluster.quorum.active_id().expect("a leader"), cluster.quorum.epoch)
}

/// A cluster of three brokers and three controllers, that takes no snapshots.
fn without_snapshots(version: Version) -> Cluster {
    let mut cluster = cluster(version, 3, 3, 1);
    cluster.quorum.snapshot_every = i64::MAX;
    cluster
}

fn migrate(cluster: &mut Cluster) {
    cluster.start_controllers();
    cluster.advance(5_000);
    cluster.restart_brokers(Mode::Migration);
    cluster.advance(5_000);
    assert_eq!(cluster.quorum.state(), Some(MigrationState::Migration));
}

fn states(log: &[(i64, Record)]) -> Vec<i8> {
    let states = log.iter().filter_map(|(_, record)| match record {
        Record::ZkMigrationState(state) => Some(*state),
        _ => None,
    });
    states.collect()
}

#[test]
fn a_log_says_what_happened_in_every_release() {
    for version in Version::ALL {
        let mut cluster = without_snapshots(version);
        migrate(&mut cluster);
        for id in [1, 2, 3] {
            cluster.restart_broker(id, Mode::Kraft);
            cluster.advance(5_000);
        }
        let registered = |log: &[(i64, Record)], on_zookeeper| {
            let is = |record: &Record| matches!(record, Record::RegisterBroker(it) if it.is_migrating_zk_broker == on_zookeeper);
            log.iter().filter(|(_, record)| is(record)).count()
        };
        let all = log(&mut cluster);
        assert_eq!((registered(&all, true), registered(&all, false)), (3, 3), "{version}");
        let controllers: Vec<NodeId> = cluster.quorum.controllers.keys().copied().collect();
        for id in controllers {
            cluster.restart_controller(id, false);
            cluster.advance(5_000);
        }
        let all = log(&mut cluster);
        assert_eq!(states(&all), [2, 1, 3], "{version}");
        let elections = all.iter().filter(|(_, it)| matches!(it, Record::LeaderChange { .. })).count();
        assert_eq!(i32::try_from(elections), Ok(cluster.quorum.epoch), "{version}");
        let copied = all.iter().position(|(_, it)| *it == Record::ZkMigrationState(1)).expect("copied");
        let transactions = all.iter().filter(|(_, it)| *it == Record::BeginTransaction).count();
        if version >= Version::V3_6 {
            assert_eq!(transactions, 2, "{version}: the beginning and the copy");
            assert_eq!(all[copied + 1].1, Record::EndTransaction, "{version}");
            assert_eq!(all[0].1, Record::LeaderChange { leader: all_elected(&all)[0] }, "{version}");
        } else {
            assert_eq!(transactions, 0, "{version}");
            assert!(matches!(all[0].1, Record::FeatureLevel { .. }), "{version}: {:?}", all[0]);
        }
        let registrations = all.iter().filter(|(_, it)| matches!(it, Record::RegisterController(_))).count();
        assert_eq!(registrations, if version >= Version::V3_7 { 6 } else { 0 }, "{version}");
    }
}

fn all_elected(log: &[(i64, Record)]) -> Vec<NodeId> {
    let elected = log.iter().filter_map(|(_, record)| match record {
        Record::LeaderChange { leader } => Some(*leader),
        _ => None,
    });
    elected.collect()
}

#[test]
fn a_stopped_broker_is_fenced_after_its_session_and_unfenced_when_it_is_back() {
    let mut cluster = without_snapshots(Version::V3_9);
    migrate(&mut cluster);
    let fenced = |cluster: &mut Cluster| {
        let mut fenced = None;
        for (_, record) in log(cluster) {
            match record {
                Record::RegisterBroker(it) if it.id == 2 => fenced = Some(it.fenced),
                Record::BrokerRegistrationChange(it) if it.id == 2 => fenced = it.fenced.or(fenced),
                _ => {}
            }
        }
        fenced
    };
    assert_eq!(fenced(&mut cluster), Some(false));
    cluster.stop(2);
    cluster.advance(1_000);
    assert_eq!(fenced(&mut cluster), Some(false), "its session goes on");
    cluster.advance(5_000);
    assert_eq!(fenced(&mut cluster), Some(true));
    cluster.restart_broker(2, Mode::Migration);
    cluster.advance(2_000);
    assert_eq!(fenced(&mut cluster), Some(false));
}

#[test]
fn only_the_leader_gives_the_log_and_only_in_its_epoch() {
    let mut cluster = without_snapshots(Version::V3_9);
    migrate(&mut cluster);
    let (leader, epoch) = leader(&cluster);
    let standby = *cluster.quorum.controllers.keys().find(|id| **id != leader).expect("another");
    for (id, asked_in, code) in [
        (leader, ANY, wire::FENCED_LEADER_EPOCH),
        (leader, epoch + 1, wire::UNKNOWN_LEADER_EPOCH),
        (standby, ANY, wire::FENCED_LEADER_EPOCH),
        (standby, epoch, wire::NOT_LEADER_OR_FOLLOWER),
        (leader, -1, wire::INVALID_REQUEST),
    ] {
        for version in [15, 17] {
            let said = fetch_in(&mut cluster, id, version, (0, 0, asked_in));
            let log = said.partition.expect("the log");
            assert_eq!((log.error_code, log.high_watermark, log.records.len()), (code, -1, 0), "{id} in {asked_in}");
            assert_eq!(log.leader, Some(wire::Leader { id: leader, epoch }));
        }
    }
    let beyond = fetch(&mut cluster, leader, (1_000_000, epoch, epoch));
    let end = cluster.quorum.active().expect("a leader").log_end;
    assert_eq!(beyond.diverging, Some(SnapshotId { end_offset: end, epoch }));
    // A broker does not have it.
    assert_eq!(fetch(&mut cluster, 1, (0, 0, epoch)).error_code, 100);
    // Nobody leads.
    cluster.stop(leader);
    let said = fetch(&mut cluster, standby, (0, 0, ANY));
    assert_eq!((said.error_code, said.leader), (wire::FENCED_LEADER_EPOCH, Some(wire::Leader { id: -1, epoch })));
}

#[test]
fn a_log_goes_on_over_a_change_of_leaders() {
    let mut cluster = without_snapshots(Version::V3_9);
    migrate(&mut cluster);
    let before = log(&mut cluster);
    let (first, old) = leader(&cluster);
    cluster.stop(first);
    cluster.advance(5_000);
    let (second, epoch) = leader(&cluster);
    assert!(second != first && epoch > old);
    let next = i64::try_from(before.len()).expect("few");
    assert_eq!(fetch(&mut cluster, second, (next, old, old)).error_code, wire::FENCED_LEADER_EPOCH);
    let said = fetch(&mut cluster, second, (next, old, epoch));
    assert_eq!((said.error_code, said.diverging), (wire::NO_ERROR, None));
    let (after, _) = records(&said.records);
    assert_eq!(after[0], (next, Record::LeaderChange { leader: second }));
    // What the old leader would have had beyond its end is not common.
    let said = fetch(&mut cluster, second, (next + 3, old, epoch));
    assert_eq!(said.diverging, Some(SnapshotId { end_offset: next, epoch: old }));
}

#[test]
fn a_leader_that_is_cut_off_gives_what_it_has() {
    let mut cluster = without_snapshots(Version::V3_9);
    migrate(&mut cluster);
    let (first, old) = leader(&cluster);
    let before = fetch(&mut cluster, first, (0, 0, old));
    cluster.quorum.controllers.get_mut(&first).expect("the leader").cut_off = true;
    cluster.advance(5_000);
    let (second, epoch) = leader(&cluster);
    assert!(second != first && epoch > old);
    let stale = fetch(&mut cluster, first, (0, 0, old));
    assert_eq!((stale.error_code, stale.leader), (wire::NO_ERROR, Some(wire::Leader { id: first, epoch: old })));
    assert_eq!((stale.high_watermark, stale.records), (before.high_watermark, before.records));
    assert!(fetch(&mut cluster, second, (0, 0, epoch)).high_watermark > stale.high_watermark);
}

/// Two leaders in one epoch are what no quorum has: the second one has no majority behind it.
#[test]
fn whoever_only_pretends_to_lead_knows_no_high_watermark() {
    let mut cluster = without_snapshots(Version::V3_9);
    migrate(&mut cluster);
    let (leader, epoch) = leader(&cluster);
    let other = *cluster.quorum.controllers.keys().find(|id| **id != leader).expect("another");
    cluster.faults.add(Affliction { node: other, fault: Fault::TwoLeaders });
    let said = fetch(&mut cluster, other, (0, 0, epoch));
    assert_eq!((said.error_code, said.high_watermark), (wire::NO_ERROR, -1));
}

#[test]
fn a_snapshot_says_what_the_log_said_before_it() {
    for version in Version::ALL {
        let mut cluster = cluster(version, 3, 3, 1);
        cluster.quorum.snapshot_every = 20;
        migrate(&mut cluster);
        let (leader, epoch) = leader(&cluster);
        let first = fetch(&mut cluster, leader, (0, 0, epoch));
        if version < Version::V3_6 {
            assert!(first.snapshot.is_none() && !first.records.is_empty(), "{version}: from the beginning");
            continue;
        }
        let id = first.snapshot.expect("a snapshot");
        assert!(first.records.is_empty());
        // In small parts, then at once.
        let mut bytes = Vec::new();
        loop {
            let from = i64::try_from(bytes.len()).expect("few");
            let part = fetch_snapshot(&mut cluster, leader, id, epoch, from, 100).partition.expect("a part");
            assert_eq!((part.snapshot, part.position), (id, from));
            bytes.extend_from_slice(&part.bytes);
            if i64::try_from(bytes.len()) == Ok(part.size) {
                break;
            }
        }
        let (all, left) = records(&bytes);
        assert_eq!(left, 0);
        let at = |place: usize| &all[place].1;
        assert!(matches!(at(0), Record::SnapshotHeader { .. }) && *at(all.len() - 1) == Record::SnapshotFooter);
        assert!(matches!(at(1), Record::FeatureLevel { .. }) && matches!(at(2), Record::ZkMigrationState(1)));
        let brokers = all.iter().filter(|(_, it)| matches!(it, Record::RegisterBroker(it) if !it.fenced)).count();
        assert_eq!(brokers, 3, "{version}: {all:?}");
        // And the log goes on behind it.
        let said = fetch(&mut cluster, leader, (id.end_offset, id.epoch, epoch));
        assert_eq!((said.error_code, said.snapshot, said.diverging), (wire::NO_ERROR, None, None));
        // No error has a reason.
        let other = SnapshotId { end_offset: id.end_offset + 1, epoch: id.epoch };
        for (of, in_epoch, from) in [(other, epoch, 0), (id, epoch - 1, 0), (id, epoch, 1 << 40), (id, epoch, -1)] {
            let said = fetch_snapshot(&mut cluster, leader, of, in_epoch, from, 100);
            assert_eq!(said, SnapshotPart { error_code: wire::UNKNOWN_SERVER_ERROR, partition: None });
        }
    }
}

#[test]
fn every_controller_has_a_snapshot_of_its_own() {
    let mut cluster = cluster(Version::V3_9, 3, 3, 1);
    cluster.quorum.snapshot_every = 20;
    migrate(&mut cluster);
    let mut ends: Vec<_> = cluster.quorum.controllers.values().map(|it| it.snapshot.expect("one").end_offset).collect();
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() > 1, "{ends:?}");
}

#[test]
fn a_long_log_is_cut_as_a_real_one_is() {
    let mut cluster = without_snapshots(Version::V3_9);
    migrate(&mut cluster);
    let all = log(&mut cluster);
    let (leader, epoch) = leader(&cluster);
    for most in [1, 100, 500, 2_000] {
        cluster.quorum.fetch_max = most;
        let (mut next, mut last) = (0, 0);
        let mut read = Vec::new();
        while next < i64::try_from(all.len()).expect("few") {
            let said = fetch(&mut cluster, leader, (next, last, epoch));
            let whole = batch_size(&said.records).expect("a size").expect("a batch");
            assert!(said.records.len() <= most.max(whole), "{most}");
            let (part, _) = records(&said.records);
            // The batch that has the offset is given whole, from its beginning.
            read.extend(part.into_iter().filter(|(offset, _)| *offset >= next));
            next = read.last().map_or(0, |(offset, _)| offset + 1);
            last = epoch;
        }
        assert_eq!(read, all, "{most} bytes at once");
    }
}

#[test]
fn a_log_that_was_kept_goes_on_after_a_rollback() {
    let mut cluster = without_snapshots(Version::V3_9);
    migrate(&mut cluster);
    cluster.restart_brokers(Mode::Zookeeper);
    cluster.remove_controllers(true);
    cluster.advance(5_000);
    cluster.start_controllers();
    cluster.advance(5_000);
    assert!(cluster.quorum.left_over);
    let kept = log(&mut cluster);
    assert_eq!(states(&kept), [2, 1]);
    let mut fenced = std::collections::BTreeMap::new();
    for (_, record) in &kept {
        match record {
            Record::RegisterBroker(it) => fenced.insert(it.id, it.fenced),
            Record::BrokerRegistrationChange(it) => it.fenced.and_then(|is| fenced.insert(it.id, is)),
            _ => None,
        };
    }
    assert_eq!(fenced.into_iter().collect::<Vec<_>>(), [(1, true), (2, true), (3, true)], "nobody is heard of");
    cluster.remove_controllers(false);
    cluster.start_controllers();
    cluster.advance(5_000);
    assert_eq!(states(&log(&mut cluster)), [2], "a new log");
}

/// The request that is answered is the one that we make.
#[test]
fn whoever_names_another_cluster_or_topic_is_refused_as_a_whole() {
    let mut cluster = without_snapshots(Version::V3_9);
    migrate(&mut cluster);
    let (leader, epoch) = leader(&cluster);
    let mut ask = |request: &FetchRequest| {
        let frame = asked(&mut cluster, leader, request, 15);
        wire::fetched(&frame, 15, 1).expect("an answer")
    };
    let own = wire::fetch_request(0, 0, epoch);
    let mut named = own.clone();
    named.cluster_id = Some("another".to_owned().into());
    assert_eq!(ask(&named).error_code, wire::INCONSISTENT_CLUSTER_ID);
    let mut other = own.clone();
    other.topics[0].topic_id = uuid::Uuid::nil();
    assert_eq!(ask(&other).error_code, wire::INVALID_REQUEST);
    assert_eq!(ask(&own).error_code, wire::NO_ERROR);
}
