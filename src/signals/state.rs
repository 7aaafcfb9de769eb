//! Where the migration stands by the quorum's log: Kafka's `ZkMigrationState`, from gauges, or as much of it as follows
//! from flags and brokers.
//!
//! Rungs are ordered, so that a row can ask for "this or beyond". The numbers of `ZkMigrationState` become names here
//! and nowhere else.

use std::fmt;

use super::gauge::{count, gauge, whole};
use super::{
    Seen, Sight, Unseen, View, api_versions_evidence, brokers, cluster, derived_evidence, generation, seen, unseen,
};
use crate::snapshot::{AskedAs, Gauge, Generation, Missed, Node, NodeId, Role, Why};

/// Where the quorum's log stands: Kafka's `ZkMigrationState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StateRung {
    /// NONE beside a broker on ZooKeeper: the quorum was first started without the flag and can never migrate.
    None,
    /// PRE_MIGRATION: the controllers wait for every ZooKeeper broker to register.
    PreMigration,
    /// MIGRATION: the metadata is copied and written to both sides.
    Migration,
    /// POST_MIGRATION: finalized.
    PostMigration,
    /// NONE, with brokers on KRaft and none on ZooKeeper: the cluster never had a migration to do.
    BornInKraft,
    /// The leader runs Kafka 4, which has no ZooKeeper left in it and no such state, whatever its log says.
    Kafka4,
}

impl fmt::Display for StateRung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "NONE",
            Self::PreMigration => "PRE_MIGRATION",
            Self::Migration => "MIGRATION",
            Self::PostMigration => "POST_MIGRATION",
            Self::BornInKraft => "NONE (born in KRaft)",
            Self::Kafka4 => "none, on Kafka 4",
        })
    }
}

/// What an operator of 3.4 can do.
const UNTOLD_BEFORE_3_5: &str = "Kafka before 3.5 has no gauge of it: whether the copy is done tells only the leader's \
                                 log (Completed migration of metadata from Zookeeper to KRaft); 3.5 and newer tell it";

/// The state of the cluster: the live leader's gauge, else that of the caught-up voters. A log never goes back,
/// so of two followers the one that is further tells what was committed.
pub(super) fn rung(view: &View<'_>) -> Sight<StateRung> {
    let leader = view.live_leader()?;
    if generation(leader.node) == Some(Generation::WithoutZookeeper) {
        return kafka_4(view, leader.node);
    }
    let gauge = match state_gauge(view, leader.id()) {
        Ok(gauge) => Ok(gauge),
        Err(unseen) => furthest(leader.caught_up_followers().filter_map(|id| state_gauge(view, id).ok()), unseen),
    };
    match gauge {
        Ok(gauge) => named(view, gauge),
        // Gauges that contradict each other are not put right by what follows without them.
        Err(unseen) if unseen.missed.why == Why::Ambiguous => Err(unseen),
        Err(mut unseen) => {
            if generation(leader.node) == Some(Generation::BeforeFlag) {
                unseen.missed.words = UNTOLD_BEFORE_3_5.into();
            }
            derived(view, leader.node, &unseen.missed).ok_or(unseen)
        }
    }
}

/// Kafka 4 is beyond every stage; but a broker on ZooKeeper beside it is split off, and then nothing is behind us.
fn kafka_4(view: &View<'_>, leader: &Node) -> Sight<StateRung> {
    let evidence = Some(api_versions_evidence(leader, "ApiKeys"));
    if all_on_kraft(view) {
        return seen(StateRung::Kafka4, evidence);
    }
    let words = "the leader runs Kafka 4, which has no such state; only the brokers tell: give -b";
    unseen(Missed::new(Why::NotAsked, words), evidence)
}

