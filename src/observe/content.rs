//! What is asked once it is known who is who: at content depth which topics two brokers show, and which partitions are being
//! moved; at the depth of a stage which topics one broker shows while the copy waits, for their replicas are waited for.
//!
//! Reassignments are asked of whoever may know: the leading controller, and the broker that is named as the controller,
//! which is ZooKeeper's until the copy. A KRaft broker would only ask the leader, so it is asked where no leader is. Which
//! of the answers counts is not known here (`signals`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::dial::Network;
use super::kafka::Conversation;
use super::kept::Kept;
use super::second_round::Answered;
use super::{Limits, Moment, login};
use crate::snapshot::{
    Answer, AskedAs, BrokerLists, Depth, Endpoint, Metadata, MinIsr, Missed, Node, NodeId, Reassignment, Role, Topics,
    Why,
};

/// How many brokers are asked for topics: one may be stale.
const BROKERS_ASKED: usize = 2;
/// Topics with a replica out of sync whose configuration is asked for.
const TOPICS_ASKED: usize = 1_000;
/// How long an answer about reassignments may take: one that has to be asked of a controller may never come.
const REASSIGNMENTS_WITHIN: Duration = Duration::from_secs(3);

/// What one node is asked.
#[derive(Debug, Clone, Copy, Default)]
struct Questions {
    topics: bool,
    min_isr: bool,
    reassignments: bool,
}

/// What one node answered.
struct Told {
    topics: Answer<Topics>,
    min_isr: Answer<Vec<MinIsr>>,
    reassignments: Answer<Vec<Reassignment>>,
}

/// Asks, all nodes at the same time; `all` are in the order of their addresses, so that two looks ask the same.
pub(super) async fn ask<N: Network>(
    network: &Arc<Kept<N>>,
    all: &mut [Answered<N::Stream>],
    depth: Depth,
    limits: Limits,
) {
    let nodes: Vec<(usize, &Node)> = all.iter().map(|answered| &answered.node).enumerate().collect();
    let questions = match depth {
        Depth::Stage => questions_while_waiting(&nodes),
        Depth::Content => questions(&nodes),
    };
    let mut asked = JoinSet::new();
    for (at, questions) in questions {
        let Some(Answered { node, talk }) = all.get_mut(at) else { continue };
        // Most were let go of when everybody was asked, and may be on the line still.
        let talk = talk.take().or_else(|| network.take(node.asked_as, &node.endpoint));
        let (node, network) = (node.clone(), Arc::clone(network));
        asked.spawn(async move { (at, ask_node(&network, &node, talk, questions, limits).await) });
    }
    // One broken probe leaves its questions unasked.
    while let Some(joined) = asked.join_next().await {
        if let Ok((at, (told, talk))) = joined
            && let Some(answered) = all.get_mut(at)
        {
            answered.talk = talk;
            (answered.node.topics, answered.node.min_isr) = (told.topics, told.min_isr);
            answered.node.reassignments = told.reassignments;
        }
    }
}

/// While the copy waits for brokers, one on ZooKeeper is asked which of them have replicas.
fn questions_while_waiting(nodes: &[(usize, &Node)]) -> BTreeMap<usize, Questions> {
    let on_zookeeper = |node: &Node| role(node) == Some(Role::ZookeeperBroker);
    let in_migration = |node: &Node| {
        let flag = node.api_versions.said.as_ref().ok().and_then(|said| said.zk_migration_ready);
        on_zookeeper(node) && flag == Some(true)
    };
    let is_over = nodes.iter().flat_map(|(_, node)| &node.log.said).any(|log| !log.awaits_copy());
    let asked = nodes.iter().find(|(_, node)| on_zookeeper(node) && lists(node).is_some());
    let asked = asked.filter(|_| !is_over && nodes.iter().any(|(_, node)| in_migration(node)));
    asked.map(|(at, _)| (*at, Questions { topics: true, ..Questions::default() })).into_iter().collect()
}

