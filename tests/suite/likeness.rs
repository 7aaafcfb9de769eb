//! Is a simulated node like a recorded one? For every release and phase that was recorded, the simulated cluster is
//! brought to the same phase by the same acts, and a look at it has the same form: API lists, flags, features, who lists
//! whom, the quorum's shape, and the pages' gauges. What differs by nature (times, offsets, ports) is no form.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka_protocol::protocol::StrBytes;
use kraft_check::observe::kept::Kept;
use kraft_check::rehearse::{Cluster, Mode, Shared, Version, answer};
use kraft_check::snapshot::{
    Answer, ApiVersions, AskedAs, Configs, Endpoint, Look, Metadata, Missed, Node, NodeId, Owner, Quorum, Sample,
    Snapshot,
};
use kraft_check::wire::{self, Asked};

use crate::recordings::{recorded_frames, snapshots};
use crate::simulated::{Fate, Simulated, cluster, look_at, plan};

/// Long enough for everything to settle, in milliseconds.
const SETTLE_MS: u64 = 5_000;

/// The phases of a series, and what is done to get to each from the one before.
type Walk = &'static [(&'static str, fn(&mut Cluster))];

fn start_controllers(cluster: &mut Cluster) {
    cluster.start_controllers();
    settle(cluster);
}

fn restart_brokers(cluster: &mut Cluster, mode: Mode) {
    cluster.restart_brokers(mode);
    settle(cluster);
}

fn finalize(cluster: &mut Cluster) {
    let with_flag = cluster.quorum.controllers.iter().filter(|(_, controller)| controller.flag);
    let ids: Vec<NodeId> = with_flag.map(|(id, _)| *id).collect();
    for id in ids {
        cluster.restart_controller(id, false);
        settle(cluster);
    }
}

fn settle(cluster: &mut Cluster) {
    cluster.advance(SETTLE_MS);
}

fn restart_broker(cluster: &mut Cluster, id: NodeId, mode: Mode) {
    cluster.restart_broker(id, mode);
    settle(cluster);
}

fn restart_controller(cluster: &mut Cluster, id: NodeId, flag: bool) {
    cluster.restart_controller(id, flag);
    settle(cluster);
}

/// As `tests/real_kafka/versions.rs` walks.
const BY_THE_BOOK: Walk = &[
    ("01-pure-zookeeper", settle),
    ("02-controllers-up", start_controllers),
    ("03-one-broker-flagged", |cluster| restart_broker(cluster, 1, Mode::Migration)),
    ("04-all-in-migration-mode", |cluster| restart_broker(cluster, 2, Mode::Migration)),
    ("05-one-broker-on-kraft", |cluster| restart_broker(cluster, 1, Mode::Kraft)),
    ("06-all-brokers-on-kraft", |cluster| restart_broker(cluster, 2, Mode::Kraft)),
    ("07-one-controller-without-the-flag", |cluster| {
        let leader = cluster.quorum.active_id().expect("a leader");
        restart_controller(cluster, leader, false);
    }),
    ("08-finalized", finalize),
];

/// As `tests/real_kafka/forward.rs` walks.
const THE_WHOLE_WAY: Walk = &[
    ("01-pure-zookeeper", settle),
    ("02-controllers-up", start_controllers),
    ("03-one-broker-flagged", |cluster| restart_broker(cluster, 1, Mode::Migration)),
    ("04-one-broker-held-back", |cluster| restart_broker(cluster, 2, Mode::Migration)),
    ("05-all-in-migration-mode", |cluster| restart_broker(cluster, 3, Mode::Migration)),
    ("07-a-voter-stopped-for-12-s", |cluster| {
        let leader = cluster.quorum.active_id();
        let standby = cluster.quorum.controllers.keys().copied().find(|id| Some(*id) != leader);
        cluster.stop(standby.expect("three controllers"));
        cluster.advance(12_000);
    }),
    // The others still list it.
    ("08-a-broker-stopped", |cluster| {
        let stopped = cluster.quorum.controllers.iter().find(|(_, it)| !it.up).map(|(id, _)| *id);
        restart_controller(cluster, stopped.expect("the standby"), true);
        cluster.stop(2);
        cluster.advance(1_000);
    }),
    ("09-one-broker-on-kraft", |cluster| {
        restart_broker(cluster, 2, Mode::Migration);
        restart_broker(cluster, 1, Mode::Kraft);
    }),
    ("10-all-brokers-on-kraft", |cluster| restart_brokers(cluster, Mode::Kraft)),
    ("11-a-kraft-broker-stopped", |cluster| {
        cluster.stop(3);
        settle(cluster);
    }),
    ("12-one-controller-without-the-flag", |cluster| {
        restart_broker(cluster, 3, Mode::Kraft);
        restart_controller(cluster, 3001, false);
    }),
    ("13-finalized", finalize),
];

