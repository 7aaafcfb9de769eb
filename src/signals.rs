//! The catalogue: named facts, each a pure reading of one look.
//!
//! A signal says how one thing is read, and from what; its type decides what it may be compared with, so a
//! nonsense row does not compile. Whatever cannot be read is `Unseen` with its reason: a signal never guesses.
//! Not here: what a stage demands (`stages`) and what follows from it (`evaluate`).

mod brokers;
mod cluster;
mod content;
pub mod driver;
mod gauge;
mod identity;
mod log;
mod quorum;
mod state;
mod twice;
mod view;

pub use brokers::{BrokerRung, NamedController};
pub use cluster::{Kinship, cluster_ids, cluster_ids_differ, kafka_versions};
pub use content::{
    ALL_TOPICS_SHOWN, FENCED_BROKERS, METADATA_ERRORS, OFFLINE_PARTITIONS, REASSIGNMENTS, TOPIC_COUNT, TOPICS_SHOWN,
    TOPICS_TO_DELETE, UNDER_MIN_ISR, UNDER_REPLICATED, ZK_WRITE_BEHIND,
};
pub use quorum::Seat;
pub use state::{StateRung, differing_gauges, state_is_exact};
pub use twice::{LEADER_UNCHANGED, METADATA_BEHIND, VOTER_FETCHES, ZK_WRITE_BEHIND_GROWS};
pub use view::View;

use std::fmt;

use crate::snapshot::{Answer, Evidence, Generation, Missed, Node, Source, Subject, Why};
use quorum::NoLeader;

/// A reading: what was seen, or why nothing was.
pub type Sight<T> = Result<Seen<T>, Box<Unseen>>;

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub struct Seen<T> {
    /// The value, or the least that it can be.
    pub value: T,
    /// The most that it can be and why that is not known better, where it is known only so far.
    pub up_to: Option<(T, Missed)>,
    /// Where it was read; `None` where it follows from what no node was asked for.
    pub evidence: Option<Evidence>,
    /// What it counts or rests on, by name: the first few.
    pub named: Vec<String>,
}

impl<T> Seen<T> {
    /// Names what it counts or rests on.
    fn naming(self: Seen<T>, names: impl IntoIterator<Item = String>) -> Self {
        Self { named: names.into_iter().take(NAMED_MAX).collect(), ..self }
    }
}

/// How many things a reading names.
const NAMED_MAX: usize = 3;

impl<T: Copy> Seen<T> {
    /// The most that it can be.
    pub fn most(&self) -> T {
        self.up_to.as_ref().map_or(self.value, |(most, _)| *most)
    }
}

/// Why there is no value, and where it would stand.
#[derive(Debug, Clone)]
pub struct Unseen {
    /// Why.
    pub missed: Missed,
    /// Where it was looked for; `None` where there was nowhere to look.
    pub evidence: Option<Evidence>,
}

/// A named fact and how it is read.
#[derive(Debug)]
pub struct Signal<T: 'static> {
    /// What it is called in a sentence.
    pub label: &'static str,
    read: fn(&View<'_>, Subject) -> Sight<T>,
}

impl<T> Clone for Signal<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Signal<T> {}

impl<T> Signal<T> {
    /// Reads the fact of this subject.
    ///
    /// # Errors
    /// [`Unseen`], with the reason.
    pub fn read(&self, view: &View<'_>, subject: Subject) -> Sight<T> {
        (self.read)(view, subject)
    }

    /// The fact must be exactly this.
    #[must_use]
    pub const fn is(self, value: T) -> (Self, Test<T>) {
        (self, Test::Is(value))
    }

    /// The fact must be this or beyond.
    #[must_use]
    pub const fn at_least(self, value: T) -> (Self, Test<T>) {
        (self, Test::AtLeast(value))
    }

    /// The fact must be this or less.
    #[must_use]
    pub const fn at_most(self, value: T) -> (Self, Test<T>) {
        (self, Test::AtMost(value))
    }

    /// The fact must be seen to have come exactly this far, whether or not it may have come further: for guards.
    #[must_use]
    pub const fn reached(self, value: T) -> (Self, Test<T>) {
        (self, Test::Reached(value))
    }
}

/// What a fact is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test<T> {
    /// Equal.
    Is(T),
    /// Equal or beyond.
    AtLeast(T),
    /// Equal or less.
    AtMost(T),
    /// The least that it can be is equal.
    Reached(T),
}

impl<T: fmt::Display> fmt::Display for Test<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(value) | Self::Reached(value) => value.fmt(f),
            Self::AtLeast(value) => write!(f, "{value} or beyond"),
            Self::AtMost(value) => write!(f, "at most {value}"),
        }
    }
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// The node was declared. An answer of another one means that somebody knows less of the cluster than it has.
/// Unseen where nobody declared any. Of a broker or a controller.
pub const DECLARED: Signal<bool> = Signal {
    label: "declared",
    read: |view, subject| {
        let (declared, id) = match subject {
            Subject::Broker(id) if view.is_combined(id) => return seen(true, None),
            Subject::Broker(id) => (view.declared_brokers(), id),
            Subject::Controller(id) => (view.declared_controllers(), id),
            Subject::Quorum | Subject::Cluster => return not_of(subject),
        };
        match declared {
            Some(declared) => seen(declared.contains(&id), None),
            None => unseen(Missed::new(Why::NoExpectation, "nobody said whom to expect"), None),
        }
    },
};

