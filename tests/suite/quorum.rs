//! Who leads? Only one that says so in the newest epoch, knows its high watermark, and is heard by a majority.

use kraft_check::evaluate::evaluate;
use kraft_check::report::{Standing, Verdict};
use kraft_check::signals::{LIVE_LEADER, MIGRATION_STATE, StateRung, View};
use kraft_check::snapshot::{Missed, Node, PageOf, Subject, Why};
use kraft_check::stages::STAGES;

use crate::answers::{ON_KRAFT, ON_ZOOKEEPER, broker, leader, leadership, look, page, said, silent, snapshot, standby};

const CONTROLLERS: &[i32] = &[3001, 3002, 3003];
const FRESH: Option<i64> = Some(500);

/// Whether there is a live leader in a look at these controllers.
fn live(nodes: impl Into<Vec<Node>>) -> Result<bool, Why> {
    let snapshot = snapshot(&[], CONTROLLERS, [look(nodes, [])]);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    LIVE_LEADER.read(&view, Subject::Quorum).map(|seen| seen.value).map_err(|unseen| unseen.missed.why)
}

fn mute(id: i32) -> Node {
    Node { api_versions: silent(), quorum: silent(), ..standby(id) }
}

#[test]
fn a_leader_that_a_majority_fetches_from_is_live() {
    assert_eq!(live([leader(3001, &[(3002, FRESH), (3003, FRESH)]), standby(3002), standby(3003)]), Ok(true));
    assert_eq!(live([leader(3001, &[(3002, FRESH), (3003, None)]), standby(3002), mute(3003)]), Ok(true));
    assert_eq!(live([leader(3001, &[(3002, Some(10_000)), (3003, Some(90_000))]), mute(3002), mute(3003)]), Ok(true));
}

#[test]
fn a_leader_without_a_majority_is_none() {
    let alone = || leader(3001, &[(3002, Some(10_001)), (3003, None)]);
    assert_eq!(live([alone(), mute(3002), mute(3003)]), Err(Why::Unreachable), "the quorum may be lost");
    assert_eq!(live([alone(), standby(3002), standby(3003)]), Ok(false), "the others answer: an election");
}

#[test]
fn half_of_the_voters_is_no_majority() {
    let of_two = |ago| live([leader(3001, &[(3002, Some(ago))]), mute(3002), mute(3003)]);
    assert_eq!(of_two(500), Ok(true));
    assert_eq!(of_two(60_000), Err(Why::Unreachable));
}

#[test]
fn a_majority_of_which_nobody_leads_is_an_election() {
    assert_eq!(live([standby(3001), standby(3002), mute(3003)]), Ok(false));
    assert_eq!(live([standby(3001), mute(3002), mute(3003)]), Err(Why::Unreachable));
    assert_eq!(live([standby(3001), standby(3002), mute(3003), mute(3004)]), Err(Why::Unreachable), "half is none");
}

#[test]
fn the_newest_epoch_leads_and_two_leaders_in_it_are_none() {
    let mut old = leader(3002, &[(3001, FRESH), (3003, FRESH)]);
    leadership(&mut old).epoch = 2;
    let new = leader(3001, &[(3002, FRESH), (3003, FRESH)]);
    assert_eq!(live([new.clone(), old.clone(), standby(3003)]), Ok(true));
    leadership(&mut old).epoch = 3;
    assert_eq!(live([new, old, standby(3003)]), Err(Why::Ambiguous));
}

#[test]
fn a_leader_that_knows_no_high_watermark_or_no_time_is_none() {
    let mut elected = leader(3001, &[(3002, FRESH), (3003, FRESH)]);
    leadership(&mut elected).high_watermark = -1;
    assert_eq!(live([elected, standby(3002), standby(3003)]), Err(Why::NotLoaded));
    let mut timeless = leader(3001, &[(3002, None), (3003, None)]);
    leadership(&mut timeless).voters[0].last_fetch = None;
    leadership(&mut timeless).voters[0].last_caught_up = None;
    assert_eq!(live([timeless, standby(3002), standby(3003)]), Err(Why::NotListed));
    let mut nobody = leader(3001, &[]);
    leadership(&mut nobody).voters.clear();
    assert!(live([nobody, mute(3002), mute(3003)]).is_err());
}

