//! What the cluster holds and does: its partitions as brokers show them, and what is being moved or deleted.
//!
//! Two brokers are asked for their topics, and the worse answer counts: one may be stale. Whatever a user has no right to
//! see is left out of such answers without a word, so they count only beside what the controllers count.

use super::gauge::{count, of_leader};
use super::log;
use super::state::StateRung;
use super::{BROKER_ON_ZOOKEEPER, MIGRATION_STATE, Seen, Sight, Signal, Unseen, View, evidence, seen, unseen};
use crate::snapshot::{Answer, Evidence, Gauge, Missed, Node, Partition, Reassignment, Subject, Topics, Why};

/// How many partitions are being moved: by the brokers before the copy, by the controllers after it. Of the cluster.
pub const REASSIGNMENTS: Signal<u64> =
    Signal { label: "number of partitions being reassigned", read: |view, _| reassignments(view) };

/// Brokers show topics, or there are none. Of the cluster.
pub const TOPICS_SHOWN: Signal<bool> = Signal { label: "topics are shown", read: |view, _| topics_shown(view) };

/// Brokers show as many topics as the controllers count. Never false: fewer means that they were not seen. Of the cluster.
pub const ALL_TOPICS_SHOWN: Signal<bool> =
    Signal { label: "all topics are shown", read: |view, _| all_topics_shown(view) };

/// How many topics the controllers count, once the metadata is copied (`GlobalTopicCount`). Of the cluster.
pub const TOPIC_COUNT: Signal<u64> = Signal { label: "GlobalTopicCount", read: |view, _| topic_count(view) };

/// How many partitions have no leader. Of the cluster.
pub const OFFLINE_PARTITIONS: Signal<u64> =
    Signal { label: "number of partitions without a leader", read: |view, _| offline(view) };

/// How many partitions have a replica out of sync. Of the cluster.
pub const UNDER_REPLICATED: Signal<u64> =
    Signal { label: "number of under-replicated partitions", read: |view, _| under_replicated(view) };

/// How many partitions have fewer replicas in sync than `min.insync.replicas` asks for. Of the cluster.
pub const UNDER_MIN_ISR: Signal<u64> =
    Signal { label: "number of partitions under min.insync.replicas", read: |view, _| under_min_isr(view) };

/// `TopicsToDeleteCount`, the most that any broker's page has: only ZooKeeper's controller counts. Of the cluster.
pub const TOPICS_TO_DELETE: Signal<u64> =
    Signal { label: "TopicsToDeleteCount", read: |view, _| topics_to_delete(view) };

/// `FencedBrokerCount`: registered brokers that are fenced, by the metadata log or else the live leader's gauge (3.3 and
/// newer). Of the cluster.
pub const FENCED_BROKERS: Signal<u64> = Signal {
    label: "FencedBrokerCount",
    read: |view, _| match log::log(view) {
        Ok(log) => log.tally(log.fenced(), "BrokerRegistrationChangeRecord"),
        Err(_) => of_leader(view, Gauge::FencedBrokerCount),
    },
};

/// `MetadataErrorCount` of the live leader (3.3 and newer). Of the quorum.
pub const METADATA_ERRORS: Signal<u64> =
    Signal { label: "MetadataErrorCount", read: |view, _| of_leader(view, Gauge::MetadataErrorCount) };

/// `ZkWriteBehindLag` of the live leader, in records (3.6 to 3.9; only with the migration flag). Of the quorum.
pub const ZK_WRITE_BEHIND: Signal<u64> =
    Signal { label: "ZkWriteBehindLag", read: |view, _| of_leader(view, Gauge::ZkWriteBehindLag) };

/// Whether the topics are among those that brokers show.
fn topics_shown(view: &View<'_>) -> Sight<bool> {
    let (most, node) = most_topics(view)?;
    let evidence = Some(topics_evidence(node));
    let none_counted = || topic_count(view).is_ok_and(|count| count.value == 0);
    if most > 0 || none_counted() {
        return seen(true, evidence);
    }
    let words = "no topic is shown: there is none, or this user may not see any (Describe on topics)";
    unseen(Missed::new(Why::NotShown, words), evidence)
}

/// Whether brokers show all topics, by the controllers' count.
fn all_topics_shown(view: &View<'_>) -> Sight<bool> {
    let (most, node) = most_topics(view)?;
    let counted = topic_count(view)?.value;
    let evidence = Some(topics_evidence(node));
    if u64::from(most) >= counted {
        return seen(true, evidence);
    }
    let words = format!(
        "{most} of {counted} topics are shown: this user may not see the others (Describe on topics), or one was just \
         created or deleted"
    );
    unseen(Missed::new(Why::NotShown, words), evidence)
}

