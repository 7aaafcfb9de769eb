//! Brokers: where each stands on its ladder, whom it follows, and whether one may be missing.

use std::fmt;
use std::sync::Arc;

use super::{Seen, Sight, Unseen, View, api_versions_evidence, evidence, generation, seen, unseen};
use crate::snapshot::{AskedAs, Evidence, Generation, Metadata, Missed, Node, NodeId, Role, Why};

/// Where a broker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BrokerRung {
    /// Driven through ZooKeeper, its migration flag off.
    Zookeeper,
    /// Driven through ZooKeeper, its migration flag on.
    Migration,
    /// Driven through the metadata log.
    Kraft,
}

impl fmt::Display for BrokerRung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zookeeper => "ZooKeeper",
            Self::Migration => "migration mode",
            Self::Kraft => "KRaft",
        })
    }
}

/// Whom a broker on ZooKeeper names as the active controller, asked again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamedController {
    /// Nobody, or it lists no broker at all: no controller has told it anything.
    Nobody,
    /// One and the same broker in every answer: that one is the ZooKeeper controller.
    OneBroker,
    /// Any live broker, another one each time: so a broker answers while KRaft controllers rule.
    AnyBroker,
}

impl fmt::Display for NamedController {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nobody => "nobody",
            Self::OneBroker => "one and the same broker",
            Self::AnyBroker => "any broker",
        })
    }
}

/// How often a broker must have named one and the same controller before that means anything.
const SAME_CONTROLLER_CALLS: usize = 12;

/// What an operator of 3.4 can do.
const FLAG_UNTOLD: &str = "Kafka before 3.5 does not tell its migration flag: look into the node's configuration";

/// The rung of a broker. KRaft needs no flag: the API list alone says it.
pub(super) fn rung(view: &View<'_>, id: NodeId) -> Sight<BrokerRung> {
    let (node, role) = view.broker(id)?;
    if role != Role::ZookeeperBroker {
        return seen(BrokerRung::Kraft, Some(api_versions_evidence(node, "ApiKeys")));
    }
    if generation(node) == Some(Generation::BeforeFlag) {
        // Its keys say that it is on ZooKeeper, and nothing says more.
        let evidence = Some(api_versions_evidence(node, "ApiKeys"));
        return Ok(Seen {
            value: BrokerRung::Zookeeper,
            up_to: Some((BrokerRung::Migration, Missed::new(Why::NotListed, FLAG_UNTOLD))),
            evidence,
            named: Vec::new(),
        });
    }
    let flag = flag(node)?;
    seen(if flag.value { BrokerRung::Migration } else { BrokerRung::Zookeeper }, flag.evidence)
}

/// The migration flag of a node that answered. Kafka 4 has no flag that could be on.
pub(super) fn flag(node: &Node) -> Sight<bool> {
    let evidence = Some(api_versions_evidence(node, "ZkMigrationReady"));
    let words = match node.api_versions.said.as_ref().map(|said| (said.zk_migration_ready, said.generation())) {
        Err(missed) => return unseen(missed.clone(), evidence),
        Ok((_, Generation::BeforeFlag)) => {
            "Kafka before 3.5 does not tell its migration flag: look into its configuration"
        }
        Ok((None, _)) => "ApiVersions before version 3 has no place for the flag",
        Ok((Some(flag), _)) => return seen(flag, evidence),
    };
    unseen(Missed::new(Why::NotListed, words), evidence)
}

/// The last offset of the metadata log that a KRaft broker serves from: its `FinalizedFeaturesEpoch`.
pub(super) fn applied(view: &View<'_>, id: NodeId) -> Sight<i64> {
    let (node, role) = view.broker(id)?;
    let evidence = Some(api_versions_evidence(node, "FinalizedFeaturesEpoch"));
    let words = match node.api_versions.said.as_ref().ok().and_then(|said| said.features.epoch) {
        _ if role != Role::KraftBroker => "a broker on ZooKeeper follows no metadata log",
        Some(epoch) => return seen(epoch, evidence),
        None => "it does not tell what it has applied",
    };
    unseen(Missed::new(Why::NotListed, words), evidence)
}

/// How many of the records below this high watermark are beyond what was applied.
pub(super) fn behind(high_watermark: i64, applied: i64) -> u64 {
    u64::try_from(high_watermark.saturating_sub(1).saturating_sub(applied)).unwrap_or(0)
}

