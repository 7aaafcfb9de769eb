//! What ails a simulated cluster, by its own state: the second opinion that health is held against. As `truth`, it knows
//! nothing of rows, signals or what was asked.

use kraft_check::rehearse::{Cluster, Fault, Mode, Partition, Version};
use kraft_check::snapshot::NodeId;

use crate::truth::{keeps_up, leaders};

/// What is looked at: who is known of, and what is shown at all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watched {
    /// Whether the brokers were declared; otherwise they are those that listen.
    pub(crate) declared: bool,
    /// Whether the controllers were given.
    pub(crate) quorum: bool,
    /// Whether pages are shown, and nothing is lost of them.
    pub(crate) pages: bool,
}

/// How far the dual write may be behind before that is an ailment, in records.
const BEHIND_MAX: i64 = 50;

/// What a healthy cluster is, each under a name, and whether it is so at this moment.
pub(crate) fn healthy(cluster: &Cluster, watched: Watched) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    let expected = cluster.brokers.keys().filter(|id| watched.declared || cluster.is_listening(**id));
    let told =
        || cluster.brokers.iter().filter(|(id, _)| cluster.is_listening(**id)).filter_map(|(_, it)| it.told.as_ref());
    for &id in expected {
        all.push((format!("broker {id} runs and has its say"), cluster.is_listening(id) && !is_fenced(cluster, id)));
        all.push((format!("broker {id} is known to all"), told().all(|(_, known)| known.brokers.contains(&id))));
    }
    if !has_no_topics(cluster) {
        of_partitions(cluster, &mut all);
    }
    let somebody_shows = cluster.brokers.keys().any(|id| !cluster.faults.has(*id, Fault::TopicsHidden));
    all.push(("topics are shown".to_owned(), somebody_shows || has_no_topics(cluster)));
    // Whose flag does not show has begun nothing that could be seen.
    let has_begun = |id: NodeId, mode: Mode| match mode {
        Mode::Zookeeper => false,
        Mode::Migration => !cluster.faults.has(id, Fault::FlagOff),
        Mode::Kraft => true,
    };
    let has_begun = cluster.brokers.iter().any(|(id, it)| cluster.is_listening(*id) && has_begun(*id, it.mode));
    if watched.quorum || has_begun {
        of_quorum(cluster, &mut all);
    }
    if watched.pages {
        on_pages(cluster, watched, &mut all);
    }
    all
}

/// Whether anybody is registered of whom the controllers hear nothing.
pub(crate) fn is_any_fenced(cluster: &Cluster) -> bool {
    cluster.quorum.registrations().values().any(|known| known.is_fenced)
}

/// Whether no broker was told of any topic: a cluster that was born in KRaft here, to which nothing was copied.
pub(crate) fn has_no_topics(cluster: &Cluster) -> bool {
    cluster.brokers.values().filter_map(|broker| broker.told.as_ref()).all(|(_, known)| known.topics.is_empty())
}

fn of_partitions(cluster: &Cluster, all: &mut Vec<(String, bool)>) {
    // Of what nobody may see nobody can tell: that fault hides the first topic.
    let hidden = usize::from(cluster.faults.any(Fault::SomeTopicsHidden).is_some());
    let shown = || cluster.topics.iter().skip(hidden).flat_map(|topic| &topic.partitions);
    all.push(("every partition is led".to_owned(), shown().all(|it| it.leader.is_some())));
    all.push(("every replica is in sync".to_owned(), shown().all(|it| it.in_sync.len() == it.replicas.len())));
    let moved = cluster.topics.iter().flat_map(|topic| &topic.partitions).any(Partition::is_moving);
    all.push(("nothing is moved".to_owned(), !moved));
}

fn of_quorum(cluster: &Cluster, all: &mut Vec<(String, bool)>) {
    all.push(("a leader with a majority".to_owned(), leaders(cluster).next().is_some()));
    for id in cluster.quorum.controllers.keys() {
        all.push((format!("controller {id} runs"), cluster.is_listening(*id)));
        all.push((format!("controller {id} keeps up"), keeps_up(cluster, *id)));
    }
}

/// What only pages show.
fn on_pages(cluster: &Cluster, watched: Watched, all: &mut Vec<(String, bool)>) {
    let deletes = cluster.faults.any(Fault::TopicDeletion).is_some();
    let counts = cluster.zookeeper_controller.is_some_and(|id| cluster.is_listening(id));
    all.push(("no topic waits for its deletion".to_owned(), !(deletes && counts)));
    if watched.quorum {
        let without = |fault| leaders(cluster).any(|(id, _)| !cluster.faults.has(id, fault));
        // A broker that went back to ZooKeeper's ways stays registered, and is not heard of.
        all.push(("everybody registered is heard of".to_owned(), !is_any_fenced(cluster)));
        all.push(("the leader met no error".to_owned(), without(Fault::MetadataErrors)));
        let is_behind = |(id, leader): (NodeId, &kraft_check::rehearse::Controller)| {
            let end = leader.published.unwrap_or(0);
            let writes = leader.flag && cluster.version >= Version::V3_6 && cluster.quorum.is_copied_at(end);
            writes && cluster.faults.has(id, Fault::WriteBehind) && end - 1 > BEHIND_MAX
        };
        all.push(("ZooKeeper is written to".to_owned(), leaders(cluster).any(|leader| !is_behind(leader))));
    }
}

/// Whether nobody hears of a broker although it runs.
fn is_fenced(cluster: &Cluster, id: NodeId) -> bool {
    let by_quorum = cluster.zookeeper_controller.is_none();
    by_quorum && cluster.faults.has(id, Fault::Fenced)
}

/// Who fetched when from whoever leads in which epoch.
pub(crate) fn fetches(cluster: &Cluster) -> Vec<(NodeId, i32, NodeId, u64)> {
    let of_leader = |(leader, knows): (NodeId, &kraft_check::rehearse::Controller)| {
        let epoch = knows.leads.unwrap_or_default();
        let voters = cluster.quorum.controllers.keys().filter(move |id| **id != leader);
        let fetched: Vec<_> =
            voters.map(|id| (leader, epoch, *id, knows.followers.get(id).map_or(0, |it| it.fetched))).collect();
        fetched.into_iter().chain([(leader, epoch, leader, 0)])
    };
    leaders(cluster).flat_map(of_leader).collect()
}
