//! When does a wait go on, and when and why does it end? The pure part of it, look by look, and under proptest.

use std::time::Duration;

use kraft_check::evaluate::evaluate;
use kraft_check::report::{EndedBy, Finding, Report, Standing, Value, Verdict};
use kraft_check::snapshot::{Subject, Timestamp};
use kraft_check::stages::STAGES;
use kraft_check::wait::{Moved, Next, Rules, Taken, Wait, What};
use proptest::prelude::*;

use crate::answers::snapshot;

/// The flags' own rules.
pub(crate) const RULES: Rules = Rules {
    timeout: Duration::from_mins(15),
    interval: Duration::from_secs(5),
    stable_for: Duration::ZERO,
    samples: 2,
    blocked_samples: 1,
    no_progress: None,
    slow_after: None,
    slow_repeat: None,
};
/// No chance: every pause is the interval.
const EVEN: f64 = 0.5;

/// A report of which only what matters to a wait is made up.
fn report(verdict: Verdict) -> Report {
    let mut report = evaluate(&STAGES[0], &snapshot(&[1], &[3001], []));
    report.findings.clear();
    Report { verdict, anybody_answered: true, ..report }
}

fn failing(standing: Standing, observed: Value) -> Finding {
    let mut finding = evaluate(&STAGES[0], &snapshot(&[1], &[3001], [])).findings.remove(0);
    (finding.standing, finding.observed, finding.subject) = (standing, Some(observed), Subject::Controller(3002));
    finding
}

/// A wait that is told of looks which take no time, at these seconds.
struct Told {
    wait: Wait,
    what: Vec<What>,
}

impl Told {
    fn by(rules: Rules) -> Self {
        Self { wait: Wait::new(rules), what: Vec::new() }
    }

    fn at(&mut self, seconds: u64, report: &Report) -> Next {
        let at = Duration::from_secs(seconds);
        let (next, events) = self.wait.after(&Taken { began: at, ended: at, report, chance: EVEN });
        self.what = events.into_iter().map(|event| event.what).collect();
        next
    }

    fn moved(&mut self, seconds: u64, report: &Report) -> Vec<Moved> {
        self.at(seconds, report);
        let moved = |what: &What| if let What::Progress(moved) = what { moved.clone() } else { Vec::new() };
        self.what.iter().flat_map(moved).collect()
    }
}

fn pause(seconds: u64) -> Next {
    Next::Look(Duration::from_secs(seconds))
}

#[test]
fn complete_must_be_seen_often_enough_and_for_long_enough() {
    let complete = report(Verdict::Complete);
    let mut told = Told::by(RULES);
    assert_eq!(told.at(0, &complete), pause(5));
    assert_eq!(told.at(5, &complete), Next::End(EndedBy::Complete));

    let mut told = Told::by(Rules { stable_for: Duration::from_secs(12), ..RULES });
    for seconds in [0, 5, 10] {
        assert_eq!(told.at(seconds, &complete), pause(5), "{seconds}");
    }
    assert_eq!(told.at(15, &complete), Next::End(EndedBy::Complete));

    let mut told = Told::by(Rules { samples: 1, ..RULES });
    assert_eq!(told.at(0, &complete), Next::End(EndedBy::Complete));
}

#[test]
fn whatever_is_not_complete_begins_the_series_anew() {
    let complete = report(Verdict::Complete);
    for verdict in [Verdict::Unknown, Verdict::NotYet] {
        let mut told = Told::by(RULES);
        told.at(0, &complete);
        assert_eq!(told.at(5, &report(verdict)), pause(5));
        assert_eq!(told.at(10, &complete), pause(5));
        assert_eq!(told.at(15, &complete), Next::End(EndedBy::Complete));
    }
}

#[test]
fn nothing_is_stable_over_a_gap_of_more_than_three_intervals() {
    let complete = report(Verdict::Complete);
    for (second, end) in [(15, true), (16, false)] {
        let mut told = Told::by(RULES);
        told.at(0, &complete);
        assert_eq!(told.at(second, &complete) == Next::End(EndedBy::Complete), end, "{second}");
    }
    // A look that takes long is no gap.
    let (mut told, began) = (Told::by(RULES), Duration::from_secs(5));
    told.at(0, &complete);
    let slow = Taken { began, ended: began + Duration::from_secs(25), report: &complete, chance: EVEN };
    assert_eq!(told.wait.after(&slow).0, Next::End(EndedBy::Complete));
    // The machine slept: its own clock stood still, the one on the wall did not.
    for (asleep_ms, end) in [(9_000, true), (11_000, false)] {
        let mut told = Told::by(RULES);
        told.at(0, &complete);
        let later = Report { ended: Timestamp(complete.ended.0 + 5_000 + asleep_ms), ..complete.clone() };
        assert_eq!(told.at(5, &later) == Next::End(EndedBy::Complete), end, "{asleep_ms}");
    }
}

