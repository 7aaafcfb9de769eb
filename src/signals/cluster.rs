//! Which cluster the nodes are of: by the ids that they tell, and by the quorum that a broker belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::identity::Configured;
use super::log::{self, Log};
use super::{Sight, View, evidence, seen, unseen};
use crate::snapshot::{AskedAs, Leadership, Missed, Node, NodeId, Subject, Why};

/// Whether the controllers that were asked are those of the brokers that were asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kinship {
    /// They are not: another cluster id, or another leader in the same epoch.
    Other,
    /// The two sides are of different epochs: an election, seen from both sides.
    Unsettled,
    /// They are.
    Same,
}

impl fmt::Display for Kinship {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Other => "not one and the same",
            Self::Unsettled => "unsettled: they tell of different epochs, as during an election",
            Self::Same => "the same",
        })
    }
}

/// More records than a quorum commits between two questions of one look: a copy of 20,000 partitions has 22,000.
const RECORDS_IN_A_LOOK: i64 = 100_000;

/// Every cluster id that was told, with those that told it; `None` is an address that counts for no id.
#[must_use]
pub fn cluster_ids<'a>(view: &View<'a>) -> BTreeMap<&'a str, BTreeSet<Option<Subject>>> {
    let mut ids: BTreeMap<&str, BTreeSet<Option<Subject>>> = BTreeMap::new();
    for (subject, node) in view.nodes() {
        if let Some(id) = cluster_id(node) {
            ids.entry(id).or_default().insert(subject);
        }
    }
    ids
}

/// Whether several cluster ids were told, or another than the declared one.
#[must_use]
pub fn cluster_ids_differ(view: &View<'_>) -> bool {
    let told = cluster_ids(view);
    told.len() > 1 || view.declared_cluster_id().is_some_and(|declared| told.keys().any(|id| *id != declared))
}

/// The releases of Kafka that the nodes are of, as far as their lists of APIs tell, each with those that are of it; a node
/// that can be of several is counted with those that it can be of.
#[must_use]
pub fn kafka_versions(view: &View<'_>) -> BTreeMap<String, Vec<Subject>> {
    let releases = |node: &Node| node.api_versions.said.as_ref().ok()?.releases();
    let told = || view.nodes().filter_map(|(subject, node)| Some((subject, releases(node)?)));
    let exact: BTreeSet<_> = told().filter(|(_, (oldest, newest))| oldest == newest).map(|(_, it)| it.0).collect();
    let mut versions: BTreeMap<String, Vec<Subject>> = BTreeMap::new();
    for (subject, (oldest, newest)) in told() {
        let name = match exact.range(oldest..=newest).next() {
            Some(release) => release.to_string(),
            None => format!("{oldest} or {newest}"),
        };
        versions.entry(name).or_default().extend(subject);
    }
    versions
}

/// The cluster's id as this node tells it.
fn cluster_id(node: &Node) -> Option<&str> {
    let by_broker = node.metadata.said.iter().find_map(|metadata| metadata.cluster_id.as_deref());
    let mut by_controller = node.cluster.said.iter().map(|cluster| cluster.cluster_id.as_str());
    by_broker.or_else(|| by_controller.next())
}

/// Whether this broker tells the id that was declared.
pub(super) fn is_declared(view: &View<'_>, node: &Node) -> Sight<bool> {
    let evidence = Some(evidence(node, &node.metadata, "Metadata", "ClusterId"));
    match (view.declared_cluster_id(), cluster_id(node), &node.metadata.said) {
        (None, ..) => unseen(Missed::new(Why::NoExpectation, "no --expect-cluster-id was given"), None),
        (Some(declared), Some(id), _) => seen(id == declared, evidence),
        (Some(_), None, Err(missed)) => unseen(missed.clone(), evidence),
        (Some(_), None, Ok(_)) => {
            unseen(Missed::new(Why::NotLoaded, "it does not know its cluster's id yet"), evidence)
        }
    }
}

