//! What can be wrong with a simulated node, and how it is named on the command line: `NODE=FAULT` or
//! `NODE=FAULT:DURATION`.
//!
//! Here: the catalogue. What a fault does is where it shows: in the cluster, in an answer (`node`), in a page (`page`) or
//! on the way to the client (`serve`).

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use crate::snapshot::NodeId;

/// Something that is wrong with a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing listens there.
    Refuse,
    /// It accepts and never says a word.
    Silent,
    /// Every answer is late by this time.
    Slow(Duration),
    /// Every answer breaks off in the middle, and the connection closes.
    Cut,
    /// Answers come a byte at a time, with this time between two.
    Drip(Duration),
    /// Answers of the right length hold nothing that can be read.
    Garbage,
    /// Answers belong to other requests.
    OtherCorrelationId,
    /// Answers announce two gigabytes.
    Huge,
    /// Answers announce more elements than there can be.
    LyingCounts,
    /// The node knows no version of `ApiVersions`.
    Error35,
    /// The connection closes after the first answer.
    ClosesAfterFirst,
    /// It tells another cluster's id.
    OtherCluster,
    /// Its migration flag is off, whatever was configured.
    FlagOff,
    /// A controller that does not keep up with the leader.
    Lagging,
    /// A controller that leads beside the leader, in the same epoch.
    TwoLeaders,
    /// A controller on account of which nobody is elected.
    NoLeader,
    /// A controller that is elected without its flag as soon as the metadata is copied.
    EarlyFinalization,
    /// A broker that nobody expects.
    Unexpected,
    /// A broker that names one and the same broker as the controller.
    ControllerIdStuck,
    /// Nothing listens at a controller's metrics page.
    PageRefused,
    /// A controller's page lacks what is asked for.
    PageWithoutMetric,
    /// A controller's page says -1 for ever.
    PageNotLoaded,
    /// A controller's page has two values of one gauge.
    PageTwoValues,
    /// A controller's page does not end.
    PageEndless,
    /// A controller's page is elsewhere.
    PageRedirect,
    /// A controller's page is a web page.
    PageHtml,
    /// A broker of which a partition is moved away, and never arrives. Where it is the only one, nothing is moved.
    Reassigning,
    /// A broker whose replicas are never in sync, where anybody else's are.
    UnderReplicated,
    /// A broker whose disk is lost: what it held first has no leader, although it answers.
    Offline,
    /// A broker that runs and is fenced: KRaft's controllers tell nobody of it.
    Fenced,
    /// A broker that shows no topic, as to a user without rights.
    TopicsHidden,
    /// A broker that does not show every topic.
    SomeTopicsHidden,
    /// A broker on account of which a topic cannot be deleted: the ZooKeeper controller's page counts it.
    TopicDeletion,
    /// A node of another release than the others: the one before.
    OtherRelease,
    /// It never tells of reassignments.
    ReassignmentsSilent,
    /// It tells the asking user nothing of reassignments.
    ReassignmentsDenied,
    /// A controller that met an error in the metadata: its page counts it.
    MetadataErrors,
    /// A controller that cannot write to ZooKeeper: while it leads, its page counts what is behind.
    WriteBehind,
    /// A controller that is elected anew every second.
    EpochMoves,
    /// A controller that fetches nothing from the leader.
    NotFetching,
}

/// Which nodes can have a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afflicts {
    /// Brokers and controllers.
    Any,
    /// Brokers only.
    Brokers,
    /// Controllers only.
    Controllers,
    /// Nobody of the cluster: it adds a broker.
    Strangers,
}