#[test]
fn blocked_ends_it_once_it_was_seen_often_enough_in_a_row() {
    let blocked = report(Verdict::Blocked);
    assert_eq!(Told::by(RULES).at(0, &blocked), Next::End(EndedBy::Blocked));
    let mut told = Told::by(Rules { blocked_samples: 2, ..RULES });
    assert_eq!(told.at(0, &blocked), pause(5));
    assert_eq!(told.at(5, &report(Verdict::NotYet)), pause(5));
    assert_eq!(told.at(10, &blocked), pause(5));
    assert_eq!(told.at(15, &blocked), Next::End(EndedBy::Blocked));
}

#[test]
fn a_missing_right_ends_it_once_it_was_seen_twice_in_a_row() {
    let refused = Report { refused: true, ..report(Verdict::Unknown) };
    let mut told = Told::by(RULES);
    assert_eq!(told.at(0, &refused), pause(5));
    assert_eq!(told.at(5, &report(Verdict::Unknown)), pause(5), "a node that starts knows its users a moment later");
    assert_eq!(told.at(10, &refused), pause(5));
    assert_eq!(told.at(15, &refused), Next::End(EndedBy::Refused));
}

#[test]
fn pauses_grow_only_while_nobody_answers() {
    let blind = Report { anybody_answered: false, ..report(Verdict::Unknown) };
    let mut told = Told::by(RULES);
    let (mut at, mut pauses) = (0, Vec::new());
    for seen in [&blind, &blind, &blind, &blind, &blind, &report(Verdict::Unknown), &blind] {
        let Next::Look(pause) = told.at(at, seen) else { panic!("it goes on") };
        pauses.push(pause.as_secs());
        at += pause.as_secs();
    }
    assert_eq!(pauses, [5, 10, 20, 30, 30, 5, 5]);
    // An interval that is longer than the longest back-off stays.
    let mut told = Told::by(Rules { interval: Duration::from_mins(1), ..RULES });
    assert_eq!((told.at(0, &blind), told.at(60, &blind)), (pause(60), pause(60)));
}

#[test]
fn a_look_that_could_not_begin_in_time_is_not_waited_for() {
    let not_yet = report(Verdict::NotYet);
    let mut told = Told::by(Rules { timeout: Duration::from_secs(12), ..RULES });
    assert_eq!((told.at(0, &not_yet), told.at(5, &not_yet)), (pause(5), pause(5)));
    assert_eq!(told.at(10, &not_yet), Next::End(EndedBy::Deadline));
    assert_eq!(told.what.last(), Some(&What::Deadline(EndedBy::Deadline)));
}

const STALLS: Rules = Rules { no_progress: Some(Duration::from_secs(12)), ..RULES };

#[test]
fn what_stands_still_ends_exactly_when_it_has_done_so_for_long_enough() {
    let not_yet = report(Verdict::NotYet);
    let mut told = Told::by(STALLS);
    assert_eq!((told.at(0, &not_yet), told.at(5, &not_yet)), (pause(5), pause(5)));
    assert_eq!(told.at(10, &not_yet), pause(2), "a last look is taken when the time is over");
    assert_eq!(told.at(12, &not_yet), Next::End(EndedBy::NoProgress));
    assert_eq!(told.what.last(), Some(&What::Deadline(EndedBy::NoProgress)));
}

#[test]
fn a_situation_is_progress_once() {
    let lags = |ms| {
        let findings = vec![failing(Standing::NotYet, Value::Millis(ms))];
        Report { findings, ..report(Verdict::NotYet) }
    };
    let unseen = Report { findings: vec![failing(Standing::Unknown, Value::Truth(false))], ..report(Verdict::Unknown) };
    let counts = |count| {
        let findings = vec![failing(Standing::NotYet, Value::Number(count))];
        Report { findings, ..report(Verdict::NotYet) }
    };
    let mut told = Told::by(STALLS);
    assert_eq!(told.moved(0, &lags(11_000)), [], "the first look has nothing to compare with");
    assert_eq!(told.moved(5, &lags(16_000)), [], "a time differs in every look");
    assert_eq!(told.moved(10, &counts(3)), [Moved::Situation]);
    assert_eq!(told.moved(15, &counts(2)), [Moved::Situation], "a number does not");
    assert_eq!(told.moved(20, &unseen), [Moved::Situation]);
    assert_eq!(told.moved(25, &counts(3)), [], "it was met before");
    assert!(told.what.contains(&What::Sample { changed: true, next: pause(5) }), "and is a change all the same");
    assert_eq!(told.moved(30, &unseen), []);
    assert_eq!(told.what.last(), Some(&What::Sample { changed: true, next: pause(2) }));
    assert_eq!(told.at(32, &counts(3)), Next::End(EndedBy::NoProgress), "flapping is no progress");
}

