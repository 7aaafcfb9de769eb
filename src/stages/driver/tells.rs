//! Whether each clause of the migration driver's decision is seen to be met, or not to be. Not here: their words and order.

use super::{DRIVER, DRIVER_STANDS};
use crate::signals::driver::{self, Registered};
use crate::signals::{
    BROKER_RUNG, BrokerRung, FETCH_MAX, MIGRATING_BROKERS, MIGRATION_STATE, Seat, StateRung, VOTER_LAG, View,
    ZK_MIGRATION_READY,
};
use crate::snapshot::{NodeId, Subject};
use crate::stages::causes::{all_seen, brokers, named, seat};
use crate::stages::defects;
use crate::stages::row::Told;

/// The driver asks again after a tenth of a second and then twice as long each time, up to a minute
/// (`KRaftMigrationDriver.java`: `PollTimeSupplier`).
const BACK_OFF_MAX_MS: i64 = 60_000;
/// The level of 3.4-IV0, from which on a log can have the state.
const STATE_IN_LOG: i16 = 8;
/// The level of 3.6-IV1, from which on the copy is a transaction: 3.8.1 and 3.9 begin none without it (KAFKA-17457).
const TRANSACTIONS: i16 = 13;
/// The level of 3.7-IV0, from which on controllers register, and 3.7 and newer look at that.
const CONTROLLERS_REGISTER: i16 = 15;
/// How many topics a broker is named with.
const TOPICS_MAX: usize = 3;

pub(super) fn shown(by: impl Into<String>, whom: Vec<Subject>) -> Told {
    Told::Shown(by.into(), whom)
}

fn shown_of_brokers(by: impl Into<String>, ids: &[NodeId]) -> Told {
    shown(by, ids.iter().copied().map(Subject::Broker).collect())
}

/// Every voter must be known to the leader, and ready: before 3.7 by a connection of the leader's own, from then on by
/// registrations, of which a quorum without `controller.quorum.voters` demands none (seen on 3.9.1).
pub(super) fn controllers_ready(view: &View<'_>, _: Subject) -> Told {
    let Some(leader) = driver::leading(view) else { return Told::Possible };
    let flag = |id: NodeId| ZK_MIGRATION_READY.read(view, Subject::Controller(id)).ok().map(|seen| seen.value);
    let of = |id: NodeId, words: &str| shown(format!("controller {id} {words}"), vec![Subject::Controller(id)]);
    if flag(leader) == Some(false) {
        return of(leader, "leads without the migration flag: no driver runs");
    }
    let minor = driver::leaders_minor(view);
    if minor == Some(4) {
        return Told::Excluded("Kafka 3.4 does not look at the controllers");
    }
    let registers = minor.is_some_and(|minor| minor >= 7);
    let level = driver::metadata_version(view);
    let configured = driver::voters_are_configured(view);
    if registers && (configured == Some(false) || level.is_some_and(|level| level < CONTROLLERS_REGISTER)) {
        return Told::Excluded("no controller but the one that leads is looked at");
    }
    let voters: Vec<NodeId> = view.voters().into_iter().collect();
    if let Some(id) = voters.iter().find(|id| flag(**id) == Some(false)) {
        return of(*id, "is without the migration flag");
    }
    for id in &voters {
        match driver::controller_registration(view, *id).filter(|_| registers) {
            Some(Some(false)) => return of(*id, "is registered without the migration flag"),
            Some(None) if level.is_some() && configured == Some(true) => return of(*id, "is not registered"),
            _ => {}
        }
        let fetches = VOTER_LAG.read(view, Subject::Controller(*id)).is_ok_and(|lag| lag.value <= FETCH_MAX);
        if matches!(minor, Some(5 | 6)) && !fetches {
            return of(*id, "does not fetch, and the leader knows no flag of it");
        }
    }
    if voters.iter().all(|id| flag(*id) == Some(true)) {
        Told::Excluded("every voter has the migration flag")
    } else {
        Told::Possible
    }
}

pub(super) fn metadata_version(view: &View<'_>, _: Subject) -> Told {
    let (Some(level), Some(minor)) = (driver::metadata_version(view), driver::leaders_minor(view)) else {
        return Told::Possible;
    };
    let needed = if minor >= 9 { TRANSACTIONS } else { STATE_IN_LOG };
    let name = driver::level_name;
    if level < needed {
        return shown(format!("it is {}, and {} is needed", name(level), name(needed)), Vec::new());
    }
    // 3.8.0 needs no transactions, and 3.8.1 does: the wire does not tell which it is.
    if minor == 8 && level < TRANSACTIONS { Told::Possible } else { Told::Excluded("it is high enough") }
}

pub(super) fn a_broker_registered(view: &View<'_>, _: Subject) -> Told {
    match MIGRATING_BROKERS.read(view, Subject::Quorum) {
        Ok(count) if count.value > 0 => return Told::Excluded("a broker is registered"),
        _ => {}
    }
    let begun = brokers(view, |rung| rung != Some(BrokerRung::Zookeeper));
    let known = !view.known_brokers().is_empty();
    // Those that are in migration mode are told apart below.
    if known && begun.is_empty() && brokers_behind(view).len() == view.known_brokers().len() {
        return shown("none is in migration mode yet", Vec::new());
    }
    Told::Possible
}

