//! The catalogue: named facts, each a pure reading of one look.
//!
//! A signal says how one thing is read, and from what; its type decides what it may be compared with, so a
//! nonsense row does not compile. Whatever cannot be read is `Unseen` with its reason: a signal never guesses.
//! Not here: what a stage demands (`stages`) and what follows from it (`evaluate`).

mod gauge;
mod ladders;
mod quorum;
mod view;

pub use ladders::{BrokerRung, Seat, StateRung, differing_gauges};
pub use view::View;

use crate::snapshot::{Evidence, Missed, Node, Source, Subject, Why};
use quorum::NoLeader;

/// A reading: what was seen, or why nothing was.
pub type Sight<T> = Result<Seen<T>, Box<Unseen>>;

/// A value, and where it stands; `None` for what follows from several answers.
#[derive(Debug, Clone)]
pub struct Seen<T> {
    /// The value.
    pub value: T,
    /// Where it was read.
    pub evidence: Option<Evidence>,
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
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

/// The node was declared. An answer of another one means that somebody knows less of the cluster than it has.
/// Of a broker or a controller.
pub const DECLARED: Signal<bool> = Signal {
    label: "declared",
    read: |view, subject| {
        let (declared, id) = match subject {
            Subject::Broker(id) if view.is_combined(id) => return seen(true, None),
            Subject::Broker(id) => (view.expected_brokers(), id),
            Subject::Controller(id) => (view.expected_controllers(), id),
            Subject::Quorum => return not_of(subject),
        };
        match declared {
            Some(declared) => seen(declared.contains(&id), None),
            None => unseen(Missed::new(Why::NoExpectation, "nobody said whom to expect"), None),
        }
    },
};

/// A broker's rung, by its API list and its flag. Of a broker.
pub const BROKER_RUNG: Signal<BrokerRung> = Signal {
    label: "mode",
    read: |view, subject| match subject {
        Subject::Broker(id) => ladders::broker_rung(view, id),
        _ => not_of(subject),
    },
};

/// The node's own `zookeeper.metadata.migration.enable`, as `ApiVersions` tells it (tagged field 3; 3.5 to 3.9).
/// Of a broker or a controller.
pub const ZK_MIGRATION_READY: Signal<bool> = Signal {
    label: "zkMigrationReady",
    read: |view, subject| match subject {
        Subject::Broker(id) => ladders::flag(view.broker(id)?.0),
        Subject::Controller(id) => ladders::flag(view.controller(id)?),
        Subject::Quorum => not_of(subject),
    },
};

/// The node at the controller's address answers, and answers as a controller. Of a controller.
pub const ANSWERS_AS_CONTROLLER: Signal<bool> = Signal {
    label: "answers as a controller",
    read: |view, subject| match subject {
        Subject::Controller(id) => seen(true, Some(api_versions_evidence(view.controller(id)?, "ApiKeys"))),
        _ => not_of(subject),
    },
};

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

/// What the leader counts a controller as. Of a controller.
pub const SEAT: Signal<Seat> = Signal {
    label: "place in the quorum",
    read: |view, subject| match subject {
        Subject::Controller(id) => Ok(view.live_leader()?.seat(id)),
        _ => not_of(subject),
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

/// `ZkMigrationState`, a fact of the cluster: the live leader's gauge, else that of any caught-up voter.
pub const MIGRATION_STATE: Signal<StateRung> =
    Signal { label: "ZkMigrationState", read: |view, _| ladders::state_rung(view) };

/// The quorum was first started for a migration. Of the quorum.
pub const STATE_NOT_NONE: Signal<bool> =
    Signal { label: "started for a migration", read: |view, _| ladders::state_not_none(view) };

/// Some controller, leading or not, shows POST_MIGRATION. Of the quorum.
pub const POST_SEEN: Signal<bool> =
    Signal { label: "POST_MIGRATION on a controller", read: |view, _| ladders::post_seen(view) };

/// Some broker is on ZooKeeper, its flag on or off. Of the quorum.
pub const BROKER_ON_ZOOKEEPER: Signal<bool> =
    Signal { label: "a broker on ZooKeeper", read: |view, _| ladders::broker_on_zookeeper(view) };

/// `MigratingZkBrokerCount` of the live leader: registrations of ZooKeeper brokers, dead ones included (3.6+).
pub const MIGRATING_BROKERS: Signal<u64> =
    Signal { label: "MigratingZkBrokerCount", read: |view, _| gauge::migrating_brokers(view) };

/// The evidence for a field of a node's `ApiVersions`.
fn api_versions_evidence(node: &Node, field: &'static str) -> Evidence {
    Evidence {
        source: Source::Api { api: "ApiVersions", version: node.api_versions.version, field },
        endpoint: Some(node.endpoint.clone()),
        at: node.api_versions.at,
        took_us: node.api_versions.took_us,
    }
}

/// A reading of a subject that has no such fact. The tables never ask for one; a test reads them all.
fn not_of<T>(subject: Subject) -> Sight<T> {
    unseen(Missed::new(Why::Internal, format!("not a fact of {subject}")), None)
}

#[expect(clippy::unnecessary_wraps, reason = "the counterpart of `unseen`: both build a Sight")]
fn seen<T>(value: T, evidence: Option<Evidence>) -> Sight<T> {
    Ok(Seen { value, evidence })
}

fn unseen<T>(missed: Missed, evidence: Option<Evidence>) -> Sight<T> {
    Err(Box::new(Unseen { missed, evidence }))
}
