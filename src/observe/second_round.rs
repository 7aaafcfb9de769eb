//! What is asked after everybody has answered, and only where it is not plain by then: which controller is which,
//! and that the controllers are the brokers'.
//!
//! One KRaft broker is asked for the quorum, which it asks the leader for. If that cannot be had, a broker's own
//! configuration of the quorum is; and if that does not help, the controllers are asked which cluster is theirs.
//! A question that a node denies is an error in Kafka's log each time, so none is asked without need, and none of a
//! node that has denied a lesser one. What the answers prove is not known here (`signals`).

use std::collections::BTreeSet;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

use super::Plan;
use super::kafka::Conversation;
use super::workers::caught;
use crate::snapshot::{AskedAs, Configs, Endpoint, Generation, Missed, Node, NodeId, Role, Why};

/// A node's answers, and the connection over which it may be asked more.
pub(super) struct Answered<S> {
    pub(super) node: Node,
    pub(super) talk: Option<Conversation<S>>,
}

/// Which broker is worth asking: the first of these, and of several alike the one with the first address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spokesman {
    /// It fetches the metadata log, so its registration was accepted.
    KraftBroker,
    /// It has the quorum in its configuration.
    InMigration,
    /// A controller that is a broker as well: it belongs to the quorum without having registered.
    Combined,
}

impl<S> Answered<S> {
    pub(super) fn spokesman(&self, plan: &Plan) -> Option<Spokesman> {
        // Whose connection is gone can be asked nothing more.
        self.talk.as_ref()?;
        let api_versions = self.node.api_versions.said.as_ref().ok()?;
        let is_controller = |id| plan.controllers.iter().any(|controller| controller.id == Some(id));
        match (self.node.asked_as, api_versions.role()?) {
            (AskedAs::Broker, Role::KraftBroker) if own_id(&self.node).is_some_and(is_controller) => {
                Some(Spokesman::Combined)
            }
            (AskedAs::Broker, Role::KraftBroker) => Some(Spokesman::KraftBroker),
            // 3.4 does not tell its flag, so there any of them may know the quorum.
            (AskedAs::Broker, Role::ZookeeperBroker)
                if api_versions.zk_migration_ready == Some(true)
                    || api_versions.generation() == Generation::BeforeFlag =>
            {
                Some(Spokesman::InMigration)
            }
            _ => None,
        }
    }
}

/// Asks what is left to be asked; `spokesman` is the place of the broker that speaks for the others.
pub(super) async fn ask<S>(all: &mut Vec<Answered<S>>, spokesman: Option<usize>, plan: &Plan)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let some_without_id = plan.controllers.iter().any(|controller| controller.id.is_none());
    let broker = spokesman.and_then(|place| all.get_mut(place));
    let tied = match broker {
        Some(broker) => ask_broker(broker, plan).await,
        None => false,
    };
    let unproved = !tied && !plan.brokers.is_empty();
    if unproved || some_without_id || plan.prove_cluster_id {
        ask_controllers(all, |_| true).await;
    }
}

/// Asks those controllers that nobody gave which they are, where nobody has told it, and their cluster where that has to
/// be proved.
pub(super) async fn name_controllers<S>(all: &mut Vec<Answered<S>>, plan: &Plan)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let named: BTreeSet<Endpoint> =
        all.iter().flat_map(|answered| named(&answered.node)).map(|(_, endpoint)| endpoint).collect();
    let is_unknown = |node: &Node| node.found.is_some() && (plan.prove_cluster_id || !named.contains(&node.endpoint));
    ask_controllers(all, is_unknown).await;
}

/// The controllers for whose endpoints this node tells an id: its own as well, if it leads.
pub(super) fn named(node: &Node) -> Vec<(NodeId, Endpoint)> {
    let configured = node.configs.said.iter().flat_map(Configs::controllers);
    let configured = configured.filter_map(|(id, endpoint)| Some((id?, endpoint)));
    let quorum = node.leadership();
    let own = quorum.filter(|_| node.asked_as == AskedAs::Controller).map(|said| (said.leader, node.endpoint.clone()));
    let voters = quorum.iter().flat_map(|said| &said.nodes);
    let told = voters.chain(node.cluster.said.iter().flat_map(|cluster| &cluster.controllers));
    configured.chain(told.cloned()).chain(own).collect()
}

