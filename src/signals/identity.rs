//! Which endpoint is whose: what is claimed by hand, and what the nodes tell.
//!
//! An answer counts for an id only if it came from an endpoint that is claimed for that id alone. An id that was given
//! by hand has no other endpoint. Of brokers, Metadata claims; of controllers, the quorum's own lists of voters, any node's
//! `controller.quorum.voters`, and what the node says of itself. Registrations in the metadata log outlive whoever made them,
//! so they claim only for an id and an endpoint of which nobody else tells.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{AskedAs, Configs, Endpoint, Listener, Look, MetadataLog, Node, NodeId};

/// The ids that are claimed for each endpoint.
pub(super) type Claims<'a> = BTreeMap<&'a Endpoint, BTreeSet<NodeId>>;

/// The claims about brokers.
pub(super) fn of_brokers(look: &Look) -> Claims<'_> {
    let listed = look.broker_lists().flat_map(|list| &**list);
    let claims = claims(look, AskedAs::Broker, listed.map(|(id, place)| (*id, place)));
    let registered = logs(look).flat_map(|log| &log.brokers).map(|broker| (broker.id, &*broker.listeners));
    with_registered(claims, registered)
}

/// The claims about controllers; `configured` are those that stand in nodes' configurations.
pub(super) fn of_controllers<'a>(look: &'a Look, configured: &'a [Configured]) -> Claims<'a> {
    let quorums = look.nodes.iter().filter_map(Node::leadership).map(|said| &said.nodes);
    let clusters = look.nodes.iter().flat_map(|node| &node.cluster.said).map(|cluster| &cluster.controllers);
    let listed = quorums.chain(clusters).flatten().map(|(id, place)| (*id, place));
    let listed = listed.chain(configured.iter().filter_map(|controller| Some((controller.id?, &controller.endpoint))));
    let own = look.nodes.iter().filter(|node| node.asked_as == AskedAs::Controller && node.given.is_none());
    let own = own.filter_map(|node| Some((own_name(node)?, &node.endpoint)));
    let claims = claims(look, AskedAs::Controller, listed.chain(own));
    let registered =
        logs(look).flat_map(|log| &log.controllers).map(|controller| (controller.id, &*controller.listeners));
    with_registered(claims, registered)
}

fn logs(look: &Look) -> impl Iterator<Item = &MetadataLog> {
    look.nodes.iter().filter_map(|node| node.log.said.as_deref().ok())
}

/// The claims, and those of registrations for whom and what nobody else claims.
fn with_registered<'a>(
    mut claims: Claims<'a>,
    registered: impl Iterator<Item = (NodeId, &'a [Listener])>,
) -> Claims<'a> {
    let mut registered = registered.peekable();
    if registered.peek().is_none() {
        return claims;
    }
    let known: BTreeSet<NodeId> = claims.values().flatten().copied().collect();
    let taken: BTreeSet<&Endpoint> = claims.keys().copied().collect();
    for (id, listeners) in registered.filter(|(id, _)| !known.contains(id)) {
        for place in listeners.iter().map(|listener| &listener.endpoint).filter(|place| !taken.contains(place)) {
            claims.entry(place).or_default().insert(id);
        }
    }
    claims
}

/// A controller in a node's configuration.
pub(super) struct Configured {
    /// As what the node was asked in whose configuration it stands.
    pub(super) by: AskedAs,
    /// Its id, which `controller.quorum.bootstrap.servers` does not give.
    pub(super) id: Option<NodeId>,
    pub(super) endpoint: Endpoint,
}

/// The controllers that brokers and controllers have in their configurations.
pub(super) fn configured_controllers(look: &Look) -> Vec<Configured> {
    let configs = look.nodes.iter().flat_map(|node| node.configs.said.iter().map(|said| (node.asked_as, said)));
    let of = |(by, said): (AskedAs, &Configs)| {
        said.controllers().map(|(id, endpoint)| Configured { by, id, endpoint }).collect::<Vec<_>>()
    };
    configs.flat_map(of).collect()
}

/// What a controller says that it is: a leader names itself, and a node describes its own configuration only.
fn own_name(node: &Node) -> Option<NodeId> {
    let configured = || node.configs.said.as_ref().ok().map(|configs| configs.id);
    node.leadership().map(|said| said.leader).or_else(configured)
}

fn claims<'a>(look: &'a Look, asked_as: AskedAs, told: impl Iterator<Item = (NodeId, &'a Endpoint)>) -> Claims<'a> {
    let asked = look.nodes.iter().filter(|node| node.asked_as == asked_as);
    let by_hand: BTreeMap<NodeId, &Endpoint> =
        asked.filter_map(|node| node.given.map(|id| (id, &node.endpoint))).collect();
    let mut claims: Claims<'_> = BTreeMap::new();
    for (id, endpoint) in &by_hand {
        claims.entry(endpoint).or_default().insert(*id);
    }
    for (id, endpoint) in told {
        if by_hand.get(&id).is_none_or(|given| *given == endpoint) {
            claims.entry(endpoint).or_default().insert(id);
        }
    }
    claims
}
