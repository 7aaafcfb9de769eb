//! Two witnesses of where a migration stands, the metadata log and the controllers' gauges: which of them counts when, what
//! of it where they differ, and whom the right decides to read the log?

use std::sync::Arc;

use kraft_check::evaluate::{evaluate, evaluate_tables};
use kraft_check::exit;
use kraft_check::report::{Report, Standing, Verdict};
use kraft_check::signals::{
    FENCED_BROKERS, KINSHIP, Kinship, MIGRATING_BROKERS, MIGRATION_STATE, NOBODY_LEFT_OUT, POST_SEEN, StateRung,
    UNFINISHED_SEEN, View,
};
use kraft_check::snapshot::{
    Answer, ApiVersions, ControllerRegistration, Depth, Listener, Look, MetadataLog, Missed, Node, NodeId, PageOf,
    Sample, Source, Subject, Why,
};
use kraft_check::stages::{HEALTH, STAGES};

use crate::answers::{
    ON_KRAFT, ON_ZOOKEEPER, broker, leader, leadership, lists, log, look, page, place, registered, said, snapshot,
    standby,
};

const MIGRATED: usize = 2;
const FINALIZED: usize = 3;

/// One controller that leads, its log and its page, and a broker.
fn seen(log: Answer<Box<MetadataLog>>, pages: impl Into<Vec<PageOf>>, broker: Node) -> Look {
    look([Node { log, ..leader(3001, &[]) }, broker], pages)
}

fn denied() -> Answer<Box<MetadataLog>> {
    let words = "Fetch is denied: it needs ClusterAction on the cluster (error 31, CLUSTER_AUTHORIZATION_FAILED)";
    said(Err(Missed::new(Why::Denied, words)))
}

type Read = Result<(StateRung, StateRung), Why>;

fn read(look: Look) -> Read {
    let snapshot = snapshot(&[1], &[3001], [look]);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    let read = MIGRATION_STATE.read(&view, Subject::Quorum);
    read.map(|seen| (seen.value, seen.most())).map_err(|unseen| unseen.missed.why)
}

/// That one state and no other.
const fn exactly(state: StateRung) -> (StateRung, StateRung) {
    (state, state)
}

fn judge(stage: usize, look: Look) -> Report {
    evaluate(&STAGES[stage], &snapshot(&[1], &[3001], [look.clone(), look]))
}

fn code(report: &Report) -> u8 {
    exit::of_report(report).code
}

fn standing(report: &Report, id: &str) -> Standing {
    report.findings.iter().find(|finding| finding.id == id).expect("a finding").standing
}

fn words(report: &Report, id: &str) -> String {
    report.findings.iter().find(|finding| finding.id == id).expect("a finding").message.clone()
}

#[test]
fn the_last_record_of_the_log_is_the_state() {
    let zookeeper = || broker(1, ON_ZOOKEEPER, true);
    let states = [
        (&[2][..], StateRung::PreMigration),
        (&[2, 1], StateRung::Migration),
        (&[2, 1, 3], StateRung::PostMigration),
        (&[], StateRung::None),
        (&[0], StateRung::None),
    ];
    for (written, state) in states {
        assert_eq!(read(seen(log(written, []), [], zookeeper())), Ok(exactly(state)), "{written:?}");
    }
    assert_eq!(read(seen(log(&[0], []), [], broker(1, ON_KRAFT, false))), Ok(exactly(StateRung::BornInKraft)));
    assert_eq!(read(seen(log(&[2, 7], []), [], zookeeper())), Ok(flagged()), "no known state");
    let mut begun = log(&[], []);
    begun.said.as_mut().expect("a log").features.clear();
    assert_eq!(read(seen(begun, [], zookeeper())), Ok(flagged()), "what is only begun says no NONE");
}

/// What follows from a live leader's flag alone.
fn flagged() -> (StateRung, StateRung) {
    (StateRung::PreMigration, StateRung::PostMigration)
}

