//! What a finding can be owed to, where that is more than one thing, and how the one is told from the other.
//!
//! Only what a look at stage depth shows is used; what it does not tell apart stays possible. Sources: what real
//! migrations of 3.9 showed when each of these was produced (`tests/real_kafka`).

use super::row::{Cause, Subjects, Told};
use crate::signals::{
    BROKER_RUNG, BrokerRung, MIGRATING_BROKERS, MIGRATION_STATE, NAMED_CONTROLLER, NamedController, SEAT, Seat,
    StateRung, View,
};
use crate::snapshot::Subject;

/// Why the metadata is not copied.
pub(super) static NOT_COPIED: &[Cause] = &[
    Cause {
        words: "a broker is not in migration mode yet",
        told_by: "a broker lists LeaderAndIsr and its flag is off",
        tell: |view, _| {
            let behind = brokers(view, |rung| rung.is_some_and(|rung| rung == BrokerRung::Zookeeper));
            match (behind.is_empty(), all_seen(view)) {
                (false, _) => Told::Shown(named(&behind)),
                (true, true) => Told::Excluded("every broker that is known is"),
                (true, false) => Told::Possible,
            }
        },
    },
    Cause {
        words: "the quorum was first started without the flag",
        told_by: "ZkMigrationState is NONE",
        tell: |view, _| match MIGRATION_STATE.read(view, Subject::Quorum) {
            Ok(state) if state.most() == StateRung::None => Told::Shown("its log says NONE".to_owned()),
            Ok(state) if state.value >= StateRung::PreMigration => Told::Excluded("its log does not say NONE"),
            _ => Told::Possible,
        },
    },
    Cause {
        words: "a broker is down that owns replicas",
        told_by: "a declared broker does not answer; the leader's log still waits for it",
        tell: |view, _| {
            let silent = brokers(view, |rung| rung.is_none());
            if !silent.is_empty() {
                return Told::Shown(format!("{} not seen", named(&silent)));
            }
            match view.declared_brokers() {
                Some(_) => Told::Excluded("every declared broker was seen"),
                None => Told::Possible,
            }
        },
    },
    Cause {
        words: "a broker in migration mode does not reach the controllers, or may not log in to them",
        told_by: "the leader does not count the broker among its observers",
        tell: |view, _| {
            let absent: Vec<i32> =
                in_migration(view).into_iter().filter(|id| broker_seat(view, *id) == Some(Seat::Absent)).collect();
            match (absent.is_empty(), all_fetch(view)) {
                (false, _) => Told::Shown(format!("{} not among the observers", named(&absent))),
                (true, true) => Told::Excluded("all of them fetch the log"),
                (true, false) => Told::Possible,
            }
        },
    },
    Cause {
        words: "the brokers' inter.broker.protocol.version is not the controllers' metadata.version",
        told_by: "MigratingZkBrokerCount is less than the flagged brokers, although all are observers",
        tell: |view, _| match registered(view) {
            // A quorum that says NONE refuses every broker, and one that does not fetch has not asked.
            Some((registered, flagged)) if registered < flagged => {
                let state = MIGRATION_STATE.read(view, Subject::Quorum).map(|state| state.value);
                if all_fetch(view) && state.is_ok_and(|state| state >= StateRung::PreMigration) {
                    Told::Shown(format!("{registered} of {flagged} registered, by MigratingZkBrokerCount"))
                } else {
                    Told::Possible
                }
            }
            Some(_) => Told::Excluded("all of them are registered"),
            None => Told::Possible,
        },
    },
    Cause {
        words: "a /migration znode is left from an earlier attempt",
        told_by: "every broker is registered, and /migration holds an offset beyond the high watermark",
        tell: only_if_registered,
    },
    Cause {
        words: "the copy is under way: seconds, or a minute with very many partitions",
        told_by: "every broker is registered, and it passes",
        tell: only_if_registered,
    },
];

