//! A look, read by id: which answer counts for which node.
//!
//! An answer counts for an id only if it came from the endpoint that Metadata gives for that id, or from an
//! address that was given by hand with that id. An endpoint that is claimed for two ids counts for neither.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::quorum::{self, Leader, NoLeader};
use super::{Unseen, api_versions_evidence};
use crate::snapshot::{AskedAs, Endpoint, Expected, Look, Missed, Node, NodeId, PageOf, Role, Snapshot, Subject, Why};

/// One look of a snapshot, by id.
pub struct View<'a> {
    /// The look.
    pub look: &'a Look,
    expected: &'a Expected,
    brokers: BTreeMap<NodeId, Vec<&'a Node>>,
    controllers: BTreeMap<NodeId, &'a Node>,
    nameless: Vec<(&'a Node, BTreeSet<NodeId>)>,
    leader: OnceCell<Result<Leader<'a>, NoLeader>>,
}

impl<'a> View<'a> {
    /// Reads this look of the snapshot.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, look: &'a Look) -> Self {
        let claims = claims(look);
        let mut brokers: BTreeMap<NodeId, Vec<&Node>> = BTreeMap::new();
        let mut controllers = BTreeMap::new();
        let mut nameless = Vec::new();
        for node in &look.nodes {
            let ids = match node.asked_as {
                AskedAs::Broker => claims.get(&node.endpoint).cloned().unwrap_or_default(),
                AskedAs::Controller => node.given.into_iter().collect(),
            };
            match (ids.first(), ids.len(), node.asked_as) {
                (Some(id), 1, AskedAs::Broker) => brokers.entry(*id).or_default().push(node),
                (Some(id), 1, AskedAs::Controller) => {
                    controllers.insert(*id, node);
                }
                _ => nameless.push((node, ids)),
            }
        }
        Self { look, expected: &snapshot.expected, brokers, controllers, nameless, leader: OnceCell::new() }
    }

    /// The brokers that are expected; `None` if nobody said.
    #[must_use]
    pub fn expected_brokers(&self) -> Option<&'a BTreeSet<NodeId>> {
        self.expected.brokers.as_ref()
    }

    /// The controllers that are expected; `None` if nobody said.
    #[must_use]
    pub fn expected_controllers(&self) -> Option<&'a BTreeSet<NodeId>> {
        self.expected.controllers.as_ref()
    }

    /// Every broker that has a place: expected, given by hand, or listed by another.
    #[must_use]
    pub fn known_brokers(&self) -> BTreeSet<NodeId> {
        let expected = self.expected.brokers.iter().flatten();
        expected.chain(self.brokers.keys()).copied().collect()
    }

    /// Every controller that has a place: expected, given by hand, or a voter.
    #[must_use]
    pub fn known_controllers(&self) -> BTreeSet<NodeId> {
        let expected = self.expected.controllers.iter().flatten();
        let given = self.controllers.keys();
        expected.chain(given).copied().chain(self.voters()).collect()
    }

    /// The voters, by the live leader; empty without one.
    #[must_use]
    pub fn voters(&self) -> BTreeSet<NodeId> {
        match self.leader() {
            Ok(leader) => leader.said.voters.iter().map(|voter| voter.id).collect(),
            Err(_) => BTreeSet::new(),
        }
    }

    /// Every endpoint that was asked, with whom it counts for.
    pub fn nodes(&self) -> impl Iterator<Item = (Option<Subject>, &'a Node)> {
        let brokers =
            self.brokers.iter().flat_map(|(id, nodes)| nodes.iter().map(|node| (Some(Subject::Broker(*id)), *node)));
        let controllers = self.controllers().map(|(id, node)| (Some(Subject::Controller(id)), node));
        brokers.chain(controllers).chain(self.nameless.iter().map(|(node, _)| (None, *node)))
    }

    /// Endpoints that answered or were asked as brokers and count for no id, with the ids claimed for them.
    #[must_use]
    pub fn nameless(&self) -> &[(&'a Node, BTreeSet<NodeId>)] {
        &self.nameless
    }

    /// Whether a broker's id is also a controller's: a combined node (`process.roles=broker,controller`).
    #[must_use]
    pub fn is_combined(&self, id: NodeId) -> bool {
        self.known_controllers().contains(&id)
    }

    pub(super) fn leader(&self) -> Result<&Leader<'a>, &NoLeader> {
        self.leader.get_or_init(|| quorum::leader(self)).as_ref()
    }

    pub(super) fn live_leader(&self) -> Result<&Leader<'a>, Box<Unseen>> {
        self.leader().map_err(|no_leader| {
            let missed = match no_leader {
                NoLeader::Election => Missed::new(Why::NotLoaded, "the quorum has no leader"),
                NoLeader::Unseen(missed) => missed.clone(),
            };
            Box::new(Unseen { missed, evidence: None })
        })
    }

    /// The answer of a broker, and what it is.
    pub(super) fn broker(&self, id: NodeId) -> Result<(&'a Node, Role), Box<Unseen>> {
        let Some(nodes) = self.brokers.get(&id) else {
            let listed = self.look.nodes.iter().any(|node| node.metadata.said.is_ok());
            let words = if listed {
                "no broker that answered lists it"
            } else {
                "no broker answered, so its address is not known"
            };
            return Err(no_address(words));
        };
        // A broker that has just changed its port may be listed at two endpoints; the one that answers is it.
        let mut answers = nodes.iter().filter(|node| node.api_versions.said.is_ok());
        let node = answers.next().or(nodes.first()).copied();
        match (node, answers.next()) {
            (Some(node), None) => match role(node)? {
                Role::Controller => Err(wrong_role(node, Role::Controller)),
                role => Ok((node, role)),
            },
            (Some(node), Some(other)) => {
                let words = format!("it answers at {} and at {}", node.endpoint, other.endpoint);
                Err(unseen(node, Missed::new(Why::Ambiguous, words)))
            }
            (None, _) => Err(no_address("it has no address")),
        }
    }

    /// The answer of a controller.
    pub(super) fn controller(&self, id: NodeId) -> Result<&'a Node, Box<Unseen>> {
        let Some(node) = self.controllers.get(&id).copied() else {
            let words = format!("its address is not known: give it with -C {id}@HOST:PORT");
            return Err(no_address(words));
        };
        match role(node)? {
            Role::Controller => Ok(node),
            role => Err(wrong_role(node, role)),
        }
    }

    pub(super) fn controllers(&self) -> impl Iterator<Item = (NodeId, &'a Node)> {
        self.controllers.iter().map(|(id, node)| (*id, *node))
    }

    pub(super) fn page(&self, id: NodeId) -> Option<&'a PageOf> {
        self.look.pages.iter().find(|page| page.id == id)
    }
}

