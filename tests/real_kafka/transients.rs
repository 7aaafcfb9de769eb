//! What passes by itself: restarts in the middle of a look, elections, exporters that are starting. Looks are taken
//! all the while. None may be blocked, refused or a crash, and none may be wrongly complete.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use crate::cluster::{Cluster, SMALLEST, Shape};
use crate::distribution::Distribution;
use crate::looking::looks_while;
use crate::node::{BrokerMode, ControllerMode};
use crate::record::{Recordings, situation};
use crate::verdicts::{STAGES, V, whole};
use crate::{KAFKA, MIGRATION};

const RECORDINGS: Recordings = Recordings { version: KAFKA, series: "transients" };

/// Two or three looks of five seconds, each waiting for the node that is held.
const A_FEW_LOOKS: Duration = Duration::from_secs(8);

#[test]
fn restarts_and_elections_while_one_looks() {
    let kafka = Distribution::fetch(KAFKA);
    let mut cluster = Cluster::start(&kafka, Shape { brokers: 2, controllers: 3, topics: true, ..SMALLEST });
    cluster.provision_controllers();
    cluster.restart_broker(1, BrokerMode::Migration);

    // The last broker starts the copy: all are flagged, the state is PRE_MIGRATION for a moment, then MIGRATION.
    let seen = while_looking(&mut cluster, "last broker into migration mode", |cluster| {
        cluster.restart_broker(2, BrokerMode::Migration);
        cluster.await_state(MIGRATION);
    });
    assert_eq!((&seen[0], &seen[1]), (&[V::Ok].into(), &[V::Ok, V::No].into()));
    assert_eq!((&seen[2], &seen[3]), (&[V::No].into(), &[V::No].into()));

    // A broker that restarts is unseen for a while, and everything about it with it; then it answers, and has heard
    // nothing from the controllers yet. The quorum is not concerned.
    let seen = while_looking(&mut cluster, "broker restarts in migration mode", |cluster| {
        cluster.restart_broker(2, BrokerMode::Migration);
    });
    assert_eq!(seen[0], [V::Ok].into());
    assert!(seen[1].contains(&V::Ok) && seen[1].contains(&V::Huh) && !seen[1].contains(&V::Block), "{:?}", seen[1]);
    assert_eq!((&seen[2], &seen[3]), (&[V::No].into(), &[V::No].into()));

    // A broker whose listener is open and whose answers do not come is as unseen as one that is gone.
    cluster.hold(2, true);
    let seen = while_looking(&mut cluster, "broker listens and does not answer", |_| sleep(A_FEW_LOOKS));
    cluster.hold(2, false);
    assert_eq!(seen, [[V::Ok].into(), [V::Huh].into(), [V::No].into(), [V::No].into()]);

    // On its way to KRaft a broker is at or beyond migration mode whenever it is seen.
    let seen = while_looking(&mut cluster, "broker restarts into KRaft", |cluster| {
        cluster.restart_broker(2, BrokerMode::Kraft);
    });
    assert_eq!(seen[1], [V::Ok, V::Huh].into());
    assert_eq!((&seen[2], &seen[3]), (&[V::No].into(), &[V::No].into()));
    cluster.restart_broker(1, BrokerMode::Kraft);

    // A killed leader: an election, a controller that is gone, one that comes back with its exporter.
    let leader = cluster.leader();
    let seen = while_looking(&mut cluster, "leader killed and started again", |cluster| {
        cluster.kill(leader);
        assert_ne!(cluster.leader(), leader);
        cluster.start_again(leader);
    });
    assert!(seen[0].contains(&V::No) || seen[0].contains(&V::Huh), "quorum-provisioned: {:?}", seen[0]);
    for (stage, seen) in [(STAGES[1], &seen[1]), (STAGES[2], &seen[2])] {
        assert!(seen.contains(&V::Ok) && !seen.contains(&V::Block), "{stage}: {seen:?}");
    }
    assert!(!seen[3].contains(&V::Ok) && !seen[3].contains(&V::Block), "finalized: {:?}", seen[3]);
}

#[test]
fn a_single_controller_whose_exporter_starts() {
    let kafka = Distribution::fetch(KAFKA);
    let mut cluster = Cluster::start(&kafka, SMALLEST);
    cluster.provision_controllers();
    cluster.restart_broker(1, BrokerMode::Migration);
    cluster.await_state(MIGRATION);
    // Refused, then a page without the metric, then -1, then the state: cannot tell until the last.
    let seen = while_looking(&mut cluster, "only controller restarts", |cluster| {
        cluster.restart_controller(3001, ControllerMode::Flagged);
        cluster.await_state(MIGRATION);
    });
    for (stage, seen) in [(STAGES[0], &seen[0]), (STAGES[1], &seen[1])] {
        assert!(seen.contains(&V::Huh) && !seen.contains(&V::Block), "{stage}: {seen:?}");
    }
    assert!(!seen[2].contains(&V::Ok) && !seen[3].contains(&V::Ok), "{seen:?}");
}

/// Takes looks while something happens to the cluster, and returns which verdicts each stage had.
fn while_looking(cluster: &mut Cluster, what: &str, happen: impl FnOnce(&mut Cluster)) -> [BTreeSet<V>; 4] {
    let looks = looks_while(&whole(cluster), 0, || happen(cluster));
    let mut situations = BTreeSet::new();
    for look in &looks {
        if situations.insert(situation(&look.documents)) {
            RECORDINGS.keep(&look.snapshot, &format!("{what} {:02}", situations.len()));
        }
    }
    let seen = [0, 1, 2, 3].map(|stage| looks.iter().map(|look| V::of(&look.documents[stage])).collect());
    println!("{what}: {} looks, {seen:?}", looks.len());
    seen
}
