//! Whose answer is it? An answer counts for an id only if it came from where that id is known to be.

use kraft_check::signals::{BROKER_RUNG, BrokerRung, LIVE_LEADER, View};
use kraft_check::snapshot::{Node, Subject, Why};

use crate::answers::{ON_KRAFT, broker, broker_at, leader, leadership, look, snapshot, standby};

/// What is seen of a broker in a look at these nodes.
fn rung(id: i32, nodes: impl Into<Vec<Node>>) -> Result<BrokerRung, (Why, String)> {
    let snapshot = snapshot(&[id], &[], [look(nodes, [])]);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    let sight = BROKER_RUNG.read(&view, Subject::Broker(id));
    sight.map(|seen| seen.value).map_err(|unseen| (unseen.missed.why, unseen.missed.words.to_string()))
}

#[test]
fn a_bare_address_counts_for_the_id_that_metadata_gives_it() {
    assert_eq!(rung(1, [broker_at(1, &[(1, 1), (2, 2)])]), Ok(BrokerRung::Kraft));
}

#[test]
fn a_bare_address_that_nobody_lists_counts_for_nobody() {
    let (why, words) = rung(1, [broker_at(9, &[(2, 2)])]).expect_err("not seen");
    assert_eq!((why, words.as_str()), (Why::NoAddress, "no broker that answered lists it"));
}

#[test]
fn an_endpoint_of_two_ids_counts_for_neither() {
    // Two advertised.listeners that were copied, or a broker's address given with another one's id.
    for nodes in [vec![broker_at(1, &[(1, 1), (2, 1)])], vec![broker(1, ON_KRAFT, false), broker_at(7, &[(2, 1)])]] {
        for id in [1, 2] {
            assert!(rung(id, nodes.clone()).is_err(), "broker {id}");
        }
    }
}

#[test]
fn of_two_endpoints_the_one_that_answers_counts_and_two_answers_are_ambiguous() {
    let lists = [(1, 1), (1, 11)];
    let mut gone = broker_at(11, &[]);
    gone.api_versions = crate::answers::silent();
    assert_eq!(rung(1, [broker_at(1, &lists), gone]), Ok(BrokerRung::Kraft));
    assert_eq!(rung(1, [broker_at(1, &lists), broker_at(11, &lists)]).expect_err("twice").0, Why::Ambiguous);
}

#[test]
fn a_controllers_listener_is_no_broker_and_the_other_way_round() {
    let mut wrong = broker(1, crate::answers::CONTROLLER, false);
    wrong.given = Some(1);
    assert_eq!(rung(1, [wrong]).expect_err("a controller").0, Why::WrongTarget);
    let mut broker_as_controller = standby(3001);
    broker_as_controller.api_versions = broker(1, ON_KRAFT, false).api_versions;
    let snapshot = snapshot(&[], &[3001], [look([broker_as_controller], [])]);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    let sight = kraft_check::signals::ANSWERS_AS_CONTROLLER.read(&view, Subject::Controller(3001));
    assert_eq!(sight.expect_err("a broker").missed.why, Why::WrongTarget);
}

#[test]
fn a_leader_that_names_another_id_proves_its_address_wrong() {
    let mut swapped = leader(3001, &[(3002, Some(10))]);
    leadership(&mut swapped).leader = 3002;
    let snapshot = snapshot(&[], &[3001, 3002], [look([swapped, standby(3002)], [])]);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    let missed = LIVE_LEADER.read(&view, Subject::Quorum).expect_err("no leader").missed;
    assert_eq!(missed.why, Why::WrongTarget);
    assert!(missed.words.contains("given as controller 3001 and is controller 3002"), "{}", missed.words);
}
