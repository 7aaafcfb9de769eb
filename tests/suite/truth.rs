//! What is so in a simulated cluster, by its own state. Nothing here knows of stages' rows, signals or what was asked:
//! it is the second opinion that verdicts are held against.

use kraft_check::rehearse::{Cluster, Controller, MigrationState, Mode, Teller};
use kraft_check::snapshot::NodeId;

/// A voter that was not heard of for longer does not keep up, in milliseconds.
const KEEPS_UP_MS: u64 = 10_000;

/// The conditions of a stage, each under a name, and whether each holds at this moment. Unless the brokers were declared,
/// they are those that listen: of the others only a registration is left.
pub(crate) fn conditions(stage: &str, cluster: &Cluster, declared: bool) -> Vec<(String, bool)> {
    let mut all = vec![("a leader with a majority".to_owned(), leaders(cluster).next().is_some())];
    let each_broker = |all: &mut Vec<(String, bool)>, what: &str, is: &dyn Fn(NodeId) -> bool| {
        let expected = cluster.brokers.iter().filter(|(id, _)| declared || cluster.is_listening(**id));
        all.extend(expected.map(|(id, _)| (format!("broker {id} {what}"), is(*id))));
    };
    let each_controller = |all: &mut Vec<(String, bool)>, what: &str, is: &dyn Fn(NodeId) -> bool| {
        all.extend(cluster.quorum.controllers.keys().map(|id| (format!("controller {id} {what}"), is(*id))));
    };
    let mode = |id: NodeId| cluster.brokers[&id].mode;
    let flag = |id: NodeId| cluster.quorum.controllers[&id].flag;
    match stage {
        "quorum-provisioned" => {
            each_controller(&mut all, "runs", &|id| cluster.is_listening(id));
            each_controller(&mut all, "keeps up", &|id| keeps_up(cluster, id));
            each_controller(&mut all, "has its flag while it matters", &|id| flag(id) || !to_be_migrated(cluster));
            all.push((
                "can migrate".to_owned(),
                state(cluster) != Some(MigrationState::None) || !on_zookeeper(cluster),
            ));
        }
        "brokers-in-migration" => {
            each_broker(&mut all, "has begun", &|id| cluster.is_listening(id) && mode(id) != Mode::Zookeeper);
            all.push(("copied".to_owned(), copied(cluster)));
        }
        "brokers-migrated" => {
            each_broker(&mut all, "runs KRaft", &|id| cluster.is_listening(id) && mode(id) == Mode::Kraft);
            all.push(("copied".to_owned(), copied(cluster)));
            all.push(("nobody registered on ZooKeeper".to_owned(), nobody_registered(cluster)));
        }
        "finalized" => {
            each_broker(&mut all, "runs KRaft", &|id| cluster.is_listening(id) && mode(id) == Mode::Kraft);
            each_controller(&mut all, "is without its flag", &|id| cluster.is_listening(id) && !flag(id));
            let finalized = state(cluster) == Some(MigrationState::PostMigration) || born_in_kraft(cluster);
            all.push(("finalized".to_owned(), finalized));
            all.push(("nobody registered on ZooKeeper".to_owned(), nobody_registered(cluster)));
        }
        other => panic!("no truth of {other}"),
    }
    all
}

/// Whether going on is unsafe, or waiting of no use: what guards are for, by the cluster's own state.
pub(crate) fn is_in_danger(cluster: &Cluster) -> bool {
    let flagless_broker = cluster.brokers.values().any(|broker| broker.up && broker.mode == Mode::Zookeeper);
    let flagless_voter = cluster.quorum.controllers.values().any(|controller| controller.up && !controller.flag);
    // Guards read gauges, which may be a little behind the log.
    let shown = cluster.quorum.controllers.values().filter_map(|controller| controller.published);
    shown.chain([i64::MAX]).any(|end| match cluster.quorum.state_at(end) {
        Some(MigrationState::PostMigration | MigrationState::None) => on_zookeeper(cluster),
        Some(MigrationState::Migration) => flagless_broker || (flagless_voter && on_zookeeper(cluster)),
        _ => false,
    })
}

/// Whether a ZooKeeper controller rules the brokers although the log says that everything was copied: the quorum is
/// left over from an earlier attempt. With one broker alone that cannot be told from outside.
pub(crate) fn is_left_over(cluster: &Cluster) -> bool {
    let by_zookeeper = |told: &Option<(Teller, _)>| matches!(told, Some((Teller::Broker(_), _)));
    let misled = cluster.brokers.values().filter(|it| it.up && it.mode == Mode::Migration && by_zookeeper(&it.told));
    cluster.quorum.left_over && misled.count() > 1
}

fn state(cluster: &Cluster) -> Option<MigrationState> {
    cluster.quorum.state()
}

fn copied(cluster: &Cluster) -> bool {
    born_in_kraft(cluster) || matches!(state(cluster), Some(MigrationState::Migration | MigrationState::PostMigration))
}

/// A quorum that was first started without the flag, and brokers that know nothing else: nothing is left to migrate.
fn born_in_kraft(cluster: &Cluster) -> bool {
    state(cluster) == Some(MigrationState::None) && !on_zookeeper(cluster)
}

fn on_zookeeper(cluster: &Cluster) -> bool {
    cluster.brokers.values().any(|broker| broker.mode != Mode::Kraft)
}

fn to_be_migrated(cluster: &Cluster) -> bool {
    on_zookeeper(cluster) && state(cluster) != Some(MigrationState::PostMigration)
}

fn nobody_registered(cluster: &Cluster) -> bool {
    !cluster.quorum.registrations().values().any(|known| known.on_zookeeper)
}

/// Who leads with a majority that fetched a moment ago. One that is cut off leads until it is missed.
pub(crate) fn leaders(cluster: &Cluster) -> impl Iterator<Item = (NodeId, &Controller)> {
    let controllers = &cluster.quorum.controllers;
    let leads = controllers.iter().filter(|(_, controller)| controller.up && controller.leads.is_some());
    leads.map(|(id, controller)| (*id, controller)).filter(|(id, leader)| {
        let live = controllers.keys().filter(|voter| *voter == id || fetched(cluster, leader, **voter));
        live.count() * 2 > controllers.len()
    })
}

fn fetched(cluster: &Cluster, leader: &Controller, id: NodeId) -> bool {
    let since = |moment: u64| cluster.now.saturating_sub(moment);
    leader.followers.get(&id).is_some_and(|it| since(it.fetched.min(it.caught_up)) <= KEEPS_UP_MS)
}

pub(crate) fn keeps_up(cluster: &Cluster, id: NodeId) -> bool {
    leaders(cluster).any(|(leader, knows)| leader == id || fetched(cluster, knows, id))
}