#[test]
fn whoever_is_always_in_a_new_situation_goes_round_in_circles() {
    let mut wait = Wait::new(Rules { timeout: Duration::MAX, ..STALLS });
    let template = Report { findings: vec![failing(Standing::NotYet, Value::Number(0))], ..report(Verdict::NotYet) };
    let ended = (0..u64::MAX).find(|look| {
        let mut seen = template.clone();
        seen.findings[0].observed = Some(Value::Number(*look));
        let at = Duration::from_secs(look * 5);
        matches!(wait.after(&Taken { began: at, ended: at, report: &seen, chance: EVEN }).0, Next::End(_))
    });
    assert!(ended.is_some_and(|looks| (65_536..65_546).contains(&looks)), "{ended:?}");
}

#[test]
fn an_offset_is_progress_where_an_idle_quorum_would_not_move_it() {
    let with = |high_watermark, lagging: &[(i32, u64)]| Report {
        high_watermark,
        lagging: lagging.to_vec(),
        ..report(Verdict::NotYet)
    };
    let mut told = Told::by(RULES);
    assert_eq!(told.moved(0, &with(Some(1_000), &[])), []);
    assert_eq!(told.moved(5, &with(Some(1_010), &[])), [], "two records a second");
    assert_eq!(told.moved(10, &with(None, &[])), [], "nobody leads");
    assert_eq!(told.moved(15, &with(Some(1_040), &[])), [], "an election, and what was written since");
    let grown = Moved::HighWatermark { from: 1_040, to: 1_200 };
    assert_eq!(told.moved(20, &with(Some(1_200), &[])), [grown]);
    assert_eq!(told.moved(25, &with(Some(3), &[])), [], "another log");

    let nearer = |from, to| Moved::Voter { id: 3002, from, to };
    assert_eq!(told.moved(30, &with(None, &[(3002, 500), (3003, 10)])), []);
    assert_eq!(told.moved(35, &with(None, &[(3002, 400), (3003, 20)])), [nearer(500, 400)]);
    assert_eq!(told.moved(40, &with(None, &[(3002, 450), (3003, 30)])), []);
    assert_eq!(told.moved(45, &with(None, &[(3002, 410), (3003, 40)])), [], "it was nearer before");
    assert_eq!(told.moved(50, &with(None, &[(3002, 399), (3003, 50)])), [nearer(400, 399)]);
    assert_eq!(told.moved(55, &with(None, &[(3003, 60)])), [], "it keeps up");
    assert_eq!(told.moved(60, &with(None, &[(3002, 900), (3003, 70)])), []);
    assert_eq!(told.moved(65, &with(None, &[(3002, 800), (3003, 80)])), [nearer(900, 800)]);
}

#[test]
fn what_is_complete_need_not_move() {
    let complete = report(Verdict::Complete);
    let mut told = Told::by(Rules { stable_for: Duration::from_mins(1), ..STALLS });
    for seconds in (0..60).step_by(5) {
        assert_eq!(told.at(seconds, &complete), pause(5), "{seconds}");
    }
    assert_eq!(told.at(60, &complete), Next::End(EndedBy::Complete));
}

#[test]
fn slow_is_said_once_or_again_and_again_and_it_goes_on() {
    let not_yet = report(Verdict::NotYet);
    let slow = |rules: Rules| {
        let mut told = Told::by(rules);
        let said = (0..60).step_by(5).filter(|seconds| {
            told.at(*seconds, &not_yet);
            told.what.contains(&What::Slow)
        });
        said.collect::<Vec<_>>()
    };
    let once = Rules { slow_after: Some(Duration::from_secs(12)), ..RULES };
    assert_eq!(slow(once), [15]);
    assert_eq!(slow(Rules { slow_repeat: Some(Duration::from_secs(20)), ..once }), [15, 35, 55]);
    assert!(slow(RULES).is_empty());
}

/// A look of a made-up wait, and how much too late it begins.
#[derive(Debug, Clone)]
struct Made {
    verdict: Verdict,
    answered: bool,
    took_ms: u64,
    late_ms: u64,
    chance: f64,
    high_watermark: i64,
}

