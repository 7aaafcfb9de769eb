//! Every row of every stage: one change to a cluster that is complete, and exactly that row must tell.
//!
//! What a migration by the book shows is in the recordings; here are the rows that it never fails.

use kraft_check::evaluate::evaluate;
use kraft_check::report::{Report, Standing, Verdict};
use kraft_check::snapshot::{Look, Missed, Node, Sample, Why};
use kraft_check::stages::{STAGES, Subjects};

use crate::answers::{
    ON_KRAFT, ON_ZOOKEEPER, broker, broker_at, leader, leadership, look, page, said, silent, snapshot, standby,
};

const PROVISIONED: usize = 0;
const IN_MIGRATION: usize = 1;
const MIGRATED: usize = 2;
const FINALIZED: usize = 3;

const LEADER: usize = 0;
const STANDBY: usize = 1;
const BROKER: usize = 2;

/// A look at two controllers and two brokers that makes this stage, and no later one, complete.
fn complete(stage: usize) -> Look {
    let (keys, flag, gauge) = match stage {
        PROVISIONED => (ON_ZOOKEEPER, false, 2.0),
        IN_MIGRATION => (ON_ZOOKEEPER, true, 1.0),
        MIGRATED => (ON_KRAFT, false, 1.0),
        _ => (ON_KRAFT, false, 3.0),
    };
    let mut nodes = [leader(3001, &[(3002, Some(400))]), standby(3002), broker(1, keys, flag), broker(2, keys, flag)];
    for controller in &mut nodes[..2] {
        set_flag(controller, stage != FINALIZED);
    }
    look(nodes, [page(3001, gauge), page(3002, gauge)])
}

fn set_flag(node: &mut Node, flag: bool) {
    node.api_versions.said.as_mut().expect("it answers").zk_migration_ready = Some(flag);
}

fn judge(stage: usize, look: Look) -> Report {
    evaluate(&STAGES[stage], &snapshot(&[1, 2], &[3001, 3002], [look]))
}

