//! The second waist: what it means, as data. Verdict, findings with their evidence, what to do next.
//!
//! Renderers read this and nothing else; they add no judgement. Not here: words of one format.

mod diagnosis;
mod oddity;
mod waited;

use std::collections::BTreeSet;

use crate::snapshot::{Endpoint, Evidence, Found, NodeId, Subject, Timestamp};

pub use diagnosis::{Diagnosis, Examined, Hop, Outcome};
pub use oddity::Oddity;
pub use waited::{EndedBy, Waited};

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Every required finding was observed to hold.
    Complete,
    /// Something that decides the answer was not seen.
    Unknown,
    /// Something was observed not to hold, and waiting or the next normal step can change it.
    NotYet,
    /// Waiting cannot help, or going on is unsafe.
    Blocked,
}

impl Verdict {
    /// The verdict's word: an API, never changed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Unknown => "unknown",
            Self::NotYet => "not_yet",
            Self::Blocked => "blocked",
        }
    }
}

/// How one row stands with one subject. Ordered as findings are listed: the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// A guard was met.
    Blocked,
    /// It was seen not to hold.
    NotYet,
    /// It was not seen.
    Unknown,
    /// It does not matter here.
    Skipped,
    /// It was seen to hold.
    Pass,
}

impl Standing {
    /// The word in a report.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::NotYet => "not_yet",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
            Self::Pass => "pass",
        }
    }
}

/// A value that was expected or observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Value {
    /// So or not.
    Truth(bool),
    /// A number, in the unit that the message names.
    Number(u64),
    /// A time, which is another in every look: that it differs tells nothing.
    Millis(u64),
    /// A name.
    Word(&'static str),
}

/// One judged row and subject.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The row's or guard's id.
    pub id: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// Of whom.
    pub subject: Subject,
    /// What was demanded; `None` for guards.
    pub expected: Option<Value>,
    /// What was seen.
    pub observed: Option<Value>,
    /// Where. Boxed, for of the thousands of findings in a large cluster most are of guards, and have none.
    pub evidence: Option<Box<Evidence>>,
    /// All of it in a sentence.
    pub message: String,
    /// What it can be owed to, where that is more than one thing: what was shown, or else what is left and what is not.
    pub causes: Vec<Cause>,
}

/// One thing that a finding can be owed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The thing, in words.
    pub words: &'static str,
    /// Whether it is this.
    pub likelihood: Likelihood,
    /// What tells so; `None` where nothing does.
    pub by: Option<String>,
    /// Of whom it is shown, where that is not the finding's subject.
    pub subjects: Vec<Subject>,
    /// The clause of the migration driver's decision that it is, if it is one.
    pub clause: Option<Clause>,
}

/// A clause of the migration driver's decision to copy the metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clause {
    /// Its id.
    pub id: &'static str,
    /// What to do while it is not met.
    pub advice: &'static str,
}

/// Whether a finding is owed to one thing rather than another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likelihood {
    /// It is this.
    Shown,
    /// It may be this.
    Possible,
    /// It is not this.
    Excluded,
}

impl Likelihood {
    /// The word in a report.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Possible => "possible",
            Self::Excluded => "excluded",
        }
    }
}

/// Whom we expected, and how we knew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// Their ids.
    pub ids: BTreeSet<NodeId>,
    /// Whether they were declared; otherwise they were discovered: whoever any node lists.
    pub declared: bool,
}

/// Something to know beside the findings: what could not be asked, or what looks odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// A name, in the manner of a finding's id.
    pub id: &'static str,
    /// About whom; `None` for an endpoint that counts for no id.
    pub subject: Option<Subject>,
    /// In words.
    pub message: String,
}

/// The id of the one piece of advice that a stage gets which comes too early.
pub const EARLIER_STAGE_FIRST: &str = "earlier-stage-first";

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// A name.
    pub id: &'static str,
    /// With whom.
    pub subjects: Vec<Subject>,
    /// What, in words.
    pub text: String,
    /// The finding or stage that explains it.
    pub explain: &'static str,
}

/// Where the cluster stands in relation to the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// It is beyond this stage.
    Past,
    /// It is in this stage.
    Current,
    /// Nobody has begun this stage.
    Future,
}

/// How many findings stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Seen to hold.
    pub pass: usize,
    /// Seen not to hold.
    pub not_yet: usize,
    /// Guards met.
    pub blocked: usize,
    /// Not seen.
    pub unknown: usize,
    /// Without weight here.
    pub skipped: usize,
}

/// Where the cluster stands in its migration, by what is said of every stage.
#[derive(Debug, Clone)]
pub struct Whereabouts {
    /// What is said of each stage, in their order.
    pub reports: Vec<Report>,
    /// The place.
    pub place: Place,
}

/// A place on the way through the stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first stage is not begun.
    NotBegun,
    /// In the stage of this number: it is begun, the next is not.
    In(usize),
    /// Beyond all of them.
    Beyond,
    /// It cannot be told.
    Unknown,
}