#[test]
fn the_log_counts_only_as_the_live_leader_served_it_in_its_epoch_and_whole() {
    let of = |change: fn(&mut MetadataLog)| {
        let mut log = log(&[2, 1], []);
        change(log.said.as_mut().expect("a log"));
        read(seen(log, [], broker(1, ON_ZOOKEEPER, true)))
    };
    assert_eq!(of(|_| ()), Ok(exactly(StateRung::Migration)));
    assert_eq!(of(|log| log.high_watermark = 90), Ok(exactly(StateRung::Migration)), "it has grown since");
    assert_eq!(of(|log| log.high_watermark = 8), Ok(flagged()), "a part");
    assert_eq!(of(|log| log.epoch = 4), Ok(flagged()), "another epoch");
    assert_eq!(of(|log| log.leader = 3002), Ok(flagged()), "another leader");
    // A standby's counts for nothing.
    let other = Node { log: log(&[2, 1, 3], []), ..standby(3002) };
    let nodes = [leader(3001, &[(3002, Some(400))]), other, broker(1, ON_ZOOKEEPER, true)];
    assert_eq!(read(look(nodes, [])), Ok(flagged()));
}

#[test]
fn either_witness_suffices_and_a_gauge_may_be_behind_but_never_ahead() {
    let kraft = || broker(1, ON_KRAFT, false);
    let both = |gauge: f64, written: &[i8]| read(seen(log(written, []), [page(3001, gauge)], kraft()));
    assert_eq!(both(1.0, &[2, 1]), Ok(exactly(StateRung::Migration)));
    for (gauge, written, state) in [
        (2.0, &[2, 1][..], StateRung::Migration),
        (2.0, &[2, 1, 3], StateRung::PostMigration),
        (1.0, &[2, 1, 3], StateRung::PostMigration),
        (-1.0, &[2, 1, 3], StateRung::PostMigration),
    ] {
        assert_eq!(both(gauge, written), Ok(exactly(state)), "{gauge} before {written:?}");
    }
    for (gauge, written) in [(1.0, &[2][..]), (3.0, &[2]), (3.0, &[2, 1]), (0.0, &[2, 1]), (1.0, &[])] {
        assert_eq!(both(gauge, written), Err(Why::Ambiguous), "{gauge} before {written:?}");
    }
    let gauge_alone = seen(denied(), [page(3001, 3.0)], kraft());
    assert_eq!(read(gauge_alone), Ok(exactly(StateRung::PostMigration)));
}

#[test]
fn a_contradiction_is_unknown_with_both_said_and_a_lag_is_a_warning() {
    let report = |gauge: f64, written: &[i8]| {
        judge(MIGRATED, seen(log(written, []), [page(3001, gauge)], broker(1, ON_KRAFT, false)))
    };
    let contradicted = report(3.0, &[2, 1]);
    assert_eq!((contradicted.verdict, code(&contradicted)), (Verdict::Unknown, 3));
    let said = words(&contradicted, "metadata-copied");
    assert!(said.contains("log says MIGRATION") && said.contains("gauge said POST_MIGRATION"), "{said}");
    let behind = report(1.0, &[2, 1, 3]);
    assert_eq!(behind.verdict, Verdict::Complete);
    let warned: Vec<(&str, &str)> = behind.warnings.iter().map(|note| (note.id, note.message.as_str())).collect();
    let words = "controller 3001's own gauge says MIGRATION, unlike the metadata log (POST_MIGRATION)";
    assert!(warned.contains(&("controller-state-differs", words)), "{warned:?}");
    assert!(report(1.0, &[2, 1]).warnings.iter().all(|note| note.id != "controller-state-differs"));
}

#[test]
fn the_evidence_is_the_record() {
    let snapshot = snapshot(&[1], &[3001], [seen(log(&[2, 1], []), [], broker(1, ON_KRAFT, false))]);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    let evidence = MIGRATION_STATE.read(&view, Subject::Quorum).expect("the log").evidence.expect("evidence");
    assert_eq!(evidence.source, Source::Api { api: "Fetch", version: 3, field: "ZkMigrationStateRecord" });
    assert_eq!(evidence.endpoint, Some(place(3001)));
}

/// The versions of Fetch, which tell the generation.
fn fetches(said: &mut ApiVersions, (lowest, highest): (i16, i16)) {
    *Arc::make_mut(&mut said.apis).iter_mut().find(|api| api.0 == 1).expect("Fetch") = (1, lowest, highest);
}

