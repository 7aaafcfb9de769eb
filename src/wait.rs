//! When a wait goes on, when it ends and why, and what happened on the way. Pure: time is an argument, and what was
//! seen comes as a report.
//!
//! Not here: looks, sleeps, signals and hooks (`command`), and how an event is told (`render`).

mod event;
mod movement;

use std::time::Duration;

use crate::exit;
use crate::report::{EndedBy, Report, Verdict, Waited};
use crate::snapshot::Timestamp;

pub use event::{CameTo, Event, Held, Listener, Moment, Moved, NAMES_MAX, Seen, Trigger, What};
use movement::Movement;

/// The longest pause while nobody answers, unless the interval itself is longer.
const BACK_OFF_MAX: Duration = Duration::from_secs(30);
/// After how many intervals without a look nobody can say any more that it held all the time.
const GAP_INTERVALS: u32 = 3;
/// In how many looks in a row credentials or a right are missing that end it: a node that starts does not know its users and
/// rules at once.
const REFUSED_SAMPLES: u16 = 2;
/// The least of an interval that chance leaves; the most is as much above it. So many waits do not ask in step.
const JITTER_LEAST: f64 = 0.8;

/// How to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long all of it may take.
    pub timeout: Duration,
    /// How long to pause between two looks.
    pub interval: Duration,
    /// How long it must have been complete.
    pub stable_for: Duration,
    /// In how many looks in a row it must be complete.
    pub samples: u16,
    /// In how many looks in a row it must be blocked.
    pub blocked_samples: u16,
    /// How long nothing may move.
    pub no_progress: Option<Duration>,
    /// After which time it is slow.
    pub slow_after: Option<Duration>,
    /// How often that is said again.
    pub slow_repeat: Option<Duration>,
}

/// A look that was taken. Times are those since the beginning of the wait.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// When it began.
    pub began: Duration,
    /// When it was over.
    pub ended: Duration,
    /// What was seen.
    pub report: &'a Report,
    /// Chance, from 0 to 1.
    pub chance: f64,
}

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another look after this time.
    Look(Duration),
    /// The end.
    End(EndedBy),
}

