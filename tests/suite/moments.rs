//! What does the line at the bottom of a terminal say, however little room there is?

use std::time::Duration;

use kraft_check::evaluate::evaluate;
use kraft_check::render::moment;
use kraft_check::report::{Counts, Finding, Progress, Report, Standing, Verdict};
use kraft_check::snapshot::{NodeId, Subject, Timestamp};
use kraft_check::stages::{HEALTH, STAGES, Stage};
use kraft_check::wait::{Held, Moment, Next, Rules, Seen, Taken, Wait};
use proptest::prelude::*;

use crate::answers::snapshot;
use crate::pauses::RULES;

/// One column of an ordinary terminal stays free.
const ROOM: usize = 79;

fn seen(verdict: Verdict, progress: Option<(usize, usize)>, held: impl Into<Option<Held>>) -> Seen {
    Seen {
        looks: 3,
        in_a_row: 1,
        stable: Duration::ZERO,
        anybody_answered: true,
        verdict,
        summary: String::new(),
        counts: Counts::default(),
        progress: progress.map(|(holding, of)| Progress { holding, of }),
        held: held.into(),
        at: Timestamp(1_700_000_000_000),
    }
}

fn nodes(by: &'static str, of: fn(NodeId) -> Subject, ids: impl IntoIterator<Item = NodeId>) -> Held {
    let mut nodes: Vec<Subject> = ids.into_iter().map(of).collect();
    let count = nodes.len();
    nodes.truncate(8);
    Held { by, nodes, count }
}

fn row(by: &'static str) -> Held {
    Held { by, nodes: Vec::new(), count: 0 }
}

/// The line two minutes after the beginning.
fn line(seen: &Seen, rules: Rules, room: usize) -> String {
    moment(Moment { rules, elapsed: Duration::from_millis(130_900), seen: Some(seen) }, room)
}

#[test]
fn it_says_how_far_since_when_until_when_and_what_holds_it() {
    for (seen, expected) in [
        (
            seen(Verdict::NotYet, Some((5, 9)), nodes("broker-runs-kraft", Subject::Broker, 6..=9)),
            "[#####-----] 5/9 | 2m 10s of 15m | not yet: brokers 6, 7, 8, 9",
        ),
        (
            seen(Verdict::NotYet, Some((2, 3)), nodes("voter-caught-up", Subject::Controller, [3002])),
            "[######----] 2/3 | 2m 10s of 15m | not yet: controller 3002",
        ),
        (
            seen(Verdict::NotYet, Some((9, 9)), row("metadata-copied")),
            "[##########] 9/9 | 2m 10s of 15m | not yet: metadata-copied",
        ),
        (
            seen(Verdict::Unknown, Some((999, 1000)), nodes("broker-runs-kraft", Subject::Broker, [1000])),
            "[#########-] 999/1000 | 2m 10s of 15m | cannot tell: broker 1000",
        ),
        (seen(Verdict::Unknown, None, row("quorum-has-leader")), "2m 10s of 15m | cannot tell: quorum-has-leader"),
        (seen(Verdict::Unknown, None, None), "2m 10s of 15m | cannot tell"),
        (
            seen(Verdict::Blocked, Some((1, 2)), nodes("broker-lost-flag", Subject::Broker, [2])),
            "[#####-----] 1/2 | 2m 10s of 15m | blocked: broker 2",
        ),
        (
            seen(Verdict::NotYet, Some((0, 1000)), nodes("broker-runs-kraft", Subject::Broker, 1..=1000)),
            "[----------] 0/1000 | 2m 10s of 15m | not yet: brokers 1, 2, 3, 4 and 996 more",
        ),
    ] {
        assert_eq!(line(&seen, RULES, ROOM), expected);
    }
    let blind = Seen { anybody_answered: false, ..seen(Verdict::Unknown, Some((0, 9)), row("broker-answers")) };
    assert_eq!(line(&blind, RULES, ROOM), "[----------] 0/9 | 2m 10s of 15m | nobody answers");
}

#[test]
fn before_the_first_look_there_is_but_the_time() {
    let at = |ms| moment(Moment { rules: RULES, elapsed: Duration::from_millis(ms), seen: None }, ROOM);
    assert_eq!((at(0), at(2_999)), ("0s of 15m | the first look".to_owned(), "2s of 15m | the first look".to_owned()));
    assert_eq!(at(899_999), "14m 59s of 15m | the first look", "never more than there is");
}

