//! What does the copy of the metadata wait for? Each clause of the migration driver's decision: not met, met, and not seen; and
//! that the first one that is not met, in the driver's order, is the one that is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use kraft_check::evaluate::{evaluate, locate};
use kraft_check::render::{Document, Format, Style, render};
use kraft_check::report::Likelihood;
use kraft_check::snapshot::{
    Answer, Configs, ControllerRegistration, Features, Look, MetadataLog, Node, NodeId, Registration, Replica,
    Snapshot, Topics,
};
use kraft_check::stages::STAGES;
use serde_json::Value;

use crate::answers::{
    NOW, ON_KRAFT, ON_ZOOKEEPER, broker, leader, leadership, lists, log, look, page, registered, said, silent,
    snapshot, standby,
};
use crate::schema;

const LEADER: usize = 0;
const STANDBY: usize = 1;
pub(crate) const BROKER: usize = 2;

/// Two controllers of 3.9, two brokers in migration mode, both registered, topics on both: everything is met, and the last
/// broker registered a quarter of a minute ago.
pub(crate) fn waiting() -> Look {
    let recently = |id| Registration { at: NOW - 15_000, ..registered(id, true) };
    let mut leading = leader(3001, &[(3002, Some(400))]);
    leading.log = log(&[2], [registered(1, true), recently(2)]);
    let observers: Vec<Replica> = [1, 2].map(|id| Replica { id, ..leadership(&mut leading).voters[0] }).into();
    leadership(&mut leading).observers = observers;
    let mut brokers = [broker(1, ON_ZOOKEEPER, true), broker(2, ON_ZOOKEEPER, true)];
    for (id, node) in [1, 2].into_iter().zip(&mut brokers) {
        node.metadata = lists(&[(1, 1), (2, 2)]);
        node.configs = configured(id, "3.9-IV0");
    }
    brokers[0].topics = assigned(&[(1, "orders"), (2, "orders")]);
    let [one, two] = brokers;
    let mut look = look([leading, standby(3002), one, two], []);
    let registers = |id| ControllerRegistration { id, zk_migration_ready: true, at: 0, listeners: Vec::new() };
    log_of(&mut look).controllers = [3001, 3002].map(registers).into();
    look
}

pub(crate) fn configured(id: NodeId, version: &str) -> Answer<Configs> {
    let voters = "3001@node.example:3001,3002@node.example:3002";
    let properties = [("controller.quorum.voters", voters), ("inter.broker.protocol.version", version)];
    let properties = properties.map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
    said(Ok(Configs { id, properties: properties.into() }))
}

fn assigned(of: &[(NodeId, &str)]) -> Answer<Topics> {
    let mut assigned: BTreeMap<NodeId, Vec<Arc<str>>> = BTreeMap::new();
    for (id, topic) in of {
        assigned.entry(*id).or_default().push(Arc::from(*topic));
    }
    said(Ok(Topics { topics: 1, partitions: 1, assigned, ..Topics::default() }))
}

pub(crate) fn log_of(look: &mut Look) -> &mut MetadataLog {
    look.nodes[LEADER].log.said.as_mut().expect("a log")
}

/// The log says nothing; a page says PRE_MIGRATION, and how many are registered.
fn without_log(look: &mut Look, count: &str) {
    look.nodes[LEADER].log = silent();
    let mut page = page(3001, 2.0);
    let name = "kafka_controller_kafkacontroller_migratingzkbrokercount".to_owned();
    let samples = &mut page.page.said.as_mut().expect("a page").samples;
    samples.push(kraft_check::snapshot::Sample { name, labels: Vec::new(), value: count.to_owned() });
    look.pages = vec![page];
}

pub(crate) fn judged(change: impl FnOnce(&mut Look)) -> Snapshot {
    let mut look = waiting();
    change(&mut look);
    snapshot(&[], &[3001, 3002], [look])
}

/// What `status` says of it, as data.
fn status(change: impl FnOnce(&mut Look)) -> Value {
    let whereabouts = locate(&judged(change));
    let text = render(&Document::Whereabouts(&whereabouts), Format::Json, Style::default(), &[]);
    let document: Value = serde_json::from_str(&text).expect("one document");
    schema::holds(&document);
    document["waiting_for"].clone()
}

/// The clause that is waited for, of whom, and what shows it.
pub(crate) fn waits(change: impl FnOnce(&mut Look)) -> (String, Vec<String>, String) {
    let told = status(change);
    let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let subjects = told["subjects"].as_array().into_iter().flatten().map(words).collect();
    (words(&told["id"]), subjects, words(&told["message"]))
}