/// What is known of a wait. It does not grow with time.
#[derive(Debug)]
pub struct Wait {
    rules: Rules,
    looks: u64,
    /// When the last look was over, by the clock of the wait and by that of the wall.
    last: Option<(Duration, Timestamp)>,
    /// The looks in a row that were complete.
    series: Option<Series>,
    /// How many looks in a row were blocked.
    blocked: u16,
    /// How many looks in a row were refused.
    refused: u16,
    /// In how many looks in a row nobody answered.
    blind: u32,
    movement: Movement,
    /// When it is to be said that it is slow.
    slow_at: Option<Duration>,
    seen: Option<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Series {
    since: Duration,
    looks: u16,
}

impl Wait {
    /// A wait that has not looked yet.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            looks: 0,
            last: None,
            series: None,
            blocked: 0,
            refused: 0,
            blind: 0,
            movement: Movement::default(),
            slow_at: rules.slow_after,
            seen: None,
        }
    }

    /// What follows from this look, and what happened with it.
    pub fn after(&mut self, taken: &Taken<'_>) -> (Next, Vec<Event>) {
        let Taken { ended, report, .. } = *taken;
        let is_first = self.looks == 0;
        self.looks += 1;
        self.count(taken);
        let (changed, moved) = self.movement.after(ended, report);
        let next = self.next(taken);
        self.last = Some((ended, report.ended));
        let in_a_row = self.series.map_or(self.blocked, |series| series.looks);
        self.seen = Some(Seen::of(report, self.looks, in_a_row, self.stable(ended)));
        let mut what = vec![What::Sample { changed: changed && !is_first, next }];
        if !moved.is_empty() {
            what.push(What::Progress(moved));
        }
        match next {
            Next::Look(_) if self.slow_at.is_some_and(|at| at <= ended) => {
                self.slow_at = self.rules.slow_repeat.map(|repeat| ended + repeat);
                what.push(What::Slow);
            }
            Next::End(by @ (EndedBy::Deadline | EndedBy::NoProgress)) => what.push(What::Deadline(by)),
            _ => {}
        }
        (next, what.into_iter().map(|what| self.event(ended, what)).collect())
    }

    /// Something that happened by now, beside what the last look saw.
    #[must_use]
    pub fn event(&self, elapsed: Duration, what: What) -> Event {
        Event { elapsed, what, seen: self.seen.clone() }
    }

    /// How it stands by now.
    #[must_use]
    pub fn moment(&self, elapsed: Duration) -> Moment<'_> {
        Moment { rules: self.rules, elapsed, seen: self.seen.as_ref() }
    }

    /// How the wait ended that ends now.
    #[must_use]
    pub fn ended(&self, ended_by: EndedBy, elapsed: Duration) -> Waited {
        let stable = self.seen.as_ref().map_or(Duration::ZERO, |seen| seen.stable);
        Waited { ended_by, looks: self.looks, elapsed, stable }
    }

    fn count(&mut self, taken: &Taken<'_>) {
        let Taken { ended, report, .. } = *taken;
        self.blind = if report.anybody_answered { 0 } else { self.blind.saturating_add(1) };
        self.blocked = if report.verdict == Verdict::Blocked { self.blocked.saturating_add(1) } else { 0 };
        let is_refused = exit::of_report(report) == &exit::REFUSED;
        self.refused = if is_refused { self.refused.saturating_add(1) } else { 0 };
        let unbroken = self.gap(taken) <= self.rules.interval * GAP_INTERVALS;
        self.series = match self.series {
            _ if report.verdict != Verdict::Complete => None,
            Some(Series { since, looks }) if unbroken => Some(Series { since, looks: looks.saturating_add(1) }),
            _ => Some(Series { since: ended, looks: 1 }),
        };
    }

    /// How long nobody had looked when this look began. While the machine sleeps our clock stands still, so what the
    /// clock on the wall has more than ours is counted as well; if somebody set it, that only makes the wait longer.
    fn gap(&self, taken: &Taken<'_>) -> Duration {
        let Some((ended, wall)) = self.last else { return Duration::ZERO };
        let by_the_wall = Duration::from_millis(taken.report.ended.0.saturating_sub(wall.0));
        let asleep = by_the_wall.saturating_sub(taken.ended.saturating_sub(ended));
        taken.began.saturating_sub(ended) + asleep
    }

    fn stable(&self, now: Duration) -> Duration {
        self.series.map_or(Duration::ZERO, |series| now.saturating_sub(series.since))
    }

    fn next(&self, taken: &Taken<'_>) -> Next {
        let Taken { ended, chance, .. } = *taken;
        let Rules { timeout, stable_for, samples, blocked_samples, no_progress, .. } = self.rules;
        // While it is complete, nothing has to move but the time.
        let stalls_at = no_progress.filter(|_| self.series.is_none()).map(|time| self.movement.since() + time);
        let left = stalls_at.map(|at| at.saturating_sub(ended));
        let pause = self.pause(chance).min(left.unwrap_or(Duration::MAX));
        if self.refused >= REFUSED_SAMPLES {
            Next::End(EndedBy::Refused)
        } else if self.series.is_some_and(|it| it.looks >= samples) && self.stable(ended) >= stable_for {
            Next::End(EndedBy::Complete)
        } else if self.blocked >= blocked_samples {
            Next::End(EndedBy::Blocked)
        } else if left == Some(Duration::ZERO) {
            Next::End(EndedBy::NoProgress)
        } else if ended.saturating_add(pause) >= timeout {
            // The next look could not begin in time, so there is nothing left to wait for.
            Next::End(EndedBy::Deadline)
        } else {
            Next::Look(pause)
        }
    }

    fn pause(&self, chance: f64) -> Duration {
        let interval = self.rules.interval;
        let doubled = interval.saturating_mul(2_u32.saturating_pow(self.blind.saturating_sub(1)));
        let pause = doubled.min(BACK_OFF_MAX.max(interval));
        pause.mul_f64(JITTER_LEAST + 2.0 * (1.0 - JITTER_LEAST) * chance.clamp(0.0, 1.0))
    }
}