#[test]
fn a_record_of_3_4_says_that_the_copy_began_and_no_more() {
    let on_3_4 = |mut look: Look| {
        for node in &mut look.nodes {
            let said = node.api_versions.said.as_mut().expect("it answers");
            fetches(said, (0, 13));
            said.zk_migration_ready = Some(false);
        }
        look
    };
    let begun = on_3_4(seen(log(&[1], []), [], broker(1, ON_KRAFT, false)));
    assert_eq!(read(begun.clone()), Ok(flagged()));
    let report = judge(MIGRATED, begun);
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(words(&report, "metadata-copied").contains("Kafka before 3.5"), "{}", words(&report, "metadata-copied"));
    let nothing = on_3_4(seen(log(&[], []), [], broker(1, ON_ZOOKEEPER, false)));
    assert_eq!(read(nothing), Err(Why::NoAddress), "no record there is no NONE");
}

#[test]
fn the_log_of_kafka_4_is_not_believed() {
    let on_4 = |written: &[i8], broker: Node| {
        let mut look = seen(log(written, [registered(7, true)]), [], broker);
        let said = look.nodes[0].api_versions.said.as_mut().expect("it answers");
        fetches(said, (4, 17));
        said.zk_migration_ready = Some(false);
        look
    };
    for written in [&[2, 1][..], &[2, 1, 3], &[]] {
        assert_eq!(read(on_4(written, broker(1, ON_KRAFT, false))), Ok(exactly(StateRung::Kafka4)), "{written:?}");
        let split = judge(MIGRATED, on_4(written, broker(1, ON_ZOOKEEPER, true)));
        assert_eq!(split.verdict, Verdict::Blocked, "{written:?}");
        assert_eq!(standing(&split, "finalized-over-zookeeper"), Standing::Skipped, "{written:?}");
    }
}

/// What is counted and what is seen by the log, or without it.
fn counted(look: Look) -> (Option<u64>, Option<bool>) {
    let snapshot = snapshot(&[], &[3001], [look]);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    let count = MIGRATING_BROKERS.read(&view, Subject::Quorum).ok().map(|seen| seen.value);
    (count, NOBODY_LEFT_OUT.read(&view, Subject::Quorum).ok().map(|seen| seen.value))
}

fn with_count(id: NodeId, count: &str) -> PageOf {
    let mut page = page(id, 1.0);
    let name = "kafka_controller_kafkacontroller_migratingzkbrokercount".to_owned();
    let samples = &mut page.page.said.as_mut().expect("a page").samples;
    samples.push(Sample { name, labels: Vec::new(), value: count.to_owned() });
    page
}

#[test]
fn registrations_are_counted_in_the_log_and_only_without_it_by_the_gauge() {
    let kraft = || broker(1, ON_KRAFT, false);
    let one = || log(&[2, 1], [registered(1, false), registered(7, true)]);
    assert_eq!(counted(seen(one(), [], kraft())), (Some(1), Some(false)));
    assert_eq!(counted(seen(log(&[2, 1], [registered(1, false)]), [], kraft())), (Some(0), Some(true)));
    assert_eq!(counted(seen(one(), [with_count(3001, "0.0")], kraft())), (Some(1), Some(false)), "the log holds");
    assert_eq!(counted(seen(denied(), [with_count(3001, "0.0")], kraft())), (Some(0), Some(true)));
    assert_eq!(counted(seen(denied(), [], kraft())), (None, None));
    let report = judge(MIGRATED, seen(one(), [with_count(3001, "0.0")], kraft()));
    assert_eq!(report.verdict, Verdict::NotYet);
    assert!(words(&report, "no-registration-left").contains("broker 7"), "it is named");
    let differs = "controller 3001's MigratingZkBrokerCount is 0, unlike the metadata log (1)";
    assert!(report.warnings.iter().any(|note| note.message == differs), "{:?}", report.warnings);
}

