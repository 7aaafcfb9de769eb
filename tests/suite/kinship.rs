//! Who is who, and of which cluster: what proves it, what disproves it, and what leaves it open.

use kraft_check::evaluate::evaluate;
use kraft_check::report::{Report, Verdict};
use kraft_check::signals::{KINSHIP, Kinship, NAMED_CONTROLLER, NamedController, View};
use kraft_check::snapshot::{Cluster, Configs, Look, Node, NodeId, Subject, Why};
use kraft_check::stages::STAGES;

use crate::answers::{ON_KRAFT, ON_ZOOKEEPER, broker, leader, leadership, look, page, place, said, snapshot, standby};

/// A broker whose own question was answered by a leader.
fn asking(leader: Node) -> Node {
    Node { quorum: leader.quorum, ..broker(1, ON_KRAFT, false) }
}

fn of_cluster(mut node: Node, id: &str) -> Node {
    if let Ok(metadata) = &mut node.metadata.said {
        metadata.cluster_id = Some(id.to_owned());
    } else {
        node.cluster = said(Ok(Cluster { cluster_id: id.to_owned(), controllers: Vec::new() }));
    }
    node
}

fn kinship(nodes: impl Into<Vec<Node>>) -> Result<Kinship, Why> {
    let snapshot = snapshot(&[1], &[3001], [look(nodes, [])]);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    KINSHIP.read(&view, Subject::Quorum).map(|seen| seen.value).map_err(|unseen| unseen.missed.why)
}

#[test]
fn cluster_ids_prove_and_disprove() {
    let controller = || leader(3001, &[]);
    let broker = || broker(1, ON_KRAFT, false);
    assert_eq!(kinship([of_cluster(controller(), "one"), of_cluster(broker(), "one")]), Ok(Kinship::Same));
    assert_eq!(kinship([of_cluster(controller(), "one"), of_cluster(broker(), "two")]), Ok(Kinship::Other));
    assert_eq!(
        kinship([controller(), of_cluster(broker(), "two")]),
        Err(Why::NotAsked),
        "one side alone tells nothing"
    );
    let stranger = Node { given: Some(2), endpoint: place(2), ..broker() };
    let two = [controller(), of_cluster(broker(), "one"), of_cluster(stranger, "two")];
    assert_eq!(kinship(two), Ok(Kinship::Other), "brokers of two clusters");
}

#[test]
fn a_brokers_own_leader_proves_and_disproves() {
    let other = |change: &dyn Fn(&mut kraft_check::snapshot::Leadership)| {
        let mut told = leader(3001, &[]);
        change(leadership(&mut told));
        kinship([leader(3001, &[]), asking(told)])
    };
    assert_eq!(other(&|_| ()), Ok(Kinship::Same));
    assert_eq!(other(&|told| told.high_watermark += 40), Ok(Kinship::Same), "the log grows between two questions");
    assert_eq!(other(&|told| told.leader = 3002), Ok(Kinship::Other), "an epoch has one leader");
    assert_eq!(other(&|told| told.epoch += 1), Ok(Kinship::Unsettled), "an election, seen from both sides");
    assert_eq!(other(&|told| told.high_watermark = 1), Ok(Kinship::Unsettled), "a log does not shrink");
    assert_eq!(other(&|told| told.voters.push(told.voters[0])), Ok(Kinship::Same));
    assert_eq!(other(&|told| told.voters[0].id = 3002), Ok(Kinship::Unsettled), "other voters");
    let at = |ours: u16, theirs: Option<u16>| {
        let placed = |node: &mut Node, port: Option<u16>| {
            leadership(node).nodes = port.map(|port| (3001, place(port))).into_iter().collect();
        };
        let (mut leading, mut told) = (leader(3001, &[]), leader(3001, &[]));
        placed(&mut leading, Some(ours));
        placed(&mut told, theirs);
        kinship([leading, asking(told)])
    };
    assert_eq!(at(3001, Some(3001)), Ok(Kinship::Same));
    assert_eq!(at(3001, Some(4001)), Ok(Kinship::Unsettled), "voters at other places");
    assert_eq!(at(3001, None), Ok(Kinship::Same), "a broker of an older release is told no places");
}

#[test]
fn a_brokers_configuration_proves_and_never_disproves() {
    let configured = |voters: &str| {
        let properties = vec![("controller.quorum.voters".to_owned(), Some(voters.to_owned()))];
        let configs = said(Ok(Configs { id: 1, properties }));
        kinship([leader(3001, &[]), Node { configs, ..broker(1, ON_ZOOKEEPER, true) }])
    };
    assert_eq!(configured("3001@node.example:3001"), Ok(Kinship::Same));
    assert_eq!(configured("3002@x:1,3001@NODE.example:3001"), Ok(Kinship::Same));
    assert_eq!(configured("x:1,node.example:3001"), Ok(Kinship::Same), "as bootstrap.servers has it");
    for other in ["", "3001@node.example:1", "3002@node.example:2", "nonsense", "@:", "x@y:z"] {
        assert_eq!(configured(other), Err(Why::NotAsked), "{other}");
    }
}