/// What follows without any gauge. A live leader with its flag on is not in NONE: it would have died when it was
/// elected. A KRaft broker that the leader has registered was not refused, as it would have been in PRE_MIGRATION. And
/// NONE beside brokers on KRaft alone is no obstacle. More than MIGRATION never follows; `why` says why no gauge was
/// read.
fn derived(view: &View<'_>, leader: &Node, why: &Missed) -> Option<Seen<StateRung>> {
    let flag = brokers::flag(leader).ok().map(|flag| flag.value);
    let registered = flag.is_some() && cluster::registered_broker(view).is_some();
    let (least, most, from) = match (flag, registered) {
        (Some(true), true) => (
            StateRung::Migration,
            StateRung::PostMigration,
            "a registered KRaft broker under a leader with its flag on",
        ),
        (Some(true), false) => (StateRung::PreMigration, StateRung::PostMigration, "a live leader with its flag on"),
        (_, true) if all_on_kraft(view) => {
            (StateRung::Migration, StateRung::BornInKraft, "a registered KRaft broker, and none on ZooKeeper")
        }
        (_, false) if all_on_kraft(view) => {
            (StateRung::PreMigration, StateRung::BornInKraft, "brokers on KRaft, and none on ZooKeeper")
        }
        _ => return None,
    };
    let words = format!("the gauge was not read: {}", why.words);
    Some(Seen {
        value: least,
        up_to: Some((most, words.into())),
        evidence: Some(derived_evidence(leader, from)),
        named: Vec::new(),
    })
}

/// Whether every broker that is known was seen, on KRaft, and some are expected; and no address is silent that may be one
/// more.
fn all_on_kraft(view: &View<'_>) -> bool {
    let on_kraft = |id: &NodeId| view.broker(*id).is_ok_and(|(_, role)| role == Role::KraftBroker);
    view.expected_brokers().is_some_and(|expected| !expected.is_empty())
        && view.known_brokers().iter().all(on_kraft)
        && view.strangers().next().is_none()
}

/// Whether some broker was seen on ZooKeeper, however many were not seen.
fn on_zookeeper(view: &View<'_>) -> bool {
    brokers::any_on_zookeeper(view).is_ok_and(|seen| seen.value)
}

/// `MigratingZkBrokerCount` of the live leader. One of Kafka 4 has no such gauge and can register no ZooKeeper broker.
pub(super) fn migrating_brokers(view: &View<'_>) -> Sight<u64> {
    let leader = view.live_leader()?;
    if generation(leader.node) == Some(Generation::WithoutZookeeper) {
        return seen(0, Some(derived_evidence(leader.node, "a leader on Kafka 4 registers no ZooKeeper broker")));
    }
    count(view, leader.id(), Gauge::MigratingZkBrokerCount)
}

/// Whether any controller that answers runs Kafka 4.
pub(super) fn kafka_4_controller(view: &View<'_>) -> Sight<bool> {
    let asked = view.look.nodes.iter().filter(|node| node.asked_as == AskedAs::Controller);
    let mut answer = unseen(Missed::new(Why::NoAddress, "no controller answers"), None);
    for node in asked {
        match generation(node) {
            Some(Generation::WithoutZookeeper) => return seen(true, Some(api_versions_evidence(node, "ApiKeys"))),
            Some(_) => answer = seen(false, Some(api_versions_evidence(node, "ApiKeys"))),
            None => {}
        }
    }
    answer
}

/// Whether any controller's page shows PRE_MIGRATION or MIGRATION.
pub(super) fn unfinished_seen(view: &View<'_>) -> Sight<bool> {
    any_gauge(view, &[PRE_MIGRATION, MIGRATION])
}

/// Whether any controller's page shows POST_MIGRATION.
pub(super) fn post_seen(view: &View<'_>) -> Sight<bool> {
    any_gauge(view, &[POST_MIGRATION])
}

fn any_gauge(view: &View<'_>, states: &[u8]) -> Sight<bool> {
    let mut answer = unseen(Missed::new(Why::NoAddress, "no controller's page is known: give --metrics"), None);
    for id in view.paged_controllers() {
        match state_gauge(view, id) {
            Ok(gauge) if states.contains(&gauge.value) => return seen(true, gauge.evidence),
            Ok(gauge) => answer = seen(false, gauge.evidence),
            Err(unseen) if answer.is_err() => answer = Err(unseen),
            Err(_) => {}
        }
    }
    answer
}

