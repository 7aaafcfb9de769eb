//! The ladders of a migration: where a broker stands, where the quorum's log stands, and who counts as what.
//!
//! Rungs are ordered, so that a row can ask for "this or beyond". The numbers of `ZkMigrationState` become
//! names here and nowhere else.

use super::gauge::{gauge, whole};
use super::{Seen, Sight, Unseen, View, api_versions_evidence, seen, unseen};
use crate::snapshot::{Missed, Node, NodeId, Role, Why};

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
}

/// What the leader counts a controller as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seat {
    /// Neither.
    Absent,
    /// It fetches the log and has no vote.
    Observer,
    /// It votes.
    Voter,
}

/// The rung of a broker. KRaft needs no flag: the API list alone says it.
pub(super) fn broker_rung(view: &View<'_>, id: NodeId) -> Sight<BrokerRung> {
    let (node, role) = view.broker(id)?;
    if role != Role::ZookeeperBroker {
        return seen(BrokerRung::Kraft, Some(api_versions_evidence(node, "ApiKeys")));
    }
    let flag = flag(node)?;
    let rung = if flag.value { BrokerRung::Migration } else { BrokerRung::Zookeeper };
    seen(rung, flag.evidence)
}

/// The migration flag of a node that answered.
pub(super) fn flag(node: &Node) -> Sight<bool> {
    let evidence = Some(api_versions_evidence(node, "ZkMigrationReady"));
    match node.api_versions.said.as_ref().map(|said| said.zk_migration_ready) {
        Ok(Some(flag)) => seen(flag, evidence),
        Ok(None) => {
            let words = "ApiVersions before version 3 has no place for the flag";
            unseen(Missed::new(Why::NotListed, words), evidence)
        }
        Err(missed) => unseen(missed.clone(), evidence),
    }
}

/// Whether any broker is on ZooKeeper, its flag on or off.
pub(super) fn broker_on_zookeeper(view: &View<'_>) -> Sight<bool> {
    let mut missing: Option<Box<Unseen>> = None;
    for id in view.known_brokers() {
        match view.broker(id) {
            Ok((node, Role::ZookeeperBroker)) => return seen(true, Some(api_versions_evidence(node, "ApiKeys"))),
            Ok(_) => {}
            Err(mut unseen) => {
                unseen.missed.words = format!("broker {id} was not seen: {}", unseen.missed.words);
                missing.get_or_insert(unseen);
            }
        }
    }
    match (missing, view.expected_brokers()) {
        (Some(unseen), _) => Err(unseen),
        (None, Some(expected)) if !expected.is_empty() => seen(false, None),
        (None, _) => {
            let words = "nobody said which brokers there are: give --expect-brokers";
            unseen(Missed::new(Why::NoExpectation, words), None)
        }
    }
}

/// The state of the cluster: the live leader's gauge, else that of the caught-up voters. A log never goes back,
/// so of two followers the one that is further tells what was committed.
pub(super) fn state_rung(view: &View<'_>) -> Sight<StateRung> {
    let leader = view.live_leader()?;
    let gauge = match state_gauge(view, leader.id()) {
        Ok(gauge) => gauge,
        Err(unseen) => furthest(leader.caught_up_followers().filter_map(|id| state_gauge(view, id).ok()), unseen)?,
    };
    rung(view, gauge)
}

/// Not NONE; where every expected broker is on KRaft it holds without a gauge, since NONE would then be "born
/// in KRaft".
pub(super) fn state_not_none(view: &View<'_>) -> Sight<bool> {
    match state_rung(view) {
        Ok(state) => seen(state.value != StateRung::None, state.evidence),
        Err(unseen) => match broker_on_zookeeper(view) {
            Ok(Seen { value: false, evidence }) => seen(true, evidence),
            _ => Err(unseen),
        },
    }
}

/// Whether any controller's page shows POST_MIGRATION.
pub(super) fn post_seen(view: &View<'_>) -> Sight<bool> {
    let mut answer = unseen(Missed::new(Why::NoAddress, "no controller's page is known: give --metrics"), None);
    for page in &view.look.pages {
        match state_gauge(view, page.id) {
            Ok(gauge) if gauge.value == POST_MIGRATION => return seen(true, gauge.evidence),
            Ok(gauge) => answer = seen(false, gauge.evidence),
            Err(unseen) if answer.is_err() => answer = Err(unseen),
            Err(_) => {}
        }
    }
    answer
}

/// Whether this controller's own page says that the metadata was copied.
pub(super) fn is_copied(view: &View<'_>, id: NodeId) -> bool {
    state_gauge(view, id).is_ok_and(|gauge| [MIGRATION, POST_MIGRATION].contains(&gauge.value))
}

/// Controllers whose gauge says something else than the state of the cluster, with Kafka's name of what it says.
#[must_use]
pub fn differing_gauges(view: &View<'_>) -> Vec<(NodeId, &'static str)> {
    let Ok(leader) = view.live_leader() else { return Vec::new() };
    let Ok(state) = state_gauge(view, leader.id()) else { return Vec::new() };
    let pages = view.look.pages.iter();
    let seen = pages.filter_map(|page| state_gauge(view, page.id).ok().map(|gauge| (page.id, gauge.value)));
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
    let gauge = gauge(view, id, "ZkMigrationState")?;
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
fn rung(view: &View<'_>, gauge: Seen<u8>) -> Sight<StateRung> {
    let is = |id: NodeId, role: Role| view.broker(id).is_ok_and(|(_, seen)| seen == role);
    let rung = match gauge.value {
        MIGRATION => StateRung::Migration,
        PRE_MIGRATION => StateRung::PreMigration,
        POST_MIGRATION => StateRung::PostMigration,
        _ if view.known_brokers().into_iter().any(|id| is(id, Role::ZookeeperBroker)) => StateRung::None,
        _ if view.expected_brokers().into_iter().flatten().any(|id| is(*id, Role::KraftBroker)) => {
            StateRung::BornInKraft
        }
        _ => {
            let words = "NONE: born in KRaft, or a quorum that can never migrate; only the brokers tell: \
                         give -b and --expect-brokers";
            return unseen(Missed::new(Why::NotAsked, words), gauge.evidence);
        }
    };
    seen(rung, gauge.evidence)
}
