//! What shows to whoever looks deeper at a simulated cluster than a stage does: who tells of reassignments in which phase,
//! what stands on whose page, and every fault that is for this.

use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::{
    ApiVersionsRequest, DescribeQuorumRequest, ListPartitionReassignmentsRequest,
    describe_quorum_response::PartitionData,
};
use kraft_check::rehearse::{Cluster, Fault, Mode, Rehearsal, Shared, Version, converse};
use kraft_check::snapshot::NodeId;
use kraft_check::wire;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::partitions::{
    SETTLE_MS, ask, copied, five, gauges, leader, min_in_sync, not_whole, on_kraft, out_of_sync, reassigned, restart,
    topics,
};
use crate::simulated::cluster;

/// The error to `ListPartitionReassignments`, how many topics are moved, and after how many seconds it is known; nothing
/// within two minutes.
async fn told(cluster: &Shared, id: NodeId) -> Option<(i16, usize, u64)> {
    let (mut ours, theirs) = duplex(64 * 1024);
    tokio::spawn(converse(theirs, cluster.clone(), id));
    let request = ListPartitionReassignmentsRequest::default().with_topics(None);
    ours.write_all(&wire::encode(&request, 0, 1, wire::CLIENT_ID).expect("a request"))
        .await
        .expect("it is listened to");
    let began = Instant::now();
    let length = timeout(Duration::from_mins(2), ours.read_u32()).await.ok()?.expect("an answer");
    let mut frame = vec![0; length as usize];
    ours.read_exact(&mut frame).await.expect("all of it");
    let said = wire::decode::<ListPartitionReassignmentsRequest>(&Bytes::from(frame), 0, 1).expect("an answer");
    Some((said.error_code, said.topics.len(), began.elapsed().as_secs()))
}

/// What everybody tells: brokers 1 to 5, then the controllers.
async fn everybody(cluster: Cluster) -> [Option<(i16, usize, u64)>; 8] {
    let shared = Shared::new(cluster);
    let mut all = [None; 8];
    for (id, said) in [1, 2, 3, 4, 5, 3001, 3002, 3003].into_iter().zip(&mut all) {
        *said = told(&shared, id).await;
    }
    all
}

const MOVED: Option<(i16, usize, u64)> = Some((0, 1, 0));
const NOTHING: Option<(i16, usize, u64)> = Some((0, 0, 0));
const NOT_CONTROLLER: Option<(i16, usize, u64)> = Some((41, 0, 0));

#[tokio::test(start_paused = true)]
async fn reassignments_are_told_by_whom_they_were_told_on_real_clusters() {
    let moving = |mut cluster: Cluster| {
        cluster.begin_reassignment("orders", 0, &[1, 2, 3]);
        cluster
    };
    let with_controllers = || {
        let mut cluster = moving(five(&[]));
        cluster.start_controllers();
        cluster.advance(SETTLE_MS);
        cluster
    };
    let (n, other) = (NOTHING, NOT_CONTROLLER);
    // The ZooKeeper controller alone; the KRaft controllers have nothing yet.
    assert_eq!(everybody(with_controllers()).await, [MOVED, other, other, other, other, n, n, n]);
    // A flagged broker asks a controller that does not speak to it.
    let mut some_flagged = with_controllers();
    restart(&mut some_flagged, 2, Mode::Migration);
    assert_eq!(everybody(some_flagged).await, [MOVED, None, other, other, other, n, n, n]);
    // Now the ZooKeeper controller is flagged too.
    let mut controller_flagged = with_controllers();
    controller_flagged.copy_held = true;
    controller_flagged.restart_brokers(Mode::Migration);
    controller_flagged.advance(SETTLE_MS);
    assert_eq!(everybody(controller_flagged).await, [MOVED, MOVED, MOVED, MOVED, MOVED, n, n, n]);
    // Everybody, once it is copied.
    assert_eq!(everybody(moving(copied(&[]))).await, [MOVED; 8]);
    let mut mixed = moving(copied(&[]));
    restart(&mut mixed, 1, Mode::Kraft);
    assert_eq!(everybody(mixed).await, [MOVED; 8]);
    assert_eq!(everybody(moving(on_kraft(&[]))).await, [MOVED; 8]);
}

#[tokio::test(start_paused = true)]
async fn without_a_quorum_brokers_give_up_and_controllers_tell_what_they_know() {
    for (mut cluster, seconds) in [(copied(&[]), 30), (on_kraft(&[]), 60)] {
        cluster.begin_reassignment("orders", 0, &[1, 2, 3]);
        cluster.advance(SETTLE_MS);
        cluster.stop(3001);
        cluster.stop(3002);
        let shared = Shared::new(cluster);
        assert_eq!(told(&shared, 1).await, Some((7, 0, seconds)));
        assert_eq!(told(&shared, 3003).await, MOVED);
    }
}

#[tokio::test(start_paused = true)]
async fn who_keeps_reassignments_to_itself_does_it_in_either_way() {
    let faults = [(2, Fault::ReassignmentsSilent), (3002, Fault::ReassignmentsDenied), (4, Fault::Reassigning)];
    let shared = Shared::new(on_kraft(&faults));
    assert_eq!(told(&shared, 2).await, None);
    assert_eq!(told(&shared, 3002).await, Some((31, 0, 0)));
    assert_eq!(told(&shared, 1).await, MOVED);
}