#[test]
fn a_fenced_registration_that_nobody_lists_shows_where_it_matters() {
    let dead = |migrating| kraft_check::snapshot::Registration { fenced: true, ..registered(7, migrating) };
    let look_at = |dead| seen(log(&[2, 1], [registered(1, false), dead]), [], broker(1, ON_KRAFT, false));
    let stage = |migrating| evaluate(&STAGES[MIGRATED], &snapshot(&[], &[3001], [look_at(dead(migrating))]));
    assert_eq!(stage(true).verdict, Verdict::NotYet, "it is on ZooKeeper by its last word");
    assert_eq!(stage(false).verdict, Verdict::Complete, "it is no ZooKeeper broker any more");
    let looks = [look_at(dead(false)), look_at(dead(false))];
    let health = evaluate_tables(
        &[&HEALTH],
        None,
        &kraft_check::snapshot::Snapshot { depth: Depth::Content, ..snapshot(&[], &[3001], looks) },
    );
    assert_eq!(standing(&health, "no-fenced-broker"), Standing::NotYet);
    let view_of = snapshot(&[], &[3001], [look_at(dead(false))]);
    let fenced = FENCED_BROKERS.read(&View::new(&view_of, &view_of.looks[0]), Subject::Cluster).expect("the log");
    assert_eq!((fenced.value, fenced.named), (1, vec!["broker 7".to_owned()]));
}

#[test]
fn the_guards_see_what_the_log_says() {
    let post = judge(MIGRATED, seen(log(&[2, 1, 3], []), [], broker(1, ON_ZOOKEEPER, true)));
    assert_eq!((post.verdict, post.reversible), (Verdict::Blocked, Some(false)));
    assert_eq!(standing(&post, "finalized-over-zookeeper"), Standing::Blocked);
    let seen_in = |written: &[i8]| {
        let snapshot = snapshot(&[1], &[3001], [seen(log(written, []), [], broker(1, ON_KRAFT, false))]);
        let view = View::new(&snapshot, &snapshot.looks[0]);
        [POST_SEEN, UNFINISHED_SEEN].map(|signal| signal.read(&view, Subject::Quorum).expect("the log").value)
    };
    assert_eq!([seen_in(&[2]), seen_in(&[2, 1]), seen_in(&[2, 1, 3])], [[false, true], [false, true], [true, false]]);
    // A controller on Kafka 4 beside a 3.x leader that has not finalized.
    let mut four = standby(3002);
    fetches(four.api_versions.said.as_mut().expect("it answers"), (4, 17));
    let nodes =
        [Node { log: log(&[2, 1], []), ..leader(3001, &[(3002, Some(400))]) }, four, broker(1, ON_KRAFT, false)];
    assert_eq!(standing(&judge(MIGRATED, look(nodes, [])), "kafka-4-before-the-end"), Standing::Blocked);
}

/// The same of a controller that was restarted without the flag, as before the end.
fn without_flag(mut look: Look) -> Look {
    look.nodes[0].api_versions.said.as_mut().expect("it answers").zk_migration_ready = Some(false);
    look
}

#[test]
fn a_right_that_is_missing_decides_only_where_nothing_else_tells() {
    let judged = |pages: Vec<PageOf>, broker: Node| judge(FINALIZED, without_flag(seen(denied(), pages, broker)));
    let kraft = || broker(1, ON_KRAFT, false);
    // No page was given: the right decides, once the copy is done.
    let report = judged(Vec::new(), kraft());
    assert_eq!((report.verdict, code(&report)), (Verdict::Unknown, 77));
    let said = words(&report, "migration-finalized");
    assert!(said.contains("ClusterAction") && said.contains("give --metrics"), "{said}");
    assert!(report.errors.iter().any(|note| note.id == "not-authorized"), "{:?}", report.errors);
    // Before it the controllers have no ACLs: only super.users may ask.
    let before = judge(1, seen(denied(), [], broker(1, ON_ZOOKEEPER, true)));
    assert_eq!((before.verdict, code(&before)), (Verdict::Unknown, 3));
    assert!(words(&before, "metadata-copied").contains("only super.users"), "{}", words(&before, "metadata-copied"));
    // A page that tells makes it no matter, and one that fails is what failed.
    let told = judge(MIGRATED, seen(denied(), [page(3001, 1.0)], kraft()));
    let denials = told.errors.iter().filter(|note| note.id == "not-authorized").count();
    assert_eq!((told.verdict, denials), (Verdict::Complete, 0), "{:?}", told.errors);
    let mut silent = page(3001, 1.0);
    silent.page = crate::answers::silent();
    let silent = judged(vec![silent], kraft());
    assert_eq!(code(&silent), 3, "a page that may answer the next time");
    assert!(words(&silent, "migration-finalized").contains("ClusterAction"));
}