fn clause(change: impl FnOnce(&mut Look)) -> String {
    waits(change).0
}

/// How likely each clause is, by its id, of those that the finding lists.
fn likelihoods(change: impl FnOnce(&mut Look)) -> BTreeMap<&'static str, Likelihood> {
    let report = evaluate(&STAGES[1], &judged(change));
    let copied = report.findings.into_iter().find(|finding| finding.id == "metadata-copied").expect("a finding");
    copied.causes.into_iter().filter_map(|cause| Some((cause.clause?.id, cause.likelihood))).collect()
}

fn flag(node: &mut Node, flag: bool) {
    node.api_versions.said.as_mut().expect("it answers").zk_migration_ready = Some(flag);
}

/// A release of 3.x, by its versions of Fetch and the highest level of `metadata.version`.
pub(crate) fn of_release(look: &mut Look, minor: i16) {
    let (fetch, level) = match minor {
        4 => (13, 8),
        5 => (15, 11),
        6 => (15, 14),
        7 => (16, 19),
        8 => (16, 20),
        _ => (17, 21),
    };
    for node in &mut look.nodes {
        let is_controller = node.metadata.said.is_err();
        let said = node.api_versions.said.as_mut().expect("it answers");
        let newest = |key| if key == 1 { fetch } else { 9 };
        let mut apis: Vec<_> = said.apis.iter().map(|(key, least, _)| (*key, *least, newest(*key))).collect();
        if minor == 6 && is_controller {
            apis.push((38, 3, 3));
        }
        said.apis = apis.into();
        if is_controller {
            said.features.supported = Some((1, level));
        }
    }
    log_of(look).features = vec![("metadata.version".to_owned(), level)];
}

#[test]
fn a_quorum_that_began_without_the_flag_is_said_first() {
    let (id, _, by) = waits(|look| log_of(look).states.clear());
    assert_eq!(id, "quorum-began-with-flag");
    assert!(by.contains("NONE"), "{by}");
}

#[test]
fn a_controller_that_is_not_ready_is_named() {
    let flagless = |look: &mut Look| flag(&mut look.nodes[STANDBY], false);
    let expected = ("controllers-ready".to_owned(), vec!["controller/3002".to_owned()]);
    let told = |change: &dyn Fn(&mut Look)| {
        let (id, subjects, by) = waits(change);
        ((id, subjects), by)
    };
    let (who, by) = told(&flagless);
    assert_eq!(who, expected);
    assert!(by.ends_with("controller 3002 is without the migration flag"), "{by}");
    let (who, by) = told(&|look: &mut Look| log_of(look).controllers[1].zk_migration_ready = false);
    assert_eq!(who, expected);
    assert!(by.ends_with("is registered without the migration flag"), "{by}");
    let (who, by) = told(&|look: &mut Look| log_of(look).controllers.truncate(1));
    assert_eq!(who, expected);
    assert!(by.ends_with("is not registered"), "{by}");
    let (id, subjects, by) = waits(|look| flag(&mut look.nodes[LEADER], false));
    assert_eq!((id.as_str(), subjects), ("controllers-ready", vec!["controller/3001".to_owned()]));
    assert!(by.ends_with("no driver runs"), "{by}");
}

#[test]
fn which_controllers_are_looked_at_follows_from_the_release_and_the_quorum() {
    let flagless = |minor: i16| {
        move |look: &mut Look| {
            of_release(look, minor);
            flag(&mut look.nodes[STANDBY], false);
        }
    };
    for minor in [5, 6, 7, 8, 9] {
        assert_eq!(clause(flagless(minor)), "controllers-ready", "3.{minor}");
    }
    // A dynamic quorum, and a metadata.version that registers no controllers: nobody is looked at (seen on 3.9.1).
    let dynamic = |look: &mut Look| {
        flagless(9)(look);
        look.nodes[BROKER..].iter_mut().for_each(|node| {
            let properties = &mut node.configs.said.as_mut().expect("they tell").properties;
            properties[0].1 = Some(String::new());
            properties.push(("controller.quorum.bootstrap.servers".to_owned(), Some("node.example:3001".to_owned())));
        });
    };
    assert_eq!(clause(dynamic), "driver-polls");
    let old_level = |look: &mut Look| {
        flagless(8)(look);
        log_of(look).features[0].1 = 14;
        look.nodes[BROKER..].iter_mut().for_each(|node| node.configs = configured(1, "3.6"));
    };
    assert_eq!(clause(old_level), "driver-polls");
    // Before 3.7 the leader knows only those that fetch.
    let away = |minor: i16| {
        move |look: &mut Look| {
            of_release(look, minor);
            let voters = &mut leadership(&mut look.nodes[LEADER]).voters;
            voters[1].last_fetch = Some(0);
            voters.push(Replica { id: 3003, ..voters[0] });
        }
    };
    assert_eq!(waits(away(5)).1, ["controller/3002"]);
    assert_eq!(
        likelihoods(|look| {
            without_log(look, "2.0");
            look.nodes[STANDBY].api_versions = silent();
        })["controllers-ready"],
        Likelihood::Possible
    );
}

