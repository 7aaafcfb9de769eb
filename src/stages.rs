//! THE TABLES: what each stage demands, and the guards that hold in every stage.
//!
//! An operator can read this file from here down to the last stage. Each row says of whom it demands what, and
//! carries its reason and where that reason comes from. Rows say "at least", so that a stage that was passed is
//! complete without an exception. Not here: how a fact is read (`signals`) and how rows become a verdict
//! (`evaluate`).

mod row;

pub use row::{Condition, Demand, Guard, Reason, Row, Stage, Subjects};

use crate::signals::{
    ANSWERS_AS_CONTROLLER, BROKER_ON_ZOOKEEPER, BROKER_RUNG, BrokerRung, DECLARED, FETCH_MAX, LIVE_LEADER,
    MIGRATING_BROKERS, MIGRATION_STATE, POST_SEEN, SEAT, STATE_NOT_NONE, Seat, StateRung, VOTER_LAG,
    ZK_MIGRATION_READY,
};
use crate::snapshot::Subject;
use Subjects::{Controllers, ExpectedBrokers, ExpectedControllers, KnownBrokers, Quorum, Voters};
use row::{guard, row};

/// The stages, in the order of a migration.
pub static STAGES: &[Stage] = &[QUORUM_PROVISIONED, BROKERS_IN_MIGRATION, BROKERS_MIGRATED, FINALIZED];

const QUORUM_PROVISIONED: Stage = Stage {
    id: "quorum-provisioned",
    title: "KRaft controller quorum provisioned",
    rows: &[
        row("controller-votes", ExpectedControllers, Demand::Seat(SEAT.is(Seat::Voter)))
            .claims("vote in the quorum")
            .because(
                "a controller without a vote adds nothing to the quorum's safety; in a dynamic quorum it \
                      stays an observer until it is added",
            )
            .source("KIP-595, KIP-853: DescribeQuorum CurrentVoters and Observers")
            .remedy(
                "add-controller",
                "let it fetch from the leader; in a dynamic quorum: kafka-metadata-quorum add-controller",
            ),
        QUORUM_HAS_LEADER,
        row("controller-answers", ExpectedControllers, Demand::Truth(ANSWERS_AS_CONTROLLER.is(true)))
            .claims("answer as controllers")
            .because("what does not answer cannot be judged, and the next stage needs every controller")
            .source("ApiVersions lists Vote (52) on controller listeners only: listeners of VoteRequest.json")
            .remedy("start-controller", "start the controller, or give its address with -C"),
        row("voter-caught-up", Voters, Demand::Lag(VOTER_LAG.at_most(FETCH_MAX)))
            .claims("keep up with the leader")
            .because("a voter that does not fetch is dead weight: one more failure and the quorum is lost")
            .source("KIP-836: LastFetchTimestamp and LastCaughtUpTimestamp, by the leader's clock")
            .remedy("look-at-voter", "see that the controller runs and reaches the leader"),
        row("no-unexpected-voter", Voters, Demand::Truth(DECLARED.is(true)))
            .claims("are declared")
            .because("a voter that nobody declared is a controller that nobody looks after, or another cluster's")
            .source("KIP-595: DescribeQuorum CurrentVoters")
            .remedy("declare-or-remove", "declare it with -C or --expect-controllers, or remove it from the quorum"),
        row("controller-flag-on", Controllers, Demand::Truth(ZK_MIGRATION_READY.is(true)))
            .only(BEFORE_THE_END_WITH_ZOOKEEPER)
            .claims("have the migration flag")
            .because(
                "a controller without zookeeper.metadata.migration.enable drives no migration, and finalizes \
                      one that is under way as soon as it is elected",
            )
            .source("KIP-866; ActivationRecordsGenerator.java; ApiVersionsResponse tag 3, Kafka 3.5 to 3.9")
            .remedy(
                "restart-with-flag",
                "restart the controller with zookeeper.metadata.migration.enable=true and zookeeper.connect",
            ),
        row("state-not-none", Quorum, Demand::Truth(STATE_NOT_NONE.is(true)))
            .because("controllers first started without the flag write NONE, and can only be formatted anew")
            .source("KIP-866; ActivationRecordsGenerator.java: empty log, flag off")
            .remedy(
                "format-controllers",
                "stop the controllers, remove their data, format and start them with the flag",
            ),
    ],
};

const BROKERS_IN_MIGRATION: Stage = Stage {
    id: "brokers-in-migration",
    title: "Brokers in migration mode",
    rows: &[
        row("broker-in-migration", ExpectedBrokers, Demand::Broker(BROKER_RUNG.at_least(BrokerRung::Migration)))
            .claims("are in migration mode or beyond")
            .because("the copy begins only when every broker has registered with the KRaft controllers")
            .source("KIP-866; ApiVersionsResponse tag 3 (ZkMigrationReady), Kafka 3.5 to 3.9")
            .remedy(
                "restart-in-migration-mode",
                "restart the broker with the migration flag and the controllers' addresses",
            ),
        NO_UNEXPECTED_BROKER,
        QUORUM_HAS_LEADER,
        METADATA_COPIED,
    ],
};

