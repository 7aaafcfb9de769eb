//! The tables: well formed, and the ids those that scripts know.

use std::collections::BTreeSet;

use kraft_check::exit::EXITS;
use kraft_check::stages::{GUARDS, STAGES};

#[test]
fn stage_ids_are_those_that_scripts_know() {
    let ids: Vec<&str> = STAGES.iter().map(|stage| stage.id).collect();
    assert_eq!(ids, ["quorum-provisioned", "brokers-in-migration", "brokers-migrated", "finalized"]);
}

#[test]
fn exit_codes_are_those_that_scripts_know() {
    let codes: Vec<(u8, &str, bool)> = EXITS.iter().map(|exit| (exit.code, exit.name, exit.retryable)).collect();
    assert_eq!(
        codes,
        [
            (0, "complete", false),
            (1, "not yet", true),
            (2, "blocked", false),
            (3, "cannot tell", true),
            (64, "usage", false),
            (70, "internal", false),
            (74, "output", false),
            (77, "refused", false),
            (78, "config", false),
            (124, "deadline", true),
        ]
    );
}

#[test]
fn finding_ids_are_pinned() {
    let ids: BTreeSet<&str> = STAGES.iter().flat_map(|stage| stage.rows).map(|row| row.id).collect();
    let pinned = [
        "broker-flag-off",
        "broker-follows-quorum",
        "broker-in-migration",
        "broker-lists-others",
        "broker-of-cluster",
        "broker-runs-kraft",
        "brokers-known",
        "controller-answers",
        "controller-flag-off",
        "controller-flag-on",
        "controller-votes",
        "controllers-known",
        "metadata-copied",
        "migration-finalized",
        "no-broker-left-out",
        "no-registration-left",
        "no-unexpected-broker",
        "no-unexpected-voter",
        "quorum-has-leader",
        "same-cluster",
        "state-not-none",
        "voter-caught-up",
    ];
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), pinned);
    let guards: Vec<&str> = GUARDS.iter().map(|guard| guard.id).collect();
    let pinned = [
        "finalized-over-zookeeper",
        "broker-left-the-migration",
        "voter-without-flag",
        "quorum-without-migration",
        "two-leaders",
        "other-cluster",
        "zookeeper-beside-kafka-4",
        "kafka-4-before-the-end",
    ];
    assert_eq!(guards, pinned);
}

#[test]
fn every_row_and_guard_gives_its_reason_its_source_how_to_look_and_what_to_do() {
    let rows = STAGES.iter().flat_map(|stage| stage.rows).map(|row| (row.id, row.reason));
    for row in STAGES.iter().flat_map(|stage| stage.rows) {
        assert!(!row.claim.is_empty(), "{} does not say what those do that hold", row.id);
    }
    for (id, reason) in rows.chain(GUARDS.iter().map(|guard| (guard.id, guard.reason))) {
        for text in [reason.because, reason.source, reason.action, reason.advice] {
            assert!(!text.is_empty(), "{id} leaves something unsaid");
        }
        assert!(!reason.look.is_empty(), "{id} does not say how to look");
    }
}

#[test]
fn an_id_is_used_once_in_a_stage_and_never_for_a_guard() {
    for stage in STAGES {
        let mut seen = BTreeSet::new();
        for id in stage.rows.iter().map(|row| row.id).chain(GUARDS.iter().map(|guard| guard.id)) {
            assert!(seen.insert(id), "{id} twice in {}", stage.id);
            assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{id}");
        }
    }
}