#[test]
fn a_metadata_version_that_is_too_low_is_said() {
    let level = |minor: i16, level: i16| {
        move |look: &mut Look| {
            of_release(look, minor);
            log_of(look).features[0].1 = level;
        }
    };
    let (id, _, by) = waits(level(9, 12));
    assert_eq!(id, "metadata-version-high-enough");
    assert!(by.ends_with("it is 3.6-IV0 (12), and 3.6-IV1 (13) is needed"), "{by}");
    assert_eq!(clause(level(7, 7)), "metadata-version-high-enough");
    assert_ne!(clause(level(7, 12)), "metadata-version-high-enough");
    let of_3_8 = likelihoods(|look| {
        level(8, 12)(look);
        without_log(look, "2.0");
        look.nodes[LEADER].api_versions.said.as_mut().expect("it answers").features =
            Features { supported: Some((1, 20)), finalized: Some(12), epoch: Some(4) };
        look.nodes[BROKER..].iter_mut().for_each(|node| node.configs = configured(1, "3.6-IV0"));
    });
    assert_eq!(of_3_8["metadata-version-high-enough"], Likelihood::Possible, "3.8.0 takes it, 3.8.1 does not");
}

#[test]
fn brokers_that_did_not_begin_are_named() {
    let one_behind = |look: &mut Look| {
        flag(&mut look.nodes[BROKER + 1], false);
        log_of(look).brokers.truncate(1);
    };
    let (id, subjects, _) = waits(one_behind);
    assert_eq!((id.as_str(), subjects), ("brokers-flagged", vec!["broker/2".to_owned()]));
    let none_begun = |look: &mut Look| {
        look.nodes[BROKER..].iter_mut().for_each(|node| flag(node, false));
        log_of(look).brokers.clear();
    };
    assert_eq!(clause(none_begun), "a-broker-registered");
    let nobody_left = |look: &mut Look| {
        for id in [1, 2] {
            look.nodes[BROKER - 1 + usize::try_from(id).expect("small")] =
                Node { metadata: lists(&[(1, 1), (2, 2)]), ..broker(id, ON_KRAFT, false) };
        }
    };
    assert_eq!(clause(nobody_left), "a-broker-on-zookeeper");
}

#[test]
fn a_broker_that_is_not_registered_is_cut_off_or_refused() {
    let lost = |look: &mut Look| log_of(look).brokers.truncate(1);
    let cut_off = |look: &mut Look| {
        lost(look);
        leadership(&mut look.nodes[LEADER]).observers.truncate(1);
    };
    let (id, subjects, by) = waits(cut_off);
    assert_eq!((id.as_str(), subjects), ("brokers-reach-controllers", vec!["broker/2".to_owned()]));
    assert!(by.ends_with("broker 2 not among the observers"), "{by}");
    let other_version = |look: &mut Look| {
        lost(look);
        look.nodes[BROKER + 1].configs = configured(2, "3.8");
    };
    let (id, subjects, by) = waits(other_version);
    assert_eq!((id.as_str(), subjects), ("brokers-protocol-version", vec!["broker/2".to_owned()]));
    assert!(by.ends_with("broker 2's is 3.8 (level 20), the finalized metadata.version 3.9-IV0 (21)"), "{by}");
    let (id, subjects, by) = waits(lost);
    assert_eq!((id.as_str(), subjects), ("brokers-registered", vec!["broker/2".to_owned()]));
    assert!(by.ends_with("not registered"), "{by}");
    let (id, _, by) = waits(|look| log_of(look).brokers[1].migrating = false);
    assert_eq!(id, "brokers-registered");
    assert!(by.contains("registered as a broker on KRaft"), "{by}");
    // One that is registered, fenced or not, is waited for no more: whoever it is, and whatever it says.
    let fenced = |look: &mut Look| {
        log_of(look).brokers[1].fenced = true;
        leadership(&mut look.nodes[LEADER]).observers.clear();
        look.nodes[BROKER + 1].configs = configured(2, "3.8");
    };
    assert_eq!(clause(fenced), "driver-polls");
}