/// As `tests/real_kafka/forward.rs` walks with one node of each kind.
const SMALLEST: Walk = &[
    ("01-pure-zookeeper", settle),
    ("02-controller-up", start_controllers),
    ("03-broker-in-migration-mode", |cluster| restart_broker(cluster, 1, Mode::Migration)),
    ("04-broker-on-kraft", |cluster| restart_broker(cluster, 1, Mode::Kraft)),
    ("05-finalized", finalize),
];

/// As `tests/real_kafka/back.rs` walks. That nobody is the controller until `/controller` is deleted is not simulated.
const BACK: Walk = &[
    ("01-all-brokers-on-kraft", |cluster| {
        start_controllers(cluster);
        restart_brokers(cluster, Mode::Migration);
        restart_brokers(cluster, Mode::Kraft);
    }),
    ("02-one-broker-back", |cluster| restart_broker(cluster, 1, Mode::Migration)),
    ("03-all-brokers-back", |cluster| restart_broker(cluster, 2, Mode::Migration)),
    ("05-a-broker-is-the-controller", |cluster| {
        cluster.remove_controllers(false);
        settle(cluster);
    }),
    ("06-one-broker-without-the-flag", |cluster| restart_broker(cluster, 1, Mode::Zookeeper)),
    ("07-back-on-zookeeper", |cluster| restart_broker(cluster, 2, Mode::Zookeeper)),
    ("08-second-attempt-controllers", start_controllers),
    ("09-second-attempt-copied", |cluster| restart_brokers(cluster, Mode::Migration)),
    ("10-second-attempt-finalized", |cluster| {
        restart_brokers(cluster, Mode::Kraft);
        cluster.restart_controller(3001, false);
        // It was elected just now, and no broker has found it yet.
        cluster.advance(2_000);
    }),
];

/// Every series that is walked here: the release, the folder, how many brokers and controllers, and the way.
const SERIES: [(Version, &str, NodeId, NodeId, Walk); 7] = [
    (Version::V3_5, "3.5.2/forward", 2, 3, BY_THE_BOOK),
    (Version::V3_6, "3.6.2/forward", 2, 3, BY_THE_BOOK),
    (Version::V3_7, "3.7.2/forward", 2, 3, BY_THE_BOOK),
    (Version::V3_8, "3.8.1/forward", 2, 3, BY_THE_BOOK),
    (Version::V3_9, "3.9.2/forward", 3, 3, THE_WHOLE_WAY),
    (Version::V3_9, "3.9.2/smallest", 1, 1, SMALLEST),
    (Version::V3_9, "3.9.2/back", 2, 1, BACK),
];