const BROKERS_MIGRATED: Stage = Stage {
    id: "brokers-migrated",
    title: "Brokers migrated to KRaft",
    rows: &[
        BROKER_RUNS_KRAFT,
        NO_UNEXPECTED_BROKER,
        QUORUM_HAS_LEADER,
        BROKER_FLAG_OFF,
        // Guard: the rows above also hold for a cluster that never had ZooKeeper, or a quorum without a copy.
        METADATA_COPIED,
        NO_REGISTRATION_LEFT,
    ],
};

const FINALIZED: Stage = Stage {
    id: "finalized",
    title: "Migration finalized",
    rows: &[
        row("migration-finalized", Quorum, Demand::State(MIGRATION_STATE.at_least(StateRung::PostMigration)))
            .because(
                "POST_MIGRATION is written by the first controller that is elected without the flag, and is \
                      never taken back",
            )
            .source(
                "KIP-866; ActivationRecordsGenerator.java; metric kafka.controller:ZkMigrationState, Kafka 3.5 to 3.9",
            )
            .remedy("finalize", "restart the controllers one by one without the flag and without zookeeper.connect"),
        QUORUM_HAS_LEADER,
        row("controller-flag-off", Controllers, Demand::Truth(ZK_MIGRATION_READY.is(false)))
            .claims("are without the migration flag")
            .because("a controller that kept the flag still holds on to ZooKeeper")
            .source("ApiVersionsResponse tag 3 is the node's own configuration, Kafka 3.5 to 3.9")
            .remedy(
                "restart-without-flag",
                "restart the controller without zookeeper.metadata.migration.enable and zookeeper.connect",
            ),
        BROKER_RUNS_KRAFT,
        NO_UNEXPECTED_BROKER,
        BROKER_FLAG_OFF,
        NO_REGISTRATION_LEFT,
    ],
};

/// The guards, in every stage: conditions under which waiting cannot help or going on is unsafe. Each must be
/// met on the same subject by two looks before it is said; what is unseen, they skip.
pub static GUARDS: &[Guard] = &[
    guard(
        "finalized-over-zookeeper",
        KnownBrokers,
        &[Demand::Broker(BROKER_RUNG.at_most(BrokerRung::Migration)), Demand::Truth(POST_SEEN.is(true))],
    )
    .says("is on ZooKeeper although the migration is finalized: it gets no more metadata")
    .because("Kafka finalizes without looking at the brokers; those still on ZooKeeper silently split from the rest")
    .source("ActivationRecordsGenerator.java; seen on 3.9.1: topics created afterwards are served by nobody")
    .remedy(
        "stop-and-look",
        "stop every automation and change nothing: there is no way back, and what each side knows has to be \
         compared by hand before a broker is moved",
    ),
    guard(
        "broker-left-the-migration",
        KnownBrokers,
        &[
            Demand::Broker(BROKER_RUNG.is(BrokerRung::Zookeeper)),
            Demand::State(MIGRATION_STATE.is(StateRung::Migration)),
        ],
    )
    .says("is on ZooKeeper without its flag although the metadata is copied")
    .because("it lost its flag, or the quorum is left over from an earlier attempt and its copy is old")
    .source("KIP-866; seen on 3.9.1: such a quorum never copies again, and what was created since would be lost")
    .remedy(
        "flag-or-format",
        "find out which: if it lost its flag, restart it with it; if the controllers are left over from an \
         earlier attempt, format new ones first",
    ),
    guard(
        "voter-without-flag",
        Voters,
        &[
            Demand::Truth(ZK_MIGRATION_READY.is(false)),
            Demand::State(MIGRATION_STATE.is(StateRung::Migration)),
            Demand::Truth(BROKER_ON_ZOOKEEPER.is(true)),
        ],
    )
    .says("votes without the migration flag while a broker is on ZooKeeper: its election would finalize")
    .because("the first controller elected without the flag writes POST_MIGRATION, whatever the brokers are")
    .source("ActivationRecordsGenerator.java; seen on 3.9.1 within a second of the election")
    .remedy("restart-with-flag", "restart the controller with the flag before it can be elected"),
    guard(
        "quorum-without-migration",
        KnownBrokers,
        &[
            Demand::Broker(BROKER_RUNG.at_most(BrokerRung::Migration)),
            Demand::State(MIGRATION_STATE.is(StateRung::None)),
        ],
    )
    .says("is on ZooKeeper, and the quorum was first started without the migration flag")
    .because("such a quorum refuses ZooKeeper brokers, and its controllers die when one with the flag is elected")
    .source("ActivationRecordsGenerator.java; seen on 3.9.1: BROKER_ID_NOT_REGISTERED, then a fatal fault")
    .remedy("format-controllers", "stop the controllers, remove their data, format and start them with the flag"),
];