/// Nobody can be missing among the brokers: they were declared, or no ZooKeeper broker is left anywhere. Of the quorum.
pub const NOBODY_LEFT_OUT: Signal<bool> =
    Signal { label: "no broker left out", read: |view, _| brokers::nobody_left_out(view) };

/// No address of `-b` may be a broker more than those that are listed. Of the quorum.
pub const ADDRESSES_KNOWN: Signal<bool> =
    Signal { label: "every address of -b is known by its id", read: |view, _| brokers::addresses_known(view) };

/// A broker's rung, by its API list and its flag. Of a broker.
pub const BROKER_RUNG: Signal<BrokerRung> = Signal {
    label: "mode",
    read: |view, subject| match subject {
        Subject::Broker(id) => brokers::rung(view, id),
        _ => not_of(subject),
    },
};

/// The node at the broker's address answers, and answers as a broker. Of a broker.
pub const ANSWERS_AS_BROKER: Signal<bool> = Signal {
    label: "answers as a broker",
    read: |view, subject| match subject {
        Subject::Broker(id) => seen(true, Some(api_versions_evidence(view.broker(id)?.0, "ApiKeys"))),
        _ => not_of(subject),
    },
};

/// A broker's own list of brokers was read. Of a broker.
pub const LISTS_BROKERS: Signal<bool> = Signal {
    label: "lists the brokers",
    read: |view, subject| match subject {
        Subject::Broker(id) => brokers::lists_brokers(view.broker(id)?.0),
        _ => not_of(subject),
    },
};

/// Whom a broker on ZooKeeper names as the active controller: any, if the KRaft controllers send it its metadata. Of a
/// broker.
pub const NAMED_CONTROLLER: Signal<NamedController> = Signal {
    label: "the active controller that it names",
    read: |view, subject| match subject {
        Subject::Broker(id) => brokers::named_controller(view.broker(id)?.0),
        _ => not_of(subject),
    },
};

/// The broker's cluster id is the one that was declared. Of a broker.
pub const OF_DECLARED_CLUSTER: Signal<bool> = Signal {
    label: "of the cluster of --expect-cluster-id",
    read: |view, subject| match subject {
        Subject::Broker(id) => cluster::is_declared(view, view.broker(id)?.0),
        _ => not_of(subject),
    },
};

/// Whether the controllers are the brokers'. Of the quorum.
pub const KINSHIP: Signal<Kinship> =
    Signal { label: "cluster of brokers and controllers", read: |view, _| cluster::kinship(view) };

/// The node's own `zookeeper.metadata.migration.enable`, as `ApiVersions` tells it (tagged field 3; 3.5 to 3.9; never
/// set in 4.x). Of a broker or a controller.
pub const ZK_MIGRATION_READY: Signal<bool> = Signal {
    label: "zkMigrationReady",
    read: |view, subject| match subject {
        Subject::Broker(id) => brokers::flag(view.broker(id)?.0),
        Subject::Controller(id) => brokers::flag(view.controller(id)?),
        Subject::Quorum | Subject::Cluster => not_of(subject),
    },
};

/// The controller's software is Kafka 4, which has no code of ZooKeeper left. Of a controller.
pub const RUNS_KAFKA_4: Signal<bool> = Signal {
    label: "runs Kafka 4",
    read: |view, subject| match subject {
        Subject::Controller(id) => {
            let node = view.controller(id)?;
            let kafka_4 = generation(node) == Some(Generation::WithoutZookeeper);
            seen(kafka_4, Some(api_versions_evidence(node, "ApiKeys")))
        }
        _ => not_of(subject),
    },
};

/// Some controller runs Kafka 4. Of the quorum.
pub const KAFKA_4_CONTROLLER: Signal<bool> =
    Signal { label: "a controller on Kafka 4", read: |view, _| state::kafka_4_controller(view) };

/// Some controller of 3.x, or the log of a leader of 3.x, shows PRE_MIGRATION or MIGRATION. Of the quorum.
pub const UNFINISHED_SEEN: Signal<bool> =
    Signal { label: "an unfinished migration on a 3.x controller", read: |view, _| state::unfinished_seen(view) };

/// The node at the controller's address answers, and answers as a controller. Of a controller.
pub const ANSWERS_AS_CONTROLLER: Signal<bool> = Signal {
    label: "answers as a controller",
    read: |view, subject| match subject {
        Subject::Controller(id) => seen(true, Some(api_versions_evidence(view.controller(id)?, "ApiKeys"))),
        _ => not_of(subject),
    },
};

/// Every controller whose address was given is known by its id. Of the quorum.
pub const CONTROLLERS_NAMED: Signal<bool> =
    Signal { label: "every address of -C is known by its id", read: |view, _| quorum::controllers_named(view) };

