//! Who else there is: controllers and brokers that nobody gave, as others tell of them.
//!
//! Addresses given by hand win, and where controllers were given, only controllers tell of others, so that a broker of
//! another cluster brings nobody in. Not here: who is asked, and how many at most (`observe`), and whether an address is
//! really of the id that it was told for (`signals`).

use std::collections::BTreeSet;

use super::second_round::Answered;
use super::{Address, Plan};
use crate::security::Security;
use crate::snapshot::{AskedAs, BrokerLists, Configs, Endpoint, Found, Node, NodeId};

/// The controllers that others tell of and that were not asked, each under the first address that is told for it. What a
/// node is configured with comes before what the quorum says of itself: it is the address by which brokers come.
pub(super) fn controllers<S>(all: &[Answered<S>], plan: &Plan) -> Vec<(Address, Found)> {
    let by_hand = || plan.controllers.iter().filter_map(|address| address.id);
    let nodes = || {
        let all = all.iter().map(|answered| &answered.node);
        all.filter(|node| plan.controllers.is_empty() || node.asked_as == AskedAs::Controller)
    };
    let configured = nodes().flat_map(|node| &node.configs.said).flat_map(Configs::controllers);
    let voters = nodes().filter_map(Node::leadership).flat_map(|said| said.nodes.iter().cloned());
    let registered =
        nodes().flat_map(|node| &node.cluster.said).flat_map(|cluster| cluster.controllers.iter().cloned());
    let with_id = |(id, endpoint): (NodeId, Endpoint)| (Some(id), endpoint);
    let told = configured
        .map(|told| (told, Found::Configuration))
        .chain(voters.map(|told| (with_id(told), Found::Quorum)))
        .chain(registered.map(|told| (with_id(told), Found::Cluster)));
    // Who says of itself that it leads is asked; a broker only passes on what the leader says, and it may be a new one.
    let asked = || nodes().filter(|node| node.asked_as == AskedAs::Controller);
    let mut met: BTreeSet<NodeId> =
        by_hand().chain(asked().filter_map(Node::leadership).map(|said| said.leader)).collect();
    let mut places: BTreeSet<Endpoint> = asked().map(|node| node.endpoint.clone()).collect();
    let mut found = Vec::new();
    for ((id, endpoint), by) in told {
        let is_asked = places.contains(&endpoint);
        let is_new = id.is_none_or(|id| met.insert(id)) && places.insert(endpoint.clone());
        if is_new && !is_asked {
            found.push((Address { id, endpoint }, by));
        }
    }
    found
}

/// The brokers that are registered with the quorum and that no broker lists, such as one that is down; each at its first
/// listener that is spoken to as we speak.
pub(super) fn brokers<S>(all: &[Answered<S>], lists: &BrokerLists, security: &Security) -> Vec<(NodeId, Endpoint)> {
    // The ids of `SecurityProtocol.java`.
    let ours = match (security.tls.is_some(), security.login.is_some()) {
        (false, false) => 0,
        (true, false) => 1,
        (false, true) => 2,
        (true, true) => 3,
    };
    let listed: BTreeSet<NodeId> = lists.brokers().map(|(id, _)| *id).collect();
    let unlisted = all.iter().flat_map(|answered| &answered.node.log.said).flat_map(|log| &log.brokers);
    let unlisted = unlisted.filter(|registration| !listed.contains(&registration.id));
    let spoken = unlisted.filter_map(|registration| {
        let listener = registration.listeners.iter().find(|listener| listener.security_protocol == ours)?;
        Some((registration.id, listener.endpoint.clone()))
    });
    spoken.collect()
}