fn declared(id: &str, looks: [Look; 2]) -> Report {
    let mut snapshot = snapshot(&[1], &[3001], looks);
    snapshot.expected.cluster_id = Some(id.to_owned());
    evaluate(&STAGES[2], &snapshot)
}

#[test]
fn a_declared_cluster_id_is_demanded_of_every_broker() {
    let look_at = |broker: Node| look([leader(3001, &[]), broker], [page(3001, 1.0)]);
    let twice = |broker: Node| [look_at(broker.clone()), look_at(broker)];
    let broker = || broker(1, ON_KRAFT, false);
    assert_eq!(declared("one", twice(of_cluster(broker(), "one"))).verdict, Verdict::Complete);
    assert_eq!(declared("one", twice(of_cluster(broker(), "two"))).verdict, Verdict::Blocked);
    let unsaid = declared("one", twice(broker()));
    assert_eq!(unsaid.verdict, Verdict::Unknown, "it does not tell its cluster");
    assert_eq!(unsaid.cluster_id, None, "what was declared was not seen");
    let once = declared("one", [look_at(of_cluster(broker(), "one")), look_at(of_cluster(broker(), "two"))]);
    assert_eq!(once.verdict, Verdict::NotYet, "nothing is blocked by a single look");
}

/// Which controllers are known by id in a look at these nodes.
fn known(nodes: impl Into<Vec<Node>>) -> Vec<NodeId> {
    let snapshot = snapshot(&[], &[], [look(nodes, [])]);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    let of_controller = |subject| if let Subject::Controller(id) = subject { Some(id) } else { None };
    view.nodes().filter_map(|(subject, _)| of_controller(subject?)).collect()
}

#[test]
fn a_controller_without_an_id_is_known_by_what_the_nodes_tell() {
    let plain = |node: Node| Node { given: None, ..node };
    assert_eq!(known([plain(standby(3002))]), Vec::<NodeId>::new(), "nobody tells");
    assert_eq!(known([plain(leader(3001, &[]))]), [3001], "a leader names itself");
    let mut naming = leader(3001, &[]);
    leadership(&mut naming).nodes = vec![(3001, place(3001)), (3002, place(3002))];
    assert_eq!(known([plain(naming), plain(standby(3002))]), [3001, 3002], "a leader names the voters' places");
    let cluster = said(Ok(Cluster { cluster_id: "one".to_owned(), controllers: vec![(3002, place(3002))] }));
    assert_eq!(known([Node { cluster, ..plain(standby(3002)) }]), [3002], "the controllers name each other");
    let configs = said(Ok(Configs { id: 3002, properties: Vec::new() }));
    assert_eq!(known([Node { configs, ..plain(standby(3002)) }]), [3002], "a node describes itself alone");
    let properties = vec![("controller.quorum.voters".to_owned(), Some("3002@node.example:3002".to_owned()))];
    let configs = said(Ok(Configs { id: 1, properties }));
    let broker = Node { configs, ..broker(1, ON_ZOOKEEPER, true) };
    assert_eq!(known([broker, plain(standby(3002))]), [3002], "a broker's configuration names the voters");
}

#[test]
fn an_unknown_controller_keeps_the_quorum_from_being_complete() {
    let unknown = Node { given: None, ..standby(3002) };
    let broker = broker(1, ON_ZOOKEEPER, false);
    let judge = |nodes: Vec<Node>| evaluate(&STAGES[0], &snapshot(&[1], &[], [look(nodes, [page(3001, 2.0)])]));
    assert_eq!(judge(vec![leader(3001, &[]), broker.clone()]).verdict, Verdict::Complete);
    let report = judge(vec![leader(3001, &[]), unknown, broker]);
    assert_eq!(report.verdict, Verdict::Unknown);
    assert!(report.summary.contains("give it as -C ID@node.example:3002"), "{}", report.summary);
}

#[test]
fn a_broker_that_follows_the_quorum_names_any_broker() {
    let names = |listed: &[(NodeId, u16)], ids: &[NodeId]| {
        let mut node = broker(1, ON_ZOOKEEPER, true);
        node.metadata = crate::answers::lists(listed);
        node.metadata.said.as_mut().expect("it answers").controller_ids = ids.to_vec();
        let snapshot = snapshot(&[1], &[], [look([node], [])]);
        let view = View::new(&snapshot, &snapshot.looks[0]);
        NAMED_CONTROLLER.read(&view, Subject::Broker(1)).map(|seen| seen.value).map_err(|unseen| unseen.missed.why)
    };
    let two = &[(1, 1), (2, 2)];
    assert_eq!(names(two, &[1, 2]), Ok(NamedController::AnyBroker));
    assert_eq!(names(two, &[1; 12]), Ok(NamedController::OneBroker));
    assert_eq!(names(two, &[1; 11]), Err(Why::NotAsked), "not often enough to mean anything");
    assert_eq!(names(two, &[-1]), Ok(NamedController::Nobody));
    assert_eq!(names(&[], &[1, 2]), Ok(NamedController::Nobody), "it lists no broker");
    assert_eq!(names(&[(1, 1)], &[1; 24]), Err(Why::NotAsked), "one live broker is always the same");
}