/// How late a slow node is when nothing else was said: more than a rehearsal gives a request.
const SLOW: Duration = Duration::from_secs(2);
/// How long a dripping node waits between two bytes, likewise.
const DRIP: Duration = Duration::from_millis(10);

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 40] = [
        Self::Refuse,
        Self::Silent,
        Self::Slow(SLOW),
        Self::Cut,
        Self::Drip(DRIP),
        Self::Garbage,
        Self::OtherCorrelationId,
        Self::Huge,
        Self::LyingCounts,
        Self::Error35,
        Self::ClosesAfterFirst,
        Self::OtherCluster,
        Self::FlagOff,
        Self::Lagging,
        Self::TwoLeaders,
        Self::NoLeader,
        Self::EarlyFinalization,
        Self::Unexpected,
        Self::ControllerIdStuck,
        Self::PageRefused,
        Self::PageWithoutMetric,
        Self::PageNotLoaded,
        Self::PageTwoValues,
        Self::PageEndless,
        Self::PageRedirect,
        Self::PageHtml,
        Self::Reassigning,
        Self::UnderReplicated,
        Self::Offline,
        Self::Fenced,
        Self::TopicsHidden,
        Self::SomeTopicsHidden,
        Self::TopicDeletion,
        Self::OtherRelease,
        Self::ReassignmentsSilent,
        Self::ReassignmentsDenied,
        Self::MetadataErrors,
        Self::WriteBehind,
        Self::EpochMoves,
        Self::NotFetching,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Silent => "silent",
            Self::Slow(_) => "slow",
            Self::Cut => "cut",
            Self::Drip(_) => "drip",
            Self::Garbage => "garbage",
            Self::OtherCorrelationId => "other-correlation-id",
            Self::Huge => "huge",
            Self::LyingCounts => "lying-counts",
            Self::Error35 => "error-35",
            Self::ClosesAfterFirst => "closes-after-first",
            Self::OtherCluster => "other-cluster",
            Self::FlagOff => "flag-off",
            Self::Lagging => "lagging",
            Self::TwoLeaders => "two-leaders",
            Self::NoLeader => "no-leader",
            Self::EarlyFinalization => "early-finalization",
            Self::Unexpected => "unexpected",
            Self::ControllerIdStuck => "controller-id-stuck",
            Self::PageRefused => "page-refused",
            Self::PageWithoutMetric => "page-without-metric",
            Self::PageNotLoaded => "page-not-loaded",
            Self::PageTwoValues => "page-two-values",
            Self::PageEndless => "page-endless",
            Self::PageRedirect => "page-redirect",
            Self::PageHtml => "page-html",
            Self::Reassigning => "reassigning",
            Self::UnderReplicated => "under-replicated",
            Self::Offline => "offline",
            Self::Fenced => "fenced",
            Self::TopicsHidden => "topics-hidden",
            Self::SomeTopicsHidden => "some-topics-hidden",
            Self::TopicDeletion => "topic-deletion",
            Self::OtherRelease => "other-release",
            Self::ReassignmentsSilent => "reassignments-silent",
            Self::ReassignmentsDenied => "reassignments-denied",
            Self::MetadataErrors => "metadata-errors",
            Self::WriteBehind => "write-behind",
            Self::EpochMoves => "epoch-moves",
            Self::NotFetching => "not-fetching",
        }
    }

    /// Which nodes can have it.
    #[must_use]
    pub fn afflicts(self) -> Afflicts {
        match self {
            Self::Refuse
            | Self::Silent
            | Self::Slow(_)
            | Self::Cut
            | Self::Drip(_)
            | Self::Garbage
            | Self::OtherCorrelationId
            | Self::Huge
            | Self::LyingCounts
            | Self::Error35
            | Self::ClosesAfterFirst
            | Self::OtherCluster
            | Self::FlagOff
            | Self::OtherRelease
            | Self::ReassignmentsSilent
            | Self::ReassignmentsDenied => Afflicts::Any,
            Self::ControllerIdStuck
            | Self::Reassigning
            | Self::UnderReplicated
            | Self::Offline
            | Self::Fenced
            | Self::TopicsHidden
            | Self::SomeTopicsHidden
            | Self::TopicDeletion => Afflicts::Brokers,
            Self::Unexpected => Afflicts::Strangers,
            _ => Afflicts::Controllers,
        }
    }

    fn takes_time(self) -> bool {
        matches!(self, Self::Slow(_) | Self::Drip(_))
    }
}

/// The names of all faults, in a sentence.
pub(super) fn names() -> String {
    Fault::ALL.map(Fault::name).join(", ")
}

/// A node and what is wrong with it, as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Affliction {
    /// The node.
    pub node: NodeId,
    /// What is wrong with it.
    pub fault: Fault,
}

impl FromStr for Affliction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (node, fault) = text.split_once('=').ok_or("not of the form NODE=FAULT")?;
        let node = node.trim().parse().ok().filter(|id| *id >= 0).ok_or_else(|| format!("'{node}' is no node id"))?;
        let (name, time) = match fault.split_once(':') {
            Some((name, time)) => (name, Some(time)),
            None => (fault, None),
        };
        let known = Fault::ALL.into_iter().find(|known| known.name() == name);
        let known = known.ok_or_else(|| format!("no fault is called '{name}'; there are {}", names()))?;
        let Some(time) = time else { return Ok(Self { node, fault: known }) };
        let time = humantime::parse_duration(time).map_err(|error| format!("'{time}' is no duration: {error}"))?;
        let fault = match known {
            Fault::Slow(_) => Fault::Slow(time),
            Fault::Drip(_) => Fault::Drip(time),
            _ => return Err(format!("{name} takes no duration")),
        };
        Ok(Self { node, fault })
    }
}

/// What is wrong with which node.
#[derive(Debug, Clone, Default)]
pub struct Faults(BTreeMap<NodeId, Vec<Fault>>);

impl Faults {
    /// Adds one.
    pub fn add(&mut self, affliction: Affliction) {
        self.0.entry(affliction.node).or_default().push(affliction.fault);
    }

    /// What is wrong with this node.
    #[must_use]
    pub fn of(&self, id: NodeId) -> &[Fault] {
        self.0.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Whether this is wrong with this node; of a fault with a time, whatever its time is.
    #[must_use]
    pub fn has(&self, id: NodeId, fault: Fault) -> bool {
        self.of(id).iter().any(|own| *own == fault || (fault.takes_time() && own.name() == fault.name()))
    }

    /// The first node with which this is wrong.
    #[must_use]
    pub fn any(&self, fault: Fault) -> Option<NodeId> {
        self.with(fault).next()
    }

    /// The nodes with which this is wrong.
    pub fn with(&self, fault: Fault) -> impl Iterator<Item = NodeId> {
        self.0.keys().copied().filter(move |id| self.has(*id, fault))
    }
}
