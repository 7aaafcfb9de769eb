//! A look, read by id: which answer counts for which node.
//!
//! Whom we expect is declared, or discovered: then it is whoever any reachable node lists. Which endpoint is whose is
//! settled in `identity`.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::gauge::{self, Found};
use super::identity::Configured;
use super::quorum::{self, Leader, NoLeader};
use super::{Unseen, api_versions_evidence, brokers, identity};
use crate::snapshot::{
    AskedAs, BrokerList, Expected, Gauge, Look, MetricName, Missed, Node, NodeId, Owner, PageOf, Role, Snapshot,
    Subject, Why,
};

/// One look of a snapshot, by id.
pub struct View<'a> {
    /// The look.
    pub look: &'a Look,
    metric_names: &'a [MetricName],
    expected: &'a Expected,
    /// The brokers that are expected: declared, or discovered.
    expected_brokers: Option<BTreeSet<NodeId>>,
    known_brokers: BTreeSet<NodeId>,
    known_controllers: OnceCell<BTreeSet<NodeId>>,
    brokers: BTreeMap<NodeId, Vec<&'a Node>>,
    controllers: BTreeMap<NodeId, &'a Node>,
    nameless: Vec<(&'a Node, BTreeSet<NodeId>)>,
    /// The controllers of nodes' configurations.
    pub(super) configured_controllers: Vec<Configured>,
    /// The look before this one.
    earlier: Option<Box<View<'a>>>,
    leader: OnceCell<Result<Leader<'a>, NoLeader>>,
    gauges: OnceCell<Vec<(&'a PageOf, Gauge, Found<'a>)>>,
    lists: OnceCell<Vec<(&'a BrokerList, BTreeSet<NodeId>)>>,
}

impl<'a> View<'a> {
    /// Reads this look of the snapshot.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, look: &'a Look) -> Self {
        let configured_controllers = identity::configured_controllers(look);
        let of_brokers = identity::of_brokers(look);
        let of_controllers = identity::of_controllers(look, &configured_controllers);
        let mut brokers: BTreeMap<NodeId, Vec<&Node>> = BTreeMap::new();
        let mut controllers = BTreeMap::new();
        let mut nameless = Vec::new();
        for node in &look.nodes {
            let claims = match node.asked_as {
                AskedAs::Broker => &of_brokers,
                AskedAs::Controller => &of_controllers,
            };
            let ids = claims.get(&node.endpoint).cloned().unwrap_or_default();
            match (ids.first(), ids.len(), node.asked_as) {
                (Some(id), 1, AskedAs::Broker) => brokers.entry(*id).or_default().push(node),
                (Some(id), 1, AskedAs::Controller) => {
                    controllers.insert(*id, node);
                }
                _ => nameless.push((node, ids)),
            }
        }
        let listed = look.broker_lists().flat_map(|list| &**list);
        let discovered: BTreeSet<NodeId> = listed.map(|(id, _)| *id).chain(brokers.keys().copied()).collect();
        let expected = &snapshot.expected;
        let known_brokers = expected.brokers.iter().flatten().chain(&discovered).copied().collect();
        Self {
            look,
            metric_names: &snapshot.metric_names,
            expected,
            expected_brokers: expected.brokers.clone().or_else(|| (!discovered.is_empty()).then_some(discovered)),
            known_brokers,
            known_controllers: OnceCell::new(),
            brokers,
            controllers,
            nameless,
            configured_controllers,
            earlier: None,
            leader: OnceCell::new(),
            gauges: OnceCell::new(),
            lists: OnceCell::new(),
        }
    }

    /// The same as a second look, after this one.
    #[must_use]
    pub fn after(self, earlier: Option<View<'a>>) -> Self {
        Self { earlier: earlier.map(Box::new), ..self }
    }

    /// The look before this one, if there was one.
    #[must_use]
    pub fn earlier(&self) -> Option<&View<'a>> {
        self.earlier.as_deref()
    }

    /// Whether any controller was declared or given.
    #[must_use]
    pub fn controllers_given(&self) -> bool {
        self.expected.controllers.is_some() || self.look.nodes.iter().any(|node| node.asked_as == AskedAs::Controller)
    }

    /// The brokers that are expected: those that were declared, or else those that were discovered; `None` if nobody
    /// told of any.
    #[must_use]
    pub fn expected_brokers(&self) -> Option<&BTreeSet<NodeId>> {
        self.expected_brokers.as_ref()
    }

    /// The controllers that are expected: those that were declared, or else the voters and those that were given and
    /// are known by id; `None` if nobody told of any.
    #[must_use]
    pub fn expected_controllers(&self) -> Option<BTreeSet<NodeId>> {
        self.expected.controllers.clone().or_else(|| {
            let discovered: BTreeSet<NodeId> =
                self.voters().into_iter().chain(self.controllers.keys().copied()).collect();
            (!discovered.is_empty()).then_some(discovered)
        })
    }

    /// The brokers that were declared.
    #[must_use]
    pub fn declared_brokers(&self) -> Option<&'a BTreeSet<NodeId>> {
        self.expected.brokers.as_ref()
    }

    /// The controllers that were declared.
    #[must_use]
    pub fn declared_controllers(&self) -> Option<&'a BTreeSet<NodeId>> {
        self.expected.controllers.as_ref()
    }

    /// The cluster's id that was declared.
    #[must_use]
    pub fn declared_cluster_id(&self) -> Option<&'a str> {
        self.expected.cluster_id.as_deref()
    }

    /// Every broker that has a place: expected, given by hand, or listed by another.
    #[must_use]
    pub fn known_brokers(&self) -> &BTreeSet<NodeId> {
        &self.known_brokers
    }

    /// Every controller that has a place: expected, given by hand, or a voter.
    #[must_use]
    pub fn known_controllers(&self) -> &BTreeSet<NodeId> {
        self.known_controllers.get_or_init(|| {
            let declared = self.expected.controllers.iter().flatten();
            declared.chain(self.controllers.keys()).copied().chain(self.voters()).collect()
        })
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

    /// Endpoints that count for no id, with the ids claimed for them.
    #[must_use]
    pub fn nameless(&self) -> &[(&'a Node, BTreeSet<NodeId>)] {
        &self.nameless
    }

    /// Addresses of brokers that count for no id and list nobody, where nobody declared who all the brokers are: each may be
    /// one more, dead or just started. One that lists others, as behind a load balancer, is one of them. With each the
    /// reason why its list was not read, unless it was empty.
    pub fn strangers(&self) -> impl Iterator<Item = (&'a Node, Option<&'a Missed>)> {
        let undeclared = self.expected.brokers.is_none();
        let brokers = self.nameless.iter().map(|(node, _)| *node).filter(|node| node.asked_as == AskedAs::Broker);
        let lists_nobody = |node: &'a Node| match (&node.api_versions.said, &node.metadata.said) {
            (Err(missed), _) | (Ok(_), Err(missed)) => Some((node, Some(missed))),
            (Ok(_), Ok(metadata)) if metadata.brokers.is_empty() => Some((node, None)),
            _ => None,
        };
        brokers.filter(move |_| undeclared).filter_map(lists_nobody)
    }

    /// Whether a broker's id is also a controller's: a combined node (`process.roles=broker,controller`).
    #[must_use]
    pub fn is_combined(&self, id: NodeId) -> bool {
        self.known_controllers().contains(&id)
    }

    pub(super) fn leader(&self) -> Result<&Leader<'a>, &NoLeader> {
        self.leader.get_or_init(|| quorum::leader(self)).as_ref()
    }

    /// How many records the last of the voters is behind; `None` without a live leader.
    #[must_use]
    pub fn voters_lag_max(&self) -> Option<u64> {
        self.live_leader().ok()?.lag_max()
    }

    /// The live leader's high watermark.
    #[must_use]
    pub fn high_watermark(&self) -> Option<i64> {
        Some(self.live_leader().ok()?.said.high_watermark)
    }

    /// The voters that do not keep up, and how many records each is behind; none without a live leader.
    #[must_use]
    pub fn lagging(&self) -> Vec<(NodeId, u64)> {
        self.live_leader().map_or_else(|_| Vec::new(), Leader::lagging)
    }

    /// How many committed records of the metadata log each KRaft broker has yet to apply, as far as both are told: one or two
    /// at any time.
    #[must_use]
    pub fn brokers_behind(&self) -> Vec<(NodeId, u64)> {
        let Some(high_watermark) = self.high_watermark() else { return Vec::new() };
        let behind =
            |id: &NodeId| Some((*id, brokers::behind(high_watermark, brokers::applied(self, *id).ok()?.value)));
        self.known_brokers.iter().filter_map(behind).collect()
    }

    /// Whether any node or page answered anything.
    #[must_use]
    pub fn anybody_answered(&self) -> bool {
        let node = self.look.nodes.iter().any(|node| node.api_versions.said.is_ok());
        node || self.look.pages.iter().any(|page| page.page.said.is_ok())
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
            return Err(self.unlisted());
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

    /// Why it is not known where a broker is that nobody gave an address for. Where everybody turned us away who might have
    /// listed it, that is why.
    fn unlisted(&self) -> Box<Unseen> {
        if self.brokers().any(|node| node.metadata.said.is_ok()) {
            return no_address("no broker that answered lists it");
        }
        let turned_away = self.brokers().find_map(|node| {
            let missed = node.api_versions.said.as_ref().err().or(node.metadata.said.as_ref().err())?;
            missed.why.is_refusal().then(|| {
                let words = format!("no broker lists it, for {} has turned us away: {}", node.endpoint, missed.words);
                Box::new(Unseen { missed: Missed::new(missed.why, words), evidence: None })
            })
        });
        turned_away.unwrap_or_else(|| no_address("no broker answered, so its address is not known"))
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

    /// Every answer of an endpoint that was asked as a broker.
    pub(super) fn brokers(&self) -> impl Iterator<Item = &'a Node> {
        self.look.nodes.iter().filter(|node| node.asked_as == AskedAs::Broker)
    }

    /// The different lists that brokers gave, each with whom it lists: a thousand brokers give few.
    pub(super) fn lists(&self) -> &[(&'a BrokerList, BTreeSet<NodeId>)] {
        let ids = |list: &BrokerList| list.iter().map(|(id, _)| *id).collect();
        self.lists.get_or_init(|| self.look.broker_lists().map(|list| (list, ids(list))).collect())
    }

    pub(super) fn controllers(&self) -> impl Iterator<Item = (NodeId, &'a Node)> {
        self.controllers.iter().map(|(id, node)| (*id, *node))
    }

    pub(super) fn page(&self, id: NodeId) -> Option<&'a PageOf> {
        let place = self.controllers.get(&id).map(|node| &node.endpoint);
        self.look.pages.iter().find(|page| match &page.owner {
            Owner::Id(owner) => *owner == id,
            Owner::Endpoint(owner) => Some(owner) == place,
        })
    }

    /// What was found of a gauge on a page of this look.
    pub(super) fn gauge_on(&self, page: &PageOf, gauge: Gauge) -> Option<(&'a PageOf, &Found<'a>)> {
        let all = self.gauges.get_or_init(|| gauge::all(self.look, self.metric_names));
        let found = all.iter().find(|(of, which, _)| std::ptr::eq(*of, page) && *which == gauge);
        found.map(|(of, _, found)| (*of, found))
    }

    /// Why a page that came does not tell where the migration stands.
    #[must_use]
    pub fn silent_on_state(&self, page: &PageOf) -> Option<&Missed> {
        self.gauge_on(page, Gauge::ZkMigrationState).and_then(|(_, found)| found.as_ref().err())
    }

    /// The controllers of which a page was asked for.
    pub(super) fn paged_controllers(&self) -> impl Iterator<Item = NodeId> {
        self.known_controllers().iter().copied().filter(|id| self.page(*id).is_some())
    }

    /// Of whom a page is: of whom it was given for, or of the controller at that address.
    #[must_use]
    pub fn page_owner(&self, page: &PageOf) -> Option<Subject> {
        let id = match &page.owner {
            Owner::Id(id) => Some(*id),
            Owner::Endpoint(place) => {
                self.controllers.iter().find(|(_, node)| node.endpoint == *place).map(|(id, _)| *id)
            }
        };
        let is_broker = |id| self.known_brokers.contains(&id) && !self.is_combined(id);
        id.map(|id| if is_broker(id) { Subject::Broker(id) } else { Subject::Controller(id) })
    }
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

fn no_address(words: impl Into<Cow<'static, str>>) -> Box<Unseen> {
    Box::new(Unseen { missed: Missed::new(Why::NoAddress, words), evidence: None })
}