/// Whether brokers and controllers are of one cluster, by whatever was told.
pub(super) fn kinship(view: &View<'_>) -> Sight<Kinship> {
    if cluster_ids_differ(view) {
        return seen(Kinship::Other, None);
    }
    let leader = view.live_leader()?;
    let evidence = |field| Some(leader.evidence(field));
    let told = by_broker(view);
    match told.map(|said| (said.epoch == leader.said.epoch, said.leader == leader.id())) {
        Some((true, false)) => return seen(Kinship::Other, evidence("LeaderId")),
        Some((true, true)) if told.is_some_and(|told| is_later(told, leader.said)) => {
            return seen(Kinship::Same, evidence("LeaderId"));
        }
        _ => {}
    }
    let brokers_tell = view.brokers().any(|node| cluster_id(node).is_some());
    if brokers_tell && leader.node.cluster.said.is_ok() {
        return seen(Kinship::Same, evidence("LeaderId"));
    }
    if told.is_some() {
        return seen(Kinship::Unsettled, evidence("LeaderEpoch"));
    }
    if let Some(log) = registered_there(view) {
        return seen(Kinship::Same, Some(log.evidence("RegisterBrokerRecord")));
    }
    let is_leader = |controller: &Configured| {
        controller.id.is_none_or(|id| id == leader.id()) && controller.endpoint == leader.node.endpoint
    };
    if view.configured_controllers.iter().filter(|controller| controller.by == AskedAs::Broker).any(is_leader) {
        return seen(Kinship::Same, evidence("LeaderId"));
    }
    unseen(Missed::new(Why::NotAsked, "nothing that was told ties the brokers to the controllers"), None)
}

/// The KRaft broker that the live leader of the controllers has registered, with no other part in the quorum: proved by
/// its own question to the leader, which names the same leader in the same epoch.
pub(super) fn registered_broker<'a>(view: &View<'a>) -> Option<&'a Node> {
    let leader = view.live_leader().ok()?;
    let said = by_broker(view)?;
    let same = said.leader == leader.id() && said.epoch == leader.said.epoch && is_later(said, leader.said);
    speaking_broker(view).filter(|(id, _)| same && !view.is_combined(*id)).map(|(_, node)| node)
}

/// The log, if a broker that answers is registered in it at the very address where it was asked, and not fenced: such a one
/// sends this quorum its heartbeats.
fn registered_there<'a>(view: &View<'a>) -> Option<Log<'a>> {
    let log = log::log(view).ok()?;
    let is_there = |id: &NodeId| {
        let place = view.broker(*id).ok().map(|(node, _)| &node.endpoint);
        let registered = log.broker(*id).filter(|broker| !broker.fenced);
        registered.is_some_and(|broker| broker.listeners.iter().any(|listener| Some(&listener.endpoint) == place))
    };
    view.known_brokers().iter().any(is_there).then_some(log)
}

/// Whether one quorum said the second and then the first: small clusters all begin with the same leader in the same
/// epoch, so the voters and the high watermark must fit as well.
fn is_later(later: &Leadership, earlier: &Leadership) -> bool {
    let voters = |said: &Leadership| said.voters.iter().map(|voter| voter.id).collect::<BTreeSet<_>>();
    let places = |said: &Leadership| said.nodes.iter().cloned().collect::<BTreeSet<_>>();
    // A broker of an older release asks in a version that names no places.
    let same_places = later.nodes.is_empty() || earlier.nodes.is_empty() || places(later) == places(earlier);
    let grown = later.high_watermark.saturating_sub(earlier.high_watermark);
    voters(later) == voters(earlier) && same_places && (0..=RECORDS_IN_A_LOOK).contains(&grown)
}

/// The quorum as a broker sees it.
fn by_broker<'a>(view: &View<'a>) -> Option<&'a Leadership> {
    speaking_broker(view)?.1.leadership()
}

fn speaking_broker<'a>(view: &View<'a>) -> Option<(NodeId, &'a Node)> {
    view.known_brokers().iter().find_map(|&id| {
        let (node, _) = view.broker(id).ok()?;
        node.leadership().map(|_| (id, node))
    })
}