fn made() -> impl Strategy<Value = Made> {
    let verdict = prop_oneof![6 => Just(Verdict::Complete), 3 => Just(Verdict::NotYet), 2 => Just(Verdict::Unknown), 1 => Just(Verdict::Blocked)];
    let late = prop_oneof![20 => Just(0), 1 => 0..60_000_u64];
    (verdict, any::<bool>(), 0..40_000_u64, late, 0.0..=1.0, 0..1_000_000_i64).prop_map(
        |(verdict, answered, took_ms, late_ms, chance, high_watermark)| Made {
            verdict,
            answered,
            took_ms,
            late_ms,
            chance,
            high_watermark,
        },
    )
}

fn rules() -> impl Strategy<Value = Rules> {
    let maybe = || prop::option::of((1..200_000_u64).prop_map(Duration::from_millis));
    let times = (1..1_000_000_u64, 1..60_000_u64, 0..60_000_u64);
    (times, 1..5_u16, 1..4_u16, maybe(), maybe(), maybe()).prop_map(
        |((timeout, interval, stable_for), samples, blocked_samples, no_progress, slow_after, slow_repeat)| Rules {
            timeout: Duration::from_millis(timeout),
            interval: Duration::from_millis(interval),
            stable_for: Duration::from_millis(stable_for),
            samples,
            blocked_samples,
            no_progress,
            slow_after,
            slow_repeat,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn no_wait_ends_too_early_and_none_oversleeps(rules in rules(), looks in prop::collection::vec(made(), 1..60)) {
        let template = report(Verdict::NotYet);
        let mut wait = Wait::new(rules);
        let (mut now, mut paused, mut taken) = (Duration::ZERO, Duration::ZERO, Vec::new());
        let mut last_end = None;
        for made in &looks {
            now += Duration::from_millis(made.late_ms);
            let (began, ended) = (now, now + Duration::from_millis(made.took_ms));
            let seen = Report {
                verdict: made.verdict,
                anybody_answered: made.answered,
                high_watermark: Some(made.high_watermark),
                ..template.clone()
            };
            let (next, events) = wait.after(&Taken { began, ended, report: &seen, chance: made.chance });
            let gap = last_end.is_some_and(|end| began > end + rules.interval * 3);
            taken.push((made.verdict, ended, gap));
            last_end = Some(ended);
            prop_assert!(events.iter().all(|event| event.elapsed == ended));
            match next {
                Next::Look(pause) => {
                    prop_assert!(ended + pause < rules.timeout, "it sleeps past its deadline");
                    prop_assert!(pause <= rules.interval.max(Duration::from_secs(30)).mul_f64(1.2));
                    let cut = rules.no_progress.is_some();
                    prop_assert!(cut || pause >= rules.interval.mul_f64(0.8));
                    paused += pause;
                    now = ended + pause;
                }
                Next::End(by) => {
                    assert_deserved(by, &rules, &taken);
                    break;
                }
            }
        }
        let spent: Duration = looks.iter().take(taken.len()).map(|it| Duration::from_millis(it.took_ms + it.late_ms)).sum();
        prop_assert!(taken.last().is_some_and(|(_, ended, _)| *ended <= spent + paused), "time is looks and pauses");
        prop_assert_eq!(wait.ended(EndedBy::Deadline, now).looks, taken.len() as u64);
    }
}

/// Whether the looks were such that a wait ends for this reason. Of each: verdict, end, and whether it came too late.
fn assert_deserved(by: EndedBy, rules: &Rules, taken: &[(Verdict, Duration, bool)]) {
    let in_a_row = |verdict| taken.iter().rev().take_while(move |(other, ..)| *other == verdict);
    let (_, ended, _) = taken.last().expect("a look");
    match by {
        EndedBy::Complete => {
            let row: Vec<_> = in_a_row(Verdict::Complete).collect();
            let unbroken = row.iter().position(|(.., late)| *late).map_or(row.len(), |late| late + 1);
            assert!(unbroken >= usize::from(rules.samples), "too few looks: {taken:?}");
            assert!(*ended >= row[unbroken - 1].1 + rules.stable_for, "too short: {taken:?}");
        }
        EndedBy::Blocked => assert!(in_a_row(Verdict::Blocked).count() >= usize::from(rules.blocked_samples)),
        EndedBy::Deadline => {
            let longest = rules.interval.max(Duration::from_secs(30)).mul_f64(1.2);
            assert!(*ended + longest >= rules.timeout, "there was time left: {taken:?}");
        }
        EndedBy::NoProgress => assert!(rules.no_progress.is_some_and(|time| *ended >= time)),
        other => panic!("nothing made it end by {other:?}"),
    }
}