#[test]
fn a_log_that_was_not_read_for_another_reason_is_said_with_the_page_that_was_not_given() {
    let large = said(Err(Missed::new(Why::TooLarge, "it is larger than 256 MiB")));
    let report = judge(FINALIZED, without_flag(seen(large, [], broker(1, ON_KRAFT, false))));
    assert_eq!(code(&report), 3);
    let said = words(&report, "migration-finalized");
    assert!(said.contains("larger than 256 MiB") && said.contains("give --metrics"), "{said}");
    assert!(report.errors.iter().any(|note| note.id == "answer-too-large"), "{:?}", report.errors);
}

#[test]
fn a_broker_that_is_registered_where_it_answers_is_of_the_quorum() {
    let kin = |log: Answer<Box<MetadataLog>>| {
        let snapshot = snapshot(&[1], &[3001], [seen(log, [], broker(1, ON_ZOOKEEPER, true))]);
        let read = KINSHIP.read(&View::new(&snapshot, &snapshot.looks[0]), Subject::Quorum);
        read.map(|seen| seen.value).map_err(|unseen| unseen.missed.why)
    };
    assert_eq!(kin(log(&[2], [registered(1, true)])), Ok(Kinship::Same));
    assert_eq!(kin(log(&[2], [])), Err(Why::NotAsked));
    let fenced = kraft_check::snapshot::Registration { fenced: true, ..registered(1, true) };
    assert_eq!(kin(log(&[2], [fenced])), Err(Why::NotAsked), "one that left long ago");
    let elsewhere = kraft_check::snapshot::Registration { id: 1, ..registered(9, true) };
    assert_eq!(kin(log(&[2], [elsewhere])), Err(Why::NotAsked), "another broker of this id");
}

#[test]
fn a_registration_names_a_node_of_which_nobody_else_tells() {
    let listener = |port| Listener { name: "X".to_owned(), endpoint: place(port), security_protocol: 0 };
    let controller =
        |id, port| ControllerRegistration { id, zk_migration_ready: true, at: 0, listeners: vec![listener(port)] };
    let subjects = |controllers: Vec<ControllerRegistration>, node: Node| {
        let mut log = log(&[2], [registered(4, true)]);
        log.said.as_mut().expect("a log").controllers = controllers;
        let snapshot = snapshot(&[], &[], [look([Node { log, ..leader(3001, &[]) }, node], [])]);
        let view = View::new(&snapshot, &snapshot.looks[0]);
        view.nodes()
            .filter_map(|(subject, _)| subject)
            .filter(|it| *it != Subject::Controller(3001))
            .collect::<Vec<_>>()
    };
    let plain = |node: Node| Node { given: None, ..node };
    assert_eq!(subjects(vec![controller(3002, 3002)], plain(standby(3002))), [Subject::Controller(3002)]);
    assert_eq!(subjects(vec![controller(3009, 3002)], standby(3002)), [Subject::Controller(3002)], "as given by hand");
    let two = vec![controller(3002, 3002), controller(3009, 3002)];
    assert_eq!(subjects(two, plain(standby(3002))), [], "two that are left at one address");
    let unlisted = |listed: &[(NodeId, u16)]| Node { metadata: lists(listed), ..plain(broker(4, ON_KRAFT, false)) };
    assert_eq!(subjects(Vec::new(), unlisted(&[])), [Subject::Broker(4)]);
    assert_eq!(subjects(Vec::new(), unlisted(&[(5, 4)])), [Subject::Broker(5)], "Metadata tells otherwise");
}

#[test]
fn what_a_controllers_own_configuration_says_names_the_others_and_ties_no_broker() {
    let voters = Some("3001@node.example:3001,3002@node.example:3002".to_owned());
    let properties = vec![("controller.quorum.voters".to_owned(), voters)];
    let mut leading = leader(3001, &[(3002, Some(400))]);
    leading.configs = said(Ok(kraft_check::snapshot::Configs { id: 3001, properties }));
    leadership(&mut leading).nodes.clear();
    let nodes = [leading, Node { given: None, ..standby(3002) }, broker(1, ON_ZOOKEEPER, true)];
    let snapshot = snapshot(&[1], &[], [look(nodes, [])]);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    assert!(view.known_controllers().contains(&3002) && view.nameless().is_empty());
    assert!(KINSHIP.read(&view, Subject::Quorum).is_err());
}