/// Whether the metadata was copied, as far as this controller's own page tells, or else a broker on KRaft: one that is
/// started before the copy never opens its listener.
pub(super) fn is_copied(view: &View<'_>, id: NodeId) -> bool {
    // Whose voters are asked for here is not known yet, so a combined node is one that was given or declared as a controller.
    let declared = |id: &NodeId| view.declared_controllers().is_some_and(|ids| ids.contains(id));
    let is_controller = |id: &NodeId| declared(id) || view.controllers().any(|(controller, _)| controller == *id);
    let on_kraft = |id: &NodeId| !is_controller(id) && matches!(view.broker(*id), Ok((_, Role::KraftBroker)));
    match state_gauge(view, id) {
        Ok(gauge) => [MIGRATION, POST_MIGRATION].contains(&gauge.value),
        Err(_) => view.known_brokers().iter().any(on_kraft),
    }
}

/// Controllers whose gauge says something else than the state of the cluster, with Kafka's name of what it says.
#[must_use]
pub fn differing_gauges(view: &View<'_>) -> Vec<(NodeId, &'static str)> {
    let Ok(leader) = view.live_leader() else { return Vec::new() };
    let Ok(state) = state_gauge(view, leader.id()) else { return Vec::new() };
    let seen = view.paged_controllers().filter_map(|id| state_gauge(view, id).ok().map(|gauge| (id, gauge.value)));
    seen.filter(|(_, value)| *value != state.value).map(|(id, value)| (id, state_name(value))).collect()
}

/// `ZkMigrationState` in numbers, as 3.5 to 3.9 have them (`ZkMigrationState.java`). They are not in the order
/// of the migration, which goes 2, 1, 3. Kafka 3.4 has 1 and 2 the other way round, and no such metric.
const NONE: u8 = 0;
const MIGRATION: u8 = 1;
const PRE_MIGRATION: u8 = 2;
const POST_MIGRATION: u8 = 3;

fn state_name(state: u8) -> &'static str {
    match state {
        MIGRATION => "MIGRATION",
        PRE_MIGRATION => "PRE_MIGRATION",
        POST_MIGRATION => "POST_MIGRATION",
        _ => "NONE",
    }
}

/// `ZkMigrationState` as one controller's page has it: 0 to 3, whatever else is there is unseen.
fn state_gauge(view: &View<'_>, id: NodeId) -> Sight<u8> {
    let gauge = gauge(view, id, Gauge::ZkMigrationState)?;
    let (why, words) = match whole(gauge.value).map(u8::try_from) {
        Some(Ok(state @ NONE..=POST_MIGRATION)) => return seen(state, gauge.evidence),
        Some(Ok(4)) => (Why::WrongTarget, format!("the page given for controller {id} is a ZooKeeper broker's (4)")),
        Some(Err(_)) if whole(gauge.value) == Some(-1) => {
            (Why::NotLoaded, format!("controller {id} has not loaded the log yet (-1)"))
        }
        _ => (Why::Malformed, format!("{} is not a ZkMigrationState", gauge.value)),
    };
    unseen(Missed::new(why, words), gauge.evidence)
}

/// Of several followers' gauges the one that is furthest; `otherwise` if there is none.
fn furthest(gauges: impl Iterator<Item = Seen<u8>>, otherwise: Box<Unseen>) -> Sight<u8> {
    let order = |state: u8| [PRE_MIGRATION, MIGRATION, POST_MIGRATION].iter().position(|other| *other == state);
    let gauges: Vec<Seen<u8>> = gauges.collect();
    let none = gauges.iter().filter(|gauge| gauge.value == NONE).count();
    if none > 0 && none < gauges.len() {
        let words = "some caught-up voters say NONE and some do not";
        return unseen(Missed::new(Why::Ambiguous, words), None);
    }
    gauges.into_iter().max_by_key(|gauge| order(gauge.value)).ok_or(otherwise)
}

/// NONE counts as born in KRaft only beside an expected broker seen on KRaft and none on ZooKeeper.
fn named(view: &View<'_>, gauge: Seen<u8>) -> Sight<StateRung> {
    let rung = match gauge.value {
        MIGRATION => StateRung::Migration,
        PRE_MIGRATION => StateRung::PreMigration,
        POST_MIGRATION => StateRung::PostMigration,
        _ if on_zookeeper(view) => StateRung::None,
        _ if all_on_kraft(view) => StateRung::BornInKraft,
        _ => {
            let words = "NONE: born in KRaft, or a quorum that can never migrate; only the brokers tell: give -b";
            return unseen(Missed::new(Why::NotAsked, words), gauge.evidence);
        }
    };
    seen(rung, gauge.evidence)
}
