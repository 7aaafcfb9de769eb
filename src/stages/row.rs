//! How a table is written: stages, rows, guards, and what a row may demand.
//!
//! Only the grammar is here; the tables themselves are in `stages`.

use std::fmt;

use serde::Serialize;

use crate::signals::{BrokerRung, Kinship, Millis, NamedController, Seat, Signal, StateRung, Test, View};
use crate::snapshot::Subject;

/// A stage of the migration, or health, which is demanded before every step and judged in the same way: an id that scripts
/// know, and its rows.
#[derive(Debug)]
pub struct Stage {
    /// The id: an API, never changed.
    pub id: &'static str,
    /// The title for people.
    pub title: &'static str,
    /// When it is complete, for people; `rows` says it exactly.
    pub complete_when: &'static str,
    /// What must hold. The first row with several subjects heads the summary.
    pub rows: &'static [Row],
}

/// One demand of a stage.
#[derive(Debug)]
pub struct Row {
    /// The id of the findings that it makes.
    pub id: &'static str,
    /// Of whom.
    pub of: Subjects,
    /// What.
    pub demand: Demand,
    /// Whether the stage cannot be complete while this is unseen; otherwise the row is a witness, which can
    /// only make a verdict worse.
    pub required: bool,
    /// When it is demanded at all.
    pub when: Option<Condition>,
    /// What those that hold do, in a sentence that begins with how many they are, or with the quorum.
    pub claim: &'static str,
    /// The rest of what is said of it.
    pub reason: Reason,
    /// What it can be owed to when it does not hold, where there is more than one thing.
    pub causes: &'static [Cause],
}

/// A condition under which waiting cannot help: every demand met by one subject.
#[derive(Debug)]
pub struct Guard {
    /// The id of the findings that it makes.
    pub id: &'static str,
    /// Of whom.
    pub of: Subjects,
    /// What must be seen together.
    pub when: &'static [Demand],
    /// What is then true of the subject.
    pub danger: &'static str,
    /// The rest of what is said of it.
    pub reason: Reason,
    /// What it can be owed to, where there is more than one thing.
    pub causes: &'static [Cause],
}

/// One of several things that a finding can be owed to.
#[derive(Debug)]
pub struct Cause {
    /// The thing, in words.
    pub words: &'static str,
    /// What tells it from the others, in words.
    pub told_by: &'static str,
    /// Whether it can be told from the others.
    pub tell: fn(&View<'_>, Subject) -> Told,
    /// Which clause of the migration driver's decision it is, if it is one.
    pub clause: Option<Clause>,
}

/// A clause of the migration driver's decision to copy.
#[derive(Debug, Clone, Copy)]
pub struct Clause {
    /// Its id.
    pub id: &'static str,
    /// What to do while it is not met.
    pub advice: &'static str,
}

/// Whether a cause can be told from the others, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It is this: what shows it, and of whom.
    Shown(String, Vec<Subject>),
    /// It may be this.
    Possible,
    /// It is not this.
    Excluded(&'static str),
}

/// One way to see a fact by hand.
#[derive(Debug, Serialize)]
pub struct Look {
    /// The command, of Kafka's own tools or the shell, with variables where addresses and ids stand.
    pub run: &'static str,
    /// What its answer tells.
    pub tells: &'static str,
}

/// Why a row or guard is there, where that comes from, how to see it, and what to do about it.
#[derive(Debug, Clone, Copy)]
pub struct Reason {
    /// Why it is demanded.
    pub because: &'static str,
    /// Where the fact comes from.
    pub source: &'static str,
    /// How to see it by hand.
    pub look: &'static [&'static Look],
    /// The id of what to do.
    pub action: &'static str,
    /// What to do, in words.
    pub advice: &'static str,
    /// What must not be done about it, where that would do harm.
    pub never: Option<&'static str>,
}

/// Of whom something is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subjects {
    /// The quorum, and the migration that it drives.
    Quorum,
    /// The cluster as a whole.
    Cluster,
    /// Every broker that was declared; without a declaration, every one that any broker lists.
    ExpectedBrokers,
    /// Every broker that is expected, given by hand, or listed by another.
    KnownBrokers,
    /// Every controller that was declared; without a declaration, every voter and every one that was given.
    ExpectedControllers,
    /// Every controller that is expected, given by hand, or a voter.
    Controllers,
    /// Every voter, by the live leader.
    Voters,
}

impl Subjects {
    /// The subjects, in one look.
    #[must_use]
    pub fn in_view(self, view: &View<'_>) -> Vec<Subject> {
        let brokers = |ids: &mut dyn Iterator<Item = i32>| ids.map(Subject::Broker).collect();
        let controllers = |ids: &mut dyn Iterator<Item = i32>| ids.map(Subject::Controller).collect();
        match self {
            Self::Quorum => vec![Subject::Quorum],
            Self::Cluster => vec![Subject::Cluster],
            Self::ExpectedBrokers => brokers(&mut view.expected_brokers().into_iter().flatten().copied()),
            Self::KnownBrokers => brokers(&mut view.known_brokers().iter().copied()),
            Self::ExpectedControllers => controllers(&mut view.expected_controllers().into_iter().flatten()),
            Self::Controllers => controllers(&mut view.known_controllers().iter().copied()),
            Self::Voters => controllers(&mut view.voters().into_iter()),
        }
    }

    /// Whether such a node can be one of them.
    #[must_use]
    pub fn may_be(self, node: Subject) -> bool {
        match self {
            Self::Quorum => node == Subject::Quorum,
            Self::Cluster => node == Subject::Cluster,
            Self::ExpectedBrokers | Self::KnownBrokers => matches!(node, Subject::Broker(_)),
            Self::ExpectedControllers | Self::Controllers | Self::Voters => matches!(node, Subject::Controller(_)),
        }
    }

