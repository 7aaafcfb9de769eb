//! What Kafka's migration driver looks at before it copies the metadata (`KRaftMigrationDriver.java`), as far as it can be seen
//! from outside. `None` is always "not seen". Not here: what it decides (`stages/driver.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::log::log;
use super::view::View;
use crate::snapshot::{ApiVersions, AskedAs, Configs, NodeId, Topics};

/// How a broker is registered with the controllers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// Not at all.
    Not,
    /// As a broker on ZooKeeper, fenced or not.
    Migrating,
    /// As a broker on KRaft.
    OnKraft,
}

/// Who leads.
#[must_use]
pub fn leading(view: &View<'_>) -> Option<NodeId> {
    Some(view.live_leader().ok()?.id())
}

/// The minor release of 3.x that the live leader is of, 4 to 9.
#[must_use]
pub fn leaders_minor(view: &View<'_>) -> Option<u8> {
    let said = view.live_leader().ok()?.node.api_versions.said.as_ref().ok()?;
    let (oldest, newest) = said.releases()?;
    if oldest == newest { oldest.minor_of_3() } else { None }
}

/// The finalized level of `metadata.version`, by the log or by what a controller or KRaft broker tells of it.
#[must_use]
pub fn metadata_version(view: &View<'_>) -> Option<i16> {
    let finalized = |said: &ApiVersions| said.features.epoch.and(said.features.finalized);
    let told = || {
        let leader = view.live_leader().ok().map(|leader| leader.node);
        let nodes = leader.into_iter().chain(view.controllers().map(|(_, node)| node)).chain(view.brokers());
        nodes.flat_map(|node| &node.api_versions.said).find_map(finalized)
    };
    let written = log(view).ok().and_then(|log| log.metadata_version());
    written.or_else(told)
}

/// Whether the metadata log was read and counts.
#[must_use]
pub fn log_is_seen(view: &View<'_>) -> bool {
    log(view).is_ok()
}

/// How this broker is registered, by the log.
#[must_use]
pub fn registration(view: &View<'_>, id: NodeId) -> Option<Registered> {
    Some(match log(view).ok()?.broker(id) {
        None => Registered::Not,
        Some(broker) if broker.migrating => Registered::Migrating,
        Some(_) => Registered::OnKraft,
    })
}

/// Whether this controller is registered with the migration flag, by the log: `Some(None)` where it is not registered.
#[must_use]
pub fn controller_registration(view: &View<'_>, id: NodeId) -> Option<Option<bool>> {
    Some(log(view).ok()?.controller(id).map(|controller| controller.zk_migration_ready))
}

/// Whether the voters stand in the nodes' `controller.quorum.voters`; a quorum of `controller.quorum.bootstrap.servers` alone
/// has none there, which 3.9 allows.
#[must_use]
pub fn voters_are_configured(view: &View<'_>) -> Option<bool> {
    if leaders_minor(view).is_some_and(|minor| minor < 9) {
        return Some(true);
    }
    let voters = |said: &Configs| said.value("controller.quorum.voters").is_some();
    // A broker that is not flagged has neither: it knows of no controllers.
    let knows = |said: &&Configs| voters(said) || said.value("controller.quorum.bootstrap.servers").is_some();
    let mut told = view.look.nodes.iter().flat_map(|node| &node.configs.said).filter(knows).peekable();
    told.peek()?;
    Some(told.any(voters))
}

/// A broker's own `inter.broker.protocol.version`, and the level of `metadata.version` that it stands for.
#[must_use]
pub fn protocol_version<'a>(view: &View<'a>, id: NodeId) -> Option<(&'a str, i16)> {
    let value = view.broker(id).ok()?.0.configs.said.as_ref().ok()?.value("inter.broker.protocol.version")?;
    Some((value, level(value)?))
}

/// Every broker that has a replica of a topic, by what brokers on ZooKeeper or others show; `None` where no topic is shown,
/// which a user without rights sees too.
#[must_use]
pub fn assigned<'a>(view: &View<'a>) -> Option<BTreeMap<NodeId, Vec<&'a Arc<str>>>> {
    let asked = view.look.nodes.iter().filter(|node| node.asked_as == AskedAs::Broker);
    let shown: Vec<&Topics> = asked.flat_map(|node| &node.topics.said).filter(|topics| topics.topics > 0).collect();
    let mut assigned: BTreeMap<NodeId, BTreeSet<&Arc<str>>> = BTreeMap::new();
    for (id, topics) in shown.iter().flat_map(|topics| &topics.assigned) {
        assigned.entry(*id).or_default().extend(topics);
    }
    let lists = || assigned.into_iter().map(|(id, topics)| (id, topics.into_iter().collect())).collect();
    (!shown.is_empty()).then(lists)
}

/// The transaction that is open in the log: its first offset, and how many records are in it so far. `Some(None)`: none is.
#[must_use]
pub fn open_transaction(view: &View<'_>) -> Option<Option<(i64, i64)>> {
    let said = log(view).ok()?.said;
    Some(said.transaction.map(|begin| (begin, said.high_watermark.saturating_sub(begin))))
}

/// How long the log has not changed, by its own clock, in milliseconds.
#[must_use]
pub fn unchanged_for(view: &View<'_>) -> Option<i64> {
    let said = log(view).ok()?.said;
    Some(said.last_append.saturating_sub(said.last_change?))
}

/// How long ago the last broker registered, or the log changed thereafter, by the log's own clock, in milliseconds: a new
/// leader, which is such a change, has a driver that begins anew.
#[must_use]
pub fn since_last_registration(view: &View<'_>) -> Option<i64> {
    let said = log(view).ok()?.said;
    let registered = said.last_append.saturating_sub(said.brokers.iter().map(|broker| broker.at).max()?);
    Some(unchanged_for(view).map_or(registered, |unchanged| unchanged.min(registered)))
}

/// Of every minor release of 3.x its first level of `metadata.version`, the `IV` of that, and how many it has
/// (`MetadataVersion.java`, 3.9). 3.0 has no level of IV0.
const LEVELS: [(i16, i16, i16); 10] =
    [(1, 1, 1), (2, 0, 1), (3, 0, 1), (4, 0, 4), (8, 0, 1), (9, 0, 3), (12, 0, 3), (15, 0, 5), (20, 0, 1), (21, 0, 1)];

/// The level that an `inter.broker.protocol.version` such as `3.8`, `3.8.1` or `3.9-IV0` stands for: without an `IV` the last
/// of its release.
fn level(name: &str) -> Option<i16> {
    let (release, iv) = match name.split_once("-IV") {
        Some((release, iv)) => (release, Some(iv.parse::<i16>().ok()?)),
        None => (name, None),
    };
    let minor = release.strip_prefix("3.")?.split('.').next()?.parse::<usize>().ok()?;
    let (first, first_iv, count) = *LEVELS.get(minor)?;
    let place = iv.map_or(Some(count - 1), |iv| iv.checked_sub(first_iv))?;
    (0..count).contains(&place).then_some(first + place)
}

/// Kafka's name of a level, as `3.9-IV0`; the number alone where it is of no release of 3.x.
#[must_use]
pub fn level_name(level: i16) -> String {
    let of = |(minor, (first, first_iv, count)): (usize, &(i16, i16, i16))| {
        let place = level.checked_sub(*first).filter(|place| (0..*count).contains(place))?;
        Some(format!("3.{minor}-IV{} ({level})", first_iv + place))
    };
    LEVELS.iter().enumerate().find_map(of).unwrap_or_else(|| level.to_string())
}
