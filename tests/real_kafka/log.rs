//! The metadata log of real clusters: read whole and right whatever happens meanwhile, and without a trace. Everybody asks
//! by the address of one broker here, so that nothing but the log tells the state.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::ask;
use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::looking::looks_while;
use crate::node::BrokerMode;
use crate::record::Snapshot;
use crate::verdicts::V::{Huh, No, Ok};
use crate::verdicts::{Expected, STAGES, V, Walk, by_one_address, run};
use crate::{KAFKA, PRE_MIGRATION};

/// Of half of them the log has a snapshot.
const LOOKS: usize = 50;
/// How long the quorum is watched when nobody looks.
const A_WHILE: Duration = Duration::from_secs(5);
/// How many records more or less a second a busy machine makes of the two that an idle quorum writes.
const ABOUT: f64 = 0.8;

/// How often it is tried: a machine that stands still for two seconds has an election too, but hardly three times in a row.
const ATTEMPTS: usize = 3;

#[test]
fn nothing_is_left_behind_of_fifty_looks() {
    for version in [KAFKA, "3.5.2"] {
        let kafka = Distribution::fetch(version);
        let stays = (0..ATTEMPTS).any(|_attempt| {
            let shape = Shape { controllers: 3, topics: true, snapshot_bytes: Some(50_000), ..SMALLEST };
            let mut cluster = Cluster::migrating(&kafka, shape);
            let before = cluster.quorum_seen();
            let looked = catch_unwind(AssertUnwindSafe(|| fifty_looks(&cluster, version, before.0)));
            let after = cluster.quorum_seen();
            let (epoch_before, epoch) = (before.1, after.1);
            if epoch != epoch_before {
                println!("{version}: an election, from epoch {epoch_before} to {epoch}");
                return false;
            }
            looked.unwrap_or_else(|why| resume_unwind(why));
            assert_eq!(after, before, "leader, epoch, voters and observers");
            true
        });
        assert!(stays, "{version}: there is an election whenever one looks");
    }
}

fn fifty_looks(cluster: &Cluster, version: &str, leader: i32) {
    let at = cluster.endpoint(leader);
    assert_eq!(ask::log::snapshot(at).expect("an answer"), None, "the log is read from its beginning");
    let errors = cluster.errors();
    let idle = records_a_second(cluster, leader, || sleep(A_WHILE));
    let busy = records_a_second(cluster, leader, || look(cluster, LOOKS / 2, false));
    make_longer(cluster, leader, 60_000);
    // Kafka 3.4 and 3.5 go on to serve their log from its beginning.
    let served = version == KAFKA;
    await_snapshot(cluster, leader, served);
    let with_snapshot = records_a_second(cluster, leader, || look(cluster, LOOKS - LOOKS / 2, served));
    println!("{version}: {idle:.2} records a second, {busy:.2} while looking, {with_snapshot:.2} over a snapshot");
    assert!((busy - idle).abs() < ABOUT && (with_snapshot - idle).abs() < ABOUT, "the high watermark advances");
    assert_eq!(cluster.errors(), errors, "nobody is owed an error");
}

/// How fast the high watermark advances while something is done.
fn records_a_second(cluster: &Cluster, leader: i32, doing: impl FnOnce()) -> f64 {
    let high_watermark = || ask::log::high_watermark(cluster.endpoint(leader)).expect("a high watermark");
    let (began, first) = (Instant::now(), high_watermark());
    doing();
    let records = i32::try_from(high_watermark() - first).expect("a few records");
    f64::from(records) / began.elapsed().as_secs_f64()
}

/// Takes so many looks, each of which reads the log to its end.
fn look(cluster: &Cluster, times: usize, over_a_snapshot: bool) {
    let began = Instant::now();
    for number in 1.. {
        let snapshot = Snapshot::new();
        let flags = [by_one_address(cluster), vec![snapshot.flag()]].concat();
        let document = run(&["status"], &flags);
        let log = snapshot.log().unwrap_or_else(|missed| panic!("the log was not read: {missed}\n{document:#}"));
        assert_eq!(log["snapshot_end"].is_null(), !over_a_snapshot, "{log:#}");
        // A rate wants a while.
        if number >= times && began.elapsed() > A_WHILE {
            return;
        }
    }
}

/// Waits until the leader has written a snapshot, and sends readers to it where its version does.
fn await_snapshot(cluster: &Cluster, leader: i32, served: bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let written = cluster.metadata_log(leader).1.is_some();
        let sent = ask::log::snapshot(cluster.endpoint(leader)).expect("an answer").is_some();
        if written && sent == served {
            return;
        }
        assert!(Instant::now() < deadline, "no snapshot: written {written}, served {sent}");
        sleep(Duration::from_millis(100));
    }
}

