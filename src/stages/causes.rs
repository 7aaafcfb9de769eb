//! What a finding can be owed to, where that is more than one thing, and how the one is told from the other. Why the metadata
//! is not copied is in `driver`.
//!
//! Only what a look at stage depth shows is used; what it does not tell apart stays possible. Sources: what real
//! migrations of 3.9 showed when each of these was produced (`tests/real_kafka`).

use super::row::{Cause, Subjects, Told};
use crate::signals::{BROKER_RUNG, BrokerRung, NAMED_CONTROLLER, NamedController, SEAT, Seat, View};
use crate::snapshot::Subject;

/// Why a broker on ZooKeeper gets no metadata from the controllers.
pub(super) static NOT_FOLLOWED: &[Cause] = &[
    Cause {
        words: "the controllers cannot reach the broker, or may not log in to it",
        told_by: "the broker names no controller, or the leader's log tells of its failed login",
        tell: |view, subject| match controller_of(view, subject) {
            Some(NamedController::Nobody) => shown("it names no controller"),
            _ => Told::Possible,
        },
        clause: None,
    },
    Cause {
        words: "the ZooKeeper controller still rules, and this quorum is left over from an earlier attempt",
        told_by: "every broker names one and the same controller, and /controller has kraftControllerEpoch -1",
        tell: |view, subject| match controller_of(view, subject) {
            Some(NamedController::Nobody) => Told::Excluded("it names no controller"),
            _ if followed(view) => Told::Excluded("another broker follows the quorum"),
            _ => Told::Possible,
        },
        clause: None,
    },
];

/// Why a broker is on ZooKeeper without its flag although the metadata is copied.
pub(super) static LEFT: &[Cause] = &[
    Cause {
        words: "the broker lost its flag",
        told_by: "other brokers name another controller each time, as they do under KRaft controllers",
        tell: |view, _| {
            if followed(view) { shown("other brokers follow the quorum") } else { Told::Possible }
        },
        clause: None,
    },
    Cause {
        words: "the quorum is left over from an earlier attempt, and its copy is old",
        told_by: "no broker follows the quorum, and /controller has kraftControllerEpoch -1",
        tell: |view, _| {
            if followed(view) { Told::Excluded("other brokers follow the quorum") } else { Told::Possible }
        },
        clause: None,
    },
];

/// Why the registration of a ZooKeeper broker is left.
pub(super) static LEFT_REGISTERED: &[Cause] = &[
    Cause {
        words: "an expected broker is down, and was on ZooKeeper when it was last seen",
        told_by: "an expected broker does not answer",
        tell: |view, _| {
            let silent = brokers(view, |rung| rung.is_none());
            if silent.is_empty() {
                Told::Excluded("every expected broker runs KRaft")
            } else {
                shown(format!("{} not seen", named(&silent)))
            }
        },
        clause: None,
    },
    Cause {
        words: "a broker that nobody lists any more was never moved",
        told_by: "every expected broker runs KRaft, and the count is not 0",
        tell: |view, _| {
            if all_seen(view) { shown("every expected broker runs KRaft") } else { Told::Possible }
        },
        clause: None,
    },
];

/// Why a controller has no vote.
pub(super) static NO_VOTE: &[Cause] = &[
    Cause {
        words: "it was never added to a dynamic quorum",
        told_by: "the leader counts it as an observer",
        tell: |view, subject| match seat(view, subject) {
            Some(Seat::Observer) => shown("it fetches the log as an observer"),
            Some(_) => Told::Excluded("it does not fetch the log either"),
            None => Told::Possible,
        },
        clause: None,
    },
    Cause {
        words: "it does not reach the leader, or is not in controller.quorum.voters",
        told_by: "the leader counts it neither as a voter nor as an observer",
        tell: |view, subject| match seat(view, subject) {
            Some(Seat::Absent) => shown("it does not fetch the log"),
            Some(_) => Told::Excluded("it fetches the log"),
            None => Told::Possible,
        },
        clause: None,
    },
];

/// What a look shows; of whom, the finding says.
fn shown(by: impl Into<String>) -> Told {
    Told::Shown(by.into(), Vec::new())
}

/// Whether the rung of every broker that is known was seen.
pub(super) fn all_seen(view: &View<'_>) -> bool {
    brokers(view, |rung| rung.is_none()).is_empty()
}

/// The brokers whose rung is such: one that nobody declared holds the copy up as well.
pub(super) fn brokers(view: &View<'_>, is_such: impl Fn(Option<BrokerRung>) -> bool) -> Vec<i32> {
    let known = Subjects::KnownBrokers.in_view(view).into_iter();
    let ids = known.filter(|subject| is_such(BROKER_RUNG.read(view, *subject).ok().map(|seen| seen.value)));
    ids.filter_map(|subject| if let Subject::Broker(id) = subject { Some(id) } else { None }).collect()
}

/// Whether any broker on ZooKeeper follows the quorum.
fn followed(view: &View<'_>) -> bool {
    let mut known = Subjects::KnownBrokers.in_view(view).into_iter();
    known.any(|subject| controller_of(view, subject) == Some(NamedController::AnyBroker))
}

fn controller_of(view: &View<'_>, subject: Subject) -> Option<NamedController> {
    NAMED_CONTROLLER.read(view, subject).ok().map(|named| named.value)
}

pub(super) fn seat(view: &View<'_>, subject: Subject) -> Option<Seat> {
    SEAT.read(view, subject).ok().map(|seat| seat.value)
}

pub(super) fn named(ids: &[i32]) -> String {
    let named = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    format!("broker{} {named}", if ids.len() == 1 { "" } else { "s" })
}
