//! A guard is blocked only if two looks met it on the same subject; everything else about it is unknown or nothing.

use kraft_check::evaluate::{evaluate, needs_second_look};
use kraft_check::report::{Standing, Verdict};
use kraft_check::snapshot::{Look, Subject};
use kraft_check::stages::STAGES;

use crate::answers::{ON_KRAFT, ON_ZOOKEEPER, broker, leader, leadership, look, page, silent, snapshot};

/// One flagged and one other broker on ZooKeeper, under a live leader in this state.
fn look_at(second_broker_flag: bool, state: f64) -> Look {
    let brokers = [broker(1, ON_ZOOKEEPER, true), broker(2, ON_ZOOKEEPER, second_broker_flag)];
    let [one, two] = brokers;
    look([leader(3001, &[]), one, two], [page(3001, state)])
}

fn met() -> Look {
    look_at(false, 1.0)
}

fn not_met() -> Look {
    look_at(true, 1.0)
}

fn blind() -> Look {
    let mut look = met();
    for node in &mut look.nodes {
        node.api_versions = silent();
        node.quorum = silent();
    }
    look
}

/// How the guard about lost flags stands with broker 2 after these looks, and the verdict.
fn after(looks: impl Into<Vec<Look>>) -> (Option<Standing>, Verdict) {
    let report = evaluate(&STAGES[1], &snapshot(&[1, 2], &[3001], looks));
    let finding = report
        .findings
        .iter()
        .find(|finding| finding.id == "broker-left-the-migration" && finding.subject == Subject::Broker(2));
    (finding.map(|finding| finding.standing), report.verdict)
}

#[test]
fn both_looks_must_meet_it() {
    assert_eq!(after([met(), met()]), (Some(Standing::Blocked), Verdict::Blocked));
    assert_eq!(after([met(), not_met()]), (Some(Standing::Pass), Verdict::Complete));
    assert_eq!(after([not_met(), met()]), (Some(Standing::Unknown), Verdict::NotYet));
    assert_eq!(after([met(), blind()]), (Some(Standing::Unknown), Verdict::Unknown));
    assert_eq!(after([blind(), blind()]), (Some(Standing::Skipped), Verdict::Unknown));
}

#[test]
fn one_look_is_never_enough() {
    assert_eq!(after([met()]), (Some(Standing::Unknown), Verdict::NotYet));
}

#[test]
fn a_second_look_is_asked_for_exactly_when_a_guard_is_met_once() {
    let needs = |looks: Vec<Look>| needs_second_look(&snapshot(&[1, 2], &[3001], looks));
    assert!(needs(vec![met()]));
    assert!(!needs(vec![not_met()]));
    assert!(!needs(vec![blind()]));
    assert!(!needs(vec![met(), met()]));
}

#[test]
fn each_guard_is_met_by_its_condition_alone() {
    let met_guards = |look: &Look| {
        let report = evaluate(&STAGES[0], &snapshot(&[1, 2], &[3001], [look.clone(), look.clone()]));
        let blocked = report.findings.into_iter().filter(|finding| finding.standing == Standing::Blocked);
        blocked.map(|finding| (finding.id, finding.subject)).collect::<Vec<_>>()
    };
    assert_eq!(met_guards(&met()), [("broker-left-the-migration", Subject::Broker(2))]);
    assert_eq!(met_guards(&look_at(true, 1.0)), []);
    assert_eq!(met_guards(&look_at(false, 2.0)), [], "before the copy a flag is just not on yet");
    let both = |id| [(id, Subject::Broker(1)), (id, Subject::Broker(2))];
    assert_eq!(met_guards(&look_at(true, 3.0)), both("finalized-over-zookeeper"));
    assert_eq!(met_guards(&look_at(false, 3.0)), both("finalized-over-zookeeper"), "its flag matters no more");
    assert_eq!(met_guards(&look_at(true, 0.0)), both("quorum-without-migration"));
    let mut mixed = look_at(true, 0.0);
    mixed.nodes[2] = broker(2, ON_KRAFT, false);
    assert_eq!(met_guards(&mixed), [("quorum-without-migration", Subject::Broker(1))]);
    let mut forgetful = look_at(true, 1.0);
    let Ok(said) = &mut forgetful.nodes[0].api_versions.said else { panic!("it answers") };
    said.zk_migration_ready = Some(false);
    assert_eq!(met_guards(&forgetful), [("voter-without-flag", Subject::Controller(3001))]);
    forgetful.pages = vec![page(3001, 3.0)];
    assert_eq!(met_guards(&forgetful), both("finalized-over-zookeeper"), "it has happened: the warning is over");
}

#[test]
fn two_leaders_in_one_epoch_are_two_quorums() {
    let mut other = leader(3002, &[]);
    let meets = |other: &kraft_check::snapshot::Node| {
        let look = look([leader(3001, &[]), other.clone(), broker(1, ON_KRAFT, false)], [page(3001, 1.0)]);
        let report = evaluate(&STAGES[0], &snapshot(&[1], &[3001, 3002], [look.clone(), look]));
        let blocked = report.findings.into_iter().filter(|finding| finding.standing == Standing::Blocked);
        blocked.map(|finding| finding.id).collect::<Vec<_>>()
    };
    assert_eq!(meets(&other), ["two-leaders"]);
    leadership(&mut other).epoch -= 1;
    assert_eq!(meets(&other), Vec::<&str>::new(), "one that does not know yet that it was succeeded");
}

#[test]
fn a_refused_registration_is_owed_to_the_protocol_version_only_of_brokers_that_fetch() {
    // One broker in migration mode, none registered, PRE_MIGRATION; the broker observes the quorum or does not.
    let likelihoods = |observes: bool| {
        let mut leading = leader(3001, &[]);
        let replica = kraft_check::snapshot::Replica { id: 1, ..leadership(&mut leading).voters[0] };
        leadership(&mut leading).observers = if observes { vec![replica] } else { Vec::new() };
        let mut page = page(3001, 2.0);
        let samples = &mut page.page.said.as_mut().expect("a page").samples;
        let name = "kafka_controller_kafkacontroller_migratingzkbrokercount".to_owned();
        samples.push(kraft_check::snapshot::Sample { name, labels: Vec::new(), value: "0.0".to_owned() });
        let look = look([leading, broker(1, ON_ZOOKEEPER, true)], [page]);
        let report = evaluate(&STAGES[1], &snapshot(&[1], &[3001], [look]));
        let copied = report.findings.into_iter().find(|finding| finding.id == "metadata-copied").expect("a finding");
        copied.causes.into_iter().map(|cause| (cause.words, cause.likelihood.word())).collect::<Vec<_>>()
    };
    let version = "the brokers' inter.broker.protocol.version is not the controllers' metadata.version";
    assert_eq!(likelihoods(true), [(version, "shown")]);
    let away = "a broker in migration mode does not reach the controllers, or may not log in to them";
    assert_eq!(likelihoods(false), [(away, "shown")], "what does not fetch was not refused");
}

#[test]
fn without_any_look_nothing_is_said() {
    for stage in STAGES {
        assert_eq!(evaluate(stage, &snapshot(&[1], &[3001], [])).verdict, Verdict::Unknown, "{}", stage.id);
    }
}