/// The brokers on ZooKeeper whose flag is seen to be off, and that are not registered with it: 3.4 does not tell its flag.
fn brokers_behind(view: &View<'_>) -> Vec<NodeId> {
    let rung = |id: &NodeId| BROKER_RUNG.read(view, Subject::Broker(*id)).ok().map(|seen| seen.most());
    view.known_brokers().iter().copied().filter(|id| rung(id) == Some(BrokerRung::Zookeeper)).collect()
}

pub(super) fn brokers_flagged(view: &View<'_>, _: Subject) -> Told {
    let behind = brokers_behind(view);
    let unsure = |rung: Option<BrokerRung>| rung.is_none_or(|rung| rung == BrokerRung::Zookeeper);
    // What is registered has its flag, whether it tells it or not.
    let untold = brokers(view, unsure).into_iter().filter(|id| !is_registered(view, *id)).count();
    match (behind.is_empty(), untold) {
        (false, _) => shown_of_brokers(named(&behind), &behind),
        (true, 0) => Told::Excluded("every broker that is known is"),
        (true, _) => Told::Possible,
    }
}

fn is_registered(view: &View<'_>, id: NodeId) -> bool {
    driver::registration(view, id) == Some(Registered::Migrating)
}

/// The brokers in migration mode, as far as they tell it.
fn in_migration(view: &View<'_>) -> Vec<NodeId> {
    brokers(view, |rung| rung == Some(BrokerRung::Migration))
}

/// Those of them that are not seen to be registered.
fn unregistered(view: &View<'_>) -> Vec<NodeId> {
    in_migration(view).into_iter().filter(|id| !is_registered(view, *id)).collect()
}

fn broker_seat(view: &View<'_>, id: NodeId) -> Option<Seat> {
    seat(view, Subject::Broker(id))
}

/// Whether every broker in migration mode that is not registered is among the leader's observers.
fn all_fetch(view: &View<'_>) -> bool {
    unregistered(view).into_iter().all(|id| broker_seat(view, id).is_some_and(|seat| seat > Seat::Absent))
}

/// How many ZooKeeper brokers are registered, and how many are seen in migration mode.
fn counted(view: &View<'_>) -> Option<(u64, u64)> {
    let registered = MIGRATING_BROKERS.read(view, Subject::Quorum).ok()?.value;
    Some((registered, u64::try_from(in_migration(view).len()).ok()?))
}

/// Whether the log has every broker on ZooKeeper that is known, or else the count is as high as there are flagged ones.
fn all_registered(view: &View<'_>) -> bool {
    if driver::log_is_seen(view) {
        return unregistered(view).is_empty() && all_seen(view);
    }
    counted(view).is_some_and(|(registered, flagged)| registered >= flagged)
}

pub(super) fn brokers_fetch(view: &View<'_>, _: Subject) -> Told {
    let absent: Vec<NodeId> =
        unregistered(view).into_iter().filter(|id| broker_seat(view, *id) == Some(Seat::Absent)).collect();
    if !absent.is_empty() {
        return shown_of_brokers(format!("{} not among the observers", named(&absent)), &absent);
    }
    match (all_fetch(view), all_seen(view)) {
        (true, true) if driver::log_is_seen(view) => Told::Excluded("all of them are registered, or fetch the log"),
        (true, true) => Told::Excluded("all of them fetch the log"),
        _ => Told::Possible,
    }
}

pub(super) fn protocol_versions(view: &View<'_>, _: Subject) -> Told {
    let waiting = unregistered(view);
    let level = driver::metadata_version(view);
    let other = |id: &NodeId| {
        let (version, own) = driver::protocol_version(view, *id)?;
        let level = level.filter(|level| *level != own)?;
        let name = driver::level_name(level);
        Some(format!("broker {id}'s is {version} (level {own}), the finalized metadata.version {name}"))
    };
    if let Some((by, id)) = waiting.iter().find_map(|id| other(id).zip(Some(*id))) {
        return shown(by, vec![Subject::Broker(id)]);
    }
    if all_registered(view) {
        return Told::Excluded("all of them are registered");
    }
    let is_told = |id: &NodeId| level.is_some() && driver::protocol_version(view, *id).is_some();
    if !waiting.is_empty() && waiting.iter().all(is_told) && all_seen(view) {
        return Told::Excluded("the brokers' configurations have the controllers'");
    }
    // A quorum that says NONE refuses every broker, and one that does not fetch has not asked.
    let state = MIGRATION_STATE.read(view, Subject::Quorum).map(|state| state.value);
    match counted(view).filter(|_| !driver::log_is_seen(view)) {
        Some((registered, flagged))
            if registered < flagged && all_fetch(view) && state.is_ok_and(|state| state >= StateRung::PreMigration) =>
        {
            shown(format!("{registered} of {flagged} registered, by MigratingZkBrokerCount"), Vec::new())
        }
        _ => Told::Possible,
    }
}