/// Two controllers lead in one epoch, which no quorum allows. Of the quorum.
pub const TWO_LEADERS: Signal<bool> =
    Signal { label: "two leaders in one epoch", read: |view, _| quorum::two_leaders(view) };

/// The quorum has a live leader: the one that says so in the highest epoch, knows its high watermark, and was
/// fetched from by a majority of voters within [`FETCH_MAX`]. False only where a majority of the controllers
/// answers and none of them leads. Of the quorum.
pub const LIVE_LEADER: Signal<bool> = Signal {
    label: "live leader",
    read: |view, _| match view.leader() {
        Ok(leader) => seen(true, Some(leader.evidence("LeaderId"))),
        Err(NoLeader::Election) => seen(false, None),
        Err(NoLeader::Unseen(missed)) => unseen(missed.clone(), None),
    },
};

/// A replica counts as live and caught up if it was both within this time, by the leader's clock. Offsets are
/// not judged: an idle quorum writes a record every 500 ms, so a healthy follower always trails a little.
pub const FETCH_MAX: Millis = Millis(10_000);

/// What the leader counts a node as: brokers that fetch the log are observers. Of a broker or a controller.
pub const SEAT: Signal<Seat> = Signal {
    label: "place in the quorum",
    read: |view, subject| match subject {
        Subject::Broker(id) | Subject::Controller(id) => Ok(view.live_leader()?.seat(id)),
        Subject::Quorum | Subject::Cluster => not_of(subject),
    },
};

/// How long ago a voter last fetched or last was caught up, whichever is longer, by the leader's clock. Of a
/// controller that votes.
pub const VOTER_LAG: Signal<Millis> = Signal {
    label: "time behind the leader",
    read: |view, subject| match subject {
        Subject::Controller(id) => view.live_leader()?.lag(id),
        _ => not_of(subject),
    },
};

/// `ZkMigrationState`, a fact of the cluster: the metadata log's, else the live leader's gauge or that of any caught-up voter,
/// else as much as follows from flags and brokers.
pub const MIGRATION_STATE: Signal<StateRung> = Signal { label: "ZkMigrationState", read: |view, _| state::rung(view) };

/// Some controller, leading or not, or the metadata log shows POST_MIGRATION. Of the quorum.
pub const POST_SEEN: Signal<bool> =
    Signal { label: "POST_MIGRATION on a controller", read: |view, _| state::post_seen(view) };

/// Some broker is on ZooKeeper, its flag on or off. Of the quorum.
pub const BROKER_ON_ZOOKEEPER: Signal<bool> =
    Signal { label: "a broker on ZooKeeper", read: |view, _| brokers::any_on_zookeeper(view) };

/// `MigratingZkBrokerCount`: registrations of ZooKeeper brokers, dead ones included, by the metadata log or else the live
/// leader's gauge (3.6+). A leader of Kafka 4 can register none.
pub const MIGRATING_BROKERS: Signal<u64> =
    Signal { label: "MigratingZkBrokerCount", read: |view, _| state::migrating_brokers(view) };

/// Whether every broker that answers and lists anybody lists this one: KRaft brokers list those that are not fenced. Of a
/// broker.
pub const LISTED: Signal<bool> = Signal {
    label: "listed by every broker that answers",
    read: |view, subject| match subject {
        Subject::Broker(id) => brokers::listed(view, id),
        _ => not_of(subject),
    },
};

/// The evidence for a field of a node's `ApiVersions`.
fn api_versions_evidence(node: &Node, field: &'static str) -> Evidence {
    evidence(node, &node.api_versions, "ApiVersions", field)
}

/// The evidence for a field of one of a node's answers.
fn evidence<T>(node: &Node, answer: &Answer<T>, api: &'static str, field: &'static str) -> Evidence {
    Evidence {
        source: Source::Api { api, version: answer.version, field },
        endpoint: Some(node.endpoint.clone()),
        at: answer.at,
        took_us: answer.took_us,
    }
}

/// The evidence for what no field says: the answer of the node that most of it rests on, and from what it follows.
fn derived_evidence(node: &Node, from: &'static str) -> Evidence {
    Evidence { source: Source::Derived(from), ..api_versions_evidence(node, "ApiKeys") }
}

/// The generation of a node's software; `None` if it did not answer.
fn generation(node: &Node) -> Option<Generation> {
    node.api_versions.said.as_ref().ok().map(crate::snapshot::ApiVersions::generation)
}

/// A reading of a subject that has no such fact. The tables never ask for one; a test reads them all.
fn not_of<T>(subject: Subject) -> Sight<T> {
    unseen(Missed::new(Why::Internal, format!("not a fact of {subject}")), None)
}

#[expect(clippy::unnecessary_wraps, reason = "the counterpart of `unseen`: both build a Sight")]
fn seen<T>(value: T, evidence: Option<Evidence>) -> Sight<T> {
    Ok(Seen { value, up_to: None, evidence, named: Vec::new() })
}

fn unseen<T>(missed: Missed, evidence: Option<Evidence>) -> Sight<T> {
    Err(Box::new(Unseen { missed, evidence }))
}