#[test]
fn what_is_moved_away_from_a_broker_never_arrives() {
    for mut cluster in [five(&[(4, Fault::Reassigning)]), on_kraft(&[(4, Fault::Reassigning)])] {
        cluster.advance(20 * SETTLE_MS);
        let said = reassigned(&mut cluster, 1);
        assert_eq!((said.topics.len(), said.topics[0].partitions.len()), (1, 1), "one partition alone");
        let moved = &said.topics[0].partitions[0];
        assert_eq!(moved.removing_replicas[0].0, 4);
        let shown = not_whole(&mut cluster, 2);
        assert_eq!((shown.len(), shown[0].replicas.len()), (1, 4));
        assert_eq!(out_of_sync(&shown), [moved.adding_replicas[0].0]);
    }
    let mut two = cluster(Version::V3_9, 2, 1, 1);
    two.faults.add("1=reassigning".parse().expect("a fault"));
    two.advance(SETTLE_MS);
    let moved = &reassigned(&mut two, 1).topics[0].partitions[0];
    assert_eq!((moved.adding_replicas.len(), moved.removing_replicas[0].0), (0, 1), "there is nobody else");
}

#[test]
fn a_broker_that_is_never_in_sync_leads_nothing() {
    for mut cluster in [five(&[(4, Fault::UnderReplicated)]), on_kraft(&[(4, Fault::UnderReplicated)])] {
        let behind = not_whole(&mut cluster, 1);
        assert_eq!(out_of_sync(&behind), [4]);
        assert!(behind.iter().all(|it| it.leader != 4 && it.leader > 0 && it.offline.is_empty()), "{behind:?}");
        cluster.begin_anew();
        cluster.advance(SETTLE_MS);
        assert!(not_whole(&mut cluster, 1).iter().all(|it| it.leader > 0), "others lead from the beginning");
    }
}

#[test]
fn a_lost_disk_leaves_partitions_without_a_leader_although_the_broker_answers() {
    for mut cluster in [five(&[(4, Fault::Offline)]), on_kraft(&[(4, Fault::Offline)])] {
        let lost = not_whole(&mut cluster, 4);
        assert!(!lost.is_empty());
        for partition in &lost {
            assert_eq!((partition.leader, partition.error_code, partition.replicas[0]), (-1, 5, 4), "{partition:?}");
            assert_eq!(partition.offline, partition.isr, "{partition:?}");
        }
        let controller = cluster.zookeeper_controller.unwrap_or_else(|| leader(&cluster));
        let counted = gauges(&cluster, controller)["offlinepartitionscount"];
        assert_eq!(counted, i64::try_from(lost.len()).expect("few"));
    }
}

#[test]
fn nobody_hears_of_a_fenced_broker_on_kraft() {
    let fault = [(4, Fault::Fenced)];
    assert_eq!(not_whole(&mut five(&fault), 1), [], "ZooKeeper fences nobody");
    let mut cluster = on_kraft(&fault);
    let hidden = not_whole(&mut cluster, 1);
    assert_eq!(out_of_sync(&hidden), [4]);
    assert!(hidden.iter().all(|it| it.offline == [4]), "{hidden:?}");
    for id in [3001, 3002, 3003] {
        let page = gauges(&cluster, id);
        assert_eq!((page["activebrokercount"], page["fencedbrokercount"]), (4, 1), "{id}");
    }
    assert!(cluster.is_listening(4));
}

#[test]
fn topics_can_be_hidden_from_whoever_asks() {
    let mut cluster = on_kraft(&[(2, Fault::TopicsHidden), (3, Fault::SomeTopicsHidden)]);
    assert_eq!([1, 2, 3].map(|id| topics(&mut cluster, id).topics), [4, 0, 3]);
    assert_eq!([1, 2, 3].map(|id| min_in_sync(&mut cluster, id, "audit").is_ok()), [true, false, false]);
    assert_eq!(min_in_sync(&mut cluster, 2, "audit"), Err(29));
    assert_eq!(gauges(&cluster, 3001)["globaltopiccount"], 4);
}

#[test]
fn pages_count_topics_where_they_are_known() {
    let counts = |cluster: &Cluster, id| {
        let page = gauges(cluster, id);
        ["globaltopiccount", "globalpartitioncount", "activecontrollercount"].map(|bean| page[bean])
    };
    let mut before = five(&[]);
    before.start_controllers();
    before.advance(SETTLE_MS);
    assert_eq!([1, 2].map(|id| counts(&before, id)), [[4, 12, 1], [0; 3]], "only the ZooKeeper controller");
    assert_eq!(counts(&before, 3001)[..2], [0; 2], "nothing is copied yet");
    let mut after = copied(&[]);
    assert_eq!([1, 2].map(|id| counts(&after, id)), [[0; 3]; 2]);
    assert_eq!([3001, 3002, 3003].map(|id| counts(&after, id)[..2] == [4, 12]), [true; 3]);
    assert_eq!(gauges(&after, 1)["zkmigrationstate"], 4, "a constant, whatever is copied");
    restart(&mut after, 1, Mode::Kraft);
    assert!(gauges(&after, 1).is_empty(), "a KRaft broker has no such gauge");
    assert!(!gauges(&cluster(Version::V3_5, 1, 1, 1), 1).contains_key("zkmigrationstate"), "not before 3.6");
}

