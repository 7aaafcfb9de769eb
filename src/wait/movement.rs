//! Whether anything moves: a situation that was never met before, a log that grows faster than an idle one, a voter
//! that catches up.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::event::Moved;
use crate::report::{Report, Standing, Value};
use crate::snapshot::NodeId;

/// How many situations are remembered. Whoever has been in more of them goes round in circles.
const SITUATIONS_MAX: usize = 65_536;
/// More records a second than an idle quorum writes: one every half second, for ever, whatever else stands still.
const IDLE_RECORDS_PER_SECOND: f64 = 5.0;
/// As many records may be written at once without anything moving, such as by an election.
const IDLE_RECORDS: f64 = 10.0;

/// What has moved so far.
#[derive(Debug, Default)]
pub(super) struct Movement {
    /// The hash of every situation that was met.
    met: HashSet<u64>,
    /// That of the last one.
    last: Option<u64>,
    /// The last high watermark that was told, and when.
    high_watermark: Option<(i64, Duration)>,
    /// Of each voter that does not keep up, how few records it was behind since it last did.
    nearest: BTreeMap<NodeId, u64>,
    since: Duration,
}

impl Movement {
    /// Since when nothing has moved.
    pub(super) fn since(&self) -> Duration {
        self.since
    }

    /// Whether the situation is another than in the look before, and what moved. What the first look sees is new, and
    /// nothing that moved.
    pub(super) fn after(&mut self, ended: Duration, report: &Report) -> (bool, Vec<Moved>) {
        let situation = situation(report);
        let is_first = self.last.is_none();
        let changed = self.last.replace(situation) != Some(situation);
        let is_new = self.met.len() < SITUATIONS_MAX && self.met.insert(situation);
        let mut moved = Vec::new();
        moved.extend((is_new && !is_first).then_some(Moved::Situation));
        moved.extend(self.log(ended, report));
        moved.extend(self.voters(report));
        if is_first || !moved.is_empty() {
            self.since = ended;
        }
        (changed, moved)
    }

    fn log(&mut self, ended: Duration, report: &Report) -> Option<Moved> {
        let to = report.high_watermark?;
        let (from, at) = self.high_watermark.replace((to, ended))?;
        let idle = IDLE_RECORDS + IDLE_RECORDS_PER_SECOND * ended.saturating_sub(at).as_secs_f64();
        let grown = u32::try_from(to.saturating_sub(from).max(0)).unwrap_or(u32::MAX);
        (f64::from(grown) > idle).then_some(Moved::HighWatermark { from, to })
    }

    fn voters(&mut self, report: &Report) -> Vec<Moved> {
        let lagging = &report.lagging;
        self.nearest.retain(|id, _| lagging.iter().any(|(other, _)| other == id));
        let nearer = |(id, to): &(NodeId, u64)| {
            let nearest = self.nearest.entry(*id).or_insert(*to);
            let from = std::mem::replace(nearest, (*nearest).min(*to));
            (*to < from).then_some(Moved::Voter { id: *id, from, to: *to })
        };
        lagging.iter().filter_map(nearer).collect()
    }
}

/// Verdict and failing findings, without what differs in every look: times.
fn situation(report: &Report) -> u64 {
    let mut hasher = DefaultHasher::new();
    report.verdict.hash(&mut hasher);
    for finding in &report.findings {
        if !matches!(finding.standing, Standing::Pass | Standing::Skipped) {
            let observed = finding.observed.filter(|value| !matches!(value, Value::Millis(_)));
            (finding.id, finding.standing, finding.subject, observed).hash(&mut hasher);
        }
    }
    hasher.finish()
}