/// How many topics the controllers count. Before the copy they know of none.
fn topic_count(view: &View<'_>) -> Sight<u64> {
    let state = MIGRATION_STATE.read(view, Subject::Quorum)?;
    if state.value < StateRung::Migration {
        let words = "the controllers count no topics before the copy";
        return unseen(Missed::new(Why::NotLoaded, words), state.evidence);
    }
    of_leader(view, Gauge::GlobalTopicCount)
}

/// How many partitions have no leader.
fn offline(view: &View<'_>) -> Sight<u64> {
    partitions(view, |partition| partition.leader < 0)
}

/// How many partitions have a replica that is not in sync.
fn under_replicated(view: &View<'_>) -> Sight<u64> {
    partitions(view, |partition| partition.isr.len() < partition.replicas.len())
}

/// How many partitions have fewer replicas in sync than their topic asks for. As Kafka has it, no more are asked for than
/// there are (`Partition.scala`: `effectiveMinIsr`), so only those with a replica out of sync can be among them.
fn under_min_isr(view: &View<'_>) -> Sight<u64> {
    let Shown { all, missing } = shown(view)?;
    let mut worst: Option<Seen<u64>> = None;
    for (node, topics) in all {
        let lacking = || topics.not_whole.iter().filter(|partition| partition.isr.len() < partition.replicas.len());
        if lacking().next().is_none() {
            worst = Some(worse(worst, tally(node, topics, std::iter::empty::<&Partition>())));
            continue;
        }
        let evidence = evidence(node, &node.min_isr, "DescribeConfigs", "Value");
        let told = node.min_isr.said.as_ref();
        let told = told.map_err(|missed| Box::new(Unseen { missed: missed.clone(), evidence: Some(evidence) }))?;
        let min_isr = |partition: &Partition| {
            let topic = told.iter().find(|topic| *topic.topic == *partition.topic)?;
            Some(partition.replicas.len().min(usize::try_from(topic.min_isr).unwrap_or(usize::MAX)))
        };
        let under: Vec<&Partition> =
            lacking().filter(|it| min_isr(it).is_some_and(|least| it.isr.len() < least)).collect();
        if under.is_empty()
            && let Some(untold) = lacking().find(|partition| min_isr(partition).is_none())
        {
            let words = format!("min.insync.replicas of {} was not told", untold.topic);
            return unseen(Missed::new(Why::NotShown, words), None);
        }
        worst = Some(worse(worst, tally(node, topics, under.into_iter())));
    }
    by_both(worst, missing)
}

/// How many partitions are being moved. Before the copy the controllers' view is empty and ZooKeeper's controller knows;
/// after it the controllers know, and every broker asks them, as it does wherever no broker is on ZooKeeper. Where neither
/// is known, both must tell.
fn reassignments(view: &View<'_>) -> Sight<u64> {
    let of_leader = || {
        let node = view.live_leader()?.node;
        moved(node, &node.reassignments)
    };
    let of_broker = || {
        let mut missing = nobody_named();
        for node in view.brokers() {
            match moved(node, &node.reassignments) {
                Ok(moved) => return Ok(moved),
                Err(unseen) if unseen.missed.why != Why::NotAsked => missing = unseen,
                Err(_) => {}
            }
        }
        Err(missing)
    };
    // Of two that tell, the worse counts: a quorum that is left over from an earlier attempt knows of nothing.
    let of_either = || match (of_leader(), of_broker()) {
        (Ok(leaders), Ok(brokers)) => Ok(worse(Some(leaders), brokers)),
        (Ok(moved), Err(_)) | (Err(_), Ok(moved)) => Ok(moved),
        (Err(leader), Err(broker)) => Err(if broker.missed.why == Why::NotAsked { leader } else { broker }),
    };
    let nobody_on_zookeeper = || BROKER_ON_ZOOKEEPER.read(view, Subject::Quorum).is_ok_and(|seen| !seen.value);
    let state = MIGRATION_STATE.read(view, Subject::Quorum);
    match state.map(|state| (state.value, state.most())) {
        Ok((least, _)) if least >= StateRung::Migration => of_either(),
        Ok((_, most)) if most < StateRung::Migration => of_broker(),
        Err(_) if !view.controllers_given() => of_broker(),
        _ if nobody_on_zookeeper() => of_either(),
        _ => {
            let (leaders, brokers) = (of_leader()?, of_broker()?);
            Ok(worse(Some(leaders), brokers))
        }
    }
}