pub(super) fn brokers_registered(view: &View<'_>, _: Subject) -> Told {
    let fetching = unregistered(view).into_iter().filter(|id| broker_seat(view, *id) > Some(Seat::Absent));
    let refused: Vec<NodeId> = fetching.collect();
    if let Some(id) = refused.first().filter(|_| driver::log_is_seen(view)) {
        let so = match driver::registration(view, *id) {
            Some(Registered::OnKraft) => "registered as a broker on KRaft, from before it went back",
            _ => "not registered",
        };
        return shown_of_brokers(format!("{} among the observers; broker {id} is {so}", named(&refused)), &refused);
    }
    if all_registered(view) { Told::Excluded("all of them are registered") } else { Told::Possible }
}

pub(super) fn assigned_registered(view: &View<'_>, _: Subject) -> Told {
    let silent = brokers(view, |rung| rung.is_none());
    let is_there = |id: &NodeId| BROKER_RUNG.read(view, Subject::Broker(*id)).is_ok();
    let Some(assigned) = driver::assigned(view) else {
        let away: Vec<NodeId> = silent.into_iter().filter(|id| !is_registered(view, *id)).collect();
        return match (away.is_empty(), view.declared_brokers()) {
            (false, _) => shown_of_brokers(format!("{} not seen", named(&away)), &away),
            (true, Some(_)) => Told::Excluded("every declared broker was seen, or is registered"),
            (true, None) => Told::Possible,
        };
    };
    // Those that are alive have their own clauses.
    let mut away = assigned.iter().filter(|(id, _)| !is_there(id) && !is_registered(view, **id));
    match away.next() {
        Some((id, topics)) => {
            let topics = topics.iter().take(TOPICS_MAX).map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let by = format!("broker {id} does not answer, is not registered, and has replicas of {topics}");
            let others: Vec<NodeId> = away.map(|(id, _)| *id).collect();
            let more = if others.is_empty() { String::new() } else { format!("; likewise {}", named(&others)) };
            let whom = std::iter::once(*id).chain(others).map(Subject::Broker);
            shown(by + &more, whom.collect())
        }
        None => Told::Excluded("every broker that has replicas is there, or is registered"),
    }
}

/// Whether every clause before this one is seen to be met; `None` where one is seen not to be.
fn all_met_before(id: &str, view: &View<'_>, subject: Subject) -> Option<bool> {
    let before = DRIVER.iter().take_while(|cause| cause.clause.is_none_or(|clause| clause.id != id));
    let mut all = true;
    for cause in before {
        match (cause.tell)(view, subject) {
            Told::Shown(..) => return None,
            Told::Possible => all = false,
            Told::Excluded(_) => {}
        }
    }
    Some(all)
}

/// Without the log, what can only be so once every broker has registered.
fn only_if_registered(view: &View<'_>) -> Told {
    match counted(view) {
        Some((registered, flagged)) if registered < flagged => Told::Excluded("not every broker is registered"),
        _ => Told::Possible,
    }
}

pub(super) fn copy_ends(view: &View<'_>, _: Subject) -> Told {
    match driver::open_transaction(view) {
        Some(Some((begin, records))) => {
            shown(format!("a transaction is open since offset {begin}, with {records} records so far"), Vec::new())
        }
        Some(None) if driver::metadata_version(view).is_some_and(|level| level >= TRANSACTIONS) => {
            Told::Excluded("no transaction is open in the metadata log")
        }
        Some(None) if driver::unchanged_for(view).is_some_and(|since| since > BACK_OFF_MAX_MS) => {
            Told::Excluded("nothing has been written for a minute")
        }
        None | Some(None) => only_if_registered(view),
    }
}

pub(super) fn driver_polls(view: &View<'_>, subject: Subject) -> Told {
    let Some(since) = driver::since_last_registration(view) else { return only_if_registered(view) };
    if since > BACK_OFF_MAX_MS {
        return Told::Excluded("nothing has been written for a minute");
    }
    match all_met_before("driver-polls", view, subject) {
        Some(true) => shown(format!("the metadata log changed {} s ago", since.max(0) / 1000), Vec::new()),
        Some(false) => Told::Possible,
        None => Told::Excluded("something is not met"),
    }
}

pub(super) fn driver_stands(view: &View<'_>, subject: Subject) -> Told {
    match (all_met_before(DRIVER_STANDS, view, subject), driver::since_last_registration(view)) {
        (None, Some(_)) => Told::Excluded("something is not met"),
        (Some(true), Some(since)) if since > BACK_OFF_MAX_MS => {
            let minor = driver::leaders_minor(view);
            let known = defects::that_stop_the_driver(minor).join(", ");
            shown(format!("for {} s; known are {known}", since / 1000), Vec::new())
        }
        (_, None) => only_if_registered(view),
        _ => Told::Possible,
    }
}