/// Why a broker on ZooKeeper gets no metadata from the controllers.
pub(super) static NOT_FOLLOWED: &[Cause] = &[
    Cause {
        words: "the controllers cannot reach the broker, or may not log in to it",
        told_by: "the broker names no controller, or the leader's log tells of its failed login",
        tell: |view, subject| match controller_of(view, subject) {
            Some(NamedController::Nobody) => Told::Shown("it names no controller".to_owned()),
            _ => Told::Possible,
        },
    },
    Cause {
        words: "the ZooKeeper controller still rules, and this quorum is left over from an earlier attempt",
        told_by: "every broker names one and the same controller, and /controller has kraftControllerEpoch -1",
        tell: |view, subject| match controller_of(view, subject) {
            Some(NamedController::Nobody) => Told::Excluded("it names no controller"),
            _ if followed(view) => Told::Excluded("another broker follows the quorum"),
            _ => Told::Possible,
        },
    },
];

/// Why a broker is on ZooKeeper without its flag although the metadata is copied.
pub(super) static LEFT: &[Cause] = &[
    Cause {
        words: "the broker lost its flag",
        told_by: "other brokers name another controller each time, as they do under KRaft controllers",
        tell: |view, _| {
            if followed(view) { Told::Shown("other brokers follow the quorum".to_owned()) } else { Told::Possible }
        },
    },
    Cause {
        words: "the quorum is left over from an earlier attempt, and its copy is old",
        told_by: "no broker follows the quorum, and /controller has kraftControllerEpoch -1",
        tell: |view, _| {
            if followed(view) { Told::Excluded("other brokers follow the quorum") } else { Told::Possible }
        },
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
                Told::Shown(format!("{} not seen", named(&silent)))
            }
        },
    },
    Cause {
        words: "a broker that nobody lists any more was never moved",
        told_by: "every expected broker runs KRaft, and the count is not 0",
        tell: |view, _| {
            if all_seen(view) { Told::Shown("every expected broker runs KRaft".to_owned()) } else { Told::Possible }
        },
    },
];

/// Why a controller has no vote.
pub(super) static NO_VOTE: &[Cause] = &[
    Cause {
        words: "it was never added to a dynamic quorum",
        told_by: "the leader counts it as an observer",
        tell: |view, subject| match seat(view, subject) {
            Some(Seat::Observer) => Told::Shown("it fetches the log as an observer".to_owned()),
            Some(_) => Told::Excluded("it does not fetch the log either"),
            None => Told::Possible,
        },
    },
    Cause {
        words: "it does not reach the leader, or is not in controller.quorum.voters",
        told_by: "the leader counts it neither as a voter nor as an observer",
        tell: |view, subject| match seat(view, subject) {
            Some(Seat::Absent) => Told::Shown("it does not fetch the log".to_owned()),
            Some(_) => Told::Excluded("it fetches the log"),
            None => Told::Possible,
        },
    },
];

/// What can only be so once every broker has registered.
fn only_if_registered(view: &View<'_>, _: Subject) -> Told {
    match registered(view) {
        Some((registered, flagged)) if registered < flagged => Told::Excluded("not every broker is registered"),
        _ => Told::Possible,
    }
}

/// How many ZooKeeper brokers are registered, and how many are seen in migration mode.
fn registered(view: &View<'_>) -> Option<(u64, u64)> {
    let registered = MIGRATING_BROKERS.read(view, Subject::Quorum).ok()?.value;
    Some((registered, u64::try_from(in_migration(view).len()).ok()?))
}

fn in_migration(view: &View<'_>) -> Vec<i32> {
    brokers(view, |rung| rung == Some(BrokerRung::Migration))
}

/// Whether every broker in migration mode is among the leader's observers.
fn all_fetch(view: &View<'_>) -> bool {
    in_migration(view).into_iter().all(|id| broker_seat(view, id).is_some_and(|seat| seat > Seat::Absent))
}

fn broker_seat(view: &View<'_>, id: i32) -> Option<Seat> {
    seat(view, Subject::Broker(id))
}

fn all_seen(view: &View<'_>) -> bool {
    brokers(view, |rung| rung.is_none()).is_empty()
}

/// The brokers whose rung is such: one that nobody declared holds the copy up as well.
fn brokers(view: &View<'_>, is_such: impl Fn(Option<BrokerRung>) -> bool) -> Vec<i32> {
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

fn seat(view: &View<'_>, subject: Subject) -> Option<Seat> {
    SEAT.read(view, subject).ok().map(|seat| seat.value)
}

fn named(ids: &[i32]) -> String {
    let named = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    format!("broker{} {named}", if ids.len() == 1 { "" } else { "s" })
}