/// The most topics to be deleted on any broker's page.
fn topics_to_delete(view: &View<'_>) -> Sight<u64> {
    let paged = view.known_brokers().iter().filter(|id| view.page(**id).is_some());
    let counts = paged.map(|id| count(view, *id, Gauge::TopicsToDeleteCount));
    let nobody = || unseen(Missed::new(Why::NoAddress, "no broker's page is known: give --broker-metrics"), None);
    counts
        .reduce(|one, other| match (one, other) {
            (Ok(one), Ok(other)) => Ok(worse(Some(one), other)),
            (Ok(count), Err(_)) | (Err(_), Ok(count)) => Ok(count),
            (Err(unseen), Err(_)) => Err(unseen),
        })
        .unwrap_or_else(nobody)
}

/// How many partitions are so, by the broker that shows more of them.
fn partitions(view: &View<'_>, are: fn(&Partition) -> bool) -> Sight<u64> {
    let Shown { all, missing } = shown(view)?;
    let mut worst: Option<Seen<u64>> = None;
    for (node, topics) in all {
        worst = Some(worse(worst, tally(node, topics, topics.not_whole.iter().filter(|partition| are(partition)))));
    }
    by_both(worst, missing)
}

/// What is wrong by one broker is wrong; that nothing is, everybody has to say who was asked.
fn by_both(worst: Option<Seen<u64>>, missing: Option<Box<Unseen>>) -> Sight<u64> {
    match (worst, missing) {
        (Some(worst), missing) if worst.value > 0 || missing.is_none() => Ok(worst),
        (_, Some(unseen)) => Err(unseen),
        (_, None) => Err(nobody_asked()),
    }
}

/// The answers of the brokers that showed their topics, at least one; and why another that was asked did not.
struct Shown<'a> {
    all: Vec<(&'a Node, &'a Topics)>,
    missing: Option<Box<Unseen>>,
}

fn shown<'a>(view: &View<'a>) -> Result<Shown<'a>, Box<Unseen>> {
    let mut missing: Option<Box<Unseen>> = None;
    let mut all = Vec::new();
    for node in view.brokers() {
        match &node.topics.said {
            Ok(topics) => all.push((node, topics)),
            Err(missed) if missed.why == Why::NotAsked => {}
            Err(missed) => {
                missing = Some(Box::new(Unseen { missed: missed.clone(), evidence: Some(topics_evidence(node)) }));
            }
        }
    }
    match missing {
        missing if !all.is_empty() => Ok(Shown { all, missing }),
        Some(unseen) => Err(unseen),
        None => Err(nobody_asked()),
    }
}

fn most_topics<'a>(view: &View<'a>) -> Result<(u32, &'a Node), Box<Unseen>> {
    let most =
        shown(view)?.all.into_iter().map(|(node, topics)| (topics.topics, node)).max_by_key(|(topics, _)| *topics);
    most.ok_or_else(nobody_asked)
}

fn moved(node: &Node, answer: &Answer<Vec<Reassignment>>) -> Sight<u64> {
    let evidence = evidence(node, answer, "ListPartitionReassignments", "Topics");
    match &answer.said {
        Ok(moved) => {
            let count = u64::try_from(moved.len()).unwrap_or(u64::MAX);
            seen(count, Some(evidence)).map(|seen| seen.naming(moved.iter().map(ToString::to_string)))
        }
        Err(missed) => unseen(missed.clone(), Some(evidence)),
    }
}

/// How many these are, of those that are kept; any that is not may be one of them.
fn tally<'p>(node: &Node, topics: &Topics, partitions: impl Iterator<Item = &'p Partition>) -> Seen<u64> {
    let mut named = Vec::new();
    let mut value = 0;
    for partition in partitions {
        value += 1;
        if named.len() < super::NAMED_MAX {
            named.push(partition.to_string());
        }
    }
    let more = u64::from(topics.more_not_whole);
    let untold = || Missed::new(Why::TooLarge, "so many are not whole that only the first are kept");
    let up_to = (more > 0).then(|| (value + more, untold()));
    Seen { value, up_to, evidence: Some(topics_evidence(node)), named }
}

fn worse(one: Option<Seen<u64>>, other: Seen<u64>) -> Seen<u64> {
    match one {
        Some(one) if (one.value, one.most()) >= (other.value, other.most()) => one,
        _ => other,
    }
}

fn topics_evidence(node: &Node) -> Evidence {
    evidence(node, &node.topics, "Metadata", "Topics")
}

fn nobody_asked() -> Box<Unseen> {
    Box::new(Unseen { missed: Missed::new(Why::NotAsked, "no broker that answers could be asked"), evidence: None })
}

fn nobody_named() -> Box<Unseen> {
    let words = "no broker that answers is named as the controller";
    Box::new(Unseen { missed: Missed::new(Why::NotAsked, words), evidence: None })
}
