//! A migration that stands still although everything is met: which known defects are named, of which release is one warned, and
//! how is it told to people?

use kraft_check::evaluate::{evaluate, evaluate_tables, locate};
use kraft_check::render::{Document, Format, Style, render};
use kraft_check::signals::View;
use kraft_check::signals::driver::{level_name, protocol_version};
use kraft_check::snapshot::{Look, Node};
use kraft_check::stages::{HEALTH, STAGES};

use crate::answers::{NOW, ON_ZOOKEEPER, broker, look, snapshot};
use crate::driver::{BROKER, configured, judged, log_of, of_release, waiting, waits};

/// Everything is met since two minutes, on this release of 3.x; the log changed so many seconds ago, if it tells.
fn met(minor: i16, changed: Option<i64>) -> impl FnOnce(&mut Look) {
    move |look| {
        of_release(look, minor);
        let level = log_of(look).features[0].1;
        look.nodes[BROKER..].iter_mut().for_each(|node| node.configs = configured(1, &level_name(level)));
        log_of(look).brokers.iter_mut().for_each(|broker| broker.at = NOW - 120_000);
        log_of(look).last_change = changed.map(|seconds| NOW - seconds * 1000);
    }
}

#[test]
fn a_driver_stands_still_once_the_log_has_not_changed_for_a_minute() {
    let clause = |minor, changed| waits(met(minor, changed)).0;
    // A leader that was elected since then begins anew.
    assert_eq!(clause(9, Some(60)), "driver-polls");
    assert_eq!(clause(9, Some(61)), "driver-stands");
    // Before transactions a copy under way shows in nothing but what it writes, and older recordings do not tell that.
    assert_eq!([Some(60), Some(61), None].map(|changed| clause(5, changed)), ["", "driver-stands", ""]);
    assert_eq!(clause(9, None), "driver-stands");
}

#[test]
fn a_driver_that_stands_still_is_told_with_the_defects_of_its_release() {
    let known = |minor: i16| {
        let (id, _, by) = waits(met(minor, Some(120)));
        assert_eq!(id, "driver-stands", "3.{minor}: {by}");
        ["15369", "16563", "17506", "16667", "16171", "16216", "17146", "19480"].map(|jira| by.contains(jira))
    };
    assert_eq!(known(5), [true; 8], "without transactions as well");
    assert_eq!(known(6), [true; 8], "and none of its words is cut off");
    assert_eq!(known(7), [false, true, true, true, false, false, true, true]);
    assert_eq!(known(8), [false, false, true, true, false, false, true, true]);
    assert_eq!(known(9), [false, false, false, false, false, false, true, true]);
}

#[test]
fn what_a_clause_says_is_never_cut_off() {
    let row = STAGES[1].rows.iter().find(|row| row.id == "metadata-copied").expect("the row");
    for cause in row.causes {
        let clause = cause.clause.expect("a clause");
        // Words of a peer's are cut off at 256 characters, and these stand before them.
        assert!(clause.advice.chars().count() <= 256 && cause.words.chars().count() <= 128, "{}", clause.id);
    }
}

#[test]
fn people_read_it_under_the_stage_that_ends_with_the_copy() {
    let whereabouts = locate(&judged(|look| log_of(look).brokers.truncate(1)));
    let text = render(&Document::Whereabouts(&whereabouts), Format::Human, Style::default(), &[]);
    let lines: Vec<&str> = text.lines().collect();
    let place = lines.iter().position(|line| line.starts_with("  brokers-in-migration: not yet")).expect("the stage");
    assert!(lines[place + 1].starts_with("    waits for  the controllers do not register a broker"), "{text}");
    assert_eq!(text.matches("waits for").count(), 1, "{text}");
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn levels_have_the_names_that_kafka_gives_them() {
    let level = |name: &str| {
        let node = Node { configs: configured(1, name), ..broker(1, ON_ZOOKEEPER, true) };
        let snapshot = snapshot(&[1], &[], [look([node], [])]);
        protocol_version(&View::new(&snapshot, &snapshot.looks[0]), 1).map(|(_, level)| level)
    };
    for (name, expected) in [("3.8", 20), ("3.9-IV0", 21), ("3.7.1", 19), ("3.7-IV2", 17), ("3.6-IV1", 13), ("3.4", 8)]
    {
        assert_eq!(level(name), Some(expected), "{name}");
    }
    for name in ["", "2.8", "3.8-IV1", "3.0-IV0", "3.10", "3.x", "4.0", "3.7-IV-1"] {
        assert_eq!(level(name), None, "{name}");
    }
    let names = [13, 21, 1, 25].map(level_name);
    assert_eq!(names, ["3.6-IV1 (13)", "3.9-IV0 (21)", "3.0-IV1 (1)", "25"]);
}

#[test]
fn a_release_with_defects_is_warned_of_by_status_and_health_until_the_end() {
    let warned = |minor: i16, state: i8| {
        let mut look = waiting();
        of_release(&mut look, minor);
        log_of(&mut look).states.push(kraft_check::snapshot::StateRecord { offset: Some(8), at: NOW, state });
        let snapshot = snapshot(&[], &[3001, 3002], [look]);
        let is_it = |note: &kraft_check::report::Note| note.id == "release-with-defects";
        let by_status = locate(&snapshot).current().expect("a report").warnings.iter().any(is_it);
        let by_health = evaluate_tables(&[&HEALTH], None, &snapshot).warnings.iter().any(is_it);
        let by_stage = evaluate(&STAGES[1], &snapshot).warnings.iter().any(is_it);
        [by_status, by_health, by_stage]
    };
    for minor in [5, 6, 7, 8] {
        assert_eq!(warned(minor, 2), [true, true, false], "3.{minor}");
        assert_eq!(warned(minor, 3), [false; 3], "3.{minor}: nothing is migrated any more");
    }
    assert_eq!(warned(9, 2), [false; 3]);
}