/// What fails in this stage after one change, and the verdict.
fn after(stage: usize, change: impl FnOnce(&mut Look)) -> (Verdict, Vec<(&'static str, Standing)>) {
    let mut look = complete(stage);
    change(&mut look);
    let report = judge(stage, look);
    let fails = |standing: &Standing| matches!(standing, Standing::Blocked | Standing::NotYet | Standing::Unknown);
    let failing = report.findings.into_iter().map(|it| (it.id, it.standing)).filter(|(_, standing)| fails(standing));
    (report.verdict, failing.collect())
}

#[test]
fn each_stage_has_a_cluster_that_completes_it_and_no_later_one() {
    for stage in [PROVISIONED, IN_MIGRATION, MIGRATED, FINALIZED] {
        let verdicts: Vec<bool> =
            (0..4).map(|other| judge(other, complete(stage)).verdict == Verdict::Complete).collect();
        assert_eq!(verdicts, (0..4).map(|other| other <= stage).collect::<Vec<_>>(), "{}", STAGES[stage].id);
    }
}

#[test]
fn a_controller_must_answer_as_one_and_vote() {
    let observer = |look: &mut Look| {
        let leadership = leadership(&mut look.nodes[LEADER]);
        leadership.observers = leadership.voters.split_off(1);
    };
    assert_eq!(after(PROVISIONED, observer), (Verdict::NotYet, vec![("controller-votes", Standing::NotYet)]));
    let absent = |look: &mut Look| leadership(&mut look.nodes[LEADER]).voters.truncate(1);
    assert_eq!(after(PROVISIONED, absent), (Verdict::NotYet, vec![("controller-votes", Standing::NotYet)]));
    let mute = |look: &mut Look| {
        look.nodes[STANDBY].api_versions = silent();
        look.nodes[STANDBY].quorum = silent();
    };
    let unknown = [("controller-answers", Standing::Unknown), ("controller-flag-on", Standing::Unknown)];
    assert_eq!(after(PROVISIONED, mute), (Verdict::Unknown, unknown.to_vec()));
}

#[test]
fn a_voter_must_keep_up_to_ten_seconds() {
    let behind = |ago: i64| {
        move |look: &mut Look| {
            let voter = &mut leadership(&mut look.nodes[LEADER]).voters[1];
            voter.last_caught_up = Some(crate::answers::NOW - ago);
        }
    };
    assert_eq!(after(PROVISIONED, behind(10_000)).0, Verdict::Complete);
    assert_eq!(after(PROVISIONED, behind(10_001)), (Verdict::NotYet, vec![("voter-caught-up", Standing::NotYet)]));
    let never = |look: &mut Look| leadership(&mut look.nodes[LEADER]).voters[1].last_caught_up = None;
    assert_eq!(after(PROVISIONED, never), (Verdict::Unknown, vec![("voter-caught-up", Standing::Unknown)]));
}

#[test]
fn nobody_unexpected_may_vote_or_be_a_broker() {
    let voter = |look: &mut Look| {
        let voters = &mut leadership(&mut look.nodes[LEADER]).voters;
        voters.push(kraft_check::snapshot::Replica { id: 3003, ..voters[1] });
    };
    let (verdict, failing) = after(PROVISIONED, voter);
    assert_eq!(verdict, Verdict::NotYet);
    assert!(failing.contains(&("no-unexpected-voter", Standing::NotYet)), "{failing:?}");
    assert!(failing.contains(&("controller-flag-on", Standing::Unknown)), "nobody knows where it is: {failing:?}");
    for stage in [IN_MIGRATION, MIGRATED, FINALIZED] {
        let stranger = |look: &mut Look| look.nodes.push(broker_at(3, &[(3, 3)]));
        assert_eq!(after(stage, stranger), (Verdict::NotYet, vec![("no-unexpected-broker", Standing::NotYet)]));
    }
    // A combined node is a broker by its controller's id: nobody unexpected.
    let combined = |look: &mut Look| look.nodes.push(broker(3001, ON_KRAFT, true));
    for stage in [PROVISIONED, IN_MIGRATION, MIGRATED, FINALIZED] {
        assert_eq!(after(stage, combined).0, Verdict::Complete, "{}", STAGES[stage].id);
    }
}

#[test]
fn a_controllers_flag_is_demanded_until_there_is_nothing_to_migrate() {
    let off = |look: &mut Look| set_flag(&mut look.nodes[STANDBY], false);
    assert_eq!(after(PROVISIONED, off), (Verdict::NotYet, vec![("controller-flag-on", Standing::NotYet)]));
    for stage in [MIGRATED, FINALIZED] {
        let mut look = complete(stage);
        off(&mut look);
        assert_eq!(judge(PROVISIONED, look).verdict, Verdict::Complete, "no broker is on ZooKeeper any more");
    }
    // Whether a broker is on ZooKeeper cannot be told: neither can it be demanded, nor let go.
    let blind = |look: &mut Look| {
        off(look);
        look.nodes[BROKER].api_versions = silent();
        look.nodes[BROKER + 1].api_versions = silent();
    };
    assert_eq!(after(PROVISIONED, blind), (Verdict::Unknown, vec![("controller-flag-on", Standing::Unknown)]));
    let on = |look: &mut Look| set_flag(&mut look.nodes[STANDBY], true);
    assert_eq!(after(FINALIZED, on), (Verdict::NotYet, vec![("controller-flag-off", Standing::NotYet)]));
}

#[test]
fn a_quorum_that_says_none_cannot_migrate_unless_it_was_born_so() {
    let none = |look: &mut Look| look.pages = vec![page(3001, 0.0), page(3002, 0.0)];
    let (verdict, failing) = after(PROVISIONED, none);
    assert_eq!(verdict, Verdict::NotYet, "blocked only once it is confirmed");
    assert!(failing.contains(&("state-not-none", Standing::NotYet)), "{failing:?}");
    assert!(failing.contains(&("quorum-without-migration", Standing::Unknown)), "{failing:?}");
    for stage in [PROVISIONED, IN_MIGRATION, MIGRATED, FINALIZED] {
        let mut look = complete(FINALIZED);
        none(&mut look);
        assert_eq!(judge(stage, look).verdict, Verdict::Complete, "born in KRaft: {}", STAGES[stage].id);
    }
    // Without a gauge, a leader with its flag on is in another state, and beside brokers on KRaft NONE is no obstacle.
    let no_page = |look: &mut Look| look.pages.clear();
    assert_eq!(after(PROVISIONED, no_page).0, Verdict::Complete);
    let mut look = complete(FINALIZED);
    no_page(&mut look);
    assert_eq!(judge(PROVISIONED, look).verdict, Verdict::Complete);
    let no_flag = |look: &mut Look| {
        no_page(look);
        set_flag(&mut look.nodes[LEADER], false);
    };
    let unknown = [("controller-flag-on", Standing::Unknown), ("state-not-none", Standing::Unknown)];
    assert_eq!(after(PROVISIONED, no_flag), (Verdict::Unknown, unknown.to_vec()));
}

#[test]
fn a_flag_left_behind_on_a_kraft_broker_is_not_yet() {
    for stage in [MIGRATED, FINALIZED] {
        let left = |look: &mut Look| set_flag(&mut look.nodes[BROKER], true);
        assert_eq!(after(stage, left), (Verdict::NotYet, vec![("broker-flag-off", Standing::NotYet)]));
    }
}

#[test]
fn a_registration_that_remains_is_not_yet_and_an_unexported_count_is_nothing() {
    let count = |value: &str| {
        let name = "kafka_controller_kafkacontroller_migratingzkbrokercount".to_owned();
        Sample { name, labels: Vec::new(), value: value.to_owned() }
    };
    for stage in [MIGRATED, FINALIZED] {
        let remains = |look: &mut Look| look.pages[0].page.said.as_mut().expect("a page").samples.push(count("1.0"));
        assert_eq!(after(stage, remains), (Verdict::NotYet, vec![("no-registration-left", Standing::NotYet)]));
        assert_eq!(after(stage, |_| ()).0, Verdict::Complete);
        // Of a broker that is still to be moved it is no remainder, and nobody shall unregister that one.
        let still_there = |look: &mut Look| {
            remains(look);
            look.nodes[BROKER] = broker(1, ON_ZOOKEEPER, true);
        };
        assert!(after(stage, still_there).1.iter().all(|(id, _)| *id != "no-registration-left"));
    }
}

/// What fails in this stage when nobody declared the brokers, and the count of registrations is this.
fn discovered(stage: usize, count: Option<&str>) -> (Verdict, Vec<&'static str>) {
    let mut look = complete(stage);
    if let Some(value) = count {
        let name = "kafka_controller_kafkacontroller_migratingzkbrokercount".to_owned();
        let samples = &mut look.pages[0].page.said.as_mut().expect("a page").samples;
        samples.push(Sample { name, labels: Vec::new(), value: value.to_owned() });
    }
    let report = evaluate(&STAGES[stage], &snapshot(&[], &[3001, 3002], [look]));
    let expected = report.expected_brokers.expect("two brokers answer");
    assert_eq!((expected.ids, expected.declared), ([1, 2].into(), false));
    let fails = |standing| matches!(standing, Standing::NotYet | Standing::Unknown);
    let failing = report.findings.iter().filter(|finding| fails(finding.standing)).map(|finding| finding.id);
    (report.verdict, failing.collect())
}

#[test]
fn discovered_brokers_complete_a_stage_only_if_nobody_can_be_missing() {
    assert_eq!(discovered(IN_MIGRATION, None), (Verdict::Complete, vec![]), "the copy waits for every broker");
    for stage in [MIGRATED, FINALIZED] {
        assert_eq!(discovered(stage, None), (Verdict::Unknown, vec!["no-broker-left-out"]));
        assert_eq!(discovered(stage, Some("0.0")), (Verdict::Complete, vec![]));
        let left = vec!["no-broker-left-out", "no-registration-left"];
        assert_eq!(discovered(stage, Some("1.0")), (Verdict::NotYet, left));
    }
}

#[test]
fn without_any_broker_every_broker_row_is_unknown() {
    for stage in [IN_MIGRATION, MIGRATED, FINALIZED] {
        let mut look = complete(stage);
        look.nodes.truncate(BROKER);
        let report = evaluate(&STAGES[stage], &snapshot(&[], &[3001, 3002], [look]));
        assert_eq!(report.verdict, Verdict::Unknown);
        let unknown = report.findings.iter().filter(|finding| finding.standing == Standing::Unknown);
        let unknown: std::collections::BTreeSet<&str> = unknown.map(|finding| finding.id).collect();
        let required = STAGES[stage].rows.iter().filter(|row| row.required && row.of != Subjects::Quorum);
        let of_brokers = required.map(|row| row.id).filter(|id| id.contains("broker"));
        assert!(unknown.is_superset(&of_brokers.collect()), "{}: {unknown:?}", STAGES[stage].id);
    }
}

#[test]
fn without_a_leader_or_a_state_no_later_stage_is_complete() {
    for stage in [IN_MIGRATION, MIGRATED, FINALIZED] {
        let election = |look: &mut Look| look.nodes[LEADER] = standby(3001);
        let (verdict, failing) = after(stage, election);
        assert_eq!(verdict, Verdict::NotYet);
        assert!(failing.contains(&("quorum-has-leader", Standing::NotYet)), "{failing:?}");
        let no_page = |look: &mut Look| {
            for page in &mut look.pages {
                page.page = said(Err(Missed::new(Why::Refused, "connection refused")));
            }
        };
        assert_eq!(after(stage, no_page).0, Verdict::Unknown);
    }
    let (verdict, failing) = after(PROVISIONED, |look| look.nodes[LEADER] = standby(3001));
    assert_eq!(verdict, Verdict::NotYet);
    assert!(failing.contains(&("quorum-has-leader", Standing::NotYet)), "{failing:?}");
}

#[test]
fn the_broker_rows_tell_by_themselves() {
    let on_zookeeper = |flag| move |look: &mut Look| look.nodes[BROKER] = broker(1, ON_ZOOKEEPER, flag);
    let row = |id| vec![(id, Standing::NotYet)];
    let plain = after(IN_MIGRATION, on_zookeeper(false));
    assert!(plain.1.contains(&("broker-in-migration", Standing::NotYet)), "{plain:?}");
    assert_eq!(after(MIGRATED, on_zookeeper(true)), (Verdict::NotYet, row("broker-runs-kraft")));
    let back = after(FINALIZED, on_zookeeper(true));
    assert!(back.1.contains(&("broker-runs-kraft", Standing::NotYet)), "{back:?}");
    for (stage, id) in
        [(IN_MIGRATION, "metadata-copied"), (MIGRATED, "metadata-copied"), (FINALIZED, "migration-finalized")]
    {
        let earlier = |look: &mut Look| look.pages = vec![page(3001, 2.0)];
        assert_eq!(after(stage, earlier), (Verdict::NotYet, row(id)), "{}", STAGES[stage].id);
    }
}

#[test]
fn what_is_unseen_is_unknown_and_only_a_witness_is_skipped() {
    for stage in [PROVISIONED, IN_MIGRATION, MIGRATED, FINALIZED] {
        let mut blind = complete(stage);
        for node in &mut blind.nodes {
            node.api_versions = silent();
            node.quorum = silent();
        }
        blind.pages.clear();
        let report = judge(stage, blind);
        assert_eq!(report.verdict, Verdict::Unknown);
        for row in STAGES[stage].rows {
            let mut findings = report.findings.iter().filter(|finding| finding.id == row.id);
            let expected = match row.id {
                // The witnesses; and of a silent broker its silence is said once, the brokers were declared, and no
                // cluster was.
                "no-registration-left"
                | "same-cluster"
                | "broker-follows-quorum"
                | "broker-lists-others"
                | "broker-of-cluster"
                | "brokers-known"
                | "broker-flag-off" => Standing::Skipped,
                // Whom we expect is known without any answer, and there is nobody else.
                "no-unexpected-broker" | "no-broker-left-out" | "controllers-known" => Standing::Pass,
                _ => Standing::Unknown,
            };
            assert!(findings.all(|finding| finding.standing == expected), "{} of {}", row.id, STAGES[stage].id);
        }
    }
}

/// An address that was given without an id, and that nobody lists: without a declaration it may be a broker more.
#[test]
fn an_address_that_nobody_lists_and_that_lists_nobody_may_be_a_broker_more() {
    let mut dark = broker(9, ON_ZOOKEEPER, false);
    (dark.given, dark.metadata) = (None, silent());
    for stage in [IN_MIGRATION, MIGRATED, FINALIZED] {
        for answers in [true, false] {
            let mut look = complete(stage);
            look.nodes.push(dark.clone());
            if !answers {
                look.nodes.last_mut().expect("a node").api_versions = silent();
            }
            let declared = judge(stage, look.clone());
            let undeclared = evaluate(&STAGES[stage], &snapshot(&[], &[3001, 3002, 3003], [look]));
            let known = undeclared.findings.iter().find(|finding| finding.id == "brokers-known").expect("the row");
            assert_eq!(known.standing, Standing::Unknown, "{}", known.message);
            assert_ne!(undeclared.verdict, Verdict::Complete, "{}", STAGES[stage].id);
            assert!(declared.findings.iter().all(|it| it.id != "brokers-known" || it.standing == Standing::Skipped));
        }
    }
}

#[test]
fn a_broker_that_is_silent_is_unknown_wherever_brokers_count() {
    for stage in [IN_MIGRATION, MIGRATED, FINALIZED] {
        let gone = |look: &mut Look| look.nodes[BROKER].api_versions = silent();
        assert_eq!(after(stage, gone).0, Verdict::Unknown, "{}", STAGES[stage].id);
    }
    assert_eq!(after(PROVISIONED, |look| look.nodes[BROKER].api_versions = silent()).0, Verdict::Complete);
}