#[tokio::test(start_paused = true)]
async fn a_simulated_look_has_the_form_of_the_recorded_one() {
    let mut wrong = Vec::new();
    for (version, series, brokers, controllers, walk) in SERIES {
        let simulated = Shared::new(led_as_recorded(series, version, brokers, controllers));
        let network = Arc::new(Kept::nothing(Simulated::new(simulated.clone(), Box::new(|| Fate::Calm))));
        let plan = plan(&(1..=brokers).collect(), &(3001..=3000 + controllers).collect(), true);
        for (phase, act) in walk {
            simulated.with(act);
            let name = format!("{series}/{phase}");
            let (_, recorded) = snapshots().iter().find(|(other, _)| *other == name).expect("a recorded phase");
            let recorded = recorded.looks.last().expect("a look");
            // Before format 4 of recordings brokers on ZooKeeper were not asked for their configurations.
            let is_old = recorded.nodes.iter().all(|node| node.log.was_not_asked());
            let recorded = form(recorded);
            let found = form(&look_at(&network, &plan).await);
            let all: BTreeSet<&String> = recorded.keys().chain(found.keys()).collect();
            for what in all {
                let (recorded, found) = (recorded.get(what), found.get(what));
                if recorded != found && !(is_old && what.ends_with("DescribeConfigs")) {
                    wrong.push(format!("{name}: {what}\n  recorded  {recorded:?}\n  simulated {found:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

/// What a look does not keep of `ApiVersions`: the features, in every version that a node answers.
#[test]
fn a_simulated_node_has_the_features_of_the_recorded_one() {
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for (version, series, brokers, controllers, walk) in SERIES {
        let mut cluster = led_as_recorded(series, version, brokers, controllers);
        for (phase, act) in walk {
            act(&mut cluster);
            for (id, frames) in recorded_frames(&format!("{series}/{phase}")).into_values() {
                for ((api, version), frame) in frames.into_iter().filter(|((api, _), _)| api == "ApiVersions") {
                    let recorded =
                        features(&wire::decode::<ApiVersionsRequest>(&frame, version, 1).expect("its bytes"));
                    let simulated = features(&simulated_api_versions(&mut cluster, id, version));
                    compared += 1;
                    if recorded != simulated {
                        wrong.push(format!("{series}/{phase} {id} {api} v{version}:\n  {recorded}\n  {simulated}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 300, "only {compared} frames were compared");
}

fn simulated_api_versions(cluster: &mut Cluster, id: NodeId, version: i16) -> ApiVersionsResponse {
    let mut request = ApiVersionsRequest::default();
    if version >= 3 {
        request = request.with_client_software_name(StrBytes::from_static_str("test"));
        request = request.with_client_software_version(StrBytes::from_static_str("1"));
    }
    let frame = wire::encode(&request, version, 1, wire::CLIENT_ID).expect("a request");
    let asked = Asked::read(frame.slice(4..)).expect("a whole request");
    let frame: Bytes = answer(cluster, id, &asked).expect("an answer").slice(4..);
    wire::decode::<ApiVersionsRequest>(&frame, version, 1).expect("an answer of this version")
}

/// The features and the flag; of the epoch only whether there is one, for it is an offset.
fn features(said: &ApiVersionsResponse) -> String {
    let supported = said.supported_features.iter().map(|it| (it.name.as_str(), it.min_version, it.max_version));
    let finalized = said.finalized_features.iter().map(|it| (it.name.as_str(), it.max_version_level));
    let (supported, finalized) = (supported.collect::<BTreeSet<_>>(), finalized.collect::<BTreeSet<_>>());
    let epoch = said.finalized_features_epoch.signum();
    format!("supported {supported:?}, finalized {finalized:?}, epoch {epoch}, flag {}", said.zk_migration_ready)
}

/// A simulated cluster whose first leader is the one of this recorded series.
fn led_as_recorded(series: &str, version: Version, brokers: NodeId, controllers: NodeId) -> Cluster {
    let mut phases = snapshots().iter().filter(|(name, _)| name.starts_with(series));
    let led = |(_, snapshot): &(String, Snapshot)| {
        snapshot.looks.iter().flat_map(|look| &look.nodes).find(|node| leads(node)).and_then(|node| node.given)
    };
    let recorded = phases.find_map(led).expect("a recorded leader");
    let leader = |seed| {
        let mut tried = cluster(version, brokers, controllers, seed);
        start_controllers(&mut tried);
        tried.quorum.active_id()
    };
    let seed = (0..100).find(|seed| leader(*seed) == Some(recorded)).expect("one of three is elected now and then");
    cluster(version, brokers, controllers, seed)
}

fn leads(node: &Node) -> bool {
    node.asked_as == AskedAs::Controller && matches!(node.quorum.said, Ok(Quorum::Leader(_)))
}

/// What does not differ by nature, each thing under a name.
fn form(look: &Look) -> BTreeMap<String, String> {
    let mut form = BTreeMap::new();
    let places = places(look);
    for node in &look.nodes {
        let id = places.get(&node.endpoint).map_or("?".to_owned(), ToString::to_string);
        // Who leads is chance.
        let who = if leads(node) { "the leader".to_owned() } else { id };
        let mut put = |what: &str, text: String| form.insert(format!("{who}: {what}"), text);
        put("ApiVersions", said(&node.api_versions, api_versions));
        put("Metadata", said(&node.metadata, metadata));
        put("DescribeQuorum", said(&node.quorum, quorum));
        put("DescribeConfigs", said(&node.configs, configs));
        put("DescribeCluster", said(&node.cluster, |cluster| format!("{} controllers", cluster.controllers.len())));
    }
    for page in &look.pages {
        let Owner::Id(id) = &page.owner else { panic!("pages are given by id") };
        let leads = look.nodes.iter().any(|node| node.given == Some(*id) && leads(node));
        form.insert(format!("{id}: page"), said(&page.page, |page| samples(&page.samples, leads)));
    }
    // A leader that is not the recorded one makes its id a standby's, and the other way round.
    form.into_iter().filter(|(what, _)| !what.starts_with("300") || what.ends_with("page")).collect()
}

fn places(look: &Look) -> BTreeMap<Endpoint, NodeId> {
    let listed = look.broker_lists().flat_map(|list| &**list);
    let given = look.nodes.iter().filter_map(|node| Some((node.given?, node.endpoint.clone())));
    listed.cloned().chain(given).map(|(id, place)| (place, id)).collect()
}

fn said<T>(answer: &Answer<T>, form: impl Fn(&T) -> String) -> String {
    match &answer.said {
        Ok(said) => format!("v{} {}", answer.version, form(said)),
        Err(Missed { why, .. }) => format!("{why:?}"),
    }
}

fn api_versions(said: &ApiVersions) -> String {
    let mut apis = said.apis.to_vec();
    apis.sort_unstable();
    format!("flag {:?}, {apis:?}", said.zk_migration_ready)
}

fn metadata(said: &Metadata) -> String {
    let brokers: BTreeSet<NodeId> = said.brokers.iter().map(|(id, _)| *id).collect();
    let named: BTreeSet<NodeId> = said.controller_ids.iter().copied().collect();
    let named = match (named.len(), said.controller_ids.len()) {
        (1, 24) => "one and the same",
        (1, _) if named.contains(&-1) => "nobody",
        (1, _) => "a broker",
        _ => "any broker",
    };
    format!("lists {brokers:?}, names {named}, cluster id {}", said.cluster_id.is_some())
}

fn quorum(said: &Quorum) -> String {
    let Quorum::Leader(said) = said else { return "not the leader".to_owned() };
    let mut text = format!("high watermark known {}, ", said.high_watermark > 0);
    let mut replicas: Vec<_> = said.voters.iter().map(|it| ("voter", it)).collect();
    replicas.extend(said.observers.iter().map(|it| ("observer", it)));
    replicas.sort_by_key(|(_, replica)| replica.id);
    for (seat, replica) in replicas {
        let heard = (replica.last_fetch.is_some(), replica.last_caught_up.is_some(), replica.log_end_offset > 0);
        write!(text, "{seat} {} {heard:?}, ", replica.id).expect("text");
    }
    let nodes: BTreeSet<NodeId> = said.nodes.iter().map(|(id, _)| *id).collect();
    format!("{text}places of {nodes:?}")
}

fn configs(said: &Configs) -> String {
    let value = |value: &str| {
        let voters = value.split(',').map(|voter| voter.split_once('@').map_or(voter, |(id, _)| id));
        voters.collect::<Vec<_>>().join(",")
    };
    // Where a node's logs are is its own affair.
    let telling = said.properties.iter().filter(|(name, _)| name != "log.dirs");
    let properties: BTreeMap<&str, Option<String>> =
        telling.map(|(name, text)| (name.as_str(), text.as_deref().map(value))).collect();
    format!("of {}: {properties:?}", said.id)
}

/// The gauges of `KafkaController`, with their spelling; of those that matter also the values.
fn samples(samples: &[Sample], leads: bool) -> String {
    let plain = |text: &str| text.to_lowercase().replace('_', "");
    let told: BTreeSet<String> = samples
        .iter()
        .filter(|sample| plain(&sample.name).starts_with("kafkacontrollerkafkacontroller"))
        // Of histograms there are percentiles and the like; they are no gauges.
        .filter(|sample| plain(&sample.name).ends_with("value") || sample.labels.is_empty())
        .filter(|sample| !plain(&sample.name).contains("zkwritesnapshottimems"))
        .filter(|sample| !plain(&sample.name).contains("zkwritedeltatimems"))
        .map(|sample| {
            let bean = sample.labels.first().map_or(sample.name.as_str(), |(_, bean)| bean.as_str());
            let telling = ["zkmigrationstate", "migratingzkbrokercount", "activecontrollercount"];
            let telling = telling.iter().any(|gauge| plain(bean).ends_with(gauge));
            let leads_now = plain(bean).ends_with("activecontrollercount");
            let value = match (telling, leads_now) {
                (true, true) => format!("as of leading {}", (sample.value == "1.0") == leads),
                (true, false) => sample.value.clone(),
                (false, _) => String::new(),
            };
            format!("{}{:?} {value}", sample.name, sample.labels)
        })
        .collect();
    told.into_iter().collect::<Vec<_>>().join("\n    ")
}