/// Whether any broker is on ZooKeeper, its flag on or off. An address that counts for no id is a broker all the same.
pub(super) fn any_on_zookeeper(view: &View<'_>) -> Sight<bool> {
    let mut missing: Option<Box<Unseen>> = None;
    let nameless = view.nameless().iter().map(|(node, _)| *node).filter(|node| node.asked_as == AskedAs::Broker);
    for node in nameless {
        if node.api_versions.said.as_ref().is_ok_and(|said| said.role() == Some(Role::ZookeeperBroker)) {
            return seen(true, Some(api_versions_evidence(node, "ApiKeys")));
        }
    }
    for id in view.known_brokers() {
        match view.broker(*id) {
            Ok((node, Role::ZookeeperBroker)) => return seen(true, Some(api_versions_evidence(node, "ApiKeys"))),
            Ok(_) => {}
            Err(mut unseen) => {
                unseen.missed.words = format!("broker {id} was not seen: {}", unseen.missed.words).into();
                missing.get_or_insert(unseen);
            }
        }
    }
    match (missing, view.expected_brokers()) {
        (Some(unseen), _) => Err(unseen),
        (None, Some(expected)) if !expected.is_empty() => seen(false, None),
        (None, _) => {
            let words = "no broker is known: give -b, or --expect-brokers";
            unseen(Missed::new(Why::NoExpectation, words), None)
        }
    }
}

/// Whether nobody stays unknown whose address was given: one that nobody lists may be a broker more.
pub(super) fn addresses_known(view: &View<'_>) -> Sight<bool> {
    match view.strangers().next() {
        None => seen(true, None),
        Some((node, missed)) => {
            let (why, silence) =
                missed.map_or((Why::NotLoaded, "it lists nobody"), |missed| (missed.why, &missed.words));
            let words = format!(
                "nobody lists the broker at {}, and it does not tell who it is ({silence}): give --expect-brokers, or \
                 leave the address out",
                node.endpoint
            );
            unseen(Missed::new(why, words), Some(api_versions_evidence(node, "ApiKeys")))
        }
    }
}

/// Whether the broker's own list of brokers was read, on which it rests who is known at all.
pub(super) fn lists_brokers(node: &Node) -> Sight<bool> {
    let (_, evidence) = metadata(node, "Brokers")?;
    seen(true, Some(evidence))
}

/// Whether this broker stands in every list that a broker gave. One that lists nobody has had no word yet.
pub(super) fn listed(view: &View<'_>, id: NodeId) -> Sight<bool> {
    let lists = view.lists();
    let Some((list, ids)) = lists.iter().find(|(_, ids)| !ids.contains(&id)).or(lists.first()) else {
        return unseen(Missed::new(Why::NoAddress, "no broker lists any"), None);
    };
    let gave = |node: &&Node| node.metadata.said.as_ref().is_ok_and(|said| Arc::ptr_eq(&said.brokers, list));
    let by = || view.look.nodes.iter().filter(gave);
    let evidence = by().next().map(|node| evidence(node, &node.metadata, "Metadata", "Brokers"));
    if ids.contains(&id) {
        return seen(true, evidence);
    }
    seen(false, evidence).map(|seen| seen.naming(by().map(|node| format!("not by {}", node.endpoint))))
}

/// Whom this broker names as the active controller.
pub(super) fn named_controller(node: &Node) -> Sight<NamedController> {
    let (said, evidence) = metadata(node, "ControllerId")?;
    let evidence = Some(evidence);
    let ids = &said.controller_ids;
    if said.brokers.is_empty() || ids.contains(&-1) {
        return seen(NamedController::Nobody, evidence);
    }
    if ids.iter().any(|id| Some(id) != ids.first()) {
        return seen(NamedController::AnyBroker, evidence);
    }
    let words = if said.brokers.len() < 2 {
        "with one live broker, every controller looks alike"
    } else if ids.len() < SAME_CONTROLLER_CALLS {
        "it was not asked often enough"
    } else {
        return seen(NamedController::OneBroker, evidence);
    };
    unseen(Missed::new(Why::NotAsked, words), evidence)
}

/// Whether nobody can be missing: a discovered set lacks a broker that is dead or cut off, and only a count of
/// registrations tells that none of those is on ZooKeeper.
pub(super) fn nobody_left_out(view: &View<'_>) -> Sight<bool> {
    if view.declared_brokers().is_some() {
        return seen(true, None);
    }
    match super::state::migrating_brokers(view) {
        Ok(count) => seen(count.value == 0, count.evidence),
        Err(mut unseen) => {
            unseen.missed.words = format!(
                "the brokers were discovered, and whether one is missing tells only MigratingZkBrokerCount ({}): \
                 give --expect-brokers",
                unseen.missed.words
            )
            .into();
            Err(unseen)
        }
    }
}

fn metadata<'a>(node: &'a Node, field: &'static str) -> Result<(&'a Metadata, Evidence), Box<Unseen>> {
    let evidence = evidence(node, &node.metadata, "Metadata", field);
    match &node.metadata.said {
        Ok(said) => Ok((said, evidence)),
        Err(missed) => Err(Box::new(Unseen { missed: missed.clone(), evidence: Some(evidence) })),
    }
}
