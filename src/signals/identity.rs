//! Which endpoint is whose: what is claimed by hand, and what the nodes tell.
//!
//! An answer counts for an id only if it came from an endpoint that is claimed for that id alone. An id that was given
//! by hand has no other endpoint. Of brokers, Metadata claims; of controllers, the quorum's own lists of voters, a
//! broker's `controller.quorum.voters`, and what the node says of itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::snapshot::{AskedAs, Endpoint, Look, Node, NodeId, Quorum};

/// The ids that are claimed for each endpoint.
pub(super) type Claims<'a> = BTreeMap<&'a Endpoint, BTreeSet<NodeId>>;

/// The claims about brokers.
pub(super) fn of_brokers(look: &Look) -> Claims<'_> {
    let listed = look.broker_lists().flat_map(|list| &**list);
    claims(look, AskedAs::Broker, listed.map(|(id, place)| (*id, place)))
}

/// The claims about controllers; `configured` are those that stand in brokers' configurations.
pub(super) fn of_controllers<'a>(look: &'a Look, configured: &'a [Configured]) -> Claims<'a> {
    let quorums = look.nodes.iter().filter_map(|node| match &node.quorum.said {
        Ok(Quorum::Leader(said)) => Some(&said.nodes),
        _ => None,
    });
    let clusters = look.nodes.iter().flat_map(|node| &node.cluster.said).map(|cluster| &cluster.controllers);
    let listed = quorums.chain(clusters).flatten().map(|(id, place)| (*id, place));
    let listed = listed.chain(configured.iter().filter_map(|controller| Some((controller.id?, &controller.endpoint))));
    let own = look.nodes.iter().filter(|node| node.asked_as == AskedAs::Controller && node.given.is_none());
    claims(look, AskedAs::Controller, listed.chain(own.filter_map(|node| Some((own_name(node)?, &node.endpoint)))))
}

/// A controller in a broker's configuration.
pub(super) struct Configured {
    /// Its id, which `controller.quorum.bootstrap.servers` does not give.
    pub(super) id: Option<NodeId>,
    pub(super) endpoint: Endpoint,
}

/// The controllers of brokers' `controller.quorum.voters` (`1@host:port,2@host:port`) and
/// `controller.quorum.bootstrap.servers` (`host:port,host:port`). What cannot be read claims nothing.
pub(super) fn configured_controllers(look: &Look) -> Vec<Configured> {
    let configs = look.nodes.iter().filter(|node| node.asked_as == AskedAs::Broker).flat_map(|node| &node.configs.said);
    let quorum =
        configs.flat_map(|configs| &configs.properties).filter(|(name, _)| name.starts_with("controller.quorum."));
    quorum.filter_map(|(_, value)| value.as_deref()).flat_map(|value| value.split(',')).filter_map(configured).collect()
}

fn configured(text: &str) -> Option<Configured> {
    let (id, place) = match text.trim().split_once('@') {
        Some((id, place)) => (Some(id.parse().ok()?), place),
        None => (None, text.trim()),
    };
    let (host, port) = place.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    Some(Configured { id, endpoint: Endpoint { host, port: port.parse().ok()? } })
}

/// What a controller says that it is: a leader names itself, and a node describes its own configuration only.
fn own_name(node: &Node) -> Option<NodeId> {
    match (&node.quorum.said, &node.configs.said) {
        (Ok(Quorum::Leader(said)), _) => Some(said.leader),
        (_, Ok(configs)) => Some(configs.id),
        _ => None,
    }
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