    /// What one says of them in the plural.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::Cluster => "cluster",
            Self::ExpectedBrokers | Self::KnownBrokers => "brokers",
            Self::ExpectedControllers | Self::Controllers => "controllers",
            Self::Voters => "voters",
        }
    }

    /// Which of them, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::Cluster => "cluster",
            Self::ExpectedBrokers => "expected brokers",
            Self::KnownBrokers => "all known brokers",
            Self::ExpectedControllers => "expected controllers",
            Self::Controllers => "all known controllers",
            Self::Voters => "voters",
        }
    }

    /// One of them.
    #[must_use]
    pub fn one(self) -> &'static str {
        match self {
            Self::Quorum => "the quorum",
            Self::Cluster => "the cluster",
            Self::ExpectedBrokers | Self::KnownBrokers => "a broker",
            Self::ExpectedControllers | Self::Controllers => "a controller",
            Self::Voters => "a voter",
        }
    }

    /// Whether they are one as a whole, whose finding is said in its own words.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Quorum | Self::Cluster)
    }

    /// Why there may be none, and what to do.
    #[must_use]
    pub fn nobody(self) -> &'static str {
        match self {
            Self::Quorum | Self::Cluster | Self::Voters => "nobody told who votes",
            Self::ExpectedBrokers | Self::KnownBrokers => {
                "nobody told which brokers there are: give -b and --expect-brokers"
            }
            Self::ExpectedControllers | Self::Controllers => {
                "nobody told which controllers there are: give -C ID@HOST:PORT"
            }
        }
    }
}

/// A fact and what it is compared with, by type.
#[derive(Debug, Clone, Copy)]
pub enum Demand {
    /// Something that is so or not.
    Truth((Signal<bool>, Test<bool>)),
    /// A broker's rung.
    Broker((Signal<BrokerRung>, Test<BrokerRung>)),
    /// The quorum's state.
    State((Signal<StateRung>, Test<StateRung>)),
    /// A controller's place in the quorum.
    Seat((Signal<Seat>, Test<Seat>)),
    /// Whether brokers and controllers are of one cluster.
    Kinship((Signal<Kinship>, Test<Kinship>)),
    /// Whom a broker names as the active controller.
    Controller((Signal<NamedController>, Test<NamedController>)),
    /// A number of things.
    Count((Signal<u64>, Test<u64>)),
    /// A time.
    Lag((Signal<Millis>, Test<Millis>)),
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truth((signal, Test::Is(true))) => f.write_str(signal.label),
            Self::Truth((signal, test)) => write!(f, "{} is {test}", signal.label),
            Self::Broker((signal, test)) => write!(f, "{} is {test}", signal.label),
            Self::State((signal, test)) => write!(f, "{} is {test}", signal.label),
            Self::Seat((signal, test)) => write!(f, "{} is {test}", signal.label),
            Self::Kinship((signal, test)) => write!(f, "{} is {test}", signal.label),
            Self::Controller((signal, test)) => write!(f, "{} is {test}", signal.label),
            Self::Count((signal, test)) => write!(f, "{} is {test}", signal.label),
            Self::Lag((signal, test)) => write!(f, "{} is {test}", signal.label),
        }
    }
}

/// When a row is demanded at all.
#[derive(Debug, Clone, Copy)]
pub struct Condition {
    /// The condition in words.
    pub words: &'static str,
    /// Whether it holds; `None` if that cannot be told.
    pub holds: fn(&View<'_>, Subject) -> Option<bool>,
    /// Whether it also excuses, where it does not hold, that nobody told of any subject.
    pub excuses_nobody: bool,
}

const UNSAID: Reason = Reason { because: "", source: "", look: &[], action: "", advice: "", never: None };

pub(super) const fn row(id: &'static str, of: Subjects, demand: Demand) -> Row {
    Row { id, of, demand, required: true, when: None, claim: "", reason: UNSAID, causes: &[] }
}

pub(super) const fn guard(id: &'static str, of: Subjects, when: &'static [Demand]) -> Guard {
    Guard { id, of, when, danger: "", reason: UNSAID, causes: &[] }
}

impl Row {
    /// Makes it a witness.
    pub(super) const fn where_exported(self) -> Self {
        Self { required: false, ..self }
    }

    pub(super) const fn only(self, when: Condition) -> Self {
        Self { when: Some(when), ..self }
    }

    pub(super) const fn claims(self, claim: &'static str) -> Self {
        Self { claim, ..self }
    }
}

impl Guard {
    pub(super) const fn says(self, danger: &'static str) -> Self {
        Self { danger, ..self }
    }
}

/// Rows and guards give their reasons in the same words, so that a table reads from the left margin down.
macro_rules! gives_reasons {
    ($told:ty) => {
        impl $told {
            pub(super) const fn because(self, because: &'static str) -> Self {
                Self { reason: Reason { because, ..self.reason }, ..self }
            }

            pub(super) const fn source(self, source: &'static str) -> Self {
                Self { reason: Reason { source, ..self.reason }, ..self }
            }

            pub(super) const fn look(self, look: &'static [&'static Look]) -> Self {
                Self { reason: Reason { look, ..self.reason }, ..self }
            }

            pub(super) const fn owed_to(self, causes: &'static [Cause]) -> Self {
                Self { causes, ..self }
            }

            pub(super) const fn remedy(self, action: &'static str, advice: &'static str) -> Self {
                Self { reason: Reason { action, advice, ..self.reason }, ..self }
            }

            pub(super) const fn never(self, never: &'static str) -> Self {
                Self { reason: Reason { never: Some(never), ..self.reason }, ..self }
            }
        }
    };
}

gives_reasons!(Row);
gives_reasons!(Guard);