#[test]
fn without_the_log_flags_observers_and_gauges_tell_as_much_as_they_can() {
    let cut_off = |look: &mut Look| {
        without_log(look, "1.0");
        leadership(&mut look.nodes[LEADER]).observers.truncate(1);
    };
    assert_eq!(clause(cut_off), "brokers-reach-controllers");
    let refused = |look: &mut Look| {
        without_log(look, "0.0");
        look.nodes[BROKER..].iter_mut().for_each(|node| node.configs = silent());
    };
    let (id, _, by) = waits(refused);
    assert_eq!(id, "brokers-protocol-version");
    assert!(by.ends_with("0 of 2 registered, by MigratingZkBrokerCount"), "{by}");
    let all_there = likelihoods(|look| without_log(look, "2.0"));
    for (id, likelihood) in &all_there {
        let expected = match *id {
            "metadata-version-high-enough" | "copy-ends" | "driver-polls" | "driver-stands" => Likelihood::Possible,
            _ => Likelihood::Excluded,
        };
        assert_eq!(*likelihood, expected, "{id}");
    }
    assert_eq!(status(|look| without_log(look, "2.0")), Value::Null, "nothing is shown");
}

#[test]
fn a_broker_that_only_the_assignments_know_is_named_with_its_topics() {
    let dead = |look: &mut Look| {
        look.nodes[BROKER].topics = assigned(&[(1, "orders"), (12, "orders"), (12, "audit"), (13, "audit")]);
    };
    let (id, subjects, by) = waits(dead);
    assert_eq!(
        (id.as_str(), subjects),
        ("assigned-brokers-registered", vec!["broker/12".to_owned(), "broker/13".to_owned()])
    );
    assert!(by.contains("broker 12 does not answer, is not registered, and has replicas of audit, orders"), "{by}");
    let registered_once = |look: &mut Look| {
        dead(look);
        for id in [12, 13] {
            let registration = Registration { at: NOW - 20_000, fenced: true, ..registered(id, true) };
            log_of(look).brokers.push(registration);
        }
    };
    assert_eq!(clause(registered_once), "driver-polls", "the driver does not ask whether it lives");
    let unlit = |look: &mut Look| {
        dead(look);
        without_log(look, "2.0");
    };
    assert_eq!(clause(unlit), "assigned-brokers-registered", "without the log as well");
    // No topic may be seen: neither can it be told who owns any.
    let hidden = likelihoods(|look| look.nodes[BROKER].topics = said(Ok(Topics::default())));
    assert_eq!(hidden["assigned-brokers-registered"], Likelihood::Possible);
}

#[test]
fn what_is_met_altogether_waits_for_the_driver_itself() {
    let (id, subjects, by) = waits(|_| ());
    assert_eq!((id.as_str(), subjects), ("driver-polls", Vec::new()));
    assert!(by.ends_with("the metadata log changed 15 s ago"), "{by}");
    let (id, _, by) = waits(|look| log_of(look).transaction = Some(4));
    assert_eq!(id, "copy-ends");
    assert!(by.ends_with("open since offset 4, with 5 records so far"), "{by}");
    let long_ago = |seconds: i64| move |look: &mut Look| log_of(look).brokers[1].at = NOW - seconds * 1000;
    assert_eq!(clause(long_ago(60)), "driver-polls");
    assert_eq!(clause(long_ago(61)), "driver-stands");
    // What is not seen may be what is missing: then nothing is said of the driver.
    let blind = |look: &mut Look| {
        long_ago(61)(look);
        look.nodes[BROKER].topics = silent();
    };
    assert_eq!(status(blind), Value::Null);
}

#[test]
fn the_first_that_is_not_met_is_the_one_that_is_told_and_the_finding_begins_with_it() {
    let both = |look: &mut Look| {
        flag(&mut look.nodes[STANDBY], false);
        flag(&mut look.nodes[BROKER + 1], false);
        log_of(look).brokers.truncate(1);
    };
    assert_eq!(clause(both), "controllers-ready");
    let report = evaluate(&STAGES[1], &judged(both));
    let copied = report.findings.iter().find(|finding| finding.id == "metadata-copied").expect("a finding");
    let ids: Vec<&str> = copied.causes.iter().filter_map(|cause| Some(cause.clause?.id)).collect();
    assert_eq!(ids, ["controllers-ready", "brokers-flagged"]);
    // Once it is copied there is nothing to wait for.
    assert_eq!(
        status(|look| log_of(look).states.push(kraft_check::snapshot::StateRecord {
            offset: Some(8),
            at: NOW,
            state: 1
        })),
        Value::Null
    );
}
