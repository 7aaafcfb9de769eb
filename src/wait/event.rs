//! What happens in a wait, as data.

use std::time::Duration;

use super::{Next, Rules};
use crate::report::{Counts, EndedBy, Finding, Progress, Report, Verdict};
use crate::snapshot::{NodeId, Subject, Timestamp};

/// How many of those that hold it are named; the others are counted.
pub const NAMES_MAX: usize = 8;

/// Whoever is told of every event when it happens.
pub trait Listener {
    /// Something to know beforehand, for whoever asked for so many times more than is said by itself.
    fn remark(&mut self, _level: u8, _line: &str) {}

    /// Time passes, and nothing happened: several times a second.
    fn tick(&mut self, _moment: Moment<'_>) {}

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

/// How a wait stands at some moment between events.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// How it is waited.
    pub rules: Rules,
    /// How long after the beginning of the wait.
    pub elapsed: Duration,
    /// What the last look saw; `None` before the first one.
    pub seen: Option<&'a Seen>,
}

/// What a look saw, in short.
#[derive(Debug, Clone)]
pub struct Seen {
    /// How many looks were taken by then.
    pub looks: u64,
    /// In how many looks in a row it was complete, or blocked.
    pub in_a_row: u16,
    /// For how long it had been complete.
    pub stable: Duration,
    /// Whether anybody answered anything.
    pub anybody_answered: bool,
    /// The answer.
    pub verdict: Verdict,
    /// The whole story in a sentence.
    pub summary: String,
    /// How many findings stand how.
    pub counts: Counts,
    /// How far the stage is.
    pub progress: Option<Progress>,
    /// What holds it; `None` once it is complete.
    pub held: Option<Held>,
    /// When the last answer was in.
    pub at: Timestamp,
}

impl Seen {
    pub(super) fn of(report: &Report, looks: u64, in_a_row: u16, stable: Duration) -> Self {
        let Report { verdict, counts, progress, anybody_answered, ended: at, .. } = *report;
        Self {
            looks,
            in_a_row,
            stable,
            anybody_answered,
            verdict,
            summary: report.summary.clone(),
            counts,
            progress,
            held: Held::of(report),
            at,
        }
    }
}

/// What holds a wait: the row or guard that heads the summary, and of whom it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The id of the row or guard.
    pub by: &'static str,
    /// The first of the nodes of which it does not hold; none if it is about the cluster as a whole.
    pub nodes: Vec<Subject>,
    /// How many nodes there are.
    pub count: usize,
}

impl Held {
    fn of(report: &Report) -> Option<Self> {
        // Findings stand worst first, so the first one decides.
        let first = report.findings.first().filter(|_| report.verdict != Verdict::Complete)?;
        let alike = |finding: &&Finding| (finding.id, finding.standing) == (first.id, first.standing);
        let subjects = report.findings.iter().filter(alike).map(|finding| finding.subject);
        let nodes = subjects.filter(|subject| matches!(subject, Subject::Broker(_) | Subject::Controller(_)));
        let mut nodes: Vec<Subject> = nodes.collect();
        let count = nodes.len();
        nodes.truncate(NAMES_MAX);
        Some(Self { by: first.id, nodes, count })
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
