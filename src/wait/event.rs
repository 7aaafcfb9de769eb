//! What happens in a wait, as data.

use std::time::Duration;

use super::{Next, Rules};
use crate::report::{Counts, EndedBy, Progress, Report, Verdict};
use crate::snapshot::{NodeId, Timestamp};

/// Whoever is told of every event when it happens.
pub trait Listener {
    /// This happened.
    fn hear(&mut self, event: &Event);
}

/// Something that happened, and what the last look before it saw.
#[derive(Debug, Clone)]
pub struct Event {
    /// How long after the beginning of the wait.
    pub elapsed: Duration,
    /// What happened.
    pub what: What,
    /// What the last look saw; `None` before the first one.
    pub seen: Option<Seen>,
}

/// What a look saw, in short.
#[derive(Debug, Clone)]
pub struct Seen {
    /// How many looks were taken by then.
    pub looks: u64,
    /// For how long it had been complete.
    pub stable: Duration,
    /// The answer.
    pub verdict: Verdict,
    /// The whole story in a sentence.
    pub summary: String,
    /// How many findings stand how.
    pub counts: Counts,
    /// How far the stage is.
    pub progress: Option<Progress>,
    /// When the last answer was in.
    pub at: Timestamp,
}

impl Seen {
    pub(super) fn of(report: &Report, looks: u64, stable: Duration) -> Self {
        let Report { verdict, counts, progress, ended: at, .. } = *report;
        Self { looks, stable, verdict, summary: report.summary.clone(), counts, progress, at }
    }
}

/// What can happen in a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It began, with these rules.
    Started(Rules),
    /// A look was taken.
    Sample {
        /// Whether the verdict or a failing finding is another than in the look before.
        changed: bool,
        /// What follows.
        next: Next,
    },
    /// Something moved.
    Progress(Vec<Moved>),
    /// It takes longer than it should.
    Slow,
    /// A hook was run.
    Hook(Trigger, CameTo),
    /// A signal ended it.
    Interrupted(EndedBy),
    /// Its time, or that in which nothing may stand still, was over.
    Deadline(EndedBy),
}

/// Something that moved between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Verdict and failing findings are as they were in no look before.
    Situation,
    /// The log grew, and not only by what an idle quorum writes.
    HighWatermark {
        /// Where it ended.
        from: i64,
        /// Where it ends.
        to: i64,
    },
    /// A voter that does not keep up came nearer to the leader than it was before.
    Voter {
        /// Which one.
        id: NodeId,
        /// How many records it was behind.
        from: u64,
        /// How many it is behind.
        to: u64,
    },
}

/// What a hook waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// That it is slow.
    Slow,
    /// That the verdict or a failing finding changed.
    Change,
    /// That the wait ends because it is blocked.
    Blocked,
    /// That the wait ends because it is complete.
    Complete,
}

impl Trigger {
    /// Its flag, without hyphens in front.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::Slow => "on-slow",
            Self::Change => "on-change",
            Self::Blocked => "on-blocked",
            Self::Complete => "on-complete",
        }
    }

    /// Whether this is what it waits for.
    #[must_use]
    pub fn is_met(self, what: &What) -> bool {
        match (self, what) {
            (Self::Slow, What::Slow) => true,
            (Self::Change, What::Sample { changed, .. }) => *changed,
            (Self::Blocked, What::Sample { next, .. }) => *next == Next::End(EndedBy::Blocked),
            (Self::Complete, What::Sample { next, .. }) => *next == Next::End(EndedBy::Complete),
            _ => false,
        }
    }
}

/// What a hook came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CameTo {
    /// It ended with this code.
    Code(i32),
    /// A signal ended it, or nobody knows what did.
    Killed,
    /// It took too long, and was ended.
    TimedOut,
    /// It could not be started, for this reason.
    NotStarted(String),
}
