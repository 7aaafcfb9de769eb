//! The metadata log, where it counts: as the live leader served it, in the very epoch in which it says that it leads, and no
//! shorter than it told in the same look.
//!
//! It is read after the metrics pages of a look, so a page may be behind it and never ahead. Not here: what its states mean
//! beside gauges (`state`).

use super::view::View;
use super::{Sight, Unseen, evidence, seen, unseen};
use crate::snapshot::{
    AskedAs, ControllerRegistration, Evidence, Generation, MetadataLog, Missed, Node, NodeId, Registration, Why,
};

/// The feature whose level tells that the log was begun: every log of a release that migrates has a record of it, written
/// before any other or together with the first state.
const METADATA_VERSION: &str = "metadata.version";

/// The log of the live leader.
pub(super) struct Log<'a> {
    node: &'a Node,
    pub(super) said: &'a MetadataLog,
}

/// The log, if it was read and counts.
pub(super) fn log<'a>(view: &View<'a>) -> Result<Log<'a>, Box<Unseen>> {
    let leader = view.live_leader()?;
    let log = |said| Log { node: leader.node, said };
    let said = match &leader.node.log.said {
        Ok(said) => said,
        Err(missed) => {
            let evidence = Some(fetched(leader.node, "Records"));
            return Err(Box::new(Unseen { missed: missed.clone(), evidence }));
        }
    };
    let words = if (said.leader, said.epoch) != (leader.id(), leader.said.epoch) {
        format!(
            "the log was read of controller {} in epoch {}, and controller {} told that it leads in epoch {}",
            said.leader,
            said.epoch,
            leader.id(),
            leader.said.epoch
        )
    } else if said.high_watermark < leader.said.high_watermark {
        let told = leader.said.high_watermark;
        format!("the log was read up to {}, and the leader's high watermark was {told} before", said.high_watermark)
    } else {
        return Ok(log(said));
    };
    Err(Box::new(Unseen {
        missed: Missed::new(Why::NotConfirmed, words),
        evidence: Some(log(said).evidence("HighWatermark")),
    }))
}

/// The last committed `ZkMigrationStateRecord`, in Kafka's numbers; a log without any says 0, NONE. One that is only just
/// begun says nothing yet.
pub(super) fn state(view: &View<'_>) -> Sight<u8> {
    let log = log(view)?;
    let evidence = Some(log.evidence("ZkMigrationStateRecord"));
    match log.said.states.last().map(|record| u8::try_from(record.state)) {
        Some(Ok(state @ 0..=3)) => seen(state, evidence),
        Some(_) => {
            unseen(Missed::new(Why::Malformed, "the log has a ZkMigrationStateRecord of no known state"), evidence)
        }
        None if log.level(METADATA_VERSION).is_some() => seen(0, evidence),
        None => unseen(Missed::new(Why::NotLoaded, "the log has no metadata.version yet: it is only begun"), evidence),
    }
}

/// Whether any controller's log says that the copy is done, whoever leads: only for what follows from a denial.
pub(super) fn copied_anywhere(view: &View<'_>) -> bool {
    let asked = view.look.nodes.iter().filter(|node| node.asked_as == AskedAs::Controller);
    // Of 3.4 the record is written when the copy begins.
    let tells = asked.filter(|node| super::generation(node) == Some(Generation::Migrating));
    tells.flat_map(|node| &node.log.said).any(|log| log.states.last().is_some_and(|last| [1, 3].contains(&last.state)))
}

impl<'a> Log<'a> {
    pub(super) fn evidence(&self, field: &'static str) -> Evidence {
        fetched(self.node, field)
    }

    /// How many registrations these are, and the first few of whom.
    pub(super) fn tally(&self, these: impl Iterator<Item = &'a Registration>, field: &'static str) -> Sight<u64> {
        let ids: Vec<NodeId> = these.map(|broker| broker.id).collect();
        let count = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        let named = ids.into_iter().map(|id| format!("broker {id}"));
        seen(count, Some(self.evidence(field))).map(|seen| seen.naming(named))
    }

    /// The finalized level of a feature.
    fn level(&self, feature: &str) -> Option<i16> {
        self.said.features.iter().find(|(name, _)| name == feature).map(|(_, level)| *level)
    }

    /// The finalized level of `metadata.version`.
    pub(super) fn metadata_version(&self) -> Option<i16> {
        self.level(METADATA_VERSION)
    }

    /// The registrations of brokers on ZooKeeper, dead ones included.
    pub(super) fn migrating(&self) -> impl Iterator<Item = &'a Registration> {
        self.said.brokers.iter().filter(|broker| broker.migrating)
    }

    /// The registrations of brokers that are fenced.
    pub(super) fn fenced(&self) -> impl Iterator<Item = &'a Registration> {
        self.said.brokers.iter().filter(|broker| broker.fenced)
    }

    /// The registration of this broker.
    pub(super) fn broker(&self, id: NodeId) -> Option<&'a Registration> {
        self.said.brokers.iter().find(|broker| broker.id == id)
    }

    /// The registration of this controller.
    pub(super) fn controller(&self, id: NodeId) -> Option<&'a ControllerRegistration> {
        self.said.controllers.iter().find(|controller| controller.id == id)
    }
}

/// The evidence for what stands in the log of this node.
fn fetched(node: &Node, field: &'static str) -> Evidence {
    evidence(node, &node.log, "Fetch", field)
}