impl Whereabouts {
    /// What the copy of the metadata waits for: the first clause of the driver's decision that is shown not to be met.
    #[must_use]
    pub fn waiting_for(&self) -> Option<(&Cause, Clause)> {
        let not_yet = |finding: &&Finding| finding.standing == Standing::NotYet;
        let causes =
            self.reports.iter().flat_map(|report| report.findings.iter().filter(not_yet)).flat_map(|it| &it.causes);
        let mut shown = causes.filter(|cause| cause.likelihood == Likelihood::Shown);
        shown.find_map(|cause| Some((cause, cause.clause?)))
    }

    /// The report of the stage that the cluster is in, or else of the first one that is not complete.
    #[must_use]
    pub fn current(&self) -> Option<&Report> {
        let unfinished = || self.reports.iter().find(|report| report.verdict != Verdict::Complete);
        match self.place {
            Place::In(number) => self.reports.get(number),
            Place::Beyond => self.reports.last(),
            Place::NotBegun | Place::Unknown => unfinished().or(self.reports.last()),
        }
    }

    /// What to do next: for the stage that the cluster is in, or once that is complete, for the one after it.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        let current = self.current();
        let complete = current.filter(|report| report.verdict == Verdict::Complete).and_then(|report| report.next);
        let after = complete.and_then(|next| self.reports.iter().find(|report| report.stage == next));
        after.or(current).map_or(&[], |report| &report.actions)
    }

    /// Whether any guard was met: guards stand in every stage.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.reports.iter().any(|report| report.verdict == Verdict::Blocked)
    }
}

/// A simulated migration, judged on the way.
#[derive(Debug, Clone)]
pub struct Rehearsed {
    /// What was simulated, in words.
    pub what: String,
    /// Every phase that was judged, in order.
    pub phases: Vec<JudgedPhase>,
}

/// One phase of a simulated migration, and what was said of it.
#[derive(Debug, Clone)]
pub struct JudgedPhase {
    /// Its name.
    pub id: String,
    /// The same in words.
    pub title: String,
    /// What was said of every stage.
    pub whereabouts: Whereabouts,
}

/// How far the stage is, by its first row with several subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many stand where it asks.
    pub holding: usize,
    /// Of how many.
    pub of: usize,
}

/// A node that nobody gave: another one told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// Whether it was asked as a controller; otherwise as a broker.
    pub is_controller: bool,
    /// Its id, where that is known.
    pub id: Option<NodeId>,
    /// Where it was asked.
    pub endpoint: Endpoint,
    /// Who told of it.
    pub from: Found,
    /// Whether it answered.
    pub answered: bool,
}

/// How long one node took for all that it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Took {
    /// Which node, or its address where nobody told which one it is.
    pub who: String,
    /// In microseconds.
    pub us: u64,
}

/// Everything that is said of one stage, or of health.
#[derive(Debug, Clone)]
pub struct Report {
    /// The stage's id, or `health`.
    pub stage: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Whether the cluster's health was judged, too or alone.
    pub health: bool,
    /// The one node that was asked about; `None`: all of them.
    pub only: Option<Subject>,
    /// The id of the stage after it.
    pub next: Option<&'static str>,
    /// Where the cluster stands in relation to it; `None` if that cannot be told.
    pub position: Option<Position>,
    /// False once POST_MIGRATION was seen anywhere; otherwise it cannot be told.
    pub reversible: Option<bool>,
    /// The answer.
    pub verdict: Verdict,
    /// Unknown because a request that decides was denied, although rights could have been granted by now.
    pub refused: bool,
    /// The whole story in a sentence.
    pub summary: String,
    /// Every finding, worst first, otherwise in the order of the table.
    pub findings: Vec<Finding>,
    /// How many findings stand how.
    pub counts: Counts,
    /// How far the stage is; `None` if nobody told of anyone whom it asks.
    pub progress: Option<Progress>,
    /// How many records the last of the voters is behind, by the live leader.
    pub voters_lag_max: Option<u64>,
    /// The live leader's high watermark.
    pub high_watermark: Option<i64>,
    /// The voters that do not keep up, by the live leader, and how many records each is behind.
    pub lagging: Vec<(NodeId, u64)>,
    /// Whether anybody answered anything in the last look.
    pub anybody_answered: bool,
    /// How long each node took in the last look, the slowest first.
    pub took: Vec<Took>,
    /// The nodes that nobody gave, those that did not answer first: the first few hundred.
    pub discovered: Vec<Discovered>,
    /// How many records of the metadata log each KRaft broker has yet to apply, by the last look.
    pub behind: Vec<(NodeId, u64)>,
    /// What could not be asked.
    pub errors: Vec<Note>,
    /// What looks odd.
    pub warnings: Vec<Note>,
    /// What to do next.
    pub actions: Vec<Action>,
    /// The brokers that we expected; `None` if nobody told of any.
    pub expected_brokers: Option<Expectation>,
    /// The controllers that we expected, likewise.
    pub expected_controllers: Option<Expectation>,
    /// What the cluster is called in the config file, if one was chosen there.
    pub cluster_name: Option<String>,
    /// The cluster's id, if the brokers that told one told the same.
    pub cluster_id: Option<String>,
    /// The releases of Kafka that the nodes are of, as far as their APIs tell.
    pub kafka_versions: Vec<String>,
    /// When the first question went out.
    pub began: Timestamp,
    /// When the last answer was in.
    pub ended: Timestamp,
    /// How the wait ended whose last look this is; `None` if nobody waited.
    pub wait: Option<Waited>,
}