const QUORUM_HAS_LEADER: Row = row("quorum-has-leader", Quorum, Demand::Truth(LIVE_LEADER.is(true)))
    .because("without a leader nothing is committed, and every other figure of the quorum is stale")
    .source("KIP-595; KIP-836; KafkaRaftClient.java: a standby answers error 6 and zeros")
    .remedy("look-at-quorum", "see that a majority of the controllers runs and that they reach each other");

const METADATA_COPIED: Row =
    row("metadata-copied", Quorum, Demand::State(MIGRATION_STATE.at_least(StateRung::Migration)))
        .because("MIGRATION is written when the copy of ZooKeeper's metadata is committed")
        .source("KIP-866; QuorumController.java; metric kafka.controller:ZkMigrationState, Kafka 3.5 to 3.9")
        .remedy(
            "wait-for-copy",
            "wait; if it lasts: a dead broker that owns replicas, an IBP other than the controllers' \
         metadata.version, or a stale /migration znode hold it up",
        );

const BROKER_RUNS_KRAFT: Row =
    row("broker-runs-kraft", ExpectedBrokers, Demand::Broker(BROKER_RUNG.at_least(BrokerRung::Kraft)))
        .claims("run KRaft")
        .because("a broker that still lists LeaderAndIsr, StopReplica and UpdateMetadata is driven through ZooKeeper")
        .source(
            "listeners of LeaderAndIsrRequest.json, StopReplicaRequest.json, UpdateMetadataRequest.json, 2.8 to 3.9",
        )
        .remedy(
            "restart-in-kraft-mode",
            "restart the broker with process.roles=broker and node.id, without zookeeper.connect",
        );

const BROKER_FLAG_OFF: Row = row("broker-flag-off", ExpectedBrokers, Demand::Truth(ZK_MIGRATION_READY.is(false)))
    .only(RUNS_KRAFT_AND_NOT_COMBINED)
    .claims("are without the migration flag")
    .because("a KRaft broker has no use for the flag: left behind, it makes a disk failure fatal and hides the mode")
    .source("ApiVersionsResponse tag 3 is the node's own configuration; ReplicaManager.scala, Kafka 3.5 to 3.9")
    .remedy("remove-flag", "remove zookeeper.metadata.migration.enable and zookeeper.connect, and restart the broker");

const NO_UNEXPECTED_BROKER: Row = row("no-unexpected-broker", KnownBrokers, Demand::Truth(DECLARED.is(true)))
    .claims("are declared")
    .because("a broker that nobody declared is judged by no row, and may be the one that is left behind")
    .source("Metadata: Brokers; an operator's rule: refuse and wait")
    .remedy("declare-or-stop", "declare it with --expect-brokers, or stop it");

const NO_REGISTRATION_LEFT: Row = row("no-registration-left", Quorum, Demand::Count(MIGRATING_BROKERS.at_most(0)))
    .where_exported()
    .only(NO_BROKER_ON_ZOOKEEPER)
    .because("a registration of a ZooKeeper broker remains, dead or alive, that nobody has moved")
    .source("ControllerMetadataMetrics.java: MigratingZkBrokerCount, Kafka 3.6 to 3.9")
    .remedy("move-or-unregister", "start that broker as a KRaft broker, or unregister it");

/// The flag is demanded of controllers as long as there is something to migrate.
const BEFORE_THE_END_WITH_ZOOKEEPER: Condition = Condition {
    words: "only while a broker is on ZooKeeper and the migration is not finalized",
    holds: |view, subject| {
        let zookeeper = if view.known_brokers().is_empty() {
            Some(true)
        } else {
            BROKER_ON_ZOOKEEPER.read(view, subject).ok().map(|seen| seen.value)
        };
        let state = MIGRATION_STATE.read(view, subject).ok().map(|seen| seen.value < StateRung::PostMigration);
        match (zookeeper, state) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        }
    },
};

/// A broker on ZooKeeper needs its flag, and a combined node reports its controller's: only of the others is a flag
/// left behind.
const RUNS_KRAFT_AND_NOT_COMBINED: Condition = Condition {
    words: "only of a broker that runs KRaft and is no controller",
    holds: |view, subject| match subject {
        Subject::Broker(id) if view.is_combined(id) => Some(false),
        _ => BROKER_RUNG.read(view, subject).ok().map(|seen| seen.value == BrokerRung::Kraft),
    },
};

/// As long as a broker is on ZooKeeper, its registration is no remainder.
const NO_BROKER_ON_ZOOKEEPER: Condition = Condition {
    words: "only when no broker is on ZooKeeper any more",
    holds: |view, subject| BROKER_ON_ZOOKEEPER.read(view, subject).ok().map(|seen| !seen.value),
};