#[test]
fn pages_count_what_is_wrong() {
    let deleting = five(&[(4, Fault::TopicDeletion)]);
    let counted = |id| ["topicstodeletecount", "replicastodeletecount"].map(|bean| gauges(&deleting, id)[bean]);
    assert_eq!([1, 4].map(counted), [[1; 2], [0; 2]], "the controller counts, on account of broker 4");

    let wrong = [(3001, Fault::WriteBehind), (3002, Fault::WriteBehind), (3003, Fault::WriteBehind)];
    let mut cluster = copied(&[&wrong[..], &[(3002, Fault::MetadataErrors)]].concat());
    assert_eq!([3001, 3002, 3003].map(|id| gauges(&cluster, id)["metadataerrorcount"]), [0, 1, 0]);
    let lag = |cluster: &Cluster| [3001, 3002, 3003].map(|id| gauges(cluster, id)["zkwritebehindlag"]);
    let before: i64 = lag(&cluster).iter().sum();
    cluster.advance(2_000);
    let after = lag(&cluster);
    assert_eq!(after.iter().sum::<i64>() - before, 4, "two a second");
    assert_eq!(after.iter().filter(|lag| **lag > 0).count(), 1, "only whoever leads counts: {after:?}");
}

/// What the leader says of the quorum.
fn quorum(cluster: &mut Cluster) -> PartitionData {
    let id = leader(cluster);
    ask(cluster, id, &DescribeQuorumRequest::default(), 1).topics[0].partitions[0].clone()
}

#[test]
fn an_epoch_moves_every_second() {
    let mut cluster = copied(&[(3002, Fault::EpochMoves)]);
    let epoch = quorum(&mut cluster).leader_epoch;
    for _ in 0..3 {
        cluster.advance(1_000);
        let said = quorum(&mut cluster);
        assert_eq!(said.leader_id.0, 3002);
        assert!(said.current_voters.iter().all(|voter| voter.last_fetch_timestamp > 0), "everybody fetches");
    }
    assert_eq!(quorum(&mut cluster).leader_epoch, epoch + 3);
}

#[test]
fn a_voter_that_fetches_nothing_stands_still() {
    let mut cluster = copied(&[]);
    let id = [3001, 3002].into_iter().find(|id| *id != leader(&cluster)).expect("a standby");
    cluster.faults.add(format!("{id}=not-fetching").parse().expect("a fault"));
    let fetched = |cluster: &mut Cluster| {
        let said = quorum(cluster);
        said.current_voters.iter().find(|it| it.replica_id.0 == id).expect("a voter").last_fetch_timestamp
    };
    let before = fetched(&mut cluster);
    cluster.advance(3_000);
    assert_eq!(fetched(&mut cluster), before);
}

#[test]
fn a_node_of_another_release_lists_what_that_has() {
    let mut mixed = on_kraft(&[(2, Fault::OtherRelease), (3002, Fault::OtherRelease)]);
    let fetch = |cluster: &mut Cluster, id| {
        let said = ask(cluster, id, &ApiVersionsRequest::default(), 3);
        let highest = said.api_keys.iter().find(|it| it.api_key == 1).map(|it| it.max_version);
        let feature = |levels: Option<i16>| levels.expect("a feature");
        let supported = said.supported_features.iter().find(|it| it.name.as_str() == "metadata.version");
        let finalized = said.finalized_features.first().map(|it| it.max_version_level);
        (highest, feature(supported.map(|it| it.max_version)), feature(finalized))
    };
    let (new, old) = ((Some(17), 21, 20), (Some(16), 20, 20));
    assert_eq!([1, 2, 3001, 3002].map(|id| fetch(&mut mixed, id)), [new, old, new, old]);
}

/// What an HTTP GET of this address is answered with.
async fn got(url: &str) -> String {
    let (address, path) = url.trim_start_matches("http://").split_once('/').expect("a path");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("text");
    text
}

#[tokio::test]
async fn a_rehearsal_serves_the_pages_of_its_brokers() {
    let mut rehearsal = Rehearsal::start(Version::V3_9, 3, 1, &[]).await.expect("ports");
    let page_of = |id: i32| rehearsal.broker_pages().replace("{id}", &id.to_string());
    let second = page_of(2);
    for id in [1, 2, 3] {
        let page = got(&page_of(id)).await;
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.to_lowercase().contains("topicstodelete"), "{page}");
        assert_eq!(page.matches(" 12.0\n").count(), usize::from(id == 1), "the partitions, by the controller: {page}");
    }
    rehearsal.act(|cluster| cluster.stop(2)).await.expect("ports");
    assert_eq!(got(&second).await, "", "who does not run has no page");
}