/// Whether the broker said which quorum it belongs to, and that this is the one that was given.
async fn ask_broker<S: AsyncRead + AsyncWrite + Unpin>(broker: &mut Answered<S>, plan: &Plan) -> bool {
    let own_id = own_id(&broker.node);
    let Answered { node, talk: Some(talk) } = broker else { return false };
    let Ok(listed) = &node.api_versions.said else { return false };
    let is_kraft = listed.role() == Some(Role::KraftBroker);
    // Before the other question, which may cost the connection where no controller answers the broker.
    if let Some(id) = own_id.filter(|_| is_kraft && plan.controllers.is_empty()) {
        node.configs = talk.configs(listed, [id]).await;
    }
    if is_kraft && !talk.is_broken() {
        node.quorum = talk.quorum(listed).await;
        if node.leadership().is_some() {
            return true;
        }
    }
    if let Some(id) = own_id.filter(|_| node.configs.was_not_asked() && !talk.is_broken()) {
        node.configs = talk.configs(listed, [id]).await;
    }
    node.configs.said.as_ref().is_ok_and(|configs| names_all(configs, plan))
}

/// Whether the broker's own configuration names every controller that was given.
fn names_all(configs: &Configs, plan: &Plan) -> bool {
    let named: BTreeSet<Endpoint> = configs.controllers().map(|(_, endpoint)| endpoint).collect();
    !plan.controllers.is_empty() && plan.controllers.iter().all(|controller| named.contains(&controller.endpoint))
}

/// Asks such controllers which cluster is their own, and those that have no id yet which node they are.
async fn ask_controllers<S>(all: &mut Vec<Answered<S>>, is_such: impl Fn(&Node) -> bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let ids = known_ids(all);
    let mut asked = JoinSet::new();
    for place in (0..all.len()).rev() {
        if all.get(place).is_some_and(|it| is_willing(it) && it.node.cluster.was_not_asked() && is_such(&it.node)) {
            let answered = all.swap_remove(place);
            let (ids, node) = (ids.clone(), answered.node.clone());
            asked.spawn(async move {
                // One broken probe must not cost what was answered before it.
                caught(ask_controller(answered, ids)).await.unwrap_or(Answered { node, talk: None })
            });
        }
    }
    all.extend(asked.join_all().await);
}

/// A controller that answered and has denied nothing.
fn is_willing<S>(answered: &Answered<S>) -> bool {
    let denied = |missed: &Missed| missed.why == Why::Denied;
    answered.node.asked_as == AskedAs::Controller
        && answered.talk.is_some()
        && !answered.node.quorum.said.as_ref().is_err_and(denied)
}

async fn ask_controller<S>(mut answered: Answered<S>, ids: BTreeSet<NodeId>) -> Answered<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Answered { node, talk: Some(talk) } = &mut answered else { return answered };
    let Ok(listed) = &node.api_versions.said else { return answered };
    node.cluster = talk.cluster(listed).await;
    let is_listed = |places: &[(NodeId, Endpoint)]| places.iter().any(|(_, place)| *place == node.endpoint);
    let named = node.given.is_some()
        || node.leadership().is_some()
        || node.cluster.said.as_ref().is_ok_and(|cluster| is_listed(&cluster.controllers));
    if !named && !ids.is_empty() && !talk.is_broken() {
        node.configs = talk.configs(listed, ids).await;
    }
    answered
}

/// The ids that a controller may have, as far as the others have told.
fn known_ids<S>(all: &[Answered<S>]) -> BTreeSet<NodeId> {
    let quorums = all.iter().filter_map(|answered| answered.node.leadership());
    let quorums = quorums.map(|said| said.voters.iter().chain(&said.observers).map(|replica| replica.id));
    let given = all.iter().filter_map(|answered| match answered.node.asked_as {
        AskedAs::Controller => answered.node.given,
        AskedAs::Broker => None,
    });
    quorums.flatten().chain(given).collect()
}

/// A broker's own id, by hand or by its own Metadata.
pub(super) fn own_id(node: &Node) -> Option<NodeId> {
    let listed = node.metadata.said.iter().flat_map(|metadata| &*metadata.brokers);
    let mut own = listed.filter(|(_, place)| *place == node.endpoint).map(|(id, _)| *id);
    node.given.or_else(|| own.next())
}