#[test]
fn what_is_complete_says_how_much_longer_it_has_to_be() {
    let complete = |in_a_row, ms| Seen {
        in_a_row,
        stable: Duration::from_millis(ms),
        ..seen(Verdict::Complete, Some((9, 9)), None)
    };
    let stable = Rules { stable_for: Duration::from_secs(30), ..RULES };
    let begin = "[##########] 9/9 | 2m 10s of 15m | complete";
    assert_eq!(line(&complete(1, 0), RULES, ROOM), format!("{begin} in 1 of 2 looks"));
    assert_eq!(line(&complete(2, 5_400), stable, ROOM), format!("{begin} for 5s of 30s"));
    // It has been so for long enough, and was not seen often enough.
    let often = Rules { samples: 9, ..stable };
    assert_eq!(line(&complete(7, 30_000), often, ROOM), format!("{begin} in 7 of 9 looks"));
}

#[test]
fn what_is_blocked_says_how_often_it_has_to_be() {
    let blocked = seen(Verdict::Blocked, None, nodes("broker-lost-flag", Subject::Broker, [2, 3]));
    let rules = Rules { blocked_samples: 3, ..RULES };
    assert_eq!(line(&blocked, rules, ROOM), "2m 10s of 15m | blocked in 1 of 3 looks: brokers 2, 3");
}

#[test]
fn names_go_first_where_there_is_little_room() {
    let many = seen(Verdict::NotYet, Some((5, 9)), nodes("broker-runs-kraft", Subject::Broker, 106..=109));
    for (room, expected) in [
        (70, "[#####-----] 5/9 | 2m 10s of 15m | not yet: brokers 106, 107, 108, 109"),
        (69, "[#####-----] 5/9 | 2m 10s of 15m | not yet: brokers 106 and 3 more"),
        (65, "[#####-----] 5/9 | 2m 10s of 15m | not yet: 4 brokers"),
        (52, "[#####-----] 5/9 | 2m 10s of 15m | not yet: 4 bro..."),
        (20, "[#####-----] 5/9 ..."),
        (2, ".."),
        (0, ""),
    ] {
        assert_eq!(line(&many, RULES, room), expected, "{room}");
    }
}

/// What a wait of two brokers, none of which answers, says of a look.
fn after_a_look(table: &'static Stage, change: impl FnOnce(&mut Report)) -> String {
    let mut report = evaluate(table, &snapshot(&[1, 2], &[3001], []));
    report.anybody_answered = true;
    change(&mut report);
    let mut wait = Wait::new(RULES);
    let at = Duration::from_secs(1);
    let (next, _) = wait.after(&Taken { began: at, ended: at, report: &report, chance: 0.5 });
    assert!(matches!(next, Next::Look(_)));
    moment(wait.moment(at), ROOM)
}

#[test]
fn what_holds_it_is_what_heads_the_summary() {
    let unknown = after_a_look(&STAGES[2], |_| ());
    assert_eq!(unknown, "[----------] 0/2 | 1s of 15m | cannot tell: brokers 1, 2");
    let health = after_a_look(&HEALTH, |_| ());
    assert_eq!(health, "[----------] 0/2 | 1s of 15m | cannot tell: brokers 1, 2");
    let moving = |report: &mut Report| {
        report.findings.truncate(2);
        let [first, second] = report.findings.as_mut_slice() else { panic!("two findings") };
        let not_yet = |finding: &mut Finding, id, subject| {
            (finding.id, finding.standing, finding.subject) = (id, Standing::NotYet, subject);
        };
        not_yet(first, "no-reassignment", Subject::Cluster);
        not_yet(second, "voter-fetches", Subject::Controller(3001));
        (report.verdict, report.progress) = (Verdict::NotYet, Some(Progress { holding: 2, of: 2 }));
    };
    assert_eq!(after_a_look(&HEALTH, moving), "[##########] 2/2 | 1s of 15m | not yet: no-reassignment");
    let nobody = after_a_look(&HEALTH, |report| report.anybody_answered = false);
    assert_eq!(nobody, "[----------] 0/2 | 1s of 15m | nobody answers");
}

proptest! {
    #[test]
    fn it_never_takes_more_room_than_there_is(
        room in 0_usize..200,
        (holding, of) in (0_usize..=20_000).prop_flat_map(|of| (0..=of, Just(of))),
        verdict in prop_oneof![Just(Verdict::NotYet), Just(Verdict::Blocked), Just(Verdict::Unknown), Just(Verdict::Complete)],
        ids in prop::collection::vec(0..i32::MAX, 0..30),
        seconds in 0_u64..10_000_000,
    ) {
        let seen = seen(verdict, Some((holding, of)), nodes("broker-runs-kraft", Subject::Broker, ids));
        let rules = Rules { timeout: Duration::from_secs(seconds), ..RULES };
        let line = moment(Moment { rules, elapsed: Duration::from_secs(seconds), seen: Some(&seen) }, room);
        prop_assert!(line.len() <= room, "{}", line);
        prop_assert!(line.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{}", line);
        let is_full = line.starts_with("[##########]");
        prop_assert!(!is_full || holding == of, "{}", line);
    }
}