/// Who is asked what at content depth, by places.
fn questions(nodes: &[(usize, &Node)]) -> BTreeMap<usize, Questions> {
    let mut all: BTreeMap<usize, Questions> = BTreeMap::new();
    let brokers = || nodes.iter().filter_map(|(at, node)| Some((*at, *node, lists(node)?)));
    let first = brokers().next();
    // Of the other kind, if there are two: they hear from different sides.
    let other = |(_, node, _): &(usize, &Node, &Metadata)| first.is_some_and(|(_, first, _)| role(node) != role(first));
    let second = brokers().find(other).or_else(|| brokers().nth(1));
    for (at, ..) in first.into_iter().chain(second).take(BROKERS_ASKED) {
        let asked = all.entry(at).or_default();
        (asked.topics, asked.min_isr) = (true, true);
    }
    let leaders = nodes.iter().filter(|(_, node)| node.leadership().is_some());
    let leaders: Vec<usize> =
        leaders.filter(|(_, node)| node.asked_as == AskedAs::Controller).map(|(at, _)| *at).collect();
    for at in &leaders {
        all.entry(*at).or_default().reassignments = true;
    }
    let named: BTreeSet<NodeId> =
        brokers().filter_map(|(.., metadata)| metadata.controller_ids.first().copied()).collect();
    let mut given = BrokerLists::default();
    for (.., metadata) in brokers() {
        given.share(&mut Arc::clone(&metadata.brokers));
    }
    let listed = given.brokers().filter(|(id, _)| named.contains(id));
    let places: BTreeSet<&Endpoint> = listed.map(|(_, place)| place).collect();
    let is_named = |node: &Node| node.given.is_some_and(|id| named.contains(&id)) || places.contains(&node.endpoint);
    let knows = |node: &Node| leaders.is_empty() || role(node) == Some(Role::ZookeeperBroker);
    if let Some((at, ..)) = brokers().find(|(_, node, _)| knows(node) && is_named(node)) {
        all.entry(at).or_default().reassignments = true;
    }
    all
}

/// The list of a broker that answered as one, and is known by its id.
fn lists(node: &Node) -> Option<&Metadata> {
    let metadata = node.metadata.said.as_ref().ok()?;
    let is_known = node.given.is_some() || metadata.brokers.iter().any(|(_, place)| *place == node.endpoint);
    (node.asked_as == AskedAs::Broker && is_known && !metadata.brokers.is_empty()).then_some(metadata)
}

fn role(node: &Node) -> Option<Role> {
    node.api_versions.said.as_ref().ok()?.role()
}

/// Asks over the connection that there is, or over a new one, which is returned if it is still good.
async fn ask_node<N: Network>(
    network: &Kept<N>,
    node: &Node,
    talk: Option<Conversation<N::Stream>>,
    questions: Questions,
    limits: Limits,
) -> (Told, Option<Conversation<N::Stream>>) {
    let mut told = Told { topics: Answer::default(), min_isr: Answer::default(), reassignments: Answer::default() };
    let Ok(listed) = &node.api_versions.said else { return (told, None) };
    let began = Moment::now();
    let dialled = match talk {
        Some(talk) => Ok(talk),
        None => login::dial_in(network, node.asked_as, &node.endpoint, limits, listed).await,
    };
    let mut talk = match dialled {
        Ok(talk) => talk,
        Err(missed) => {
            if questions.topics {
                told.topics = began.answer(0, Err(missed.clone()));
            }
            if questions.reassignments {
                told.reassignments = began.answer(0, Err(missed));
            }
            return (told, None);
        }
    };
    if questions.topics {
        told.topics = talk.topics(listed).await;
        let lacking = told.topics.said.iter().flat_map(lacking).take(TOPICS_ASKED).collect::<Vec<_>>();
        if questions.min_isr && !lacking.is_empty() && !talk.is_broken() {
            told.min_isr = talk.min_isr(listed, &lacking).await;
        }
    }
    // Last of all, for nothing more can be asked when its answer does not come.
    if questions.reassignments {
        told.reassignments = if talk.is_broken() {
            began.answer(0, Err(Missed::new(Why::Closed, "the answer before it did not come whole")))
        } else {
            talk.reassignments(listed, REASSIGNMENTS_WITHIN).await
        };
    }
    (told, (!talk.is_broken()).then_some(talk))
}

/// The topics that have a replica out of sync, once each.
fn lacking(topics: &Topics) -> BTreeSet<Arc<str>> {
    let lacking = topics.not_whole.iter().filter(|partition| partition.isr.len() < partition.replicas.len());
    lacking.map(|partition| Arc::clone(&partition.topic)).collect()
}
