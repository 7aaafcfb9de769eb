//! How a wait ended. Not here: when it ends (`wait`).

use std::time::Duration;

/// How a wait ended, beside what its last look saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    /// Why.
    pub ended_by: EndedBy,
    /// How many looks were taken.
    pub looks: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// For how long it had been complete by then.
    pub stable: Duration,
}

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// It was complete for long enough.
    Complete,
    /// It was blocked often enough.
    Blocked,
    /// The time was over.
    Deadline,
    /// Nothing moved any more.
    NoProgress,
    /// A request that decides was denied.
    Refused,
    /// SIGINT came.
    Interrupted,
    /// SIGTERM came.
    Terminated,
}

impl EndedBy {
    /// The word in a report. Which signal it was, the exit code tells.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Blocked => "blocked",
            Self::Deadline => "deadline",
            Self::NoProgress => "no_progress",
            Self::Refused => "refused",
            Self::Interrupted | Self::Terminated => "interrupted",
        }
    }
}
