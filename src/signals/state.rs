//! Where the migration stands: Kafka's `ZkMigrationState`, by two witnesses, the metadata log and the controllers' gauges, or
//! as much of it as follows from flags and brokers.
//!
//! Either witness suffices. A gauge is read before the log, so it may be behind it: then the log is the truth. One that is
//! ahead of it, or says NONE where the other does not, is a contradiction. Rungs are ordered, so that a row can ask for "this
//! or beyond". The numbers of `ZkMigrationState` become names here and nowhere else.

use std::fmt;

use super::gauge::{count, gauge, whole};
use super::quorum::Leader;
use super::{
    Seen, Sight, Unseen, View, api_versions_evidence, brokers, cluster, derived_evidence, generation, log, quorum,
    seen, unseen,
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

/// What the one record of 3.4 says, and no more.
const BEGUN_BEFORE_3_5: &str = "Kafka before 3.5 writes its one ZkMigrationStateRecord when the copy begins, and nothing when \
                                it is done: that tells only the leader's log file (Completed migration of metadata from \
                                Zookeeper to KRaft)";

/// The state of the cluster: by the metadata log, or else by the live leader's gauge, or that of the caught-up voters. A log
/// never goes back, so of two followers the one that is further tells what was committed.
pub(super) fn rung(view: &View<'_>) -> Sight<StateRung> {
    let leader = view.live_leader()?;
    let (written, gauge) = match generation(leader.node) {
        Some(Generation::WithoutZookeeper) => return kafka_4(view, leader.node),
        Some(Generation::BeforeFlag) => return before_3_5(view, leader),
        Some(Generation::Migrating) => (log::state(view), gauge_of_quorum(view, leader)),
        // Of which release a log is decides what its states mean.
        None => {
            let words = "the leader's release is not known, and what the states of its log mean depends on it";
            (unseen(Missed::new(Why::NotAsked, words), None), gauge_of_quorum(view, leader))
        }
    };
    match (written, gauge) {
        // Gauges that contradict each other are not put right by what follows without them.
        (_, Err(unseen)) if unseen.missed.why == Why::Ambiguous => Err(unseen),
        (Ok(written), Ok(gauge)) if !may_be_behind(gauge.value, written.value) => {
            let (gauge, written) = (state_name(gauge.value), state_name(written.value));
            let words = format!(
                "the metadata log says {written}, and a controller's gauge said {gauge} before: no migration goes that way"
            );
            unseen(Missed::new(Why::Ambiguous, words), None)
        }
        (Ok(written), _) => named(view, written),
        (Err(_), Ok(gauge)) => named(view, gauge),
        (Err(log), Err(gauge)) => {
            let unseen = neither(view, *gauge, &log.missed);
            derived(view, leader.node, &unseen.missed).ok_or(unseen)
        }
    }
}

/// Whether the state is told, and exactly: then nothing that was not heard of it matters.
#[must_use]
pub fn state_is_exact(view: &View<'_>) -> bool {
    rung(view).is_ok_and(|state| state.up_to.is_none())
}

/// The gauge of the live leader, or else of the caught-up voter that is furthest.
fn gauge_of_quorum(view: &View<'_>, leader: &Leader<'_>) -> Sight<u8> {
    match state_gauge(view, leader.id()) {
        Ok(gauge) => Ok(gauge),
        Err(unseen) => furthest(leader.caught_up_followers().filter_map(|id| state_gauge(view, id).ok()), unseen),
    }
}

/// The order in which a log goes through the states; NONE is on no way.
fn place(state: u8) -> Option<usize> {
    [PRE_MIGRATION, MIGRATION, POST_MIGRATION].iter().position(|other| *other == state)
}

/// Whether a log of this state can have had that gauge a moment before.
fn may_be_behind(gauge: u8, log: u8) -> bool {
    match (place(gauge), place(log)) {
        (Some(gauge), Some(log)) => gauge <= log,
        (gauge, log) => gauge == log,
    }
}

/// A leader of 3.4 has no gauge, and writes one record: as the copy begins.
fn before_3_5(view: &View<'_>, leader: &Leader<'_>) -> Sight<StateRung> {
    if let Ok(begun) = log::state(view)
        && begun.value == MIGRATION
    {
        let untold = Missed::new(Why::NotListed, BEGUN_BEFORE_3_5);
        let up_to = Some((StateRung::PostMigration, untold));
        return Ok(Seen { value: StateRung::PreMigration, up_to, evidence: begun.evidence, named: Vec::new() });
    }
    let mut untold = unseen_gauge(view, leader.id());
    untold.missed.words = UNTOLD_BEFORE_3_5.into();
    derived(view, leader.node, &untold.missed).ok_or(untold)
}

/// Why the gauge of a controller that has none was not seen.
fn unseen_gauge(view: &View<'_>, id: NodeId) -> Box<Unseen> {
    let missed = Missed::new(Why::NotListed, UNTOLD_BEFORE_3_5);
    state_gauge(view, id).err().unwrap_or_else(|| Box::new(Unseen { missed, evidence: None }))
}

/// Why neither witness was heard. Where no page was given, it is the right to read the log that decides.
fn neither(view: &View<'_>, gauge: Unseen, log: &Missed) -> Box<Unseen> {
    let Unseen { missed, evidence } = gauge;
    let missed = match log.why {
        // Whoever cannot be asked for it has nothing to say of it.
        Why::NotAsked | Why::NotListed => missed,
        Why::Denied if missed.why == Why::NoAddress => {
            let log = quorum::denial(view, None, log);
            Missed::new(log.why, format!("{}; and {}", log.words, missed.words))
        }
        _ => {
            let words = format!("{}; and the metadata log was not read: {}", missed.words, log.words);
            Missed::new(missed.why, words)
        }
    };
    Box::new(Unseen { missed, evidence })
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
    let untold = Missed::new(why.why, format!("the gauge was not read: {}", why.words));
    Some(Seen {
        value: least,
        up_to: Some((most, untold)),
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

/// How many brokers on ZooKeeper are registered, by the log, or else by the live leader's gauge. A leader of Kafka 4 can
/// register none.
pub(super) fn migrating_brokers(view: &View<'_>) -> Sight<u64> {
    let leader = view.live_leader()?;
    if generation(leader.node) == Some(Generation::WithoutZookeeper) {
        return seen(0, Some(derived_evidence(leader.node, "a leader on Kafka 4 registers no ZooKeeper broker")));
    }
    match (log::log(view), count(view, leader.id(), Gauge::MigratingZkBrokerCount)) {
        (Ok(log), _) => log.tally(log.migrating(), "RegisterBrokerRecord"),
        (Err(_), Ok(count)) => Ok(count),
        (Err(log), Err(gauge)) => Err(neither(view, *gauge, &log.missed)),
    }
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

/// Whether any controller's page, or the log of a leader that migrates, shows PRE_MIGRATION or MIGRATION.
pub(super) fn unfinished_seen(view: &View<'_>) -> Sight<bool> {
    any_witness(view, &[PRE_MIGRATION, MIGRATION])
}

/// Whether any controller's page, or the log of a leader that migrates, shows POST_MIGRATION.
pub(super) fn post_seen(view: &View<'_>) -> Sight<bool> {
    any_witness(view, &[POST_MIGRATION])
}

fn any_witness(view: &View<'_>, states: &[u8]) -> Sight<bool> {
    let migrates = view.live_leader().is_ok_and(|leader| generation(leader.node) == Some(Generation::Migrating));
    match (any_gauge(view, states), log::state(view)) {
        (gauge, Ok(_)) if !migrates || gauge.as_ref().is_ok_and(|seen| seen.value) => gauge,
        (_, Ok(written)) => seen(states.contains(&written.value), written.evidence),
        (gauge, Err(_)) => gauge,
    }
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

/// Whether the metadata was copied, as far as a controller's log or this controller's own page tells, or else a broker on
/// KRaft: one that is started before the copy never opens its listener. Who leads may not be known yet.
pub(super) fn is_copied(view: &View<'_>, id: Option<NodeId>) -> bool {
    if log::copied_anywhere(view) {
        return true;
    }
    // Whose voters are asked for here is not known yet, so a combined node is one that was given or declared as a controller.
    let declared = |id: &NodeId| view.declared_controllers().is_some_and(|ids| ids.contains(id));
    let is_controller = |id: &NodeId| declared(id) || view.controllers().any(|(controller, _)| controller == *id);
    let on_kraft = |id: &NodeId| !is_controller(id) && matches!(view.broker(*id), Ok((_, Role::KraftBroker)));
    match id.and_then(|id| state_gauge(view, id).ok()) {
        Some(gauge) => [MIGRATION, POST_MIGRATION].contains(&gauge.value),
        None => view.known_brokers().iter().any(on_kraft),
    }
}

/// What a controller's own page says otherwise than the log, or the leader: by whom, and that in words.
#[must_use]
pub fn differing_gauges(view: &View<'_>) -> Vec<(NodeId, String)> {
    let Ok(leader) = view.live_leader() else { return Vec::new() };
    let migrates = generation(leader.node) == Some(Generation::Migrating);
    let written = log::state(view).ok().filter(|_| migrates);
    let (told, by) = match (written, state_gauge(view, leader.id())) {
        (Some(written), _) => (written.value, format!("the metadata log ({})", state_name(written.value))),
        (None, Ok(gauge)) => (gauge.value, "the leader's".to_owned()),
        (None, Err(_)) => return Vec::new(),
    };
    let seen = view.paged_controllers().filter_map(|id| state_gauge(view, id).ok().map(|gauge| (id, gauge.value)));
    let differ = seen.filter(|(_, value)| *value != told);
    let mut all: Vec<(NodeId, String)> =
        differ.map(|(id, value)| (id, format!("own gauge says {}, unlike {by}", state_name(value)))).collect();
    let counted = count(view, leader.id(), Gauge::MigratingZkBrokerCount);
    if let (true, Ok(log), Ok(counted)) = (migrates, log::log(view), counted) {
        let registered = log.migrating().count();
        if u64::try_from(registered) != Ok(counted.value) {
            let words = format!("MigratingZkBrokerCount is {}, unlike the metadata log ({registered})", counted.value);
            all.push((leader.id(), words));
        }
    }
    all
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
    let gauges: Vec<Seen<u8>> = gauges.collect();
    let none = gauges.iter().filter(|gauge| gauge.value == NONE).count();
    if none > 0 && none < gauges.len() {
        let words = "some caught-up voters say NONE and some do not";
        return unseen(Missed::new(Why::Ambiguous, words), None);
    }
    gauges.into_iter().max_by_key(|gauge| place(gauge.value)).ok_or(otherwise)
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
