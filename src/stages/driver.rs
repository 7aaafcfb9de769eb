//! Why the metadata is not copied: what Kafka's migration driver decides by, clause after clause in its own order, so that the
//! first one that is seen not to be met is the one that it waits for.
//!
//! From `KRaftMigrationDriver.java` and `QuorumFeatures.java`, 3.4 to 3.9. The metadata log tells most of it; without it as much
//! is told as flags, observers, gauges and configurations show. Not here: how each is read (`signals/driver.rs`).

mod tells;

use super::row::{Cause, Clause, Told};
use crate::signals::{BROKER_ON_ZOOKEEPER, MIGRATION_STATE, StateRung};
use crate::snapshot::Subject;
use tells::{
    a_broker_registered, assigned_registered, brokers_fetch, brokers_flagged, brokers_registered, controllers_ready,
    copy_ends, driver_polls, driver_stands, metadata_version, protocol_versions, shown,
};

/// The clause that known defects explain.
pub const DRIVER_STANDS: &str = "driver-stands";

const fn clause(id: &'static str, advice: &'static str) -> Clause {
    Clause { id, advice }
}

/// The clauses, in the driver's order.
pub(super) static DRIVER: &[Cause] = &[
    Cause {
        words: "the quorum was first started without the flag",
        told_by: "ZkMigrationState is NONE",
        tell: |view, _| match MIGRATION_STATE.read(view, Subject::Quorum) {
            Ok(state) if state.most() == StateRung::None => shown("its log says NONE", Vec::new()),
            Ok(state) if state.value >= StateRung::PreMigration => Told::Excluded("its log does not say NONE"),
            _ => Told::Possible,
        },
        clause: Some(clause("quorum-began-with-flag", "format new controllers, and start them with the flag")),
    },
    Cause {
        words: "a controller is not ready for the migration",
        told_by: "its flag is off, or by its registration; before 3.7 also that it does not fetch",
        tell: controllers_ready,
        clause: Some(clause(
            "controllers-ready",
            "start that controller with zookeeper.metadata.migration.enable=true and zookeeper.connect",
        )),
    },
    Cause {
        words: "the controllers' metadata.version is too low",
        told_by: "the finalized level is below 3.4-IV0 (8), or from 3.8.1 on below 3.6-IV1 (13)",
        tell: metadata_version,
        clause: Some(clause(
            "metadata-version-high-enough",
            "format new controllers with the metadata.version of the brokers' release",
        )),
    },
    Cause {
        words: "no broker is registered with the controllers",
        told_by: "none is in migration mode, or has registered",
        tell: a_broker_registered,
        clause: Some(clause(
            "a-broker-registered",
            "restart the brokers in migration mode, with the flag and the controllers' addresses",
        )),
    },
    Cause {
        words: "no broker is on ZooKeeper",
        told_by: "no broker that is known lists LeaderAndIsr: /brokers/ids is empty",
        tell: |view, _| match BROKER_ON_ZOOKEEPER.read(view, Subject::Quorum) {
            Ok(seen) if seen.value => Told::Excluded("a broker is on ZooKeeper"),
            Ok(_) => shown("every broker that is known runs KRaft", Vec::new()),
            Err(_) => Told::Possible,
        },
        clause: Some(clause(
            "a-broker-on-zookeeper",
            "see that -b and -C are of one cluster; what has no broker in ZooKeeper has nothing to copy",
        )),
    },
    Cause {
        words: "a broker is not in migration mode yet",
        told_by: "a broker lists LeaderAndIsr and its flag is off",
        tell: brokers_flagged,
        clause: Some(clause(
            "brokers-flagged",
            "restart the broker with the migration flag and the controllers' addresses",
        )),
    },
    Cause {
        words: "a broker in migration mode does not reach the controllers, or may not log in to them",
        told_by: "the leader does not count the broker among its observers",
        tell: brokers_fetch,
        clause: Some(clause(
            "brokers-reach-controllers",
            "see in the broker's log how its requests to the controllers end: their addresses, its login there, and \
             whether its principal may do ClusterAction (before the copy only as one of the controllers' super.users)",
        )),
    },
    Cause {
        words: "the brokers' inter.broker.protocol.version is not the controllers' metadata.version",
        told_by: "a broker's configuration; or fewer are registered than are flagged, although all are observers",
        tell: protocol_versions,
        clause: Some(clause(
            "brokers-protocol-version",
            "set the broker's inter.broker.protocol.version to the release of the controllers' metadata.version and restart \
             it; or format the controllers with the brokers' (kafka-storage.sh format --release-version)",
        )),
    },
    Cause {
        words: "the controllers do not register a broker that is in migration mode",
        told_by: "the broker is among the observers, and the metadata log does not have it as one on ZooKeeper",
        tell: brokers_registered,
        clause: Some(clause(
            "brokers-registered",
            "look in the leader's log for registerBroker: it says why the registration is refused",
        )),
    },
    Cause {
        words: "a broker is down that owns replicas",
        told_by: "a broker in the topics' assignments is not registered; or a declared one does not answer",
        tell: assigned_registered,
        clause: Some(clause(
            "assigned-brokers-registered",
            "start the broker in migration mode, or reassign what it owns (before the copy by the ZooKeeper brokers)",
        )),
    },
    Cause {
        words: "the copy is under way: seconds, or a minute with very many partitions",
        told_by: "a transaction is open in the metadata log; or every broker is registered, and it passes",
        tell: copy_ends,
        clause: Some(clause("copy-ends", "wait: of 20,000 partitions it takes ten seconds")),
    },
    Cause {
        words: "everything is met, and the driver looks again within a minute",
        told_by: "a broker has registered, or a controller was elected, less than a minute ago",
        tell: driver_polls,
        clause: Some(clause("driver-polls", "wait a minute")),
    },
    Cause {
        words: "everything is met, and the driver stands still",
        told_by: "every broker is registered, and nothing has been written for a minute; a /migration znode that is left from an \
                  earlier attempt holds an offset beyond the high watermark",
        tell: driver_stands,
        clause: Some(clause(
            DRIVER_STANDS,
            "look at /migration in ZooKeeper; if it is not left over, restart the leading controller, or before 3.7.1 all of \
             them together, for their drivers begin anew, and go to the release with the fix",
        )),
    },
];