/// The ids that are claimed for each broker endpoint: by hand, and by the Metadata of any broker. An id that
/// was given by hand has no other endpoint.
fn claims(look: &Look) -> BTreeMap<&Endpoint, BTreeSet<NodeId>> {
    let asked = look.nodes.iter().filter(|node| node.asked_as == AskedAs::Broker);
    let by_hand: BTreeMap<NodeId, &Endpoint> =
        asked.filter_map(|node| node.given.map(|id| (id, &node.endpoint))).collect();
    let mut claims: BTreeMap<&Endpoint, BTreeSet<NodeId>> = BTreeMap::new();
    for (id, endpoint) in &by_hand {
        claims.entry(endpoint).or_default().insert(*id);
    }
    let listed = look.nodes.iter().flat_map(|node| &node.metadata.said).flat_map(|metadata| &metadata.brokers);
    for (id, endpoint) in listed {
        if by_hand.get(id).is_none_or(|given| *given == endpoint) {
            claims.entry(endpoint).or_default().insert(*id);
        }
    }
    claims
}

fn role(node: &Node) -> Result<Role, Box<Unseen>> {
    match &node.api_versions.said {
        Err(missed) => Err(unseen(node, missed.clone())),
        Ok(said) => said.role().ok_or_else(|| {
            let words = "its API list is neither a broker's nor a controller's";
            unseen(node, Missed::new(Why::WrongTarget, words))
        }),
    }
}

fn wrong_role(node: &Node, role: Role) -> Box<Unseen> {
    unseen(node, Missed::new(Why::WrongTarget, format!("{} is {role}", node.endpoint)))
}

fn unseen(node: &Node, missed: Missed) -> Box<Unseen> {
    Box::new(Unseen { missed, evidence: Some(api_versions_evidence(node, "ApiKeys")) })
}

fn no_address(words: impl Into<String>) -> Box<Unseen> {
    Box::new(Unseen { missed: Missed::new(Why::NoAddress, words), evidence: None })
}