/// Makes the log longer by so many bytes or more.
fn make_longer(cluster: &Cluster, leader: i32, bytes: usize) {
    const TOPICS: [&str; 2] = ["orders", "payments"];
    const EACH: usize = 30_000;
    for number in 0..bytes.div_ceil(TOPICS.len() * EACH) {
        ask::log::write_configurations(cluster.endpoint(leader), &TOPICS, EACH, number)
            .unwrap_or_else(|error| panic!("configurations: {error}"));
    }
}

const ON_KRAFT: [V; 4] = [Ok, Ok, Ok, No];

#[test]
fn the_leader_changes_while_its_log_is_read() {
    let kafka = Distribution::fetch(KAFKA);
    let mut cluster = Cluster::migrating(&kafka, Shape { controllers: 3, topics: true, ..SMALLEST });
    cluster.restart_brokers(BrokerMode::Kraft);
    // More than a controller gives at once, so that every reader has to come again.
    let leader = cluster.leader();
    make_longer(&cluster, leader, 20 * 1024 * 1024);
    let one = by_one_address(&cluster);
    assert_eq!(judged(&one), ON_KRAFT);
    let looks = looks_while(&one, 20, || {
        for _ in 0..4 {
            let leader = cluster.leader();
            cluster.stop(leader);
            assert_ne!(cluster.leader(), leader, "it has stopped");
            cluster.start_again(leader);
        }
    });
    let mut read = 0;
    for look in &looks {
        let [.., finalized] = &look.documents;
        assert_eq!(V::of(finalized), if look.snapshot.log().is_ok() { No } else { V::of(finalized) }, "{finalized:#}");
        assert_ne!(V::of(finalized), Ok, "{finalized:#}");
        assert!(look.documents.iter().all(|document| V::of(document) != V::Block), "{:#}", look.documents[0]);
        read += usize::from(look.snapshot.log().is_ok());
    }
    println!("{} looks while leaders stop, of which {read} read the log to its end", looks.len());
    assert!(looks.len() >= 20 && read > 0);
    assert_eq!(judged(&one), ON_KRAFT);
}

fn judged(flags: &[String]) -> [V; 4] {
    STAGES.map(|stage| V::of(&run(&["stage", stage], flags)))
}

const REGISTERED: &[Expected] = &[
    Expected { phase: "one broker flagged", verdicts: [Ok, No, No, No], why: "the others have not begun" },
    Expected { phase: "all in migration mode", verdicts: [Ok, Ok, No, No], why: "a snapshot tells the state as well" },
    Expected { phase: "all brokers on KRaft", verdicts: ON_KRAFT, why: "the log has nobody else" },
    Expected {
        phase: "a broker is killed",
        verdicts: [Ok, Huh, Huh, No],
        why: "it stands in the log, so it is one of them, and nobody can say what it is now",
    },
    Expected {
        phase: "its registration is deleted",
        verdicts: ON_KRAFT,
        why: "nothing is left of it: no registration, no replica",
    },
];

#[test]
fn registrations_of_the_dead_and_of_the_deleted_in_a_snapshot() {
    let kafka = Distribution::fetch(KAFKA);
    let mut walk = Walk::along("registered", REGISTERED, by_one_address);
    let shape = Shape { brokers: 3, snapshot_bytes: Some(300), ..SMALLEST };
    let mut cluster = Cluster::start(&kafka, shape);
    cluster.provision_controllers();
    cluster.await_state(PRE_MIGRATION);
    cluster.restart_broker(1, BrokerMode::Migration);
    judge_over_a_snapshot(&mut walk, "one broker flagged", &cluster);
    for id in [2, 3] {
        cluster.restart_broker(id, BrokerMode::Migration);
    }
    cluster.await_state(crate::MIGRATION);
    judge_over_a_snapshot(&mut walk, "all in migration mode", &cluster);
    cluster.restart_brokers(BrokerMode::Kraft);
    judge_over_a_snapshot(&mut walk, "all brokers on KRaft", &cluster);
    cluster.kill(3);
    cluster.await_fenced(3);
    judge_over_a_snapshot(&mut walk, "a broker is killed", &cluster);
    let leader = cluster.leader();
    ask::log::unregister(cluster.endpoint(leader), 3).expect("it is taken out");
    sleep(Duration::from_secs(1));
    judge_over_a_snapshot(&mut walk, "its registration is deleted", &cluster);
    walk.end(1 + 2 + 3 + 1 + 3);
}

fn judge_over_a_snapshot(walk: &mut Walk, phase: &str, cluster: &Cluster) {
    let leader = *cluster.controller_ids().start();
    await_snapshot(cluster, leader, true);
    walk.judge(phase, cluster);
}