fn state(voters: &[(i32, Option<i64>)], pages: impl Into<Vec<PageOf>>) -> Result<StateRung, Why> {
    let nodes = [leader(3001, voters), standby(3002), standby(3003), broker(1, ON_KRAFT, false)];
    let snapshot = snapshot(&[1], CONTROLLERS, [look(nodes, pages)]);
    let view = View::new(&snapshot, &snapshot.looks[0]);
    MIGRATION_STATE.read(&view, Subject::Quorum).map(|seen| seen.value).map_err(|unseen| unseen.missed.why)
}

#[test]
fn the_state_is_the_leaders_else_that_of_a_follower_that_keeps_up() {
    let both = &[(3002, FRESH), (3003, FRESH)];
    assert_eq!(state(both, [page(3001, 1.0), page(3002, 2.0)]), Ok(StateRung::Migration));
    assert_eq!(state(both, [page(3002, 2.0)]), Ok(StateRung::PreMigration));
    assert_eq!(state(both, [page(3001, -1.0), page(3002, 2.0), page(3003, 1.0)]), Ok(StateRung::Migration));
    assert_eq!(state(both, [page(3002, 0.0), page(3003, 1.0)]), Err(Why::Ambiguous));
    assert_eq!(state(both, [page(3002, 0.0), page(3003, 0.0)]), Ok(StateRung::BornInKraft));
    assert_eq!(state(both, []), Ok(StateRung::PreMigration), "the least that follows from a leader with its flag on");
    let one = &[(3002, FRESH), (3003, Some(60_000))];
    assert_eq!(state(one, [page(3003, 3.0)]), Ok(StateRung::PreMigration), "a follower that is behind says nothing");
}

#[test]
fn none_beside_a_broker_on_kraft_is_the_end_of_the_way() {
    assert_eq!(state(&[(3002, FRESH), (3003, FRESH)], [page(3001, 0.0)]), Ok(StateRung::BornInKraft));
}

#[test]
fn a_denial_is_a_missing_right_only_once_rights_can_be_given() {
    let denied = |id| Node { quorum: said(Err(Missed::new(Why::Denied, "DescribeQuorum is denied"))), ..standby(id) };
    let report = |state: f64| {
        let nodes = [denied(3001), denied(3002), denied(3003), broker(1, ON_KRAFT, false)];
        let looks = [look(nodes, [page(3001, state)])];
        evaluate(&STAGES[2], &snapshot(&[1], CONTROLLERS, looks))
    };
    assert!(!report(2.0).refused, "before the copy there are no ACLs to be asked for");
    let leader = |finding: &&kraft_check::report::Finding| finding.id == "quorum-has-leader";
    let before = report(2.0);
    let finding = before.findings.iter().find(leader).expect("a finding");
    assert_eq!(finding.standing, Standing::Unknown);
    assert!(finding.message.contains("only super.users may ask"), "{}", finding.message);
    assert!(report(1.0).refused);
    let without_pages = |mode| {
        let nodes = [denied(3001), denied(3002), denied(3003), broker(1, mode, mode == ON_ZOOKEEPER)];
        evaluate(&STAGES[2], &snapshot(&[1], CONTROLLERS, [look(nodes, [])]))
    };
    assert!(without_pages(ON_KRAFT).refused, "a broker on KRaft is registered, so the metadata is copied");
    assert!(!without_pages(ON_ZOOKEEPER).refused);
}

#[test]
fn rejected_credentials_are_a_refusal_whoever_rejects_them() {
    let rejected = || said(Err(Missed::new(Why::SaslFailed, "Authentication failed: Invalid username or password")));
    let evaluated = |nodes: Vec<Node>| evaluate(&STAGES[0], &snapshot(&[1], CONTROLLERS, [look(nodes, [])]));
    let controllers = [3001, 3002, 3003].map(|id| Node { quorum: rejected(), ..standby(id) });
    let by_controllers = evaluated([&controllers[..], &[broker(1, ON_KRAFT, false)]].concat());
    assert_eq!((by_controllers.verdict, by_controllers.refused), (Verdict::Unknown, true));
    let mut nameless = broker(1, ON_KRAFT, false);
    (nameless.given, nameless.metadata) = (None, said(Err(Missed::new(Why::SaslFailed, "rejected"))));
    let report = evaluate(&STAGES[2], &snapshot(&[1], CONTROLLERS, [look([standby(3001), nameless], [])]));
    assert_eq!((report.verdict, report.refused), (Verdict::Unknown, true), "nobody tells which broker it is");
}
