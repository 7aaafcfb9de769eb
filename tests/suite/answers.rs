//! Answers of nodes, put together by hand: for rules about several answers that no single frame can show. Whether
//! real nodes answer like this is asked elsewhere, of real nodes.

use std::collections::BTreeSet;

use kraft_check::snapshot::{
    Answer, ApiVersions, AskedAs, Depth, Endpoint, Expected, Features, Leadership, Listener, Look, Metadata,
    MetadataLog, Missed, Node, NodeId, Owner, Page, PageOf, Quorum, Registration, Replica, Sample, Snapshot,
    StateRecord, Timestamp, Why,
};

/// The leader's own time, in milliseconds.
pub(crate) const NOW: i64 = 1_000_000;

pub(crate) fn said<T>(said: Result<T, Missed>) -> Answer<T> {
    Answer { at: Timestamp(0), took_us: 0, version: 3, said }
}

pub(crate) fn silent<T>() -> Answer<T> {
    said(Err(Missed::new(Why::TimedOut, "no answer in time")))
}

pub(crate) fn place(port: u16) -> Endpoint {
    Endpoint { host: "node.example".to_owned(), port }
}

/// The API keys that tell the roles: a broker on ZooKeeper, a broker on KRaft, a controller.
pub(crate) const ON_ZOOKEEPER: &[i16] = &[0, 1, 3, 4, 5, 6];
pub(crate) const ON_KRAFT: &[i16] = &[0, 1, 3];
pub(crate) const CONTROLLER: &[i16] = &[1, 52];

fn node(asked_as: AskedAs, given: Option<NodeId>, port: u16, keys: &[i16], flag: bool) -> Node {
    // As Kafka 3.9 has it, whose Fetch goes up to 17.
    let apis = keys.iter().map(|key| (*key, 0, 17)).collect();
    Node {
        asked_as,
        given,
        endpoint: place(port),
        found: None,
        api_versions: said(Ok(ApiVersions { apis, zk_migration_ready: Some(flag), features: Features::default() })),
        metadata: silent(),
        quorum: silent(),
        cluster: silent(),
        configs: silent(),
        log: Answer::default(),
        topics: Answer::default(),
        min_isr: Answer::default(),
        reassignments: Answer::default(),
    }
}

/// A broker at its id's own port, which was given by hand.
pub(crate) fn broker(id: NodeId, keys: &[i16], flag: bool) -> Node {
    let node = node(AskedAs::Broker, Some(id), u16::try_from(id).expect("a small id"), keys, flag);
    Node { metadata: lists(&[(id, node.endpoint.port)]), ..node }
}

/// Metadata that lists these brokers, of a broker that follows the quorum.
pub(crate) fn lists(brokers: &[(NodeId, u16)]) -> Answer<Metadata> {
    let brokers = brokers.iter().map(|(id, port)| (*id, place(*port))).collect();
    said(Ok(Metadata { cluster_id: None, brokers, controller_ids: vec![1, 2] }))
}

/// A broker at a bare address, which lists these.
pub(crate) fn broker_at(port: u16, brokers: &[(NodeId, u16)]) -> Node {
    Node { metadata: lists(brokers), ..node(AskedAs::Broker, None, port, ON_KRAFT, false) }
}

/// A controller that does not lead.
pub(crate) fn standby(id: NodeId) -> Node {
    let node = node(AskedAs::Controller, Some(id), u16::try_from(id).expect("a small id"), CONTROLLER, true);
    Node { quorum: said(Ok(Quorum::NotLeader)), ..node }
}

/// A controller that says it leads, and saw these voters this many milliseconds ago; itself it sees now.
pub(crate) fn leader(id: NodeId, others: &[(NodeId, Option<i64>)]) -> Node {
    let replica = |id, ago: Option<i64>| {
        let then = ago.map(|ago| NOW - ago);
        Replica { id, log_end_offset: 9, last_fetch: then, last_caught_up: then }
    };
    let mut voters = vec![replica(id, Some(0))];
    voters.extend(others.iter().map(|(id, ago)| replica(*id, *ago)));
    let leadership =
        Leadership { leader: id, epoch: 3, high_watermark: 9, voters, observers: Vec::new(), nodes: Vec::new() };
    Node { quorum: said(Ok(Quorum::Leader(leadership))), ..standby(id) }
}

/// The leadership of a node, to be changed.
pub(crate) fn leadership(node: &mut Node) -> &mut Leadership {
    match &mut node.quorum.said {
        Ok(Quorum::Leader(leadership)) => leadership,
        other => panic!("not a leader: {other:?}"),
    }
}

/// A page of a controller, with this `ZkMigrationState`.
pub(crate) fn page(id: NodeId, state: f64) -> PageOf {
    let name = "kafka_controller_kafkacontroller_zkmigrationstate".to_owned();
    let page =
        Page { samples: vec![Sample { name, labels: Vec::new(), value: state.to_string() }], denied: Vec::new() };
    PageOf { owner: Owner::Id(id), url: format!("http://node.example/{id}"), page: said(Ok(page)) }
}

pub(crate) fn look(nodes: impl Into<Vec<Node>>, pages: impl Into<Vec<PageOf>>) -> Look {
    Look { began: Timestamp(0), ended: Timestamp(0), nodes: nodes.into(), pages: pages.into() }
}

/// Looks at a cluster of which these are expected.
pub(crate) fn snapshot(brokers: &[NodeId], controllers: &[NodeId], looks: impl Into<Vec<Look>>) -> Snapshot {
    let ids = |ids: &[NodeId]| (!ids.is_empty()).then(|| ids.iter().copied().collect::<BTreeSet<_>>());
    Snapshot {
        depth: Depth::Stage,
        expected: Expected { brokers: ids(brokers), controllers: ids(controllers), cluster_id: None },
        metric_names: Vec::new(),
        looks: looks.into(),
    }
}

/// A log of controller 3001, as it leads by `leader`: the states that were written, and who is registered.
pub(crate) fn log(states: &[i8], brokers: impl Into<Vec<Registration>>) -> Answer<Box<MetadataLog>> {
    let states = states.iter().map(|state| StateRecord { offset: Some(3), at: NOW - 600_000, state: *state });
    said(Ok(Box::new(MetadataLog {
        leader: 3001,
        epoch: 3,
        high_watermark: 9,
        last_append: NOW,
        states: states.collect(),
        features: vec![("metadata.version".to_owned(), 21)],
        brokers: brokers.into(),
        ..MetadataLog::default()
    })))
}

/// The registration of a broker at its id's own port, an hour ago: on ZooKeeper or not.
pub(crate) fn registered(id: NodeId, migrating: bool) -> Registration {
    let endpoint = place(u16::try_from(id).expect("a small id"));
    Registration {
        id,
        epoch: 5,
        incarnation: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
        migrating,
        fenced: false,
        in_controlled_shutdown: false,
        at: NOW - 3_600_000,
        listeners: vec![Listener { name: "PLAINTEXT".to_owned(), endpoint, security_protocol: 0 }],
        metadata_version: Some((21, 21)),
        log_dirs: Vec::new(),
    }
}
